//go:build integration

package integrationtest_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

func asAuthError(err error) (*transport.AuthError, bool) {
	return errors.AsType[*transport.AuthError](err)
}

// sessions are one protection of each mechanism, with what it needs in a Config.
func sessions(t *testing.T, k *kdc) map[string]transport.Config {
	t.Helper()
	return map[string]transport.Config{
		"NTLM":               ntlmConfig(transport.AuthNTLM),
		"Kerberos in SPNEGO": k.kerberosConfig(t, transport.AuthNegotiate, byPassword()),
	}
}

// TestUnbelieved: an answer that the session has not sealed, for this request, is an error and nothing else.
func TestUnbelieved(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	for _, tt := range []struct {
		answer string
		bad    int // the number of the operation that is answered so
		words  string
	}{
		{"clear", 1, "came in clear"},
		{"altered", 1, "does not verify"},
		{"replayed", 2, "does not verify"},
		{"skipped", 1, "does not verify"},
	} {
		for name, cfg := range sessions(t, k) {
			t.Run(tt.answer+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := newAcceptor(t, environment(t, k), "--answer", tt.answer)
				tr := a.transport(t, "http", "localhost", cfg)
				for range tt.bad - 1 {
					echo(t, tr, 1000)
				}
				_, reply, err := send(t, tr, 1000)
				checkError(t, err, "protocol", tt.words)
				if reply != nil {
					t.Errorf("a reply came with the error: %+v", reply)
				}
			})
		}
	}
}

// TestClosed: a host that closes after each answer is authenticated to anew, and every operation works.
func TestClosed(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	for name, cfg := range sessions(t, k) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAcceptor(t, environment(t, k), "--close")
			tr := a.transport(t, "http", "localhost", cfg)
			for _, n := range sizes {
				echo(t, tr, n)
			}
			if n := tr.Connections(); n != len(sizes) {
				t.Errorf("%d connections, want %d", n, len(sizes))
			}
		})
	}
}

// TestForgotten: a host that forgets the session is authenticated to once more, on a new connection; a second 401 is the end.
func TestForgotten(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	for name, cfg := range sessions(t, k) {
		t.Run("third operation/"+name, func(t *testing.T) {
			t.Parallel()
			a := newAcceptor(t, environment(t, k), "--expire", "3")
			tr := a.transport(t, "http", "localhost", cfg)
			for range 5 { // 1 2 and, each anew, 3 4 and 5
				echo(t, tr, 1000)
			}
			if n := tr.Connections(); n != 3 {
				t.Errorf("%d connections, want 3", n)
			}
		})
		t.Run("every operation/"+name, func(t *testing.T) {
			t.Parallel()
			a := newAcceptor(t, environment(t, k), "--expire", "1")
			_, _, err := send(t, a.transport(t, "http", "localhost", cfg), 1000)
			t.Log(err)
			if _, ok := asAuthError(err); !ok {
				t.Errorf("RoundTrip = %v, want an AuthError", err)
			}
			connections := map[int]bool{}
			for _, r := range a.stop(t) {
				connections[r.Connection] = true
				if !r.Leg && r.Status != http.StatusUnauthorized {
					t.Errorf("an operation got through: %+v", r)
				}
			}
			if len(connections) != 2 {
				t.Errorf("%d connections, want 2", len(connections))
			}
		})
	}
}

// TestWorkers: many operations at once, each on its own session, and one ticket for all.
func TestWorkers(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	for name, cfg := range sessions(t, k) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAcceptor(t, environment(t, k))
			tr := a.transport(t, "http", "localhost", cfg)
			t.Run("group", func(t *testing.T) {
				for range 8 {
					t.Run("worker", func(t *testing.T) {
						t.Parallel()
						for range 5 {
							echo(t, tr, 4097)
						}
					})
				}
			})
			users := map[int]string{}
			operations := 0
			for _, r := range a.stop(t) {
				if r.Refused != "" || r.Broken != "" {
					t.Errorf("%+v", r)
				}
				if !r.Leg {
					operations++
					users[r.Connection] = r.User
				}
			}
			if operations != 40 || len(users) != tr.Connections() {
				t.Errorf("%d operations on %d connections, want 40 on %d", operations, len(users), tr.Connections())
			}
		})
	}
}
