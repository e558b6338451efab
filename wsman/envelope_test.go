package wsman_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// TestDecodeEnvelope: what stands in a file, without a request that it answers.
func TestDecodeEnvelope(t *testing.T) {
	text := `<?xml version="1.0" encoding="utf-16"?><!-- saved --><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">` +
		`<s:Header><a:Action> urn:action </a:Action><a:MessageID>uuid:1</a:MessageID><a:RelatesTo>uuid:2</a:RelatesTo><Action>other</Action></s:Header>` +
		`<s:Body><X>1</X><Y/></s:Body></s:Envelope>`
	for name, in := range map[string]string{
		"UTF-8":                      text,
		"UTF-8 with a mark":          "\ufeff" + text,
		"UTF-16LE with a mark":       "\xff\xfe" + utf16le(text),
		"UTF-16LE":                   utf16le(text),
		"UTF-16BE with a mark":       "\xfe\xff" + swapped(utf16le(text)),
		"UTF-16BE":                   swapped(utf16le(text)),
		"with white space around it": text + "\r\n\t ",
	} {
		env, err := wsman.DecodeEnvelope([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		names := []string{env.Action, env.MessageID, env.RelatesTo}
		for _, i := range env.Body {
			names = append(names, i.Name)
		}
		if diff := cmp.Diff([]string{"urn:action", "uuid:1", "uuid:2", "X", "Y"}, names); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func swapped(s string) string {
	b := []byte(s)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

// TestDecodeEnvelopeErrors: each is a ProtocolError that says where.
func TestDecodeEnvelopeErrors(t *testing.T) {
	const open = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">`
	tests := map[string]string{
		open + `<s:Header/><s:Body/><s:Body/></s:Envelope>`:         "s:Envelope: unexpected element s:Body",
		open + `<s:Tail/><s:Body/></s:Envelope>`:                    "s:Envelope: unexpected element s:Tail",
		open + `<Body/></s:Envelope>`:                               "s:Envelope: unexpected element Body",
		open + `<q:Header/></s:Envelope>`:                           "Header: prefix q is not bound",
		open + `<s:Header><q:X/></s:Header><s:Body/></s:Envelope>`:  "X: prefix q is not bound",
		open + `<s:Body><q:X/></s:Body></s:Envelope>`:               "X: prefix q is not bound",
		open + `<s:Body><X><Y><q:Z/></Y></X></s:Body></s:Envelope>`: "Z: prefix q is not bound",
		`<?xml version="1.0"?>`:                                     "an empty document",
		"<!-- only -->":                                             "an empty document",
		`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`:                  "a document type declaration",
		"<a><!DOCTYPE b></a>":                                       "a document type declaration",
		"<a></b>":                                                   "not well-formed XML: etree: invalid XML format",
		"<a <b/>>":                                                  "not well-formed XML: XML syntax error on line 1: expected attribute name in element",
		"<!-- never ends":                                           "not well-formed XML: XML syntax error on line 1: unexpected EOF",
		"<![CDATA[ never ends":                                      "not well-formed XML: XML syntax error on line 1: unexpected EOF in CDATA section",
		"<? never ends":                                             "not well-formed XML: XML syntax error on line 1: expected target name after <?",
		strings.Repeat(" ", 16<<20+1):                               "the document is larger than the limit",
	}
	for in, want := range tests {
		_, err := wsman.DecodeEnvelope([]byte(in))
		if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok || err.Error() != want {
			t.Errorf("%.80s: %v, want %s", in, err, want)
		}
	}
}

// TestMarkupInside: comments, CDATA and instructions may hold what looks like tags; limits count what etree would build.
func TestMarkupInside(t *testing.T) {
	in := envelope(`<X><!-- <a> <b ' --><![CDATA[<c> "]]><?pi <d> ' ?><A b='">' c="'>"/></X>`)
	env, err := wsman.DecodeEnvelope([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if p := env.Body[0].Properties; len(p) != 1 || len(p[0].Attributes) != 2 || p[0].Attributes[0].Value != `">` {
		t.Errorf("properties = %+v", p)
	}
}

// TestOpError: an operation, the class it was about, and the cause.
func TestOpError(t *testing.T) {
	cause := &wsman.ProtocolError{Path: "s:Body", Msg: "no", Err: errors.New("why")}
	for want, err := range map[string]error{
		"Get Msvm_MigrationJob: s:Body: no: why": &wsman.OpError{Op: "Get", ResourceURI: "http://x/Msvm_MigrationJob", Err: cause},
		"Identify: s:Body: no: why":              &wsman.OpError{Op: "Identify", Err: cause},
		"Enumerate: s:Body: no: why":             &wsman.OpError{Op: "Enumerate", ResourceURI: "http://x/*", Err: cause},
		"Pull CIM_Job: s:Body: no: why":          &wsman.OpError{Op: "Pull", ResourceURI: "http://x/*", Queried: "CIM_Job", Err: cause},
	} {
		if err.Error() != want || !errors.Is(err, cause.Err) {
			t.Errorf("Error() = %q, want %q", err.Error(), want)
		}
	}
}

// TestSelectorReference: a key that is itself a reference, out and in.
func TestSelectorReference(t *testing.T) {
	inner := &wsman.EndpointReference{Address: "urn:there", ResourceURI: "http://x/C", Selectors: wsman.SelectorSet{{Name: "K", Value: "v"}}}
	s := &script{}
	c := newClient(t, s)
	_, _ = c.Get(t.Context(), &wsman.GetRequest{Resource: migrationJob, Selectors: wsman.SelectorSet{{Name: "Antecedent", EPR: inner}}})
	_, set, _ := strings.Cut(string(s.sent[0].Body), "<wsman:SelectorSet>")
	set, _, _ = strings.Cut(set, "</s:Header>")
	p, _, err := instance(t, `<p:A xmlns:wsman="`+wsman.NamespaceWSMan+`" xmlns:wsa="`+wsman.NamespaceAddressing+
		`"><wsa:Address>urn:here</wsa:Address><wsa:ReferenceParameters><other/><wsman:SelectorSet>`+set+`</wsa:ReferenceParameters></p:A>`).Scalar("A")
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Reference()
	if err != nil {
		t.Fatal(err)
	}
	want := wsman.SelectorSet{{Name: "Antecedent", EPR: inner}}
	if diff := cmp.Diff(want, got.Selectors); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, ok := got.Selectors.Get("absent"); ok {
		t.Error("Get found a selector that is not there")
	}
}
