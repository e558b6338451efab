package events_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// TestServerManagerFaults: what is about the channel is a ChannelError, wherever the number stands; what is about the class says so;
// all else stays what it is. The fault is always kept.
func TestServerManagerFaults(t *testing.T) {
	const wmiError = `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>wsman:InternalError</s:Value></s:Subcode></s:Code>` +
		`<s:Reason><s:Text>r</s:Text></s:Reason><s:Detail><p:MSFT_WmiError wsmb:IsCIM_Error="true"><p:CIMStatusCode>STATUS</p:CIMStatusCode>` +
		`<p:Message>m</p:Message><p:MessageID>NAME</p:MessageID><p:error_Code>NUMBER</p:error_Code></p:MSFT_WmiError></s:Detail></s:Fault>`
	const extended = `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>wsman:InternalError</s:Value></s:Subcode></s:Code>` +
		`<s:Reason><s:Text>r</s:Text></s:Reason><s:Detail><f:WSManFault Code="1359"><f:Message><f:ProviderFault><f:WSManFault Code="1359"/>` +
		`<f:ExtendedError><p:__ExtendedStatus><p:Description>DESCRIPTION</p:Description><p:StatusCode>STATUS</p:StatusCode></p:__ExtendedStatus>` +
		`</f:ExtendedError></f:ProviderFault></f:Message></f:WSManFault></s:Detail></s:Fault>`
	replace := func(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }
	tests := []struct {
		name, body string
		code       uint32 // of a ChannelError
		missing    bool   // ErrNoServerManager
	}{
		{name: "bare code", body: smFault("wsman:InternalError", 15007, "t"), code: 15007},
		{name: "HRESULT", body: smFault("wsman:InternalError", 0x80073A9F, "t"), code: 15007},
		{name: "within", body: smNested("wsman:InternalError", 1359, 15001), code: 15001},
		{name: "hex in the text", body: smFault("wsman:InternalError", 1359, "The channel was not found (0x80073A9F)."), code: 15007},
		{name: "decimal in the text", body: smFault("wsman:InternalError", 1359, "Error 15022: not now"), code: 15022},
		{name: "not found, of a channel", body: smNested("a:DestinationUnreachable", 0x80338000, 0x80073A9F), code: 15007},
		{name: "MSFT_WmiError, code", body: replace(wmiError, "STATUS", "1", "NAME", "x", "NUMBER", "2147957407"), code: 15007},
		{name: "MSFT_WmiError, id", body: replace(wmiError, "STATUS", "1", "NAME", "HRESULT 0x80073a9f", "NUMBER", "1"), code: 15007},
		{name: "extended status, code", body: replace(extended, "DESCRIPTION", "", "STATUS", "2147957407"), code: 15007},
		{name: "extended status, text", body: replace(extended, "DESCRIPTION", "0x80073A9F", "STATUS", ""), code: 15007},
		{name: "the channel is denied", body: smFault("wsman:AccessDenied", 0x80070005, "No access to "+strings.ToUpper(smChannel)+"."), code: 5},
		{name: "the provider is denied", body: smNested("wsman:InternalError", 1359, 0x80070005), code: 5},
		{name: "ReturnValue", body: smOutput(nil, "15007"), code: 15007},
		{name: "ReturnValue, HRESULT", body: smOutput(nil, "2147942405"), code: 5},
		{name: "ReturnValue, signed", body: smOutput(nil, "-2147009889"), code: 15007},
		{name: "ReturnValue, other", body: smOutput(nil, "1"), code: 1},

		{name: "no class", body: smFault("a:DestinationUnreachable", 0x80338000, "t"), missing: true},
		{name: "no class, WMI", body: smNested("wsman:InternalError", 1359, 0x80041010), missing: true},
		{name: "no namespace, WMI", body: smNested("wsman:InternalError", 1359, 0x8004100E), missing: true},
		{name: "no class, CIM", body: replace(wmiError, "STATUS", "5", "NAME", "x", "NUMBER", "1"), missing: true},
		{name: "no namespace, CIM", body: replace(wmiError, "STATUS", "3", "NAME", "x", "NUMBER", "1"), missing: true},
		{name: "no method, CIM", body: replace(wmiError, "STATUS", "17", "NAME", "x", "NUMBER", "1"), missing: true},
		{name: "no method", body: smFault("a:ActionNotSupported", 0x80338013, "t"), missing: true},

		{name: "access denied", body: smFault("wsman:AccessDenied", 5, "Access is denied.")},
		{name: "access denied by WMI", body: smNested("wsman:AccessDenied", 0x80338104, 5)},
		{name: "access denied by CIM", body: replace(wmiError, "STATUS", "2", "NAME", "x", "NUMBER", "5")},
		{name: "quota", body: smFault("wsman:QuotaLimit", 0x803381A6, "t")},
		{name: "timeout", body: smFault("wsman:TimedOut", 0x80338029, "t")},
		{name: "a bad parameter", body: smFault("wsman:InvalidParameter", 87, "t")},
		{name: "another error", body: smFault("wsman:InternalError", 15080, "t")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := smEvents(t, events.Selection{}, tt.body)
			if err == nil || len(got) != 0 {
				t.Fatal(got, err)
			}
			e, ok := errors.AsType[*events.ChannelError](err)
			switch {
			case ok != (tt.code != 0), ok && (e.Code != tt.code || e.Channel != smChannel):
				t.Errorf("%#v", err)
			case ok && (e.NotFound() != (tt.code == 15007) || e.Denied() != (tt.code == 5)):
				t.Errorf("not found %t, denied %t", e.NotFound(), e.Denied())
			}
			if errors.Is(err, events.ErrNoServerManager) != tt.missing {
				t.Errorf("%v", err)
			}
			if _, ok := errors.AsType[*wsman.OpError](err); !ok && !strings.HasPrefix(tt.name, "ReturnValue") {
				t.Errorf("%v does not say what was done", err)
			}
		})
	}
}
