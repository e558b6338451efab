package transport_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// startServer starts a simulated host over HTTP and returns the configuration by which an administrator is taken.
func startServer(t *testing.T, auth transport.Auth) (*wsmantest.Server, transport.Config) {
	t.Helper()
	s, err := wsmantest.NewServer(wsmantest.Config{HTTP: true, AllowUnencrypted: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, transport.Config{
		URL: s.URL(), Auth: auth, User: "administrator", Password: transport.NewSecret("administrator-pass"),
		AllowUnencrypted: auth == transport.AuthBasic,
	}
}

func identified(t *testing.T, url string, tr *transport.Transport) error {
	t.Helper()
	client, err := wsman.NewClient(wsman.Config{Endpoint: url, Transport: tr})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Identify(t.Context())
	return err
}

// TestAdmit: who is asked before a password leaves is asked for each proof of it, and can keep it from leaving.
func TestAdmit(t *testing.T) {
	closed := errors.New("closed")
	for _, auth := range []transport.Auth{transport.AuthNTLM, transport.AuthNegotiate, transport.AuthBasic} {
		t.Run(string(auth), func(t *testing.T) {
			s, cfg := startServer(t, auth)
			asked, answer := 0, closed
			cfg.Admit = func(context.Context) error {
				asked++
				return answer
			}
			tr := newTransport(t, cfg)
			if err := identified(t, cfg.URL, tr); !errors.Is(err, closed) {
				t.Fatalf("Identify: %v, want what Admit said", err)
			}
			named := func(r wsmantest.RequestRecord) bool { return r.User != "" }
			if records := s.Requests(); slices.ContainsFunc(records, named) {
				t.Errorf("the host knows a user: %+v", records)
			}
			answer = nil
			for range 3 {
				if err := identified(t, cfg.URL, tr); err != nil {
					t.Fatal(err)
				}
			}
			if asked != 2 {
				t.Errorf("asked %d times, want 2: for the proof that was held back, and for the one that went", asked)
			}
		})
	}
}

// TestAbandoned: when its own goroutines are late, net/http gives up a connection that the host keeps. The handshake is begun anew
// on another one; no proof of the password was sent over the first.
func TestAbandoned(t *testing.T) {
	s, cfg := startServer(t, transport.AuthNTLM)
	var dials atomic.Int32
	cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil || dials.Add(1) > 1 {
			return c, err
		}
		return &lateConn{Conn: c, closed: make(chan struct{})}, nil
	}
	if err := identified(t, cfg.URL, newTransport(t, cfg)); err != nil {
		t.Fatal(err)
	}
	if got := dials.Load(); got != 2 {
		t.Errorf("%d connections, want 2", got)
	}
	proofs := 0
	for _, r := range s.Requests() {
		if r.Operation == "Authenticate" && r.User != "" {
			proofs++
		}
	}
	if proofs != 1 {
		t.Errorf("%d proofs of the password, want 1", proofs)
	}
}

// A lateConn writes at once, and returns from it when the connection is closed.
type lateConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *lateConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err == nil {
		<-c.closed
	}
	return n, err
}

func (c *lateConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
