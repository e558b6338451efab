package transport_test

import (
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// TestNotRepeatable: a 401 in mid-session is anybody's word, so what must not run twice is not sent twice for it.
func TestNotRepeatable(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			h := w.host(t)
			h.say = func(n int, honest string) string {
				if n == w.tokens {
					return unauthorized("Negotiate", "Kerberos")
				}
				return honest
			}
			p := listen(t, h.serve)
			_, err := newTransport(t, w.config(t, p.addr())).RoundTrip(t.Context(), &wsman.Request{Body: []byte(envelope)})
			if e, ok := errors.AsType[*transport.AuthError](err); !ok || e.Refused {
				t.Errorf("RoundTrip: %v, want an AuthError that refuses nobody", err)
			}
			if n := p.connections(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

// together sends a request by each of n workers, and returns their errors when all have theirs.
func together(t *testing.T, tr *transport.Transport, n int) []error {
	t.Helper()
	errs := make([]error, n)
	var workers sync.WaitGroup
	for i := range n {
		workers.Go(func() { _, errs[i] = send(t.Context(), tr) })
	}
	workers.Wait()
	return errs
}

// meeting lets those who come go on when n are there.
type meeting struct {
	mu   sync.Mutex
	left int
	full chan struct{}
}

func newMeeting(n int) *meeting { return &meeting{left: n, full: make(chan struct{})} }

func (m *meeting) join() {
	m.mu.Lock()
	if m.left--; m.left == 0 {
		close(m.full)
	}
	m.mu.Unlock()
	<-m.full
}

// forgetful is a host that keeps the first request of each of the first n connections until all are there, and has forgotten every
// session afterwards.
func forgetful(t *testing.T, w *way, n int, accept func(*sealed.ChannelBindings) sealed.Handshake) *peer {
	t.Helper()
	all := newMeeting(n)
	var connections atomic.Int32
	return listen(t, func(c net.Conn) {
		h := w.host(t)
		if accept != nil {
			h.accept = accept
		}
		if int(connections.Add(1)) <= n {
			h.say = func(i int, honest string) string {
				switch {
				case i == w.tokens:
					all.join()
				case i > w.tokens:
					return unauthorized("Negotiate", "Kerberos")
				}
				return honest
			}
		}
		h.serve(c)
	})
}

// TestAllForgotten: of several sessions that a host has forgotten none is tried after the first.
func TestAllForgotten(t *testing.T) {
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			const n = 3
			p := forgetful(t, &w, n, nil)
			tr := newTransport(t, w.config(t, p.addr()))
			if err := errors.Join(together(t, tr, n)...); err != nil {
				t.Fatal(err)
			}
			mustSend(t, tr)
			if got := p.connections(); got != n+1 {
				t.Errorf("%d connections, want %d", got, n+1)
			}
		})
	}
}

// TestPasswordChanged: when sessions end and the password has changed since, it is tried once, however many workers there are.
func TestPasswordChanged(t *testing.T) {
	const n = 6
	w := ways()[0]
	var logons, refused atomic.Int32
	p := forgetful(t, &w, n, func(*sealed.ChannelBindings) sealed.Handshake {
		return ntlmssp.NewServer(ntlmssp.ServerConfig{ComputerName: "HV01", DomainName: "CORP", Password: func(string, string) (string, bool) {
			if logons.Add(1) <= n {
				return password, true
			}
			refused.Add(1)
			return "another", true
		}})
	})
	tr := newTransport(t, w.config(t, p.addr()))
	if err := errors.Join(together(t, tr, n)...); err != nil {
		t.Fatal(err)
	}
	for _, err := range together(t, tr, n) {
		if e, ok := errors.AsType[*transport.AuthError](err); !ok || !e.Refused {
			t.Errorf("RoundTrip: %v, want a refusal", err)
		}
	}
	if got := refused.Load(); got != 1 {
		t.Errorf("the old password was sent %d times, want once", got)
	}
}

