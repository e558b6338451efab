package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Defaults of [Config].
const (
	DefaultConnectTimeout = 5 * time.Second
	DefaultMaxReplySize   = 2 << 20 // bytes
)

// Auth names how a user is authenticated.
type Auth string

// The ways of authentication.
const (
	AuthNTLM        Auth = "ntlm"        // Config.User and Config.Password by NTLM version 2, once a connection
	AuthKerberos    Auth = "kerberos"    // Config.Kerberos, by the scheme Kerberos, once a connection
	AuthNegotiate   Auth = "negotiate"   // the same within SPNEGO: Kerberos if Config.Kerberos is set, else NTLM
	AuthBasic       Auth = "basic"       // Config.User and Config.Password with every request
	AuthCertificate Auth = "certificate" // Config.ClientCertificate
	AuthNone        Auth = "none"        // nobody: only the anonymous Identify
)

// Config configures a [Transport]. URL and Auth are required. What concerns TLS is used over https only.
type Config struct {
	// URL is the endpoint, such as https://hv01:5986/wsman. Without a port it is the scheme's own, 80 or 443, not
	// WinRM's; without a path it is /wsman. It holds no user.
	URL string

	// Auth is how the user is authenticated. Nothing else is tried when it fails.
	Auth Auth
	// User and Password are for NTLM and AuthBasic. NTLM takes DOMAIN\user, user@domain, and user or .\user for an
	// account of the host.
	User     string
	Password Secret
	// Admit, if set, is called before a password, or NTLM's proof of one, goes to the host: once a connection, and with AuthBasic
	// before each request until one was answered. It may wait, with the connection open, until several transports that send the
	// same password have learnt from one of them whether it is right. Its error ends the request, of which nothing was sent then.
	Admit func(ctx context.Context) error
	// Kerberos holds what Kerberos authenticates with. It may serve many transports, and is not closed by any.
	Kerberos *Kerberos
	// SPN is the name of the host's service. If empty, HTTP/, then WSMAN/, then HOST/ before the name in URL, each only
	// when the KDC does not know the one before.
	SPN string
	// Unsealed leaves it to TLS alone to encrypt what goes over a session of NTLM or Kerberos.
	Unsealed bool
	// AllowUnencrypted lets AuthBasic send the password and all envelopes in clear over http, and Unsealed all envelopes.
	AllowUnencrypted bool
	// ClientCertificate is for AuthCertificate, and only for it.
	ClientCertificate *tls.Certificate

	// RootCAs are the authorities that may have issued the certificate of the host, or of an https proxy.
	// If nil, the system's.
	RootCAs *x509.CertPool
	// Pins replace the check of the host's chain and name: its certificate must be one of these.
	Pins []Pin
	// ServerName is the name that the host's certificate must hold. If empty, the one in URL.
	ServerName string
	// Insecure accepts any certificate of the host. It excludes Pins.
	Insecure bool

	// Proxy is the way to the host. The zero value takes it from the environment, when New is called.
	Proxy Proxy

	// ConnectTimeout bounds DNS, TCP, proxy and TLS together. If zero, 5 seconds.
	ConnectTimeout time.Duration
	// MaxReplySize is the longest body that is accepted, in bytes. If zero, 2 MiB.
	MaxReplySize int64
	// Budget bounds what several transports hold of bodies at the same time. If nil, each is bound by MaxReplySize alone.
	Budget *Budget

	// DialContext opens TCP connections to the host or the proxy. If nil, a net.Dialer does.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
}

// An authenticator says who we are.
type authenticator interface {
	// scheme is its name in messages.
	scheme() string
	// authorize adds what every request must carry.
	authorize(h http.Header)
}

// A Transport carries envelopes to one host. It implements [wsman.Transport] and is safe for concurrent use: each
// connection carries one request at a time, and is kept for the next one.
type Transport struct {
	cfg        Config
	url        *url.URL
	auth       authenticator // of each request; nil: none
	negotiator *negotiator   // of each session; nil: none
	proxy      *url.URL      // nil: none

	connections atomic.Int64
	// first is held by the one session that authenticates while none has succeeded yet: several would all be wrong with
	// a wrong password (DESIGN: No lockouts).
	first  chan struct{}
	proven atomic.Bool
	// known tells that the host has taken these credentials at least once: they are no slip then.
	known atomic.Bool

	mu          sync.Mutex
	idle        []*session
	closed      bool
	refusedWith error // what became of these credentials; they are not sent again
}

