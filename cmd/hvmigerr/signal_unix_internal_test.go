// Internal, as all tests here: see main_internal_test.go.

//go:build unix

package main

import (
	"context"
	"errors"
	"os"
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
