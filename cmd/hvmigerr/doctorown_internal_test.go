// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// parseFlags returns the connection flags of a command line, as a command of this program would read it.
func parseFlags(t *testing.T, args ...string) (*connectionFlags, *pflag.FlagSet) {
	t.Helper()
	var f connectionFlags
	cmd := &cobra.Command{Use: "doctor", FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true}} // those of one command alone
	f.register(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return &f, cmd.Flags()
}

// endpointOf returns the endpoint that a command line of this program leads to. Nothing is sent.
func endpointOf(t *testing.T, command string) (string, error) {
	t.Helper()
	words, err := splitWords(command)
	if err != nil {
		return "", err
	}
	cmd, rest, err := (&app{}).root().Find(words[1:])
	if err != nil {
		return "", err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return "", err
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return "", err
	}
	f, fs := parseFlags(t, rest...)
	f.anonymous = cmd.Name() == "identify"
	if err := f.finish(fs); err != nil {
		return "", err
	}
	arg := cmd.Flags().Arg(0)
	u, err := splitHost(arg)
	if err != nil {
		return "", err
	}
	m, err := f.choose(u.Hostname())
	if has[*usageError](err) {
		return "", err
	}
	to, err := f.hostRule(m).target(arg, u)
	if err != nil {
		return "", err
	}
	if err := f.checkUser(m); err != nil {
		return "", err
	}
	return to.url, f.fill(&transport.Config{Auth: m.Auth}, to)
}

