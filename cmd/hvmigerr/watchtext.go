package main

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// eventText returns an event as text: one line, and for a job that failed, or ended with warnings, below it what get prints.
func (w *watcher) eventText(e *watch.Event) []byte {
	var b bytes.Buffer
	a := *w.app
	a.out = &output{w: bufio.NewWriter(&b)}
	a.out.printf("%s\n", w.eventLineText(e))
	if ended(e) && (e.Job.Failed() || e.Job.CompletedWithWarnings()) {
		d := w.diagnosed(e)
		a.printJob(d)
		if !w.flags.noExplain {
			a.printJobMeaning(meanings{}, w.hosts.of(e).planned.target.name, d)
		}
		a.out.printf("\n")
	}
	_ = a.out.flush() // into memory
	return b.Bytes()
}

// eventLineText returns the line: "12:03:11 hv01 web-01: 47% to HV02", the time by our clock and zone.
func (w *watcher) eventLineText(e *watch.Event) string {
	place := safeLine(w.hosts.of(e).planned.target.label)
	if e.Job != nil {
		place += " " + machine(e)
	}
	return fmt.Sprintf("%s %s: %s", e.Time.Local().Format("15:04:05"), place, w.told(e))
}

// machine names the machine of a job, or the job when it names none.
func machine(e *watch.Event) string {
	if e.VM != "" {
		return cell(e.VM)
	}
	return "job " + cell(e.Job.ID())
}

// told says what an event tells.
func (w *watcher) told(e *watch.Event) string {
	missed := ""
	if e.Missed {
		missed = " (while the host was not watched)"
	}
	switch e.Kind {
	case watch.JobNew:
		return fmt.Sprintf("%s, %s", outcome(e.Job), percentage(e.Job))
	case watch.JobProgress:
		return percentage(e.Job) + unusualState(e.Job) + destination(e.Job)
	case watch.JobEnded, watch.JobFailed:
		return outcome(e.Job) + missed
	case watch.JobGone:
		return fmt.Sprintf("gone at %s%s, and nobody saw how it ended%s", percentage(e.Job), destination(e.Job), missed)
	case watch.HostLost:
		return "lost: " + w.reason(e)
	case watch.HostBack:
		return "back"
	case watch.HostRefused:
		return "not watched any more: " + w.reason(e)
	}
	return safeLine(string(e.Kind))
}

// reason returns why a host was lost or given up, bounded as all that is printed of a peer's text in one line.
func (w *watcher) reason(e *watch.Event) string {
	if err := w.hosts.err(e); err != nil {
		return beginning(safeLine(message(err)), maxLine)
	}
	return "no reason told"
}

// percentage returns how far a job is: "47%".
func percentage(j *invoke.MigrationJob) string {
	if j.PercentComplete == nil {
		return "?%"
	}
	return fmt.Sprintf("%d%%", *j.PercentComplete)
}

// unusualState names the state of a job that has not ended and does not simply run.
func unusualState(j *invoke.MigrationJob) string {
	if j.JobState == nil || *j.JobState == invoke.JobStateRunning {
		return ""
	}
	return ", " + safeLine(stateName(j))
}

// destination names where a job goes: " to HV02".
func destination(j *invoke.MigrationJob) string {
	if to := line(j.DestinationHost); to != "" {
		return " to " + cell(to)
	}
	return ""
}
