package krb5

// These tests are inside the package because most of what a peer writes is encrypted, and must be altered before that.

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// maxAllocation is what one input may make us allocate, in octets.
const maxAllocation = 8 << 20

// A target hands a peer's octets to one decoder, checks what must hold for any, and returns the decoder's error.
type target struct {
	name string
	seed []byte // is taken, but for a KRB-ERROR in place of a token
	run  func(tb testing.TB, in []byte) error
}

// fuzzKey encrypts everything in the targets. Keys of SHA-2 are derived faster than others.
func fuzzKey() Key { return testKey(ETypeAES256SHA2) }

// sent returns an initiator that waits for the AP-REP, and is the same each time.
func sent() *Initiator {
	i := NewInitiator(InitiatorConfig{Credential: &Credential{Client: testClient, Key: fuzzKey()}, Now: testClock})
	i.state, i.subkey = stateSent, fuzzKey()
	i.ctime, i.cusec = testNow.Truncate(time.Second), testNow.Nanosecond()/1000
	return i
}

func fuzzTargets(tb testing.TB) []target {
	tb.Helper()
	key, second := fuzzKey(), testNow.Truncate(time.Second)
	auth := must(marshal(tagAuthenticator, must(sent().authenticator())(tb)))(tb)
	refusal := must((&Error{Code: CodeSkew, Text: "skew", Realm: "R", Server: testServer, ServerTime: testNow}).encode())(tb)
	ticket := must(marshal(tagEncTicketPart, messages.EncTicketPart{
		Flags: asn1.BitString{Bytes: []byte{0, 0, 0, 0}, BitLength: 32}, Key: types.EncryptionKey{KeyType: key.EType, KeyValue: key.Value},
		CRealm: testClient.Realm, CName: principalName(testClient), AuthTime: second, StartTime: second, EndTime: second,
		AuthorizationData: types.AuthorizationData{{ADType: 1, ADData: counting(8)}},
	}))(tb)
	inner := encAPRepPart{CTime: second, Cusec: testNow.Nanosecond() / 1000, SeqNumber: 1}
	session := must(newSession(sessionConfig{key: key, random: randomOr(nil)}))(tb)
	return []target{
		{"AP-REP", must(frame(tokenAPRep, apReply(tb, sent(), func(*encAPRepPart, *apRep) {})))(tb), stepInitiator},
		{"KRB-ERROR token", must(frame(tokenError, refusal))(tb), stepInitiator},
		{"AP-REP inside", must(marshal(tagEncAPRepPart, inner))(tb), func(tb testing.TB, in []byte) error {
			tb.Helper()
			return stepInitiator(tb, must(marshal(tagAPRep, apRep{PVNO: 5, MsgType: 15, EncPart: encrypt(tb, key, usageAPRep, in)}))(tb))
		}},
		{"AP-REQ", must(frame(tokenAPReq, apRequest(tb, ticket, auth)))(tb), stepAcceptor},
		{"ticket inside", ticket, func(tb testing.TB, in []byte) error {
			tb.Helper()
			return stepAcceptor(tb, apRequest(tb, in, auth))
		}},
		{"authenticator inside", auth, func(tb testing.TB, in []byte) error {
			tb.Helper()
			return stepAcceptor(tb, apRequest(tb, ticket, in))
		}},
		{"wrap token", peerToken(session, "hello", 3, func([]byte) {}), unseal},
		{"KRB-ERROR", refusal, decodeError},
	}
}

func stepInitiator(tb testing.TB, in []byte) error {
	tb.Helper()
	i := sent()
	out, err := i.Step(in)
	if out != nil || (err == nil) != (i.Context() != nil) {
		tb.Errorf("Initiator.Step(%x) = %x, %v, context %v", in, out, err, i.Context())
	}
	return err
}

func stepAcceptor(tb testing.TB, in []byte) error {
	tb.Helper()
	a := NewAcceptor(AcceptorConfig{Keys: []ServiceKey{{Key: fuzzKey()}}, Now: testClock})
	_, err := a.Step(in)
	if (err == nil) != (a.Context() != nil) {
		tb.Errorf("Acceptor.Step(%x): %v, context %v", in, err, a.Context())
	}
	return err
}

func unseal(tb testing.TB, in []byte) error {
	tb.Helper()
	s := must(newSession(sessionConfig{key: fuzzKey(), random: randomOr(nil)}))(tb)
	out, err := s.Unseal(bytes.Clone(in), 60)
	if err != nil && out != nil || len(out) > len(in) {
		tb.Errorf("Unseal(%x) = %x, %v", in, out, err)
	}
	if err := s.VerifyMIC(nil, in); err == nil {
		tb.Errorf("VerifyMIC takes %x", in)
	}
	return err
}

func decodeError(tb testing.TB, in []byte) error {
	tb.Helper()
	e, err := DecodeError(in)
	if (e == nil) == (err == nil) {
		tb.Errorf("DecodeError(%x) = %v, %v", in, e, err)
	}
	if e != nil {
		_ = e.Error()
	}
	return err
}

func encrypt(tb testing.TB, k Key, usage uint32, plaintext []byte) types.EncryptedData {
	tb.Helper()
	return types.EncryptedData{EType: k.EType, Cipher: must(k.encrypt(usage, plaintext))(tb)}
}

