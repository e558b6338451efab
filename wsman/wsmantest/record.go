package wsmantest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A RequestRecord tells of one request that the server answered. A request that brings the last token of a handshake
// and an envelope has two.
type RequestRecord struct {
	Time time.Time
	// User is the name that the request came with, also when it was refused; empty for the anonymous Identify, and for a token
	// that names nobody.
	User string
	// Scheme is that of the authentication: Basic, Negotiate, Kerberos, or empty for none and for a certificate.
	Scheme string
	// Sealed tells that the envelope came sealed.
	Sealed bool
	// Operation is Identify, Get, Enumerate, Pull, Release, a method, or Create, Command, Receive, Send, Signal or Delete of
	// shells; Authenticate for a token; empty when the request was not read.
	Operation   string
	Action      string
	ResourceURI string
	MessageID   string
	// StatusCode is that of the answer, also when a rule kept it from arriving.
	StatusCode int
	// Fault is the subcode of the answer with Windows' prefix, such as w:AccessDenied.
	Fault string
}

// defaultRecords bounds what Requests can return, for a server that runs for long.
const defaultRecords = 4096

// maxRecordText bounds each text of a record, in octets: a client chose them.
const maxRecordText = 512

// Requests returns what was asked so far, oldest first; at most the last of [Config.Records].
func (s *Server) Requests() []RequestRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.records)
}

func (s *Server) record(r *RequestRecord) {
	most := cmp.Or(s.cfg.Records, defaultRecords)
	if most < 0 {
		return
	}
	for _, text := range []*string{&r.User, &r.Operation, &r.Action, &r.ResourceURI, &r.MessageID} {
		*text = strings.Clone((*text)[:min(len(*text), maxRecordText)]) // lets go of the request
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) >= most {
		s.records = slices.Delete(s.records, 0, max(1, most/4))
	}
	s.records = append(s.records, *r)
}
