package watch

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// maxNames bounds the names that are kept of one host. When there are more, all are asked for anew.
const maxNames = 10_000

// unnamed reports whether d does not tell the name of the virtual machine.
func unnamed(d *invoke.Diagnosis) bool {
	return d == nil || d.VM == "" || d.Job != nil && strings.EqualFold(d.VM, d.Job.VMName())
}

// learn asks for the name of a virtual machine, unless that was done. What is no name leaves the GUID; it is asked for again when the
// connection was lost.
func (h *watched) learn(ctx context.Context, c invoke.Enumerator, guid string) error {
	if h.named(guid) {
		return nil
	}
	name, err := invoke.ResolveVM(ctx, c, guid)
	if !cutShort(err) && !h.final(err) {
		h.remember(guid, name)
	}
	return err
}

// named reports whether nothing is left to ask about the name of a virtual machine.
func (h *watched) named(guid string) bool {
	_, known := h.names[strings.ToUpper(guid)]
	return known || guid == ""
}

func (h *watched) remember(guid, name string) {
	if guid == "" {
		return
	}
	if h.names == nil || len(h.names) >= maxNames {
		h.names = map[string]string{}
	}
	h.names[strings.ToUpper(guid)] = name
}

// name fills in what is known to be the name of the machine of an event, or its GUID.
func (h *watched) name(e *Event) {
	guid := e.Job.VMName()
	if e.VM = cmp.Or(h.names[strings.ToUpper(guid)], guid); e.Diagnosis == nil {
		return
	}
	if unnamed(e.Diagnosis) {
		e.Diagnosis.VM = e.VM
	}
	e.VM = e.Diagnosis.VM
}

// A nameless is an event that waits for the name of its machine.
type nameless struct {
	event *Event
	until time.Time // when it is told without
}

// announce tells an event of a job. One whose machine has no name yet waits for introduce: what a host forgets is asked for before that.
func (h *watched) announce(ctx context.Context, e *Event) {
	if h.named(e.Job.VMName()) || !unnamed(e.Diagnosis) {
		h.name(e)
		h.complete(ctx, e)
		return
	}
	h.news = append(h.news, &nameless{e, time.Now().Add(h.cfg.Timeout)})
}

// introduce asks for the names that events wait for, one at least and else until it is time for the next poll, and tells the events. The last
// one of a job waits on if need be, but not for long; others need not, since the next has another chance. Unless may it asks for none. It
// returns false when the session has to be another.
func (h *watched) introduce(ctx context.Context, may bool, until time.Time) bool {
	ended := func(n *nameless) bool { return n.event.Diagnosis != nil }
	slices.SortStableFunc(h.news, func(a, b *nameless) int {
		switch {
		case ended(a) == ended(b):
			return 0
		case ended(a):
			return -1
		}
		return 1
	})
	kept := may
	var waiting []*nameless
	for i, n := range h.news {
		vm := n.event.Job.VMName()
		if may && ctx.Err() == nil && h.fatal == nil && (i == 0 || time.Now().Before(until)) {
			err := h.within(ctx, func(ctx context.Context, c invoke.Client) error { return h.learn(ctx, c, vm) })
			may = !cutShort(err)
			kept = may || overQuota(err)
		}
		if ended(n) && !h.named(vm) && time.Now().Before(n.until) {
			waiting = append(waiting, n)
			continue
		}
		h.name(n.event)
		h.complete(ctx, n.event)
	}
	h.news = waiting
	return kept
}

// flush tells the events that wait for names without.
func (h *watched) flush(ctx context.Context) {
	for _, n := range h.news {
		h.name(n.event)
		h.complete(ctx, n.event)
	}
	h.news = nil
}
