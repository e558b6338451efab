package main

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// journalReply returns what get has to tell of the jobs of a host, which it selects as if it had asked the host.
func (f *getFlags) journalReply(a *app, host string, all []*journaled) *reply {
	found := &findings{host: host, listed: true, states: map[string]int{}}
	var list []*journaled
	for _, d := range all {
		found.total++
		found.states[d.stateOf()]++
		switch rank(d.Job) {
		case rankFailed:
			found.failed++
		case rankWarned:
			found.warned++
		}
		if f.all || f.job != "" || rank(d.Job) != rankOther {
			list = append(list, d)
		}
	}
	if f.latest && len(list) > 1 {
		list = []*journaled{slices.MinFunc(list, func(a, b *journaled) int { return newestFirst(a.diagnosed, b.diagnosed) })}
	}
	slices.SortStableFunc(list, func(a, b *journaled) int {
		return cmp.Or(cmp.Compare(rank(a.Job), rank(b.Job)), newestFirst(a.diagnosed, b.diagnosed))
	})
	var errs []error
	for _, d := range list {
		found.selected = append(found.selected, d.diagnosed)
		if d.err != nil {
			errs = append(errs, d.err)
		}
	}
	r := &reply{failedJobs: new(found.failed > 0)}
	switch {
	case len(errs) > 0:
		r.err = &hostError{host: host, err: errors.Join(errs...)}
	case f.exitStatus && found.selectedFailed():
		r.err = errMigrationFailed
	}
	r.told = func() any {
		objects := found.objects(f)
		for i, d := range list {
			objects[i] = d.object(objects[i])
		}
		return objects
	}
	r.print = func() { a.printJournaled(f, found, list) }
	return r
}

// printJournaled prints the answer of get as text.
func (a *app) printJournaled(f *getFlags, found *findings, list []*journaled) {
	if f.raw {
		a.printRaw(found)
		return
	}
	a.printJournalSummary(f, found)
	said := meanings{}
	for i, d := range list {
		a.out.printf("\n")
		if heading := found.heading(i); heading != "" {
			a.out.printf("%s\n\n", heading)
		}
		a.printJob(d.printed(a.now()))
		if !f.noExplain {
			a.printJobMeaning(said, found.host, d.diagnosed)
		}
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

// journalReply returns what jobs has to tell of the jobs of a host.
func (f *jobsFlags) journalReply(a *app, host string, all []*journaled) *reply {
	var list []*journaled
	failed := false
	for _, d := range all {
		failed = failed || d.Job.Failed()
		if !f.failed && !f.running || f.failed && d.Job.Failed() || f.running && d.runs() {
			list = append(list, d)
		}
	}
	slices.SortStableFunc(list, func(a, b *journaled) int { return newestFirst(a.diagnosed, b.diagnosed) })
	return &reply{
		failedJobs: &failed,
		told: func() any {
			objects := []object{}
			for _, d := range list {
				objects = append(objects, d.object(explained(jobObject(d.diagnosed), own(d.Job), !f.noExplain)))
			}
			return objects
		},
		print: func() { a.printJournalJobs(f, host, list) },
	}
}

// printJournalJobs prints the table.
func (a *app) printJournalJobs(f *jobsFlags, host string, list []*journaled) {
	if len(list) == 0 {
		such := ""
		if f.failed || f.running {
			such = "such "
		}
		a.out.printf("%s: no %smigration job.\n", safeLine(host), such)
		return
	}
	a.out.printf("%s:\n", safeLine(host))
	rows := [][]string{{"VM", "STATE", "DONE", "DESTINATION", "AGE", "EXPIRES IN", "JOB"}}
	var reasons []string
	for _, d := range list {
		rows = append(rows, d.row(a))
		if !d.Job.Failed() || f.noExplain {
			continue
		}
		if findings := telling(explain.Diagnosis(&d.Diagnosis)); len(findings) > 0 {
			reasons = append(reasons, reason(d.VM, &findings[0]))
		}
	}
	writeTable(a.out, rows)
	if len(reasons) > 0 {
		a.out.printf("\nWhat was recorded of them means (by hvmigerr, not from the host):\n%s\n", strings.Join(reasons, "\n"))
	}
}
