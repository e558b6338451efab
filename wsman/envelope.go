package wsman

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// An Envelope is a SOAP answer that stands alone, in a file for example.
type Envelope struct {
	// Action, MessageID and RelatesTo are the headers of WS-Addressing; empty when there was none.
	Action    string
	MessageID string
	RelatesTo string
	// Body holds each child element of s:Body.
	Body []*Instance
}

// DecodeEnvelope reads a SOAP answer. A fault is returned as a [*Fault], anything that is no envelope as a [*ProtocolError].
func DecodeEnvelope(b []byte) (*Envelope, error) {
	header, body, err := readEnvelope(b)
	if err != nil {
		return nil, err
	}
	if f, err := readFault(body, 0, header.Action); f != nil || err != nil {
		return nil, firstError(err, f)
	}
	children, err := body.children()
	if err != nil {
		return nil, err
	}
	for _, c := range children {
		i, err := newInstance(c)
		if err != nil {
			return nil, err
		}
		header.Body = append(header.Body, i)
	}
	return header, nil
}

func firstError(err error, f *Fault) error {
	if err != nil {
		return err
	}
	return f
}

// readReply checks that a reply is an answer to messageID and no fault, and returns its body.
func readReply(r *Reply, messageID string) (*response, error) {
	header, body, err := readEnvelope(r.Body)
	if err != nil {
		if claimsSOAP(r) {
			return nil, err
		}
		return nil, &HTTPError{StatusCode: r.StatusCode, ContentType: r.Header.Get("Content-Type"), Body: head(r.Body)}
	}
	// Some answers have no RelatesTo, MSFT_WmiError faults among them (facts/faults.md §1).
	if header.RelatesTo != "" && !sameMessageID(header.RelatesTo, messageID) {
		return nil, &ProtocolError{Path: "s:Header/wsa:RelatesTo", Msg: "the answer is to another message"}
	}
	f, err := readFault(body, r.StatusCode, header.Action)
	switch {
	case err != nil:
		return nil, err
	case f != nil:
		return nil, f
	case r.StatusCode >= http.StatusBadRequest:
		return nil, &ProtocolError{Path: "s:Body", Msg: fmt.Sprintf("no fault under HTTP status %d", r.StatusCode)}
	}
	return &response{body: body, date: replyDate(r.Header), size: len(r.Body)}, nil
}

// claimsSOAP tells whether an unreadable envelope breaks SOAP, or never was any: faults come under 400 and 500, but
// Windows also answers these, 404 and 503 without a body (facts/faults.md §2).
func claimsSOAP(r *Reply) bool {
	switch {
	case r.StatusCode < http.StatusBadRequest:
		return true
	case r.StatusCode == http.StatusBadRequest, r.StatusCode == http.StatusInternalServerError:
		return len(bytes.TrimSpace(r.Body)) > 0
	}
	return false
}

// head returns the first 4 KiB, which is what an HTTPError keeps.
func head(b []byte) []byte { return b[:min(len(b), 4096)] }

// sameMessageID compares ids as some services echo them: in another case, with or without "uuid:" or "urn:uuid:".
func sameMessageID(a, b string) bool {
	return strings.EqualFold(bareID(a), bareID(b))
}

func bareID(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "urn:")
	return strings.Trim(strings.TrimPrefix(s, "uuid:"), "{}")
}

// readEnvelope parses an envelope into its headers and its s:Body.
func readEnvelope(b []byte) (*Envelope, *element, error) {
	root, err := readDocument(b)
	if err != nil {
		return nil, nil, err
	}
	if !root.is(NamespaceSOAP, "Envelope") {
		return nil, nil, &ProtocolError{Msg: fmt.Sprintf("the root element is %s in namespace %q, not a SOAP 1.2 Envelope", root.Tag, root.uri)}
	}
	parts, err := root.children()
	if err != nil {
		return nil, nil, err
	}
	env := &Envelope{}
	var body *element
	for _, part := range parts {
		switch {
		case part.is(NamespaceSOAP, "Header"):
			if err := env.readHeader(part); err != nil {
				return nil, nil, err
			}
		case part.is(NamespaceSOAP, "Body") && body == nil:
			body = part
		default:
			return nil, nil, &ProtocolError{Path: "s:Envelope", Msg: "unexpected element " + part.FullTag()}
		}
	}
	if body == nil {
		return nil, nil, &ProtocolError{Path: "s:Envelope", Msg: "no s:Body"}
	}
	return env, body, nil
}

func (env *Envelope) readHeader(header *element) error {
	entries, err := header.children()
	if err != nil {
		return err
	}
	for _, h := range entries {
		if h.uri != NamespaceAddressing && h.uri != namespaceAddressing2005 {
			continue
		}
		switch h.Tag {
		case "Action":
			env.Action = h.trimmed()
		case "MessageID":
			env.MessageID = h.trimmed()
		case "RelatesTo":
			// It may stand several times; the one that tells of the request has this type, or none.
			if kind := h.attr("", "RelationshipType"); kind == "" || strings.HasSuffix(kind, "Reply") || strings.HasSuffix(kind, "reply") {
				env.RelatesTo = h.trimmed()
			}
		}
	}
	return nil
}

