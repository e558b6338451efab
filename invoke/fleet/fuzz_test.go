package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// A drill is a random list of hosts that share one Breaker.
type drill struct {
	t     *testing.T
	start time.Time
	hosts []fleet.Host
	moves []move

	mu      sync.Mutex
	results []int
	sums    map[string]*sum
}

// A sum is what the drill has seen of one credential.
type sum struct {
	taken    bool
	refused  int
	begun    int               // since the first refusal
	working  map[int]time.Time // hosts that have said nothing, by when they began; zero if the credential was known to be right then
	refusers []string
}

// FuzzBreaker has random hosts take, refuse, leave and hang, and holds the Breaker to its promises.
func FuzzBreaker(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		seed := make([]byte, 2+random.IntN(100))
		for i := range seed {
			seed[i] = byte(random.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		synctest.Test(t, func(t *testing.T) { newDrill(t, in).run() })
	})
}

// newDrill reads three bytes a host. All moments at which a host says something differ, from each other and from those at which one
// comes, so that the order of what it causes is known: each host adds a bit of its own, far below a second, to the time that it takes.
func newDrill(t *testing.T, in []byte) *drill {
	t.Helper()
	d := &drill{t: t, start: time.Now(), sums: map[string]*sum{}}
	for b := range slices.Chunk(in, 3) {
		if len(b) < 3 || len(d.hosts) == 28 {
			break
		}
		i := len(d.hosts)
		d.hosts = append(d.hosts, fleet.Host{Name: fmt.Sprint(i), Credential: []string{"", "a", "b", "c"}[b[0]%4]})
		says := "RRTt-H"[b[1]%6]
		seconds := float64(b[2]%16) + (time.Duration(1) << i).Seconds()
		if says == 'H' {
			seconds += 30
		}
		d.moves = append(d.moves, move{says: says, seconds: seconds, comes: 7 * float64(b[0]/4%3)})
	}
	d.results = make([]int, len(d.hosts))
	for _, name := range []string{"", "a", "b", "c"} {
		d.sums[name] = &sum{working: map[int]time.Time{}}
	}
	return d
}

func (d *drill) run() {
	b := fleet.NewBreaker(patience)
	var group sync.WaitGroup
	for i, h := range d.hosts {
		group.Go(func() {
			time.Sleep(time.Duration(d.moves[i].comes) * time.Second)
			a, err := b.Enter(d.t.Context(), h)
			if err == nil {
				err = d.host(d.t.Context(), i, a)
				a.Leave()
			}
			d.ended(i, err)
		})
	}
	group.Wait()
	// Whoever waits does so for a host at work. So there is one at all times, once the last has come.
	all := 14 * time.Second
	for i, m := range d.moves {
		all += time.Duration(m.seconds * float64(time.Second))
		if m.says == 't' {
			all += time.Minute
		}
		if d.results[i] != 1 {
			d.t.Errorf("host %d: %d results", i, d.results[i])
		}
	}
	if took := time.Since(d.start); took > all {
		d.t.Errorf("took %v, the last comes after 14 s, and one host after another takes until %v", took, all)
	}
}

// host plays the move of host i. What it says is noted before the Breaker is told, so that what follows comes after it.
func (d *drill) host(ctx context.Context, i int, a *fleet.Attempt) error {
	d.begins(i)
	m := d.moves[i]
	err := sleep(ctx, time.Duration(m.seconds*float64(time.Second)))
	d.says(i, m.says)
	return errors.Join(err, move{says: m.says}.play(ctx, a, d.hosts[i].Name))
}

func (d *drill) begins(i int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sums[d.hosts[i].Credential]
	if d.hosts[i].Credential == "" {
		return
	}
	if s.taken {
		s.working[i] = time.Time{}
		return
	}
	for other, since := range s.working {
		if time.Since(since) < patience {
			d.t.Errorf("host %d begins %v after host %d, which has said nothing yet", i, time.Since(since), other)
		}
	}
	s.working[i] = time.Now()
	if n := s.refused + len(s.working); n > 3 {
		d.t.Errorf("host %d begins, and %d have refused or may", i, n)
	}
	if s.refused > 0 {
		s.begun++
	}
	if s.begun > 2 {
		d.t.Errorf("host %d is the %dth since the first refusal", i, s.begun)
	}
}

func (d *drill) says(i int, what byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sums[d.hosts[i].Credential]
	delete(s.working, i)
	switch what {
	case 'T', 't':
		s.taken, s.refused, s.begun, s.refusers = true, 0, 0, nil
	case 'R':
		s.taken = false
		s.refused++
		s.refusers = append(s.refusers, d.hosts[i].Name)
	}
}

// ended checks the result of host i.
func (d *drill) ended(i int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.results[i]++
	s := d.sums[d.hosts[i].Credential]
	e, ok := errors.AsType[*fleet.NotTriedError](err)
	if !ok {
		return
	}
	if d.hosts[i].Credential == "" || s.taken || len(s.refusers) == 0 {
		d.t.Errorf("host %d was not tried, and no host refuses", i)
		return
	}
	if !slices.Equal(e.RefusedBy, s.refusers[:min(3, len(s.refusers))]) {
		d.t.Errorf("host %d: %v, want %v", i, e, s.refusers)
	}
	if s.refused < 3 && s.begun < 2 {
		d.t.Errorf("host %d was not tried after %d refusals and %d more hosts", i, s.refused, s.begun)
	}
}
