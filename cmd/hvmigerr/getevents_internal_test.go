// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// webVM is web-01 of the default model, whose move fails for want of credentials.
const webVM = "5F1C2A9E-3B77-4D0A-9C55-0E6B8A1D4F21"

// getEvents asks a host of the default model, changed, for what get --events tells of web-01.
func getEvents(t *testing.T, change func(*wsmantest.Config), flags ...string) result {
	t.Helper()
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	cfg := wsmantest.Config{HTTP: true, Model: wsmantest.DefaultModel(time.Now())}
	if change != nil {
		change(&cfg)
	}
	h := newHost(t, cfg)
	return invokeRun(t.Context(), nil, append([]string{"get", "--events", "-u", administrator, "--vm", "web-01", h.URL()}, flags...)...)
}

// logOnly makes the log tell of web-01 what this function returns, and no more.
func logOnly(list ...wsmantest.LogEvent) func(*wsmantest.Config) {
	return func(cfg *wsmantest.Config) {
		cfg.Model.EventLogs = []wsmantest.EventLog{{Channel: "Microsoft-Windows-Hyper-V-VMMS-Admin", Events: list}}
	}
}

// failedEvent is the event that web-01 failed at its source, as the job says it.
func failedEvent() wsmantest.LogEvent {
	return wsmantest.LogEvent{
		ID: 21024, Level: 2, At: -wsmantest.Duration(92 * time.Second), Fields: []wsmantest.LogField{{Value: "web-01"}, {Value: webVM}, {Value: "HV01"}},
		Message: "The migration of virtual machine 'web-01' failed at the source 'HV01'. (ID " + webVM + ")",
	}
}

// causeEvent tells of web-01 what the job does not.
func causeEvent() wsmantest.LogEvent {
	return wsmantest.LogEvent{
		ID: 20100, Level: 2, At: -wsmantest.Duration(93 * time.Second), Fields: []wsmantest.LogField{{Value: webVM}, {Value: `D:\VMs`}, {Value: "%%2147942403"}, {Value: "0x80070003"}},
		Message: "Machine '" + webVM + "' has no folder at HV02.\r\nWhat it had is gone. (0x80070003)",
	}
}

