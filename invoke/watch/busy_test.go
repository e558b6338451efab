package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestSlowAnswers has 40 jobs fail on a host that keeps them for 40 seconds and takes 400 ms for each answer. All requests about them
// would take longer: each is asked for every error before any for the rest, and names come last. Polls go on meanwhile.
func TestSlowAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs []wsmantest.Job
		for i := range 40 {
			j := simJob(fmt.Sprint("J", i), -time.Second, 10*time.Second, wsmantest.Failed)
			j.TimeBeforeRemoval = wsmantest.Duration(40 * time.Second)
			jobs = append(jobs, j)
		}
		late := simJob("LATE", 20*time.Second, 3*time.Second, wsmantest.Failed) // while the others are asked about
		late.TimeBeforeRemoval = wsmantest.Duration(15 * time.Second)
		s := newSim(t, "HV01", simModel(append(jobs, late)...))
		s.latency = 400 * time.Millisecond
		answered := 0
		for _, e := range follow(t, 2*time.Minute, watch.Config{}, s) {
			if e.Kind != watch.JobFailed {
				continue
			}
			if e.VM != "web-01" {
				t.Errorf("the machine of %s is %s", e.Job.ID(), e.VM)
			}
			if a := e.Diagnosis.Answers; len(a) > 0 && a[0].Method == invoke.MethodGetErrorEx && a[0].Err == nil {
				answered++
			} else {
				t.Errorf("%s has no answer to GetErrorEx", e.Job.ID())
			}
		}
		if answered != 41 {
			t.Errorf("%d failed jobs were told with their errors, want 41", answered)
		}
	})
}

// TestNamesLast: while a host has failed jobs to tell about, nobody asks it for the name of the machine of a new one.
func TestNamesLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := simJob("NEW", -time.Minute, time.Hour, "")
		other.VM = sql
		s := newSim(t, "HV01", simModel(other, simJob("A", -time.Minute, time.Second, wsmantest.Failed)))
		var asked []string
		s.fail = func(op, body string) error {
			if op != "Enumerate" || strings.Contains(body, "Msvm_ComputerSystem") {
				asked = append(asked, op)
			}
			return nil
		}
		got := summaries(follow(t, time.Minute, watch.Config{}, s))
		if want := []string{"GetErrorEx", "Get", "GetError", "Enumerate", "Enumerate"}; !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
		if len(got) != 2 || got[1] != "HV01 job.new NEW sql-02" {
			t.Errorf("events %q", got)
		}
	})
}

// TestEndOfWatch ends a watch while 40 jobs are being asked about, whose events a slow loop takes: each that the host has told of is
// yielded.
func TestEndOfWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs []wsmantest.Job
		for i := range 40 {
			jobs = append(jobs, simJob(fmt.Sprint("J", i), -time.Minute, time.Second, wsmantest.Failed))
		}
		s := newSim(t, "HV01", simModel(jobs...))
		s.latency = 100 * time.Millisecond
		for _, limit := range []time.Duration{3050 * time.Millisecond, 7050 * time.Millisecond} { // at the first questions, and at the others
			before, told, cut := s.asked("GetErrorEx"), 0, 0
			for e := range watch.Events(bounded(t, limit), &watch.Config{Hosts: []watch.Host{s.host}}) {
				waited(t.Context(), time.Second)
				if e.Kind != watch.JobFailed {
					continue
				}
				if told++; len(e.Diagnosis.Answers) == 0 {
					t.Errorf("%s", summary(e))
				}
				if e.Err != nil {
					cut++
				}
			}
			if n := s.asked("GetErrorEx") - before; told != n || told == 0 || cut == 0 {
				t.Errorf("after %v: %d jobs were told, %d of them cut, and %d asked about", limit, told, cut, n)
			}
		}
	})
}

// TestNameAwaited: jobs that have ended are told with the names of their machines also by a host whose answers take longer than the pause
// between polls, and without when the host does not answer that question for --timeout.
func TestNameAwaited(t *testing.T) {
	for answers, want := range map[bool][]string{true: {"sql-02", "web-01"}, false: {web, sql}} {
		synctest.Test(t, func(t *testing.T) {
			other := simJob("B", -time.Minute, time.Second, wsmantest.Failed)
			other.VM = sql
			s := newSim(t, "HV01", simModel(simJob("A", -time.Minute, time.Second, wsmantest.Failed), other))
			s.latency = 3 * time.Second
			s.fail = func(op, body string) error {
				if op == "Enumerate" && strings.Contains(body, "Msvm_ComputerSystem") && !answers {
					return wsman.ErrConnectionLost
				}
				return nil
			}
			start := time.Now()
			var told time.Duration
			var names []string
			for e := range watch.Events(bounded(t, 2*time.Minute), &watch.Config{Hosts: []watch.Host{s.host}}) {
				if e.Kind == watch.JobFailed {
					told = time.Since(start)
					names = append(names, e.VM)
				}
			}
			if slices.Sort(names); !slices.Equal(names, want) || told > 75*time.Second {
				t.Errorf("machines %q, the last told after %v; want %q", names, told, want)
			}
		})
	}
}
