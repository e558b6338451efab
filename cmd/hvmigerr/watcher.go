package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// A watcher is one run of watch. One goroutine reads the events, has them printed, and records them.
type watcher struct {
	app      *app
	flags    *watchFlags
	plan     *plan
	hosts    *watchedHosts
	goal     watchGoal
	text     bool    // events are printed as text
	board    *board  // nil unless the text goes to a terminal with bars
	stdout   printer // of what goes to
	out      *bufio.Writer
	stalled  bool            // stdout did not take what was printed last in time
	unseen   int             // events that there was no room to keep for stdout
	muted    error           // why stdout takes no more, while the journal does
	journal  recorder        // nil without --journal
	troubled bool            // the last lines could not be recorded
	missing  bool            // some line could not be, when it was to be
	batch    []outgoing      // events that are to be printed and recorded together
	over     <-chan struct{} // closed when nobody is to wait for stdout any more
}

// errReaderGone ends a watch whose stdout nobody reads any more, quietly as other commands.
var errReaderGone = errors.New("nobody reads stdout")

// redrawEvery is how often the screen of a terminal is looked at; what has not changed is not drawn.
const redrawEvery = 200 * time.Millisecond

// run watches until the goal is reached, ctx or --deadline ends, or no host is left to ask.
func (w *watcher) run(parent context.Context) error {
	ctx, cancel := w.limited(parent)
	defer cancel()
	defer w.patiently(ctx)()
	var known []watch.Host
	w.hosts, known = newWatchedHosts(w.plan)
	events := make(chan *watch.Event, maxBatch)
	watching, enough := context.WithCancel(ctx)
	defer enough()
	left := make(chan struct{})
	go func() {
		defer close(events)
		for e := range watch.Events(watching, w.config(known)) {
			select {
			case events <- e: // also when ctx has ended: what was asked is told
			case <-left:
				return
			}
		}
	}()
	err := w.follow(events)
	expired := has[*deadlineError](context.Cause(ctx))
	enough()
	close(left)
	for range events { // until all sessions are closed
	}
	switch {
	case errors.Is(err, errEventsEnded) && parent.Err() != nil:
		err = context.Cause(parent)
	case errors.Is(err, errEventsEnded):
		err = w.atEnd(expired)
	case errors.Is(err, errReaderGone):
		err = nil
	}
	w.finish()
	return w.complete(err)
}

// complete returns the end of a watch that would have been err: what could not be printed or recorded makes any a failure.
func (w *watcher) complete(err error) error {
	err = cmp.Or(w.closeJournal(), err)
	switch {
	case w.journal == nil || has[*recordError](err):
		return err
	case w.muted != nil && !gone(w.muted):
		return &recordError{fmt.Errorf("writing the answer: %w", w.muted)}
	case w.unseen > 0:
		return &recordError{fmt.Errorf("stdout did not take %s; the journal has them", count(w.unseen, "event"))}
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
			if done, err := w.takeAll(e, events); done || err != nil {
				return err
			}
			continue
		case <-w.hosts.heard:
		case <-redraw:
			err = w.redraw()
		case <-stats:
			w.tellStats()
		}
		if err != nil {
			return err
		}
		done, err := w.decide()
		if wrong := w.flush(); done || wrong != nil {
			return cmp.Or(wrong, err)
		}
	}
}

// takeAll takes an event and those that wait behind it, so that they go to the disk together. It reports whether the goal is reached.
func (w *watcher) takeAll(e *watch.Event, events <-chan *watch.Event) (done bool, err error) {
	for more := true; more; {
		w.hosts.take(e)
		if err := w.take(e); err != nil {
			return true, err
		}
		if done, err = w.decide(); done || len(w.batch) >= maxBatch {
			break
		}
		select {
		case e, more = <-events: // follow sees that no more will come
		default:
			more = false
		}
	}
	return done, cmp.Or(w.flush(), err)
}

// take has an event printed and recorded, unless it is about another job than the one that is waited for.
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

// tell adds an event to those that are printed and recorded next.
func (w *watcher) tell(e *watch.Event) error {
	line, err := w.eventLine(e)
	if err != nil {
		return err
	}
	t := outgoing{event: e, line: line, text: line}
	switch {
	case w.board != nil:
		t.text = w.scrolled(e)
	case w.text:
		t.text = w.eventText(e)
	}
	if w.journal != nil && e.Kind != watch.JobProgress {
		if t.line, err = w.journalLine(line, e); err != nil {
			return err
		}
	}
	w.hosts.told(e)
	w.batch = append(w.batch, t)
	return nil
}

// scrolled returns what a terminal with bars has to tell of an event besides them.
func (w *watcher) scrolled(e *watch.Event) []byte {
	if e.Kind == watch.JobNew || e.Kind == watch.JobProgress {
		return nil
	}
	return w.eventText(e)
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
