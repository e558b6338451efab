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
		"shell":          {"Create": says(created(`x&lt;/w:Selector>`))},
		"shell in CDATA": {"Create": says(created(`<![CDATA[<x>]]>`))},
		"other selector": {"Create": says(created("x") + `<w:Selector Name="x" Name2="ShellId">"</w:Selector>`)},
		"no shell":       {"Create": says("")},
		"empty shell":    {"Create": says(created(""))},
		"long":           {"Create": says(created(strings.Repeat("x", 257)))},
		"elements":       {"Create": says(created("x") + strings.Repeat("<x/>", 1030))},
		"attributes":     {"Create": says(created("x") + strings.Repeat(`<x a="" b="" c=""/>`, 200))},
		"command":        {"Command": says(commanded(`a"b`))},
		"no command":     {"Command": says("<rsp:CommandResponse/>")},
		"line end":       {"Command": says(commanded("a\nb"))},
	} {
		t.Run(name, func(t *testing.T) {
			tr := &script{say: say}
			_, err := newShell(t, tr).Run(t.Context(), "x", io.Discard, io.Discard)
			if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok {
				t.Errorf("Run = %v, want a ProtocolError", err)
			}
		})
	}
}
