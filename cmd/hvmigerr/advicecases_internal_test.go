// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

func ownCases() []adviceCase {
	const job = " --job 00000000-0000-0000-0000-000000000000"
	return []adviceCase{
		{"usage", nil, got("get --auth nosuch hv01")},
		{"input", nil, got("decode main.go")},
		{"interrupted", nil, is(fmt.Errorf("x: %w", errInterrupted))},
		{"not-tried", []string{"correct the password", "locked"}, is(&fleet.NotTriedError{RefusedBy: []string{"hv01"}, Err: refusedAs("NTLM", "x", "Negotiate")})},
		{"deadline-of-all", []string{"--deadline", "--parallel"}, is(&deadlineError{time.Minute})},
		{"no-such-job", []string{"five minutes", "hvmigerr events -u administrator http://"}, from(wsmantest.Config{HTTP: true}, "-u administrator"+job)},
		{"nothing-visible", []string{"Hyper-V Administrators", "next logon"}, from(wsmantest.Config{HTTP: true, Users: []wsmantest.User{
			{Name: "administrator", Password: password, Access: wsmantest.AccessEmpty},
		}}, "-u administrator")},
		{"no-namespace", []string{"root/virtualization/v2"}, from(wsmantest.Config{HTTP: true, Model: &wsmantest.Model{NoHyperV: true}}, "-u administrator")},
		{"no-class", []string{"lacks a class"}, faultOf("Enumerate", &wsman.Fault{Subcode: wsman.SubcodeCannotProcessFilter})},
		{"no-class", []string{"lacks a class"}, faultCode(codeInvalidClass)},
		{"no-hyperv", []string{"Windows Server 2012", "hvmigerr identify"}, asAdministrator(wsmantest.Rule{Fault: wsmantest.FaultNotFound})},
		{"deadline-of-request", []string{"overloaded"}, is(&wsman.OpError{Op: "Get", Err: &wsman.TimeoutError{Limit: time.Minute, Err: context.DeadlineExceeded}})},
		{"deadline", []string{"--timeout"}, got("get -u x --timeout 1ns http://127.0.0.1:1")},
		{"other", nil, is(errors.New("x"))},
	}
}

func certificateCases() []adviceCase {
	flawed := func(flaw wsmantest.CertificateFlaw, args string) func(*testing.T) error {
		return from(wsmantest.Config{Certificate: flaw}, "-u administrator "+args)
	}
	unfit := &transport.CertificateError{Leaf: new(x509.Certificate), Err: x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}}
	return []adviceCase{
		{"certificate-of-proxy", []string{"the proxy's certificate", "--ca-file", "--proxy none"}, func(t *testing.T) error {
			t.Helper()
			proxy := httptest.NewUnstartedServer(http.NotFoundHandler())
			proxy.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			proxy.StartTLS()
			t.Cleanup(proxy.Close)
			return got("get -u x http://hv01.invalid --proxy " + proxy.URL)(t)
		}},
		{"certificate-name", []string{"--tls-server-name"}, flawed(wsmantest.CertificateOtherName, "")},
		{"certificate-not-yet-valid", []string{"clock of this machine"}, flawed(wsmantest.CertificateNotYetValid, "")},
		{"certificate-expired", []string{"new certificate", "--tls-pin"}, flawed(wsmantest.CertificateExpired, "")},
		{"certificate-authority", []string{"--ca-file", "compared"}, flawed("", "NOCA")},
		{"certificate-authority", []string{"--ca-file", "signs itself"}, flawed(wsmantest.CertificateSelfSigned, "NOCA")},
		{"certificate-unfit", []string{"another certificate"}, unconnected(transport.StageTLS, unfit)},
		{"certificate-pin", []string{"renewed", "before you pin it"}, flawed("", "--tls-pin sha256:"+strings.Repeat("ab", 32))},
	}
}

