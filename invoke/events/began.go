package events

import "slices"

// Began reports whether an event says that the migration began; Begin may else be that of whatever was first told of it.
func (in *Incident) Began() bool {
	in.recall()
	return slices.ContainsFunc(in.records, func(r *record) bool { return r.kind == kindStart })
}
