package winrm

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Limits of an answer. Its size is the transport's to limit.
const (
	maxDepth      = 64
	maxAttributes = 64 // of one element
	maxElements   = 65536
)

// actionCommandResponse is the action of the answer to a Command, without which masterzen/winrm takes it for none.
const actionCommandResponse = actionCommand + "Response"

// stateDone is the state of a command that has ended (MS-WSMV 2.2.4.10).
const stateDone = namespaceShell + "/CommandState/Done"

// namespaceAddressing2005 is that of WS-Addressing 1.0, which DSP0226 allows.
const namespaceAddressing2005 = "http://www.w3.org/2005/08/addressing"

// An answer is what one pass over an envelope has found.
type answer struct {
	req    *request
	fault  bool
	action string // wsa:Action, "" if there is none

	id string // of the shell or the command, if one was asked for

	received       bool // it holds a ReceiveResponse
	stdout, stderr []byte
	done           bool
	exitCode       string
}

// A scanner is one pass over an envelope.
type scanner struct {
	*answer
	path     []xml.Name
	elements int
	ended    bool // the root element has
	selected bool // the id is that of the reference to the shell

	// capture is the depth of the element whose text is wanted, 0 if none is.
	capture int
	text    bytes.Buffer
	element xml.StartElement
}

// readAnswer reads an answer to req. It is held to the limits, and to what masterzen/winrm takes for granted: that is XML with a SOAP
// envelope, of this request, without a DOCTYPE, and that what an operation is to return is there.
func readAnswer(b []byte, req *request) (*answer, error) {
	s := &scanner{answer: &answer{req: req}}
	d := xml.NewDecoder(bytes.NewReader(b))
	// It is UTF-8 by now, whatever it declares.
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.Token()
		if err == io.EOF { //nolint:errorlint // Token returns io.EOF itself
			break
		}
		if err != nil {
			return nil, &wsman.ProtocolError{Msg: "not well-formed XML", Err: brief(err)}
		}
		if err := s.token(token); err != nil {
			return nil, err
		}
		if s.fault {
			return s.answer, nil // package wsman reads it
		}
	}
	if !s.ended {
		return nil, &wsman.ProtocolError{Msg: "an empty document"}
	}
	return s.answer, s.complete()
}

func (s *scanner) token(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return s.start(token)
	case xml.EndElement:
		return s.end()
	case xml.CharData:
		switch {
		case s.capture > 0:
			s.text.Write(token)
		case len(s.path) == 0 && len(bytes.TrimSpace(token)) > 0:
			return &wsman.ProtocolError{Msg: "text outside the root element"}
		}
	case xml.Directive:
		return &wsman.ProtocolError{Msg: "a document type declaration"}
	}
	return nil
}

func (s *scanner) start(e xml.StartElement) error {
	if err := s.count(e); err != nil {
		return err
	}
	s.path = append(s.path, e.Name)
	switch {
	case len(s.path) == 1 && e.Name != xml.Name{Space: wsman.NamespaceSOAP, Local: "Envelope"}:
		return &wsman.ProtocolError{Msg: fmt.Sprintf("the root element is %.100s in namespace %.100q, not a SOAP 1.2 Envelope", e.Name.Local, e.Name.Space)}
	case s.inBody(3) && s.at(wsman.NamespaceSOAP, "Fault"):
		s.fault = true
	case s.inBody(3) && s.at(namespaceShell, "ReceiveResponse"):
		s.received = true
	case s.inBody(4) && s.at(namespaceShell, "CommandState") && s.within(3, namespaceShell, "ReceiveResponse"):
		s.done = s.done || attribute(e.Attr, "State") == stateDone
		return s.sameCommand(e)
	case s.capture == 0 && s.wanted(e):
		s.capture, s.element = len(s.path), e.Copy()
		s.text.Reset()
	}
	return nil
}

// count holds the document to the limits.
func (s *scanner) count(e xml.StartElement) error {
	s.elements++
	switch {
	case s.ended:
		return &wsman.ProtocolError{Msg: "a second root element"}
	case len(s.path) == maxDepth:
		return &wsman.ProtocolError{Msg: "elements are nested too deeply"}
	case len(e.Attr) > maxAttributes:
		return &wsman.ProtocolError{Msg: "too many attributes"}
	case s.elements > maxElements:
		return &wsman.ProtocolError{Msg: "too many elements"}
	}
	return nil
}

// at tells whether the element that the scanner is in has this name.
func (s *scanner) at(space, local string) bool { return s.within(len(s.path), space, local) }

// inBody tells whether it stands in the body, at this depth.
func (s *scanner) inBody(depth int) bool {
	return len(s.path) == depth && s.within(2, wsman.NamespaceSOAP, "Body")
}

// within tells whether the element around it at this depth has this name.
func (s *scanner) within(depth int, space, local string) bool {
	return len(s.path) >= depth && s.path[depth-1] == xml.Name{Space: space, Local: local}
}

// wanted tells whether the text of an element is.
func (s *scanner) wanted(e xml.StartElement) bool {
	switch s.req.action {
	case actionReceive:
		return s.within(3, namespaceShell, "ReceiveResponse") && (s.inBody(4) && s.at(namespaceShell, "Stream") ||
			s.inBody(5) && s.at(namespaceShell, "ExitCode") && s.within(4, namespaceShell, "CommandState")) || s.relates(e)
	case actionCreate: // some services send a reference to the shell, some the shell, and Windows both
		return s.within(2, wsman.NamespaceSOAP, "Body") && s.at(wsman.NamespaceWSMan, "Selector") && attribute(e.Attr, "Name") == "ShellId" ||
			s.inBody(4) && s.at(namespaceShell, "ShellId") && s.within(3, namespaceShell, "Shell") || s.relates(e)
	case actionCommand:
		return s.inBody(4) && s.at(namespaceShell, "CommandId") && s.within(3, namespaceShell, "CommandResponse") ||
			s.addressing("Action") || s.relates(e)
	}
	return s.relates(e)
}