func reachCases() []adviceCase {
	const listen = "is WinRM listening there?"
	refuse := func(t *testing.T) error {
		t.Helper()
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
		}))
		t.Cleanup(proxy.Close)
		return got("get -u x https://hv01.invalid --proxy " + proxy.URL)(t)
	}
	return []adviceCase{
		{"resolve-file", []string{"did you mean @main.go?"}, is(&transport.ConnectError{Stage: transport.StageResolve, Addr: "main.go:5985", Err: errors.New("x")})},
		{"resolve-file", []string{"did you mean @main.go?"}, is(&transport.ConnectError{Stage: transport.StageResolve, Addr: "main.go", Err: errors.New("x")})},
		{"resolve-timeout", []string{"DNS"}, is(&transport.ConnectError{Stage: transport.StageResolve, Addr: "testdata:5985", Err: errors.New("x")})},
		{"resolve-unknown", []string{"hv01.corp.example", "DNS"}, unconnected(transport.StageResolve, &net.DNSError{Err: "no such host", IsNotFound: true})},
		{"resolve-no-server", []string{"resolv.conf"}, unconnected(transport.StageResolve, &net.DNSError{Err: "read udp 127.0.0.1:1->127.0.0.1:53: read: connection refused", IsTemporary: true})},
		{"resolve-timeout", []string{"do not answer in time"}, unconnected(transport.StageResolve, &net.DNSError{Err: "i/o timeout", IsTimeout: true})},
		{"resolve-timeout", []string{"do not answer in time"}, unconnected(transport.StageResolve, errors.New("not done within 5s"))},
		{"resolve", []string{"an error of its own"}, unconnected(transport.StageResolve, &net.DNSError{Err: "server misbehaving", IsTemporary: true})},
		{"port-refused", []string{listen, "5986", "5985"}, got("get -u x http://127.0.0.1:1")},
		{"port-refused", []string{listen}, unconnected(transport.StageConnect, dialing(winRefused))},
		{"no-way", []string{"VPN"}, unconnected(transport.StageConnect, dialing(syscall.ENETUNREACH))},
		{"no-way", []string{"VPN"}, unconnected(transport.StageConnect, dialing(winHostUnreachable))},
		{"port-filtered", []string{"no answer at all", "public network"}, got("get -u x --connect-timeout 1ns http://127.0.0.1:1")},
		{"port-filtered", []string{"no answer at all"}, unconnected(transport.StageConnect, dialing(syscall.ETIMEDOUT))},
		{"port-filtered", []string{"no answer at all"}, unconnected(transport.StageConnect, dialing(winTimedOut))},
		{"connect", []string{listen}, unconnected(transport.StageConnect, dialing(syscall.EACCES))},
		{"client-certificate-alert", []string{"does not accept the client certificate"}, withClientCertificate("tls: bad certificate")},
		{"client-certificate-alert", []string{"does not accept the client certificate"}, withClientCertificate("tls: unknown certificate authority")},
		{"client-certificate-alert", []string{"does not accept the client certificate"}, withClientCertificate("tls: access denied")},
		{"tls-alert", []string{"with --client-cert only 1.2"}, withClientCertificate("tls: protocol version not supported")},
		{"tls-alert", []string{"--client-cert FILE"}, unconnected(transport.StageTLS, &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")})},
		{"https-on-http", []string{"is it an http port?"}, func(t *testing.T) error {
			t.Helper()
			h := newHost(t, wsmantest.Config{HTTP: true})
			return got("get -u x " + strings.Replace(h.URL(), "http:", "https:", 1))(t)
		}},
		{"tls-broken", []string{"broke off"}, listening("https://ADDR", func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) })},
		{"tls-broken", []string{"broke off"}, unconnected(transport.StageTLS, &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)})},
		{"tls-broken", []string{"got no answer"}, unconnected(transport.StageTLS, errors.New("not done within 5s"))},
		{"no-answer", []string{"hangs up"}, unconnected(transport.StageAnswer, wsman.ErrConnectionLost)},
		{"service-unavailable", []string{"Get-Service WinRM"}, asAdministrator(wsmantest.Rule{Status: http.StatusServiceUnavailable})},
		{"proxy-user", []string{"HVMIGERR_PROXY", "--proxy none"}, refuse},
		{"proxy", []string{"--proxy none", "NO_PROXY"}, got("get -u x http://hv01.invalid --proxy http://127.0.0.1:1")},
		{"password-unanswered", []string{"once", "--https is missing"}, listening("--auth basic --allow-unencrypted http://ADDR", func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) })},
		{"password-unanswered", []string{"once", "hvmigerr doctor"}, with(true, "x", is(fmt.Errorf("%w; %w", wsman.ErrConnectionLost, transport.ErrUnanswered)))},
		{"connection-lost", []string{"ask again", "hvmigerr doctor"}, with(true, "x", asAdministrator(wsmantest.Rule{Drop: true}))},
		{"connection-lost", []string{"--https is missing"}, with(false, "x", asAdministrator(wsmantest.Rule{Drop: true}))},
	}
}

