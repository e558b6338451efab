// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestSimulate runs simulate and, against it, get; then it interrupts simulate, which takes its file of the authority away.
func TestSimulate(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	dir := t.TempDir()
	model, rules := filepath.Join(dir, "model.json"), filepath.Join(dir, "rules.json")
	for name, text := range map[string]string{
		model: `{"jobs": [{"id": "1", "startsAfter": "-1m", "outcome": "failed"}]}`,
		rules: `[{"operation": "GetErrorEx", "fault": "NotFound"}, {"operation": "GetError", "fault": "NotFound"}]`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"--model", model, "--rules", rules}
	for _, tt := range []struct {
		name  string
		args  []string
		trust func(answer *simulation) []string
		keeps bool
	}{
		{
			name:  "CA in a file that goes",
			trust: func(s *simulation) []string { return []string{"--ca-file", s.CAFile} },
		},
		{
			name:  "pin",
			trust: func(s *simulation) []string { return []string{"--tls-pin", s.Pin} },
		},
		{
			name: "CA in a file that stays", args: []string{"--ca-out", filepath.Join(t.TempDir(), "ca.pem")}, keeps: true,
			trust: func(s *simulation) []string { return []string{"--ca-file", s.CAFile} },
		},
		{
			name: "basic over http", args: []string{"--http", "--allow-unencrypted"},
			trust: func(*simulation) []string { return []string{"--auth", "basic", "--allow-unencrypted"} },
		},
		{
			name: "NTLM over http", args: []string{"--http", "--auth", "ntlm"},
			trust: func(*simulation) []string { return []string{"--auth", "ntlm"} },
		},
		{
			name: "ticket in a file that goes", args: []string{"--http", "--auth", "kerberos"},
			trust: func(s *simulation) []string { return []string{"--ccache", s.CCacheFile} },
		},
		{
			name: "ticket in a file that stays", args: []string{"--http", "--ccache-out", filepath.Join(t.TempDir(), "krb5cc")}, keeps: true,
			trust: func(s *simulation) []string {
				return []string{"--ccache", "FILE:" + s.CCacheFile, "--auth", "kerberos"}
			},
		},
		{
			name:  "ticket over https",
			trust: func(s *simulation) []string { return []string{"--ccache", s.CCacheFile, "--ca-file", s.CAFile} },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.args = append(tt.args, files...)
			ctx, cancel := context.WithCancelCause(t.Context())
			r, w := io.Pipe()
			done := make(chan int)
			go func() {
				args := append([]string{"simulate", "-o", "jsonl"}, tt.args...)
				done <- run(ctx, args, strings.NewReader(""), w, io.Discard)
			}()
			var answer simulation
			if err := json.NewDecoder(r).Decode(&answer); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"get", "-u", "administrator", answer.URL}, tt.trust(&answer)...)
			got := invokeRun(t.Context(), strings.NewReader(""), args...)
			if got.code != exitOK || !strings.Contains(got.stdout, "The host forgot the job while it was asked") {
				t.Errorf("get = %+v", got)
			}
			cancel(errInterrupted)
			if code := <-done; code != exitInterrupted {
				t.Errorf("simulate: exit %d, want %d", code, exitInterrupted)
			}
			for _, file := range []string{answer.CAFile, answer.CCacheFile} {
				if _, err := os.Stat(file); file != "" && (err == nil) != (tt.keeps && slices.Contains(tt.args, file)) {
					t.Errorf("after simulate: %s: %v", file, err)
				}
			}
		})
	}
}

// A simulation is what simulate prints.
type simulation struct {
	URL        string
	Auth       []string
	CAFile     string
	Pin        string
	CCacheFile string
	Users      []string
}

