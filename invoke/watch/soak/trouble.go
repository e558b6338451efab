package main

import (
	"context"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A fleet is the simulated hosts, with a gate for each that lets it stall.
type fleet struct {
	*wsmantest.Fleet
	gates []*gate
}

// A gate is the clock of a host. While it is shut nobody learns the time, and so no request is answered.
type gate struct{ lock sync.RWMutex }

func newGate() *gate { return new(gate) }

func (g *gate) now() time.Time {
	g.lock.RLock()
	defer g.lock.RUnlock()
	return time.Now()
}

// makeTrouble lets happen what the scenario says, until it is quiet or ctx ends. The function that it returns waits for that,
// and returns when each host did not answer.
func makeTrouble(ctx context.Context, s *scenario, f *fleet) (wait func() [][]span) {
	downs := make([][]span, len(s.troubles))
	var all sync.WaitGroup
	for i, list := range s.troubles {
		all.Go(func() {
			for _, t := range list {
				if pause(ctx, time.Until(t.at)) != nil {
					return
				}
				if from := time.Now(); t.happen(ctx, f, i) {
					downs[i] = append(downs[i], span{from, time.Now()})
				}
			}
		})
	}
	return func() [][]span {
		all.Wait()
		return downs
	}
}

// happen lets a trouble come over a host, and returns when it is over. It tells whether the host was away.
func (t *trouble) happen(ctx context.Context, f *fleet, i int) bool {
	switch t.kind {
	case cut:
		f.Cut(i)
		return false
	case stall:
		f.gates[i].lock.Lock()
		_ = pause(ctx, t.lasts)
		f.gates[i].lock.Unlock()
	default:
		_ = f.Host(i).Close()
		_ = pause(ctx, t.lasts)
		for f.Host(i).Start() != nil { //nolint:contextcheck // Close ends it; somebody else may have its port
			if pause(ctx, 50*time.Millisecond) != nil {
				break
			}
		}
	}
	return true
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
