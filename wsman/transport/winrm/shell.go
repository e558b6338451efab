package winrm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/masterzen/winrm"
	"github.com/masterzen/winrm/soap"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Settings of the shell that are sent with every message.
const (
	shellTimeout      = "PT20S" // for which a Receive waits for output
	shellEnvelopeSize = 512000
	shellLocale       = "en-US"
)

// maxCommand is the longest command line of cmd.exe, in UTF-16 code units (facts/event-log.md §3).
const maxCommand = 8191

// A Shell runs command lines in one remote shell of a host, which is opened with the first of them, or by [Shell.Open]. Client, Shell and Command of
// masterzen/winrm do it. A Shell is for one goroutine at a time.
type Shell struct {
	client *winrm.Client
	post   *shellTransporter
	shell  *winrm.Shell // nil: there is none
	failed bool         // the last command did not come to its end
	closed bool
}

// NewShell returns a shell of the host at endpoint, a URL that ends in /wsman, over t. It sends nothing.
func NewShell(endpoint string, t wsman.Transport) (*Shell, error) {
	ep, err := shellEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	s := &Shell{post: &shellTransporter{courier: courier{t: t}}}
	params := winrm.NewParameters(shellTimeout, shellLocale, shellEnvelopeSize)
	params.TransportDecorator = func() winrm.Transporter { return s.post }
	s.client, err = winrm.NewClientWithParameters(ep, "", "", params)
	return s, err
}

// shellEndpoint returns the endpoint whose URL, as masterzen/winrm writes it into its messages, is s.
func shellEndpoint(s string) (*winrm.Endpoint, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("winrm: the endpoint is not http://HOST[:PORT]/wsman or https://HOST[:PORT]/wsman")
	}
	if u.Path != "/wsman" {
		return nil, fmt.Errorf("winrm: the endpoint's path is %q; masterzen/winrm knows /wsman alone", u.Path)
	}
	ep := &winrm.Endpoint{Host: u.Hostname(), Port: 80, HTTPS: u.Scheme == "https"}
	if ep.HTTPS {
		ep.Port = 443
	}
	if p := u.Port(); p != "" {
		if ep.Port, err = strconv.Atoi(p); err != nil {
			return nil, fmt.Errorf("winrm: port %q: %w", p, err)
		}
	}
	if strings.Contains(ep.Host, ":") {
		ep.Host = "[" + strings.ReplaceAll(ep.Host, "%", "%25") + "]" // masterzen/winrm writes it into a URL as it is
	}
	return ep, nil
}

// Open opens the shell on the host, unless it is open. [Shell.Run] does so by itself. Errors are those of Run.
//
// When ctx ends meanwhile, Open waits for the host's answer for a second more, so as to delete the shell that it may tell of. A shell whose
// id does not come stays on the host until that ends it, for idleness, by default after two hours (facts/event-log.md §4).
func (s *Shell) Open(ctx context.Context) error {
	if s.closed {
		return fmt.Errorf("winrm: %w", net.ErrClosed)
	}
	if s.shell != nil || ctx.Err() != nil {
		return ctx.Err()
	}
	s.failed = false
	s.post.begin(ctx)
	shell, err := s.client.CreateShell()
	if err != nil {
		return s.failure(err)
	}
	s.shell = shell
	if ctx.Err() != nil {
		s.failed = true
		_ = s.remove(ctx)
	}
	return ctx.Err()
}

// Run runs a command line of cmd.exe and returns its exit code. What it writes goes to stdout and stderr while it runs, never to both at
// the same time. An error of theirs terminates the command and is returned as it is; so does the end of ctx. A fault is a
// [*wsman.Fault], for which errors.Is also tells [ErrShellsDisabled] and [ErrShellQuota].
//
// The command line may be 8191 characters long, and holds no control characters, no "]]>" and no "%".
//
// [*wsman.Fault]: https://pkg.go.dev/github.com/hvmigerr/hvmigerr/wsman#Fault
func (s *Shell) Run(ctx context.Context, command string, stdout, stderr io.Writer) (int, error) {
	if err := checkCommand(command); err != nil {
		return 0, err
	}
	if err := s.Open(ctx); err != nil {
		return 0, err
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	s.failed = true // until it has not
	s.post.begin(run)
	// Its own context would end it between two messages only, and closes a channel that is then closed twice: run ends the messages.
	cmd, err := s.shell.ExecuteWithContext(context.WithoutCancel(run), command)
	if err != nil {
		return 0, s.failure(err)
	}
	out := newOutput(run, cmd)
	defer s.end(ctx, cancel, cmd, out)
	if err := out.copyTo(stdout, stderr); err != nil {
		return 0, err
	}
	cmd.Wait()
	if !s.post.done {
		return 0, s.failure(&wsman.ProtocolError{Msg: "the command has ended without a state"})
	}
	if err := ctx.Err(); err != nil {
		return 0, err // and some of the output is thrown away
	}
	s.failed = false
	return cmd.ExitCode(), nil
}

// end ends a command, however far it has come, and all that belongs to it here. It runs also when a Writer panics.
func (s *Shell) end(ctx context.Context, cancel context.CancelFunc, cmd *winrm.Command, out *output) {
	if s.failed {
		cancel()
	}
	out.discard()
	cmd.Wait()
	ctx, stop := s.lastly(ctx)
	defer stop()
	s.post.begin(ctx)
	_ = cmd.Close() // the host ends what is left with the shell
}

// lastly returns the context of a message that ends something: it outlives ctx. When that, or the host, has failed, Signal and Delete
// take two seconds together.
func (s *Shell) lastly(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.failed {
		return context.WithTimeout(context.WithoutCancel(ctx), lastTime)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), 2*lastTime)
}

