// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
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

// TestWatchEcho: a host sends back the password in all that a journal records of it, names of properties and of jobs included. The
// journal can be read all the same.
func TestWatchEcho(t *testing.T) {
	clearEnvironment(t)
	for _, canary := range []string{`c4nary-Zug%spitze"7<&>\`, "C4NARY-zug.spitze", "C4NARY00"} {
		name := canary // of XML
		if strings.ContainsAny(name, `"<&>`) {
			name = "c4"
		}
		id := failedJob
		if canary == "C4NARY00" {
			id = "C4NARY00-0000-4000-8000-000000000002"
		}
		model := watchedModel()
		model.VMs = append(model.VMs, wsmantest.VM{Name: canary, ID: "0F1B4C77-2A5D-4D9E-8C3B-6B5D1E7F9A03"})
		model.Jobs = []wsmantest.Job{{
			ID: id, VM: canary, Destination: canary, StartsAfter: wsmantest.Duration(-2 * time.Minute), Duration: wsmantest.Duration(time.Minute),
			Outcome: wsmantest.Failed, ErrorSummaryDescription: canary,
			Properties: wsmantest.Properties{name: canary, "Caption": canary},
			Errors:     []wsmantest.Error{{Message: "failed: " + canary, MessageID: canary, Properties: wsmantest.Properties{name: canary, "Owner": canary}}},
		}}
		fault := `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>` +
			`<s:Reason><s:Text xml:lang="en">` + html.EscapeString(canary) + `</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`
		for kind, rules := range map[string][]wsmantest.Rule{"answer": nil, "fault": {{Operation: "GetErrorEx", Status: 500, Body: &fault}}} {
			_, args := newWatchHost(t, wsmantest.Config{Model: model, Rules: rules, Users: []wsmantest.User{{Name: "administrator", Password: wsmantest.Password(canary)}}})
			t.Setenv(passwordVariable, canary)
			journal := filepath.Join(t.TempDir(), "watch.jsonl")
			got := invokeRun(t.Context(), strings.NewReader(""), append(args, "--job", id, "--both-ends", "--deadline", "1m", "--journal", journal)...)
			if got.code != exitMigration {
				t.Fatalf("%s: %+v", kind, got)
			}
			recorded := readAll(t, journal)
			for what, text := range map[string]string{"the journal": recorded, "stdout": got.stdout, "stderr": got.stderr} {
				for _, s := range append(everyString(t, text), text) {
					if strings.Contains(s, canary[:8]) {
						t.Errorf("%s, %s: %q is in %s: %q", canary, kind, canary[:8], what, s)
					}
				}
			}
			if strings.Count(recorded, redacted) < 10 || len(decodeEvents(t, recorded)) != 1 {
				t.Errorf("%s, %s: the journal has\n%s", canary, kind, recorded)
			}
			code, stdout, stderr := runAt(t, "get", "--journal", journal)
			if want := map[string]int{"answer": exitOK, "fault": exitFault}[kind]; code != want || strings.Contains(stderr, "cannot be read") || !strings.Contains(stdout, "1 of 1 migration failed") || !strings.Contains(stdout, redacted) {
				t.Errorf("%s, %s: get: exit %d, want %d; %s\n%s", canary, kind, code, want, stderr, stdout)
			}
			file, err := watch.OpenJournal(journal)
			if err != nil {
				t.Fatal(err)
			}
			w := &watcher{app: newApp(nil, io.Discard, io.Discard), flags: &watchFlags{}, journal: file}
			w.app.secrets = newRedactor(&transport.Config{Auth: transport.AuthNTLM, Password: transport.NewSecret(canary)}, transport.Proxy{})
			host, _, _ := strings.Cut(decodeEvents(t, recorded)[0].ID, "/")
			if engine := host + "/" + strings.ToUpper(id) + "/failed"; !w.config(nil).Recorded(engine) {
				t.Errorf("%s, %s: %s would be told again", canary, kind, engine)
			}
			if err := w.closeJournal(); err != nil {
				t.Error(err)
			}
		}
	}
}

// everyString returns all strings in lines of JSON, keys too; nothing of a text that is none.
func everyString(t *testing.T, lines string) []string {
	t.Helper()
	var list []string
	for line := range strings.Lines(lines) {
		for _, token := range tokens(t, []byte(line)) {
			if s, ok := token.(string); ok {
				list = append(list, s)
			}
		}
	}
	return list
}

// FuzzRedactJSON: JSON stays JSON whatever the password is, with the same keys, and no other string has it.
func FuzzRedactJSON(f *testing.F) {
	for _, password := range []string{"null", "true", `":""`, `\"}]`, "text", "123456", "é\u2028<>", "otherProperties", "\\u0041"} {
		for _, text := range []string{
			`{"text":"` + `a text with null and true in it","list":["null",null,true,123456,{"text":"text"}]}`,
			`{"otherProperties":{"text":"x","true":["text"]},"text":"text","state":"true"}`,
			`["\u0074ext","\":\"\"","\\\"}]","\u00e9\u2028\u003c>","\\u0041"]`, `""`, `"\\"`,
		} {
			f.Add(text, password)
		}
	}
	f.Fuzz(func(t *testing.T, text, password string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil || len(password) < leastPassword || strings.Contains(redacted, password) {
			return
		}
		compact, err := formatJSON(v, "", "")
		if err != nil {
			t.Fatal(err)
		}
		r := redactor{{password, password}}
		cleaned := r.json(compact, "state")
		if !json.Valid(cleaned) {
			t.Fatalf("%q is %s without %q", compact, cleaned, password)
		}
		before, after := tokens(t, compact), tokens(t, cleaned)
		if len(before) != len(after) {
			t.Fatalf("%q is %s without %q", compact, cleaned, password)
		}
		for i := range after {
			s, isText := after[i].(string)
			if after[i] != before[i] && (!isText || r.clean(before[i].(string)) != s) {
				t.Errorf("%v has become %v", before[i], after[i])
			}
		}
	})
}

// TestRedactJSON: values have no secret; our own keys, and words, stay.
func TestRedactJSON(t *testing.T) {
	t.Parallel()
	r := newRedactor(&transport.Config{Auth: transport.AuthBasic, User: "u", Password: transport.NewSecret("text")}, transport.Proxy{})
	const in = `{"text":"the text","list":["text",{"state":"text","otherProperties":{"a text":"text","b":["text"]},"text":null}],"raw":"te\u0078t"}`
	const want = `{"text":"the REDACTED","list":["REDACTED",{"state":"text","otherProperties":{"a REDACTED":"REDACTED","b":["REDACTED"]},"text":null}],"raw":"REDACTED"}`
	if got := string(r.json([]byte(in), "state")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
