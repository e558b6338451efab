package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// A screen is what stands below the events on a terminal: a bar for each job that runs, and a line about the hosts. Its lines are
// never wider than the terminal, whatever a host has named its machines.
type screen struct {
	bars   []*jobBar // the oldest first
	status hostStatus
}

// A jobBar is one job that runs. Its texts are safe.
type jobBar struct {
	key, host string // of the event, to find it again
	vm        string
	from, to  string
	percent   string
	done      int64     // the same as a number, at most 100
	started   time.Time // by our clock
	lost      bool      // its host does not answer
}

// A hostStatus is what the line about the hosts tells.
type hostStatus struct {
	hosts   int
	waiting int      // have not told their jobs yet
	lost    []string // the names of those that do not answer
	refused []string // and of those that are not asked any more
	failure time.Time
}

// take changes the screen as an event tells.
func (s *screen) take(e *watch.Event, label string) {
	switch e.Kind {
	case watch.JobNew, watch.JobProgress:
		s.update(e, label)
	case watch.JobFailed:
		s.status.failure = e.Time
		s.remove(e)
	case watch.JobEnded, watch.JobGone:
		s.remove(e)
	case watch.HostLost, watch.HostRefused, watch.HostBack:
		for _, b := range s.bars {
			if b.host == e.Host.Key {
				b.lost = e.Kind != watch.HostBack
			}
		}
	}
}

func (s *screen) update(e *watch.Event, label string) {
	j := e.Job
	key := eventKey(j.ID())
	var b *jobBar
	for _, other := range s.bars {
		if other.key == key && other.host == e.Host.Key {
			b = other
		}
	}
	if b == nil {
		b = &jobBar{key: key, host: e.Host.Key, started: started(e)}
		s.bars = append(s.bars, b)
	}
	b.vm, b.from, b.to = machine(e), safeLine(label), line(j.DestinationHost)
	b.percent, b.done, b.lost = percentage(j), 0, false
	if j.PercentComplete != nil {
		b.done = int64(min(*j.PercentComplete, 100))
	}
}

// started returns when a job has begun, by our clock: by the host's own as far as it tells it, which may be years off.
func started(e *watch.Event) time.Time {
	j := e.Job
	if j.StartTime == nil || j.StartTime.IsZero() || j.Instance == nil || j.Instance.Date.IsZero() {
		return e.Time
	}
	return e.Time.Add(-max(0, j.Instance.Date.Sub(*j.StartTime)))
}

func (s *screen) remove(e *watch.Event) {
	key := eventKey(e.Job.ID())
	for i, b := range s.bars {
		if b.key == key && b.host == e.Host.Key {
			s.bars = append(s.bars[:i], s.bars[i+1:]...)
			return
		}
	}
}

// The lines of a terminal that bars leave free: one to tell how many there are more, the one about the hosts, the one of the
// cursor, and one for events.
const freeLines = 4

// lines returns the screen for a terminal of that size. The last column stays free, where some terminals break the line.
func (s *screen) lines(columns, rows int, now time.Time) []string {
	width := columns - 1
	shown := min(len(s.bars), max(rows-freeLines, 0))
	var list []string
	for _, b := range s.bars[:shown] {
		list = append(list, b.line(width, now))
	}
	if more := len(s.bars) - shown; more > 0 {
		list = append(list, fit(fmt.Sprintf("and %d more run", more), width))
	}
	return append(list, s.status.line(width, len(s.bars)))
}

// The widths of a bar's parts, in columns.
const (
	leastBar, mostBar = 8, 30
	leastNames        = 14 // of machine and hosts together; below, the machine is alone with its percentage
	mostVM, mostRoute = maxCell, 60
)

// line returns the bar in at most width columns: "web-01  hv01 → HV02  [#####-----]   47%     0:42". Widths depend on the terminal
// alone, so that the lines of all jobs stand in columns.
func (b *jobBar) line(width int, now time.Time) string {
	last := clockTime(now.Sub(b.started))
	if b.lost {
		last = "lost"
	}
	end := fmt.Sprintf("  %4s  %7s", b.percent, last)
	rest := width - cells(end)
	if rest < leastNames {
		return fit(pad(b.vm, width-cells(b.percent)-1)+" "+b.percent, width)
	}
	bar := ""
	if n := min(rest/4, mostBar); n >= leastBar {
		bar = "  " + drawBar(n, b.done)
		rest -= n + 2
	}
	vm := min(rest*2/5, mostVM)
	route := min(rest-vm-2, mostRoute)
	return fit(pad(b.vm, vm)+"  "+pad(b.route(route), route)+bar+end, width)
}

