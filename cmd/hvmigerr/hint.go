package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	h := ticketHint(err)
	if h == "" {
		h = refusalHint(err)
	}
	e, ok := errors.AsType[*sessionError](err)
	if !ok || e.method == nil || !e.method.auto {
		return h
	}
	if e.method.Mechanism == "" { // there was nothing to choose
		return `or name a user of the host or its domain: -u 'DOMAIN\user' --auth ntlm needs a password and no ticket`
	}
	chosen := fmt.Sprintf("--auth auto chose %s: %s", e.method.Mechanism, e.method.Reason)
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

// refusalHint tells by what was tried and what is offered what the host may have against the user.
func refusalHint(err error) string {
	refused, ok := findRefusal(err)
	e, sealing := errors.AsType[*transport.AuthError](err)
	switch {
	case sealing && e.Proxied && (!e.Refused || e.Mechanism == transport.MechanismNTLM):
		return proxyHint(e)
	case sealing && e.Mechanism == transport.MechanismKerberos && e.Skew.Abs() >= kerberosTolerance:
		return fmt.Sprintf("this machine's clock is %s the host's; Kerberos allows five minutes", apart(-e.Skew))
	case !ok:
		return ""
	case sealing && e.Early:
		return earlyHint(e, refused)
	case sealing && !e.Refused:
		return "the host has taken the user and then forgotten the connection, twice; is a load balancer in between?"
	case sealing:
		return sealingHint(e, refused)
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
func earlyHint(e *transport.AuthError, refused *wsman.HTTPError) string {
	const unsent = "; it has seen neither the user's name nor a proof of the password"
	if offers(refused, "Negotiate") {
		return "a policy of the host may forbid NTLM: --auth kerberos" + unsent
	}
	return sealingHint(e, refused) + unsent
}

// sealingHint tells what the host may have against a user of NTLM or Kerberos.
func sealingHint(e *transport.AuthError, refused *wsman.HTTPError) string {
	negotiate, kerberos := offers(refused, "Negotiate"), offers(refused, "Kerberos")
	switch {
	case !negotiate && !kerberos:
		return "the host offers neither Negotiate nor Kerberos" + instead(refused)
	case e.Mechanism == transport.MechanismNTLM && !negotiate:
		return "the host does not offer Negotiate, which carries NTLM" + instead(refused)
	case e.Mechanism == transport.MechanismNTLM:
		return "is the password right, and the account neither locked nor disabled? DOMAIN\\user is an account of a domain, .\\user one of the host; " +
			"a local administrator other than the built-in one also needs LocalAccountTokenFilterPolicy=1 there"
	case !kerberos:
		return "the host may have Kerberos switched off (winrm/config/service/auth)" + instead(refused)
	}
	return "does the ticket fit the host? An old one may be of a key that has changed since: kdestroy, then kinit; --spn asks for another name of its service"
}

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
