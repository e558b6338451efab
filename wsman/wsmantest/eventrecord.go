package wsmantest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Win32 errors of reading an event log (facts/event-log.md §3).
const (
	errorAccessDenied    = 5
	errorInvalidQuery    = 15001
	errorChannelNotFound = 15007
	errorQueryTooComplex = 15026
)

// Levels of events: what they have if the model says nothing, and the last one, verbose.
const (
	defaultLevel = 4 // information
	maxLevel     = 5
)

// A record is one event of a channel as a host has it.
type record struct {
	*LogEvent

	channel, provider, computer, user string

	id     uint64
	time   time.Time
	level  uint8
	digits int // of the fraction of a second
}

// A channel is an [EventLog] with its records in order.
type channel struct {
	log     *EventLog
	records []record
	cleared time.Time // zero: never
}

// newChannels returns the channels that a host has: those of the model, and those that hosts of its kind always have.
func (h *host) newChannels() map[string]*channel {
	m := h.model
	channels := make(map[string]*channel, len(m.EventLogs)+len(m.ownChannels()))
	for _, name := range m.ownChannels() {
		channels[strings.ToLower(name)] = &channel{log: &EventLog{Channel: name}}
	}
	for i := range m.EventLogs {
		log := &m.EventLogs[i]
		c := &channel{log: log, records: make([]record, 0, len(log.Events))}
		if log.ClearedAfter != 0 {
			c.cleared = h.start.Add(time.Duration(log.ClearedAfter))
		}
		id := uint64(0)
		for k := range log.Events {
			e := &log.Events[k]
			id = cmp.Or(e.RecordID, id+1)
			c.records = append(c.records, record{
				LogEvent: e, channel: log.Channel, provider: cmp.Or(e.Provider, providerOf(log.Channel)),
				computer: cmp.Or(e.Computer, h.name()), user: cmp.Or(e.UserID, userSystem), id: id,
				time: h.start.Add(time.Duration(e.At)), level: cmp.Or(e.Level, defaultLevel), digits: m.EventDigits,
			})
		}
		channels[strings.ToLower(log.Channel)] = c
	}
	return channels
}

// ownChannels are those that every host of the model's kind has.
func (m *Model) ownChannels() []string {
	if m.NoHyperV {
		return []string{channelSystem}
	}
	return []string{
		channelSystem, channelVMMS, "Microsoft-Windows-Hyper-V-VMMS-Operational", channelHA, channelWorker, channelCluster,
	}
}

// providerOf is the provider that writes to a channel: its name without what tells the channels of one provider apart.
func providerOf(channel string) string {
	if channel == channelSystem {
		return "EventLog"
	}
	if provider, _, ok := strings.Cut(channel, "/"); ok {
		return provider
	}
	for _, end := range []string{"-Admin", "-Operational", "-Analytic", "-Networking", "-Storage"} {
		if provider, ok := strings.CutSuffix(channel, end); ok {
			return provider
		}
	}
	return channel
}

// records returns what a channel holds at now, the oldest first; the caller does not change it. code is the Win32 error of reading
// it, such as 15007 when there is no such channel.
func (h *host) records(name string, now time.Time) (list []record, code uint32) {
	c := h.channels()[strings.ToLower(name)]
	if c == nil {
		return nil, errorChannelNotFound
	}
	if c.log.Code != 0 {
		return nil, c.log.Code
	}
	before := func(t time.Time) int {
		n, _ := slices.BinarySearchFunc(c.records, t, func(r record, t time.Time) int { return r.time.Compare(t) })
		return n
	}
	first, last := 0, before(now.Add(1))
	if !c.cleared.IsZero() && !now.Before(c.cleared) {
		first = before(c.cleared)
	}
	return c.records[first:last], 0
}
