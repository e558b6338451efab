// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// doctorGolden is the whole answer about a healthy host.
const doctorGolden = "testdata/doctor.golden.txt"

// wholeAnswer returns the answer about a healthy simulated host, as if it listened on port 15985, and nobody on those of WinRM.
func wholeAnswer(t *testing.T) string {
	t.Helper()
	h := newHost(t, wsmantest.Config{HTTP: true})
	got := invokeRun(t.Context(), strings.NewReader(""), "doctor", "-u", administrator, h.URL())
	if got.code != exitOK || got.stderr != "" {
		t.Errorf("doctor = %+v, want exit 0 and no word on stderr", got)
	}
	_, port, _ := strings.Cut(h.Addr().String(), ":")
	text := strings.ReplaceAll(got.stdout, port, "15985")
	tcp := regexp.MustCompile(`(?s)(15985 \(http\) open, ).*?(\n\w+ +proxy )`)
	return tcp.ReplaceAllString(text, "${1}5985 (http) refused, 5986 (https)\n"+strings.Repeat(" ", columnSeen)+"refused$2")
}

// TestDoctorGolden holds the whole answer about a healthy host: every line fits a terminal.
func TestDoctorGolden(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	got := wholeAnswer(t)
	golden(t, doctorGolden, []byte(got))
	for line := range strings.Lines(got) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > helpWidth {
			t.Errorf("wider than %d columns: %s", helpWidth, line)
		}
	}
}

// TestReadmeDoctor holds README to what doctor prints.
func TestReadmeDoctor(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block, err := os.ReadFile(doctorGolden)
	if err != nil {
		t.Fatal(err)
	}
	plain := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }
	if !bytes.Contains(plain(readme), plain(block)) {
		t.Errorf("README.md does not hold %s", doctorGolden)
	}
}

// TestDoctorLines: a line for each rung, and one for a host that failed.
func TestDoctorLines(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{HTTP: true})
	for user, want := range map[string]int{administrator: exitOK, "stranger": exitAuthentication} {
		got := invokeRun(t.Context(), strings.NewReader(""), "doctor", "-u", user, "-o", "jsonl", h.URL())
		var names []string
		var last struct{ Error *struct{ Exit int } }
		for line := range strings.Lines(got.stdout) {
			var l struct {
				Schema, Command, Host, URL string
				Rung                       *struct{ Name string }
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil || l.Schema != schema || l.Command != "doctor" || l.Host == "" || l.URL == "" {
				t.Errorf("line %s: %v", line, err)
			}
			if l.Rung != nil {
				names = append(names, l.Rung.Name)
			} else if err := json.Unmarshal([]byte(line), &last); err != nil {
				t.Error(err)
			}
		}
		if got.code != want || !slices.Equal(names, rungNames()) || (last.Error != nil) != (want != exitOK) || last.Error != nil && last.Error.Exit != want {
			t.Errorf("%s: exit %d, rungs %q, last line %+v; want exit %d", user, got.code, names, last.Error, want)
		}
	}
}

// TestDoctorInterrupt: a signal ends it at once; what is known by then is printed, and no rung is tried after it.
func TestDoctorInterrupt(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	for _, tt := range []struct {
		cause error
		want  int
	}{{errInterrupted, exitInterrupted}, {errTerminated, exitTerminated}} {
		for _, format := range []string{outputText, outputJSON} {
			t.Run(tt.cause.Error()+" "+format, func(t *testing.T) {
				got := interruptedBy(t, tt.cause, "doctor", "-o", format)
				words := []string{"ok       tcp ", "failed   tls             " + tt.cause.Error(), "not tried: http, schemes", "\nStopped at tls.\n"}
				if format == outputJSON {
					words = []string{fmt.Sprintf(`"exit": %d`, tt.want), `"seen": "not tried: it needs tls"`}
				}
				for _, word := range words {
					if got.code != tt.want || !strings.Contains(got.stdout, word) {
						t.Errorf("exit %d with %s, want exit %d with %q", got.code, got.stdout, tt.want, word)
					}
				}
			})
		}
	}
}

