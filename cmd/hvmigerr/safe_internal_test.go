// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"plain ÄÖ 仮想", "plain ÄÖ 仮想"},
		{"a\nb", "a\n| b"},
		{"a\r\nb", "a\n| b"},
		{"a\rb", `a\u{D}b`},
		{"\x1b[2J\x1b]0;title\x07", `\u{1B}[2J\u{1B}]0;title\u{7}`},
		{"\x00\t\x7f", `\u{0}\u{9}\u{7F}`},
		{"\u0085\u009b31m", `\u{85}\u{9B}31m`},
		{"\u202egnp.exe\u2069", `\u{202E}gnp.exe\u{2069}`},
		{"a\u200bb\u200d\u2060\ufeff", `a\u{200B}b\u{200D}\u{2060}\u{FEFF}`},
		{"\u2028\u2029\u00ad\u3164", `\u{2028}\u{2029}\u{AD}\u{3164}`},
		{"\U000e0041", `\u{E0041}`},
		{"\xff", `\u{FFFD}`},
		{"hvmigerr: fake\nhvmigerr: fake", "hvmigerr: fake\n| hvmigerr: fake"},
	} {
		if got := safe(tt.in, "\n| "); got != tt.want {
			t.Errorf("safe(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got, want := safeLine("a\nb\r\nc"), `a\u{A}b\u{A}c`; got != want {
		t.Errorf("safeLine = %q, want %q", got, want)
	}
}

func FuzzSafe(f *testing.F) {
	for _, s := range []string{"a\nb", "\x1b[2J", "\u202e", "\xff\xfe", "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := safe(s, "\n| ")
		for line := range strings.SplitSeq(got, "\n") {
			if strings.ContainsFunc(line, unsafeRune) {
				t.Errorf("safe(%q) = %q", s, got)
			}
		}
		for i, line := range strings.Split(got, "\n") {
			if i > 0 && !strings.HasPrefix(line, "| ") {
				t.Errorf("safe(%q) has the line %q", s, line)
			}
		}
	})
}

// FuzzEscapeJSON: what is escaped for the terminal is the same value.
func FuzzEscapeJSON(f *testing.F) {
	for _, s := range []string{"a\nb", "\x1b[2J", "\u202e", "\U000e0041", "ä仮", "\u0085\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		escaped := escapeJSON(text)
		var back string
		if err := json.Unmarshal(escaped, &back); err != nil || back != s {
			t.Errorf("%q became %s, read as %q, %v", s, escaped, back, err)
		}
		if strings.ContainsFunc(strings.ReplaceAll(string(escaped), "\ufffd", ""), unsafeRune) {
			t.Errorf("%q became %s", s, escaped)
		}
	})
}
