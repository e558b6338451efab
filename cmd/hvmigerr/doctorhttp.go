package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// http tells what answers at the path.
func (l *ladder) http(ctx context.Context) *step {
	l.look(ctx)
	p := l.probe
	details := object{{"protocol", nullable(p.Protocol())}, {"status", nil}, {"server", nil}, {"contentType", nil}}
	switch {
	case l.wantsCertificate():
		return skipped("the host wants the client certificate first")
	case p.StatusCode == 0:
		return l.silence(ctx, details)
	}
	server, contentType := p.Header.Get("Server"), p.Header.Get("Content-Type")
	details = object{
		{"protocol", "HTTP"}, {"status", p.StatusCode}, {"server", nullable(server)}, {"contentType", nullable(contentType)},
	}
	st := &step{result: rungOK, seen: fmt.Sprintf("HTTP %d at %s", p.StatusCode, l.path()), details: details}
	if server != "" {
		st.seen += ", Server: " + beginning(server, maxPiece)
	}
	if p.StatusCode == http.StatusUnauthorized {
		st.seen += ", a user is wanted"
	}
	isSOAP := strings.HasPrefix(strings.ToLower(contentType), "application/soap+xml")
	switch {
	case isSOAP, p.StatusCode == http.StatusUnauthorized:
	case !l.s.target.https && l.speaksTLS(ctx):
		st.err = l.answerError()
		st.seen += "; the port speaks TLS"
		st.means = "This is a port for https."
		st.actions = l.byTLS()
	case slices.Contains([]int{http.StatusBadRequest, http.StatusLengthRequired, http.StatusUnsupportedMediaType, http.StatusInternalServerError}, p.StatusCode):
		st.result = rungWarning
		st.means = "Windows answers an empty request without a user by 401. A service that is not Windows may answer like this; so may something that is no WS-Management."
	default:
		st.err = l.answerError()
	}
	return st
}

// silence tells of a peer that gave no answer of HTTP.
func (l *ladder) silence(ctx context.Context, details object) *step {
	st := &step{err: l.probeErr, details: details}
	switch protocol := l.probe.Protocol(); {
	case bad(ctx, ctx.Err()):
	case protocol == "SSH":
		st.seen = "an SSH server: " + beginning(strings.TrimSpace(string(l.probe.Banner)), maxPiece)
		st.means = "This is the port of another service, and not one of WinRM."
		st.actions = []action{listListeners()}
	case protocol == "TLS", !l.s.target.https && l.speaksTLS(ctx):
		st.seen = "no HTTP; the port speaks TLS"
		st.means = "This is a port for https."
		st.actions = l.byTLS()
	}
	return st
}

// byTLS advises to ask the same port by https.
func (l *ladder) byTLS() []action {
	return []action{here("ask by https", "hvmigerr doctor "+l.overTLS())}
}

// overTLS returns the endpoint with https in place of http.
func (l *ladder) overTLS() string { return "https" + strings.TrimPrefix(l.s.target.url, "http") }

// path returns that of the endpoint.
func (l *ladder) path() string {
	u, err := url.Parse(l.s.target.url)
	if err != nil {
		return "" // hostRule has written it
	}
	return u.Path
}

// speaksTLS tells whether what was asked in clear would rather have TLS. Nothing of the user is sent.
func (l *ladder) speaksTLS(ctx context.Context) bool {
	cfg := transport.Config{Auth: transport.AuthNone}
	secured := *l.s.target
	secured.https, secured.url = true, l.overTLS()
	if err := l.s.flags.fill(&cfg, &secured); err != nil {
		return false
	}
	t, err := transport.New(cfg)
	if err != nil {
		return false
	}
	defer func() { _ = t.Close() }() // always nil
	p, _ := t.Probe(ctx)
	return p.TLS != nil
}

// answerError returns the answer to the look as a request would end with it.
func (l *ladder) answerError() error {
	p := l.probe
	e := &wsman.HTTPError{StatusCode: p.StatusCode, ContentType: p.Header.Get("Content-Type"), Body: p.Body, Challenges: p.Challenges}
	if p.StatusCode/100 == 3 {
		e.Location = p.Header.Get("Location")
	}
	return e
}

