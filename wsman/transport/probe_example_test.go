package transport_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// What is at the other end, before anything of the user is sent.
func ExampleTransport_Probe() {
	host, err := defaultHost()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = host.Close() }()
	tr, err := transport.New(transport.Config{
		URL: host.URL(), Auth: transport.AuthNTLM, User: `.\administrator`, Password: transport.NewSecret("administrator-pass"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tr.Close() }()

	p, err := tr.Probe(context.Background())
	if err != nil {
		fmt.Println(p.Protocol(), err)
		return
	}
	fmt.Println(p.Protocol(), p.StatusCode, p.Challenges)
	// Output: HTTP 401 [Negotiate Kerberos]
}

// Which ports of a host are open.
func ExampleProbePorts() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	at := netip.MustParseAddrPort(l.Addr().String())
	for range 2 {
		for _, p := range transport.ProbePorts(context.Background(), []netip.Addr{at.Addr()}, []uint16{at.Port()}, 0) {
			fmt.Println(p.State)
		}
		_ = l.Close()
	}
	// Output:
	// open
	// refused
}

// An address needs no look-up.
func ExampleResolve() {
	r, err := transport.Resolve(context.Background(), "192.0.2.7", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Addrs, r.Literal)
	// Output: [192.0.2.7] true
}
