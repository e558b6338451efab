package transport

// Kerberos.credential is not exported: package transport_test sees it only through an authenticated Transport.

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5/kdctest"
)

// with returns a network with a KDC at dc1.
func with(kdc *kdctest.KDC) *network {
	return &network{listeners: map[string]func(net.Conn){"dc1:88": serve(kdc.Answer)}}
}

// given is the way to it.
var given = []string{"dc1"}

// check checks a ticket.
func check(t *testing.T, c *krb5.Credential, err error, server string) {
	t.Helper()
	if err != nil {
		t.Fatalf("credential: %v", err)
	}
	if c.Server.String() != server || c.Client.String() != "me@CORP.EXAMPLE" || len(c.Key.Value) == 0 {
		t.Errorf("credential = %v, want one of me@CORP.EXAMPLE for %s", c, server)
	}
}

// checkCount checks what a KDC was asked.
func checkCount(t *testing.T, kdc *kdctest.KDC, want kdctest.Count) {
	t.Helper()
	if diff := cmp.Diff(want, kdc.Count()); diff != "" {
		t.Errorf("requests at the KDC (-want +got):\n%s", diff)
	}
}

// TestKerberosSources: each source gets a ticket, and what was got is kept.
func TestKerberosSources(t *testing.T) {
	t.Parallel()
	kdc := newKDC() // the keys are those of all others
	for name, test := range map[string]struct {
		cfg KerberosConfig
		as  int // requests
	}{
		"password":          {KerberosConfig{User: "me@corp.example"}, 2},
		"default realm":     {KerberosConfig{User: "me", ConfPath: write(t, "[libdefaults]\ndefault_realm = CORP.EXAMPLE\n")}, 2},
		"keytab":            {KerberosConfig{Keytab: testKeytab(t, kdc, "me")}, 2},
		"keytab of several": {KerberosConfig{Keytab: "FILE:" + testKeytab(t, kdc, "you", "me"), User: "me@corp.example"}, 2},
		"TGT":               {KerberosConfig{CCache: "FILE:" + testCCache(t, testTGT(t, kdc))}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kdc := newKDC()
			kdc.Services = append(kdc.Services, "HTTP/hv02")
			test.cfg.KDCs = given
			k := newTestKerberos(t, with(kdc), test.cfg)
			if k.User() != "me@CORP.EXAMPLE" {
				t.Errorf("User() = %q", k.User())
			}
			for range 2 {
				c, err := k.credential(t.Context(), []string{spn})
				check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
			}
			c, err := k.credential(t.Context(), []string{"HTTP/hv02"})
			check(t, c, err, "HTTP/hv02@CORP.EXAMPLE")
			checkCount(t, kdc, kdctest.Count{AS: test.as, Preauth: test.as / 2, TGS: 2})
		})
	}
}

// testKeytab writes a keytab with the keys of users who all have the password of newKDC and returns its path.
func testKeytab(t *testing.T, kdc *kdctest.KDC, users ...string) string {
	t.Helper()
	b := []byte{5, 2}
	data := func(e, s []byte) []byte { return append(binary.BigEndian.AppendUint16(e, uint16(len(s))), s...) }
	for _, user := range users {
		for _, etype := range []int32{17, 18} {
			key, err := kdc.UserKey(kdcPassword, etype)
			if err != nil {
				t.Fatal(err)
			}
			e := data([]byte{0, 1}, []byte(kdc.Realm))
			e = data(e, []byte(user))
			e = append(e, 0, 0, 0, 1, 0, 0, 0, 0, 7, 0, byte(etype)) // name type, time, version, encryption type
			e = data(e, key.KeyValue)
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(e))), e...)
		}
	}
	return write(t, string(b))
}

