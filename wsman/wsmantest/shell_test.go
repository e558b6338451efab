package wsmantest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestShell lives through the life of a shell, and looks at what Windows' clients look at.
func TestShell(t *testing.T) {
	s := newServer(t, wsmantest.Config{Model: shellModel()})
	_, root := ask(t, s, "administrator", shellEnvelope("Create", "", ""))
	id := find(root, "Body/ResourceCreated/ReferenceParameters/SelectorSet/Selector")
	for path, want := range map[string]string{
		"Header/Action": uriCreate + "Response", "Header/RelatesTo": "uuid:1",
		"Body/ResourceCreated/ReferenceParameters/ResourceURI": uriCmd,
		"Body/Shell/ShellId": id, "Body/Shell/OutputStreams": "stdout stderr", "Body/Shell/Owner": `HV77\administrator`,
	} {
		if got := find(root, path); got != want || want == "" {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	r := &remoteShell{t, s, id}
	command := r.start("both")
	if got, want := r.drain(command), (commandResult{"out: für\r\n", "err", "3", 1}); got != want {
		t.Errorf("both: %+v, want %+v", got, want)
	}
	root = r.do("Receive", receiveBody(command))
	ends := root.FindElements("Body/ReceiveResponse/Stream[@End='true']")
	if got := find(root, "Header/Action"); got != uriShell+"/ReceiveResponse" || len(ends) != 2 {
		t.Errorf("the last Receive is %s with %d ends of streams, want 2", got, len(ends))
	}
	if got := r.run("minus one").exitCode; got != "4294967295" {
		t.Errorf("exit code -1 is written as %s", got)
	}
	if got := find(r.do("Signal", signalBody(command, "terminate")), "Header/Action"); got != uriShell+"/SignalResponse" {
		t.Errorf("the answer to Signal is %s", got)
	}
	if got := s.OpenShells(); got != 1 {
		t.Errorf("%d open shells, want 1", got)
	}
	if got := find(r.do("Delete", ""), "Header/Action"); got != uriDelete+"Response" {
		t.Errorf("the answer to Delete is %s", got)
	}
	if got := s.OpenShells(); got != 0 {
		t.Errorf("%d open shells after Delete", got)
	}
	if got := fmt.Sprint(s.CommandLines()); got != "[both minus one]" {
		t.Errorf("command lines %s", got)
	}
	var operations []string
	for _, rec := range s.Requests() {
		operations = append(operations, rec.Operation)
	}
	if got := strings.Join(operations, " "); got != "Create Command Receive Receive Command Receive Signal Delete" {
		t.Errorf("operations %s", got)
	}
}

// TestShellChunks cuts streams into pieces that split characters and fit the envelope.
func TestShellChunks(t *testing.T) {
	m := shellModel()
	m.Shell.Chunk = 7
	r := openShell(t, newServer(t, wsmantest.Config{Model: m}))
	if got, want := r.run("both"), (commandResult{"out: für\r\n", "err", "3", 2}); got != want {
		t.Errorf("in pieces of 7 octets: %+v, want %+v", got, want)
	}
	if got, want := r.run("loud"), (commandResult{"x", "a long complaint", "0", 3}); got != want {
		t.Errorf("in pieces of 7 octets: %+v, want %+v", got, want)
	}

	m = shellModel()
	m.Shell.Chunk = 1 << 20
	m.Shell.Commands = []wsmantest.ShellCommand{{Line: "long", Stdout: strings.Repeat("x", 100_000), Stderr: strings.Repeat("y", 50_000)}}
	r = openShell(t, newServer(t, wsmantest.Config{Model: m}))
	id := r.start("long")
	e := shellEnvelope("Receive", r.id, receiveBody(id))
	e.extra = `<w:MaxEnvelopeSize>8192</w:MaxEnvelopeSize>`
	reply, root := ask(t, r.s, "administrator", e)
	if faultText(root) != "" || len(reply.Body) > 8192 || len(reply.Body) < 6000 {
		t.Errorf("an answer of %d octets, fault %q; want it to fill 8192", len(reply.Body), faultText(root))
	}
	if got := r.drain(id); !strings.HasSuffix(got.stdout, "xxx") || !strings.HasSuffix(got.stderr, "yyy") || got.exitCode != "0" {
		t.Errorf("the rest has %d and %d octets, exit code %s", len(got.stdout), len(got.stderr), got.exitCode)
	}
}

// TestShellWaits has Receive wait for what comes, and no longer than its OperationTimeout.
func TestShellWaits(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		line  string
		after func(r *remoteShell, id string) // one second into the wait
		took  time.Duration
		want  string
	}{
		"never":     {"for ever", nil, 2 * time.Second, "2150858793 w:TimedOut"},
		"slow":      {"slow", nil, 3 * time.Second, "exit 4"},
		"terminate": {"for ever", func(r *remoteShell, id string) { r.do("Signal", signalBody(id, "terminate")) }, 1000 * ms, "995 w:InternalError"},
		"ctrl_c":    {"for ever", func(r *remoteShell, id string) { r.do("Signal", signalBody(id, "ctrl_c")) }, 1000 * ms, "exit 3221225786"},
		"ctrl_c of a slow one": {
			"slow", func(r *remoteShell, id string) { r.do("Signal", signalBody(id, "ctrl_break")) }, 1000 * ms, "exit 3221225786",
		},
		"delete": {"for ever", func(r *remoteShell, _ string) { r.do("Delete", "") }, 1000 * ms, "995 w:InternalError"},
		"stdin":  {"cat", func(r *remoteShell, id string) { r.do("Send", sendBody(id, "x", `End="true"`)) }, 1000 * ms, "exit 0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := openShell(t, newServer(t, wsmantest.Config{Model: shellModel()}))
				id := r.start(tt.line)
				begin := time.Now()
				if tt.after != nil {
					time.AfterFunc(time.Second, func() { tt.after(r, id) })
				}
				var got string
				for got == "" {
					root := r.do("Receive", receiveBody(id))
					if got = faultText(root); strings.HasSuffix(got, "TimedOut") && tt.line == "slow" {
						got = "" // it is asked again, as every client does
					}
					if code := find(root, "Body/ReceiveResponse/CommandState/ExitCode"); code != "" {
						got = "exit " + code
					}
				}
				if took := time.Since(begin); got != tt.want || took != tt.took {
					t.Errorf("%s after %v, want %s after %v", got, took, tt.want, tt.took)
				}
			})
		})
	}
}

