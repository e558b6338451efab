// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestManyTimeout: --timeout ends each host that hangs.
func TestManyTimeout(t *testing.T) {
	hosts := newFleet(t, 2, ruled("", map[int]wsmantest.Rule{0: {Delay: wsmantest.Duration(time.Hour)}, 1: {Delay: wsmantest.Duration(time.Hour)}}))
	got := invokeRun(t.Context(), nil, append([]string{"get", "--timeout", "300ms"}, hosts.args...)...)
	if got.code != exitDeadline || strings.Count(got.stderr, ": not done within --timeout 300ms: ") != 2 {
		t.Errorf("exit %d, want %d\n%s", got.code, exitDeadline, got.stderr)
	}
}

// TestManyDeadline: --deadline ends all hosts, of which those that have answered are told all the same.
func TestManyDeadline(t *testing.T) {
	hosts := newFleet(t, 4, ruled("", map[int]wsmantest.Rule{1: {Delay: wsmantest.Duration(time.Hour)}}))
	got := invokeRun(t.Context(), nil, append([]string{"get", "-o", "json", "--parallel", "1", "--deadline", "5s", "--timeout", "1h"}, hosts.args...)...)
	all := readAllHosts(t, got.stdout)
	var exits []int
	for _, h := range all.Hosts {
		exits = append(exits, h.Exit)
		if h.Error != nil && h.Error.Message != "not done within --deadline 5s" {
			t.Errorf("%s: %+v", h.Host, h.Error)
		}
	}
	if want := []int{0, 124, 124, 124}; !slices.Equal(exits, want) || got.code != exitPartly {
		t.Errorf("exits %v and %d, want %v and %d\n%s", exits, got.code, want, exitPartly, got.stderr)
	}
	one := invokeRun(t.Context(), nil, "get", "--deadline", "100ms", "--timeout", "1h", hosts.args[1])
	if one.code != exitDeadline || !strings.Contains(one.stderr, ": not done within --deadline 100ms\n") || !strings.Contains(one.stderr, "hint: a longer --deadline") {
		t.Errorf("one host: %+v", one)
	}
}

// TestManyInterrupted: a signal leaves what has been answered.
func TestManyInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	arrived := make(chan struct{}, 1)
	hosts := newFleet(t, 2, nil)
	silent := hangingListener(t, arrived)
	go func() {
		<-arrived
		cancel(errInterrupted)
	}()
	args := append([]string{"get", "--no-explain", "--parallel", "1", "--timeout", "1h"}, hosts.args[0], "http://"+silent, hosts.args[1])
	got := invokeRun(ctx, nil, args...)
	if got.code != exitInterrupted || got.stderr != "hvmigerr: interrupted\n" {
		t.Errorf("run = %d, %q; want exit %d and one line", got.code, got.stderr, exitInterrupted)
	}
	for _, want := range []string{
		hosts.labels[0] + ": 1 of 3 migrations failed.\n", "\n3 hosts: 1 answered (1 with failed migrations, 0 without), 2 did not.\n",
		"  stopped (exit 130): interrupted: " + silent + "\n", "  not asked (exit 130): interrupted: " + hosts.labels[1] + "\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("stdout lacks %q:\n%s", want, got.stdout)
		}
	}
}

// A shortWriter takes so many bytes and then fails.
type shortWriter struct {
	mu   sync.Mutex
	left int
	err  error
}

func (w *shortWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(p) > w.left {
		return 0, w.err
	}
	w.left -= len(p)
	return len(p), nil
}

// TestManyStdoutFails: when nothing can be written any more, no more hosts are asked.
func TestManyStdoutFails(t *testing.T) {
	for _, format := range []string{"text", "json", "jsonl"} {
		for err, want := range map[error]int{syscall.EPIPE: exitOK, errors.New("disk full"): exitFailure} {
			t.Run(format+" "+err.Error(), func(t *testing.T) {
				hosts := newFleet(t, 30, nil)
				var stderr bytes.Buffer
				args := append([]string{"get", "-o", format, "--parallel", "1"}, hosts.args...)
				got := run(t.Context(), args, strings.NewReader(""), &shortWriter{left: 100, err: err}, &stderr)
				if got != want || (stderr.Len() > 0) != (want == exitFailure) || strings.Count(stderr.String(), "\n") > 1 {
					t.Errorf("exit %d, want %d; stderr %s", got, want, &stderr)
				}
				if n := len(hosts.Host(29).Requests()); n > 0 {
					t.Errorf("the last host was asked %d times, want not at all", n)
				}
			})
		}
	}
}
