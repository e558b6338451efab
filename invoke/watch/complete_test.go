package watch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestComplete has another host hang about 20 failed jobs. The source is asked about all first, its polls go on, and each event comes after
// one timeout; those of jobs that ended well do not wait.
func TestComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jobs := []wsmantest.Job{simJob("DONE", 0, 20*time.Second, wsmantest.Completed), simJob("RUNS", 0, time.Hour, "")}
		for i := range 20 {
			jobs = append(jobs, simJob(fmt.Sprint("F", i), 0, 10*time.Second, wsmantest.Failed))
		}
		s := newSim(t, "HV01", simModel(jobs...))
		start := time.Now()
		var inTime atomic.Int32
		hang := func(ctx context.Context, e *watch.Event) {
			if time.Since(start) < 30*time.Second {
				inTime.Add(1)
			}
			<-ctx.Done()
			e.Err = context.Cause(ctx)
		}
		told := map[string]time.Duration{}
		var progress time.Duration
		for e := range watch.Events(bounded(t, 2*time.Minute), &watch.Config{Hosts: []watch.Host{s.host}, Complete: hang, Timeout: 30 * time.Second}) {
			at := time.Since(start)
			if e.Diagnosis != nil {
				told[e.Job.ID()] = at
			}
			if e.Kind == watch.JobFailed && (len(e.Diagnosis.Parts) != 1 || e.Err == nil || e.VM != "web-01") {
				t.Errorf("%s", summary(e))
			}
			if e.Kind == watch.JobProgress && e.Job.ID() == "RUNS" && at > 13*time.Second && at < 40*time.Second {
				progress = at
			}
		}
		if len(told) != 21 || told["DONE"] > 23*time.Second || progress == 0 {
			t.Errorf("told %v; progress after %v", told, progress)
		}
		for id, at := range told {
			if strings.HasPrefix(id, "F") && (at < 40*time.Second || at > 43*time.Second) {
				t.Errorf("%s is told after %v, want one timeout after its end was seen", id, at)
			}
		}
		if n := inTime.Load(); n != 4 {
			t.Errorf("%d are at work at the same time, want 4", n)
		}
		if n := s.asked("GetErrorEx"); n != 20 {
			t.Errorf("%d jobs were asked about, want each once", n)
		}
	})
}

// TestCompleteEnd ends a watch while another host hangs, and refuses the user of the source while it does: nothing that the source has
// said is lost, and it is told before the host is given up.
func TestCompleteEnd(t *testing.T) {
	for _, end := range []string{"ctx", "refused"} {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, "HV01", simModel(simJob("A", 0, 10*time.Second, wsmantest.Failed), simJob("B", 0, 10*time.Second, wsmantest.Failed)))
			hang := func(ctx context.Context, _ *watch.Event) { <-ctx.Done() }
			limit := 15 * time.Second
			if end == "refused" {
				limit = time.Hour
				s.at(15*time.Second, func(s *sim) { s.user = "nobody" })
			}
			got := summaries(follow(t, limit, watch.Config{Complete: hang}, s))
			failed := slices.DeleteFunc(slices.Clone(got), func(e string) bool { return !strings.Contains(e, "job.failed") })
			if len(failed) != 2 || end == "refused" && !strings.Contains(got[len(got)-1], "host.refused") {
				t.Errorf("%s: events %q", end, got)
			}
		})
	}
}
