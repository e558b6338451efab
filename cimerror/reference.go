package cimerror

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// A Reference is a path to a class or an instance (DSP0201 VALUE.REFERENCE). Parts that the path leaves out are empty.
type Reference struct {
	Host      string
	Namespace string // with slashes: root/virtualization/v2
	ClassName string
	Keys      []KeyBinding // none for a class
}

// A KeyBinding is one key of a [Reference]. A key without a name is the only one of its class.
type KeyBinding struct {
	Name      string
	ValueType string // "string", "boolean" or "numeric"; "" is string
	Type      string // CIM type, if the sender told
	Value     string
	Reference *Reference // in place of Value when the key is itself a reference
}

// String returns the path in WMI's notation: \\HOST\root\virtualization\v2:Class.Key="value".
func (r Reference) String() string {
	var b strings.Builder
	if r.Host != "" {
		b.WriteString(`\\` + r.Host + `\`)
	}
	if r.Namespace != "" {
		b.WriteString(strings.ReplaceAll(r.Namespace, "/", `\`) + ":")
	}
	b.WriteString(r.ClassName)
	for n, k := range r.Keys {
		switch {
		case n > 0:
			b.WriteByte(',')
		case k.Name != "":
			b.WriteByte('.')
		}
		b.WriteString(k.Name + "=" + k.text())
	}
	return b.String()
}

// text returns the key's value as it stands in a path: strings and references in quotes.
func (k KeyBinding) text() string {
	v := k.Value
	switch {
	case k.Reference != nil:
		v = k.Reference.String()
	case k.ValueType == "numeric", k.ValueType == "boolean":
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

// readReference reads VALUE.REFERENCE or one of the path elements that may stand in it.
func readReference(e *etree.Element) (Reference, error) {
	var r Reference
	var namespace []string
	if err := r.read(e, &namespace); err != nil {
		return Reference{}, err
	}
	r.Namespace = strings.Join(namespace, "/")
	if r.ClassName == "" {
		return Reference{}, fmt.Errorf("%s names no class", e.Tag)
	}
	return r, nil
}

// read adds what e says of the path; the steps of the namespace go to *namespace.
func (r *Reference) read(e *etree.Element, namespace *[]string) error {
	switch e.Tag {
	case "VALUE.REFERENCE", "CLASSPATH", "LOCALCLASSPATH", "INSTANCEPATH", "LOCALINSTANCEPATH", "NAMESPACEPATH", "LOCALNAMESPACEPATH":
		for c := range e.ChildElementsSeq() {
			if err := r.read(c, namespace); err != nil {
				return err
			}
		}
	case "HOST":
		r.Host, _ = textOf(e)
	case "NAMESPACE":
		*namespace = append(*namespace, attr(e, "NAME"))
	case "CLASSNAME":
		r.ClassName = attr(e, "NAME")
	case "INSTANCENAME":
		r.ClassName = attr(e, "CLASSNAME")
		for c := range e.ChildElementsSeq() {
			k, err := readKey(c)
			if err != nil {
				return err
			}
			r.Keys = append(r.Keys, k)
		}
	default:
		return fmt.Errorf("unexpected element %s in a reference", e.Tag)
	}
	return nil
}

// readKey reads KEYBINDING, or a KEYVALUE or VALUE.REFERENCE that stands without one.
func readKey(e *etree.Element) (KeyBinding, error) {
	switch e.Tag {
	case "KEYBINDING":
		_, c := textOf(e)
		if c == nil || c.Tag == "KEYBINDING" {
			return KeyBinding{}, fmt.Errorf("key %s has no value", quote(attr(e, "NAME")))
		}
		k, err := readKey(c)
		k.Name = attr(e, "NAME")
		return k, err
	case "KEYVALUE":
		v, _ := textOf(e)
		return KeyBinding{ValueType: attr(e, "VALUETYPE"), Type: attr(e, "TYPE"), Value: v}, nil
	case "VALUE.REFERENCE":
		r, err := readReference(e)
		return KeyBinding{Reference: &r}, err
	}
	return KeyBinding{}, fmt.Errorf("unexpected element %s in a reference", e.Tag)
}
