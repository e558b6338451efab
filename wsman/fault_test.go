package wsman_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// faultXML writes a fault with these children of s:Fault, all namespaces of facts/wire-format.md §1 bound to Windows' prefixes.
func faultXML(children string) string {
	return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
		` xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer" xmlns:e="http://schemas.xmlsoap.org/ws/2004/08/eventing"` +
		` xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"` +
		` xmlns:b="http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd" xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"` +
		` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Body><s:Fault>` + children + `</s:Fault></s:Body></s:Envelope>`
}

func code(subcode string) string {
	return "<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>" + subcode + "</s:Value></s:Subcode></s:Code>"
}

func wsmanFault(number string) string {
	return `<s:Detail><f:WSManFault Code="` + number + `"><f:Message>no</f:Message></f:WSManFault></s:Detail>`
}

func wmiError(property, value string) string {
	return `<s:Detail><q:Any_Error xmlns:q="urn:q" b:IsCIM_Error="true"><q:` + property + `>` + value + `</q:` + property + `></q:Any_Error></s:Detail>`
}

// decodeFault returns the fault in an envelope.
func decodeFault(t *testing.T, xml string) *wsman.Fault {
	t.Helper()
	_, err := wsman.DecodeEnvelope([]byte(xml))
	f, ok := errors.AsType[*wsman.Fault](err)
	if !ok {
		t.Fatalf("DecodeEnvelope = %v, want a fault", err)
	}
	return f
}

// TestSubcode: names are resolved through the sender's own bindings.
func TestSubcode(t *testing.T) {
	tests := map[string]wsman.Subcode{
		"w:TimedOut":                     wsman.SubcodeTimedOut,
		"n:TimedOut":                     wsman.SubcodePullTimedOut,
		" \n w:TimedOut ":                wsman.SubcodeTimedOut,
		"a:DestinationUnreachable":       wsman.SubcodeDestinationUnreachable,
		"x:InvalidRepresentation":        "wxf:InvalidRepresentation",
		"e:InvalidMessage":               "wse:InvalidMessage",
		"b:PolymorphismModeNotSupported": wsman.SubcodePolymorphismModeNotSupported,
		"f:Other":                        "{http://schemas.microsoft.com/wbem/wsman/1/wsmanfault}Other",
		"xml:Other":                      "{http://www.w3.org/XML/1998/namespace}Other",
		"wsman:TimedOut":                 "{}wsman:TimedOut",
		"NoPrefix":                       "NoPrefix",
		"http://schemas.xmlsoap.org/ws/x/Failure": "{}http://schemas.xmlsoap.org/ws/x/Failure",
	}
	for text, want := range tests {
		if got := decodeFault(t, faultXML(code(text))).Subcode; got != want {
			t.Errorf("subcode %q = %q, want %q", text, got, want)
		}
	}
	nested := "<s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:InternalError</s:Value><s:Subcode><s:Value>a:X</s:Value>" +
		"<s:Subcode/></s:Subcode></s:Subcode></s:Code>"
	f := decodeFault(t, faultXML(nested))
	if f.Code != "s:Receiver" || f.Subcode != wsman.SubcodeInternalError || !cmp.Equal(f.Subcodes, []wsman.Subcode{"wsa:X"}) {
		t.Errorf("Code %q, Subcode %q, Subcodes %q", f.Code, f.Subcode, f.Subcodes)
	}
	if err := fmt.Errorf("x: %w", f); wsman.SubcodeOf(err) != wsman.SubcodeInternalError || wsman.SubcodeOf(errors.New("x")) != "" {
		t.Error("SubcodeOf")
	}
}

