package transport_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

const (
	proxyPassword    = "pr0xy-c4n4ry"
	proxyCredentials = "cHU6cHIweHktYzRuNHJ5" // base64 of pu:pr0xy-c4n4ry
)

func mustProxy(s string) transport.Proxy {
	p, err := transport.ParseProxy(s)
	if err != nil {
		panic(err) //nolint:forbidigo // a constant of ours
	}
	return p
}

func TestParseProxy(t *testing.T) {
	for _, tt := range []struct {
		in, want string // want is the String; empty: refused
	}{
		{"none", "none"},
		{"http://proxy:3128", "http://proxy:3128"},
		{"https://proxy", "https://proxy"},
		{"http://proxy:3128/", "http://proxy:3128/"},
		{"socks5://u:" + proxyPassword + "@proxy:1080", "socks5://u:xxxxx@proxy:1080"},
		{"socks5h://[::1]:1080", "socks5h://[::1]:1080"},
		{"socks5h://[::1%25eth0]", "socks5h://[::1%25eth0]"},
		{"socks5h://[::1%25eth\xff]", ""},
		{"", ""},
		{"proxy:3128", ""},
		{"proxy", ""},
		{"None", ""},
		{"ftp://proxy", ""},
		{"socks4://proxy", ""},
		{"http://", ""},
		{"http://proxy/path", ""},
		{"http://proxy?x", ""},
		{"http://u:" + proxyPassword + "@proxy:port", ""},
		{"http://u:%zz" + proxyPassword + "@proxy", ""},
		{"socks5://u@proxy", ""},
		{"socks5://:" + proxyPassword + "@proxy", ""},
		{"socks5://u:" + strings.Repeat(proxyPassword, 30) + "@proxy", ""},
	} {
		p, err := transport.ParseProxy(tt.in)
		if tt.want == "" {
			if err == nil {
				t.Errorf("ParseProxy(%q) = %v, want an error", tt.in, p)
			} else if strings.Contains(err.Error(), proxyPassword) {
				t.Errorf("ParseProxy(%q): error %v shows the password", tt.in, err)
			}
			continue
		}
		if err != nil || p.String() != tt.want {
			t.Errorf("ParseProxy(%q) = %v, %v, want %v", tt.in, p, err, tt.want)
		}
	}
	if s := (transport.Proxy{}).String(); s != "environment" {
		t.Errorf("the zero Proxy is %q", s)
	}
}

// A switchboard dials by name, and remembers what was dialled.
type switchboard struct {
	mu     sync.Mutex
	peers  map[string]*peer
	dialed []string
}

func (s *switchboard) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialed = append(s.dialed, addr)
	p, ok := s.peers[addr]
	if !ok {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: addr}}
	}
	return new(net.Dialer).DialContext(ctx, network, p.addr())
}

// tunnel returns a handler that answers a CONNECT to want and then carries bytes to host.
func tunnel(want string, host *peer) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		req, err := http.ReadRequest(r)
		if err != nil || req.Method != http.MethodConnect || req.RequestURI != want || req.Host != want {
			say(c, reply("400 Bad Request", "", "Content-Length: 0"))
			return
		}
		say(c, reply("200 Connection established", ""))
		splice(c, r, host)
	}
}

// splice carries bytes between c, which is read by r, and host.
func splice(c net.Conn, r io.Reader, host *peer) {
	d, err := net.Dial("tcp", host.addr())
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(d, r)
		hangUp(d)
	})
	_, _ = io.Copy(c, d)
	hangUp(c)
	wg.Wait()
}

