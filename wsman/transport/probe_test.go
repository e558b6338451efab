package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// probed returns what a probe ended with, as kind does.
func probed(p *transport.Probe, err error) string {
	switch {
	case p == nil:
		return "no Probe"
	case err == nil && p.StatusCode == 0:
		return "neither answer nor error"
	case err == nil:
		return "answer " + itoa(p.StatusCode)
	}
	return kind(nil, err)
}

// checkNobody checks that nothing of the user is in what was sent.
func checkNobody(t *testing.T, sent string) {
	t.Helper()
	for _, s := range []string{"\r\nAuthorization:", user, password, credentials} {
		if strings.Contains(sent, s) {
			t.Errorf("%q was sent:\n%s", s, sent)
		}
	}
}

// forever returns a handler that says s again and again, asked or not.
func forever(s string) func(net.Conn) {
	return func(c net.Conn) {
		go silent(c)
		for {
			if _, err := io.WriteString(c, s); err != nil {
				return
			}
		}
	}
}

// greeting returns a handler that speaks first.
func greeting(s string) func(net.Conn) {
	return func(c net.Conn) { say(c, s); silent(c) }
}

// peers are what may listen at the port of WinRM, without TLS.
var peers = []struct {
	name     string
	handle   func(net.Conn)
	want     string // as probed says
	protocol string
	banner   string // how Banner begins; empty: there is none
}{
	{"WinRM", answer(reply("401 Unauthorized", "", "WWW-Authenticate: Negotiate", "WWW-Authenticate: Kerberos", "Content-Length: 0")), "answer 401", "HTTP", ""},
	{"web server", answer(reply("404 Not Found", "<html>", "Content-Length: 6")), "answer 404", "HTTP", ""},
	{"redirect", answer(reply("302 Found", "", "Location: https://127.0.0.1:1/", "Content-Length: 0")), "answer 302", "HTTP", ""},
	{"gateway", answer(reply("502 Bad Gateway", "", "Content-Length: 0")), "answer 502", "HTTP", ""},
	{"continue", answer(reply("100 Continue", "") + reply("401 Unauthorized", "", "Content-Length: 0")), "answer 401", "HTTP", ""},
	{"another protocol", answer(reply("101 Switching Protocols", "", "Upgrade: x", "Connection: upgrade")), "answer 101", "HTTP", ""},
	{"endless body", answer(reply("200 OK", strings.Repeat("x", 1<<20), "Content-Length: 1000000000")), "answer 200", "HTTP", ""},
	{"body cut", answer(reply("200 OK", "ab", "Content-Length: 5")), "answer 200", "HTTP", ""},
	{"SSH", greeting("SSH-2.0-OpenSSH_9.6\r\n"), "protocol", "SSH", "SSH-2.0-OpenSSH_9.6\r\n"},
	{"SSH after a request", answer("SSH-2.0-x\r\n"), "protocol", "SSH", "SSH-2.0-x\r\n"},
	{"SMTP", greeting("220 mail ESMTP\r\n"), "protocol", "", "220 mail ESMTP\r\n"},
	{"TLS", answer("\x15\x03\x03\x00\x02\x02\x46"), "lost", "TLS", "\x15\x03\x03\x00\x02\x02\x46"},
	{"broken HTTP", answer("HTTP/1.1 abc\r\n\r\n"), "protocol", "HTTP", "HTTP/1.1 abc"},
	{"closes", func(net.Conn) {}, "lost", "", ""},
	{"closes after the request", answer(""), "lost", "", ""},
	{"resets", func(c net.Conn) { readPost(c); abort(c) }, "lost", "", ""},
	{"cut header", answer("HTTP/1.1 401 Unauthorized\r\nX"), "lost", "HTTP", "HTTP/1.1 401 Unauthorized\r\nX"},
	{"endless lines", forever("chargen\r\n"), "protocol", "", "chargen\r\n"},
	{"status zero", answer("HTTP/1.1 000 X\r\n\r\n"), "protocol", "HTTP", "HTTP/1.1 000 X"},
	{"endless line", answer(strings.Repeat("x", 1<<20)), "limit header", "", strings.Repeat("x", 256)},
	{"endless header", answer("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<20)), "limit header", "HTTP", "HTTP/1.1 200 OK\r\nX: y\r\n"},
}

// TestProbe: each peer is told for what it is, on one connection, and hears nothing of the user.
func TestProbe(t *testing.T) {
	for _, tt := range peers {
		t.Run(tt.name, func(t *testing.T) {
			p := listen(t, tt.handle)
			cfg := inClear(p.addr())
			var open atomic.Int32
			cfg.DialContext = counting(new(net.Dialer).DialContext, &open)
			got, err := newTransport(t, cfg).Probe(t.Context())
			if s := probed(got, err); s != tt.want {
				t.Fatalf("Probe = %s (%v), want %s", s, err, tt.want)
			}
			if got.Protocol() != tt.protocol || got.Remote != p.addr() || got.Proxied || got.TLS != nil || got.Certificate != nil {
				t.Errorf("Probe = %+v, %s; want %s of %s", got, got.Protocol(), tt.protocol, p.addr())
			}
			if e, ok := errors.AsType[*transport.ConnectError](err); tt.want == "lost" && (!ok || e.Stage != transport.StageAnswer) {
				t.Errorf("Probe: %v, want a ConnectError of StageAnswer", err)
			}
			if !strings.HasPrefix(string(got.Banner), tt.banner) || len(got.Banner) > 256 || tt.banner == "" && len(got.Banner) > 0 {
				t.Errorf("Banner = %q, want %q", got.Banner, tt.banner)
			}
			if len(got.Body) > 4096 {
				t.Errorf("Body of %d bytes", len(got.Body))
			}
			if got.StatusCode != 0 && (got.Received.IsZero() || got.Header == nil) {
				t.Errorf("Probe = %+v, want header and time", got)
			}
			checkNobody(t, p.received())
			if n := p.connections(); n != 1 || open.Load() != 0 {
				t.Errorf("%d connections, %d are open; want one, closed", n, open.Load())
			}
		})
	}
}

// TestProbeRequest: what goes out is one empty POST, and what comes back is all there.
func TestProbeRequest(t *testing.T) {
	p := listen(t, answer(reply("401 Unauthorized", "ab", "WWW-Authenticate: Negotiate, Basic realm=\"x, y\"", "WWW-Authenticate: Kerberos",
		"Date: Mon, 02 Jan 2006 15:04:05 GMT", "Server: Microsoft-HTTPAPI/2.0", "Content-Length: 2")))
	got, err := newTransport(t, inClear(p.addr())).Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := "POST /wsman HTTP/1.1\r\nHost: " + p.addr() + "\r\nUser-Agent: hvmigerr\r\nContent-Length: 0\r\n" +
		"Accept-Encoding: identity\r\nContent-Type: " + soapType + "\r\n\r\n"
	if sent := p.received(); sent != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
	if diff := cmp.Diff([]string{"Negotiate", "Basic", "Kerberos"}, got.Challenges); diff != "" {
		t.Errorf("Challenges (-want +got):\n%s", diff)
	}
	if got.Header.Get("Date") != "Mon, 02 Jan 2006 15:04:05 GMT" || got.Header.Get("Server") != "Microsoft-HTTPAPI/2.0" || string(got.Body) != "ab" {
		t.Errorf("Probe = %+v", got)
	}
}

// A late writer tells whether the connection was read from before anything was written to it.
type lateWriter struct {
	net.Conn
	reads, early atomic.Int32
}

func (w *lateWriter) Read(b []byte) (int, error) {
	w.reads.Add(1)
	return w.Conn.Read(b)
}

func (w *lateWriter) Write(b []byte) (int, error) {
	synctest.Wait() // who would read waits for something to read by now
	w.early.Add(w.reads.Load())
	return w.Conn.Write(b)
}

// TestProbeAsksFirst: a banner is not looked at before the request is out. What net/http does with an early one depends on chance.
func TestProbeAsksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{handle: func(_ int, c net.Conn) {
			go silent(c)
			say(c, "SSH-2.0-x\r\n")
		}}
		cfg := n.config()
		var w *lateWriter
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := n.DialContext(ctx, network, addr)
			w = &lateWriter{Conn: c}
			return w, err
		}
		p, err := newTransport(t, cfg).Probe(t.Context())
		if got := probed(p, err); got != "protocol" || p.Protocol() != "SSH" || w.early.Load() != 0 {
			t.Errorf("Probe = %s (%v) after %d early reads, want SSH and none", got, err, w.early.Load())
		}
	})
}

