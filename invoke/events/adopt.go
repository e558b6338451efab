package events

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// adopt gives the events of a host that make no incident there to those that other hosts tell: of the same machine, or, when they name
// none, of a migration that failed between the two hosts.
func (m *merger) adopt() {
	var failed []*union
	for _, u := range m.all {
		if len(u.told) > 0 && slices.ContainsFunc(u.told, func(t *told) bool { return t.Outcome == OutcomeFailed && t.VM+t.VMID != "" }) {
			failed = append(failed, u)
		}
	}
	slices.SortStableFunc(failed, func(a, b *union) int { return a.end.Compare(b.end) })
	for _, r := range m.loose {
		at := r.ourTime()
		var u *union
		if key := m.machine(r.vm, r.id); key != "" {
			u = m.nearest(m.unions[key], r.host, at, false)
		} else {
			u = m.nearest(failed, r.host, at, true)
		}
		if u != nil {
			u.adopted = append(u.adopted, r)
		}
	}
	for _, t := range m.told {
		if t.VM+t.VMID != "" || len(t.union.told) != 1 {
			continue
		}
		if u := m.nearest(failed, t.report, t.end, true); u != nil {
			u.adopted = append(u.adopted, t.records...)
			t.union.told = nil
		}
	}
}

// nearest returns the one of unions, which are in the order of time, that an event of host at that time may belong to; nil if none. With
// strangers, host must be known to be the other end.
func (m *merger) nearest(unions []*union, host *Report, at time.Time, strangers bool) *union {
	i, _ := slices.BinarySearchFunc(unions, at, func(u *union, at time.Time) int { return u.end.Compare(at) })
	var found *union
	for _, u := range unions[max(i-maxLooked, 0):min(i+maxLooked, len(unions))] {
		switch {
		case at.Before(u.begin.Add(-windowBefore)) || at.After(u.end.Add(windowAfter)):
		case slices.ContainsFunc(u.told, func(t *told) bool { return t.report == host }):
		case strangers && !m.otherEnd(u, host):
		case found == nil || u.end.Sub(at).Abs() < found.end.Sub(at).Abs():
			found = u
		}
	}
	return found
}

// otherEnd reports whether host is the other end of a migration that one end tells of: the only other host, or the one it names.
func (m *merger) otherEnd(u *union, host *Report) bool {
	if len(u.told) != 1 {
		return false
	}
	other := u.told[0].Destination
	if u.told[0].Role == RoleDestination {
		other = u.told[0].Source
	}
	if other == "" {
		return m.hosts == 2
	}
	return sameHost(other, host.Host)
}

// sameHost reports whether a and b may name the same host: one may be the first label of the other.
func sameHost(a, b string) bool {
	a, b = strings.ToLower(strings.TrimSuffix(a, ".")), strings.ToLower(strings.TrimSuffix(b, "."))
	if a == b {
		return a != ""
	}
	_, errA := netip.ParseAddr(a)
	_, errB := netip.ParseAddr(b)
	if errA == nil || errB == nil {
		return false
	}
	labelA, domainA, _ := strings.Cut(a, ".")
	labelB, domainB, _ := strings.Cut(b, ".")
	return labelA == labelB && labelA != "" && (domainA == "" || domainB == "")
}

// incident returns what all hosts of the union tell.
func (u *union) incident() *Incident {
	first := u.first()
	hosts := u.hosts(first)
	if len(u.told) == 1 && len(u.adopted) == 0 {
		in := first.Incident
		in.Hosts = hosts
		in.nameEnds(first.report.Host, first.Role)
		tellHost(in.Explanation, hosts[0])
		return in
	}
	in := &Incident{Role: RoleBoth, Hosts: hosts}
	if len(hosts) == 1 {
		in.Role = first.Role
	}
	var records []*record
	for _, t := range u.told {
		records = append(records, t.records...)
		in.nameEnds(t.report.Host, t.Role)
		if in.VM == "" {
			in.VM = t.VM
		}
		if in.VMID == "" {
			in.VMID = t.VMID
		}
	}
	in.records = append(records, u.adopted...)
	in.otherEnds()
	for _, t := range u.told {
		if in.Source == "" {
			in.Source = t.Source
		}
		if in.Destination == "" {
			in.Destination = t.Destination
		}
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
		return // of an incident that another program made
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

// otherEnds names the other one of two hosts.
func (in *Incident) otherEnds() {
	if len(in.Hosts) != 2 {
		return
	}
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
