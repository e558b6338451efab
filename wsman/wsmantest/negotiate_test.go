package wsmantest_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A way is one of the ways to authenticate with tokens.
type way struct {
	name, scheme string
	legs         []int // statuses
	start        func(d *dialogue, s *wsmantest.Server, user string) sealed.Handshake
}

func ways() []way {
	ntlm := func(d *dialogue, _ *wsmantest.Server, user string) sealed.Handshake { return d.ntlm(user) }
	kerberos := func(d *dialogue, s *wsmantest.Server, user string) sealed.Handshake { return d.kerberos(s, user, "") }
	return []way{
		{"NTLM", "Negotiate", []int{401, 200}, ntlm},
		{"NTLM in SPNEGO", "Negotiate", []int{401, 200}, func(d *dialogue, _ *wsmantest.Server, user string) sealed.Handshake {
			return wrapped(d.ntlm(user))
		}},
		{"Kerberos", "Kerberos", []int{200}, kerberos},
		{"Kerberos as it is in Negotiate", "Negotiate", []int{200}, kerberos},
		{"Kerberos in SPNEGO", "Negotiate", []int{200}, func(d *dialogue, s *wsmantest.Server, user string) sealed.Handshake {
			return wrapped(d.kerberos(s, user, ""))
		}},
	}
}

// TestSealedSessions authenticates in every way, over HTTP and HTTPS, and counts at the acceptor: NTLM two requests,
// Kerberos one, then one per operation, on one connection.
func TestSealedSessions(t *testing.T) {
	t.Parallel()
	for _, w := range ways() {
		for _, plain := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/http=%v", w.name, plain), func(t *testing.T) {
				t.Parallel()
				s := started(t, wsmantest.Config{HTTP: plain})
				d := dial(t, s)
				statuses, _ := d.shake(w.scheme, w.start(d, s, "reader"))
				if diff := cmp.Diff(w.legs, statuses); diff != "" {
					t.Fatalf("statuses of the handshake (-want +got):\n%s", diff)
				}
				for _, tt := range []struct {
					envelope, contains string
					status             int
				}{
					{identifyEnvelope, "OS: 10.0", 200},
					{getJob().String(), "Msvm_MigrationJob", 200},
					{callGetError().String(), "AccessDenied", 500}, // reader may not invoke
					{strings.Replace(getJob().String(), jobFailed, "x", 1), "DestinationUnreachable", 500},
				} {
					if status, text := d.ask(tt.envelope); status != tt.status || !strings.Contains(text, tt.contains) {
						t.Errorf("status %d, want %d with %s\n%s", status, tt.status, tt.contains, text)
					}
				}
				var want []string
				for i, status := range w.legs {
					user := ""
					if i == len(w.legs)-1 {
						user = "reader"
					}
					want = append(want, fmt.Sprintf("Authenticate %s %s false %d", w.scheme, user, status))
				}
				for _, operation := range []string{"Identify", "Get", "GetError", "Get"} {
					status := 200
					if len(want) >= len(w.legs)+2 {
						status = 500
					}
					want = append(want, fmt.Sprintf("%s %s reader true %d", operation, w.scheme, status))
				}
				if diff := cmp.Diff(want, records(s)); diff != "" {
					t.Errorf("records (-want +got):\n%s", diff)
				}
				if n := s.Connections(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			})
		}
	}
}

// records returns what the server recorded, in short.
func records(s *wsmantest.Server) []string {
	var list []string
	for _, r := range s.Requests() {
		list = append(list, fmt.Sprintf("%s %s %s %v %d", r.Operation, r.Scheme, r.User, r.Sealed, r.StatusCode))
	}
	return list
}

// TestNTLMNames lets users name themselves in every way that means them, and in some that do not.
func TestNTLMNames(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true})
	for name, status := range map[string]int{
		"administrator": 200, "Administrator": 200, `HV77\administrator`: 200, `hv77\ADMINISTRATOR`: 200, `CORP\administrator`: 200,
		`corp\administrator`: 200, `corp.example\administrator`: 200, "administrator@corp.example": 200, "administrator@CORP": 200,
		`HV78\administrator`: 401, "administrator@elsewhere": 401, "stranger": 401, `CORP\administrator@corp.example`: 401,
	} {
		d := dial(t, s)
		statuses, last := d.shake("Negotiate", d.ntlm(name))
		if diff := cmp.Diff([]int{401, status}, statuses); diff != "" {
			t.Errorf("%s: statuses (-want +got):\n%s", name, diff)
		}
		if challenges := last.Header.Values("WWW-Authenticate"); status == 401 && !slices.Equal(challenges, []string{"Negotiate", "Kerberos"}) {
			t.Errorf("%s: challenges %q", name, challenges)
		}
		got := records(s)
		want := fmt.Sprintf("Authenticate Negotiate %s false %d", name, status)
		if status == 200 {
			want = "Authenticate Negotiate administrator false 200"
		}
		if last := got[len(got)-1]; last != want {
			t.Errorf("record %q, want %q", last, want)
		}
	}
}

