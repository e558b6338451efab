package sealed

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// originalContent is what the header OriginalContent says.
type originalContent struct {
	media  string // with its parameters, empty when not named
	length int    // of the plaintext
}

// parseOriginal reads the value of OriginalContent: type=application/soap+xml;charset=UTF-8;Length=N. Type and charset
// may be missing.
func parseOriginal(value string) (o originalContent, err error) {
	length, attributes := "", ""
	for name, value := range parameters(value) {
		switch strings.ToLower(name) {
		case "type", "":
			o.media = value
		case "length":
			if length != "" {
				return o, errors.New("two lengths in OriginalContent")
			}
			length = value
		default:
			attributes += ";" + name + "=" + value
		}
	}
	if o.media != "" {
		o.media += attributes
	}
	n, err := strconv.ParseUint(length, 10, 31)
	if err != nil {
		return o, fmt.Errorf("length %.20q in OriginalContent", length)
	}
	o.length = int(n)
	return o, nil
}

// splitHeader splits a part header. The name is returned in lower case. An empty line gives an empty name: some write one after
// the headers, as MIME wants it.
func splitHeader(line string) (name, value string, err error) {
	if line == "" {
		return "", "", nil
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return "", "", fmt.Errorf("%.80q is not a part header", line)
	}
	return strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value), nil
}

// mediaTypeOf returns the media type of a header value, without its parameters.
func mediaTypeOf(value string) string {
	media, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(media)
}

// parameters yields the elements of a header value that semicolons separate, split at the equals sign: the media type has an empty name.
// Values come without their quotes. Unlike mime.ParseMediaType it takes a boundary with a blank, or a protocol, that is not quoted.
func parameters(value string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for more := true; more; {
			var element string
			element, value, more = cutElement(value)
			name, v, ok := strings.Cut(element, "=")
			if !ok {
				name, v = "", element
			}
			name, v = strings.TrimSpace(name), strings.TrimSpace(v)
			if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
				v = strings.TrimSpace(v[1 : len(v)-1])
			}
			if (name != "" || v != "") && !yield(name, v) {
				return
			}
		}
	}
}

// cutElement cuts value at the first semicolon that is not quoted.
func cutElement(value string) (element, rest string, more bool) {
	quoted := false
	for i := range len(value) {
		switch {
		case value[i] == '"':
			quoted = !quoted
		case value[i] == ';' && !quoted:
			return value[:i], value[i+1:], true
		}
	}
	return value, "", false
}
