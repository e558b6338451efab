package events_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// smEvents reads what a host answers with this body at first, and then with nothing.
func smEvents(t *testing.T, sel events.Selection, body string) ([]*events.Event, error) {
	t.Helper()
	h := &smHost{answer: func(n int, _ smCall) string {
		if n == 0 {
			return body
		}
		return smOutput(nil, "0")
	}}
	sel.Channel = smChannel
	r := smCollect(t, h.source(t).Events(t.Context(), &sel))
	return r.events, r.err
}

// TestServerManagerForms: an event is the same in whatever form a host puts it.
func TestServerManagerForms(t *testing.T) {
	at := smTime(7)
	want := &events.Event{
		System: events.System{
			Provider: "Microsoft-Windows-Hyper-V-VMMS", EventID: new(uint32(21024)), Level: new(uint8(2)), RecordID: new(uint64(7)),
			Channel: smChannel, Time: at,
		},
		Log: smChannel, Route: events.RouteServerManager, Rendering: &events.Rendering{Message: "It failed: <A&B>\r\n(0x8009030E)"},
	}
	item := strings.ReplaceAll(smItem(7, at, "It failed: <A&B>#(0x8009030E)"), "#", "&#13;\n")
	const begin, end = "<p:GetServerEventDetailEx_OUTPUT>", "<p:ReturnValue>0</p:ReturnValue></p:GetServerEventDetailEx_OUTPUT>"
	tests := []struct{ name, body string }{
		{"cmdletOutput", begin + "<p:cmdletOutput>" + item + "</p:cmdletOutput>" + end},
		{"ItemValue", begin + "<p:ItemValue>" + item + "</p:ItemValue>" + end},
		{"other letter case", begin + "<p:CmdletOutput>" + strings.NewReplacer("p:RecordId", "p:recordid", "p:Id", "p:ID").Replace(item) + "</p:CmdletOutput>" + end},
		{"any name", begin + "<p:Result>" + item + "</p:Result>" + end},
		{"an element within", begin + `<p:cmdletOutput><p:MSFT_ServerEventDetail xsi:type="p:MSFT_ServerEventDetail_Type">` + item + "</p:MSFT_ServerEventDetail></p:cmdletOutput>" + end},
		{"an empty element beside it", begin + "<p:cmdletOutput> </p:cmdletOutput><p:cmdletOutput>" + item + "</p:cmdletOutput>" + end},
		{"no ReturnValue", begin + "<p:cmdletOutput>" + item + "</p:cmdletOutput></p:GetServerEventDetailEx_OUTPUT>"},
		{"no namespace", "<GetServerEventDetailEx_OUTPUT><cmdletOutput>" + strings.ReplaceAll(item, "p:", "") + "</cmdletOutput></GetServerEventDetailEx_OUTPUT>"},
		{"streamed", "<i:InteractiveEvent><i:Value>" + item + "</i:Value></i:InteractiveEvent>" + begin + end},
		{"streamed, an element within", "<i:InteractiveEvent><i:Value><p:MSFT_ServerEventDetail>" + item + "</p:MSFT_ServerEventDetail></i:Value></i:InteractiveEvent>" + begin + end},
		{"an array of Values, streamed", "<i:InteractiveEvent><i:Value><i:Value>" + item + "</i:Value><i:Value/></i:Value></i:InteractiveEvent>" + begin + end},
		{"streamed within an element", "<i:StreamingOutput><i:InteractiveEvent><i:Name>cmdletOutput</i:Name><i:Value>" + item + "</i:Value></i:InteractiveEvent></i:StreamingOutput>" + begin + end},
		{"three elements around it", begin + "<p:cmdletOutput><i:a><i:Name>b</i:Name><i:b><i:c>" + item + "</i:c></i:b></i:a></p:cmdletOutput>" + end},
		{"any name, elements around it", begin + "<p:Result><p:List><p:Item>" + item + "</p:Item></p:List></p:Result>" + end},
		{"streamed alone", "<i:InteractiveEvent><i:Value>" + item + "</i:Value></i:InteractiveEvent>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := smEvents(t, events.Selection{}, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]*events.Event{want}, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestServerManagerNone: the forms of an answer without events.
func TestServerManagerNone(t *testing.T) {
	for _, body := range []string{
		smOutput(nil, "0"), "<i:InteractiveEvent><i:Value/></i:InteractiveEvent>",
		`<p:GetServerEventDetailEx_OUTPUT><p:cmdletOutput xsi:nil="true"/><p:ReturnValue>0</p:ReturnValue></p:GetServerEventDetailEx_OUTPUT>`,
	} {
		if got, err := smEvents(t, events.Selection{}, body); err != nil || len(got) != 0 {
			t.Errorf("%d events, %v in %s", len(got), err, body)
		}
	}
}

// TestServerManagerStray: what is not an event is told, costs none of those beside it, and does not end the reading.
func TestServerManagerStray(t *testing.T) {
	item := smItem(7, smTime(7), "x")
	const text, other = `not an event: text in place of properties: "<cmdletOutput>&lt;INSTANCE/&gt;</cmdletOutput>"`,
		`not an event: none of the properties of one: "<cmdletOutput><Other>1</Other></cmdletOutput>"`
	tests := []struct {
		name  string
		items []string // of the first answer
		want  string
		calls int
	}{
		{"text", []string{"&lt;INSTANCE/&gt;"}, text, 1},
		{"nothing known", []string{"<p:Other>1</p:Other>", "text"}, other, 1},
		{"beside an event", []string{"<p:Other>1</p:Other>", item}, other + " 7", 2},
		{"four elements around it", []string{"<p:a><p:b><p:c><p:d>" + item + "</p:d></p:c></p:b></p:a>"}, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &smHost{answer: func(n int, _ smCall) string {
				if n == 0 { // a stream may do without a ReturnValue
					return strings.Replace(smOutput(tt.items, "0"), "<p:ReturnValue>0</p:ReturnValue>", "", 1)
				}
				return smOutput(nil, "0")
			}}
			var got []string
			for e, err := range h.source(t).Events(t.Context(), &events.Selection{Channel: smChannel}) {
				if err == nil {
					got = append(got, fmt.Sprint(*e.RecordID))
					continue
				}
				if _, ok := errors.AsType[*events.DecodeError](err); !ok {
					t.Errorf("%#v", err)
				}
				got = append(got, err.Error())
			}
			if s := strings.Join(got, " "); tt.want != "" && s != tt.want || s == "" {
				t.Errorf("got %s, want %s", s, tt.want)
			}
			if len(h.calls) != tt.calls || len(h.calls) == 2 && h.calls[1].skip != len(tt.items) {
				t.Errorf("calls %+v, want %d", h.calls, tt.calls)
			}
			h.calls = nil
			e, err := h.source(t).Oldest(t.Context(), smChannel)
			if _, ok := errors.AsType[*events.DecodeError](err); ok == (e != nil) || ok != (tt.calls == 1) {
				t.Errorf("Oldest: %v, %v", e, err)
			}
		})
	}
}

// TestServerManagerUnknown: a host that sends events in a form that is not known has not said that there are none.
func TestServerManagerUnknown(t *testing.T) {
	h := &smHost{items: []string{"<p:Other>1</p:Other>"}}
	r, err := events.Read(t.Context(), h.source(t), &events.Query{Channels: []string{smChannel}})
	if err != nil {
		t.Fatal(err)
	}
	l := r.Logs[0]
	if _, ok := errors.AsType[*events.DecodeError](l.Partial); !ok || l.Empty || len(l.Problems) != 2 {
		t.Errorf("%+v", l)
	}
}

// TestServerManagerProperties: a property may be missing, NULL or odd; what was wrong is told, and the rest stays.
func TestServerManagerProperties(t *testing.T) {
	tests := []struct {
		name, item string
		want       events.System
		message    string
		rendered   bool
		problems   []string
	}{
		{name: "the rest unknown", item: "<p:Other>1</p:Other><p:Id>1</p:Id>", want: events.System{EventID: new(uint32(1))}},
		{name: "a time alone", item: "<p:Timestamp><p:Datetime>2026-11-20T08:00:00Z</p:Datetime></p:Timestamp>", want: events.System{Time: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}},
		{name: "NULLs", item: `<p:Description xsi:nil="true"/><p:Id xsi:nil="true"/><p:RecordId xsi:nil="true"/><p:Timestamp xsi:nil="true"/>`},
		{name: "an empty text", item: "<p:Description/><p:Id>1</p:Id>", want: events.System{EventID: new(uint32(1))}, rendered: true},
		{name: "blanks", item: "<p:Description> a </p:Description><p:Id> 1 </p:Id><p:Log> L </p:Log>", want: events.System{EventID: new(uint32(1)), Channel: "L"}, message: " a ", rendered: true},
		{
			name: "numbers out of range", item: "<p:Id>4294967296</p:Id><p:Level>256</p:Level><p:RecordId>-1</p:RecordId>",
			problems: []string{`Id: "4294967296" is no uint32`, `Level: "256" is no uint8`, `RecordId: "-1" is no uint64`},
		},
		{name: "large numbers", item: "<p:Id>4294967295</p:Id><p:RecordId>18446744073709551615</p:RecordId>", want: events.System{EventID: new(^uint32(0)), RecordID: new(^uint64(0))}},
		{name: "an odd time", item: "<p:Timestamp>1795161600</p:Timestamp>", want: events.System{TimeText: "1795161600"}, problems: []string{"Timestamp: 1795161600 is no time"}},
		{name: "never", item: "<p:Timestamp>0</p:Timestamp>", want: events.System{TimeText: "0"}, problems: []string{"Timestamp: 0 is no time"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := smEvents(t, events.Selection{}, smOutput([]string{tt.item}, "0"))
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			if d := cmp.Diff(tt.want, got[0].System); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if got[0].Message() != tt.message || (got[0].Rendering != nil) != tt.rendered {
				t.Errorf("message %q, rendering %v", got[0].Message(), got[0].Rendering)
			}
			if d := cmp.Diff(tt.problems, got[0].Problems); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
			if got[0].Raw != nil {
				t.Errorf("raw %s", got[0].Raw)
			}
		})
	}
}

// TestServerManagerTimestamps: the units that Timestamp may have, and that nothing else is one.
func TestServerManagerTimestamps(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 0, 7, 123456700, time.UTC)
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	tests := []struct {
		text string
		want time.Time
	}{
		{"134396352071234567", at}, // FILETIME
		{"639307584071234567", at}, // the ticks of .NET
		{"13439635207123456", time.Date(2026, 11, 20, 8, 0, 7, 123456000, time.UTC)}, // microseconds since 1601
		{fmt.Sprint(smFileTime(year(1990))), year(1990)},
		{fmt.Sprint(smFileTime(year(1990)) - 1), time.Time{}},
		{fmt.Sprint(smFileTime(year(2200)) - 10_000_000), year(2200).Add(-time.Second)},
		{fmt.Sprint(smFileTime(year(2200))), time.Time{}},
		{"2026-11-20T08:00:07.1234567Z", at},
		{"2026-11-20T09:00:07.123456700+01:00", at},
		{"20261120080007.123456+000", time.Date(2026, 11, 20, 8, 0, 7, 123456000, time.UTC)},
		{"1601-01-01T00:00:00Z", time.Time{}},
		{"", time.Time{}},
		{"-134396352071234567", time.Time{}},
		{"18446744073709551615", time.Time{}},
		{"9223372036854775807", time.Time{}},
		{"-9223372036854775808", time.Time{}},
		{"1795161607", time.Time{}}, // seconds of Unix
		{"yesterday", time.Time{}},
	}
	for _, tt := range tests {
		got, err := smEvents(t, events.Selection{}, smOutput([]string{"<p:Id>1</p:Id><p:Timestamp>" + tt.text + "</p:Timestamp>"}, "0"))
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		e := got[0]
		if !e.Time.Equal(tt.want) || !e.Time.IsZero() && e.Time.Location() != time.UTC {
			t.Errorf("%q is %v, want %v", tt.text, e.Time, tt.want)
		}
		if odd := tt.want.IsZero(); odd != (len(e.Problems) == 1) || odd && e.TimeText != tt.text || !odd && e.TimeText != "" {
			t.Errorf("%q: TimeText %q, problems %q", tt.text, e.TimeText, e.Problems)
		}
	}
}

// TestServerManagerRaw: the XML that is kept reads as the same elements.
func TestServerManagerRaw(t *testing.T) {
	item := smItem(7, smTime(7), "It failed: <A&B>") + `<p:Other xmlns:q="urn:q" q:a="1" b="2" xml:lang="de">x<q:c xmlns=""><d/></q:c></p:Other>`
	got, err := smEvents(t, events.Selection{KeepRaw: true}, smOutput([]string{item}, "0"))
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	want := etree.NewDocument()
	if err := want.ReadFromBytes(smEnvelope(smOutput([]string{item}, "0"))); err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(got[0].Raw); err != nil {
		t.Fatalf("%v in %s", err, got[0].Raw)
	}
	if d := cmp.Diff(smCanonical(want.FindElement("//cmdletOutput")), smCanonical(doc.Root())); d != "" {
		t.Errorf("(-want +got):\n%s\n%s", d, got[0].Raw)
	}
	const begin = `<cmdletOutput xmlns="` + smURI + `"><Description>It failed: &lt;A&amp;B&gt;</Description><Id>21024</Id>`
	if !strings.HasPrefix(string(got[0].Raw), begin) {
		t.Errorf("%s", got[0].Raw)
	}
}

// smCanonical writes an element without prefixes.
func smCanonical(e *etree.Element) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{%s}%s", e.NamespaceURI(), e.Tag)
	for i := range e.Attr {
		if a := &e.Attr[i]; a.Space != "xmlns" && a.Key != "xmlns" {
			fmt.Fprintf(&b, " {%s}%s=%q", a.NamespaceURI(), a.Key, a.Value)
		}
	}
	fmt.Fprintf(&b, " %q [", e.Text())
	for _, c := range e.ChildElements() {
		b.WriteString("\n" + smCanonical(c))
	}
	return b.String() + "]"
}
