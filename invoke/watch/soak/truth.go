package main

import (
	"slices"
	"time"
)

// A job is what the model of a host says of a migration.
type job struct {
	host     int
	url      string // of the host
	id       string // InstanceID
	failed   bool
	messages []string // of its errors
	ended    span     // from its end until the host forgets it
}

// A span is a time.
type span struct{ from, until time.Time }

// A truth is what has happened.
type truth struct {
	jobs  []job
	downs [][]span // when each host did not answer, in order
	runs  []*watcherRun
}

// How long the watcher may take until it sees what has happened, by the promises of the command.
const (
	// interval and idleInterval are given to the watcher.
	interval, idleInterval = time.Second, 3 * time.Second
	// longestPause is between two polls of a host: of an idle one idleInterval; of one that was lost never longer than a quarter
	// of its removal time, and, as pauses double from a second on, not longer than it was away: maxDown. With a tenth of jitter.
	longestPause = max(idleInterval, min(maxRemoval/4, maxDown)) * 11 / 10
	// warmUp is how long a watcher that was just started may wait for its first host, which may be stalling: --connect-timeout.
	warmUp = 6 * time.Second
)

// must tells whether the end of a job has to be in the journal: for longer than two polls it was there to be seen, its host
// answered, and one and the same watcher ran.
func (t *truth) must(j *job) bool {
	for _, run := range t.runs {
		watched := span{run.from.Add(warmUp), run.until}
		if longest(j.ended.within(watched), t.downs[j.host]) > 2*longestPause {
			return true
		}
	}
	return false
}

// within returns what of s lies in other; it may be less than nothing.
func (s span) within(other span) span {
	if other.from.After(s.from) {
		s.from = other.from
	}
	if other.until.Before(s.until) {
		s.until = other.until
	}
	return s
}

// longest returns the longest part of s without a hole. Holes are in order.
func longest(s span, holes []span) time.Duration {
	most := time.Duration(0)
	for _, hole := range slices.Concat(holes, []span{{s.until, s.until}}) {
		if hole.until.Before(s.from) {
			continue
		}
		most = max(most, span{s.from, hole.from}.within(s).length())
		s.from = hole.until
	}
	return most
}

func (s span) length() time.Duration { return s.until.Sub(s.from) }
