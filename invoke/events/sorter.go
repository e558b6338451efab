package events

import (
	"slices"
	"time"
)

// A sorter puts the records of a host, which come in the order of time, into drafts.
type sorter struct {
	drafts map[string][]*draft // of a machine, the oldest first
	order  []*draft            // all of them, as they began
	rest   []*record           // what makes no incident of its own, or names no machine
	loose  []*record           // what of that belongs to none here
}

// add takes a record that makes an incident where there is none.
func (s *sorter) add(r *record) {
	list := s.drafts[r.machine()]
	if len(list) == 0 {
		s.begin(r)
		return
	}
	last := list[len(list)-1]
	if last.takes(r) {
		last.append(r)
		return
	}
	last.lost = !last.over()
	s.begin(append(last.cut(r), r)...)
}

// begin makes a draft of records of one machine.
func (s *sorter) begin(records ...*record) *draft {
	d := newDraft(records[0])
	for _, r := range records[1:] {
		d.append(r)
	}
	key := d.records[0].machine()
	s.drafts[key] = append(s.drafts[key], d)
	s.order = append(s.order, d)
	return d
}

// attach gives the rest to the drafts in whose time it happened.
func (s *sorter) attach() {
	windows := newWindows(s.order)
	unnamed := s.attachNamed()
	var causes, others []*record
	for _, r := range unnamed {
		switch {
		case r.kind != kindCause:
			others = append(others, r)
		case !windows.attach(r):
			causes = append(causes, r)
		}
	}
	// What is left of the causes makes incidents whose machine nobody named.
	var alone *draft
	for _, r := range causes {
		if alone == nil || r.at.Sub(alone.end) > windowBefore || alone.hosts().elsewhere(r.hosts()) {
			alone = s.begin(r)
			continue
		}
		alone.append(r)
	}
	if len(causes) > 0 {
		windows = newWindows(s.order)
	}
	for _, r := range others {
		if !windows.attach(r) && r.kind == kindHint {
			s.loose = append(s.loose, r)
		}
	}
}

// attachNamed gives what names its machine to the drafts of that, and returns the rest.
func (s *sorter) attachNamed() (unnamed []*record) {
	left := map[string][]*record{}
	var keys []string
	for _, r := range s.rest {
		key := r.machine()
		if key == "" {
			unnamed = append(unnamed, r)
			continue
		}
		if d := nearest(s.drafts[key], r); d != nil {
			d.join(r)
			continue
		}
		if left[key] == nil {
			keys = append(keys, key)
		}
		left[key] = append(left[key], r)
	}
	for _, key := range keys {
		s.arrivals(left[key])
	}
	return unnamed
}

// nearest returns the one of drafts, which are of one machine and the oldest first, to whose time r belongs; nil if none. What may tell
// why something failed does not belong to what went well.
func nearest(drafts []*draft, r *record) *draft {
	i, _ := slices.BinarySearchFunc(drafts, r.at, func(d *draft, at time.Time) int { return d.begin.Compare(at) })
	var found *draft
	for _, d := range drafts[max(i-1, 0):min(i+1, len(drafts))] {
		if d.holds(r.at) && (r.kind == kindNote || !d.well()) && (found == nil || d.apart(r.at) < found.apart(r.at)) {
			found = d
		}
	}
	return found
}

// holds reports whether what happened at that time may belong to the draft.
func (d *draft) holds(at time.Time) bool {
	return !at.Before(d.begin.Add(-windowBefore)) && !at.After(d.end.Add(windowAfter))
}

// apart returns how long before the draft, or after it, that time is.
func (d *draft) apart(at time.Time) time.Duration {
	return max(d.begin.Sub(at), at.Sub(d.end), 0)
}

// join takes a record that makes no incident of its own, and so does not change the time of the draft.
func (d *draft) join(r *record) { d.joined = append(d.joined, r) }

// arrivals makes drafts of what tells of a migration at its destination, in records of one machine that has no draft at their time: the
// machine appears, and then something goes wrong with it. What else there is remains loose.
func (s *sorter) arrivals(records []*record) {
	for from := 0; from < len(records); {
		to := from + 1
		for to < len(records) && records[to].at.Sub(records[to-1].at) <= windowBefore {
			to++
		}
		group := records[from:to]
		first := slices.IndexFunc(group, (*record).arrives)
		if first >= 0 && slices.ContainsFunc(group[first:], func(r *record) bool { return r.kind == kindHint }) {
			s.loose = append(s.loose, group[:first]...)
			s.begin(group[first:]...)
		} else {
			s.loose = append(s.loose, group...)
		}
		from = to
	}
}

// arrives reports whether r tells that a virtual machine came to be on this host (facts/event-log.md §2.1).
func (r *record) arrives() bool {
	return r.key.provider == "Hyper-V-VMMS" && (r.key.id == 13002 || r.key.id == 18304)
}
