package events_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// manyEvents are 10,000 events, some 10 MB.
func manyEvents() [][]byte {
	list := make([][]byte, 10_000)
	for i := range list {
		list[i] = []byte(movedEvent(len(list) - i))
	}
	return list
}

// BenchmarkReader decodes 10,000 events. BenchmarkEtree is what etree alone needs for the same bytes, event by event.
func BenchmarkReader(b *testing.B) {
	in := bytes.Join(manyEvents(), nil)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		readAll(b, in)
	}
}

// BenchmarkReaderUTF16 is the same as the remote shell gives it.
func BenchmarkReaderUTF16(b *testing.B) {
	in := utf16Text(string(bytes.Join(manyEvents(), nil)), binary.LittleEndian)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		readAll(b, in)
	}
}

func readAll(b *testing.B, in []byte) {
	b.Helper()
	r := events.NewReader(bytes.NewReader(in))
	for n := 0; ; n++ {
		_, err := r.Next()
		if errors.Is(err, io.EOF) && n == 10_000 {
			return
		}
		if err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkEtree(b *testing.B) {
	list := manyEvents()
	size := 0
	for _, in := range list {
		size += len(in)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, in := range list {
			if err := etree.NewDocument().ReadFromBytes(in); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkEtreeRoot is the same within one root.
func BenchmarkEtreeRoot(b *testing.B) {
	in := "<Events>" + string(bytes.Join(manyEvents(), nil)) + "</Events>"
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if err := etree.NewDocument().ReadFromString(in); err != nil {
			b.Fatal(err)
		}
	}
}
