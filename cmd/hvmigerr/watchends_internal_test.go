// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestSilentHosts: who has not answered, or has refused the user, is left alone for a minute; what ends a watch is nobody's fault.
func TestSilentHosts(t *testing.T) {
	now := noon
	h := &plannedHost{target: &target{url: "http://HV02:5985/wsman"}}
	again := &plannedHost{target: &target{url: "http://hv02:5985/wsman"}}
	other := &plannedHost{target: &target{url: "http://hv03:5985/wsman"}}
	stoppedWatch, stop := context.WithCancelCause(t.Context())
	stop(errTerminated)
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	timeout := &timeoutError{time.Second, context.DeadlineExceeded}
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		want bool
	}{
		{"answered", t.Context(), nil, false},
		{"a fault", t.Context(), errors.New("no"), false},
		{"too slow", t.Context(), timeout, true},
		{"too slow, and so are we", late, timeout, true},
		{"the watch ended", stoppedWatch, errTerminated, false},
		{"waited for others", t.Context(), fleet.ErrNotAdmitted, false},
		{"refused", t.Context(), &fleet.NotTriedError{RefusedBy: []string{"a"}, Err: errors.New("no")}, true},
	} {
		l := &silentHosts{now: func() time.Time { return now }, until: map[string]silence{}}
		l.note(tt.ctx, h, tt.err)
		if got := l.of(again) != nil; got != tt.want || l.of(other) != nil {
			t.Errorf("%s: left alone %v, want %v", tt.name, got, tt.want)
		}
		now = now.Add(silentFor)
		if l.of(h) != nil {
			t.Errorf("%s: left alone after a minute", tt.name)
		}
	}
	var none *silentHosts
	none.note(t.Context(), h, timeout)
	if none.of(h) != nil {
		t.Error("get has left a host alone")
	}
}

// TestWatchSilentEnd: a destination that takes connections and says nothing keeps no job waiting for longer than one --timeout, nor a
// signal; what the source has said is told, and why the other end says nothing.
func TestWatchSilentEnd(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct {
		name, timeout string
		want          string
	}{
		{"timeout", "2s", "--timeout 2s"},
		{"signal", "5m", "terminated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := watchedModel()
			m.Jobs = append(m.Jobs[1:2:2], m.Jobs[1])
			m.Jobs[1].ID = runningJob
			for i := range m.Jobs {
				m.Jobs[i].Destination = "localhost"
			}
			_, args := newWatchHost(t, wsmantest.Config{Model: m})
			url, connected := silentServer(t)
			p := startWatch(t, append(args, "--timeout", tt.timeout, "--both-ends", url)...)
			if tt.name == "signal" {
				for range 3 { // two jobs, and the poll of that host
					<-connected
				}
				p.stop(errTerminated)
			}
			for range 2 {
				_, e := p.until("job.failed")
				if n := len(e.Job["errors"].([]any)); n != 1 {
					t.Errorf("%d errors", n)
				}
				d := e.Job["destination"].(map[string]any)
				if text := mustJSON(t, d); !strings.Contains(text, tt.want) {
					t.Errorf("destination %s", text)
				}
			}
			p.stop(errTerminated)
			if code := <-p.code; code != exitTerminated {
				t.Errorf("exit %d; %s", code, p.stderr)
			}
		})
	}
}

// silentServer returns the URL of a server that takes connections and says nothing, and what gets a token for each of the first.
func silentServer(t *testing.T) (url string, connected <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	tokens := make(chan struct{}, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer func() { _ = c.Close() }()
			tokens <- struct{}{}
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "http://localhost:" + port, tokens
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := formatJSON(v, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
