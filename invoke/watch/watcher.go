package watch

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// A watcher is what the hosts of one watch share.
type watcher struct {
	cfg   Config // with its defaults
	slots chan struct{}
	queue *queue
	// elsewhere bounds the events that Config.Complete works at, as slots the hosts.
	elsewhere chan struct{}
}

func newWatcher(cfg *Config) *watcher {
	w := &watcher{cfg: *cfg, queue: newQueue(maxQueued)}
	w.cfg.Interval = cmp.Or(cfg.Interval, DefaultInterval)
	w.cfg.IdleInterval = max(cmp.Or(cfg.IdleInterval, DefaultIdleInterval), w.cfg.Interval)
	w.cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	if w.cfg.Recorded == nil {
		w.cfg.Recorded = func(string) bool { return false }
	}
	parallel := cmp.Or(max(cfg.Parallel, 0), fleet.DefaultParallel)
	w.slots, w.elsewhere = make(chan struct{}, parallel), make(chan struct{}, parallel)
	return w
}

// run watches all hosts until ctx ends or none is left.
func (w *watcher) run(ctx context.Context) {
	var hosts sync.WaitGroup
	for i := range w.cfg.Hosts {
		h := newWatched(w, &w.cfg.Hosts[i])
		hosts.Go(func() { h.run(ctx) })
	}
	hosts.Wait()
}

// acquire waits for a slot, and returns false when ctx ends before.
func (w *watcher) acquire(ctx context.Context) bool {
	select {
	case w.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *watcher) release() { <-w.slots }

// sleep waits for d, and returns false when ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
