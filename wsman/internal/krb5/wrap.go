package krb5

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// Per-message tokens (RFC 4121 §4.2.6).
const (
	headerSize          = 16
	idWrap       uint16 = 0x0504
	idMIC        uint16 = 0x0404
	fromAcceptor byte   = 0x01
	flagSealed   byte   = 0x02
	withSubkey   byte   = 0x04
	knownFlags          = fromAcceptor | flagSealed | withSubkey // others are ignored (§4.2.2)
)

var errDead = errors.New("security context is unusable after an error")

// A session is an established context. It implements [sealed.Context]: a Seal is a wrap token with confidentiality that is
// rotated so that the data comes last, at the same length as the plaintext; a MIC is a MIC token. Both sides count them
// together, and what comes in must have the very next number.
type session struct {
	out, in direction
	random  io.Reader
	rotated []byte
	dead    bool
}

// A direction is what one side sends.
type direction struct {
	flags byte
	seq   uint64
	seal  *crypter
	sign  hash.Hash
}

// A sessionConfig is what a handshake agreed on.
type sessionConfig struct {
	key                 Key
	acceptorSubkey      bool // key is one that the acceptor chose
	acceptor            bool // the side
	sendSeq, receiveSeq uint32
	random              io.Reader
}

// newSession returns the context of one side.
func newSession(cfg sessionConfig) (*session, error) {
	byInitiator, err := newDirection(cfg.key, usageInitiatorSeal, usageInitiatorSign)
	if err != nil {
		return nil, err
	}
	byAcceptor, err := newDirection(cfg.key, usageAcceptorSeal, usageAcceptorSign)
	if err != nil {
		return nil, err
	}
	byAcceptor.flags = fromAcceptor
	if cfg.acceptorSubkey {
		byInitiator.flags |= withSubkey
		byAcceptor.flags |= withSubkey
	}
	s := &session{out: byInitiator, in: byAcceptor, random: cfg.random}
	if cfg.acceptor {
		s.out, s.in = s.in, s.out
	}
	s.out.seq, s.in.seq = uint64(cfg.sendSeq), uint64(cfg.receiveSeq)
	return s, nil
}

func newDirection(key Key, seal, sign uint32) (direction, error) {
	c, err := newCrypter(key, seal)
	if err != nil {
		return direction{}, err
	}
	mac, err := key.hmac(c.profile, sign, derivedChecksum)
	return direction{seal: c, sign: mac}, err
}

// header returns the header of the next token. EC and RRC are zero in a wrap token; a MIC token has fillers there (§4.2.6.1).
func (d *direction) header(id uint16) [headerSize]byte {
	h := [headerSize]byte{2: d.flags, 3: 0xff}
	binary.BigEndian.PutUint16(h[:], id)
	switch id {
	case idWrap:
		h[2] |= flagSealed
	case idMIC:
		copy(h[4:], "\xff\xff\xff\xff")
	}
	binary.BigEndian.PutUint64(h[8:], d.seq)
	return h
}

// expect checks a header against the one that is due: kind, flags and number. The filler, EC and RRC are left to the caller.
func (d *direction) expect(h []byte, id uint16) error {
	due := d.header(id)
	switch {
	case !bytes.Equal(h[:2], due[:2]):
		return fmt.Errorf("token %#04x in place of %#04x", binary.BigEndian.Uint16(h), id)
	case h[2]&knownFlags != due[2]:
		return fmt.Errorf("token with flags %#02x in place of %#02x", h[2], due[2])
	}
	if seq := binary.BigEndian.Uint64(h[8:]); seq != d.seq {
		return fmt.Errorf("token number %d in place of %d: replayed, lost or out of order", seq, d.seq)
	}
	return nil
}