// TestDoctorCanary looks for the password, and what stands for it, in everything that doctor writes.
func TestDoctorCanary(t *testing.T) {
	clearEnvironment(t)
	const canary = "c4nary-Zug%spitze\"7"
	users := []wsmantest.User{{Name: "bird", Password: canary}}
	h := newHost(t, wsmantest.Config{Users: users})
	sealing := newHost(t, wsmantest.Config{HTTP: true, Users: users})
	ticket, err := sealing.CCache("bird")
	if err != nil {
		t.Fatal(err)
	}
	cache := writeFile(t, string(ticket))
	proxy := strings.Replace(strictProxy(t), "http://", "http://bird:pr0xy-c4nary@", 1)
	t.Setenv(passwordVariable, canary)
	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{"-u", "bird", sealing.URL()}, exitOK},
		{[]string{"-u", "stranger", sealing.URL()}, exitAuthentication},
		{[]string{"-u", "bird", "--auth", "basic", "--ca-file", h.ca, h.URL()}, exitOK},
		{[]string{"-u", "stranger", "--auth", "basic", "--ca-file", h.ca, h.URL()}, exitAuthentication},
		{[]string{"--ccache", cache, "--kdc", ignorantKDC(t), sealing.URL()}, exitOK},
		{[]string{"--ccache", cache, "--spn", "HTTP/nosuch", "--kdc", ignorantKDC(t), sealing.URL()}, exitAuthentication},
		{[]string{"-u", "bird@corp.example", "--kdc", ignorantKDC(t), sealing.URL()}, exitAuthentication},
		{[]string{"-u", "bird", "--proxy", proxy, sealing.URL()}, exitUnreachable},
	} {
		for _, format := range []string{outputText, outputJSON} {
			t.Run(strings.Join(tt.args, " ")+" "+format, func(t *testing.T) {
				trace := filepath.Join(t.TempDir(), "trace")
				got := invokeRun(t.Context(), strings.NewReader(""), append([]string{"doctor", "-v", "--trace", trace, "-o", format}, tt.args...)...)
				if got.code != tt.want {
					t.Errorf("exit %d, want %d\n%s%s", got.code, tt.want, got.stdout, got.stderr)
				}
				everything := got.stdout + got.stderr + readAll(t, trace)
				for _, secret := range append(secretForms(canary, ticket), "pr0xy-c4nary") {
					if strings.Contains(everything, secret) {
						t.Errorf("%q in the output:\n%s", secret, everything)
					}
				}
			})
		}
	}
}

// TestDoctorClientCertificate: a user by certificate, at a host that asks for it, and at a server that answers nobody without one.
func TestDoctorClientCertificate(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	certificate, key, pool := clientCertificate(t)
	mapped := newHost(t, wsmantest.Config{
		Users: []wsmantest.User{{Name: "machine", CertificateSubject: "fabric-reader"}}, ClientCAs: pool,
	})
	demanding := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	demanding.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	demanding.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}
	demanding.StartTLS()
	t.Cleanup(demanding.Close)
	byCertificate := []string{"--client-cert", certificate, "--client-key", key}
	for _, tt := range []struct {
		args  []string
		url   string
		want  int
		words []string
	}{
		{[]string{"-u", administrator}, demanding.URL, exitUnreachable, []string{"failed   tls             TLS with 127.0.0.1:", "--client-cert"}},
		{byCertificate, mapped.URL(), exitOK, []string{
			"warning  tls             TLS 1.2, ", "ok       authentication  the holder of the certificate accepted by certificate",
			"skipped  kerberos        not chosen: certificate is (a client certificate is",
			"--tls-pin " + mapped.Pin(),
		}},
		{byCertificate, demanding.URL, exitAuthentication, []string{
			"skipped  tls             the host wants the client certificate at once", "skipped  http ", "failed   authentication ",
		}},
	} {
		got := invokeRun(t.Context(), strings.NewReader(""),
			append(append([]string{"doctor", "--insecure"}, tt.args...), tt.url)...)
		for _, word := range tt.words {
			if got.code != tt.want || !strings.Contains(got.stdout, word) {
				t.Errorf("exit %d, want %d and %q\n%s%s", got.code, tt.want, word, got.stdout, got.stderr)
			}
		}
	}
}

// TestResolutionText: what a name was found to stand for.
func TestResolutionText(t *testing.T) {
	addrs := func(texts ...string) []netip.Addr {
		var list []netip.Addr
		for _, text := range texts {
			list = append(list, netip.MustParseAddr(text))
		}
		return list
	}
	for _, tt := range []struct {
		r    transport.Resolution
		want string
	}{
		{transport.Resolution{Name: "192.0.2.7", Addrs: addrs("192.0.2.7"), Literal: true}, "192.0.2.7 is an address: nothing to look up"},
		{transport.Resolution{Name: "hv01.corp.example", Addrs: addrs("192.0.2.7", "2001:db8::7"), Canonical: "HV01.corp.example"}, "192.0.2.7, 2001:db8::7"},
		{transport.Resolution{Name: "hv01.corp.example.", Addrs: addrs("192.0.2.7"), Canonical: "hv01.corp.example"}, "192.0.2.7"},
		{transport.Resolution{Name: "hv", Addrs: addrs("192.0.2.7"), Canonical: "hv.corp.example", Searched: true}, "192.0.2.7; a search domain made it hv.corp.example"},
		{transport.Resolution{Name: "hv", Addrs: addrs("192.0.2.7"), Canonical: "hv01.corp.example"}, "192.0.2.7; its canonical name is hv01.corp.example"},
		{transport.Resolution{Name: "hv", Addrs: addrs("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8")}, "192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, 192.0.2.6 and 2 more"},
	} {
		if got := resolutionText(&tt.r); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.r, got, tt.want)
		}
	}
}

