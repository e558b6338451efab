//go:build integration

package integrationtest_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// TestSkew: MIT krb5 refuses us for the difference of the clocks, and its token says its time. The host's clock is right here and ours wrong, which
// package transport cannot be made to believe: so the tokens are sent by hand.
func TestSkew(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	a := newAcceptor(t, environment(t, k))
	b, err := os.ReadFile(k.forge(t, krb5.Forgery{StartTime: time.Now().Add(-time.Hour), EndTime: time.Now().Add(time.Hour)}))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := krb5.DecodeCCache(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		ahead time.Duration
		code  int32 // zero: accepted
	}{
		{"right", 0, 0},
		{"4 minutes ahead", 4 * time.Minute, 0},
		{"12 minutes ahead", 12 * time.Minute, krb5.CodeSkew},
		{"12 minutes behind", -12 * time.Minute, krb5.CodeSkew},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			service := krb5.Principal{Components: []string{"HTTP", "localhost"}}
			i := krb5.NewInitiator(krb5.InitiatorConfig{
				Credential: cache.Find(service, time.Now()), Now: func() time.Time { return time.Now().Add(tt.ahead) },
			})
			token, err := i.Step(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = i.Step(a.leg(t, token))
			e, _ := errors.AsType[*krb5.Error](err)
			switch {
			case tt.code == 0:
				if err != nil {
					t.Errorf("Step = %v", err)
				}
			case e == nil || e.Code != tt.code:
				t.Errorf("Step = %v, want code %d", err, tt.code)
			case time.Since(e.ServerTime).Abs() > time.Minute:
				t.Errorf("the host's time is %v, and it is %v", e.ServerTime, time.Now())
			}
		})
	}
}

// leg sends a token of scheme Kerberos on a new connection and returns the acceptor's.
func (a *acceptor) leg(t *testing.T, token []byte) []byte {
	t.Helper()
	url := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(a.port)) + "/wsman"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(nil))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Kerberos "+base64.StdEncoding.EncodeToString(token))
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		if text, ok := strings.CutPrefix(challenge, "Kerberos "); ok {
			answer, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
	}
	t.Fatalf("no token came with %s", resp.Status)
	return nil
}
