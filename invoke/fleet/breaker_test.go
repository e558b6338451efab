package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

const patience = 5 * time.Second

// named returns n hosts h0, h1, … that get the credential.
func named(n int, credential string) []fleet.Host {
	hosts := make([]fleet.Host, n)
	for i := range hosts {
		hosts[i] = fleet.Host{Name: "h" + strconv.Itoa(i), Credential: credential}
	}
	return hosts
}

// A move is what a host of a script does: at second comes it enters, and when it was let in and seconds have passed, it says what it says.
//
//	T takes the credential, R refuses it, - is not reached, t takes it and works on for a minute, H hangs until it is cut
type move struct {
	says    byte
	seconds float64
	comes   float64
}

// script reads moves: "R1 T0.5 H30@2".
func script(t *testing.T, text string) []move {
	t.Helper()
	var moves []move
	for f := range strings.FieldsSeq(text) {
		m := move{says: f[0]}
		if n, err := fmt.Sscanf(f[1:], "%g@%g", &m.seconds, &m.comes); n == 0 {
			t.Fatalf("%s: %v", f, err)
		}
		moves = append(moves, m)
	}
	return moves
}

// follow has the hosts of a script enter b, those that come at the same time in their order. It returns the second in which each was let
// in, and its error.
func follow(t *testing.T, b *fleet.Breaker, moves []move) (seconds []int, errs []error) {
	t.Helper()
	start := time.Now()
	seconds, errs = make([]int, len(moves)), make([]error, len(moves))
	var group sync.WaitGroup
	for i, h := range named(len(moves), "u") {
		group.Go(func() {
			// A nanosecond apart: one comes after the other.
			time.Sleep(time.Duration(moves[i].comes*float64(time.Second)) + time.Duration(i))
			a, err := b.Enter(t.Context(), h)
			seconds[i], errs[i] = int(time.Since(start)/time.Second), err
			if err == nil {
				_ = moves[i].play(t.Context(), a, h.Name) // what it says is for a
				a.Leave()
			}
		})
	}
	group.Wait()
	return seconds, errs
}

// play does the move as a host does.
func (m move) play(ctx context.Context, a *fleet.Attempt, host string) error {
	err := sleep(ctx, time.Duration(m.seconds*float64(time.Second)))
	switch {
	case err != nil:
		return err
	case m.says == 'T':
		a.Taken()
	case m.says == 't':
		a.Taken()
		return sleep(ctx, time.Minute)
	case m.says == 'R':
		err = errors.New("refused by " + host)
		a.Refused(err)
	}
	return err
}

// TestBreaker plays scripts. What each host did is told as the second in which it began, or x if it was not tried.
func TestBreaker(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		script string
		want   string
	}{
		{"the first is alone until it takes it", "T1 T1 T1 T1 T1", "0 1 1 1 1"},
		{"taken is told before the end", "t1 T1 T1 T1 T1", "0 1 1 1 1"},
		{"three refusals", "R1 R1 R1 T1 T1 T1", "0 1 2 x x x"},
		{"taken after a refusal", "R1 T1 T1 T1 T1", "0 1 2 2 2"},
		{"taken after two", "R1 R1 T1 T1 T1", "0 1 2 3 3"},
		{"two more whatever becomes of them", "R1 -1 -1 T1 T1", "0 1 2 x x"},
		{"unreachable hosts are no refusals", "-1 -1 -1 -1 -1 T1 T1 T1", "0 1 2 3 4 5 6 6"},
		{"unreachable hosts, then refusals", "-1 -1 -1 -1 R1 R1 R1 T1 T1", "0 1 2 3 4 5 6 x x"},
		{"patience with one that hangs", "H30 T1 T1 T1", "0 5 6 6"},
		{"at most three at a time", "H30 H30 H30 T1 T1", "0 5 10 30 31"},
		{"one that hangs holds up the next alone", "H30 -1 -1 T1 T1", "0 5 6 7 8"},
		{"patience after a refusal", "R1 H30 T1 T1 T1", "0 1 6 7 7"},
		{"refused while one hangs", "H30 R1 R1 T1 T1 T1", "0 5 6 30 31 31"},
		{"those begun before a refusal count", "R12 R12 R12 T1 T1", "0 5 10 x x"},
		{"one of them may still take it", "R12 T20 R12 T1 T1", "0 5 10 25 25"},
		{"one more may go when one of them is gone", "R12 -20 R12 T1 T1", "0 5 10 25 26"},
		{"a refusal of one among those that take it", "T1 R1 T2 T2 T2@2.5 T2@2.5 T2@2.5", "0 1 1 1 3 3 3"},
		{"refusals after it was taken", "T1 R1 R1 R1 R1 R1 R1 R1 T1@3 T1@3", "0 1 1 1 1 1 1 1 x x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				moves := script(t, tt.script)
				seconds, errs := follow(t, fleet.NewBreaker(patience), moves)
				got := make([]string, len(moves))
				for i, err := range errs {
					got[i] = fmt.Sprint(seconds[i])
					if _, ok := errors.AsType[*fleet.NotTriedError](err); ok {
						got[i] = "x"
					}
				}
				if got := strings.Join(got, " "); got != tt.want {
					t.Errorf("%s\n got %s\nwant %s", tt.script, got, tt.want)
				}
			})
		})
	}
}

