package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// maxBanner is how much is kept of what a peer says that is not HTTP, in bytes.
const maxBanner = 256

// A Probe is what was seen on the way to the host by one request that is nobody's. A field that was not reached has its zero value.
type Probe struct {
	// Remote is the address and port at the other end of the connection: the proxy's, if Proxied.
	Remote string
	// Proxied tells that the way leads through a proxy.
	Proxied bool
	// TLS is the state of the connection to the host, also when its certificate was refused; nil over http, and when the peer
	// speaks no TLS.
	TLS *tls.ConnectionState
	// Certificate is why a certificate was refused: that of the host, or of an https proxy. No HTTP was sent to its holder then.
	Certificate *CertificateError
	// Banner is how a peer begins that was to answer by HTTP or TLS and does not: at most 256 bytes, such as SSH-2.0-OpenSSH.
	Banner []byte

	// StatusCode is that of the answer; zero: there is none. The answer may be that of a proxy that forwards requests.
	StatusCode int
	// Header is that of the answer, of at most 64 KiB.
	Header http.Header
	// Challenges are the schemes of WWW-Authenticate. A service may name none to one who brings no Authorization header.
	Challenges []string
	// Body is the first 4 KiB of the answer's body, or what came of them in time.
	Body []byte
	// Received is when the whole header had come: what its Date is to be compared with.
	Received time.Time
}

// Protocol names what the peer was heard to speak: HTTP, TLS, SSH, or "" if that is not known.
func (p *Probe) Protocol() string {
	switch {
	case p.StatusCode != 0 || bytes.HasPrefix(p.Banner, []byte("HTTP/")):
		return "HTTP"
	case bytes.HasPrefix(p.Banner, []byte("SSH-")): // RFC 4253 §4.2
		return "SSH"
	case len(p.Banner) > 1 && (p.Banner[0] == 21 || p.Banner[0] == 22) && p.Banner[1] == 3: // an alert or a handshake, RFC 8446 §5.1
		return "TLS"
	}
	return ""
}

// Probe goes the way of a request, through the proxy and TLS, and sends one empty POST without anything of the user: no
// Authorization, no client certificate, no name. A proxy is told the user and the password that are its own. Config.ConnectTimeout
// bounds the connecting, and the body; for the answer it waits as a request does, as long as ctx allows.
//
// Any answer of HTTP is a success. Otherwise the error is what a request would end with, and the Probe, which is never nil, holds what
// was learnt before. Of a peer that ends the connection before it has answered, it is a [*ConnectError] of StageAnswer, and
// [wsman.ErrConnectionLost] is in it.
func (t *Transport) Probe(ctx context.Context) (*Probe, error) {
	p := &Probe{Proxied: t.proxy != nil}
	c, err := t.dial(ctx, func(ctx context.Context, c net.Conn) (net.Conn, error) {
		return p.handshake(ctx, c, t.tlsConfig(true))
	})
	if err != nil {
		p.Certificate, _ = errors.AsType[*CertificateError](err)
		return p, err
	}
	p.Remote = c.RemoteAddr().String()
	heard := &opening{Conn: c.Conn}
	c.Conn = &patient{Conn: heard, asked: make(chan struct{})}
	s, err := t.newSession(ctx, c)
	if err != nil {
		return p, err
	}
	defer s.close()
	err = p.ask(ctx, s)
	if p.StatusCode == 0 {
		p.Banner = heard.first()
	}
	return p, err
}

// handshake starts TLS on c, as the function of that name does, and notes what the host shows.
func (p *Probe) handshake(ctx context.Context, c net.Conn, cfg *tls.Config) (net.Conn, error) {
	p.Remote = c.RemoteAddr().String()
	heard := &opening{Conn: c}
	secured := tls.Client(heard, cfg)
	err := secured.HandshakeContext(ctx)
	state := secured.ConnectionState()
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		state.PeerCertificates = refused.UnverifiedCertificates
	}
	if state.Version != 0 {
		p.TLS = &state
	}
	if err == nil {
		return secured, nil
	}
	_ = c.Close()
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		p.Banner = heard.first()
	}
	return nil, tlsError(err, cfg.ServerName)
}

// ask sends the request over s and notes the answer.
func (p *Probe) ask(ctx context.Context, s *session) error {
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	hr, err := s.t.newRequest(asking, contentTypeUTF8, nil)
	if err != nil {
		return err
	}
	resp, err := s.send(asking, hr)
	switch {
	case errors.Is(err, wsman.ErrConnectionLost):
		return &ConnectError{Stage: StageAnswer, Addr: s.t.hostPort(), Err: err}
	case err != nil:
		return err
	}
	defer time.AfterFunc(s.t.cfg.ConnectTimeout, cancel).Stop() // of the body: it is worth no longer wait
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < http.StatusContinue {
		return &wsman.ProtocolError{Msg: fmt.Sprintf("the answer is not valid HTTP: its status is %q", resp.Status)}
	}
	p.Received = time.Now()
	p.StatusCode, p.Header = resp.StatusCode, resp.Header
	p.Challenges = challengeSchemes(resp.Header["Www-Authenticate"])
	if resp.StatusCode != http.StatusSwitchingProtocols { // its body never ends
		p.Body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // the answer counts, whatever becomes of its body
	}
	if e, ok := errors.AsType[*ConnectError](s.t.refusal(resp, p.Body, "")); ok {
		return e
	}
	return nil
}

// An opening is a connection that keeps how the peer begins.
type opening struct {
	net.Conn

	mu   sync.Mutex
	kept []byte
}

func (o *opening) Read(b []byte) (int, error) {
	n, err := o.Conn.Read(b)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, b[:min(n, maxBanner-len(o.kept))]...)
	return n, err
}

// first returns the first bytes that were read.
func (o *opening) first() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.kept)
}

// A patient connection lets nothing in before the request is out. At the banner of a peer that speaks first net/http would break off, or
// not, as it happens, and would tell the program's log.
type patient struct {
	net.Conn

	once  sync.Once
	asked chan struct{}
}

func (p *patient) Read(b []byte) (int, error) {
	<-p.asked
	return p.Conn.Read(b)
}

// Write writes to the connection, in one go: a request without a body is short.
func (p *patient) Write(b []byte) (int, error) {
	defer p.once.Do(func() { close(p.asked) })
	return p.Conn.Write(b)
}

// Close closes the connection, and lets go who waits in Read.
func (p *patient) Close() error {
	p.once.Do(func() { close(p.asked) })
	return p.Conn.Close()
}
