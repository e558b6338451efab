package wsman

import (
	"errors"
	"fmt"
	"time"
)

// OpError says which operation failed. It is the outermost error of every method of [Client].
type OpError struct {
	// Op is Identify, Get, Enumerate, Pull, Release or the name of the method that was invoked.
	Op string
	// ResourceURI is what the operation addressed; empty for Identify.
	ResourceURI string
	// Queried is the class that a WQL query selects from; empty without a query, and when it does not tell.
	Queried string
	Err     error
}

// ClassName returns the class that the operation was about, or "".
func (e *OpError) ClassName() string { return className(e.ResourceURI, e.Queried) }

// className returns the class that a ResourceURI ends with or, when that stands for all classes, the one that was queried.
func className(uri, queried string) string {
	if class := (&EndpointReference{ResourceURI: uri}).ClassName(); class != allClasses {
		return class
	}
	return queried
}

func (e *OpError) Error() string {
	if class := e.ClassName(); class != "" {
		return fmt.Sprintf("%s %s: %v", e.Op, class, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Op, e.Err)
}

func (e *OpError) Unwrap() error { return e.Err }

// ProtocolError says that a reply was SOAP, or claimed to be, and broke the protocol.
type ProtocolError struct {
	// Path is where: element names with our prefixes, such as "s:Envelope/s:Body". Empty means the whole document.
	Path string
	Msg  string
	// Err is the cause, or nil.
	Err error
}

func (e *ProtocolError) Error() string {
	msg := e.Msg
	if e.Path != "" {
		msg = e.Path + ": " + msg
	}
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	return msg
}

func (e *ProtocolError) Unwrap() error { return e.Err }

// TimeoutError says that the time for one request has passed, and not yet that of the caller's context. It is a
// [context.DeadlineExceeded].
type TimeoutError struct {
	// Limit is OperationTimeout, or what the deadline of the context leaves for it, and 15 seconds for the reply.
	Limit time.Duration
	Err   error
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("not done within %v, the limit for one request: %v", e.Limit, e.Err)
}

func (e *TimeoutError) Unwrap() error { return e.Err }

// SubcodeOf returns the subcode of the [*Fault] in err's tree, or "".
func SubcodeOf(err error) Subcode {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Subcode
	}
	return ""
}
