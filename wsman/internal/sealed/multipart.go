package sealed

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// A Protocol names what sealed a body, in the Content-Type header and in the first part (facts/auth.md §2).
type Protocol string

// The protocols of HTTP's authentication schemes. CredSSP's is not supported.
const (
	// ProtocolSPNEGO goes with scheme Negotiate, whichever mechanism is inside.
	ProtocolSPNEGO Protocol = "application/HTTP-SPNEGO-session-encrypted"
	// ProtocolKerberos goes with scheme Kerberos.
	ProtocolKerberos Protocol = "application/HTTP-Kerberos-session-encrypted"
)

const (
	mediaType       = "multipart/encrypted"
	multiEncrypted  = "multipart/x-multi-encrypted"
	defaultBoundary = "Encrypted Boundary"
	octetStream     = "application/octet-stream"
)

// maxSignature bounds the signature. NTLM's has 16 octets, the longest of Kerberos 72 (facts/auth.md §4). A larger bound
// would make the length look like text: see [decoder.signature].
const maxSignature = 256

// lengthSize is the size of the signature's length before the signature.
const lengthSize = 4

// ContentType returns the value of the Content-Type header for a body sealed with p.
func ContentType(p Protocol) string {
	return mediaType + `;protocol="` + string(p) + `";boundary="` + defaultBoundary + `"`
}

// IsSealed tells whether contentType, the value of a Content-Type header, announces a sealed body: multipart/encrypted, or
// CredSSP's multipart/x-multi-encrypted, which [Decode] refuses with a reason.
func IsSealed(contentType string) bool {
	media := mediaTypeOf(contentType)
	return strings.EqualFold(media, mediaType) || strings.EqualFold(media, multiEncrypted)
}

// Encode seals plaintext, which may be empty, and returns the body that carries it. contentType is the type of the
// plaintext, such as application/soap+xml;charset=UTF-8.
func Encode(c Context, p Protocol, contentType string, plaintext []byte) ([]byte, error) {
	// Room for all that is not plaintext, so that the context seals into the buffer that is sent.
	room := 192 + len(p) + len(contentType) + maxSignature
	b := make([]byte, 0, room+len(plaintext))
	// No blank and no tab before a part header: OMI does not know them (facts/auth.md §2).
	b = append(b, "--"+defaultBoundary+"\r\nContent-Type: "...)
	b = append(b, p...)
	b = append(b, "\r\nOriginalContent: type="...)
	b = append(b, contentType...)
	b = append(b, ";Length="...)
	b = strconv.AppendInt(b, int64(len(plaintext)), 10)
	b = append(b, "\r\n--"+defaultBoundary+"\r\nContent-Type: "+octetStream+"\r\n"...)
	b = append(b, make([]byte, lengthSize)...)
	start := len(b)
	b, signature, err := c.Seal(b, plaintext)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if signature < 1 || signature > maxSignature || signature > len(b)-start {
		return nil, fmt.Errorf("seal: a signature of %d octets", signature)
	}
	binary.LittleEndian.PutUint32(b[start-lengthSize:], uint32(signature))
	return append(b, "--"+defaultBoundary+"--\r\n"...), nil
}
