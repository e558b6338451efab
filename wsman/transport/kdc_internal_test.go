package transport

// Kerberos.credential is not exported: package transport_test sees it only through an authenticated Transport.

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5/kdctest"
)

const (
	kdcPassword = "correct horse"
	spn         = "HTTP/hv01"
)

// newKDC returns a KDC that knows me and HTTP/hv01.
func newKDC() *kdctest.KDC {
	return &kdctest.KDC{Realm: "CORP.EXAMPLE", Users: map[string]string{"me": kdcPassword}, Services: []string{spn}}
}

// A network is what listens at addresses. An address without a listener refuses; each dial is noted.
type network struct {
	listeners map[string]func(net.Conn)

	mu    sync.Mutex
	dials []string
}

func (n *network) DialContext(_ context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dials = append(n.dials, addr)
	serve := n.listeners[addr]
	if serve == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ours, theirs := net.Pipe()
	go serve(theirs)
	return ours, nil
}

// serve answers one request by answer.
func serve(answer func([]byte) []byte) func(net.Conn) {
	return func(c net.Conn) {
		defer func() { _ = c.Close() }()
		msg, err := readAnswer(c)
		if err != nil {
			return
		}
		reply := answer(msg)
		_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...))
	}
}

// raw reads one request and writes b.
func raw(b string) func(net.Conn) {
	return func(c net.Conn) {
		defer func() { _ = c.Close() }()
		if _, err := readAnswer(c); err == nil {
			_, _ = io.WriteString(c, b)
		}
	}
}

