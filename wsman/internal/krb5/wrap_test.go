package krb5_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// seal returns a token of c for plaintext.
func seal(tb testing.TB, c sealed.Context, plaintext string) []byte {
	tb.Helper()
	token, _, err := c.Seal(nil, []byte(plaintext))
	if err != nil {
		tb.Fatalf("Seal: %v", err)
	}
	return token
}

// checkRefused checks that c refuses a token, and then anything.
func checkRefused(tb testing.TB, c sealed.Context, token []byte, want string) {
	tb.Helper()
	got, err := c.Unseal(token, 0)
	if err == nil || got != nil || !strings.Contains(err.Error(), want) {
		tb.Errorf("Unseal = %q, %v, want an error with %q", got, err, want)
	}
	const dead = "unusable"
	if _, err := c.Unseal(token, 0); err == nil || !strings.Contains(err.Error(), dead) {
		tb.Errorf("Unseal after an error: %v, want %q", err, dead)
	}
	if _, _, err := c.Seal(nil, nil); err == nil || !strings.Contains(err.Error(), dead) {
		tb.Errorf("Seal after an error: %v, want %q", err, dead)
	}
	if _, err := c.MIC(nil); err == nil || !strings.Contains(err.Error(), dead) {
		tb.Errorf("MIC after an error: %v, want %q", err, dead)
	}
	if err := c.VerifyMIC(nil, nil); err == nil || !strings.Contains(err.Error(), dead) {
		tb.Errorf("VerifyMIC after an error: %v, want %q", err, dead)
	}
}

// TestSeal sends messages of many lengths both ways, in the layout of facts/auth.md §4.
func TestSeal(t *testing.T) {
	signatures := map[int32]int{17: 60, 18: 60, 19: 64, 20: 72}
	for _, etype := range etypes {
		t.Run(fmt.Sprint(etype), func(t *testing.T) {
			client, server := establish(t, etype)
			for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 100, 4097, 65536, 400_000} {
				plaintext := bytes.Repeat([]byte("abcdefg"), n/7+1)[:n]
				for _, way := range []struct{ from, to sealed.Context }{{client, server}, {server, client}} {
					sent := bytes.Clone(plaintext)
					out, signature, err := way.from.Seal([]byte("before"), sent)
					if err != nil || signature != signatures[etype] || len(out) != len("before")+signature+n || string(out[:6]) != "before" {
						t.Fatalf("Seal of %d octets = %d octets, signature %d, %v", n, len(out), signature, err)
					}
					if n > 15 && bytes.Contains(out, plaintext[:15]) || !bytes.Equal(sent, plaintext) {
						t.Errorf("Seal of %d octets left the plaintext in the token, or changed it", n)
					}
					got, err := way.to.Unseal(out[6:], signature)
					if err != nil || !bytes.Equal(got, plaintext) {
						t.Fatalf("Unseal of %d octets = %d octets, %v", n, len(got), err)
					}
				}
			}
		})
	}
}

// TestSealHeader checks what a token says of itself (RFC 4121 §4.2.6.2).
func TestSealHeader(t *testing.T) {
	client, server := establish(t, krb5.ETypeAES256SHA1)
	first, second, answer := seal(t, client, "x"), seal(t, client, "x"), seal(t, server, "x")
	if want := []byte{5, 4, 6, 0xff, 0, 0, 0, 28}; !bytes.Equal(first[:8], want) {
		t.Errorf("header of the client = %x, want %x", first[:8], want)
	}
	if want := []byte{5, 4, 7, 0xff, 0, 0, 0, 28}; !bytes.Equal(answer[:8], want) {
		t.Errorf("header of the server = %x, want %x", answer[:8], want)
	}
	if a, b := binary.BigEndian.Uint64(first[8:]), binary.BigEndian.Uint64(second[8:]); a >= 1<<30 || b != a+1 {
		t.Errorf("numbers %d and %d, want two in a row that begin below 2^30", a, b)
	}
	if bytes.Equal(first[16:], second[16:]) {
		t.Error("two tokens for one message are alike")
	}
}

func TestUnsealTampered(t *testing.T) {
	for _, etype := range etypes {
		t.Run(fmt.Sprint(etype), func(t *testing.T) {
			client, _ := establish(t, etype)
			for i := range len(seal(t, client, "a message")) {
				client, server := establish(t, etype)
				token := seal(t, client, "a message")
				token[i] ^= 1
				checkRefused(t, server, token, "")
			}
		})
	}
}

// TestUnsealHeaderBits alters every bit of the header.
func TestUnsealHeaderBits(t *testing.T) {
	for bit := range 16 * 8 {
		client, server := establish(t, krb5.ETypeAES256SHA1)
		token := seal(t, client, "a message")
		token[bit/8] ^= 1 << (bit % 8)
		checkRefused(t, server, token, "")
	}
}

func TestUnsealTruncated(t *testing.T) {
	for n := range 60 + 9 {
		client, server := establish(t, krb5.ETypeAES256SHA1)
		checkRefused(t, server, seal(t, client, "a message")[:n], "")
	}
	client, server := establish(t, krb5.ETypeAES256SHA1)
	checkRefused(t, server, append(seal(t, client, "a message"), 0), "integrity")
}

