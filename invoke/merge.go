package invoke

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

// merge fills Parts from the answers and the job's own fields.
func (d *Diagnosis) merge() {
	m := newMerger(d)
	for _, a := range d.Answers {
		for i, r := range a.Errors {
			m.add(Part{Source: Source(a.Method), Index: i, Error: r.Error, DecodeError: r.Err})
		}
	}
	m.addText(Part{Source: SourceErrorDescription, Text: value(d.Job.ErrorDescription)})
	m.addText(Part{Source: SourceErrorSummaryDescription, Text: value(d.Job.ErrorSummaryDescription)})
	code := value(d.Job.ErrorCode)
	if len(d.Parts) > 0 || code == 0 || code == errorCodeStarted {
		return
	}
	// ErrorCode of a Hyper-V job speaks with the return values of the methods (facts/wire-format.md §6, schema.md).
	text := strconv.Itoa(int(code))
	if name := ReturnValue(code).String(); code >= vendorRange && name != text {
		text += " (" + name + ")"
	}
	d.Parts = append(d.Parts, Part{Source: SourceErrorCode, Text: text})
}

// A merger adds parts to a diagnosis. Its work grows with the size of what the host said, not with its square: a host may say
// thousands of things.
type merger struct {
	d     *Diagnosis
	known map[string]int // key of each error, to its place in Parts
	said  []string       // what each of Parts says
}

// newMerger returns a merger that knows what d holds already.
func newMerger(d *Diagnosis) *merger {
	m := &merger{d: d, known: map[string]int{}}
	for i := range d.Parts {
		p := &d.Parts[i]
		if p.instance() != nil || p.DecodeError != nil {
			m.known[p.key()] = i
		}
		m.said = append(m.said, p.said())
	}
	return m
}

// maxCompared bounds the lines and messages that are compared with each other. What goes beyond is told as it stands.
const maxCompared = 100

// add appends an error, or notes that p's source said the same as another.
func (m *merger) add(p Part) {
	key := p.key()
	if i, ok := m.known[key]; ok {
		m.d.Parts[i].also(&p)
		return
	}
	m.known[key] = len(m.d.Parts)
	m.append(p)
}

func (m *merger) append(p Part) {
	m.d.Parts = append(m.d.Parts, p)
	m.said = append(m.said, p.said())
}

// addText appends what a property of the job says, exactly as it is, unless each line of it was said before: hosts join the
// messages of several errors in one text (facts/real-examples.md §2).
func (m *merger) addText(p Part) {
	var told []int
	lines := 0
	for line := range strings.Lines(p.Text) {
		line = squeeze(line)
		if line == "" {
			continue
		}
		if lines++; lines > maxCompared {
			break
		}
		compared := m.said[:min(len(m.said), maxCompared)]
		if i := slices.IndexFunc(compared, func(said string) bool { return strings.Contains(said, line) }); i >= 0 {
			told = append(told, i)
		}
	}
	if len(told) < lines {
		m.append(p)
		return
	}
	for _, i := range told {
		m.d.Parts[i].also(&p)
	}
}

// also notes that other said the same.
func (p *Part) also(other *Part) {
	switch {
	case p.Host != other.Host:
		p.AlsoHost = other.Host
	case p.Source != other.Source && !slices.Contains(p.Also, other.Source):
		p.Also = append(p.Also, other.Source)
	}
}

// instance is the error as far as it could be decoded, or nil.
func (p *Part) instance() *cimerror.MsvmError {
	switch {
	case p.Error != nil:
		return p.Error
	case p.DecodeError != nil && p.DecodeError.Instance != nil:
		return p.DecodeError.Instance.MsvmError()
	}
	return nil
}

// said is the sentence that people read in p, its blanks squeezed.
func (p *Part) said() string {
	if e := p.instance(); e != nil {
		return squeeze(value(e.Message))
	}
	return squeeze(p.Text)
}

// key tells errors that say the same: Message and MessageID, or, without a message, all that they hold. Of those that could not be
// decoded the texts must be equal.
func (p *Part) key() string {
	if p.DecodeError != nil {
		return "raw\x00" + p.DecodeError.Raw
	}
	key := "error\x00" + value(p.Error.MessageID) + "\x00" + p.said()
	if p.said() == "" {
		key += "\x00" + strings.Join(fingerprint(p.Error), "\x00")
	}
	return key
}

// fingerprint lists the properties of an error other than Message and MessageID, NULL and zero alike.
func fingerprint(e *cimerror.MsvmError) []string {
	numbers := [...]uint64{
		uint64(value(e.CIMStatusCode)), uint64(value(e.ErrorSourceFormat)), uint64(value(e.ErrorType)),
		uint64(value(e.PerceivedSeverity)), uint64(value(e.ProbableCause)),
	}
	var out []string
	for _, n := range numbers {
		out = append(out, strconv.FormatUint(n, 10))
	}
	for _, s := range [...]*string{
		e.CIMStatusCodeDescription, e.ErrorSource, e.OtherErrorSourceFormat, e.OtherErrorType, e.OwningEntity,
		e.ProbableCauseDescription,
	} {
		out = append(out, squeeze(value(s)))
	}
	for _, list := range [...][]*string{e.MessageArguments, e.RecommendedActions} {
		out = append(out, strconv.Itoa(len(list)))
		for _, s := range list {
			out = append(out, squeeze(value(s)))
		}
	}
	return out
}

// squeeze makes every run of white space one blank.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
