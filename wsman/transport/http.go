package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman"
)

const (
	contentTypeSOAP = "application/soap+xml"
	contentTypeUTF8 = contentTypeSOAP + ";charset=UTF-8"
	maxHeaderBytes  = 64 << 10
	maxErrorBody    = 4 << 10 // what an HTTPError keeps; enough to find the root of a document
)

// A LimitError says that an answer was longer than allowed. The rest of it was not read.
type LimitError struct {
	// What is "body" or "header".
	What string
	// Limit is the longest that is allowed, in bytes.
	Limit int64
	// Size is the length that the answer announced, in bytes; zero when it announced none.
	Size int64
}

func (e *LimitError) Error() string {
	if e.Size > 0 {
		return fmt.Sprintf("the answer's %s of %d bytes is longer than %d bytes", e.What, e.Size, e.Limit)
	}
	return fmt.Sprintf("the answer's %s is longer than %d bytes", e.What, e.Limit)
}

// newRequest returns an HTTP request to the host.
func (t *Transport) newRequest(ctx context.Context, contentType string, body []byte) (*http.Request, error) {
	hr, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	hr.Header.Set("Content-Type", contentType)
	hr.Header.Set("User-Agent", "hvmigerr")
	hr.Header.Set("Accept-Encoding", "identity")
	return hr, nil
}

// tried names the scheme or mechanism that req is authenticated with, or "".
func (t *Transport) tried(req *wsman.Request) string {
	if req.Anonymous {
		return ""
	}
	return t.Mechanism()
}

// read turns resp into a Reply or an error. It reads the first 4 KiB to see which, and the rest only of a Reply.
func (s *session) read(ctx context.Context, resp *http.Response, tried string) (*wsman.Reply, error) {
	due := claimsSOAP // what a Reply is announced as
	if s.sealing() {
		due = claimsSealed
	}
	if limit := s.t.cfg.MaxReplySize; resp.ContentLength > limit && due(resp) {
		return nil, &LimitError{What: "body", Limit: limit, Size: resp.ContentLength}
	}
	var body bytes.Buffer
	if resp.StatusCode != http.StatusSwitchingProtocols { // its body never ends
		if _, err := body.ReadFrom(io.LimitReader(resp.Body, maxErrorBody)); err != nil {
			return nil, s.failure(ctx, err)
		}
	}
	whole := body.Len() < maxErrorBody
	s.reusable = whole && !resp.Close
	switch {
	case refuses(resp):
		s.reusable = s.reusable && s.security == nil
		return nil, s.denied(resp, body.Bytes(), tried)
	case s.sealing() && !due(resp):
		return nil, s.unsealed(resp, body.Bytes(), tried)
	case !s.sealing() && !isReply(resp, body.Bytes()):
		return nil, s.t.refusal(resp, body.Bytes(), tried)
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, &wsman.ProtocolError{Msg: fmt.Sprintf("the answer is encoded as %q, which was not asked for", encoding)}
	}
	reply := &wsman.Reply{StatusCode: resp.StatusCode, Header: resp.Header, TLS: s.tls()}
	if !whole {
		var err error
		if reply.Release, err = s.readRest(ctx, resp, &body); err != nil {
			return nil, err
		}
	}
	reply.Body = body.Bytes()
	out, err := s.opened(resp, reply, tried)
	if err != nil && reply.Release != nil {
		reply.Release()
	}
	return out, err
}

// opened returns reply as it is for the SOAP layer.
func (s *session) opened(resp *http.Response, reply *wsman.Reply, tried string) (*wsman.Reply, error) {
	if limit := s.t.cfg.MaxReplySize; int64(len(reply.Body)) > limit {
		return nil, &LimitError{What: "body", Limit: limit}
	}
	s.reusable = !resp.Close
	if s.sealing() {
		return s.unseal(reply, tried)
	}
	return reply, nil
}

// readRest reads the body of resp to its end, or to the first byte beyond the limit. Its beginning is in body already. It returns the
// function that gives back what was taken of the budget.
func (s *session) readRest(ctx context.Context, resp *http.Response, body *bytes.Buffer) (give func(), err error) {
	limit := s.t.cfg.MaxReplySize
	if resp.ContentLength > limit {
		return nil, &LimitError{What: "body", Limit: limit, Size: resp.ContentLength}
	}
	size := resp.ContentLength
	if size < 0 {
		size = limit
	}
	if give, err = s.t.cfg.Budget.take(ctx, size); err != nil {
		return nil, s.failure(ctx, err)
	}
	if resp.ContentLength > 0 {
		body.Grow(int(size) - body.Len() + bytes.MinRead) // ReadFrom wants MinRead to spare, and would double
	}
	if _, err := body.ReadFrom(io.LimitReader(resp.Body, limit-int64(body.Len())+1)); err != nil {
		give()
		return nil, s.failure(ctx, err)
	}
	return give, nil
}

// tls returns the state of the connection to the host, nil without TLS.
func (s *session) tls() *tls.ConnectionState {
	c, ok := s.conn.Conn.(*tls.Conn)
	if !ok || s.t.url.Scheme != "https" { // an https proxy hears http requests over TLS too
		return nil
	}
	state := c.ConnectionState()
	return &state
}

// refuses tells that an answer is not the service's, whatever it holds.
func refuses(resp *http.Response) bool {
	return resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusProxyAuthRequired
}

// isReply tells whether an answer that begins with head is for the SOAP layer: by its content type, or by its root element, since
// some services forget the type on faults (facts/faults.md §2). An empty one is only where the status claims success.
func isReply(resp *http.Response, head []byte) bool {
	if claimsSOAP(resp) {
		return len(head) > 0 || resp.StatusCode == http.StatusOK
	}
	return hasEnvelope(head)
}

func claimsSOAP(resp *http.Response) bool { return isSOAP(resp.Header.Get("Content-Type")) }

func isSOAP(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), contentTypeSOAP)
}

// denied returns what a 401 or 407 to an envelope means.
func (s *session) denied(resp *http.Response, head []byte, tried string) error {
	err := s.t.refusal(resp, head, tried)
	if s.t.auth != nil && tried != "" && resp.StatusCode == http.StatusUnauthorized {
		s.t.refuse(err) // the host has seen these credentials
	}
	if s.security != nil && resp.StatusCode == http.StatusUnauthorized {
		return s.authError(err)
	}
	return err
}

// refusal returns what an answer without SOAP means. head is the beginning of its body.
func (t *Transport) refusal(resp *http.Response, head []byte, tried string) error {
	err := newHTTPError(resp, head, tried)
	if !t.forwarded() {
		return err
	}
	switch resp.StatusCode {
	case http.StatusProxyAuthRequired:
		err.Tried = triedByProxy(t.proxy)
	case http.StatusBadGateway, http.StatusGatewayTimeout: // what a gateway alone says (RFC 9110 §15.6)
	default:
		return err
	}
	return &ConnectError{Stage: StageProxy, Addr: hostPort(t.proxy), Err: err}
}

func newHTTPError(resp *http.Response, head []byte, tried string) *wsman.HTTPError {
	err := &wsman.HTTPError{
		StatusCode:  resp.StatusCode,
		Tried:       tried,
		ContentType: resp.Header.Get("Content-Type"),
		Body:        head,
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		err.Challenges = challengeSchemes(resp.Header["Www-Authenticate"])
	case resp.StatusCode == http.StatusProxyAuthRequired:
		err.Challenges = challengeSchemes(resp.Header["Proxy-Authenticate"])
	case resp.StatusCode/100 == 3:
		err.Location = resp.Header.Get("Location")
	}
	return err
}
