package watch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const (
	user = "administrator"
	web  = "5F1C2A9E-3B77-4D0A-9C55-0E6B8A1D4F21"
	sql  = "A0C3D7B4-61E8-4F2B-8D19-73C5E2F09A64"
)

// errUnreachable is what a host gives that is not there.
var errUnreachable = errors.New("connection refused")

// A sim is a simulated host as a watcher reaches it. Its tests run in a bubble of testing/synctest, whose clock is the host's.
type sim struct {
	server *wsmantest.Server
	host   watch.Host

	mu       sync.Mutex
	user     string
	down     error         // in place of all answers
	latency  time.Duration // of one round trip
	requests int
	sent     map[string]int // by operation, if set
	opened   int
	closed   int
	rewrite  *strings.Replacer // of answers, if set
	gate     *gate             // of its client, if set
	// fail, if set, is told of each request. Its error takes the place of the answer.
	fail func(operation, body string) error
	// before, if set, is called before each request. Its error takes the place of the answer.
	before func(n int) error
}

func simJob(id string, start, duration time.Duration, outcome wsmantest.Outcome) wsmantest.Job {
	j := wsmantest.Job{
		ID: id, VM: web, Destination: "HV02", StartsAfter: wsmantest.Duration(start), Duration: wsmantest.Duration(duration),
		Outcome: outcome,
	}
	if outcome == wsmantest.Failed || outcome == wsmantest.Warnings {
		j.Errors = []wsmantest.Error{{Message: "It went wrong with " + id + "."}}
	}
	return j
}

// simModel is a host of two machines with jobs.
func simModel(jobs ...wsmantest.Job) *wsmantest.Model {
	return &wsmantest.Model{VMs: []wsmantest.VM{{Name: "web-01", ID: web}, {Name: "sql-02", ID: sql}}, Jobs: jobs}
}

// newSim returns a host called name.
func newSim(tb testing.TB, name string, m *wsmantest.Model, rules ...wsmantest.Rule) *sim {
	tb.Helper()
	server, err := wsmantest.NewServer(wsmantest.Config{Model: m, Rules: rules, HTTP: true})
	if err != nil {
		tb.Fatal(err)
	}
	s := &sim{server: server, user: user}
	s.host = watch.Host{Name: name, Open: s.open, Refused: refused}
	return s
}

// A gate is how the client of a host keeps its password, as the command's does: what leaves for a host that has not taken it yet has to
// pass the Breaker.
type gate struct {
	breaker *fleet.Breaker
	attempt *fleet.Attempt
	proven  bool // the host knows the session
}

// pass sends what the client of the host called name sends.
func (g *gate) pass(ctx context.Context, name string, send func() (*wsman.Reply, error)) (*wsman.Reply, error) {
	if !g.proven {
		a, err := g.breaker.Enter(ctx, fleet.Host{Name: name, Credential: "administrator"})
		if err != nil {
			return nil, err
		}
		g.attempt = a
		defer a.Leave()
	}
	reply, err := send()
	switch {
	case refused(err):
		g.attempt.Refused(err)
	case err == nil:
		g.proven = true
		g.attempt.Taken()
	}
	return reply, err
}

func refused(err error) bool {
	if _, ok := errors.AsType[*fleet.NotTriedError](err); ok {
		return true
	}
	h, ok := errors.AsType[*wsman.HTTPError](err)
	return ok && h.StatusCode == http.StatusUnauthorized
}

func (s *sim) open(context.Context) (invoke.Client, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	c, err := wsman.NewClient(wsman.Config{Endpoint: s.server.URL(), Transport: s, QuotaRetries: -1})
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed++
	}, err
}

// RoundTrip implements wsman.Transport.
func (s *sim) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	s.mu.Lock()
	g := s.gate
	s.mu.Unlock()
	if g == nil {
		return s.answer(ctx, req)
	}
	return g.pass(ctx, s.host.Name, func() (*wsman.Reply, error) { return s.answer(ctx, req) })
}

func (s *sim) answer(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	s.mu.Lock()
	s.requests++
	n, before, fail, latency, name := s.requests, s.before, s.fail, s.latency, s.user
	if s.sent != nil {
		s.sent[operation(req)]++
	}
	s.mu.Unlock()
	if before != nil {
		if err := before(n); err != nil {
			return nil, err
		}
	}
	if fail != nil {
		if err := fail(operation(req), string(req.Body)); err != nil {
			return nil, err
		}
	}
	if !waited(ctx, latency) {
		return nil, ctx.Err()
	}
	s.mu.Lock()
	down, server, rewrite := s.down, s.server, s.rewrite
	s.mu.Unlock()
	if down != nil {
		return nil, down
	}
	reply, err := server.Transport(name).RoundTrip(ctx, req)
	if err == nil && rewrite != nil {
		reply.Body = []byte(rewrite.Replace(string(reply.Body)))
	}
	return reply, err
}

// action finds the last part of an envelope's action.
var action = regexp.MustCompile(`/([A-Za-z]+)</[a-z]+:Action>`)

func operation(req *wsman.Request) string { return string(action.FindSubmatch(req.Body)[1]) }

// set changes the host while it is being watched.
func (s *sim) set(change func(*sim)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// at changes the host after d.
func (s *sim) at(d time.Duration, change func(*sim)) {
	time.AfterFunc(d, func() { s.set(change) })
}

func (s *sim) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// asked returns how often an operation came to the server.
func (s *sim) asked(operation string) int {
	n := 0
	for _, r := range s.server.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

// waited waits for d, and returns false when ctx ends before.
func waited(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// follow watches the hosts for d, and returns the events.
func follow(tb testing.TB, d time.Duration, cfg watch.Config, hosts ...*sim) []*watch.Event {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), d)
	defer cancel()
	for _, s := range hosts {
		cfg.Hosts = append(cfg.Hosts, s.host)
	}
	events := slices.Collect(watch.Events(ctx, &cfg))
	for _, s := range hosts {
		if s.opened != s.closed {
			tb.Errorf("%s: %d sessions opened, %d closed", s.host.Name, s.opened, s.closed)
		}
		if n := s.server.OpenEnumerations(); n != 0 && s.before == nil {
			tb.Errorf("%s: %d enumerations left open", s.host.Name, n)
		}
	}
	return events
}

// summaries writes events in short, those of progress left out.
func summaries(events []*watch.Event) []string {
	var list []string
	for _, e := range events {
		if e.Kind == watch.JobProgress {
			continue
		}
		list = append(list, summary(e))
	}
	return list
}

func summary(e *watch.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Host.Name, e.Kind)
	if e.Job != nil {
		fmt.Fprintf(&b, " %s %s", e.Job.ID(), e.VM)
	}
	if e.Diagnosis != nil {
		for _, p := range e.Diagnosis.Parts {
			fmt.Fprintf(&b, " %q", p.String())
		}
	}
	if e.Missed {
		b.WriteString(" missed")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}
