package wsmantest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// ShellService is how the host's remote shell answers.
type ShellService struct {
	// Disabled is the policy "Allow Remote Shell Access": off.
	Disabled bool `json:"disabled,omitempty"`
	// MaxShells is how many a user may have. If zero, 30.
	MaxShells int `json:"maxShells,omitempty"`
	// Chunk is how many octets one stream of a Receive holds at most. If zero, 16384. Odd numbers split characters.
	Chunk int `json:"chunk,omitempty"`
	// Encoding is that of wevtutil's output. If empty, utf-16le with a BOM.
	Encoding ShellEncoding `json:"encoding,omitempty"`
	// Truncate cuts the output of wevtutil after that many octets, the first TruncateCount times (if zero, always); 0 is never.
	Truncate      int `json:"truncate,omitempty"`
	TruncateCount int `json:"truncateCount,omitempty"`
	// Commands answer further command lines.
	Commands []ShellCommand `json:"commands,omitempty"`
}

// ShellEncoding is an encoding of what wevtutil writes.
type ShellEncoding string

// The encodings (facts/event-log.md §3).
const (
	EncodingUTF16BOM ShellEncoding = "utf-16le-bom"
	EncodingUTF16    ShellEncoding = "utf-16le"
	EncodingUTF8     ShellEncoding = "utf-8"
	EncodingCP1252   ShellEncoding = "windows-1252"
)

// A ShellCommand is a command line that the shell knows, and what comes of it.
type ShellCommand struct {
	Line     string `json:"line"`
	Stdout   string `json:"stdout,omitempty"`
	Stderr   string `json:"stderr,omitempty"`
	ExitCode int    `json:"exitCode,omitempty"`
	// Duration is how long it runs before it ends; Never that it does not end.
	Duration Duration `json:"duration,omitempty"`
	Never    bool     `json:"never,omitempty"`
	// Echo writes what it gets on stdin to stdout, behind Stdout, and ends with stdin.
	Echo bool `json:"echo,omitempty"`
}

// validate says what makes no sense.
func (m *ShellService) validate() error {
	switch m.Encoding {
	case "", EncodingUTF16BOM, EncodingUTF16, EncodingUTF8, EncodingCP1252:
	default:
		return fmt.Errorf("shell: encoding %q is unknown", m.Encoding)
	}
	if m.MaxShells < 0 || m.Chunk < 0 || m.Truncate < 0 || m.TruncateCount < 0 {
		return errors.New("shell: maxShells, chunk, truncate and truncateCount cannot be negative")
	}
	for i := range m.Commands {
		if k := &m.Commands[i]; k.Line == "" || k.Duration < 0 {
			return fmt.Errorf("shell: commands[%d]: line is required, and duration cannot be negative", i)
		}
	}
	return nil
}

// The resource of remote shells, its namespace, and what its actions and codes begin with (MS-WSMV 2.2.4, 3.1.4).
const (
	resourceShell  = namespaceShell + "/cmd"
	namespaceShell = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"

	actionCreate  = wsman.NamespaceTransfer + "/Create"
	actionDelete  = wsman.NamespaceTransfer + "/Delete"
	actionCommand = namespaceShell + "/Command"
	actionReceive = namespaceShell + "/Receive"
	actionSend    = namespaceShell + "/Send"
	actionSignal  = namespaceShell + "/Signal"
)

// Limits of shells on Windows (facts/event-log.md §4).
const (
	defaultMaxShells    = 30
	maxCommandsPerShell = 25
	shellIdle           = 7200 * time.Second
	selectorShellID     = "ShellId"
)

// A shell is one remote shell with its commands. The server's mutex guards it, but not the commands themselves.
type shell struct {
	user     *User
	used     time.Time
	commands map[string]*process
}

// shell answers a request for the resource of shells. Only full access opens it (facts/event-log.md §4).
func (s *Server) shell(ctx context.Context, c *call) (*etree.Document, error) {
	switch {
	case !c.user.Access.isAdministrator():
		return nil, newFault(FaultAccessDenied, "")
	case s.host.model.Shell.Disabled:
		return nil, newFault(FaultShellsDisabled, "")
	}
	switch c.action {
	case actionCreate:
		return s.createShell(c)
	case actionDelete:
		return s.deleteShell(c)
	case actionCommand:
		return s.command(c)
	case actionReceive:
		return s.receive(ctx, c)
	case actionSend:
		return s.sendInput(c)
	case actionSignal:
		return s.signal(c)
	}
	return nil, newFault(faultActionNotSupported, "The action is none that a shell supports.")
}

