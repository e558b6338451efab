package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// An explainer prints explanations, folded to the width of a terminal. What it prints is ours; the few words of the host in it are
// made safe.
type explainer struct {
	out    *output
	indent string
	// full makes it print everything about every finding, and the code in all its spellings; else what comes first.
	full bool
	// text is the one that was explained, to tell the line; else the parts have numbers.
	text string
	// lines has, for each line of text, the line of the file it was taken from; nil if text is all of the file.
	lines []int
	// hosts are the names of machines, where they are known.
	hosts map[explain.Where]string
	// from is the host that the finding at hand is from, "" for the one that was asked first.
	from string
}

// How much there is of one finding in the answer to something else. "hvmigerr explain" prints all.
const (
	maxCauses = 3
	maxChecks = 4
)

// line prints text, folded, its first line behind first.
func (p *explainer) line(first, text string) {
	p.out.printf("%s\n", fold(p.indent+first, p.indent+strings.Repeat(" ", cells(first)), text))
}

// headline says what a headline is good for. One that stands alone tells at least where to look.
func (p *explainer) headline(f *explain.Finding, alone bool) {
	if p.full {
		p.line("", "Headline: "+named(f, p.told(f))+". It says that and where the migration failed, not why.")
	} else {
		p.line("", fmt.Sprintf("Message %d is a headline (%s): it says that and where, not why.", f.Part+1, named(f, "")))
	}
	defer p.deeper("  ")()
	if p.full && f.Row.Meaning != "" {
		p.line("", f.Row.Meaning)
	}
	if alone {
		p.causes(f.Row.Causes)
		p.checks(f.Row.Checks)
	}
}

// finding prints one finding, when brief without causes and checks. It reports whether something was left out.
func (p *explainer) finding(f *explain.Finding, brief bool) (cut bool) {
	r := f.Row
	p.from = f.Host
	if p.full {
		p.title(f)
	} else {
		p.line("", named(f, p.told(f)))
	}
	defer p.deeper("  ")()
	if r.Meaning != "" {
		p.line("", r.Meaning)
	}
	causes, checks := r.Causes, r.Checks
	switch {
	case brief:
		causes, checks = nil, nil
	case !p.full:
		causes, checks = causes[:min(len(causes), maxCauses)], checks[:min(len(checks), maxChecks)]
	}
	p.causes(causes)
	p.checks(checks)
	if p.full {
		p.references(r.References)
	}
	return len(causes) < len(r.Causes) || len(checks) < len(r.Checks)
}

// deeper indents what follows, until the function that it returns is called.
func (p *explainer) deeper(by string) (back func()) {
	before := p.indent
	p.indent += by
	return func() { p.indent = before }
}

func (p *explainer) references(list []string) {
	label := "See: "
	for i, ref := range list {
		if i == 0 {
			p.out.printf("\n")
		}
		p.line(label, ref)
		label = "     "
	}
}

// more says how to see the rest of a finding.
func more(f *explain.Finding) string {
	c := number(f)
	what := symbol(f)
	switch {
	case c == explain.Code{}:
		return "\"hvmigerr explain\" of the message tells more."
	case what != "":
	case c.Kind == explain.KindReturnValue || c.Kind == explain.KindCIM || c.Kind == explain.KindWin32:
		what = fmt.Sprint(c.Value)
	default:
		what = codeText(c)
	}
	return fmt.Sprintf("\"hvmigerr explain %s\" tells more.", what)
}

func (p *explainer) causes(causes []string) {
	if len(causes) == 0 {
		return
	}
	if p.full {
		p.out.printf("\n")
	}
	if len(causes) == 1 {
		p.line("Likely cause: ", causes[0])
		return
	}
	p.line("", "Likely causes, the first the likeliest:")
	for i, c := range causes {
		p.line(fmt.Sprintf("%3d. ", i+1), c)
	}
}

