package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// A session is one connection and what belongs to it. It carries one request at a time: authentication in WS-Management is
// a property of the connection (facts/auth.md §1), and so is the proof that a request has not left.
type session struct {
	t    *Transport
	conn *conn
	http *http.ClientConn
	// answered tells that an answer came over this connection before, kept that the transport has kept it since.
	answered, kept bool
	// header tells that the header of the present answer is still being read.
	header bool
	// reusable tells that the last answer was read to its end and the peer keeps the connection.
	reusable bool
	// certified tells that the client certificate is shown to a peer that asks for it.
	certified bool
	// security is the context that NTLM or Kerberos has established, nil before and without. It ends with the connection.
	security sealed.Context
}

// open dials and returns a new session.
func (t *Transport) open(ctx context.Context, anonymous bool) (*session, error) {
	c, err := t.dial(ctx, t.secure(anonymous))
	if err != nil {
		return nil, err
	}
	t.connections.Add(1)
	s, err := t.newSession(ctx, c)
	if err != nil {
		return nil, err
	}
	s.certified = t.certified(anonymous)
	return s, nil
}

// newSession returns the session of c. When it fails, it closes c.
func (t *Transport) newSession(ctx context.Context, c *conn) (*session, error) {
	handOver := func(context.Context, string, string) (net.Conn, error) { return c, nil }
	h := &http.Transport{
		DialContext:            handOver,
		DialTLSContext:         handOver,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	if t.forwarded() {
		// Only this makes net/http name the host in the request line and authenticate to the proxy.
		h.Proxy = func(*http.Request) (*url.URL, error) { return t.proxy, nil }
	}
	cc, err := h.NewClientConn(ctx, t.url.Scheme, t.hostPort())
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return &session{t: t, conn: c, http: cc}, nil
}

// close closes the connection. What the peer did to it meanwhile is of no interest any more.
func (s *session) close() { _ = s.http.Close() }

// exchange sends req over the session's connection, which it authenticates before if that is due.
func (s *session) exchange(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	s.reusable = false
	before := s.security
	if !req.Anonymous {
		if err := s.secure(ctx); err != nil {
			return nil, err
		}
	}
	if s.t.cfg.Auth == AuthBasic && !req.Anonymous && (!s.answered || !s.t.known.Load()) {
		if err := s.t.admit(ctx); err != nil {
			return nil, err
		}
	}
	contentType, body := contentTypeUTF8, req.Body
	if s.sealing() {
		var err error
		contentType = sealed.ContentType(s.t.negotiator.protocol)
		if body, err = sealed.Encode(s.security, s.t.negotiator.protocol, contentTypeUTF8, req.Body); err != nil {
			return nil, err
		}
	}
	hr, err := s.t.newRequest(ctx, contentType, body)
	if err != nil {
		return nil, err
	}
	switch {
	case req.Anonymous:
		hr.Header["WSMANIDENTIFY"] = []string{"unauthenticated"} // spelt as MS-WSMV spells it
	case s.t.auth != nil:
		s.t.auth.authorize(hr.Header)
	}
	resp, err := s.send(ctx, hr)
	switch {
	case err != nil && before == nil && s.security != nil && s.hungUp(err) && !errors.Is(err, errAbandoned):
		return nil, s.authError(errHungUp)
	case err != nil && s.t.cfg.Auth == AuthBasic && !req.Anonymous:
		return nil, s.unanswered(err)
	case err != nil:
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	reply, err := s.read(ctx, resp, s.t.tried(req))
	if err == nil && !req.Anonymous {
		s.t.known.Store(true)
	}
	return reply, err
}

// unanswered returns err, by which a connection ended while a password, or a proof of it, waited for its answer. A host may have
// counted it as wrong: as long as it has never taken it, it is not sent again (DESIGN: No lockouts).
func (s *session) unanswered(err error) error {
	if s.t.known.Load() || !s.conn.state().wrote || !errors.Is(err, wsman.ErrConnectionLost) {
		return err
	}
	err = fmt.Errorf("%w; %w", err, ErrUnanswered)
	s.t.refuse(err)
	return err
}

// sealing tells that bodies are sealed on this session.
func (s *session) sealing() bool { return s.security != nil && !s.t.cfg.Unsealed }

// send sends hr and returns the answer, of which the header has been read.
func (s *session) send(ctx context.Context, hr *http.Request) (*http.Response, error) {
	s.header = true
	s.conn.begin()
	resp, err := s.http.RoundTrip(hr)
	if err != nil {
		return nil, s.failure(ctx, err)
	}
	s.answered, s.header = true, false
	return resp, nil
}

// dropped tells that err is the 401 of a host that has forgotten the session, and has not read the request then. It comes in
// clear: somebody on the way can say it of a request that was read.
func (s *session) dropped(err error) bool {
	e, ok := errors.AsType[*wsman.HTTPError](err)
	return ok && s.security != nil && e.StatusCode == http.StatusUnauthorized
}

// unsent tells that err befell a kept connection before any byte of the request was written to it.
func (s *session) unsent(err error) bool {
	return err != nil && s.kept && !s.conn.state().wrote
}

// errAbandoned marks a connection that net/http has given up between two requests, since its own goroutines were late (it waits
// 50 ms for them): the peer has closed nothing, and nothing of the request was written.
var errAbandoned = errors.New("net/http has given the connection up")

// maxAbandoned bounds the connections that one request may lose so.
const maxAbandoned = 3

// abandoned tells an error of net/http that says so. It has no type; with another text the host is taken to have closed.
func abandoned(err error) bool { return strings.Contains(err.Error(), "readLoop exiting") }

// failure says what an error of net/http means. The state of the connection tells it: net/http's errors have no types.
func (s *session) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("waiting for the answer of %s: %w", s.t.hostPort(), ctx.Err())
	}
	state := s.conn.state()
	switch {
	case !s.answered && isAlert(state.broken):
		// TLS 1.3 reports what a server holds against us, such as a missing certificate, only after the handshake.
		return &ConnectError{Stage: StageTLS, Addr: s.t.hostPort(), Err: state.broken}
	case errors.Is(state.broken, io.EOF):
		return fmt.Errorf("%w: %w", wsman.ErrConnectionLost, io.ErrUnexpectedEOF)
	case state.broken != nil:
		return fmt.Errorf("%w: %w", wsman.ErrConnectionLost, state.broken)
	case s.header && state.read >= maxHeaderBytes:
		return &LimitError{What: "header", Limit: maxHeaderBytes}
	}
	switch {
	case !state.wrote && s.answered && abandoned(err):
		return fmt.Errorf("%w: %w", wsman.ErrConnectionLost, errAbandoned)
	case !state.wrote:
		return &wsman.ProtocolError{Msg: "the host sent something before it was asked"} // net/http's own text is malformed then
	}
	return &wsman.ProtocolError{Msg: "the answer is not valid HTTP", Err: err}
}