// TestRefusedHandshakes authenticates in ways that must fail, and with 401 and all challenges.
func TestRefusedHandshakes(t *testing.T) {
	t.Parallel()
	other := sealed.ChannelBindings{1}
	tests := []struct {
		name, scheme string
		cfg          wsmantest.Config
		start        func(d *dialogue, s *wsmantest.Server) sealed.Handshake
		user         string // in the record
		code         int32  // of the KRB-ERROR that comes with the refusal
	}{
		{"wrong password", "Negotiate", wsmantest.Config{}, func(d *dialogue, _ *wsmantest.Server) sealed.Handshake {
			return d.ntlmWith("CORP", "administrator", "wrong")
		}, `CORP\administrator`, 0},
		{"wrong password in SPNEGO", "Negotiate", wsmantest.Config{}, func(d *dialogue, _ *wsmantest.Server) sealed.Handshake {
			return wrapped(d.ntlmWith("", "administrator", ""))
		}, "administrator", 0},
		{"user without a password", "Negotiate", wsmantest.Config{Users: []wsmantest.User{{Name: "me"}}}, func(d *dialogue, _ *wsmantest.Server) sealed.Handshake {
			return d.ntlmWith("", "me", "")
		}, "me", 0},
		{"NTLM of another TLS connection", "Negotiate", wsmantest.Config{}, func(d *dialogue, _ *wsmantest.Server) sealed.Handshake {
			d.bindings = &other
			return d.ntlm("administrator")
		}, "administrator", 0},
		{"Kerberos of another TLS connection", "Kerberos", wsmantest.Config{}, func(d *dialogue, s *wsmantest.Server) sealed.Handshake {
			d.bindings = &other
			return d.kerberos(s, "administrator", "")
		}, "", 0},
		{"NTLM disabled", "Negotiate", wsmantest.Config{Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodKerberos}}, func(d *dialogue, _ *wsmantest.Server) sealed.Handshake {
			return d.ntlm("administrator")
		}, "", 0},
		{"ticket of another server", "Kerberos", wsmantest.Config{}, func(d *dialogue, _ *wsmantest.Server) sealed.Handshake {
			return d.kerberos(newServer(d.t, wsmantest.Config{}), "administrator", "")
		}, "", 41}, // KRB_AP_ERR_MODIFIED
		{"ticket of a user who left", "Kerberos", wsmantest.Config{Keytab: keytab(), Users: []wsmantest.User{{Name: "me"}}}, func(d *dialogue, _ *wsmantest.Server) sealed.Handshake {
			return d.kerberos(newServer(d.t, wsmantest.Config{Keytab: keytab()}), "administrator", "HTTP/hv77")
		}, "administrator@OTHER.EXAMPLE", 0},
		{"ticket that has expired", "Kerberos", wsmantest.Config{Clock: (&clock{start.Add(11 * time.Hour)}).now, Keytab: keytab()}, func(d *dialogue, _ *wsmantest.Server) sealed.Handshake {
			return krb5.NewInitiator(krb5.InitiatorConfig{
				Credential: ticket(d.t, newServer(d.t, wsmantest.Config{Keytab: keytab()}), "administrator", "HTTP/hv77"), Now: (&clock{start.Add(11 * time.Hour)}).now,
			})
		}, "", 32}, // KRB_AP_ERR_TKT_EXPIRED
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := started(t, tt.cfg)
			d := dial(t, s)
			h := tt.start(d, s)
			statuses, last := d.shake(tt.scheme, h)
			if got := statuses[len(statuses)-1]; got != 401 {
				t.Fatalf("status %d, want 401", got)
			}
			if tt.code != 0 {
				_, err := h.Step(tokenFor(t, last, tt.scheme))
				if e, ok := errors.AsType[*krb5.Error](err); !ok || e.Code != tt.code {
					t.Errorf("the client reads %v, want code %d", err, tt.code)
				}
			}
			var schemes []string
			for _, challenge := range last.Header.Values("WWW-Authenticate") {
				scheme, _, _ := strings.Cut(challenge, " ")
				schemes = append(schemes, scheme)
			}
			want := []string{"Negotiate", "Kerberos", "Basic"}
			if tt.cfg.Auth != nil {
				want = []string{"Negotiate", "Kerberos"}
			}
			if diff := cmp.Diff(want, schemes); diff != "" {
				t.Errorf("schemes (-want +got):\n%s", diff)
			}
			list := s.Requests()
			if r := list[len(list)-1]; r.User != tt.user || r.Operation != "Authenticate" {
				t.Errorf("record %+v, want user %q", r, tt.user)
			}
			if resp, _ := d.must([]byte(identifyEnvelope), "Content-Type", "application/soap+xml"); resp.StatusCode != 401 {
				t.Errorf("a request after the refusal has status %d", resp.StatusCode)
			}
		})
	}
}

