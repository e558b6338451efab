package sealed

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Limits of what is read.
const (
	maxBoundary = 70   // RFC 2046 §5.1.1
	maxLine     = 1024 // a part header
)

// maxTrailer is how many octets a token may have after its signature and as many octets as the plaintext has. Kerberos peers
// that do not rotate the token (RFC 4121 §4.2.5, RRC 0) put there what others put into the signature: at most a confounder, the
// encrypted header and a checksum, 16+16+24 octets after a signature of 16 (RFC 8009), and up to 16 of filler (EC).
const maxTrailer = 16 + 16 + 24 + 16

// Decode reads a sealed body and returns the plaintext of all its parts in order, and the media type of the first as the peer
// wrote it, without its length; original is empty when the peer named none. contentType is the value of the
// Content-Type header. Decode overwrites body, and plaintext may be a part of it. Any deviation that could hide something is an
// error, among them a plaintext whose length is not the announced one.
//
// Where the binary ends follows from lengths. The closing delimiter is the end of the body. A pair of parts announces
// its signature's and its plaintext's length, and NTLM, Windows and MIT's gss_wrap_iov seal to just that much. What remains is then
// nothing, or a line end, or at most maxTrailer octets, which belong to this token, or more than that: another pair of parts. The
// shortest pair, of a boundary of one letter, has 76 octets, so no octet of any binary takes part in the decision.
func Decode(c Context, contentType string, body []byte) (plaintext []byte, original string, err error) {
	boundary, err := boundaryOf(contentType)
	if err == nil {
		d := decoder{context: c, boundary: boundary}
		plaintext, original, err = d.decode(body)
	}
	if err != nil {
		return nil, "", fmt.Errorf("sealed body: %w", err)
	}
	return plaintext, original, nil
}

// boundaryOf checks the Content-Type header and returns its boundary.
func boundaryOf(contentType string) (string, error) {
	switch media := mediaTypeOf(contentType); {
	case strings.EqualFold(media, multiEncrypted):
		return "", errors.New(multiEncrypted + " (CredSSP) is not supported")
	case !strings.EqualFold(media, mediaType):
		return "", fmt.Errorf("type %.80q, not "+mediaType, media)
	}
	boundary := ""
	for name, value := range parameters(contentType) {
		switch strings.ToLower(name) {
		case "protocol":
			if err := checkProtocol(value); err != nil {
				return "", err
			}
		case "boundary":
			boundary = value
		}
	}
	if len(boundary) > maxBoundary {
		return "", fmt.Errorf("a boundary of %d octets", len(boundary))
	}
	return cmp.Or(boundary, defaultBoundary), nil
}

// checkProtocol checks what claims to have sealed the body. The two protocols differ in name only: the context is what tells
// whether it understands a token.
func checkProtocol(name string) error {
	for _, p := range []Protocol{ProtocolSPNEGO, ProtocolKerberos} {
		if strings.EqualFold(name, string(p)) {
			return nil
		}
	}
	return fmt.Errorf("protocol %.80q is not supported", name)
}

// A decoder reads one body.
type decoder struct {
	context  Context
	boundary string
	rest     []byte // what is not yet read, without the closing delimiter
}

func (d *decoder) decode(body []byte) (plaintext []byte, original string, err error) {
	if err := d.open(body); err != nil {
		return nil, "", err
	}
	for pair := 1; pair == 1 || len(d.rest) > 0; pair++ {
		o, err := d.firstPart()
		if err != nil {
			return nil, "", err
		}
		token, signature, err := d.secondPart(o.length)
		if err != nil {
			return nil, "", err
		}
		p, err := d.context.Unseal(token, signature)
		if err != nil {
			return nil, "", err
		}
		if len(p) != o.length {
			return nil, "", fmt.Errorf("%d octets were announced, %d are sealed", o.length, len(p))
		}
		if pair == 1 {
			plaintext, original = p, o.media
		} else {
			plaintext = append(plaintext, p...)
		}
	}
	return plaintext, original, nil
}

