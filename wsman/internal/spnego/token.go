package spnego

import (
	goasn1 "encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// oidSPNEGO is 1.3.6.1.5.5.2 in DER, without tag and length.
const oidSPNEGO = "\x2b\x06\x01\x05\x05\x02"

// tagFrame is the tag of the frame around the first token (RFC 2743 §3.1).
const tagFrame = asn1.Tag(0x60)

// A negState is the acceptor's word on how far the negotiation is (RFC 4178 §4.2.2).
type negState int

const (
	stateAbsent     negState = -1
	stateCompleted  negState = 0
	stateIncomplete negState = 1
	stateReject     negState = 2
	stateRequestMIC negState = 3
)

// initToken is NegTokenInit (RFC 4178 §4.2.1), or NegTokenInit2 (MS-SPNG 2.2.1) without its hints.
type initToken struct {
	mechTypes   []byte // MechTypeList, in DER
	mechList    []byte // its content
	mechToken   []byte // empty: none
	mechListMIC []byte // empty: none
}

// respToken is NegTokenResp (RFC 4178 §4.2.2).
type respToken struct {
	state         negState
	supportedMech goasn1.ObjectIdentifier // nil: none
	responseToken []byte                  // empty: none
	mechListMIC   []byte                  // empty: none
}

// field returns the tag of field n of a structure.
func field(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// IsToken tells whether b is a token of this package, by its beginning: the frame with SPNEGO's name, or a NegTokenResp.
func IsToken(b []byte) bool {
	if len(b) > 0 && asn1.Tag(b[0]) == field(1) {
		return true
	}
	in := cryptobyte.String(b)
	_, ok := openFrame(&in)
	return ok
}

// openFrame takes the frame around the first token off in.
func openFrame(in *cryptobyte.String) (inner cryptobyte.String, ok bool) {
	var frame, oid cryptobyte.String
	ok = in.ReadASN1(&frame, tagFrame) && frame.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) && string(oid) == oidSPNEGO
	return frame, ok
}

// openSequence takes the sequence in the choice with tag off in, which holds nothing else.
func openSequence(in *cryptobyte.String, tag asn1.Tag) (sequence cryptobyte.String, ok bool) {
	var choice cryptobyte.String
	ok = in.ReadASN1(&choice, tag) && in.Empty() && choice.ReadASN1(&sequence, asn1.SEQUENCE) && choice.Empty()
	return sequence, ok
}

// readOptional reads field n, if it is there, into out, which then is the content of an element with tag.
func readOptional(in *cryptobyte.String, n uint8, out *[]byte, tag asn1.Tag) bool {
	var explicit, content cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&explicit, &present, field(n)) || !present {
		return !present
	}
	ok := explicit.ReadASN1(&content, tag) && explicit.Empty()
	*out = content
	return ok
}

// decodeInit reads the initiator's first token. What it returns is a part of b.
func decodeInit(b []byte) (*initToken, error) {
	in := cryptobyte.String(b)
	inner, ok := openFrame(&in)
	if !ok || !in.Empty() {
		return nil, errMalformed
	}
	sequence, ok := openSequence(&inner, field(0))
	if !ok {
		return nil, errMalformed
	}
	var t initToken
	var explicit, mechTypes, mechList cryptobyte.String
	var flags []byte
	ok = sequence.ReadASN1(&explicit, field(0)) &&
		explicit.ReadASN1Element(&mechTypes, asn1.SEQUENCE) && explicit.Empty() &&
		readOptional(&sequence, 1, &flags, asn1.BIT_STRING) &&
		readOptional(&sequence, 2, &t.mechToken, asn1.OCTET_STRING)
	if !ok {
		return nil, errMalformed
	}
	// Field 3 is the MIC in RFC 4178 and holds hints in MS-SPNG, whose MIC is field 4.
	micField := uint8(3)
	if hinted := sequence; hinted.ReadASN1(&explicit, field(3)) && explicit.PeekASN1Tag(asn1.SEQUENCE) {
		sequence, micField = hinted, 4
	}
	if !readOptional(&sequence, micField, &t.mechListMIC, asn1.OCTET_STRING) || !sequence.Empty() {
		return nil, errMalformed
	}
	t.mechTypes = mechTypes
	mechTypes.ReadASN1(&mechList, asn1.SEQUENCE)
	t.mechList = mechList
	return &t, nil
}

