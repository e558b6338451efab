package events

import (
	"slices"
	"strings"
)

// incident returns what the draft tells.
func (d *draft) incident(names *names) *Incident {
	in := &Incident{Begin: d.begin, End: d.end, Role: d.role}
	in.records = append(d.records, d.joined...)
	slices.SortStableFunc(in.records, compareTime)
	for _, r := range d.records {
		in.name(r, names)
	}
	in.tell()
	return in
}

// name takes the machine and the hosts that r names, as far as they are not known.
func (in *Incident) name(r *record, names *names) {
	if in.VMID == "" {
		in.VMID = r.id
	}
	if in.VM == "" && r.id != "" {
		in.VM = names.ofID[r.id]
	}
	if in.VM == "" && r.vm != "" {
		in.VM = r.vm
		if r.key.ofCluster() {
			in.VM = machineOf(r.vm)
		}
	}
	if in.Source == "" {
		in.Source = r.source
	}
	if in.Destination == "" {
		in.Destination = r.destination
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
		if in.Source == "" {
			in.Source = r.source
		}
		if in.Destination == "" {
			in.Destination = r.destination
		}
	}
	for _, r := range in.records {
		if in.Role == "" && r.weak {
			in.Role = r.role
		}
	}
	in.Outcome = in.outcome()
	in.Headline = in.headline()
	in.explain()
}

// outcome returns how it ended.
func (in *Incident) outcome() Outcome {
	has := map[kind]bool{}
	for _, r := range in.records {
		has[r.kind] = true
	}
	switch {
	case has[kindFailed] || has[kindCarrier]:
		return OutcomeFailed
	case has[kindSlow]:
		return OutcomeSlow
	case has[kindCompleted]:
		return OutcomeCompleted
	case has[kindCause]:
		return OutcomeFailed
	case has[kindStart] || has[kindProgress]:
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
