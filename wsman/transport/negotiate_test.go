package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// requests returns how many requests a peer received, and how many of them with an Authorization header.
func requests(received string) (all, authenticating int) {
	return strings.Count(received, "POST /wsman HTTP/1.1\r\n"), strings.Count(received, "\r\nAuthorization: ")
}

// TestSealedSession: NTLM costs two requests and Kerberos one; then every envelope goes sealed over the same connection.
func TestSealedSession(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			p := listen(t, w.host(t).serve)
			tr := newTransport(t, w.config(t, p.addr()))
			const n = 5
			for range n {
				if r := mustSend(t, tr); !r.Sealed || r.StatusCode != http.StatusOK || r.TLS != nil {
					t.Errorf("RoundTrip: Sealed %v, StatusCode %d, TLS %v, want true, 200, nil", r.Sealed, r.StatusCode, r.TLS)
				}
			}
			if all, authenticating := requests(p.received()); all != w.tokens+n || authenticating != w.tokens || p.connections() != 1 {
				t.Errorf("%d requests, %d of them with tokens, on %d connections, want %d, %d, 1",
					all, authenticating, p.connections(), w.tokens+n, w.tokens)
			}
			if want := map[bool]string{true: "NTLM", false: "Kerberos"}[w.tokens == 2]; tr.Mechanism() != want {
				t.Errorf("Mechanism() = %q, want %q", tr.Mechanism(), want)
			}
			checkSilence(t, p.received())
		})
	}
}

// TestChannelBindings: over TLS the tokens are tied to the certificate that the client has seen.
func TestChannelBindings(t *testing.T) {
	ca := newAuthority(t, "CA")
	cert, other := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1"), ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	for _, c := range []*tls.Certificate{&cert, &other} {
		c.Certificate = append(c.Certificate, ca.cert.Raw) // the binding is to the first of a chain
	}
	for _, w := range ways() {
		for _, tt := range []struct {
			name string
			seen *tls.Certificate
			ok   bool
		}{
			{"the same certificate", &cert, true},
			{"another certificate, as behind a man in the middle", &other, false},
		} {
			t.Run(w.name+"/"+tt.name, func(t *testing.T) {
				h := w.host(t)
				h.bindings = sealed.TLSServerEndPoint(cert.Leaf)
				p := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{*tt.seen}}, h.serve))
				cfg := w.config(t, p.addr())
				cfg.URL, cfg.RootCAs = "https://"+p.addr()+"/wsman", ca.pool()
				r, err := send(t.Context(), newTransport(t, cfg))
				if e, refused := errors.AsType[*transport.AuthError](err); (err == nil) != tt.ok || !tt.ok && (!refused || !e.Refused) {
					t.Errorf("RoundTrip: %v, %v, want success %v", r, err, tt.ok)
				}
				if err == nil && (!r.Sealed || r.TLS == nil) {
					t.Errorf("Sealed %v, TLS %v, want both", r.Sealed, r.TLS)
				}
			})
		}
	}
}

// TestUnsealed: over TLS sealing can be left to it.
func TestUnsealed(t *testing.T) {
	w := ways()[0]
	if _, err := transport.New(transport.Config{
		URL: "http://hv01/wsman", Auth: transport.AuthNTLM, User: user, Unsealed: true,
	}); err == nil || !strings.Contains(err.Error(), "in clear") {
		t.Errorf("New: %v, want one about http", err)
	}
	ca := newAuthority(t, "CA")
	cert := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	h := w.host(t)
	var seen []string
	p := listen(t, overTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, h.plain(&seen)))
	cfg := w.config(t, p.addr())
	cfg.URL, cfg.RootCAs, cfg.Unsealed = "https://"+p.addr()+"/wsman", ca.pool(), true
	tr := newTransport(t, cfg)
	for range 2 {
		if r := mustSend(t, tr); r.Sealed {
			t.Error("Sealed is true")
		}
	}
	if len(seen) != 2 || seen[0] != envelope {
		t.Errorf("the host reads %q, want the envelope twice", seen)
	}
}

