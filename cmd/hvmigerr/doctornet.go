package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// name resolves the name of the host.
func (l *ladder) name(ctx context.Context) *step {
	if _, used := l.s.transport.Proxy(); used {
		return skipped("the proxy looks it up")
	}
	limit := l.s.flags.connectTimeout // which is a request's for the same
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := transport.Resolve(limited, l.s.target.name, nil)
	switch {
	case err == nil:
	case over(ctx) != nil:
		return failed(over(ctx))
	case errors.Is(err, context.DeadlineExceeded):
		return failed(&transport.ConnectError{
			Stage: transport.StageResolve, Addr: l.s.target.name, Err: fmt.Errorf("not done within %v", limit),
		})
	default:
		return failed(err)
	}
	l.resolution = r
	addresses := addressTexts(r)
	st := okay(resolutionText(r))
	st.details = object{
		{"addresses", addresses},
		{"literal", r.Literal},
		{"canonicalName", nullable(r.Canonical)},
		{"searchDomain", r.Searched},
	}
	return st
}

func addressTexts(r *transport.Resolution) []string {
	list := make([]string, 0, len(r.Addrs))
	for _, a := range r.Addrs {
		list = append(list, a.String())
	}
	return list
}

// resolutionText says what a name stands for.
func resolutionText(r *transport.Resolution) string {
	text := several(addressTexts(r), maxListed)
	switch {
	case r.Literal:
		return text + " is an address: nothing to look up"
	case r.Searched:
		return text + "; a search domain made it " + r.Canonical
	case r.Canonical != "" && !strings.EqualFold(r.Canonical, strings.TrimSuffix(r.Name, ".")):
		return text + "; its canonical name is " + r.Canonical
	}
	return text
}

// maxListed bounds how much of a list is shown. JSON has all of it.
const maxListed = 6

// several joins a list, of which it names the first most.
func several(list []string, most int) string {
	text := strings.Join(list[:min(most, len(list))], ", ")
	if len(list) > most {
		text += fmt.Sprintf(" and %d more", len(list)-most)
	}
	return text
}

// nonNil makes a list one that JSON has as [].
func nonNil(list []string) []string { return append([]string{}, list...) }

// tcp tries the ports of WinRM, and the one that is to be used.
func (l *ladder) tcp(ctx context.Context) *step {
	if _, used := l.s.transport.Proxy(); used {
		return skipped("the proxy connects")
	}
	probes := transport.ProbePorts(ctx, l.resolution.Addrs, l.ports(), l.s.flags.connectTimeout)
	st := l.judgePorts(probes)
	if err := over(ctx); err != nil {
		return &step{err: err, details: st.details}
	}
	return st
}

// ports returns the port that is to be used, and those of WinRM.
func (l *ladder) ports() []uint16 {
	asked := l.s.target.port()
	return append([]uint16{asked}, slices.DeleteFunc([]uint16{portHTTP, portHTTPS}, func(p uint16) bool { return p == asked })...)
}

// judgePorts tells what the states of the ports come to.
func (l *ladder) judgePorts(probes []transport.PortProbe) *step {
	st := &step{result: rungOK, seen: l.portsText(probes), details: object{{"ports", portObjects(probes)}}}
	asked := l.s.target.port()
	var open []uint16
	var errs []error // of the port that is to be used
	unknown := 0     // addresses at which it is not known
	late := func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
	for _, p := range probes {
		switch {
		case p.State == transport.PortOpen:
			open = append(open, p.Addr.Port())
		case p.Addr.Port() != asked:
		case unprobed(p):
			unknown++
		default:
			errs = append(errs, p.Err)
		}
	}
	switch {
	case slices.ContainsFunc(errs, late): // the time for everything has passed, whether its context tells so yet or not
		return &step{err: context.DeadlineExceeded, details: st.details}
	case len(errs) == 0 && (unknown == 0 || slices.Contains(open, asked)):
	case unknown > 0 && !slices.Contains(open, asked):
		st.result = rungWarning
		st.means = fmt.Sprintf("The host has more addresses than were tried, and port %d is open at none of those that were.", asked)
		st.actions = []action{here("are all of them the host's, or are old entries left in DNS", "nslookup <HOST>")}
	case slices.Contains(open, asked):
		st.result = rungWarning
		st.means = fmt.Sprintf("Port %d is not open at every address of the host. Whoever takes the wrong one first waits, or fails.", asked)
		st.actions = []action{here("are all of them the host's, or is an old entry left in DNS", "nslookup <HOST>")}
	default:
		st.result = rungFailed
		st.err = &transport.ConnectError{Stage: transport.StageConnect, Addr: l.s.target.hostPort(), Err: errs[0]}
		st.actions = l.otherPort(open)
	}
	return st
}

// portsText tells of each port how it was found, and at which address if that makes a difference.
func (l *ladder) portsText(probes []transport.PortProbe) string {
	separator := ", "
	var list []string
	for _, port := range l.ports() {
		text, differ := stateText(probes, port)
		if differ {
			separator = "; "
		}
		list = append(list, fmt.Sprintf("%d (%s) %s", port, l.speaks(port), text))
	}
	return strings.Join(list, separator)
}

