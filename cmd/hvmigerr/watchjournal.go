package main

import (
	"errors"
	"fmt"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// A recorder is what a watch writes its journal with; [*watch.Journal] is one.
type recorder interface {
	Recorded(id string) bool
	AppendAll(records ...watch.Record) error
	Close() error
}

// A recordError is the end of a watch with a journal that could not print or record everything when it was due. It is the end also
// when a signal came.
type recordError struct{ err error }

func (e *recordError) Error() string { return e.err.Error() }

// openJournal opens the journal of --journal, if there is one. That it cannot be is a usage error: nothing was asked yet.
func (w *watcher) openJournal() error {
	name := w.flags.journal
	if name == "" {
		return nil
	}
	journal, err := watch.OpenJournal(name)
	if err != nil {
		if errors.Is(err, watch.ErrJournalInUse) {
			return &usageError{"the journal " + name + " is in use by another watcher"}
		}
		return &usageError{"--journal: " + err.Error()}
	}
	w.journal = journal
	if n := journal.Torn(); n > 0 {
		w.app.note("the journal %s ended in the middle of a line: %d bytes were cut off, of an event that comes again if the host still has it", name, n)
	}
	if n := journal.Damaged(); n > 0 {
		w.app.note("the journal %s has %s that cannot be read; what they recorded may be told again", name, count(n, "line"))
	}
	return nil
}

// closeJournal closes the journal. It returns the end of the watch if something could not be recorded when it was due.
func (w *watcher) closeJournal() error {
	if w.journal == nil {
		return nil
	}
	err := w.journal.Close()
	switch {
	case err != nil:
		return &recordError{fmt.Errorf("journal: %w", err)}
	case w.missing:
		return &recordError{errNotRecorded}
	}
	return nil
}

var errNotRecorded = errors.New("not everything could be recorded when it was printed")

// record writes events that were printed into the journal, and returns when they are on the disk. When that fails the watch goes on, says
// so once, and fails at its end.
func (w *watcher) record(batch []outgoing) {
	if w.journal == nil {
		return
	}
	var records []watch.Record
	for _, t := range batch {
		if t.event.Kind != watch.JobProgress {
			records = append(records, watch.Record{ID: w.eventID(t.event.ID), Line: t.line})
		}
	}
	if len(records) == 0 {
		return
	}
	switch err := w.journal.AppendAll(records...); {
	case err != nil && !w.troubled:
		w.troubled, w.missing = true, true
		w.app.note("journal: %v; going on without it", err)
	case err == nil && w.troubled:
		w.troubled = false
		w.app.note("journal: it can be written again")
	}
}
