// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

func TestLookBack(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"24h": day, "90m": 90 * time.Minute, "7d": 7 * day, "2d12h": 60 * time.Hour, "3650d": maxLookBack, "1s": time.Second, "0d5m": 5 * time.Minute,
		"": 0, "d": 0, "0": 0, "0s": 0, "0d": 0, "-1h": 0, "-1d": 0, "1d-1h": 0, "3651d": 0, "3650d1s": 0, "87601h": 0, "99999999999d": 0,
		"1w": 0, "7": 0, "1.5d": 0, "1d1d": 0, "12hd": 0, " 1d": 0, "\x1b": 0, "1e9h": 0,
	} {
		var l lookBack
		err := l.Set(text)
		if (err == nil) != (want > 0) || l.d != want || err == nil && l.String() != text {
			t.Errorf("Set(%q) = %v, %+v; want %v", text, err, l, want)
		}
	}
}

// TestEventsUsage holds what is wrong with a command line: exit 2, before anything is sent.
func TestEventsUsage(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct{ env, args, stderr string }{
		{"", "", "HOST is missing; see hvmigerr events -h"},
		{"", "--since soon hv01", `--since: invalid value "soon", want a time such as 90m, 24h or 7d, at most 3650d; see hvmigerr events -h`},
		{"", "--since -1h hv01", `--since: invalid value "-1h"`},
		{"SINCE=4000d", "hv01", `HVMIGERR_SINCE: invalid value "4000d" for --since, want a time such as`},
		{"", "--via psexec hv01", `--via: invalid value "psexec", want servermanager or shell; see`},
		{"VIA=x", "hv01", `HVMIGERR_VIA: invalid value "x" for --via, want servermanager or shell`},
		{"", "--level grave hv01", `--level "grave" is none of critical, error, warning, information, verbose, 1 to 5`},
		{"", "--level 0 hv01", `--level "0" is none of`},
		{"", "--level error,6 hv01", `--level "6" is none of`},
		{"", "--channel= hv01", `--channel "": the name is empty`},
		{"", "--channel x%y hv01", `--channel "x%y": `},
		{"", "--vm= hv01", "--vm is empty"},
		{"", "-o yaml -u x hv01", `--output "yaml"`},
		{"", "--job x hv01", "unknown flag: --job"},
	} {
		t.Run(tt.env+" "+tt.args, func(t *testing.T) {
			if name, value, ok := strings.Cut(tt.env, "="); ok {
				t.Setenv(envPrefix+name, value)
			}
			got := invokeRun(t.Context(), strings.NewReader(""), append([]string{"events"}, strings.Fields(tt.args)...)...)
			if got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, tt.stderr) || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("run = %+v, want exit %d and %q", got, exitUsage, tt.stderr)
			}
		})
	}
}

// TestEventsRoom: hosts that are read at the same time share the room for events.
func TestEventsRoom(t *testing.T) {
	t.Parallel()
	for hosts, want := range map[int]int{0: 32 << 20, 1: 32 << 20, 2: 32 << 20, 4: 16 << 20, 64: 1 << 20, 5000: 1 << 20} {
		if got := roomOf(hosts); got != want {
			t.Errorf("roomOf(%d) = %d, want %d", hosts, got, want)
		}
	}
}

func TestEventsQuery(t *testing.T) {
	t.Parallel()
	f := &eventsFlags{levels: []string{"Warning", "2", "error", "1"}, channels: []string{"System", channelVMMS, "System", "Hyper-V-VMMS-Admin", "FailoverClustering/Diagnostic", "Hyper-V-Own"}, vm: "web-01", raw: true}
	got, err := f.query(newApp(nil, nil, nil).eventsCommand())
	want := &events.Query{Levels: []uint8{1, 2, 3}, Channels: []string{"System", channelVMMS, vendorPrefix + "FailoverClustering/Diagnostic", "Hyper-V-Own"}, VM: "web-01", KeepRaw: true}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("query: %v (-want +got)\n%s", err, diff)
	}
}

const webMove = `{"id": 20413, "at": "-30m", "fields": [{"value": "web-01"}, {"value": "HV02"}], "message": "The migration of 'web-01' to 'HV02' begins."},
	{"id": 20306, "at": "-1792s", "level": 2, "fields": [{"value": "HV02"}], "message": "No connection to 'HV02': refused. (0x8007274D)"},
	{"id": 21024, "at": "-1790s", "level": 2, "fields": [{"value": "web-01"}, {"value": "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11"}, {"value": "HV01"}],
	 "message": "The migration of 'web-01' failed at its source 'HV01'. (ID 7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11)"}`

