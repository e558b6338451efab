package transport

// portState, resolveError and bounded are not exported, and no test may provoke every answer of a network.

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestPortState(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", err)} }
	states := map[error]PortState{
		&net.OpError{Op: "dial", Err: context.DeadlineExceeded}: PortFiltered,
		&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}:   PortFiltered,
		dial(syscall.EMFILE): "",
		&net.OpError{Op: "dial", Err: errors.New("anything else")}: "",
	}
	for state, errnos := range map[PortState][]syscall.Errno{
		PortRefused: refusedErrnos(), PortFiltered: timeoutErrnos(), PortUnreachable: unreachableErrnos(),
	} {
		for _, e := range errnos {
			states[dial(e)] = state
		}
	}
	for err, want := range states {
		if got := portState(err); got != want {
			t.Errorf("portState(%v) = %q, want %q", err, got, want)
		}
	}
	all := slices.Concat(refusedErrnos(), timeoutErrnos(), unreachableErrnos())
	if slices.Sort(all); len(slices.Compact(all)) != len(states)-4 {
		t.Errorf("a number stands for two states: %v", all)
	}
}

// TestResolveErrorTimeout: a resolver that says nothing of its own when it is stopped.
func TestResolveErrorTimeout(t *testing.T) {
	t.Parallel()
	limited, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	err := resolveError(t.Context(), limited, "hv01", limited.Err())
	if e, ok := errors.AsType[*ConnectError](err); !ok || e.Stage != StageResolve || errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "within 5s") {
		t.Errorf("resolveError = %v", err)
	}
}

// TestBounded: the deadline of a lookup is the caller's, and five seconds only where there is none.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct{ limit, want time.Duration }{ // zero: no limit
			{0, 5 * time.Second},
			{time.Second, time.Second},
			{time.Minute, time.Minute},
		} {
			ctx, stop := t.Context(), func() {}
			if tt.limit > 0 {
				ctx, stop = context.WithTimeout(ctx, tt.limit)
			}
			limited, cancel := bounded(ctx)
			if deadline, ok := limited.Deadline(); !ok || time.Until(deadline) != tt.want {
				t.Errorf("within %v: until %v, want %v", tt.limit, deadline, tt.want)
			}
			cancel()
			stop()
		}
	})
}

// TestEndsWithin: whose doing a time-out is.
func TestEndsWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for d, want := range map[time.Duration]bool{time.Second - 1: false, time.Second: true, time.Hour: true} {
			if got := endsWithin(ctx, d); got != want || endsWithin(t.Context(), d) {
				t.Errorf("endsWithin(1s, %v) = %t, want %t; without a deadline false", d, got, want)
			}
		}
	})
}

// TestProbePortEarly: the timer of package net may go off while that of the context has not: it is the context's end all the same.
func TestProbePortEarly(t *testing.T) {
	t.Parallel()
	// The deadline has passed for a Dialer, which looks at it alone, and ctx does not know.
	p := &PortProbe{Addr: netip.MustParseAddrPort("127.0.0.1:1")}
	p.failed(context.Background(), true, time.Minute, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded})
	if p.State != "" || !errors.Is(p.Err, context.DeadlineExceeded) {
		t.Errorf("probe = %+v, want the context's end", p)
	}
	p.failed(context.Background(), false, time.Minute, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded})
	if p.State != PortFiltered || errors.Is(p.Err, context.DeadlineExceeded) {
		t.Errorf("probe = %+v, want filtered", p)
	}
}

// TestInParallel: each number is called once, and eight are at work as long as there are.
func TestInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls [50]atomic.Int32
		var at atomic.Int32
		next := make(chan struct{})
		go inParallel(len(calls), func(i int) {
			calls[i].Add(1)
			at.Add(1)
			<-next
			at.Add(-1)
		})
		for left := len(calls); left > 0; left-- {
			synctest.Wait()
			if n := int(at.Load()); n != min(left, maxParallel) {
				t.Errorf("%d at work with %d left, want %d", n, left, min(left, maxParallel))
			}
			next <- struct{}{}
		}
		for i := range calls {
			if n := calls[i].Load(); n != 1 {
				t.Errorf("%d was called %d times", i, n)
			}
		}
	})
}
