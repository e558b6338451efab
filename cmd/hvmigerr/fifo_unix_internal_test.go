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
	for _, args := range [][]string{
		{"decode"},
		{"explain"},
		{"get", "-u", "x", "https://127.0.0.1:1", "--ca-file"},
		{"get", "https://127.0.0.1:1", "--client-cert"},
	} {
		name := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errInterrupted)
		if got := invokeRun(ctx, strings.NewReader(""), append(args, name)...); got.code != exitInterrupted {
			t.Errorf("%s: run = %+v, want exit %d", args, got, exitInterrupted)
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

// TestKeytabFIFO: a pipe is no keytab, whoever the user is.
func TestKeytabFIFO(t *testing.T) {
	clearEnvironment(t)
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	err := got("get http://127.0.0.1:1 --keytab " + name)(t)
	if a := advise(err); a.name != "credential-file" || strings.Contains(a.hint, "USER@REALM") {
		t.Errorf("advise(%v) = %s, %q; want credential-file", err, a.name, a.hint)
	}
}
