package watch_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestLives watches hosts on which jobs live at random, and which go away and come back at random, while the watch is ended and begun anew.
// Every job must have one last event in all runs together, with its errors.
func TestLives(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			jobs, removal := randomJobs(random)
			s := newSim(t, "HV01", simModel(jobs...))
			randomOutages(random, s, removal)
			recorded := map[string]*watch.Event{}
			start := time.Now()
			for time.Since(start) < time.Hour {
				run := time.Duration(1+random.IntN(20)) * time.Minute
				events := follow(t, run, watch.Config{Recorded: func(id string) bool { return recorded[id] != nil }}, s)
				for _, e := range events {
					if e.Kind != watch.JobProgress && recorded[e.ID] != nil {
						t.Errorf("seed %d: %s twice", seed, e.ID)
					}
					recorded[e.ID] = e
				}
			}
			for i := range jobs {
				checkLife(t, seed, &jobs[i], recorded)
			}
		})
	}
}

// randomJobs returns jobs of about an hour, and for how long the host keeps them.
func randomJobs(random *rand.Rand) ([]wsmantest.Job, time.Duration) {
	removal := time.Duration(20+random.IntN(280)) * time.Second
	outcomes := []wsmantest.Outcome{wsmantest.Failed, wsmantest.Failed, wsmantest.Completed, wsmantest.Warnings, wsmantest.Killed}
	var jobs []wsmantest.Job
	for i := range 30 {
		j := simJob(fmt.Sprintf("JOB-%d", i), time.Duration(random.Int64N(int64(55*time.Minute))),
			time.Duration(random.Int64N(int64(4*time.Minute))), outcomes[random.IntN(len(outcomes))])
		j.TimeBeforeRemoval = wsmantest.Duration(removal)
		jobs = append(jobs, j)
	}
	return jobs, removal
}

// randomOutages takes the host away now and then, for up to a quarter of the time for which it keeps jobs, and lets single connections
// break. With a quarter for the pause between two tries, half of the time is left to ask.
func randomOutages(random *rand.Rand, s *sim, removal time.Duration) {
	for at := time.Duration(0); at < time.Hour; {
		at += time.Duration(random.Int64N(int64(10 * time.Minute)))
		length := time.Duration(random.Int64N(int64(removal / 4)))
		s.at(at, func(s *sim) { s.down = errUnreachable })
		s.at(at+length, func(s *sim) { s.down = nil })
		at += length + removal
	}
	s.before = func(int) error {
		if random.IntN(50) == 0 {
			return fmt.Errorf("simulated: %w", wsman.ErrConnectionLost)
		}
		return nil
	}
}

// checkLife holds what was told of a job to its model.
func checkLife(t *testing.T, seed uint64, j *wsmantest.Job, told map[string]*watch.Event) {
	t.Helper()
	var last []*watch.Event
	for _, what := range []string{"ended", "failed"} {
		if e := told["hv01/"+j.ID+"/"+what]; e != nil {
			last = append(last, e)
		}
	}
	if len(last) != 1 {
		t.Errorf("seed %d: %s, %v after %v, was told to end %d times", seed, j.ID, j.Duration, j.StartsAfter, len(last))
		return
	}
	e := last[0]
	failed := j.Outcome == wsmantest.Failed || j.Outcome == wsmantest.Killed
	if (e.Kind == watch.JobFailed) != failed {
		t.Errorf("seed %d: %s is told as %s", seed, j.ID, e.Kind)
	}
	if len(j.Errors) > 0 && (e.Err != nil || !strings.Contains(summary(e), j.Errors[0].Message)) {
		t.Errorf("seed %d: %s without its errors: %s", seed, j.ID, summary(e))
	}
	if gone := told["hv01/"+j.ID+"/gone"]; gone != nil {
		t.Errorf("seed %d: %s is told to be gone as well", seed, j.ID)
	}
}