// Seal encrypts plaintext. The signature is the header, then the encrypted copy of it and the checksum, which rotation brings
// to the front, then the confounder: 60 octets with SHA-1, 64 and 72 with SHA-2.
func (s *session) Seal(dst, plaintext []byte) (out []byte, signature int, err error) {
	if s.dead {
		return nil, 0, errDead
	}
	d := &s.out
	rrc := headerSize + d.seal.macSize
	signature = headerSize + rrc + confounderSize
	start, size := len(dst), signature+len(plaintext)
	// The copy of the header is encrypted behind the data, beyond the end of the token, and moved to the front.
	dst = slices.Grow(dst, size+headerSize)[:start+size+headerSize]
	token := dst[start:]
	body := token[headerSize+rrc:]
	if _, err := io.ReadFull(s.random, body[:confounderSize]); err != nil {
		s.dead = true
		return nil, 0, fmt.Errorf("confounder: %w", err)
	}
	copy(body[confounderSize:], plaintext)
	h := d.header(idWrap)
	copy(token, h[:])
	copy(body[len(body)-headerSize:], h[:])
	sum := d.seal.encrypt(body)
	copy(token[headerSize:], body[len(body)-headerSize:])
	copy(token[2*headerSize:], sum)
	binary.BigEndian.PutUint16(token[6:], uint16(rrc)) //nolint:gosec // 40 at most
	d.seq++
	return dst[:start+size], signature, nil
}

// Unseal decrypts a wrap token, with whatever rotation and filler the peer chose, in place. A token says itself where its parts
// are, so that the length of the signature does not matter.
func (s *session) Unseal(token []byte, _ int) ([]byte, error) {
	if s.dead {
		return nil, errDead
	}
	b, err := s.unseal(token)
	if err != nil {
		s.dead = true
		return nil, fmt.Errorf("sealed message: %w", err)
	}
	s.in.seq++
	return b, nil
}

func (s *session) unseal(token []byte) ([]byte, error) {
	d := &s.in
	if len(token) < headerSize+confounderSize+headerSize+d.seal.macSize {
		return nil, fmt.Errorf("token of %d octets is too short", len(token))
	}
	h, body := token[:headerSize], token[headerSize:]
	if err := d.expect(h, idWrap); err != nil {
		return nil, err
	}
	s.rotateLeft(body, int(binary.BigEndian.Uint16(h[6:]))%len(body))
	end := len(body) - d.seal.macSize
	if err := d.seal.decrypt(body[:end], body[end:]); err != nil {
		return nil, err
	}
	// The copy of the header that was encrypted has no RRC, which is not protected (§4.2.5).
	end -= headerSize
	inner := body[end : end+headerSize]
	if !bytes.Equal(inner[:6], h[:6]) || !bytes.Equal(inner[8:], h[8:]) {
		return nil, errors.New("header differs from its encrypted copy")
	}
	end -= int(binary.BigEndian.Uint16(h[4:])) // EC: octets of filler after the data
	if end < confounderSize {
		return nil, errors.New("filler longer than the message")
	}
	return body[confounderSize:end], nil
}

// rotateLeft undoes a rotation by n octets.
func (s *session) rotateLeft(b []byte, n int) {
	s.rotated = append(s.rotated[:0], b[:n]...)
	copy(b[copy(b, b[n:]):], s.rotated)
}

// MIC returns a MIC token of message (§4.2.6.1).
func (s *session) MIC(message []byte) ([]byte, error) {
	if s.dead {
		return nil, errDead
	}
	h := s.out.header(idMIC)
	token := append(h[:], s.out.mic(message, h[:])...)
	s.out.seq++
	return token, nil
}

// VerifyMIC checks a MIC token of message.
func (s *session) VerifyMIC(message, mic []byte) error {
	if s.dead {
		return errDead
	}
	if err := s.verifyMIC(message, mic); err != nil {
		s.dead = true
		return fmt.Errorf("MIC: %w", err)
	}
	s.in.seq++
	return nil
}

func (s *session) verifyMIC(message, mic []byte) error {
	if len(mic) != headerSize+s.in.seal.macSize {
		return fmt.Errorf("token of %d octets, not %d", len(mic), headerSize+s.in.seal.macSize)
	}
	if err := s.in.expect(mic, idMIC); err != nil {
		return err
	}
	if !hmac.Equal(s.in.mic(message, mic[:headerSize]), mic[headerSize:]) {
		return errIntegrity
	}
	return nil
}

// mic returns the checksum of a message and the header of its token.
func (d *direction) mic(message, header []byte) []byte {
	d.sign.Reset()
	d.sign.Write(message)
	d.sign.Write(header)
	return d.sign.Sum(nil)[:d.seal.macSize]
}
