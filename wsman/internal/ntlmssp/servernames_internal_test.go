package ntlmssp

// In the package: no Client leaves out UNICODE or SEAL.

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// negotiateWith is a NEGOTIATE with some of the flags that a Client sends, and others.
func negotiateWith(without, with flags) []byte {
	b := encodeNegotiate()
	binary.LittleEndian.PutUint32(b[12:], uint32(offered&^without|with))
	return b
}

// corp knows CORP\me.
func corp() ServerConfig {
	return ServerConfig{
		ComputerName: "hv01", DomainName: "corp",
		Password: func(domain, user string) (string, bool) { return "secret", domain == "CORP" && user == "me" },
	}
}

// TestCharacterSet looks at what a server grants and how it writes its name.
func TestCharacterSet(t *testing.T) {
	for _, tt := range []struct {
		name          string
		without, with flags
		cfg           ServerConfig
		want          flags
		target        string
	}{
		{"Unicode", 0, 0, corp(), flagUnicode, "c\x00o\x00r\x00p\x00"},
		{"both", 0, flagOEM, corp(), flagUnicode, "c\x00o\x00r\x00p\x00"},
		{"OEM", flagUnicode, flagOEM, corp(), flagOEM, "CORP"},
		{"OEM without a domain", flagUnicode, flagOEM, ServerConfig{ComputerName: "hv01"}, flagOEM, "HV01"},
	} {
		token, err := NewServer(tt.cfg).Step(negotiateWith(tt.without, tt.with))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := flags(binary.LittleEndian.Uint32(token[20:])) & (flagUnicode | flagOEM); got != tt.want {
			t.Errorf("%s: granted %#x, want %#x", tt.name, got, tt.want)
		}
		if target, err := field(token, 12); err != nil || string(target) != tt.target {
			t.Errorf("%s: target %q, %v, want %q", tt.name, target, err, tt.target)
		}
		// The AV pairs are UTF-16 all the same.
		if b, err := field(token, 40); err != nil || string(b[4:8]) != tt.cfg.first() {
			t.Errorf("%s: AV pairs %q, %v", tt.name, b, err)
		}
	}
	for _, name := range []string{"söder", "bad\xff"} {
		cfg := corp()
		cfg.DomainName = name
		if token, err := NewServer(cfg).Step(negotiateWith(flagUnicode, flagOEM)); err == nil || token != nil {
			t.Errorf("domain %q in OEM: %q, %v", name, token, err)
		}
	}
}

// first returns the first two letters of the target's name in UTF-16.
func (c *ServerConfig) first() string {
	name := or(c.DomainName, c.ComputerName)
	return name[:1] + "\x00" + name[1:2] + "\x00"
}

// TestOEM lets in users whose names are OEM text.
func TestOEM(t *testing.T) {
	oem := func(domain, user string, set flags) func(*authenticate) {
		return func(a *authenticate) {
			a.domain, a.user, a.workstation = []byte(domain), []byte(user), []byte("\xe4")
			a.flags = a.flags&^flagUnicode | set
		}
	}
	for _, tt := range []struct {
		name    string
		f       forger
		want    error // nil: let in
		missing []string
	}{
		{"ASCII", forger{change: oem("CORP", "me", flagOEM)}, nil, nil},
		{"with a MIC", forger{change: oem("CORP", "me", flagOEM), info: avPairs{{avFlags, []byte{2, 0, 0, 0}}}, mic: true}, nil, nil},
		{"both sets named", forger{change: oem("CORP", "me", flagOEM|flagUnicode)}, nil, nil},
		{"wrong password", forger{password: "wrong", change: oem("CORP", "me", flagOEM)}, ErrRefused, nil},
		{"names in UTF-16", forger{change: func(a *authenticate) { a.flags |= flagOEM }}, ErrRefused, nil},
		{"user beyond ASCII", forger{change: oem("CORP", "m\x81", flagOEM)}, errOEM, nil},
		{"domain beyond ASCII", forger{change: oem("C\x99RP", "me", flagOEM)}, errOEM, nil},
		{"no set named", forger{change: oem("CORP", "me", 0)}, nil, []string{"NTLMSSP_NEGOTIATE_OEM"}},
		{"Unicode named", forger{change: oem("CORP", "me", flagUnicode)}, nil, []string{"NTLMSSP_NEGOTIATE_OEM"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, negotiate := NewServer(corp()), negotiateWith(flagUnicode, flagOEM)
			challenge, err := s.Step(negotiate)
			if err != nil {
				t.Fatal(err)
			}
			tt.f.user, tt.f.password = "me", or(tt.f.password, "secret")
			_, err = s.Step(tt.f.authenticate(t, negotiate, challenge))
			if e, ok := errors.AsType[*FlagsError](err); ok || tt.missing != nil {
				if want := (&FlagsError{Message: "AUTHENTICATE", Missing: tt.missing}); !cmp.Equal(want, e) {
					t.Errorf("Step = %v, want %v", err, want)
				}
				return
			}
			if !errors.Is(err, tt.want) || (s.Context() == nil) != (err != nil) {
				t.Errorf("Step = %v, context %v, want %v", err, s.Context(), tt.want)
			}
			if domain, user := s.User(); err == nil && (domain != "CORP" || user != "me") {
				t.Errorf("User() = %q, %q", domain, user)
			}
		})
	}
}