// silent reads and says nothing.
func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// newTestKerberos returns a Kerberos of me with the KDCs of n, and without the machine's own configuration.
func newTestKerberos(t *testing.T, n *network, cfg KerberosConfig) *Kerberos {
	t.Helper()
	if cfg.ConfPath == "" {
		cfg.ConfPath = write(t, "")
	}
	if cfg.User == "" && cfg.CCache == "" && cfg.Keytab == "" {
		cfg.User = "me@CORP.EXAMPLE"
	}
	if cfg.Password.IsZero() {
		cfg.Password = NewSecret(kdcPassword)
	}
	if cfg.LookupSRV == nil {
		cfg.LookupSRV = func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
			return "", nil, &net.DNSError{Err: "no such host", Name: "_" + service + "._" + proto + "." + name}
		}
	}
	cfg.DialContext = n.DialContext
	k, err := NewKerberos(cfg)
	if err != nil {
		t.Fatalf("NewKerberos: %v", err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// TestKDCUnreachable: each KDC that is of no use is told, and the next is asked. The time is synctest's.
func TestKDCUnreachable(t *testing.T) {
	long := binary.BigEndian.AppendUint32(nil, 300<<20)
	unavailable := func([]byte) []byte {
		e := messages.KRBError{PVNO: 5, MsgType: 30, STime: time.Now().UTC(), ErrorCode: 29, Realm: "X", SName: types.NewPrincipalName(2, "krbtgt/X")}
		b, _ := e.Marshal()
		return b
	}
	for name, test := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"refused":    {nil, "(refused, after 0s)"},
		"silent":     {silent, "(no answer, after 3s)"},
		"closed":     {raw(""), "(connection closed without an answer, after 0s)"},
		"cut length": {raw("\x00\x00"), "(connection closed without an answer, after 0s)"},
		"cut":        {raw("\x00\x00\x00\x09abc"), "(connection closed without an answer, after 0s)"},
		"one octet":  {raw("\x00\x00\x00\x01\x6b"), "(the answer: "},
		"no octet":   {raw("\x00\x00\x00\x00"), "(an answer of 0 bytes, not between 1 and 65536; is it a KDC?, after 0s)"},
		"300 MiB":    {raw(string(long)), "(an answer of 314572800 bytes, not between 1 and 65536; is it a KDC?, after 0s)"},
		"HTTP":       {raw("HTTP/1.1 400 Bad Request\r\n\r\n"), "is it a KDC?"},
		"garbage":    {raw("\x00\x00\x00\x04abcd"), "(the answer: "},
		"AS-REQ":     {serve(func(b []byte) []byte { return b }), "(the answer: "},
		"no service": {serve(unavailable), "(KDC_ERR_SVC_UNAVAILABLE (29), after 0s)"},
		"nonce": {
			serve((&kdctest.KDC{
				Realm: "CORP.EXAMPLE", Users: map[string]string{"me": kdcPassword}, NoPreauth: true,
				EditPart: func(p *messages.EncKDCRepPart) { p.Nonce++ },
			}).Answer), "wrong nonce",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{listeners: map[string]func(net.Conn){"dc1:88": test.serve, "dc2:88": silent}}
				k := newTestKerberos(t, n, KerberosConfig{KDCs: []string{"dc1", "dc2"}, Timeout: 3 * time.Second})
				_, err := k.credential(t.Context(), []string{spn})
				e, ok := errors.AsType[*KDCUnreachableError](err)
				if !ok || len(e.Attempts) != 2 {
					t.Fatalf("credential: %v, want a *KDCUnreachableError with two attempts", err)
				}
				text := err.Error()
				if !strings.HasPrefix(text, "no KDC of CORP.EXAMPLE answered: dc1:88 (") || !strings.Contains(text, test.want) ||
					!strings.HasSuffix(text, ", dc2:88 (no answer, after 3s)") {
					t.Errorf("error = %q, want %q of dc1", text, test.want)
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Error("the error says that the caller's context ended")
				}

				// The next one serves, and is asked first from then on.
				n.listeners["dc2:88"] = serve(newKDC().Answer)
				if _, err := k.credential(t.Context(), []string{spn}); err != nil {
					t.Fatalf("credential with a KDC at dc2: %v", err)
				}
				want := []string{"dc1:88", "dc2:88", "dc1:88", "dc2:88", "dc2:88", "dc2:88"}
				if diff := cmp.Diff(want, n.dials); diff != "" {
					t.Errorf("dials (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestKDCsOfPassword: a KDC that gives no answer may have counted a wrong password all the same. Two are told it, and those alone count
// that were reached.
func TestKDCsOfPassword(t *testing.T) {
	for name, test := range map[string]struct {
		second bool // the second that is reached answers
		text   string
	}{
		"all lose the answer": {false, "no KDC of CORP.EXAMPLE answered: dc0:88 (connection closed without an answer, after 0s), " +
			"dc1:88 (refused, after 0s), dc2:88 (connection closed without an answer, after 0s); " +
			"3 more were not asked, since each may count a wrong password"},
		"the first loses it": {true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kdc := newKDC()
				n := &network{listeners: map[string]func(net.Conn){}}
				var names []string
				for i := range 6 {
					name := fmt.Sprint("dc", i)
					names = append(names, name)
					n.listeners[name+":88"] = serve(kdc.Answer)
				}
				delete(n.listeners, "dc1:88")
				lose := func(c net.Conn) {
					defer func() { _ = c.Close() }()
					msg, err := readAnswer(c)
					if err != nil {
						return
					}
					before := kdc.Count().Preauth
					if reply := kdc.Answer(msg); kdc.Count().Preauth == before {
						_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(reply))), reply...))
					}
				}
				n.listeners["dc0:88"] = lose
				if !test.second {
					n.listeners["dc2:88"] = lose
				}
				_, err := newTestKerberos(t, n, KerberosConfig{KDCs: names}).login(t.Context())
				if (err != nil) != (test.text != "") || err != nil && err.Error() != test.text {
					t.Errorf("login = %v, want %q", err, test.text)
				}
				checkCount(t, kdc, kdctest.Count{AS: 3, Preauth: 2})
				if diff := cmp.Diff([]string{"dc0:88", "dc0:88", "dc1:88", "dc2:88"}, n.dials); diff != "" {
					t.Errorf("dials (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestKDCContext: the caller's context ends the waiting at once.
func TestKDCContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{listeners: map[string]func(net.Conn){"dc1:88": silent}}
		k := newTestKerberos(t, n, KerberosConfig{KDCs: []string{"dc1"}})
		for want, limit := range map[error]time.Duration{context.DeadlineExceeded: 700 * time.Millisecond, context.Canceled: time.Hour} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			if limit == time.Hour {
				time.AfterFunc(700*time.Millisecond, cancel)
			}
			start := time.Now()
			_, err := k.credential(ctx, []string{spn})
			if !errors.Is(err, want) || time.Since(start) != 700*time.Millisecond {
				t.Errorf("credential = %v after %v, want %v after 700ms", err, time.Since(start), want)
			}
			// A deadline was spent on KDCs that did not answer; one who leaves wants to hear nothing of them.
			if e, ok := errors.AsType[*KDCUnreachableError](err); ok != errors.Is(want, context.DeadlineExceeded) ||
				ok && (len(e.Attempts) != 1 || e.Attempts[0].After != 700*time.Millisecond) {
				t.Errorf("credential = %v, want the KDC and how long it was waited for, of a deadline alone", err)
			}
			cancel()
		}
	})
}

// TestKDCs: where the KDCs of a realm come from.
func TestKDCs(t *testing.T) {
	t.Parallel()
	const conf = `
[realms]
CORP.EXAMPLE = {
  kdc = dc1.corp.example:750
  kdc = tcp/[::1]
  kdc = udp/dc3
  kdc = https://proxy/KdcProxy
}
UDP.EXAMPLE = {
  kdc = udp/dc3
}
`
	records := map[string][]*net.SRV{ // absolute names: no search domain is put behind them
		"CORP.EXAMPLE.":  {{Target: "srv.corp.example.", Port: 88}},
		"DNS.EXAMPLE.":   {{Target: "a.dns.example.", Port: 88}, {Target: "b.dns.example.", Port: 8888}},
		"EMPTY.EXAMPLE.": {{Target: "."}},
	}
	for name, test := range map[string]struct {
		realm, conf string
		given       []string
		want        []string
		text        string // of the error; CONF stands for the path
	}{
		"krb5.conf":       {realm: "CORP.EXAMPLE", conf: conf, want: []string{"dc1.corp.example:750", "[::1]:88"}},
		"given":           {realm: "CORP.EXAMPLE", conf: conf, given: []string{"dc9", "::1", "[::1]:1088"}, want: []string{"dc9:88", "[::1]:88", "[::1]:1088"}},
		"given for other": {realm: "DNS.EXAMPLE", conf: conf, given: []string{"dc9"}, want: []string{"a.dns.example:88", "b.dns.example:8888"}},
		"DNS":             {realm: "CORP.EXAMPLE", want: []string{"srv.corp.example:88"}},
		"UDP alone":       {realm: "UDP.EXAMPLE", conf: conf, text: "no KDC of UDP.EXAMPLE is known; looked in CONF (which has none for TCP)"},
		"not in DNS": {
			realm: "NO.EXAMPLE", text: "no KDC of NO.EXAMPLE is known; looked in CONF and DNS (SRV _kerberos._tcp.NO.EXAMPLE: no such host)",
		},
		"DNS says no": {
			realm: "EMPTY.EXAMPLE", text: "no KDC of EMPTY.EXAMPLE is known; looked in CONF and DNS (SRV _kerberos._tcp.EMPTY.EXAMPLE: none there)",
		},
		"DNS forbidden": {
			realm: "CORP.EXAMPLE", conf: "[libdefaults]\ndns_lookup_kdc = false\n",
			text: "no KDC of CORP.EXAMPLE is known; looked in CONF (which forbids to look in DNS)",
		},
		"many": {realm: "CORP.EXAMPLE", given: strings.Split(strings.Repeat("dc ", 100), " ")[:100], want: strings.Split(strings.Repeat("dc:88 ", 16), " ")[:16]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, test.conf)
			k := newTestKerberos(t, nil, KerberosConfig{
				ConfPath: path, KDCs: test.given,
				LookupSRV: func(_ context.Context, service, proto, realm string) (string, []*net.SRV, error) {
					if service != "kerberos" || proto != "tcp" || records[realm] == nil {
						return "", nil, &net.DNSError{Err: "no such host", Name: realm}
					}
					return "", records[realm], nil
				},
			})
			got, err := k.kdcs(t.Context(), test.realm)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("kdcs (-want +got):\n%s", diff)
			}
			if text := strings.ReplaceAll(test.text, "CONF", path); test.text != "" && (err == nil || err.Error() != text) {
				t.Errorf("error = %v, want %q", err, text)
			}
		})
	}
}

