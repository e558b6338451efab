package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A session is a way to one host. It is for one goroutine at a time.
type session struct {
	app       *app // as this host speaks by it
	plan      *plan
	gate      *gate // nil when no password goes to the host
	flags     *connectionFlags
	target    *target
	method    *method
	unusable  error // why the user's tickets or keys are of no use; there is no transport then
	transport *transport.Transport
	kerberos  *transport.Kerberos // nil without Kerberos; the plan's
	client    *wsman.Client
	trace     *tracer // nil without --trace
	requests  int
	answered  bool              // by something at the host, be it a fault
	foreign   bool              // a transport that seals could not take an answer for the host's
	names     map[string]string // of virtual machines, by GUID
	silent    *silentHosts      // destinations not to ask for now; nil knows none
}

// connect gives the session a transport that is configured by cfg, which its method has chosen. It sends nothing.
func (s *session) connect(cfg *transport.Config) error {
	f, t := s.flags, s.target
	s.kerberos, s.names = cfg.Kerberos, map[string]string{}
	var err error
	if s.transport, err = transport.New(*cfg); err != nil {
		return &usageError{err.Error()}
	}
	if s.client, err = wsman.NewClient(wsman.Config{
		Endpoint: t.url, Transport: s.transport, Locale: f.locale, URIStyle: uriStyle(f.uriStyle), Trace: s.exchanged,
		Decoding: s.plan.decoding,
	}); err != nil {
		return &usageError{err.Error()}
	}
	proxy, _ := s.transport.Proxy()
	s.app.secrets = newRedactor(cfg, proxy)
	if f.trace != "" {
		dir, err := s.plan.traceOf(t)
		if err != nil {
			return &usageError{f.origin("trace") + ": " + err.Error()}
		}
		s.trace = &tracer{dir: dir, secrets: s.app.secrets, mechanism: s.transport.Mechanism()}
	}
	s.announce(cfg)
	return nil
}

func uriStyle(name string) wsman.URIStyle {
	if name == uriStyleDMTF {
		return wsman.URIStyleDMTF
	}
	return wsman.URIStyleMicrosoft
}

// fill turns flags into the transport's configuration.
func (f *connectionFlags) fill(cfg *transport.Config, t *target) error {
	cfg.URL = t.url
	cfg.ServerName, cfg.Insecure = f.tlsServerName, f.insecure
	cfg.ConnectTimeout = f.connectTimeout
	cfg.AllowUnencrypted = f.allowUnencrypted
	cfg.SPN, cfg.Unsealed = f.spn, f.seal == sealNever
	if err := f.protect(cfg.Auth, t); err != nil {
		return err
	}
	return f.fillTLS(cfg)
}

// protect refuses to send in clear what should not be (DESIGN: No plaintext).
func (f *connectionFlags) protect(auth transport.Auth, t *target) error {
	switch {
	case auth == transport.AuthCertificate && !t.https:
		return &usageError{fmt.Sprintf("%s needs https, and %s is http", f.origin("client-cert"), t.url)}
	case t.https || f.allowUnencrypted || auth == transport.AuthNone:
	case auth == transport.AuthBasic:
		return &usageError{f.origin("auth") + " basic over http would send the password in clear: use https, or accept it with --allow-unencrypted"}
	case f.seal == sealNever:
		return &usageError{f.origin("seal") + " never over http would send everything in clear: use https, or accept it with --allow-unencrypted"}
	}
	return nil
}

// readTLS reads the files of --ca-file and, if it is to be shown, of the client certificate, each once: a pipe is empty afterwards. Its
// errors are usage errors, or that of ctx.
func (f *connectionFlags) readTLS(ctx context.Context, certificate bool) error {
	if f.caFile != "" {
		pem, err := await(ctx, func() ([]byte, error) { return os.ReadFile(f.caFile) })
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return &usageError{f.origin("ca-file") + ": " + err.Error()}
		}
		f.roots = x509.NewCertPool()
		if !f.roots.AppendCertsFromPEM(pem) {
			return &usageError{fmt.Sprintf("%s: %s holds no certificate in PEM", f.origin("ca-file"), f.caFile)}
		}
	}
	if !certificate {
		return nil
	}
	pair, err := await(ctx, func() (tls.Certificate, error) {
		return tls.LoadX509KeyPair(f.clientCert, cmp.Or(f.clientKey, f.clientCert))
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &usageError{f.origin("client-cert") + ": " + err.Error()}
	}
	f.pair = &pair
	return nil
}

