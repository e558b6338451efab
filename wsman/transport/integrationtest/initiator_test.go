//go:build integration

package integrationtest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/testdata"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A result is what initiator.py says of one session.
type result struct {
	Legs      []int // statuses
	Mechanism string
	Error     string
	Answers   []struct {
		Status, Signature int
		Text              string
	}
}

// operations are what an initiator asks, and what stands in the answers.
var operations = []struct{ exchange, want string }{
	{"identify_windows", "<wsmid:ProductVendor>"},
	{"enumerate_optimized", "<p:JobState>10</p:JobState>"},
	{"identify_windows", "<wsmid:ProductVendor>"},
}

// initiate runs initiator.py against s, with the flags args and operations for input.
func initiate(t *testing.T, s *wsmantest.Server, env []string, args ...string) *result {
	t.Helper()
	var texts []string
	for _, o := range operations {
		b, err := fs.ReadFile(testdata.FS, "exchange/"+o.exchange+"/request.xml")
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := script(t, env, "initiator.py", append([]string{"localhost", port}, args...)...)
	r := new(result)
	if out := run(t, c, string(input)); json.Unmarshal([]byte(out), r) != nil {
		t.Fatalf("initiator.py printed %q", out)
	}
	return r
}

// check wants the legs of p and an answer to each of operations.
func (r *result) check(t *testing.T, p protection, want record) {
	t.Helper()
	if !slices.Equal(r.Legs, p.legs) || r.Mechanism != want.Mechanism || r.Error != "" || len(r.Answers) != len(operations) {
		t.Fatalf("legs %v by %q, %d answers, error %q", r.Legs, r.Mechanism, len(r.Answers), r.Error)
	}
	for i, a := range r.Answers {
		if a.Status != http.StatusOK || a.Signature != want.Signature || !strings.Contains(a.Text, operations[i].want) {
			t.Errorf("answer %d: status %d, signature of %d octets, text %.200s", i+1, a.Status, a.Signature, a.Text)
		}
	}
}

// newHost returns a simulated host that knows the shared user and is closed with the test.
func newHost(t *testing.T, cfg wsmantest.Config) *wsmantest.Server {
	t.Helper()
	cfg.Users = []wsmantest.User{{Name: user, Password: password}}
	s, err := wsmantest.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// checkRequests wants n requests at s, all but the legs sealed.
func checkRequests(t *testing.T, s *wsmantest.Server, p protection, operations int) {
	t.Helper()
	records := s.Requests()
	if len(records) != len(p.legs)+operations || s.Connections() != 1 {
		t.Errorf("%d requests on %d connections, want %d and %d on 1", len(records), s.Connections(), len(p.legs), operations)
	}
	for i, r := range records {
		leg := i < len(p.legs)
		if r.Sealed == leg || (r.Operation == "Authenticate") != leg || r.Scheme != p.scheme {
			t.Errorf("request %d: %+v", i+1, r)
		}
	}
}

// ntlmUsers returns the environment of one who knows the shared user by that password.
func ntlmUsers(t *testing.T, secret string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	write(t, path, "CORP:"+user+":"+secret+"\n")
	return []string{"NTLM_USER_FILE=" + path}
}

// flags returns what makes initiator.py act as p does.
func (p protection) flags() []string {
	args := []string{"--scheme", p.scheme}
	if strings.HasPrefix(p.name, "NTLM") {
		args = append(args, "--mechanism", "ntlm")
	}
	if strings.HasSuffix(p.name, "SPNEGO") {
		args = append(args, "--spnego")
	}
	return args
}

// TestInitiatorNTLM: gss-ntlmssp is served by our simulated host, and told from one who lies.
func TestInitiatorNTLM(t *testing.T) {
	t.Parallel()
	for _, p := range ntlm {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newHost(t, wsmantest.Config{HTTP: true})
			initiate(t, s, ntlmUsers(t, password), p.flags()...).check(t, p, record{Mechanism: "NTLM", Signature: 16})
			checkRequests(t, s, p, len(operations))
		})
		t.Run(p.name+"/wrong password", func(t *testing.T) {
			t.Parallel()
			s := newHost(t, wsmantest.Config{HTTP: true})
			r := initiate(t, s, ntlmUsers(t, "wrong"), p.flags()...)
			if len(r.Answers) > 0 || len(s.Requests()) != len(p.legs) {
				t.Errorf("%+v; the host saw %+v", r, s.Requests())
			}
		})
	}
}

