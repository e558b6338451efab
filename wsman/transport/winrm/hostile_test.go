package winrm_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// TestHostileReceive: what masterzen/winrm would take for no output, or for the exit code 0, is an error, and so is what it would look
// for in vain.
func TestHostileReceive(t *testing.T) {
	for name, say := range map[string]func(context.Context, string) (*wsman.Reply, error){
		"no base64":                 says(received(`<rsp:Stream Name="stdout">?</rsp:Stream>` + done("0"))),
		"cut base64":                says(received(`<rsp:Stream Name="stderr">QUJ</rsp:Stream>` + done("0"))),
		"elements in a stream":      says(received(`<rsp:Stream Name="stdout">QU<x/>?</rsp:Stream>` + done("0"))),
		"no exit code":              says(received(strings.Replace(done("0"), "<rsp:ExitCode>0</rsp:ExitCode>", "", 1))),
		"a word for an exit code":   says(received(done("zero"))),
		"a high exit code":          says(received(done("4294967296"))),
		"exit code of a stranger":   says(received(strings.ReplaceAll(done("0"), "rsp:ExitCode", "ExitCode"))),
		"another command's output":  says(received(strings.Replace(stream("stdout", "x"), commandID, shellID, 1))),
		"another command's end":     says(received(strings.Replace(done("0"), commandID, shellID, 1))),
		"no ReceiveResponse":        says(stream("stdout", "x") + done("0")),
		"ReceiveResponse elsewhere": says(`<x>` + received(done("0")) + `</x>`),
		"empty body":                says(""),
		"not well-formed":           says(received(done("0")) + "<x>"),
		"to another message":        func(context.Context, string) (*wsman.Reply, error) { return ok("uuid:1", "", received(done("0"))), nil },
		"no fault under 500": func(_ context.Context, id string) (*wsman.Reply, error) {
			r := ok(id, "", received(done("0")))
			r.StatusCode = 500
			return r, nil
		},
		"DOCTYPE":           raw(`<!DOCTYPE x>` + envelope("", received(done("0")))),
		"two roots":         raw(envelope("", received(done("0"))) + "<x/>"),
		"text behind":       raw(envelope("", received(done("0"))) + "x"),
		"nothing":           raw(""),
		"half a character":  raw("\xff\xfe<\x00s"),
		"not UTF-8":         raw(envelope("", received("\xff"+done("0")))),
		"another root":      raw("<html/>"),
		"deep":              says(received(strings.Repeat("<x>", 70) + strings.Repeat("</x>", 70))),
		"many elements":     says(received(strings.Repeat("<x/>", 66000))),
		"many attributes":   says(received("<x" + strings.Repeat(" a='b'", 65) + "/>")),
		"a nested fault":    says(`<x><s:Fault/></x>`),
		"a fault cut short": raw(envelope("", "<s:Fault>")[:400] + "<s:Fault>"),
	} {
		t.Run(name, func(t *testing.T) {
			tr := &script{say: map[string]func(context.Context, string) (*wsman.Reply, error){"Receive": say}}
			s := newShell(t, tr)
			code, err := s.Run(t.Context(), "x", io.Discard, io.Discard)
			if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok {
				t.Errorf("Run = %d, %v, want a ProtocolError", code, err)
			}
			if err := s.Close(); err != nil || !strings.HasSuffix(tr.asked(), "Signal Delete") {
				t.Errorf("Close = %v; asked %s", err, tr.asked())
			}
		})
	}
}

// raw answers with octets.
func raw(s string) func(context.Context, string) (*wsman.Reply, error) {
	return func(context.Context, string) (*wsman.Reply, error) {
		return &wsman.Reply{StatusCode: 200, Body: []byte(s)}, nil
	}
}

