package transport_test

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// TestForwardingProxy: a proxy that spreads requests over connections loses what NTLM ties to one, and the error tells of it.
func TestForwardingProxy(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			p := listen(t, func(c net.Conn) { w.host(t).serve(c) })
			proxy := listen(t, func(c net.Conn) { forward(t, c, p.addr()) })
			cfg := w.config(t, p.addr())
			cfg.Proxy = mustProxy("http://" + proxy.addr())
			_, err := send(t.Context(), newTransport(t, cfg))
			if e, ok := errors.AsType[*transport.AuthError](err); !ok || !e.Proxied {
				t.Errorf("RoundTrip: %v, want an AuthError that says Proxied", err)
			}
			checkSilence(t, p.received())
			checkSilence(t, proxy.received())
		})
	}
}

// forward passes each request to addr over a connection of its own.
func forward(t *testing.T, c net.Conn, addr string) {
	t.Helper()
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		onward, err := net.Dial("tcp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		err = req.Write(onward)
		resp, err2 := http.ReadResponse(bufio.NewReader(onward), req)
		if err := errors.Join(err, err2); err != nil {
			t.Error(err)
			return
		}
		var whole bytes.Buffer
		if err := resp.Write(&whole); err != nil {
			t.Error(err)
		}
		hangUp(onward)
		say(c, whole.String())
	}
}

// TestHangUps: a host or proxy that closes in silence after an answer of the authentication costs one more connection at most,
// and is named where it can be told.
func TestHangUps(t *testing.T) {
	for _, w := range ways() {
		for answers := 1; answers <= w.tokens; answers++ {
			for _, extra := range []string{"", "x", soap("200 OK", envelope)} {
				t.Run(w.name+"/after "+itoa(answers)+" and "+itoa(len(extra))+" bytes", func(t *testing.T) {
					p := listen(t, func(c net.Conn) {
						h := w.host(t)
						h.say = func(n int, honest string) string {
							if n == answers-1 {
								honest += extra
							}
							return honest
						}
						h.serve(&closing{Conn: c, after: answers})
					})
					r, err := send(t.Context(), newTransport(t, w.config(t, p.addr())))
					if err == nil {
						t.Errorf("RoundTrip: %q, want an error", r.Body)
					}
					if n := p.connections(); n > 1 {
						t.Errorf("%d connections, want 1", n)
					}
					checkSilence(t, p.received())
				})
			}
		}
	}
}

// TestClosingProxy: a proxy that closes after each answer, and does not say so, is named for what it does to a connection.
func TestClosingProxy(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			p := listen(t, func(c net.Conn) { w.host(t).serve(c) })
			proxy := listen(t, func(c net.Conn) { forward(t, &closing{Conn: c, after: 1}, p.addr()) })
			cfg := w.config(t, p.addr())
			cfg.Proxy = mustProxy("http://" + proxy.addr())
			_, err := send(t.Context(), newTransport(t, cfg))
			if e, ok := errors.AsType[*transport.AuthError](err); !ok || !e.Proxied || !strings.Contains(err.Error(), "closes the connection") {
				t.Errorf("RoundTrip: %v, want an AuthError that says Proxied and who closes", err)
			}
			if n := proxy.connections(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

// TestNoNTLM: a host that does not take up NTLM has not refused the user, whose name it never saw.
func TestNoNTLM(t *testing.T) {
	for _, w := range ways()[:2] {
		p := listen(t, answer(unauthorized("Negotiate", "Kerberos")))
		_, err := send(t.Context(), newTransport(t, w.config(t, p.addr())))
		e, ok := errors.AsType[*transport.AuthError](err)
		if !ok || !e.Early || e.Refused || e.Error() != `NTLM refused for CORP\hv-reader; offered: Negotiate, Kerberos` {
			t.Errorf("%s: RoundTrip: %v, want an AuthError that says Early", w.name, err)
		}
	}
}

// TestStatusOfLegs: an answer that is about neither user nor token keeps its status, also with a token beside it.
func TestStatusOfLegs(t *testing.T) {
	for _, w := range ways() {
		for _, status := range []int{302, 403, 404, 500, 503} {
			t.Run(w.name+"/"+itoa(status), func(t *testing.T) {
				h := w.host(t)
				h.say = func(_ int, honest string) string {
					return strings.Replace(honest, "401 Unauthorized", itoa(status)+" X", 1)
				}
				if w.tokens == 1 { // the proof comes with 200
					h.say = func(int, string) string {
						return reply(itoa(status)+" X", "", "Content-Length: 0", "WWW-Authenticate: "+w.scheme+" AAAA")
					}
				}
				_, err := send(t.Context(), newTransport(t, w.config(t, listen(t, h.serve).addr())))
				e, ok := errors.AsType[*wsman.HTTPError](err)
				if !ok || e.StatusCode != status || !strings.HasPrefix(err.Error(), "authenticating by ") {
					t.Errorf("RoundTrip: %v, want HTTP %d while authenticating", err, status)
				}
				if _, ok := errors.AsType[*transport.AuthError](err); ok {
					t.Errorf("RoundTrip: %v is an AuthError", err)
				}
			})
		}
	}
}
