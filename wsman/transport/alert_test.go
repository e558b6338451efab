package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A resetConn is a connection of TLS 1.3 of which the first write after the handshake fails, as when the peer has closed meanwhile. What
// the peer said before that is read by one who waits for it, and not by one who closes.
type resetConn struct {
	net.Conn

	mu     sync.Mutex
	writes int           // from the end of the handshake on
	open   chan struct{} // closed when reading goes on
	once   sync.Once
}

func (c *resetConn) Write(b []byte) (int, error) {
	const changeCipherSpec, applicationData = 20, 23 // RFC 8446 §5.1; the client's end of the handshake begins with the one or the other
	c.mu.Lock()
	defer c.mu.Unlock()
	if b[0] == changeCipherSpec || b[0] == applicationData {
		c.writes++
	}
	if c.writes > 1 {
		return 0, &net.OpError{Op: "write", Err: syscall.ECONNRESET}
	}
	return c.Conn.Write(b)
}

func (c *resetConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	handshaken := c.writes > 0
	c.mu.Unlock()
	if handshaken {
		<-c.open
	}
	return c.Conn.Read(b)
}

func (c *resetConn) SetReadDeadline(t time.Time) error {
	defer c.once.Do(func() { close(c.open) })
	return c.Conn.SetReadDeadline(t)
}

func (c *resetConn) Close() error {
	defer c.once.Do(func() { close(c.open) })
	return c.Conn.Close()
}

// TestLateAlert: a server of TLS 1.3 that wants a client certificate says so after the handshake, when a request may be on its way. That its
// write fails does not hide why. A server that says nothing has broken the connection.
func TestLateAlert(t *testing.T) {
	ca := newAuthority(t, "ca")
	leaf := ca.issue(t, time.Now().Add(time.Hour), "hv01.example")
	for _, tt := range []struct {
		ask  tls.ClientAuthType
		want string
	}{
		{tls.RequireAnyClientCert, "connect tls"},
		{tls.NoClientCert, "lost"},
	} {
		t.Run(tt.ask.String(), func(t *testing.T) {
			server := &tls.Config{Certificates: []tls.Certificate{leaf}, ClientAuth: tt.ask}
			cfg := overTCP(listen(t, overTLS(server, func(net.Conn) {})), ca)
			dial := cfg.DialContext
			cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dial(ctx, network, addr)
				return &resetConn{Conn: c, open: make(chan struct{})}, err
			}
			tr := newTransport(t, cfg)
			p, probeErr := tr.Probe(t.Context())
			_, err := send(t.Context(), tr)
			if got := probed(p, probeErr); got != tt.want {
				t.Errorf("Probe = %s (%v), want %s", got, probeErr, tt.want)
			}
			if got := kind(nil, err); got != tt.want {
				t.Errorf("RoundTrip = %s (%v), want %s", got, err, tt.want)
			}
			for _, err := range []error{probeErr, err} {
				e, ok := errors.AsType[*transport.ConnectError](err)
				if alert := ok && e.Alert(); alert != (tt.want == "connect tls") {
					t.Errorf("%v: alert %t", err, alert)
				}
			}
		})
	}
}
