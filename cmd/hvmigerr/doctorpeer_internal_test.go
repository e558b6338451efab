// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// inClear returns the URL of a host of https, with http.
func inClear(_ *testing.T, h *host) string { return "http" + strings.TrimPrefix(h.URL(), "https") }

// inTLS returns the URL of a host of http, with https.
func inTLS(_ *testing.T, h *host) string { return "https" + strings.TrimPrefix(h.URL(), "http") }

// webServer starts a web server and returns its URL.
func webServer(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s.URL
}

// timeless returns the URL of a server that wants a user and does not tell its time.
func timeless(t *testing.T, _ *host) string {
	t.Helper()
	return webServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("WWW-Authenticate", "Negotiate")
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// strictProxy starts a proxy that wants a user, and returns its URL.
func strictProxy(t *testing.T) string {
	t.Helper()
	return webServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Proxy-Authenticate", "Negotiate")
		w.WriteHeader(http.StatusProxyAuthRequired)
	})
}

// openProxy starts a proxy for everybody and returns its URL. What it forwards goes over one connection to the host.
func openProxy(t *testing.T) string {
	t.Helper()
	way := &http.Transport{MaxConnsPerHost: 1} // NTLM does not survive a second one
	t.Cleanup(way.CloseIdleConnections)
	forward := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, Transport: way}
	return webServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			forward.ServeHTTP(w, r)
			return
		}
		out, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = out.Close() }()
		in, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = in.Close() }()
		_, _ = io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(out, in)
			_ = out.Close()
		}()
		_, _ = io.Copy(in, out)
	})
}

// greeting makes a URL of a server that says its word to everybody, and then nothing.
func greeting(word string) func(*testing.T, *host) string {
	return func(t *testing.T, _ *host) string {
		t.Helper()
		return "http://" + peer(t, func(c net.Conn) {
			_, _ = io.WriteString(c, word)
			_, _ = io.Copy(io.Discard, c)
		})
	}
}

// alerting returns the URL of a server that answers in clear as servers of TLS do: by an alert (RFC 8446 §6).
func alerting(t *testing.T, _ *host) string {
	t.Helper()
	return "http://" + peer(t, func(c net.Conn) {
		const most = 4096
		_, _ = c.Read(make([]byte, most))
		_, _ = io.WriteString(c, "\x15\x03\x01\x00\x02\x02\x46")
	})
}

// peer starts a server that serves each connection, and returns its address.
func peer(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// ignorantKDC starts a KDC that knows no service, and returns its address.
func ignorantKDC(t *testing.T) string {
	t.Helper()
	const unknown = 7 // KDC_ERR_S_PRINCIPAL_UNKNOWN, RFC 4120 §7.5.9
	e := messages.NewKRBError(types.NewPrincipalName(2, "HTTP/nosuch"), "CORP.EXAMPLE", unknown, "")
	answer, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return peer(t, func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, 4)); err == nil {
			_, _ = c.Write(append([]byte{0, 0, 0, byte(len(answer))}, answer...))
			_, _ = io.Copy(io.Discard, c)
		}
	})
}

// writeFile writes a file for the user alone and returns its path.
func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
