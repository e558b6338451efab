package events

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The times by which events belong together.
const (
	// before and after an incident, events that make none belong to it.
	windowBefore = 2 * time.Minute
	windowAfter  = time.Minute
	// maxPause is how long nothing may happen within a migration; longestMove is the same once it is known to have begun.
	maxPause    = 10 * time.Minute
	longestMove = 24 * time.Hour
	// sameStart is how far apart the first events of several providers are that tell of the same beginning.
	sameStart = time.Minute
)

// The bounds of what is held of a host: so many events, and so many bytes of what they say, which 20,000 of the usual length are below.
const (
	maxKept      = 20_000
	maxKeptBytes = 32 << 20
	// shares is how many parts there are of both. Each channel that is still to be read has one: that of the management service, which
	// comes first, would else leave no room for why its migrations failed.
	shares = 20
)

// A grouper takes the events of one host, in whatever order, and puts those together that are of one migration.
type grouper struct {
	most      int // records
	mostBytes int // of what they say
	records   []*record
	bytes     int
	// behind is how many channels are still to be read behind this one; full tells that events of this one were left out.
	behind int
	full   bool
	// learned is what events mean that the catalogue does not have.
	learned map[eventKey]*meaning
	// The channel and the time of the last event: they stand in for the time of one that has none.
	channel string
	at      time.Time
}

// newGrouper returns a grouper that holds at most so many events.
func newGrouper(most int) *grouper {
	return &grouper{most: most, mostBytes: maxKeptBytes, learned: map[eventKey]*meaning{}}
}

// next begins a channel, behind which so many are still to be read.
func (g *grouper) next(behind int) { g.behind, g.full = behind, false }

// room reports whether there is room for so many bytes of a record more.
func (g *grouper) room(bytes int) bool {
	taken := min(g.behind, shares/2) // whoever asks for many channels
	return len(g.records) < g.most-taken*(g.most/shares) && g.bytes+bytes <= g.mostBytes-taken*(g.mostBytes/shares)
}

// size returns about how many bytes e takes.
func (e *Event) size() int {
	const itself, each = 512, 32
	n := itself + len(e.Message()) + len(e.Raw)
	for i := range e.Fields {
		n += each + len(e.Fields[i].Name) + len(e.Fields[i].Value)
	}
	for _, p := range e.Problems {
		n += len(p)
	}
	return n
}

// add takes an event. It reports whether it was kept: it may belong to an incident.
func (g *grouper) add(e *Event) (kept bool) {
	if e.Log != g.channel {
		g.channel, g.at = e.Log, time.Time{}
	}
	if !e.Time.IsZero() {
		g.at = e.Time
	}
	r := newRecord(e, g.learned)
	if r == nil || r.kind == kindNote && r.id == "" && r.vm == "" && !catalogued().has(r.key) {
		return false
	}
	size := e.size()
	if !g.room(size) {
		g.full = true
		return false
	}
	g.bytes += size
	r.at, r.seq = g.at, len(g.records)
	g.records = append(g.records, r)
	return true
}

// compareTime orders records by their time. Those of one time are in the order of their channel, else in that of arriving: the newest
// arrived first.
func compareTime(a, b *record) int {
	if c := a.at.Compare(b.at); c != 0 {
		return c
	}
	if a.Log == b.Log && a.RecordID != nil && b.RecordID != nil && *a.RecordID != *b.RecordID {
		return cmp.Compare(*a.RecordID, *b.RecordID)
	}
	if a.Log == b.Log {
		return cmp.Compare(b.seq, a.seq)
	}
	return cmp.Compare(a.seq, b.seq)
}

// incidents returns what the events make, the newest first, and the events that may belong to an incident of another host.
func (g *grouper) incidents() (incidents []*Incident, loose []*record) {
	slices.SortFunc(g.records, compareTime)
	names := newNames(g.records)
	s := &sorter{drafts: map[string][]*draft{}}
	for _, r := range g.records {
		names.resolve(r)
		r.nameStranger(names)
		if r.kind.makes() && (r.kind != kindCause || r.named()) {
			s.add(r)
		} else {
			s.rest = append(s.rest, r)
		}
	}
	s.attach()
	for _, d := range s.order {
		incidents = append(incidents, d.incident(names))
	}
	slices.SortStableFunc(incidents, newestFirst)
	return incidents, s.loose
}

