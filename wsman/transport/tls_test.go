package transport_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

func pinOf(c tls.Certificate) transport.Pin { return sha256.Sum256(c.Certificate[0]) }

// TestCertificate: which certificates are accepted, and what the error says of the others.
func TestCertificate(t *testing.T) {
	ca, otherCA := newAuthority(t, "test ca"), newAuthority(t, "other ca")
	later := time.Now().Add(time.Hour)
	good := ca.issue(t, later, "hv01.example", "hv01")
	address := ca.issue(t, later, "fe80::1")
	expired := ca.issue(t, time.Now().Add(-time.Hour), "hv01.example")
	early := ca.issue(t, time.Now().Add(100*time.Hour), "hv01.example")
	nameless := ca.issue(t, later)
	crowd := ca.issue(t, later, strings.Split(strings.Repeat("x.example,", 1000)+"y", ",")...)
	long := ca.issue(t, later, strings.Repeat("x", 5000)+".example")
	other := otherCA.issue(t, later, "hv01.example")
	mistaken := ca.issue(t, later, "10.1.2.4", dnsPrefix+"10.1.2.3", dnsPrefix+"fe80:0::1")
	own := tls.Certificate{Certificate: [][]byte{otherCA.cert.Raw}, PrivateKey: otherCA.key}
	for _, tt := range []struct {
		name string
		cert tls.Certificate
		edit func(*transport.Config)
		want []string // empty: accepted
	}{
		{"good", good, nil, nil},
		{"wrong name", good, host("hv02.example"), []string{`the certificate is for "hv01.example", "hv01", not for "hv02.example"`}},
		{"address for a name", good, host("10.1.2.3"), []string{`not for "10.1.2.3"`}},
		{"address as a name", mistaken, host("10.1.2.3"), []string{`the certificate holds "10.1.2.3" as a DNS name, where an entry for an IP address was due`}},
		{"IPv6 address as a name", mistaken, host("[fe80::1]"), []string{`the certificate holds "fe80::1" as a DNS name`}},
		{"another address as a name", mistaken, host("10.1.2.5"), []string{`the certificate is for "10.1.2.3", "fe80:0::1", 10.1.2.4, not for "10.1.2.5"`}},
		{"server name", good, func(c *transport.Config) { host("10.1.2.3")(c); c.ServerName = "hv01" }, nil},
		{"wrong server name", good, func(c *transport.Config) { c.ServerName = "hv03" }, []string{`not for "hv03"`}},
		{"address with a zone", address, host("[fe80::1%25eth0]"), nil},
		{"wrong address", address, nil, []string{`the certificate is for fe80::1, not for "hv01.example"`}},
		{"no name", nameless, nil, []string{`the certificate names no host, where "hv01.example" was due (its subject "CN=test host" does not count)`}},
		{"a thousand names", crowd, nil, []string{`"x.example" and 993 more`}},
		{"a long name", long, nil, []string{`the certificate is for "` + strings.Repeat("x", 200) + `...", not`}},
		{"unknown issuer", other, nil, []string{`the certificate of "hv01.example" was issued by "CN=other ca", which is not known here`}},
		{"no roots", good, func(c *transport.Config) { c.RootCAs = x509.NewCertPool() }, []string{`"CN=test ca"`}},
		{"its own issuer", own, nil, []string{"signed by itself", `"CN=other ca"`}},
		{"expired", expired, nil, []string{`the certificate "CN=test host" is valid only from `, expired.Leaf.NotAfter.Format(time.RFC3339)}},
		{"not yet valid", early, nil, []string{"valid only from " + early.Leaf.NotBefore.Format(time.RFC3339)}},
		{"insecure", own, func(c *transport.Config) { c.Insecure = true }, nil},
		{"pin", own, pins(pinOf(own)), nil},
		{"pin of an expired one", expired, pins(pinOf(expired)), nil},
		{"second pin", other, pins(pinOf(good), pinOf(other)), nil},
		{"wrong pins", good, pins(pinOf(own), pinOf(other)), []string{"none of the pins"}},
		{"pin of the issuer", good, pins(sha256.Sum256(ca.cert.Raw)), []string{"none of the pins"}},
		{"TLS 1.2, wrong pin", good, func(c *transport.Config) {
			pins(pinOf(own))(c)
			c.Auth, c.ClientCertificate = transport.AuthCertificate, &own
		}, []string{"none of the pins"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{tt.cert}}, answer(soap("200 OK", envelope))))
			cfg := overTCP(p, ca)
			if tt.edit != nil {
				tt.edit(&cfg)
			}
			var open atomic.Int32
			cfg.DialContext = counting(cfg.DialContext, &open)
			tr := newTransport(t, cfg)
			r, err := send(t.Context(), tr)
			if len(tt.want) == 0 {
				if err != nil {
					t.Fatalf("RoundTrip: %v", err)
				}
				return
			}
			if got := kind(r, err); got != "connect tls" {
				t.Fatalf("RoundTrip = %s (%v), want connect tls", got, err)
			}
			seen := pinOf(tt.cert).String()
			for _, want := range append(tt.want, "TLS with ", "certificate seen now: "+seen+"; compare it on the host before you pin it") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if e, ok := errors.AsType[*transport.CertificateError](err); !ok || e.Seen != seen || len(e.Leaf.Raw) == 0 || e.Host == "" {
				t.Errorf("CertificateError = %+v", e)
			}
			if n := tr.Connections(); n != 0 || open.Load() != 0 {
				t.Errorf("%d connections count as opened, %d are open; want none", n, open.Load())
			}
		})
	}
}

