package invoke

import (
	"encoding/xml"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// instanceTexts returns the CIM-XML texts in one value of an out parameter, mostly one. Windows sends it as character data,
// since the parameter is a plain string there (facts/wire-format.md §5). A service that knows the type sends elements: CIM-XML
// ones, which are written out again, or instances with an element for each property, which become INSTANCEs. A wrapper
// around several of them, or around texts, is looked into.
func instanceTexts(p *wsman.Property) []string {
	if len(p.Children) == 0 {
		return []string{p.Text}
	}
	var texts []string
	for k := range p.Children {
		c := &p.Children[k]
		switch {
		case c.Name == "INSTANCE" || strings.HasPrefix(c.Name, "VALUE."):
			texts = append(texts, write(func(w *cimWriter) { w.element(c) }))
		case len(c.Children) > 0:
			i := wsman.Instance{Name: c.Name, Properties: c.Children}
			if typed, ok := (&wsman.Property{Children: []wsman.Property{*c}}).Embedded(); ok {
				i = *typed
			}
			texts = append(texts, write(func(w *cimWriter) { w.instance(className(&i), i.Properties) }))
		case strings.HasPrefix(strings.TrimSpace(c.Text), "<"):
			texts = append(texts, c.Text)
		default:
			// A leaf is a property: the parameter itself is the instance, and may not say of which class.
			class := "Msvm_Error"
			if i, ok := p.Embedded(); ok && i.Type != "" {
				class = className(i)
			}
			return []string{write(func(w *cimWriter) { w.instance(class, p.Children) })}
		}
	}
	return texts
}

// className returns the class of i by its xsi:type, else by its element.
func className(i *wsman.Instance) string {
	if class := strings.TrimSuffix(i.Type, "_Type"); class != "" {
		return class
	}
	return i.Name
}

// write returns what f writes.
func write(f func(*cimWriter)) string {
	w := &cimWriter{}
	w.encoder = xml.NewEncoder(&w.text)
	f(w)
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

// instance writes properties as strings: their types are in cimerror's table. Properties of one name, wherever they stand, are
// one array.
func (w *cimWriter) instance(class string, ps []wsman.Property) {
	var names []string
	byName := map[string][]*wsman.Property{}
	for k := range ps {
		name := ps[k].Name
		if byName[name] == nil {
			names = append(names, name)
		}
		byName[name] = append(byName[name], &ps[k])
	}
	w.within("INSTANCE", []xml.Attr{attribute("CLASSNAME", class)}, func() {
		for _, name := range names {
			w.property(byName[name])
		}
	})
}

// property writes the values of one property.
func (w *cimWriter) property(values []*wsman.Property) {
	attrs := []xml.Attr{attribute("NAME", values[0].Name), attribute("TYPE", "string")}
	switch {
	case len(values) == 1 && values[0].Nil:
		w.within("PROPERTY", attrs, func() {})
	case len(values) == 1:
		w.within("PROPERTY", attrs, func() { w.value(values[0]) })
	default:
		w.within("PROPERTY.ARRAY", attrs, func() {
			w.within("VALUE.ARRAY", nil, func() {
				for _, v := range values {
					w.value(v)
				}
			})
		})
	}
}

func (w *cimWriter) value(p *wsman.Property) {
	if p.Nil {
		w.within("VALUE.NULL", nil, func() {})
		return
	}
	w.within("VALUE", nil, func() { w.chars(rawText(p)) })
}

func (w *cimWriter) chars(s string) { _ = w.encoder.EncodeToken(xml.CharData(s)) }

func attribute(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}
