package wsmantest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const (
	uriTasks    = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/Microsoft/Windows/ServerManager/MSFT_ServerManagerTasks"
	channelVMMS = "Microsoft-Windows-Hyper-V-VMMS-Admin"
)

func tasks() wsman.Resource {
	return wsman.Resource{Namespace: "root/Microsoft/Windows/ServerManager", Class: "MSFT_ServerManagerTasks"}
}

// eventModel is a host whose VMMS-Admin holds five events, a minute apart, the last of them now.
func eventModel() *wsmantest.Model {
	m := testModel()
	m.EventLogs = []wsmantest.EventLog{
		{Channel: channelVMMS, Events: []wsmantest.LogEvent{
			{ID: 20413, At: -4 * minute, RecordID: 101},
			{ID: 1106, At: -3 * minute, Level: 2},
			{ID: 21024, At: -2 * minute, Level: 2, Message: "It failed for <web-01>"},
			{ID: 20413, At: -minute},
			{ID: 20415, Provider: "Other"},
		}},
		{Channel: "Denied", Code: 5},
		{Channel: "Analytic", Code: 15022},
		{Channel: "Between", Events: []wsmantest.LogEvent{{ID: 1, At: -3*minute - minute/2}, {ID: 2, At: -minute / 2}}},
	}
	return m
}

// filterOf is a FilterXml of the queries of channels, which come in pairs.
func filterOf(pairs ...string) string {
	var b strings.Builder
	b.WriteString(`<QueryList><Query Id="0">`)
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, `<Select Path="%s">%s</Select>`, html.EscapeString(pairs[i]), html.EscapeString(pairs[i+1]))
	}
	return b.String() + "</Query></QueryList>"
}

// readEvents calls the method and returns "record id" of each item, whichever way they came.
func readEvents(t *testing.T, c *wsman.Client, input ...wsman.Parameter) (string, error) {
	t.Helper()
	resp, err := c.Invoke(t.Context(), &wsman.InvokeRequest{Resource: tasks(), Method: "GetServerEventDetailEx", Input: input})
	if err != nil {
		return "", err
	}
	var items [][]wsman.Property
	outputs, _ := resp.Output.Array("cmdletOutput")
	for _, p := range outputs {
		items = append(items, p.Children)
	}
	for _, i := range resp.Streamed {
		properties := i.Properties
		if len(properties) == 1 {
			properties = properties[0].Children
		}
		items = append(items, properties)
	}
	var list []string
	for _, properties := range items {
		text := map[string]string{}
		for _, p := range properties {
			text[p.Name] = p.Text
		}
		list = append(list, text["RecordId"]+" "+text["Id"])
	}
	return strings.Join(list, ", "), nil
}

