package watch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// A replay gives the same reply to the same request, so that the host costs nothing the second time.
type replay struct {
	host    wsman.Transport
	replies map[string]*wsman.Reply
}

// RoundTrip implements wsman.Transport.
func (r *replay) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	reply := r.replies[string(req.Body)]
	if reply != nil {
		return reply, nil
	}
	reply, err := r.host.RoundTrip(ctx, req)
	r.replies[string(req.Body)] = reply
	return reply, err
}

// BenchmarkPoll measures one poll of a host with so many jobs, without the host and the network: request, answer, decoding.
func BenchmarkPoll(b *testing.B) {
	for _, jobs := range []int{0, 1, 10, 90} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			m := simModel()
			for i := range jobs {
				m.Jobs = append(m.Jobs, simJob(fmt.Sprintf("5F1C2A9E-3B77-4D0A-9C55-%012d", i), 0, time.Hour, ""))
			}
			s := newSim(b, "HV01", m)
			client, err := wsman.NewClient(wsman.Config{
				Endpoint: s.server.URL(), NewMessageID: func() string { return "uuid:1" },
				Transport: &replay{host: s.server.Transport(user), replies: map[string]*wsman.Reply{}},
			})
			if err != nil {
				b.Fatal(err)
			}
			poller := new(invoke.Poller)
			b.ReportAllocs()
			for b.Loop() {
				if list, err := poller.Poll(b.Context(), client); err != nil || len(list) != jobs {
					b.Fatalf("%d jobs, %v", len(list), err)
				}
			}
		})
	}
}
