package transport_test

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

var _ wsman.Transport = (*transport.Transport)(nil)

func TestNew(t *testing.T) {
	cert := newAuthority(t, "ca").issue(t, time.Now().Add(time.Hour), "hv01")
	good := transport.Config{URL: "https://hv01:5986/wsman", Auth: transport.AuthBasic, User: user, Password: transport.NewSecret(password)}
	for _, tt := range []struct {
		name string
		edit func(*transport.Config)
		want string // empty: accepted
	}{
		{"good", func(*transport.Config) {}, ""},
		{"without port and path", func(c *transport.Config) { c.URL = "https://hv01" }, ""},
		{"IPv6", func(c *transport.Config) { c.URL = "https://[fe80::1%25eth0]:5986/wsman" }, ""},
		{"no URL", func(c *transport.Config) { c.URL = "" }, "Config.URL"},
		{"no scheme", func(c *transport.Config) { c.URL = "hv01:5986" }, "Config.URL"},
		{"scheme", func(c *transport.Config) { c.URL = "ftp://hv01/" }, "Config.URL"},
		{"no host", func(c *transport.Config) { c.URL = "https://:5986/wsman" }, "Config.URL"},
		{"broken URL", func(c *transport.Config) { c.URL = "https://u:" + password + "@hv01:x/" }, "Config.URL"},
		{"user in URL", func(c *transport.Config) { c.URL = "https://u:" + password + "@hv01/" }, "holds a user"},
		{"query", func(c *transport.Config) { c.URL = "https://hv01/wsman?x" }, "more than a path"},
		{"no auth", func(c *transport.Config) { c.Auth = "" }, `Config.Auth "" is unknown`},
		{"other auth", func(c *transport.Config) { c.Auth = "digest" }, `Config.Auth "digest" is unknown`},
		{"basic over http", func(c *transport.Config) { c.URL = "http://hv01:5985/wsman" }, "in clear"},
		{"basic over http, allowed", func(c *transport.Config) { c.URL, c.AllowUnencrypted = "http://hv01:5985/wsman", true }, ""},
		{"no user", func(c *transport.Config) { c.User = "" }, "Config.User"},
		{"no password", func(c *transport.Config) { c.Password = transport.Secret{} }, ""},
		{"colon in user", func(c *transport.Config) { c.User = "a:b" }, "colon"},
		{"line end in password", func(c *transport.Config) { c.Password = transport.NewSecret(password + "\r\nX: y") }, "control character"},
		{"none over http", func(c *transport.Config) { c.URL, c.Auth = "http://hv01:5985/wsman", transport.AuthNone }, ""},
		{"certificate", func(c *transport.Config) { c.Auth, c.ClientCertificate = transport.AuthCertificate, &cert }, ""},
		{"certificate missing", func(c *transport.Config) { c.Auth = transport.AuthCertificate }, "is required"},
		{"certificate empty", func(c *transport.Config) {
			c.Auth, c.ClientCertificate = transport.AuthCertificate, &tls.Certificate{}
		}, "lacks"},
		{"certificate over http", func(c *transport.Config) {
			c.URL, c.AllowUnencrypted = "http://hv01:5985/wsman", true
			c.Auth, c.ClientCertificate = transport.AuthCertificate, &cert
		}, "needs https"},
		{"certificate with basic", func(c *transport.Config) { c.ClientCertificate = &cert }, `does not go with "basic"`},
		{"insecure and pins", func(c *transport.Config) { c.Insecure, c.Pins = true, make([]transport.Pin, 1) }, "exclude each other"},
		{"negative timeout", func(c *transport.Config) { c.ConnectTimeout = -1 }, "negative"},
		{"negative size", func(c *transport.Config) { c.MaxReplySize = -1 }, "negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			tt.edit(&cfg)
			tr, err := transport.New(cfg)
			if tt.want == "" {
				if err != nil {
					t.Fatalf("New: %v", err)
				}
				if n := tr.Connections(); n != 0 {
					t.Errorf("New opened %d connections", n)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("New: error %v, want one with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("New: error %v shows the password", err)
			}
		})
	}
}

// TestBasic holds the request to the letter, and five of them to one connection.
func TestBasic(t *testing.T) {
	var got []*http.Request
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r)
		w.Header().Set("Content-Type", soapType)
		say(w, envelope)
	}))
	ca := newAuthority(t, "ca")
	server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}}
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	tr := newTransport(t, transport.Config{
		URL: server.URL, Auth: transport.AuthBasic, User: user, Password: transport.NewSecret(password), RootCAs: ca.pool(),
	})
	for range 5 {
		r := mustSend(t, tr)
		if r.StatusCode != 200 || r.Sealed || r.TLS == nil || r.TLS.Version != tls.VersionTLS13 {
			t.Fatalf("Reply = %+v", r)
		}
		if r.Header.Get("Date") == "" {
			t.Error("Reply.Header has no Date")
		}
	}
	if n := tr.Connections(); n != 1 {
		t.Errorf("five requests opened %d connections, want 1", n)
	}
	want := http.Header{
		"Accept-Encoding": {"identity"},
		"Authorization":   {"Basic " + credentials},
		"Content-Length":  {itoa(len(envelope))},
		"Content-Type":    {"application/soap+xml;charset=UTF-8"},
		"User-Agent":      {"hvmigerr"},
	}
	for _, r := range got {
		if line := r.Method + " " + r.RequestURI + " " + r.Proto; line != "POST /wsman HTTP/1.1" {
			t.Errorf("request line %q", line)
		}
		if d := cmp.Diff(want, r.Header); d != "" {
			t.Errorf("request header (-want +got):\n%s", d)
		}
	}
}

func TestAnonymous(t *testing.T) {
	p := listen(t, answer(soap("200 OK", envelope)))
	cfg := inClear(p.addr())
	cfg.Auth, cfg.AllowUnencrypted = transport.AuthNone, false
	tr := newTransport(t, cfg)
	if _, err := send(t.Context(), tr); err == nil || p.connections() != 0 {
		t.Errorf("a request of nobody: error %v, %d connections; want an error and none", err, p.connections())
	}
	if _, err := tr.RoundTrip(t.Context(), &wsman.Request{Body: []byte(envelope), Anonymous: true}); err != nil {
		t.Fatal(err)
	}
	if got := p.received(); !strings.Contains(got, "\r\nWSMANIDENTIFY: unauthenticated\r\n") || strings.Contains(got, "Authorization") {
		t.Errorf("the anonymous request was:\n%s", got)
	}
}

// TestAnonymousBesideBasic: an anonymous request of a Transport that has a password does not carry it.
func TestAnonymousBesideBasic(t *testing.T) {
	p := listen(t, answer(reply("401 Unauthorized", "", "Content-Length: 0")))
	_, err := newTransport(t, inClear(p.addr())).RoundTrip(t.Context(), &wsman.Request{Body: []byte(envelope), Anonymous: true})
	if e, ok := errors.AsType[*wsman.HTTPError](err); !ok || e.Tried != "" {
		t.Errorf("error %#v, want an HTTPError that tried nothing", err)
	}
	if strings.Contains(p.received(), "Authorization") {
		t.Error("the anonymous request carries Authorization")
	}
}

// TestPlaintext: whatever a plain or a TLS peer does, no credential is ever on the wire in clear.
func TestPlaintext(t *testing.T) {
	ca := newAuthority(t, "ca")
	serverTLS := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}}
	for name, handle := range map[string]func(net.Conn){
		"not TLS":      answer(reply("400 Bad Request", "", "Content-Length: 0")),
		"redirect":     overTLS(serverTLS, answer(reply("307 Temporary Redirect", "", "Location: http://127.0.0.1:1/", "Content-Length: 0"))),
		"401":          overTLS(serverTLS, answer(reply("401 Unauthorized", "", `WWW-Authenticate: Basic realm="x"`, "Content-Length: 0"))),
		"answered":     overTLS(serverTLS, answer(soap("200 OK", envelope))),
		"lost at once": func(net.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			p := listen(t, handle)
			cfg := inClear(p.addr())
			cfg.URL, cfg.AllowUnencrypted, cfg.RootCAs = "https://"+p.addr()+"/wsman", false, ca.pool()
			_, err := send(t.Context(), newTransport(t, cfg))
			if (err == nil) != (name == "answered") {
				t.Errorf("error %v", err)
			}
			got := p.received()
			for _, secret := range []string{password, credentials, "Authorization", "Envelope"} {
				if strings.Contains(got, secret) {
					t.Errorf("%q was sent in clear", secret)
				}
			}
			if p.connections() != 1 {
				t.Errorf("%d connections, want 1: nothing else is to be tried", p.connections())
			}
		})
	}
}

func TestClientCertificate(t *testing.T) {
	ca := newAuthority(t, "ca")
	cert := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	p := listen(t, overTLS(&tls.Config{
		Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(),
	}, func(c net.Conn) {
		state := c.(*tls.Conn).ConnectionState()
		subject := state.PeerCertificates[0].DNSNames[0]
		answer(reply("200 OK", envelope, "Content-Type: "+soapType, "X-Subject: "+subject, "Content-Length: "+itoa(len(envelope))))(c)
	}))
	client := ca.issue(t, time.Now().Add(time.Hour), "hv-reader.example")
	tr := newTransport(t, transport.Config{
		URL: "https://" + p.addr() + "/wsman", Auth: transport.AuthCertificate, ClientCertificate: &client, RootCAs: ca.pool(),
	})
	r := mustSend(t, tr)
	if r.TLS.Version != tls.VersionTLS12 || r.Header.Get("X-Subject") != "hv-reader.example" {
		t.Errorf("TLS version %#x, subject %q", r.TLS.Version, r.Header.Get("X-Subject"))
	}
}

// TestClientCertificateHeader: without the profile's URI, WinRM does not look at the certificate (facts/auth.md §5).
func TestClientCertificateHeader(t *testing.T) {
	var got string
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") }))
	defer server.Close()
	cert := newAuthority(t, "ca").issue(t, time.Now().Add(time.Hour), "x")
	tr := newTransport(t, transport.Config{URL: server.URL, Auth: transport.AuthCertificate, ClientCertificate: &cert, Insecure: true})
	_, err := send(t.Context(), tr)
	if e, ok := errors.AsType[*wsman.HTTPError](err); !ok || e.Tried != "certificate" {
		t.Errorf("error %#v, want an HTTPError that tried the certificate", err)
	}
	if want := "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"; got != want {
		t.Errorf("Authorization: %q, want %q", got, want)
	}
}

// TestIPv6 reaches a host by an IPv6 literal; by the IPv4 one where a machine has no IPv6.
func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp6", "[::1]:0")
	host := "::1"
	if err != nil {
		host = "127.0.0.1"
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ca := newAuthority(t, "ca")
	server := &httptest.Server{
		Listener: l,
		TLS:      &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), host)}},
		Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", soapType)
			w.Header().Set("X-Host", r.Host)
			say(w, envelope)
		})},
	}
	server.StartTLS()
	defer server.Close()
	tr := newTransport(t, transport.Config{
		URL: "https://" + l.Addr().String() + "/wsman", Auth: transport.AuthBasic, User: user, RootCAs: ca.pool(), Proxy: mustProxy("none"),
	})
	if r := mustSend(t, tr); r.Header.Get("X-Host") != l.Addr().String() {
		t.Errorf("Host: %q, want %q", r.Header.Get("X-Host"), l.Addr())
	}
}