// schemes tells which ways to authenticate are offered, and whether the one that was chosen is among them.
func (l *ladder) schemes(context.Context) *step {
	offered := l.probe.Challenges
	scheme := l.scheme()
	details := object{{"schemes", nonNil(offered)}, {"chosen", nullable(scheme)}}
	st := okay(strings.Join(offered, ", "))
	switch {
	case l.probe.StatusCode != http.StatusUnauthorized:
		st = skipped("the host asked for no user")
	case len(offered) == 0:
		st = warning("none is told", "Windows names what it takes. Some services that are not Windows name nothing to one who brings no user; others take none.")
	case scheme != "" && !slices.ContainsFunc(offered, func(s string) bool { return strings.EqualFold(s, scheme) }):
		st.result = rungWarning
		st.means = fmt.Sprintf("%s is not offered, by which %s would go.", scheme, l.s.method.Auth)
		st.actions = l.otherSchemes(offered)
	}
	st.details = details
	return st
}

// scheme returns the scheme of HTTP by which the method goes, "" if none.
func (l *ladder) scheme() string {
	switch l.s.method.Auth {
	case transport.AuthNTLM, transport.AuthNegotiate:
		return "Negotiate"
	case transport.AuthKerberos:
		return "Kerberos"
	case transport.AuthBasic:
		return "Basic"
	case transport.AuthCertificate, transport.AuthNone:
	}
	return ""
}

// otherSchemes advises what to do about a scheme that is not offered.
func (l *ladder) otherSchemes(offered []string) []action {
	actions := []action{showServiceAuth()}
	for _, way := range []struct{ scheme, flags string }{
		{"Negotiate", "--auth negotiate"}, {"Kerberos", "--auth kerberos"}, {"Basic", "--auth basic --https"},
	} {
		if slices.ContainsFunc(offered, func(s string) bool { return strings.EqualFold(s, way.scheme) }) {
			return append(actions, here("take a method that is offered", "hvmigerr doctor "+way.flags+" -u <USER> <HOST>"))
		}
	}
	return actions
}

// identify asks without a user what the host is.
func (l *ladder) identify(ctx context.Context) *step {
	id, err := l.s.client.IdentifyAnonymous(ctx)
	refused, _ := errors.AsType[*wsman.HTTPError](err)
	switch {
	case err == nil:
	case refused != nil && refused.StatusCode == http.StatusUnauthorized:
		return warning("refused without a user", "Windows answers this to everybody. The host, or something before it, wants a user first.")
	case bad(ctx, err):
		return failed(err)
	default:
		return warning(message(l.s.failed(err)), "The host does not tell what it is, which nothing else needs.")
	}
	st := okay(identityText(id))
	st.details = identityObject(id, false)
	return st
}

// identityText says what a host calls itself.
func identityText(id *wsman.Identity) string {
	version := id.ProductVersion
	// Windows tells numbers only to users (facts/wire-format.md §9).
	if strings.HasPrefix(version, "OS: 0.0.0") {
		version = "version hidden from strangers"
	}
	words := slices.DeleteFunc([]string{id.ProductVendor, version}, func(s string) bool { return s == "" })
	if len(words) == 0 {
		return "a service that does not tell its name"
	}
	return strings.Join(words, ", ")
}

// noticeable is how far apart two clocks may be before it is worth a word.
const noticeable = 5 * time.Second

// clock compares the clock of the host with ours.
func (l *ladder) clock(context.Context) *step {
	date, err := http.ParseTime(l.probe.Header.Get("Date"))
	if err != nil {
		return skipped("the host does not tell its time")
	}
	d := date.Sub(l.probe.Received)
	st := okay("the same as here")
	if d.Abs() > noticeable {
		st = warning("the host's is "+apart(d)+" ours", "")
		st.means = "Times in answers are the host's."
		st.actions = showClocks()
		if d.Abs() >= kerberosTolerance {
			st.means = "Kerberos fails from five minutes on, and NTLM of a domain may."
		}
	}
	st.details = object{{"date", cimTime(date)}, {"clockDifference", d.Round(time.Second).Seconds()}}
	return st
}
