// FuzzReceive reads answers without a transport around them.
package winrm

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/masterzen/winrm"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// FuzzReceive: an answer is refused by an error with a type, or masterzen/winrm's parser finds in what it is given what we have read.
func FuzzReceive(f *testing.F) {
	const head = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell">`
	for _, body := range []string{
		`<rsp:ReceiveResponse><rsp:Stream Name="stdout" CommandId="C">w6Q=</rsp:Stream><rsp:Stream Name="stderr">YQ==</rsp:Stream></rsp:ReceiveResponse>`,
		`<rsp:ReceiveResponse><rsp:CommandState State="` + stateDone + `"><rsp:ExitCode>15007</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse>`,
		`<rsp:ReceiveResponse><rsp:Stream Name="stdout">?</rsp:Stream></rsp:ReceiveResponse>`,
		`<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code></s:Fault>`,
		``,
	} {
		f.Add([]byte(`<?xml version="1.0"?>` + head + `<s:Body>` + body + `</s:Body></s:Envelope>`))
	}
	f.Add([]byte("\xff\xfe<\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		req := &request{action: actionReceive, messageID: "uuid:1", commandID: "c"}
		a, text, err := readReply(&wsman.Reply{StatusCode: http.StatusOK, Body: in}, req)
		if err != nil {
			_, protocol := errors.AsType[*wsman.ProtocolError](err)
			_, fault := errors.AsType[*FaultError](err)
			if !protocol && !fault || a != nil || text != "" {
				t.Fatalf("readReply = %v, %q, %v", a, text, err)
			}
			return
		}
		var stdout, stderr bytes.Buffer
		done, code, err := winrm.ParseSlurpOutputErrResponse(text, &stdout, &stderr)
		if err != nil || done != a.done || !bytes.Equal(stdout.Bytes(), a.stdout) || !bytes.Equal(stderr.Bytes(), a.stderr) || !done && code != 0 {
			t.Fatalf("masterzen/winrm reads %t, %d, %q, %q, %v of %+v", done, code, &stdout, &stderr, err, a)
		}
	})
}

// FuzzAnswer: what masterzen/winrm is to parse itself, it can, and the ids that it takes are among those that were looked at.
func FuzzAnswer(f *testing.F) {
	const head = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">`
	f.Add([]byte(head + `<s:Body><w:Selector Name="ShellId">x</w:Selector></s:Body></s:Envelope>`))
	f.Add([]byte(head + `<s:Body><w:Selector Name="ShellId"><w:Selector Name="ShellId">x</w:Selector>y</w:Selector></s:Body></s:Envelope>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		a, text, err := readReply(&wsman.Reply{StatusCode: http.StatusOK, Body: in}, &request{action: actionCreate, messageID: "uuid:1"})
		if err != nil {
			return
		}
		id, err := winrm.ParseOpenShellResponse(text)
		if err != nil || id != a.id || len(text) > 1024 {
			t.Fatalf("masterzen/winrm takes %q, %v, of %q, in %d octets", id, err, a.id, len(text))
		}
	})
}

// TestAnewForParser: of an answer of 256 KiB in small parts, masterzen/winrm's parser, which keeps some hundred octets for each, gets what it is to
// find.
func TestAnewForParser(t *testing.T) {
	const head = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:rsp="` + namespaceShell + `">`
	for name, part := range map[string]string{"comments": "<!---->", "text": "<!---->x", "instructions": "<?a?>"} {
		filler := strings.Repeat(part, 1<<18/len(part))
		for action, body := range map[string]string{
			actionCreate:             `<w:Selector Name="ShellId">x</w:Selector>`,
			actionCommand:            `<rsp:CommandResponse><rsp:CommandId>x</rsp:CommandId></rsp:CommandResponse>`,
			actionReceive:            `<rsp:ReceiveResponse/>`,
			actionSignal:             "",
			actionDelete:             "",
			namespaceShell + "/Send": "",
		} {
			in := []byte(head + `<s:Body>` + body + filler + `</s:Body></s:Envelope>`)
			_, text, err := readReply(&wsman.Reply{StatusCode: http.StatusOK, Body: in}, &request{action: action})
			if err != nil || len(text) > 1024 {
				t.Errorf("%s, %s: %d octets, %v", name, action, len(text), err)
			}
			switch action {
			case actionCreate:
				if id, err := winrm.ParseOpenShellResponse(text); id != "x" || err != nil {
					t.Errorf("%s: the shell is %q, %v", name, id, err)
				}
			case actionCommand:
				if id, err := winrm.ParseExecuteCommandResponse(text); id != "x" || err != nil {
					t.Errorf("%s: the command is %q, %v", name, id, err)
				}
			}
		}
	}
}
