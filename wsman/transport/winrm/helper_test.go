package winrm_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const (
	userName = "administrator"
	password = "administrator-pass"
)

// host returns a simulated host whose shell knows some commands. It does not listen yet.
func host(tb testing.TB, cfg wsmantest.Config, commands ...wsmantest.ShellCommand) *wsmantest.Server {
	tb.Helper()
	cfg.Model = wsmantest.DefaultModel(time.Now())
	cfg.Model.Shell.Commands = commands
	cfg.Model.Shell.Chunk = 5 // splits characters
	s, err := wsmantest.NewServer(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// started returns host, listening.
func started(tb testing.TB, cfg wsmantest.Config, commands ...wsmantest.ShellCommand) *wsmantest.Server {
	tb.Helper()
	s := host(tb, cfg, commands...)
	if err := s.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// operations returns the names of what s was asked, but for tokens.
func operations(s *wsmantest.Server) string {
	var names []string
	for _, r := range s.Requests() {
		if r.Operation != "Authenticate" {
			names = append(names, r.Operation)
		}
	}
	return strings.Join(names, " ")
}

const (
	shellID   = "11111111-2222-3333-4444-555555555555"
	commandID = "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE"
)

// A script is a host that answers as the test says: a function for an operation replaces the honest answer.
type script struct {
	say map[string]func(ctx context.Context, id string) (*wsman.Reply, error)

	mu  sync.Mutex
	log []string
}

// RoundTrip implements wsman.Transport.
func (s *script) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	var env struct {
		Header struct{ Action, MessageID string }
	}
	if err := xml.Unmarshal(req.Body, &env); err != nil {
		return nil, err
	}
	name := path.Base(env.Header.Action)
	s.mu.Lock()
	s.log = append(s.log, name)
	s.mu.Unlock()
	if f := s.say[name]; f != nil {
		return f(ctx, env.Header.MessageID)
	}
	body := map[string]string{
		"Create":  created(shellID),
		"Command": commanded(commandID),
		"Receive": received(stream("stdout", "done") + done("0")),
		"Signal":  `<rsp:SignalResponse/>`,
	}[name]
	return ok(env.Header.MessageID, env.Header.Action, body), ctx.Err()
}

// asked returns the names of the operations so far.
func (s *script) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, " ")
}

// says answers with a body.
func says(body string) func(context.Context, string) (*wsman.Reply, error) {
	return func(_ context.Context, id string) (*wsman.Reply, error) { return ok(id, "", body), nil }
}

// hangs answers never.
func hangs(ctx context.Context, _ string) (*wsman.Reply, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("waiting for the answer: %w", ctx.Err())
}

// ok is an answer with a body.
func ok(id, action, body string) *wsman.Reply {
	if action == "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command" || action == "" {
		action = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command"
	}
	return &wsman.Reply{StatusCode: http.StatusOK, Body: []byte(envelope(
		`<a:Action>`+action+`Response</a:Action><a:RelatesTo>`+id+`</a:RelatesTo>`, body))}
}

func envelope(header, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" ` +
		`xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" ` +
		`xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell" xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault">` +
		`<s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

func created(id string) string {
	return `<x:ResourceCreated xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer"><a:ReferenceParameters><w:SelectorSet>` +
		`<w:Selector Name="ShellId">` + id + `</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>`
}

func commanded(id string) string {
	return `<rsp:CommandResponse><rsp:CommandId>` + id + `</rsp:CommandId></rsp:CommandResponse>`
}

func received(parts string) string { return `<rsp:ReceiveResponse>` + parts + `</rsp:ReceiveResponse>` }

func stream(name, text string) string {
	return `<rsp:Stream Name="` + name + `" CommandId="` + commandID + `">` + base64.StdEncoding.EncodeToString([]byte(text)) + `</rsp:Stream>`
}

func done(code string) string {
	return `<rsp:CommandState CommandId="` + commandID + `" State="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done">` +
		`<rsp:ExitCode>` + code + `</rsp:ExitCode></rsp:CommandState>`
}

// fault is a fault of Windows, under status 500.
func fault(subcode string, code uint32, text string) func(context.Context, string) (*wsman.Reply, error) {
	return func(_ context.Context, id string) (*wsman.Reply, error) {
		return &wsman.Reply{StatusCode: http.StatusInternalServerError, Body: []byte(envelope(
			`<a:RelatesTo>`+id+`</a:RelatesTo>`,
			fmt.Sprintf(`<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>%s</s:Value></s:Subcode></s:Code>`+
				`<s:Reason><s:Text xml:lang="en-US">%s</s:Text></s:Reason><s:Detail><f:WSManFault Code="%d"><f:Message>%[2]s</f:Message>`+
				`</f:WSManFault></s:Detail></s:Fault>`, subcode, text, code)))}, nil
	}
}

// timedOut is the fault by which a Receive says that there is no output yet, in a language without the word that masterzen/winrm looks for.
func timedOut() func(context.Context, string) (*wsman.Reply, error) {
	return fault("w:TimedOut", 2150858793, "Zeit abgelaufen")
}

// inTurn answers with each of list, and then with the last for ever.
func inTurn(list ...func(context.Context, string) (*wsman.Reply, error)) func(context.Context, string) (*wsman.Reply, error) {
	n := 0
	return func(ctx context.Context, id string) (*wsman.Reply, error) {
		f := list[min(n, len(list)-1)]
		n++
		return f(ctx, id)
	}
}

// A locked is a buffer for several goroutines.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}