// readOID reads a name. One that the type cannot hold is no error and gives nil, which is not the name of anything here.
func readOID(in *cryptobyte.String, name *goasn1.ObjectIdentifier) bool {
	var element cryptobyte.String
	if !in.ReadASN1Element(&element, asn1.OBJECT_IDENTIFIER) {
		return false
	}
	*name = nil
	element.ReadASN1ObjectIdentifier(name)
	return true
}

// mechs yields the names in the list, and whether it is sound up to there.
func (t *initToken) mechs(yield func(oid goasn1.ObjectIdentifier, ok bool) bool) {
	for list := cryptobyte.String(t.mechList); !list.Empty(); {
		var oid goasn1.ObjectIdentifier
		ok := readOID(&list, &oid)
		if !yield(oid, ok) || !ok {
			return
		}
	}
}

// decodeResp reads every other token. What it returns is a part of b.
func decodeResp(b []byte) (*respToken, error) {
	in := cryptobyte.String(b)
	sequence, ok := openSequence(&in, field(1))
	if !ok {
		return nil, errMalformed
	}
	t := respToken{state: stateAbsent}
	var state []byte
	var mech cryptobyte.String
	var selected bool
	ok = readOptional(&sequence, 0, &state, asn1.ENUM) &&
		sequence.ReadOptionalASN1(&mech, &selected, field(1)) &&
		(!selected || readOID(&mech, &t.supportedMech) && t.supportedMech != nil && mech.Empty()) &&
		readOptional(&sequence, 2, &t.responseToken, asn1.OCTET_STRING) &&
		readOptional(&sequence, 3, &t.mechListMIC, asn1.OCTET_STRING) &&
		sequence.Empty()
	if !ok {
		return nil, errMalformed
	}
	if state != nil {
		if len(state) != 1 || negState(state[0]) > stateRequestMIC {
			return nil, errMalformed
		}
		t.state = negState(state[0])
	}
	return &t, nil
}

// encode writes the token in its frame.
func (t *initToken) encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tagFrame, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(oidSPNEGO)) })
		b.AddASN1(field(0), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(field(0), func(b *cryptobyte.Builder) { b.AddBytes(t.mechTypes) })
				addOctets(b, 2, t.mechToken)
				addOctets(b, 3, t.mechListMIC)
			})
		})
	})
	return b.Bytes()
}

// closes tells whether the token says that the sender is done, and nothing else.
func (t *respToken) closes() bool {
	return t.state == stateCompleted && len(t.responseToken) == 0 && len(t.mechListMIC) == 0
}

// encode writes the token.
func (t *respToken) encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(field(1), func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if t.state != stateAbsent {
				b.AddASN1(field(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(t.state)) })
			}
			if t.supportedMech != nil {
				b.AddASN1(field(1), func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(t.supportedMech) })
			}
			addOctets(b, 2, t.responseToken)
			addOctets(b, 3, t.mechListMIC)
		})
	})
	return b.Bytes()
}

// addOctets adds field n, unless it is empty.
func addOctets(b *cryptobyte.Builder, n uint8, octets []byte) {
	if len(octets) > 0 {
		b.AddASN1(field(n), func(b *cryptobyte.Builder) { b.AddASN1OctetString(octets) })
	}
}

// encodeMechTypes returns the list with one mechanism.
func encodeMechTypes(oid goasn1.ObjectIdentifier) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
	return b.Bytes()
}

// named tells whether oid is one of the mechanism's names.
func named(m Mechanism, oid goasn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(m.OIDs(), oid.Equal)
}