// TestMidSession: a host that has forgotten the session is authenticated to once more, on a new connection.
func TestMidSession(t *testing.T) {
	for _, w := range ways() {
		for _, tt := range []struct {
			name        string
			forgetful   int // how many connections lose their session
			connections int
			ok          bool
		}{
			{"once", 1, 2, true},
			{"twice", 2, 2, false},
		} {
			t.Run(w.name+"/"+tt.name, func(t *testing.T) {
				var connections []*acceptor
				p := listen(t, func(c net.Conn) {
					h := w.host(t)
					connections = append(connections, h)
					if len(connections) <= tt.forgetful {
						h.say = func(n int, honest string) string {
							if n == w.tokens {
								return unauthorized("Negotiate", "Kerberos")
							}
							return honest
						}
					}
					h.serve(c)
				})
				tr := newTransport(t, w.config(t, p.addr()))
				r, err := send(t.Context(), tr)
				if (err == nil) != tt.ok {
					t.Fatalf("RoundTrip: %v, %v, want success %v", r, err, tt.ok)
				}
				if _, again := send(t.Context(), tr); (again == nil) != tt.ok { // a host that forgets twice is left alone
					t.Errorf("RoundTrip: %v, want success %v", again, tt.ok)
				}
				if got := p.connections(); got != tt.connections {
					t.Errorf("%d connections, want %d", got, tt.connections)
				}
				if _, ok := errors.AsType[*transport.AuthError](err); !ok && !tt.ok || !tt.ok && !strings.HasSuffix(err.Error(), "offered: Negotiate, Kerberos") {
					t.Errorf("RoundTrip: %v, want an AuthError that names what is offered", err)
				}
			})
		}
	}
}

