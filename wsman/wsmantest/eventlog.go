package wsmantest

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// An EventLog is one channel of the host's event log.
type EventLog struct {
	// Channel is its name, such as Microsoft-Windows-Hyper-V-VMMS-Admin.
	Channel string `json:"channel"`
	// Code is the Win32 error that reading the channel ends with, such as 5 or 15022; 0 is none.
	Code uint32 `json:"code,omitempty"`
	// Events are in the order of time.
	Events []LogEvent `json:"events,omitempty"`
	// ClearedAfter is when, after Model.Start, the log is cleared: all that happened before is gone then. Zero is never.
	ClearedAfter Duration `json:"clearedAfter,omitempty"`
}

// A LogEvent is one record of an [EventLog].
type LogEvent struct {
	ID uint32 `json:"id"`
	// At is when it is written, after Model.Start; it may be negative.
	At Duration `json:"at,omitempty"`
	// Level is 4, information, if it is zero.
	Level uint8 `json:"level,omitempty"`
	// Provider is that of the channel if it is empty.
	Provider string `json:"provider,omitempty"`
	// RecordID is one more than that of the event before if it is zero; the first is 1.
	RecordID uint64 `json:"recordID,omitempty"`
	// Root is VmlEventLog if it is empty; EventData is the other form.
	Root   string     `json:"root,omitempty"`
	Fields []LogField `json:"fields,omitempty"`
	// Message is what the host renders.
	Message string `json:"message,omitempty"`
	// UserID and Computer are those of the system and of the host if they are empty.
	UserID   string `json:"userID,omitempty"`
	Computer string `json:"computer,omitempty"`
	// Bare leaves out all that the XML of the event says of itself (System).
	Bare bool `json:"bare,omitempty"`
	// Raw is the XML of the event, verbatim, in place of the above.
	Raw string `json:"raw,omitempty"`
}

// A LogField is one value of a [LogEvent]. Without a name it is Data of EventData, or the next Parameter of VmlEventLog.
type LogField struct {
	Name  string `json:"name,omitempty"`
	Value string `json:"value"`
}

// EventService is how the class MSFT_ServerManagerTasks answers.
type EventService struct {
	// Missing tells that the host does not have the class, NoNamespace not even its namespace.
	Missing     bool `json:"missing,omitempty"`
	NoNamespace bool `json:"noNamespace,omitempty"`
	// Streaming sends the items as a stream (i:InteractiveEvent) in place of out parameters.
	Streaming bool `json:"streaming,omitempty"`
	// StreamElement puts an element around the properties of each streamed item. StreamAlone leaves out the output that ends the answer,
	// unless there are no items.
	StreamElement bool `json:"streamElement,omitempty"`
	StreamAlone   bool `json:"streamAlone,omitempty"`
	// Timestamp is the form of a time. If empty, filetime.
	Timestamp TimestampForm `json:"timestamp,omitempty"`
	// MaxItems is how many items one answer holds at most, whatever Top asks; 0 is no bound.
	MaxItems int `json:"maxItems,omitempty"`
}

// TimestampForm is how MSFT_ServerEventDetail writes a time; no host was seen (facts/event-log.md §5.1).
type TimestampForm string

// The forms of a time.
const (
	TimestampFILETIME TimestampForm = "filetime" // 100 ns since 1601
	TimestampTicks    TimestampForm = "ticks"    // 100 ns since 0001, as .NET counts
	TimestampOdd      TimestampForm = "odd"      // a number that is neither
)

// maxEventID is the largest number of an event: 16 bits (facts/event-log.md §1.2).
const maxEventID = 1<<16 - 1

// maxChannelName is the most characters that Windows gives the name of a channel (ChannelType in the schema of event manifests).
const maxChannelName = 255

func validateEventLogs(logs []EventLog) error {
	names := map[string]bool{}
	for i := range logs {
		if err := logs[i].validate(); err != nil {
			return fmt.Errorf("eventLogs[%d]: %w", i, err)
		}
		name := strings.ToLower(logs[i].Channel)
		if names[name] {
			return fmt.Errorf("eventLogs[%d]: channel %q twice", i, logs[i].Channel)
		}
		names[name] = true
	}
	return nil
}

// validateEventDigits refuses what no Windows writes (facts/event-log.md §1.2).
func validateEventDigits(digits int) error {
	if digits != 0 && digits != 7 && digits != 9 {
		return fmt.Errorf("eventDigits %d is neither 7 nor 9", digits)
	}
	return nil
}

func (l *EventLog) validate() error {
	// The characters are those that the schema of event manifests forbids in a channel's name.
	bad := strings.IndexFunc(l.Channel, func(r rune) bool { return r < ' ' || strings.ContainsRune("<>&\"|\\:`?*", r) })
	switch {
	case l.Channel == "":
		return errors.New("channel is required")
	case len(l.Channel) > maxChannelName || bad >= 0 || !utf8.ValidString(l.Channel):
		return fmt.Errorf("channel %q is no name of a channel", l.Channel)
	case l.Code > maxEventID:
		return fmt.Errorf("code %d is no error of Win32", l.Code)
	}
	last := uint64(0)
	for i := range l.Events {
		e := &l.Events[i]
		if err := e.validate(); err != nil {
			return fmt.Errorf("events[%d]: %w", i, err)
		}
		id := cmp.Or(e.RecordID, last+1)
		switch {
		case id <= last:
			return fmt.Errorf("events[%d]: recordID %d does not follow %d", i, e.RecordID, last)
		case i > 0 && e.At < l.Events[i-1].At:
			return fmt.Errorf("events[%d]: at %v is before the %v of the event before", i, e.At, l.Events[i-1].At)
		}
		last = id
	}
	return nil
}

func (e *LogEvent) validate() error {
	switch {
	case e.ID > maxEventID:
		return fmt.Errorf("id %d is above %d", e.ID, maxEventID)
	case e.Level > maxLevel:
		return fmt.Errorf("level %d is not from 1 to %d", e.Level, maxLevel)
	case e.Root != "" && !isElementName(e.Root):
		return fmt.Errorf("root %q is not an XML name", e.Root)
	case e.Root == rootEventData:
		return nil // the names of its fields are attributes
	}
	for i, f := range e.Fields {
		if f.Name != "" && !isElementName(f.Name) {
			return fmt.Errorf("fields[%d]: name %q is not an XML name", i, f.Name)
		}
	}
	return nil
}
