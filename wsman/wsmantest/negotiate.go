package wsmantest

import (
	"bytes"
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/internal/spnego"
)

const (
	// maxToken bounds a token of a handshake.
	maxToken = 64 << 10
	// maxFraming bounds what a sealed body may be longer than the envelope in it.
	maxFraming = 8 << 10
	// operationAuthenticate names the tokens of a handshake in rules and records.
	operationAuthenticate = "Authenticate"
	// tagGSS begins the frame around the first token of a mechanism (RFC 2743 §3.1).
	tagGSS = 0x60
)

// A connection is what the server knows of one TCP connection, to which authentication belongs (facts/auth.md §1). It
// lives in the connection's context and ends with it. net/http serves one request of it at a time, so it needs no lock.
type connection struct {
	handshake *handshake // under way
	session   *session   // established
}

// A session is what a handshake led to.
type session struct {
	scheme   string
	protocol sealed.Protocol
	context  sealed.Context
	user     *User
	last     []byte // the sealed answer before
}

func (c *connection) reset() { *c = connection{} }

type connectionKey struct{}

// withConnection is the ConnContext of the HTTP server.
func withConnection(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, new(connection))
}

// connectionOf returns the connection that a request came on.
func connectionOf(ctx context.Context) *connection {
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		return c
	}
	return new(connection) // of a handler that is asked without a connection
}

// authorization splits the Authorization header of a request. The scheme is one of the scheme constants, or "".
func authorization(r *http.Request) (scheme, parameter string) {
	word, parameter, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	for _, scheme := range []string{schemeNegotiate, schemeKerberos, schemeBasic} {
		if strings.EqualFold(word, scheme) {
			return scheme, strings.TrimSpace(parameter)
		}
	}
	return "", ""
}

// shakes reports whether a scheme is one of tokens, and enabled.
func (s *Server) shakes(scheme string) bool {
	switch scheme {
	case schemeNegotiate:
		return s.takes(AuthMethodNTLM) || s.takes(AuthMethodKerberos)
	case schemeKerberos:
		return s.takes(AuthMethodKerberos)
	}
	return false
}

// leg takes one token of a handshake and returns the answer 401 with the next, the answer 200 when the connection has a
// session now, or the refusal. The error is that of ctx: the client left.
func (s *Server) leg(ctx context.Context, conn *connection, scheme, text string) (*answer, error) {
	if conn.handshake == nil || conn.handshake.scheme != scheme {
		conn.reset() // a token on an authenticated connection starts anew
		conn.handshake = s.newHandshake(scheme)
	}
	h := conn.handshake
	out, user, err := h.step(s, text)
	a, name := s.bare(http.StatusUnauthorized), h.name()
	switch {
	case err != nil:
		conn.reset()
		a.header[headerChallenge] = s.challenges()
	case user != nil:
		a.status, name = http.StatusOK, user.Name
		*conn = connection{session: &session{scheme: scheme, protocol: h.protocol(), context: h.acceptor.Context(), user: user}}
	}
	if out != nil {
		a.addToken(scheme, out)
	}
	return s.finishLeg(ctx, conn, a, RequestRecord{User: name, Scheme: scheme})
}

// addToken puts a token into the challenge of its scheme, also beside a refusal: a KRB-ERROR says why.
func (a *answer) addToken(scheme string, token []byte) {
	challenge := scheme + " " + base64.StdEncoding.EncodeToString(token)
	list := a.header[headerChallenge]
	if i := slices.Index(list, scheme); i >= 0 {
		list[i] = challenge
		return
	}
	a.header[headerChallenge] = append(list, challenge)
}

// finishLeg lets the rules have their way with the answer to a token, and records it.
func (s *Server) finishLeg(ctx context.Context, conn *connection, a *answer, record RequestRecord) (*answer, error) {
	rule := s.rule(operationAuthenticate, record.User)
	if err := sleep(ctx, time.Duration(rule.Delay)); err != nil {
		return nil, err
	}
	rule.apply(a, s.challenges())
	if rule.Status != 0 {
		conn.reset()
	}
	record.Time, record.Operation, record.StatusCode = s.now(), operationAuthenticate, a.status
	s.record(&record)
	return a, nil
}

