package wsmantest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const identifyEnvelope = `<s:Envelope xmlns:s="` + wsman.NamespaceSOAP + `"><s:Header/><s:Body><i:Identify xmlns:i="` +
	wsman.NamespaceIdentity + `"/></s:Body></s:Envelope>`

// started returns a server that listens until the test ends.
func started(t *testing.T, cfg wsmantest.Config) *wsmantest.Server {
	t.Helper()
	s := newServer(t, cfg)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// A browser is a client of net/http that trusts a server's authority.
type browser struct {
	url    string
	client *http.Client
}

func newBrowser(t *testing.T, s *wsmantest.Server, certificates ...tls.Certificate) *browser {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CACertPEM())
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates, Time: func() time.Time { return start }}}
	t.Cleanup(tr.CloseIdleConnections)
	return &browser{s.URL(), &http.Client{Transport: tr}}
}

// post sends a body with headers in pairs and returns the answer with its body read. A body that breaks off is lost.
func (b *browser) post(t *testing.T, body string, headers ...string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/soap+xml;charset=UTF-8")
	req.SetBasicAuth("administrator", "administrator-pass")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, "", errors.Join(wsman.ErrConnectionLost, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp, string(text), errors.Join(wsman.ErrConnectionLost, err)
	}
	return resp, string(text), nil
}

// roundTrip sends an envelope as a transport does, as simply as one can.
func (b *browser) roundTrip(t *testing.T, body string) (*wsman.Reply, error) {
	t.Helper()
	resp, text, err := b.post(t, body)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/soap+xml") && !strings.Contains(text, ":Envelope") {
		e := &wsman.HTTPError{StatusCode: resp.StatusCode}
		for _, c := range resp.Header.Values("WWW-Authenticate") {
			scheme, _, _ := strings.Cut(c, " ")
			e.Challenges = append(e.Challenges, scheme)
		}
		return nil, e
	}
	return &wsman.Reply{Body: []byte(text), StatusCode: resp.StatusCode, Header: resp.Header}, nil
}

// TestHTTP sends requests of every kind over HTTPS and counts connections.
func TestHTTP(t *testing.T) { //nolint:tparallel // its rows share a connection and its records, in order
	t.Parallel()
	s := started(t, wsmantest.Config{})
	b := newBrowser(t, s)
	tests := []struct {
		name, body string
		headers    []string
		status     int
		contains   string
		user       string // in the record; "-" for no record
	}{
		{"identify", identifyEnvelope, nil, 200, "OS: 10.0", "administrator"},
		{"anonymous identify", identifyEnvelope, []string{"Authorization", "", "WSMANIDENTIFY", "unauthenticated"}, 200, "OS: 0.0.0", ""},
		{"anonymous get", getJob().String(), []string{"Authorization", "", "WSMANIDENTIFY", "unauthenticated"}, 401, "", ""},
		{"get", getJob().String(), nil, 200, "Msvm_MigrationJob", "administrator"},
		{"fault", strings.Replace(getJob().String(), jobFailed, "x", 1), nil, 500, "DestinationUnreachable", "administrator"},
		{"no authorization", identifyEnvelope, []string{"Authorization", ""}, 401, "", ""},
		{"wrong password", identifyEnvelope, []string{"Authorization", "Basic YWRtaW5pc3RyYXRvcjp4"}, 401, "", "administrator"},
		{"unknown user", identifyEnvelope, []string{"Authorization", "Basic eDp4"}, 401, "", "x"},
		{"garbled authorization", identifyEnvelope, []string{"Authorization", "Basic ?"}, 401, "", ""},
		{"other scheme", identifyEnvelope, []string{"Authorization", "Digest TlRMTVNTUAAB"}, 401, "", ""},
		{"certificate without one", identifyEnvelope, []string{"Authorization", mutual}, 401, "", ""},
		{"other content type", identifyEnvelope, []string{"Content-Type", "text/xml"}, 415, "", "-"},
		{"no content type", identifyEnvelope, []string{"Content-Type", ""}, 415, "", "-"},
		{"too large", strings.Repeat(" ", 500<<10+1), nil, 413, "", "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := len(s.Requests())
			resp, text, err := b.post(t, tt.body, tt.headers...)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || !strings.Contains(text, tt.contains) {
				t.Errorf("status %d, want %d\n%s", resp.StatusCode, tt.status, text)
			}
			want := []string(nil)
			if tt.status == 401 {
				want = []string{"Negotiate", "Kerberos", `Basic realm="WSMAN"`}
			}
			if diff := cmp.Diff(want, resp.Header.Values("WWW-Authenticate")); diff != "" {
				t.Errorf("WWW-Authenticate (-want +got):\n%s", diff)
			}
			if want := start.Format(http.TimeFormat); tt.status <= 401 && resp.Header.Get("Date") != want {
				t.Errorf("Date: %s, want that of the clock, %s", resp.Header.Get("Date"), want)
			}
			records := s.Requests()[before:]
			switch {
			case tt.user == "-" && len(records) == 0:
			case len(records) != 1 || records[0].User != tt.user || records[0].StatusCode != tt.status:
				t.Errorf("records %+v, want one of user %q with status %d", records, tt.user, tt.status)
			}
		})
	}
	// Only the answer 413 ends the connection.
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestPaths asks for other paths and with other methods.
func TestPaths(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true})
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"POST", "/", 404},
		{"POST", "/wsman/x", 404},
		{"GET", "/wsman", 405},
		{"PUT", "/wsman", 405},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, strings.TrimSuffix(s.URL(), "/wsman")+tt.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tt.status || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s %s: %d %s, want %d and a page", tt.method, tt.path, resp.StatusCode, resp.Header.Get("Content-Type"), tt.status)
		}
	}
}

