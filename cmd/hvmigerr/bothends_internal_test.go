// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// The machine and the jobs of the tests, invented. Nothing says that both hosts call the job the same.
const (
	movedVM        = "5F1C2A9E-3B77-4D0A-9C55-0E6B8A1D4F21"
	sourceJob      = "11111111-0000-4000-8000-000000000001"
	destinationJob = "22222222-0000-4000-8000-000000000002"
)

// moveAt returns a job of the machine that failed of the texts of errors, each with its MessageID before a blank, 20 seconds before noon.
func moveAt(id, destination string, texts ...string) wsmantest.Job {
	j := wsmantest.Job{
		ID: id, VM: movedVM, Destination: destination, Owner: `CORP\fabric-admin`,
		StartsAfter: wsmantest.Duration(-60 * time.Second), Duration: wsmantest.Duration(40 * time.Second), Outcome: wsmantest.Failed,
	}
	for _, text := range texts {
		number, message, _ := strings.Cut(text, " ")
		j.Errors = append(j.Errors, wsmantest.Error{Message: message, MessageID: number})
	}
	return j
}

// What both ends say, and each of them.
const (
	sayBoth        = "21024 The migration of 'web-01' failed at the source 'HV01'."
	saySource      = "22040 Data could not be sent to the other host: the connection was reset (0x80072746)."
	sayDestination = "3122 'web-01' found not enough memory (0x8007000E)."
)

// A migration is two hosts with the same port: 127.0.0.1, the source, and 127.0.0.2, the destination, whose clock is an hour ahead.
type migration struct {
	source, destination *wsmantest.Server
	port                string
}

func newMigration(t *testing.T, source, destination []wsmantest.Job, rules ...wsmantest.Rule) *migration {
	t.Helper()
	fleet := startFleet(t, wsmantest.FleetConfig{Hosts: 2, Addresses: true, Host: func(i int) wsmantest.Config {
		clock := noon.Add(time.Duration(i) * time.Hour)
		cfg := wsmantest.Config{
			HTTP: true, Clock: func() time.Time { return clock }, Records: 1000,
			Model: &wsmantest.Model{Start: clock, VMs: []wsmantest.VM{{Name: "web-01", ID: movedVM}}, Jobs: source},
		}
		if i == 1 {
			cfg.Model.Host, cfg.Model.Jobs, cfg.Rules = "HV02", destination, rules
		}
		return cfg
	}})
	t.Setenv(passwordVariable, password)
	m := &migration{source: fleet.Host(0), destination: fleet.Host(1)}
	_, m.port, _ = net.SplitHostPort(m.source.Addr().String())
	return m
}

// get runs "get --both-ends" on the source, with more arguments.
func (m *migration) get(t *testing.T, args ...string) result {
	t.Helper()
	args = append([]string{"get", "--both-ends", "-u", "administrator", "--port", m.port}, args...)
	return invokeRun(t.Context(), strings.NewReader(""), args...)
}

// TestBothEnds holds the answer for a cause that only the destination knows.
func TestBothEnds(t *testing.T) {
	clearEnvironment(t)
	m := newMigration(t, []wsmantest.Job{moveAt(sourceJob, "127.0.0.2", sayBoth, saySource)},
		[]wsmantest.Job{moveAt(destinationJob, "127.0.0.2", sayBoth, sayDestination)})
	const want = `127.0.0.1: 1 of 1 migration failed.

web-01: failed, Moving Virtual Machine to 127.0.0.2
  ended 20s ago (2026-03-04 11:59:40 UTC), state Exception, ErrorCode 32768, 30%
  job 11111111-0000-4000-8000-000000000001, forgotten in 4m40s
  VM  5F1C2A9E-3B77-4D0A-9C55-0E6B8A1D4F21

  1. The migration of 'web-01' failed at the source 'HV01'.
     message 21024 of Microsoft-Windows-Hyper-V-VMMS
     severity Major, Software Error, CIM_ERR_FAILED
     from GetErrorEx, GetError, ErrorDescription, ErrorSummaryDescription, also at 127.0.0.2

  2. Data could not be sent to the other host: the connection was reset (0x80072746).
     message 22040 of Microsoft-Windows-Hyper-V-VMMS
     severity Major, Software Error, CIM_ERR_FAILED
     from GetErrorEx

  On the destination 127.0.0.2 (job 22222222-0000-4000-8000-000000000002, state Exception):

  3. 'web-01' found not enough memory (0x8007000E).
     message 3122 of Microsoft-Windows-Hyper-V-VMMS
     severity Major, Software Error, CIM_ERR_FAILED
     from GetErrorEx at 127.0.0.2
`
	got := m.get(t, "--trust-host", "127.0.0.*", "--no-explain", "127.0.0.1")
	if diff := cmp.Diff(want, got.stdout); diff != "" || got.code != exitOK || got.stderr != "" {
		t.Errorf("exit %d, stderr %q, stdout (-want +got):\n%s", got.code, got.stderr, diff)
	}
	got = m.get(t, "--trust-host", "127.0.0.*", "127.0.0.1")
	meaning := got.stdout[max(0, strings.Index(got.stdout, "What this means")):]
	for _, text := range []string{"E_OUTOFMEMORY", "in message 3", "Check on the destination, 127.0.0.2:", "WSAECONNRESET", "in message 2"} {
		if !strings.Contains(meaning, text) {
			t.Errorf("the meaning lacks %q:\n%s", text, meaning)
		}
	}
}

