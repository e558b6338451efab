// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestRun holds the exit codes and the first words of stderr for what can go wrong between here and a host.
func TestRun(t *testing.T) {
	clearEnvironment(t)
	page := "<html><body>It works</body></html>"
	entity := `<!DOCTYPE x [<!ENTITY e "e">]><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>`
	cut, one := 40, "<"
	empty := ""
	const job = "4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B" // of the default model
	for _, tt := range []struct {
		name   string
		rules  []wsmantest.Rule
		model  func(*wsmantest.Model)
		args   []string // the endpoint and the CA file follow
		want   int
		stderr string
	}{
		{name: "get", args: []string{"get"}, want: exitOK},
		{name: "jobs", args: []string{"jobs"}, want: exitOK},
		{name: "identify", args: []string{"identify"}, want: exitOK},
		{name: "get one", args: []string{"get", "--job", job}, want: exitOK},
		{name: "get one of another case", args: []string{"get", "--job", "{" + strings.ToLower(job) + "}"}, want: exitOK},
		{name: "exit status", args: []string{"get", "--exit-status"}, want: exitMigration},
		{name: "exit status of what did not fail", args: []string{"get", "--exit-status", "--vm", "mail-01"}, want: exitOK},
		{name: "unknown job", args: []string{"get", "--job", "00000000-0000-0000-0000-000000000000"}, want: exitNoSuchJob, stderr: "no such job"},
		{name: "unknown machine", args: []string{"get", "--vm", "nobody"}, want: exitNoSuchJob, stderr: "nobody"},
		{name: "no Hyper-V", model: func(m *wsmantest.Model) { m.NoHyperV = true }, args: []string{"get"}, want: exitFault, stderr: "no Hyper-V here"},
		{name: "no Hyper-V, one job", model: func(m *wsmantest.Model) { m.NoHyperV = true }, args: []string{"get", "--job", job}, want: exitFault, stderr: "no Hyper-V here"},
		{name: "return value", model: returning(32775), args: []string{"get", "--job", job, "--method", "GetError"}, want: exitFault, stderr: "32775 (Invalid state"},
		{name: "return value denied", model: returning(32769), args: []string{"get", "--job", job}, want: exitDenied, stderr: "32769 (Access Denied)"},
		{name: "return value and exit status", model: returning(2), args: []string{"get", "--exit-status", "--job", job}, want: exitFault},
		{name: "all undecodable", model: spoiled, args: []string{"get", "--job", job}, want: exitUndecodable, stderr: "CIM-XML"},
		{name: "access denied", rules: rule("Enumerate", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied}), args: []string{"get"}, want: exitDenied, stderr: "AccessDenied"},
		{name: "invoke denied", rules: rule("GetErrorEx", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied}), args: []string{"get"}, want: exitDenied, stderr: "GetErrorEx"},
		{name: "quota", rules: rule("Enumerate", wsmantest.Rule{Fault: wsmantest.FaultQuotaLimit}), args: []string{"get", "--timeout", "2s"}, want: exitQuota, stderr: "QuotaLimit"},
		{name: "internal error", rules: rule("Enumerate", wsmantest.Rule{Fault: wsmantest.FaultInternalError}), args: []string{"get"}, want: exitFault, stderr: "InternalError"},
		{name: "403", rules: rule("", wsmantest.Rule{Status: 403, Body: &page, ContentType: "text/html"}), args: []string{"get"}, want: exitDenied, stderr: "403"},
		{name: "404", rules: rule("", wsmantest.Rule{Status: 404, Body: &page, ContentType: "text/html"}), args: []string{"get"}, want: exitUndecodable, stderr: "404"},
		{name: "413", rules: rule("", wsmantest.Rule{Status: 413, Body: &empty, ContentType: "text/plain"}), args: []string{"get"}, want: exitQuota, stderr: "413"},
		{name: "503", rules: rule("", wsmantest.Rule{Status: 503, Body: &page, ContentType: "text/html"}), args: []string{"get"}, want: exitUnreachable, stderr: "503"},
		{name: "redirect", rules: rule("", wsmantest.Rule{Status: 302, Body: &empty, ContentType: "text/html", Header: map[string]string{"Location": "https://elsewhere.invalid/"}}), args: []string{"get"}, want: exitUndecodable, stderr: "redirects are not followed"},
		{name: "HTML", rules: rule("", wsmantest.Rule{Body: &page, ContentType: "text/html"}), args: []string{"get"}, want: exitUndecodable, stderr: "text/html"},
		{name: "HTML that claims SOAP", rules: rule("", wsmantest.Rule{Body: &page}), args: []string{"get"}, want: exitUndecodable},
		{name: "one byte", rules: rule("", wsmantest.Rule{Body: &one}), args: []string{"get"}, want: exitUndecodable},
		{name: "empty", rules: rule("", wsmantest.Rule{Body: &empty}), args: []string{"get"}, want: exitUndecodable},
		{name: "DTD", rules: rule("", wsmantest.Rule{Body: &entity}), args: []string{"get"}, want: exitUndecodable},
		{name: "garbage", rules: rule("", wsmantest.Rule{Garbage: 5000}), args: []string{"get"}, want: exitUndecodable},
		{name: "oversized", rules: rule("", wsmantest.Rule{Size: 300 << 20}), args: []string{"get"}, want: exitUndecodable, stderr: "longer than"},
		{name: "oversized and chunked", rules: rule("", wsmantest.Rule{Size: 300 << 20, Chunked: true}), args: []string{"get"}, want: exitUndecodable, stderr: "longer than"},
		{name: "another message's answer", rules: rule("", wsmantest.Rule{RelatesTo: "uuid:0"}), args: []string{"get"}, want: exitUndecodable, stderr: "RelatesTo"},
		{name: "cut", rules: rule("", wsmantest.Rule{Cut: &cut}), args: []string{"get"}, want: exitUnreachable, stderr: "connection lost"},
		{name: "cut once", rules: rule("Enumerate", wsmantest.Rule{Cut: &cut, Count: 1}), args: []string{"get"}, want: exitOK},
		{name: "dropped", rules: rule("", wsmantest.Rule{Drop: true}), args: []string{"get"}, want: exitUnreachable, stderr: "connection lost"},
		{name: "reset", rules: rule("", wsmantest.Rule{Reset: true}), args: []string{"get"}, want: exitUnreachable, stderr: "connection lost"},
		{name: "too slow", rules: rule("", wsmantest.Rule{Delay: wsmantest.Duration(time.Hour)}), args: []string{"get", "--timeout", "50ms"}, want: exitDeadline, stderr: "--timeout 50ms"},
		{name: "too slow later", rules: rule("GetError", wsmantest.Rule{Delay: wsmantest.Duration(time.Hour)}), args: []string{"get", "--timeout", "500ms"}, want: exitDeadline, stderr: "--timeout 500ms"},
		{name: "wrong name", args: []string{"get", "--tls-server-name", "hv99"}, want: exitUnreachable, stderr: `not for "hv99"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(passwordVariable, password)
			model := wsmantest.DefaultModel(time.Now())
			if tt.model != nil {
				tt.model(model)
			}
			h := newHost(t, wsmantest.Config{Model: model, Rules: tt.rules})
			args := append(tt.args, "-u", "administrator", "--ca-file", h.ca, h.URL())
			got := invokeRun(t.Context(), strings.NewReader(""), args...)
			if got.code != tt.want {
				t.Errorf("exit %d, want %d\n%s%s", got.code, tt.want, got.stdout, got.stderr)
			}
			if !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("stderr %q, want something with %q", got.stderr, tt.stderr)
			}
			checkStderr(t, got.stderr)
			checkJSON(t, h, tt.args, tt.want)
		})
	}
}

// checkStderr: at most one line of error and one of hint, each ours.
func checkStderr(t *testing.T, stderr string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	if len(lines) > 2 {
		t.Errorf("stderr has %d lines:\n%s", len(lines), stderr)
	}
	for i, line := range lines {
		if line != "" && !strings.HasPrefix(line, "hvmigerr: ") || i == 1 && !strings.HasPrefix(line, "hvmigerr: hint: ") {
			t.Errorf("stderr has the line %q", line)
		}
	}
}

// checkJSON runs the same with -o json: the exit code and an error object stand in the answer too.
func checkJSON(t *testing.T, h *host, args []string, want int) {
	t.Helper()
	if len(h.Requests()) > 0 && want == exitOK {
		return // what the rules did once they may not do again
	}
	args = append(slices.Clip(args), "-u", "administrator", "--ca-file", h.ca, "-o", "json", h.URL())
	got := invokeRun(t.Context(), strings.NewReader(""), args...)
	var answer struct {
		Schema string
		Hosts  []struct {
			Exit  int
			Error *struct {
				Kind    string
				Exit    int
				Message string
			}
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil {
		t.Fatalf("-o json: %v\n%s", err, got.stdout)
	}
	if got.code != want || answer.Schema != schema || len(answer.Hosts) != 1 || answer.Hosts[0].Exit != want {
		t.Errorf("-o json: exit %d, %+v; want exit %d", got.code, answer, want)
	}
	if e := answer.Hosts[0].Error; want != exitMigration && (e == nil || e.Exit != want || e.Message == "" || e.Kind == "") {
		t.Errorf("-o json: error %+v, want exit %d in it", e, want)
	}
}

// rule makes a list of one rule for an operation.
func rule(operation string, r wsmantest.Rule) []wsmantest.Rule {
	r.Operation = operation
	return []wsmantest.Rule{r}
}

// returning makes both methods of every job return v.
func returning(v uint32) func(*wsmantest.Model) {
	return func(m *wsmantest.Model) {
		for i := range m.Jobs {
			m.Jobs[i].GetError = &wsmantest.Answer{ReturnValue: v, Form: wsmantest.FormNull}
			m.Jobs[i].GetErrorEx = m.Jobs[i].GetError
		}
	}
}

// spoiled makes every error instance one that cannot be read.
func spoiled(m *wsmantest.Model) {
	for i := range m.Jobs {
		m.Jobs[i].Errors = []wsmantest.Error{{Raw: "<INSTANCE"}}
	}
}

// TestRunUsage holds what is wrong with a command line: exit 2, one line with the flag's name, nothing sent, no password asked for.
func TestRunUsage(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct {
		args   string
		stderr string
	}{
		{"gte hv01", `unknown command "gte", did you mean get; see hvmigerr -h`},
		{"xyzzy", `unknown command "xyzzy"; see hvmigerr -h`},
		{"get", "HOST is missing; see hvmigerr get -h"},
		{"get a b", `only one HOST is possible, and "b" is one too many`},
		{"jobs", "HOST is missing; see hvmigerr jobs -h"},
		{"identify a b", "only one HOST"},
		{"decode a b", "only one FILE"},
		{"completion nosh", `unknown command "nosh"`},
		{"help nosh", `unknown command "nosh"`},
		{"demo x", `unexpected argument "x"`},
		{"version x", `unexpected argument "x"`},
		{"get --nope hv01", "unknown flag: --nope"},
		{"get --password hunter2 hv01", "unknown flag: --password"},
		{"get hv01 -u", "flag needs an argument: 'u' in -u"},
		{"get hv01", "--user is missing"},
		{"get hv01 -u a:b", "--user holds a colon or a control"},
		{"get hv01 -u x", "no password"},
		{"get hv01 -u x --http", "--auth basic over http"},
		{"get hv01:5985 -u x", "--auth basic over http"},
		{"get http://hv01 -u x", "--auth basic over http"},
		{"get hv01 -u x --auth ntlm", `--auth "ntlm"`},
		{"get hv01 -u x --auth none", `--auth "none"`},
		{"get hv01 --auth certificate", "needs --client-cert"},
		{"get hv01 --client-key k", "--client-key needs --client-cert"},
		{"get hv01 --client-cert c -u x", "--user does not go with"},
		{"get hv01 --client-cert c --password-file p", "--password-file does not go with"},
		{"get hv01 --client-cert c --auth basic", "--client-cert does not go with --auth basic"},
		{"get hv01 --client-cert nosuch.pem", "--client-cert: open nosuch.pem"},
		{"get hv01 --client-cert c --http", "--client-cert needs https"},
		{"get hv01 -u x --http --https", "--http and --https exclude each other"},
		{"get http://hv01 -u x --https", "--https contradicts"},
		{"get https://hv01 -u x --http", "--http contradicts"},
		{"get hv01:5986 -u x --port 5985", "--port 5985 contradicts"},
		{"get hv01 -u x --port 0", "--port must not be 0"},
		{"get hv01 -u x --port 99999", `--port: invalid value "99999"`},
		{"get hv01 -u x --http --tls-pin sha256:00", "--tls-pin needs https"},
		{"get hv01 -u x --tls-pin sha256:00", "--tls-pin: pin"},
		{"get hv01 -u x --ca-file nosuch.pem", "--ca-file: open nosuch.pem"},
		{"get hv01 -u x --ca-file main.go", "--ca-file: main.go holds no certificate"},
		{"get hv01 -u x --ca-file a --tls-pin b", "--ca-file and --tls-pin exclude each other"},
		{"get hv01 -u x --insecure --tls-pin b", "--insecure and --tls-pin exclude each other"},
		{"get hv01 -u x --insecure --ca-file b", "--insecure and --ca-file exclude each other"},
		{"get hv01 -u x --password-file a --password-command b", "--password-file and --password-command exclude each other"},
		{"get hv01 -u x --password-file nosuch", "--password-file: open nosuch"},
		{"get hv01 -u x --password-command '", "--password-command: "},
		{"get hv01 -u x --proxy ftp://user:hunter2@x", "--proxy: "},
		{"get hv01 -u x --timeout 0s", "--timeout must be longer than 0"},
		{"get hv01 -u x --timeout 5", `--timeout: invalid value "5", want one such as 5s; see`},
		{"get hv01 -u x --locale de_DE", `--locale "de_DE" is no language tag`},
		{"get hv01 -u x --connect-timeout -1s", "--connect-timeout must be longer than 0"},
		{"get hv01 -u x --uri-style omi", `--uri-style "omi"`},
		{"get hv01 -u x -o yaml", `--output "yaml"`},
		{"decode -o yaml", `--output "yaml"`},
		{"version -o yaml", `--output "yaml"`},
		{"get hv01 -u x --job j --vm v", "--job and --vm exclude each other"},
		{"get hv01 -u x --job j --latest", "--job and --latest exclude each other"},
		{"get hv01 -u x --job j --all", "--job and --all exclude each other"},
		{"get hv01 -u x --job=", "--job is empty"},
		{"get hv01 -u x --vm=", "--vm is empty"},
		{"get hv01 -u x --method GetErrors", `--method "GetErrors"`},
		{"get @hosts -u x", "lists of hosts"},
		{"decode nosuch.xml", "FILE: open nosuch.xml"},
		{"simulate --model nosuch.json", "--model: open nosuch.json"},
		{"simulate --rules nosuch.json", "--rules: open nosuch.json"},
		{"simulate --listen nowhere", "--listen: "},
		{"simulate --listen 127.0.0.1:99999", `hvmigerr: --listen: port "99999" is not 0 to 65535`},
		{"simulate --print-model --model m", "--print-model prints the built-in model"},
		{"simulate --http --ca-out x", "--ca-out does not go with --http"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			got := invokeRun(t.Context(), strings.NewReader(""), strings.Fields(tt.args)...)
			if got.code != exitUsage || got.stdout != "" {
				t.Errorf("run = %+v, want exit %d and an empty stdout", got, exitUsage)
			}
			if !strings.HasPrefix(got.stderr, "hvmigerr: "+tt.stderr) && !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("stderr %q, want %q in it", got.stderr, tt.stderr)
			}
			if n := strings.Count(got.stderr, "\n"); n != 1 || !strings.Contains(got.stderr, " -h\n") {
				t.Errorf("stderr %q, want one line that ends with a pointer to -h", got.stderr)
			}
			if strings.Contains(got.stderr, "hunter2") {
				t.Errorf("stderr %q repeats a password", got.stderr)
			}
		})
	}
}

// TestEnvironment: each variable is the default of its flag, gives way to what is typed, and is checked like it.
func TestEnvironment(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct {
		env    string
		args   string
		stderr string
	}{
		{"TIMEOUT=soon", "get hv01 -u x", `HVMIGERR_TIMEOUT: invalid value "soon" for --timeout, want one such as 5s`},
		{"TIMEOUT=0s", "get hv01 -u x", "hvmigerr: HVMIGERR_TIMEOUT must be longer"},
		{"CONNECT_TIMEOUT=0s", "get hv01 -u x", "hvmigerr: HVMIGERR_CONNECT_TIMEOUT must be longer"},
		{"OUTPUT=yaml", "get hv01 -u x", `HVMIGERR_OUTPUT: invalid value "yaml" for --output`},
		{"OUTPUT=yaml", "version", `HVMIGERR_OUTPUT: invalid value "yaml" for --output`},
		{"AUTH=ntlm", "get hv01 -u x", `hvmigerr: HVMIGERR_AUTH "ntlm"`},
		{"LOCALE=C.UTF-8", "get hv01 -u x", `hvmigerr: HVMIGERR_LOCALE "C.UTF-8" is no language tag`},
		{"PORT=0", "get hv01 -u x", "hvmigerr: HVMIGERR_PORT must not be 0"},
		{"TLS_PIN=sha256:00", "get hv01 -u x", "HVMIGERR_TLS_PIN: pin"},
		{"TLS_PIN=sha256:00", "get hv01 -u x --ca-file nosuch.pem", "--ca-file: open nosuch.pem"}, // the typed one wins
		{"CA_FILE=nosuch.pem", "get hv01 -u x", "HVMIGERR_CA_FILE: open nosuch.pem"},
		{"HTTPS=false", "get hv01 -u x", "--auth basic over http"},
		{"HTTPS=false", "get hv01 -u x --https --ca-file nosuch.pem", "--ca-file: open nosuch.pem"},
		{"PORT=5985", "get hv01 -u x", "no password"}, // it does not choose http
		{"PORT=0x", "get hv01 -u x", `HVMIGERR_PORT: invalid value "0x" for --port`},
		{"PASSWORD_FILE=nosuch", "get hv01 -u x", "hvmigerr: HVMIGERR_PASSWORD_FILE: open nosuch"},
		{"PASSWORD_COMMAND='", "get hv01 -u x", "hvmigerr: HVMIGERR_PASSWORD_COMMAND: "},
		{"PASSWORD_FILE=nosuch", "get hv01 -u x --password-command '", "--password-command: "},
		{"URI_STYLE=omi", "get hv01 -u x", `hvmigerr: HVMIGERR_URI_STYLE "omi"`},
		{"PROXY=ftp://x", "get hv01 -u x", "HVMIGERR_PROXY: "},
		// These have no variable.
		{"ALLOW_UNENCRYPTED=true", "get http://hv01 -u x", "--auth basic over http"},
		{"HTTP=true", "get hv01 -u x", "no password"},
		{"INSECURE=true", "get hv01 -u x --tls-pin sha256:00", "--tls-pin: pin"},
	} {
		t.Run(tt.env+" "+tt.args, func(t *testing.T) {
			name, value, _ := strings.Cut(tt.env, "=")
			t.Setenv(envPrefix+name, value)
			got := invokeRun(t.Context(), strings.NewReader(""), strings.Fields(tt.args)...)
			if got.code != exitUsage || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("run = %+v, want exit %d and %q", got, exitUsage, tt.stderr)
			}
		})
	}
}

// TestInterrupt: a signal ends a run that waits for its host, at once and with its own exit code.
func TestInterrupt(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	for _, tt := range []struct {
		cause error
		want  int
	}{{errInterrupted, exitInterrupted}, {errTerminated, exitTerminated}} {
		for _, format := range []string{"text", "json"} {
			t.Run(tt.cause.Error()+" "+format, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				arrived := make(chan struct{}, 1)
				listener := hangingListener(t, arrived)
				go func() {
					<-arrived
					cancel(tt.cause)
				}()
				got := invokeRun(ctx, strings.NewReader(""), "get", "-u", "administrator", "--timeout", "1h",
					"--connect-timeout", "1h", "-o", format, "--insecure", "https://"+listener)
				if got.code != tt.want || !strings.Contains(got.stderr, tt.cause.Error()) {
					t.Errorf("run = %+v, want exit %d", got, tt.want)
				}
				if json := `"exit": `; format == "json" && !strings.Contains(got.stdout, json) {
					t.Errorf("-o json printed %q", got.stdout)
				}
			})
		}
	}
}

// hangingListener accepts connections and never says a word. It tells of the first byte that arrives.
func hangingListener(t *testing.T, arrived chan<- struct{}) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
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
			defer func() { _ = c.Close() }()
			if _, err := c.Read(make([]byte, 1)); err == nil {
				arrived <- struct{}{}
			}
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// TestNotTLS: a port that answers http is told from one that does not answer.
func TestNotTLS(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{HTTP: true})
	got := invokeRun(t.Context(), strings.NewReader(""), "get", "-u", "administrator", "https://"+h.Addr().String())
	if got.code != exitUnreachable || !strings.Contains(got.stderr, "hint: ") {
		t.Errorf("run = %+v, want exit %d", got, exitUnreachable)
	}
}

// TestRequests counts: one connection, and the requests that the answer needs.
func TestRequests(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"get", "--job", "4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B"}, "Get GetErrorEx GetError"},
		{[]string{"get", "--latest"}, "Enumerate GetErrorEx GetError"},
		{[]string{"identify"}, "Identify"},
	} {
		h := newHost(t, wsmantest.Config{})
		got := invokeRun(t.Context(), strings.NewReader(""), append(tt.args, "-u", "administrator", "--ca-file", h.ca, h.URL())...)
		var operations []string
		for _, r := range h.Requests() {
			operations = append(operations, r.Operation)
		}
		if strings.Join(operations, " ") != tt.want || h.Connections() != 1 || got.code != exitOK {
			t.Errorf("%v: %v over %d connections, want %s over 1\n%s", tt.args, operations, h.Connections(), tt.want, got.stderr)
		}
	}
}

// TestRefusedOnce: a password that was refused is not sent again, however many jobs are asked about.
func TestRefusedOnce(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	refuse := ""
	h := newHost(t, wsmantest.Config{Rules: rule("GetErrorEx", wsmantest.Rule{Status: http.StatusUnauthorized, Body: &refuse})})
	got := invokeRun(t.Context(), strings.NewReader(""), "get", "-u", "administrator", "--ca-file", h.ca, h.URL())
	if got.code != exitAuthentication {
		t.Errorf("run = %+v, want exit %d", got, exitAuthentication)
	}
	if n := len(h.Requests()); n != 2 {
		t.Errorf("%d requests, want Enumerate and one GetErrorEx: %+v", n, h.Requests())
	}
}

// A failingWriter fails each write.
type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestStdoutFails(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{})
	get := []string{"get", "--exit-status", "--ca-file", h.ca, h.URL(), "-u"}
	const failed = "hvmigerr: writing the answer: disk full\n"
	full := errors.New("disk full")
	for _, tt := range []struct {
		err    error
		args   []string
		want   int
		stderr string // its end
	}{
		{syscall.EPIPE, []string{"version"}, exitOK, ""},
		{io.ErrClosedPipe, []string{"version"}, exitOK, ""},
		{full, []string{"version"}, exitFailure, failed},
		{syscall.EPIPE, append(get, "administrator"), exitMigration, ""},
		{full, append(get, "administrator"), exitFailure, failed},
		{full, append(get, "stranger", "-o", "json"), exitAuthentication, failed}, // its own error comes first
	} {
		var stderr strings.Builder
		got := run(t.Context(), tt.args, strings.NewReader(""), failingWriter{tt.err}, &stderr)
		if got != tt.want || !strings.HasSuffix(stderr.String(), tt.stderr) || (tt.stderr == "") != (stderr.Len() == 0) {
			t.Errorf("%v, %q: exit %d, stderr %q; want %d, %q", tt.err, tt.args, got, stderr.String(), tt.want, tt.stderr)
		}
	}
}

// TestSignals: the first signal ends the context with its cause.
func TestSignals(t *testing.T) {
	t.Parallel()
	if got := signalCause(syscall.SIGTERM); !errors.Is(got, errTerminated) {
		t.Errorf("SIGTERM: %v", got)
	}
	if got := signalCause(syscall.SIGINT); !errors.Is(got, errInterrupted) {
		t.Errorf("SIGINT: %v", got)
	}
	ctx, stop := watchSignals(t.Context())
	stop()
	<-ctx.Done()
	if err := stopped(ctx, errors.New("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped = %v", err)
	}
}
