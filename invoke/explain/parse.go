package explain

import (
	"strconv"
	"strings"
)

// Parse reads arg as one code: in any spelling of [Codes], or a symbol such as SEC_E_NO_CREDENTIALS in any letter case, or a bare
// number of any size. It returns each code that arg can mean: 5 is a Win32 code and a CIM status. A code that no table has is
// returned if it is written with 0x, or could be nothing but an HRESULT or an NTSTATUS. Parse returns nil if arg is not one code.
func Parse(arg string) []Code {
	const longest = 128
	if len(arg) > longest {
		return nil
	}
	word := strings.Trim(arg, " \t\r\n()[]{}<>'\"`.,;!")
	for _, prefix := range []string{"HRESULT", "hr", "code", "NTSTATUS", "status"} {
		if rest, ok := cutPrefixFold(word, prefix); ok && strings.ContainsAny(rest[:1], " :=") {
			word = strings.Trim(rest, " :='\"(")
			break
		}
	}
	if word == "" {
		return nil
	}
	if codes := parseEvent(word); codes != nil {
		return codes
	}
	if found := Codes(word); len(found) == 1 && found[0].Start == 0 && found[0].End == len(word) {
		return []Code{found[0].Code}
	}
	if strings.Trim(word, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-\u2212") != "" {
		return nil
	}
	if codes := parseNumber(word); codes != nil {
		return codes
	}
	if c, ok := codeOfSymbol(word); ok {
		return []Code{c}
	}
	return nil
}

// cutPrefixFold is [strings.CutPrefix] in any case of ASCII letters, and only if something is left.
func cutPrefixFold(s, prefix string) (after string, found bool) {
	if len(s) <= len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// parseEvent reads "event 21502", "event id 21502" and "MessageID 21024".
func parseEvent(word string) []Code {
	for _, prefix := range []string{"event id", "eventid", "event", "messageid"} {
		rest, ok := cutPrefixFold(word, prefix)
		if !ok {
			continue
		}
		v, ok := parseDigits(strings.Trim(rest, " :=#"), 10)
		c := Code{KindEvent, v}
		if ok && hasRow(c) {
			return []Code{c}
		}
	}
	return nil
}

// parseNumber reads a number that stands alone.
func parseNumber(word string) []Code {
	raw := len(word) == 8 && word[0] == '0' // a raw Win32 code in hex digits (facts/migration-failures.md)
	if n, err := strconv.ParseInt(strings.Replace(word, "\u2212", "-", 1), 10, 64); err == nil && !raw {
		if codes := codesOfNumber(n); codes != nil {
			return codes
		}
	}
	digits, prefixed := cutPrefixFold(word, "0x")
	if prefixed && len(digits) == 16 {
		// PowerShell and .NET widen an HRESULT to 64 bits, with its sign or without.
		digits = strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(digits), "FFFFFFFF"), "00000000")
	}
	v, ok := parseDigits(digits, 16)
	if !ok || len(digits) != 8 || !prefixed && !strings.HasPrefix(digits, "8") && v>>24 != 0xC0 && !hasRow(Code{KindWin32, v}) {
		return nil
	}
	c, ok := codeOf(v)
	if !ok {
		return nil
	}
	return []Code{c}
}

// codesOfNumber returns what n can be a code of.
func codesOfNumber(n int64) []Code {
	// A signed number of less than ten digits is an HRESULT of a facility that hardly exists: a table must have it.
	const lowest, tenDigits, highest = -failureBit, -1000000000, 1<<32 - 1
	if c, _ := codeOf(uint32(n & highest)); n >= failureBit && n <= highest || n >= lowest && (n <= tenDigits || n < 0 && hasRow(c)) {
		return []Code{c}
	}
	switch {
	case n < 0 || n > maxWin32:
		return nil
	}
	var codes []Code
	for _, kind := range []Kind{KindWin32, KindCIM, KindReturnValue, KindEvent} {
		c := Code{kind, uint32(n)}
		if hasRow(c) {
			codes = append(codes, c)
		}
	}
	return codes
}
