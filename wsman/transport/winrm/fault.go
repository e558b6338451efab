package winrm

import (
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// ErrShellsDisabled says that the policy of the host allows no remote shells (facts/event-log.md §4). [FaultError] and the errors of [Shell] are
// compared with it by errors.Is.
var ErrShellsDisabled = errors.New("the host is configured to accept no remote shells")

// ErrShellQuota says that the user, or the host, has as many shells, or users of them, as it may. It is compared as [ErrShellsDisabled] is.
var ErrShellQuota = errors.New("a quota of the host allows no further remote shell")

// How a host says that it accepts no shells: a number (facts/wsman_error_codes.json), and the words that reports have of it, which are all
// that is on record (facts/event-log.md §4).
const (
	codeShellsNotAllowed  = 0x803381AC
	wordsShellsNotAllowed = "remote shell requests"
)

// meaning returns which of the errors above f means, or nil.
func meaning(f *wsman.Fault) error {
	switch {
	case slices.Contains(f.Codes(), codeShellsNotAllowed), strings.Contains(f.Error(), wordsShellsNotAllowed):
		return ErrShellsDisabled
	case f.Quota():
		return ErrShellQuota
	}
	return nil
}

// maxFaultText is how much of a fault's text, and of its XML, stands in the text of an error, in bytes.
const maxFaultText = 16 << 10

// A FaultError is the fault that a host has answered a message of masterzen/winrm with.
type FaultError struct {
	// XML is the envelope, in UTF-8.
	XML string
	// Fault is what it says.
	Fault *wsman.Fault
}

// Error says what the fault says, and has its XML, each cut after 16 KiB. masterzen/winrm asks again for output when it finds the word
// OperationTimeout in the text: that is in it exactly when the fault is a timeout.
func (e *FaultError) Error() string {
	text := cut(e.Fault.Error()) + ": " + cut(e.XML)
	if !e.Fault.TimedOut() {
		return reworded(text)
	}
	if !strings.Contains(text, wordTimeout) {
		text = wordTimeout + ": " + text
	}
	return text
}

// cut returns what text begins with.
func cut(text string) string {
	if len(text) <= maxFaultText {
		return text
	}
	n := maxFaultText
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

// Unwrap returns the fault.
func (e *FaultError) Unwrap() error { return e.Fault }

// Is reports whether the fault is ErrShellsDisabled or ErrShellQuota.
func (e *FaultError) Is(target error) bool {
	is := meaning(e.Fault)
	return is != nil && target == is
}

// Words that masterzen/winrm looks for in the text of an error, wherever they stand.
const (
	wordTimeout = "OperationTimeout" // it asks again, and again
	wordEOF     = "EOF"              // it returns the exit code 16001, by which programs tell that the connection was lost
)

// reworded breaks the words of text that masterzen/winrm would misunderstand.
func reworded(text string) string {
	return strings.NewReplacer(wordTimeout, "Operation Timeout", wordEOF, "E.O.F.").Replace(text)
}

// A wordError is an error with another text.
type wordError struct {
	text string
	err  error
}

func (e *wordError) Error() string { return e.text }

func (e *wordError) Unwrap() error { return e.err }

// forMasterzen returns err such that masterzen/winrm takes it for what it is. It asks again, and again, after a *url.Error of a timeout,
// as a dialer may return one, and after certain words, which a host may choose.
func forMasterzen(err error) error {
	if _, ok := errors.AsType[*FaultError](err); ok {
		return err // it has seen to that itself
	}
	text := err.Error()
	words := reworded(text)
	if errors.Is(err, wsman.ErrConnectionLost) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		words = strings.ReplaceAll(text, wordTimeout, "Operation Timeout")
	}
	if e, ok := errors.AsType[*url.Error](err); ok && e.Timeout() {
		return &noURLError{text: words, err: err}
	}
	if words != text {
		return &wordError{text: words, err: err}
	}
	return err
}

// A noURLError is an error with another text, and all that it wraps but the *url.Error.
type noURLError struct {
	text string
	err  error
}

func (e *noURLError) Error() string { return e.text }

// Is makes errors.Is look into the error.
func (e *noURLError) Is(target error) bool { return errors.Is(e.err, target) }

// As makes errors.As look into the error, but for what masterzen/winrm looks for.
func (e *noURLError) As(target any) bool {
	if _, ok := target.(**url.Error); ok {
		return false
	}
	return errors.As(e.err, target)
}