func TestSimulateText(t *testing.T) {
	clearEnvironment(t)
	const byPassword = "  HVMIGERR_PASSWORD=administrator-pass hvmigerr get -u administrator"
	for _, tt := range []struct {
		args []string
		want []string
		lack string
	}{
		{nil, []string{
			"address    https://127.0.0.1:", "auth       ntlm, kerberos, basic, certificate\n", "CA file    ", "pin        sha256:",
			"ticket     ", ", of administrator@CORP.EXAMPLE\n", "user       administrator\n", "passwords  the name and -pass",
			"  KRB5CCNAME=FILE:", byPassword + " \\\n    --ca-file ", byPassword + " --auth basic \\\n    --ca-file ", "  curl --cacert ",
		}, "--allow-unencrypted"},
		{[]string{"--http"}, []string{
			"address    http://127.0.0.1:", "auth       ntlm, kerberos\n", "  KRB5CCNAME=FILE:", byPassword + " \\\n    http://",
		}, "basic"},
		{[]string{"--http", "--allow-unencrypted"}, []string{
			"auth       ntlm, kerberos, basic\n", byPassword + " --auth basic \\\n    --allow-unencrypted http://", "  curl --noproxy '*' -u ",
		}, "CA file"},
		{[]string{"--http", "--auth", "ntlm"}, []string{"auth       ntlm\n", byPassword + " \\\n    http://"}, "KRB5CCNAME"},
		{[]string{"--auth", "kerberos,basic"}, []string{"auth       kerberos, basic\n", "KRB5CCNAME", "--auth basic"}, byPassword + " \\\n"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errTerminated)
			got := invokeRun(ctx, strings.NewReader(""), append([]string{"simulate", "--listen", "127.0.0.1:0"}, tt.args...)...)
			if got.code != exitTerminated {
				t.Errorf("simulate: exit %d, want %d", got.code, exitTerminated)
			}
			for _, want := range tt.want {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("no %q in\n%s", want, got.stdout)
				}
			}
			if strings.Contains(got.stdout, tt.lack) {
				t.Errorf("%q in\n%s", tt.lack, got.stdout)
			}
		})
	}
}