// TestKDCsContext: a resolver that hangs is left alone when the context ends.
func TestKDCsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTestKerberos(t, nil, KerberosConfig{LookupSRV: func(ctx context.Context, _, _, _ string) (string, []*net.SRV, error) {
			<-ctx.Done()
			return "", nil, ctx.Err()
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.credential(ctx, []string{spn}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("credential = %v, want context.DeadlineExceeded", err)
		}
		_, err := k.credential(t.Context(), []string{spn})
		if e, ok := errors.AsType[*KDCUnreachableError](err); !ok || len(e.Looked) != 2 {
			t.Errorf("credential = %v, want a *KDCUnreachableError with the two places", err)
		}
	})
}

func TestKDCAddr(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]string{
		"dc1": "dc1:88", "dc1:": "dc1:88", "dc1:750": "dc1:750", "127.0.0.1": "127.0.0.1:88", "::1": "[::1]:88", "[::1]": "[::1]:88", "[::1]:750": "[::1]:750",
		"tcp/dc1": "dc1:88", "TCP/dc1:750": "dc1:750", "udp/dc1": "", "https://dc1/KdcProxy": "", "": "", "[]": "",
	} {
		if got := kdcAddr(entry); got != want {
			t.Errorf("kdcAddr(%q) = %q, want %q", entry, got, want)
		}
	}
}

// FuzzReadAnswer: what is read is as long as was said, and not longer than allowed.
func FuzzReadAnswer(f *testing.F) {
	for _, seed := range []string{"", "\x00\x00\x00\x00", "\x00\x00\x00\x02ab", "\x00\x00\x00\x02a", "\xff\xff\xff\xffabc", "\x00\x01\x00\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		answer, err := readAnswer(bytes.NewReader(b))
		if err == nil && (len(answer) == 0 || len(answer) > maxKDCAnswer || !bytes.Equal(answer, b[4:4+len(answer)])) {
			t.Errorf("readAnswer(%x) = %x", b, answer)
		}
	})
}

// testCCache writes a ticket cache of me with the given tickets and returns its path.
func testCCache(t *testing.T, tickets ...*krb5.Credential) string {
	t.Helper()
	me := krb5.Principal{NameType: 1, Components: []string{"me"}, Realm: "CORP.EXAMPLE"}
	return write(t, string((&krb5.CCache{Principal: me, Credentials: tickets}).Encode()))
}
