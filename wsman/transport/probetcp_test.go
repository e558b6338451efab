package transport_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// TestProbePorts: the probes come in the order asked, and send nothing.
func TestProbePorts(t *testing.T) {
	open, closed := listen(t, silent), listen(t, silent)
	hangUp(closed)
	openPort, closedPort := portOf(open), portOf(closed)
	local := netip.MustParseAddr("127.0.0.1")
	got := transport.ProbePorts(t.Context(), []netip.Addr{local, local}, []uint16{closedPort, openPort}, time.Minute)
	if len(got) != 4 {
		t.Fatalf("%d probes, want 4", len(got))
	}
	for i, p := range got {
		want := transport.PortProbe{Addr: netip.AddrPortFrom(local, openPort), State: transport.PortOpen}
		if i%2 == 0 {
			want = transport.PortProbe{Addr: netip.AddrPortFrom(local, closedPort), State: transport.PortRefused}
		}
		if p.Addr != want.Addr || p.State != want.State || (p.Err == nil) != (p.State == transport.PortOpen) || p.After <= 0 {
			t.Errorf("probe %d = %+v, want %+v", i, p, want)
		}
	}
	if open.received() != "" {
		t.Errorf("sent %q", open.received())
	}
	if none := transport.ProbePorts(t.Context(), nil, []uint16{openPort}, 0); len(none) != 0 {
		t.Errorf("probes without an address: %v", none)
	}
}

// TestProbePortsMost: the first port is tried at every address before any other, and what is not tried says so.
func TestProbePortsMost(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	p, closed := listen(t, silent), listen(t, silent)
	hangUp(closed)
	first, other := portOf(p), portOf(closed)
	for _, tt := range []struct{ addrs, open, refused int }{
		{5, 5, 10}, // of 15
		{6, 6, 10}, // of 18: of 12 others 10
		{16, 16, 0},
		{40, 16, 0},
	} {
		var open, refused, left int
		got := transport.ProbePorts(t.Context(), slices.Repeat([]netip.Addr{local}, tt.addrs), []uint16{first, other, other}, time.Minute)
		for i, p := range got {
			if want := []uint16{first, other, other}[i%3]; p.Addr.Port() != want {
				t.Fatalf("probe %d is of port %d, want %d", i, p.Addr.Port(), want)
			}
			switch {
			case p.State == transport.PortOpen:
				open++
			case p.State == transport.PortRefused:
				refused++
			case p.State == "" && errors.Is(p.Err, transport.ErrNotProbed):
				left++
			}
		}
		if open != tt.open || refused != tt.refused || left != 3*tt.addrs-open-refused || len(got) != 3*tt.addrs {
			t.Errorf("%d addresses: %d open, %d refused, %d not tried; want %+v", tt.addrs, open, refused, left, tt)
		}
	}
}

func portOf(p *peer) uint16 { return netip.MustParseAddrPort(p.addr()).Port() }

// TestProbePortsContext: the end of the context is no state of a port.
func TestProbePortsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range transport.ProbePorts(ctx, []netip.Addr{netip.MustParseAddr("127.0.0.1")}, []uint16{1, 2}, 0) {
		if p.State != "" || !errors.Is(p.Err, context.Canceled) {
			t.Errorf("probe = %+v, want no state and context.Canceled", p)
		}
	}
}

// A nameServer answers for hv01, which is an alias or has a search domain behind it, as the machine's search list will have it.
type nameServer struct {
	mu      sync.Mutex
	answers int
	// most is how many answers it gives, if not zero.
	most int
}

// resolver returns one that asks s, by DNS over TCP within a pipe.
func (s *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.answers++; s.most > 0 && s.answers > s.most {
			return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		ours, theirs := net.Pipe()
		go func() {
			defer hangUp(theirs)
			_ = s.serve(theirs)
		}()
		return ours, nil
	}}
}

// serve answers one question.
func (s *nameServer) serve(c net.Conn) error {
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return err
	}
	question := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, question); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return err
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	s.answer(&m)
	b, err := m.Pack()
	if err != nil {
		return err
	}
	_, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

