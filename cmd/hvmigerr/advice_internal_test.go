// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// An adviceCase is an error, and the row of the table that it selects.
type adviceCase struct {
	row  string
	want []string // all in the hint; none: there is no hint
	err  func(*testing.T) error
}

// is makes an error that is built by hand.
func is(err error) func(*testing.T) error { return func(*testing.T) error { return err } }

// got is the error of a whole run of the command, and so what it would give a hint for. CCACHE stands for a ticket cache of a host
// with other keys, EXPIRED for one whose ticket was good long ago.
func got(args string) func(*testing.T) error {
	return func(t *testing.T) error {
		t.Helper()
		list := strings.Fields(args)
		for i, arg := range list {
			switch arg {
			case "CCACHE":
				list[i] = writeCCache(t, newHost(t, wsmantest.Config{HTTP: true}))
			case "EXPIRED":
				list[i] = writeCCache(t, newHost(t, wsmantest.Config{HTTP: true, Clock: func() time.Time { return noon }}))
			}
		}
		root := newApp(strings.NewReader(""), io.Discard, io.Discard).root()
		root.SetArgs(list)
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		return root.ExecuteContext(t.Context())
	}
}

// from is what get ends with at a simulated host. OWN stands for a ticket cache that the host takes.
func from(cfg wsmantest.Config, args string) func(*testing.T) error {
	return func(t *testing.T) error {
		t.Helper()
		h := newHost(t, cfg)
		if strings.Contains(args, "OWN") {
			args = strings.ReplaceAll(args, "OWN", writeCCache(t, h))
		}
		if !cfg.HTTP && !strings.Contains(args, "--tls-pin") && !strings.Contains(args, "NOCA") {
			args += " --ca-file " + h.ca
		}
		return got("get " + strings.ReplaceAll(args, "NOCA", "") + " " + h.URL())(t)
	}
}

// asAdministrator is from by the user administrator over http, at a host that misbehaves when it lists the jobs.
func asAdministrator(r wsmantest.Rule) func(*testing.T) error {
	return from(wsmantest.Config{HTTP: true, Rules: rule("Enumerate", r)}, "-u administrator")
}

// with makes an error known to have come about over https or http, of a user.
func with(https bool, user string, err func(*testing.T) error) func(*testing.T) error {
	return func(t *testing.T) error {
		t.Helper()
		return asked(err(t), https, user)
	}
}

func asked(err error, https bool, user string) error {
	return &sessionError{err: err, https: https, http: !https, user: user}
}

func faultOf(op string, f *wsman.Fault) func(*testing.T) error {
	return is(&wsman.OpError{Op: op, Err: f})
}

func faultCode(code uint32) func(*testing.T) error {
	return faultOf("Enumerate", &wsman.Fault{Code: "s:Receiver", WSManFault: &wsman.WSManFault{Code: code}})
}

func faultAbout(op, class string, code uint32) func(*testing.T) error {
	f := &wsman.Fault{Code: "s:Receiver", WSManFault: &wsman.WSManFault{Code: code}}
	return is(&wsman.OpError{Op: op, ResourceURI: "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/" + class, Err: f})
}

// withClientCertificate is what an alert ends the connecting of AuthCertificate with.
func withClientCertificate(alert string) func(*testing.T) error {
	err := &transport.ConnectError{Stage: transport.StageTLS, Addr: "hv01:5986", Err: &net.OpError{Op: "remote error", Err: errors.New(alert)}}
	return chosenBy(false, transport.AuthCertificate, "certificate", err)
}

func deniedCode(op string, code uint32) func(*testing.T) error {
	return faultOf(op, &wsman.Fault{Subcode: wsman.SubcodeAccessDenied, WSManFault: &wsman.WSManFault{Code: code}})
}

func kdcSays(code int32, spns ...string) func(*testing.T) error {
	return is(&transport.AuthError{Mechanism: transport.MechanismKerberos, Err: &transport.KDCError{Code: code, SPNs: spns}})
}

// refusedAs is the refusal of a user by a mechanism, with what is offered.
func refusedAs(mechanism, user string, challenges ...string) *transport.AuthError {
	return &transport.AuthError{
		Mechanism: mechanism, User: user, Refused: true,
		Err: &wsman.HTTPError{StatusCode: http.StatusUnauthorized, Tried: mechanism, Challenges: challenges},
	}
}

func becauseOf(reason string) func(*testing.T) error {
	e := refusedAs(transport.MechanismKerberos, "", "Negotiate")
	e.Reason = errors.New(reason)
	return is(e)
}

func unconnected(stage string, err error) func(*testing.T) error {
	return is(&transport.ConnectError{Stage: stage, Addr: "hv01:5985", Err: err})
}

