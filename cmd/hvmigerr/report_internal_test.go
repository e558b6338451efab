// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

func TestHint(t *testing.T) {
	t.Parallel()
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}
	tlsStage := func(err error) error { return &transport.ConnectError{Stage: transport.StageTLS, Err: err} }
	refused := func(tried string) error { return &wsman.HTTPError{StatusCode: 401, Tried: tried} }
	offering := func(mechanism string, e *transport.AuthError, challenges ...string) error {
		e.Mechanism, e.Refused = mechanism, true
		e.Err = &wsman.HTTPError{StatusCode: 401, Tried: mechanism, Challenges: challenges}
		return e
	}
	ntlm := func(challenges ...string) error { return offering("NTLM", &transport.AuthError{}, challenges...) }
	kerberos := func(challenges ...string) error { return offering("Kerberos", &transport.AuthError{}, challenges...) }
	sent := func(auth transport.Auth, challenges ...string) error {
		return &sessionError{err: kerberos(challenges...), method: &method{Choice: transport.Choice{Auth: auth, Mechanism: "Kerberos"}}}
	}
	broken := func(mechanism, what string) error {
		return &transport.AuthError{Mechanism: mechanism, Err: errors.New(what)}
	}
	chosen := func(auto, inClear bool, mechanism string, err error) error {
		return &sessionError{err: err, method: &method{
			Choice: transport.Choice{Mechanism: mechanism, Reason: "it rains"}, auto: auto, clear: inClear,
		}}
	}
	kdc := func(code int32, spns ...string) error {
		return &transport.AuthError{Mechanism: "Kerberos", Err: &transport.KDCError{Code: code, SPNs: spns}}
	}
	const traceHint = "--trace DIR keeps"
	for name, tt := range map[string]struct {
		err  error
		want string // in the hint; empty: no hint
	}{
		"alert":                       {tlsStage(alert), "--client-cert FILE"},
		"not TLS":                     {tlsStage(tls.RecordHeaderError{Msg: "x"}), "is it an http port?"},
		"closed":                      {tlsStage(io.EOF), "is it an http port?"},
		"401 of basic":                {refused("Basic"), "basic must be enabled"},
		"401 though basic is offered": {&wsman.HTTPError{StatusCode: 401, Tried: "Basic", Challenges: []string{"Negotiate", "basic"}}, "does not take this user with this password"},
		"401 of nobody":               {refused(""), "give --user"},
		"401 of a certificate":        {refused("certificate"), ""},
		"basic, and only NTLM":        {&wsman.HTTPError{StatusCode: 401, Tried: "Basic", Challenges: []string{"Negotiate"}}, "what it offers fits --auth ntlm"},
		"NTLM":                        {ntlm("Negotiate", "Kerberos"), "is the password right"},
		"NTLM, only Basic":            {ntlm("Basic"), "neither Negotiate nor Kerberos; what it offers fits --auth basic with --https"},
		"NTLM, only Kerberos":         {ntlm("Kerberos"), "does not offer Negotiate, which carries NTLM; what it offers fits --auth kerberos"},
		"NTLM, nothing":               {ntlm(), "the host offers neither Negotiate nor Kerberos"},
		"NTLM through a proxy":        {offering("NTLM", &transport.AuthError{Proxied: true}, "Negotiate"), "use --proxy none, or https"},
		"NTLM not taken up":           {&transport.AuthError{Mechanism: "NTLM", Early: true, Err: &wsman.HTTPError{StatusCode: 401, Challenges: []string{"Negotiate"}}}, "a policy of the host may forbid NTLM"},
		"Kerberos through a proxy":    {&transport.AuthError{Mechanism: "Kerberos", Proxied: true, Err: errors.New("x")}, "Kerberos belongs to one connection"},
		"a challenge that lacks":      {broken("NTLM", "CHALLENGE lacks NTLMSSP_NEGOTIATE_SEAL"), "the host, or something in between, does not complete the exchange"},
		"no challenge":                {broken("NTLM", "no NTLM message"), "hvmigerr identify HOST tells what answers there"},
		"not base64":                  {broken("Kerberos", "the host's token is not valid base64"), "the host, a KDC or something in between does not complete the exchange"},
		"no proof":                    {broken("Kerberos", "HTTP 200 before the host has proved who it is"), "does not complete the exchange"},
		"closed midway":               {broken("NTLM", "the host closes the connection in the middle of the exchange"), "does not complete the exchange"},
		"out of time":                 {&transport.AuthError{Mechanism: "Kerberos", Err: context.DeadlineExceeded}, ""},
		"Kerberos":                    {kerberos("Negotiate", "Kerberos"), "does the ticket fit the host?"},
		"Kerberos, only Negotiate":    {sent(transport.AuthKerberos, "Negotiate"), "but Negotiate, which carries Kerberos too: --auth negotiate; or NTLM, with a password: --auth ntlm"},
		"in Negotiate, only Kerberos": {sent(transport.AuthNegotiate, "Kerberos"), "the host does not offer Negotiate, but Kerberos itself: --auth kerberos"},
		"in Negotiate, refused":       {sent(transport.AuthNegotiate, "Negotiate"), "does the ticket fit the host?"},
		"in Negotiate, both offered":  {sent(transport.AuthNegotiate, "Negotiate", "Kerberos"), "does the ticket fit the host?"},
		"Kerberos, refused":           {sent(transport.AuthKerberos, "Kerberos"), "does the ticket fit the host?"},
		"Kerberos, only Basic":        {sent(transport.AuthKerberos, "Basic"), "neither Negotiate nor Kerberos; what it offers fits --auth basic"},
		"Kerberos, clock behind":      {offering("Kerberos", &transport.AuthError{Skew: 7 * time.Minute}, "Kerberos"), "this machine's clock is 7m0s behind the host's"},
		"Kerberos, clock ahead":       {offering("Kerberos", &transport.AuthError{Skew: -7 * time.Minute}, "Kerberos"), "this machine's clock is 7m0s ahead of the host's"},
		"Kerberos, clock near":        {offering("Kerberos", &transport.AuthError{Skew: 4 * time.Minute}, "Kerberos"), "does the ticket fit the host?"},
		"no KDC":                      {&transport.AuthError{Err: &transport.KDCUnreachableError{}}, "--kdc HOST names a KDC"},
		"KDC, wrong password":         {kdc(24), "is not sent again"},
		"KDC, unknown user":           {kdc(6), "is the realm right?"},
		"KDC, unknown service":        {kdc(7, "HTTP/x"), "--spn SERVICE/NAME"},
		"KDC, expired password":       {kdc(23), "kpasswd"},
		"KDC, clock":                  {kdc(37), "set the clock of this machine right"},
		"KDC, something else":         {kdc(60), ""},
		"no ticket":                   {&transport.CredentialError{Err: errors.New("x")}, ""},
		"auto, and no ticket":         {chosen(true, false, "", &transport.CredentialError{Err: errors.New("x")}), "name a user"},
		"auto, and NTLM refused":      {chosen(true, false, "NTLM", ntlm("Negotiate")), "(--auth auto chose NTLM: it rains)"},
		"auto, and no hint":           {chosen(true, false, "Kerberos", kdc(60)), "--auth auto chose Kerberos: it rains"},
		"asked for, and no hint":      {chosen(false, false, "Kerberos", kdc(60)), ""},
		"in clear":                    {chosen(false, true, "NTLM", &wsman.HTTPError{StatusCode: 500}), "leave out --seal never"},
		"not in clear":                {chosen(false, false, "NTLM", &wsman.HTTPError{StatusCode: 500}), traceHint},
		"413":                         {&wsman.HTTPError{StatusCode: 413}, "too large for the host's limit"},
		"quota":                       {&wsman.Fault{Subcode: wsman.SubcodeQuotaLimit}, "the host is busy"},
		"413 and quota":               {errors.Join(&wsman.HTTPError{StatusCode: 413}, &wsman.Fault{Subcode: wsman.SubcodeQuotaLimit}), "the host is busy"},
		"undecodable":                 {&wsman.ProtocolError{Msg: "x"}, traceHint},
		"undecodable, no trace":       {&sessionError{err: &wsman.ProtocolError{Msg: "x"}}, traceHint},
		"undecodable, traced":         {&sessionError{err: &wsman.ProtocolError{Msg: "x"}, traced: true}, ""},
		"404 where it is traced":      {&sessionError{err: &wsman.HTTPError{StatusCode: 404}, traced: true}, "at the path /wsman"},
	} {
		for _, err := range []error{tt.err, &hostError{"hv01", tt.err}} {
			if got := hint(err); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("%s: hint = %q, want %q in it", name, got, tt.want)
			}
		}
	}
}

