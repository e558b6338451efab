package events

import "time"

// A Query says what [Read] reads.
type Query struct {
	// Channels are read in this order; nil means [DefaultChannels].
	Channels []string
	// Since is how far back, by the clock of the host. If zero, 24 hours.
	Since time.Duration
	// Levels are the levels to read; nil means all, which incidents need: how a migration began is information.
	Levels []uint8
	// VM, if not "", is the name or the GUID of the only virtual machine whose incidents are kept.
	VM string
	// MaxBytes bounds what is kept of the events of a host, in bytes of what they say, about. If zero, 32 MiB. What is beyond is left out,
	// the oldest of each channel, and [ErrLimit] says so.
	MaxBytes int
	// Max bounds how many events are read of a channel. If zero, 100,000.
	Max int
	// KeepRaw fills Raw of the events.
	KeepRaw bool
}

// A Report is what the event log of one host tells, or after [Merge] those of several.
type Report struct {
	// Host names the host in a merged report. [Read] leaves it to the caller.
	Host  string
	Route Route
	// Since is the beginning of the time that was asked for, by the host's clock, as far as that is known (see Clock).
	Since time.Time
	// Clock is how far the host's clock is ahead of ours, as its answers tell; 0 if they do not: ClockKnown is then false.
	Clock      time.Duration
	ClockKnown bool
	Logs       []*Log
	// Incidents are the newest first.
	Incidents []*Incident

	// loose are the events that may belong to an incident of another host; others are the incidents that Only, which was called for the
	// machine only, left out.
	loose  []*record
	others []*Incident
	only   string
}

// A Log is what became of one channel.
type Log struct {
	// Host names the host in a merged report, else it is "".
	Host    string
	Channel string
	// Read is how many events came.
	Read int
	// Oldest is the time of the oldest event in the channel, and OldestRecord its number: how far back it reaches. Both are zero when
	// that is not known, or if the channel is Empty.
	Oldest       time.Time
	OldestRecord uint64
	Empty        bool
	// Err is why the channel could not be read, most often a [*ChannelError]; [ErrNotAsked] if the reading of the host ended before it.
	// Optional tells that it is one of [DefaultChannels] that hosts of some kinds do not have, and that this one has not.
	Err      error
	Optional bool
	// Partial is why not all of the events came, without the name of the channel; those that did are in the incidents.
	Partial error
	// Problems tell of single events what made no sense.
	Problems []string
}

// Covers reports whether a missing event of the time t means that there was none. An empty log never does: it may have been cleared a
// moment ago.
func (l *Log) Covers(t time.Time) bool {
	return l.Err == nil && l.Partial == nil && !l.Oldest.IsZero() && !t.Before(l.Oldest)
}
