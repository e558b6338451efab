package events

import (
	"cmp"
	"slices"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// adopt gives the events of a host that make no incident there to those that other hosts tell: of the same machine, or, when they name
// none, of a migration that failed between the two hosts.
func (m *merger) adopt() {
	var failed []*union
	for _, u := range m.all {
		if u.failed() && u.told[0].VM+u.told[0].VMID != "" {
			failed = append(failed, u)
		}
	}
	slices.SortStableFunc(failed, func(a, b *union) int { return a.end.Compare(b.end) })
	for _, r := range m.loose {
		var u *union
		if key := m.machine(r.vm, r.id); key != "" {
			u = nearestUnion(m.unions[key], r.host, r.ourTime(), func(u *union) bool { return r.kind == kindNote || !u.well() })
		} else {
			u = nearestUnion(failed, r.host, r.ourTime(), func(u *union) bool { return m.takes(u, r) })
		}
		if u != nil {
			u.adopted = append(u.adopted, r)
		}
	}
	for _, t := range m.told {
		if t.VM+t.VMID != "" || len(t.union.told) != 1 {
			continue
		}
		u := nearestUnion(failed, t.report, t.end, func(u *union) bool {
			return !slices.ContainsFunc(t.records, func(r *record) bool { return r.kind == kindCause && !m.takes(u, r) })
		})
		if u != nil {
			u.adopted = append(u.adopted, t.records...)
			t.union.told = nil
		}
	}
}

// failed reports whether a host says that the migration failed.
func (u *union) failed() bool {
	return slices.ContainsFunc(u.told, func(t *told) bool { return t.Outcome == OutcomeFailed })
}

// well reports whether a host says that it ended well, and none that it failed.
func (u *union) well() bool {
	return !u.failed() && slices.ContainsFunc(u.told, func(t *told) bool { return t.well() })
}

// well reports whether the host says that it ended well.
func (t *told) well() bool { return t.Outcome == OutcomeCompleted || t.Outcome == OutcomeSlow }

// nearestUnion returns the one of unions, which are in the order of time, that an event of host at that time may belong to; nil if none.
// Those that the host tells of itself are none, and those that may not.
func nearestUnion(unions []*union, host *Report, at time.Time, may func(*union) bool) *union {
	i, _ := slices.BinarySearchFunc(unions, at, func(u *union, at time.Time) int { return u.end.Compare(at) })
	var found *union
	for _, u := range unions[max(i-maxLooked, 0):min(i+maxLooked, len(unions))] {
		switch {
		case at.Before(u.begin.Add(-windowBefore)) || at.After(u.end.Add(windowAfter)):
		case slices.ContainsFunc(u.told, func(t *told) bool { return t.report == host }):
		case found != nil && u.end.Sub(at).Abs() >= found.end.Sub(at).Abs():
		case may(u):
			found = u
		}
	}
	return found
}

// takes reports whether r, which names no machine, is of the other end of a migration that one end tells of. When that names no other
// end, r has to be a cause that names the one that tells, and nobody else may have been asked.
func (m *merger) takes(u *union, r *record) bool {
	if len(u.told) != 1 {
		return false
	}
	t := u.told[0]
	if r.role != "" && !r.weak && r.role == t.Role {
		return false // of a migration that goes on, or comes from elsewhere
	}
	mine, others, other := r.source, r.destination, t.Destination
	if t.Role == RoleDestination {
		mine, others, other = r.destination, r.source, t.Source
	}
	if mine != "" && !m.called(t.report, mine) || others != "" && !m.called(r.host, others) {
		return false
	}
	if other != "" {
		return m.called(r.host, other)
	}
	return m.hosts == 2 && r.kind == kindCause && (m.called(t.report, mine) || m.called(t.report, r.guess))
}

// called reports whether name is that of the host of a report: as the operator calls it, or as its events do.
func (m *merger) called(host *Report, name string) bool {
	return slices.ContainsFunc(m.names[host], func(known string) bool { return SameHost(known, name) })
}

// learnHost takes the names by which the events of a host call it.
func (m *merger) learnHost(r *record) {
	const most = 16
	names := m.names[r.host]
	add := func(name string) {
		if name != "" && len(names) < most && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(r.Computer)
	if r.role == RoleSource && !r.weak {
		add(r.source)
	}
	m.names[r.host] = names
}

// incident returns what all hosts of the union tell.
func (m *merger) incident(u *union) *Incident {
	first := u.first()
	hosts := u.hosts(first)
	if len(u.told) == 1 && len(u.adopted) == 0 {
		in := first.Incident
		in.Hosts = hosts
		in.nameEnds(first.report.Host, first.Role)
		tellHost(in.explanation, hosts[0])
		return in
	}
	in := &Incident{Role: RoleBoth, Hosts: hosts}
	if len(hosts) == 1 {
		in.Role = first.Role
	}
	var records []*record
	for _, t := range u.told {
		records = append(records, t.records...)
		in.lost = in.lost || t.lost
		in.nameEnds(t.report.Host, t.Role)
		if in.VM == "" {
			in.VM = t.VM
		}
		if in.VMID == "" {
			in.VMID = t.VMID
		}
	}
	in.records = append(records, u.adopted...)
	for _, t := range u.told {
		in.Source, in.Destination = cmp.Or(in.Source, t.Source), cmp.Or(in.Destination, t.Destination)
	}
	for _, t := range u.told {
		in.nameHost(m, t.report)
	}
	for _, r := range u.adopted {
		in.nameHost(m, r.host)
	}
	if len(hosts) == 2 && (len(u.told) == 2 || slices.ContainsFunc(u.adopted, (*record).named)) {
		in.otherEnds() // not by what names neither the machine nor its hosts
	}
	slices.SortStableFunc(in.records, compareOurTime)
	clock := first.report.Clock
	in.Begin, in.End = u.begin.Add(clock), u.end.Add(clock)
	in.tell()
	return in
}

// tellHost tells which host all of e is of.
func tellHost(e *explain.Explanation, host string) {
	if e == nil {
		return // nobody has asked yet
	}
	for i := range e.Findings {
		e.Findings[i].Host = host
	}
	if e.Headline != nil {
		e.Headline.Host = host
	}
}

// first returns the incident that the source tells; else one that does not say that it is of the destination, else any.
func (u *union) first() *told {
	rank := func(t *told) int { return slices.Index([]Role{RoleSource, RoleBoth, "", RoleDestination}, t.Role) }
	return slices.MinFunc(u.told, func(a, b *told) int { return rank(a) - rank(b) })
}

// hosts returns the names of those that tell, each once: first, then as they came.
func (u *union) hosts(first *told) []string {
	hosts := []string{first.report.Host}
	add := func(host string) {
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	for _, t := range u.told {
		add(t.report.Host)
	}
	for _, r := range u.adopted {
		add(r.Host)
	}
	return hosts
}

// nameEnds takes the name of a host whose role is known: it is the one by which the user knows it.
func (in *Incident) nameEnds(host string, role Role) {
	switch role {
	case RoleSource:
		in.Source = host
	case RoleDestination:
		in.Destination = host
	case RoleBoth, "":
	}
}

// nameHost takes the name by which the user knows an end that the events call otherwise.
func (in *Incident) nameHost(m *merger, host *Report) {
	for _, end := range [...]*string{&in.Source, &in.Destination} {
		if *end != "" && m.called(host, *end) {
			*end = host.Host
		}
	}
}

// otherEnds names the other one of two hosts.
func (in *Incident) otherEnds() {
	other := func(host string) string {
		if in.Hosts[0] == host {
			return in.Hosts[1]
		}
		return in.Hosts[0]
	}
	switch {
	case in.Source != "" && in.Destination == "":
		in.Destination = other(in.Source)
	case in.Destination != "" && in.Source == "":
		in.Source = other(in.Destination)
	}
}

// compareOurTime orders the records of several hosts; those of one host and one time as [compareTime] does.
func compareOurTime(a, b *record) int {
	if c := a.ourTime().Compare(b.ourTime()); c != 0 {
		return c
	}
	if a.host == b.host {
		return compareTime(a, b)
	}
	return 0
}
