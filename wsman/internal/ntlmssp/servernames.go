package ntlmssp

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// introduce adds the server's names to ch and returns that of the target in the client's character set.
func (s *Server) introduce(ch *challenge) (target []byte, err error) {
	name, kind := s.cfg.DomainName, flagTargetTypeDomain
	if name == "" {
		name, kind = s.cfg.ComputerName, flagTargetTypeServer
	}
	ch.flags |= kind
	// AV pairs are UTF-16 whatever the character set (2.2.2.1).
	for _, n := range []struct {
		id   avID
		text string
	}{{avDomainName, name}, {avComputerName, s.cfg.ComputerName}, {avDNSComputerName, s.cfg.DNSName}} {
		value, err := encodeText(n.text)
		if err != nil {
			return nil, fmt.Errorf("name %q: %w", n.text, err)
		}
		if n.text != "" {
			ch.info = append(ch.info, avPair{n.id, value})
		}
	}
	ch.info = append(ch.info, avPair{avTimestamp, filetime(s.cfg.Now())})
	if ch.flags&flagOEM == 0 {
		return ch.info[0].value, nil
	}
	if target, err = encodeOEM(name); err != nil {
		return nil, fmt.Errorf("name %q: %w", name, err)
	}
	return target, nil
}

// readNames reads who the client says it is. It leaves the names in a in UTF-16: keys are made of that whatever the
// character set (3.3.2).
func (s *Server) readNames(a *authenticate) error {
	for _, n := range []struct {
		what string
		sent *[]byte
		text *string
	}{{"domain", &a.domain, &s.domain}, {"user", &a.user, &s.user}} {
		var err error
		if s.want&flagOEM != 0 {
			*n.sent, err = widenOEM(*n.sent)
		}
		if err == nil {
			*n.text, err = decodeText(*n.sent)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", n.what, err)
		}
	}
	return nil
}

// errOEM says that a text cannot be read or written in an OEM character set that is not known.
var errOEM = errors.New("OEM text beyond ASCII")

// encodeOEM writes a NetBIOS name as OEM text, which is in upper case.
func encodeOEM(name string) ([]byte, error) {
	if !isASCII(name) {
		return nil, errOEM
	}
	return []byte(strings.ToUpper(name)), nil
}

// widenOEM turns OEM text into UTF-16.
func widenOEM(b []byte) ([]byte, error) {
	if !isASCII(string(b)) {
		return nil, errOEM
	}
	return encodeText(string(b))
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// A signingSession is the context of a client that asked for no sealing.
type signingSession struct{ *session }

var errNoSeal = errors.New("NTLMSSP_NEGOTIATE_SEAL was not asked for")

// Seal implements [sealed.Context]; it ends the session.
func (s signingSession) Seal([]byte, []byte) (out []byte, signature int, err error) {
	return nil, 0, s.fail(errNoSeal)
}

// Unseal implements [sealed.Context]; it ends the session.
func (s signingSession) Unseal([]byte, int) ([]byte, error) { return nil, s.fail(errNoSeal) }
