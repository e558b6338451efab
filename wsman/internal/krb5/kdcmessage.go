package krb5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Application tags of the answers of a KDC (RFC 4120 §5.10), which are also their message types, and the types of the requests (§7.5.7).
const (
	tagASRep  = 11
	tagTGSRep = 13
	msgASReq  = 10
	msgTGSReq = 12
)

const (
	// ticketLife is the life that we ask for. KDCs give less where their policy says so.
	ticketLife = 10 * time.Hour
	// optionCanonicalize lets the KDC answer with a referral to another realm (RFC 6806 §3), as a bit of KDCOptions.
	optionCanonicalize = 15
)

// ErrWrongKey says that an answer of the KDC cannot be decrypted: the password or the key is not the client's, or it was
// not the KDC that answered.
var ErrWrongKey = errors.New("the answer of the KDC does not decrypt with this password or key")

// strongest lists the encryption types that we ask for.
func strongest() []int32 {
	return []int32{ETypeAES256SHA2, ETypeAES128SHA2, ETypeAES256SHA1, ETypeAES128SHA1}
}

// A kdcRequest is what the requests to both services of a KDC have in common, and what their answers must match.
type kdcRequest struct {
	client, server Principal
	nonce          int
	now            func() time.Time
}

// newKDCRequest draws the nonce, which has 31 bits: some KDCs read it as signed. A nil now is time.Now, a nil random crypto/rand's.
func newKDCRequest(client, server Principal, now func() time.Time, random io.Reader) (kdcRequest, error) {
	if now == nil {
		now = time.Now
	}
	var b [4]byte
	if _, err := io.ReadFull(randomOr(random), b[:]); err != nil {
		return kdcRequest{}, fmt.Errorf("nonce: %w", err)
	}
	nonce := int(binary.BigEndian.Uint32(b[:]) & 0x7fffffff)
	return kdcRequest{client: client, server: server, nonce: nonce, now: now}, nil
}

// body returns the body of the request (RFC 4120 §5.4.1).
func (r *kdcRequest) body(etypes []int32) messages.KDCReqBody {
	return messages.KDCReqBody{
		KDCOptions: types.NewKrbFlags(),
		Realm:      r.server.Realm,
		SName:      principalName(r.server),
		Till:       r.now().Add(ticketLife).UTC(),
		Nonce:      r.nonce,
		EType:      etypes,
	}
}

// A kdcRep is the answer of either service (RFC 4120 §5.4.2). Ticket holds the ticket as the KDC wrote it.
type kdcRep struct {
	PVNO    int                 `asn1:"explicit,tag:0"`
	MsgType int                 `asn1:"explicit,tag:1"`
	PAData  []types.PAData      `asn1:"explicit,optional,tag:2"`
	CRealm  string              `asn1:"explicit,tag:3"`
	CName   types.PrincipalName `asn1:"explicit,tag:4"`
	Ticket  asn1.RawValue       `asn1:"explicit,tag:5"`
	EncPart types.EncryptedData `asn1:"explicit,tag:6"`
}

// decodeKDCRep reads the answer that has tag. A KRB-ERROR in its place is returned as [*Error].
func decodeKDCRep(b []byte, tag int) (*kdcRep, error) {
	if e, err := DecodeError(b); err == nil {
		return nil, e
	}
	var rep kdcRep
	if err := unmarshal(b, tag, &rep); err != nil {
		return nil, fmt.Errorf("the answer: %w", err)
	}
	if rep.PVNO != versionNumber || rep.MsgType != tag {
		return nil, fmt.Errorf("the answer is of version %d and message type %d", rep.PVNO, rep.MsgType)
	}
	return &rep, nil
}

// credential verifies rep, of which key decrypts the encrypted part, and returns what it holds. The caller checks the server.
func (r *kdcRequest) credential(rep *kdcRep, key Key, usage uint32) (*Credential, error) {
	if client := principal(rep.CName, rep.CRealm); !client.Equal(r.client) {
		return nil, fmt.Errorf("the answer is for the client %q, not %q", client, r.client)
	}
	if rep.EncPart.EType != key.EType {
		return nil, fmt.Errorf("the answer is encrypted by type %d, not %d", rep.EncPart.EType, key.EType)
	}
	plain, err := key.decrypt(usage, rep.EncPart.Cipher)
	if err != nil {
		return nil, ErrWrongKey
	}
	defer clear(plain)
	var part messages.EncKDCRepPart
	if err := fenced(func() error { return part.Unmarshal(plain) }); err != nil {
		return nil, fmt.Errorf("the encrypted part of the answer: %w", err)
	}
	c := &Credential{
		Client:    r.client,
		Server:    principal(part.SName, part.SRealm),
		Key:       Key{EType: part.Key.KeyType, Value: part.Key.KeyValue},
		AuthTime:  part.AuthTime,
		StartTime: part.StartTime,
		EndTime:   part.EndTime,
		RenewTill: part.RenewTill,
		Flags:     flagsOf(part.Flags.Bytes),
		Ticket:    rep.Ticket.Bytes,
	}
	if err := r.check(c, part.Nonce); err != nil {
		c.Destroy()
		return nil, err
	}
	return c, nil
}

// check refuses an answer to another request, a ticket that is not the one described, a key that we do not take, and a ticket without life.
func (r *kdcRequest) check(c *Credential, nonce int) error {
	if nonce != r.nonce {
		return errors.New("the answer is to another request (wrong nonce)")
	}
	server, err := ticketServer(c.Ticket)
	if err != nil {
		return err
	}
	if !server.Equal(c.Server) {
		return fmt.Errorf("the ticket is for %q and its description for %q", server, c.Server)
	}
	if _, err := c.Key.profile(); err != nil {
		return fmt.Errorf("the session key: %w", err)
	}
	if !r.now().Before(c.EndTime) {
		return fmt.Errorf("the ticket ended at %s, before it came", c.EndTime.UTC().Format(time.RFC3339))
	}
	return nil
}

// ticketServer returns the server that a ticket names in clear (RFC 4120 §5.3).
func ticketServer(ticket []byte) (Principal, error) {
	var t struct {
		TktVNO  int                 `asn1:"explicit,tag:0"`
		Realm   string              `asn1:"explicit,tag:1"`
		SName   types.PrincipalName `asn1:"explicit,tag:2"`
		EncPart asn1.RawValue       `asn1:"explicit,tag:3"`
	}
	if err := unmarshal(ticket, tagTicket, &t); err != nil {
		return Principal{}, fmt.Errorf("the ticket: %w", err)
	}
	if t.TktVNO != versionNumber {
		return Principal{}, fmt.Errorf("the ticket is of version %d", t.TktVNO)
	}
	return principal(t.SName, t.Realm), nil
}

// flagsOf returns the first 32 bits of a bit string.
func flagsOf(b []byte) uint32 {
	var flags [4]byte
	copy(flags[:], b)
	return binary.BigEndian.Uint32(flags[:])
}
