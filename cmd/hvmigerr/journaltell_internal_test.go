// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// A heapMeter is a stdout, and a clock, that measures now and then what is alive.
type heapMeter struct {
	calls, bytes int
	most         uint64
}

func (m *heapMeter) Write(p []byte) (int, error) {
	m.tick()
	m.bytes += len(p)
	return len(p), nil
}

// now is asked for with each job that is printed as text.
func (m *heapMeter) now() time.Time {
	m.tick()
	return noon
}

func (m *heapMeter) tick() {
	if m.calls++; m.calls%10 == 0 {
		m.measure()
	}
}

func (m *heapMeter) measure() {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	m.most = max(m.most, s.HeapAlloc)
}

// longJournal writes a journal of n failed jobs of one host, of more than size bytes each, and returns its name.
func longJournal(t *testing.T, n, size int) string {
	t.Helper()
	d := *failing(t, recordedJobs(t, "administrator"))
	job, instance := *d.Job, *d.Job.Instance
	instance.Properties = append(slices.Clip(instance.Properties),
		wsman.Property{Namespace: instance.Namespace, Name: "Padding", Text: strings.Repeat("x", size)})
	job.Instance = &instance
	r := &journalWriter{t: t, at: noon}
	r.line(object{
		{"event", watch.JobFailed},
		{"host", "hv01"},
		{"job", diagnosedObject(&d)},
		{"evidence", watch.NewEvidence(&invoke.Diagnosis{Job: &job, Answers: d.Answers})},
	})
	line := []byte(r.text.String())

	name := filepath.Join(t.TempDir(), "watch.jsonl")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	w := bufio.NewWriter(file)
	for i := range n {
		id := fmt.Appendf(nil, "%08d%s", i, d.Job.ID()[8:])
		_, _ = w.Write(bytes.ReplaceAll(line, []byte(d.Job.ID()), id)) // Flush tells
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestJournalMemory: of a journal that is larger than memory no more is held than one job, the rows of a table, and what may wait of one
// JSON object. Not parallel: it measures the whole heap.
func TestJournalMemory(t *testing.T) {
	run := func(name string, most uint64, args ...string) {
		t.Helper()
		var m heapMeter
		m.measure()
		before := m.most
		var stderr strings.Builder
		a := newApp(strings.NewReader(""), &m, &stderr)
		a.now = m.now
		root := a.root()
		root.SetArgs(append(args, "--journal", name))
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := a.out.flush(); err != nil {
			t.Fatal(err)
		}
		if held := m.most - before; held > most || m.calls < 30 || stderr.Len() > 0 {
			t.Errorf("%q: %d KiB held, %d calls, %d bytes written, stderr %q", args, held>>10, m.calls, m.bytes, stderr.String())
		}
	}
	const few = 2 << 20
	name := longJournal(t, 40, 100<<10)
	run(name, few, "get")
	run(name, few, "get", "-o", "jsonl")
	run(name, few, "jobs")
	run(pipeOf(t, name), few, "jobs")
	run(longJournal(t, 100, 200<<10), maxHeld+few, "get", "-o", "json")
}

// pipeOf returns the name of a pipe that has what is in a file.
func pipeOf(t *testing.T, name string) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close() })
	pipe := fmt.Sprintf("/dev/fd/%d", read.Fd())
	if _, err := os.Stat(pipe); err != nil {
		_ = write.Close()
		return name // a system without such names
	}
	go func() {
		defer func() { _ = write.Close() }()
		file, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = file.Close() }()
		if _, err := file.WriteTo(write); err != nil {
			t.Error(err)
		}
	}()
	return pipe
}

// TestJournalErrors: of the errors of many jobs those are kept that tell how it ended, and the number.
func TestJournalErrors(t *testing.T) {
	t.Parallel()
	var errs journalErrors
	var all []error
	for i := range 50 {
		err := error(&wsman.HTTPError{StatusCode: 500, Body: []byte{byte(i)}})
		if i == 40 {
			err = wsman.ErrConnectionLost
		}
		errs.add(err)
		all = append(all, err)
	}
	got, want := errors.Join(errs.all...), errors.Join(all...)
	if message(got) != message(want) || exitCode(got) != exitUnreachable || !strings.HasSuffix(message(got), "; and 48 more") {
		t.Errorf("exit %d, %q, want exit %d, %q", exitCode(got), message(got), exitCode(want), message(want))
	}
	kept := 0
	matches(got, func(*wsman.HTTPError) bool {
		kept++
		return false
	})
	if kept != 2 {
		t.Errorf("%d errors of one kind are kept", kept)
	}
}

// TestJournalHint: what the host sent is in the journal, so that no hint tells how to keep it; not even the one that was recorded.
func TestJournalHint(t *testing.T) {
	t.Parallel()
	d := *failing(t, recordedJobs(t, "administrator"))
	d.Answers = []*invoke.Answer{{Method: invoke.MethodGetErrorEx, Returned: true, State: wsman.Present, Raw: []string{"<broken"}}}
	d.err = &hostError{host: "hv01", err: &wsman.ProtocolError{Msg: "broken"}}
	r := &journalWriter{t: t, at: noon}
	r.job(watch.JobFailed, "hv01", &d)
	if !strings.Contains(r.text.String(), "--trace DIR") {
		t.Fatalf("the watcher gives no hint: %s", r.text.String())
	}
	name := r.file()
	r.job(watch.JobFailed, "hv02", &d)
	many := r.file()
	for _, format := range []string{outputText, outputJSON, outputJSONL} {
		for _, name := range []string{name, many} {
			code, stdout, stderr := runAt(t, "get", "--journal", name, "-o", format)
			if code != exitUndecodable || stderr == "" && name == many && format != outputJSONL || strings.Contains(stdout+stderr, "--trace") {
				t.Errorf("%s: exit %d, stderr %q, stdout\n%s", format, code, stderr, stdout)
			}
		}
	}
}

// TestJournalLatest: the newest job by its own time is told, wherever its line stands; and the next one when that cannot be read.
func TestJournalLatest(t *testing.T) {
	t.Parallel()
	failed := failing(t, recordedJobs(t, "administrator"))
	r := &journalWriter{t: t, at: noon}
	add := func(id string, age time.Duration, evidence any) {
		r.line(object{
			{"event", watch.JobFailed},
			{"host", "hv01"},
			{"job", object{{"InstanceID", id}, {"JobState", 10}, {"TimeOfLastStateChange", never}, {"StartTime", cimTime(noon.Add(-age))}}},
			{"evidence", evidence},
		})
	}
	of := func(id string) *watch.Evidence {
		job := invoke.NewJob(id)
		job.Instance.Properties = append(job.Instance.Properties, wsman.Property{Name: "JobState", Text: "10"})
		return watch.NewEvidence(&invoke.Diagnosis{Job: job, Answers: failed.Answers})
	}
	add("older", time.Hour, of("older"))
	add("newest", time.Second, of("newest"))
	add("old", time.Minute, of("old"))
	for _, want := range []string{"newest", "newest", "old"} {
		name := r.file()
		code, stdout, stderr := runAt(t, "get", "--latest", "--journal", name)
		if code != exitOK || strings.Count(stdout, "\n  job ") != 1 || !strings.Contains(stdout, "\n  job "+want) {
			t.Errorf("exit %d, want job %s; stderr %q, stdout\n%s", code, want, stderr, stdout)
		}
		if strings.Count(r.text.String(), "\n") == 3 {
			add("oldest", 2*time.Hour, of("oldest"))
		} else {
			add("newest", 0, object{}) // nobody can read that
		}
	}
}
