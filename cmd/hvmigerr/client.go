package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A session is a way to one host.
type session struct {
	app       *app
	flags     *connectionFlags
	target    *target
	transport *transport.Transport
	client    *wsman.Client
	trace     *tracer // nil without --trace
	requests  int
	names     map[string]string // of virtual machines, by GUID
}

// open reads the flags, asks for the password and returns a session for the host arg. It sends nothing; all its errors
// are usage errors, or what ended ctx.
func (a *app) open(ctx context.Context, f *connectionFlags, fs *pflag.FlagSet, arg string) (*session, error) {
	if err := f.finish(fs); err != nil {
		return nil, err
	}
	cfg := &transport.Config{Auth: transport.Auth(f.auth)}
	if f.anonymous && f.user == "" && f.clientCert == "" {
		cfg.Auth = transport.AuthNone
	}
	t, err := parseHost(arg, &hostRule{
		http: f.http, https: f.typed["https"] && f.https, environment: f.httpsByEnvironment(),
		port: f.port, portTyped: f.typed["port"],
		secret: cfg.Auth != transport.AuthNone, tlsFlag: f.typedTLS(),
	})
	if err != nil {
		return nil, err
	}
	if err := f.fill(cfg, t); err != nil {
		return nil, err
	}
	if cfg.Auth == transport.AuthBasic {
		if cfg.Password, err = a.password(ctx, f, t.name); err != nil {
			return nil, err
		}
		if strings.ContainsFunc(cfg.Password.Reveal(), unicode.IsControl) {
			return nil, &usageError{"the password holds a control character, such as a second line end, which basic cannot carry"}
		}
	}
	return a.newSession(f, cfg, t)
}

// newSession returns a session for t that is configured by cfg.
func (a *app) newSession(f *connectionFlags, cfg *transport.Config, t *target) (*session, error) {
	s := &session{app: a, flags: f, target: t, names: map[string]string{}}
	var err error
	if s.transport, err = transport.New(*cfg); err != nil {
		return nil, &usageError{err.Error()}
	}
	if s.client, err = wsman.NewClient(wsman.Config{
		Endpoint: t.url, Transport: s.transport, Locale: f.locale, URIStyle: uriStyle(f.uriStyle), Trace: s.exchanged,
	}); err != nil {
		return nil, &usageError{err.Error()}
	}
	proxy, _ := s.transport.Proxy()
	a.secrets = newRedactor(cfg, proxy)
	if f.trace != "" {
		if s.trace, err = newTracer(f.trace, t.name); err != nil {
			return nil, &usageError{f.origin("trace") + ": " + err.Error()}
		}
		s.trace.secrets = a.secrets
	}
	s.announce(cfg)
	return s, nil
}

func uriStyle(name string) wsman.URIStyle {
	if name == uriStyleDMTF {
		return wsman.URIStyleDMTF
	}
	return wsman.URIStyleMicrosoft
}

// fill turns flags into the transport's configuration. Nothing goes in clear that should not (DESIGN: No plaintext).
func (f *connectionFlags) fill(cfg *transport.Config, t *target) error {
	cfg.URL = t.url
	cfg.ServerName, cfg.Insecure = f.tlsServerName, f.insecure
	cfg.ConnectTimeout = f.connectTimeout
	cfg.AllowUnencrypted = f.allowUnencrypted
	switch {
	case cfg.Auth == transport.AuthCertificate && !t.https:
		return &usageError{fmt.Sprintf("%s needs https, and %s is http", f.origin("client-cert"), t.url)}
	case cfg.Auth == transport.AuthBasic && f.user == "":
		return &usageError{"--user is missing"}
	case cfg.Auth == transport.AuthBasic && strings.ContainsFunc(f.user, notInUser):
		return &usageError{f.origin("user") + " holds a colon or a control character, which basic cannot carry"}
	case cfg.Auth == transport.AuthBasic && !t.https && !f.allowUnencrypted:
		return &usageError{"--auth basic over http would send the password in clear: use https, or accept it with --allow-unencrypted"}
	}
	if cfg.Auth == transport.AuthBasic {
		cfg.User = f.user
	}
	return f.fillTLS(cfg)
}

