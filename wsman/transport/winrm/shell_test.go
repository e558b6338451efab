package winrm_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	bridge "github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const endpoint = "http://hv01:5985/wsman"

func newShell(tb testing.TB, tr wsman.Transport) *bridge.Shell {
	tb.Helper()
	s, err := bridge.NewShell(endpoint, tr)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestShell runs commands in one shell of a simulated host, whose answers split characters.
func TestShell(t *testing.T) {
	h := host(t, wsmantest.Config{},
		wsmantest.ShellCommand{Line: `both "a" & b < c`, Stdout: strings.Repeat("größer ", 100), Stderr: strings.Repeat("日本 ", 100), ExitCode: 15007},
		wsmantest.ShellCommand{Line: "quiet"},
		wsmantest.ShellCommand{Line: "negative", ExitCode: -1},
		wsmantest.ShellCommand{Line: "slow", Stdout: "late", Duration: wsmantest.Duration(30 * time.Millisecond)},
	)
	s := newShell(t, h.Transport(userName))
	for _, tt := range []struct {
		command, stdout, stderr string
		code                    int
	}{
		{`both "a" & b < c`, strings.Repeat("größer ", 100), strings.Repeat("日本 ", 100), 15007},
		{"quiet", "", "", 0},
		{"negative", "", "", exitMinusOne()},
		{"slow", "late", "", 0},
	} {
		var stdout, stderr bytes.Buffer
		code, err := s.Run(t.Context(), tt.command, &stdout, &stderr)
		if err != nil || code != tt.code || stdout.String() != tt.stdout || stderr.String() != tt.stderr {
			t.Errorf("Run(%q) = %d, %v, with %q and %q; want %d with %q and %q", tt.command, code, err, &stdout, &stderr, tt.code, tt.stdout, tt.stderr)
		}
	}
	if err := s.Close(); err != nil || h.OpenShells() != 0 {
		t.Errorf("Close = %v, and %d shells are open", err, h.OpenShells())
	}
	if got := operations(h); strings.Count(got, "Create") != 1 || strings.Count(got, "Signal") != 4 || !strings.HasSuffix(got, "Delete") {
		t.Errorf("operations %s; want one shell, and each command ended", got)
	}
	if _, err := s.Run(t.Context(), "quiet", io.Discard, io.Discard); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run after Close: %v", err)
	}
}

// exitMinusOne is 2^32-1 where int holds it.
func exitMinusOne() int {
	code := int64(1<<32 - 1)
	return int(code)
}

// TestShellUnused sends nothing.
func TestShellUnused(t *testing.T) {
	tr := new(script)
	s := newShell(t, tr)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Run(ctx, "x", io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
	for _, command := range []string{
		"", "  ", strings.Repeat("x", 8192), strings.Repeat("x", 8190) + "😀", "a]]>b", "echo %PATH%", "a\nb", "a\x00", "a\x7f", "a\u0085", "a\xff", "a\ufffe",
	} {
		_, err := s.Run(t.Context(), command, io.Discard, io.Discard)
		if _, ok := errors.AsType[*wsman.ValueError](err); !ok {
			t.Errorf("Run(%.20q) = %v, want a ValueError", command, err)
		}
	}
	if err := s.Close(); err != nil || tr.asked() != "" {
		t.Errorf("Close = %v, after %s", err, tr.asked())
	}
	s = newShell(t, tr)
	if _, err := s.Run(t.Context(), strings.Repeat("x", 8191), io.Discard, io.Discard); err != nil {
		t.Errorf("a command line of 8191 characters: %v", err)
	}
}

func TestNewShell(t *testing.T) {
	for _, tt := range []struct{ endpoint, to string }{
		{"http://hv01:5985/wsman", "http://hv01:5985/wsman"},
		{"https://hv01/wsman", "https://hv01:443/wsman"},
		{"http://hv01/wsman", "http://hv01:80/wsman"},
		{"https://[::1]:5986/wsman", "https://[::1]:5986/wsman"},
		{"http://[fe80::1%25eth0]:5985/wsman", "http://[fe80::1%25eth0]:5985/wsman"},
		{"http://hv01:5985/other", ""},
		{"http://u:p@hv01:5985/wsman", ""},
		{"ftp://hv01/wsman", ""},
		{"http://hv01:x/wsman", ""},
		{"", ""},
	} {
		var sent []byte
		tr := roundTrip(func(_ context.Context, req *wsman.Request) (*wsman.Reply, error) {
			sent = req.Body
			return nil, errors.New("enough")
		})
		s, err := bridge.NewShell(tt.endpoint, tr)
		if err != nil {
			if tt.to != "" || strings.Contains(err.Error(), "u:p") {
				t.Errorf("NewShell(%q): %v", tt.endpoint, err)
			}
			continue
		}
		_, _ = s.Run(t.Context(), "x", io.Discard, io.Discard)
		if tt.to == "" || !bytes.Contains(sent, []byte("<a:To>"+tt.to+"</a:To>")) {
			t.Errorf("NewShell(%q) sends %s, want %q", tt.endpoint, sent, tt.to)
		}
	}
}

// A roundTrip is a wsman.Transport of one function.
type roundTrip func(context.Context, *wsman.Request) (*wsman.Reply, error)

func (f roundTrip) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	return f(ctx, req)
}

