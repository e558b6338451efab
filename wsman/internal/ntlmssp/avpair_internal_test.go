package ntlmssp

// In the package: AV pairs are not exported.

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAVPairs(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     avPairs
		ok       bool
	}{
		{"end alone", "\x00\x00\x00\x00", nil, true},
		{"one", "\x02\x00\x02\x00D\x00\x00\x00\x00\x00", avPairs{{2, []byte("D\x00")}}, true},
		{"empty value", "\x07\x00\x00\x00\x00\x00\x00\x00", avPairs{{7, []byte{}}}, true},
		{"unknown and twice", "\xff\xff\x01\x00a\xff\xff\x01\x00b\x00\x00\x00\x00", avPairs{{0xffff, []byte("a")}, {0xffff, []byte("b")}}, true},
		{"after the end", "\x00\x00\x00\x00\x02", nil, true},
		{"end with a length", "\x00\x00\xff\xff", nil, true},
		{"nothing", "", nil, false},
		{"no end", "\x02\x00\x02\x00D\x00", nil, false},
		{"half an end", "\x02\x00\x02\x00D\x00\x00\x00\x00", nil, false},
		{"too long", "\x02\x00\x03\x00D\x00", nil, false},
		{"longest", "\x02\x00\xff\xff\x00\x00\x00\x00", nil, false},
	} {
		got, err := decodeAVPairs([]byte(tt.in))
		if (err == nil) != tt.ok || !cmp.Equal(got, tt.want, cmp.AllowUnexported(avPair{})) {
			t.Errorf("%s: decodeAVPairs(%q) = %v, %v, want %v", tt.name, tt.in, got, err, tt.want)
		}
	}
	if b, err := (avPairs{{2, make([]byte, 0x10000)}}).encode(); err == nil {
		t.Errorf("a pair of 64 KiB encodes to %d octets", len(b))
	}
}

// FuzzAVPairs decodes, encodes and decodes again.
func FuzzAVPairs(f *testing.F) {
	f.Add([]byte("\x02\x00\x02\x00D\x00\x07\x00\x08\x0012345678\x00\x00\x00\x00"))
	f.Add([]byte("\x06\x00\x04\x00\x02\x00\x00\x00\x0a\x00\x10\x00" + strings.Repeat("x", 16) + "\x00\x00\x00\x00"))
	f.Add([]byte("\x02\x00\xff\xff"))
	f.Add([]byte{})
	f.Fuzz(tryAVPairs)
}

func tryAVPairs(t *testing.T, in []byte) {
	t.Helper()
	pairs, err := decodeAVPairs(in)
	if err != nil {
		if pairs != nil {
			t.Errorf("decodeAVPairs(%x) = %v, %v", in, pairs, err)
		}
		return
	}
	// A pair takes four octets of the input and some thirty of memory.
	if len(pairs) > len(in)/4 {
		t.Errorf("%d pairs in %d octets", len(pairs), len(in))
	}
	out, err := pairs.encode()
	if err != nil || !bytes.HasPrefix(in, out[:len(out)-2]) {
		t.Errorf("encode = %x, %v, want a beginning of %x", out, err, in)
	}
	_, _ = pairs.flags() // any value: no panic
}

func TestAVPairMutations(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		in := []byte("\x02\x00\x02\x00D\x00\x06\x00\x04\x00\x02\x00\x00\x00\x07\x00\x08\x0012345678\x00\x00\x00\x00")
		for range 1 + r.IntN(3) {
			in[r.IntN(len(in))] = byte(r.Uint32())
		}
		tryAVPairs(t, in[:r.IntN(len(in)+1)])
	}
}
