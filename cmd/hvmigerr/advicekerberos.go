package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// Error codes of a KDC (RFC 4120 §7.5.9).
const (
	kdcAccountExpired = 1
	kdcClientUnknown  = 6
	kdcServerUnknown  = 7
	kdcEncryption     = 14
	kdcClientRevoked  = 18
	kdcKeyExpired     = 23
	kdcSkew           = 37
	kdcWrongRealm     = 68
)

// kerberosTolerance is what Kerberos allows between two clocks (RFC 4120 §1.6).
const kerberosTolerance = 5 * time.Minute

func showClocks() []action {
	return []action{
		here("what time it is here", "date -u"), onHost("what time it is there", "(Get-Date).ToUniversalTime()"),
		onDC("where the domain has its time from", "w32tm /query /status"),
	}
}

func whoHasSPN() action {
	return onDC("which account has the name; none or two is wrong", "setspn -Q HTTP/<HOST>")
}

// saidBy makes a condition on the code of a KDC's refusal.
func saidBy(fits func(*transport.KDCError) bool) func(*failure) bool {
	return func(f *failure) bool { return f.kdc != nil && fits(f.kdc) }
}

// withCode makes a condition on the code alone.
func withCode(codes ...int32) func(*failure) bool {
	return saidBy(func(e *transport.KDCError) bool { return slices.Contains(codes, e.Code) })
}

// userRows are about a KDC that was not reached, or does not take the user.
func userRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "kdc-unreachable", hint: "--kdc HOST names a KDC, and so does [realms] in krb5.conf; KDCs are asked over TCP, port 88",
				means: "No KDC of the realm is known, or none answered. Every domain controller is one.",
				actions: []action{
					here("which KDCs DNS names", "nslookup -type=SRV _kerberos._tcp.<REALM>"), here("is its port open", "nc -vz <DC> 88"),
					here("name one", "hvmigerr get --kdc <DC> <HOST>"),
				},
			},
			fits: func(f *failure) bool { return has[*transport.KDCUnreachableError](f.err) },
		},
		{
			advice: advice{
				name: "kdc-password", hint: "it was sent once, and is not sent again in this run",
				means:   "The KDC does not take the password or key of the user. It counts towards a lockout.",
				actions: []action{here("try it by hand", "kinit <USER>@<REALM>"), domainAccount()},
			},
			fits: saidBy((*transport.KDCError).Refused),
		},
		{
			advice: advice{
				name: "kdc-user-unknown", hint: "is the realm right? It is the domain's DNS name, as in me@CORP.EXAMPLE; -u 'DOMAIN\\user' --auth ntlm takes the short one",
				means: "The realm has no account of that name.",
				actions: []action{
					onDC("what the account is called", "Get-ADUser <USER> | Format-List SamAccountName, UserPrincipalName"),
					onDC("what the realm is called", "(Get-ADDomain).DNSRoot.ToUpper()"),
				},
			},
			fits: withCode(kdcClientUnknown),
		},
		{
			advice: advice{
				name: "account-revoked", hint: "the account is locked or disabled, or may not log on now or from here: Unlock-ADAccount on a domain controller, " +
					"or wait as long as a lockout lasts",
				means:   "The KDC knows the user, and refuses the account itself. No password was judged.",
				actions: []action{domainAccount(), onDC("unlock it", "Unlock-ADAccount <USER>"), onDC("enable it", "Enable-ADAccount <USER>")},
			},
			fits: withCode(kdcClientRevoked),
		},
		{
			advice: advice{
				name: "account-expired", hint: "the account has an end, which has passed: Set-ADAccountExpiration on a domain controller moves it",
				means:   "The account has expired; its password may be right.",
				actions: []action{domainAccount(), onDC("give it no end", "Clear-ADAccountExpiration <USER>")},
			},
			fits: withCode(kdcAccountExpired),
		},
		{
			advice: advice{
				name: "password-expired", hint: "set a new password first, as with kpasswd",
				means:   "The password is past its age, or must be changed at the first logon.",
				actions: []action{here("set a new one", "kpasswd <USER>@<REALM>"), domainAccount()},
			},
			fits: withCode(kdcKeyExpired),
		},
		{
			advice: advice{
				name: "realm-unknown", hint: "is the realm right? It is the domain's DNS name in capitals, as in me@CORP.EXAMPLE",
				means: "The KDC is not one of that realm.",
				actions: []action{
					onDC("what the realm is called", "(Get-ADDomain).DNSRoot.ToUpper()"),
					here("which KDCs DNS names for it", "nslookup -type=SRV _kerberos._tcp.<REALM>"),
				},
			},
			fits: saidBy(func(e *transport.KDCError) bool {
				return e.Code == kdcWrongRealm || e.Code == kdcServerUnknown && len(e.SPNs) == 0
			}),
		},
	}
}

