package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// A loggedHost is what came of one host.
type loggedHost struct {
	name, url string
	typed     string         // its name without a port
	own       []string       // the names by which it calls itself in its events
	report    *events.Report // nil if nothing was read
	logs      []*events.Log  // of report
	err       error
	// dropped is how many of its incidents, the oldest, were too much to be kept.
	dropped int
	failed  int  // of how many migrations that failed it tells
	unasked bool // err is why
}

// maxOwnNames bounds how many names a host may give itself.
const maxOwnNames = 8

// learn notes by which names the host calls itself: the operator may have given its address.
func (h *loggedHost) learn() {
	add := func(name string) {
		if name != "" && len(h.own) < maxOwnNames && !slices.ContainsFunc(h.own, func(known string) bool { return strings.EqualFold(known, name) }) {
			h.own = append(h.own, name)
		}
	}
	for _, incident := range h.report.Incidents {
		if incident.Role == events.RoleSource {
			add(incident.Source)
		}
		for _, e := range incident.Events {
			add(e.Computer)
		}
	}
}

// is tells whether name may be that of the host.
func (h *loggedHost) is(name string) bool {
	return slices.ContainsFunc(append([]string{h.name, h.typed}, h.own...), func(known string) bool { return events.SameHost(known, name) })
}

// nameless tells a host of which no name is known, only an address.
func (h *loggedHost) nameless() bool {
	_, err := netip.ParseAddr(h.typed)
	return err == nil && len(h.own) == 0
}

// elsewhere says which log that was not read may tell more of a migration that failed; "" if there is none.
func (r *eventsRun) elsewhere(incident *events.Incident) string {
	role, name := "destination", incident.Destination
	switch incident.Role {
	case events.RoleBoth:
		return ""
	case events.RoleDestination:
		role, name = "source", incident.Source
	case events.RoleSource:
	case "":
		if name == "" {
			role = "other host"
		}
	}
	nameless := slices.ContainsFunc(r.hosts, func(h *loggedHost) bool {
		return h.nameless() && !slices.Contains(incident.Hosts, h.name) && r.plan.many
	})
	unless := ""
	if nameless {
		unless = ", unless it is one of those named"
	}
	switch {
	case incident.Outcome != events.OutcomeFailed:
		return ""
	case name == "" && len(incident.Causes) > 0:
		return ""
	case name == "":
		return fmt.Sprintf("The log of the %s may tell why, and was not read%s: name that host too.", role, unless)
	case events.SameHost(incident.Source, incident.Destination), slices.ContainsFunc(r.hosts, func(h *loggedHost) bool { return h.is(name) }):
		return ""
	}
	return fmt.Sprintf("The log of the %s, %s, may tell more, and was not read%s: name it too.", role, cell(name), unless)
}

// byHost gives each incident to one host: the source of the migration if that has told, else the first that has.
func (r *eventsRun) byHost(incidents []*events.Incident) map[*loggedHost][]*events.Incident {
	byName := map[string]*loggedHost{}
	for _, h := range r.hosts {
		byName[h.name] = h
	}
	of := map[*loggedHost][]*events.Incident{}
	for _, incident := range incidents {
		h := byName[incident.Source]
		if h == nil && len(incident.Hosts) > 0 {
			h = byName[incident.Hosts[0]]
		}
		of[h] = append(of[h], incident)
	}
	return of
}

// countFailed counts for each host the migrations that failed of which it tells.
func (r *eventsRun) countFailed(incidents []*events.Incident) {
	for _, incident := range incidents {
		for _, h := range r.hosts {
			if incident.Outcome == events.OutcomeFailed && slices.Contains(incident.Hosts, h.name) {
				h.failed++
			}
		}
	}
}
