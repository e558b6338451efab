package explain

import (
	"strings"
	"sync"
)

// nameOf returns the symbol of c from the tables of names, or "". The lines of a table are sorted and begin with eight hex digits
// and the kind, so that the text itself is searched.
func nameOf(c Code) string {
	switch c.Kind {
	case KindHRESULT, KindNTSTATUS, KindWin32:
	default:
		return ""
	}
	var b [8 + 1 + 8 + 1]byte // 8009030E NTSTATUS and a blank
	key := append(hexDigits(b[:0], c.Value), ' ')
	key = append(append(key, c.Kind...), ' ')
	for _, t := range nameTables() {
		if symbol := search(t.text, key); symbol != "" {
			return symbol
		}
	}
	return ""
}

// hexDigits appends the eight upper-case hex digits of v.
func hexDigits(b []byte, v uint32) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, "0123456789ABCDEF"[v>>shift&0xF])
	}
	return b
}

// search returns what follows key in the line of text that begins with it, or "". The lines are sorted.
func search(text string, key []byte) string {
	low, high := 0, len(text) // beginnings of lines; the line sought begins in [low, high)
	for low < high {
		mid := (low + high) / 2
		start := low + strings.LastIndexByte(text[low:mid], '\n') + 1
		line, _, _ := strings.Cut(text[start:], "\n")
		if len(line) > len(key) && line[:len(key)] == string(key) {
			return line[len(key):]
		}
		if line < string(key) {
			low = start + len(line) + 1
		} else {
			high = start
		}
	}
	return ""
}

// symbols returns the codes of all symbols, which are in upper case. It is made at the first symbol that is looked for.
var symbols = sync.OnceValue(func() map[string]Code { //nolint:gochecknoglobals // a cache of what the program carries
	codes := make(map[string]Code, 10000)
	for _, t := range nameTables() {
		for line := range strings.Lines(t.text) {
			digits, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			kind, symbol, ok := strings.Cut(rest, " ")
			if v, hex := parseDigits(digits, 16); ok && hex {
				codes[strings.ToUpper(symbol)] = Code{Kind(kind), v} // one is in lower case: ERROR_ITERATED_DATA_EXCEEDS_64k
			}
		}
	}
	for symbol, row := range known().symbols {
		if row.Code != (Code{}) {
			codes[symbol] = row.Code
		}
	}
	return codes
})

// codeOfSymbol returns the code that is called symbol, in any letter case.
func codeOfSymbol(symbol string) (Code, bool) {
	c, ok := symbols()[strings.ToUpper(symbol)]
	return c, ok
}

// symbolOf returns what c is called as it stands, ERROR_ACCESS_DENIED of Win32 5, though its row is that of E_ACCESSDENIED; or else
// what the code within it or around it is called. It returns "" if no table has a name.
func symbolOf(c Code) string {
	for _, f := range [...]Code{c, inner(c), outer(c)} {
		if row := known().rows[f]; row != nil && row.Symbol != "" {
			return row.Symbol
		}
		if symbol := nameOf(f); symbol != "" {
			return symbol
		}
	}
	return ""
}
