package fleet

import (
	"context"
	"iter"
	"sync"
)

// DefaultParallel is how many hosts are at work at the same time when [Run] is not told.
const DefaultParallel = 64

// A Result is what came of one host.
type Result[T any] struct {
	Index int // in the list of hosts
	Value T   // what do returned, also beside an error
	Err   error
}

// Run calls do once for each host, at most parallel at a time, and yields exactly one result for each, in the order in which they end.
// It begins hosts in the order of the list. If parallel is zero or less, it is DefaultParallel.
//
// do is called by several goroutines. Its context ends with ctx, and when the loop is left early. Run returns when every call has, so
// do has to heed its context. A panic of do ends the program.
//
// When ctx ends, each host that was not begun yields [context.Cause] of ctx at once. All other errors are those of do.
func Run[H, T any](ctx context.Context, parallel int, hosts []H, do func(ctx context.Context, h H) (T, error)) iter.Seq[Result[T]] {
	if parallel <= 0 {
		parallel = DefaultParallel
	}
	return func(yield func(Result[T]) bool) {
		working, cancel := context.WithCancel(ctx)
		r := &run[T]{hosts: len(hosts), parallel: parallel, jobs: make(chan int), results: make(chan Result[T])}
		r.do = func(i int) (T, error) { return do(working, hosts[i]) }
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
	hosts, parallel int
	do              func(i int) (T, error)

	given         int // hosts before this one were begun, or have yielded
	jobs          chan int
	results       chan Result[T]
	workers, busy int
	ended         sync.WaitGroup
}

// next gives out work while there is some, and returns the next result. There must be one to come.
func (r *run[T]) next(ctx context.Context) Result[T] {
	for r.given < r.hosts && r.busy < r.parallel && ctx.Err() == nil {
		r.begin(r.given)
		r.given++
	}
	if r.given == r.hosts { // what is left to come is at work
		return r.result(<-r.results)
	}
	if ctx.Err() == nil {
		select {
		case result := <-r.results:
			return r.result(result)
		case <-ctx.Done():
		}
	}
	r.given++
	return Result[T]{Index: r.given - 1, Err: context.Cause(ctx)}
}

// result returns what a worker gave, who is free now.
func (r *run[T]) result(result Result[T]) Result[T] {
	r.busy--
	return result
}

// begin hands host i to a worker that is free, or to a new one.
func (r *run[T]) begin(i int) {
	if r.busy++; r.busy <= r.workers {
		r.jobs <- i
		return
	}
	r.workers++
	r.ended.Go(func() { r.work(i) })
}

func (r *run[T]) work(i int) {
	for ok := true; ok; i, ok = <-r.jobs {
		value, err := r.do(i)
		r.results <- Result[T]{Index: i, Value: value, Err: err}
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
