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

// numbers returns the hosts 0, 1, … n-1.
func numbers(n int) []int {
	hosts := make([]int, n)
	for i := range hosts {
		hosts[i] = i
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
				for r := range fleet.Run(t.Context(), tt.parallel, numbers(tt.hosts), func(ctx context.Context, i int) (int, error) {
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

// TestRunAgain has a loop over the sequence of Run begin anew each time, and hosts be of any type.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	seq := fleet.Run(t.Context(), 1, []string{"a", "b", "c"}, func(_ context.Context, name string) (string, error) { return name + "!", nil })
	for range 2 {
		var got []string
		for r := range seq {
			got = append(got, strconv.Itoa(r.Index)+r.Value)
		}
		if diff := cmp.Diff([]string{"0a!", "1b!", "2c!"}, got); diff != "" {
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
		for r := range fleet.Run(t.Context(), 3, numbers(len(seconds)), func(ctx context.Context, i int) (int, error) {
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
		name  string
		after time.Duration // 0: before Run
		hosts int
		begun int
	}{
		{"before", 0, 100, 0},
		{"running", time.Second, 100, 2},
		{"all begun", time.Second, 2, 2},
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
				for r := range fleet.Run(ctx, 2, numbers(tt.hosts), func(ctx context.Context, i int) (string, error) {
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
				for i := range tt.hosts {
					want = append(want, (i+tt.begun)%tt.hosts)
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
				for range fleet.Run(t.Context(), 4, numbers(100), func(ctx context.Context, i int) (int, error) {
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