// socks returns a handler that speaks SOCKS5 (RFC 1928) with user and password (RFC 1929), and wants a connection to a name.
func socks(want string, host *peer) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		take := func(n int) string {
			b := make([]byte, n)
			_, _ = io.ReadFull(r, b)
			return string(b)
		}
		counted := func() string { return take(int(take(1)[0])) }
		take(1)
		if !strings.Contains(counted(), "\x02") {
			say(c, "\x05\xFF")
			return
		}
		say(c, "\x05\x02")
		take(1)
		if counted() != "pu" || counted() != proxyPassword {
			say(c, "\x01\x01")
			return
		}
		say(c, "\x01\x00")
		if take(4) != "\x05\x01\x00\x03" || counted() != want {
			say(c, "\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00")
			return
		}
		take(2)
		say(c, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
		splice(c, r, host)
	}
}

// TestProxy reaches a host through every kind of proxy. Credentials go only where they belong.
func TestProxy(t *testing.T) {
	ca := newAuthority(t, "ca")
	later := time.Now().Add(time.Hour)
	hostTLS := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, later, "hv01.example")}}
	proxyTLS := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, later, "proxy.example")}}
	secure := func(t *testing.T) *peer {
		t.Helper()
		return listen(t, overTLS(hostTLS, answer(soap("200 OK", envelope), soap("200 OK", envelope))))
	}
	plain := func(t *testing.T) *peer {
		t.Helper()
		return listen(t, answer(soap("200 OK", envelope), soap("200 OK", envelope)))
	}
	const user = "pu:" + proxyPassword + "@"
	for _, tt := range []struct {
		name, url, proxy string
		host             func(*testing.T) *peer
		handle           func(host *peer) func(net.Conn)
		dialed           string
	}{
		{
			"CONNECT", "https://hv01.example:5986/wsman", "http://" + user + "proxy.example:3128", secure,
			func(h *peer) func(net.Conn) { return tunnel("hv01.example:5986", h) }, "proxy.example:3128",
		},
		{
			"CONNECT over TLS", "https://hv01.example/wsman", "https://" + user + "proxy.example", secure,
			func(h *peer) func(net.Conn) { return overTLS(proxyTLS, tunnel("hv01.example:443", h)) }, "proxy.example:443",
		},
		{
			"SOCKS5 and TLS", "https://hv01.example:5986/wsman", "socks5://" + user + "proxy.example", secure,
			func(h *peer) func(net.Conn) { return socks("hv01.example", h) }, "proxy.example:1080",
		},
		{
			"SOCKS5 and http", "http://hv01.example:5985/wsman", "socks5h://" + user + "proxy.example", plain,
			func(h *peer) func(net.Conn) { return socks("hv01.example", h) }, "proxy.example:1080",
		},
		{
			"forwarded", "http://hv01.example:5985/wsman", "http://" + user + "proxy.example", plain,
			func(h *peer) func(net.Conn) { return func(c net.Conn) { splice(c, c, h) } }, "proxy.example:80",
		},
		{
			"forwarded over TLS", "http://hv01.example:5985/wsman", "https://" + user + "proxy.example", plain,
			func(h *peer) func(net.Conn) {
				return overTLS(proxyTLS, func(c net.Conn) { splice(c, c, h) })
			}, "proxy.example:443",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host := tt.host(t)
			p := listen(t, tt.handle(host))
			board := &switchboard{peers: map[string]*peer{tt.dialed: p}}
			cfg := overTCP(host, ca)
			cfg.URL, cfg.Proxy, cfg.DialContext, cfg.AllowUnencrypted = tt.url, mustProxy(tt.proxy), board.DialContext, true
			tr := newTransport(t, cfg)
			for range 2 {
				r := mustSend(t, tr)
				if (r.TLS != nil) != strings.HasPrefix(tt.url, "https") {
					t.Errorf("Reply.TLS = %v", r.TLS)
				}
			}
			if n := tr.Connections(); n != 1 || len(board.dialed) != 1 {
				t.Errorf("%d connections, dialled %q; want one, to the proxy", n, board.dialed)
			}
			got := host.received()
			if forwarded := strings.HasPrefix(tt.name, "forwarded"); forwarded {
				if !strings.Contains(got, "POST http://hv01.example:5985/wsman HTTP/1.1\r\n") || !strings.Contains(got, "Proxy-Authorization: Basic "+proxyCredentials) {
					t.Errorf("the proxy was sent:\n%s", got)
				}
			} else if strings.Contains(got, proxyCredentials) || strings.Contains(got, proxyPassword) {
				t.Error("the host was sent the proxy's password")
			}
			if tt.name == "CONNECT" && (!strings.Contains(p.received(), "Proxy-Authorization: Basic "+proxyCredentials+"\r\n") || strings.Contains(p.received(), credentials)) {
				t.Errorf("the proxy was sent:\n%.300s", p.received())
			}
		})
	}
}

