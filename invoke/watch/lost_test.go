package watch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestLostAndBack takes a host away while one job runs, one ends and one comes and ends.
func TestLostAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(
			simJob("RUNS", 0, 20*time.Minute, ""),
			simJob("ENDS", 0, 2*time.Minute, wsmantest.Failed),
			simJob("COMES", 90*time.Second, 10*time.Second, wsmantest.Failed),
			simJob("EXPIRES", 80*time.Second, time.Second, wsmantest.Failed),
			simJob("LATER", 6*time.Minute, time.Minute, wsmantest.Failed),
		))
		s.at(time.Minute, func(s *sim) { s.down = errUnreachable })
		s.at(3*time.Minute, func(s *sim) { s.down = nil })
		events := follow(t, 10*time.Minute, watch.Config{}, s)
		want := []string{
			"HV01 job.new RUNS web-01",
			"HV01 job.new ENDS web-01",
			"HV01 host.lost: Enumerate Msvm_MigrationJob: connection refused",
			"HV01 host.back",
			`HV01 job.failed EXPIRES web-01 "It went wrong with EXPIRES." missed`,
			`HV01 job.failed COMES web-01 "It went wrong with COMES." missed`,
			`HV01 job.failed ENDS web-01 "It went wrong with ENDS." missed`,
			"HV01 job.new LATER web-01",
			`HV01 job.failed LATER web-01 "It went wrong with LATER."`,
		}
		if diff := cmp.Diff(want, summaries(events)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// TestRetries counts the requests to a host that is gone for an hour: a second, then twice as long each time up to a minute.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel())
		s.down = errUnreachable
		got := summaries(follow(t, time.Hour, watch.Config{}, s))
		if diff := cmp.Diff([]string{"HV01 host.lost: Enumerate Msvm_MigrationJob: connection refused"}, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		// 1+2+4+8+16+32 s, then a minute at most each time and 57 seconds on the average.
		if n := s.count(); n < 64 || n > 70 {
			t.Errorf("%d requests within an hour, want 64 to 70", n)
		}
	})
}

// TestRemovalBoundsRetries holds the pauses to a quarter of the time for which the host keeps a job, also when it is lost.
func TestRemovalBoundsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := simJob("SHORT", 0, time.Minute, wsmantest.Failed)
		short.TimeBeforeRemoval = wsmantest.Duration(20 * time.Second)
		s := newSim(t, "HV01", simModel(short))
		var last time.Time
		var longest time.Duration
		s.before = func(int) error {
			if !last.IsZero() {
				longest = max(longest, time.Since(last))
			}
			last = time.Now()
			return nil
		}
		s.at(10*time.Minute, func(s *sim) { s.down = errUnreachable })
		events := summaries(follow(t, 30*time.Minute, watch.Config{}, s))
		if longest < 4*time.Second || longest > 5*time.Second {
			t.Errorf("the longest pause is %v, want 4 to 5 seconds", longest)
		}
		if len(events) != 3 || !strings.HasPrefix(events[1], "HV01 job.failed SHORT") || strings.HasSuffix(events[1], "missed") {
			t.Errorf("events = %q", events)
		}
	})
}

// TestRenewal breaks each request of a watch in turn, and then each and the next three: nobody may notice, but that the host is lost
// when all sessions break.
func TestRenewal(t *testing.T) {
	broken := func(from, count int) func(int) error {
		return func(n int) error {
			if n >= from && n < from+count {
				return fmt.Errorf("simulated: %w", wsman.ErrConnectionLost)
			}
			return nil
		}
	}
	jobs := func() *wsmantest.Model {
		return simModel(simJob("A", time.Minute, 10*time.Second, wsmantest.Failed), simJob("B", time.Minute, 12*time.Second, wsmantest.Warnings))
	}
	want := []string{
		"HV01 job.new A web-01",
		"HV01 job.new B web-01",
		`HV01 job.failed A web-01 "It went wrong with A."`,
		`HV01 job.ended B web-01 "It went wrong with B."`,
	}
	for _, count := range []int{1, 2, 3, 4, 7} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			for n := 4; n < 40; n++ { // the first poll, of three requests, finds no kept session
				synctest.Test(t, func(t *testing.T) {
					s := newSim(t, "HV01", jobs())
					s.before = broken(n, count)
					var got []string
					for _, e := range follow(t, 3*time.Minute, watch.Config{}, s) {
						if e.Kind == watch.JobProgress || e.Kind == watch.HostLost || e.Kind == watch.HostBack {
							if e.Kind == watch.HostLost && count < 3 {
								t.Errorf("request %d: %s", n, summary(e))
							}
							continue
						}
						if e.Diagnosis != nil && e.Job.Owner == nil {
							t.Errorf("%d requests from %d on: %s has not the whole job", count, n, summary(e))
						}
						e.Missed = false
						e.VM = strings.Replace(e.VM, web, "web-01", 1)
						got = append(got, summary(e))
					}
					slices.Sort(got[2:]) // a retry may change who comes first
					slices.Sort(want[2:])
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%d requests from %d on (-want +got):\n%s", count, n, diff)
					}
				})
			}
		})
	}
}

