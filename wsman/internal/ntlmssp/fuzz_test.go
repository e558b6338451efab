package ntlmssp_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
)

// mutations is how many each test of mutations makes.
const mutations = 20_000

// FuzzClient answers a CHALLENGE: token or error, and a context only with a token.
func FuzzClient(f *testing.F) {
	_, _, negotiate, challenge, auth := tokens(f, clientConfig(), serverConfig())
	for _, seed := range [][]byte{negotiate, challenge, auth, nil, rawChallenge(fullFlags, join(av(7, "12345678"), av(77, ""), end))} {
		f.Add(seed)
	}
	f.Fuzz(tryClient)
}

func tryClient(t *testing.T, challenge []byte) {
	t.Helper()
	c := ntlmssp.NewClient(clientConfig())
	step(t, c, nil)
	bounded(t, func() {
		out, err := c.Step(challenge)
		if (err == nil) != ntlmssp.IsToken(out) || (err == nil) != (c.Context() != nil) {
			t.Errorf("Step(%x) = %x, %v", challenge, out, err)
		}
	})
}

// FuzzServer takes both messages of a client.
func FuzzServer(f *testing.F) {
	_, _, negotiate, challenge, auth := tokens(f, clientConfig(), serverConfig())
	f.Add(negotiate, auth)
	f.Add(negotiate[:16], auth[:88])
	f.Add(challenge, negotiate)
	f.Add([]byte{}, []byte{})
	oem, names := bytes.Clone(negotiate), bytes.Clone(auth)
	oem[12], names[60] = oem[12]^3, names[60]^3 // OEM in place of UNICODE
	f.Add(oem, names)
	f.Fuzz(tryServer)
}

func tryServer(t *testing.T, negotiate, auth []byte) {
	t.Helper()
	s := ntlmssp.NewServer(serverConfig())
	bounded(t, func() {
		out, err := s.Step(negotiate)
		if (err == nil) != ntlmssp.IsToken(out) || s.Context() != nil {
			t.Errorf("Step(%x) = %x, %v", negotiate, out, err)
		}
		if err != nil {
			return
		}
		if out, err = s.Step(auth); out != nil || (err == nil) != (s.Context() != nil) {
			t.Errorf("Step(%x) = %x, %v", auth, out, err)
		}
	})
}

// FuzzUnseal takes sealed messages: only the one that the peer sealed verifies.
func FuzzUnseal(f *testing.F) {
	_, server := pair(f)
	f.Add(seal(f, server, "message"), 16)
	f.Add(seal(f, server, ""), 16)
	f.Add([]byte{}, -1)
	f.Fuzz(tryUnseal)
}

func tryUnseal(t *testing.T, token []byte, signature int) {
	t.Helper()
	client, server := pair(t)
	bounded(t, func() {
		in := bytes.Clone(token)
		text, err := client.Unseal(in, signature)
		if err != nil {
			if text != nil {
				t.Errorf("Unseal(%x) = %x, %v", token, text, err)
			}
			return
		}
		if want := seal(t, server, string(text)); !bytes.Equal(token, want) {
			t.Errorf("Unseal(%x) = %x, which seals as %x", token, text, want)
		}
	})
}

// TestMutations gives each reader of a peer's octets messages with a few octets changed.
func TestMutations(t *testing.T) {
	_, _, negotiate, challenge, auth := tokens(t, clientConfig(), serverConfig())
	_, server := pair(t)
	message := seal(t, server, "message")
	for name, try := range map[string]func(t *testing.T, r *rand.Rand){
		"challenge":    func(t *testing.T, r *rand.Rand) { t.Helper(); tryClient(t, mutate(r, challenge)) },
		"negotiate":    func(t *testing.T, r *rand.Rand) { t.Helper(); tryServer(t, mutate(r, negotiate), auth) },
		"authenticate": func(t *testing.T, r *rand.Rand) { t.Helper(); tryServer(t, negotiate, mutate(r, auth)) },
		"sealed":       func(t *testing.T, r *rand.Rand) { t.Helper(); tryUnseal(t, mutate(r, message), 16) },
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for range mutations {
				try(t, r)
			}
		})
	}
}
