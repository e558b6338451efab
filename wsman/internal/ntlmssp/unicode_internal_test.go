package ntlmssp

// In the package: upper and the text codec are seen by no peer alone.

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var year2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestUpper has a row for every kind of letter whose capital is in doubt.
func TestUpper(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"user@corp.example", "USER@CORP.EXAMPLE"},
		{"jürgen", "JÜRGEN"},
		{"straße", "STRAßE"},             // one unit gives one unit
		{"ıſ", "ıſ"},                     // never an ASCII letter
		{"iI", "II"},                     // no Turkish rule
		{"µ", "µ"},                       // the micro sign is no mu
		{"μς", "ΜΣ"},                     // both sigmas
		{"ÿ", "Ÿ"},                       // from Latin-1 out of it
		{"ǆǅ", "Ǆǅ"},                     // digraphs: the title case stays
		{"жё", "ЖЁ"},                     //
		{"𐐨", "𐐨"},                       // Deseret: a pair of surrogates
		{"漢字😀", "漢字😀"},                   //
		{"\u0345\u1fbe", "\u0345\u1fbe"}, // iota subscript and prosgegrammeni
		{"გიორგი", "გიორგი"},             // Georgian got capitals with Unicode 11
		{"\uab70", "\uab70"},             // and Cherokee small letters with Unicode 8
	} {
		got, err := decodeText(upper(text(t, tt.in)))
		if err != nil || got != tt.want {
			t.Errorf("upper(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestText(t *testing.T) {
	for _, in := range []string{"", "a", "schlüssel€", "😀漢", strings.Repeat("x", 70000)} {
		if got, err := decodeText(text(t, in)); err != nil || got != in {
			t.Errorf("decodeText(encodeText(%.20q)) = %.20q, %v", in, got, err)
		}
	}
	if b, err := encodeText("pass\xff"); err == nil {
		t.Errorf("encodeText of bad UTF-8 = %x", b)
	}
	if s, err := decodeText([]byte{'a'}); err == nil {
		t.Errorf("decodeText of one octet = %q", s)
	}
	if s, err := decodeText([]byte{0x00, 0xd8, 'a', 0}); err != nil || !utf8.ValidString(s) || !strings.HasSuffix(s, "a") {
		t.Errorf("decodeText of a lone surrogate = %q, %v", s, err)
	}
}