// TestPredicates: each number and subcode of facts/faults.md §3 and §4 answers the questions that callers ask, and no other.
func TestPredicates(t *testing.T) {
	const notFound, denied, timedOut, quota, retry, unsupported = "not found", "denied", "timed out", "quota", "retry", "unsupported"
	tests := []struct {
		xml  string
		want []string
	}{
		{code("a:DestinationUnreachable"), []string{notFound}},
		{code("a:DestinationUnreachable") + wsmanFault("2150858752"), []string{notFound}},
		{code("a:DestinationUnreachable") + wsmanFault("2150858770"), nil}, // no listener, or WinRM is down
		{code("w:InternalError") + wsmanFault("2147749890"), []string{notFound}},
		{code("w:InternalError") + wsmanFault("2147749902"), []string{notFound}},
		{code("w:InternalError") + wsmanFault("2147749904"), []string{notFound}},
		{code("w:InternalError") + wmiError("CIMStatusCode", "6"), []string{notFound}},
		{code("w:AccessDenied"), []string{denied}},
		{code("w:InternalError") + wsmanFault("5"), []string{denied}},
		{code("w:InternalError") + wsmanFault("2147942405"), []string{denied}},
		{code("w:InternalError") + wsmanFault("0x80070005"), []string{denied}},
		{code("w:InternalError") + wsmanFault("2147749891"), []string{denied}},
		{code("w:InternalError") + wsmanFault("2150859012"), []string{denied}},
		{code("w:InternalError") + wsmanFault("2150859013"), []string{denied}},
		{code("w:InternalError") + wsmanFault("2150859014"), []string{denied}},
		{code("w:InternalError") + wmiError("CIMStatusCode", "2"), []string{denied}},
		{code("w:TimedOut"), []string{timedOut, retry}},
		{code("n:TimedOut"), []string{timedOut, retry}},
		{code("w:InternalError") + wsmanFault("2150858793"), []string{timedOut, retry}},
		{code("w:InternalError") + wsmanFault("2150858780"), []string{timedOut, retry}},
		{code("w:QuotaLimit"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150858815"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859173"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859174"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859175"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859176"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859239"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859240"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859179"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859236"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859237"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859238"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859241"), []string{quota, retry}},
		{code("w:InternalError") + wmiError("CIMStatusCode", "27"), []string{quota, retry}},
		{code("w:InternalError") + wmiError("error_Code", "2150859173"), []string{quota, retry}},
		{code("w:InternalError") + wsmanFault("2150859177"), []string{retry}}, // another token; the next request reauthorizes
		{code("w:Concurrency"), []string{retry}},
		{code("a:EndpointUnavailable"), []string{retry}},
		{code("a:ActionNotSupported"), []string{unsupported}},
		{code("w:UnsupportedFeature"), []string{unsupported}},
		{code("w:InternalError") + wsmanFault("2150858753"), []string{unsupported}},
		{code("w:InternalError") + wsmanFault("2150858771"), []string{unsupported}},
		{code("w:InternalError") + wsmanFault("2150859010"), []string{unsupported}},
		{code("w:InternalError") + wsmanFault("2147749900"), []string{unsupported}},
		{code("w:InternalError") + wsmanFault("2147749934"), []string{unsupported}},
		{code("w:InternalError") + wsmanFault("2147749973"), []string{unsupported}},
		{code("w:InternalError") + wmiError("CIMStatusCode", "7"), []string{unsupported}},
		{code("w:InternalError") + wmiError("CIMStatusCode", "16"), []string{unsupported}},
		{code("w:InternalError") + wmiError("CIMStatusCode", "17"), []string{unsupported}},
		{code("w:InternalError"), nil},
		{code("w:InternalError") + wsmanFault("87"), nil},
		{code("w:InternalError") + wmiError("CIMStatusCode", "1"), nil},
		{code("w:InternalError") + wmiError("error_Code", "many"), nil},
		{"", nil},
	}
	for _, test := range tests {
		f := decodeFault(t, faultXML(test.xml))
		var got []string
		for _, q := range []struct {
			name string
			yes  bool
		}{
			{notFound, f.NotFound()},
			{denied, f.AccessDenied()},
			{timedOut, f.TimedOut()},
			{quota, f.Quota()},
			{retry, f.Retryable()},
			{unsupported, f.NotSupported()},
		} {
			if q.yes {
				got = append(got, q.name)
			}
		}
		if !cmp.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.xml, got, test.want)
		}
	}
}

