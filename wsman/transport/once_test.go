package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// TestProofOnce: when the answer to a password, or to a proof of it, gets lost, the host may have counted a failure. As long as it has
// never taken the password, nothing sends that again: neither a client that repeats what is Repeatable, nor other requests.
func TestProofOnce(t *testing.T) {
	for _, w := range ways()[:2] {
		for _, tt := range []struct {
			name    string
			dropped int // the answer that is lost, of each connection
			proofs  int
			marked  bool // by ErrUnanswered
		}{
			{"the answer to the proof", 1, 1, true},
			{"the answer to the first token", 0, 0, false},
		} {
			t.Run(w.name+"/"+tt.name, func(t *testing.T) {
				var proofs atomic.Int32
				p := listen(t, func(c net.Conn) {
					h := w.host(t)
					h.say = func(n int, honest string) string {
						if n == 1 {
							proofs.Add(1)
						}
						if n == tt.dropped {
							return ""
						}
						return honest
					}
					h.serve(c)
				})
				cfg := w.config(t, p.addr())
				tr := newTransport(t, cfg)
				for range 2 {
					client, err := wsman.NewClient(wsman.Config{Endpoint: cfg.URL, Transport: tr})
					if err != nil {
						t.Fatal(err)
					}
					_, err = client.Identify(t.Context())
					if !errors.Is(err, wsman.ErrConnectionLost) || errors.Is(err, transport.ErrUnanswered) != tt.marked {
						t.Errorf("Identify: %v, want a lost connection, marked %t", err, tt.marked)
					}
				}
				if got := int(proofs.Load()); got != tt.proofs {
					t.Errorf("the proof was sent %d times, want %d", got, tt.proofs)
				}
				if tt.proofs > 0 && p.connections() != 1 {
					t.Errorf("%d connections, want 1", p.connections())
				}
			})
		}
	}
}

// TestProofOnceProxied: the same of a proxy that breaks off. That it keeps no connection is told as before.
func TestProofOnceProxied(t *testing.T) {
	w := ways()[0]
	p := listen(t, func(c net.Conn) {
		h := w.host(t)
		h.say = func(n int, honest string) string {
			if n == 1 {
				return ""
			}
			return honest
		}
		h.serve(c)
	})
	cfg := w.config(t, "hv01.example:5985")
	cfg.Proxy = mustProxy("http://" + p.addr())
	tr := newTransport(t, cfg)
	for range 2 {
		_, err := send(t.Context(), tr)
		if e, ok := errors.AsType[*transport.AuthError](err); !ok || !e.Proxied || e.Refused {
			t.Errorf("RoundTrip: %v, want an AuthError about the proxy", err)
		}
	}
	if n := strings.Count(p.received(), "\r\nAuthorization: "); n != w.tokens || p.connections() != 1 {
		t.Errorf("%d tokens over %d connections, want those of one attempt", n, p.connections())
	}
}

// TestProofAgain: once the host has taken the password, a lost connection costs a new logon and no more.
func TestProofAgain(t *testing.T) {
	for _, w := range ways()[:2] {
		t.Run(w.name, func(t *testing.T) {
			var connections atomic.Int32
			p := listen(t, func(c net.Conn) {
				h := w.host(t)
				which := connections.Add(1)
				h.say = func(n int, honest string) string {
					if which == 1 && n == w.tokens+1 || which == 2 && n == 1 {
						return ""
					}
					return honest
				}
				h.serve(c)
			})
			tr := newTransport(t, w.config(t, p.addr()))
			mustSend(t, tr)
			for range 2 {
				if _, err := send(t.Context(), tr); !errors.Is(err, wsman.ErrConnectionLost) || errors.Is(err, transport.ErrUnanswered) {
					t.Errorf("RoundTrip: %v, want a lost connection", err)
				}
			}
			mustSend(t, tr)
		})
	}
}

// TestBasicOnce: Basic has the password in each request, and so the same rule.
func TestBasicOnce(t *testing.T) {
	lost, taken := answer(""), answer(soap("200 OK", envelope), "")
	t.Run("never taken", func(t *testing.T) {
		p := listen(t, lost)
		tr := newTransport(t, inClear(p.addr()))
		for range 3 {
			if _, err := send(t.Context(), tr); !errors.Is(err, wsman.ErrConnectionLost) || !errors.Is(err, transport.ErrUnanswered) {
				t.Errorf("RoundTrip: %v, want a lost connection, marked", err)
			}
		}
		if _, err := tr.RoundTrip(t.Context(), &wsman.Request{Anonymous: true, Body: []byte(envelope)}); errors.Is(err, transport.ErrUnanswered) {
			t.Errorf("an anonymous request: %v, which holds no password", err)
		}
		if n := strings.Count(p.received(), credentials); n != 1 {
			t.Errorf("the password was sent %d times, want once", n)
		}
	})
	t.Run("taken before", func(t *testing.T) {
		p := listen(t, taken)
		tr := newTransport(t, inClear(p.addr()))
		for range 2 {
			mustSend(t, tr)
			if _, err := send(t.Context(), tr); !errors.Is(err, wsman.ErrConnectionLost) || errors.Is(err, transport.ErrUnanswered) {
				t.Errorf("RoundTrip: %v, want a lost connection", err)
			}
		}
	})
	t.Run("a page is no word about the password", func(t *testing.T) {
		p := listen(t, answer(reply("404 X", "", "Content-Length: 0"), ""))
		tr := newTransport(t, inClear(p.addr()))
		for _, marked := range []bool{false, true, true} {
			if _, err := send(t.Context(), tr); errors.Is(err, transport.ErrUnanswered) != marked {
				t.Errorf("RoundTrip: %v, want marked %t", err, marked)
			}
		}
	})
}

// TestAnonymousCertificate: what is nobody's goes over connections of nobody. The server asks for a certificate on every one of them.
func TestAnonymousCertificate(t *testing.T) {
	ca := newAuthority(t, "ca")
	later := time.Now().Add(time.Hour)
	own := ca.issue(t, later, "me")
	var mu sync.Mutex
	var shown []int // certificates, of each request
	server := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, later, "hv01.example")}, ClientAuth: tls.RequestClientCert}
	p := listen(t, func(c net.Conn) {
		secured := tls.Server(c, server)
		for _, a := range slices.Repeat([]string{soap("200 OK", envelope)}, 3) {
			if n, err := io.ReadAtLeast(secured, make([]byte, 4096), len("POST")); n == 0 || err != nil {
				return
			}
			mu.Lock()
			shown = append(shown, len(secured.ConnectionState().PeerCertificates))
			mu.Unlock()
			say(secured, a)
		}
	})
	cfg := overTCP(p, ca)
	cfg.Auth, cfg.User, cfg.Password, cfg.ClientCertificate = transport.AuthCertificate, "", transport.Secret{}, &own
	tr := newTransport(t, cfg)
	for _, anonymous := range []bool{true, false, true, false} {
		if _, err := tr.RoundTrip(t.Context(), &wsman.Request{Anonymous: anonymous, Body: []byte("x")}); err != nil {
			t.Fatalf("RoundTrip, anonymous %t: %v", anonymous, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []int{0, 1, 0, 1}; !slices.Equal(shown, want) || p.connections() != 2 {
		t.Errorf("certificates shown: %v over %d connections, want %v over 2", shown, p.connections(), want)
	}
}
