// Package kdctest is a KDC for tests, without a network. It is written on gokrb5 alone: it shares no code with the exchanges that
// are tested against it.
package kdctest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Codes of KRB-ERROR and numbers that a KDC uses (RFC 4120 §7.5).
const (
	codeClientUnknown   = 6
	codeServerUnknown   = 7
	codePreauthFailed   = 24
	codePreauthRequired = 25
	codeSkew            = 37
	codeModified        = 41
	codeGeneric         = 60

	usageTimestamp     = 1
	usageTicket        = 2
	usageASRep         = 3
	usageTGSReqSum     = 6
	usageTGSReqAuth    = 7
	usageTGSRep        = 8
	paTGSReq           = 1
	paEncTimestamp     = 2
	paETypeInfo2       = 19
	paCookie           = 133
	version            = 5
	allowedSkew        = 5 * time.Minute
	ticketLife         = 8 * time.Hour
	optionCanonicalize = 15
)

// A KDC answers the requests for tickets of one realm. The fields may not change while it does. The key of each service follows from its name:
// KDCs of several realms trust each other.
type KDC struct {
	Realm string
	// Users are the passwords by name.
	Users map[string]string
	// Services are the names of services, such as HTTP/hv01, but for those of other realms.
	Services []string
	// Referrals name the realm of a service that is not here, by its name.
	Referrals map[string]string
	// Refuse is a code of KRB-ERROR by the name of a user or service.
	Refuse map[string]int32
	// ETypes are the encryption types, the first that a client has being used. If nil, 18 and 17, as Active Directory.
	ETypes []int32
	// Offer replaces ETypes in ETYPE-INFO2.
	Offer []int32
	// Iterations is the count in ETYPE-INFO2, if not zero.
	Iterations uint32
	// NoPreauth gives tickets without pre-authentication.
	NoPreauth bool
	// Life is how long tickets last. If zero, 8 hours.
	Life time.Duration
	// Now is the clock. If nil, time.Now.
	Now func() time.Time
	// Edit changes an answer before it is encrypted, and EditPart what is to be encrypted in it.
	Edit     func(*messages.KDCRepFields)
	EditPart func(*messages.EncKDCRepPart)

	mu    sync.Mutex
	count Count
}

// Count is how many requests of each kind came.
type Count struct{ AS, Preauth, TGS int }

// Count returns the requests so far.
func (k *KDC) Count() Count {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count
}

// Answer returns the answer to a request, be it a KRB-ERROR.
func (k *KDC) Answer(msg []byte) []byte {
	var as messages.ASReq
	var tgs messages.TGSReq
	var answer []byte
	var err error
	switch {
	case as.Unmarshal(msg) == nil:
		answer, err = k.as(&as)
	case tgs.Unmarshal(msg) == nil:
		answer, err = k.tgs(&tgs)
	default:
		err = errors.New("neither AS-REQ nor TGS-REQ")
	}
	if err == nil {
		return answer
	}
	var e messages.KRBError
	if !errors.As(err, &e) {
		e = k.refusal(codeGeneric)
		e.EText = err.Error()
	}
	answer, err = e.Marshal()
	if err != nil {
		return []byte(err.Error())
	}
	return answer
}

func (k *KDC) now() time.Time {
	if k.Now != nil {
		return k.Now().UTC()
	}
	return time.Now().UTC()
}

func (k *KDC) refusal(code int32) messages.KRBError {
	now := k.now()
	return messages.KRBError{
		PVNO: version, MsgType: msgtype.KRB_ERROR, ErrorCode: code, STime: now.Truncate(time.Second), Susec: now.Nanosecond() / 1000,
		Realm: k.Realm, SName: types.NewPrincipalName(2, "krbtgt/"+k.Realm),
	}
}

// etypes are the encryption types in the KDC's order.
func (k *KDC) etypes() []int32 {
	if k.ETypes == nil {
		return []int32{18, 17}
	}
	return k.ETypes
}

// etype returns the first of ours that a client has.
func (k *KDC) etype(has []int32) (int32, error) {
	for _, e := range k.etypes() {
		if slices.Contains(has, e) {
			return e, nil
		}
	}
	return 0, fmt.Errorf("no encryption type in common with %v", has)
}

