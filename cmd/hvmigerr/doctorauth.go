package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// kerberos gets the ticket that requests will use, if Kerberos was chosen.
func (l *ladder) kerberos(ctx context.Context) *step {
	m := l.s.method
	switch {
	case l.nobody:
		return skipped("no user is named, and there is no ticket")
	case l.s.unusable != nil:
		return failed(l.s.unusable)
	case m.Mechanism != transport.MechanismKerberos:
		return skipped("not chosen: " + l.chosen())
	}
	r, err := l.s.transport.InspectKerberos(ctx)
	l.tickets = r
	st := &step{result: rungOK, err: err}
	if r == nil {
		return st
	}
	st.details = kerberosObject(r)
	if err != nil {
		st.seen = message(l.s.failed(err)) + "; " + kerberosText(r)
		return st
	}
	st.seen = fmt.Sprintf("ticket of %s for %s, until %s; %s", r.Ticket.Client, r.Ticket.Server,
		r.Ticket.EndTime.Local().Format("15:04 MST"), kerberosText(r))
	if slices.ContainsFunc(r.KDCs, func(k transport.KDCAttempt) bool { return k.Err != nil }) {
		st.result = rungWarning
		st.means = "A ticket is there, but not every KDC of the realm can be reached: getting the next one may take long, or fail."
		st.actions = []action{here("does a firewall close port 88 of a domain controller; --kdc names one that answers", "hvmigerr doctor --kdc <DC> <HOST>")}
	}
	return st
}

// kerberosText says what there is to get tickets with: the names of the service that were asked for, if there were several, the KDCs,
// the realm of the host, and the configuration.
func kerberosText(r *transport.KerberosReport) string {
	var list []string
	if len(r.SPNs) > 1 {
		var names []string
		for _, s := range r.SPNs {
			names = append(names, s.SPN)
		}
		list = append(list, "asked for "+several(names, maxListed))
	}
	list = append(list, kdcText(r))
	if r.HostRealm != "" {
		list = append(list, "the host is of "+r.HostRealm)
	} else {
		list = append(list, "the realm of the host is the KDC's to tell")
	}
	if !r.ConfRead {
		return strings.Join(append(list, "no "+r.ConfPath), "; ")
	}
	return strings.Join(append(list, "configuration "+r.ConfPath), "; ")
}

// kdcText says which KDCs there are, and which can be reached.
func kdcText(r *transport.KerberosReport) string {
	if len(r.KDCs) == 0 {
		return "no KDC of " + r.UserRealm + " is known"
	}
	var list []string
	for _, k := range r.KDCs {
		list = append(list, k.String())
	}
	return "KDC " + several(list, maxListed/2)
}

func kerberosObject(r *transport.KerberosReport) object {
	kdcs := make([]object, 0, len(r.KDCs))
	for _, k := range r.KDCs {
		kdcs = append(kdcs, object{{"address", k.Addr}, {"reached", k.Err == nil}, {"error", errorText(k.Err)}})
	}
	spns := make([]object, 0, len(r.SPNs))
	for _, s := range r.SPNs {
		spns = append(spns, object{{"spn", s.SPN}, {"error", errorText(s.Err)}})
	}
	o := object{
		{"user", r.User},
		{"configuration", r.ConfPath},
		{"configurationFound", r.ConfRead},
		{"defaultRealm", nullable(r.DefaultRealm)},
		{"userRealm", r.UserRealm},
		{"hostRealm", nullable(r.HostRealm)},
		{"kdcs", kdcs},
		{"kdcSource", nullable(r.KDCSource)},
		{"spns", spns},
	}
	if r.Ticket == nil {
		return append(o, member{"ticket", nil})
	}
	return append(o, member{"ticket", object{
		{"client", r.Ticket.Client},
		{"server", r.Ticket.Server},
		{"endTime", cimTime(r.Ticket.EndTime)},
		{"encryptionType", r.Ticket.EType.String()},
	}})
}

func errorText(err error) any {
	if err == nil {
		return nil
	}
	return err.Error()
}

// chosen says which method was chosen, and what has decided.
func (l *ladder) chosen() string {
	return l.methodName() + " is (" + l.s.method.Reason + ")"
}

func (l *ladder) methodName() string {
	return cmp.Or(l.s.method.Mechanism, string(l.s.method.Auth))
}

