package transport

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"io"
	"unicode/utf16"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// hasEnvelope reports whether the document that begins with head has a SOAP 1.2 Envelope as its root. It only looks: whether the
// rest is sound is for package wsman to say.
func hasEnvelope(head []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(toUTF8(head)))
	// The root's name is ASCII in whatever the declaration names.
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch token := token.(type) {
		case xml.StartElement:
			return token.Name == xml.Name{Space: wsman.NamespaceSOAP, Local: "Envelope"}
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return false
			}
		}
	}
}

// toUTF8 takes the byte order mark off b, and the encoding that it tells. Without a mark the '<' of UTF-16 tells it, as in
// package wsman.
func toUTF8(b []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		return b[3:]
	case bytes.HasPrefix(b, []byte("\xFF\xFE")):
		order, b = binary.LittleEndian, b[2:]
	case bytes.HasPrefix(b, []byte("\xFE\xFF")):
		order, b = binary.BigEndian, b[2:]
	case bytes.HasPrefix(b, []byte("<\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("\x00<")):
		order = binary.BigEndian
	default:
		return b
	}
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return []byte(string(utf16.Decode(units)))
}
