package explain

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// The bounds of an explanation. What they leave out is told in a note.
const (
	maxFindings = 32
	maxText     = 4 << 20 // bytes of all texts together
)

// A collector gathers what is recognised, and then puts it into order.
type collector struct {
	headline   *Finding
	candidates []candidate
	places     map[rowKey]int // in candidates
	found      int            // how many times something was
	texts      []*partText
	budget     int
	cut        bool // of a text, not all was looked at
}

// A candidate may become a finding.
type candidate struct {
	Finding
	rank  int
	order int // of finding it
}

// A rowKey tells rows apart, whichever of them are shared.
type rowKey struct {
	code Code
	id   string
}

// A partText is a text whose patterns are yet to be looked for: that waits until all codes are known.
type partText struct {
	part      int
	text      string
	folded    *folded
	headlines []span // the lines that say no more than that and where the migration failed
	matched   bool   // a pattern did
}

// A span is text[start:end].
type span struct {
	start, end int
}

// The ranks of findings, the most telling first. One is added for a code in the line of a headline.
const (
	rankPatternWithCode = 2 * iota
	rankCode
	rankPattern
	rankName
	rankEvent
	rankUnknown
	rankGeneric
	rankReturn
	rankStatus
)

func newCollector() *collector {
	return &collector{places: map[rowKey]int{}, budget: maxText}
}

// addText takes a text. The row is that of the headline if the text's MessageID told it; its first line is the headline then.
func (c *collector) addText(part int, text string, headline *Row) {
	if len(text) > c.budget {
		text, c.cut = text[:c.budget], true
	}
	c.budget -= len(text)
	t := &partText{part: part, text: text, folded: fold(text)}
	c.texts = append(c.texts, t)
	c.findHeadline(t, headline)
	codes := Codes(text)
	c.cut = c.cut || len(codes) == maxFound
	for _, f := range codes {
		inHeadline := slices.ContainsFunc(t.headlines, func(s span) bool { return s.start <= f.Start && f.End <= s.end })
		basis := BasisCode
		if f.Kind == KindEvent {
			basis = BasisMessageID
		}
		c.addCode(f.Code, Finding{Basis: basis, Part: part, Start: f.Start, End: f.End, Text: text[f.Start:f.End]}, inHeadline)
	}
}

// addCode takes a code. f says where it was found.
func (c *collector) addCode(code Code, f Finding, inHeadline bool) {
	row, ok := Lookup(code)
	if !ok {
		row = &Row{Code: code, Meaning: meaningOf(code)}
	}
	f.Code, f.Row, f.Symbol = code, row, symbolOf(code)
	if row.Headline {
		c.setHeadline(f)
		return
	}
	rank := rankOf(&f, ok)
	if inHeadline {
		rank++
	}
	c.add(f, rank)
}

// rankOf ranks what a number told.
func rankOf(f *Finding, known bool) int {
	switch {
	case f.Basis == BasisReturn:
		return rankReturn
	case f.Basis == BasisStatus:
		return rankStatus
	case !known:
		return rankUnknown
	case generic(f.Row.Code):
		return rankGeneric
	case f.Row.Kind == KindEvent:
		return rankEvent
	case f.Row.Meaning == "":
		return rankName
	}
	return rankCode
}

// generic reports whether c says little more than that something failed.
func generic(c Code) bool {
	switch c {
	case Code{KindWin32, 0}, Code{KindWin32, 1}, Code{KindWin32, 31}, // SUCCESS, INVALID_FUNCTION, GEN_FAILURE
		Code{KindCIM, 1}, Code{KindReturnValue, 32768}, // CIM_ERR_FAILED, Failed
		Code{KindHRESULT, 0x80004005}, Code{KindHRESULT, 0x8000FFFF}, Code{KindHRESULT, 0x80070057}, // E_FAIL, UNEXPECTED, INVALIDARG
		Code{KindHRESULT, 0x80041001}, Code{KindHRESULT, 0x80048054}, Code{KindHRESULT, 0x80131500}, Code{KindNTSTATUS, 0xC0000001}: // WBEM_E_FAILED, .NET, UNSUCCESSFUL
		return true
	}
	return false
}

// giveWay puts codes by which a host says no more than that the other end was gone behind what that one tells of itself.
func (c *collector) giveWay(d *invoke.Diagnosis) {
	for i := range c.candidates {
		f := &c.candidates[i]
		if f.Row.Kind != KindWin32 || f.Part < 0 || d.Parts[f.Part].Host != "" {
			continue
		}
		switch f.Row.Value {
		case 64, 1460, 10053, 10054: // NETNAME_DELETED, TIMEOUT, WSAECONNABORTED, WSAECONNRESET
			f.rank++
		}
	}
}

