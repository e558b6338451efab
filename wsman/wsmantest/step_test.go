package wsmantest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// recorded is an exchange as a trace writes it.
func recorded(t *testing.T) (request, response string) {
	t.Helper()
	s := newServer(t, wsmantest.Config{})
	c := newClient(t, s, wsman.Config{Trace: func(x *wsman.Exchange) { request, response = string(x.Request), string(x.Response) }})
	if _, err := c.Get(t.Context(), &wsman.GetRequest{Resource: jobs(), Selectors: key(jobFailed)}); err != nil {
		t.Fatal(err)
	}
	return request, response
}

// TestScript replays what was recorded, in the layout of testdata/exchange, to a client with other MessageIDs.
func TestScript(t *testing.T) {
	t.Parallel()
	request, response := recorded(t)
	fsys := fstest.MapFS{
		"one/request.xml": {Data: []byte(request)}, "one/response.xml": {Data: []byte(response)},
		"one/about.txt": {Data: []byte("source: this test\nstatus: 200\n")},
		"two/README":    {Data: []byte("not a folder")}, "two/001-Get/request.xml": {Data: []byte(request)},
		"two/001-Get/response.xml": {Data: []byte(response)}, "two/002-Get/response.xml": {Data: []byte("<html/>")},
		"two/002-Get/about.txt": {Data: []byte("status:503")},
		"bad/response.xml":      {Data: []byte("x")}, "bad/about.txt": {Data: []byte("status: x")}, "empty/x": {Data: nil},
	}
	get := func(steps []wsmantest.Step) (*wsmantest.Script, error) {
		script := wsmantest.NewScript(steps...)
		c := newClient(t, newServer(t, wsmantest.Config{}), wsman.Config{Transport: script, OperationTimeout: time.Second})
		job, err := c.Get(t.Context(), &wsman.GetRequest{Resource: jobs(), Selectors: key(jobFailed)})
		if err != nil {
			return script, err
		}
		if p, _, _ := job.Scalar("JobState"); p.Text != "10" {
			t.Errorf("JobState %q, want 10", p.Text)
		}
		return script, nil
	}
	one, err := wsmantest.LoadSteps(fsys, "one")
	if err != nil {
		t.Fatal(err)
	}
	if script, err := get(one); err != nil || script.Done() != nil {
		t.Errorf("one: %v, %v", err, script.Done())
	}
	two, err := wsmantest.LoadSteps(fsys, "two")
	if err != nil || len(two) != 2 || two[1].StatusCode != 503 || two[1].Request != nil {
		t.Fatalf("two: %+v, %v", two, err)
	}
	if script, err := get(two); err != nil || script.Done() == nil || !strings.Contains(script.Done().Error(), "1 steps were not reached") {
		t.Errorf("two: %v, %v", err, script.Done())
	}
	one[0].KeepRelatesTo = true
	var broken *wsman.ProtocolError
	if _, err := get(one); !errors.As(err, &broken) {
		t.Errorf("with the old RelatesTo: %v, want a *wsman.ProtocolError", err)
	}
	for _, dir := range []string{"bad", "empty", "none"} {
		if steps, err := wsmantest.LoadSteps(fsys, dir); err == nil {
			t.Errorf("LoadSteps(%s) = %v, want an error", dir, steps)
		}
	}
}

// TestScriptRefuses sends what a script does not expect.
func TestScriptRefuses(t *testing.T) {
	t.Parallel()
	request, _ := recorded(t)
	body := []byte(request)
	other := []byte(strings.Replace(request, jobFailed, jobRunning, 1))
	broken := &wsman.HTTPError{StatusCode: http.StatusTeapot}
	script := wsmantest.NewScript(
		wsmantest.Step{Name: "first", Request: body},
		wsmantest.Step{Check: func(r *wsman.Request) error {
			if !r.Anonymous {
				return errors.New("not anonymous")
			}
			return nil
		}},
		wsmantest.Step{Err: broken},
		wsmantest.Step{StatusCode: 500, Response: []byte("x"), Header: http.Header{"A": {"b"}}},
	)
	send := func(b []byte) (*wsman.Reply, error) {
		return script.RoundTrip(t.Context(), &wsman.Request{Body: b})
	}
	if _, err := send(other); err == nil || !strings.Contains(err.Error(), "request 1 (first): /Envelope/Header/SelectorSet/Selector: text") {
		t.Errorf("another selector: %v", err)
	}
	if _, err := send(body); err == nil || !strings.Contains(err.Error(), "request 2: not anonymous") {
		t.Errorf("check: %v", err)
	}
	if _, err := send(body); !errors.Is(err, broken) {
		t.Errorf("error: %v", err)
	}
	if reply, err := send(body); err != nil || reply.StatusCode != 500 || string(reply.Body) != "x" || reply.Header.Get("A") != "b" {
		t.Errorf("answer: %+v, %v", reply, err)
	}
	if _, err := send(body); err == nil || !strings.Contains(err.Error(), "one too many") {
		t.Errorf("one too many: %v", err)
	}
	if err := script.Done(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("Done() = %v, want three errors", err)
	}
}

