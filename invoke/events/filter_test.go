package events_test

import (
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// TestFilter: what is selected is asked for as one query of one channel.
func TestFilter(t *testing.T) {
	var many []uint8
	for l := range uint8(40) {
		many = append(many, l)
	}
	tests := []struct {
		name  string
		sel   events.Selection
		xpath string
	}{
		{"everything", events.Selection{}, "*"},
		{"a day", events.Selection{Since: 24 * time.Hour}, "*[System[TimeCreated[timediff(@SystemTime) <= 86400000]]]"},
		{"parts of a millisecond", events.Selection{Since: time.Microsecond}, "*[System[TimeCreated[timediff(@SystemTime) <= 1]]]"},
		{"a negative time", events.Selection{Since: -time.Hour}, "*"},
		{"the longest time", events.Selection{Since: 1<<63 - 1}, "*[System[TimeCreated[timediff(@SystemTime) <= 9223372036855]]]"},
		{"levels", events.Selection{Levels: []uint8{3, 1, 2, 2}}, "*[System[(Level=1 or Level=2 or Level=3)]]"},
		{"information", events.Selection{Levels: []uint8{4}}, "*[System[(Level=0 or Level=4)]]"},
		{"more levels than there is room for", events.Selection{Levels: many}, "*"},
		{
			"all of it",
			events.Selection{Provider: "Microsoft-Windows-FailoverClustering", Levels: []uint8{2}, Since: time.Second},
			"*[System[Provider[@Name='Microsoft-Windows-FailoverClustering'] and (Level=2) and TimeCreated[timediff(@SystemTime) <= 1000]]]",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &smHost{}
			tt.sel.Channel = "Microsoft-Windows-FailoverClustering/Operational"
			if r := smCollect(t, h.source(t).Events(t.Context(), &tt.sel)); r.err != nil {
				t.Fatal(r.err)
			}
			const begin = `<QueryList><Query Id="0" Path="Microsoft-Windows-FailoverClustering/Operational">` +
				`<Select Path="Microsoft-Windows-FailoverClustering/Operational">`
			if got := h.calls[0].filter; !strings.HasPrefix(got, begin) {
				t.Fatal(got)
			}
			doc := etree.NewDocument()
			if err := doc.ReadFromString(h.calls[0].filter); err != nil {
				t.Fatal(err)
			}
			if got := doc.FindElement("/QueryList/Query/Select").Text(); got != tt.xpath {
				t.Errorf("%s\nwant %s", got, tt.xpath)
			}
		})
	}
}