// ticketRows are about a KDC that takes the user and gives no ticket for the host, or refuses for another reason.
func ticketRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "spn-address", hint: "an address has no ticket: name the host as its domain does, such as hv01.corp.example, or use --auth ntlm; " +
					"--spn SERVICE/NAME asks for exactly one name",
				means: "Kerberos has tickets for names that a domain has registered, and an address is none of them.",
				actions: []action{
					onHost("its full name, to ask by", hostFullName), here("NTLM takes an address too", `hvmigerr get -u '<DOMAIN>\<USER>' --auth ntlm <HOST>`),
					here("keep the address, and name the service", "hvmigerr get --spn HTTP/<NAME> <HOST>"),
				},
			},
			fits: saidBy(func(e *transport.KDCError) bool { return unknownSPN(e) && isAddress(spnHost(e.SPNs[0])) }),
		},
		{
			advice: advice{
				name: "spn-unknown", means: "No account of the domain has a service of that name, so there can be no ticket for it. Kerberos takes a host by the name " +
					"that its domain has registered, not by an alias or an address.",
			},
			fits: saidBy(unknownSPN), hintOf: spnHint, actionsOf: spnActions,
		},
		{
			advice: advice{
				name: "kdc-encryption", hint: "only AES is used: the account has no AES keys, or is kept to RC4; a new password makes them",
				means: "The account of the user, or of the host, has no key of AES. RC4 and DES are not used here.",
				actions: []action{
					onDC("which types it has (8 and 16, together 24, are AES)", "Get-ADUser <USER> -Properties msDS-SupportedEncryptionTypes"),
					onDC("those of the host", "Get-ADComputer <COMPUTER> -Properties msDS-SupportedEncryptionTypes"), here("set a new password", "kpasswd <USER>@<REALM>"),
				},
			},
			fits: withCode(kdcEncryption),
		},
		{
			advice: advice{
				name: "kdc-clock", hint: "set the clock of this machine right; Kerberos allows five minutes",
				means: "The clocks of this machine and of the KDC differ by more than Kerberos allows.", actions: showClocks(),
			},
			fits: withCode(kdcSkew),
		},
		{
			advice: advice{
				name: "kdc-other", means: "The KDC refused for the reason that its code names.",
				actions: []action{
					here("does another tool get the ticket", "kinit <USER>@<REALM> && kvno HTTP/<HOST>"),
					onDC("its log", "Get-WinEvent -FilterHashtable @{LogName='Security'; Id=4768,4769,4771} -MaxEvents 10"),
				},
			},
			fits: func(f *failure) bool { return f.kdc != nil },
		},
	}
}

// spnHint tells by the name that was asked for why a KDC may not know it.
func spnHint(f *failure) string {
	const ask = "; --spn SERVICE/NAME asks for exactly one name"
	if !strings.Contains(spnHost(f.kdc.SPNs[0]), ".") {
		return "name the host in full, as its domain does, such as hv01.corp.example, not by an alias or an address" + ask
	}
	return "name the host as its domain does, not by an alias or an address; it must be of the user's domain, or of one that trusts it" + ask
}

// unknownSPN tells that a KDC knows none of the names that it was asked for.
func unknownSPN(e *transport.KDCError) bool { return e.Code == kdcServerUnknown && len(e.SPNs) > 0 }

// spnHost returns the name in SERVICE/NAME or SERVICE/NAME@REALM.
func spnHost(spn string) string {
	_, host, _ := strings.Cut(spn, "/")
	host, _, _ = strings.Cut(host, "@")
	return host
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// hostFullName prints the name that the domain knows a host by.
const hostFullName = "[System.Net.Dns]::GetHostEntry('').HostName"

// spnActions looks for exactly the names that were asked for.
func spnActions(f *failure) []action {
	var list []action
	for _, spn := range f.kdc.SPNs {
		name, _, _ := strings.Cut(spn, "@")
		list = append(list, onDC("which account has the name; none or two is wrong", "setspn -Q "+name))
	}
	first, _, _ := strings.Cut(f.kdc.SPNs[0], "@")
	return append(list,
		onDC("which names the host has", "setspn -L <COMPUTER>"), onHost("its full name", hostFullName),
		here("ask for exactly one name", "hvmigerr get --spn HTTP/<NAME> <HOST>"), onDC("register it, if it is the host's and no account has it", "setspn -S "+first+" <COMPUTER>"),
	)
}

// reasons tells whether the host's token beside the 401 is one of these errors of Kerberos, by their names in RFC 4120 §7.5.9.
func (f *failure) reasons(names ...string) bool {
	if !f.refusedBy(transport.MechanismKerberos) || f.auth.Reason == nil {
		return false
	}
	text := f.auth.Reason.Error()
	for _, name := range names {
		if strings.Contains(text, name+" (") { // its own text, if it adds one, follows in quotation marks
			return true
		}
	}
	return false
}

func newTicket() action {
	return here("get new tickets", "kdestroy; kinit <USER>@<REALM>")
}

func registeredTwice() action {
	return onDC("is a name registered twice", "setspn -X")
}

// kerberosRows are about a host that says why it does not take a ticket.
func kerberosRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{name: "kerberos-clock", means: "The clocks of this machine and of the host differ by more than Kerberos allows.", actions: showClocks()},
			fits: func(f *failure) bool {
				return f.auth != nil && f.auth.Mechanism == transport.MechanismKerberos && f.auth.Skew.Abs() >= kerberosTolerance
			},
			hintOf: func(f *failure) string {
				return fmt.Sprintf("this machine's clock is %s the host's; Kerberos allows five minutes", apart(-f.auth.Skew))
			},
		},
		{
			advice: advice{
				name: "kerberos-wrong-key",
				hint: "the host has another key than the ticket is for: its name is registered to another account (setspn -Q HTTP/HOST), or its key has " +
					"changed since: kdestroy, then kinit",
				means: "The ticket is for an account whose key the host does not have: the service's name is registered to another account, the name typed leads to " +
					"another machine, or the host has joined the domain anew.",
				actions: []action{
					whoHasSPN(), registeredTwice(), newTicket(), onHost("is its own account sound", "Test-ComputerSecureChannel"),
					here("where the name leads", "nslookup <HOST>"),
				},
			},
			fits: func(f *failure) bool {
				return f.reasons("KRB_AP_ERR_MODIFIED", "KRB_AP_ERR_BADKEYVER", "KRB_AP_ERR_NOKEY", "KRB_AP_ERR_NOT_US", "KRB_AP_ERR_BAD_INTEGRITY", "KRB_AP_ERR_BADMATCH")
			},
		},
		{
			advice: advice{
				name: "kerberos-ticket-time", hint: "the ticket has ended, or not begun, by the host's clock: kinit gets a new one; compare the clocks",
				means:   "By the host's clock the ticket is not valid now.",
				actions: append([]action{newTicket()}, showClocks()...),
			},
			fits: func(f *failure) bool { return f.reasons("KRB_AP_ERR_TKT_EXPIRED", "KRB_AP_ERR_TKT_NYV") },
		},
	}
}

