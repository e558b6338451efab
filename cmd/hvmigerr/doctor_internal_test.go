// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A doctorCase is a host, or what stands in its place, with one thing broken.
type doctorCase struct {
	name string
	// host is the simulated host, nil if url does without one. model changes its model.
	host  *wsmantest.Config
	model func(*wsmantest.Model)
	// url returns what is asked in place of the host's URL.
	url func(*testing.T, *host) string
	// args stand for the flags; CA, PIN, CCACHE and FAKEKDC for what belongs to the host. Without args it is the administrator, by NTLM.
	args string
	// ticket puts a ticket of the administrator into the default cache.
	ticket bool
	want   int
	// rung is the one that words are about; it must have that verdict. Those of skipped may not have been tried.
	rung    string
	verdict verdict
	words   []string
	lacks   []string // words that it does not say
	skipped []string
	// saw is what the host was asked, as operations lists it; "" is not looked at.
	saw string
}

// doctorCases returns the cases that run everywhere.
func doctorCases() []doctorCase {
	return slices.Concat(doctorNetworkCases(), doctorHTTPCases(), doctorTLSCases(), doctorUserCases(), doctorHyperVCases(), doctorEventsCases(), doctorOddCases())
}

const byAdministrator = "-u administrator"

func overHTTP() *wsmantest.Config { return &wsmantest.Config{HTTP: true} }

// at returns a url that does not depend on the host.
func at(url string) func(*testing.T, *host) string {
	return func(*testing.T, *host) string { return url }
}

func doctorNetworkCases() []doctorCase {
	return []doctorCase{
		// Two dots are no name, so that nobody is asked for it.
		{name: "unknown name", url: at("hv01..invalid"), want: exitUnreachable, rung: "name", verdict: rungFailed, words: []string{"no such host"}, skipped: []string{"tcp", "http", "migration"}},
		{name: "closed port", url: at("http://127.0.0.1:1"), want: exitUnreachable, rung: "tcp", verdict: rungFailed, words: []string{"1 (http) refused, 5985 (http)", "5986 (https)", "Get-Service WinRM"}, skipped: []string{"proxy", "http", "authentication"}},
		{name: "closed port of https", url: at("https://127.0.0.1:1"), want: exitUnreachable, rung: "tcp", verdict: rungFailed, words: []string{"1 (https) refused"}},
		{name: "IPv6", url: at("http://[::1]:1"), want: exitUnreachable, rung: "tcp", verdict: rungFailed, words: []string{"1 (http) "}},
		{name: "http at a port of https", host: &wsmantest.Config{}, url: inClear, want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{"the port speaks TLS", "hvmigerr doctor -u administrator https://127.0.0.1:"}, skipped: []string{"schemes", "authentication"}},
		{name: "https at a port of http", host: overHTTP(), url: inTLS, want: exitUnreachable, rung: "tls", verdict: rungFailed, words: []string{"not with TLS", "winrm enumerate winrm/config/listener"}, skipped: []string{"http", "authentication"}},
		{name: "a server of SSH", url: greeting("SSH-2.0-OpenSSH_9.6\r\n"), want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{"an SSH server: SSH-2.0-OpenSSH_9.6", "not one of WinRM"}, skipped: []string{"schemes"}},
		{name: "a server that wants TLS", url: alerting, want: exitUnreachable, rung: "http", verdict: rungFailed, words: []string{"no HTTP; the port speaks TLS", "hvmigerr doctor -u administrator https://127.0.0.1:"}},
		{name: "a name", host: overHTTP(), url: func(_ *testing.T, h *host) string { return strings.Replace(h.URL(), "127.0.0.1", "localhost", 1) }, rung: "name", verdict: rungOK, words: []string{"127.0.0.1"}},
		{name: "through a proxy", host: &wsmantest.Config{}, args: byAdministrator + " --ca-file CA --proxy TUNNEL", rung: "proxy", verdict: rungOK, words: []string{"http://127.0.0.1:", "(--proxy)"}},
		{name: "NTLM through a proxy", host: overHTTP(), args: byAdministrator + " --proxy TUNNEL", rung: "proxy", verdict: rungWarning, words: []string{"NTLM authenticates a connection", "--proxy none"}},
		{name: "a hostile server", url: greeting("SSH-2.0-\x1b[31mred\u202e\r\n"), want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{`SSH-2.0-\u{1B}[31mred\u{202E}`}},
		{name: "a silent server", url: greeting(""), args: byAdministrator + " --timeout 500ms", want: exitDeadline, rung: "http", verdict: rungFailed, words: []string{"not done within --timeout 500ms"}, skipped: []string{"schemes"}},
		{name: "proxy out of reach", host: overHTTP(), args: byAdministrator + " --proxy http://127.0.0.1:1", want: exitUnreachable, rung: "proxy", verdict: rungFailed, words: []string{"proxy 127.0.0.1:1", "refused"}, skipped: []string{"http"}},
		{name: "proxy wants a user", host: overHTTP(), args: byAdministrator + " --proxy PROXY", want: exitUnreachable, rung: "proxy", verdict: rungFailed, words: []string{"407"}, skipped: []string{"http"}},
		{name: "the proxy looks names up", host: overHTTP(), args: byAdministrator + " --proxy PROXY", want: exitUnreachable, rung: "name", verdict: rungSkipped, words: []string{"the proxy looks it up"}},
		{name: "no proxy", host: overHTTP(), args: byAdministrator + " --proxy none", rung: "proxy", verdict: rungOK, words: []string{"none (--proxy)"}},
	}
}

