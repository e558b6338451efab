// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// doctorOddCases are hosts that do one thing in their own way, and peers that are none.
func doctorOddCases() []doctorCase {
	return slices.Concat(doctorTolerantCases(), doctorStrangeCases())
}

// doctorTolerantCases are hosts that get gets its answer from, so that nothing is in the way.
func doctorTolerantCases() []doctorCase {
	broken := func(operation string, r wsmantest.Rule) *wsmantest.Config {
		return &wsmantest.Config{HTTP: true, Rules: rule(operation, r)}
	}
	briefly := byAdministrator + " --connect-timeout 300ms"
	long := wsmantest.Duration(time.Hour)
	const beside = "authenticated; Identify itself: "
	return []doctorCase{
		{name: "slow at first", host: broken("", wsmantest.Rule{Delay: wsmantest.Duration(600 * time.Millisecond), Count: 1}), args: briefly, rung: "http", verdict: rungOK, words: []string{"HTTP 401"}},
		{name: "Identify hangs", host: broken("Identify", wsmantest.Rule{Delay: long, Count: 1}), args: briefly, rung: "identify", verdict: rungWarning, words: []string{"no answer within 300ms", "nothing else needs"}},
		{name: "Identify is lost", host: broken("Identify", wsmantest.Rule{Drop: true, Count: 2}), rung: "identify", verdict: rungWarning, words: []string{"connection lost"}},
		{name: "Identify is busy", host: broken("Identify", wsmantest.Rule{Status: 503, Count: 1}), rung: "identify", verdict: rungWarning, words: []string{"503"}},
		{name: "Identify denied to the user", host: broken("Identify", wsmantest.Rule{After: 1, Fault: wsmantest.FaultAccessDenied}), rung: "authentication", verdict: rungWarning, words: []string{beside, "AccessDenied"}},
		{name: "Identify fails for the user", host: broken("Identify", wsmantest.Rule{After: 1, Fault: wsmantest.FaultInternalError}), rung: "authentication", verdict: rungWarning, words: []string{beside, "InternalError"}},
		{name: "Identify is a page for the user", host: broken("Identify", wsmantest.Rule{After: 1, Status: 500}), rung: "authentication", verdict: rungWarning, words: []string{beside, "HTTP 500"}},
		{name: "Identify is missing for the user", host: broken("Identify", wsmantest.Rule{After: 1, Status: 404}), rung: "authentication", verdict: rungWarning, words: []string{beside, "HTTP 404"}},
		{name: "Identify is junk for the user", host: broken("Identify", wsmantest.Rule{After: 1, Garbage: 64}), rung: "authentication", verdict: rungWarning, words: []string{beside}},
		{name: "no end of the handshake", host: broken("Authenticate", wsmantest.Rule{Status: 500}), want: exitUndecodable, rung: "authentication", verdict: rungFailed, words: []string{"HTTP 500"}, skipped: []string{"namespace"}},
		{name: "user refused at Identify", host: broken("Identify", wsmantest.Rule{After: 1, Status: 401}), want: exitAuthentication, rung: "authentication", verdict: rungFailed, skipped: []string{"namespace"}},
		{name: "lost at Identify", host: broken("Identify", wsmantest.Rule{After: 1, Drop: true}), want: exitUnreachable, rung: "authentication", verdict: rungFailed, words: []string{"connection lost"}, skipped: []string{"namespace", "limits"}},
		{name: "a page at the namespace", host: broken("Enumerate", wsmantest.Rule{Status: 500, Count: 1}), rung: "namespace", verdict: rungWarning, words: []string{"HTTP 500"}},
		{name: "class after a page at the namespace", host: broken("Enumerate", wsmantest.Rule{Status: 500, Count: 1}), rung: "class", verdict: rungOK, words: []string{"is known"}},
		{name: "class under a quota", host: broken("Enumerate", wsmantest.Rule{Fault: wsmantest.FaultQuotaLimit}), args: byAdministrator + " --timeout 2s", want: exitQuota, rung: "class", verdict: rungSkipped, words: []string{"not known: see read"}, lacks: []string{"is known"}},
		{name: "class and a page", host: broken("Enumerate", wsmantest.Rule{After: 1, Status: 500}), want: exitUndecodable, rung: "class", verdict: rungSkipped, words: []string{"not known: see read"}},
		{name: "read and a page", host: broken("Enumerate", wsmantest.Rule{After: 1, Status: 500}), want: exitUndecodable, rung: "read", verdict: rungFailed, words: []string{"HTTP 500"}},
		{name: "visible and pages alone", host: broken("Enumerate", wsmantest.Rule{Status: 500}), want: exitUndecodable, rung: "visible", verdict: rungSkipped, words: []string{"not known: see read"}},
	}
}

