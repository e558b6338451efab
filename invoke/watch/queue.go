package watch

import "sync"

// maxQueued bounds the events that wait for the loop.
const maxQueued = 1024

// A queue hands events from the hosts to the loop, in order.
type queue struct {
	room   chan struct{} // holds a token for each event that waits
	filled chan struct{} // holds a token when events may be waiting
	left   chan struct{} // closed when the loop takes no more

	mu     sync.Mutex
	events []*Event
	// progress holds the event of progress of each job that has one waiting: the next one takes its place.
	progress map[progressKey]*Event
}

type progressKey struct {
	host *Host
	job  string
}

func newQueue(size int) *queue {
	return &queue{
		room: make(chan struct{}, size), filled: make(chan struct{}, 1), left: make(chan struct{}),
		progress: map[progressKey]*Event{},
	}
}

// put adds e. It waits for room, and drops e only when the loop has ended.
func (q *queue) put(e *Event) {
	if q.replace(e) {
		return
	}
	select {
	case q.room <- struct{}{}:
	case <-q.left:
		return
	}
	q.mu.Lock()
	q.events = append(q.events, e)
	if e.Kind == JobProgress {
		q.progress[e.progressKey()] = e
	}
	q.mu.Unlock()
	select {
	case q.filled <- struct{}{}:
	default: // the loop is told already
	}
}

// replace puts an event of progress in the place of one of the same job that waits.
func (q *queue) replace(e *Event) bool {
	if e.Kind != JobProgress {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.progress[e.progressKey()]
	if waiting == nil {
		return false
	}
	*waiting = *e
	return true
}

func (e *Event) progressKey() progressKey { return progressKey{e.Host, jobKey(e.Job)} }

// take returns the next event, or nil when nothing waits and over is closed.
func (q *queue) take(over <-chan struct{}) *Event {
	for {
		if e := q.next(); e != nil {
			return e
		}
		select {
		case <-q.filled:
		case <-over:
			return q.next()
		}
	}
}

func (q *queue) next() *Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return nil
	}
	e := q.events[0]
	q.events[0] = nil
	if q.events = q.events[1:]; len(q.events) == 0 {
		q.events = nil // lets go of what a burst has taken
	}
	if e.Kind == JobProgress {
		delete(q.progress, e.progressKey())
	}
	<-q.room
	return e
}
