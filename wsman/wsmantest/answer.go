package wsmantest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/beevik/etree"
)

const contentTypeSOAP = "application/soap+xml;charset=UTF-8"

// An answer is what goes back for one request.
type answer struct {
	status     int
	header     http.Header
	body       []byte
	padding    int64  // octets of white space behind body
	flood      int64  // and as many more, which no seal covers
	fault      string // subcode, for the record
	clear      bool   // not of WinRM, and so not sealed
	closeAfter bool
	rule       *Rule // what happens to the connection
}

// answer handles the envelope of an authenticated caller, or an anonymous Identify. The error is that of ctx: the client
// left.
func (s *Server) answer(ctx context.Context, who caller, body []byte) (*answer, error) {
	req, err := parseRequest(body)
	record := RequestRecord{
		Action: req.action, ResourceURI: req.resourceURI, MessageID: req.messageID, Scheme: who.scheme, Sealed: who.sealed,
	}
	if who.user != nil {
		record.User = who.user.Name
	} else if !req.identify {
		return s.refuse(caller{}), nil
	}
	record.Operation = req.operation()
	rule := s.rule(record.Operation, record.User)
	held := rule.hold(ctx, req.timeout)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if rule.RelatesTo != "" {
		req.messageID = rule.RelatesTo
	}
	c := &call{request: req, user: who.user, now: s.now(), w: &writer{dialect: &s.dialect, locale: s.host.locale()}}
	a, err := s.encode(c, func() (*etree.Document, error) {
		switch {
		case err != nil:
			return nil, err
		case held != nil:
			return nil, held
		case rule.Fault != "":
			f := newFault(rule.Fault, "")
			f.layout = cmp.Or(rule.Layout, f.layout)
			return nil, f
		}
		return s.perform(ctx, c)
	})
	if err != nil {
		return nil, err
	}
	rule.apply(a, s.challenges())
	record.Time, record.StatusCode, record.Fault = c.now, a.status, a.fault
	s.record(&record)
	return a, nil
}

// encode makes an answer of the document that perform returns, or of its fault.
func (s *Server) encode(c *call, perform func() (*etree.Document, error)) (*answer, error) {
	doc, err := perform()
	if err == nil {
		a, err := s.envelope(c, doc)
		if err != nil || len(a.body) <= c.maxEnvelope {
			return a, err
		}
	}
	f, ok := errors.AsType[*fault](err)
	if !ok && err != nil {
		return nil, err
	}
	if err == nil {
		f = newFault(FaultEnvelopeTooLarge, "")
	}
	a, err := s.envelope(c, c.w.fault(f, c.messageID, s.host.name()))
	if err != nil {
		return nil, err
	}
	a.status, a.fault = f.status(), f.subcode
	if s.dialect.FaultStatus != 0 {
		a.status = s.dialect.FaultStatus
	}
	return a, nil
}

// envelope writes a document as an answer.
func (s *Server) envelope(c *call, doc *etree.Document) (*answer, error) {
	body, err := doc.WriteToBytes()
	if err != nil {
		return nil, err
	}
	a := &answer{status: http.StatusOK, header: http.Header{}, body: body, closeAfter: s.dialect.ConnectionClose}
	contentType := s.dialect.ContentType
	if contentType == "" {
		contentType = contentTypeSOAP
	}
	a.header.Set("Content-Type", contentType)
	if !s.dialect.OmitDate {
		a.header.Set("Date", c.now.UTC().Format(http.TimeFormat))
	}
	return a, nil
}

// refuse is the answer 401, with what the host accepts.
func (s *Server) refuse(who caller) *answer {
	a := s.bare(http.StatusUnauthorized)
	a.header[headerChallenge] = s.challenges()
	a.closeAfter = s.dialect.ConnectionClose
	s.record(&RequestRecord{Time: s.now(), User: who.name, Scheme: who.scheme, StatusCode: a.status})
	return a
}

// bare is an answer without a body, which is never sealed.
func (s *Server) bare(status int) *answer {
	a := &answer{status: status, header: http.Header{}, rule: &Rule{}, clear: true}
	a.header.Set("Date", s.now().UTC().Format(http.TimeFormat))
	return a
}

// size returns the octets of the body with all that follows it.
func (a *answer) size() int64 { return int64(len(a.body)) + a.padding + a.flood }

// all returns the body with all that follows it.
func (a *answer) all() ([]byte, error) { return io.ReadAll(a.reader()) }

func (a *answer) length() string { return strconv.FormatInt(a.size(), 10) }