// apRequest returns an AP-REQ with what is encrypted in it.
func apRequest(tb testing.TB, ticket, authenticator []byte) []byte {
	tb.Helper()
	key := fuzzKey()
	t := messages.Ticket{TktVNO: 5, Realm: testServer.Realm, SName: principalName(testServer), EncPart: encrypt(tb, key, usageTicket, ticket)}
	return must(marshal(tagAPReq, apReq{
		PVNO: versionNumber, MsgType: tagAPReq, Options: asn1.BitString{Bytes: []byte{optionMutual, 0, 0, 0}, BitLength: 32},
		Ticket:        asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Tag: 3, Bytes: must(marshal(tagTicket, t))(tb)},
		Authenticator: encrypt(tb, key, usageAPReq, authenticator),
	}))(tb)
}

// allocated returns how many octets f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// mutate returns in with a few octets altered, put in, taken out, doubled or cut off.
func mutate(r *rand.Rand, in []byte) []byte {
	out := bytes.Clone(in)
	for range 1 + r.IntN(4) {
		if len(out) < 2 {
			return out
		}
		at := r.IntN(len(out))
		switch r.IntN(6) {
		case 0:
			out[at] ^= 1 << r.IntN(8)
		case 1:
			out[at] = []byte{0, 1, 0x7f, 0x80, 0x81, 0x84, 0xff, 0x30}[r.IntN(8)]
		case 2:
			out = append(out[:at:at], append([]byte{byte(r.Uint32())}, out[at:]...)...)
		case 3:
			out = append(out[:at:at], out[at+1:]...)
		case 4:
			out = append(out[:at:at], append(bytes.Clone(out[r.IntN(at+1):at]), out[at:]...)...)
		case 5:
			out = out[:at]
		}
	}
	return out
}

// decoders are the targets of each fuzz test.
var decoders = map[string][]string{
	"Initiator":   {"AP-REP", "KRB-ERROR token", "AP-REP inside"},
	"Acceptor":    {"AP-REQ", "ticket inside", "authenticator inside"},
	"Unwrap":      {"wrap token"},
	"DecodeError": {"KRB-ERROR"},
}

// chosen returns the targets of one of the decoders.
func chosen(tb testing.TB, decoder string) []target {
	tb.Helper()
	return slices.DeleteFunc(fuzzTargets(tb), func(t target) bool { return !slices.Contains(decoders[decoder], t.name) })
}

// TestMutations hands 20,000 altered messages to each decoder: nothing panics, or allocates more than 8 MiB. Twenty at a time stay
// below what one of them may allocate, because measuring costs more than decoding.
func TestMutations(t *testing.T) {
	const batch = 20
	for decoder := range decoders {
		t.Run(decoder, func(t *testing.T) {
			targets, r := chosen(t, decoder), rand.New(rand.NewPCG(1, 2))
			for _, target := range targets {
				err := target.run(t, target.seed)
				if _, refused := errors.AsType[*Error](err); err != nil && !refused {
					t.Fatalf("%s: the seed is refused: %v", target.name, err)
				}
			}
			for range 20_000 / batch {
				got := allocated(func() {
					for range batch {
						target := targets[r.IntN(len(targets))]
						_ = target.run(t, mutate(r, target.seed))
					}
				})
				if got > maxAllocation {
					t.Errorf("%d octets allocated", got)
				}
			}
		})
	}
}

// TestLongLists has the messages that cost most: as many and as small elements as the limit of a message lets through.
func TestLongLists(t *testing.T) {
	for _, element := range []string{"\x30\x00", "\x1b\x00", "\x05\x00", "\x02\x01\x00", "\x30\x80"} {
		list := bytes.Repeat([]byte(element), maxMessage/len(element)-20)
		wrapped := must(asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: list}))(t)
		for _, tag := range []int{tagAPReq, tagAPRep, tagError, tagTicket, tagAuthenticator, tagEncTicketPart} {
			in := must(asn1.Marshal(asn1.RawValue{Class: asn1.ClassApplication, Tag: tag, IsCompound: true, Bytes: wrapped}))(t)
			for _, target := range fuzzTargets(t) {
				if got := allocated(func() { _ = target.run(t, in) }); got > maxAllocation {
					t.Errorf("%s, tag %d, elements %x: %d octets allocated", target.name, tag, element, got)
				}
			}
		}
	}
}

// fuzz runs the targets of one of the decoders, which a number beside the input tells apart.
func fuzz(f *testing.F, decoder string) {
	f.Helper()
	targets := chosen(f, decoder)
	for n, target := range targets {
		f.Add(byte(n), target.seed)
	}
	f.Fuzz(func(t *testing.T, n byte, in []byte) {
		target := targets[int(n)%len(targets)]
		if got := allocated(func() { _ = target.run(t, in) }); got > maxAllocation {
			t.Errorf("%s: %d octets allocated", target.name, got)
		}
	})
}

func FuzzInitiator(f *testing.F)   { fuzz(f, "Initiator") }
func FuzzAcceptor(f *testing.F)    { fuzz(f, "Acceptor") }
func FuzzUnwrap(f *testing.F)      { fuzz(f, "Unwrap") }
func FuzzDecodeError(f *testing.F) { fuzz(f, "DecodeError") }
