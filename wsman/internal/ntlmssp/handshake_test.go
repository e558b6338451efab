package ntlmssp_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

func TestHandshake(t *testing.T) {
	long := strings.Repeat("ü", 1000)
	for _, tt := range []struct{ domain, user, password string }{
		{"CORP", "me", "secret"},
		{"", "me", "secret"},
		{"", "me@corp.example", "secret"},
		{"CORP", "me", ""},
		{"CORP", "jürgen.straße", "schlüssel€"},
		{"漢字", "😀𐐨", "😀"},
		{long, long, long},
	} {
		t.Run(fmt.Sprintf("%.20s-%.20s", tt.domain, tt.user), func(t *testing.T) {
			bindings := &sealed.ChannelBindings{1, 2, 3}
			cc, sc := clientConfig(), serverConfig()
			cc.Domain, cc.User, cc.Password, cc.Workstation = tt.domain, tt.user, func() string { return tt.password }, "ws"
			cc.ChannelBindings, sc.ChannelBindings = bindings, bindings
			cc.Rand, sc.Rand = nil, nil
			sc.Password = func(domain, user string) (string, bool) { return tt.password, domain == tt.domain && user == tt.user }
			c, s, _, _, auth := tokens(t, cc, sc)
			if s.Context() != nil {
				t.Error("the server has a context before AUTHENTICATE")
			}
			if out := step(t, s, auth); out != nil {
				t.Errorf("Step(AUTHENTICATE) = %x, want no token", out)
			}
			if domain, user := s.User(); domain != tt.domain || user != tt.user {
				t.Errorf("User() = %q, %q", domain, user)
			}
			talk(t, c.Context(), s.Context())
		})
	}
}

// talk sends messages of all sizes both ways.
func talk(t *testing.T, client, server sealed.Context) {
	t.Helper()
	for _, size := range []int{0, 1, 15, 16, 17, 4097, 65536} {
		message := make([]byte, size)
		if _, err := rand.Read(message); err != nil {
			t.Fatal(err)
		}
		for _, way := range [][2]sealed.Context{{client, server}, {server, client}} {
			out, n, err := way[0].Seal([]byte("before"), message)
			if err != nil || !bytes.HasPrefix(out, []byte("before")) {
				t.Fatalf("Seal of %d octets = %.16x, %v", size, out, err)
			}
			if size > 15 && bytes.Contains(out, message) {
				t.Fatalf("Seal of %d octets left them in clear", size)
			}
			got, err := way[1].Unseal(out[len("before"):], n)
			if err != nil || !bytes.Equal(got, message) {
				t.Fatalf("Unseal of %d octets: %v", size, err)
			}
		}
	}
}

// TestRandom shows that the default source of challenges and keys is a random one.
func TestRandom(t *testing.T) {
	cc, sc := clientConfig(), serverConfig()
	cc.Rand, sc.Rand = nil, nil
	_, _, _, challenge1, auth1 := tokens(t, cc, sc)
	_, _, _, challenge2, auth2 := tokens(t, cc, sc)
	if bytes.Equal(challenge1, challenge2) || bytes.Equal(auth1[len(auth1)-16:], auth2[len(auth2)-16:]) {
		t.Error("two handshakes are alike")
	}
}

// TestNoRandom ends handshakes whose source of random octets fails at each of its reads.
func TestNoRandom(t *testing.T) {
	_, _, negotiate, challenge, _ := tokens(t, clientConfig(), serverConfig())
	for _, n := range []int64{0, 7, 8, 23} {
		cc := clientConfig()
		cc.Rand = io.LimitReader(zeros{}, n)
		c := ntlmssp.NewClient(cc)
		step(t, c, nil)
		if out, err := c.Step(challenge); err == nil || out != nil || c.Context() != nil {
			t.Errorf("client with %d random octets: %x, %v", n, out, err)
		}
	}
	sc := serverConfig()
	sc.Rand = io.LimitReader(zeros{}, 7)
	if out, err := ntlmssp.NewServer(sc).Step(negotiate); err == nil {
		t.Errorf("server with 7 random octets: %x", out)
	}
}

// TestOrder gives both sides tokens at the wrong time.
func TestOrder(t *testing.T) {
	c, s, negotiate, challenge, auth := tokens(t, clientConfig(), serverConfig())
	step(t, s, auth)
	for name, h := range map[string]sealed.Handshake{"client": c, "server": s} {
		for _, token := range [][]byte{nil, negotiate, challenge, auth} {
			if out, err := h.Step(token); err == nil {
				t.Errorf("%s after the end: Step(%.12q) = %x", name, token, out)
			}
		}
	}
	if out, err := ntlmssp.NewClient(clientConfig()).Step(challenge); err == nil {
		t.Errorf("client before NEGOTIATE: %x", out)
	}
	for _, token := range [][]byte{nil, challenge, auth} {
		if out, err := ntlmssp.NewServer(serverConfig()).Step(token); err == nil {
			t.Errorf("server before NEGOTIATE: Step(%.12q) = %x", token, out)
		}
	}
	// After an error no token is good any more.
	c = ntlmssp.NewClient(clientConfig())
	step(t, c, nil)
	if _, err := c.Step([]byte("garbage")); err == nil {
		t.Fatal("garbage taken for a CHALLENGE")
	}
	if out, err := c.Step(challenge); err == nil || c.Context() != nil {
		t.Errorf("client after an error: %x", out)
	}
	s = ntlmssp.NewServer(serverConfig())
	if _, err := s.Step([]byte("garbage")); err == nil {
		t.Fatal("garbage taken for a NEGOTIATE")
	}
	if out, err := s.Step(negotiate); err == nil {
		t.Errorf("server after an error: %x", out)
	}
}

