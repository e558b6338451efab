package wsmantest

import (
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Limits of a Windows service by default (facts/wire-format.md §4, faults.md §4).
const (
	maxEnvelope         = 500 << 10 // MaxEnvelopeSizekb: of a request, and of any answer
	minEnvelope         = 8192
	maxOperationTimeout = 60 * time.Second
	minOperationTimeout = 500 * time.Millisecond
)

// Forms of resource URIs (facts/wire-format.md §3).
const (
	uriMicrosoft    = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
	uriDMTF         = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
	uriDMTFAll      = "http://schemas.dmtf.org/wbem/wscim/1/*"
	selectorCIMName = "__cimnamespace"
)

// A request is an envelope from a client, its headers read and checked.
type request struct {
	identify    bool
	action      string
	messageID   string
	resourceURI string
	selectors   wsman.SelectorSet // without __cimnamespace
	maxEnvelope int
	timeout     time.Duration
	body        *etree.Element // the child of s:Body, or nil

	// From the resource URI.
	config    bool // the service's own configuration, no CIM class
	shell     bool // remote shells, no CIM class either
	dmtf      bool
	namespace string
	class     string
}

// parseRequest reads an envelope and checks its headers. What could be read is returned together with a fault, so that
// the answer can relate to the request.
func parseRequest(b []byte) (*request, error) {
	req := &request{maxEnvelope: maxEnvelope, timeout: maxOperationTimeout}
	root, err := readDocument(b)
	if err != nil {
		return req, newFault(faultInvalidXML, "The request is not an XML document that this service reads: "+err.Error()+".")
	}
	if root.Tag == "Envelope" && !is(root, wsman.NamespaceSOAP, "Envelope") {
		return req, newFault(faultVersionMismatch, "The request is not SOAP 1.2.")
	}
	body := child(root, wsman.NamespaceSOAP, "Body")
	if root.Tag != "Envelope" || body == nil {
		return req, newFault(faultSchemaValidation, "The request is not a SOAP envelope with a body.")
	}
	for c := range body.ChildElementsSeq() {
		if req.body != nil {
			return req, newFault(faultSchemaValidation, "The body holds more than one element.")
		}
		req.body = c
	}
	header := child(root, wsman.NamespaceSOAP, "Header")
	if is(req.body, wsman.NamespaceIdentity, "Identify") {
		req.identify = true
		return req, nil
	}
	if header == nil {
		return req, newFault(faultHeaderRequired, "The request has no header.")
	}
	return req, req.readHeader(header)
}

// readHeader reads the headers and checks them in the order of facts/wire-format.md §4.
func (req *request) readHeader(header *etree.Element) error {
	req.action = textOf(child(header, wsman.NamespaceAddressing, "Action"))
	req.messageID = textOf(child(header, wsman.NamespaceAddressing, "MessageID"))
	req.resourceURI = textOf(child(header, wsman.NamespaceWSMan, "ResourceURI"))
	for _, check := range []func(*etree.Element) error{
		checkUnderstood, req.checkAddressing, checkLocale, req.readLimits, checkOptions, req.readSelectors,
	} {
		if err := check(header); err != nil {
			return err
		}
	}
	if req.isContextOnly() {
		return nil // Pull and Release name an enumeration; their ResourceURI repeats the Enumerate's
	}
	return req.readResource()
}

// isContextOnly reports whether the request is for an enumeration that exists.
func (req *request) isContextOnly() bool {
	return req.action == wsman.ActionPull || req.action == wsman.ActionRelease
}

// checkUnderstood refuses a header that must be understood and is not.
func checkUnderstood(header *etree.Element) error {
	known := map[string]string{
		"To": wsman.NamespaceAddressing, "Action": wsman.NamespaceAddressing, "MessageID": wsman.NamespaceAddressing,
		"ReplyTo": wsman.NamespaceAddressing, "FaultTo": wsman.NamespaceAddressing, "From": wsman.NamespaceAddressing,
		"ResourceURI": wsman.NamespaceWSMan, "SelectorSet": wsman.NamespaceWSMan, "OptionSet": wsman.NamespaceWSMan,
		"MaxEnvelopeSize": wsman.NamespaceWSMan, "OperationTimeout": wsman.NamespaceWSMan, "Locale": wsman.NamespaceWSMan,
		"DataLocale": wsman.NamespaceWSManMS, "SessionId": wsman.NamespaceWSManMS,
	}
	for h := range header.ChildElementsSeq() {
		if mustUnderstand(h) && h.NamespaceURI() != known[h.Tag] {
			return newFault(faultMustUnderstand, "The header "+h.Tag+" must be understood, and is not.")
		}
	}
	return nil
}

func (req *request) checkAddressing(header *etree.Element) error {
	replyTo := child(header, wsman.NamespaceAddressing, "ReplyTo")
	switch {
	case req.action == "":
		return newFault(faultHeaderRequired, "The request has no wsa:Action.")
	case req.messageID == "":
		return newFault(faultHeaderRequired, "The request has no wsa:MessageID.")
	case child(header, wsman.NamespaceAddressing, "To") == nil:
		return newFault(faultHeaderRequired, "The request has no wsa:To.")
	case replyTo == nil:
		return newFault(faultHeaderRequired, "The request has no wsa:ReplyTo.")
	}
	for _, to := range []*etree.Element{replyTo, child(header, wsman.NamespaceAddressing, "FaultTo")} {
		if to != nil && textOf(child(to, wsman.NamespaceAddressing, "Address")) != wsman.AddressAnonymous {
			return newFault(faultAddressingMode, "Answers go only to the anonymous address.")
		}
	}
	return nil
}

func checkLocale(header *etree.Element) error {
	if h := child(header, wsman.NamespaceWSMan, "Locale"); h != nil && mustUnderstand(h) {
		return newFault(faultLocale, "A locale cannot be made mandatory.")
	}
	if h := child(header, wsman.NamespaceWSManMS, "DataLocale"); h != nil && mustUnderstand(h) {
		return newFault(faultDataLocale, "A data locale cannot be made mandatory.")
	}
	return nil
}

func (req *request) readLimits(header *etree.Element) error {
	if h := child(header, wsman.NamespaceWSMan, "MaxEnvelopeSize"); h != nil {
		size, err := strconv.ParseUint(textOf(h), 10, 31)
		if err != nil || size < minEnvelope {
			return newFault(faultMinEnvelope, "MaxEnvelopeSize is no number, or below 8192.")
		}
		req.maxEnvelope = min(int(size), maxEnvelope)
	}
	if h := child(header, wsman.NamespaceWSMan, "OperationTimeout"); h != nil {
		d, err := parseXSDuration(textOf(h))
		if err != nil {
			return newFault(faultInvalidTimeout, "OperationTimeout is "+err.Error()+".")
		}
		req.timeout = min(max(d, minOperationTimeout), maxOperationTimeout)
	}
	return nil
}

func checkOptions(header *etree.Element) error {
	set := child(header, wsman.NamespaceWSMan, "OptionSet")
	if set == nil {
		return nil
	}
	for o := range set.ChildElementsSeq() {
		if v, _ := attr(o, "", "MustComply"); isTrue(v) {
			return newFault(faultInvalidOptions, "An option of a CIM resource cannot be mandatory.")
		}
	}
	return nil
}

func (req *request) readSelectors(header *etree.Element) error {
	set := child(header, wsman.NamespaceWSMan, "SelectorSet")
	if set == nil {
		return nil
	}
	for s := range set.ChildElementsSeq() {
		name, ok := attr(s, "", "Name")
		if !ok || !is(s, wsman.NamespaceWSMan, "Selector") {
			return newFault(faultSchemaValidation, "A selector has no name.")
		}
		if _, twice := req.selectors.Get(name); twice {
			return newFault(faultDuplicateSelectors, "The selector "+name+" stands twice.")
		}
		req.selectors = append(req.selectors, wsman.Selector{Name: name, Value: selectorText(s)})
	}
	return nil
}

// selectorText returns a selector's value untrimmed: blanks belong to a key.
func selectorText(s *etree.Element) string {
	var b strings.Builder
	for _, t := range s.Child {
		if c, ok := t.(*etree.CharData); ok {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// readResource takes the resource URI apart. URIs compare case-insensitively (facts/wire-format.md §1).
func (req *request) readResource() error {
	if req.config = strings.EqualFold(req.resourceURI, wsman.ResourceServiceConfig); req.config {
		return nil
	}
	if req.shell = strings.EqualFold(req.resourceURI, resourceShell); req.shell {
		return nil
	}
	named, hasNamed := req.takeNamespace()
	uri := req.resourceURI
	switch {
	case strings.EqualFold(uri, uriDMTFAll):
		req.dmtf, req.class = true, "*"
	case hasPrefixFold(uri, uriDMTF):
		req.dmtf, req.class = true, uri[len(uriDMTF):]
	case hasPrefixFold(uri, uriMicrosoft):
		rest := uri[len(uriMicrosoft):]
		slash := strings.LastIndexByte(rest, '/')
		req.namespace, req.class = rest[:max(slash, 0)], rest[slash+1:]
	}
	if req.class == "" {
		return newFault(faultInvalidResourceURI, "The resource URI is missing or not one of CIM.")
	}
	if req.dmtf {
		req.namespace = "root/hardware" // what Windows assumes without the selector
		if hasNamed {
			req.namespace = named
		}
		return nil
	}
	if hasNamed && !strings.EqualFold(named, req.namespace) {
		return newFault(faultDifferentNamespace, "The resource URI and the selector __cimnamespace name different namespaces.")
	}
	return nil
}

// takeNamespace removes the selector __cimnamespace and returns its value with forward slashes.
func (req *request) takeNamespace() (string, bool) {
	for i, s := range req.selectors {
		if strings.EqualFold(s.Name, selectorCIMName) {
			req.selectors = append(req.selectors[:i:i], req.selectors[i+1:]...)
			return strings.ReplaceAll(s.Value, `\`, "/"), true
		}
	}
	return "", false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// classURI is the namespace of instances of c in answers to req.
func (req *request) classURI(c string) string {
	if req.dmtf {
		return uriDMTF + c
	}
	return uriMicrosoft + namespaceHyperV + "/" + c
}
