package krb5

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 3962 fixes HMAC-SHA1 for types 17 and 18
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/jcmturner/gokrb5/v8/crypto"
)

// Key usage numbers (RFC 4120 §7.5.1, RFC 4121 §2).
const (
	usageTicket            uint32 = 2
	usageAPReq             uint32 = 11
	usageAPRep             uint32 = 12
	usageAcceptorSeal      uint32 = 22
	usageAcceptorSign      uint32 = 23
	usageInitiatorSeal     uint32 = 24
	usageInitiatorSign     uint32 = 25
	confounderSize                = 16
	derivedChecksum        byte   = 0x99 // RFC 3961 §5.3: the octet after the usage number
	derivedEncryption      byte   = 0xaa
	derivedIntegrity       byte   = 0x55
	checksumHMACSHA1AES128 int32  = 15
	checksumHMACSHA1AES256 int32  = 16
	checksumHMACSHA2AES128 int32  = 19
	checksumHMACSHA2AES256 int32  = 20
)

var errIntegrity = errors.New("integrity check failed")

// A profile is what the encryption types differ in (RFC 3962 §6, RFC 8009 §5).
type profile struct {
	keySize      int  // octets of a key
	macSize      int  // octets that are left of the HMAC
	cipherHashed bool // the HMAC is over the ciphertext and not over the plaintext
	checksum     int32
	hash         func() hash.Hash
}

// profileOf returns the profile of an encryption type, which a peer may have chosen.
func profileOf(etype int32) (profile, error) {
	switch etype {
	case ETypeAES128SHA1:
		return profile{keySize: 16, macSize: 12, checksum: checksumHMACSHA1AES128, hash: sha1.New}, nil
	case ETypeAES256SHA1:
		return profile{keySize: 32, macSize: 12, checksum: checksumHMACSHA1AES256, hash: sha1.New}, nil
	case ETypeAES128SHA2:
		return profile{keySize: 16, macSize: 16, checksum: checksumHMACSHA2AES128, hash: sha256.New, cipherHashed: true}, nil
	case ETypeAES256SHA2:
		return profile{keySize: 32, macSize: 24, checksum: checksumHMACSHA2AES256, hash: sha512.New384, cipherHashed: true}, nil
	default:
		return profile{}, fmt.Errorf("encryption type %d is not one of AES (17 to 20)", etype)
	}
}

// profile returns the profile of the key's type, if the key has the length that the type wants.
func (k Key) profile() (profile, error) {
	p, err := profileOf(k.EType)
	if err != nil {
		return p, err
	}
	if len(k.Value) != p.keySize {
		return p, fmt.Errorf("a key of encryption type %d has %d octets, not %d", k.EType, p.keySize, len(k.Value))
	}
	return p, nil
}

// newKey returns a random key. A nil random is crypto/rand's.
func newKey(etype int32, random io.Reader) (Key, error) {
	p, err := profileOf(etype)
	if err != nil {
		return Key{}, err
	}
	k := Key{EType: etype, Value: make([]byte, p.keySize)}
	if _, err := io.ReadFull(randomOr(random), k.Value); err != nil {
		return Key{}, fmt.Errorf("random key: %w", err)
	}
	return k, nil
}

func randomOr(random io.Reader) io.Reader {
	if random == nil {
		return rand.Reader
	}
	return random
}

// encrypt encrypts plaintext for one usage, with a random confounder before and a checksum after it.
func (k Key) encrypt(usage uint32, plaintext []byte) ([]byte, error) {
	c, err := newCrypter(k, usage)
	if err != nil {
		return nil, err
	}
	b := make([]byte, confounderSize+len(plaintext), confounderSize+len(plaintext)+c.macSize)
	if _, err := io.ReadFull(rand.Reader, b[:confounderSize]); err != nil {
		return nil, fmt.Errorf("confounder: %w", err)
	}
	copy(b[confounderSize:], plaintext)
	return append(b, c.encrypt(b)...), nil
}

// decrypt verifies and decrypts what encrypt made. ciphertext is not changed.
func (k Key) decrypt(usage uint32, ciphertext []byte) ([]byte, error) {
	c, err := newCrypter(k, usage)
	if err != nil {
		return nil, err
	}
	n := len(ciphertext) - c.macSize
	if n < confounderSize {
		return nil, fmt.Errorf("encrypted data of %d octets is too short", len(ciphertext))
	}
	b := append([]byte(nil), ciphertext[:n]...)
	if err := c.decrypt(b, ciphertext[n:]); err != nil {
		return nil, err
	}
	return b[confounderSize:], nil
}

// checksum returns the keyed checksum of data for one usage, and its type (RFC 3961 §5.3).
func (k Key) checksum(usage uint32, data []byte) (kind int32, sum []byte, err error) {
	p, err := k.profile()
	if err != nil {
		return 0, nil, err
	}
	mac, err := k.hmac(p, usage, derivedChecksum)
	if err != nil {
		return 0, nil, err
	}
	mac.Write(data)
	return p.checksum, mac.Sum(nil)[:p.macSize], nil
}

// derive returns the key that stands for k in one usage and for one purpose.
func (k Key) derive(usage uint32, purpose byte) ([]byte, error) {
	e, err := crypto.GetEtype(k.EType)
	if err != nil {
		return nil, err
	}
	return e.DeriveKey(k.Value, append(binary.BigEndian.AppendUint32(nil, usage), purpose))
}

// hmac returns the HMAC of a profile with a derived key.
func (k Key) hmac(p profile, usage uint32, purpose byte) (hash.Hash, error) {
	derived, err := k.derive(usage, purpose)
	if err != nil {
		return nil, err
	}
	return hmac.New(p.hash, derived), nil
}

// A crypter encrypts and decrypts messages in place with the keys of one usage, which it derives once. It allocates nothing
// per message and is not for concurrent use.
type crypter struct {
	profile
	cts *aesCTS
	mac hash.Hash
	sum []byte
}

func newCrypter(k Key, usage uint32) (*crypter, error) {
	p, err := k.profile()
	if err != nil {
		return nil, err
	}
	derived, err := k.derive(usage, derivedEncryption)
	if err != nil {
		return nil, err
	}
	cts, err := newAESCTS(derived)
	if err != nil {
		return nil, err
	}
	mac, err := k.hmac(p, usage, derivedIntegrity)
	if err != nil {
		return nil, err
	}
	return &crypter{profile: p, cts: cts, mac: mac, sum: make([]byte, 0, mac.Size())}, nil
}

// encrypt encrypts b, which begins with the confounder, in place and returns its checksum, which the next call overwrites.
func (c *crypter) encrypt(b []byte) []byte {
	if c.cipherHashed {
		c.cts.encrypt(b)
		return c.checksum(b)
	}
	sum := c.checksum(b)
	c.cts.encrypt(b)
	return sum
}

// decrypt decrypts b, which begins with the confounder, in place and verifies its checksum.
func (c *crypter) decrypt(b, sum []byte) error {
	if c.cipherHashed {
		if !hmac.Equal(c.checksum(b), sum) {
			return errIntegrity
		}
		c.cts.decrypt(b)
		return nil
	}
	c.cts.decrypt(b)
	if !hmac.Equal(c.checksum(b), sum) {
		return errIntegrity
	}
	return nil
}

// checksum is the HMAC of b, after the zero initial vector where ciphertext is hashed (RFC 8009 §5).
func (c *crypter) checksum(b []byte) []byte {
	c.mac.Reset()
	if c.cipherHashed {
		c.mac.Write(c.cts.zero[:])
	}
	c.mac.Write(b)
	return c.mac.Sum(c.sum[:0])[:c.macSize]
}
