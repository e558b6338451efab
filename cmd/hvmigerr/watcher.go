package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// A watcher is one run of watch. One goroutine reads the events, prints and records them.
type watcher struct {
	app      *app
	flags    *watchFlags
	plan     *plan
	hosts    *watchedHosts
	goal     watchGoal
	text     bool     // events are printed as text
	board    *board   // nil unless the text goes to a terminal with bars
	journal  recorder // nil without --journal
	troubled bool     // the last line could not be recorded
	missing  bool     // some line could not be, when it was to be
	muted    error    // why stdout takes no more, while the journal does
}

// errReaderGone ends a watch whose stdout nobody reads any more, quietly as other commands.
var errReaderGone = errors.New("nobody reads stdout")

// redrawEvery is how often the screen of a terminal is looked at; what has not changed is not drawn.
const redrawEvery = 200 * time.Millisecond

// run watches until the goal is reached, ctx or --deadline ends, or no host is left to ask.
func (w *watcher) run(parent context.Context) error {
	ctx, cancel := w.limited(parent)
	defer cancel()
	var known []watch.Host
	w.hosts, known = newWatchedHosts(w.plan)
	if w.board != nil {
		defer w.board.raise(w.app.stderr)()
		defer w.board.close()
	}
	events := make(chan *watch.Event)
	go func() {
		defer close(events)
		for e := range watch.Events(ctx, w.config(known)) {
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	err := w.follow(events)
	expired := has[*deadlineError](context.Cause(ctx))
	cancel()
	for range events { // until all sessions are closed
	}
	switch {
	case errors.Is(err, errEventsEnded) && parent.Err() != nil:
		return context.Cause(parent)
	case errors.Is(err, errEventsEnded):
		err = w.atEnd(expired)
	case errors.Is(err, errReaderGone):
		err = nil
	}
	return w.complete(err)
}

// complete returns the end of a watch that would have been err: what could not be printed or recorded makes a good one bad.
func (w *watcher) complete(err error) error {
	if err != nil && !errors.Is(err, errMigrationFailed) {
		return err
	}
	switch {
	case w.muted != nil:
		return fmt.Errorf("writing the answer: %w", w.muted)
	case w.missing:
		return errNotRecorded
	}
	return err
}

// errEventsEnded says that no more events come.
var errEventsEnded = errors.New("no more events")

// follow takes events until one decides how the watch ends, or errEventsEnded does.
func (w *watcher) follow(events <-chan *watch.Event) error {
	var redraw, stats <-chan time.Time
	if w.board != nil {
		t := time.NewTicker(redrawEvery)
		defer t.Stop()
		redraw = t.C
	}
	if w.flags.connection.verbose {
		t := time.NewTicker(statsEvery)
		defer t.Stop()
		stats = t.C
	}
	for {
		var err error
		select {
		case e, ok := <-events:
			if !ok {
				return errEventsEnded
			}
			w.hosts.take(e)
			err = w.take(e)
		case <-w.hosts.heard:
		case <-redraw:
			err = w.printed(w.board.refresh(w.status))
		case <-stats:
			w.tellStats()
		}
		if err != nil {
			return err
		}
		if done, err := w.decide(); done {
			return err
		}
	}
}

// take prints and records an event, unless it is about another job than the one that is waited for.
func (w *watcher) take(e *watch.Event) error {
	if w.goal.set() {
		if e.Job == nil {
			w.app.note("%s", w.eventLineText(e)) // it tells why nothing comes
		}
		if !w.goal.take(e) {
			if e != w.goal.ended {
				w.hosts.told(e)
			}
			return nil
		}
	}
	return w.tell(e)
}

// tell prints an event, and then records it: after a crash in between it is told again, and never missing.
func (w *watcher) tell(e *watch.Event) error {
	defer w.hosts.told(e)
	line, err := w.eventLine(e)
	if err != nil {
		return err
	}
	if w.muted == nil {
		if err := w.printed(w.print(e, line)); err != nil {
			return err
		}
	}
	return w.record(e, line)
}

// print writes an event to stdout and returns when all of it is out of our hands.
func (w *watcher) print(e *watch.Event, line []byte) error {
	switch {
	case w.board != nil:
		return w.board.print(w.scrolled(e), func(s *screen) {
			s.take(e, w.hosts.of(e).planned.target.label)
			w.status(s)
		})
	case w.text:
		line = w.eventText(e)
	}
	_, _ = w.app.out.Write(line)
	_ = w.app.out.flush() // the output keeps its error, also one that is none elsewhere
	return w.app.out.err
}

// scrolled returns what a terminal with bars has to tell of an event besides them.
func (w *watcher) scrolled(e *watch.Event) []byte {
	if e.Kind == watch.JobNew || e.Kind == watch.JobProgress {
		return nil
	}
	return w.eventText(e)
}

// printed says what becomes of a watch whose stdout has answered err. Without a journal it ends. With one it goes on: the jobs would
// be lost, and nothing else records them.
func (w *watcher) printed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe):
		return errReaderGone
	case w.journal == nil:
		return fmt.Errorf("writing the answer: %w", err)
	case w.muted == nil:
		w.muted = err
		w.app.note("writing the answer: %v; going on for the journal alone", err)
	}
	return nil
}