// logModel returns the model of a host on which a move of web-01 has failed; more are further members of it.
func logModel(t *testing.T, more string) *wsmantest.Model {
	t.Helper()
	m, err := wsmantest.DecodeModel(strings.NewReader(`{"host": "HV01", "start": "` + time.Now().UTC().Format(time.RFC3339) + `",
		"eventLogs": [{"channel": "` + channelVMMS + `", "events": [
			{"id": 13003, "at": "-48h", "fields": [{"value": "old-01"}], "message": "The virtual machine 'old-01' is no more."}, ` + webMove + `]}
			` + more))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestEventsRoutes: both routes tell the same of a migration, in text and, but for what one alone has, in JSON.
func TestEventsRoutes(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{HTTP: true, Model: logModel(t, "]}")})
	read := func(via string) string {
		got := invokeRun(t.Context(), strings.NewReader(""), "events", "--via", via, "-u", administrator, h.URL())
		if got.code != exitOK || got.stderr != "" {
			t.Fatalf("run = %+v", got)
		}
		return regexp.MustCompile(`ended \S+ ago|, since .*:|reaches back to .*`).ReplaceAllString(strings.Replace(got.stdout, "(by "+via+")", "", 1), "")
	}
	managed, shell := read("servermanager"), read("shell")
	if diff := cmp.Diff(managed, shell); diff != "" || !strings.Contains(managed, "web-01: failed, from HV01 to HV02\n") || !strings.Contains(managed, "WSAECONNREFUSED") {
		t.Errorf("by servermanager\n%s\nby shell (-servermanager +shell)\n%s", managed, diff)
	}
}

// TestEventsExit holds what becomes of a host that does not tell, or not all: its exit code, what is printed all the same, and the hint.
func TestEventsExit(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	const told = "web-01: failed, from HV01 to HV02\n"
	slow := wsmantest.Rule{Operation: "GetServerEventDetailEx", After: 3, Delay: wsmantest.Duration(time.Hour)}
	cut := 40
	for _, tt := range []struct {
		name, more, args       string
		rules                  []wsmantest.Rule
		want                   int
		stdout, stderr, hinted string
	}{
		{"whole", "]}", "", nil, exitOK, told, "", ""},
		{"denied", `, {"channel": "System", "code": 5}]}`, "", nil, exitDenied, told, "channel System: this user may not read it (error 5)", "Event Log Readers"},
		{"denied by shell", `, {"channel": "System", "code": 5}]}`, "--via shell", nil, exitDenied, told, "channel System: this user may not read it (error 5)", "Event Log Readers"},
		{"analytic", `, {"channel": "System", "code": 15022}]}`, "", nil, exitFault, told, "channel System: it is an analytic channel", ""},
		{"absent by default", `, {"channel": "Microsoft-Windows-FailoverClustering/Operational", "code": 15007}]}`, "", nil, exitOK, "FailoverClustering/Operational: not on this host", "", ""},
		{"absent by name", `]}`, "--channel Nothing", nil, exitFault, "", "channel Nothing: the host has no such channel (error 15007)", "wevtutil el"},
		{"absent by name and shell", `]}`, "--via shell --channel Nothing", nil, exitFault, "", "channel Nothing: the host has no such channel (error 15007)", "wevtutil el"},
		{"no class", `], "eventService": {"missing": true}}`, "", nil, exitFault, "", "MSFT_ServerManagerTasks", "--via shell"},
		{"no namespace", `], "eventService": {"noNamespace": true}}`, "", nil, exitFault, "", "MSFT_ServerManagerTasks", "--via shell"},
		{"streaming", `], "eventService": {"streaming": true}}`, "", nil, exitOK, told, "", ""},
		{"no shells", `], "shell": {"disabled": true}}`, "--via shell", nil, exitFault, "", "remote shell cmd: the host is configured to accept no remote shells", "leave out --via shell"},
		{"quota of shells", `]}`, "--via shell", rule("Create", wsmantest.Rule{Fault: wsmantest.FaultQuotaLimit}), exitQuota, "", "quota", "leave out --via shell"},
		{"shell denied", `]}`, "--via shell", rule("Create", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied}), exitDenied, "", "AccessDenied", "leave out --via shell"},
		{"method denied", `]}`, "", rule("GetServerEventDetailEx", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied}), exitDenied, "", "AccessDenied", "Event Log Readers"},
		{"fault while reading", `]}`, "", rule("GetServerEventDetailEx", wsmantest.Rule{Fault: wsmantest.FaultInternalError, After: 2}), exitFault, told, "InternalError", ""},
		{"lost while reading", `]}`, "", rule("GetServerEventDetailEx", wsmantest.Rule{Cut: &cut, After: 2}), exitUnreachable, told, "connection lost", ""},
		{"too slow", `]}`, "--timeout 2s", []wsmantest.Rule{slow}, exitDeadline, told, "not done within --timeout 2s", "--timeout"},
		{"deadline", `]}`, "--deadline 2s", []wsmantest.Rule{slow}, exitDeadline, told, "not done within --deadline 2s", "--deadline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, wsmantest.Config{HTTP: true, Model: logModel(t, tt.more), Rules: tt.rules})
			args := append([]string{"events", "-u", administrator, h.URL()}, strings.Fields(tt.args)...)
			got := invokeRun(t.Context(), strings.NewReader(""), args...)
			if got.code != tt.want || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) || (got.stderr == "") != (tt.want == exitOK) {
				t.Errorf("exit %d, want %d with %q and %q\n%s%s", got.code, tt.want, tt.stdout, tt.stderr, got.stdout, got.stderr)
			}
			_, hint, _ := strings.Cut(got.stderr, "hint: ")
			if !strings.Contains(hint, tt.hinted) {
				t.Errorf("stderr %s\nwant a hint with %q", got.stderr, tt.hinted)
			}
			checkStderr(t, got.stderr)
			if tt.want != exitOK && !strings.Contains(tt.args, "2s") {
				checkError(t, invokeRun(t.Context(), strings.NewReader(""), append(args, "-o", "json")...).stdout, tt.want)
			}
		})
	}
}

