package transport

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/internal/spnego"
)

// Schemes of HTTP that carry tokens (facts/auth.md §1).
const (
	schemeNegotiate = "Negotiate"
	schemeKerberos  = "Kerberos"
)

const (
	// ntlmLegs is how many tokens of ours NTLM has. A 401 to the last of them refuses the user, whatever it holds.
	ntlmLegs = 2
	// maxLegs bounds the tokens that we send on one connection. Kerberos needs one; SPNEGO may add one.
	maxLegs = 4
	// maxLegBody is the longest page under a 401 that is read over to keep the connection, in bytes.
	maxLegBody = 256 << 10
)

// A negotiator authenticates each session by tokens, before any envelope is sent over it.
type negotiator struct {
	mechanism string // one of the Mechanism constants
	scheme    string // of HTTP
	user      string
	protocol  sealed.Protocol
	// begin returns the handshake of one session. It may ask a KDC.
	begin func(context.Context, *sealed.ChannelBindings) (sealed.Handshake, error)
}

// newNegotiator returns the negotiator that cfg asks for, for the host of u.
func newNegotiator(cfg *Config, u *url.URL) (*negotiator, error) {
	if cfg.Unsealed && u.Scheme != "https" && !cfg.AllowUnencrypted {
		return nil, errors.New("transport: Config.Unsealed over http would send everything in clear; use https, or allow it by Config.AllowUnencrypted")
	}
	host := hostName(u)
	n := &negotiator{scheme: schemeNegotiate, protocol: sealed.ProtocolSPNEGO}
	if cfg.Auth == AuthNTLM || cfg.Auth == AuthNegotiate && cfg.Kerberos == nil {
		if err := checkUser(cfg); err != nil {
			return nil, err
		}
		n.mechanism, n.user = MechanismNTLM, cfg.User
		n.begin = ntlmHandshake(cfg, host)
		return n, nil
	}
	if cfg.Kerberos == nil {
		return nil, fmt.Errorf("transport: Config.Kerberos is required for %s", cfg.Auth)
	}
	n.mechanism, n.user = MechanismKerberos, cfg.Kerberos.User()
	if cfg.Auth == AuthKerberos {
		n.scheme, n.protocol = schemeKerberos, sealed.ProtocolKerberos
	}
	n.begin = kerberosHandshake(cfg, host)
	return n, nil
}

// checkUser refuses a name that names nobody.
func checkUser(cfg *Config) error {
	_, user := splitUser(cfg.User)
	switch {
	case cfg.User == "":
		return fmt.Errorf("transport: Config.User is required for %s", cfg.Auth)
	case user == "" || strings.HasPrefix(user, "@") || strings.HasSuffix(user, "@"):
		return fmt.Errorf("transport: Config.User %q names no user", cfg.User)
	}
	return nil
}

// ntlmHandshake authenticates by NTLM: bare, or within SPNEGO for AuthNegotiate.
func ntlmHandshake(cfg *Config, host string) func(context.Context, *sealed.ChannelBindings) (sealed.Handshake, error) {
	domain, user := splitUser(cfg.User)
	target := cfg.SPN
	if target == "" {
		target = "HTTP/" + host
	}
	return func(_ context.Context, bindings *sealed.ChannelBindings) (sealed.Handshake, error) {
		client := ntlmssp.NewClient(ntlmssp.ClientConfig{
			User: user, Domain: domain, Password: cfg.Password.Reveal, TargetName: target, ChannelBindings: bindings,
		})
		if cfg.Auth == AuthNegotiate {
			return spnego.NewInitiator(client), nil
		}
		return client, nil
	}
}

