package winrm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/masterzen/winrm"
	"github.com/masterzen/winrm/soap"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A Transporter carries the messages of a winrm.Client to one host over sessions of package transport. It implements winrm.Transporter,
// and is for the field TransportDecorator of winrm.Parameters. It is safe for concurrent use, also by several clients for the same
// Endpoint, which then share its connections: none of them carries two messages at a time.
//
// Errors of [Transporter.Post] are those of package transport, which winrm.Client returns as they are or wrapped, a [*FaultError], a
// [*wsman.TimeoutError], or a [*wsman.ProtocolError] of an answer that masterzen/winrm would misread.
//
// [*wsman.TimeoutError]: https://pkg.go.dev/github.com/hvmigerr/hvmigerr/wsman#TimeoutError
// [*wsman.ProtocolError]: https://pkg.go.dev/github.com/hvmigerr/hvmigerr/wsman#ProtocolError
type Transporter struct {
	ctx context.Context // Post has none to take it from
	end context.CancelCauseFunc
	cfg transport.Config

	mu      sync.Mutex
	closed  bool
	url     string // of the endpoint
	t       *transport.Transport
	courier *courier
	dial    func(ctx context.Context, network, addr string) (net.Conn, error) // winrm.Parameters.Dial; nil: none
}

var _ winrm.Transporter = (*Transporter)(nil)

// NewTransporter returns a Transporter that authenticates as cfg says; what the Endpoint of winrm.NewClientWithParameters says is added,
// as [Transporter.Transport] tells. It dials nothing.
//
// When ctx ends, so does at once every message under way, and with it the command of the winrm.Client: what masterzen/winrm
// itself takes a context for is only looked at between two messages, a minute apart. Commands are still terminated and shells
// deleted then: each message that does so has a second, from the end of ctx or, if that is later, from when it is sent. So has one that
// creates a shell. A shell whose id does not come in that second stays on the host until that ends it, for idleness, by default after two
// hours (facts/event-log.md §4).
func NewTransporter(ctx context.Context, cfg transport.Config) *Transporter {
	ctx, end := context.WithCancelCause(ctx)
	return &Transporter{ctx: ctx, end: end, cfg: cfg}
}

// Transport takes over the endpoint of a client, as [FromEndpoint] does: URL and what concerns TLS are those of ep where it has them. What
// the Config has as well must be the same, and neither lessens the protection that the other asks for: anything else is an error, as is a
// second endpoint. The user and the password of winrm.NewClient are not seen here; they are those of the Config. The Dial of
// winrm.Parameters opens the connections unless Config.DialContext does: that of the first client that sends a message and has one.
func (t *Transporter) Transport(ep *winrm.Endpoint) error {
	from, err := FromEndpoint(ep, nil)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return fmt.Errorf("winrm: %w", net.ErrClosed)
	case t.t != nil && t.url == from.URL:
		return nil
	case t.t != nil:
		return fmt.Errorf("winrm: the Transporter is for %s, not for %s", t.url, from.URL)
	}
	cfg, err := merge(t.cfg, from)
	if err != nil {
		return err
	}
	if cfg.DialContext == nil {
		cfg.DialContext = t.dialContext
	}
	if t.t, err = transport.New(cfg); err != nil {
		t.t = nil
		return err
	}
	t.url, t.courier = from.URL, &courier{t: t.t}
	return nil
}

// dialContext opens a connection as the parameters of a client say.
func (t *Transporter) dialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	t.mu.Lock()
	dial := t.dial
	t.mu.Unlock()
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return dial(ctx, network, addr)
}

// Post sends one message and returns its answer. It has the message's OperationTimeout, which is winrm.Parameters.Timeout, and 15 seconds.
func (t *Transporter) Post(client *winrm.Client, msg *soap.SoapMessage) (string, error) {
	r, err := newRequest(msg)
	if err != nil {
		return "", err
	}
	courier, err := t.ready(client, r)
	if err != nil {
		return "", err
	}
	defer t.release()
	bound := context.WithTimeout
	if r.outlives() {
		bound = outliving
	}
	ctx, cancel := bound(t.ctx, r.limit())
	defer cancel()
	_, text, err := courier.post(ctx, r)
	if err != nil {
		return "", forMasterzen(within(t.ctx, r, err))
	}
	return text, nil
}

// ready returns the courier for r, a message of client.
func (t *Transporter) ready(client *winrm.Client, r *request) (*courier, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed && !r.cleansUp():
		return nil, fmt.Errorf("winrm: %w", net.ErrClosed)
	case t.courier == nil:
		return nil, errors.New("winrm: the Transporter has no endpoint yet")
	}
	if t.dial == nil && client != nil && client.Dial != nil {
		t.dial = withContext(client.Dial)
	}
	return t.courier, nil
}

// release closes the connections once they are for nobody any more.
func (t *Transporter) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		t.t.CloseIdleConnections()
	}
}

// Close ends every message under way and closes the connections. Those messages, and others after them, fail with net.ErrClosed; but
// commands can still be terminated and shells deleted, as at the end of the context. The error is always nil.
func (t *Transporter) Close() error {
	t.end(net.ErrClosed)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.t != nil {
		t.t.CloseIdleConnections()
	}
	return nil
}
