package cimerror

import (
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// A DecodeError says what in a text is not CIM-XML, or which value is not of its type.
type DecodeError struct {
	// Path leads to the element: INSTANCE/PROPERTY[ErrorType]. "" when the text is not well-formed XML or breaks a limit.
	Path string
	// Property is the name of the first property that could not be converted; "" when the fault is elsewhere.
	Property string
	// Raw is the whole text as received; of one longer than 2 MiB, its first 4 KiB.
	Raw string
	// Instance is what could be decoded, with the reasons in [Property.Err]; nil when the text holds no single instance.
	Instance *Instance
	Err      error
}

func (e *DecodeError) Error() string {
	const prefix = "CIM-XML: "
	reason := strings.TrimPrefix(e.Err.Error(), prefix) // of an embedded instance
	if e.Path == "" {
		return prefix + reason
	}
	return prefix + e.Path + ": " + reason
}

func (e *DecodeError) Unwrap() error { return e.Err }

// A Result is what became of one text: exactly one of Error and Err is set.
type Result struct {
	Error *MsvmError
	Err   *DecodeError
}

// Decode reads one CIM-XML document that holds one instance of CIM_Error or a subclass: Msvm_Error, MSFT_WmiError or
// another one that [Instance.IsError] knows. One of result and error is nil; the error is a [*DecodeError].
func Decode(text []byte) (*MsvmError, error) {
	e, err := decode(bounded(text))
	if err != nil {
		return nil, err
	}
	return e, nil
}

// DecodeAll decodes each text on its own, as [Decode] does; result i belongs to text i.
func DecodeAll(texts []string) []Result {
	results := make([]Result, len(texts))
	for k, text := range texts {
		e, err := decode(text)
		if err == nil {
			results[k].Error = e
		}
		results[k].Err = err
	}
	return results
}

// DecodeInstance reads one CIM-XML document that holds one instance of any class. One of result and error is nil;
// the error is a [*DecodeError], and an instance with a property that could not be converted is in its Instance.
func DecodeInstance(text []byte) (*Instance, error) {
	d := decoder{markup: maxMarkup}
	i, _, err := d.document(bounded(text))
	if err != nil {
		return nil, err
	}
	return i, nil
}

// bounded copies no more of text than tells that it is too long.
func bounded(text []byte) string {
	return string(text[:min(len(text), maxText+1)])
}

// decode decodes the instance in text and insists that it is an error.
func decode(text string) (*MsvmError, *DecodeError) {
	d := decoder{markup: maxMarkup}
	i, e, err := d.document(text)
	if err == nil && e == nil {
		err = &DecodeError{Path: "INSTANCE", Raw: text, Instance: i, Err: fmt.Errorf("class %s is not CIM_Error", quote(i.ClassName))}
	}
	return e, err
}

// A decoder decodes one text and the documents embedded in it.
type decoder struct {
	markup   int // '<' that may still come
	embedded int // instances around this one
}

// document decodes the one instance in text. The second result is its typed view, nil if it is not an error.
func (d *decoder) document(text string) (*Instance, *MsvmError, *DecodeError) {
	root, err := readDocument(text, &d.markup)
	if err != nil {
		if len(text) > maxText {
			text = text[:keptText]
		}
		return nil, nil, &DecodeError{Raw: text, Err: err}
	}
	return d.wrapped(root, text)
}

// wrapped decodes the one instance at or below e, of which raw is the text.
func (d *decoder) wrapped(e *etree.Element, raw string) (*Instance, *MsvmError, *DecodeError) {
	var f found
	f.search(e)
	if f.instances != 1 {
		return nil, nil, &DecodeError{Path: e.Tag, Raw: raw, Err: fmt.Errorf("%d instances where one is due", f.instances)}
	}
	i := &Instance{Raw: raw}
	typed, de := d.instance(i, f.instance)
	if f.path != nil {
		path, err := readReference(f.path)
		if err == nil {
			i.Path = &path
		} else if de == nil {
			de = &DecodeError{Path: e.Tag + "/" + f.path.Tag, Err: err}
		}
	}
	if de != nil {
		de.Raw, de.Instance = raw, i
		return nil, nil, de
	}
	return i, typed, nil
}

// found is what stands within the wrappers of DSP0201 and of a declaration file.
type found struct {
	instances int
	instance  *etree.Element // the first
	path      *etree.Element // the path beside it
}

func (f *found) search(e *etree.Element) {
	switch e.Tag {
	case "INSTANCE":
		if f.instance == nil {
			f.instance = e
		}
		f.instances++
	case "INSTANCEPATH", "LOCALINSTANCEPATH", "INSTANCENAME":
		f.path = e
	case "VALUE.NAMEDINSTANCE", "VALUE.NAMEDOBJECT", "VALUE.INSTANCEWITHPATH", "VALUE.OBJECT", "VALUE.OBJECTWITHPATH",
		"VALUE.OBJECTWITHLOCALPATH", "CIM", "DECLARATION", "DECLGROUP", "DECLGROUP.WITHNAME", "DECLGROUP.WITHPATH":
		for c := range e.ChildElementsSeq() {
			f.search(c)
		}
	}
}

// instance decodes INSTANCE into i. Of several faults the first is returned, without Raw and Instance.
func (d *decoder) instance(i *Instance, e *etree.Element) (*MsvmError, *DecodeError) {
	for k := range e.Attr {
		switch a := &e.Attr[k]; attrName(a) {
		case "CLASSNAME":
			i.ClassName = a.Value
		case "xml:lang":
			i.Lang = a.Value
		}
	}
	i.Properties = make([]Property, countProperties(e))
	n := 0
	var first *DecodeError
	for _, t := range e.Child {
		var err error
		c, ok := t.(*etree.Element)
		switch {
		case !ok && isText(t):
			err = errors.New("text between the properties")
		case !ok:
		case isProperty(c):
			d.property(&i.Properties[n], c)
			n++
		case c.Tag == "QUALIFIER":
			i.Qualifiers = append(i.Qualifiers, d.qualifier(c))
		default:
			err = fmt.Errorf("unexpected element %s", c.Tag)
		}
		if err != nil && first == nil {
			first = &DecodeError{Path: "INSTANCE", Err: err}
		}
	}
	var typed *MsvmError
	if i.IsError() {
		typed = i.typed(func(p *Property, err error) { p.Value, p.Err = nil, err })
	}
	for k := range i.Properties {
		if p := &i.Properties[k]; p.Err != nil {
			return nil, &DecodeError{Path: "INSTANCE/PROPERTY[" + p.Name + "]", Property: p.Name, Err: p.Err}
		}
	}
	return typed, first
}

func isProperty(e *etree.Element) bool {
	return e.Tag == "PROPERTY" || strings.HasPrefix(e.Tag, "PROPERTY.")
}

func countProperties(e *etree.Element) int {
	n := 0
	for _, t := range e.Child {
		if c, ok := t.(*etree.Element); ok && isProperty(c) {
			n++
		}
	}
	return n
}

// property decodes PROPERTY, PROPERTY.ARRAY, PROPERTY.REFERENCE, and PROPERTY.OBJECT and its like of WMI DTD 2.0.
func (d *decoder) property(p *Property, e *etree.Element) {
	for k := range e.Attr {
		p.attribute(&e.Attr[k])
	}
	typ := p.Type
	if typ == "" {
		typ = knownOf(p.Name).cimType()
	}
	p.Reference = e.Tag == "PROPERTY.REFERENCE"
	v := d.content(e, kind{typ, p.EmbeddedObject != ""})
	p.Value, p.Raw, p.Items, p.Array, p.Null, p.Err = v.value, v.raw, v.items, v.array, v.null, v.err
	for c := range e.ChildElementsSeq() {
		if c.Tag == "QUALIFIER" {
			p.Qualifiers = append(p.Qualifiers, d.qualifier(c))
		}
	}
	if p.Err == nil && p.Name == "" {
		p.Value, p.Err = nil, errors.New("property without a NAME")
	}
}

// attribute sets the field for one attribute. Spelling and order differ between producers (facts/cim-xml.md §2).
func (p *Property) attribute(a *etree.Attr) {
	switch attrName(a) {
	case "NAME":
		p.Name = a.Value
	case "TYPE":
		p.Type = a.Value
	case "CLASSORIGIN":
		p.ClassOrigin = a.Value
	case "PROPAGATED":
		p.Propagated = strings.EqualFold(a.Value, "true")
	case "MODIFIED":
		p.Modified = strings.EqualFold(a.Value, "true")
	case "REFERENCECLASS":
		p.ReferenceClass = a.Value
	case "ARRAYSIZE":
		p.ArraySize = a.Value
	case "EmbeddedObject", "EMBEDDEDOBJECT":
		p.EmbeddedObject = a.Value
	case "EmbeddedClassName", "EMBEDDEDCLASSNAME":
		p.EmbeddedClassName = a.Value
	case "xml:lang":
		p.Lang = a.Value
	}
}

func (d *decoder) qualifier(e *etree.Element) Qualifier {
	is := func(name string, byDefault bool) bool {
		if v := attr(e, name); v != "" {
			return strings.EqualFold(v, "true")
		}
		return byDefault
	}
	q := Qualifier{
		Name: attr(e, "NAME"), Type: attr(e, "TYPE"), Lang: attr(e, "xml:lang"),
		Propagated:   is("PROPAGATED", false),
		Overridable:  is("OVERRIDABLE", true),
		ToSubclass:   is("TOSUBCLASS", true),
		ToInstance:   is("TOINSTANCE", false),
		Translatable: is("TRANSLATABLE", false),
	}
	v := d.content(e, kind{q.Type, false})
	q.Value, q.Raw, q.Items, q.Array, q.Null, q.Err = v.value, v.raw, v.items, v.array, v.null, v.err
	return q
}
