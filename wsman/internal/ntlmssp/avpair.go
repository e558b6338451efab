package ntlmssp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// avID is the AvId of a pair (2.2.2.1).
type avID uint16

const (
	avEOL             avID = 0
	avComputerName    avID = 1
	avDomainName      avID = 2
	avDNSComputerName avID = 3
	avFlags           avID = 6
	avTimestamp       avID = 7
	avTargetName      avID = 9
	avChannelBindings avID = 10
)

// avFlagMIC in MsvAvFlags announces the MIC of the AUTHENTICATE message.
const avFlagMIC uint32 = 2

// An avPair is one AV_PAIR; its value is kept as it came.
type avPair struct {
	id    avID
	value []byte
}

// avPairs is a list of pairs, in the order of the wire and without MsvAvEOL.
type avPairs []avPair

// decodeAVPairs reads pairs up to MsvAvEOL, which must be there. What follows it is ignored: NTLMv2_CLIENT_CHALLENGE ends in
// four zero octets. The values are parts of b.
func decodeAVPairs(b []byte) (avPairs, error) {
	var pairs avPairs
	for len(b) >= 4 {
		id, n := avID(binary.LittleEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b[2:]))
		b = b[4:]
		if id == avEOL {
			return pairs, nil
		}
		if n > len(b) {
			return nil, fmt.Errorf("AV pair %d of %d octets where %d are left", id, n, len(b))
		}
		pairs = append(pairs, avPair{id, b[:n]})
		b = b[n:]
	}
	return nil, errors.New("AV pairs without an end")
}

// fixed returns the value of the first pair with this id, nil if there is none. The value must be n octets long.
func (p avPairs) fixed(id avID, n int) ([]byte, error) {
	for _, pair := range p {
		if pair.id != id {
			continue
		}
		if len(pair.value) != n {
			return nil, fmt.Errorf("AV pair %d of %d octets, want %d", id, len(pair.value), n)
		}
		return pair.value, nil
	}
	return nil, nil
}

// flags returns MsvAvFlags, 0 if there are none.
func (p avPairs) flags() (uint32, error) {
	value, err := p.fixed(avFlags, 4)
	if value == nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(value), nil
}

// encode writes the pairs and MsvAvEOL.
func (p avPairs) encode() ([]byte, error) {
	var b []byte
	for _, pair := range p {
		if len(pair.value) > math.MaxUint16 {
			return nil, fmt.Errorf("AV pair %d of %d octets; %d fit", pair.id, len(pair.value), math.MaxUint16)
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(pair.id))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(pair.value))) //nolint:gosec // the length is checked above
		b = append(b, pair.value...)
	}
	return append(b, 0, 0, 0, 0), nil
}
