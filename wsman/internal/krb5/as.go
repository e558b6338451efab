package krb5

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Key usages (RFC 4120 §7.5.1).
const (
	usageTimestamp uint32 = 1
	usageASRep     uint32 = 3
)

// Kinds of pre-authentication data (RFC 4120 §7.5.2, RFC 6113 §5.2).
const (
	paEncTimestamp int32 = 2
	paETypeInfo2   int32 = 19
	paCookie       int32 = 133
)

// maxIterations bounds the work that a KDC may ask of us for one key, which no context ends. MIT krb5 and Active Directory ask for the
// types' own counts, 4,096 and 32,768; four times the greater is a fraction of a second.
const maxIterations = 131_072

// An ASConfig configures an [ASExchange]. Client and one of Password and Keys are required.
type ASConfig struct {
	// Client is who wants the ticket, with its realm.
	Client Principal
	// Password returns the client's password.
	Password func() string
	// Keys are the client's keys, instead of a password. Those of other principals are not looked at.
	Keys []ServiceKey
	// Now is the clock, if nil time.Now.
	Now func() time.Time
	// Rand is the source of nonces, if nil crypto/rand.Reader.
	Rand io.Reader
}

// An ASExchange is one exchange with the authentication service, for a ticket-granting ticket (RFC 4120 §3.1). It does no I/O: the
// caller carries each message to a KDC of the client's realm. It asks without pre-authentication first, to learn the salt and what the KDC wants.
type ASExchange struct {
	kdcRequest
	cfg    ASConfig
	etypes []int32
	// key is the client's, made for the salt and the count of info.
	key  Key
	info *types.ETypeInfo2Entry
	// authenticated tells that the request with pre-authentication is out.
	authenticated bool
}

// NewAS returns an exchange that uses cfg.
func NewAS(cfg ASConfig) (*ASExchange, error) {
	x := &ASExchange{cfg: cfg, etypes: strongest()}
	switch {
	case len(cfg.Client.Components) == 0 || cfg.Client.Realm == "":
		return nil, fmt.Errorf("ASConfig.Client %q is no name with a realm", cfg.Client)
	case len(cfg.Keys) > 0:
		x.etypes = slices.DeleteFunc(x.etypes, func(e int32) bool { return x.fromKeys(e).Value == nil })
		if len(x.etypes) == 0 {
			return nil, fmt.Errorf("no key of %s with encryption types 17 to 20", cfg.Client)
		}
	case cfg.Password == nil:
		return nil, errors.New("ASConfig has neither Password nor Keys")
	}
	var err error
	x.kdcRequest, err = newKDCRequest(cfg.Client, TGS(cfg.Client.Realm, cfg.Client.Realm), cfg.Now, cfg.Rand)
	if err != nil {
		return nil, err
	}
	return x, nil
}

// Request returns the first message to the KDC.
func (x *ASExchange) Request() ([]byte, error) { return x.request(nil) }

func (x *ASExchange) request(pa types.PADataSequence) ([]byte, error) {
	body := x.body(x.etypes)
	body.CName = principalName(x.client)
	req := messages.ASReq{KDCReqFields: messages.KDCReqFields{
		PVNO: versionNumber, MsgType: msgASReq, PAData: pa, ReqBody: body,
	}}
	return req.Marshal()
}

