// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"errors"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// TestSettled: the hosts are settled when the event of each job of each first list has come, when no such event can be on its way any
// more, or when a host does not answer.
func TestSettled(t *testing.T) {
	t.Parallel()
	const a, b = "{aaaaaaaa-0000-4000-8000-000000000001}", "BBBBBBBB-0000-4000-8000-000000000002"
	var hosts *watchedHosts
	var one, other *watchedHost
	event := func(h *watchedHost, kind watch.Kind, id string) {
		e := &watch.Event{Kind: kind, Host: &watch.Host{Key: h.planned.target.key}}
		if id != "" {
			e.Job = invoke.NewJob(id)
		} else {
			e.Err = errors.New("gone")
		}
		hosts.take(e)
	}
	for _, tt := range []struct {
		name  string
		steps []func() // of the first host; all but the last leave it unsettled
	}{
		{"events", []func(){
			func() { hosts.listed(one, []string{a, b}) },
			func() { event(one, watch.JobFailed, b) },
			func() { event(one, watch.JobNew, "AAAAAAAA-0000-4000-8000-000000000001") },
		}},
		{"one job twice", []func(){
			func() { hosts.listed(one, []string{a, b}) },
			func() { event(one, watch.JobNew, a) },
			func() { event(one, watch.JobProgress, a) },
			func() { event(other, watch.JobEnded, b) }, // of the other host
			func() { event(one, watch.JobEnded, b) },
		}},
		{"three lists", []func(){
			func() { hosts.listed(one, []string{a}) },
			func() { hosts.listed(one, []string{a, b}) },
			func() { hosts.listed(one, nil) },
		}},
		{"two empty lists", []func(){
			func() { hosts.listed(one, nil) },
			func() { hosts.listed(one, nil) },
		}},
		{"an empty list and a computer system", []func(){
			func() { hosts.visible(one) },
			func() { hosts.listed(one, nil) },
			func() { hosts.visible(one) },
		}},
		{"lost", []func(){
			func() { hosts.listed(one, []string{a}) },
			func() { event(one, watch.HostLost, "") },
		}},
		{"refused", []func(){func() { event(one, watch.HostRefused, "") }}},
		{"back", []func(){
			func() { hosts.listed(one, []string{a}) },
			func() { event(one, watch.HostLost, ""); event(one, watch.HostBack, "") },
			func() { event(one, watch.JobNew, a) },
		}},
	} {
		one, other = &watchedHost{planned: &plannedHost{target: &target{key: "one"}}}, &watchedHost{planned: &plannedHost{target: &target{key: "other"}}}
		hosts = &watchedHosts{
			list: []*watchedHost{one, other}, byKey: map[string]*watchedHost{"one": one, "other": other}, heard: make(chan struct{}, 1),
		}
		hosts.listed(other, []string{b})
		event(other, watch.JobNew, b)
		for i, step := range tt.steps {
			if hosts.settled() {
				t.Errorf("%s: settled before step %d of %d", tt.name, i+1, len(tt.steps))
			}
			step()
		}
		if !hosts.settled() {
			t.Errorf("%s: not settled", tt.name)
		}
	}
}