// TestShellFaults: what the host refuses is a fault, and says by errors.Is what it means.
func TestShellFaults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		say     func(context.Context, string) (*wsman.Reply, error)
		at      string
		is, not error
		words   string
	}{
		{"disabled", fault("s:x", 2150859180, "aus"), "Create", bridge.ErrShellsDisabled, bridge.ErrShellQuota, "no remote shells: s:x (0x803381AC): aus"},
		{"disabled, in words", fault("w:AccessDenied", 5, "It takes no remote shell requests."), "Create", bridge.ErrShellsDisabled, bridge.ErrShellQuota, "no remote shells"},
		{"quota", fault("w:QuotaLimit", 0, "voll"), "Create", bridge.ErrShellQuota, bridge.ErrShellsDisabled, "wsman:QuotaLimit: voll"},
		{"quota by code", fault("w:Other", 2150859173, "voll"), "Create", bridge.ErrShellQuota, bridge.ErrShellsDisabled, "0x803381A5"},
		{"quota of a plugin", fault("w:Other", 2150859238, "voll"), "Create", bridge.ErrShellQuota, bridge.ErrShellsDisabled, "0x803381E6"},
		{"denied", fault("w:AccessDenied", 5, "nein"), "Create", nil, bridge.ErrShellsDisabled, "wsman:AccessDenied (error 5): nein"},
		{"at the command", fault("w:QuotaLimit", 0, "voll"), "Command", bridge.ErrShellQuota, bridge.ErrShellsDisabled, "voll"},
		{"at the output", fault("w:InternalError", 1359, "kaputt"), "Receive", nil, bridge.ErrShellQuota, "wsman:InternalError (error 1359): kaputt"},
		// These words mean something else to masterzen/winrm when they stand in an error.
		{"words", fault("w:InvalidParameter", 87, "OperationTimeout EOF"), "Receive", nil, bridge.ErrShellQuota, "OperationTimeout EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){tt.at: tt.say}}
			s := newShell(t, tr)
			_, err := s.Run(t.Context(), "x", io.Discard, io.Discard)
			f, ok := errors.AsType[*wsman.Fault](err)
			if !ok || tt.is != nil && !errors.Is(err, tt.is) || errors.Is(err, tt.not) {
				t.Fatalf("Run = %v", err)
			}
			if !strings.HasSuffix(err.Error(), tt.words) && !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), "<") || f.HTTPStatus != 500 {
				t.Errorf("Run = %v (HTTP %d), want %q, and no XML", err, f.HTTPStatus, tt.words)
			}
			_ = s.Close()
			if got := strings.Contains(tr.asked(), "Delete"); got != (tt.at != "Create") {
				t.Errorf("asked %s", tr.asked())
			}
		})
	}
}

// TestPolling: a host without output says so, in its language, and is asked again.
func TestPolling(t *testing.T) {
	tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){
		"Receive": inTurn(timedOut(), timedOut(), says(received(stream("stdout", "a"))), timedOut(), says(received(stream("stdout", "b")+done("3")))),
	}}
	s := newShell(t, tr)
	var stdout bytes.Buffer
	if code, err := s.Run(t.Context(), "x", &stdout, io.Discard); code != 3 || err != nil || stdout.String() != "ab" {
		t.Errorf("Run = %d, %v, with %q", code, err, &stdout)
	}
	if want := "Create Command Receive Receive Receive Receive Receive Signal"; tr.asked() != want {
		t.Errorf("asked %s, want %s", tr.asked(), want)
	}
}

// TestFruitless: a host that always answers, and never says anything, is not asked for ever.
func TestFruitless(t *testing.T) {
	for name, say := range map[string]func(context.Context, string) (*wsman.Reply, error){
		"timeouts": timedOut(),
		"nothing":  says(received("")),
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){"Receive": say}})
			_, err := s.Run(t.Context(), "x", io.Discard, io.Discard)
			if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok {
				t.Errorf("Run = %v, want a ProtocolError", err)
			}
		})
	}
}

