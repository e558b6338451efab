package krb5

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Conf is what a client needs of krb5.conf. All else in the file is read over.
type Conf struct {
	DefaultRealm string
	// KDCs are the values of kdc by realm, as written: a host, perhaps with a port after it and a protocol such as tcp/ before it.
	KDCs map[string][]string
	// DomainRealm gives the realm of a host or, with a dot in front, of a domain. The names are in lower case.
	DomainRealm map[string]string
	// DNSLookupKDC is nil when the file does not say.
	DNSLookupKDC *bool
	// DefaultCCacheName is as written: %{uid} and others are not replaced.
	DefaultCCacheName string
	// ClockSkew is zero when the file does not say.
	ClockSkew time.Duration
}

// Bounds of krb5.conf with all that it includes.
const (
	MaxConfSize = 1 << 20 // octets
	MaxIncludes = 64      // files
)

// A ConfIncluder reads what a krb5.conf includes.
type ConfIncluder struct {
	// Dir returns the paths of those files of a folder that count, in their order.
	Dir func(path string) ([]string, error)
	// File returns the first most octets of a file.
	File func(path string, most int) ([]byte, error)
}

// ParseConf reads a krb5.conf in the grammar of MIT krb5 (lib/krb5 of 1.20; "krb5.conf" in its documentation). Of a value that may be
// there once the first counts; a number or a choice that cannot be read counts as absent. The mark * (final) is read over.
//
// ParseConf reads by include what the lines include and includedir name, one file at a time, and no more octets together than
// MaxConfSize and one. If include is nil, such lines are an error.
func ParseConf(text []byte, include *ConfIncluder) (*Conf, error) {
	p := &confParser{
		conf:    &Conf{KDCs: map[string][]string{}, DomainRealm: map[string]string{}},
		include: include,
	}
	if err := p.file(text); err != nil {
		return nil, err
	}
	return p.conf, nil
}

// RealmOf returns the realm of host by [domain_realm]: that of the host itself, else of its nearest domain. It returns "" if there is none.
func (c *Conf) RealmOf(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	for name != "" {
		if realm := c.DomainRealm[name]; realm != "" {
			return realm
		}
		// a.b gives .b, and that b.
		if parent, ok := strings.CutPrefix(name, "."); ok {
			name = parent
		} else if dot := strings.IndexByte(name, '.'); dot >= 0 {
			name = name[dot:]
		} else {
			break
		}
	}
	return ""
}

// Join adds what d says and c does not: d is a file that is read after c's, as of a list in $KRB5_CONFIG. The KDCs of a realm are those
// of both.
func (c *Conf) Join(d *Conf) {
	if c.DefaultRealm == "" {
		c.DefaultRealm = d.DefaultRealm
	}
	if c.DNSLookupKDC == nil {
		c.DNSLookupKDC = d.DNSLookupKDC
	}
	if c.DefaultCCacheName == "" {
		c.DefaultCCacheName = d.DefaultCCacheName
	}
	if c.ClockSkew == 0 {
		c.ClockSkew = d.ClockSkew
	}
	if c.KDCs == nil {
		c.KDCs = map[string][]string{}
	}
	for realm, kdcs := range d.KDCs {
		c.KDCs[realm] = append(c.KDCs[realm], kdcs...)
	}
	if c.DomainRealm == nil {
		c.DomainRealm = map[string]string{}
	}
	for name, realm := range d.DomainRealm {
		if c.DomainRealm[name] == "" {
			c.DomainRealm[name] = realm
		}
	}
}

// blanks are what the grammar calls space, without the line end.
const blanks = " \t\v\f\r"

// A confParser holds what all included files share.
type confParser struct {
	conf     *Conf
	include  *ConfIncluder
	includes int
	size     int
}

// A confFile is the place in one file.
type confFile struct {
	p *confParser
	// path is the section and the tags of the braces that are open, the first two of them.
	path []string
	// depth counts the open braces.
	depth int
	// pending is the tag of a line without a value: a brace must follow it.
	pending string
}

// file reads one file. It begins outside any section, whoever includes it.
func (p *confParser) file(text []byte) error {
	p.size += len(text)
	if p.size > MaxConfSize {
		return fmt.Errorf("longer than %d octets, with all that it includes", MaxConfSize)
	}
	f := &confFile{p: p}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\uFEFF")) {
		number++
		if err := f.line(strings.TrimRight(line, "\n")); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if f.depth > 0 || f.pending != "" {
		return errors.New("the last brace is never closed")
	}
	return nil
}