// TestHintOfRun: the hints that depend on how the program was called.
func TestHintOfRun(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	page := "<html/>"
	h := newHost(t, wsmantest.Config{Rules: []wsmantest.Rule{
		{Operation: "Identify", Status: 401},
		{Body: &page, ContentType: "text/html"},
	}})
	for _, tt := range []struct {
		args       []string
		trace      bool
		code       int
		want, lack string
	}{
		{[]string{"identify"}, false, exitAuthentication, "hint: the service wants a user", "basic must"},
		{[]string{"identify", "-u", "x", "--auth", "basic"}, false, exitAuthentication, "hint: the host does not take this user with this password", "wants a user"},
		{[]string{"get", "-u", "administrator", "--auth", "basic"}, false, exitUndecodable, "hint: --trace DIR keeps", ""},
		{[]string{"get", "-u", "administrator", "--auth", "basic"}, true, exitUndecodable, "text/html", "hint"},
	} {
		for _, format := range []string{outputText, outputJSON} {
			args := append(slices.Clip(tt.args), "-o", format, "--ca-file", h.ca, h.URL())
			if tt.trace {
				args = append(args, "--trace", filepath.Join(t.TempDir(), "trace"))
			}
			got := invokeRun(t.Context(), strings.NewReader(""), args...)
			if got.code != tt.code || !strings.Contains(got.stderr, tt.want) || tt.lack != "" && strings.Contains(got.stderr, tt.lack) {
				t.Errorf("%v: %+v, want exit %d with %q and without %q", args, got, tt.code, tt.want, tt.lack)
			}
		}
	}
}

