package events

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// guidLength is how many characters a GUID has: 8-4-4-4-12 hex digits.
const guidLength = 36

// noGUID is the GUID of nothing.
const noGUID = "00000000-0000-0000-0000-000000000000"

// parseGUID reads s, with or without braces, and returns it in upper case. That of nothing is none.
func parseGUID(s string) (string, bool) {
	if len(s) == guidLength+2 && s[0] == '{' && s[guidLength+1] == '}' {
		s = s[1 : guidLength+1]
	}
	if len(s) != guidLength || s == noGUID {
		return "", false
	}
	for i := range guidLength {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return "", false
			}
		case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'f':
		default:
			return "", false
		}
	}
	return strings.ToUpper(s), true
}

// guidIn returns the first GUID in text that is not a piece of something longer, such as a path; "" if there is none.
func guidIn(text string) string {
	for from := 8; from < len(text); {
		i := strings.IndexByte(text[from:], '-')
		if i < 0 {
			return ""
		}
		start := from + i - 8
		end := start + guidLength
		if end > len(text) {
			return ""
		}
		if id, ok := parseGUID(text[start:end]); ok && standsAlone(text[:start], text[end:]) {
			return id
		}
		from += i + 1
	}
	return ""
}

// standsAlone reports whether what stands between before and after is no piece of a path or a word.
func standsAlone(before, after string) bool {
	if before != "" {
		switch c := before[len(before)-1]; {
		case c == '\\', c == '/', c == '-', c == '_', c == '.', isAlphanumeric(c):
			return false
		}
	}
	after = strings.TrimPrefix(after, "}")
	if after == "" {
		return true
	}
	switch c := after[0]; {
	case c == '\\', c == '/', c == '-', c == '_', isAlphanumeric(c):
		return false
	case c == '.':
		return len(after) == 1 || !isAlphanumeric(after[1])
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// The bounds of looking for quoted pieces of a text: how many marks may turn out not to begin one, and how many not to end it.
const (
	maxMarks       = 32
	maxApostrophes = 4
)

// quotedPieces returns the first n pieces of text that are in quotation marks, of any language of Windows.
func quotedPieces(text string, n int) []string {
	var pieces []string
	at := 0
	for marks := 0; len(pieces) < n && marks < maxMarks; marks++ {
		i := nextMark(text[at:])
		if i < 0 {
			break
		}
		at += i
		open, size := utf8.DecodeRuneInString(text[at:])
		rest := text[at+size:]
		end, closer := closing(rest, open)
		if !opens(text[:at]) || end < 0 {
			at += size
			continue
		}
		if piece := strings.TrimFunc(rest[:end], unicode.IsSpace); piece != "" {
			pieces = append(pieces, piece)
		}
		at += size + end + closer
	}
	return pieces
}

// nextMark returns where in text the next quotation mark that may begin a piece is; -1 if there is none.
func nextMark(text string) int {
	for i := range len(text) {
		switch text[i] {
		case '\'', '"':
			return i
		case 0xC2, 0xE2, 0xE3: // the first octets of the others
			r, _ := utf8.DecodeRuneInString(text[i:])
			switch r {
			case '‘', '’', '“', '”', '„', '‚', '«', '»', '‹', '›', '「', '『':
				return i
			}
		}
	}
	return -1
}

// opens reports whether a mark behind before begins a piece: one within a word is an apostrophe.
func opens(before string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	return r >= firstCJK || !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// firstCJK is where the characters of languages begin that put no blank between words.
const firstCJK = 0x2E80

// closing returns where in rest the piece that open began ends, and the length of the mark there; -1 if it does not.
func closing(rest string, open rune) (at, size int) {
	rest = clip(rest, longestName)
	if end := strings.IndexAny(rest, "\r\n"); end >= 0 {
		rest = rest[:end]
	}
	closers := closersOf(open)
	from := 0
	for range maxApostrophes {
		i := strings.IndexAny(rest[from:], closers)
		if i < 0 {
			break
		}
		_, size = utf8.DecodeRuneInString(rest[from+i:])
		after, _ := utf8.DecodeRuneInString(rest[from+i+size:])
		if after >= firstCJK || !unicode.IsLetter(after) && !unicode.IsDigit(after) {
			return from + i, size
		}
		from += i + size
	}
	return -1, 0
}

// closersOf returns the marks that end what open began.
func closersOf(open rune) string {
	switch open {
	case '\'':
		return "'"
	case '"':
		return `"`
	case '“', '„', '”':
		return "“”\""
	case '‘', '‚', '’':
		return "‘’'"
	case '«':
		return "»"
	case '»':
		return "«»"
	case '‹':
		return "›"
	case '›':
		return "‹›"
	case '「':
		return "」"
	}
	return "』"
}
