package events

import (
	"cmp"
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

// guidIn returns the first GUID in text that is not a piece of something longer, such as a path, and rather one that is not in quotation
// marks: those hold names, and machines may be called as others. It returns "" if there is none.
func guidIn(text string) (found string) {
	for from := 8; from < len(text); {
		i := strings.IndexByte(text[from:], '-')
		if i < 0 {
			break
		}
		start := from + i - 8
		end := start + guidLength
		if end > len(text) {
			break
		}
		if id, ok := parseGUID(text[start:end]); ok && standsAlone(text[:start], text[end:]) {
			if _, size := utf8.DecodeLastRuneInString(text[:start]); nextMark(text[start-size:start]) != 0 {
				return id
			}
			found = cmp.Or(found, id)
		}
		from += i + 1
	}
	return found
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
		if end < 0 || !opens(text[:at], utf8.DecodeLastRuneInString) {
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

// opens reports whether a mark may begin a piece behind what decode reads of text, or end it before that: one within a word is an
// apostrophe.
func opens(text string, decode func(string) (rune, int)) bool {
	r, _ := decode(text)
	return r >= firstCJK || !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// firstCJK is where the characters of languages begin that put no blank between words.
const firstCJK = 0x2E80

// closing returns where in rest the piece that open began ends, and the length of the mark there; -1 if it does not. Of several marks
// in a row, the last ends it: the others are the name's own.
func closing(rest string, open rune) (at, size int) {
	rest = clip(rest, longestName)
	closers := closersOf(open)
	from := 0
	for range maxApostrophes {
		i := strings.IndexAny(rest[from:], closers)
		if i < 0 {
			break
		}
		at = from + i
		_, size = utf8.DecodeRuneInString(rest[at:])
		for at > 0 && strings.HasPrefix(rest[at+size:], rest[at:at+size]) {
			at += size
		}
		if !opens(rest[at+size:], utf8.DecodeRuneInString) {
			from = at + size
			continue
		}
		if strings.ContainsAny(rest[:at], "\r\n") {
			break
		}
		return at, size
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

// mayBeHost reports whether name may be that of a host: neither DNS nor NetBIOS nor the cluster has one with a blank or a quotation mark.
func mayBeHost(name string) bool {
	return nextMark(name) < 0 && !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '\\' || r == '/' })
}

// keepsOrder reports whether text is in a language in which the arguments of a message stand in their order: English, or German. Others
// may turn it around, as Japanese does, which says where before it says what.
func keepsOrder(text string) bool {
	const looked = 100 // words
	n := 0
	for word := range strings.FieldsSeq(text) {
		switch word {
		case "the", "The", "failed", "successfully", "cannot", "could", "has", "der", "Der", "die", "Die", "das", "Das", "des", "beim", "wurde", "konnte":
			return true
		}
		if n++; n == looked {
			break
		}
	}
	return false
}
