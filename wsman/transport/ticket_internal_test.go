package transport

// Kerberos.credential is not exported: package transport_test sees it only through an authenticated Transport.

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5/kdctest"
)

// TestKerberosRefused: what each refusal says. A refused password is not sent again.
func TestKerberosRefused(t *testing.T) {
	t.Parallel()
	wrong := NewSecret("wrong")
	for name, test := range map[string]struct {
		kdc     func(*kdctest.KDC)
		cfg     KerberosConfig
		spns    []string
		code    int32
		refused bool
		preauth int // after two calls
		want    string
	}{
		"wrong password": {
			cfg: KerberosConfig{Password: wrong}, code: 24, refused: true, preauth: 1,
			want: "the KDC dc1:88 of CORP.EXAMPLE refused the password or key of me@CORP.EXAMPLE: KDC_ERR_PREAUTH_FAILED (24)",
		},
		"wrong password, no preauth": {
			kdc: func(k *kdctest.KDC) { k.NoPreauth = true }, cfg: KerberosConfig{Password: wrong}, refused: true,
			want: "the KDC dc1:88 of CORP.EXAMPLE refused the password or key of me@CORP.EXAMPLE: " + krb5.ErrWrongKey.Error(),
		},
		"unknown": {
			cfg: KerberosConfig{User: "you@CORP.EXAMPLE"}, code: 6,
			want: "the KDC dc1:88 of CORP.EXAMPLE does not know you@CORP.EXAMPLE: KDC_ERR_C_PRINCIPAL_UNKNOWN (6)",
		},
		"disabled": {
			kdc: refuse("me", 18), code: 18,
			want: "the KDC dc1:88 of CORP.EXAMPLE says that me@CORP.EXAMPLE is disabled or locked: KDC_ERR_CLIENT_REVOKED (18)",
		},
		"expired": {
			kdc: refuse("me", 23), code: 23,
			want: "the KDC dc1:88 of CORP.EXAMPLE says that the password of me@CORP.EXAMPLE has expired: KDC_ERR_KEY_EXPIRED (23)",
		},
		"no AES": {
			kdc: refuse("me", 14), code: 14,
			want: "the KDC dc1:88 of CORP.EXAMPLE has no key of AES (encryption types 17 to 20) for me@CORP.EXAMPLE: KDC_ERR_ETYPE_NOSUPP (14)",
		},
		"account expired": {
			kdc: refuse("me", 1), code: 1,
			want: "the KDC dc1:88 of CORP.EXAMPLE says that the account me@CORP.EXAMPLE has expired: KDC_ERR_NAME_EXP (1)",
		},
		"RC4 alone": {
			kdc: func(k *kdctest.KDC) { k.Offer = []int32{23} }, code: 25,
			want: "the KDC dc1:88 of CORP.EXAMPLE wants of me@CORP.EXAMPLE what is not done here: KDC_ERR_PREAUTH_REQUIRED (25); " +
				"the KDC offers no encryption type that is taken here (offered: 23; taken: [20 19 18 17])",
		},
		"2^32-1 iterations": {
			kdc: func(k *kdctest.KDC) { k.Iterations = 1<<32 - 1 }, code: 25,
			want: "the KDC dc1:88 of CORP.EXAMPLE wants of me@CORP.EXAMPLE what is not done here: KDC_ERR_PREAUTH_REQUIRED (25); " +
				"the KDC asks for 4294967295 iterations to make the key, not between 4096 and 131072",
		},
		"policy": {
			kdc: refuse("me", 12), code: 12,
			want: "the KDC dc1:88 of CORP.EXAMPLE refused me@CORP.EXAMPLE: KDC_ERR_POLICY (12)",
		},
		"unknown service": {
			spns: []string{"HTTP/hv09"}, code: 7, preauth: 1,
			want: "the KDC dc1:88 of CORP.EXAMPLE does not know HTTP/hv09: KDC_ERR_S_PRINCIPAL_UNKNOWN (7)",
		},
		"unknown services": {
			spns: []string{"HTTP/hv09", "WSMAN/hv09", "HOST/hv09"}, code: 7, preauth: 1,
			want: "the KDC dc1:88 of CORP.EXAMPLE knows none of HTTP/hv09, WSMAN/hv09, HOST/hv09: KDC_ERR_S_PRINCIPAL_UNKNOWN (7)",
		},
		"service without AES": {
			kdc: refuse(spn, 14), code: 14, preauth: 1,
			want: "the KDC dc1:88 of CORP.EXAMPLE has no key of AES (encryption types 17 to 20) for HTTP/hv01: KDC_ERR_ETYPE_NOSUPP (14)",
		},
		"service refused": {
			kdc: refuse(spn, 12), spns: []string{spn, "WSMAN/hv01"}, code: 12, preauth: 1,
			want: "the KDC dc1:88 of CORP.EXAMPLE refused a ticket for HTTP/hv01 to me@CORP.EXAMPLE: KDC_ERR_POLICY (12)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kdc := newKDC()
			if test.kdc != nil {
				test.kdc(kdc)
			}
			if test.spns == nil {
				test.spns = []string{spn}
			}
			test.cfg.KDCs = given
			k := newTestKerberos(t, with(kdc), test.cfg)
			for range 2 {
				_, err := k.credential(t.Context(), test.spns)
				e, ok := errors.AsType[*KDCError](err)
				if !ok || err.Error() != test.want || e.Code != test.code || e.Refused() != test.refused {
					t.Errorf("credential = %v, want a *KDCError %q with code %d and Refused() %v", err, test.want, test.code, test.refused)
				}
			}
			if got := kdc.Count().Preauth; got != test.preauth {
				t.Errorf("the password was sent %d times, want %d", got, test.preauth)
			}
		})
	}
}

