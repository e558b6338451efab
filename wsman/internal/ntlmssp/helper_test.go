package ntlmssp_test

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"math/rand/v2"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

const password = "hunter2-\u00fc\u20ac"

// noon is the time of every test.
var noon = time.Date(2024, 5, 6, 12, 0, 0, 0, time.UTC)

// clientConfig is CORP\me with the right password.
func clientConfig() ntlmssp.ClientConfig {
	return ntlmssp.ClientConfig{
		User: "me", Domain: "CORP", Password: func() string { return password }, TargetName: "HTTP/hv01",
		Now: func() time.Time { return noon }, Rand: zeros{},
	}
}

// serverConfig knows CORP\me.
func serverConfig() ntlmssp.ServerConfig {
	return ntlmssp.ServerConfig{
		ComputerName: "HV01", DomainName: "CORP", DNSName: "hv01.corp.example",
		Password: func(domain, user string) (string, bool) { return password, domain == "CORP" && user == "me" },
		Now:      func() time.Time { return noon }, Rand: zeros{},
	}
}

// zeros is a source of random octets that gives the same ones every time.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// step calls Step, which must succeed.
func step(tb testing.TB, h sealed.Handshake, token []byte) []byte {
	tb.Helper()
	out, err := h.Step(token)
	if err != nil {
		tb.Fatalf("Step(%.16q): %v", token, err)
	}
	return out
}

// tokens runs the exchange up to AUTHENTICATE and returns the sides and their three tokens.
func tokens(tb testing.TB, cc ntlmssp.ClientConfig, sc ntlmssp.ServerConfig) (c *ntlmssp.Client, s *ntlmssp.Server, negotiate, challenge, auth []byte) {
	tb.Helper()
	c, s = ntlmssp.NewClient(cc), ntlmssp.NewServer(sc)
	negotiate = step(tb, c, nil)
	challenge = step(tb, s, negotiate)
	return c, s, negotiate, challenge, step(tb, c, challenge)
}

// pair returns the two contexts of a handshake that succeeds.
func pair(tb testing.TB) (client, server sealed.Context) {
	tb.Helper()
	c, s, _, _, auth := tokens(tb, clientConfig(), serverConfig())
	step(tb, s, auth)
	return c.Context(), s.Context()
}

// seal returns a token of 16 octets of signature and the sealed message.
func seal(tb testing.TB, c sealed.Context, message string) []byte {
	tb.Helper()
	token, n, err := c.Seal(nil, []byte(message))
	if err != nil || n != md5.Size || len(token) != n+len(message) {
		tb.Fatalf("Seal(%.16q) = %d octets, %d, %v", message, len(token), n, err)
	}
	return token
}

// rawChallenge writes a CHALLENGE of 48 octets, without a version, with these flags and this target info.
func rawChallenge(flags uint32, info []byte) []byte {
	b := append([]byte("NTLMSSP\x00\x02\x00\x00\x00"), make([]byte, 36)...)
	binary.LittleEndian.PutUint32(b[20:], flags)
	copy(b[24:], "\x01\x23\x45\x67\x89\xab\xcd\xef")
	binary.LittleEndian.PutUint16(b[40:], uint16(len(info)))
	binary.LittleEndian.PutUint16(b[42:], uint16(len(info)))
	binary.LittleEndian.PutUint32(b[44:], 48)
	return append(b, info...)
}

// av writes one AV pair.
func av(id uint16, value string) []byte {
	b := binary.LittleEndian.AppendUint16(nil, id)
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(value))), value...)
}

// join joins AV pairs.
func join(pairs ...[]byte) []byte { return bytes.Join(pairs, nil) }

// bounded runs f, which must not allocate more than 8 MiB.
func bounded(tb testing.TB, f func()) {
	tb.Helper()
	before := allocated()
	f()
	if n := allocated() - before; n > 8<<20 {
		tb.Errorf("%d octets allocated", n)
	}
}

// allocated returns how many octets were ever allocated; the last few small ones may be missing.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// mutate returns b with some octets changed, cut, repeated or put in.
func mutate(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + r.IntN(4) {
		if len(b) == 0 {
			return b
		}
		i := r.IntN(len(b))
		switch r.IntN(5) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
		case 1:
			b[i] = byte(r.Uint32())
		case 2:
			b[i] = []byte{0, 0xff, 0x7f, 0x80}[r.IntN(4)]
		case 3:
			b = b[:i]
		default:
			j := i + r.IntN(len(b)-i)
			b = append(b[:j:j], b[i:]...)
		}
	}
	return b
}
