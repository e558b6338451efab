// Package watch follows the migration jobs of many hosts at once, for as long as it is told to, and asks why a job failed as soon as it
// has: a host forgets a job minutes after its end.
//
// [Events] polls each host by one small query over a session that it keeps, fast while a job runs there and slowly while none does, and
// always several times within the time for which the host keeps a job that has ended. A host that goes away is tried again with growing
// pauses; what ended meanwhile is told as missed, if the host still tells of it. A password that a host has refused is not sent again;
// that it goes to no other either is for the clients to see to, by one [fleet.Breaker] that all of them enter.
// [Journal] keeps events across restarts, and [Evidence] what a host has sent about a job.
//
// # Promises
//
// Each job that a poll lists ends in one event: [JobEnded] or [JobFailed], or [JobGone] when it vanished while it ran. One that nobody sees is one
// that lived for less than a pause between two polls, or while its host was away. Of one host, the events of one job come in order. An event has the same ID in every run, so that a Journal tells
// which were told before; those are neither asked about nor yielded again. What a host has answered when ctx ends is yielded; a job of
// which it had told nothing by then is left to the next run.
//
// Of the jobs that have ended each is first asked for every error, those that the host forgets first before others, and then for the
// rest; polls come in between. Names of machines are asked for last. What an event lacks its Err tells.
//
// # Errors
//
// Nothing ends a watch but its ctx, and that no host is left: what goes wrong is told in [Event].Err.
package watch

import (
	"context"
	"iter"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// Defaults of [Config].
const (
	DefaultInterval     = 2 * time.Second
	DefaultIdleInterval = 15 * time.Second
	DefaultTimeout      = 30 * time.Second
)

// Config configures [Events]. Hosts is required.
type Config struct {
	Hosts []Host
	// Interval is the pause between two polls of a host on which jobs run, IdleInterval that of one on which none does. If zero, 2 and
	// 15 seconds. Both are shortened to a quarter of the time for which the host keeps a job that has ended, but to no less than 100
	// milliseconds, and vary by a tenth so that hosts are not all asked at once.
	Interval, IdleInterval time.Duration
	// Timeout bounds one poll, and each question about a job that has ended. If zero, 30 seconds.
	Timeout time.Duration
	// Parallel is how many hosts are asked at the same time. If zero, fleet.DefaultParallel.
	Parallel int
	// Recorded tells of the ID of an event that it was told in an earlier run. Such events are not yielded. If nil, none was.
	// Several goroutines call it.
	Recorded func(id string) bool
	// Complete adds to the event of a job that failed what others than its host know, before it is yielded. If nil, nothing is added.
	// It does not hold up the polls, nor other jobs. Several goroutines call it, four at most for one host. It has Timeout from when the
	// host has said all, and must return soon when its ctx ends; it is called also when that has ended before its turn came.
	Complete func(ctx context.Context, e *Event)
}

// A Host is one host to watch.
type Host struct {
	// Name is what whoever reads of the host calls it.
	Name string
	// Key is what the IDs of events name the host by; the same in every run. If empty, Name in lower case.
	Key string
	// Open returns a fresh client of the host, and a function that closes its session; nil if there is nothing to close. It need not
	// send anything; ctx bounds Open alone. When the client's error is [fleet.ErrNotAdmitted], the host is not lost, and is asked again
	// soon.
	Open func(ctx context.Context) (c invoke.Client, done func(), err error)
	// Refused tells an error by which the host, or a KDC, refused the user, or by which the client does not try since other hosts have:
	// the host is given up then. If nil, none is.
	Refused func(err error) bool
}

// Kind says what an [Event] tells.
type Kind string

// The kinds of events.
const (
	JobNew      Kind = "job.new"      // a job that runs is seen for the first time
	JobProgress Kind = "job.progress" // its percentage, or its state without end, has changed
	JobEnded    Kind = "job.ended"    // it ended well, or with warnings
	JobFailed   Kind = "job.failed"
	JobGone     Kind = "job.gone" // one that ran is not there any more, and nobody saw how it ended
	HostLost    Kind = "host.lost"
	HostBack    Kind = "host.back"
	HostRefused Kind = "host.refused" // it has refused the user, or was not tried since others have, and is not asked again
)

// An Event is one change on one host.
type Event struct {
	// ID names the change: the same host, job and state have the same ID in every run. That of a change of a host holds the time.
	ID string
	// Time is when it was seen, by our clock.
	Time time.Time
	Kind Kind
	Host *Host // one of Config.Hosts
	// Job is the job as it was last seen, nil of the events of a host. One that has ended holds all its properties, if the host still
	// told them, others only what a poll asks for; see invoke.Poller.
	Job *invoke.MigrationJob
	// VM is the name of its machine, or the GUID when the host does not tell the name.
	VM string
	// Diagnosis is what the host said of a job that has ended, else nil. That of one that ended well has no Parts.
	Diagnosis *invoke.Diagnosis
	// Missed tells of a job that ended, or vanished, while the host was not watched.
	Missed bool
	// Err is why a host was lost or has refused, or what keeps a Diagnosis from being complete.
	Err error
}

// Events polls the hosts and yields what changes, until ctx ends or no host is left to ask. Of a host that is seen for the first time,
// the jobs that run are new and those that have ended are missed.
//
// A loop that takes its time holds up the polls once 1,024 events wait for it; of several events of progress of one job only
// the last waits. When the loop ends, all sessions are closed and all goroutines are gone.
func Events(ctx context.Context, cfg *Config) iter.Seq[*Event] {
	return func(yield func(*Event) bool) {
		ctx, cancel := context.WithCancel(ctx)
		w := newWatcher(cfg)
		over := make(chan struct{})
		go func() {
			defer close(over)
			w.run(ctx)
		}()
		defer func() {
			cancel()
			close(w.queue.left)
			<-over
		}()
		for {
			e := w.queue.take(over)
			if e == nil || !yield(e) {
				return
			}
		}
	}
}
