package transport

// The KDCs and the files of these tests are those of the other tests inside the package; a request is seen here by what it asks of Kerberos.

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5/kdctest"
)

// inspector returns a transport to hv01 that authenticates by k. The host refuses everybody.
func inspector(t *testing.T, k *Kerberos, edit func(*Config)) *Transport {
	t.Helper()
	host := func(c net.Conn) {
		defer func() { _ = c.Close() }()
		r := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
		}
	}
	n := &network{listeners: map[string]func(net.Conn){"hv01:5985": host}}
	cfg := Config{URL: "http://hv01:5985/wsman", Auth: AuthNegotiate, Kerberos: k, Proxy: Proxy{none: true}, DialContext: n.DialContext}
	if edit != nil {
		edit(&cfg)
	}
	tr, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// request sends an envelope and returns the error of its authentication.
func request(t *testing.T, tr *Transport) *AuthError {
	t.Helper()
	_, err := tr.RoundTrip(t.Context(), &wsman.Request{})
	e, ok := errors.AsType[*AuthError](err)
	if !ok {
		t.Fatalf("RoundTrip: %v, want an *AuthError", err)
	}
	return e
}

// tidy makes reports comparable: how long a KDC took is left out, and errors are texts.
func tidy() cmp.Options {
	return cmp.Options{
		cmp.Transformer("attempt", func(a KDCAttempt) string { a.After = 0; return a.String() }),
		cmp.Transformer("error", func(err error) string {
			if err == nil {
				return ""
			}
			return err.Error()
		}),
		cmp.Transformer("time", func(tm time.Time) string { return tm.UTC().Format(time.RFC3339) }),
	}
}

// TestInspectKerberos: what there is is told, and the ticket is there for the request that follows: the KDC sees one authentication.
func TestInspectKerberos(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kdc := newKDC()
		kdc.Services = []string{"WSMAN/hv01"}
		n := with(kdc)
		n.listeners["dc3:88"] = silent
		conf := write(t, "[libdefaults]\ndefault_realm = corp\n[domain_realm]\nhv01 = CORP.EXAMPLE\n")
		k := newTestKerberos(t, n, KerberosConfig{KDCs: []string{"dc1", "dc2", "dc3"}, ConfPath: conf})
		tr := inspector(t, k, nil)
		got, err := tr.InspectKerberos(t.Context())
		if err != nil {
			t.Fatalf("InspectKerberos: %v", err)
		}
		want := &KerberosReport{
			User: "me@CORP.EXAMPLE", ConfPath: conf, ConfRead: true, DefaultRealm: "corp", UserRealm: "CORP.EXAMPLE", HostRealm: "CORP.EXAMPLE",
			KDCSource: KDCsGiven,
			KDCs:      []KDCAttempt{{Addr: "dc1:88"}, {Addr: "dc2:88", Err: refusedErrnos()[0]}, {Addr: "dc3:88"}},
			SPNs: []SPNAttempt{
				{"HTTP/hv01", errors.New("the KDC dc1:88 of CORP.EXAMPLE does not know HTTP/hv01: KDC_ERR_S_PRINCIPAL_UNKNOWN (7)")},
				{"WSMAN/hv01", nil},
			},
			Ticket: &TicketReport{
				Client: "me@CORP.EXAMPLE", Server: "WSMAN/hv01@CORP.EXAMPLE", EndTime: time.Now().Add(8 * time.Hour), EType: 18,
			},
		}
		if diff := cmp.Diff(want, got, tidy()); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
		asked := kdctest.Count{AS: 2, Preauth: 1, TGS: 2}
		checkCount(t, kdc, asked)
		if e := request(t, tr); !e.Refused || e.Mechanism != MechanismKerberos {
			t.Errorf("request = %v, want the host's refusal", e)
		}
		checkCount(t, kdc, asked)

		// What is there already is told, without the names before it.
		want.SPNs = want.SPNs[1:]
		if got, err = tr.InspectKerberos(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, tidy()); diff != "" {
			t.Errorf("second report (-want +got):\n%s", diff)
		}
		checkCount(t, kdc, asked)
	})
}

