// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestWatchExit holds the exit codes of watches that end by themselves.
func TestWatchExit(t *testing.T) {
	clearEnvironment(t)
	none := &wsmantest.Model{Start: noon}
	var checks []func()
	denied := []wsmantest.Rule{{Operation: "Enumerate", Fault: wsmantest.FaultAccessDenied}}
	for _, tt := range []struct {
		name   string
		cfg    wsmantest.Config
		args   []string
		dead   bool // one more HOST does not answer
		want   int
		events int
		stderr string
	}{
		{name: "job that failed", args: []string{"--job", failedJob}, want: exitMigration, events: 1},
		{name: "job in another case", args: []string{"--job", "{" + strings.ToLower(failedJob) + "}"}, want: exitMigration, events: 1},
		{name: "job with warnings", args: []string{"--job", warnedJob}, want: exitOK, events: 1},
		{name: "machine whose job failed", args: []string{"--vm", "MAIL-01"}, want: exitMigration, events: 1},
		{name: "machine by GUID", args: []string{"--vm", "e2d95a38-7f41-4b0e-95c6-b81a03f7d4c9"}, want: exitMigration, events: 1},
		{name: "job still runs", args: []string{"--job", runningJob, "--deadline", "4s"}, want: exitRunning, events: 1, stderr: "still runs at --deadline 4s"},
		{name: "machine never seen", args: []string{"--vm", "nobody", "--deadline", "4s"}, want: exitRunning, stderr: "was not seen"},
		{name: "unknown job", args: []string{"--job", "1"}, want: exitNoSuchJob, stderr: "job 1: no host knows it"},
		{name: "unknown job, no jobs", cfg: wsmantest.Config{Model: none}, args: []string{"--job", "1"}, want: exitNoSuchJob, stderr: "no host knows it"},
		{name: "unknown job, one host away", args: []string{"--job", "1", "--deadline", "4s"}, dead: true, want: exitPartly, stderr: "waiting for 127.0.0.1"},
		{name: "known job, one host away", args: []string{"--job", failedJob}, dead: true, want: exitMigration, events: 1, stderr: ": lost: "},
		{name: "deadline", args: []string{"--deadline", "4s"}, want: exitOK, events: 3},
		{name: "deadline, one host away", args: []string{"--deadline", "4s"}, dead: true, want: exitPartly, events: 4, stderr: "1 of 2 hosts did not answer at the end: 127.0.0.1"},
		{name: "deadline, denied", cfg: wsmantest.Config{Rules: denied}, args: []string{"--deadline", "4s"}, want: exitDenied, events: 1, stderr: "AccessDenied"},
		{name: "no Hyper-V", cfg: wsmantest.Config{Model: &wsmantest.Model{NoHyperV: true}}, args: []string{"--job", "1", "--deadline", "4s"}, want: exitFault, stderr: "no Hyper-V"},
		{name: "empty shard", args: []string{"--shard", "0/1000000", "--deadline", "1m"}, want: exitOK, stderr: "shard"},
		{name: "a machine in an empty shard", args: []string{"--vm", "x", "--shard", "0/1000000"}, want: exitNoSuchJob, stderr: "no host is asked for it"},
		{name: "json", args: []string{"-o", "json"}, want: exitUsage, stderr: "use jsonl"},
		{name: "job and machine", args: []string{"--job", "1", "--vm", "a"}, want: exitUsage, stderr: "exclude each other"},
		{name: "empty job", args: []string{"--job", ""}, want: exitUsage, stderr: "--job is empty"},
		{name: "no pause", args: []string{"--interval", "0s"}, want: exitUsage, stderr: "--interval 0s is less than 100ms"},
		{name: "journal in a directory that is not there", args: []string{"--journal", filepath.Join("no", "such", "j")}, want: exitUsage, stderr: "--journal: "},
		{name: "trust without both ends", args: []string{"--trust-host", "hv02"}, want: exitUsage, stderr: "--both-ends"},
	} {
		_, args := newWatchHost(t, tt.cfg)
		args = append(append(args, "--deadline", "1m"), tt.args...) // a watch that should end and does not ends then
		if tt.dead {
			args = append(args, deadAddress(t))
		}
		wait := make(chan result, 1)
		go func() { wait <- invokeRun(t.Context(), strings.NewReader(""), args...) }() // all at once: most wait for a deadline
		checks = append(checks, func() {
			got := <-wait
			t.Run(tt.name, func(t *testing.T) {
				if got.code != tt.want || !strings.Contains(got.stderr, tt.stderr) {
					t.Errorf("exit %d, want %d\n%s%s", got.code, tt.want, got.stdout, got.stderr)
				}
				if events := decodeEvents(t, got.stdout); len(events) != tt.events {
					t.Errorf("%d events, want %d:\n%s", len(events), tt.events, got.stdout)
				}
			})
		})
	}
	for _, check := range checks {
		check()
	}
}

