package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// authAuto is the value of --auth that leaves the choice to local facts (DESIGN: auto).
const authAuto = "auto"

// methods lists the values of --auth.
func methods() []string {
	return []string{
		authAuto, string(transport.AuthKerberos), string(transport.AuthNegotiate), string(transport.AuthNTLM),
		string(transport.AuthBasic), string(transport.AuthCertificate),
	}
}

// A method is how the user is authenticated, and what has chosen it.
type method struct {
	transport.Choice
	auto  bool // Reason tells the local fact that has decided; else it names a flag or its variable
	clear bool // it can seal, is not to, and goes over http
}

// sealing tells that the method can encrypt messages itself.
func (m *method) sealing() bool {
	switch m.Auth {
	case transport.AuthNTLM, transport.AuthKerberos, transport.AuthNegotiate:
		return true
	case transport.AuthBasic, transport.AuthCertificate, transport.AuthNone:
	}
	return false
}

// nobody tells that no user is to be authenticated: neither one nor a way to authenticate is named.
func (f *connectionFlags) nobody() bool {
	named := slices.ContainsFunc([]string{"user", "client-cert", "ccache", "keytab"}, f.given)
	return f.anonymous && !named && (!f.typed["auth"] || f.auth == authAuto)
}

// choose returns the method for the host of that name. It sends nothing. Besides usage errors there are those of tickets and
// keys that cannot be used; then the method lacks what they would have told.
func (f *connectionFlags) choose(host string) (*method, error) {
	chosen := func(auth transport.Auth, mechanism string) *method {
		return &method{Choice: transport.Choice{Auth: auth, Mechanism: mechanism, Reason: f.origin("auth")}}
	}
	facts := &transport.AuthFacts{
		Host: host, User: f.user, ClientCertificate: f.clientCert != "", CCache: f.ccache, Keytab: f.keytab,
	}
	if f.typed["kdc"] { // one of a variable is there for Kerberos, and no reason for it
		facts.KDCs = f.kdcs
	}
	for _, source := range []string{"password-file", "password-command"} {
		facts.PasswordGiven = facts.PasswordGiven || f.typed[source]
		if f.typed[source] && f.user == "" {
			return nil, &usageError{"--" + source + " needs --user"}
		}
	}
	m := chosen(transport.Auth(f.auth), "")
	switch {
	case f.nobody():
		m = chosen(transport.AuthNone, "")
		m.Reason = "no --user"
	case f.auth == authAuto:
		choice, err := transport.Choose(facts)
		if err != nil {
			return &method{auto: true}, err
		}
		return &method{Choice: *choice, auto: true}, nil
	case m.Auth == transport.AuthKerberos || m.Auth == transport.AuthNegotiate:
		choice, err := transport.ChooseMechanism(facts, m.Auth)
		if err != nil {
			return m, err
		}
		m.Choice = *choice
		m.Reason = f.origin("auth") + "; " + choice.Reason
	case f.user == "" && m.Auth != transport.AuthCertificate:
		return m, &usageError{"--user is missing"}
	default:
		m.Password = m.Auth != transport.AuthCertificate
	}
	return m, nil
}

// warnOfKeytab warns of a keytab that others can read. It is taken all the same: one of the system may be for a group.
func (a *app) warnOfKeytab(f *connectionFlags, m *method) {
	name := strings.TrimPrefix(m.Keytab, "FILE:")
	info, err := os.Stat(name)
	if name == "" || err != nil { // whoever has just read it told what is wrong
		return
	}
	if othersCanRead(info) {
		a.warn("%s: %s can be read by others (mode %04o), and a key is as good as a password; chmod 600 it",
			f.origin("keytab"), name, info.Mode().Perm())
	}
}

// A noPasswordError says that there is neither a ticket that can be used nor a password.
type noPasswordError struct {
	noTicket *transport.CredentialError
}

func (e *noPasswordError) Error() string {
	return "no password is given, and no ticket can be used: " + e.noTicket.Error()
}

func (e *noPasswordError) Unwrap() error { return e.noTicket }

// noTicket returns why no ticket serves, if one was looked for and there is more to say than that there is no file; else nil.
func (m *method) noTicket() *transport.CredentialError {
	e, ok := errors.AsType[*transport.CredentialError](m.NoTicket)
	if !ok || errors.Is(e.Err, fs.ErrNotExist) {
		return nil
	}
	return e
}

// checkUser refuses names that the method cannot carry.
func (f *connectionFlags) checkUser(m *method) error {
	switch {
	case m.Auth == transport.AuthBasic && strings.ContainsFunc(f.user, notInBasicUser):
		return &usageError{f.origin("user") + " holds a colon or a control character, which basic cannot carry"}
	case strings.ContainsFunc(f.user, unicode.IsControl):
		return &usageError{f.origin("user") + " holds a control character"}
	case m.Mechanism == transport.MechanismKerberos && strings.Contains(f.user, `\`):
		return &usageError{fmt.Sprintf("%s %q is a name for NTLM; for Kerberos it is user@REALM", f.origin("user"), f.user)}
	case m.sealing() && f.user != "" && nameless(f.user):
		return &usageError{fmt.Sprintf("%s %q names no user", f.origin("user"), f.user)}
	}
	return nil
}

// nameless tells a name with nothing before or behind its @, or behind its backslash.
func nameless(name string) bool {
	if _, user, ok := strings.Cut(name, `\`); ok {
		name = user
	}
	return name == "" || strings.HasPrefix(name, "@") || strings.HasSuffix(name, "@")
}

// notInBasicUser tells what a user's name cannot hold with basic (RFC 7617 §2).
func notInBasicUser(r rune) bool { return r == ':' || unicode.IsControl(r) }
