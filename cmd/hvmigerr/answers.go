package main

import "fmt"

// An answers writes what came of many hosts: with jsonl as it comes, else in the order in which they were given.
type answers struct {
	app     *app
	q       *inquiry
	summary *summary
	list    *hostList
	ordered *ordered
	alike   map[int]*failureReport // of hosts that still are to be noted: those that failed alike
	verbose bool                   // each host that failed has its line
	begun   bool                   // something stands on stdout
	err     error                  // of reading back what had to wait
}

// newAnswers returns an answers for hosts of these names.
func (a *app) newAnswers(q *inquiry, format string, names func(i int) string) *answers {
	t := &answers{
		app: a, q: q, summary: newSummary(names),
		list: &hostList{out: a.out, items: &q.items, format: format}, alike: map[int]*failureReport{},
	}
	t.ordered = newOrdered(maxHeld, t.write)
	t.ordered.full = func(err error) {
		a.note("no temporary file for answers that have to wait for those before them: %v; they wait in memory", err)
	}
	return t
}

// put takes what came of the host of number i. It reports false when nothing can be written any more.
func (t *answers) put(i int, r *rendered) bool {
	if g := t.summary.add(i, r.digest); g != nil && r.note != "" {
		t.alike[i] = g
	}
	if t.list.format == outputJSONL {
		return t.write(r.block) == nil
	}
	t.err = t.ordered.put(i, r.block)
	return t.err == nil
}

// write writes what came of one host, in its turn.
func (t *answers) write(b block) error {
	switch {
	case t.list.format != outputText:
		t.list.add(b.out)
	case len(b.out) > 0:
		t.separate()
		_, _ = t.app.out.Write(b.out) // the output keeps its error
		t.begun = true
	}
	_ = t.app.out.flush() // what stands on stdout comes before what is said on stderr
	if t.app.out.err == nil && b.note != "" {
		t.note(b.note)
	}
	return t.app.out.err
}

// maxAlike is how many hosts that fail alike have a line each.
const maxAlike = 5

// note says on stderr why a host did not answer. When many fail alike, the summary names the rest.
func (t *answers) note(line string) {
	g := t.alike[t.ordered.next]
	delete(t.alike, t.ordered.next)
	if g != nil && !t.verbose {
		g.told++
		switch {
		case g.told == maxAlike+1:
			t.app.note("%s (exit %d): and more for the same reason: see the summary", g.title, g.Exit)
			return
		case g.told > maxAlike:
			return
		}
	}
	t.app.note("%s", line)
}

// separate writes an empty line behind what stands on stdout.
func (t *answers) separate() {
	if t.begun && !t.q.raw {
		t.app.out.printf("\n")
	}
}

// end writes the summary and returns the exit code of the whole as an error. When the reader has gone, it is what came of the hosts so
// far.
func (t *answers) end() error {
	s := t.summary
	if err := t.app.out.flush(); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	switch {
	case t.app.out.err != nil: // the reader has gone
		return s.err()
	case t.err != nil:
		return t.err
	case t.list.format != outputText:
		t.list.end(s)
		if s.answered < s.hosts {
			t.app.note("%s", s.counts(t.q.advises))
		}
		return s.err()
	}
	t.separate()
	for _, line := range s.lines(t.q.advises) {
		if t.q.raw {
			t.app.note("%s", line)
			continue
		}
		t.app.out.printf("%s\n", t.app.secrets.clean(line))
	}
	return s.err()
}

// close removes what waited in a file.
func (t *answers) close() { t.ordered.close() }
