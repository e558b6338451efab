//go:build integration

package integrationtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// sizes are the lengths of the texts that go both ways: around the blocks of AES, and beyond the buffers on the way.
var sizes = []int{0, 1, 15, 16, 17, 4097, 65536, 400000}

// protection is how a session is authenticated: what goes into a Config, and what the acceptor should see of it.
type protection struct {
	name   string
	auth   transport.Auth
	scheme string
	legs   []int // statuses
}

var (
	ntlm = []protection{
		{"NTLM", transport.AuthNTLM, "Negotiate", []int{401, 200}},
		{"NTLM in SPNEGO", transport.AuthNegotiate, "Negotiate", []int{401, 200}},
	}
	kerberos = []protection{
		{"Kerberos", transport.AuthKerberos, "Kerberos", []int{200}},
		{"Kerberos in SPNEGO", transport.AuthNegotiate, "Negotiate", []int{200}},
	}
)

// ntlmConfig authenticates CORP\me.
func ntlmConfig(auth transport.Auth) transport.Config {
	return transport.Config{Auth: auth, User: `CORP\` + user, Password: transport.NewSecret(password)}
}

// kerberosConfig authenticates who cfg says.
func (k *kdc) kerberosConfig(t *testing.T, auth transport.Auth, cfg transport.KerberosConfig) transport.Config {
	t.Helper()
	return transport.Config{Auth: auth, Kerberos: k.kerberos(t, cfg)}
}

// kerberos returns the user of cfg, whose KDC is k.
func (k *kdc) kerberos(t *testing.T, cfg transport.KerberosConfig) *transport.Kerberos {
	t.Helper()
	cfg.ConfPath = k.conf()
	kerberos, err := transport.NewKerberos(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kerberos.Close() })
	return kerberos
}

// byPassword is the user whom all tests share.
func byPassword() transport.KerberosConfig {
	return transport.KerberosConfig{User: user, Password: transport.NewSecret(password)}
}

// octets returns the text of n octets that goes both ways.
func octets(n int) []byte {
	text := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(text)
	return text
}

// send sends n octets and returns them with the reply.
func send(t *testing.T, tr *transport.Transport, n int) (text []byte, reply *wsman.Reply, err error) {
	t.Helper()
	text = octets(n)
	reply, err = tr.RoundTrip(t.Context(), &wsman.Request{Body: text, Repeatable: true})
	return text, reply, err
}

// echo sends n octets and wants them back, sealed.
func echo(t *testing.T, tr *transport.Transport, n int) {
	t.Helper()
	text, reply, err := send(t, tr, n)
	if err != nil {
		t.Fatalf("%d octets: %v", n, err)
	}
	want := text
	if n == 0 && tr.Mechanism() == transport.MechanismNTLM {
		want = []byte("0") // see acceptor.py
	}
	if !reply.Sealed || reply.StatusCode != http.StatusOK || !bytes.Equal(reply.Body, want) {
		t.Errorf("%d octets: sealed %t, status %d, and %d octets came back", n, reply.Sealed, reply.StatusCode, len(reply.Body))
	}
}

// echoSizes sends a text of each of sizes, one after the other.
func echoSizes(t *testing.T, tr *transport.Transport) {
	t.Helper()
	for _, n := range sizes {
		echo(t, tr, n)
	}
	if n := tr.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// checkRecords wants the legs of p, and after them one operation for each of ns, on one connection, as want says in Mechanism, User and
// Signature.
func checkRecords(t *testing.T, records []record, p protection, want record, ns ...int) {
	t.Helper()
	if len(records) != len(p.legs)+len(ns) {
		t.Fatalf("%d requests, want %d and %d: %+v", len(records), len(p.legs), len(ns), records)
	}
	want.Connection, want.Scheme = records[0].Connection, p.scheme
	for i, r := range records {
		want := want
		if i < len(p.legs) {
			want.Leg, want.Status, want.Signature = true, p.legs[i], 0
			if want.Status != http.StatusOK {
				want.Scheme, want.Mechanism, want.User = "", "", "" // not known yet
			}
		} else {
			n := ns[i-len(p.legs)]
			sum := sha256.Sum256(octets(n))
			want.Status, want.Size, want.SHA256 = http.StatusOK, n, hex.EncodeToString(sum[:])
		}
		if r != want {
			t.Errorf("request %d:\n got %+v\nwant %+v", i+1, r, want)
		}
	}
}

// TestNTLM: gss-ntlmssp authenticates us and reads what we seal, and we read what it seals.
func TestNTLM(t *testing.T) {
	t.Parallel()
	for _, p := range ntlm {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			a := newAcceptor(t, environment(t, nil))
			echoSizes(t, a.transport(t, "http", "localhost", ntlmConfig(p.auth)))
			checkRecords(t, a.stop(t), p, record{Mechanism: "NTLM", User: `CORP\` + user, Signature: 16}, sizes...)
		})
	}
}

// TestKerberosSources: the tickets come by password, with the keys of a keytab, or from what kinit has left.
func TestKerberosSources(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	for _, source := range []struct {
		name string
		cfg  transport.KerberosConfig
	}{
		{"password", byPassword()},
		{"keytab", transport.KerberosConfig{Keytab: k.userKeytab(t, user)}},
		{"keytab and name", transport.KerberosConfig{Keytab: k.userKeytab(t, user), User: user + "@" + realm}},
		{"ticket cache", transport.KerberosConfig{CCache: k.kinit(t)}},
	} {
		for _, p := range kerberos {
			t.Run(source.name+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				a := newAcceptor(t, environment(t, k))
				echoSizes(t, a.transport(t, "http", "localhost", k.kerberosConfig(t, p.auth, source.cfg)))
				want := record{Mechanism: "Kerberos", User: user + "@" + realm, Signature: 72}
				checkRecords(t, a.stop(t), p, want, sizes...)
			})
		}
	}
}

// TestKerberosETypes: each encryption type serves alone, from the user's key to the sealed messages, in the layout of Windows and in that
// of MIT krb5.
func TestKerberosETypes(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	for _, e := range etypes {
		host := e.name + ".hv.test"
		k.admin(t, "addprinc", "-pw", password, "-e", e.name+":normal", "+requires_preauth", e.name)
		k.addService(t, "HTTP/"+host, "-e", e.name+":normal")
		k.admin(t, "setstr", "HTTP/"+host, "session_enctypes", e.name)
		for _, p := range kerberos {
			for _, layout := range []string{"windows", "mit"} {
				t.Run(e.name+"/"+p.name+"/"+layout, func(t *testing.T) {
					t.Parallel()
					a := newAcceptor(t, environment(t, k), "--layout", layout)
					cfg := byPassword()
					cfg.User = e.name
					echoSizes(t, a.transport(t, "http", host, k.kerberosConfig(t, p.auth, cfg)))
					want := record{Mechanism: "Kerberos", User: e.name + "@" + realm, Signature: e.signature}
					checkRecords(t, a.stop(t), p, want, sizes...)
				})
			}
		}
	}
}

// TestFramings: the forms of sealed bodies that servers are known to send. Of several pairs in one body only those of which the sealed data
// is as long as the text can be told apart.
func TestFramings(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	for _, tt := range []struct {
		framing string
		layouts []string
	}{
		{"blanks", []string{"windows", "mit"}},
		{"tab", []string{"windows", "mit"}},
		{"exchange", []string{"windows", "mit"}},
		{"unended", []string{"windows", "mit"}},
		{"empty line", []string{"windows", "mit"}},
		{"lower case", []string{"windows", "mit"}},
		{"two pairs", []string{"windows"}},
	} {
		t.Run(tt.framing, func(t *testing.T) {
			t.Parallel()
			for _, layout := range tt.layouts {
				a := newAcceptor(t, environment(t, k), "--framing", tt.framing, "--layout", layout)
				for _, cfg := range []transport.Config{
					ntlmConfig(transport.AuthNTLM),
					k.kerberosConfig(t, transport.AuthKerberos, byPassword()),
				} {
					tr := a.transport(t, "http", "localhost", cfg)
					for _, n := range []int{2, 17, 65536} {
						echo(t, tr, n)
					}
				}
			}
		})
	}
}

// TestFault: a fault is sealed, too, and its status is the reply's.
func TestFault(t *testing.T) {
	t.Parallel()
	a := newAcceptor(t, environment(t, nil), "--status", strconv.Itoa(http.StatusInternalServerError))
	tr := a.transport(t, "http", "localhost", ntlmConfig(transport.AuthNTLM))
	text, reply, err := send(t, tr, 1000)
	if err != nil || !reply.Sealed || reply.StatusCode != http.StatusInternalServerError || !bytes.Equal(reply.Body, text) {
		t.Errorf("RoundTrip = %+v, %v; want the text with status 500, sealed", reply, err)
	}
}