// add takes a finding, unless its row is known from elsewhere by something that tells more.
func (c *collector) add(f Finding, rank int) {
	key := rowKey{f.Row.Code, f.Row.ID}
	c.found++
	if i, ok := c.places[key]; ok {
		if rank < c.candidates[i].rank {
			c.candidates[i] = candidate{f, rank, c.found}
		}
		return
	}
	c.places[key] = len(c.candidates)
	c.candidates = append(c.candidates, candidate{f, rank, c.found})
}

// setHeadline keeps the first headline.
func (c *collector) setHeadline(f Finding) {
	if c.headline == nil {
		c.headline = &f
	}
}

// findHeadline looks for the words of headlines in t. The first that stands there is the headline, unless MessageID has told row.
func (c *collector) findHeadline(t *partText, row *Row) {
	var first *Finding
	for i := range known().patterns {
		p := &known().patterns[i]
		if !p.row.Headline {
			continue
		}
		start, end, ok := p.find(t.folded)
		if !ok {
			continue
		}
		t.matched = true
		f := t.finding(p, start, end)
		t.headlines = append(t.headlines, lines(t.text, f.Start, f.End))
		if first == nil || f.Start < first.Start {
			first = &f
		}
		if p.row == row && c.headline.Part == t.part {
			c.headline.Start, c.headline.End, c.headline.Text = f.Start, f.End, f.Text
		}
	}
	switch {
	case first != nil && row == nil:
		c.setHeadline(*first)
	case first == nil && row != nil:
		t.headlines = append(t.headlines, lines(t.text, 0, 0))
	}
}

// finding returns that p matched the folded text from start to end.
func (t *partText) finding(p *pattern, start, end int) Finding {
	from, to := t.folded.original(start), t.folded.original(end)
	return Finding{Basis: BasisPattern, Row: p.row, Part: t.part, Start: from, End: to, Text: t.text[from:to]}
}

// lines widens text[start:end] to whole lines.
func lines(text string, start, end int) span {
	l := span{strings.LastIndexByte(text[:start], '\n') + 1, len(text)}
	if i := strings.IndexByte(text[end:], '\n'); i >= 0 {
		l.end = end + i
	}
	return l
}

// findPatterns looks for the words of causes in all texts. It reports whether there was none in any of them, nor those of a headline,
// while one seems not to be in English.
func (c *collector) findPatterns() (foreign bool) {
	matched := false
	for _, t := range c.texts {
		for i := range known().patterns {
			p := &known().patterns[i]
			if p.row.Headline || len(p.with) > 0 && !c.beside(p.with) {
				continue
			}
			start, end, ok := p.find(t.folded)
			if !ok {
				continue
			}
			t.matched = true
			if c.beside(p.unless) {
				continue
			}
			rank := rankPattern
			switch {
			case len(p.with) > 0:
				rank = rankPatternWithCode
			case p.row.Kind == KindEvent:
				rank = rankEvent
			}
			c.add(t.finding(p, start, end), rank)
		}
		matched = matched || t.matched
		foreign = foreign || !english(t.text)
	}
	return foreign && !matched
}

// beside reports whether one of codes was found.
func (c *collector) beside(codes []uint32) bool {
	return slices.ContainsFunc(codes, func(v uint32) bool {
		code, _ := codeOf(v)
		row, ok := Lookup(code)
		if !ok {
			return false
		}
		_, found := c.places[rowKey{row.Code, ""}]
		return found
	})
}

// explanation puts everything into order.
func (c *collector) explanation() *Explanation {
	foreign := c.findPatterns()
	slices.SortFunc(c.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.order, b.order))
	})
	e := &Explanation{Headline: c.headline}
	more := len(c.candidates) > maxFindings
	for _, found := range c.candidates[:min(len(c.candidates), maxFindings)] {
		e.Findings = append(e.Findings, found.Finding)
	}
	if more {
		e.Notes = append(e.Notes, "Only the "+strconv.Itoa(maxFindings)+" most telling of "+strconv.Itoa(len(c.candidates))+
			" things that were recognised are told.")
	}
	if c.cut {
		e.Notes = append(e.Notes, "The text is very long or full of codes: its end was not looked at.")
	}
	if foreign {
		e.Notes = append(e.Notes, c.languageNote())
	}
	if err := known().err; err != nil {
		e.Notes = append(e.Notes, "A table of this program is damaged: "+err.Error())
	}
	return e
}

// languageNote tells what counts in a text that is not in English.
func (c *collector) languageNote() string {
	const note = "The message does not seem to be in English, and causes that only words tell are recognised in English alone."
	if c.headline == nil && len(c.candidates) == 0 {
		return note + " Codes and message numbers are recognised in every language, but there is none here."
	}
	return note + " Codes and message numbers are recognised in every language."
}