// TestRefusedOnce refuses the user at each request of a watch in turn. Nothing is asked after it.
func TestRefusedOnce(t *testing.T) {
	for n := 1; n < 30; n++ {
		synctest.Test(t, func(t *testing.T) {
			other := simJob("C", -time.Minute, 20*time.Second, wsmantest.Failed)
			other.VM = sql
			s := newSim(t, "HV01", simModel(
				simJob("A", 0, 10*time.Second, wsmantest.Failed), simJob("B", 0, 20*time.Second, wsmantest.Completed), other,
			))
			s.before = func(i int) error {
				if i >= n {
					return &wsman.HTTPError{StatusCode: http.StatusUnauthorized}
				}
				return nil
			}
			events := follow(t, time.Hour, watch.Config{}, s)
			if s.count() != n {
				t.Errorf("refused at request %d, and then %d more were sent", n, s.count()-n)
			}
			if last := events[len(events)-1]; last.Kind != watch.HostRefused || !refused(last.Err) {
				t.Errorf("refused at request %d: the last event is %s", n, summary(last))
			}
		})
	}
}

// TestUntilRemoval loses the host before it could tell why a job failed, for good.
func TestUntilRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(simJob("A", 0, time.Minute, wsmantest.Failed)))
		start := time.Now()
		var told time.Duration
		s.before = func(int) error {
			if s.asked("Get") > 0 {
				return errUnreachable
			}
			return nil
		}
		for e := range watch.Events(bounded(t, time.Hour), &watch.Config{Hosts: []watch.Host{s.host}}) {
			if e.Kind == watch.JobFailed {
				told = time.Since(start)
				if e.Job == nil || !e.Job.Failed() || len(e.Diagnosis.Parts) != 1 || !errors.Is(e.Err, errUnreachable) || e.VM != "web-01" || e.Missed {
					t.Errorf("job.failed = %+v", e)
				}
				if seen := e.Time.Sub(start); seen < time.Minute || seen > 63*time.Second {
					t.Errorf("seen after %v", seen)
				}
			}
		}
		if told < 6*time.Minute || told > 7*time.Minute+5*time.Second {
			t.Errorf("told after %v, want when the host has forgotten the job: after 6 minutes, at the next retry", told)
		}
	})
}

// TestStuckDiagnosis has a host whose GetErrorEx always breaks the connection for one job. Others are told of at once, and it is told
// of in the end.
func TestStuckDiagnosis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(
			simJob("STUCK", 0, 10*time.Second, wsmantest.Failed),
			simJob("GOOD", time.Minute, 10*time.Second, wsmantest.Failed),
		))
		var tried int
		s.fail = func(op, body string) error {
			if op == "GetErrorEx" && strings.Contains(body, ">STUCK<") {
				tried++
				return wsman.ErrConnectionLost
			}
			return nil
		}
		got := summaries(follow(t, time.Hour, watch.Config{}, s))
		want := []string{
			"HV01 job.new STUCK web-01",
			"HV01 job.new GOOD web-01",
			`HV01 job.failed GOOD web-01 "It went wrong with GOOD."`,
			`HV01 job.failed STUCK web-01 "It went wrong with STUCK.": GetErrorEx Msvm_MigrationJob: connection lost`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if tried < 2*8 || tried > 2*16 {
			t.Errorf("%d requests for the stuck job, want twice 8 to 16: with pauses of up to 75 seconds in 5 minutes", tried)
		}
	})
}

// TestUnreadableJob has a host that breaks the connection whenever a whole job is asked for. Its errors are told all the same.
func TestUnreadableJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drop := wsmantest.Rule{Operation: "Get", Drop: true}
		s := newSim(t, "HV01", simModel(simJob("A", 0, time.Minute, wsmantest.Failed)), drop)
		start := time.Now()
		for e := range watch.Events(bounded(t, 70*time.Second), &watch.Config{Hosts: []watch.Host{s.host}}) {
			if e.Kind != watch.JobFailed {
				continue
			}
			if len(e.Diagnosis.Parts) != 1 || !errors.Is(e.Err, wsman.ErrConnectionLost) {
				t.Errorf("%s", summary(e))
			}
			start = time.Time{}
		}
		if !start.IsZero() {
			t.Error("the job was not told within ten seconds")
		}
	})
}

// TestSlowHost lets one answer take longer than the time for a poll, and then all.
func TestSlowHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(simJob("A", 0, time.Hour, "")))
		s.at(time.Minute, func(s *sim) { s.latency = time.Minute })
		s.at(time.Minute+10*time.Second, func(s *sim) { s.latency = 0 })
		s.at(5*time.Minute, func(s *sim) { s.latency = time.Hour })
		got := summaries(follow(t, 10*time.Minute, watch.Config{}, s))
		if len(got) != 2 || !strings.HasPrefix(got[1], "HV01 host.lost: ") || !strings.HasSuffix(got[1], "context deadline exceeded") {
			t.Errorf("events = %q, want job.new and one host.lost", got)
		}
	})
}

func bounded(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
