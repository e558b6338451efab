//go:build integration

package integrationtest_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// python is Debian's, which finds the package python3-gssapi.
const python = "/usr/bin/python3"

// script returns the command that runs a script of testdata/acceptor with env and nothing else in its environment.
func script(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	path := filepath.Join("..", "..", "..", "testdata", "acceptor", name)
	return command(t, env, python, append([]string{"-B", path}, args...)...)
}

// command returns a command that dies with the test.
func command(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}, env...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test panics
	return c
}

// run runs c with input and returns what it printed.
func run(t *testing.T, c *exec.Cmd, input string) string {
	t.Helper()
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader([]byte(input)), &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", c.Args, err, &out, &errs)
	}
	return out.String()
}

// A transcript collects what a process prints while it runs, and prints it when the test fails.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func newTranscript(t *testing.T, name string) *transcript {
	t.Helper()
	l := new(transcript)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s printed:\n%s", name, l.end())
		}
	})
	return l
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// end returns the last 4 KiB.
func (l *transcript) end() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.b.Bytes()
	return string(b[max(0, len(b)-4<<10):])
}
