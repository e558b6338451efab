package wsman

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Limits of every document that is read (DESIGN: every read has a limit). etree itself bounds depth only:
// 16 MiB of empty elements cost it 666 MiB.
const (
	maxDocument = 16 << 20 // octets; the transport's own limit is usually far lower
	maxTags     = 65536    // '<' characters
	maxTag      = 256000   // octets from '<' to '>'
	maxDepth    = 64       // nested elements
	maxAttrs    = 64       // attributes of one element
	maxBindings = 256      // namespace declarations around one element, itself included
)

// An element is an etree element with its namespace resolved, so that callers need no prefixes.
type element struct {
	*etree.Element
	uri   string
	scope *scope
}

// A scope is the namespace declarations of one element, linked to those around it.
type scope struct {
	prefix, uri string
	outer       *scope
	depth       int // how many there are
}

// with returns s with one more declaration.
func (s *scope) with(prefix, uri string) *scope {
	depth := 1
	if s != nil {
		depth += s.depth
	}
	return &scope{prefix: prefix, uri: uri, outer: s, depth: depth}
}

const namespaceXML = "http://www.w3.org/XML/1998/namespace"

func (s *scope) lookup(prefix string) (string, bool) {
	for ; s != nil; s = s.outer {
		if s.prefix == prefix {
			return s.uri, true
		}
	}
	switch prefix {
	case "":
		return "", true
	case "xml":
		return namespaceXML, true
	}
	return "", false
}

// readDocument parses a document from a peer and returns its root. It refuses what exceeds the limits, and a DOCTYPE, a
// second root, text outside the root, duplicate attributes and an unbound prefix, all of which etree 1.8.1 accepts.
func readDocument(b []byte) (*element, error) {
	b, err := decodeText(b)
	if err != nil {
		return nil, err
	}
	if err := checkMarkup(b); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{MaxDepth: maxDepth, PreserveDuplicateAttrs: true}
	if err := doc.ReadFromBytes(b); err != nil {
		if errors.Is(err, etree.ErrMaxDepth) {
			return nil, &ProtocolError{Msg: "elements are nested too deeply", Err: err}
		}
		return nil, &ProtocolError{Msg: "not well-formed XML", Err: err}
	}
	root, err := soleRoot(doc)
	if err != nil {
		return nil, err
	}
	return bind(root, nil)
}

// soleRoot returns the one element of doc, which may stand beside comments, processing instructions and white space only.
func soleRoot(doc *etree.Document) (*etree.Element, error) {
	var root *etree.Element
	for _, token := range doc.Child {
		switch t := token.(type) {
		case *etree.Element:
			if root != nil {
				return nil, &ProtocolError{Msg: "a second root element"}
			}
			root = t
		case *etree.CharData:
			if !t.IsWhitespace() {
				return nil, &ProtocolError{Msg: "text outside the root element"}
			}
		case *etree.Directive:
			return nil, &ProtocolError{Msg: "a document type declaration"}
		}
	}
	if root == nil {
		return nil, &ProtocolError{Msg: "an empty document"}
	}
	return root, nil
}

