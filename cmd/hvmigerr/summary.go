package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// A digest is what the summary keeps of one host.
type digest struct {
	exit int
	// failedJobs tells whether the host has failed migrations; nil: that was not asked, or it did not tell.
	failedJobs *bool
	partly     bool // something was printed of a host that failed all the same
	failure    *failureReport
}

// A failureReport is why hosts did not answer, as JSON has it.
type failureReport struct {
	Exit    int      `json:"exit"`
	Kind    string   `json:"kind"`
	Message string   `json:"message"`
	Hint    *string  `json:"hint"`
	Hosts   []string `json:"hosts"`

	title   string // of the group
	indices []int  // of the hosts
	told    int    // how many have had their turn to be told of on stderr
}

// newDigest returns what the summary keeps of a host that was asked, and ended with err.
func newDigest(err error, own ownNames) *digest {
	d := &digest{exit: exitCode(err)}
	if answered(d.exit) {
		return d
	}
	d.failure = &failureReport{
		Exit: d.exit, Kind: errorKind(err), Message: beginning(own.message(err), maxLine), title: failureTitle(d.exit),
	}
	if has[*fleet.NotTriedError](err) {
		d.failure.title = "not tried"
	}
	if h := hint(err); h != "" {
		d.failure.Hint = &h
	}
	return d
}

// answered tells the exit codes of hosts that did answer, also when that is that there is no such job.
func answered(exit int) bool {
	return slices.Contains([]int{exitOK, exitMigration, exitNoSuchJob}, exit)
}

// failureTitle says in a few words what an exit code means.
func failureTitle(exit int) string {
	switch exit {
	case exitUsage:
		return "not asked"
	case exitUnreachable:
		return "not reached"
	case exitAuthentication:
		return "not authenticated"
	case exitDenied:
		return "access denied"
	case exitFault:
		return "refused"
	case exitQuota:
		return "over a quota"
	case exitUndecodable:
		return "not readable"
	case exitDeadline:
		return "out of time"
	case exitInterrupted, exitTerminated:
		return "stopped"
	}
	return "failed"
}

// A summary is what came of all hosts.
type summary struct {
	hosts, answered                        int
	withFailed, withoutFailed, withoutJobs int // of those that answered; without a job are some of those without a failed one
	tellsFailed                            bool
	partly                                 bool // some that did not answer did so in part
	exits                                  map[int]bool
	groups                                 map[failureKey]*failureReport
	names                                  func(i int) string
}

// A failureKey is what hosts of one group have in common.
type failureKey struct {
	exit           int
	title, message string
}

func newSummary(names func(i int) string) *summary {
	return &summary{exits: map[int]bool{}, groups: map[failureKey]*failureReport{}, names: names}
}

// add takes what came of the host of number i, and returns the group of those that failed alike, nil if it did not fail.
func (s *summary) add(i int, d *digest) *failureReport {
	s.hosts++
	s.exits[d.exit] = true
	if d.failure == nil {
		s.addAnswer(d)
		return nil
	}
	s.partly = s.partly || d.partly
	key := failureKey{d.exit, d.failure.title, d.failure.Message}
	if s.groups[key] == nil {
		s.groups[key] = d.failure
	}
	s.groups[key].indices = append(s.groups[key].indices, i)
	return s.groups[key]
}

func (s *summary) addAnswer(d *digest) {
	s.answered++
	missing := d.exit == exitNoSuchJob
	if missing {
		s.withoutJobs++
	}
	switch {
	case d.failedJobs != nil && *d.failedJobs:
		s.withFailed++
	case d.failedJobs != nil || missing:
		s.withoutFailed++
	default:
		return
	}
	s.tellsFailed = true
}

// exit returns the exit code of the whole (DESIGN: Exit codes).
func (s *summary) exit() int {
	switch {
	case s.answered < s.hosts && s.answered > 0:
		return exitPartly
	case s.answered < s.hosts && len(s.exits) == 1:
		for code := range s.exits {
			return code
		}
	case s.answered < s.hosts:
		return exitFailure
	case s.exits[exitMigration]:
		return exitMigration
	case s.exits[exitNoSuchJob] && !s.exits[exitOK]:
		return exitNoSuchJob
	}
	return exitOK
}

