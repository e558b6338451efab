package krb5_test

import (
	"fmt"
	"slices"
	"testing"
)

// benchmarkSize is that of a large answer.
const benchmarkSize = 64 << 10

func BenchmarkSeal(b *testing.B) {
	for _, etype := range etypes {
		b.Run(fmt.Sprint(etype), func(b *testing.B) {
			client, _ := establish(b, etype)
			plaintext := make([]byte, benchmarkSize)
			var buf []byte
			b.SetBytes(benchmarkSize)
			b.ReportAllocs()
			for b.Loop() {
				out, _, err := client.Seal(buf[:0], plaintext)
				if err != nil {
					b.Fatal(err)
				}
				buf = out
			}
		})
	}
}

// BenchmarkUnseal measures the receiver alone: tokens are sealed in batches with the clock stopped.
func BenchmarkUnseal(b *testing.B) {
	for _, etype := range etypes {
		b.Run(fmt.Sprint(etype), func(b *testing.B) {
			client, server := establish(b, etype)
			plaintext := make([]byte, benchmarkSize)
			batch := make([][]byte, 64)
			b.SetBytes(benchmarkSize)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%len(batch) == 0 {
					b.StopTimer()
					for i := range batch {
						batch[i], _, _ = client.Seal(slices.Grow(batch[i][:0], benchmarkSize+128), plaintext)
					}
					b.StartTimer()
				}
				if _, err := server.Unseal(batch[n%len(batch)], 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
