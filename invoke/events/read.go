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

// Read reads the events of a host and puts them together. The Report is never nil: it holds whatever came. The error is what ended the
// reading of the host as a whole, ctx for one, or why all of the channels failed.
func Read(ctx context.Context, src Source, q *Query) (*Report, error) {
	if q == nil {
		q = &Query{}
	}
	r := &reader{src: src, query: q, groups: newGrouper(maxKept), report: &Report{Route: src.Route()}}
	r.groups.mostBytes = cmp.Or(q.MaxBytes, maxKeptBytes)
	began := time.Now()
	err := r.channels(ctx)
	r.clock()
	r.report.Since = began.Add(r.report.Clock - cmp.Or(q.Since, defaultSince)).UTC()
	r.report.Incidents, r.report.loose = r.groups.incidents()
	r.report.Only(q.VM)
	return r.report, err
}

// clock takes the clock of the host from a source that knows it. One that does not say whether it does knows it if there is a difference.
func (r *reader) clock() {
	if c, ok := r.src.(interface{ Clock() time.Duration }); ok {
		r.report.Clock = c.Clock()
		r.report.ClockKnown = r.report.Clock != 0
	}
	if c, ok := r.src.(interface{ ClockKnown() bool }); ok {
		r.report.ClockKnown = c.ClockKnown()
	}
}

// ErrNotAsked is the Err of a [Log] that was not asked for, since the reading of the host ended before. It wraps what ended that.
var ErrNotAsked = errors.New("not asked for")

// channels reads one after the other. The error is what ended that, or why there was nothing to read.
func (r *reader) channels(ctx context.Context) error {
	names := r.query.Channels
	if names == nil {
		names = DefaultChannels()
	}
	var failed error
	readable := false
	for i, name := range names {
		log := &Log{Channel: name}
		r.report.Logs = append(r.report.Logs, log)
		r.groups.next(len(names) - i - 1)
		if err := r.channel(ctx, log); err != nil {
			for _, name := range names[i+1:] {
				r.report.Logs = append(r.report.Logs, &Log{Channel: name, Err: fmt.Errorf("%w: %w", ErrNotAsked, err)})
			}
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
	var ids span
	for e, err := range r.src.Events(ctx, r.selection(log.Channel)) {
		if err != nil {
			if done := r.failed(ctx, log, err); done != nil {
				return done
			}
			continue // a source ends by itself, unless more follows
		}
		log.Read++
		log.addProblems(e)
		ids.add(e.RecordID)
		if !r.groups.add(e) && r.groups.full {
			log.Partial = cmp.Or(log.Partial, error(ErrLimit))
		}
	}
	if log.Err != nil {
		return nil
	}
	return r.oldest(ctx, log, ids)
}

// A span is that of the numbers of the records that were read; both are 0 if none had one.
type span struct{ smallest, largest uint64 }

func (s *span) add(id *uint64) {
	if id == nil {
		return
	}
	if s.smallest == 0 || *id < s.smallest {
		s.smallest = *id
	}
	s.largest = max(s.largest, *id)
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
	_, notEvent := errors.AsType[*DecodeError](err)
	_, remark := errors.AsType[*StderrError](err)
	switch {
	case ctx.Err() != nil:
	case remark:
		log.addProblem(err.Error())
		return nil
	case notEvent && !ofChannel:
		log.addProblem(err.Error())
		log.Partial = cmp.Or(log.Partial, err)
		return nil
	case ofEvents:
		log.Partial = cmp.Or(log.Partial, err)
		return nil
	case log.Read > 0 && (ofChannel || ofAnswer(err)):
		log.Partial = cmp.Or(log.Partial, unnamed(err))
		return nil
	case ofChannel:
		log.Err = err
		log.Optional = channelErr.Code == codeChannelNotFound && r.query.Channels == nil && optional(log.Channel)
		return nil
	case isFault(err) && !ofHost(err): // an answer that breaks the protocol is not the host's to give once more
		log.Err = &ChannelError{Channel: log.Channel, Err: err}
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
	_, protocol := errors.AsType[*wsman.ProtocolError](err)
	return protocol || isFault(err)
}

func isFault(err error) bool {
	_, fault := errors.AsType[*wsman.Fault](err)
	return fault
}

// codeNoShells is the number of the fault of a host that accepts no remote shells (facts/wsman_error_codes.json).
const codeNoShells = 0x803381AC

// ofHost reports whether err is a fault that the host would answer for every channel: it does not have the route, or does not let this
// user take it, or not now.
func ofHost(err error) bool {
	f, ok := errors.AsType[*wsman.Fault](err)
	return errors.Is(err, ErrNoServerManager) ||
		ok && (f.AccessDenied() || f.Quota() || f.NotSupported() || slices.Contains(f.Codes(), codeNoShells))
}

// A reasonError is a ChannelError that does not name the channel, for where the name stands already.
type reasonError struct{ *ChannelError }

func (e reasonError) Error() string { return e.reason() }

func (e reasonError) Unwrap() error { return e.ChannelError }

// unnamed returns err without the name of the channel.
func unnamed(err error) error {
	if e, ok := errors.AsType[*ChannelError](err); ok {
		return reasonError{e}
	}
	return err
}

// optional reports whether there are hosts with Hyper-V that do not have this channel: all do that of the management service.
func optional(channel string) bool {
	return channel != DefaultChannels()[0]
}

// oldest asks how far back the channel reaches. ids are those that were read.
func (r *reader) oldest(ctx context.Context, log *Log, ids span) error {
	const unknown = "how far back it reaches is not known: "
	e, err := r.src.Oldest(ctx, log.Channel)
	switch {
	case err != nil:
		if ctx.Err() == nil && ofLog(err) {
			log.addProblem(unknown + unnamed(err).Error())
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
	case e.RecordID == nil:
		log.Oldest = e.Time
		return nil
	case ids.smallest < ids.largest && *e.RecordID == ids.largest:
		// What was overwritten while it was read is never all but the last.
		log.addProblem(unknown + "asked for the oldest event, the host gives the newest")
		return nil
	}
	log.Oldest, log.OldestRecord = e.Time, *e.RecordID
	if ids.smallest > 0 && log.OldestRecord > ids.smallest {
		log.Partial = cmp.Or(log.Partial, error(ErrCleared))
	}
	return nil
}

// ofLog reports whether err is about one log, so that others may do.
func ofLog(err error) bool {
	_, ofChannel := errors.AsType[*ChannelError](err)
	_, ofEvents := errors.AsType[constError](err)
	_, notEvent := errors.AsType[*DecodeError](err)
	_, remark := errors.AsType[*StderrError](err)
	return ofChannel || ofEvents || notEvent || remark || ofAnswer(err)
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
