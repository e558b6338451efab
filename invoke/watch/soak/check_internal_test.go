// Internal, as all tests here: a program exports nothing.

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var epoch = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// at returns the moment n seconds after the epoch.
func at(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }

func during(from, until int) span { return span{at(from), at(until)} }

// testTruth is one host with a job that failed and one that completed, and could be seen for a minute, while one watcher was killed
// and a second one ran to its end; and a job that nobody could see for long.
func testTruth() *truth {
	return &truth{
		jobs: []job{
			{url: "http://h/wsman", id: "A1", failed: true, messages: []string{"first", "second"}, ended: during(30, 90)},
			{url: "http://h/wsman", id: "B2", ended: during(40, 100)},
			{url: "http://h/wsman", id: "C3", failed: true, messages: []string{"third"}, ended: during(110, 114)},
		},
		downs: [][]span{{during(35, 38)}},
		runs: []*watcherRun{
			{span: during(0, 60), killed: true, stdout: "stdout-000.jsonl"},
			{span: during(60, 150), code: 143, stdout: "stdout-001.jsonl"},
		},
	}
}

const (
	lineA = `{"id":"h/A1/failed","event":"job.failed","url":"http://h/wsman","job":{"InstanceID":"a1","errors":[{"Message":"first"},{"Message":"second"}]},"error":null}`
	lineB = `{"id":"h/B2/ended","event":"job.ended","url":"http://h/wsman","job":{"InstanceID":"B2","errors":[]},"error":null}`
	lineC = `{"id":"h/C3/failed","event":"job.failed","url":"http://h/wsman","job":{"InstanceID":"C3","errors":[]},"error":{"kind":"lost"}}`
	lost  = `{"id":"h/lost/1","event":"host.lost","url":"http://h/wsman","job":null,"error":{"kind":"x"}}`
	moves = `{"id":"h/A1/progress/5","event":"job.progress","url":"http://h/wsman","job":{"InstanceID":"A1"},"error":null}`
)

// logged returns a journal of lines.
func logged(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimSuffix(l, "}") + `,"evidence":{}}` + "\n")
	}
	return b.String()
}