func doctorHTTPCases() []doctorCase {
	page := func(status int) func(*testing.T, *host) string {
		return func(t *testing.T, _ *host) string {
			t.Helper()
			return webServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Server", "Apache/2.4")
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Location", "https://elsewhere.invalid/")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "<html>It works</html>")
			})
		}
	}
	later := func() time.Time { return time.Now().Add(10 * time.Minute) }
	return []doctorCase{
		{name: "a web server", url: page(200), want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{"HTTP 200 at /wsman, Server: Apache/2.4"}, lacks: []string{"--proxy none"}, skipped: []string{"schemes", "identify"}},
		{name: "another path", host: overHTTP(), url: func(_ *testing.T, h *host) string { return strings.Replace(h.URL(), "/wsman", "/other", 1) }, want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{"HTTP 404 at /other", "nothing at that path"}, skipped: []string{"schemes"}},
		{name: "redirect", url: page(302), want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{"HTTP 302 at /wsman, Location: https://elsewhere.invalid/, Server: Apache/2.4"}},
		{name: "forbidden", url: page(403), want: exitDenied, rung: "http", verdict: rungFailed, words: []string{"HTTP 403"}},
		{name: "unavailable", url: page(503), want: exitUnreachable, rung: "http", verdict: rungFailed, words: []string{"HTTP 503", "Restart-Service WinRM"}, lacks: []string{"facts", "§"}},
		{name: "a bad request", url: page(400), want: exitUndecodable, rung: "http", verdict: rungFailed, words: []string{"HTTP 400", "a page of a web server"}, skipped: []string{"identify", "authentication"}},
		{name: "no scheme told", host: &wsmantest.Config{HTTP: true, Dialect: &wsmantest.Dialect{OmitChallenges: true}}, rung: "schemes", verdict: rungWarning, words: []string{"none is told"}},
		{
			name: "no Negotiate", host: &wsmantest.Config{HTTP: true, AllowUnencrypted: true, Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodBasic}},
			want: exitAuthentication, rung: "schemes", verdict: rungWarning, words: []string{"Basic", "Negotiate is not offered, by which NTLM would go", "--auth basic --https", "winrm get winrm/config/service/auth"},
		},
		{name: "Identify for users only", host: &wsmantest.Config{HTTP: true, Rules: rule("Identify", wsmantest.Rule{Status: 401, Count: 1})}, rung: "identify", verdict: rungWarning, words: []string{"refused without a user"}},
		{name: "no Identify", host: &wsmantest.Config{HTTP: true, Rules: rule("Identify", wsmantest.Rule{Fault: wsmantest.FaultInternalError})}, rung: "identify", verdict: rungWarning, words: []string{"InternalError"}},
		{name: "too slow", host: &wsmantest.Config{HTTP: true, Rules: rule("Identify", wsmantest.Rule{Delay: wsmantest.Duration(time.Hour)})}, args: byAdministrator + " --timeout 1s", want: exitDeadline, rung: "identify", verdict: rungFailed, words: []string{"not done within --timeout 1s"}, skipped: []string{"clock", "kerberos", "migration"}},
		{name: "clock", host: &wsmantest.Config{HTTP: true, Clock: later}, rung: "clock", verdict: rungWarning, words: []string{"the host's is ", "ahead of ours", "Kerberos fails from five minutes on", "w32tm /query /status"}},
		{name: "clock a minute off", host: &wsmantest.Config{HTTP: true, Clock: func() time.Time { return time.Now().Add(-time.Minute) }}, rung: "clock", verdict: rungWarning, words: []string{"behind ours", "Times in answers are the host's."}},
		{name: "clock a moment off", host: &wsmantest.Config{HTTP: true, Clock: func() time.Time { return time.Now().Add(2 * time.Second) }}, rung: "clock", verdict: rungOK, words: []string{"the same as here"}},
		{name: "no clock", url: timeless, want: exitAuthentication, rung: "clock", verdict: rungSkipped, words: []string{"does not tell its time"}},
	}
}

