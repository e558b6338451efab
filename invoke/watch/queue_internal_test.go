// The queue is tested by itself: how it is when full cannot be seen from outside.
package watch

import (
	"testing"
	"testing/synctest"

	"github.com/hvmigerr/hvmigerr/invoke"
)

func TestQueueFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(3)
		host := new(Host)
		put := 0
		go func() {
			for i := range 6 {
				q.put(&Event{Kind: JobNew, Host: host, Job: listed("new", 4, i)})
				put++
			}
		}()
		synctest.Wait()
		if put != 3 {
			t.Errorf("%d events went into a queue of 3", put)
		}
		over := make(chan struct{})
		for i := range 6 {
			if e := q.take(over); e.Kind != JobNew || int(*e.Job.PercentComplete) != i {
				t.Errorf("event %d is %s of %d %%", i, e.Kind, *e.Job.PercentComplete)
			}
		}
		q.put(&Event{Kind: JobEnded, Host: host})
		close(over)
		if e := q.take(over); e == nil || e.Kind != JobEnded {
			t.Errorf("the last event is %v", e)
		}
		if e := q.take(over); e != nil {
			t.Errorf("one more event: %v", e)
		}
		for range 3 {
			q.put(&Event{Kind: JobNew, Host: host})
		}
		close(q.left)
		q.put(&Event{Kind: JobEnded, Host: host}) // nobody will make room
	})
}

// TestQueueProgress puts progress of two jobs: the last of each is left, in the place of the first.
func TestQueueProgress(t *testing.T) {
	q := newQueue(10)
	a, b := new(Host), new(Host)
	progress := func(h *Host, percent int) {
		q.put(&Event{Kind: JobProgress, Host: h, Job: listed("J", 4, percent)})
	}
	for i := range 50 {
		progress(a, i)
		progress(b, 2*i)
	}
	q.put(&Event{Kind: JobFailed, Host: a, Job: listed("J", invoke.JobStateException, 50)})
	over := make(chan struct{})
	close(over)
	var got []int
	for e := q.take(over); e != nil; e = q.take(over) {
		got = append(got, int(*e.Job.PercentComplete))
	}
	if len(got) != 3 || got[0] != 49 || got[1] != 98 || got[2] != 50 {
		t.Errorf("percentages %v, want [49 98 50]", got)
	}
	if len(q.progress) != 0 || len(q.room) != 0 || q.events != nil {
		t.Errorf("an empty queue holds %d, %d, %v", len(q.progress), len(q.room), q.events)
	}
}
