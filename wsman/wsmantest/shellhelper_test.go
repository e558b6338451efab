package wsmantest_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const (
	uriShell   = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
	uriCmd     = uriShell + "/cmd"
	uriCreate  = wsman.NamespaceTransfer + "/Create"
	uriDelete  = wsman.NamespaceTransfer + "/Delete"
	bodyCreate = `<r:Shell xmlns:r="` + uriShell + `"><r:InputStreams>stdin</r:InputStreams><r:OutputStreams>stdout stderr</r:OutputStreams></r:Shell>`
)

// shellEnvelope is a request for a shell; in its body the prefix r is that of shells. An OperationTimeout of two seconds goes with it.
func shellEnvelope(operation, id, body string) envelope {
	e := envelope{
		action: uriShell + "/" + operation, resource: uriCmd, body: strings.Replace(body, ">", ` xmlns:r="`+uriShell+`">`, 1),
		selectors: map[string]string{"ShellId": id}, extra: `<w:OperationTimeout>PT2S</w:OperationTimeout>`,
	}
	switch operation {
	case "Create":
		e.action, e.body, e.selectors = uriCreate, bodyCreate, nil
	case "Delete":
		e.action, e.body = uriDelete, ""
	}
	return e
}

func commandBody(line string) string {
	return `<r:CommandLine><r:Command><![CDATA[` + line + `]]></r:Command></r:CommandLine>`
}

func receiveBody(command string) string {
	return `<r:Receive><r:DesiredStream CommandId="` + command + `">stdout stderr</r:DesiredStream></r:Receive>`
}

func sendBody(command, text, attributes string) string {
	return `<r:Send><r:Stream Name="stdin" CommandId="` + command + `" ` + attributes + `>` +
		base64.StdEncoding.EncodeToString([]byte(text)) + `</r:Stream></r:Send>`
}

func signalBody(command, code string) string {
	return `<r:Signal CommandId="` + command + `"><r:Code>` + uriShell + `/signal/` + code + `</r:Code></r:Signal>`
}

// A remoteShell is an open shell of the administrator.
type remoteShell struct {
	t  *testing.T
	s  *wsmantest.Server
	id string
}

func openShell(t *testing.T, s *wsmantest.Server) *remoteShell {
	t.Helper()
	_, root := ask(t, s, "administrator", shellEnvelope("Create", "", ""))
	id := find(root, "Body/Shell/ShellId")
	if id == "" {
		t.Fatalf("no shell: %s", faultText(root))
	}
	return &remoteShell{t, s, id}
}

// do sends a request and returns the answer, which may be a fault.
func (r *remoteShell) do(operation, body string) *etree.Element {
	r.t.Helper()
	_, root := ask(r.t, r.s, "administrator", shellEnvelope(operation, r.id, body))
	return root
}

// start runs a command line and returns its id.
func (r *remoteShell) start(line string) string {
	r.t.Helper()
	root := r.do("Command", commandBody(line))
	id := find(root, "Body/CommandResponse/CommandId")
	if id == "" {
		r.t.Fatalf("%s: %s", line, faultText(root))
	}
	return id
}

// What a command brought.
type commandResult struct {
	stdout, stderr string
	exitCode       string
	receives       int
}

// run runs a command line to its end.
func (r *remoteShell) run(line string) commandResult {
	r.t.Helper()
	return r.drain(r.start(line))
}

// drain receives until the command is done.
func (r *remoteShell) drain(id string) commandResult {
	r.t.Helper()
	var got commandResult
	for state := ""; !strings.HasSuffix(state, "/CommandState/Done"); got.receives++ {
		root := r.do("Receive", receiveBody(id))
		answer := root.FindElement("Body/ReceiveResponse")
		if answer == nil {
			r.t.Fatalf("Receive: %s", faultText(root))
		}
		for _, stream := range answer.SelectElements("Stream") {
			octets, err := base64.StdEncoding.DecodeString(stream.Text())
			if err != nil || stream.SelectAttrValue("CommandId", "") != id {
				r.t.Fatalf("a stream of %s: %v", stream.SelectAttrValue("CommandId", ""), err)
			}
			switch stream.SelectAttrValue("Name", "") {
			case "stdout":
				got.stdout += string(octets)
			case "stderr":
				got.stderr += string(octets)
			}
		}
		got.exitCode = find(root, "Body/ReceiveResponse/CommandState/ExitCode")
		state = answer.SelectElement("CommandState").SelectAttrValue("State", "")
	}
	return got
}

// faultText returns the number and the subcode of a fault, or "".
func faultText(root *etree.Element) string {
	f := root.FindElement("Body/Fault/Detail/WSManFault")
	if f == nil {
		return ""
	}
	return f.SelectAttrValue("Code", "") + " " + find(root, "Body/Fault/Code/Subcode/Value")
}

// shellModel has the commands that tests run.
func shellModel() *wsmantest.Model {
	m := testModel()
	m.Shell.Commands = []wsmantest.ShellCommand{
		{Line: "both", Stdout: "out: für\r\n", Stderr: "err", ExitCode: 3},
		{Line: "loud", Stdout: "x", Stderr: "a long complaint"},
		{Line: "minus one", ExitCode: -1},
		{Line: "slow", Stdout: "first", Duration: wsmantest.Duration(3 * time.Second), ExitCode: 4},
		{Line: "for ever", Never: true},
		{Line: "cat", Stdout: "> ", Echo: true},
	}
	return m
}