// TestBadTokens sends what is no token. The connection can be used all the same.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true})
	d := dial(t, s)
	for _, header := range []string{
		"Negotiate", "Negotiate ", "Negotiate ?", "Negotiate AAAA", "Negotiate TlRMTVNTUAAB", "Negotiate TlRMTVNTUAADAAAA", "Kerberos", "Kerberos YII=",
		"negotiate YIIBAAYGKwYBBQUC", "Negotiate YA==", "Negotiate bgA=",
		"NTLM TlRMTVNTUAABAAAA", "Negotiate " + strings.Repeat("A", 88000),
		"Negotiate " + base64Of([]byte("NTLMSSP\x00\x01\x00\x00\x00\x00\x00\x00\x00")), // no flags at all
	} {
		resp, text := d.must(nil, "Authorization", header)
		if resp.StatusCode != 401 || len(text) > 0 || len(resp.Header.Values("WWW-Authenticate")) != 2 {
			t.Errorf("%.40q: %d with %d octets, challenges %q", header, resp.StatusCode, len(text), resp.Header.Values("WWW-Authenticate"))
		}
	}
	if statuses, _ := d.shake("Negotiate", d.ntlm("administrator")); !slices.Equal(statuses, []int{401, 200}) {
		t.Errorf("statuses %v of a handshake after all that", statuses)
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestForeignNegotiate begins NTLM as python-ntlm-auth does, without UNICODE, and as curl with gss-ntlmssp does, without SEAL.
func TestForeignNegotiate(t *testing.T) {
	t.Parallel()
	const unicode, oem, seal = 1, 2, 1 << 5 // in the first octet of the flags
	for _, tt := range []struct {
		name          string
		without, with byte
		http, https   bool // goes on
	}{
		{"as our own client", 0, 0, true, true},
		{"OEM", unicode, oem, true, true},
		{"no character set", unicode, 0, false, false},
		{"no sealing", seal, 0, false, true},
	} {
		for _, plain := range []bool{true, false} {
			d := dial(t, started(t, wsmantest.Config{HTTP: plain}))
			token, err := d.ntlm("administrator").Step(nil)
			if err != nil {
				t.Fatal(err)
			}
			token[12] = token[12]&^tt.without | tt.with
			resp, _ := d.must(nil, "Authorization", "Negotiate "+base64Of(token))
			want := tt.https
			if plain {
				want = tt.http
			}
			if got := tokenFor(t, resp, "Negotiate") != nil; got != want || resp.StatusCode != 401 {
				t.Errorf("%s, http %v: status %d with a token %v, want %v", tt.name, plain, resp.StatusCode, got, want)
			}
		}
	}
}

// TestClear sends envelopes that are not sealed, on connections that have a session.
func TestClear(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		cfg    wsmantest.Config
		status int
	}{
		{"http", wsmantest.Config{HTTP: true}, 500},
		{"http that allows it", wsmantest.Config{HTTP: true, AllowUnencrypted: true}, 200},
		{"https", wsmantest.Config{}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := started(t, tt.cfg)
			d := dial(t, s)
			d.shake("Negotiate", d.ntlm("administrator"))
			resp, text := d.must([]byte(getJob().String()), "Content-Type", "application/soap+xml;charset=UTF-8")
			if resp.StatusCode != tt.status || (tt.status == 500) != (len(text) == 0) || (tt.status == 200) != strings.Contains(string(text), "Msvm_MigrationJob") {
				t.Errorf("status %d, want %d\n%s", resp.StatusCode, tt.status, text)
			}
			list := s.Requests()
			if r := list[len(list)-1]; r.User != "administrator" || r.Sealed || r.Scheme != "Negotiate" || r.StatusCode != tt.status {
				t.Errorf("record %+v", r)
			}
			// The session goes on, and answers sealed what comes sealed.
			if status, _ := d.ask(getJob().String()); status != 200 {
				t.Errorf("status %d of a sealed request after that", status)
			}
		})
	}
}