// TestSimulateUnwritable: a file that cannot be written ends the run with what is wrong, and nothing of it stays.
func TestSimulateUnwritable(t *testing.T) {
	clearEnvironment(t)
	nowhere := filepath.Join(t.TempDir(), "nosuch", "file")
	for _, tt := range []struct{ name, args, temporary, want string }{
		{name: "ticket", args: "--ccache-out " + nowhere, want: "hvmigerr: --ccache-out: open " + nowhere},
		{name: "ticket over http", args: "--http --ccache-out " + nowhere, want: "hvmigerr: --ccache-out: open " + nowhere},
		{name: "authority", args: "--ca-out " + nowhere, want: "hvmigerr: --ca-out: open " + nowhere},
		{name: "nowhere for the ticket", args: "--http", temporary: nowhere, want: "hvmigerr: --ccache-out: "},
		{name: "nowhere for the authority", temporary: nowhere, want: "hvmigerr: --ca-out: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			temporary := dir
			if tt.temporary != "" {
				temporary = tt.temporary
			}
			t.Setenv("TMPDIR", temporary)
			t.Setenv("TMP", temporary) // of Windows
			got := invokeRun(t.Context(), strings.NewReader(""), append([]string{"simulate"}, strings.Fields(tt.args)...)...)
			if got.code != exitFailure || got.stdout != "" || !strings.HasPrefix(got.stderr, tt.want) {
				t.Errorf("simulate = %+v, want exit %d and %q", got, exitFailure, tt.want)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestSimulateQuoted: the commands to try can be pasted into a shell, whatever the directory of temporary files is called.
func TestSimulateQuoted(t *testing.T) {
	clearEnvironment(t)
	dir := filepath.Join(t.TempDir(), "it's a dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // of Windows
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	got := invokeRun(ctx, strings.NewReader(""), "simulate")
	_, tries, _ := strings.Cut(got.stdout, "\nTry:\n")
	quoted := strings.ReplaceAll(dir, "'", `'\''`)
	for _, want := range []string{"  KRB5CCNAME='FILE:" + quoted, " --ca-file '" + quoted, "hvmigerr events -u administrator \\\n", "curl --cacert '" + quoted} {
		if !strings.Contains(tries, want) {
			t.Errorf("no %q in\n%s", want, tries)
		}
	}
}

// TestSimulateOpen: listening beyond loopback is warned of, the address printed is one to connect to, and the certificate names
// this machine.
func TestSimulateOpen(t *testing.T) {
	clearEnvironment(t)
	for _, listen := range []string{":0", "0.0.0.0:0"} {
		t.Run(listen, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errInterrupted)
			got := invokeRun(ctx, strings.NewReader(""), "simulate", "--listen", listen)
			if got.code != exitInterrupted || !strings.Contains(got.stderr, "hvmigerr: warning: other machines") {
				t.Errorf("simulate = %+v", got)
			}
			if n := strings.Count(got.stdout, " https://127.0.0.1:"); n != 6 {
				t.Errorf("%d times https://127.0.0.1: in\n%s", n, got.stdout)
			}
		})
	}
	h := newHost(t, wsmantest.Config{})
	f := &simulateFlags{listen: "[::]:0"} // which not every machine has
	if got, want := f.url(h.Server), strings.Replace(h.URL(), "127.0.0.1", "[::1]", 1); got != want {
		t.Errorf("url = %s, want %s", got, want)
	}
}

func TestSimulateNames(t *testing.T) {
	t.Parallel()
	f := &simulateFlags{listen: ":0"}
	cfg, err := f.config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{}
	if name, err := os.Hostname(); err == nil {
		want = append(want, name)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addresses {
		ip, _, _ := strings.Cut(addr.String(), "/")
		want = append(want, ip)
	}
	if !slices.Equal(cfg.Names, want) {
		t.Errorf("names %q, want %q", cfg.Names, want)
	}
	if _, err := wsmantest.NewServer(*cfg); err != nil {
		t.Errorf("NewServer: %v", err)
	}
}

// TestPrintModel: what is printed is the built-in model as --model reads it, with times that count from the start.
func TestPrintModel(t *testing.T) {
	clearEnvironment(t)
	got := invokeRun(t.Context(), strings.NewReader(""), "simulate", "--print-model")
	m, err := wsmantest.DecodeModel(strings.NewReader(got.stdout))
	if err != nil {
		t.Fatalf("%v in\n%s", err, got.stdout)
	}
	want := builtInModel(time.Time{})
	if !m.Start.IsZero() || len(m.Jobs) != len(want.Jobs) || len(m.VMs) != len(want.VMs) {
		t.Fatalf("printed\n%s", got.stdout)
	}
	for i := range m.Jobs {
		a, b := &m.Jobs[i], &want.Jobs[i]
		a.Properties, b.Properties = nil, nil // of other Go types in JSON
		for k := range a.Errors {
			a.Errors[k].Properties, b.Errors[k].Properties = nil, nil
		}
	}
	if diff := cmp.Diff(want.Jobs, m.Jobs); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// TestModelWarnings: names in a model or in rules that nothing has.
func TestModelWarnings(t *testing.T) {
	clearEnvironment(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	model := write("model.json", `{
		"vms": [{"name": "web-01", "id": "5F1C"}],
		"jobs": [{"id": "1", "vm": "WEB-01"}, {"id": "2", "vm": "5f1c"}, {"id": "3"}, {"id": "4", "vm": "web-02"}],
		"rules": [{"operation": "enumerate", "user": "Reader"}, {"user": "nobody"}]
	}`)
	rules := write("rules.json", `[{"operation": "GetErrors"}, {"fault": "AccessDenied"}]`)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	if got := invokeRun(ctx, strings.NewReader(""), "simulate"); got.stderr != "hvmigerr: interrupted\n" {
		t.Errorf("the built-in model: %+v", got)
	}
	const slip = "hvmigerr: warning: --model: jobs[0]: vm \"x\" is none of the model's vms\nhvmigerr: interrupted\n"
	args := []string{"simulate", "--listen", "127.0.0.1:0", "--model", write("slip.json", `{"jobs": [{"id": "1", "vm": "x"}]}`)}
	reading, cancel := context.WithCancelCause(t.Context())
	stdout := writerFunc(func(p []byte) (int, error) { cancel(errInterrupted); return len(p), nil })
	var told strings.Builder
	if code := run(reading, args, strings.NewReader(""), stdout, &told); code != exitInterrupted || told.String() != slip {
		t.Errorf("simulate: exit %d, stderr %q, want %q", code, told.String(), slip)
	}
	m, err := readJSON(t.Context(), "--model", model, wsmantest.DecodeModel)
	if err != nil {
		t.Fatal(err)
	}
	r, err := readJSON(t.Context(), "--rules", rules, wsmantest.DecodeRules)
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	newApp(nil, io.Discard, &stderr).warnOfModel(&wsmantest.Config{Model: m, Rules: r})
	want := `hvmigerr: warning: --model: jobs[3]: vm "web-02" is none of the model's vms
hvmigerr: warning: --rules: [0]: operation "GetErrors" is none of Authenticate, Identify, Get, Enumerate, Pull, Release, GetError, GetErrorEx, FormatError, GetServerEventDetailEx, Create, Command, Receive, Send, Signal, Delete
hvmigerr: warning: --model: rules[1]: there is no user "nobody"
`
	if stderr.String() != want {
		t.Errorf("stderr\n%s, want\n%s", stderr.String(), want)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestSimulateTaken: an address that is taken is told in the words of the system alone.
func TestSimulateTaken(t *testing.T) {
	clearEnvironment(t)
	h := newHost(t, wsmantest.Config{})
	got := invokeRun(t.Context(), strings.NewReader(""), "simulate", "--listen", h.Addr().String())
	if got.code != exitFailure || !strings.HasPrefix(got.stderr, "hvmigerr: --listen: listen tcp 127.0.0.1:") {
		t.Errorf("simulate = %+v", got)
	}
}