func kerberosCases() []adviceCase {
	skewed := refusedAs(transport.MechanismKerberos, "", "Negotiate")
	skewed.Skew = 7 * time.Minute
	kerberos := func(challenges ...string) error { return refusedAs(transport.MechanismKerberos, "", challenges...) }
	ntlmOnly := wsmantest.Config{HTTP: true, Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodNTLM}}
	return []adviceCase{
		{"kdc-unreachable", []string{"--kdc HOST", "port 88"}, from(wsmantest.Config{HTTP: true}, "-u me@corp.example --auth kerberos --kdc 127.0.0.1:1")},
		{"kdc-password", []string{"not sent again"}, kdcSays(24)},
		{"kdc-user-unknown", []string{"is the realm right?"}, kdcSays(kdcClientUnknown)},
		{"account-revoked", []string{"locked or disabled", "Unlock-ADAccount"}, kdcSays(kdcClientRevoked)},
		{"account-expired", []string{"Set-ADAccountExpiration"}, kdcSays(kdcAccountExpired)},
		{"password-expired", []string{"kpasswd"}, kdcSays(kdcKeyExpired)},
		{"realm-unknown", []string{"is the realm right?"}, kdcSays(kdcWrongRealm)},
		{"realm-unknown", []string{"is the realm right?"}, kdcSays(kdcServerUnknown)},
		{"spn-address", []string{"an address has no ticket", "--spn SERVICE/NAME"}, kdcSays(kdcServerUnknown, "HTTP/192.0.2.7", "WSMAN/192.0.2.7")},
		{"spn-address", []string{"an address has no ticket"}, kdcSays(kdcServerUnknown, "HTTP/192.0.2.7@CORP.EXAMPLE")},
		{"spn-address", []string{"an address has no ticket"}, kdcSays(kdcServerUnknown, "HTTP/2001:db8::7")},
		{"spn-unknown", []string{"name the host in full", "--spn SERVICE/NAME"}, kdcSays(kdcServerUnknown, "HTTP/hv01")},
		{"spn-unknown", []string{"not by an alias", "the user's domain", "--spn SERVICE/NAME"}, kdcSays(kdcServerUnknown, "HTTP/hv01.corp.example")},
		{"kdc-encryption", []string{"AES"}, kdcSays(kdcEncryption)},
		{"kdc-clock", []string{"clock of this machine"}, kdcSays(kdcSkew)},
		{"kdc-other", nil, kdcSays(60)},
		{"kerberos-clock", []string{"7m0s behind the host's"}, is(skewed)},
		{"kerberos-wrong-key", []string{"setspn -Q HTTP/HOST", "kdestroy"}, from(wsmantest.Config{HTTP: true}, "--auth kerberos --ccache CCACHE")},
		{"kerberos-wrong-key", []string{"setspn -Q HTTP/HOST"}, becauseOf(`rejected by the peer: KRB_AP_ERR_BADKEYVER (44): "x"`)},
		{"kerberos-ticket-time", []string{"kinit", "clocks"}, becauseOf("KRB_AP_ERR_TKT_EXPIRED (32)")},
		{"kerberos-nothing-seals", []string{"neither Negotiate nor Kerberos", "--auth basic"}, is(kerberos("Basic"))},
		{"kerberos-not-offered", []string{"--auth negotiate", "--auth ntlm"}, from(ntlmOnly, "--auth kerberos --ccache CCACHE")},
		{"negotiate-not-offered", []string{"--auth kerberos"}, chosenBy(false, transport.AuthNegotiate, "Kerberos", kerberos("Kerberos"))},
		{"kerberos-channel-bindings", []string{"does the ticket fit the host", "CbtHardeningLevel", "--http"}, with(true, "", is(kerberos("Negotiate")))},
		{"kerberos-refused", []string{"does the ticket fit the host?", "--spn"}, is(kerberos("Negotiate"))},
		{"kerberos-refused", []string{"does the ticket fit the host?"}, becauseOf(`KRB_ERR_GENERIC (60): "KRB_AP_ERR_MODIFIED"`)}, // the host's words
	}
}