// TestNotTried reads the error of hosts that are not tried.
func TestNotTried(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ script, message, first string }{
		{"R1 R1 R1 T1", "not tried: refused by h0, h1 and h2", "refused by h0"},
		{"-1 R1 R1 -1 T1", "not tried: refused by h1 and h2", "refused by h1"},
		{"T1 R1 R1.5 -1@3 -1@5 T1@7", "not tried: refused by h1 and h2", "refused by h1"},
		{"R1 H30 -1 T1", "not tried: refused by h0", "refused by h0"},
	} {
		synctest.Test(t, func(t *testing.T) {
			moves := script(t, tt.script)
			_, errs := follow(t, fleet.NewBreaker(patience), moves)
			last := errs[len(errs)-1]
			e, ok := errors.AsType[*fleet.NotTriedError](last)
			if !ok || e.Error() != tt.message || errors.Unwrap(e).Error() != tt.first {
				t.Errorf("%s: got %v (%v), want %s", tt.script, last, errors.Unwrap(last), tt.message)
			}
		})
	}
}

// TestEnter has all go once the first has taken it, and one refusal, told twice, stop nobody.
func TestEnter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fleet.NewBreaker(patience)
		first, err := b.Enter(t.Context(), fleet.Host{Name: "first", Credential: "u"})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var begun sync.Map
		var group sync.WaitGroup
		for _, name := range []string{"e0", "e1", "e2"} {
			group.Go(func() {
				a, err := b.Enter(t.Context(), fleet.Host{Name: name, Credential: "u"})
				begun.Store(name, time.Since(start))
				if err != nil {
					t.Error(err)
				}
				a.Taken()
				a.Leave()
			})
		}
		time.Sleep(time.Second)
		first.Taken()
		first.Taken()
		group.Wait()
		for _, who := range []string{"e0", "e1", "e2"} {
			if at, _ := begun.Load(who); at != time.Second {
				t.Errorf("%v began after %v, want a second", who, at)
			}
		}
		first.Refused(errors.New("late"))
		first.Refused(errors.New("later"))
		first.Leave()
		for range 2 {
			if _, err := b.Enter(t.Context(), fleet.Host{Name: "next", Credential: "u"}); err != nil {
				t.Error(err)
			}
			time.Sleep(patience)
		}
	})
}

