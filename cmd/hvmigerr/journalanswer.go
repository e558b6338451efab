package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// A journalQuestion is what a command wants to know of each host in a journal.
type journalQuestion struct {
	*inquiry
	journal *journal
	format  string
	job, vm string
	// answer returns what there is to tell of the jobs that are asked for, of a host that the journal knows. What it prints goes to a.
	answer func(a *app, host string, list []*journaled) *reply
}

// getFromJournal is get --journal.
func (a *app) getFromJournal(cmd *cobra.Command, f *getFlags, args []string) error {
	if err := journalOnly(cmd.Flags(), f.journal, &f.connection.output); err != nil {
		return err
	}
	j, err := openJournal(cmd.Context(), f.journal)
	if err != nil {
		return err
	}
	defer j.close()
	q := &journalQuestion{
		inquiry: &inquiry{items: jobItems("get"), raw: f.raw}, journal: j, format: f.connection.output, job: f.job, vm: f.vm,
	}
	q.answer = func(a *app, host string, list []*journaled) *reply { return f.journalReply(a, host, list) }
	return a.askJournal(cmd.Context(), q, args)
}

// jobsFromJournal is jobs --journal.
func (a *app) jobsFromJournal(cmd *cobra.Command, f *jobsFlags, args []string) error {
	if err := journalOnly(cmd.Flags(), f.journal, &f.connection.output); err != nil {
		return err
	}
	j, err := openJournal(cmd.Context(), f.journal)
	if err != nil {
		return err
	}
	defer j.close()
	q := &journalQuestion{inquiry: &inquiry{items: jobItems("jobs")}, journal: j, format: f.connection.output}
	q.answer = func(a *app, host string, list []*journaled) *reply { return f.journalReply(a, host, list) }
	return a.askJournal(cmd.Context(), q, args)
}

// askJournal answers from a journal as ask does from hosts.
func (a *app) askJournal(ctx context.Context, q *journalQuestion, labels []string) error {
	hosts, err := q.journal.only(labels)
	if err != nil {
		return err
	}
	if len(labels) == 0 && q.job+q.vm != "" {
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(h *journalHost) bool { return len(q.wanted(h)) == 0 })
	}
	if len(hosts) == 0 && q.job+q.vm != "" {
		(&hostList{out: a.out, items: &q.items, format: q.format}).end(nil)
		return a.notThere(q.unknown())
	}
	return a.notThere(a.tellJournal(ctx, q, hosts, len(labels) > 1 || len(hosts) > 1))
}

// A notInJournalError says what the journal does not know. It is an ErrNoSuchJob.
type notInJournalError struct{ msg string }

func (e *notInJournalError) Error() string { return e.msg }

func (e *notInJournalError) Unwrap() error { return invoke.ErrNoSuchJob }

// notThere returns err. What a hint says of a host that forgets its jobs is not true of a journal.
func (a *app) notThere(err error) error {
	a.advised = a.advised || has[*notInJournalError](err)
	return err
}

// wanted returns the jobs of a host that are asked for.
func (q *journalQuestion) wanted(h *journalHost) []*journalJob {
	var list []*journalJob
	for _, job := range h.jobs {
		if (q.job == "" || foldID(job.id) == foldID(q.job)) && job.of(q.vm) {
			list = append(list, job)
		}
	}
	return list
}

// unknown says that the journal has nothing of what is asked for.
func (q *journalQuestion) unknown() error {
	what := "job " + q.job
	if q.job == "" {
		what = "job of virtual machine " + q.vm
	}
	return &notInJournalError{fmt.Sprintf("the journal %s has no %s", q.journal.name, what)}
}

// tellJournal writes the answer.
func (a *app) tellJournal(ctx context.Context, q *journalQuestion, hosts []*journalHost, many bool) error {
	t := a.newAnswers(q.inquiry, q.format, func(i int) string { return hosts[i].label })
	defer t.close()
	if q.format == outputText && !q.raw {
		a.out.printf("%s\n", q.heading())
		t.begun = true
	}
	failed := 0
	var last error
	for i, h := range hosts {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var r *rendered
		r, last = a.renderJournal(q, h, many)
		if r.failedJobs != nil && *r.failedJobs {
			failed++
		}
		if !t.put(i, r) {
			break
		}
	}
	if n := q.journal.damaged; n > 0 {
		a.note("the journal %s has %s that cannot be read; left out here", q.journal.name, count(n, "line"))
	}
	if many || len(hosts) == 0 {
		return t.endJournal(many, failed)
	}
	if q.format != outputText {
		t.list.end(nil)
	}
	return last
}

