package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// Bounds of how long a host is hoped to tell of a job that has ended, whatever it says itself. One that is late to forget a job is asked twice
// if need be.
const (
	minRemoval = 10 * time.Second
	maxRemoval = 24 * time.Hour
)

// A question is what one request asks about a job that has ended.
type question int

// The questions, in the order in which they are asked: what matters most and is soonest forgotten comes first.
const (
	askErrors   question = iota // GetErrorEx
	askJob                      // all properties
	askHeadline                 // GetError, of which GetErrorEx has often told all
	questions
)

// maxCuts is how often a lost connection may keep a question from being answered before others go first. All properties of the job are
// not asked for any more then: its errors matter more.
const maxCuts = 2

// An ended is a job that has ended, of which the host is to be asked.
type ended struct {
	change
	seen time.Time // by our clock, as are
	due  time.Time // when it is to be asked about again
	gone time.Time // when the host will have forgotten it

	asked    bool            // some question was answered
	done     [questions]bool // what is not to be asked any more
	cuts     [questions]int  // how often a lost connection has kept it from being answered
	errors   *invoke.Answer
	headline *invoke.Answer
	unread   error // why not all properties are there
	err      error // why the last question has no answer
	retries  *backoff.ExponentialBackOff
}

// newEnded returns the job of c, which was seen now. removal is how long the host keeps a job that does not tell.
func newEnded(c *change, now time.Time, removal time.Duration, whole bool) *ended {
	left := removal
	if at, ok := c.job.Removal(); ok && c.job.Instance != nil && !c.job.Instance.Date.IsZero() {
		left = at.Sub(c.job.Instance.Date)
	}
	e := &ended{change: *c, seen: now, due: now, gone: now.Add(min(max(left, minRemoval), maxRemoval))}
	keyless := c.job.ID() == ""
	e.done[askErrors] = keyless || !c.explained()
	e.done[askHeadline] = e.done[askErrors]
	e.done[askJob] = keyless || whole
	return e
}

// explained reports whether the host has something to say about how the job ended.
func (c *change) explained() bool { return c.kind == JobFailed || c.job.CompletedWithWarnings() }

// next returns what is to be asked now, and false when nothing is left.
func (e *ended) next() (question, bool) {
	if e.forgotten() && !e.done[askHeadline] {
		return askHeadline, true // it decides whether the host has forgotten the job
	}
	for q := range questions {
		if !e.done[q] && e.cuts[q] < maxCuts {
			return q, true
		}
	}
	i := slices.Index(e.done[:], false)
	return question(i), i >= 0
}

// diagnosis returns what is known of the job, and what keeps it from being complete.
func (e *ended) diagnosis() (*invoke.Diagnosis, error) {
	answers := slices.DeleteFunc([]*invoke.Answer{e.errors, e.headline}, func(a *invoke.Answer) bool { return a == nil })
	d, err := invoke.Assemble(e.job, answers)
	if !e.explained() {
		err = nil
	}
	return d, errors.Join(e.unread, err, e.err)
}

// forgotten reports whether the last method that was called says that the host has forgotten the job.
func (e *ended) forgotten() bool {
	if e.errors == nil && e.headline == nil {
		return false
	}
	d, _ := e.diagnosis()
	return d.Expired
}

// urgency tells what is asked first: every error of each job before the rest of any, and last about what the host has probably forgotten.
// Of equals, the one that it forgets first.
func (e *ended) urgency(now time.Time) int {
	n := 0
	switch {
	case !e.explained():
		n = 2
	case e.done[askErrors] || e.cuts[askErrors] >= maxCuts:
		n = 1
	}
	if now.After(e.gone) {
		n += 3
	}
	return n
}

// urgent returns the job to ask about now, nil if there is none.
func (h *watched) urgent(now time.Time) *ended {
	var first *ended
	for _, e := range h.due {
		if e.due.After(now) {
			continue
		}
		if first == nil || e.urgency(now) < first.urgency(now) || e.urgency(now) == first.urgency(now) && e.gone.Before(first.gone) {
			first = e
		}
	}
	return first
}

// postpone puts off the next question about the job. The first time it does not: the session may have been an old one.
func (e *ended) postpone(now time.Time, limit time.Duration) {
	if e.retries == nil {
		e.retries = newBackOff(limit)
		return
	}
	e.due = now.Add(min(e.retries.NextBackOff(), limit))
}

