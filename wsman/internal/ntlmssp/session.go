package ntlmssp

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // MS-NLMP fixes MD5 and RC4
	"crypto/rc4" //nolint:gosec // as above
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
)

// signatureLen is the length of NTLMSSP_MESSAGE_SIGNATURE: version 1, checksum, sequence number (2.2.2.9.1).
const signatureLen = 16

// A session is the [sealed.Context] of one side (3.4).
type session struct {
	out, in *direction
	// err is why the session is over.
	err error
}

// A direction holds the state of one way: its sealing handle, the HMAC of its signing key, and the next sequence number.
type direction struct {
	handle rc4.Cipher
	mac    hash.Hash
	seq    uint32
	// sum is room for the number and the checksum, so that no message allocates them.
	sum [md5.Size]byte
}

// The names of the two directions in the constants of 3.4.5.2 and 3.4.5.3.
const (
	clientToServer = "client-to-server"
	serverToClient = "server-to-client"
)

// newSession derives the keys of the side that sends as out says.
func newSession(exported *key, out, in string) (*session, error) {
	o, err := newDirection(exported, out)
	if err != nil {
		return nil, err
	}
	i, err := newDirection(exported, in)
	if err != nil {
		return nil, err
	}
	return &session{out: o, in: i}, nil
}

func newDirection(exported *key, from string) (*direction, error) {
	sign, seal := subKey(exported, from, "signing"), subKey(exported, from, "sealing")
	defer clear(sign[:])
	defer clear(seal[:])
	handle, err := rc4.NewCipher(seal[:]) //nolint:gosec // as above
	if err != nil {
		return nil, err
	}
	d := &direction{handle: *handle, mac: hmac.New(md5.New, sign[:])}
	*handle = rc4.Cipher{}
	return d, nil
}

// Format says what it is, and no key, for every verb.
func (s *session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("NTLM session")) }

// Seal implements [sealed.Context]: 16 octets of signature, then as many octets as plaintext has.
func (s *session) Seal(dst, plaintext []byte) ([]byte, int, error) {
	if s.err != nil {
		return nil, 0, s.err
	}
	start, text := len(dst), len(dst)+signatureLen
	dst = slices.Grow(dst, signatureLen+len(plaintext))[:text+len(plaintext)]
	// The handle takes the message first and its checksum second (3.4.3).
	s.out.handle.XORKeyStream(dst[text:], plaintext)
	sign := s.out.sign(&s.out.handle, plaintext)
	copy(dst[start:], sign[:])
	return dst, signatureLen, nil
}

// Unseal implements [sealed.Context]. It decrypts token in place.
func (s *session) Unseal(token []byte, signature int) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if signature != signatureLen || len(token) < signatureLen {
		return nil, s.fail(fmt.Errorf("sealed message of %d octets with a signature of %d, want %d", len(token), signature, signatureLen))
	}
	text := token[signatureLen:]
	s.in.handle.XORKeyStream(text, text)
	if err := s.verify(&s.in.handle, text, token[:signatureLen]); err != nil {
		clear(text)
		return nil, err
	}
	return text, nil
}

// MIC implements [sealed.Context]. The sealing handle is afterwards as it was, so that the first sealed message takes its
// octets a second time while the sequence number goes on: MS-SPNG 3.3.5.1 fixes this for mechListMIC.
func (s *session) MIC(message []byte) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	handle := s.out.handle
	sign := s.out.sign(&handle, message)
	return sign[:], nil
}

// VerifyMIC implements [sealed.Context], with the handle as MIC has it.
func (s *session) VerifyMIC(message, mic []byte) error {
	if s.err != nil {
		return s.err
	}
	if len(mic) != signatureLen {
		return s.fail(fmt.Errorf("MIC of %d octets, want %d", len(mic), signatureLen))
	}
	handle := s.in.handle
	return s.verify(&handle, message, mic)
}

// sign returns the signature of the next message (3.4.4.2), its checksum encrypted by handle.
func (d *direction) sign(handle *rc4.Cipher, message []byte) (sign [signatureLen]byte) {
	binary.LittleEndian.PutUint32(d.sum[:], d.seq)
	d.mac.Reset()
	d.mac.Write(d.sum[:4])
	d.mac.Write(message)
	d.mac.Sum(d.sum[:0])

	binary.LittleEndian.PutUint32(sign[:], 1)
	handle.XORKeyStream(sign[4:12], d.sum[:8])
	binary.LittleEndian.PutUint32(sign[12:], d.seq)
	d.seq++
	return sign
}

// verify compares got with the signature that the next message must have.
func (s *session) verify(handle *rc4.Cipher, message, got []byte) error {
	seq := s.in.seq
	want := s.in.sign(handle, message)
	if n := binary.LittleEndian.Uint32(got[12:]); n != seq {
		return s.fail(fmt.Errorf("message with sequence number %d, want %d", n, seq))
	}
	if subtle.ConstantTimeCompare(got, want[:]) != 1 {
		return s.fail(errors.New("signature does not verify"))
	}
	return nil
}

// fail ends the session and overwrites its handles.
func (s *session) fail(err error) error {
	s.err = fmt.Errorf("NTLM session: %w", err)
	s.out.handle, s.in.handle = rc4.Cipher{}, rc4.Cipher{}
	return s.err
}