// TestTakenOnce has a host that was let in before another one refused prove nothing by telling so again.
func TestTakenOnce(t *testing.T) {
	t.Parallel()
	b := fleet.NewBreaker(time.Hour)
	attempts := make([]*fleet.Attempt, 4)
	for i, h := range named(4, "u") {
		var err error
		if attempts[i], err = b.Enter(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		attempts[0].Taken()
	}
	for _, a := range attempts[1:] {
		a.Refused(errors.New("no"))
		attempts[0].Taken()
	}
	_, err := b.Enter(t.Context(), fleet.Host{Name: "next", Credential: "u"})
	if _, ok := errors.AsType[*fleet.NotTriedError](err); !ok {
		t.Errorf("Enter after three refusals: %v", err)
	}
}

// TestEnterLine has those in Enter go in the order in which they came, and one whose context ends give its turn away.
func TestEnterLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fleet.NewBreaker(time.Hour)
		first, err := b.Enter(t.Context(), fleet.Host{Name: "first", Credential: "u"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		contexts := []context.Context{t.Context(), ctx}
		var mu sync.Mutex
		var order []int
		var group sync.WaitGroup
		for i := range 6 {
			group.Go(func() {
				a, err := b.Enter(contexts[i%2], fleet.Host{Name: "next", Credential: "u"})
				if i%2 == 1 {
					if a != nil || !errors.Is(err, fleet.ErrNotAdmitted) || !errors.Is(err, context.Canceled) {
						t.Errorf("%d: Enter = %v, %v", i, a, err)
					}
					return
				}
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				a.Leave()
			})
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		first.Leave()
		group.Wait()
		if diff := cmp.Diff([]int{0, 2, 4}, order); diff != "" {
			t.Error(diff)
		}
		if _, err := b.Enter(ctx, fleet.Host{Name: "next"}); !errors.Is(err, fleet.ErrNotAdmitted) || !errors.Is(err, context.Canceled) {
			t.Errorf("Enter of a context that has ended: %v", err)
		}
	})
}

// TestEnterRace ends contexts at the moment in which their turn comes: no turn is lost.
func TestEnterRace(t *testing.T) {
	t.Parallel()
	b := fleet.NewBreaker(time.Hour)
	var entered atomic.Int64
	var group sync.WaitGroup
	for i := range 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		group.Go(func() {
			if a, err := b.Enter(ctx, fleet.Host{Name: "h", Credential: "u"}); err == nil {
				entered.Add(1)
				a.Leave()
			}
		})
		group.Go(func() {
			if i%2 == 0 {
				cancel()
			}
		})
		t.Cleanup(cancel)
	}
	group.Wait()
	if entered.Load() < 1000 {
		t.Errorf("%d entered, want at least the 1000 that were not cancelled", entered.Load())
	}
	a, err := b.Enter(t.Context(), fleet.Host{Name: "last", Credential: "u"})
	if err != nil {
		t.Fatal(err)
	}
	a.Leave()
}

// TestEnterTooLate has a turn come just when the context of whoever waits for it has ended: it is not lost with it.
func TestEnterTooLate(t *testing.T) {
	t.Parallel()
	for range 200 { // the two race
		synctest.Test(t, func(t *testing.T) {
			b := fleet.NewBreaker(time.Hour)
			h := fleet.Host{Name: "h", Credential: "u"}
			first, err := b.Enter(t.Context(), h)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if a, err := b.Enter(ctx, h); err == nil {
					a.Leave()
				}
			}()
			synctest.Wait()
			cancel()
			first.Leave()
			start := time.Now()
			if _, err := b.Enter(t.Context(), h); err != nil || time.Since(start) != 0 {
				t.Errorf("the next waited for %v, %v", time.Since(start), err)
			}
		})
	}
}

// TestNoCredential has hosts that get no credential neither wait nor count.
func TestNoCredential(t *testing.T) {
	t.Parallel()
	b := new(fleet.Breaker)
	for range 10 {
		a, err := b.Enter(t.Context(), fleet.Host{Name: "anonymous"})
		if err != nil {
			t.Fatal(err)
		}
		a.Refused(errors.New("no"))
	}
	var none *fleet.Attempt
	none.Taken()
	none.Refused(nil)
	none.Leave()
}
