package sealed_test

import (
	"math/rand/v2"
	"runtime/metrics"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// seeds returns header and body of every variant.
func seeds(tb testing.TB) [][2]string {
	tb.Helper()
	var all [][2]string
	for _, v := range variants() {
		contentType, body := v.build(tb)
		all = append(all, [2]string{contentType, body})
	}
	return append(all, [2]string{"", ""}, [2]string{"multipart/encrypted;boundary=-", "-----"})
}

// anyContext takes every token: the fuzzer is to get behind it.
type anyContext struct{ sealed.Context }

func (anyContext) Unseal(token []byte, signature int) ([]byte, error) { return token[signature:], nil }

// checkDecode holds what Decode returns to what a body can hold.
func checkDecode(t *testing.T, contentType, body string) {
	t.Helper()
	p, original, err := decode(anyContext{}, contentType, body)
	switch {
	case err != nil && (p != "" || original != ""):
		t.Errorf("Decode(%q, %q) = %q, %q with %v", contentType, body, p, original, err)
	case len(p)+len(original) > len(body):
		t.Errorf("Decode(%q, %q) makes %d octets of %d", contentType, body, len(p)+len(original), len(body))
	case err == nil && !sealed.IsSealed(contentType):
		t.Errorf("Decode takes %q, IsSealed does not", contentType)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s[0], []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		checkDecode(t, contentType, string(body))
	})
}

// TestDecodeMutations does on every run what the fuzz test does at length, and measures what a call allocates.
func TestDecodeMutations(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	all := seeds(t)
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	for range 20_000 {
		s := all[r.IntN(len(all))]
		contentType, body := s[0], []byte(s[1])
		for range 1 + r.IntN(4) {
			body = mutate(r, body)
		}
		metrics.Read(allocated)
		before := allocated[0].Value.Uint64()
		checkDecode(t, contentType, string(body))
		metrics.Read(allocated)
		if n := allocated[0].Value.Uint64() - before; n > 8<<20 {
			t.Fatalf("Decode(%q, %q) allocates %d octets", contentType, body, n)
		}
	}
}

// mutate changes, drops, repeats or inserts something at random.
func mutate(r *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return []byte{byte(r.Uint32())}
	}
	at := r.IntN(len(b))
	end := at + r.IntN(min(len(b)-at, 40)+1)
	switch r.IntN(5) {
	case 0:
		b[at] = byte(r.Uint32())
	case 1:
		b[at] ^= 1 << r.IntN(8)
	case 2:
		b = append(b[:at:at], b[end:]...)
	case 3:
		b = append(b[:end:end], b[at:]...)
	case 4:
		piece := adversarial[r.IntN(len(adversarial))]
		b = append(append(b[:at:at], piece...), b[at:]...)
	}
	return b
}
