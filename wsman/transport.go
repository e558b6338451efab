package wsman

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
)

// A Transport carries one envelope to the service and returns its reply.
// It must be safe for concurrent use and must return promptly once ctx is done.
//
// Any status with a SOAP content type, or whose body's root is a SOAP Envelope, is a [Reply];
// 401 and everything else is an [*HTTPError]. An error that tells that the connection was lost
// after the request may have reached the service wraps [ErrConnectionLost].
type Transport interface {
	RoundTrip(ctx context.Context, req *Request) (*Reply, error)
}

// A Request is one envelope to send.
type Request struct {
	// Body is the envelope, in UTF-8.
	Body []byte
	// Anonymous asks for no authentication and adds the header "WSMANIDENTIFY: unauthenticated".
	// It is set only with the constant body of Identify (facts/wire-format.md §8).
	Anonymous bool
	// Repeatable tells that a transport may send the request twice, when it is told that the first was not read: over an
	// unprotected connection anybody can say so.
	Repeatable bool
}

// A Reply is what came back for a [Request].
type Reply struct {
	// Body is the whole answer, after any unsealing.
	Body []byte
	// StatusCode is the HTTP status; faults come with 200, 400, 500 and 503 (facts/faults.md §2).
	StatusCode int
	Header     http.Header
	// Sealed tells that Body arrived encrypted by the session, not by TLS.
	Sealed bool
	// TLS is the state of the connection, nil without TLS.
	TLS *tls.ConnectionState
	// Release, if not nil, is called by the [Client] once Body has been decoded: what was reserved for it may go to others.
	Release func()
}

// ErrConnectionLost marks an error of a connection that was open and broke before the whole reply
// was read. The service may or may not have acted on the request.
var ErrConnectionLost = errors.New("connection lost")

// HTTPError is a reply that was not SOAP: a refused authentication, a proxy's page, a web server's.
type HTTPError struct {
	StatusCode int
	// Challenges holds the scheme of each WWW-Authenticate (401) or Proxy-Authenticate (407) header, without
	// parameters, in the order they came.
	Challenges []string
	// Tried names the scheme or mechanism that the request was authenticated with, such as Basic or NTLM; empty when there was none.
	Tried       string
	ContentType string
	// Location is the target of a redirect, which is never followed.
	Location string
	// Body holds the first 4 KiB of the answer.
	Body []byte
	// Fault is what Body says, when it is a whole SOAP fault: openwsman sends one under 401. Set by [Client].
	Fault *Fault
}

// Error says what the status was and, where it helps, which schemes the peer offered.
func (e *HTTPError) Error() string {
	msg := fmt.Sprintf("HTTP %d", e.StatusCode)
	if text := http.StatusText(e.StatusCode); text != "" {
		msg += " " + text
	}
	switch {
	case e.StatusCode == http.StatusUnauthorized || e.StatusCode == http.StatusProxyAuthRequired:
		msg += "; " + e.schemes()
	case e.Location != "":
		msg += fmt.Sprintf("; redirects are not followed (to %q)", e.Location)
	case e.Fault != nil:
	case len(bytes.TrimSpace(e.Body)) == 0:
		msg += "; the answer is empty"
	case e.ContentType != "":
		msg += fmt.Sprintf("; the answer is %q, not SOAP", e.ContentType)
	}
	if e.Fault != nil {
		msg += "; " + e.Fault.Error()
	}
	return msg
}

func (e *HTTPError) schemes() string {
	offered := "none"
	for i, c := range e.Challenges {
		if i == 0 {
			offered = c
			continue
		}
		offered += ", " + c
	}
	if e.Tried == "" {
		return "offered: " + offered
	}
	return fmt.Sprintf("tried: %s; offered: %s", e.Tried, offered)
}
