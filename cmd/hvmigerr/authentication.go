package main

import (
	"context"
	"fmt"
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
		Host: host, User: f.user, ClientCertificate: f.clientCert != "", CCache: f.ccache, Keytab: f.keytab, KDCs: f.kdcs,
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

// authenticate completes cfg by the user's credentials, asking for a password if the method needs one. Besides usage errors there
// are those of tickets and keys that cannot be used.
func (a *app) authenticate(ctx context.Context, f *connectionFlags, m *method, cfg *transport.Config, host string) error {
	if err := f.checkUser(m); err != nil {
		return err
	}
	if m.Password {
		var err error
		if cfg.Password, err = a.password(ctx, f, host); err != nil {
			return err
		}
		if m.Auth == transport.AuthBasic && strings.ContainsFunc(cfg.Password.Reveal(), unicode.IsControl) {
			return &usageError{"the password holds a control character, such as a second line end, which basic cannot carry"}
		}
	}
	if m.Mechanism != transport.MechanismKerberos {
		if m.Password {
			cfg.User = f.user
		}
		return nil
	}
	k, err := transport.NewKerberos(transport.KerberosConfig{
		User: f.user, Password: cfg.Password, CCache: m.CCache, Keytab: m.Keytab, KDCs: f.kdcs, Timeout: f.connectTimeout,
	})
	if err != nil {
		if has[*transport.CredentialError](err) {
			return err
		}
		return &usageError{err.Error()}
	}
	cfg.Kerberos = k
	return nil
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
	}
	return nil
}

// notInBasicUser tells what a user's name cannot hold with basic (RFC 7617 §2).
func notInBasicUser(r rune) bool { return r == ':' || unicode.IsControl(r) }
