package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/text/width"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// jobsFlags are the flags of jobs.
type jobsFlags struct {
	connection      connectionFlags
	failed, running bool
	noExplain       bool
	journal         string
}

func (a *app) jobsCommand() *cobra.Command {
	var f jobsFlags
	cmd := &cobra.Command{
		Use:   "jobs [flags] HOST...",
		Short: "List the migration jobs of a host",
		Long: `Lists the migration jobs that each HOST has, the newest first: those that run, and
those that ended less than five minutes ago. AGE counts from the last change of
STATE: the end, or the start of a running job. EXPIRES IN is when the host
forgets it. Both are by the host's own clock; a ~ marks that the host did not
tell it, and that ours was taken. What failed jobs themselves tell of their
causes follows; get asks the host for the rest.`,
		Example: `  hvmigerr jobs -u 'CORP\hv-reader' hv01.example.com
  hvmigerr jobs -u 'CORP\hv-reader' --failed -o jsonl hv01.example.com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.jobs(cmd, &f, args)
		},
	}
	cmd.Flags().BoolVar(&f.failed, "failed", false, "only jobs that failed")
	cmd.Flags().BoolVar(&f.running, "running", false, "only jobs that have not ended; with --failed both")
	registerNoExplain(cmd, &f.noExplain)
	registerJournal(cmd, &f.journal)
	f.connection.register(cmd)
	f.connection.registerHosts(cmd)
	return cmd
}

func (a *app) jobs(cmd *cobra.Command, f *jobsFlags, args []string) error {
	if cmd.Flags().Changed("journal") {
		return a.jobsFromJournal(cmd, f, args)
	}
	p, err := a.plan(cmd.Context(), &f.connection, cmd.Flags(), args)
	if err != nil {
		return err
	}
	return a.ask(cmd.Context(), p, f.inquiry())
}

// inquiry returns what jobs asks of each host.
func (f *jobsFlags) inquiry() *inquiry {
	return &inquiry{items: jobItems("jobs"), ask: func(ctx context.Context, s *session) *reply {
		var list []*diagnosed
		err := s.ask(ctx, func(ctx context.Context) error {
			var err error
			list, err = s.listNamed(ctx, &invoke.Filter{Failed: f.failed, Running: f.running})
			return err
		})
		return f.reply(s, list, err)
	}}
}

// reply returns what there is to tell of the jobs of a host.
func (f *jobsFlags) reply(s *session, list []*diagnosed, err error) *reply {
	r := &reply{err: err, told: func() any { return f.objects(list, err) }}
	if err != nil {
		return r
	}
	r.print = func() {
		if s.plan.many && len(list) > 0 {
			s.app.out.printf("%s:\n", safeLine(s.called()))
		}
		s.app.printJobs(f, s.called(), list)
	}
	if !f.running || f.failed {
		r.failedJobs = new(slices.ContainsFunc(list, func(d *diagnosed) bool { return d.Job.Failed() }))
	}
	return r
}

// objects returns the jobs as JSON has them; nil, which is null, when there was no list.
func (f *jobsFlags) objects(list []*diagnosed, err error) []object {
	var objects []object
	if err == nil {
		objects = []object{}
	}
	for _, d := range list {
		objects = append(objects, explained(jobObject(d), own(d.Job), !f.noExplain))
	}
	return objects
}

// listNamed lists jobs, the newest first, with the names of their machines as far as the host tells them.
func (s *session) listNamed(ctx context.Context, filter *invoke.Filter) ([]*diagnosed, error) {
	var list []*diagnosed
	for j, err := range invoke.Jobs(ctx, s.client, filter) {
		if err != nil {
			return nil, err
		}
		list = append(list, &diagnosed{Diagnosis: invoke.Diagnosis{Job: j, VM: j.VMName()}})
	}
	slices.SortStableFunc(list, newestFirst)
	for _, d := range list {
		if !s.nameVM(ctx, d) {
			break
		}
	}
	return list, ctx.Err()
}

// nameVM gives d the name of its machine, once for each machine asked of the host. It reports false when the host does not tell
// names; GUIDs do then.
func (s *session) nameVM(ctx context.Context, d *diagnosed) bool {
	guid := d.Job.VMName()
	if guid == "" {
		return true
	}
	name, asked := s.names[guid]
	if !asked {
		var err error
		if name, err = invoke.ResolveVM(ctx, s.client, guid); err != nil {
			return false
		}
		s.names[guid] = name
	}
	if name != "" {
		d.VM = name
	}
	return true
}

// printJobs prints the table.
func (a *app) printJobs(f *jobsFlags, host string, list []*diagnosed) {
	if len(list) == 0 {
		such := ""
		if f.failed || f.running {
			such = "such "
		}
		a.out.printf("%s: no %smigration job. A host forgets a job five minutes after its end.\n", safeLine(host), such)
		return
	}
	rows := [][]string{{"VM", "STATE", "DONE", "DESTINATION", "AGE", "EXPIRES IN", "JOB"}}
	for _, d := range list {
		rows = append(rows, a.jobRow(d))
	}
	writeTable(a.out, rows)
	if !f.noExplain {
		a.printReasons(list)
	}
}

// own returns what a job itself says of why it failed, which needs no question to the host.
func own(j *invoke.MigrationJob) *invoke.Diagnosis {
	d := &invoke.Diagnosis{Job: j}
	add := func(source invoke.Source, text *string) {
		if line(text) != "" {
			d.Parts = append(d.Parts, invoke.Part{Source: source, Text: *text})
		}
	}
	add(invoke.SourceErrorDescription, j.ErrorDescription)
	add(invoke.SourceErrorSummaryDescription, j.ErrorSummaryDescription)
	return d
}

// printReasons says below the table what the failed jobs themselves tell of their causes, and how to learn the rest.
func (a *app) printReasons(list []*diagnosed) {
	failed := 0
	var reasons []string
	for _, d := range list {
		if !d.Job.Failed() {
			continue
		}
		failed++
		if findings := telling(explain.Diagnosis(own(d.Job))); len(findings) > 0 {
			reasons = append(reasons, reason(d.VM, &findings[0]))
		}
	}
	if len(reasons) > 0 {
		a.out.printf("\nWhat the jobs say of themselves means (by hvmigerr, not from the host):\n%s\n", strings.Join(reasons, "\n"))
	}
	if failed > 0 {
		a.out.printf("\n\"hvmigerr get\" tells why %s failed.\n", map[bool]string{true: "it", false: "they"}[failed == 1])
	}
}

func (a *app) jobRow(d *diagnosed) []string {
	j := d.Job
	now, mark := a.clock(j)
	done, since, expires := "?", "?", "?"
	if j.PercentComplete != nil {
		done = fmt.Sprintf("%d%%", *j.PercentComplete)
	}
	if t := changed(j); !t.IsZero() {
		since = mark + age(now.Sub(t))
	}
	if t, ok := j.Removal(); ok {
		expires = mark + age(t.Sub(now))
	} else if j.Running() {
		expires = "-"
	}
	state := stateName(j)
	if j.Failed() {
		state = "failed (" + state + ")"
	}
	row := []string{d.VM, state, done, line(j.DestinationHost), since, expires, j.ID()}
	for i := range row {
		if row[i] = cell(row[i]); row[i] == "" {
			row[i] = "-"
		}
	}
	return row
}

// Limits of a cell, so that one long text does not widen every row. JSON has all of it.
const (
	maxCell      = 40           // columns
	maxCellBytes = 10 * maxCell // for characters that take no room
)

// cell returns a peer's text for the table: safe, and cut where it is too long.
func cell(text string) string {
	text = safeLine(text[:min(len(text), 2*maxCellBytes)]) // never shorter than what it was made of
	columns, fits := 0, 0
	for i, r := range text {
		columns += runeCells(r)
		if columns < maxCell {
			fits = i + utf8.RuneLen(r) // with room for the ellipsis
		}
		if columns > maxCell || i >= maxCellBytes {
			return text[:fits] + "…"
		}
	}
	return text
}

// writeTable aligns columns by the cells that text takes on a terminal, where East Asian letters take two. text/tabwriter counts
// letters.
func writeTable(out *output, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells(cell))
		}
	}
	for _, row := range rows {
		last := len(row) - 1
		for i, cell := range row[:last] {
			out.printf("%s%*s", cell, widths[i]-cells(cell)+2, "")
		}
		out.printf("%s\n", row[last])
	}
}

// cells returns how many cells of a terminal a text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	if combining(r) {
		return 0
	}
	switch width.LookupRune(r).Kind() { //nolint:exhaustive // all others take one
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