// Close deletes the shell on the host, if there is one, within two seconds, also when the context of the last command has ended.
// Commands after it fail with net.ErrClosed.
func (s *Shell) Close() error {
	s.closed = true
	return s.remove(s.post.ctx)
}

// remove deletes the shell, if there is one.
func (s *Shell) remove(ctx context.Context) error {
	if s.shell == nil {
		return nil
	}
	ctx, stop := s.lastly(ctx)
	defer stop()
	s.post.begin(ctx)
	shell := s.shell
	s.shell = nil
	if err := shell.Close(); err != nil {
		return s.failure(err)
	}
	return nil
}

// failure returns what has failed, for the caller: the error of the last message, which masterzen/winrm may have got with another text,
// or err if that came well.
func (s *Shell) failure(err error) error {
	if s.post.err != nil {
		err = s.post.err
	}
	return forCaller(err)
}

// checkCommand refuses what would reach the host as something else: masterzen/winrm puts the command into a CDATA section, and cmd.exe
// replaces what stands between two "%".
func checkCommand(command string) error {
	switch {
	case strings.TrimSpace(command) == "":
		return &wsman.ValueError{Name: "command", Msg: "it is empty"}
	case len(utf16.Encode([]rune(command))) > maxCommand:
		return &wsman.ValueError{Name: "command", Msg: fmt.Sprintf("it is longer than %d characters", maxCommand)}
	case !utf8.ValidString(command) || strings.ContainsFunc(command, func(r rune) bool { return r < ' ' || r >= 0x7F && r < 0xA0 || r >= 0xFFFE && r <= 0xFFFF }):
		return &wsman.ValueError{Name: "command", Msg: "it has a control character"}
	case strings.Contains(command, "]]>"):
		return &wsman.ValueError{Name: "command", Msg: `it has "]]>"`}
	case strings.Contains(command, "%"):
		return &wsman.ValueError{Name: "command", Msg: `it has "%"`}
	}
	return nil
}

// A shellError is a fault that means one of the errors of this package.
type shellError struct {
	is    error
	fault *wsman.Fault
}

func (e *shellError) Error() string { return e.is.Error() + ": " + e.fault.Error() }

func (e *shellError) Unwrap() []error { return []error{e.is, e.fault} }

// forCaller returns err without what is there for masterzen/winrm: the XML of faults.
func forCaller(err error) error {
	e, ok := errors.AsType[*FaultError](err)
	if !ok {
		return err
	}
	if is := meaning(e.Fault); is != nil {
		return &shellError{is, e.Fault}
	}
	return e.Fault
}

// A shellTransporter carries the messages of a Shell, one at a time.
type shellTransporter struct {
	courier
	ctx  context.Context // of the present command: Post has none to take it from
	done bool            // the last message has brought the end of the command, and its exit code
	err  error           // of the last message
}

// begin sets the context of the messages that follow.
func (t *shellTransporter) begin(ctx context.Context) { t.ctx, t.done, t.err = ctx, false, nil }

// Transport implements winrm.Transporter: the session is there already.
func (t *shellTransporter) Transport(*winrm.Endpoint) error { return nil }

// Post implements winrm.Transporter.
func (t *shellTransporter) Post(_ *winrm.Client, msg *soap.SoapMessage) (string, error) {
	a, text, err := t.send(msg)
	t.done, t.err = a != nil && a.done, err
	if err != nil {
		return "", forMasterzen(err)
	}
	return text, nil
}

func (t *shellTransporter) send(msg *soap.SoapMessage) (*answer, string, error) {
	r, err := newRequest(msg)
	if err != nil {
		return nil, "", err
	}
	bound := context.WithTimeout
	if r.action == actionCreate {
		bound = outliving
	}
	ctx, cancel := bound(t.ctx, r.limit())
	defer cancel()
	a, text, err := t.post(ctx, r)
	if err != nil {
		return nil, "", within(t.ctx, r, err)
	}
	return a, text, nil
}
