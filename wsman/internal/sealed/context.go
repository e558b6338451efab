package sealed

import (
	"crypto"
	"crypto/md5"      //nolint:gosec // RFC 4121 §4.1.1.2 and MS-NLMP 2.2.2.1 fix it
	_ "crypto/sha256" // what TLSServerEndPoint hashes with
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/binary"
)

// A Context is an established security context: it protects what goes out and verifies what comes in, in order. It is
// for one connection with one request in flight, and not for concurrent use. After an error it is of no use any more.
type Context interface {
	// Seal encrypts plaintext and appends the token to dst. The first signature octets of what it appended are the
	// signature, the rest the sealed data (facts/auth.md §2). plaintext is not changed and does not overlap dst.
	Seal(dst, plaintext []byte) (out []byte, signature int, err error)
	// Unseal verifies and decrypts token, of which the first signature octets are the signature. It may overwrite
	// token, and what it returns may be a part of it.
	Unseal(token []byte, signature int) ([]byte, error)
	// MIC returns a checksum of message, as SPNEGO's mechListMIC needs it (RFC 4178 §5). It takes a sequence number.
	MIC(message []byte) ([]byte, error)
	// VerifyMIC checks one that the peer made.
	VerifyMIC(message, mic []byte) error
}

// A Handshake is the exchange of tokens that leads to a Context, seen from one of its sides.
type Handshake interface {
	// Step takes the peer's token, nil for the initiator's first step, and returns the one to send; nil when none is due.
	// After an error the handshake is over.
	Step(token []byte) ([]byte, error)
	// Context returns the established context, nil as long as anything that the mechanism wants to see of the peer is missing.
	Context() Context
}

// ChannelBindings is the MD5 of a gss_channel_bindings_struct without addresses (RFC 2744 §3.11, RFC 4121 §4.1.1.2), which
// ties a Handshake to the TLS connection that carries it.
type ChannelBindings [md5.Size]byte

// TLSServerEndPoint returns the bindings of type tls-server-end-point for a server's certificate (RFC 5929 §4.1).
func TLSServerEndPoint(cert *x509.Certificate) *ChannelBindings {
	hash := endPointHash(cert.SignatureAlgorithm).New()
	hash.Write(cert.Raw)
	data := hash.Sum([]byte("tls-server-end-point:"))
	// Four zero fields for the two addresses, then the length of the data, all in little-endian order, then the data.
	b := make([]byte, 5*4, 5*4+len(data))
	binary.LittleEndian.PutUint32(b[4*4:], uint32(len(data))) //nolint:gosec // at most 85 octets
	sum := ChannelBindings(md5.Sum(append(b, data...)))       //nolint:gosec // as above
	return &sum
}

// endPointHash returns the hash of the certificate's own signature, SHA-256 in place of MD5 and SHA-1 and where the signature
// names none.
func endPointHash(a x509.SignatureAlgorithm) crypto.Hash {
	switch a {
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		return crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}
