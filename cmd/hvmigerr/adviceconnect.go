package main

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

func listListeners() action {
	return onHost("which listeners there are, and with which certificate", "winrm enumerate winrm/config/listener")
}

// atStage makes a condition on where the connecting ended.
func atStage(stage string, fits func(*transport.ConnectError) bool) func(*failure) bool {
	return func(f *failure) bool { return f.connect != nil && f.connect.Stage == stage && fits(f.connect) }
}

func always(*transport.ConnectError) bool { return true }

// The numbers of Winsock, which package syscall does not give the names of other systems (MS-ERREF §2.2).
const (
	winNetUnreachable  = 10051
	winTimedOut        = 10060
	winRefused         = 10061
	winHostUnreachable = 10065
)

// failedWith makes a condition on the number that the system gave a failed connection.
func failedWith(numbers ...syscall.Errno) func(*transport.ConnectError) bool {
	return func(e *transport.ConnectError) bool {
		for _, n := range numbers {
			if errors.Is(e, n) {
				return true
			}
		}
		return false
	}
}

// Actions on a port that is not open.
func startWinRM() action {
	return onHost("is the service running", "Get-Service WinRM")
}

func openFirewall() action {
	return onHost("does its firewall let port 5985 in (on a public network: from its own subnet only); 5986 has no rule by default",
		"Get-NetFirewallRule -Name WINRM-HTTP-In-TCP* | Format-Table Name, Enabled, Profile, Action")
}

// refusedActions tells, of a port that is none of WinRM's own, to ask at those.
func refusedActions(f *failure) []action {
	_, port, _ := net.SplitHostPort(f.connect.Addr)
	open := here("which of WinRM's ports is open", "hvmigerr doctor <HOST>")
	switch port {
	case strconv.Itoa(portHTTP):
		return []action{startWinRM(), listListeners(), onHost("listen on 5985 and let it in, if it does neither", "Enable-PSRemoting -Force"), open}
	case strconv.Itoa(portHTTPS):
		return []action{startWinRM(), listListeners(), makeHTTPS(), open}
	}
	return []action{
		here("leave the port out, or name one of WinRM's: it uses 5985 for http and 5986 for https, unless it was told otherwise", ""),
		startWinRM(), listListeners(), open,
	}
}

// dialled returns the address that was tried.
func dialled(e *transport.ConnectError) string {
	if op, ok := errors.AsType[*net.OpError](e); ok && op.Addr != nil {
		if host, _, err := net.SplitHostPort(op.Addr.String()); err == nil {
			return host
		}
	}
	return "<ADDRESS>"
}

func makeHTTPS() action {
	return onHost("make an https listener", "winrm quickconfig -transport:https")
}

// reachRows are about a port that does not open.
func reachRows() []adviceRow {
	const listening = "is WinRM listening there? It uses 5986 for https, where a listener must be made first, and 5985 for http"
	return []adviceRow{
		{
			advice: advice{
				name: "port-refused", hint: listening,
				means: "The host, or a firewall in its name, refuses connections to that port: nothing listens there.",
			},
			fits: atStage(transport.StageConnect, failedWith(syscall.ECONNREFUSED, winRefused)), actionsOf: refusedActions,
		},
		{
			advice: advice{
				name:  "no-way",
				hint:  "there is no way to that address from here: is a VPN or a route missing?",
				means: "This machine, or a router on the way, knows no way to the address.",
			},
			fits: atStage(transport.StageConnect, failedWith(syscall.ENETUNREACH, syscall.EHOSTUNREACH, winNetUnreachable, winHostUnreachable)),
			actionsOf: func(f *failure) []action {
				return []action{here("how far it comes", "traceroute "+dialled(f.connect)), here("which addresses the name has", "nslookup <HOST>")}
			},
		},
		{
			advice: advice{
				name: "port-filtered",
				hint: "no answer at all: is the host up, and does a firewall drop it? On a public network Windows lets only its own subnet in to 5985, " +
					"and to 5986 nobody by default",
				means: "Packets to that port get no answer: a firewall drops them, or nobody has the address. Were only WinRM stopped, the port would refuse.",
				actions: []action{
					openFirewall(), onHost("is a network taken for a public one", "Get-NetConnectionProfile"),
					here("wait longer", "hvmigerr get --connect-timeout 20s <HOST>"),
				},
			},
			fits: atStage(transport.StageConnect, func(e *transport.ConnectError) bool {
				return failedWith(syscall.ETIMEDOUT, winTimedOut)(e) || !has[syscall.Errno](e) // the limit of ours has none
			}),
		},
		{
			advice: advice{
				name: "connect", hint: listening,
				means:   "No connection to that port came about.",
				actions: []action{startWinRM(), listListeners(), openFirewall()},
			},
			fits: atStage(transport.StageConnect, always),
		},
	}
}

