package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

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
	case refused == nil && l.probe.Protocol() == protocolSSH:
		return l.ssh(nil)
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
	for i := range names {
		names[i] = beginning(names[i], maxPeer)
	}
	if len(names) == 0 {
		names = []string{"nobody by name"}
	}
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
		st.seen += ", issued by " + beginning(leaf.Issuer.String(), maxPeer)
	}
	st.seen += ", valid until " + leaf.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case until < 0 && len(flags.tlsPins) > 0:
		st.result, st.means = rungWarning, "The certificate has expired. Its pin makes it good for hvmigerr; other clients refuse it."
	case until < soon && len(flags.tlsPins) > 0:
		st.result = rungWarning
		st.means = fmt.Sprintf("The certificate ends in %s. Its pin makes it good for hvmigerr after that too; other clients refuse it then.", age(until))
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
	names := nonNil(leaf.DNSNames)
	for _, a := range leaf.IPAddresses {
		names = append(names, a.String())
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
