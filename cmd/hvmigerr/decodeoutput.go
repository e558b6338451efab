package main

import (
	"slices"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// diagnosis returns what was decoded as package explain takes it.
func (d *decoding) diagnosis() *invoke.Diagnosis {
	return &invoke.Diagnosis{Answers: d.answers, Parts: d.parts}
}

// printDecoding prints the errors as get does.
func (a *app) printDecoding(d *decoding, f *decodeFlags) {
	printed := false
	for _, answer := range d.answers {
		if answer.Returned {
			a.out.printf("%s returned %s\n", answer.Method, returnValueText(answer.ReturnValue))
			printed = true
		}
	}
	for i := range d.parts {
		if printed || i > 0 {
			a.out.printf("\n")
		}
		a.printError(i+1, d.parts[i].Error, d.parts[i].DecodeError)
	}
	if !f.noExplain {
		a.printMeaning(explain.Diagnosis(d.diagnosis()), nil)
	}
}

// writeDecoding writes the errors as JSON: with jsonl each in a line of its own, with what it means alone, and one more line when none
// was clean.
func (a *app) writeDecoding(d *decoding, f *decodeFlags, err error) error {
	head := object{{"schema", schema}, {"command", "decode"}, {"source", d.source}}
	failure := object{{"exit", exitCode(err)}, {"error", newErrorReport(err)}}
	if f.output == outputJSON {
		all := append(append(head, failure...),
			member{"returnValues", returnedList(d.answers)},
			member{"errors", partObjects(d.parts)},
			member{"notes", d.notes()},
		)
		return a.writeJSON(explained(all, d.diagnosis(), !f.noExplain), f.output)
	}
	for i := range d.parts {
		line := append(slices.Clip(head), partObject(&d.parts[i])...)
		line = explained(line, &invoke.Diagnosis{Parts: d.parts[i : i+1]}, !f.noExplain)
		if err := a.writeJSON(line, f.output); err != nil {
			return err
		}
	}
	if err == nil {
		return nil
	}
	return a.writeJSON(append(head, failure...), f.output)
}
