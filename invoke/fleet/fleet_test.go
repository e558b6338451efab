package fleet_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// named returns n hosts h0, h1, … that get the credential.
func named(n int, credential string) []fleet.Host {
	hosts := make([]fleet.Host, n)
	for i := range hosts {
		hosts[i] = fleet.Host{Name: "h" + strconv.Itoa(i), Credential: credential}
	}
	return hosts
}

// sleep waits for d by the clock of the test, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TestRun has each host end once, within the bounds, whatever their number.
func TestRun(t *testing.T) {
	t.Parallel()
	odd := errors.New("odd")
	for _, tt := range []struct{ hosts, parallel, most int }{
		{0, 0, 0}, {1, 0, 1}, {3, 1, 1}, {3, 8, 3}, {1000, 7, 7}, {1000, 0, fleet.DefaultParallel}, {1000, -1, fleet.DefaultParallel}, {1000, 1000, 1000},
	} {
		t.Run(strconv.Itoa(tt.hosts)+" of "+strconv.Itoa(tt.parallel), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var working, most atomic.Int64
				seen := make([]int, tt.hosts)
				start := time.Now()
				for r := range fleet.Run(t.Context(), &fleet.Config{Parallel: tt.parallel}, named(tt.hosts, ""), func(ctx context.Context, i int, a *fleet.Attempt) (int, error) {
					a.Taken()
					for n := working.Add(1); n > most.Load(); n = working.Load() {
						most.Store(n)
					}
					defer working.Add(-1)
					if err := sleep(ctx, time.Second); err != nil {
						t.Error(err)
					}
					if i%2 == 1 {
						return 2 * i, odd
					}
					return 2 * i, nil
				}) {
					seen[r.Index]++
					if r.Value != 2*r.Index || (r.Err != nil) != (r.Index%2 == 1) || r.Err != nil && !errors.Is(r.Err, odd) {
						t.Errorf("got %+v", r)
					}
				}
				for i, n := range seen {
					if n != 1 {
						t.Errorf("host %d: %d results", i, n)
					}
				}
				if int(most.Load()) != tt.most {
					t.Errorf("%d hosts at work at a time, want %d", most.Load(), tt.most)
				}
				if tt.hosts == 0 {
					return
				}
				if took, want := time.Since(start), time.Duration((tt.hosts+tt.most-1)/tt.most)*time.Second; took != want {
					t.Errorf("took %v of a second each, want %v", took, want)
				}
			})
		})
	}
}

// TestRunDefaults has Run take a nil Config, and a loop over its sequence begin anew each time.
func TestRunDefaults(t *testing.T) {
	t.Parallel()
	seq := fleet.Run(t.Context(), nil, named(3, "u"), func(_ context.Context, i int, a *fleet.Attempt) (int, error) {
		a.Refused(errors.New("no"))
		return i, nil
	})
	for range 2 {
		var got []int
		for r := range seq {
			got = append(got, r.Index)
		}
		if diff := cmp.Diff([]int{0, 1, 2}, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestOrder has results come in the order in which the hosts end, and hosts begin in the order of the list.
func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seconds := []int{9, 1, 4, 2, 7, 1}
		var mu sync.Mutex
		var begun, ended []int
		for r := range fleet.Run(t.Context(), &fleet.Config{Parallel: 3}, named(len(seconds), ""), func(ctx context.Context, i int, _ *fleet.Attempt) (int, error) {
			mu.Lock()
			begun = append(begun, i)
			mu.Unlock()
			return i, sleep(ctx, time.Duration(seconds[i])*time.Second)
		}) {
			ended = append(ended, r.Index)
		}
		slices.Sort(begun[:3]) // they begin at the same moment
		if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5}, begun); diff != "" {
			t.Errorf("begun: %s", diff)
		}
		if diff := cmp.Diff([]int{1, 3, 2, 5, 0, 4}, ended); diff != "" {
			t.Errorf("ended: %s", diff)
		}
	})
}