// TestKDCErrorBare: a caller's own tests make one without a cause.
func TestKDCErrorBare(t *testing.T) {
	t.Parallel()
	e := &KDCError{Realm: "R\n", Addr: "dc1:88", User: "me@R", SPNs: []string{spn}, Code: 7}
	if got, want := e.Error(), `the KDC dc1:88 of "R\n" does not know HTTP/hv01 (code 7)`; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func refuse(name string, code int32) func(*kdctest.KDC) {
	return func(k *kdctest.KDC) { k.Refuse = map[string]int32{name: code} }
}

// TestKerberosSkew: by how much, and which way.
func TestKerberosSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kdc := newKDC()
		for ahead, want := range map[time.Duration]string{
			12*time.Minute + 3*time.Second: "this machine's clock is 12m3s behind the KDC's: KRB_AP_ERR_SKEW (37)",
			-20 * time.Minute:              "this machine's clock is 20m0s ahead of the KDC's: KRB_AP_ERR_SKEW (37)",
		} {
			kdc.Now = func() time.Time { return time.Now().Add(ahead) }
			_, err := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given}).credential(t.Context(), []string{spn})
			e, ok := errors.AsType[*KDCError](err)
			if !ok || e.Skew != ahead || e.Refused() || err.Error() != "the KDC dc1:88 of CORP.EXAMPLE refused: "+want {
				t.Errorf("credential = %v, want %q", err, want)
			}
		}
	})
}

// TestKerberosNextName: the names of a service are asked for in turn.
func TestKerberosNextName(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	kdc.Services = []string{"HOST/hv01"}
	k := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given})
	c, err := k.credential(t.Context(), []string{spn, "WSMAN/hv01", "HOST/hv01"})
	check(t, c, err, "HOST/hv01@CORP.EXAMPLE")
	checkCount(t, kdc, kdctest.Count{AS: 2, Preauth: 1, TGS: 3})
	if _, err := k.credential(t.Context(), nil); err == nil {
		t.Error("a ticket for no service")
	}
}

// forest returns a network of KDCs that refer to each other: CORP, and EU and ASIA behind it.
func forest() (n *network, corp, eu *kdctest.KDC) {
	corp = newKDC()
	corp.Referrals = map[string]string{"HTTP/eu1": "EU.EXAMPLE", "HTTP/asia1": "EU.EXAMPLE", "HTTP/loop": "EU.EXAMPLE", "krbtgt/ASIA.EXAMPLE": "EU.EXAMPLE"}
	eu = &kdctest.KDC{
		Realm: "EU.EXAMPLE", Services: []string{"HTTP/eu1"},
		Referrals: map[string]string{"HTTP/asia1": "ASIA.EXAMPLE", "HTTP/loop": "CORP.EXAMPLE"},
	}
	asia := &kdctest.KDC{Realm: "ASIA.EXAMPLE", Services: []string{"HTTP/asia1", "HTTP/asia2"}}
	return &network{listeners: map[string]func(net.Conn){
		"corp:88": serve(corp.Answer), "eu:88": serve(eu.Answer), "asia:88": serve(asia.Answer),
	}}, corp, eu
}

