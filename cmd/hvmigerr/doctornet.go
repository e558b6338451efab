package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
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

// tls tells of the handshake and of the host's certificate.
func (l *ladder) tls(ctx context.Context) *step {
	if !l.s.target.https {
		return skipped("http: there is none")
	}
	l.look(ctx)
	state, refused := l.probe.TLS, l.probe.Certificate
	e, _ := errors.AsType[*transport.ConnectError](l.probeErr)
	switch broken := e != nil && e.Stage == transport.StageTLS; {
	case l.wantsCertificate():
		return skipped("the host wants the client certificate at once, and that is for the user's requests alone")
	case refused == nil && (broken || state == nil):
		return failed(l.probeErr)
	}
	var leaf *x509.Certificate
	switch {
	case refused != nil:
		leaf = refused.Leaf
	case len(state.PeerCertificates) > 0:
		leaf = state.PeerCertificates[0]
	}
	st := okay("")
	if state != nil && refused == nil {
		st.seen = tls.VersionName(state.Version)
	}
	if leaf != nil {
		st.details = l.certificateObject(leaf, state, refused)
	}
	switch {
	case refused != nil:
		st.err = l.probeErr
		st.seen, _, _ = strings.Cut(refused.Error(), "; certificate seen now: ")
		st.more = []string{refused.Seen}
	case leaf != nil:
		l.describe(st, leaf)
	}
	return st
}

// wantsCertificate tells that the look came to its end only because it brought no client certificate, while requests do.
func (l *ladder) wantsCertificate() bool {
	e, ok := errors.AsType[*transport.ConnectError](l.probeErr)
	return ok && e.Stage == transport.StageTLS && e.Alert() && l.s.method.Auth == transport.AuthCertificate
}

// soon is how long before its end a certificate is worth a word.
const soon = 14 * 24 * time.Hour

// describe tells of a certificate that was accepted, and why it was.
func (l *ladder) describe(st *step, leaf *x509.Certificate) {
	flags := l.s.flags
	names := certificateNames(leaf)
	due := cmp.Or(flags.tlsServerName, l.s.target.name)
	if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, due) }); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, due)
	}
	st.seen += ", certificate of " + several(names, maxListed/2)
	st.more = []string{fingerprint(leaf)}
	until := leaf.NotAfter.Sub(l.s.app.now())
	switch {
	case flags.insecure:
		st.seen += ", not checked (--insecure)"
		st.result = rungWarning
		st.means = "Anybody on the way can be the host: its certificate was not checked."
		st.actions = []action{compareCertificate(), pinCertificate()}
		return
	case len(flags.tlsPins) > 0:
		st.seen += ", pinned"
	default:
		st.seen += ", issued by " + beginning(leaf.Issuer.String(), maxPiece)
	}
	st.seen += ", valid until " + leaf.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case until < 0 && len(flags.tlsPins) > 0:
		st.result, st.means = rungWarning, "The certificate has expired. Its pin makes it good for hvmigerr; other clients refuse it."
	case until < soon:
		st.result, st.means = rungWarning, fmt.Sprintf("The certificate ends in %s; https fails then.", age(until))
	default:
		return
	}
	st.actions = []action{showCertificates(), listListeners()}
}

func fingerprint(leaf *x509.Certificate) string {
	return transport.Pin(sha256.Sum256(leaf.Raw)).String()
}

// certificateNames returns the names and addresses that a certificate is for.
func certificateNames(leaf *x509.Certificate) []string {
	var names []string
	for _, n := range leaf.DNSNames {
		names = append(names, beginning(n, maxPiece))
	}
	for _, a := range leaf.IPAddresses {
		names = append(names, a.String())
	}
	if len(names) == 0 {
		return []string{"nobody by name"}
	}
	return names
}

func (l *ladder) certificateObject(leaf *x509.Certificate, state *tls.ConnectionState, refused *transport.CertificateError) object {
	version := any(nil)
	if state != nil && state.Version != 0 {
		version = tls.VersionName(state.Version)
	}
	return object{
		{"version", version},
		{"certificate", object{
			{"subject", leaf.Subject.String()},
			{"issuer", leaf.Issuer.String()},
			{"names", certificateNames(leaf)},
			{"notBefore", cimTime(leaf.NotBefore)},
			{"notAfter", cimTime(leaf.NotAfter)},
			{"fingerprint", fingerprint(leaf)},
			{"accepted", refused == nil},
			{"checked", !l.s.flags.insecure},
			{"pinned", len(l.s.flags.tlsPins) > 0},
		}},
	}
}
