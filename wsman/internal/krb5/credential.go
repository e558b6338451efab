package krb5

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Principal is the name of a user or a service with its realm (RFC 4120 §6).
type Principal struct {
	// NameType is one of the NameType constants; a hint that does not take part in comparisons.
	NameType int32
	// Components are what "/" separates: HTTP and hv01 of HTTP/hv01.
	Components []string
	Realm      string
}

// Name types (RFC 4120 §6.2).
const (
	NameTypePrincipal int32 = 1 // a user
	NameTypeService   int32 = 2 // krbtgt, or another service with an instance
	NameTypeHost      int32 = 3 // a service with the name of a host
)

// Name returns the principal without its realm, such as HTTP/hv01.
func (p Principal) Name() string { return strings.Join(p.Components, "/") }

// String returns the principal as a user writes it, such as me@CORP.EXAMPLE. It holds what a peer or a file wrote.
func (p Principal) String() string {
	if p.Realm == "" {
		return p.Name()
	}
	return p.Name() + "@" + p.Realm
}

// Equal compares realm and components, in their letter case, and no name type (RFC 4120 §6.2).
func (p Principal) Equal(q Principal) bool {
	return p.Realm == q.Realm && slices.Equal(p.Components, q.Components)
}

// TGS returns the principal of the ticket-granting service of realm for clients of the realm of origin.
func TGS(realm, origin string) Principal {
	return Principal{NameType: NameTypeService, Components: []string{"krbtgt", realm}, Realm: origin}
}

// A Key is an encryption key. It prints as REDACTED.
type Key struct {
	// EType is the encryption type: 17 to 20 of RFC 3962 and RFC 8009.
	EType int32
	Value []byte
}

// The encryption types that this package takes; all others are refused.
const (
	ETypeAES128SHA1 int32 = 17
	ETypeAES256SHA1 int32 = 18
	ETypeAES128SHA2 int32 = 19
	ETypeAES256SHA2 int32 = 20
)

// Taken tells whether the key is of an encryption type that this package takes.
func (k Key) Taken() bool {
	_, err := profileOf(k.EType)
	return err == nil
}

// String says REDACTED.
func (Key) String() string { return "REDACTED" }

// Format says REDACTED for every verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("REDACTED")) }

// destroy overwrites the key.
func (k *Key) destroy() { clear(k.Value) }

// A Credential is a ticket with its session key: for a service, or for a ticket-granting service.
type Credential struct {
	Client, Server Principal
	Key            Key
	// AuthTime, StartTime and EndTime bound the life of the ticket; RenewTill is zero when it cannot be renewed.
	// StartTime may be zero, which means AuthTime.
	AuthTime, StartTime, EndTime, RenewTill time.Time
	// Flags are the ticket's (RFC 4120 §5.3), the first bit of the standard being the highest.
	Flags uint32
	// Ticket is the ticket in DER, as the KDC made it.
	Ticket []byte
}

// Format says whose credential it is, and no key and no ticket, for every verb.
func (c *Credential) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "credential of %s for %s until %s", c.Client, c.Server, c.EndTime.UTC().Format(time.RFC3339))
}

// ValidAt tells whether the ticket's life includes t. A ticket made by a clock a little ahead of ours has begun (RFC 4120 §1.6).
func (c *Credential) ValidAt(t time.Time) bool {
	return t.Before(c.EndTime) && !t.Add(maxSkew).Before(c.StartTime)
}

// Destroy overwrites the session key.
func (c *Credential) Destroy() { c.Key.destroy() }
