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

// announce tells an event of a job. One whose machine has no name yet waits for introduce: what a host forgets is asked for before that.
func (h *watched) announce(ctx context.Context, e *Event) {
	if h.named(e.Job.VMName()) || !unnamed(e.Diagnosis) {
		h.name(e)
		h.complete(ctx, e)
		return
	}
	h.news = append(h.news, e)
}

// introduce tells the events that wait for names, those of jobs that have ended first. It asks for the names, unless may forbids it,
// until the host does not answer or it is time for the next poll; the next event of a job has another chance. It returns false when the
// session has to be another.
func (h *watched) introduce(ctx context.Context, may bool, until time.Time) bool {
	kept := true
	slices.SortStableFunc(h.news, func(a, b *Event) int {
		switch {
		case (a.Diagnosis == nil) == (b.Diagnosis == nil):
			return 0
		case a.Diagnosis != nil:
			return -1
		}
		return 1
	})
	for _, e := range h.news {
		if may && ctx.Err() == nil && h.fatal == nil && time.Now().Before(until) {
			err := h.within(ctx, func(ctx context.Context, c invoke.Client) error { return h.learn(ctx, c, e.Job.VMName()) })
			kept = !cutShort(err) || overQuota(err)
			may = !cutShort(err)
		}
		h.name(e)
		h.complete(ctx, e)
	}
	h.news = nil
	return kept
}
