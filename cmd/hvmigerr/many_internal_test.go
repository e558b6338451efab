// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A simulated is simulated hosts over http, the arguments that name them, and what results call them.
type simulated struct {
	*wsmantest.Fleet
	args, labels []string
}

// newFleet starts simulated hosts, and clears the environment for whoever asks them.
func newFleet(t *testing.T, n int, configure func(i int, cfg *wsmantest.Config)) *simulated {
	t.Helper()
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	t.Setenv(variable("user"), administrator)
	fleet := startFleet(t, wsmantest.FleetConfig{Hosts: n, Host: func(i int) wsmantest.Config {
		cfg := wsmantest.Config{HTTP: true}
		if configure != nil {
			configure(i, &cfg)
		}
		return cfg
	}})
	s := &simulated{Fleet: fleet}
	for i := range n {
		s.args = append(s.args, fleet.Host(i).URL())
		s.labels = append(s.labels, fleet.Host(i).Addr().String())
	}
	return s
}

// startFleet starts simulated hosts for the time of a test.
func startFleet(t *testing.T, cfg wsmantest.FleetConfig) *wsmantest.Fleet {
	t.Helper()
	fleet, err := wsmantest.NewFleet(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := fleet.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fleet.Close(); err != nil {
			t.Error(err)
		}
	})
	return fleet
}

// closedPort is an address that nobody listens at, and that no other test can get.
const closedPort = "127.0.0.1:1"

// ruled gives the hosts of these numbers a rule for an operation.
func ruled(operation string, rules map[int]wsmantest.Rule) func(int, *wsmantest.Config) {
	return func(i int, cfg *wsmantest.Config) {
		if r, ok := rules[i]; ok {
			cfg.Rules = rule(operation, r)
		}
	}
}

// An allHosts is the JSON of a command that asked many hosts.
type allHosts struct {
	Schema, Command string
	Hosts           []struct {
		Host, URL string
		Exit      int
		Error     *errorReport
		Jobs      []map[string]any
		Rungs     []map[string]any
		Identity  map[string]any
	}
	Summary *struct {
		Hosts, Answered, NotAnswered      int
		WithFailedJobs, WithoutFailedJobs *int
		Failures                          []failureReport
	}
}

func readAllHosts(t *testing.T, text string) *allHosts {
	t.Helper()
	all := new(allHosts)
	if err := json.Unmarshal([]byte(text), all); err != nil {
		t.Fatalf("JSON: %v\n%s", err, text)
	}
	if all.Summary == nil {
		t.Fatalf("no summary:\n%s", text)
	}
	return all
}

