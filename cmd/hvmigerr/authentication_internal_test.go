// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// writeCCache writes a ticket cache of the administrator of h and returns its path.
func writeCCache(t *testing.T, h *host) string {
	t.Helper()
	cache, err := h.CCache(administrator)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "ccache")
	if err := os.WriteFile(name, cache, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// writeKeytab writes a keytab with a key of each user in CORP.EXAMPLE and returns its path (MIT krb5, "The Kerberos 5 keytab file").
func writeKeytab(t *testing.T, users ...string) string {
	t.Helper()
	file := []byte{5, 2}
	text := func(b []byte, s string) []byte { return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...) }
	for _, user := range users {
		entry := text(text([]byte{0, 1}, "CORP.EXAMPLE"), user)
		entry = append(entry, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 18) // the type of the name, no time, version 1, AES256
		entry = text(entry, strings.Repeat("k", 32))
		file = append(binary.BigEndian.AppendUint32(file, uint32(len(entry))), entry...)
	}
	name := filepath.Join(t.TempDir(), "keytab")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestKeytabMode: a keytab that others can read is used, and warned of once.
func TestKeytabMode(t *testing.T) {
	clearEnvironment(t)
	name := writeKeytab(t, "me")
	for _, tt := range []struct {
		mode os.FileMode
		want string
	}{
		{0o600, ""},
		{0o400, ""},
		{0o640, "hvmigerr: warning: --keytab: " + name + " can be read by others (mode 0640), and a key is as good as a password; chmod 600 it\n"},
		{0o604, "can be read by others (mode 0604)"},
	} {
		if err := os.Chmod(name, tt.mode); err != nil {
			t.Fatal(err)
		}
		for _, arg := range []string{name, "FILE:" + name} {
			got := invokeRun(t.Context(), strings.NewReader(""), "get", "--keytab", arg, "--kdc", "127.0.0.1:1", "http://127.0.0.1:1")
			warned := strings.Count(got.stderr, "warning")
			want := map[bool]int{true: 1}[tt.want != "" && runtime.GOOS != "windows"]
			if got.code != exitUnreachable || warned != want || warned == 1 && !strings.Contains(got.stderr, tt.want) {
				t.Errorf("mode %04o: %+v, want exit %d and %q", tt.mode, got, exitUnreachable, tt.want)
			}
		}
	}
}

// operations lists what a host was asked, with the status of each token.
func operations(h *host) string {
	var list []string
	for _, r := range h.Requests() {
		switch {
		case r.Operation == operationAuthenticate:
			list = append(list, r.Scheme+map[bool]string{true: " accepts", false: " asks"}[r.StatusCode == http.StatusOK])
		case r.Sealed:
			list = append(list, r.Operation)
		default:
			list = append(list, r.Operation+" in clear")
		}
	}
	return strings.Join(list, ", ")
}

// TestAuthentication: each way to authenticate, what -v says of it, and what the host is sent: the tokens once, on one connection,
// then sealed messages.
func TestAuthentication(t *testing.T) {
	const ntlm, kerberos = "Negotiate asks, Negotiate accepts, Identify", "Kerberos accepts, Identify"
	const negotiate = "Negotiate accepts, Identify" // Kerberos in SPNEGO
	const user = " -u administrator"
	for _, tt := range []struct {
		name   string
		args   string // CCACHE stands for a ticket cache
		env    string // KRB5CCNAME
		secure bool   // https
		want   string
		stderr string
	}{
		{name: "an address and a user", args: user, want: ntlm, stderr: "authentication NTLM (127.0.0.1 is an IP address), sealed, no proxy"},
		{name: "ntlm", args: "--auth ntlm" + user, want: ntlm, stderr: "authentication NTLM (--auth), sealed"},
		{name: "domain", args: `-u CORP\administrator`, want: ntlm, stderr: `authentication NTLM (CORP\administrator names a Windows domain), sealed`},
		{name: "host's own", args: `-u .\administrator`, want: ntlm, stderr: `authentication NTLM (.\administrator is an account of the host itself), sealed`},
		{name: "user@realm", args: "-u administrator@corp.example --auth ntlm", want: ntlm},
		{name: "NTLM in SPNEGO", args: "--auth negotiate" + user, want: "Negotiate asks, Negotiate accepts, Identify", stderr: "authentication NTLM (--auth; 127.0.0.1 is an IP address), sealed"},
		{name: "over https", args: user, secure: true, want: ntlm, stderr: "authentication NTLM (127.0.0.1 is an IP address), sealed"},
		{name: "over https, not sealed", args: "--seal never" + user, secure: true, want: "Negotiate asks, Negotiate accepts, Identify in clear", stderr: "not sealed, no proxy"},
		{name: "basic", args: "--auth basic" + user, secure: true, want: "Identify in clear", stderr: "authentication Basic (--auth), no proxy"},
		{name: "ticket", args: "--auth kerberos", env: "FILE:CCACHE", want: kerberos, stderr: "authentication Kerberos (--auth; CCACHE holds a ticket of administrator@CORP.EXAMPLE), sealed"},
		{name: "ticket by auto", args: "--ccache CCACHE", want: negotiate, stderr: "authentication Kerberos (CCACHE holds a ticket of administrator@CORP.EXAMPLE), sealed"},
		{name: "ticket by its URL", args: "--ccache FILE:CCACHE", want: negotiate},
		{name: "ticket over https", args: "--ccache CCACHE", secure: true, want: negotiate},
		{name: "ticket over https, not sealed", args: "--seal never --ccache CCACHE", secure: true, want: "Negotiate accepts, Identify in clear"},
		{name: "ticket in SPNEGO", args: "--auth negotiate", env: "CCACHE", want: negotiate},
		{name: "a user's own ticket", args: "--auth kerberos" + user + "@corp.example", env: "CCACHE", want: kerberos},
		{name: "another name", args: "--auth kerberos --spn HTTP/localhost", env: "CCACHE", want: kerberos},
		{name: "anonymous, whatever ticket there is", args: "", env: "CCACHE", want: "Identify in clear", stderr: "authentication none (no --user), no proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clearEnvironment(t)
			h := newHost(t, wsmantest.Config{HTTP: !tt.secure})
			cache := writeCCache(t, h)
			replace := strings.NewReplacer("CCACHE", cache)
			if tt.env != "" {
				t.Setenv("KRB5CCNAME", replace.Replace(tt.env))
			}
			args := append([]string{"identify", "-v"}, strings.Fields(replace.Replace(tt.args))...)
			if tt.secure {
				args = append(args, "--ca-file", h.ca)
			}
			if strings.Contains(tt.want, "asks") || strings.Contains(tt.args, "basic") {
				t.Setenv(passwordVariable, password) // with a ticket none is asked for
			}
			got := invokeRun(t.Context(), strings.NewReader(""), append(args, h.URL())...)
			if seen := operations(h); got.code != exitOK || seen != tt.want || h.Connections() != 1 {
				t.Errorf("exit %d, the host saw %q over %d connections, want %q over 1\n%s", got.code, seen, h.Connections(), tt.want, got.stderr)
			}
			if !strings.Contains(got.stderr, replace.Replace(tt.stderr)) {
				t.Errorf("stderr %q, want %q in it", got.stderr, replace.Replace(tt.stderr))
			}
		})
	}
}

