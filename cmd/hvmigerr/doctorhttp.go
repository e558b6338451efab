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

// maxPeer bounds what is quoted of a peer, in bytes: a line behind the name of a rung has room for that.
const maxPeer = helpWidth - columnSeen

// slow is from when on a host is called slow to answer.
const slow = 5 * time.Second

// Values of Probe.Protocol.
const (
	protocolHTTP = "HTTP"
	protocolSSH  = "SSH"
	protocolTLS  = "TLS"
)

// http tells what answers at the path.
func (l *ladder) http(ctx context.Context) *step {
	l.look(ctx)
	p := l.probe
	details := object{{"protocol", nullable(p.Protocol())}, {"status", nil}, {"server", nil}, {"contentType", nil}, {"location", nil}}
	switch {
	case l.wantsCertificate():
		return skipped("the host wants the client certificate first")
	case p.StatusCode == 0:
		return l.silence(ctx, details)
	}
	server, contentType := p.Header.Get("Server"), p.Header.Get("Content-Type")
	location := ""
	st := okay(fmt.Sprintf("HTTP %d at %s", p.StatusCode, l.path()))
	if p.StatusCode/100 == 3 {
		location = p.Header.Get("Location")
	}
	if location != "" {
		st.seen += ", Location: " + beginning(location, maxPeer)
	}
	if server != "" {
		st.seen += ", Server: " + beginning(server, maxPeer)
	}
	if p.StatusCode == http.StatusUnauthorized {
		st.seen += ", a user is wanted"
	}
	st.details = object{
		{"protocol", protocolHTTP},
		{"status", p.StatusCode},
		{"server", nullable(server)},
		{"contentType", nullable(contentType)},
		{"location", nullable(location)},
	}
	l.judgeAnswer(ctx, st)
	if st.err == nil && l.waited >= slow {
		st.result = rungWarning
		st.seen += ", slow to answer: " + age(l.waited)
		st.means = strings.TrimSpace(st.means + " A host that takes long for this takes longer for the rest.")
		st.actions = append(st.actions, here("give it more time", "hvmigerr get --timeout 2m <HOST>"))
	}
	return st
}

// judgeAnswer tells whether an answer may be that of a service of WS-Management. Nothing of the user is sent to one that may not.
func (l *ladder) judgeAnswer(ctx context.Context, st *step) {
	status := l.probe.StatusCode
	server, media := strings.ToLower(l.probe.Header.Get("Server")), strings.ToLower(l.probe.Header.Get("Content-Type"))
	odd := []int{http.StatusBadRequest, http.StatusLengthRequired, http.StatusUnsupportedMediaType, http.StatusInternalServerError}
	windows := strings.HasPrefix(server, "microsoft-httpapi") // http.sys, which WinRM is behind
	web := strings.HasPrefix(media, "text/html") || slices.ContainsFunc([]string{"nginx", "apache", "microsoft-iis"}, func(name string) bool {
		return strings.HasPrefix(server, name)
	})
	switch {
	case strings.HasPrefix(media, "application/soap+xml"):
	case status == http.StatusUnauthorized && server != "" && !windows:
		st.result = rungWarning
		st.means = "WinRM of Windows calls itself Microsoft-HTTPAPI. Something else answers in front of the host, or this is not Windows."
		st.actions = []action{listListeners()}
	case status == http.StatusUnauthorized:
	case !l.s.target.https && l.speaksTLS(ctx):
		st.err = l.answerError()
		st.seen += "; the port speaks TLS"
		st.means = "This is a port for https."
		st.actions = l.byTLS()
	case slices.Contains(odd, status) && (windows || !web):
		st.result = rungWarning
		st.means = "Windows answers an empty request without a user by 401. A service that is not Windows may answer like this; so may something that is no WS-Management."
	case slices.Contains(odd, status):
		st.err = l.answerError()
		st.means = "This is a page of a web server, and not how WS-Management answers. Nothing of the user was sent."
		st.actions = []action{listListeners()}
	default:
		st.err = l.answerError()
	}
}