// checkOwnCommand: a command of ours that was advised about endpoint can be typed, once what only the reader knows is filled in, and
// leads to the same endpoint; one with another scheme than it has, to the same host.
func checkOwnCommand(t *testing.T, command, endpoint string) {
	t.Helper()
	_, own, is := cutBefore(command, "hvmigerr ")
	if !is {
		return
	}
	filled := strings.NewReplacer(
		"<DC>", "dc1", "<NAME>", "hv09", "<HEX>", strings.Repeat("00", 32), "<USER>", "me", "<REALM>", "CORP.EXAMPLE", "<DOMAIN>", "CORP",
		"<URL>", "http://proxy", "<COMMAND>", "true", "<FILE>", "file", "<DIR>", "new",
	).Replace(own)
	got, err := endpointOf(t, filled)
	if err != nil {
		t.Errorf("%s: %v", own, err)
		return
	}
	want, there := mustURL(t, endpoint), mustURL(t, got)
	flips := want.Scheme == "http" && (strings.Contains(own, " --https ") || strings.Contains(own, " https://")) ||
		want.Scheme == "https" && strings.Contains(own, " --http ")
	if flips {
		there.Scheme, there.Host = want.Scheme, strings.Replace(there.Host, ":"+there.Port(), ":"+want.Port(), 1)
	}
	if there.String() != want.String() {
		t.Errorf("%s leads to %s, want %s", own, got, endpoint)
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestDoctorCommands: what is known stands in the commands, each as it has to be typed.
func TestDoctorCommands(t *testing.T) {
	clearEnvironment(t)
	tickets := &transport.KerberosReport{UserRealm: "CORP.EXAMPLE", KDCs: []transport.KDCAttempt{{Addr: "dc1:88", Err: io.EOF}, {Addr: "dc2:88"}}}
	for _, tt := range []struct {
		url, user, command, want string
		tickets                  *transport.KerberosReport
	}{
		{"http://hv01:5985/wsman", "", "hvmigerr get <HOST>", "hvmigerr get hv01", nil},
		{"http://hv01:15985/wsman", "", "hvmigerr get <HOST>", "hvmigerr get hv01:15985", nil},
		{"https://hv01:5986/wsman", "", "hvmigerr get <HOST>", "hvmigerr get hv01:5986", nil},
		{"https://hv01:15986/wsman", "", "hvmigerr get <HOST>", "hvmigerr get https://hv01:15986/wsman", nil},
		{"http://hv01:443/wsman", "", "hvmigerr get <HOST>", "hvmigerr get http://hv01:443/wsman", nil},
		{"http://hv01:5985/other", "", "hvmigerr get <HOST>", "hvmigerr get http://hv01:5985/other", nil},
		{"http://hv01:15985/wsman", "", "hvmigerr doctor --https <HOST>", "hvmigerr doctor --https hv01", nil},
		{"https://hv01:15986/wsman", "", "hvmigerr get --auth basic --https <HOST>", "hvmigerr get --auth basic --https hv01:15986", nil},
		{"https://hv01:5986/other", "", "hvmigerr get --http <HOST>", "hvmigerr get --http http://hv01:5985/other", nil},
		{"http://[fe80::1]:5985/wsman", "", "hvmigerr get <HOST>", "hvmigerr get [fe80::1]", nil},
		{"http://[fe80::1]:5985/wsman", "", "setspn -Q HTTP/<HOST>", "setspn -Q HTTP/fe80::1", nil},
		{"http://hv01:5985/wsman", `CORP\me`, "hvmigerr get --timeout 2m <HOST>", `hvmigerr get --timeout 2m -u 'CORP\me' hv01`, nil},
		{"http://hv01:5985/wsman", `CORP\me`, "hvmigerr doctor --auth negotiate -u <USER> <HOST>", `hvmigerr doctor --auth negotiate -u 'CORP\me' hv01`, nil},
		{"http://hv01:5985/wsman", `CORP\me`, "Get-ADUser <USER> -Properties x", "Get-ADUser me -Properties x", nil},
		{"http://hv01:5985/wsman", `CORP\me`, "Add-LocalGroupMember -Member '<USER>'", `Add-LocalGroupMember -Member 'CORP\me'`, nil},
		{"http://hv01:5985/wsman", `CORP\me`, `hvmigerr get -u '<DOMAIN>\<USER>' <HOST>`, `hvmigerr get -u '<DOMAIN>\<USER>' hv01`, nil},
		{"http://hv01:5985/wsman", "it's $me", "hvmigerr get -v <HOST>; net user <USER>", `hvmigerr get -v -u 'it'\''s $me' hv01; net user <USER>`, nil},
		{"http://hv01:5985/wsman", "me@corp.example", "kinit <USER>@<REALM> && hvmigerr get --auth kerberos <HOST>", "kinit me@CORP.EXAMPLE && hvmigerr get --auth kerberos hv01", nil},
		{"http://hv01:5985/wsman", "", "nslookup -type=SRV _kerberos._tcp.<REALM>", "nslookup -type=SRV _kerberos._tcp.CORP.EXAMPLE", tickets},
		{"http://hv01:5985/wsman", "", "nc -vz <DC> 88", "nc -vz dc1 88", tickets},
		{"http://hv01:5985/wsman", "", "hvmigerr get --kdc <DC> <HOST>", "hvmigerr get --kdc dc2:88 hv01", tickets},
		{"http://hv01:15985/wsman", "me", "hvmigerr doctor " + byTLSHost, "hvmigerr doctor -u me https://hv01:15985/wsman", nil},
		{"http://hv01:5985/wsman", "me", "hvmigerr get --spn WSMAN/<HOST> <HOST>", "hvmigerr get --spn WSMAN/hv01 -u me hv01", nil},
		{"https://hv01:15986/wsman", "", "hvmigerr get --tls-pin sha256:<HEX> <HOST>", "hvmigerr get --tls-pin sha256:<HEX> hv01:15986", nil},
		{"https://hv01:5986/wsman", "", "hvmigerr get --http <HOST>", "hvmigerr get --http hv01", nil},
	} {
		l := newLadder(tt.url)
		if tt.user != "" {
			l.typed(t, "-u", tt.user)
		}
		l.tickets = tt.tickets
		st := &step{actions: []action{here("", tt.command)}}
		l.address(st)
		if got := st.actions[0].command; got != tt.want {
			t.Errorf("%s for %q at %s: %s, want %s", tt.command, tt.user, tt.url, got, tt.want)
		}
	}
	for endpoint, want := range map[string]int{"http://192.0.2.7:5985/wsman": 1, "http://hv01:5985/wsman": 2} {
		st := &step{actions: []action{here("", "nslookup <HOST>"), here("", "")}}
		newLadder(endpoint).address(st)
		if len(st.actions) != want {
			t.Errorf("%d actions at %s, want %d: nobody looks up an address", len(st.actions), endpoint, want)
		}
	}
}

// typed makes l one of a command line with flags.
func (l *ladder) typed(t *testing.T, flags ...string) {
	t.Helper()
	l.s.flags, l.flags = parseFlags(t, flags...)
	if err := l.s.flags.finish(l.flags); err != nil {
		t.Fatal(err)
	}
	m, err := l.s.flags.choose(l.s.target.name)
	if has[*usageError](err) {
		t.Fatal(err)
	}
	l.s.method = m
}

// TestDoctorRepeats: a command that is advised goes the way of this call, but for what contradicts it, belongs to another user, or may
// hold a secret.
func TestDoctorRepeats(t *testing.T) {
	clearEnvironment(t)
	const http, https = "http://hv01:5985/wsman", "https://hv01:15986/wsman"
	for _, tt := range []struct{ url, flags, command, want string }{
		{http, "--proxy none --kdc dc1 --kdc dc2:88 --spn HTTP/hv09", "hvmigerr get <HOST>", "hvmigerr get --spn HTTP/hv09 --kdc dc1 --kdc dc2:88 --proxy none hv01"},
		{http, "--proxy http://proxy:3128", "hvmigerr get --proxy none <HOST>", "hvmigerr get --proxy none hv01"},
		{http, "--proxy http://bird:pr0xy@proxy", "hvmigerr get <HOST>", "hvmigerr get --proxy <URL> hv01"},
		{http, "-u me --password-command keep~secret", "hvmigerr get <HOST>", "hvmigerr get -u me --password-command <COMMAND> hv01"},
		{http, "-u me --password-file a~b", "hvmigerr get <HOST>", "hvmigerr get -u me --password-file 'a~b' hv01"},
		{https, "--ca-file=x --https -v --trace new -o json", "hvmigerr get <HOST>", "hvmigerr get --https --ca-file x hv01:15986"},
		{http, "--http --port 5985", "hvmigerr get <HOST>", "hvmigerr get --http hv01"},
		{http, "--http -u me --auth basic --allow-unencrypted", "hvmigerr get --auth basic --https <HOST>", "hvmigerr get --auth basic --https -u me hv01"},
		{http, "--http -u me --auth basic --allow-unencrypted", "hvmigerr get <HOST>", "hvmigerr get -u me --auth basic --http --allow-unencrypted hv01"},
		{http, "-u me --auth basic --allow-unencrypted", "hvmigerr get <HOST>", "hvmigerr get -u me --auth basic --allow-unencrypted hv01:5985"},
		{http, "--http", "hvmigerr doctor " + byTLSHost, "hvmigerr doctor https://hv01:5985/wsman"},
		{https, "--ca-file x", "hvmigerr get --tls-pin sha256:<HEX> <HOST>", "hvmigerr get --tls-pin sha256:<HEX> hv01:15986"},
		{https, "--insecure", "hvmigerr get --timeout 2m <HOST>", "hvmigerr get --timeout 2m --insecure hv01:15986"},
		{https, "--insecure=false", "hvmigerr get <HOST>", "hvmigerr get https://hv01:15986/wsman"},
		{https, "--tls-server-name hv09 -u me", "hvmigerr get --http <HOST>", "hvmigerr get --http -u me hv01"},
		{https, "-u me --auth basic", "hvmigerr get --http <HOST>", "hvmigerr get --http -u me hv01"},
		{https, "-u me --auth basic --insecure", "hvmigerr get <HOST>", "hvmigerr get -u me --auth basic --insecure hv01:15986"},
		{https, "--client-cert c --client-key k", "hvmigerr get <HOST>", "hvmigerr get --client-cert c --client-key k hv01:15986"},
		{https, "--client-cert c --client-key k", "hvmigerr get --http <HOST>", "hvmigerr get --http -u <USER> hv01"},
		{https, "-u me --auth ntlm --insecure", "hvmigerr get --client-cert <FILE> <HOST>", "hvmigerr get --client-cert <FILE> --insecure hv01:15986"},
		{http, "-u me@X --kdc dc1 --auth kerberos", `hvmigerr get -u '<DOMAIN>\<USER>' <HOST>`, `hvmigerr get -u '<DOMAIN>\<USER>' hv01`},
		{http, "-u me@X --kdc dc1 --auth kerberos", "hvmigerr get --auth ntlm <HOST>", "hvmigerr get --auth ntlm -u me@X hv01"},
		{http, "-u me@X --auth kerberos --locale de-DE", "hvmigerr identify <HOST>", "hvmigerr identify --locale de-DE hv01"},
		{http, "-u me@X --password-file p --kdc dc1", "kinit <USER>@<REALM> && hvmigerr get --auth kerberos <HOST>", "kinit me@X && hvmigerr get --auth kerberos --kdc dc1 hv01"},
		{http, "-u me@X --keytab k", "hvmigerr get --ccache <FILE> <HOST>", "hvmigerr get --ccache <FILE> -u me@X hv01"},
	} {
		l := newLadder(tt.url)
		l.typed(t, strings.Fields(tt.flags)...)
		st := &step{actions: []action{here("", tt.command)}}
		l.address(st)
		if got := st.actions[0].command; got != tt.want {
			t.Errorf("%s with %s at %s:\n%s, want\n%s", tt.command, tt.flags, tt.url, got, tt.want)
		}
	}
}

// TestDoctorEnvironment: what the environment says counts for a command that is advised too.
func TestDoctorEnvironment(t *testing.T) {
	for _, tt := range []struct{ flag, value, url, want string }{
		{"port", "15985", "http://hv01:15985/wsman", "hvmigerr get hv01"},
		{"port", "15985", "http://hv01:5985/wsman", "hvmigerr get hv01:5985"},
		{"https", "true", "http://hv01:15985/wsman", "hvmigerr get http://hv01:15985/wsman"},
		{"https", "true", "https://hv01:5986/wsman", "hvmigerr get hv01"},
		{"user", "me", "http://hv01:5985/wsman", "hvmigerr get hv01"},
	} {
		clearEnvironment(t)
		t.Setenv(variable(tt.flag), tt.value)
		l := newLadder(tt.url)
		l.typed(t)
		st := &step{actions: []action{here("", "hvmigerr get <HOST>")}}
		l.address(st)
		if got := st.actions[0].command; got != tt.want {
			t.Errorf("%s=%s at %s: %s, want %s", tt.flag, tt.value, tt.url, got, tt.want)
		}
		t.Setenv(variable(tt.flag), "")
	}
}

// TestDoctorNoWindowsNameForKerberos: DOMAIN\user is a name for NTLM, so that another one is to be given to Kerberos.
func TestDoctorNoWindowsNameForKerberos(t *testing.T) {
	clearEnvironment(t)
	for user, want := range map[string]string{
		`CORP\me`:         "hvmigerr doctor --auth kerberos -u me@<REALM> hv01",
		"me@corp.example": "hvmigerr doctor --auth kerberos -u me@corp.example hv01",
	} {
		l := newLadder("http://hv01:5985/wsman")
		l.typed(t, "-u", user)
		st := &step{actions: l.otherSchemes([]string{"Kerberos"})}
		l.address(st)
		if !slices.ContainsFunc(st.actions, func(act action) bool { return act.command == want }) {
			t.Errorf("%s: %+v, want %s", user, st.actions, want)
		}
	}
}
