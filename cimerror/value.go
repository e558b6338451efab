package cimerror

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// convert turns the text of a VALUE into the Go value of its CIM type. A type without a name, or with one that CIM does
// not know, is a string. The value is nil without an error for a datetime of which no digit is known.
func convert(typ, raw string) (any, error) {
	switch typ {
	case "string":
		return raw, nil
	case "uint16":
		return unsigned[uint16](raw, 16)
	case "uint32":
		return unsigned[uint32](raw, 32)
	case "uint8":
		return unsigned[uint8](raw, 8)
	case "uint64":
		return unsigned[uint64](raw, 64)
	case "sint8":
		return signed[int8](raw, 8)
	case "sint16":
		return signed[int16](raw, 16)
	case "sint32":
		return signed[int32](raw, 32)
	case "sint64":
		return signed[int64](raw, 64)
	case "boolean":
		return boolean(raw)
	case "datetime":
		return parseDatetime(raw)
	case "char16":
		return char16(raw)
	case "real32":
		f, err := parseReal(raw, 32)
		return orNil(float32(f), err)
	case "real64":
		f, err := parseReal(raw, 64)
		return orNil(f, err)
	}
	if lower := strings.ToLower(typ); lower != typ {
		return convert(lower, raw)
	}
	return raw, nil
}

// orNil drops the value that comes with an error.
func orNil(v any, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func unsigned[T uint8 | uint16 | uint32 | uint64](raw string, bits int) (any, error) {
	n, err := parseUnsigned(raw, bits)
	return orNil(T(n), err)
}

func parseUnsigned(raw string, bits int) (uint64, error) {
	neg, n, err := parseInteger(raw)
	if err != nil {
		return 0, err
	}
	if neg && n != 0 || n > math.MaxUint64>>(64-bits) {
		return 0, fmt.Errorf("%s is out of range of uint%d", quote(raw), bits)
	}
	return n, nil
}

func signed[T int8 | int16 | int32 | int64](raw string, bits int) (any, error) {
	neg, n, err := parseInteger(raw)
	if err != nil {
		return nil, err
	}
	limit := uint64(1) << (bits - 1)
	switch {
	case neg && n <= limit:
		return T(-n), nil // wraps to the negative number in two's complement
	case !neg && n < limit:
		return T(n), nil
	}
	return nil, fmt.Errorf("%s is out of range of sint%d", quote(raw), bits)
}

// parseInteger reads sign and magnitude: decimal digits, or hexadecimal ones after 0x (DSP0201 allows both),
// with blanks around them. A leading zero does not make a number octal.
func parseInteger(raw string) (neg bool, n uint64, err error) {
	s := strings.Trim(raw, blank)
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg, s = s[0] == '-', s[1:]
	}
	base := 10
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		base, s = 16, s[2:]
	}
	n, err = strconv.ParseUint(s, base, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return false, 0, fmt.Errorf("%s is out of range of 64 bits", quote(raw))
	case err != nil:
		return false, 0, fmt.Errorf("%s is not an integer", quote(raw))
	}
	return neg, n, nil
}

// parseReal reads decimal and exponent forms, INF, -INF and NaN. Go's hexadecimal floats and underscores are not CIM's.
func parseReal(raw string, bits int) (float64, error) {
	s := strings.Trim(raw, blank)
	switch strings.ToUpper(s) {
	case "INF", "+INF":
		return math.Inf(1), nil
	case "-INF":
		return math.Inf(-1), nil
	case "NAN":
		return math.NaN(), nil
	}
	if strings.Trim(s, "+-.0123456789eE") != "" {
		return 0, fmt.Errorf("%s is not a number", quote(raw))
	}
	f, err := strconv.ParseFloat(s, bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is out of range of real%d", quote(raw), bits)
	case err != nil:
		return 0, fmt.Errorf("%s is not a number", quote(raw))
	}
	return f, nil
}

// boolean reads TRUE and FALSE as WMI's encoder writes them, true and false as the MI serializer does (facts/cim-xml.md §1).
func boolean(raw string) (any, error) {
	switch s := strings.Trim(raw, blank); {
	case strings.EqualFold(s, "true"):
		return true, nil
	case strings.EqualFold(s, "false"):
		return false, nil
	}
	return nil, fmt.Errorf("%s is neither true nor false", quote(raw))
}

// char16 reads one character of 16 bits, or the number of one. A single digit is the character.
func char16(raw string) (any, error) {
	if r, size := utf8.DecodeRuneInString(raw); size > 0 && size == len(raw) {
		if units := utf16.AppendRune(nil, r); len(units) == 1 {
			return units[0], nil
		}
	}
	if v, err := unsigned[uint16](raw, 16); err == nil {
		return v, nil
	}
	return nil, fmt.Errorf("%s is not one 16-bit character", quote(raw))
}

// quote returns s in quotes for an error text, cut after 64 bytes.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}