// TestProbeUnreached: who was not reached is told as by a request.
func TestProbeUnreached(t *testing.T) {
	closed := listen(t, silent)
	hangUp(closed)
	for url, want := range map[string]string{"http://" + closed.addr() + "/wsman": "connect connect", "http://hv01.example:5985/wsman": "connect resolve"} {
		cfg := inClear("x")
		cfg.URL = url
		if want == "connect resolve" {
			cfg.DialContext = new(switchboard).DialContext
		}
		p, err := newTransport(t, cfg).Probe(t.Context())
		if got := probed(p, err); got != want || p.Remote != "" {
			t.Errorf("Probe of %s = %s (%v), want %s", url, got, err, want)
		}
	}
}

// TestProbeCertificate: the state of TLS is told of a certificate that was refused, too, and then nothing of HTTP is sent.
func TestProbeCertificate(t *testing.T) {
	ca, otherCA := newAuthority(t, "test ca"), newAuthority(t, "other ca")
	later := time.Now().Add(time.Hour)
	good := ca.issue(t, later, "hv01.example")
	for _, tt := range []struct {
		name string
		cert tls.Certificate
		pins []transport.Pin
		want string // in the CertificateError; empty: accepted
	}{
		{"good", good, nil, ""},
		{"pinned", otherCA.issue(t, later), []transport.Pin{pinOf(good)}, "none of the pins"},
		{"unknown issuer", otherCA.issue(t, later, "hv01.example"), nil, `issued by "CN=other ca"`},
		{"expired", ca.issue(t, time.Now().Add(-time.Hour), "hv01.example"), nil, "valid only from"},
		{"wrong name", ca.issue(t, later, "hv02.example"), nil, `not for "hv01.example"`},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+", "+tls.VersionName(version), func(t *testing.T) {
				var heard atomic.Int32
				chain := tt.cert
				chain.Certificate = append(chain.Certificate[:1:1], ca.cert.Raw)
				p := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{chain}, MaxVersion: version}, func(c net.Conn) {
					// A server of TLS 1.3 is done before the client is; what counts is what it hears.
					if n, _ := c.Read(make([]byte, 1)); n > 0 {
						heard.Add(1)
					}
					say(c, reply("401 Unauthorized", ""))
				}))
				cfg := overTCP(p, ca)
				cfg.Pins = tt.pins
				got, err := newTransport(t, cfg).Probe(t.Context())
				if got.TLS == nil || got.TLS.Version != version || got.TLS.CipherSuite == 0 || len(got.TLS.PeerCertificates) != 2 {
					t.Fatalf("TLS = %+v (%v), want the state with two certificates", got.TLS, err)
				}
				if got.Remote != p.addr() || !got.TLS.PeerCertificates[0].Equal(tt.cert.Leaf) {
					t.Errorf("Probe = %+v", got)
				}
				if tt.want == "" {
					if probed(got, err) != "answer 401" || got.Certificate != nil {
						t.Errorf("Probe = %s (%v)", probed(got, err), err)
					}
					return
				}
				if probed(got, err) != "connect tls" || got.Certificate == nil || !strings.Contains(got.Certificate.Error(), tt.want) ||
					got.Certificate.Seen != pinOf(tt.cert).String() {
					t.Errorf("Probe = %s (%v), %v; want %q", probed(got, err), err, got.Certificate, tt.want)
				}
				if heard.Load() != 0 || got.StatusCode != 0 {
					t.Errorf("the peer whose certificate was refused was sent something")
				}
			})
		}
	}
}