func dialing(n syscall.Errno) error {
	return &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", n)}
}

func chosenBy(auto bool, auth transport.Auth, mechanism string, err error) func(*testing.T) error {
	return is(&sessionError{err: err, method: &method{auto: auto, Choice: transport.Choice{Auth: auth, Mechanism: mechanism, Reason: "it rains"}}})
}

// listening is what get ends with at a peer that serve is.
func listening(args string, serve func(net.Conn)) func(*testing.T) error {
	return func(t *testing.T) error {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				serve(c)
				_ = c.Close()
			}
		}()
		t.Cleanup(func() {
			_ = l.Close()
			<-done
		})
		return got("get -u x " + strings.ReplaceAll(args, "ADDR", l.Addr().String()))(t)
	}
}

// TestAdvice: each row of the table is selected by an error of its kind, most of them from whole runs against a host that has or does
// just that; the hint is one short line.
func TestAdvice(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	tested := map[string]bool{}
	for _, tt := range slices.Concat(
		ownCases(), certificateCases(), reachCases(), kerberosCases(), credentialCases(), userCases(), rightsCases(), hostCases(), answerCases(), eventCases(),
	) {
		tested[tt.row] = true
		t.Run(tt.row, func(t *testing.T) {
			err := tt.err(t)
			got := advise(err)
			if got.name != tt.row || (got.hint == "") != (tt.want == nil) {
				t.Errorf("advise(%v) = %s, %q; want %s with %q", err, got.name, got.hint, tt.row, tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(got.hint, want) {
					t.Errorf("the hint %q lacks %q", got.hint, want)
				}
			}
			checkAdvice(t, got)
			if outer := advise(&hostError{"hv01", err}); outer.name != got.name || outer.hint != got.hint {
				t.Errorf("of a host: %s, %q; want %s, %q", outer.name, outer.hint, got.name, got.hint)
			}
		})
	}
	var names []string
	for _, row := range adviceRows() {
		if !tested[row.name] || slices.Contains(names, row.name) {
			t.Errorf("row %q has no test, or is there twice", row.name)
		}
		names = append(names, row.name)
		delete(tested, row.name)
	}
	if len(tested) > 0 {
		t.Errorf("tests of rows that are not there: %v", tested)
	}
}

// checkAdvice holds a row to what is printed of it.
func checkAdvice(t *testing.T, a *advice) {
	t.Helper()
	row, _, _ := strings.Cut(a.hint, "(--auth auto chose ") // what follows is as long as a path
	if len(row) > longestHint || strings.ContainsAny(a.hint, "\r\n") || strings.HasSuffix(a.hint, ".") || strings.Contains(a.hint, password) {
		t.Errorf("%s: hint %q, want one line of at most %d bytes without a full stop", a.name, a.hint, longestHint)
	}
	if !strings.HasSuffix(a.means, ".") || strings.ContainsAny(a.means, "\r\n") || strings.Count(a.means, ". ") > 2 {
		t.Errorf("%s: means %q, want one to three sentences", a.name, a.means)
	}
	for _, act := range a.actions {
		if !slices.Contains([]string{whereHere, whereHost, whereDC, "source", "destination", "both hosts"}, act.where) || act.what == "" || strings.ContainsAny(act.command, "\r\n") {
			t.Errorf("%s: action %+v, want a place that is known, and what to do in one line", a.name, act)
		}
		if strings.Contains(a.hint+a.means+act.what, "facts/") {
			t.Errorf("%s names a file that is not the reader's: %q, %q, %+v", a.name, a.hint, a.means, act)
		}
	}
	if len(a.actions) == 0 && !slices.Contains([]string{"usage", "input", "interrupted", "other"}, a.name) {
		t.Errorf("%s: nothing to do", a.name)
	}
}

// TestAdvicePrecedence: of what fits, the first row.
func TestAdvicePrecedence(t *testing.T) {
	t.Parallel()
	quota := &wsman.Fault{Subcode: wsman.SubcodeQuotaLimit}
	denied := &wsman.Fault{Subcode: wsman.SubcodeAccessDenied}
	refused := refusedAs("NTLM", `.\me`, "Negotiate")
	gone := fmt.Errorf("%w: %w", invoke.ErrNoHyperV, &wsman.Fault{Subcode: wsman.SubcodeDestinationUnreachable})
	noNamespace := &wsman.Fault{Subcode: wsman.SubcodeDestinationUnreachable, WSManFault: &wsman.WSManFault{Code: codeInvalidNamespace}}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"a limit before the size":                     {errors.Join(&wsman.HTTPError{StatusCode: 413}, quota), "quota"},
		"usage before all":                            {errors.Join(refused, &usageError{"x"}), "usage"},
		"interrupted before what it broke":            {errors.Join(wsman.ErrConnectionLost, errInterrupted), "interrupted"},
		"unreachable before access":                   {errors.Join(denied, wsman.ErrConnectionLost), "connection-lost"},
		"a local account before the bindings":         {asked(refused, true, `.\me`), "ntlm-local-account"},
		"the built-in administrator is not filtered":  {asked(refusedAs("NTLM", "Administrator", "Negotiate"), true, "Administrator"), "ntlm-channel-bindings"},
		"what is offered before who is refused":       {asked(refusedAs("NTLM", `.\me`, "Kerberos"), true, `.\me`), "ntlm-not-offered"},
		"the namespace before Hyper-V":                {fmt.Errorf("%w: %w", invoke.ErrNoHyperV, noNamespace), "no-namespace"},
		"no Hyper-V before any fault":                 {gone, "no-hyperv"},
		"a method before the account":                 {asked(&wsman.OpError{Op: "GetErrorEx", Err: denied}, false, "me"), "execute-methods"},
		"the operation that was refused":              {errors.Join(&wsman.OpError{Op: "Enumerate", Err: &wsman.Fault{}}, &wsman.OpError{Op: "GetErrorEx", Err: denied}), "execute-methods"},
		"a ticket's user is of the domain":            {asked(refusedAs("Kerberos", "me@CORP.EXAMPLE", "Negotiate"), false, "me"), "kerberos-refused"},
		"a clock before a refusal over TLS":           {asked(&transport.AuthError{Mechanism: "Kerberos", Refused: true, Skew: -time.Hour, Err: &wsman.HTTPError{StatusCode: 401}}, true, ""), "kerberos-clock"},
		"a page under a redirect":                     {&wsman.HTTPError{StatusCode: 302, Location: "x", ContentType: "text/html"}, "redirect"},
		"a certificate before its stage":              {&transport.ConnectError{Stage: transport.StageTLS, Err: &transport.CertificateError{Err: errors.New("x")}}, "certificate-unfit"},
		"a deadline while authenticating":             {&transport.AuthError{Mechanism: "Kerberos", Err: context.DeadlineExceeded}, "deadline-of-logon"},
		"407 before the stage proxy":                  {&transport.ConnectError{Stage: transport.StageProxy, Err: &wsman.HTTPError{StatusCode: 407}}, "proxy-user"},
		"a 400 over https is no port for https":       {asked(&wsman.HTTPError{StatusCode: 400}, true, ""), "web-page"},
		"a method that is not there, though denied":   {errors.Join(denied, &wsman.Fault{Subcode: wsman.SubcodeActionNotSupported}), "read-denied"},
		"the number that another row knows, then all": {&wsman.Fault{WSManFault: &wsman.WSManFault{Code: 1722}, Subcode: wsman.SubcodeTimedOut}, "timed-out"},
	} {
		if got := advise(tt.err); got.name != tt.want {
			t.Errorf("%s: advise(%v) = %s, want %s", name, tt.err, got.name, tt.want)
		}
	}
}

