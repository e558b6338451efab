package events_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// TestServerManagerPages: every event comes once, however the host divides them, and the host is asked no more than needed.
func TestServerManagerPages(t *testing.T) {
	t.Parallel()
	big := func(record uint64, octets int) string {
		return smItem(record, smTime(record), strings.Repeat("x", octets))
	}
	with := func(items []string, i int, item string) []string {
		items[i] = item
		return items
	}
	tests := []struct {
		name  string
		host  *smHost
		max   int
		want  []uint64
		large int
		err   error
		skips []int // of the calls
	}{
		{name: "empty", host: &smHost{}, skips: []int{0}},
		{name: "one page", host: &smHost{items: smItems(1, 3)}, want: smRange(1, 3), skips: []int{0, 3}},
		{name: "three pages", host: &smHost{items: smItems(1, 450)}, want: smRange(1, 450), skips: []int{0, 200, 400, 450}},
		{name: "few at a time", host: &smHost{items: smItems(1, 10), maxItems: 4}, want: smRange(1, 10), skips: []int{0, 4, 8, 10}},
		{name: "all at once", host: &smHost{items: smItems(1, 450), ignoreTop: true}, want: smRange(1, 450), skips: []int{0, 450}},
		{
			name: "three are written after the first page", want: smRange(1, 10), skips: []int{0, 4, 8, 12, 13},
			host: &smHost{items: smItems(1, 10), maxItems: 4, before: func(n int, h *smHost) {
				if n == 1 {
					h.items = append(smItems(11, 13), h.items...)
				}
			}},
		},
		{
			name: "a page and a half are written twice", skips: []int{0, 4, 8, 12, 16, 20, 22},
			want: smRange(1, 10),
			host: &smHost{items: smItems(1, 10), maxItems: 4, before: func(n int, h *smHost) {
				if n == 1 || n == 2 {
					last := uint64(10 + 6*n)
					h.items = append(smItems(last-5, last), h.items...)
				}
			}},
		},
		{name: "no more than asked for", host: &smHost{items: smItems(1, 25)}, max: 10, want: smRange(16, 25), err: events.ErrLimit, skips: []int{0}},
		{name: "just as many as asked for", host: &smHost{items: smItems(1, 10)}, max: 10, want: smRange(1, 10), skips: []int{0, 10}},
		{
			name: "the first beyond the limit is too large", max: 10, err: events.ErrLimit, want: smRange(101, 110), skips: []int{0, 0, 5, 10},
			host: &smHost{items: with(smItems(1, 110), 10, big(100, 1<<20))},
		},
		{
			name: "an event of 1 MB", want: slices.DeleteFunc(smRange(1, 20), func(id uint64) bool { return id == 15 }), large: 1,
			host: &smHost{items: with(smItems(1, 20), 5, big(15, 1<<20)), maxItems: 10}, skips: nil,
		},
		{
			name: "many events of 600 kB, each behind a small one", want: []uint64{40, 38, 36, 34, 32, 30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2}, large: 20,
			host: &smHost{items: func() []string {
				items := smItems(1, 40)
				for i := 1; i < len(items); i += 2 {
					items[i] = big(uint64(40-i), 600_000)
				}
				return items
			}()},
		},
		{
			name: "two events that do not go together", want: smRange(1, 20),
			host: &smHost{items: with(with(smItems(1, 20), 3, big(17, 300_000)), 4, big(16, 300_000))},
		},
		{name: "the oldest first", host: &smHost{items: reversed(smItems(1, 9)), maxItems: 4}, want: reversed(smRange(1, 9)), skips: []int{0, 4, 8, 9}},
		{name: "without numbers", host: &smHost{items: unnumbered(smItems(1, 9)), maxItems: 4}, skips: []int{0, 4, 8, 9}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := smCollect(t, tt.host.source(t).Events(t.Context(), &events.Selection{Channel: smChannel, Max: tt.max}))
			if !errors.Is(r.err, tt.err) {
				t.Errorf("error %v, want %v", r.err, tt.err)
			}
			if d := cmp.Diff(tt.want, r.records); d != "" {
				t.Errorf("records (-want +got):\n%s", d)
			}
			if tt.want == nil && len(r.events) != len(tt.host.items) {
				t.Errorf("%d events of %d", len(r.events), len(tt.host.items))
			}
			if r.large != tt.large {
				t.Errorf("%d events too large, want %d", r.large, tt.large)
			}
			var skips []int
			for _, c := range tt.host.calls {
				skips = append(skips, c.skip)
				if !c.reverse {
					t.Error("the oldest were asked for")
				}
			}
			if tt.skips != nil && !slices.Equal(skips, tt.skips) {
				t.Errorf("asked to skip %v, want %v", skips, tt.skips)
			}
		})
	}
}

