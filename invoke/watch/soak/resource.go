package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A sample is what the system says that a process uses.
type sample struct {
	age                  time.Duration // of the process
	rss                  float64       // MB
	descriptors, threads float64
}

// sampleOf reads /proc, which Linux alone has.
func sampleOf(pid int) (s sample, ok bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(dir + "/status") //nolint:gosec // of a child of ours
	if err != nil {
		return s, false
	}
	open, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return s, false
	}
	s.descriptors = float64(len(open))
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		number, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch {
		case err != nil:
		case name == "VmRSS":
			s.rss = number / 1024
		case name == "Threads":
			s.threads = number
		}
	}
	return s, s.rss > 0
}

// readStats returns the goroutines and the heap in MB that a watcher has told on stderr, in the form that the help of watch
// documents.
func readStats(r io.Reader) (goroutines, heap []float64, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		_, fields, ok := strings.Cut(lines.Text(), "watch: polls=")
		if !ok {
			continue
		}
		for field := range strings.FieldsSeq(fields) {
			name, value, _ := strings.Cut(field, "=")
			number, err := strconv.ParseFloat(value, 64)
			switch {
			case err != nil:
			case name == "goroutines":
				goroutines = append(goroutines, number)
			case name == "heap":
				heap = append(heap, number/(1<<20))
			}
		}
	}
	return goroutines, heap, lines.Err()
}

// A change is how much of something a process used in the first and in the last quarter of its life: medians.
type change struct {
	what        string
	unit        string
	first, last float64
	most        float64 // that last may be
}

// A lifeGrowth is what has changed in the life of one process.
type lifeGrowth struct {
	number  int
	life    time.Duration
	changes []change
}

type growth []lifeGrowth

// enough is how many samples tell of a change.
const enough = 8

// A usage is how much of something a process used, sample by sample, and by how much that may grow: to factor times as much, and
// slack more.
type usage struct {
	what, unit    string
	series        []float64
	factor, slack float64
}

// change compares the quarters of the series. It is false for one that is too short.
func (u *usage) change() (change, bool) {
	if len(u.series) < enough {
		return change{}, false
	}
	n := len(u.series) / 4
	c := change{what: u.what, unit: u.unit, first: median(u.series[:n]), last: median(u.series[len(u.series)-n:])}
	c.most = c.first*u.factor + u.slack
	return c, true
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// grown compares the quarters of each life, without the time in which it connects to all hosts. The bounds are wide enough for the
// heap of a garbage collector and for hosts that are away just then, and too narrow for anything that a host, a poll or a job
// leaves behind in minutes.
func (w *watchers) grown() growth {
	var g growth
	for i, r := range w.runs {
		var rss, descriptors, threads []float64
		for _, s := range r.samples {
			if s.age > warmUp {
				rss, descriptors, threads = append(rss, s.rss), append(descriptors, s.descriptors), append(threads, s.threads)
			}
		}
		var goroutines, heap []float64
		if file, err := os.Open(r.stderr); err == nil { //nolint:gosec // a name of ours
			goroutines, heap, _ = readStats(file) // what cannot be read is reported as not told
			_ = file.Close()
		}
		life := lifeGrowth{number: i + 1, life: r.length()}
		for _, u := range []usage{
			{"memory", " MB", rss, 1.25, 16},
			{"descriptors", "", descriptors, 1.1, 10},
			{"threads", "", threads, 1, 8},
			{"goroutines", "", goroutines, 1.1, 20},
			{"heap", " MB", heap, 1.5, 8},
		} {
			if c, ok := u.change(); ok {
				life.changes = append(life.changes, c)
			}
		}
		if len(life.changes) > 0 {
			g = append(g, life)
		}
	}
	return g
}

// report prints the medians of the first and the last quarter of each life that was long enough.
func (g growth) report(w io.Writer) {
	for _, l := range g {
		_, _ = fmt.Fprintf(w, "watcher %d, %v:", l.number, l.life.Round(time.Second))
		for i, c := range l.changes {
			_, _ = fmt.Fprintf(w, "%s %s %s → %s%s", strings.Repeat(",", min(i, 1)), c.what, short(c.first), short(c.last), c.unit)
		}
		_, _ = fmt.Fprintln(w)
	}
	if len(g) == 0 {
		_, _ = fmt.Fprintln(w, "what the watcher uses: not told, no life was long enough or the system has no /proc")
	}
}

func short(f float64) string { return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0") }

// problems tells what has grown by more than it may.
func (g growth) problems() []string {
	var list []string
	for _, l := range g {
		for _, c := range l.changes {
			if c.last > c.most {
				list = append(list, fmt.Sprintf("watcher %d: %s grew from %s to %s%s in %v, more than to %s",
					l.number, c.what, short(c.first), short(c.last), c.unit, l.life.Round(time.Second), short(c.most)))
			}
		}
	}
	return list
}
