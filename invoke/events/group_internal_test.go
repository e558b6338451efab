package events

// The tests of this file look at the catalogue, at what is found in texts, and at what the grouper keeps, none of which is exported.

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

func TestCatalogue(t *testing.T) {
	t.Parallel()
	if err := catalogued().err; err != nil {
		t.Fatal(err)
	}
	for key, m := range catalogued().meanings {
		row, ok := explain.Lookup(explain.Code{Kind: explain.KindEvent, Value: key.id})
		if !ok && m.kind == kindNote {
			continue
		}
		if !ok {
			t.Errorf("%v: explain does not know the event", key)
			continue
		}
		if row.Headline != m.kind.fails() {
			t.Errorf("%v is %s, and a headline of explain: %v", key, m.kind, row.Headline)
		}
		if (m.kind == kindStart || m.kind == kindFailed || m.kind == kindCompleted) && len(m.quoted)+len(m.arguments) == 0 {
			t.Errorf("%v names no machine", key)
		}
	}
	for _, text := range []string{
		"A 1", "A x failed", "A 1 odd", "A 1 failed both", "A 1 failed vm=0", "A 1 failed vm=x", "A 1 failed name=1", "A 1 failed quoted=name",
		"A 1 failed\nA 1 note",
	} {
		if newCatalogue(text).err == nil {
			t.Errorf("catalogue %q is taken", text)
		}
	}
}

func TestKeyOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ provider, log, channel, want string }{
		{"Microsoft-Windows-Hyper-V-VMMS", "", "", "Hyper-V-VMMS"},
		{"", "Microsoft-Windows-Hyper-V-VMMS-Admin", "", "Hyper-V-VMMS"},
		{"", "", "Microsoft-Windows-Hyper-V-Worker-Operational", "Hyper-V-Worker"},
		{"", "Microsoft-Windows-FailoverClustering/Operational", "", "FailoverClustering"},
		{"VMMS", "System", "", "VMMS"},
		{"", "", "", ""},
	} {
		if got := keyOf(&Event{System: System{Provider: tt.provider, Channel: tt.channel}, Log: tt.log}); got.provider != tt.want {
			t.Errorf("keyOf(%+v) = %q", tt, got.provider)
		}
	}
}

