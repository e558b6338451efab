package events_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
)

func TestReadAsks(t *testing.T) {
	t.Parallel()
	h := &fakeHost{}
	q := &events.Query{Since: time.Hour, Levels: []uint8{1, 2}, Max: 7, KeepRaw: true, Channels: []string{vmms, system}}
	if _, err := events.Read(t.Context(), h, q); err != nil {
		t.Fatal(err)
	}
	want := []events.Selection{
		{Channel: vmms, Since: time.Hour, Levels: []uint8{1, 2}, Max: 7, KeepRaw: true},
		{Channel: system, Since: time.Hour, Levels: []uint8{1, 2}, Max: 7, KeepRaw: true, Provider: "Microsoft-Windows-FailoverClustering"},
	}
	if diff := cmp.Diff(want, h.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	h = &fakeHost{}
	if _, err := events.Read(t.Context(), h, nil); err != nil {
		t.Fatal(err)
	}
	var channels []string
	for _, s := range h.asked {
		channels = append(channels, s.Channel)
		if s.Since != 24*time.Hour || s.Max != 100_000 {
			t.Errorf("by default asks for %v, at most %d", s.Since, s.Max)
		}
	}
	if diff := cmp.Diff(events.DefaultChannels(), channels); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
}

func TestReadClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, err := events.Read(t.Context(), &fakeHost{clock: time.Hour}, &events.Query{Since: 3 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Now().Add(-2 * time.Hour); r.Clock != time.Hour || !r.Since.Equal(want) {
			t.Errorf("Clock %v, Since %v, want 1h and %v", r.Clock, r.Since, want)
		}
	})
}

// Of two clocks that agree, and a clock that nobody knows, only the first is known.
func TestReadClockKnown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		src  events.Source
		want bool
	}{
		{&fakeHost{}, false},
		{&fakeHost{clock: time.Second}, true},
		{clocked{&fakeHost{}}, true},
		{events.NewWevtutil(&shell{t: t, runs: []shellRun{prints("", "", 0), prints("", "", 0)}}), false},
		{(&smHost{}).source(t), false},
		{(&smHost{date: time.Now().UTC().Format(http.TimeFormat)}).source(t), true},
	} {
		r, err := events.Read(t.Context(), tt.src, &events.Query{Channels: []string{vmms}})
		if err != nil || r.ClockKnown != tt.want {
			t.Errorf("%T: known %v and %v, want %v", tt.src, r.ClockKnown, err, tt.want)
		}
	}
}

// TestReadMaxBytes: what is beyond the room is left out, and said.
func TestReadMaxBytes(t *testing.T) {
	t.Parallel()
	story := slices.Repeat([]said{failed(0, "web-01", web, "HV01")}, 30)
	for most, want := range map[int]error{0: nil, 1 << 20: nil, 4 << 10: events.ErrLimit} {
		r, err := events.Read(t.Context(), &fakeHost{story: story}, &events.Query{Channels: []string{vmms}, MaxBytes: most})
		if err != nil || r.Logs[0].Read != 30 || !errors.Is(r.Logs[0].Partial, want) {
			t.Errorf("MaxBytes %d: %d read, %v, partial: %v; want %v", most, r.Logs[0].Read, err, r.Logs[0].Partial, want)
		}
		if len(r.Incidents) == 0 {
			t.Errorf("MaxBytes %d: no incident", most)
		}
	}
}

// clocked has the same clock as we.
type clocked struct{ *fakeHost }

func (clocked) ClockKnown() bool { return true }

