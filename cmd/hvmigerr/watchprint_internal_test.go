// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A stuckWriter is a stream that nobody reads until free is closed.
type stuckWriter struct {
	stuck chan struct{} // gets a token when somebody waits
	free  chan struct{}
	got   strings.Builder
}

func newStuckWriter() *stuckWriter {
	return &stuckWriter{stuck: make(chan struct{}, 1), free: make(chan struct{})}
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	select {
	case w.stuck <- struct{}{}:
	default:
	}
	<-w.free
	return w.got.Write(p)
}

// TestWatchStuck: a stdout that nobody reads keeps neither the journal nor a signal waiting, and what it has not taken is said at the end.
// Without a journal the signal alone counts. That stderr is stuck too changes nothing.
func TestWatchStuck(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct {
		name            string
		journal, stderr bool
		want            int
	}{{"journal", true, false, exitFailure}, {"all stuck", true, true, exitFailure}, {"no journal", false, false, exitTerminated}} {
		t.Run(tt.name, func(t *testing.T) {
			_, args := newWatchHost(t, wsmantest.Config{})
			journal := filepath.Join(t.TempDir(), "watch.jsonl")
			if tt.journal {
				args = append(args, "--journal", journal)
			}
			ctx, stop := context.WithCancelCause(t.Context())
			stdout, stderr := newStuckWriter(), newStuckWriter()
			defer close(stdout.free)
			if tt.stderr {
				defer close(stderr.free)
			} else {
				close(stderr.free)
			}
			code := make(chan int, 1)
			go func() { code <- run(ctx, args, strings.NewReader(""), stdout, stderr) }()
			<-stdout.stuck
			if tt.journal {
				<-stderr.stuck // it says that it goes on for the journal
			}
			stop(errTerminated)
			if got := <-code; got != tt.want {
				t.Errorf("exit %d, want %d", got, tt.want)
			}
			if !tt.journal {
				return
			}
			if text, err := os.ReadFile(journal); err != nil || len(decodeEvents(t, string(text))) != 3 {
				t.Errorf("%v; the journal holds %s", err, text)
			}
			if tt.stderr {
				return
			}
			want := []string{"stdout does not take what is printed; going on for the journal", "stdout did not take 3 events; the journal has them"}
			lines := strings.Split(strings.TrimSpace(stderr.got.String()), "\n")
			if !slices.EqualFunc(lines, want, strings.HasSuffix) {
				t.Errorf("stderr %q", lines)
			}
		})
	}
}

// TestWatchMoves: what a slow stdout could not take at once comes in order when it moves again, before what comes later.
func TestWatchMoves(t *testing.T) {
	stdout := newStuckWriter()
	var stderr strings.Builder
	j := &failingJournal{errs: make([]error, 5)}
	w := &watcher{app: newApp(nil, stdout, &stderr), journal: j}
	back := w.patiently(t.Context())
	event := func(text string) {
		t.Helper()
		w.batch = []outgoing{{event: &watch.Event{ID: text, Kind: watch.HostBack}, text: []byte(text), line: []byte(text)}}
		if err := w.flush(); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"a", "b", "c"} {
		event(text)
	}
	if got := strings.Join(j.lines, ""); got != "abc" || !w.stalled {
		t.Errorf("the journal has %q", got)
	}
	close(stdout.free)
	w.finish()
	event("d")
	w.finish()
	back()
	if got := stdout.got.String(); got != "abcd" || w.stalled || w.unseen != 0 || w.complete(nil) != nil {
		t.Errorf("stdout has %q, %d events are missing", got, w.unseen)
	}
	if n := strings.Count(stderr.String(), "\n"); n != 1 {
		t.Errorf("stderr %q", stderr.String())
	}
}

// TestPrinterFull: there is room for so much, and for one thing more than that.
func TestPrinterFull(t *testing.T) {
	w := newStuckWriter()
	var q printer
	printing := func(size int) *printing {
		return &printing{size: size, events: 1, write: func() error {
			_, err := io.WriteString(w, "x")
			return err
		}}
	}
	first := printing(2 * maxUnprinted)
	if !q.add(first) || q.add(printing(1)) {
		t.Error("want room for one thing of any size, and for no other beside it")
	}
	if n, waiting, err := q.state(); n != 1 || !waiting || err != nil {
		t.Errorf("%d events wait", n)
	}
	close(w.free)
	<-first.done
	last := printing(1)
	last.write = func() error { return errors.New("full") }
	q.add(last)
	<-last.done
	if n, waiting, err := q.state(); n != 0 || waiting || err == nil {
		t.Errorf("%d events wait; %v", n, err)
	}
	never := printing(1)
	never.write = func() error {
		t.Error("written after an error")
		return nil
	}
	q.add(never)
	<-never.done
}

// TestWatchBatches: of more events than go to the disk together, none is lost.
func TestWatchBatches(t *testing.T) {
	const n = 3 * maxBatch
	stdout := &strings.Builder{}
	j := &failingJournal{errs: make([]error, n)}
	w := &watcher{app: newApp(nil, stdout, io.Discard), journal: j, flags: &watchFlags{}}
	planned := &plannedHost{target: &target{label: "hv01"}, flags: &connectionFlags{}}
	w.hosts = &watchedHosts{byKey: map[string]*watchedHost{"hv01": {planned: planned}}}
	defer w.patiently(t.Context())()
	events := make(chan *watch.Event, n)
	for i := range n {
		events <- &watch.Event{ID: "hv01/lost/" + strconv.Itoa(i), Kind: watch.HostLost, Host: &watch.Host{Key: "hv01"}}
	}
	close(events)
	if err := w.follow(events); !errors.Is(err, errEventsEnded) {
		t.Fatal(err)
	}
	w.finish()
	if printed := len(decodeEvents(t, stdout.String())); printed != n || len(j.lines) != n {
		t.Errorf("%d events printed and %d recorded, want %d", printed, len(j.lines), n)
	}
	if batches := n - len(j.errs); batches != 3 {
		t.Errorf("recorded in %d batches, want 3", batches)
	}
}
