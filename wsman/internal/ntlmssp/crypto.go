package ntlmssp

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // MS-NLMP fixes MD5, MD4 and RC4
	"crypto/rc4" //nolint:gosec // as above
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/crypto/md4" //nolint:gosec,staticcheck // as above
)

// A key is a hash of a password or a session key. It prints as REDACTED.
type key [16]byte

// String says REDACTED.
func (key) String() string { return "REDACTED" }

// Format says REDACTED for every verb.
func (key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("REDACTED")) }

// hmacMD5 returns the HMAC-MD5 of the parts in a row.
func hmacMD5(secret []byte, parts ...[]byte) (sum key) {
	h := hmac.New(md5.New, secret)
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// passwordKey is NTOWFv2 (3.3.2), which is LMOWFv2 as well. The three are UTF-16 in little-endian order. Only the user is put
// in upper case.
func passwordKey(password, user, domain []byte) key {
	h := md4.New() //nolint:gosec // as above
	h.Write(password)
	hash := h.Sum(nil)
	defer clear(hash)
	return hmacMD5(hash, upper(user), domain)
}

// clientChallenge writes NTLMv2_CLIENT_CHALLENGE (2.2.2.7), the part of an NTLMv2 response that the proof covers.
func clientChallenge(filetime []byte, nonce [8]byte, info []byte) []byte {
	b := make([]byte, 8, clientChallengeLen+len(info)+4)
	b[0], b[1] = 1, 1
	b = append(b, filetime...)
	b = append(b, nonce[:]...)
	b = append(b, 0, 0, 0, 0)
	b = append(b, info...)
	return append(b, 0, 0, 0, 0)
}

// clientChallengeLen is the length of an NTLMv2_CLIENT_CHALLENGE before its AV pairs.
const clientChallengeLen = 28

// proof is NTProofStr (3.3.2): what an NTLMv2 response begins with.
func proof(k *key, server [8]byte, clientChallenge []byte) key {
	return hmacMD5(k[:], server[:], clientChallenge)
}

// baseKey is SessionBaseKey (3.3.2), for NTLMv2 also KeyExchangeKey (3.4.5.1).
func baseKey(k, proof *key) key { return hmacMD5(k[:], proof[:]) }

// exchangeKey encrypts or decrypts the exported session key with the key exchange key (3.1.5.1.2).
func exchangeKey(base *key, src []byte) (dst key, err error) {
	c, err := rc4.NewCipher(base[:]) //nolint:gosec // as above
	if err != nil {
		return key{}, err
	}
	c.XORKeyStream(dst[:], src)
	return dst, nil
}

// messageMIC is the MIC of the three messages (3.1.5.1.2), the last one taken with a MIC of zeros.
func messageMIC(exported *key, negotiate, challenge, authenticate []byte) key {
	return hmacMD5(exported[:], negotiate, challenge, authenticate[:micStart], make([]byte, micEnd-micStart), authenticate[micEnd:])
}

// subKey is SIGNKEY or SEALKEY for 128 bits (3.4.5.2, 3.4.5.3): from is "client-to-server" or "server-to-client", use is
// "signing" or "sealing".
func subKey(exported *key, from, use string) key {
	h := md5.New() //nolint:gosec // as above
	h.Write(exported[:])
	h.Write([]byte("session key to " + from + " " + use + " key magic constant\x00"))
	return key(h.Sum(nil))
}

// filetime writes t in units of 100 ns since 1601 (MS-DTYP 2.3.3).
func filetime(t time.Time) []byte {
	const untilUnix = 11_644_473_600 // seconds from 1601 to 1970
	ticks := (t.Unix()+untilUnix)*1e7 + int64(t.Nanosecond()/100)
	return binary.LittleEndian.AppendUint64(nil, uint64(ticks)) //nolint:gosec // the sign is carried as the bits it is
}
