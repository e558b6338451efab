package transport

// portState and resolveError are not exported, and no test may provoke every answer of a network.

import (
	"context"
	"errors"
	"net"
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