// as is the authentication service.
func (k *KDC) as(req *messages.ASReq) ([]byte, error) {
	preauth := slices.IndexFunc(req.PAData, func(pa types.PAData) bool { return pa.PADataType == paEncTimestamp })
	k.mu.Lock()
	k.count.AS++
	if preauth >= 0 {
		k.count.Preauth++
	}
	k.mu.Unlock()
	name := req.ReqBody.CName.PrincipalNameString()
	password, known := k.Users[name]
	code, refused := k.Refuse[name]
	switch {
	case refused:
		return nil, k.refusal(code)
	case !known || req.ReqBody.Realm != k.Realm:
		return nil, k.refusal(codeClientUnknown)
	case preauth < 0 && !k.NoPreauth:
		return nil, k.preauthRequired()
	}
	if preauth >= 0 {
		if err := k.preauthenticated(req.PAData[preauth].PADataValue, password); err != nil {
			return nil, err
		}
	}
	etype, err := k.etype(req.ReqBody.EType)
	if err != nil {
		return nil, err
	}
	key, err := k.UserKey(password, etype)
	if err != nil {
		return nil, err
	}
	rep, part, err := k.reply(&req.ReqBody, req.ReqBody.SName, identity{req.ReqBody.CName, k.Realm, etype})
	if err != nil {
		return nil, err
	}
	if rep.PAData, err = k.info(); err != nil {
		return nil, err
	}
	rep.MsgType = msgtype.KRB_AS_REP
	if err := k.seal(rep, part, key, usageASRep); err != nil {
		return nil, err
	}
	return (&messages.ASRep{KDCRepFields: *rep}).Marshal()
}

// preauthRequired says what a client has to send.
func (k *KDC) preauthRequired() error {
	info, err := k.info()
	if err != nil {
		return err
	}
	e := k.refusal(codePreauthRequired)
	e.EData, err = asn1.Marshal(append(info, types.PAData{PADataType: paEncTimestamp}, types.PAData{PADataType: paCookie, PADataValue: []byte("MIT")}))
	if err != nil {
		return err
	}
	return e
}

// info is ETYPE-INFO2.
func (k *KDC) info() ([]types.PAData, error) {
	offer := k.Offer
	if offer == nil {
		offer = k.etypes()
	}
	var infos types.ETypeInfo2
	for _, e := range offer {
		info := types.ETypeInfo2Entry{EType: e, Salt: k.salt()}
		if k.Iterations != 0 {
			info.S2KParams = binary.BigEndian.AppendUint32(nil, k.Iterations)
		}
		infos = append(infos, info)
	}
	b, err := asn1.Marshal(infos)
	return []types.PAData{{PADataType: paETypeInfo2, PADataValue: b}}, err
}

func (k *KDC) salt() string { return "salt of " + k.Realm }

// UserKey returns the key that the KDC makes of a password.
func (k *KDC) UserKey(password string, etype int32) (types.EncryptionKey, error) {
	e, err := crypto.GetEtype(etype)
	if err != nil {
		return types.EncryptionKey{}, err
	}
	params := e.GetDefaultStringToKeyParams()
	if k.Iterations != 0 {
		params = hex.EncodeToString(binary.BigEndian.AppendUint32(nil, k.Iterations))
	}
	value, err := e.StringToKey(password, k.salt(), params)
	return types.EncryptionKey{KeyType: etype, KeyValue: value}, err
}

func (k *KDC) preauthenticated(value []byte, password string) error {
	var sealed types.EncryptedData
	if err := sealed.Unmarshal(value); err != nil {
		return err
	}
	key, err := k.UserKey(password, sealed.EType)
	if err != nil {
		return err
	}
	plain, err := crypto.DecryptEncPart(sealed, key, usageTimestamp)
	if err != nil {
		return k.refusal(codePreauthFailed)
	}
	var stamp types.PAEncTSEnc
	if err := stamp.Unmarshal(plain); err != nil {
		return err
	}
	if k.now().Sub(stamp.PATimestamp).Abs() > allowedSkew {
		return k.refusal(codeSkew)
	}
	return nil
}

// tgs is the ticket-granting service.
func (k *KDC) tgs(req *messages.TGSReq) ([]byte, error) {
	k.mu.Lock()
	k.count.TGS++
	k.mu.Unlock()
	ap, err := k.authenticated(req)
	if err != nil {
		return nil, err
	}
	name := req.ReqBody.SName.PrincipalNameString()
	if code, refused := k.Refuse[name]; refused {
		return nil, k.refusal(code)
	}
	realm, elsewhere := k.Referrals[name]
	sname := req.ReqBody.SName
	switch {
	case elsewhere && types.IsFlagSet(&req.ReqBody.KDCOptions, optionCanonicalize):
		sname = types.NewPrincipalName(2, "krbtgt/"+realm)
	case !slices.Contains(k.Services, name) && !strings.HasPrefix(name, "krbtgt/"):
		return nil, k.refusal(codeServerUnknown)
	}
	etype, err := k.etype(req.ReqBody.EType)
	if err != nil {
		return nil, err
	}
	client := ap.Ticket.DecryptedEncPart
	rep, part, err := k.reply(&req.ReqBody, sname, identity{client.CName, client.CRealm, etype})
	if err != nil {
		return nil, err
	}
	rep.MsgType = msgtype.KRB_TGS_REP
	if err := k.seal(rep, part, client.Key, usageTGSRep); err != nil {
		return nil, err
	}
	return (&messages.TGSRep{KDCRepFields: *rep}).Marshal()
}

