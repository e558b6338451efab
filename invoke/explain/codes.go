package explain

import (
	"strings"
)

// maxFound is how many codes of one text are told.
const maxFound = 1024

// Codes finds the codes in text, in the order in which they stand; at most 1024.
//
// After 0x a number of one to eight hex digits is always a code, unless it is of no kind: it is no failure, above 0xFFFF, and in no
// table. Eight hex digits alone, and ten decimal digits with or without a minus sign, count only if a table has the value, and if
// they are not part of a word, path, GUID, address, version, size or other number. The N of "error N" and of "%%N", as events carry
// it, is a Win32 code that a table has. Digits are those of ASCII, which is what Windows writes in every language.
func Codes(text string) []Found {
	var found []Found
	for i := 0; i < len(text) && len(found) < maxFound; {
		if !isWord(text[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(text) && isWord(text[end]) {
			end++
		}
		if f, ok := codeAt(text, i, end); ok {
			found = append(found, f)
		}
		i = end
	}
	return found
}

// codeAt returns the code that text[start:end], a run of ASCII letters, digits and underscores, spells together with what is before
// it.
func codeAt(text string, start, end int) (Found, bool) {
	word := text[start:end]
	if !isDigit(word[0]) && len(word) != 8 || letterAround(text, start, end) {
		return Found{}, false
	}
	switch {
	case word[0] == '0' && len(word) > 2 && word[1]|0x20 == 'x':
		return hexAt(word, start, end)
	case strings.HasPrefix(text[max(start-2, 0):start], "%%"):
		return eventAt(word, start, end)
	case len(word) == 8:
		return bareAt(text, start, end)
	case len(word) == 10:
		return decimalAt(text, start, end)
	case len(word) <= 5:
		return errorAt(text, start, end)
	}
	return Found{}, false
}

// hexAt reads 0x and one to eight hex digits.
func hexAt(word string, start, end int) (Found, bool) {
	v, ok := parseDigits(word[2:], 16)
	if !ok || len(word) > len("0x")+8 {
		return Found{}, false
	}
	c, ok := codeOf(v)
	return Found{c, SpellingHex, start, end}, ok
}

// eventAt reads the N of %%N.
func eventAt(word string, start, end int) (Found, bool) {
	v, ok := parseDigits(word, 10)
	if !ok {
		return Found{}, false
	}
	c, ok := codeOf(v)
	return Found{c, SpellingEvent, start - len("%%"), end}, ok && (v >= failureBit || hasRow(c))
}

// bareAt reads eight hex digits alone. Those of a Win32 code, with four zeros in front, need a letter among them or a word such as
// "error" before them: too many other numbers begin with zeros.
func bareAt(text string, start, end int) (Found, bool) {
	word := text[start:end]
	v, ok := parseDigits(word, 16)
	if !ok || v < failureBit && v > maxWin32 || inNumber(text, start, end) {
		return Found{}, false
	}
	if _, named := errorWord(text, start); !named {
		if text[max(start-1, 0)] == '#' || notCode(text, start, end) || v <= maxWin32 && strings.Trim(word, "0123456789") == "" {
			return Found{}, false
		}
	}
	c, ok := codeOf(v)
	return Found{c, SpellingBareHex, start, end}, ok && hasRow(c)
}

// decimalAt reads ten decimal digits: an HRESULT or an NTSTATUS as a number, with or without sign.
func decimalAt(text string, start, end int) (Found, bool) {
	v, ok := parseDigits(text[start:end], 10)
	if !ok || v < 1000000000 {
		return Found{}, false
	}
	spelling, from := SpellingUnsigned, start
	if start > 0 && text[start-1] == '-' && (start == 1 || !isWord(text[start-2]) && text[start-2] != '-') {
		v, from, spelling = -v, start-1, SpellingSigned
	}
	if v < failureBit || inNumber(text, from, end) {
		return Found{}, false
	}
	if _, named := errorWord(text, from); !named && (text[max(from-1, 0)] == '#' || notCode(text, from, end)) {
		return Found{}, false
	}
	c, _ := codeOf(v)
	return Found{c, spelling, from, end}, hasRow(c)
}

// errorAt reads the N of "error N".
func errorAt(text string, start, end int) (Found, bool) {
	v, ok := parseDigits(text[start:end], 10)
	if !ok || inNumber(text, start, end) {
		return Found{}, false
	}
	from, ok := errorWord(text, start)
	if !ok || counted(text[end:]) {
		return Found{}, false
	}
	c := Code{KindWin32, v}
	return Found{c, SpellingError, from, end}, hasRow(c)
}

// parseDigits reads digits of base, all of them: one at least, and no more than 32 bits. Most words are none, which must not cost the
// error that strconv makes of it.
func parseDigits(digits string, base uint64) (uint32, bool) {
	if digits == "" || len(digits) > 10 {
		return 0, false
	}
	v := uint64(0)
	for i := range len(digits) {
		d := uint64(99)
		switch c := digits[i]; {
		case isDigit(c):
			d = uint64(c - '0')
		case isLetter(c):
			d = uint64(c|0x20-'a') + 10
		}
		if d >= base {
			return 0, false
		}
		v = v*base + d
	}
	return uint32(v), v <= 1<<32-1
}

func isWord(c byte) bool {
	return isDigit(c) || isLetter(c) || c == '_'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
