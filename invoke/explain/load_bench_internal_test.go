package explain

import "testing"

// BenchmarkLoad reads all tables of full rows, as the first question does. In the package, because that happens once.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if k := newKnowledge(rowTables()); k.err != nil {
			b.Fatal(k.err)
		}
	}
}