// TestLongLine: a line on stderr is bounded whatever the peer wrote; JSON has all of it.
func TestLongLine(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	long := strings.Repeat("é\u202e仮", 20_000)
	fault := `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>` +
		`<s:Reason><s:Text xml:lang="en">` + long + `</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`
	h := newHost(t, wsmantest.Config{Rules: []wsmantest.Rule{{Status: 500, Body: &fault}}})
	got := invokeRun(t.Context(), strings.NewReader(""), "get", "-u", "administrator", "-o", "json", "--ca-file", h.ca, h.URL())
	for line := range strings.Lines(got.stderr) {
		if most := len("hvmigerr: ") + maxLine + len(" ...\n"); len(line) > most || !utf8.ValidString(line) {
			t.Errorf("a line of %d bytes, want %d at most: %.100q", len(line), most, line)
		}
	}
	if !strings.Contains(got.stderr, "仮") || !strings.Contains(got.stderr, " ...\n") {
		t.Errorf("stderr %.300q", got.stderr)
	}
	if !strings.Contains(got.stdout, strings.ReplaceAll(long, "\u202e", `\u202e`)) {
		t.Errorf("JSON lacks the text: %.300q", got.stdout)
	}
}

func TestBeginning(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		most int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc ..."},
		{"aéb", 2, "a ..."},
		{"aéb", 3, "aé ..."},
		{"\x80\x80\x80", 2, " ..."},
	} {
		if got := beginning(tt.in, tt.most); got != tt.want {
			t.Errorf("beginning(%q, %d) = %q, want %q", tt.in, tt.most, got, tt.want)
		}
	}
}

