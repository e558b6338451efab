package krb5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// A CCache is a ticket cache: what kinit writes and all programs of a user share.
type CCache struct {
	// Principal is whose tickets these are.
	Principal   Principal
	Credentials []*Credential
}

// The file of a ticket cache begins with 5 and its version (MIT krb5, "Credential cache file format").
const (
	fileFormat    = 5
	ccacheVersion = 4
)

// maxComponents bounds the components of a principal in a file. Real ones have one to three.
const maxComponents = 64

// DecodeCCache reads a ticket cache file of version 4, which all programs write now, or 3. The cache refers to b, so that
// [Credential.Destroy] overwrites the only copy of a key. Entries that hold settings rather than tickets, entries that were removed, and
// tickets for other users' sessions are left out. An error names the octet of the file.
func DecodeCCache(b []byte) (*CCache, error) {
	r := &fileReader{b: b}
	format, version := r.uint8(), r.uint8()
	switch {
	case r.err == nil && format != fileFormat:
		return nil, errors.New("octet 0: not a ticket cache")
	case r.err == nil && version != 3 && version != ccacheVersion:
		return nil, fmt.Errorf("octet 1: version %d of the format is not supported; 3 and 4 are", version)
	}
	if version == ccacheVersion {
		r.header()
	}
	c := &CCache{Principal: r.ccachePrincipal()}
	for r.err == nil && len(r.b) > 0 {
		if cred := r.credential(version); cred != nil {
			c.Credentials = append(c.Credentials, cred)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

// header skips the tags of version 4. The one that is known is a correction of the clock, which is not applied here.
func (r *fileReader) header() {
	from := r.at
	h := &fileReader{b: r.data16(), at: from + 2}
	for r.err == nil && len(h.b) > 0 {
		h.skip16() // the tag
		h.data16()
		r.err = h.err
	}
}

func (r *fileReader) ccachePrincipal() Principal {
	p := Principal{NameType: int32(r.uint32())} //nolint:gosec // the file holds the two's complement
	n := r.uint32()
	p.Realm = string(r.data32())
	p.Components = r.components(n, func() []byte { return r.data32() })
	return p
}

// credential reads one record. It returns nil for one that is of no use here, and after an error.
func (r *fileReader) credential(version uint8) *Credential {
	c := &Credential{Client: r.ccachePrincipal(), Server: r.ccachePrincipal()}
	at := r.at
	c.Key.EType = r.etype()
	if version == 3 {
		r.skip16() // the encryption type again
	}
	c.Key.Value = r.data32()
	c.AuthTime, c.StartTime, c.EndTime, c.RenewTill = r.time(), r.time(), r.time(), r.time()
	ofSession := r.uint8() != 0
	c.Flags = r.uint32()
	for range 2 { // addresses, then authorization data
		for n := r.uint32(); n > 0 && r.err == nil; n-- {
			r.skip16()
			r.data32()
		}
	}
	c.Ticket = r.data32()
	r.data32() // the second ticket, of a ticket for another user's session
	switch {
	case r.err != nil, ofSession, notTicket(c):
		return nil
	case !c.Key.fits():
		r.fail(at, "a key of %d octets for encryption type %d", len(c.Key.Value), c.Key.EType)
		return nil
	}
	return c
}

// notTicket tells whether MIT keeps a setting in c, or has marked it as removed (krb5 1.20, lib/krb5/ccache/cc_file.c).
func notTicket(c *Credential) bool {
	removed := c.EndTime.IsZero() && c.AuthTime.Unix() == math.MaxUint32
	return removed || strings.HasPrefix(c.Server.Realm, "X-CACHECONF:") || strings.HasPrefix(c.Server.Realm, "X-RMED-CONF:")
}

// Encode returns c as a file of version 4.
func (c *CCache) Encode() []byte {
	b := []byte{fileFormat, ccacheVersion, 0, 0} // no tags
	b = appendPrincipal(b, c.Principal)
	for _, cred := range c.Credentials {
		b = appendPrincipal(b, cred.Client)
		b = appendPrincipal(b, cred.Server)
		b = binary.BigEndian.AppendUint16(b, uint16(cred.Key.EType)) //nolint:gosec // the field has 16 bits
		b = append32(b, cred.Key.Value)
		for _, t := range []time.Time{cred.AuthTime, cred.StartTime, cred.EndTime, cred.RenewTill} {
			b = binary.BigEndian.AppendUint32(b, fileTime(t))
		}
		b = append(b, 0) // of no other user's session
		b = binary.BigEndian.AppendUint32(b, cred.Flags)
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // no addresses, no authorization data
		b = append32(b, cred.Ticket)
		b = append(b, 0, 0, 0, 0) // no second ticket
	}
	return b
}

func appendPrincipal(b []byte, p Principal) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(p.NameType))        //nolint:gosec // the file holds the two's complement
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.Components))) //nolint:gosec // no slice here is that long
	b = append32(b, []byte(p.Realm))
	for _, s := range p.Components {
		b = append32(b, []byte(s))
	}
	return b
}

