package transport_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// In all tests here the bubble of synctest tells of a goroutine left behind: it does not end then.

// filtered waits until the context ends, as a filtered port does.
func filtered(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
}

// TestContext: at every stage the end of the context ends the request, at once.
func TestContext(t *testing.T) {
	header := reply("200 OK", "<s:", "Content-Type: "+soapType, "Content-Length: 100000")
	for _, tt := range []struct {
		name   string
		handle func(net.Conn)
		edit   func(*transport.Config)
		want   string
	}{
		{"TCP", nil, func(c *transport.Config) { c.DialContext = filtered }, "connect to hv01.example:5985: "},
		{"TLS", silent, func(c *transport.Config) { c.URL = "https://hv01.example:5986/wsman" }, "TLS with hv01.example:5986: "},
		{"CONNECT", silent, func(c *transport.Config) {
			c.URL, c.Proxy = "https://hv01.example:5986/wsman", mustProxy("http://proxy:3128")
		}, "proxy proxy:3128: "},
		{"SOCKS", silent, func(c *transport.Config) { c.Proxy = mustProxy("socks5://proxy") }, "proxy proxy:1080: "},
		{"request", func(net.Conn) {}, func(c *transport.Config) {
			c.DialContext = func(context.Context, string, string) (net.Conn, error) {
				client, _ := net.Pipe() // nobody reads
				return client, nil
			}
		}, "waiting for the answer"},
		{"header", silent, nil, "waiting for the answer"},
		{"header, byte by byte", dripping("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1000)), nil, "waiting for the answer"},
		{"body", then(header, silent), nil, "waiting for the answer"},
		{"body, byte by byte", dripping(header + strings.Repeat("x", 9000)), nil, "waiting for the answer"},
		{"page", then(reply("200 OK", "<p>", "Content-Length: 100"), silent), nil, "waiting for the answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{handle: func(_ int, c net.Conn) { tt.handle(c) }}
				cfg := n.config()
				cfg.ConnectTimeout = time.Hour
				if tt.edit != nil {
					tt.edit(&cfg)
				}
				tr := newTransport(t, cfg)
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				began := time.Now()
				_, err := send(ctx, tr)
				if d := time.Since(began); d != 3*time.Second {
					t.Errorf("RoundTrip took %v, want 3s", d)
				}
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, wsman.ErrConnectionLost) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("RoundTrip: error %v, want %q and the context's", err, tt.want)
				}
				if _, ok := errors.AsType[*transport.ConnectError](err); ok {
					t.Error("the end of the context is a ConnectError")
				}

				ctx, cancel = context.WithCancel(t.Context())
				go func() {
					synctest.Wait()
					cancel()
				}()
				if _, err := send(ctx, tr); !errors.Is(err, context.Canceled) {
					t.Errorf("RoundTrip: error %v, want context.Canceled", err)
				}
			})
		})
	}
}

func TestContextEnded(t *testing.T) {
	n := &network{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := send(ctx, newTransport(t, n.config())); !errors.Is(err, context.Canceled) || n.dials != 0 {
		t.Errorf("RoundTrip: error %v after %d dials, want context.Canceled and none", err, n.dials)
	}
}

// dripping returns a handler that answers with s, one byte a second.
func dripping(s string) func(net.Conn) {
	return func(c net.Conn) {
		closed := make(chan struct{})
		go func() {
			silent(c)
			close(closed)
		}()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for i := range len(s) {
			select {
			case <-tick.C:
			case <-closed:
				return
			}
			if _, err := c.Write([]byte{s[i]}); err != nil {
				return
			}
		}
	}
}

// then returns a handler that answers with s and goes on with next.
func then(s string, next func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		answer(s)(c)
		next(c)
	}
}

// TestConnectTimeout: the time-out says which stage ran out of it, and is not the end of the caller's context.
func TestConnectTimeout(t *testing.T) {
	for _, tt := range []struct {
		name   string
		handle func(net.Conn)
		edit   func(*transport.Config)
		stage  string
	}{
		{"TCP", nil, func(c *transport.Config) { c.DialContext = filtered }, "connect"},
		{"DNS", nil, func(c *transport.Config) {
			c.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, &net.DNSError{Err: "i/o timeout", Name: "hv01.example", IsTimeout: true}
			}
		}, "resolve"},
		{"TLS", silent, func(c *transport.Config) { c.URL = "https://hv01.example:5986/wsman" }, "tls"},
		{"CONNECT", silent, func(c *transport.Config) {
			c.URL, c.Proxy = "https://hv01.example:5986/wsman", mustProxy("http://proxy:3128")
		}, "proxy"},
		{"proxy's TLS", silent, func(c *transport.Config) { c.Proxy = mustProxy("https://proxy:3128") }, "proxy"},
		{"SOCKS", silent, func(c *transport.Config) { c.Proxy = mustProxy("socks5h://proxy") }, "proxy"},
		{"after a slow TCP", silent, func(c *transport.Config) {
			c.URL = "https://hv01.example:5986/wsman"
			dial := c.DialContext
			c.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				<-time.After(4 * time.Second)
				return dial(ctx, network, addr)
			}
		}, "tls"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{handle: func(_ int, c net.Conn) { tt.handle(c) }}
				cfg := n.config()
				tt.edit(&cfg)
				tr := newTransport(t, cfg)
				began := time.Now()
				_, err := send(t.Context(), tr)
				if d := time.Since(began); d != 5*time.Second {
					t.Errorf("RoundTrip took %v, want 5s", d)
				}
				e, ok := errors.AsType[*transport.ConnectError](err)
				if !ok || e.Stage != tt.stage || !strings.Contains(e.Error(), "within 5s") {
					t.Errorf("RoundTrip: error %v, want a ConnectError of stage %s", err, tt.stage)
				}
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, wsman.ErrConnectionLost) {
					t.Errorf("RoundTrip: error %v is more than a ConnectError", err)
				}
			})
		})
	}
}

