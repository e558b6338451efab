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
		sealed string // in its place where messages are sealed
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
		{name: "redirect", rules: rule("", wsmantest.Rule{Status: 302, Body: &empty, ContentType: "text/html", Header: map[string]string{"Location": "https://elsewhere.invalid/"}}), args: []string{"get"}, want: exitUndecodable, stderr: "redirects are not followed", sealed: "302"},
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
		for _, auth := range []string{"basic", "ntlm"} {
			t.Run(tt.name+"/"+auth, func(t *testing.T) {
				t.Setenv(passwordVariable, password)
				model := wsmantest.DefaultModel(time.Now())
				if tt.model != nil {
					tt.model(model)
				}
				rules := slices.Clone(tt.rules)
				if auth == "ntlm" && len(rules) > 0 {
					rules[0].Size = min(rules[0].Size, 3<<20) // the host seals an answer in memory
				}
				h := newHost(t, wsmantest.Config{Model: model, Rules: rules})
				args := append(slices.Clip(tt.args), "--auth", auth)
				got := invokeRun(t.Context(), strings.NewReader(""), append(args, "-u", "administrator", "--ca-file", h.ca, h.URL())...)
				if got.code != tt.want {
					t.Errorf("exit %d, want %d\n%s%s", got.code, tt.want, got.stdout, got.stderr)
				}
				if tt.sealed != "" && auth == "ntlm" {
					tt.stderr = tt.sealed
				}
				if !strings.Contains(got.stderr, tt.stderr) {
					t.Errorf("stderr %q, want something with %q", got.stderr, tt.stderr)
				}
				checkStderr(t, got.stderr)
				checkJSON(t, h, args, tt.want)
			})
		}
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
	if got.code != want {
		t.Errorf("-o json: exit %d, want %d", got.code, want)
	}
	checkError(t, got.stdout, want)
}

// checkError: an answer in JSON tells the exit code, and of an error what it is.
func checkError(t *testing.T, stdout string, want int) {
	t.Helper()
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
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("-o json: %v\n%s", err, stdout)
	}
	if answer.Schema != schema || len(answer.Hosts) != 1 || answer.Hosts[0].Exit != want {
		t.Errorf("-o json: %+v; want exit %d", answer, want)
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

// interruptedBy runs args, and the URL of a host that accepts connections and never says a word, until cause ends it.
func interruptedBy(t *testing.T, cause error, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	arrived := make(chan struct{}, 1)
	listener := hangingListener(t, arrived)
	go func() {
		<-arrived
		cancel(cause)
	}()
	args = append(args, "-u", administrator, "--timeout", "1h", "--connect-timeout", "1h", "--proxy", "none", "--insecure", "https://"+listener)
	return invokeRun(ctx, strings.NewReader(""), args...)
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
				got := interruptedBy(t, tt.cause, "get", "-o", format)
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
		{[]string{"get", "--job", "4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B", "--auth", "basic"}, "Get GetErrorEx GetError"},
		{[]string{"get", "--latest"}, "Authenticate Authenticate Enumerate GetErrorEx GetError"},
		{[]string{"get", "--latest", "--seal", "never"}, "Authenticate Authenticate Enumerate GetErrorEx GetError"},
		{[]string{"identify", "--auth", "basic"}, "Identify"},
		{[]string{"identify"}, "Authenticate Authenticate Identify"},
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
	got := invokeRun(t.Context(), strings.NewReader(""), "get", "-u", "administrator", "--auth", "basic", "--ca-file", h.ca, h.URL())
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