// newestFirst orders incidents.
func newestFirst(a, b *Incident) int {
	return cmp.Or(b.End.Compare(a.End), b.Begin.Compare(a.Begin), strings.Compare(a.VM, b.VM), strings.Compare(a.VMID, b.VMID))
}

// named reports whether r says which machine it is about.
func (r *record) named() bool { return r.id != "" || r.vm != "" }

// machine returns what tells the virtual machines of a host apart; "" if r does not say which it is about.
func (r *record) machine() string {
	if r.id != "" {
		return r.id
	}
	return strings.ToLower(r.vm)
}

// A draft is an incident in the making.
type draft struct {
	records    []*record
	begin, end time.Time
	role       Role
	started    bool
	// The hosts that its own records name.
	source, destination string
	// When the last event came that ended it, and its place in records.
	ended   time.Time
	lastEnd int
	markers []*record // what began and what ended it
	joined  []*record // what belongs to it by its time
	// lost tells that it was over before the machine's next migration, and that the log does not tell when.
	lost bool
}

// newDraft begins an incident with r.
func newDraft(r *record) *draft {
	d := &draft{begin: r.at}
	d.append(r)
	return d
}

// append takes r, which is not older than the others.
func (d *draft) append(r *record) {
	if r.kind.ends() {
		d.ended, d.lastEnd = r.at, len(d.records)
	}
	if r.kind.ends() || r.kind == kindStart {
		d.markers = append(d.markers, r)
	}
	d.started = d.started || r.kind == kindStart
	if d.role == "" && !r.weak {
		d.role = r.role
	}
	d.source, d.destination = cmp.Or(d.source, r.source), cmp.Or(d.destination, r.destination)
	d.records = append(d.records, r)
	d.end = r.at
}

// over reports whether something ended the migration.
func (d *draft) over() bool { return len(d.markers) > 0 && d.markers[len(d.markers)-1].kind.ends() }

// has reports whether the draft has a beginning or an end by this event: a second one is of another migration.
func (d *draft) has(key eventKey) bool {
	return slices.ContainsFunc(d.markers, func(m *record) bool { return m.key == key })
}

// takes reports whether r, of the same machine and not older than the others, is of this migration.
func (d *draft) takes(r *record) bool {
	if d.role != "" && r.role != "" && !r.weak && r.role != d.role {
		return false // it comes back
	}
	switch {
	case r.kind == kindStart:
		return !d.over() && !d.has(r.key) && r.at.Sub(d.begin) <= sameStart
	case d.over() && r.kind.ends():
		return r.at.Sub(d.ended) <= windowAfter && !d.has(r.key) && d.failed() == r.kind.fails()
	case d.over():
		return r.at.Sub(d.ended) <= windowAfter && (r.kind != kindCause || d.failed())
	case d.started:
		return r.at.Sub(d.end) <= longestMove
	}
	return r.at.Sub(d.end) <= maxPause
}

// failed reports whether an event says that the migration failed.
func (d *draft) failed() bool {
	return slices.ContainsFunc(d.markers, func(m *record) bool { return m.kind.fails() })
}

// well reports whether it ended, and did not fail.
func (d *draft) well() bool { return d.over() && !d.failed() }

// cut takes those events from the end of the draft that are nearer to r, which ends the next migration, than to the end of this one.
func (d *draft) cut(r *record) []*record {
	if !d.over() || !r.kind.ends() {
		return nil
	}
	from := d.lastEnd + 1
	for from < len(d.records) && r.at.Sub(d.records[from].at) >= d.records[from].at.Sub(d.ended) {
		from++
	}
	moved := slices.Clone(d.records[from:])
	d.records = d.records[:from]
	d.end = d.records[from-1].at
	return moved
}
