// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkStartUp compares the start of the command with that of one whose tables are empty, in turns, and the sizes of both. The
// tables are read when something is explained, and not before: the ratio is to stay at 1.1 or below. It builds the command twice.
func BenchmarkStartUp(b *testing.B) {
	dir := b.TempDir()
	build := func(name string, args ...string) (file string, bytes int64) {
		file = filepath.Join(dir, name)
		args = append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", file}, args...)
		cmd := exec.CommandContext(b.Context(), "go", append(args, ".")...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("go build: %v\n%s", err, out)
		}
		info, err := os.Stat(file)
		if err != nil {
			b.Fatal(err)
		}
		return file, info.Size()
	}
	full, fullSize := build("full.exe")
	empty, emptySize := build("empty.exe", "-overlay", emptyTables(b, dir))
	start := func(file string) time.Duration {
		begin := time.Now()
		if out, err := exec.CommandContext(b.Context(), file, "version").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		return time.Since(begin)
	}
	start(full)
	start(empty)
	var with, without []time.Duration
	for b.Loop() {
		with, without = append(with, start(full)), append(without, start(empty))
	}
	b.ReportMetric(0, "ns/op") // of both together: it tells nothing
	b.ReportMetric(float64(median(with))/float64(median(without)), "ratio")
	b.ReportMetric(float64(median(with).Microseconds()), "µs/start")
	b.ReportMetric(float64(fullSize)/1e6, "MB")
	b.ReportMetric(float64(fullSize-emptySize)/1e6, "MB-of-tables")
}

// emptyTables returns an overlay for go build in which every table of package explain is empty.
func emptyTables(b *testing.B, dir string) string {
	b.Helper()
	nothing := filepath.Join(dir, "nothing")
	if err := os.WriteFile(nothing, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join("..", "..", "invoke", "explain", "tables", "*.txt"))
	if err != nil || len(tables) == 0 {
		b.Fatalf("no tables: %v", err)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for _, table := range tables {
		if table, err = filepath.Abs(table); err != nil {
			b.Fatal(err)
		}
		overlay.Replace[table] = nothing
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	return file
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