func schannelLog() action {
	return onHost("its log of refused handshakes", "Get-WinEvent -FilterHashtable @{LogName='System'; ProviderName='Schannel'} -MaxEvents 20")
}

// aboutCertificate tells an alert about the client's certificate (RFC 8446 §6.2). Package tls has no type for it.
func aboutCertificate(e *transport.ConnectError) bool {
	text := e.Error()
	return e.Alert() && (strings.Contains(text, "certificate") || strings.Contains(text, "access denied"))
}

// alertHint tells what a host may want that it was not given.
func alertHint(f *failure) string {
	if f.method.Auth == transport.AuthCertificate {
		return "the host wants a version or cipher of TLS that is not offered here: with --client-cert only 1.2, since Windows asks for the certificate as 1.3 cannot"
	}
	return "the host wants a client certificate, --client-cert FILE, or a version or cipher of TLS that is not offered here"
}

// peerRows are about a port that is open, with nothing behind it that could be asked.
func peerRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "client-certificate-alert", hint: "the host does not accept the client certificate: has it expired, and does the host know who issued it?",
				means: "The host speaks TLS and refused the client certificate that was given, or wants one of another authority. No request was read.",
				actions: []action{
					here("for what it is, until when, and who issued it", "openssl x509 -in <FILE> -noout -subject -issuer -dates -ext extendedKeyUsage"),
					onHost("does it know who issued it", `Get-ChildItem Cert:\LocalMachine\Root, Cert:\LocalMachine\TrustedPeople | Format-Table Subject, Thumbprint`),
					schannelLog(),
				},
			},
			fits: func(f *failure) bool {
				return f.method.Auth == transport.AuthCertificate && atStage(transport.StageTLS, aboutCertificate)(f)
			},
		},
		{
			advice: advice{
				name: "tls-alert",
				means: "What listens there speaks TLS and refused this client: it wants a client certificate, or a version or cipher of TLS that is not " +
					"offered here (1.2 is the least).",
				actions: []action{
					here("with a client certificate", "hvmigerr get --client-cert <FILE> <HOST>"),
					schannelLog(),
				},
			},
			fits:   atStage(transport.StageTLS, (*transport.ConnectError).Alert),
			hintOf: alertHint,
		},
		{
			advice: advice{
				name: "https-on-http", hint: "is it an http port? WinRM uses 5986 for https and 5985 for http",
				means: "The port is open, and what listens there does not speak TLS.",
				actions: []action{
					here("http with sealed messages, as a default host takes it", "hvmigerr get --http <HOST>"), listListeners(), makeHTTPS(),
				},
			},
			fits: atStage(transport.StageTLS, func(e *transport.ConnectError) bool { return has[tls.RecordHeaderError](e) }),
		},
		{
			advice: advice{
				name: "tls-broken", hint: "TLS broke off or got no answer: is it an http port? WinRM uses 5986 for https and 5985 for http; or something in between cuts connections",
				means: "The connection stood, and the handshake of TLS did not come to its end: what listens there, or something in between, closed the connection or " +
					"did not answer. An https listener of WinRM without a usable certificate does so too.",
				actions: []action{
					listListeners(), showCertificates(),
					schannelLog(),
					here("http with sealed messages, as a default host takes it", "hvmigerr get --http <HOST>"),
				},
			},
			fits: atStage(transport.StageTLS, always),
		},
		{
			advice: advice{
				name: "no-answer", hint: "the port is open, and what listens there hangs up when it is asked: is it a port of another service, or for the other of http and https?",
				means: "The connection stood, and was closed before there was an answer: by what listens there, or by something in between.",
				actions: []action{
					startWinRM(), listListeners(), onHost("has WinRM just stopped", "Get-WinEvent Microsoft-Windows-WinRM/Operational -MaxEvents 20"),
				},
			},
			fits: atStage(transport.StageAnswer, always),
		},
		{
			advice: advice{
				name:    "service-unavailable",
				hint:    "WinRM is stopped or starting, or more waits for it than it takes: Get-Service WinRM on the host; else ask again",
				means:   "Windows' HTTP service answers in the place of WinRM, which does not take requests.",
				actions: []action{startWinRM(), onHost("start it again", "Restart-Service WinRM")},
			},
			fits: func(f *failure) bool { return f.exit == exitUnreachable && f.status(http.StatusServiceUnavailable) },
		},
	}
}

