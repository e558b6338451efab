package wsmantest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Compare reports where the envelope got differs from want, or nil. What may differ without a difference in meaning is
// not compared: prefixes, blanks between elements, the order of headers and of attributes, comments. Masked is what
// differs from run to run: MessageID, RelatesTo, To, OperationTimeout and cim:Datetime.
func Compare(want, got []byte) error {
	w, err := readDocument(want)
	if err != nil {
		return fmt.Errorf("wanted envelope: %w", err)
	}
	g, err := readDocument(got)
	if err != nil {
		return fmt.Errorf("envelope: %w", err)
	}
	return compareElements(w, g, "")
}

// compareElements compares two elements and what is below them; path says where.
func compareElements(want, got *etree.Element, path string) error {
	path += "/" + want.Tag
	if a, b := nameOf(want), nameOf(got); a != b {
		return fmt.Errorf("%s: element %s, want %s", path, b, a)
	}
	if a, b := attributesOf(want), attributesOf(got); a != b {
		return fmt.Errorf("%s: attributes [%s], want [%s]", path, b, a)
	}
	if isMasked(want) {
		return nil
	}
	w, g := childrenOf(want), childrenOf(got)
	for i := range w {
		if i == len(g) {
			return fmt.Errorf("%s: no element %s", path, nameOf(w[i]))
		}
		if err := compareElements(w[i], g[i], path); err != nil {
			return err
		}
	}
	if len(g) > len(w) {
		return fmt.Errorf("%s: element %s is not wanted", path, nameOf(g[len(w)]))
	}
	if a, b := selectorText(want), selectorText(got); len(w) == 0 && a != b {
		return fmt.Errorf("%s: text %q, want %q", path, b, a)
	}
	return nil
}

func nameOf(e *etree.Element) string { return "{" + e.NamespaceURI() + "}" + e.Tag }

// attributesOf writes the attributes in an order and a form of their own: names by namespace, xsi:type by local name.
func attributesOf(e *etree.Element) string {
	var list []string
	for i := range e.Attr {
		a := &e.Attr[i]
		if a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns" {
			continue
		}
		uri, value := "", a.Value
		if a.Space != "" {
			uri = a.NamespaceURI()
		}
		if uri == wsman.NamespaceXSI && a.Key == "type" {
			_, value, _ = strings.Cut(":"+value, ":")
			value = value[strings.LastIndexByte(value, ':')+1:]
		}
		list = append(list, fmt.Sprintf("{%s}%s=%q", uri, a.Key, value))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// childrenOf returns the child elements; those of a header in an order of their own.
func childrenOf(e *etree.Element) []*etree.Element {
	list := e.ChildElements()
	if is(e, wsman.NamespaceSOAP, "Header") {
		slices.SortStableFunc(list, func(a, b *etree.Element) int { return strings.Compare(nameOf(a), nameOf(b)) })
	}
	return list
}

func isMasked(e *etree.Element) bool {
	switch e.Tag {
	case "MessageID", "RelatesTo", "To":
		return e.NamespaceURI() == wsman.NamespaceAddressing
	case "OperationTimeout":
		return e.NamespaceURI() == wsman.NamespaceWSMan
	case "Datetime":
		return e.NamespaceURI() == wsman.NamespaceCIM
	}
	return false
}

// errNoElement says that a document lacks what was looked for.
var errNoElement = errors.New("no such element")

// textSpan returns where the text of the first element local of namespace ns begins and ends, so that it can be read
// and replaced while every other octet of the document stays.
func textSpan(doc []byte, ns, local string) (from, to int64, err error) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return 0, 0, errNoElement
		}
		if err != nil {
			return 0, 0, err
		}
		start, ok := t.(xml.StartElement)
		if !ok || start.Name.Local != local || start.Name.Space != ns {
			continue
		}
		from = d.InputOffset()
		if bytes.HasSuffix(doc[:from], []byte("/>")) {
			return 0, 0, errNoElement // an empty element has no place for text
		}
		for to = from; ; to = d.InputOffset() {
			t, err := d.Token()
			if err != nil {
				return 0, 0, err
			}
			if _, end := t.(xml.EndElement); end {
				return from, to, nil
			}
		}
	}
}

// relate makes an answer relate to a request: the recorded RelatesTo becomes the request's MessageID. An answer without
// one, or that is not XML, stays as it is.
func relate(answer, request []byte) []byte {
	from, to, err := textSpan(request, wsman.NamespaceAddressing, "MessageID")
	if err != nil {
		return answer
	}
	id := request[from:to]
	if from, to, err = textSpan(answer, wsman.NamespaceAddressing, "RelatesTo"); err != nil {
		return answer
	}
	return slices.Concat(answer[:from], id, answer[to:])
}