// envelope writes the request of op (facts/wire-format.md §4). etree escapes every value.
func (c *Client) envelope(ctx context.Context, op *operation, messageID string) ([]byte, error) {
	if op.identify {
		return identifyEnvelope()
	}
	doc, header, body := newEnvelope()
	text := func(name, value string, mustUnderstand bool) {
		e := header.CreateElement(name)
		if mustUnderstand {
			e.CreateAttr("s:mustUnderstand", "true")
		}
		e.SetText(value)
	}
	text("wsa:To", c.cfg.Endpoint, false)
	text("wsman:ResourceURI", op.resource, true)
	replyTo := header.CreateElement("wsa:ReplyTo").CreateElement("wsa:Address")
	replyTo.CreateAttr("s:mustUnderstand", "true")
	replyTo.SetText(AddressAnonymous)
	text("wsa:Action", op.action, true)
	text("wsman:MaxEnvelopeSize", fmt.Sprint(c.cfg.MaxEnvelopeSize), true)
	text("wsa:MessageID", messageID, false)
	for _, name := range []string{"wsman:Locale", "msw:DataLocale"} {
		e := header.CreateElement(name)
		e.CreateAttr("xml:lang", c.cfg.Locale)
		e.CreateAttr("s:mustUnderstand", "false")
	}
	text("wsman:OperationTimeout", formatDuration(c.operationTimeout(ctx)), false)
	writeSelectors(header, op.selectors)
	writeOptions(header, op.options)
	if op.body != nil {
		op.body(body)
	}
	return writeDocument(doc)
}

// newEnvelope returns an empty envelope that declares our prefixes.
func newEnvelope() (doc *etree.Document, header, body *etree.Element) {
	doc = etree.NewDocument()
	// Canonical text writes CR as a character reference, so that it survives the line-end rule of XML 1.0 §2.11.
	doc.WriteSettings = etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
	env := doc.CreateElement("s:Envelope")
	env.CreateAttr("xmlns:s", NamespaceSOAP)
	env.CreateAttr("xmlns:wsa", NamespaceAddressing)
	env.CreateAttr("xmlns:wsman", NamespaceWSMan)
	env.CreateAttr("xmlns:msw", NamespaceWSManMS)
	return doc, env.CreateElement("s:Header"), env.CreateElement("s:Body")
}

func writeSelectors(parent *etree.Element, set SelectorSet) {
	if len(set) == 0 {
		return
	}
	list := parent.CreateElement("wsman:SelectorSet")
	for _, s := range set {
		e := list.CreateElement("wsman:Selector")
		e.CreateAttr("Name", s.Name)
		if s.EPR != nil {
			writeReference(e.CreateElement("wsa:EndpointReference"), s.EPR)
			continue
		}
		e.SetText(s.Value)
	}
}

// writeReference writes the content of an endpoint reference: without a wrapper inside method parameters, which Windows
// would refuse (facts/wire-format.md §6).
func writeReference(e *etree.Element, r *EndpointReference) {
	address := r.Address
	if address == "" {
		address = AddressAnonymous
	}
	e.CreateElement("wsa:Address").SetText(address)
	params := e.CreateElement("wsa:ReferenceParameters")
	params.CreateElement("wsman:ResourceURI").SetText(r.ResourceURI)
	writeSelectors(params, r.Selectors)
}

func writeOptions(header *etree.Element, set OptionSet) {
	if len(set) == 0 {
		return
	}
	list := header.CreateElement("wsman:OptionSet")
	list.CreateAttr("xmlns:xs", NamespaceXSD)
	for _, o := range set {
		e := list.CreateElement("wsman:Option")
		e.CreateAttr("Name", o.Name)
		if o.Type != "" {
			e.CreateAttr("Type", o.Type)
		}
		if o.MustComply {
			e.CreateAttr("MustComply", "true")
		}
		e.SetText(o.Value)
	}
}

// writeDocument serialises doc. It refuses characters that XML 1.0 §2.2 does not have, where etree would write U+FFFD in
// their place: what the caller named must arrive, or not be sent.
func writeDocument(doc *etree.Document) ([]byte, error) {
	if err := checkValues(&doc.Element); err != nil {
		return nil, err
	}
	return doc.WriteToBytes()
}

// A ValueError says that a value given by the caller cannot be sent.
type ValueError struct {
	// Name is the element, attribute or parameter that would have held the value.
	Name string
	Msg  string
}

func (e *ValueError) Error() string { return e.Name + ": " + e.Msg }

func checkValues(e *etree.Element) error {
	for i := range e.Attr {
		if !isXMLText(e.Attr[i].Value) {
			return &ValueError{Name: e.Tag + "/@" + e.Attr[i].Key, Msg: "a character that XML does not have"}
		}
	}
	for _, token := range e.Child {
		switch t := token.(type) {
		case *etree.Element:
			if err := checkValues(t); err != nil {
				return err
			}
		case *etree.CharData:
			if !isXMLText(t.Data) {
				return &ValueError{Name: e.Tag, Msg: "a character that XML does not have"}
			}
		}
	}
	return nil
}

// isXMLText tells whether s is UTF-8 and all of it is in the production Char of XML 1.0 §2.2.
func isXMLText(s string) bool {
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			if _, width := utf8.DecodeRuneInString(s[i:]); width == 1 {
				return false
			}
		case r == '\t', r == '\n', r == '\r':
		case r < 0x20, r == 0xFFFE, r == 0xFFFF:
			return false
		}
	}
	return true
}

// randomMessageID returns a version 4 UUID as WS-Addressing wants it.
func randomMessageID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails (crypto/rand)
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("uuid:%X-%X-%X-%X-%X", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
