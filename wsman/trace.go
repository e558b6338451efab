package wsman

import (
	"errors"
	"net/http"
	"slices"
	"time"
)

// An Exchange is one request and its reply, as [Config].Trace sees them. It holds no credentials: requests carry none in
// their envelope, and of the reply's headers only those on an allow-list are kept. Envelopes name hosts and virtual machines.
type Exchange struct {
	// Operation is Identify, Get, Enumerate, Pull, Release or a method's name.
	Operation   string
	Action      string
	ResourceURI string
	// Queried is the class that a WQL query selects from, as in [OpError].
	Queried string
	Request []byte
	// Response is the answer, or what was kept of it when it was not SOAP; nil when none came.
	Response []byte
	// StatusCode is zero when no answer came.
	StatusCode int
	Header     http.Header
	// Sealed tells that the answer arrived encrypted by the session.
	Sealed   bool
	Started  time.Time
	Duration time.Duration
	// Err is why there was no reply, or nil. A fault is a reply.
	Err error
}

// ClassName returns the class that the operation was about, or "".
func (x *Exchange) ClassName() string { return className(x.ResourceURI, x.Queried) }

// traced lists the response headers that a trace may hold.
func traced() []string { return []string{"Content-Type", "Content-Length", "Date", "Server"} }

// trace tells the hook of an exchange.
func (c *Client) trace(op *operation, req *Request, reply *Reply, err error, started time.Time) {
	if c.cfg.Trace == nil {
		return
	}
	x := &Exchange{
		Operation: op.name, Action: op.action, ResourceURI: op.resource, Queried: op.queried,
		Request: req.Body, Started: started, Duration: time.Since(started), Err: err,
	}
	if e, ok := errors.AsType[*HTTPError](err); ok {
		x.Response, x.StatusCode = e.Body, e.StatusCode
		x.Header = http.Header{"Content-Type": {e.ContentType}}
	}
	if reply != nil {
		x.Response, x.StatusCode, x.Sealed = reply.Body, reply.StatusCode, reply.Sealed
		x.Header = allowed(reply.Header)
	}
	c.cfg.Trace(x)
}

// allowed returns the headers of h that may be written down.
func allowed(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range traced() {
		if v := h.Values(name); len(v) > 0 {
			out[name] = slices.Clone(v)
		}
	}
	return out
}