// TestShellLeaving ends a Receive whose client leaves, and nothing stays behind of it but the shell.
func TestShellLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openShell(t, newServer(t, wsmantest.Config{Model: shellModel()}))
		body := shellEnvelope("Receive", r.id, receiveBody(r.start("for ever"))).String()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		_, err := r.s.Transport("administrator").RoundTrip(ctx, &wsman.Request{Body: []byte(body)})
		if took := time.Since(begin); err == nil || took != time.Second || r.s.OpenShells() != 1 {
			t.Errorf("%v after %v with %d shells, want an error after 1s, and 1", err, took, r.s.OpenShells())
		}
	})
}

// TestShellStdin sends input in pieces and receives it back.
func TestShellStdin(t *testing.T) {
	r := openShell(t, newServer(t, wsmantest.Config{Model: shellModel()}))
	id := r.start("cat")
	for _, text := range []string{"one ", "two "} {
		if got := find(r.do("Send", sendBody(id, text, "")), "Header/Action"); got != uriShell+"/SendResponse" {
			t.Errorf("the answer to Send is %s", got)
		}
	}
	r.do("Send", sendBody(id, "three", `End="true"`))
	r.do("Send", sendBody(id, "nobody reads that", ""))
	if got, want := r.drain(id), (commandResult{"> one two three", "", "0", 1}); got != want {
		t.Errorf("cat: %+v, want %+v", got, want)
	}

	id = r.start("cat")
	large := strings.Repeat("z", 300_000)
	var got string
	for range 14 {
		got = faultText(r.do("Send", sendBody(id, large, "")))
	}
	if got != "2150858815 w:QuotaLimit" {
		t.Errorf("after 4 MiB that nobody received: %q, want a fault", got)
	}
}

