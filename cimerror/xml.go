package cimerror

import (
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// Limits of one text. etree needs some 40 bytes of memory for each byte of the worst XML, so they are checked before it sees any.
const (
	maxText     = 2 << 20   // bytes of a document
	maxMarkup   = 65536     // '<' that begin markup, embedded documents included
	maxTag      = 256 << 10 // bytes of one tag
	maxAttrs    = 64        // attributes of one element; CIM-XML needs ten
	maxDepth    = 64        // levels of elements
	maxEmbedded = 8         // instances within instances
	keptText    = 4 << 10   // bytes that DecodeError.Raw keeps of a text beyond maxText
)

const (
	bom   = "\ufeff"
	blank = " \t\r\n" // XML 1.0 clause 2.3, S
)

// A LimitError says that a text went past one of the limits in the package comment.
type LimitError struct {
	What  string // what there was too much of
	Limit int    // how much of it is allowed
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("more than %d %s", e.Limit, e.What)
}

// readDocument parses one document and returns its root. Each '<' is taken from *markup.
//
// A declared encoding is ignored: the text was a string before it came here, and Windows leaves "utf-16" in it.
func readDocument(text string, markup *int) (*etree.Element, error) {
	if len(text) > maxText {
		return nil, &LimitError{"bytes", maxText}
	}
	text = strings.TrimPrefix(text, bom)
	if err := checkMarkup(text, markup); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	// Without PreserveDuplicateAttrs the last of two equal attributes would win, in silence.
	doc.ReadSettings = etree.ReadSettings{MaxDepth: maxDepth, PreserveDuplicateAttrs: true}
	switch err := doc.ReadFromString(text); {
	case errors.Is(err, etree.ErrMaxDepth):
		return nil, &LimitError{"levels of elements", maxDepth}
	case errors.Is(err, etree.ErrXML):
		return nil, errors.New("start and end tags do not match")
	case err != nil:
		return nil, err
	}
	var root *etree.Element
	for _, t := range doc.Child {
		switch t := t.(type) {
		case *etree.Element:
			if root != nil {
				return nil, fmt.Errorf("second root element %s", t.Tag)
			}
			root = t
		case *etree.CharData:
			if !t.IsWhitespace() {
				return nil, errors.New("text outside the root element")
			}
		}
	}
	if root == nil {
		return nil, errors.New("no element")
	}
	return root, checkAttrs(root)
}

// checkMarkup counts markup and measures tags, and refuses a DOCTYPE, and with it every entity but XML's own five.
func checkMarkup(text string, markup *int) error {
	inTag := false
	for {
		n := strings.IndexByte(text, '<')
		segment := text
		if n >= 0 {
			segment = text[:n]
		}
		// A tag holds no '<', not even in quotes, so it ends within the segment.
		if inTag && len(segment) > maxTag && tagLength(segment) > maxTag {
			return &LimitError{"bytes in one tag", maxTag}
		}
		if n < 0 {
			return nil
		}
		if *markup--; *markup < 0 {
			return &LimitError{"pieces of markup", maxMarkup}
		}
		text = text[n+1:]
		inTag = !strings.HasPrefix(text, "?") && !strings.HasPrefix(text, "!")
		if inTag {
			continue
		}
		begin, end := "", ""
		switch {
		case text[0] == '?':
			begin, end = "?", "?>"
		case strings.HasPrefix(text, "!--"):
			begin, end = "!--", "-->" // "<!-->" does not end the comment that it begins
		case strings.HasPrefix(text, "![CDATA["):
			begin, end = "![CDATA[", "]]>"
		default:
			return errors.New("document type declaration")
		}
		_, text, _ = strings.Cut(text[len(begin):], end) // one without an end is etree's to refuse
	}
}

// tagLength returns the length of the tag that s begins with, less its '<'. A '>' in quotes does not end it.
func tagLength[T string | []byte](s T) int {
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return len(s)
}

// checkAttrs refuses two attributes of one name on one element, anywhere below e.
func checkAttrs(e *etree.Element) error {
	if len(e.Attr) > maxAttrs {
		return &LimitError{"attributes on an element", maxAttrs}
	}
	for i := 1; i < len(e.Attr); i++ {
		for j := range i {
			if e.Attr[i].Key == e.Attr[j].Key && e.Attr[i].Space == e.Attr[j].Space {
				return fmt.Errorf("second attribute %s on %s", e.Attr[i].Key, e.Tag)
			}
		}
	}
	for _, t := range e.Child {
		if c, ok := t.(*etree.Element); ok {
			if err := checkAttrs(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// attrName returns the name of an attribute of CIM-XML; "" for one with another prefix than that of xml:lang.
func attrName(a *etree.Attr) string {
	switch {
	case a.Space == "":
		return a.Key
	case a.Space == "xml" && a.Key == "lang":
		return "xml:lang"
	}
	return ""
}

// attr returns the value of the attribute that is called name, or "".
func attr(e *etree.Element, name string) string {
	for k := range e.Attr {
		if attrName(&e.Attr[k]) == name {
			return e.Attr[k].Value
		}
	}
	return ""
}

// textOf returns the text of e, CDATA included, comments not, and its first child element.
func textOf(e *etree.Element) (text string, child *etree.Element) {
	if len(e.Child) == 1 {
		if c, ok := e.Child[0].(*etree.CharData); ok {
			return c.Data, nil // most values: no copy
		}
	}
	var b strings.Builder
	for _, t := range e.Child {
		switch t := t.(type) {
		case *etree.CharData:
			b.WriteString(t.Data)
		case *etree.Element:
			if child == nil {
				child = t
			}
		}
	}
	return b.String(), child
}

// isText reports whether t is text that is more than blanks.
func isText(t etree.Token) bool {
	c, ok := t.(*etree.CharData)
	return ok && !c.IsWhitespace()
}

// write returns e as XML. The bytes that e was read from are gone by now.
func write(e *etree.Element) string {
	var b strings.Builder
	e.WriteTo(&b, &etree.WriteSettings{})
	return b.String()
}