// TestAdviceOfChoice: what --auth auto has chosen is told of a failed authentication, and of no other failure.
func TestAdviceOfChoice(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		refusedAs("NTLM", "x", "Negotiate"):                true,
		&wsman.Fault{Subcode: wsman.SubcodeTimedOut}:       false,
		&noPasswordError{&transport.CredentialError{}}:     false,
		&transport.ConnectError{Stage: transport.StageTLS}: false,
	} {
		got := hint(chosenBy(true, transport.AuthNTLM, "NTLM", err)(t))
		if told := strings.HasSuffix(got, "(--auth auto chose NTLM: it rains)"); told != want {
			t.Errorf("hint(%v) = %q, want the choice told: %t", err, got, want)
		}
	}
}

// TestAdviceOverTLS: only where there was a certificate, it is to be compared.
func TestAdviceOverTLS(t *testing.T) {
	t.Parallel()
	for _, https := range []bool{true, false} {
		got := advise(asked(refusedAs("NTLM", `.\me`, "Negotiate"), https, `.\me`))
		if got.name != "ntlm-local-account" || slices.Contains(got.actions, compareCertificate()) != https {
			t.Errorf("over https %t: %+v", https, got)
		}
	}
}

// TestAdviceOfSPN: the names to look for are those that were asked for, and an address is none to register.
func TestAdviceOfSPN(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		spns []string
		want []string // commands
	}{
		{[]string{"HTTP/web", "WSMAN/web", "HOST/web"}, []string{"setspn -Q HTTP/web", "setspn -Q WSMAN/web", "setspn -Q HOST/web", "setspn -S HTTP/web <COMPUTER>"}},
		{[]string{"WSMAN/hv01.corp.example@CORP.EXAMPLE"}, []string{"setspn -Q WSMAN/hv01.corp.example", "setspn -S WSMAN/hv01.corp.example <COMPUTER>"}},
		{[]string{"HTTP/127.0.0.1"}, nil},
	} {
		var got []string
		for _, act := range advise(kdcSays(kdcServerUnknown, tt.spns...)(t)).actions {
			if strings.HasPrefix(act.command, "setspn -Q") || strings.HasPrefix(act.command, "setspn -S") {
				got = append(got, act.command)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("of %q: %q, want %q", tt.spns, got, tt.want)
		}
	}
}