// checks prints what to look at, by machine, in the order in which the machines first come.
func (p *explainer) checks(checks []explain.Check) {
	if len(checks) == 0 {
		return
	}
	if p.full {
		p.out.printf("\n")
	}
	var order []explain.Where
	for _, c := range checks {
		if !slices.Contains(order, c.Where) {
			order = append(order, c.Where)
		}
	}
	for _, where := range order {
		p.line("", "Check "+p.place(where)+":")
		for _, c := range checks {
			if c.Where != where {
				continue
			}
			p.line("  - ", c.What)
			if c.Command != "" {
				p.out.printf("%s      %s\n", p.indent, safeLine(c.Command)) // not folded: it is copied
			}
		}
	}
}

// place names a machine for a check.
func (p *explainer) place(where explain.Where) string {
	name, host := "", p.hosts[where]
	if where == explain.WhereHost && p.from != "" {
		host = p.from
	}
	if host != "" {
		name = ", " + safeLine(host)
	}
	switch where {
	case explain.WhereHere:
		return "here"
	case explain.WhereDC:
		return "on a domain controller"
	case explain.WhereBoth:
		return "on both hosts"
	case explain.WhereSource, explain.WhereDestination, explain.WhereHost:
	}
	return "on the " + string(where) + name
}

// title prints the same in several lines, with a code in all its spellings.
func (p *explainer) title(f *explain.Finding) {
	line := p.indent
	for _, word := range append([]string{f.Row.ID, symbol(f)}, spellings(number(f))...) {
		switch begun := strings.TrimSpace(line) != ""; {
		case word == "":
			continue
		case begun && cells(line)+2+cells(word) > helpWidth:
			p.out.printf("%s\n", line)
			line = p.indent + "  "
		case begun:
			line += "  "
		}
		line += word
	}
	p.out.printf("%s\n", line)
	if within := inner(f); within != "" {
		p.out.printf("%s  = %s\n", p.indent, within)
	}
	if told := p.told(f); told != "" {
		p.out.printf("%s  %s\n", p.indent, told)
	}
}

// told says what in the input a finding rests on; nothing for a code that was asked for. The parts are called messages: "error 2"
// would be a code to whoever explains this output.
func (p *explainer) told(f *explain.Finding) string {
	switch property := f.Basis == explain.BasisMessageID || f.Basis == explain.BasisStatus; {
	case f.Text == "" && property && f.Row.Kind == explain.KindEvent:
		return fmt.Sprintf("the number of message %d", f.Part+1) // its MessageID or, in a log, its EventID
	case f.Text == "" && property:
		return fmt.Sprintf("the %s of message %d", f.Basis, f.Part+1)
	case f.Text == "" && p.text != "":
		return "a code of the SOAP fault"
	case f.Text == "":
		return ""
	case p.text == "" && f.Basis == explain.BasisPattern:
		return fmt.Sprintf("by the words of message %d", f.Part+1)
	case p.text == "":
		return fmt.Sprintf("in message %d", f.Part+1)
	}
	piece := beginning(f.Text, maxPiece)
	if f.Basis == explain.BasisCode {
		piece = strings.NewReplacer("\r", "", "\n", "").Replace(piece) // a console broke it
	}
	piece = safeLine(`"` + piece + `"`)
	if !strings.Contains(strings.TrimSpace(p.text), "\n") {
		return "by " + piece
	}
	line := 1 + strings.Count(p.text[:f.Start], "\n")
	if p.lines != nil {
		line = p.lines[line-1]
	}
	return fmt.Sprintf("by line %d: %s", line, piece)
}

// maxPiece bounds what is quoted of a text, in bytes.
const maxPiece = 60

// fold breaks text into lines that are no wider than a terminal, as far as its words let it. The first line begins with first, every
// other one with rest.
func fold(first, rest, text string) string {
	var b strings.Builder
	b.WriteString(first)
	column, begun := cells(first), false
	for word := range strings.FieldsSeq(text) {
		word = safeLine(word)
		switch {
		case !begun:
		case column+1+cells(word) > helpWidth:
			b.WriteString("\n" + rest)
			column = cells(rest)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += cells(word)
		begun = true
	}
	return b.String()
}
