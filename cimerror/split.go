package cimerror

import (
	"bytes"
	"iter"
	"strings"
)

// Split takes a text apart that holds several documents one after another, each with or without an XML declaration or
// byte order mark, and yields the text of each in order. The parts are slices of text, and between them lies nothing but
// blanks and byte order marks.
//
// Nothing is lost: text outside of documents is a part of its own, and so is a document without an end. Complete instances
// that stand behind such an end are parts of their own again. Split judges no more than where documents begin and end;
// [Decode] says what is wrong with one. Its time is linear in the length of text; whoever stops early pays for no more than
// was read.
func Split(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		s := splitter{text: text, document: -1, yield: yield}
		for s.pos < len(text) && !s.stopped {
			if n := bytes.IndexByte(text[s.pos:], '<'); n >= 0 {
				s.prose(s.pos + n)
				s.markup()
			} else {
				s.prose(len(text))
			}
		}
		s.finish()
	}
}

// A splitter goes over the text once.
type splitter struct {
	text  []byte
	pos   int
	start int // of the part that is being read

	yield   func([]byte) bool
	stopped bool   // yield wants no more
	last    []byte // the last part, not yet yielded: it may grow

	document int       // where the last part begins if it is a document with an end; -1 if not
	stray    bool      // the part being read holds text outside of any document
	open     []element // at most maxDepth
	deeper   int       // elements open beyond those, whose names are not kept
	complete []element // instances that ended within the open elements, without those within another closed element
	absent   [4]bool   // terminators that the rest of the text does not hold
}

type element struct {
	name       []byte
	start, end int
}

// trim drops what may lie between two parts.
func trim(text []byte) []byte {
	return bytes.Trim(text, bom+blank)
}

// emit ends a part at end. Blank parts are dropped.
func (s *splitter) emit(end int) {
	if part := trim(s.text[s.start:end]); len(part) > 0 {
		s.release()
		s.last, s.document = part, -1
	}
	s.start = end
}

// release yields the last part.
func (s *splitter) release() {
	if len(s.last) > 0 && !s.stopped {
		s.stopped = !s.yield(s.last)
	}
	s.last = nil
}

// reset begins a new part where the last one ended.
func (s *splitter) reset() {
	s.open, s.complete, s.deeper, s.stray = s.open[:0], s.complete[:0], 0, false
}

// abandon ends a part that is no document, or one without an end, and saves the complete instances in it.
func (s *splitter) abandon(end int) {
	for _, c := range s.complete {
		s.emit(c.start)
		s.emit(c.end)
	}
	s.emit(end)
	s.document = -1
	s.reset()
}

// finish ends the last part. Comments behind the root element belong to its document (XML 1.0 clause 2.1).
func (s *splitter) finish() {
	if s.document >= 0 && !s.stray && len(s.open) == 0 {
		s.last = trim(s.text[s.document:])
	} else {
		s.abandon(len(s.text))
	}
	s.release()
}

// prose takes the characters up to end.
func (s *splitter) prose(end int) {
	if len(s.open) == 0 && len(trim(s.text[s.pos:end])) > 0 {
		s.stray = true
	}
	s.pos = end
}

// markup takes what begins with the '<' at pos.
func (s *splitter) markup() {
	rest := s.text[s.pos+1:]
	switch {
	case bytes.HasPrefix(rest, []byte("?")):
		// An XML declaration stands only at the beginning of a document: the one before has no end.
		if bytes.HasPrefix(rest, []byte("?xml")) && len(rest) > 4 && strings.IndexByte(blank, rest[4]) >= 0 {
			s.abandon(s.pos)
		}
		s.section(instructionEnd)
	case bytes.HasPrefix(rest, []byte("!--")):
		s.section(commentEnd)
	case bytes.HasPrefix(rest, []byte("![CDATA[")):
		s.section(cdataEnd)
	case bytes.HasPrefix(rest, []byte("!")):
		s.doctype()
	case bytes.HasPrefix(rest, []byte("/")):
		s.endTag()
	case len(rest) > 0 && strings.IndexByte(blank+"<>=\"'&0123456789", rest[0]) < 0:
		s.startTag()
	default:
		s.prose(s.pos + 1) // a mere character, as in "a < b"
	}
}

