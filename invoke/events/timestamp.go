package events

import (
	"strconv"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// readTimestamp reads the Timestamp of an item. Its unit is not documented (facts/event-log.md §5.1): a number is what it can be within
// the years 1990 to 2199, where no number has two meanings. A cim:Datetime, an xs:dateTime and the 25 characters of CIM are taken too.
// It reports false for anything else, and for "never".
func readTimestamp(p *wsman.Property) (time.Time, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(p.Text), 10, 64)
	if err != nil {
		t, err := p.Time()
		return t, err == nil && !t.IsZero()
	}
	const (
		unix1601 = -11_644_473_600 // the epoch of FILETIME and of CIM, in seconds of Unix
		unix1    = -62_135_596_800 // the year 1, that of .NET
	)
	for _, unit := range [...]struct{ perSecond, epoch int64 }{
		{10_000_000, unix1601}, // FILETIME
		{10_000_000, unix1},    // the ticks of .NET
		{1_000_000, unix1601},  // the microseconds that a CIM datetime counts
	} {
		t := time.Unix(n/unit.perSecond+unit.epoch, n%unit.perSecond*(int64(time.Second)/unit.perSecond)).UTC()
		if y := t.Year(); 1990 <= y && y < 2200 {
			return t, true
		}
	}
	return time.Time{}, false
}
