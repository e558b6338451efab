package ntlmssp

// In the package: it makes AUTHENTICATE messages that no Client makes.

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// A forger makes AUTHENTICATE messages that are right but for what a test changes.
type forger struct {
	user, password string
	info           avPairs
	// change is applied to the message before it is encoded, and patch to the token.
	change func(a *authenticate)
	patch  func(token []byte) []byte
	mic    bool
}

// forgedKey is the session key of every forger.
var forgedKey = key{1, 2, 3}

// authenticate answers s, which has taken negotiate.
func (f *forger) authenticate(t *testing.T, negotiate, challenge []byte) []byte {
	t.Helper()
	nonce := [8]byte(challenge[24:])
	a := &authenticate{flags: sealing, domain: text(t, "CORP"), user: text(t, f.user)}
	info, err := f.info.encode()
	if err != nil {
		t.Fatal(err)
	}
	k := passwordKey(text(t, f.password), a.user, a.domain)
	response := clientChallenge(make([]byte, 8), [8]byte{}, info)
	p := proof(&k, nonce, response)
	a.nt = append(p[:], response...)
	base, exported := baseKey(&k, &p), forgedKey
	encrypted, err := exchangeKey(&base, exported[:])
	if err != nil {
		t.Fatal(err)
	}
	a.sessionKey = encrypted[:]
	if f.change != nil {
		f.change(a)
	}
	token, err := a.encode()
	if err != nil {
		t.Fatal(err)
	}
	if f.mic {
		mic := messageMIC(&exported, negotiate, challenge, token)
		copy(token[micStart:], mic[:])
	}
	if f.patch != nil {
		token = f.patch(token)
	}
	return token
}

// TestServer judges forged messages. A nil want means that the user is let in; errAny, that the error is of no type.
func TestServer(t *testing.T) {
	errAny := errors.New("any")
	bindings := sealed.ChannelBindings{1}
	announce := avPair{avFlags, []byte{2, 0, 0, 0}}
	bound := func(b byte) avPairs { return avPairs{{avChannelBindings, append([]byte{b}, make([]byte, 15)...)}} }
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:n] } }
	field := func(at int, n uint16, offset uint32) func([]byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint16(b[at:], n)
			binary.LittleEndian.PutUint32(b[at+4:], offset)
			return b
		}
	}
	for _, tt := range []struct {
		name string
		f    forger
		want error
	}{
		{"plain", forger{}, nil},
		{"another user", forger{user: "you"}, ErrRefused},
		{"wrong password", forger{password: "wrong"}, ErrRefused},
		{"anonymous", forger{change: func(a *authenticate) { a.user, a.nt = nil, nil }}, errAny},
		{"NTLMv1", forger{change: func(a *authenticate) { a.nt = make([]byte, 24) }}, errAny},
		{"response of version 2", forger{change: func(a *authenticate) { a.nt[16] = 2 }}, errAny},
		{"response changed", forger{change: func(a *authenticate) { a.nt[30] ^= 1 }}, ErrRefused},
		{"proof changed", forger{change: func(a *authenticate) { a.nt[15] ^= 1 }}, ErrRefused},
		{"response without pairs", forger{change: func(a *authenticate) { a.nt = a.nt[:44] }}, errAny},
		{"no session key", forger{change: func(a *authenticate) { a.sessionKey = nil }}, errAny},
		{"long session key", forger{change: func(a *authenticate) { a.sessionKey = make([]byte, 17) }}, errAny},
		{"odd user", forger{change: func(a *authenticate) { a.user = []byte("odd") }}, errAny},
		{"odd domain", forger{change: func(a *authenticate) { a.domain = []byte("odd") }}, errAny},

		{"MIC", forger{info: avPairs{announce}, mic: true}, nil},
		{"MIC of zeros", forger{info: avPairs{announce}}, errAny},
		{"MIC changed", forger{info: avPairs{announce}, mic: true, patch: func(b []byte) []byte { b[micStart] ^= 1; return b }}, errAny},
		{"message changed under the MIC", forger{info: avPairs{announce}, mic: true, patch: func(b []byte) []byte { b[64] ^= 1; return b }}, errAny},
		{"MIC not announced", forger{mic: true, info: avPairs{{avFlags, []byte{1, 0, 0, 0}}}}, nil},
		{"wrong MIC not announced", forger{patch: func(b []byte) []byte { b[micStart] ^= 1; return b }}, nil},
		{"short flags", forger{info: avPairs{{avFlags, []byte{2, 0}}}}, errAny},

		{"bindings", forger{info: bound(1)}, nil},
		{"other bindings", forger{info: bound(2)}, ErrChannelBindings},
		{"bindings of zeros", forger{info: bound(0)}, nil},
		{"short bindings", forger{info: avPairs{{avChannelBindings, []byte{1}}}}, errAny},
		{"wrong password and bindings", forger{info: bound(2), password: "wrong"}, ErrRefused},

		{"nothing", forger{patch: cut(0)}, errAny},
		{"no flags", forger{patch: cut(63)}, errAny},
		{"no payload", forger{patch: cut(88)}, errAny},
		{"another type", forger{patch: func(b []byte) []byte { b[8] = 2; return b }}, errAny},
		{"user beyond the end", forger{patch: field(36, 2, 1<<31)}, errAny},
		{"response beyond the end", forger{patch: field(20, 0xffff, 88)}, errAny},
		{"offset of all bits", forger{patch: field(52, 16, 0xffffffff)}, errAny},
		{"empty field anywhere", forger{patch: field(12, 0, 0xffffffff)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := NewServer(ServerConfig{
				ComputerName: "HV01", ChannelBindings: &bindings,
				Password: func(domain, user string) (string, bool) { return "secret", domain == "CORP" && user == "me" },
				Now:      func() time.Time { return year2000 },
			})
			negotiate := encodeNegotiate()
			challenge, err := s.Step(negotiate)
			if err != nil {
				t.Fatal(err)
			}
			tt.f.user, tt.f.password = or(tt.f.user, "me"), or(tt.f.password, "secret")
			out, err := s.Step(tt.f.authenticate(t, negotiate, challenge))
			known := errors.Is(err, ErrRefused) || errors.Is(err, ErrChannelBindings)
			ok := errors.Is(err, tt.want)
			if errors.Is(tt.want, errAny) {
				ok = err != nil && !known
			}
			if out != nil || !ok {
				t.Errorf("Step = %x, %v, want %v", out, err, tt.want)
			}
			if (s.Context() == nil) != (err != nil) {
				t.Errorf("Context() = %v after %v", s.Context(), err)
			}
			if _, user := s.User(); errors.Is(err, ErrRefused) && user != tt.f.user {
				t.Errorf("User() = %q after a refusal, want %q", user, tt.f.user)
			}
		})
	}
}

