package ntlmssp_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"testing"
)

const benchSize = 64 << 10

// BenchmarkMD5RC4 is what the standard makes sealing cost: HMAC-MD5 over number and message, and RC4 over the message.
func BenchmarkMD5RC4(b *testing.B) {
	key, seq, message, out, sum := make([]byte, 16), make([]byte, 4), make([]byte, benchSize), make([]byte, benchSize), make([]byte, 0, 16)
	mac := hmac.New(md5.New, key)
	handle, err := rc4.NewCipher(key)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		mac.Reset()
		mac.Write(seq)
		mac.Write(message)
		mac.Sum(sum)
		handle.XORKeyStream(out, message)
	}
}

func BenchmarkSeal(b *testing.B) {
	client, _ := pair(b)
	message, room := make([]byte, benchSize), make([]byte, 0, benchSize+16)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := client.Seal(room, message); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnseal opens messages that were sealed while the clock stood.
func BenchmarkUnseal(b *testing.B) {
	client, server := pair(b)
	message, tokens := make([]byte, benchSize), make([][]byte, 64)
	for i := range tokens {
		tokens[i] = make([]byte, 0, benchSize+16)
	}
	b.SetBytes(benchSize)
	b.ReportAllocs()
	next := 0
	for b.Loop() {
		if next == 0 {
			b.StopTimer()
			for i, room := range tokens {
				var err error
				if tokens[i], _, err = server.Seal(room[:0], message); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
		}
		if _, err := client.Unseal(tokens[next], 16); err != nil {
			b.Fatal(err)
		}
		next = (next + 1) % len(tokens)
	}
}
