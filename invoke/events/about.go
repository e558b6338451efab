package events

import (
	"slices"
	"strings"
	"time"
)

// About returns the incident of a virtual machine, by its GUID or else its name, that was going on between from and to, by the clock of
// the host; nil if the report has none. Of several, it is one that overlaps that time, and of those the one that ended nearest to its
// end; of two that are as near, the one that failed. It is for a report of one host.
func (r *Report) About(vmID, vmName string, from, to time.Time) *Incident {
	var found *Incident
	for _, in := range r.Incidents {
		if vmID != "" && in.VMID != "" {
			if !in.isAbout(vmID) {
				continue
			}
		} else if vmName == "" || !in.isAbout(vmName) {
			continue
		}
		if in.Begin.After(to.Add(windowBefore)) || in.End.Before(from.Add(-windowBefore)) {
			continue
		}
		if found == nil || in.nearer(found, from, to) {
			found = in
		}
	}
	return found
}

// nearer reports whether the incident fits that time better than other does.
func (in *Incident) nearer(other *Incident, from, to time.Time) bool {
	overlaps := func(in *Incident) bool { return !in.Begin.After(to) && !in.End.Before(from) }
	if a, b := overlaps(in), overlaps(other); a != b {
		return a
	}
	if a, b := in.End.Sub(to).Abs(), other.End.Sub(to).Abs(); a != b {
		return a < b
	}
	return in.Outcome == OutcomeFailed && other.Outcome != OutcomeFailed
}

// Only keeps those incidents that are of the virtual machine of this name or GUID, in any letter case; "" keeps all. What any incident
// tells of its machine counts for all. The others are not lost: a later call may ask for them, and [Merge] finds in them what the other
// end of a migration had to say. It keeps to what Only was called for on its reports.
func (r *Report) Only(vm string) {
	all := append(r.Incidents, r.others...)
	slices.SortStableFunc(all, newestFirst)
	r.only, r.Incidents, r.others = vm, nil, nil
	names, ids := map[string]bool{}, map[string]bool{}
	for _, in := range all {
		if in.isAbout(vm) {
			names[strings.ToLower(in.VM)], ids[in.VMID] = true, true
		}
	}
	delete(names, "")
	delete(ids, "")
	for _, in := range all {
		if in.isAbout(vm) || ids[in.VMID] || in.VMID == "" && names[strings.ToLower(in.VM)] {
			r.Incidents = append(r.Incidents, in)
		} else {
			r.others = append(r.others, in)
		}
	}
}
