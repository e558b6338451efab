// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []string
		err  string
	}{
		{in: "", want: nil},
		{in: "  \t\n ", want: nil},
		{in: "pass show hv", want: []string{"pass", "show", "hv"}},
		{in: " a  b\tc\n", want: []string{"a", "b", "c"}},
		{in: `a 'b c' "d e"`, want: []string{"a", "b c", "d e"}},
		{in: `a''b`, want: []string{"ab"}},
		{in: `'' ""`, want: []string{"", ""}},
		{in: `a\ b \'c\'`, want: []string{"a b", "'c'"}},
		{in: `'a\b'`, want: []string{`a\b`}},
		{in: `"a\"b\\c\$d\x"`, want: []string{`a"b\c$d\x`}},
		{in: `op read 'op://vault/item/field name'`, want: []string{"op", "read", "op://vault/item/field name"}},
		{in: `$HOME/x *.txt ~ | ; &`, want: []string{"$HOME/x", "*.txt", "~", "|", ";", "&"}},
		{in: `a"b`, err: `a " without its end`},
		{in: `a 'b`, err: `a ' without its end`},
		{in: `a \`, err: "ends with a backslash"},
		{in: `"a\`, err: "ends with a backslash"},
	} {
		got, err := splitWords(tt.in)
		switch {
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("splitWords(%q) = %q, %v; want an error with %q", tt.in, got, err, tt.err)
		case tt.err == "" && (err != nil || !slices.Equal(got, tt.want)):
			t.Errorf("splitWords(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestCleanPassword(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want, err string }{
		{in: "p", want: "p"},
		{in: "p\n", want: "p"},
		{in: "p\r\n", want: "p"},
		{in: "p\n\n", want: "p\n"},
		{in: "p\r", want: "p\r"},
		{in: " p ", want: " p "},
		{in: "\ufeffp\n", want: "p"},
		{in: "p\ufeff", want: "p\ufeff"},
		{in: "pässword 仮", want: "pässword 仮"},
		{in: "", err: "empty"},
		{in: "\r\n", err: "empty"},
		{in: "\ufeff", err: "empty"},
		{in: "\xff\xfep\x00", err: "UTF-16"},
		{in: "\xfe\xff\x00p", err: "UTF-16"},
	} {
		got, err := cleanPassword("--password-file", []byte(tt.in))
		switch {
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || exitCode(err) != exitUsage):
			t.Errorf("cleanPassword(%q) = %q, %v; want an error with %q", tt.in, got.Reveal(), err, tt.err)
		case tt.err == "" && (err != nil || got.Reveal() != tt.want):
			t.Errorf("cleanPassword(%q) = %q, %v; want %q", tt.in, got.Reveal(), err, tt.want)
		}
	}
}

func TestReadPasswordFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(name, []byte("p\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		mode os.FileMode
		err  string
	}{
		{0o600, ""},
		{0o400, ""},
		{0o640, "mode 0640"},
		{0o604, "mode 0604"},
		{0o620, "mode 0620"},
		{0o644, "mode 0644"},
	} {
		if err := os.Chmod(name, tt.mode); err != nil {
			t.Fatal(err)
		}
		raw, err := readPasswordFile(name)
		refused := tt.err != "" && runtime.GOOS != "windows"
		switch {
		case refused && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("mode %04o: %q, %v; want an error with %q", tt.mode, raw, err, tt.err)
		case !refused && (err != nil || string(raw) != "p\n"):
			t.Errorf("mode %04o: %q, %v", tt.mode, raw, err)
		}
	}
}

func TestReadPasswordLimit(t *testing.T) {
	t.Parallel()
	endless := strings.NewReader(strings.Repeat("x", 4*maxPassword))
	if raw, err := readPassword(endless); err == nil || len(raw) > maxPassword+1 {
		t.Errorf("readPassword took %d bytes, %v", len(raw), err)
	}
	if raw, err := readPassword(io.LimitReader(zeros{}, maxPassword)); err != nil || len(raw) != maxPassword {
		t.Errorf("readPassword took %d bytes, %v", len(raw), err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestPasswordCommandErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ command, err string }{
		{"", "empty"},
		{"''", "command"},
		{"'", "without its end"},
		{filepath.Join(t.TempDir(), "nosuch"), "nosuch"},
	} {
		if raw, err := runPasswordCommand(t.Context(), tt.command); err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("runPasswordCommand(%q) = %q, %v; want an error with %q", tt.command, raw, err, tt.err)
		}
	}
}

func TestReadHidden(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, want string
		err      error
	}{
		{in: "secret\r", want: "secret"},
		{in: "secret\n", want: "secret"},
		{in: "pässword 仮 \r", want: "pässword 仮 "},
		{in: "secret\x7f\x7fet\rrest", want: "secret"},
		{in: "\r", want: ""},
		{in: "\x04secret\r", want: ""},
		{in: "", want: ""}, // the terminal is gone
		{in: "sec\x03ret\r", err: errInterrupted},
	} {
		if got, err := readHidden(strings.NewReader(tt.in)); string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("readHidden(%q) = %q, %v; want %q, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestLimitedBuffer(t *testing.T) {
	t.Parallel()
	b := &limitedBuffer{limit: 4}
	if _, err := b.Write([]byte("1234")); err != nil || b.over {
		t.Errorf("Write = %v, over %v", err, b.over)
	}
	if _, err := b.Write([]byte("5")); err == nil || !b.over || b.kept.String() != "1234" {
		t.Errorf("Write past the limit = %v, over %v, %q", err, b.over, b.kept.String())
	}
}

func TestPasswordCommandLimit(t *testing.T) {
	t.Parallel()
	if raw, err := runPasswordCommand(t.Context(), "floodpassword"); err == nil || !strings.Contains(err.Error(), "more than 64 KiB") {
		t.Errorf("runPasswordCommand took %d bytes, %v", len(raw), err)
	}
}

// TestPasswordStdin: a stdin that never ends does not hold up an interrupted run.
func TestPasswordStdin(t *testing.T) {
	clearEnvironment(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	defer func() { _ = w.Close() }()
	reading := &notifyReader{Reader: r, started: func() { cancel(errTerminated) }}
	got := invokeRun(ctx, reading, "identify", "-u", "x", "--password-file", "-", "https://127.0.0.1:1")
	if got.code != exitTerminated {
		t.Errorf("run = %+v, want exit %d", got, exitTerminated)
	}
}

// A notifyReader tells when it is read for the first time.
type notifyReader struct {
	io.Reader
	once    sync.Once
	started func()
}

func (r *notifyReader) Read(p []byte) (int, error) {
	r.once.Do(r.started)
	return r.Reader.Read(p)
}