func doctorTLSCases() []doctorCase {
	const trusting = byAdministrator + " --ca-file CA"
	flawed := func(flaw wsmantest.CertificateFlaw) *wsmantest.Config { return &wsmantest.Config{Certificate: flaw} }
	ending := func() time.Time { return time.Now().Add(-20 * 24 * time.Hour) } // a certificate lasts 30 days
	return []doctorCase{
		{name: "TLS", host: flawed(""), args: trusting, rung: "tls", verdict: rungOK, words: []string{"TLS 1.3, certificate of 127.0.0.1, ", "hvmigerr simulated host CA", "sha256:"}},
		{name: "unknown authority", host: flawed(""), args: byAdministrator, want: exitUnreachable, rung: "tls", verdict: rungFailed, words: []string{"not known here", "sha256:"}, skipped: []string{"http", "authentication"}, saw: "nothing"},
		{name: "self-signed", host: flawed(wsmantest.CertificateSelfSigned), args: byAdministrator, want: exitUnreachable, rung: "tls", verdict: rungFailed, words: []string{"is signed by itself"}, saw: "nothing"},
		{name: "expired", host: flawed(wsmantest.CertificateExpired), args: trusting, want: exitUnreachable, rung: "tls", verdict: rungFailed, words: []string{"is valid only from"}},
		{name: "not yet valid", host: flawed(wsmantest.CertificateNotYetValid), args: trusting, want: exitUnreachable, rung: "tls", verdict: rungFailed, words: []string{"is valid only from"}},
		{name: "wrong name", host: flawed(wsmantest.CertificateOtherName), args: trusting, want: exitUnreachable, rung: "tls", verdict: rungFailed, words: []string{"the certificate is for \"other.corp.example\", not for \"127.0.0.1\""}},
		{name: "wrong pin", host: flawed(""), args: byAdministrator + " --tls-pin sha256:" + strings.Repeat("00", 32), want: exitUnreachable, rung: "tls", verdict: rungFailed, words: []string{"none of the pins"}, saw: "nothing"},
		{name: "pinned", host: flawed(""), args: byAdministrator + " --tls-pin PIN", rung: "tls", verdict: rungOK, words: []string{"pinned", "valid until"}},
		{name: "pinned and expired", host: flawed(wsmantest.CertificateExpired), args: byAdministrator + " --tls-pin PIN", rung: "tls", verdict: rungWarning, words: []string{"has expired"}},
		{name: "ends soon", host: &wsmantest.Config{Clock: ending}, args: byAdministrator + " --tls-pin PIN", rung: "tls", verdict: rungWarning, words: []string{"The certificate ends in 9d", "good for hvmigerr after that"}, lacks: []string{"https fails"}},
		{name: "ends soon, by its authority", host: &wsmantest.Config{Clock: ending}, args: trusting, rung: "tls", verdict: rungWarning, words: []string{"The certificate ends in 9d", "https fails then."}},
		{name: "insecure", host: flawed(""), args: byAdministrator + " --insecure", rung: "tls", verdict: rungWarning, words: []string{"not checked (--insecure)", "Anybody on the way can be the host", "--tls-pin"}},
	}
}

