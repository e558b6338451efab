package explain

import (
	"strings"
)

// maxFound is how many codes of one text are told.
const maxFound = 1024

// Codes finds the codes in text, in the order in which they stand; at most 1024.
//
// After 0x a number of one to eight hex digits is a code, unless it is of no kind: it is no failure, above 0xFFFF, and in no table;
// or it is a pattern such as 0xCCCCCCCC; or the words before it say that it is a small number of another sort, such as a PID. Eight
// hex digits alone, and decimal digits of that size with or without a minus sign, count only if a table has the value, and if they
// are not part of a word, path, GUID, address, version, size or other number. The N of "error N" and of "%%N", as events carry it, is
// a Win32 code that a table has, and the N of "Event ID N", "ReturnValue N" and "CIM status N" a number of that kind. A symbol counts
// in capital letters and with an underscore. A console's line break within a code belongs to it. Digits are those of ASCII, which is
// what Windows writes in every language.
func Codes(text string) []Found {
	var found []Found
	w := word{text: text}
	end := 0 // of the last code
	for len(found) < maxFound && w.next() {
		f, ok := w.code()
		if !ok {
			continue
		}
		if f.Start < end {
			f.Start = w.start // the name of a number has a code in it
		}
		found = append(found, f)
		w.end, end = f.End, f.End
	}
	return found
}

// code returns the code that the word spells together with what is around it.
func (w *word) code() (Found, bool) {
	s := w.text[w.start:w.end]
	symbol := isSymbol(s)
	if !isDigit(s[0]) && len(s) != 8 && !symbol || letterAround(w.head(w.start), w.tail(w.end)) {
		return Found{}, false
	}
	switch {
	case symbol:
		return w.symbol()
	case s[0] == '0' && len(s) > 1 && s[1]|0x20 == 'x':
		return w.hex()
	case strings.HasSuffix(w.head(w.start), "%%"):
		return w.event()
	}
	if len(s) == 8 {
		if f, ok := w.bareHex(); ok {
			return f, true
		}
	}
	if f, ok := w.decimal(); ok || len(s) > 5 {
		return f, ok
	}
	if f, ok := w.errorNumber(); ok {
		return f, true
	}
	return w.namedNumber()
}

// hex reads 0x and one to eight hex digits.
func (w *word) hex() (Found, bool) {
	digits, end := w.text[w.start+len("0x"):w.end], w.end
	if whole, at, ok := w.join(digits, 8); ok {
		digits, end = whole, at
	} else if torn(w.text[w.end:]) || len(digits) <= 2 && bytesFollow(w.text[w.end:]) {
		return Found{}, false
	}
	v, ok := parseHex(digits)
	if !ok || filler(v) {
		return Found{}, false
	}
	if v <= maxWin32 {
		before := w.before(w.start)
		if _, named := errorWord(before); !named && notCode(before, w.tail(end)) {
			return Found{}, false
		}
	}
	c, ok := codeOf(v)
	return Found{c, SpellingHex, w.start, end}, ok && (len(digits) <= 8 || hasRow(c))
}

// parseHex reads one to eight hex digits, or eight as they stand in programs and in .NET: with the suffix L, and widened to 64 bits
// with the sign.
func parseHex(digits string) (uint32, bool) {
	if len(digits) > 8 {
		digits = strings.TrimRight(digits, "lLuU")
		if rest, ok := cutPrefixFold(digits, "FFFFFFFF"); ok {
			digits = rest
		}
		if len(digits) != 8 {
			return 0, false
		}
	}
	return parseDigits(digits, 16)
}

// filler reports whether v is a pattern of bits that stands for "nothing" or for memory not in use, and is in no table.
func filler(v uint32) bool {
	if v>>16 != 0xFFFF && v != v&0xFF*0x01010101 {
		switch v {
		case 0xDEADBEEF, 0xDEADC0DE, 0xBAADF00D, 0xFEEEFEEE, 0xCAFEBABE:
		default:
			return false
		}
	}
	c, ok := codeOf(v)
	return !ok || !hasRow(c)
}

// event reads the N of %%N.
func (w *word) event() (Found, bool) {
	v, ok := parseDigits(w.text[w.start:w.end], 10)
	if !ok {
		return Found{}, false
	}
	c, ok := codeOf(v)
	return Found{c, SpellingEvent, w.start - len("%%"), w.end}, ok && (v >= failureBit || hasRow(c))
}

// bareHex reads eight hex digits alone. Those of a Win32 code, with four zeros in front, need a word such as "error" before them: too
// many other numbers begin with zeros.
func (w *word) bareHex() (Found, bool) {
	v, ok := parseDigits(w.text[w.start:w.end], 16)
	if !ok || v < failureBit && v > maxWin32 || w.inNumber(w.start, w.end) {
		return Found{}, false
	}
	before := w.before(w.start)
	if _, named := errorWord(before); !named {
		if v <= maxWin32 || strings.HasSuffix(before, "#") || notCode(before, w.tail(w.end)) {
			return Found{}, false
		}
	}
	c, ok := codeOf(v)
	return Found{c, SpellingBareHex, w.start, w.end}, ok && hasRow(c)
}

