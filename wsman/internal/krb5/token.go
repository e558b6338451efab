package krb5

import (
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// A tokenID tells the tokens of the handshake apart (RFC 4121 §4.1).
type tokenID uint16

const (
	tokenAPReq tokenID = 0x0100
	tokenAPRep tokenID = 0x0200
	tokenError tokenID = 0x0300
)

// oids returns the names of the mechanism: that of RFC 4121 §1, which is offered, and the one that Windows 2000 brought along
// by mistake and that its successors still know.
func oids() []asn1.ObjectIdentifier {
	return []asn1.ObjectIdentifier{{1, 2, 840, 113554, 1, 2, 2}, {1, 2, 840, 48018, 1, 2, 2}}
}

// frame puts a message into the frame of a GSS-API token (RFC 2743 §3.1, RFC 4121 §4.1).
func frame(id tokenID, message []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.Tag(0).Constructed()|classApplication, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oids()[0])
		b.AddUint16(uint16(id))
		b.AddBytes(message)
	})
	return b.Bytes()
}

// classApplication is the class of an identifier octet (X.690 §8.1.2.2).
const classApplication cbasn1.Tag = 0x40

// unframe returns the message within a token and its kind. A message that came without a frame is known by its own tag, since
// senders of the scheme Kerberos are said to leave the frame away (facts/auth.md §1).
func unframe(token []byte) (id tokenID, message []byte, framed bool, err error) {
	s := cryptobyte.String(token)
	switch {
	case s.PeekASN1Tag(tagAPReq | classApplication | 0x20):
		return tokenAPReq, token, false, nil
	case s.PeekASN1Tag(tagAPRep | classApplication | 0x20):
		return tokenAPRep, token, false, nil
	case s.PeekASN1Tag(tagError | classApplication | 0x20):
		return tokenError, token, false, nil
	}
	var inner cryptobyte.String
	var oid asn1.ObjectIdentifier
	var kind uint16
	if !s.ReadASN1(&inner, cbasn1.Tag(0).Constructed()|classApplication) || !s.Empty() ||
		!inner.ReadASN1ObjectIdentifier(&oid) || !inner.ReadUint16(&kind) {
		return 0, nil, false, errors.New("token without the frame of RFC 2743 §3.1")
	}
	if known := oids(); !oid.Equal(known[0]) && !oid.Equal(known[1]) {
		return 0, nil, false, fmt.Errorf("token of mechanism %v, not Kerberos", oid)
	}
	return tokenID(kind), inner, true, nil
}

// The checksum of the authenticator holds no checksum but flags and channel bindings (RFC 4121 §4.1.1).
const (
	checksumGSS      int32 = 0x8003
	checksumGSSSize        = 4 + 16 + 4
	flagMutual             = 0x02
	flagReplay             = 0x04
	flagSequence           = 0x08
	flagConfidential       = 0x10
	flagIntegrity          = 0x20
	flagDCEStyle           = 0x1000
	flagsOfInitiator       = flagMutual | flagReplay | flagSequence | flagConfidential | flagIntegrity
)

// gssChecksum writes it. Without bindings their field is zero.
func gssChecksum(bindings *sealed.ChannelBindings) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, checksumGSSSize), 16)
	var bnd sealed.ChannelBindings
	if bindings != nil {
		bnd = *bindings
	}
	return binary.LittleEndian.AppendUint32(append(b, bnd[:]...), flagsOfInitiator)
}

// readGSSChecksum reads one. What may follow the flags, delegated credentials and extensions, is of no interest.
func readGSSChecksum(b []byte) (bnd sealed.ChannelBindings, flags uint32, err error) {
	if len(b) < checksumGSSSize || binary.LittleEndian.Uint32(b) != 16 {
		return bnd, 0, errors.New("malformed checksum in the authenticator")
	}
	return sealed.ChannelBindings(b[4:20]), binary.LittleEndian.Uint32(b[20:]), nil
}