// TestManyMixed: hosts that fail in all kinds of ways beside good ones. Every good answer is there, in the order given, and every
// other host has its line and its place in the summary.
func TestManyMixed(t *testing.T) {
	const good = 20
	hosts := newFleet(t, good+4, ruled("Enumerate", map[int]wsmantest.Rule{
		0:        {Fault: wsmantest.FaultInternalError},
		5:        {Flood: 300 << 20},
		10:       {Fault: wsmantest.FaultAccessDenied},
		good + 3: {Reset: true},
	}))
	const closed = closedPort
	args := append([]string{"--no-explain"}, append(slices.Clone(hosts.args), closed)...)
	bad := map[string]string{
		hosts.labels[0]: "InternalError", hosts.labels[5]: "longer than", hosts.labels[10]: "AccessDenied",
		hosts.labels[good+3]: "connection lost", closed: "connection refused",
	}
	order := append(slices.Clone(hosts.labels), closed)

	t.Run("text", func(t *testing.T) {
		got := invokeRun(t.Context(), nil, append([]string{"get"}, args...)...)
		if got.code != exitPartly {
			t.Errorf("exit %d, want %d", got.code, exitPartly)
		}
		at := 0
		for _, label := range order {
			if why, failed := bad[label]; failed {
				if !strings.Contains(got.stderr, "hvmigerr: "+label+": ") || strings.Contains(got.stdout, "\n\n"+label+": ") {
					t.Errorf("%s has no line on stderr, or a block on stdout; want %q", label, why)
				}
				continue
			}
			next := strings.Index(got.stdout, label+": 1 of 3 migrations failed.\n")
			if next < at {
				t.Errorf("%s stands at %d, want it behind %d", label, next, at)
			}
			at = max(at, next)
		}
		if n := strings.Count(got.stderr, "\n"); n != len(bad) || strings.Contains(got.stderr, "hint") {
			t.Errorf("stderr has %d lines, want %d without a hint:\n%s", n, len(bad), got.stderr)
		}
		want := fmt.Sprintf("\n\n%d hosts: %d answered (%[2]d with failed migrations, 0 without), %d did not.\n", good+5, good, len(bad))
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no summary %q in\n%s", want, got.stdout[at:])
		}
	})
	t.Run("json", func(t *testing.T) {
		got := invokeRun(t.Context(), nil, append([]string{"get", "-o", "json"}, args...)...)
		all := readAllHosts(t, got.stdout)
		var labels []string
		for _, h := range all.Hosts {
			labels = append(labels, h.Host)
			why, failed := bad[h.Host]
			switch {
			case failed && (h.Error == nil || !strings.Contains(h.Error.Message, why) || h.Error.Exit != h.Exit || h.Jobs != nil):
				t.Errorf("%s: %+v, want %q and no jobs", h.Host, h.Error, why)
			case !failed && (h.Error != nil || h.Exit != exitOK || len(h.Jobs) != 1):
				t.Errorf("%s: exit %d, %d jobs, %+v; want its job", h.Host, h.Exit, len(h.Jobs), h.Error)
			}
		}
		if d := cmp.Diff(order, labels); d != "" || got.code != exitPartly {
			t.Errorf("exit %d; order (-want +got):\n%s", got.code, d)
		}
		s := all.Summary
		if s.Hosts != good+5 || s.Answered != good || s.NotAnswered != 5 || *s.WithFailedJobs != good || *s.WithoutFailedJobs != 0 || len(s.Failures) != 5 {
			t.Errorf("summary %+v", s)
		}
	})
	t.Run("jsonl", func(t *testing.T) {
		got := invokeRun(t.Context(), nil, append([]string{"get", "-o", "jsonl"}, args...)...)
		lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
		all := readAllHosts(t, lines[len(lines)-1])
		if len(lines) != good+6 || all.Command != "get" || all.Summary.Answered != good || got.code != exitPartly {
			t.Errorf("exit %d, %d lines, summary %+v", got.code, len(lines), all.Summary)
		}
	})
}

// A lineCounter tells when so many lines were written.
type lineCounter struct {
	text bytes.Buffer
	left int
	done chan struct{}
}

func (c *lineCounter) Write(p []byte) (int, error) {
	before := c.left
	c.left -= bytes.Count(p, []byte("\n"))
	if before > 0 && c.left <= 0 {
		close(c.done)
	}
	return c.text.Write(p)
}