// TestClosesAfterEveryAnswer: a host that keeps no connection is asked over a new one each time.
func TestClosesAfterEveryAnswer(t *testing.T) {
	for _, w := range ways() {
		for name, header := range map[string]string{"announced": "Connection: close\r\n", "in silence": ""} {
			t.Run(w.name+"/"+name, func(t *testing.T) {
				p := listen(t, func(c net.Conn) {
					h := w.host(t)
					h.say = func(n int, honest string) string {
						switch {
						case n == w.tokens:
							return strings.Replace(honest, "\r\n", "\r\n"+header, 1)
						case n > w.tokens:
							t.Error("a request after the close")
						}
						return honest
					}
					h.serve(&closing{Conn: c, after: w.tokens + 1})
				})
				tr := newTransport(t, w.config(t, p.addr()))
				const n = 3
				for range n {
					if _, err := send(t.Context(), tr); errors.Is(err, wsman.ErrConnectionLost) {
						// The close came after the next request had begun: wsman.Client sends that again.
						mustSend(t, tr)
					} else if err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// A closing connection ends after so many answers.
type closing struct {
	net.Conn
	after int
}

func (c *closing) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if c.after--; c.after == 0 {
		err = errors.Join(err, c.Close())
	}
	return n, err
}

// TestRefusedOnce: what was refused is not sent again, by whomever.
func TestRefusedOnce(t *testing.T) {
	for _, w := range ways()[:2] {
		t.Run(w.name, func(t *testing.T) {
			p := listen(t, w.host(t).serve)
			cfg := w.config(t, p.addr())
			cfg.Password = transport.NewSecret("wrong")
			tr := newTransport(t, cfg)
			var workers sync.WaitGroup
			for range 8 {
				workers.Go(func() {
					_, err := send(t.Context(), tr)
					e, ok := errors.AsType[*transport.AuthError](err)
					if !ok || !e.Refused || e.Error() != `NTLM refused for CORP\hv-reader; offered: Negotiate` {
						t.Errorf("RoundTrip: %v, want a refusal", err)
					}
				})
			}
			workers.Wait()
			if all, _ := requests(p.received()); all != 2 {
				t.Errorf("%d requests, want the two of one attempt", all)
			}
		})
	}
	t.Run("basic", func(t *testing.T) {
		p := listen(t, answer(unauthorized("Negotiate", `Basic realm="x"`), soap("200 OK", envelope)))
		tr := newTransport(t, inClear(p.addr()))
		for range 2 {
			if e, ok := errors.AsType[*wsman.HTTPError](second(send(t.Context(), tr))); !ok || e.StatusCode != http.StatusUnauthorized {
				t.Errorf("RoundTrip: %v, want 401", e)
			}
		}
		if all, _ := requests(p.received()); all != 1 {
			t.Errorf("%d requests, want 1", all)
		}
	})
}

func second[A, B any](_ A, b B) B { return b }

// TestWorkers: many requests at a time are as many sessions.
func TestWorkers(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			p := listen(t, func(c net.Conn) { w.host(t).serve(c) })
			tr := newTransport(t, w.config(t, p.addr()))
			var workers sync.WaitGroup
			for range 8 {
				workers.Go(func() {
					for range 4 {
						if r, err := send(t.Context(), tr); err != nil || string(r.Body) != envelope {
							t.Errorf("RoundTrip: %v, %v", r, err)
						}
					}
				})
			}
			workers.Wait()
			if n := p.connections(); n > 8 {
				t.Errorf("%d connections for 8 workers", n)
			}
		})
	}
}

// TestSealedAnswers: a sealed answer is taken once, whole, unchanged and in its turn.
func TestSealedAnswers(t *testing.T) {
	for _, w := range ways() {
		for _, tt := range []struct {
			name string
			edit func(answers []string) string // the last of answers is the honest one, earlier ones were sent
			want string
		}{
			{"replayed", func(a []string) string { return a[0] }, "does not verify"},
			{"altered", func(a []string) string { return alter(a[1], -60) }, "does not verify"},
			{"signature altered", func(a []string) string { return alter(a[1], strings.Index(a[1], "octet-stream\r\n")+20) }, "does not verify"},
			{"another length announced", func(a []string) string { return strings.Replace(a[1], "Length="+itoa(len(envelope)), "Length=99", 1) }, "does not verify"},
			{"in clear", func([]string) string { return soap("200 OK", envelope) }, "in clear"},
			{"a fault in clear", func([]string) string { return soap("500 Internal Server Error", envelope) }, "in clear"},
			{"nothing", func([]string) string { return reply("200 OK", "", "Content-Length: 0") }, "in clear"},
		} {
			t.Run(w.name+"/"+tt.name, func(t *testing.T) {
				h := w.host(t)
				var answers []string
				h.say = func(n int, honest string) string {
					if n < w.tokens {
						return honest
					}
					answers = append(answers, honest)
					if len(answers) == 2 {
						return tt.edit(answers)
					}
					return honest
				}
				p := listen(t, h.serve)
				tr := newTransport(t, w.config(t, p.addr()))
				mustSend(t, tr)
				_, err := send(t.Context(), tr)
				if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("RoundTrip: %v, want a ProtocolError with %q", err, tt.want)
				}
				mustSend(t, tr)
				if n := p.connections(); n != 2 {
					t.Errorf("%d connections, want another one after an answer that is not to be believed", n)
				}
			})
		}
	}
}

// alter changes one octet of s, counted from its end if i is negative.
func alter(s string, i int) string {
	b := []byte(s)
	if i < 0 {
		i += len(b)
	}
	b[i] ^= 1
	return string(b)
}

// TestSealedPages: what is in a sealed answer counts, not what it is called outside.
func TestSealedPages(t *testing.T) {
	w := ways()[0]
	h := w.host(t)
	h.body = "<html>no SOAP</html>"
	h.say = func(_ int, honest string) string {
		return strings.Replace(honest, "type=application/soap+xml", "type=text/html;level=one1", 1)
	}
	p := listen(t, h.serve)
	_, err := send(t.Context(), newTransport(t, w.config(t, p.addr())))
	if e, ok := errors.AsType[*wsman.HTTPError](err); !ok || e.StatusCode != http.StatusOK || string(e.Body) != h.body {
		t.Errorf("RoundTrip: %v, want an HTTPError with the page", err)
	}
}

// TestSealedLimit: the limit holds for sealed bodies, announced or not.
func TestSealedLimit(t *testing.T) {
	w := ways()[0]
	for name, edit := range map[string]func(string) string{
		"announced": func(s string) string { return s },
		"chunked": func(s string) string {
			head, body, _ := strings.Cut(s, "\r\n\r\n")
			head = strings.Replace(head, "Content-Length: "+itoa(len(body)), "Transfer-Encoding: chunked", 1)
			return head + "\r\n\r\n" + "20000\r\n" + body[:0x20000] + "\r\n"
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := w.host(t)
			h.body = strings.Repeat("x", 1<<18)
			h.say = func(n int, honest string) string {
				if n == w.tokens {
					return edit(honest)
				}
				return honest
			}
			p := listen(t, h.serve)
			cfg := w.config(t, p.addr())
			cfg.MaxReplySize = 1 << 16
			_, err := send(t.Context(), newTransport(t, cfg))
			if e, ok := errors.AsType[*transport.LimitError](err); !ok || e.What != "body" || e.Limit != 1<<16 {
				t.Errorf("RoundTrip: %v, want a LimitError of 65,536", err)
			}
		})
	}
}

