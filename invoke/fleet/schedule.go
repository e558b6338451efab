package fleet

import (
	"slices"
	"sync"
)

// A job is a host that may go, or may not any more: then err is set.
type job struct {
	host    int
	attempt *Attempt
	err     error
}

// A schedule says which host is next. All but woken belongs to one goroutine.
type schedule struct {
	breaker *Breaker
	hosts   []Host

	given   []bool            // the hosts that next or drop has returned
	passed  int               // hosts before this one were looked at
	dropped int               // hosts before this one were given
	queues  map[string]*queue // by credential

	wake  chan struct{} // tells that woken has grown
	mu    sync.Mutex
	woken []*queue // the queues to look at again: few, since each was passed for a host at work
}

// A queue holds the hosts that wait for one credential, in order.
type queue struct{ hosts []int }

func newSchedule(b *Breaker, hosts []Host) *schedule {
	return &schedule{breaker: b, hosts: hosts, given: make([]bool, len(hosts)), queues: map[string]*queue{}, wake: make(chan struct{}, 1)}
}

// next returns the first host that needs not wait, if there is one now. If not, wake tells when there may be.
func (s *schedule) next() (job, bool) {
	for q := s.first(); q != nil; q = s.first() {
		j, ok := s.try(q.hosts[0], q)
		if ok {
			q.hosts = q.hosts[1:]
		}
		if !ok || len(q.hosts) == 0 {
			s.remove(q)
		}
		if ok {
			return j, true
		}
	}
	for s.passed < len(s.hosts) {
		i := s.passed
		s.passed++
		q := s.queue(s.hosts[i].Credential)
		if len(q.hosts) == 0 {
			if j, ok := s.try(i, q); ok {
				return j, true
			}
		}
		q.hosts = append(q.hosts, i)
	}
	return job{}, false
}

// drop returns the first host that was not given yet.
func (s *schedule) drop() (int, bool) {
	for ; s.dropped < len(s.given); s.dropped++ {
		if !s.given[s.dropped] {
			s.given[s.dropped] = true
			return s.dropped, true
		}
	}
	return 0, false
}

// try asks for host i to go. If it has to wait, q is woken when that may have changed.
func (s *schedule) try(i int, q *queue) (job, bool) {
	a, err := s.breaker.try(s.hosts[i], func() { s.awake(q) })
	if a == nil && err == nil {
		return job{}, false
	}
	s.given[i] = true
	return job{host: i, attempt: a, err: err}, true
}

func (s *schedule) queue(credential string) *queue {
	q := s.queues[credential]
	if q == nil {
		q = &queue{}
		s.queues[credential] = q
	}
	return q
}

// awake is called by any goroutine, at most once for each time that q had to wait.
func (s *schedule) awake(q *queue) {
	s.mu.Lock()
	s.woken = append(s.woken, q)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it is told already
	}
}

// first returns the woken queue whose first host comes first in the list of hosts, or nil.
func (s *schedule) first() *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.woken) == 0 {
		return nil
	}
	return slices.MinFunc(s.woken, func(a, b *queue) int { return a.hosts[0] - b.hosts[0] })
}

// remove takes q out once: it may have been woken again since.
func (s *schedule) remove(q *queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.woken, q)
	s.woken = slices.Delete(s.woken, i, i+1)
}