// failures returns the groups of hosts that did not answer, the widest first, with the names of all hosts in the order given.
func (s *summary) failures() []*failureReport {
	list := make([]*failureReport, 0, len(s.groups))
	for _, g := range s.groups {
		slices.Sort(g.indices)
		g.Hosts = make([]string, len(g.indices))
		for k, i := range g.indices {
			g.Hosts[k] = s.names(i)
		}
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *failureReport) int {
		return cmp.Or(cmp.Compare(len(b.indices), len(a.indices)), cmp.Compare(a.indices[0], b.indices[0]))
	})
	return list
}

// object returns the summary as JSON has it.
func (s *summary) object() object {
	var with, without any
	if s.tellsFailed {
		with, without = s.withFailed, s.withoutFailed
	}
	return object{
		{"hosts", s.hosts},
		{"answered", s.answered},
		{"withFailedJobs", with},
		{"withoutFailedJobs", without},
		{"notAnswered", s.hosts - s.answered},
		{"failures", s.failures()},
	}
}

// Limits of the summary as text. JSON has all of it.
const (
	maxGroups     = 20
	maxGroupHosts = 5
)

// lines returns the summary as text. Of a command whose answers advise, hints are left out.
func (s *summary) lines(advises bool) []string {
	text := []string{s.counts(advises)}
	add := func(first, rest, words string) { text = append(text, strings.Split(fold(first, rest, words), "\n")...) }
	groups := s.failures()
	for _, g := range groups[:min(len(groups), maxGroups)] {
		names := slices.Clone(g.Hosts[:min(len(g.Hosts), maxGroupHosts)])
		if more := len(g.Hosts) - len(names); more > 0 {
			names = append(names, "and "+grouped(more)+" more")
		}
		reason := strings.TrimRight(strings.TrimPrefix(g.Message, g.title+": "), ".")
		add("  ", "    ", fmt.Sprintf("%s (exit %d): %s: %s", g.title, g.Exit, reason, strings.Join(names, ", ")))
		if g.Hint != nil && !advises {
			add("    ", "    ", "hint: "+*g.Hint)
		}
	}
	if more := len(groups) - maxGroups; more > 0 {
		add("  ", "    ", "and "+count(more, "other reason")+", all of which -o json tells")
	}
	return text
}

// counts returns the first line of the summary. Where answers advise, a host is counted by whether there is something to advise.
func (s *summary) counts(advises bool) string {
	text := grouped(s.hosts) + " hosts: "
	if s.hosts == 1 {
		text = "1 host: "
	}
	if advises {
		return text + fmt.Sprintf("nothing is in the way to %s, something to %s.", grouped(s.answered), grouped(s.hosts-s.answered))
	}
	text += grouped(s.answered) + " answered"
	switch {
	case s.tellsFailed && s.withoutJobs > 0:
		text += fmt.Sprintf(" (%s with failed migrations, %s without; %s %s no such job or machine)",
			grouped(s.withFailed), grouped(s.withoutFailed), grouped(s.withoutJobs), map[bool]string{true: "has", false: "have"}[s.withoutJobs == 1])
	case s.tellsFailed:
		text += fmt.Sprintf(" (%s with failed migrations, %s without)", grouped(s.withFailed), grouped(s.withoutFailed))
	}
	if s.answered < s.hosts {
		text += ", " + grouped(s.hosts-s.answered) + " did not"
		if s.partly {
			text += ", or not in full"
		}
	}
	return text + "."
}

// A hostsError is the exit code of a command that asked many hosts. What there is to say about it was said: host by host, and in the
// summary.
type hostsError struct{ code int }

func (e *hostsError) Error() string { return "some hosts did not answer" }

// err returns the exit code as an error, nil for none.
func (s *summary) err() error {
	switch code := s.exit(); code {
	case exitOK:
		return nil
	case exitMigration:
		return errMigrationFailed
	default:
		return &hostsError{code}
	}
}
