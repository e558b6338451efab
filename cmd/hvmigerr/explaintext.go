package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// explainFaults explains a text and the codes of the SOAP faults in it. In XML a small code is a number like others; it counts as a
// part of the text, so that findings are in one order. A finding that rests on such a code alone has no piece of the text.
func explainFaults(text string, faults []*wsman.Fault) *explain.Explanation {
	var codes strings.Builder
	for _, f := range faults {
		for _, c := range f.Codes() {
			if c < 0x10000 {
				fmt.Fprintf(&codes, "\n(error %d)", c)
			} else {
				fmt.Fprintf(&codes, "\n(0x%08X)", c)
			}
		}
	}
	e := explain.Text(text + codes.String())
	for i := range e.Findings {
		if f := &e.Findings[i]; f.End > len(text) {
			f.Start, f.End, f.Text = 0, 0, ""
		}
	}
	return e
}

// jsonText returns the values that JSON holds, each behind its key, as Format-List prints them: what is a quote or a line break in a
// message is one there. What an answer of this program explains is left out: it is not the host's. lines has for each line of text
// that of source. ok is false if source is not JSON throughout.
func jsonText(ctx context.Context, source []byte) (text string, lines []int, ok bool) {
	t := jsonTexts{source: source, line: 1}
	decoder := json.NewDecoder(bytes.NewReader(source))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil || len(t.within) > maxJSONDepth || ctx.Err() != nil {
			return t.text.String(), t.lines, errors.Is(err, io.EOF) && len(t.within) == 0
		}
		t.take(token, int(decoder.InputOffset()))
	}
}

// jsonTexts gathers the values.
type jsonTexts struct {
	source        []byte
	line, counted int          // the line of source[counted]
	within        []json.Delim // the braces and brackets that are open
	key           string       // that the next value has, ": " behind it
	keyed         bool         // the next value has one
	ours          bool         // this program wrote it
	skipped       int          // how many are open around what is left out, with its own brace; 0 outside of it
	text          strings.Builder
	lines         []int
}

// take takes the token that ends at source[end].
func (t *jsonTexts) take(token json.Token, end int) {
	inObject := len(t.within) > 0 && t.within[len(t.within)-1] == '{'
	switch v := token.(type) {
	case json.Delim:
		t.nest(v)
	case json.Number:
		if v != "0" { // success, also behind a key such as ErrorCode
			t.add(v.String(), end)
		}
	case string:
		if inObject && !t.keyed {
			t.key, t.keyed = v+": ", true
			return
		}
		t.add(v, end)
	}
	t.key, t.keyed = "", false
}

// nest takes a brace or a bracket.
func (t *jsonTexts) nest(delim json.Delim) {
	if delim == '{' || delim == '[' {
		t.within = append(t.within, delim)
		if t.ours && t.skipped == 0 && delim == '{' && t.key == "explanation: " {
			t.skipped = len(t.within)
		}
		return
	}
	if t.skipped == len(t.within) {
		t.skipped = 0
	}
	t.within = t.within[:len(t.within)-1]
}

// add writes a value that ends at source[end]. A text in JSON has no line break, so it stands in one line.
func (t *jsonTexts) add(value string, end int) {
	if t.skipped > 0 {
		return
	}
	t.ours = t.ours || t.key == "schema: " && value == schema && len(t.within) == 1
	t.line += bytes.Count(t.source[t.counted:end], []byte("\n"))
	t.counted = end
	value = t.key + value + "\n"
	t.text.WriteString(value)
	for range strings.Count(value, "\n") {
		t.lines = append(t.lines, t.line)
	}
}