// settle asks about the jobs that have ended, and tells of each of which nothing is left to be asked. It stops at a question that the
// host could not answer, and when it is time for the next poll, but asks once at least. It returns false when the session has to be
// another.
func (h *watched) settle(ctx context.Context, until time.Time) bool {
	for first := true; ; first = false {
		now := time.Now()
		e := h.urgent(now)
		switch {
		case e == nil:
			return true
		case !first && !now.Before(until):
			h.expire(ctx, now.Add(-h.pace.longest())) // no host is that late to forget
			return true
		}
		q, left := e.next()
		if left {
			e.err = h.ask(ctx, e, q)
			switch {
			case ctx.Err() != nil || h.fatal != nil:
				return true
			case e.err != nil:
				e.postpone(time.Now(), h.pace.longest())
				h.expire(ctx, time.Now())
				return overQuota(e.err)
			}
			_, left = e.next()
		}
		if !left {
			h.due = slices.DeleteFunc(h.due, func(other *ended) bool { return other == e })
			h.tell(ctx, e)
		}
	}
}

// ask asks the host about one job. The error is that the question has to be asked again, or that nothing is to be asked any more.
func (h *watched) ask(ctx context.Context, e *ended, q question) error {
	var a *invoke.Answer
	var j *invoke.MigrationJob
	err := h.within(ctx, func(ctx context.Context, c invoke.Client) (err error) {
		switch q {
		case askErrors:
			a, err = invoke.GetErrorEx(ctx, c, e.job.ID())
		case askHeadline:
			a, err = invoke.GetError(ctx, c, e.job.ID())
		case askJob:
			j, err = invoke.Job(ctx, c, e.job.ID())
		case questions:
		}
		return err
	})
	switch {
	case err != nil && (ctx.Err() != nil || h.fatal != nil):
		return err
	case cutShort(err) && !errors.Is(err, invoke.ErrNoErrorInstance):
		e.cut(q, err)
		return err
	}
	e.asked, e.done[q] = true, true
	switch q {
	case askErrors:
		e.errors = a
	case askHeadline:
		e.headline = a
	case askJob:
		if e.unread = err; err == nil && j.JobState != nil { // else the service has no Get
			e.job = j
		}
	case questions:
	}
	if e.forgotten() && e.done[askHeadline] && !e.done[askJob] {
		e.done[askJob], e.unread = true, fmt.Errorf("%w: %s", invoke.ErrNoSuchJob, e.job.ID())
	}
	return nil
}

// cut notes that err has kept a question from being answered.
func (e *ended) cut(q question, err error) {
	if errors.Is(err, fleet.ErrNotAdmitted) {
		return // it was not sent
	}
	e.cuts[q]++
	if q == askJob && e.cuts[q] == maxCuts {
		e.done[q], e.unread = true, err
	}
}

// expire tells of the jobs that the host had forgotten at that time, with what is known of them.
func (h *watched) expire(ctx context.Context, at time.Time) {
	h.due = slices.DeleteFunc(h.due, func(e *ended) bool {
		if e.gone.After(at) {
			return false
		}
		h.tell(ctx, e)
		return true
	})
}

// errWatchEnded is what keeps a job from being asked about when ctx ends.
var errWatchEnded = errors.New("the watch ended before the host was asked for all")

// leave tells, when ctx has ended, of the jobs about which something was asked. The others are left to the next run.
func (h *watched) leave(ctx context.Context) {
	for _, e := range h.due {
		if !e.asked {
			continue
		}
		if _, left := e.next(); left {
			e.err = errWatchEnded
		}
		h.tell(ctx, e)
	}
	h.flush(ctx)
}

// tell tells how a job ended, with what is known of it.
func (h *watched) tell(ctx context.Context, e *ended) {
	d, err := e.diagnosis()
	if !unnamed(d) {
		h.remember(e.job.VMName(), d.VM)
	}
	h.announce(ctx, &Event{
		ID: h.jobID(e.key, e.what), Time: e.seen, Kind: e.kind, Host: h.Host, Job: e.job, Diagnosis: d,
		Missed: e.missed, Err: err,
	})
}
