package cimerror

import (
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// kind is what a PROPERTY or QUALIFIER declares its values to be.
type kind struct {
	typ      string
	embedded bool // the text is an instance
}

// content is the value of a PROPERTY or QUALIFIER; its parts are those of [Property].
type content struct {
	value       any
	raw         string
	items       []*string
	array, null bool
	err         error
}

// content decodes what stands in e, a PROPERTY or QUALIFIER. Its child decides whether that is an array, not its own name:
// a PROPERTY with a VALUE.ARRAY is one, and so is a PROPERTY.ARRAY that leaves VALUE.ARRAY out around its items.
func (d *decoder) content(e *etree.Element, k kind) content {
	var child *etree.Element
	n := 0
	for _, t := range e.Child {
		if c, ok := t.(*etree.Element); ok && c.Tag != "QUALIFIER" {
			child = c
			n++
		} else if isText(t) {
			raw, _ := textOf(e)
			return content{raw: raw, err: errors.New("text outside VALUE")}
		}
	}
	isArray := strings.HasSuffix(e.Tag, "ARRAY")
	switch {
	case n == 0:
		return content{array: isArray, null: true}
	case strings.HasPrefix(child.Tag, "VALUE.") && strings.HasSuffix(child.Tag, "ARRAY") && n == 1:
		return d.array(child, k)
	case isArray:
		return d.array(e, k)
	case n > 1:
		return content{raw: write(e), err: fmt.Errorf("%d values where one is due", n)}
	}
	var c content
	c.value, c.raw, c.null, c.err = d.item(child, k)
	return c
}

// array decodes the items in e. The first fault makes it the fault of the whole array; the texts are kept.
func (d *decoder) array(e *etree.Element, k kind) content {
	c := content{array: true}
	values := make([]any, 0, len(e.Child))
	c.items = make([]*string, 0, len(e.Child))
	texts := make([]string, 0, len(e.Child)) // one allocation behind all of items
	for _, t := range e.Child {
		item, ok := t.(*etree.Element)
		if !ok || item.Tag == "QUALIFIER" {
			if isText(t) && c.err == nil {
				c.err = errors.New("text between the values of an array")
			}
			continue
		}
		v, raw, null, err := d.item(item, k)
		values = append(values, v)
		if null && raw == "" {
			c.items = append(c.items, nil)
		} else {
			texts = append(texts, raw)
			c.items = append(c.items, &texts[len(texts)-1])
		}
		if err != nil && c.err == nil {
			c.err = fmt.Errorf("item %d: %w", len(values)-1, err)
		}
	}
	if c.err == nil {
		c.value = values
	}
	return c
}

// item decodes one value. The value is nil when null is set or err is not nil.
func (d *decoder) item(e *etree.Element, k kind) (value any, raw string, null bool, err error) {
	switch e.Tag {
	case "VALUE":
		text, child := textOf(e)
		switch {
		case child == nil && k.embedded:
			value, err = d.embeddedText(text)
		case child == nil:
			value, err = convert(k.typ, text)
			null = value == nil && err == nil
		case strings.Trim(text, blank) != "":
			return nil, write(e), false, fmt.Errorf("text beside element %s", child.Tag)
		default:
			return d.item(child, k) // an instance as element: not in the DTD, and not in doubt either
		}
		return value, text, null, err
	case "VALUE.NULL":
		return nil, "", true, nil
	case "VALUE.REFERENCE":
		raw = write(e)
		r, err := readReference(e)
		if err != nil {
			return nil, raw, false, err
		}
		return r, raw, false, nil
	}
	raw = write(e)
	value, err = d.embeddedElement(e, raw)
	return value, raw, false, err
}

// embeddedText decodes the instance that text is. What is not XML (MOF is allowed too), or is a class, stays text;
// so does what stands too deep.
func (d *decoder) embeddedText(text string) (any, error) {
	if d.embedded >= maxEmbedded || !strings.HasPrefix(strings.TrimLeft(text, bom+blank), "<") {
		return text, nil
	}
	d.embedded++
	i, _, err := d.document(text)
	d.embedded--
	switch {
	case err == nil:
		return i, nil
	case err.Path == "CLASS":
		return text, nil
	}
	return nil, err
}

// embeddedElement decodes the instance that e is, with or without a wrapper.
func (d *decoder) embeddedElement(e *etree.Element, raw string) (any, error) {
	if d.embedded >= maxEmbedded {
		return raw, nil
	}
	d.embedded++
	i, _, err := d.wrapped(e, raw)
	d.embedded--
	if err != nil {
		return nil, err
	}
	return i, nil
}