func said(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// TestCheck: a journal that is as it should be passes, and none that is not.
func TestCheck(t *testing.T) {
	t.Parallel()
	good := logged(lineA, lost, lineB)
	printed := said(moves, lineA, lost, lineB)
	for _, tt := range []struct {
		name          string
		journal       string
		first, second string
		change        func(*truth)
		want          []string // what is wrong, by a part of each text
		wantTorn      int
		most          int // texts in all, if not zero
	}{
		{name: "as it should be", journal: good, first: printed},
		{name: "over two runs, the last one again", journal: good, first: said(lineA, lost), second: said(lost, lineB)},
		{name: "torn by the kill", journal: good, first: printed + lineC[:40], wantTorn: 1},
		{name: "one that nobody could see", journal: good + logged(lineC), first: printed + said(lineC)},
		{name: "missing", journal: logged(lost, lineB), first: printed, want: []string{"job A1 of http://h/wsman"}, most: 1},
		{name: "missing in the journal and printed", journal: logged(lineA), first: said(lineA, lineB), want: []string{"job B2"}},
		{name: "doubled", journal: good + logged(lineA), first: printed, want: []string{"line 4: the event h/A1/failed is there for the second time"}, most: 1},
		{name: "doubled, with another ID", journal: good + logged(strings.Replace(lineA, "h/A1", "i/A1", 1)), first: printed + said(strings.Replace(lineA, "h/A1", "i/A1", 1)), want: []string{"has ended before", "two IDs"}},
		{name: "another ID on stdout", journal: good, first: printed, second: said(strings.Replace(lineB, "h/B2", "h/b2", 1)), want: []string{"two IDs"}},
		{name: "torn at the end", journal: good[:len(good)-1], first: printed, want: []string{"line 3 is torn: it has no line feed", "job B2"}},
		{name: "torn within", journal: strings.Replace(good, `"event":"host.lost"`, `"event":"ho`+"\n", 1), first: printed, want: []string{"line 2 is torn", "line 3 is torn"}},
		{name: "no ID", journal: good + "{}\n", first: printed, want: []string{"no id"}},
		{name: "empty", journal: "", first: printed, want: []string{"job A1", "job B2"}},
		{name: "torn on stdout within", journal: good, first: printed + "{\"id\":\n" + printed, want: []string{"stdout-000.jsonl, line 5 is torn"}},
		{name: "torn on stdout without a kill", journal: good, first: printed, second: "{", want: []string{"stdout-001.jsonl, line 1 is torn"}},
		{name: "never printed", journal: good, first: said(lineA, lost), want: []string{"h/B2/ended is in the journal and was never printed"}},
		{name: "invented", journal: good + logged(strings.ReplaceAll(lineA, "A1", "D4"), strings.ReplaceAll(lineA, "a1", "d4")), first: printed + said(strings.ReplaceAll(lineA, "A1", "D4")), want: []string{"line 4: the job", "second time"}},
		{name: "other ending", journal: strings.Replace(good, "job.ended", "job.failed", 1), first: printed, want: []string{"but the job failed: false"}},
		{name: "without an error", journal: strings.Replace(good, "second", "2nd", 1), first: printed, want: []string{`without ["second"]`}},
		{name: "without evidence", journal: strings.Replace(good, `"evidence":{}`, `"evidence":null`, 1), first: printed, want: []string{"h/A1/failed is in the journal without evidence"}},
		{name: "unseen, without errors and reason", journal: good + logged(strings.Replace(lineC, `{"kind":"lost"}`, "null", 1)), first: printed + said(lineC), want: []string{`h/C3/failed is in the journal without ["third"]`}},
		{name: "progress", journal: good + logged(moves), first: printed, want: []string{"does not belong there"}},
		{name: "exit", journal: good, first: printed, change: func(t *truth) { t.runs[1].code = 1 }, want: []string{"watcher 2: exit 1, want 143"}},
		{name: "nobody watched", journal: "", change: func(t *truth) {
			t.runs = []*watcherRun{{span: during(0, 40), killed: true}, {span: during(45, 60), killed: true}, {span: during(95, 99), code: 143}}
		}, want: []string{"this run proves nothing"}, most: 1},
		{name: "the host was away", journal: "", change: func(t *truth) {
			t.downs = [][]span{{during(30, 31), during(36, 60), during(65, 80), during(85, 99)}}
			t.jobs = t.jobs[:1]
		}, want: []string{"this run proves nothing"}, most: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			truth, dir := testTruth(), t.TempDir()
			if tt.change != nil {
				tt.change(truth)
			}
			texts := []string{tt.first, tt.second, ""}
			for i, r := range truth.runs {
				r.stdout = filepath.Join(dir, fmt.Sprintf("stdout-%03d.jsonl", i))
				write(t, r.stdout, texts[i])
			}
			journal := filepath.Join(dir, "journal.jsonl")
			write(t, journal, tt.journal)
			c := newChecker(truth)
			if err := c.files(journal); err != nil {
				t.Fatal(err)
			}
			got := c.problems()
			if len(got) < len(tt.want) || tt.most > 0 && len(got) > tt.most {
				t.Errorf("wrong: %q", got)
			}
			for _, want := range tt.want {
				if !strings.Contains(strings.Join(got, "\n"), want) {
					t.Errorf("nothing about %q in %q", want, got)
				}
			}
			if tt.want == nil && len(got) > 0 || c.torn != tt.wantTorn {
				t.Errorf("%d torn lines, and wrong: %q", c.torn, got)
			}
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestReport counts what the table of TestCheck does not look at.
func TestReport(t *testing.T) {
	t.Parallel()
	c := newChecker(testTruth())
	if err := c.readJournal(strings.NewReader(logged(lineA, lost))); err != nil {
		t.Fatal(err)
	}
	if err := c.readPrinted("x", true, strings.NewReader(said(lineA, lineA, lineB)+"{")); err != nil {
		t.Fatal(err)
	}
	c.problems()
	var b bytes.Buffer
	c.report(&b)
	want := `hosts    1, which were away 1 times
watcher  killed 1 times
failed   2 jobs, 1 of them could be seen for longer than two polls; 1 are in the journal
ended    1 jobs, 1 of them could be seen for longer than two polls; 0 are in the journal
journal  2 events, 1 of them of hosts
stdout   1 lines were repeated, 1 torn by a kill; 1 ends of jobs are not in the journal
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if err := c.files(filepath.Join(t.TempDir(), "nosuch")); err == nil {
		t.Error("a journal that is not there was read")
	}
}

// TestLongest: the longest time in which nothing was in the way.
func TestLongest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		span  span
		holes []span
		want  time.Duration
	}{
		{during(0, 10), nil, 10 * time.Second},
		{during(10, 0), nil, 0},
		{during(0, 10), []span{during(2, 3), during(4, 9)}, 2 * time.Second},
		{during(0, 10), []span{during(-5, -2), during(-1, 3), during(9, 30)}, 6 * time.Second},
		{during(0, 10), []span{during(-1, 30)}, 0},
		{during(0, 10), []span{during(20, 30)}, 10 * time.Second},
	} {
		if got := longest(tt.span, tt.holes); got != tt.want {
			t.Errorf("longest(%v, %v) = %v, want %v", tt.span, tt.holes, got, tt.want)
		}
	}
}
