// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vbauerster/mpb/v8/cwriter"
)

// terminalShows returns the lines that a terminal shows after output: it knows what a board sends.
func terminalShows(t *testing.T, output string) []string {
	t.Helper()
	lines, row, column := [][]rune{{}}, 0, 0
	for len(output) > 0 {
		r := []rune(output)[0]
		output = output[len(string(r)):]
		switch r {
		case '\r':
			column = 0
		case '\n':
			if row++; row == len(lines) {
				lines = append(lines, nil)
			}
			column = 0
		case '\x1b':
			end := strings.IndexAny(output, "AJ")
			if end < 1 || output[0] != '[' {
				t.Fatalf("unknown sequence in %q", output)
			}
			n, _ := strconv.Atoi(output[1:end])
			if output[end] == 'A' {
				row = max(row-max(n, 1), 0)
			} else {
				lines = lines[:row+1]
				lines[row] = lines[row][:min(column, len(lines[row]))]
			}
			output = output[end+1:]
		default:
			for len(lines[row]) <= column {
				lines[row] = append(lines[row], ' ')
			}
			lines[row][column] = r
			column++
		}
	}
	var list []string
	for _, l := range lines {
		list = append(list, strings.TrimRight(string(l), " "))
	}
	return list
}

// newTestBoard returns a board of 60 columns, and what was sent to its terminal.
func newTestBoard() (*board, *bytes.Buffer) {
	var b bytes.Buffer
	return &board{
		out: cwriter.New(&b), now: func() time.Time { return noon },
		size: func() (int, int, error) { return 60, 24, nil },
	}, &b
}

// TestBoard: events scroll up, the screen stays below, and nothing of it is left at the end.
func TestBoard(t *testing.T) {
	b, sent := newTestBoard()
	refresh := func(change func(*screen)) {
		t.Helper()
		if err := b.refresh(change); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(append(want, ""), terminalShows(t, sent.String())); diff != "" {
			t.Error(diff)
		}
	}
	refresh(func(s *screen) { s.status.hosts = 2 })
	shows("2 hosts; no job runs")
	refresh(func(s *screen) { s.bars = append(s.bars, bar("web-01", "HV01", "HV02", 50)) })
	shows("web-01        HV01 → HV02        [#####----]   50%     0:42", "2 hosts; 1 job runs")
	if err := b.print([]byte("an event\nof two lines\n"), func(s *screen) { s.bars = nil }); err != nil {
		t.Fatal(err)
	}
	shows("an event", "of two lines", "2 hosts; no job runs")

	before := sent.Len()
	refresh(func(*screen) {})
	if err := b.print(nil, func(s *screen) { s.status.hosts = 3 }); err != nil {
		t.Fatal(err)
	}
	if sent.Len() != before {
		t.Errorf("what has not changed was drawn: %q", sent.String()[before:])
	}

	stderr := &wholeLines{w: sent} // the same terminal
	back := b.raise(stderr)
	_, _ = io.WriteString(stderr, "a note\n")
	shows("an event", "of two lines", "a note", "3 hosts; no job runs")

	sent.WriteString("^C") // by the terminal
	b.close()
	back()
	if _, err := io.WriteString(stderr, "interrupted\n"); err != nil {
		t.Fatal(err)
	}
	refresh(func(s *screen) { s.status.hosts = 4 })
	shows("an event", "of two lines", "a note", "interrupted")
	if stderr.w != io.Writer(sent) {
		t.Error("stderr was not given back")
	}
}

// TestBoardSize: the screen follows the size of the terminal, and one that has gone is an error.
func TestBoardSize(t *testing.T) {
	b, sent := newTestBoard()
	columns, gone := 60, error(nil)
	b.size = func() (int, int, error) { return columns, 24, gone }
	for columns = 120; columns > 0; columns -= 7 {
		if err := b.refresh(func(s *screen) { s.status.lost = []string{fmt.Sprint(columns)} }); err != nil {
			t.Fatal(err)
		}
		for _, l := range terminalShows(t, sent.String()) {
			if cells(l) >= columns {
				t.Errorf("%d columns: %q", columns, l)
			}
		}
	}
	gone = errors.New("no terminal")
	if err := b.refresh(func(*screen) {}); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
}

// TestNoBoard: without a terminal for both streams there are lines alone.
func TestNoBoard(t *testing.T) {
	var out bytes.Buffer
	a := newApp(strings.NewReader(""), &out, &out)
	if a.newBoard(nil) != nil {
		t.Error("a board in a pipe")
	}
	for name, want := range map[string]bool{"dumb": true, "xterm-256color": false} {
		t.Setenv("TERM", name)
		if got := dumb(); got != want {
			t.Errorf("TERM=%s: dumb %v, want %v", name, got, want)
		}
	}
}
