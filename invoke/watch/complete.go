package watch

import (
	"context"
	"time"
)

// Bounds of the events of one host that wait for Config.Complete.
const (
	maxCompleting = 4   // at work
	maxPending    = 256 // of more, Complete is told that there is no time
)

// complete puts an event into the queue, that of a job that failed when Config.Complete has added to it. It does not wait for that.
func (h *watched) complete(ctx context.Context, e *Event) {
	if h.cfg.Complete == nil || e.Kind != JobFailed {
		h.queue.put(e)
		return
	}
	if h.completing == nil {
		h.completing, h.pending = make(chan struct{}, maxCompleting), make(chan struct{}, maxPending)
	}
	limit := h.cfg.Timeout
	select {
	case h.pending <- struct{}{}:
		h.completions.Go(func() {
			defer func() { <-h.pending }()
			h.addTo(ctx, e, time.Now().Add(limit))
		})
	default:
		h.addTo(ctx, e, time.Now())
	}
}

// addTo lets Config.Complete add to an event until the deadline, and puts it into the queue.
func (h *watched) addTo(ctx context.Context, e *Event, deadline time.Time) {
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for _, room := range []chan struct{}{h.completing, h.elsewhere} {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		case <-limited.Done():
		}
	}
	h.cfg.Complete(limited, e)
	h.queue.put(e)
}
