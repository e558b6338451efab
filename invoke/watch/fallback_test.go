package watch_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestServices follows one job on services that answer a query each in its own way.
func TestServices(t *testing.T) {
	want := []string{
		"HV01 job.new A web-01",
		`HV01 job.failed A web-01 "It went wrong with A."`,
	}
	tests := []struct {
		name    string
		dialect wsmantest.Dialect
		rules   []wsmantest.Rule
		gets    int
	}{
		{name: "Windows", gets: 1},
		{name: "elements of the class", dialect: wsmantest.Dialect{ClassFragments: true}, gets: 1},
		{name: "one item a page", dialect: wsmantest.Dialect{OneItemPages: true}, gets: 1},
		{name: "query refused", rules: []wsmantest.Rule{{Operation: "Enumerate", Count: 1, Fault: wsmantest.FaultInvalidParameter}}},
		{name: "no Get", rules: []wsmantest.Rule{{Operation: "Get", Fault: wsmantest.FaultInvalidParameter}}, gets: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := simModel(simJob("A", 0, time.Minute, wsmantest.Failed), simJob("B", 0, time.Hour, ""))
				m.Dialect = tt.dialect
				s := newSim(t, "HV01", m, tt.rules...)
				events := follow(t, 3*time.Minute, watch.Config{}, s)
				got := slices.DeleteFunc(summaries(events), func(s string) bool { return strings.Contains(s, " B ") })
				for i := range got {
					got[i], _, _ = strings.Cut(got[i], ": Get")
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if n := s.asked("Get"); n != tt.gets {
					t.Errorf("%d Gets, want %d", n, tt.gets)
				}
			})
		})
	}
}

// TestUnwatchable watches hosts that have nothing to be watched, for a while.
func TestUnwatchable(t *testing.T) {
	t.Run("no Hyper-V", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := simModel()
			m.NoHyperV = true
			s := newSim(t, "HV01", m)
			events := follow(t, time.Hour, watch.Config{}, s)
			if len(events) != 1 || events[0].Kind != watch.HostLost || !errors.Is(events[0].Err, invoke.ErrNoHyperV) {
				t.Errorf("events = %q, want one host.lost with ErrNoHyperV", summaries(events))
			}
			if n := s.count(); n < 2*50 || n > 2*70 {
				t.Errorf("%d requests within an hour, want two each minute", n)
			}
		})
	})
	t.Run("nothing visible, and then more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, "HV01", simModel(simJob("A", 10*time.Minute, time.Minute, "")))
			s.user = "outsider"
			s.at(5*time.Minute, func(s *sim) { s.user = user })
			events := follow(t, time.Hour, watch.Config{}, s)
			if len(events) == 0 || !errors.Is(events[0].Err, invoke.ErrNothingVisible) {
				t.Fatalf("events = %q, want host.lost with ErrNothingVisible first", summaries(events))
			}
			want := []string{"HV01 host.back", "HV01 job.new A web-01", "HV01 job.ended A web-01"}
			if diff := cmp.Diff(want, summaries(events)[1:]); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	})
}

// TestNoInstanceID follows a job that has no key: its service can only be asked for whole instances.
func TestNoInstanceID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(simJob("A", 0, time.Minute, wsmantest.Failed)))
		s.rewrite = strings.NewReplacer("InstanceID>", "Instance>")
		events := follow(t, 10*time.Minute, watch.Config{}, s)
		got := summaries(events)
		if len(got) != 2 || got[0] != "HV01 job.new  web-01" ||
			!strings.HasPrefix(got[1], `HV01 job.failed  web-01 "It went wrong with A.": `) || !strings.Contains(got[1], "InstanceID: NULL") {
			t.Errorf("events = %q", got)
		}
	})
}

// TestGone lets a job vanish while it runs.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(simJob("A", 0, time.Hour, ""), simJob("B", 0, time.Hour, "")))
		vanished := simModel(simJob("B", -10*time.Minute, time.Hour, ""))
		other := newSim(t, "HV01", vanished)
		s.at(5*time.Minute, func(s *sim) { s.server = other.server })
		got := summaries(follow(t, 10*time.Minute, watch.Config{}, s))
		want := []string{"HV01 job.new A web-01", "HV01 job.new B web-01", "HV01 job.gone A web-01"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// TestRestart watches twice, the second time with what the first recorded.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(
			simJob("DONE", -time.Minute, time.Second, ""), simJob("FAILED", -time.Minute, time.Second, wsmantest.Failed),
			simJob("RUNS", 0, 3*time.Minute, wsmantest.Failed), simJob("BETWEEN", time.Minute, 2*time.Second, wsmantest.Failed),
		))
		recorded := map[string]bool{}
		for _, e := range follow(t, 50*time.Second, watch.Config{}, s) {
			if recorded[e.ID] {
				t.Errorf("ID %s twice", e.ID)
			}
			recorded[e.ID] = true
		}
		for _, id := range []string{"hv01/DONE/ended", "hv01/FAILED/failed", "hv01/RUNS/new"} {
			if !recorded[id] {
				t.Errorf("no event %s", id)
			}
		}
		waited(t.Context(), time.Minute)
		before := s.asked("GetErrorEx")
		got := summaries(follow(t, 5*time.Minute, watch.Config{Recorded: func(id string) bool { return recorded[id] }}, s))
		want := []string{
			`HV01 job.failed BETWEEN web-01 "It went wrong with BETWEEN." missed`,
			`HV01 job.failed RUNS web-01 "It went wrong with RUNS."`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if n := s.asked("GetErrorEx") - before; n != 2 {
			t.Errorf("%d jobs were asked about in the second run, want 2", n)
		}
	})
}

// TestSlowLoop lets the loop take an hour for its first event. All that is more than progress waits.
func TestSlowLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(simJob("A", 0, 10*time.Minute, wsmantest.Failed), simJob("B", 0, 30*time.Minute, "")))
		var got []string
		for e := range watch.Events(bounded(t, 2*time.Hour), &watch.Config{Hosts: []watch.Host{s.host}}) {
			if got = append(got, summary(e)); len(got) == 1 {
				waited(t.Context(), time.Hour)
			}
		}
		want := []string{
			"HV01 job.new A web-01",
			"HV01 job.new B web-01",
			"HV01 job.progress B web-01", // the last of each job
			"HV01 job.progress A web-01",
			`HV01 job.failed A web-01 "It went wrong with A."`,
			"HV01 job.ended B web-01",
		}
		slices.Sort(got[2:4])
		slices.Sort(want[2:4])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// TestBreak leaves the loop at the first event: nothing may be left behind, which synctest sees.
func TestBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hosts []watch.Host
		var sims []*sim
		for range 10 {
			s := newSim(t, "HV01", simModel(simJob("A", 0, 10*time.Minute, "")))
			hosts, sims = append(hosts, s.host), append(sims, s)
		}
		for range watch.Events(t.Context(), &watch.Config{Hosts: hosts}) {
			break
		}
		for _, s := range sims {
			if s.opened != s.closed {
				t.Errorf("%d sessions opened, %d closed", s.opened, s.closed)
			}
		}
	})
}
