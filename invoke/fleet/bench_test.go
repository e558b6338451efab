package fleet_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// BenchmarkRun is what a host costs beside what is done with it. In one, all have to wait for the first; in own, each host has a
// credential of its own; in pairs and halves, two have one: neighbours, or hosts that are far apart.
func BenchmarkRun(b *testing.B) {
	for _, tt := range []struct {
		name       string
		credential func(i int) string
	}{
		{"none", func(int) string { return "" }},
		{"one", func(int) string { return "u" }},
		{"own", strconv.Itoa},
		{"pairs", func(i int) string { return strconv.Itoa(i / 2) }},
		{"halves", func(i int) string { return strconv.Itoa(i % 50_000) }},
	} {
		for _, n := range []int{1_000, 100_000} {
			b.Run(tt.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				hosts := make([]fleet.Host, n)
				for i := range hosts {
					hosts[i] = fleet.Host{Name: "h", Credential: tt.credential(i)}
				}
				b.ReportAllocs()
				for b.Loop() {
					for r := range fleet.Run(b.Context(), nil, hosts, func(_ context.Context, i int, a *fleet.Attempt) (int, error) {
						a.Taken()
						return i, nil
					}) {
						if r.Err != nil {
							b.Fatal(r.Err)
						}
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/host")
			})
		}
	}
}
