package transport_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/internal/spnego"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// An acceptor is a service behind NTLM or Kerberos, with a place to misbehave at. Its acceptors are our own: they prove what the
// transport does with what a peer says, not that others say the same. That is the integration tests' part.
type acceptor struct {
	t        testing.TB
	scheme   string
	protocol sealed.Protocol
	accept   func(*sealed.ChannelBindings) sealed.Handshake
	bindings *sealed.ChannelBindings
	// say replaces the honest answer to the request number n of a connection, from 0. "" resets the connection.
	say func(n int, honest string) string
	// body is what every sealed answer holds. If empty, envelope.
	body string
}

// A way is a Config for a host and the host for it.
type way struct {
	name     string
	tokens   int // that we send
	protocol sealed.Protocol
	scheme   string
	config   func(t testing.TB, addr string) transport.Config
	accept   func(t testing.TB) func(*sealed.ChannelBindings) sealed.Handshake
}

const (
	ntlmUser  = `CORP\hv-reader`
	testRealm = "CORP.EXAMPLE"
)

// serviceKey is the key of the service HTTP/127.0.0.1, which forged tickets are for.
func serviceKey() krb5.ServiceKey {
	return krb5.ServiceKey{
		Principal: krb5.Principal{NameType: krb5.NameTypeService, Components: []string{"HTTP", "127.0.0.1"}, Realm: testRealm},
		KVNO:      1,
		Key:       krb5.Key{EType: krb5.ETypeAES256SHA1, Value: []byte("0123456789abcdef0123456789abcdef")},
	}
}

// ways returns each authentication by tokens.
func ways() []way {
	return []way{
		{"ntlm", 2, sealed.ProtocolSPNEGO, "Negotiate", ntlmConfig(transport.AuthNTLM), acceptNTLM},
		{"negotiate with NTLM", 2, sealed.ProtocolSPNEGO, "Negotiate", ntlmConfig(transport.AuthNegotiate), within(acceptNTLM)},
		{"kerberos", 1, sealed.ProtocolKerberos, "Kerberos", kerberosConfig(transport.AuthKerberos), acceptKerberos},
		{"negotiate with Kerberos", 1, sealed.ProtocolSPNEGO, "Negotiate", kerberosConfig(transport.AuthNegotiate), within(acceptKerberos)},
	}
}

func ntlmConfig(auth transport.Auth) func(testing.TB, string) transport.Config {
	return func(_ testing.TB, addr string) transport.Config {
		return transport.Config{
			URL: "http://" + addr + "/wsman", Auth: auth, User: ntlmUser, Password: transport.NewSecret(password), Proxy: mustProxy("none"),
		}
	}
}