// TestEventDetail asks for events in every way that the method has.
func TestEventDetail(t *testing.T) {
	t.Parallel()
	all := wsman.Parameter{Name: "FilterXml", Value: filterOf(channelVMMS, "*")}
	filter := func(pairs ...string) wsman.Parameter {
		return wsman.Parameter{Name: "FilterXml", Value: filterOf(pairs...)}
	}
	newest := wsman.Parameter{Name: "ReverseDirection", Value: true}
	tests := []struct {
		name  string
		input []wsman.Parameter
		want  string
	}{
		{"oldest first", []wsman.Parameter{all}, "101 20413, 102 1106, 103 21024, 104 20413, 105 20415"},
		{"newest first", []wsman.Parameter{all, newest}, "105 20415, 104 20413, 103 21024, 102 1106, 101 20413"},
		{"a page", []wsman.Parameter{all, {Name: "Skip", Value: 1}, {Name: "Top", Value: 2}, newest}, "104 20413, 103 21024"},
		{"the oldest", []wsman.Parameter{all, {Name: "Skip", Value: 0}, {Name: "Top", Value: 1}, {Name: "ReverseDirection", Value: false}, {Name: "BatchSize", Value: 1}}, "101 20413"},
		{"the last page", []wsman.Parameter{all, {Name: "Skip", Value: 4}, {Name: "Top", Value: 2}, newest}, "101 20413"},
		{"behind it", []wsman.Parameter{all, {Name: "Skip", Value: 5}, {Name: "Top", Value: 2}, newest}, ""},
		{"far behind it", []wsman.Parameter{all, {Name: "Skip", Value: uint64(1<<64 - 1)}, {Name: "Top", Value: uint64(1<<64 - 1)}}, ""},
		{"none", []wsman.Parameter{all, {Name: "Top", Value: 0}}, ""},
		{"NULL", []wsman.Parameter{all, {Name: "Top", Value: nil}}, "101 20413, 102 1106, 103 21024, 104 20413, 105 20415"},
		{"errors", []wsman.Parameter{filter(channelVMMS, "*[System[Level=2]]")}, "102 1106, 103 21024"},
		{"the second error", []wsman.Parameter{filter(channelVMMS, "*[System[Level=2]]"), {Name: "Skip", Value: 1}}, "103 21024"},
		{"recent", []wsman.Parameter{filter(channelVMMS, "*[System[TimeCreated[timediff(@SystemTime) <= 60000]]]"), newest}, "105 20415, 104 20413"},
		{"a provider", []wsman.Parameter{filter(channelVMMS, "*[System[Provider[@Name='Other']]]")}, "105 20415"},
		{"another case", []wsman.Parameter{filter(strings.ToUpper(channelVMMS), "*[System[EventID=1106]]")}, "102 1106"},
		{"two queries", []wsman.Parameter{filter(channelVMMS, "*[System[EventID=1106]]", channelVMMS, "*[System[Level=2]]")}, "102 1106, 103 21024"},
		{"two channels", []wsman.Parameter{filter("Between", "*", channelVMMS, "*"), {Name: "Top", Value: 4}}, "101 20413, 1 1, 102 1106, 103 21024"},
		{"two channels, newest first", []wsman.Parameter{filter("Between", "*", channelVMMS, "*"), newest, {Name: "Top", Value: 3}}, "105 20415, 2 2, 104 20413"},
		{"an empty channel", []wsman.Parameter{filter("System", "*")}, ""},
	}
	for _, service := range []wsmantest.EventService{{}, {Streaming: true}, {Streaming: true, StreamElement: true}, {Streaming: true, StreamAlone: true}} {
		for style, dialect := range map[wsman.URIStyle]wsmantest.Dialect{
			wsman.URIStyleMicrosoft: {},
			wsman.URIStyleDMTF: {
				Prefixes: map[string]string{"s": "env", "p": "n1", "xsi": "i"}, ReverseProperties: true, OmitRelatesTo: true,
				OutputName: "*", OutputNamespace: "urn:output",
			},
		} {
			m := eventModel()
			m.EventService, m.Dialect = service, dialect
			c := newClient(t, newServer(t, wsmantest.Config{Model: m}), wsman.Config{URIStyle: style})
			for _, tt := range tests {
				got, err := readEvents(t, c, tt.input...)
				if err != nil || got != tt.want {
					t.Errorf("%+v, %v: %s: %q, %v; want %q", service, style, tt.name, got, err, tt.want)
				}
			}
		}
	}
}

// TestEventTimes writes a time in each form, and the lines of a message as Windows ends them.
func TestEventTimes(t *testing.T) {
	t.Parallel()
	for form, want := range map[wsmantest.TimestampForm]string{
		"": "134081856012345678", wsmantest.TimestampFILETIME: "134081856012345678",
		wsmantest.TimestampTicks: "638993088012345678", wsmantest.TimestampOdd: "1763712001",
	} {
		m := &wsmantest.Model{
			Start: time.Date(2025, 11, 21, 8, 0, 0, 0, time.UTC), EventService: wsmantest.EventService{Timestamp: form},
			EventLogs: []wsmantest.EventLog{{Channel: "A", Events: []wsmantest.LogEvent{{ID: 1, At: 1234567890, Message: "one\ntwo"}}}},
		}
		reply, root := ask(t, newServer(t, wsmantest.Config{Model: m}), "administrator", callEvents(filterOf("A", "*")))
		if got := find(root, "Body/GetServerEventDetailEx_OUTPUT/cmdletOutput/Timestamp"); got != want {
			t.Errorf("%q: Timestamp %s, want %s", form, got, want)
		}
		if !bytes.Contains(reply.Body, []byte(">one\r\ntwo<")) {
			t.Errorf("the message is not in %s", reply.Body)
		}
	}
}

// callEvents calls the method by hand with a filter and further parameters.
func callEvents(filter string, more ...string) envelope {
	return envelope{
		action: uriTasks + "/GetServerEventDetailEx", resource: uriTasks,
		body: `<r:GetServerEventDetailEx_INPUT xmlns:r="` + uriTasks + `"><r:FilterXml>` + html.EscapeString(filter) + `</r:FilterXml>` +
			strings.Join(more, "") + `</r:GetServerEventDetailEx_INPUT>`,
	}
}

