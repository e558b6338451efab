package events

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// Limits of what a host sends (DESIGN.md §4: every read has one).
const (
	maxEvent       = 2 << 20 // bytes of one event, in UTF-8
	maxTag         = 1 << 16 // bytes of one tag
	maxElementName = 256     // bytes of the name of an element
	maxDepth       = 64      // elements within each other
	maxSeen        = 200     // bytes that an error shows of what is no event

	// maxIdle is how many bytes may come until an event ends: far more than one may have, so that nothing comes for ever in their place.
	maxIdle = 16 << 20
)

// A splitter finds the events in a text of XML: a run of documents, or one root with the events in it. It reads tags, comments,
// CDATA sections and processing instructions as XML does, and holds no more than one event.
type splitter struct {
	in *bufio.Reader
	// event is the event as far as it was read. What was read last, a tag or text, stands at its end, from at on.
	event []byte
	at    int
	// large tells that the event is too large to be kept: event then holds the token alone.
	large bool
	// inside tells that an event has begun; it is the element at base.
	inside bool
	base   int
	open   elementStack
	last   []byte // what the section that is read ends with so far
	idle   int    // bytes since an event ended
}

// next returns the bytes of the next event; they are good until it is called again. [ErrTooLarge] and a [*DecodeError] that is not final
// cost what they are about, and reading goes on. The end is [io.EOF], [ErrTruncated] or an error of reading.
func (s *splitter) next() ([]byte, error) {
	s.event, s.large, s.inside = s.event[:0], false, false
	for {
		s.begin()
		if err := s.text(); err != nil {
			return nil, err
		}
		s.begin()
		kind, err := s.markup()
		if err != nil {
			return nil, err
		}
		done := false
		switch kind {
		case markupStart:
			done, err = s.start()
		case markupEnd:
			done, err = s.end()
		case markupOther:
		}
		switch {
		case err != nil:
			return nil, err
		case done && s.large:
			s.idle = 0
			return nil, ErrTooLarge
		case done:
			s.idle = 0
			return s.event, nil
		}
	}
}

// begin makes room for a token.
func (s *splitter) begin() {
	s.large = s.inside && s.large
	if s.large || !s.inside {
		s.event = s.event[:0]
	}
	s.at = len(s.event)
}

// text reads up to the next markup, which it leaves. Outside of an event only white space may stand.
func (s *splitter) text() error {
	for {
		part, err := s.in.ReadSlice('<')
		if err == nil {
			part = part[:len(part)-1]
			err = s.in.UnreadByte()
		}
		idle := s.keep(part)
		switch {
		case idle != nil:
			return idle
		case !errors.Is(err, bufio.ErrBufferFull):
			return s.textEnd(err)
		}
	}
}

// textEnd says what the text that was read, and err after it, mean.
func (s *splitter) textEnd(err error) error {
	if !s.inside {
		// A mark may stand before every document of a run.
		stray := bytes.TrimSpace(bytes.ReplaceAll(s.event, []byte("\ufeff"), nil))
		switch {
		case len(stray) == 0:
		case errors.Is(err, io.EOF) && string(stray) == string(utf8.RuneError):
			return ErrTruncated // half a character
		default:
			return &DecodeError{Msg: "text between the events", Seen: beginning(stray)}
		}
	}
	if errors.Is(err, io.EOF) && (s.inside || !s.open.empty()) {
		return ErrTruncated
	}
	return err
}

// keep adds to the token, unless the event becomes too large. The error is that no event ends for too long.
func (s *splitter) keep(part []byte) error {
	if s.idle += len(part); s.idle > maxIdle {
		return &DecodeError{Msg: "no event ends within 16 MiB", Seen: beginning(s.event), final: true}
	}
	if len(s.event)+len(part) <= maxEvent {
		s.event = append(s.event, part...)
	} else {
		s.large = true
	}
	return nil
}

// A markupKind is what stands between '<' and '>'.
type markupKind int

const (
	markupOther markupKind = iota // a comment, CDATA section or processing instruction
	markupStart
	markupEnd
)

// markup reads from '<' to the '>' that belongs to it.
func (s *splitter) markup() (markupKind, error) {
	// No more is waited for than must be there: errors come again with the bytes.
	head, _ := s.in.Peek(len("</"))
	if string(head) == "<!" {
		head, _ = s.in.Peek(len("<![CDATA["))
	}
	kind, err := markupOther, error(nil)
	switch {
	case bytes.HasPrefix(head, []byte("<!--")):
		err = s.section("<!--", "-->")
	case bytes.HasPrefix(head, []byte("<![CDATA[")):
		err = s.section("<![CDATA[", "]]>")
		if err == nil && !s.inside {
			err = &DecodeError{Msg: "text between the events", Seen: beginning(s.event)}
		}
	case bytes.HasPrefix(head, []byte("<?")):
		err = s.section("<?", "?>")
	case bytes.HasPrefix([]byte("<!--"), head), bytes.HasPrefix([]byte("<![CDATA["), head):
		err = io.EOF
	case bytes.HasPrefix(head, []byte("<!")):
		err = &DecodeError{Msg: "a document type declaration", Seen: beginning(head), final: true}
	case bytes.HasPrefix(head, []byte("</")):
		kind, err = markupEnd, s.tag()
	case nameBegins(head[1:]):
		kind, err = markupStart, s.tag()
	default:
		err = s.bare()
	}
	if errors.Is(err, io.EOF) {
		err = ErrTruncated
	}
	return kind, err
}

