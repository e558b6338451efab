package events

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// Numbers of faults (facts/faults.md §3 and §4).
const (
	codeMaxEnvelopeSizeExceeded = 0x80338048
	codeServerEnvelopeLimit     = 0x80338049
)

// tooLarge reports whether err is a fault that says that an answer would be too large for one envelope.
func tooLarge(err error) bool {
	f, ok := errors.AsType[*wsman.Fault](err)
	if !ok {
		return false
	}
	if f.Subcode == wsman.SubcodeEncodingLimit {
		return true
	}
	for _, c := range f.Codes() {
		if c == codeMaxEnvelopeSizeExceeded || c == codeServerEnvelopeLimit {
			return true
		}
	}
	return false
}

// channelError makes a [*ChannelError] of a fault that is about the channel, adds [ErrNoServerManager] to one that says that there is
// no such class, and returns any other error as it is.
func channelError(channel string, err error) error {
	f, ok := errors.AsType[*wsman.Fault](err)
	if !ok {
		return err
	}
	switch code := eventLogCode(channel, f); code {
	case 0:
	case codeQueryStale:
		return fmt.Errorf("%w: %w", ErrCleared, err)
	default:
		return &ChannelError{Channel: channel, Code: code, Text: f.Text(), Err: err}
	}
	if noServerManager(f) {
		return fmt.Errorf("%w: %w", ErrNoServerManager, err)
	}
	return err
}

// eventLogCode finds the Win32 error of the event log in a fault. No host's is on record, so that it is looked for wherever faults have
// numbers: in those of WSManFault and of MSFT_WmiError, bare or as an HRESULT, and in the texts.
func eventLogCode(channel string, f *wsman.Fault) uint32 {
	codes := f.Codes()
	texts := []string{f.Text(), f.Reason}
	if f.WMIError != nil {
		texts = append(texts, propertyText(f.WMIError, "MessageID"))
	}
	for w := f.WSManFault; w != nil; w = w.Nested {
		if w.Provider != nil && w.Provider.ExtendedStatus != nil {
			s := w.Provider.ExtendedStatus
			texts = append(texts, propertyText(s, "Description"))
			codes = append(codes, statusCode(s))
		}
	}
	for _, text := range texts {
		for _, found := range explain.Codes(excerpt(text)) {
			codes = append(codes, found.Value)
		}
	}
	for _, c := range codes {
		if c = win32Code(c); firstEventLogCode <= c && c <= lastEventLogCode {
			return c
		}
	}
	if denied(channel, f) {
		return codeDenied
	}
	return 0
}

// The range of Win32 errors that are the event log's own: ERROR_EVT_* of winerror.h.
const (
	firstEventLogCode = 15000
	lastEventLogCode  = 15079
)

// denied reports whether f says that the user may not read the channel, rather than not call the method: the text names the channel, or
// the method's provider says it in a fault that is none of access itself.
func denied(channel string, f *wsman.Fault) bool {
	if !f.AccessDenied() {
		return false
	}
	if strings.Contains(strings.ToLower(f.Text()), strings.ToLower(channel)) {
		return true
	}
	outer := wsman.Fault{Subcode: f.Subcode, WMIError: f.WMIError}
	if f.WSManFault != nil {
		outer.WSManFault = &wsman.WSManFault{Code: f.WSManFault.Code}
	}
	return !outer.AccessDenied()
}

// noServerManager reports whether f says that the class, its namespace or the method does not exist. The method is static, so that
// nothing else can be missing.
func noServerManager(f *wsman.Fault) bool {
	if f.WMIError != nil {
		switch propertyText(f.WMIError, "CIMStatusCode") {
		case cimInvalidNamespace, cimInvalidClass:
			return true
		}
	}
	return f.NotFound() || f.NotSupported()
}

// CIMStatusCode values of MSFT_WmiError (DSP0200 §5.2.1).
const (
	cimInvalidNamespace = "3"
	cimInvalidClass     = "5"
)

// statusCode reads StatusCode of a WMI __ExtendedStatus, 0 if there is none.
func statusCode(i *wsman.Instance) uint32 {
	p, state, err := i.Scalar("StatusCode")
	if err != nil || state != wsman.Present {
		return 0
	}
	n, err := p.Uint(32)
	if err != nil {
		return 0
	}
	return uint32(n) //nolint:gosec // Uint(32) has checked the range
}

func propertyText(i *wsman.Instance, name string) string {
	p, state, err := i.Scalar(name)
	if err != nil || state != wsman.Present {
		return ""
	}
	return strings.TrimSpace(p.Text)
}
