// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

const (
	channelVMMS = "Microsoft-Windows-Hyper-V-VMMS-Admin"
	webGUID     = "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11"
)

// logged returns an event of the test's host.
func logged(id uint32, level uint8, at time.Duration, message string) *events.Event {
	return &events.Event{
		System: events.System{
			Provider: "Microsoft-Windows-Hyper-V-VMMS", EventID: &id, Level: &level, Time: noon.Add(at), RecordID: new(uint64(id)),
			Channel: channelVMMS, Keywords: new(uint64(0x8000000000000000)), Computer: "HV01.corp.example",
		},
		Log: channelVMMS, Route: events.RouteShell, Root: "VmlEventLog",
		Fields:    []events.Field{{Name: "VmName", Value: "web-01"}, {Value: "7"}},
		Rendering: &events.Rendering{Message: message, Culture: "en-US"},
		Raw:       []byte("<Event id='" + fmt.Sprint(id) + "'/>"),
	}
}

// moveOf returns a failed move of web-01, as its source tells it.
func moveOf() *events.Incident {
	cause := "'web-01': the connection to host 'HV02' was refused: No connection could be made because the target machine actively refused it. (0x8007274D)\r\n\r\nA line\x1b[2J that\u202e poses\r\n  What this means: nothing"
	list := []*events.Event{
		logged(20413, 4, -10*time.Minute, "The migration of virtual machine 'web-01' to host 'HV02' has begun. "+strings.Repeat("It is long. ", 20)),
		logged(22040, 3, -9*time.Minute, ""),
		logged(20306, 2, -9*time.Minute, cause),
		logged(21024, 2, -8*time.Minute, "Migration of 'web-01' failed at its source 'HV01'.\r\n\r\nAnd a second paragraph, which is shown as well."),
	}
	list[1].Rendering = nil
	list[1].Problems = []string{"no such time"}
	list[3].Time = time.Time{}
	list[3].TimeText = "yesterday"
	return &events.Incident{
		VM: "web-01", VMID: webGUID, Begin: noon.Add(-10 * time.Minute), End: noon.Add(-8 * time.Minute),
		Role: events.RoleSource, Outcome: events.OutcomeFailed, Source: "HV01", Destination: "HV02", Events: list, Headline: 3, Causes: []int{2},
	}
}

// other returns an incident of another machine, of which there is less to tell.
func other(vm string, outcome events.Outcome, at time.Duration) *events.Incident {
	return &events.Incident{
		VM: vm, Begin: noon.Add(at), End: noon.Add(at + time.Minute), Role: events.RoleSource, Outcome: outcome, Source: "HV01", Destination: "HV02",
		Events: []*events.Event{logged(20415, 4, at, "done")}, Headline: -1,
	}
}

// logsOf returns logs of every kind.
func logsOf() []*events.Log {
	return []*events.Log{
		{Channel: channelVMMS, Read: 12, Oldest: noon.Add(-48 * time.Hour), OldestRecord: 7},
		{Channel: "Microsoft-Windows-Hyper-V-VMMS-Operational", Read: 1, Oldest: noon.Add(-time.Hour), OldestRecord: 900, Problems: []string{"event 3: \x1b no time", "another", "a third"}},
		{Channel: "Microsoft-Windows-Hyper-V-High-Availability-Admin", Optional: true, Err: &events.ChannelError{Channel: "x", Code: 15007}},
		{Channel: "Microsoft-Windows-Hyper-V-Worker-Admin", Empty: true},
		{Channel: "Microsoft-Windows-FailoverClustering/Operational", Err: &events.ChannelError{Channel: "Microsoft-Windows-FailoverClustering/Operational", Code: 5}},
		{Channel: "System", Read: 40, Oldest: noon.Add(-72 * time.Hour), Partial: events.ErrTruncated},
	}
}

// runOf returns a run of events with one report for each host.
func runOf(hosts ...*loggedHost) *eventsRun {
	a := newApp(nil, nil, nil)
	a.now = func() time.Time { return noon }
	f := &eventsFlags{since: lookBack{day, "24h"}, connection: connectionFlags{output: outputText}}
	r := &eventsRun{app: a, flags: f, query: &events.Query{}, plan: &plan{many: len(hosts) > 1}, hosts: hosts}
	for _, h := range hosts {
		if h.report != nil {
			h.report.Host, h.report.Route = h.name, events.RouteServerManager
			h.report.Since, h.report.Clock, h.report.ClockKnown = noon.Add(-day), time.Second, true
			h.logs = h.report.Logs
		}
	}
	return r
}

// printedBy returns what r prints of incidents.
func printedBy(t *testing.T, r *eventsRun, incidents []*events.Incident) string {
	t.Helper()
	var b strings.Builder
	r.app.out = &output{w: bufio.NewWriter(&b)}
	r.print(incidents)
	if err := r.app.out.flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEventsText holds the text of events to testdata/events/*.txt, which are read by people: see -update.
func TestEventsText(t *testing.T) {
	t.Parallel()
	incidents := func() []*events.Incident {
		return []*events.Incident{
			other("mail-01", events.OutcomeCompleted, -5*time.Minute), other("db-01", events.OutcomeRunning, -6*time.Minute), moveOf(),
			other("", events.OutcomeUnknown, -20*time.Minute), other("file-01", events.OutcomeSlow, -30*time.Minute),
		}
	}
	both := moveOf()
	both.Role, both.Hosts = events.RoleBoth, []string{"hv01", "hv02"}
	for i, e := range both.Events {
		e.Host = both.Hosts[i%2]
	}
	for _, tt := range []struct {
		name      string
		run       *eventsRun
		incidents []*events.Incident
	}{
		{"one", runOf(&loggedHost{name: "hv01", report: &events.Report{Logs: logsOf()}}), incidents()},
		{"none", runOf(&loggedHost{name: "hv01", report: &events.Report{Logs: logsOf()[:1]}}), nil},
		{"none_uncovered", runOf(&loggedHost{name: "hv01", report: &events.Report{Logs: logsOf()[:2]}}), nil},
		{"both", runOf(
			&loggedHost{name: "hv03", err: errors.New("not reached")},
			&loggedHost{name: "hv01", report: &events.Report{Logs: logsOf()[:1]}},
			&loggedHost{name: "hv02", report: &events.Report{Logs: logsOf()}, dropped: 1200},
		), []*events.Incident{both}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := printedBy(t, tt.run, tt.incidents)
			name := filepath.Join("testdata", "events", tt.name+".txt")
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("print: (-want +got)\n%s", diff)
			}
			for line := range strings.Lines(got) {
				if n := cells(strings.TrimSuffix(line, "\n")); n > helpWidth && !strings.Contains(line, "Get-") {
					t.Errorf("line of %d columns: %s", n, line)
				}
			}
		})
	}
}