func TestReadLogs(t *testing.T) {
	t.Parallel()
	record := func(n uint64, at time.Time) *events.Event {
		return &events.Event{System: events.System{RecordID: &n, Time: at}}
	}
	missing := &events.ChannelError{Channel: ha, Code: 15007}
	denied := &events.ChannelError{Channel: vmms, Code: 5}
	fault := &wsman.Fault{Code: "s:Receiver"}
	refused := &wsman.Fault{Code: "s:Sender", Subcode: wsman.SubcodeAccessDenied}
	quota := &wsman.Fault{Code: "s:Sender", Subcode: wsman.SubcodeQuotaLimit}
	noMethod := &wsman.Fault{Code: "s:Sender", Subcode: wsman.SubcodeActionNotSupported}
	broken := &wsman.ProtocolError{Msg: "in clear"}
	noShells := &wsman.Fault{Code: "s:Sender", WSManFault: &wsman.WSManFault{Code: 0x803381AC}}
	garbage := &events.DecodeError{Msg: "m", Seen: "s"}
	story := []said{failed(0, "web-01", web, "HV01")} // record 100
	tests := []struct {
		name     string
		host     *fakeHost
		channels []string
		want     string // of the first log
		err      error
	}{
		{"read", &fakeHost{story: story}, nil, "1 read, oldest 100 at 12:00:00", nil},
		{
			"reaches farther back", &fakeHost{story: story, oldest: map[string]*events.Event{vmms: record(7, noon().Add(-time.Hour))}}, nil,
			"1 read, oldest 7 at 11:00:00", nil,
		},
		{"empty", &fakeHost{}, nil, "0 read, empty", nil},
		{
			"overwritten meanwhile", &fakeHost{story: story, oldest: map[string]*events.Event{vmms: record(101, noon())}}, nil,
			"1 read, oldest 101 at 12:00:00, partial: the log was cleared or overwritten while it was read", nil,
		},
		{
			"cleared meanwhile", &fakeHost{story: story, oldest: map[string]*events.Event{vmms: nil}}, nil,
			"1 read, partial: the log was cleared or overwritten while it was read", nil,
		},
		{
			"denied, and others are not", &fakeHost{errs: map[string]error{vmms: denied}}, nil,
			"0 read, error: " + denied.Error(), nil,
		},
		{"the only one is denied", &fakeHost{errs: map[string]error{vmms: denied}}, []string{vmms}, "0 read, error: " + denied.Error(), denied},
		{"missing, and optional", &fakeHost{errs: map[string]error{vmms: missing}}, nil, "0 read, error: " + missing.Error(), nil},
		{"named, missing", &fakeHost{errs: map[string]error{ha: missing}}, []string{ha}, "0 read, error: " + missing.Error(), missing},
		{
			"an event too large", &fakeHost{story: story, errs: map[string]error{vmms: events.ErrTooLarge}}, nil,
			"1 read, oldest 100 at 12:00:00, partial: an event is too large for one answer", nil,
		},
		{
			"truncated", &fakeHost{story: story, errs: map[string]error{vmms: events.ErrTruncated}}, nil,
			"1 read, oldest 100 at 12:00:00, partial: the host's answer ends within an event", nil,
		},
		{
			"a fault amid paging", &fakeHost{story: story, errs: map[string]error{vmms: fault}}, nil,
			"1 read, oldest 100 at 12:00:00, partial: " + fault.Error(), nil,
		},
		{"a fault at once", &fakeHost{errs: map[string]error{vmms: fault}}, nil, "0 read, error: channel " + vmms + ": " + fault.Error(), nil},
		{"a fault of the only one", &fakeHost{errs: map[string]error{vmms: fault}}, []string{vmms}, "0 read, error: channel " + vmms + ": " + fault.Error(), fault},
		{"an answer that breaks the protocol", &fakeHost{errs: map[string]error{vmms: broken}}, nil, "0 read, error: " + broken.Error(), broken},
		{"the method is denied", &fakeHost{errs: map[string]error{vmms: refused}}, nil, "0 read, error: " + refused.Error(), refused},
		{"a quota", &fakeHost{errs: map[string]error{vmms: quota}}, nil, "0 read, error: " + quota.Error(), quota},
		{"no method", &fakeHost{errs: map[string]error{vmms: noMethod}}, nil, "0 read, error: " + noMethod.Error(), noMethod},
		{"no shells", &fakeHost{errs: map[string]error{vmms: noShells}}, nil, "0 read, error: " + noShells.Error(), noShells},
		{
			"no class", &fakeHost{errs: map[string]error{vmms: fmt.Errorf("%w: %w", events.ErrNoServerManager, fault)}}, nil,
			"0 read, error: " + events.ErrNoServerManager.Error() + ": " + fault.Error(), events.ErrNoServerManager,
		},
		{
			"not an event", &fakeHost{errs: map[string]error{vmms: garbage}}, nil,
			"0 read, empty, partial: " + garbage.Error() + ", problem: " + garbage.Error(), nil,
		},
		{
			"nothing but garbage", &fakeHost{errs: map[string]error{vmms: &events.ChannelError{Channel: vmms, Err: garbage}}},
			[]string{vmms},
			"0 read, error: channel " + vmms + ": " + garbage.Error(), garbage,
		},
		{
			"garbage too", &fakeHost{story: story, errs: map[string]error{vmms: &events.ChannelError{Channel: vmms, Err: garbage}}}, nil,
			"1 read, oldest 100 at 12:00:00, partial: " + garbage.Error(), nil,
		},
		{
			"denied after an event", &fakeHost{story: story, errs: map[string]error{vmms: denied}}, nil,
			"1 read, oldest 100 at 12:00:00, partial: this user may not read it (error 5)", nil,
		},
		{
			"stderr", &fakeHost{story: story, errs: map[string]error{vmms: &events.StderrError{Text: "Hm.\r\n"}}}, nil,
			"1 read, oldest 100 at 12:00:00, problem: wevtutil ended well, and wrote: Hm.", nil,
		},
		{"the connection breaks", &fakeHost{story: story, errs: map[string]error{vmms: io.ErrUnexpectedEOF}}, nil, "1 read, partial: unexpected EOF", io.ErrUnexpectedEOF},
		{
			"the reach is not told", &fakeHost{story: story, old: map[string]error{vmms: denied}}, nil,
			"1 read, problem: how far back it reaches is not known: this user may not read it (error 5)", nil,
		},
		{
			"stderr in place of the reach", &fakeHost{story: story, old: map[string]error{vmms: &events.StderrError{Text: "Hm."}}}, nil,
			"1 read, problem: how far back it reaches is not known: wevtutil ended well, and wrote: Hm.", nil,
		},
		{
			"garbage in place of the reach", &fakeHost{old: map[string]error{vmms: garbage}}, nil,
			"0 read, problem: how far back it reaches is not known: " + garbage.Error(), nil,
		},
		{
			"the newest in place of the oldest", &fakeHost{story: append(story[:1:1], story...), oldest: map[string]*events.Event{vmms: record(101, noon())}}, nil,
			"2 read, problem: how far back it reaches is not known: asked for the oldest event, the host gives the newest", nil,
		},
		{
			"overwritten half", &fakeHost{story: slices.Repeat(story, 3), oldest: map[string]*events.Event{vmms: record(101, noon())}}, nil,
			"3 read, oldest 101 at 12:00:00, partial: the log was cleared or overwritten while it was read", nil,
		},
		{
			"the oldest has no number", &fakeHost{story: story, oldest: map[string]*events.Event{vmms: {System: events.System{Time: noon()}}}}, nil,
			"1 read, oldest 0 at 12:00:00", nil,
		},
		{"the connection breaks then", &fakeHost{story: story, old: map[string]error{vmms: io.EOF}}, nil, "1 read, partial: EOF", io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := events.Read(t.Context(), tt.host, &events.Query{Channels: tt.channels})
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("Read: %v, want %v", err, tt.err)
			}
			if got := sumLog(r.Logs[0]); got != tt.want {
				t.Errorf("log:\n got %s\nwant %s", got, tt.want)
			}
			if len(tt.host.story) != len(r.Incidents) {
				t.Errorf("%d incidents of %d events", len(r.Incidents), len(tt.host.story))
			}
		})
	}
}

