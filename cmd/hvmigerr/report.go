package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A hostError says which host an error is about.
type hostError struct {
	host string
	err  error
}

func (e *hostError) Error() string { return e.prefix() + e.err.Error() }

// prefix writes an IPv6 address in brackets: its colons would run into ours.
func (e *hostError) prefix() string {
	if addr, err := netip.ParseAddr(e.host); err == nil && addr.Is6() {
		return "[" + e.host + "]: "
	}
	return e.host + ": "
}

func (e *hostError) Unwrap() error { return e.err }

// A timeoutError says that --timeout has passed.
type timeoutError struct {
	limit time.Duration
	err   error
}

func (e *timeoutError) Error() string { return e.prefix() + e.err.Error() }

func (e *timeoutError) Unwrap() error { return e.err }

func (e *timeoutError) prefix() string { return fmt.Sprintf("not done within --timeout %v: ", e.limit) }

// ranOut tells an error of a context whose time has passed, but not that of a single request, which has a limit of its own.
func ranOut(err error) bool {
	if !errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	switch e := err.(type) { //nolint:errorlint // this is a walk like that of errors.Is
	case *wsman.TimeoutError:
		return false
	case interface{ Unwrap() error }:
		return ranOut(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), ranOut)
	}
	return true
}

// A deadlineError says that --deadline, the time for all hosts, has passed. It ends the context of the hosts as its cause.
type deadlineError struct {
	limit time.Duration
}

func (e *deadlineError) Error() string { return fmt.Sprintf("not done within --deadline %v", e.limit) }

// A sessionError is one that came from talking to a host.
type sessionError struct {
	err     error
	secrets redactor // of which its text holds none, though the host may have sent them back
	traced  bool     // the exchange was written down
	foreign bool     // an answer was not what the session with the host has to give
	method  *method  // nil where there was no session
	https   bool     // how the host was asked, or was to be
	http    bool
	user    string // as given; "" for nobody, and for whoever a ticket names
}

func (e *sessionError) Error() string { return e.secrets.clean(e.err.Error()) }

func (e *sessionError) Unwrap() error { return e.err }

// message returns what err says, joined errors in one line: the first two, and how many more there are.
func message(err error) string {
	switch e := err.(type) { //nolint:errorlint // the outermost alone
	case *hostError:
		return e.prefix() + message(e.err)
	case *timeoutError:
		return e.prefix() + message(e.err)
	case *journaledError:
		return message(e.err)
	case *forgottenError:
		return message(e.err)
	case *sessionError:
		return e.secrets.clean(message(e.err))
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err.Error()
	}
	var all []string
	var plain []string
	for _, e := range joined.Unwrap() {
		plain = append(plain, e.Error())
		all = append(all, message(e))
	}
	if strings.Join(plain, "\n") != err.Error() {
		return err.Error() // not of errors.Join, but a text that wraps several errors
	}
	const most = 2
	more := len(all) - most
	all = all[:min(len(all), most)]
	for i := range len(all) - 1 {
		all[i] = strings.TrimRight(all[i], ".") // the host's full stop
	}
	if more > 0 {
		return fmt.Sprintf("%s; and %d more", strings.Join(all, "; "), more)
	}
	return strings.Join(all, "; ")
}

// An errorReport is an error as JSON has it. Keys without a value are null.
type errorReport struct {
	// Kind is one of the words of exitRows, or failure.
	Kind    string  `json:"kind"`
	Exit    int     `json:"exit"`
	Message string  `json:"message"`
	Hint    *string `json:"hint"`
	// Operation is Identify, Enumerate, Pull, GetError …
	Operation *string `json:"operation"`
	// Subcode and Codes are those of a fault: "wsman:AccessDenied"; Windows' numbers, the outermost first.
	Subcode     *string  `json:"subcode"`
	Codes       []uint32 `json:"codes"`
	HTTPStatus  *int     `json:"httpStatus"`
	ReturnValue *uint32  `json:"returnValue"`
	// Stage is how far a connection came: resolve, connect, proxy, tls.
	Stage *string `json:"stage"`
	// Certificate is the fingerprint of a certificate that was refused.
	Certificate *string `json:"certificate"`
}

// newErrorReport returns nil, which is null, for no error.
func newErrorReport(err error) *errorReport {
	if err == nil || exitCode(err) == exitMigration {
		return nil
	}
	if e, ok := err.(*hostError); ok { //nolint:errorlint // JSON says beside it which host
		err = e.err
	}
	r := &errorReport{Kind: errorKind(err), Exit: exitCode(err), Message: message(err)}
	if h := hint(err); h != "" {
		r.Hint = &h
	}
	if has[*fleet.NotTriedError](err) {
		return r // the rest would be about another host
	}
	if e, ok := errors.AsType[*wsman.OpError](err); ok {
		r.Operation = &e.Op
	}
	if e, ok := errors.AsType[*wsman.Fault](err); ok {
		r.Subcode, r.Codes = new(string(e.Subcode)), e.Codes()
		if e.HTTPStatus != 0 {
			r.HTTPStatus = &e.HTTPStatus
		}
	}
	if e, ok := errors.AsType[*wsman.HTTPError](err); ok {
		r.HTTPStatus = &e.StatusCode
	}
	if e, ok := errors.AsType[*invoke.ReturnValueError](err); ok {
		r.ReturnValue = new(uint32(e.ReturnValue))
	}
	if e, ok := errors.AsType[*transport.ConnectError](err); ok {
		r.Stage = &e.Stage
	}
	if e, ok := errors.AsType[*transport.CertificateError](err); ok {
		r.Certificate = &e.Seen
	}
	return r
}
