package winrm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// lastTime is how long a message may take, when its context has ended, that ends a command, deletes a shell or creates one: a shell that
// is created and not heard of stays on the host.
const lastTime = time.Second

// outliving returns a context for a message of at most limit. It ends lastTime after ctx, or after now if ctx has ended already, and as ctx
// does: by a deadline or not.
func outliving(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	now := time.Now()
	end := now.Add(limit)
	deadline, ok := ctx.Deadline()
	if last := later(deadline, now).Add(lastTime); ok && last.Before(end) {
		end = last
	}
	own, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	stop := context.AfterFunc(ctx, func() {
		if ok && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return // own has it
		}
		last := time.NewTimer(lastTime)
		defer last.Stop()
		select {
		case <-last.C:
			cancel()
		case <-own.Done():
		}
	})
	return own, func() {
		stop()
		cancel()
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// within names err when time has ended: that of r, or ctx, which r may have outlived.
func within(ctx context.Context, r *request, err error) error {
	late := errors.Is(err, context.DeadlineExceeded)
	switch {
	case !late && !errors.Is(err, context.Canceled):
		return err
	case ctx.Err() == nil && late:
		return &wsman.TimeoutError{Limit: r.limit(), Err: err}
	case errors.Is(context.Cause(ctx), net.ErrClosed):
		return fmt.Errorf("winrm: %w", net.ErrClosed)
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("waiting for the host: %w", ctx.Err())
	}
	return err
}
