package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// logFlags say whether get reads the event log too, and how.
type logFlags struct {
	wanted bool
	via    routeName
}

// registerGetEvents defines --events and --via.
func registerGetEvents(cmd *cobra.Command, f *logFlags) {
	fs := cmd.Flags()
	f.via = routeName(events.RouteServerManager)
	fs.BoolVar(&f.wanted, "events", false, "add what the host's event log of the last hour tells of each failed migration")
	registerVia(cmd, &f.via)
}

// registerVia defines --via.
func registerVia(cmd *cobra.Command, via *routeName) {
	fs := cmd.Flags()
	fs.Var(via, "via", "`ROUTE` to the log: servermanager, a method of WMI, or shell, wevtutil in a remote shell")
	fromEnvironment(fs.Lookup("via"))
	complete(cmd, "via", string(events.RouteServerManager), string(events.RouteShell))
}

// check refuses what --events does not go with.
func (l *logFlags) check(cmd *cobra.Command, f *getFlags) error {
	if !l.wanted {
		via := cmd.Flags().Lookup("via")
		if via.Changed {
			return &usageError{"--via needs --events"}
		}
		delete(via.Annotations, annotationEnv) // what the variable says is of no account
		return nil
	}
	for _, other := range []struct {
		name string
		set  bool
	}{{"method", f.method != ""}, {"raw", f.raw}, {"journal", cmd.Flags().Changed("journal")}} {
		if other.set {
			return &usageError{"--events and --" + other.name + " exclude each other"}
		}
	}
	if f.bothEnds.wanted {
		return &usageError{"--events and --both-ends exclude each other; hvmigerr events with both HOSTs reads both logs"}
	}
	return nil
}

// A jobLog is what the event log had for one job.
type jobLog struct {
	route  events.Route
	since  time.Time
	found  bool   // it tells of this migration
	reason string // why not, as far as that is known
	err    error  // why the log could not be read, or not in full
}

// Times around a job within which its events are, and how far back the log is read.
const (
	aroundJob   = time.Minute
	leastEvents = time.Hour
	mostEvents  = 24 * time.Hour
)

// readEvents reads the event log of the host and adds to each failed job in list what it tells of that. Nothing that becomes of the log
// takes from what the host has said before.
func (s *session) readEvents(ctx context.Context, f *logFlags, list []*diagnosed) {
	var about []*diagnosed
	for _, d := range list {
		if d.Job.Failed() {
			about = append(about, d)
		}
	}
	if !f.wanted || len(about) == 0 {
		return
	}
	report, err := s.eventsOf(ctx, f, s.lookBack(about))
	err = s.failed(err)
	for _, d := range about {
		d.log = &jobLog{route: events.Route(f.via), since: report.Since, err: err}
	}
	share(about, report)
	if err != nil {
		s.app.note("the event log was not read, or not in full: %s", message(err))
		if h := hint(err); h != "" {
			s.app.note("hint: %s", h)
		}
	}
}

// eventsOf reads the event log. The report is never nil; the error tells why it is not whole.
func (s *session) eventsOf(ctx context.Context, f *logFlags, since time.Duration) (*events.Report, error) {
	src, closeSource, err := s.eventSource(ctx, f.via.String())
	if err != nil {
		return &events.Report{}, err
	}
	defer closeSource()
	q := &events.Query{Since: since, MaxBytes: s.plan.roomEach()}
	report, err := events.Read(ctx, src, q)
	if err == nil {
		err = (&eventsRun{query: q}).unread(report)
	}
	return report, err
}

// lookBack returns how far back the log is read: an hour, or to the start of the oldest of these jobs.
func (s *session) lookBack(list []*diagnosed) time.Duration {
	back := leastEvents
	for _, d := range list {
		now, _ := s.app.clock(d.Job)
		if from, _ := during(d.Job); !from.IsZero() {
			back = max(back, now.Sub(from))
		}
	}
	return min(back, mostEvents)
}

// during returns from when to when a job ran, and some time around that, by the clock of its host; zero times if it does not tell.
func during(j *invoke.MigrationJob) (from, to time.Time) {
	to = changed(j)
	if to.IsZero() {
		return to, to
	}
	from = to
	for _, t := range []*time.Time{j.TimeSubmitted, j.StartTime} {
		if t != nil && !t.IsZero() && t.Before(from) {
			from = *t
		}
	}
	return from.Add(-aroundJob), to.Add(aroundJob)
}

// share gives each job the incident of its migration, those first that are nearest in time: no incident is that of two jobs.
func share(list []*diagnosed, report *events.Report) {
	left := *report
	left.Incidents = slices.Clone(report.Incidents)
	waiting := slices.Clone(list)
	for len(waiting) > 0 {
		var nearest *events.Incident
		var next *diagnosed
		for _, d := range waiting {
			incident := d.incident(&left)
			if incident != nil && (nearest == nil || d.apart(incident) < next.apart(nearest)) {
				nearest, next = incident, d
			}
		}
		if nearest == nil {
			break
		}
		next.log.found = true
		next.add(nearest)
		waiting = slices.DeleteFunc(waiting, func(d *diagnosed) bool { return d == next })
		left.Incidents = slices.DeleteFunc(left.Incidents, func(incident *events.Incident) bool { return incident == nearest })
	}
	for _, d := range waiting {
		if d.log.err == nil {
			from, _ := during(d.Job)
			d.log.reason = coverage(report, from)
		}
	}
}