func doctorUserCases() []doctorCase {
	const ntlm = "Identify in clear, Negotiate asks, Negotiate "
	noonHost := &wsmantest.Config{HTTP: true, Clock: func() time.Time { return noon }}
	open := &wsmantest.Config{HTTP: true, AllowUnencrypted: true}
	return []doctorCase{
		{name: "nobody", host: overHTTP(), args: " ", rung: "authentication", verdict: rungSkipped, words: []string{"name a user with -u to climb further"}, skipped: []string{"sealing", "namespace", "migration"}, saw: " in clear, Identify in clear"},
		{name: "no Kerberos for nobody", host: overHTTP(), args: " ", rung: "kerberos", verdict: rungSkipped, words: []string{"no user is named, and there is no ticket"}},
		{name: "password refused", host: overHTTP(), args: "-u reader", want: exitAuthentication, rung: "authentication", verdict: rungFailed, words: []string{"NTLM refused for reader"}, skipped: []string{"sealing", "limits", "migration"}, saw: " in clear, " + ntlm + "asks"},
		{name: "accepted", host: overHTTP(), rung: "authentication", verdict: rungOK, words: []string{"administrator accepted by NTLM (127.0.0.1 is an IP address), hvmigerr, OS: 10.0", "not tried: Kerberos (--auth kerberos takes it), Basic (only by --auth basic), certificate (no --client-cert)"}},
		{name: "NTLM needs no KDC", host: overHTTP(), rung: "kerberos", verdict: rungSkipped, words: []string{"not chosen: NTLM is (127.0.0.1 is an IP address)"}},
		{name: "Basic", host: &wsmantest.Config{}, args: byAdministrator + " --auth basic --ca-file CA", rung: "sealing", verdict: rungOK, words: []string{"by TLS alone"}},
		{name: "Basic in clear", host: open, args: byAdministrator + " --auth basic --http --allow-unencrypted", rung: "sealing", verdict: rungWarning, words: []string{"The password and all answers cross the network in clear", "leave out --auth basic", "hvmigerr doctor --auth basic --https -u administrator 127.0.0.1"}, lacks: []string{"leave out --allow-unencrypted"}},
		{name: "unsealed", host: open, args: byAdministrator + " --seal never --allow-unencrypted", rung: "sealing", verdict: rungWarning, words: []string{"All requests and answers cross the network in clear"}},
		{name: "unsealed in TLS", host: &wsmantest.Config{}, args: byAdministrator + " --seal never --ca-file CA", rung: "sealing", verdict: rungOK, words: []string{"by TLS alone"}},
		{name: "sealed in TLS", host: &wsmantest.Config{}, args: byAdministrator + " --ca-file CA", rung: "sealing", verdict: rungOK, words: []string{"each message sealed by NTLM, within TLS"}},
		{name: "an answer in clear", host: &wsmantest.Config{HTTP: true, Rules: rule("Identify", wsmantest.Rule{Seal: wsmantest.SealClear})}, want: exitUndecodable, rung: "authentication", verdict: rungFailed, words: []string{"clear"}, skipped: []string{"sealing"}},
		{name: "Kerberos", host: overHTTP(), args: "--ccache CCACHE --kdc FAKEKDC", rung: "kerberos", verdict: rungOK, words: []string{"ticket of administrator@CORP.EXAMPLE for HTTP/127.0.0.1@CORP.EXAMPLE, until ", "reached"}},
		{name: "KDC out of reach, and a ticket", host: overHTTP(), args: "--ccache CCACHE --kdc 127.0.0.1:1", rung: "kerberos", verdict: rungWarning, words: []string{"127.0.0.1:1 (refused", "not every KDC"}},
		{name: "by a ticket", host: overHTTP(), args: "--ccache CCACHE", rung: "authentication", verdict: rungOK, words: []string{"administrator@CORP.EXAMPLE accepted by Kerberos", "NTLM (--auth ntlm takes it)"}, saw: " in clear, Identify in clear, Negotiate accepts, Identify, Enumerate, Release, Enumerate, GetErrorEx" + strings.Repeat(", GetServerEventDetailEx", 6) + ", Create, Delete, Get, Enumerate, Enumerate, Enumerate"},
		{name: "no KDC known", host: overHTTP(), args: "-u me@corp.example --auth kerberos", want: exitAuthentication, rung: "kerberos", verdict: rungFailed, words: []string{"no KDC of CORP.EXAMPLE is known"}, skipped: []string{"authentication", "migration"}, saw: " in clear, Identify in clear"},
		{name: "KDC refuses connections", host: overHTTP(), args: "-u me@corp.example --kdc 127.0.0.1:1", want: exitAuthentication, rung: "kerberos", verdict: rungFailed, words: []string{"no KDC of CORP.EXAMPLE answered: 127.0.0.1:1 (refused"}, skipped: []string{"authentication"}},
		{name: "unknown SPN", host: overHTTP(), args: "--ccache CCACHE --spn HTTP/nosuch --kdc FAKEKDC", want: exitAuthentication, rung: "kerberos", verdict: rungFailed, words: []string{"HTTP/nosuch", "setspn -Q"}, skipped: []string{"authentication"}},
		{name: "expired ticket", host: noonHost, args: "--ccache CCACHE", want: exitAuthentication, rung: "kerberos", verdict: rungFailed, words: []string{"expired at 2026-03-04 22:00:00 UTC", "kinit"}, skipped: []string{"authentication"}, saw: " in clear, Identify in clear"},
		{name: "no ticket for Kerberos", host: overHTTP(), args: "--auth kerberos", want: exitAuthentication, rung: "kerberos", verdict: rungFailed, words: []string{"no user is named, and no ticket can be used"}, skipped: []string{"authentication"}},
		{name: "an expired ticket of nobody in particular", host: noonHost, args: " ", ticket: true, want: exitAuthentication, rung: "kerberos", verdict: rungFailed, words: []string{"expired at 2026-03-04 22:00:00 UTC"}, skipped: []string{"authentication"}},
		{name: "a ticket that is there", host: overHTTP(), args: " ", ticket: true, rung: "authentication", verdict: rungOK, words: []string{"administrator@CORP.EXAMPLE accepted by Kerberos"}},
		{name: "no such ticket", host: overHTTP(), args: "--ccache nosuch", want: exitAuthentication, rung: "kerberos", verdict: rungFailed, words: []string{"nosuch: no such file or directory"}, skipped: []string{"authentication"}},
	}
}