// TestPatience: one that takes half of its time, or more, is asked for as long as the caller wants. No goroutine is left when the bubble ends.
func TestPatience(t *testing.T) {
	for _, tt := range []struct {
		needs time.Duration
		want  error // nil: a ProtocolError
	}{
		{10 * time.Second, context.DeadlineExceeded}, // of the 20 of OperationTimeout
		{9 * time.Second, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			late := timedOut()
			tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){
				"Receive": func(ctx context.Context, id string) (*wsman.Reply, error) {
					select {
					case <-time.After(tt.needs):
						return late(ctx, id)
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				},
			}}
			ctx, cancel := context.WithTimeout(t.Context(), 1100*tt.needs)
			defer cancel()
			s := newShell(t, tr)
			_, err := s.Run(ctx, "x", io.Discard, io.Discard)
			if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && !isProtocolError(err) {
				t.Errorf("answers after %v: Run = %v", tt.needs, err)
			}
			if err := s.Close(); err != nil || !strings.HasSuffix(tr.asked(), "Receive Signal Delete") {
				t.Errorf("Close = %v; asked …%s", err, tr.asked()[len(tr.asked())-40:])
			}
		})
	}
}

// TestCancelAtTheEnd: the command has ended well, but some of its output was thrown away, as the context has ended.
func TestCancelAtTheEnd(t *testing.T) {
	tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){
		"Receive": says(received(stream("stdout", strings.Repeat("x", 1<<17)) + done("0"))),
	}}
	ctx, cancel := context.WithCancel(t.Context())
	s := newShell(t, tr)
	first := writer(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
	if code, err := s.Run(ctx, "x", first, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %d, %v", code, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestCancel: the end of the context ends a command at once, and what it has begun on the host.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := make(chan struct{})
		tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){
			"Receive": func(ctx context.Context, id string) (*wsman.Reply, error) {
				close(waiting)
				return hangs(ctx, id)
			},
		}}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-waiting
			cancel()
		}()
		s := newShell(t, tr)
		began := time.Now()
		if _, err := s.Run(ctx, "x", io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v of the bubble's time", took)
		}
		if want := "Create Command Receive Signal Delete"; tr.asked() != want {
			t.Errorf("asked %s, want %s", tr.asked(), want)
		}
	})
}

// TestHang: a host that answers nothing more costs the time of one message, and two seconds to clean up.
func TestHang(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cancel bool
		want   time.Duration
	}{
		{"by itself", false, 35 * time.Second}, // 20 of OperationTimeout, and 15
		{"cancelled", true, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){"Receive": hangs, "Signal": hangs, "Delete": hangs}}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel {
					time.AfterFunc(time.Second, cancel)
				}
				s := newShell(t, tr)
				began := time.Now()
				_, err := s.Run(ctx, "x", io.Discard, io.Discard)
				if _, ok := errors.AsType[*wsman.TimeoutError](err); ok == tt.cancel || errors.Is(err, context.Canceled) != tt.cancel {
					t.Errorf("Run = %v", err)
				}
				if err := s.Close(); err == nil {
					t.Error("Close = nil")
				}
				if took := time.Since(began) - tt.want; took != 2*time.Second || tr.asked() != "Create Command Receive Signal Delete" {
					t.Errorf("cleaning up took %v, after %s", took, tr.asked())
				}
			})
		})
	}
}

// A writer does what a test wants.
type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// TestWriters: a Writer that fails ends a command that would write for ever; one that panics does so, too.
func TestWriters(t *testing.T) {
	full := errors.New("full")
	for _, tt := range []struct {
		name    string
		stdout  writer
		want    error
		panics  bool
		streams string
	}{
		{"error", func([]byte) (int, error) { return 0, full }, full, false, stream("stdout", "x") + stream("stderr", strings.Repeat("y", 1<<17))},
		{"short", func(p []byte) (int, error) { return len(p) - 1, nil }, io.ErrShortWrite, false, stream("stdout", strings.Repeat("x", 1<<17))},
		{"panic", func([]byte) (int, error) { var p *int; return *p, nil }, nil, true, stream("stdout", strings.Repeat("x", 1<<17))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){"Receive": says(received(tt.streams))}}
				s := newShell(t, tr)
				func() {
					defer func() {
						if p := recover(); (p != nil) != tt.panics {
							t.Errorf("it panics with %v", p)
						}
					}()
					if _, err := s.Run(t.Context(), "x", tt.stdout, io.Discard); !errors.Is(err, tt.want) {
						t.Errorf("Run = %v, want %v", err, tt.want)
					}
				}()
				if err := s.Close(); err != nil || !strings.HasSuffix(tr.asked(), "Receive Signal Delete") {
					t.Errorf("Close = %v; asked %s", err, tr.asked())
				}
			})
		})
	}
}

