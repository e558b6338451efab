package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// getFlags are the flags of get.
type getFlags struct {
	connection  connectionFlags
	job, vm     string
	latest, all bool
	method      string
	raw         bool
	noExplain   bool
	exitStatus  bool
	bothEnds    bothEndsFlags
	log         logFlags
	journal     string
	hint        *eventsHint // nil: none is wanted
}

func (a *app) getCommand() *cobra.Command {
	var f getFlags
	cmd := &cobra.Command{
		Use:   "get [flags] HOST...",
		Short: "Print why migrations of a host failed",
		Long: `Prints every error of the migration jobs that failed, and under "Warnings" of
those that completed with warnings. A host keeps a job for five minutes after
its end.

For each job GetErrorEx and GetError are asked, and the job's own
ErrorDescription and ErrorSummaryDescription are read; what was said twice is
printed once, with all its sources. What hvmigerr knows of the causes follows,
apart from the host's words. Exit 0 means that the host answered, also when
migrations failed.

Several hosts are asked at the same time, and a summary follows. @FILE is a file
with a HOST in each line, - the same from stdin, and --inventory what
ansible-inventory --list prints.

Often only the destination of a move knows why it failed: --both-ends asks it
too, provided that it is one of the HOSTs or that --trust-host allows it. A name
that a host merely wrote gets no credentials, and is not looked up.

--events adds what the host's event log tells of each failed migration. Of those
whose jobs are forgotten, "hvmigerr events" tells.`,
		Example: `  hvmigerr get -u 'CORP\hv-reader' hv01.example.com
  kinit hv-reader@CORP.EXAMPLE && hvmigerr get hv01.example.com
  hvmigerr get -u 'CORP\hv-reader' -o jsonl @hosts.txt
  hvmigerr get -u '.\hv-reader' --vm web-01 --latest -o json 192.0.2.7
  hvmigerr get -u hv-reader --auth basic --ca-file corp-ca.pem hv01.example.com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.get(cmd, &f, args)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.job, "job", "", "only the job with this `INSTANCEID`, in whatever state it is")
	fs.StringVar(&f.vm, "vm", "", "only jobs of the virtual machine of this `NAME` or GUID")
	fs.BoolVar(&f.latest, "latest", false, "only the newest of the jobs that are selected")
	fs.BoolVar(&f.all, "all", false, "every job, in any state")
	fs.StringVar(&f.method, "method", "", "ask only `METHOD`, GetError or GetErrorEx, and print its ReturnValue")
	fs.BoolVar(&f.raw, "raw", false, "print the CIM-XML text of each error as received, and nothing else")
	registerNoExplain(cmd, &f.noExplain)
	fs.BoolVar(&f.exitStatus, "exit-status", false, "exit 3 when a selected migration failed")
	registerBothEnds(cmd, &f.bothEnds)
	registerGetEvents(cmd, &f.log)
	registerJournal(cmd, &f.journal)
	complete(cmd, "method", invoke.MethodGetError, invoke.MethodGetErrorEx)
	f.connection.register(cmd)
	f.connection.registerHosts(cmd)
	return cmd
}

func (f *getFlags) check(cmd *cobra.Command) error {
	switch {
	case cmd.Flags().Changed("job") && f.job == "":
		return &usageError{"--job is empty"}
	case cmd.Flags().Changed("vm") && f.vm == "":
		return &usageError{"--vm is empty"}
	case f.method != "" && f.method != invoke.MethodGetError && f.method != invoke.MethodGetErrorEx:
		return &usageError{fmt.Sprintf("--method %q is neither GetError nor GetErrorEx", f.method)}
	case f.bothEnds.wanted && f.method != "":
		return &usageError{"--both-ends and --method exclude each other"}
	case f.bothEnds.wanted && f.raw:
		return &usageError{"--both-ends and --raw exclude each other"}
	}
	if err := f.log.check(cmd, f); err != nil {
		return err
	}
	for name, set := range map[string]bool{"vm": f.vm != "", "latest": f.latest, "all": f.all} {
		if f.job != "" && set {
			return &usageError{"--job and --" + name + " exclude each other"}
		}
	}
	return f.bothEnds.check()
}

func (a *app) get(cmd *cobra.Command, f *getFlags, args []string) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	if cmd.Flags().Changed("journal") {
		return a.getFromJournal(cmd, f, args)
	}
	p, err := a.plan(cmd.Context(), &f.connection, cmd.Flags(), args)
	if err != nil {
		return err
	}
	f.hint = f.newEventsHint(p, cmd.Flags(), args)
	err = a.ask(cmd.Context(), p, f.inquiry())
	f.hint.tell(a, f, err)
	return err
}

// inquiry returns what get asks of each host.
func (f *getFlags) inquiry() *inquiry {
	return &inquiry{items: jobItems("get"), raw: f.raw, ask: func(ctx context.Context, s *session) *reply {
		found, err := s.errorsOf(ctx, f)
		err = f.hint.note(found, err)
		r := found.reply(s.app, f, err)
		if s.plan.many && f.job != "" && !f.raw && found.listed {
			s.app.out.printf("%s:\n\n", safeLine(s.called())) // else the first line names the host
		}
		return r
	}}
}

// answer asks the host of s alone, and prints.
func (a *app) answer(ctx context.Context, s *session, f *getFlags) error {
	q := f.inquiry()
	r := q.ask(ctx, s)
	a.tell(s, q, r)
	return r.err
}

// errorsOf asks the host for the errors of the jobs that f selects.
func (s *session) errorsOf(ctx context.Context, f *getFlags) (*findings, error) {
	found := &findings{host: s.called()}
	err := s.ask(ctx, func(ctx context.Context) error {
		err := s.find(ctx, f, found)
		if !hopeless(err) {
			s.readEvents(ctx, &f.log, found.selected)
		}
		return err
	})
	s.otherEnds(ctx, &f.bothEnds, found.selected)
	if err == nil && (f.bothEnds.wanted || f.log.wanted) && errors.Is(ctx.Err(), context.Canceled) {
		err = &hostError{s.called(), context.Cause(ctx)} // a signal ends the command, whomever it was asking
	}
	if err == nil && f.exitStatus && found.selectedFailed() {
		err = errMigrationFailed
	}
	return found, err
}

// reply returns what there is to tell of f, to whom a prints; err is what kept it from being complete.
func (f *findings) reply(a *app, flags *getFlags, err error) *reply {
	r := &reply{
		err:   err,
		told:  func() any { return f.objects(flags) },
		print: func() { a.printFindings(f, flags) },
	}
	if f.listed {
		r.failedJobs = new(f.failed > 0)
	}
	return r
}

// findings is what get found on one host.
type findings struct {
	host   string
	listed bool // the whole list of jobs came
	// What there is on the host, of the machine that was asked for: all jobs, by state, failed, with warnings.
	total          int
	states         map[string]int
	failed, warned int
	selected       []*diagnosed
}

// A diagnosed is a selected job and what the host said about it.
type diagnosed struct {
	invoke.Diagnosis
	err        error // what kept it from being complete
	onlyMethod bool  // --method: Answers has the one that was asked

	log *jobLog // what its host's event log had; nil if it was not read for this job

	bothEnds bool      // the destination of a failed move was to be asked
	other    *otherEnd // what came of that; nil of a job that is no failed move
}

func (f *findings) selectedFailed() bool {
	return slices.ContainsFunc(f.selected, func(d *diagnosed) bool { return d.Job.Failed() })
}

// objects returns the jobs as JSON has them; nil, which is null, when there was no list.
func (f *findings) objects(flags *getFlags) []object {
	if !f.listed {
		return nil
	}
	list := make([]object, 0, len(f.selected))
	for _, d := range f.selected {
		o := explained(diagnosedObject(d), &d.Diagnosis, !flags.noExplain)
		if flags.raw {
			o = append(o, member{"raw", rawTexts(d.Answers)})
		}
		list = append(list, o)
	}
	return list
}

// find lists the jobs, selects, and asks about each that was selected.
func (s *session) find(ctx context.Context, f *getFlags, found *findings) error {
	if err := s.list(ctx, f, found); err != nil {
		return err
	}
	found.listed = true
	sortJobs(found.selected)
	var errs []error
	var last error
	for _, d := range found.selected {
		if hopeless(last) {
			d.err = last // not asked: the answer would be the same
			continue
		}
		if d.err = s.failed(s.diagnose(ctx, f, d)); d.err != nil {
			last = d.err
			errs = append(errs, d.err)
		}
	}
	s.nameVMs(ctx, found.selected, last)
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// hopeless tells an error after which asking this host again helps nobody, and may lock the user out.
func hopeless(err error) bool {
	switch exitCode(err) {
	case exitUnreachable, exitAuthentication, exitDeadline, exitInterrupted, exitTerminated:
		return true
	}
	return false
}

// list fills found with the jobs of the host that f selects. Filtering by state is ours, to tell what else was seen.
func (s *session) list(ctx context.Context, f *getFlags, found *findings) error {
	found.states = map[string]int{}
	add := func(j *invoke.MigrationJob, wanted bool) {
		found.total++
		found.states[stateName(j)]++
		switch rank(j) {
		case rankFailed:
			found.failed++
		case rankWarned:
			found.warned++
		}
		if wanted {
			found.selected = append(found.selected, &diagnosed{Diagnosis: invoke.Diagnosis{Job: j, VM: j.VMName()}})
		}
	}
	if f.job != "" {
		j, err := invoke.Job(ctx, s.client, f.job)
		if err != nil {
			return err
		}
		add(j, true)
		return nil
	}
	for j, err := range invoke.Jobs(ctx, s.client, &invoke.Filter{VM: f.vm}) {
		if err != nil {
			return err
		}
		add(j, f.all || j.Failed() || j.CompletedWithWarnings())
	}
	if f.latest && len(found.selected) > 1 {
		found.selected = []*diagnosed{slices.MinFunc(found.selected, newestFirst)}
	}
	return nil
}

// sortJobs puts failed jobs first, then warnings, then the rest; the newest first in each.
func sortJobs(list []*diagnosed) {
	slices.SortStableFunc(list, func(a, b *diagnosed) int {
		return cmp.Or(cmp.Compare(rank(a.Job), rank(b.Job)), newestFirst(a, b))
	})
}

// The order in which jobs are shown.
const (
	rankFailed = iota
	rankWarned
	rankOther
)

func rank(j *invoke.MigrationJob) int {
	switch {
	case j.Failed():
		return rankFailed
	case j.CompletedWithWarnings():
		return rankWarned
	}
	return rankOther
}

func newestFirst(a, b *diagnosed) int { return changed(b.Job).Compare(changed(a.Job)) }

// changed returns when the state of a job last changed; the zero time when that is not known.
func changed(j *invoke.MigrationJob) time.Time {
	for _, t := range []*time.Time{j.TimeOfLastStateChange, j.StartTime, j.TimeSubmitted} {
		if t != nil && !t.IsZero() {
			return *t
		}
	}
	return time.Time{}
}

// nameVMs gives the machines their names where no message told them. It comes last: that a name is missing, or slow to come,
// must not cost an error. Nothing is asked after last, if that says so, or after a question that brought no answer.
func (s *session) nameVMs(ctx context.Context, list []*diagnosed, last error) {
	for _, d := range list {
		if hopeless(last) || d.VM == d.Job.VMName() && !s.nameVM(ctx, d) {
			return
		}
	}
}

// diagnose asks the host about one job.
func (s *session) diagnose(ctx context.Context, f *getFlags, d *diagnosed) error {
	if f.method == "" {
		found, err := invoke.Ask(ctx, s.client, d.Job)
		d.Diagnosis = *found
		return err
	}
	ask := invoke.GetErrorEx
	if f.method == invoke.MethodGetError {
		ask = invoke.GetError
	}
	answer, err := ask(ctx, s.client, d.Job.ID())
	d.onlyMethod, d.Answers = true, []*invoke.Answer{answer}
	var undecoded []error
	for i, r := range answer.Errors {
		d.Parts = append(d.Parts, invoke.Part{Source: invoke.Source(f.method), Index: i, Error: r.Error, DecodeError: r.Err})
		if r.Err != nil {
			undecoded = append(undecoded, r.Err)
		}
	}
	fault, faulted := errors.AsType[*wsman.Fault](err)
	switch {
	case errors.Is(err, invoke.ErrNoErrorInstance):
		return nil
	case faulted && fault.NotFound():
		d.Expired = true
		return fmt.Errorf("%w: %w", invoke.ErrNoSuchJob, err)
	case err == nil && len(undecoded) == len(answer.Errors):
		return errors.Join(undecoded...)
	}
	return err
}