// TestProxyRefusal: what goes wrong at the proxy is named so, without its password.
func TestProxyRefusal(t *testing.T) {
	ca := newAuthority(t, "ca")
	wrongTLS := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "other.example")}}
	const https, http = "https://hv01.example:5986/wsman", "http://hv01.example:5985/wsman"
	const challenge = `Proxy-Authenticate: Basic realm="x"`
	for _, tt := range []struct {
		name, url, scheme string
		handle            func(net.Conn)
		status            int // in an HTTPError; 0: none
		want              string
	}{
		{"407 to CONNECT", https, "http", answer(reply("407 X", "", challenge, "Content-Length: 9")), 407, "tried: Basic; offered: Basic"},
		{"403 to CONNECT", https, "http", answer(reply("403 X", "", "Content-Length: 9")), 403, "HTTP 403"},
		{"redirect of CONNECT", https, "http", answer(reply("302 X", "", "Location: http://x/")), 302, "redirects are not followed"},
		{"407 to a request", http, "http", answer(reply("407 X", "", challenge, "Content-Length: 0")), 407, "tried: Basic; offered: Basic"},
		{"502 to a request", http, "http", answer(reply("502 X", "", "Content-Length: 0")), 502, "HTTP 502"},
		{"504 to a request", http, "http", answer(reply("504 X", "", "Content-Length: 0")), 504, "HTTP 504"},
		{"407 without a user", https, "http", answer(reply("407 X", "", challenge)), 407, "HTTP 407 Proxy Authentication Required; offered: Basic"},
		{"closes", https, "http", answer(""), 0, "EOF"},
		{"not HTTP", https, "http", answer("SSH-2.0\r\n\r\n"), 0, "malformed"},
		{"huge header", https, "http", answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100000)), 0, "EOF"},
		{"talks", https, "http", answer("HTTP/1.1 200 OK\r\n\r\nhello"), 0, "sends before"},
		{"not TLS", https, "https", func(c net.Conn) { say(c, "HTTP/1.1 400 X\r\n\r\n"); silent(c) }, 0, "not with TLS"},
		{"wrong name", https, "https", overTLS(wrongTLS, silent), 0, `the certificate is for "other.example", not for "proxy.example"`},
		{"SOCKS refuses the password", https, "socks5", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 10))
			say(c, "\x05\x02")
			_, _ = c.Read(make([]byte, 100))
			say(c, "\x01\x01")
		}, 0, "authentication"},
		{"SOCKS has no way", https, "socks5", socks("other.example", nil), 0, "host unreachable"},
		{"not SOCKS", https, "socks5", func(c net.Conn) { say(c, reply("400 X", "")); silent(c) }, 0, "proxy proxy.example:3128: "},
		{"no such proxy", https, "http", nil, 0, "no such host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			board := &switchboard{}
			if tt.handle != nil {
				board.peers = map[string]*peer{"proxy.example:3128": listen(t, tt.handle)}
			}
			proxyUser := "pu:" + proxyPassword + "@"
			if strings.HasSuffix(tt.name, "without a user") {
				proxyUser = ""
			}
			cfg := transport.Config{
				URL: tt.url, Auth: transport.AuthBasic, User: user, Password: transport.NewSecret(password), AllowUnencrypted: true,
				RootCAs: ca.pool(), Proxy: mustProxy(tt.scheme + "://" + proxyUser + "proxy.example:3128"), DialContext: board.DialContext,
				Insecure: true, // it is for the host, not for the proxy
			}
			var open atomic.Int32
			cfg.DialContext = counting(cfg.DialContext, &open)
			r, err := send(t.Context(), newTransport(t, cfg))
			if got := kind(r, err); got != "connect proxy" || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("RoundTrip = %s (%v), want connect proxy with %q", got, err, tt.want)
			}
			if strings.Contains(err.Error(), proxyPassword) || strings.Contains(err.Error(), password) {
				t.Errorf("error %v shows a password", err)
			}
			if strings.Contains(err.Error(), "before you pin it") {
				t.Errorf("error %v: a proxy's certificate cannot be pinned", err)
			}
			e, _ := errors.AsType[*wsman.HTTPError](err)
			if status := statusOf(e); status != tt.status {
				t.Errorf("HTTPError with status %d, want %d", status, tt.status)
			}
			if len(board.dialed) != 1 {
				t.Errorf("dialled %q, want the proxy once and nothing else", board.dialed)
			}
			if n := open.Load(); n != 0 && !strings.HasSuffix(tt.name, " to a request") { // that one is kept, as any answered one
				t.Errorf("%d connections are left open", n)
			}
		})
	}
}