// answering returns the URL of a server that gives the same answer to everything.
func answering(status int, header ...string) func(*testing.T, *host) string {
	return func(t *testing.T, _ *host) string {
		t.Helper()
		return webServer(t, func(w http.ResponseWriter, _ *http.Request) {
			for _, line := range header {
				name, value, _ := strings.Cut(line, ": ")
				w.Header().Add(name, value)
			}
			w.WriteHeader(status)
		})
	}
}

// saying returns the URL of a server that answers each request by the same bytes.
func saying(answer string) func(*testing.T, *host) string {
	return func(t *testing.T, _ *host) string {
		t.Helper()
		return "http://" + peer(t, func(c net.Conn) {
			const most = 4096
			_, _ = c.Read(make([]byte, most))
			_, _ = io.WriteString(c, answer)
		})
	}
}

// hangingTLS returns the URL, with http, of a server of https that is trusted and answers nobody.
func hangingTLS(t *testing.T, _ *host) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	t.Setenv(variable("ca-file"), writeFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))))
	return "http" + strings.TrimPrefix(s.URL, "https")
}

func doctorStrangeCases() []doctorCase {
	const html, negotiate, windows = "Content-Type: text/html", "WWW-Authenticate: Negotiate", "Server: Microsoft-HTTPAPI/2.0"
	secured := func(t *testing.T, h *host) string {
		t.Helper()
		return "https" + strings.TrimPrefix(greeting("SSH-2.0-OpenSSH_9.6\r\n")(t, h), "http")
	}
	page := func(name string, status int, header ...string) doctorCase {
		return doctorCase{name: name, url: answering(status, header...), want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{"a page of a web server"}, skipped: []string{"schemes", "identify", "kerberos", "authentication"}}
	}
	maybe := func(name string, status int, header ...string) doctorCase {
		return doctorCase{name: name, url: answering(status, header...), want: exitUndecodable, rung: "http", verdict: rungWarning, words: []string{"not Windows"}}
	}
	wanting := func(name, rung string, verdict verdict, words, lacks []string, header ...string) doctorCase {
		return doctorCase{name: name, url: answering(http.StatusUnauthorized, header...), want: exitAuthentication, rung: rung, verdict: verdict, words: words, lacks: lacks}
	}
	return []doctorCase{
		{name: "a port for https that hangs", url: hangingTLS, args: byAdministrator + " --timeout 1h --connect-timeout 300ms", want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{"the port speaks TLS"}},
		page("500 of a web server", 500, html),
		page("411 of a web server", 411, html),
		page("415 of nginx", 415, "Server: nginx"),
		page("400 of IIS", 400, "Server: Microsoft-IIS/10.0"),
		maybe("400 of http.sys", 400, html, windows),
		maybe("411 of nobody in particular", 411, "Content-Type: text/plain"),
		{name: "500 by SOAP", url: answering(500, "Content-Type: application/soap+xml"), want: exitUndecodable, rung: "http", verdict: rungOK, words: []string{"HTTP 500"}},
		wanting("401 of nginx", "http", rungWarning, []string{"Something else answers in front"}, nil, negotiate, "Server: nginx/1.24"),
		wanting("401 of Windows", "http", rungOK, []string{"Microsoft-HTTPAPI/2.0"}, []string{"in front"}, negotiate, windows),
		wanting("1601", "clock", rungWarning, []string{"the host's is centuries behind ours"}, nil, negotiate, "Date: Mon, 01 Jan 1601 00:00:00 GMT"),
		wanting("9999", "clock", rungWarning, []string{"the host's is centuries ahead of ours"}, nil, negotiate, "Date: Fri, 31 Dec 9999 23:59:59 GMT"),
		wanting("no ticket for an address", "schemes", rungWarning, []string{"--auth basic --https"}, []string{"--auth kerberos"}, "WWW-Authenticate: Kerberos", `WWW-Authenticate: Basic realm="x"`),
		wanting("a long name", "http", rungWarning, []string{"Server: " + strings.Repeat("x", maxPeer)}, []string{strings.Repeat("x", maxPeer+1)}, negotiate, "Server: "+strings.Repeat("x", 3000)),
		{name: "SSH for https", url: secured, want: exitUnreachable, rung: "tls", verdict: rungFailed, words: []string{"an SSH server: SSH-2.0-OpenSSH_9.6", "not one of WinRM"}, skipped: []string{"http"}},
		{name: "SSH for a proxy", host: overHTTP(), args: byAdministrator + " --proxy NOTONE", want: exitUndecodable, rung: "proxy", verdict: rungFailed, words: []string{"is no proxy of HTTP: an SSH server", "--proxy none"}, skipped: []string{"http"}},
		{name: "not well-formed", url: saying("HTTP/1.1 401 Unauthorized\r\nX: a\x01b\r\n\r\n"), want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{"speaks HTTP, but not well-formed: "}},
	}
}

