// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

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
		{name: "one", line: []string{"hv01"}, one: true, want: []string{"hv01 http://hv01:5985/wsman me NTLM me"}},
		{name: "one with a port", line: []string{"hv01:5986"}, one: true, want: []string{"hv01:5986 https://hv01:5986/wsman me NTLM me"}},
		{name: "in the order given", line: []string{"hv09", "@" + hosts, "-", "hv03"}, stdin: "[::1]:5986\n", want: []string{
			"hv09 http://hv09:5985/wsman me NTLM me",
			"hv01 http://hv01:5985/wsman me NTLM me",
			`hv02 https://hv02:5986/wsman CORP\b NTLM corp\b`,
			"[::1]:5986 https://[::1]:5986/wsman me NTLM me",
			"hv03 http://hv03:5985/wsman me NTLM me",
		}},
		{name: "a list of one", line: []string{"-"}, stdin: "hv01", want: []string{"hv01 http://hv01:5985/wsman me NTLM me"}},
		{name: "duplicates", line: []string{"hv01", "HV01", "http://hv01:5985", "hv01:5985", "hv01."}, want: []string{
			"hv01 http://hv01:5985/wsman me NTLM me",
			"hv01. http://hv01.:5985/wsman me NTLM me", // to DNS and Kerberos it is another one
		}},
		{name: "one name twice", line: []string{"-"}, stdin: "hv01\nhv01:5986\nHV01 port=5986 user=b\nhv02", want: []string{
			"hv01 http://hv01:5985/wsman me NTLM me",
			"hv01:5986 as me https://hv01:5986/wsman me NTLM me",
			"HV01:5986 as b https://HV01:5986/wsman b NTLM b",
			"hv02 http://hv02:5985/wsman me NTLM me",
		}},
		{name: "one name twice, by default ports", line: []string{"hv01", "https://hv01"}, want: []string{
			"hv01:5985 http://hv01:5985/wsman me NTLM me",
			"hv01:5986 https://hv01:5986/wsman me NTLM me",
		}},
		{name: "two paths of one port", line: []string{"http://hv01/a", "http://hv01/b"}, want: []string{
			"http://hv01:5985/a as me http://hv01:5985/a me NTLM me",
			"http://hv01:5985/b as me http://hv01:5985/b me NTLM me",
		}},
		{name: "an inventory", line: []string{"--inventory", inv, "--group", "inner"}, want: []string{
			"hv04 http://hv04:5985/wsman me NTLM me",
			"hv03 https://hv03:5986/wsman me NTLM me",
			`web 01 https://192.0.2.7:5986/wsman CORP\reader NTLM corp\reader`,
		}},
		{name: "an inventory and a host", line: []string{"--inventory", "-", "hv04", "hv09"}, stdin: `{"g": ["hv04"]}`, want: []string{
			"hv04 http://hv04:5985/wsman me NTLM me",
			"hv09 http://hv09:5985/wsman me NTLM me",
		}},
		{name: "an override beats flags", line: []string{"--https", "--ca-file", caFile(t), "--seal", "never", "-"}, stdin: "hv01 https=false auth=basic\nhv02 auth=basic\nhv03 port=8443", want: nil},
		{name: "overrides beat flags", line: []string{"--https", "--ca-file", caFile(t), "--kdc", "dc", "-"}, stdin: "hv01 https=false auth=ntlm\nhv02 auth=basic\nhv03 port=8443 user=.\\x", want: []string{
			"hv01 http://hv01:5985/wsman me NTLM me",
			"hv02 https://hv02:5986/wsman me Basic me",
			`hv03:8443 https://hv03:8443/wsman .\x NTLM x`,
		}},
		{name: "Kerberos by password goes to the KDC alone", line: []string{"-"}, stdin: "hv01 auth=kerberos user=me@CORP.EXAMPLE\nhv02 auth=negotiate user=me@CORP.EXAMPLE", want: []string{
			"hv01 http://hv01:5985/wsman me@CORP.EXAMPLE Kerberos ",
			"hv02 http://hv02:5985/wsman me@CORP.EXAMPLE NTLM me@corp.example",
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
		if h.target.url != want || h.credential != "me" || h != again || err != nil {
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
