package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxRefusals is how many hosts may refuse a credential before it goes to no other: fewer than lock a user out by any usual policy.
const maxRefusals = 3

// maxUnanswered is how many hosts may have got a credential and not said whether it is right, refusals included, before it goes to no other:
// they may have counted it as wrong all the same. After forgetting, when policies have forgotten it, too, one counts no more.
const (
	maxUnanswered = 5
	forgetting    = 30 * time.Minute
)

// freshness is how long a credential counts as right after a host has taken it. It may be changed while a program runs for days, and all
// hosts may ask for it again at once: one of them goes first then.
const freshness = time.Minute

// ErrNotAdmitted says that ctx ended before a host had its turn to get its credential.
var ErrNotAdmitted = errors.New("waiting for what other hosts say of the same password")

// A Host is what a [Breaker] knows of a host.
type Host struct {
	// Name is what messages call it.
	Name string
	// Credential is the same for all hosts that get the same user and password. "" is for a host that gets none: it never waits.
	Credential string
}

// A Breaker keeps a wrong password from locking a user out. Whatever sends the same passwords at the same time shares it. The zero
// value is one without patience.
type Breaker struct {
	patience time.Duration

	mu          sync.Mutex
	credentials map[string]*credential
}

// NewBreaker returns a Breaker. While it is not known whether a credential is right, one host at a time gets it; a host that has said
// nothing for patience does not hold up the next, but three at a time do. It is known for a minute after a host has taken it. A host
// that has refused it never gets it again. One that has taken it gets it once more, whatever others say. When five hosts have got it and
// none has said whether it is right, it goes to no other for half an hour.
func NewBreaker(patience time.Duration) *Breaker { return &Breaker{patience: patience} }

// Enter waits until the credential of h may be used, and begins an attempt, which the caller must [Attempt.Leave]. It returns a
// [*NotTriedError] when the credential may not be used any more. When ctx ends before, the error is [ErrNotAdmitted] and that of ctx.
func (b *Breaker) Enter(ctx context.Context, h Host) (*Attempt, error) {
	if ctx.Err() != nil {
		return nil, notAdmitted(ctx)
	}
	w := &waiter{host: h, entered: make(chan struct{})}
	if a, err := b.enter(w); a != nil || err != nil {
		return a, err
	}
	select {
	case <-w.entered:
		return w.attempt, w.err
	case <-ctx.Done():
	}
	b.mu.Lock()
	w.gone = true
	b.mu.Unlock()
	w.attempt.Leave() // it may have been let in at the same moment
	return nil, notAdmitted(ctx)
}

func notAdmitted(ctx context.Context) error { return fmt.Errorf("%w: %w", ErrNotAdmitted, ctx.Err()) }

