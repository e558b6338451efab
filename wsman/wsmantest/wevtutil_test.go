package wsmantest_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const vmmsAdmin = "Microsoft-Windows-Hyper-V-VMMS-Admin"

// wevtutilModel has three events of VMMS: 21024 two hours ago, 20415 a minute ago, and 1 in a minute.
func wevtutilModel() *wsmantest.Model {
	m := testModel()
	m.EventLogs = []wsmantest.EventLog{
		{Channel: vmmsAdmin, Events: []wsmantest.LogEvent{
			{ID: 21024, At: -120 * minute, Level: 2, RecordID: 7, Message: "Es schlug für „web-01“ fehl. \U0001F4A5", Fields: []wsmantest.LogField{{Value: "web-01"}}},
			{ID: 20415, At: -minute, Message: "done"},
			{ID: 1, At: minute},
		}},
		{Channel: "Denied", Code: 5},
	}
	return m
}

// decodeUTF16 returns the text of UTF-16LE octets, with its byte order mark.
func decodeUTF16(t *testing.T, s string) string {
	t.Helper()
	if len(s)%2 != 0 {
		t.Fatalf("%d octets are no UTF-16", len(s))
	}
	var units []uint16
	for i := 0; i < len(s); i += 2 {
		units = append(units, uint16(s[i])|uint16(s[i+1])<<8)
	}
	return string(utf16.Decode(units))
}

// eventIDs returns the EventIDs in a run of events, or of those in one element.
func eventIDs(t *testing.T, text string) string {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString("<run>" + text + "</run>"); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var ids []string
	for _, e := range doc.FindElements("//EventID") {
		ids = append(ids, e.Text())
	}
	return strings.Join(ids, " ")
}

// TestWevtutil asks for events, in every form that a client may.
func TestWevtutil(t *testing.T) {
	r := openShell(t, newServer(t, wsmantest.Config{Model: wevtutilModel()}))
	for line, want := range map[string]string{
		`wevtutil qe ` + vmmsAdmin + ` /uni:true`:                                                             "21024 20415",
		`wevtutil.exe qe "` + vmmsAdmin + `" /rd:true /uni:true`:                                              "20415 21024",
		`wevtutil qe ` + vmmsAdmin + ` /c:1 /f:XML /uni:true`:                                                 "21024",
		`wevtutil qe ` + vmmsAdmin + ` /c:1 /rd:true /uni:true`:                                               "20415",
		`wevtutil qe ` + vmmsAdmin + ` /q:"*[System[(Level=2)]]" /rd:true /c:1 /uni:true`:                     "21024",
		`wevtutil qe ` + vmmsAdmin + ` /q:"*[System[TimeCreated[timediff(@SystemTime) <= 60000]]]" /uni:1`:    "",
		`wevtutil qe ` + vmmsAdmin + ` /q:"*[System[TimeCreated[timediff(@SystemTime) <= 60000]]]" /uni:true`: "20415",
		`wevtutil qe ` + vmmsAdmin + ` /q:"*[System[(Level=1)]]" /uni:true`:                                   "",
		`wevtutil qe System /uni:true`:                                                                        "",
	} {
		got := r.run(line)
		wrong := strings.HasSuffix(line, "/uni:1")
		if wrong != (got.exitCode == "87") || wrong != (got.stderr != "") || !wrong && got.exitCode != "0" {
			t.Errorf("%s: exit code %s, stderr %q", line, got.exitCode, got.stderr)
		}
		if ids := eventIDs(t, strings.TrimPrefix(decodeUTF16(t, got.stdout), "\ufeff")); ids != want {
			t.Errorf("%s: events %s, want %s", line, ids, want)
		}
	}

	line := `wevtutil qe ` + vmmsAdmin + ` /e:Events /f:RenderedXml /rd:true /uni:true`
	text := strings.TrimPrefix(decodeUTF16(t, r.run(line).stdout), "\ufeff")
	if !strings.HasPrefix(text, "<Events><Event ") || !strings.HasSuffix(text, "</Event>\r\n</Events>\r\n") || eventIDs(t, text) != "20415 21024" ||
		!strings.Contains(text, "<Message>Es schlug für „web-01“ fehl. \U0001F4A5</Message>") {
		t.Errorf("%s: %s", line, text)
	}
	line = `wevtutil qe ` + vmmsAdmin + ` /f:text /c:1`
	if text := r.run(line).stdout; !strings.Contains(text, "Event ID: 21024\r\n") || !strings.Contains(text, "Log Name: "+vmmsAdmin) {
		t.Errorf("%s: %s", line, text)
	}
}