func append32(b, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(data))) //nolint:gosec // no slice here is that long
	return append(b, data...)
}

// fileTime returns t as the file holds it: seconds since 1970 in 32 bits, 0 for no time.
func fileTime(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), math.MaxUint32))
}

// Find returns a ticket of c's own principal for server, or nil: one whose session key is of a type that is taken here before any other,
// of those one that is valid at now, and of those the one that lasts longest. A server without a realm is that of any realm. Letter case counts.
func (c *CCache) Find(server Principal, now time.Time) *Credential {
	var best *Credential
	for _, cred := range c.Credentials {
		want := server
		if want.Realm == "" {
			want.Realm = cred.Server.Realm
		}
		if cred.Client.Equal(c.Principal) && cred.Server.Equal(want) && (best == nil || better(cred, best, now)) {
			best = cred
		}
	}
	return best
}

func better(a, b *Credential, now time.Time) bool {
	if taken := a.Key.Taken(); taken != b.Key.Taken() {
		return taken
	}
	if valid := a.ValidAt(now); valid != b.ValidAt(now) {
		return valid
	}
	return a.EndTime.After(b.EndTime)
}

// TGT returns the ticket for the ticket-granting service of the principal's own realm, as Find does.
func (c *CCache) TGT(now time.Time) *Credential {
	return c.Find(TGS(c.Principal.Realm, c.Principal.Realm), now)
}

// A fileReader reads the fields of a file in turn. No length is believed beyond the end. After the first error all fields are zero and
// err stays.
type fileReader struct {
	b   []byte // what is left
	at  int    // the octet of the file where b begins
	err error
}

func (r *fileReader) fail(at int, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("octet %d: %s", at, fmt.Sprintf(format, args...))
		r.b = nil
	}
}

// next returns the next n octets, or nil.
func (r *fileReader) next(n uint32) []byte {
	if uint64(n) > uint64(len(r.b)) {
		r.fail(r.at, "truncated: a field of %d octets, of which %d are there", n, len(r.b))
		return nil
	}
	field := r.b[:n:n]
	r.b = r.b[n:]
	r.at += int(n)
	return field
}

func (r *fileReader) uint8() uint8 {
	if b := r.next(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *fileReader) uint16() uint16 {
	if b := r.next(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *fileReader) uint32() uint32 {
	if b := r.next(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *fileReader) skip16() { r.next(2) }

func (r *fileReader) data16() []byte { return r.next(uint32(r.uint16())) }

func (r *fileReader) data32() []byte { return r.next(r.uint32()) }

// etype reads an encryption type, of which some are negative.
func (r *fileReader) etype() int32 {
	return int32(int16(r.uint16())) //nolint:gosec // the file holds the two's complement
}

func (r *fileReader) time() time.Time {
	if sec := r.uint32(); sec != 0 {
		return time.Unix(int64(sec), 0).UTC()
	}
	return time.Time{}
}

// components reads n components of a principal.
func (r *fileReader) components(n uint32, next func() []byte) []string {
	if n > maxComponents {
		r.fail(r.at, "a principal of %d components", n)
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, string(next()))
	}
	return list
}
