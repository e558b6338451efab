package winrm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/masterzen/winrm"
	"github.com/masterzen/winrm/soap"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// cleanUpTime is how long, together, the messages have that end commands and delete shells once the context has ended.
const cleanUpTime = 2 * time.Second

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
	life lifetime
	cfg  transport.Config

	mu      sync.Mutex
	closed  bool
	url     string // of the endpoint
	t       *transport.Transport
	courier *courier
}

var _ winrm.Transporter = (*Transporter)(nil)

// NewTransporter returns a Transporter that authenticates as cfg says; what the Endpoint of winrm.NewClientWithParameters says is added,
// as [Transporter.Transport] tells. It dials nothing.
//
// When ctx ends, so does at once every message under way, and with it the command of the winrm.Client: what masterzen/winrm
// itself takes a context for is only looked at between two messages, a minute apart. Commands are still terminated and shells
// deleted then, within two seconds.
func NewTransporter(ctx context.Context, cfg transport.Config) *Transporter {
	return &Transporter{life: lifetime{ctx: ctx}, cfg: cfg}
}

// Transport takes over the endpoint of a client, as [FromEndpoint] does: URL and what concerns TLS are those of ep where it has them. What
// the Config has as well must be the same, and neither lessens the protection that the other asks for: anything else is an error, as is a
// second endpoint. The user and the password of winrm.NewClient are not seen here; they are those of the Config.
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
	if t.t, err = transport.New(cfg); err != nil {
		t.t = nil
		return err
	}
	t.url, t.courier = from.URL, &courier{t: t.t}
	return nil
}

// Post sends one message and returns its answer. It has the message's OperationTimeout, which is winrm.Parameters.Timeout, and 15 seconds.
func (t *Transporter) Post(_ *winrm.Client, msg *soap.SoapMessage) (string, error) {
	t.mu.Lock()
	courier := t.courier
	t.mu.Unlock()
	if courier == nil {
		return "", errors.New("winrm: the Transporter has no endpoint yet")
	}
	r, err := newRequest(msg)
	if err != nil {
		return "", err
	}
	ctx, cancel := t.life.context(r)
	defer cancel()
	_, text, err := courier.post(ctx, r)
	if err != nil {
		return "", forMasterzen(t.life.timeout(r, err))
	}
	return text, nil
}

// Close closes the connections. Messages after it fail with net.ErrClosed. The error is always nil.
func (t *Transporter) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.t == nil {
		return nil
	}
	return t.t.Close()
}

// A lifetime gives each message its context.
type lifetime struct {
	ctx context.Context //nolint:containedctx // Post has none to take it from

	mu  sync.Mutex
	end time.Time // of the cleaning up; zero before it
}

// context returns the context of r: what ends something on the host outlives l.ctx.
func (l *lifetime) context(r *request) (context.Context, context.CancelFunc) {
	if !r.cleansUp() {
		return context.WithTimeout(l.ctx, r.limit())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), r.limit())
	stop := context.AfterFunc(l.ctx, func() { time.AfterFunc(l.left(), cancel) })
	return ctx, func() {
		stop()
		cancel()
	}
}

// left returns how much of cleanUpTime there is; the first call begins it.
func (l *lifetime) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end.IsZero() {
		l.end = time.Now().Add(cleanUpTime)
	}
	return time.Until(l.end)
}

// timeout names err when it was the time of r that has ended, and not l.ctx.
func (l *lifetime) timeout(r *request, err error) error { return timedOut(l.ctx, r, err) }

func timedOut(ctx context.Context, r *request, err error) error {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return &wsman.TimeoutError{Limit: r.limit(), Err: err}
	}
	return err
}
