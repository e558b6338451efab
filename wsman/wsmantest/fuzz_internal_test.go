// An internal test: a fuzzed header is to reach the handler without the client of net/http, which refuses some of them.

package wsmantest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// FuzzAuthorization gives a connection any two Authorization headers in turn, with any body. Nobody gets in, and nothing
// but a 401 comes back.
func FuzzAuthorization(f *testing.F) {
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	s, err := NewServer(Config{HTTP: true, AllowUnencrypted: true, Clock: func() time.Time { return now }})
	if err != nil {
		f.Fatal(err)
	}
	const (
		ntlm     = "Negotiate TlRMTVNTUAABAAAAt4II4gAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw==" // NEGOTIATE with every flag that is due
		kerberos = "Kerberos YIIBHAYJKoZIhvcSAQICAQBu"
	)
	f.Add(ntlm, "Negotiate TlRMTVNTUAADAAAA", "")
	f.Add(kerberos, "Negotiate YBoGBisGAQUFAqAQMA6gDDAKBgorBgEEAYI3AgIK", "x")
	f.Add("Basic eDp4", authorizationCertificate, "")
	f.Add("negotiate oQMEAQ==", "", "x")
	f.Fuzz(func(t *testing.T, first, second, body string) {
		ctx := withConnection(t.Context(), nil)
		for _, header := range []string{first, second, ""} {
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, endpointPath, strings.NewReader(body))
			r.Header.Set("Content-Type", contentTypeSOAP)
			r.Header["Authorization"] = []string{header}
			w := httptest.NewRecorder()
			s.serveHTTP(w, r)
			if w.Code != http.StatusUnauthorized || w.Body.Len() > 0 {
				t.Fatalf("%q: %d %s", header, w.Code, w.Body)
			}
		}
	})
}
