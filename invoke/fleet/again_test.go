package fleet_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

var errWrong = errors.New("wrong password")

// enter has the host enter b at once, and tells what it says: T takes the credential, R refuses it, L is lost, - leaves, ? says nothing. The result is "" when
// the host got the credential, "waits", or whom it was refused by.
func enter(t *testing.T, b *fleet.Breaker, host string, says byte) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	a, err := b.Enter(ctx, fleet.Host{Name: host, Credential: "me"})
	if e, ok := errors.AsType[*fleet.NotTriedError](err); ok {
		if len(e.RefusedBy) > 0 != errors.Is(e, errWrong) {
			t.Errorf("%s: %v does not wrap the refusal", host, e)
		}
		return strings.Join(slices.Concat(e.RefusedBy, e.UnansweredBy), " ")
	}
	switch {
	case errors.Is(err, fleet.ErrNotAdmitted):
		return "waits"
	case err != nil:
		t.Fatalf("%s: %v", host, err)
	}
	switch says {
	case 'T':
		a.Taken()
	case 'R':
		a.Refused(errWrong)
	case 'L':
		a.Lost()
	case '?':
		return ""
	}
	a.Leave()
	return ""
}

// TestAgain: hosts come more than once in a program that runs for long.
func TestAgain(t *testing.T) {
	type step struct {
		host string
		says byte
		want string
	}
	tests := map[string][]step{
		"who has refused never gets it again": {
			{"a", 'T', ""},
			{"b", 'R', ""},
			{"b", 'R', "b"},
			{"a", 'T', ""},
			{"b", 'R', "b"},
			{"c", 'T', ""},
		},
		"who has taken it gets it, whatever others say": {
			{"a", 'T', ""},
			{"b", 'R', ""},
			{"c", 'R', ""},
			{"d", 'R', ""},
			{"e", 'T', "b c d"},
			{"a", 'T', ""},
			{"e", 'T', ""},
		},
		"five that do not answer are enough": {
			{"a", 'L', ""},
			{"x", '-', ""},
			{"b", 'L', ""},
			{"c", 'L', ""},
			{"y", '-', ""},
			{"a", 'L', ""},
			{"d", 'L', ""},
			{"e", 'T', "a b c a d"},
		},
		"refusals count with them": {
			{"a", 'L', ""},
			{"b", 'L', ""},
			{"c", 'L', ""},
			{"d", 'R', ""},
			{"e", 'R', ""},
			{"f", 'T', "d e a b c"},
		},
		"one that takes it ends the count": {
			{"a", 'L', ""},
			{"b", 'L', ""},
			{"c", 'L', ""},
			{"d", 'L', ""},
			{"e", 'T', ""},
			{"a", 'L', ""},
			{"b", 'T', ""},
		},
		"until one that had taken it refuses": {
			{"a", 'T', ""},
			{"b", 'T', ""},
			{"c", 'T', ""},
			{"d", 'T', ""},
			{"a", 'R', ""},
			{"b", 'R', ""},
			{"c", 'R', ""},
			{"d", 'R', "a b c"},
			{"e", 'T', "a b c"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := fleet.NewBreaker(patience)
				for i, s := range steps {
					if got := enter(t, b, s.host, s.says); got != s.want {
						t.Fatalf("step %d: %s got %q, want %q", i, s.host, got, s.want)
					}
				}
			})
		})
	}
}

// TestStale: a password may be changed while a program runs for days. After a minute one host goes first again.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := fleet.NewBreaker(time.Hour)
		enter(t, b, "a", 'T')
		for _, host := range []string{"b", "c"} {
			if got := enter(t, b, host, '?'); got != "" {
				t.Errorf("%s: %q, want it let in at once", host, got)
			}
		}
		time.Sleep(2 * time.Minute)
		if got := enter(t, b, "a", '?'); got != "" {
			t.Errorf("a: %q, want it let in", got)
		}
		if got := enter(t, b, "d", 'T'); got != "waits" {
			t.Errorf("d: %q, want it to wait for a", got)
		}
	})
}

// TestForgetting: what was never answered counts for half an hour. Who had taken the password before gets it once more all the same.
func TestForgetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := fleet.NewBreaker(patience)
		enter(t, b, "before", 'T')
		time.Sleep(2 * time.Minute)
		for range 5 {
			if got := enter(t, b, "a", 'L'); got != "" {
				t.Fatalf("a: %q, want it let in", got)
			}
		}
		if got, want := enter(t, b, "b", 'T'), "a a a a a"; got != want {
			t.Errorf("b: %q, want %q", got, want)
		}
		if got := enter(t, b, "before", 'L'); got != "" {
			t.Errorf("before: %q, want it let in", got)
		}
		if got, want := enter(t, b, "before", 'L'), "a a a a a before"; got != want {
			t.Errorf("before, once more: %q, want %q", got, want)
		}
		time.Sleep(31 * time.Minute)
		if got := enter(t, b, "b", 'T'); got != "" {
			t.Errorf("b, later: %q, want it let in", got)
		}
	})
}

// TestNotTriedError reads what it says.
func TestNotTriedError(t *testing.T) {
	for _, tt := range []struct {
		err  fleet.NotTriedError
		want string
	}{
		{fleet.NotTriedError{RefusedBy: []string{"a"}}, "not tried: refused by a"},
		{fleet.NotTriedError{RefusedBy: []string{"a", "b", "c"}}, "not tried: refused by a, b and c"},
		{fleet.NotTriedError{UnansweredBy: []string{"a", "b"}}, "not tried: the password went to a and b, without a word on whether it is right"},
		{fleet.NotTriedError{RefusedBy: []string{"a"}, UnansweredBy: []string{"b"}}, "not tried: refused by a, and without an answer from b"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%+v says %q, want %q", tt.err, got, tt.want)
		}
	}
}
