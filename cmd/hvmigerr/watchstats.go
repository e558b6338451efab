package main

import (
	"fmt"
	"runtime"
	"time"
)

// statsEvery is how often -v tells what watch uses.
const statsEvery = 10 * time.Second

// A watchStats is what a watch uses and has done.
type watchStats struct {
	polls, hosts, lost, sessions int
	goroutines                   int
	heap                         uint64 // bytes in use
}

// String returns the line of -v. Its form is documented in the command's help; programs read it.
func (s *watchStats) String() string {
	return fmt.Sprintf("watch: polls=%d hosts=%d lost=%d sessions=%d goroutines=%d heap=%d",
		s.polls, s.hosts, s.lost, s.sessions, s.goroutines, s.heap)
}

func (w *watcher) tellStats() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s := w.hosts.stats()
	s.goroutines, s.heap = runtime.NumGoroutine(), m.HeapAlloc
	w.app.note("%s", s)
}
