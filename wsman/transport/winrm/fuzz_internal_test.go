// FuzzReceive reads answers without a transport around them.
package winrm

import (
	"bytes"
	"errors"
	"net/http"
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
		if err != nil || id != a.ids[0] {
			t.Fatalf("masterzen/winrm takes %q, %v, of %q", id, err, a.ids)
		}
	})
}