// TestProbeClientCertificate: the client's certificate stays here, whoever asks for it.
func TestProbeClientCertificate(t *testing.T) {
	ca := newAuthority(t, "ca")
	later := time.Now().Add(time.Hour)
	own := ca.issue(t, later, "me")
	for _, tt := range []struct {
		ask  tls.ClientAuthType
		want string
	}{
		{tls.NoClientCert, "answer 401"},
		{tls.RequestClientCert, "answer 401"},
		{tls.RequireAnyClientCert, "connect tls"},
	} {
		t.Run(tt.ask.String(), func(t *testing.T) {
			var shown atomic.Int32
			server := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, later, "hv01.example")}, ClientAuth: tt.ask}
			server.VerifyConnection = func(state tls.ConnectionState) error {
				shown.Add(int32(len(state.PeerCertificates)))
				return nil
			}
			cfg := overTCP(listen(t, overTLS(server, answer(reply("401 Unauthorized", "", "Content-Length: 0"), soap("200 OK", envelope)))), ca)
			cfg.Auth, cfg.User, cfg.Password, cfg.ClientCertificate = transport.AuthCertificate, "", transport.Secret{}, &own
			tr := newTransport(t, cfg)
			p, err := tr.Probe(t.Context())
			if got := probed(p, err); got != tt.want || shown.Load() != 0 {
				t.Errorf("Probe = %s (%v) with %d certificates shown, want %s and none", got, err, shown.Load(), tt.want)
			}
			if e, ok := errors.AsType[*transport.ConnectError](err); ok && (!e.Alert() || p.TLS == nil || p.Certificate != nil) {
				t.Errorf("Probe = %+v (%v), want the state and an alert", p, err)
			}
			if _, err := send(t.Context(), tr); (shown.Load() == 1) != (tt.ask != tls.NoClientCert) {
				t.Errorf("a request after it shows %d certificates (%v)", shown.Load(), err)
			}
		})
	}
}

