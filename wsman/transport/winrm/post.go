package winrm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// maxFruitless is how many answers in a row may bring no output before the host had half of its time for any. masterzen/winrm asks again
// at once, and would ask for ever.
const maxFruitless = 1000

// A courier carries messages over t. It is safe for concurrent use.
type courier struct {
	t         wsman.Transport
	fruitless atomic.Int64 // answers in a row
}

// post sends r and returns the answer, and its text for masterzen/winrm. The answer is nil if err is not. The caller bounds ctx by
// r.limit.
func (c *courier) post(ctx context.Context, r *request) (*answer, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err // masterzen/winrm goes on asking otherwise while there are answers
	}
	sent := time.Now()
	reply, err := c.t.RoundTrip(ctx, &wsman.Request{Body: r.body})
	if err != nil {
		return nil, "", err
	}
	if reply.Release != nil {
		defer reply.Release()
	}
	a, text, err := readReply(reply, r)
	if err := c.patience(r, a, err, time.Since(sent)); err != nil {
		return nil, "", err
	}
	return a, text, err
}

// patience counts the answers to Receive that have brought nothing though there was time left.
func (c *courier) patience(r *request, a *answer, err error, took time.Duration) error {
	if r.action != actionReceive {
		return nil
	}
	fault, isFault := errors.AsType[*wsman.Fault](err)
	nothing := isFault && fault.TimedOut() || a != nil && a.fruitless()
	if !nothing || took >= r.timeout/2 {
		c.fruitless.Store(0)
		return nil
	}
	if n := c.fruitless.Add(1); n > maxFruitless {
		return &wsman.ProtocolError{Msg: fmt.Sprintf("the host has answered %d times without output before its time was over", n)}
	}
	return nil
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
	return a, a.envelope(body), nil
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