// kerberosRefusedRows are about a host that does not say why.
func kerberosRefusedRows() []adviceRow {
	kerberos := func(fits func(*failure) bool) func(*failure) bool {
		return func(f *failure) bool { return f.refusedBy(transport.MechanismKerberos) && fits(f) }
	}
	return []adviceRow{
		{
			advice: advice{
				name: "kerberos-nothing-seals", means: "The host offers no scheme that carries Kerberos.",
				actions: []action{showServiceAuth(), onHost("switch Kerberos on", `winrm set winrm/config/service/auth '@{Kerberos="true"}'`)},
			},
			fits:   kerberos(func(f *failure) bool { return !f.offersSealing() }),
			hintOf: func(f *failure) string { return nothingSeals + f.instead() },
		},
		{
			advice: advice{
				name:    "kerberos-not-offered",
				hint:    "the host does not offer Kerberos by that name, but Negotiate, which carries Kerberos too: --auth negotiate; or NTLM, with a password: --auth ntlm",
				means:   "The host has the scheme Kerberos switched off, and Negotiate on.",
				actions: []action{here("the same ticket by the other scheme", "hvmigerr get --auth negotiate <HOST>"), showServiceAuth()},
			},
			fits: kerberos(func(f *failure) bool { return f.method.Auth == transport.AuthKerberos && !f.offers("Kerberos") }),
		},
		{
			advice: advice{
				name: "negotiate-not-offered", hint: "the host does not offer Negotiate, but Kerberos itself: --auth kerberos",
				means:   "The host has the scheme Negotiate switched off, and Kerberos on.",
				actions: []action{here("the same ticket by the other scheme", "hvmigerr get --auth kerberos <HOST>"), showServiceAuth()},
			},
			fits: kerberos(func(f *failure) bool { return f.method.Auth == transport.AuthNegotiate && !f.offers("Negotiate") }),
		},
		{
			advice: advice{
				name: "kerberos-channel-bindings",
				hint: "does the ticket fit the host (kdestroy, then kinit)? If it does, is something between that ends TLS? By CbtHardeningLevel the host then refuses " +
					"it; --http, with sealed messages, does without TLS",
				means: "The host does not take the ticket over this TLS connection. The ticket comes with the certificate that was seen here; if TLS ends before the " +
					"host, that is another than its own.",
				actions: []action{
					compareCertificate(), onHost("how strict it is: CbtHardeningLevel", "winrm get winrm/config/service/auth"),
					here("go without TLS, by sealed messages", "hvmigerr get --http <HOST>"), newTicket(), whoHasSPN(),
				},
			},
			fits: kerberos(func(f *failure) bool { return f.https && f.auth.Refused }),
		},
		{
			advice: advice{
				name:  "kerberos-refused",
				hint:  "does the ticket fit the host? An old one may be of a key that has changed since: kdestroy, then kinit; --spn asks for another name of its service",
				means: "The host does not take the ticket: it is of an old key, for another account, or its user may not log on there.",
				actions: []action{
					newTicket(), whoHasSPN(), registeredTwice(), logonFailures(),
					here("ask for another name of the service", "hvmigerr get --spn WSMAN/<HOST> <HOST>"),
				},
			},
			fits: kerberos(func(f *failure) bool { return f.auth.Refused }),
		},
	}
}
