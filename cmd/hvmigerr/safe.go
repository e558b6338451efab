package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// safe makes text that a peer wrote fit for a terminal: control characters (C0, C1, DEL), everything that reorders or hides
// text (bidi, zero-width and other format characters) and line separators become \u{XX}. A line break becomes newline,
// which the caller chooses such that no line can pose as one of ours. A byte that is not UTF-8 becomes \u{FFFD}.
func safe(text, newline string) string {
	if !strings.ContainsFunc(text, unsafeRune) {
		return text
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n':
			b.WriteString(newline)
		case unsafeRune(r):
			fmt.Fprintf(&b, `\u{%X}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// safeLine is safe for a place that has one line: a line break is shown, not made.
func safeLine(text string) string { return safe(text, `\u{A}`) }

// unsafeRune tells which characters safe replaces. Cf holds bidi controls, zero-width characters, the soft hyphen, tags;
// the fillers are letters to Unicode and blank to the eye.
func unsafeRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == '\x7f'
	}
	switch r {
	case utf8.RuneError, '\u2028', '\u2029', '\u034F', '\u115F', '\u1160', '\u3164', '\uFFA0':
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf)
}

// combining tells a character that stands over the one before it and takes no room.
func combining(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Me) }
