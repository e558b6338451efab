package krb5

// These tests are inside the package because they play peers that say what ours never says.

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

var (
	testNow    = time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)
	testClient = Principal{NameType: NameTypePrincipal, Components: []string{"me"}, Realm: "CORP.EXAMPLE"}
	testServer = Principal{NameType: NameTypeService, Components: []string{"HTTP", "hv01"}, Realm: "CORP.EXAMPLE"}
)

func testClock() time.Time { return testNow }

func forged(tb testing.TB) *Credential {
	tb.Helper()
	c, err := Forge(Forgery{
		Client: testClient, Server: testServer, ServiceKey: ServiceKey{Key: testKey(18)}, EType: ETypeAES256SHA1,
		StartTime: testNow, EndTime: testNow.Add(time.Hour),
	}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// started returns an initiator whose AP-REQ is out.
func started(tb testing.TB) *Initiator {
	tb.Helper()
	i := NewInitiator(InitiatorConfig{Credential: forged(tb), Now: testClock})
	if _, err := i.Step(nil); err != nil {
		tb.Fatal(err)
	}
	return i
}

// apReply returns the AP-REP that holds what part returns for the right one.
func apReply(tb testing.TB, i *Initiator, edit func(part *encAPRepPart, rep *apRep)) []byte {
	tb.Helper()
	part := encAPRepPart{CTime: i.ctime, Cusec: i.cusec, SeqNumber: 7}
	rep := apRep{PVNO: versionNumber, MsgType: tagAPRep}
	edit(&part, &rep)
	encrypted, err := encryptedData(i.cfg.Credential.Key, usageAPRep, tagEncAPRepPart, part)
	if err != nil {
		tb.Fatal(err)
	}
	if rep.EncPart.EType == 0 {
		rep.EncPart = encrypted
	}
	b, err := marshal(tagAPRep, rep)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestAPRep(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(part *encAPRepPart, rep *apRep)
		want string // of the error
	}{
		{"right", func(*encAPRepPart, *apRep) {}, ""},
		{"without a number", func(p *encAPRepPart, _ *apRep) { p.SeqNumber = 0 }, ""},
		{"negative number", func(p *encAPRepPart, _ *apRep) { p.SeqNumber = -1 << 31 }, ""},
		{"subkey", func(p *encAPRepPart, _ *apRep) { p.Subkey = types.EncryptionKey{KeyType: 17, KeyValue: counting(16)} }, ""},
		{"another second", func(p *encAPRepPart, _ *apRep) { p.CTime = p.CTime.Add(time.Second) }, "its time differs"},
		{"another microsecond", func(p *encAPRepPart, _ *apRep) { p.Cusec++ }, "its time differs"},
		{"long number", func(p *encAPRepPart, _ *apRep) { p.SeqNumber = 1 << 32 }, "more than 32 bits"},
		{"long negative number", func(p *encAPRepPart, _ *apRep) { p.SeqNumber = -1<<31 - 1 }, "more than 32 bits"},
		{"RC4 subkey", func(p *encAPRepPart, _ *apRep) { p.Subkey = types.EncryptionKey{KeyType: 23, KeyValue: counting(16)} }, "type 23 is not one of AES"},
		{"short subkey", func(p *encAPRepPart, _ *apRep) { p.Subkey = types.EncryptionKey{KeyType: 18, KeyValue: counting(3)} }, "32 octets, not 3"},
		{"version", func(_ *encAPRepPart, r *apRep) { r.PVNO = 4 }, "version 4"},
		{"message type", func(_ *encAPRepPart, r *apRep) { r.MsgType = 14 }, "message type 14"},
		{"RC4", func(_ *encAPRepPart, r *apRep) { r.EncPart = types.EncryptedData{EType: 23, Cipher: counting(40)} }, "type 23 in place of 18"},
		{"one octet", func(_ *encAPRepPart, r *apRep) { r.EncPart = types.EncryptedData{EType: 18, Cipher: counting(1)} }, "1 octets is too short"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := started(t)
			_, err := i.Step(apReply(t, i, tt.edit))
			if tt.want == "" {
				if err != nil || i.Context() == nil {
					t.Errorf("Step: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || i.Context() != nil {
				t.Errorf("Step: %v, want %q", err, tt.want)
			}
		})
	}
}

// TestSubkeys checks which key and which flag messages have after an AP-REP with a key of the service, and without.
func TestSubkeys(t *testing.T) {
	for _, tt := range []struct {
		name  string
		key   types.EncryptionKey
		flags byte
	}{
		{"the client's", types.EncryptionKey{}, flagSealed},
		{"the service's", types.EncryptionKey{KeyType: 19, KeyValue: counting(16)}, flagSealed | withSubkey},
	} {
		i := started(t)
		if _, err := i.Step(apReply(t, i, func(p *encAPRepPart, _ *apRep) { p.Subkey = tt.key })); err != nil {
			t.Fatal(err)
		}
		key := i.subkey
		if tt.key.KeyType != 0 {
			key = Key{EType: tt.key.KeyType, Value: tt.key.KeyValue}
		}
		service, err := newSession(sessionConfig{
			key: key, acceptorSubkey: tt.key.KeyType != 0, acceptor: true, sendSeq: 7, receiveSeq: i.seq, random: randomOr(nil),
		})
		if err != nil {
			t.Fatal(err)
		}
		token, _, _ := i.Context().Seal(nil, []byte("hello"))
		if token[2] != tt.flags {
			t.Errorf("%s: flags %#02x, want %#02x", tt.name, token[2], tt.flags)
		}
		if got, err := service.Unseal(token, 0); err != nil || string(got) != "hello" {
			t.Errorf("%s: Unseal = %q, %v", tt.name, got, err)
		}
		token, _, _ = service.Seal(nil, []byte("answer"))
		if got, err := i.Context().Unseal(token, 0); err != nil || string(got) != "answer" {
			t.Errorf("%s: Unseal of the answer = %q, %v", tt.name, got, err)
		}
	}
}

// TestAPReq has tickets and authenticators that an honest client does not make.
func TestAPReq(t *testing.T) {
	type parts struct {
		ticket messages.EncTicketPart
		auth   types.Authenticator
		req    apReq
	}
	for _, tt := range []struct {
		name string
		edit func(*parts)
		want string
	}{
		{"right", func(*parts) {}, ""},
		{"no start time", func(p *parts) { p.ticket.StartTime = time.Time{} }, ""},
		{"no start time, future login", func(p *parts) {
			p.ticket.StartTime, p.ticket.AuthTime = time.Time{}, p.ticket.EndTime
		}, "KRB_AP_ERR_TKT_NYV"},
		{"not validated", func(p *parts) { p.ticket.Flags.Bytes[0] |= ticketInvalid }, "KRB_AP_ERR_TKT_NYV"},
		{"another client", func(p *parts) { p.auth.CName.NameString = []string{"you"} }, "KRB_AP_ERR_BADMATCH"},
		{"another realm", func(p *parts) { p.auth.CRealm = "EVIL" }, "KRB_AP_ERR_BADMATCH"},
		{"RC4 session key", func(p *parts) { p.ticket.Key = types.EncryptionKey{KeyType: 23, KeyValue: counting(16)} }, "KDC_ERR_ETYPE_NOSUPP"},
		{"another session key", func(p *parts) { p.ticket.Key.KeyValue = counting(32) }, "KRB_AP_ERR_BAD_INTEGRITY"},
		{"no mutual authentication", func(p *parts) { p.auth.Cksum.Checksum[20] &^= flagMutual }, "without mutual"},
		{"DCE style", func(p *parts) { p.auth.Cksum.Checksum[21] |= flagDCEStyle >> 8 }, "DCE style"},
		{"checksum of another type", func(p *parts) { p.auth.Cksum.CksumType = 16 }, "type 0x10 in place of 0x8003"},
		{"no checksum", func(p *parts) { p.auth.Cksum = types.Checksum{} }, "type 0x0"},
		{"short checksum", func(p *parts) { p.auth.Cksum.Checksum = counting(23) }, "malformed checksum"},
		{"long bindings", func(p *parts) { p.auth.Cksum.Checksum[0] = 17 }, "malformed checksum"},
		{"delegation after it", func(p *parts) { p.auth.Cksum.Checksum = append(p.auth.Cksum.Checksum, 1, 0, 0, 0) }, ""},
		{"long number", func(p *parts) { p.auth.SeqNumber = 1 << 40 }, "more than 32 bits"},
		{"mutual authentication not required", func(p *parts) { p.req.Options.Bytes[0] &^= optionMutual }, "without mutual"},
		{"no options", func(p *parts) { p.req.Options = asn1.BitString{} }, "without mutual"},
		{"user to user", func(p *parts) { p.req.Options.Bytes[0] |= optionSessionKey }, "user-to-user"},
		{"version", func(p *parts) { p.req.PVNO = 4 }, "version 4"},
		{"message type", func(p *parts) { p.req.MsgType = 15 }, "message type 15"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := started(t)
			c := i.cfg.Credential
			auth, err := i.authenticator()
			if err != nil {
				t.Fatal(err)
			}
			p := parts{
				ticket: messages.EncTicketPart{
					Flags: asn1.BitString{Bytes: []byte{0, 0, 0, 0}, BitLength: 32}, Key: types.EncryptionKey{KeyType: c.Key.EType, KeyValue: c.Key.Value},
					CRealm: testClient.Realm, CName: principalName(testClient),
					AuthTime: testNow.Truncate(time.Second), StartTime: testNow.Truncate(time.Second), EndTime: testNow.Add(time.Hour).Truncate(time.Second),
				},
				auth: auth,
				req: apReq{
					PVNO: versionNumber, MsgType: tagAPReq, Options: asn1.BitString{Bytes: []byte{optionMutual, 0, 0, 0}, BitLength: 32},
				},
			}
			tt.edit(&p)
			p.req.Authenticator = must(encryptedData(c.Key, usageAPReq, tagAuthenticator, p.auth))(t)
			ticket := messages.Ticket{TktVNO: 5, Realm: testServer.Realm, SName: principalName(testServer)}
			ticket.EncPart = must(encryptedData(testKey(18), usageTicket, tagEncTicketPart, p.ticket))(t)
			p.req.Ticket = asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Tag: 3, Bytes: must(marshal(tagTicket, ticket))(t)}
			a := NewAcceptor(AcceptorConfig{Keys: []ServiceKey{{Key: testKey(18)}}, Now: testClock})
			_, err = a.Step(must(marshal(tagAPReq, p.req))(t))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Step: %v, want %q", err, tt.want)
			}
			if (a.Context() != nil) != (tt.want == "") {
				t.Errorf("Context = %v", a.Context())
			}
		})
	}
}