// TestPasswordAsked shows that a CHALLENGE that is refused does not even reach for the password.
func TestPasswordAsked(t *testing.T) {
	cc, asked := clientConfig(), 0
	cc.Password = func() string { asked++; return password }
	for _, challenge := range [][]byte{[]byte("garbage"), rawChallenge(0, nil), rawChallenge(fullFlags, nil)} {
		c := ntlmssp.NewClient(cc)
		step(t, c, nil)
		if out, err := c.Step(challenge); err == nil {
			t.Errorf("Step(%x) = %x", challenge, out)
		}
	}
	if asked != 0 {
		t.Errorf("the password was asked for %d times", asked)
	}
	tokens(t, cc, serverConfig())
	if asked != 1 {
		t.Errorf("the password was asked for %d times, want 1", asked)
	}
}

// TestPrints greps what printers make of every value for the password, its hash and the sealing state.
func TestPrints(t *testing.T) {
	c, s, _, _, auth := tokens(t, clientConfig(), serverConfig())
	step(t, s, auth)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, v := range []any{c, s, c.Context(), s.Context()} {
			got := fmt.Sprintf(verb, v)
			for _, secret := range []string{password, "hunter2", fmt.Sprintf("%x", password)} {
				if strings.Contains(got, secret) {
					t.Errorf("%s of %T holds the password", verb, v)
				}
			}
		}
		if got := fmt.Sprintf(verb, c.Context()); got != "NTLM session" {
			t.Errorf("%s of a context = %.40q", verb, got)
		}
	}
}

func TestNames(t *testing.T) {
	c, s := ntlmssp.NewClient(clientConfig()), ntlmssp.NewServer(serverConfig())
	for _, got := range []string{fmt.Sprint(c.OIDs()), fmt.Sprint(s.OIDs())} {
		if want := "[1.3.6.1.4.1.311.2.2.10]"; got != want {
			t.Errorf("OIDs() = %s, want %s", got, want)
		}
	}
	for in, want := range map[string]bool{"NTLMSSP\x00\x01": true, "NTLMSSP": false, "": false, "ntlmssp\x00": false} {
		if got := ntlmssp.IsToken([]byte(in)); got != want {
			t.Errorf("IsToken(%q) = %v", in, got)
		}
	}
	if c.Context() != nil || s.Context() != nil {
		t.Error("a context before any token")
	}
	err := error(&ntlmssp.FlagsError{Message: "CHALLENGE", Missing: []string{"A", "B"}})
	if got, want := err.Error(), "CHALLENGE lacks A, B"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

// fullFlags are those of a Windows server's CHALLENGE, without VERSION.
const fullFlags = 0xe0888235

// TestStripped takes each flag, and all of them, from each message.
func TestStripped(t *testing.T) {
	all := []struct {
		flag uint32
		name string
	}{
		{1, "NTLMSSP_NEGOTIATE_UNICODE"},
		{1 << 4, "NTLMSSP_NEGOTIATE_SIGN"},
		{1 << 5, "NTLMSSP_NEGOTIATE_SEAL"},
		{1 << 19, "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY"},
		{1 << 23, "NTLMSSP_NEGOTIATE_TARGET_INFO"},
		{1 << 29, "NTLMSSP_NEGOTIATE_128"},
		{1 << 30, "NTLMSSP_NEGOTIATE_KEY_EXCH"},
	}
	check := func(t *testing.T, err error, message string, want ...string) {
		t.Helper()
		got, ok := errors.AsType[*ntlmssp.FlagsError](err)
		if !ok {
			t.Fatalf("%s without %v: %v", message, want, err)
		}
		if diff := cmp.Diff(&ntlmssp.FlagsError{Message: message, Missing: want}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	var names []string
	for _, f := range all {
		names = append(names, f.name)
		c := ntlmssp.NewClient(clientConfig())
		step(t, c, nil)
		out, err := c.Step(rawChallenge(fullFlags&^f.flag, make([]byte, 4)))
		check(t, err, "CHALLENGE", f.name)
		if out != nil || c.Context() != nil {
			t.Errorf("CHALLENGE without %s: answered with %x", f.name, out)
		}
		if f.flag == 1<<23 {
			continue // target info is the server's to send
		}
		_, s, negotiate, _, auth := tokens(t, clientConfig(), serverConfig())
		clearFlag(negotiate[12:], f.flag)
		_, err = ntlmssp.NewServer(serverConfig()).Step(negotiate)
		check(t, err, "NEGOTIATE", f.name)
		clearFlag(auth[60:], f.flag)
		_, err = s.Step(auth)
		check(t, err, "AUTHENTICATE", f.name)
	}
	c := ntlmssp.NewClient(clientConfig())
	step(t, c, nil)
	_, err := c.Step(rawChallenge(0, nil)[:32]) // what servers before NTLMv2 send
	check(t, err, "CHALLENGE", names...)
}

// clearFlag takes a flag from the flags that b begins with.
func clearFlag(b []byte, flag uint32) {
	for i := range 4 {
		b[i] &^= byte(flag >> (8 * i))
	}
}