// enter lets w in, or puts it in the line.
func (b *Breaker) enter(w *waiter) (*Attempt, error) {
	if w.host.Credential == "" {
		return &Attempt{}, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.credential(w.host.Credential)
	a, err := c.admit(w.host.Name)
	if a == nil && err == nil {
		c.line = append(c.line, w)
	}
	return a, err
}

func (b *Breaker) credential(name string) *credential {
	c := b.credentials[name]
	if c == nil {
		c = &credential{breaker: b, believers: map[string]bool{}, refusers: map[string]error{}}
		if b.credentials == nil {
			b.credentials = map[string]*credential{}
		}
		b.credentials[name] = c
	}
	return c
}

// A credential is what is known of one. The lock of its Breaker guards all.
type credential struct {
	breaker *Breaker

	taken     time.Time // when a host last took it; zero if one has refused it since
	refusedBy []string  // since it was taken, at most maxRefusals
	err       error     // of the first refusal
	begun     int       // hosts begun since the first refusal
	lost      []lost    // attempts since it was taken that were never answered
	// believers have taken it and not refused it since, refusers have refused it, by name.
	believers map[string]bool
	refusers  map[string]error
	undecided int      // attempts of which nothing is known yet
	newest    *Attempt // the undecided one that the next host waits for, until patience ends or the credential is taken

	line []*waiter // in Enter
}

// A lost attempt is one whose answer never came.
type lost struct {
	host string
	when time.Time
}

// unanswered returns the hosts that got the credential of late and have not said whether it is right.
func (c *credential) unanswered() []string {
	c.lost = slices.DeleteFunc(c.lost, func(l lost) bool { return time.Since(l.when) >= forgetting })
	var hosts []string
	for _, l := range c.lost {
		hosts = append(hosts, l.host)
	}
	return hosts
}

// A waiter is a call of Enter.
type waiter struct {
	host    Host
	gone    bool
	entered chan struct{} // closed when attempt or err is set
	attempt *Attempt
	err     error
}

// admit begins an attempt, returns why there will be none, or neither: then an undecided attempt has to be waited for.
func (c *credential) admit(host string) (*Attempt, error) {
	if err, ok := c.refusers[host]; ok {
		return nil, &NotTriedError{RefusedBy: []string{host}, Err: err}
	}
	refused, unanswered := len(c.refusedBy), c.unanswered()
	if c.believers[host] {
		refused, unanswered = 0, nil // what others do, they do for a reason of their own
	}
	known := !c.taken.IsZero() && time.Since(c.taken) < freshness
	spent := refused == maxRefusals || refused > 0 && c.begun == maxRefusals-1 || refused+len(unanswered)+c.undecided >= maxUnanswered
	switch {
	case known:
	case spent && c.undecided == 0:
		return nil, &NotTriedError{RefusedBy: slices.Clone(c.refusedBy), UnansweredBy: unanswered, Err: c.err}
	case spent, c.newest != nil, refused+c.undecided >= maxRefusals:
		return nil, nil //nolint:nilnil // neither: see above
	}
	a := &Attempt{credential: c, host: host, undecided: true}
	c.undecided++
	if refused > 0 {
		c.begun++
	}
	if !known {
		c.newest = a
		a.timer = time.AfterFunc(c.breaker.patience, a.overdue)
	}
	return a, nil
}

// changed lets in who may go now.
func (c *credential) changed() {
	for len(c.line) > 0 {
		w := c.line[0]
		if !w.gone {
			if w.attempt, w.err = c.admit(w.host.Name); w.attempt == nil && w.err == nil {
				break
			}
			close(w.entered)
		}
		c.line = c.line[1:]
	}
}

// An Attempt is one host's use of a credential. All methods may be called more than once, by several goroutines, and on nil; the zero
// value is the attempt of a host that gets no credential.
type Attempt struct {
	credential *credential
	host       string

	// The lock of the Breaker guards what follows.
	undecided            bool
	taken, refused, lost bool
	timer                *time.Timer
}

// Taken tells that the host has taken the credential.
func (a *Attempt) Taken() {
	a.tell(func(c *credential) {
		if a.taken {
			return
		}
		a.taken = true
		c.taken = time.Now()
		c.refusedBy, c.err, c.begun, c.lost = nil, nil, 0, nil
		c.believers[a.host] = true
	})
}

// Refused tells that the host has refused it, by err.
func (a *Attempt) Refused(err error) {
	a.tell(func(c *credential) {
		if a.refused {
			return
		}
		a.refused = true
		c.taken = time.Time{}
		if c.believers[a.host] {
			clear(c.believers) // it was changed
		}
		if len(c.refusedBy) == 0 {
			c.err = err
		}
		if _, again := c.refusers[a.host]; !again && len(c.refusedBy) < maxRefusals {
			c.refusedBy = append(c.refusedBy, a.host)
		}
		c.refusers[a.host] = err
	})
}

// Lost tells that the host got the credential and that its answer never came, or did not say whether it is right. It means nothing once
// Taken or Refused was told.
func (a *Attempt) Lost() {
	a.tell(func(c *credential) {
		if a.lost || a.taken || a.refused {
			return
		}
		a.lost = true
		delete(c.believers, a.host)
		c.lost = append(c.lost, lost{a.host, time.Now()})
	})
}

// Leave tells that the attempt is over, whatever came of it. If nothing else was told, the host did not get the credential.
func (a *Attempt) Leave() { a.tell(func(*credential) {}) }

// tell records what is known now, and that the attempt is not undecided any more.
func (a *Attempt) tell(record func(c *credential)) {
	if a == nil || a.credential == nil {
		return
	}
	c := a.credential
	c.breaker.mu.Lock()
	defer c.breaker.mu.Unlock()
	if a.undecided {
		a.undecided = false
		c.undecided--
		if a.timer != nil {
			a.timer.Stop()
		}
		if c.newest == a {
			c.newest = nil
		}
	}
	record(c)
	c.changed()
}

// overdue ends the patience with a: the next host need not wait for it.
func (a *Attempt) overdue() {
	c := a.credential
	c.breaker.mu.Lock()
	defer c.breaker.mu.Unlock()
	if c.newest == a {
		c.newest = nil
		c.changed()
	}
}

// A NotTriedError says that a host was not tried, because others have refused the same credential, or have not said whether it is right.
type NotTriedError struct {
	RefusedBy    []string // the names of the hosts, at most three
	UnansweredBy []string // those that got it and did not say, at most five
	Err          error    // of the first refusal, nil if there was none
}

func (e *NotTriedError) Error() string {
	switch {
	case len(e.RefusedBy) == 0:
		return "not tried: the password went to " + listed(e.UnansweredBy) + ", without a word on whether it is right"
	case len(e.UnansweredBy) == 0:
		return "not tried: refused by " + listed(e.RefusedBy)
	}
	return "not tried: refused by " + listed(e.RefusedBy) + ", and without an answer from " + listed(e.UnansweredBy)
}

// listed writes names: A, B and C.
func listed(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// Unwrap returns Err.
func (e *NotTriedError) Unwrap() error { return e.Err }