func (f *connectionFlags) fillTLS(cfg *transport.Config) error {
	cfg.RootCAs = f.roots
	for _, text := range f.tlsPins {
		pin, err := transport.ParsePin(text)
		if err != nil {
			return &usageError{f.origin("tls-pin") + ": " + err.Error()}
		}
		cfg.Pins = append(cfg.Pins, pin)
	}
	if cfg.Auth == transport.AuthCertificate {
		cfg.ClientCertificate = f.pair
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
	switch {
	case s.target.https:
		if f.insecure {
			s.plan.warnOnce("--insecure: the host's certificate is not checked; anybody on the way can be the host")
		}
	case cfg.Auth == transport.AuthBasic:
		s.plan.warnOnce("--allow-unencrypted: the password and all answers cross the network in clear")
	case s.method.clear:
		s.plan.warnOnce("--allow-unencrypted: all requests and answers cross the network in clear, and anybody on the way can change them")
	}
	if !f.verbose {
		return
	}
	protection := ""
	switch {
	case s.method.sealing() && cfg.Unsealed:
		protection = "not sealed, "
	case s.method.sealing():
		protection = "sealed, "
	}
	way := "no proxy"
	if proxy, used := s.transport.Proxy(); used {
		way = "proxy " + proxy.String()
	}
	name := s.transport.Mechanism()
	if name == "" {
		name = "none"
	}
	s.app.note("%s, authentication %s (%s), %s%s", s.target.url, name, s.method.Reason, protection, way)
}

// ask runs question within --timeout and says of every error which host it is about. Whoever could not be asked since the password had
// to wait for other hosts (see gate) has all of that time again: nothing was sent.
func (s *session) ask(ctx context.Context, question func(context.Context) error) error {
	if s.unusable != nil {
		return &hostError{s.called(), s.failed(s.unusable)}
	}
	defer s.close()
	const share = 10 // of --timeout, which a wait may take
	s.gate.beginAnew(s.flags.timeout / share)
	err := s.limited(ctx, question)
	for errors.Is(err, fleet.ErrNotAdmitted) && !s.answered && ctx.Err() == nil {
		err = s.limited(ctx, question)
	}
	return s.ended(ctx, err)
}

// within is ask for a question that can do without the user, and that is asked once.
func (s *session) within(ctx context.Context, question func(context.Context) error) error {
	defer s.close()
	return s.ended(ctx, s.limited(ctx, question))
}

// limited runs question within --timeout.
func (s *session) limited(ctx context.Context, question func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, s.flags.timeout)
	defer cancel()
	return question(limited)
}

// ended returns err, which a question has ended with, as the host's.
func (s *session) ended(ctx context.Context, err error) error {
	err = stopped(ctx, err)
	if s.flags.verbose {
		s.app.note("%s over %s", count(s.requests, "request"), count(s.transport.Connections(), "connection"))
	}
	switch {
	case err == nil || errors.Is(err, errMigrationFailed):
		return err
	case ranOut(err):
		err = &timeoutError{s.flags.timeout, err}
	}
	return &hostError{s.called(), s.failed(err)}
}

// called returns what messages and results call the host.
func (s *session) called() string {
	if s.plan != nil && s.plan.many {
		return s.target.label
	}
	return s.target.name
}

// close ends the connections.
func (s *session) close() {
	s.gate.leave()
	if s.transport != nil {
		_ = s.transport.Close() // always nil
	}
}

// failed returns err as one of this session.
func (s *session) failed(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*wsman.OpError); ok && has[*fleet.NotTriedError](e.Err) { //nolint:errorlint // of joined errors the others count too
		err = e.Err // nothing was sent, so that it does not matter what for
	}
	return &sessionError{
		err: err, secrets: s.app.secrets, traced: s.trace != nil, foreign: s.foreign, method: s.method,
		https: s.target.https, http: !s.target.https, user: s.flags.user,
	}
}

// shortest is how exact -v tells durations.
const shortest = 100 * time.Microsecond

// exchanged is told of every exchange.
func (s *session) exchanged(x *wsman.Exchange) {
	what := strings.TrimSpace(x.Operation + " " + x.ClassName())
	if has[*fleet.NotTriedError](x.Err) || errors.Is(x.Err, fleet.ErrNotAdmitted) {
		if s.flags.verbose {
			s.app.note("%s: not sent: %v", what, x.Err)
		}
		return // what else is in x may be another host's
	}
	s.requests++
	if x.StatusCode != 0 {
		s.answered = true
		s.gate.beginAnew(0)
	}
	switch {
	case s.accepted(x):
		s.gate.taken()
	case s.refused(x.Err):
		s.gate.refused(s.failed(x.Err))
	default:
		s.gate.lost()
	}
	s.foreign = s.foreign || s.method.sealing() && x.StatusCode == 0 && has[*wsman.ProtocolError](x.Err)
	if s.flags.verbose {
		if x.StatusCode == 0 {
			s.app.note("%s: no answer in %v: %v", what, x.Duration.Round(shortest), x.Err)
		} else {
			sealed := ""
			if x.Sealed {
				sealed = ", sealed by " + s.transport.Mechanism()
			}
			s.app.note("%s: %d, %v, %d bytes%s", what, x.StatusCode, x.Duration.Round(shortest), len(x.Response), sealed)
		}
	}
	if s.trace != nil {
		if err := s.trace.write(x); err != nil {
			s.app.warn("--trace: %v", err)
		}
	}
}

// accepted tells an exchange that proves that the host takes the password: a fault does, too, since a service looks at who asks first. An
// Identify may have gone out for nobody; that of the command identify has not.
func (s *session) accepted(x *wsman.Exchange) bool {
	answered := (x.Err == nil || has[*wsman.Fault](x.Err)) && x.StatusCode != 0 && x.StatusCode != http.StatusUnauthorized
	return x.Sealed || answered && s.method.Password && (x.Operation != operationIdentify || s.flags.anonymous)
}

// operationIdentify is the operation of both kinds of Identify.
const operationIdentify = "Identify"

// refused tells an error that says that the host does not take the password.
func (s *session) refused(err error) bool {
	return matches(err, func(e *transport.AuthError) bool { return e.Refused }) ||
		s.method.Auth == transport.AuthBasic && status(http.StatusUnauthorized)(err)
}
