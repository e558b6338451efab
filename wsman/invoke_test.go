package wsman_test

import (
	"encoding/xml"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

type level uint8

// TestParameters: typed values on the wire. Element names keep the caller's case, which Windows minds.
func TestParameters(t *testing.T) {
	ref := &wsman.EndpointReference{ResourceURI: "urn:c", Selectors: wsman.SelectorSet{{Name: "K", Value: "v&w"}}}
	tests := map[string]struct {
		value any
		want  string // content of <r:P …>, or "error: …"
	}{
		"string":      {"a<b", "<r:P>a&lt;b</r:P>"},
		"empty":       {"", "<r:P/>"},
		"null":        {nil, `<r:P xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>`},
		"bool":        {true, "<r:P>true</r:P>"},
		"uint64":      {uint64(math.MaxUint64), "<r:P>18446744073709551615</r:P>"},
		"int8":        {int8(-7), "<r:P>-7</r:P>"},
		"enumeration": {level(3), "<r:P>3</r:P>"},
		"float":       {1.5, "<r:P>1.5</r:P>"},
		"time":        {time.Date(2026, 11, 20, 9, 0, 0, 250000000, time.FixedZone("", 3600)), `<r:P><cim:Datetime xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common">2026-11-20T08:00:00.25Z</cim:Datetime></r:P>`},
		"interval":    {90 * time.Second, `<r:P><cim:Interval xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common">PT90.000S</cim:Interval></r:P>`},
		"array":       {[]string{"a", "b"}, "<r:P>a</r:P><r:P>b</r:P>"},
		"no elements": {[]string{}, ""},
		"reference":   {ref, "<r:P><wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address><wsa:ReferenceParameters><wsman:ResourceURI>urn:c</wsman:ResourceURI><wsman:SelectorSet><wsman:Selector Name=\"K\">v&amp;w</wsman:Selector></wsman:SelectorSet></wsa:ReferenceParameters></r:P>"},
		"a map":       {map[string]string{}, "error: P: a map[string]string cannot be a method parameter"},
		"a NUL":       {"a\x00b", "error: P: a character that XML does not have"},
		"not UTF-8":   {"a\xffb", "error: P: a character that XML does not have"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &script{}
			_, err := newClient(t, s).Invoke(t.Context(), &wsman.InvokeRequest{Resource: migrationJob, Method: "M", Input: []wsman.Parameter{{Name: "P", Value: test.value}}})
			if v, ok := errors.AsType[*wsman.ValueError](err); ok {
				if got := "error: " + v.Error(); got != test.want {
					t.Errorf("error = %s, want %s", got, test.want)
				}
				return
			}
			got := between(string(s.sent[0].Body), "/Msvm_MigrationJob\">", "</r:M_INPUT>")
			if test.want == "" && strings.Contains(string(s.sent[0].Body), "<r:M_INPUT ") && !strings.Contains(string(s.sent[0].Body), "<r:P") {
				return
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestSelectorArrives: what the caller named arrives unchanged at a reader that is not ours.
func TestSelectorArrives(t *testing.T) {
	for _, value := range []string{`a"b&c<d>]]>`, " blanks kept ", "tab\tline\r\nend", "日本語 \U0001F600", ""} {
		s := &script{}
		_, _ = newClient(t, s).Get(t.Context(), &wsman.GetRequest{Resource: migrationJob, Selectors: wsman.SelectorSet{{Name: value, Value: value}}})
		var env struct {
			Selector struct {
				Name string `xml:",attr"`
				Text string `xml:",chardata"`
			} `xml:"Header>SelectorSet>Selector"`
		}
		if err := xml.Unmarshal(s.sent[0].Body, &env); err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		if env.Selector.Text != value || env.Selector.Name != value {
			t.Errorf("selector %q arrives as %q=%q", value, env.Selector.Name, env.Selector.Text)
		}
	}
}

// TestURIStyle: the DMTF form names the namespace in a selector, the Microsoft form never does.
func TestURIStyle(t *testing.T) {
	tests := map[wsman.URIStyle]struct{ action, resource, selector string }{
		wsman.URIStyleMicrosoft: {
			"http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/Msvm_MigrationJob/GetError",
			"http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/Msvm_MigrationJob",
			`<wsman:SelectorSet><wsman:Selector Name="InstanceID">x</wsman:Selector></wsman:SelectorSet>`,
		},
		wsman.URIStyleDMTF: {
			"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/Msvm_MigrationJob/GetError",
			"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/Msvm_MigrationJob",
			`<wsman:SelectorSet><wsman:Selector Name="__cimnamespace">root/virtualization/v2</wsman:Selector><wsman:Selector Name="InstanceID">x</wsman:Selector></wsman:SelectorSet>`,
		},
	}
	for style, want := range tests {
		s := &script{}
		c := newClient(t, s, func(c *wsman.Config) { c.URIStyle = style })
		_, _ = c.Invoke(t.Context(), &wsman.InvokeRequest{Resource: migrationJob, Method: "GetError", Selectors: wsman.SelectorSet{{Name: "InstanceID", Value: "x"}}})
		body := string(s.sent[0].Body)
		for _, text := range []string{">" + want.action + "<", ">" + want.resource + "<", want.selector, `<r:GetError_INPUT xmlns:r="` + want.resource + `"/>`} {
			if !strings.Contains(body, text) {
				t.Errorf("style %d: the request has no %s:\n%s", style, text, body)
			}
		}
	}
}

// TestOptions: OptionSet as DSP0226 §6.4 writes it.
func TestOptions(t *testing.T) {
	s := &script{}
	_, _ = newClient(t, s).Get(t.Context(), &wsman.GetRequest{Resource: migrationJob, Options: wsman.OptionSet{{Name: "a&b", Type: "xs:boolean", MustComply: true, Value: "true"}}})
	want := `<wsman:OptionSet xmlns:xs="http://www.w3.org/2001/XMLSchema"><wsman:Option Name="a&amp;b" Type="xs:boolean" MustComply="true">true</wsman:Option></wsman:OptionSet>`
	if !strings.Contains(string(s.sent[0].Body), want) {
		t.Errorf("the request has no %s:\n%s", want, s.sent[0].Body)
	}
}

// TestIdentifyEnvelope: the same for everybody, with nothing of the user or the host in it.
func TestIdentifyEnvelope(t *testing.T) {
	s := &script{}
	c := newClient(t, s)
	_, _ = c.IdentifyAnonymous(t.Context())
	_, _ = c.Identify(t.Context())
	want := `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>`
	if !s.sent[0].Anonymous || string(s.sent[0].Body) != want {
		t.Errorf("anonymous request = %v %s", s.sent[0].Anonymous, s.sent[0].Body)
	}
	if s.sent[1].Anonymous || string(s.sent[1].Body) != want {
		t.Errorf("request = %v %s", s.sent[1].Anonymous, s.sent[1].Body)
	}
}

// TestMessageID: by default every request has an id of its own.
func TestMessageID(t *testing.T) {
	s := &script{}
	c := newClient(t, s, func(c *wsman.Config) { c.NewMessageID = nil })
	seen := map[string]bool{}
	for range 100 {
		_, _ = getJob(t.Context(), c)
		id := between(string(s.sent[len(s.sent)-1].Body), "<wsa:MessageID>", "</")
		if len(id) != len("uuid:11111111-1111-4111-8111-111111111111") || id[19] != '4' || seen[id] {
			t.Fatalf("MessageID = %q", id)
		}
		seen[id] = true
	}
}

// TestStreamed: values that come as a stream are the answer, beside an output or without one.
func TestStreamed(t *testing.T) {
	const (
		head = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" ` +
			`xmlns:i="urn:interactive" xmlns:p="urn:p"><s:Header><a:RelatesTo>` + messageID + `</a:RelatesTo></s:Header><s:Body>`
		tail   = `</s:Body></s:Envelope>`
		first  = `<i:InteractiveEvent><i:Name>cmdletOutput</i:Name><i:Value><p:Id>1</p:Id></i:Value></i:InteractiveEvent>`
		second = `<i:InteractiveEvent><i:Value><p:Id>2</p:Id></i:Value><i:Value><p:Id>3</p:Id></i:Value></i:InteractiveEvent>`
		output = `<p:GetError_OUTPUT><p:ReturnValue>0</p:ReturnValue></p:GetError_OUTPUT>`
	)
	for _, tt := range []struct {
		name, body, want string
		output           bool
	}{
		{"stream alone", first + second, "123", false},
		{"stream and output", first + output + second, "123", true},
		{"output alone", output, "", true},
		{"neither", "<p:Other/>", "error", false},
		{"wrapped", "<i:StreamingOutput>" + first + second + "</i:StreamingOutput>" + output, "123", true},
		{"wrapped alone", "<p:Other/><i:a><i:b><i:c>" + first + "</i:c></i:b></i:a>", "1", false},
		{"a value that is wrapped", "<i:InteractiveEvent><i:a><i:b><i:c><i:Value><p:Id>1</p:Id></i:Value></i:c></i:b></i:a></i:InteractiveEvent>", "1", false},
		{"wrapped too deeply", "<i:a><i:b><i:c><i:d>" + first + "</i:d></i:c></i:b></i:a>", "error", false},
		{"an output and something else", "<p:Other><p:Value>1</p:Value></p:Other>" + output + "<p:Other>2</p:Other>", "", true},
		{"an event without a value", "<i:InteractiveEvent/>", "error", false},
		{"an event that is broken", "<i:InteractiveEvent><i:Value><q:Id>1</q:Id></i:Value></i:InteractiveEvent>", "error", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{replies: []func(*wsman.Request) (*wsman.Reply, error){reply(200, head+tt.body+tail)}}
			r, err := newClient(t, s).Invoke(t.Context(), &wsman.InvokeRequest{Resource: migrationJob, Method: "GetError"})
			if err != nil {
				if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok || tt.want != "error" {
					t.Errorf("Invoke: %v, want %s", err, tt.want)
				}
				return
			}
			var got string
			for _, i := range r.Streamed {
				p, _, err := i.Scalar("Id")
				if err != nil || i.Date.IsZero() {
					t.Errorf("Scalar(Id): %v, dated %v", err, i.Date)
				}
				got += p.Text
			}
			if got != tt.want {
				t.Errorf("streamed %q, want %q", got, tt.want)
			}
			if r.Output == nil || r.Output.Date.IsZero() || (len(r.Output.Properties) > 0) != tt.output {
				t.Errorf("output %+v, want one: %v", r.Output, tt.output)
			}
		})
	}
}