// testTGT gets a ticket-granting ticket.
func testTGT(t *testing.T, kdc *kdctest.KDC) *krb5.Credential {
	t.Helper()
	c, err := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given, Clock: kdc.Now}).login(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestKerberosServiceTicket: a ticket for the service in the cache needs no KDC, be it for the last name.
func TestKerberosServiceTicket(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	c, err := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given}).credential(t.Context(), []string{spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	n := new(network)
	k := newTestKerberos(t, n, KerberosConfig{CCache: testCCache(t, c), KDCs: given})
	c, err = k.credential(t.Context(), []string{"HTTPS/hv01", spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	if len(n.dials) != 0 {
		t.Errorf("dials = %q, want none", n.dials)
	}
	_, err = k.credential(t.Context(), []string{"HTTP/hv02"})
	if e, ok := errors.AsType[*CredentialError](err); !ok || !strings.Contains(err.Error(), "it holds no ticket-granting ticket; run: kinit -c FILE:") {
		t.Errorf("credential without a TGT = %v, %v, want a *CredentialError with a line for kinit", e, err)
	}
}

// TestKerberosShared: those who ask at the same time share one authentication, and the ticket of each service.
func TestKerberosShared(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	kdc.Services = []string{"HTTP/0", "HTTP/1", "HTTP/2", "HTTP/3"}
	k := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			if _, err := k.credential(t.Context(), []string{fmt.Sprint("HTTP/", i%4)}); err != nil {
				t.Errorf("credential: %v", err)
			}
		})
	}
	wg.Wait()
	checkCount(t, kdc, kdctest.Count{AS: 2, Preauth: 1, TGS: 4})
}

// TestKerberosAbandoned: when the one who asks for all gives up, another goes on.
func TestKerberosAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kdc := newKDC()
		n := &network{listeners: map[string]func(net.Conn){"dc1:88": silent}}
		k := newTestKerberos(t, n, KerberosConfig{KDCs: given, Timeout: time.Hour})
		first, giveUp := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := k.credential(first, []string{spn}); !errors.Is(err, context.Canceled) {
				t.Errorf("the first: %v, want context.Canceled", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			c, err := k.credential(t.Context(), []string{spn})
			check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
		})
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.credential(short, []string{spn}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one in a hurry: %v, want context.DeadlineExceeded", err)
		}
		n.mu.Lock()
		n.listeners["dc1:88"] = serve(kdc.Answer)
		n.mu.Unlock()
		giveUp()
		wg.Wait()
		checkCount(t, kdc, kdctest.Count{AS: 2, Preauth: 1, TGS: 1})
	})
}

// TestKerberosRenewed: a ticket near its end is got anew.
func TestKerberosRenewed(t *testing.T) {
	t.Parallel()
	kdc, now := newKDC(), time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	kdc.Now = func() time.Time { return now }
	k := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given, Clock: kdc.Now})
	for _, step := range []struct {
		after time.Duration
		want  kdctest.Count
	}{
		{0, kdctest.Count{AS: 2, Preauth: 1, TGS: 1}},
		{8*time.Hour - 3*time.Minute, kdctest.Count{AS: 2, Preauth: 1, TGS: 1}},
		{2 * time.Minute, kdctest.Count{AS: 4, Preauth: 2, TGS: 2}},
	} {
		now = now.Add(step.after)
		c, err := k.credential(t.Context(), []string{spn})
		check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
		checkCount(t, kdc, step.want)
	}
}

// TestKerberosShortLived: tickets that never last two minutes are kept all the same.
func TestKerberosShortLived(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	kdc.Life = time.Minute
	kdc.Now = func() time.Time { return time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC) }
	k := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given, Clock: kdc.Now})
	for range 3 {
		c, err := k.credential(t.Context(), []string{spn})
		check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	}
	checkCount(t, kdc, kdctest.Count{AS: 2, Preauth: 1, TGS: 1})
}

