// Internal: see check_internal_test.go.

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestReadStats reads what watch -v tells, among other lines.
func TestReadStats(t *testing.T) {
	t.Parallel()
	goroutines, heap, err := readStats(strings.NewReader(`hvmigerr: warning: watch: polls
hvmigerr: watch: polls=3 hosts=50 lost=0 sessions=50 goroutines=151 heap=3145728
hvmigerr: hv01: lost
hvmigerr: watch: polls=4 hosts=50 lost=1 sessions=49 goroutines=149 heap=x
`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]float64{{151, 149}, {3}}, [][]float64{goroutines, heap}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGrowth: what stays flat passes, also when it swings, and what grows does not.
func TestGrowth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		series func(i int) float64
		n      int
		told   bool
		grown  bool
	}{
		{"flat", func(int) float64 { return 50 }, 60, true, false},
		{"swings", func(i int) float64 { return 50 + float64(i%7) }, 60, true, false},
		{"falls", func(i int) float64 { return float64(100 - i) }, 60, true, false},
		{"grows", func(i int) float64 { return float64(50 + i) }, 60, true, true},
		{"one in the end", func(i int) float64 { return float64(50 + i/59*1000) }, 60, true, false},
		{"short", func(i int) float64 { return float64(1000 * i) }, enough - 1, false, false},
		{"just enough", func(i int) float64 { return float64(1000 * i) }, enough, true, true},
	} {
		var series []float64
		for i := range tt.n {
			series = append(series, tt.series(i))
		}
		c, ok := (&usage{what: "x", series: series, factor: 1.1, slack: 10}).change()
		got := growth{{number: 3, life: time.Minute, changes: []change{c}}}.problems()
		if ok != tt.told || (len(got) > 0) != tt.grown {
			t.Errorf("%s: %v, problems %q", tt.name, ok, got)
		}
	}
}

// TestGrown: the samples of a life, without those of its beginning, and what is printed of them.
func TestGrown(t *testing.T) {
	t.Parallel()
	r := &watcherRun{span: during(0, 20), stderr: filepath.Join(t.TempDir(), "stderr")}
	var stats strings.Builder
	for i := range 20 {
		r.samples = append(r.samples, sample{age: time.Duration(i) * time.Second, rss: 20, descriptors: 60, threads: float64(7 + i)})
		stats.WriteString("hvmigerr: watch: polls=9 hosts=50 lost=0 sessions=50 goroutines=150 heap=2097152\n")
	}
	if err := os.WriteFile(r.stderr, []byte(stats.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	g := (&watchers{runs: []*watcherRun{{stderr: "nosuch"}, r}}).grown()
	g.report(&b)
	want := "watcher 2, 20s: memory 20 → 20 MB, descriptors 60 → 60, threads 15 → 25, goroutines 150 → 150, heap 2 → 2 MB\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if got := g.problems(); len(got) != 1 || !strings.Contains(got[0], "watcher 2: threads grew from 15 to 25 in 20s, more than to 23") {
		t.Errorf("problems %q", got)
	}
	b.Reset()
	growth{}.report(&b)
	if !strings.HasPrefix(b.String(), "what the watcher uses: not told") {
		t.Errorf("report %q", b.String())
	}
}

// TestSample takes one of this process.
func TestSample(t *testing.T) {
	t.Parallel()
	s, ok := sampleOf(os.Getpid())
	if ok != (runtime.GOOS == "linux") || ok && (s.rss < 1 || s.descriptors < 3 || s.threads < 1) {
		t.Errorf("sampleOf = %+v, %v", s, ok)
	}
	if _, ok := sampleOf(1 << 30); ok {
		t.Error("a process that is not there was sampled")
	}
}