// decimal reads ten decimal digits, or nine behind a minus sign: an HRESULT or an NTSTATUS as a number, with or without sign.
func (w *word) decimal() (Found, bool) {
	digits, end := w.text[w.start:w.end], w.end
	from, signed := w.minus()
	if whole, at, ok := w.join(digits, 10); ok {
		digits, end = whole, at
	}
	if len(digits) != 10 && (!signed || len(digits) != 9) {
		return Found{}, false
	}
	v, ok := parseDigits(digits, 10)
	spelling := SpellingUnsigned
	if signed {
		ok = ok && v <= failureBit
		v, spelling = -v, SpellingSigned
	}
	if !ok || v < failureBit || digits[0] == '0' || w.inNumber(from, end) {
		return Found{}, false
	}
	before := w.before(from)
	if _, named := errorWord(before); !named && (strings.HasSuffix(before, "#") || notCode(before, w.tail(end))) {
		return Found{}, false
	}
	c, _ := codeOf(v)
	return Found{c, spelling, from, end}, hasRow(c)
}

// minus returns where the number begins: at the minus sign before the word, if there is one and it is no hyphen.
func (w *word) minus() (from int, signed bool) {
	head := w.head(w.start)
	for _, sign := range []string{"-", "\u2212"} {
		if !strings.HasSuffix(head, sign) {
			continue
		}
		from = w.start - len(sign)
		if h := w.head(from); h == "" || !isWord(h[len(h)-1]) && h[len(h)-1] != '-' && !letterAround(h, "") {
			return from, true
		}
	}
	return w.start, false
}

// errorNumber reads the N of "error N". A number that no Win32 code has may be what a method returned: ErrorCode of a job.
func (w *word) errorNumber() (Found, bool) {
	v, ok := parseDigits(w.text[w.start:w.end], 10)
	if !ok || w.inNumber(w.start, w.end) {
		return Found{}, false
	}
	before := w.before(w.start)
	from, ok := errorWord(before)
	tail := w.tail(w.end)
	if !ok || counted(tail) || strings.Contains(before[from:], "\n") && item(tail) {
		return Found{}, false
	}
	c := Code{KindWin32, v}
	if ret := (Code{KindReturnValue, v}); !hasRow(c) && hasRow(ret) {
		c = ret
	}
	return Found{c, SpellingError, from, w.end}, hasRow(c) && !likelyHTTP(c)
}

// likelyHTTP reports whether c is more likely a status of HTTP: those that failed migrations bring have full rows.
func likelyHTTP(c Code) bool {
	row, ok := Lookup(c)
	return c.Kind == KindWin32 && c.Value >= 400 && c.Value < 600 && (!ok || row.Meaning == "")
}

// namedNumber reads the N of "Event ID N" and the like.
func (w *word) namedNumber() (Found, bool) {
	v, ok := parseDigits(w.text[w.start:w.end], 10)
	if !ok || w.inNumber(w.start, w.end) {
		return Found{}, false
	}
	kind, from, ok := numberName(w.before(w.start))
	c := Code{kind, v}
	if !ok || nothing(c) || counted(w.tail(w.end)) {
		return Found{}, false
	}
	return Found{c, SpellingNamed, from, w.end}, hasRow(c)
}

// nothing reports whether c is a number that a service gives although it says nothing: success, CIM_ERR_FAILED, which Hyper-V gives
// with each error (facts/real-examples.md §1), and 4096, which says that the job began as it should.
func nothing(c Code) bool {
	switch c {
	case Code{KindCIM, 0}, Code{KindCIM, 1}, Code{KindReturnValue, 0}, Code{KindReturnValue, 4096}:
		return true
	}
	return false
}

// isSymbol reports whether s may be a symbol: capital letters and digits, and an underscore at least.
func isSymbol(s string) bool {
	if s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	underscore := false
	for i := range len(s) {
		if 'a' <= s[i] && s[i] <= 'z' {
			return false
		}
		underscore = underscore || s[i] == '_'
	}
	return underscore
}

// symbol reads the symbol of a failure.
func (w *word) symbol() (Found, bool) {
	if w.inNumber(w.start, w.end) {
		return Found{}, false
	}
	c, ok := codeOfSymbol(w.text[w.start:w.end])
	if !ok || c.Value == 0 || c.Kind == KindHRESULT && c.Value < failureBit {
		return Found{}, false
	}
	return Found{c, SpellingSymbol, w.start, w.end}, true
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
