package events_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

const (
	xmlNamespace = "http://schemas.microsoft.com/win/2004/08/events/event"
	vmmsAdmin    = "Microsoft-Windows-Hyper-V-VMMS-Admin"
)

// movedEvent is an event as wevtutil writes it: single quotes, no white space (facts/event-log.md §1.2 to §1.4).
func movedEvent(record int) string {
	return fmt.Sprintf(`<Event xmlns='%s'><System><Provider Name='Microsoft-Windows-Hyper-V-VMMS' Guid='{6066f867-7ca1-4418-85fd-36e3f9c0600c}'/>`+
		`<EventID>21024</EventID><Version>0</Version><Level>2</Level><Task>0</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords>`+
		`<TimeCreated SystemTime='2026-03-02T10:11:12.2356205Z'/><EventRecordID>%d</EventRecordID><Correlation/>`+
		`<Execution ProcessID='2600' ThreadID='4188'/><Channel>%s</Channel><Computer>alder.example.test</Computer>`+
		`<Security UserID='S-1-5-18'/></System><UserData><VmlEventLog xmlns='http://www.microsoft.com/Windows/Virtualization/Events'>`+
		`<VmName>Büro &amp; Lager</VmName><VmId>0F5C2B6E-7A55-4D0B-9C3E-3D1A6C2B9E41</VmId><ErrorCode>0x80072741</ErrorCode>`+
		`<ErrorMessage>%%%%2147952449</ErrorMessage></VmlEventLog></UserData>`+
		`<RenderingInfo Culture='en-US'><Message>The move of &apos;Büro &amp; Lager&apos; failed.`+"\r\n"+`See the other host.</Message><Level>Error</Level>`+
		`<Task></Task><Opcode>Info</Opcode><Channel/><Provider/><Keywords><Keyword>a</Keyword><Keyword>b</Keyword></Keywords></RenderingInfo></Event>`,
		xmlNamespace, record, vmmsAdmin)
}

func movedWant(record uint64) *events.Event {
	return &events.Event{
		System: events.System{
			Provider: "Microsoft-Windows-Hyper-V-VMMS", ProviderGUID: "{6066f867-7ca1-4418-85fd-36e3f9c0600c}",
			EventID: new(uint32(21024)), Version: new(uint8(0)), Level: new(uint8(2)), Task: new(uint16(0)), Opcode: new(uint8(0)),
			Keywords: new(uint64(0x8000000000000000)), Time: time.Date(2026, 3, 2, 10, 11, 12, 235620500, time.UTC), RecordID: &record,
			ProcessID: new(uint32(2600)), ThreadID: new(uint32(4188)), Channel: vmmsAdmin, Computer: "alder.example.test", UserID: "S-1-5-18",
		},
		Root: "VmlEventLog",
		Fields: []events.Field{
			{Name: "VmName", Value: "Büro & Lager"},
			{Name: "VmId", Value: "0F5C2B6E-7A55-4D0B-9C3E-3D1A6C2B9E41"},
			{Name: "ErrorCode", Value: "0x80072741"},
			{Name: "ErrorMessage", Value: "%%2147952449"},
		},
		Rendering: &events.Rendering{
			Culture: "en-US", Message: "The move of 'Büro & Lager' failed.\nSee the other host.", Level: "Error", Opcode: "Info",
			Keywords: []string{"a", "b"},
		},
	}
}

