package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// hint returns what may help against err, or "". It belongs to the command: libraries say only what is the case.
func hint(err error) string {
	switch {
	case has[*usageError](err), has[*undecodableError](err):
		return ""
	case errors.Is(err, invoke.ErrNoSuchJob):
		return "a host forgets a job five minutes after it has ended; hvmigerr jobs lists what it still has"
	case errors.Is(err, invoke.ErrNothingVisible):
		return "is the user in Hyper-V Administrators on the host?"
	case errors.Is(err, invoke.ErrNoHyperV):
		return "is it a Hyper-V host of Windows Server 2012 or later? hvmigerr identify tells what answers there"
	}
	switch exitCode(err) {
	case exitUnreachable:
		return unreachableHint(err)
	case exitAuthentication:
		return authenticationHint(err)
	case exitDenied:
		return "the user needs Hyper-V Administrators and Remote Management Users; Invoke also the WMI right Execute Methods"
	case exitQuota:
		if !matches(err, (*wsman.Fault).Quota) { // it is a 413
			return "the request or its answer is too large for the host's limit (MaxEnvelopeSizekb of winrm/config)"
		}
		return "the host is busy or limits this user; wait, then ask again"
	case exitUndecodable:
		if status(http.StatusNotFound)(err) {
			return "WS-Management answers at the path /wsman; is another server at this port?"
		}
		if matches(err, func(e *sessionError) bool { return e.foreign }) {
			return "nothing of that answer was believed: something between here and the host may have given or changed it, such as a proxy; --https shows who answers"
		}
		if status(http.StatusInternalServerError)(err) && matches(err, func(e *sessionError) bool { return e.method != nil && e.method.clear }) {
			return "a default Windows host takes no message in clear: leave out --seal never"
		}
		if matches(err, func(e *sessionError) bool { return e.traced }) {
			return ""
		}
		return "--trace DIR keeps what the host sent"
	case exitDeadline:
		return "a longer --timeout may help"
	}
	return ""
}

// authenticationHint tells what may help against err, and what has chosen the method that failed.
func authenticationHint(err error) string {
	if has[*noPasswordError](err) {
		return "or give a password: " + passwordSources
	}
	m := &method{} // of an error that tells no more
	if e, ok := errors.AsType[*sessionError](err); ok && e.method != nil {
		m = e.method
	}
	h := ticketHint(err)
	if h == "" {
		h = credentialHint(err, m)
	}
	if h == "" {
		h = refusalHint(err, m)
	}
	if !m.auto {
		return h
	}
	if m.Mechanism == "" { // there was nothing to choose
		return `or name a user of the host or its domain: -u 'DOMAIN\user' --auth ntlm needs a password and no ticket`
	}
	chosen := fmt.Sprintf("--auth auto chose %s: %s", m.Mechanism, m.Reason)
	if h == "" {
		return chosen
	}
	return h + " (" + chosen + ")"
}

// Error codes of a KDC (RFC 4120 §7.5.9).
const (
	kdcClientUnknown = 6
	kdcServerUnknown = 7
	kdcKeyExpired    = 23
	kdcSkew          = 37
)

// kerberosTolerance is what Kerberos allows between two clocks (RFC 4120 §1.6).
const kerberosTolerance = 5 * time.Minute

// ticketHint tells what may help when there is no ticket.
func ticketHint(err error) string {
	if has[*transport.KDCUnreachableError](err) {
		return "--kdc HOST names a KDC, and so does [realms] in krb5.conf; KDCs are asked over TCP, port 88"
	}
	e, ok := errors.AsType[*transport.KDCError](err)
	if !ok {
		return ""
	}
	switch {
	case e.Refused():
		return "it was sent once, and is not sent again in this run"
	case e.Code == kdcClientUnknown:
		return "is the realm right?"
	case e.Code == kdcServerUnknown:
		return "name the host as its domain does, not by an alias or an address; --spn SERVICE/NAME asks for exactly one name"
	case e.Code == kdcKeyExpired:
		return "set a new password first, as with kpasswd"
	case e.Code == kdcSkew:
		return "set the clock of this machine right; Kerberos allows five minutes"
	}
	return ""
}

// credentialHint tells what may help when a keytab, or krb5.conf, does not tell who is meant.
func credentialHint(err error, m *method) string {
	e, ok := errors.AsType[*transport.CredentialError](err)
	switch {
	case !ok:
		return ""
	case m.Keytab != "" && !has[syscall.Errno](e.Err) && errors.Unwrap(e.Err) == nil: // it could be read, and is one
		return "-u USER@REALM says whose key in it is meant"
	case m.realmless:
		return "-u USER@REALM needs no default_realm in krb5.conf"
	}
	return ""
}

// refusalHint tells by what was tried and what is offered what the host may have against the user.
func refusalHint(err error, m *method) string {
	refused, ok := findRefusal(err)
	e, sealing := errors.AsType[*transport.AuthError](err)
	switch {
	case sealing && e.Proxied && (!e.Refused || e.Mechanism == transport.MechanismNTLM):
		return proxyHint(e)
	case sealing && e.Mechanism == transport.MechanismKerberos && e.Skew.Abs() >= kerberosTolerance:
		return fmt.Sprintf("this machine's clock is %s the host's; Kerberos allows five minutes", apart(-e.Skew))
	case sealing && incomplete(e):
		return incompleteHint(e)
	case !ok:
		return ""
	case sealing && e.Early:
		return earlyHint(refused)
	case sealing && !e.Refused:
		return "the host has taken the user and then forgotten the connection, twice; is a load balancer in between?"
	case sealing && e.Mechanism == transport.MechanismKerberos:
		return kerberosHint(refused, m.Auth)
	case sealing:
		return ntlmHint(refused)
	case refused.Tried == "Basic" && offers(refused, "Basic"):
		return "the host does not take this user with this password; basic takes local accounts of the host only, without a domain"
	case refused.Tried == "Basic":
		return "basic must be enabled on the host (winrm/config/service/auth) and takes local accounts only, without a domain" + instead(refused)
	case refused.Tried == "":
		return "the service wants a user: give --user"
	}
	return ""
}

