package watch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// BenchmarkOpenJournal opens a journal of 1,000 events with about 40 kB of evidence each.
func BenchmarkOpenJournal(b *testing.B) {
	name := filepath.Join(b.TempDir(), "watch.jsonl")
	evidence := strings.Repeat(`{"name":"InstanceID","text":"4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B"},`, 560)
	var text strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&text, `{"schema":"hvmigerr/v1","command":"watch","id":"hv01/%d/failed","evidence":[%s{}]}`+"\n", n, evidence)
	}
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		reopen(b, name)
	}
}

func reopen(tb testing.TB, name string) {
	tb.Helper()
	j, err := watch.OpenJournal(name)
	if err != nil {
		tb.Fatal(err)
	}
	if err := j.Close(); err != nil {
		tb.Fatal(err)
	}
}
