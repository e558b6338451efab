package watch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestNotTried shares one wrong password among 20 hosts.
func TestNotTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hosts []*sim
		breaker := fleet.NewBreaker(5 * time.Second)
		for i := range 20 {
			s := newSim(t, fmt.Sprintf("HV%02d", i), simModel())
			s.user, s.gate = "nobody", &gate{breaker: breaker}
			hosts = append(hosts, s)
		}
		events := follow(t, time.Hour, watch.Config{Parallel: 4}, hosts...)
		sent, notTried := 0, 0
		for _, s := range hosts {
			sent += s.count()
		}
		for _, e := range events {
			if e.Kind != watch.HostRefused {
				t.Errorf("unexpected: %s", summary(e))
			}
			if _, ok := errors.AsType[*fleet.NotTriedError](e.Err); ok {
				notTried++
			}
		}
		if sent != 3 || notTried != 17 || len(events) != 20 {
			t.Errorf("%d requests, %d hosts not tried, %d events; want 3, 17, 20", sent, notTried, len(events))
		}
	})
}

// TestPasswordChanged changes the password while hosts are being watched. The old one goes to three of them.
func TestPasswordChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hosts []*sim
		breaker := fleet.NewBreaker(5 * time.Second)
		for i := range 20 {
			s := newSim(t, fmt.Sprintf("HV%02d", i), simModel())
			s.gate = &gate{breaker: breaker}
			s.at(time.Minute, func(s *sim) { s.user, s.gate = "nobody", &gate{breaker: breaker} })
			hosts = append(hosts, s)
		}
		follow(t, time.Hour, watch.Config{Parallel: 1}, hosts...)
		refusals := 0
		for _, s := range hosts {
			for _, r := range s.server.Requests() {
				if r.StatusCode == http.StatusUnauthorized {
					refusals++
				}
			}
		}
		if refusals != 3 {
			t.Errorf("%d refusals, want 3", refusals)
		}
	})
}

// TestNotAdmitted has one host get the password of all and say nothing for minutes. The others wait for longer than the time for a poll
// and are not lost by that, be it at first or later, when their sessions have ended.
func TestNotAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		breaker := fleet.NewBreaker(time.Hour)
		s := newSim(t, "HV01", simModel(simJob("A", -time.Minute, 3*time.Minute, wsmantest.Failed), simJob("B", 0, 10*time.Minute, wsmantest.Failed)))
		s.gate = &gate{breaker: breaker}
		hang := func(name string) *fleet.Attempt {
			a, err := breaker.Enter(t.Context(), fleet.Host{Name: name, Credential: "administrator"})
			if err != nil {
				t.Error(err)
			}
			return a
		}
		first := hang("hangs")
		time.AfterFunc(100*time.Second, first.Leave)
		s.at(110*time.Second, func(s *sim) {
			first.Refused(errors.New("no")) // so that the next has to wait again
			second := hang("hangs too")
			s.gate = &gate{breaker: breaker}
			time.AfterFunc(100*time.Second, second.Leave)
		})
		start := time.Now()
		var told []time.Duration
		var got []string
		for e := range watch.Events(bounded(t, 15*time.Minute), &watch.Config{Hosts: []watch.Host{s.host}}) {
			if e.Kind != watch.JobProgress {
				got, told = append(got, summary(e)), append(told, e.Time.Sub(start))
			}
		}
		want := []string{
			"HV01 job.new A web-01",
			"HV01 job.new B web-01",
			`HV01 job.failed A web-01 "It went wrong with A."`,
			`HV01 job.failed B web-01 "It went wrong with B."`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
		if told[0] < 100*time.Second || told[0] > 101*time.Second || told[2] < 210*time.Second || told[2] > 211*time.Second {
			t.Errorf("told after %v, want the first after 100 s and the third after 210 s", told)
		}
	})
}

// TestNotAdmittedAnywhere has each request of a watch in turn, and the next few, wait in vain: only time is lost by it.
func TestNotAdmittedAnywhere(t *testing.T) {
	const count = 5
	for n := 1; n < 30; n++ {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, "HV01", simModel(simJob("A", time.Minute, 10*time.Second, wsmantest.Failed)))
			s.before = func(i int) error {
				if i >= n && i < n+count {
					return fmt.Errorf("simulated: %w: %w", fleet.ErrNotAdmitted, context.DeadlineExceeded)
				}
				return nil
			}
			events := follow(t, 4*time.Minute, watch.Config{}, s)
			for _, e := range events {
				if e.Kind == watch.HostLost || e.Diagnosis != nil && e.Job.Owner == nil {
					t.Errorf("from request %d on: %s is told, or has not the whole job", n, summary(e))
				}
			}
			if last := summary(events[len(events)-1]); !strings.HasPrefix(last, `HV01 job.failed A web-01 "It went wrong with A."`) {
				t.Errorf("from request %d on: the last event is %s", n, last)
			}
		})
	}
}

// TestReadNotAdmitted has the requests for a job as a whole wait in vain, more often than a lost connection may break them. The job is
// read all the same.
func TestReadNotAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(simJob("A", 0, 10*time.Second, wsmantest.Failed)))
		s.sent = map[string]int{}
		failed := 0
		s.before = func(int) error {
			if s.sent["Get"] > failed && failed < 4 {
				failed++
				return fmt.Errorf("simulated: %w: %w", fleet.ErrNotAdmitted, context.DeadlineExceeded)
			}
			return nil
		}
		events := follow(t, 4*time.Minute, watch.Config{}, s)
		if last := events[len(events)-1]; failed != 4 || last.Kind != watch.JobFailed || last.Job.Owner == nil || last.Err != nil {
			t.Errorf("after %d: %s has not the whole job", failed, summary(last))
		}
	})
}
