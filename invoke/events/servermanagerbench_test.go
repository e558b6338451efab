package events_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// Both benchmarks read the same 10,000 events in 50 answers of 10 MB together. The first is the whole way from the answers to typed
// events; the second is what etree alone needs to parse them. Their ratio is to stay at or below 1.3.

func BenchmarkServerManager(b *testing.B) {
	pages := smPages(b, 10_000)
	for b.Loop() {
		n := 0
		s := events.NewServerManager(smClient(b, &smCanned{pages: pages}))
		for _, err := range s.Events(b.Context(), &events.Selection{Channel: smChannel}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10_000 {
			b.Fatalf("%d events", n)
		}
	}
}

func BenchmarkServerManagerEtree(b *testing.B) {
	pages := smPages(b, 10_000)
	for b.Loop() {
		for _, page := range pages {
			if err := etree.NewDocument().ReadFromBytes(page); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// smPages returns answers of 200 events of about 1 kB each, and the empty one that follows.
func smPages(tb testing.TB, n int) [][]byte {
	tb.Helper()
	text := "Virtual machine migration operation for 'web-01' failed at migration source 'HV01'. " + strings.Repeat("It was so. ", 50)
	var pages [][]byte
	size := 0
	for first := n; first > 0; first -= 200 {
		var items []string
		for id := first; id > first-200; id-- {
			items = append(items, smItem(uint64(id), smTime(uint64(id)), text))
		}
		page := smEnvelope(smOutput(items, "0"))
		pages, size = append(pages, page), size+len(page)
	}
	if b, ok := tb.(*testing.B); ok {
		b.SetBytes(int64(size))
		b.ReportAllocs()
	}
	return append(pages, smEnvelope(smOutput(nil, "0")))
}

// smCanned is a Transport that gives one page after the other.
type smCanned struct{ pages [][]byte }

func (c *smCanned) RoundTrip(context.Context, *wsman.Request) (*wsman.Reply, error) {
	page := c.pages[0]
	c.pages = c.pages[1:]
	header := http.Header{"Content-Type": {"application/soap+xml;charset=UTF-8"}}
	return &wsman.Reply{Body: page, StatusCode: http.StatusOK, Header: header}, nil
}

// smMade is a Transport that makes its pages when asked for.
type smMade struct{ first int }

func (m *smMade) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	var items []string
	for id := m.first; id > max(0, m.first-200); id-- {
		items = append(items, smItem(uint64(id), smTime(uint64(id)), strings.Repeat("It was so. ", 60)))
	}
	m.first -= len(items)
	return (&smCanned{[][]byte{smEnvelope(smOutput(items, "0"))}}).RoundTrip(ctx, req)
}

// TestServerManagerMemory: what is alive while 20,000 events are read is no more than with 2,000, ten pages.
func TestServerManagerMemory(t *testing.T) {
	live := func(n int) uint64 {
		s := events.NewServerManager(smClient(t, &smMade{n}))
		read, peak := 0, uint64(0)
		for e, err := range s.Events(t.Context(), &events.Selection{Channel: smChannel}) {
			if err != nil {
				t.Fatal(err)
			}
			if read++; read%1000 == 100 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
			if *e.RecordID != uint64(n-read+1) {
				t.Fatalf("event %d is %d", read, *e.RecordID)
			}
		}
		if read != n {
			t.Fatalf("%d events", read)
		}
		return peak
	}
	live(400) // what is allocated once
	few, many := live(2000), live(20_000)
	t.Logf("alive: %d kB with 2,000 events, %d kB with 20,000", few>>10, many>>10)
	if many > few+few/4 {
		t.Errorf("%d kB are alive with 20,000 events and %d kB with 2,000: not the memory of a page", many>>10, few>>10)
	}
}
