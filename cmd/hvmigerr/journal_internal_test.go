// Internal, as all tests here: see main_internal_test.go.

package main

import (
	stdcmp "cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A journalWriter writes the lines of a journal as watch does.
type journalWriter struct {
	t    *testing.T
	text strings.Builder
	at   time.Time
}

// job adds an event of a job.
func (r *journalWriter) job(kind watch.Kind, host string, d *diagnosed) {
	r.t.Helper()
	r.line(object{
		{"event", kind},
		{"host", host},
		{"url", "http://" + host + ":5985/wsman"},
		{"vm", nullable(d.VM)},
		{"missed", false},
		{"job", diagnosedObject(d)},
		{"error", newErrorReport(d.err)},
		{"evidence", watch.NewEvidence(&d.Diagnosis)},
	})
}

// line adds a line with these members, and those of every line.
func (r *journalWriter) line(o object) {
	r.t.Helper()
	r.at = r.at.Add(time.Second)
	id := fmt.Sprint(strings.Count(r.text.String(), "\n"))
	text, err := encodeLine(append(object{{"schema", schema}, {"command", "watch"}, {"id", id}, {"time", cimTime(r.at)}}, o...))
	if err != nil {
		r.t.Fatal(err)
	}
	r.text.Write(text)
}

// file writes the journal and returns its name.
func (r *journalWriter) file() string {
	r.t.Helper()
	name := filepath.Join(r.t.TempDir(), "watch.jsonl")
	if err := os.WriteFile(name, []byte(r.text.String()), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return name
}

// recordedJobs returns what a simulated host says of its jobs, as its user who.
func recordedJobs(tb testing.TB, who string) []*diagnosed {
	tb.Helper()
	server, err := wsmantest.NewServer(wsmantest.Config{Users: wsmantest.DefaultUsers(), Clock: func() time.Time { return noon }})
	if err != nil {
		tb.Fatal(err)
	}
	c, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: server.Transport(who)})
	if err != nil {
		tb.Fatal(err)
	}
	var list []*diagnosed
	for j, err := range invoke.Jobs(tb.Context(), c, nil) {
		if err != nil {
			tb.Fatal(err)
		}
		d, err := invoke.Diagnose(tb.Context(), c, j)
		list = append(list, &diagnosed{Diagnosis: *d, err: err})
	}
	return list
}

// failing returns the first of them that failed.
func failing(tb testing.TB, list []*diagnosed) *diagnosed {
	tb.Helper()
	for _, d := range list {
		if d.Job.Failed() {
			return d
		}
	}
	tb.Fatal("no job failed")
	return nil
}

// runAt runs the program on a journal, an hour after noon.
func runAt(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	a := newApp(strings.NewReader(""), &out, &errs)
	a.now = func() time.Time { return noon.Add(time.Hour) }
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(t.Context())
	if err := a.out.flush(); err != nil {
		t.Fatal(err)
	}
	a.report(cmd, err)
	return exitCode(err), out.String(), errs.String()
}

// TestJournalAsHost: what get tells from a journal is what it told when the job was there, but for what time has changed.
func TestJournalAsHost(t *testing.T) {
	t.Parallel()
	for _, d := range recordedJobs(t, "administrator") {
		r := &journalWriter{t: t, at: noon}
		r.job(watch.JobFailed, "hv01", d)
		code, stdout, stderr := runAt(t, "get", "--journal", r.file(), "--all", "-o", "jsonl")
		if code != exitCode(d.err) || stderr != "" && d.err == nil {
			t.Errorf("exit %d, stderr %q", code, stderr)
		}
		var got struct{ Job map[string]any }
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(explained(diagnosedObject(d), &d.Diagnosis, true))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		want["recorded"] = map[string]any{"event": "job.failed", "time": cimTime(r.at), "missed": false}
		if diff := cmp.Diff(want, got.Job); diff != "" {
			t.Errorf("job %s (-want +got):\n%s", d.Job.ID(), diff)
		}
	}
}