// alertWait is how long an alert may take to come after a write has failed. It is there by then, if the peer has sent one.
const alertWait = time.Second

// A conn watches what net/http does with a connection.
type conn struct {
	net.Conn
	tls bool // to the host

	reading sync.Mutex // held by who reads
	ahead   []byte     // what was read, and not yet by net/http; reading is held

	mu    sync.Mutex
	heard bool // something came, ever
	connState
}

// A connState is what happened on a conn since begin.
type connState struct {
	wrote  bool  // a write was begun
	read   int64 // bytes
	broken error // what ended the connection, when that was not us
}

// begin starts a new request.
func (c *conn) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrote, c.read = false, 0
}

func (c *conn) state() connState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connState
}

// Read reads from the connection. An error beside data is left for the next Read, which has it again.
func (c *conn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	return c.receive(p)
}

// receive reads from the peer; c.reading is held.
func (c *conn) receive(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read += int64(n)
	if n > 0 {
		c.heard = true
		return n, nil
	}
	c.breaks(err)
	return n, err
}

// Write writes to the connection.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.wrote = true
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	c.breaks(err)
	c.mu.Unlock()
	if err != nil {
		c.hearOut()
	}
	return n, err
}

// hearOut waits for why the peer broke off, if it has not said a word over TLS yet. A server of TLS 1.3 refuses a client by an alert after
// the handshake, and closes: a request on its way fails then, and net/http would not look for the alert.
func (c *conn) hearOut() {
	if !c.unheard() || c.SetReadDeadline(time.Now().Add(alertWait)) != nil {
		return
	}
	c.reading.Lock() // a Read of net/http's ends first, by the deadline at the latest
	defer c.reading.Unlock()
	if c.unheard() {
		b := make([]byte, bytes.MinRead)
		n, _ := c.receive(b) // it keeps the error
		c.ahead = b[:n]
	}
}

// unheard tells that the connection is broken, and that nothing that the host may have said over TLS was read.
func (c *conn) unheard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tls && !c.heard && c.broken != nil && !isAlert(c.broken)
}

// breaks keeps the first error that ends the connection, unless an alert follows, which tells why; c.mu is held.
func (c *conn) breaks(err error) {
	if c.broken == nil && !errors.Is(err, net.ErrClosed) || c.broken != nil && isAlert(err) {
		c.broken = err
	}
}
