package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// findRefusal returns the 401 in err.
func findRefusal(err error) (*wsman.HTTPError, bool) {
	var found *wsman.HTTPError
	matches(err, func(e *wsman.HTTPError) bool {
		if e.StatusCode == http.StatusUnauthorized {
			found = e
		}
		return found != nil
	})
	return found, found != nil
}

// refusedBy tells that the host did not take the user, by that mechanism and for no reason that another row is about.
func (f *failure) refusedBy(mechanism string) bool {
	return f.auth != nil && f.auth.Mechanism == mechanism && f.refusal != nil && !f.auth.Early
}

// offers tells whether the host offers an authentication scheme.
func (f *failure) offers(scheme string) bool {
	return slices.ContainsFunc(f.refusal.Challenges, func(c string) bool { return strings.EqualFold(c, scheme) })
}

// offersSealing tells whether the host offers a scheme that seals messages.
func (f *failure) offersSealing() bool { return f.offers("Negotiate") || f.offers("Kerberos") }

// instead names the methods that may work with what the host offers.
func (f *failure) instead() string {
	var list []string
	for _, m := range []struct{ scheme, auth string }{
		{"Negotiate", "--auth ntlm"},
		{"Kerberos", "--auth kerberos"},
		{"Basic", "--auth basic with --https"},
	} {
		if f.offers(m.scheme) && !strings.EqualFold(m.scheme, f.refusal.Tried) {
			list = append(list, m.auth)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "; what it offers fits " + strings.Join(list, " or ")
}

// local tells that the user is an account of the host itself, and not the built-in Administrator by its English name, whose rights
// are not filtered.
func (f *failure) local() bool {
	name, dotted := strings.CutPrefix(f.user, `.\`)
	if f.auth != nil && f.auth.Mechanism == transport.MechanismKerberos || name == "" || strings.EqualFold(name, "administrator") {
		return false
	}
	return dotted || !strings.ContainsAny(name, `\@/`)
}

func showServiceAuth() action {
	return onHost("which methods it takes", "winrm get winrm/config/service/auth")
}

func unfilter() action {
	return onHost("let local administrators keep their rights over the network: all of them, for file shares too, so that one password that is the same on "+
		"several hosts opens them all. An account of the domain needs none of this",
		`reg add HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System /v LocalAccountTokenFilterPolicy /t REG_DWORD /d 1 /f`)
}

func logonFailures() action {
	return onHost("why it refused: event 4625 tells the reason in Status and Sub Status",
		"Get-WinEvent -FilterHashtable @{LogName='Security'; Id=4625} -MaxEvents 5 | Format-List TimeCreated, Message")
}

func domainAccount() action {
	return onDC("is the account locked, disabled or expired", "Get-ADUser <USER> -Properties LockedOut, AccountExpirationDate, PasswordExpired, LogonWorkstations")
}

// exchangeRows are about tokens that did not get through, whoever the user is.
func exchangeRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "proxied-tokens",
				means: "The tokens went through a proxy that forwards each request, maybe over another connection. NTLM and Kerberos authenticate one connection, " +
					"so the host saw no whole exchange.",
				actions: []action{withoutProxy(), here("https goes through a tunnel, which is one connection", "hvmigerr get --https <HOST>")},
			},
			fits: func(f *failure) bool {
				return f.auth != nil && f.auth.Proxied && (!f.auth.Refused || f.auth.Mechanism == transport.MechanismNTLM)
			},
			hintOf: func(f *failure) string {
				h := f.auth.Mechanism + " belongs to one connection, and a proxy that forwards requests need not keep it: use --proxy none, or https, which goes through a tunnel"
				if f.auth.Refused {
					h += "; or the password is wrong"
				}
				return h
			},
		},
		{
			advice: advice{
				name:    "deadline-of-logon",
				means:   "The time for all that was asked of the host has passed before the user was authenticated.",
				actions: []action{here("give it more time", "hvmigerr get --timeout 2m <HOST>"), here("see what takes the time", "hvmigerr get -v <HOST>")},
			},
			fits: func(f *failure) bool { return f.auth != nil && errors.Is(f.auth.Err, context.DeadlineExceeded) },
		},
		{
			advice: advice{
				name: "incomplete-exchange",
				means: "What answers began to authenticate and did not end it as the protocol wants. It may be another service, an old one, or something in " +
					"between that changes messages.",
				actions: []action{
					here("what answers there", "hvmigerr identify <HOST>"),
					here("who answers there, by its certificate", "hvmigerr doctor --https <HOST>"),
				},
			},
			fits:   func(f *failure) bool { return f.auth != nil && incomplete(f.auth) },
			hintOf: incompleteHint,
		},
		{
			advice: advice{
				name: "session-forgotten",
				hint: "the host has taken the user and then forgotten the connection; is a load balancer in between?",
				means: "The logon worked, and the next request over the same connection was refused as if there had been none. Behind a load balancer each request " +
					"may reach another machine.",
				actions: []action{here("name one machine, not the address of several", "hvmigerr get <HOST>"), withoutProxy()},
			},
			fits: func(f *failure) bool {
				return f.auth != nil && f.refusal != nil && !f.auth.Refused && !f.auth.Early
			},
		},
	}
}

// incomplete tells that the exchange of tokens broke off, and not because the host, or a KDC, has refused anybody.
func incomplete(e *transport.AuthError) bool {
	return !e.Refused && !e.Early && !has[*wsman.HTTPError](e.Err) && !has[*transport.KDCError](e.Err) &&
		!has[*transport.KDCUnreachableError](e.Err) && !has[*transport.CredentialError](e.Err)
}

// incompleteHint tells what a broken exchange of tokens has given away.
func incompleteHint(f *failure) string {
	who, proof := "the host, or something in between,", "the user's name and a proof of the password"
	if f.auth.Mechanism == transport.MechanismKerberos {
		who, proof = "the host, a KDC or something in between", "a ticket, with a proof that it is the user's"
	}
	return who + " does not complete the exchange; hvmigerr identify HOST tells what answers there. " +
		"That exchange holds neither the password nor what is asked: at most " + proof
}

// ntlm makes a condition on the refusal of a user of NTLM.
func ntlm(fits func(*failure) bool) func(*failure) bool {
	return func(f *failure) bool { return f.refusedBy(transport.MechanismNTLM) && fits(f) }
}

func offersNegotiate(f *failure) bool { return f.offers("Negotiate") }

// ntlmOfferRows are about a host that does not take NTLM, whoever the user is.
func ntlmOfferRows() []adviceRow {
	const unsent = "; it has seen neither the user's name nor a proof of the password"
	early := func(fits func(*failure) bool) func(*failure) bool {
		return func(f *failure) bool { return f.auth != nil && f.refusal != nil && f.auth.Early && fits(f) }
	}
	notOffered := func(f *failure) bool { return !offersNegotiate(f) }
	switchOn := onHost("switch Negotiate on", `winrm set winrm/config/service/auth '@{Negotiate="true"}'`)
	notOfferedHint := func(f *failure) string {
		if !f.offersSealing() {
			return nothingSeals + f.instead()
		}
		return "the host does not offer Negotiate, which carries NTLM" + f.instead()
	}
	return []adviceRow{
		{
			advice: advice{
				name: "ntlm-policy", hint: "a policy of the host may forbid NTLM: --auth kerberos" + unsent,
				means: "The host offers Negotiate, and did not answer NTLM's first message, which names nobody. Nothing counts towards a lockout.",
				actions: []action{
					here("use Kerberos", "kinit <USER>@<REALM> && hvmigerr get --auth kerberos <HOST>"),
					onHost("does its policy restrict NTLM (2 denies all)", `reg query HKLM\SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0 /v RestrictReceivingNTLMTraffic`),
					onDC("does that of the domain", `reg query HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters /v RestrictNTLMInDomain`),
				},
			},
			fits: early(offersNegotiate),
		},
		{
			advice: advice{
				name: "ntlm-not-offered-early", means: "The host does not offer the scheme that carries NTLM. It has seen nothing of the user.",
				actions: []action{showServiceAuth(), switchOn},
			},
			fits:   early(notOffered),
			hintOf: func(f *failure) string { return notOfferedHint(f) + unsent },
		},
		{
			advice: advice{
				name: "ntlm-not-offered", means: "The host does not offer the scheme that carries NTLM.",
				actions: []action{showServiceAuth(), switchOn},
			},
			fits: ntlm(notOffered), hintOf: notOfferedHint,
		},
	}
}

// ntlmRows are about a host that takes NTLM, and not this user by it.
func ntlmRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "ntlm-slash", hint: `a user of a domain is named by DOMAIN\user, with a backslash`,
				means:   "The name holds a slash, which stands between a domain and a user nowhere in Windows. The host took all of it for the name of one of its own accounts.",
				actions: []action{here("name the user with a backslash", `hvmigerr get -u '<DOMAIN>\<USER>' <HOST>`)},
			},
			fits: ntlm(func(f *failure) bool { return strings.Contains(f.user, "/") }),
		},
		{
			advice: advice{
				name: "ntlm-local-account",
				hint: "is the password right, and the account neither locked nor disabled? It is one of the host: unless it is the built-in Administrator, " +
					`a local administrator also needs LocalAccountTokenFilterPolicy=1 there; DOMAIN\user is an account of a domain`,
				means: "The host does not take the local account. From the network Windows strips local administrators, but for the built-in one, of their " +
					"rights, and WinRM then refuses them.",
			},
			fits: ntlm((*failure).local),
			actionsOf: func(f *failure) []action {
				list := []action{
					logonFailures(), onHost("is it enabled, and not locked", "Get-LocalUser <USER> | Format-List Name, Enabled, PasswordExpires; net user <USER>"), unfilter(),
				}
				if f.https {
					list = append(list, compareCertificate())
				}
				return list
			},
		},
		{
			advice: advice{
				name: "ntlm-channel-bindings",
				hint: "is the password right, and the account neither locked nor disabled? If so, does something in between end TLS? By CbtHardeningLevel the " +
					"host then refuses a logon that was meant for another certificate; --http, with sealed messages, does without TLS",
				means: "The host does not take that name with that password over this TLS connection. NTLM tells the host which certificate was seen here; if TLS " +
					"ends before the host, that is another than its own.",
				actions: []action{
					compareCertificate(), onHost("how strict it is: CbtHardeningLevel", "winrm get winrm/config/service/auth"),
					here("go without TLS, by sealed messages", "hvmigerr get --http <HOST>"), logonFailures(), domainAccount(),
				},
			},
			fits: ntlm(func(f *failure) bool { return f.https }),
		},
		{
			advice: advice{
				name: "ntlm-refused",
				hint: "is the password right, and the account neither locked nor disabled? DOMAIN\\user is an account of a domain, .\\user one of the host; " +
					"a local administrator other than the built-in one also needs LocalAccountTokenFilterPolicy=1 there",
				means: "The host, or its domain, does not take that name with that password: a slip, an account that is locked, disabled or not allowed to log on " +
					"from the network, or one that may not use NTLM, such as a member of Protected Users.",
				actions: []action{logonFailures(), domainAccount(), unfilter()},
			},
			fits: ntlm(offersNegotiate),
		},
	}
}

const nothingSeals = "the host offers neither Negotiate nor Kerberos"

// basicRows are about a 401 to Basic, to a client certificate, and to nobody.
func basicRows() []adviceRow {
	tried := func(scheme string, fits func(*failure) bool) func(*failure) bool {
		return func(f *failure) bool {
			return f.auth == nil && f.refusal != nil && f.refusal.Tried == scheme && fits(f)
		}
	}
	all := func(*failure) bool { return true }
	sealed := here("seal the messages instead, which needs no change on the host", "hvmigerr get --auth ntlm <HOST>")
	return []adviceRow{
		{
			advice: advice{
				name: "basic-refused",
				hint: "the host does not take this user with this password; basic takes local accounts of the host only, without a domain",
				means: "Basic is enabled, and the host does not take that name with that password. An account of a domain is never taken; one of the host's " +
					"administrators, but for the built-in one, lacks its rights from the network.",
				actions: []action{logonFailures(), sealed, unfilter()},
			},
			fits: tried("Basic", func(f *failure) bool { return f.offers("Basic") }),
		},
		{
			advice: advice{
				name: "basic-unencrypted",
				means: "Over http the host takes Basic only with AllowUnencrypted=true. Nobody should set it: password and answers cross the network in clear, as they " +
					"just did.",
				actions: []action{
					sealed, onHost("what it takes", "winrm get winrm/config/service"), here("protect Basic by TLS", "hvmigerr get --auth basic --https <HOST>"),
				},
			},
			fits: tried("Basic", func(f *failure) bool { return f.http }),
			hintOf: func(f *failure) string {
				return "a default host takes no Basic over http (AllowUnencrypted=false): use https, where basic must be enabled and takes local accounts only" + f.instead()
			},
		},
		{
			advice: advice{
				name:  "basic-disabled",
				means: "The host does not offer Basic, which Windows has switched off.",
				actions: []action{
					sealed, showServiceAuth(), onHost("switch Basic on, for https", `winrm set winrm/config/service/auth '@{Basic="true"}'`),
				},
			},
			fits: tried("Basic", all),
			hintOf: func(f *failure) string {
				return "basic must be enabled on the host (winrm/config/service/auth) and takes local accounts only, without a domain" + f.instead()
			},
		},
		{
			advice: advice{
				name: "anonymous-refused", hint: "the service wants a user: give --user",
				means:   "The service tells nothing to whoever is not authenticated.",
				actions: []action{here("name a user", `hvmigerr identify -u '<DOMAIN>\<USER>' <HOST>`)},
			},
			fits: tried("", all),
		},
		{
			advice: advice{
				name:  "client-certificate",
				means: "The host maps the client certificate to none of its accounts, does not know who issued it, or has Certificate switched off.",
				actions: []action{
					showServiceAuth(), onHost("to which account it maps which certificate", `Get-ChildItem WSMan:\localhost\ClientCertificate`),
					onHost("does it know who issued it", `Get-ChildItem Cert:\LocalMachine\Root, Cert:\LocalMachine\TrustedPeople | Format-Table Subject, Thumbprint`),
				},
			},
			fits: func(f *failure) bool { return f.auth == nil && f.refusal != nil },
		},
	}
}
