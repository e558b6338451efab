package wsmantest_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestFraming reads sealed answers in every layout with the decoder that clients use, and looks at the layout.
func TestFraming(t *testing.T) {
	t.Parallel()
	windows := "--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n" +
		"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length="
	for name, tt := range map[string]struct {
		framing     wsmantest.Framing
		begins, end string
	}{
		"Windows":         {wsmantest.Framing{}, windows, "--Encrypted Boundary--\r\n"},
		"blanks":          {wsmantest.Framing{Indent: "  "}, "--Encrypted Boundary\r\n  Content-Type: ", "--Encrypted Boundary--\r\n"},
		"no indent":       {wsmantest.Framing{OmitIndent: true}, strings.ReplaceAll(windows, "\t", ""), "--Encrypted Boundary--\r\n"},
		"Exchange":        {wsmantest.Framing{SpacedBoundary: true}, "-- Encrypted Boundary\r\n\tContent-Type: ", "-- Encrypted Boundary--\r\n"},
		"lower case":      {wsmantest.Framing{LowerCase: true}, "--Encrypted Boundary\r\n\tcontent-type: ", "--Encrypted Boundary--\r\n"},
		"no line end":     {wsmantest.Framing{OmitEnd: true}, windows, "--Encrypted Boundary--"},
		"two line ends":   {wsmantest.Framing{ExtraEnd: true}, windows, "--Encrypted Boundary--\r\n\r\n"},
		"several pairs":   {wsmantest.Framing{PairSize: 256}, windows + "256\r\n", "--Encrypted Boundary--\r\n"},
		"all of them":     {wsmantest.Framing{Indent: " \t", SpacedBoundary: true, LowerCase: true, ExtraEnd: true, PairSize: 1000}, "-- Encrypted Boundary\r\n \tcontent-type: ", "-- Encrypted Boundary--\r\n\r\n"},
		"one larger pair": {wsmantest.Framing{PairSize: 1 << 20}, windows, "--Encrypted Boundary--\r\n"},
	} {
		for _, w := range ways() {
			t.Run(name+"/"+w.name, func(t *testing.T) {
				t.Parallel()
				s := started(t, wsmantest.Config{HTTP: true, Dialect: &wsmantest.Dialect{Framing: tt.framing}})
				d := dial(t, s)
				d.shake(w.scheme, w.start(d, s, "administrator"))
				for _, envelope := range []string{getJob().String(), strings.Replace(getJob().String(), jobFailed, "x", 1)} {
					resp, body := d.send(envelope)
					begins := tt.begins
					if w.scheme == "Kerberos" {
						begins = strings.Replace(begins, "SPNEGO", "Kerberos", 1)
					}
					if !strings.HasPrefix(string(body), begins) || !strings.HasSuffix(string(body), tt.end) {
						t.Errorf("body begins with %.200q and ends with %q", body, body[len(body)-30:])
					}
					if got := resp.Header.Get("Content-Type"); got != sealed.ContentType(d.protocol) || resp.ContentLength != int64(len(body)) {
						t.Errorf("Content-Type %q, length %d", got, resp.ContentLength)
					}
					until, _, _ := strings.Cut(begins, ": ")
					if binary := until + ": application/octet-stream\r\n"; !strings.Contains(string(body), binary) {
						t.Errorf("body %.400q without %q", body, binary)
					}
					if text, err := d.unseal(resp, body); err != nil || !strings.HasSuffix(text, "Envelope>") {
						t.Errorf("answer %.200q, %v", text, err)
					}
				}
			})
		}
	}
}

// TestBadFraming refuses layouts that make no sense.
func TestBadFraming(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]wsmantest.Framing{
		"indent \"x\"": {Indent: "x"}, "omitIndent exclude": {Indent: " ", OmitIndent: true}, "extraEnd exclude": {OmitEnd: true, ExtraEnd: true}, "pairSize -1": {PairSize: -1}, "pairSize 255": {PairSize: 255},
	} {
		_, err := wsmantest.NewServer(wsmantest.Config{Dialect: &wsmantest.Dialect{Framing: f}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewServer(%+v) = %v, want an error with %q", f, err, want)
		}
	}
}

