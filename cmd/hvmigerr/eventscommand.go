package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

func (a *app) eventsCommand() *cobra.Command {
	var f eventsFlags
	cmd := &cobra.Command{
		Use:   "events [flags] HOST...",
		Short: "Print what the event log tells of migrations, also long after them",
		Long: `Reads the event log of each HOST and puts together what it tells of migrations,
the newest first: the virtual machine, when, from where to where, how it ended,
and why. A host keeps a job for five minutes, and its log for days. Times are by
the clock of the host, in UTC.

How far back each log reaches follows: that a log does not tell of a migration
means that there was none only as far as it reaches. A log that could not be
read, or not to its end, is named, and makes the exit code other than 0; one
that hosts of some kinds do not have is named, too.

The cause of a failed migration often stands in the log of the other host only.
Name both: what they tell of one migration is printed as one.

By default the log is asked for through a method of WMI, for which the user must
be in Event Log Readers. --via shell runs wevtutil in a remote shell, for which
most hosts want an administrator; it also has the fields of each event, which
tell more where a host's language is not English.

With -o jsonl each migration is one line, and each host: with how far back its
logs reach, and what kept them from being read. As two hosts may tell of one
migration, the lines come when all hosts have answered.`,
		Example: `  hvmigerr events -u 'CORP\hv-reader' hv01.example.com hv02.example.com
  hvmigerr events --since 7d --vm web-01 hv01.example.com
  hvmigerr events --via shell -o json hv01.example.com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.events(cmd, &f, args)
		},
	}
	f.register(cmd)
	return cmd
}

func (a *app) events(cmd *cobra.Command, f *eventsFlags, args []string) error {
	q, err := f.query(cmd)
	if err != nil {
		return err
	}
	p, err := a.plan(cmd.Context(), &f.connection, cmd.Flags(), args)
	if err != nil {
		return err
	}
	defer p.close()
	q.Since = f.since.d // a variable may have set it
	q.MaxBytes = p.roomEach()
	r := &eventsRun{app: a, flags: f, query: q, plan: p, hosts: make([]*loggedHost, len(p.hosts)), room: maxKept}
	return r.run(cmd.Context())
}

// An eventsRun is one run of events.
type eventsRun struct {
	app   *app
	flags *eventsFlags
	query *events.Query
	plan  *plan
	hosts []*loggedHost // as in plan
	room  int           // how many bytes of events may still be kept
}

// maxKept bounds what is kept of all events until the last host has answered, in bytes, about: it is printed then.
const maxKept = 64 << 20

// roomEach returns how many bytes of events may be kept of each host, since as many as --parallel are read at the same time.
func (p *plan) roomEach() int { return roomOf(min(int(p.flags.parallel), len(p.hosts))) }

// roomOf returns the share of each of so many hosts.
func roomOf(hosts int) int {
	const most, least = 32 << 20, 1 << 20 // what package events takes by itself; a day of failures
	return max(least, min(most, maxKept/max(hosts, 1)))
}

// run asks all hosts, and prints when all have answered: two of them may tell of the same migration.
func (r *eventsRun) run(ctx context.Context) error {
	p := r.plan
	if limit := p.flags.deadline; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &deadlineError{limit})
		defer cancel()
	}
	for got := range fleet.Run(ctx, int(p.flags.parallel), p.hosts, r.ask) {
		h := got.Value
		if h == nil {
			planned := p.hosts[got.Index]
			h = &loggedHost{err: &hostError{planned.target.label, got.Err}, unasked: true}
		}
		r.keep(got.Index, h)
	}
	if !p.many {
		return r.tellOne(r.hosts[0])
	}
	return r.tellMany()
}

// ask reads the log of one host.
func (r *eventsRun) ask(ctx context.Context, planned *plannedHost) (*loggedHost, error) {
	s, err := r.plan.open(planned)
	if err != nil {
		if r.plan.many {
			err = &hostError{planned.target.label, err}
		}
		return &loggedHost{err: err, unasked: true}, nil
	}
	h := &loggedHost{}
	h.err = s.ask(ctx, func(ctx context.Context) error {
		src, closeSource, err := s.eventSource(ctx, r.flags.via.String())
		if err != nil {
			return err
		}
		defer closeSource()
		q := *r.query
		if r.plan.many {
			q.VM = "" // which events are of this machine shows in what all tell; until then all of them count as kept
		}
		report, err := events.Read(ctx, src, &q)
		s.own(report)
		if h.report = nil; slices.ContainsFunc(report.Logs, answeredFor) {
			h.report = report
		}
		if err != nil {
			return err
		}
		return r.unread(report)
	})
	return h, nil
}

// own makes what is wrong with logs errors of this session.
func (s *session) own(report *events.Report) {
	for _, l := range report.Logs {
		l.Err, l.Partial = s.failed(l.Err), s.failed(l.Partial)
		for i := range l.Problems {
			l.Problems[i] = s.app.secrets.clean(l.Problems[i])
		}
	}
}

// answeredFor tells a log that the host has answered for, be it that it cannot be read.
func answeredFor(l *events.Log) bool { return l.Err == nil || has[*events.ChannelError](l.Err) }

// unread returns why logs could not be read, or not to their ends, as far as that is an error.
func (r *eventsRun) unread(report *events.Report) error {
	var errs []error
	for _, l := range report.Logs {
		switch {
		case r.without(l):
		case len(r.query.Channels) == 0 && matches(l.Err, (*events.ChannelError).NotFound):
			errs = append(errs, fmt.Errorf("%w: %w", invoke.ErrNoHyperV, l.Err)) // what is not optional, every Hyper-V has
		case l.Err != nil:
			errs = append(errs, l.Err)
		case errors.Is(l.Partial, events.ErrCleared), errors.Is(l.Partial, events.ErrLimit):
			// What the log does not have any more, and what was not asked for, is no failure.
		case l.Partial != nil:
			errs = append(errs, &partialError{l.Channel, l.Partial})
		}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// A partialError says why a log was not read to its end.
type partialError struct {
	channel string
	err     error
}

func (e *partialError) Error() string {
	return fmt.Sprintf("channel %s: read in part: %s", e.channel, channelMessage(e.err))
}

func (e *partialError) Unwrap() error { return e.err }

// keep keeps what came of the host of number i, as far as there is room.
func (r *eventsRun) keep(i int, h *loggedHost) {
	target := r.plan.hosts[i].target
	h.name, h.typed, h.url = target.name, target.name, target.url
	if r.plan.many {
		h.name = target.label
	}
	r.hosts[i] = h
	if h.report == nil {
		return
	}
	h.report.Host, h.logs = h.name, h.report.Logs
	h.learn()
	for k, incident := range h.report.Incidents {
		size := incidentSize(incident)
		if size > r.room {
			h.dropped = len(h.report.Incidents) - k
			clear(h.report.Incidents[k:])
			h.report.Incidents = h.report.Incidents[:k]
			break
		}
		r.room -= size
	}
}

// incidentSize returns about how many bytes an incident takes.
func incidentSize(incident *events.Incident) int {
	const event = 512 // without its texts
	size := event
	for _, e := range incident.Events {
		size += event + len(e.Raw) + len(e.Message())
		for _, f := range e.Fields {
			size += len(f.Name) + len(f.Value)
		}
	}
	return size
}

// tellOne prints what came of the only host.
func (r *eventsRun) tellOne(h *loggedHost) error {
	if has[*usageError](h.err) {
		return h.err
	}
	if r.flags.connection.output != outputText {
		w := &hostList{out: r.app.out, items: eventItems(), format: r.flags.connection.output}
		w.add(r.hostJSON(h, incidentsOf(h)))
		w.end(nil)
		return h.err
	}
	r.print(incidentsOf(h))
	return h.err
}

// incidentsOf returns the incidents of a host, none if it has not told.
func incidentsOf(h *loggedHost) []*events.Incident {
	if h.report == nil {
		return nil
	}
	return h.report.Incidents
}

// tellMany prints what came of many hosts: migrations of which two of them tell as one.
func (r *eventsRun) tellMany() error {
	var reports []*events.Report
	for _, h := range r.hosts {
		if h.report != nil {
			reports = append(reports, h.report)
		}
	}
	merged := events.Merge(reports...)
	merged.Only(r.query.VM)
	r.countFailed(merged.Incidents)
	format := r.flags.connection.output
	q := &inquiry{items: *eventItems(), raw: r.flags.raw}
	t := r.app.newAnswers(q, format, func(i int) string { return r.hosts[i].name })
	t.verbose = r.plan.flags.verbose
	defer t.close()
	if format == outputText {
		t.begun = r.print(merged.Incidents)
	}
	byHost := r.byHost(merged.Incidents)
	for i, h := range r.hosts {
		d := newDigest(h.err, r.plan.own(r.plan.hosts[i]))
		d.partly = h.report != nil
		if h.unasked && d.failure != nil {
			d.failure.title = "not asked"
		}
		if h.report != nil && h.err == nil {
			d.failedJobs = new(h.failed > 0)
		}
		b := block{note: lineOf(h.err, d.exit)}
		if format != outputText {
			b = block{out: r.hostJSON(h, byHost[h])}
		}
		if !t.put(i, &rendered{b, d}) {
			break
		}
	}
	return t.end()
}
