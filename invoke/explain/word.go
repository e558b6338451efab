package explain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A word is text[start:end], a run of ASCII letters, digits and underscores.
type word struct {
	text       string
	start, end int
	escape     span // the last JSON escape before it, such as \u0027; it parts words
}

// next goes on to the next word.
func (w *word) next() bool {
	for i := w.end; i < len(w.text); {
		if !isWord(w.text[i]) {
			i++
			continue
		}
		if n := escaped(w.text, i); n > 0 {
			w.escape = span{i - 1, i + n}
			i += n
			continue
		}
		w.start, w.end = i, i+1
		for w.end < len(w.text) && isWord(w.text[w.end]) {
			w.end++
		}
		return true
	}
	return false
}

// head returns what touches offset at from before, "" behind an escape.
func (w *word) head(at int) string {
	if at == w.escape.end {
		return ""
	}
	return w.text[:at]
}

// before returns what stands before offset at, an escape there left out.
func (w *word) before(at int) string {
	if at == w.escape.end {
		return w.text[:w.escape.start]
	}
	return w.text[:at]
}

// tail returns what touches offset at from behind, "" before an escape.
func (w *word) tail(at int) string {
	rest := w.text[at:]
	if len(rest) < 2 || rest[0] != '\\' {
		return rest
	}
	n := escaped(w.text, at+1)
	if rest[1] != '"' && (n == 0 || n == 1 && len(rest) > 2 && 'a' <= rest[2] && rest[2] <= 'z') {
		return rest // of a path, such as \new
	}
	return ""
}

// join returns have, the last digits of the word, together with the word that follows it, if both are want digits and nothing is
// between them but what a console or a web page breaks lines with. It returns the end of that word, too.
func (w *word) join(have string, want int) (digits string, end int, ok bool) {
	from := w.end + lineBreak(w.text[w.end:])
	if from == w.end || len(have) >= want {
		return "", 0, false
	}
	end = from
	for end < len(w.text) && isHex(w.text[end]) && end-from < want {
		end++
	}
	rest := w.text[end:]
	if end == from || len(have)+end-from != want || rest != "" && isWord(rest[0]) || letterAround("", w.tail(end)) {
		return "", 0, false
	}
	return have + w.text[from:end], end, true
}

// lineBreak returns the length of what a line is broken with at the beginning of s: one line feed with blanks around it, or a
// character that is not seen. It returns 0 if there is neither.
func lineBreak(s string) int {
	for _, unseen := range unseenRunes() {
		if strings.HasPrefix(s, unseen) {
			return len(unseen)
		}
	}
	const widest = 160 // columns of a console
	s = s[:min(len(s), widest)]
	rest, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimLeft(s, " \t"), "\r"), "\n")
	if !ok {
		return 0
	}
	return len(s) - len(strings.TrimLeft(rest, " \t"))
}

// unseenRunes returns the characters of no width that web pages and editors put into long words.
func unseenRunes() []string {
	return []string{"\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"}
}

// torn reports whether s, what follows a word, goes on with it behind a character that is not seen.
func torn(s string) bool {
	for _, unseen := range unseenRunes() {
		if rest, ok := strings.CutPrefix(s, unseen); ok {
			return rest != "" && isWord(rest[0])
		}
	}
	return false
}

// bytesFollow reports whether s, what follows 0x and two digits, begins with more bytes: 0x80 07 00 05.
func bytesFollow(s string) bool {
	for range 2 {
		if len(s) < 3 || s[0] != ' ' || !isHex(s[1]) || !isHex(s[2]) {
			return false
		}
		s = s[3:]
	}
	return s == "" || !isWord(s[0])
}

// escaped returns the length of the rest of a JSON escape that begins with a backslash before text[i]: 1 of \n, 5 of \u0027. It
// returns 0 if there is none, or if the backslash belongs to a path.
func escaped(text string, i int) int {
	if i == 0 || text[i-1] != '\\' {
		return 0
	}
	before := strings.TrimRight(text[:i], `\`)
	if (i-len(before))%2 == 0 {
		return 0 // the backslash is escaped itself
	}
	switch text[i] {
	case 'u':
		v, ok := parseDigits(text[i+1:min(i+5, len(text))], 16)
		if c := rune(v & 0xFFFF); !ok || len(text) < i+5 || c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) {
			return 0
		}
		return 5
	case 'n', 'r', 't':
		pair := text[i] == 'n' && strings.HasSuffix(before, `\r`) || strings.HasPrefix(text[i:], `r\n`)
		if !pair && path(text[:i-1]) {
			return 0
		}
		return 1
	}
	return 0
}

// path reports whether text ends within a path: what is behind its last blank or quotation mark has a drive, or two backslashes.
func path(text string) bool {
	const longest = 128
	text = text[max(len(text)-longest, 0):]
	text = text[strings.LastIndexAny(text, " \t\r\n'\"")+1:]
	return strings.Contains(text, `:`) && drive(text[:strings.IndexByte(text, ':')]) || strings.Contains(text, `\\`)
}

// drive reports whether text ends with one letter, as before the colon of a path.
func drive(text string) bool {
	n := len(text)
	return n > 0 && isLetter(text[n-1]) && (n == 1 || !isWord(text[n-2]))
}

// letterAround reports whether head ends, or tail begins, with a letter of an alphabet that writes words apart, such as ä or Ж: what
// is between them is then part of a word. Chinese and Japanese put no blank between a word and a number.
func letterAround(head, tail string) bool {
	before, _ := utf8.DecodeLastRuneInString(head)
	after, _ := utf8.DecodeRuneInString(tail)
	return before < firstCJK && unicode.IsLetter(before) || after < firstCJK && unicode.IsLetter(after)
}

// firstCJK is where the characters of Chinese, Japanese and Korean begin.
const firstCJK = 0x2E80

// inNumber reports whether what is next to text[start:end] makes it part of something longer: a path, GUID, SID, version, host
// name, address, e-mail address, number with separators, percentage.
func (w *word) inNumber(start, end int) bool {
	return numberBefore(w.head(start)) || numberAfter(w.tail(end), end-start)
}

// numberBefore reports whether head is the beginning of something longer.
func numberBefore(head string) bool {
	n := len(head)
	if n == 0 {
		return false
	}
	beyond := n > 1 && isWord(head[n-2])
	switch head[n-1] {
	case '/', '\\', '.', '+', '@', '$', '%', '&', '~':
		return true
	case '-', '`':
		return beyond
	case ':':
		return beyond && isDigit(head[n-2]) || drive(head[:n-1]) || strings.HasSuffix(head[:n-1], ":")
	case '\n', ' ':
		// A GUID that is broken behind its hyphen.
		head = head[max(n-80, 0):]
		line, ok := strings.CutSuffix(strings.TrimRight(strings.TrimRight(head, " \t"), "\r\n"), "-")
		return ok && strings.Contains(head[len(line):], "\n") && line != "" && isHex(line[len(line)-1])
	}
	return false
}

// numberAfter reports whether tail is the end of something longer that begins with a word of so many bytes.
func numberAfter(tail string, length int) bool {
	if tail == "" {
		return false
	}
	beyond := len(tail) > 1 && isWord(tail[1])
	switch tail[0] {
	case '/', '\\', '@', '%', '+', '$', '~':
		return true
	case '-':
		at := 1 + lineBreak(tail[1:])
		return at < len(tail) && isWord(tail[at])
	case '.', '`':
		return beyond
	case ':', ',':
		return beyond && isDigit(tail[1]) && length < 8 // 59:12 and 59,000; codes in a list are longer
	}
	return false
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