// TestWevtutilEncodings writes the same text in every encoding.
func TestWevtutilEncodings(t *testing.T) {
	const line = `wevtutil qe ` + vmmsAdmin + ` /f:RenderedXml /c:1`
	utf16le := func(s string) string { return decodeUTF16(t, s) }
	same := func(s string) string { return s }
	for name, tt := range map[string]struct {
		encoding wsmantest.ShellEncoding
		unicode  string
		read     func(string) string
		prefix   string
		want     string
	}{
		"the default":     {"", " /uni:true", utf16le, "\ufeff<Event", "für „web-01“ fehl. \U0001F4A5<"},
		"with a mark":     {wsmantest.EncodingUTF16BOM, " /uni:true", utf16le, "\ufeff<Event", "für „web-01“ fehl. \U0001F4A5<"},
		"without a mark":  {wsmantest.EncodingUTF16, " /uni:true", utf16le, "<Event", "für „web-01“ fehl. \U0001F4A5<"},
		"UTF-8":           {wsmantest.EncodingUTF8, " /uni:true", same, "<Event", "für „web-01“ fehl. \U0001F4A5<"},
		"windows-1252":    {wsmantest.EncodingCP1252, " /uni:true", same, "<Event", "f\xfcr \x84web-01\x93 fehl. ?<"},
		"without unicode": {wsmantest.EncodingUTF16, "", same, "<Event", "f\xfcr \x84web-01\x93 fehl. ?<"},
	} {
		t.Run(name, func(t *testing.T) {
			m := wevtutilModel()
			m.Shell.Encoding = tt.encoding
			m.Shell.Chunk = 11
			got := tt.read(openShell(t, newServer(t, wsmantest.Config{Model: m})).run(line + tt.unicode).stdout)
			if !strings.HasPrefix(got, tt.prefix) || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q first and %q in it", got, tt.prefix, tt.want)
			}
		})
	}
}

// TestWevtutilFails ends with the number of the error and a text in the host's language.
func TestWevtutilFails(t *testing.T) {
	m := wevtutilModel()
	m.Locale = "de-DE"
	r := openShell(t, newServer(t, wsmantest.Config{Model: m}))
	many := strings.TrimSuffix(strings.Repeat("EventID=1 or ", 21), " or ")
	for line, want := range map[string]commandResult{
		`wevtutil qe Nowhere /uni:true`:                                           {"", "nicht gelesen werden: Fehler 15007.\r\n", "15007", 1},
		`wevtutil qe Denied /uni:true`:                                            {"", "nicht gelesen werden: Fehler 5.\r\n", "5", 1},
		`wevtutil qe System /q:"*[" /uni:true`:                                    {"", "nicht gelesen werden: Fehler 15001.\r\n", "15001", 1},
		`wevtutil qe System /q:"*[System[` + many + `]]" /uni:true`:               {"", "nicht gelesen werden: Fehler 15026.\r\n", "15026", 1},
		`wevtutil qe Nowhere`:                                                     {"", "Die Ereignisse k\xf6nnen nicht gelesen werden: Fehler 15007.\r\n", "15007", 1},
		`wevtutil epl System x`:                                                   {"", "Die Ereignisse k\xf6nnen nicht gelesen werden: Fehler 87.\r\n", "87", 1},
		`wevtutilx qe System`:                                                     {"", "'wevtutilx' is no command that this host knows.\r\n", "9009", 1},
		`wevtutil qe System & del`:                                                {"", "an operator outside quotes, which is not simulated\r\n", "1", 1},
		`wevtutil qe System /q:"*[System[TimeCreated[@SystemTime>='%d']]]"`:       {"", "a percent sign, which is not simulated\r\n", "1", 1},
		`wevtutil qe System /q:"` + strings.Repeat("x", 8192) + `" and much more`: {"", "the line is too long\r\n", "1", 1},
	} {
		got := r.run(line)
		if strings.HasSuffix(line, "/uni:true") {
			got.stderr = strings.TrimPrefix(decodeUTF16(t, got.stderr), "\ufeffDie Ereignisse können ")
		}
		if got != want {
			t.Errorf("%.60s: %+v, want %+v", line, got, want)
		}
	}
}

