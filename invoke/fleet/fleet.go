package fleet

import (
	"context"
	"iter"
	"sync"
)

// DefaultParallel is how many hosts are at work at the same time when Config.Parallel is zero.
const DefaultParallel = 64

// A Host is what [Run] and a [Breaker] know of a host.
type Host struct {
	// Name is what messages call it.
	Name string
	// Credential is the same for all hosts that get the same user and password. "" is for a host that gets none: it never waits.
	Credential string
}

// Config configures [Run]. The zero value, like a nil *Config, is usable.
type Config struct {
	// Parallel is how many hosts are at work at the same time. If zero or less, DefaultParallel.
	Parallel int
	// Breaker keeps a wrong password from going to all hosts. If nil, one of this run alone, with DefaultPatience.
	Breaker *Breaker
}

// A Result is what came of one host.
type Result[T any] struct {
	Index int // in the list of hosts
	Value T   // what do returned, also beside an error
	Err   error
}

// Run calls do once for each host, at most cfg.Parallel at a time, and yields exactly one result for each, in the order in which they
// end. It begins hosts in the order of the list; one whose credential it has to wait for is passed by the others, and holds no place.
//
// do is called by several goroutines. It tells a what the host says of its credential; its context ends with ctx, and when the loop
// is left early. Run returns when every call has, so do has to heed its context. A panic of do ends the program.
//
// When ctx ends, each host that was not begun yields [context.Cause] of ctx at once. A host whose credential others have refused
// yields a [*NotTriedError]. All other errors are those of do.
func Run[T any](ctx context.Context, cfg *Config, hosts []Host, do func(ctx context.Context, i int, a *Attempt) (T, error)) iter.Seq[Result[T]] {
	return func(yield func(Result[T]) bool) {
		var c Config
		if cfg != nil {
			c = *cfg
		}
		if c.Parallel <= 0 {
			c.Parallel = DefaultParallel
		}
		if c.Breaker == nil {
			c.Breaker = NewBreaker(DefaultPatience)
		}
		working, cancel := context.WithCancel(ctx)
		r := &run[T]{parallel: c.Parallel, todo: newSchedule(c.Breaker, hosts), jobs: make(chan job), results: make(chan Result[T])}
		r.do = func(j job) (T, error) { return do(working, j.host, j.attempt) }
		defer r.stop()
		defer cancel()
		for range hosts {
			if !yield(r.next(ctx)) {
				return
			}
		}
	}
}

// A run is a pool of workers. All but work belongs to the goroutine that takes the results.
type run[T any] struct {
	parallel int
	todo     *schedule
	do       func(job) (T, error)

	jobs          chan job
	results       chan Result[T]
	workers, busy int
	ended         sync.WaitGroup
}

// next gives out work while there is some, and returns the next result. There must be one to come.
func (r *run[T]) next(ctx context.Context) Result[T] {
	for {
		for r.busy < r.parallel && ctx.Err() == nil {
			j, ok := r.todo.next()
			if !ok {
				break
			}
			if j.err != nil {
				return Result[T]{Index: j.host, Err: j.err}
			}
			r.begin(j)
		}
		ended := ctx.Done()
		if ctx.Err() != nil {
			if i, ok := r.todo.drop(); ok {
				return Result[T]{Index: i, Err: context.Cause(ctx)}
			}
			ended = nil // what is left to come is at work
		}
		select {
		case result := <-r.results:
			r.busy--
			return result
		case <-r.todo.wake:
		case <-ended:
		}
	}
}

// begin hands j to a worker that is free, or to a new one.
func (r *run[T]) begin(j job) {
	if r.busy++; r.busy <= r.workers {
		r.jobs <- j
		return
	}
	r.workers++
	r.ended.Go(func() { r.work(j) })
}

func (r *run[T]) work(j job) {
	for ok := true; ok; j, ok = <-r.jobs {
		value, err := r.do(j)
		j.attempt.Leave() // before the result can be seen: it may be what others wait for
		r.results <- Result[T]{Index: j.host, Value: value, Err: err}
	}
}

// stop waits for the workers.
func (r *run[T]) stop() {
	close(r.jobs)
	for ; r.busy > 0; r.busy-- {
		<-r.results
	}
	r.ended.Wait()
}