// TestInspectKerberosRefused: what the KDC refuses is what the request ends with, and a password is not sent twice.
func TestInspectKerberosRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit    func(*kdctest.KDC)
		refused bool
		spns    []string
		first   kdctest.Count // of the inspection
		both    kdctest.Count // and of the request after it
	}{
		"password": {func(k *kdctest.KDC) { k.Users["me"] = "another" }, true, nil, kdctest.Count{AS: 2, Preauth: 1}, kdctest.Count{AS: 2, Preauth: 1}},
		"user":     {func(k *kdctest.KDC) { delete(k.Users, "me") }, false, nil, kdctest.Count{AS: 1}, kdctest.Count{AS: 2}},
		"SPN": {
			func(k *kdctest.KDC) { k.Services = nil }, false,
			[]string{"HTTP/hv01", "WSMAN/hv01", "HOST/hv01"},
			kdctest.Count{AS: 2, Preauth: 1, TGS: 3},
			kdctest.Count{AS: 2, Preauth: 1, TGS: 6},
		},
		"service": {
			refuse("HTTP/hv01", 12), false,
			[]string{"HTTP/hv01"},
			kdctest.Count{AS: 2, Preauth: 1, TGS: 1},
			kdctest.Count{AS: 2, Preauth: 1, TGS: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kdc := newKDC()
			test.edit(kdc)
			tr := inspector(t, newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given}), nil)
			report, err := tr.InspectKerberos(t.Context())
			checkCount(t, kdc, test.first)
			e, ok := errors.AsType[*AuthError](err)
			if _, kdcError := errors.AsType[*KDCError](err); !ok || !kdcError || e.Refused != test.refused {
				t.Fatalf("InspectKerberos: %v, want an *AuthError with Refused %v", err, test.refused)
			}
			var asked []string
			for _, s := range report.SPNs {
				if asked = append(asked, s.SPN); s.Err == nil {
					t.Errorf("%s has a ticket", s.SPN)
				}
			}
			if diff := cmp.Diff(test.spns, asked); diff != "" {
				t.Errorf("SPNs (-want +got):\n%s", diff)
			}
			if report.Ticket != nil || len(report.KDCs) != 1 || report.KDCs[0].Err != nil {
				t.Errorf("report = %+v", report)
			}
			if diff := cmp.Diff(e.Error(), request(t, tr).Error()); diff != "" {
				t.Errorf("error (-inspection +request):\n%s", diff)
			}
			checkCount(t, kdc, test.both)
		})
	}
}

// TestInspectKerberosUnreached: silent KDCs cost their time once, and none known is told with where it was looked.
func TestInspectKerberosUnreached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := &network{listeners: map[string]func(net.Conn){}}
		k := newTestKerberos(t, hang, KerberosConfig{KDCs: []string{"dc1", "dc2"}, Timeout: 3 * time.Second})
		k.cfg.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		tr := inspector(t, k, nil)
		start := time.Now()
		r, err := tr.InspectKerberos(t.Context())
		if _, ok := errors.AsType[*KDCUnreachableError](err); !ok || time.Since(start) != 6*time.Second {
			t.Errorf("InspectKerberos = %v after %v, want a *KDCUnreachableError after 6s", err, time.Since(start))
		}
		for _, a := range r.KDCs {
			if a.After != 3*time.Second || !strings.Contains(a.String(), "no answer") {
				t.Errorf("attempt %v", a)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err := tr.InspectKerberos(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("InspectKerberos = %v after %v, want the context's error after 1s", err, time.Since(start))
		}
	})

	r, err := inspector(t, newTestKerberos(t, new(network), KerberosConfig{}), nil).InspectKerberos(t.Context())
	none, ok := errors.AsType[*KDCUnreachableError](r.NoKDC)
	if _, same := errors.AsType[*KDCUnreachableError](err); !same || !ok || len(none.Looked) != 2 || len(r.KDCs) != 0 || r.KDCSource != "" {
		t.Errorf("InspectKerberos = %+v, %v; want that no KDC is known", r, err)
	}
}

