package main

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// A watchedHost is what is known of one host that is watched.
type watchedHost struct {
	planned  *plannedHost
	lists    int             // of jobs that came whole
	answered bool            // it has told its jobs once
	unseen   map[string]bool // the jobs of its first list of which no event has come yet, by InstanceID
	lost     bool            // it does not answer
	refused  bool            // it has refused the user and is not asked any more
	failure  error           // why it is lost or given up

	// both holds, for each job whose destination was asked too, what became of that, until its event was told; by InstanceID.
	both map[string]*diagnosed
}

// watchedHosts is what is known of all hosts. Their clients write it while the events are read.
type watchedHosts struct {
	mu       sync.Mutex
	list     []*watchedHost
	byKey    map[string]*watchedHost
	polls    int
	sessions int           // that are open
	heard    chan struct{} // a host has told its jobs for the first time
}

// newWatchedHosts returns the hosts of a plan, and the same as the engine knows them.
func newWatchedHosts(p *plan) (*watchedHosts, []watch.Host) {
	hosts := &watchedHosts{byKey: map[string]*watchedHost{}, heard: make(chan struct{}, 1)}
	known := make([]watch.Host, 0, len(p.hosts))
	for _, planned := range p.hosts {
		h := &watchedHost{planned: planned, both: map[string]*diagnosed{}}
		key := planned.target.key
		hosts.list, hosts.byKey[key] = append(hosts.list, h), h
		known = append(known, watch.Host{
			Name: planned.target.label,
			Key:  key,
			Open: func(context.Context) (invoke.Client, func(), error) { return hosts.open(p, h) },
			Refused: func(err error) bool {
				return planned.unusable != nil || // tickets are read once
					matches(err, func(e *fleet.NotTriedError) bool { return len(e.RefusedBy) > 0 }) || (&session{method: planned.method}).refused(err)
			},
		})
	}
	return hosts, known
}

// open opens a session with a host.
func (hosts *watchedHosts) open(p *plan, h *watchedHost) (invoke.Client, func(), error) {
	s, err := p.open(h.planned)
	if err != nil {
		return nil, nil, err
	}
	if s.unusable != nil {
		return nil, nil, s.failed(s.unusable)
	}
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	hosts.sessions++
	return &watchedClient{session: s, host: h, hosts: hosts}, func() {
		s.close()
		hosts.mu.Lock()
		defer hosts.mu.Unlock()
		hosts.sessions--
	}, nil
}

// of returns the host of an event.
func (hosts *watchedHosts) of(e *watch.Event) *watchedHost { return hosts.byKey[e.Host.Key] }

// err returns the error of an event as other commands tell one of a host.
func (hosts *watchedHosts) err(e *watch.Event) error {
	if ranOut(e.Err) {
		return &timeoutError{hosts.of(e).planned.flags.timeout, e.Err}
	}
	return e.Err
}

// take notes what an event tells of its host.
func (hosts *watchedHosts) take(e *watch.Event) {
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	h := hosts.of(e)
	switch e.Kind {
	case watch.HostLost:
		h.lost, h.failure = true, hosts.err(e)
	case watch.HostRefused:
		h.lost, h.refused, h.failure = true, true, hosts.err(e)
	case watch.HostBack:
		h.lost, h.failure = false, nil
	case watch.JobNew, watch.JobProgress, watch.JobEnded, watch.JobFailed, watch.JobGone:
		delete(h.unseen, eventKey(e.Job.ID()))
	}
}

// certain is the number of lists after which no event of the first one can still be on its way.
const certain = 3

// listed notes that a host has told its jobs. An empty first list may mean that it shows nothing: the engine asks then for a computer
// system, or lists once more.
func (hosts *watchedHosts) listed(h *watchedHost, ids []string) {
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	hosts.polls++
	h.lists++
	switch {
	case h.lists >= certain:
		h.unseen = nil
	case !h.answered && len(ids) > 0:
		h.unseen = map[string]bool{}
		for _, id := range ids {
			h.unseen[eventKey(id)] = true
		}
	}
	if len(ids) > 0 || h.lists > 1 {
		hosts.answer(h)
	}
}

// visible notes that a host has shown a computer system.
func (hosts *watchedHosts) visible(h *watchedHost) {
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	if h.lists > 0 {
		hosts.answer(h)
	}
}