// TestManyHang: hosts that hang and flood keep no other from being asked and told. The first host says nothing until all good ones
// have been told.
func TestManyHang(t *testing.T) {
	const good = 20
	hosts := newFleet(t, good+1, ruled("Enumerate", map[int]wsmantest.Rule{0: {Flood: 300 << 20}}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stdout := &lineCounter{left: good + 1, done: make(chan struct{})}
	go func() {
		<-stdout.done
		_ = l.Close() // whoever was not accepted is reset
	}()
	args := append([]string{"get", "-o", "jsonl", "--parallel", "2", "--timeout", "1h", "--connect-timeout", "2s", "http://" + l.Addr().String()}, hosts.args...)
	var stderr bytes.Buffer
	if code := run(ctx, args, nil, stdout, &stderr); code != exitPartly {
		t.Errorf("exit %d, want %d\n%s", code, exitPartly, &stderr)
	}
	lines := strings.Split(strings.TrimSuffix(stdout.text.String(), "\n"), "\n")
	all := readAllHosts(t, lines[len(lines)-1])
	if s := all.Summary; s.Answered != good || s.NotAnswered != 2 || !strings.Contains(lines[len(lines)-2], l.Addr().String()) {
		t.Errorf("summary %+v; the line before it is %s", s, lines[len(lines)-2])
	}
}

// TestManyAlike: all hosts end in the same way, and how they do is the exit code.
func TestManyAlike(t *testing.T) {
	for _, tt := range []struct {
		name    string
		rule    *wsmantest.Rule
		args    []string
		want    int
		summary string
	}{
		{"answered", nil, []string{"get"}, exitOK, "3 hosts: 3 answered (3 with failed migrations, 0 without).\n"},
		{"exit status", nil, []string{"get", "--exit-status"}, exitMigration, "3 hosts: 3 answered (3 with"},
		{"no such job", nil, []string{"get", "--job", "00000000-0000-0000-0000-000000000000"}, exitNoSuchJob, "3 hosts: 3 answered (0 with failed migrations, 3 without; 3 have no such job or machine).\n"},
		{"one has the machine", nil, []string{"get", "--vm", "web-0002"}, exitOK, "(1 with failed migrations, 2 without; 2 have no such job or machine).\n"},
		{"one has a failure", nil, []string{"get", "--vm", "web-0002", "--exit-status"}, exitMigration, "(1 with"},
		{"access denied", &wsmantest.Rule{Fault: wsmantest.FaultAccessDenied}, []string{"get"}, exitDenied, "  access denied (exit 12): "},
		{"jobs", nil, []string{"jobs"}, exitOK, "3 hosts: 3 answered (3 with"},
		{"running jobs", nil, []string{"jobs", "--running"}, exitOK, "3 hosts: 3 answered.\n"},
		{"identify", nil, []string{"identify"}, exitOK, "3 hosts: 3 answered.\n"},
		{"doctor", nil, []string{"doctor"}, exitOK, "3 hosts: nothing is in the way to 3, something to 0.\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hosts := newFleet(t, 3, func(_ int, cfg *wsmantest.Config) {
				if tt.rule != nil {
					cfg.Rules = rule("Enumerate", *tt.rule)
				}
			})
			got := invokeRun(t.Context(), nil, append(tt.args, hosts.args...)...)
			if got.code != tt.want || !strings.Contains(got.stdout, tt.summary) {
				t.Errorf("exit %d, want %d and %q in\n%s%s", got.code, tt.want, tt.summary, got.stdout, got.stderr)
			}
			hint := "" // one for all of them, where none has a failure to show
			if tt.want == exitNoSuchJob {
				hint = "hvmigerr: hint: the event log tells of migrations whose jobs are forgotten: hvmigerr events " + strings.Join(hosts.args, " ") + "\n"
			}
			if answered(tt.want) && got.stderr != hint {
				t.Errorf("stderr %q, want %q", got.stderr, hint)
			}
			blocks := strings.Split(got.stdout, "\n\n")
			if strings.HasPrefix(got.stdout, "\n") || slices.Contains(blocks, "") || strings.Contains(got.stdout, "\n\n\n") {
				t.Errorf("empty lines that separate nothing:\n%q", got.stdout)
			}
			js := invokeRun(t.Context(), nil, append([]string{tt.args[0], "-o", "json"}, append(tt.args[1:], hosts.args...)...)...)
			all := readAllHosts(t, js.stdout)
			counted := strings.Contains(tt.summary, "(") && tt.rule == nil
			if js.code != tt.want || len(all.Hosts) != 3 || (all.Summary.WithFailedJobs != nil) != counted {
				t.Errorf("-o json: exit %d, %d hosts, %+v; want %d, 3, and migrations counted: %t", js.code, len(all.Hosts), all.Summary, tt.want, counted)
			}
		})
	}
}

