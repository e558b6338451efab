package wsmantest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

func fuzzServer(f *testing.F) *wsmantest.Server {
	f.Helper()
	s, err := wsmantest.NewServer(wsmantest.Config{Model: testModel(), Clock: (&clock{start}).now, HTTP: true})
	if err != nil {
		f.Fatal(err)
	}
	return s
}

// FuzzRequest answers any request with an envelope that our own client reads, or with 401 or 413.
func FuzzRequest(f *testing.F) {
	for _, e := range []envelope{
		getJob(), enumerateJobs(), callGetError(), pullOf("uuid:x", "<n:MaxElements>1</n:MaxElements>"),
		{action: wsman.ActionGet, resource: wsman.ResourceServiceConfig},
		callFormatError("<r:Errors>&lt;INSTANCE/></r:Errors>"),
	} {
		f.Add([]byte(e.String()))
	}
	f.Add([]byte(identifyEnvelope))
	f.Add([]byte("<a>"))
	files, err := filepath.Glob("testdata/*.golden.xml")
	if err != nil || len(files) == 0 {
		f.Fatalf("seeds: %v, %v", files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	s := fuzzServer(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		reply, err := s.Transport("administrator").RoundTrip(t.Context(), &wsman.Request{Body: in})
		if err != nil {
			if len(in) <= 500<<10 {
				t.Fatalf("RoundTrip: %v", err)
			}
			return
		}
		if len(reply.Body) > 512000 {
			t.Fatalf("an answer of %d octets", len(reply.Body))
		}
		_, err = wsman.DecodeEnvelope(reply.Body)
		if got := outcome(reply, nil); err != nil && got == "protocol error" {
			t.Fatalf("answer %s: %v", reply.Body, err)
		}
	})
}

// FuzzWQL answers any query with items or with the fault CannotProcessFilter.
func FuzzWQL(f *testing.F) {
	for query := range wqlQueries() {
		f.Add(query)
	}
	s := fuzzServer(f)
	f.Fuzz(func(t *testing.T, query string) {
		if strings.TrimSpace(query) == "" || !validXMLText(query) {
			return
		}
		c := newClient(t, s, wsman.Config{})
		for _, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs(), Query: query, MaxElements: 10}) {
			if err != nil && wsman.SubcodeOf(err) != wsman.SubcodeCannotProcessFilter {
				t.Fatalf("%q: %v", query, err)
			}
		}
	})
}

// validXMLText reports whether an envelope can carry s and stay within the limits of a request.
func validXMLText(s string) bool {
	ok := len(s) < 100000
	for _, r := range s {
		ok = ok && (r == '\t' || r == '\n' || r == '\r' || r >= ' ') && r != '\ufffd' && r != '\ufffe' && r != '\uffff'
	}
	return ok
}

// FuzzDecodeModel serves every model that is accepted.
func FuzzDecodeModel(f *testing.F) {
	f.Add([]byte(`{"jobs": [{"id": "a", "repeat": "1s", "duration": "1h", "errors": [{"message": "m"}], "properties": {"X": [1, null, true]}}]}`))
	f.Add([]byte(`{"vms": [{"name": "v", "id": "i"}], "users": [{"name": "u"}], "rules": [{"operation": "Get", "delay": "1ns"}], "dialect": {"prefixes": {"s": "t"}}}`))
	f.Add([]byte(`{"noClasses": ["msvm_error"], "migrationService": {"settings": {"X": 1}, "networks": [{}]}, "serviceConfig": {"a/b": null}}`))
	f.Add([]byte(`{"host": "` + "\u0001" + `"}`))
	if b, err := json.Marshal(wsmantest.DefaultModel(start)); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := wsmantest.DecodeModel(bytes.NewReader(in))
		if err != nil {
			return
		}
		m.Rules = nil // they may delay for ever, and send what they like
		s, err := wsmantest.NewServer(wsmantest.Config{Model: m, Users: wsmantest.DefaultUsers(), Clock: (&clock{start}).now, HTTP: true})
		if err != nil {
			t.Fatalf("NewServer: %v", err)
		}
		reply, err := s.Transport("administrator").RoundTrip(t.Context(), &wsman.Request{Body: []byte(enumerateJobs().String())})
		if err != nil {
			t.Fatalf("RoundTrip: %v", err)
		}
		if _, err := wsman.DecodeEnvelope(reply.Body); err != nil && outcome(reply, nil) == "protocol error" {
			t.Fatalf("answer %s: %v", reply.Body, err)
		}
	})
}

// FuzzCompare never panics, and finds every document that it can read the same as itself.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(getJob().String()), []byte(callGetError().String()))
	f.Add([]byte(`<a b="1"/>`), []byte("<a>"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		_ = wsmantest.Compare(a, b)
		if err := wsmantest.Compare(a, a); err != nil && !strings.HasPrefix(err.Error(), "wanted envelope:") {
			t.Fatalf("Compare(a, a) = %v", err)
		}
	})
}

// FuzzRelate replays to any request any response.
func FuzzRelate(f *testing.F) {
	f.Add([]byte(getJob().String()), []byte(`<e xmlns:a="`+wsman.NamespaceAddressing+`"><a:RelatesTo>x</a:RelatesTo></e>`))
	f.Add([]byte(`<a:MessageID xmlns:a="`+wsman.NamespaceAddressing+`"/>`), []byte(`<a:RelatesTo xmlns:a="`+wsman.NamespaceAddressing+`"/>`))
	f.Fuzz(func(t *testing.T, request, response []byte) {
		script := wsmantest.NewScript(wsmantest.Step{Response: response})
		if _, err := script.RoundTrip(t.Context(), &wsman.Request{Body: request}); err != nil {
			t.Fatal(err)
		}
	})
}
