package spnego_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/internal/spnego"
)

var (
	oidKerberos   = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}
	oidMSKerberos = asn1.ObjectIdentifier{1, 2, 840, 48018, 1, 2, 2}
	oidNTLM       = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 10}
)

// The same in DER, from RFC 4121 §4.1, MS-KILE and MS-NLMP.
const (
	derKerberos   = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
	derMSKerberos = "\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"
	derNTLM       = "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"
	derSPNEGO     = "\x06\x06\x2b\x06\x01\x05\x05\x02"
)

var errToken = errors.New("not the mechanism's next token")

// A fakeMech exchanges legs tokens, "mech 1" to "mech N", of which the initiator sends the odd ones.
type fakeMech struct {
	oids      []asn1.ObjectIdentifier
	legs      int
	acceptor  bool
	exchanged int
	context   *fakeContext
	err       error // what Step returns
	micErr    error // what the context's MIC returns
}

func (m *fakeMech) OIDs() []asn1.ObjectIdentifier { return m.oids }

func (m *fakeMech) Context() sealed.Context {
	if m.context == nil {
		return nil
	}
	return m.context
}

func (m *fakeMech) Step(token []byte) ([]byte, error) {
	if m.err != nil {
		return nil, m.err
	}
	if token != nil || m.acceptor {
		m.exchanged++
		if string(token) != fmt.Sprintf("mech %d", m.exchanged) {
			return nil, fmt.Errorf("%w: %q", errToken, token)
		}
	}
	var out []byte
	if m.exchanged < m.legs {
		m.exchanged++
		out = fmt.Appendf(nil, "mech %d", m.exchanged)
	}
	if m.exchanged == m.legs {
		m.context = &fakeContext{acceptor: m.acceptor, err: m.micErr}
	}
	return out, nil
}

// A fakeContext makes MICs of who sends, a number and a hash.
type fakeContext struct {
	sealed.Context
	acceptor       bool
	err            error
	sent, received int
}

func mic(acceptor bool, number int, message []byte) []byte {
	who := "initiator"
	if acceptor {
		who = "acceptor"
	}
	return fmt.Appendf(nil, "%s %d %x", who, number, sha256.Sum256(message))
}

func (c *fakeContext) MIC(message []byte) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	c.sent++
	return mic(c.acceptor, c.sent, message), nil
}

func (c *fakeContext) VerifyMIC(message, got []byte) error {
	c.received++
	if !bytes.Equal(got, mic(!c.acceptor, c.received, message)) {
		return errors.New("another checksum")
	}
	return nil
}

// kerberos and ntlm return mechanisms with the number of tokens that those have.
func kerberos(acceptor bool) *fakeMech {
	return &fakeMech{oids: []asn1.ObjectIdentifier{oidKerberos, oidMSKerberos}, legs: 2, acceptor: acceptor}
}

func ntlm(acceptor bool) *fakeMech {
	return &fakeMech{oids: []asn1.ObjectIdentifier{oidNTLM}, legs: 3, acceptor: acceptor}
}

// der writes an element of at most 65,535 octets.
func der(tag byte, contents ...string) string {
	var b []byte
	for _, c := range contents {
		b = append(b, c...)
	}
	n := len(b)
	switch {
	case n < 0x80:
		b = slices.Insert(b, 0, tag, byte(n))
	case n < 0x100:
		b = slices.Insert(b, 0, tag, 0x81, byte(n))
	default:
		b = slices.Insert(b, 0, tag, 0x82, byte(n>>8), byte(n))
	}
	return string(b)
}

// initToken writes a first token of a list of mechanisms and fields.
func initToken(mechs string, fields ...string) string {
	fields = append([]string{der(0xa0, mechs)}, fields...)
	return der(0x60, derSPNEGO, der(0xa0, der(0x30, fields...)))
}

// respToken writes any other token.
func respToken(fields ...string) string { return der(0xa1, der(0x30, fields...)) }

// The fields of the tokens.
func state(n byte) string        { return der(0xa0, der(0x0a, string([]byte{n}))) }
func mech(oid string) string     { return der(0xa1, oid) }
func token(s string) string      { return der(0xa2, der(0x04, s)) }
func listMIC(mic []byte) string  { return der(0xa3, der(0x04, string(mic))) }
func list(oids ...string) string { return der(0x30, oids...) }

// run lets the two sides talk until neither has anything more to say and returns the tokens.
func run(t *testing.T, initiator, acceptor sealed.Handshake) []string {
	t.Helper()
	var tokens []string
	var in []byte
	for i := 0; ; i++ {
		side := []sealed.Handshake{initiator, acceptor}[i%2]
		out, err := side.Step(in)
		if err != nil {
			t.Fatalf("token %d: %v", i+1, err)
		}
		if len(out) == 0 {
			return tokens
		}
		if !spnego.IsToken(out) {
			t.Errorf("IsToken(%q) = false", out)
		}
		clear(in) // a side keeps no token that it was given
		tokens, in = append(tokens, string(out)), out
	}
}
