package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// TestKept: an answer that was read to its end leaves the connection to the next request, whatever its status; others do not.
func TestKept(t *testing.T) {
	for _, tt := range []struct {
		name, first string
		want        int // connections
	}{
		{"reply", soap("200 OK", envelope), 1},
		{"reply in chunks", reply("200 OK", "1\r\nx\r\n0\r\n\r\n", "Content-Type: "+soapType, "Transfer-Encoding: chunked"), 1},
		{"long reply", soap("200 OK", strings.Repeat("x", 10000)), 1},
		{"403", reply("403 X", "", "Content-Length: 0"), 1},
		{"page", reply("404 X", "gone", "Content-Length: 4"), 1},
		{"Connection: close", reply("200 OK", envelope, "Content-Type: "+soapType, "Connection: close", "Content-Length: "+itoa(len(envelope))), 2},
		{"page not read to its end", reply("404 X", strings.Repeat("x", 5000), "Content-Length: 5000"), 2},
		{"gzip", reply("200 OK", "x", "Content-Type: "+soapType, "Content-Encoding: gzip", "Content-Length: 1"), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := make(chan string, 1)
			first <- tt.first
			p := listen(t, func(c net.Conn) {
				select {
				case a := <-first:
					answer(a, soap("200 OK", envelope))(c)
				default:
					answer(soap("200 OK", envelope))(c)
				}
			})
			tr := newTransport(t, inClear(p.addr()))
			_, _ = send(t.Context(), tr) // what it returns is TestAnswers' matter
			mustSend(t, tr)
			if n := tr.Connections(); n != tt.want {
				t.Errorf("%d connections, want %d", n, tt.want)
			}
		})
	}
}

// A network is made of pipes: it works inside a synctest bubble.
type network struct {
	handle func(n int, c net.Conn) // n counts from 1
	dials  int
}

func (n *network) DialContext(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	n.dials++
	go func(i int) {
		n.handle(i, server)
		hangUp(server)
	}(n.dials)
	return client, nil
}

func (n *network) config() transport.Config {
	cfg := inClear("hv01.example:5985")
	cfg.DialContext = n.DialContext
	return cfg
}

// TestStale: a kept connection that the peer closed meanwhile costs a new connection, and no error.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{handle: func(_ int, c net.Conn) { answer(soap("200 OK", envelope))(c) }}
		tr := newTransport(t, n.config())
		for range 3 {
			mustSend(t, tr)
			synctest.Wait() // the peer has closed, and that is known
		}
		if tr.Connections() != 3 {
			t.Errorf("%d connections, want 3", tr.Connections())
		}
	})
}

// A lateContext does something at the last moment before net/http sends a request: when that looks for a trace in the context.
type lateContext struct {
	context.Context
	once func()
}

func (c *lateContext) Value(key any) any {
	if once := c.once; once != nil && fmt.Sprintf("%T", key) == "httptrace.clientEventContextKey" {
		c.once = nil
		once()
	}
	return c.Context.Value(key)
}

// TestStaleLate: the peer may also close when a kept connection was chosen already. As long as nothing was written,
// the request goes out on a new one.
func TestStaleLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangUpNow := make(chan struct{})
		n := &network{handle: func(i int, c net.Conn) {
			answer(soap("200 OK", envelope))(c)
			if i == 1 {
				<-hangUpNow
			}
		}}
		tr := newTransport(t, n.config())
		mustSend(t, tr)
		fired := false
		ctx := &lateContext{Context: t.Context(), once: func() {
			fired = true
			close(hangUpNow)
			synctest.Wait()
		}}
		r, err := send(ctx, tr)
		if got := kind(r, err); got != "reply 200" || !fired || n.dials != 2 {
			t.Errorf("RoundTrip = %s (%v) after %d dials, want reply 200 after 2; hung up late: %v", got, err, n.dials, fired)
		}
	})
}

// TestNotResent: a request that has left is not sent again, on a fresh connection or a kept one.
func TestNotResent(t *testing.T) {
	for kept := range 2 {
		t.Run(fmt.Sprintf("after %d answers", kept), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{handle: func(_ int, c net.Conn) {
					answers := []string{soap("200 OK", envelope), ""}
					answer(answers[1-kept:]...)(c)
				}}
				tr := newTransport(t, n.config())
				for range kept {
					mustSend(t, tr)
				}
				if r, err := send(t.Context(), tr); kind(r, err) != "lost" || !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("RoundTrip = %s (%v), want lost by an unexpected EOF", kind(r, err), err)
				}
				if n.dials != 1 {
					t.Errorf("%d connections, want 1", n.dials)
				}
			})
		})
	}
}

// TestReset: a connection that is reset rather than closed is lost all the same.
func TestReset(t *testing.T) {
	p := listen(t, func(c net.Conn) {
		answer("HTTP/1.1 200 OK\r\n")(c)
		_ = c.(*tapped).Conn.(*net.TCPConn).SetLinger(0)
	})
	if r, err := send(t.Context(), newTransport(t, inClear(p.addr()))); kind(r, err) != "lost" {
		t.Errorf("RoundTrip = %s (%v), want lost", kind(r, err), err)
	}
}

// TestConcurrent: requests at the same time each have a connection of their own, and all are kept.
func TestConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := &network{handle: func(_ int, c net.Conn) {
			<-release
			// In the second round a connection may be free again before all four have started, and take more than one of them.
			answer(slices.Repeat([]string{soap("200 OK", envelope)}, 1+4)...)(c)
		}}
		cfg := n.config()
		lock := make(chan struct{}, 1)
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			lock <- struct{}{}
			defer func() { <-lock }()
			return n.DialContext(ctx, network, addr)
		}
		tr := newTransport(t, cfg)
		for range 2 {
			errs := make(chan error, 4)
			for range cap(errs) {
				go func() {
					_, err := send(t.Context(), tr)
					errs <- err
				}()
			}
			synctest.Wait() // in the first round all four are waiting for an answer
			if n.dials != 4 {
				t.Errorf("%d connections, want 4", n.dials)
			}
			select {
			case <-release:
			default:
				close(release)
			}
			for range cap(errs) {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan error, 1)
		n := &network{handle: func(_ int, c net.Conn) {
			answer(soap("200 OK", envelope))(c)
			_, err := c.Read(make([]byte, 1))
			closed <- err
		}}
		tr := newTransport(t, n.config())
		mustSend(t, tr)
		if err := tr.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-closed; !errors.Is(err, io.EOF) {
			t.Errorf("the peer read %v, want EOF", err)
		}
		if _, err := send(t.Context(), tr); !errors.Is(err, net.ErrClosed) {
			t.Errorf("RoundTrip after Close: %v, want net.ErrClosed", err)
		}
	})
}

// TestCloseInFlight: Close leaves a request its connection, and closes that when the request is done.
func TestCloseInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed, gone := make(chan struct{}), make(chan error)
		n := &network{handle: func(_ int, c net.Conn) {
			answer("")(c)
			<-closed
			say(c, soap("200 OK", envelope))
			_, err := c.Read(make([]byte, 1))
			gone <- err
		}}
		tr := newTransport(t, n.config())
		done := make(chan error)
		go func() {
			_, err := send(t.Context(), tr)
			done <- err
		}()
		synctest.Wait()
		hangUp(tr)
		close(closed)
		if err := <-done; err != nil {
			t.Errorf("RoundTrip: %v", err)
		}
		if err := <-gone; !errors.Is(err, io.EOF) { // a connection still open would be a deadlock
			t.Errorf("the peer read %v, want EOF", err)
		}
	})
}
