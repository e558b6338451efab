package events

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Merge makes one report of the reports of several hosts: an incident of both ends of a migration, told by two of them, becomes one.
// Each report must have its Host. The reports are used up.
func Merge(reports ...*Report) *Report {
	out := &Report{}
	m := &merger{hosts: len(reports), names: map[*Report][]string{}, ids: map[string]string{}, unions: map[string][]*union{}}
	only := ""
	for i, r := range reports {
		if i == 0 {
			out.Route = r.Route
		} else if out.Route != r.Route {
			out.Route = ""
		}
		if out.Since.IsZero() || !r.Since.IsZero() && r.Since.Before(out.Since) {
			out.Since = r.Since
		}
		for _, l := range r.Logs {
			l.Host = r.Host
		}
		out.Logs = append(out.Logs, r.Logs...)
		m.take(r)
		only = cmp.Or(only, r.only)
	}
	m.pair()
	m.adopt()
	for _, u := range m.all {
		if len(u.told) > 0 {
			out.Incidents = append(out.Incidents, m.incident(u))
		}
	}
	out.Only(only)
	return out
}

// A merger finds what several hosts tell of the same migrations.
type merger struct {
	hosts  int
	names  map[*Report][]string // by which each is known
	told   []*told
	loose  []*record
	ids    map[string]string   // GUID of a name in lower case; "" if it has several
	unions map[string][]*union // of a machine
	all    []*union
}

// told is an incident as one host tells it. Its times are by our clock, so that those of all hosts compare.
type told struct {
	*Incident
	report     *Report
	begin, end time.Time
	union      *union
}

// A union is what several hosts tell of one migration.
type union struct {
	told       []*told
	adopted    []*record // events of a host that tells no incident of its own
	begin, end time.Time
}

// take takes the incidents of a report.
func (m *merger) take(r *Report) {
	m.names[r] = []string{r.Host}
	for _, in := range slices.Concat(r.Incidents, r.others) {
		in.recall()
		for _, rec := range in.records {
			rec.host, rec.Host = r, r.Host
			m.learnHost(rec)
		}
		m.told = append(m.told, &told{Incident: in, report: r, begin: in.Begin.Add(-r.Clock), end: in.End.Add(-r.Clock)})
		m.learn(in.VM, in.VMID)
	}
	for _, rec := range r.loose {
		rec.host, rec.Host = r, r.Host
		m.learnHost(rec)
		m.learn(rec.vm, rec.id)
	}
	m.loose = append(m.loose, r.loose...)
}

// recall finds out what the events mean, unless that is known.
func (in *Incident) recall() {
	if len(in.records) == len(in.Events) {
		return
	}
	in.records = nil
	learned := map[eventKey]*meaning{}
	for i, e := range in.Events {
		r := newRecord(e, learned)
		if r == nil {
			r = &record{Event: e, key: keyOf(e), kind: kindNote, at: e.Time}
		}
		r.seq = -i // the oldest is first here
		in.records = append(in.records, r)
	}
}

// learn notes which GUID a name has.
func (m *merger) learn(name, id string) {
	if name == "" || id == "" {
		return
	}
	name = strings.ToLower(name)
	if known, ok := m.ids[name]; ok && known != id {
		id = ""
	}
	m.ids[name] = id
}

// machine returns what tells machines apart over all hosts, "" if it has neither name nor GUID.
func (m *merger) machine(name, id string) string {
	if id != "" {
		return id
	}
	name = strings.ToLower(name)
	return cmp.Or(m.ids[name], name)
}

// ourTime returns when r happened, by our clock.
func (r *record) ourTime() time.Time {
	if r.host == nil {
		return r.at
	}
	return r.at.Add(-r.host.Clock)
}

// maxNeighbours is how many incidents of a machine each is compared with.
const maxNeighbours = 32

// A pair is two incidents that may be the ends of one migration.
type pair struct {
	a, b  *told
	apart time.Duration
}

// pair joins the incidents of each machine that are of one migration, those first that are nearest in time.
func (m *merger) pair() {
	machines := map[string][]*told{}
	for _, t := range m.told {
		t.union = &union{told: []*told{t}, begin: t.begin, end: t.end}
		m.all = append(m.all, t.union)
		if key := m.machine(t.VM, t.VMID); key != "" {
			machines[key] = append(machines[key], t)
		}
	}
	for key, list := range machines {
		slices.SortStableFunc(list, func(a, b *told) int { return a.begin.Compare(b.begin) })
		var pairs []pair
		for i, a := range list {
			for _, b := range list[i+1 : min(i+1+maxNeighbours, len(list))] {
				if a.near(b) && a.agree(b) {
					pairs = append(pairs, pair{a, b, min(b.begin.Sub(a.begin).Abs(), b.end.Sub(a.end).Abs())})
				}
			}
		}
		slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.apart, b.apart) })
		for _, p := range pairs {
			p.a.union.join(p.b.union)
		}
		for _, t := range list {
			if len(t.union.told) > 0 && t.union.told[0] == t {
				m.unions[key] = append(m.unions[key], t.union)
			}
		}
		slices.SortStableFunc(m.unions[key], func(a, b *union) int { return a.end.Compare(b.end) })
	}
}

// tolerance is how far apart both ends of a migration may be, by clocks that agree.
const tolerance = 2 * time.Minute

// near reports whether both may be of one migration by their times. a begins first.
func (a *told) near(b *told) bool { return !b.begin.After(a.end.Add(tolerance)) }

// agree reports whether both may be of one migration: of two hosts, each is another end of it. What ended well after the other had
// failed is another attempt. One host tells of it twice only if it names the machine by its GUID in some events, by its name in others,
// and never by both.
func (a *told) agree(b *told) bool {
	if a.Outcome == OutcomeFailed && b.well() && b.begin.After(a.end) || b.Outcome == OutcomeFailed && a.well() && a.begin.After(b.end) {
		return false
	}
	if a.report == b.report {
		return a.VMID == "" && b.VM == "" || a.VM == "" && b.VMID == ""
	}
	return a.Role != RoleBoth && b.Role != RoleBoth && (a.Role == "" || a.Role != b.Role)
}

// join takes what other tells, if both can be of one migration.
func (u *union) join(other *union) {
	if u == other {
		return
	}
	for _, a := range u.told {
		for _, b := range other.told {
			if !a.agree(b) {
				return
			}
		}
	}
	for _, t := range other.told {
		t.union = u
	}
	u.told = append(u.told, other.told...)
	if other.begin.Before(u.begin) {
		u.begin = other.begin
	}
	if other.end.After(u.end) {
		u.end = other.end
	}
	other.told = nil
}
