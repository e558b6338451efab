package krb5

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Key usages (RFC 4120 §7.5.1).
const (
	usageTGSReqChecksum      uint32 = 6
	usageTGSReqAuthenticator uint32 = 7
	usageTGSRep              uint32 = 8
)

const paTGSReq int32 = 1

// A TGSConfig configures a [TGSExchange]. TGT and Server are required.
type TGSConfig struct {
	// TGT is a ticket for the ticket-granting service of the realm that is asked.
	TGT *Credential
	// Server is the service; its realm is of no meaning: the asked KDC looks in its own. It may be the ticket-granting
	// service of another realm.
	Server Principal
	// Now is the clock, if nil time.Now.
	Now func() time.Time
	// Rand is the source of nonces, if nil crypto/rand.Reader.
	Rand io.Reader
}

// A TGSExchange is one exchange with the ticket-granting service (RFC 4120 §3.3). It does no I/O: the caller carries the message to a
// KDC of Realm.
type TGSExchange struct {
	kdcRequest
	tgt *Credential
}

// NewTGS returns an exchange that uses cfg.
func NewTGS(cfg TGSConfig) (*TGSExchange, error) {
	tgs := cfg.TGT.Server.Components
	if len(tgs) != 2 || tgs[0] != "krbtgt" {
		return nil, fmt.Errorf("the ticket for %q is not for a ticket-granting service", cfg.TGT.Server)
	}
	if _, err := cfg.TGT.Key.profile(); err != nil {
		return nil, fmt.Errorf("the ticket for %q: %w", cfg.TGT.Server, err)
	}
	server := cfg.Server
	server.Realm = tgs[1]
	r, err := newKDCRequest(cfg.TGT.Client, server, cfg.Now, cfg.Rand)
	if err != nil {
		return nil, err
	}
	return &TGSExchange{kdcRequest: r, tgt: cfg.TGT}, nil
}

// Realm returns the realm whose KDC is to be asked.
func (x *TGSExchange) Realm() string { return x.server.Realm }

// Request returns the message to the KDC.
func (x *TGSExchange) Request() ([]byte, error) {
	body := x.body(strongest())
	types.SetFlag(&body.KDCOptions, optionCanonicalize)
	b, err := body.Marshal()
	if err != nil {
		return nil, err
	}
	ap, err := x.apReq(b)
	if err != nil {
		return nil, err
	}
	req := messages.TGSReq{KDCReqFields: messages.KDCReqFields{
		PVNO: versionNumber, MsgType: msgTGSReq, ReqBody: body,
		PAData: types.PADataSequence{{PADataType: paTGSReq, PADataValue: ap}},
	}}
	return req.Marshal()
}

// apReq returns the AP-REQ for the ticket-granting service: the ticket, and an authenticator with the checksum of body.
func (x *TGSExchange) apReq(body []byte) ([]byte, error) {
	kind, sum, err := x.tgt.Key.checksum(usageTGSReqChecksum, body)
	if err != nil {
		return nil, err
	}
	now := x.now().UTC()
	a := types.Authenticator{
		AVNO: versionNumber, CRealm: x.client.Realm, CName: principalName(x.client),
		Cksum: types.Checksum{CksumType: kind, Checksum: sum},
		CTime: now, Cusec: now.Nanosecond() / 1000,
	}
	sealed, err := encryptedData(x.tgt.Key, usageTGSReqAuthenticator, tagAuthenticator, a)
	if err != nil {
		return nil, err
	}
	return marshal(tagAPReq, apReq{
		PVNO: versionNumber, MsgType: tagAPReq, Options: types.NewKrbFlags(),
		Ticket:        asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Tag: 3, Bytes: x.tgt.Ticket},
		Authenticator: sealed,
	})
}

// Reply takes the KDC's answer and returns the ticket: the one asked for, or a referral, which is a ticket for the ticket-granting service
// of a realm that is to be asked instead (RFC 6806 §8). A refusal is an [*Error]; after another error the same
// request may be sent to another KDC.
func (x *TGSExchange) Reply(b []byte) (c *Credential, referral bool, err error) {
	rep, err := decodeKDCRep(b, tagTGSRep)
	if err != nil {
		return nil, false, err
	}
	c, err = x.credential(rep, x.tgt.Key, usageTGSRep)
	if errors.Is(err, ErrWrongKey) {
		return nil, false, errors.New("the answer does not decrypt with the key of the ticket")
	}
	if err != nil {
		return nil, false, err
	}
	switch {
	case x.granted(c.Server):
		return c, false, nil
	case x.refers(c.Server):
		return c, true, nil
	}
	c.Destroy()
	return nil, false, fmt.Errorf("the KDC gave a ticket for %q, asked for %q", c.Server, x.server)
}

// granted tells that server is the one asked for. Active Directory does not tell letter case apart and may answer in its own.
func (x *TGSExchange) granted(server Principal) bool {
	return server.Realm == x.server.Realm && slices.EqualFunc(server.Components, x.server.Components, strings.EqualFold)
}

// refers tells that server is the ticket-granting service of another realm.
func (x *TGSExchange) refers(server Principal) bool {
	return server.Realm == x.server.Realm && len(server.Components) == 2 &&
		server.Components[0] == "krbtgt" && server.Components[1] != x.server.Realm
}