// TestBasicOverHTTP is refused unless the configuration allows it, whatever the password.
func TestBasicOverHTTP(t *testing.T) {
	t.Parallel()
	for allowed, status := range map[bool]int{true: 200, false: 401} {
		s := started(t, wsmantest.Config{HTTP: true, AllowUnencrypted: allowed})
		resp, _, err := newBrowser(t, s).post(t, getJob().String())
		if err != nil || resp.StatusCode != status {
			t.Errorf("allowed %v: %v, %v; want status %d", allowed, resp, err, status)
		}
		if got := resp.Header.Values("WWW-Authenticate"); status == 401 && !slices.Equal(got, []string{"Negotiate", "Kerberos"}) {
			t.Errorf("challenges %q", got)
		}
	}
	// Anonymous Identify is in clear on Windows, too.
	s := started(t, wsmantest.Config{HTTP: true})
	resp, text := dial(t, s).must([]byte(identifyEnvelope), "Content-Type", "application/soap+xml", "WSMANIDENTIFY", "unauthenticated")
	if resp.StatusCode != 200 || !strings.Contains(string(text), "OS: 0.0.0") {
		t.Errorf("anonymous Identify: %d %s", resp.StatusCode, text)
	}
}

// TestEndOfSession ends sessions in every way; the server then knows the connection no more.
func TestEndOfSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		rules  []wsmantest.Rule
		end    func(d *dialogue) (*http.Response, []byte)
		status int
	}{
		{"replayed body", nil, func(d *dialogue) (*http.Response, []byte) {
			body := d.seal(getJob().String())
			once := slices.Clone(body)
			if resp, answer := d.must(once, "Content-Type", sealed.ContentType(d.protocol)); resp.StatusCode != 200 {
				d.t.Errorf("first time: %d %q", resp.StatusCode, answer)
			}
			return d.must(body, "Content-Type", sealed.ContentType(d.protocol))
		}, 400},
		{"altered body", nil, func(d *dialogue) (*http.Response, []byte) {
			body := d.seal(getJob().String())
			body[len(body)-30] ^= 0x10
			return d.must(body, "Content-Type", sealed.ContentType(d.protocol))
		}, 400},
		{"body of another context", nil, func(d *dialogue) (*http.Response, []byte) {
			d.seal("skipped")
			return d.send(getJob().String())
		}, 400},
		{"Basic", nil, func(d *dialogue) (*http.Response, []byte) {
			return d.must([]byte(identifyEnvelope), "Authorization", "Basic eDp4", "Content-Type", "application/soap+xml")
		}, 401},
		{"401 by a rule", []wsmantest.Rule{{Operation: "Get", Status: 401, Count: 1}}, func(d *dialogue) (*http.Response, []byte) {
			return d.send(getJob().String())
		}, 401},
		{"a new handshake", nil, func(d *dialogue) (*http.Response, []byte) {
			return d.must(nil, "Authorization", "Negotiate AAAA")
		}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := started(t, wsmantest.Config{HTTP: true, Rules: tt.rules})
			d := dial(t, s)
			d.shake("Negotiate", d.ntlm("administrator"))
			if resp, text := tt.end(d); resp.StatusCode != tt.status || strings.Contains(string(text), "Envelope") {
				t.Errorf("status %d, want %d\n%s", resp.StatusCode, tt.status, text)
			}
			resp, _ := d.send(getJob().String())
			if resp.StatusCode != 401 || len(resp.Header.Values("WWW-Authenticate")) != 2 {
				t.Errorf("afterwards: status %d, challenges %q", resp.StatusCode, resp.Header.Values("WWW-Authenticate"))
			}
			// A handshake makes the connection a session again.
			d.shake("Kerberos", d.kerberos(s, "administrator", ""))
			if status, _ := d.ask(getJob().String()); status != 200 {
				t.Errorf("status %d after a new handshake", status)
			}
		})
	}
}
