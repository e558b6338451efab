package events

import "time"

// A Route is a way to the event log of a host.
type Route string

// The routes of facts/event-log.md §0.
const (
	RouteServerManager Route = "servermanager" // GetServerEventDetailEx
	RouteShell         Route = "shell"         // wevtutil
)

// An Event is one record of an event log. Nothing that arrived is dropped: what has no field of its own is in Raw.
type Event struct {
	System
	// Log is the channel that was asked. It differs from System.Channel only where a host says something else.
	Log   string
	Route Route
	// Host is the name that a [Report] was merged by; "" until then.
	Host string
	// Root is the name of the element that held the fields: EventData, or the one within UserData, such as VmlEventLog. By
	// [RouteServerManager] it is "", and there are no fields.
	Root string
	// Fields are those of Root in their order.
	Fields []Field
	// Rendering is the text that the host made of the event; nil if there is none.
	Rendering *Rendering
	// Raw is the event as it came, in UTF-8: XML.
	Raw []byte
	// Problems tell what of the event made no sense, such as a time that is none.
	Problems []string
}

// System is what Windows says of every event. Hosts leave out whatever they like (facts/event-log.md §1.2): a number that did not come
// is nil, a text "", a time zero.
type System struct {
	Provider     string
	ProviderGUID string // as it came: letter case and braces differ by release
	EventID      *uint32
	Qualifiers   *uint16
	Version      *uint8
	Level        *uint8 // 1 critical, 2 error, 3 warning, 4 information, 5 verbose
	Task         *uint16
	Opcode       *uint8
	Keywords     *uint64
	// Time is TimeCreated, by the clock of the host, in UTC.
	Time time.Time
	// TimeText is what came in place of a time, when it is none.
	TimeText   string
	RecordID   *uint64
	ActivityID string
	ProcessID  *uint32
	ThreadID   *uint32
	Channel    string
	Computer   string
	UserID     string
}

// A Field is one value of an event. Name is "" for Data without a name.
type Field struct{ Name, Value string }

// A Rendering is what the host wrote of an event in its own language (RenderingInfo); each may be "".
type Rendering struct {
	Culture, Message, Level, Task, Opcode, Channel, Provider string
	Keywords                                                 []string
}

// Message returns the text of the event, or "".
func (e *Event) Message() string {
	if e.Rendering == nil {
		return ""
	}
	return e.Rendering.Message
}

// ID returns the number of the event, 0 if it has none.
func (e *Event) ID() uint32 {
	if e.EventID == nil {
		return 0
	}
	return *e.EventID
}

// Field returns the value of the first field with this name.
func (e *Event) Field(name string) (string, bool) {
	for _, f := range e.Fields {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}