func doctorHyperVCases() []doctorCase {
	by := func(user string) string { return "-u " + user + " --password-file PASSWORD-" + user }
	broken := func(operation string, r wsmantest.Rule) *wsmantest.Config {
		return &wsmantest.Config{HTTP: true, Rules: rule(operation, r)}
	}
	settings := func(p wsmantest.Properties) func(*wsmantest.Model) {
		return func(m *wsmantest.Model) { m.MigrationService.Settings = p }
	}
	noJobs := func(m *wsmantest.Model) { m.Jobs = nil }
	limits := func(kilobytes, milliseconds int) func(*wsmantest.Model) {
		return func(m *wsmantest.Model) {
			m.ServiceConfig = wsmantest.Properties{"MaxEnvelopeSizekb": kilobytes, "MaxTimeoutms": milliseconds}
		}
	}
	return []doctorCase{
		{name: "no Hyper-V", host: overHTTP(), model: func(m *wsmantest.Model) { m.NoHyperV = true }, want: exitFault, rung: "namespace", verdict: rungFailed, words: []string{"no Hyper-V here", "Get-WindowsFeature Hyper-V"}, skipped: []string{"class", "visible", "read", "execute", "migration"}},
		{name: "limits without Hyper-V", host: overHTTP(), model: func(m *wsmantest.Model) { m.NoHyperV = true }, want: exitFault, rung: "limits", verdict: rungOK, words: []string{"MaxEnvelopeSizekb 500"}},
		{name: "no class", host: overHTTP(), model: func(m *wsmantest.Model) { m.NoClasses = []string{"Msvm_MigrationJob"} }, want: exitFault, rung: "class", verdict: rungFailed, words: []string{"no Hyper-V here"}, skipped: []string{"read", "execute"}},
		{name: "nothing visible", host: overHTTP(), args: by("outsider"), want: exitDenied, rung: "visible", verdict: rungFailed, words: []string{"shows this user nothing of Hyper-V", "Hyper-V Administrators"}, skipped: []string{"read", "execute"}},
		{name: "read denied", host: overHTTP(), args: by("denied"), want: exitDenied, rung: "read", verdict: rungFailed, words: []string{"AccessDenied"}, skipped: []string{"execute"}},
		{name: "refused before it tells", host: overHTTP(), args: by("denied"), want: exitDenied, rung: "namespace", verdict: rungSkipped, words: []string{"see read"}},
		{name: "execute denied", host: overHTTP(), args: by("reader"), want: exitDenied, rung: "execute", verdict: rungFailed, words: []string{"GetErrorEx", "AccessDenied", "Execute Methods"}},
		{name: "execute denied without a job", host: overHTTP(), model: noJobs, args: by("reader"), want: exitDenied, rung: "execute", verdict: rungFailed, words: []string{"FormatError", "AccessDenied"}},
		{name: "config denied", host: overHTTP(), args: by("reader"), want: exitDenied, rung: "limits", verdict: rungSkipped, words: []string{"only administrators may read winrm/config"}},
		{name: "jobs", host: overHTTP(), rung: "read", verdict: rungOK, words: []string{"7 migration jobs: 1 Completed, "}},
		{name: "no job", host: overHTTP(), model: noJobs, rung: "execute", verdict: rungOK, words: []string{"FormatError answers"}},
		{name: "no job, and nothing is formatted", host: &wsmantest.Config{HTTP: true, Rules: rule("FormatError", wsmantest.Rule{Fault: "InvalidParameter"})}, model: noJobs, rung: "execute", verdict: rungWarning, words: []string{"not known", "another reason"}},
		{name: "no job, and lost", host: &wsmantest.Config{HTTP: true, Rules: rule("FormatError", wsmantest.Rule{Drop: true})}, model: noJobs, rung: "execute", verdict: rungWarning, words: []string{"not known"}},
		{name: "return value denied", host: overHTTP(), model: returning(32769), want: exitDenied, rung: "execute", verdict: rungFailed, words: []string{"32769"}},
		{name: "return value", host: overHTTP(), model: returning(32775), rung: "execute", verdict: rungOK, words: []string{"GetErrorEx answers"}},
		{name: "no method", host: overHTTP(), model: func(m *wsmantest.Model) { m.Jobs, m.NoClasses = nil, []string{"Msvm_VirtualSystemManagementService"} }, rung: "execute", verdict: rungWarning, words: []string{"not known"}},
		{name: "lost at the jobs", host: broken("Enumerate", wsmantest.Rule{After: 1, Drop: true}), want: exitUnreachable, rung: "class", verdict: rungFailed, words: []string{"connection lost"}, skipped: []string{"visible", "read", "limits", "migration"}},
		{name: "lost at the limits", host: broken("Get", wsmantest.Rule{Drop: true}), rung: "limits", verdict: rungWarning, words: []string{"connection lost", "nothing else needs them"}},
		{name: "lost at the end", host: broken("Enumerate", wsmantest.Rule{After: 2, Drop: true}), rung: "migration", verdict: rungWarning, words: []string{"connection lost"}},
		{name: "quota", host: broken("Enumerate", wsmantest.Rule{Fault: wsmantest.FaultQuotaLimit}), args: byAdministrator + " --timeout 2s", want: exitQuota, rung: "namespace", verdict: rungWarning, words: []string{"QuotaLimit"}},
		{name: "config refused", host: broken("Get", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied}), rung: "limits", verdict: rungSkipped, words: []string{"only administrators"}},
		{name: "config missing", host: broken("Get", wsmantest.Rule{Fault: wsmantest.FaultNotFound}), rung: "limits", verdict: rungSkipped, words: []string{"cannot be read: ", "DestinationUnreachable"}},
		{name: "low limits", host: overHTTP(), model: func(m *wsmantest.Model) {
			m.ServiceConfig = wsmantest.Properties{"MaxEnvelopeSizekb": 150, "MaxTimeoutms": 5000}
		}, rung: "limits", verdict: rungWarning, words: []string{"MaxEnvelopeSizekb 150", "may not fit into 150 kB", "longer than 5000 ms", `@{MaxEnvelopeSizekb="500"}`}},
		{name: "limits just too low", host: overHTTP(), args: byAdministrator + " --timeout 20s", model: limits(499, 19999), rung: "limits", verdict: rungWarning, words: []string{"may not fit into 499 kB", "longer than 19999 ms"}},
		{name: "limits that suffice", host: overHTTP(), args: byAdministrator + " --timeout 20s", model: limits(500, 20000), rung: "limits", verdict: rungOK, words: []string{"MaxTimeoutms 20000"}},
		{name: "limits of Windows", host: overHTTP(), args: byAdministrator + " --timeout 1h", model: limits(500, 60000), rung: "limits", verdict: rungOK, words: []string{"MaxTimeoutms 60000"}},
		{name: "jobs denied", host: broken("Enumerate", wsmantest.Rule{After: 1, Count: 1, Fault: wsmantest.FaultAccessDenied}), want: exitDenied, rung: "class", verdict: rungSkipped, words: []string{"it refuses the user: see read"}, lacks: []string{"is known"}},
		{name: "jobs fail and the settings do not", host: broken("Enumerate", wsmantest.Rule{After: 1, Count: 1, Fault: wsmantest.FaultInternalError}), want: exitFault, rung: "migration", verdict: rungOK, words: []string{"enabled"}},
		{name: "CredSSP", host: overHTTP(), model: settings(wsmantest.Properties{"AuthenticationType": 0}), rung: "migration", verdict: rungWarning, words: []string{"enabled, CredSSP", "0x8009030E", "Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos"}},
		{name: "migration disabled", host: overHTTP(), model: settings(wsmantest.Properties{"EnableVirtualSystemMigration": false}), rung: "migration", verdict: rungWarning, words: []string{"disabled", "Enable-VMMigration"}},
		{name: "networks", host: overHTTP(), model: func(m *wsmantest.Model) {
			m.MigrationService.Networks = []wsmantest.Properties{{"SubnetNumber": "192.0.2.0", "PrefixLength": 24, "Metric": 1}}
		}, rung: "migration", verdict: rungOK, words: []string{"networks 192.0.2.0/24"}},
		{name: "no network", host: overHTTP(), model: func(m *wsmantest.Model) { m.MigrationService.Networks = []wsmantest.Properties{} }, rung: "migration", verdict: rungWarning, words: []string{"no network at all"}},
		{name: "no migration service", host: overHTTP(), model: func(m *wsmantest.Model) {
			m.NoClasses = []string{"Msvm_VirtualSystemMigrationService", "Msvm_VirtualSystemMigrationServiceSettingData", "Msvm_VirtualSystemMigrationNetworkSettingData"}
		}, rung: "migration", verdict: rungSkipped, words: []string{"cannot be read"}},
	}
}

