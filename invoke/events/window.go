package events

import (
	"slices"
	"time"
)

// windows finds the draft that an event belongs to which names no machine: the nearest in time of those that were under way.
type windows struct {
	failing []window // and those of which the end is not known
	well    []window
}

// A window is a draft with the time at which its outcome became known.
type window struct {
	*draft
	anchor time.Time
}

// newWindows returns the windows of drafts.
func newWindows(drafts []*draft) *windows {
	w := &windows{}
	for _, d := range drafts {
		switch i := slices.IndexFunc(d.markers, func(m *record) bool { return m.kind.fails() }); {
		case i >= 0:
			w.failing = append(w.failing, window{d, d.markers[i].at})
		case d.over():
			w.well = append(w.well, window{d, d.end})
		default:
			w.failing = append(w.failing, window{d, d.end})
		}
	}
	for _, list := range [...][]window{w.failing, w.well} {
		slices.SortStableFunc(list, func(a, b window) int { return a.anchor.Compare(b.anchor) })
	}
	return w
}

// attach gives r to a draft. It reports whether there was one: what tells why something failed does not belong to what went well.
func (w *windows) attach(r *record) bool {
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

// The bounds of [find]: how many windows of each side are looked at, and how near two failures are of which each has an event of its own.
const (
	maxLooked = 64
	storm     = 2 * time.Second
)

// find returns the nearest of list that holds r, nil if none does. When several fail at the same time, each has such an event of its
// own, so one that has none yet comes first.
func find(list []window, r *record) *draft {
	var held, free *window
	i, _ := slices.BinarySearchFunc(list, r.at, func(w window, at time.Time) int { return w.anchor.Compare(at) })
	near := list[max(i-maxLooked, 0):min(i+maxLooked, len(list))]
	for i := range near {
		w := &near[i]
		if !w.holds(r.at) {
			continue
		}
		if held == nil || w.off(r) < held.off(r) {
			held = w
		}
		if w.off(r) <= storm && (free == nil || w.off(r) < free.off(r)) && !w.joinedOne(r.key) {
			free = w
		}
	}
	switch {
	case free != nil:
		return free.draft
	case held != nil:
		return held.draft
	}
	return nil
}

// off returns how far r is from the anchor.
func (w *window) off(r *record) time.Duration { return r.at.Sub(w.anchor).Abs() }

// joinedOne reports whether an event of this kind has joined already.
func (d *draft) joinedOne(key eventKey) bool {
	const looked = 64
	return slices.ContainsFunc(d.joined[:min(len(d.joined), looked)], func(r *record) bool { return r.key == key })
}
