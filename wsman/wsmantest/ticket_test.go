package wsmantest_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// keytab is one of MIT's (file format, version 2) with two keys for HTTP/hv77@OTHER.EXAMPLE.
func keytab() []byte {
	b := []byte{5, 2}
	for etype, size := range map[uint16]int{17: 16, 18: 32} {
		counted := func(b []byte, text string) []byte {
			return append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...)
		}
		entry := counted(counted(counted([]byte{0, 2}, "OTHER.EXAMPLE"), "HTTP"), "hv77")
		entry = append(entry, 0, 0, 0, 3, 0, 0, 0, 0, 7) // name type, time, version of the key
		entry = counted(binary.BigEndian.AppendUint16(entry, etype), strings.Repeat("k", size))
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(entry))), entry...)
	}
	return b
}

// TestCCache looks at the tickets of a server, and uses those of each name.
func TestCCache(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true, Names: []string{"sim.example", "localhost", "10.0.0.1"}})
	b, err := s.CCache("READER")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := krb5.DecodeCCache(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := cache.Principal.String(); got != "reader@CORP.EXAMPLE" || s.Realm() != "CORP.EXAMPLE" {
		t.Errorf("principal %s, realm %s", got, s.Realm())
	}
	if tgt := cache.TGT(start); tgt == nil || !tgt.ValidAt(start) || tgt.ValidAt(start.Add(10*time.Hour)) {
		t.Errorf("ticket-granting ticket %v", tgt)
	}
	var names []string
	for _, c := range cache.Credentials {
		names = append(names, c.Server.String())
		if c.Server.Components[0] != "HTTP" {
			continue
		}
		d := dial(t, s)
		h := krb5.NewInitiator(krb5.InitiatorConfig{Credential: c, Now: (&clock{start}).now})
		if statuses, _ := d.shake("Kerberos", h); !slices.Equal(statuses, []int{200}) {
			t.Errorf("%s: statuses %v", c.Server, statuses)
		}
	}
	want := []string{
		"krbtgt/CORP.EXAMPLE@CORP.EXAMPLE", "HTTP/localhost@CORP.EXAMPLE", "HTTP/127.0.0.1@CORP.EXAMPLE", "HTTP/::1@CORP.EXAMPLE",
		"HTTP/HV77@CORP.EXAMPLE", "HTTP/hv77@CORP.EXAMPLE", "HTTP/hv77.corp.example@CORP.EXAMPLE", "HTTP/sim.example@CORP.EXAMPLE",
		"HTTP/10.0.0.1@CORP.EXAMPLE",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("tickets (-want +got):\n%s", diff)
	}
}

// TestCCacheRefuses has no tickets for nobody, and none that no one takes.
func TestCCacheRefuses(t *testing.T) {
	t.Parallel()
	if b, err := newServer(t, wsmantest.Config{}).CCache("stranger"); err == nil {
		t.Errorf("CCache of a stranger has %d octets", len(b))
	}
	s := newServer(t, wsmantest.Config{Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodNTLM}})
	if b, err := s.CCache("reader"); err == nil {
		t.Errorf("CCache without Kerberos has %d octets", len(b))
	}
}

// TestKeytab serves a realm of somebody else's, with a ticket that is made with its key.
func TestKeytab(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true, Keytab: keytab()})
	if s.Realm() != "OTHER.EXAMPLE" {
		t.Errorf("realm %s", s.Realm())
	}
	keys, err := krb5.DecodeKeytab(keytab())
	if err != nil || len(keys) != 2 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, k := range keys {
		for name, status := range map[string]int{"reader@OTHER.EXAMPLE": 200, "Reader@OTHER.EXAMPLE": 200, "reader@other.example": 401, "reader/x@OTHER.EXAMPLE": 401} {
			account, realm, _ := strings.Cut(name, "@")
			cred, err := krb5.Forge(krb5.Forgery{
				Client: krb5.Principal{NameType: krb5.NameTypePrincipal, Components: strings.Split(account, "/"), Realm: realm},
				Server: k.Principal, ServiceKey: k, EType: k.Key.EType, StartTime: start, EndTime: start.Add(time.Hour),
			}, bytes.NewReader(bytes.Repeat([]byte{1}, 4096)))
			if err != nil {
				t.Fatal(err)
			}
			d := dial(t, s)
			statuses, _ := d.shake("Kerberos", krb5.NewInitiator(krb5.InitiatorConfig{Credential: cred, Now: (&clock{start}).now}))
			if !slices.Equal(statuses, []int{status}) {
				t.Errorf("%s with key type %d: statuses %v, want %d", name, k.Key.EType, statuses, status)
			}
		}
	}
	// NTLM knows the realm's domain.
	d := dial(t, s)
	if statuses, _ := d.shake("Negotiate", d.ntlm(`other\reader`)); !slices.Equal(statuses, []int{401, 200}) {
		t.Errorf("statuses %v of NTLM", statuses)
	}
}