// TestGetEvents: what the log adds, that it adds nothing, and that it could not be read. What the job says stands there always.
func TestGetEvents(t *testing.T) {
	const job = "  1. The migration of virtual machine 'web-01' failed at the source 'HV01'."
	for _, tt := range []struct {
		name   string
		change func(*wsmantest.Config)
		flags  []string
		want   []string
		stderr []string
	}{
		{"more", logOnly(causeEvent(), failedEvent()), nil, []string{
			"\n  In the host's event log:\n\n  4. Machine '" + webVM + "' has no folder at HV02.\n     | What it had is gone. (0x80070003)\n     event 20100 of Microsoft-Windows-Hyper-V-VMMS, 2",
			", record 1\n     from event\n", "ERROR_PATH_NOT_FOUND",
		}, nil},
		{"more, through a shell", logOnly(causeEvent(), failedEvent()), []string{"--via", "shell"}, []string{"  4. Machine '" + webVM + "' has no folder", ", record 1\n     from event\n"}, nil},
		{"no explanation", logOnly(causeEvent(), failedEvent()), []string{"--no-explain"}, []string{"  4. Machine '" + webVM}, nil},
		{"the same", logOnly(failedEvent()), nil, []string{"  The host's event log says the same, and no more.\n"}, nil},
		{"of another machine", logOnly(wsmantest.LogEvent{
			ID: 21024, Level: 2, At: -wsmantest.Duration(92 * time.Second), Message: "The migration of virtual machine 'other' failed at the source 'HV01'. (ID 0E9B4B0C-64C2-4B0D-8F5C-7B1C0B1F9E11)",
		}), nil, []string{"was read: it does not tell of this migration; Microsoft-Windows-Hyper-V-VMMS-Admin begins at "}, nil},
		{"long before", logOnly(func() wsmantest.LogEvent {
			e := failedEvent()
			e.At = -wsmantest.Duration(40 * time.Minute)
			return e
		}()), nil, []string{"was read: it does not tell of this migration.\n"}, nil},
		{"empty", logOnly(), nil, []string{"was read: it does not tell of this migration; Microsoft-Windows-Hyper-V-VMMS-Admin is empty, so that this means nothing.\n"}, nil},
		{"no class", func(cfg *wsmantest.Config) { cfg.Model.EventService.Missing = true }, nil, []string{"  The host's event log could not be read, or not in full: the host cannot give events"}, []string{"hvmigerr: the event log was not read, or not in full: ", "hvmigerr: hint: --via shell"}},
		{"not allowed", func(cfg *wsmantest.Config) {
			for i := range cfg.Model.EventLogs {
				cfg.Model.EventLogs[i].Code = 5
			}
		}, nil, []string{"could not be read, or not in full: "}, []string{"hint: is the user in Event Log Readers"}},
		{"hostile", logOnly(func() wsmantest.LogEvent {
			e := causeEvent()
			e.Message = "\x1b[31m" + webVM + "\u202e\r\n  5. ours (0x80070003)"
			return e
		}(), failedEvent()), []string{"--via", "shell"}, []string{"\n     | "}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := getEvents(t, tt.change, tt.flags...)
			if got.code != exitOK {
				t.Errorf("exit %d\n%s", got.code, got.stderr)
			}
			for _, want := range append(tt.want, job) {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("%q is not in\n%s", want, got.stdout)
				}
			}
			for _, want := range tt.stderr {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("%q is not in\n%s", want, got.stderr)
				}
			}
			if len(tt.stderr) == 0 && got.stderr != "" {
				t.Errorf("stderr %q", got.stderr)
			}
			if strings.Contains(got.stdout, "\x1b") || strings.Contains(got.stdout, "\n  5. ours") {
				t.Errorf("not made safe:\n%q", got.stdout)
			}
		})
	}
}

// TestGetEventsJSON: events stand among the errors, each with what tells which one it is.
func TestGetEventsJSON(t *testing.T) {
	type jobJSON struct {
		EventLog *struct {
			Route  string
			Since  *time.Time
			Found  bool
			Reason *string
			Error  *errorReport
		}
		Errors []struct {
			Source string
			Also   []string
			Index  int
			Text   *string
			Event  *struct {
				EventID       int
				Provider      string
				Channel       string
				EventRecordID int
				TimeCreated   *time.Time
			}
		}
	}
	read := func(t *testing.T, got result) jobJSON {
		t.Helper()
		var answer struct {
			Hosts []struct{ Jobs []jobJSON }
		}
		if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil || got.code != exitOK {
			t.Fatalf("exit %d: %v\n%s%s", got.code, err, got.stdout, got.stderr)
		}
		return answer.Hosts[0].Jobs[0]
	}
	j := read(t, getEvents(t, logOnly(causeEvent(), failedEvent()), "-o", "json"))
	last := j.Errors[len(j.Errors)-1]
	switch l, e := j.EventLog, last.Event; {
	case l == nil || l.Route != "servermanager" || l.Since == nil || !l.Found || l.Reason != nil || l.Error != nil:
		t.Errorf("eventLog %+v", l)
	case last.Source != "event" || last.Text == nil || *last.Text != strings.ReplaceAll(causeEvent().Message, "\r\n", "\n"):
		t.Errorf("last error %+v", last)
	case e == nil || e.EventID != 20100 || e.Provider != "Microsoft-Windows-Hyper-V-VMMS" || e.Channel != "Microsoft-Windows-Hyper-V-VMMS-Admin" || e.EventRecordID != 1 || e.TimeCreated == nil:
		t.Errorf("event %+v", e)
	case j.Errors[0].Event != nil:
		t.Errorf("the first error is of %+v", j.Errors[0].Event)
	}
	j = read(t, getEvents(t, func(cfg *wsmantest.Config) { cfg.Model.EventService.Missing = true }, "-o", "json"))
	if l := j.EventLog; l == nil || l.Found || l.Error == nil || len(j.Errors) != 3 {
		t.Errorf("without the class: eventLog %+v, %d errors", l, len(j.Errors))
	}
}