// decide reports whether the goal is reached or cannot be, and how the watch ends then.
func (w *watcher) decide() (done bool, err error) {
	if !w.goal.set() {
		return false, nil
	}
	if e := w.goal.held(w.hosts.settled()); e != nil {
		if err := w.tell(e); err != nil {
			return true, err
		}
	}
	if done, err := w.goal.done(w.hosts); done || w.goal.target != nil {
		return done, err
	}
	if w.goal.job == "" || !w.hosts.settled() {
		return false, nil
	}
	waiting := w.hosts.waitedFor()
	switch {
	case len(waiting) == 0:
		return true, w.unknown()
	case !w.goal.told:
		w.goal.told = true
		w.app.note("no host that answers knows %s; waiting for %s", w.goal.what(), shortList(waiting))
	}
	return false, nil
}

// unknown returns the end of a watch for a job that no host knows: of many hosts, only if all of them have answered.
func (w *watcher) unknown() error {
	if _, failed := w.hosts.failures(); len(failed) > 0 {
		return w.byHosts()
	}
	return &outcomeError{w.goal.what() + ": no host knows it", invoke.ErrNoSuchJob}
}

// atEnd returns how the watch ends when no more events come: at --deadline, or because no host is left to ask.
func (w *watcher) atEnd(expired bool) error {
	answered, _ := w.hosts.failures()
	if w.goal.set() && expired && (w.goal.target != nil || w.goal.vm != "" && answered > 0) {
		w.app.note("%s", w.goal.atDeadline(w.flags.connection.deadline))
		return &hostsError{exitRunning}
	}
	return w.byHosts()
}

// byHosts returns the end of a watch by what the hosts did (DESIGN: Exit codes): those that have answered and are not lost.
func (w *watcher) byHosts() error {
	answered, failed := w.hosts.failures()
	if len(failed) == 0 {
		return nil
	}
	if len(failed) > 1 || answered > 0 {
		names := make([]string, len(failed))
		for i, f := range failed {
			names[i] = f.host
		}
		w.app.note("%d of %s did not answer at the end: %s", len(failed), count(answered+len(failed), "host"), shortList(names))
	}
	if answered > 0 {
		return &hostsError{exitPartly}
	}
	for _, f := range failed[1:] {
		if exitCode(f) != exitCode(failed[0]) {
			return &hostsError{exitFailure}
		}
	}
	return failed[0]
}

// shortList names the first of many.
func shortList(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		names = append(names[:most:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// status puts on the screen how the hosts are.
func (w *watcher) status(s *screen) { w.hosts.status(&s.status) }