// TestFaultText: the most specific text wins, and all numbers are told once.
func TestFaultText(t *testing.T) {
	reason := `<s:Reason><s:Text xml:lang="de">Grund </s:Text><s:Text xml:lang="en">reason</s:Text></s:Reason>`
	message := func(inner string) string {
		return `<s:Detail><f:WSManFault Code="2150858752" Machine="hv01"><f:Message>` + inner + `</f:Message></f:WSManFault></s:Detail>`
	}
	tests := map[string]struct{ xml, want string }{
		"nothing":             {"", "SOAP fault"},
		"code alone":          {"<s:Code><s:Value>s:MustUnderstand</s:Value></s:Code>", "s:MustUnderstand"},
		"reason":              {code("w:InternalError") + reason, "wsman:InternalError: Grund"},
		"WSManFault":          {code("w:InternalError") + reason + message(" host "), "wsman:InternalError (0x80338000): host"},
		"provider text":       {code("w:InternalError") + reason + message("<f:ProviderFault>provider</f:ProviderFault>"), "wsman:InternalError (0x80338000): provider"},
		"nested":              {code("w:InternalError") + message(`<f:ProviderFault><f:WSManFault Code="5"><f:Message>inner</f:Message></f:WSManFault></f:ProviderFault>`), "wsman:InternalError (0x80338000, error 5): inner"},
		"nested directly":     {code("w:InternalError") + message(`<f:WSManFault Code="2150858752"><f:Message>inner</f:Message></f:WSManFault>`), "wsman:InternalError (0x80338000): inner"},
		"no Message":          {code("w:InternalError") + `<s:Detail><f:WSManFault Code="87">bare</f:WSManFault></s:Detail>`, "wsman:InternalError (error 87): bare"},
		"no number":           {code("w:InternalError") + wsmanFault("many"), "wsman:InternalError: no"},
		"MSFT_WmiError":       {code("w:InternalError") + reason + wmiError("Message", " wmi "), "wsman:InternalError: wmi"},
		"MSFT_WmiError, mute": {code("w:InternalError") + reason + wmiError("MessageID", "1"), "wsman:InternalError: Grund"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := decodeFault(t, faultXML(test.xml))
			if got := f.Error(); got != test.want {
				t.Errorf("Error() = %q, want %q", got, test.want)
			}
		})
	}
	if f := decodeFault(t, faultXML(reason)); f.Lang != "de" {
		t.Errorf("Lang = %q, want that of the first text", f.Lang)
	}
}

// TestFaultDetails: what has no field is kept as XML that can be read alone.
func TestFaultDetails(t *testing.T) {
	f := decodeFault(t, faultXML(code("w:InternalError")+
		`<s:Detail><o:Other xmlns:o="urn:o" w:x="1">a &amp; <o:B/></o:Other><f:WSManFault Code="1"><f:Message><f:ProviderFault providerId="id">`+
		`<f:ExtendedError><o:More xmlns:o="urn:o"/><o:__ExtendedStatus xmlns:o="urn:o"><o:Operation>ExecMethod</o:Operation></o:__ExtendedStatus></f:ExtendedError>`+
		`<f:Unknown/></f:ProviderFault></f:Message></f:WSManFault></s:Detail>`))
	provider := f.WSManFault.Provider
	for what, text := range map[string]string{"a &amp; ": strings.Join(f.Details, ""), "More": provider.Details[0], "Unknown": provider.Details[1]} {
		if !strings.Contains(text, what) {
			t.Errorf("%s is not in %s", what, text)
		}
		wrapped := faultXML("<s:Detail>" + text + "</s:Detail>")
		if alone := decodeFault(t, wrapped); len(alone.Details)+len(alone.FaultDetail) == 0 && alone.WSManFault == nil {
			t.Errorf("%s cannot be read alone", text)
		}
		if _, err := wsman.DecodeEnvelope([]byte(text)); !strings.Contains(errText(err), "not a SOAP 1.2 Envelope") {
			t.Errorf("%s is no document of its own: %v", text, err)
		}
	}
	if provider.ProviderID != "id" || instanceText(provider.ExtendedStatus, "Operation") != "ExecMethod" {
		t.Errorf("Provider = %+v", provider)
	}
}