// TestParallel: once a session was accepted, others are authenticated at the same time.
func TestParallel(t *testing.T) {
	w := ways()[0]
	tokens, operations := newMeeting(2), newMeeting(3)
	var connections atomic.Int32
	p := listen(t, func(c net.Conn) {
		h := w.host(t)
		first := connections.Add(1) == 1
		h.say = func(i int, honest string) string {
			switch {
			case i == 0 && !first:
				tokens.join()
			case i == w.tokens && !first || i == w.tokens+1 && first:
				operations.join()
			}
			return honest
		}
		h.serve(c)
	})
	tr := newTransport(t, w.config(t, p.addr()))
	mustSend(t, tr)
	if err := errors.Join(together(t, tr, 3)...); err != nil { // waits for ever if they wait for each other
		t.Error(err)
	}
}

// TestRefusalsCount: a 401 to NTLM's last token refuses the user whatever comes with it, and is remembered.
func TestRefusalsCount(t *testing.T) {
	for name, say := range map[string]func(honest string) string{
		"alone":                  func(string) string { return unauthorized("Negotiate") },
		"with a token":           func(string) string { return unauthorized("Negotiate oQcwBaADCgEB") },
		"with garbage":           func(string) string { return unauthorized("Negotiate !!") },
		"with a page that's cut": func(string) string { return reply("401 X", "<p>", "WWW-Authenticate: Negotiate", "Content-Length: 99") },
	} {
		for _, w := range ways()[:2] {
			t.Run(w.name+"/"+name, func(t *testing.T) {
				p := listen(t, func(c net.Conn) {
					h := w.host(t)
					h.say = func(n int, honest string) string {
						if n == 1 {
							return say(honest)
						}
						return honest
					}
					h.serve(&closing{Conn: c, after: 2})
				})
				tr := newTransport(t, w.config(t, p.addr()))
				for range 3 {
					_, err := send(t.Context(), tr)
					if e, ok := errors.AsType[*transport.AuthError](err); !ok || !e.Refused || !strings.HasPrefix(err.Error(), "NTLM refused for ") {
						t.Errorf("RoundTrip: %v, want a refusal", err)
					}
				}
				if all, _ := requests(p.received()); all != 2 {
					t.Errorf("%d requests, want the two of one attempt", all)
				}
			})
		}
	}
}

// TestLegs: what a host may do between the tokens, and what is said of it.
func TestLegs(t *testing.T) {
	w := ways()[0]
	for _, tt := range []struct {
		name string
		n    int // the answer that is edited
		edit func(honest string) string
		want string
	}{
		{"200 with a CHALLENGE", 0, func(s string) string { return strings.Replace(s, "401 Unauthorized", "200 OK", 1) }, "HTTP 200 in the middle of the exchange"},
		{"closes with the CHALLENGE", 0, func(s string) string { return strings.Replace(s, "\r\n", "\r\nConnection: close\r\n", 1) }, "closes the connection in the middle"},
		{"closes with the last answer", 1, func(s string) string { return strings.Replace(s, "\r\n", "\r\nConnection: close\r\n", 1) }, "closes the connection that it has just authenticated"},
		{"a huge page", 0, func(s string) string {
			return strings.Replace(s, "Content-Length: 0", "Content-Length: 300000", 1) + strings.Repeat("x", 300000)
		}, "longer than 262144 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := w.host(t)
			h.say = func(n int, honest string) string {
				if n == tt.n {
					return tt.edit(honest)
				}
				return honest
			}
			p := listen(t, h.serve)
			_, err := send(t.Context(), newTransport(t, w.config(t, p.addr())))
			if _, ok := errors.AsType[*transport.AuthError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("RoundTrip: %v, want an AuthError with %q", err, tt.want)
			}
			if n := p.connections(); n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

// TestNoUser: a name that names nobody is refused before anything is sent.
func TestNoUser(t *testing.T) {
	for _, name := range []string{"", `CORP\`, `\`, `.\`, "@corp", "me@"} {
		cfg := transport.Config{URL: "http://hv01:5985/wsman", Auth: transport.AuthNTLM, User: name}
		if _, err := transport.New(cfg); err == nil {
			t.Errorf("New with the user %q: no error", name)
		}
	}
}
