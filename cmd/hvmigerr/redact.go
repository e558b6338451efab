package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A redactor takes what authenticates us out of texts that a peer may have written: a page or a fault can quote the request.
type redactor []secret

// A secret is one form of a password, or of the token in which Basic sends it. From start on, as much as follows of text is
// taken out: a token may have been cut short, and tells as much of the password as is left of it. Without text it is the
// beginning of a token of NTLM or Kerberos, of which the password can be guessed, or a ticket be taken: all base64 goes.
type secret struct {
	start, text string
}

const (
	redacted      = "REDACTED"
	leastToken    = 4  // characters, which hold three bytes of USER:PASSWORD
	leastPassword = 4  // characters: a shorter one would be found in every other word
	leastRun      = 24 // characters of base64 that are more than a word
)

// newRedactor returns a redactor of what cfg and the proxy in use hold.
func newRedactor(cfg *transport.Config, proxy transport.Proxy) redactor {
	var r redactor
	if cfg.Auth == transport.AuthBasic {
		r.addBasic(cfg.User, cfg.Password.Reveal())
	}
	r.addPassword(cfg.Password.Reveal())
	switch cfg.Auth {
	case transport.AuthNTLM, transport.AuthKerberos, transport.AuthNegotiate:
		for _, start := range []string{"Negotiate ", "Kerberos ", "TlRMTVNTUA"} { // the last is how NTLMSSP begins in base64
			r.addText(start, "")
		}
	case transport.AuthBasic, transport.AuthCertificate, transport.AuthNone:
	}
	if user, password := proxy.User(); user != "" || !password.IsZero() {
		r.addBasic(user, password.Reveal())
		r.addPassword(password.Reveal())
	}
	return r
}

// A redactorSet collects what several redactors take out.
type redactorSet struct {
	list redactor
	seen map[secret]bool
}

func (s *redactorSet) add(r redactor) {
	if s.seen == nil {
		s.seen = map[secret]bool{}
	}
	for _, form := range r {
		if !s.seen[form] {
			s.seen[form] = true
			s.list = append(s.list, form)
		}
	}
}

// addBasic adds the token in which Basic sends a user and the password.
func (r *redactor) addBasic(user, password string) {
	token := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	bare := strings.TrimRight(token, "=") // it may also come without
	for _, escape := range []func(string) string{func(s string) string { return s }, url.QueryEscape} {
		r.addText(escape(bare)[:min(leastToken, len(escape(bare)))], escape(token))
	}
}

// addPassword adds a password as it may stand in a text.
func (r *redactor) addPassword(password string) {
	if utf8.RuneCountInString(password) < leastPassword {
		return
	}
	quoted := strconv.Quote(password)
	escaped := html.EscapeString(password) // it writes quotation marks by number; XML also has names for them
	for _, text := range []string{
		password, quoted[1 : len(quoted)-1], url.QueryEscape(password), url.PathEscape(password),
		escaped, strings.NewReplacer("&#34;", "&quot;", "&#39;", "&apos;").Replace(escaped),
	} {
		r.addText(text, text)
	}
}

// addText adds text in UTF-8 and, since an answer may be in it, in UTF-16.
func (r *redactor) addText(start, text string) {
	for _, s := range []secret{
		{start, text},
		{inUTF16(start, binary.LittleEndian), inUTF16(text, binary.LittleEndian)},
		{inUTF16(start, binary.BigEndian), inUTF16(text, binary.BigEndian)},
	} {
		if !slices.Contains(*r, s) {
			*r = append(*r, s)
		}
	}
}

func inUTF16(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// clean returns text with REDACTED in the place of every secret.
func (r redactor) clean(text string) string {
	for i := range r {
		s := &r[i]
		if !strings.Contains(text, s.start) {
			continue
		}
		var b strings.Builder
		for {
			before, after, found := strings.Cut(text, s.start)
			b.WriteString(before)
			if !found {
				break
			}
			n := r.length(s.start, after)
			if n < 0 {
				b.WriteString(s.start)
			} else {
				b.WriteString(redacted)
			}
			text = after[max(n, 0):]
		}
		text = b.String()
	}
	return text
}

// length returns how much of after belongs to a secret that begins by start: the longest, since forms differ in how their padding is
// written. It is -1 when it is none.
func (r redactor) length(start, after string) int {
	n := -1
	for i := range r {
		if r[i].start == start {
			n = max(n, r[i].length(after))
		}
	}
	return n
}

// length returns how much of after belongs to the secret that begins before it; -1 when it is none.
func (s *secret) length(after string) int {
	if s.text != "" {
		return commonPrefix(after, s.text[len(s.start):])
	}
	first, width := 0, 1 // where a character stands among the bytes of one
	switch {
	case s.start[0] == 0:
		first, width = 1, 2
	case s.start[1] == 0:
		width = 2
	}
	n := 0
	for n+width <= len(after) && inBase64(after[n+first]) && (width == 1 || after[n+1-first] == 0) {
		n += width
	}
	if n < leastRun*width {
		return -1
	}
	return n
}

func inBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+/=-_", c) >= 0
}

// commonPrefix returns how many bytes a and b have in common at their beginning.
func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// json returns a text of JSON, as encoding/json writes it, with no secret in its strings. It stays what it was for a program: keys are
// left alone, but for those in otherProperties, which a host has chosen; so are values of the keys that are given.
func (r redactor) json(text []byte, ours ...string) []byte {
	var b bytes.Buffer
	var key string
	chosen := false // keys are a host's
	for {
		i := bytes.IndexByte(text, '"')
		if len(r) == 0 || i < 0 {
			b.Write(text)
			return b.Bytes()
		}
		chosen = chosen && bytes.IndexByte(text[:i], '}') < 0
		b.Write(text[:i])
		n := quotedLength(text[i:])
		token := text[i : i+n]
		text = text[i+n:]
		isKey := bytes.HasPrefix(text, []byte(":"))
		if isKey {
			key = string(token[1 : n-1])
		}
		if isKey && !chosen || !isKey && slices.Contains(ours, key) {
			b.Write(token)
		} else {
			b.Write(r.quoted(token))
		}
		chosen = chosen || isKey && key == "otherProperties"
	}
}

// quotedLength returns how long the string is with which a text of JSON begins.
func quotedLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// quoted returns a string of JSON with no secret in it.
func (r redactor) quoted(token []byte) []byte {
	var s string
	if json.Unmarshal(token, &s) != nil {
		return token // it is none of encoding/json's
	}
	cleaned := r.clean(s)
	if cleaned == s {
		return token
	}
	text, err := formatJSON(cleaned, "", "")
	if err != nil {
		return []byte(`""`)
	}
	return bytes.TrimSuffix(text, []byte("\n"))
}
