package sealed_test

import (
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

const benchSize = 64 << 10

func BenchmarkEncode(b *testing.B) {
	plaintext := make([]byte, benchSize)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealed.Encode(plainContext{}, sealed.ProtocolSPNEGO, soap, plaintext); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode decodes the same body again and again, which a context that does nothing leaves as it is.
func BenchmarkDecode(b *testing.B) {
	contentType := sealed.ContentType(sealed.ProtocolSPNEGO)
	body, err := sealed.Encode(plainContext{}, sealed.ProtocolSPNEGO, soap, make([]byte, benchSize))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := sealed.Decode(plainContext{}, contentType, body); err != nil {
			b.Fatal(err)
		}
	}
}
