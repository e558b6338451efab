package explain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// addTexts seeds f with the rows of the tables of tests.
func addTexts(f *testing.F) {
	f.Helper()
	for _, row := range spelt {
		f.Add(row.text)
	}
	for _, text := range missed {
		f.Add(text)
	}
	for line := range strings.Lines(failures) {
		f.Add(line)
	}
}

// FuzzCodes: no panic, codes are in order and do not overlap, and each spelling read alone is the same code.
func FuzzCodes(f *testing.F) {
	addTexts(f)
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, found := range explain.Codes(text) {
			if found.Start < end || found.End <= found.Start || found.End > len(text) {
				t.Fatalf("Codes(%q): %+v begins before %d or is empty", text, found, end)
			}
			end = found.End
			spelling := text[found.Start:found.End]
			if codes := explain.Parse(spelling); len(spelling) <= 64 && !slices.Contains(codes, found.Code) {
				t.Fatalf("Codes(%q) has %+v, but Parse(%q) = %v", text, found, spelling, codes)
			}
		}
	})
}

// FuzzText: no panic, and whatever is found is where it is said to be; each row is there once.
func FuzzText(f *testing.F) {
	addTexts(f)
	f.Fuzz(func(t *testing.T, text string) {
		e := explain.Text(text)
		findings := e.Findings
		if len(findings) > 32 || len(e.Notes) > 3 {
			t.Fatalf("%d findings, notes %q", len(findings), e.Notes)
		}
		seen := map[any]bool{}
		for i := range findings {
			key := [2]any{findings[i].Row.Code, findings[i].Row.ID}
			if seen[key] || findings[i].Row.Headline {
				t.Fatalf("Text(%q): %v twice, or a headline", text, key)
			}
			seen[key] = true
		}
		if e.Headline != nil {
			findings = append(findings, *e.Headline)
		}
		for _, found := range findings {
			if found.Text == "" || text[found.Start:found.End] != found.Text {
				t.Fatalf("Text(%q): %q is not at %d to %d", text, found.Text, found.Start, found.End)
			}
		}
	})
}

// FuzzParse: no panic, and what is parsed can be explained.
func FuzzParse(f *testing.F) {
	addTexts(f)
	for _, arg := range []string{"5", "21024", "event id 5", "sec_e_no_credentials", "HRESULT = 8009030e", "0xFFFFFFFF80070005", "-1"} {
		f.Add(arg)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		codes := explain.Parse(arg)
		e := explain.Numbers(codes...)
		if len(codes) > 0 && e.Headline == nil && len(e.Findings) == 0 {
			t.Fatalf("Parse(%q) = %v, of which nothing is told", arg, codes)
		}
	})
}