// A joined is what JSON has of a job and of its other end.
type joined struct {
	Errors      []struct{ Message, Source string }
	Destination *struct {
		Host, URL *string
		Asked     bool
		Reason    *string
		Error     *errorReport
		Job       *struct {
			InstanceID  string
			VM          string
			Errors      []struct{ Message string }
			Destination any
			Explanation any
		}
	}
	Explanation struct {
		Findings []struct {
			Symbol *string
			Host   *string
			Part   *int
		}
	}
}

// json runs get with -o json and returns the jobs of the first host.
func (m *migration) json(t *testing.T, args ...string) []joined {
	t.Helper()
	got := m.get(t, append(args, "-o", "json")...)
	if got.code != exitOK {
		t.Fatalf("exit %d\n%s", got.code, got.stderr)
	}
	var doc struct{ Hosts []struct{ Jobs []joined } }
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
		t.Fatalf("%v\n%s", err, got.stdout)
	}
	return doc.Hosts[0].Jobs
}

func text(p *string) string {
	if p == nil {
		return "null"
	}
	return *p
}

func TestBothEndsJSON(t *testing.T) {
	clearEnvironment(t)
	m := newMigration(t, []wsmantest.Job{moveAt(sourceJob, "127.0.0.2", sayBoth, saySource)},
		[]wsmantest.Job{moveAt(destinationJob, "127.0.0.2", sayBoth, sayDestination)})
	// Named by the operator, it is one host of many.
	for name, args := range map[string][]string{
		"named": {"127.0.0.1", "127.0.0.2"}, "trusted": {"127.0.0.1", "--trust-host", "127.0.0.2"},
	} {
		job := m.json(t, args...)[0]
		d := job.Destination
		if d == nil || !d.Asked || text(d.Host) != "127.0.0.2" || text(d.URL) != m.destination.URL() || d.Reason != nil || d.Error != nil || d.Job == nil {
			t.Fatalf("%s: the destination is %+v", name, d)
		}
		if len(job.Errors) != 2 || len(d.Job.Errors) != 2 || d.Job.InstanceID != destinationJob || d.Job.VM != "web-01" ||
			d.Job.Destination != nil || d.Job.Explanation != nil {
			t.Errorf("%s: %+v, and the job of the destination %+v", name, job, d.Job)
		}
		var findings []string
		for _, f := range job.Explanation.Findings {
			if f.Part != nil {
				findings = append(findings, fmt.Sprintf("%s at %s in %d", text(f.Symbol), text(f.Host), *f.Part))
			}
		}
		slices.Sort(findings)
		want := []string{"E_OUTOFMEMORY at 127.0.0.2 in 1", "WSAECONNRESET at null in 1"}
		if diff := cmp.Diff(want, findings); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", name, diff)
		}
	}
}