// authentication asks the host, as the user, what it is. It is the only time that the user is authenticated: later requests go over the
// same connection.
func (l *ladder) authentication(ctx context.Context) *step {
	if l.nobody {
		st := skipped("nobody; name a user with -u to climb further")
		st.blocks = true
		return st
	}
	m, mechanism := l.s.method, l.s.transport.Mechanism()
	details := object{
		{"method", string(m.Auth)},
		{"mechanism", mechanism},
		{"user", nullable(l.user())},
		{"reason", m.Reason},
		{"notTried", l.notTried()},
	}
	id, err := l.s.client.Identify(ctx)
	st := okay("")
	switch {
	case err == nil:
		st.seen = fmt.Sprintf("%s accepted by %s (%s), %s", l.user(), mechanism, m.Reason, identityText(id))
		details = append(details, member{"identity", identityObject(id, true)})
	case over(ctx) == nil && l.passed(err):
		st = warning("authenticated; Identify itself: "+message(l.s.failed(err)), "The host has taken the user. It does not tell what it is, which nothing else needs.")
	default:
		st = failed(err)
	}
	if l.s.method.auto {
		st.also = "; not tried: " + strings.Join(l.notTriedText(), ", ")
	}
	st.details = details
	return st
}

// passed tells whether err, of a request as the user, came after the host had taken the user. An error of the handshake is wrapped, so
// that an answer stands directly below the operation only if there is a session, or if it is the answer to a password or certificate.
func (l *ladder) passed(err error) bool {
	op, ok := errors.AsType[*wsman.OpError](err)
	if !ok {
		return false
	}
	session := l.s.method.sealing()
	switch e := op.Err.(type) { //nolint:errorlint // what is wrapped came earlier
	case *wsman.Fault:
		return true
	case *wsman.HTTPError:
		refusals := []int{http.StatusUnauthorized, http.StatusProxyAuthRequired}
		if !session {
			refusals = append(refusals, http.StatusForbidden, http.StatusServiceUnavailable)
		}
		return e.StatusCode >= http.StatusBadRequest && !slices.Contains(refusals, e.StatusCode)
	case *wsman.ProtocolError:
		return !l.s.foreign && (session || e.Path != "")
	}
	return false
}

// user returns the name of the user as far as it is known here.
func (l *ladder) user() string {
	switch {
	case l.s.kerberos != nil:
		return l.s.kerberos.User()
	case l.s.method.Auth == transport.AuthCertificate:
		return "the holder of the certificate"
	}
	return l.s.flags.user
}

// notTried lists the methods that were not chosen, with what keeps each from being tried. Nothing falls back to another method.
func (l *ladder) notTried() []object {
	var list []object
	for _, w := range l.otherMethods() {
		list = append(list, object{{"method", w.method}, {"reason", w.reason}})
	}
	return list
}

func (l *ladder) notTriedText() []string {
	var list []string
	for _, w := range l.otherMethods() {
		list = append(list, w.method+" ("+w.short+")")
	}
	return list
}

// A passedOver is a method that is not tried.
type passedOver struct{ method, short, reason string }

func (l *ladder) otherMethods() []passedOver {
	m := l.s.method
	fallback := "no failure leads to another method; --auth takes it"
	var list []passedOver
	if m.Mechanism != transport.MechanismKerberos {
		list = append(list, passedOver{"Kerberos", "--auth kerberos takes it", fallback})
	}
	if m.Mechanism != transport.MechanismNTLM {
		list = append(list, passedOver{"NTLM", "--auth ntlm takes it", fallback})
	}
	if m.Auth != transport.AuthBasic {
		list = append(list, passedOver{"Basic", "only by --auth basic", "it shows the host the password: only --auth basic takes it"})
	}
	if m.Auth != transport.AuthCertificate {
		list = append(list, passedOver{"certificate", "no --client-cert", "no --client-cert is given"})
	}
	return list
}

// sealing tells what protects the messages.
func (l *ladder) sealing(context.Context) *step {
	m, https := l.s.method, l.s.target.https
	sealed := m.sealing() && l.s.flags.seal != sealNever
	mechanism := l.s.transport.Mechanism()
	var st *step
	switch {
	case sealed && https:
		st = okay("each message sealed by " + mechanism + ", within TLS")
	case sealed:
		st = okay("each message sealed by " + mechanism)
	case https:
		st = okay("by TLS alone")
	default:
		st = warning("none", "All requests and answers cross the network in clear, and anybody on the way can read and change them.",
			here("leave out --allow-unencrypted: NTLM and Kerberos seal each message over http too", ""))
		if m.Auth == transport.AuthBasic {
			st.means = "The password and all answers cross the network in clear."
			st.actions = []action{
				here("leave out --auth basic: NTLM and Kerberos do not show the password, and seal each message over http too", ""),
				here("or use https", "hvmigerr doctor --auth basic --https <HOST>"),
			}
		}
	}
	st.details = object{{"sealed", sealed}, {"tls", https}}
	return st
}
