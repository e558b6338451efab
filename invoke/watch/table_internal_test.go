// The table of one host is tested by itself: what it keeps cannot be seen from outside.
package watch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// listed returns a job as a poll lists it.
func listed(id string, state invoke.JobState, percent int) *invoke.MigrationJob {
	return invoke.DecodeMigrationJob(&wsman.Instance{Name: "XmlFragment", Properties: []wsman.Property{
		{Name: "InstanceID", Text: id}, {Name: "JobState", Text: fmt.Sprint(int(state))}, {Name: "PercentComplete", Text: fmt.Sprint(percent)},
	}})
}

// FuzzTable lists jobs that live as the input says, and holds what is told to what must be: in order new, progress, and one end. Each byte is
// one job in one poll: two bits tell which job, two how it stands.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0x00, 0x04, 0x08, 0x0c}, false)
	f.Add([]byte{0x00, 0x0c, 0x00, 0x0c, 0x00, 0x04}, false)
	f.Add([]byte{0x00, 0x10, 0x10, 0x00, 0x04, 0x14, 0x08, 0x18}, true)
	f.Add([]byte("\x00\x0c\x00\x08\x0c\x08\x05\x0d\x09"), false)
	f.Fuzz(func(t *testing.T, in []byte, gap bool) {
		in = in[:min(len(in), int(remembered/time.Second)-1)] // a job that was not listed for longer is another one
		var tab table
		ends, news, gone := map[string]int{}, map[string]int{}, map[string]int{}
		now := time.Unix(0, 0)
		for n, b := range in {
			id := fmt.Sprint("j", b&3)
			var list []*invoke.MigrationJob
			seen := ends[strings.ToUpper(id)]+gone[strings.ToUpper(id)] > 0
			switch b >> 2 & 3 {
			case 0:
				list = append(list, listed(id, invoke.JobStateRunning, n))
			case 1:
				list = append(list, listed(id, invoke.JobStateException, 30))
			case 2:
				list = append(list, listed(id, invoke.JobStateCompleted, 100), listed(id, invoke.JobStateRunning, 0))
			case 3: // an empty list
			}
			now = now.Add(time.Second)
			for _, c := range tab.update(now, list, gap && n == 0, room{maxDue, maxDue}) {
				switch c.kind { //nolint:exhaustive // progress says nothing that is counted
				case JobNew:
					news[c.key]++
					if seen && c.key == strings.ToUpper(id) {
						t.Errorf("poll %d: %s is new after its end", n, c.key)
					}
				case JobEnded, JobFailed:
					ends[c.key]++
				case JobGone:
					gone[c.key]++
				}
				if c.key != jobKey(c.job) {
					t.Errorf("poll %d: %s of job %s", n, c.key, c.job.ID())
				}
				if c.missed != (gap && n == 0 && c.kind != JobNew) {
					t.Errorf("poll %d: missed is %v", n, c.missed)
				}
			}
			if len(list) > 0 && list[0].Finished() && ends[strings.ToUpper(id)] != 1 {
				t.Errorf("poll %d: %s has ended, and %d ends were told", n, id, ends[strings.ToUpper(id)])
			}
		}
		for _, counts := range []map[string]int{ends, news, gone} {
			for key, n := range counts {
				if n != 1 {
					t.Errorf("%s: told %d times", key, n)
				}
			}
		}
	})
}

// TestTableForgets lists 10,000 other jobs in each poll, running and ended ones.
func TestTableForgets(t *testing.T) {
	var tab table
	now := time.Unix(0, 0)
	told := 0
	for poll := range 20 {
		var list []*invoke.MigrationJob
		for i := range 10_000 {
			state := invoke.JobStateRunning
			if i%2 == 0 {
				state = invoke.JobStateException
			}
			list = append(list, listed(fmt.Sprintf("%d-%d", poll, i), state, i%100))
		}
		now = now.Add(time.Second)
		for _, c := range tab.update(now, list, false, room{maxDue, maxDue}) {
			if c.kind == JobGone {
				told++
			}
		}
		if n := len(tab.jobs); n > 10_000+maxAbsent {
			t.Fatalf("poll %d: %d jobs are known, want %d at most", poll, n, 10_000+maxAbsent)
		}
		if tab.kept > maxKept {
			t.Fatalf("poll %d: %d jobs are kept, want %d at most", poll, tab.kept, maxKept)
		}
	}
	if want := 19 * 5000; told != want {
		t.Errorf("%d jobs are gone, want %d", told, want)
	}
	tab.update(now.Add(remembered), nil, false, room{maxDue, maxDue})
	tab.update(now.Add(3*remembered), nil, false, room{maxDue, maxDue})
	if len(tab.jobs) != 0 || tab.kept != 0 || tab.running != 0 {
		t.Errorf("after a while without jobs %d are known, %d kept, %d run", len(tab.jobs), tab.kept, tab.running)
	}
}

// TestTableRoom lists more ended jobs than may wait: the others are told later, each once.
func TestTableRoom(t *testing.T) {
	var tab table
	var list []*invoke.MigrationJob
	for i := range 100 {
		list = append(list, listed(fmt.Sprint(i), invoke.JobStateException, 0))
	}
	told := map[string]int{}
	for range 12 {
		changes := tab.update(time.Unix(0, 0), list, false, room{10, 10})
		if len(changes) > 10 {
			t.Errorf("%d changes, want 10 at most", len(changes))
		}
		for _, c := range changes {
			told[c.key]++
		}
	}
	for key, n := range told {
		if n != 1 {
			t.Errorf("%s told %d times", key, n)
		}
	}
	if len(told) != 100 {
		t.Errorf("%d jobs told, want 100", len(told))
	}
}