func (f *confFile) line(line string) error {
	// Only at the very beginning of a line.
	for _, word := range []string{"includedir", "include"} {
		if rest, ok := strings.CutPrefix(line, word); ok && rest != "" && strings.Contains(blanks, rest[:1]) {
			return f.p.included(strings.Trim(rest, blanks), word == "includedir")
		}
	}
	line = strings.Trim(line, blanks)
	switch {
	case f.pending != "":
		return f.brace(line)
	case line == "" || line[0] == '#' || line[0] == ';':
		return nil
	case line[0] == '[':
		return f.section(line)
	case f.path == nil:
		return nil // before the first section all is comment
	case line[0] == '}':
		if f.depth == 0 {
			return errors.New("a brace is closed that was not opened")
		}
		f.depth--
		f.path = f.path[:min(len(f.path), 1+f.depth)]
		return nil
	}
	return f.relation(line)
}

func (p *confParser) included(path string, dir bool) error {
	if p.include == nil {
		return fmt.Errorf("include of %q, which is not possible here", path)
	}
	paths := []string{path}
	if dir {
		var err error
		if paths, err = p.include.Dir(path); err != nil {
			return fmt.Errorf("include of %q: %w", path, err)
		}
	}
	for _, path := range paths {
		// A file that includes itself ends here, too.
		if p.includes++; p.includes > MaxIncludes {
			return fmt.Errorf("more than %d files are included", MaxIncludes)
		}
		text, err := p.include.File(path, MaxConfSize-p.size+1) // one more is too long
		if err == nil {
			err = p.file(text)
		}
		if err != nil {
			return fmt.Errorf("include of %q: %w", path, err)
		}
	}
	return nil
}

func (f *confFile) section(line string) error {
	name, rest, ok := strings.Cut(line[1:], "]")
	if !ok || strings.Trim(strings.TrimPrefix(rest, "*"), blanks) != "" {
		return fmt.Errorf("%q is no section", line)
	}
	if f.depth > 0 {
		return fmt.Errorf("section %q within a brace", name)
	}
	f.path = []string{name}
	return nil
}

// brace reads the line after a tag that had no value.
func (f *confFile) brace(line string) error {
	if line == "" {
		return nil
	}
	if strings.Trim(line[1:], blanks) != "" || line[0] != '{' {
		return fmt.Errorf("%q has no value and no brace", f.pending)
	}
	f.open(f.pending)
	f.pending = ""
	return nil
}

func (f *confFile) open(tag string) {
	f.depth++
	// [realms], a realm: deeper there is nothing of use.
	if f.depth < 2 {
		f.path = append(f.path, tag)
	}
}

// relation reads "tag = value" and "tag = {".
func (f *confFile) relation(line string) error {
	tag, value, ok := strings.Cut(line, "=")
	tag = strings.TrimRight(tag, blanks)
	if !ok || tag == "" || strings.ContainsAny(tag, blanks) {
		return fmt.Errorf("%q is neither a section nor TAG = VALUE", line)
	}
	tag, _, _ = strings.Cut(tag, "*")
	value = strings.TrimLeft(value, blanks)
	switch {
	case value == "":
		f.pending = tag
	case value[0] == '{' && strings.Trim(value[1:], blanks) == "":
		f.open(tag)
	case value[0] == '"':
		f.set(tag, unquote(value[1:]))
	default:
		f.set(tag, value)
	}
	return nil
}

// unquote returns what stands before the closing quote, with the escapes of MIT's reader.
func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s) && s[i] != '"'; i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			switch c = s[i]; c {
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			case 'b':
				c = '\b'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// set keeps value if it is of use.
func (f *confFile) set(tag, value string) {
	c := f.p.conf
	switch {
	case f.depth == 0 && f.path[0] == "libdefaults":
		c.setDefault(tag, value)
	case f.depth == 0 && f.path[0] == "domain_realm":
		if tag = strings.ToLower(tag); c.DomainRealm[tag] == "" {
			c.DomainRealm[tag] = value
		}
	case f.depth == 1 && f.path[0] == "realms" && tag == "kdc":
		c.KDCs[f.path[1]] = append(c.KDCs[f.path[1]], value)
	}
}

func (c *Conf) setDefault(tag, value string) {
	switch {
	case tag == "default_realm" && c.DefaultRealm == "":
		c.DefaultRealm = value
	case tag == "default_ccache_name" && c.DefaultCCacheName == "":
		c.DefaultCCacheName = value
	case tag == "dns_lookup_kdc" && c.DNSLookupKDC == nil:
		c.DNSLookupKDC = choice(value)
	case tag == "clockskew" && c.ClockSkew == 0:
		// In seconds. The bound keeps it from passing what a Duration holds.
		if n, err := strconv.ParseUint(value, 10, 31); err == nil {
			c.ClockSkew = time.Duration(n) * time.Second
		}
	}
}

// choice reads yes or no in MIT's spellings.
func choice(value string) *bool {
	switch strings.ToLower(value) {
	case "y", "yes", "true", "t", "1", "on":
		return new(true)
	case "n", "no", "false", "nil", "0", "off":
		return new(false)
	}
	return nil
}
