package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/text/width"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// jobsFlags are the flags of jobs.
type jobsFlags struct {
	connection      connectionFlags
	failed, running bool
}

func (a *app) jobsCommand() *cobra.Command {
	var f jobsFlags
	cmd := &cobra.Command{
		Use:   "jobs [flags] HOST",
		Short: "List the migration jobs of a host",
		Long: `Lists the migration jobs that a host has, the newest first: those that run, and
those that ended less than five minutes ago. AGE counts from the last change of
STATE: the end, or the start of a running job. EXPIRES IN is when the host
forgets it. Both are by the host's own clock; a ~ marks that the host did not
tell it, and that ours was taken.`,
		Example: `  hvmigerr jobs -u hv-reader --ca-file corp-ca.pem hv01.example.com
  hvmigerr jobs -u hv-reader --failed -o jsonl hv01.example.com`,
		Args: oneHost(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.jobs(cmd, &f, args[0])
		},
	}
	cmd.Flags().BoolVar(&f.failed, "failed", false, "only jobs that failed")
	cmd.Flags().BoolVar(&f.running, "running", false, "only jobs that have not ended; with --failed both")
	f.connection.register(cmd)
	return cmd
}

func (a *app) jobs(cmd *cobra.Command, f *jobsFlags, host string) error {
	ctx := cmd.Context()
	s, err := a.open(ctx, &f.connection, cmd.Flags(), host)
	if err != nil {
		return err
	}
	var list []*diagnosed
	err = s.ask(ctx, func(ctx context.Context) error {
		var err error
		list, err = s.listNamed(ctx, &invoke.Filter{Failed: f.failed, Running: f.running})
		return err
	})
	if f.connection.output != outputText {
		var objects []object
		if err == nil {
			objects = []object{}
		}
		for _, d := range list {
			objects = append(objects, jobObject(d))
		}
		return errors.Join(err, a.writeJobs("jobs", f.connection.output, s.target, objects, err))
	}
	if err == nil {
		a.printJobs(s.target.name, list)
	}
	return err
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
func (a *app) printJobs(host string, list []*diagnosed) {
	if len(list) == 0 {
		a.out.printf("%s: no such migration job. A host forgets a job five minutes after its end.\n", safeLine(host))
		return
	}
	rows := [][]string{{"VM", "STATE", "DONE", "DESTINATION", "AGE", "EXPIRES IN", "JOB"}}
	for _, d := range list {
		rows = append(rows, a.jobRow(d))
	}
	a.out.printf("%s", table(rows))
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
		if row[i] = safeLine(row[i]); row[i] == "" {
			row[i] = "-"
		}
	}
	return row
}

// table aligns columns by the cells that text takes on a terminal, where East Asian letters take two. text/tabwriter counts
// letters.
func table(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-cells(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// cells returns how many cells of a terminal a text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case combining(r):
		case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