// TestHostileIDs: ids go back to the host as they are, so that one with markup would change what we say.
func TestHostileIDs(t *testing.T) {
	for name, say := range map[string]map[string]func(context.Context, string) (*wsman.Reply, error){
		"shell":             {"Create": says(created(`x&lt;/w:Selector>`))},
		"shell in CDATA":    {"Create": says(created(`<![CDATA[<x>]]>`))},
		"no shell":          {"Create": says("")},
		"empty shell":       {"Create": says(created(""))},
		"long":              {"Create": says(created(strings.Repeat("x", 257)))},
		"elements":          {"Create": says(created("x") + strings.Repeat("<x/>", 66000))},
		"header":            {"Create": raw(envelope(created("x"), ""))},
		"shell's id":        {"Create": says(`<rsp:Shell><rsp:ShellId>a b</rsp:ShellId></rsp:Shell>`)},
		"shell elsewhere":   {"Create": says(`<x><rsp:Shell><rsp:ShellId>a</rsp:ShellId></rsp:Shell></x>`)},
		"command":           {"Command": says(commanded(`a"b`))},
		"no command":        {"Command": says("<rsp:CommandResponse/>")},
		"command elsewhere": {"Command": says("<x>" + commanded("a") + "</x>")},
		"another answer":    {"Command": action(strings.Repeat("A", 1<<20), commandID)},
		"no answer":         {"Command": action("http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command", commandID)},
		"long name":         {"Command": says("<" + strings.Repeat("A", 1<<20) + ">")},
		"long root":         {"Command": raw("<" + strings.Repeat("A", 1<<20) + "/>")},
		"long version":      {"Command": raw(`<?xml version="` + strings.Repeat("9", 1<<20) + `"?>`)},
		"line end":          {"Command": says(commanded("a\nb"))},
	} {
		t.Run(name, func(t *testing.T) {
			tr := &script{say: say}
			_, err := newShell(t, tr).Run(t.Context(), "x", io.Discard, io.Discard)
			if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok || len(err.Error()) > 1000 {
				t.Errorf("Run = %.2000v, want a short ProtocolError", err)
			}
		})
	}
}

// action answers a Command with another wsa:Action.
func action(name, id string) func(context.Context, string) (*wsman.Reply, error) {
	return func(_ context.Context, message string) (*wsman.Reply, error) {
		r := ok(message, "", commanded(id))
		r.Body = []byte(strings.Replace(string(r.Body), "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandResponse", name, 1))
		return r, nil
	}
}

// TestOddAnswers: what the standards allow is taken, though masterzen/winrm's parser would take it for no answer.
func TestOddAnswers(t *testing.T) {
	const pi = `<?xml-stylesheet href="x"?><?xml version="1.0" encoding="utf-16"?>`
	const addressing2005 = "http://www.w3.org/2005/08/addressing"
	for name, say := range map[string]map[string]func(context.Context, string) (*wsman.Reply, error){
		"reference alone":        {"Create": says(created(shellID))},
		"shell alone":            {"Create": says(shellOf(shellID))},
		"both":                   {"Create": says(shellOf("other") + created(shellID))},
		"shell's id in blanks":   {"Create": says(created("\n " + shellID + "\t"))},
		"other selectors":        {"Create": says(`<w:Selector Name="x">a b</w:Selector>` + created(shellID) + created("second"))},
		"PI at the shell":        {"Create": says(pi + created(shellID))},
		"command's id in blanks": {"Command": says(commanded("\n " + commandID + "\t"))},
		"PI at the command":      {"Command": says(pi + commanded(commandID) + pi)},
		"blanks in the action":   {"Command": action("\n http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandResponse\n", commandID)},
		"no action": {"Command": func(_ context.Context, id string) (*wsman.Reply, error) {
			return &wsman.Reply{StatusCode: 200, Body: []byte(envelope(`<a:RelatesTo>`+id+`</a:RelatesTo>`, commanded(commandID)))}, nil
		}},
		"WS-Addressing 1.0": {"Command": func(_ context.Context, id string) (*wsman.Reply, error) {
			r := ok(id, "", commanded(commandID))
			r.Body = []byte(strings.ReplaceAll(string(r.Body), "http://schemas.xmlsoap.org/ws/2004/08/addressing", addressing2005))
			return r, nil
		}},
		"PI at the output": {"Receive": says(pi + received(pi+stream("stdout", "done")+done("0")))},
		"PI at the end":    {"Signal": says(pi + "<rsp:SignalResponse/>")},
	} {
		t.Run(name, func(t *testing.T) {
			tr := &script{say: say}
			var sent []byte
			s := newShell(t, roundTrip(func(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
				sent = append(sent, req.Body...)
				return tr.RoundTrip(ctx, req)
			}))
			var stdout strings.Builder
			code, err := s.Run(t.Context(), "x", &stdout, io.Discard)
			if code != 0 || err != nil || stdout.String() != "done" {
				t.Errorf("Run = %d, %v, with %q", code, err, stdout.String())
			}
			if err := s.Close(); err != nil || tr.asked() != "Create Command Receive Signal Delete" {
				t.Errorf("Close = %v; asked %s", err, tr.asked())
			}
			if n, m := strings.Count(string(sent), ">"+shellID+"<"), strings.Count(string(sent), `"`+commandID+`"`); n != 4 || m != 2 {
				t.Errorf("the shell's id was sent %d times, the command's %d times", n, m)
			}
		})
	}
}

// shellOf is a shell as a Create may answer with.
func shellOf(id string) string { return `<rsp:Shell><rsp:ShellId>` + id + `</rsp:ShellId></rsp:Shell>` }
