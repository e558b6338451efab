package watch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// maxLine is the longest line of a journal, in bytes.
const maxLine = 64 << 20

// errLineTooLong says that a line is longer than maxLine.
var errLineTooLong = fmt.Errorf("longer than %d MiB", maxLine>>20)

// A LineError says which line of a journal is not an event.
type LineError struct {
	// Line is its number, counted from 1.
	Line int
	Err  error
}

// Error names the line and says what is wrong with it.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// A Line is one line of a journal.
type Line struct {
	// Text is one JSON object, without the line end. It is valid until the next line is asked for.
	Text []byte
	// Offset is where it begins in what was read.
	Offset int64
}

// ReadJournal yields the lines of a journal, without line ends, in the order of the file. Each is one JSON object with an "id"; it is
// valid until the next one is asked for. A torn last line, as a crash leaves it and a watcher that is writing shows it, is left out.
// A line that is no event is yielded as a [*LineError], and the next one follows; any other error is that of r, and the last.
// A journal may be read while a watcher writes it.
func ReadJournal(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for line, err := range JournalLines(r) {
			if !yield(line.Text, err) {
				return
			}
		}
	}
}

// JournalLines is [ReadJournal] for those who want to find a line again.
func JournalLines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		lines := newLineReader(r)
		for n := 1; ; n++ {
			at := lines.offset
			line, err := lines.next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(Line{}, err)
				}
				return
			}
			_, err = lineID(line.text)
			if line.tooLong {
				err = errLineTooLong
			}
			switch {
			case line.blank() || err != nil && line.unfinished():
			case err != nil:
				if !yield(Line{}, &LineError{n, err}) {
					return
				}
			case !yield(Line{line.text, at}, nil):
				return
			}
		}
	}
}

// A journalLine is one line as it stands in the file.
type journalLine struct {
	text    []byte // without the line end; nil if tooLong
	size    int64  // with it
	ended   bool   // it has one
	tooLong bool
}

// unfinished tells what a crash may have left of a line of ours, which has no id then. Anything else at the end of a file is
// somebody's text.
func (l *journalLine) unfinished() bool {
	return !l.ended && l.begun()
}

// begun tells the beginning of a line of ours, zeros, or both.
func (l *journalLine) begun() bool {
	text := bytes.TrimRight(l.text, "\x00")
	return len(text) < len(l.text) || string(text) == "{" || bytes.HasPrefix(text, []byte(`{"`)) && !json.Valid(text)
}

// blank tells a line of nothing, which an editor may leave.
func (l *journalLine) blank() bool { return !l.tooLong && len(bytes.TrimSpace(l.text)) == 0 && l.ended }

// A lineReader reads lines and holds one at a time.
type lineReader struct {
	r      *bufio.Reader
	most   int    // the longest line
	long   []byte // of a line that is longer than the buffer of r
	offset int64  // of what comes next
}

func newLineReader(r io.Reader) *lineReader {
	const buffer = 256 << 10
	return &lineReader{r: bufio.NewReaderSize(r, buffer), most: maxLine}
}

// next returns the next line, and io.EOF when there is none.
func (r *lineReader) next() (*journalLine, error) {
	line := &journalLine{}
	if cap(r.long) > 1<<20 {
		r.long = nil // one huge line does not cost its memory for all the rest
	}
	r.long = r.long[:0]
	for {
		part, err := r.r.ReadSlice('\n')
		line.size += int64(len(part))
		r.offset += int64(len(part))
		line.ended = err == nil
		if line.ended {
			part = part[:len(part)-1]
		}
		switch {
		case line.tooLong || len(r.long)+len(part) > r.most:
			line.tooLong, line.text = true, nil
		case err == nil && len(r.long) == 0:
			line.text = part
		case !line.tooLong:
			r.long = append(r.long, part...)
			line.text = r.long
		}
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && line.size > 0:
			return line, nil
		default:
			return nil, err
		}
	}
}

// newLine returns a copy of line with a line end, if it is what [Journal.Append] takes.
func newLine(id string, line []byte) ([]byte, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if len(line) > maxLine {
		return nil, fmt.Errorf("the line of event %q: %w", id, errLineTooLong)
	}
	switch has, err := lineID(line); {
	case err != nil:
		return nil, fmt.Errorf("the line of event %q: %w", id, err)
	case has != id:
		return nil, fmt.Errorf("the line of event %q has the id %q", id, has)
	case bytes.IndexByte(line, '\n') >= 0:
		return nil, fmt.Errorf("the line of event %q has line ends", id)
	}
	copied := make([]byte, 0, len(line)+1)
	return append(append(copied, line...), '\n'), nil
}

var (
	errNotJSON  = errors.New("not JSON")
	errNoObject = errors.New("not a JSON object")
	errNoID     = errors.New(`no text "id"`)
)

// lineID returns the member "id" of a line that is one whole JSON object. It builds nothing of all the rest: an event that holds the
// evidence of a failure has many kilobytes, and a journal many events.
func lineID(line []byte) (string, error) {
	if !json.Valid(line) {
		return "", errNotJSON
	}
	s := skipper{bytes.TrimLeft(line, " \t\r\n")}
	if s.rest[0] != '{' {
		return "", errNoObject
	}
	s.rest = s.rest[1:]
	for {
		s.separators()
		if s.rest[0] == '}' {
			return "", errNoID
		}
		key := s.value()
		s.separators()
		value := s.value()
		if string(key) != `"id"` {
			continue
		}
		var id string
		if err := json.Unmarshal(value, &id); err != nil || id == "" {
			return "", errNoID
		}
		return id, nil
	}
}

// A skipper steps over the values in a text that is known to be JSON.
type skipper struct {
	rest []byte
}

// separators steps over blanks, colons and commas.
func (s *skipper) separators() { s.rest = bytes.TrimLeft(s.rest, " \t\r\n:,") }

// value steps over one value and returns it.
func (s *skipper) value() []byte {
	all := s.rest
	depth := 0
	for {
		switch s.rest[0] {
		case '"':
			s.text()
		case '{', '[':
			depth++
			s.rest = s.rest[1:]
		case '}', ']':
			depth--
			s.rest = s.rest[1:]
		default:
			s.word()
		}
		if depth == 0 {
			return all[:len(all)-len(s.rest)]
		}
		s.separators()
	}
}

// text steps over a string.
func (s *skipper) text() {
	s.rest = s.rest[1:]
	for s.rest[0] != '"' {
		n := bytes.IndexAny(s.rest, `"\`)
		if s.rest[n] == '\\' {
			n += 2 // what is escaped, a quotation mark perhaps
		}
		s.rest = s.rest[n:]
	}
	s.rest = s.rest[1:]
}

// word steps over a number, true, false or null.
func (s *skipper) word() {
	n := bytes.IndexAny(s.rest, ",]} \t\r\n")
	s.rest = s.rest[n:]
}
