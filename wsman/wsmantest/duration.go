package wsmantest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that reads and writes in JSON as text such as "5m" or "-90s".
type Duration time.Duration

// String returns the text that JSON holds.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalJSON reads the form of [time.ParseDuration].
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("duration %s: want text such as \"5m\"", b)
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the form of [time.ParseDuration].
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// formatInterval writes d as Windows writes intervals: days, hours, minutes and seconds, all present, with up to six
// fractional digits (facts/wire-format.md §6).
func formatInterval(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	day := 24 * time.Hour
	seconds := strconv.FormatFloat((d % time.Minute).Truncate(time.Microsecond).Seconds(), 'f', -1, 64)
	return fmt.Sprintf("%sP%dDT%dH%dM%sS", sign, d/day, d%day/time.Hour, d%time.Hour/time.Minute, seconds)
}

// formatTimestamp writes t as Windows does: UTC, up to six fractional digits; the zero time is FILETIME 0, "never".
func formatTimestamp(t time.Time) string {
	if t.IsZero() {
		return "1601-01-01T00:00:00Z"
	}
	return t.UTC().Truncate(time.Microsecond).Format("2006-01-02T15:04:05.999999Z")
}

// maxDuration bounds the durations that a request may carry, so that arithmetic cannot overflow.
const maxDuration = 365 * 24 * time.Hour

var errDuration = errors.New("not a duration of days, hours, minutes and seconds")

// parseXSDuration reads an xs:duration without years and months, such as PT60.000S.
func parseXSDuration(s string) (time.Duration, error) {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" || len(s) > 64 {
		return 0, errDuration
	}
	units := []struct {
		suffix byte
		unit   time.Duration
		inTime bool
	}{{'D', 24 * time.Hour, false}, {'H', time.Hour, true}, {'M', time.Minute, true}, {'S', time.Second, true}}
	total, next, inTime := 0.0, 0, false
	for rest != "" {
		if !inTime && rest[0] == 'T' {
			rest, inTime = rest[1:], true
			if rest == "" {
				return 0, errDuration
			}
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 {
			return 0, errDuration
		}
		value, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return 0, errDuration
		}
		for next < len(units) && (units[next].suffix != rest[n] || units[next].inTime != inTime) {
			next++
		}
		if next == len(units) {
			return 0, errDuration
		}
		total += value * float64(units[next].unit)
		next++
		rest = rest[n+1:]
	}
	if total > float64(maxDuration) {
		return maxDuration, nil
	}
	return time.Duration(total), nil
}

// parseDMTFTime reads the 25-character CIM timestamp that WQL literals use, such as 20260102030405.000000+060.
func parseDMTFTime(s string) (time.Time, bool) {
	if len(s) != 25 || (s[21] != '+' && s[21] != '-') {
		return time.Time{}, false
	}
	t, err := time.Parse("20060102150405.000000", s[:21])
	offset, err2 := strconv.Atoi(s[22:])
	if err != nil || err2 != nil {
		return time.Time{}, false
	}
	if s[21] == '-' {
		offset = -offset
	}
	return t.Add(-time.Duration(offset) * time.Minute), true
}
