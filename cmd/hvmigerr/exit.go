package main

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
)

// Exit codes. They are part of the program's interface: the table is in DESIGN.md §5.
const (
	exitOK             = 0
	exitFailure        = 1
	exitUsage          = 2
	exitMigration      = 3 // the migration failed; only with --exit-status
	exitNoSuchJob      = 4
	exitRunning        = 5 // the migration still runs; only watch
	exitPartly         = 6 // some hosts answered, some did not
	exitUnreachable    = 10
	exitAuthentication = 11
	exitDenied         = 12
	exitFault          = 13
	exitQuota          = 14
	exitUndecodable    = 15
	exitDeadline       = 124
	exitInterrupted    = 130
	exitTerminated     = 143
)

// errMigrationFailed makes get --exit-status end with 3. It is not printed: the answer was.
var errMigrationFailed = errors.New("a migration failed")

// A usageError says which flag or argument is wrong.
type usageError struct {
	msg string
}

func (e *usageError) Error() string { return e.msg }

// exitCode is the only place that turns an error into a number. Of joined errors the first row that fits any of them decides.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[*hostsError](err); ok {
		return e.code
	}
	for _, row := range exitRows() {
		if row.fits(err) || matches(err, func(e *journaledError) bool { return e.exit == row.code }) {
			return row.code
		}
	}
	return exitFailure
}

// An exitRow is one row of the table, with the word that stands for it in JSON.
type exitRow struct {
	code int
	kind string
	fits func(error) bool
}

// exitRows returns the table in the order of precedence. What stopped us comes first, because it may be the cause of the rest;
// faults of access and load come before other faults.
func exitRows() []exitRow {
	is := func(targets ...error) func(error) bool {
		return func(err error) bool {
			for _, t := range targets {
				if errors.Is(err, t) {
					return true
				}
			}
			return false
		}
	}
	return []exitRow{
		{exitTerminated, "terminated", is(errTerminated)},
		{exitInterrupted, "interrupted", is(errInterrupted, context.Canceled)},
		{exitUsage, "usage", has[*usageError]},
		{exitMigration, "migration-failed", is(errMigrationFailed)},
		{exitNoSuchJob, "no-such-job", is(invoke.ErrNoSuchJob)},
		{exitUnreachable, "unreachable", unreachable},
		{exitAuthentication, "authentication", unauthenticated},
		{exitDenied, "access-denied", denied},
		{exitQuota, "quota", quota},
		{exitFault, "fault", refused},
		{exitUndecodable, "undecodable", undecodable},
		{exitDeadline, "deadline", func(err error) bool { return errors.Is(err, context.DeadlineExceeded) || has[*deadlineError](err) }},
	}
}

// errorKind returns the word for the exit code of err.
func errorKind(err error) string {
	code := exitCode(err)
	for _, row := range exitRows() {
		if row.code == code {
			return row.kind
		}
	}
	return "failure"
}

func unreachable(err error) bool {
	return has[*transport.ConnectError](err) || errors.Is(err, wsman.ErrConnectionLost) ||
		status(http.StatusServiceUnavailable, http.StatusProxyAuthRequired)(err)
}

// unauthenticated tells of a user that the host, a KDC, or other hosts before this one have refused, or of one without a ticket.
func unauthenticated(err error) bool {
	return has[*fleet.NotTriedError](err) || status(http.StatusUnauthorized)(err) || has[*transport.AuthError](err) || has[*transport.KDCError](err) ||
		has[*transport.KDCUnreachableError](err) || has[*transport.CredentialError](err)
}

func denied(err error) bool {
	return errors.Is(err, invoke.ErrNothingVisible) || errors.Is(err, invoke.ErrNoSuchService) || status(http.StatusForbidden)(err) ||
		matches(err, (*wsman.Fault).AccessDenied) && !errors.Is(err, winrm.ErrShellsDisabled) ||
		matches(err, func(e *invoke.ReturnValueError) bool { return e.ReturnValue == invoke.ReturnValueAccessDenied }) ||
		matches(err, (*events.ChannelError).Denied)
}

func quota(err error) bool {
	return matches(err, (*wsman.Fault).Quota) || errors.Is(err, winrm.ErrShellQuota) || status(http.StatusRequestEntityTooLarge)(err)
}

func refused(err error) bool {
	return errors.Is(err, invoke.ErrNoHyperV) || has[*wsman.Fault](err) || has[*invoke.ReturnValueError](err) ||
		matches(err, func(e *events.ChannelError) bool { return !undecodable(e) }) || errors.Is(err, events.ErrNoServerManager) || errors.Is(err, winrm.ErrShellsDisabled)
}

func undecodable(err error) bool {
	return has[*wsman.ProtocolError](err) || has[*cimerror.DecodeError](err) || has[*wsman.HTTPError](err) ||
		has[*transport.LimitError](err) || has[*undecodableError](err) ||
		has[*events.DecodeError](err) || errors.Is(err, events.ErrTruncated) || errors.Is(err, events.ErrTooLarge)
}

func status(codes ...int) func(error) bool {
	return func(err error) bool {
		return matches(err, func(e *wsman.HTTPError) bool {
			return slices.Contains(codes, e.StatusCode)
		})
	}
}

// has tells whether there is an E anywhere in the tree of err.
func has[E error](err error) bool {
	return matches(err, func(E) bool { return true })
}

// matches tells whether f holds for any E in the tree of err. errors.As would stop at the first E of joined errors.
func matches[E error](err error, f func(E) bool) bool {
	if e, ok := err.(E); ok && f(e) { //nolint:errorlint // this is the walk that errors.As does
		return true
	}
	switch u := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		return matches(u.Unwrap(), f)
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			if matches(e, f) {
				return true
			}
		}
	}
	return false
}
