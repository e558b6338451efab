// What a host costs is counted from inside, where the watch can be held between two polls.
package watch

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestIdleHosts watches 5,000 hosts on which nothing happens, and bounds what each holds in memory beside its session.
func TestIdleHosts(t *testing.T) {
	const (
		hosts = 5000
		bound = 12 << 10 // octets of a host: its goroutine, its timer and what it knows
	)
	synctest.Test(t, func(t *testing.T) {
		server, err := wsmantest.NewServer(wsmantest.Config{Model: &wsmantest.Model{}, HTTP: true})
		if err != nil {
			t.Fatal(err)
		}
		client, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: server.Transport("administrator")})
		if err != nil {
			t.Fatal(err)
		}
		cfg := &Config{Parallel: 4}
		for i := range hosts {
			cfg.Hosts = append(cfg.Hosts, Host{
				Name: fmt.Sprint("hv", i),
				Open: func(context.Context) (invoke.Client, func(), error) { return client, func() {}, nil },
			})
		}
		before := inUse()
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() {
			defer close(over)
			for e := range Events(ctx, cfg) {
				t.Errorf("%s of %s: %v", e.Kind, e.Host.Name, e.Err)
			}
		}()
		time.Sleep(40 * time.Second) // of the bubble: two polls each
		synctest.Wait()
		each := (inUse() - before) / hosts
		t.Logf("%d octets each", each)
		if each > bound {
			t.Errorf("a host that idles takes %d octets, want %d at most", each, bound)
		}
		cancel()
		<-over
	})
}

// inUse returns the octets of heap and stacks in use.
func inUse() int {
	var m runtime.MemStats
	for range 3 { // a cycle halves the stack of a goroutine at most once
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}