// answer gives a name with hv01 in it an alias and addresses, some of them twice. It knows no other.
func (s *nameServer) answer(m *dnsmessage.Message) {
	q := m.Questions[0]
	if !strings.HasPrefix(strings.ToLower(q.Name.String()), "hv01.") {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	name := dnsmessage.MustNewName("hv01.corp.example.")
	header := func(of dnsmessage.Name, kind dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: of, Type: kind, Class: dnsmessage.ClassINET, TTL: 1}
	}
	if q.Name != name {
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header(q.Name, dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: name}})
	}
	if q.Type == dnsmessage.TypeA {
		a := dnsmessage.Resource{Header: header(name, q.Type), Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 5}}}
		m.Answers = append(m.Answers, a, a)
	} else {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: header(name, dnsmessage.TypeAAAA), Body: &dnsmessage.AAAAResource{AAAA: netip.IPv6Loopback().As16()},
		})
	}
}

// TestResolve: addresses, aliases, and what the search list has added.
func TestResolve(t *testing.T) {
	four, six := netip.MustParseAddr("127.0.0.5"), netip.IPv6Loopback()
	for _, tt := range []struct {
		name string
		most int // answers
		want transport.Resolution
	}{
		{"hv01", 0, transport.Resolution{Addrs: []netip.Addr{four, six}, Canonical: "hv01.corp.example", Searched: true}},
		{"HV01", 0, transport.Resolution{Addrs: []netip.Addr{four, six}, Canonical: "hv01.corp.example", Searched: true}},
		{"hv01.corp.example.", 0, transport.Resolution{Addrs: []netip.Addr{four, six}, Canonical: "hv01.corp.example"}},
		{"hv01.alias.example.", 0, transport.Resolution{Addrs: []netip.Addr{four, six}, Canonical: "hv01.corp.example"}},
		{"hv01.corp.example.", 2, transport.Resolution{Addrs: []netip.Addr{four, six}}}, // A and AAAA, and nothing for the canonical name
		{"127.0.0.9", 0, transport.Resolution{Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.9")}, Literal: true}},
		{"fe80::1%eth0", 0, transport.Resolution{Addrs: []netip.Addr{netip.MustParseAddr("fe80::1%eth0")}, Literal: true}},
	} {
		s := &nameServer{most: tt.most}
		got, err := transport.Resolve(t.Context(), tt.name, s.resolver())
		if err != nil {
			t.Errorf("Resolve(%q): %v", tt.name, err)
			continue
		}
		tt.want.Name = tt.name
		slices.SortFunc(got.Addrs, netip.Addr.Compare) // the machine's own addresses decide which is dialled first
		if diff := cmp.Diff(&tt.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("Resolve(%q) (-want +got):\n%s", tt.name, diff)
		}
		if tt.want.Literal && s.answers != 0 {
			t.Errorf("Resolve(%q) asked DNS", tt.name)
		}
	}
}

// TestResolveErrors: each way to fail is a ConnectError with what DNS said, or the context's own error.
func TestResolveErrors(t *testing.T) {
	broken := func(err error) *net.Resolver {
		return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
	}
	for _, tt := range []struct {
		name     string
		host     string
		resolver *net.Resolver
		is       func(*net.DNSError) bool
	}{
		{"unknown", "hv02.corp.example.", new(nameServer).resolver(), func(e *net.DNSError) bool { return e.IsNotFound }},
		{"no name at all", "a b", new(nameServer).resolver(), func(e *net.DNSError) bool { return e.IsNotFound }},
		{"time-out", "hv01.corp.example.", broken(&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}), func(e *net.DNSError) bool { return e.IsTimeout }},
		{"the resolver's context", "hv01.corp.example.", broken(context.DeadlineExceeded), func(e *net.DNSError) bool { return e.IsTimeout }},
		{"no server", "hv01.corp.example.", broken(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), func(e *net.DNSError) bool {
			return !e.IsNotFound && !e.IsTimeout && strings.HasSuffix(e.Err, "connection refused")
		}},
	} {
		got, err := transport.Resolve(t.Context(), tt.host, tt.resolver)
		e, ok := errors.AsType[*transport.ConnectError](err)
		if got != nil || !ok || e.Stage != transport.StageResolve || e.Addr != tt.host {
			t.Errorf("%s: Resolve = %+v, %v; want a ConnectError", tt.name, got, err)
			continue
		}
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || !tt.is(dns) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %#v", tt.name, dns)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	got, err := transport.Resolve(ctx, "hv01.corp.example.", waiting)
	if _, ok := errors.AsType[*transport.ConnectError](err); got != nil || ok || !errors.Is(err, context.Canceled) {
		t.Errorf("Resolve = %+v, %v; want the context's error", got, err)
	}
}
