package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
)

// A reach is how far back one channel of the event log goes.
type reach struct {
	channel string
	oldest  *events.Event // nil if it is empty, or could not be read
	err     error
}

// rungEvents is the name of the rung before that of the shell: both are ways to the event log.
const rungEvents = "events"

// events tells whether the user may read the channels that tell of migrations, and how far back each goes.
func (l *ladder) events(ctx context.Context) *step {
	src := events.NewServerManager(l.s.client)
	var list []reach
	for _, channel := range events.DefaultChannels() {
		e, err := src.Oldest(ctx, channel)
		if err != nil && !has[*events.ChannelError](err) && !errors.Is(err, events.ErrTooLarge) {
			if over(ctx) != nil {
				return failed(over(ctx))
			}
			return l.warn(&step{}, err, onlyEvents)
		}
		list = append(list, reach{channel, e, err})
	}
	st := okay("")
	st.details = object{{"route", src.Route()}, {"logs", reachObjects(list)}}
	now := l.s.app.now().Add(src.Clock())
	var words []string
	var worst error
	for i := range list {
		r := &list[i]
		if e, ok := errors.AsType[*events.ChannelError](r.err); r.err != nil && worst == nil && (!ok || !e.NotFound()) {
			worst = r.err
		}
		l.logReadable = l.logReadable || r.err == nil
		words = append(words, r.text(now))
	}
	st.seen = strings.Join(words, ", ")
	switch {
	case worst != nil:
		l.warn(st, worst, onlyEvents)
	case !l.logReadable:
		l.warn(st, list[0].err, onlyEvents)
	}
	return st
}

// Who needs what the last rungs are about.
const (
	onlyEvents = "Only hvmigerr events and get --events read the event log."
	onlyShell  = "Only --via shell needs a remote shell."
	// noRoute stands in place of onlyShell where the rung before has failed as well.
	noRoute = "Neither way to the event log is open, so that hvmigerr events and get --events cannot read it."
)

// warn makes a warning of st, with what the table of advice knows of err, and who needs it.
func (l *ladder) warn(st *step, err error, needed string) *step {
	err = l.s.failed(err)
	known := advise(err)
	if st.seen == "" {
		st.seen = message(err)
	}
	st.result, st.means, st.actions = rungWarning, strings.TrimSpace(known.means+" "+needed), known.actions
	return st
}

// text says in few words how far back the channel goes.
func (r *reach) text(now time.Time) string {
	name := strings.TrimPrefix(r.channel, "Microsoft-Windows-")
	switch e, _ := errors.AsType[*events.ChannelError](r.err); {
	case e != nil && e.NotFound():
		return name + " is not there"
	case e != nil && e.Denied():
		return name + " may not be read"
	case r.err != nil:
		return name + ": " + message(r.err)
	case r.oldest == nil:
		return name + " is empty"
	case r.oldest.Time.IsZero():
		return name + " can be read"
	}
	return name + " reaches back " + age(now.Sub(r.oldest.Time))
}

// reachObjects returns how far back the channels go as JSON has it.
func reachObjects(list []reach) []object {
	objects := make([]object, 0, len(list))
	for i := range list {
		r := &list[i]
		o := object{{"channel", r.channel}, {"oldest", nil}, {"oldestRecord", nil}, {"empty", r.err == nil && r.oldest == nil}}
		if r.oldest != nil {
			o[1].value, o[2].value = nullableTime(r.oldest.Time), r.oldest.RecordID
		}
		var text any
		if r.err != nil {
			text = r.err.Error()
		}
		objects = append(objects, append(o, member{"error", text}))
	}
	return objects
}

// shell tells whether the user may open a remote shell, which hvmigerr events --via shell needs. It deletes it at once.
func (l *ladder) shell(ctx context.Context) *step {
	shell, err := winrm.NewShell(l.s.target.url, &tracedTransport{s: l.s})
	if err != nil {
		return skipped(err.Error())
	}
	err = shell.Open(ctx)
	if deleted := shell.Close(); deleted != nil {
		return warning("a remote shell was opened and not deleted: "+message(l.s.failed(deleted)), "The host ends it when nobody has used it for a while.")
	}
	switch {
	case err == nil:
		return okay("a remote shell was opened and deleted; nothing was run in it")
	case over(ctx) != nil:
		return failed(over(ctx))
	case denied(err) && l.logReadable:
		return skipped("the user may open none, as most who are no administrators; the event log can be read without")
	}
	if l.logReadable || !slices.ContainsFunc(l.steps, func(st *step) bool { return st.name == rungEvents && st.result == rungWarning }) {
		return l.warn(&step{}, err, onlyShell)
	}
	st := l.warn(&step{}, err, noRoute)
	st.actions = slices.DeleteFunc(st.actions, func(act action) bool { return act == throughServerManager() })
	return st
}
