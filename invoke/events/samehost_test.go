package events_test

import (
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

func TestSameHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"hv01", "HV01", true},
		{"hv01", "hv01.corp.example.", true},
		{"hv01.corp.example", "HV01.corp.example", true},
		{"hv01.a.example", "hv01.b.example", false},
		{"hv01", "hv02", false},
		{"hv01", "hv011", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192", false},
		{"192.0.2.1", "192.0.2.2", false},
		{"", "", false},
		{".", "", false},
		{".corp.example", "", false},
	} {
		if got := events.SameHost(tt.a, tt.b); got != tt.want || events.SameHost(tt.b, tt.a) != got {
			t.Errorf("SameHost(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

// TestBegan: that something was told of a migration is not that it began then.
func TestBegan(t *testing.T) {
	t.Parallel()
	event := func(id uint32) *events.Event {
		return &events.Event{System: events.System{Provider: "Microsoft-Windows-Hyper-V-VMMS", EventID: &id}}
	}
	for want, list := range map[bool][]*events.Event{true: {event(20306), event(20413), event(21024)}, false: {event(20306), event(21024)}} {
		if got := (&events.Incident{Events: list}).Began(); got != want {
			t.Errorf("Began = %v, want %v", got, want)
		}
	}
}
