package krb5

import (
	encodingasn1 "encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// An InitiatorConfig configures an [Initiator]. Credential is required.
type InitiatorConfig struct {
	// Credential is the ticket for the service, with its session key.
	Credential *Credential
	// ChannelBindings tie the exchange to a TLS connection; nil without TLS.
	ChannelBindings *sealed.ChannelBindings
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// Rand is the random source, crypto/rand's if nil.
	Rand io.Reader
}

// An Initiator is the client's side of the exchange of AP-REQ and AP-REP (RFC 4121 §4.1). It implements [sealed.Handshake].
// It is for one exchange and not for concurrent use.
type Initiator struct {
	cfg    InitiatorConfig
	state  state
	ctime  time.Time // of the authenticator, in whole seconds
	cusec  int
	seq    uint32
	subkey Key
	ctx    *session
}

// A state is how far a side of the exchange has come.
type state int

const (
	stateStart state = iota
	stateSent
	stateOver
)

// NewInitiator returns an Initiator that has sent nothing yet.
func NewInitiator(cfg InitiatorConfig) *Initiator {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Rand = randomOr(cfg.Rand)
	return &Initiator{cfg: cfg}
}

// OIDs returns the names of the Kerberos mechanism, the offered one first.
func (i *Initiator) OIDs() []encodingasn1.ObjectIdentifier { return oids() }

// Context returns the context once the service has proved that it holds its key, nil before.
func (i *Initiator) Context() sealed.Context {
	if i.ctx == nil {
		return nil
	}
	return i.ctx
}

// Step returns the AP-REQ for a nil token, and then takes the service's AP-REP and returns nil. A service that refuses makes it
// an [*Error].
func (i *Initiator) Step(token []byte) ([]byte, error) {
	at := i.state
	i.state = stateOver
	switch {
	case at == stateStart && len(token) == 0:
		out, err := i.request()
		if err != nil {
			return nil, fmt.Errorf("AP-REQ: %w", err)
		}
		i.state = stateSent
		return out, nil
	case at == stateSent && len(token) > 0:
		return nil, i.reply(token)
	default:
		return nil, errors.New("no token of the service is due")
	}
}

// request makes the AP-REQ token.
func (i *Initiator) request() ([]byte, error) {
	c := i.cfg.Credential
	if c == nil {
		return nil, errors.New("no ticket")
	}
	authenticator, err := i.authenticator()
	if err != nil {
		return nil, err
	}
	encrypted, err := encryptedData(c.Key, usageAPReq, tagAuthenticator, authenticator)
	if err != nil {
		return nil, err
	}
	b, err := marshal(tagAPReq, apReq{
		PVNO: versionNumber, MsgType: tagAPReq,
		Options:       asn1.BitString{Bytes: []byte{optionMutual, 0, 0, 0}, BitLength: 32},
		Ticket:        asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Tag: 3, Bytes: c.Ticket},
		Authenticator: encrypted,
	})
	if err != nil {
		return nil, err
	}
	return frame(tokenAPReq, b)
}

// The first octet of ap-options (RFC 4120 §5.5.1).
const (
	optionMutual     byte = 0x20
	optionSessionKey byte = 0x40
)

// authenticator returns a new authenticator, with a key of its own for the messages to come.
func (i *Initiator) authenticator() (types.Authenticator, error) {
	c := i.cfg.Credential
	var err error
	if i.subkey, err = newKey(c.Key.EType, i.cfg.Rand); err != nil {
		return types.Authenticator{}, err
	}
	if i.seq, err = initialSequence(i.cfg.Rand); err != nil {
		return types.Authenticator{}, err
	}
	now := i.cfg.Now().UTC()
	i.ctime, i.cusec = now.Truncate(time.Second), now.Nanosecond()/1000
	return types.Authenticator{
		AVNO: versionNumber, CRealm: c.Client.Realm, CName: principalName(c.Client),
		Cksum: types.Checksum{CksumType: checksumGSS, Checksum: gssChecksum(i.cfg.ChannelBindings)},
		CTime: i.ctime, Cusec: i.cusec,
		SubKey:    types.EncryptionKey{KeyType: i.subkey.EType, KeyValue: i.subkey.Value},
		SeqNumber: int64(i.seq),
	}, nil
}

// initialSequence returns a random first number below 2^30: above 2^31 some implementations disagree about the sign.
func initialSequence(random io.Reader) (uint32, error) {
	var b [4]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return 0, fmt.Errorf("sequence number: %w", err)
	}
	return binary.BigEndian.Uint32(b[:]) >> 2, nil
}

// reply reads the AP-REP token and establishes the context.
func (i *Initiator) reply(token []byte) error {
	id, message, _, err := unframe(token)
	if err != nil {
		return fmt.Errorf("AP-REP: %w", err)
	}
	switch id {
	case tokenAPRep:
	case tokenError:
		refusal, err := DecodeError(message)
		if err != nil {
			return err
		}
		return refusal
	default:
		return fmt.Errorf("AP-REP: token %#04x in its place", uint16(id))
	}
	part, err := i.verify(message)
	if err != nil {
		return fmt.Errorf("AP-REP: %w", err)
	}
	seq, err := sequenceNumber(part.SeqNumber)
	if err != nil {
		return fmt.Errorf("AP-REP: %w", err)
	}
	cfg := sessionConfig{key: i.subkey, sendSeq: i.seq, receiveSeq: seq, random: i.cfg.Rand}
	if part.Subkey.KeyType != 0 {
		cfg.key, cfg.acceptorSubkey = Key{EType: part.Subkey.KeyType, Value: part.Subkey.KeyValue}, true
	}
	i.ctx, err = newSession(cfg)
	if err != nil {
		return fmt.Errorf("AP-REP: %w", err)
	}
	return nil
}

// verify decrypts the AP-REP and compares what it repeats of the authenticator: only who holds the key of the service can know it
// (RFC 4120 §3.2.5).
func (i *Initiator) verify(message []byte) (*encAPRepPart, error) {
	var m apRep
	if err := unmarshal(message, tagAPRep, &m); err != nil {
		return nil, err
	}
	if m.PVNO != versionNumber || m.MsgType != tagAPRep {
		return nil, fmt.Errorf("version %d, message type %d", m.PVNO, m.MsgType)
	}
	part, err := decrypted[encAPRepPart](i.cfg.Credential.Key, usageAPRep, tagEncAPRepPart, m.EncPart)
	if err != nil {
		return nil, err
	}
	if !part.CTime.Equal(i.ctime) || part.Cusec != i.cusec {
		return nil, errors.New("the service answers another request: its time differs from ours")
	}
	return part, nil
}

// sequenceNumber reads a UInt32 that some implementations write as a signed number; one that is missing is zero.
func sequenceNumber(n int64) (uint32, error) {
	if n < -1<<31 || n >= 1<<32 {
		return 0, fmt.Errorf("sequence number %d has more than 32 bits", n)
	}
	return uint32(n), nil
}
