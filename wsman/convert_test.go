package wsman_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// instance decodes the children of a method's output.
func instance(t *testing.T, properties string) *wsman.Instance {
	t.Helper()
	env, err := wsman.DecodeEnvelope([]byte(envelope(`<p:X xmlns:p="urn:x" xmlns:cim="` + wsman.NamespaceCIM + `" xmlns:xsi="` + wsman.NamespaceXSI +
		`" xmlns:w="` + wsman.NamespaceWSMan + `">` + properties + `</p:X>`)))
	if err != nil {
		t.Fatal(err)
	}
	return env.Body[0]
}

// TestStates: NULL, an empty value and a missing element are three things; scalar or array is the caller's question.
func TestStates(t *testing.T) {
	tests := map[string]struct {
		xml           string
		scalar, array wsman.State
		values        []string
		err           string
	}{
		"absent":         {"", wsman.Absent, wsman.Absent, nil, ""},
		"other":          {"<p:B>1</p:B>", wsman.Absent, wsman.Absent, nil, ""},
		"nil":            {`<p:A xsi:nil="true"/>`, wsman.Nil, wsman.Nil, nil, ""},
		"nil as 1":       {`<p:A xsi:nil="1"/>`, wsman.Nil, wsman.Nil, nil, ""},
		"not nil":        {`<p:A xsi:nil="false">x</p:A>`, wsman.Present, wsman.Present, []string{"x"}, ""},
		"nil of others":  {`<p:A nil="true">x</p:A>`, wsman.Present, wsman.Present, []string{"x"}, ""},
		"empty":          {"<p:A></p:A>", wsman.Present, wsman.Present, []string{""}, ""},
		"blank":          {"<p:A> </p:A>", wsman.Present, wsman.Present, []string{" "}, ""},
		"one":            {"<p:A>x</p:A>", wsman.Present, wsman.Present, []string{"x"}, ""},
		"other case":     {"<p:a>x</p:a>", wsman.Present, wsman.Present, []string{"x"}, ""},
		"two":            {"<p:A>x</p:A><p:B/><p:A>y</p:A>", wsman.Present, wsman.Present, []string{"x", "y"}, "X/A: several values where one was due"},
		"nil among them": {`<p:A>x</p:A><p:A xsi:nil="true"/>`, wsman.Present, wsman.Present, []string{"x"}, ""},
		"CDATA, comment": {"<p:A>x<![CDATA[<y>]]><!-- no -->z&amp;</p:A>", wsman.Present, wsman.Present, []string{"x<y>z&"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			i := instance(t, test.xml)
			values, state := i.Array("A")
			var texts []string
			for _, v := range values {
				texts = append(texts, v.Text)
			}
			if diff := cmp.Diff(test.values, texts); diff != "" || state != test.array {
				t.Errorf("Array: state %v, want %v; values (-want +got):\n%s", state, test.array, diff)
			}
			p, state, err := i.Scalar("A")
			if errText(err) != test.err || state != test.scalar {
				t.Errorf("Scalar = %v, %v, %v; want state %v and error %q", p, state, err, test.scalar, test.err)
			}
			if err == nil && state == wsman.Present && p.Text != test.values[0] {
				t.Errorf("Scalar = %q, want %q", p.Text, test.values[0])
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestConvert(t *testing.T) {
	kinds := map[string]func(p *wsman.Property) (any, error){
		"bool":     func(p *wsman.Property) (any, error) { return p.Bool() },
		"int8":     func(p *wsman.Property) (any, error) { return p.Int(8) },
		"uint16":   func(p *wsman.Property) (any, error) { return p.Uint(16) },
		"uint64":   func(p *wsman.Property) (any, error) { return p.Uint(64) },
		"float":    func(p *wsman.Property) (any, error) { return p.Float(64) },
		"time":     func(p *wsman.Property) (any, error) { return p.Time() },
		"duration": func(p *wsman.Property) (any, error) { return p.Duration() },
	}
	day := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	never := time.Time{}
	tests := []struct {
		kind, xml string
		want      any // or an error text
	}{
		{"bool", "true", true},
		{"bool", " TRUE ", true},
		{"bool", "1", true},
		{"bool", "False", false},
		{"bool", "0", false},
		{"bool", "yes", `A: "yes" is no boolean`},
		{"int8", "-128", int64(-128)},
		{"int8", "128", `A: "128" is no sint8`},
		{"uint16", "65535", uint64(65535)},
		{"uint16", " +7 ", uint64(7)},
		{"uint16", "65536", `A: "65536" is no uint16`},
		{"uint16", "-1", `A: "-1" is no uint16`},
		{"uint16", "", `A: "" is no uint16`},
		{"uint16", strings.Repeat("9", 100), `A: "` + strings.Repeat("9", 64) + `..." is no uint16`},
		{"uint64", "18446744073709551615", uint64(18446744073709551615)},
		{"float", "1.1000000e+00", 1.1},
		{"float", "x", `A: "x" is no real64`},

		{"time", "<cim:Datetime>2026-11-20T08:00:00Z</cim:Datetime>", day},
		{"time", "<cim:Datetime>2026-11-20T09:00:00+01:00</cim:Datetime>", day},
		{"time", "<cim:CIM_DateTime>2026-11-20T08:00:00.1234567Z</cim:CIM_DateTime>", day.Add(123456700)},
		{"time", "\n <cim:Datetime> 2026-11-20T08:00:00Z </cim:Datetime>\n", day},
		{"time", "2026-11-20T08:00:00Z", day},
		{"time", "2026-11-20T08:00:00", day},
		{"time", "2026-11-20T08:00:00.5", day.Add(500 * time.Millisecond)},
		{"time", "20261120080000.000000+000", day},
		{"time", "20261120090000.000000+060", day},
		{"time", "20261120020000.250000-360", day.Add(250 * time.Millisecond)},
		{"time", "20261120080000.******+000", day},
		{"time", "2026112008****.******+000", day},
		{"time", "2026**********.******+000", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"time", "**************.******+000", never},
		{"time", "****0101000000.000000+000", `A: "****0101000000.000000+000" is no timestamp`},
		{"time", "1601-01-01T00:00:00Z", never},
		{"time", "16010101000000.000000+000", never},
		{"time", "20260230080000.000000+000", `A: "20260230080000.000000+000" is no timestamp`},
		{"time", "20261120*80000.000000+000", `A: "20261120*80000.000000+000" is no timestamp`},
		{"time", "00000000000500.000000:000", `A: "00000000000500.000000:000" is no timestamp`},
		{"time", "tomorrow", `A: "tomorrow" is no timestamp`},

		{"duration", "<cim:Interval>P0DT0H5M0S</cim:Interval>", 5 * time.Minute},
		{"duration", "<cim:Interval>P0DT0H0M1.00417S</cim:Interval>", 1004170 * time.Microsecond},
		{"duration", "P1DT2H3M4.5S", 26*time.Hour + 3*time.Minute + 4500*time.Millisecond},
		{"duration", "PT90S", 90 * time.Second},
		{"duration", "P2D", 48 * time.Hour},
		{"duration", "-PT1M", -time.Minute},
		{"duration", "P0Y0M1D", 24 * time.Hour},
		{"duration", "PT0.0000000019S", time.Duration(1)},
		{"duration", "00000000000500.000000:000", 5 * time.Minute},
		{"duration", "00000001000000.000001:000", 24*time.Hour + time.Microsecond},
		{"duration", "000000000005**.******:000", 5 * time.Minute},
		{"duration", "P1Y", `A: "P1Y" is no interval`},
		{"duration", "P", `A: "P" is no interval`},
		{"duration", "PT", `A: "PT" is no interval`},
		{"duration", "P1DT", `A: "P1DT" is no interval`},
		{"duration", "PT1S1S", `A: "PT1S1S" is no interval`},
		{"duration", "PT1S1M", `A: "PT1S1M" is no interval`},
		{"duration", "PT1.5M", `A: "PT1.5M" is no interval`},
		{"duration", "P99999999999999999D", `A: "P99999999999999999D" is no interval`},
		{"duration", "99999999235959.999999:000", `A: "99999999235959.999999:000" is no interval`},
		{"duration", "00000000240000.000000:000", `A: "00000000240000.000000:000" is no interval`},
	}
	for _, test := range tests {
		t.Run(test.kind+" "+test.xml, func(t *testing.T) {
			p, state, err := instance(t, "<p:A>"+test.xml+"</p:A>").Scalar("A")
			if err != nil || state != wsman.Present {
				t.Fatal(state, err)
			}
			got, err := kinds[test.kind](&p)
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestReference: with the wrapper and, as Windows writes, without.
func TestReference(t *testing.T) {
	content := `<a:Address xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">urn:here</a:Address>` +
		`<a:ReferenceParameters xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><w:ResourceURI>http://x/Msvm_ConcreteJob</w:ResourceURI>` +
		`<w:SelectorSet><w:Selector Name="InstanceID">a &amp; b</w:Selector></w:SelectorSet></a:ReferenceParameters>`
	want := &wsman.EndpointReference{Address: "urn:here", ResourceURI: "http://x/Msvm_ConcreteJob", Selectors: wsman.SelectorSet{{Name: "InstanceID", Value: "a & b"}}}
	for name, xml := range map[string]string{
		"bare":    content,
		"wrapped": `<a:EndpointReference xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">` + content + "</a:EndpointReference>",
	} {
		p, _, err := instance(t, "<p:A>"+xml+"</p:A>").Scalar("A")
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Reference()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got.ClassName() != "Msvm_ConcreteJob" {
			t.Errorf("ClassName = %s", got.ClassName())
		}
		if v, ok := got.Selectors.Get("instanceid"); !ok || v != "a & b" {
			t.Errorf("Get = %q, %v", v, ok)
		}
	}
	p, _, _ := instance(t, "<p:A>text</p:A>").Scalar("A")
	if _, err := p.Reference(); errText(err) != `A: "text" is no endpoint reference` {
		t.Errorf("error = %v", err)
	}
}

// TestEmbedded: an instance inside a property, as elements.
func TestEmbedded(t *testing.T) {
	p, _, err := instance(t, `<p:A><q:Y xmlns:q="urn:y" xsi:type="q:Y_Type"><q:B>1</q:B></q:Y></p:A>`).Scalar("A")
	if err != nil {
		t.Fatal(err)
	}
	i, ok := p.Embedded()
	if !ok || i.Name != "Y" || i.Type != "Y_Type" || len(i.Properties) != 1 {
		t.Errorf("Embedded = %+v, %v", i, ok)
	}
	p, _, _ = instance(t, "<p:A>text</p:A>").Scalar("A")
	if i, ok := p.Embedded(); ok {
		t.Errorf("Embedded = %+v of a text", i)
	}
}

func TestHTTPError(t *testing.T) {
	tests := map[string]*wsman.HTTPError{
		"HTTP 401 Unauthorized; tried: Basic; offered: Negotiate, Kerberos":          {StatusCode: 401, Tried: "Basic", Challenges: []string{"Negotiate", "Kerberos"}},
		"HTTP 401 Unauthorized; offered: none":                                       {StatusCode: 401},
		"HTTP 302 Found; redirects are not followed (to \"http://x/\")":              {StatusCode: 302, Location: "http://x/", ContentType: "text/html"},
		"HTTP 404 Not Found; the answer is \"text/html\", not SOAP":                  {StatusCode: 404, ContentType: "text/html", Body: []byte("<html>")},
		"HTTP 413 Request Entity Too Large; the answer is empty":                     {StatusCode: 413},
		"HTTP 407 Proxy Authentication Required; tried: Basic; offered: Basic":       {StatusCode: 407, Tried: "Basic", Challenges: []string{"Basic"}},
		"HTTP 599; the answer is empty":                                              {StatusCode: 599},
		"HTTP 500 Internal Server Error; the answer is \"text/html\\x1b\", not SOAP": {StatusCode: 500, ContentType: "text/html\x1b", Body: []byte("x")},
	}
	for want, err := range tests {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