// TestFaultDetailsBounded: what is kept is bounded, also when each small child needs a long binding.
func TestFaultDetailsBounded(t *testing.T) {
	for name, children := range map[string]string{
		"long binding":       strings.Repeat("<z:a/>", 4000),
		"unused binding":     strings.Repeat("<a/>", 4000),
		"in a ProviderFault": "<f:WSManFault><f:Message><f:ProviderFault>" + strings.Repeat("<z:a/>", 4000) + "</f:ProviderFault></f:Message></f:WSManFault>",
	} {
		xml := strings.Replace(faultXML(code("w:InternalError")+"<s:Detail>"+children+"</s:Detail>"), "<s:Envelope ", `<s:Envelope xmlns:z="urn:`+strings.Repeat("q", 30000)+`" `, 1)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f := decodeFault(t, xml)
		runtime.ReadMemStats(&after)
		kept := f.Details
		if f.WSManFault != nil {
			kept = f.WSManFault.Provider.Details
		}
		if len(kept)+f.Omitted != 4000 || len(strings.Join(kept, "")) > 64<<10 {
			t.Errorf("%s: %d kept in %d octets, %d omitted", name, len(kept), len(strings.Join(kept, "")), f.Omitted)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
			t.Errorf("%s: %d octets allocated", name, used)
		}
	}
}

func instanceText(i *wsman.Instance, name string) string {
	p, _, _ := i.Scalar(name)
	return p.Text
}

// TestBrokenFaults: a fault that breaks the rules of XML below its surface is a protocol error, not half a fault.
func TestBrokenFaults(t *testing.T) {
	for name, xml := range map[string]string{
		"child of the fault":     "<q:Code/>",
		"child of the reason":    "<s:Reason><q:Text/></s:Reason>",
		"child of the detail":    "<s:Detail><q:X/></s:Detail>",
		"in MSFT_WmiError":       "<s:Detail><MSFT_WmiError><q:X/></MSFT_WmiError></s:Detail>",
		"in ProviderFault":       "<s:Detail><f:WSManFault><f:Message><f:ProviderFault><q:X/></f:ProviderFault></f:Message></f:WSManFault></s:Detail>",
		"in a nested fault":      "<s:Detail><f:WSManFault><f:Message><f:WSManFault><f:Message><f:ProviderFault><q:X/></f:ProviderFault></f:Message></f:WSManFault></f:Message></f:WSManFault></s:Detail>",
		"in ExtendedError":       "<s:Detail><f:WSManFault><f:Message><f:ProviderFault><f:ExtendedError><q:X/></f:ExtendedError></f:ProviderFault></f:Message></f:WSManFault></s:Detail>",
		"in __ExtendedStatus":    "<s:Detail><f:WSManFault><f:Message><f:ProviderFault><f:ExtendedError><__ExtendedStatus><q:X/></__ExtendedStatus></f:ExtendedError></f:ProviderFault></f:Message></f:WSManFault></s:Detail>",
		"in an attribute":        `<s:Detail><X q:a="1"/></s:Detail>`,
		"attribute stands twice": `<s:Detail><X a="1" a="1"/></s:Detail>`,
	} {
		_, err := wsman.DecodeEnvelope([]byte(faultXML(xml)))
		if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok {
			t.Errorf("%s: %v, want a ProtocolError", name, err)
		}
	}
}