// silence tells of a peer that gave no answer of HTTP.
func (l *ladder) silence(ctx context.Context, details object) *step {
	st := &step{err: l.probeErr, details: details}
	protocol := l.probe.Protocol()
	switch malformed := has[*wsman.ProtocolError](l.probeErr); {
	case over(ctx) != nil:
	case protocol == protocolSSH:
		return l.ssh(details)
	case protocol == protocolTLS, !l.s.target.https && l.speaksTLS(ctx):
		st.seen = "no HTTP; the port speaks TLS"
		st.means = "This is a port for https."
		st.actions = l.byTLS()
	case protocol == protocolHTTP && malformed:
		st.seen = "speaks HTTP, but not well-formed: " + beginning(message(l.s.failed(l.probeErr)), maxSeen/2)
	}
	return st
}

// ssh is the failure of a rung at which a server of SSH answers.
func (l *ladder) ssh(details object) *step {
	return &step{
		err: l.probeErr, details: details, seen: l.heard(), means: "This is the port of another service, and not one of WinRM.",
		actions: []action{listListeners()},
	}
}

// heard says what a peer spoke that did not speak HTTP.
func (l *ladder) heard() string {
	begins := beginning(strings.TrimSpace(string(l.probe.Banner)), maxPeer)
	switch {
	case l.probe.Protocol() == protocolSSH:
		return "an SSH server: " + begins
	case begins != "":
		return fmt.Sprintf("it begins by %q", begins)
	}
	return message(l.s.failed(l.probeErr))
}

// byTLS advises to ask the same port by https.
func (l *ladder) byTLS() []action {
	return []action{here("ask by https", "hvmigerr doctor "+byTLSHost)}
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

// speaksTLS tells whether what was asked in clear would rather have TLS. Nothing of the user is sent. The handshake tells,
// and there may be no answer behind it.
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
	limited, cancel := context.WithTimeout(ctx, l.s.flags.connectTimeout)
	defer cancel()
	p, _ := t.Probe(limited)
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
		st.means = fmt.Sprintf("%s is not offered, by which %s would go.", scheme, l.methodName())
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
		user := "<USER>"
		if way.scheme == "Kerberos" {
			if l.s.target.isAddress() {
				continue // there are no tickets for an address
			}
			if strings.Contains(l.s.flags.user, `\`) {
				user = "<USER>@<REALM>" // DOMAIN\user is a name for NTLM
			}
		}
		if slices.ContainsFunc(offered, func(s string) bool { return strings.EqualFold(s, way.scheme) }) {
			return append(actions, here("take a method that is offered", "hvmigerr doctor "+way.flags+" -u "+user+" <HOST>"))
		}
	}
	return actions
}

// identify asks without a user what the host is. Nothing else needs the answer, so that it has only as much time as a connection.
func (l *ladder) identify(ctx context.Context) *step {
	if l.wantsCertificate() {
		return skipped("the host wants the client certificate first")
	}
	foreign := l.s.foreign
	limited, cancel := context.WithTimeout(ctx, l.s.flags.connectTimeout)
	defer cancel()
	id, err := l.s.client.IdentifyAnonymous(limited)
	l.s.foreign = foreign // it says nothing of a session
	refused, _ := errors.AsType[*wsman.HTTPError](err)
	const unneeded = "The host does not tell what it is, which nothing else needs."
	switch {
	case err == nil:
	case over(ctx) != nil:
		return failed(over(ctx))
	case over(limited) != nil:
		return warning(fmt.Sprintf("no answer within %v", l.s.flags.connectTimeout), unneeded)
	case refused != nil && refused.StatusCode == http.StatusUnauthorized:
		return warning("refused without a user", "Windows answers this to everybody. The host, or something before it, wants a user first.")
	default:
		return warning(message(l.s.failed(err)), unneeded)
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
	d := date.Sub(l.probe.Received) // at most 292 years
	st := okay("the same as here")
	if d.Abs() > noticeable {
		st = warning("the host's is "+farApart(d)+" ours", "")
		st.means = "Times in answers are the host's."
		st.actions = showClocks()
		if d.Abs() >= kerberosTolerance {
			st.means = "Kerberos fails from five minutes on, and NTLM of a domain may."
		}
	}
	st.details = object{{"date", cimTime(date)}, {"clockDifference", date.Unix() - l.probe.Received.Unix()}}
	return st
}

// farApart is apart for any two clocks.
func farApart(d time.Duration) string {
	const century = 100 * 365 * 24 * time.Hour
	switch {
	case d <= -century:
		return "centuries behind"
	case d >= century:
		return "centuries ahead of"
	}
	return apart(d)
}