const forestConf = `
[realms]
CORP.EXAMPLE = { 
  kdc = corp
}
EU.EXAMPLE = {
  kdc = eu
}
ASIA.EXAMPLE = {
  kdc = asia
}
[domain_realm]
asia2 = ASIA.EXAMPLE
nowhere = NO.EXAMPLE
`

// TestKerberosRealms: tickets for services of other realms.
func TestKerberosRealms(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"HTTP/eu1":               "HTTP/eu1@EU.EXAMPLE",
		"HTTP/asia1":             "HTTP/asia1@ASIA.EXAMPLE",
		"HTTP/asia2":             "HTTP/asia2@ASIA.EXAMPLE", // by krb5.conf
		"HTTP/eu1@eu.example":    "HTTP/eu1@EU.EXAMPLE",     // by its name
		"HTTP/hv01@CORP.EXAMPLE": "HTTP/hv01@CORP.EXAMPLE",
	} {
		n, _, _ := forest()
		k := newTestKerberos(t, n, KerberosConfig{ConfPath: write(t, forestConf)})
		c, err := k.credential(t.Context(), []string{name})
		check(t, c, err, want)
	}
}

// TestKerberosRealmsRefused: no way to the service's realm.
func TestKerberosRealmsRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"HTTP/loop":    "the KDCs refer from realm to realm without end: CORP.EXAMPLE, EU.EXAMPLE, CORP.EXAMPLE$",
		"HTTP/nowhere": "no KDC of NO.EXAMPLE is known",
		"HTTP/r0":      "without end: CORP.EXAMPLE, R0, R1, R2, R3, R4, R5$",
	} {
		n, corp, _ := forest()
		corp.Referrals["HTTP/r0"] = "R0"
		conf := forestConf + "[realms]\n"
		for i := range 9 {
			r := &kdctest.KDC{Realm: fmt.Sprint("R", i), Referrals: map[string]string{"HTTP/r0": fmt.Sprint("R", i+1)}}
			n.listeners[fmt.Sprintf("r%d:88", i)] = serve(r.Answer)
			conf += fmt.Sprintf("R%d = {\n kdc = r%d\n}\n", i, i)
		}
		k := newTestKerberos(t, n, KerberosConfig{ConfPath: write(t, conf)})
		if _, err := k.credential(t.Context(), []string{name}); err == nil || !strings.Contains(err.Error()+"$", want) {
			t.Errorf("credential for %s = %v, want an error with %q", name, err, want)
		}
	}
}

// TestKerberosCrossOnce: the way to another realm is gone once for all of its hosts, and no name after a refused way.
func TestKerberosCrossOnce(t *testing.T) {
	t.Parallel()
	n, corp, eu := forest()
	eu.Services = append(eu.Services, "HTTP/eu2")
	k := newTestKerberos(t, n, KerberosConfig{ConfPath: write(t, forestConf)})
	for _, name := range []string{"HTTP/eu1@EU.EXAMPLE", "HTTP/eu2@EU.EXAMPLE"} {
		c, err := k.credential(t.Context(), []string{name})
		check(t, c, err, name)
	}
	checkCount(t, corp, kdctest.Count{AS: 2, Preauth: 1, TGS: 1})
	checkCount(t, eu, kdctest.Count{TGS: 2})

	corp.Refuse = map[string]int32{"krbtgt/ASIA.EXAMPLE": 7}
	_, err := k.credential(t.Context(), []string{"HTTP/asia2", "WSMAN/asia2"})
	if e, ok := errors.AsType[*KDCError](err); !ok || cmp.Diff(e.SPNs, []string{"krbtgt/ASIA.EXAMPLE"}) != "" {
		t.Errorf("credential = %v, want a *KDCError about krbtgt/ASIA.EXAMPLE alone", err)
	}
	checkCount(t, corp, kdctest.Count{AS: 2, Preauth: 1, TGS: 2})
}
