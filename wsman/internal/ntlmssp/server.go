package ntlmssp

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// ErrRefused says that the user is unknown or the password wrong. Which, a server does not tell.
var ErrRefused = errors.New("NTLM: unknown user or wrong password")

// ErrChannelBindings says that the client authenticated over another TLS connection than the one its tokens came by.
var ErrChannelBindings = errors.New("NTLM: channel bindings of another connection")

// ServerConfig configures a [Server]. ComputerName and Password are required.
type ServerConfig struct {
	// ComputerName and DomainName are NetBIOS names. An empty DomainName means that the server is in no domain.
	ComputerName, DomainName string
	// DNSName is the computer's name in the DNS; it may be empty.
	DNSName string
	// Password returns the password of a user, named as the client did.
	Password func(domain, user string) (password string, ok bool)
	// ChannelBindings are those of the TLS connection, nil without TLS. A client that sends none is let in all the same, as
	// Windows does when CbtHardeningLevel is Relaxed.
	ChannelBindings *sealed.ChannelBindings
	// Now is the time that the client is told. If nil, time.Now.
	Now func() time.Time
	// Rand gives the challenge. If nil, crypto/rand.Reader.
	Rand io.Reader
}

// A Server is the acceptor's side, for NTLMv2 alone. It implements [sealed.Handshake]: Step(negotiate) gives CHALLENGE,
// Step(authenticate) gives no token and makes the context. The client's clock is not compared.
type Server struct {
	cfg                  ServerConfig
	negotiate, challenge []byte
	nonce                [8]byte
	done                 bool
	domain, user         string
	session              *session
}

// NewServer returns a Server for one connection.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	return &Server{cfg: cfg}
}

// OIDs returns the name of NTLM as a GSS mechanism (MS-NLMP 1.9, MS-SPNG).
func (s *Server) OIDs() []asn1.ObjectIdentifier { return oids() }

// User returns the names that the client gave, also when they were refused. They are empty before AUTHENTICATE.
func (s *Server) User() (domain, user string) { return s.domain, s.user }

// Context implements [sealed.Handshake].
func (s *Server) Context() sealed.Context {
	if s.session == nil {
		return nil
	}
	return s.session
}

// Step implements [sealed.Handshake]. Errors are [ErrRefused], [ErrChannelBindings], a [*FlagsError], or say what is wrong
// with the message.
func (s *Server) Step(token []byte) ([]byte, error) {
	if s.done {
		return nil, errOver
	}
	if s.challenge != nil {
		s.done = true
		return nil, s.accept(token)
	}
	out, err := s.invite(token)
	s.done = err != nil
	return out, err
}

// invite answers NEGOTIATE (3.2.5.1.1).
func (s *Server) invite(token []byte) ([]byte, error) {
	got, err := decodeNegotiate(token)
	if err != nil {
		return nil, err
	}
	if err := require("NEGOTIATE", got, sealing); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(s.cfg.Rand, s.nonce[:]); err != nil {
		return nil, err
	}
	ch := &challenge{flags: got&offered | flagTargetInfo | flagTargetTypeDomain, server: s.nonce}
	target := s.cfg.DomainName
	if target == "" {
		target = s.cfg.ComputerName
		ch.flags ^= flagTargetTypeDomain | flagTargetTypeServer
	}
	for _, n := range []struct {
		id   avID
		text string
	}{{avDomainName, target}, {avComputerName, s.cfg.ComputerName}, {avDNSComputerName, s.cfg.DNSName}} {
		value, err := encodeText(n.text)
		if err != nil {
			return nil, fmt.Errorf("name %q: %w", n.text, err)
		}
		if n.text != "" {
			ch.info = append(ch.info, avPair{n.id, value})
		}
	}
	ch.info = append(ch.info, avPair{avTimestamp, filetime(s.cfg.Now())})
	s.negotiate = bytes.Clone(token)
	s.challenge, err = ch.encode(ch.info[0].value)
	return s.challenge, err
}

// accept checks AUTHENTICATE (3.2.5.1.2).
func (s *Server) accept(token []byte) error {
	a, err := decodeAuthenticate(token)
	if err != nil {
		return err
	}
	if s.domain, err = decodeText(a.domain); err != nil {
		return fmt.Errorf("domain: %w", err)
	}
	if s.user, err = decodeText(a.user); err != nil {
		return fmt.Errorf("user: %w", err)
	}
	if err := require("AUTHENTICATE", a.flags, sealing); err != nil {
		return err
	}
	if len(a.nt) < len(key{})+clientChallengeLen || a.nt[16] != 1 || a.nt[17] != 1 {
		return errors.New("AUTHENTICATE has no NTLMv2 response")
	}
	if len(a.sessionKey) != len(key{}) {
		return fmt.Errorf("AUTHENTICATE with a session key of %d octets", len(a.sessionKey))
	}
	info, err := decodeAVPairs(a.nt[len(key{})+clientChallengeLen:])
	if err != nil {
		return err
	}
	base, err := s.checkPassword(a)
	defer clear(base[:])
	if err != nil {
		return err
	}
	exported, err := exchangeKey(&base, a.sessionKey)
	defer clear(exported[:])
	if err != nil {
		return err
	}
	if err := s.checkInfo(&exported, info, token); err != nil {
		return err
	}
	s.session, err = newSession(&exported, serverToClient, clientToServer)
	return err
}

// checkPassword verifies the NTLMv2 response and returns the session base key.
func (s *Server) checkPassword(a *authenticate) (base key, err error) {
	password, ok := s.cfg.Password(s.domain, s.user)
	if !ok {
		return base, ErrRefused
	}
	text, err := encodeText(password)
	if err != nil {
		return base, fmt.Errorf("password: %w", err)
	}
	defer clear(text)
	k := passwordKey(text, a.user, a.domain)
	defer clear(k[:])
	p := proof(&k, s.nonce, a.nt[len(key{}):])
	if subtle.ConstantTimeCompare(p[:], a.nt[:len(key{})]) != 1 {
		return base, ErrRefused
	}
	return baseKey(&k, &p), nil
}

// checkInfo checks what the client announces in its AV pairs: the MIC of the messages, and the connection's bindings.
func (s *Server) checkInfo(exported *key, info avPairs, token []byte) error {
	set, err := info.flags()
	if err != nil {
		return err
	}
	if set&avFlagMIC != 0 {
		if len(token) < micEnd {
			return errors.New("AUTHENTICATE without the MIC that it announces")
		}
		want := messageMIC(exported, s.negotiate, s.challenge, token)
		if subtle.ConstantTimeCompare(want[:], token[micStart:micEnd]) != 1 {
			return errors.New("MIC of AUTHENTICATE does not verify: the messages were changed on their way")
		}
	}
	bindings, err := info.fixed(avChannelBindings, len(sealed.ChannelBindings{}))
	if bindings == nil || s.cfg.ChannelBindings == nil {
		return err
	}
	got := sealed.ChannelBindings(bindings)
	if got != (sealed.ChannelBindings{}) && got != *s.cfg.ChannelBindings {
		return ErrChannelBindings
	}
	return nil
}
