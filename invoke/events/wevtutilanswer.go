package events

import (
	"cmp"
	"context"
	"errors"
	"io"
)

// errStopped: whoever takes the events wants no more.
const errStopped = constError("no more events are wanted")

const (
	maxStderr  = 64 << 10 // bytes that are kept of what a command writes to stderr
	maxDrained = 1 << 20  // bytes that are read after those that are of use
	maxSkipped = 1000     // things in an answer that are no events
)

// An answer is what wevtutil prints of one channel, by one command or by two.
type answer struct {
	sel   *Selection
	yield func(*Event, error) bool
	count int
	// seen are the record numbers of the events that came, newest is the largest, and unnumbered counts those that had none: a second
	// command yields no event twice, and none that was written since.
	seen       map[uint64]struct{}
	newest     uint64
	unnumbered int
	second     bool
	remark     *StderrError // of the last command that made one, or nil
}

func newAnswer(sel *Selection, yield func(*Event, error) bool) *answer {
	return &answer{sel: sel, yield: yield, seen: make(map[uint64]struct{})}
}

// read runs a command and yields its events while they arrive. The error is errStopped if no more were wanted; then, and in any other
// case, the command has ended.
func (a *answer) read(ctx context.Context, r Runner, command string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out, in := io.Pipe()
	var stderr limitedBuffer
	var code int
	var runErr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		code, runErr = r.Run(ctx, command, in, &stderr)
		_ = in.Close() // never fails
	}()
	defer func() {
		_ = out.CloseWithError(errStopped) // never fails; the next Write does, which ends the command
		cancel()
		<-done
	}()

	textErr := a.events(out)
	if errors.Is(textErr, errStopped) {
		return textErr
	}
	// The exit code is worth waiting for, but not for ever.
	if n, _ := io.CopyN(io.Discard, out, maxDrained); n == maxDrained {
		return a.textError(textErr)
	}
	<-done
	a.second = true
	switch {
	case runErr != nil:
		return runErr
	case code != 0:
		return a.exitError(code, stderr.b, textErr)
	}
	if text := plainText(stderr.b); text != "" {
		a.remark = &StderrError{Text: text}
	}
	return a.textError(textErr)
}

// A StderrError is what wevtutil wrote to stderr though it ended well. It costs no event.
type StderrError struct {
	Text string // in the host's language; of much, the beginning
}

func (e *StderrError) Error() string { return "wevtutil ended well, and wrote: " + excerpt(e.Text) }

// textError says of which channel the text is that is no event.
func (a *answer) textError(err error) error {
	if _, ok := errors.AsType[*DecodeError](err); ok {
		return &ChannelError{Channel: a.sel.Channel, Err: err}
	}
	return err
}

// events yields the events of a text. Of what is not an event it returns the first as an error, at the end.
func (a *answer) events(out io.Reader) error {
	var stray error
	r := NewReader(out)
	r.KeepRaw = a.sel.KeepRaw
	for skipped := 0; skipped < maxSkipped; {
		e, err := r.Next()
		switch {
		case err == nil:
			if err := a.event(e); err != nil {
				return err
			}
			continue
		case errors.Is(err, io.EOF):
			return stray
		case !skippable(err):
			return err
		}
		skipped++
		if !errors.Is(err, ErrTooLarge) {
			stray = cmp.Or(stray, err)
		} else if !a.second && !a.yield(nil, err) {
			return errStopped
		}
	}
	return stray
}

// event yields one event, unless the first command did.
func (a *answer) event(e *Event) error {
	if a.known(e) {
		return nil
	}
	if a.count == a.sel.maximum() {
		return ErrLimit
	}
	a.count++
	e.Route, e.Log = RouteShell, a.sel.Channel
	if !a.yield(e, nil) {
		return errStopped
	}
	return nil
}

// known tells whether the first command gave an event already, or one that is older, and takes note of what the first gives.
func (a *answer) known(e *Event) bool {
	if e.RecordID == nil {
		if a.second && a.unnumbered > 0 {
			a.unnumbered--
			return true
		}
		if !a.second {
			a.unnumbered++
		}
		return false
	}
	id := *e.RecordID
	if a.second {
		_, ok := a.seen[id]
		return ok || len(a.seen) > 0 && id > a.newest
	}
	a.seen[id] = struct{}{}
	a.newest = max(a.newest, id)
	return false
}

// exitError says what an exit code means, and the text with it: of stderr, or what stood in place of events.
func (a *answer) exitError(exitCode int, stderr []byte, textErr error) error {
	code := win32Code(uint32(exitCode)) //nolint:gosec // an exit code of Windows has 32 bits, with a sign or without
	if code == codeQueryStale {
		return ErrCleared
	}
	text := plainText(stderr)
	if e, ok := errors.AsType[*DecodeError](textErr); ok && text == "" {
		text = e.Seen
	}
	return &ChannelError{Channel: a.sel.Channel, Code: code, Text: text}
}

// withoutText tells whether err is about the texts of the events alone.
func withoutText(err error) bool {
	e, ok := errors.AsType[*ChannelError](err)
	return ok && e.Code >= codeMessageNotFound && e.Code <= codeMessageNoLocale
}

// A limitedBuffer keeps the beginning of what is written to it.
type limitedBuffer struct{ b []byte }

func (l *limitedBuffer) Write(p []byte) (int, error) {
	l.b = append(l.b, p[:min(len(p), maxStderr-len(l.b))]...)
	return len(p), nil
}
