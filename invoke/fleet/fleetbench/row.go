package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The goals. Megabytes and kilobytes are powers of ten.
const (
	maxCPU      = 3 * time.Millisecond // a host
	maxMemory   = 100_000_000
	maxPerHost  = 40_000 // a host at work
	maxOverhead = 1.3    // times the ideal, where CPU does not bind

	// busy is the share of the cores from which CPU binds: what is left then is lost to waiting at the beginning and at the end.
	busy = 0.8
	// manyHosts is how many share the start of the process, so that it is not counted to them.
	manyHosts = 100
)

// A row is what came of one measurement.
type row struct {
	m              *measurement
	faults         []string // of each host
	used           usage
	simulator, all time.Duration // CPU of the simulator, and of everything that ran on the machine
	cpuKnown       bool          // whether the system tells those two
	answer         answer
}

const hang = "hang"

func (r *row) faulty() int {
	n := 0
	for _, f := range r.faults {
		if f != "" {
			n++
		}
	}
	return n
}

// ideal returns the time that the hosts take when each place is taken again as soon as it is free, and nothing costs time but the
// hosts: as many times that of one host as there are rounds, and the whole timeout for a host that hangs.
func (r *row) ideal() time.Duration {
	places := make([]time.Duration, r.m.parallel) // when each is free
	for _, fault := range r.faults {
		first := slices.Index(places, slices.Min(places))
		if fault == hang {
			places[first] += r.m.timeout
		} else {
			places[first] += r.m.latency
		}
	}
	return r.m.startup.wall + slices.Max(places)
}

// ratio returns how many times the ideal it took.
func (r *row) ratio() float64 { return r.used.wall.Seconds() / r.ideal().Seconds() }

// cpu returns the client's CPU time for one host.
func (r *row) cpu() time.Duration {
	used := r.used.cpu
	if len(r.faults) >= manyHosts {
		used = max(0, used-r.m.startup.cpu)
	}
	return used / time.Duration(len(r.faults))
}

// share returns the share of all cores that cpu is.
func (r *row) share(cpu time.Duration) float64 {
	return cpu.Seconds() / r.used.wall.Seconds() / float64(runtime.NumCPU())
}

// others returns what neither the client nor the simulator took.
func (r *row) others() time.Duration { return max(0, r.all-r.used.cpu-r.simulator) }

const tableHead = `| hosts | faulty | answered | exit | wall s | ideal s | ratio | client CPU ms/host | client peak MB | simulator CPU ms/host | cores busy | by others |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`

// String returns the row as Markdown.
func (r *row) String() string {
	peak, simulator, all, others := "–", "–", "–", "–"
	if r.used.peak > 0 {
		peak = fmt.Sprintf("%.1f", float64(r.used.peak)/1e6)
	}
	if r.cpuKnown {
		simulator = fmt.Sprintf("%.2f", milliseconds(r.simulator)/float64(len(r.faults)))
		all, others = percent(r.share(r.all)), percent(r.share(r.others()))
	}
	return fmt.Sprintf("| %d | %d | %d | %d | %.2f | %.2f | %.2f | %.2f | %s | %s | %s | %s |", len(r.faults), r.faulty(), r.answer.Answered,
		r.used.exit, r.used.wall.Seconds(), r.ideal().Seconds(), r.ratio(), milliseconds(r.cpu()), peak, simulator, all, others)
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// missed returns the goals that the row misses.
func (r *row) missed() []string {
	hosts, faulty := len(r.faults), r.faulty()
	var missed []string
	miss := func(format string, args ...any) {
		missed = append(missed, fmt.Sprintf("%d hosts, %d faulty: ", hosts, faulty)+fmt.Sprintf(format, args...))
	}
	exit := exitOK
	if faulty > 0 {
		exit = exitPartly
	}
	if want := (answer{hosts - faulty, hosts - faulty}); r.answer != want || r.used.exit != exit {
		miss("%d answered, %d of them with a failed migration, exit %d; want %d, exit %d",
			r.answer.Answered, r.answer.WithFailedJobs, r.used.exit, want.Answered, exit)
	}
	if hosts >= manyHosts && r.cpu() > maxCPU {
		miss("%.2f ms of CPU for a host; at most %.0f", milliseconds(r.cpu()), milliseconds(maxCPU))
	}
	if limit := int64(maxMemory + maxPerHost*r.m.parallel); r.used.peak > limit {
		miss("%.1f MB at the peak; at most %.1f", float64(r.used.peak)/1e6, float64(limit)/1e6)
	}
	if r.ratio() > maxOverhead && r.cpuKnown && r.share(r.all) < busy {
		miss("%.2f times the ideal time with the cores %s busy; at most %.1f below %s", r.ratio(), percent(r.share(r.all)), maxOverhead, percent(busy))
	}
	return missed
}

// writeGoals says which goals were missed, or that none was.
func writeGoals(w io.Writer, missed []string) error {
	text := "All goals are met.\n"
	if len(missed) > 0 {
		text = "Missed: " + strings.Join(missed, "\nMissed: ") + "\n"
	}
	_, err := io.WriteString(w, "\n"+text)
	return err
}

// An answer is what the summary of get says.
type answer struct{ Answered, WithFailedJobs int }

// readAnswer reads the summary, the last of many JSON lines.
func readAnswer(r io.Reader) (answer, error) {
	var summary *answer
	lines := json.NewDecoder(bufio.NewReader(r))
	for lines.More() {
		var line struct{ Summary *answer }
		if err := lines.Decode(&line); err != nil {
			return answer{}, fmt.Errorf("the answers: %w", err)
		}
		summary = line.Summary
	}
	if summary == nil {
		return answer{}, errors.New("the answers have no summary")
	}
	return *summary, nil
}
