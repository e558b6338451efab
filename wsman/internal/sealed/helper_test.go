package sealed_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// errChecksum is what a fakeContext returns for a token that is not the next.
var errChecksum = errors.New("checksum")

// A fakeContext seals with a number and a checksum and leaves the plaintext as it is, so that a test can choose every octet.
// A token is signature, plaintext and trailer: the first eight octets of the signature are its own, what follows in the signature
// and the trailer is filler, repeated.
type fakeContext struct {
	signature int // 16 if zero
	trailer   int
	filler    string // "." if empty
	sent      uint32
	received  uint32
	err       error // what Seal and Unseal return
	claimed   *int  // the signature that Seal claims to have made
}

// repeated returns n octets of filler.
func (c *fakeContext) repeated(n int) []byte {
	filler := c.filler
	if filler == "" {
		filler = "."
	}
	return []byte(strings.Repeat(filler, n/len(filler)+1)[:n])
}

func (c *fakeContext) size() int {
	if c.signature == 0 {
		return 16
	}
	return c.signature
}

func (c *fakeContext) Seal(dst, plaintext []byte) ([]byte, int, error) {
	if c.err != nil {
		return nil, 0, c.err
	}
	start := len(dst)
	dst = append(dst, make([]byte, 8)...)
	dst = append(dst, c.repeated(c.size()-8)...)
	dst = append(dst, plaintext...)
	dst = append(dst, c.repeated(c.trailer)...)
	binary.LittleEndian.PutUint32(dst[start:], c.sent)
	binary.LittleEndian.PutUint32(dst[start+4:], crc32.ChecksumIEEE(dst[start+8:]))
	c.sent++
	if c.claimed != nil {
		return dst, *c.claimed, nil
	}
	return dst, c.size(), nil
}

func (c *fakeContext) Unseal(token []byte, signature int) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	if signature != c.size() || len(token) < c.size()+c.trailer || binary.LittleEndian.Uint32(token) != c.received ||
		binary.LittleEndian.Uint32(token[4:]) != crc32.ChecksumIEEE(token[8:]) {
		return nil, errChecksum
	}
	c.received++
	plaintext := bytes.Clone(token[signature : len(token)-c.trailer])
	clear(token) // as a cipher that works in place
	return token[:copy(token, plaintext)], nil
}

func (c *fakeContext) MIC([]byte) ([]byte, error)     { return nil, errors.ErrUnsupported }
func (c *fakeContext) VerifyMIC([]byte, []byte) error { return errors.ErrUnsupported }

// token returns a sealed plaintext after the length of its signature.
func (c *fakeContext) token(tb testing.TB, plaintext string) string {
	tb.Helper()
	out, signature, err := c.Seal(make([]byte, 4), []byte(plaintext))
	if err != nil {
		tb.Fatal(err)
	}
	binary.LittleEndian.PutUint32(out, uint32(signature))
	return string(out)
}

// A plainContext does nothing and costs nothing.
type plainContext struct{ sealed.Context }

func (plainContext) Seal(dst, plaintext []byte) ([]byte, int, error) {
	return append(append(dst, "SIXTEEN OCTETS.."...), plaintext...), 16, nil
}

func (plainContext) Unseal(token []byte, signature int) ([]byte, error) {
	return token[signature:], nil
}

// decode hands Decode a copy of body with nothing after it, so that what is read or written beyond it is noticed.
func decode(c sealed.Context, contentType, body string) (string, string, error) {
	p, original, err := sealed.Decode(c, contentType, slices.Clip([]byte(body)))
	return string(p), original, err
}