// bind resolves the namespace of e inside outer and refuses unbound prefixes and duplicate attributes.
func bind(e *etree.Element, outer *scope) (*element, error) {
	b, err := bound(e, outer)
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// bound is [bind] without room on the heap: an answer may hold a hundred thousand elements.
func bound(e *etree.Element, outer *scope) (element, error) {
	if len(e.Attr) > maxAttrs {
		return element{}, &ProtocolError{Path: e.Tag, Msg: "too many attributes"}
	}
	s := outer
	for i := range e.Attr {
		a := &e.Attr[i]
		switch {
		case a.Space == "xmlns":
			s = s.with(a.Key, a.Value)
		case a.Space == "" && a.Key == "xmlns":
			s = s.with("", a.Value)
		}
		for j := range i {
			if e.Attr[j].Key == a.Key && e.Attr[j].Space == a.Space {
				return element{}, &ProtocolError{Path: e.Tag, Msg: "attribute " + a.FullKey() + " stands twice"}
			}
		}
	}
	if s != nil && s.depth > maxBindings {
		return element{}, &ProtocolError{Path: e.Tag, Msg: "too many namespace declarations"}
	}
	for i := range e.Attr {
		if p := e.Attr[i].Space; p != "" && p != "xmlns" {
			if _, ok := s.lookup(p); !ok {
				return element{}, &ProtocolError{Path: e.Tag, Msg: "prefix " + p + " is not bound"}
			}
		}
	}
	uri, ok := s.lookup(e.Space)
	if !ok {
		return element{}, &ProtocolError{Path: e.Tag, Msg: "prefix " + e.Space + " is not bound"}
	}
	return element{Element: e, uri: uri, scope: s}, nil
}

// children returns the child elements of e, bound.
func (e *element) children() ([]*element, error) {
	var list []*element
	for _, token := range e.Child {
		c, ok := token.(*etree.Element)
		if !ok {
			continue
		}
		b, err := bind(c, e.scope)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

// is tells whether e has this name.
func (e *element) is(uri, local string) bool { return e.Tag == local && e.uri == uri }

// child returns the first child element with this name, or nil.
func (e *element) child(uri, local string) *element {
	for _, token := range e.Child {
		c, ok := token.(*etree.Element)
		if !ok || c.Tag != local {
			continue
		}
		if b, err := bind(c, e.scope); err == nil && b.uri == uri {
			return b
		}
	}
	return nil
}

// attr returns the value of the attribute with this name, or "".
func (e *element) attr(uri, local string) string {
	for i := range e.Attr {
		a := &e.Attr[i]
		if a.Key != local || a.Space == "xmlns" {
			continue
		}
		if a.Space == "" {
			if uri == "" {
				return a.Value
			}
			continue
		}
		if u, ok := e.scope.lookup(a.Space); ok && u == uri {
			return a.Value
		}
	}
	return ""
}

// text returns the character data directly inside e, exactly as sent.
func (e *element) text() string {
	var one string
	var rest *strings.Builder
	for _, token := range e.Child {
		c, ok := token.(*etree.CharData)
		switch {
		case !ok:
		case rest != nil:
			rest.WriteString(c.Data)
		case one == "":
			one = c.Data
		default:
			rest = &strings.Builder{}
			rest.WriteString(one)
			rest.WriteString(c.Data)
		}
	}
	if rest != nil {
		return rest.String()
	}
	return one
}

// trimmed returns text without the white space around it: for URIs, numbers and QNames.
func (e *element) trimmed() string { return strings.TrimSpace(e.text()) }

// qname resolves a QName in the content of e through e's own bindings.
func (e *element) qname(text string) Subcode {
	text = strings.TrimSpace(text)
	prefix, local, ok := strings.Cut(text, ":")
	if !ok {
		prefix, local = "", text
	}
	uri, bound := e.scope.lookup(prefix)
	if !bound {
		return Subcode("{}" + text) // not ours to guess
	}
	if uri == "" {
		return Subcode(local)
	}
	if p, known := ourPrefix(uri); known {
		return Subcode(p + ":" + local)
	}
	return Subcode("{" + uri + "}" + local)
}

// outerXML returns e as a document of its own, with the namespace bindings that its names and the QNames in its attributes need.
func (e *element) outerXML() string {
	text, err := etree.NewDocumentWithRoot(e.standalone()).WriteToString()
	if err != nil {
		return "" // WriteToString writes to memory: it has no error to report
	}
	return text
}

// standalone returns a copy of e with those bindings.
func (e *element) standalone() *etree.Element {
	c := e.Copy()
	used := map[string]bool{}
	collectPrefixes(c, used)
	for i := range c.Attr {
		switch a := &c.Attr[i]; {
		case a.Space == "xmlns":
			used[a.Key] = false
		case a.Space == "" && a.Key == "xmlns":
			used[""] = false
		}
	}
	for s := e.scope; s != nil; s = s.outer {
		if !used[s.prefix] {
			continue
		}
		used[s.prefix] = false
		name := "xmlns:" + s.prefix
		if s.prefix == "" {
			name = "xmlns"
		}
		c.CreateAttr(name, s.uri)
	}
	return c
}

// collectPrefixes notes the prefixes in the names of e and all below it, and those that its attribute values begin with.
func collectPrefixes(e *etree.Element, used map[string]bool) {
	used[e.Space] = true
	for i := range e.Attr {
		a := &e.Attr[i]
		used[a.Space] = true
		if prefix, _, ok := strings.Cut(a.Value, ":"); ok {
			used[prefix] = true
		}
	}
	for _, token := range e.Child {
		if c, ok := token.(*etree.Element); ok {
			collectPrefixes(c, used)
		}
	}
}

// decodeText returns b as UTF-8 without a byte order mark. UTF-16 is recognised by its mark, or by the '<' it begins with.
func decodeText(b []byte) ([]byte, error) {
	if len(b) > maxDocument {
		return nil, &ProtocolError{Msg: "the document is larger than the limit"}
	}
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b = b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return fromUTF16(b[2:], binary.LittleEndian)
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return fromUTF16(b[2:], binary.BigEndian)
	case bytes.HasPrefix(b, []byte("<\x00")):
		return fromUTF16(b, binary.LittleEndian)
	case bytes.HasPrefix(b, []byte("\x00<")):
		return fromUTF16(b, binary.BigEndian)
	}
	if !utf8.Valid(b) {
		return nil, &ProtocolError{Msg: "the text is neither UTF-8 nor marked as UTF-16"}
	}
	return b, nil
}

func fromUTF16(b []byte, order binary.ByteOrder) ([]byte, error) {
	if len(b)%2 != 0 {
		return nil, &ProtocolError{Msg: "UTF-16 text with an odd number of octets"}
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return []byte(string(utf16.Decode(units))), nil
}

// checkMarkup holds b to the limits before etree builds a tree of it, in one pass.
func checkMarkup(b []byte) error {
	for tags := 0; ; {
		i := bytes.IndexByte(b, '<')
		if i < 0 {
			return nil
		}
		if tags++; tags > maxTags {
			return &ProtocolError{Msg: "too many elements"}
		}
		b = b[i+1:]
		var n int
		switch {
		case bytes.HasPrefix(b, []byte("!--")):
			n = indexAfter(b, len("!--"), "-->")
		case bytes.HasPrefix(b, []byte("![CDATA[")):
			n = indexAfter(b, len("![CDATA["), "]]>")
		case bytes.HasPrefix(b, []byte("?")):
			n = indexAfter(b, len("?"), "?>")
		case bytes.HasPrefix(b, []byte("!")):
			return &ProtocolError{Msg: "a document type declaration"}
		default:
			if n = tagLength(b); n > maxTag {
				return &ProtocolError{Msg: "a tag is too long"}
			}
		}
		if n < 0 {
			return nil // not well-formed: etree says how
		}
		b = b[n:]
	}
}

// indexAfter returns the offset of end in b, behind its first skip octets: "<!-->" does not end the comment that it begins.
// It must find the same end as encoding/xml, else what stands behind would be counted wrong.
func indexAfter(b []byte, skip int, end string) int {
	n := bytes.Index(b[skip:], []byte(end))
	if n < 0 {
		return -1
	}
	return skip + n
}

// tagLength returns the offset of the '>' that ends the tag at the start of b, minding quotes; -1 if there is none and b is short.
func tagLength(b []byte) int {
	var quote byte
	for i, c := range b {
		switch {
		case i > maxTag:
			return i
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
	return -1
}
