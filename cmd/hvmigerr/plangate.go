package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// A gate lets the password of a session go to its host, once for each connection, and tells the breaker of the run what becomes of it
// there. All but admit may be called on nil: no password goes to the host then.
type gate struct {
	breaker *fleet.Breaker
	host    fleet.Host

	mu      sync.Mutex
	attempt *fleet.Attempt // of the newest connection; nil if it has none
	// anew is how long a wait must have been for the question to begin anew after it, with all of its time; 0: it goes on.
	anew    time.Duration
	granted bool // attempt is for the next connection
}

// errAnew says that the host has its turn now, and that its question had better begin anew.
var errAnew = fmt.Errorf("its turn has come: %w", fleet.ErrNotAdmitted)

// admit waits until the password may go to the host. See [transport.Config].
func (g *gate) admit(ctx context.Context) error {
	if g.takeGranted() {
		return nil
	}
	g.become(nil) // whoever asks again has lost the connection before, and would wait for itself
	began := time.Now()
	attempt, err := g.breaker.Enter(ctx, g.host)
	if err != nil {
		return err
	}
	g.become(attempt)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.anew > 0 && time.Since(began) >= g.anew {
		g.granted = true
		return errAnew
	}
	return nil
}

// takeGranted tells that the newest attempt has not been used.
func (g *gate) takeGranted() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	granted := g.granted
	g.granted = false
	return granted
}

// beginAnew lets admit ask for a question to begin anew after a wait of that length, or none if it is 0.
func (g *gate) beginAnew(after time.Duration) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.anew = after
}

// become ends the attempt of the connection before.
func (g *gate) become(attempt *fleet.Attempt) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.attempt.Leave()
	g.attempt = attempt
}

// taken tells that the host takes the password.
func (g *gate) taken() { g.current().Taken() }

// refused tells that it does not.
func (g *gate) refused(err error) { g.current().Refused(err) }

// lost tells that the host has the password and has not said whether it takes it. A turn that was not used stays.
func (g *gate) lost() {
	a := g.current()
	if a == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.granted {
		a.Lost()
	}
}

// leave tells that no more will be known.
func (g *gate) leave() { g.current().Leave() }

// current returns the newest attempt.
func (g *gate) current() *fleet.Attempt {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.attempt
}