// Reply takes the KDC's answer. It returns the ticket, or the next message to send: the request with pre-authentication. A refusal
// is an [*Error], also when the KDC wants something that is not done here; a password or key that is not the client's may be
// [ErrWrongKey]. After another error the same request may be sent to another KDC.
func (x *ASExchange) Reply(b []byte) (next []byte, c *Credential, err error) {
	rep, err := decodeKDCRep(b, tagASRep)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == CodePreauthRequired && !x.authenticated {
		if next, err = x.preauthenticate(e.EData); err != nil {
			return nil, nil, fmt.Errorf("%w; %w", e, err)
		}
		return next, nil, nil
	}
	if err != nil {
		return nil, nil, wrongRealm(b, err)
	}
	key, err := x.replyKey(rep)
	if err != nil {
		return nil, nil, err
	}
	c, err = x.credential(rep, key, usageASRep)
	if err != nil {
		return nil, nil, err
	}
	if !c.Server.Equal(x.server) {
		c.Destroy()
		return nil, nil, fmt.Errorf("the KDC gave a ticket for %q, asked for %q", c.Server, x.server)
	}
	if skew := x.now().Sub(c.AuthTime).Abs(); skew > maxSkew {
		c.Destroy()
		return nil, nil, &Error{Code: CodeSkew, Realm: x.client.Realm, Server: x.server, ServerTime: c.AuthTime}
	}
	return nil, c, nil
}

// wrongRealm adds to the KDC's refusal err, which b holds, the realm that the client is of, if the KDC names one (RFC 6806 §7).
func wrongRealm(b []byte, err error) error {
	var m messages.KRBError
	if e, ok := errors.AsType[*Error](err); ok && e.Code == CodeWrongRealm && unmarshal(b, tagError, &m) == nil && m.CRealm != "" {
		return fmt.Errorf("%w; the realm is %q", err, m.CRealm)
	}
	return err
}

// Destroy overwrites the key that was made of the password.
func (x *ASExchange) Destroy() { x.key.destroy() }

// preauthenticate returns the request with the time, encrypted by the client's key (RFC 4120 §5.2.7.2). methods are what the KDC
// asks for.
func (x *ASExchange) preauthenticate(methods []byte) ([]byte, error) {
	var pas []types.PAData
	err := fenced(func() error {
		_, err := asn1.Unmarshal(methods, &pas)
		return err
	})
	if err != nil {
		return nil, errors.New("the KDC does not say how")
	}
	if !slices.ContainsFunc(pas, func(pa types.PAData) bool { return pa.PADataType == paEncTimestamp }) {
		return nil, errors.New("the KDC takes neither password nor key; has the account keys of AES?")
	}
	info, err := x.choose(pas)
	if err != nil {
		return nil, err
	}
	if err := x.makeKey(info); err != nil {
		return nil, err
	}
	pa, err := x.timestamp()
	if err != nil {
		return nil, err
	}
	sent := types.PADataSequence{pa}
	for _, pa := range pas {
		if pa.PADataType == paCookie { // RFC 6113 §5.2: it goes back as it came
			sent = append(sent, pa)
		}
	}
	next, err := x.request(sent)
	x.authenticated = err == nil
	return next, err
}

// timestamp returns the time, encrypted.
func (x *ASExchange) timestamp() (types.PAData, error) {
	now := x.now().UTC()
	b, err := asn1.Marshal(types.PAEncTSEnc{PATimestamp: now, PAUSec: now.Nanosecond() / 1000})
	if err != nil {
		return types.PAData{}, err
	}
	cipher, err := x.key.encrypt(usageTimestamp, b)
	if err != nil {
		return types.PAData{}, err
	}
	value, err := asn1.Marshal(types.EncryptedData{EType: x.key.EType, Cipher: cipher})
	if err != nil {
		return types.PAData{}, err
	}
	return types.PAData{PADataType: paEncTimestamp, PADataValue: value}, nil
}

// choose returns the strongest encryption type that both sides have, with its salt and count.
func (x *ASExchange) choose(pas []types.PAData) (*types.ETypeInfo2Entry, error) {
	offered := etypeInfo2(pas)
	for _, etype := range x.etypes {
		for _, info := range offered {
			if info.EType == etype {
				return &info, nil
			}
		}
	}
	names := []string{"nothing"}
	for i, info := range offered[:min(len(offered), 8)] {
		names = append(names[:i], strconv.Itoa(int(info.EType)))
	}
	return nil, fmt.Errorf("the KDC offers no encryption type that is taken here (offered: %s; taken: %v)", strings.Join(names, ", "), x.etypes)
}