// TestRulesOverHTTP looks at the effects of TestRuleEffects through net/http.
func TestRulesOverHTTP(t *testing.T) {
	t.Parallel()
	for name, tt := range ruleEffects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := started(t, wsmantest.Config{Rules: []wsmantest.Rule{tt.rule}})
			b := newBrowser(t, s)
			b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			reply, err := b.roundTrip(t, getJob().String())
			if got := outcome(reply, err); got != tt.want {
				t.Errorf("outcome %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// TestWire looks at what only the wire shows: length, chunks, the end of the connection.
func TestWire(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		rule        wsmantest.Rule
		dialect     wsmantest.Dialect
		length      int64 // -1: chunked; 0: any
		close       bool
		connections int // after two requests
	}{
		{"plain", wsmantest.Rule{}, wsmantest.Dialect{}, 0, false, 1},
		{"chunked", wsmantest.Rule{Chunked: true}, wsmantest.Dialect{}, -1, false, 1},
		{"size", wsmantest.Rule{Size: 3 << 20}, wsmantest.Dialect{}, 3 << 20, false, 1},
		{"garbage", wsmantest.Rule{Garbage: 1234}, wsmantest.Dialect{}, 1234, false, 1},
		{"close by rule", wsmantest.Rule{CloseAfter: true}, wsmantest.Dialect{}, 0, true, 2},
		{"close by dialect", wsmantest.Rule{}, wsmantest.Dialect{ConnectionClose: true}, 0, true, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := started(t, wsmantest.Config{Rules: []wsmantest.Rule{tt.rule}, Dialect: &tt.dialect})
			b := newBrowser(t, s)
			for range 2 {
				resp, text, err := b.post(t, getJob().String())
				if err != nil {
					t.Fatal(err)
				}
				if resp.Close != tt.close || (tt.length != 0 && resp.ContentLength != tt.length) || (tt.length > 0 && int64(len(text)) != tt.length) {
					t.Errorf("close %v, length %d, read %d; want %v, %d", resp.Close, resp.ContentLength, len(text), tt.close, tt.length)
				}
			}
			if n := s.Connections(); n != tt.connections {
				t.Errorf("%d connections, want %d", n, tt.connections)
			}
		})
	}
}

// TestCut counts the octets that arrive before the connection ends.
func TestCut(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{Rules: []wsmantest.Rule{{Cut: new(77)}}})
	resp, text, err := newBrowser(t, s).post(t, getJob().String())
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(text) != 77 || resp.ContentLength < 1000 {
		t.Errorf("%d octets, %v; want 77 and an unexpected end", len(text), err)
	}
}