// proxyHint tells what a proxy may have to do with it.
func proxyHint(e *transport.AuthError) string {
	h := e.Mechanism + " belongs to one connection, and a proxy that forwards requests need not keep it: use --proxy none, or https, which goes through a tunnel"
	if e.Refused {
		h += "; or the password is wrong"
	}
	return h
}

// earlyHint tells why a host may not take up NTLM.
func earlyHint(refused *wsman.HTTPError) string {
	const unsent = "; it has seen neither the user's name nor a proof of the password"
	if offers(refused, "Negotiate") {
		return "a policy of the host may forbid NTLM: --auth kerberos" + unsent
	}
	return ntlmHint(refused) + unsent
}

// incomplete tells that the exchange of tokens broke off, and not because the host, or a KDC, has refused anybody.
func incomplete(e *transport.AuthError) bool {
	return !e.Refused && !e.Early && !has[*wsman.HTTPError](e.Err) && !has[*transport.KDCError](e.Err) &&
		!has[*transport.KDCUnreachableError](e.Err) && !has[*transport.CredentialError](e.Err) && !errors.Is(e.Err, context.DeadlineExceeded)
}

// incompleteHint tells what a broken exchange of tokens has given away.
func incompleteHint(e *transport.AuthError) string {
	who, proof := "the host, or something in between,", "the user's name and a proof of the password"
	if e.Mechanism == transport.MechanismKerberos {
		who, proof = "the host, a KDC or something in between", "a ticket, with a proof that it is the user's"
	}
	return who + " does not complete the exchange; hvmigerr identify HOST tells what answers there. " +
		"That exchange holds neither the password nor what is asked: at most " + proof
}

// ntlmHint tells what the host may have against a user of NTLM.
func ntlmHint(refused *wsman.HTTPError) string {
	switch {
	case !offersSealing(refused):
		return nothingSeals + instead(refused)
	case !offers(refused, "Negotiate"):
		return "the host does not offer Negotiate, which carries NTLM" + instead(refused)
	}
	return "is the password right, and the account neither locked nor disabled? DOMAIN\\user is an account of a domain, .\\user one of the host; " +
		"a local administrator other than the built-in one also needs LocalAccountTokenFilterPolicy=1 there"
}

// kerberosHint tells what the host may have against a user of Kerberos, which has gone by the HTTP scheme of auth: Kerberos or Negotiate.
func kerberosHint(refused *wsman.HTTPError, auth transport.Auth) string {
	switch {
	case !offersSealing(refused):
		return nothingSeals + instead(refused)
	case auth == transport.AuthKerberos && !offers(refused, "Kerberos"):
		return "the host does not offer Kerberos by that name, but Negotiate, which carries Kerberos too: --auth negotiate; or NTLM, with a password: --auth ntlm"
	case auth == transport.AuthNegotiate && !offers(refused, "Negotiate"):
		return "the host does not offer Negotiate, but Kerberos itself: --auth kerberos"
	}
	return "does the ticket fit the host? An old one may be of a key that has changed since: kdestroy, then kinit; --spn asks for another name of its service"
}

const nothingSeals = "the host offers neither Negotiate nor Kerberos"

// offersSealing tells whether a host offers a scheme that seals messages.
func offersSealing(e *wsman.HTTPError) bool { return offers(e, "Negotiate") || offers(e, "Kerberos") }

// instead names the methods that may work with what the host offers.
func instead(refused *wsman.HTTPError) string {
	var list []string
	for _, m := range []struct{ scheme, auth string }{
		{"Negotiate", "--auth ntlm"},
		{"Kerberos", "--auth kerberos"},
		{"Basic", "--auth basic with --https"},
	} {
		if offers(refused, m.scheme) && !strings.EqualFold(m.scheme, refused.Tried) {
			list = append(list, m.auth)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "; what it offers fits " + strings.Join(list, " or ")
}

// findRefusal returns the 401 in err.
func findRefusal(err error) (*wsman.HTTPError, bool) {
	var found *wsman.HTTPError
	ok := matches(err, func(e *wsman.HTTPError) bool {
		found = e
		return e.StatusCode == http.StatusUnauthorized
	})
	return found, ok
}

// offers tells whether a host offers an authentication scheme.
func offers(e *wsman.HTTPError, scheme string) bool {
	return slices.ContainsFunc(e.Challenges, func(c string) bool { return strings.EqualFold(c, scheme) })
}

func unreachableHint(err error) string {
	e, ok := errors.AsType[*transport.ConnectError](err)
	switch {
	case !ok, has[*transport.CertificateError](err):
		return ""
	case e.Stage == transport.StageConnect:
		return "is WinRM listening there? It uses 5986 for https, where a listener must be made first, and 5985 for http"
	case e.Stage == transport.StageTLS && !e.Alert():
		return "is it an http port? WinRM uses 5986 for https and 5985 for http"
	}
	return ""
}