// TestScriptHangs waits for the end of a context, in a bubble with its own time.
func TestScriptHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := wsmantest.NewScript(wsmantest.Step{Hang: true}).RoundTrip(ctx, &wsman.Request{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline's", err)
		}
		if _, err := wsmantest.NewScript().RoundTrip(ctx, &wsman.Request{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the deadline: %v, want the deadline's", err)
		}
	})
}

// TestCompare holds envelopes that mean the same against ones that do not.
func TestCompare(t *testing.T) {
	t.Parallel()
	want := getJob().String()
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(want) }
	tests := []struct {
		name, got, difference string // "": the same
	}{
		{"itself", want, ""},
		{"other prefixes", replace("<s:", "<env:", "</s:", "</env:", " s:", " env:", "xmlns:s=", "xmlns:env=", "<w:", "<wsman:", "</w:", "</wsman:", "xmlns:w=", "xmlns:wsman="), ""},
		{"blanks and a comment", replace("<s:Header>", "\n <s:Header><!-- x -->\n  "), ""},
		{"order of headers", replace("<a:MessageID>uuid:1</a:MessageID>", "", "<a:To>", "<a:MessageID>uuid:2</a:MessageID><a:To>"), ""},
		{"other MessageID and To", replace("uuid:1", "uuid:2", "https://hv77/wsman", "http://x"), ""},
		{"attributes that are not wanted", replace(`<s:Header>`, `<s:Header q="1" r="2">`), "attributes"},
		{"another selector", replace(jobFailed, jobRunning), "Selector: text"},
		{"another name", replace(`Name="InstanceID"`, `Name="Id"`), "Selector: attributes"},
		{"another namespace", replace("<s:Body>", `<s:Body xmlns:s="urn:x">`, "</s:Body>", "</s:Body>"), "element {urn:x}Body"},
		{"a header less", replace("<a:MessageID>uuid:1</a:MessageID>", ""), "Header"},
		{"a header more", replace("</s:Header>", "<a:From/></s:Header>"), "Header"},
		{"an element more", replace("<s:Body>", "<s:Body><x/>"), "element {}x is not wanted"},
		{"not XML", "<a>", "envelope:"},
	}
	for _, tt := range tests {
		err := wsmantest.Compare([]byte(want), []byte(tt.got))
		if (err == nil) != (tt.difference == "") || (err != nil && !strings.Contains(err.Error(), tt.difference)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.difference)
		}
	}
	if err := wsmantest.Compare([]byte("<a>"), []byte(want)); err == nil {
		t.Error("a wanted envelope that is not XML was accepted")
	}
	ordered := `<a q="1" r="2"/>`
	if err := wsmantest.Compare([]byte(ordered), []byte(`<a r="2" q="1"/>`)); err != nil {
		t.Errorf("attributes in another order: %v", err)
	}
	typed := `<a xmlns:i="` + wsman.NamespaceXSI + `" i:type="p:X"/>`
	if err := wsmantest.Compare([]byte(typed), []byte(strings.Replace(typed, "p:X", "n1:X", 1))); err != nil {
		t.Errorf("xsi:type under another prefix: %v", err)
	}
	if err := wsmantest.Compare([]byte(typed), []byte(strings.Replace(typed, "p:X", "p:Y", 1))); err == nil {
		t.Error("another xsi:type is the same")
	}
}
