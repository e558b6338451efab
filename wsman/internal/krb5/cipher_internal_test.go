package krb5

// These tests are inside the package because encryption by usage is not exported.

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/crypto/etype"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// counting returns n octets that count up.
func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func testKey(etype int32) Key {
	p, _ := profileOf(etype)
	return Key{EType: etype, Value: counting(p.keySize)}
}

var allETypes = []int32{ETypeAES128SHA1, ETypeAES256SHA1, ETypeAES128SHA2, ETypeAES256SHA2}

// TestCTSVectors has the values of RFC 3962 appendix B.
func TestCTSVectors(t *testing.T) {
	const text = "I would like the General Gau's Chicken, please, and wonton soup."
	for _, tt := range []struct {
		n    int
		want string
	}{
		{17, "c6353568f2bf8cb4d8a580362da7ff7f97"},
		{31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"},
		{32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"},
		{47, "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5"},
		{64, "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a84807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8"},
	} {
		c, err := newAESCTS([]byte("chicken teriyaki"))
		if err != nil {
			t.Fatal(err)
		}
		b := []byte(text[:tt.n])
		c.encrypt(b)
		if got := hex.EncodeToString(b); got != tt.want {
			t.Errorf("encrypt of %d octets = %s, want %s", tt.n, got, tt.want)
		}
		c.decrypt(b)
		if string(b) != text[:tt.n] {
			t.Errorf("decrypt of %d octets = %q, want %q", tt.n, b, text[:tt.n])
		}
	}
}

// TestSHA2Vectors has values of RFC 8009 appendix A: usage 2, plaintexts that count up.
func TestSHA2Vectors(t *testing.T) {
	const key128, key256 = "3705d96080c17728a0e800eab6e0d23c", "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52"
	for _, tt := range []struct {
		etype                 int32
		key, confounder, want string
		n                     int
	}{
		{ETypeAES128SHA2, key128, "7e5895eaf2672435bad817f545a37148", "ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718", 0},
		{ETypeAES128SHA2, key128, "a7a4e29a4728ce10664fb64e49ad3fac", "720f73b18d9859cd6ccb4346115cd336c70f58edc0c4437c5573544c31c813bce1e6d072c186b39a413c2f92ca9b8334a287ffcbfc", 21},
		{ETypeAES256SHA2, key256, "b80d3251c1f6471494256ffe712d0b9a", "4ed7b37c2bcac8f74f23c1cf07e62bc7b75fb3f637b9f559c7f664f69eab7b6092237526ea0d1f61cb20d69d10f2", 6},
		{ETypeAES256SHA2, key256, "53bf8a0d105265d4e276428624ce5e63", "bc47ffec7998eb91e8115cf8d19dac4bbbe2e163e87dd37f49beca92027764f68cf51f14d798c2273f35df574d1f932e40c4ff255b36a266", 16},
	} {
		c, err := newCrypter(Key{EType: tt.etype, Value: unhex(t, tt.key)}, 2)
		if err != nil {
			t.Fatal(err)
		}
		b := append(unhex(t, tt.confounder), counting(tt.n)...)
		got := hex.EncodeToString(append(b, c.encrypt(b)...))
		if got != tt.want {
			t.Errorf("type %d, %d octets: %s, want %s", tt.etype, tt.n, got, tt.want)
		}
	}
}

// TestChecksumVectors has values of RFC 8009 appendix A.
func TestChecksumVectors(t *testing.T) {
	for _, tt := range []struct {
		etype, kind int32
		key, want   string
	}{
		{ETypeAES128SHA2, 19, "3705d96080c17728a0e800eab6e0d23c", "d78367186643d67b411cba9139fc1dee"},
		{ETypeAES256SHA2, 20, "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52", "45ee791567eefca37f4ac1e0222de80d43c3bfa06699672a"},
	} {
		kind, sum, err := Key{EType: tt.etype, Value: unhex(t, tt.key)}.checksum(2, counting(21))
		if err != nil || kind != tt.kind || hex.EncodeToString(sum) != tt.want {
			t.Errorf("checksum = %d, %x, %v, want %d, %s", kind, sum, err, tt.kind, tt.want)
		}
	}
}

// gokrb5 returns the implementation that ours is compared with.
func gokrb5(tb testing.TB, id int32) etype.EType {
	tb.Helper()
	e, err := crypto.GetEtype(id)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// TestCipherAgainstGokrb5 lets each side read what the other encrypts.
func TestCipherAgainstGokrb5(t *testing.T) {
	for _, id := range allETypes {
		key, other := testKey(id), gokrb5(t, id)
		for n := range 201 {
			plaintext := counting(n)
			ours, err := key.encrypt(11, plaintext)
			if err != nil {
				t.Fatalf("encrypt: %v", err)
			}
			if got, err := other.DecryptMessage(key.Value, ours, 11); err != nil || !bytes.Equal(got, plaintext) {
				t.Fatalf("type %d, %d octets: gokrb5 reads %x, %v", id, n, got, err)
			}
			_, theirs, err := other.EncryptMessage(key.Value, plaintext, 11)
			if err != nil {
				t.Fatalf("EncryptMessage: %v", err)
			}
			if got, err := key.decrypt(11, theirs); err != nil || !bytes.Equal(got, plaintext) {
				t.Fatalf("type %d, %d octets: decrypt = %x, %v, want what gokrb5 encrypted", id, n, got, err)
			}
		}
		kind, sum, err := key.checksum(6, counting(50))
		if e, kindErr := crypto.GetChksumEtype(kind); err != nil || kindErr != nil || !e.VerifyChecksum(key.Value, counting(50), sum, 6) {
			t.Errorf("type %d: gokrb5 refuses checksum %x of type %d (%v)", id, sum, kind, err)
		}
	}
}

func TestDecryptTampered(t *testing.T) {
	for _, id := range allETypes {
		key := testKey(id)
		ciphertext, err := key.encrypt(11, counting(37))
		if err != nil {
			t.Fatal(err)
		}
		for i := range ciphertext {
			altered := bytes.Clone(ciphertext)
			altered[i] ^= 1
			if _, err := key.decrypt(11, altered); !errors.Is(err, errIntegrity) {
				t.Errorf("type %d: decrypt with octet %d altered: %v, want %v", id, i, err, errIntegrity)
			}
			if _, err := key.decrypt(11, ciphertext[:i]); err == nil {
				t.Errorf("type %d: decrypt of the first %d octets has no error", id, i)
			}
		}
		if _, err := key.decrypt(12, ciphertext); !errors.Is(err, errIntegrity) {
			t.Errorf("type %d: decrypt for another usage: %v, want %v", id, err, errIntegrity)
		}
		before := bytes.Clone(ciphertext)
		if _, err := key.decrypt(11, ciphertext); err != nil || !bytes.Equal(before, ciphertext) {
			t.Errorf("type %d: decrypt changed its input, or failed: %v", id, err)
		}
	}
}

func TestKeysRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		key  Key
		want string
	}{
		{"RC4", Key{EType: 23, Value: counting(16)}, "type 23 is not one of AES"},
		{"triple DES", Key{EType: 16, Value: counting(24)}, "type 16 is not one of AES"},
		{"none", Key{}, "type 0 is not one of AES"},
		{"short", Key{EType: 18, Value: counting(16)}, "has 32 octets, not 16"},
		{"long", Key{EType: 17, Value: counting(32)}, "has 16 octets, not 32"},
		{"what gokrb5 thinks", Key{EType: 20, Value: counting(24)}, "has 32 octets, not 24"},
	} {
		_, encryptErr := tt.key.encrypt(11, nil)
		_, decryptErr := tt.key.decrypt(11, make([]byte, 100))
		_, _, checksumErr := tt.key.checksum(11, nil)
		for _, err := range []error{encryptErr, decryptErr, checksumErr} {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			}
		}
	}
}

func TestNewKey(t *testing.T) {
	for _, id := range allETypes {
		key, err := newKey(id, nil)
		if _, profileErr := key.profile(); err != nil || profileErr != nil {
			t.Errorf("newKey(%d): %v, %v", id, err, profileErr)
		}
		if _, err := newKey(id, strings.NewReader("short")); err == nil {
			t.Errorf("newKey(%d) with 5 random octets has no error", id)
		}
	}
	if _, err := newKey(23, nil); err == nil {
		t.Error("newKey(23) has no error")
	}
}