// TestJournalLastWord: how a job ended is the last word on it, wherever that stands, and one host is known in any spelling.
func TestJournalLastWord(t *testing.T) {
	t.Parallel()
	all := recordedJobs(t, "administrator")
	failed := failing(t, all)
	running := *failed
	job := *failed.Job
	job.JobState = new(invoke.JobStateRunning)
	job.Instance = &wsman.Instance{Name: "Msvm_MigrationJob", Properties: []wsman.Property{
		{Name: "InstanceID", Text: failed.Job.ID()}, {Name: "JobState", Text: "4"}, {Name: "VirtualSystemName", Text: failed.Job.VMName()},
	}}
	running.Job, running.Parts, running.Answers = &job, nil, nil
	for _, tc := range []struct {
		name string
		add  func(r *journalWriter)
		want []string // of the table
	}{
		{"failed last", func(r *journalWriter) {
			r.job(watch.JobNew, "hv01", &running)
			r.job(watch.JobFailed, "HV01", failed)
		}, []string{"failed (Exception)", "expired"}},
		{"failed first", func(r *journalWriter) {
			r.job(watch.JobFailed, "hv01", failed)
			r.job(watch.JobGone, "hv01", &running)
		}, []string{"failed (Exception)", "expired"}},
		{"gone", func(r *journalWriter) {
			r.job(watch.JobNew, "hv01", &running)
			r.job(watch.JobGone, "hv01", &running)
		}, []string{"gone, end not seen"}},
		{"runs", func(r *journalWriter) { r.job(watch.JobNew, "hv01", &running) }, []string{"ran at 2026-03-04 12:00  ?"}},
	} {
		r := &journalWriter{t: t, at: noon}
		tc.add(r)
		r.line(object{{"event", watch.HostLost}, {"host", "hv01."}, {"job", nil}, {"evidence", nil}})
		code, stdout, stderr := runAt(t, "jobs", "--journal", r.file(), "HV01")
		if code != exitOK || stderr != "" || strings.Count(stdout, failed.Job.ID()) != 1 {
			t.Errorf("%s: exit %d, stderr %q, stdout\n%s", tc.name, code, stderr, stdout)
		}
		for _, want := range tc.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: no %q in\n%s", tc.name, want, stdout)
			}
		}
	}
}

// TestJournalOfManyHosts: exit codes and summaries are those of many hosts.
func TestJournalOfManyHosts(t *testing.T) {
	t.Parallel()
	good, denied := failing(t, recordedJobs(t, "administrator")), failing(t, recordedJobs(t, "reader"))
	if exitCode(denied.err) != exitDenied {
		t.Fatalf("the reader is told %v", denied.err)
	}
	r := &journalWriter{t: t, at: noon}
	r.job(watch.JobFailed, "hv02", good)
	r.job(watch.JobFailed, "hv01", denied)
	r.line(object{{"event", watch.HostLost}, {"host", "hv03"}, {"url", "http://hv03:5985/wsman"}, {"job", nil}})
	name := r.file()
	for _, tc := range []struct {
		args     string
		code     int
		out, err string // a part of each
	}{
		{"get", exitPartly, "3 hosts: 2 with failed migrations, 1 without.", "hv01: "},
		{"get hv02 hv03", exitOK, "2 hosts: 1 with failed migrations, 1 without.", ""},
		{"get hv02 hv03 --exit-status", exitMigration, "hv03: no migration job.", ""},
		{"get hv01", exitDenied, "Not complete: ", "hint: "},
		{"get hv01 -o json", exitDenied, `"exit": 12`, "hv01: "},
		{"get hv02 hv99", exitOK, "hv02: 1 of 1 migration failed.", "hv99: the journal"},
		{"get hv98 hv99", exitNoSuchJob, "", "hv98: the journal"},
		{"get -o json", exitPartly, `"notAnswered": 1`, "3 hosts: 2 answered"},
		{"get hv03 --vm x", exitNoSuchJob, "", "has no job of virtual machine x"},
		{"jobs", exitOK, "hv03: no migration job.", ""},
		{"jobs hv03 -o json", exitOK, `"jobs": []`, ""},
		{"get --latest --vm " + strings.ToLower(good.Job.VMName()), exitPartly, "of " + strings.ToLower(good.Job.VMName()) + " failed.", ""},
	} {
		args := append(strings.Fields(tc.args), "--journal", name)
		code, stdout, stderr := runAt(t, args...)
		if code != tc.code || !strings.Contains(stdout, tc.out) || !strings.Contains(stderr, tc.err) {
			t.Errorf("%s: exit %d, want %d; stderr %q, stdout\n%s", tc.args, code, tc.code, stderr, stdout)
		}
	}
	_, stdout, _ := runAt(t, "jobs", "--journal", name, "-o", "jsonl")
	if i, k := strings.Index(stdout, `"hv02"`), strings.Index(stdout, `"hv01"`); i < 0 || k < i {
		t.Errorf("the hosts are not in the order of the journal:\n%s", stdout)
	}
}

