package events

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A DecodeError says what of a host's text is not an event.
type DecodeError struct {
	Msg  string
	Seen string // the beginning of what stands there
	Err  error  // what encoding/xml says; nil if Msg says it all
	// final tells that nothing after it can be made out.
	final bool
}

func (e *DecodeError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("not an event: %s: %v: %q", e.Msg, e.Err, e.Seen)
	}
	return fmt.Sprintf("not an event: %s: %q", e.Msg, e.Seen)
}

func (e *DecodeError) Unwrap() error { return e.Err }

// A Reader reads events in XML as they arrive. It holds no more than one, and what it has read ahead.
type Reader struct {
	// KeepRaw asks for the Raw of the events.
	KeepRaw bool

	src   io.Reader
	split *splitter
	d     decoder
	err   error // what ended the reading
}

// NewReader returns a Reader of r, which holds a run of Event elements, or one root around them. The text is UTF-16 if a byte order
// mark or NULs say so, else UTF-8, and bytes that are not that are read as windows-1252. Nothing is read yet.
func NewReader(r io.Reader) *Reader {
	return &Reader{src: r, d: decoder{known: make(map[string]string)}}
}

// Next returns the next event. The end is [io.EOF], [ErrTruncated] if it is within an event or before the root's own end, or the error
// of the underlying reader, and it is the same every time from then on. [ErrTooLarge], and most often a [*DecodeError], is about one
// event or about what stands between two: reading goes on after it.
func (r *Reader) Next() (*Event, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.split == nil {
		r.split = &splitter{in: readText(r.src)}
	}
	b, err := r.split.next()
	if err != nil {
		if !skippable(err) {
			r.err = err
		}
		return nil, err
	}
	e, err := r.d.decode(b)
	if err != nil {
		return nil, err
	}
	if r.KeepRaw {
		e.Raw = bytes.Clone(b)
	}
	return e, nil
}

// skippable tells whether there may be more events after err.
func skippable(err error) bool {
	if e, ok := errors.AsType[*DecodeError](err); ok {
		return !e.final
	}
	return errors.Is(err, ErrTooLarge)
}

// DecodeEvent decodes one event in XML, in any encoding that [NewReader] takes. The error is a [*DecodeError], [ErrTruncated] or
// [ErrTooLarge]; a value that makes no sense is none, but one of the Problems.
func DecodeEvent(b []byte) (*Event, error) {
	r := NewReader(bytes.NewReader(b))
	e, err := r.Next()
	if errors.Is(err, io.EOF) {
		return nil, &DecodeError{Msg: "no event", Seen: beginning(b)}
	}
	if err != nil {
		return nil, err
	}
	switch _, err := r.Next(); {
	case errors.Is(err, io.EOF):
		return e, nil
	case err == nil:
		return nil, &DecodeError{Msg: "a second event", Seen: beginning(b)}
	default:
		return nil, err
	}
}