// Terminators of markup that is not a tag.
const (
	instructionEnd = iota
	commentEnd
	cdataEnd
	subsetEnd
)

// find returns where the text after a terminator goes on, or -1. Having failed once it never searches for it again:
// that keeps Split linear.
func (s *splitter) find(terminator int) int {
	if s.absent[terminator] {
		return -1
	}
	begin := [...]string{"<?", "<!--", "<![CDATA[", ""}[terminator]
	end := [...]string{"?>", "-->", "]]>", "]"}[terminator]
	from := s.pos + len(begin)
	n := bytes.Index(s.text[from:], []byte(end))
	if n < 0 {
		s.absent[terminator] = true
		return -1
	}
	return from + n + len(end)
}

// section takes a comment, a CDATA section or an instruction. Without an end its '<' is a mere character.
func (s *splitter) section(terminator int) {
	end := s.find(terminator)
	if end < 0 {
		s.prose(s.pos + 1)
		return
	}
	s.endStray()
	s.pos = end
}

// doctype takes a document type declaration, with its internal subset if it has one.
func (s *splitter) doctype() {
	s.endStray()
	s.document = -1
	s.pos++
	n := bytes.IndexAny(s.text[s.pos:], "[<>")
	if n >= 0 && s.text[s.pos+n] == '[' {
		if end := s.find(subsetEnd); end >= 0 {
			s.pos = end
		}
		n = bytes.IndexAny(s.text[s.pos:], "<>")
	}
	switch {
	case n < 0:
		s.pos = len(s.text)
	case s.text[s.pos+n] == '<':
		s.pos += n
	default:
		s.pos += n + 1
	}
}

// endStray ends a part of stray text where markup begins.
func (s *splitter) endStray() {
	if s.stray {
		s.abandon(s.pos)
	}
}

// startTag takes a start tag or an empty element.
func (s *splitter) startTag() {
	s.endStray()
	e := element{start: s.pos}
	var empty bool
	e.name, empty = s.tag(s.pos + 1)
	switch {
	case empty && len(s.open) == 0:
		s.root()
	case empty:
	case len(s.open) == maxDepth:
		s.deeper++
	default:
		s.open = append(s.open, e)
	}
}

// root ends a document behind its root element.
func (s *splitter) root() {
	start := s.start
	s.emit(s.pos)
	s.document = start
	s.reset()
}

// endTag takes an end tag, and with it the elements inside that have none. An end tag without a beginning is text.
func (s *splitter) endTag() {
	name, _ := s.tag(s.pos + 2)
	if s.deeper > 0 {
		s.deeper--
		return
	}
	k := len(s.open) - 1
	for k >= 0 && !bytes.Equal(s.open[k].name, name) {
		k--
	}
	switch {
	case len(s.open) == 0:
		s.stray = true
	case k == 0:
		s.root()
	case k > 0:
		e := s.open[k]
		e.end = s.pos
		s.open = s.open[:k]
		s.closed(e)
	}
}

// closed keeps e if it is an instance, and forgets the instances within it: they are embedded ones.
func (s *splitter) closed(e element) {
	n := len(s.complete)
	for n > 0 && s.complete[n-1].start > e.start {
		n--
	}
	s.complete = s.complete[:n]
	switch string(e.name) {
	case "INSTANCE", "VALUE.NAMEDINSTANCE", "VALUE.NAMEDOBJECT", "VALUE.INSTANCEWITHPATH", "VALUE.OBJECT",
		"VALUE.OBJECTWITHPATH", "VALUE.OBJECTWITHLOCALPATH":
		s.complete = append(s.complete, e)
	}
}

// tag takes a tag whose name begins at from. No '<' can stand in one, not even in quotes: there the tag was cut.
func (s *splitter) tag(from int) (name []byte, empty bool) {
	rest := s.text[from:]
	if n := bytes.IndexByte(rest, '<'); n >= 0 {
		rest = rest[:n]
	}
	name = rest
	if n := bytes.IndexAny(rest, blank+"/>\"'"); n >= 0 {
		name = rest[:n]
	}
	n := tagLength(rest)
	s.pos = min(from+n+1, from+len(rest))
	return name, n > 0 && n < len(rest) && rest[n-1] == '/'
}
