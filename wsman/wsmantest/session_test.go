package wsmantest_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestNewHandshake changes the user in mid-session.
func TestNewHandshake(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true})
	d := dial(t, s)
	d.shake("Negotiate", d.ntlm("reader"))
	d.ask(getJob().String())
	d.shake("Negotiate", wrapped(d.kerberos(s, "administrator", "HTTP/hv77.corp.example")))
	if status, text := d.ask(callGetError().String()); status != 200 {
		t.Errorf("status %d as administrator\n%s", status, text)
	}
}

// TestBodyWithToken sends the first envelope together with the last token, as some clients do.
func TestBodyWithToken(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{false, true} {
		s := started(t, wsmantest.Config{HTTP: true, AllowUnencrypted: plain})
		d := dial(t, s)
		h := d.ntlm("administrator")
		first, err := h.Step(nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, _ := d.must([]byte(identifyEnvelope), "Authorization", "Negotiate "+base64Of(first), "Content-Type", "application/soap+xml")
		last, err := h.Step(tokenFor(t, resp, "Negotiate"))
		if err != nil {
			t.Fatal(err)
		}
		d.accept("Negotiate", h)
		body, contentType := []byte(getJob().String()), "application/soap+xml;charset=UTF-8"
		if !plain {
			body, contentType = d.seal(getJob().String()), sealed.ContentType(d.protocol)
		}
		resp, answer := d.must(body, "Authorization", "Negotiate "+base64Of(last), "Content-Type", contentType)
		text := string(answer)
		if !plain {
			if text, err = d.unseal(resp, answer); err != nil {
				t.Fatalf("%d: %v", resp.StatusCode, err)
			}
		}
		if resp.StatusCode != 200 || !strings.Contains(text, "Msvm_MigrationJob") {
			t.Errorf("plain %v: %d %s", plain, resp.StatusCode, text)
		}
	}
	// Kerberos: the answer holds the AP-REP, too.
	s := started(t, wsmantest.Config{})
	d := dial(t, s)
	h := d.kerberos(s, "administrator", "")
	token, err := h.Step(nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, answer := d.must([]byte(getJob().String()), "Authorization", "Kerberos "+base64Of(token), "Content-Type", "application/soap+xml")
	if _, err := h.Step(tokenFor(t, resp, "Kerberos")); err != nil || resp.StatusCode != 200 || !strings.Contains(string(answer), "Msvm_MigrationJob") {
		t.Errorf("Kerberos: %v, %d %s", err, resp.StatusCode, answer)
	}
}

// TestLargeBodies goes through sealed bodies up to the limit and beyond.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true})
	d := dial(t, s)
	d.shake("Negotiate", d.ntlm("administrator"))
	for _, size := range []int{1000, 65536, 500 << 10} {
		if status, text := d.ask(getJob().String() + strings.Repeat(" ", size-len(getJob().String()))); status != 200 {
			t.Errorf("%d octets: status %d %s", size, status, text)
		}
	}
	for _, size := range []int{500<<10 + 1, 600 << 10} {
		d := dial(t, s)
		d.shake("Negotiate", d.ntlm("administrator"))
		if resp, _ := d.send(strings.Repeat(" ", size)); resp.StatusCode != 413 {
			t.Errorf("%d octets: status %d, want 413", size, resp.StatusCode)
		}
	}
	// Sealed, but not SOAP; and sealed without a session.
	body, err := sealed.Encode(d.context, d.protocol, "text/plain", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := d.must(body, "Content-Type", sealed.ContentType(d.protocol)); resp.StatusCode != 415 {
		t.Errorf("text/plain: status %d, want 415", resp.StatusCode)
	}
	resp, _ := dial(t, started(t, wsmantest.Config{})).must(body, "Content-Type", sealed.ContentType(d.protocol), "Authorization", "Basic YWRtaW5pc3RyYXRvcjphZG1pbmlzdHJhdG9yLXBhc3M=")
	if resp.StatusCode != 415 {
		t.Errorf("sealed without a session: status %d, want 415", resp.StatusCode)
	}
}

// TestManySessions uses one server from many connections; the race detector watches.
func TestManySessions(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true})
	var wg sync.WaitGroup
	want := 2 * len(ways())
	for _, w := range ways() {
		for _, user := range []string{"administrator", "reader"} {
			d := dial(t, s)
			h := w.start(d, s, user)
			wg.Go(func() {
				d.shake(w.scheme, h)
				for range 5 {
					if status, _ := d.ask(getJob().String()); status != 200 {
						t.Errorf("%s as %s: status %d", w.name, user, status)
					}
				}
			})
		}
	}
	wg.Wait()
	if n := s.Connections(); n != want {
		t.Errorf("%d connections, want %d", n, want)
	}
}

// TestRuleOnTokenWithBody drops a connection at a last token that an envelope comes with.
func TestRuleOnTokenWithBody(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{Rules: []wsmantest.Rule{{Operation: "Authenticate", Drop: true}}})
	d := dial(t, s)
	token, err := d.kerberos(s, "administrator", "").Step(nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, _, err := d.post([]byte(getJob().String()), "Authorization", "Kerberos "+base64Of(token), "Content-Type", "application/soap+xml"); err == nil {
		t.Errorf("answer %d, want that the connection ends", resp.StatusCode)
	}
}
