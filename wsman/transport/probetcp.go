package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
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

// Resolve looks up host, which may be an address, as long as ctx allows; if that has no deadline, within DefaultConnectTimeout. If r is
// nil, net.DefaultResolver does. The error is a [*ConnectError] of StageResolve, with a [*net.DNSError] in it when the resolver has
// answered or given up, or that of ctx.
func Resolve(ctx context.Context, host string, r *net.Resolver) (*Resolution, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return &Resolution{Name: host, Addrs: []netip.Addr{addr}, Literal: true}, nil
	}
	if r == nil {
		r = net.DefaultResolver
	}
	limited, cancel := bounded(ctx)
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

// bounded returns ctx with a deadline: its own if it has one, for a resolver may ask several servers, each of which may be slow.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, DefaultConnectTimeout)
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

// The states of a port. The empty one is not known: the context ended, something failed here, or it was not tried.
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
	// Err is why the port is not open, or its state not known: the context's error, when that ended.
	Err error
}

// ErrNotProbed is the Err of a port that ProbePorts did not try, since it tries so many at most.
var ErrNotProbed = fmt.Errorf("not tried: %d attempts are the most", maxPortProbes)

// ProbePorts connects to each of ports at each of addrs, and closes: nothing is sent. The probes are in the order of addrs, those of one
// address in that of ports. At most 16 are tried, the first port at every address before any other; those left over have ErrNotProbed.
// 8 run at a time. If timeout is zero, each has DefaultConnectTimeout.
func ProbePorts(ctx context.Context, addrs []netip.Addr, ports []uint16, timeout time.Duration) []PortProbe {
	if timeout <= 0 {
		timeout = DefaultConnectTimeout
	}
	probes := make([]PortProbe, 0, len(addrs)*len(ports))
	var first, others []int
	for _, a := range addrs {
		for i, port := range ports {
			if i == 0 {
				first = append(first, len(probes))
			} else {
				others = append(others, len(probes))
			}
			probes = append(probes, PortProbe{Addr: netip.AddrPortFrom(a, port), Err: ErrNotProbed})
		}
	}
	tried := append(first, others...)
	tried = tried[:min(len(tried), maxPortProbes)]
	inParallel(len(tried), func(i int) { probes[tried[i]].connect(ctx, timeout) })
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
	ours := endsWithin(ctx, timeout)
	start := time.Now()
	c, err := new(net.Dialer).DialContext(limited, "tcp", p.Addr.String())
	p.After = time.Since(start)
	if err == nil {
		_ = c.Close()
		p.State, p.Err = PortOpen, nil
		return
	}
	p.failed(ctx, ours, timeout, err)
}

// failed notes err. What timed out is the doing of ctx if that was to end first (ours), else of timeout.
func (p *PortProbe) failed(ctx context.Context, ours bool, timeout time.Duration, err error) {
	p.Err = err
	switch why := ended(ctx); {
	case why != nil:
		p.Err = why
		return
	case ours && timedOut(err):
		p.Err = context.DeadlineExceeded
		return
	}
	if p.State = portState(err); p.State == PortFiltered {
		p.Err = fmt.Errorf("no answer within %v", timeout)
	}
}

// portState says what err of connecting means. The kernel may give up before we do.
func portState(err error) PortState {
	if timedOut(err) {
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