// A handshake is an exchange of tokens under way.
type handshake struct {
	scheme   string
	ntlm     *ntlmssp.Server  // nil when disabled
	kerberos *krb5.Acceptor   // nil when disabled
	acceptor sealed.Handshake // what tokens go to: one of the two, or SPNEGO around them; nil before the first
}

func (s *Server) newHandshake(scheme string) *handshake {
	h := &handshake{scheme: scheme}
	var bindings *sealed.ChannelBindings
	if s.identity != nil {
		bindings = sealed.TLSServerEndPoint(s.identity.certificate.Leaf)
	}
	if s.takes(AuthMethodKerberos) {
		h.kerberos = krb5.NewAcceptor(krb5.AcceptorConfig{Keys: s.keys, ChannelBindings: bindings, Now: s.now})
	}
	if scheme == schemeNegotiate && s.takes(AuthMethodNTLM) {
		h.ntlm = ntlmssp.NewServer(ntlmssp.ServerConfig{
			ComputerName: s.host.name(), DomainName: s.domain, DNSName: s.dnsName(), ChannelBindings: bindings, Now: s.now,
			SealOptional: s.identity != nil, // curl with gss-ntlmssp asks for none, over whatever connection
			Password: func(domain, name string) (string, bool) {
				u := s.account(domain, name)
				if u == nil || u.Password == "" {
					return "", false
				}
				return string(u.Password), true
			},
		})
	}
	return h
}

// choose finds out from the first token what the client speaks.
func (h *handshake) choose(token []byte) error {
	switch {
	case h.scheme == schemeKerberos:
		h.acceptor = h.kerberos
	case ntlmssp.IsToken(token) && h.ntlm != nil:
		h.acceptor = h.ntlm
	case spnego.IsToken(token):
		var mechs []spnego.Mechanism
		if h.kerberos != nil {
			mechs = append(mechs, h.kerberos)
		}
		if h.ntlm != nil {
			mechs = append(mechs, h.ntlm)
		}
		h.acceptor = spnego.NewAcceptor(mechs...)
	case bytes.HasPrefix(token, []byte{tagGSS}) && h.kerberos != nil:
		h.acceptor = h.kerberos // as MIT's library gives it to those that name Kerberos, not SPNEGO: python-kerberos does
	default:
		return errRefused
	}
	return nil
}

// step takes the client's token in base64 and returns the next one, and the user when the handshake is complete.
func (h *handshake) step(s *Server, text string) (out []byte, user *User, err error) {
	if len(text) > base64.StdEncoding.EncodedLen(maxToken) {
		return nil, nil, errRefused
	}
	token, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, nil, err
	}
	if h.acceptor == nil {
		if err := h.choose(token); err != nil {
			return nil, nil, err
		}
	}
	if out, err = h.acceptor.Step(token); err != nil {
		return out, nil, err
	}
	if h.acceptor.Context() == nil {
		if out == nil {
			return nil, nil, errRefused // nobody's turn
		}
		return out, nil, nil
	}
	if h.ntlm != nil && h.ntlm.Context() != nil {
		user = s.account(h.ntlm.User())
	} else {
		user = s.principal(h.kerberos.Client())
	}
	if user == nil {
		return nil, nil, errRefused
	}
	return out, user, nil
}

// name returns who the client said it is, as far as it did.
func (h *handshake) name() string {
	if h.ntlm != nil {
		if domain, name := h.ntlm.User(); name != "" {
			if domain != "" {
				name = domain + `\` + name
			}
			return name
		}
	}
	if h.kerberos != nil {
		return h.kerberos.Client().String()
	}
	return ""
}

func (h *handshake) protocol() sealed.Protocol {
	if h.scheme == schemeKerberos {
		return sealed.ProtocolKerberos
	}
	return sealed.ProtocolSPNEGO
}