// TestMissedByHostClock first lists, in the midst of a watch, jobs that ended before it began and after.
func TestMissedByHostClock(t *testing.T) {
	clock := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	at := func(id string, ended time.Time, date time.Time) *invoke.MigrationJob {
		j := listed(id, invoke.JobStateException, 0)
		j.TimeOfLastStateChange, j.Instance.Date = &ended, date
		return j
	}
	var tab table
	tab.update(time.Unix(0, 0), []*invoke.MigrationJob{at("A", clock.Add(-time.Minute), clock)}, true, room{maxDue, maxDue})
	changes := tab.update(time.Unix(60, 0), []*invoke.MigrationJob{
		at("B", clock.Add(-time.Second), clock.Add(time.Minute)), at("C", clock.Add(time.Second), clock.Add(time.Minute)),
	}, false, room{maxDue, maxDue})
	if len(changes) != 2 || !changes[0].missed || changes[1].missed {
		t.Errorf("changes = %+v, want B missed and C not", changes)
	}
}

func TestJobKey(t *testing.T) {
	long := strings.Repeat("A", maxID)
	for id, want := range map[string]string{
		"7c4c0d6f-9e7b-4b7c-9c1b-1f0a6a7b5c11":   "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11",
		"{7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11}": "{7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11}",
		long:                                     long,
		long + "A":                               hashed(long + "A"),
		"a/failed":                               hashed("A/FAILED"),
		"A\n":                                    hashed("A\n"),
		"Ä":                                      hashed("Ä"),
	} {
		if got := jobKey(listed(id, 4, 0)); got != want {
			t.Errorf("jobKey(%q) = %q, want %q", id, got, want)
		}
	}
	if a, b := jobKey(listed("", 4, 0)), jobKey(listed("", 10, 50)); a != b || !strings.HasPrefix(a, "sha256-") {
		t.Errorf("without an InstanceID the keys are %q and %q, want the same hash", a, b)
	}
}

func TestPace(t *testing.T) {
	p := pace{fast: 2 * time.Second, idle: 15 * time.Second, random: *rand.NewPCG(1, 0)}
	near := func(what string, got, want time.Duration) {
		t.Helper()
		if got < want*9/10 || got > want*11/10 {
			t.Errorf("%s: %v, want %v or a tenth off", what, got, want)
		}
	}
	near("at first", p.next(false), 15*time.Second)
	near("busy", p.next(true), 2*time.Second)
	for i, want := range []int{4, 8, 15, 15} {
		near(fmt.Sprint("then ", i), p.next(false), time.Duration(want)*time.Second)
	}
	for i, want := range []int{1, 2, 4, 8, 16, 32, 57, 57} {
		near(fmt.Sprint("retry ", i), p.retry(), time.Duration(want)*time.Second)
	}
	p.next(false)
	near("first retry again", p.retry(), time.Second)
	for _, tt := range []struct {
		removal []time.Duration // of the jobs of a list
		want    time.Duration
	}{
		{[]time.Duration{time.Minute, 20 * time.Second}, 5 * time.Second},
		{nil, 5 * time.Second}, // nothing new is known, nor here:
		{[]time.Duration{0}, 5 * time.Second},
		{[]time.Duration{-time.Second}, 5 * time.Second},
		{[]time.Duration{time.Nanosecond, time.Minute}, time.Second}, // one job does not make a host be asked all the time
		{[]time.Duration{2 * time.Second, time.Nanosecond}, 500 * time.Millisecond},
		{[]time.Duration{200 * time.Millisecond}, minPause},
		{[]time.Duration{time.Minute}, 15 * time.Second}, // what a job said is forgotten with it
	} {
		var list []*invoke.MigrationJob
		for _, d := range tt.removal {
			list = append(list, &invoke.MigrationJob{TimeBeforeRemoval: &d})
		}
		p.learn(list)
		if got := p.longest(); got != tt.want {
			t.Errorf("removal %v: the longest pause is %v, want %v", tt.removal, got, tt.want)
		}
		for range 100 {
			if got := p.retry(); got > p.longest() {
				t.Errorf("removal %v: retry after %v", tt.removal, got)
			}
			if got := p.next(false); got > p.longest() || got < minPause {
				t.Errorf("removal %v: next after %v", tt.removal, got)
			}
		}
	}
}

// TestRoom: jobs that failed have room of their own, and so are not kept waiting by those that ended well.
func TestRoom(t *testing.T) {
	var list []*invoke.MigrationJob
	for i := range 20 {
		state := invoke.JobStateCompleted
		if i%2 == 1 {
			state = invoke.JobStateException
		}
		list = append(list, listed(fmt.Sprint(i), state, 100))
	}
	var tab table
	for _, want := range []int{7, 3, 0} { // of 10 of each kind
		failed, others := 0, 0
		for _, c := range tab.update(time.Unix(0, 0), list, false, room{7, 2}) {
			if c.kind == JobFailed {
				failed++
			} else {
				others++
			}
		}
		if failed != want || others != 2 {
			t.Errorf("%d failed and %d others are told, want %d and 2", failed, others, want)
		}
	}
}