// TestUnsealOrder has tokens that verify, but are not the next one of the peer.
func TestUnsealOrder(t *testing.T) {
	const etype = krb5.ETypeAES256SHA1
	t.Run("replayed", func(t *testing.T) {
		client, server := establish(t, etype)
		token := seal(t, client, "one")
		if got, err := server.Unseal(bytes.Clone(token), 60); err != nil || string(got) != "one" {
			t.Fatalf("Unseal = %q, %v", got, err)
		}
		checkRefused(t, server, token, "replayed, lost or out of order")
	})
	t.Run("reordered", func(t *testing.T) {
		client, server := establish(t, etype)
		_ = seal(t, client, "one")
		checkRefused(t, server, seal(t, client, "two"), "replayed, lost or out of order")
	})
	t.Run("reflected", func(t *testing.T) {
		client, _ := establish(t, etype)
		checkRefused(t, client, seal(t, client, "one"), "flags 0x06 in place of 0x07")
	})
	t.Run("of another session", func(t *testing.T) {
		client, _ := establish(t, etype)
		_, server := establish(t, etype)
		checkRefused(t, server, seal(t, client, "one"), "")
	})
	t.Run("a MIC in place of a message", func(t *testing.T) {
		client, server := establish(t, etype)
		mic, err := client.MIC(make([]byte, 100))
		if err != nil {
			t.Fatal(err)
		}
		checkRefused(t, server, append(mic, make([]byte, 100)...), "token 0x0404 in place of 0x0504")
	})
}

// rotated returns a token of ours with another rotation count, as a peer may choose it.
func rotated(token []byte, rrc int) []byte {
	header, body := bytes.Clone(token[:16]), token[16:]
	ours := int(binary.BigEndian.Uint16(header[6:]))
	straight := slices.Concat(body[ours:], body[:ours])
	binary.BigEndian.PutUint16(header[6:], uint16(rrc))
	cut := len(straight) - rrc%len(straight)
	return slices.Concat(header, straight[cut:], straight[:cut])
}

func TestUnsealRotated(t *testing.T) {
	for _, etype := range etypes {
		for _, text := range []string{"", "a message", strings.Repeat("long ", 1000)} {
			for _, rrc := range []int{0, 1, 12, 16, 28, 32, 40, 52, 53, 54, 1000, 65535} {
				client, server := establish(t, etype)
				got, err := server.Unseal(rotated(seal(t, client, text), rrc), 0)
				if err != nil || string(got) != text {
					t.Errorf("type %d, %d octets, RRC %d: %q, %v", etype, len(text), rrc, got, err)
				}
			}
		}
	}
}

func TestMIC(t *testing.T) {
	message := []byte("a list of mechanisms")
	for _, etype := range etypes {
		client, server := establish(t, etype)
		mic, err := client.MIC(message)
		if err != nil {
			t.Fatalf("MIC: %v", err)
		}
		if want := []byte{4, 4, 4, 0xff, 0xff, 0xff, 0xff, 0xff}; !bytes.Equal(mic[:8], want) {
			t.Errorf("header = %x, want %x", mic[:8], want)
		}
		if err := server.VerifyMIC(message, mic); err != nil {
			t.Errorf("VerifyMIC: %v", err)
		}
		// A MIC takes a number, so that the first message has the second one.
		if got, err := server.Unseal(seal(t, client, "next"), 60); err != nil || string(got) != "next" {
			t.Errorf("Unseal after a MIC = %q, %v", got, err)
		}
		if err := server.VerifyMIC(message, mic); err == nil || !strings.Contains(err.Error(), "replayed") {
			t.Errorf("VerifyMIC of the same: %v", err)
		}
		for i := range mic {
			client, server := establish(t, etype)
			mic, _ := client.MIC(message)
			short := mic[:i]
			if i%2 == 0 {
				short = bytes.Clone(mic)
				short[i] ^= 1
			}
			if err := server.VerifyMIC(message, short); err == nil {
				t.Errorf("VerifyMIC takes %x for %x", short, mic)
			}
			if err := server.VerifyMIC(message, mic); err == nil || !strings.Contains(err.Error(), "unusable") {
				t.Errorf("VerifyMIC after an error: %v", err)
			}
		}
		client, server = establish(t, etype)
		mic, _ = client.MIC(message)
		if err := server.VerifyMIC(message[1:], mic); err == nil || !strings.Contains(err.Error(), "integrity") {
			t.Errorf("VerifyMIC of another message: %v", err)
		}
	}
}

// TestSealAllocations holds the path of every message to the octets that it appends.
func TestSealAllocations(t *testing.T) {
	client, server := establish(t, krb5.ETypeAES256SHA1)
	plaintext, buf := make([]byte, 4096), make([]byte, 0, 8192)
	got := testing.AllocsPerRun(100, func() {
		out, signature, err := client.Seal(buf, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := server.Unseal(out, signature); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations for a message, want none", got)
	}
}