func TestDecodeEvent(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 11, 12, 0, time.UTC)
	tests := []struct {
		name, in string
		want     *events.Event
	}{
		{"as wevtutil writes it", movedEvent(7), movedWant(7)},
		{"double quotes and indentation", strings.NewReplacer("'", `"`, "><", ">\r\n  <").Replace(movedEvent(7)), movedWant(7)},
		{"a prefix", strings.NewReplacer("</", "</e:", "<", "<e:", "xmlns=", "xmlns:e=").Replace(movedEvent(7)), movedWant(7)},
		{"nothing of System", "<Event><System/></Event>", &events.Event{}},
		{"nothing", "<Event/>", &events.Event{}},
		{"an empty start", "<?xml version='1.0' encoding='utf-16'?>\n<!-- - -- a --><Event></Event>\n", &events.Event{}},
		{
			"a classic source",
			`<Event><System><Provider Name="Disk"/><EventID Qualifiers="49156">11</EventID><Keywords>0x80000000000000</Keywords>` +
				`<Correlation ActivityID="{A}"/></System><EventData><Data>one</Data><Data></Data><Binary>0A0B</Binary></EventData></Event>`,
			&events.Event{
				System: events.System{
					Provider: "Disk", EventID: new(uint32(11)), Qualifiers: new(uint16(49156)), Keywords: new(uint64(0x80000000000000)), ActivityID: "{A}",
				},
				Root: "EventData", Fields: []events.Field{{Value: "one"}, {}, {Name: "Binary", Value: "0A0B"}},
			},
		},
		{
			"named data, text in pieces",
			"<Event><EventData><Data Name='A'>1<!-- x -->2<![CDATA[<3>&]]>&#52;</Data><Data Name='B'> </Data></EventData></Event>",
			&events.Event{Root: "EventData", Fields: []events.Field{{Name: "A", Value: "12<3>&4"}, {Name: "B", Value: " "}}},
		},
		{
			"values within values",
			"<Event><UserData><Any><A><B>1</B><B>2</B>x<C><D/></C></A>  own</Any></UserData></Event>",
			&events.Event{
				Root: "Any",
				Fields: []events.Field{
					{Name: "A/B", Value: "1"},
					{Name: "A/B", Value: "2"},
					{Name: "A/C/D"},
					{Name: "A", Value: "x"},
					{Name: "Any", Value: "  own"},
				},
			},
		},
		{
			"more than one root", "<Event><UserData>t<One><A>1</A></One><Two><A>2</A></Two></UserData><BinaryEventData>00FF</BinaryEventData></Event>",
			&events.Event{
				Root:   "One",
				Fields: []events.Field{{Name: "A", Value: "1"}, {Name: "Two/A", Value: "2"}, {Name: "UserData", Value: "t"}, {Name: "BinaryEventData", Value: "00FF"}},
			},
		},
		{
			"data that the host could not read",
			"<Event><ProcessingErrorData><ErrorCode>15005</ErrorCode><EventPayload>0A</EventPayload></ProcessingErrorData></Event>",
			&events.Event{
				Root: "ProcessingErrorData", Fields: []events.Field{{Name: "ErrorCode", Value: "15005"}, {Name: "EventPayload", Value: "0A"}},
				Problems: []string{"the host could not make out the data of the event"},
			},
		},
		{
			"numbers that are none",
			"<Event><System><EventID>x</EventID><Level>256</Level><Version> 1 </Version><Task>-1</Task><Opcode></Opcode></System></Event>",
			&events.Event{System: events.System{Version: new(uint8(1))}, Problems: []string{
				`EventID "x" is not a number that it can be`,
				`Level "256" is not a number that it can be`,
				`Task "-1" is not a number that it can be`,
			}},
		},
		{"elements where text should be", "<Event><System><EventID>1<a>2</a></EventID><TimeCreated/></System></Event>", &events.Event{
			System: events.System{EventID: new(uint32(12))},
		}},
		{"no fraction", timed("2026-03-02T10:11:12Z"), &events.Event{System: events.System{Time: at}}},
		{"9 digits", timed("2026-03-02T10:11:12.874847300Z"), &events.Event{System: events.System{Time: at.Add(874847300)}}},
		{"an offset", timed("2026-03-02T12:11:12.5+02:00"), &events.Event{System: events.System{Time: at.Add(time.Second / 2)}}},
		{"no zone", timed("2026-03-02T10:11:12.5"), &events.Event{
			System:   events.System{Time: at.Add(time.Second / 2)},
			Problems: []string{`the time "2026-03-02T10:11:12.5" has no zone; it is taken as UTC`},
		}},
		{"no time", timed("yesterday"), &events.Event{
			System: events.System{TimeText: "yesterday"}, Problems: []string{`"yesterday" is not a time`},
		}},
		{"an attribute twice", "<Event><System><Provider Name='a' Name='b'/></System></Event>", &events.Event{
			System: events.System{Provider: "a"}, Problems: []string{"attribute Name of Provider stands twice"},
		}},
		{"windows-1252", "<Event><EventData><Data>B\xfcro \x80 Büro</Data></EventData></Event>", &events.Event{
			Root: "EventData", Fields: []events.Field{{Value: "Büro € Büro"}},
			Problems: []string{"bytes that are not UTF-8 were read as windows-1252"},
		}},
		{"characters that XML forbids", "<Event><EventData><Data>a&#x1;\x02b&#10;&#xD800;&amp;</Data></EventData></Event>", &events.Event{
			Root: "EventData", Fields: []events.Field{{Value: "a\ufffd\ufffdb\n\ufffd&"}},
			Problems: []string{"characters that XML forbids were replaced"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := events.DecodeEvent([]byte(tt.in))
			if err != nil {
				t.Fatalf("DecodeEvent: %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("DecodeEvent(%s) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func timed(text string) string {
	return "<Event><System><TimeCreated SystemTime='" + text + "'/></System></Event>"
}

func TestDecodeEventLimits(t *testing.T) {
	nested := func(n int) string {
		return "<Event>" + strings.Repeat("<a>", n) + "x" + strings.Repeat("</a>", n) + "</Event>"
	}
	tests := []struct {
		name, in, want string // want is what the error says, "" for none
	}{
		{"64 elements within each other", nested(63), ""},
		{"65", nested(64), "nested too deeply"},
		{"many more", nested(1000), "nested too deeply"},
		{"64 attributes", "<Event" + attributes(64) + "/>", ""},
		{"65 attributes", "<Event><a" + attributes(65) + "/></Event>", "too many attributes"},
		{"1 MB", "<Event><EventData><Data>" + strings.Repeat("x", 1<<20) + "</Data></EventData></Event>", ""},
		{"2 MiB", "<Event><EventData><Data>" + strings.Repeat("x", 2<<20) + "</Data></EventData></Event>", "too large"},
		{"2 MiB of elements", "<Event>" + strings.Repeat("<a/>", 1<<19) + "</Event>", "too large"},
		{"2 MiB of CDATA", "<Event><![CDATA[" + strings.Repeat("</Event>]>", 1<<18) + "]]></Event>", "too large"},
		{"a long tag", "<Event><a b='" + strings.Repeat("x", 1<<16) + "'/></Event>", "a tag is too long"},
		{"a long name", "<Event><" + strings.Repeat("x", 257) + "/></Event>", "name of an element is too long"},
		{"a document type", "<!DOCTYPE Event [<!ENTITY a 'b'>]><Event/>", "document type"},
		{"a document type in an event", "<Event><!DOCTYPE a></Event>", "document type"},
		{"an unknown entity", "<Event><a>&b;</a></Event>", "entity &b;"},
		{"tags that do not match", "<Event><a></b></Event>", "element a is ended by b"},
		{"an element without its end", "<Event><a></Event>", "element a is ended by Event"},
		{"a stray end", "</Event>", "without a beginning"},
		{"another element", "<html/>", "an element that is no event"},
		{"text", "Access is denied.", "text between the events"},
		{"a section of text", "<![CDATA[ ]]>", "text between the events"},
		{"text after", "<Event/>x", "text between the events"},
		{"a second event", "<Event/><Event/>", "a second event"},
		{"nothing", " ", "no event"},
		{"an event without its end", "<Event><a/>", "ends within"},
		{"half a tag", "<Event><a", "ends within"},
		{"half a comment", "<!-", "ends within"},
		{"a comment that ends as it begins", "<Event><!--></Event>", "ends within"},
		{"half a section", "<Event><![CDATA[ ]]", "ends within"},
		{"an open quote", "<Event a='></Event>", "ends within"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := events.DecodeEvent([]byte(tt.in))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("DecodeEvent: %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

// TestDecodeEventBounds: more than 4096 fields and 16 problems are not kept, and names that are put together stay short.
func TestDecodeEventBounds(t *testing.T) {
	in := "<Event><System>" + strings.Repeat("<Level a='' a=''>x</Level>", 20)
	for i := range 20 {
		in += fmt.Sprintf("<Level>%d00</Level>", i+3)
	}
	name := strings.Repeat("n", 200)
	in += "</System><EventData>" + strings.Repeat("<a/>", 4096) + "<b/></EventData>"
	in += "<More><" + name + "><" + name + "><" + name + "/></" + name + "></" + name + "></More></Event>"
	e, err := events.DecodeEvent([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Fields) != 4096 || e.Fields[4095].Name != "a" || len(e.Problems) != 16 {
		t.Errorf("%d fields and %d problems, want 4096 and 16", len(e.Fields), len(e.Problems))
	}
	e, err = events.DecodeEvent([]byte("<Event><Root><" + name + "><" + name + "><" + name + "/></" + name + "></" + name + "></Root></Event>"))
	if err != nil || len(e.Fields) != 1 || e.Fields[0].Name != name {
		t.Errorf("fields %v, error %v; want one named by its own element", e.Fields, err)
	}
}

// A readerStep is what Next returns: the record number of an event, or what the error says.
func readerSteps(r *events.Reader) []string {
	var steps []string
	for {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return append(steps, "end")
		case errors.Is(err, events.ErrTruncated):
			return append(steps, "truncated")
		case err != nil && len(steps) > 0 && steps[len(steps)-1] == err.Error():
			return append(steps, "again")
		case err != nil:
			steps = append(steps, err.Error())
		case e.RecordID == nil:
			steps = append(steps, "event")
		default:
			steps = append(steps, fmt.Sprint(*e.RecordID))
		}
	}
}

func TestReader(t *testing.T) {
	a, b := movedEvent(1), movedEvent(2)
	large := "<Event><!--" + strings.Repeat("</Event>", 1<<18) + "--></Event>"
	tests := []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", []string{"end"}},
		{"a run", a + b, []string{"1", "2", "end"}},
		{"documents", "\ufeff<?xml version='1.0'?>\r\n" + a + "\r\n\ufeff<?xml version='1.0'?><!-- <Event> -->" + b + "\n", []string{"1", "2", "end"}},
		{"a root", "<Events xmlns='x'>\n" + a + "\n" + b + "</Events>\n", []string{"1", "2", "end"}},
		{"a root without its end", "<e:Events>" + a, []string{"1", "truncated"}},
		{"an event without its end", a + b[:len(b)-3], []string{"1", "truncated"}},
		{"half a mark", a + "<", []string{"1", "truncated"}},
		{"an event in an event", "<Event><UserData><Event><EventRecordID>9</EventRecordID></Event></UserData></Event>" + b, []string{"event", "2", "end"}},
		{"text between", a + "Der Kanal fehlt.\r\n" + b, []string{"1", `not an event: text between the events: "Der Kanal fehlt."`, "2", "end"}},
		{"text before", "Oje <" + b, []string{
			`not an event: text between the events: "Oje"`, `not an event: text between the events: "<"`, "2", "end",
		}},
		{"another element", "<html>Isn't<br/></html>" + b, []string{
			`not an event: an element that is no event: "<html>"`, `not an event: text between the events: "Isn't"`,
			`not an event: an element that is no event: "<br/>"`, "2", "end",
		}},
		{"a bare mark", "<Event><a>isn't < x's</a></Event>" + b, []string{
			`not an event: bad XML: XML syntax error on line 1: expected element name after <: "<Event><a>isn't < x's</a></Event>"`, "2", "end",
		}},
		{"a broken event", a + "<Event><a></Event>" + b, []string{
			"1", `not an event: bad XML: element a is ended by Event: "<Event><a></Event>"`, "2", "end",
		}},
		{"too large an event", a + large + b, []string{"1", string(events.ErrTooLarge), "2", "end"}},
		{"a document type", a + "<!DOCTYPE Event>" + b, []string{"1", `not an event: a document type declaration: "<!DOCTYPE"`, "again"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, encode := range encodings() {
				if len(tt.in) > 1<<20 && name != "UTF-8" {
					continue // takes long, as a byte at a time does
				}
				if got := readerSteps(events.NewReader(bytes.NewReader(encode(tt.in)))); !slices.Equal(got, tt.want) {
					t.Fatalf("%s: got %q, want %q", name, got, tt.want)
				}
			}
			if len(tt.in) > 1<<20 {
				return
			}
			in := iotest.OneByteReader(bytes.NewReader(utf16Text(tt.in, binary.LittleEndian)))
			if got := readerSteps(events.NewReader(in)); !slices.Equal(got, tt.want) {
				t.Errorf("byte by byte: got %q, want %q", got, tt.want)
			}
		})
	}
}

// encodings are the ways in which a host may write the same text.
func encodings() map[string]func(string) []byte {
	mark := func(order binary.AppendByteOrder) func(string) []byte {
		return func(s string) []byte { return append(order.AppendUint16(nil, 0xFEFF), utf16Text(s, order)...) }
	}
	return map[string]func(string) []byte{
		"UTF-8":                 func(s string) []byte { return []byte(s) },
		"UTF-8 with a mark":     func(s string) []byte { return []byte("\ufeff" + s) },
		"UTF-16LE":              func(s string) []byte { return utf16Text(s, binary.LittleEndian) },
		"UTF-16BE":              func(s string) []byte { return utf16Text(s, binary.BigEndian) },
		"UTF-16LE with a mark":  mark(binary.LittleEndian),
		"UTF-16BE with a mark":  mark(binary.BigEndian),
		"UTF-16LE with a blank": func(s string) []byte { return utf16Text(" "+s, binary.LittleEndian) },
	}
}

func utf16Text(s string, order binary.AppendByteOrder) []byte {
	b := make([]byte, 0, 2*len(s))
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

// TestReaderCut: output that stops within a character is cut, wherever that is.
func TestReaderCut(t *testing.T) {
	text := utf16Text(movedEvent(1)+"\r\n", binary.LittleEndian)
	for n := 3; n < len(text); n += 2 {
		want := []string{"truncated"}
		if n >= len(text)-3 {
			want = []string{"1", "truncated"}
		}
		if got := readerSteps(events.NewReader(bytes.NewReader(text[:n]))); !slices.Equal(got, want) {
			t.Fatalf("%d bytes of %d: got %q, want %q", n, len(text), got, want)
		}
	}
}

func TestReaderKeepRaw(t *testing.T) {
	r := events.NewReader(bytes.NewReader(utf16Text("<Events>"+movedEvent(1)+" "+movedEvent(2)+"</Events>", binary.LittleEndian)))
	r.KeepRaw = true
	for i := range 2 {
		e, err := r.Next()
		if err != nil || string(e.Raw) != movedEvent(i+1) {
			t.Errorf("event %d: raw %s, error %v", i+1, e.Raw, err)
		}
	}
}

// TestReaderError: an error of the underlying reader comes as it is, after the events, and stays.
func TestReaderError(t *testing.T) {
	lost := errors.New("lost")
	r := events.NewReader(io.MultiReader(strings.NewReader(movedEvent(1)+"<Event>"), iotest.ErrReader(lost)))
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, lost) {
			t.Errorf("Next: %v, want %v", err, lost)
		}
	}
}
