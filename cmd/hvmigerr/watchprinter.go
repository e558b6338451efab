package main

import (
	"io"
	"sync"
	"time"
)

// A printer writes in a goroutine of its own, in order, what may have to wait for somebody to read it. The zero value is ready.
type printer struct {
	mu      sync.Mutex
	queue   []*printing // what is not written; the first is being written
	size    int         // of the queue
	running bool
	err     error // of the first write that failed; nothing is written after it
}

// A printing is one thing to write.
type printing struct {
	size, events int // bytes in it, and events that have to come out
	write        func() error
	done         chan struct{} // closed when that is over
}

// maxUnprinted bounds what waits for a reader, in bytes.
const maxUnprinted = 32 << 20

// add puts p behind what waits, and reports whether there is room.
func (q *printer) add(p *printing) bool {
	p.done = make(chan struct{})
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) > 0 && q.size+p.size > maxUnprinted {
		return false
	}
	q.queue = append(q.queue, p)
	q.size += p.size
	if !q.running {
		q.running = true
		go q.run()
	}
	return true
}

// run writes until nothing waits.
func (q *printer) run() {
	for {
		q.mu.Lock()
		if len(q.queue) == 0 {
			q.running, q.queue = false, nil
			q.mu.Unlock()
			return
		}
		p, err := q.queue[0], q.err
		q.mu.Unlock()
		if err == nil {
			err = p.write()
		}
		q.mu.Lock()
		q.queue[0] = nil
		q.queue, q.size, q.err = q.queue[1:], q.size-p.size, err
		q.mu.Unlock()
		close(p.done)
	}
}

// state returns how many events wait, whether anything does, and the error of the first write that failed.
func (q *printer) state() (events int, waiting bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range q.queue {
		events += p.events
	}
	return events, len(q.queue) > 0, q.err
}

// patience is how long a watch waits for who reads stdout, or stderr, when it has something else to do.
const patience = time.Second

// A patientWriter is a stream that is waited for no longer than that; once it was, it is not waited for until it takes everything again.
type patientWriter struct {
	w       io.Writer
	printer printer
	mu      sync.Mutex // of stalled
	stalled bool
}

// Write writes p, if need be later; what there is no room to keep is lost.
func (w *patientWriter) Write(p []byte) (int, error) {
	text := append([]byte(nil), p...)
	job := &printing{size: len(text), write: func() error {
		_, err := w.w.Write(text)
		return err
	}}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, waiting, _ := w.printer.state(); !waiting {
		w.stalled = false
	}
	if !w.printer.add(job) || w.stalled {
		return len(p), nil
	}
	select {
	case <-job.done:
	case <-time.After(patience):
		w.stalled = true
	}
	return len(p), nil
}

// patientStderr makes nobody wait for long for stderr, until the function that it returns is called. That returns false, and changes
// nothing, while something waits for stderr.
func (a *app) patientStderr() (back func() bool) {
	lines, ok := a.stderr.(*wholeLines)
	if !ok {
		return func() bool { return true }
	}
	lines.mu.Lock()
	defer lines.mu.Unlock()
	plain := lines.w
	patient := &patientWriter{w: plain}
	lines.w = patient
	return func() bool {
		lines.mu.Lock()
		defer lines.mu.Unlock()
		_, waiting, _ := patient.printer.state()
		if !waiting {
			lines.w = plain
		}
		return !waiting
	}
}