// TestRulesOnSealedSessions looks at what rules do to sealed answers: first a Get that no rule is for, then one.
func TestRulesOnSealedSessions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule   wsmantest.Rule
		status int
		sealed bool   // the answer verifies
		text   string // what it contains, unsealed if it is sealed
	}{
		"nothing":         {wsmantest.Rule{}, 200, true, "Msvm_MigrationJob"},
		"fault":           {wsmantest.Rule{Fault: wsmantest.FaultQuotaLimit}, 500, true, "QuotaLimit"},
		"page":            {wsmantest.Rule{Status: 503}, 503, false, "<h2>Service Unavailable"},
		"401":             {wsmantest.Rule{Status: 401}, 401, false, "<h2>Unauthorized"},
		"401 with a body": {wsmantest.Rule{Status: 401, Body: new("no")}, 401, false, "no"},
		"redirect":        {wsmantest.Rule{Status: 302, Body: new("away")}, 302, false, "away"},
		"status and body": {wsmantest.Rule{Status: 500, Body: new("<a>")}, 500, true, "<a>"},
		"body":            {wsmantest.Rule{Body: new("<a>")}, 200, true, "<a>"},
		"empty body":      {wsmantest.Rule{Body: new("")}, 200, true, ""},
		"padded":          {wsmantest.Rule{Size: 100000}, 200, true, strings.Repeat(" ", 90000)},
		"chunked":         {wsmantest.Rule{Chunked: true}, 200, true, "Msvm_MigrationJob"},
		"in clear":        {wsmantest.Rule{Seal: wsmantest.SealClear}, 200, false, "Msvm_MigrationJob"},
		"fault in clear":  {wsmantest.Rule{Seal: wsmantest.SealClear, Fault: wsmantest.FaultTimedOut}, 500, false, "TimedOut"},
		"altered":         {wsmantest.Rule{Seal: wsmantest.SealAltered}, 200, false, ""},
		"altered, empty":  {wsmantest.Rule{Seal: wsmantest.SealAltered, Body: new("")}, 200, false, ""},
		"replayed":        {wsmantest.Rule{Seal: wsmantest.SealReplayed}, 200, false, ""},
		"cut":             {wsmantest.Rule{Cut: new(200)}, 200, false, "Encrypted Boundary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.rule.After = 1
			s := started(t, wsmantest.Config{HTTP: true, Rules: []wsmantest.Rule{tt.rule}})
			d := dial(t, s)
			d.shake("Kerberos", d.kerberos(s, "administrator", ""))
			if status, _ := d.ask(getJob().String()); status != 200 {
				t.Fatalf("status %d before the rule acts", status)
			}
			resp, body, err := d.post(d.seal(getJob().String()), "Content-Type", sealed.ContentType(d.protocol))
			if err != nil && (tt.rule.Cut == nil || !errors.Is(err, io.ErrUnexpectedEOF)) {
				t.Fatal(err)
			}
			text := string(body)
			if tt.sealed {
				if text, err = d.unseal(resp, body); err != nil {
					t.Fatal(err)
				}
			} else if plaintext, _, err := sealed.Decode(d.context, resp.Header.Get("Content-Type"), slices.Clone(body)); err == nil {
				t.Errorf("it verifies: %q", plaintext)
			}
			if resp.StatusCode != tt.status || !strings.Contains(text, tt.text) {
				t.Errorf("status %d, %.300q; want %d with %.300q", resp.StatusCode, text, tt.status, tt.text)
			}
		})
	}
}

// TestHandshakeRules disturbs the second token of NTLM; a rule for every operation leaves it alone.
func TestHandshakeRules(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule     wsmantest.Rule
		statuses []int // of both tokens; 0 for no answer
		next     int   // the status of a request after that, 0 for none
	}{
		"every operation": {wsmantest.Rule{Status: 503}, []int{401, 200}, 503},
		"first token":     {wsmantest.Rule{Operation: "Authenticate", Status: 503}, []int{503}, 401},
		"last token":      {wsmantest.Rule{Operation: "authenticate", Status: 503, After: 1}, []int{401, 503}, 401},
		"known user":      {wsmantest.Rule{Operation: "Authenticate", Status: 403, User: "administrator"}, []int{401, 403}, 401},
		"refused":         {wsmantest.Rule{Operation: "Authenticate", Status: 401, After: 1}, []int{401, 401}, 401},
		"session denied":  {wsmantest.Rule{Operation: "Authenticate", Status: 200, After: 1}, []int{401, 200}, 401},
		"garbage":         {wsmantest.Rule{Operation: "Authenticate", Header: map[string]string{"WWW-Authenticate": "Negotiate AAAA"}, After: 1}, []int{401, 200}, 200},
		"body":            {wsmantest.Rule{Operation: "Authenticate", Body: new("x"), After: 1, Delay: 1}, []int{401, 200}, 200},
		"dropped":         {wsmantest.Rule{Operation: "Authenticate", Drop: true, After: 1}, []int{401, 0}, 0},
		"reset":           {wsmantest.Rule{Operation: "Authenticate", Reset: true}, []int{0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := started(t, wsmantest.Config{HTTP: true, Rules: []wsmantest.Rule{tt.rule}})
			d := dial(t, s)
			h := d.ntlm("administrator")
			var statuses []int
			var token []byte
			for range tt.statuses {
				out, err := h.Step(token)
				if err != nil {
					t.Fatal(err)
				}
				resp, _, err := d.post(nil, "Authorization", "Negotiate "+base64Of(out))
				if err != nil {
					statuses = append(statuses, 0)
					break
				}
				statuses = append(statuses, resp.StatusCode)
				if resp.StatusCode == 401 {
					token = tokenFor(t, resp, "Negotiate")
				}
			}
			if !slices.Equal(statuses, tt.statuses) {
				t.Errorf("statuses %v, want %v", statuses, tt.statuses)
			}
			if tt.next == 0 {
				return
			}
			body, contentType := []byte(identifyEnvelope), "application/soap+xml"
			if h.Context() != nil {
				d.accept("Negotiate", h)
				body, contentType = d.seal(identifyEnvelope), sealed.ContentType(d.protocol)
			}
			if resp, _ := d.must(body, "Content-Type", contentType); resp.StatusCode != tt.next {
				t.Errorf("then status %d, want %d", resp.StatusCode, tt.next)
			}
		})
	}
	for _, r := range []wsmantest.Rule{
		{Operation: "Authenticate", Fault: wsmantest.FaultTimedOut},
		{Operation: "Authenticate", Work: 1},
		{Operation: "Authenticate", RelatesTo: "x"},
		{Seal: "odd"},
	} {
		if _, err := wsmantest.NewServer(wsmantest.Config{Rules: []wsmantest.Rule{r}}); err == nil {
			t.Errorf("NewServer with rule %+v succeeded", r)
		}
	}
}