// TestWatchRefused: a wrong password goes to the host once, and the watch ends when no host is left to ask.
func TestWatchRefused(t *testing.T) {
	clearEnvironment(t)
	h, args := newWatchHost(t, wsmantest.Config{})
	t.Setenv(passwordVariable, "wrong-pass")
	got := invokeRun(t.Context(), strings.NewReader(""), args...)
	events := decodeEvents(t, got.stdout)
	if got.code != exitAuthentication || len(events) != 1 || events[0].Event != "host.refused" || events[0].Error.Exit != exitAuthentication {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if !strings.Contains(got.stderr, "hint: ") {
		t.Errorf("no hint: %s", got.stderr)
	}
	if n := len(h.Requests()); n > 3 {
		t.Errorf("%d requests, want those of one log-on", n)
	}
}

// TestWatchLife follows a job from its run to its failure, whose diagnosis comes with the event, and into the journal.
func TestWatchLife(t *testing.T) {
	clearEnvironment(t)
	c := &clock{now: noon}
	_, args := newWatchHost(t, wsmantest.Config{Clock: c.get})
	journal := filepath.Join(t.TempDir(), "watch.jsonl")
	p := startWatch(t, append(args, "--vm", "web-01", "--journal", journal)...)
	if before, e := p.until("job.new"); len(before) > 0 || e.VM != "web-01" || e.Job["PercentComplete"] != 3.0 || e.Job["JobStateName"] != "Running" || e.Job["errors"] != nil {
		t.Errorf("new: %+v after %+v", e, before)
	}
	c.advance(4 * time.Minute)
	if _, e := p.until("job.progress"); e.Job["PercentComplete"] != 15.0 {
		t.Errorf("progress: %+v", e)
	}
	c.advance(6 * time.Minute)
	before, e := p.until("job.failed")
	if len(before) > 0 || e.Missed || e.Job["failed"] != true || len(e.Job["errors"].([]any)) != 1 || e.Job["explanation"] == nil {
		t.Errorf("failed: %+v after %+v", e, before)
	}
	if code := <-p.code; code != exitMigration {
		t.Errorf("exit %d; %s", code, p.stderr)
	}
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	recorded := decodeEvents(t, string(text))
	if len(recorded) != 2 || recorded[0].Event != "job.new" || recorded[1].Event != "job.failed" || recorded[1].ID != e.ID || len(recorded[1].Evidence) < 100 {
		t.Errorf("the journal holds %s", text)
	}
}

// TestWatchBothEnds: the destination of a failed move is asked only if it is named; the event says why it was not.
func TestWatchBothEnds(t *testing.T) {
	clearEnvironment(t)
	_, args := newWatchHost(t, wsmantest.Config{})
	got := invokeRun(t.Context(), strings.NewReader(""), append(args, "--both-ends", "--job", failedJob)...)
	events := decodeEvents(t, got.stdout)
	if got.code != exitMigration || len(events) != 1 {
		t.Fatalf("%+v", got)
	}
	if d, ok := events[0].Job["destination"].(map[string]any); !ok || d["asked"] != false || !strings.Contains(d["reason"].(string), "--trust-host HV02") {
		t.Errorf("destination %v", events[0].Job["destination"])
	}
}

// TestWatchJournal: what a journal holds is not told again, but for one job that is asked for; a second watcher is refused.
func TestWatchJournal(t *testing.T) {
	clearEnvironment(t)
	_, args := newWatchHost(t, wsmantest.Config{})
	journal := filepath.Join(t.TempDir(), "watch.jsonl")
	first := startWatch(t, append(args, "--journal", journal)...)
	kinds := []string{}
	for range 3 {
		line, err := first.events.ReadString('\n')
		if err != nil {
			t.Fatal(err, first.stderr)
		}
		kinds = append(kinds, decodeEvents(t, line)[0].Event)
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, []string{"job.ended", "job.failed", "job.new"}) {
		t.Errorf("events %v", kinds)
	}
	second := invokeRun(t.Context(), strings.NewReader(""), append(args, "--journal", journal)...)
	if second.code != exitUsage || !strings.Contains(second.stderr, "is in use by another watcher") {
		t.Errorf("a second watcher: %+v", second)
	}
	first.stop(errTerminated)
	if code := <-first.code; code != exitTerminated {
		t.Errorf("exit %d; %s", code, first.stderr)
	}
	again := invokeRun(t.Context(), strings.NewReader(""), append(args, "--journal", journal, "--deadline", "4s")...)
	if again.code != exitOK || again.stdout != "" {
		t.Errorf("again: %+v", again)
	}
	one := invokeRun(t.Context(), strings.NewReader(""), append(args, "--journal", journal, "--job", failedJob)...)
	if one.code != exitMigration || len(decodeEvents(t, one.stdout)) != 1 {
		t.Errorf("one job: %+v", one)
	}
	text, err := os.ReadFile(journal)
	if err != nil || len(decodeEvents(t, string(text))) != 3 {
		t.Errorf("%v; the journal holds %s", err, text)
	}
}

// A failingJournal takes what it is told to take.
type failingJournal struct {
	errs  []error // of Append, one after the other
	lines []string
}

func (j *failingJournal) Recorded(string) bool { return false }
func (j *failingJournal) Close() error         { return nil }

func (j *failingJournal) AppendAll(records ...watch.Record) error {
	err := j.errs[0]
	j.errs = j.errs[1:]
	for _, r := range records {
		if err == nil {
			j.lines = append(j.lines, string(r.Line))
		}
	}
	return err
}

// TestWatchRecord: a journal that cannot be written is told once, and once more when it can; the watch goes on, and fails at its end.
func TestWatchRecord(t *testing.T) {
	full := errors.New("no space left")
	var stderr strings.Builder
	j := &failingJournal{errs: []error{nil, full, full, nil, nil}}
	w := &watcher{app: newApp(nil, io.Discard, &stderr), journal: j}
	if err := w.complete(errMigrationFailed); !errors.Is(err, errMigrationFailed) {
		t.Errorf("the end is %v", err)
	}
	line := []byte("{}")
	for range 5 {
		w.record([]outgoing{{event: &watch.Event{ID: "1", Kind: watch.HostBack}, line: line}, {event: &watch.Event{Kind: watch.JobProgress}}})
	}
	w.record([]outgoing{{event: &watch.Event{Kind: watch.JobProgress}}})
	if len(j.lines) != 3 || len(j.errs) != 0 {
		t.Errorf("the journal has %q", j.lines)
	}
	if want := "hvmigerr: journal: no space left; going on without it\nhvmigerr: journal: it can be written again\n"; stderr.String() != want {
		t.Errorf("stderr %q, want %q", stderr.String(), want)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errTerminated)
	for _, err := range []error{nil, errMigrationFailed, errInterrupted, errTerminated, &hostsError{exitPartly}} {
		if got := stopped(ctx, w.complete(err)); exitCode(got) != exitFailure {
			t.Errorf("after %v the end is %v, want a failure", err, got)
		}
	}
}

// TestWatchInterrupted: what ends the context ends the watch, also while a host does not answer, and its code wins.
func TestWatchInterrupted(t *testing.T) {
	clearEnvironment(t)
	slow := []wsmantest.Rule{{Operation: "GetErrorEx", Delay: wsmantest.Duration(time.Hour)}}
	for _, tt := range []struct {
		cause error
		want  int
	}{{errInterrupted, exitInterrupted}, {errTerminated, exitTerminated}} {
		m := watchedModel()
		m.Jobs[0].Properties = map[string]any{"VirtualSystemName": nil} // so that no name is waited for
		_, args := newWatchHost(t, wsmantest.Config{Model: m, Rules: slow})
		p := startWatch(t, args...)
		p.until("job.new") // the host is asked next why the other one failed, and does not answer
		p.stop(tt.cause)
		if code := <-p.code; code != tt.want {
			t.Errorf("exit %d, want %d; %s", code, tt.want, p.stderr)
		}
	}
}

// A brokenPipe is a stdout that takes nothing.
type brokenPipe struct{ err error }

func (w *brokenPipe) Write([]byte) (int, error) { return 0, w.err }

// TestWatchUnwritten: without a reader the watch ends quietly, with a full disk by an error; for a journal it goes on.
func TestWatchUnwritten(t *testing.T) {
	clearEnvironment(t)
	full := errors.New("no space left")
	for _, tt := range []struct {
		name     string
		err      error
		journal  bool
		want     int
		recorded int
		stderr   string
	}{
		{name: "reader gone", err: io.ErrClosedPipe, want: exitOK},
		{name: "reader gone, journal", err: io.ErrClosedPipe, journal: true, want: exitOK, recorded: 3, stderr: "going on for the journal alone"},
		{name: "full", err: full, want: exitFailure, stderr: "no space left"},
		{name: "full, journal", err: full, journal: true, want: exitFailure, recorded: 3, stderr: "going on for the journal alone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, args := newWatchHost(t, wsmantest.Config{})
			journal := filepath.Join(t.TempDir(), "watch.jsonl")
			args = append(args, "--deadline", "4s")
			if tt.journal {
				args = append(args, "--journal", journal)
			}
			stdout := &brokenPipe{tt.err}
			var stderr strings.Builder
			code := run(t.Context(), args, strings.NewReader(""), stdout, &stderr)
			if code != tt.want || !strings.Contains(stderr.String(), tt.stderr) || tt.stderr == "" && stderr.Len() > 0 {
				t.Errorf("exit %d, want %d; %s", code, tt.want, stderr.String())
			}
			if !tt.journal {
				return
			}
			text, err := os.ReadFile(journal)
			if err != nil || len(decodeEvents(t, string(text))) != tt.recorded {
				t.Errorf("%v; the journal holds %s", err, text)
			}
		})
	}
}
