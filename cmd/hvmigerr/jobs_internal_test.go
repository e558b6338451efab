// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bufio"
	"strings"
	"testing"
)

func TestWriteTable(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	out := &output{w: bufio.NewWriter(&got)}
	writeTable(out, [][]string{{"VM", "STATE", "X"}, {"仮想", "Running", "1"}, {"e\u0301a", "", "2"}})
	if err := out.flush(); err != nil {
		t.Fatal(err)
	}
	want := "VM    STATE    X\n仮想  Running  1\ne\u0301a             2\n"
	if got.String() != want {
		t.Errorf("table =\n%q, want\n%q", got.String(), want)
	}
}

func TestCell(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"web-01", "web-01"},
		{strings.Repeat("x", maxCell), strings.Repeat("x", maxCell)},
		{strings.Repeat("x", maxCell+1), strings.Repeat("x", maxCell-1) + "…"},
		{strings.Repeat("x", 400_000), strings.Repeat("x", maxCell-1) + "…"},
		{strings.Repeat("仮", maxCell/2), strings.Repeat("仮", maxCell/2)},
		{strings.Repeat("仮", maxCell), strings.Repeat("仮", maxCell/2-1) + "…"},
		{"a\nb", `a\u{A}b`},
		{strings.Repeat("\x1b", maxCell), strings.Repeat(`\u{1B}`, 6) + `\u{…`},
	} {
		if got := cell(tt.in); got != tt.want {
			t.Errorf("cell(%.50q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := cell("e" + strings.Repeat("\u0301", 100_000)); len(got) > maxCellBytes+10 || !strings.HasSuffix(got, "…") {
		t.Errorf("a letter with 100,000 accents takes %d bytes", len(got))
	}
}
