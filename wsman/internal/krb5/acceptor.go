package krb5

import (
	"cmp"
	encodingasn1 "encoding/asn1"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// A ServiceKey is a key of a principal, as a keytab holds it.
type ServiceKey struct {
	Principal Principal
	// KVNO is the number of the key's version; zero if it has none.
	KVNO uint32
	Key  Key
}

// An AcceptorConfig configures an [Acceptor].
type AcceptorConfig struct {
	// Keys are those that tickets are tried with, whatever service a ticket names: who can open it is whom it is for.
	Keys []ServiceKey
	// ChannelBindings are compared with the client's, if both have some.
	ChannelBindings *sealed.ChannelBindings
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// Rand is the random source, crypto/rand's if nil.
	Rand io.Reader
}

// An Acceptor is the server's side of the exchange, for tests. It implements [sealed.Handshake]. It is for one exchange and not for
// concurrent use, and keeps no cache of authenticators: it does not know one that was sent to another Acceptor.
type Acceptor struct {
	cfg    AcceptorConfig
	over   bool
	client Principal
	ctx    *session
}

// maxSkew is how far the clocks of client and server may be apart (RFC 4120 §3.2.3).
const maxSkew = 5 * time.Minute

// ErrChannelBindings says that the client is bound to another TLS connection than the one that its token came by.
var ErrChannelBindings = errors.New("channel bindings differ")

// errNotMutual says that the client does not ask who we are, in the AP-REQ or in its authenticator.
var errNotMutual = errors.New("client without mutual authentication")

// NewAcceptor returns an Acceptor that waits for an AP-REQ.
func NewAcceptor(cfg AcceptorConfig) *Acceptor {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Rand = randomOr(cfg.Rand)
	return &Acceptor{cfg: cfg}
}

// OIDs returns the names of the Kerberos mechanism.
func (a *Acceptor) OIDs() []encodingasn1.ObjectIdentifier { return oids() }

// Context returns the context once a client was accepted, nil before.
func (a *Acceptor) Context() sealed.Context {
	if a.ctx == nil {
		return nil
	}
	return a.ctx
}

// Client returns the principal of the client that was accepted, the zero Principal before.
func (a *Acceptor) Client() Principal { return a.client }

// Step takes the client's AP-REQ and returns the AP-REP; both are with the frame of the GSS-API or both without. It refuses a
// ticket or an authenticator with an [*Error], and then the token is the KRB-ERROR to send, beside the error.
func (a *Acceptor) Step(token []byte) ([]byte, error) {
	if a.over {
		return nil, errors.New("no token of the client is due")
	}
	a.over = true
	id, message, framed, err := unframe(token)
	if err != nil {
		return nil, fmt.Errorf("AP-REQ: %w", err)
	}
	if id != tokenAPReq {
		return nil, fmt.Errorf("AP-REQ: token %#04x in its place", uint16(id))
	}
	kind := tokenAPRep
	reply, err := a.accept(message)
	if refusal, ok := errors.AsType[*Error](err); ok {
		kind = tokenError
		reply, _ = refusal.encode() // without a token the client is refused all the same
	}
	if framed && reply != nil {
		var frameErr error
		reply, frameErr = frame(kind, reply)
		err = cmp.Or(err, frameErr)
	}
	if err != nil {
		a.ctx, a.client = nil, Principal{}
		return reply, fmt.Errorf("AP-REQ: %w", err)
	}
	return reply, nil
}

// accept verifies an AP-REQ and makes the AP-REP.
func (a *Acceptor) accept(message []byte) ([]byte, error) {
	var req apReq
	if err := unmarshal(message, tagAPReq, &req); err != nil {
		return nil, err
	}
	if req.PVNO != versionNumber || req.MsgType != tagAPReq {
		return nil, fmt.Errorf("version %d, message type %d", req.PVNO, req.MsgType)
	}
	var options byte
	if len(req.Options.Bytes) > 0 {
		options = req.Options.Bytes[0]
	}
	switch {
	case options&optionSessionKey != 0:
		return nil, errors.New("user-to-user authentication is not supported")
	case options&optionMutual == 0:
		return nil, errNotMutual
	}
	var ticket messages.Ticket
	if err := unmarshal(req.Ticket.Bytes, tagTicket, &ticket); err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	part, err := a.open(&ticket)
	if err != nil {
		return nil, err
	}
	key := Key{EType: part.Key.KeyType, Value: part.Key.KeyValue}
	authenticator, err := a.authenticate(&req, &ticket, part, key)
	if err != nil {
		return nil, err
	}
	if err := a.checkGSS(authenticator.Cksum); err != nil {
		return nil, err
	}
	return a.establish(key, authenticator)
}

// open decrypts the ticket with the first key that fits and checks its times.
func (a *Acceptor) open(ticket *messages.Ticket) (*messages.EncTicketPart, error) {
	code, text := CodeNoKey, "no key of this encryption type"
	for _, k := range a.cfg.Keys {
		if k.Key.EType != ticket.EncPart.EType {
			continue
		}
		part, err := decrypted[messages.EncTicketPart](k.Key, usageTicket, tagEncTicketPart, ticket.EncPart)
		if err != nil {
			code, text = CodeModified, "the ticket is for another key"
			continue
		}
		return part, a.checkTimes(ticket, part)
	}
	return nil, a.refuse(ticket, code, text)
}

// checkTimes checks that the ticket is valid now, within the permitted skew (RFC 4120 §3.2.3).
func (a *Acceptor) checkTimes(ticket *messages.Ticket, part *messages.EncTicketPart) error {
	start := part.StartTime
	if start.IsZero() {
		start = part.AuthTime
	}
	now := a.cfg.Now()
	invalid := len(part.Flags.Bytes) > 0 && part.Flags.Bytes[0]&ticketInvalid != 0
	switch {
	case invalid || now.Add(maxSkew).Before(start):
		return a.refuse(ticket, CodeTicketNotYet, "")
	case now.Add(-maxSkew).After(part.EndTime):
		return a.refuse(ticket, CodeTicketExpired, "")
	}
	return nil
}

// ticketInvalid is a flag in the first octet of a ticket's flags (RFC 4120 §5.3): it must be validated by the KDC first.
const ticketInvalid byte = 0x01

// authenticate decrypts the authenticator and checks that it is of the ticket's client, and of now.
func (a *Acceptor) authenticate(req *apReq, ticket *messages.Ticket, part *messages.EncTicketPart, key Key) (*types.Authenticator, error) {
	if _, err := key.profile(); err != nil {
		return nil, a.refuse(ticket, CodeETypeUnknown, "session key")
	}
	auth, err := decrypted[types.Authenticator](key, usageAPReq, tagAuthenticator, req.Authenticator)
	if err != nil {
		return nil, a.refuse(ticket, CodeBadIntegrity, "authenticator")
	}
	client := principal(part.CName, part.CRealm)
	if !client.Equal(principal(auth.CName, auth.CRealm)) {
		return nil, a.refuse(ticket, CodeBadMatch, "")
	}
	if a.cfg.Now().Sub(instant(auth.CTime, auth.Cusec)).Abs() > maxSkew {
		return nil, a.refuse(ticket, CodeSkew, "")
	}
	a.client = client
	return auth, nil
}

// refuse returns the error to send to the client.
func (a *Acceptor) refuse(ticket *messages.Ticket, code int32, text string) *Error {
	return &Error{
		Code: code, Text: text, Realm: ticket.Realm, Server: principal(ticket.SName, ticket.Realm), ServerTime: a.cfg.Now(),
	}
}

// checkGSS checks what the client asks for and which TLS connection it saw.
func (a *Acceptor) checkGSS(c types.Checksum) error {
	if c.CksumType != checksumGSS {
		return fmt.Errorf("authenticator with a checksum of type %#x in place of %#x", c.CksumType, checksumGSS)
	}
	bnd, flags, err := readGSSChecksum(c.Checksum)
	if err != nil {
		return err
	}
	switch {
	case flags&flagMutual == 0:
		return errNotMutual
	case flags&flagDCEStyle != 0:
		return errors.New("DCE style is not supported")
	}
	if a.cfg.ChannelBindings != nil && bnd != (sealed.ChannelBindings{}) && bnd != *a.cfg.ChannelBindings {
		return ErrChannelBindings
	}
	return nil
}

// establish makes the AP-REP, with a key of our own for the messages to come, and the context.
func (a *Acceptor) establish(key Key, auth *types.Authenticator) ([]byte, error) {
	clientSeq, err := sequenceNumber(auth.SeqNumber)
	if err != nil {
		return nil, err
	}
	subkey, err := newKey(key.EType, a.cfg.Rand)
	if err != nil {
		return nil, err
	}
	seq, err := initialSequence(a.cfg.Rand)
	if err != nil {
		return nil, err
	}
	encrypted, err := encryptedData(key, usageAPRep, tagEncAPRepPart, encAPRepPart{
		CTime: auth.CTime.UTC(), Cusec: auth.Cusec, SeqNumber: int64(seq),
		Subkey: types.EncryptionKey{KeyType: subkey.EType, KeyValue: subkey.Value},
	})
	if err != nil {
		return nil, err
	}
	a.ctx, err = newSession(sessionConfig{
		key: subkey, acceptorSubkey: true, acceptor: true, sendSeq: seq, receiveSeq: clientSeq, random: a.cfg.Rand,
	})
	if err != nil {
		return nil, err
	}
	return marshal(tagAPRep, apRep{PVNO: versionNumber, MsgType: tagAPRep, EncPart: encrypted})
}
