package explain_test

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

//go:embed testdata/failures.txt
var failures string

// TestFailures finds each of the known failures, from a message that has its code or its words.
func TestFailures(t *testing.T) {
	count := 0
	for line := range strings.Lines(failures) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		count++
		f := strings.SplitN(strings.TrimSpace(line), " | ", 4)
		if len(f) != 4 {
			t.Fatalf("%q has not four fields", line)
		}
		id, want, basis, message := f[0], f[1], explain.Basis(f[2]), f[3]
		e := explain.Text(message)
		found := false
		for _, finding := range e.Findings {
			row := finding.Row
			name := row.ID
			switch {
			case row.Kind == explain.KindWin32:
				name = fmt.Sprintf("%s %d", row.Kind, row.Value)
			case row.Kind != "":
				name = fmt.Sprintf("%s 0x%08X", row.Kind, row.Value)
			}
			if name != want {
				continue
			}
			found = true
			if finding.Basis != basis || row.Meaning == "" || len(row.Causes) == 0 || len(row.Checks) == 0 || len(row.References) == 0 {
				t.Errorf("%s: basis %s, and the row is not full: %+v", id, finding.Basis, *row)
			}
			if message[finding.Start:finding.End] != finding.Text || finding.Text == "" {
				t.Errorf("%s: %q is not at %d to %d", id, finding.Text, finding.Start, finding.End)
			}
		}
		if !found {
			t.Errorf("%s: Text(%q) does not find %s, but %s", id, message, want, rowsOf(e))
		}
	}
	if count != 38 {
		t.Errorf("%d failures, want 38", count)
	}
}

// rowsOf lists what e found.
func rowsOf(e *explain.Explanation) string {
	var b strings.Builder
	for _, f := range e.Findings {
		fmt.Fprintf(&b, "%v %s %s; ", f.Row.Code, f.Row.Symbol, f.Row.ID)
	}
	return b.String()
}