// TestEventFaults is refused for each reason, with its subcode and number.
func TestEventFaults(t *testing.T) {
	t.Parallel()
	good := filterOf(channelVMMS, "*")
	keys := callEvents(good)
	keys.selectors = map[string]string{"Name": "x"}
	missing, none, bare := eventModel(), eventModel(), eventModel()
	missing.EventService.Missing = true
	none.EventService.NoNamespace = true
	bare.NoHyperV = true
	get := replaced(getJob(), uriJob, uriTasks)
	get.selectors = nil
	tests := []struct {
		name    string
		model   *wsmantest.Model
		user    string
		request envelope
		subcode string
		number  uint32
	}{
		{"no channel", nil, "administrator", callEvents(filterOf("Absent", "*")), "w:InternalError", 0x80073A9F},
		{"one of two", nil, "administrator", callEvents(filterOf(channelVMMS, "*", "Absent", "*")), "w:InternalError", 0x80073A9F},
		{"denied", nil, "administrator", callEvents(filterOf("Denied", "*")), "w:AccessDenied", 0x80070005},
		{"another code", nil, "administrator", callEvents(filterOf("Analytic", "*")), "w:InternalError", 0x80073AAE},
		{"bad query", nil, "administrator", callEvents(filterOf(channelVMMS, "*[System[")), "w:InternalError", 0x80073A99},
		{"no filter", nil, "administrator", callEvents(""), "w:InternalError", 0x80073A99},
		{"complex", nil, "administrator", callEvents(filterOf(channelVMMS, "*[System["+strings.Repeat("Level=2 or ", 32)+"Level=2]]")), "w:InternalError", 0x80073AB2},
		{"not an Event Log Reader", nil, "outsider", callEvents(good), "w:AccessDenied", 0x80070005},
		{"may not invoke", nil, "reader", callEvents(good), "w:AccessDenied", 5},
		{"may nothing", nil, "denied", callEvents(good), "w:AccessDenied", 5},
		{"no class", missing, "administrator", callEvents(good), "a:DestinationUnreachable", 2150858752},
		{"no namespace", none, "administrator", callEvents(good), "a:DestinationUnreachable", 2147749902},
		{"another class", nil, "administrator", replaced(callEvents(good), "MSFT_ServerManagerTasks", "Msvm_MigrationJob"), "a:DestinationUnreachable", 2150858752},
		{"without Hyper-V", bare, "administrator", callEvents(filterOf("Microsoft-Windows-Hyper-V-Worker-Admin", "*")), "w:InternalError", 0x80073A9F},
		{"another method", nil, "administrator", replaced(callEvents(good), "GetServerEventDetailEx", "GetServerEventDetail"), "a:ActionNotSupported", 2150858771},
		{"Get", nil, "administrator", get, "a:ActionNotSupported", 2150858771},
		{"Enumerate", nil, "administrator", replaced(enumerateJobs(), uriJob, uriTasks), "a:ActionNotSupported", 2150858771},
		{"keys", nil, "administrator", keys, "w:InvalidSelectors", 2150858843},
		{"another input", nil, "administrator", replaced(callEvents(good), "DetailEx_INPUT", "DetailEx_IN"), "w:SchemaValidationError", 2150858817},
		{"another namespace", nil, "administrator", callEvents(good, "<Top>1</Top>"), "w:SchemaValidationError", 2150858817},
		{"another parameter", nil, "administrator", callEvents(good, "<r:Bottom>1</r:Bottom>"), "w:SchemaValidationError", 2150858817},
		{"twice", nil, "administrator", callEvents(good, "<r:Top>1</r:Top><r:Top>1</r:Top>"), "w:SchemaValidationError", 2150858817},
		{"no number", nil, "administrator", callEvents(good, "<r:Top>many</r:Top>"), "w:SchemaValidationError", 2150858817},
		{"negative", nil, "administrator", callEvents(good, "<r:Skip>-1</r:Skip>"), "w:SchemaValidationError", 2150858817},
		{"above uint32", nil, "administrator", callEvents(good, "<r:BatchSize>4294967296</r:BatchSize>"), "w:SchemaValidationError", 2150858817},
		{"no boolean", nil, "administrator", callEvents(good, "<r:ReverseDirection>newest</r:ReverseDirection>"), "w:SchemaValidationError", 2150858817},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.model == nil {
				tt.model = eventModel()
			}
			_, root := ask(t, newServer(t, wsmantest.Config{Model: tt.model}), tt.user, tt.request)
			if got := find(root, "Body/Fault/Code/Subcode/Value"); got != tt.subcode {
				t.Errorf("subcode %q, want %q", got, tt.subcode)
			}
			e := root.FindElement("//WSManFault")
			if e == nil || e.SelectAttrValue("Code", "") != fmt.Sprint(tt.number) {
				t.Errorf("WSManFault %v, want code %d", e, tt.number)
			}
		})
	}
}