// TestSealOptional has clients that ask for no sealing, and one that does.
func TestSealOptional(t *testing.T) {
	for _, tt := range []struct {
		name        string
		optional    bool
		without     flags // of NEGOTIATE
		withoutLast flags // of AUTHENTICATE
		first, last []string
		sealing     bool
	}{
		{"required", false, flagSeal, 0, []string{"NTLMSSP_NEGOTIATE_SEAL"}, nil, false},
		{"optional", true, flagSeal, flagSeal, nil, nil, false},
		{"optional and asked for", true, 0, 0, nil, nil, true},
		{"asked for and then not", true, 0, flagSeal, nil, []string{"NTLMSSP_NEGOTIATE_SEAL"}, false},
		{"signing is not optional", true, flagSeal | flagSign, 0, []string{"NTLMSSP_NEGOTIATE_SIGN"}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := corp()
			cfg.SealOptional = tt.optional
			s, negotiate := NewServer(cfg), negotiateWith(tt.without, 0)
			challenge, err := s.Step(negotiate)
			if lacks(t, err, tt.first) {
				return
			}
			if got, want := binary.LittleEndian.Uint32(challenge[20:])&uint32(flagSeal), uint32(flagSeal&^tt.without); got != want {
				t.Errorf("SEAL granted: %#x, want %#x", got, want)
			}
			f := forger{user: "me", password: "secret", change: func(a *authenticate) { a.flags &^= tt.withoutLast }}
			_, err = s.Step(f.authenticate(t, negotiate, challenge))
			if lacks(t, err, tt.last) {
				return
			}
			client, err := newSession(&forgedKey, clientToServer, serverToClient)
			if err != nil {
				t.Fatal(err)
			}
			exchange(t, client, s, tt.sealing)
		})
	}
}

// lacks compares err with the flags that are missing, and tells whether any is.
func lacks(t *testing.T, err error, want []string) bool {
	t.Helper()
	if e, ok := errors.AsType[*FlagsError](err); ok && cmp.Equal(want, e.Missing) {
		return true
	}
	if err != nil || want != nil {
		t.Fatalf("Step: %v, want %v missing", err, want)
	}
	return false
}

// exchange sends MICs both ways, which always works, and then a sealed message each way.
func exchange(t *testing.T, client *session, s *Server, sealing bool) {
	t.Helper()
	message := []byte("message")
	mic, err := client.MIC(message)
	if err == nil {
		err = s.Context().VerifyMIC(message, mic)
	}
	if err == nil {
		mic, err = s.Context().MIC(message)
	}
	if err == nil {
		err = client.VerifyMIC(message, mic)
	}
	if err != nil {
		t.Fatalf("MIC: %v", err)
	}
	token, signature, err := client.Seal(nil, message)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Context().Unseal(token, signature); (err == nil) != sealing || (err == nil) != (string(got) == "message") {
		t.Errorf("Unseal = %q, %v; sealing %v", got, err, sealing)
	}
	if got, _, err := s.Context().Seal(nil, message); (err == nil) != sealing || (got == nil) == sealing {
		t.Errorf("Seal = %x, %v; sealing %v", got, err, sealing)
	}
}

// TestSigningSession refuses to seal, also before anything else went wrong.
func TestSigningSession(t *testing.T) {
	inner, err := newSession(&forgedKey, serverToClient, clientToServer)
	if err != nil {
		t.Fatal(err)
	}
	s := signingSession{inner}
	if out, _, err := s.Seal([]byte("before"), []byte("message")); !errors.Is(err, errNoSeal) || out != nil {
		t.Errorf("Seal = %q, %v", out, err)
	}
	if mic, err := s.MIC(nil); !errors.Is(err, errNoSeal) {
		t.Errorf("MIC = %x, %v after that", mic, err)
	}
}
