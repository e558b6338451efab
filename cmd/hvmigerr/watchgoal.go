package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// A watchGoal is the one job that --job or --vm waits for. The zero value waits for none.
type watchGoal struct {
	job, vm string // of the flags; "" if not given
	// target is the last event of the job that is waited for; nil until there is one.
	target *watch.Event
	// ended is the newest of those jobs that had ended before the others were known.
	ended *watch.Event
	// refused is the event of the host of the target that does not let us ask any more.
	refused *watch.Event
	told    bool // that hosts are waited for
}

// set tells whether one job is waited for.
func (g *watchGoal) set() bool { return g.job != "" || g.vm != "" }

// what names the goal in messages.
func (g *watchGoal) what() string {
	if g.job != "" {
		return "job " + g.job
	}
	return "a job of " + g.vm
}

// matches tells the events of jobs that may be the one. VM names are compared as get --vm does.
func (g *watchGoal) matches(e *watch.Event) bool {
	switch {
	case e.Job == nil:
		return false
	case g.job != "":
		return eventKey(e.Job.ID()) == eventKey(g.job)
	}
	return strings.EqualFold(e.VM, g.vm) || e.Job.VMName() != "" && eventKey(e.Job.VMName()) == eventKey(g.vm)
}

// eventKey writes InstanceIDs and GUIDs alike: Windows minds neither letter case nor braces.
func eventKey(id string) string { return strings.ToUpper(strings.Trim(strings.TrimSpace(id), "{}")) }

// take looks at an event and reports whether it is of the job that is waited for, and so to be told. A job that runs is waited
// for at once; one that has ended is held back until it is known that none runs anywhere.
func (g *watchGoal) take(e *watch.Event) bool {
	if g.target != nil {
		if e.Host.Key != g.target.Host.Key {
			return false
		}
		if e.Kind == watch.HostRefused {
			g.refused = e
		}
		if e.Job == nil || eventKey(e.Job.ID()) != eventKey(g.target.Job.ID()) {
			return false
		}
		g.target = e
		return true
	}
	switch {
	case !g.matches(e):
		return false
	case ended(e):
		if g.ended == nil || changed(g.ended.Job).Before(changed(e.Job)) {
			g.ended = e
		}
		return false
	case e.Kind == watch.JobGone:
		return false
	}
	g.target = e
	return true
}

// held returns the job that had ended and is the one, once no other can be: when all hosts have told their jobs.
func (g *watchGoal) held(settled bool) *watch.Event {
	if g.target != nil || g.ended == nil || !settled {
		return nil
	}
	g.target = g.ended
	return g.target
}

// An outcomeError is how a watch for one job ends without its end.
type outcomeError struct {
	msg string
	err error // which decides the exit code
}

func (e *outcomeError) Error() string { return e.msg }

func (e *outcomeError) Unwrap() error { return e.err }

// done reports whether the goal is reached, and what came of it.
func (g *watchGoal) done(hosts *watchedHosts) (bool, error) {
	switch {
	case g.refused != nil:
		return true, &hostError{g.refused.Host.Name, hosts.err(g.refused)}
	case g.target == nil:
		return false, nil
	case g.target.Kind == watch.JobFailed:
		return true, errMigrationFailed
	case g.target.Kind == watch.JobEnded:
		return true, nil
	case g.target.Kind == watch.JobGone:
		return true, &outcomeError{
			fmt.Sprintf("%s: job %s is gone, and nobody saw how it ended", g.target.Host.Name, g.target.Job.ID()), invoke.ErrNoSuchJob,
		}
	}
	return false, nil
}

// atDeadline says how a watch for one job stands at --deadline.
func (g *watchGoal) atDeadline(limit time.Duration) string {
	t := g.target
	if t == nil {
		return fmt.Sprintf("%s was not seen within --deadline %v", g.what(), limit)
	}
	return fmt.Sprintf("%s: job %s of %s still runs at --deadline %v: %s", t.Host.Name, t.Job.ID(), machine(t), limit, percentage(t.Job))
}
