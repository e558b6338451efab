package main

import (
	"context"
	"sync"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// A gate lets the password of a session go to its host, once for each connection, and tells the breaker of the run what becomes of it
// there. All but admit may be called on nil: no password goes to the host then.
type gate struct {
	breaker *fleet.Breaker
	host    fleet.Host

	mu      sync.Mutex
	attempt *fleet.Attempt // of the newest connection; nil if it has none
}

// admit waits until the password may go to the host. See [transport.Config].
func (g *gate) admit(ctx context.Context) error {
	g.become(nil) // whoever asks again has lost the connection before, and would wait for itself
	attempt, err := g.breaker.Enter(ctx, g.host)
	if err == nil {
		g.become(attempt)
	}
	return err
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
