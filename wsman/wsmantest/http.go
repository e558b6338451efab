package wsmantest

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// endpointPath is where WinRM listens.
const endpointPath = "/wsman"

// headerAnonymous asks for an Identify without authentication (facts/wire-format.md §8).
const headerAnonymous = "WSMANIDENTIFY"

// serveHTTP answers as http.sys and WinRM do: the path first, then who asks, then what.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != endpointPath:
		plain(w, http.StatusNotFound)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		plain(w, http.StatusMethodNotAllowed)
		return
	}
	conn := connectionOf(r.Context())
	if scheme, text := authorization(r); s.shakes(scheme) {
		a, err := s.leg(r.Context(), conn, scheme, text)
		if err != nil || conn.session == nil || a.rule.severs() || r.ContentLength == 0 {
			s.send(w, r, orDrop(a, err))
			return
		}
		w.Header()[headerChallenge] = a.header[headerChallenge] // an envelope came with the last token
	}
	who, err := s.caller(r, conn)
	if err != nil {
		conn.reset()
		s.send(w, r, s.refuse(who))
		return
	}
	body, ok := s.open(w, r, &who)
	if !ok {
		return
	}
	a, err := s.answer(r.Context(), who, body)
	switch {
	case err != nil:
	case a.status == http.StatusUnauthorized:
		conn.reset()
	case who.sealed:
		err = who.session.seal(a, &s.dialect.Framing)
	}
	s.send(w, r, orDrop(a, err))
}

// orDrop returns a; with an error, which means that the client left, it returns the end of the connection. net/http would
// answer 200 with nothing.
func orDrop(a *answer, err error) *answer {
	if err != nil {
		return &answer{rule: &Rule{Drop: true}}
	}
	return a
}

// open returns the envelope that a request carries, and notes in who whether it came sealed. When there is none it
// answers itself.
func (s *Server) open(w http.ResponseWriter, r *http.Request, who *caller) (body []byte, ok bool) {
	contentType, limit := r.Header.Get("Content-Type"), int64(maxEnvelope)
	who.sealed = who.session != nil && sealed.IsSealed(contentType)
	switch {
	case who.sealed:
		limit += maxFraming
	case !isSOAPType(contentType):
		plain(w, http.StatusUnsupportedMediaType)
		return nil, false
	case s.cfg.HTTP && !s.cfg.AllowUnencrypted && who.user != nil:
		s.send(w, r, s.refuseClear(who))
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_, large := errors.AsType[*http.MaxBytesError](err)
	if err != nil && !large {
		s.send(w, r, orDrop(nil, err))
		return nil, false
	}
	if who.sealed && !large {
		body, contentType, err = sealed.Decode(who.session.context, contentType, body)
		if err != nil {
			connectionOf(r.Context()).reset()
			s.send(w, r, s.refuseSealed(who))
			return nil, false
		}
	}
	switch {
	case large, len(body) > maxEnvelope:
		plain(w, http.StatusRequestEntityTooLarge) // without SOAP: MS-WSMV 3.1.4.1.20
		return nil, false
	case !isSOAPType(contentType):
		plain(w, http.StatusUnsupportedMediaType)
		return nil, false
	}
	return body, true
}

// refuseClear answers an envelope in clear over plain HTTP: a status 500 without SOAP, as clients that could not seal
// report it of Windows (diyan/pywinrm issues 129 and 185).
func (s *Server) refuseClear(who *caller) *answer {
	a := s.bare(http.StatusInternalServerError)
	s.record(&RequestRecord{Time: s.now(), User: who.user.Name, Scheme: who.scheme, StatusCode: a.status})
	return a
}

// refuseSealed answers a sealed body that does not verify. What Windows sends then is not on record.
func (s *Server) refuseSealed(who *caller) *answer {
	a := s.bare(http.StatusBadRequest)
	s.record(&RequestRecord{Time: s.now(), User: who.user.Name, Scheme: who.scheme, Sealed: true, StatusCode: a.status})
	return a
}

// isSOAPType reports whether a content type is SOAP's, with whatever parameters.
func isSOAPType(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/soap+xml"
}

// plain answers with a page, as http.sys does where WinRM is not asked.
func plain(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", contentTypePage)
	w.WriteHeader(status)
	_, _ = w.Write(statusPage(status))
}

const contentTypePage = "text/html; charset=us-ascii"

func statusPage(status int) []byte {
	return []byte("<html><body><h2>" + http.StatusText(status) + "</h2></body></html>\n")
}

// send writes an answer, and does to the connection what its rule says. Errors mean that the client left.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a *answer) {
	if sleep(r.Context(), s.cfg.Delay) != nil {
		a = orDrop(nil, r.Context().Err())
	}
	if a.rule.severs() {
		sever(w, r, a)
		return
	}
	maps.Copy(w.Header(), a.header)
	if a.status == http.StatusUnauthorized && s.dialect.OmitChallenges && r.Header.Get("Authorization") == "" {
		w.Header().Del(headerChallenge)
	}
	if _, ok := a.header["Date"]; !ok {
		w.Header()["Date"] = nil // net/http adds none then
	}
	if a.closeAfter {
		w.Header().Set("Connection", "close")
	}
	if !a.rule.Chunked {
		w.Header().Set("Content-Length", a.length())
	}
	w.WriteHeader(a.status)
	if a.rule.Chunked {
		_ = http.NewResponseController(w).Flush() // net/http would count a short body itself
	}
	_, _ = io.Copy(w, a.reader())
}

// sever takes the connection from net/http and ends it in the midst of an answer, or before.
func sever(w http.ResponseWriter, r *http.Request, a *answer) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if a.rule.Reset {
		reset(conn)
	}
	if a.rule.Cut != nil {
		response := &http.Response{
			StatusCode: a.status, ProtoMajor: 1, ProtoMinor: 1, Header: a.header, Request: r,
			ContentLength: a.size(), Body: io.NopCloser(io.LimitReader(a.reader(), int64(*a.rule.Cut))),
		}
		_ = response.Write(conn) // it complains of the short body, having sent it
	}
	_ = conn.Close()
}

// reset makes Close send a TCP reset.
func reset(conn net.Conn) {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
		_ = t.Close() // before TLS can say goodbye
	}
}

// content yields the body with its padding, which is never held in memory.
func (a *answer) content() io.Reader {
	return io.MultiReader(bytes.NewReader(a.body), io.LimitReader(blanks{}, a.padding))
}

// reader yields content, and the flood behind it.
func (a *answer) reader() io.Reader {
	return io.MultiReader(a.content(), io.LimitReader(blanks{}, a.flood))
}

// blanks is an endless source of spaces.
type blanks struct{}

func (blanks) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}
