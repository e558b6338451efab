package explain

import (
	"fmt"
	"strings"
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

// codesOfSymbol returns the codes that are called symbol, in any letter case.
func codesOfSymbol(symbol string) []Code {
	upper := strings.ToUpper(symbol)
	if row := known().symbols[upper]; row != nil && row.Code != (Code{}) {
		return []Code{row.Code}
	}
	if codes := codesNamed(upper); codes != nil {
		return codes
	}
	return codesNamed(symbol) // ERROR_ITERATED_DATA_EXCEEDS_64k
}

// codesNamed returns the codes that the tables of names call symbol.
func codesNamed(symbol string) []Code {
	var codes []Code
	for _, t := range nameTables() {
		for line := range linesWith(t.text, " "+symbol) {
			var c Code
			if _, err := fmt.Sscanf(line, "%X %s", &c.Value, &c.Kind); err == nil {
				codes = append(codes, c)
			}
		}
	}
	return codes
}

// linesWith yields the lines of text that end with suffix, comments left out.
func linesWith(text, suffix string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for at := 0; ; {
			i := strings.Index(text[at:], suffix)
			if i < 0 {
				return
			}
			at += i + len(suffix)
			if at < len(text) && text[at] != '\n' {
				continue
			}
			line := text[strings.LastIndexByte(text[:at], '\n')+1 : at]
			if !strings.HasPrefix(line, "#") && !yield(line) {
				return
			}
		}
	}
}
