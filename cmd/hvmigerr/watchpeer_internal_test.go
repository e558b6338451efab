// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// The jobs of the model of watching tests.
const (
	runningJob = "AAAAAAAA-0000-4000-8000-000000000001"
	failedJob  = "AAAAAAAA-0000-4000-8000-000000000002"
	warnedJob  = "AAAAAAAA-0000-4000-8000-000000000003"
)

// watchedModel has a job that runs, one that has failed and one with warnings, each of another machine.
func watchedModel() *wsmantest.Model {
	list := []wsmantest.VM{
		{Name: "web-01", ID: "5F1C2A9E-3B77-4D0A-9C55-0E6B8A1D4F21"},
		{Name: "mail-01", ID: "E2D95A38-7F41-4B0E-95C6-B81A03F7D4C9"},
		{Name: "sql-01", ID: "0F1B4C77-2A5D-4D9E-8C3B-6B5D1E7F9A02"},
	}
	return &wsmantest.Model{Start: noon, VMs: list, Jobs: []wsmantest.Job{
		{ID: runningJob, VM: "web-01", Destination: "HV02", StartsAfter: wsmantest.Duration(-time.Minute), Duration: wsmantest.Duration(10 * time.Minute), Outcome: wsmantest.Failed, Errors: []wsmantest.Error{{Message: "web failed", MessageID: "21024"}}},
		{ID: failedJob, VM: "mail-01", Destination: "HV02", StartsAfter: wsmantest.Duration(-2 * time.Minute), Duration: wsmantest.Duration(time.Minute), Outcome: wsmantest.Failed, Errors: []wsmantest.Error{{Message: "mail failed (0x8009030E)", MessageID: "21024"}}},
		{ID: warnedJob, VM: "sql-01", StartsAfter: wsmantest.Duration(-2 * time.Minute), Duration: wsmantest.Duration(time.Minute), Outcome: wsmantest.Warnings, Errors: []wsmantest.Error{{Message: "sql was slow", MessageID: "20417"}}},
	}}
}

// A clock is the time of a simulated host, which a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) get() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newWatchHost returns a simulated host over http, and the arguments that watch it often.
func newWatchHost(t *testing.T, cfg wsmantest.Config) (h *wsmantest.Server, args []string) {
	t.Helper()
	t.Setenv(passwordVariable, password)
	cfg.HTTP = true
	if cfg.Model == nil {
		cfg.Model = watchedModel()
	}
	if cfg.Clock == nil {
		cfg.Clock = func() time.Time { return noon }
	}
	h, err := wsmantest.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h, []string{
		"watch", "-u", "administrator", "--auth", "ntlm", "--interval", "100ms", "--idle-interval", "100ms",
		"--timeout", "5m", "--connect-timeout", "1m", h.URL(),
	}
}

// deadAddress returns an address where nothing listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String()
}

// An eventJSON is what tests look at of a line.
type eventJSON struct {
	ID, Event, Host, VM string
	Missed              bool
	Job                 map[string]any
	Error               *struct {
		Kind string
		Exit int
	}
	Evidence json.RawMessage
}

func decodeEvents(t *testing.T, lines string) []eventJSON {
	t.Helper()
	var list []eventJSON
	for line := range strings.Lines(lines) {
		var e eventJSON
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		list = append(list, e)
	}
	return list
}

// A pipedWatch is a watch whose events a test reads as they come.
type pipedWatch struct {
	t      *testing.T
	events *bufio.Reader
	stdout *io.PipeReader
	stderr *strings.Builder
	stop   context.CancelCauseFunc
	code   chan int
}

// startWatch runs watch in another goroutine.
func startWatch(t *testing.T, args ...string) *pipedWatch {
	t.Helper()
	ctx, stop := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	p := &pipedWatch{t: t, events: bufio.NewReader(r), stdout: r, stderr: &strings.Builder{}, stop: stop, code: make(chan int, 1)}
	go func() {
		code := run(ctx, args, strings.NewReader(""), w, p.stderr)
		_ = w.Close()
		p.code <- code
	}()
	t.Cleanup(func() {
		_ = r.Close()
		stop(errInterrupted)
	})
	return p
}

// until reads events up to the first of that kind.
func (p *pipedWatch) until(kind string) (before []eventJSON, e eventJSON) {
	p.t.Helper()
	for {
		line, err := p.events.ReadString('\n')
		if err != nil {
			p.t.Fatalf("%v before %s; events %+v; stderr %s", err, kind, before, p.stderr)
		}
		e = decodeEvents(p.t, line)[0]
		if e.Event == kind {
			return before, e
		}
		before = append(before, e)
	}
}