// TestAdviceOfPort: what makes a host listen is advised for WinRM's own ports alone.
func TestAdviceOfPort(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"hv01:5985": "Enable-PSRemoting -Force", "hv01:5986": "winrm quickconfig -transport:https", "hv01:43345": "", "": "",
	} {
		got := advise(&transport.ConnectError{Stage: transport.StageConnect, Addr: addr, Err: dialing(syscall.ECONNREFUSED)})
		for _, command := range []string{"Enable-PSRemoting -Force", "winrm quickconfig -transport:https"} {
			if given := slices.ContainsFunc(got.actions, func(a action) bool { return a.command == command }); given != (command == want) {
				t.Errorf("of %q: %+v, want %q", addr, got.actions, want)
			}
		}
		if named := strings.Contains(got.actions[0].what, "5985 for http and 5986 for https"); named != (want == "") {
			t.Errorf("of %q: %+v, want WinRM's ports named: %t", addr, got.actions, want == "")
		}
	}
}

// TestAdviceOfReading: a user who sees one thing of the host may be denied another.
func TestAdviceOfReading(t *testing.T) {
	t.Parallel()
	got := advise(deniedCode("Get", 5)(t))
	if got.name != "read-denied" || strings.Contains(got.means, "nothing") || !strings.Contains(got.means, "what was asked for") {
		t.Errorf("%s: %q, want no word about all the rest", got.name, got.means)
	}
}

// TestAdviceTraced: what was kept already is not asked for again.
func TestAdviceTraced(t *testing.T) {
	t.Parallel()
	for row, tt := range map[string]struct {
		err          error
		plain, trace string
	}{
		"undecodable":  {&wsman.ProtocolError{Msg: "x"}, "--trace DIR keeps what the host sent", ""},
		"web-page":     {&wsman.HTTPError{StatusCode: 200}, "--trace DIR keeps what the host sent; WinRM sends no such page", ""},
		"server-error": {&wsman.HTTPError{StatusCode: 500}, "--trace DIR keeps what the host sent; its log", "the host's log"},
	} {
		for traced, want := range map[bool]string{false: tt.plain, true: tt.trace} {
			got := advise(&sessionError{err: tt.err, traced: traced})
			if got.name != row || !strings.HasPrefix(got.hint, want) || (got.hint == "") != (want == "") {
				t.Errorf("%s, traced %t: %s, %q; want %q", row, traced, got.name, got.hint, want)
			}
		}
	}
}

// TestRowHint: a row of the tables of explain becomes one line, with its first command if there is room.
func TestRowHint(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longestHint)
	look := explain.Check{Where: explain.WhereHost, What: "Look at it."}
	run := func(w explain.Where, command string) explain.Check {
		return explain.Check{Where: w, What: "Run it.", Command: command}
	}
	for _, tt := range []struct {
		row  explain.Row
		want string
	}{
		{explain.Row{Symbol: "E_FAIL", Causes: []string{"It rains.", "It snows."}}, "E_FAIL: It rains"},
		{explain.Row{Causes: []string{"It rains."}, Checks: []explain.Check{look, run(explain.WhereHost, "ver")}}, "It rains; on the host: ver"},
		{explain.Row{Checks: []explain.Check{look}}, "Look at it"},
		{explain.Row{Checks: []explain.Check{run(explain.WhereHere, "date")}}, "Run it; here: date"},
		{explain.Row{Checks: []explain.Check{run(explain.WhereBoth, "ver")}}, "Run it; on both hosts: ver"},
		{explain.Row{Checks: []explain.Check{run(explain.WhereDC, "ver")}}, "Run it; on a domain controller: ver"},
		{explain.Row{Checks: []explain.Check{run(explain.WhereSource, long)}}, "Run it"},
	} {
		if got := rowHint(&tt.row); got != tt.want {
			t.Errorf("rowHint(%+v) = %q, want %q", tt.row, got, tt.want)
		}
	}
}