// addressing tells that the element is this header of WS-Addressing.
func (s *scanner) addressing(local string) bool {
	return len(s.path) == 3 && s.within(2, wsman.NamespaceSOAP, "Header") &&
		(s.at(wsman.NamespaceAddressing, local) || s.at(namespaceAddressing2005, local))
}

// relates tells the header that names the request. It may stand several times; the one that means the request has this type, or none.
func (s *scanner) relates(e xml.StartElement) bool {
	kind := attribute(e.Attr, "RelationshipType")
	return s.addressing("RelatesTo") && (kind == "" || strings.HasSuffix(strings.ToLower(kind), "reply"))
}

func (s *scanner) end() error {
	var err error
	if s.capture == len(s.path) {
		err = s.captured()
		s.capture = 0
	}
	s.path = s.path[:len(s.path)-1]
	s.ended = len(s.path) == 0
	return err
}

// captured takes the text of an element.
func (s *scanner) captured() error {
	text := s.text.Bytes()
	switch s.element.Name.Local {
	case "RelatesTo":
		if id := string(text); strings.TrimSpace(id) != "" && bareID(id) != bareID(s.req.messageID) {
			return &wsman.ProtocolError{Path: "s:Header/wsa:RelatesTo", Msg: "the answer is to another message"}
		}
	case "Action":
		s.action = strings.TrimSpace(string(text))
	case "Selector", "ShellId", "CommandId":
		return s.takeID(string(bytes.TrimSpace(text)))
	case "Stream":
		return s.stream(text)
	case "ExitCode":
		n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
		if err != nil || n < -1<<31 || n >= 1<<32 {
			return &wsman.ProtocolError{Path: "rsp:CommandState/rsp:ExitCode", Msg: fmt.Sprintf("%.20q is not an exit code", text)}
		}
		s.exitCode = strconv.Itoa(int(n)) // where int has 32 bits, masterzen/winrm cannot read 2^31 and more
	}
	return nil
}

// bareID returns a message id as it compares: some services echo it in another case, or without "uuid:" or "urn:uuid:".
func bareID(s string) string {
	s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "urn:")
	return strings.Trim(strings.TrimPrefix(s, "uuid:"), "{}")
}

// maxID is longer than any id of a shell or a command; Windows uses GUIDs.
const maxID = 256

// takeID takes an id, which masterzen/winrm writes into later messages as it is. That of the reference to a shell goes before others, as
// it is the one to be used (DSP0226 clause 5.1).
func (s *scanner) takeID(id string) error {
	name := s.element.Name.Local
	if id == "" || len(id) > maxID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>&"'`, r) }) {
		return &wsman.ProtocolError{Path: name, Msg: fmt.Sprintf("%.100q is no id", id)}
	}
	if s.id == "" || name == "Selector" && !s.selected {
		s.id, s.selected = id, name == "Selector"
	}
	return nil
}

// stream takes a piece of output.
func (s *scanner) stream(text []byte) error {
	if err := s.sameCommand(s.element); err != nil {
		return err
	}
	if bytes.ContainsAny(text, " \t") { // line ends do not matter
		text = bytes.Join(bytes.Fields(text), nil)
	}
	var to *[]byte
	name := attribute(s.element.Attr, "Name")
	switch name {
	case "stdout":
		to = &s.stdout
	case "stderr":
		to = &s.stderr
	default: // it was not asked for
		to = new([]byte)
	}
	var err error
	if *to, err = base64.StdEncoding.AppendDecode(*to, text); err != nil {
		return &wsman.ProtocolError{Path: "rsp:Stream", Msg: fmt.Sprintf("a piece of %.20q is not base64", name), Err: err}
	}
	return nil
}

// sameCommand refuses output of a command that was not asked for.
func (s *scanner) sameCommand(e xml.StartElement) error {
	if id := attribute(e.Attr, "CommandId"); id != "" && !strings.EqualFold(id, s.req.commandID) {
		return &wsman.ProtocolError{Path: "rsp:" + e.Name.Local, Msg: "it is of another command"}
	}
	return nil
}

// complete tells what is missing.
func (a *answer) complete() error {
	switch {
	case a.req.action == actionCreate && a.id == "":
		return &wsman.ProtocolError{Path: "s:Body", Msg: "no ShellId"}
	case a.req.action == actionCommand && a.action != "" && a.action != actionCommandResponse:
		return &wsman.ProtocolError{Path: "s:Header/wsa:Action", Msg: fmt.Sprintf("%.100q is not that of an answer to a command", a.action)}
	case a.req.action == actionCommand && a.id == "":
		return &wsman.ProtocolError{Path: "s:Body", Msg: "no rsp:CommandId"}
	case a.req.action == actionReceive && !a.received:
		return &wsman.ProtocolError{Path: "s:Body", Msg: "no rsp:ReceiveResponse"}
	case a.done && a.exitCode == "":
		// masterzen/winrm would take it for 0.
		return &wsman.ProtocolError{Path: "rsp:CommandState", Msg: "the command is done, and has no exit code"}
	}
	return nil
}

// fruitless tells that a Receive has brought nothing.
func (a *answer) fruitless() bool { return a.received && !a.done && len(a.stdout)+len(a.stderr) == 0 }

// maxCause is how much of the text of a decoder's error stands in ours, in characters: it may repeat names of the document.
const maxCause = 200

// brief returns err, or what its text begins with.
func brief(err error) error {
	if text := err.Error(); len(text) > maxCause {
		return fmt.Errorf("%.*s…", maxCause, text)
	}
	return err
}
