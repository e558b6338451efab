package wsmantest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// An instance is one CIM instance at one moment, its values in the text that the wire carries.
type instance struct {
	class      *class
	properties []property // alphabetical
}

// A property is NULL, or holds one text; an array holds any number.
type property struct {
	propertyType
	null  bool
	texts []string
}

// isArray reports whether the property is an array by its declaration.
func (p *property) isArray() bool { return strings.HasSuffix(p.cimType, "[]") }

// property returns the property called name, or nil.
func (i *instance) property(name string) *property {
	for k := range i.properties {
		if strings.EqualFold(i.properties[k].name, name) {
			return &i.properties[k]
		}
	}
	return nil
}

// text returns the one value of a property; "" when it is NULL or unknown.
func (i *instance) text(name string) string {
	if p := i.property(name); p != nil && len(p.texts) > 0 {
		return p.texts[0]
	}
	return ""
}

// newInstance builds an instance of c. Later value sets win over earlier ones; a property that is in none is NULL, and
// a value whose name the class does not declare becomes a string property of its own.
func newInstance(c *class, sets ...Properties) *instance {
	in := &instance{class: c, properties: make([]property, 0, len(c.properties))}
	for _, p := range c.properties {
		in.properties = append(in.properties, property{propertyType: p, null: true})
	}
	for _, set := range sets {
		for name, value := range set {
			p := in.property(name)
			if p == nil {
				in.properties = append(in.properties, property{propertyType: propertyType{name, undeclaredType(value)}})
				p = &in.properties[len(in.properties)-1]
			}
			p.texts = valueTexts(p.cimType, value)
			p.null = value == nil
		}
	}
	slices.SortFunc(in.properties, func(a, b property) int { return strings.Compare(a.name, b.name) })
	return in
}

// undeclaredType is the type of a property that only the model knows.
func undeclaredType(value any) string {
	switch value.(type) {
	case []any, []string, []int:
		return typeStrings
	}
	return typeString
}

// valueTexts returns the texts of a value; none for NULL and for an empty array.
func valueTexts(cimType string, value any) []string {
	switch v := value.(type) {
	case nil:
		return nil
	case []string:
		return v
	case []int:
		texts := make([]string, 0, len(v))
		for _, e := range v {
			texts = append(texts, fmt.Sprint(e))
		}
		return texts
	case []any:
		texts := make([]string, 0, len(v))
		for _, e := range v {
			texts = append(texts, scalarText(cimType, e))
		}
		return texts
	}
	return []string{scalarText(cimType, value)}
}

// scalarText writes one value. In a model file a point in time is RFC 3339 and an interval a Go duration; text that is
// neither goes out as it stands, so that a model can hold what a broken host would say.
func scalarText(cimType string, value any) string {
	switch v := value.(type) {
	case time.Time:
		return formatTimestamp(v)
	case time.Duration:
		return formatInterval(v)
	case Duration:
		return formatInterval(time.Duration(v))
	case string:
		switch cimType {
		case typeTimestamp:
			if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return formatTimestamp(t)
			}
		case typeInterval:
			if d, err := time.ParseDuration(v); err == nil {
				return formatInterval(d)
			}
		}
		return v
	}
	return fmt.Sprint(value)
}