// New returns a Transport that uses cfg. It never dials.
func New(cfg Config) (*Transport, error) {
	u, err := endpoint(cfg.URL)
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.ConnectTimeout < 0:
		return nil, fmt.Errorf("transport: Config.ConnectTimeout %v is negative", cfg.ConnectTimeout)
	case cfg.MaxReplySize < 0:
		return nil, fmt.Errorf("transport: Config.MaxReplySize %d is negative", cfg.MaxReplySize)
	case cfg.Insecure && len(cfg.Pins) > 0:
		return nil, errors.New("transport: Config.Insecure and Config.Pins exclude each other")
	case cfg.ClientCertificate != nil && cfg.Auth != AuthCertificate:
		return nil, fmt.Errorf("transport: Config.ClientCertificate does not go with %q", cfg.Auth)
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = DefaultConnectTimeout
	}
	if cfg.MaxReplySize == 0 {
		cfg.MaxReplySize = DefaultMaxReplySize
	}
	if cfg.DialContext == nil {
		cfg.DialContext = new(net.Dialer).DialContext
	}
	cfg.Pins = slices.Clone(cfg.Pins)
	t := &Transport{cfg: cfg, url: u, first: make(chan struct{}, 1)}
	switch cfg.Auth {
	case AuthNTLM, AuthKerberos, AuthNegotiate:
		t.negotiator, err = newNegotiator(&cfg, u)
	case AuthBasic:
		t.auth, err = newBasic(&cfg, u.Scheme)
	case AuthCertificate:
		t.auth, err = newCertificate(&cfg, u.Scheme)
	case AuthNone:
	default:
		err = fmt.Errorf("transport: Config.Auth %q is unknown", cfg.Auth)
	}
	if err != nil {
		return nil, err
	}
	if t.proxy, err = cfg.Proxy.forURL(u); err != nil {
		return nil, err
	}
	return t, nil
}

// endpoint reads Config.URL. No message repeats what could not be read: it may hold a password.
func endpoint(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return nil, errors.New("transport: Config.URL is not http://HOST[:PORT]/wsman or https://HOST[:PORT]/wsman")
	case u.User != nil:
		return nil, errors.New("transport: Config.URL holds a user; that is what Config.User is for")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("transport: Config.URL %q holds more than a path", u)
	}
	if u.Path == "" {
		u.Path = "/wsman"
	}
	return u, nil
}

// Mechanism returns how the user is authenticated: NTLM, Kerberos, Basic or certificate; "" for nobody.
func (t *Transport) Mechanism() string {
	switch {
	case t.negotiator != nil:
		return t.negotiator.mechanism
	case t.auth != nil:
		return t.auth.scheme()
	}
	return ""
}

// RoundTrip sends req and returns its reply. See the package comment for its errors.
func (t *Transport) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	if t.Mechanism() == "" && !req.Anonymous {
		return nil, errors.New("transport: without authentication only the anonymous Identify is sent")
	}
	renewed, abandoned := false, 0
	for {
		s, err := t.acquire(ctx, req.Anonymous)
		if err != nil {
			return nil, err
		}
		reply, err := s.exchange(ctx, req)
		t.release(s)
		switch {
		case err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()):
			// The peer saw us leave and said something, or broke off: that is not why the caller has no answer.
			return nil, s.failure(ctx, err)
		case s.unsent(err) && ctx.Err() == nil:
			continue
		case errors.Is(err, errAbandoned) && abandoned < maxAbandoned && ctx.Err() == nil:
			abandoned++
			continue
		case s.dropped(err) && req.Repeatable && !renewed:
			renewed = true
			t.renew()
			continue
		case s.dropped(err) && renewed:
			t.refuse(err)
		}
		return reply, err
	}
}

// renew makes the next request authenticate on a fresh connection: the host has forgotten one session, and may have forgotten all.
func (t *Transport) renew() {
	t.proven.Store(false)
	t.CloseIdleConnections()
}

// acquire returns a session for one request.
func (t *Transport) acquire(ctx context.Context, anonymous bool) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := t.kept(anonymous)
	if s == nil && err == nil {
		s, err = t.open(ctx, anonymous)
	}
	return s, err
}

// admit waits until a password, or the proof of one, may go to the host.
func (t *Transport) admit(ctx context.Context) error {
	if t.cfg.Admit == nil {
		return nil
	}
	return t.cfg.Admit(ctx)
}

// certified tells that the session of a request shows the client certificate. One that does is not one for nobody's requests.
func (t *Transport) certified(anonymous bool) bool {
	return t.cfg.Auth == AuthCertificate && !anonymous
}

// refused returns the error that refuse has kept, or nil.
func (t *Transport) refused() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refusedWith
}

// refuse keeps err, which is the answer to all further requests with these credentials.
func (t *Transport) refuse(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refusedWith = err
}

// kept returns the session that was used last and is still open, or nil. What is anonymous stays off authenticated ones.
func (t *Transport) kept(anonymous bool) (*session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return nil, fmt.Errorf("transport: %w", net.ErrClosed)
	case t.refusedWith != nil && !anonymous:
		return nil, t.refusedWith
	}
	for i, s := range slices.Backward(t.idle) {
		if anonymous && s.security != nil || s.certified != t.certified(anonymous) {
			continue
		}
		t.idle = slices.Delete(t.idle, i, i+1)
		if s.http.Err() == nil {
			s.kept = true
			return s, nil
		}
		s.close()
	}
	return nil, nil //nolint:nilnil // no kept session is no failure: acquire opens one
}

// release keeps s for the next request, when it is fit for one.
func (t *Transport) release(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || !s.reusable {
		s.close()
		return
	}
	t.idle = append(t.idle, s)
}

// Connections returns how many connections to the host were opened so far, each one ready for requests.
func (t *Transport) Connections() int { return int(t.connections.Load()) }

// CloseIdleConnections closes the connections that carry no request.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.idle {
		s.close()
	}
	t.idle = nil
}

// Close closes the connections that carry no request, and each other one when its request ends. A request after it
// fails with net.ErrClosed. The error is always nil.
func (t *Transport) Close() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.CloseIdleConnections()
	return nil
}
