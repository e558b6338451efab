package invoke

import (
	"encoding/xml"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// instanceText returns the CIM-XML text of one error. Windows sends it as character data, since the parameter is a plain
// string there (facts/wire-format.md §5). A service that knows the type sends elements: CIM-XML ones, which are written
// out again, or one element for each property, which becomes an INSTANCE.
func instanceText(p *wsman.Property) string {
	i, ok := p.Embedded()
	if !ok {
		return p.Text
	}
	class := strings.TrimSuffix(i.Type, "_Type")
	switch {
	case class != "":
	case i.Name == p.Name: // the parameter itself is the instance, and does not say of which class
		class = "Msvm_Error"
	default:
		class = i.Name
	}
	w := &cimWriter{}
	w.encoder = xml.NewEncoder(&w.text)
	if first := p.Children[0].Name; first == "INSTANCE" || strings.HasPrefix(first, "VALUE.") {
		w.element(&p.Children[0])
	} else {
		w.instance(class, i.Properties)
	}
	return w.String()
}

// A cimWriter writes CIM-XML. Its encoder writes to memory, where the one error left is a name that is no XML name;
// that one leaves a text which cimerror refuses.
type cimWriter struct {
	text    strings.Builder
	encoder *xml.Encoder
}

func (w *cimWriter) String() string {
	_ = w.encoder.Close()
	return w.text.String()
}

func (w *cimWriter) within(name string, attrs []xml.Attr, content func()) {
	start := xml.StartElement{Name: xml.Name{Local: name}, Attr: attrs}
	_ = w.encoder.EncodeToken(start)
	content()
	_ = w.encoder.EncodeToken(start.End())
}

// element writes p as it stood, without namespaces, which CIM-XML does not have.
func (w *cimWriter) element(p *wsman.Property) {
	attrs := make([]xml.Attr, len(p.Attributes))
	for i, a := range p.Attributes {
		attrs[i] = attribute(a.Name, a.Value)
	}
	w.within(p.Name, attrs, func() {
		w.chars(p.Text)
		for i := range p.Children {
			w.element(&p.Children[i])
		}
	})
}

// instance writes properties as strings: their types are in cimerror's table.
func (w *cimWriter) instance(class string, ps []wsman.Property) {
	w.within("INSTANCE", []xml.Attr{attribute("CLASSNAME", class)}, func() {
		for len(ps) > 0 {
			ps = ps[w.property(ps):]
		}
	})
}

// property writes the first of ps, with those after it of the same name as one array. It returns how many it wrote.
func (w *cimWriter) property(ps []wsman.Property) int {
	n := 1
	for n < len(ps) && ps[n].Name == ps[0].Name {
		n++
	}
	attrs := []xml.Attr{attribute("NAME", ps[0].Name), attribute("TYPE", "string")}
	switch {
	case ps[0].Nil:
		w.within("PROPERTY", attrs, func() {})
	case n == 1:
		w.within("PROPERTY", attrs, func() { w.value(&ps[0]) })
	default:
		w.within("PROPERTY.ARRAY", attrs, func() {
			w.within("VALUE.ARRAY", nil, func() {
				for i := range n {
					w.value(&ps[i])
				}
			})
		})
	}
	return n
}

func (w *cimWriter) value(p *wsman.Property) {
	w.within("VALUE", nil, func() { w.chars(rawText(p)) })
}

func (w *cimWriter) chars(s string) { _ = w.encoder.EncodeToken(xml.CharData(s)) }

func attribute(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}
