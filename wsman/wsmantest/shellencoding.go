package wsmantest

import (
	"bytes"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
)

// mark returns what a text begins with: a byte order mark, or nothing.
func (e ShellEncoding) mark() string {
	if e == EncodingUTF16BOM {
		return "\xff\xfe"
	}
	return ""
}

// encode appends text to b; what the encoding lacks becomes a question mark, as Windows has it.
func (e ShellEncoding) encode(b *bytes.Buffer, text string) {
	switch e {
	case EncodingUTF8:
		b.WriteString(text)
	case EncodingCP1252:
		for _, r := range text {
			octet, ok := charmap.Windows1252.EncodeRune(r)
			if !ok {
				octet = '?'
			}
			b.WriteByte(octet)
		}
	default:
		b.Grow(2 * len(text))
		for _, r := range text {
			if low, high := utf16.EncodeRune(r); low != '\ufffd' {
				writeUnit(b, low)
				r = high
			}
			writeUnit(b, r)
		}
	}
}

// writeUnit appends a UTF-16 code unit, the low octet first.
func writeUnit(b *bytes.Buffer, r rune) {
	b.WriteByte(byte(r))      //nolint:gosec // the low octet
	b.WriteByte(byte(r >> 8)) //nolint:gosec // the high octet of a unit
}
