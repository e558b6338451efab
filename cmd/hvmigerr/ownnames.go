package main

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// ownNames are what is one host's own in a message. Messages that differ in it alone are the same.
type ownNames struct {
	names []string // and addresses
	user  string   // "" for that of most hosts
}

// What stands in a message for what is a host's own.
const (
	anyHost  = "HOST"
	anyUser  = "USER"
	anyThing = "…" // a fingerprint, an id
)

// message returns what err says, without the name and the address of the host that it came from.
func (own ownNames) message(err error) string {
	if e, ok := errors.AsType[*hostError](err); ok {
		err = e.err
	}
	if e, ok := errors.AsType[*fleet.NotTriedError](err); ok {
		return e.Error() // it names other hosts
	}
	if e, ok := errors.AsType[*transport.ConnectError](err); ok {
		if text := connectMessage(e); text != "" {
			return text
		}
	}
	matches(err, func(e *net.OpError) bool {
		for _, addr := range []net.Addr{e.Addr, e.Source} {
			if addr != nil {
				own.names = append(slices.Clip(own.names), addr.String())
			}
		}
		return false
	})
	text := message(err)
	if own.user != "" {
		text = strings.ReplaceAll(text, "for "+own.user, "for "+anyUser)
	}
	return own.replace(text)
}

// connectMessage returns in a few words why the host was not reached, "" if those are not known.
func connectMessage(e *transport.ConnectError) string {
	text := ""
	if dns, ok := errors.AsType[*net.DNSError](e.Err); ok {
		text = dns.Err
	} else if errno, ok := errors.AsType[syscall.Errno](e.Err); ok {
		text = errno.Error()
	}
	if text != "" && e.Stage != transport.StageConnect {
		text = e.Stage + ": " + text
	}
	return text
}

// replace returns text with HOST in the place of what is the host's own.
func (own ownNames) replace(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		end := strings.IndexFunc(text, notInWord)
		switch end {
		case -1:
			end = len(text)
		case 0:
			end = strings.IndexFunc(text, func(r rune) bool { return !notInWord(r) })
			if end < 0 {
				end = len(text)
			}
			b.WriteString(text[:end])
			text = text[end:]
			continue
		}
		b.WriteString(own.word(text[:end]))
		text = text[end:]
	}
	return b.String()
}

// notInWord tells what stands between words, of which a name, an address with its port and a fingerprint are one each.
func notInWord(r rune) bool {
	return r <= ' ' || strings.ContainsRune(`"'(),;/\<>=@{}|`, r)
}

// word returns what stands for a word.
func (own ownNames) word(word string) string {
	core := strings.TrimRight(word, ".:-") // of a sentence; of an arrow
	rest := word[len(core):]
	if name, _, err := net.SplitHostPort(core); err == nil && own.has(name) || own.has(core) {
		return anyHost + rest
	}
	if _, hex, ok := strings.Cut(core, "sha256:"); ok && len(hex) > 0 && strings.Trim(hex, hexDigits) == "" {
		return "sha256:" + anyThing + rest
	}
	if len(core) >= 32 && strings.Trim(core, hexDigits+"-") == "" {
		return anyThing + rest
	}
	return word
}

const hexDigits = "0123456789abcdefABCDEF"

func (own ownNames) has(name string) bool {
	bare := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	addr, err := netip.ParseAddr(bare)
	for _, n := range own.names {
		if n != "" && (strings.EqualFold(n, name) || strings.EqualFold(n, bare)) {
			return true
		}
		if err != nil {
			continue
		}
		if other, e := netip.ParseAddrPort(n); e == nil && other.Addr() == addr {
			return true
		}
	}
	return false
}