// TestMICMissing announces a MIC in a message that ends before it, which needs fields that lie in its fixed part.
func TestMICMissing(t *testing.T) {
	s := NewServer(ServerConfig{ComputerName: "HV01"})
	for _, n := range []int{64, micStart, micEnd - 1} {
		if err := s.checkInfo(&key{}, avPairs{{avFlags, []byte{2, 0, 0, 0}}}, make([]byte, n)); err == nil {
			t.Errorf("a message of %d octets has a MIC", n)
		}
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// TestServerShort lets in a client whose message ends its fixed part before version and MIC, which it does not announce.
func TestServerShort(t *testing.T) {
	s := NewServer(ServerConfig{ComputerName: "HV01", Password: func(string, string) (string, bool) { return "secret", true }})
	negotiate := encodeNegotiate()[:16]
	challenge, err := s.Step(negotiate)
	if err != nil {
		t.Fatal(err)
	}
	f := forger{user: "me", password: "secret", patch: func(b []byte) []byte {
		const gone = authenticateLen - 64
		for at := 12; at < 60; at += 8 {
			binary.LittleEndian.PutUint32(b[at+4:], binary.LittleEndian.Uint32(b[at+4:])-gone)
		}
		return append(b[:64:64], b[authenticateLen:]...)
	}}
	if _, err := s.Step(f.authenticate(t, negotiate, challenge)); err != nil {
		t.Error(err)
	}
}

// TestServerNames reads the names in a CHALLENGE.
func TestServerNames(t *testing.T) {
	for _, tt := range []struct {
		cfg    ServerConfig
		target string
		flags  flags
		info   []string
	}{
		{ServerConfig{ComputerName: "HV01", DomainName: "CORP", DNSName: "hv01.corp.example"}, "CORP", flagTargetTypeDomain, []string{"CORP", "HV01", "hv01.corp.example"}},
		{ServerConfig{ComputerName: "HV01"}, "HV01", flagTargetTypeServer, []string{"HV01", "HV01"}},
	} {
		token, err := NewServer(tt.cfg).Step(encodeNegotiate())
		if err != nil {
			t.Fatal(err)
		}
		ch, err := decodeChallenge(token)
		if err != nil {
			t.Fatal(err)
		}
		target, err := field(token, 12)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeText(target); err != nil || got != tt.target {
			t.Errorf("target %q, %v, want %q", got, err, tt.target)
		}
		if got := ch.flags & (flagTargetTypeDomain | flagTargetTypeServer); got != tt.flags || ch.flags&offered != offered {
			t.Errorf("flags %#x, want %#x", ch.flags, offered|tt.flags)
		}
		for i, want := range tt.info {
			if got, err := decodeText(ch.info[i].value); err != nil || got != want {
				t.Errorf("AV pair %d = %q, %v, want %q", ch.info[i].id, got, err, want)
			}
		}
		if last := ch.info[len(ch.info)-1]; last.id != avTimestamp || len(ch.info) != len(tt.info)+1 {
			t.Errorf("%d AV pairs, the last %d", len(ch.info), last.id)
		}
	}
}