// createShell answers Create as Windows does: with a reference to the shell, and the shell itself.
func (s *Server) createShell(c *call) (*etree.Document, error) {
	if !is(c.body, namespaceShell, "Shell") {
		return nil, newFault(faultSchemaValidation, "The body is not a shell.")
	}
	id, err := s.openShell(c)
	if err != nil {
		return nil, err
	}
	doc, body := c.shellAnswer()
	created := c.w.add(body, "x", "ResourceCreated")
	c.w.addText(created, "a", "Address", s.URL())
	parameters := c.w.add(created, "a", "ReferenceParameters")
	c.w.addText(parameters, "w", "ResourceURI", resourceShell)
	c.w.addText(c.w.add(parameters, "w", "SelectorSet"), "w", "Selector", id).CreateAttr("Name", selectorShellID)
	e := c.shellElement(body, "Shell")
	for _, p := range []struct{ name, text string }{
		{"ShellId", id},
		{"ResourceUri", resourceShell},
		{"Owner", s.host.name() + `\` + c.user.Name},
		{"IdleTimeOut", "PT" + fmt.Sprintf("%.3f", shellIdle.Seconds()) + "S"},
		{"InputStreams", streamStdin},
		{"OutputStreams", streamStdout + " " + streamStderr},
		{"ShellRunTime", "P0DT0H0M0S"},
		{"ShellInactivity", "P0DT0H0M0S"},
	} {
		c.w.addText(e, prefixShell, p.name, p.text)
	}
	return doc, nil
}

// openShell stores a new shell, and lets go of those that were idle for too long.
func (s *Server) openShell(c *call) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := 0
	for id, other := range s.shells {
		switch {
		case c.now.Sub(other.used) > shellIdle:
			s.dropShell(id)
		case other.user == c.user:
			open++
		}
	}
	if open >= cmp.Or(s.host.model.Shell.MaxShells, defaultMaxShells) {
		return "", newFault(FaultQuotaShells, "")
	}
	id := newGUID()
	if s.shells == nil {
		s.shells = map[string]*shell{}
	}
	s.shells[id] = &shell{user: c.user, used: c.now, commands: map[string]*process{}}
	return id, nil
}

// deleteShell answers Delete: what runs in the shell ends with it.
func (s *Server) deleteShell(c *call) (*etree.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.findShell(c); err != nil {
		return nil, err
	}
	id, _ := c.selectors.Get(selectorShellID)
	s.dropShell(strings.ToUpper(id))
	doc, _ := c.shellAnswer()
	return doc, nil
}

// findShell returns the shell that the selectors of a request name; the caller holds the mutex.
func (s *Server) findShell(c *call) (*shell, error) {
	id, ok := c.selectors.Get(selectorShellID)
	switch {
	case !ok:
		return nil, newFault(faultInsufficientSelector, "The selector "+selectorShellID+" is missing.")
	case len(c.selectors) > 1:
		return nil, newFault(faultUnexpectedSelectors, "A shell has one key, "+selectorShellID+".")
	}
	sh := s.shells[strings.ToUpper(id)]
	if sh == nil || sh.user != c.user || c.now.Sub(sh.used) > shellIdle {
		return nil, newFault(FaultShellNotFound, "")
	}
	sh.used = c.now
	return sh, nil
}

// dropShell forgets a shell and ends its commands; the caller holds the mutex.
func (s *Server) dropShell(id string) {
	for _, p := range s.shells[id].commands {
		p.abort()
	}
	delete(s.shells, id)
}

// dropShells forgets all shells; the caller holds the mutex.
func (s *Server) dropShells() {
	for id := range s.shells {
		s.dropShell(id)
	}
}

// OpenShells returns how many remote shells were created and neither deleted nor, since, forgotten for being idle.
func (s *Server) OpenShells() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.shells)
}

// CommandLines returns the command lines that shells ran, oldest first; at most the last of [Config.Records].
func (s *Server) CommandLines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commandLines)
}

// prefixShell is the prefix that Windows gives the namespace of shells.
const prefixShell = "rsp"

// shellAnswer starts the answer to a request for a shell and returns its body.
func (c *call) shellAnswer() (doc *etree.Document, body *etree.Element) {
	doc, header, body := c.w.envelope("a", "x", "w")
	c.w.address(header, c.action+"Response", c.messageID)
	return doc, body
}

// shellElement appends an element of the namespace of shells to an answer.
func (c *call) shellElement(parent *etree.Element, local string) *etree.Element {
	e := c.w.add(parent, prefixShell, local)
	c.w.declare(e, prefixShell, namespaceShell)
	return e
}
