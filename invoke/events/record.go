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
	// hostWide tells that it strikes every machine of the host.
	hostWide bool
	// at is when it happened, by the clock of the host: Time, or that of its neighbour in the log when it has none.
	at  time.Time
	seq int // of arriving, which orders events of one time
	// id is the GUID of the virtual machine, in upper case; vm is its name, or that of its resource in the cluster; either may be "".
	id, vm string
	// prefix is what the cluster wrote before the name of the machine in that of its resource, where the text shows it.
	prefix string
	// guess is what stands in the text where most events have the name of a machine. It counts if another event knows that name.
	guess string
	// pieces are the quoted pieces of a text whose order does not tell what they are: other events may. Each of parts is one of them;
	// without parts, one may be a machine.
	pieces              []string
	parts               []part
	source, destination string
	host                *Report // that told it, while reports are merged
}

// newRecord finds out what e means, also by what it learned of others of its kind. It returns nil for an event that tells nothing of
// migrations, whatever stands beside it.
func newRecord(e *Event, learned map[eventKey]*meaning) *record {
	r := record{Event: e, key: keyOf(e), at: e.Time}
	m := catalogued().meanings[r.key]
	known := m != nil
	if !known {
		m = r.unknown(learned)
	}
	if m == nil {
		return nil
	}
	r.kind, r.role, r.weak, r.hostWide = m.kind, m.role, m.weak, m.hostWide
	if len(e.Fields) > 0 {
		r.readFields(m)
	}
	r.readText(m)
	if r.kind == kindNote && !known && r.id == "" && r.vm == "" {
		return nil
	}
	kept := r // only what is kept is worth an allocation
	return &kept
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
// is read; those without a number have nothing in common.
func (r *record) unknown(learned map[eventKey]*meaning) *meaning {
	level := uint8(levelError)
	if r.Level != nil && *r.Level != 0 {
		level = *r.Level
	}
	if level > levelWarning {
		if !r.key.ofHyperV() {
			return nil
		}
		return catalogued().note
	}
	if m := learned[r.key]; m != nil {
		return m
	}
	text := clip(r.text(), maxClassified)
	if text == "" || len(learned) == maxLearned {
		return catalogued().hint
	}
	m := r.read(text)
	if r.key.id != 0 {
		learned[r.key] = m
	}
	return m
}

// read returns what an event means by what explain knows of its codes and, in English, of its words. Of one with
// neither a number nor a level, what tells nothing is no error.
func (r *record) read(text string) *meaning {
	e := explain.Text(text + "\n" + r.codes())
	if h := e.Headline; h != nil && r.key.ofHyperV() {
		return meaningOf(h.Row)
	}
	for _, f := range e.Findings {
		if f.Basis == explain.BasisPattern && strings.Contains(strings.ToLower(text), "migrat") {
			return &meaning{kind: kindCause}
		}
	}
	if r.key.id == 0 && r.Level == nil && len(e.Findings) == 0 {
		return catalogued().note
	}
	return catalogued().hint
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

// readFields takes what the fields tell: those with a name that says what they are, and else arguments by their number. The GUID comes
// before the name, which may be that of another machine.
func (r *record) readFields(m *meaning) {
	for _, ids := range [...]bool{true, false} {
		for _, f := range r.Fields {
			if p := partOf(f.Name); p != "" && (p == partID) == ids {
				r.set(p, f.Value)
			}
		}
	}
	for _, a := range m.arguments {
		r.set(a.part, r.argument(a.number))
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

// maxPieces is how many quoted pieces of a text are looked at.
const maxPieces = 4

// readText takes what the fields did not tell from the text, in whatever language it is.
func (r *record) readText(m *meaning) {
	text := clip(r.Message(), maxClassified)
	if text == "" {
		return
	}
	if r.id == "" {
		r.id = guidIn(text)
	}
	switch {
	case m == catalogued().note && r.id == "": // it is forgotten anyway
	case len(m.quoted) == 0:
		r.readGuess(text)
	case r.tells(m.quoted):
	default:
		r.readPieces(m, text)
	}
}

// readPieces takes the quoted pieces of a text of known words. Where they may be in another order, or where one is missing, the other
// events tell which is which. The texts of the cluster begin with the resource.
func (r *record) readPieces(m *meaning, text string) {
	n, sure := maxPieces, r.key.ofCluster() && len(m.quoted) == 1
	if keepsOrder(text) && !sure {
		n, sure = len(m.quoted), true
	}
	pieces := quotedPieces(text, n)
	if !sure && len(pieces) > 1 || len(pieces) < len(m.quoted) {
		r.pieces, r.parts = pieces, m.quoted
		return
	}
	r.setAll(m.quoted, pieces)
	r.findMachine(pieces)
}

// readGuess takes the pieces of a text of which only that is known that one may be a machine.
func (r *record) readGuess(text string) {
	if r.vm != "" {
		return
	}
	n := 1
	if r.kind != kindNote {
		n = maxPieces
	}
	pieces := quotedPieces(text, n)
	if len(pieces) > 0 {
		r.guess = pieces[0]
	}
	if len(pieces) > 1 {
		r.pieces = pieces
	}
}

// tells reports whether all of parts are known.
func (r *record) tells(parts []part) bool {
	for _, p := range parts {
		if p == partVM && r.vm == "" || p == partSource && r.source == "" || p == partDestination && r.destination == "" {
			return false
		}
	}
	return true
}

// setAll takes the values of parts, in their order.
func (r *record) setAll(parts []part, values []string) {
	for i, p := range parts[:min(len(parts), len(values))] {
		r.set(p, values[i])
	}
}

// findMachine takes the name of the machine from a text of the cluster which says what it is after it wrote what its resource is: the
// former ends the latter (facts/event-log.md §2.2, on 21502).
func (r *record) findMachine(pieces []string) {
	if r.key.provider != haProvider || r.vm == "" || machineOf(r.vm) != r.vm {
		return
	}
	for _, piece := range pieces[min(1, len(pieces)):] {
		if prefix, ok := strings.CutSuffix(r.vm, piece); ok && strings.HasSuffix(prefix, " ") {
			r.vm, r.prefix = piece, prefix
			return
		}
	}
}

// set takes the value of a part, unless it is known. A GUID is that of the machine, wherever it stands: no host is named by one. Once
// that is known, another is a name that somebody gave the machine.
func (r *record) set(p part, value string) {
	value = clip(strings.TrimSpace(value), longestName)
	id, isID := parseGUID(value)
	switch {
	case isID && r.id == "":
		r.id = id
	case isID && (p != partVM || id == r.id):
	case p == partVM && r.vm == "":
		r.vm = value
	case p == partSource && r.source == "" && mayBeHost(value):
		r.source = value
	case p == partDestination && r.destination == "" && mayBeHost(value):
		r.destination = value
	}
}
