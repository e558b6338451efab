package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

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
	case err != nil && before == nil && s.security != nil && s.hungUp(err):
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
	if !state.wrote {
		return &wsman.ProtocolError{Msg: "the host sent something before it was asked"} // net/http's own text is malformed then
	}
	return &wsman.ProtocolError{Msg: "the answer is not valid HTTP", Err: err}
}

// A conn watches what net/http does with a connection.
type conn struct {
	net.Conn
	mu sync.Mutex
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
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read += int64(n)
	if n > 0 {
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
	defer c.mu.Unlock()
	c.breaks(err)
	return n, err
}

// breaks keeps the first error that ends the connection; c.mu is held.
func (c *conn) breaks(err error) {
	if c.broken == nil && !errors.Is(err, net.ErrClosed) {
		c.broken = err
	}
}
