package wsmantest_test

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/internal/spnego"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A dialogue is a client on one TCP connection of its own, which says just what a test wants. It shares the code of
// messages with the server and nothing else.
type dialogue struct {
	t        *testing.T
	url      string
	conn     net.Conn
	r        *bufio.Reader
	bindings *sealed.ChannelBindings // of the TLS connection, nil without TLS
	protocol sealed.Protocol
	context  sealed.Context // nil until a handshake is complete
}

// dial connects to s.
func dial(t *testing.T, s *wsmantest.Server) *dialogue {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	d := &dialogue{t: t, url: s.URL(), conn: conn}
	if strings.HasPrefix(d.url, "https:") {
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		if err := secure.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.conn, d.bindings = secure, sealed.TLSServerEndPoint(secure.ConnectionState().PeerCertificates[0])
	}
	d.r = bufio.NewReader(d.conn)
	return d
}

// post sends a body with headers in pairs, and returns the answer with its body read.
func (d *dialogue) post(body []byte, headers ...string) (*http.Response, []byte, error) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if err := req.Write(d.conn); err != nil {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(d.r, req)
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(resp.Body)
	return resp, text, err
}

// must is post for answers that have to arrive.
func (d *dialogue) must(body []byte, headers ...string) (*http.Response, []byte) {
	d.t.Helper()
	resp, text, err := d.post(body, headers...)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp, text
}

// tokenFor returns the token in the challenge of a scheme.
func tokenFor(t *testing.T, resp *http.Response, scheme string) []byte {
	t.Helper()
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		if text, ok := strings.CutPrefix(challenge, scheme+" "); ok && text != `realm="WSMAN"` {
			token, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
	}
	return nil
}

// shake exchanges tokens on empty bodies until the server has had enough or refuses, and returns the statuses and the
// last answer.
func (d *dialogue) shake(scheme string, h sealed.Handshake) (statuses []int, last *http.Response) {
	d.t.Helper()
	var token []byte
	for {
		out, err := h.Step(token)
		if err != nil {
			d.t.Fatalf("the client's side: %v", err)
		}
		if out == nil {
			break
		}
		last, _ = d.must(nil, "Authorization", scheme+" "+base64Of(out))
		statuses = append(statuses, last.StatusCode)
		token = tokenFor(d.t, last, scheme)
		if token == nil || (last.StatusCode == http.StatusUnauthorized && len(last.Header.Values("WWW-Authenticate")) > 1) {
			break
		}
	}
	if last.StatusCode == http.StatusOK {
		d.accept(scheme, h)
	}
	return statuses, last
}

// accept takes the context that a handshake led to.
func (d *dialogue) accept(scheme string, h sealed.Handshake) {
	d.t.Helper()
	d.protocol = sealed.ProtocolSPNEGO
	if scheme == "Kerberos" {
		d.protocol = sealed.ProtocolKerberos
	}
	if d.context = h.Context(); d.context == nil {
		d.t.Fatal("the server is done, and the client has no context")
	}
}

// seal returns a body with an envelope in it.
func (d *dialogue) seal(envelope string) []byte {
	d.t.Helper()
	body, err := sealed.Encode(d.context, d.protocol, "application/soap+xml;charset=UTF-8", []byte(envelope))
	if err != nil {
		d.t.Fatal(err)
	}
	return body
}

// unseal returns the envelope in a body.
func (d *dialogue) unseal(resp *http.Response, body []byte) (string, error) {
	envelope, original, err := sealed.Decode(d.context, resp.Header.Get("Content-Type"), body)
	if err == nil && original != "application/soap+xml;charset=UTF-8" {
		d.t.Errorf("sealed content of type %q", original)
	}
	return string(envelope), err
}

// send asks sealed and returns the answer as it came.
func (d *dialogue) send(envelope string) (*http.Response, []byte) {
	d.t.Helper()
	return d.must(d.seal(envelope), "Content-Type", sealed.ContentType(d.protocol))
}

// ask asks sealed and returns status and text of the answer, which has to be sealed, too.
func (d *dialogue) ask(envelope string) (int, string) {
	d.t.Helper()
	resp, body := d.send(envelope)
	text, err := d.unseal(resp, body)
	if err != nil {
		d.t.Fatalf("answer %d %q: %v", resp.StatusCode, body[:min(len(body), 200)], err)
	}
	return resp.StatusCode, text
}

// ntlm is the client's side of NTLM for DOMAIN\user or user with that user's password, but for the domain and what
// follows an @.
func (d *dialogue) ntlm(user string) *ntlmssp.Client {
	domain, name, ok := strings.Cut(user, `\`)
	if !ok {
		domain, name = "", user
	}
	account, _, _ := strings.Cut(strings.ToLower(name), "@")
	return d.ntlmWith(domain, name, account+"-pass")
}

func (d *dialogue) ntlmWith(domain, name, password string) *ntlmssp.Client {
	return ntlmssp.NewClient(ntlmssp.ClientConfig{
		User: name, Domain: domain, Password: func() string { return password }, TargetName: "HTTP/hv77", ChannelBindings: d.bindings,
		Now: (&clock{start}).now,
	})
}

// kerberos is the client's side of Kerberos with the ticket for a service that Server.CCache holds.
func (d *dialogue) kerberos(s *wsmantest.Server, user, service string) *krb5.Initiator {
	d.t.Helper()
	return krb5.NewInitiator(krb5.InitiatorConfig{
		Credential: ticket(d.t, s, user, service), ChannelBindings: d.bindings, Now: (&clock{start}).now,
	})
}

// ticket returns a user's ticket for a service, HTTP/localhost if empty.
func ticket(t *testing.T, s *wsmantest.Server, user, service string) *krb5.Credential {
	t.Helper()
	cache, err := s.CCache(user)
	if err != nil {
		t.Fatal(err)
	}
	c, err := krb5.DecodeCCache(cache)
	if err != nil {
		t.Fatal(err)
	}
	cred := c.Find(krb5.Principal{Components: strings.Split(cmp.Or(service, "HTTP/localhost"), "/"), Realm: s.Realm()}, start)
	if cred == nil || !cred.ValidAt(start) || !cred.ValidAt(start.Add(10*time.Hour-time.Second)) {
		t.Fatalf("ticket for %s: %v", service, cred)
	}
	return cred
}

// wrapped puts SPNEGO around a mechanism.
func wrapped(m spnego.Mechanism) sealed.Handshake { return spnego.NewInitiator(m) }

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