// TestJudgePorts: what the states of the ports at several addresses come to.
func TestJudgePorts(t *testing.T) {
	const open, refused, filtered = transport.PortOpen, transport.PortRefused, transport.PortFiltered
	at := func(addr string, states ...transport.PortState) []transport.PortProbe {
		var list []transport.PortProbe
		for i, port := range []uint16{portHTTP, portHTTPS} {
			p := transport.PortProbe{Addr: netip.AddrPortFrom(netip.MustParseAddr(addr), port), State: states[i]}
			if states[i] != open {
				p.Err = syscall.ECONNREFUSED
			}
			if states[i] == "" {
				p.Err = transport.ErrNotProbed
			}
			list = append(list, p)
		}
		return list
	}
	late := at("192.0.2.7", "", "")
	for i := range late {
		late[i].Err = fmt.Errorf("connect: %w", context.DeadlineExceeded)
	}
	many := func(state transport.PortState) (list []transport.PortProbe) {
		for _, addr := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"} {
			list = append(list, at(addr, state, state)...)
		}
		return list
	}
	l := newLadder("http://hv01:5985/wsman")
	if st := l.judgePorts(late); exitCode(st.err) != exitDeadline {
		t.Errorf("a probe that the deadline has ended: %v, want exit %d", st.err, exitDeadline)
	}
	for _, tt := range []struct {
		name    string
		https   bool
		probes  []transport.PortProbe
		want    verdict
		seen    string
		command string
	}{
		{"both", false, at("192.0.2.7", open, open), rungOK, "5985 (http) open, 5986 (https) open", ""},
		{"the other is for https", false, at("192.0.2.7", refused, open), rungFailed, "5985 (http) refused, 5986 (https) open", "hvmigerr doctor --https <HOST>"},
		{"the other is for http", true, at("192.0.2.7", open, filtered), rungFailed, "5986 (https) no answer, 5985 (http) open", "hvmigerr doctor --http <HOST>"},
		{
			"one address of two", false, append(at("192.0.2.7", open, refused), at("2001:db8::7", filtered, refused)...), rungWarning,
			"5985 (http) open at 192.0.2.7, no answer at 2001:db8::7; 5986 (https) refused", "nslookup <HOST>",
		},
		{
			"the last of many", false, append(many(refused), at("192.0.2.99", open, "")...), rungWarning,
			"5985 (http) open at 192.0.2.99, refused at 192.0.2.1, 192.0.2.2, 192.0.2.3 and 1 more; 5986 (https) refused at 192.0.2.1, 192.0.2.2, 192.0.2.3 and 1 more, not probed at 192.0.2.99", "nslookup <HOST>",
		},
		{
			"not all were tried", false, append(many(refused), at("192.0.2.99", "", "")...), rungWarning,
			"5985 (http) refused at 192.0.2.1, 192.0.2.2, 192.0.2.3 and 1 more, not probed at 192.0.2.99; 5986 (https) refused at 192.0.2.1, 192.0.2.2, 192.0.2.3 and 1 more, not probed at 192.0.2.99", "nslookup <HOST>",
		},
		{"open where it was tried", false, append(at("192.0.2.1", open, open), at("192.0.2.99", "", "")...), rungOK, "5985 (http) open at 192.0.2.1, not probed at 192.0.2.99; 5986 (https) open at 192.0.2.1, not probed at 192.0.2.99", ""},
		{"none of two", false, append(at("192.0.2.7", refused, refused), at("2001:db8::7", filtered, filtered)...), rungFailed, "5985 (http) refused at 192.0.2.7, no answer at 2001:db8::7; 5986 (https) refused at 192.0.2.7, no answer at 2001:db8::7", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := map[bool]string{true: "https://hv01:5986/wsman", false: "http://hv01:5985/wsman"}[tt.https]
			l := &ladder{s: &session{target: &target{name: "hv01", https: tt.https, url: u}}}
			st := l.judgePorts(tt.probes)
			command := ""
			if len(st.actions) > 0 {
				command = st.actions[0].command
			}
			if st.result != tt.want || st.seen != tt.seen || command != tt.command || (st.err != nil) != (tt.want == rungFailed) {
				t.Errorf("%s %q, first %q, error %v; want %s %q, first %q", st.result, st.seen, command, st.err, tt.want, tt.seen, tt.command)
			}
			if st.err != nil && exitCode(st.err) != exitUnreachable {
				t.Errorf("exit %d, want %d", exitCode(st.err), exitUnreachable)
			}
		})
	}
}
