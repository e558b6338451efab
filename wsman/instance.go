package wsman

import (
	"strings"
	"time"

	"github.com/beevik/etree"
)

// An Instance is a CIM instance, or the output of a method, as it stood in the body of a reply.
// It holds what arrived and converts on request: the wire does not tell types or arities, so the caller's question does
// (facts/wire-format.md §5).
type Instance struct {
	// Namespace and Name are those of the element: the class' resource URI and its name.
	Namespace string
	Name      string
	// Type is xsi:type without its prefix, such as Msvm_MigrationJob_Type; empty when there was none.
	Type string
	// EPR is set by an enumeration in mode EnumerateObjectAndEPR.
	EPR *EndpointReference
	// Date is the HTTP Date of the reply, the service's own clock. Zero when the reply had none.
	Date time.Time
	// Properties holds every child element in the order of the wire; the items of an array repeat its name.
	Properties []Property
}

// A Property is one child element of an [Instance].
type Property struct {
	Namespace string
	Name      string
	// Nil tells xsi:nil: the property is NULL. Text and Children are then empty.
	Nil bool
	// Text is the element's own character data, exactly as sent.
	Text string
	// Children holds the child elements: a datetime, the parts of an endpoint reference, an embedded instance.
	Children []Property
	// Attributes holds the element's attributes, but for namespace declarations.
	Attributes []Attribute
}

// An Attribute is one XML attribute, its prefix resolved.
type Attribute struct {
	Namespace string
	Name      string
	Value     string
}

// State tells how a property stood in an answer. The zero value is Absent.
type State int

// The states of facts/wire-format.md §5: a NULL, an empty value and a missing element are three things.
const (
	Absent State = iota
	Nil
	Present
)

// Scalar answers the question for one value: its state, and the property when it is Present.
// Several values where one was asked for are a [*ProtocolError].
func (i *Instance) Scalar(name string) (Property, State, error) {
	values, state := i.Array(name)
	if state != Present {
		return Property{}, state, nil
	}
	if len(values) > 1 {
		return Property{}, Present, &ProtocolError{Path: i.Name + "/" + name, Msg: "several values where one was due"}
	}
	return values[0], Present, nil
}

// Array answers the question for an array: its state and its values. A single value is an array of one;
// the wire has no empty array: it is Absent.
func (i *Instance) Array(name string) ([]Property, State) {
	state := Absent
	var values []Property
	for _, p := range i.Properties {
		if !strings.EqualFold(p.Name, name) {
			continue
		}
		if p.Nil {
			state = max(state, Nil)
			continue
		}
		state = Present
		values = append(values, p)
	}
	return values, state
}

// newInstance reads the element of an instance.
func newInstance(e *element) (*Instance, error) {
	p, err := newProperty(*e)
	if err != nil {
		return nil, err
	}
	return p.instance(), nil
}

// instance reads p as an instance: its children are the properties.
func (p *Property) instance() *Instance {
	i := &Instance{Namespace: p.Namespace, Name: p.Name, Properties: p.Children}
	for _, a := range p.Attributes {
		if a.Namespace == NamespaceXSI && a.Name == "type" {
			i.Type = a.Value[strings.IndexByte(a.Value, ':')+1:]
		}
	}
	return i
}

// newProperty reads e and everything below it.
func newProperty(e element) (Property, error) {
	p := Property{Namespace: e.uri, Name: e.Tag, Text: e.text()}
	for i := range e.Attr {
		a := &e.Attr[i]
		if a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns" {
			continue
		}
		var uri string
		if a.Space != "" {
			uri, _ = e.scope.lookup(a.Space) // bind has checked it
		}
		if uri == NamespaceXSI && a.Key == "nil" && isTrue(a.Value) {
			p.Nil = true
		}
		p.Attributes = append(p.Attributes, Attribute{Namespace: uri, Name: a.Key, Value: a.Value})
	}
	if n := countElements(e.Child); n > 0 {
		p.Children = make([]Property, 0, n) // an answer may hold thousands
	}
	for _, token := range e.Child {
		c, ok := token.(*etree.Element)
		if !ok {
			continue
		}
		b, err := bound(c, e.scope)
		if err != nil {
			return Property{}, err
		}
		child, err := newProperty(b)
		if err != nil {
			return Property{}, err
		}
		p.Children = append(p.Children, child)
	}
	if len(p.Children) > 0 && strings.TrimSpace(p.Text) == "" {
		p.Text = "" // indentation
	}
	return p, nil
}

// countElements returns how many of the tokens are elements.
func countElements(tokens []etree.Token) int {
	n := 0
	for _, t := range tokens {
		if _, ok := t.(*etree.Element); ok {
			n++
		}
	}
	return n
}

// isTrue reads an xs:boolean, in any case.
func isTrue(s string) bool {
	s = strings.TrimSpace(s)
	return s == "1" || strings.EqualFold(s, "true")
}
