package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds of what is probed at once.
const (
	maxPortProbes = 16
	maxParallel   = 8
	// canonicalTimeout is how long the canonical name may take: it is good to know, and no more.
	canonicalTimeout = time.Second
)

// A Resolution is what the name of a host stands for.
type Resolution struct {
	// Name is the name as typed.
	Name string
	// Addrs are its addresses, each once, in the order in which they would be dialled. An IPv6 address keeps its zone.
	Addrs []netip.Addr
	// Literal tells that Name is an address itself, so that nothing was looked up.
	Literal bool
	// Canonical is the name at the end of the aliases, without a dot at its end; "" when the resolver did not tell.
	Canonical string
	// Searched tells that Canonical is Name and a domain, which a search list or the file of hosts has added.
	Searched bool
}

// Resolve looks up host, which may be an address, within DefaultConnectTimeout. If r is nil, net.DefaultResolver does. The error is a
// [*ConnectError] of StageResolve, with a [*net.DNSError] in it when the resolver has answered or given up, or that of ctx.
func Resolve(ctx context.Context, host string, r *net.Resolver) (*Resolution, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return &Resolution{Name: host, Addrs: []netip.Addr{addr}, Literal: true}, nil
	}
	if r == nil {
		r = net.DefaultResolver
	}
	limited, cancel := context.WithTimeout(ctx, DefaultConnectTimeout)
	defer cancel()
	addrs, err := r.LookupNetIP(limited, "ip", host)
	if err != nil {
		return nil, resolveError(ctx, limited, host, err)
	}
	res := &Resolution{Name: host}
	for _, a := range addrs {
		if a = a.Unmap(); !slices.Contains(res.Addrs, a) {
			res.Addrs = append(res.Addrs, a)
		}
	}
	briefly, cancel := context.WithTimeout(limited, canonicalTimeout)
	defer cancel()
	if name, err := r.LookupCNAME(briefly, host); err == nil {
		res.Canonical = strings.TrimSuffix(name, ".")
		res.Searched = hasPrefixFold(res.Canonical, host+".")
	}
	return res, nil
}

// resolveError returns err, of a lookup of host by limited, as Resolve tells it. A DNSError may hold the end of limited, which is none of
// the caller's ctx.
func resolveError(ctx, limited context.Context, host string, err error) error {
	e := &ConnectError{Stage: StageResolve, Addr: host, Err: err}
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ended(ctx) != nil:
		return fmt.Errorf("%s: %w", stageText(e.Stage, e.Addr), ended(ctx))
	case ok:
		bare := *dns
		bare.UnwrapErr = nil
		e.Err = &bare
	case ended(limited) != nil:
		e.Err = fmt.Errorf("not done within %v", DefaultConnectTimeout)
	}
	return e
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// A PortState is how a port answers to an attempt to connect.
type PortState string

// The states of a port. The empty one is not known: the context ended, or something failed here.
const (
	PortOpen        PortState = "open"
	PortRefused     PortState = "refused"     // the machine answers, and nothing listens there, or a firewall rejects
	PortFiltered    PortState = "filtered"    // no answer in time: a firewall drops, a full backlog, or no machine
	PortUnreachable PortState = "unreachable" // there is no way, or a router says that there is none
)

// A PortProbe is what became of one attempt to connect.
type PortProbe struct {
	Addr  netip.AddrPort
	State PortState
	// After is how long it took.
	After time.Duration
	// Err is why the port is not open.
	Err error
}

// ProbePorts connects to each of ports at each of addrs, and closes: nothing is sent. The probes are in the order of addrs, those of one
// address in that of ports; there are at most 16, of which 8 run at a time. If timeout is zero, each has DefaultConnectTimeout.
func ProbePorts(ctx context.Context, addrs []netip.Addr, ports []uint16, timeout time.Duration) []PortProbe {
	if timeout <= 0 {
		timeout = DefaultConnectTimeout
	}
	var probes []PortProbe
	for _, a := range addrs {
		for _, port := range ports {
			probes = append(probes, PortProbe{Addr: netip.AddrPortFrom(a, port)})
		}
	}
	probes = probes[:min(len(probes), maxPortProbes)]
	inParallel(len(probes), func(i int) { probes[i].connect(ctx, timeout) })
	return probes
}

// inParallel calls f with each number below n, in up to maxParallel goroutines, and waits for the end.
func inParallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	places := make(chan struct{}, maxParallel)
	for i := range n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			f(i)
		})
	}
	wg.Wait()
}

// connect tries the port.
func (p *PortProbe) connect(ctx context.Context, timeout time.Duration) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	c, err := new(net.Dialer).DialContext(limited, "tcp", p.Addr.String())
	p.After = time.Since(start)
	if err == nil {
		_ = c.Close()
		p.State = PortOpen
		return
	}
	p.Err = err
	if why := ended(ctx); why != nil {
		p.Err = why
		return
	}
	if p.State = portState(err); p.State == PortFiltered {
		p.Err = fmt.Errorf("no answer within %v", timeout)
	}
}

// portState says what err of connecting means. The kernel may give up before we do.
func portState(err error) PortState {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return PortFiltered
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	switch {
	case !ok:
		return ""
	case slices.Contains(refusedErrnos(), errno):
		return PortRefused
	case slices.Contains(timeoutErrnos(), errno):
		return PortFiltered
	case slices.Contains(unreachableErrnos(), errno):
		return PortUnreachable
	}
	return ""
}