// heading says where all that follows comes from.
func (q *journalQuestion) heading() string {
	written := "with no event in it"
	if t := q.journal.written; !t.IsZero() {
		written = "last written " + t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return fmt.Sprintf("From the journal %s, %s; nothing was asked.", safeLine(q.journal.name), written)
}

// endJournal is end for hosts of whom none was asked, and so many have failed migrations.
func (t *answers) endJournal(many bool, failed int) error {
	if t.list.format == outputJSON || t.list.format == outputJSONL && many {
		return t.end()
	}
	switch err := t.app.out.flush(); {
	case err != nil:
		return fmt.Errorf("writing the answer: %w", err)
	case t.app.out.err != nil: // the reader has gone
		return t.summary.err()
	case t.err != nil:
		return t.err
	}
	if s := t.summary; many && !t.q.raw && t.list.format == outputText {
		t.separate()
		t.app.out.printf("%s: %s with failed migrations, %s without.\n", count(s.hosts, "host"), grouped(failed), grouped(s.hosts-failed))
	}
	return t.summary.err()
}

// renderJournal returns what there is to tell of one host, and its error.
func (a *app) renderJournal(q *journalQuestion, h *journalHost, many bool) (*rendered, error) {
	var b bytes.Buffer
	own := *a
	own.out = &output{w: bufio.NewWriter(&b)}
	r := q.reply(&own, h)
	d := newDigest(r.err, ownNames{names: []string{h.label}})
	d.failedJobs = r.failedJobs
	if q.format != outputText {
		return &rendered{block{out: q.asJSON(h, r)}, d}, r.err
	}
	if r.print != nil {
		r.print()
	}
	_ = own.out.flush() // to memory
	note := ""
	if many {
		if note = lineOf(r.err, d.exit); h.absent {
			note = message(r.err) // the operator named it
		}
	}
	return &rendered{block{b.Bytes(), note}, d}, r.err
}

// reply reads the jobs of a host that are asked for.
func (q *journalQuestion) reply(a *app, h *journalHost) *reply {
	if h.absent {
		return &reply{err: &hostError{host: h.label, err: &notInJournalError{"the journal " + q.journal.name + " has nothing of this host"}}}
	}
	wanted := q.wanted(h)
	if len(wanted) == 0 && q.job+q.vm != "" {
		return &reply{err: &hostError{host: h.label, err: q.unknown()}}
	}
	var list []*journaled
	for _, from := range wanted {
		d, err := q.journal.job(from)
		switch {
		case errors.Is(err, errNoJob):
			q.journal.damaged++
		case err != nil:
			return &reply{err: &hostError{host: h.label, err: err}}
		default:
			list = append(list, d)
		}
	}
	return q.answer(a, h.label, list)
}

// asJSON returns a host as JSON has it: as if it had been asked, and with the journal that knows it.
func (q *journalQuestion) asJSON(h *journalHost, r *reply) []byte {
	var jobs []object
	if r.told != nil {
		jobs, _ = r.told().([]object)
	}
	host := object{{"host", h.label}, {"url", nullable(h.url)}, {"journal", q.journal.name}}
	report := newErrorReport(r.err)
	if has[*notInJournalError](r.err) {
		report.Hint = nil // see notThere
	}
	end := object{{"exit", exitCode(r.err)}, {"error", report}}
	if q.format == outputJSON {
		whole := slices.Concat(host, end, object{{q.names, jobs}})
		return bytes.TrimSuffix(encodeJSON(whole, indentOfHost), []byte("\n"))
	}
	begin := append(object{{"schema", schema}, {"command", q.command}}, host...)
	var lines []byte
	for _, job := range jobs {
		lines = append(lines, encodeJSON(slices.Concat(begin, object{{q.name, job}}), "")...)
	}
	if report != nil {
		lines = append(lines, encodeJSON(slices.Concat(begin, end), "")...)
	}
	return lines
}