// TestEventFaultText: a client reads the number of Windows in the text too, as people do.
func TestEventFaultText(t *testing.T) {
	t.Parallel()
	c := newClient(t, newServer(t, wsmantest.Config{Model: eventModel()}), wsman.Config{})
	_, err := readEvents(t, c, wsman.Parameter{Name: "FilterXml", Value: filterOf("Absent", "*")})
	if got := faultOf(t, err).Text(); !strings.Contains(got, "Absent (15007, 0x80073A9F)") {
		t.Errorf("text %q", got)
	}
}

// TestEventRules breaks the third page, and bounds every page.
func TestEventRules(t *testing.T) {
	t.Parallel()
	m := eventModel()
	m.EventService.MaxItems = 2
	c := newClient(t, newServer(t, wsmantest.Config{Model: m, Rules: []wsmantest.Rule{
		{Operation: "GetServerEventDetailEx", After: 2, Count: 1, Fault: wsmantest.FaultTimedOut},
	}}), wsman.Config{})
	for i, want := range []string{"101 20413, 102 1106", "103 21024, 104 20413", "wsman:TimedOut", "105 20415"} {
		got, err := readEvents(t, c, wsman.Parameter{Name: "FilterXml", Value: filterOf(channelVMMS, "*")},
			wsman.Parameter{Name: "Skip", Value: min(2*i, 4)}, wsman.Parameter{Name: "Top", Value: 100})
		if err != nil {
			got = string(faultOf(t, err).Subcode)
		}
		if got != want {
			t.Errorf("page %d: %q, want %q", i, got, want)
		}
	}
}

