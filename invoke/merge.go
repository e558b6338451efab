package invoke

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

// merge fills Parts from the answers and the job's own fields.
func (d *Diagnosis) merge() {
	for _, a := range d.Answers {
		for i, r := range a.Errors {
			d.add(Part{Source: Source(a.Method), Index: i, Error: r.Error, DecodeError: r.Err})
		}
	}
	d.addText(SourceErrorDescription, value(d.Job.ErrorDescription))
	d.addText(SourceErrorSummaryDescription, value(d.Job.ErrorSummaryDescription))
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

// add appends an error, or notes that p's source said the same as another.
func (d *Diagnosis) add(p Part) {
	for i := range d.Parts {
		if d.Parts[i].same(&p) {
			d.Parts[i].also(p.Source)
			return
		}
	}
	d.Parts = append(d.Parts, p)
}

// addText appends what a property of the job says, exactly as it is, unless each line of it was said before: hosts join the
// messages of several errors in one text (facts/real-examples.md §2).
func (d *Diagnosis) addText(source Source, text string) {
	var told []int
	lines := 0
	for line := range strings.Lines(text) {
		line = squeeze(line)
		if line == "" {
			continue
		}
		lines++
		if i := slices.IndexFunc(d.Parts, func(p Part) bool { return strings.Contains(p.said(), line) }); i >= 0 {
			told = append(told, i)
		}
	}
	if len(told) < lines {
		d.Parts = append(d.Parts, Part{Source: source, Text: text})
		return
	}
	for _, i := range told {
		d.Parts[i].also(source)
	}
}

func (p *Part) also(source Source) {
	if p.Source != source && !slices.Contains(p.Also, source) {
		p.Also = append(p.Also, source)
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

// same reports whether two errors say the same: Message and MessageID, or, without a message, all that they hold.
// Of two that could not be decoded the texts must be equal.
func (p *Part) same(q *Part) bool {
	if p.DecodeError != nil || q.DecodeError != nil {
		return p.DecodeError != nil && q.DecodeError != nil && p.DecodeError.Raw == q.DecodeError.Raw
	}
	if value(p.Error.MessageID) != value(q.Error.MessageID) || p.said() != q.said() {
		return false
	}
	return p.said() != "" || slices.Equal(fingerprint(p.Error), fingerprint(q.Error))
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