// TestRunAuthentication: what can go wrong with a user, a ticket, a KDC: exit 11 in text and in JSON, one line that says what, and
// nothing that the host, or the KDC, was asked twice.
func TestRunAuthentication(t *testing.T) {
	only := func(m ...wsmantest.AuthMethod) wsmantest.Config { return wsmantest.Config{HTTP: true, Auth: m} }
	both := wsmantest.Config{HTTP: true}
	old := wsmantest.Config{HTTP: true, Clock: func() time.Time { return noon }}
	for _, tt := range []struct {
		name   string
		cfg    wsmantest.Config
		args   string
		env    string // KRB5CCNAME
		alone  bool   // without a password
		want   string // what the host saw
		stderr []string
	}{
		{
			name: "NTLM refused", cfg: both, args: `-u CORP\me`, want: "Negotiate asks, Negotiate asks",
			stderr: []string{
				`hvmigerr: 127.0.0.1: Enumerate Msvm_MigrationJob: NTLM refused for CORP\me; offered: Negotiate, Kerberos` + "\n",
				"hint: is the password right", `(--auth auto chose NTLM: CORP\me names a Windows domain)`,
			},
		},
		{name: "wrong password", cfg: both, args: "-u administrator --auth ntlm", want: "Negotiate asks, Negotiate asks", stderr: []string{"NTLM refused for administrator;", "LocalAccountTokenFilterPolicy=1"}},
		{name: "refused within SPNEGO", cfg: both, args: "-u administrator --auth negotiate", want: "Negotiate asks, Negotiate asks", stderr: []string{"NTLM refused for administrator;"}},
		{name: "only Kerberos", cfg: only(wsmantest.AuthMethodKerberos), args: "-u administrator --auth ntlm", want: "Negotiate asks", stderr: []string{"NTLM refused", "offered: Negotiate, Kerberos"}},
		{name: "no Kerberos", cfg: only(wsmantest.AuthMethodNTLM), args: "--auth kerberos --ccache CCACHE", want: " in clear", stderr: []string{"Kerberos refused for administrator@CORP.EXAMPLE; offered: Negotiate\n", "--auth negotiate", "--auth ntlm"}},
		{name: "only Basic", cfg: wsmantest.Config{HTTP: true, AllowUnencrypted: true, Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodBasic}}, args: "-u administrator", want: " in clear", stderr: []string{"NTLM refused for administrator; offered: Basic\n", "--auth basic with --https"}},
		{name: "no user", cfg: both, stderr: []string{"no user is named, and no ticket can be used: ", "; run: kinit -c FILE:", "hint: or name a user"}},
		{name: "no ticket", cfg: both, args: "--ccache nosuch", stderr: []string{"nosuch: no such file or directory; run: kinit -c FILE:nosuch"}},
		{name: "another kind of cache", cfg: both, args: "--auth kerberos", env: "KCM:1000", stderr: []string{"KCM:1000: not a file", "; run: kinit -c FILE:", "; export KRB5CCNAME=FILE:"}},
		{name: "an expired ticket", cfg: old, args: "--ccache CCACHE", stderr: []string{"the ticket of administrator@CORP.EXAMPLE expired at 2026-03-04 22:00:00 UTC; run: kinit -c FILE:"}},
		{name: "no cache at all", cfg: both, args: "--ccache main.go", stderr: []string{"main.go: not a sound ticket cache"}},
		{name: "another's ticket", cfg: both, args: "-u me --ccache CCACHE", stderr: []string{"holds tickets of administrator@CORP.EXAMPLE, not of me"}},
		{name: "no keytab", cfg: both, args: "--keytab nosuch", stderr: []string{"nosuch: no such file or directory", "hint: --auth auto chose Kerberos"}},
		{name: "no keytab at all", cfg: both, args: "--keytab main.go", stderr: []string{"main.go: not a sound keytab", "hint: --auth auto chose Kerberos"}},
		{name: "no realm", cfg: both, args: "-u me --auth kerberos", stderr: []string{"there is no default_realm, and me names no realm", "hint: -u USER@REALM needs no default_realm in krb5.conf\n"}},
		{
			name: "neither a password nor a cache that can be read", cfg: both, args: "-u me@corp.example --auth kerberos", env: "KCM:", alone: true,
			stderr: []string{
				"127.0.0.1: no password is given, and no ticket can be used: KCM:: not a file", "; run: kinit -c FILE:", "me@CORP.EXAMPLE",
				"hint: or give a password: --password-file, --password-command or HVMIGERR_PASSWORD, or run it on a terminal\n",
			},
		},
		{
			name: "neither a password nor a valid ticket", cfg: old, args: "-u administrator@corp.example --auth kerberos", env: "CCACHE", alone: true,
			stderr: []string{"no password is given, and no ticket can be used: ", "expired at 2026-03-04 22:00:00 UTC; run: kinit -c FILE:"},
		},
		{
			name: "neither a password nor a ticket of one's own", cfg: both, args: "-u me@corp.example --auth kerberos", env: "CCACHE", alone: true,
			stderr: []string{"no password is given, and no ticket can be used: ", "it holds tickets of administrator@CORP.EXAMPLE, not of me@corp.example"},
		},
		{name: "several in a keytab", cfg: both, args: "--keytab KEYTAB", stderr: []string{"keys of several principals, and none is named: me@CORP.EXAMPLE, you@CORP.EXAMPLE", "hint: -u USER@REALM says whose key in it is meant"}},
		{name: "another's keytab", cfg: both, args: "-u them --keytab FILE:KEYTAB", stderr: []string{"it holds no key of them, but of me@CORP.EXAMPLE", "hint: -u USER@REALM says whose key in it is meant"}},
		{name: "no KDC known", cfg: both, args: "-u me@corp.example --auth kerberos", stderr: []string{"Kerberos for me@CORP.EXAMPLE: no KDC of CORP.EXAMPLE is known", "hint: --kdc HOST"}},
		{name: "no KDC answers", cfg: both, args: "-u me@corp.example --kdc 127.0.0.1:1", stderr: []string{"no KDC of CORP.EXAMPLE answered: 127.0.0.1:1 (refused, after ", "(--auth auto chose Kerberos: "}},
		{name: "no ticket for the name", cfg: both, args: "--auth kerberos --ccache CCACHE --spn HTTP/nosuch --kdc 127.0.0.1:1", stderr: []string{"no KDC of CORP.EXAMPLE answered"}},
		{
			name: "401 in mid-session", cfg: wsmantest.Config{HTTP: true, Rules: rule("Enumerate", wsmantest.Rule{Status: 401})},
			args: "--ccache CCACHE", want: "Negotiate accepts, Enumerate, Negotiate accepts, Enumerate", stderr: []string{"Kerberos for administrator@CORP.EXAMPLE: HTTP 401 Unauthorized", "hint: the host has taken the user and then forgotten"},
		},
	} {
		for _, format := range []string{outputText, outputJSON} {
			t.Run(tt.name+"/"+format, func(t *testing.T) {
				clearEnvironment(t)
				if !tt.alone {
					t.Setenv(passwordVariable, "c4nary")
				}
				h := newHost(t, tt.cfg)
				text, env := strings.ReplaceAll(tt.args, "KEYTAB", writeKeytab(t, "me", "you")), tt.env
				if strings.Contains(text+env, "CCACHE") {
					issuer := h
					if tt.cfg.Auth != nil { // a host that takes no Kerberos makes no tickets
						issuer = newHost(t, both)
					}
					cache := writeCCache(t, issuer)
					text, env = strings.ReplaceAll(text, "CCACHE", cache), strings.ReplaceAll(env, "CCACHE", cache)
				}
				if env != "" {
					t.Setenv("KRB5CCNAME", env)
				}
				args := append([]string{"get", "-o", format}, strings.Fields(text)...)
				got := invokeRun(t.Context(), strings.NewReader(""), append(args, h.URL())...)
				if got.code != exitAuthentication {
					t.Errorf("exit %d, want %d", got.code, exitAuthentication)
				}
				for _, want := range tt.stderr {
					if !strings.Contains(got.stderr, want) {
						t.Errorf("stderr %q, want %q in it", got.stderr, want)
					}
				}
				checkStderr(t, got.stderr)
				if seen := operations(h); seen != tt.want {
					t.Errorf("the host saw %q, want %q", seen, tt.want)
				}
				if strings.Contains(got.stdout+got.stderr, "c4nary") {
					t.Errorf("the password is in %+v", got)
				}
				if format == outputJSON {
					checkError(t, got.stdout, exitAuthentication)
				}
			})
		}
	}
}

