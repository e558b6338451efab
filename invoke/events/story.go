package events

import (
	"cmp"
	"slices"
	"strings"
)

// incident returns what the draft tells.
func (d *draft) incident(names *names) *Incident {
	in := &Incident{Begin: d.begin, End: d.end, Role: d.role, Source: d.source, Destination: d.destination, lost: d.lost}
	in.records = append(d.records, d.joined...)
	slices.SortStableFunc(in.records, compareTime)
	for _, r := range d.records {
		in.name(r, names)
	}
	in.Source = cmp.Or(in.Source, agreed(d.joined, func(r *record) string { return r.source }))
	in.Destination = cmp.Or(in.Destination, agreed(d.joined, func(r *record) string { return r.destination }))
	in.tell()
	return in
}

// agreed returns the host that those of joined name which are of the migration beyond doubt: they name the machine, or are causes. If
// they name several, it is none of them.
func agreed(joined []*record, host func(*record) string) string {
	found := ""
	for _, r := range joined {
		switch name := host(r); {
		case name == "" || !r.named() && r.kind != kindCause:
		case found == "":
			found = name
		case !SameHost(found, name):
			return ""
		}
	}
	return found
}

// name takes the machine that r names, as far as it is not known.
func (in *Incident) name(r *record, names *names) {
	if in.VMID == "" {
		in.VMID = r.id
	}
	if in.VM == "" && r.id != "" {
		in.VM = names.ofID[r.id]
	}
	if in.VM == "" && r.vm != "" {
		in.VM = r.vm
	}
}

// tell fills in what follows from the records, which are in order.
func (in *Incident) tell() {
	in.Events = make([]*Event, len(in.records))
	for i, r := range in.records {
		in.Events[i] = r.Event
		if in.Role == "" && r.kind.makes() {
			in.Role = r.role
		}
	}
	for _, r := range in.records {
		if in.Role == "" && r.weak {
			in.Role = r.role
		}
	}
	in.Outcome = in.outcome()
	in.Headline = in.headline()
	in.explanation = nil
	in.findCauses(in.explainable())
}

// outcome returns how it ended.
func (in *Incident) outcome() Outcome {
	var failed, slow, completed, cause, began bool
	for _, r := range in.records {
		failed = failed || r.kind.fails()
		slow = slow || r.kind == kindSlow
		completed = completed || r.kind == kindCompleted
		cause = cause || r.kind == kindCause
		began = began || r.kind == kindStart || r.kind == kindProgress
	}
	switch {
	case failed:
		return OutcomeFailed
	case slow:
		return OutcomeSlow
	case completed:
		return OutcomeCompleted
	case cause:
		return OutcomeFailed
	case began && !in.lost:
		return OutcomeRunning
	}
	return OutcomeUnknown
}

// headline returns the index of the event that says that the migration failed: that of the management service, else of another, else a
// carrier, and rather that of the source; -1 if none does.
func (in *Incident) headline() int {
	best, rank := -1, 0
	for i, r := range in.records {
		n := 0
		switch {
		case r.kind == kindFailed && r.key.provider == "Hyper-V-VMMS":
			n = 6
		case r.kind == kindFailed:
			n = 4
		case r.kind == kindCarrier:
			n = 2
		}
		if n > 0 && r.role == RoleSource {
			n++
		}
		if n > rank {
			best, rank = i, n
		}
	}
	return best
}

// isAbout reports whether the incident is of the machine of this GUID or name, in any letter case; "" is any.
func (in *Incident) isAbout(vm string) bool {
	if vm == "" {
		return true
	}
	if id, ok := parseGUID(vm); ok && id == in.VMID {
		return true
	}
	return strings.EqualFold(vm, in.VM)
}