// TestUsersOfNTLM: which domain a user's name puts into the token (DESIGN: Users).
func TestUsersOfNTLM(t *testing.T) {
	for _, tt := range []struct{ user, domain, name string }{
		{`CORP\me`, "CORP", "me"},
		{`.\me`, "", "me"},
		{"me", "", "me"},
		{"me@corp.example", "", "me@corp.example"},
		{`CORP\a\b`, "CORP", `a\b`},
	} {
		t.Run(tt.user, func(t *testing.T) {
			seen := make(chan [2]string, 1)
			h := &acceptor{t: t, scheme: "Negotiate", protocol: sealed.ProtocolSPNEGO, accept: func(*sealed.ChannelBindings) sealed.Handshake {
				return ntlmssp.NewServer(ntlmssp.ServerConfig{ComputerName: "HV01", DomainName: "CORP", Password: func(domain, name string) (string, bool) {
					seen <- [2]string{domain, name}
					return password, true
				}})
			}}
			p := listen(t, h.serve)
			cfg := ntlmConfig(transport.AuthNTLM)(t, p.addr())
			cfg.User = tt.user
			mustSend(t, newTransport(t, cfg))
			if got := <-seen; got != [2]string{tt.domain, tt.name} {
				t.Errorf("the host sees %q, want %q, %q", got, tt.domain, tt.name)
			}
		})
	}
}

// TestAnonymousBesideASession: the anonymous Identify does not travel over an authenticated connection, nor the reverse.
func TestAnonymousBesideASession(t *testing.T) {
	w := ways()[0]
	h := w.host(t)
	p := listen(t, func(c net.Conn) { h.serve(c) })
	tr := newTransport(t, w.config(t, p.addr()))
	mustSend(t, tr)
	_, err := tr.RoundTrip(t.Context(), &wsman.Request{Body: []byte(envelope), Anonymous: true})
	if e, ok := errors.AsType[*wsman.HTTPError](err); !ok || e.StatusCode != http.StatusUnauthorized || e.Tried != "" {
		t.Errorf("RoundTrip: %v, want the 401 of a request without authentication", err)
	}
	mustSend(t, tr)
	if n := p.connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// TestAuthenticationEnds: no host holds us longer than the context lasts, in no leg.
func TestAuthenticationEnds(t *testing.T) {
	for _, w := range ways() {
		for leg := range w.tokens + 1 {
			t.Run(w.name+"/"+itoa(leg), func(t *testing.T) {
				h := w.host(t)
				ctx, cancel := context.WithCancel(t.Context())
				p := listen(t, func(c net.Conn) {
					h.say = func(n int, honest string) string {
						if n == leg {
							cancel()
							silent(c)
						}
						return honest
					}
					h.serve(c)
				})
				if _, err := send(ctx, newTransport(t, w.config(t, p.addr()))); !errors.Is(err, context.Canceled) {
					t.Errorf("RoundTrip: %v, want context.Canceled", err)
				}
			})
		}
	}
}

// TestSkew: a refusal tells how far the clocks differ, as the host's Date has it.
func TestSkew(t *testing.T) {
	date := time.Now().Add(-12 * time.Minute).UTC().Format(http.TimeFormat)
	p := listen(t, answer(reply("401 Unauthorized", "", "Content-Length: 0", "WWW-Authenticate: Kerberos", "Date: "+date)))
	_, err := send(t.Context(), newTransport(t, kerberosConfig(transport.AuthKerberos)(t, p.addr())))
	e, ok := errors.AsType[*transport.AuthError](err)
	if !ok || e.Skew.Round(time.Minute) != -12*time.Minute {
		t.Errorf("RoundTrip: %v, want an AuthError with a skew of -12 minutes", err)
	}
}
