package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// toUTF8 returns text in UTF-8 without a byte order mark, and what is wrong with raw. PowerShell writes files in UTF-16; without
// a mark that is seen from the first character, which in XML and JSON is ASCII. What is not UTF-8 either stays as it is.
func toUTF8(raw []byte) (text []byte, problems []string) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe")):
		order, raw = binary.LittleEndian, raw[2:]
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		order, raw = binary.BigEndian, raw[2:]
	case len(raw) >= 2 && raw[0] != 0 && raw[1] == 0:
		order = binary.LittleEndian
	case len(raw) >= 2 && raw[0] == 0 && raw[1] != 0:
		order = binary.BigEndian
	default:
		if !utf8.Valid(raw) {
			problems = []string{"neither UTF-8 nor UTF-16; an ANSI code page? save it as UTF-8"}
		}
		return bytes.TrimPrefix(raw, []byte("\ufeff")), problems
	}
	units := make([]uint16, len(raw)/2)
	replacements := 0 // U+FFFD that stood there before
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
		if units[i] == utf8.RuneError {
			replacements++
		}
	}
	text = []byte(string(utf16.Decode(units)))
	if lost := bytes.Count(text, []byte("\ufffd")) - replacements; lost > 0 {
		problems = append(problems, "halves of characters in UTF-16, shown as U+FFFD: "+strconv.Itoa(lost))
	}
	if len(raw)%2 != 0 {
		problems = append(problems, "text in UTF-16 that ends within a character")
	}
	return text, problems
}

// blank is what may stand between two documents.
const blank = "\ufeff \t\r\n"

// beginsJSON tells what may be the JSON of results from XML.
func beginsJSON(text []byte) bool { return len(text) > 0 && strings.IndexByte(`{["`, text[0]) >= 0 }

// jsonLine returns text from the first line on that begins as JSON, nil if none does.
func jsonLine(text []byte) []byte {
	for len(text) > 0 {
		if text = bytes.TrimLeft(text, blank); beginsJSON(text) {
			return text
		}
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return nil
}

// json reads what ConvertTo-Json made of one or several results: a text, a list of texts, or objects that hold them under
// Errors, Error or value (where Windows PowerShell puts a list). Any other text that holds an INSTANCE is taken too. Where wanted
// is not set, a text that stands alone is not expected to be one. After something else it goes on with the next line that begins
// as JSON.
func (d *decoding) json(ctx context.Context, text []byte, wanted bool) {
	d.isJSON, d.spoiled = true, !utf8.Valid(text)
	for failures := 0; ; failures++ {
		if failures == maxDocuments {
			d.cut = true
			break
		}
		w := jsonWalk{d: d, decoder: json.NewDecoder(bytes.NewReader(text))}
		w.decoder.UseNumber()
		err := w.values(ctx, wanted)
		if err == nil || errors.Is(err, errEnough) {
			break
		}
		text = text[w.decoder.InputOffset():]
		between := errors.Is(err, errNoJSON)
		if rest := bytes.TrimLeft(text, blank); between && bytes.Contains(text[:len(text)-len(rest)], []byte("\ufeff")) {
			text = rest
			continue
		}
		if between {
			line, _, _ := bytes.Cut(bytes.TrimLeft(text, blank), []byte("\n"))
			d.other("%v: %s", err, quoted(string(line)))
		} else {
			d.other("JSON that cannot be read: %v", err)
		}
		d.isJSON, wanted = false, false
		_, text, _ = bytes.Cut(text, []byte("\n"))
		text = jsonLine(text)
	}
	if d.seen == 0 {
		d.other("JSON without a CIM-XML instance")
	}
}

// A jsonWalk reads values in the order in which they stand.
type jsonWalk struct {
	d       *decoding
	decoder *json.Decoder
	number  json.Number // the last one
}

// maxJSONDepth bounds how deep values may stand in each other. Token, unlike Decode, has no bound of its own.
const maxJSONDepth = 64

var (
	errEnough = errors.New("the rest need not be read")
	errNoJSON = errors.New("text that is no JSON")
)

// values reads all values.
func (w *jsonWalk) values(ctx context.Context, wanted bool) error {
	for {
		token, err := w.decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errNoJSON
		}
		if err := w.value(ctx, token, wanted, 0); err != nil {
			return err
		}
	}
}

// value reads the value that begins with token. Where one is wanted, each text is one that should be CIM-XML.
func (w *jsonWalk) value(ctx context.Context, token json.Token, wanted bool, depth int) error {
	if w.d.full(ctx) {
		return errEnough
	}
	if depth > maxJSONDepth {
		return fmt.Errorf("nested deeper than %d", maxJSONDepth)
	}
	switch t := token.(type) {
	case string:
		if wanted && strings.TrimSpace(t) != "" || strings.Contains(t, "<INSTANCE") {
			w.d.documents(ctx, []byte(t))
		}
	case json.Number:
		w.number = t
	case json.Delim:
		if t == '{' {
			return w.object(ctx, depth)
		}
		for w.decoder.More() {
			if err := w.next(ctx, wanted, depth); err != nil {
				return err
			}
		}
		_, err := w.decoder.Token()
		return noEOF(err)
	}
	return nil
}

// next reads the next value within another one.
func (w *jsonWalk) next(ctx context.Context, wanted bool, depth int) error {
	token, err := w.decoder.Token()
	if err != nil {
		return noEOF(err)
	}
	return w.value(ctx, token, wanted, depth+1)
}

// object reads the rest of an object. One with Errors or Error is what GetErrorEx or GetError returned.
func (w *jsonWalk) object(ctx context.Context, depth int) error {
	method, before := "", w.d.seen
	var returned *invoke.ReturnValue
	for w.decoder.More() {
		token, err := w.decoder.Token()
		if err != nil {
			return noEOF(err)
		}
		key, _ := token.(string)
		key = strings.ToLower(key)
		switch key {
		case "errors":
			method = invoke.MethodGetErrorEx
		case "error":
			method = invoke.MethodGetError
		}
		w.number = ""
		if err := w.next(ctx, slices.Contains([]string{"errors", "error", "value"}, key), depth); err != nil {
			return err
		}
		if n, err := strconv.ParseUint(w.number.String(), 10, 32); err == nil && key == "returnvalue" {
			returned = new(invoke.ReturnValue(n))
		}
	}
	if method != "" && returned != nil {
		w.d.returned(method, *returned, w.d.seen > before)
	}
	_, err := w.decoder.Token()
	return noEOF(err)
}

// returned takes what a method returned in JSON, as [invoke.GetError] does in SOAP.
func (d *decoding) returned(method string, v invoke.ReturnValue, withErrors bool) {
	d.seen++
	d.answers = append(d.answers, &invoke.Answer{Method: method, Returned: true, ReturnValue: v})
	switch {
	case v != invoke.ReturnValueOK:
		d.other("%s returned %s", method, returnValueText(v))
	case !withErrors:
		d.other("%s: %v", method, invoke.ErrNoErrorInstance)
	}
}

// noEOF tells an end that comes too early from the end of the text.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
