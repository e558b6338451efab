package events

import (
	"strconv"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// A record is an event with what it means.
type record struct {
	*Event
	key  eventKey
	kind kind
	role Role
	weak bool // the role counts only if no other event tells
	// at is when it happened, by the clock of the host: Time, or that of its neighbour in the log when it has none.
	at  time.Time
	seq int // of arriving, which orders events of one time
	// id is the GUID of the virtual machine, in upper case; vm is its name, or that of its resource in the cluster; either may be "".
	id, vm string
	// guess is what stands in the text where most events have the name of a machine. It counts if another event knows that name.
	guess               string
	source, destination string
	host                *Report // that told it, while reports are merged
}

// newRecord finds out what e means, also by what it learned of others of its kind. It returns nil for an event that tells nothing of
// migrations, whatever stands beside it.
func newRecord(e *Event, learned map[eventKey]*meaning) *record {
	r := &record{Event: e, key: keyOf(e), at: e.Time}
	m := catalogued().meanings[r.key]
	if m == nil {
		m = r.unknown(learned)
	}
	if m == nil {
		return nil
	}
	r.kind, r.role, r.weak = m.kind, m.role, m.weak
	r.readFields(m)
	r.readText(m)
	return r
}

// text returns the text of the event; without one, the values of its fields, a line each.
func (r *record) text() string {
	if m := r.Message(); m != "" {
		return m
	}
	var b strings.Builder
	for _, f := range r.Fields {
		if b.Len() > maxText {
			break
		}
		b.WriteString(f.Value)
		b.WriteByte('\n')
	}
	return b.String()
}

// The levels of events (facts/event-log.md §1.2).
const (
	levelError   = 2
	levelWarning = 3
)

// unknown returns what an event means that the catalogue does not have. Those of one number have the same words, so only the first
// is read.
func (r *record) unknown(learned map[eventKey]*meaning) *meaning {
	level := uint8(levelError)
	if r.Level != nil && *r.Level != 0 {
		level = *r.Level
	}
	if level > levelWarning {
		if !r.key.ofHyperV() {
			return nil
		}
		return &meaning{kind: kindNote}
	}
	if m := learned[r.key]; m != nil {
		return m
	}
	text := clip(r.text(), maxClassified)
	if text == "" || len(learned) == maxLearned {
		return &meaning{kind: kindHint}
	}
	m := r.read(text)
	learned[r.key] = m
	return m
}

// read returns what an event means by what explain knows of its codes and, in English, of its words.
func (r *record) read(text string) *meaning {
	e := explain.Text(text)
	if h := e.Headline; h != nil && r.key.ofHyperV() {
		return meaningOf(h.Row)
	}
	for _, f := range e.Findings {
		if f.Basis == explain.BasisPattern && strings.Contains(strings.ToLower(text), "migrat") {
			return &meaning{kind: kindCause}
		}
	}
	return &meaning{kind: kindHint}
}

// meaningOf returns what the words of a headline mean.
func meaningOf(row *explain.Row) *meaning {
	m := &meaning{kind: kindFailed, quoted: []part{partVM}}
	switch {
	case row.Value == 21024:
		m.role, m.quoted = RoleSource, []part{partVM, partSource}
	case row.ID == "failed-at-destination":
		m.role, m.weak, m.quoted = RoleDestination, true, []part{partVM, partDestination}
	}
	return m
}

// The bounds of what is looked at of one event, in bytes, and of how many numbers of events are learned.
const (
	maxText       = 64 << 10
	maxClassified = 8 << 10
	longestName   = 512
	maxLearned    = 2000
)

// clip returns the first n bytes of s.
func clip(s string, n int) string { return s[:min(len(s), n)] }

// readFields takes what the fields tell: those with a name that says what they are, and else arguments by their number.
func (r *record) readFields(m *meaning) {
	for _, f := range r.Fields {
		if p := partOf(f.Name); p != "" {
			r.set(p, f.Value)
		}
	}
	for p, n := range m.arguments {
		r.set(p, r.argument(n))
	}
	if r.id != "" {
		return
	}
	for _, f := range r.Fields {
		if f.Name == "" || strings.HasPrefix(f.Name, "Parameter") {
			if r.set(partID, f.Value); r.id != "" {
				return
			}
		}
	}
}

// partOf returns what a field of this name is; "" if that is not known (facts/event-log.md §1.3).
func partOf(name string) part {
	switch name {
	case "VmName", "VMName", "VirtualMachineName", "ResourceName", "ResourceGroup":
		return partVM
	case "VmId", "VMId", "VMID", "VmID", "VirtualMachineId", "SystemId":
		return partID
	case "SourceHost", "SourceNode", "SourceNodeName":
		return partSource
	case "DestinationHost", "DestinationNode", "TargetHost", "TargetNode", "TargetNodeName":
		return partDestination
	}
	return ""
}

// argument returns the value of argument n of the message, counted from 1: that of Parameter n-1 (facts/event-log.md §1.3), or of the
// n-th Data if they have no names; "" if there is none.
func (r *record) argument(n int) string {
	if v, ok := r.Field("Parameter" + strconv.Itoa(n-1)); ok {
		return v
	}
	if n <= len(r.Fields) && r.Fields[n-1].Name == "" {
		return r.Fields[n-1].Value
	}
	return ""
}

// readText takes what the fields did not tell from the text, in whatever language it is.
func (r *record) readText(m *meaning) {
	text := clip(r.Message(), maxClassified)
	if text == "" {
		return
	}
	if r.id == "" {
		r.id = guidIn(text)
	}
	pieces := quotedPieces(text, max(len(m.quoted), 1))
	if len(m.quoted) == 0 && r.vm == "" && len(pieces) > 0 {
		r.guess = clip(pieces[0], longestName)
	}
	for i, p := range m.quoted {
		if i < len(pieces) {
			r.set(p, pieces[i])
		}
	}
}

// set takes the value of a part, unless it is known. A GUID is that of the machine, wherever it stands: no host is named by one.
func (r *record) set(p part, value string) {
	value = clip(strings.TrimSpace(value), longestName)
	id, isID := parseGUID(value)
	switch {
	case isID:
		if r.id == "" {
			r.id = id
		}
	case p == partVM && r.vm == "":
		r.vm = value
	case p == partSource && r.source == "":
		r.source = value
	case p == partDestination && r.destination == "":
		r.destination = value
	}
}
