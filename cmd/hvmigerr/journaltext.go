package main

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// journalReply returns what get has to tell of the jobs of a host, which it selects as if it had asked the host.
func (f *getFlags) journalReply(a *app, host string, all []*journalJob) *journalReply {
	found := &findings{host: host, listed: true, states: map[string]int{}}
	r := &journalReply{}
	for _, j := range all {
		found.total++
		found.states[j.state]++
		switch j.rank {
		case rankFailed:
			found.failed++
		case rankWarned:
			found.warned++
		}
		if f.all || f.job != "" || j.rank != rankOther {
			r.jobs = append(r.jobs, j)
		}
	}
	r.failed = found.failed > 0
	slices.SortStableFunc(r.jobs, newestJobFirst)
	if f.latest {
		r.most = 1 // the first that can be decoded
	} else {
		slices.SortStableFunc(r.jobs, func(a, b *journalJob) int { return cmp.Compare(a.rank, b.rank) })
	}
	f.journalErrors(r, host)
	r.object = func(d *journaled) object {
		one := &findings{listed: true, selected: []*diagnosed{d.diagnosed}}
		return d.object(one.objects(f)[0])
	}
	if f.raw {
		a.journalRaw(r, found)
		return r
	}
	r.begin = func() { a.printJournalSummary(f, found) }
	said := meanings{}
	r.job = func(d *journaled) { a.printJournaled(f, found, said, d) }
	return r
}

// journalErrors makes r tell what kept its jobs from being complete, and with --exit-status that one failed.
func (f *getFlags) journalErrors(r *journalReply, host string) {
	var errs journalErrors
	failed := false
	r.told = func(d *journaled) {
		failed = failed || d.Job.Failed()
		if d.err != nil {
			errs.add(d.err)
		}
	}
	r.err = func() error {
		switch {
		case len(errs.all) > 0:
			return &hostError{host: host, err: errors.Join(errs.all...)}
		case f.exitStatus && failed:
			return errMigrationFailed
		}
		return nil
	}
}

// journalRaw makes r print what the host sent, and nothing else.
func (a *app) journalRaw(r *journalReply, found *findings) {
	none := true
	r.job = func(d *journaled) {
		none = false
		a.printRaw(&findings{selected: []*diagnosed{d.diagnosed}})
	}
	r.end = func() {
		if none {
			a.printRaw(found)
		}
	}
}

// printJournaled prints one job of get as text. Of the jobs that were selected found has the one before, for the heading.
func (a *app) printJournaled(f *getFlags, found *findings, said meanings, d *journaled) {
	found.selected = append(found.selected[max(len(found.selected)-1, 0):], d.diagnosed)
	a.out.printf("\n")
	if heading := found.heading(len(found.selected) - 1); heading != "" {
		a.out.printf("%s\n\n", heading)
	}
	a.printJob(d.printed(a.now()))
	if !f.noExplain {
		a.printJobMeaning(said, found.host, d.diagnosed)
	}
}

// printJournalSummary says what the journal has of a host.
func (a *app) printJournalSummary(f *getFlags, found *findings) {
	of := ""
	if f.vm != "" {
		of = " of " + safeLine(f.vm)
	}
	a.out.printf("%s: ", safeLine(found.host))
	warned := ""
	if found.warned > 0 {
		warned = ", " + grouped(found.warned) + " completed with warnings"
	}
	switch {
	case f.job != "":
		a.out.printf("job %s.\n", safeLine(f.job))
		return
	case found.total == 0:
		a.out.printf("no migration job%s.\n", of)
	case found.failed == 0 && found.warned == 0:
		a.out.printf("no failed migration among %s%s: %s.\n", count(found.total, "job"), of, found.seen())
	case found.failed == 0:
		a.out.printf("no failed migration among %s%s%s.\n", count(found.total, "job"), of, warned)
	default:
		a.out.printf("%d of %s%s failed%s.\n", found.failed, count(found.total, "migration"), of, warned)
	}
	if f.latest && found.failed+found.warned > 1 {
		a.out.printf("Only the newest is shown.\n")
	}
}

// journalReply returns what jobs has to tell of the jobs of a host. The table is printed when all its rows are there, which are short.
func (f *jobsFlags) journalReply(a *app, host string, all []*journalJob) *journalReply {
	r := &journalReply{}
	for _, j := range all {
		failed := j.rank == rankFailed
		r.failed = r.failed || failed
		if !f.failed && !f.running || f.failed && failed || f.running && j.running {
			r.jobs = append(r.jobs, j)
		}
	}
	slices.SortStableFunc(r.jobs, newestJobFirst)
	r.object = func(d *journaled) object {
		return d.object(explained(jobObject(d.diagnosed), own(d.Job), !f.noExplain))
	}
	rows := [][]string{{"VM", "STATE", "DONE", "DESTINATION", "AGE", "EXPIRES IN", "JOB"}}
	var reasons []string
	r.job = func(d *journaled) {
		rows = append(rows, d.row(a))
		if !d.Job.Failed() || f.noExplain {
			return
		}
		if findings := telling(explain.Diagnosis(&d.Diagnosis)); len(findings) > 0 {
			reasons = append(reasons, reason(d.VM, &findings[0]))
		}
	}
	r.end = func() { a.printJournalJobs(f, host, rows, reasons) }
	return r
}

// printJournalJobs prints the table.
func (a *app) printJournalJobs(f *jobsFlags, host string, rows [][]string, reasons []string) {
	if len(rows) == 1 {
		such := ""
		if f.failed || f.running {
			such = "such "
		}
		a.out.printf("%s: no %smigration job.\n", safeLine(host), such)
		return
	}
	a.out.printf("%s:\n", safeLine(host))
	writeTable(a.out, rows)
	if len(reasons) > 0 {
		a.out.printf("\nWhat was recorded of them means (by hvmigerr, not from the host):\n%s\n", strings.Join(reasons, "\n"))
	}
}