// TestContextEnds has hosts that were not begun yield at once, with the cause, and those at work when they return.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	over := errors.New("deadline of the command")
	for _, tt := range []struct {
		name       string
		after      time.Duration // 0: before Run
		credential string
		begun      int
	}{
		{"before", 0, "", 0},
		{"running", time.Second, "", 2},
		{"waiting for a credential", time.Second, "u", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				if tt.after == 0 {
					cancel(over)
				} else {
					time.AfterFunc(tt.after, func() { cancel(over) })
				}
				var begun atomic.Int64
				var order []int
				start := time.Now()
				for r := range fleet.Run(ctx, &fleet.Config{Parallel: 2}, named(100, tt.credential), func(ctx context.Context, i int, _ *fleet.Attempt) (string, error) {
					begun.Add(1)
					<-ctx.Done()
					time.Sleep(time.Duration(i+1) * time.Millisecond) // a host takes its time to end
					return "begun", context.Cause(ctx)
				}) {
					if !errors.Is(r.Err, over) {
						t.Errorf("host %d: %v", r.Index, r.Err)
					}
					if r.Value == "" && time.Since(start) != tt.after {
						t.Errorf("host %d was told after %v", r.Index, time.Since(start))
					}
					order = append(order, r.Index)
				}
				if int(begun.Load()) != tt.begun {
					t.Errorf("%d begun, want %d", begun.Load(), tt.begun)
				}
				want := []int{}
				for i := range 100 {
					want = append(want, (i+tt.begun)%100)
				}
				if diff := cmp.Diff(want, order); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// TestLeaveLoop has Run cancel what is at work and wait for it when the loop is left, also by a panic. synctest sees to it that no
// goroutine stays.
func TestLeaveLoop(t *testing.T) {
	t.Parallel()
	for _, panics := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var working, begun atomic.Int64
			func() {
				defer func() {
					if got := recover(); (got != nil) != panics {
						t.Errorf("recovered %v", got)
					}
				}()
				for range fleet.Run(t.Context(), &fleet.Config{Parallel: 4}, named(100, ""), func(ctx context.Context, i int, _ *fleet.Attempt) (int, error) {
					begun.Add(1)
					working.Add(1)
					defer working.Add(-1)
					if i == 0 {
						return 0, nil
					}
					<-ctx.Done()
					time.Sleep(time.Second)
					return 0, context.Cause(ctx)
				}) {
					if panics {
						var none []int
						none[0] = 1
					}
					break
				}
			}()
			if working.Load() != 0 {
				t.Errorf("%d are still at work", working.Load())
			}
			if begun.Load() != 4 {
				t.Errorf("%d begun, want 4", begun.Load())
			}
		})
	}
}

// TestCredentialHoldsNoPlace has hosts of other credentials pass those that wait for theirs, and use all places.
func TestCredentialHoldsNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hosts := append(named(10, "slow"), named(10, "")...)
		for i := range 10 {
			hosts = append(hosts, fleet.Host{Name: "own", Credential: strconv.Itoa(i)})
		}
		start := time.Now()
		ended := make([]time.Duration, len(hosts))
		for r := range fleet.Run(t.Context(), &fleet.Config{Parallel: 21}, hosts, func(ctx context.Context, _ int, a *fleet.Attempt) (int, error) {
			defer a.Taken()
			return 0, sleep(ctx, time.Second)
		}) {
			ended[r.Index] = time.Since(start)
		}
		for i, got := range ended {
			want := time.Second
			if i > 0 && i < 10 {
				want = 2 * time.Second // after the first of theirs
			}
			if got != want {
				t.Errorf("host %d ended after %v, want %v", i, got, want)
			}
		}
	})
}

// TestPassedComeFirst has hosts that were passed begin before those that come later in the list, and in its order.
func TestPassedComeFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hosts []fleet.Host
		for _, credential := range []string{"a", "b", "a", "b", "a", "b", "", "", ""} {
			hosts = append(hosts, fleet.Host{Name: "h", Credential: credential})
		}
		var mu sync.Mutex
		var begun []int
		for range fleet.Run(t.Context(), &fleet.Config{Parallel: 3}, hosts, func(ctx context.Context, i int, a *fleet.Attempt) (int, error) {
			mu.Lock()
			begun = append(begun, i)
			mu.Unlock()
			a.Taken()
			return 0, sleep(ctx, time.Second)
		}) {
			continue
		}
		for together := range slices.Chunk(begun, 3) {
			slices.Sort(together)
		}
		if diff := cmp.Diff([]int{0, 1, 6, 2, 3, 4, 5, 7, 8}, begun); diff != "" {
			t.Error(diff)
		}
	})
}