// TestGetEventsRefuses: what --events does not go with.
func TestGetEventsRefuses(t *testing.T) {
	clearEnvironment(t)
	for _, flags := range []string{"--events --raw", "--events --method GetError", "--events --both-ends", "--events --journal x", "--via shell", "--events --via post"} {
		got := invokeRun(t.Context(), nil, append(append([]string{"get"}, strings.Fields(flags)...), "127.0.0.1:1")...)
		if got.code != exitUsage {
			t.Errorf("%s: exit %d, %s", flags, got.code, got.stderr)
		}
	}
}

// TestEventsHint: one line, which can be typed and holds no secret; none where a failure was shown.
func TestEventsHint(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{HTTP: true, Model: wsmantest.DefaultModel(time.Now())})
	file := writeFile(t, password)
	const hint = "hvmigerr: hint: "
	for _, tt := range []struct {
		name string
		args []string
		want string // how the command goes on; "" is no hint
	}{
		{"nothing failed", []string{"--vm", "dc-02", h.URL()}, "events --vm dc-02 -u administrator " + h.URL()},
		{"no such job", []string{"--job", "X", h.URL()}, "events -u administrator " + h.URL()},
		{"no such machine", []string{"--vm", "it's gone", h.URL()}, `events --vm 'it'\''s gone' -u administrator ` + h.URL()},
		{"as JSON", []string{"--vm", "dc-02", "-o", "json", h.URL()}, "events --vm dc-02 -u administrator " + h.URL()},
		{"flags that lead to the host", []string{"--vm", "dc-02", "--auth", "ntlm", "--http", "--password-file", file, "--timeout", "20s", "-v", h.URL()}, "events --vm dc-02 -u administrator --password-file " + file + " --auth ntlm --http --timeout 20s " + h.URL()},
		{"a command for the password", []string{"--vm", "dc-02", "--password-command", "echo " + password, h.URL()}, "events --vm dc-02 -u administrator --password-command <COMMAND> " + h.URL()},
		{"a failure", []string{"--vm", "web-01", h.URL()}, ""},
		{"a job that completed", []string{"--job", "94B8E1C2-5A0D-4763-8E9F-D70C25A6B3F4", h.URL()}, ""},
		{"not reached", []string{"http://127.0.0.1:1"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := invokeRun(t.Context(), nil, append([]string{"get", "-u", administrator}, tt.args...)...)
			var hints []string
			for line := range strings.Lines(got.stderr) {
				if strings.HasPrefix(line, hint) && strings.Contains(line, "hvmigerr events") {
					hints = append(hints, line)
				}
			}
			switch {
			case tt.want == "" && len(hints) > 0, tt.want != "" && len(hints) != 1:
				t.Errorf("exit %d, hints %q", got.code, hints)
			case tt.want != "" && !strings.HasSuffix(hints[0], ": hvmigerr "+tt.want+"\n"):
				t.Errorf("hint %q, want %q", hints[0], tt.want)
			case strings.Contains(got.stderr+got.stdout, password):
				t.Errorf("it tells the password:\n%s", got.stderr)
			}
		})
	}
}

// TestEventsHintOfMany: one hint for all, and of many arguments only that there are some.
func TestEventsHintOfMany(t *testing.T) {
	hosts := newFleet(t, 5, nil)
	got := invokeRun(t.Context(), nil, append([]string{"get", "--vm", "nobody"}, hosts.args...)...)
	if want := "hvmigerr events --vm nobody HOST...\n"; strings.Count(got.stderr, "hint:") != 1 || !strings.HasSuffix(got.stderr, want) {
		t.Errorf("stderr %q, want one hint that ends in %q", got.stderr, want)
	}
	if got := invokeRun(t.Context(), nil, append([]string{"get"}, hosts.args...)...); got.stderr != "" {
		t.Errorf("with failures: %q", got.stderr)
	}
}
