// Internal, as all tests here: see main_internal_test.go.

//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUnopenedFIFO: nor does one that nobody opens.
func TestUnopenedFIFO(t *testing.T) {
	clearEnvironment(t)
	for _, command := range []string{"decode", "explain"} {
		name := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errInterrupted)
		if got := invokeRun(ctx, strings.NewReader(""), command, name); got.code != exitInterrupted {
			t.Errorf("%s: run = %+v, want exit %d", command, got, exitInterrupted)
		}
		if file, err := os.OpenFile(name, os.O_RDWR, 0); err == nil { // lets go who waits in open
			_ = file.Close()
		}
	}
}

// TestFIFO: a pipe that somebody holds open and never writes to does not hold up an interrupted run.
func TestFIFO(t *testing.T) {
	clearEnvironment(t)
	for _, args := range [][]string{
		{"identify", "-u", "x", "https://127.0.0.1:1", "--password-file"},
		{"simulate", "--model"},
		{"simulate", "--rules"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "fifo")
			if err := syscall.Mkfifo(name, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			opened := make(chan *os.File, 1)
			go func() {
				file, err := os.OpenFile(name, os.O_WRONLY, 0) // waits for the reader
				if err != nil {
					t.Error(err)
				}
				opened <- file
				cancel(errInterrupted)
			}()
			got := invokeRun(ctx, strings.NewReader(""), append(args, name)...)
			if got.code != exitInterrupted {
				t.Errorf("run = %+v, want exit %d", got, exitInterrupted)
			}
			_ = (<-opened).Close()
		})
	}
}
