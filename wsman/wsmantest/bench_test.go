package wsmantest_test

import (
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// BenchmarkGetErrorEx asks one job of a host with a thousand.
func BenchmarkGetErrorEx(b *testing.B) {
	s, err := wsmantest.NewServer(wsmantest.Config{Model: manyJobs(1000), Clock: (&clock{start}).now, HTTP: true})
	if err != nil {
		b.Fatal(err)
	}
	request := callGetError()
	request.replace = []string{jobFailed, "JOB-0999"}
	b.ReportAllocs()
	for b.Loop() {
		reply, err := s.Transport("administrator").RoundTrip(b.Context(), &wsman.Request{Body: []byte(request.String())})
		if err != nil || reply.StatusCode != 200 {
			b.Fatal(reply, err)
		}
	}
}

// BenchmarkEventPage asks for the last page of a channel of 100,000 events: all of them are looked at.
func BenchmarkEventPage(b *testing.B) {
	m := &wsmantest.Model{Start: start, EventLogs: []wsmantest.EventLog{{Channel: "Many", Events: make([]wsmantest.LogEvent, 100_000)}}}
	s, err := wsmantest.NewServer(wsmantest.Config{Model: m, Clock: (&clock{start}).now, HTTP: true})
	if err != nil {
		b.Fatal(err)
	}
	filter := filterOf("Many", "*[System[(Level=2 or Level=4) and TimeCreated[timediff(@SystemTime) <= 86400000]]]")
	request := callEvents(filter, "<r:Skip>99800</r:Skip><r:Top>200</r:Top><r:ReverseDirection>true</r:ReverseDirection>")
	b.ReportAllocs()
	for b.Loop() {
		reply, err := s.Transport("administrator").RoundTrip(b.Context(), &wsman.Request{Body: []byte(request.String())})
		if err != nil || reply.StatusCode != 200 {
			b.Fatal(reply, err)
		}
	}
}

// BenchmarkNewFleet makes the hosts of a fleet, without listening.
func BenchmarkNewFleet(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wsmantest.NewFleet(wsmantest.FleetConfig{Hosts: 100}); err != nil {
			b.Fatal(err)
		}
	}
}