// TestWevtutilTruncates cuts the output, in the middle of a character if need be, as often as the model says.
func TestWevtutilTruncates(t *testing.T) {
	const line = `wevtutil qe ` + vmmsAdmin + ` /uni:true`
	m := wevtutilModel()
	whole := openShell(t, newServer(t, wsmantest.Config{Model: m})).run(line)
	for _, tt := range []struct{ truncate, count, first, second int }{
		{1, 0, 1, 1},
		{501, 0, 501, 501},
		{1501, 1, 1501, len(whole.stdout)},
		{1 << 20, 0, len(whole.stdout), len(whole.stdout)},
	} {
		m := wevtutilModel()
		m.Shell.Truncate, m.Shell.TruncateCount, m.Shell.Chunk = tt.truncate, tt.count, 64
		r := openShell(t, newServer(t, wsmantest.Config{Model: m}))
		for _, want := range []int{tt.first, tt.second} {
			if got := r.run(line); got.stdout != whole.stdout[:want] || got.exitCode != "0" {
				t.Errorf("truncate %d: %d octets, want the first %d; exit code %s", tt.truncate, len(got.stdout), want, got.exitCode)
			}
		}
	}
}

// TestWevtutilNow reads what the log holds when the command begins.
func TestWevtutilNow(t *testing.T) {
	now := &clock{start}
	r := openShell(t, newServer(t, wsmantest.Config{Model: wevtutilModel(), Clock: now.now}))
	const line = `wevtutil qe ` + vmmsAdmin + ` /uni:true`
	before := r.start(line)
	now.t = start.Add(time.Hour)
	for id, want := range map[string]string{before: "21024 20415", r.start(line): "21024 20415 1"} {
		if got := eventIDs(t, strings.TrimPrefix(decodeUTF16(t, r.drain(id).stdout), "\ufeff")); got != want {
			t.Errorf("events %s, want %s", got, want)
		}
	}
}

// FuzzShell sends any body for any action to a shell, its own ids in place of SHELL and COMMAND. The answer is an envelope that our own
// client reads, and what runs ends.
func FuzzShell(f *testing.F) {
	for _, e := range []envelope{
		shellEnvelope("Create", "", ""), shellEnvelope("Delete", "SHELL", ""),
		shellEnvelope("Command", "SHELL", commandBody(`wevtutil qe "`+vmmsAdmin+`" /q:"*[System[(Level=2)]]" /f:RenderedXml /uni:true`)),
		shellEnvelope("Command", "SHELL", "<r:CommandLine><r:Command>a</r:Command><r:Arguments>b</r:Arguments></r:CommandLine>"),
		shellEnvelope("Receive", "SHELL", receiveBody("COMMAND")), shellEnvelope("Send", "SHELL", sendBody("COMMAND", "x", `End="1"`)),
		shellEnvelope("Signal", "SHELL", signalBody("COMMAND", "terminate")), shellEnvelope("Signal", "SHELL", signalBody("COMMAND", "ctrl_c")),
	} {
		f.Add(e.action, e.body)
	}
	f.Fuzz(func(t *testing.T, action, body string) {
		if !validXMLText(action) || strings.ContainsAny(action, "<&") || !validXMLText(body) {
			return
		}
		r := openShell(t, newServer(t, wsmantest.Config{Model: wevtutilModel(), HTTP: true}))
		body = strings.ReplaceAll(body, "COMMAND", r.start(`wevtutil qe `+vmmsAdmin))
		e := envelope{action: action, resource: uriCmd, body: body, selectors: map[string]string{"ShellId": r.id}}
		if action == uriCreate {
			e.selectors = nil
		}
		reply, err := r.s.Transport("administrator").RoundTrip(t.Context(), &wsman.Request{Body: []byte(e.String())})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wsman.DecodeEnvelope(reply.Body); err != nil && outcome(reply, nil) == "protocol error" {
			t.Fatalf("answer %s: %v", reply.Body, err)
		}
		if got := r.s.OpenShells(); got > 2 {
			t.Fatalf("%d shells", got)
		}
	})
}
