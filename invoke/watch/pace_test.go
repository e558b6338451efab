package watch_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestRequests counts what a watch of an hour costs. The pauses vary, but not from run to run.
func TestRequests(t *testing.T) {
	removal := func(d time.Duration, j wsmantest.Job) wsmantest.Job {
		j.TimeBeforeRemoval = wsmantest.Duration(d)
		return j
	}
	tests := []struct {
		name  string
		cfg   watch.Config
		model *wsmantest.Model
		want  map[string]int
	}{
		{
			// One poll every 15 seconds, and once whether the user may see anything.
			name: "idle", model: simModel(),
			want: map[string]int{"Enumerate": 241, "Release": 1},
		},
		{
			name: "a job runs", model: simModel(simJob("A", -time.Minute, 2*time.Hour, "")),
			want: map[string]int{"Enumerate": 1805},
		},
		{
			// The name of the machine is asked for once. After the end the pauses double: 4, 8, 15 seconds.
			name: "a job of a minute", model: simModel(simJob("A", 0, time.Minute, "")),
			want: map[string]int{"Enumerate": 269, "Get": 1},
		},
		{
			name: "a failed job", model: simModel(simJob("A", -2*time.Minute, time.Minute, wsmantest.Failed)),
			want: map[string]int{"Enumerate": 241, "Get": 1, "GetErrorEx": 1, "GetError": 1},
		},
		{
			// Five seconds are a quarter of 20; with the tenth by which pauses vary they are 4.5 on the average.
			name: "short removal", model: simModel(removal(20*time.Second, simJob("A", 0, 10*time.Second, ""))),
			want: map[string]int{"Enumerate": 799, "Get": 1},
		},
		{
			name: "as told", cfg: watch.Config{Interval: time.Second, IdleInterval: time.Minute}, model: simModel(),
			want: map[string]int{"Enumerate": 61, "Release": 1},
		},
		{
			name: "an idle interval that is too long", cfg: watch.Config{IdleInterval: time.Hour}, model: simModel(),
			want: map[string]int{"Enumerate": 54, "Release": 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, "HV01", tt.model)
				got := map[string]int{}
				s.before = func(int) error { return nil }
				s.sent = got
				follow(t, time.Hour, tt.cfg, s)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				if s.opened != 1 {
					t.Errorf("%d sessions were opened, want 1", s.opened)
				}
			})
		})
	}
}

// TestHostsApart watches ten hosts of the same kind: they must not all be asked at the same moments.
func TestHostsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := map[time.Duration]int{}
		start := time.Now()
		var hosts []*sim
		for i := range 10 {
			s := newSim(t, "HV0"+string(rune('0'+i)), simModel())
			s.before = func(int) error {
				at[time.Since(start).Truncate(100*time.Millisecond)]++
				return nil
			}
			hosts = append(hosts, s)
		}
		follow(t, 10*time.Minute, watch.Config{Parallel: 1}, hosts...)
		for when, n := range at {
			if when > time.Minute && n > 5 {
				t.Errorf("%d of 10 hosts are asked within the same tenth of a second, %v", n, when)
			}
		}
	})
}

// TestParallel watches 20 hosts of which each answer takes a second, three at a time.
func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var atWork, most atomic.Int32
		var hosts []*sim
		for range 20 {
			s := newSim(t, "HV01", simModel())
			s.before = func(int) error {
				n := atWork.Add(1)
				most.Store(max(most.Load(), n))
				waited(t.Context(), time.Second)
				atWork.Add(-1)
				return nil
			}
			hosts = append(hosts, s)
		}
		follow(t, 5*time.Minute, watch.Config{Parallel: 3}, hosts...)
		if n := most.Load(); n != 3 {
			t.Errorf("%d hosts were at work at the same time, want 3", n)
		}
	})
}

// TestQuota answers polls by the fault of a host that has too much to do: twice in a row it is asked a little later, three times it is lost.
func TestQuota(t *testing.T) {
	for faults, want := range map[int][]string{
		2: {"HV01 job.new A web-01"},
		3: {"HV01 host.lost", "HV01 host.back", "HV01 job.new A web-01"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, "HV01", simModel(simJob("A", 0, time.Hour, "")),
				wsmantest.Rule{Operation: "Enumerate", Count: faults, Fault: wsmantest.FaultQuotaUser})
			var got []string
			for _, e := range follow(t, 5*time.Minute, watch.Config{}, s) {
				if e.Kind == watch.HostLost && wsman.SubcodeOf(e.Err) == wsman.SubcodeQuotaLimit {
					e.Err = nil
				}
				if e.Kind != watch.JobProgress {
					got = append(got, summary(e))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d faults (-want +got):\n%s", faults, diff)
			}
		})
	}
}