// TestEventsTooLarge: no answer is larger than the client takes, and one event may be; a host does not write what it cannot send.
func TestEventsTooLarge(t *testing.T) {
	t.Parallel()
	m := &wsmantest.Model{Start: start, EventLogs: []wsmantest.EventLog{
		{Channel: "Large", Events: []wsmantest.LogEvent{{ID: 1}, {ID: 2, Message: strings.Repeat("&", 1<<20)}, {ID: 3}}},
		{Channel: "Many", Events: make([]wsmantest.LogEvent, 100_000)},
	}}
	c := newClient(t, newServer(t, wsmantest.Config{Model: m}), wsman.Config{})
	for _, tt := range []struct {
		channel   string
		skip, top int
		want      string
	}{
		{"Large", 0, 1, "1 1"},
		{"Large", 0, 2, "wsman:EncodingLimit"},
		{"Large", 1, 1, "wsman:EncodingLimit"},
		{"Large", 2, 1, "3 3"},
		{"Many", 0, 100_000, "wsman:EncodingLimit"},
		{"Many", 99_999, 10, "100000 0"},
	} {
		got, err := readEvents(t, c, wsman.Parameter{Name: "FilterXml", Value: filterOf(tt.channel, "*")},
			wsman.Parameter{Name: "Skip", Value: tt.skip}, wsman.Parameter{Name: "Top", Value: tt.top})
		if err != nil {
			got = string(faultOf(t, err).Subcode)
		}
		if got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

// TestManyEvents pages through 100,000 events as a client does, and misses none.
func TestManyEvents(t *testing.T) {
	t.Parallel()
	m := &wsmantest.Model{Start: start, EventLogs: []wsmantest.EventLog{{Channel: "Many", Events: make([]wsmantest.LogEvent, 100_000)}}}
	for i := range m.EventLogs[0].Events {
		e := &m.EventLogs[0].Events[i]
		*e = wsmantest.LogEvent{ID: 20415, At: wsmantest.Duration(i-100_000) * wsmantest.Duration(time.Second), Level: uint8(2 + i%3)}
	}
	c := newClient(t, newServer(t, wsmantest.Config{Model: m}), wsman.Config{})
	const page = 500
	next := 50_000
	for skip := 0; ; skip += page {
		got, err := readEvents(t, c, wsman.Parameter{Name: "FilterXml", Value: filterOf("Many", "*[System[TimeCreated[timediff(@SystemTime) > 50000000]]]")},
			wsman.Parameter{Name: "Skip", Value: skip}, wsman.Parameter{Name: "Top", Value: page}, wsman.Parameter{Name: "ReverseDirection", Value: true})
		if err != nil {
			t.Fatal(err)
		}
		if got == "" {
			break
		}
		for item := range strings.SplitSeq(got, ", ") {
			if want := fmt.Sprint(next, " 20415"); item != want {
				t.Fatalf("behind %d: %s, want %s", skip, item, want)
			}
			next--
		}
	}
	if next != 0 {
		t.Errorf("%d events are missing", next)
	}
}

// TestBadEventLogs refuses what makes no sense, and says where.
func TestBadEventLogs(t *testing.T) {
	t.Parallel()
	events := func(list string) string { return `{"eventLogs": [{"channel": "A", "events": [` + list + `]}]}` }
	for _, tt := range []struct{ model, want string }{
		{`{"eventLogs": [{}]}`, "eventLogs[0]: channel is required"},
		{`{"eventLogs": [{"channel": "a"}, {"channel": "A"}]}`, `eventLogs[1]: channel "A" twice`},
		{`{"eventLogs": [{"channel": "a&b"}]}`, `eventLogs[0]: channel "a&b" is no name`},
		{`{"eventLogs": [{"channel": "a\nb"}]}`, `channel "a\nb" is no name`},
		{`{"eventLogs": [{"channel": "` + strings.Repeat("a", 256) + `"}]}`, "is no name"},
		{`{"eventLogs": [{"channel": "A", "code": 65536}]}`, "eventLogs[0]: code 65536"},
		{`{"eventLogs": [{"channel": "A", "clearedAfter": 1}]}`, "want text such as"},
		{events(`{"id": 1}, {"id": 65536}`), "eventLogs[0]: events[1]: id 65536"},
		{events(`{"id": -1}`), "cannot unmarshal"},
		{events(`{"id": 1, "level": 6}`), "events[0]: level 6"},
		{events(`{"id": 1, "root": "a b"}`), `events[0]: root "a b"`},
		{events(`{"id": 1, "fields": [{"value": "v"}, {"name": "a b", "value": "v"}]}`), `events[0]: fields[1]: name "a b"`},
		{events(`{"id": 1, "at": "2s"}, {"id": 2, "at": "1s"}`), "events[1]: at 1s is before the 2s"},
		{events(`{"id": 1, "recordID": 7}, {"id": 2, "recordID": 7}`), "events[1]: recordID 7 does not follow 7"},
		{events(`{"id": 1, "recordID": 18446744073709551615}, {"id": 2}`), "events[1]: recordID 0 does not follow"},
		{`{"eventDigits": 8}`, "eventDigits 8"},
		{`{"eventService": {"maxItems": -1}}`, "eventService: maxItems -1"},
		{`{"eventService": {"timestamp": "unix"}}`, `eventService: timestamp "unix"`},
		{`{"eventService": {"streamAlone": true}}`, "eventService: streamElement and streamAlone need streaming"},
	} {
		_, err := wsmantest.DecodeModel(strings.NewReader(tt.model))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("DecodeModel(%.80s) = %v, want an error with %q", tt.model, err, tt.want)
		}
	}
}

// TestEventLogsJSON writes a model with all that event logs can hold, and reads it again.
func TestEventLogsJSON(t *testing.T) {
	t.Parallel()
	want := &wsmantest.Model{
		EventDigits: 9,
		EventLogs: []wsmantest.EventLog{
			{Channel: "A/B c", Code: 15011, ClearedAfter: -minute},
			{Channel: "D", Events: []wsmantest.LogEvent{
				{ID: 65535, At: -minute, Level: 5, Provider: "P", RecordID: 1, Root: "EventData", Fields: []wsmantest.LogField{{Name: "a b", Value: "1"}, {Value: ""}}},
				{At: -minute, RecordID: 18446744073709551615, Message: "m\r\n", UserID: "u", Computer: "c", Bare: true, Raw: "<x"},
			}},
		},
		EventService: wsmantest.EventService{
			Missing: true, NoNamespace: true, Streaming: true, StreamElement: true, StreamAlone: true, Timestamp: wsmantest.TimestampTicks, MaxItems: 3,
		},
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := wsmantest.DecodeModel(strings.NewReader(string(b)))
	if err != nil {
		t.Fatalf("DecodeModel(%s): %v", b, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the model (-want +got):\n%s", diff)
	}
}
