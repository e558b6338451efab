package watch

import (
	"cmp"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// How long pauses may be.
const (
	defaultRemoval = 5 * time.Minute // for which Windows keeps a job that has ended (facts/wire-format.md §10)
	minPause       = 100 * time.Millisecond
	leastPause     = time.Second // that a job asks for which others outlive
	firstRetry     = time.Second
	maxRetry       = time.Minute
	jitter         = 0.1 // the part of a pause by which it varies
	perRemoval     = 4   // polls within the time for which a job is kept
)

// A pace finds the pauses between the polls of one host.
type pace struct {
	fast, idle time.Duration
	// removal is the shortest time for which the host keeps a job, by the last list that told; zero while none has.
	removal time.Duration
	last    time.Duration               // before jitter; zero before the first poll
	random  rand.PCG                    // hosts differ in it, and one host has the same pauses in each run
	retries *backoff.ExponentialBackOff // nil while polls are answered
}

// learn takes in what a list says of how long jobs are kept. One job that says to be kept hardly at all among others that are kept for
// longer does not make a host be asked all the time; a list without jobs changes nothing.
func (p *pace) learn(list []*invoke.MigrationJob) {
	var shortest, longest time.Duration
	for _, j := range list {
		if d := deref(j.TimeBeforeRemoval); d > 0 {
			shortest, longest = min(cmp.Or(shortest, d), d), max(longest, d)
		}
	}
	if longest > 0 {
		p.removal = max(shortest, min(longest, perRemoval*leastPause))
	}
}

// keeps returns for how long the host keeps a job that has ended, at the least.
func (p *pace) keeps() time.Duration { return cmp.Or(p.removal, defaultRemoval) }

// longest returns the longest pause that still lets each job be seen after its end.
func (p *pace) longest() time.Duration { return max(p.keeps()/perRemoval, minPause) }

// next returns the pause after a poll that was answered: the fast one while there is something to see, and then twice the last one until
// it is as long as on an idle host.
func (p *pace) next(busy bool) time.Duration {
	switch {
	case busy:
		p.last = p.fast
	case p.last == 0:
		p.last = p.idle
	default:
		p.last = min(2*p.last, p.idle)
	}
	p.retries = nil
	return p.vary(p.last)
}

// rest returns how long after a poll, which took as long as told, the next one may wait while there is more to ask the host: polls take a
// fifth of the time at most, if that is not too late for a job that ends meanwhile.
func (p *pace) rest(took time.Duration) time.Duration { return min(max(p.fast, 4*took), p.longest()) }

// slower returns the pause after a poll that the host had no room for.
func (p *pace) slower() time.Duration {
	p.last = min(2*max(p.last, p.fast), max(p.idle, p.longest()))
	return p.vary(p.last)
}

// retry returns the pause before a lost host is tried again.
func (p *pace) retry() time.Duration {
	if p.retries == nil {
		p.retries = newBackOff(min(maxRetry, p.longest()))
	}
	return min(p.retries.NextBackOff(), maxRetry, p.longest())
}

// slowRetry returns the pause before a host is asked again that had nothing to be watched.
func (p *pace) slowRetry() time.Duration { return p.vary(min(maxRetry, p.longest())) }

// newBackOff returns pauses from a second on, or limit if that is shorter, each twice the last, up to limit.
func newBackOff(limit time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: min(firstRetry, limit), MaxInterval: limit, Multiplier: 2, RandomizationFactor: jitter,
	}
}

// vary returns d or about that, never more than longest and never less than minPause.
func (p *pace) vary(d time.Duration) time.Duration {
	d = min(d, time.Duration(float64(p.longest())/(1+jitter)))
	part := float64(p.random.Uint64()>>11) / (1 << 53) // from 0 to 1
	return max(time.Duration(float64(d)*(1-jitter+2*jitter*part)), minPause)
}