// TestProbeNotTLS: what listens at an https port and speaks something else is told.
func TestProbeNotTLS(t *testing.T) {
	ca := newAuthority(t, "ca")
	old := &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "hv01.example")}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	}
	for _, tt := range []struct {
		name             string
		handle           func(net.Conn)
		protocol, banner string
		want             string // in the error
	}{
		{"http", greeting("HTTP/1.1 400 Bad Request\r\n\r\n"), "HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "not with TLS"},
		{"SSH", greeting("SSH-2.0-OpenSSH_9.6\r\n"), "SSH", "SSH-2.0-OpenSSH_9.6\r\n", "not with TLS"},
		{"endless", forever("x"), "", strings.Repeat("x", 5), "not with TLS"},
		{"closes", func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }, "", "", "closed the connection"},
		{"TLS 1.1", overTLS(old, silent), "", "", "protocol version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := newTransport(t, overTCP(listen(t, tt.handle), ca)).Probe(t.Context())
			if got := probed(p, err); got != "connect tls" || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Probe = %s (%v), want connect tls with %q", got, err, tt.want)
			}
			if p.Protocol() != tt.protocol || !strings.HasPrefix(string(p.Banner), tt.banner) || tt.banner == "" && p.Banner != nil || p.TLS != nil {
				t.Errorf("Probe = %+v, %s; want %s", p, p.Protocol(), tt.protocol)
			}
		})
	}
}

