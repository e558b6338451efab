package wsmantest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const faultDetail = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"

// TestRefusals sends what Windows refuses (facts/wire-format.md §3, §4, §7; facts/faults.md §3) and expects its fault.
func TestRefusals(t *testing.T) {
	t.Parallel()
	with := func(e envelope, change func(*envelope)) envelope { change(&e); return e }
	extra := func(header string) envelope { return with(getJob(), func(e *envelope) { e.extra = header }) }
	replace := func(e envelope, old, replacement string) envelope {
		e.replace = []string{old, replacement}
		return e
	}
	enumerate := func(uri, body string) envelope {
		return envelope{action: wsman.ActionEnumerate, resource: uri, body: `<n:Enumerate>` + body + `</n:Enumerate>`}
	}
	wql := func(query string) string {
		return `<w:Filter Dialect="` + wsman.DialectWQL + `">` + query + `</w:Filter>`
	}
	replyTo := `<a:ReplyTo><a:Address s:mustUnderstand="true">` + wsman.AddressAnonymous + `</a:Address></a:ReplyTo>`
	tests := []struct {
		name            string
		request         envelope
		code            wsman.Subcode
		subcode, detail string
		number          uint32
		user            string // administrator if empty
	}{
		{"no ReplyTo", replace(getJob(), replyTo, ""), "s:Sender", "wsa:MessageInformationHeaderRequired", "", 2150858769, ""},
		{"other ReplyTo", replace(getJob(), wsman.AddressAnonymous, "http://elsewhere/"), "s:Sender", "wsman:UnsupportedFeature", "AddressingMode", 2150858870, ""},
		{"other FaultTo", extra(`<a:FaultTo><a:Address>http://elsewhere/</a:Address></a:FaultTo>`), "s:Sender", "wsman:UnsupportedFeature", "AddressingMode", 2150858870, ""},
		{"no MessageID", replace(getJob(), "<a:MessageID>uuid:1</a:MessageID>", ""), "s:Sender", "wsa:MessageInformationHeaderRequired", "", 2150858769, ""},
		{"no Action", with(getJob(), func(e *envelope) { e.action = "" }), "s:Sender", "wsa:MessageInformationHeaderRequired", "", 2150858769, ""},
		{"no To", replace(getJob(), "<a:To>https://hv77/wsman</a:To>", ""), "s:Sender", "wsa:MessageInformationHeaderRequired", "", 2150858769, ""},
		{"unknown mandatory header", extra(`<q:Odd xmlns:q="urn:q" s:mustUnderstand="1"/>`), "s:MustUnderstand", "", "", 2150858768, ""},
		{"mandatory Locale", extra(`<w:Locale xml:lang="de" s:mustUnderstand="true"/>`), "s:Sender", "wsman:UnsupportedFeature", "Locale", 2150858887, ""},
		{"mandatory DataLocale", extra(`<p:DataLocale xml:lang="de" s:mustUnderstand="true"/>`), "s:Sender", "wsman:UnsupportedFeature", "DataLocale", 2150858887, ""},
		{"small MaxEnvelopeSize", extra(`<w:MaxEnvelopeSize>8191</w:MaxEnvelopeSize>`), "s:Sender", "wsman:EncodingLimit", "MinimumEnvelopeLimit", 2150858878, ""},
		{"bad MaxEnvelopeSize", extra(`<w:MaxEnvelopeSize>big</w:MaxEnvelopeSize>`), "s:Sender", "wsman:EncodingLimit", "MinimumEnvelopeLimit", 2150858878, ""},
		{"bad OperationTimeout", extra(`<w:OperationTimeout>60</w:OperationTimeout>`), "s:Sender", "wsa:InvalidMessageInformationHeader", "InvalidTimeout", 2150858881, ""},
		{"mandatory option", extra(`<w:OptionSet><w:Option Name="o" MustComply="true">1</w:Option></w:OptionSet>`), "s:Sender", "wsman:InvalidOptions", "NotSupported", 2150858833, ""},
		{"selector without a name", replace(getJob(), `Name="InstanceID"`, ""), "s:Sender", "wsman:SchemaValidationError", "", 2150858817, ""},
		{"selector twice", with(getJob(), func(e *envelope) { e.selectors["instanceid"] = "x" }), "s:Sender", "wsman:InvalidSelectors", "DuplicateSelectors", 2150858847, ""},
		{"no ResourceURI", with(getJob(), func(e *envelope) { e.resource = "" }), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858811, ""},
		{"foreign ResourceURI", with(getJob(), func(e *envelope) { e.resource = "urn:x" }), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858811, ""},
		{"other namespace in the selector", with(getJob(), func(e *envelope) { e.selectors["__cimnamespace"] = "root/cimv2" }), "s:Sender", "wsman:InternalError", "", 2150859067, ""},
		{"DMTF URI without a namespace", with(getJob(), func(e *envelope) { e.resource = uriDMTF }), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2147749902, ""},
		{"unknown namespace", replace(getJob(), "virtualization/v2", "nothing"), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2147749902, ""},
		{"unknown action", with(getJob(), func(e *envelope) { e.action = "urn:a" }), "s:Sender", "wsa:ActionNotSupported", "", 2150858771, ""},
		{"two elements in the body", with(getJob(), func(e *envelope) { e.body = "<x/><y/>" }), "s:Sender", "wsman:SchemaValidationError", "", 2150858817, ""},

		{"Get without keys", with(getJob(), func(e *envelope) { e.selectors = nil }), "s:Sender", "wsman:InvalidSelectors", "InsufficientSelectors", 2150859002, ""},
		{"Get with a key that is none", with(getJob(), func(e *envelope) { e.selectors = map[string]string{"Caption": "x"} }), "s:Sender", "wsman:InvalidSelectors", "UnexpectedSelectors", 2150858843, ""},
		{"Get with half a key", envelope{action: wsman.ActionGet, resource: uriSystem, selectors: map[string]string{"Name": vmID}}, "s:Sender", "wsman:InvalidSelectors", "InsufficientSelectors", 2150858842, ""},
		{"Get of an unknown job", with(getJob(), func(e *envelope) { e.selectors["InstanceID"] = "x" }), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858752, ""},
		{"Get of an unknown class", replace(getJob(), "Msvm_MigrationJob", "Msvm_Nothing"), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858752, ""},
		{"Get of an ancestor", replace(getJob(), "Msvm_MigrationJob", "CIM_Job"), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858752, ""},

		{"Enumerate with keys", with(enumerateJobs(), func(e *envelope) { e.selectors = map[string]string{"InstanceID": "x"} }), "s:Sender", "wsman:InvalidSelectors", "UnexpectedSelectors", 2150859016, ""},
		{"Enumerate of an unknown class", enumerate(strings.Replace(uriJob, "MigrationJob", "Nothing", 1), ""), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858752, ""},
		{"Enumerate without its element", with(enumerateJobs(), func(e *envelope) { e.body = "" }), "s:Sender", "wsman:SchemaValidationError", "", 2150858817, ""},
		{"Enumerate with MaxElements 0", enumerate(uriJob, `<w:OptimizeEnumeration/><w:MaxElements>0</w:MaxElements>`), "s:Sender", "wsman:SchemaValidationError", "", 2150858817, ""},
		{"unknown mode", enumerate(uriJob, `<w:EnumerationMode>All</w:EnumerationMode>`), "s:Sender", "wsman:UnsupportedFeature", "EnumerationMode", 2150858886, ""},
		{"other dialect", enumerate(uriAll, `<w:Filter Dialect="urn:xpath">*</w:Filter>`), "s:Sender", "wsen:FilterDialectRequestedUnavailable", "", 2150858777, ""},
		{"query on a class", enumerate(uriJob, wql("select * from Msvm_MigrationJob")), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150859003, ""},
		{"query of an unknown class", enumerate(uriAll, wql("select * from Msvm_Nothing")), "s:Sender", "wsen:CannotProcessFilter", "", 2150858778, ""},
		{"query that is none", enumerate(uriAll, wql("delete")), "s:Sender", "wsen:CannotProcessFilter", "", 2150858778, ""},
		{"query with an unknown property", enumerate(uriAll, wql("select * from Msvm_MigrationJob where Nothing = 1")), "s:Sender", "wsen:CannotProcessFilter", "", 2150858778, ""},
		{"star without a query", enumerate(uriAll, ""), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858752, ""},
		{"Pull with an unknown context", pullOf("uuid:x", ""), "s:Receiver", "wsen:InvalidEnumerationContext", "", 2150858779, ""},
		{"Pull without its element", with(pullOf("", ""), func(e *envelope) { e.body = "<n:Push/>" }), "s:Sender", "wsman:SchemaValidationError", "", 2150858817, ""},
		{"Release with an unknown context", envelope{action: wsman.ActionRelease, resource: uriJob, body: `<n:Release/>`}, "s:Receiver", "wsen:InvalidEnumerationContext", "", 2150858779, ""},

		{"method of another resource", with(callGetError(), func(e *envelope) { e.action = uriSystem + "/GetError" }), "s:Sender", "wsa:ActionNotSupported", "", 2150858771, ""},
		{"unknown method", with(callGetError(), func(e *envelope) { e.action = uriJob + "/Terminate" }), "s:Sender", "wsa:ActionNotSupported", "", 2150858771, ""},
		{"method of an unknown class", replace(callGetError(), "Msvm_MigrationJob", "Msvm_Nothing"), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858752, ""},
		{"input in another case", replace(callGetError(), "GetError_INPUT", "geterror_input"), "s:Sender", "wsman:SchemaValidationError", "", 2150858817, ""},
		{"input in another namespace", with(callGetError(), func(e *envelope) { e.body = `<GetError_INPUT xmlns="urn:x"/>` }), "s:Sender", "wsman:SchemaValidationError", "", 2150858817, ""},
		{"no input", with(callGetError(), func(e *envelope) { e.body = "" }), "s:Sender", "wsman:SchemaValidationError", "", 2150858817, ""},
		{"input with a parameter", with(callGetError(), func(e *envelope) {
			e.body = `<r:GetError_INPUT xmlns:r="` + uriJob + `"><r:X>1</r:X></r:GetError_INPUT>`
		}), "s:Sender", "wsman:InvalidParameter", "InvalidValue", 87, ""},
		{"method of an unknown job", with(callGetError(), func(e *envelope) { e.selectors["InstanceID"] = "x" }), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858752, ""},
		{"method without keys", with(callGetError(), func(e *envelope) { e.selectors = nil }), "s:Sender", "wsman:InvalidSelectors", "InsufficientSelectors", 2150859002, ""},

		{"denied Get", getJob(), "s:Sender", "wsman:AccessDenied", "", 5, "denied"},
		{"denied Enumerate", enumerateJobs(), "s:Sender", "wsman:AccessDenied", "", 5, "denied"},
		{"denied Pull", pullOf("x", ""), "s:Sender", "wsman:AccessDenied", "", 5, "denied"},
		{"reader invokes", callGetError(), "s:Sender", "wsman:AccessDenied", "", 5, "reader"},
		{"outsider gets", getJob(), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858752, "outsider"},
		{"outsider invokes", callGetError(), "s:Sender", "wsa:DestinationUnreachable", "InvalidResourceURI", 2150858752, "outsider"},
	}
	s := newServer(t, wsmantest.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			user := "administrator"
			if tt.user != "" {
				user = tt.user
			}
			reply, _ := ask(t, s, user, tt.request)
			_, err := wsman.DecodeEnvelope(reply.Body)
			f := faultOf(t, err)
			if tt.detail != "" {
				tt.detail = faultDetail + tt.detail
			}
			if f.Code != tt.code || string(f.Subcode) != tt.subcode || f.FaultDetail != tt.detail || f.WSManFault.Code != tt.number {
				t.Errorf("fault %s %s %s %d, want %s %s %s %d",
					f.Code, f.Subcode, f.FaultDetail, f.WSManFault.Code, tt.code, tt.subcode, tt.detail, tt.number)
			}
			if reply.StatusCode != 500 || f.Reason == "" || f.WSManFault.Machine != "HV77" {
				t.Errorf("status %d, reason %q, machine %q; want 500, a text and HV77", reply.StatusCode, f.Reason, f.WSManFault.Machine)
			}
		})
	}
}