// host returns an edit of the URL's host.
func host(name string) func(*transport.Config) {
	return func(c *transport.Config) { c.URL = "https://" + name + ":5986/wsman" }
}

func pins(p ...transport.Pin) func(*transport.Config) {
	return func(c *transport.Config) { c.Pins = p }
}

// overTCP returns a configuration whose host hv01.example is p, whatever name or address is dialled.
func overTCP(p *peer, ca *authority) transport.Config {
	return transport.Config{
		URL: "https://hv01.example:5986/wsman", Auth: transport.AuthBasic, User: user, Password: transport.NewSecret(password),
		RootCAs: ca.pool(), Proxy: mustProxy("none"),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, p.addr())
		},
	}
}

// TestPinOnEveryHandshake: no connection after the first is spared the check, by resumption or otherwise.
func TestPinOnEveryHandshake(t *testing.T) {
	ca := newAuthority(t, "ca")
	later := time.Now().Add(time.Hour)
	certs := make(chan tls.Certificate, 2)
	first := ca.issue(t, later, "hv01.example")
	certs <- first
	certs <- ca.issue(t, later, "hv01.example")
	server := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		cfg := &tls.Config{Certificates: []tls.Certificate{<-certs}}
		cfg.SetSessionTicketKeys([][32]byte{{1}}) // a ticket of the first connection would be good for the second
		return cfg, nil
	}}
	p := listen(t, overTLS(server, answer(reply("200 OK", envelope, "Content-Type: "+soapType, "Connection: close"))))
	cfg := overTCP(p, ca)
	cfg.Pins = []transport.Pin{pinOf(first)}
	tr := newTransport(t, cfg)
	mustSend(t, tr)
	r, err := send(t.Context(), tr)
	if _, ok := errors.AsType[*transport.CertificateError](err); !ok {
		t.Errorf("with another certificate: %s (%v), want a CertificateError", kind(r, err), err)
	}
}

func TestHandshake(t *testing.T) {
	ca := newAuthority(t, "ca")
	cert := ca.issue(t, time.Now().Add(time.Hour), "hv01.example")
	for _, tt := range []struct {
		name   string
		handle func(net.Conn)
		want   string
		alert  bool
	}{
		{"http", func(c net.Conn) { say(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); silent(c) }, "not with TLS; is it http?", false},
		{"closes", func(net.Conn) {}, "TLS with hv01.example:5986: ", false},
		{"closes after the hello", func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }, "closed the connection in the middle of the handshake", false},
		{"TLS 1.1", overTLS(&tls.Config{
			Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
		}, silent), "protocol version", true},
		{"wants a certificate", overTLS(&tls.Config{
			Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12,
		}, silent), "remote error: tls: ", true},
		// With TLS 1.3 that comes only when the request is under way. The connection stays open: a reset could overtake the alert.
		{"wants a certificate, TLS 1.3", func(c net.Conn) {
			_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert}).Handshake()
			silent(c)
		}, "remote error: tls: certificate required", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := send(t.Context(), newTransport(t, overTCP(listen(t, tt.handle), ca)))
			if got := kind(r, err); got != "connect tls" || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("RoundTrip = %s (%v), want connect tls with %q", got, err, tt.want)
			}
			if e, _ := errors.AsType[*transport.ConnectError](err); e.Alert() != tt.alert {
				t.Errorf("Alert of %v = %v", err, e.Alert())
			}
		})
	}
}

// TestUnreachable: what never became a connection says so, and is not a lost one.
func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, tt := range []struct {
		url, want, text string
	}{
		{closed.URL, "connect connect", "connect to " + closed.Listener.Addr().String()},
		{"http://hv01.invalid:5985/wsman", "connect resolve", "resolve hv01.invalid:5985: "},
	} {
		cfg := inClear("x")
		cfg.URL = tt.url
		if tt.want == "connect resolve" {
			// RFC 6761 keeps .invalid unknown, but not every test machine has a resolver that says so in time.
			cfg.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}}
			}
		}
		r, err := send(t.Context(), newTransport(t, cfg))
		if got := kind(r, err); got != tt.want || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: RoundTrip = %s (%v), want %s", tt.url, got, err, tt.want)
		}
	}
}

func TestParsePin(t *testing.T) {
	digits := strings.Repeat("0f", 32)
	var colons []string
	for range 32 {
		colons = append(colons, "0F")
	}
	for _, tt := range []struct {
		in string
		ok bool
	}{
		{"sha256:" + digits, true},
		{"SHA256:" + strings.Join(colons, ":"), true},
		{"sha256:" + digits[1:], false},
		{"sha256:" + digits + "00", false},
		{"sha256:" + digits[2:] + "0g", false},
		{digits, false},
		{"sha1:" + digits[:40], false},
		{"sha256:", false},
		{"", false},
	} {
		p, err := transport.ParsePin(tt.in)
		if (err == nil) != tt.ok {
			t.Errorf("ParsePin(%q): error %v", tt.in, err)
		}
		if want := "sha256:" + digits; tt.ok && p.String() != want {
			t.Errorf("ParsePin(%q) = %v, want %v", tt.in, p, want)
		}
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("%q", tt.in)) {
			t.Errorf("ParsePin(%q): error %v does not repeat it", tt.in, err)
		}
	}
}