// TestBothEndsOutcomes: nothing that becomes of the destination takes from the answer of the source, or changes the exit code.
func TestBothEndsOutcomes(t *testing.T) {
	clearEnvironment(t)
	trusting := []string{"--trust-host", "127.0.0.*"}
	other := []wsmantest.Job{moveAt(destinationJob, "127.0.0.2", sayDestination)}
	earlier := moveAt(destinationJob, "127.0.0.2", sayDestination)
	earlier.StartsAfter = wsmantest.Duration(-290 * time.Second)
	disk := moveAt(sourceJob, "127.0.0.2", saySource)
	disk.Type = wsmantest.MoveStorage
	source := func(destination string) []wsmantest.Job {
		return []wsmantest.Job{moveAt(sourceJob, destination, saySource)}
	}
	said := []string{saySource}
	withOther := append(slices.Clone(said), sayDestination)
	for _, tt := range []struct {
		name                string
		source, destination []wsmantest.Job
		rules               []wsmantest.Rule
		args                []string
		want                string // in the text
		says                []string
		asked               bool
		kind                string // of the error in JSON
	}{
		{name: "answered", source: source("127.0.0.2"), destination: other, args: trusting, want: "On the destination 127.0.0.2 (job 2222", says: withOther, asked: true},
		{name: "not named", source: source("127.0.0.2"), destination: other, want: "\n  destination 127.0.0.2 not asked: name it or pass --trust-host 127.0.0.2\n", says: said},
		{name: "says the same", source: source("127.0.0.2"), destination: source("127.0.0.2"), args: trusting, want: "It says the same, and no more.", says: said, asked: true},
		{name: "says nothing", source: source("127.0.0.2"), destination: []wsmantest.Job{silent()}, args: trusting, want: "It gives no error for this job.", says: said, asked: true},
		{name: "source says nothing", source: []wsmantest.Job{silent()}, destination: other, args: trusting, want: "The host gives no error for this job.\n\n  On the destination", says: []string{sayDestination}, asked: true},
		{name: "another time", source: source("127.0.0.2"), destination: []wsmantest.Job{earlier}, args: trusting, want: "destination 127.0.0.2: it has no job of this machine at that time", says: said, asked: true},
		{name: "itself", source: source("127.0.0.1"), destination: other, args: trusting, want: "destination 127.0.0.1 not asked: it is the host that was asked", says: said},
		{name: "nobody there", source: source("127.0.0.3"), destination: other, args: trusting, want: "destination 127.0.0.3 could not tell: Enumerate Msvm_MigrationJob: connect to 127.0.0.3", says: said, asked: true, kind: "unreachable"},
		{name: "hangs", source: source("127.0.0.2"), destination: other, args: append([]string{"--timeout", "2s"}, trusting...), rules: []wsmantest.Rule{{Delay: wsmantest.Duration(time.Hour)}}, want: "destination 127.0.0.2 could not tell: not done within --timeout 2s", says: said, asked: true, kind: "deadline"},
		{name: "denied", source: source("127.0.0.2"), destination: other, args: trusting, rules: []wsmantest.Rule{{Fault: wsmantest.FaultAccessDenied}}, want: "could not tell: ", says: said, asked: true, kind: "access-denied"},
		{name: "password refused", source: source("127.0.0.2"), destination: other, args: trusting, rules: []wsmantest.Rule{{Operation: "Authenticate", Status: 401}}, want: "could not tell: ", says: said, asked: true, kind: "authentication"},
		{name: "half an answer", source: source("127.0.0.2"), destination: other, args: trusting, rules: []wsmantest.Rule{{Operation: "GetErrorEx", Fault: wsmantest.FaultInternalError}}, want: "state Exception):\n  Not complete: ", says: withOther, asked: true, kind: "fault"},
		{name: "no name", source: source("hv02:5986"), destination: other, args: trusting, want: `destination not asked: DestinationHost "hv02:5986" is no host name`, says: said},
		{name: "no name told", source: source(""), destination: other, args: trusting, want: "destination not asked: DestinationHost is not told", says: said},
		{name: "storage alone", source: []wsmantest.Job{disk}, destination: other, args: trusting, says: said},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMigration(t, tt.source, tt.destination, tt.rules...)
			got := m.get(t, append(tt.args, "127.0.0.1")...)
			if got.code != exitOK || got.stderr != "" || !strings.Contains(got.stdout, tt.want) {
				t.Errorf("exit %d, stderr %q, want %q in:\n%s", got.code, got.stderr, tt.want, got.stdout)
			}
			for _, text := range tt.says {
				if _, message, _ := strings.Cut(text, " "); !strings.Contains(got.stdout, ". "+message+"\n") {
					t.Errorf("%q is missing in:\n%s", message, got.stdout)
				}
			}
			if got := m.get(t, append(tt.args, "--exit-status", "127.0.0.1")...); got.code != exitMigration {
				t.Errorf("exit %d with --exit-status", got.code)
			}
			d := m.json(t, append(tt.args, "127.0.0.1")...)[0].Destination
			if tt.name == "storage alone" {
				if d != nil {
					t.Errorf("the destination is %+v", d)
				}
				return
			}
			kind := ""
			if d.Error != nil {
				kind = d.Error.Kind
			}
			if d.Asked != tt.asked || kind != tt.kind || !d.Asked && d.Reason == nil {
				t.Errorf("the destination is %+v, error %+v", d, d.Error)
			}
			if !tt.asked && m.destination.Connections() > 0 {
				t.Errorf("the destination had %d connections", m.destination.Connections())
			}
		})
	}
}

// silent returns a job about which the host says nothing.
func silent() wsmantest.Job {
	j := moveAt(sourceJob, "127.0.0.2")
	j.Errors = nil
	j.Properties = wsmantest.Properties{"ErrorCode": nil, "ErrorDescription": nil, "ErrorSummaryDescription": nil}
	return j
}

