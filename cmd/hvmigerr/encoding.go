package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// toUTF8 returns text in UTF-8 without a byte order mark. PowerShell writes files in UTF-16; without a mark that is seen from the
// first character, which in XML and JSON is ASCII.
func toUTF8(raw []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return raw[3:], nil
	case bytes.HasPrefix(raw, []byte("\xff\xfe")):
		order, raw = binary.LittleEndian, raw[2:]
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		order, raw = binary.BigEndian, raw[2:]
	case len(raw) >= 2 && raw[0] != 0 && raw[1] == 0:
		order = binary.LittleEndian
	case len(raw) >= 2 && raw[0] == 0 && raw[1] != 0:
		order = binary.BigEndian
	default:
		return raw, nil
	}
	if len(raw)%2 != 0 {
		return nil, errors.New("text in UTF-16 that ends within a character")
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	return []byte(string(utf16.Decode(units))), nil
}

// json reads what ConvertTo-Json made of one or several results: a text, a list of texts, or objects that hold them under
// Errors, Error or value (where Windows PowerShell puts a list). Any other text that holds an INSTANCE is taken too.
func (d *decoding) json(ctx context.Context, text []byte) {
	w := jsonWalk{decoder: json.NewDecoder(bytes.NewReader(text))}
	for {
		err := w.value(true, 0)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			d.other("JSON that cannot be read: %v", err)
			break
		}
	}
	for _, s := range w.texts {
		d.documents(ctx, []byte(s))
	}
	if len(w.texts) == 0 {
		d.other("JSON without a CIM-XML instance")
	}
}

// A jsonWalk collects texts in the order in which they stand.
type jsonWalk struct {
	decoder *json.Decoder
	texts   []string
}

// maxJSONDepth bounds how deep values may stand in each other. Token, unlike Decode, has no bound of its own.
const maxJSONDepth = 64

// value reads one value. Where one is wanted, each text is one that should be CIM-XML.
func (w *jsonWalk) value(wanted bool, depth int) error {
	if depth > maxJSONDepth {
		return fmt.Errorf("nested deeper than %d", maxJSONDepth)
	}
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case string:
		if wanted && strings.TrimSpace(t) != "" || strings.Contains(t, "<INSTANCE") {
			w.texts = append(w.texts, t)
		}
	case json.Delim:
		for w.decoder.More() {
			inside := wanted
			if t == '{' {
				if inside, err = w.key(); err != nil {
					return err
				}
			}
			if err := w.value(inside, depth+1); err != nil {
				return noEOF(err)
			}
		}
		_, err = w.decoder.Token()
		return noEOF(err)
	}
	return nil
}

// key reads a key and tells whether its value should be CIM-XML.
func (w *jsonWalk) key() (bool, error) {
	token, err := w.decoder.Token()
	if err != nil {
		return false, noEOF(err)
	}
	name, _ := token.(string)
	for _, known := range []string{"Errors", "Error", "value"} {
		if strings.EqualFold(name, known) {
			return true, nil
		}
	}
	return false, nil
}

// noEOF tells an end that comes too early from the end of the text.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
