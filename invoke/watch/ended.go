package watch

import (
	"cmp"
	"context"
	"errors"
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

// maxGets is how often a lost connection may keep a job from being read as a whole. Its errors are then asked for without: they matter more.
const maxGets = 2

// An ended is a job that has ended, of which the host is to be asked.
type ended struct {
	change
	seen time.Time // by our clock, as are
	due  time.Time // when it is to be asked about again
	gone time.Time // when the host will have forgotten it

	whole     bool // job has all properties
	gets      int  // how often a lost connection has kept it from being read
	unread    error
	diagnosis *invoke.Diagnosis
	err       error
	retries   *backoff.ExponentialBackOff
}

// newEnded returns the job of c, which was seen now. removal is how long the host keeps a job that does not tell.
func newEnded(c *change, now time.Time, removal time.Duration, whole bool) *ended {
	left := removal
	if at, ok := c.job.Removal(); ok && c.job.Instance != nil && !c.job.Instance.Date.IsZero() {
		left = at.Sub(c.job.Instance.Date)
	}
	return &ended{change: *c, seen: now, due: now, gone: now.Add(min(max(left, minRemoval), maxRemoval)), whole: whole}
}

// explained reports whether the host has something to say about how the job ended.
func (e *ended) explained() bool { return e.kind == JobFailed || e.job.CompletedWithWarnings() }

// sortUrgent sorts by what is asked first: jobs of which the host has something to say, and of those the one that it forgets first.
func sortUrgent(list []*ended) {
	slices.SortStableFunc(list, func(a, b *ended) int {
		if a.explained() != b.explained() {
			if a.explained() {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.gone.UnixNano(), b.gone.UnixNano())
	})
}

// postpone puts off the next question about the job. The first time it does not: the session may have been an old one.
func (e *ended) postpone(now time.Time, limit time.Duration) {
	if e.retries == nil {
		e.retries = newBackOff(limit)
		return
	}
	e.due = now.Add(min(e.retries.NextBackOff(), limit))
}

// settle asks about the jobs that have ended and tells of them. It stops at one of which the host could not tell, and returns false when
// the session has to be another.
func (h *watched) settle(ctx context.Context) bool {
	for i := 0; i < len(h.due); {
		e := h.due[i]
		if e.due.After(time.Now()) {
			i++
			continue
		}
		err := h.ask(ctx, e)
		e.err = err
		switch {
		case ctx.Err() != nil || h.fatal != nil:
			return true
		case cutShort(err):
			e.postpone(time.Now(), h.pace.longest())
			h.expire(ctx)
			return overQuota(err)
		}
		e.err = errors.Join(e.unread, err)
		h.due = slices.Delete(h.due, i, i+1)
		h.tell(ctx, e)
	}
	return true
}

// ask asks the host about one job. The error does not tell what kept the job from being read, if all else is known.
func (h *watched) ask(ctx context.Context, e *ended) error {
	return h.within(ctx, func(ctx context.Context, c invoke.Client) error {
		if e.gets < maxGets {
			e.unread = e.read(ctx, c)
			switch {
			case errors.Is(e.unread, fleet.ErrNotAdmitted):
				return e.unread
			case cutShort(e.unread):
				e.gets++
				return e.unread
			case h.final(e.unread):
				return e.unread
			}
		}
		if !e.explained() {
			return h.learn(ctx, c, e.job.VMName())
		}
		// A host that does not let the job be read may still tell why it failed.
		d, err := h.diagnose(ctx, c, e.job)
		if d != nil && (e.diagnosis == nil || !cutShort(err)) {
			e.diagnosis = d
		}
		if !cutShort(err) && !h.final(err) && unnamed(d) {
			err = errors.Join(err, h.learn(ctx, c, e.job.VMName()))
		}
		return err
	})
}

// read reads all properties of the job, unless they are there.
func (e *ended) read(ctx context.Context, c invoke.Client) error {
	if e.whole || e.job.ID() == "" {
		return nil
	}
	j, err := invoke.Job(ctx, c, e.job.ID())
	if err != nil {
		return err
	}
	e.whole = true
	if j.JobState != nil { // else the service has no Get
		e.job = j
	}
	return nil
}

func (h *watched) diagnose(ctx context.Context, c invoke.Client, j *invoke.MigrationJob) (*invoke.Diagnosis, error) {
	if h.cfg.Diagnose == nil {
		return invoke.Ask(ctx, c, j)
	}
	return h.cfg.Diagnose(ctx, h.Host, c, j)
}

// expire tells of the jobs that the host has forgotten by now, with what is known of them.
func (h *watched) expire(ctx context.Context) {
	now := time.Now()
	h.due = slices.DeleteFunc(h.due, func(e *ended) bool {
		if e.gone.After(now) {
			return false
		}
		h.tell(ctx, e)
		return true
	})
}

// tell tells how a job ended, with what is known of it.
func (h *watched) tell(ctx context.Context, e *ended) {
	d := e.diagnosis
	if d == nil {
		d, _ = invoke.Assemble(e.job, nil) // e.err says what is missing
	}
	if unnamed(d) {
		d.VM = h.name(e.job.VMName())
	} else {
		h.remember(e.job.VMName(), d.VM)
	}
	h.queue.put(ctx, &Event{
		ID: h.jobID(e.key, e.what), Time: e.seen, Kind: e.kind, Host: h.Host, Job: e.job, VM: d.VM, Diagnosis: d,
		Missed: e.missed, Err: e.err,
	})
}
