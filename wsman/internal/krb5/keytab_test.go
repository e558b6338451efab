package krb5_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

func (b *fileBuilder) data16(s string) {
	b.u16(uint16(len(s)))
	b.WriteString(s)
}

// keytabEntry writes an entry for HTTP/hv01 after its length; rest is what follows the key.
func keytabEntry(etype uint16, key, rest string) string {
	b := new(fileBuilder)
	b.u16(2)
	b.data16("CORP.EXAMPLE")
	b.data16("HTTP")
	b.data16("hv01")
	b.u32(2)
	b.u32(1700000000)
	b.u8(2)
	b.u16(etype)
	b.data16(key)
	b.WriteString(rest)
	whole := new(fileBuilder)
	whole.data(b.String())
	return whole.String()
}

func TestDecodeKeytab(t *testing.T) {
	const file = "\x05\x02"
	key16 := strings.Repeat("k", 16)
	key := func(etype int32, kvno uint32) krb5.ServiceKey {
		size := map[int32]int{17: 16, 18: 32, 19: 16, 20: 32}[etype]
		return krb5.ServiceKey{Principal: service, KVNO: kvno, Key: krb5.Key{EType: etype, Value: []byte(strings.Repeat("k", size))}}
	}
	for _, tt := range []struct {
		name string
		in   string
		want []krb5.ServiceKey
		err  string
	}{
		{"empty", file, nil, ""},
		{"two", file + keytabEntry(17, key16, "") + keytabEntry(20, key16+key16, ""), []krb5.ServiceKey{key(17, 2), key(20, 2)}, ""},
		{"32-bit version", file + keytabEntry(18, key16+key16, "\x00\x00\x01\x02"), []krb5.ServiceKey{key(18, 0x102)}, ""},
		{"no 32-bit version", file + keytabEntry(19, key16, "\x00\x00\x00\x00"), []krb5.ServiceKey{key(19, 2)}, ""},
		{"more after it", file + keytabEntry(19, key16, "\x00\x00\x00\x03\x00\x00\x00\x00\x09"), []krb5.ServiceKey{key(19, 3)}, ""},
		{"less after the key", file + keytabEntry(19, key16, "\x01\x02\x03"), []krb5.ServiceKey{key(19, 2)}, ""},
		{"hole", file + "\xff\xff\xff\xfd\xff\xff\xff" + keytabEntry(17, key16, ""), []krb5.ServiceKey{key(17, 2)}, ""},
		{"end", file + keytabEntry(17, key16, "") + "\x00\x00\x00\x00\xff\xff", []krb5.ServiceKey{key(17, 2)}, ""},
		{"RC4 and DES", file + keytabEntry(23, key16, "") + keytabEntry(3, "12345678", "") + keytabEntry(0xff80, "", ""), nil, ""},

		{"nothing", "", nil, "octet 0: truncated"},
		{"ticket cache", "\x04\x02", nil, "octet 0: not a keytab"},
		{"version 1", "\x05\x01", nil, "octet 1: version 1 of the format is not supported"},
		{"hole past the end", file + "\xff\xff\xff\xfd\xff\xff", nil, "octet 6: truncated: a field of 3 octets, of which 2 are there"},
		{"the longest hole", file + "\x80\x00\x00\x00", nil, "a field of 2147483648 octets"},
		{"entry past the end", file + "\x7f\xff\xff\xff" + keytabEntry(17, key16, ""), nil, "octet 6: truncated: a field of 2147483647 octets"},
		{"half a length", file + "\x00\x00", nil, "octet 2: truncated"},
		{"field past the entry", file + "\x00\x00\x00\x04\x00\x01\x00\x09" + strings.Repeat("x", 20), nil, "octet 10: truncated: a field of 9 octets, of which 0"},
		{"components", file + "\x00\x00\x00\x04\xff\xff\x00\x00", nil, "octet 10: a principal of 65535 components"},
		{"key", file + keytabEntry(18, key16, ""), nil, "a key of 16 octets for encryption type 18"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := krb5.DecodeKeytab([]byte(tt.in))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || got != nil {
					t.Errorf("DecodeKeytab = %v, %v; want error %q", got, err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("DecodeKeytab (-want +got):\n%s", d)
			}
		})
	}
}

func TestDecodeKeytabHostile(t *testing.T) {
	seed := []byte("\x05\x02" + keytabEntry(17, strings.Repeat("k", 16), "\x00\x00\x00\x02") + "\xff\xff\xff\xfd\xff\xff\xff" + keytabEntry(19, strings.Repeat("k", 16), ""))
	mutations(t, seed, func(b []byte) { _, _ = krb5.DecodeKeytab(b) })
}

func FuzzDecodeKeytab(f *testing.F) {
	f.Add([]byte("\x05\x02" + keytabEntry(17, strings.Repeat("k", 16), "\x00\x00\x00\x02") + keytabEntry(23, "x", "")))
	f.Add([]byte("\x05\x02\xff\xff\xff\xfd\xff\xff\xff" + keytabEntry(18, strings.Repeat("k", 32), "")))
	f.Add([]byte("\x05\x02\x80\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		keys, err := krb5.DecodeKeytab(in)
		if err != nil && keys != nil {
			t.Fatalf("DecodeKeytab = %v, %v", keys, err)
		}
		for _, k := range keys {
			if k.Key.EType < 17 || k.Key.EType > 20 || len(k.Key.Value) > len(in) || len(k.Principal.Components) > 64 {
				t.Fatalf("a key of type %d with %d octets of %v", k.Key.EType, len(k.Key.Value), k.Principal)
			}
		}
	})
}