// TestNotXML sends documents that no SOAP processor may accept.
func TestNotXML(t *testing.T) {
	t.Parallel()
	whole := getJob().String()
	var attributes strings.Builder
	for i := range 100 {
		fmt.Fprintf(&attributes, ` a%d=""`, i)
	}
	tests := []struct {
		name, request string
		subcode       wsman.Subcode
		status        int
	}{
		{"empty", "", "wsman:InternalError", 400},
		{"garbage", "\x00\x01", "wsman:InternalError", 400},
		{"cut", whole[:len(whole)/2], "wsman:InternalError", 400},
		{"document type", "<!DOCTYPE x>" + whole, "wsman:InternalError", 400},
		{"entity", strings.Replace(whole, "uuid:1", "&x;", 1), "wsman:InternalError", 400},
		{"second root", whole + "<x/>", "wsman:InternalError", 400},
		{"text behind", whole + "x", "wsman:InternalError", 400},
		{"attribute twice", strings.Replace(whole, `Name="InstanceID"`, `Name="InstanceID" Name="x"`, 1), "wsman:InternalError", 400},
		{"unbound element", strings.Replace(whole, "</s:Header>", "<q:x/></s:Header>", 1), "wsman:InternalError", 400},
		{"unbound attribute", strings.Replace(whole, `Name=`, `q:Name=`, 1), "wsman:InternalError", 400},
		{"deep", strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100), "wsman:InternalError", 400},
		{"many tags", "<a>" + strings.Repeat("<a/>", 20000) + "</a>", "wsman:InternalError", 400},
		{"many attributes", strings.Replace(whole, "<a:To>", "<a:To"+attributes.String()+">", 1), "wsman:InternalError", 400},
		{"SOAP 1.1", strings.Replace(whole, wsman.NamespaceSOAP, "http://schemas.xmlsoap.org/soap/envelope/", 1), "", 500},
		{"no envelope", "<html/>", "wsman:SchemaValidationError", 500},
		{"no body", `<s:Envelope xmlns:s="` + wsman.NamespaceSOAP + `"/>`, "wsman:SchemaValidationError", 500},
		{"no header", `<s:Envelope xmlns:s="` + wsman.NamespaceSOAP + `"><s:Body/></s:Envelope>`, "wsa:MessageInformationHeaderRequired", 500},
	}
	s := newServer(t, wsmantest.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reply, _ := ask(t, s, "administrator", text(tt.request))
			_, err := wsman.DecodeEnvelope(reply.Body)
			if f := faultOf(t, err); f.Subcode != tt.subcode || reply.StatusCode != tt.status {
				t.Errorf("fault %q, status %d, want %q, %d", f.Subcode, reply.StatusCode, tt.subcode, tt.status)
			}
		})
	}
}

