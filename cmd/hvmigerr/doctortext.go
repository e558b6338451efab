package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// Columns of the text.
const (
	columnName = 9  // behind the outcome
	columnSeen = 25 // behind the name, the longest of which is authentication
)

// maxSeen bounds how much of what was seen at a rung is printed, in bytes. JSON has all of it.
const maxSeen = 700

// printStep prints what became of a rung, when it is known. Those that were not tried are left for the end.
func (a *app) printStep(st *step) {
	if st.notTried {
		return
	}
	clean := func(s string, margin int) string {
		return breakable(beginning(a.secrets.clean(s), maxSeen), helpWidth-margin)
	}
	first := fmt.Sprintf("%-*s%-*s", columnName, st.result, columnSeen-columnName, st.name)
	a.out.printf("%s\n", fold(first, strings.Repeat(" ", columnSeen), clean(st.seen, columnSeen)))
	indent := strings.Repeat(" ", columnName)
	for _, text := range st.more {
		a.out.printf("%s%s\n", indent, safeLine(a.secrets.clean(text)))
	}
	p := explainer{out: a.out, indent: indent}
	if st.means != "" {
		p.line("", clean(st.means, columnName))
	}
	for _, act := range st.actions {
		place := p.place(explain.Where(act.where))
		p.line("- ", strings.ToUpper(place[:1])+place[1:]+": "+clean(act.what, columnName+len("- ")))
		if act.command != "" {
			a.out.printf("%s  %s\n", indent, safeLine(a.secrets.clean(act.command))) // not folded: it is copied
		}
	}
	_ = a.out.flush() // the output keeps its error
}

// breakable returns text with words that are wider than a line cut into pieces that are not. A word is measured as it is printed.
func breakable(text string, line int) string {
	var words []string
	for word := range strings.FieldsSeq(text) {
		word = safeLine(word)
		begin, column := 0, 0
		for i, r := range word {
			n := runeCells(r)
			if column+n > line {
				words = append(words, word[begin:i])
				begin, column = i, 0
			}
			column += n
		}
		words = append(words, word[begin:])
	}
	return strings.Join(words, " ")
}

// printVerdict prints what was not tried, and what comes of it all.
func (a *app) printVerdict(l *ladder) {
	var notTried []string
	warnings := 0
	var first *step
	for _, st := range l.steps {
		switch {
		case st.notTried:
			notTried = append(notTried, st.name)
		case st.result == rungWarning:
			warnings++
		case st.err != nil && first == nil:
			first = st
		}
	}
	if len(notTried) > 0 {
		head := fmt.Sprintf("%-*s", columnName, "skipped")
		a.out.printf("%s\n", fold(head, strings.Repeat(" ", columnName), "not tried: "+strings.Join(notTried, ", ")))
	}
	text := "Nothing is in the way"
	switch {
	case first != nil && (errors.Is(first.err, errInterrupted) || errors.Is(first.err, errTerminated)):
		text = "Stopped at " + first.name
	case first != nil:
		text = "In the way: " + first.name
	case l.nobody:
		text += " so far"
	}
	if warnings > 0 {
		text += "; " + count(warnings, "warning")
	}
	text += "."
	if first == nil && l.nobody {
		text += " Name a user with -u to climb further."
	}
	a.out.printf("\n%s\n", text)
}
