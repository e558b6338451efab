package fleet_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
)

// BenchmarkRun is what a host costs beside what is done with it: without a credential, with one that all have, and with one of its own.
func BenchmarkRun(b *testing.B) {
	for _, tt := range []struct {
		name       string
		credential func(i int) string
	}{
		{"none", func(int) string { return "" }},
		{"one", func(int) string { return "u" }},
		{"own", strconv.Itoa},
	} {
		for _, n := range []int{1_000, 100_000} {
			b.Run(tt.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				hosts := make([]fleet.Host, n)
				for i := range hosts {
					hosts[i] = fleet.Host{Name: "h", Credential: tt.credential(i)}
				}
				b.ReportAllocs()
				for b.Loop() {
					var breaker fleet.Breaker
					for r := range fleet.Run(b.Context(), 0, hosts, func(ctx context.Context, h fleet.Host) (string, error) {
						a, err := breaker.Enter(ctx, h)
						a.Taken()
						a.Leave()
						return h.Name, err
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