// incident returns what the report tells of the migration of d, nil if nothing.
func (d *diagnosed) incident(report *events.Report) *events.Incident {
	name := d.VM
	if name == d.Job.VMName() {
		name = "" // nobody has told it
	}
	from, to := during(d.Job)
	return report.About(d.Job.VMName(), name, from, to)
}

// apart returns how far from the end of the job an incident ended.
func (d *diagnosed) apart(incident *events.Incident) time.Duration {
	return incident.End.Sub(changed(d.Job)).Abs()
}

// add adds to d the events of its migration that say why.
func (d *diagnosed) add(incident *events.Incident) {
	chosen := incident.Causes
	if len(chosen) == 0 && len(d.Parts) == 0 && incident.Headline >= 0 {
		chosen = []int{incident.Headline}
	}
	list := make([]invoke.LogEvent, 0, len(chosen))
	for _, i := range chosen {
		list = append(list, logEvent(incident.Events[i]))
	}
	d.AddEvents(list)
}

// coverage says what it means that the log does not tell of something that began at from.
func coverage(report *events.Report, from time.Time) string {
	const silent = "it does not tell of this migration"
	for i, l := range report.Logs {
		switch {
		case l.Optional || l.Covers(from) || l.Err != nil || l.Empty && i > 0:
			// Only the log of the management service has to hold something: it comes first.
		case l.Partial != nil:
			return fmt.Sprintf("%s; of %s only a part was read: %s", silent, l.Channel, channelMessage(l.Partial))
		case l.Empty:
			return fmt.Sprintf("%s; %s is empty, so that this means nothing", silent, l.Channel)
		case l.Oldest.IsZero():
			return fmt.Sprintf("%s; how far back %s reaches is not known", silent, l.Channel)
		default:
			return fmt.Sprintf("%s; %s begins at %s", silent, l.Channel, l.Oldest.UTC().Format(timeLayout))
		}
	}
	return silent
}

// timeLayout is how text writes a time, always in UTC.
const timeLayout = "2006-01-02 15:04:05 UTC"

// logEvent returns what e says: its text, or its fields where the host has rendered none.
func logEvent(e *events.Event) invoke.LogEvent {
	out := invoke.LogEvent{ID: e.ID(), Provider: e.Provider, Channel: e.Log, Time: e.Time, Text: e.Message()}
	if e.RecordID != nil {
		out.RecordID = *e.RecordID
	}
	if strings.TrimSpace(out.Text) == "" {
		fields := make([]string, 0, len(e.Fields))
		for _, f := range e.Fields {
			fields = append(fields, strings.TrimPrefix(f.Name+": ", ": ")+f.Value)
		}
		out.Text = strings.Join(fields, ", ")
	}
	return out
}

// object returns what the log had as JSON has it; null for a job that it was not read for.
func (l *jobLog) object() object {
	if l == nil {
		return nil
	}
	return object{
		{"route", l.route},
		{"since", nullableTime(l.since)},
		{"found", l.found},
		{"reason", nullable(l.reason)}, // null, too, when the error is why
		{"error", newErrorReport(l.err)},
	}
}

// partEvent returns which event a text is from as JSON has it.
func partEvent(e *invoke.LogEvent) object {
	var record any
	if e.RecordID != 0 {
		record = e.RecordID
	}
	return object{
		{"EventID", e.ID},
		{"Provider", nullable(e.Provider)},
		{"Channel", nullable(e.Channel)},
		{"EventRecordID", record},
		{"TimeCreated", nullableTime(e.Time)},
	}
}

// printEvents prints what the event log tells of a job beyond what the host has said of it, its messages numbered on, or why it tells
// nothing.
func (a *app) printEvents(d *diagnosed, own []invoke.Part) {
	first := slices.IndexFunc(own, func(p invoke.Part) bool { return p.Event != nil })
	switch {
	case first >= 0:
		a.out.printf("\n  In the host's event log:\n")
		for i := first; i < len(own); i++ {
			a.out.printf("\n")
			a.printPart(i+1, &own[i])
		}
	case d.log == nil:
	case d.log.err == nil && d.log.found:
		a.out.printf("\n  The host's event log says the same, and no more.\n")
	case d.log.err == nil:
		a.out.printf("\n  The host's event log was read: %s.\n", safeLine(d.log.reason))
	case d.log.found:
		a.out.printf("\n  What was read of the host's event log says the same.\n")
	}
	switch {
	case d.log == nil || d.log.err == nil:
	case d.log.found:
		a.out.printf("\n  Not all of the event log could be read: %s\n", safeLine(message(d.log.err)))
	default:
		a.out.printf("\n  The host's event log could not be read, or not in full: %s\n", safeLine(message(d.log.err)))
	}
}

// eventLine says which event a text is from.
func eventLine(e *invoke.LogEvent) string {
	text := fmt.Sprintf("event %d", e.ID)
	if e.Provider != "" {
		text += " of " + safeLine(e.Provider)
	}
	if !e.Time.IsZero() {
		text += ", " + e.Time.UTC().Format(timeLayout)
	}
	if e.RecordID != 0 {
		text += fmt.Sprintf(", record %d", e.RecordID)
	}
	return text
}