func withoutProxy() action {
	return here("go without a proxy", "hvmigerr get --proxy none <HOST>")
}

// proxyRows are about proxies, and connections that broke.
func proxyRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "proxy-user",
				hint: "the proxy wants a user, or another one: HVMIGERR_PROXY=http://USER:PASSWORD@PROXY:PORT keeps them off the command line; " +
					"--proxy none goes without a proxy",
				means:   "A proxy stands in between and does not let this user through. The host has seen nothing.",
				actions: []action{withoutProxy(), here("which proxy the environment names", "env | grep -i _proxy=")},
			},
			fits: func(f *failure) bool { return f.exit == exitUnreachable && f.status(http.StatusProxyAuthRequired) },
		},
		{
			advice: advice{
				name:    "proxy",
				hint:    "--proxy none goes without a proxy; NO_PROXY names the hosts that HTTPS_PROXY and HTTP_PROXY are not for",
				means:   "The proxy was not reached, or does not give a way to the host.",
				actions: []action{withoutProxy(), here("which proxy the environment names", "env | grep -i _proxy=")},
			},
			fits: atStage(transport.StageProxy, always),
		},
		{
			advice: advice{
				name: "password-unanswered",
				means: "The connection broke while the password, or a proof of it, waited for its answer. The host may have counted it as wrong, so it was sent once and not " +
					"again.",
				actions: []action{
					logonFailures(), here("what answers there", "hvmigerr doctor <HOST>"), onHost("has WinRM just stopped", "Get-WinEvent Microsoft-Windows-WinRM/Operational -MaxEvents 20"),
				},
			},
			fits: func(f *failure) bool { return errors.Is(f.err, transport.ErrUnanswered) },
			hintOf: func(f *failure) string {
				const once = "the connection broke at the logon: the password was shown or proved once, and is not again in this run, since the host may count it"
				if f.http {
					return once + "; is it a port for https? Then --https is missing"
				}
				return once + "; hvmigerr doctor HOST tells what answers there"
			},
		},
		{
			advice: advice{
				name: "connection-lost",
				means: "The connection was open and broke before the answer was there. The service was stopped, something in between cuts connections, or the " +
					"port is one for the other of http and https.",
				actions: []action{
					here("ask again", "hvmigerr get <HOST>"), here("what the port speaks", "hvmigerr doctor <HOST>"),
					onHost("has WinRM just stopped", "Get-WinEvent Microsoft-Windows-WinRM/Operational -MaxEvents 20"),
				},
			},
			fits: func(f *failure) bool { return errors.Is(f.err, wsman.ErrConnectionLost) },
			hintOf: func(f *failure) string {
				if f.http {
					return "ask again; if it breaks each time, is it a port for https? Then --https is missing"
				}
				return "ask again; if it breaks each time, hvmigerr doctor HOST tells what the port speaks"
			},
		},
	}
}
