package main

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
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

// A jobHead is what is known of a job before it is decoded: what jobs are chosen, sorted and counted by.
type jobHead struct {
	InstanceID            string           `json:"InstanceID"`
	VirtualSystemName     string           `json:"VirtualSystemName"`
	JobState              *invoke.JobState `json:"JobState"`
	ErrorCode             *uint16          `json:"ErrorCode"`
	TimeOfLastStateChange *time.Time       `json:"TimeOfLastStateChange"`
	StartTime             *time.Time       `json:"StartTime"`
	TimeSubmitted         *time.Time       `json:"TimeSubmitted"`
}

// describe writes what the head of a line tells into j. A job of which no time is known is as old as the line.
func (h *jobHead) describe(j *journalJob, head *journalHead) {
	job := &invoke.MigrationJob{JobState: h.JobState, ErrorCode: h.ErrorCode}
	j.rank, j.state, j.running = rank(job), stateName(job), job.Running()
	if head.Event == watch.JobGone {
		j.state, j.running = "gone", false
	}
	j.changed = head.Time
	for _, t := range []*time.Time{h.TimeOfLastStateChange, h.StartTime, h.TimeSubmitted} {
		if t != nil && cimTime(*t) != never {
			j.changed = *t
			return
		}
	}
}

// newestJobFirst is newestFirst for jobs in a journal.
func newestJobFirst(a, b *journalJob) int { return b.changed.Compare(a.changed) }

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
	if found == nil || newJournalKey(found.Job.ID()) != from.id {
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
	if err != nil {
		err = &sessionError{err: err, traced: true} // what the host sent is in the journal: no hint needs to tell how to keep it
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
			o[i].value = d.recordedError()
		case o[i].key == "destination" && d.destination != nil:
			o[i].value = d.destination
		}
	}
	return append(o, member{"recorded", object{{"event", d.event}, {"time", cimTime(d.time)}, {"missed", d.missed}}})
}

// recordedError returns the error that was written, but for a hint to keep what the host sends: it is there.
func (d *journaled) recordedError() any {
	var r *errorReport
	if json.Unmarshal(d.error, &r) != nil || r == nil || r.Exit != exitUndecodable {
		return d.error
	}
	r.Hint = nil
	if h := hint(d.err); h != "" {
		r.Hint = &h
	}
	return r
}

// expired tells whether the host has forgotten the job by now.
func (d *journaled) expired(now time.Time) bool {
	t, ok := d.Job.Removal()
	return ok && !now.Before(t)
}

// row returns the row of the table of jobs. It holds on to nothing of the job.
func (d *journaled) row(a *app) []string {
	row := a.jobRow(d.diagnosed)
	const state, done, expires = 1, 2, 5
	switch {
	case d.event == watch.JobGone:
		row[state], row[expires] = "gone, end not seen", "-"
	case d.Job.Running(): // when it was first seen: how far it came is not recorded
		row[state], row[done] = "ran at "+d.time.UTC().Format("2006-01-02 15:04"), "?"
	}
	if d.expired(a.now()) {
		row[expires] = "expired"
	}
	for i := range row {
		row[i] = strings.Clone(row[i])
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
