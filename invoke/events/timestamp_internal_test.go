package events

// In the package, so that one property is read without an answer around it.

import (
	"strconv"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{
		"134396352071234567", "639307584071234567", "13439635207123456", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "0", " 1 ", "",
		"2026-11-20T08:00:07.1234567Z", "20261120080007.123456+000", "**************.******+***", "1601-01-01T00:00:00Z",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := readTimestamp(&wsman.Property{Name: "Timestamp", Text: text})
		if ok == got.IsZero() || got.Location() != time.UTC {
			t.Errorf("%q: %v, %t", text, got, ok)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !ok {
			return
		}
		// A number stands for one time, and that time for it.
		units := []int64{(got.Unix()+11_644_473_600)*10_000_000 + int64(got.Nanosecond()/100), (got.Unix()+62_135_596_800)*10_000_000 + int64(got.Nanosecond()/100), (got.Unix()+11_644_473_600)*1_000_000 + int64(got.Nanosecond()/1000)}
		if n != units[0] && n != units[1] && n != units[2] || got.Year() < 1990 || got.Year() >= 2200 {
			t.Errorf("%d is %v", n, got)
		}
	})
}
