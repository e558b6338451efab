package ntlmssp

import (
	"crypto/rand"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// ClientConfig configures a [Client]. User and Password are required.
type ClientConfig struct {
	// User and Domain are sent as they are; the domain may be empty.
	User, Domain string
	// Password is asked once, when the server's CHALLENGE has been found good.
	Password func() string
	// Workstation is the name of this machine; it may be empty.
	Workstation string
	// TargetName is the service's SPN, such as HTTP/hv01. If empty, the server is not told.
	TargetName string
	// ChannelBindings are those of the TLS connection, nil without TLS.
	ChannelBindings *sealed.ChannelBindings
	// Now is asked for the time if the server does not send its own. If nil, time.Now.
	Now func() time.Time
	// Rand gives challenge and session key. If nil, crypto/rand.Reader.
	Rand io.Reader
}

// A Client is the initiator's side. It implements [sealed.Handshake]: Step(nil) gives NEGOTIATE, Step(challenge) gives
// AUTHENTICATE, always with a MIC.
//
// Its context exists as soon as AUTHENTICATE does. NTLM proves nothing of the server before its first sealed message verifies.
type Client struct {
	cfg       ClientConfig
	negotiate []byte
	done      bool
	session   *session
}

// NewClient returns a Client.
func NewClient(cfg ClientConfig) *Client {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	return &Client{cfg: cfg}
}

// OIDs returns the name of NTLM as a GSS mechanism (MS-NLMP 1.9, MS-SPNG).
func (c *Client) OIDs() []asn1.ObjectIdentifier { return oids() }

func oids() []asn1.ObjectIdentifier {
	return []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 2, 2, 10}}
}

// Context implements [sealed.Handshake].
func (c *Client) Context() sealed.Context {
	if c.session == nil {
		return nil
	}
	return c.session
}

// errOver is what a side says to a token after its last one.
var errOver = errors.New("NTLM token after the end of the handshake")

// Step implements [sealed.Handshake]. A CHALLENGE that would leave the session weak is a [*FlagsError].
func (c *Client) Step(token []byte) ([]byte, error) {
	switch {
	case c.done:
		return nil, errOver
	case c.negotiate != nil:
		c.done = true
		return c.authenticate(token)
	case token != nil:
		c.done = true
		return nil, errors.New("NTLM token before NEGOTIATE")
	}
	c.negotiate = encodeNegotiate()
	return c.negotiate, nil
}

// authenticate answers a CHALLENGE (3.1.5.1.2).
func (c *Client) authenticate(token []byte) ([]byte, error) {
	ch, err := decodeChallenge(token)
	if err != nil {
		return nil, err
	}
	a, err := c.names()
	if err != nil {
		return nil, err
	}
	a.flags = ch.flags & offered
	exported, err := c.respond(a, ch)
	defer clear(exported[:])
	if err != nil {
		return nil, err
	}
	out, err := a.encode()
	if err != nil {
		return nil, err
	}
	mic := messageMIC(&exported, c.negotiate, token, out)
	copy(out[micStart:micEnd], mic[:])
	c.session, err = newSession(&exported, clientToServer, serverToClient)
	return out, err
}

// names returns an AUTHENTICATE message with the names alone.
func (c *Client) names() (*authenticate, error) {
	a := &authenticate{}
	for _, n := range []struct {
		name, text string
		value      *[]byte
	}{
		{"domain", c.cfg.Domain, &a.domain},
		{"user", c.cfg.User, &a.user},
		{"workstation", c.cfg.Workstation, &a.workstation},
	} {
		var err error
		if *n.value, err = encodeText(n.text); err != nil {
			return nil, fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return a, nil
}

// respond adds the responses and the encrypted session key, and returns that key, which is random.
func (c *Client) respond(a *authenticate, ch *challenge) (exported key, err error) {
	var nonce [8]byte
	if _, err := io.ReadFull(c.cfg.Rand, nonce[:]); err != nil {
		return exported, err
	}
	if _, err := io.ReadFull(c.cfg.Rand, exported[:]); err != nil {
		return exported, err
	}
	password, err := encodeText(c.cfg.Password())
	if err != nil {
		return exported, fmt.Errorf("password: %w", err)
	}
	defer clear(password)
	k := passwordKey(password, a.user, a.domain)
	defer clear(k[:])

	info, err := c.targetInfo(ch.info)
	if err != nil {
		return exported, err
	}
	stamp, err := ch.info.fixed(avTimestamp, 8)
	if err != nil {
		return exported, err
	}
	if stamp == nil {
		stamp = filetime(c.cfg.Now())
		lm := hmacMD5(k[:], ch.server[:], nonce[:])
		a.lm = append(lm[:], nonce[:]...)
	} else {
		a.lm = make([]byte, 24)
	}
	response := clientChallenge(stamp, nonce, info)
	p := proof(&k, ch.server, response)
	a.nt = append(p[:], response...)

	base := baseKey(&k, &p)
	defer clear(base[:])
	encrypted, err := exchangeKey(&base, exported[:])
	a.sessionKey = encrypted[:]
	return exported, err
}

// targetInfo returns the server's pairs, in their order, with those that are the client's to say: a server could otherwise
// put channel bindings of another connection into our mouth.
func (c *Client) targetInfo(server avPairs) ([]byte, error) {
	set, err := server.flags()
	if err != nil {
		return nil, err
	}
	out := make(avPairs, 0, len(server)+3)
	for _, p := range server {
		if p.id != avFlags && p.id != avChannelBindings && p.id != avTargetName {
			out = append(out, p)
		}
	}
	out = append(out, avPair{avFlags, binary.LittleEndian.AppendUint32(nil, set|avFlagMIC)})
	if c.cfg.ChannelBindings != nil {
		out = append(out, avPair{avChannelBindings, c.cfg.ChannelBindings[:]})
	}
	if c.cfg.TargetName != "" {
		name, err := encodeText(c.cfg.TargetName)
		if err != nil {
			return nil, fmt.Errorf("target name: %w", err)
		}
		out = append(out, avPair{avTargetName, name})
	}
	return out.encode()
}
