package wsmantest

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// maxErrorBody is how much of an answer that is not SOAP an HTTPError holds, as wsman.Transport wants.
const maxErrorBody = 4 << 10

// Transport returns a transport that reaches the server without a network, as the user with that name, whose password
// it need not know. It starts no goroutines and opens no sockets, and so works inside testing/synctest; the server need
// not be started. A name that no user has is refused, as a wrong password would be.
func (s *Server) Transport(user string) wsman.Transport {
	return &transport{server: s, name: user}
}

type transport struct {
	server *Server
	name   string
}

// RoundTrip implements [wsman.Transport]. Rules that break the connection give an error that wraps
// [wsman.ErrConnectionLost].
func (t *transport) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a, err := t.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, t.server.cfg.Delay); err != nil {
		return nil, err
	}
	switch r := a.rule; {
	case r.Drop, r.Reset:
		return nil, fmt.Errorf("simulated: %w", wsman.ErrConnectionLost)
	case r.Cut != nil && int64(*r.Cut) < a.size():
		return nil, fmt.Errorf("simulated: %w after %d octets", wsman.ErrConnectionLost, *r.Cut)
	}
	body, err := a.all()
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusUnauthorized || !isSOAP(a, body) {
		return nil, a.httpError(body, req.Anonymous)
	}
	return &wsman.Reply{Body: body, StatusCode: a.status, Header: a.header}, nil
}

// ask passes a request to the server, as serveHTTP does.
func (t *transport) ask(ctx context.Context, req *wsman.Request) (*answer, error) {
	if len(req.Body) > maxEnvelope {
		return &answer{status: http.StatusRequestEntityTooLarge, header: http.Header{}, rule: &Rule{}}, nil
	}
	if req.Anonymous {
		return t.server.answer(ctx, caller{}, req.Body)
	}
	if u := t.server.userNamed(t.name); u != nil {
		return t.server.answer(ctx, caller{user: u}, req.Body)
	}
	return t.server.refuse(caller{name: t.name}), nil
}

// isSOAP reports whether the content type or the root of an answer is SOAP's.
func isSOAP(a *answer, body []byte) bool {
	if kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type")); err == nil && kind == "application/soap+xml" {
		return true
	}
	root, err := readDocument(body)
	return err == nil && is(root, wsman.NamespaceSOAP, "Envelope")
}

func (a *answer) httpError(body []byte, anonymous bool) *wsman.HTTPError {
	e := &wsman.HTTPError{
		StatusCode: a.status, ContentType: a.header.Get("Content-Type"), Location: a.header.Get("Location"),
		Body: bytes.Clone(body[:min(len(body), maxErrorBody)]),
	}
	if !anonymous {
		e.Tried = schemeBasic
	}
	for _, challenge := range a.header.Values("WWW-Authenticate") {
		scheme, _, _ := strings.Cut(challenge, " ")
		e.Challenges = append(e.Challenges, scheme)
	}
	return e
}
