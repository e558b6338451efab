package wsmantest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const (
	logVMMS = "Microsoft-Windows-Hyper-V-VMMS-Admin"
	// headlineID is the number of the event that a migration failed at its source (facts/event-log.md §2.1).
	headlineID = 21024
	jobsLast   = -5 * time.Minute
)

// logOf returns the events of a channel.
func logOf(t *testing.T, m *wsmantest.Model, channel string) []wsmantest.LogEvent {
	t.Helper()
	for i := range m.EventLogs {
		if m.EventLogs[i].Channel == channel {
			return m.EventLogs[i].Events
		}
	}
	t.Fatalf("no log %s", channel)
	return nil
}

// tells reports whether an event, in its message or in a field, holds text.
func tells(e *wsmantest.LogEvent, text string) bool {
	return strings.Contains(e.Message, text) ||
		slices.ContainsFunc(e.Fields, func(f wsmantest.LogField) bool { return strings.Contains(f.Value, text) })
}

// TestDefaultLogs: the event log tells of each job what the job says, and of moves that no job tells of any more.
func TestDefaultLogs(t *testing.T) {
	t.Parallel()
	m := wsmantest.DefaultModel(start)
	for _, l := range m.EventLogs {
		if len(l.Events) == 0 || time.Duration(l.Events[0].At) > -24*time.Hour {
			t.Errorf("%s does not reach back a day", l.Channel)
		}
		if !slices.IsSortedFunc(l.Events, func(a, b wsmantest.LogEvent) int { return int(a.At - b.At) }) {
			t.Errorf("%s is not in the order of time", l.Channel)
		}
	}
	vmms := logOf(t, m, logVMMS)
	for _, j := range m.Jobs {
		end := j.StartsAfter + j.Duration
		begun := slices.IndexFunc(vmms, func(e wsmantest.LogEvent) bool {
			return e.At == j.StartsAfter && tells(&e, j.VM) && tells(&e, j.Destination)
		})
		if begun < 0 {
			t.Errorf("job %s: no event that it began", j.ID)
		}
		for i, e := range j.Errors {
			if j.Outcome == wsmantest.Warnings {
				continue // its event tells more
			}
			same := slices.ContainsFunc(vmms, func(logged wsmantest.LogEvent) bool {
				return logged.Message == e.Message && fmt.Sprint(logged.ID) == e.MessageID && logged.Level == 2 &&
					logged.At <= end && logged.At > end-wsmantest.Duration(time.Second)
			})
			if !same {
				t.Errorf("job %s: no event with the message of error %d", j.ID, i)
			}
		}
	}
	forgotten := map[string]bool{}
	for _, e := range vmms {
		if e.ID == headlineID && time.Duration(e.At) < jobsLast {
			forgotten[e.Fields[0].Value] = true
		}
	}
	for _, vm := range []string{"dc-02", "crm-04", "sql-02"} {
		if !forgotten[vm] {
			t.Errorf("no failure of %s before the time of jobs", vm)
		}
	}
}

// TestFleetLogs: of the forgotten move of a host only the log of the next one tells the cause.
func TestFleetLogs(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		source, destination := wsmantest.FleetModel(i, start), wsmantest.FleetModel(i+1, start)
		k := slices.IndexFunc(source.VMs, func(v wsmantest.VM) bool { return strings.HasPrefix(v.Name, "app-") })
		vm := source.VMs[k]
		var failed *wsmantest.LogEvent
		vmms := logOf(t, source, logVMMS)
		for n := range vmms {
			switch e := &vmms[n]; {
			case e.ID == headlineID && tells(e, vm.ID):
				failed = e
			case e.Level == 2 && tells(e, vm.ID):
				t.Errorf("host %d: the source tells the cause: %s", i, e.Message)
			}
			if tells(&vmms[n], "HV01'") {
				t.Errorf("host %d: %s", i, vmms[n].Message)
			}
		}
		if failed == nil || time.Duration(failed.At) > jobsLast {
			t.Fatalf("host %d: no failure before the time of jobs", i)
		}
		cause := slices.IndexFunc(logOf(t, destination, logVMMS), func(e wsmantest.LogEvent) bool {
			return e.Level == 2 && tells(&e, vm.ID) && tells(&e, "0x80070003") && e.At < failed.At && e.At > failed.At-wsmantest.Duration(time.Minute)
		})
		if cause < 0 {
			t.Errorf("host %d: the destination does not tell the cause", i)
		}
		if slices.ContainsFunc(destination.VMs, func(v wsmantest.VM) bool { return v.ID == vm.ID }) {
			t.Errorf("host %d: %s is at the destination", i, vm.Name)
		}
	}
}