func sumLog(l *events.Log) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d read", l.Read)
	if !l.Oldest.IsZero() {
		fmt.Fprintf(&b, ", oldest %d at %s", l.OldestRecord, l.Oldest.Format("15:04:05"))
	}
	if l.Empty {
		b.WriteString(", empty")
	}
	if l.Partial != nil {
		fmt.Fprintf(&b, ", partial: %v", l.Partial)
	}
	if l.Err != nil {
		fmt.Fprintf(&b, ", error: %v", l.Err)
	}
	for _, p := range l.Problems {
		b.WriteString(", problem: " + p)
	}
	return b.String()
}

// A channel that some hosts with Hyper-V do not have is optional, unless the user named it.
func TestReadOptional(t *testing.T) {
	t.Parallel()
	h := &fakeHost{errs: map[string]error{}}
	for _, c := range events.DefaultChannels() {
		h.errs[c] = &events.ChannelError{Channel: c, Code: 15007}
	}
	r, err := events.Read(t.Context(), h, nil)
	if e, ok := errors.AsType[*events.ChannelError](err); !ok || e.Channel != vmms {
		t.Errorf("Read: %v, want that of %s", err, vmms)
	}
	for _, l := range r.Logs {
		if l.Optional != (l.Channel != vmms) {
			t.Errorf("%s: optional is %v", l.Channel, l.Optional)
		}
	}
	r, err = events.Read(t.Context(), h, &events.Query{Channels: []string{ha}})
	if err == nil || r.Logs[0].Optional {
		t.Errorf("Read of a channel that was named: %v, optional %v", err, r.Logs[0].Optional)
	}
}

func TestReadCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	h := &fakeHost{story: []said{failed(0, "web-01", web, "HV01")}}
	r, err := events.Read(ctx, cancelling{h, cancel}, nil)
	if !errors.Is(err, context.Canceled) || len(r.Incidents) != 1 {
		t.Errorf("Read: %v, %d incidents, want what came, and the end", err, len(r.Incidents))
	}
	var channels []string
	for i, l := range r.Logs {
		channels = append(channels, l.Channel)
		if asked := i == 0; errors.Is(l.Err, events.ErrNotAsked) == asked || errors.Is(l.Err, context.Canceled) == asked {
			t.Errorf("%s: %v", l.Channel, l.Err)
		}
	}
	if diff := cmp.Diff(events.DefaultChannels(), channels); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
}