// TestRenewed: a host that forgets a session once is authenticated to again, and the answer is whole.
func TestRenewed(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{HTTP: true, Rules: rule("GetErrorEx", wsmantest.Rule{Status: http.StatusUnauthorized, Count: 1})})
	got := invokeRun(t.Context(), strings.NewReader(""), "get", "-u", administrator, "--latest", h.URL())
	const want = "Negotiate asks, Negotiate accepts, Enumerate, GetErrorEx, Negotiate asks, Negotiate accepts, GetErrorEx, GetError"
	if seen := operations(h); got.code != exitOK || seen != want {
		t.Errorf("exit %d, the host saw %q, want %q\n%s", got.code, seen, want, got.stderr)
	}
}

// TestBrokenSeal: an answer that is not sealed, or not as it was, ends with 15, and nothing of it is printed.
func TestBrokenSeal(t *testing.T) {
	for _, seal := range []wsmantest.Sealing{wsmantest.SealClear, wsmantest.SealAltered, wsmantest.SealReplayed} {
		for _, auth := range []string{"ntlm", "kerberos"} {
			t.Run(string(seal)+"/"+auth, func(t *testing.T) {
				clearEnvironment(t)
				t.Setenv(passwordVariable, password)
				h := newHost(t, wsmantest.Config{HTTP: true, Rules: rule("GetErrorEx", wsmantest.Rule{Seal: seal})})
				args := []string{"get", "--auth", auth, "--latest", "--method", "GetErrorEx"}
				if auth == "ntlm" {
					args = append(args, "-u", administrator)
				} else {
					args = append(args, "--ccache", writeCCache(t, h))
				}
				got := invokeRun(t.Context(), strings.NewReader(""), append(args, h.URL())...)
				if got.code != exitUndecodable || strings.Contains(got.stdout, "22040") {
					t.Errorf("run = %+v, want exit %d", got, exitUndecodable)
				}
				if want := "hint: nothing of that answer was believed"; !strings.Contains(got.stderr, want) {
					t.Errorf("stderr %q, want %q in it", got.stderr, want)
				}
				checkStderr(t, got.stderr)
			})
		}
	}
}

