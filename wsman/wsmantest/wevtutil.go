package wsmantest

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// errorInvalidParameter is the Win32 error that wevtutil ends with when it does not know what is asked of it.
const errorInvalidParameter = 87

// Formats of events.
const (
	formatXML         = "xml"
	formatRenderedXML = "renderedxml"
	formatText        = "text"
)

// eventArguments are the arguments of wevtutil qe (facts/event-log.md §3).
type eventArguments struct {
	channel string
	query   string
	format  string // in lower case
	root    string // the element around all events
	newest  bool   // first
	count   int    // 0: all
	unicode bool
}

// parseEventArguments reads the arguments of wevtutil. What qe knows and is not simulated is an error like what it does not know.
func parseEventArguments(words []string) (*eventArguments, bool) {
	if len(words) == 0 || (!strings.EqualFold(words[0], "qe") && !strings.EqualFold(words[0], "query-events")) {
		return nil, false
	}
	a := &eventArguments{query: "*", format: formatXML}
	for _, word := range words[1:] {
		if word == "" || word[0] != '/' && word[0] != '-' {
			if a.channel != "" {
				return nil, false
			}
			a.channel = word
			continue
		}
		name, value, _ := strings.Cut(word[1:], ":")
		if !a.set(strings.ToLower(name), value) {
			return nil, false
		}
	}
	return a, a.channel != ""
}

// set reads one option; false says that it is wrong.
func (a *eventArguments) set(name, value string) bool {
	var ok bool
	switch name {
	case "q", "query":
		a.query = value
		return value != ""
	case "f", "format":
		a.format = strings.ToLower(value)
		return a.format == formatXML || a.format == formatRenderedXML || a.format == formatText
	case "rd", "reversedirection":
		a.newest, ok = parseSwitch(value)
		return ok
	case "uni", "unicode":
		a.unicode, ok = parseSwitch(value)
		return ok
	case "c", "count":
		n, err := strconv.ParseUint(value, 10, 31)
		a.count = int(n)
		return err == nil && n > 0
	case "e", "element":
		a.root = value
		return isElementName(value)
	}
	return false
}

// parseSwitch reads true or false, in any case.
func parseSwitch(value string) (on, ok bool) {
	on = strings.EqualFold(value, "true")
	return on, on || strings.EqualFold(value, "false")
}

// wevtutil starts wevtutil with arguments; the caller holds the mutex.
func (s *Server) wevtutil(words []string, now time.Time) *process {
	p := newProcess()
	a, ok := parseEventArguments(words)
	if !ok {
		s.failEvents(p, EncodingCP1252, errorInvalidParameter)
		return p
	}
	encoding := EncodingCP1252 // of Western hosts: the machine's ANSI page
	if a.unicode {
		encoding = cmp.Or(s.host.model.Shell.Encoding, EncodingUTF16BOM)
	}
	list, code := s.host.records(a.channel, now)
	query, wrong := compileEventQuery(a.query)
	if code = cmp.Or(code, wrong); code != 0 {
		s.failEvents(p, encoding, code)
		return p
	}
	w := &eventWriter{arguments: a, query: query, list: list, now: now, culture: s.host.locale(), encoding: encoding}
	p.stdout.more = w.next
	if most := s.truncate(); most > 0 {
		p.stdout.more = cutAfter(w.next, most)
	}
	return p
}

// truncate returns after how many octets this answer of wevtutil is cut; 0 is never.
func (s *Server) truncate() int {
	m := &s.host.model.Shell
	if m.Truncate == 0 || m.TruncateCount > 0 && s.truncated >= m.TruncateCount {
		return 0
	}
	s.truncated++
	return m.Truncate
}

// cutAfter lets only so many octets of more pass.
func cutAfter(more func(*bytes.Buffer) bool, left int) func(*bytes.Buffer) bool {
	return func(b *bytes.Buffer) bool {
		before := b.Len()
		again := more(b)
		b.Truncate(min(b.Len(), before+left))
		left -= b.Len() - before
		return again && left > 0
	}
}

// failEvents ends wevtutil with a Win32 error: its number is the exit code, and its text comes in the language of the host.
func (s *Server) failEvents(p *process, encoding ShellEncoding, code uint32) {
	p.exitCode = code
	text := "The events cannot be read: error"
	if strings.HasPrefix(s.host.locale(), "de") {
		text = "Die Ereignisse können nicht gelesen werden: Fehler"
	}
	p.stderr.buf.WriteString(encoding.mark())
	encoding.encode(&p.stderr.buf, fmt.Sprintf("%s %d.\r\n", text, code))
}

// An eventWriter writes what wevtutil qe puts on stdout, one event at a time.
type eventWriter struct {
	arguments *eventArguments
	query     *eventQuery
	list      []record // not read yet
	now       time.Time
	culture   string
	encoding  ShellEncoding

	sent  int
	begun bool
	text  bytes.Buffer
}

// next writes the next event, with what stands before the first and behind the last; false says that there was none.
func (w *eventWriter) next(b *bytes.Buffer) bool {
	w.text.Reset()
	root := w.arguments.root
	if !w.begun {
		w.begun = true
		b.WriteString(w.encoding.mark())
		if root != "" {
			w.text.WriteString("<" + root + ">")
		}
	}
	r := w.find()
	switch {
	case r != nil:
		w.write(r)
		w.sent++
	case root != "":
		w.text.WriteString("</" + root + ">\r\n")
	}
	w.encoding.encode(b, w.text.String())
	return r != nil
}

// find returns the next event that is wanted, or nil.
func (w *eventWriter) find() *record {
	if w.arguments.count > 0 && w.sent == w.arguments.count {
		return nil
	}
	for len(w.list) > 0 {
		r := &w.list[0]
		if w.arguments.newest {
			r = &w.list[len(w.list)-1]
			w.list = w.list[:len(w.list)-1]
		} else {
			w.list = w.list[1:]
		}
		if w.query.matches(r, w.now) {
			return r
		}
	}
	return nil
}

// write writes one event in the format that was asked for.
func (w *eventWriter) write(r *record) {
	if w.arguments.format != formatText {
		r.xml(&w.text, w.arguments.format == formatRenderedXML, w.culture)
		w.text.WriteString("\r\n")
		return
	}
	_, _ = fmt.Fprintf(&w.text, "Event[%d]:\r\n  Log Name: %s\r\n  Source: %s\r\n  Date: %s\r\n  Event ID: %d\r\n  Level: %s\r\n  Description: \r\n%s\r\n\r\n",
		w.sent, r.channel, r.provider, formatSystemTime(r.time, r.digits), r.ID, levelName(r.level), r.text())
}