// TestVerboseProxy: -v names the proxy that is used, wherever it comes from, without its password.
func TestVerboseProxy(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	for _, tt := range []struct {
		environment string
		args        []string
		want        string
	}{
		{"", []string{"https://127.0.0.1:1"}, ", no proxy\n"},
		{"http://pu:pr0xy-c4nary@127.0.0.1:1", []string{"https://hv01.invalid"}, ", proxy http://pu:xxxxx@127.0.0.1:1\n"},
		{"http://pu:pr0xy-c4nary@127.0.0.1:1", []string{"https://127.0.0.1:1"}, ", no proxy\n"}, // loopback never has one
		{"http://pu:pr0xy-c4nary@127.0.0.1:1", []string{"https://127.0.0.1:1", "--proxy", "none"}, ", no proxy\n"},
		{"", []string{"hv01.invalid", "--proxy", "socks5://pu:pr0xy-c4nary@127.0.0.1:1"}, ", proxy socks5://pu:xxxxx@127.0.0.1:1\n"},
	} {
		t.Setenv("HTTPS_PROXY", tt.environment)
		got := invokeRun(t.Context(), strings.NewReader(""), append([]string{"get", "-v", "-u", "x"}, tt.args...)...)
		if got.code != exitUnreachable || !strings.Contains(got.stderr, tt.want) || strings.Contains(got.stderr, "pr0xy-c4nary") {
			t.Errorf("%q %v: %+v, want %q", tt.environment, tt.args, got, tt.want)
		}
	}
}

// TestRanOut: what a message says has passed is what has.
func TestRanOut(t *testing.T) {
	t.Parallel()
	request := &wsman.OpError{Op: "Get", Err: &wsman.TimeoutError{Limit: 75 * time.Second, Err: context.DeadlineExceeded}}
	whole := fmt.Errorf("connecting: %w", context.DeadlineExceeded)
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("x"), false},
		{request, false},
		{whole, true},
		{errors.Join(request, errors.New("x")), false},
		{errors.Join(request, whole), true},
	} {
		if got := ranOut(tt.err); got != tt.want {
			t.Errorf("ranOut(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

// TestSilentHost: a host that stays silent is told by the limit of one request, where that has passed, and not by --timeout.
func TestSilentHost(t *testing.T) {
	for timeout, want := range map[time.Duration]string{
		time.Hour:        "hv01: Get: not done within 1m15s, the limit for one request: context deadline exceeded",
		30 * time.Second: "hv01: not done within --timeout 30s: Get: context deadline exceeded",
	} {
		synctest.Test(t, func(t *testing.T) {
			client, err := wsman.NewClient(wsman.Config{Endpoint: "http://hv01:5985/wsman", Transport: silentTransport{}})
			if err != nil {
				t.Fatal(err)
			}
			s := &session{app: newApp(nil, io.Discard, io.Discard), flags: &connectionFlags{timeout: timeout}, target: &target{name: "hv01"}, method: &method{}}
			err = s.within(t.Context(), func(ctx context.Context) error {
				_, err := client.Get(ctx, &wsman.GetRequest{})
				return err
			})
			if err == nil || message(err) != want || exitCode(err) != exitDeadline {
				t.Errorf("--timeout %v: exit %d, %v, want %s", timeout, exitCode(err), err, want)
			}
		})
	}
}

// A silentTransport never answers.
type silentTransport struct{}

func (silentTransport) RoundTrip(ctx context.Context, _ *wsman.Request) (*wsman.Reply, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