// open takes the closing delimiter off the end of the body. Blanks around the boundary and a line end after the delimiter are
// accepted, and so is a last delimiter that does not say that it closes (openwsman).
func (d *decoder) open(body []byte) error {
	body = bytes.TrimRight(body, " \t\r\n")
	for _, closing := range []string{"--", ""} {
		b, ok := bytes.CutSuffix(body, []byte(closing))
		if !ok {
			continue
		}
		if b, ok = bytes.CutSuffix(bytes.TrimRight(b, " \t"), []byte(d.boundary)); !ok {
			continue
		}
		if b, ok = bytes.CutSuffix(bytes.TrimRight(b, " \t"), []byte("--")); ok {
			d.rest = b
			return nil
		}
	}
	return fmt.Errorf("it does not end with the delimiter %.80q", "--"+d.boundary+"--")
}

// firstPart reads the part that says what is sealed, up to and with the delimiter after it.
func (d *decoder) firstPart() (o originalContent, err error) {
	line := ""
	for line == "" { // the line end that some write before a delimiter
		if line, err = d.line(); err != nil {
			return o, err
		}
	}
	if !d.isDelimiter(line) {
		return o, fmt.Errorf("%.80q stands where a delimiter is due", line)
	}
	found := false
	for {
		line, err := d.line()
		if err != nil {
			return o, err
		}
		if d.isDelimiter(line) {
			break
		}
		name, value, err := splitHeader(line)
		if err != nil {
			return o, err
		}
		switch name {
		case "content-type":
			err = checkProtocol(value)
		case "originalcontent":
			if found {
				return o, errors.New("two OriginalContent headers in a part")
			}
			found = true
			o, err = parseOriginal(value)
		}
		if err != nil {
			return o, err
		}
	}
	if !found {
		return o, errors.New("a part without OriginalContent")
	}
	return o, nil
}

// secondPart reads the headers of the part with the binary, which follows its delimiter, and returns the token of a plaintext of
// length octets and how much of it is the signature.
func (d *decoder) secondPart(length int) (token []byte, signature int, err error) {
	typed := false
	for {
		if n, ok := d.signature(); ok {
			if !typed {
				return nil, 0, errors.New("a binary part without Content-Type")
			}
			d.rest = d.rest[lengthSize:]
			token, err = d.token(n, length)
			return token, n, err
		}
		line, err := d.line()
		if err != nil {
			return nil, 0, fmt.Errorf("where the signature is due: %w", err)
		}
		name, value, err := splitHeader(line)
		if err != nil {
			return nil, 0, fmt.Errorf("where the signature is due: %w", err)
		}
		if name == "content-type" {
			if !strings.EqualFold(value, octetStream) {
				return nil, 0, fmt.Errorf("a binary part of type %.80q", value)
			}
			typed = true
		}
	}
}

// token takes the token of a plaintext of length octets, as [Decode] explains.
func (d *decoder) token(signature, length int) ([]byte, error) {
	left := d.rest
	// In this order, so that the sum cannot overflow.
	if length > len(left) || signature+length > len(left) {
		return nil, fmt.Errorf("%d octets and a signature of %d were announced, %d are left", length, signature, len(left))
	}
	size := signature + length
	d.rest = nil
	switch after := left[size:]; {
	case len(after) > maxTrailer:
		d.rest = after
	case string(after) != "\r\n":
		size = len(left)
	}
	// Clipped, so that nothing appended to its plaintext runs into what is not yet read.
	return left[:size:size], nil
}

// signature looks whether the length of a signature comes next. A part header cannot be taken for one, nor an empty line: read as
// a number, four octets of text exceed maxSignature, and so do one or two of a line end with what may follow.
func (d *decoder) signature() (int, bool) {
	if len(d.rest) < lengthSize {
		return 0, false
	}
	n := binary.LittleEndian.Uint32(d.rest)
	return int(n), 1 <= n && n <= maxSignature
}

// line takes a line, without its end and the blanks and tabs around it.
func (d *decoder) line() (string, error) {
	window := d.rest[:min(len(d.rest), maxLine)]
	end := bytes.IndexByte(window, '\n')
	if end < 0 {
		return "", fmt.Errorf("no line ends in the next %d octets", len(window))
	}
	d.rest = d.rest[end+1:]
	return string(bytes.Trim(window[:end], " \t\r")), nil
}

// isDelimiter tells whether line is a delimiter between parts. Exchange writes a blank before the boundary.
func (d *decoder) isDelimiter(line string) bool {
	boundary, ok := strings.CutPrefix(line, "--")
	return ok && strings.TrimLeft(boundary, " \t") == d.boundary
}
