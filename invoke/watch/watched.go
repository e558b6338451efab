package watch

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// maxQuotas is how many polls in a row a host may have no room for, before it is lost.
const maxQuotas = 3

// A watched is one host that is being watched. One goroutine has it.
type watched struct {
	*watcher
	*Host
	session session
	poller  invoke.Poller
	table   table
	pace    pace
	names   map[string]string // of virtual machines, by GUID in upper case; "" when the host does not tell
	due     []*ended          // jobs to ask about
	news    []*nameless       // what is to be told

	completions sync.WaitGroup // of events that wait for Config.Complete
	completing  chan struct{}  // bounds those that it works at, and
	pending     chan struct{}  // all; nil before the first

	fatal   error // why the host is not asked any more
	lost    bool  // told
	gap     bool  // the host was not watched up to now
	retried bool  // the session was renewed, and has not answered since
	quotas  int   // polls in a row that the host had no room for
}

func newWatched(w *watcher, host *Host) *watched {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(host.key())) // documented never to fail
	return &watched{
		watcher: w, Host: host, gap: true,
		pace: pace{fast: w.cfg.Interval, idle: w.cfg.IdleInterval, random: *rand.NewPCG(hash.Sum64(), 0)},
	}
}

// run polls the host until ctx ends or the host is given up.
func (h *watched) run(ctx context.Context) {
	defer h.completions.Wait()
	defer h.session.close()
	for {
		pause := h.round(ctx)
		if h.fatal != nil {
			h.giveUp(ctx)
			return
		}
		if !sleep(ctx, pause) {
			h.leave(ctx)
			return
		}
	}
}

// round asks for the jobs, and about those that have ended until it is time for the next round. It returns the pause until then.
func (h *watched) round(ctx context.Context) time.Duration {
	begun := time.Now()
	if err := h.poll(ctx); err != nil {
		return h.failed(ctx, err)
	}
	polled := time.Now()
	until := polled.Add(h.pace.rest(polled.Sub(begun)))
	if kept := h.settle(ctx, until); !h.introduce(ctx, kept, until) {
		h.session.close() // the next poll shows whether the host is lost
	}
	return h.pause(polled)
}

// pause returns the pause after a poll that was answered at that time.
func (h *watched) pause(polled time.Time) time.Duration {
	now := time.Now()
	pause := max(h.pace.next(h.table.running > 0 || len(h.due)+len(h.news) > 0)-now.Sub(polled), minPause)
	for _, e := range h.due {
		pause = min(pause, max(e.due.Sub(now), minPause))
	}
	return pause
}

// poll asks for the jobs, and tells what has changed.
func (h *watched) poll(ctx context.Context) error {
	var jobs []*invoke.MigrationJob
	err := h.within(ctx, func(ctx context.Context, c invoke.Client) (err error) {
		jobs, err = h.poller.Poll(ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	now := time.Now()
	if h.lost {
		h.queue.put(&Event{ID: h.hostID("back", now), Time: now, Kind: HostBack, Host: h.Host})
	}
	h.pace.learn(jobs)
	changes := h.table.update(now, jobs, h.gap, h.room())
	h.lost, h.gap, h.retried, h.quotas = false, false, false, 0
	for i := range changes {
		h.apply(ctx, &changes[i], now)
	}
	return nil
}

// room returns for how many more jobs that have ended there is room.
func (h *watched) room() room {
	left := room{maxDue, maxDue}
	for _, e := range h.due {
		*left.of(&e.change)--
	}
	return left
}

// apply tells a change, or notes that the host is to be asked about it first.
func (h *watched) apply(ctx context.Context, c *change, now time.Time) {
	id := h.jobID(c.key, c.what)
	if h.cfg.Recorded(id) {
		return
	}
	if c.kind == JobEnded || c.kind == JobFailed {
		h.due = append(h.due, newEnded(c, now, h.pace.keeps(), h.poller.Whole()))
		return
	}
	h.announce(ctx, &Event{ID: id, Time: now, Kind: c.kind, Host: h.Host, Job: c.job, Missed: c.missed})
}

// failed returns the pause after a poll that ended in err, and tells that the host is lost if that is what err means.
func (h *watched) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil || h.fatal != nil {
		return 0
	}
	h.expire(ctx, time.Now())
	if errors.Is(err, fleet.ErrNotAdmitted) {
		return minPause // it has waited for Config.Timeout, and was not asked
	}
	if overQuota(err) && !h.lost {
		if h.quotas++; h.quotas < maxQuotas {
			return h.pace.slower()
		}
	}
	again := lost(err) && h.session.answered && !h.retried && !h.lost
	h.session.close()
	if again {
		h.retried = true
		return 0
	}
	h.flush(ctx)
	if !h.lost {
		now := time.Now()
		h.queue.put(&Event{ID: h.hostID("lost", now), Time: now, Kind: HostLost, Host: h.Host, Err: err})
	}
	h.lost, h.gap, h.poller = true, true, invoke.Poller{}
	if unwatchable(err) {
		return h.pace.slowRetry()
	}
	return h.pace.retry()
}

// giveUp tells that the host is not asked again, after what is known of its jobs.
func (h *watched) giveUp(ctx context.Context) {
	for _, e := range h.due {
		if e.err == nil {
			e.err = h.fatal
		}
		h.tell(ctx, e)
	}
	h.flush(ctx)
	h.completions.Wait()
	now := time.Now()
	h.queue.put(&Event{ID: h.hostID("refused", now), Time: now, Kind: HostRefused, Host: h.Host, Err: h.fatal})
}