// TestEventsInterrupted: what came before Ctrl-C is printed, by both routes, and a shell is deleted all the same.
func TestEventsInterrupted(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	for via, line := range map[string]string{"servermanager": "GetServerEventDetailEx", "shell": "Command"} {
		t.Run(via, func(t *testing.T) {
			h := newHost(t, wsmantest.Config{HTTP: true, Model: logModel(t, "]}")})
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var stdout, stderr strings.Builder
			told := writerFunc(func(p []byte) (int, error) {
				if stderr.Write(p); strings.Count(stderr.String(), "hvmigerr: "+line) == 3 { // -v tells of each exchange
					cancel(errInterrupted)
				}
				return len(p), nil
			})
			code := run(ctx, []string{"events", "-v", "--via", via, "-u", administrator, h.URL()}, strings.NewReader(""), &stdout, told)
			if code != exitInterrupted || !strings.Contains(stdout.String(), "web-01: failed") {
				t.Errorf("exit %d, want %d and what came\n%s%s", code, exitInterrupted, &stdout, &stderr)
			}
			if deleted := strings.Contains(stderr.String(), "hvmigerr: Delete cmd: 200"); deleted != (via == "shell") {
				t.Errorf("deleted: %v\n%s", deleted, &stderr)
			}
		})
	}
}

// TestEventsMany: hosts that tell, one that does not, and one that was not asked any more; a password that hosts refuse is not tried on.
func TestEventsMany(t *testing.T) {
	hosts := newFleet(t, 3, func(_ int, cfg *wsmantest.Config) { cfg.Model = logModel(t, "]}") })
	got := invokeRun(t.Context(), nil, append([]string{"events", "--no-explain", "http://127.0.0.1:1"}, hosts.args...)...)
	if got.code != exitPartly || !strings.HasPrefix(got.stderr, "hvmigerr: 127.0.0.1:1: ") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("run = %d, %s; want exit %d", got.code, got.stderr, exitPartly)
	}
	for _, want := range []string{
		"4 hosts: ", "The logs of " + hosts.labels[2] + " (by servermanager), since ", "all reach back that far or are empty.\n",
		"\n\n4 hosts: 3 answered (3 with failed migrations, 0 without), 1 did not.\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("stdout lacks %q:\n%s", want, got.stdout)
		}
	}
	short := invokeRun(t.Context(), nil, append([]string{"events", "-o", "jsonl", "--deadline", "1ns"}, hosts.args...)...)
	if short.code != exitDeadline || strings.Count(short.stdout, `"exit":124,"error":{"kind":"deadline"`) != 3 || strings.Count(short.stdout, `"logs":null`) != 3 {
		t.Errorf("run = %+v", short)
	}
}

