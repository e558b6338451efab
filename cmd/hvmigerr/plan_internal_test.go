// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// planOf makes the plan of a command line, words of which stand apart; stdin is a list.
func planOf(tb testing.TB, stdin string, line ...string) (*plan, string, error) {
	tb.Helper()
	var f connectionFlags
	cmd := &cobra.Command{}
	f.register(cmd)
	f.registerHosts(cmd)
	if err := cmd.ParseFlags(line); err != nil {
		tb.Fatal(err)
	}
	var stderr strings.Builder
	a := newApp(strings.NewReader(stdin), io.Discard, &stderr)
	p, err := a.plan(tb.Context(), &f, cmd.Flags(), cmd.Flags().Args())
	if p != nil {
		tb.Cleanup(p.close)
	}
	return p, stderr.String(), err
}

// file writes a file of a test.
func file(tb testing.TB, name, text string) string {
	tb.Helper()
	name = filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

// TestPlan: who is asked, at which endpoint, as whom, by which name; a host a line: LABEL URL USER METHOD CREDENTIAL.
func TestPlan(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	hosts := file(t, "hosts", "hv01\nhv02 https=true user=CORP\\b\n")
	inv := file(t, "inv.json", inventoryJSON)
	for _, tt := range []struct {
		name  string
		line  []string
		stdin string
		want  []string
		one   bool
	}{
		{name: "one", line: []string{"hv01"}, one: true, want: []string{"hv01 http://hv01:5985/wsman me NTLM ntlm me"}},
		{name: "one with a port", line: []string{"hv01:5986"}, one: true, want: []string{"hv01:5986 https://hv01:5986/wsman me NTLM ntlm me"}},
		{name: "in the order given", line: []string{"hv09", "@" + hosts, "-", "hv03"}, stdin: "[::1]:5986\n", want: []string{
			"hv09 http://hv09:5985/wsman me NTLM ntlm me",
			"hv01 http://hv01:5985/wsman me NTLM ntlm me",
			`hv02 https://hv02:5986/wsman CORP\b NTLM ntlm corp\b`,
			"[::1]:5986 https://[::1]:5986/wsman me NTLM ntlm me",
			"hv03 http://hv03:5985/wsman me NTLM ntlm me",
		}},
		{name: "a list of one", line: []string{"-"}, stdin: "hv01", want: []string{"hv01 http://hv01:5985/wsman me NTLM ntlm me"}},
		{name: "duplicates", line: []string{"hv01", "HV01", "http://hv01:5985", "hv01:5985", "hv01."}, want: []string{
			"hv01 http://hv01:5985/wsman me NTLM ntlm me",
			"hv01. http://hv01.:5985/wsman me NTLM ntlm me", // to DNS and Kerberos it is another one
		}},
		{name: "one name twice", line: []string{"-"}, stdin: "hv01\nhv01:5986\nHV01 port=5986 user=b\nhv02", want: []string{
			"hv01 http://hv01:5985/wsman me NTLM ntlm me",
			"hv01:5986 as me https://hv01:5986/wsman me NTLM ntlm me",
			"HV01:5986 as b https://HV01:5986/wsman b NTLM ntlm b",
			"hv02 http://hv02:5985/wsman me NTLM ntlm me",
		}},
		{name: "one name twice, by default ports", line: []string{"hv01", "https://hv01"}, want: []string{
			"hv01:5985 http://hv01:5985/wsman me NTLM ntlm me",
			"hv01:5986 https://hv01:5986/wsman me NTLM ntlm me",
		}},
		{name: "two paths of one port", line: []string{"http://hv01/a", "http://hv01/b"}, want: []string{
			"http://hv01:5985/a as me http://hv01:5985/a me NTLM ntlm me",
			"http://hv01:5985/b as me http://hv01:5985/b me NTLM ntlm me",
		}},
		{name: "an inventory", line: []string{"--inventory", inv, "--group", "inner"}, want: []string{
			"hv04 http://hv04:5985/wsman me NTLM ntlm me",
			"hv03 https://hv03:5986/wsman me NTLM ntlm me",
			`web 01 https://192.0.2.7:5986/wsman CORP\reader NTLM ntlm corp\reader`,
		}},
		{name: "an inventory and a host", line: []string{"--inventory", "-", "hv04", "hv09"}, stdin: `{"g": ["hv04"]}`, want: []string{
			"hv04 http://hv04:5985/wsman me NTLM ntlm me",
			"hv09 http://hv09:5985/wsman me NTLM ntlm me",
		}},
		{name: "an override beats flags", line: []string{"--https", "--ca-file", caFile(t), "--seal", "never", "-"}, stdin: "hv01 https=false auth=basic\nhv02 auth=basic\nhv03 port=8443", want: nil},
		{name: "overrides beat flags", line: []string{"--https", "--ca-file", caFile(t), "--kdc", "dc", "-"}, stdin: "hv01 https=false auth=ntlm\nhv02 auth=basic\nhv03 port=8443 user=.\\x", want: []string{
			"hv01 http://hv01:5985/wsman me NTLM ntlm me",
			"hv02 https://hv02:5986/wsman me Basic basic me",
			`hv03:8443 https://hv03:8443/wsman .\x NTLM ntlm .\x`,
		}},
		{name: "Kerberos by password goes to the KDC alone", line: []string{"-"}, stdin: "hv01 auth=kerberos user=me@CORP.EXAMPLE\nhv02 auth=negotiate user=me@CORP.EXAMPLE", want: []string{
			"hv01 http://hv01:5985/wsman me@CORP.EXAMPLE Kerberos ",
			"hv02 http://hv02:5985/wsman me@CORP.EXAMPLE NTLM ntlm me@corp.example",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, _, err := planOf(t, tt.stdin, append([]string{"-u", "me"}, tt.line...)...)
			if tt.want == nil {
				if want := "stdin:1: auth= basic over http"; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("plan: %v, want an error about %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			keys := map[string]bool{}
			for _, h := range p.hosts {
				mechanism := h.method.Mechanism
				if mechanism == "" {
					mechanism = map[transport.Auth]string{transport.AuthBasic: "Basic", transport.AuthNTLM: transport.MechanismNTLM}[h.method.Auth]
				}
				got = append(got, fmt.Sprintf("%s %s %s %s %s", h.target.label, h.target.url, h.flags.user, mechanism, h.credential))
				if keys[h.target.key] {
					t.Errorf("the key %q is there twice", h.target.key)
				}
				keys[h.target.key] = true
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("plan, -want +got:\n%s", diff)
			}
			if p.many == tt.one {
				t.Errorf("many = %v", p.many)
			}
		})
	}
}

// caFile writes the certificate of an authority.
func caFile(t *testing.T) string {
	t.Helper()
	return newHost(t, wsmantest.Config{}).ca
}

// TestOverride: what does not go with an override is taken back for that host, and for no other.
func TestOverride(t *testing.T) {
	t.Parallel()
	f := connectionFlags{
		user: "me", spn: "s", seal: sealNever, clientCert: "c", ccache: "f", kdcs: []string{"dc"}, insecure: true,
		typed: map[string]bool{"user": true, "client-cert": true, "insecure": true}, preset: map[string]bool{"auth": true},
	}
	for o, want := range map[override]string{
		{auth: "certificate"}:    `"" "" always "c" "" [] true auth=`,
		{auth: "ntlm"}:           `"me" "s" never "" "" [] true auth=`,
		{auth: "basic"}:          `"me" "" always "" "" [] true auth=`,
		{auth: "kerberos"}:       `"me" "s" never "" "f" [dc] true auth=`,
		{user: `CORP\x`}:         `"CORP\\x" "s" never "" "" [] true HVMIGERR_AUTH`,
		{user: "x@CORP"}:         `"x@CORP" "s" never "" "f" [dc] true HVMIGERR_AUTH`,
		{https: "false"}:         `"me" "s" never "" "f" [dc] false HVMIGERR_AUTH`,
		{port: 1, ansible: true}: `"me" "s" never "c" "f" [dc] true HVMIGERR_AUTH`,
	} {
		c := f.override(&o)
		if got := fmt.Sprintf("%q %q %s %q %q %v %v %s", c.user, c.spn, c.seal, c.clientCert, c.ccache, c.kdcs, c.insecure, c.origin("auth")); got != want {
			t.Errorf("%+v: %s, want %s", o, got, want)
		}
	}
	if got := f.typedTLS() + f.origin("auth") + f.user + f.ccache; got != "insecureHVMIGERR_AUTHmef" {
		t.Errorf("the flags themselves became %q", got)
	}
}

// TestPlanUsage: what is wrong with lists is told with its place, up to five lines at once, before anything is sent or asked for.
func TestPlanUsage(t *testing.T) {
	clearEnvironment(t)
	dir := t.TempDir()
	utf16 := file(t, "utf16", "\xff\xfeh\x00")
	binary := file(t, "binary", "h\x00")
	empty := file(t, "empty", "# nobody\n")
	inv := file(t, "inv", inventoryJSON)
	for _, tt := range []struct {
		line, stdin string
		env         string
		want        string
	}{
		{line: "", want: "HOST is missing"},
		{line: "@", want: "@ names no file"},
		{line: "@" + dir, want: "is a directory"},
		{line: "@nosuch", want: "HOST @nosuch: no such file or directory"},
		{line: "@" + utf16, want: utf16 + ": it is in UTF-16; write it in UTF-8"},
		{line: "@" + binary, want: binary + ": it is no text in UTF-8"},
		{line: "@" + empty, want: "no host is named in " + empty},
		{line: "-", want: "no host is named in stdin"},
		{line: "- @" + empty, want: "no host is named in stdin, " + empty},
		{line: "- -", want: "stdin can be read once, not by - and -"},
		{line: "- --password-file - -u x", want: "stdin can be read once, not by - and --password-file -"},
		{line: "- --inventory -", want: "stdin can be read once, not by - and --inventory -"},
		{line: "- -u x", env: "PASSWORD_FILE=-", want: "stdin can be read once, not by - and HVMIGERR_PASSWORD_FILE -"},
		{line: "--inventory nosuch", want: "--inventory: nosuch: no such file or directory"},
		{line: "--inventory " + dir, want: "is a directory"},
		{line: "", env: "INVENTORY=nosuch", want: "HVMIGERR_INVENTORY: nosuch"},
		{line: "--inventory " + empty, want: `it is not the JSON of "ansible-inventory --list"`},
		{line: "--inventory " + inv + " --group nosuch", want: `there is no group "nosuch"; there are all, apart, east, inner, west`},
		{line: "--inventory " + inv + " --group empty", want: `no host is named in group "empty" of ` + inv},
		{line: "--inventory=", want: "--inventory is empty"},
		{line: "--group x hv01", want: "--group needs --inventory"},
		{line: "--shard 3/3 hv01 -u x", want: `--shard "3/3" is not I/N`},
		{line: "hv01 -u x", env: "SHARD=x", want: `HVMIGERR_SHARD "x" is not I/N`},
		{line: "--shard= hv01", want: "--shard is empty"},
		{line: "-p 0 hv01", want: "--parallel is not a number from 1 to 100000; a password comes from"},
		{line: "-phunter2 hv01", want: "--parallel is not a number from 1 to 100000; a password comes from"},
		{line: "hv01", env: "PARALLEL=hunter2", want: "HVMIGERR_PARALLEL is not a number"},
		{line: "--deadline -1s hv01", want: "--deadline must not be negative"},
		// What is wrong with hosts.
		{line: "hv01 hv02:x -u x", want: `HOST "hv02:x" has a port`},
		{line: "-u x -", stdin: "hv01\nhv 02", want: "stdin:2: what follows HOST is not KEY=VALUE"},
		{line: "-u x -", stdin: "me:hunter2@hv01\n", want: "stdin:1: HOST must not hold a user"},
		{line: "-u x -", stdin: "http://hv01 https=true\nhttps://hv01 https=false\nhv01:5986 port=5985", want: "stdin:1: https=true contradicts HOST \"http://hv01\"; " +
			"stdin:2: https=false contradicts HOST \"https://hv01\"; stdin:3: port= 5985 contradicts HOST \"hv01:5986\""},
		{line: "-u x --tls-pin sha256:00 -", stdin: "http://hv01", want: "stdin:1: --tls-pin needs https"},
		{line: "-u x -", stdin: "hv01 auth=certificate", want: "stdin:1: auth= certificate needs --client-cert"},
		{line: "--ccache c -", stdin: "hv01 auth=ntlm", want: "stdin:1: --user is missing"},
		{line: "-u x -", stdin: `hv01 user=CORP\x auth=kerberos`, want: `stdin:1: user= "CORP\\x" is a name for NTLM`},
		{line: "-u x -", stdin: `hv01 auth=basic https=false`, want: "stdin:1: auth= basic over http would send the password in clear"},
		{line: "-u x -", stdin: "h\nh port=1 port=2\nh auth=x\n\nh x=\nh user=\nh x\nh x\nh x", want: "stdin:2: port= is there twice; stdin:3: auth= is none of " +
			"auto, kerberos, negotiate, ntlm, basic, certificate; stdin:5: x= is not possible; possible are port=, https=, user=, auth= and spn=; " +
			"stdin:6: user= is empty; stdin:7: what follows HOST is not KEY=VALUE; possible are port=, https=, user=, auth= and spn=; and 2 more"},
		{line: "-u x --inventory -", stdin: `{"g": ["a b", "h"], "_meta": {"hostvars": {"h": {"ansible_port": 0}}}}`, want: `stdin: "a b": HOST "a b" is not a host name; ` +
			`stdin: "h": ansible_port is not 1 to 65535`},
		{line: "hv01 hv02 -u x", want: "no password: give"},
	} {
		t.Run(tt.line+" "+tt.stdin, func(t *testing.T) {
			if name, value, ok := strings.Cut(tt.env, "="); ok {
				t.Setenv(envPrefix+name, value)
			}
			p, stderr, err := planOf(t, tt.stdin, strings.Fields(tt.line)...)
			if err == nil || !has[*usageError](err) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("plan = %v, %v; want an error about %q", p, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error()+stderr, "hunter2") {
				t.Errorf("a password is repeated: %v", err)
			}
		})
	}
}

// TestPlanEnvironment: a host that was typed beats the inventory of the environment.
func TestPlanEnvironment(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	t.Setenv(variable("inventory"), file(t, "inv", inventoryJSON))
	t.Setenv(variable("group"), "apart")
	for _, tt := range []struct {
		line, want string
		many       bool
	}{
		{line: "hv01", want: "hv01"},
		{line: "", want: "hv05", many: true},
		{line: "--group west", want: "hv03 hv02", many: true},
		{line: "--group west hv01", want: "hv01 hv03 hv02", many: true},
	} {
		p, _, err := planOf(t, "", append(strings.Fields(tt.line), "-u", "me")...)
		if err != nil {
			t.Errorf("%q: %v", tt.line, err)
			continue
		}
		var names []string
		for _, h := range p.hosts {
			names = append(names, h.target.label)
		}
		if got := strings.Join(names, " "); got != tt.want || p.many != tt.many {
			t.Errorf("%q: %s, many %v; want %s, %v", tt.line, got, p.many, tt.want, tt.many)
		}
	}
}

// TestPlanShard: together the shards are the whole list, by the labels that the whole list gives; an empty one says so.
func TestPlanShard(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	const list = "hv01\nhv02\nhv03:5986\nHV01:5986\n"
	got := map[string]int{}
	empty := 0
	for i := range 10 {
		p, stderr, err := planOf(t, list, "-u", "me", "--shard", fmt.Sprintf("%d/10", i), "-")
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range p.hosts {
			got[h.target.label]++
		}
		if want := fmt.Sprintf("hvmigerr: shard %d/10 holds none of the 4 hosts\n", i); len(p.hosts) == 0 {
			empty++
			if stderr != want {
				t.Errorf("stderr %q, want %q", stderr, want)
			}
		}
		if !p.many || p.named("hv02") == nil {
			t.Errorf("shard %d: many %v; hv02 is %v, want it named in every shard", i, p.many, p.named("hv02"))
		}
	}
	want := map[string]int{"hv01": 1, "hv02": 1, "hv03:5986": 1, "HV01:5986": 1}
	if diff := cmp.Diff(want, got); diff != "" || empty < 6 {
		t.Errorf("%d empty; the others, -want +got:\n%s", empty, diff)
	}
}

func TestPlanNamed(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	p, _, err := planOf(t, "", "-u", "me", "--inventory", file(t, "inv", inventoryJSON), "HV-MÜNCHEN-02", "hv09.corp.example.", "[2001:db8:0::9]", "hv02:5986")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"hv-münchen-02":     "HV-MÜNCHEN-02",
		"hv09.corp.example": "hv09.corp.example.", "HV09.Corp.Example.": "hv09.corp.example.",
		"hv09": "", "hv09.corp.example..": "", "corp.example": "", "": "", ".": "",
		"2001:DB8::9": "2001:db8:0::9", "[2001:db8::9]": "",
		"hv02": "hv02:5986", "hv02:5986": "",
		"web 01": "web 01", "192.0.2.7": "web 01", "2001:db8::2": "hv02", "127.1": "",
	} {
		got := ""
		if h := p.named(name); h != nil {
			got = h.target.label
		}
		if got != want {
			t.Errorf("named(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestPlanAdd(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	p, _, err := planOf(t, "hv01 user=other port=5986", "-u", "me", "-")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"hv02": "http://hv02:5985/wsman", "2001:db8::7": "http://[2001:db8::7]:5985/wsman"} {
		h, err := p.add(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.add(t.Context(), strings.ToUpper(name)+".")
		if strings.Contains(name, ":") {
			again, err = p.add(t.Context(), strings.ToUpper(name))
		}
		if h.target.url != want || h.credential != "ntlm me" || h != again || err != nil {
			t.Errorf("add(%q) = %+v, %q; then %p, %v, want %p", name, h.target, h.credential, again, err, h)
		}
		s, err := p.open(h)
		if err != nil || s.transport == nil {
			t.Errorf("open(%q) = %+v, %v", name, s, err)
		}
	}
	for _, name := range []string{"", "hv02:5985", "http://hv02", "a b", "@x", "-", "u@hv02"} {
		if h, err := p.add(t.Context(), name); err == nil {
			t.Errorf("add(%q) = %+v", name, h.target)
		}
	}
	t.Setenv(passwordVariable, "")
	if p, _, err = planOf(t, "", "--client-cert", certificateFile(t), "hv01"); err != nil {
		t.Fatal(err)
	}
	if h, err := p.add(t.Context(), "hv02"); err != nil || h.credential != "" {
		t.Errorf("add by certificate: %+v, %v", h, err)
	}
}

// shardWith returns the value of --shard for the part with that host, and few others.
func shardWith(key string) string {
	s := shard{of: 1000}
	for !s.holds(key) {
		s.index++
	}
	return fmt.Sprintf("%d/%d", s.index, s.of)
}

// TestPlanUnasked: a host that needs a password, where none was asked for, has no session.
func TestPlanUnasked(t *testing.T) {
	clearEnvironment(t)
	const list = "hv01 auth=certificate\nhv02 user=me\nhv03 auth=kerberos user=me@CORP.EXAMPLE\n"
	p, _, err := planOf(t, list, "--client-cert", certificateFile(t), "--shard", shardWith("hv01"), "-")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hv02", "hv03"} {
		if s, err := p.open(p.named(name)); err == nil || !strings.Contains(err.Error(), "a password is needed for "+name) {
			t.Errorf("open(%s) = %+v, %v", name, s, err)
		}
	}
	t.Setenv(passwordVariable, password)
	if p, _, err = planOf(t, list, "--client-cert", certificateFile(t), "--shard", shardWith("hv02"), "-"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hv01", "hv02", "hv03"} {
		if _, err := p.open(p.named(name)); err != nil {
			t.Errorf("open(%s): %v", name, err)
		}
	}
}

// certificateFile writes a client certificate with its key.
func certificateFile(t *testing.T) string {
	t.Helper()
	certificate, key, _ := clientCertificate(t)
	var both []byte
	for _, name := range []string{certificate, key} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	return file(t, "both.pem", string(both))
}

// TestPlanPassword: there is one question for all.
func TestPlanPassword(t *testing.T) {
	clearEnvironment(t)
	runs := file(t, "runs", "")
	command := file(t, "command", "#!/bin/sh\necho x >> "+runs+"\necho hunter2\n")
	if err := os.Chmod(command, 0o700); err != nil {
		t.Fatal(err)
	}
	p, _, err := planOf(t, "hv01 user=a\nhv02 auth=basic https=true\nhv03 user=b@CORP.EXAMPLE auth=kerberos", "-u", "me", "--password-command", command, "-")
	if err != nil {
		t.Fatal(err)
	}
	n, err := os.ReadFile(runs)
	if string(n) != "x\n" || err != nil {
		t.Errorf("the command ran %q, %v", n, err)
	}
	if got := p.app.secrets.clean("hunter2 bWU6aHVudGVyMg=="); strings.Contains(got, "hunter2") || strings.Contains(got, "bWU6") {
		t.Errorf("cleaned: %q", got)
	}
	for _, h := range p.hosts {
		s, err := p.open(h)
		if err != nil {
			t.Fatal(err)
		}
		if text := s.failed(errors.New("hunter2")).Error(); text != redacted {
			t.Errorf("%s says %q", h.target.label, text)
		}
		if h.method.Mechanism == transport.MechanismKerberos && s.kerberos == nil {
			t.Errorf("%s has no Kerberos", h.target.label)
		}
	}
}

// TestPlanSessions: sessions share what can be shared, and tell the breaker what becomes of the password.
func TestPlanSessions(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, "wrong-"+password)
	var addresses []string
	for range 3 {
		h := newHost(t, wsmantest.Config{HTTP: true, AllowUnencrypted: true})
		addresses = append(addresses, h.Addr().String())
	}
	for _, auth := range []string{"ntlm", "basic"} {
		t.Run(auth, func(t *testing.T) {
			p, _, err := planOf(t, "", append([]string{"-u", administrator, "--auth", auth, "--http", "--allow-unencrypted"}, addresses...)...)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range p.hosts {
				s, err := p.open(h)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.ask(t.Context(), s.listing); exitCode(err) != exitAuthentication || !strings.HasPrefix(err.Error(), h.target.label+": ") {
					t.Errorf("%v, want exit 11 and %s", err, h.target.label)
				}
			}
			if _, err := p.breaker.Enter(t.Context(), p.hosts[0].fleetHost()); !has[*fleet.NotTriedError](err) {
				t.Errorf("a fourth may try: %v", err)
			}
		})
	}
}

// listing asks for the jobs.
func (s *session) listing(ctx context.Context) error {
	_, err := s.listNamed(ctx, nil)
	return err
}

// TestPlanTaken: one host that takes the password lets all others go, by whatever method.
func TestPlanTaken(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{AllowUnencrypted: true})
	for _, flags := range []string{"--auth ntlm", "--auth ntlm --seal never", "--auth basic"} {
		t.Run(flags, func(t *testing.T) {
			p, _, err := planOf(t, h.URL()+" spn=x\n", append(strings.Fields(flags), "-u", administrator, "--ca-file", h.ca, "-")...)
			if err != nil {
				t.Fatal(err)
			}
			s, err := p.open(p.hosts[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := s.ask(t.Context(), s.listing); err != nil {
				t.Fatal(err)
			}
			limited, cancel := context.WithTimeout(t.Context(), time.Minute) // a failure is not to hang
			defer cancel()
			for range 5 { // none of them leaves: they would wait for each other if nothing were known
				if _, err := p.breaker.Enter(limited, p.hosts[0].fleetHost()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestRunInventory asks two hosts that an inventory names as it likes. Its password is nobody's business.
func TestRunInventory(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	var ports []int
	for range 2 {
		h := newHost(t, wsmantest.Config{HTTP: true})
		ports = append(ports, h.Addr().(*net.TCPAddr).Port)
	}
	inventory := fmt.Sprintf(`{
		"_meta": {"hostvars": {
			"web one": {"ansible_host": "127.0.0.1", "ansible_port": %d, "ansible_user": "administrator", "ansible_password": "hunter2"},
			"web/one": {"ansible_host": "127.0.0.1", "ansible_port": "%d", "ansible_user": ".\\administrator", "ansible_winrm_password": "hunter2"}
		}},
		"all": {"children": ["first", "second"]}, "first": {"hosts": ["web one"]}, "second": {"hosts": ["web/one"]}
	}`, ports[0], ports[1])
	dir := filepath.Join(t.TempDir(), "trace")
	got := invokeRun(t.Context(), strings.NewReader(inventory), "identify", "-v", "--inventory", "-", "--trace", dir, "-o", "jsonl")
	if got.code != exitOK || strings.Count(got.stdout, `"authenticated":true`) != 2 {
		t.Errorf("identify = %+v", got)
	}
	for _, want := range []string{`"host":"web one"`, `"host":"web/one"`} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%s is not in\n%s", want, got.stdout)
		}
	}
	for i, name := range []string{"web_one", "web_one-2"} { // in the order in which they were opened
		if _, err := os.Stat(filepath.Join(dir, name, "001-Identify", "request.xml")); err != nil {
			t.Error(err)
		}
		line := fmt.Sprintf("hvmigerr: %s: http://127.0.0.1:%d/wsman, authentication NTLM (", []string{"web one", "web/one"}[i], ports[i])
		if !strings.Contains(got.stderr, line) {
			t.Errorf("%q is not in\n%s", line, got.stderr)
		}
	}
	if all := got.stdout + got.stderr + readAll(t, dir); strings.Contains(all, "hunter2") || strings.Contains(all, password) {
		t.Errorf("a password is in the output:\n%s", all)
	}
}

// BenchmarkPlan reads and plans 5,000 hosts.
func BenchmarkPlan(b *testing.B) {
	for _, kind := range []struct{ name, line string }{
		{"names", "hv%04d.example.com"},
		{"ports", "127.0.0.1:%d"},
		{"users", "127.0.0.1:%d user=user-%[1]d"},
	} {
		b.Run(kind.name, func(b *testing.B) {
			b.Setenv(passwordVariable, password)
			var list strings.Builder
			for i := range 5000 {
				fmt.Fprintf(&list, kind.line+"\n", 20000+i)
			}
			b.ReportAllocs()
			for b.Loop() {
				p, _, err := planOf(b, list.String(), "-u", "me@CORP.EXAMPLE", "-")
				if err != nil || len(p.hosts) != 5000 {
					b.Fatal(err)
				}
			}
		})
	}
}
