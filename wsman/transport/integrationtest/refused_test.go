//go:build integration

package integrationtest_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// kind names the error that tells best what err is.
func kind(err error) string {
	switch {
	case err == nil:
		return "none"
	case is[*transport.KDCError](err):
		return "KDC"
	case is[*transport.KDCUnreachableError](err):
		return "KDC unreachable"
	case is[*transport.CredentialError](err):
		return "credential"
	case is[*wsman.ProtocolError](err):
		return "protocol"
	case is[*krb5.Error](err):
		return "Kerberos"
	case is[*wsman.HTTPError](err):
		return "HTTP"
	}
	return "other"
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// checkError wants an error of that kind whose text holds each of words, and no password.
func checkError(t *testing.T, err error, want string, words ...string) {
	t.Helper()
	t.Log(err)
	if kind(err) != want {
		t.Errorf("error of kind %q, want %q: %v", kind(err), want, err)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), password) {
		t.Errorf("error %q holds the password", err)
	}
}

// wrong is a password that is nobody's.
var wrong = transport.NewSecret("not the password")

// TestNTLMRefused: a refused password is an error that says so, and goes to the host once.
func TestNTLMRefused(t *testing.T) {
	t.Parallel()
	for _, p := range ntlm {
		for _, tt := range []struct {
			name string
			user string
		}{
			{"wrong password", `CORP\` + user},
			{"unknown user", `CORP\nobody`},
			{"unknown domain", `ELSEWHERE\` + user},
		} {
			t.Run(tt.name+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				a := newAcceptor(t, environment(t, nil))
				tr := a.transport(t, "http", "localhost", transport.Config{Auth: p.auth, User: tt.user, Password: wrong})
				for range 2 {
					_, _, err := send(t, tr, 100)
					checkError(t, err, "HTTP", "NTLM refused for "+tt.user+"; offered: Negotiate, Kerberos")
				}
				if records := a.stop(t); len(records) != len(p.legs) {
					t.Errorf("%d requests, want %d: %+v", len(records), len(p.legs), records)
				}
			})
		}
	}
}

// TestKDCRefused: what a KDC refuses is told exactly, and the host sees nothing of it.
func TestKDCRefused(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	for _, name := range []string{"disabled", "lapsed", "must-change", "changed"} {
		k.admin(t, "addprinc", "-pw", password, "+requires_preauth", name)
	}
	k.admin(t, "modprinc", "-allow_tix", "disabled")
	k.admin(t, "modprinc", "-expire", "2020-01-01", "lapsed")
	k.admin(t, "modprinc", "+needchange", "must-change")
	old := k.userKeytab(t, "changed")
	k.admin(t, "change_password", "-pw", "another", "changed")
	nobody := freeAddr(t)
	named := func(name string) transport.KerberosConfig {
		return transport.KerberosConfig{User: name, Password: transport.NewSecret(password)}
	}
	with := func(cfg transport.KerberosConfig, change func(*transport.KerberosConfig)) transport.KerberosConfig {
		change(&cfg)
		return cfg
	}
	fast := func() time.Time { return time.Now().Add(12 * time.Minute) }
	slow := func() time.Time { return time.Now().Add(-12 * time.Minute) }
	for _, tt := range []struct {
		name  string
		cfg   transport.KerberosConfig
		host  string // localhost if empty
		kind  string
		words []string
	}{
		{"wrong password", transport.KerberosConfig{User: user, Password: wrong}, "", "KDC", []string{"refused the password or key of me@HV.TEST", "KDC_ERR_PREAUTH_FAILED"}},
		{"unknown user", named("nobody"), "", "KDC", []string{"does not know nobody@HV.TEST"}},
		{"disabled account", named("disabled"), "", "KDC", []string{"disabled@HV.TEST is disabled or locked"}},
		{"account past its date", named("lapsed"), "", "KDC", []string{"lapsed@HV.TEST"}},
		{"password to be changed", named("must-change"), "", "KDC", []string{"the password of must-change@HV.TEST has expired"}},
		{"unknown service", byPassword(), "unknown.hv.test", "KDC", []string{"knows none of HTTP/unknown.hv.test, WSMAN/unknown.hv.test, HOST/unknown.hv.test"}},
		{
			"clock behind", with(byPassword(), func(c *transport.KerberosConfig) { c.Clock = slow }), "", "KDC",
			[]string{"behind the KDC's", "KRB_AP_ERR_SKEW"},
		},
		{
			"clock ahead", with(byPassword(), func(c *transport.KerberosConfig) { c.Clock = fast }), "", "KDC",
			[]string{"ahead of the KDC's", "KRB_AP_ERR_SKEW"},
		},
		{"keytab of an old password", transport.KerberosConfig{Keytab: old}, "", "KDC", []string{"refused the password or key of changed@HV.TEST"}},
		{
			"no KDC listens", with(byPassword(), func(c *transport.KerberosConfig) { c.KDCs = []string{nobody} }), "", "KDC unreachable",
			[]string{"no KDC of HV.TEST answered: " + nobody + " (refused, after "},
		},
		{"no KDC is known", named(user + "@OTHER.TEST"), "", "KDC unreachable", []string{"no KDC of OTHER.TEST is known; looked in", "krb5.conf"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAcceptor(t, environment(t, k))
			host := tt.host
			if host == "" {
				host = "localhost"
			}
			tr := a.transport(t, "http", host, k.kerberosConfig(t, transport.AuthNegotiate, tt.cfg))
			_, _, err := send(t, tr, 100)
			checkError(t, err, tt.kind, tt.words...)
			if e, ok := errors.AsType[*transport.KDCError](err); ok && tt.cfg.Clock != nil {
				if told := tt.cfg.Clock().Add(e.Skew); time.Until(told).Abs() > time.Minute {
					t.Errorf("the KDC's clock is said to be %v ahead of ours: to say %v", e.Skew, told)
				}
			}
			if records := a.stop(t); len(records) != 0 {
				t.Errorf("the host saw %+v", records)
			}
		})
	}
}

// TestPasswordOnce: a password that the KDC has refused is not sent again, not even for another host.
func TestPasswordOnce(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	k.admin(t, "addpol", "-maxfailure", "2", "strict")
	k.admin(t, "modprinc", "-policy", "strict", user)
	a := newAcceptor(t, environment(t, k))
	kerberos := k.kerberos(t, transport.KerberosConfig{User: user, Password: wrong})
	for range 4 {
		tr := a.transport(t, "http", "localhost", transport.Config{Auth: transport.AuthNegotiate, Kerberos: kerberos})
		_, _, err := send(t, tr, 100)
		checkError(t, err, "KDC", "refused the password")
	}
	// Two refusals would have locked the account.
	echo(t, a.transport(t, "http", "localhost", k.kerberosConfig(t, transport.AuthNegotiate, byPassword())), 100)
}

// TestOtherSPN: where the KDC does not know HTTP/HOST, WSMAN/HOST serves; a name that was given serves alone.
func TestOtherSPN(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	k.addService(t, "WSMAN/old.hv.test")
	k.addService(t, "odd/name.hv.test")
	a := newAcceptor(t, environment(t, k))
	cfg := k.kerberosConfig(t, transport.AuthNegotiate, byPassword())
	echo(t, a.transport(t, "http", "old.hv.test", cfg), 100)
	cfg.SPN = "odd/name.hv.test"
	echo(t, a.transport(t, "http", "nowhere.hv.test", cfg), 100)
	cfg.SPN = "odd/other.hv.test"
	_, _, err := send(t, a.transport(t, "http", "localhost", cfg), 100)
	checkError(t, err, "KDC", "does not know odd/other.hv.test")
}

// TestTicketExpired: an expired ticket is found out before anything is sent.
func TestTicketExpired(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	a := newAcceptor(t, environment(t, k))
	ccache := k.kinit(t, "-l", "1h")
	later := func() time.Time { return time.Now().Add(2 * time.Hour) }
	cfg := k.kerberosConfig(t, transport.AuthNegotiate, transport.KerberosConfig{CCache: ccache, Clock: later})
	_, _, err := send(t, a.transport(t, "http", "localhost", cfg), 100)
	checkError(t, err, "credential", "the ticket of me@HV.TEST expired at", "run: kinit -c FILE:"+ccache+" me@HV.TEST")
	if records := a.stop(t); len(records) != 0 {
		t.Errorf("the host saw %+v", records)
	}
}

// TestCredentialFiles: ticket caches and keytabs of no use are told from good ones when they are read.
func TestCredentialFiles(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	k.admin(t, "addprinc", "-randkey", "robot")
	ccache := k.kinit(t)
	for _, tt := range []struct {
		name  string
		cfg   transport.KerberosConfig
		words []string
	}{
		{
			"keytab without the user",
			transport.KerberosConfig{Keytab: k.userKeytab(t, "robot"), User: user},
			[]string{"it holds no key of me, but of robot@HV.TEST"},
		},
		{
			"keytab of another realm",
			transport.KerberosConfig{Keytab: k.userKeytab(t, "robot"), User: "robot@OTHER.TEST"},
			[]string{"it holds no key of robot@OTHER.TEST"},
		},
		{"ticket cache of another user", transport.KerberosConfig{CCache: ccache, User: "robot"}, []string{"it holds tickets of me@HV.TEST, not of robot"}},
		{"keytab in place of a ticket cache", transport.KerberosConfig{CCache: k.keytab()}, []string{"not a sound ticket cache"}},
		{"ticket cache in place of a keytab", transport.KerberosConfig{Keytab: ccache}, []string{"not a sound keytab"}},
		{"half a ticket cache", transport.KerberosConfig{CCache: half(t, ccache)}, []string{"not a sound ticket cache"}},
		{"KEYRING", transport.KerberosConfig{CCache: "KEYRING:persistent:0"}, []string{"only ticket caches of the kind FILE can be read", "run: kinit -c FILE:"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.ConfPath = k.conf()
			_, err := transport.NewKerberos(tt.cfg)
			checkError(t, err, "credential", tt.words...)
		})
	}
}

// half returns the path of a file with the first half of the one at path.
func half(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "half")
	write(t, cut, string(b[:len(b)/2]))
	return cut
}

// TestTicketRefused: MIT krb5 refuses a ticket, and we read from its token why. The tickets are our own make, with the keys of the services.
func TestTicketRefused(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	now := time.Now()
	for _, tt := range []struct {
		name       string
		start, end time.Duration // from now
		clock      time.Duration // ahead
		words      []string
	}{
		{"sound", -time.Hour, time.Hour, 0, nil},
		{"expired", -3 * time.Hour, -time.Hour, -2 * time.Hour, []string{"Kerberos refused for me@HV.TEST", "KRB_AP_ERR_TKT_EXPIRED"}},
		{"not yet valid", time.Hour, 3 * time.Hour, 2 * time.Hour, []string{"Kerberos refused for me@HV.TEST", "KRB_AP_ERR_TKT_NYV"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cache := k.forge(t, krb5.Forgery{StartTime: now.Add(tt.start), EndTime: now.Add(tt.end)})
			a := newAcceptor(t, environment(t, k))
			cfg := transport.KerberosConfig{CCache: cache, Clock: func() time.Time { return time.Now().Add(tt.clock) }}
			tr := a.transport(t, "http", "localhost", k.kerberosConfig(t, transport.AuthKerberos, cfg))
			if tt.words == nil {
				echo(t, tr, 100)
				return
			}
			_, _, err := send(t, tr, 100)
			checkError(t, err, "Kerberos", tt.words...)
			if records := a.stop(t); len(records) != 1 {
				t.Errorf("%d requests, want 1: %+v", len(records), records)
			}
		})
	}
}

// TestKeyRefused: a host that has no key for the ticket, or another one, refuses it.
func TestKeyRefused(t *testing.T) {
	t.Parallel()
	k := newKDC(t)
	k.admin(t, "addprinc", "-randkey", "HTTP/stray.hv.test")
	a := newAcceptor(t, environment(t, k))
	_, _, err := send(t, a.transport(t, "http", "stray.hv.test", k.kerberosConfig(t, transport.AuthKerberos, byPassword())), 100)
	checkError(t, err, "Kerberos", "Kerberos refused for me@HV.TEST")

	k.admin(t, "change_password", "-randkey", "HTTP/localhost") // and the keytab has the old one
	_, _, err = send(t, a.transport(t, "http", "localhost", k.kerberosConfig(t, transport.AuthKerberos, byPassword())), 100)
	checkError(t, err, "Kerberos", "Kerberos refused for me@HV.TEST")
}

// forge returns the path of a ticket cache with tickets of the shared user for the KDC's services, whose keys are in the keytab.
func (k *kdc) forge(t *testing.T, f krb5.Forgery) string {
	t.Helper()
	b, err := os.ReadFile(k.keytab())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := krb5.DecodeKeytab(b)
	if err != nil {
		t.Fatal(err)
	}
	f.Client = krb5.Principal{NameType: krb5.NameTypePrincipal, Components: []string{user}, Realm: realm}
	cache := &krb5.CCache{Principal: f.Client}
	for _, key := range keys {
		f.Server, f.ServiceKey, f.EType = key.Principal, key, key.Key.EType
		c, err := krb5.Forge(f, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		cache.Credentials = append(cache.Credentials, c)
	}
	path := filepath.Join(t.TempDir(), "forged")
	write(t, path, string(cache.Encode()))
	return path
}
