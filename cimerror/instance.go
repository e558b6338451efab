package cimerror

import (
	"slices"
	"strings"
)

// An Instance is one CIM instance of any class, as it arrived.
type Instance struct {
	ClassName  string // CLASSNAME; "" when the attribute is missing
	Lang       string // xml:lang
	Qualifiers []Qualifier
	Properties []Property // in the order of the text, WMI's system properties such as __PATH included

	// Path names the instance where a wrapper such as VALUE.NAMEDINSTANCE did; nil elsewhere.
	Path *Reference

	// Raw is the whole text of the document as received. For an instance that stood as an element
	// within another document it is that element, written anew.
	Raw string
}

// Lookup returns the first property of that name. CIM names compare without regard to case.
func (i *Instance) Lookup(name string) (*Property, bool) {
	for k := range i.Properties {
		if sameName(i.Properties[k].Name, name) {
			return &i.Properties[k], true
		}
	}
	return nil, false
}

// IsError reports whether the instance is of CIM_Error or a subclass, as far as a text can tell: by the name of a class
// that is known to be one, by a name that ends in Error beside a property Message, by WMI's __DERIVATION, or by at least three
// properties that no class but CIM_Error declares. (CIM_AlertIndication shares the others; facts/schema.md.)
func (i *Instance) IsError() bool {
	switch i.ClassName {
	case "Msvm_Error", "CIM_Error", "MSFT_WmiError":
		return true
	}
	own := 0
	for k := range i.Properties {
		p := &i.Properties[k]
		switch knownOf(p.Name) {
		case knownCIMStatusCode, knownCIMStatusCodeDescription, knownErrorSource, knownErrorSourceFormat,
			knownErrorType, knownOtherErrorSourceFormat, knownOtherErrorType:
			own++
		case notKnown:
			if sameName(p.Name, "__DERIVATION") && slices.ContainsFunc(p.Items, isErrorClass) {
				return true
			}
		default:
		}
	}
	if own >= 3 || isErrorClass(&i.ClassName) {
		return true
	}
	const suffix = "Error"
	cut := len(i.ClassName) - len(suffix)
	if cut < 0 || !sameName(i.ClassName[cut:], suffix) {
		return false
	}
	_, ok := i.Lookup("Message")
	return ok
}

// isErrorClass reports whether *name, which may be nil, is a class that is known to be CIM_Error or to derive from it.
func isErrorClass(name *string) bool {
	return name != nil && (sameName(*name, "CIM_Error") || sameName(*name, "Msvm_Error") || sameName(*name, "MSFT_WmiError"))
}

// sameName compares two CIM names, which are ASCII here.
func sameName(a, b string) bool {
	return a == b || len(a) == len(b) && strings.EqualFold(a, b)
}

// A Property is one PROPERTY, PROPERTY.ARRAY or PROPERTY.REFERENCE (DSP0201), or WMI's PROPERTY.OBJECT.
type Property struct {
	Name string
	Type string // CIM type as declared: "uint16", "string", "datetime"; "" when the attribute is missing

	// Value is the Go value: string, bool, uint8 to uint64, int8 to int64, float32, float64, uint16 for char16,
	// [time.Time] in UTC (zero for "never", 1601-01-01) or [time.Duration] for datetime, [*Instance] for an embedded
	// instance, [Reference]; for an array []any of these, in which nil is NULL. A type that CIM does not know, and an
	// instance within more than eight others, stay strings. Value is nil when Null is set or Err is not nil.
	Value any

	// Raw is the text of a scalar as it came; where that is XML elements, they are written anew.
	Raw string
	// Items are the texts of an array in the same way; nil is NULL. A NULL array has none, an empty one has length 0.
	Items []*string

	// Array says that the value, or the element if it is NULL, is an array.
	Array bool
	// Null says that there is no value, or a datetime of which no digit is known. An empty VALUE is not NULL.
	Null bool
	// Reference says that the element is a PROPERTY.REFERENCE.
	Reference bool

	Propagated bool // PROPAGATED
	Modified   bool // MODIFIED, Microsoft's own attribute

	ClassOrigin       string // CLASSORIGIN
	ReferenceClass    string // REFERENCECLASS
	EmbeddedObject    string // EmbeddedObject or EMBEDDEDOBJECT: "object" or "instance"
	EmbeddedClassName string // EmbeddedClassName, Microsoft's own attribute
	ArraySize         string // ARRAYSIZE
	Lang              string // xml:lang

	Qualifiers []Qualifier

	// Err says why Raw or Items could not be converted. It is a [*DecodeError] for an embedded instance.
	Err error
}

// A Qualifier is one QUALIFIER of an instance or a property (DSP0201). Its flavors have the DTD's defaults.
type Qualifier struct {
	Name, Type, Lang string

	Propagated   bool // PROPAGATED, by default false
	Overridable  bool // OVERRIDABLE, by default true
	ToSubclass   bool // TOSUBCLASS, by default true
	ToInstance   bool // TOINSTANCE, by default false
	Translatable bool // TRANSLATABLE, by default false

	// Value, Raw, Items, Array, Null and Err are those of [Property]. A qualifier's Err does not fail its instance.
	Value       any
	Raw         string
	Items       []*string
	Array, Null bool
	Err         error
}
