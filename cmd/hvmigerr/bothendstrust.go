package main

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A trustPattern is a value of --trust-host: the name of a host, or its address, in which * stands for any characters. What it matches is
// given the user's credentials, whoever wrote that name, so it is read narrowly: * in a name does not pass a dot, but for a first label
// that is * alone, which is one label or several; and names and addresses never match each other's patterns.
type trustPattern struct {
	address string   // of an address, "" of a name
	below   bool     // the first label is *
	labels  []string // of the rest
}

// parseTrust reads a pattern. All its errors are usage errors.
func parseTrust(text string) (*trustPattern, error) {
	bad := func(what string) error { return &usageError{fmt.Sprintf("--trust-host %q %s", text, what)} }
	pattern := foldHost(strings.TrimSuffix(norm.NFC.String(text), "."))
	switch {
	case pattern == "":
		return nil, bad("is empty")
	case strings.ContainsFunc(pattern, notInPattern):
		return nil, bad("is neither a host name nor an address; of other characters only * may stand in it")
	case !strings.ContainsFunc(pattern, letterOrDigit):
		return nil, bad("would give the credentials to every host that another host writes the name of; a pattern has a letter or a digit")
	}
	if digits := strings.Trim(pattern, "0123456789.*") == ""; strings.Contains(pattern, ":") || digits && strings.Contains(pattern, ".") {
		p, ok := addressPattern(pattern)
		if !ok {
			return nil, bad("is not an address, with or without *; a port or brackets do not belong to it")
		}
		return p, nil
	}
	p := &trustPattern{}
	pattern, p.below = strings.CutPrefix(pattern, "*.")
	for label := range strings.SplitSeq(pattern, ".") {
		if label == "" {
			return nil, bad("has an empty label")
		}
		p.labels = append(p.labels, label)
	}
	return p, nil
}

// addressPattern reads the pattern of an address. One without * is taken in whatever form it has.
func addressPattern(pattern string) (p *trustPattern, ok bool) {
	if strings.Contains(pattern, "*") {
		return &trustPattern{address: pattern}, strings.Trim(pattern, "0123456789abcdef.:*") == ""
	}
	addr, err := netip.ParseAddr(pattern)
	return &trustPattern{address: addr.Unmap().String()}, err == nil
}

// letterOrDigit tells the characters that make a pattern mean something.
func letterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func notInPattern(r rune) bool {
	return !letterOrDigit(r) && !strings.ContainsRune("-_.:*", r) || unsafeRune(r)
}

// matches reports whether name, which Destination has found to be one, is as the pattern has it.
func (p *trustPattern) matches(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return p.address != "" && addr.Is6() == strings.Contains(p.address, ":") && glob(p.address, name)
	}
	labels := strings.Split(foldHost(strings.TrimSuffix(name, ".")), ".")
	more := len(labels) - len(p.labels)
	if p.address != "" || more < 0 || p.below != (more > 0) {
		return false
	}
	for i, label := range p.labels {
		if !glob(label, labels[more+i]) {
			return false
		}
	}
	return true
}

// glob reports whether text is pattern, in which each * stands for any bytes.
func glob(pattern, text string) bool {
	piece, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, piece)
	for ok {
		if piece, rest, star = strings.Cut(rest, "*"); !star {
			return strings.HasSuffix(text, piece)
		}
		_, text, ok = strings.Cut(text, piece)
	}
	return false
}

// foldHost makes names that differ in letter case alone equal, by Unicode's simple folding; those of ASCII are in lower case then.
func foldHost(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		if 'A' <= least && least <= 'Z' {
			least += 'a' - 'A'
		}
		return least
	}, name)
}