// TestAccepted sends what differs from our own client's requests and is right all the same.
func TestAccepted(t *testing.T) {
	t.Parallel()
	with := func(e envelope, change func(*envelope)) envelope { change(&e); return e }
	tests := []struct {
		name    string
		request envelope
		path    string // of a text in the answer
		want    string
	}{
		{"Get", getJob(), "Body/Msvm_MigrationJob/JobState", "10"},
		{"URI and key in another case", with(getJob(), func(e *envelope) {
			e.resource = strings.ToUpper(e.resource)
			e.selectors = map[string]string{"instanceid": strings.ToLower(jobFailed)}
		}), "Body/Msvm_MigrationJob/JobState", "10"},
		{"the same namespace in the selector", with(getJob(), func(e *envelope) {
			e.selectors["__cimnamespace"] = `ROOT\virtualization\v2`
		}), "Body/Msvm_MigrationJob/JobState", "10"},
		{"DMTF URI", with(getJob(), func(e *envelope) {
			e.resource, e.selectors["__cimnamespace"] = uriDMTF, "root/virtualization/v2"
		}), "Body/Msvm_MigrationJob/JobState", "10"},
		{"DMTF method", with(callGetError(), func(e *envelope) {
			e.resource, e.action, e.selectors["__cimnamespace"] = uriDMTF, uriDMTF+"/GetError", "root/virtualization/v2"
			e.body = `<GetError_INPUT xmlns="` + uriDMTF + `"/>`
		}), "Body/GetError_OUTPUT/ReturnValue", "0"},
		{"optional headers", with(getJob(), func(e *envelope) {
			e.extra = `<w:Locale xml:lang="de" s:mustUnderstand="false"/><q:Odd xmlns:q="urn:q"/>` +
				`<w:OperationTimeout>P1DT1H1M1.5S</w:OperationTimeout><w:MaxEnvelopeSize s:mustUnderstand="true">99999999</w:MaxEnvelopeSize>` +
				`<w:OptionSet><w:Option Name="wmi:x">1</w:Option></w:OptionSet>`
		}), "Header/RelatesTo", "uuid:1"},
		{"ancestor", envelope{
			action: wsman.ActionEnumerate, resource: strings.Replace(uriJob, "Msvm_MigrationJob", "CIM_ConcreteJob", 1),
			body: `<n:Enumerate><w:OptimizeEnumeration/></n:Enumerate>`,
		}, "Body/EnumerateResponse/Items/Msvm_MigrationJob/InstanceID", jobFailed},
	}
	s := newServer(t, wsmantest.Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reply, root := ask(t, s, "administrator", tt.request)
			if got := find(root, tt.path); got != tt.want || reply.StatusCode != 200 {
				t.Errorf("status %d, %s = %q, want %q\n%s", reply.StatusCode, tt.path, got, tt.want, reply.Body)
			}
		})
	}
}

// TestNoHyperV asks a host without the role.
func TestNoHyperV(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{Model: &wsmantest.Model{NoHyperV: true}})
	reply, _ := ask(t, s, "administrator", enumerateJobs())
	_, err := wsman.DecodeEnvelope(reply.Body)
	if f := faultOf(t, err); !f.NotFound() || !strings.Contains(f.Reason, "root/virtualization/v2 is invalid") {
		t.Errorf("fault %v, want that the namespace is invalid", f)
	}
}
