package main

import (
	"errors"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// A recorder is what a watch writes its journal with; [*watch.Journal] is one.
type recorder interface {
	Recorded(id string) bool
	Append(id string, line []byte) error
	Close() error
}

// errNotRecorded is the end of a watch whose journal could not take a line when it was due.
var errNotRecorded = errors.New("not everything could be recorded when it was printed")

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

func (w *watcher) closeJournal() {
	if w.journal == nil {
		return
	}
	if err := w.journal.Close(); err != nil {
		w.app.note("journal: %v", err)
	}
}

// record writes an event that was printed into the journal. When that fails the watch goes on, says so once, and fails at the end.
func (w *watcher) record(e *watch.Event, line []byte) error {
	if w.journal == nil || e.Kind == watch.JobProgress {
		return nil
	}
	line, err := w.journalLine(line, e)
	if err != nil {
		return err
	}
	switch err := w.journal.Append(w.eventID(e.ID), line); {
	case err != nil && !w.troubled:
		w.troubled, w.missing = true, true
		w.app.note("journal: %v; going on without it", err)
	case err == nil && w.troubled:
		w.troubled = false
		w.app.note("journal: it can be written again")
	}
	return nil
}
