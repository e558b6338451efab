package wsmantest

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Namespaces of events and of what Hyper-V puts into them (facts/event-log.md §1.2, §1.3).
const (
	namespaceEvent   = "http://schemas.microsoft.com/win/2004/08/events/event"
	namespaceVMEvent = "http://www.microsoft.com/Windows/Virtualization/Events"
)

// Elements that hold the values of an event.
const (
	rootVM        = "VmlEventLog"
	rootEventData = "EventData"
)

// userSystem is the account of the services that write most events.
const userSystem = "S-1-5-18"

// guidOf returns the GUID of a provider, or "" (facts/event-log.md §1.1).
func guidOf(provider string) string {
	switch provider {
	case "Microsoft-Windows-Hyper-V-VMMS":
		return "{6066f867-7ca1-4418-85fd-36e3f9c0600c}"
	case "Microsoft-Windows-Hyper-V-Worker":
		return "{51ddfa29-d5c8-4803-be4b-2ecb715570fe}"
	case "Microsoft-Windows-Hyper-V-Compute":
		return "{17103e3f-3c6e-4677-bb17-3b267eb5be57}"
	}
	return ""
}

// levelName is the name that Windows gives a level in English.
func levelName(level uint8) string {
	switch level {
	case 1:
		return "Critical"
	case 2:
		return "Error"
	case 3:
		return "Warning"
	case 5:
		return "Verbose"
	}
	return "Information"
}

// xml writes the event as wevtutil does: attributes in single quotes, no white space between elements. rendered adds RenderingInfo.
func (r *record) xml(b *bytes.Buffer, rendered bool, culture string) {
	if r.Raw != "" {
		b.WriteString(r.Raw)
		return
	}
	b.WriteString("<Event xmlns='" + namespaceEvent + "'>")
	r.system(b)
	r.data(b)
	if rendered {
		r.rendering(b, culture)
	}
	b.WriteString("</Event>")
}

func (r *record) system(b *bytes.Buffer) {
	if r.Bare {
		b.WriteString("<System></System>")
		return
	}
	b.WriteString("<System><Provider Name='" + escapeEvent(r.provider) + "'")
	if guid := guidOf(r.provider); guid != "" {
		b.WriteString(" Guid='" + guid + "'")
	}
	keywords := "0x8000000000000000"
	if strings.HasSuffix(r.channel, "Operational") {
		keywords = "0x4000000000000000"
	}
	_, _ = fmt.Fprintf(b, "/><EventID>%d</EventID><Version>0</Version><Level>%d</Level><Task>0</Task><Opcode>0</Opcode>"+
		"<Keywords>%s</Keywords><TimeCreated SystemTime='%s'/><EventRecordID>%d</EventRecordID><Correlation/>"+
		"<Execution ProcessID='2104' ThreadID='3980'/><Channel>%s</Channel><Computer>%s</Computer><Security UserID='%s'/></System>",
		r.ID, r.level, keywords, formatSystemTime(r.time, r.digits), r.id, escapeEvent(r.channel), escapeEvent(r.computer), escapeEvent(r.user))
}

// formatSystemTime writes a time in UTC: with 7 fraction digits, or with 9 as Windows Server 2012 R2 did.
func formatSystemTime(t time.Time, digits int) string {
	if digits == 9 {
		return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05.0000000Z")
}

// data writes the values: as Data of EventData, or as children of another root within UserData.
func (r *record) data(b *bytes.Buffer) {
	root := r.Root
	if root == "" {
		root = rootVM
	}
	if root == rootEventData {
		b.WriteString("<EventData>")
		for _, f := range r.Fields {
			b.WriteString("<Data")
			if f.Name != "" {
				b.WriteString(" Name='" + escapeEvent(f.Name) + "'")
			}
			b.WriteString(">" + escapeEvent(f.Value) + "</Data>")
		}
		b.WriteString("</EventData>")
		return
	}
	b.WriteString("<UserData><" + root + " xmlns='" + namespaceVMEvent + "'>")
	parameter := 0
	for _, f := range r.Fields {
		name := f.Name
		if name == "" {
			name = fmt.Sprint("Parameter", parameter)
			parameter++
		}
		b.WriteString("<" + name + ">" + escapeEvent(f.Value) + "</" + name + ">")
	}
	b.WriteString("</" + root + "></UserData>")
}

func (r *record) rendering(b *bytes.Buffer, culture string) {
	b.WriteString("<RenderingInfo Culture='" + escapeEvent(culture) + "'><Message>" + escapeEvent(r.text()) + "</Message><Level>" +
		levelName(r.level) + "</Level><Task></Task><Opcode>Info</Opcode><Channel></Channel><Provider>" + escapeEvent(r.provider) +
		"</Provider><Keywords></Keywords></RenderingInfo>")
}

// text is the message with the line ends of Windows.
func (r *record) text() string {
	return strings.ReplaceAll(strings.ReplaceAll(r.Message, "\r\n", "\n"), "\n", "\r\n")
}

// escapeEvent writes s for character data and for attributes in single quotes.
func escapeEvent(s string) string {
	s = clean(s)
	if !strings.ContainsAny(s, "&<>'") {
		return s // most texts; a replacer costs more than the rest of the event
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&apos;").Replace(s)
}
