// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// loggedJob returns a job of web-01 that failed at that time and had run for so long, for which the log was read.
func loggedJob(at, ran time.Duration) *diagnosed {
	end := noon.Add(at)
	start := end.Add(-ran)
	j := &invoke.MigrationJob{StartTime: &start, TimeOfLastStateChange: &end}
	j.VirtualSystemName = new(webGUID)
	return &diagnosed{Diagnosis: invoke.Diagnosis{Job: j, VM: "web-01"}, log: &jobLog{}}
}

// moveAtTime returns a failed move of web-01 that ended then, with a cause of its own.
func moveAtTime(at time.Duration) *events.Incident {
	i := moveOf()
	i.Begin, i.End = noon.Add(at-time.Minute), noon.Add(at)
	i.Events = []*events.Event{logged(20100, 2, at, fmt.Sprintf("No folder at %v. (0x80070003)", at))}
	i.Headline, i.Causes = -1, []int{0}
	return i
}

// TestGetEventsShare: each incident is that of one job, of which it is the nearest in time.
func TestGetEventsShare(t *testing.T) {
	t.Parallel()
	const none = "none"
	for _, tt := range []struct {
		name      string
		jobs      []time.Duration
		incidents []time.Duration // the newest first, as in a report
		want      []string        // the end of the incident of each job
	}{
		{"one each", []time.Duration{-10 * time.Second, -80 * time.Second}, []time.Duration{-12 * time.Second, -82 * time.Second}, []string{"-12s", "-1m22s"}},
		{"one each, the oldest job first", []time.Duration{-80 * time.Second, -10 * time.Second}, []time.Duration{-12 * time.Second, -82 * time.Second}, []string{"-1m22s", "-12s"}},
		{"one for two jobs", []time.Duration{-10 * time.Second, -80 * time.Second}, []time.Duration{-82 * time.Second}, []string{none, "-1m22s"}},
		{"one for two jobs, the other one", []time.Duration{-10 * time.Second, -80 * time.Second}, []time.Duration{-12 * time.Second}, []string{"-12s", none}},
		{"nothing", []time.Duration{0}, nil, []string{none}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var list []*diagnosed
			for _, at := range tt.jobs {
				list = append(list, loggedJob(at, 20*time.Second))
			}
			report := &events.Report{}
			for _, at := range tt.incidents {
				report.Incidents = append(report.Incidents, moveAtTime(at))
			}
			share(list, report)
			var got []string
			for _, d := range list {
				text := none
				for i := range d.Parts {
					_, text, _ = strings.Cut(d.Parts[i].Event.Text, " at ")
					text, _, _ = strings.Cut(text, ".")
				}
				if d.log.found != (text != none) || d.log.found == (d.log.reason != "") {
					t.Errorf("log %+v of a job with %q", d.log, text)
				}
				got = append(got, text)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("the jobs have %q, want %q", got, tt.want)
			}
			if len(report.Incidents) != len(tt.incidents) {
				t.Errorf("the report has %d incidents left", len(report.Incidents))
			}
		})
	}
}

// TestGetEventsLookBack: an hour, or to the start of the oldest job and some time before, but not for ever.
func TestGetEventsLookBack(t *testing.T) {
	t.Parallel()
	a := newApp(nil, nil, nil)
	a.now = func() time.Time { return noon }
	s := &session{app: a}
	for _, tt := range []struct{ ran, want time.Duration }{
		{time.Minute, time.Hour}, {58 * time.Minute, time.Hour}, {59*time.Minute + time.Second, time.Hour + time.Second}, {3 * time.Hour, 3*time.Hour + time.Minute}, {40 * time.Hour, day},
	} {
		d := loggedJob(0, tt.ran)
		if got := s.lookBack([]*diagnosed{loggedJob(0, time.Second), d}); got != tt.want {
			t.Errorf("of a job that ran for %v: %v, want %v", tt.ran, got, tt.want)
		}
	}
}