func reversed[T any](s []T) []T {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// unnumbered takes the record numbers from items.
func unnumbered(items []string) []string {
	for i, item := range items {
		before, rest, _ := strings.Cut(item, "<p:RecordId>")
		_, after, _ := strings.Cut(rest, "</p:RecordId>")
		items[i] = before + after
	}
	return items
}

// TestServerManagerEnds: a host that leads nowhere is left, with a typed error and what came before.
func TestServerManagerEnds(t *testing.T) {
	t.Parallel()
	large := make([]string, 40)
	for i := range large {
		large[i] = smItem(uint64(100-i), smTime(1), strings.Repeat("x", 600_000))
	}
	reset := errors.New("reset")
	tests := []struct {
		name   string
		host   *smHost
		events int
		large  int
		calls  int
		err    func(error) bool
	}{
		{name: "Skip is ignored", host: &smHost{items: smItems(1, 5), ignoreSkip: true}, events: 5, calls: 4, err: isProtocolError},
		{name: "Skip is ignored, no numbers", host: &smHost{items: unnumbered(smItems(1, 5)), ignoreSkip: true}, events: 5, calls: 4, err: isProtocolError},
		{
			name: "every event is too large", host: &smHost{items: large}, large: 16, calls: 7 + 17,
			err: func(err error) bool { return errors.Is(err, events.ErrTooLarge) && isFault(err) },
		},
		{
			name: "fault after a page", events: 4, calls: 2, err: isFault,
			host: &smHost{items: smItems(1, 9), maxItems: 4, answer: func(n int, _ smCall) string {
				return []string{"", smFault("wsman:InternalError", 1359, "broken")}[n]
			}},
		},
		{
			name: "cleared after a page", events: 4, calls: 2, err: func(err error) bool { return errors.Is(err, events.ErrCleared) },
			host: &smHost{items: smItems(1, 9), maxItems: 4, answer: func(n int, _ smCall) string {
				return []string{"", smFault("wsman:InternalError", 0x80073AA3, "stale")}[n]
			}},
		},
		{
			name: "events beside a ReturnValue", events: 2, calls: 1, err: func(err error) bool { return channelCode(err) == 15022 },
			host: &smHost{items: smItems(1, 2), wrap: func(items []string) string { return smOutput(items, "15022") }},
		},
		{name: "no output", host: &smHost{wrap: func([]string) string { return "<p:Other/>" }}, calls: 1, err: isProtocolError},
		{
			name: "neither events nor a ReturnValue", calls: 1, err: isProtocolError,
			host: &smHost{wrap: func([]string) string {
				return `<p:GetServerEventDetailEx_OUTPUT><p:cmdletOutput xsi:nil="true"/></p:GetServerEventDetailEx_OUTPUT>`
			}},
		},
		{name: "a ReturnValue that is none", host: &smHost{wrap: func(i []string) string { return smOutput(i, "OK") }}, calls: 1, err: isProtocolError},
		{
			name: "the connection is lost", events: 4, calls: 2, err: func(err error) bool { return errors.Is(err, reset) },
			host: &smHost{items: smItems(1, 9), maxItems: 4},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var transport wsman.Transport = tt.host
			if tt.name == "the connection is lost" {
				transport = smBreaks{tt.host, reset}
			}
			s := events.NewServerManager(smClient(t, transport))
			r := smCollect(t, s.Events(t.Context(), &events.Selection{Channel: smChannel}))
			if len(r.events) != tt.events || r.large != tt.large {
				t.Errorf("%d events and %d too large, want %d and %d", len(r.events), r.large, tt.events, tt.large)
			}
			if r.err == nil || !tt.err(r.err) {
				t.Errorf("error %v", r.err)
			}
			if len(tt.host.calls) != tt.calls {
				t.Errorf("%d calls, want %d", len(tt.host.calls), tt.calls)
			}
		})
	}
}

// smBreaks breaks the connection with the second call.
type smBreaks struct {
	*smHost
	err error
}

func (b smBreaks) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	reply, err := b.smHost.RoundTrip(ctx, req)
	if len(b.calls) == 2 {
		return nil, b.err
	}
	return reply, err
}

func isProtocolError(err error) bool {
	_, ok := errors.AsType[*wsman.ProtocolError](err)
	return ok
}

func isFault(err error) bool {
	_, ok := errors.AsType[*wsman.Fault](err)
	return ok
}

// channelCode returns the number of a ChannelError, 0 if err is none.
func channelCode(err error) uint32 {
	if e, ok := errors.AsType[*events.ChannelError](err); ok {
		return e.Code
	}
	return 0
}

