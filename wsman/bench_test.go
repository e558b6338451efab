package wsman_test

import (
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/testdata"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// BenchmarkDecodeEnvelope reads a GetErrorEx answer; BenchmarkEtree is what etree alone needs for the same bytes.
func BenchmarkDecodeEnvelope(b *testing.B) {
	in := answer(b)
	for b.Loop() {
		if _, err := wsman.DecodeEnvelope(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEtree(b *testing.B) {
	in := answer(b)
	for b.Loop() {
		if err := etree.NewDocument().ReadFromBytes(in); err != nil {
			b.Fatal(err)
		}
	}
}

func answer(b *testing.B) []byte {
	b.Helper()
	in, err := fs.ReadFile(testdata.FS, "exchange/geterrorex_three/response.xml")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(in)))
	return in
}

// TestHostileSize: 16 MiB of empty elements are refused before a tree is built of them. etree alone would take 666 MiB.
func TestHostileSize(t *testing.T) {
	in := []byte(strings.Repeat("<a/>", 4<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := wsman.DecodeEnvelope(in)
	runtime.ReadMemStats(&after)
	if got := errText(err); got != "too many elements" {
		t.Errorf("error = %s", got)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d octets allocated", used)
	}
}

// TestPageMemory: an enumeration of many pages holds one page at a time.
func TestPageMemory(t *testing.T) {
	peak := func(pages int) uint64 {
		p := &paged{pages: []string{page("Enumerate", "c", 100, false)}}
		for n := range pages {
			p.pages = append(p.pages, page("Pull", fmt.Sprint(n), 100, n == pages-1))
		}
		var highest uint64
		n := 0
		for _, err := range newClient(t, p).Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: migrationJob}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n%100 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				highest = max(highest, m.HeapAlloc)
			}
		}
		return highest
	}
	few, many := peak(2), peak(50)
	// 5,000 instances of one property are some 2 MB; one page of them is 40 kB.
	if many > few+1<<20 {
		t.Errorf("peak of 50 pages = %d octets, of 2 pages = %d", many, few)
	}
}
