package events

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// The defaults of a [Query].
const (
	defaultSince = 24 * time.Hour
	defaultMax   = 100_000
)

// clusterProvider is the only one whose events are read of the System log (facts/event-log.md §1.1).
const clusterProvider = "Microsoft-Windows-FailoverClustering"

// A reader reads the channels of one host.
type reader struct {
	src    Source
	query  *Query
	groups *grouper
	report *Report
}

// read is [Read].
func read(ctx context.Context, src Source, q *Query) (*Report, error) {
	if q == nil {
		q = &Query{}
	}
	r := &reader{src: src, query: q, groups: newGrouper(maxKept), report: &Report{Route: src.Route()}}
	began := time.Now()
	err := r.channels(ctx)
	if c, ok := src.(interface{ Clock() time.Duration }); ok {
		r.report.Clock = c.Clock()
	}
	r.report.Since = began.Add(r.report.Clock - cmp.Or(q.Since, defaultSince)).UTC()
	incidents, loose := r.groups.incidents()
	r.report.loose = loose
	for _, in := range incidents {
		if in.isAbout(q.VM) {
			r.report.Incidents = append(r.report.Incidents, in)
		}
	}
	return r.report, err
}

// channels reads one after the other. The error is what ended that, or why there was nothing to read.
func (r *reader) channels(ctx context.Context) error {
	names := r.query.Channels
	if names == nil {
		names = DefaultChannels()
	}
	var failed error
	readable := false
	for _, name := range names {
		log := &Log{Channel: name}
		r.report.Logs = append(r.report.Logs, log)
		if err := r.channel(ctx, log); err != nil {
			return err
		}
		readable = readable || log.Err == nil
		if failed == nil && !log.Optional {
			failed = log.Err
		}
	}
	if readable {
		return nil
	}
	return failed
}

// channel reads one. The error is what ends the reading of the host; whatever is of this channel alone is in log.
func (r *reader) channel(ctx context.Context, log *Log) error {
	var smallest uint64
	for e, err := range r.src.Events(ctx, r.selection(log.Channel)) {
		if err != nil {
			if done := r.failed(ctx, log, err); done != nil {
				return done
			}
			continue // a source ends by itself, unless more follows
		}
		log.Read++
		log.addProblems(e)
		if id := e.RecordID; id != nil && (smallest == 0 || *id < smallest) {
			smallest = *id
		}
		if !r.groups.add(e) && r.groups.full {
			log.Partial = cmp.Or(log.Partial, error(ErrLimit))
		}
	}
	if log.Err != nil {
		return nil
	}
	return r.oldest(ctx, log, smallest)
}

// selection returns what is read of a channel.
func (r *reader) selection(channel string) *Selection {
	s := &Selection{
		Channel: channel, Since: cmp.Or(r.query.Since, defaultSince), Levels: r.query.Levels, Max: cmp.Or(r.query.Max, defaultMax),
		KeepRaw: r.query.KeepRaw,
	}
	if channel == "System" {
		s.Provider = clusterProvider
	}
	return s
}

// failed notes what went wrong with a channel. It returns what ends the reading of the host.
func (r *reader) failed(ctx context.Context, log *Log, err error) error {
	channelErr, ofChannel := errors.AsType[*ChannelError](err)
	_, ofEvents := errors.AsType[constError](err)
	switch {
	case ctx.Err() != nil:
	case ofEvents:
		log.Partial = cmp.Or(log.Partial, err)
		return nil
	case log.Read > 0 && (ofChannel || ofAnswer(err)):
		log.Partial = cmp.Or(log.Partial, err)
		return nil
	case ofChannel:
		log.Err = err
		log.Optional = channelErr.Code == codeChannelNotFound && r.query.Channels == nil && optional(log.Channel)
		return nil
	}
	if log.Read > 0 {
		log.Partial = err
	} else {
		log.Err = err
	}
	return err
}

// ofAnswer reports whether err is about one answer of the host, so that others may do.
func ofAnswer(err error) bool {
	_, fault := errors.AsType[*wsman.Fault](err)
	_, protocol := errors.AsType[*wsman.ProtocolError](err)
	return fault || protocol
}

// optional reports whether there are hosts with Hyper-V that do not have this channel: all do that of the management service.
func optional(channel string) bool {
	return channel != DefaultChannels()[0]
}

// oldest asks how far back the channel reaches. smallest is the smallest number of a record that was read.
func (r *reader) oldest(ctx context.Context, log *Log, smallest uint64) error {
	e, err := r.src.Oldest(ctx, log.Channel)
	switch {
	case err != nil:
		_, ofChannel := errors.AsType[*ChannelError](err)
		_, ofEvents := errors.AsType[constError](err)
		if ctx.Err() == nil && (ofChannel || ofEvents || ofAnswer(err)) {
			log.addProblem(fmt.Sprintf("how far back it reaches is not known: %v", err))
			return nil
		}
		log.Partial = cmp.Or(log.Partial, err)
		return err
	case e == nil:
		log.Empty = log.Read == 0
		if log.Read > 0 {
			log.Partial = cmp.Or(log.Partial, error(ErrCleared))
		}
		return nil
	}
	log.Oldest = e.Time
	if e.RecordID != nil {
		log.OldestRecord = *e.RecordID
	}
	if smallest > 0 && log.OldestRecord > smallest {
		log.Partial = cmp.Or(log.Partial, error(ErrCleared))
	}
	return nil
}

// maxLogProblems bounds the Problems of a log.
const maxLogProblems = 100

// addProblems takes those of an event.
func (l *Log) addProblems(e *Event) {
	for _, p := range e.Problems {
		if e.RecordID != nil {
			p = fmt.Sprintf("record %d: %s", *e.RecordID, p)
		}
		l.addProblem(p)
	}
}

// addProblem takes one, unless it is known or there are too many.
func (l *Log) addProblem(p string) {
	if len(l.Problems) < maxLogProblems && !slices.Contains(l.Problems, p) {
		l.Problems = append(l.Problems, p)
	}
}
