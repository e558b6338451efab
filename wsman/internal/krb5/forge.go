package krb5

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// A Forgery describes a ticket that no KDC has to make, because the maker of it knows the key of the service.
type Forgery struct {
	Client, Server Principal
	// ServiceKey encrypts the ticket.
	ServiceKey ServiceKey
	// EType is the encryption type of the session key.
	EType int32
	// StartTime and EndTime bound the life of the ticket, in whole seconds.
	StartTime, EndTime time.Time
}

// Flags of a forged ticket (RFC 4120 §5.3): INITIAL and PRE-AUTHENT.
const forgedFlags uint32 = 1<<(31-9) | 1<<(31-10)

// Forge makes a ticket and its session key, for tests without a KDC. A nil random is crypto/rand's.
func Forge(f Forgery, random io.Reader) (*Credential, error) {
	key, err := newKey(f.EType, random)
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	start, end := f.StartTime.UTC().Truncate(time.Second), f.EndTime.UTC().Truncate(time.Second)
	encrypted, err := encryptedData(f.ServiceKey.Key, usageTicket, tagEncTicketPart, messages.EncTicketPart{
		Flags:  asn1.BitString{Bytes: binary.BigEndian.AppendUint32(nil, forgedFlags), BitLength: 32},
		Key:    types.EncryptionKey{KeyType: key.EType, KeyValue: key.Value},
		CRealm: f.Client.Realm, CName: principalName(f.Client),
		AuthTime: start, StartTime: start, EndTime: end,
	})
	if err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	encrypted.KVNO = int(f.ServiceKey.KVNO)
	ticket, err := marshal(tagTicket, messages.Ticket{
		TktVNO: versionNumber, Realm: f.Server.Realm, SName: principalName(f.Server), EncPart: encrypted,
	})
	if err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	return &Credential{
		Client: f.Client, Server: f.Server, Key: key, Ticket: ticket, Flags: forgedFlags,
		AuthTime: start, StartTime: start, EndTime: end,
	}, nil
}