// TestDoctor breaks one thing at a time and looks for it at its rung, in text and in JSON.
func TestDoctor(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range doctorCases() {
		t.Run(tt.name, func(t *testing.T) { tt.run(t) })
	}
}

func (tt *doctorCase) run(t *testing.T) {
	t.Helper()
	t.Setenv(passwordVariable, password)
	var h *host
	url := ""
	if tt.host != nil {
		cfg := *tt.host
		cfg.Model = wsmantest.DefaultModel(time.Now())
		if tt.model != nil {
			tt.model(cfg.Model)
		}
		h = newHost(t, cfg)
		url = h.URL()
	}
	if tt.url != nil {
		url = tt.url(t, h)
	}
	if tt.ticket {
		t.Setenv("KRB5CCNAME", "FILE:"+writeCCache(t, h))
	}
	args := append([]string{"doctor"}, tt.arguments(t, h)...)
	got := invokeRun(t.Context(), strings.NewReader(""), append(args, url)...)
	if got.code != tt.want {
		t.Errorf("exit %d, want %d\n%s%s", got.code, tt.want, got.stdout, got.stderr)
	}
	text := rungText(got.stdout, tt.rung)
	if !strings.HasPrefix(text, fmt.Sprintf("%-8s %s", tt.verdict, tt.rung)) {
		t.Errorf("rung %s is not %s:\n%s", tt.rung, tt.verdict, got.stdout)
	}
	for _, word := range tt.words {
		if !strings.Contains(text, word) {
			t.Errorf("rung %s says %q, want %q in it", tt.rung, text, word)
		}
	}
	for _, word := range tt.lacks {
		if strings.Contains(text, word) {
			t.Errorf("rung %s says %q, with %q in it", tt.rung, text, word)
		}
	}
	checkLadderWidth(t, got.stdout)
	if tt.want == exitOK && strings.Contains(got.stdout, "In the way") || tt.want != exitOK && !strings.Contains(got.stdout, "In the way: ") {
		t.Errorf("exit %d with\n%s", got.code, got.stdout)
	}
	_, end, _ := strings.Cut(got.stdout, "\n\n"+tt.ending())
	end = strings.TrimLeft(end, "abcdefghijklmnopqrstuvwxyz ")
	if warnings := strings.Count(got.stdout, "\nwarning  "); warnings > 0 != strings.HasPrefix(end, fmt.Sprintf("; %d warning", warnings)) {
		t.Errorf("%d warnings, and it ends with %q", warnings, end)
	}
	if h != nil && tt.saw != "" {
		if saw := operations(h); saw != strings.TrimPrefix(tt.saw, "nothing") {
			t.Errorf("the host saw %q, want %q", saw, tt.saw)
		}
	}
	tt.checkJSON(t, invokeRun(t.Context(), strings.NewReader(""), append(args, "-o", "json", url)...))
}

