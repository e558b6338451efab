package watch

import (
	"context"
	"errors"
	"net/http"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// accepted reports whether err, which may be nil, is what a host says to a user whom it has taken.
func accepted(err error) bool {
	return err == nil || errors.Is(err, invoke.ErrNothingVisible) || has[*wsman.Fault](err)
}

// unwatchable reports whether err says that the host has nothing to be watched, or shows the user nothing.
func unwatchable(err error) bool {
	return errors.Is(err, invoke.ErrNothingVisible) || errors.Is(err, invoke.ErrNoHyperV)
}

// overQuota reports whether err is the fault of a host that has too much to do.
func overQuota(err error) bool {
	f, ok := errors.AsType[*wsman.Fault](err)
	return ok && f.Quota()
}

// cutShort reports whether err is not, or not only, what the host has to say: the connection was lost or could not be opened, or
// time or a quota has run out. The same question may be answered later.
func cutShort(err error) bool {
	switch {
	case err == nil:
		return false
	case lost(err), errors.Is(err, context.Canceled):
		return true
	}
	if f, ok := errors.AsType[*wsman.Fault](err); ok {
		return f.Retryable()
	}
	if h, ok := errors.AsType[*wsman.HTTPError](err); ok {
		return h.StatusCode >= http.StatusInternalServerError
	}
	return !has[*wsman.ProtocolError](err) && !has[*invoke.ReturnValueError](err) && !has[*cimerror.DecodeError](err) &&
		!errors.Is(err, invoke.ErrNothingVisible) && !errors.Is(err, invoke.ErrNoSuchJob)
}

// lost reports whether err tells of a session that may have ended without the host being gone: it restarted, ended what was idle, or was
// too slow once.
func lost(err error) bool {
	if f, ok := errors.AsType[*wsman.Fault](err); ok && f.TimedOut() {
		return true
	}
	return errors.Is(err, wsman.ErrConnectionLost) || errors.Is(err, context.DeadlineExceeded)
}

func has[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
