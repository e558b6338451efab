package spnego_test

import (
	"math/rand/v2"
	"runtime/metrics"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/internal/spnego"
)

// seeds returns what initiators, or acceptors, are told in the tables.
func seeds(initiators bool) [][]byte {
	var all [][]byte
	add := func(side sealed.Handshake, in string) {
		if _, ok := side.(*spnego.Initiator); ok == initiators && in != "" {
			all = append(all, []byte(in))
		}
	}
	for _, e := range exchanges() {
		for _, s := range e.steps {
			add(e.side(), s.in)
		}
	}
	for _, r := range refusals() {
		for _, in := range r.in {
			add(r.side(), in)
		}
	}
	return all
}

// A lenientMech takes every token, so that the fuzzer gets behind it. It is complete when it was given one, and so is its
// context, which takes every MIC.
type lenientMech struct {
	*fakeMech
	done bool
}

func (m *lenientMech) Step(token []byte) ([]byte, error) {
	m.done = token != nil
	return token, nil
}

func (m *lenientMech) Context() sealed.Context {
	if !m.done {
		return nil
	}
	return lenientContext{}
}

type lenientContext struct{ sealed.Context }

func (lenientContext) MIC([]byte) ([]byte, error)     { return []byte("MIC"), nil }
func (lenientContext) VerifyMIC([]byte, []byte) error { return nil }

// checkSide gives a side two tokens of the peer and holds what it says to what it may say.
func checkSide(t *testing.T, side sealed.Handshake, tokens ...[]byte) {
	t.Helper()
	for _, in := range tokens {
		out, err := side.Step(in)
		if err != nil && (out != nil || side.Context() != nil) {
			t.Fatalf("Step(%x) = %x with %v, context %v", in, out, err, side.Context())
		}
		if len(out) > len(in)+200 {
			t.Fatalf("Step(%x) makes %d octets of %d", in, len(out), len(in))
		}
		if out != nil && !spnego.IsToken(out) {
			t.Fatalf("Step(%x) = %x", in, out)
		}
	}
}

func checkInitiator(t *testing.T, first, second []byte) {
	t.Helper()
	for _, m := range []spnego.Mechanism{ntlm(false), kerberos(false), &lenientMech{fakeMech: kerberos(false)}} {
		i := spnego.NewInitiator(m)
		if _, err := i.Step(nil); err != nil {
			t.Fatal(err)
		}
		checkSide(t, i, first, second)
	}
}

func checkAcceptor(t *testing.T, first, second []byte) {
	t.Helper()
	checkSide(t, spnego.NewAcceptor(kerberos(true), ntlm(true)), first, second)
	checkSide(t, spnego.NewAcceptor(&lenientMech{fakeMech: ntlm(true)}), first, second)
}

func FuzzInitiator(f *testing.F) {
	for _, in := range seeds(true) {
		f.Add(in, []byte(respToken(state(0))))
	}
	f.Fuzz(checkInitiator)
}

func FuzzAcceptor(f *testing.F) {
	for _, in := range seeds(false) {
		f.Add(in, []byte(respToken(token("mech 3"))))
	}
	f.Fuzz(checkAcceptor)
}

// TestMutations does on every run what the fuzz tests do at length, and measures what the two sides allocate.
func TestMutations(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	for side, check := range map[bool]func(*testing.T, []byte, []byte){true: checkInitiator, false: checkAcceptor} {
		all := seeds(side)
		for range 20_000 {
			first, second := all[r.IntN(len(all))], all[r.IntN(len(all))]
			for range 1 + r.IntN(4) {
				first = mutate(r, first)
			}
			metrics.Read(allocated)
			before := allocated[0].Value.Uint64()
			check(t, first, second)
			metrics.Read(allocated)
			if n := allocated[0].Value.Uint64() - before; n > 8<<20 {
				t.Fatalf("%x allocates %d octets", first, n)
			}
		}
	}
}

// mutate returns b with something changed, dropped or repeated at random.
func mutate(r *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return []byte{byte(r.Uint32())}
	}
	at := r.IntN(len(b))
	end := at + r.IntN(min(len(b)-at, 20)+1)
	switch r.IntN(4) {
	case 0:
		b = append([]byte(nil), b...)
		b[at] = byte(r.Uint32())
		return b
	case 1:
		b = append([]byte(nil), b...)
		b[at] ^= 1 << r.IntN(8)
		return b
	case 2:
		return append(b[:at:at], b[end:]...)
	default:
		return append(b[:end:end], b[at:]...)
	}
}
