package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// polled lists the properties of a job that a poll asks for: all that is known of one that has not ended.
func polled() []string {
	return []string{
		"InstanceID", "JobState", "JobStateName", "PercentComplete", "ErrorCode", "DestinationHost", "VirtualSystemName",
		"JobType", "JobTypeName", "StartTime", "TimeOfLastStateChange", "TimeBeforeRemoval",
	}
}

// eventObject returns an event as JSON has it.
func (w *watcher) eventObject(e *watch.Event) object {
	h := w.hosts.of(e)
	return object{
		{"schema", schema},
		{"command", "watch"},
		{"id", w.eventID(e.ID)},
		{"time", cimTime(e.Time)},
		{"event", e.Kind},
		{"host", h.planned.target.label},
		{"url", h.planned.target.url},
		{"vm", nullable(e.VM)},
		{"missed", e.Missed},
		{"job", w.eventJob(e)},
		{"error", newErrorReport(w.hosts.err(e))},
	}
}

// eventJob returns the job of an event: all of one that has ended, as get has it; else what a poll tells. Nil, which is null, is
// that of an event of a host.
func (w *watcher) eventJob(e *watch.Event) object {
	switch {
	case e.Job == nil:
		return nil
	case ended(e):
		d := w.diagnosed(e)
		return explained(diagnosedObject(d), &d.Diagnosis, !w.flags.noExplain)
	}
	return slices.DeleteFunc(cimObject(e.Job), func(m member) bool { return !slices.Contains(polled(), m.key) })
}

// ended tells the two events of a job that has ended and was seen to.
func ended(e *watch.Event) bool { return e.Kind == watch.JobEnded || e.Kind == watch.JobFailed }

// diagnosed returns what is known of the job of an event.
func (w *watcher) diagnosed(e *watch.Event) *diagnosed {
	d := &diagnosed{err: w.hosts.err(e)}
	if joined := w.hosts.joined(e); joined != nil {
		d.bothEnds, d.other = joined.bothEnds, joined.other
	}
	if e.Diagnosis != nil {
		d.Diagnosis = *e.Diagnosis
	}
	if d.Job == nil {
		d.Job = e.Job
	}
	if e.VM != "" {
		d.VM = e.VM
	}
	return d
}

// eventLine returns an event as one line of JSON, with its newline. What came from a host has no secret in it.
func (w *watcher) eventLine(e *watch.Event) ([]byte, error) {
	o := w.eventObject(e)
	for i := range o {
		if m := &o[i]; slices.Contains([]string{"vm", "job", "error"}, m.key) {
			text, err := encodeLine(m.value)
			if err != nil {
				return nil, err
			}
			m.value = json.RawMessage(w.app.secrets.json(text))
		}
	}
	return encodeLine(o)
}

// eventID returns the ID of an event as it is printed and recorded. What follows the name of the host may be the host's choice.
func (w *watcher) eventID(id string) string {
	i := strings.IndexByte(id, '/') + 1
	return id[:i] + w.app.secrets.clean(id[i:])
}

// encodeLine writes v in one line, with no character that is not safe on a terminal.
func encodeLine(v any) ([]byte, error) { return formatJSON(v, "", "") }

// journalLine adds to the line of an event the member evidence: what the host sent of the job, from which the same can be decoded
// later. It is null for the event of a host.
func (w *watcher) journalLine(line []byte, e *watch.Event) ([]byte, error) {
	var evidence any
	switch {
	case e.Diagnosis != nil:
		evidence = watch.NewEvidence(e.Diagnosis)
	case e.Job != nil:
		evidence = watch.NewEvidence(&invoke.Diagnosis{Job: e.Job, VM: e.VM})
	}
	last, err := encodeLine(evidence)
	if err != nil {
		return nil, err
	}
	last = w.app.secrets.json(last, "method", "state") // those are words of ours
	whole, _ := bytes.CutSuffix(line, []byte("}\n"))
	return slices.Concat(whole, []byte(`,"evidence":`), bytes.TrimSuffix(last, []byte("\n")), []byte("}\n")), nil
}
