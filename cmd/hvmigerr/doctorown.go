package main

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// byTLSHost stands in a command for the endpoint with https in place of http.
const byTLSHost = "<HOST-BY-TLS>"

// An ownCommand is a command of this program that doctor advises.
type ownCommand struct {
	head  string          // all before the host
	set   map[string]bool // the flags in it
	auth  string          // the value of --auth, "" without
	byTLS bool            // the same port, by https
	kinit bool            // it uses the ticket that a command before it gets
}

// readOwnCommand reads a command as the tables have it; tail is what comes behind the host.
func readOwnCommand(before, command string) (c *ownCommand, tail string, ok bool) {
	byTLS := strings.Contains(command, byTLSHost)
	head, tail, ok := cutLast(strings.ReplaceAll(command, byTLSHost, "<HOST>"), "<HOST>")
	c = &ownCommand{head: head, set: map[string]bool{}, byTLS: byTLS, kinit: strings.HasPrefix(before, "kinit ")}
	words := strings.Fields(head)
	for i, word := range words {
		switch name, long := strings.CutPrefix(word, "--"); {
		case long:
			c.set[name] = true
			if name == "auth" && i+1 < len(words) {
				c.auth = words[i+1]
			}
		case word == "-u":
			c.set["user"] = true
		}
	}
	return c, tail, ok
}

// ownCommand fills into a command of this program the flags of this call that still count there, and the host as it has to be
// spelt beside them.
func (l *ladder) ownCommand(before, command string) string {
	c, tail, ok := readOwnCommand(before, command)
	if !ok {
		return command
	}
	var words []string
	for _, fl := range l.repeated(c) {
		c.set[fl.Name] = true
		words = append(words, spelling(fl)...)
	}
	if c.set["http"] && !c.set["user"] && l.s.method.Auth == transport.AuthCertificate {
		words = append(words, "-u", "<USER>") // a certificate does not go by http
	}
	words = append(words, l.argument(c))
	return strings.ReplaceAll(c.head, "<HOST>", l.s.target.name) + strings.Join(words, " ") + tail
}

// repeated returns the flags of this call that are to be typed with c too.
func (l *ladder) repeated(c *ownCommand) []*pflag.Flag {
	if l.flags == nil {
		return nil
	}
	drop := l.dropped(c)
	var list []*pflag.Flag
	l.flags.VisitAll(func(fl *pflag.Flag) {
		if l.s.flags.typed[fl.Name] && fl.Annotations[annotationGroup] != nil && fl.Value.String() != "false" &&
			!c.set[fl.Name] && !slices.Contains(drop, fl.Name) {
			list = append(list, fl)
		}
	})
	return list
}

// dropped lists the flags that do not go with c: those that contradict one of its own, those that say who a user is where it is about
// another one or about nobody, and those of one call alone.
func (l *ladder) dropped(c *ownCommand) []string {
	list := []string{"port", "trace", "verbose"} // a port stands with the host
	certificate := []string{"client-cert", "client-key"}
	switch {
	case c.set["client-cert"], strings.Contains(c.head, anotherUser), strings.HasPrefix(c.head, "hvmigerr identify "):
		list = slices.Concat(list, userFlags(), certificate, []string{"auth", "seal"})
	case c.kinit:
		list = slices.Concat(list, certificate, []string{"user", "password-file", "password-command", "ccache", "keytab"})
	}
	if c.auth != "" {
		list = append(list, unsuited(c.auth)...)
	}
	if c.set["http"] {
		list = slices.Concat(list, tlsFlags(), certificate, []string{"https", "seal"})
		if l.secret() {
			list = append(list, "auth")
		}
	}
	if c.set["https"] || c.byTLS {
		list = append(list, "http", "https", "allow-unencrypted")
	}
	for _, pair := range exclusive() {
		for i, name := range pair {
			if c.set[name] {
				list = append(list, pair[1-i])
			}
		}
	}
	return list
}

// tlsFlags lists the flags that only go with https.
func tlsFlags() []string { return []string{"ca-file", "tls-pin", "tls-server-name", "insecure"} }

// secret tells that the user of this call proves who it is by something that only TLS protects.
func (l *ladder) secret() bool {
	auth := l.s.method.Auth
	return auth == transport.AuthBasic || auth == transport.AuthCertificate
}

// spelling returns a flag as it has to be typed. What may hold a secret, or does not print as itself, is left to be filled in.
func spelling(fl *pflag.Flag) []string {
	name := "--" + fl.Name
	if fl.Name == "user" {
		name = "-u"
	}
	placeholder, _ := pflag.UnquoteUsage(fl)
	values := []string{fl.Value.String()}
	if list, ok := fl.Value.(pflag.SliceValue); ok {
		values = list.GetSlice()
	}
	if fl.Value.Type() == "bool" {
		return []string{name}
	}
	var words []string
	for _, value := range values {
		word := shellWord(value)
		if strings.ContainsFunc(value, unsafeRune) || fl.Name == "password-command" || fl.Name == "proxy" && strings.Contains(value, "@") {
			word = "<" + placeholder + ">"
		}
		words = append(words, name, word)
	}
	return words
}

// argument returns the shortest spelling of the host by which c leads to the endpoint that it is about: beside --http or --https to
// the scheme's own port, unless the endpoint is of that scheme.
func (l *ladder) argument(c *ownCommand) string {
	t, f := l.s.target, l.s.flags
	u, err := url.Parse(t.url)
	if err != nil {
		return t.name // hostRule has written it
	}
	switch {
	case c.byTLS:
		u.Scheme = "https"
	case c.set["https"] && !t.https:
		u.Scheme, u.Host = "https", net.JoinHostPort(t.name, strconv.Itoa(portHTTPS))
	case c.set["http"] && t.https:
		u.Scheme, u.Host = "http", net.JoinHostPort(t.name, strconv.Itoa(portHTTP))
	}
	name := t.name
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	rule := hostRule{http: c.set["http"], https: c.set["https"], environment: f.httpsByEnvironment()}
	if f.preset["port"] {
		rule.port = f.port
	}
	if i := slices.IndexFunc(append(tlsFlags(), "client-cert"), func(name string) bool { return c.set[name] }); i >= 0 {
		rule.tlsFlag = "tls-pin" // or another one
	}
	for _, arg := range []string{name, u.Host} {
		if rule.leads(arg, u.String(), l.secret() || c.auth == string(transport.AuthBasic)) {
			return arg
		}
	}
	return u.String()
}

// leads tells whether arg leads to endpoint, also with a method that wants TLS if there may be one.
func (r hostRule) leads(arg, endpoint string, secret bool) bool {
	for _, r.secret = range []bool{false, secret} {
		u, err := splitHost(arg)
		if err != nil {
			return false
		}
		if t, err := r.target(arg, u); err != nil || t.url != endpoint {
			return false
		}
	}
	return true
}
