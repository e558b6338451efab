package winrm

import (
	"bytes"
	"encoding/base64"
	"strings"

	"golang.org/x/text/encoding/unicode"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// envelope returns the answer as masterzen/winrm is to parse it: written anew, with what was found, and nothing else. Its parser keeps
// all namespaces for each comment and each piece of text, looks for its parts anywhere, takes what is no base64 for no output, and needs
// long for many pieces. Ids need no escapes.
func (a *answer) envelope() string {
	var w strings.Builder
	w.Grow(1024 + base64.StdEncoding.EncodedLen(len(a.stdout)) + base64.StdEncoding.EncodedLen(len(a.stderr)))
	w.WriteString(`<s:Envelope xmlns:s="` + wsman.NamespaceSOAP + `" xmlns:a="` + wsman.NamespaceAddressing +
		`" xmlns:w="` + wsman.NamespaceWSMan + `" xmlns:rsp="` + namespaceShell + `">`)
	if a.req.action == actionCommand {
		w.WriteString(`<s:Header><a:Action>` + actionCommandResponse + `</a:Action></s:Header>`)
	}
	w.WriteString(`<s:Body>`)
	switch a.req.action {
	case actionCreate:
		w.WriteString(`<w:Selector Name="ShellId">` + a.id + `</w:Selector>`)
	case actionCommand:
		w.WriteString(`<rsp:CommandId>` + a.id + `</rsp:CommandId>`)
	case actionReceive:
		a.writeReceived(&w)
	}
	w.WriteString(`</s:Body></s:Envelope>`)
	return w.String()
}

// writeReceived writes what a Receive has brought.
func (a *answer) writeReceived(w *strings.Builder) {
	w.WriteString(`<rsp:ReceiveResponse>`)
	writeStream(w, "stdout", a.stdout)
	writeStream(w, "stderr", a.stderr)
	if a.done {
		w.WriteString(`<rsp:CommandState State="` + stateDone + `"><rsp:ExitCode>` + a.exitCode + `</rsp:ExitCode></rsp:CommandState>`)
	}
	w.WriteString(`</rsp:ReceiveResponse>`)
}

func writeStream(w *strings.Builder, name string, octets []byte) {
	if len(octets) == 0 {
		return
	}
	w.WriteString(`<rsp:Stream Name="` + name + `">`)
	e := base64.NewEncoder(base64.StdEncoding, w)
	_, _ = e.Write(octets) // a Builder fails never
	_ = e.Close()
	w.WriteString(`</rsp:Stream>`)
}

// toUTF8 takes the byte order mark off b, and the encoding that it tells. Without a mark the '<' of UTF-16 tells it, as in package
// wsman.
func toUTF8(b []byte) ([]byte, error) {
	endian, marks := unicode.LittleEndian, unicode.IgnoreBOM
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		return b[3:], nil
	case bytes.HasPrefix(b, []byte("\xFF\xFE")), bytes.HasPrefix(b, []byte("\xFE\xFF")):
		marks = unicode.UseBOM
	case bytes.HasPrefix(b, []byte("<\x00")):
	case bytes.HasPrefix(b, []byte("\x00<")):
		endian = unicode.BigEndian
	default:
		return b, nil
	}
	return unicode.UTF16(endian, marks).NewDecoder().Bytes(b)
}
