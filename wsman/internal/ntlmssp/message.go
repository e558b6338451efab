package ntlmssp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// signature begins every message (2.2.1).
const signature = "NTLMSSP\x00"

// Values of MessageType, and the length of each message before its payload as this package writes it (2.2.1.1 to 2.2.1.3).
const (
	typeNegotiate    = 1
	typeChallenge    = 2
	typeAuthenticate = 3

	negotiateLen    = 40
	challengeLen    = 56
	authenticateLen = 88
)

// Where the MIC of an AUTHENTICATE message stands.
const (
	micStart = 72
	micEnd   = authenticateLen
)

// IsToken tells whether b begins as an NTLM message.
func IsToken(b []byte) bool { return bytes.HasPrefix(b, []byte(signature)) }

// open checks that b is a message of this type whose fixed part has at least size octets.
func open(b []byte, messageType uint32, size int) error {
	if !IsToken(b) || len(b) < 12 {
		return fmt.Errorf("no NTLM message in %d octets", len(b))
	}
	if t := binary.LittleEndian.Uint32(b[8:]); t != messageType {
		return fmt.Errorf("NTLM message of type %d, want %d", t, messageType)
	}
	if len(b) < size {
		return fmt.Errorf("NTLM message of type %d in %d octets, want %d or more", messageType, len(b), size)
	}
	return nil
}

// field returns the part of b that the length and offset at position at describe. An empty one may point anywhere.
func field(b []byte, at int) ([]byte, error) {
	n, offset := uint64(binary.LittleEndian.Uint16(b[at:])), uint64(binary.LittleEndian.Uint32(b[at+4:]))
	if n == 0 {
		return nil, nil
	}
	if offset+n > uint64(len(b)) {
		return nil, fmt.Errorf("NTLM field at %d reaches to octet %d of %d", at, offset+n, len(b))
	}
	return b[offset : offset+n], nil
}

// newMessage returns the fixed part of a message.
func newMessage(messageType uint32, size int) []byte {
	b := make([]byte, size)
	copy(b, signature)
	binary.LittleEndian.PutUint32(b[8:], messageType)
	return b
}

// appendField appends value to the payload of b and describes it at position at.
func appendField(b []byte, at int, name string, value []byte) ([]byte, error) {
	if len(value) > math.MaxUint16 {
		return nil, fmt.Errorf("%s of %d octets; %d fit", name, len(value), math.MaxUint16)
	}
	n := uint16(len(value)) //nolint:gosec // compared above
	binary.LittleEndian.PutUint16(b[at:], n)
	binary.LittleEndian.PutUint16(b[at+2:], n)
	binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b))) //nolint:gosec // six fields of 64 KiB at most
	return append(b, value...), nil
}

// putVersion writes the Version structure (2.2.2.10). Receivers look at its last octet alone, if at any.
func putVersion(b []byte) {
	const major, revision = 10, 15 // NTLMSSP_REVISION_W2K3
	b[0], b[7] = major, revision
}

// encodeNegotiate writes a NEGOTIATE message without names.
func encodeNegotiate() []byte {
	b := newMessage(typeNegotiate, negotiateLen)
	binary.LittleEndian.PutUint32(b[12:], uint32(offered))
	binary.LittleEndian.PutUint32(b[20:], negotiateLen)
	binary.LittleEndian.PutUint32(b[28:], negotiateLen)
	putVersion(b[32:])
	return b
}

// decodeNegotiate reads the flags; old clients send nothing else.
func decodeNegotiate(b []byte) (flags, error) {
	if err := open(b, typeNegotiate, 16); err != nil {
		return 0, err
	}
	return flags(binary.LittleEndian.Uint32(b[12:])), nil
}

// A challenge is what a client needs of a CHALLENGE message.
type challenge struct {
	flags flags
	// server is the ServerChallenge.
	server [8]byte
	info   avPairs
}

// decodeChallenge reads and checks a CHALLENGE message. The target name is not looked at: nothing depends on it, and it may
// be OEM text.
func decodeChallenge(b []byte) (*challenge, error) {
	if err := open(b, typeChallenge, 32); err != nil {
		return nil, err
	}
	c := &challenge{flags: flags(binary.LittleEndian.Uint32(b[20:]))}
	if err := require("CHALLENGE", c.flags, sealing|flagTargetInfo); err != nil {
		return nil, err
	}
	if err := open(b, typeChallenge, 48); err != nil {
		return nil, err
	}
	copy(c.server[:], b[24:])
	info, err := field(b, 40)
	if err != nil {
		return nil, err
	}
	c.info, err = decodeAVPairs(info)
	return c, err
}

// encode writes the message with the name of its target.
func (c *challenge) encode(target []byte) ([]byte, error) {
	b := newMessage(typeChallenge, challengeLen)
	binary.LittleEndian.PutUint32(b[20:], uint32(c.flags))
	copy(b[24:], c.server[:])
	putVersion(b[48:])
	info, err := c.info.encode()
	if err != nil {
		return nil, err
	}
	if b, err = appendField(b, 12, "target name", target); err != nil {
		return nil, err
	}
	return appendField(b, 40, "target info", info)
}

// An authenticate is an AUTHENTICATE message but for its MIC. Names are UTF-16 in little-endian order, or OEM text if the
// server granted that.
type authenticate struct {
	flags                     flags
	domain, user, workstation []byte
	lm, nt                    []byte
	sessionKey                []byte
}

// decodeAuthenticate reads an AUTHENTICATE message; it may lack version and MIC. Its fields are parts of b.
func decodeAuthenticate(b []byte) (*authenticate, error) {
	if err := open(b, typeAuthenticate, 64); err != nil {
		return nil, err
	}
	a := &authenticate{flags: flags(binary.LittleEndian.Uint32(b[60:]))}
	for _, f := range a.fields() {
		var err error
		if *f.value, err = field(b, f.at); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// encode writes the message with a MIC of zeros.
func (a *authenticate) encode() ([]byte, error) {
	b := newMessage(typeAuthenticate, authenticateLen)
	binary.LittleEndian.PutUint32(b[60:], uint32(a.flags))
	if a.flags&flagVersion != 0 {
		putVersion(b[64:])
	}
	for _, f := range a.fields() {
		var err error
		if b, err = appendField(b, f.at, f.name, *f.value); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// A payloadField is one field of an AUTHENTICATE message, with the position of its description.
type payloadField struct {
	at    int
	name  string
	value *[]byte
}

// fields returns the fields in the order in which they are written.
func (a *authenticate) fields() []payloadField {
	return []payloadField{
		{28, "domain", &a.domain},
		{36, "user", &a.user},
		{44, "workstation", &a.workstation},
		{12, "LM response", &a.lm},
		{20, "NTLMv2 response", &a.nt},
		{52, "session key", &a.sessionKey},
	}
}
