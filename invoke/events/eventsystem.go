package events

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

// system reads a child of System (facts/event-log.md §1.2).
func (d *decoder) system(s *xml.StartElement) error {
	text, err := d.leaf(s)
	sys := &d.event.System
	switch name := s.Name.Local; name {
	case "Provider":
		sys.Provider, sys.ProviderGUID = d.attr(s, "Name"), d.attr(s, "Guid")
	case "EventID":
		sys.EventID = number[uint32](d, name, text)
		sys.Qualifiers = number[uint16](d, "Qualifiers", d.attr(s, "Qualifiers"))
	case "Version":
		sys.Version = number[uint8](d, name, text)
	case "Level":
		sys.Level = number[uint8](d, name, text)
	case "Task":
		sys.Task = number[uint16](d, name, text)
	case "Opcode":
		sys.Opcode = number[uint8](d, name, text)
	case "Keywords":
		sys.Keywords = number[uint64](d, name, text)
	case "TimeCreated":
		d.time(d.attr(s, "SystemTime"))
	case "EventRecordID":
		sys.RecordID = number[uint64](d, name, text)
	case "Correlation":
		sys.ActivityID = d.attr(s, "ActivityID")
	case "Execution":
		sys.ProcessID = number[uint32](d, "ProcessID", d.attr(s, "ProcessID"))
		sys.ThreadID = number[uint32](d, "ThreadID", d.attr(s, "ThreadID"))
	case "Channel":
		sys.Channel = strings.TrimSpace(text)
	case "Computer":
		sys.Computer = strings.TrimSpace(text)
	case "Security":
		sys.UserID = d.attr(s, "UserID")
	}
	return err
}

// number reads a number, decimal or with 0x; nil if there is none.
func number[T uint8 | uint16 | uint32 | uint64](d *decoder, name, text string) *T {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	digits, base := text, 10
	if len(text) > 2 && (text[:2] == "0x" || text[:2] == "0X") {
		digits, base = text[2:], 16
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil || uint64(T(n)) != n {
		d.problem("%s %q is not a number that it can be", name, beginning([]byte(text)))
		return nil
	}
	v := T(n)
	return &v
}

// time reads TimeCreated: 7 or 9 digits after the second, by the release of Windows, or any other number.
func (d *decoder) time(text string) {
	sys := &d.event.System
	text = strings.TrimSpace(text)
	if text == "" {
		return
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05", text)
		if err == nil {
			d.problem("the time %q has no zone; it is taken as UTC", beginning([]byte(text)))
		}
	}
	if err != nil {
		sys.TimeText = text
		d.problem("%q is not a time", beginning([]byte(text)))
		return
	}
	sys.Time = t.UTC()
}