// TestEventsKept: what all hosts tell is kept in so much memory, the newest of each.
func TestEventsKept(t *testing.T) {
	t.Parallel()
	first, second := moveOf(), moveOf()
	h := &loggedHost{name: "hv01", report: &events.Report{Incidents: []*events.Incident{first, second}}}
	r := runOf(h)
	r.plan.hosts = []*plannedHost{{target: &target{name: "hv01", url: "http://hv01:5985/wsman"}}}
	r.room = incidentSize(first) + incidentSize(second) - 1
	r.keep(0, h)
	if len(h.report.Incidents) != 1 || h.report.Incidents[0] != first || h.dropped != 1 {
		t.Errorf("keep: %d incidents, %d dropped; want one each", len(h.report.Incidents), h.dropped)
	}
	if n := incidentSize(first); n < len(first.Events[0].Message())+4*len(first.Events[0].Raw) || r.room != incidentSize(second)-1 {
		t.Errorf("an incident is counted as %d bytes, %d left", n, r.room)
	}
}

// TestEventsRaw: the XML as it came, but on a terminal safe.
func TestEventsRaw(t *testing.T) {
	t.Parallel()
	incident := moveOf()
	incident.Events = incident.Events[:2]
	incident.Events[1].Raw = []byte("<Event>\x1b[2J</Event>")
	r := runOf(&loggedHost{name: "hv01", report: &events.Report{Logs: logsOf()[:1]}})
	r.flags.raw, r.flags.vm, r.flags.via = true, "web-01", routeName(events.RouteShell)
	var stderr strings.Builder
	r.app = newApp(nil, nil, &stderr)
	if got := printedBy(t, r, []*events.Incident{incident}); got != "<Event id='20413'/>\n<Event>\x1b[2J</Event>\n" {
		t.Errorf("print = %q", got)
	}
	if got := stderr.String(); got != "hvmigerr: by shell: read in the last 24h. The logs reach back that far.\n" {
		t.Errorf("stderr %q", got)
	}
	r.app.terminal = true
	if got := printedBy(t, r, []*events.Incident{incident}); got != "<Event id='20413'/>\n<Event>\\u{1B}[2J</Event>\n" {
		t.Errorf("on a terminal: print = %q", got)
	}
	stderr.Reset()
	if got := printedBy(t, r, nil); got != "" || stderr.String() != "hvmigerr: by shell: no migration of web-01 in the last 24h. The logs reach back that far.\n" {
		t.Errorf("of nothing: print = %q, %q", got, &stderr)
	}
}

// TestEventsExplained: what was said of one migration is not said again of another, and much is cut short.
func TestEventsExplained(t *testing.T) {
	t.Parallel()
	var list []*events.Incident
	for i := range maxTold + 3 {
		incident := moveOf()
		for range 30 {
			incident.Events = append(incident.Events, logged(20306, 2, -8*time.Minute, "more"))
		}
		incident.VM = fmt.Sprint("vm-", i)
		list = append(list, incident)
	}
	got := printedBy(t, runOf(&loggedHost{name: "hv01", report: &events.Report{}}), list)
	for want, n := range map[string]int{
		"What this means (by hvmigerr": 1, "What this means: as above, for vm-0, 2026-03-04 11:52:00 UTC.": maxTold - 1,
		"  Why:": maxTold, "vm-22: failed": 1, "(22 more; -o json has them)": maxTold,
		"Only the newest 20 are shown in full: --vm NAME shows another, -o json all.": 1,
	} {
		if strings.Count(got, want) != n {
			t.Errorf("%d times %q, want %d:\n%s", strings.Count(got, want), want, n, beginning(got, 9000))
		}
	}
}

// TestEventsJSON holds every key of events in JSON, and their order. A change there breaks a promise.
func TestEventsJSON(t *testing.T) {
	t.Parallel()
	incident := moveOf()
	logs := logsOf()
	h := &loggedHost{name: "hv01", url: "http://hv01:5985/wsman", report: &events.Report{Logs: logs, Incidents: []*events.Incident{incident}}}
	r := runOf(h, &loggedHost{})
	h.err = logs[4].Err
	r.flags.raw, r.flags.connection.output = true, outputJSON
	golden(t, filepath.Join("testdata", "json", "events.golden.json"), append(r.hostJSON(h, h.report.Incidents), '\n'))
	r.flags.raw, r.flags.noExplain, r.flags.connection.output = false, true, outputJSONL
	incident.Events, incident.Headline, incident.Causes = nil, -1, nil
	failed := &loggedHost{name: "hv02", url: "http://hv02:5985/wsman", err: &hostError{"hv02", wsman.ErrConnectionLost}}
	golden(t, filepath.Join("testdata", "json", "events_lines.golden.json"), append(r.hostJSON(h, h.report.Incidents), r.hostJSON(failed, nil)...))
}

