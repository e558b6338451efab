// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bufio"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
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

// TestOwn: a property of the job that is NULL or blank is no part.
func TestOwn(t *testing.T) {
	t.Parallel()
	got := own(&invoke.MigrationJob{ErrorDescription: new(" \r\n"), ErrorSummaryDescription: new("second")}).Parts
	want := []invoke.Part{{Source: invoke.SourceErrorSummaryDescription, Text: "second"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("own (-want +got):\n%s", diff)
	}
}

// TestReason: a name of the host is cut and made safe, and the text is folded.
func TestReason(t *testing.T) {
	t.Parallel()
	f := &explain.Finding{Row: &explain.Row{ID: "migration-limit", Meaning: strings.TrimSpace(strings.Repeat("word ", 14))}}
	want := `  a\u{1B}b: migration-limit: ` + strings.TrimSpace(strings.Repeat("word ", 10)) + "\n    word word word word"
	if got := reason("a\x1bb", f); got != want {
		t.Errorf("reason = %q, want %q", got, want)
	}
}
