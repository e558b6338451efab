package wsman

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// formatDuration writes d as xs:duration in seconds, the form that Windows' own clients send: PT60.000S.
func formatDuration(d time.Duration) string {
	return "PT" + strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + "S"
}

// parseDuration reads an xs:duration, such as P0DT0H5M0S. Years and months have no fixed length and are refused unless zero.
func parseDuration(s string) (time.Duration, bool) {
	rest, negative := strings.CutPrefix(s, "-")
	rest, ok := strings.CutPrefix(rest, "P")
	if !ok || rest == "" {
		return 0, false
	}
	date, clock, hasClock := strings.Cut(rest, "T")
	if hasClock && clock == "" {
		return 0, false
	}
	total := new(big.Rat)
	if !addFields(total, date, "YMD", []int64{-1, -1, 86400}) || !addFields(total, clock, "HMS", []int64{3600, 60, 1}) {
		return 0, false
	}
	if negative {
		total.Neg(total)
	}
	return ratDuration(total)
}

// addFields adds the fields of one half of a duration to total, in seconds. Each unit may stand once, in order; its weight
// is in seconds, -1 for units that must be zero. Only seconds may have a fraction.
func addFields(total *big.Rat, s, units string, weights []int64) bool {
	next := 0
	for s != "" {
		end := strings.IndexAny(s, units)
		if end <= 0 || end > 20 {
			return false
		}
		unit := strings.IndexByte(units, s[end])
		if unit < next || !isDecimal(s[:end], s[end] == 'S') {
			return false
		}
		value, ok := new(big.Rat).SetString(s[:end])
		if !ok || weights[unit] < 0 && value.Sign() != 0 {
			return false
		}
		total.Add(total, value.Mul(value, new(big.Rat).SetInt64(max(weights[unit], 0))))
		next, s = unit+1, s[end+1:]
	}
	return true
}

// isDecimal tells whether s is digits, with one fraction when that is allowed.
func isDecimal(s string, fraction bool) bool {
	whole, part, dotted := strings.Cut(s, ".")
	if dotted && (!fraction || part == "") {
		return false
	}
	return whole != "" && strings.Trim(whole+part, "0123456789") == ""
}

// ratDuration converts seconds, cutting what is finer than a nanosecond.
func ratDuration(seconds *big.Rat) (time.Duration, bool) {
	ns := new(big.Int).Quo(new(big.Int).Mul(seconds.Num(), big.NewInt(int64(time.Second))), seconds.Denom())
	if !ns.IsInt64() {
		return 0, false
	}
	return time.Duration(ns.Int64()), true
}

// never is FILETIME 0, which Windows writes for "no such moment" (facts/wire-format.md §6).
var never = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant that Go cannot declare as one

// parseTime reads an xs:dateTime, with or without a zone (then UTC), or the 25-character form of DSP0004 §5.2.4.
// FILETIME 0 becomes the zero time.
func parseTime(s string) (time.Time, bool) {
	t, ok := parseCIMTime(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if ok {
			break
		}
		var err error
		t, err = time.Parse(layout, s)
		ok = err == nil
	}
	if ok && t.Equal(never) {
		return time.Time{}, true
	}
	return t.UTC(), ok
}

// parseCIMTime reads yyyymmddhhmmss.mmmmmmsutc. Unknown digits are asterisks; they read as the smallest value.
// A timestamp of asterisks alone is the zero time.
func parseCIMTime(s string) (time.Time, bool) {
	if len(s) != 25 || s[14] != '.' || s[21] != '+' && s[21] != '-' {
		return time.Time{}, false
	}
	if strings.Trim(s[:14]+s[15:21], "*") == "" {
		return time.Time{}, true
	}
	f := cimFields{text: s}
	year, month, day := f.number(0, 4, -1), f.number(4, 6, 1), f.number(6, 8, 1)
	hour, minute, second := f.number(8, 10, 0), f.number(10, 12, 0), f.number(12, 14, 0)
	micro, offset := f.number(15, 21, 0), f.number(22, 25, 0)
	if s[21] == '-' {
		offset = -offset
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, micro*1000, time.UTC)
	// time.Date normalises 31 February to a day in March: a value that changed was no date.
	if f.bad || year < 0 || t.Day() != day || int(t.Month()) != month || t.Hour() != hour || t.Minute() != minute || t.Second() != second {
		return time.Time{}, false
	}
	return t.Add(-time.Duration(offset) * time.Minute), true
}

// parseCIMInterval reads ddddddddhhmmss.mmmmmm:000 (DSP0004 §5.2.4). Unknown digits read as zero.
func parseCIMInterval(s string) (time.Duration, bool) {
	if len(s) != 25 || s[14] != '.' || s[21:] != ":000" {
		return 0, false
	}
	f := cimFields{text: s}
	days, hours, minutes := f.number(0, 8, 0), f.number(8, 10, 0), f.number(10, 12, 0)
	seconds, micro := f.number(12, 14, 0), f.number(15, 21, 0)
	if f.bad || hours > 23 || minutes > 59 || seconds > 59 || int64(days) >= math.MaxInt64/int64(24*time.Hour) {
		return 0, false
	}
	return time.Duration(days)*24*time.Hour + time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute +
		time.Duration(seconds)*time.Second + time.Duration(micro)*time.Microsecond, true
}

// cimFields reads the fixed columns of a CIM datetime.
type cimFields struct {
	text string
	bad  bool
}

// number reads digits; asterisks may take the place of the last ones. All asterisks give unknown.
func (f *cimFields) number(from, to, unknown int) int {
	digits := strings.TrimRight(f.text[from:to], "*")
	if digits == "" {
		return unknown
	}
	if strings.Trim(digits, "0123456789") != "" {
		f.bad = true
		return unknown
	}
	n, err := strconv.Atoi(digits + strings.Repeat("0", to-from-len(digits)))
	if err != nil {
		f.bad = true
	}
	return n
}
