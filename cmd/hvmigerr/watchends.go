package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// complete returns what asks the destination of a failed move why it failed. What becomes of that takes nothing from what the host has
// said.
func (hosts *watchedHosts) complete(p *plan, f *bothEndsFlags) func(context.Context, *watch.Event) {
	silent := &silentHosts{now: p.app.now, until: map[string]silence{}}
	return func(ctx context.Context, e *watch.Event) {
		if hopeless(e.Err) {
			return
		}
		h := hosts.of(e)
		d := &diagnosed{Diagnosis: *e.Diagnosis}
		s := &session{app: p.voice(h.planned), plan: p, flags: h.planned.flags, target: h.planned.target, silent: silent}
		s.otherEnds(ctx, f, []*diagnosed{d})
		e.Diagnosis = &d.Diagnosis
		hosts.mu.Lock()
		defer hosts.mu.Unlock()
		h.both[eventKey(e.Job.ID())] = d
	}
}

// silentFor is how long a destination is left alone that has not answered, or has refused the user. Many jobs may fail since it is away,
// and each would wait for it.
const silentFor = time.Minute

// silentHosts are the destinations that have not answered lately. They are for several goroutines; nil knows none.
type silentHosts struct {
	now   func() time.Time
	mu    sync.Mutex
	until map[string]silence // by URL in lower case
}

// A silence is why a destination is left alone, and until when.
type silence struct {
	until time.Time
	err   error
}

// of returns why h is left alone, nil if it is not.
func (l *silentHosts) of(h *plannedHost) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := strings.ToLower(h.target.url)
	s, ok := l.until[key]
	if ok && !l.now().Before(s.until) {
		delete(l.until, key)
		return nil
	}
	return s.err
}

// note takes in what asking h has ended with.
func (l *silentHosts) note(ctx context.Context, h *plannedHost, err error) {
	switch {
	case l == nil || !hopeless(err) || errors.Is(err, fleet.ErrNotAdmitted):
		return
	case ctx.Err() != nil && !timeIsUp(ctx): // the watch ended
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until[strings.ToLower(h.target.url)] = silence{l.now().Add(silentFor), err}
}

// timeIsUp tells a ctx that the time for its question has ended, not a signal or --deadline.
func timeIsUp(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), context.DeadlineExceeded)
}