// cancelling ends ctx behind the events of the first channel.
type cancelling struct {
	*fakeHost
	cancel context.CancelFunc
}

func (c cancelling) Events(ctx context.Context, sel *events.Selection) iter.Seq2[*events.Event, error] {
	return func(yield func(*events.Event, error) bool) {
		for e, err := range c.fakeHost.Events(ctx, sel) {
			if !yield(e, err) {
				return
			}
		}
		c.cancel()
		yield(nil, ctx.Err())
	}
}

func TestReadProblems(t *testing.T) {
	t.Parallel()
	h := &problematic{}
	r, err := events.Read(t.Context(), h, &events.Query{Channels: []string{vmms}})
	if err != nil {
		t.Fatal(err)
	}
	if l := r.Logs[0]; len(l.Problems) != 100 || l.Problems[0] != "record 1: odd" {
		t.Errorf("%d problems, the first %q", len(l.Problems), l.Problems[:1])
	}
}

// problematic has a thousand odd events.
type problematic struct{ fakeHost }

func (p *problematic) Events(context.Context, *events.Selection) iter.Seq2[*events.Event, error] {
	return func(yield func(*events.Event, error) bool) {
		for i := range uint64(1000) {
			n := i + 1
			if !yield(&events.Event{System: events.System{RecordID: &n}, Problems: []string{"odd"}}, nil) {
				return
			}
		}
	}
}

func TestReadVM(t *testing.T) {
	t.Parallel()
	story := []said{refused(0, "HV02", "0x8007274D"), failed(0.1, "web-01", web, "HV01"), failed(900, "db-01", db, "HV01"), refused(5000, "x", "0x8007274D")}
	for vm, want := range map[string]int{"": 3, "web-01": 1, "WEB-01": 1, strings.ToLower(web): 1, "{" + web + "}": 1, "web": 0, db: 1, "HV01": 0} {
		r, err := events.Read(t.Context(), &fakeHost{story: slices.Clone(story)}, &events.Query{VM: vm})
		if err != nil || len(r.Incidents) != want {
			t.Errorf("Read with VM %q: %d incidents and %v, want %d", vm, len(r.Incidents), err, want)
		}
	}
}

func TestAbout(t *testing.T) {
	t.Parallel()
	story := []said{
		done(0, 20415, "web-01", web), failed(600, "web-01", web, "HV01"), done(900, 20415, "web-01", web),
		began(5000, "old-01", "HV02"),
	}
	r, err := events.Read(t.Context(), &fakeHost{story: story}, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s int) time.Time { return noon().Add(time.Duration(s) * time.Second) }
	tests := []struct {
		id, name string
		from, to int
		want     int // when the incident begins; -1 is none
	}{
		{web, "", 0, 0, 0},
		{web, "", 0, 1000, 900},
		{web, "", -70, 500, 0},
		{web, "", 500, 700, 600}, // and not the next, which begins soon after
		{web, "", 720, 790, 900}, // none overlaps
		{strings.ToLower(web), "", 850, 860, 900},
		{"", "WEB-01", 590, 610, 600},
		{db, "web-01", 590, 610, -1},
		{"", "", 590, 610, -1},
		{web, "", 2000, 3000, -1},
		{web, "", -900, -300, -1},
		{web, "old-01", 4990, 5010, 5000}, // its events tell no GUID
	}
	for _, tt := range tests {
		got := -1
		if in := r.About(tt.id, tt.name, at(tt.from), at(tt.to)); in != nil {
			got = int(in.Begin.Sub(noon()).Seconds())
		}
		if got != tt.want {
			t.Errorf("About(%q, %q, %d, %d) begins at %d, want %d", tt.id, tt.name, tt.from, tt.to, got, tt.want)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		log  events.Log
		want bool
	}{
		{events.Log{Oldest: noon()}, true},
		{events.Log{Oldest: noon().Add(1)}, false},
		{events.Log{Empty: true}, false},
		{events.Log{}, false},
		{events.Log{Oldest: noon(), Partial: events.ErrLimit}, false},
		{events.Log{Empty: true, Err: io.EOF}, false},
	} {
		if got := tt.log.Covers(noon()); got != tt.want {
			t.Errorf("%+v covers: %v, want %v", tt.log, got, tt.want)
		}
	}
}