// TestReset tells a TCP reset from a connection that ends without an answer.
func TestReset(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rule wsmantest.Rule
		want error
	}{{wsmantest.Rule{Reset: true}, syscall.ECONNRESET}, {wsmantest.Rule{Drop: true}, io.EOF}} {
		for _, plain := range []bool{true, false} {
			s := started(t, wsmantest.Config{Rules: []wsmantest.Rule{tt.rule}, HTTP: plain, AllowUnencrypted: plain})
			if _, _, err := newBrowser(t, s).post(t, getJob().String()); !errors.Is(err, tt.want) {
				t.Errorf("reset %v, plain %v: %v, want %v", tt.rule.Reset, plain, err, tt.want)
			}
		}
	}
}

// TestClientLeaves closes a server whose answer is held back for an hour.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{Rules: []wsmantest.Rule{{Delay: wsmantest.Duration(time.Hour)}}})
	failed := make(chan error)
	b := newBrowser(t, s)
	written := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(written) }})
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, strings.NewReader(getJob().String()))
		if err != nil {
			failed <- err
			return
		}
		req.Header.Set("Content-Type", "application/soap+xml")
		req.SetBasicAuth("administrator", "administrator-pass")
		_, err = b.client.Do(req)
		failed <- err
	}()
	<-written
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-failed; err == nil {
		t.Error("the client had an answer, want that the connection ended")
	}
}

// TestPin connects without any authority, by the fingerprint alone.
func TestPin(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{})
	conn, err := (&tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			sum := sha256.Sum256(cs.PeerCertificates[0].Raw)
			if got := "sha256:" + hex.EncodeToString(sum[:]); got != s.Pin() {
				t.Errorf("fingerprint %s, want %s", got, s.Pin())
			}
			for _, name := range []string{"localhost", "HV77", "127.0.0.1", "::1"} {
				if err := cs.PeerCertificates[0].VerifyHostname(name); err != nil {
					t.Error(err)
				}
			}
			return nil
		},
	}}).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_, err = (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}).DialContext(t.Context(), "tcp", s.Addr().String())
	if err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

const mutual = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

// issue makes a certificate for a common name, signed by parent, or by itself if that is nil.
func issue(t *testing.T, name string, parent *tls.Certificate) tls.Certificate {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: start.Add(-time.Hour), NotAfter: start.Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: parent == nil, BasicConstraintsValid: true,
	}
	signer, signerKey := template, any(k)
	if parent != nil {
		signer, signerKey = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, &k.PublicKey, signerKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k, Leaf: leaf}
}

// TestClientCertificates maps certificates to users by fingerprint and by authority.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	authority := issue(t, "authority", nil)
	pinned, vouched, stranger := issue(t, "pinned", nil), issue(t, "vouched", &authority), issue(t, "vouched", nil)
	cas := x509.NewCertPool()
	cas.AddCert(authority.Leaf)
	sum := sha256.Sum256(pinned.Leaf.Raw)
	s := started(t, wsmantest.Config{ClientCAs: cas, Users: []wsmantest.User{
		{Name: "by-pin", Certificate: "sha256:" + strings.ToUpper(hex.EncodeToString(sum[:]))},
		{Name: "by-subject", CertificateSubject: "vouched"},
	}})
	for _, tt := range []struct {
		name   string
		with   []tls.Certificate
		header string
		status int
		user   string
	}{
		{"pinned", []tls.Certificate{pinned}, mutual, 200, "by-pin"},
		{"vouched", []tls.Certificate{vouched}, mutual, 200, "by-subject"},
		{"same subject, other authority", []tls.Certificate{stranger}, mutual, 401, ""},
		{"no certificate", nil, mutual, 401, ""},
		{"no header", []tls.Certificate{pinned}, "", 401, ""},
		{"user without a password", []tls.Certificate{pinned}, "Basic YnktcGluOg==", 401, "by-pin"},
	} {
		resp, _, err := newBrowser(t, s, tt.with...).post(t, identifyEnvelope, "Authorization", tt.header)
		if err != nil {
			t.Fatal(err)
		}
		records := s.Requests()
		if last := records[len(records)-1]; resp.StatusCode != tt.status || last.User != tt.user {
			t.Errorf("%s: status %d, user %q; want %d, %q", tt.name, resp.StatusCode, last.User, tt.status, tt.user)
		}
	}
}