func (hosts *watchedHosts) answer(h *watchedHost) {
	if h.answered && h.lists != certain {
		return
	}
	h.answered = true
	select {
	case hosts.heard <- struct{}{}:
	default: // it is known already that there is something to look at
	}
}

// settled tells that of each host either all events of its first list have come, or that it does not answer.
func (hosts *watchedHosts) settled() bool {
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	for _, h := range hosts.list {
		if !h.lost && (!h.answered || len(h.unseen) > 0) {
			return false
		}
	}
	return true
}

// failures returns how many hosts have told their jobs and still answer, and why the others do not, in the order given.
func (hosts *watchedHosts) failures() (answered int, failed []*hostError) {
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	for _, h := range hosts.list {
		switch {
		case h.failure != nil:
			failed = append(failed, &hostError{h.planned.target.label, h.failure})
		case !h.answered:
			failed = append(failed, &hostError{h.planned.target.label, errNotHeard})
		default:
			answered++
		}
	}
	return answered, failed
}

// errNotHeard is of a host that has not told its jobs when the watch ends.
var errNotHeard = errors.New("it has not answered yet")

// waitedFor returns the names of the hosts that have never told their jobs and are still asked.
func (hosts *watchedHosts) waitedFor() []string {
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	var names []string
	for _, h := range hosts.list {
		if !h.answered && !h.refused {
			names = append(names, h.planned.target.label)
		}
	}
	return names
}

// joined returns what became of asking the other end about the job of an event, nil if it was not asked.
func (hosts *watchedHosts) joined(e *watch.Event) *diagnosed {
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	return hosts.of(e).both[eventKey(e.Job.ID())]
}

// told forgets what was kept for an event that was told.
func (hosts *watchedHosts) told(e *watch.Event) {
	if e.Job == nil {
		return
	}
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	delete(hosts.of(e).both, eventKey(e.Job.ID()))
}

// status fills what a screen tells of the hosts.
func (hosts *watchedHosts) status(s *hostStatus) {
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	s.hosts, s.waiting, s.lost, s.refused = len(hosts.list), 0, nil, nil
	for _, h := range hosts.list {
		switch name := safeLine(h.planned.target.label); {
		case h.refused:
			s.refused = append(s.refused, name)
		case h.lost:
			s.lost = append(s.lost, name)
		case !h.answered:
			s.waiting++
		}
	}
}

// stats returns what -v tells of the hosts.
func (hosts *watchedHosts) stats() *watchStats {
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	s := &watchStats{polls: hosts.polls, hosts: len(hosts.list), sessions: hosts.sessions}
	for _, h := range hosts.list {
		if h.lost {
			s.lost++
		}
	}
	return s
}

// A watchedClient is a client that tells hosts of the lists that come, and errors as those of its session.
type watchedClient struct {
	session *session
	host    *watchedHost
	hosts   *watchedHosts
}

// Invoke implements [invoke.Invoker].
func (c *watchedClient) Invoke(ctx context.Context, req *wsman.InvokeRequest) (*wsman.InvokeResponse, error) {
	resp, err := c.session.client.Invoke(ctx, req)
	return resp, c.session.failed(err)
}

// Get implements [invoke.Getter].
func (c *watchedClient) Get(ctx context.Context, req *wsman.GetRequest) (*wsman.Instance, error) {
	i, err := c.session.client.Get(ctx, req)
	return i, c.session.failed(err)
}

// Enumerate implements [invoke.Enumerator].
func (c *watchedClient) Enumerate(ctx context.Context, req *wsman.EnumerateRequest) iter.Seq2[*wsman.Instance, error] {
	return func(yield func(*wsman.Instance, error) bool) {
		list := strings.Contains(req.Query+" "+req.Resource.Class, "Msvm_MigrationJob")
		var ids []string
		for i, err := range c.session.client.Enumerate(ctx, req) {
			if err != nil {
				yield(nil, c.session.failed(err))
				return
			}
			if list {
				ids = append(ids, invoke.DecodeMigrationJob(i).ID())
			} else {
				c.hosts.visible(c.host)
			}
			if !yield(i, nil) {
				break
			}
		}
		if list {
			c.hosts.listed(c.host, ids)
		}
	}
}
