//go:build linux

// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDoctorFiltered: a port that answers nothing, be it a firewall's or one whose queue is full, is told from one that refuses.
func TestDoctorFiltered(t *testing.T) {
	clearEnvironment(t)
	tt := doctorCase{
		url: fullPort, args: byAdministrator + " --connect-timeout 300ms", want: exitUnreachable,
		rung: "tcp", verdict: rungFailed, words: []string{"(http) no answer, 5985", "Get-NetFirewallRule"}, skipped: []string{"proxy", "http", "migration"},
	}
	tt.run(t)
}

// TestDoctorFilteredTimeout: whether the port or the time for everything ends first, the time has passed.
func TestDoctorFilteredTimeout(t *testing.T) {
	clearEnvironment(t)
	tt := doctorCase{
		url: fullPort, args: byAdministrator + " --timeout 200ms", want: exitDeadline,
		rung: "tcp", verdict: rungFailed, words: []string{"not done within --timeout 200ms"}, skipped: []string{"proxy", "http", "migration"},
	}
	tt.run(t)
}

// fullPort returns the URL of a port whose queue of connections is full, so that Linux drops further ones without a word.
func fullPort(t *testing.T, _ *host) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	bound, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("bound to %v", name)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", bound.Port)
	const most = 16
	for range most {
		c, err := (&net.Dialer{Timeout: 100 * time.Millisecond}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			return "http://" + addr
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatalf("%s takes more than %d connections", strings.TrimPrefix(addr, "127.0.0.1"), most)
	return ""
}
