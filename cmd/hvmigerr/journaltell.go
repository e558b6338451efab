package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

// A journalAnswers writes what a journal has of many hosts: host after host, and job after job, as it is decoded.
type journalAnswers struct {
	*answers
	q *journalQuestion
}

// tell writes what there is to tell of a host, and returns its error.
func (t *journalAnswers) tell(ctx context.Context, h *journalHost, r *journalReply) error {
	switch t.q.format {
	case outputText:
		return t.tellText(ctx, h, r)
	case outputJSON:
		return t.tellWhole(ctx, h, r)
	}
	err := t.each(ctx, h, r, func(d *journaled) {
		t.line(object{{t.q.name, r.object(d)}}, h)
	})
	if report := t.report(err); report != nil {
		t.line(object{{"exit", exitCode(err)}, {"error", report}}, h)
	}
	return err
}

// tellNothing writes why there is nothing to tell of a host.
func (t *journalAnswers) tellNothing(h *journalHost, err error) {
	switch t.q.format {
	case outputJSON:
		t.list.add(bytes.TrimSuffix(t.whole(h, err, nil), []byte("\n")))
	case outputJSONL:
		t.line(object{{"exit", exitCode(err)}, {"error", t.report(err)}}, h)
	}
}

// each decodes the jobs of r, one at a time, and returns the error of the host. It ends when nobody reads any more.
func (t *journalAnswers) each(ctx context.Context, h *journalHost, r *journalReply, tell func(d *journaled)) error {
	n := 0
	for _, from := range r.jobs {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		d, err := t.q.journal.job(from)
		if errors.Is(err, errNoJob) {
			t.q.journal.damaged++
			continue
		}
		if err != nil {
			return &hostError{host: h.label, err: err}
		}
		tell(d)
		if r.told != nil {
			r.told(d)
		}
		if n++; n == r.most || t.app.out.err != nil {
			break
		}
	}
	if r.err == nil {
		return nil
	}
	return r.err()
}

func (t *journalAnswers) tellText(ctx context.Context, h *journalHost, r *journalReply) error {
	t.separate()
	t.begun = true
	if r.begin != nil {
		r.begin()
	}
	err := t.each(ctx, h, r, r.job)
	if r.end != nil && ctx.Err() == nil {
		r.end()
	}
	return err
}

// tellWhole writes a host as one object. Its error comes before its jobs, and is known after them: so long they wait, in a file when
// they are many.
func (t *journalAnswers) tellWhole(ctx context.Context, h *journalHost, r *journalReply) error {
	const indentOfJob = indentOfHost + "    "
	jobs := newOrdered(maxHeld, func(b block) error {
		_, err := t.app.out.Write(b.out)
		return err
	})
	defer jobs.close()
	jobs.full = t.ordered.full
	n := 0
	err := t.each(ctx, h, r, func(d *journaled) {
		text := bytes.TrimSuffix(encodeJSON(r.object(d), indentOfJob), []byte("\n"))
		separator := "\n" + indentOfJob
		if n++; n > 1 {
			separator = "," + separator
		}
		t.err = errors.Join(t.err, jobs.put(n, block{out: append([]byte(separator), text...)}))
	})
	if ctx.Err() != nil {
		return err
	}
	whole := t.whole(h, err, []object{})
	begin, end := bytes.TrimSuffix(whole, []byte("\n")), ""
	if n > 0 {
		begin, _ = bytes.CutSuffix(begin, []byte("]\n"+indentOfHost+"}"))
		end = "\n" + indentOfHost + "  ]\n" + indentOfHost + "}"
	}
	t.list.add(begin)
	if wrong := jobs.put(0, block{}); wrong != nil && t.app.out.err == nil {
		t.err = wrong
	}
	t.app.out.printf("%s", end)
	return err
}

// whole returns a host as one object with these jobs.
func (t *journalAnswers) whole(h *journalHost, err error, jobs []object) []byte {
	return encodeJSON(append(t.host(h), member{"exit", exitCode(err)}, member{"error", t.report(err)}, member{t.q.names, jobs}), indentOfHost)
}

// line writes a line of JSON about a host.
func (t *journalAnswers) line(o object, h *journalHost) {
	begin := object{{"schema", schema}, {"command", t.q.command}}
	t.list.add(encodeJSON(slices.Concat(begin, t.host(h), o), ""))
}

// host returns what JSON has of a host: as if it had been asked, and the journal that knows it.
func (t *journalAnswers) host(h *journalHost) object {
	return object{{"host", h.label}, {"url", nullable(h.url)}, {"journal", t.q.journal.name}}
}

// report returns an error as JSON has it.
func (t *journalAnswers) report(err error) *errorReport {
	report := newErrorReport(err)
	if has[*notInJournalError](err) {
		report.Hint = nil // see notThere
	}
	return report
}

// add takes what came of the host of number i, which was told. It reports false when nothing can be written any more.
func (t *journalAnswers) add(i int, h *journalHost, r *journalReply, err error, many bool) bool {
	d := newDigest(err, ownNames{names: []string{h.label}})
	if r != nil {
		d.failedJobs = &r.failed
	}
	t.summary.add(i, d)
	_ = t.app.out.flush() // what stands on stdout comes before what is said on stderr
	if !many || t.q.format != outputText || t.app.out.err != nil {
		return t.app.out.err == nil
	}
	note := lineOf(err, d.exit)
	if h.absent {
		note = message(err) // the operator named it
	}
	if note != "" {
		t.app.note("%s", note)
	}
	return true
}

// endJournal is end for hosts of whom none was asked, and so many have failed migrations.
func (t *journalAnswers) endJournal(many bool, failed int) error {
	if t.q.format == outputJSON || t.q.format == outputJSONL && many {
		return t.end()
	}
	switch err := t.app.out.flush(); {
	case err != nil:
		return fmt.Errorf("writing the answer: %w", err)
	case t.app.out.err != nil: // the reader has gone
		return t.summary.err()
	}
	if s := t.summary; many && !t.q.raw && t.q.format == outputText {
		t.separate()
		t.app.out.printf("%s: %s with failed migrations, %s without.\n", count(s.hosts, "host"), grouped(failed), grouped(s.hosts-failed))
	}
	return t.summary.err()
}

// A journalErrors is the errors of the jobs of a host, joined. Of many it keeps what tells how it ended: the first two, and the first of
// each exit code.
type journalErrors struct {
	all   []error
	exits map[int]bool
}

// errAnother stands for an error of a job like others before.
var errAnother = errors.New("another error")

func (e *journalErrors) add(err error) {
	code := exitCode(err)
	if len(e.all) >= 2 && e.exits[code] {
		err = errAnother
	}
	if e.exits == nil {
		e.exits = map[int]bool{}
	}
	e.exits[code] = true
	e.all = append(e.all, err)
}
