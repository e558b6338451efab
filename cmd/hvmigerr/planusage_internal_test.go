// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"strings"
	"testing"
)

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
			"stdin:6: user= is empty; its value follows without a blank; stdin:7: what follows HOST is not KEY=VALUE; possible are port=, https=, user=, auth= and spn=; and 2 more"},
		{line: "-u x --inventory -", stdin: `{"g": ["a b", "h"], "_meta": {"hostvars": {"h": {"ansible_port": 0}}}}`, want: `stdin: "a b": HOST "a b" holds a comma or a blank; several hosts are separate arguments, or lines of a list; ` +
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

// TestPlanParallel: only a typed word that is no number may have been meant for a password. None is repeated.
func TestPlanParallel(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	const bad = " is not a number from 1 to 100000"
	for _, tt := range []struct{ typed, env, want string }{
		{typed: "-p1"},
		{typed: "-p100000"},
		{env: "7"},
		{typed: "-p1", env: "x"},
		{typed: "-p0", want: "--parallel" + bad},
		{typed: "-p-1", want: "--parallel" + bad},
		{typed: "-p100001", want: "--parallel" + bad},
		{typed: "-p99999999999999999999", want: "--parallel" + bad},
		{typed: "-phunter2", want: "--parallel" + bad + passwordComesFrom},
		{typed: "-p=", want: "--parallel" + bad + passwordComesFrom},
		{env: "hunter2", want: "HVMIGERR_PARALLEL" + bad},
		{env: "0", want: "HVMIGERR_PARALLEL" + bad},
	} {
		t.Setenv(variable("parallel"), tt.env)
		_, _, err := planOf(t, "", append(strings.Fields(tt.typed), "-u", "me", "hv01")...)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want || err != nil && !has[*usageError](err) {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

// TestPlanTooLong: lists have limits, each alone and all together.
func TestPlanTooLong(t *testing.T) {
	clearEnvironment(t)
	half := file(t, "half", strings.Repeat("h\n", maxHosts/2+1))
	for _, tt := range []struct{ line, stdin, want string }{
		{"@" + half + " @" + half, "", "more than 100,000 hosts"},
		{"-", strings.Repeat("#", maxHostList) + "\n", "stdin: more than 16 MiB"},
		{"--inventory -", strings.Repeat(" ", maxInventory+1), "--inventory: stdin: more than 64 MiB"},
	} {
		if p, _, err := planOf(t, tt.stdin, append(strings.Fields(tt.line), "-u", "me")...); err == nil || err.Error() != tt.want || !has[*usageError](err) {
			t.Errorf("%s: %v, %v; want %q", tt.line, p, err, tt.want)
		}
	}
}

// TestPlanInterrupted: a signal while lists are read is no usage error.
func TestPlanInterrupted(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	hosts, inventory := file(t, "hosts", "hv01\n"), file(t, "inv", inventoryJSON)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	for _, line := range []string{"-", "@" + hosts, "--inventory -", "--inventory " + inventory} {
		got := invokeRun(ctx, strings.NewReader("hv01\n"), append([]string{"get", "-u", "me"}, strings.Fields(line)...)...)
		if got.code != exitInterrupted || got.stdout != "" || got.stderr != "hvmigerr: interrupted\n" {
			t.Errorf("%s: %+v", line, got)
		}
	}
}