func statusOf(e *wsman.HTTPError) int {
	if e == nil {
		return 0
	}
	return e.StatusCode
}

// TestProxyEnvironment: the zero Proxy follows the environment as it is when New is called; "none" does not look at it.
func TestProxyEnvironment(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "https_proxy", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	t.Setenv("NO_PROXY", "hv02.example")
	for _, tt := range []struct {
		host, proxy, want string
	}{
		{"hv01.example", "", "proxy.example:3128"},
		{"hv02.example", "", "hv02.example:5986"},
		{"127.0.0.1", "", "127.0.0.1:5986"},
		{"hv01.example", "none", "hv01.example:5986"},
		{"127.0.0.1", "http://other.example", "other.example:80"},
	} {
		board := &switchboard{}
		cfg := transport.Config{
			URL: "https://" + tt.host + ":5986/wsman", Auth: transport.AuthBasic, User: user, DialContext: board.DialContext,
		}
		if tt.proxy != "" {
			cfg.Proxy = mustProxy(tt.proxy)
		}
		if _, err := send(t.Context(), newTransport(t, cfg)); err == nil {
			t.Error("an answer from nowhere")
		}
		if len(board.dialed) != 1 || board.dialed[0] != tt.want {
			t.Errorf("%s by proxy %q: dialled %q, want %q", tt.host, tt.proxy, board.dialed, tt.want)
		}
	}

	t.Setenv("HTTPS_PROXY", "http://pu:"+proxyPassword+"@proxy.example:3128")
	for url, want := range map[string]string{
		"https://hv01.example/wsman": "http://pu:xxxxx@proxy.example:3128",
		"https://hv02.example/wsman": "none",
	} {
		p, used := newTransport(t, transport.Config{URL: url, Auth: transport.AuthBasic, User: user}).Proxy()
		if p.String() != want || used != (want != "none") {
			t.Errorf("%s: the proxy is %v, used %v; want %s", url, p, used, want)
		}
		if name, secret := p.User(); used && (name != "pu" || secret.Reveal() != proxyPassword) {
			t.Errorf("%s: the proxy's user is %q with another password", url, name)
		}
	}

	t.Setenv("HTTPS_PROXY", "socks4://pu:"+proxyPassword+"@proxy.example")
	_, err := transport.New(transport.Config{URL: "https://hv01.example/wsman", Auth: transport.AuthBasic, User: user})
	if err == nil || !strings.Contains(err.Error(), "environment") || strings.Contains(err.Error(), proxyPassword) {
		t.Errorf("New with a proxy of an unknown kind: error %v", err)
	}
}
