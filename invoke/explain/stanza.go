package explain

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An entry is one stanza of a table.
type entry struct {
	row    Row
	with   []uint32 // of a pattern: the codes beside which alone it counts
	unless []uint32 // of a pattern: those beside which it does not count
	line   int      // where it begins, counted from 1
}

// A tableError tells what in a table is wrong.
type tableError struct {
	file string
	line int
	msg  string
}

// Error names the place.
func (e *tableError) Error() string { return fmt.Sprintf("tables/%s:%d: %s", e.file, e.line, e.msg) }

// keys returns the keys of a stanza, in the order in which they stand.
func keys() []string {
	return []string{
		"code", "id", "kind", "symbol", "headline", "pattern", "with", "unless", "meaning", "cause", "check", "reference", "source",
	}
}

// readTable reads a table of full rows. Stanzas are separated by a blank line; a stanza is made of "key: value" lines in the order
// of [keys], where a line that begins with two blanks continues the value before it. A line that begins with # is a comment.
// A stanza that cannot be read is told in the error and is not among the entries.
func readTable(file, text string) ([]entry, error) {
	var entries []entry
	var errs []error
	s := stanza{file: file}
	end := func() {
		if len(s.fields) > 0 && !s.broken {
			e, err := s.entry()
			if err == nil {
				entries = append(entries, e)
			}
			errs = append(errs, err)
		}
		s.fields, s.broken = s.fields[:0], false
	}
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		switch {
		case line == "":
			end()
		case line[0] != '#':
			err := s.add(number, line)
			s.broken = s.broken || err != nil
			errs = append(errs, err)
		}
	}
	end()
	return entries, errors.Join(errs...)
}

// A stanza collects the fields of one entry.
type stanza struct {
	file   string
	fields []field
	broken bool // a line could not be read
}

// A field is a key with its value.
type field struct {
	key, value string
	line       int
}

// add takes the next line.
func (s *stanza) add(number int, line string) error {
	if rest, ok := strings.CutPrefix(line, "  "); ok {
		if len(s.fields) == 0 {
			return &tableError{s.file, number, "continues nothing"}
		}
		f := &s.fields[len(s.fields)-1]
		f.value = strings.TrimPrefix(f.value+" "+rest, " ")
		return nil
	}
	key, value, ok := strings.Cut(line, ":")
	if !ok {
		return &tableError{s.file, number, "neither key: value nor a continuation"}
	}
	s.fields = append(s.fields, field{key, strings.TrimPrefix(value, " "), number})
	return nil
}

// entry turns the fields into an entry.
func (s *stanza) entry() (entry, error) {
	e := entry{line: s.fields[0].line}
	last := -1
	for _, f := range s.fields {
		at := slices.Index(keys(), f.key)
		repeats := at == last && slices.Contains([]string{"pattern", "with", "unless", "cause", "check", "reference"}, f.key)
		msg := ""
		switch {
		case at < 0:
			msg = "unknown key"
		case at <= last && !repeats:
			msg = "out of order, or twice"
		case f.value == "":
			msg = "without a value"
		default:
			msg = e.set(f.key, f.value)
		}
		if msg != "" {
			return entry{}, &tableError{s.file, f.line, f.key + ": " + msg}
		}
		last = at
	}
	if (e.row.ID == "") == (e.row.Kind == "") {
		return entry{}, &tableError{s.file, e.line, "a row has a code and its kind, or an id"}
	}
	return e, nil
}

// set gives the field of a row its value. It returns what is wrong with it, or "".
func (e *entry) set(key, value string) string {
	r := &e.row
	var err error
	switch key {
	case "code":
		r.Value, err = parseUint32(value)
	case "id":
		r.ID = value
	case "kind":
		return e.setKind(value)
	case "symbol":
		r.Symbol = value
	case "headline":
		r.Headline = value == "yes"
		if !r.Headline {
			return "only yes is possible"
		}
	case "pattern":
		r.Patterns = append(r.Patterns, value)
	case "with":
		var v uint32
		v, err = parseUint32(value)
		e.with = append(e.with, v)
	case "unless":
		var v uint32
		v, err = parseUint32(value)
		e.unless = append(e.unless, v)
	case "meaning":
		r.Meaning = value
	case "cause":
		r.Causes = append(r.Causes, value)
	case "check":
		return e.addCheck(value)
	case "reference":
		r.References = append(r.References, value)
	case "source":
		r.Source = value
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// setKind takes the kind of a code. A row with an id is of an event whose number is not known, and has no code.
func (e *entry) setKind(value string) string {
	kind := Kind(value)
	switch kind {
	case KindHRESULT, KindWin32, KindNTSTATUS, KindCIM, KindReturnValue, KindEvent:
	default:
		return "unknown kind " + strconv.Quote(value)
	}
	if e.row.ID == "" {
		e.row.Kind = kind
	} else if kind != KindEvent {
		return "a row with an id is of an event or has no kind"
	}
	return ""
}

// addCheck takes "WHERE | what" or "WHERE | what | command".
func (e *entry) addCheck(value string) string {
	parts := strings.SplitN(value, " | ", 3)
	if len(parts) < 2 {
		return "not WHERE | what | command"
	}
	c := Check{Where: Where(parts[0]), What: parts[1]}
	switch c.Where {
	case WhereSource, WhereDestination, WhereBoth, WhereHost, WhereDC, WhereHere:
	default:
		return "unknown place " + strconv.Quote(parts[0])
	}
	if len(parts) == 3 {
		c.Command = parts[2]
	}
	e.row.Checks = append(e.row.Checks, c)
	return ""
}

// parseUint32 reads 0x and eight hex digits, or a decimal number.
func parseUint32(s string) (uint32, error) {
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		v, err := strconv.ParseUint(digits, 16, 32)
		return uint32(v), err
	}
	v, err := strconv.ParseUint(s, 10, 32)
	return uint32(v), err
}
