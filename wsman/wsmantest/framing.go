package wsmantest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// Framing is how sealed answers are laid out by services that are not Windows (facts/auth.md §2). The zero value is Windows.
//
// That Windows writes a tab before every header of a part is inferred from its clients and not seen: pywinrm takes away the
// header of the binary as one text that begins with a tab, and reads nothing without it.
type Framing struct {
	// Indent stands before every header of a part: blanks or tabs. If empty, a tab.
	Indent string `json:"indent,omitempty"`
	// OmitIndent writes the headers of parts without anything before them.
	OmitIndent bool `json:"omitIndent,omitempty"`
	// SpacedBoundary writes "-- Encrypted Boundary", as Exchange does.
	SpacedBoundary bool `json:"spacedBoundary,omitempty"`
	// LowerCase writes the names of part headers in lower case.
	LowerCase bool `json:"lowerCase,omitempty"`
	// OmitEnd leaves out the CRLF behind the last boundary, ExtraEnd writes a second one.
	OmitEnd  bool `json:"omitEnd,omitempty"`
	ExtraEnd bool `json:"extraEnd,omitempty"`
	// PairSize splits an answer into pairs of parts for that many octets each, at least 256. If zero, one pair.
	PairSize int `json:"pairSize,omitempty"`
}

// minPairSize keeps the framing of an answer from outgrowing the answer.
const minPairSize = 256

func (f *Framing) validate() error {
	var errs []error
	if strings.Trim(f.Indent, " \t") != "" {
		errs = append(errs, fmt.Errorf("dialect: indent %q is not of blanks and tabs", f.Indent))
	}
	if f.Indent != "" && f.OmitIndent {
		errs = append(errs, errors.New("dialect: indent and omitIndent exclude each other"))
	}
	if f.OmitEnd && f.ExtraEnd {
		errs = append(errs, errors.New("dialect: omitEnd and extraEnd exclude each other"))
	}
	if f.PairSize != 0 && f.PairSize < minPairSize {
		errs = append(errs, fmt.Errorf("dialect: pairSize %d is below %d", f.PairSize, minPairSize))
	}
	return errors.Join(errs...)
}

// encode seals an answer of a content type. Package sealed writes the layout of requests alone; this is every layout that a
// client must read.
func (f *Framing) encode(n *session, contentType string, plaintext []byte) ([]byte, error) {
	boundary := f.boundary() + "\r\n"
	b := make([]byte, 0, len(plaintext)+1024)
	for first := true; first || len(plaintext) > 0; first = false {
		size := len(plaintext)
		if f.PairSize > 0 {
			size = min(size, f.PairSize)
		}
		b = append(b, boundary+f.header("Content-Type", string(n.protocol))...)
		b = append(b, f.header("OriginalContent", fmt.Sprintf("type=%s;Length=%d", contentType, size))...)
		b = append(b, boundary+f.header("Content-Type", "application/octet-stream")...)
		at := len(b)
		out, signature, err := n.context.Seal(append(b, 0, 0, 0, 0), plaintext[:size])
		if err != nil {
			return nil, err
		}
		binary.LittleEndian.PutUint32(out[at:], uint32(signature)) //nolint:gosec // a signature has some tens of octets
		b, plaintext = out, plaintext[size:]
	}
	return append(b, f.last()...), nil
}

// boundary returns a delimiter without its line end.
func (f *Framing) boundary() string {
	if f.SpacedBoundary {
		return "-- Encrypted Boundary"
	}
	return "--Encrypted Boundary"
}

// last returns the delimiter that ends a body.
func (f *Framing) last() string {
	end := "--\r\n"
	switch {
	case f.OmitEnd:
		end = "--"
	case f.ExtraEnd:
		end += "\r\n"
	}
	return f.boundary() + end
}

// header returns one header of a part.
func (f *Framing) header(name, value string) string {
	if f.LowerCase {
		name = strings.ToLower(name)
	}
	indent := f.Indent
	if indent == "" && !f.OmitIndent {
		indent = "\t"
	}
	return indent + name + ": " + value + "\r\n"
}

// Sealing is what a [Rule] does to the seal of an answer.
type Sealing string

// The ways to break the seal of an answer on a sealed session. Others are not affected.
const (
	SealClear    Sealing = "clear"    // in clear, where sealed is due
	SealAltered  Sealing = "altered"  // the last bit of the sealed data is another
	SealReplayed Sealing = "replayed" // the sealed answer before this one once more, if there is one
)

// seal replaces the body of an answer by a sealed one, as the dialect and the rule of the answer say.
func (n *session) seal(a *answer, f *Framing) error {
	if a.clear || a.rule.Seal == SealClear {
		return nil
	}
	plaintext, err := io.ReadAll(a.content())
	if err != nil {
		return err
	}
	body, err := f.encode(n, a.header.Get("Content-Type"), plaintext)
	if err != nil {
		return err
	}
	switch {
	case a.rule.Seal == SealAltered:
		body[len(body)-len(f.last())-1] ^= 1
	case a.rule.Seal == SealReplayed && n.last != nil:
		body = n.last
	}
	a.body, a.padding, n.last = body, 0, body
	a.header.Set("Content-Type", sealed.ContentType(n.protocol))
	return nil
}
