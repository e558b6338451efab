package cimerror_test

import (
	"testing"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

// threeErrors are the texts of one GetErrorEx answer, some 1.4 kB each.
func threeErrors(tb testing.TB) []string {
	tb.Helper()
	var texts []string
	for _, name := range []string{"vmms_wrapper", "vmms_connect", "vmms_credentials"} {
		texts = append(texts, string(sample(tb, name)))
	}
	return texts
}

// BenchmarkDecode is the whole way from three texts to three values.
func BenchmarkDecode(b *testing.B) {
	texts := threeErrors(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range cimerror.DecodeAll(texts) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	}
}

// BenchmarkEtreeOnly is what etree alone needs to parse the same texts. Decode may cost 1.1 times as much.
func BenchmarkEtreeOnly(b *testing.B) {
	var texts [][]byte
	for _, text := range threeErrors(b) {
		texts = append(texts, []byte(text))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range texts {
			if err := etree.NewDocument().ReadFromBytes(text); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkSplit takes a megabyte of concatenated errors apart.
func BenchmarkSplit(b *testing.B) {
	var text []byte
	one := sample(b, "vmms_wrapper")
	for len(text) < 1<<20 {
		text = append(text, one...)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for range cimerror.Split(text) {
		}
	}
}
