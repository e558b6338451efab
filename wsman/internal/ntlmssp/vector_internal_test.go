package ntlmssp

// In the package: the standard's intermediate figures are values that no exported name gives.

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The values that all examples of MS-NLMP share (4.2.1), and the AV pairs of its NTLMv2 example (4.2.4).
const (
	vectorNonce    = "aaaaaaaaaaaaaaaa"
	vectorExported = "55555555555555555555555555555555"
	vectorServer   = "0123456789abcdef"
	vectorInfo     = "02000c0044006f006d00610069006e00" + "01000c00530065007200760065007200" + "00000000"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func text(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := encodeText(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestVectors compares with the figures of MS-NLMP 4.2.4.
func TestVectors(t *testing.T) {
	server, exported := [8]byte(unhex(t, vectorServer)), key(unhex(t, vectorExported))
	k := passwordKey(text(t, "Password"), text(t, "User"), text(t, "Domain"))
	response := clientChallenge(make([]byte, 8), [8]byte(unhex(t, vectorNonce)), unhex(t, vectorInfo))
	p := proof(&k, server, response)
	base := baseKey(&k, &p)
	lm := hmacMD5(k[:], server[:], unhex(t, vectorNonce))
	encrypted, err := exchangeKey(&base, exported[:])
	if err != nil {
		t.Fatal(err)
	}
	sign, seal := subKey(&exported, clientToServer, "signing"), subKey(&exported, clientToServer, "sealing")
	for _, v := range []struct {
		name, clause, want string
		got                key
	}{
		{"NTOWFv2", "4.2.4.1.1", "0c868a403bfd7a93a3001ef22ef02e3f", k},
		{"SessionBaseKey", "4.2.4.1.2", "8de40ccadbc14a82f15cb0ad0de95ca3", base},
		{"LMv2 response", "4.2.4.2.1", "86c35097ac9cec102554764a57cccc19", lm},
		{"NTProofStr", "4.2.4.2.2", "68cd0ab851e51c96aabc927bebef6a1c", p},
		{"EncryptedRandomSessionKey", "4.2.4.2.3", "c5dad2544fc9799094ce1ce90bc9d03e", encrypted},
		{"SEALKEY", "4.2.4.4", "59f600973cc4960a25480a7c196e4c58", seal},
		{"SIGNKEY", "4.2.4.4", "4788dc861b4782f35d43fd98fe1a2d39", sign},
	} {
		if got := hex.EncodeToString(v.got[:]); got != v.want {
			t.Errorf("%s (%s) = %s, want %s", v.name, v.clause, got, v.want)
		}
	}
}

// TestVectorSession seals and unseals the message of MS-NLMP 4.2.4.4.
func TestVectorSession(t *testing.T) {
	exported := key(unhex(t, vectorExported))
	client, err := newSession(&exported, clientToServer, serverToClient)
	if err != nil {
		t.Fatal(err)
	}
	server, err := newSession(&exported, serverToClient, clientToServer)
	if err != nil {
		t.Fatal(err)
	}
	plain := text(t, "Plaintext")
	want := unhex(t, "01000000"+"7fb38ec5c55d4976"+"00000000"+"54e50165bf1936dc996020c1811b0f06fb5f")
	got, n, err := client.Seal(nil, plain)
	if err != nil || n != signatureLen || !bytes.Equal(got, want) {
		t.Fatalf("Seal = %x, %d, %v, want %x", got, n, err, want)
	}
	back, err := server.Unseal(got, n)
	if err != nil || !bytes.Equal(back, plain) {
		t.Errorf("Unseal = %x, %v, want %x", back, err, plain)
	}
}

// TestVectorServer lets a server with the standard's challenge judge the responses of MS-NLMP 4.2.4.2, which announce no MIC.
func TestVectorServer(t *testing.T) {
	s := NewServer(ServerConfig{
		ComputerName: "Server", DomainName: "Domain",
		Password: func(domain, user string) (string, bool) { return "Password", domain == "Domain" && user == "User" },
		Rand:     bytes.NewReader(unhex(t, vectorServer)),
	})
	if _, err := s.Step(encodeNegotiate()); err != nil {
		t.Fatal(err)
	}
	a := &authenticate{
		flags:  0xe2888235,
		domain: text(t, "Domain"), user: text(t, "User"), workstation: text(t, "COMPUTER"),
		lm: unhex(t, "86c35097ac9cec102554764a57cccc19"+vectorNonce),
		nt: unhex(t, "68cd0ab851e51c96aabc927bebef6a1c"+"0101000000000000"+"0000000000000000"+vectorNonce+"00000000"+
			vectorInfo+"00000000"),
		sessionKey: unhex(t, "c5dad2544fc9799094ce1ce90bc9d03e"),
	}
	token, err := a.encode()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := s.Step(token); err != nil || out != nil {
		t.Fatalf("Step = %x, %v", out, err)
	}
	sealed := unhex(t, "01000000"+"7fb38ec5c55d4976"+"00000000"+"54e50165bf1936dc996020c1811b0f06fb5f")
	if got, err := s.Context().Unseal(sealed, signatureLen); err != nil || !bytes.Equal(got, text(t, "Plaintext")) {
		t.Errorf("Unseal = %x, %v", got, err)
	}
}

func TestFiletime(t *testing.T) {
	// 2000-01-01 00:00:00 UTC is 125911584000000000 (MS-DTYP 2.3.3: 100 ns since 1601).
	if got, want := filetime(year2000), unhex(t, "00406d25eb53bf01"); !bytes.Equal(got, want) {
		t.Errorf("filetime = %x, want %x", got, want)
	}
}
