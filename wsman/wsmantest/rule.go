package wsmantest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// A Rule makes the host misbehave: one row says which requests it is for and what becomes of them. The first rule that
// matches a request and is not used up acts; effects within one rule combine.
type Rule struct {
	// Operation is Identify, Get, Enumerate, Pull, Release, a method, or Create, Command, Receive, Send, Signal or Delete of
	// shells; or Authenticate for the tokens of a handshake, which
	// have no envelope: Work, Fault and RelatesTo are not for them. If empty, every operation but Authenticate.
	Operation string `json:"operation,omitempty"`
	// User limits the rule to one user; in a handshake, to the token that completes it.
	User string `json:"user,omitempty"`
	// After skips that many matching requests; Count acts on that many, and always if zero.
	After int `json:"after,omitempty"`
	Count int `json:"count,omitempty"`

	// Delay holds the answer back, whatever OperationTimeout says: a slow network.
	Delay Duration `json:"delay,omitempty"`
	// Work is how long the operation takes on the host: past OperationTimeout the answer is the fault TimedOut.
	Work Duration `json:"work,omitempty"`
	// Fault answers with a fault, in Layout if that is not zero.
	Fault  FaultName   `json:"fault,omitempty"`
	Layout FaultLayout `json:"layout,omitempty"`
	// Status is the HTTP status. From 300 on, without Body, Fault or Garbage, a page without SOAP comes with it, and with
	// 401 the challenges; such a page, 401 and redirects are never sealed. Any status ends a handshake, and 401 a session.
	Status int `json:"status,omitempty"`
	// Body replaces the answer. ContentType and Header go with whatever is sent; a Header value "" removes a header.
	Body        *string           `json:"body,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	Header      map[string]string `json:"header,omitempty"`
	// Garbage replaces the answer by that many octets, the same each time.
	Garbage int `json:"garbage,omitempty"`
	// Size pads the answer with white space to that many octets. One that is sealed is held in memory.
	Size int64 `json:"size,omitempty"`
	// Flood sends that many octets of white space behind the answer and its seal. They are made as they are sent and held
	// nowhere, but by [Server.Transport].
	Flood int64 `json:"flood,omitempty"`
	// RelatesTo replaces the MessageID that the answer relates to.
	RelatesTo string `json:"relatesTo,omitempty"`
	// Seal breaks the seal of the answer.
	Seal Sealing `json:"seal,omitempty"`

	// Chunked sends the answer without Content-Length.
	Chunked bool `json:"chunked,omitempty"`
	// CloseAfter closes the connection when the answer is sent.
	CloseAfter bool `json:"closeAfter,omitempty"`
	// Cut closes the connection after that many octets of the body.
	Cut *int `json:"cut,omitempty"`
	// Drop closes the connection without an answer, Reset with a TCP reset.
	Drop  bool `json:"drop,omitempty"`
	Reset bool `json:"reset,omitempty"`
}

// maxSize bounds Size, Garbage and Flood.
const maxSize = 1 << 30

// DecodeRules reads a JSON list of rules.
func DecodeRules(r io.Reader) ([]Rule, error) {
	d := json.NewDecoder(io.LimitReader(r, maxModel))
	d.DisallowUnknownFields()
	var rules []Rule
	if err := d.Decode(&rules); err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("rules: text after the list")
	}
	return rules, validateRules(rules)
}

func validateRules(rules []Rule) error {
	for i := range rules {
		if err := rules[i].validate(); err != nil {
			return fmt.Errorf("rules[%d]: %w", i, err)
		}
	}
	return nil
}

func (r *Rule) validate() error {
	_, known := r.Fault.spec()
	switch {
	case r.Fault != "" && !known:
		return fmt.Errorf("fault %q is unknown", r.Fault)
	case r.Layout < 0 || r.Layout > LayoutBare:
		return fmt.Errorf("layout %d is not from 1 to 5", r.Layout)
	case r.Status != 0 && (r.Status < 200 || r.Status > 599):
		return fmt.Errorf("status %d is not from 200 to 599", r.Status)
	case r.After < 0 || r.Count < 0 || r.Delay < 0 || r.Work < 0 || r.Garbage < 0 || r.Size < 0 || r.Flood < 0:
		return errors.New("after, count, delay, work, garbage, size and flood cannot be negative")
	case r.Garbage > maxSize || r.Size > maxSize || r.Flood > maxSize:
		return fmt.Errorf("garbage, size and flood cannot be above %d", maxSize)
	case r.Cut != nil && *r.Cut < 0:
		return errors.New("cut cannot be negative")
	case strings.EqualFold(r.Operation, operationAuthenticate) && (r.Work != 0 || r.Fault != "" || r.RelatesTo != ""):
		return errors.New("work, fault and relatesTo are not for Authenticate")
	}
	switch r.Seal {
	case "", SealClear, SealAltered, SealReplayed:
		return nil
	}
	return fmt.Errorf("seal %q is unknown", r.Seal)
}

// matches reports whether the rule is for a request, not counting how often it was used.
func (r *Rule) matches(operation, user string) bool {
	same := strings.EqualFold(r.Operation, operation) || (r.Operation == "" && operation != operationAuthenticate)
	return same && (r.User == "" || strings.EqualFold(r.User, user))
}

// rule returns the rule that acts on a request; the zero rule does nothing.
func (s *Server) rule(operation, user string) *Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rules {
		r := &s.rules[i]
		if !r.matches(operation, user) {
			continue
		}
		s.ruleUses[i]++
		if n := s.ruleUses[i]; n > r.After && (r.Count == 0 || n <= r.After+r.Count) {
			return r
		}
	}
	return &Rule{}
}

// hold waits for what the rule delays. It returns a fault when the work takes longer than the request allows.
func (r *Rule) hold(ctx context.Context, timeout time.Duration) error {
	work := time.Duration(r.Work)
	late := work > timeout
	if late {
		work = timeout
	}
	if err := sleep(ctx, time.Duration(r.Delay)+work); err != nil {
		return err
	}
	if late {
		return newFault(FaultTimedOut, "")
	}
	return nil
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// severs reports whether the rule ends the connection in the midst of an answer, or before.
func (r *Rule) severs() bool { return r.Cut != nil || r.Drop || r.Reset }

// apply changes an answer as the rule says; what happens to the seal and the connection is left to whoever sends it.
func (r *Rule) apply(a *answer, challenges []string) {
	if r.Status != 0 {
		a.status = r.Status
	}
	switch {
	case r.Body != nil:
		a.body = []byte(*r.Body)
	case r.Garbage > 0:
		a.body = garbage(r.Garbage)
	case r.Status >= http.StatusMultipleChoices && r.Fault == "":
		a.body, a.fault, a.clear = statusPage(r.Status), "", true
		a.header.Set("Content-Type", contentTypePage)
		if r.Status == http.StatusUnauthorized {
			a.header[headerChallenge] = challenges
		}
	}
	// A redirect is not WinRM's, and 401 ends the session.
	a.clear = a.clear || r.Status/100 == 3 || r.Status == http.StatusUnauthorized
	if r.ContentType != "" {
		a.header.Set("Content-Type", r.ContentType)
	}
	for name, value := range r.Header {
		a.header.Del(name)
		if value != "" {
			a.header.Set(name, value)
		}
	}
	a.padding, a.flood = max(0, r.Size-int64(len(a.body))), r.Flood
	a.closeAfter = a.closeAfter || r.CloseAfter
	a.rule = r
}

// garbage returns n octets that look random and are the same each time.
func garbage(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // documented never to fail
	return b
}
