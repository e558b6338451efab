package winrm_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/masterzen/winrm"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	bridge "github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A tap is a dialer that keeps all that goes over its connections, both ways.
type tap struct {
	locked
	conns int
}

func (p *tap) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns++
	return &tapped{c, p}, err
}

type tapped struct {
	net.Conn
	tap *tap
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	_, _ = c.tap.Write(b[:n])
	return n, err
}

func (c *tapped) Write(b []byte) (int, error) {
	_, _ = c.tap.Write(b)
	return c.Conn.Write(b)
}

// mechanisms returns a Config for each sealing authentication to s.
func mechanisms(tb testing.TB, s *wsmantest.Server) map[string]transport.Config {
	tb.Helper()
	cache, err := s.CCache(userName)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "krb5cc")
	if err := os.WriteFile(path, cache, 0o600); err != nil {
		tb.Fatal(err)
	}
	kerberos, err := transport.NewKerberos(transport.KerberosConfig{CCache: path, ConfPath: os.DevNull})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = kerberos.Close() })
	proxy, err := transport.ParseProxy("none")
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]transport.Config{
		"NTLM":               {Auth: transport.AuthNTLM, User: `.\` + userName, Password: transport.NewSecret(password), Proxy: proxy},
		"Kerberos":           {Auth: transport.AuthKerberos, Kerberos: kerberos, Proxy: proxy},
		"Kerberos in SPNEGO": {Auth: transport.AuthNegotiate, Kerberos: kerberos, Proxy: proxy},
	}
}

// endpointOf returns the Endpoint of a server.
func endpointOf(tb testing.TB, s *wsmantest.Server) *winrm.Endpoint {
	tb.Helper()
	u, err := url.Parse(s.URL())
	if err != nil {
		tb.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		tb.Fatal(err)
	}
	return winrm.NewEndpoint(u.Hostname(), port, u.Scheme == "https", false, s.CACertPEM(), nil, nil, 0)
}

// client returns masterzen/winrm's own client over tr.
func client(tb testing.TB, s *wsmantest.Server, tr winrm.Transporter) *winrm.Client {
	tb.Helper()
	params := winrm.NewParameters("PT60S", "en-US", 153600)
	params.TransportDecorator = func() winrm.Transporter { return tr }
	c, err := winrm.NewClientWithParameters(endpointOf(tb, s), "", "", params)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestClient: masterzen/winrm's own Client runs a command with input, both outputs and an exit code, and nothing of it can be read on the way.
func TestClient(t *testing.T) {
	const said, complaint, typed = "the output", "the complaint", "what is typed"
	s := started(t, wsmantest.Config{HTTP: true}, wsmantest.ShellCommand{Line: "secret-command", Stdout: said, Stderr: complaint, ExitCode: 42, Echo: true})
	for name, cfg := range mechanisms(t, s) {
		t.Run(name, func(t *testing.T) {
			var log tap
			cfg.DialContext = log.DialContext
			tr := bridge.NewTransporter(t.Context(), cfg)
			defer func() { _ = tr.Close() }()
			var stdout, stderr bytes.Buffer
			code, err := client(t, s, tr).RunWithContextWithInput(t.Context(), "secret-command", &stdout, &stderr, strings.NewReader(typed))
			if code != 42 || err != nil || stdout.String() != said+typed || stderr.String() != complaint {
				t.Errorf("Run = %d, %v, with %q and %q", code, err, &stdout, &stderr)
			}
			bytesSent := log.Bytes()
			for _, clear := range []string{"Envelope", "http://schemas", "rsp:", "secret-command", said, complaint, typed, password, "ReferenceParameters"} {
				for _, form := range []string{clear, base64.StdEncoding.EncodeToString([]byte(clear)), string(utf16(clear, 0, ""))} {
					if bytes.Contains(bytesSent, []byte(form)) {
						t.Errorf("%q went in clear", form)
					}
				}
			}
			if n := bytes.Count(bytesSent, []byte("multipart/encrypted")); n < 12 {
				t.Errorf("%d sealed messages, want at least six requests and their answers", n)
			}
			if log.conns > 2 {
				t.Errorf("%d connections; a client has two messages under way at most", log.conns)
			}
		})
	}
	if n := s.OpenShells(); n != 0 {
		t.Errorf("%d shells are open", n)
	}
}

// TestClientCancel: the end of the context ends a command that waits for output, and the shell is deleted; no goroutine is left.
func TestClientCancel(t *testing.T) {
	s := started(t, wsmantest.Config{HTTP: true}, wsmantest.ShellCommand{Line: "never", Stdout: "x", Never: true})
	for name, cfg := range mechanisms(t, s) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tr := bridge.NewTransporter(ctx, cfg)
			before := len(s.Requests())
			began := writer(func(p []byte) (int, error) { // what follows is a Receive that waits for a minute
				cancel()
				return len(p), nil
			})
			_, err := client(t, s, tr).RunWithContext(ctx, "never", began, io.Discard)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
			var names []string
			for _, r := range s.Requests()[before:] {
				if r.Operation == "Signal" || r.Operation == "Delete" {
					names = append(names, r.Operation+" "+strconv.Itoa(r.StatusCode))
				}
			}
			// A second Signal, which masterzen/winrm sends when it notices the context first, finds the command gone.
			if got := strings.Join(names, ", "); !strings.HasPrefix(got, "Signal 200") || !strings.HasSuffix(got, "Delete 200") || s.OpenShells() != 0 {
				t.Errorf("%s; %d shells are open", got, s.OpenShells())
			}
			_ = tr.Close()
			noGoroutines(t)
		})
	}
}

// noGoroutines wants that nothing of masterzen/winrm, of the bridge or of the client side of connections runs any more. What has been told
// to end may need a moment to.
func noGoroutines(t *testing.T) {
	t.Helper()
	for range 100000 {
		if running() == "" {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("still running:\n%s", running())
}

func running() string {
	b := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(g, "noGoroutines") {
			continue
		}
		for _, of := range []string{"masterzen/winrm.", "wsman/transport/winrm.", "wsman/transport.", "net/http.(*persistConn)"} {
			if strings.Contains(g, of) {
				return g
			}
		}
	}
	return ""
}

// BenchmarkCancel is the time from the end of a context to the return of masterzen/winrm's client, with the command terminated and the shell
// deleted.
func BenchmarkCancel(b *testing.B) {
	s := started(b, wsmantest.Config{HTTP: true}, wsmantest.ShellCommand{Line: "never", Stdout: "x", Never: true})
	for name, cfg := range mechanisms(b, s) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				ctx, cancel := context.WithCancel(b.Context())
				tr := bridge.NewTransporter(ctx, cfg)
				began := writer(func(p []byte) (int, error) {
					time.AfterFunc(20*time.Millisecond, func() { // the next Receive waits by then
						b.StartTimer()
						cancel()
					})
					return len(p), nil
				})
				_, _ = client(b, s, tr).RunWithContext(ctx, "never", began, io.Discard)
				_ = tr.Close()
			}
		})
	}
}

// TestClients: several clients at once, over one Transporter, whose sealed connections they share.
func TestClients(t *testing.T) {
	s := started(t, wsmantest.Config{HTTP: true}, wsmantest.ShellCommand{Line: "echo", Echo: true, Stderr: "e", ExitCode: 7})
	for name, cfg := range mechanisms(t, s) {
		t.Run(name, func(t *testing.T) {
			tr := bridge.NewTransporter(t.Context(), cfg)
			defer func() { _ = tr.Close() }()
			var all sync.WaitGroup
			for i := range 8 {
				c, typed := client(t, s, tr), strings.Repeat(strconv.Itoa(i), 20)
				all.Go(func() {
					stdout, stderr, code, err := c.RunWithContextWithString(t.Context(), "echo", typed)
					if stdout != typed || stderr != "e" || code != 7 || err != nil {
						t.Errorf("Run = %q, %q, %d, %v", stdout, stderr, code, err)
					}
				})
			}
			all.Wait()
		})
	}
}

// TestClientErrors: what went wrong comes through masterzen/winrm with its type.
func TestClientErrors(t *testing.T) {
	http := wsmantest.Config{HTTP: true}
	for _, tt := range []struct {
		name  string
		rules []wsmantest.Rule
		user  string
		check func(error) bool
	}{
		{"wrong password", nil, "nobody", func(err error) bool { _, ok := errors.AsType[*transport.AuthError](err); return ok }},
		{"disabled", []wsmantest.Rule{{Operation: "Create", Fault: wsmantest.FaultShellsDisabled}}, userName, func(err error) bool {
			return errors.Is(err, bridge.ErrShellsDisabled) && !errors.Is(err, bridge.ErrShellQuota) && strings.Contains(err.Error(), "Envelope")
		}},
		{"quota", []wsmantest.Rule{{Operation: "Create", Fault: wsmantest.FaultQuotaShells}}, userName, func(err error) bool {
			f, ok := errors.AsType[*bridge.FaultError](err)
			return ok && errors.Is(err, bridge.ErrShellQuota) && f.Fault.HTTPStatus == 500 && strings.Contains(f.XML, "Fault>")
		}},
		{"fault at the output", []wsmantest.Rule{{Operation: "Receive", Fault: wsmantest.FaultInternalError}}, userName, func(err error) bool {
			f, ok := errors.AsType[*wsman.Fault](err)
			return ok && len(f.Codes()) > 0 && f.Codes()[0] == 1359
		}},
		{"to another", []wsmantest.Rule{{Operation: "Receive", RelatesTo: "uuid:1"}}, userName, isProtocolError},
		{"garbage", []wsmantest.Rule{{Operation: "Receive", Garbage: 100}}, userName, isProtocolError},
		{"too long", []wsmantest.Rule{{Operation: "Receive", Size: 3 << 20}}, userName, func(err error) bool {
			_, ok := errors.AsType[*transport.LimitError](err)
			return ok
		}},
		{"dropped", []wsmantest.Rule{{Operation: "Receive", Drop: true}}, userName, func(err error) bool { return errors.Is(err, wsman.ErrConnectionLost) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			http.Rules = tt.rules
			s := started(t, http, wsmantest.ShellCommand{Line: "x", Stdout: "y"})
			cfg := mechanisms(t, s)["NTLM"]
			cfg.User = tt.user
			tr := bridge.NewTransporter(t.Context(), cfg)
			defer func() { _ = tr.Close() }()
			if _, err := client(t, s, tr).RunWithContext(t.Context(), "x", io.Discard, io.Discard); !tt.check(err) {
				t.Errorf("Run = %v", err)
			}
		})
	}
}

func isProtocolError(err error) bool {
	_, ok := errors.AsType[*wsman.ProtocolError](err)
	return ok
}

// TestHTTPS: what the endpoint says of TLS holds, and Basic runs within it.
func TestHTTPS(t *testing.T) {
	s := started(t, wsmantest.Config{}, wsmantest.ShellCommand{Line: "x", Stdout: "y"})
	proxy, err := transport.ParseProxy("none")
	if err != nil {
		t.Fatal(err)
	}
	cfg := transport.Config{Auth: transport.AuthBasic, User: userName, Password: transport.NewSecret(password), Proxy: proxy}
	tr := bridge.NewTransporter(t.Context(), cfg)
	defer func() { _ = tr.Close() }()
	if stdout, _, code, err := client(t, s, tr).RunCmdWithContext(t.Context(), "x"); stdout != "y" || code != 0 || err != nil {
		t.Errorf("Run = %q, %d, %v", stdout, code, err)
	}
}

// TestTransport: an endpoint and a Config must not contradict each other, and one Transporter is for one host.
func TestTransport(t *testing.T) {
	ep := func() *winrm.Endpoint { return &winrm.Endpoint{Host: "hv01"} }
	tr := bridge.NewTransporter(t.Context(), transport.Config{Auth: transport.AuthNTLM, User: "u"})
	if _, err := tr.Post(nil, winrm.NewOpenShellRequest("http://hv01:5985/wsman", nil)); err == nil {
		t.Error("Post without an endpoint")
	}
	if err := errors.Join(tr.Transport(ep()), tr.Transport(ep())); err != nil {
		t.Errorf("the same endpoint twice: %v", err)
	}
	if err := tr.Transport(&winrm.Endpoint{Host: "hv02"}); err == nil || !strings.Contains(err.Error(), "hv02") {
		t.Errorf("another endpoint: %v", err)
	}
	if err := tr.Transport(nil); err == nil {
		t.Error("no endpoint")
	}
	if err := tr.Close(); err != nil {
		t.Error(err)
	}
	if _, err := tr.Post(nil, winrm.NewOpenShellRequest("http://hv01:5985/wsman", nil)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Post after Close: %v", err)
	}
	if err := tr.Transport(ep()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Transport after Close: %v", err)
	}
	tr = bridge.NewTransporter(t.Context(), transport.Config{Auth: transport.AuthBasic, User: "u"})
	if err := tr.Transport(ep()); err == nil { // in clear
		t.Error("Basic over http")
	}
	if err := tr.Close(); err != nil {
		t.Error(err)
	}
}

// TestPostMessage: a message that is not XML is not sent: masterzen/winrm escapes nothing.
func TestPostMessage(t *testing.T) {
	s := started(t, wsmantest.Config{HTTP: true})
	tr := bridge.NewTransporter(t.Context(), mechanisms(t, s)["NTLM"])
	defer func() { _ = tr.Close() }()
	if err := tr.Transport(endpointOf(t, s)); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"a]]>b", "a]]></rsp:Command><rsp:Command>b", "a\x00"} {
		if _, err := tr.Post(nil, winrm.NewExecuteCommandRequest(s.URL(), shellID, command, nil, nil)); err == nil || !strings.Contains(err.Error(), "not XML") {
			t.Errorf("Post of %q: %v", command, err)
		}
	}
	if got := operations(s); got != "" {
		t.Errorf("the host was asked %s", got)
	}
}

// TestParametersDial: connections are opened as the parameters of the client say, unless the Config says how.
func TestParametersDial(t *testing.T) {
	s := started(t, wsmantest.Config{HTTP: true}, wsmantest.ShellCommand{Line: "x", Stdout: "y"})
	for _, own := range []bool{false, true} {
		var mine, theirs tap
		cfg := mechanisms(t, s)["NTLM"]
		if own {
			cfg.DialContext = mine.DialContext
		}
		tr := bridge.NewTransporter(t.Context(), cfg)
		params := winrm.NewParameters("PT60S", "en-US", 153600)
		params.Dial = func(network, addr string) (net.Conn, error) { return theirs.DialContext(t.Context(), network, addr) }
		params.TransportDecorator = func() winrm.Transporter { return tr }
		c, err := winrm.NewClientWithParameters(endpointOf(t, s), "", "", params)
		if err != nil {
			t.Fatal(err)
		}
		if stdout, _, _, err := c.RunCmdWithContext(t.Context(), "x"); stdout != "y" || err != nil {
			t.Errorf("Run = %q, %v", stdout, err)
		}
		if mine.conns > 0 != own || theirs.conns > 0 == own {
			t.Errorf("%d connections of the Config, %d of the parameters", mine.conns, theirs.conns)
		}
		_ = tr.Close()
	}
}

// TestForgotten: a host that forgets the session is told once more to end something; of what may have been done we say that it was sent once.
func TestForgotten(t *testing.T) {
	for _, operation := range []string{"Command", "Receive", "Signal", "Delete"} {
		t.Run(operation, func(t *testing.T) {
			s := started(t, wsmantest.Config{HTTP: true, Rules: []wsmantest.Rule{{Operation: operation, Count: 1, Status: 401}}}, wsmantest.ShellCommand{Line: "x"})
			tr := bridge.NewTransporter(t.Context(), mechanisms(t, s)["NTLM"])
			defer func() { _ = tr.Close() }()
			_, err := client(t, s, tr).RunWithContext(t.Context(), "x", io.Discard, io.Discard)
			again := operation == "Signal" || operation == "Delete"
			if again && err != nil || !again && !errors.Is(err, bridge.ErrNotRepeated) {
				t.Errorf("Run = %v", err)
			}
			n := 1
			if again {
				n = 2
			}
			if got := strings.Count(operations(s), operation); got != n || s.OpenShells() != 0 {
				t.Errorf("%s went out %d times, want %d; %d shells are open", operation, got, n, s.OpenShells())
			}
		})
	}
}

// TestCloseUnderWay: a Transporter that is closed ends the command that waits for output, and the shell is deleted; no goroutine is left.
func TestCloseUnderWay(t *testing.T) {
	s := started(t, wsmantest.Config{HTTP: true}, wsmantest.ShellCommand{Line: "never", Stdout: "x", Never: true})
	tr := bridge.NewTransporter(t.Context(), mechanisms(t, s)["NTLM"])
	began := writer(func(p []byte) (int, error) { return len(p), tr.Close() })
	if _, err := client(t, s, tr).RunWithContext(t.Context(), "never", began, io.Discard); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run = %v", err)
	}
	if n := s.OpenShells(); n != 0 {
		t.Errorf("%d shells are open after %s", n, operations(s))
	}
	noGoroutines(t)
}