// TestGetEventsCoverage: what it means that the log does not tell of a migration.
func TestGetEventsCoverage(t *testing.T) {
	t.Parallel()
	const silent = "it does not tell of this migration"
	for want, logs := range map[string][]*events.Log{
		silent: {logOf(channelVMMS, 2), {Channel: "System", Empty: true}, {Channel: "x", Optional: true, Err: errors.New("x")}},
		silent + "; " + channelVMMS + " is empty, so that this means nothing":     {{Channel: channelVMMS, Empty: true}},
		silent + "; how far back System reaches is not known":                     {logOf(channelVMMS, 2), {Channel: "System", Read: 2}},
		silent + "; System begins at 2026-03-04 11:59:00 UTC":                     {logOf(channelVMMS, 2), {Channel: "System", Oldest: noon.Add(-time.Minute)}},
		silent + "; of System only a part was read: " + events.ErrCleared.Error(): {logOf(channelVMMS, 2), {Channel: "System", Read: 2, Oldest: noon, Partial: events.ErrCleared}},
	} {
		if got := coverage(&events.Report{Logs: logs}, noon.Add(-time.Hour)); got != want {
			t.Errorf("coverage = %q, want %q", got, want)
		}
	}
}

// TestGetEventsPartly: a log of which not all could be read is never said to say no more.
func TestGetEventsPartly(t *testing.T) {
	t.Parallel()
	event := []invoke.LogEvent{{ID: 20100, Text: "No folder."}}
	broken := errors.New("cut short")
	for _, tt := range []struct {
		name string
		log  *jobLog
		more []invoke.LogEvent
		want []string
	}{
		{"not read", nil, nil, []string{""}},
		{"the same", &jobLog{found: true}, nil, []string{"says the same, and no more."}},
		{"the same, as far as it was read", &jobLog{found: true, err: broken}, nil, []string{"What was read of the host's event log says the same.", "Not all of the event log could be read: cut short"}},
		{"more", &jobLog{found: true}, event, []string{"In the host's event log:"}},
		{"more, as far as it was read", &jobLog{found: true, err: broken}, event, []string{"In the host's event log:", "No folder.", "Not all of the event log could be read: cut short"}},
		{"nothing", &jobLog{reason: "it is short"}, nil, []string{"was read: it is short."}},
		{"nothing, as far as it was read", &jobLog{err: broken}, nil, []string{"could not be read, or not in full: cut short"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			a := newApp(nil, nil, nil)
			a.out = &output{w: bufio.NewWriter(&b)}
			d := &diagnosed{log: tt.log}
			d.AddEvents(tt.more)
			a.printEvents(d, d.Parts)
			if err := a.out.flush(); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			if tt.log != nil && tt.log.err != nil && (strings.Contains(got, "no more") || strings.Count(got, "cut short") != 1) {
				t.Errorf("printed\n%s", got)
			}
		})
	}
}

// TestGetEventsUnread: the host's reason stands once, in text and in JSON, where reason is what a log that was read lacks.
func TestGetEventsUnread(t *testing.T) {
	change := func(cfg *wsmantest.Config) { cfg.Model.EventService.Missing = true }
	got := getEvents(t, change, "-o", "json")
	var answer struct {
		Hosts []struct {
			Jobs []struct {
				EventLog struct {
					Reason *string
					Error  *errorReport
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil {
		t.Fatal(err)
	}
	l := answer.Hosts[0].Jobs[0].EventLog
	if l.Reason != nil || l.Error == nil {
		t.Fatalf("eventLog %+v", l)
	}
	if n := strings.Count(l.Error.Message, "the host cannot give events"); n != 1 {
		t.Errorf("it is told %d times why: %s", n, l.Error.Message)
	}
}

// TestGetEventsVariable: HVMIGERR_VIA counts only where a log is read.
func TestGetEventsVariable(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(variable("via"), "post")
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{HTTP: true, Model: wsmantest.DefaultModel(time.Now())})
	if got := invokeRun(t.Context(), nil, "get", "-u", administrator, "--vm", "web-01", h.URL()); got.code != exitOK {
		t.Errorf("get: exit %d, %s", got.code, got.stderr)
	}
	got := invokeRun(t.Context(), nil, "get", "--events", "-u", administrator, h.URL())
	if want := `HVMIGERR_VIA: invalid value "post" for --via, want servermanager or shell`; got.code != exitUsage || !strings.Contains(got.stderr, want) {
		t.Errorf("get --events: exit %d, %s", got.code, got.stderr)
	}
}
