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
	// SealOptional lets in a client that asks for no sealing, as some do over TLS. Its context makes and verifies MICs, and
	// refuses to seal and to unseal.
	SealOptional bool
	// Now is the time that the client is told. If nil, time.Now.
	Now func() time.Time
	// Rand gives the challenge. If nil, crypto/rand.Reader.
	Rand io.Reader
}

// A Server is the acceptor's side, for NTLMv2 alone. It implements [sealed.Handshake]: Step(negotiate) gives CHALLENGE,
// Step(authenticate) gives no token and makes the context. The client's clock is not compared.
//
// A client that offers OEM and not UNICODE, as python-ntlm-auth does, is taken with names in ASCII; which code page other octets
// are of it does not say, so they are refused.
type Server struct {
	cfg                  ServerConfig
	negotiate, challenge []byte
	nonce                [8]byte
	done                 bool
	// want is what the client asked for and may not lack in AUTHENTICATE.
	want         flags
	domain, user string
	context      sealed.Context
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
func (s *Server) Context() sealed.Context { return s.context }

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
	s.want = s.required(got)
	if err := require("NEGOTIATE", got, s.want); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(s.cfg.Rand, s.nonce[:]); err != nil {
		return nil, err
	}
	ch := &challenge{flags: got&offered | s.want&flagOEM | flagTargetInfo, server: s.nonce}
	target, err := s.introduce(ch)
	if err != nil {
		return nil, err
	}
	s.negotiate = bytes.Clone(token)
	s.challenge, err = ch.encode(target)
	return s.challenge, err
}

// required returns what a client that sent these flags may not lack.
func (s *Server) required(got flags) flags {
	want := sealing
	if got&(flagUnicode|flagOEM) == flagOEM {
		want ^= flagUnicode | flagOEM
	}
	if s.cfg.SealOptional {
		want &^= flagSeal &^ got
	}
	return want
}

// accept checks AUTHENTICATE (3.2.5.1.2).
func (s *Server) accept(token []byte) error {
	a, err := decodeAuthenticate(token)
	if err != nil {
		return err
	}
	if err := s.readNames(a); err != nil {
		return err
	}
	if err := require("AUTHENTICATE", a.flags, s.want); err != nil {
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
	session, err := newSession(&exported, serverToClient, clientToServer)
	if err != nil {
		return err
	}
	s.context = session
	if s.want&flagSeal == 0 {
		s.context = signingSession{session}
	}
	return nil
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
