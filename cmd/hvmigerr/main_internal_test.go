// All tests of this package stand inside it: a main package cannot be imported.

package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// password is the one of the user administrator of the simulated host.
const password = "administrator-pass"

// noon is the fixed time of simulated hosts, so that ages and times in answers are always the same.
var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"hvmigerr": main,
		"givepassword": func() { // for --password-command
			_, _ = fmt.Fprintln(os.Stdout, strings.Join(os.Args[1:], " "))
		},
		"floodpassword": func() {
			_, _ = io.CopyN(os.Stdout, zeros{}, 16*maxPassword)
		},
		"failpassword": func() {
			_, _ = fmt.Fprintln(os.Stdout, password)
			_, _ = fmt.Fprintln(os.Stderr, password)
			os.Exit(7) //nolint:forbidigo // a child that fails
		},
	})
}

// TestScript runs the scripts of testdata/script. They use the program as a user does; exact exit codes are TestRun's.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve,
			"utf16": utf16Command,
			"lacks": lacks,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("HVMIGERR_PASSWORD", password)
			env.Setenv("HVMIGERR_USER", "administrator")
			// A loaded machine is no failure.
			env.Setenv("HVMIGERR_CONNECT_TIMEOUT", "1m")
			env.Setenv("HVMIGERR_TIMEOUT", "5m")
			// This machine's Kerberos is not the test's.
			conf := filepath.Join(env.WorkDir, ".krb5.conf")
			env.Setenv("KRB5_CONFIG", conf)
			env.Setenv("KRB5CCNAME", "FILE:"+filepath.Join(env.WorkDir, "nosuch-ccache"))
			return os.WriteFile(conf, []byte(quietConf), 0o600)
		},
	})
}

// serve starts a simulated host: serve [-live] [-http] [-clear] [-auth LIST] MODEL [RULES]. It sets $endpoint, $address, $pin, $ca, and
// $ccache, a ticket cache of the administrator. Its clock stands at noon unless -live is given, so its certificate is accepted only
// by its pin, and no ticket is valid.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("serve cannot fail")
	}
	cfg := wsmantest.Config{Clock: func() time.Time { return noon }}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-live":
			cfg.Clock = nil
		case "-http":
			cfg.HTTP = true
		case "-clear":
			cfg.AllowUnencrypted = true
		case "-auth":
			for name := range strings.SplitSeq(args[1], ",") {
				cfg.Auth = append(cfg.Auth, wsmantest.AuthMethod(name))
			}
			args = args[1:]
		}
		args = args[1:]
	}
	if len(args) == 0 {
		ts.Fatalf("usage: serve [-live] [-http] [-clear] [-auth LIST] MODEL [RULES]")
	}
	var err error
	cfg.Model, err = wsmantest.DecodeModel(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	if len(args) > 1 {
		cfg.Rules, err = wsmantest.DecodeRules(strings.NewReader(ts.ReadFile(args[1])))
		ts.Check(err)
	}
	server, err := wsmantest.NewServer(cfg)
	ts.Check(err)
	ts.Check(server.Start())
	ts.Defer(func() { ts.Check(server.Close()) })
	write := func(name string, data []byte, variable string) {
		name = ts.MkAbs(name)
		ts.Check(os.WriteFile(name, data, 0o600))
		ts.Setenv(variable, name)
	}
	write("served-ca.pem", server.CACertPEM(), "ca")
	if ccache, err := server.CCache(administrator); err == nil {
		write("served-ccache", ccache, "ccache")
	}
	ts.Setenv("endpoint", server.URL())
	ts.Setenv("address", server.Addr().String())
	ts.Setenv("pin", server.Pin())
}

// lacks fails when any file below a directory, or stdout or stderr, holds one of the words: lacks PLACE WORD...
func lacks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: lacks PLACE WORD...")
	}
	texts := map[string]string{}
	switch args[0] {
	case "stdout", "stderr":
		texts[args[0]] = ts.ReadFile(args[0])
	default:
		root := ts.MkAbs(args[0])
		ts.Check(filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				texts[path] = ts.ReadFile(path)
			}
			return err
		}))
		if len(texts) == 0 {
			ts.Fatalf("no file in %s", root)
		}
	}
	for name, text := range texts {
		for _, word := range args[1:] {
			if strings.Contains(text, word) {
				ts.Fatalf("%s holds %q", name, word)
			}
		}
	}
}

// quietConf is a krb5.conf that names no KDC, and keeps us from asking DNS for one.
const quietConf = "[libdefaults]\ndns_lookup_kdc = false\n"

// A host is a simulated host over HTTPS that tests of run talk to.
type host struct {
	*wsmantest.Server
	ca string // the file for --ca-file
}