// TestOwnTimeout: a time-out of DNS or TCP themselves, which package net marks as a context's, is not one.
func TestOwnTimeout(t *testing.T) {
	n := &network{}
	cfg := n.config()
	cfg.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	}
	r, err := send(t.Context(), newTransport(t, cfg))
	if kind(r, err) != "connect connect" || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("RoundTrip: %v, want a ConnectError without the context's error", err)
	}
}

// A dueContext is one whose deadline has passed and whose timer has not fired yet.
type dueContext struct{ context.Context }

func (dueContext) Deadline() (time.Time, bool) { return time.Unix(1, 0), true }

// TestDueContext: package net has timers of its own for the deadline of a context, and they may be the first to go off.
func TestDueContext(t *testing.T) {
	n := &network{}
	cfg := n.config()
	cfg.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	}
	r, err := send(dueContext{t.Context()}, newTransport(t, cfg))
	if _, ok := errors.AsType[*transport.ConnectError](err); ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("RoundTrip = %s (%v), want the context's error", kind(r, err), err)
	}
}

// TestBudget: bodies of several transports together stay within the budget, the rest waits, and all is given back.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 100 << 10 // two units of 64 KiB
		header := reply("200 OK", strings.Repeat("x", 5000), "Content-Type: "+soapType, "Content-Length: "+itoa(size))
		release := make(chan struct{})
		began := make(chan struct{}, 4)
		n := &network{handle: func(_ int, c net.Conn) {
			answer(header)(c) // a pipe holds nothing: this returns when the head is read
			// More is read only by who got its share.
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			began <- struct{}{}
			<-release
			say(c, strings.Repeat("x", size-5001))
		}}
		cfg := n.config()
		cfg.Budget = transport.NewBudget(5 * 64 << 10)
		held := make(chan func(), 4)
		start := func(ctx context.Context) <-chan error {
			tr, done := newTransport(t, cfg), make(chan error, 1)
			go func() {
				r, err := send(ctx, tr)
				if err == nil {
					held <- r.Release
				}
				done <- err
			}()
			synctest.Wait()
			return done
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		// Of five units, the first two hold four, the third holds one and waits for another, the fourth waits for its turn.
		served := []<-chan error{start(t.Context()), start(t.Context())}
		waiting := []<-chan error{start(ctx), start(ctx)}
		if len(began) != 2 {
			t.Errorf("%d bodies of 128 KiB are being read within a budget of 320 KiB, want 2", len(began))
		}
		for _, done := range waiting {
			if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who waits for the budget: error %v, want the context's", err)
			}
		}
		close(release)
		for _, done := range served {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		// An answer of no known length takes all that there is, once the others are released.
		n.handle = func(_ int, c net.Conn) {
			answer(reply("200 OK", strings.Repeat("x", size), "Content-Type: "+soapType))(c)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		if err := <-start(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while the bodies are held: %v, want it to wait", err)
		}
		cancel()
		(<-held)()
		(<-held)()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := <-start(ctx); err != nil {
			t.Errorf("after all was given back: %v", err)
		}
	})
}

// TestContextBeatsAnswer: what a peer says of a request that we have left is not why there is no answer. net/http hands such an
// answer over when it comes with the end of the context.
func TestContextBeatsAnswer(t *testing.T) {
	p := listen(t, answer(reply("401 Unauthorized", "")))
	for range 50 { // net/http chooses at random
		ctx, cancel := context.WithCancel(t.Context())
		cfg := inClear(p.addr())
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &leaving{c, cancel}, err
		}
		if _, err := send(ctx, newTransport(t, cfg)); !errors.Is(err, context.Canceled) {
			t.Fatalf("RoundTrip: error %v, want context.Canceled", err)
		}
	}
}

// leaving is a connection whose user leaves the moment something comes.
type leaving struct {
	net.Conn
	leave func()
}

func (c *leaving) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.leave()
	return n, err
}