// ending returns how the last line begins.
func (tt *doctorCase) ending() string {
	if tt.want == exitOK {
		return "Nothing is in the way"
	}
	return "In the way: "
}

// arguments returns the flags of the case.
func (tt *doctorCase) arguments(t *testing.T, h *host) []string {
	t.Helper()
	text := tt.args
	if text == "" {
		text = byAdministrator
	}
	for _, user := range []string{"outsider", "denied", "reader"} {
		if mark := "PASSWORD-" + user; strings.Contains(text, mark) {
			text = strings.ReplaceAll(text, mark, writeFile(t, user+"-pass"))
		}
	}
	if h != nil {
		text = strings.NewReplacer("--ca-file CA", "--ca-file "+h.ca, "PIN", h.Pin()).Replace(text)
	}
	if strings.Contains(text, "CCACHE") {
		text = strings.ReplaceAll(text, "CCACHE", writeCCache(t, h))
	}
	if strings.Contains(text, "FAKEKDC") {
		text = strings.ReplaceAll(text, "FAKEKDC", ignorantKDC(t))
	}
	if strings.Contains(text, "TUNNEL") {
		text = strings.ReplaceAll(text, "TUNNEL", openProxy(t))
	}
	if strings.Contains(text, "NOTONE") {
		text = strings.ReplaceAll(text, "NOTONE", greeting("SSH-2.0-OpenSSH_9.6\r\n")(t, h))
	}
	if strings.Contains(text, "PROXY") {
		text = strings.ReplaceAll(text, "PROXY", strictProxy(t))
	}
	return strings.Fields(text)
}