// TestTransportRefuses asks in-process as nobody, with too much, and after the end of a context.
func TestTransportRefuses(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{})
	small := &wsman.Request{Body: []byte(identifyEnvelope)}
	if got := outcome(s.Transport("x").RoundTrip(t.Context(), small)); got != "HTTP Unauthorized Negotiate Kerberos Basic" {
		t.Errorf("unknown user: %s", got)
	}
	large := &wsman.Request{Body: bytes.Repeat([]byte(" "), 500<<10+1)}
	if got := outcome(s.Transport("administrator").RoundTrip(t.Context(), large)); got != "HTTP Request Entity Too Large" {
		t.Errorf("large request: %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := outcome(s.Transport("administrator").RoundTrip(ctx, small)); got != context.Canceled.Error() {
		t.Errorf("ended context: %s", got)
	}
	c := newClient(t, s, wsman.Config{})
	if id, err := c.IdentifyAnonymous(t.Context()); err != nil || !strings.Contains(id.ProductVersion, "OS: 0.0.0") {
		t.Errorf("anonymous: %+v, %v", id, err)
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections, want none", n)
	}
}

// TestStart starts a server twice, on a bad address, and not at all.
func TestStart(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{HTTP: true})
	if err := s.Close(); err != nil || s.Addr() != nil || s.CACertPEM() != nil || s.Pin() != "" || s.URL() != "http://localhost/wsman" {
		t.Errorf("before Start: Close %v, address %v, URL %s", err, s.Addr(), s.URL())
	}
	s = started(t, wsmantest.Config{})
	if err := s.Start(); err == nil {
		t.Error("a second Start succeeded")
	}
	if err := newServer(t, wsmantest.Config{Addr: s.Addr().String()}).Start(); err == nil {
		t.Error("Start on an address in use succeeded")
	}
	for _, cfg := range []wsmantest.Config{
		{Model: &wsmantest.Model{Jobs: []wsmantest.Job{{}}}},
		{Users: []wsmantest.User{{}}},
		{Rules: []wsmantest.Rule{{Status: 1}}},
		{Dialect: &wsmantest.Dialect{FaultStatus: 1}},
		{Auth: []wsmantest.AuthMethod{"digest"}},
		{Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodBasic}, HTTP: true},
		{Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodCertificate}, HTTP: true, AllowUnencrypted: true},
		{Keytab: []byte("not a keytab")},
	} {
		if _, err := wsmantest.NewServer(cfg); err == nil {
			t.Errorf("NewServer(%+v) succeeded", cfg)
		}
	}
}

// TestRecordsAreBounded sends more than a server remembers.
func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{HTTP: true})
	request := &wsman.Request{Body: []byte(identifyEnvelope)}
	for range 5000 {
		if _, err := s.Transport("administrator").RoundTrip(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.Requests()); n > 4096 || n < 3000 {
		t.Errorf("%d records", n)
	}
	long := getJob()
	long.action = "urn:" + strings.Repeat("x", 100000)
	ask(t, s, "administrator", long)
	records := s.Requests()
	if n := len(records[len(records)-1].Action); n != 512 {
		t.Errorf("an action of %d octets was kept", n)
	}
}

// TestConcurrency uses one server from many goroutines; the race detector watches.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{Model: manyJobs(20), Rules: []wsmantest.Rule{{Operation: "Pull", After: 3, Count: 1, Fault: wsmantest.FaultTimedOut}}})
	var wg sync.WaitGroup
	for range 8 {
		c := newClient(t, s, wsman.Config{})
		wg.Go(func() {
			for range 5 {
				for _, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs(), MaxElements: 7}) {
					if err != nil && wsman.SubcodeOf(err) != wsman.SubcodeTimedOut {
						t.Error(err)
					}
				}
				s.Requests()
			}
		})
	}
	wg.Wait()
}