// TestServerManagerStops: nothing is asked for that nobody wants.
func TestServerManagerStops(t *testing.T) {
	t.Run("the caller has enough", func(t *testing.T) {
		h := &smHost{items: smItems(1, 500)}
		for e, err := range h.source(t).Events(t.Context(), &events.Selection{Channel: smChannel}) {
			if err != nil || *e.RecordID != 500 {
				t.Fatal(e, err)
			}
			break
		}
		if len(h.calls) != 1 {
			t.Errorf("%d calls", len(h.calls))
		}
	})
	t.Run("the caller has enough of what is too large", func(t *testing.T) {
		h := &smHost{items: []string{smItem(1, smTime(1), strings.Repeat("x", 600_000))}}
		for _, err := range h.source(t).Events(t.Context(), &events.Selection{Channel: smChannel}) {
			if !errors.Is(err, events.ErrTooLarge) {
				t.Fatal(err)
			}
			break
		}
		if last := h.calls[len(h.calls)-1]; last.top != 1 || last.skip != 0 {
			t.Errorf("the last call is %+v", last)
		}
	})
	t.Run("ctx ends", func(t *testing.T) {
		h := &smHost{items: smItems(1, 500)}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for _, err := range h.source(t).Events(ctx, &events.Selection{Channel: smChannel}) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				continue
			}
			n++
			cancel()
		}
		if n != 200 || len(h.calls) != 1 {
			t.Errorf("%d events in %d calls", n, len(h.calls))
		}
	})
	for _, sel := range []*events.Selection{{Channel: "a%b"}, {}, {Channel: "System", Provider: "a'b"}} {
		h := &smHost{items: smItems(1, 5)}
		r := smCollect(t, h.source(t).Events(t.Context(), sel))
		if e, ok := errors.AsType[*events.ChannelError](r.err); !ok || e.Channel != sel.Channel || len(h.calls) != 0 {
			t.Errorf("%+v: %v, %d calls", sel, r.err, len(h.calls))
		}
		if sel.Provider != "" {
			continue
		}
		if _, err := h.source(t).Oldest(t.Context(), sel.Channel); err == nil || len(h.calls) != 0 {
			t.Errorf("%+v: %v, %d calls", sel, err, len(h.calls))
		}
	}
}

// TestServerManagerGrows: after an event that is too large the host is soon asked for whole pages again.
func TestServerManagerGrows(t *testing.T) {
	h := &smHost{items: smItems(1, 3000)}
	h.items[100] = smItem(2900, smTime(2900), strings.Repeat("x", 600_000))
	r := smCollect(t, h.source(t).Events(t.Context(), &events.Selection{Channel: smChannel}))
	if len(r.events) != 2999 || r.large != 1 || r.err != nil {
		t.Fatalf("%d events, %d too large, %v", len(r.events), r.large, r.err)
	}
	if last := h.calls[len(h.calls)-1]; last.top != 200 || len(h.calls) > 60 {
		t.Errorf("%d calls, the last for %d", len(h.calls), last.top)
	}
}

func TestServerManagerOldest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		host *smHost
		want uint64
		err  func(error) bool
	}{
		{name: "three", host: &smHost{items: smItems(7, 9)}, want: 7},
		{name: "empty", host: &smHost{}},
		{name: "all at once", host: &smHost{items: reversed(smItems(7, 9)), ignoreTop: true}, want: 7},
		{
			name: "too large", host: &smHost{items: []string{smItem(1, smTime(1), strings.Repeat("x", 600_000))}},
			err: func(err error) bool { return errors.Is(err, events.ErrTooLarge) && isFault(err) },
		},
		{
			name: "no channel", err: func(err error) bool { return channelCode(err) == 15007 },
			host: &smHost{wrap: func([]string) string { return smOutput(nil, "2147957407") }},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := tt.host.source(t).Oldest(t.Context(), smChannel)
			switch {
			case tt.err != nil:
				if err == nil || !tt.err(err) {
					t.Errorf("error %v", err)
				}
			case err != nil:
				t.Error(err)
			case tt.want == 0 && e != nil, tt.want != 0 && (e == nil || *e.RecordID != tt.want):
				t.Errorf("%+v", e)
			}
			if c := tt.host.calls[0]; len(tt.host.calls) != 1 || c.top != 1 || c.skip != 0 || c.reverse {
				t.Errorf("calls %+v", tt.host.calls)
			}
		})
	}
}

// TestServerManagerClock: the host's clock is known from the Date of its answers.
func TestServerManagerClock(t *testing.T) {
	h := &smHost{}
	s := h.source(t)
	if smCollect(t, s.Events(t.Context(), &events.Selection{Channel: smChannel})); s.Clock() != 0 {
		t.Errorf("%v without a Date", s.Clock())
	}
	const ahead = 1000 * time.Hour
	h.date = time.Now().Add(ahead).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	if smCollect(t, s.Events(t.Context(), &events.Selection{Channel: smChannel})); s.Clock().Round(time.Hour) != ahead {
		t.Errorf("%v ahead, want %v", s.Clock(), ahead)
	}
	if s.Route() != events.RouteServerManager {
		t.Error(s.Route())
	}
}