func credentialCases() []adviceCase {
	return []adviceCase{
		{"no-password", []string{"give a password", passwordVariable}, is(&noPasswordError{&transport.CredentialError{Err: errors.New("x")}})},
		{"no-password", []string{"or give a password"}, is(&noPasswordError{&transport.CredentialError{Err: errors.New("x"), Fix: "kinit"}})},
		{"no-user", []string{"or name a user", "--auth ntlm"}, got("get http://127.0.0.1:1")},
		{"keytab-user", []string{"-u USER@REALM says"}, func(t *testing.T) error {
			t.Helper()
			return got("get http://127.0.0.1:1 --keytab " + writeKeytab(t, "me", "you"))(t)
		}},
		{"no-realm", []string{"-u USER@REALM needs no default_realm"}, got("get -u me --auth kerberos http://127.0.0.1:1")},
		{"no-realm", []string{"-u USER@REALM needs no default_realm"}, got("get -u administrator --kdc 127.0.0.1:1 http://127.0.0.1:1")},
		{"no-ticket", nil, got("get --auth kerberos --ccache nosuch http://127.0.0.1:1")},
		{"no-ticket", nil, got("get -u me@CORP.EXAMPLE --ccache nosuch http://127.0.0.1:1")}, // a user is named
		{"ticket-expired", []string{"kinit gets a new one"}, got("get --ccache EXPIRED http://127.0.0.1:1")},
		{"ticket-expired", []string{"kinit gets a new one"}, got("get --auth kerberos --ccache EXPIRED http://127.0.0.1:1")},
		{"credential-directory", []string{"name the file"}, got("get --ccache testdata http://127.0.0.1:1")},
		{"credential-directory", []string{"name the file"}, got("get --keytab testdata http://127.0.0.1:1")},
		{"not-a-ticket-cache", []string{"klist -c"}, got("get --ccache main.go http://127.0.0.1:1")},
		{"not-a-keytab", []string{"--auth auto chose Kerberos"}, got("get --keytab main.go http://127.0.0.1:1")},
		{"credential-file", []string{"--auth auto chose Kerberos"}, got("get --keytab nosuch http://127.0.0.1:1")},
	}
}

func userCases() []adviceCase {
	only := func(m wsmantest.AuthMethod) wsmantest.Config {
		return wsmantest.Config{Auth: []wsmantest.AuthMethod{m}}
	}
	kerberosOnly := wsmantest.Config{HTTP: true, Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodKerberos}}
	basic := wsmantest.Config{HTTP: true, AllowUnencrypted: true, Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodBasic}}
	const wrong = "-u nobody --auth basic"
	return []adviceCase{
		{"proxied-tokens", []string{"use --proxy none, or https"}, is(&transport.AuthError{Mechanism: "Kerberos", Proxied: true, Err: errors.New("x")})},
		{"proxied-tokens", []string{"or the password is wrong"}, func(*testing.T) error {
			e := refusedAs("NTLM", "x", "Negotiate")
			e.Proxied = true
			return e
		}},
		{"deadline-of-logon", nil, is(&transport.AuthError{Mechanism: "NTLM", Err: context.DeadlineExceeded})},
		{"incomplete-exchange", []string{"does not complete the exchange", "a proof of the password"}, is(&transport.AuthError{Mechanism: "NTLM", Err: errors.New("x")})},
		{"incomplete-exchange", []string{"does not complete the exchange", "a ticket"}, is(&transport.AuthError{Mechanism: "Kerberos", Err: errors.New("x")})},
		{"session-forgotten", []string{"load balancer"}, asAdministrator(wsmantest.Rule{Status: http.StatusUnauthorized})},
		{"ntlm-policy", []string{"may forbid NTLM: --auth kerberos", "neither the user's name"}, from(kerberosOnly, "-u administrator --auth ntlm")},
		{"ntlm-not-offered-early", []string{"neither Negotiate nor Kerberos; what it offers fits --auth basic", "neither the user's name"}, from(basic, "-u administrator --auth ntlm")},
		{"ntlm-not-offered", []string{"does not offer Negotiate", "--auth kerberos"}, is(refusedAs("NTLM", "x", "Kerberos"))},
		{"ntlm-local-account", []string{"is the password right", "LocalAccountTokenFilterPolicy=1"}, from(wsmantest.Config{HTTP: true}, `-u .\me --auth ntlm`)},
		{"ntlm-local-account", []string{"LocalAccountTokenFilterPolicy=1"}, from(wsmantest.Config{HTTP: true}, "-u me --auth ntlm")},
		{"ntlm-slash", []string{`DOMAIN\user, with a backslash`}, from(wsmantest.Config{HTTP: true}, "-u CORP/administrator")},
		{"ntlm-channel-bindings", []string{"is the password right", "CbtHardeningLevel", "--http"}, with(true, `CORP\me`, from(wsmantest.Config{}, `-u CORP\me --auth ntlm`))},
		{"ntlm-refused", []string{"is the password right", "locked"}, from(wsmantest.Config{HTTP: true}, `-u CORP\me --auth ntlm`)},
		{"ntlm-refused", []string{"is the password right", "(--auth auto chose NTLM: CORP\\me names a Windows domain)"}, from(wsmantest.Config{HTTP: true}, `-u CORP\me`)},
		{"basic-refused", []string{"does not take this user with this password"}, from(only(wsmantest.AuthMethodBasic), wrong)},
		{"basic-unencrypted", []string{"AllowUnencrypted=false", "--auth ntlm"}, with(false, "nobody", from(wsmantest.Config{HTTP: true}, wrong+" --allow-unencrypted"))},
		{"basic-disabled", []string{"basic must be enabled", "--auth ntlm"}, from(only(wsmantest.AuthMethodNTLM), wrong)},
		{"anonymous-refused", []string{"give --user"}, is(&wsman.HTTPError{StatusCode: 401})},
		{"client-certificate", nil, is(&wsman.HTTPError{StatusCode: 401, Tried: "certificate"})},
	}
}