func acceptNTLM(testing.TB) func(*sealed.ChannelBindings) sealed.Handshake {
	return func(b *sealed.ChannelBindings) sealed.Handshake {
		return ntlmssp.NewServer(ntlmssp.ServerConfig{
			ComputerName: "HV01", DomainName: "CORP", DNSName: "hv01.corp.example", ChannelBindings: b,
			Password: func(domain, name string) (string, bool) {
				return password, domain+`\`+name == ntlmUser
			},
		})
	}
}

func kerberosConfig(auth transport.Auth) func(testing.TB, string) transport.Config {
	return func(tb testing.TB, addr string) transport.Config {
		tb.Helper()
		return transport.Config{URL: "http://" + addr + "/wsman", Auth: auth, Kerberos: forgedTicket(tb), Proxy: mustProxy("none")}
	}
}

// forgedTicket returns credentials of a ticket cache that holds a ticket for HTTP/127.0.0.1.
func forgedTicket(tb testing.TB) *transport.Kerberos {
	tb.Helper()
	client := krb5.Principal{NameType: krb5.NameTypePrincipal, Components: []string{"me"}, Realm: testRealm}
	service := serviceKey()
	now := time.Now()
	ticket, err := krb5.Forge(krb5.Forgery{
		Client: client, Server: service.Principal, ServiceKey: service, EType: krb5.ETypeAES256SHA1,
		StartTime: now.Add(-time.Minute), EndTime: now.Add(time.Hour),
	}, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	cache := krb5.CCache{Principal: client, Credentials: []*krb5.Credential{ticket}}
	path := filepath.Join(tb.TempDir(), "ccache")
	if err := os.WriteFile(path, cache.Encode(), 0o600); err != nil {
		tb.Fatal(err)
	}
	k, err := transport.NewKerberos(transport.KerberosConfig{CCache: path, ConfPath: emptyFile(tb)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { hangUp(k) })
	return k
}

// emptyFile returns the path of a krb5.conf without anything in it.
func emptyFile(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "krb5.conf")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func acceptKerberos(testing.TB) func(*sealed.ChannelBindings) sealed.Handshake {
	return func(b *sealed.ChannelBindings) sealed.Handshake {
		return krb5.NewAcceptor(krb5.AcceptorConfig{Keys: []krb5.ServiceKey{serviceKey()}, ChannelBindings: b})
	}
}

// within puts an acceptor into SPNEGO.
func within(accept func(testing.TB) func(*sealed.ChannelBindings) sealed.Handshake) func(testing.TB) func(*sealed.ChannelBindings) sealed.Handshake {
	return func(tb testing.TB) func(*sealed.ChannelBindings) sealed.Handshake {
		tb.Helper()
		inner := accept(tb)
		return func(b *sealed.ChannelBindings) sealed.Handshake {
			return spnego.NewAcceptor(inner(b).(spnego.Mechanism))
		}
	}
}

// host returns an honest acceptor for w.
func (w *way) host(tb testing.TB) *acceptor {
	tb.Helper()
	return &acceptor{t: tb, scheme: w.scheme, protocol: w.protocol, accept: w.accept(tb)}
}

// serve handles one connection.
func (h *acceptor) serve(c net.Conn) {
	r := bufio.NewReader(c)
	handshake := h.accept(h.bindings)
	for n := 0; ; n++ {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		honest := h.answer(handshake, req, body)
		if h.say != nil {
			if honest = h.say(n, honest); honest == "" {
				abort(c)
				return
			}
		}
		say(c, honest)
	}
}

// answer returns the honest answer to a request.
func (h *acceptor) answer(handshake sealed.Handshake, req *http.Request, body []byte) string {
	if header := req.Header.Get("Authorization"); header != "" {
		return h.authenticate(handshake, header, len(body))
	}
	context := handshake.Context()
	if context == nil {
		return unauthorized(h.scheme)
	}
	plain, _, err := sealed.Decode(context, req.Header.Get("Content-Type"), body)
	if err != nil || !bytes.Equal(plain, []byte(envelope)) {
		h.t.Errorf("the host reads %q (%v), want %q", plain, err, envelope)
	}
	text := h.body
	if text == "" {
		text = envelope
	}
	out, err := sealed.Encode(context, h.protocol, soapType, []byte(text))
	if err != nil {
		h.t.Error(err)
	}
	return reply("200 OK", string(out), "Content-Type: "+sealed.ContentType(h.protocol), "Content-Length: "+itoa(len(out)))
}

func (h *acceptor) authenticate(handshake sealed.Handshake, header string, body int) string {
	scheme, text, _ := strings.Cut(header, " ")
	token, err := base64.StdEncoding.DecodeString(text)
	if scheme != h.scheme || err != nil || body != 0 {
		h.t.Errorf("Authorization %q with a body of %d bytes, want %s, a token and no body", header, body, h.scheme)
	}
	out, err := handshake.Step(token)
	switch challenge := h.scheme + " " + base64.StdEncoding.EncodeToString(out); {
	case err != nil:
		return unauthorized(h.scheme)
	case handshake.Context() == nil:
		return unauthorized(challenge)
	case out == nil:
		return reply("200 OK", "", "Content-Length: 0")
	default:
		return reply("200 OK", "", "Content-Length: 0", "WWW-Authenticate: "+challenge)
	}
}

// unauthorized returns a 401 with the challenges given.
func unauthorized(challenges ...string) string {
	header := []string{"Content-Length: 0"}
	for _, c := range challenges {
		header = append(header, "WWW-Authenticate: "+c)
	}
	return reply("401 Unauthorized", "", header...)
}

// abort makes the end of c a TCP reset.
func abort(c net.Conn) {
	if inner, ok := c.(*tapped); ok {
		c = inner.Conn
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a peer that is gone already cannot be reset
	}
}

// plain returns serve for a host that takes envelopes in clear once it has authenticated the connection, and keeps them in seen.
func (h *acceptor) plain(seen *[]string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		handshake := h.accept(h.bindings)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			body, err := io.ReadAll(req.Body)
			switch header := req.Header.Get("Authorization"); {
			case err != nil:
				return
			case header != "":
				say(c, h.authenticate(handshake, header, len(body)))
			case handshake.Context() != nil:
				*seen = append(*seen, string(body))
				say(c, soap("200 OK", envelope))
			}
		}
	}
}