// TestDoctorSlow: a host that takes its time is told so, and is no failure.
func TestDoctorSlow(t *testing.T) {
	for waited, want := range map[time.Duration]verdict{slow - 1: rungOK, slow + time.Second: rungWarning} {
		l := newLadder("http://hv01:5985/wsman")
		l.looked, l.waited = true, waited
		l.probe = &transport.Probe{StatusCode: http.StatusUnauthorized}
		st := l.http(t.Context())
		if st.result != want || strings.Contains(st.seen, "slow to answer: 6s") != (want == rungWarning) || st.err != nil {
			t.Errorf("after %v: %s %q, want %s", waited, st.result, st.seen, want)
		}
	}
}

// newLadder returns one for an endpoint.
func newLadder(endpoint string) *ladder {
	u, _ := url.Parse(endpoint) // every caller's is a literal that is one
	t := &target{name: u.Hostname(), https: u.Scheme == "https", url: endpoint}
	flags := &connectionFlags{typed: map[string]bool{}, preset: map[string]bool{}}
	proxy, _ := transport.ParseProxy("none")
	tr, _ := transport.New(transport.Config{URL: endpoint, Auth: transport.AuthNone, Proxy: proxy}) // as above
	return &ladder{s: &session{app: &app{}, flags: flags, target: t, method: &method{}, transport: tr}}
}

// TestDoctorEcho: a host that says the password back, in whatever it tells of itself, is not repeated.
func TestDoctorEcho(t *testing.T) {
	clearEnvironment(t)
	const canary, token = "c4nary-Zugspitze", "YmlyZDpjNG5hcnktWnVnc3BpdHpl" // of bird:c4nary-Zugspitze
	const echo = canary + " " + token
	t.Setenv(passwordVariable, canary)
	m := wsmantest.DefaultModel(time.Now())
	m.ProductVendor, m.Host = echo, echo
	m.ServiceConfig = wsmantest.Properties{"Service/Auth/CbtHardeningLevel": echo}
	m.MigrationService.Settings = wsmantest.Properties{"MigrationServiceListenerIPAddressList": []any{echo}}
	m.MigrationService.Networks = []wsmantest.Properties{{"SubnetNumber": echo, "PrefixLength": 24, "Metric": 1}}
	h := newHost(t, wsmantest.Config{Model: m, Users: []wsmantest.User{{Name: "bird", Password: canary}}})
	for _, format := range []string{outputText, outputJSON, outputJSONL} {
		got := invokeRun(t.Context(), strings.NewReader(""), "doctor", "-u", "bird", "--auth", "basic", "--ca-file", h.ca, "-o", format, h.URL())
		if got.code != exitOK || !strings.Contains(got.stdout, redacted) {
			t.Errorf("exit %d and nothing to hide:\n%s%s", got.code, got.stdout, got.stderr)
		}
		for _, secret := range []string{canary, token} {
			if strings.Contains(got.stdout+got.stderr, secret) {
				t.Errorf("-o %s: %q in the output:\n%s", format, secret, got.stdout)
			}
		}
	}
}

// TestDoctorSilentDNS: a name server that does not answer costs as much as a request may take to connect, and is no deadline.
func TestDoctorSilentDNS(t *testing.T) {
	clearEnvironment(t)
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	for flags, want := range map[string]struct {
		exit int
		word string
	}{
		"--connect-timeout 200ms": {exitUnreachable, "not done within 200ms"},
		"--timeout 200ms":         {exitDeadline, "not done within --timeout 200ms"},
	} {
		tt := doctorCase{url: at("http://hv01.invalid"), args: byAdministrator + " " + flags, want: want.exit, rung: "name", verdict: rungFailed, words: []string{want.word}, skipped: []string{"tcp", "http"}}
		tt.run(t)
	}
}

// TestBreakable: no word is wider than a line, and nothing is lost.
func TestBreakable(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""}, {"a bc", "a bc"}, {"abcdefgh", "abcd efgh"}, {"abcdefghi x", "abcd efgh i x"}, {"界界界", "界界 界"}, {"\x1b[", `\u{1 B}[`},
	} {
		if got := breakable(tt.text, 4); got != tt.want {
			t.Errorf("breakable(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}
