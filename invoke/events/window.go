package events

import (
	"slices"
	"time"
)

// windows finds the drafts that an event belongs to which names no machine: those that were under way.
type windows struct {
	failing []*window // and those of which the end is not known
	well    []*window
}

// A window is a draft with the time at which its outcome became known.
type window struct {
	*draft
	anchor time.Time
	ends   hosts
	// failed tells that an event says so, or why.
	failed bool
	// strikes is how many have joined that strike every machine.
	strikes int
}

// newWindows returns the windows of drafts.
func newWindows(drafts []*draft) *windows {
	w := &windows{}
	for _, d := range drafts {
		switch i := slices.IndexFunc(d.markers, func(m *record) bool { return m.kind.fails() }); {
		case i >= 0:
			w.failing = append(w.failing, &window{draft: d, anchor: d.markers[i].at, ends: d.hosts(), failed: true})
		case d.over():
			w.well = append(w.well, &window{draft: d, anchor: d.end, ends: d.hosts()})
		default:
			told := slices.ContainsFunc(d.records, func(r *record) bool { return r.kind == kindCause })
			w.failing = append(w.failing, &window{draft: d, anchor: d.end, ends: d.hosts(), failed: told})
		}
	}
	for _, list := range [...][]*window{w.failing, w.well} {
		slices.SortStableFunc(list, func(a, b *window) int { return a.anchor.Compare(b.anchor) })
	}
	return w
}

// attach gives r to a draft, or to several that it struck. It reports whether there was one: what tells why something failed does not
// belong to what went well.
func (w *windows) attach(r *record) bool {
	if r.hostWide && w.strike(r) {
		return true
	}
	d := find(w.failing, r)
	if d == nil && r.kind == kindNote {
		d = find(w.well, r)
	}
	if d == nil {
		return false
	}
	d.join(r)
	return true
}

// The bounds of [find] and of strike: how many windows of each side are looked at, how soon after its cause something fails, how long
// after the failure another channel may tell the cause, and how many events that strike every machine are told of one.
const (
	maxLooked  = 64
	storm      = 2 * time.Second
	behind     = 500 * time.Millisecond
	maxStrikes = 8
)

// around returns those of list, which are in the order of their anchors, that are the nearest to a time.
func around(list []*window, at time.Time) []*window {
	i, _ := slices.BinarySearchFunc(list, at, func(w *window, at time.Time) int { return w.anchor.Compare(at) })
	return list[max(i-maxLooked, 0):min(i+maxLooked, len(list))]
}

// strike gives r to every draft that failed while it happened. It reports whether there was one.
func (w *windows) strike(r *record) (struck bool) {
	ends := r.hosts()
	for _, w := range around(w.failing, r.at) {
		if w.failed && w.strikes < maxStrikes && w.may(r, ends) {
			w.join(r)
			w.strikes++
			struck = true
		}
	}
	return struck
}

// find returns the draft of list that r belongs to, nil if none does.
func find(list []*window, r *record) *draft {
	var found *window
	var rank [4]bool
	ends := r.hosts()
	for _, w := range around(list, r.at) {
		if !w.may(r, ends) {
			continue
		}
		if n := w.rank(r, ends); found == nil || better(n, rank) || n == rank && w.off(r) < found.off(r) {
			found, rank = w, n
		}
	}
	if found == nil {
		return nil
	}
	return found.draft
}

// may reports whether r may belong to w: by its time, and by the hosts and the end that it names.
func (w *window) may(r *record, ends hosts) bool {
	return w.holds(r.at) && !w.ends.elsewhere(ends) && (r.role == "" || r.weak || w.role == "" || r.role == w.role)
}

// rank returns what speaks for giving r to w, the weightiest first: it failed, to or from the host that r names, and soon after r; and
// when several fail at the same moment, each has such an event of its own, so one that has none yet comes first.
func (w *window) rank(r *record, ends hosts) [4]bool {
	ahead := w.anchor.Sub(r.at)
	soon := -behind <= ahead && ahead <= storm
	return [4]bool{w.failed, w.ends.meets(ends), soon, soon && !w.joinedOne(r.key)}
}

// better reports whether a is, at its first difference from b.
func better(a, b [4]bool) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i]
		}
	}
	return false
}

// off returns how far r is from the anchor.
func (w *window) off(r *record) time.Duration { return r.at.Sub(w.anchor).Abs() }

// joinedOne reports whether an event of this kind has joined already.
func (d *draft) joinedOne(key eventKey) bool {
	const looked = 64
	return slices.ContainsFunc(d.joined[:min(len(d.joined), looked)], func(r *record) bool { return r.key == key })
}

// hosts are the two ends of a migration, as far as they are known.
type hosts struct{ source, destination hostName }

func (d *draft) hosts() hosts { return hosts{newHostName(d.source), newHostName(d.destination)} }

func (r *record) hosts() hosts { return hosts{newHostName(r.source), newHostName(r.destination)} }

// elsewhere reports whether one end is known to be another.
func (h hosts) elsewhere(other hosts) bool {
	return h.source.other(other.source) || h.destination.other(other.destination)
}

// meets reports whether one end is the same.
func (h hosts) meets(other hosts) bool {
	return h.source.same(other.source) || h.destination.same(other.destination)
}