func rightsCases() []adviceCase {
	denied := func(access wsmantest.Access) func(*testing.T) error {
		return from(wsmantest.Config{HTTP: true, Users: []wsmantest.User{{Name: "me", Password: password, Access: access}}}, "-u me")
	}
	model := wsmantest.DefaultModel(noon)
	returning(uint32(invoke.ReturnValueAccessDenied))(model)
	return []adviceCase{
		{"provider-denied", []string{"Hyper-V itself refuses", "Hyper-V Administrators"}, asAdministrator(wsmantest.Rule{Fault: wsmantest.FaultProviderAccessDenied})},
		{"wmi-denied", []string{"Remote Enable", "wmimgmt.msc"}, deniedCode("Enumerate", codeServiceDenied)},
		{"wmi-denied", []string{"Remote Enable"}, deniedCode("Enumerate", codeConnectDenied)},
		{"wmi-denied", []string{"Remote Enable"}, deniedCode("Enumerate", codeWMIAccessDenied)},
		{"execute-methods", []string{"Execute Methods"}, deniedCode("GetErrorEx", codeWMIAccessDenied)},
		{"execute-methods", []string{"Hyper-V Administrators", "Execute Methods", "wmimgmt.msc"}, denied(wsmantest.AccessRead)},
		{"local-account-denied", []string{"LocalAccountTokenFilterPolicy=1", "Remote Management Users"}, with(false, "me", denied(wsmantest.AccessNone))},
		{"read-denied", []string{"Remote Management Users", "Hyper-V Administrators"}, with(false, `CORP\me`, denied(wsmantest.AccessNone))},
		{"read-denied", []string{"Remote Management Users"}, deniedCode("Enumerate", 5)},
		{"method-denied", []string{"the method itself", "Hyper-V Administrators"}, from(wsmantest.Config{HTTP: true, Model: model, Clock: func() time.Time { return noon }}, "-u administrator")},
		{"forbidden", []string{"proxy", "Hyper-V Administrators"}, asAdministrator(wsmantest.Rule{Status: http.StatusForbidden})},
	}
}

