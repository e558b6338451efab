package watch

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
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
	due     []*ended          // jobs to ask about, the most urgent first

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
	defer h.session.close()
	for {
		pause := h.round(ctx)
		if h.fatal != nil {
			h.giveUp(ctx)
			return
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// round asks for the jobs, and about those that have ended. It returns the pause until the next round.
func (h *watched) round(ctx context.Context) time.Duration {
	if err := h.poll(ctx); err != nil {
		return h.failed(ctx, err)
	}
	if !h.settle(ctx) {
		h.session.close() // the next poll shows whether the host is lost
	}
	return h.pause()
}

// pause returns the pause after a poll that was answered.
func (h *watched) pause() time.Duration {
	pause := h.pace.next(h.table.running > 0 || len(h.due) > 0)
	now := time.Now()
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
		h.queue.put(ctx, &Event{ID: h.hostID("back", now), Time: now, Kind: HostBack, Host: h.Host})
	}
	h.pace.learn(jobs)
	changes := h.table.update(now, jobs, h.gap, maxDue-len(h.due))
	h.lost, h.gap, h.retried, h.quotas = false, false, false, 0
	for i := range changes {
		h.apply(ctx, &changes[i], now)
	}
	sortUrgent(h.due)
	return nil
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
	vm := c.job.VMName()
	if c.kind == JobNew && !h.named(vm) {
		_ = h.within(ctx, func(ctx context.Context, client invoke.Client) error { return h.learn(ctx, client, vm) })
	}
	h.queue.put(ctx, &Event{ID: id, Time: now, Kind: c.kind, Host: h.Host, Job: c.job, VM: h.name(vm), Missed: c.missed})
}

// failed returns the pause after a poll that ended in err, and tells that the host is lost if that is what err means.
func (h *watched) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil || h.fatal != nil {
		return 0
	}
	h.expire(ctx)
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
	if !h.lost {
		now := time.Now()
		h.queue.put(ctx, &Event{ID: h.hostID("lost", now), Time: now, Kind: HostLost, Host: h.Host, Err: err})
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
	now := time.Now()
	h.queue.put(ctx, &Event{ID: h.hostID("refused", now), Time: now, Kind: HostRefused, Host: h.Host, Err: h.fatal})
}