func newHost(t *testing.T, cfg wsmantest.Config) *host {
	t.Helper()
	server, err := wsmantest.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &host{Server: server, ca: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(h.ca, server.CACertPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// A result is what one run left.
type result struct {
	code           int
	stdout, stderr string
}

// invokeRun runs the program within this process.
func invokeRun(ctx context.Context, stdin io.Reader, args ...string) result {
	var stdout, stderr strings.Builder
	code := run(ctx, args, stdin, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// clearEnvironment keeps the variables and the tickets of whoever runs the tests out of them.
func clearEnvironment(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "krb5.conf")
	if err := os.WriteFile(conf, []byte(quietConf), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KRB5_CONFIG", conf)
	t.Setenv("KRB5CCNAME", "FILE:"+filepath.Join(dir, "ccache"))
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, envPrefix) || strings.Contains(strings.ToLower(name), "proxy") {
			t.Setenv(name, "")
		}
	}
	t.Setenv(variable("connect-timeout"), "1m") // a busy machine
	t.Setenv(variable("timeout"), "2m")
}

// TestCanary looks for the password in everything that the program writes, in whatever way it ends.
func TestCanary(t *testing.T) {
	clearEnvironment(t)
	const canary = "c4nary-Zug%spitze\"7"
	h := newHost(t, wsmantest.Config{Users: []wsmantest.User{{Name: "bird", Password: canary}}})
	passwordFile := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(passwordFile, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	trusted := []string{"--ca-file", h.ca}
	sealing := newHost(t, wsmantest.Config{HTTP: true, Users: []wsmantest.User{{Name: "bird", Password: canary}}})
	cache := filepath.Join(t.TempDir(), "ccache")
	ticket, err := sealing.CCache("bird")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cache, ticket, 0o600); err != nil {
		t.Fatal(err)
	}
	byPassword := []string{"--password-file", passwordFile}
	for _, tt := range []struct {
		name string
		args []string
		want int
	}{
		{"accepted", append([]string{"--auth", "basic", "-u", "bird", h.URL()}, trusted...), exitOK},
		{"refused", append([]string{"--auth", "basic", "-u", "stranger", h.URL()}, trusted...), exitAuthentication},
		{"json", append([]string{"--auth", "basic", "-u", "stranger", "-o", "json", h.URL()}, trusted...), exitAuthentication},
		{"bad certificate", []string{"-u", "bird", h.URL()}, exitUnreachable},
		{"unreachable", []string{"-u", "bird", "https://127.0.0.1:1/wsman"}, exitUnreachable},
		{"usage", []string{"-u", "bird", "--proxy", "://", h.URL()}, exitUsage},
		{"NTLM", []string{"-u", "bird", sealing.URL()}, exitOK},
		{"NTLM over https", append([]string{"-u", "bird", h.URL()}, trusted...), exitOK},
		{"NTLM refused", []string{"-u", "stranger", "-o", "json", sealing.URL()}, exitAuthentication},
		{"SPNEGO", []string{"--auth", "negotiate", "-u", "bird", sealing.URL()}, exitOK},
		{"KDC unreachable", []string{"-u", "bird@corp.example", "--kdc", "127.0.0.1:1", sealing.URL()}, exitAuthentication},
		{"Kerberos", []string{"--ccache", cache, sealing.URL()}, exitOK},
		{"Kerberos, not the user's", []string{"-u", "stranger", "--ccache", cache, sealing.URL()}, exitAuthentication},
		{"keytab", []string{"--keytab", cache, sealing.URL()}, exitAuthentication},
	} {
		for _, command := range []string{"get", "identify", "jobs", "events"} {
			t.Run(command+"/"+tt.name, func(t *testing.T) {
				trace := filepath.Join(t.TempDir(), "trace")
				args := append([]string{command, "-v", "--trace", trace}, tt.args...)
				if !slices.Contains(args, "--ccache") && !slices.Contains(args, "--keytab") {
					args = append(args, byPassword...)
				}
				got := invokeRun(t.Context(), strings.NewReader(""), args...)
				if got.code != tt.want {
					t.Errorf("exit %d, want %d\n%s", got.code, tt.want, got.stderr)
				}
				everything := got.stdout + got.stderr + readAll(t, trace)
				for _, secret := range secretForms(canary, ticket) {
					if strings.Contains(everything, secret) {
						t.Errorf("%q in the output:\n%s", secret, everything)
					}
				}
			})
		}
	}
}

// secretForms returns what must not be in any output: the password, what Basic makes of it, its hash for NTLM, and each stretch of the ticket
// cache, in which there are keys and tickets.
func secretForms(canary string, cache []byte) []string {
	const hash = "e956de1be8d5481d86e5a735b4fd4bd5" // MD4 of the password in UTF-16LE
	raw, _ := hex.DecodeString(hash)
	forms := []string{
		canary, base64.StdEncoding.EncodeToString([]byte(canary)), inUTF16(canary, binary.LittleEndian),
		hash, strings.ToUpper(hash), string(raw), base64.StdEncoding.EncodeToString(raw),
		"TlRMTVNTUA", // how a token of NTLM begins
	}
	for _, user := range []string{"bird", "stranger"} {
		forms = append(forms, base64.StdEncoding.EncodeToString([]byte(user+":"+canary)))
	}
	for window := range slices.Chunk(cache, 16) {
		if !utf8.Valid(window) { // else it is of a name
			forms = append(forms, string(window), hex.EncodeToString(window))
		}
	}
	return forms
}

// readAll returns the texts of all files below dir, which need not exist.
func readAll(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		b.Write(text)
		return err
	})
	return b.String()
}

// TestDeps holds the import graph to that of DESIGN.md, Layout.
func TestDeps(t *testing.T) {
	t.Parallel()
	const mod = "github.com/hvmigerr/hvmigerr/"
	forbidden := map[string][]string{
		"cimerror":              {mod, "github.com/masterzen/", "net/http"},
		"wsman":                 {mod + "invoke", mod + "cimerror", mod + "wsman/", "github.com/masterzen/", "github.com/jcmturner/", "testing"},
		"wsman/wsmantest":       {mod + "invoke", mod + "cimerror", mod + "wsman/transport", "github.com/masterzen/", "testing"},
		"wsman/transport":       {mod + "invoke", mod + "cimerror", "github.com/masterzen/", "testing"},
		"wsman/transport/winrm": {mod + "invoke", mod + "cimerror", mod + "wsman/wsmantest"},
		"invoke":                {mod + "invoke/", mod + "wsman/transport", mod + "wsman/wsmantest", "github.com/masterzen/", "testing"},
		"invoke/explain":        {mod + "wsman/transport", mod + "wsman/wsmantest", "github.com/masterzen/", "github.com/jcmturner/", "golang.org/x/sys", "golang.org/x/net", "testing"},
		"invoke/fleet":          {mod, "github.com/", "net/http", "testing"},
		"invoke/watch":          {mod + "invoke/explain", mod + "wsman/transport", mod + "wsman/wsmantest", "github.com/masterzen/", "github.com/jcmturner/", "testing"},
		"invoke/events":         {mod + "wsman/transport", mod + "wsman/wsmantest", "github.com/masterzen/", "github.com/jcmturner/", "testing"},
		"cmd/hvmigerr":          {"testing"},
	}
	for pkg, banned := range forbidden {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", mod+pkg).CombinedOutput()
			if err != nil {
				t.Fatalf("go list: %v\n%s", err, out)
			}
			for dep := range strings.FieldsSeq(string(out)) {
				for _, b := range banned {
					if dep != mod+pkg && strings.HasPrefix(dep, b) {
						t.Errorf("%s imports %s, banned by %q", pkg, dep, b)
					}
				}
			}
		})
	}
}

