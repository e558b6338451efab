// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestEventsElsewhere: which log was not read that may tell more, be a host named by its address or by its name.
func TestEventsElsewhere(t *testing.T) {
	t.Parallel()
	named := func(name string, own ...string) *loggedHost { return &loggedHost{name: name, typed: name, own: own} }
	const toHV02 = "The log of the destination, HV02, may tell more, and was not read: name it too."
	for _, tt := range []struct {
		name   string
		change func(*events.Incident)
		hosts  []*loggedHost
		want   string
	}{
		{"the destination", nil, []*loggedHost{named("hv01")}, toHV02},
		{"its name is known", nil, []*loggedHost{named("hv01"), named("hv02.corp.example")}, ""},
		{"it calls itself so", nil, []*loggedHost{named("hv01"), named("192.0.2.2", "HV02.corp.example")}, ""},
		{"another calls itself otherwise", nil, []*loggedHost{named("hv01"), named("192.0.2.2", "HV03")}, toHV02},
		{"an address without a name", nil, []*loggedHost{named("hv01"), named("192.0.2.2")}, "The log of the destination, HV02, may tell more, and was not read, unless it is one of those named: name it too."},
		{"only its own address", nil, []*loggedHost{named("192.0.2.1")}, toHV02},
		{"another domain", func(i *events.Incident) { i.Destination = "hv02.other" }, []*loggedHost{named("hv01"), named("hv02.corp.example")}, strings.Replace(toHV02, "HV02", "hv02.other", 1)},
		{"the source", func(i *events.Incident) { i.Role = events.RoleDestination }, []*loggedHost{named("hv02")}, "The log of the source, HV01, may tell more, and was not read: name it too."},
		{"told by both", func(i *events.Incident) { i.Role = events.RoleBoth }, []*loggedHost{named("hv07")}, ""},
		{"within one host", func(i *events.Incident) { i.Destination = "hv01.corp.example" }, []*loggedHost{named("192.0.2.1")}, ""},
		{"went well", func(i *events.Incident) { i.Outcome = events.OutcomeCompleted }, []*loggedHost{named("hv01")}, ""},
		{"somewhere, with a cause", func(i *events.Incident) { i.Destination = "" }, []*loggedHost{named("hv01")}, ""},
		{"somewhere", func(i *events.Incident) { i.Destination, i.Causes = "", nil }, []*loggedHost{named("hv01")}, "The log of the destination may tell why, and was not read: name that host too."},
		{"somewhere, of many", func(i *events.Incident) { i.Destination, i.Causes = "", nil }, []*loggedHost{named("hv01"), named("192.0.2.2")}, "The log of the destination may tell why, and was not read, unless it is one of those named: name that host too."},
		{"nobody knows", func(i *events.Incident) { i.Role, i.Destination, i.Causes = "", "", nil }, []*loggedHost{named("hv01")}, "The log of the other host may tell why, and was not read: name that host too."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			incident := moveOf()
			incident.Hosts = []string{tt.hosts[0].name}
			if tt.change != nil {
				tt.change(incident)
			}
			if got := runOf(tt.hosts...).elsewhere(incident); got != tt.want {
				t.Errorf("elsewhere = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestEventsOwnNames: a host that was named by its address is known by what it calls itself.
func TestEventsOwnNames(t *testing.T) {
	t.Parallel()
	h := &loggedHost{name: "192.0.2.1:5985", typed: "192.0.2.1", report: &events.Report{Incidents: []*events.Incident{moveOf()}}}
	h.learn()
	for name, want := range map[string]bool{"hv01": true, "HV01.corp.example": true, "192.0.2.1": true, "192.0.2.1:5985": true, "HV02": false, "hv01.other": true, "": false} {
		if h.is(name) != want {
			t.Errorf("it calls itself %q; is %q: %v, want %v", h.own, name, !want, want)
		}
	}
	flood := moveOf()
	flood.Events = nil
	for i := range 3 * maxOwnNames {
		e := logged(13002, 4, 0, "")
		e.Computer = fmt.Sprint("host-", i/2)
		flood.Events = append(flood.Events, e)
	}
	h = &loggedHost{report: &events.Report{Incidents: []*events.Incident{flood}}}
	if h.learn(); len(h.own) != maxOwnNames || h.own[0] != "HV01" || h.own[2] != "host-1" {
		t.Errorf("own names %q", h.own)
	}
}

// TestEventsCounted: what the first line claims, and what not.
func TestEventsCounted(t *testing.T) {
	t.Parallel()
	const last = " in the last 24h."
	full := func(channel string) *events.Log { return logOf(channel, 3) }
	empty := func(channel string) *events.Log { return &events.Log{Channel: channel, Empty: true} }
	for _, tt := range []struct {
		name      string
		logs      []*events.Log
		incidents []*events.Incident
		change    func(*eventsRun)
		want      string
	}{
		{"none", []*events.Log{full(channelVMMS), empty("System")}, nil, nil, "no migration" + last + " The logs reach back that far."},
		{"the log is empty", []*events.Log{empty(channelVMMS), full("System")}, nil, nil, "no migration" + last + " That means nothing: the log that would tell is empty."},
		{"a channel by name", []*events.Log{empty(channelVMMS), full("System")}, nil, func(r *eventsRun) { r.query.Channels = []string{channelVMMS, "System"} }, "no migration in the last 24h, as far as events of that choice tell. The logs reach back that far."},
		{"an empty one by name", []*events.Log{empty("System")}, nil, func(r *eventsRun) { r.query.Channels = []string{"System"} }, "no migration in the last 24h, as far as events of that choice tell. That means nothing: the log that would tell is empty."},
		{"no log at all", []*events.Log{{Channel: channelVMMS, Err: &events.ChannelError{Code: 5}}, {Channel: "x", Optional: true, Err: &events.ChannelError{Code: 15007}}}, nil, nil, "nothing is known: no log that tells of migrations could be read."},
		{"only empty ones", []*events.Log{{Channel: channelVMMS, Err: &events.ChannelError{Code: 5}}, empty("System")}, nil, nil, "nothing is known: no log that tells of migrations could be read."},
		{"not asked for", []*events.Log{full(channelVMMS), {Channel: "System", Err: events.ErrNotAsked}}, nil, nil, "no migration" + last + " Not all of the logs reach back that far, or could be read: see below."},
		{"too many events", []*events.Log{{Channel: channelVMMS, Read: 9, Oldest: noon.Add(-2 * day), Partial: events.ErrLimit}}, []*events.Incident{moveOf()}, nil, "at least 1 of 1 migration failed, in the last 24h."},
		{"too many events, none failed", []*events.Log{{Channel: channelVMMS, Read: 9, Oldest: noon.Add(-2 * day), Partial: events.ErrLimit}}, []*events.Incident{other("a", events.OutcomeCompleted, 0)}, nil, "no failed migration among at least 1, in the last 24h. Not all of the logs reach back that far, or could be read: see below."},
		{"too many incidents", []*events.Log{full(channelVMMS)}, []*events.Incident{moveOf()}, func(r *eventsRun) { r.hosts[0].dropped = 1 }, "at least 1 of 1 migration failed, in the last 24h."},
		{"raw", []*events.Log{{Channel: channelVMMS, Err: &events.ChannelError{Code: 5}}, full("System")}, nil, func(r *eventsRun) { r.flags.raw, r.flags.vm = true, "web-01" }, "no migration of web-01" + last + " Not all of the logs reach back that far, or could be read: without --raw it is told which."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := runOf(&loggedHost{name: "hv01", report: &events.Report{Logs: tt.logs}})
			if tt.change != nil {
				tt.change(r)
			}
			if got := r.counted(tt.incidents); got != tt.want {
				t.Errorf("counted = %q, want %q", got, tt.want)
			}
		})
	}
}

// logOf returns a log that was read in full and reaches back far enough.
func logOf(channel string, read int) *events.Log {
	return &events.Log{Channel: channel, Read: read, Oldest: noon.Add(-2 * day), OldestRecord: 1}
}

// TestEventsState: what is said of a log, and of a clock.
func TestEventsState(t *testing.T) {
	t.Parallel()
	r := runOf(&loggedHost{name: "hv01", report: &events.Report{}})
	for want, l := range map[string]*events.Log{
		"empty: it tells nothing":                               {Empty: true},
		"not on this host":                                      {Optional: true, Err: errors.New("x")},
		"not asked for: the reading ended before":               {Err: fmt.Errorf("%w: %w", events.ErrNotAsked, wsman.ErrConnectionLost)},
		"not read: this user may not read it (error 5)":         {Err: &events.ChannelError{Channel: "System", Code: 5}},
		"7 events read; how far back it reaches is not known":   {Read: 7},
		"1 event read; reaches back to 2026-03-02 12:00:00 UTC": logOf("System", 1),
		"2 events read; how far back it reaches is not known; only in part: this user may not read it (error 5)": {Read: 2, Partial: &events.ChannelError{Channel: "System", Code: 5}},
	} {
		if got := r.state(r.hosts[0], l); got != want {
			t.Errorf("state = %q, want %q", got, want)
		}
	}
	if got := (&partialError{"System", &events.ChannelError{Channel: "System", Code: 5}}).Error(); strings.Count(got, "System") != 1 {
		t.Errorf("the channel is named more than once: %q", got)
	}
	for ahead, want := range map[time.Duration]string{
		leastClockError: "\n  Its clock is 2m0s ahead of ours.\n", -leastClockError: "\n  Its clock is 2m0s behind ours.\n", leastClockError - time.Second: "", 0: "",
	} {
		r.hosts[0].report.Clock = ahead
		if got := printedBy(t, r, nil); !strings.HasSuffix(got, want) || strings.Contains(got, "clock is") != (want != "") {
			t.Errorf("of a clock %v ahead: %q", ahead, got)
		}
	}
}

// TestEventsUndecodable: a channel that answers with what cannot be read is not a channel that refuses.
func TestEventsUndecodable(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		&events.ChannelError{Channel: "System", Err: &events.DecodeError{Err: errors.New("x")}}: exitUndecodable,
		&events.ChannelError{Channel: "System", Err: &wsman.ProtocolError{Msg: "x"}}:            exitUndecodable,
		&events.ChannelError{Channel: "System", Code: 15022}:                                    exitFault,
		&events.ChannelError{Channel: "System", Code: 5}:                                        exitDenied,
		fmt.Errorf("%w: %w", events.ErrNotAsked, context.Canceled):                              exitInterrupted,
	} {
		if got := exitCode(err); got != want {
			t.Errorf("exitCode(%v) = %d, want %d", err, got, want)
		}
	}
}

// TestEventsOneMachine: with --vm and both hosts, what one tells of the machine without the name that was asked for is not lost.
func TestEventsOneMachine(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	destination, err := wsmantest.DecodeModel(strings.NewReader(`{"host": "HV02", "start": "` + time.Now().UTC().Format(time.RFC3339) + `",
		"eventLogs": [{"channel": "` + channelVMMS + `", "events": [
			{"id": 13003, "at": "-48h", "fields": [{"value": "old-01"}], "message": "The virtual machine 'old-01' is no more."},
			{"id": 20100, "at": "-1791s", "level": 2, "fields": [{"value": "` + webGUID + `"}, {"value": "D:\\VMs"}, {"value": "%%2147942403"}, {"value": "0x80070003"}],
			 "message": "Machine '` + webGUID + `' has no folder. (0x80070003)"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	models := []*wsmantest.Model{logModel(t, "]}"), destination}
	hosts := newFleet(t, 2, func(i int, cfg *wsmantest.Config) { cfg.Model = models[i] })
	for vm, want := range map[string]string{
		"web-01": "2 hosts: 1 of 1 migration of web-01 failed,", strings.ToLower(webGUID): "2 hosts: 1 of 1 migration of ", "other-01": "2 hosts: no migration of other-01 ",
	} {
		got := invokeRun(t.Context(), nil, append([]string{"events", "--vm", vm}, hosts.args...)...)
		if got.code != exitOK || !strings.HasPrefix(got.stdout, want) || strings.Contains(got.stdout, "ERROR_PATH_NOT_FOUND") == (vm == "other-01") {
			t.Errorf("of %s: exit %d, %s%s", vm, got.code, got.stdout, got.stderr)
		}
	}
}

// TestEventsTook: how long a migration took is told only where its beginning is.
func TestEventsTook(t *testing.T) {
	t.Parallel()
	incident := moveOf()
	r := runOf(&loggedHost{name: "hv01", report: &events.Report{}})
	if got := printedBy(t, r, []*events.Incident{incident}); !strings.Contains(got, "  ended 8m1s ago, took 2m0s, told by hv01, the source\n") {
		t.Errorf("of one that began:\n%s", got)
	}
	late := moveOf()
	late.Events, late.Headline, late.Causes = late.Events[1:], 2, []int{1}
	if got := printedBy(t, r, []*events.Incident{late}); !strings.Contains(got, "  ended 8m1s ago, told by hv01, the source\n") {
		t.Errorf("of one whose beginning is not known:\n%s", got)
	}
}
