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

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// name resolves the name of the host.
func (l *ladder) name(ctx context.Context) *step {
	if _, used := l.s.transport.Proxy(); used {
		return skipped("the proxy looks it up")
	}
	r, err := transport.Resolve(ctx, l.s.target.name, nil)
	if err != nil {
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
	if ctx.Err() != nil {
		return failed(ctx.Err())
	}
	return l.judgePorts(probes)
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
	for _, p := range probes {
		switch {
		case p.State == transport.PortOpen:
			open = append(open, p.Addr.Port())
		case p.Addr.Port() == asked:
			errs = append(errs, p.Err)
		}
	}
	switch {
	case len(errs) == 0:
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
		var states, places []string
		for _, p := range probes {
			if p.Addr.Port() != port {
				continue
			}
			state := string(p.State)
			switch p.State {
			case transport.PortFiltered:
				state = "no answer"
			case "":
				state = "not known"
			case transport.PortOpen, transport.PortRefused, transport.PortUnreachable:
			}
			states = append(states, state)
			places = append(places, state+" at "+p.Addr.Addr().String())
		}
		text := several(places, maxListed)
		if states = slices.Compact(states); len(states) == 1 {
			text = states[0]
		} else {
			separator = "; "
		}
		list = append(list, fmt.Sprintf("%d (%s) %s", port, l.speaks(port), text))
	}
	return strings.Join(list, separator)
}

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
	l.probe, l.probeErr = l.s.transport.Probe(ctx)
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
	st := okay(fmt.Sprintf("%s (%s)", proxy, from))
	st.details = details
	if !l.s.target.https && l.s.method.Mechanism == transport.MechanismNTLM && strings.HasPrefix(proxy.String(), "http") {
		st.result = rungWarning
		st.means = "NTLM authenticates a connection, and a proxy that forwards each request need not keep one. https goes through it in a tunnel."
		st.actions = []action{here("go around the proxy if there is a direct way, or use https", "hvmigerr doctor --proxy none <HOST>")}
	}
	return st
}