// TestProxied: a proxy that takes a new connection for each request keeps NTLM from coming about, and the hint says so.
func TestProxied(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{HTTP: true})
	way := &http.Transport{DisableKeepAlives: true}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RequestURI = ""
		resp, err := way.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		w.Header()["Www-Authenticate"] = resp.Header["Www-Authenticate"]
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer proxy.Close()
	got := invokeRun(t.Context(), strings.NewReader(""), "get", "-u", administrator, "--proxy", proxy.URL, h.URL())
	if want := "use --proxy none, or https"; got.code != exitAuthentication || !strings.Contains(got.stderr, want) {
		t.Errorf("run = %+v, want exit %d and %q", got, exitAuthentication, want)
	}
}

// TestTokenEcho: a peer that sends back the token it was sent does not get it into a message or a trace.
func TestTokenEcho(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	var token string
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Authorization")
		_, token, _ = strings.Cut(sent, " ")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<p>Authorization: "+sent+"</p>")
	}))
	defer echo.Close()
	cache := writeCCache(t, newHost(t, wsmantest.Config{HTTP: true}))
	for _, args := range []string{
		"--auth ntlm -u administrator", "--auth negotiate -u administrator", "--auth kerberos --ccache " + cache, "--ccache " + cache,
	} {
		trace := filepath.Join(t.TempDir(), "trace")
		got := invokeRun(t.Context(), strings.NewReader(""),
			append(strings.Fields(args), "get", "-v", "-o", "json", "--trace", trace, echo.URL+"/wsman")...)
		everything := got.stdout + got.stderr + readAll(t, trace)
		if got.code != exitUndecodable || !strings.Contains(everything, "<p>Authorization: REDACTED</p>") {
			t.Errorf("%s: exit %d, nothing was sent back:\n%s", args, got.code, everything)
		}
		if len(token) < leastRun || strings.Contains(everything, token[:leastRun]) {
			t.Errorf("%s: the token %.40s... is in\n%s", args, token, everything)
		}
	}
}
