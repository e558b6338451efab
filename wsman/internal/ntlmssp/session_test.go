package ntlmssp_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// TestUnsealRefused has every way to tamper with a sealed message. After each, the session is of no use, both ways.
func TestUnsealRefused(t *testing.T) {
	const first, second = "the first message", "the second message"
	for _, tt := range []struct {
		name, want string
		signature  int
		tamper     func(first, second, third []byte) []byte
	}{
		{"replayed", "sequence number 0, want 1", 16, func(a, _, _ []byte) []byte { return a }},
		{"left out", "sequence number 2, want 1", 16, func(_, _, c []byte) []byte { return c }},
		{"truncated", "verify", 16, func(_, b, _ []byte) []byte { return b[:len(b)-1] }},
		{"longer", "verify", 16, func(_, b, _ []byte) []byte { return append(b, 0) }},
		{"without text", "verify", 16, func(_, b, _ []byte) []byte { return b[:16] }},
		{"half a signature", "signature of 16", 16, func(_, b, _ []byte) []byte { return b[:15] }},
		{"nothing", "signature of 16", 16, func(_, _, _ []byte) []byte { return nil }},
		{"short signature", "signature of 15", 15, func(_, b, _ []byte) []byte { return b }},
		{"long signature", "signature of 60", 60, func(_, b, _ []byte) []byte { return b }},
		{"negative signature", "signature of -1", -1, func(_, b, _ []byte) []byte { return b }},
		{"another's text", "verify", 16, func(_, b, c []byte) []byte { return append(b[:16:16], c[16:]...) }},
		{"in clear", "verify", 16, func(_, b, _ []byte) []byte { return append(b[:16:16], second...) }},
		{"signature of zeros", "sequence number 0", 16, func(_, b, _ []byte) []byte { clear(b[:16]); return b }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, server := pair(t)
			a, b, c := seal(t, server, first), seal(t, server, second), seal(t, server, "the third message")
			if _, err := client.Unseal(bytes.Clone(a), 16); err != nil {
				t.Fatal(err)
			}
			refuses(t, client, tt.tamper(a, b, c), tt.signature, tt.want)
		})
	}
}

// TestReflected sends a client what it sealed itself.
func TestReflected(t *testing.T) {
	client, _ := pair(t)
	refuses(t, client, seal(t, client, "message"), 16, "verify")
}

// TestOtherSession unseals with the keys of another session.
func TestOtherSession(t *testing.T) {
	cc := clientConfig()
	cc.Rand = nil
	c, s, _, _, auth := tokens(t, cc, serverConfig())
	step(t, s, auth)
	_, server := pair(t)
	refuses(t, c.Context(), seal(t, server, "message"), 16, "verify")
}

// refuses shows that token does not verify and that it ends the session.
func refuses(t *testing.T, c sealed.Context, token []byte, signature int, want string) {
	t.Helper()
	text, err := c.Unseal(token, signature)
	if err == nil || text != nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("Unseal = %q, %v, want an error with %q", text, err, want)
	}
	over(t, c, err)
}

// over shows that the session does nothing any more, and why.
func over(t *testing.T, c sealed.Context, why error) {
	t.Helper()
	var errs [4]error
	_, _, errs[0] = c.Seal(nil, []byte("message"))
	_, errs[1] = c.Unseal(make([]byte, 32), 16)
	_, errs[2] = c.MIC([]byte("message"))
	errs[3] = c.VerifyMIC([]byte("message"), make([]byte, 16))
	for i, err := range errs {
		if err == nil || err.Error() != why.Error() {
			t.Errorf("use %d after the end: %v, want %v", i, err, why)
		}
	}
}

// TestUnsealAltered changes each bit of a sealed message.
func TestUnsealAltered(t *testing.T) {
	for bit := range 8 * (16 + 5) {
		client, server := pair(t)
		token := seal(t, server, "hello")
		token[bit/8] ^= 1 << (bit % 8)
		if text, err := client.Unseal(token, 16); err == nil || text != nil {
			t.Errorf("bit %d changed: %q", bit, text)
		} else if bytes.Contains(token, []byte("hell")) || bytes.Contains(token, []byte("ello")) {
			t.Errorf("bit %d changed: the text is left behind", bit)
		}
	}
}

// TestMIC shows what MS-SPNG 3.3.5.1 wants of mechListMIC: it takes a sequence number, and the octets of the sealing handle that
// the first message takes again.
func TestMIC(t *testing.T) {
	plainClient, _ := pair(t)
	want := seal(t, plainClient, "message")

	client, server := pair(t)
	list := []byte("list of mechanisms")
	for _, way := range [][2]sealed.Context{{client, server}, {server, client}} {
		mic, err := way[0].MIC(list)
		if err != nil || len(mic) != 16 {
			t.Fatalf("MIC = %x, %v", mic, err)
		}
		if err := way[1].VerifyMIC(list, mic); err != nil {
			t.Fatal(err)
		}
	}
	got := seal(t, client, "message")
	if n := binary.LittleEndian.Uint32(got[12:]); n != 1 {
		t.Errorf("sequence number %d of the first message, want 1", n)
	}
	if !bytes.Equal(got[16:], want[16:]) || bytes.Equal(got[4:12], want[4:12]) {
		t.Errorf("sealed %x, want the text of %x under another checksum", got, want)
	}
	if text, err := server.Unseal(got, 16); err != nil || string(text) != "message" {
		t.Errorf("Unseal = %q, %v", text, err)
	}
	talk(t, client, server)
}

func TestVerifyMICRefused(t *testing.T) {
	for name, tamper := range map[string]func(mic []byte) []byte{
		"altered":      func(mic []byte) []byte { mic[5] ^= 1; return mic },
		"of version 2": func(mic []byte) []byte { mic[0] = 2; return mic },
		"renumbered":   func(mic []byte) []byte { mic[12] = 1; return mic },
		"short":        func(mic []byte) []byte { return mic[:15] },
		"long":         func(mic []byte) []byte { return append(mic, 0) },
		"missing":      func([]byte) []byte { return nil },
	} {
		client, server := pair(t)
		mic, err := server.MIC([]byte("list"))
		if err != nil {
			t.Fatal(err)
		}
		err = client.VerifyMIC([]byte("list"), tamper(mic))
		if err == nil {
			t.Errorf("MIC %s verifies", name)
			continue
		}
		over(t, client, err)
	}
	client, server := pair(t)
	mic, err := server.MIC([]byte("list"))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.VerifyMIC([]byte("another list"), mic); err == nil {
		t.Error("MIC of another message verifies")
	}
}

// TestSealAllocates counts what a message costs beyond its room.
func TestSealAllocates(t *testing.T) {
	client, server := pair(t)
	message, room := make([]byte, 4096), make([]byte, 0, 8192)
	if n := testing.AllocsPerRun(100, func() {
		out, signature, err := client.Seal(room, message)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := server.Unseal(out, signature); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per message", n)
	}
}
