package wsmantest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Limits of a document from a client. Requests are small: these are far above what any client needs.
const (
	maxTags       = 16384
	maxDepth      = 64
	maxAttributes = 64
)

// readDocument parses one XML document and returns its root. It refuses what XML tooling commonly lets through and a
// SOAP processor must not: a DOCTYPE, a second root, text outside the root, duplicate attributes, unbound prefixes.
func readDocument(b []byte) (*etree.Element, error) {
	if bytes.Count(b, []byte{'<'}) > maxTags {
		return nil, fmt.Errorf("more than %d tags", maxTags)
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{MaxDepth: maxDepth, PreserveDuplicateAttrs: true}
	if err := doc.ReadFromBytes(bytes.TrimPrefix(b, []byte("\ufeff"))); err != nil {
		return nil, err
	}
	var root *etree.Element
	for _, t := range doc.Child {
		switch t := t.(type) {
		case *etree.Element:
			if root != nil {
				return nil, errors.New("a second root element")
			}
			root = t
		case *etree.Directive:
			return nil, errors.New("a document type declaration")
		case *etree.CharData:
			if strings.TrimSpace(t.Data) != "" {
				return nil, errors.New("text outside the root element")
			}
		}
	}
	if root == nil {
		return nil, errors.New("no root element")
	}
	return root, checkElement(root)
}

// checkElement refuses duplicate attributes and unbound prefixes in e and below; maxDepth bounds the recursion.
func checkElement(e *etree.Element) error {
	if len(e.Attr) > maxAttributes {
		return fmt.Errorf("more than %d attributes in element %s", maxAttributes, e.FullTag())
	}
	if e.Space != "" && e.NamespaceURI() == "" {
		return fmt.Errorf("prefix %q is not bound", e.Space)
	}
	seen := make(map[string]bool, len(e.Attr))
	for i := range e.Attr {
		a := &e.Attr[i]
		if seen[a.FullKey()] {
			return fmt.Errorf("attribute %s twice in element %s", a.FullKey(), e.FullTag())
		}
		seen[a.FullKey()] = true
		if a.Space != "" && a.Space != "xml" && a.Space != "xmlns" && a.NamespaceURI() == "" {
			return fmt.Errorf("prefix %q is not bound", a.Space)
		}
	}
	for c := range e.ChildElementsSeq() {
		if err := checkElement(c); err != nil {
			return err
		}
	}
	return nil
}

// is reports whether e is the element local of namespace ns.
func is(e *etree.Element, ns, local string) bool {
	return e != nil && e.Tag == local && e.NamespaceURI() == ns
}

// child returns the first child of e that is local of namespace ns, or nil. e may be nil.
func child(e *etree.Element, ns, local string) *etree.Element {
	if e == nil {
		return nil
	}
	for c := range e.ChildElementsSeq() {
		if is(c, ns, local) {
			return c
		}
	}
	return nil
}

// textOf returns the character data of e, trimmed; "" for nil. etree's own Text stops at the first comment.
func textOf(e *etree.Element) string {
	if e == nil {
		return ""
	}
	var b strings.Builder
	for _, t := range e.Child {
		if c, ok := t.(*etree.CharData); ok {
			b.WriteString(c.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// attr returns the value of the attribute local in namespace ns ("" for none), and whether e has it.
func attr(e *etree.Element, ns, local string) (string, bool) {
	for i := range e.Attr {
		a := &e.Attr[i]
		if a.Key != local || a.Space == "xmlns" {
			continue
		}
		if (a.Space == "" && ns == "") || (a.Space != "" && a.NamespaceURI() == ns) {
			return a.Value, true
		}
	}
	return "", false
}

// mustUnderstand reports whether the header e carries s:mustUnderstand with a true value.
func mustUnderstand(e *etree.Element) bool {
	v, _ := attr(e, wsman.NamespaceSOAP, "mustUnderstand")
	return isTrue(v)
}

// isTrue reads an xs:boolean; anything that is not one is false.
func isTrue(s string) bool { return s == "true" || s == "1" }
