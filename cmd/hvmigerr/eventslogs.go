package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// leastClockError is how wrong a clock must be to be worth a word.
const leastClockError = 2 * time.Minute

// printLogs says of each host by which route its logs were read, and how far back they reach.
func (r *eventsRun) printLogs() {
	first := true
	for _, h := range r.hosts {
		if h.report == nil {
			continue
		}
		if first {
			r.app.out.printf("\n")
		}
		first = false
		r.printLogsOf(h)
	}
}

// printLogsOf prints the logs of one host: of many hosts only those of which there is more to say than that they reach back far enough.
func (r *eventsRun) printLogsOf(h *loggedHost) {
	head := fmt.Sprintf("The logs of %s (by %s)", safeLine(h.name), h.report.Route)
	if !h.report.Since.IsZero() {
		head += ", since " + fullTime(h.report.Since)
	}
	enough, orEmpty := 0, ""
	for _, l := range h.logs {
		if !r.unremarkable(h, l) {
			continue
		}
		enough++
		if l.Empty {
			orEmpty = " or are empty"
		}
	}
	brief := r.plan.many && enough > 0
	switch {
	case brief && enough == len(h.logs):
		head += ": all reach back that far" + orEmpty
	case brief:
		head += fmt.Sprintf(": %d of %d reach back that far%s", enough, len(h.logs), orEmpty)
	}
	end := ":"
	if brief {
		end = "."
	}
	r.app.out.printf("%s\n", fold("", "  ", head+end))
	for _, l := range h.logs {
		if brief && r.unremarkable(h, l) {
			continue
		}
		r.app.out.printf("%s\n", fold("  "+cell(shortName(l.Channel))+": ", "    ", r.state(h, l)))
	}
	if d := h.report.Clock; d.Abs() >= leastClockError {
		way := "ahead of"
		if d < 0 {
			way = "behind"
		}
		r.app.out.printf("  Its clock is %s %s ours.\n", age(d.Abs()), way)
	}
}

// unremarkable tells a log that was read in full and reaches back far enough, one that this host does not have to have, and one that may
// well be empty.
func (r *eventsRun) unremarkable(h *loggedHost, l *events.Log) bool {
	return (r.enough(h, l) || r.without(l)) && len(l.Problems) == 0 && (!l.Empty || !r.mustTell(l))
}

// enough tells a log that was read in full and, unless it is empty, reaches back far enough.
func (r *eventsRun) enough(h *loggedHost, l *events.Log) bool {
	return l.Covers(h.report.Since) || l.Empty && l.Err == nil && l.Partial == nil
}

// mustTell tells a log without which nothing is known: that of the management service, or what was asked for by name.
func (r *eventsRun) mustTell(l *events.Log) bool {
	return len(r.query.Channels) > 0 || l.Channel == events.DefaultChannels()[0]
}

// without tells that a log is none of this host, and none that was asked for by name.
func (r *eventsRun) without(l *events.Log) bool { return l.Optional && len(r.query.Channels) == 0 }

// reach says how much it means that no migration has failed.
func (r *eventsRun) reach() string {
	empty := false
	for _, h := range r.hosts {
		if h.report == nil {
			return "Not all hosts have told."
		}
		tells := false
		for _, l := range h.logs {
			if !r.enough(h, l) && !r.without(l) {
				return "Not all of the logs reach back that far, or could be read: " + r.where() + "."
			}
			tells = tells || r.mustTell(l) && l.Covers(h.report.Since)
		}
		empty = empty || !tells
	}
	if empty {
		return "That means nothing: the log that would tell is empty."
	}
	return "The logs reach back that far."
}

// where says what tells which logs those are.
func (r *eventsRun) where() string {
	if r.flags.raw {
		return "without --raw it is told which"
	}
	return "see below"
}

// readable tells that a log could be read, of whatever host, of which it means something that it tells of no migration.
func (r *eventsRun) readable() bool {
	return slices.ContainsFunc(r.hosts, func(h *loggedHost) bool {
		return h.report != nil && slices.ContainsFunc(h.logs, func(l *events.Log) bool { return l.Err == nil && (!l.Empty || r.mustTell(l)) })
	})
}

// limited tells that there were more events than are kept.
func (r *eventsRun) limited() bool {
	return slices.ContainsFunc(r.hosts, func(h *loggedHost) bool {
		return h.dropped > 0 || h.report != nil && slices.ContainsFunc(h.logs, func(l *events.Log) bool { return errors.Is(l.Partial, events.ErrLimit) })
	})
}

// state says what became of a log.
func (r *eventsRun) state(h *loggedHost, l *events.Log) string {
	var text string
	switch {
	case l.Optional:
		return "not on this host"
	case errors.Is(l.Err, events.ErrNotAsked):
		return "not asked for: the reading ended before"
	case l.Err != nil:
		return "not read: " + channelMessage(l.Err)
	case l.Empty && l.Partial == nil:
		return "empty: it tells nothing"
	case l.Oldest.IsZero():
		text = count(l.Read, "event") + " read; how far back it reaches is not known"
	case l.Oldest.After(h.report.Since):
		text = fmt.Sprintf("%s read; starts at %s, after the requested time: what was before is not in it",
			count(l.Read, "event"), fullTime(l.Oldest))
	default:
		text = fmt.Sprintf("%s read; reaches back to %s", count(l.Read, "event"), fullTime(l.Oldest))
	}
	if l.Partial != nil {
		text += "; only in part: " + channelMessage(l.Partial)
	}
	if n := len(l.Problems); n > 0 {
		text += fmt.Sprintf("; problems: %s", l.Problems[0])
		if n > 1 {
			text += fmt.Sprintf(", and %d more", n-1)
		}
	}
	return text
}

// channelMessage returns what err says, without the name of the channel, which stands beside it.
func channelMessage(err error) string {
	text := message(err)
	if e, ok := errors.AsType[*events.ChannelError](err); ok {
		text = strings.TrimPrefix(text, "channel "+e.Channel+": ")
	}
	return beginning(text, maxLine)
}
