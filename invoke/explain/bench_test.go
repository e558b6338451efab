package explain_test

import (
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// typical is a message of 270 bytes, as long as the line that tells the cause often is.
const typical = "The service that moves virtual machines could not reach host 'hv-b.example.test' over the network that is set up " +
	"for live migration, and stopped moving 'web-01' (virtual machine ID 7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11): nobody was " +
	"listening at all (0x8007274D), it said."

// BenchmarkExplain explains one message, once the tables are in use.
func BenchmarkExplain(b *testing.B) {
	if len(typical) != 270 {
		b.Fatalf("the message has %d bytes", len(typical))
	}
	b.ReportAllocs()
	for b.Loop() {
		if e := explain.Text(typical); len(e.Findings) != 1 {
			b.Fatal(e)
		}
	}
}

// BenchmarkCodes only looks for codes in the same message.
func BenchmarkCodes(b *testing.B) {
	b.SetBytes(int64(len(typical)))
	b.ReportAllocs()
	for b.Loop() {
		if found := explain.Codes(typical); len(found) != 1 {
			b.Fatal(found)
		}
	}
}

// BenchmarkLong explains a megabyte in which a pattern begins again and again.
func BenchmarkLong(b *testing.B) {
	text := strings.Repeat("migration limit ", 1<<20/16)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		explain.Text(text)
	}
}