// etypeInfo2 returns the ETYPE-INFO2 among pas (RFC 4120 §5.2.7.5), nil if there is none that can be read.
func etypeInfo2(pas []types.PAData) types.ETypeInfo2 {
	for _, pa := range pas {
		if pa.PADataType != paETypeInfo2 {
			continue
		}
		var infos types.ETypeInfo2
		if err := fenced(func() error { return infos.Unmarshal(pa.PADataValue) }); err == nil {
			return infos
		}
	}
	return nil
}

// replyKey returns the key of the answer's encrypted part. Its salt may stand in the answer, when there was no pre-authentication.
func (x *ASExchange) replyKey(rep *kdcRep) (Key, error) {
	etype := rep.EncPart.EType
	if !slices.Contains(x.etypes, etype) {
		return Key{}, fmt.Errorf("the KDC answered with encryption type %d, which was not asked for", etype)
	}
	info := &types.ETypeInfo2Entry{EType: etype}
	if x.info != nil && x.info.EType == etype {
		info = x.info
	}
	for _, said := range etypeInfo2(rep.PAData) {
		if said.EType == etype {
			info = &said
			break
		}
	}
	err := x.makeKey(info)
	return x.key, err
}

// makeKey makes the client's key for info.
func (x *ASExchange) makeKey(info *types.ETypeInfo2Entry) error {
	if x.info != nil && x.info.EType == info.EType && x.info.Salt == info.Salt && string(x.info.S2KParams) == string(info.S2KParams) {
		return nil
	}
	var key Key
	if len(x.cfg.Keys) > 0 {
		found := x.fromKeys(info.EType)
		key = Key{EType: found.EType, Value: slices.Clone(found.Value)}
	} else {
		var err error
		if key, err = x.fromPassword(info); err != nil {
			return err
		}
	}
	x.key.destroy()
	x.key, x.info = key, info
	return nil
}

// fromKeys returns the client's newest key of a type, and one without a value if there is none.
func (x *ASExchange) fromKeys(etype int32) Key {
	var newest ServiceKey
	for _, k := range x.cfg.Keys {
		if k.Key.EType == etype && k.Principal.Equal(x.cfg.Client) && (newest.Key.Value == nil || k.KVNO > newest.KVNO) {
			newest = k
		}
	}
	return newest.Key
}

// fromPassword makes a key of the password (RFC 3962 §4, RFC 8009 §4).
func (x *ASExchange) fromPassword(info *types.ETypeInfo2Entry) (Key, error) {
	et, err := crypto.GetEtype(info.EType)
	if err != nil {
		return Key{}, err
	}
	params := et.GetDefaultStringToKeyParams()
	if len(info.S2KParams) > 0 {
		params = hex.EncodeToString(info.S2KParams)
		if err := checkIterations(info); err != nil {
			return Key{}, err
		}
	}
	salt := info.Salt
	if salt == "" {
		salt = x.client.Realm + strings.Join(x.client.Components, "")
	}
	var value []byte
	err = fenced(func() (err error) {
		value, err = et.StringToKey(x.cfg.Password(), salt, params)
		return err
	})
	if err != nil {
		return Key{}, fmt.Errorf("the key of the password: %w", err)
	}
	return Key{EType: info.EType, Value: value}, nil
}

// checkIterations refuses a count that would keep us busy, and one that would make the password cheap to guess for whoever plays the KDC.
func checkIterations(info *types.ETypeInfo2Entry) error {
	if len(info.S2KParams) != 4 {
		return fmt.Errorf("the KDC's parameters of the key have %d octets, want 4", len(info.S2KParams))
	}
	least := uint32(4096) // RFC 3962 §4
	if info.EType == ETypeAES128SHA2 || info.EType == ETypeAES256SHA2 {
		least = 32768 // RFC 8009 §4
	}
	if n := binary.BigEndian.Uint32(info.S2KParams); n < least || n > maxIterations {
		return fmt.Errorf("the KDC asks for %d iterations to make the key, not between %d and %d", n, least, maxIterations)
	}
	return nil
}
