package winrm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// ErrNotRepeated marks the 401 of a host that has forgotten our session while it carried a message that is not sent again, since it
// may have been carried out: all but those that end something. It wraps the transport's error.
var ErrNotRepeated = errors.New("the host has forgotten the session, and the message is not sent again")

// A courier carries messages over t. It is safe for concurrent use.
type courier struct {
	t wsman.Transport
	patience
}

// post sends r and returns the answer, and its text for masterzen/winrm. The answer is nil if err is not. The caller bounds ctx by
// r.limit.
func (c *courier) post(ctx context.Context, r *request) (*answer, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err // masterzen/winrm goes on asking otherwise while there are answers
	}
	if err := c.forgo(r); err != nil {
		return nil, "", err
	}
	c.sent(r)
	at := time.Now()
	reply, err := c.t.RoundTrip(ctx, &wsman.Request{Body: r.body, Repeatable: r.cleansUp()})
	if err != nil {
		if ctx.Err() != nil {
			c.lost(r)
		}
		return nil, "", once(r, err)
	}
	if reply.Release != nil {
		defer reply.Release()
	}
	a, text, err := readReply(reply, r)
	if err := c.heard(r, a, err, time.Since(at)); err != nil {
		return nil, "", err
	}
	return a, text, err
}

// once says of the 401 to a message in mid-session that it was not sent again.
func once(r *request, err error) error {
	auth, forgotten := errors.AsType[*transport.AuthError](err)
	refusal, ok := errors.AsType[*wsman.HTTPError](err)
	if !forgotten || auth.Refused || auth.Early || !ok || refusal.StatusCode != http.StatusUnauthorized || r.cleansUp() {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNotRepeated, err)
}

// readReply reads a reply to r.
func readReply(reply *wsman.Reply, r *request) (*answer, string, error) {
	body, err := toUTF8(reply.Body)
	if err != nil {
		return nil, "", &wsman.ProtocolError{Msg: "the text is not UTF-16 though it is marked as such", Err: err}
	}
	a, err := readAnswer(body, r)
	failed := reply.StatusCode >= http.StatusBadRequest
	switch {
	case err == nil && a.fault:
		return nil, "", readFault(body, reply.StatusCode)
	case err == nil && failed:
		return nil, "", &wsman.ProtocolError{Path: "s:Body", Msg: fmt.Sprintf("no fault under HTTP status %d", reply.StatusCode)}
	case err != nil && failed && len(bytes.TrimSpace(body)) == 0:
		return nil, "", &wsman.HTTPError{StatusCode: reply.StatusCode, ContentType: reply.Header.Get("Content-Type")}
	case err != nil:
		return nil, "", err
	}
	return a, a.envelope(), nil
}

// readFault returns the fault that body is.
func readFault(body []byte, status int) error {
	_, err := wsman.DecodeEnvelope(body)
	f, ok := errors.AsType[*wsman.Fault](err)
	if !ok {
		if err == nil {
			err = &wsman.ProtocolError{Path: "s:Body", Msg: "a fault beside other elements"}
		}
		return err
	}
	f.HTTPStatus = status
	return &FaultError{XML: string(body), Fault: f}
}