// notInUser tells what a user's name cannot hold (RFC 7617 §2).
func notInUser(r rune) bool { return r == ':' || unicode.IsControl(r) }

func (f *connectionFlags) fillTLS(cfg *transport.Config) error {
	if f.caFile != "" {
		pem, err := os.ReadFile(f.caFile)
		if err != nil {
			return &usageError{f.origin("ca-file") + ": " + err.Error()}
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return &usageError{fmt.Sprintf("%s: %s holds no certificate in PEM", f.origin("ca-file"), f.caFile)}
		}
	}
	for _, text := range f.tlsPins {
		pin, err := transport.ParsePin(text)
		if err != nil {
			return &usageError{f.origin("tls-pin") + ": " + err.Error()}
		}
		cfg.Pins = append(cfg.Pins, pin)
	}
	if cfg.Auth == transport.AuthCertificate {
		key := f.clientKey
		if key == "" {
			key = f.clientCert
		}
		pair, err := tls.LoadX509KeyPair(f.clientCert, key)
		if err != nil {
			return &usageError{f.origin("client-cert") + ": " + err.Error()}
		}
		cfg.ClientCertificate = &pair
	}
	if f.proxy != "" {
		proxy, err := transport.ParseProxy(f.proxy)
		if err != nil {
			return &usageError{f.origin("proxy") + ": " + err.Error()}
		}
		cfg.Proxy = proxy
	}
	return nil
}

// announce warns of what the user has given up, and with -v says what was chosen and why.
func (s *session) announce(cfg *transport.Config) {
	f := s.flags
	if cfg.Auth == transport.AuthBasic && !s.target.https {
		s.app.warn("--allow-unencrypted: the password and all answers cross the network in clear")
	}
	if f.insecure && s.target.https {
		s.app.warn("--insecure: the host's certificate is not checked; anybody on the way can be the host")
	}
	if !f.verbose {
		return
	}
	why := "by default"
	switch {
	case cfg.Auth == transport.AuthNone:
		why = "no --user"
	case f.typed["auth"]:
		why = "--auth"
	case f.preset["auth"]:
		why = "HVMIGERR_AUTH"
	case cfg.Auth == transport.AuthCertificate:
		why = "--client-cert"
	}
	way := "no proxy"
	if proxy, used := s.transport.Proxy(); used {
		way = "proxy " + proxy.String()
	}
	s.app.note("%s, authentication %s (%s), %s", s.target.url, cfg.Auth, why, way)
}

// ask runs question within --timeout and says of every error which host it is about.
func (s *session) ask(ctx context.Context, question func(context.Context) error) error {
	defer func() { _ = s.transport.Close() }() // always nil
	limited, cancel := context.WithTimeout(ctx, s.flags.timeout)
	defer cancel()
	err := stopped(ctx, question(limited))
	if s.flags.verbose {
		s.app.note("%s over %s", count(s.requests, "request"), count(s.transport.Connections(), "connection"))
	}
	switch {
	case err == nil || errors.Is(err, errMigrationFailed):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		err = &timeoutError{s.flags.timeout, err}
	}
	return &hostError{s.target.name, s.failed(err)}
}

// failed returns err as one of this session.
func (s *session) failed(err error) error {
	if err == nil {
		return nil
	}
	return &sessionError{err: err, secrets: s.app.secrets, traced: s.trace != nil}
}

// shortest is how exact -v tells durations.
const shortest = 100 * time.Microsecond

// exchanged is told of every exchange.
func (s *session) exchanged(x *wsman.Exchange) {
	s.requests++
	if s.flags.verbose {
		class := (&wsman.EndpointReference{ResourceURI: x.ResourceURI}).ClassName()
		what := strings.TrimSpace(x.Operation + " " + class)
		if x.StatusCode == 0 {
			s.app.note("%s: no answer in %v: %v", what, x.Duration.Round(shortest), x.Err)
		} else {
			s.app.note("%s: %d, %v, %d bytes", what, x.StatusCode, x.Duration.Round(shortest), len(x.Response))
		}
	}
	if s.trace != nil {
		if err := s.trace.write(x); err != nil {
			s.app.warn("--trace: %v", err)
		}
	}
}