// route returns where a job goes from and to. When there is no room for both names, their domains are left out; when that does not
// help, both are cut.
func (b *jobBar) route(width int) string {
	const arrow = " → "
	if b.to == "" {
		return b.from
	}
	from, to := b.from, b.to
	room := max(width-cells(arrow), 0)
	if cells(from)+cells(to) > room {
		from, to = shortHost(from), shortHost(to)
	}
	switch half := room / 2; {
	case cells(from)+cells(to) <= room:
	case cells(from) <= half:
		to = fit(to, room-cells(from))
	case cells(to) <= half:
		from = fit(from, room-cells(to))
	default:
		from, to = fit(from, half), fit(to, room-half)
	}
	return from + arrow + to
}

// shortHost returns the name of a host without its domain; an address as it is.
func shortHost(name string) string {
	short, _, _ := strings.Cut(name, ".")
	if short == "" || strings.Trim(short, "0123456789") == "" || strings.Contains(short, ":") {
		return name
	}
	return short
}

// drawBar returns a bar of that many columns: "[#####-----]".
func drawBar(width int, percent int64) string {
	var b bytes.Buffer
	bar := mpb.BarStyle().Lbound("[").Filler("#").Tip("#").Padding("-").Rbound("]").Build()
	_ = bar.Fill(&b, decor.Statistics{AvailableWidth: width, Total: 100, Current: percent}) // into memory
	return b.String()
}

// clockTime writes how long a job runs: 0:42, 1:02:03, 2d03h.
func clockTime(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%dd%02dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%d:%02d:%02d", d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d:%02d", d/time.Minute, d%time.Minute/time.Second)
}

// line returns what there is to tell of all hosts in at most width columns; names as far as there is room for them.
func (s *hostStatus) line(width, running int) string {
	text := func(lost, refused string) string {
		t := count(s.hosts, "host")
		if s.waiting > 0 {
			t += fmt.Sprintf(", %d not heard of yet", s.waiting)
		}
		if len(s.lost) > 0 {
			t += fmt.Sprintf(", %d lost%s", len(s.lost), lost)
		}
		if len(s.refused) > 0 {
			t += fmt.Sprintf(", %d given up%s", len(s.refused), refused)
		}
		switch running {
		case 0:
			return t + "; no job runs"
		case 1:
			return t + "; 1 job runs"
		}
		return t + fmt.Sprintf("; %d jobs run", running)
	}
	failure := ""
	if !s.failure.IsZero() {
		failure = "; last failure " + s.failure.Local().Format("15:04:05")
	}
	if cells(text("", ""))+cells(failure) > width {
		failure = "" // the events above tell it
	}
	width -= cells(failure)
	lost := fitting(s.lost, width-cells(text("", "")))
	refused := fitting(s.refused, width-cells(text(lost, "")))
	return fit(text(lost, refused), width) + failure
}

// fitting returns ": a, b …" in at most width columns, "" when there is room for none.
func fitting(list []string, width int) string {
	const rest = " …"
	best := ""
	for i := range list {
		text := ": " + strings.Join(list[:i+1], ", ")
		if i+1 < len(list) {
			text += rest
		}
		if cells(text) <= width {
			best = text
		}
		if cells(text) > width+cells(rest) {
			break
		}
	}
	return best
}

// fit returns text in at most width columns.
func fit(text string, width int) string {
	if cells(text) <= width {
		return text
	}
	columns := 0
	for i, r := range text {
		if columns+runeCells(r) > width-1 {
			if width < 1 {
				return ""
			}
			return text[:i] + "…"
		}
		columns += runeCells(r)
	}
	return text
}

// pad returns text in exactly width columns.
func pad(text string, width int) string {
	text = fit(text, width)
	return text + strings.Repeat(" ", max(width-cells(text), 0))
}
