package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// An outgoing is an event on its way out.
type outgoing struct {
	event *watch.Event
	text  []byte // for stdout
	line  []byte // for the journal, if it goes there
}

// maxBatch bounds the events that are printed and recorded together.
const maxBatch = 256

// patiently lets nobody wait for long who watches, be it for stdout or for stderr, and returns what ends that. Until then events alone go
// to stdout, by w.stdout; after it nothing does.
func (w *watcher) patiently(ctx context.Context) (back func()) {
	w.out, w.app.out = w.app.out.w, &output{w: bufio.NewWriter(io.Discard)}
	over := make(chan struct{})
	w.over = over
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(patience, func() { close(over) })
	})
	lower := func() {}
	if w.board != nil {
		lower = w.board.raise(w.app.stderr)
	}
	restore := w.app.patientStderr()
	return func() {
		stop()
		if _, waiting, _ := w.stdout.state(); waiting {
			return // somebody holds the terminal, and nothing can be given back
		}
		if w.board != nil {
			w.board.close()
		}
		if restore() {
			lower()
		}
	}
}

// flush prints the events of the batch, and then records them: after a crash in between they are told again, and never missing. A
// journal does not wait for long for stdout; without one there is nothing else to do.
func (w *watcher) flush() error {
	batch := w.batch
	if w.batch = nil; len(batch) == 0 {
		return nil
	}
	if err := w.print(batch); err != nil {
		return err
	}
	w.record(batch)
	return nil
}

// print has events printed, and waits for that as long as flush tells.
func (w *watcher) print(batch []outgoing) error {
	p := &printing{write: func() error { return w.write(batch) }}
	for _, t := range batch {
		p.size += len(t.text)
		if t.event.Kind != watch.JobProgress {
			p.events++
		}
	}
	_, waiting, err := w.stdout.state()
	if err != nil {
		return w.printed(err)
	}
	if w.stalled = w.stalled && waiting; !w.stdout.add(p) {
		w.unseen += p.events
		return nil
	}
	if w.stalled {
		return nil
	}
	var late <-chan time.Time
	if w.journal != nil {
		late = time.After(patience)
	}
	select {
	case <-p.done:
		_, _, err := w.stdout.state()
		return w.printed(err)
	case <-late:
		w.stalled = true
		w.app.note("stdout does not take what is printed; going on for the journal")
	case <-w.over:
		w.stalled = true
	}
	return nil
}

// write writes events to stdout.
func (w *watcher) write(batch []outgoing) error {
	var text []byte
	for _, t := range batch {
		text = append(text, t.text...)
	}
	if w.board == nil {
		_, err := w.out.Write(text)
		return cmp.Or(err, w.out.Flush())
	}
	return w.board.print(text, func(s *screen) {
		for _, t := range batch {
			s.take(t.event, w.hosts.of(t.event).planned.target.label)
		}
		w.status(s)
	})
}

// redraw draws the screen of a terminal anew, unless that is still busy.
func (w *watcher) redraw() error {
	_, waiting, err := w.stdout.state()
	if err == nil && !waiting {
		w.stdout.add(&printing{write: func() error { return w.board.refresh(w.status) }})
	}
	return w.printed(err)
}

// printed says what becomes of a watch whose stdout has answered err. Without a journal it ends. With one it goes on: the jobs would
// be lost, and nothing else records them.
func (w *watcher) printed(err error) error {
	switch {
	case err == nil || w.muted != nil:
		return nil //nolint:nilerr // the first one was told
	case w.journal == nil && gone(err):
		return errReaderGone
	case w.journal == nil:
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.muted = err
	w.app.note("writing the answer: %v; going on for the journal alone", err)
	return nil
}

// gone tells the error of a stdout that nobody reads any more.
func gone(err error) bool { return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) }

// finish waits until stdout has taken everything, or ctx has ended a while ago, and counts what it has not.
func (w *watcher) finish() {
	last := &printing{write: func() error { return nil }}
	if w.stdout.add(last) {
		select {
		case <-last.done:
		case <-w.over:
		}
	}
	events, _, err := w.stdout.state()
	w.unseen += events
	_ = w.printed(err)
}
