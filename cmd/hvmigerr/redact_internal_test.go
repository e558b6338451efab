// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

func TestRedactor(t *testing.T) {
	t.Parallel()
	const token = "YmlyZDpjNG5hcnktWnVnJXNwaXR6ZSI3" // bird:c4nary-Zug%spitze"7
	proxy, err := transport.ParseProxy("http://pu:pr0xy-c4nary@proxy")
	if err != nil {
		t.Fatal(err)
	}
	both := newRedactor(&transport.Config{
		Auth: transport.AuthBasic, User: "bird", Password: transport.NewSecret(`c4nary-Zug%spitze"7`),
	}, proxy)
	short := newRedactor(&transport.Config{Auth: transport.AuthBasic, User: "u", Password: transport.NewSecret("pwd")}, transport.Proxy{})
	two := newRedactor(&transport.Config{Auth: transport.AuthBasic, User: "u", Password: transport.NewSecret("pd")}, transport.Proxy{})
	tiny := newRedactor(&transport.Config{Auth: transport.AuthBasic, User: "u"}, transport.Proxy{})
	ntlm := newRedactor(&transport.Config{
		Auth: transport.AuthNTLM, User: "bird", Password: transport.NewSecret(`c4nary-Zug%spitze"7`),
	}, transport.Proxy{})
	run := strings.Repeat("A+b/9z", 5)
	nobody := newRedactor(&transport.Config{Auth: transport.AuthNone}, transport.Proxy{})
	for _, tt := range []struct {
		r        redactor
		in, want string
	}{
		{both, "", ""},
		{both, "bird sings of a c4nary", "bird sings of a c4nary"},
		{both, "Basic " + token, "Basic REDACTED"},
		{both, token + token + "," + token, "REDACTEDREDACTED,REDACTED"},
		{both, "Basic " + token[:11], "Basic REDACTED"}, // cut short
		{both, token[:11] + "...", "REDACTED..."},
		{both, `<c4nary-Zug%spitze"7>`, "<REDACTED>"},
		{both, strconv.Quote(`c4nary-Zug%spitze"7`), `"REDACTED"`},
		{both, html.EscapeString(`c4nary-Zug%spitze"7`), "REDACTED"},
		{both, `c4nary-Zug%spitze&quot;7`, "REDACTED"},
		{both, "x?" + url.QueryEscape(`c4nary-Zug%spitze"7`), "x?REDACTED"},
		{both, "\xff\xfe" + inUTF16(token, binary.LittleEndian), "\xff\xfeREDACTED"},
		{both, "\x00<" + inUTF16(`c4nary-Zug%spitze"7`, binary.BigEndian), "\x00<REDACTED"},
		{both, "pr0xy-c4nary", "REDACTED"},
		{both, "Proxy-Authorization: Basic cHU6cHIweHktYzRuYXJ5", "Proxy-Authorization: Basic REDACTED"},
		{short, "the pwd is in dTpwd2Q=", "the pwd is in REDACTED"}, // its padding tells the length
		{short, "the pwd is in dTpwd2Q, ", "the pwd is in REDACTED, "},
		{short, "x?dTpwd2Q%3D&y", "x?REDACTED&y"},
		{short, inUTF16("<dTpwd2Q=>", binary.LittleEndian), inUTF16("<", binary.LittleEndian) + "REDACTED" + inUTF16(">", binary.LittleEndian)},
		{two, "Basic dTpwZA==, x=", "Basic REDACTED, x="},
		{tiny, "Basic dTo=, dTo", "Basic REDACTED, REDACTED"},
		// The tokens of NTLM and Kerberos go with whatever of them is left.
		{ntlm, "c4nary-Zug%spitze\"7", "REDACTED"},
		{ntlm, "Basic " + token, "Basic " + token}, // it never was sent
		{ntlm, "Negotiate " + run + ", Kerberos", "REDACTED, Kerberos"},
		{ntlm, "<TlRMTVNTUA" + run + "==>", "<REDACTED>"},
		{ntlm, "Kerberos " + run, "REDACTED"},
		{ntlm, "Kerberos preauthentication failed; offered: Negotiate, Kerberos", "Kerberos preauthentication failed; offered: Negotiate, Kerberos"},
		{ntlm, inUTF16("<Negotiate "+run+">", binary.LittleEndian), inUTF16("<", binary.LittleEndian) + "REDACTED" + inUTF16(">", binary.LittleEndian)},
		{ntlm, "\x00<" + inUTF16("Negotiate "+run, binary.BigEndian), "\x00<\x00REDACTED" + run[len(run)-1:]},
		{both, "Negotiate " + run, "Negotiate " + run},
		{nobody, "Basic " + token, "Basic " + token},
		{nil, "Basic " + token, "Basic " + token},
	} {
		if got := tt.r.clean(tt.in); got != tt.want {
			t.Errorf("clean(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// FuzzRedactor: whatever stands around it, a token does not get through, and what holds none is left alone.
func FuzzRedactor(f *testing.F) {
	const token = "dXNlcjpvcGVuIHNlc2FtZQ" // user:open sesame
	r := newRedactor(&transport.Config{Auth: transport.AuthBasic, User: "user", Password: transport.NewSecret("open sesame")}, transport.Proxy{})
	f.Add("Basic ", "==")
	f.Add(token[:4], token[4:])
	f.Add("open ", "sesame")
	f.Add("\xff", "")
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, secret := range []string{token, "open sesame"} {
			if got := r.clean(before + secret + after); strings.Contains(got, token) || strings.Contains(got, "open sesame") {
				t.Errorf("%q in %q", secret, got)
			}
		}
		if got := r.clean(before); !strings.Contains(before, redacted) && strings.Contains(got, redacted) == (got == before) {
			t.Errorf("clean(%q) = %q", before, got)
		}
	})
}

// TestEcho: a peer sends back what it was sent, in all ways that lead into a message or a trace.
func TestEcho(t *testing.T) {
	clearEnvironment(t)
	const canary = `c4nary-Zug%spitze"7`
	token := base64.StdEncoding.EncodeToString([]byte("bird:" + canary))
	echo := "Authorization: Basic " + token + " means " + html.EscapeString(canary)
	page := "<html><body>" + echo + "</body></html>"
	wide := "\xff\xfe" + inUTF16(page, binary.LittleEndian)
	cut := strings.Repeat("x", 4096-20) + token
	fault := `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>` +
		`<s:Reason><s:Text xml:lang="en">` + echo + `</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`
	empty := ""
	for name, rule := range map[string]wsmantest.Rule{
		"page":           {Status: 404, Body: &page, ContentType: "text/html"},
		"page in UTF-16": {Status: 404, Body: &wide, ContentType: "text/html"},
		"page cut short": {Status: 404, Body: &cut, ContentType: "text/html"},
		"claims SOAP":    {Status: 200, Body: &page},
		"fault":          {Status: 500, Body: &fault},
		"late fault":     {Operation: "GetErrorEx", Status: 500, Body: &fault},
		"redirect":       {Status: 302, Body: &empty, ContentType: "text/html", Header: map[string]string{"Location": "https://x/?" + token + "&" + canary}},
		"content type":   {Status: 200, Body: &page, ContentType: "text/" + token + "; p=" + canary},
	} {
		h := newHost(t, wsmantest.Config{Users: []wsmantest.User{{Name: "bird", Password: canary}}, Rules: []wsmantest.Rule{rule}})
		for _, format := range []string{outputText, outputJSON} {
			t.Run(name+"/"+format, func(t *testing.T) {
				t.Setenv(passwordVariable, canary)
				trace := filepath.Join(t.TempDir(), "trace")
				got := invokeRun(t.Context(), strings.NewReader(""), "get", "-v", "-o", format, "--trace", trace, "-u", "bird", "--auth", "basic", "--ca-file", h.ca, h.URL())
				if got.code == exitOK {
					t.Errorf("exit %d\n%s", got.code, got.stderr)
				}
				everything := got.stdout + got.stderr + readAll(t, trace)
				if !strings.Contains(everything, redacted) {
					t.Errorf("no %s: the host sent nothing back\n%s", redacted, everything)
				}
				for _, s := range []string{"c4nary", token[:6], inUTF16("c4nary", binary.LittleEndian), inUTF16(token[:6], binary.LittleEndian)} {
					if strings.Contains(everything, s) {
						t.Errorf("%q in the output:\n%s", s, everything)
					}
				}
				if format == outputJSON && !json.Valid([]byte(got.stdout)) {
					t.Errorf("no JSON: %s", got.stdout)
				}
			})
		}
	}
}

// TestNoteRedacted: so is what -v tells of an answer that was not even HTTP.
func TestNoteRedacted(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	a := newApp(nil, nil, &stderr)
	a.secrets = newRedactor(&transport.Config{Auth: transport.AuthBasic, User: "u", Password: transport.NewSecret("c4n\u200bary")}, transport.Proxy{})
	a.note("no answer: %v", "c4n\u200bary")
	if got, want := stderr.String(), "hvmigerr: no answer: REDACTED\n"; got != want {
		t.Errorf("note = %q, want %q", got, want)
	}
}
