package cimerror

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseDatetime reads a CIM datetime (DSP0004), 25 characters with the number of microseconds after the point:
//
//	20261005042350.702341+120    a timestamp and its distance from UTC in minutes
//	00000001020304.000000:000    an interval: 1 day, 2 hours, 3 minutes, 4 seconds
//
// A timestamp is a [time.Time] in UTC, an interval a [time.Duration]. Asterisks stand for digits that the sender does not
// know: such a field gets its least value, the year must be known, and with no digit known at all the value is nil.
// 1601-01-01T00:00:00Z is how Windows writes "never" (facts/wire-format.md §6); it becomes the zero Time.
// The xs:dateTime form is read too, without a zone as UTC.
func parseDatetime(raw string) (any, error) {
	s := strings.Trim(raw, blank)
	var v any
	var err error
	switch {
	case len(s) != 25 || s[14] != '.':
		v, err = parseXSDateTime(s)
	case strings.Trim(s[:21], "*.") == "":
		return nil, nil //nolint:nilnil // the one value that is neither a time nor an error: unknown
	case s[21] == ':':
		v, err = parseInterval(s)
	case s[21] == '+' || s[21] == '-':
		v, err = parseTimestamp(s)
	default:
		err = errors.New("neither timestamp nor interval")
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not a datetime: %w", quote(raw), err)
	}
	return v, nil
}

func parseXSDateTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return orNever(t), nil
		}
	}
	return time.Time{}, errors.New("unknown form")
}

func parseTimestamp(s string) (time.Time, error) {
	f := fields{s: s}
	year, month, day := f.next(4, math.MinInt), f.next(2, 1), f.next(2, 1)
	hour, minute, second, micro := f.next(2, 0), f.next(2, 0), f.next(2, 0), f.micro()
	f.s = s[22:]
	offset := f.next(3, 0)
	switch {
	case f.bad:
		return time.Time{}, errors.New("not a digit")
	case year < 0:
		return time.Time{}, errors.New("unknown year")
	case hour > 23, minute > 59, second > 59:
		return time.Time{}, errors.New("no such time")
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, micro*1000, time.UTC)
	if t.Month() != time.Month(month) { // Date has carried over a day or month that does not exist
		return time.Time{}, errors.New("no such day")
	}
	if s[21] == '-' {
		offset = -offset
	}
	return orNever(t.Add(-time.Duration(offset) * time.Minute)), nil
}

func parseInterval(s string) (time.Duration, error) {
	f := fields{s: s}
	days, hours, minutes, seconds, micro := f.next(8, 0), f.next(2, 0), f.next(2, 0), f.next(2, 0), f.micro()
	const maxDays = int(math.MaxInt64/(24*int64(time.Hour))) - 1
	switch {
	case f.bad:
		return 0, errors.New("not a digit")
	case s[22:] != "000":
		return 0, errors.New("an interval ends in :000")
	case hours > 23, minutes > 59, seconds > 59:
		return 0, errors.New("no such time")
	case days > maxDays:
		return 0, fmt.Errorf("more than %d days", maxDays)
	}
	return time.Duration(days)*24*time.Hour + time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute +
		time.Duration(seconds)*time.Second + time.Duration(micro)*time.Microsecond, nil
}

// fields reads the fixed fields of a datetime one after another.
type fields struct {
	s   string
	bad bool // a field was neither digits nor asterisks
}

// next reads n characters; all asterisks are the value unknown.
func (f *fields) next(n, unknown int) int {
	field := f.s[:n]
	f.s = f.s[n:]
	if strings.Trim(field, "*") == "" {
		return unknown
	}
	return f.number(field)
}

// micro reads the point and six digits of microseconds, of which any last ones may be unknown.
func (f *fields) micro() int {
	field := f.s[1:7]
	f.s = f.s[7:]
	known := strings.TrimRight(field, "*")
	return f.number(known + "000000"[len(known):])
}

func (f *fields) number(digits string) int {
	n, err := strconv.ParseUint(digits, 10, 31) // unsigned: no sign is a digit
	if err != nil {
		f.bad = true
	}
	return int(n)
}

// orNever returns t in UTC, and the zero Time for the first moment of FILETIME.
func orNever(t time.Time) time.Time {
	t = t.UTC()
	if t.Equal(time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)) {
		return time.Time{}
	}
	return t
}
