package wsmantest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"
)

// The streams of a command.
const (
	streamStdin  = "stdin"
	streamStdout = "stdout"
	streamStderr = "stderr"
)

// exitControlC is STATUS_CONTROL_C_EXIT, which a program ends with that was interrupted.
const exitControlC = 0xC000013A

// maxStdin bounds what a command was sent and nobody received yet, in octets.
const maxStdin = 4 << 20

// A process is a command of a shell. Nothing runs: what it writes is made when it is received, and its end is a moment.
// That moment is of real time, like Rule.Work, whatever Config.Clock says.
type process struct {
	mu             sync.Mutex
	changed        chan struct{} // closed and replaced when something happens
	stdout, stderr pipe
	ends           time.Time
	never          bool
	echo           bool // stdin goes to stdout, and until stdin ends the process does not
	exitCode       uint32
	aborted        bool
}

// newProcess returns a process that has ended, with nothing written.
func newProcess() *process { return &process{changed: make(chan struct{}), ends: time.Now()} }

// A pipe holds what a process has written to a stream and nobody received.
type pipe struct {
	buf bytes.Buffer
	// more writes what comes next, and reports whether there can be more. Nil: there is not.
	more func(*bytes.Buffer) bool
}

// next takes at most n octets.
func (p *pipe) next(n int) []byte {
	for p.more != nil && p.buf.Len() < n {
		if !p.more(&p.buf) {
			p.more = nil
		}
	}
	return bytes.Clone(p.buf.Next(n))
}

func (p *pipe) drained() bool { return p.more == nil && p.buf.Len() == 0 }

// wake tells whoever waits that something happened; the caller holds the mutex.
func (p *process) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// abort ends the process and whatever waits for it.
func (p *process) abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.aborted {
		p.aborted = true
		p.wake()
	}
}

// interrupt ends the process as a key would; what it wrote can still be received.
func (p *process) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running(time.Now()) {
		p.never, p.echo, p.ends, p.exitCode = false, false, time.Now(), exitControlC
		p.wake()
	}
}

func (p *process) running(now time.Time) bool { return p.never || p.echo || now.Before(p.ends) }

// input passes octets to stdin, and its end.
func (p *process) input(b []byte, end bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.echo {
		return nil // nobody reads it
	}
	if p.stdout.buf.Len()+len(b) > maxStdin {
		return newFault(FaultQuotaLimit, "More was sent to the command than it holds.")
	}
	p.stdout.buf.Write(b)
	p.echo = !end
	p.wake()
	return nil
}

// command answers Command.
func (s *Server) command(c *call) (*etree.Document, error) {
	if !is(c.body, namespaceShell, "CommandLine") {
		return nil, newFault(faultSchemaValidation, "The body is not a command line.")
	}
	words := []string{textOf(child(c.body, namespaceShell, "Command"))}
	for e := range c.body.ChildElementsSeq() {
		if is(e, namespaceShell, "Arguments") {
			words = append(words, textOf(e))
		}
	}
	line := strings.Join(words, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.findShell(c)
	if err != nil {
		return nil, err
	}
	if len(sh.commands) >= maxCommandsPerShell {
		return nil, newFault(faultQuotaCommands, "")
	}
	s.recordLine(line)
	id := newGUID()
	sh.commands[id] = s.run(line, c.now)
	doc, body := c.shellAnswer()
	c.w.addText(c.shellElement(body, "CommandResponse"), prefixShell, "CommandId", id)
	return doc, nil
}

// recordLine remembers a command line; the caller holds the mutex.
func (s *Server) recordLine(line string) {
	most := cmp.Or(s.cfg.Records, defaultRecords)
	if most < 0 {
		return
	}
	if len(s.commandLines) >= most {
		s.commandLines = slices.Delete(s.commandLines, 0, max(1, most/4))
	}
	s.commandLines = append(s.commandLines, strings.Clone(line[:min(len(line), maxCommandLine)]))
}

// start returns the process of a command of the model.
func (k *ShellCommand) start() *process {
	p := newProcess()
	p.stdout.buf.WriteString(k.Stdout)
	p.stderr.buf.WriteString(k.Stderr)
	p.exitCode = uint32(k.ExitCode) //nolint:gosec // -1 is 4294967295, as on Windows
	p.ends = p.ends.Add(time.Duration(k.Duration))
	p.never, p.echo = k.Never, k.Echo
	return p
}

// process returns the command of a request's shell that the attribute CommandId of e names.
func (s *Server) process(c *call, e *etree.Element) (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh, err := s.findShell(c)
	if err != nil {
		return nil, err
	}
	if p := sh.commands[commandID(e)]; p != nil {
		return p, nil
	}
	return nil, errNoCommand()
}

// errNoCommand is the answer to an unknown CommandId. What Windows says is not on record.
func errNoCommand() error { return newFault(FaultInvalidParameter, "The shell has no such command.") }

// commandID returns the attribute CommandId of e, which may be nil.
func commandID(e *etree.Element) string {
	if e == nil {
		return ""
	}
	id, _ := attr(e, "", "CommandId")
	return strings.ToUpper(id)
}

// sendInput answers Send.
func (s *Server) sendInput(c *call) (*etree.Document, error) {
	stream := child(c.body, namespaceShell, "Stream")
	if !is(c.body, namespaceShell, "Send") || stream == nil {
		return nil, newFault(faultSchemaValidation, "The body is not the input of a command.")
	}
	if name, _ := attr(stream, "", "Name"); name != streamStdin {
		return nil, newFault(FaultInvalidParameter, "The stream is not stdin.")
	}
	input, err := base64.StdEncoding.DecodeString(textOf(stream))
	if err != nil {
		return nil, newFault(faultSchemaValidation, "The stream is not base64.")
	}
	p, err := s.process(c, stream)
	if err != nil {
		return nil, err
	}
	end, _ := attr(stream, "", "End")
	if err := p.input(input, isTrue(end)); err != nil {
		return nil, err
	}
	doc, body := c.shellAnswer()
	c.shellElement(body, "SendResponse")
	return doc, nil
}

// signal answers Signal: terminate forgets the command, the keys end it.
func (s *Server) signal(c *call) (*etree.Document, error) {
	if !is(c.body, namespaceShell, "Signal") {
		return nil, newFault(faultSchemaValidation, "The body is not a signal.")
	}
	p, err := s.process(c, c.body)
	if err != nil {
		return nil, err
	}
	switch textOf(child(c.body, namespaceShell, "Code")) {
	case namespaceShell + "/signal/terminate":
		s.forget(c, commandID(c.body))
		p.abort()
	case namespaceShell + "/signal/ctrl_c", namespaceShell + "/signal/ctrl_break":
		p.interrupt()
	default:
		return nil, newFault(FaultInvalidParameter, "The signal is unknown.")
	}
	doc, body := c.shellAnswer()
	c.shellElement(body, "SignalResponse")
	return doc, nil
}

// forget removes a command from its shell.
func (s *Server) forget(c *call, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh, err := s.findShell(c); err == nil {
		delete(sh.commands, id)
	}
}