// stateText tells how a port was found, open first, and at which addresses if that differs.
func stateText(probes []transport.PortProbe, port uint16) (text string, differ bool) {
	places := map[string][]string{}
	for _, p := range probes {
		if p.Addr.Port() == port {
			state := stateWord(p)
			places[state] = append(places[state], p.Addr.Addr().String())
		}
	}
	var states, list []string
	for _, state := range []string{string(transport.PortOpen), string(transport.PortRefused), noAnswer, string(transport.PortUnreachable), notKnown, notProbed} {
		if at := places[state]; len(at) > 0 {
			states = append(states, state)
			list = append(list, state+" at "+several(at, maxListed/2))
		}
	}
	switch len(states) {
	case 0:
		return notProbed, false
	case 1:
		return states[0], false
	}
	return strings.Join(list, ", "), true
}

// Words for states of ports that have none of their own.
const (
	noAnswer  = "no answer"
	notKnown  = "not known"
	notProbed = "not probed"
)

func stateWord(p transport.PortProbe) string {
	switch {
	case p.State == transport.PortFiltered:
		return noAnswer
	case unprobed(p):
		return notProbed
	case p.State == "":
		return notKnown
	}
	return string(p.State)
}

// unprobed tells that there were too many addresses to try this one.
func unprobed(p transport.PortProbe) bool { return errors.Is(p.Err, transport.ErrNotProbed) }

// speaks tells what is expected at a port.
func (l *ladder) speaks(port uint16) string {
	https := port == portHTTPS
	if port == l.s.target.port() {
		https = l.s.target.https
	}
	return map[bool]string{true: "https", false: "http"}[https]
}

// otherPort advises to take the other port of WinRM, if that is open.
func (l *ladder) otherPort(open []uint16) []action {
	switch {
	case slices.Contains(open, portHTTPS) && !l.s.target.https:
		return []action{here("the port for https is open: ask there", "hvmigerr doctor --https <HOST>")}
	case slices.Contains(open, portHTTP) && l.s.target.https:
		return []action{here("the port for http is open, and over http messages are sealed: ask there", "hvmigerr doctor --http <HOST>")}
	}
	return nil
}

func portObjects(probes []transport.PortProbe) []object {
	list := make([]object, 0, len(probes))
	for _, p := range probes {
		list = append(list, object{
			{"address", p.Addr.Addr().String()}, {"port", p.Addr.Port()}, {"state", string(p.State)},
		})
	}
	return list
}

// port returns the port of the endpoint.
func (t *target) port() uint16 {
	_, port, _ := net.SplitHostPort(t.hostPort())
	n, _ := strconv.ParseUint(port, 10, 16) // hostRule has written it
	return uint16(n)
}

// hostPort returns host and port of the endpoint.
func (t *target) hostPort() string {
	u, err := url.Parse(t.url)
	if err != nil {
		return t.name // hostRule has written it
	}
	return u.Host
}

// look goes the way of a request, without credentials, and keeps what it saw for the rungs that it is about.
func (l *ladder) look(ctx context.Context) {
	if l.looked {
		return
	}
	l.looked = true
	start := time.Now()
	l.probe, l.probeErr = l.s.transport.Probe(ctx)
	l.waited = time.Since(start)
	if l.probe == nil {
		l.probe = &transport.Probe{}
	}
}

// proxy tells which proxy is used, and whether it lets us through.
func (l *ladder) proxy(ctx context.Context) *step {
	proxy, used := l.s.transport.Proxy()
	from := "environment"
	if l.s.flags.proxy != "" {
		from = l.s.flags.origin("proxy")
	}
	if !used {
		st := okay("none")
		if l.s.flags.proxy != "" {
			st.seen += " (" + from + ")"
		}
		st.details = object{{"proxy", nil}}
		return st
	}
	l.look(ctx)
	details := object{{"proxy", proxy.String()}, {"from", from}}
	if e, ok := errors.AsType[*transport.ConnectError](l.probeErr); ok && e.Stage == transport.StageProxy {
		return &step{err: l.probeErr, details: details}
	}
	forwards := !l.s.target.https && strings.HasPrefix(proxy.String(), "http")
	if forwards && l.probe.Proxied && l.probe.Protocol() != protocolHTTP && l.probeErr != nil && over(ctx) == nil {
		st := &step{err: l.probeErr, details: details, means: "What listens there does not answer as a proxy does."}
		st.seen = fmt.Sprintf("%s (%s) is no proxy of HTTP: %s", proxy, from, l.heard())
		st.actions = []action{here("correct the proxy, or go without one if there is a direct way", "hvmigerr doctor --proxy none <HOST>")}
		return st
	}
	st := okay(fmt.Sprintf("%s (%s)", proxy, from))
	st.details = details
	if forwards && l.s.method.Mechanism == transport.MechanismNTLM {
		st.result = rungWarning
		st.means = "NTLM authenticates a connection, and a proxy that forwards each request need not keep one. https goes through it in a tunnel."
		st.actions = []action{here("go around the proxy if there is a direct way, or use https", "hvmigerr doctor --proxy none <HOST>")}
	}
	return st
}