// eventCases are the errors of the event log and of the ways to it.
func eventCases() []adviceCase {
	channel := func(code uint32) func(*testing.T) error {
		return is(errors.Join(errors.New("x"), &events.ChannelError{Channel: "System", Code: code}))
	}
	at := func(more, args string, rules ...wsmantest.Rule) func(*testing.T) error {
		return func(t *testing.T) error {
			t.Helper()
			h := newHost(t, wsmantest.Config{HTTP: true, Model: logModel(t, more), Rules: rules})
			return got("events -u administrator " + args + " " + h.URL())(t)
		}
	}
	return []adviceCase{
		{"log-denied", []string{"Event Log Readers", "next logon"}, at(`, {"channel": "System", "code": 5}]}`, "")},
		{"no-log", []string{"wevtutil el"}, at("]}", "--channel Nothing")},
		{"no-log", []string{"wevtutil el"}, channel(15000)},
		{"log-service", []string{"Get-Service EventLog"}, channel(1722)},
		{"no-wevtutil", []string{"leave out --via shell"}, channel(9009)},
		{"log-torn", []string{"--via"}, is(&partialError{"System", events.ErrTruncated})},
		{"no-servermanager", []string{"--via shell", "administrator"}, at(`], "eventService": {"missing": true}}`, "")},
		{"servermanager-denied", []string{"Event Log Readers", "Remote Management Users"}, at("]}", "", rule("GetServerEventDetailEx", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied})...)},
		{"shells-disabled", []string{"leave out --via shell"}, at(`], "shell": {"disabled": true}}`, "--via shell")},
		{"shell-quota", []string{"leave out --via shell"}, is(&wsman.OpError{Op: "remote shell", Err: fmt.Errorf("x: %w", winrm.ErrShellQuota)})},
		{"shell-denied", []string{"administrators alone"}, at("]}", "--via shell", rule("Create", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied})...)},
	}
}

// TestEventsNoHyperV: a host without the log that every Hyper-V has is none.
func TestEventsNoHyperV(t *testing.T) {
	t.Parallel()
	r := runOf(&loggedHost{name: "hv01"})
	absent := &events.ChannelError{Channel: channelVMMS, Code: 15007}
	report := &events.Report{Logs: []*events.Log{{Channel: channelVMMS, Err: absent}, {Channel: "x", Err: absent, Optional: true}, {Channel: "System"}}}
	if err := r.unread(report); !errors.Is(err, invoke.ErrNoHyperV) || exitCode(err) != exitFault {
		t.Errorf("unread = %v", err)
	}
	r.query.Channels = []string{channelVMMS}
	if err := r.unread(report); errors.Is(err, invoke.ErrNoHyperV) || exitCode(err) != exitFault {
		t.Errorf("by name: unread = %v", err)
	}
	for partial, want := range map[error]int{events.ErrCleared: exitOK, events.ErrLimit: exitOK, events.ErrTruncated: exitUndecodable, context.Canceled: exitInterrupted} {
		if err := r.unread(&events.Report{Logs: []*events.Log{{Channel: "System", Partial: partial}}}); exitCode(err) != want {
			t.Errorf("unread of %v = %v, exit %d; want %d", partial, err, exitCode(err), want)
		}
	}
}

// TestEventsShellPolicy: a policy is no lack of rights, whatever the fault is called.
func TestEventsShellPolicy(t *testing.T) {
	t.Parallel()
	denied := fmt.Errorf("%w: %w", winrm.ErrShellsDisabled, &wsman.Fault{Subcode: wsman.SubcodeAccessDenied})
	if got := exitCode(denied); got != exitFault {
		t.Errorf("exitCode(%v) = %d, want %d", denied, got, exitFault)
	}
	for err, want := range map[error]int{winrm.ErrShellQuota: exitQuota, events.ErrNoServerManager: exitFault} {
		if got := exitCode(err); got != want {
			t.Errorf("exitCode(%v) = %d, want %d", err, got, want)
		}
	}
}