// splitUser splits a user's name as NTLM wants it: DOMAIN\user has a domain; user@domain is a name as a whole, and user and
// .\user are of whatever the host takes for its own (DESIGN: Users).
func splitUser(name string) (domain, user string) {
	domain, user, ok := strings.Cut(name, `\`)
	switch {
	case !ok:
		return "", name
	case domain == ".":
		return "", user
	}
	return domain, user
}

// kerberosHandshake authenticates by Kerberos: bare, or within SPNEGO for AuthNegotiate.
func kerberosHandshake(cfg *Config, host string) func(context.Context, *sealed.ChannelBindings) (sealed.Handshake, error) {
	return func(ctx context.Context, bindings *sealed.ChannelBindings) (sealed.Handshake, error) {
		credential, err := cfg.Kerberos.credential(ctx, spns(cfg, host))
		if err != nil {
			return nil, err
		}
		initiator := krb5.NewInitiator(krb5.InitiatorConfig{
			Credential: credential, ChannelBindings: bindings, Now: cfg.Kerberos.cfg.Clock,
		})
		if cfg.Auth == AuthNegotiate {
			return spnego.NewInitiator(initiator), nil
		}
		return initiator, nil
	}
}

// spns returns the names of the service of host, in the order in which they are asked for.
func spns(cfg *Config, host string) []string {
	if cfg.SPN != "" {
		return []string{cfg.SPN}
	}
	return []string{"HTTP/" + host, "WSMAN/" + host, "HOST/" + host}
}

// secure establishes the security context of s, if requests need one. As long as no session of the transport had one
// accepted, one tries at a time.
func (s *session) secure(ctx context.Context) error {
	t := s.t
	if t.negotiator == nil || s.security != nil {
		return nil
	}
	if !t.proven.Load() {
		select {
		case t.first <- struct{}{}:
			defer func() { <-t.first }()
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := t.refused(); err != nil {
			return err
		}
	}
	err := s.authenticate(ctx)
	if err == nil {
		t.proven.Store(true)
		t.known.Store(true)
	}
	return err
}

// authenticate establishes the security context of s.
func (s *session) authenticate(ctx context.Context) error {
	n := s.t.negotiator
	handshake, err := n.begin(ctx, s.bindings())
	if err != nil {
		return n.notBegun(err)
	}
	token, err := handshake.Step(nil)
	if err != nil {
		return s.authError(err)
	}
	for sent := 1; sent <= maxLegs; sent++ {
		if n.mechanism == MechanismNTLM && sent == ntlmLegs {
			if err := s.t.admit(ctx); err != nil {
				return err
			}
		}
		l, err := s.leg(ctx, token)
		switch {
		case err != nil && sent > 1 && n.mechanism == MechanismNTLM:
			return s.lostMidway(err)
		case err != nil:
			return err
		case l.status != http.StatusUnauthorized:
			return s.accepted(handshake, l)
		case n.mechanism == MechanismNTLM && sent == ntlmLegs:
			return s.refused(l, nil)
		case l.bad != nil:
			return s.authError(l.bad)
		case l.token == nil && n.mechanism == MechanismNTLM:
			e := s.authError(l.err)
			e.Early = true
			return e
		case l.token == nil:
			return s.refused(l, nil)
		}
		if token, err = s.challenged(handshake, l); err != nil {
			return err
		}
	}
	return s.authError(fmt.Errorf("no end after %d tokens", maxLegs))
}

// notBegun returns err, for which no token was sent, as one of authentication.
func (n *negotiator) notBegun(err error) *AuthError {
	e := &AuthError{Mechanism: n.mechanism, User: n.user, Err: err}
	if kdc, ok := errors.AsType[*KDCError](err); ok {
		e.Refused, e.Skew = kdc.Refused(), kdc.Skew // Kerberos itself sends it to no KDC again
	}
	return e
}

// What a host or a proxy does that keeps no connection.
var (
	errMidway = errors.New("the host closes the connection in the middle of the exchange, and NTLM belongs to the connection")
	errHungUp = errors.New("the host closes the connection that it has just authenticated")
)

// hungUp tells that err is the end of a connection that was closed after an answer, not amid work on a request: nothing of the
// request was written, or a proxy in between takes each connection for one request.
func (s *session) hungUp(err error) bool {
	return errors.Is(err, wsman.ErrConnectionLost) && (!s.conn.state().wrote || s.t.forwarded())
}

// lostMidway says what err means, which was the answer to NTLM's proof of the password.
func (s *session) lostMidway(err error) error {
	if errors.Is(err, errAbandoned) {
		return err
	}
	if !s.hungUp(err) {
		return s.unanswered(err)
	}
	e := s.authError(errMidway)
	if s.conn.state().wrote && !s.t.known.Load() {
		s.t.refuse(e)
	}
	return e
}

// bindings ties the handshake to the TLS connection to the host, when there is one.
func (s *session) bindings() *sealed.ChannelBindings {
	state := s.tls()
	if state == nil {
		return nil
	}
	return sealed.TLSServerEndPoint(state.PeerCertificates[0])
}

// A leg is the host's answer to a token.
type leg struct {
	status int
	token  []byte // nil: none came
	close  bool   // the host closes the connection
	long   bool   // its page is too long to be read over, or was cut
	bad    error  // what is wrong with the token
	err    error  // what the answer means to one who wanted SOAP
	skew   time.Duration
}

// leg sends a token without a body: some servers break when an envelope travels with it (facts/auth.md §1).
func (s *session) leg(ctx context.Context, token []byte) (*leg, error) {
	scheme := s.t.negotiator.scheme
	hr, err := s.t.newRequest(ctx, contentTypeUTF8, nil)
	if err != nil {
		return nil, err
	}
	hr.Header.Set("Authorization", scheme+" "+base64.StdEncoding.EncodeToString(token))
	resp, err := s.send(ctx, hr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	l := &leg{status: resp.StatusCode, close: resp.Close, skew: skew(resp.Header)}
	var body bytes.Buffer
	if resp.StatusCode != http.StatusSwitchingProtocols { // its body never ends
		_, err = body.ReadFrom(io.LimitReader(resp.Body, maxLegBody+1))
	}
	switch {
	case err != nil && (resp.StatusCode != http.StatusUnauthorized || ctx.Err() != nil):
		return nil, s.failure(ctx, err)
	case err != nil || body.Len() > maxLegBody:
		l.long = true // a 401 counts, whatever becomes of its page
	}
	l.err = s.t.refusal(resp, body.Bytes()[:min(body.Len(), maxErrorBody)], s.t.negotiator.mechanism)
	l.token, l.bad = challengeToken(resp.Header["Www-Authenticate"], scheme)
	return l, nil
}

// challenged returns our answer to the token of a 401.
func (s *session) challenged(handshake sealed.Handshake, l *leg) ([]byte, error) {
	ntlm := s.t.negotiator.mechanism == MechanismNTLM
	switch {
	case l.long:
		return nil, s.authError(fmt.Errorf("the page under the 401 is cut, or longer than %d bytes", maxLegBody))
	case l.close && ntlm:
		return nil, s.authError(errMidway)
	}
	token, err := handshake.Step(l.token)
	switch {
	case err != nil && !ntlm:
		return nil, s.refused(l, err) // the host's token says why, such as KRB_AP_ERR_SKEW
	case err != nil:
		return nil, s.authError(err)
	case token == nil:
		return nil, s.refused(l, nil)
	}
	return token, nil
}

// accepted ends the handshake with an answer other than 401. With Kerberos and SPNEGO it must hold the host's proof. NTLM has
// none yet: there the first answer that can be unsealed is the proof, and until then nothing is believed.
func (s *session) accepted(handshake sealed.Handshake, l *leg) error {
	err := finish(handshake, l)
	switch ok := l.status/100 == 2; {
	case !ok && (err != nil || l.token == nil):
		return s.during(l.err)
	case err != nil:
		return s.authError(err)
	case l.close || l.long:
		return s.authError(errHungUp)
	}
	s.security = handshake.Context()
	return nil
}

// finish takes the host's last token, if there is one.
func finish(handshake sealed.Handshake, l *leg) error {
	if l.bad != nil {
		return l.bad
	}
	if l.token != nil {
		out, err := handshake.Step(l.token)
		switch {
		case err != nil:
			return err
		case out != nil:
			return fmt.Errorf("HTTP %d in the middle of the exchange", l.status)
		}
	}
	if handshake.Context() == nil {
		return fmt.Errorf("HTTP %d before the host has proved who it is", l.status)
	}
	return nil
}

// during says of err, an answer that is about neither user nor token, when it came.
func (s *session) during(err error) error {
	return fmt.Errorf("authenticating by %s: %w", s.t.negotiator.mechanism, err)
}

// refused notes that the host does not take the user, so that nobody sends the same again (DESIGN: No lockouts). reason is
// what its token says, nil if nothing.
func (s *session) refused(l *leg, reason error) error {
	e := s.authError(l.err)
	e.Refused, e.Reason, e.Skew = true, reason, l.skew
	if k, ok := errors.AsType[*krb5.Error](reason); ok && !k.ServerTime.IsZero() {
		e.Skew = time.Until(k.ServerTime)
	}
	s.t.refuse(e)
	return e
}

// authError returns err as one of this session's authentication.
func (s *session) authError(err error) *AuthError {
	n := s.t.negotiator
	return &AuthError{Mechanism: n.mechanism, User: n.user, Proxied: s.t.forwarded(), Err: err}
}

// skew returns how far the clock of an answer's Date header is ahead of ours, zero without one.
func skew(h http.Header) time.Duration {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return time.Until(date)
}

// challengeToken returns the token that a challenge of scheme holds, nil if there is none. It may stand among other
// challenges, in one header or in several.
func challengeToken(values []string, scheme string) ([]byte, error) {
	for _, value := range values {
		for element := range listElements(value) {
			name, text, _ := strings.Cut(element, " ")
			text = strings.TrimSpace(text)
			if !strings.EqualFold(name, scheme) || text == "" {
				continue
			}
			token, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil, errors.New("the host's token is not valid base64")
			}
			return token, nil
		}
	}
	return nil, nil
}

// claimsSealed tells that an answer claims to be sealed.
func claimsSealed(resp *http.Response) bool { return sealed.IsSealed(resp.Header.Get("Content-Type")) }

// unsealed returns what an answer in clear means where a sealed one was due. It may be anybody's, so nothing of it is
// believed: only how HTTP itself failed is told. Whether the host has counted our message is unknown: the session ends.
func (s *session) unsealed(resp *http.Response, head []byte, tried string) error {
	s.reusable = false
	if isReply(resp, head) || resp.StatusCode/100 == 2 {
		return &wsman.ProtocolError{Msg: fmt.Sprintf("HTTP %d came in clear, where an answer sealed by %s was due", resp.StatusCode, tried)}
	}
	return s.t.refusal(resp, head, tried)
}

// unseal opens the body of a sealed reply. What is in it decides whether it is for the SOAP layer, as without sealing.
func (s *session) unseal(reply *wsman.Reply, tried string) (*wsman.Reply, error) {
	plain, contentType, err := sealed.Decode(s.security, reply.Header.Get("Content-Type"), reply.Body)
	if err != nil {
		s.reusable = false // the sequence of messages is lost
		return nil, &wsman.ProtocolError{Msg: "the sealed answer does not verify", Err: err}
	}
	if !isSOAP(contentType) && !hasEnvelope(plain) {
		return nil, &wsman.HTTPError{
			StatusCode: reply.StatusCode, Tried: tried, ContentType: contentType, Body: plain[:min(len(plain), maxErrorBody)],
		}
	}
	reply.Body, reply.Sealed = plain, true
	return reply, nil
}