// authenticated verifies the ticket, the authenticator and the checksum of the request.
func (k *KDC) authenticated(req *messages.TGSReq) (*messages.APReq, error) {
	if len(req.PAData) == 0 || req.PAData[0].PADataType != paTGSReq {
		return nil, errors.New("no AP-REQ")
	}
	var ap messages.APReq
	if err := ap.Unmarshal(req.PAData[0].PADataValue); err != nil {
		return nil, err
	}
	if err := ap.Ticket.Decrypt(ServiceKey("krbtgt/"+k.Realm, ap.Ticket.EncPart.EType)); err != nil {
		return nil, err
	}
	client := ap.Ticket.DecryptedEncPart
	plain, err := crypto.DecryptEncPart(ap.EncryptedAuthenticator, client.Key, usageTGSReqAuth)
	if err != nil {
		return nil, err
	}
	if err := ap.Authenticator.Unmarshal(plain); err != nil {
		return nil, err
	}
	body, err := req.ReqBody.Marshal()
	if err != nil {
		return nil, err
	}
	sum, err := crypto.GetChksumEtype(ap.Authenticator.Cksum.CksumType)
	switch {
	case err != nil:
		return nil, err
	case !sum.VerifyChecksum(client.Key.KeyValue, body, ap.Authenticator.Cksum.Checksum, usageTGSReqSum):
		return nil, k.refusal(codeModified)
	case !ap.Authenticator.CName.Equal(client.CName) || ap.Authenticator.CRealm != client.CRealm:
		return nil, errors.New("the authenticator is another client's")
	case k.now().Sub(ap.Authenticator.CTime).Abs() > allowedSkew:
		return nil, k.refusal(codeSkew)
	}
	return &ap, nil
}

// ServiceKey returns the key of a service.
func ServiceKey(name string, etype int32) types.EncryptionKey {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", name, etype))
	value := sum[:]
	if etype == 17 || etype == 19 {
		value = sum[:16]
	}
	return types.EncryptionKey{KeyType: etype, KeyValue: value}
}

// An identity is whom a ticket is for, and the type of its keys.
type identity struct {
	name  types.PrincipalName
	realm string
	etype int32
}

// reply makes a ticket for a service and what the client is told of it.
func (k *KDC) reply(req *messages.KDCReqBody, sname types.PrincipalName, id identity) (*messages.KDCRepFields, *messages.EncKDCRepPart, error) {
	now, life := k.now().Truncate(time.Second), k.Life
	if life == 0 {
		life = ticketLife
	}
	session := ServiceKey(fmt.Sprint("session ", req.Nonce), id.etype)
	f := types.NewKrbFlags()
	types.SetFlag(&f, flags.PreAuthent)
	inner, err := asn1.Marshal(messages.EncTicketPart{
		Flags: f, Key: session, CRealm: id.realm, CName: id.name, AuthTime: now, StartTime: now, EndTime: now.Add(life),
	})
	if err != nil {
		return nil, nil, err
	}
	name := sname.PrincipalNameString()
	sealed, err := crypto.GetEncryptedData(asn1tools.AddASNAppTag(inner, asnAppTag.EncTicketPart), ServiceKey(name, id.etype), usageTicket, 1)
	if err != nil {
		return nil, nil, err
	}
	rep := &messages.KDCRepFields{
		PVNO: version, CRealm: id.realm, CName: id.name,
		Ticket: messages.Ticket{TktVNO: version, Realm: k.Realm, SName: sname, EncPart: sealed},
	}
	part := &messages.EncKDCRepPart{
		Key: session, LastReqs: []messages.LastReq{{LRValue: now}}, Nonce: req.Nonce, Flags: f,
		AuthTime: now, StartTime: now, EndTime: now.Add(life), SRealm: k.Realm, SName: sname,
	}
	if k.Edit != nil {
		k.Edit(rep)
	}
	if k.EditPart != nil {
		k.EditPart(part)
	}
	return rep, part, nil
}

// seal encrypts part into rep.
func (k *KDC) seal(rep *messages.KDCRepFields, part *messages.EncKDCRepPart, key types.EncryptionKey, usage uint32) error {
	b, err := part.Marshal()
	if err != nil {
		return err
	}
	rep.EncPart, err = crypto.GetEncryptedData(b, key, usage, 1)
	return err
}
