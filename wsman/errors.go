package wsman

import (
	"errors"
	"fmt"
)

// OpError says which operation failed. It is the outermost error of every method of [Client].
type OpError struct {
	// Op is Identify, Get, Enumerate, Pull, Release or the name of the method that was invoked.
	Op string
	// ResourceURI is what the operation addressed; empty for Identify.
	ResourceURI string
	Err         error
}

func (e *OpError) Error() string {
	if class := (&EndpointReference{ResourceURI: e.ResourceURI}).ClassName(); class != "" {
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

// SubcodeOf returns the subcode of the [*Fault] in err's tree, or "".
func SubcodeOf(err error) Subcode {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Subcode
	}
	return ""
}
