package ntlmssp

import (
	"encoding/binary"
	"errors"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// encodeText writes text in UTF-16, little-endian. Text that is not UTF-8 is refused: with a substitute for the bad octets a
// password would be a wrong one, and wrong passwords lock accounts.
func encodeText(text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("not UTF-8")
	}
	b := make([]byte, 0, 2*len(text))
	for _, r := range text {
		if hi, lo := utf16.EncodeRune(r); hi != unicode.ReplacementChar {
			b = binary.LittleEndian.AppendUint16(b, uint16(hi)) //nolint:gosec // a surrogate has 16 bits
			r = lo
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(r)) //nolint:gosec // a rune of one unit has 16 bits
	}
	return b, nil
}

// decodeText reads UTF-16 that a peer sent; surrogates without their other half become U+FFFD.
func decodeText(b []byte) (string, error) {
	if len(b)%2 != 0 {
		return "", errors.New("UTF-16 of an odd length")
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units)), nil
}

// upper returns b, which is UTF-16 in little-endian order, in upper case as Windows' own table has it, unit by unit.
func upper(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for ; len(b) >= 2; b = b[2:] {
		out = binary.LittleEndian.AppendUint16(out, upperUnit(binary.LittleEndian.Uint16(b)))
	}
	return out
}

// upperUnit maps one unit. Windows maps one unit to one (MS-UCODEREF 3.1.5.3), so surrogates stay (the letters they make have no case there) and
// so does the sharp s; and it maps a letter only to the capital whose small letter it is: dotless i, long s, the micro sign,
// Greek symbols and title-case digraphs stay. The final sigma is the exception. Georgian and Cherokee had no case yet when
// the table was made. Compared with Samba's table, taken from an early Windows, only letters that Unicode got later differ,
// and those with an iota subscript.
func upperUnit(u uint16) uint16 {
	const finalSigma, sigma = 'ς', 'Σ'
	r := rune(u)
	capital := unicode.ToUpper(r)
	switch {
	case r == finalSigma:
		return sigma
	case capital > 0xFFFF || unicode.ToLower(capital) != r || unicode.In(r, unicode.Cherokee, unicode.Georgian):
		return u
	}
	return uint16(capital) //nolint:gosec // compared above
}