// TestInitiatorKerberos: MIT krb5 is served by our simulated host, with a ticket of its own KDC and with one that we have forged.
func TestInitiatorKerberos(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	keytab, err := os.ReadFile(k.keytab())
	if err != nil {
		t.Fatal(err)
	}
	granted := []string{"KRB5_CONFIG=" + k.conf(), "KRB5CCNAME=FILE:" + k.kinit(t)}
	bare := protection{"Kerberos as it is in Negotiate", "", "Negotiate", []int{200}}
	for _, p := range append(kerberos, bare) {
		for _, layout := range []string{"windows", "mit"} {
			t.Run("real ticket/"+p.name+"/"+layout, func(t *testing.T) {
				t.Parallel()
				s := newHost(t, wsmantest.Config{HTTP: true, Keytab: keytab})
				r := initiate(t, s, granted, append(p.flags(), "--layout", layout)...)
				r.check(t, p, record{Mechanism: "Kerberos", Signature: 60})
				checkRequests(t, s, p, len(operations))
			})
		}
		t.Run("forged ticket/"+p.name, func(t *testing.T) {
			t.Parallel()
			s := newHost(t, wsmantest.Config{HTTP: true})
			initiate(t, s, forgedBy(t, s), p.flags()...).check(t, p, record{Mechanism: "Kerberos", Signature: 60})
		})
		t.Run("ticket for another key/"+p.name, func(t *testing.T) {
			t.Parallel()
			s := newHost(t, wsmantest.Config{HTTP: true})
			other := newHost(t, wsmantest.Config{HTTP: true})
			r := initiate(t, s, forgedBy(t, other), p.flags()...)
			t.Log(r.Error)
			if len(r.Answers) > 0 || r.Mechanism != "" {
				t.Errorf("%+v", r)
			}
		})
	}
}

// forgedBy returns the environment of one who has the tickets that s makes for the shared user.
func forgedBy(t *testing.T, s *wsmantest.Server) []string {
	t.Helper()
	b, err := s.CCache(user)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conf, cache := filepath.Join(dir, "krb5.conf"), filepath.Join(dir, "ccache")
	write(t, conf, "[libdefaults]\n\tdefault_realm = "+s.Realm()+"\n\tdns_lookup_kdc = false\n\tdns_canonicalize_hostname = false\n\trdns = false\n")
	write(t, cache, string(b))
	return []string{"KRB5_CONFIG=" + conf, "KRB5CCNAME=FILE:" + cache}
}

// TestInitiatorBindings: over TLS our simulated host wants the bindings of its own certificate, if any come.
func TestInitiatorBindings(t *testing.T) {
	t.Parallel()
	other := newCertificate(t, x509.SHA256WithRSA, "sha256")
	for _, p := range append(ntlm, kerberos...) {
		for _, tt := range []struct {
			name    string
			sent    func(own string) string // the certificate, none if empty
			refused bool
		}{
			{"right", func(own string) string { return own }, false},
			{"none", func(string) string { return "" }, false},
			{"wrong", func(string) string { return other.cert }, true},
		} {
			t.Run(p.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				s := newHost(t, wsmantest.Config{})
				ca := filepath.Join(t.TempDir(), "ca.pem")
				write(t, ca, string(s.CACertPEM()))
				args := append(p.flags(), "--ca", ca)
				if sent := tt.sent(leaf(t, s)); sent != "" {
					args = append(args, "--bindings", sent, "sha256")
				}
				want, env := record{Mechanism: "NTLM", Signature: 16}, ntlmUsers(t, password)
				if len(p.legs) == 1 {
					want, env = record{Mechanism: "Kerberos", Signature: 60}, forgedBy(t, s)
				}
				r := initiate(t, s, env, args...)
				if !tt.refused {
					r.check(t, p, want)
				} else if len(r.Answers) > 0 {
					t.Errorf("served in spite of wrong bindings: %+v", r)
				}
			})
		}
	}
}

// leaf returns the path of the certificate that s shows.
func leaf(t *testing.T, s *wsmantest.Server) string {
	t.Helper()
	c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	path := filepath.Join(t.TempDir(), "leaf.pem")
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ConnectionState().PeerCertificates[0].Raw})))
	return path
}

// TestInitiatorUnbelieved: our simulated host acts on nothing that the session has not sealed, for this time.
func TestInitiatorUnbelieved(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		send string
		good int // operations before the bad one
	}{
		{"clear", 0},
		{"altered", 0},
		{"replayed", 1},
	} {
		for _, p := range append(ntlm, kerberos...) {
			t.Run(tt.send+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				s := newHost(t, wsmantest.Config{HTTP: true})
				env := append(ntlmUsers(t, password), forgedBy(t, s)...)
				r := initiate(t, s, env, append(p.flags(), "--send", tt.send)...)
				if len(r.Answers) == 0 {
					t.Fatalf("%+v", r)
				}
				for i, a := range r.Answers {
					if (a.Status == http.StatusOK && a.Text != "") != (i < tt.good) {
						t.Errorf("answer %d: status %d, text %.200s", i+1, a.Status, a.Text)
					}
				}
			})
		}
	}
}