// TestBothEndsOneSession: several failed jobs of one source cost one session with their destination, and one list of its jobs.
func TestBothEndsOneSession(t *testing.T) {
	clearEnvironment(t)
	var source, destination []wsmantest.Job
	for i := range 5 {
		source = append(source, moveAt(fmt.Sprintf("11111111-0000-4000-8000-%012d", i), "127.0.0.2", saySource))
		destination = append(destination, moveAt(fmt.Sprintf("22222222-0000-4000-8000-%012d", i), "127.0.0.2", sayDestination))
	}
	m := newMigration(t, source, destination)
	jobs := m.json(t, "127.0.0.1", "--trust-host", "127.0.0.2")
	for _, j := range jobs {
		if j.Destination == nil || j.Destination.Job == nil {
			t.Errorf("the destination is %+v", j.Destination)
		}
	}
	lists := 0
	for _, r := range m.destination.Requests() {
		if r.Operation == "Enumerate" {
			lists++
		}
	}
	if len(jobs) != 5 || lists != 1 || m.destination.Connections() > 1 {
		t.Errorf("%d jobs, %d lists, %d connections still open", len(jobs), lists, m.destination.Connections())
	}
}

// TestBothEndsMany: a source names many destinations; no more than a few are asked.
func TestBothEndsMany(t *testing.T) {
	clearEnvironment(t)
	var source []wsmantest.Job
	for i := range maxOtherEnds + 3 {
		source = append(source, moveAt(fmt.Sprintf("11111111-0000-4000-8000-%012d", i), fmt.Sprintf("127.0.0.%d", 100+i), saySource))
	}
	m := newMigration(t, source, nil)
	asked, left := 0, 0
	for _, j := range m.json(t, "127.0.0.1", "--trust-host", "127.*") {
		if j.Destination.Asked {
			asked++
		} else if strings.Contains(text(j.Destination.Reason), "more than 16 destinations") {
			left++
		}
	}
	if asked != maxOtherEnds || left != 3 {
		t.Errorf("%d destinations were asked, %d were too many", asked, left)
	}
}

// TestBothEndsRefused: a password that three destinations refuse goes to no more of them.
func TestBothEndsRefused(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	const hosts = 7
	fleet, err := wsmantest.NewFleet(wsmantest.FleetConfig{Hosts: hosts, Addresses: true, Host: func(i int) wsmantest.Config {
		cfg := wsmantest.Config{HTTP: true, Clock: func() time.Time { return noon }, Model: &wsmantest.Model{Start: noon}}
		if i > 0 {
			cfg.Users = []wsmantest.User{{Name: "administrator", Password: "another"}}
			return cfg
		}
		cfg.Model.VMs = []wsmantest.VM{{Name: "web-01", ID: movedVM}}
		for n := 2; n <= hosts; n++ {
			cfg.Model.Jobs = append(cfg.Model.Jobs, moveAt(fmt.Sprintf("11111111-0000-4000-8000-%012d", n), fmt.Sprintf("127.0.0.%d", n), saySource))
		}
		return cfg
	}})
	if err == nil {
		err = fleet.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fleet.Close() })
	m := &migration{}
	_, m.port, _ = net.SplitHostPort(fleet.Host(0).Addr().String())
	refused, spared := 0, 0
	for _, j := range m.json(t, "127.0.0.1", "--trust-host", "127.*") {
		switch d := j.Destination; {
		case d.Asked && d.Error != nil && d.Error.Exit == exitAuthentication:
			refused++
		case !d.Asked && strings.Contains(text(d.Reason), "not tried: refused by 127.0.0."):
			spared++
		}
	}
	if n := wrongPasswords(fleet); refused != 3 || spared != 3 || n != 3 {
		t.Errorf("%d destinations refused the password, which was sent %d times; %d were spared it", refused, n, spared)
	}
}

// TestBothEndsInterrupted: what the source said is printed, also when the destination was being asked.
func TestBothEndsInterrupted(t *testing.T) {
	clearEnvironment(t)
	m := newMigration(t, []wsmantest.Job{moveAt(sourceJob, "127.0.0.2", saySource)}, nil, wsmantest.Rule{Delay: wsmantest.Duration(time.Hour)})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var stdout strings.Builder
	stderr := writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte(m.destination.URL())) { // -v announces whom it asks
			cancel(errInterrupted)
		}
		return len(p), nil
	})
	code := run(ctx, []string{
		"get", "--both-ends", "-v", "-u", "administrator", "--port", m.port, "--trust-host", "127.0.0.2", "127.0.0.1",
	}, strings.NewReader(""), &stdout, stderr)
	if code != exitInterrupted || !strings.Contains(stdout.String(), "could not tell: interrupted") || !strings.Contains(stdout.String(), "connection was reset (0x80072746)") {
		t.Errorf("exit %d\n%s", code, stdout.String())
	}
}
