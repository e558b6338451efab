package wsmantest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// Config configures a [Server]. The zero value is a host with [DefaultModel] and [DefaultUsers], over HTTPS on a free
// port of the loopback interface.
type Config struct {
	// Model is what the host knows. If nil, DefaultModel of the moment NewServer is called.
	Model *Model
	// Users may authenticate. If nil, those of the model; if it has none either, DefaultUsers.
	Users []User
	// Rules make the host misbehave; they come before those of the model.
	Rules []Rule
	// Dialect is used in place of the model's if it is not nil.
	Dialect *Dialect
	// Clock tells the time. If nil, time.Now.
	Clock func() time.Time

	// HTTP serves plain HTTP, as Windows does by default: what is not sealed by NTLM or Kerberos is refused.
	HTTP bool
	// AllowUnencrypted takes envelopes in clear over HTTP, and Basic with them. Over HTTPS it changes nothing.
	AllowUnencrypted bool
	// Auth holds the methods of authentication. If nil, over HTTPS all, over HTTP NTLM and Kerberos, and Basic with
	// AllowUnencrypted.
	Auth []AuthMethod
	// Keytab holds the keys of the HTTP service as a KDC gave them, in the format of MIT. If nil, the server has random keys,
	// to which [Server.CCache] makes tickets.
	Keytab Keytab
	// Addr is the address to listen on. If empty, 127.0.0.1:0.
	Addr string
	// Delay holds back every answer, those to tokens too: the time that a request and its answer need on a long way.
	Delay time.Duration
	// Records is how many requests [Server.Requests] remembers. If zero, 4096; if negative, none.
	Records int
	// Names are further names and addresses that the certificate is for, beside localhost and the loopback addresses.
	Names []string
	// Certificate is what is wrong with the certificate. If empty, nothing.
	Certificate CertificateFlaw
	// ClientCAs vouch for client certificates that User.CertificateSubject maps.
	ClientCAs *x509.CertPool
}

// A Server is a simulated Hyper-V host. It is safe for concurrent use.
type Server struct {
	cfg      Config
	host     *host
	users    []User
	rules    []Rule
	dialect  Dialect
	methods  []AuthMethod
	identity *identity // nil with Config.HTTP
	keys     []krb5.ServiceKey
	realm    string // of Kerberos
	domain   string // of NTLM

	mu           sync.Mutex
	addr         net.Addr     // where it listened last; nil before Start
	http         *http.Server // nil while it does not serve
	stop         context.CancelFunc
	connections  int
	live         map[net.Conn]struct{}
	records      []RequestRecord
	ruleUses     []int
	enumerations map[string]*enumeration
	shells       map[string]*shell
	commandLines []string
	truncated    int // answers of wevtutil that were cut, of ShellService.TruncateCount

	serving sync.WaitGroup
}

// Format says which host it is, and no password and no key, for every verb.
func (s *Server) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "simulated host %s of %s", s.host.name(), s.realm)
}

// NewServer returns a server that does not listen yet: [Server.Start] does, and [Server.Transport] needs no listening.
func NewServer(cfg Config) (*Server, error) {
	s, err := newServer(cfg, nil)
	if err != nil {
		return nil, fmt.Errorf("wsmantest: %w", err)
	}
	return s, nil
}

// newServer returns a server that takes what is the same for all from common, if that is not nil.
func newServer(cfg Config, common *common) (*Server, error) {
	s := &Server{cfg: cfg, users: cfg.Users, enumerations: map[string]*enumeration{}, methods: cfg.methods()}
	model := cfg.Model
	if model == nil {
		model = DefaultModel(s.now())
	}
	if err := model.validate(); err != nil {
		return nil, err
	}
	if s.users == nil {
		s.users = model.Users
	}
	if s.users == nil {
		s.users = DefaultUsers()
	}
	s.rules = slices.Concat(cfg.Rules, model.Rules)
	s.ruleUses = make([]int, len(s.rules))
	s.dialect = model.Dialect
	if cfg.Dialect != nil {
		s.dialect = *cfg.Dialect
	}
	if err := errors.Join(cfg.validateMethods(), cfg.validateCertificate(), validateUsers(s.users), validateRules(s.rules), s.dialect.validate()); err != nil {
		return nil, err
	}
	s.host = newHost(model, s.now(), common.classes())
	if err := s.readKeys(cfg.Keytab, common); err != nil {
		return nil, err
	}
	if err := s.certify(common); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) now() time.Time {
	if s.cfg.Clock == nil {
		return time.Now()
	}
	return s.cfg.Clock()
}

