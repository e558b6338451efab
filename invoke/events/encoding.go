package events

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const (
	sniffed    = 256     // bytes looked at to tell UTF-16 without a byte order mark
	bufferSize = 1 << 16 // bytes read at once
)

// readText returns the text of r in UTF-8, as far as it says what it is: by a byte order mark, or by the NULs of UTF-16
// (facts/event-log.md §3: /uni:true gives UTF-16, with a mark or without). Anything else comes through as it is, for [repair]: the
// markup is ASCII in all of the code pages of Windows.
func readText(r io.Reader) *bufio.Reader {
	in := bufio.NewReaderSize(r, bufferSize)
	head, _ := in.Peek(sniffed) // an error comes again with the bytes
	mark, order := sniff(head)
	_, _ = in.Discard(mark) // they were seen
	if order == nil {
		return in
	}
	return bufio.NewReaderSize(order.NewDecoder().Reader(in), bufferSize)
}

// sniff returns the length of the byte order mark of a text, and its encoding if that is UTF-16.
func sniff(head []byte) (mark int, order encoding.Encoding) {
	little := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	big := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return 3, nil
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return 2, little
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return 2, big
	}
	var high [2]int // NULs at even and at odd places
	for i, c := range head {
		if c == 0 {
			high[i%2]++
		}
	}
	switch {
	case high[1] > high[0]:
		return 0, little
	case high[0] > high[1]:
		return 0, big
	}
	return 0, nil
}

// repair makes b a text that XML allows: bytes that are not UTF-8 are read as windows-1252, and characters that XML forbids, bare or as
// a reference, become U+FFFD.
func repair(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			r = charmap.Windows1252.DecodeByte(b[0])
		case r == '&':
			if length, bad := forbiddenReference(b); bad {
				r, n = utf8.RuneError, length
			}
		}
		if !allowed(r) {
			r = utf8.RuneError
		}
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return out
}

// allowed tells whether XML 1.0 §2.2 allows the character.
func allowed(r rune) bool {
	return r >= 0x20 && r != 0xFFFE && r != 0xFFFF || r == '\t' || r == '\n' || r == '\r'
}

// forbiddenReference tells whether b begins with a reference to a character that XML forbids, and how long it is.
func forbiddenReference(b []byte) (length int, bad bool) {
	const longest = len("&#x10FFFF;")
	digits, ok := bytes.CutPrefix(b[:min(len(b), longest)], []byte("&#"))
	end := bytes.IndexByte(digits, ';')
	if !ok || end < 0 {
		return 0, false
	}
	base := 10
	text := string(digits[:end])
	if text != "" && text[0] == 'x' {
		base, text = 16, text[1:]
	}
	n, err := strconv.ParseInt(text, base, 32)
	return len("&#") + end + len(";"), err == nil && (!allowed(rune(n)) || !utf8.ValidRune(rune(n)))
}

// plainText returns what a host wrote that is no XML, such as an error in its language, without the white space around it.
func plainText(b []byte) string {
	text, _ := io.ReadAll(readText(bytes.NewReader(b))) // reading bytes in memory does not fail
	if !utf8.Valid(text) {
		text = repair(text)
	}
	return string(bytes.TrimSpace(text))
}
