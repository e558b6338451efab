package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// A journalQuestion is what a command wants to know of each host in a journal.
type journalQuestion struct {
	*inquiry
	journal *journal
	output  *string // --output, which the environment may set
	format  string
	job, vm string
	// answer returns what there is to tell of the jobs that are asked for, of a host that the journal knows.
	answer func(host string, list []*journalJob) *journalReply
}

// A journalReply is what there is to tell of one host, one job after another: a journal has more than fits into memory.
type journalReply struct {
	jobs   []*journalJob // in order
	most   int           // how many of them are told; 0: all
	failed bool          // the host has failed migrations
	// begin, job and end print as text; what is nil prints nothing.
	begin, end func()
	job        func(d *journaled)
	object     func(d *journaled) object // a job as JSON has it
	// told is called with each job that was told, and err after the last; nil: the jobs' errors are not asked for.
	told func(d *journaled)
	err  func() error
}

// getFromJournal is get --journal.
func (a *app) getFromJournal(cmd *cobra.Command, f *getFlags, args []string) error {
	return a.fromJournal(cmd, f.journal, args, &journalQuestion{
		inquiry: &inquiry{items: jobItems("get"), raw: f.raw}, output: &f.connection.output, job: f.job, vm: f.vm,
		answer: func(host string, list []*journalJob) *journalReply { return f.journalReply(a, host, list) },
	})
}

// jobsFromJournal is jobs --journal.
func (a *app) jobsFromJournal(cmd *cobra.Command, f *jobsFlags, args []string) error {
	return a.fromJournal(cmd, f.journal, args, &journalQuestion{
		inquiry: &inquiry{items: jobItems("jobs")}, output: &f.connection.output,
		answer: func(host string, list []*journalJob) *journalReply { return f.journalReply(a, host, list) },
	})
}

// fromJournal asks q of the journal of that name.
func (a *app) fromJournal(cmd *cobra.Command, name string, labels []string, q *journalQuestion) error {
	if err := journalOnly(cmd.Flags(), name, q.output); err != nil {
		return err
	}
	j, err := openJournal(cmd.Context(), name)
	if err != nil {
		return err
	}
	defer j.close()
	q.journal, q.format = j, *q.output
	return a.askJournal(cmd.Context(), q, labels)
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
		err := q.unknown()
		(&hostList{out: a.out, items: &q.items, format: q.format}).end(nil)
		if q.format == outputJSONL {
			a.advised = true
			report := newErrorReport(err)
			report.Hint = nil
			_, _ = a.out.Write(encodeJSON(object{
				{"schema", schema}, {"command", q.command}, {"journal", q.journal.name}, {"exit", exitCode(err)}, {"error", report},
			}, ""))
		}
		return a.notThere(err)
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
	id, vm := newJournalKey(q.job), newJournalKey(q.vm)
	return slices.DeleteFunc(slices.Clone(h.jobs), func(j *journalJob) bool {
		return q.job != "" && j.id != id || q.vm != "" && !slices.Contains(j.names, vm)
	})
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
	t := &journalAnswers{a.newAnswers(q.inquiry, q.format, func(i int) string { return hosts[i].label }), q}
	defer t.close()
	if q.format == outputText && !q.raw {
		a.out.printf("%s\n", q.heading())
		t.begun = true
	}
	failed := 0
	var last error
	for i, h := range hosts {
		r, err := q.reply(h)
		if err == nil {
			err = t.tell(ctx, h, r)
		} else {
			t.tellNothing(h, err)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case t.err != nil:
			return t.err
		case r != nil && r.failed:
			failed++
		}
		last = err
		if !t.add(i, h, r, err, many) {
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

// reply returns what there is to tell of a host.
func (q *journalQuestion) reply(h *journalHost) (*journalReply, error) {
	if h.absent {
		return nil, &hostError{host: h.label, err: &notInJournalError{"the journal " + q.journal.name + " has nothing of this host"}}
	}
	wanted := q.wanted(h)
	if len(wanted) == 0 && q.job+q.vm != "" {
		return nil, &hostError{host: h.label, err: q.unknown()}
	}
	return q.answer(h.label, wanted), nil
}
