package explain

import (
	"strconv"
	"strings"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
)

// Numbers explains codes, in their order. An event that is a headline becomes the Headline.
func Numbers(codes ...Code) *Explanation {
	c := newCollector()
	for _, code := range codes {
		c.addCode(code, Finding{Basis: BasisCode}, false)
	}
	return c.explanation()
}

// Text explains a message, or several: each line counts as a text of its own, and offsets are into the whole.
func Text(text string) *Explanation {
	c := newCollector()
	c.addText(0, text, nil)
	return c.explanation()
}

// Error explains one error of a host. Offsets are into what its Error method returns.
func Error(e *cimerror.MsvmError) *Explanation {
	c := newCollector()
	if e != nil {
		c.addError(0, e)
	}
	return c.explanation()
}

// Diagnosis explains what a host said about a job, and what the other end of the migration said, if that was joined. Offsets are into
// what the String method of the part returns.
func Diagnosis(d *invoke.Diagnosis) *Explanation {
	c := newCollector()
	if d == nil {
		return c.explanation()
	}
	for i := range d.Parts {
		p := &d.Parts[i]
		switch {
		case p.Error != nil:
			c.addError(i, p.Error)
		case p.DecodeError != nil && p.DecodeError.Instance != nil:
			c.addError(i, p.DecodeError.Instance.MsvmError())
		case p.DecodeError != nil: // what it says is ours
		default:
			c.addText(i, p.String(), nil)
		}
	}
	c.addReturned(d)
	if d.Destination != nil {
		c.addReturned(d.Destination)
		c.giveWay(d)
	}
	e := c.explanation()
	for i := range e.Findings {
		e.Findings[i].tellHost(d)
	}
	if e.Headline != nil {
		e.Headline.tellHost(d)
	}
	return e
}

// tellHost says which host a finding is from. A number that was returned has that already.
func (f *Finding) tellHost(d *invoke.Diagnosis) {
	if f.Part >= 0 {
		f.Host = d.Parts[f.Part].Host
	}
}

// addError takes the message of e, and what its other properties tell.
func (c *collector) addError(part int, e *cimerror.MsvmError) {
	c.addText(part, e.Error(), c.addMessageID(part, e))
	if e.CIMStatusCode == nil {
		return
	}
	code := Code{KindCIM, uint32(*e.CIMStatusCode)}
	if code.Value >= failureBit {
		code, _ = codeOf(code.Value)
	}
	if !nothing(code) && hasRow(code) {
		c.addCode(code, Finding{Basis: BasisStatus, Part: part}, false)
	}
}

// addMessageID takes the MessageID of e: the number of an event of Hyper-V or of the cluster service, or a text with a code, such as
// the "HRESULT 0x803381a5" of MSFT_WmiError (facts/faults.md §1). It returns the row of a headline.
func (c *collector) addMessageID(part int, e *cimerror.MsvmError) (headline *Row) {
	if e.MessageID == nil {
		return nil
	}
	id := strings.TrimSpace(*e.MessageID)
	f := Finding{Basis: BasisMessageID, Part: part}
	v, err := strconv.ParseUint(id, 10, 16)
	if err != nil {
		for _, found := range Codes(id) {
			c.addCode(found.Code, f, false)
		}
		return nil
	}
	code := Code{KindEvent, uint32(v)}
	row := known().rows[code]
	if row == nil || !ofMigration(e.OwningEntity) {
		return nil
	}
	c.addCode(code, f, false)
	if row.Headline {
		return row
	}
	return nil
}

// ofMigration reports whether entity is one whose event numbers the tables have. Hyper-V's errors name theirs; where nobody is named,
// as in what was copied by hand, Hyper-V is meant.
func ofMigration(entity *string) bool {
	if entity == nil || strings.TrimSpace(*entity) == "" {
		return true
	}
	name := strings.ToLower(*entity)
	return strings.Contains(name, "hyper-v") || strings.Contains(name, "failoverclustering")
}

// addReturned takes the numbers that a job and the methods returned.
func (c *collector) addReturned(d *invoke.Diagnosis) {
	f := Finding{Basis: BasisReturn, Part: -1, Host: d.Host}
	if d.Job != nil && d.Job.ErrorCode != nil {
		c.addReturn(uint32(*d.Job.ErrorCode), f)
	}
	for _, a := range d.Answers {
		if a.Returned {
			c.addReturn(uint32(a.ReturnValue), f)
		}
	}
}

// addReturn takes one of them.
func (c *collector) addReturn(v uint32, f Finding) {
	if code := (Code{KindReturnValue, v}); !nothing(code) && hasRow(code) {
		c.addCode(code, f, false)
	}
}
