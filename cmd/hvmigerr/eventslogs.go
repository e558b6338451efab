package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// leastClockError is how wrong a clock must be to be worth a word.
const leastClockError = 2 * time.Minute

// printLogs says of each host by which route its logs were read, and how far back they reach.
func (r *eventsRun) printLogs() {
	for i, h := range r.hosts {
		if h.report == nil {
			continue
		}
		if i == 0 || !r.plan.many {
			r.app.out.printf("\n")
		}
		r.printLogsOf(h)
	}
}

// printLogsOf prints the logs of one host: of many hosts only those of which there is more to say than that they reach back far enough.
func (r *eventsRun) printLogsOf(h *loggedHost) {
	head := fmt.Sprintf("The logs of %s (by %s)", safeLine(h.name), h.report.Route)
	if !h.report.Since.IsZero() {
		head += ", since " + fullTime(h.report.Since)
	}
	enough := 0
	for _, l := range h.logs {
		if r.unremarkable(h, l) {
			enough++
		}
	}
	brief := r.plan.many && enough > 0
	switch {
	case brief && enough == len(h.logs):
		head += ": all reach back that far"
	case brief:
		head += fmt.Sprintf(": %d of %d reach back that far", enough, len(h.logs))
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

// unremarkable tells a log that was read in full and reaches back far enough, and one that this host does not have to have.
func (r *eventsRun) unremarkable(h *loggedHost, l *events.Log) bool {
	return (l.Covers(h.report.Since) || r.without(l)) && len(l.Problems) == 0
}

// state says what became of a log.
func (r *eventsRun) state(h *loggedHost, l *events.Log) string {
	var text string
	switch {
	case l.Optional:
		return "not on this host"
	case l.Err != nil:
		return "not read: " + channelMessage(l.Err)
	case l.Empty && l.Partial == nil:
		return "empty"
	case l.Oldest.IsZero():
		text = count(l.Read, "event") + " read; how far back it reaches is not known"
	case l.Oldest.After(h.report.Since):
		text = fmt.Sprintf("%s read; starts at %s, after the requested time: what was before is not in it",
			count(l.Read, "event"), fullTime(l.Oldest))
	default:
		text = fmt.Sprintf("%s read; reaches back to %s", count(l.Read, "event"), fullTime(l.Oldest))
	}
	if l.Partial != nil {
		text += "; only in part: " + message(l.Partial)
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