// must returns v, for a test in which err is nil.
func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// peerToken returns a wrap token of the peer of s with octets of filler after the data, not rotated, and the header that inner
// makes of the outer one encrypted in it (RFC 4121 §4.2.4).
func peerToken(s *session, data string, filler int, inner func(header []byte)) []byte {
	d := &s.in
	h := d.header(idWrap)
	binary.BigEndian.PutUint16(h[4:], uint16(filler))
	body := append(make([]byte, confounderSize), data...)
	body = append(body, bytes.Repeat([]byte("F"), filler)...)
	body = append(body, h[:]...)
	inner(body[len(body)-headerSize:])
	sum := d.seal.encrypt(body)
	return append(append(h[:], body...), sum...)
}

func TestUnsealOfPeers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		filler int
		inner  func(h []byte)
		outer  func(token []byte)
		want   string // an error, or the message
	}{
		{"plain", 0, func([]byte) {}, func([]byte) {}, "hello"},
		{"filler", 16, func([]byte) {}, func([]byte) {}, "hello"},
		{"much filler", 60_000, func([]byte) {}, func([]byte) {}, "hello"},
		{"encrypted RRC", 0, func(h []byte) { h[7] = 28 }, func([]byte) {}, "hello"},
		{"unknown flag", 0, func(h []byte) { h[2] |= 0x40 }, func(b []byte) { b[2] |= 0x40 }, "hello"},
		{"claimed filler", 0, func(h []byte) { h[5] = 6 }, func(b []byte) { b[5] = 6 }, "filler longer"},
		{"other filler", 0, func([]byte) {}, func(b []byte) { b[5] = 1 }, "differs from its encrypted copy"},
		{"other number inside", 0, func(h []byte) { h[15]++ }, func([]byte) {}, "differs from its encrypted copy"},
		{"other flags inside", 0, func(h []byte) { h[2] ^= flagSealed }, func([]byte) {}, "differs from its encrypted copy"},
		{"other kind inside", 0, func(h []byte) { h[0] = 4 }, func([]byte) {}, "differs from its encrypted copy"},
		{"not sealed", 0, func(h []byte) { h[2] &^= flagSealed }, func(b []byte) { b[2] &^= flagSealed }, "flags 0x01 in place of 0x03"},
		{"high number", 0, func(h []byte) { h[8] = 1 }, func(b []byte) { b[8] = 1 }, "out of order"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := newSession(sessionConfig{key: testKey(18), receiveSeq: 7, random: randomOr(nil)})
			if err != nil {
				t.Fatal(err)
			}
			token := peerToken(s, "hello", tt.filler, tt.inner)
			tt.outer(token)
			got, err := s.Unseal(token, 0)
			if err != nil {
				got = []byte(err.Error())
			}
			if !strings.Contains(string(got), tt.want) || (err == nil) != (tt.want == "hello") || err == nil && len(got) != 5 {
				t.Errorf("Unseal = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestNumbersBeyond32Bits counts on where the first number was the highest.
func TestNumbersBeyond32Bits(t *testing.T) {
	cfg := sessionConfig{key: testKey(18), sendSeq: 1<<32 - 1, receiveSeq: 1<<32 - 1, random: randomOr(nil)}
	client := must(newSession(cfg))(t)
	cfg.acceptor = true
	server := must(newSession(cfg))(t)
	for _, want := range []uint64{1<<32 - 1, 1 << 32, 1<<32 + 1} {
		token, _, err := client.Seal(nil, nil)
		if got := binary.BigEndian.Uint64(token[8:]); err != nil || got != want {
			t.Errorf("number %d, %v, want %d", got, err, want)
		}
		if _, err := server.Unseal(token, 0); err != nil {
			t.Errorf("Unseal of number %d: %v", want, err)
		}
	}
}

// TestForge reads the ticket as the service it is for would, and the credential as its client.
func TestForge(t *testing.T) {
	f := Forgery{
		Client: testClient, Server: testServer, ServiceKey: ServiceKey{KVNO: 3, Key: testKey(19)}, EType: ETypeAES256SHA2,
		StartTime: testNow, EndTime: testNow.Add(time.Hour),
	}
	c, err := Forge(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	var ticket messages.Ticket
	if err := unmarshal(c.Ticket, tagTicket, &ticket); err != nil {
		t.Fatal(err)
	}
	if server := principal(ticket.SName, ticket.Realm); !server.Equal(testServer) || ticket.EncPart.KVNO != 3 || ticket.EncPart.EType != 19 {
		t.Errorf("ticket for %v by key %d of type %d, want %v, 3, 19", server, ticket.EncPart.KVNO, ticket.EncPart.EType, testServer)
	}
	part := must(decrypted[messages.EncTicketPart](testKey(19), usageTicket, tagEncTicketPart, ticket.EncPart))(t)
	if part.Key.KeyType != 20 || !bytes.Equal(part.Key.KeyValue, c.Key.Value) || !part.EndTime.Equal(c.EndTime) {
		t.Errorf("ticket with a key of type %d until %v, and a credential until %v", part.Key.KeyType, part.EndTime, c.EndTime)
	}
	if flags := binary.BigEndian.Uint32(part.Flags.Bytes); flags != c.Flags || flags != 0x00600000 {
		t.Errorf("flags %#x and %#x, want 0x600000", flags, c.Flags)
	}
	if !c.ValidAt(testNow) || c.ValidAt(testNow.Add(2*time.Hour)) || !c.Client.Equal(testClient) || !c.Server.Equal(testServer) {
		t.Errorf("%v", c)
	}
	f.EType = 23
	if _, err := Forge(f, nil); err == nil {
		t.Error("Forge with a session key of RC4 has no error")
	}
	f.EType, f.ServiceKey.Key.EType = 18, 23
	if _, err := Forge(f, nil); err == nil {
		t.Error("Forge with a service key of RC4 has no error")
	}
}

func TestFenced(t *testing.T) {
	err := fenced(func() error {
		_ = counting(3)[len(t.Name())]
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "malformed message") {
		t.Errorf("fenced(index out of range) = %v", err)
	}
}

// TestAcceptorSubkeyFlag: tokens say whether their key is the acceptor's (RFC 4121 §4.2.2), and one that says the other is refused,
// though its checksum is right.
func TestAcceptorSubkeyFlag(t *testing.T) {
	for _, subkey := range []bool{false, true} {
		cfg := sessionConfig{key: testKey(18), acceptorSubkey: subkey, random: randomOr(nil)}
		due := fromAcceptor
		if subkey {
			due |= withSubkey
		}
		fresh := func(acceptor bool) *session {
			cfg.acceptor = acceptor
			return must(newSession(cfg))(t)
		}
		acceptor := fresh(true)
		if token, _, err := acceptor.Seal(nil, nil); err != nil || token[2] != due|flagSealed {
			t.Errorf("subkey %v: Seal with flags %#02x, %v, want %#02x", subkey, token[2], err, due|flagSealed)
		}
		if token, err := acceptor.MIC(nil); err != nil || token[2] != due {
			t.Errorf("subkey %v: MIC with flags %#02x, %v, want %#02x", subkey, token[2], err, due)
		}

		for _, flip := range []byte{0, withSubkey} {
			s := fresh(false)
			s.in.flags ^= flip // peerToken speaks so
			token := peerToken(s, "hello", 0, func([]byte) {})
			h := s.in.header(idMIC)
			mic := append(h[:], s.in.mic([]byte("hello"), h[:])...)
			if _, err := fresh(false).Unseal(token, 0); (err == nil) != (flip == 0) {
				t.Errorf("subkey %v, flag altered by %#02x: Unseal: %v", subkey, flip, err)
			}
			if err := fresh(false).VerifyMIC([]byte("hello"), mic); (err == nil) != (flip == 0) {
				t.Errorf("subkey %v, flag altered by %#02x: VerifyMIC: %v", subkey, flip, err)
			}
		}
	}
}
