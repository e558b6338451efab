package transport

// These tests are inside the package because what reads the peer's bytes is not exported.

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

const soapNS = `"http://www.w3.org/2003/05/soap-envelope"`

// documents are beginnings of answers, and whether a SOAP envelope is their root.
var documents = []struct {
	in   string
	want bool
}{
	{`<s:Envelope xmlns:s=` + soapNS + `>`, true},
	{`<Envelope xmlns=` + soapNS + `/>`, true},
	{`<?xml version="1.0" encoding="utf-8"?><!-- x --> <x:Envelope xmlns:x=` + soapNS + `><`, true},
	{`<?xml version="1.0" encoding="ISO-8859-1"?><x:Envelope xmlns:x=` + soapNS + `>`, true},
	{"\xEF\xBB\xBF\r\n<s:Envelope xmlns:s=" + soapNS + ">", true},
	{inUTF16(`<?xml version="1.0" encoding="utf-16"?><s:Envelope xmlns:s=`+soapNS+`>é`, "\xFF\xFE", 0), true},
	{inUTF16(`<s:Envelope xmlns:s=`+soapNS+`>`, "\xFE\xFF", 1), true},
	{inUTF16(`<?xml version="1.0" encoding="utf-16"?><s:Envelope xmlns:s=`+soapNS+`>`, "", 0), true},
	{inUTF16(`<s:Envelope xmlns:s=`+soapNS+`>`, "", 1), true},
	{inUTF16(`<html>`, "", 0), false},
	{"<\x00", false},
	{`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">`, false},
	{`<s:Envelope>`, false},
	{`<Envelope>`, false},
	{`<s:Body xmlns:s=` + soapNS + `>`, false},
	{`<a><s:Envelope xmlns:s=` + soapNS + `></a>`, false},
	{`x<s:Envelope xmlns:s=` + soapNS + `>`, false},
	{`<!-- <s:Envelope xmlns:s=` + soapNS + `> -->`, false},
	{`<!DOCTYPE html><html><body>`, false},
	{`<s:Envelope xmlns:s=` + soapNS, false},
	{"<", false},
	{"\xFF\xFE<", false},
	{"\xFF", false},
	{"", false},
}

// inUTF16 writes s in UTF-16 after the mark; low is the place of the low byte.
func inUTF16(s, mark string, low int) string {
	var b strings.Builder
	b.WriteString(mark)
	for _, unit := range utf16.Encode([]rune(s)) {
		pair := []byte{byte(unit >> 8), byte(unit >> 8)}
		pair[low] = byte(unit)
		b.Write(pair)
	}
	return b.String()
}

func TestHasEnvelope(t *testing.T) {
	for _, tt := range documents {
		if got := hasEnvelope([]byte(tt.in)); got != tt.want {
			t.Errorf("hasEnvelope(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func FuzzHasEnvelope(f *testing.F) {
	for _, tt := range documents {
		f.Add([]byte(tt.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := slices.Clone(in)
		if hasEnvelope(in) && len(in) < len(soapNS) {
			t.Error("an envelope without room for its namespace")
		}
		if !slices.Equal(in, before) {
			t.Error("hasEnvelope wrote into the answer")
		}
	})
}

// challenges are values of WWW-Authenticate, and the schemes in them.
var challenges = []struct {
	in   []string
	want []string
}{
	{nil, nil},
	{[]string{"Negotiate", "Kerberos", `Basic realm="WSMAN"`}, []string{"Negotiate", "Kerberos", "Basic"}},
	{[]string{`Negotiate, Basic realm="a, Digest b", charset="UTF-8" , NTLM`}, []string{"Negotiate", "Basic", "NTLM"}},
	{[]string{`Basic realm="a\", Digest x=", Kerberos`}, []string{"Basic", "Kerberos"}},
	{[]string{"Negotiate YIIabc==, Basic realm = x,charset\t=y"}, []string{"Negotiate", "Basic"}},
	{[]string{`Basic realm="never closed, Kerberos`}, []string{"Basic"}},
	{[]string{"", ",", " , ,,", "=", `"Basic"`, `"\`, "(x)", "\xff\xfe", "é"}, nil},
	{[]string{strings.Repeat("a,", 100)}, strings.Split(strings.Repeat("a,", 15)+"a", ",")},
}

func TestChallengeSchemes(t *testing.T) {
	for _, tt := range challenges {
		if d := cmp.Diff(tt.want, challengeSchemes(tt.in)); d != "" {
			t.Errorf("challengeSchemes(%q) (-want +got):\n%s", tt.in, d)
		}
	}
}

func FuzzChallengeSchemes(f *testing.F) {
	for _, tt := range challenges {
		for _, value := range tt.in {
			f.Add(value, value)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := challengeSchemes([]string{a, b})
		if len(got) > maxChallenges {
			t.Errorf("%d schemes", len(got))
		}
		for _, scheme := range got {
			if scheme == "" || strings.ContainsFunc(scheme, func(r rune) bool { return !isTokenChar(r) }) {
				t.Errorf("scheme %q", scheme)
			}
		}
	})
}

// tokens are values of WWW-Authenticate with the token of scheme Negotiate in them.
var tokens = []struct {
	in, want string
	bad      bool
}{
	{in: "Negotiate YWJj", want: "abc"},
	{in: "negotiate   YWJj ", want: "abc"},
	{in: `Basic realm="a, Negotiate eHl6", Negotiate YWJj, Kerberos`, want: "abc"},
	{in: "Negotiate, Negotiate YWI=", want: "ab"},
	{in: "Negotiate"},
	{in: "Negotiate "},
	{in: "Kerberos YWJj"},
	{in: "NegotiateX YWJj"},
	{in: ""},
	{in: "Negotiate YWJ", bad: true},
	{in: "Negotiate YW Jj", bad: true},
	{in: "Negotiate realm=x", bad: true},
}

func TestChallengeToken(t *testing.T) {
	for _, tt := range tokens {
		for _, values := range [][]string{{tt.in}, {"Kerberos", tt.in, `Basic realm="x"`}} {
			if got, err := challengeToken(values, schemeNegotiate); string(got) != tt.want || (err != nil) != tt.bad {
				t.Errorf("challengeToken(%q) = %q, %v, want %q, failure %v", values, got, err, tt.want, tt.bad)
			}
		}
	}
}

// FuzzChallengeToken: no header makes us panic, and a token comes without an error or not at all.
func FuzzChallengeToken(f *testing.F) {
	for _, tt := range tokens {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if got, err := challengeToken([]string{in}, schemeNegotiate); got != nil && err != nil || len(got) > len(in) {
			t.Errorf("challengeToken(%q) = %q, %v", in, got, err)
		}
	})
}
