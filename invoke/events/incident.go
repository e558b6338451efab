package events

import (
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// An Incident is the story of one migration, as far as the events tell it.
type Incident struct {
	// VM is the name of the virtual machine, VMID its GUID in upper case; either may be "". When both are, the events did not say
	// which machine they are about.
	VM, VMID string
	// Begin and End are the times of the first and the last of Events, by the clock of the host that Role is about.
	Begin, End time.Time
	// Role is what the host was in the migration; RoleBoth if both ends tell, after [Merge].
	Role    Role
	Outcome Outcome
	// Source and Destination name the hosts as the events do that name the machine or are causes, or as the operator did when [Merge]
	// knows which is which; "" if unknown.
	Source, Destination string
	// Hosts are the names of the reports that told, after [Merge].
	Hosts []string
	// Events are all that belong to the incident, the oldest first.
	Events []*Event
	// Headline is the index in Events of the one that says that it failed; -1 if none does.
	Headline int
	// Causes are the indexes in Events of those that say why, the most telling first: what is said of migrations alone comes before
	// what may have another reason. An event of the cluster that carries the texts of others can be the Headline and a cause.
	Causes []int

	records     []*record            // what Events mean, in the same order
	lost        bool                 // its end is not in the log, and it is over
	explanation *explain.Explanation // what Explain returns, once it was needed
}

// Explain returns what this module knows of the codes in the events, never nil. Part of each finding is an index in Events; Start and
// End are of its Message, both 0 if a field or the number of the event told. The first call finds it out, so calls must not overlap.
func (in *Incident) Explain() *explain.Explanation {
	if in.explanation == nil {
		in.recall()
		in.explain(in.explainable())
	}
	return in.explanation
}

// A Role is what a host was in a migration.
type Role string

// The roles. The zero value means that the events do not tell.
const (
	RoleSource      Role = "source"
	RoleDestination Role = "destination"
	RoleBoth        Role = "both" // told by both ends
)

// An Outcome is how a migration ended.
type Outcome string

// The outcomes.
const (
	OutcomeFailed    Outcome = "failed"
	OutcomeCompleted Outcome = "completed"
	OutcomeSlow      Outcome = "slow"    // completed, with an unexpectedly long blackout
	OutcomeRunning   Outcome = "running" // it began; its end is not in the log
	OutcomeUnknown   Outcome = "unknown" // the events belong to a migration, but tell none of these
)