// TestShellRefusals asks for what a host refuses.
func TestShellRefusals(t *testing.T) {
	s := newServer(t, wsmantest.Config{Model: shellModel()})
	r := openShell(t, s)
	id := r.start("for ever")
	create := shellEnvelope("Create", "", "")
	noShell := create
	noShell.body = "<p:Shell/>"
	noID, twoKeys, get := shellEnvelope("Delete", r.id, ""), shellEnvelope("Delete", r.id, ""), shellEnvelope("Delete", r.id, "")
	noID.selectors = nil
	twoKeys.selectors = map[string]string{"ShellId": r.id, "Name": "x"}
	get.action = wsman.ActionGet
	for name, tt := range map[string]struct {
		user string
		e    envelope
		want string
	}{
		"a reader":            {"reader", create, "5 w:AccessDenied"},
		"an outsider":         {"outsider", create, "5 w:AccessDenied"},
		"no shell in Create":  {"", noShell, "2150858817 w:SchemaValidationError"},
		"no ShellId":          {"", noID, "2150858842 w:InvalidSelectors"},
		"another key":         {"", twoKeys, "2150858843 w:InvalidSelectors"},
		"an unknown shell":    {"", shellEnvelope("Delete", "X", ""), "2150858843 w:InvalidSelectors"},
		"another's shell":     {"second", shellEnvelope("Delete", r.id, ""), "2150858843 w:InvalidSelectors"},
		"a Get":               {"", get, "2150858771 a:ActionNotSupported"},
		"no command line":     {"", shellEnvelope("Command", r.id, "<r:X></r:X>"), "2150858817 w:SchemaValidationError"},
		"a lost shell":        {"", shellEnvelope("Command", "X", commandBody("both")), "2150858843 w:InvalidSelectors"},
		"no streams":          {"", shellEnvelope("Receive", r.id, "<r:Receive></r:Receive>"), "2150858817 w:SchemaValidationError"},
		"an unknown stream":   {"", shellEnvelope("Receive", r.id, strings.Replace(receiveBody(id), "stderr", "pr", 1)), "87 w:InvalidParameter"},
		"an unknown command":  {"", shellEnvelope("Receive", r.id, receiveBody("X")), "87 w:InvalidParameter"},
		"no input":            {"", shellEnvelope("Send", r.id, "<r:Send></r:Send>"), "2150858817 w:SchemaValidationError"},
		"input not to stdin":  {"", shellEnvelope("Send", r.id, strings.Replace(sendBody(id, "x", ""), "stdin", "pr", 1)), "87 w:InvalidParameter"},
		"input not in base64": {"", shellEnvelope("Send", r.id, strings.Replace(sendBody(id, "x", ""), "eA==", "e", 1)), "2150858817 w:SchemaValidationError"},
		"input to no command": {"", shellEnvelope("Send", r.id, sendBody("X", "x", "")), "87 w:InvalidParameter"},
		"no signal":           {"", shellEnvelope("Signal", r.id, "<r:X></r:X>"), "2150858817 w:SchemaValidationError"},
		"an unknown signal":   {"", shellEnvelope("Signal", r.id, signalBody(id, "x")), "87 w:InvalidParameter"},
		"a signal to nobody":  {"", shellEnvelope("Signal", r.id, signalBody("X", "terminate")), "87 w:InvalidParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			server := s
			if tt.user == "second" { // the same rights, another user
				users := []wsmantest.User{{Name: "administrator"}, {Name: "second"}}
				server = newServer(t, wsmantest.Config{Model: shellModel(), Users: users})
				tt.e.selectors = map[string]string{"ShellId": openShell(t, server).id}
			}
			user := tt.user
			if user == "" {
				user = "administrator"
			}
			if _, root := ask(t, server, user, tt.e); faultText(root) != tt.want {
				t.Errorf("%q, want %q", faultText(root), tt.want)
			}
		})
	}
	if got := s.OpenShells(); got != 1 {
		t.Errorf("%d open shells after all, want 1", got)
	}
}

// TestShellPolicy switches remote shells off, and nothing else.
func TestShellPolicy(t *testing.T) {
	m := shellModel()
	m.Shell.Disabled = true
	s := newServer(t, wsmantest.Config{Model: m})
	if _, root := ask(t, s, "administrator", shellEnvelope("Create", "", "")); faultText(root) != "2150859180 w:InternalError" {
		t.Errorf("Create: %q", faultText(root))
	}
	if _, root := ask(t, s, "administrator", getJob()); faultText(root) != "" {
		t.Errorf("Get: %q", faultText(root))
	}
}