// Limits of the HTTP side, so that a client cannot hold a connection for ever.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 60 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeader         = 96 << 10 // holds a token of maxToken in base64
)

// Start listens and serves until Close. After Close it may be called again: the server comes back at the address that it
// had, with its jobs as they are by then, and knows no session, no enumeration and no shell from before.
func (s *Server) Start() error {
	if err := s.start(); err != nil {
		return fmt.Errorf("wsmantest: %w", err)
	}
	return nil
}

func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		return errors.New("the server was started before")
	}
	addr := cmp.Or(s.cfg.Addr, defaultAddr)
	if s.addr != nil {
		addr = s.addr.String()
		clear(s.enumerations)
	}
	ctx, stop := context.WithCancel(context.Background())
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		stop()
		return err
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true) // WinRM speaks HTTP/1.1; one connection is one session
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serveHTTP), Protocols: &protocols,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // a library does not log
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: withConnection, ConnState: s.track,
	}
	server := s.http
	s.addr, s.stop = listener.Addr(), stop
	s.serving.Go(func() { s.serve(server, listener) })
	return nil
}

// defaultAddr is where a server listens unless its configuration says else.
const defaultAddr = "127.0.0.1:0"

// serve runs until the listener closes; its error is then of no interest.
func (s *Server) serve(server *http.Server, l net.Listener) {
	if s.identity == nil {
		_ = server.Serve(l)
		return
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{s.identity.certificate}}
	if s.wantsCertificates() {
		// Checked against the users, by fingerprint or by authority. No authorities are announced: a client would then
		// hold back a certificate that signs itself.
		cfg.ClientAuth = tls.RequestClientCert
	}
	_ = server.Serve(tls.NewListener(l, cfg))
}

// track counts connections, and knows those that are open.
func (s *Server) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.connections++
		if s.live == nil {
			s.live = map[net.Conn]struct{}{}
		}
		s.live[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(s.live, c)
	default: // it stays open
	}
}

// Cut ends every open connection with a TCP reset, whatever is under way, and returns how many there were. The server goes
// on.
func (s *Server) Cut() int {
	s.mu.Lock()
	live := slices.Collect(maps.Keys(s.live))
	s.mu.Unlock()
	for _, c := range live {
		reset(c)
	}
	return len(live)
}

// Close stops listening and ends every connection, whatever is under way. Requests through [Server.Transport] are not
// affected.
func (s *Server) Close() error {
	s.mu.Lock()
	server, stop := s.http, s.stop
	s.mu.Unlock()
	if server == nil {
		return nil
	}
	stop()
	err := server.Close()
	s.serving.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == server {
		s.http = nil
	}
	s.dropShells()
	return err
}

// Restart closes the server and starts it again at the same address, as a machine that reboots in no time.
func (s *Server) Restart() error { return errors.Join(s.Close(), s.Start()) }

// Addr returns the address that the server listens on, or did before Close; nil before Start.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// URL returns the endpoint, such as https://127.0.0.1:41234/wsman; before Start one that nobody listens on.
func (s *Server) URL() string {
	scheme, addr := "https", "localhost"
	if s.cfg.HTTP {
		scheme = "http"
	}
	if a := s.Addr(); a != nil {
		addr = a.String()
	}
	return scheme + "://" + addr + endpointPath
}

// CACertPEM returns the certificate of the authority that signed the server's own; nil over plain HTTP.
func (s *Server) CACertPEM() []byte {
	if s.identity == nil {
		return nil
	}
	return slices.Clone(s.identity.caPEM)
}

// Pin returns "sha256:" and the hex SHA-256 of the server's certificate; "" over plain HTTP.
func (s *Server) Pin() string {
	if s.identity == nil {
		return ""
	}
	return pinOf(s.identity.certificate.Leaf)
}

// Connections returns how many TCP connections were accepted so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// OpenEnumerations returns how many enumeration contexts wait for a Pull or a Release.
func (s *Server) OpenEnumerations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.enumerations)
}