// TestJournalUnread: nobody needs to read all of the answer; but what could not be written is an error.
func TestJournalUnread(t *testing.T) {
	t.Parallel()
	d := failing(t, recordedJobs(t, "administrator"))
	r := &journalWriter{t: t, at: noon}
	for i := range 30 {
		r.job(watch.JobFailed, fmt.Sprintf("hv%02d", i), d)
	}
	name := r.file()
	for _, args := range []string{"jobs", "get", "get --raw", "get hv01", "jobs hv01", "jobs -o json", "get -o jsonl", "jobs hv01 -o json", "jobs hv01 -o jsonl"} {
		for err, want := range map[error]int{syscall.EPIPE: exitOK, errors.New("disk full"): exitFailure} {
			for left := range 3 {
				var stderr strings.Builder
				args := append(strings.Fields(args), "--journal", name)
				code := run(t.Context(), args, strings.NewReader(""), &shortWriter{left: 50 * left, err: err}, &stderr)
				if code != want || (stderr.String() == "hvmigerr: writing the answer: disk full\n") != (want == exitFailure) || want == exitOK && stderr.Len() > 0 {
					t.Errorf("%q, %v: exit %d, want %d; stderr %q", args, err, code, want, stderr.String())
				}
			}
		}
	}
}

// TestJournalExit: the exit code and the kind of an error are those that were recorded, also where evidence does not tell them.
func TestJournalExit(t *testing.T) {
	t.Parallel()
	job := failing(t, recordedJobs(t, "administrator"))
	for _, err := range []error{
		&transport.ConnectError{Stage: "connect", Addr: "hv01:5985", Err: syscall.ECONNREFUSED},
		&transport.AuthError{Mechanism: "NTLM", Refused: true},
		&transport.KDCUnreachableError{Realm: "X"},
		&transport.CredentialError{Err: errors.New("expired")},
		&transport.LimitError{What: "the body", Limit: 1},
		&wsman.HTTPError{StatusCode: 503},
		&wsman.Fault{Subcode: wsman.SubcodeAccessDenied},
		&wsman.TimeoutError{Limit: time.Minute, Err: context.DeadlineExceeded},
		invoke.ErrNoSuchJob,
		errors.New("something else"),
	} {
		d := *job
		err = &wsman.OpError{Op: invoke.MethodGetErrorEx, Err: err}
		d.Answers = []*invoke.Answer{{Method: invoke.MethodGetErrorEx, Err: err}}
		d.err = err
		r := &journalWriter{t: t, at: noon}
		r.job(watch.JobFailed, "hv01", &d)
		code, stdout, stderr := runAt(t, "get", "-o", "json", "--journal", r.file())
		if want := exitCode(err); code != want || !strings.Contains(stdout, fmt.Sprintf("\"exit\": %d,\n      \"error\": {\n        \"kind\": %q,\n        \"exit\": %[1]d", want, errorKind(err))) {
			t.Errorf("%v: exit %d, want %d; stderr %q\n%s", err, code, want, stderr, stdout)
		}
	}
}

// TestJournaledAs: a journal that was changed cannot make up what no host answers.
func TestJournaledAs(t *testing.T) {
	t.Parallel()
	unknown := errors.New("broken")
	for _, tt := range []struct {
		err        error
		exit, want int
	}{
		{unknown, exitUnreachable, exitUnreachable},
		{nil, exitDeadline, exitDeadline},
		{unknown, exitNoSuchJob, exitNoSuchJob},
		{unknown, exitFailure, exitFailure},
		{unknown, 99, exitFailure},
		{unknown, exitOK, exitFailure},
		{unknown, exitUsage, exitFailure},
		{unknown, exitMigration, exitFailure},
		{unknown, exitInterrupted, exitFailure},
		{unknown, -1, exitFailure},
		{wsman.ErrConnectionLost, exitDenied, exitUnreachable}, // evidence knows better
	} {
		err := journaledAs(tt.err, tt.exit, "broken")
		if got := exitCode(err); got != tt.want || !errors.Is(err, stdcmp.Or(tt.err, err)) || message(err) != stdcmp.Or(tt.err, unknown).Error() {
			t.Errorf("journaledAs(%v, %d) = %v with exit %d, want %d", tt.err, tt.exit, err, got, tt.want)
		}
	}
}

