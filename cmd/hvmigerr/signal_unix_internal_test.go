// Internal, as all tests here: see main_internal_test.go.

//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWatchSignals sends this process each signal. It does not run beside other tests that do.
func TestWatchSignals(t *testing.T) {
	for _, tt := range []struct {
		signal syscall.Signal
		want   error
	}{{syscall.SIGINT, errInterrupted}, {syscall.SIGTERM, errTerminated}} {
		ctx, stop := watchSignals(t.Context())
		if err := syscall.Kill(os.Getpid(), tt.signal); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		if got := context.Cause(ctx); !errors.Is(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt.signal, got, tt.want)
		}
		stop()
	}
}

// TestFileLimit: a file that may not grow any more (ulimit -f) is an error like a full disk, and no sudden end.
func TestFileLimit(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -f 0; exec hvmigerr version >"$1"`, "sh", filepath.Join(t.TempDir(), "out"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	err := cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != exitFailure || !strings.HasPrefix(stderr.String(), "hvmigerr: writing the answer: ") {
		t.Errorf("exit %d (%v), want %d; %s", got, err, exitFailure, stderr.String())
	}
}
