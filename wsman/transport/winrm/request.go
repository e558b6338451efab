package winrm

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/masterzen/winrm/soap"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Namespace of the remote shell, and the actions that are told apart (MS-WSMV 2.2.4, 3.1.4).
const (
	namespaceShell = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"

	actionCreate  = wsman.NamespaceTransfer + "/Create"
	actionDelete  = wsman.NamespaceTransfer + "/Delete"
	actionCommand = namespaceShell + "/Command"
	actionReceive = namespaceShell + "/Receive"
	actionSignal  = namespaceShell + "/Signal"
)

// defaultTimeout is taken for wsman:OperationTimeout where a message has none that can be read.
const defaultTimeout = 60 * time.Second

// A request is what has to be known of a message that goes out.
type request struct {
	body      []byte
	action    string
	messageID string
	timeout   time.Duration // wsman:OperationTimeout
	shellID   string        // that it is for; "" of a Create
	commandID string        // that a Receive asks for, or a Signal ends
}

// newRequest reads a message of masterzen/winrm, which writes texts into XML as they are: one that is no XML then, or holds more
// than one document, is not sent.
func newRequest(msg *soap.SoapMessage) (*request, error) {
	r := &request{body: []byte(msg.String()), timeout: defaultTimeout}
	d := xml.NewDecoder(bytes.NewReader(r.body))
	var path []xml.Name
	for {
		token, err := d.Token()
		if err == io.EOF { //nolint:errorlint // Token returns io.EOF itself
			break
		}
		if err != nil {
			return nil, fmt.Errorf("winrm: the message is not XML: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name)
			if token.Name.Space == namespaceShell && (token.Name.Local == "DesiredStream" || token.Name.Local == "Signal") {
				r.commandID = attribute(token.Attr, "CommandId")
			}
		case xml.CharData:
			switch len(path) {
			case 3: // Envelope, Header, and the header's name
				r.header(path[2], strings.TrimSpace(string(token)))
			case 4: // a shell's id is the only selector that masterzen/winrm has
				if path[3] == (xml.Name{Space: wsman.NamespaceWSMan, Local: "Selector"}) {
					r.shellID = string(token)
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	if r.action == "" || r.messageID == "" {
		return nil, fmt.Errorf("winrm: the message has no wsa:Action or no wsa:MessageID")
	}
	return r, nil
}

// header keeps the text of a header.
func (r *request) header(name xml.Name, text string) {
	switch name {
	case xml.Name{Space: wsman.NamespaceAddressing, Local: "Action"}:
		r.action = text
	case xml.Name{Space: wsman.NamespaceAddressing, Local: "MessageID"}:
		r.messageID = text
	case xml.Name{Space: wsman.NamespaceWSMan, Local: "OperationTimeout"}:
		// In hours, minutes and seconds, xs:duration is Go's own form but for the letters.
		clock, ok := strings.CutPrefix(text, "PT")
		if d, err := time.ParseDuration(strings.ToLower(clock)); ok && err == nil && d > 0 {
			r.timeout = d
		}
	}
}

// cleansUp tells that the message ends something on the host.
func (r *request) cleansUp() bool { return r.action == actionSignal || r.action == actionDelete }

// outlives tells that the message goes on for a while when its context has ended.
func (r *request) outlives() bool { return r.cleansUp() || r.action == actionCreate }

// command names the command that the message is about, among those of all shells.
func (r *request) command() string { return r.shellID + "/" + r.commandID }

// replyMargin is what an answer needs beyond the time that the host has for it; package wsman allows the same.
const replyMargin = 15 * time.Second

// limit is how long the answer may take.
func (r *request) limit() time.Duration { return r.timeout + replyMargin }

// attribute returns the value of the attribute with this name and no namespace, or "".
func attribute(list []xml.Attr, name string) string {
	for _, a := range list {
		if a.Name == (xml.Name{Local: name}) {
			return a.Value
		}
	}
	return ""
}
