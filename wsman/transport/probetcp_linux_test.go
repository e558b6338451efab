package transport_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// full returns the address of a listener whose backlog is full: Linux drops each SYN to it, as a firewall does.
func full(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	local := netip.MustParseAddr("127.0.0.1")
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: local.As4()}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at, ok := sa.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("the listener is at %T", sa)
	}
	addr := "127.0.0.1:" + strconv.Itoa(at.Port)
	c, err := net.Dial("tcp", addr) // the one that a backlog of 0 takes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangUp(c) })
	return netip.MustParseAddrPort(addr)
}

// TestProbePortsFiltered: a port without an answer is told from a closed one, and the end of the context from both.
func TestProbePortsFiltered(t *testing.T) {
	at := full(t)
	addrs, ports := []netip.Addr{at.Addr()}, []uint16{at.Port()}
	p := transport.ProbePorts(t.Context(), addrs, ports, 50*time.Millisecond)[0]
	if p.State != transport.PortFiltered || p.After < 50*time.Millisecond || p.Err == nil || !strings.Contains(p.Err.Error(), "no answer within 50ms") {
		t.Errorf("probe = %+v, want filtered", p)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p = transport.ProbePorts(ctx, addrs, ports, time.Hour)[0]
	if p.State != "" || !errors.Is(p.Err, context.DeadlineExceeded) {
		t.Errorf("probe = %+v, want the context's error", p)
	}
}