// TestManyRefused: a password that is wrong goes to three hosts and no further.
func TestManyRefused(t *testing.T) {
	hosts := newFleet(t, 12, nil)
	t.Setenv(passwordVariable, "wrong-pass")
	for _, command := range []string{"get", "doctor"} {
		got := invokeRun(t.Context(), nil, append([]string{command}, hosts.args...)...)
		if got.code != exitAuthentication || strings.Count(got.stderr, ": not tried: refused by ") != maxAlike {
			t.Errorf("%s: exit %d, want %d and %d hosts not tried\n%s", command, got.code, exitAuthentication, maxAlike, got.stderr)
		}
		told := strings.Join(strings.Fields(got.stdout), " ") // unfolded
		for _, want := range []string{"12 hosts: ", " not tried (exit 11): refused by 127.0.0.1:", " and 4 more hint: correct the password", " not authenticated (exit 11): "} {
			if command == "doctor" {
				want = strings.TrimSuffix(want, " hint: correct the password")
			}
			if !strings.Contains(told, want) {
				t.Errorf("%s: the summary lacks %q:\n%s", command, want, got.stdout)
			}
		}
	}
	sent := 0
	for i := range hosts.Len() {
		for _, r := range hosts.Host(i).Requests() {
			if r.Operation == operationAuthenticate && r.StatusCode == 401 && r.User != "" {
				sent++
			}
		}
	}
	if sent > 6 {
		t.Errorf("the password was sent %d times by two commands, want at most 6", sent)
	}
}

// TestManyFlags: what is about output goes with many hosts.
func TestManyFlags(t *testing.T) {
	hosts := newFleet(t, 2, nil)
	raw := invokeRun(t.Context(), nil, append([]string{"get", "--raw"}, hosts.args...)...)
	for line := range strings.Lines(raw.stdout) {
		if !strings.HasPrefix(line, "<INSTANCE") {
			t.Errorf("--raw printed %q", line)
		}
	}
	if raw.code != exitOK || !strings.HasPrefix(raw.stderr, "hvmigerr: 2 hosts: 2 answered (2 with") {
		t.Errorf("--raw: exit %d, stderr %q", raw.code, raw.stderr)
	}
	verbose := invokeRun(t.Context(), nil, append([]string{"identify", "-v"}, hosts.args...)...)
	for line := range strings.Lines(verbose.stderr) {
		if !slices.ContainsFunc(hosts.labels, func(l string) bool { return strings.HasPrefix(line, "hvmigerr: "+l+": ") }) {
			t.Errorf("-v says %q, of which host?", line)
		}
	}
	list := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(list, []byte(hosts.args[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := invokeRun(t.Context(), nil, "jobs", "@"+list)
	if !strings.HasPrefix(one.stdout, hosts.labels[0]+":\nVM ") || !strings.Contains(one.stdout, "\n\n1 host: 1 answered (1 with failed migrations, 0 without).\n") {
		t.Errorf("a list of one host:\n%s", one.stdout)
	}
	job := invokeRun(t.Context(), nil, append([]string{"get", "--job", firstJob(t, hosts)}, hosts.args...)...)
	if !strings.HasPrefix(job.stdout, hosts.labels[0]+":\n\n") || job.code != exitOK {
		t.Errorf("--job: exit %d\n%s", job.code, job.stdout)
	}
}

// firstJob returns the id of the job that failed at the first host.
func firstJob(t *testing.T, hosts *simulated) string {
	t.Helper()
	got := invokeRun(t.Context(), nil, "get", "-o", "jsonl", hosts.args[0])
	var line struct {
		Job struct{ InstanceID string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &line); err != nil || line.Job.InstanceID == "" {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	return line.Job.InstanceID
}