// TestUTF16: answers in UTF-16, with a mark or without, read as others do.
func TestUTF16(t *testing.T) {
	for name, encode := range map[string]func(string) []byte{
		"UTF-8 with a mark": func(s string) []byte { return []byte("\xef\xbb\xbf" + s) },
		"LE":                func(s string) []byte { return utf16(s, 0, "") },
		"BE":                func(s string) []byte { return utf16(s, 1, "") },
		"LE with a mark":    func(s string) []byte { return utf16(s, 0, "\xff\xfe") },
		"BE with a mark":    func(s string) []byte { return utf16(s, 1, "\xfe\xff") },
	} {
		t.Run(name, func(t *testing.T) {
			inner := new(script)
			tr := roundTrip(func(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
				r, err := inner.RoundTrip(ctx, req)
				r.Body = encode(strings.Replace(string(r.Body), "utf-8", "utf-16", 1))
				return r, err
			})
			s := newShell(t, tr)
			var stdout bytes.Buffer
			if code, err := s.Run(t.Context(), "x", &stdout, io.Discard); code != 0 || err != nil || stdout.String() != "done" {
				t.Errorf("Run = %d, %v with %q", code, err, &stdout)
			}
		})
	}
}

// utf16 encodes ASCII.
func utf16(s string, high int, mark string) []byte {
	b := []byte(mark)
	for i := range len(s) {
		pair := [2]byte{}
		pair[high] = s[i]
		b = append(b, pair[:]...)
	}
	return b
}

// TestReleased: what the transport has reserved for an answer is given back, also when it is refused.
func TestReleased(t *testing.T) {
	inner, held := new(script), 0
	tr := roundTrip(func(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
		r, err := inner.RoundTrip(ctx, req)
		held++
		r.Release = func() { held-- }
		return r, err
	})
	s := newShell(t, tr)
	_, _ = s.Run(t.Context(), "x", io.Discard, io.Discard)
	inner.say = map[string]func(context.Context, string) (*wsman.Reply, error){"Receive": raw("x")}
	_, _ = s.Run(t.Context(), "x", io.Discard, io.Discard)
	if err := s.Close(); err != nil || held != 0 || inner.asked() == "" {
		t.Errorf("Close = %v; %d answers are held", err, held)
	}
}

// TestLosses: masterzen/winrm asks again, and again, after a *url.Error of a timeout, and takes EOF for a lost connection.
func TestLosses(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"url.Error", &url.Error{Op: "Post", URL: "x", Err: os.ErrDeadlineExceeded}, os.ErrDeadlineExceeded},
		{"lost", errors.Join(wsman.ErrConnectionLost, io.ErrUnexpectedEOF), wsman.ErrConnectionLost},
		{"words", &wsman.HTTPError{StatusCode: 404, ContentType: "OperationTimeout"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){
				"Receive": func(context.Context, string) (*wsman.Reply, error) { return nil, tt.err },
			}}
			s := newShell(t, tr)
			_, err := s.Run(t.Context(), "x", io.Discard, io.Discard)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Run = %v", err)
			}
			if strings.Count(tr.asked(), "Receive") != 1 {
				t.Errorf("asked %s", tr.asked())
			}
		})
	}
}

// BenchmarkShell receives 8 MiB of output in answers of 384 KiB, each of pieces of 4 KiB.
func BenchmarkShell(b *testing.B) {
	const pieces, answers = 96, 22
	text := stream("stdout", strings.Repeat("x", 4096))
	some := says(received(strings.Repeat(text, pieces)))
	b.SetBytes(pieces * answers * 4096)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){
			"Receive": func(ctx context.Context, id string) (*wsman.Reply, error) {
				if n++; n <= answers {
					return some(ctx, id)
				}
				return says(received(done("0")))(ctx, id)
			},
		}}
		if _, err := newShell(b, tr).Run(b.Context(), "x", io.Discard, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// TestShellOpen: a shell can be opened without a command, once, and is deleted.
func TestShellOpen(t *testing.T) {
	tr := &script{}
	s := newShell(t, tr)
	for range 2 {
		if err := s.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Open(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Open after Close = %v", err)
	}
	if got, want := strings.Join(tr.log, " "), "Create Delete"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}
