// An internal test: what a host writes of an event reaches a client in an encoding and in pieces, which are tested apart from it.

package wsmantest

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// eventHost is a host at whose start the events of a channel are a second old.
func eventHost(channel string, digits int, events ...LogEvent) *host {
	m := &Model{Host: "HV77", Start: queryNow, EventDigits: digits, EventLogs: []EventLog{{Channel: channel, Events: events}}}
	for i := range events {
		events[i].At = Duration(-1200300400)
	}
	return newHost(m, queryNow, newSchema())
}

// TestEventXML holds the shapes of facts/event-log.md §1.
func TestEventXML(t *testing.T) {
	t.Parallel()
	const (
		vmms     = "Microsoft-Windows-Hyper-V-VMMS-Admin"
		provider = "<Provider Name='Microsoft-Windows-Hyper-V-VMMS' Guid='{6066f867-7ca1-4418-85fd-36e3f9c0600c}'/>"
		start    = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
		middle   = "<Correlation/><Execution ProcessID='2104' ThreadID='3980'/>"
		system   = start + provider + "<EventID>5</EventID><Version>0</Version><Level>4</Level><Task>0</Task><Opcode>0</Opcode>" +
			"<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='2026-11-20T07:59:58.7996996Z'/><EventRecordID>1</EventRecordID>" +
			middle + "<Channel>" + vmms + "</Channel><Computer>HV77</Computer><Security UserID='S-1-5-18'/></System>"
		vml = "<UserData><VmlEventLog xmlns='http://www.microsoft.com/Windows/Virtualization/Events'>"
		end = "</VmlEventLog></UserData>"
	)
	tests := []struct {
		name     string
		channel  string
		digits   int
		rendered bool
		event    LogEvent
		want     string
	}{
		{"nothing", vmms, 0, false, LogEvent{ID: 5, Message: "m"}, system + vml + end + "</Event>"},
		{
			"named and positional", vmms, 7, false,
			LogEvent{ID: 5, Fields: []LogField{{"VmName", "a<'b'>&\x01"}, {"", "p"}, {"VmId", ""}, {"", "q"}}},
			system + vml + "<VmName>a&lt;&apos;b&apos;&gt;&amp;?</VmName><Parameter0>p</Parameter0><VmId></VmId><Parameter1>q</Parameter1>" + end + "</Event>",
		},
		{
			"another root", vmms, 0, false,
			LogEvent{ID: 5, Root: "Own", Fields: []LogField{{"", "p"}}},
			system + "<UserData><Own xmlns='http://www.microsoft.com/Windows/Virtualization/Events'><Parameter0>p</Parameter0></Own></UserData></Event>",
		},
		{
			"all its own", "System", 9, false,
			LogEvent{
				ID: 1155, Level: 2, Provider: "X'Y", RecordID: 77, Root: "EventData", UserID: "S-1-5-83-1", Computer: "n1.corp.example",
				Fields: []LogField{{"Resource Group", "r"}, {"", "u"}},
			},
			start + "<Provider Name='X&apos;Y'/><EventID>1155</EventID><Version>0</Version><Level>2</Level><Task>0</Task><Opcode>0</Opcode>" +
				"<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='2026-11-20T07:59:58.799699600Z'/><EventRecordID>77</EventRecordID>" +
				middle + "<Channel>System</Channel><Computer>n1.corp.example</Computer><Security UserID='S-1-5-83-1'/></System>" +
				"<EventData><Data Name='Resource Group'>r</Data><Data>u</Data></EventData></Event>",
		},
		{
			"rendered", vmms, 0, true,
			LogEvent{ID: 5, Message: "one\ntwo\r\n<three>"},
			system + vml + end + "<RenderingInfo Culture='de-DE'><Message>one\r\ntwo\r\n&lt;three&gt;</Message><Level>Information</Level>" +
				"<Task></Task><Opcode>Info</Opcode><Channel></Channel><Provider>Microsoft-Windows-Hyper-V-VMMS</Provider><Keywords></Keywords></RenderingInfo></Event>",
		},
		{
			"bare", vmms, 0, false,
			LogEvent{ID: 5, Bare: true, Root: "EventData"},
			"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System></System><EventData></EventData></Event>",
		},
		{"raw", vmms, 0, true, LogEvent{ID: 5, Raw: "<Event>\r\n <broken", Message: "m"}, "<Event>\r\n <broken"},
	}
	for _, tt := range tests {
		h := eventHost(tt.channel, tt.digits, tt.event)
		list, code := h.records(strings.ToUpper(tt.channel), queryNow)
		if len(list) != 1 || code != 0 {
			t.Fatalf("%s: records %v, %d", tt.name, list, code)
		}
		var b bytes.Buffer
		list[0].xml(&b, tt.rendered, "de-DE")
		if diff := cmp.Diff(tt.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestEventDefaults names who writes to which channel, how, and at which level.
func TestEventDefaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		channel, provider string
		level             uint8
		want              string // within the XML
	}{
		{"Microsoft-Windows-Hyper-V-Worker-Admin", "Microsoft-Windows-Hyper-V-Worker", 1, "Guid='{51ddfa29-d5c8-4803-be4b-2ecb715570fe}'"},
		{"Microsoft-Windows-Hyper-V-Compute-Operational", "Microsoft-Windows-Hyper-V-Compute", 2, "Guid='{17103e3f-3c6e-4677-bb17-3b267eb5be57}'"},
		{"Microsoft-Windows-Hyper-V-VMMS-Networking", "Microsoft-Windows-Hyper-V-VMMS", 3, "<Level>Warning</Level>"},
		{"Microsoft-Windows-Hyper-V-High-Availability-Analytic", "Microsoft-Windows-Hyper-V-High-Availability", 1, "<Level>Critical</Level>"},
		{"Microsoft-Windows-FailoverClustering/Operational", "Microsoft-Windows-FailoverClustering", 5, "<Keywords>0x4000000000000000</Keywords>"},
		{"System", "EventLog", 5, "<Level>Verbose</Level>"},
		{"Contoso", "Contoso", 2, "<Level>Error</Level>"},
	}
	for _, tt := range tests {
		list, _ := eventHost(tt.channel, 0, LogEvent{ID: 1, Level: tt.level}).records(tt.channel, queryNow)
		var b bytes.Buffer
		list[0].xml(&b, true, "en-US")
		if got := b.String(); list[0].provider != tt.provider || !strings.Contains(got, tt.want) {
			t.Errorf("%s: provider %s, want %s; XML %s, want %s in it", tt.channel, list[0].provider, tt.provider, got, tt.want)
		}
	}
}

// TestRecords follows a channel over time: what is written, what is cleared, and what cannot be read.
func TestRecords(t *testing.T) {
	t.Parallel()
	second := Duration(time.Second)
	m := &Model{Start: queryNow, EventLogs: []EventLog{
		{Channel: "A", ClearedAfter: 3 * second, Events: []LogEvent{
			{ID: 1, At: -second}, {ID: 2, RecordID: 9}, {ID: 3, At: 2 * second}, {ID: 4, At: 3 * second}, {ID: 5, At: 3 * second},
		}},
		{Channel: "B", Code: 5, Events: []LogEvent{{ID: 1}}},
		{Channel: "C", ClearedAfter: -second, Events: []LogEvent{{ID: 1, At: -2 * second}, {ID: 2, At: second}}},
	}}
	h := newHost(m, queryNow, newSchema())
	tests := []struct {
		channel string
		after   time.Duration
		want    []uint64 // record ids
		code    uint32
	}{
		{"A", -2 * time.Second, nil, 0},
		{"A", -time.Second, []uint64{1}, 0},
		{"A", -1, []uint64{1}, 0},
		{"A", 0, []uint64{1, 9}, 0},
		{"a", 3*time.Second - 1, []uint64{1, 9, 10}, 0},
		{"A", 3 * time.Second, []uint64{11, 12}, 0},
		{"A", time.Hour, []uint64{11, 12}, 0},
		{"B", time.Hour, nil, 5},
		{"C", 0, nil, 0},
		{"C", time.Second, []uint64{2}, 0},
		{"D", 0, nil, 15007},
		{"", 0, nil, 15007},
		{"system", 0, nil, 0},
		{"Microsoft-Windows-Hyper-V-VMMS-Admin", 0, nil, 0},
		{"Hyper-V-VMMS/Admin", 0, nil, 15007}, // as the Event Viewer prints it (facts/event-log.md §1.1)
	}
	for _, tt := range tests {
		list, code := h.records(tt.channel, queryNow.Add(tt.after))
		var got []uint64
		for _, r := range list {
			got = append(got, r.id)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || code != tt.code {
			t.Errorf("%s after %v: code %d, want %d; records (-want +got):\n%s", tt.channel, tt.after, code, tt.code, diff)
		}
	}
	without := newHost(&Model{NoHyperV: true}, queryNow, newSchema())
	for channel, want := range map[string]uint32{"System": 0, "Microsoft-Windows-Hyper-V-VMMS-Admin": 15007} {
		if _, code := without.records(channel, queryNow); code != want {
			t.Errorf("%s without Hyper-V: code %d, want %d", channel, code, want)
		}
	}
}

// FuzzEventXML writes any texts: what comes is a document that this package would read, unless it is the model's own.
func FuzzEventXML(f *testing.F) {
	f.Add("name", "value", "message\n", "S-1-5-18", "en-US")
	f.Add("a'b", "]]>", "<&\x00\uffff", "'", "\r")
	f.Fuzz(func(t *testing.T, name, value, message, user, culture string) {
		for _, root := range []string{"", rootEventData} {
			field := LogField{Name: name, Value: value}
			if root == "" && !isElementName(name) {
				field.Name = ""
			}
			h := eventHost("System", 0, LogEvent{ID: 1, Root: root, Provider: name, Computer: value, UserID: user, Message: message, Fields: []LogField{field}})
			list, _ := h.records("System", queryNow)
			var b bytes.Buffer
			list[0].xml(&b, true, culture)
			e, err := readDocument(b.Bytes())
			if err != nil || !utf8.Valid(b.Bytes()) {
				t.Fatalf("%s: %v", &b, err)
			}
			if got := textOf(child(child(e, namespaceEvent, "System"), namespaceEvent, "Channel")); got != "System" {
				t.Fatalf("%s: channel %q", &b, got)
			}
		}
	})
}
