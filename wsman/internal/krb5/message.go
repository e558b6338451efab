package krb5

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/types"
)

// maxMessage bounds a message in octets. A ticket with the groups of a user of Active Directory stays below Windows' own limit
// of MaxTokenSize, which is 65535 at most.
const maxMessage = 64 << 10

// Application tags of RFC 4120 §5.10, which are also the numbers of the messages that have one, and its version number.
const (
	tagTicket        = 1
	tagAuthenticator = 2
	tagEncTicketPart = 3
	tagAPReq         = 14
	tagAPRep         = 15
	tagEncAPRepPart  = 27
	tagError         = 30
	versionNumber    = 5
)

// apReq is KRB_AP_REQ (RFC 4120 §5.5.1). The ticket stays as the KDC wrote it.
type apReq struct {
	PVNO          int                 `asn1:"explicit,tag:0"`
	MsgType       int                 `asn1:"explicit,tag:1"`
	Options       asn1.BitString      `asn1:"explicit,tag:2"`
	Ticket        asn1.RawValue       `asn1:"explicit,tag:3"`
	Authenticator types.EncryptedData `asn1:"explicit,tag:4"`
}

// apRep is KRB_AP_REP (RFC 4120 §5.5.2).
type apRep struct {
	PVNO    int                 `asn1:"explicit,tag:0"`
	MsgType int                 `asn1:"explicit,tag:1"`
	EncPart types.EncryptedData `asn1:"explicit,tag:2"`
}

// encAPRepPart is what is encrypted in it.
type encAPRepPart struct {
	CTime     time.Time           `asn1:"generalized,explicit,tag:0"`
	Cusec     int                 `asn1:"explicit,tag:1"`
	Subkey    types.EncryptionKey `asn1:"optional,explicit,tag:2"`
	SeqNumber int64               `asn1:"optional,explicit,tag:3"`
}

// marshal writes v with an application tag around it.
func marshal(tag int, v any) ([]byte, error) {
	b, err := asn1.Marshal(v)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(asn1.RawValue{Class: asn1.ClassApplication, IsCompound: true, Tag: tag, Bytes: b})
}

// unmarshal reads into v all of b, which has an application tag.
func unmarshal(b []byte, tag int, v any) error {
	if len(b) > maxMessage {
		return fmt.Errorf("%d octets are more than %d", len(b), maxMessage)
	}
	return fenced(func() error {
		rest, err := asn1.UnmarshalWithParams(b, v, fmt.Sprintf("application,explicit,tag:%d", tag))
		if err == nil && len(rest) > 0 {
			err = errors.New("something follows the message")
		}
		return err
	})
}

// fenced calls f, which hands a peer's octets to gokrb5, and makes an error of its panic.
func fenced(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("malformed message: %v", r)
		}
	}()
	return f()
}

// principal returns a name of gokrb5 and its realm as ours.
func principal(n types.PrincipalName, realm string) Principal {
	return Principal{NameType: n.NameType, Components: slices.Clone(n.NameString), Realm: realm}
}

// principalName returns the name of p, without its realm, as gokrb5's.
func principalName(p Principal) types.PrincipalName {
	return types.PrincipalName{NameType: p.NameType, NameString: slices.Clone(p.Components)}
}

// encryptedData encrypts v, with its application tag.
func encryptedData(k Key, usage uint32, tag int, v any) (types.EncryptedData, error) {
	b, err := marshal(tag, v)
	if err != nil {
		return types.EncryptedData{}, err
	}
	ciphertext, err := k.encrypt(usage, b)
	return types.EncryptedData{EType: k.EType, Cipher: ciphertext}, err
}

// decrypted decrypts e and reads what is in it, which has an application tag.
func decrypted[T any](k Key, usage uint32, tag int, e types.EncryptedData) (*T, error) {
	if e.EType != k.EType {
		return nil, fmt.Errorf("encryption type %d in place of %d", e.EType, k.EType)
	}
	b, err := k.decrypt(usage, e.Cipher)
	if err != nil {
		return nil, err
	}
	v := new(T)
	return v, unmarshal(b, tag, v)
}