// TestInspectKerberosCache: a ticket in a cache needs no KDC, and is told as it is.
func TestInspectKerberosCache(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	c, err := newTestKerberos(t, with(kdc), KerberosConfig{KDCs: given}).credential(t.Context(), []string{spn})
	check(t, c, err, "HTTP/hv01@CORP.EXAMPLE")
	conf := write(t, "[realms]\nCORP.EXAMPLE = {\nkdc = dc8\n}\n")
	k := newTestKerberos(t, new(network), KerberosConfig{CCache: testCCache(t, c), ConfPath: conf})
	r, err := inspector(t, k, nil).InspectKerberos(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]SPNAttempt{{SPN: spn}}, r.SPNs); diff != "" || r.Ticket == nil || !r.Ticket.EndTime.Equal(c.EndTime) {
		t.Errorf("report = %+v", r)
	}
	if r.KDCSource != KDCsOfConf || len(r.KDCs) != 1 || r.KDCs[0].Addr != "dc8:88" || r.KDCs[0].Err == nil {
		t.Errorf("KDCs = %v of %s", r.KDCs, r.KDCSource)
	}
	if k.ccache.Credentials[0].Key.Value[0] == 0 && k.ccache.Credentials[0].Key.Value[1] == 0 {
		t.Error("the key in the cache was overwritten")
	}
}

// TestInspectKerberosRealm: the realm of the host is that of the name in use.
func TestInspectKerberosRealm(t *testing.T) {
	t.Parallel()
	n, _, _ := forest()
	conf := write(t, "[domain_realm]\nhv01 = FILE.EXAMPLE\n")
	for spn, want := range map[string]string{"": "FILE.EXAMPLE", "HTTP/hv09": "", "HTTP/hv01@named.example": "NAMED.EXAMPLE"} {
		tr := inspector(t, newTestKerberos(t, n, KerberosConfig{KDCs: given, ConfPath: conf}), func(c *Config) { c.SPN = spn })
		if r, _ := tr.InspectKerberos(t.Context()); r == nil || r.HostRealm != want {
			t.Errorf("SPN %q: report = %+v, want the realm %q", spn, r, want)
		}
	}
}

// TestInspectKerberosConf: a file of the list that is there counts, and a Kerberos without any is none that has read one.
func TestInspectKerberosConf(t *testing.T) {
	there, missing := write(t, "[libdefaults]\ndefault_realm = ENV.EXAMPLE\n"), filepath.Join(t.TempDir(), "krb5.conf")
	for list, want := range map[string]bool{missing: false, missing + string(filepath.ListSeparator) + there: true} {
		t.Setenv(krb5ConfigVariable, list)
		n := with(newKDC())
		k, err := NewKerberos(KerberosConfig{
			User: "me@CORP.EXAMPLE", Password: NewSecret(kdcPassword), KDCs: given, DialContext: n.DialContext,
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := inspector(t, k, nil).InspectKerberos(t.Context())
		if err != nil || r.ConfRead != want || r.ConfPath != list || (r.DefaultRealm == "ENV.EXAMPLE") != want {
			t.Errorf("%s: report = %+v, %v; want ConfRead %v", list, r, err, want)
		}
	}
}

// TestInspectNoKerberos: without Kerberos there is nothing to inspect, and nothing is sent.
func TestInspectNoKerberos(t *testing.T) {
	t.Parallel()
	n := with(newKDC())
	tr := inspector(t, newTestKerberos(t, n, KerberosConfig{KDCs: given}), func(c *Config) { c.Auth, c.User = AuthNTLM, "me" })
	if r, err := tr.InspectKerberos(t.Context()); r != nil || err == nil || len(n.dials) != 0 {
		t.Errorf("InspectKerberos of NTLM = %v, %v after dials of %q", r, err, n.dials)
	}
}

func TestEType(t *testing.T) {
	t.Parallel()
	for e, want := range map[EType]string{
		17: "aes128-cts-hmac-sha1-96", 18: "aes256-cts-hmac-sha1-96", 19: "aes128-cts-hmac-sha256-128", 20: "aes256-cts-hmac-sha384-192",
		23: "encryption type 23",
	} {
		if e.String() != want {
			t.Errorf("EType(%d) = %v, want %s", int32(e), e, want)
		}
	}
}