// checkLadderWidth: every line fits a terminal, but for the endpoint and for commands, which are copied.
func checkLadderWidth(t *testing.T, stdout string) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		line = strings.TrimSuffix(line, "\n")
		command := strings.HasPrefix(line, strings.Repeat(" ", columnName+2)) && !strings.HasPrefix(line, strings.Repeat(" ", columnSeen))
		if cells(line) > helpWidth && !command && !strings.HasPrefix(line, "http") {
			t.Errorf("wider than %d columns: %s", helpWidth, line)
		}
	}
}

// rungText returns what stands at a rung of the text, with its lines joined.
func rungText(stdout, rung string) string {
	var b strings.Builder
	within := false
	for line := range strings.Lines(stdout) {
		if !strings.HasPrefix(line, " ") {
			within = len(line) > columnName && strings.HasPrefix(line[columnName:], rung+" ")
		}
		if within {
			b.WriteString(" " + strings.TrimSpace(line))
		}
	}
	return strings.TrimSpace(b.String())
}

// A doctorAnswer is the answer of doctor in JSON.
type doctorAnswer struct {
	Schema, Command string
	Hosts           []struct {
		Host, URL string
		Exit      int
		Error     *struct{ Message string }
		Rungs     []struct {
			Name, Result, Seen string
			Means              *string
			Actions            []struct{ Where, What, Command string }
			Details            json.RawMessage
		}
	}
}

// checkJSON: the same exit code, every rung of the ladder with its verdict, and words with what is not well.
func (tt *doctorCase) checkJSON(t *testing.T, got result) {
	t.Helper()
	if got.code != tt.want && (tt.host == nil || tt.host.Rules == nil) { // what a rule did once it may not do again
		t.Errorf("-o json: exit %d, want %d", got.code, tt.want)
	}
	var answer doctorAnswer
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil {
		t.Fatalf("-o json: %v\n%s", err, got.stdout)
	}
	if answer.Schema != schema || answer.Command != "doctor" || len(answer.Hosts) != 1 {
		t.Fatalf("-o json: %+v", answer)
	}
	h := answer.Hosts[0]
	if h.Exit != got.code || (h.Error != nil) != (got.code != exitOK) {
		t.Errorf("-o json: exit %d and error %v under exit %d", h.Exit, h.Error, got.code)
	}
	var names, untried []string
	for _, r := range h.Rungs {
		names = append(names, r.Name)
		switch {
		case r.Result == string(rungSkipped) && strings.HasPrefix(r.Seen, "not tried: it needs "):
			untried = append(untried, r.Name)
		case r.Seen == "":
			t.Errorf("rung %s: nothing seen", r.Name)
		case (r.Result == string(rungWarning) || r.Result == string(rungFailed)) && r.Means == nil:
			t.Errorf("rung %s is %s and nobody says what that means", r.Name, r.Result)
		}
		for _, act := range r.Actions {
			if act.Where == "" || act.What == "" {
				t.Errorf("rung %s: action %+v", r.Name, act)
			}
			checkOwnCommand(t, act.Command, h.URL)
		}
	}
	if want := rungNames(); !slices.Equal(names, want) {
		t.Errorf("rungs %q, want %q", names, want)
	}
	for _, name := range tt.skipped {
		if !slices.Contains(untried, name) {
			t.Errorf("rung %s was tried", name)
		}
	}
}

func rungNames() []string {
	var names []string
	for _, r := range rungs() {
		names = append(names, r.name)
	}
	return names
}
