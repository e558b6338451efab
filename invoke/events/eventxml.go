package events

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of one event.
const (
	maxAttrs         = 64
	maxFields        = 4096
	maxKeywords      = 64
	maxPath          = 512  // bytes of the name of a field that is made of several
	maxEventProblems = 16   // told of one event
	maxKnown         = 4096 // texts of which only one copy is kept
	maxShared        = 80   // bytes of such a text
)

// A decoder makes Go values of events.
type decoder struct {
	xml   *xml.Decoder
	src   bytes.Reader
	event *Event
	depth int
	text  []byte            // of the elements that are open
	known map[string]string // texts that come again and again, such as the name of the host
}

// decode decodes b, a whole event.
func (d *decoder) decode(b []byte) (*Event, error) {
	valid := utf8.Valid(b)
	if !valid {
		b = repair(b)
	}
	e, err := d.document(b)
	if err != nil && valid {
		// It may be for a character that XML forbids and that Windows lets through.
		if again, errAgain := d.document(repair(b)); errAgain == nil {
			d.problem("characters that XML forbids were replaced")
			return again, nil
		}
	}
	if err != nil {
		return nil, &DecodeError{Msg: "bad XML", Seen: beginning(b), Err: err}
	}
	if !valid {
		d.problem("bytes that are not UTF-8 were read as windows-1252")
	}
	return e, nil
}

func (d *decoder) document(b []byte) (*Event, error) {
	d.src.Reset(b)
	d.xml = xml.NewDecoder(&d.src)
	d.xml.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // readText did it
	d.event, d.depth, d.text = &Event{}, 0, d.text[:0]
	token, err := d.xml.RawToken()
	if err != nil {
		return nil, err
	}
	start, ok := token.(xml.StartElement)
	if !ok {
		return nil, errors.New("no element")
	}
	if err := d.check(&start); err != nil {
		return nil, err
	}
	_, err = d.element(start.Name, d.part)
	return d.event, err
}

// element reads an element up to its end, and calls child for each element directly within it, which must read that. It returns the
// text directly within it.
func (d *decoder) element(name xml.Name, child func(*xml.StartElement) error) (string, error) {
	if d.depth++; d.depth > maxDepth {
		return "", errors.New("elements are nested too deeply")
	}
	begin := len(d.text)
	for {
		token, err := d.xml.RawToken()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err = d.check(&t); err == nil {
				err = child(&t)
			}
			if err != nil {
				return "", err
			}
		case xml.EndElement:
			if t.Name != name {
				return "", fmt.Errorf("element %s is ended by %s", name.Local, t.Name.Local)
			}
			text := d.share(d.text[begin:])
			d.text = d.text[:begin]
			d.depth--
			return text, nil
		case xml.CharData:
			d.text = append(d.text, t...)
		case xml.Directive:
			return "", errors.New("a declaration within an event")
		}
	}
}

// check looks at the attributes of an element.
func (d *decoder) check(s *xml.StartElement) error {
	if len(s.Attr) > maxAttrs {
		return fmt.Errorf("element %s has too many attributes", s.Name.Local)
	}
	for i := range s.Attr {
		for j := range i {
			if s.Attr[i].Name == s.Attr[j].Name {
				d.problem("attribute %s of %s stands twice", s.Attr[i].Name.Local, s.Name.Local)
			}
		}
	}
	return nil
}

// leaf reads an element that holds text; elements within it add theirs.
func (d *decoder) leaf(s *xml.StartElement) (string, error) {
	var inner strings.Builder
	text, err := d.element(s.Name, func(c *xml.StartElement) error {
		text, err := d.leaf(c)
		inner.WriteString(text)
		return err
	})
	return text + inner.String(), err
}

// part reads a child of Event.
func (d *decoder) part(s *xml.StartElement) error {
	var err error
	switch s.Name.Local {
	case "System":
		_, err = d.element(s.Name, d.system)
	case "RenderingInfo":
		if d.event.Rendering == nil {
			d.event.Rendering = &Rendering{}
		}
		d.event.Rendering.Culture = d.attr(s, "Culture")
		_, err = d.element(s.Name, d.rendering)
	case "UserData":
		var text string
		text, err = d.element(s.Name, d.fields)
		d.ownText(s.Name.Local, text)
	case "ProcessingErrorData":
		d.problem("the host could not make out the data of the event")
		err = d.fields(s)
	default: // EventData, BinaryEventData, DebugData
		err = d.fields(s)
	}
	return err
}

// fields reads an element that holds fields.
func (d *decoder) fields(s *xml.StartElement) error {
	path := ""
	if d.event.Root == "" {
		d.event.Root = s.Name.Local
	} else {
		path = s.Name.Local
	}
	text, err := d.element(s.Name, func(c *xml.StartElement) error { return d.field(c, path) })
	d.ownText(s.Name.Local, text)
	return err
}

// field reads one field. What stands deeper within it become fields of their own, named Outer/Inner.
func (d *decoder) field(s *xml.StartElement, path string) error {
	name := s.Name.Local
	if name == "Data" {
		name = d.attr(s, "Name")
	}
	if path != "" && len(path)+len("/")+len(name) <= maxPath {
		name = path + "/" + name
	}
	nested := false
	text, err := d.element(s.Name, func(c *xml.StartElement) error {
		nested = true
		return d.field(c, name)
	})
	if nested {
		d.ownText(name, text)
	} else {
		d.addField(name, text)
	}
	return err
}

// ownText keeps the text of an element that holds others, if there is any.
func (d *decoder) ownText(name, text string) {
	if strings.TrimSpace(text) != "" {
		d.addField(name, text)
	}
}

func (d *decoder) addField(name, value string) {
	if len(d.event.Fields) == maxFields {
		d.problem("there are more than %d fields", maxFields)
		return
	}
	d.event.Fields = append(d.event.Fields, Field{name, value})
}

// rendering reads a child of RenderingInfo.
func (d *decoder) rendering(s *xml.StartElement) error {
	r := d.event.Rendering
	if s.Name.Local == "Keywords" {
		_, err := d.element(s.Name, func(c *xml.StartElement) error {
			text, err := d.leaf(c)
			if len(r.Keywords) < maxKeywords {
				r.Keywords = append(r.Keywords, text)
			}
			return err
		})
		return err
	}
	text, err := d.leaf(s)
	if s.Name.Local == "Message" {
		r.Message = text
		return err
	}
	switch text = strings.TrimSpace(text); s.Name.Local {
	case "Level":
		r.Level = text
	case "Task":
		r.Task = text
	case "Opcode":
		r.Opcode = text
	case "Channel":
		r.Channel = text
	case "Provider":
		r.Provider = text
	}
	return err
}

// attr returns the value of an attribute, or "".
func (d *decoder) attr(s *xml.StartElement, local string) string {
	for i := range s.Attr {
		if s.Attr[i].Name.Local == local && s.Attr[i].Name.Space != "xmlns" {
			return d.share([]byte(s.Attr[i].Value))
		}
	}
	return ""
}

// share returns b as a string, the same one every time if it is short.
func (d *decoder) share(b []byte) string {
	if len(b) > maxShared {
		return string(b)
	}
	if s, ok := d.known[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(d.known) < maxKnown {
		d.known[s] = s
	}
	return s
}

// problem notes what made no sense.
func (d *decoder) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(d.event.Problems) < maxEventProblems && !slices.Contains(d.event.Problems, text) {
		d.event.Problems = append(d.event.Problems, text)
	}
}