// TestProbeSilent: a peer that takes the connection and goes no further is given up: within TLS, and within the body, by the limit of
// connecting; else, as by a request, by the context.
func TestProbeSilent(t *testing.T) {
	part := reply("200 OK", "<p>", "Content-Length: 100")
	for _, tt := range []struct {
		name   string
		handle func(net.Conn)
		https  bool
		want   string // after ConnectTimeout, with a context of a minute; empty: that of the context
		early  string // in the error of a context that ends before
	}{
		{"nothing", silent, false, "", "waiting for the answer"},
		{"byte by byte", dripping("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1000)), false, "", "waiting for the answer"},
		{"TLS", silent, true, "connect tls", "TLS with"},
		{"body", then(part, silent), false, "answer 200", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{handle: func(_ int, c net.Conn) { tt.handle(c) }}
				cfg := n.config()
				if tt.https {
					cfg.URL = "https://hv01.example:5986/wsman"
				}
				tr := newTransport(t, cfg)
				limits := map[time.Duration]string{time.Second: tt.early}
				if tt.want == "" {
					limits[time.Minute] = tt.early
				} else {
					checkGivenUp(t, tr, tt.want)
				}
				if tt.want == "answer 200" {
					return
				}
				for limit, want := range limits {
					began := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					p, err := tr.Probe(ctx)
					cancel()
					if p == nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), want) || time.Since(began) != limit {
						t.Errorf("Probe = %v after %v, want the context's error after %v", err, time.Since(began), limit)
					}
					if _, ok := errors.AsType[*transport.ConnectError](err); ok {
						t.Error("the end of the context is a ConnectError")
					}
				}
			})
		})
	}
}

// checkGivenUp checks that a probe ends after five seconds, and not by the context.
func checkGivenUp(t *testing.T, tr *transport.Transport, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	p, err := tr.Probe(ctx)
	if got := probed(p, err); got != want || time.Since(began) != 5*time.Second {
		t.Errorf("Probe = %s (%v) after %v, want %s after 5s", got, err, time.Since(began), want)
	}
	if err != nil && (!strings.Contains(err.Error(), "within 5s") || errors.Is(err, context.DeadlineExceeded)) {
		t.Errorf("error %v, want one that is not the context's", err)
	}
	if err == nil && (string(p.Body) != "<p>" || p.Received != began) {
		t.Errorf("Probe = %+v, want the part of the body", p)
	}
}

// TestProbeSlow: a host may take longer for its first answer than connecting may.
func TestProbeSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{handle: func(_ int, c net.Conn) {
			readPost(c)
			<-time.After(20 * time.Second)
			say(c, reply("401 Unauthorized", "", "Content-Length: 0"))
		}}
		p, err := newTransport(t, n.config()).Probe(t.Context())
		if got := probed(p, err); got != "answer 401" {
			t.Errorf("Probe = %s (%v), want answer 401", got, err)
		}
	})
}

