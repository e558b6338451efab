// Internal, as all tests here: see main_internal_test.go.

//go:build unix

package main

import (
	"bufio"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestWatchStopped sends this process each signal while it watches. It does not run beside other tests that do.
func TestWatchStopped(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct {
		signal syscall.Signal
		want   int
	}{{syscall.SIGINT, exitInterrupted}, {syscall.SIGTERM, exitTerminated}} {
		_, args := newWatchHost(t, wsmantest.Config{})
		ctx, stop := watchSignals(t.Context())
		r, w := io.Pipe()
		code := make(chan int, 1)
		go func() {
			code <- run(ctx, args, strings.NewReader(""), w, io.Discard)
			_ = w.Close()
		}()
		events := bufio.NewReader(r)
		if _, err := events.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(os.Getpid(), tt.signal); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, events) }()
		if got := <-code; got != tt.want {
			t.Errorf("%v: exit %d, want %d", tt.signal, got, tt.want)
		}
		stop()
	}
}
