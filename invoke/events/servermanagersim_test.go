package events_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// smSimulated returns the route to a simulated host at smTime(0).
func smSimulated(tb testing.TB, m *wsmantest.Model, rules ...wsmantest.Rule) *events.ServerManager {
	tb.Helper()
	m.Start = smTime(0)
	s, err := wsmantest.NewServer(wsmantest.Config{Model: m, Rules: rules, Clock: func() time.Time { return smTime(0) }})
	if err != nil {
		tb.Fatal(err)
	}
	c, err := wsman.NewClient(wsman.Config{Endpoint: s.URL(), Transport: s.Transport("administrator"), QuotaRetries: -1})
	if err != nil {
		tb.Fatal(err)
	}
	return events.NewServerManager(c)
}

// smModel is a host with n events, one a second until now, of the levels 1 to 4 in turn.
func smModel(n int) *wsmantest.Model {
	log := wsmantest.EventLog{Channel: smChannel}
	for i := range n {
		log.Events = append(log.Events, wsmantest.LogEvent{
			ID: 21024, Level: uint8(i%4 + 1), At: wsmantest.Duration(time.Duration(i+1-n) * time.Second), RecordID: uint64(i + 1),
			Message: fmt.Sprintf("It failed: <%d> (0x8009030E)", i+1),
		})
	}
	return &wsmantest.Model{Host: "HV01", EventLogs: []wsmantest.EventLog{log}}
}

// TestServerManagerSimulated: a simulated host gives the same events in every form that it knows.
func TestServerManagerSimulated(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		service wsmantest.EventService
		rules   []wsmantest.Rule
	}{
		{name: "output"},
		{name: "ticks", service: wsmantest.EventService{Timestamp: wsmantest.TimestampTicks}},
		{name: "few at a time", service: wsmantest.EventService{MaxItems: 17}},
		{name: "streamed", service: wsmantest.EventService{Streaming: true}},
		{name: "streamed, an element within", service: wsmantest.EventService{Streaming: true, StreamElement: true}},
		{name: "streamed alone", service: wsmantest.EventService{Streaming: true, StreamAlone: true}},
		{name: "too large at first", rules: []wsmantest.Rule{{Operation: "GetServerEventDetailEx", Count: 2, Fault: wsmantest.FaultEnvelopeTooLarge}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := smModel(450)
			m.EventService = tt.service
			s := smSimulated(t, m, tt.rules...)
			r := smCollect(t, s.Events(t.Context(), &events.Selection{Channel: smChannel}))
			if d := cmp.Diff(smRange(1, 450), r.records); r.err != nil || d != "" {
				t.Fatalf("%v (-want +got):\n%s", r.err, d)
			}
			want := &events.Event{
				System: events.System{
					Provider: "Microsoft-Windows-Hyper-V-VMMS", EventID: new(uint32(21024)), Level: new(uint8(2)), RecordID: new(uint64(450)),
					Channel: smChannel, Time: smTime(0),
				},
				Log: smChannel, Route: events.RouteServerManager, Rendering: &events.Rendering{Message: "It failed: <450> (0x8009030E)"},
			}
			if d := cmp.Diff(want, r.events[0]); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			oldest, err := s.Oldest(t.Context(), smChannel)
			if err != nil || oldest == nil || *oldest.RecordID != 1 {
				t.Errorf("the oldest is %+v, %v", oldest, err)
			}
		})
	}
}

// TestServerManagerSelection: the host gives what is selected, and no more.
func TestServerManagerSelection(t *testing.T) {
	s := smSimulated(t, smModel(100))
	tests := []struct {
		name string
		sel  events.Selection
		want []uint64
	}{
		{"ten seconds", events.Selection{Since: 9 * time.Second}, smRange(91, 100)},
		{"errors of ten seconds", events.Selection{Since: 9 * time.Second, Levels: []uint8{1, 2}}, []uint64{98, 97, 94, 93}},
		{"another provider", events.Selection{Provider: "Microsoft-Windows-Hyper-V-Worker"}, nil},
		{"its provider", events.Selection{Provider: "Microsoft-Windows-Hyper-V-VMMS", Since: time.Second}, smRange(99, 100)},
	}
	for _, tt := range tests {
		tt.sel.Channel = smChannel
		r := smCollect(t, s.Events(t.Context(), &tt.sel))
		if r.err != nil || !slices.Equal(r.records, tt.want) {
			t.Errorf("%s: %v, %v, want %v", tt.name, r.records, r.err, tt.want)
		}
	}
}

// TestServerManagerSimulatedFaults: a channel that cannot be read, and a host that does not have the class.
func TestServerManagerSimulatedFaults(t *testing.T) {
	tests := []struct {
		name    string
		model   *wsmantest.Model
		channel string
		err     func(error) bool
	}{
		{name: "no such channel", model: smModel(1), channel: "No-Such-Channel", err: func(err error) bool { return channelCode(err) == 15007 }},
		{name: "analytic", model: smCode(15022), err: func(err error) bool { return channelCode(err) == 15022 }},
		{name: "denied", model: smCode(5), err: func(err error) bool { return channelCode(err) == 5 }},
		{name: "no class", model: &wsmantest.Model{EventService: wsmantest.EventService{Missing: true}}, err: isMissing},
		{name: "no namespace", model: &wsmantest.Model{EventService: wsmantest.EventService{NoNamespace: true}}, err: isMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := smSimulated(t, tt.model)
			channel := tt.channel
			if channel == "" {
				channel = smChannel
			}
			r := smCollect(t, s.Events(t.Context(), &events.Selection{Channel: channel}))
			if r.err == nil || len(r.events) > 0 || !tt.err(r.err) {
				t.Errorf("%d events, %v", len(r.events), r.err)
			}
			if _, err := s.Oldest(t.Context(), channel); err == nil || !tt.err(err) {
				t.Errorf("the oldest: %v", err)
			}
		})
	}
}

// smCode is a host whose channel cannot be read.
func smCode(code uint32) *wsmantest.Model {
	m := smModel(1)
	m.EventLogs[0].Code = code
	return m
}

func isMissing(err error) bool { return errors.Is(err, events.ErrNoServerManager) && isFault(err) }