// TestProbeProxy: a proxy is told its own user and nobody else's, and what it answers itself is told as its answer.
func TestProbeProxy(t *testing.T) {
	ca := newAuthority(t, "ca")
	hostTLS := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "hv01.example")}}
	proxyTLS := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "other.example")}}
	const https, http = "https://hv01.example:5986/wsman", "http://hv01.example:5985/wsman"
	refusal := reply("401 Unauthorized", "", "Content-Length: 0")
	for _, tt := range []struct {
		name, url, proxy string
		handle           func(host *peer) func(net.Conn)
		want             string
		status           int // in the Probe
	}{
		{"CONNECT", https, "http", func(h *peer) func(net.Conn) { return tunnel("hv01.example:5986", h) }, "answer 401", 401},
		{"SOCKS", https, "socks5", func(h *peer) func(net.Conn) { return socks("hv01.example", h) }, "answer 401", 401},
		{"forwarded", http, "http", func(*peer) func(net.Conn) { return answer(refusal) }, "answer 401", 401},
		{"407 to CONNECT", https, "http", func(*peer) func(net.Conn) { return answer(reply("407 X", "")) }, "connect proxy", 0},
		{"403 to CONNECT", https, "http", func(*peer) func(net.Conn) { return answer(reply("403 X", "")) }, "connect proxy", 0},
		{"407 to a request", http, "http", func(*peer) func(net.Conn) { return answer(reply("407 X", "", "Content-Length: 0")) }, "connect proxy", 407},
		{"502 to a request", http, "http", func(*peer) func(net.Conn) { return answer(reply("502 X", "page", "Content-Length: 4")) }, "connect proxy", 502},
		{"403 to a request", http, "http", func(*peer) func(net.Conn) { return answer(reply("403 X", "", "Content-Length: 0")) }, "answer 403", 403},
		{"certificate", https, "https", func(*peer) func(net.Conn) { return overTLS(proxyTLS, silent) }, "connect proxy", 0},
		{"SSH", http, "http", func(*peer) func(net.Conn) { return greeting("SSH-2.0-x\r\n") }, "protocol", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host := listen(t, overTLS(hostTLS, answer(refusal)))
			p := listen(t, tt.handle(host))
			board := &switchboard{peers: map[string]*peer{"proxy.example:3128": p}}
			cfg := overTCP(host, ca)
			cfg.URL, cfg.Proxy, cfg.DialContext, cfg.AllowUnencrypted = tt.url, mustProxy(tt.proxy+"://pu:"+proxyPassword+"@proxy.example:3128"), board.DialContext, true
			got, err := newTransport(t, cfg).Probe(t.Context())
			if s := probed(got, err); s != tt.want || got.StatusCode != tt.status || !got.Proxied {
				t.Fatalf("Probe = %s, status %d (%v), want %s", s, got.StatusCode, err, tt.want)
			}
			if reached := tt.want == "answer 401"; reached && (got.Remote != p.addr() || (got.TLS != nil) != (tt.url == https)) {
				t.Errorf("Probe = %+v", got)
			}
			if e, _ := errors.AsType[*wsman.HTTPError](err); strings.HasPrefix(tt.name, "40") && statusOf(e) == 0 && err != nil {
				t.Errorf("error %v, want the proxy's answer in it", err)
			}
			if (got.Certificate != nil && got.Certificate.Proxy) != (tt.name == "certificate") {
				t.Errorf("Certificate = %v", got.Certificate)
			}
			checkNobody(t, p.received())
			if len(board.dialed) != 1 || tt.proxy == "http" && tt.name != "SSH" && !strings.Contains(p.received(), "Proxy-Authorization: Basic "+proxyCredentials) {
				t.Errorf("dialled %q, the proxy was sent:\n%s", board.dialed, p.received())
			}
		})
	}
}

// FuzzProbe: whatever a peer says after it has accepted, a Probe ends, within its bounds.
func FuzzProbe(f *testing.F) {
	for _, s := range []string{
		"", "\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "\x15\x03\x03\x00\x02\x02\x46", "HTTP/1.1 401 \r\nWWW-Authenticate: Basic realm=\"x\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody", "HTTP/1.1 101 X\r\n\r\nbody", "HTTP/1.0 204 No Content\r\nContent-Length: 9\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		n := &network{handle: func(_ int, c net.Conn) {
			readPost(c)
			_, _ = c.Write(said)
		}}
		tr := newTransport(t, n.config())
		p, err := tr.Probe(t.Context())
		switch {
		case p == nil:
			t.Fatal("no Probe")
		case (err == nil) != (p.StatusCode != 0):
			t.Errorf("Probe = %+v, %v; want an answer or an error", p, err)
		case len(p.Banner) > 256 || len(p.Body) > 4096 || len(p.Challenges) > 16:
			t.Errorf("Probe = %d bytes of banner, %d of body, %d challenges", len(p.Banner), len(p.Body), len(p.Challenges))
		case err != nil && !strings.HasPrefix(string(said), string(p.Banner)) || err == nil && p.Banner != nil:
			t.Errorf("Banner = %q of a peer that said %q", p.Banner, said)
		}
	})
}

// readPost reads the request of a probe: all comes at once.
func readPost(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }
