package krb5_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// A fileBuilder writes the fields of a file, in the words of its format and not of this package.
type fileBuilder struct{ bytes.Buffer }

func (b *fileBuilder) u8(v uint8)   { b.WriteByte(v) }
func (b *fileBuilder) u16(v uint16) { b.Write(binary.BigEndian.AppendUint16(nil, v)) }
func (b *fileBuilder) u32(v uint32) { b.Write(binary.BigEndian.AppendUint32(nil, v)) }

func (b *fileBuilder) data(s string) {
	b.u32(uint32(len(s)))
	b.WriteString(s)
}

func (b *fileBuilder) principal(nameType uint32, realm string, components ...string) {
	b.u32(nameType)
	b.u32(uint32(len(components)))
	b.data(realm)
	for _, c := range components {
		b.data(c)
	}
}

// A record is a credential of a ticket cache file, as far as the rows below differ.
type record struct {
	version      int
	realm        string // of the service
	authTime     uint32
	endTime      uint32
	isSKey       bool
	etype        uint16
	key          string
	entries      int // addresses, and elements of authorization data
	secondTicket string
}

func (b *fileBuilder) record(r record) {
	b.principal(1, "CORP.EXAMPLE", "me")
	b.principal(2, r.realm, "HTTP", "hv01")
	b.u16(r.etype)
	if r.version == 3 {
		b.u16(r.etype)
	}
	b.data(r.key)
	b.u32(r.authTime)
	b.u32(0)
	b.u32(r.endTime)
	b.u32(0)
	if r.isSKey {
		b.u8(1)
	} else {
		b.u8(0)
	}
	b.u32(0x40810000)
	for range 2 {
		b.u32(uint32(r.entries))
		for range r.entries {
			b.u16(2)
			b.data("\x7f\x00\x00\x01")
		}
	}
	b.data("ticket")
	b.data(r.secondTicket)
}

func usual(version int) record {
	return record{version: version, realm: "CORP.EXAMPLE", authTime: 1700000000, endTime: 4000000000, etype: 17, key: "0123456789abcdef"}
}

// ccacheFile writes a file of version 4 with the tag that MIT krb5 writes, or of version 3.
func ccacheFile(version int, records ...record) []byte {
	b := new(fileBuilder)
	b.u8(5)
	b.u8(uint8(version))
	if version == 4 {
		b.u16(12)
		b.u16(1)
		b.u16(8)
		b.u32(0)
		b.u32(0)
	}
	b.principal(1, "CORP.EXAMPLE", "me")
	for _, r := range records {
		b.record(r)
	}
	return b.Bytes()
}

func edited(r record, edit func(*record)) record {
	edit(&r)
	return r
}

func TestDecodeCCache(t *testing.T) {
	const flags = 0x40810000
	want := &krb5.Credential{
		Client: client, Server: service, Key: krb5.Key{EType: 17, Value: []byte("0123456789abcdef")},
		AuthTime: time.Unix(1700000000, 0), EndTime: time.Unix(4000000000, 0), Flags: flags, Ticket: []byte("ticket"),
	}
	rc4 := *want
	rc4.Key.EType = -128
	for _, tt := range []struct {
		name string
		in   []byte
		want []*krb5.Credential
	}{
		{"4", ccacheFile(4, usual(4)), []*krb5.Credential{want}},
		{"3", ccacheFile(3, usual(3), usual(3)), []*krb5.Credential{want, want}},
		{"empty", ccacheFile(4), nil},
		{"addresses", ccacheFile(4, edited(usual(4), func(r *record) { r.entries = 3 })), []*krb5.Credential{want}},
		{"setting", ccacheFile(4, edited(usual(4), func(r *record) { r.realm, r.key = "X-CACHECONF:", "" }), usual(4)), []*krb5.Credential{want}},
		{"removed setting", ccacheFile(4, edited(usual(4), func(r *record) { r.realm = "X-RMED-CONF:" })), nil},
		{"removed", ccacheFile(4, edited(usual(4), func(r *record) { r.authTime, r.endTime = 0xffffffff, 0 })), nil},
		{"another user's session", ccacheFile(4, edited(usual(4), func(r *record) { r.isSKey, r.secondTicket = true, "second" })), nil},
		{"another type", ccacheFile(4, edited(usual(4), func(r *record) { r.etype = 0xff80 })), []*krb5.Credential{&rc4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := krb5.DecodeCCache(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(client, c.Principal); d != "" {
				t.Errorf("principal (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.want, c.Credentials, cmp.Comparer(time.Time.Equal)); d != "" {
				t.Errorf("credentials (-want +got):\n%s", d)
			}
		})
	}
}

func TestDecodeCCacheErrors(t *testing.T) {
	many := new(fileBuilder)
	many.Write(ccacheFile(3))
	many.principal(1, "CORP.EXAMPLE", make([]string, 65)...)
	for _, tt := range []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", nil, "octet 0: truncated"},
		{"keytab", []byte{4, 4, 0, 0}, "octet 0: not a ticket cache"},
		{"version 2", []byte{5, 2, 0, 0}, "octet 1: version 2 of the format is not supported"},
		{"version 5", []byte{5, 5, 0, 0}, "octet 1: version 5 of the format is not supported"},
		{"header", []byte{5, 4, 0, 9, 0, 0}, "octet 4: truncated: a field of 9 octets, of which 2 are there"},
		{"tag", []byte{5, 4, 0, 4, 0, 1, 0, 1, 0, 0, 0, 0}, "octet 8: truncated: a field of 1 octets, of which 0 are there"},
		{"principal", []byte{5, 4, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}, "truncated"},
		{"components", many.Bytes(), "a principal of 65 components"},
		{"zeros at the end", append(ccacheFile(4, usual(4)), make([]byte, 8)...), "truncated"},
		{"key", ccacheFile(4, edited(usual(4), func(r *record) { r.etype = 18 })), "a key of 16 octets for encryption type 18"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := krb5.DecodeCCache(tt.in)
			if c != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("DecodeCCache = %v, %v; want error %q", c, err, tt.want)
			}
		})
	}
}

// TestDecodeCCacheCut: a file that ends anywhere but between records is truncated.
func TestDecodeCCacheCut(t *testing.T) {
	for _, version := range []int{3, 4} {
		whole := ccacheFile(version, usual(version), edited(usual(version), func(r *record) { r.entries = 1 }))
		ends := []int{len(ccacheFile(version)), len(ccacheFile(version, usual(version)))}
		for n := range whole {
			c, err := krb5.DecodeCCache(whole[:n])
			switch at := slices.Index(ends, n); {
			case at >= 0 && (err != nil || len(c.Credentials) != at):
				t.Errorf("version %d, %d octets: %v, want %d credentials", version, n, err, at)
			case at < 0 && (err == nil || !strings.Contains(err.Error(), "truncated")):
				t.Errorf("version %d, %d octets: error %v, want truncated", version, n, err)
			}
		}
	}
}

// TestDecodeCCacheHostile: no count or length in a file makes the reader take more memory than a small multiple of the file.
func TestDecodeCCacheHostile(t *testing.T) {
	seed := ccacheFile(4, usual(4), edited(usual(4), func(r *record) { r.entries = 3 }), usual(4))
	decode := func(b []byte) { _, _ = krb5.DecodeCCache(b) }
	for at := range len(seed) - 3 {
		b := slices.Clone(seed)
		copy(b[at:], "\xff\xff\xff\xff")
		boundMemory(t, b, decode)
	}
	mutations(t, seed, decode)

	// The most that a file of the longest length can cost: empty components.
	crowded := new(fileBuilder)
	crowded.Write(ccacheFile(3))
	for crowded.Len() < 1<<20 {
		crowded.principal(0, "", make([]string, 64)...)
		crowded.principal(0, "", make([]string, 64)...)
		crowded.Write(make([]byte, 2+2+4+4*4+1+4+4+4+4+4))
	}
	if c, err := krb5.DecodeCCache(crowded.Bytes()); err != nil || len(c.Credentials) < 1000 {
		t.Errorf("the crowded file: %v", err)
	}
	boundMemory(t, crowded.Bytes(), decode)
}

// boundMemory fails the test if decode takes more than 8 MiB for b.
func boundMemory(t *testing.T, b []byte, decode func([]byte)) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	decode(b)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Fatalf("%d octets cost %d: %x", len(b), used, b[:min(len(b), 200)])
	}
}

// mutations hands 20,000 changed copies of seed to decode.
func mutations(t *testing.T, seed []byte, decode func([]byte)) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		b := slices.Clone(seed)
		for range 1 + r.IntN(3) {
			at := r.IntN(len(b))
			switch r.IntN(5) {
			case 0:
				b[at] = byte(r.Uint32())
			case 1:
				b[at] ^= 1 << r.IntN(8)
			case 2:
				copy(b[at:], "\xff\xff\xff\xff"[:1+r.IntN(4)])
			case 3:
				b = append(b[:at:at], b[min(len(b)-1, at+r.IntN(9)):]...)
			case 4:
				b = slices.Insert(b, at, b[:at]...)
			}
		}
		boundMemory(t, b, decode)
	}
}