// TestBridge holds masterzen/winrm behind the package that is made for it (facts/auth.md §7 says why).
func TestBridge(t *testing.T) {
	t.Parallel()
	const only = "github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-tags", "integration",
		"-f", `{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}`,
		"github.com/hvmigerr/hvmigerr/...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	found := false
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		bridged := strings.Contains(imports, "github.com/masterzen/")
		found = found || bridged && pkg == only
		if bridged && pkg != only && !strings.HasSuffix(pkg, "/integrationtest") {
			t.Errorf("%s imports masterzen/winrm", pkg)
		}
	}
	if !found {
		t.Errorf("%s does not import masterzen/winrm", only)
	}
}

// TestNoIO holds the protocols of authentication to what their packages say: bytes in, bytes out.
func TestNoIO(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`,
		"github.com/hvmigerr/hvmigerr/wsman/internal/...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasSuffix(pkg, "/kdctest") {
			continue // for tests alone
		}
		seen++
		for imported := range strings.FieldsSeq(imports) {
			if slices.Contains([]string{"os", "net", "net/http", "context", "testing"}, imported) || strings.Contains(imported, "hvmigerr/wsman/transport") {
				t.Errorf("%s imports %s", pkg, imported)
			}
		}
	}
	if seen != 4 {
		t.Errorf("%d packages, want ntlmssp, spnego, krb5 and sealed", seen)
	}
}

// TestCertificateUser authenticates by a client certificate, which the host maps to a user.
func TestCertificateUser(t *testing.T) {
	clearEnvironment(t)
	certificate, key, pool := clientCertificate(t)
	h := newHost(t, wsmantest.Config{
		Users:     []wsmantest.User{{Name: "machine", CertificateSubject: "fabric-reader"}},
		ClientCAs: pool,
	})
	got := invokeRun(t.Context(), strings.NewReader(""),
		"identify", "-v", "--client-cert", certificate, "--client-key", key, "--ca-file", h.ca, h.URL())
	if got.code != exitOK || !strings.Contains(got.stdout, "accepted") {
		t.Errorf("identify = %+v", got)
	}
	if records := h.Requests(); len(records) != 1 || records[0].User != "machine" {
		t.Errorf("the host saw %+v", records)
	}
	if !strings.Contains(got.stderr, "authentication certificate (a client certificate is given)") {
		t.Errorf("-v says %s", got.stderr)
	}
}