// TestKerberosCCacheEnded: an ended ticket says what to run, and a file that was renewed meanwhile is read again.
func TestKerberosCCacheEnded(t *testing.T) {
	t.Parallel()
	kdc, now := newKDC(), time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	kdc.Now = func() time.Time { return now }
	path := testCCache(t, testTGT(t, kdc))
	k := newTestKerberos(t, with(kdc), KerberosConfig{CCache: path, KDCs: given, Clock: kdc.Now})
	now = now.Add(9 * time.Hour)
	_, err := k.credential(t.Context(), []string{spn})
	e, ok := errors.AsType[*CredentialError](err)
	if !ok || !strings.Contains(err.Error(), "expired at 2024-05-06 15:08:09 UTC") || !strings.Contains(e.Fix, " me@CORP.EXAMPLE") {
		t.Fatalf("credential = %v, want a *CredentialError that says when it expired and what to run", err)
	}
	checkCount(t, kdc, kdctest.Count{AS: 2, Preauth: 1})
	renewed, err := os.ReadFile(testCCache(t, testTGT(t, kdc)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, renewed, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := k.credential(t.Context(), []string{spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	checkCount(t, kdc, kdctest.Count{AS: 4, Preauth: 2, TGS: 1})
}

// TestKerberosCCacheEnding: shortly before the end of the ticket the file is read again, and used if it was renewed; if not, the old ticket
// serves to its end.
func TestKerberosCCacheEnding(t *testing.T) {
	t.Parallel()
	kdc, now := newKDC(), time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	kdc.Now = func() time.Time { return now }
	old := testTGT(t, kdc)
	path := testCCache(t, old)
	k := newTestKerberos(t, with(kdc), KerberosConfig{CCache: path, KDCs: given, Clock: kdc.Now})
	now = old.EndTime.Add(-time.Minute)
	c, err := k.credential(t.Context(), []string{spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	renewed, err := os.ReadFile(testCCache(t, testTGT(t, kdc)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c, err = k.credential(t.Context(), []string{spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	if err := os.WriteFile(path, renewed, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err = k.credential(t.Context(), []string{spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	if !c.EndTime.After(old.EndTime) {
		t.Errorf("the ticket ends at %v, as the old one of the cache does", c.EndTime)
	}
}

// TestKerberosClose: nothing readable is left, and nothing is got any more.
func TestKerberosClose(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	k := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given, Keytab: testKeytab(t, kdc, "me")})
	c, err := k.credential(t.Context(), []string{spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	var secrets [][]byte
	for _, kept := range k.kept {
		secrets = append(secrets, kept.Key.Value, kept.Ticket)
	}
	for _, key := range k.keys {
		secrets = append(secrets, key.Key.Value)
	}
	if len(secrets) != 6 {
		t.Fatalf("%d secrets, want 2 keys and 2 tickets with their keys", len(secrets))
	}
	for range 2 {
		if err := k.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	for i, secret := range secrets {
		if strings.Trim(string(secret), "\x00") != "" {
			t.Errorf("secret %d is left after Close", i)
		}
	}
	if strings.Trim(string(c.Key.Value), "\x00") == "" {
		t.Error("Close has overwritten the caller's ticket")
	}
	if _, err := k.credential(t.Context(), []string{spn}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("credential after Close = %v, want net.ErrClosed", err)
	}
}

// TestKerberosFormat: no printer finds a key.
func TestKerberosFormat(t *testing.T) {
	t.Parallel()
	k := newTestKerberos(t, nil, KerberosConfig{Keytab: testKeytab(t, newKDC(), "me")})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, k); got != "Kerberos of me@CORP.EXAMPLE" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

// TestKerberosCloseCache: so with the tickets of a cache.
func TestKerberosCloseCache(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	k := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given, CCache: testCCache(t, testTGT(t, kdc))})
	key := k.ccache.Credentials[0].Key.Value
	_ = k.Close()
	if strings.Trim(string(key), "\x00") != "" {
		t.Error("the key is left after Close")
	}
	if _, err := k.credential(t.Context(), []string{spn}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("credential after Close = %v, want net.ErrClosed", err)
	}
}

// TestKerberosCloseWhile: a ticket that comes after Close is for nobody.
func TestKerberosCloseWhile(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	n := with(kdc)
	k := newTestKerberos(t, n, KerberosConfig{KDCs: given})
	n.listeners["dc1:88"] = serve(func(b []byte) []byte {
		_ = k.Close()
		return kdc.Answer(b)
	})
	if _, err := k.credential(t.Context(), []string{spn}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("credential = %v, want net.ErrClosed", err)
	}
}

func TestNewKerberosErrors(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	empty := write(t, "")
	for name, test := range map[string]struct {
		cfg        KerberosConfig
		credential bool // a *CredentialError
		want       string
	}{
		"nothing":         {KerberosConfig{}, false, "needs a ticket cache, a keytab, or a user with a password"},
		"no password":     {KerberosConfig{User: "me@CORP.EXAMPLE"}, false, "needs a ticket cache, a keytab, or a user with a password"},
		"no realm":        {KerberosConfig{User: "me", Password: NewSecret("x")}, true, "me: it names no realm, and " + empty + " has no default_realm"},
		"NTLM":            {KerberosConfig{User: `CORP\me`, Password: NewSecret("x")}, true, `CORP\me: a name for NTLM; Kerberos wants user@REALM`},
		"timeout":         {KerberosConfig{User: "me@CORP.EXAMPLE", Timeout: -1}, false, "negative"},
		"no ccache":       {KerberosConfig{CCache: empty + ".no"}, true, "run: kinit -c FILE:"},
		"ccache of other": {KerberosConfig{CCache: testCCache(t), User: "you"}, true, "it holds tickets of me@CORP.EXAMPLE, not of you"},
		"kind of ccache":  {KerberosConfig{CCache: "KCM:"}, true, "KCM:"},
		"no keytab":       {KerberosConfig{Keytab: empty + ".no"}, true, "no such file"},
		"keytab of other": {KerberosConfig{Keytab: testKeytab(t, kdc, "me"), User: "you"}, true, "it holds no key of you, but of me@CORP.EXAMPLE"},
		"krb5.conf":       {KerberosConfig{User: "me@CORP.EXAMPLE", ConfPath: empty + ".no"}, true, "no such file"},
	} {
		if test.cfg.ConfPath == "" {
			test.cfg.ConfPath = empty
		}
		_, err := NewKerberos(test.cfg)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: NewKerberos = %v, want an error with %q", name, err, test.want)
		}
		if name == "ccache of other" && strings.Contains(err.Error(), "kinit") {
			t.Errorf("NewKerberos = %v, which would overwrite the tickets of another", err)
		}
		if _, ok := errors.AsType[*CredentialError](err); ok != test.credential {
			t.Errorf("%s: NewKerberos = %#v, want a *CredentialError: %v", name, err, test.credential)
		}
	}
}

// TestKerberosCloseBeforeLogin: Close overwrites the keys, and one who was about to use them sends nothing in their place.
func TestKerberosCloseBeforeLogin(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	k := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given, Keytab: testKeytab(t, kdc, "me")})
	_ = k.Close()
	if _, err := k.login(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("login after Close = %v, want net.ErrClosed", err)
	}
	checkCount(t, kdc, kdctest.Count{})
}

// TestKerberosRC4InCache: a ticket whose session key is of no use does not hide what gets one that is.
func TestKerberosRC4InCache(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	tgt := testTGT(t, kdc)
	c, err := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given}).credential(t.Context(), []string{spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	rc4 := krb5.Key{EType: 23, Value: make([]byte, 16)}
	c.Key = rc4
	c, err = newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given, CCache: testCCache(t, c, tgt)}).credential(t.Context(), []string{spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	if c.Key.EType != krb5.ETypeAES256SHA1 {
		t.Errorf("the ticket's key is of encryption type %d, want 18", c.Key.EType)
	}

	tgt.Key = rc4
	_, err = newTestKerberos(t, new(network), KerberosConfig{KDCs: given, CCache: testCCache(t, tgt)}).credential(t.Context(), []string{spn})
	if e, ok := errors.AsType[*CredentialError](err); !ok || !strings.Contains(err.Error(), "is of encryption type 23") || e.Fix == "" {
		t.Errorf("credential by a TGT of RC4 = %v, want a *CredentialError that says so and what to run", err)
	}
}

// TestKerberosCCacheOfOther: a file that was renewed for another user is not used, and not to be overwritten.
func TestKerberosCCacheOfOther(t *testing.T) {
	t.Parallel()
	kdc, now := newKDC(), time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	kdc.Now = func() time.Time { return now }
	kdc.Users["you"] = kdcPassword
	path := testCCache(t, testTGT(t, kdc))
	k := newTestKerberos(t, with(kdc), KerberosConfig{CCache: path, KDCs: given, Clock: kdc.Now})
	now = now.Add(9 * time.Hour)
	tgt, err := newTestKerberos(t, with(kdc), KerberosConfig{User: "you@CORP.EXAMPLE", KDCs: given, Clock: kdc.Now}).login(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	renewed := (&krb5.CCache{Principal: tgt.Client, Credentials: []*krb5.Credential{tgt}}).Encode()
	if err := os.WriteFile(path, renewed, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = k.credential(t.Context(), []string{spn})
		e, ok := errors.AsType[*CredentialError](err)
		if !ok || err.Error() != path+": it holds tickets of you@CORP.EXAMPLE, not of me@CORP.EXAMPLE" || e.Fix != "" {
			t.Errorf("credential = %v, want a *CredentialError that says whose tickets these are, and no kinit", err)
		}
	}
	if got := kdc.Count().TGS; got != 0 {
		t.Errorf("%d requests with a ticket of another", got)
	}
}
