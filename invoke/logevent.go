package invoke

import "time"

// SourceEvent is the event log of a host. [Diagnose] does not read it: see [Diagnosis.AddEvents].
const SourceEvent Source = "event"

// A LogEvent is what an event of a host's log says of a failure. Package events reads whole ones.
type LogEvent struct {
	// ID is the number of the event, which means something together with Provider alone.
	ID       uint32
	Provider string
	Channel  string
	RecordID uint64    // 0 if it has none
	Time     time.Time // by the clock of the host; zero if it has none
	// Text is what the host wrote, or whatever else there is to read.
	Text string
}

// AddEvents adds what the event log of the host says about the same failure, in this order, each a Part of [SourceEvent] with its place
// among events as Index. One whose every line was said before is not repeated, but noted in Also. It is called before [Diagnosis.Join],
// and once.
func (d *Diagnosis) AddEvents(events []LogEvent) {
	m := newMerger(d)
	for i := range events {
		m.addText(Part{Source: SourceEvent, Index: i, Text: events[i].Text, Event: &events[i]})
	}
}