func TestGUIDIn(t *testing.T) {
	t.Parallel()
	const id = "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11"
	for text, want := range map[string]string{
		"": "", id: id, "(" + id + ")": id, "{" + id + "}": id, "ID " + strings.ToLower(id) + ".": id,
		`C:\` + id + `\x 11111111-2222-3333-4444-555555555555`: "11111111-2222-3333-4444-555555555555",
		id + ".vmcx": "", "x" + id: "", id + "0": "", "-" + id: "", id + "-1": "", id[:35]: "", "ID:" + id + ",": id,
		"00000000-0000-0000-0000-000000000000 " + id: id, strings.Repeat("-", 100): "", "番号" + id + "番": id,
		"7C4C0D6F-9E7B-4B7C-9C1B_1F0A6A7B5C11": "", "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5CXY": "",
	} {
		if got := guidIn(text); got != want {
			t.Errorf("guidIn(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestQuotedPieces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"'a' and 'b c'", []string{"a", "b c"}},
		{"the host's 'web-01'", []string{"web-01"}},
		{"'Bob's machine' moved", []string{"Bob's machine"}},
		{`"a" “b” ”c” „d“ „e”`, []string{"a", "b", "c", "d"}},
		{"‘a’ ‚b‘ ’c’ ‹d›", []string{"a", "b", "c", "d"}},
		{"« a » »b« ›c‹", []string{"a", "b", "c"}},
		{"仮想マシン「web-01」を『x』へ", []string{"web-01", "x"}},
		{"虚拟机“web-01”在'h'", []string{"web-01", "h"}},
		{"'open", nil},
		{"'two\nlines' 'a'", []string{"a"}},
		{"'' 'a'", []string{"a"}},
		{"'" + strings.Repeat("x", 600) + "' 'a'", []string{"a"}},
	} {
		if diff := cmp.Diff(tt.want, quotedPieces(tt.text, 4)); diff != "" {
			t.Errorf("quotedPieces(%q) (-want +got):\n%s", tt.text, diff)
		}
	}
}

// event returns an event with fields.
func event(provider string, id uint32, at time.Time, args ...string) *Event {
	e := &Event{System: System{Provider: "Microsoft-Windows-" + provider, EventID: &id, Time: at}, Log: "log"}
	for i, v := range args {
		e.Fields = append(e.Fields, Field{Name: fmt.Sprintf("Parameter%d", i), Value: v})
	}
	return e
}

// Whatever a host has, no more events are held than are allowed, in time that grows with their number alone.
func TestGroupHostile(t *testing.T) {
	t.Parallel()
	const many, most = 100_000, 2000
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	guid := func(i int) string { return fmt.Sprintf("7C4C0D6F-9E7B-4B7C-9C1B-%012d", i) }
	marks := strings.Repeat("'x ", 4000)
	for name, tt := range map[string]struct {
		events int
		make   func(i int) *Event
		want   int // incidents
	}{
		"machines": {many, func(i int) *Event { return event("Hyper-V-VMMS", 21024, start, "vm", guid(i), "h") }, most},
		"one time": {many, func(int) *Event { return event("Hyper-V-VMMS", 20306, start, "h") }, 1},
		"failures": {2 * most, func(i int) *Event {
			return event("Hyper-V-VMMS", 21024, start.Add(time.Duration(i)), "vm", guid(1), "h")
		}, most},
		"no time": {2 * most, func(i int) *Event { return event("Hyper-V-VMMS", 21024, time.Time{}, "vm", guid(i%7), "h") }, most},
		"no number": {2 * most, func(i int) *Event {
			e := event("Hyper-V-VMMS", 0, start, "vm", guid(i))
			e.EventID = nil
			return e
		}, 0},
		"far future": {2 * most, func(i int) *Event {
			return event("Hyper-V-High-Availability", 21300, time.Unix(1<<60+int64(i), 0), guid(i%2), "vm")
		}, most},
		"names within names": {2 * most, func(int) *Event {
			return event("Hyper-V-High-Availability", 21111, start, strings.Repeat("a ", 300))
		}, most},
		"marks": {2 * most, func(int) *Event {
			e := event("Hyper-V-VMMS", 18500, start)
			e.Rendering = &Rendering{Message: marks + guid(1)}
			return e
		}, 0},
		"neighbours": {2 * most, func(i int) *Event {
			if i%2 == 0 {
				return event("FailoverClustering", 1135, start.Add(time.Duration(i)))
			}
			return event("Hyper-V-VMMS", 21024, start.Add(time.Duration(i)), "vm", guid(i), "h")
		}, most / 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGrouper(most)
			for i := range tt.events {
				g.add(tt.make(i))
			}
			incidents, _ := g.incidents()
			if len(g.records) != most || !g.full || len(incidents) != tt.want {
				t.Errorf("%d records, full %v, %d incidents, want %d, true, %d", len(g.records), g.full, len(incidents), most, tt.want)
			}
			list := &Report{Host: "a", Incidents: incidents}
			if merged := Merge(list, &Report{Host: "b"}); len(merged.Incidents) != len(incidents) {
				t.Errorf("%d incidents after Merge, want %d", len(merged.Incidents), len(incidents))
			}
		})
	}
}

// An event that cannot matter is not held.
func TestGroupForgets(t *testing.T) {
	t.Parallel()
	g := newGrouper(maxKept)
	level := uint8(4)
	for i := range 1000 {
		e := event("Hyper-V-VMMS", 29999, time.Unix(int64(i), 0), "nothing")
		e.Level = &level
		if other := event("Other", 21024, time.Unix(int64(i), 0)); g.add(e) || func() bool { other.Level = &level; return g.add(other) }() {
			t.Fatal("kept")
		}
	}
	if len(g.records) > 0 || g.full {
		t.Errorf("%d records", len(g.records))
	}
}

// What a host says is held up to a number of bytes, and a channel that is full leaves room for those behind it.
func TestGroupBounds(t *testing.T) {
	t.Parallel()
	big := func(i int) *Event {
		e := event("Hyper-V-VMMS", 21024, time.Unix(int64(i), 0), "vm", "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11", "h")
		e.Rendering = &Rendering{Message: strings.Repeat("x", 100<<10)}
		e.Fields = append(e.Fields, Field{"Name", e.Rendering.Message})
		e.Raw, e.Problems = []byte(e.Rendering.Message), []string{e.Rendering.Message}
		return e
	}
	small := func(i int) *Event {
		return event("Hyper-V-VMMS", 21024, time.Unix(int64(i), 0), "vm", "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11", "h")
	}
	for _, tt := range []struct {
		name         string
		most, behind int
		make         func(int) *Event
		first, rest  int // that are kept: of the first channel, then of the last
	}{
		{"bytes", maxKept, 0, big, 81, 0},
		{"bytes, one channel behind", maxKept, 1, big, 77, 4},
		{"bytes, many behind", maxKept, 100, big, 40, 41},
		{"number", 100, 0, small, 100, 0},
		{"number, five behind", 100, 5, small, 75, 25},
		{"number, many behind", 100, 100, small, 50, 50},
	} {
		g := newGrouper(tt.most)
		fill := func(behind int) (kept int) {
			g.next(behind)
			if g.full {
				t.Errorf("%s: full before it begins", tt.name)
			}
			for i := range 200 {
				if g.add(tt.make(i)) {
					kept++
				}
			}
			return kept
		}
		if first, rest := fill(tt.behind), fill(0); first != tt.first || rest != tt.rest || !g.full {
			t.Errorf("%s: %d and %d events are kept, full %v, want %d, %d, true", tt.name, first, rest, g.full, tt.first, tt.rest)
		}
	}
}

// FuzzGroup groups and merges events made of random bytes. Whatever they are, each event is in one incident at most, unless it strikes
// the whole host, and the incidents hold together.
func FuzzGroup(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x10\x01\x05\x10\x20\x02\x10\x11\x20\x01\x10\x10\x30\x02\x11"))
	f.Add(slices.Repeat([]byte{0x20, 0x01, 0x01, 0x00, 0x21, 0x01, 0x02, 0x11}, 20))
	keys := make([]eventKey, 0, 2*len(catalogued().meanings))
	for key := range catalogued().meanings {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b eventKey) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	f.Fuzz(func(t *testing.T, in []byte) {
		var reports []*Report
		for i, part := range [...][]byte{in[:len(in)/2], in[len(in)/2:]} {
			g := newGrouper(maxKept)
			for ; len(part) >= 4; part = part[4:] {
				g.add(fuzzedEvent(part, keys))
			}
			incidents, loose := g.incidents()
			kept := len(g.records)
			if n := checkIncidents(t, incidents) + len(loose); n > kept {
				t.Fatalf("%d events in incidents and beside them, of %d", n, kept)
			}
			reports = append(reports, &Report{Host: string(rune('a' + i)), Clock: time.Duration(i) * time.Minute, Incidents: incidents, loose: loose})
		}
		before := checkIncidents(t, reports[0].Incidents) + checkIncidents(t, reports[1].Incidents)
		if after := checkIncidents(t, Merge(reports...).Incidents); after < before {
			t.Fatalf("%d events before Merge, %d after it", before, after)
		}
	})
}

// fuzzedEvent makes an event of four bytes.
func fuzzedEvent(b []byte, keys []eventKey) *Event {
	key := keys[int(binary.LittleEndian.Uint16(b))%len(keys)]
	e := event(key.provider, key.id, time.Unix(int64(b[2])*20, 0))
	id, name := fmt.Sprintf("7C4C0D6F-9E7B-4B7C-9C1B-%012d", b[3]&3), fmt.Sprintf("vm-%d", b[3]&3)
	if b[3]&4 != 0 {
		e.Fields = append(e.Fields, Field{"VmId", id})
	}
	if b[3]&8 != 0 {
		e.Fields = append(e.Fields, Field{"VmName", name})
	}
	if b[3]&16 != 0 {
		e.Rendering = &Rendering{Message: "'" + name + "' " + id + " 0x8007274D"}
	}
	if b[3]&32 != 0 {
		e.Time = time.Time{}
	}
	n := uint64(b[2])
	e.RecordID = &n
	e.Log = fmt.Sprint(b[3] >> 6)
	return e
}

// checkIncidents returns how many events they hold.
func checkIncidents(t *testing.T, incidents []*Incident) int {
	t.Helper()
	seen := map[*Event]bool{}
	for i, in := range incidents {
		if i > 0 && in.End.After(incidents[i-1].End) {
			t.Fatal("incidents are not the newest first")
		}
		if len(in.Events) == 0 || in.End.Before(in.Begin) || in.Explain() == nil || in.Headline >= len(in.Events) {
			t.Fatalf("incident %+v", in)
		}
		if in.Headline >= 0 && in.Outcome != OutcomeFailed {
			t.Fatalf("a headline, and the outcome is %s", in.Outcome)
		}
		for j, e := range in.Events {
			if seen[e] && !in.records[j].hostWide {
				t.Fatal("an event is in two incidents")
			}
			seen[e] = true
			if j > 0 && in.records[j].ourTime().Before(in.records[j-1].ourTime()) {
				t.Fatal("events are not the oldest first")
			}
		}
		for _, i := range in.Causes {
			if i < 0 || i >= len(in.Events) {
				t.Fatalf("cause %d of %d events", i, len(in.Events))
			}
		}
		for _, f := range in.Explain().Findings {
			if m := in.Events[f.Part].Message(); f.End > len(m) || f.End > 0 && m[f.Start:f.End] != f.Text {
				t.Fatalf("finding at %d to %d of %q", f.Start, f.End, m)
			}
		}
	}
	return len(seen)
}

// BenchmarkGroup groups 10,000 events, one in fifty of a failed migration, the others of moves that went well.
func BenchmarkGroup(b *testing.B) {
	events := make([]*Event, 10_000)
	for i := range events {
		at := time.Unix(int64(i)*10, 0)
		id, name := fmt.Sprintf("7C4C0D6F-9E7B-4B7C-9C1B-%012d", i%500), fmt.Sprintf("vm-%d", i%500)
		e := event("Hyper-V-VMMS", 20415, at, name, id, "0.5")
		if i%50 == 0 {
			e = event("Hyper-V-VMMS", 21024, at, name, id, "hv01")
		}
		e.Rendering = &Rendering{Message: "The machine '" + name + "' stood still for 0.5 seconds (" + id + "). " + strings.Repeat("More of it. ", 40)}
		events[i] = e
	}
	b.ReportAllocs()
	for b.Loop() {
		g := newGrouper(maxKept)
		for _, e := range events {
			g.add(e)
		}
		incidents, _ := g.incidents()
		if len(incidents) != len(events) {
			b.Fatal(len(incidents))
		}
	}
	runtime.KeepAlive(events)
}