// TestOmitChallenges says what it takes only to who tries.
func TestOmitChallenges(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true, Dialect: &wsmantest.Dialect{OmitChallenges: true}})
	d := dial(t, s)
	for header, challenges := range map[string]int{"": 0, "Basic eDp4": 2, "Negotiate AAAA": 2} {
		var headers []string
		if header != "" {
			headers = []string{"Authorization", header}
		}
		resp, _ := d.must([]byte(identifyEnvelope), append(headers, "Content-Type", "application/soap+xml")...)
		if got := resp.Header.Values("WWW-Authenticate"); resp.StatusCode != 401 || len(got) != challenges {
			t.Errorf("%q: %d with challenges %q, want %d", header, resp.StatusCode, got, challenges)
		}
	}
	if statuses, _ := d.shake("Negotiate", d.ntlm("reader")); !slices.Equal(statuses, []int{401, 200}) {
		t.Errorf("statuses %v of a handshake", statuses)
	}
}

// TestConnectionClose closes after every answer, but not in the midst of a handshake.
func TestConnectionClose(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true, Dialect: &wsmantest.Dialect{ConnectionClose: true}})
	for range 2 {
		d := dial(t, s)
		if statuses, last := d.shake("Negotiate", d.ntlm("reader")); !slices.Equal(statuses, []int{401, 200}) || last.Close {
			t.Errorf("statuses %v of a handshake, close %v", statuses, last.Close)
		}
		resp, body := d.send(getJob().String())
		if text, err := d.unseal(resp, body); err != nil || !resp.Close || resp.StatusCode != http.StatusOK {
			t.Errorf("answer %d, close %v, %.100q, %v", resp.StatusCode, resp.Close, text, err)
		}
		if _, _, err := d.post(d.seal(getJob().String()), "Content-Type", sealed.ContentType(d.protocol)); err == nil {
			t.Error("a second answer on the connection")
		}
	}
}

// TestMethods enables methods one by one and looks at the challenges, and at which of them work.
func TestMethods(t *testing.T) {
	t.Parallel()
	for method, want := range map[wsmantest.AuthMethod]struct {
		challenges []string
		statuses   []int // of NTLM, Kerberos, Kerberos in Negotiate, Kerberos in SPNEGO, Basic
	}{
		wsmantest.AuthMethodNTLM:        {[]string{"Negotiate"}, []int{200, 401, 401, 401, 401}},
		wsmantest.AuthMethodKerberos:    {[]string{"Negotiate", "Kerberos"}, []int{401, 200, 200, 200, 401}},
		wsmantest.AuthMethodBasic:       {[]string{`Basic realm="WSMAN"`}, []int{401, 401, 401, 401, 200}},
		wsmantest.AuthMethodCertificate: {nil, []int{401, 401, 401, 401, 401}},
	} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			s := started(t, wsmantest.Config{Auth: []wsmantest.AuthMethod{method}, Keytab: keytab()})
			tickets := newServer(t, wsmantest.Config{Keytab: keytab()})
			d := dial(t, s)
			resp, _ := d.must([]byte(identifyEnvelope), "Content-Type", "application/soap+xml")
			if got := resp.Header.Values("WWW-Authenticate"); resp.StatusCode != 401 || !slices.Equal(got, want.challenges) {
				t.Errorf("%d with challenges %q, want %q", resp.StatusCode, got, want.challenges)
			}
			last := func(scheme string, h sealed.Handshake) int {
				statuses, _ := d.shake(scheme, h)
				return statuses[len(statuses)-1]
			}
			got := []int{
				last("Negotiate", d.ntlm("reader")), last("Kerberos", d.kerberos(tickets, "reader", "HTTP/hv77")),
				last("Negotiate", d.kerberos(tickets, "reader", "HTTP/hv77")),
				last("Negotiate", wrapped(d.kerberos(tickets, "reader", "HTTP/hv77"))),
			}
			resp, _ = d.must([]byte(identifyEnvelope), "Content-Type", "application/soap+xml", "Authorization", "Basic "+base64Of([]byte("reader:reader-pass")))
			if got = append(got, resp.StatusCode); !slices.Equal(got, want.statuses) {
				t.Errorf("statuses %v, want %v", got, want.statuses)
			}
		})
	}
}
