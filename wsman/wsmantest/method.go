package wsmantest

import (
	"errors"
	"fmt"
	"slices"
)

// AuthMethod is a way in which the host lets users authenticate.
type AuthMethod string

// The methods of authentication.
const (
	AuthMethodBasic       AuthMethod = "basic"
	AuthMethodCertificate AuthMethod = "certificate" // over HTTPS alone
	AuthMethodNTLM        AuthMethod = "ntlm"        // in scheme Negotiate, as it is or within SPNEGO
	AuthMethodKerberos    AuthMethod = "kerberos"    // in scheme Kerberos, and in scheme Negotiate within SPNEGO
)

// Schemes of HTTP authentication, as they stand in a challenge.
const (
	schemeNegotiate = "Negotiate"
	schemeKerberos  = "Kerberos"
	schemeBasic     = "Basic"

	challengeBasic = schemeBasic + ` realm="WSMAN"`

	headerChallenge = "Www-Authenticate" // as net/http writes it
)

// methods returns the methods that the configuration enables.
func (c *Config) methods() []AuthMethod {
	switch {
	case c.Auth != nil:
		return c.Auth
	case !c.HTTP:
		return []AuthMethod{AuthMethodNTLM, AuthMethodKerberos, AuthMethodBasic, AuthMethodCertificate}
	case c.AllowUnencrypted:
		return []AuthMethod{AuthMethodNTLM, AuthMethodKerberos, AuthMethodBasic}
	}
	return []AuthMethod{AuthMethodNTLM, AuthMethodKerberos}
}

// validateMethods refuses methods that are unknown, or that need what the configuration does not allow.
func (c *Config) validateMethods() error {
	var errs []error
	for _, m := range c.Auth {
		switch m {
		case AuthMethodNTLM, AuthMethodKerberos:
		case AuthMethodBasic:
			if c.HTTP && !c.AllowUnencrypted {
				errs = append(errs, errors.New("basic over HTTP needs AllowUnencrypted"))
			}
		case AuthMethodCertificate:
			if c.HTTP {
				errs = append(errs, errors.New("certificate needs HTTPS"))
			}
		default:
			errs = append(errs, fmt.Errorf("authentication method %q is unknown", m))
		}
	}
	return errors.Join(errs...)
}

// takes reports whether a method is enabled.
func (s *Server) takes(m AuthMethod) bool { return slices.Contains(s.methods, m) }

// challenges returns the values of WWW-Authenticate in the order of Windows, for what is enabled.
func (s *Server) challenges() []string {
	var list []string
	if s.takes(AuthMethodNTLM) || s.takes(AuthMethodKerberos) {
		list = append(list, schemeNegotiate)
	}
	if s.takes(AuthMethodKerberos) {
		list = append(list, schemeKerberos)
	}
	if s.takes(AuthMethodBasic) {
		list = append(list, challengeBasic)
	}
	return list
}