// section reads what begins with opening and ends with closing, the last byte of which is '>'.
func (s *splitter) section(opening, closing string) error {
	if _, err := s.in.Discard(len(opening)); err != nil {
		return err
	}
	if err := s.keep([]byte(opening)); err != nil {
		return err
	}
	s.last = s.last[:0]
	for {
		part, err := s.in.ReadSlice('>')
		if err := s.keep(part); err != nil {
			return err
		}
		s.last = append(s.last, part[max(0, len(part)-len(closing)):]...)
		s.last = s.last[max(0, len(s.last)-len(closing)):]
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return err
		case string(s.last) == closing:
			return nil
		}
	}
}

// tag reads a start or end tag. A '>' within quotes does not end it.
func (s *splitter) tag() error {
	var quote byte
	for {
		part, err := s.in.ReadSlice('>')
		for _, c := range part {
			switch {
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case c == quote:
				quote = 0
			}
		}
		s.event = append(s.event, part...)
		s.idle += len(part) // that it is too much shows at the next text
		switch {
		case len(s.event)-s.at > maxTag:
			return &DecodeError{Msg: "a tag is too long", Seen: beginning(s.event[s.at:]), final: true}
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return err
		case quote == 0:
			return nil
		}
	}
}

// nameBegins tells whether a name may begin with the first character of b; encoding/xml looks closer.
func nameBegins(b []byte) bool {
	c := b[0] | 0x20 // in lower case
	return 'a' <= c && c <= 'z' || b[0] == '_' || b[0] == ':' || b[0] >= utf8.RuneSelf
}

// bare reads a '<' that begins no markup.
func (s *splitter) bare() error {
	if _, err := s.in.Discard(1); err != nil {
		return err
	}
	if err := s.keep([]byte("<")); err != nil {
		return err
	}
	if !s.inside {
		return &DecodeError{Msg: "text between the events", Seen: "<"}
	}
	return nil
}

// start takes in a start tag, and tells whether it is a whole event.
func (s *splitter) start() (done bool, err error) {
	tag := s.event[s.at:]
	name := tagName(tag[1:])
	if len(name) > maxElementName {
		return false, &DecodeError{Msg: "the name of an element is too long", Seen: beginning(tag), final: true}
	}
	empty := bytes.HasSuffix(tag, []byte("/>"))
	local := localName(name)
	begins := !s.inside && string(local) == "Event"
	if begins {
		s.inside, s.base = true, s.open.depth()
	}
	if !empty {
		s.open.push(name)
	}
	if !s.inside && string(local) != "Events" {
		return false, &DecodeError{Msg: "an element that is no event", Seen: beginning(tag)}
	}
	return begins && empty, nil
}

// end takes in an end tag, and tells whether it ends the event. An event whose tags do not match ends with its own end tag, so that the
// next one can be read.
func (s *splitter) end() (done bool, err error) {
	tag := s.event[s.at:]
	name := tagName(tag[len("</"):])
	switch {
	case s.open.popIf(name):
		return s.inside && s.open.depth() == s.base, nil
	case s.inside && s.open.is(s.base, name):
		s.open.cut(s.base)
		return true, nil
	case s.inside:
		return false, nil // what is wrong shows when it is decoded
	}
	return false, &DecodeError{Msg: "an end tag without a beginning", Seen: beginning(tag)}
}

// tagName returns the name at the beginning of b.
func tagName(b []byte) []byte {
	if i := bytes.IndexAny(b, " \t\r\n/>"); i >= 0 {
		return b[:i]
	}
	return b
}

func localName(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

// beginning returns the beginning of what a host wrote.
func beginning(b []byte) string {
	b = bytes.TrimSpace(b)
	return string(bytes.ToValidUTF8(b[:min(len(b), maxSeen)], []byte("\ufffd")))
}

// An elementStack holds the names of the elements that are open. Elements deeper than maxDepth are counted only: the events that hold them are refused.
type elementStack struct {
	text  []byte
	ends  []int
	extra int
}

func (n *elementStack) depth() int  { return len(n.ends) + n.extra }
func (n *elementStack) empty() bool { return n.depth() == 0 }

func (n *elementStack) push(name []byte) {
	if len(n.ends) > maxDepth {
		n.extra++
		return
	}
	n.text = append(n.text, name...)
	n.ends = append(n.ends, len(n.text))
}

// is tells whether the element at depth i has this name.
func (n *elementStack) is(i int, name []byte) bool {
	if i >= len(n.ends) {
		return i < n.depth()
	}
	begin := 0
	if i > 0 {
		begin = n.ends[i-1]
	}
	return string(n.text[begin:n.ends[i]]) == string(name)
}

// popIf closes the innermost element if that is its name.
func (n *elementStack) popIf(name []byte) bool {
	if n.empty() || !n.is(n.depth()-1, name) {
		return false
	}
	n.cut(n.depth() - 1)
	return true
}

// cut leaves the outermost elements open.
func (n *elementStack) cut(depth int) {
	n.extra = max(0, depth-len(n.ends))
	n.ends = n.ends[:min(depth, len(n.ends))]
	length := 0
	if len(n.ends) > 0 {
		length = n.ends[len(n.ends)-1]
	}
	n.text = n.text[:length]
}
