package main

import (
	"fmt"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// explanationObject returns an explanation as JSON has it: all of it ours, but for the texts that told, which are the host's.
func explanationObject(e *explain.Explanation) object { return explanationOf(e, findingObject) }

// explanationOf returns the same with what told makes of each finding.
func explanationOf(e *explain.Explanation, told func(*explain.Finding) object) object {
	var headline object
	if e.Headline != nil {
		headline = told(e.Headline)
	}
	findings := make([]object, 0, len(e.Findings))
	for i := range e.Findings {
		findings = append(findings, told(&e.Findings[i]))
	}
	return object{{"headline", headline}, {"findings", findings}, {"notes", append([]string{}, e.Notes...)}}
}

// findingObject returns one finding. row is null unless the tables keep what they know under another code, the one within.
func findingObject(f *explain.Finding) object {
	c, r := number(f), f.Row
	o := object{{"basis", f.Basis}}
	if c == (explain.Code{}) {
		o = append(o, member{"kind", nil}, member{"code", nil}, member{"hex", nil}, member{"signed", nil})
	} else {
		o = append(o, codeMembers(c)...)
	}
	var row object
	if r.Code != c {
		row = append(codeMembers(r.Code), member{"symbol", nullable(r.Symbol)})
	}
	var part any = f.Part
	if f.Part < 0 {
		part = nil // a return value is of none
	}
	return append(o,
		member{"symbol", nullable(symbol(f))},
		member{"pattern", nullable(r.ID)},
		member{"row", row},
		member{"meaning", nullable(r.Meaning)},
		member{"causes", append([]string{}, r.Causes...)},
		member{"checks", checkObjects(r.Checks)},
		member{"references", append([]string{}, r.References...)},
		member{"part", part},
		member{"start", f.Start},
		member{"end", f.End},
		member{"text", nullable(f.Text)},
	)
}

// codeMembers returns a code in the spellings that logs have. Windows writes HRESULT and NTSTATUS as signed decimals, too.
func codeMembers(c explain.Code) object {
	var hex, minus any
	switch c.Kind {
	case explain.KindHRESULT, explain.KindNTSTATUS:
		hex, minus = fmt.Sprintf("0x%08X", c.Value), signed(c)
	case explain.KindWin32:
		hex = fmt.Sprintf("0x%08X", c.Value)
	case explain.KindCIM, explain.KindReturnValue, explain.KindEvent:
	}
	return object{{"kind", c.Kind}, {"code", c.Value}, {"hex", hex}, {"signed", minus}}
}

func checkObjects(checks []explain.Check) []object {
	list := make([]object, 0, len(checks))
	for _, c := range checks {
		list = append(list, object{{"where", c.Where}, {"what", c.What}, {"command", nullable(c.Command)}})
	}
	return list
}

// explained adds to an answer in JSON what its errors mean, unless that is not wanted.
func explained(o object, d *invoke.Diagnosis, wanted bool) object {
	if !wanted {
		return o
	}
	e := explain.Diagnosis(d)
	if d.Destination != nil {
		return append(o, member{"explanation", jointExplanation(e, d)})
	}
	return append(o, member{"explanation", explanationObject(e)})
}