func TestCCacheEncode(t *testing.T) {
	noTimes := &krb5.Credential{Client: client, Server: service, Key: krb5.Key{EType: 23, Value: []byte("x")}, Ticket: []byte{}}
	forged := forge(t, 18)
	forged.RenewTill = now.Add(time.Hour).Truncate(time.Second)
	for _, want := range []*krb5.CCache{
		{Principal: client},
		{Principal: client, Credentials: []*krb5.Credential{forged, noTimes, forge(t, 19)}},
	} {
		got, err := krb5.DecodeCCache(want.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Decode(Encode) (-want +got):\n%s", d)
		}
	}
	// The octets, once: version 4, no tag, and then as the format says.
	b := new(fileBuilder)
	b.Write([]byte{5, 4, 0, 0})
	b.principal(1, "CORP.EXAMPLE", "me")
	b.record(usual(4))
	c, err := krb5.DecodeCCache(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Encode(); !bytes.Equal(got, b.Bytes()) {
		t.Errorf("Encode = %x\nwant     %x", got, b.Bytes())
	}
	// Times that the file cannot hold.
	c.Credentials[0].AuthTime, c.Credentials[0].EndTime = time.Unix(-5, 0), time.Unix(1<<40, 0)
	if c, err = krb5.DecodeCCache(c.Encode()); err != nil || !c.Credentials[0].AuthTime.IsZero() || c.Credentials[0].EndTime.Year() != 2106 {
		t.Errorf("times out of range: %v, %v", c, err)
	}
}

func TestCCacheFind(t *testing.T) {
	ticket := func(client, server krb5.Principal, from, to int) *krb5.Credential {
		return &krb5.Credential{
			Client: client, Server: server, Key: krb5.Key{EType: 18}, StartTime: now.Add(time.Duration(from) * time.Hour), EndTime: now.Add(time.Duration(to) * time.Hour),
		}
	}
	other := krb5.Principal{Components: []string{"other"}, Realm: client.Realm}
	elsewhere := krb5.Principal{Components: service.Components, Realm: "LAB.EXAMPLE"}
	foreign := krb5.TGS("LAB.EXAMPLE", client.Realm)
	tgs := krb5.TGS(client.Realm, client.Realm)
	c := &krb5.CCache{Principal: client, Credentials: []*krb5.Credential{
		0: ticket(other, service, -1, 9),
		1: ticket(client, service, -3, -1),
		2: ticket(client, service, 1, 20), // not yet
		3: ticket(client, service, -1, 1),
		4: ticket(client, service, -1, 2),
		5: ticket(client, foreign, -1, 9),
		6: ticket(client, tgs, -9, -2),
		7: ticket(client, tgs, -9, -1),
		8: ticket(client, elsewhere, -1, 3),
		9: ticket(client, service, -1, 4), // of RC4
	}}
	c.Credentials[9].Key.EType = 23
	for _, tt := range []struct {
		server krb5.Principal
		want   int // none: -1
	}{
		{service, 4},
		{elsewhere, 8},
		{krb5.Principal{Components: service.Components}, 8},
		{krb5.Principal{Components: []string{"http", "hv01"}}, -1},
		{krb5.Principal{Components: []string{"HTTP/hv01"}}, -1},
		{foreign, 5},
		{tgs, 7},
		{krb5.Principal{}, -1},
	} {
		if got := slices.Index(c.Credentials, c.Find(tt.server, now)); got != tt.want {
			t.Errorf("Find(%v) = credential %d, want %d", tt.server, got, tt.want)
		}
	}
	if got := c.TGT(now); got != c.Credentials[7] {
		t.Errorf("TGT = %v, want the one that expired last", got)
	}
	if got := new(krb5.CCache).TGT(now); got != nil {
		t.Errorf("TGT of nothing = %v", got)
	}
}

// TestCCacheDestroy: the key in the file's octets is the only copy.
func TestCCacheDestroy(t *testing.T) {
	b := ccacheFile(4, usual(4))
	c, err := krb5.DecodeCCache(b)
	if err != nil {
		t.Fatal(err)
	}
	c.Credentials[0].Destroy()
	if bytes.Contains(b, []byte("0123456789abcdef")) {
		t.Error("the key is still there")
	}
}

func FuzzDecodeCCache(f *testing.F) {
	f.Add(ccacheFile(4, usual(4), usual(4)))
	f.Add(ccacheFile(3, edited(usual(3), func(r *record) { r.entries = 2 })))
	f.Add(ccacheFile(4, edited(usual(4), func(r *record) { r.realm = "X-CACHECONF:" })))
	f.Add(ccacheFile(4, edited(usual(4), func(r *record) { r.authTime, r.endTime = 0xffffffff, 0 })))
	f.Add([]byte{5, 4})
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := krb5.DecodeCCache(in)
		if (c == nil) == (err == nil) {
			t.Fatalf("DecodeCCache = %v, %v", c, err)
		}
		if err != nil {
			return
		}
		again, err := krb5.DecodeCCache(c.Encode())
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if d := cmp.Diff(c, again); d != "" {
			t.Fatalf("what was written reads otherwise (-first +again):\n%s", d)
		}
	})
}