// TestJournalKeepsErrors: what the watcher wrote of an error and of the other end stays as it is.
func TestJournalKeepsErrors(t *testing.T) {
	t.Parallel()
	d := *failing(t, recordedJobs(t, "administrator"))
	d.err = &hostError{host: "hv01", err: errors.New("broken")}
	d.bothEnds, d.other = true, &otherEnd{host: "HV02", reason: "name it or pass --trust-host HV02"}
	r := &journalWriter{t: t, at: noon}
	r.job(watch.JobFailed, "hv01", &d)
	name := r.file()
	code, stdout, _ := runAt(t, "get", "--journal", name, "-o", "json")
	for _, want := range []string{`"message": "broken"`, `"reason": "name it or pass --trust-host HV02"`} {
		if code != exitFailure || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %s in\n%s", code, want, stdout)
		}
	}
	code, stdout, stderr := runAt(t, "get", "--journal", name)
	for _, want := range []string{"Not complete: broken", "destination HV02 not asked: name it"} {
		if code != exitFailure || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %s in\n%s\n%s", code, want, stdout, stderr)
		}
	}
}

// TestJournalChanged: lines that somebody has changed are left out and counted; an empty journal is one.
func TestJournalChanged(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]object{
		"no host":        {{"event", "job.new"}},
		"no event":       {{"host", "h"}},
		"job is a text":  {{"event", "job.new"}, {"host", "h"}, {"job", "x"}},
		"no evidence":    {{"event", "job.new"}, {"host", "h"}, {"job", object{{"InstanceID", "1"}}}},
		"another job":    {{"event", "job.new"}, {"host", "h"}, {"job", object{{"InstanceID", "1"}}}, {"evidence", watch.NewEvidence(&invoke.Diagnosis{Job: invoke.NewJob("2")})}},
		"empty evidence": {{"event", "job.new"}, {"host", "h"}, {"job", object{{"InstanceID", "1"}}}, {"evidence", object{}}},
	} {
		r := &journalWriter{t: t, at: noon}
		r.line(object{{"event", "host.lost"}, {"host", "hv01"}, {"job", nil}}) // without an event this is no journal
		r.line(o)
		code, stdout, stderr := runAt(t, "get", "--all", "--journal", r.file())
		if code != exitOK || strings.Count(stderr, "has 1 line that cannot be read") != 1 {
			t.Errorf("%s: exit %d, stderr %q, stdout %q", name, code, stderr, stdout)
		}
	}
	r := &journalWriter{t: t}
	code, stdout, stderr := runAt(t, "get", "--journal", r.file())
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "with no event in it") {
		t.Errorf("of an empty journal: exit %d, stderr %q, stdout %q", code, stderr, stdout)
	}
}

// TestJournalHostile: names in a journal print as text.
func TestJournalHostile(t *testing.T) {
	t.Parallel()
	d := invoke.Diagnosis{Job: invoke.NewJob("1\x1b[2J"), VM: "vm\x1b]0;x\a"}
	r := &journalWriter{t: t, at: noon}
	r.job(watch.JobNew, "h\x1b[31m\nhvmigerr: hv01: fine", &diagnosed{Diagnosis: d})
	name := r.file()
	for _, command := range []string{"get --all", "jobs", "jobs -o json", "get --all -o jsonl", "get --vm x"} {
		_, stdout, stderr := runAt(t, append(strings.Fields(command), "--journal", name)...)
		if strings.ContainsAny(stdout+stderr, "\x1b\a") || strings.Contains(stdout, "\nhvmigerr: hv01") {
			t.Errorf("%s: %q %q", command, stdout, stderr)
		}
	}
}

// TestJournalInterrupted: an interrupt ends the reading of a pipe in which nothing comes.
func TestJournalInterrupted(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(read.Close(), write.Close()) }()
	name := fmt.Sprintf("/dev/fd/%d", read.Fd())
	if _, err := os.Stat(name); err != nil {
		return // a system without such names
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	var out strings.Builder
	if code := run(ctx, []string{"get", "--journal", name}, strings.NewReader(""), &out, &out); code != exitInterrupted {
		t.Errorf("exit %d: %s", code, out.String())
	}
}