func hostCases() []adviceCase {
	return []adviceCase{
		{"quota-operations", []string{"MaxConcurrentOperationsPerUser"}, asAdministrator(wsmantest.Rule{Fault: wsmantest.FaultQuotaMaxOperations})},
		{"quota-load", []string{"fewer requests"}, asAdministrator(wsmantest.Rule{Fault: wsmantest.FaultQuotaUser})},
		{"quota-load", []string{"fewer requests"}, faultCode(codeQuotaSystem)},
		{"quota-shells", []string{"MaxShellsPerUser"}, faultCode(codeQuotaShells)},
		{"quota", []string{"the host is busy"}, asAdministrator(wsmantest.Rule{Fault: wsmantest.FaultQuotaLimit})},
		{"request-too-large", []string{"MaxEnvelopeSizekb"}, asAdministrator(wsmantest.Rule{Status: http.StatusRequestEntityTooLarge})},
		{"envelope-size", []string{"MaxEnvelopeSizekb", "--job INSTANCEID"}, asAdministrator(wsmantest.Rule{Fault: wsmantest.FaultEnvelopeTooLarge})},
		{"timed-out", []string{"--timeout", "MaxTimeoutms"}, asAdministrator(wsmantest.Rule{Fault: wsmantest.FaultTimedOut})},
		{"enumeration-expired", []string{"ask again"}, asAdministrator(wsmantest.Rule{Fault: wsmantest.FaultInvalidContext})},
		{"uri-style", []string{"--uri-style dmtf"}, faultCode(codeNamespaceSelector)},
		{"ask-again", []string{"a little later"}, faultCode(codeOtherToken)},
		{"ask-again", []string{"a little later"}, faultOf("Get", &wsman.Fault{Subcode: wsman.SubcodeConcurrency})},
		{"not-supported", []string{"hvmigerr identify"}, faultOf("GetErrorEx", &wsman.Fault{Subcode: wsman.SubcodeActionNotSupported})},
		{"job-gone", []string{"five minutes"}, faultAbout("GetErrorEx", "Msvm_MigrationJob", 0x80338000)},
		{"not-found", []string{"does not have"}, faultAbout("FormatError", "Msvm_VirtualSystemManagementService", 0x80338000)},
		{"not-found", []string{"does not have"}, faultCode(0x80041002)},
		{"service-stopped", []string{"Get-Service vmms"}, faultCode(0x800706BA)},
		{"service-stopped", []string{"Get-Service vmms"}, faultCode(1722)},
		{"host-memory", []string{"memory"}, faultCode(8)},
		{"host-memory", []string{"memory"}, faultCode(0x8007000E)},
		{"explained", []string{"WBEM_E_FAILED: "}, faultCode(0x80041001)},
		{"explained", []string{"ERROR_WSMAN_PROVIDER_FAILURE: "}, faultCode(0x80338003)},
		{"fault", nil, faultCode(0x80AB1234)},
		{"fault", nil, is(&invoke.ReturnValueError{ReturnValue: 77777})},
	}
}

func answerCases() []adviceCase {
	page := "<html/>"
	return []adviceCase{
		{"path", []string{"/wsman"}, asAdministrator(wsmantest.Rule{Status: http.StatusNotFound})},
		{"redirect", []string{"never redirects"}, asAdministrator(wsmantest.Rule{Status: http.StatusFound, Header: map[string]string{"Location": "http://127.0.0.1:1/"}})},
		{"not-http", []string{"speaks no HTTP"}, listening("http://ADDR", func(c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-x\r\n")
			_, _ = io.Copy(io.Discard, c)
		})},
		{"http-on-https", []string{"--https is missing"}, with(false, "x", func(t *testing.T) error {
			t.Helper()
			h := newHost(t, wsmantest.Config{})
			return got("get -u x " + strings.Replace(h.URL(), "https:", "http:", 1))(t)
		})},
		{"foreign-answer", []string{"nothing of that answer was believed", "--https"}, asAdministrator(wsmantest.Rule{Seal: wsmantest.SealClear})},
		{"in-clear", []string{"leave out --seal never"}, from(wsmantest.Config{HTTP: true}, "-u administrator --seal never --allow-unencrypted")},
		{"server-error", []string{"--trace DIR keeps", "Microsoft-Windows-WinRM/Operational"}, asAdministrator(wsmantest.Rule{Status: http.StatusInternalServerError})},
		{"web-page", []string{"--trace DIR keeps", "is the port right"}, from(wsmantest.Config{Rules: rule("Enumerate", wsmantest.Rule{Body: &page, ContentType: "text/html"})}, "-u administrator --auth basic")},
		{"answer-too-long", []string{"512000"}, from(wsmantest.Config{Rules: rule("Enumerate", wsmantest.Rule{Size: 3 << 20})}, "-u administrator --auth basic")},
		{"undecodable", []string{"--trace DIR keeps"}, asAdministrator(wsmantest.Rule{RelatesTo: "uuid:another"})},
	}
}
