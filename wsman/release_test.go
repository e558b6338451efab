package wsman_test

import (
	"context"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// TestRelease: what was reserved for an answer is given back once it has been decoded, whatever it was, and decoding has its turn.
func TestRelease(t *testing.T) {
	for name, body := range map[string]string{
		"an answer": envelope(`<p:X xmlns:p="urn:x"><p:A>1</p:A></p:X>`), "a fault": quotaFault, "no SOAP": "x",
	} {
		t.Run(name, func(t *testing.T) {
			released, decoding := 0, make(chan struct{}, 1)
			c := newClient(t, transportFunc(func(context.Context, *wsman.Request) (*wsman.Reply, error) {
				return &wsman.Reply{StatusCode: 200, Body: []byte(body), Release: func() {
					released++
					if len(decoding) != 0 {
						t.Error("released before its turn to be decoded was over")
					}
				}}, nil
			}), func(c *wsman.Config) { c.QuotaRetries, c.Decoding = -1, decoding })
			for range 2 {
				_, _ = getJob(t.Context(), c) // what comes of it is other tests'
			}
			if released != 2 {
				t.Errorf("released %d times, want 2", released)
			}
		})
	}
}