// TestShellQuotas counts the shells of a user and the commands of a shell, and lets go of idle shells.
func TestShellQuotas(t *testing.T) {
	m := shellModel()
	m.Shell.MaxShells = 2
	now := &clock{start}
	s := newServer(t, wsmantest.Config{Model: m, Clock: now.now})
	first := openShell(t, s)
	now.t = start.Add(time.Hour)
	second := openShell(t, s)
	if _, root := ask(t, s, "administrator", shellEnvelope("Create", "", "")); faultText(root) != "2150859173 w:QuotaLimit" {
		t.Errorf("a third shell: %q", faultText(root))
	}
	id := ""
	for range 25 {
		id = second.start("for ever")
	}
	if got := faultText(second.do("Command", commandBody("both"))); got != "2150859241 w:QuotaLimit" {
		t.Errorf("a 26th command: %q", got)
	}
	second.do("Signal", signalBody(id, "terminate"))
	id = second.start("both")

	now.t = start.Add(2*time.Hour + time.Second) // two hours after the first shell was used, and one after the second
	if got := faultText(first.do("Command", commandBody("both"))); got != "2150858843 w:InvalidSelectors" {
		t.Errorf("a command in the idle shell: %q", got)
	}
	second.do("Signal", signalBody(id, "terminate"))
	openShell(t, s)
	if got := s.OpenShells(); got != 2 {
		t.Errorf("%d open shells, want 2: the idle one is gone", got)
	}
	now.t = start.Add(3*time.Hour + time.Minute) // more than two hours after it began, less after it was used
	second.start("both")
}

// TestShellRules injects a fault into the midst of a command.
func TestShellRules(t *testing.T) {
	s := newServer(t, wsmantest.Config{Model: shellModel(), Rules: []wsmantest.Rule{
		{Operation: "Receive", After: 1, Count: 1, Fault: wsmantest.FaultShellNotFound},
		{Operation: "Create", Count: 1, Fault: wsmantest.FaultQuotaShells},
	}})
	if _, root := ask(t, s, "administrator", shellEnvelope("Create", "", "")); faultText(root) != "2150859173 w:QuotaLimit" {
		t.Errorf("Create: %q", faultText(root))
	}
	r := openShell(t, s)
	id := r.start("slow")
	if got := find(r.do("Receive", receiveBody(id)), "Body/ReceiveResponse/Stream"); got != "Zmlyc3Q=" {
		t.Errorf("the first Receive brings %q", got)
	}
	if got := faultText(r.do("Receive", receiveBody(id))); got != "2150858843 w:InvalidSelectors" {
		t.Errorf("the second Receive: %q", got)
	}
}

// TestShellClose ends with the server what runs in its shells.
func TestShellClose(t *testing.T) {
	s := newServer(t, wsmantest.Config{Model: shellModel()})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	r := openShell(t, s)
	e := shellEnvelope("Receive", r.id, receiveBody(r.start("for ever")))
	e.extra = "" // it would wait for a minute
	replies := make(chan *wsman.Reply, 1)
	go func() {
		reply, err := s.Transport("administrator").RoundTrip(context.Background(), &wsman.Request{Body: []byte(e.String())})
		if err != nil {
			t.Error(err)
		}
		replies <- reply
	}()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	// Whether the Receive came before the end or after, it does not wait.
	reply := <-replies
	if got := string(reply.Body); !strings.Contains(got, `Code="995"`) && !strings.Contains(got, `Code="2150858843"`) {
		t.Errorf("Receive: %s", got)
	}
	if got := s.OpenShells(); got != 0 {
		t.Errorf("%d open shells after a restart", got)
	}
}

// TestShellModel refuses shells that make no sense.
func TestShellModel(t *testing.T) {
	for in, want := range map[string]string{
		`{"encoding": "utf-7"}`:                            `shell: encoding "utf-7" is unknown`,
		`{"chunk": -1}`:                                    "shell: maxShells, chunk, truncate and truncateCount cannot be negative",
		`{"commands": [{"line": "a"}, {}]}`:                "shell: commands[1]: line is required, and duration cannot be negative",
		`{"commands": [{"line": "a", "duration": "-1s"}]}`: "shell: commands[0]: line is required, and duration cannot be negative",
		`{"commands": [{"line": "a", "never": true}], "encoding": "utf-16le", "disabled": true}`: "",
	} {
		_, err := wsmantest.DecodeModel(strings.NewReader(`{"shell": ` + in + `}`))
		if got := fmt.Sprint(err); (want == "") != (err == nil) || !strings.Contains(got, want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

// TestCommandLines remembers as many lines as requests.
func TestCommandLines(t *testing.T) {
	for records, want := range map[int]string{-1: "[]", 4: "[c d e f]", 0: "[a b c d e f]"} {
		r := openShell(t, newServer(t, wsmantest.Config{Model: shellModel(), Records: records}))
		for line := range strings.FieldsSeq("a b c d e f") {
			r.start(line)
		}
		if got := fmt.Sprint(r.s.CommandLines()); got != want {
			t.Errorf("Records %d: command lines %s, want %s", records, got, want)
		}
	}
}
