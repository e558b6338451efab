package wsmantest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
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
	listener     net.Listener
	http         *http.Server
	stop         context.CancelFunc
	connections  int
	records      []RequestRecord
	ruleUses     []int
	enumerations map[string]*enumeration

	serving sync.WaitGroup
}

// Format says which host it is, and no password and no key, for every verb.
func (s *Server) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "simulated host %s of %s", s.host.name(), s.realm)
}

// NewServer returns a server that does not listen yet: [Server.Start] does, and [Server.Transport] needs no listening.
func NewServer(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, users: cfg.Users, enumerations: map[string]*enumeration{}, methods: cfg.methods()}
	model := cfg.Model
	if model == nil {
		model = DefaultModel(s.now())
	}
	if err := model.validate(); err != nil {
		return nil, fmt.Errorf("wsmantest: %w", err)
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
		return nil, fmt.Errorf("wsmantest: %w", err)
	}
	s.host = newHost(model, s.now())
	if err := s.readKeys(cfg.Keytab); err != nil {
		return nil, fmt.Errorf("wsmantest: %w", err)
	}
	if !cfg.HTTP {
		var err error
		if s.identity, err = newIdentity(s.now(), s.names(), cfg.Certificate); err != nil {
			return nil, fmt.Errorf("wsmantest: %w", err)
		}
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

// Start listens and serves until Close. A server starts once.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		return errors.New("wsmantest: the server was started before")
	}
	addr := s.cfg.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ctx, stop := context.WithCancel(context.Background())
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		stop()
		return fmt.Errorf("wsmantest: %w", err)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true) // WinRM speaks HTTP/1.1; one connection is one session
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serveHTTP), Protocols: &protocols,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // a library does not log
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: withConnection, ConnState: s.countConnection,
	}
	s.listener, s.stop = listener, stop
	s.serving.Go(func() { s.serve(listener) })
	return nil
}

// serve runs until the listener closes; its error is then of no interest.
func (s *Server) serve(l net.Listener) {
	if s.identity == nil {
		_ = s.http.Serve(l)
		return
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{s.identity.certificate}}
	if s.wantsCertificates() {
		// Checked against the users, by fingerprint or by authority. No authorities are announced: a client would then
		// hold back a certificate that signs itself.
		cfg.ClientAuth = tls.RequestClientCert
	}
	_ = s.http.Serve(tls.NewListener(l, cfg))
}

func (s *Server) countConnection(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.mu.Lock()
		s.connections++
		s.mu.Unlock()
	}
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
	return err
}

// Addr returns the address that the server listens on, nil before Start.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
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

// A RequestRecord tells of one request that the server answered. A request that brings the last token of a handshake
// and an envelope has two.
type RequestRecord struct {
	Time time.Time
	// User is the name that the request came with, also when it was refused; empty for the anonymous Identify, and for a token
	// that names nobody.
	User string
	// Scheme is that of the authentication: Basic, Negotiate, Kerberos, or empty for none and for a certificate.
	Scheme string
	// Sealed tells that the envelope came sealed.
	Sealed bool
	// Operation is Identify, Get, Enumerate, Pull, Release or a method; Authenticate for a token; empty when the request was
	// not read.
	Operation   string
	Action      string
	ResourceURI string
	MessageID   string
	// StatusCode is that of the answer, also when a rule kept it from arriving.
	StatusCode int
	// Fault is the subcode of the answer with Windows' prefix, such as w:AccessDenied.
	Fault string
}

// maxRecords bounds what Requests can return, for a server that runs for long.
const maxRecords = 4096

// maxRecordText bounds each text of a record, in octets: a client chose them.
const maxRecordText = 512

// Requests returns what was asked so far, oldest first; at most the last 4096.
func (s *Server) Requests() []RequestRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records)
}

func (s *Server) record(r *RequestRecord) {
	for _, text := range []*string{&r.User, &r.Operation, &r.Action, &r.ResourceURI, &r.MessageID} {
		*text = strings.Clone((*text)[:min(len(*text), maxRecordText)]) // lets go of the request
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) == maxRecords {
		s.records = slices.Delete(s.records, 0, maxRecords/4)
	}
	s.records = append(s.records, *r)
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
