package main

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// A journaled is a job as a journal has it.
type journaled struct {
	*diagnosed
	event  watch.Kind
	time   time.Time
	missed bool
	// What the watcher wrote of its errors and of the other end, if it did. They stay as they are.
	error, destination json.RawMessage
}

// A journalEntry is a line that is read in full. All but what is told here is decoded anew from the evidence.
type journalEntry struct {
	Event  watch.Kind `json:"event"`
	Time   time.Time  `json:"time"`
	VM     string     `json:"vm"`
	Missed bool       `json:"missed"`
	Error  *struct {
		Exit    int    `json:"exit"`
		Message string `json:"message"`
	} `json:"error"`
	Job struct {
		Error       json.RawMessage `json:"error"`
		Destination json.RawMessage `json:"destination"`
	} `json:"job"`
	Evidence *watch.Evidence `json:"evidence"`
}

// errNoJob says that a line holds no job that can be decoded: somebody has changed it.
var errNoJob = errors.New("no job that can be decoded")

// job reads a job.
func (j *journal) job(from *journalJob) (*journaled, error) {
	text, err := j.text(from)
	if err != nil {
		return nil, err
	}
	var e journalEntry
	if json.Unmarshal(text, &e) != nil || e.Evidence == nil {
		return nil, errNoJob
	}
	found, err := e.Evidence.Diagnosis()
	if found == nil || foldID(found.Job.ID()) != foldID(from.id) {
		return nil, errNoJob
	}
	// The host's clock told how long ago something was when it was asked; now it is ours that tells.
	found.Job.Instance.Date = time.Time{}
	if found.VM == found.Job.VMName() && e.VM != "" {
		found.VM = e.VM
	}
	if e.Error != nil {
		err = journaledAs(err, e.Error.Exit, e.Error.Message)
	}
	d := &journaled{
		diagnosed: &diagnosed{Diagnosis: *found, err: err},
		event:     e.Event, time: e.Time, missed: e.Missed, error: e.Job.Error, destination: e.Job.Destination,
	}
	d.restoreOtherEnd()
	return d, nil
}

// A journaledError has the exit code that was recorded with it. Evidence has all that tells errors of the host apart, but not those of
// the way to it.
type journaledError struct {
	exit int
	err  error
}

func (e *journaledError) Error() string { return e.err.Error() }

func (e *journaledError) Unwrap() error { return e.err }

// journaledAs returns err, that of the evidence, as what was recorded with it; of evidence without an error, what was recorded alone.
func journaledAs(err error, exit int, text string) error {
	if err == nil {
		err = errors.New(text)
	}
	ofHosts := exit == exitNoSuchJob || exit >= exitUnreachable && exit <= exitDeadline // a journal may have been changed
	if exitCode(err) != exitFailure || !ofHosts {
		return err
	}
	return &journaledError{exit, err}
}

// restoreOtherEnd reads what came of asking the destination, if that was asked.
func (d *journaled) restoreOtherEnd() {
	if d.destination == nil {
		return
	}
	d.bothEnds = true
	var o struct {
		Host, URL, Reason string
		Asked             bool
		Error             *struct{ Message string }
	}
	if json.Unmarshal(d.destination, &o) != nil || string(d.destination) == "null" {
		return
	}
	d.other = &otherEnd{host: o.Host, url: o.URL, asked: o.Asked, reason: o.Reason}
	if o.Error != nil {
		d.other.err = errors.New(o.Error.Message)
	}
}

// object returns the job as JSON has it, o, with the event that told of it and with what the watcher wrote of errors.
func (d *journaled) object(o object) object {
	for i := range o {
		switch {
		case o[i].key == "error" && d.error != nil:
			o[i].value = d.error
		case o[i].key == "destination" && d.destination != nil:
			o[i].value = d.destination
		}
	}
	return append(o, member{"recorded", object{{"event", d.event}, {"time", cimTime(d.time)}, {"missed", d.missed}}})
}

// expired tells whether the host has forgotten the job by now.
func (d *journaled) expired(now time.Time) bool {
	t, ok := d.Job.Removal()
	return ok && !now.Before(t)
}

// of reports whether the job is of the machine of that name or GUID.
func (j *journalJob) of(vm string) bool {
	return vm == "" || slices.ContainsFunc(j.names, func(name string) bool { return foldID(name) == foldID(vm) })
}

// row returns the row of the table of jobs.
func (d *journaled) row(a *app) []string {
	row := a.jobRow(d.diagnosed)
	const state, expires = 1, 5
	if d.event == watch.JobGone {
		row[state], row[expires] = "gone, end not seen", "-"
	}
	if d.expired(a.now()) {
		row[expires] = "expired"
	}
	return row
}

// printed returns d as text has it: how soon a host forgets what it has forgotten is nothing to tell.
func (d *journaled) printed(now time.Time) *diagnosed {
	if !d.expired(now) {
		return d.diagnosed
	}
	told, job := *d.diagnosed, *d.Job
	job.TimeBeforeRemoval = nil
	told.Job = &job
	return &told
}

// stateOf returns the name of the state that a job was last in.
func (d *journaled) stateOf() string {
	if d.event == watch.JobGone {
		return "gone"
	}
	return stateName(d.Job)
}

// runs tells whether the job had not ended, as far as the journal knows.
func (d *journaled) runs() bool { return d.event != watch.JobGone && d.Job.Running() }
