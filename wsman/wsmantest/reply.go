package wsmantest

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// A writer builds the elements of answers in one dialect.
type writer struct {
	dialect *Dialect
	locale  string
}

// namespaceOf returns the namespace that a prefix of Windows stands for (facts/wire-format.md §1); p is declared where
// it is used, for it means two things.
func namespaceOf(prefix string) string {
	switch prefix {
	case "s":
		return wsman.NamespaceSOAP
	case "a":
		return wsman.NamespaceAddressing
	case "x":
		return wsman.NamespaceTransfer
	case "e":
		return wsman.NamespaceEventing
	case "n":
		return wsman.NamespaceEnumeration
	case "w":
		return wsman.NamespaceWSMan
	case "f":
		return wsman.NamespaceWSManFault
	case "cim":
		return wsman.NamespaceCIM
	case "b":
		return wsman.NamespaceCIMBinding
	case "xsi":
		return wsman.NamespaceXSI
	case "wsmid":
		return wsman.NamespaceIdentity
	}
	return ""
}

// name returns prefix:local with the dialect's prefix.
func (w *writer) name(prefix, local string) string { return w.dialect.prefix(prefix) + ":" + local }

// add appends an element to parent and returns it.
func (w *writer) add(parent *etree.Element, prefix, local string) *etree.Element {
	return parent.CreateElement(w.name(prefix, local))
}

// addText appends an element that holds text. Empty text still gives an open and a close tag, as on Windows.
func (w *writer) addText(parent *etree.Element, prefix, local, text string) *etree.Element {
	e := w.add(parent, prefix, local)
	e.CreateText(clean(text))
	return e
}

// declare binds a prefix of Windows on e.
func (w *writer) declare(e *etree.Element, prefix, uri string) {
	e.CreateAttr("xmlns:"+w.dialect.prefix(prefix), uri)
}

// clean replaces what XML cannot carry by question marks, as Windows does (facts/wire-format.md §6).
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < ' ' || r == 0xfffe || r == 0xffff:
			return '?'
		}
		return r
	}, s)
}

// envelope starts an answer and returns its header and body. prefixes are the namespaces to declare beside s, a and w.
func (w *writer) envelope(prefixes ...string) (doc *etree.Document, header, body *etree.Element) {
	doc = etree.NewDocument()
	root := doc.CreateElement(w.name("s", "Envelope"))
	root.CreateAttr("xml:lang", w.locale)
	for _, p := range slices.Concat([]string{"s"}, prefixes) {
		w.declare(root, p, namespaceOf(p))
	}
	return doc, w.add(root, "s", "Header"), w.add(root, "s", "Body")
}

// address fills the header of an answer to the message relatesTo.
func (w *writer) address(header *etree.Element, action, relatesTo string) {
	w.addText(header, "a", "Action", action)
	w.addText(header, "a", "MessageID", "uuid:"+newGUID())
	w.addText(header, "a", "To", wsman.AddressAnonymous)
	if relatesTo != "" && !w.dialect.OmitRelatesTo {
		w.addText(header, "a", "RelatesTo", relatesTo)
	}
}

// newGUID returns a random GUID in upper case.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// instance writes one instance whose class has the namespace uri. selected, if not nil, limits the properties to those.
func (w *writer) instance(in *instance, uri string, selected []string) *etree.Element {
	if w.dialect.DMTFClasses {
		uri = uriDMTF + in.class.name
	}
	e := etree.NewElement(w.name("p", in.class.name))
	w.declare(e, "xsi", wsman.NamespaceXSI)
	w.declare(e, "p", uri)
	w.declare(e, "cim", wsman.NamespaceCIM)
	e.CreateAttr(w.name("xsi", "type"), w.name("p", in.class.name+"_Type"))
	for i := range in.properties {
		p := &in.properties[i]
		if selects(selected, p.name) {
			w.property(e, p)
		}
	}
	w.arrange(e)
	return e
}

// fragment writes the selected properties as Windows does for a query that names them: a w:XmlFragment whose elements
// are in no namespace (seen by two clients: metasploit's WQL reader and the tests of Zenoss' txwinrm).
func (w *writer) fragment(in *instance, selected []string) *etree.Element {
	e := etree.NewElement(w.name("w", "XmlFragment"))
	w.declare(e, "xsi", wsman.NamespaceXSI)
	for i := range in.properties {
		p := &in.properties[i]
		if !selects(selected, p.name) {
			continue
		}
		if p.null {
			e.CreateElement(p.name).CreateAttr(w.name("xsi", "nil"), "true")
		}
		for _, text := range p.texts {
			holder := e.CreateElement(p.name)
			switch {
			case p.cimType == typeTimestamp && !w.dialect.BareDatetime:
				holder = holder.CreateElement("Datetime")
			case p.cimType == typeInterval && !w.dialect.BareDatetime:
				holder = holder.CreateElement("Interval")
			}
			holder.CreateText(clean(text))
		}
	}
	w.arrange(e)
	return e
}

// selects reports whether a property is among those selected; nil selects all.
func selects(selected []string, name string) bool {
	return selected == nil || slices.ContainsFunc(selected, func(s string) bool { return strings.EqualFold(s, name) })
}

// property writes one property: once for each value, or once as nil.
func (w *writer) property(parent *etree.Element, p *property) {
	if p.null {
		w.add(parent, "p", p.name).CreateAttr(w.name("xsi", "nil"), "true")
		return
	}
	for _, text := range p.texts {
		switch {
		case p.cimType == typeTimestamp && !w.dialect.BareDatetime:
			w.addText(w.add(parent, "p", p.name), "cim", "Datetime", text)
		case p.cimType == typeInterval && !w.dialect.BareDatetime:
			w.addText(w.add(parent, "p", p.name), "cim", "Interval", text)
		default:
			w.addText(parent, "p", p.name, text)
		}
	}
}

// arrange puts the children of e into the dialect's order; the values of an array keep theirs.
func (w *writer) arrange(e *etree.Element) {
	if !w.dialect.ReverseProperties {
		return
	}
	slices.SortStableFunc(e.Child, func(a, b etree.Token) int {
		x, y := a.(*etree.Element), b.(*etree.Element) // only elements were added
		return strings.Compare(y.Tag, x.Tag)
	})
	e.ReindexChildren()
}

// reference writes the endpoint reference of an instance.
func (w *writer) reference(parent *etree.Element, in *instance, req *request) *etree.Element {
	epr := w.add(parent, "a", "EndpointReference")
	w.addText(epr, "a", "Address", wsman.AddressAnonymous)
	parameters := w.add(epr, "a", "ReferenceParameters")
	w.addText(parameters, "w", "ResourceURI", req.classURI(in.class.name))
	set := w.add(parameters, "w", "SelectorSet")
	if req.dmtf {
		w.addText(set, "w", "Selector", namespaceHyperV).CreateAttr("Name", selectorCIMName)
	}
	for _, key := range in.class.keys {
		w.addText(set, "w", "Selector", in.text(key)).CreateAttr("Name", key)
	}
	return epr
}
