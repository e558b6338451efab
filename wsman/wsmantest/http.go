package wsmantest

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"strings"
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
	var user *User
	if !strings.EqualFold(r.Header.Get(headerAnonymous), "unauthenticated") {
		var err error
		if user, err = s.authenticate(r); err != nil {
			name, _, _ := r.BasicAuth()
			s.send(w, r, s.refuse(name))
			return
		}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/soap+xml" {
		plain(w, http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEnvelope))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		plain(w, http.StatusRequestEntityTooLarge) // without SOAP: MS-WSMV 3.1.4.1.20
		return
	}
	if err != nil {
		return // the client left
	}
	a, err := s.answer(r.Context(), user, body)
	if err != nil {
		a = &answer{rule: &Rule{Drop: true}} // the client left; net/http would answer 200 with nothing
	}
	s.send(w, r, a)
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
	if a.rule.Cut != nil || a.rule.Drop || a.rule.Reset {
		sever(w, r, a)
		return
	}
	maps.Copy(w.Header(), a.header)
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

// reader yields the body with its padding, which is never held in memory.
func (a *answer) reader() io.Reader {
	return io.MultiReader(bytes.NewReader(a.body), io.LimitReader(blanks{}, a.padding))
}

// blanks is an endless source of spaces.
type blanks struct{}

func (blanks) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}
