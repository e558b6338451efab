package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// watchFlags are the flags of watch.
type watchFlags struct {
	connection             connectionFlags
	job, vm                string
	interval, idleInterval time.Duration
	journal                string
	bothEnds               bothEndsFlags
	noExplain              bool
}

func (a *app) watchCommand() *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch [flags] HOST...",
		Short: "Follow the migrations of hosts, and print at once why one failed",
		Long: `Follows the migration jobs of all hosts: those that begin, how far they are,
those that end. At the end of one that failed it asks the host at once for every
error, before the host forgets it. A host that goes away is tried again, with
growing pauses; one that has refused the password is not. HOST may be @FILE, a
list with one host on each line, and - for a list on stdin.

With --vm or --job it waits for one job and ends with it: 0 it completed, 3 it
failed, 5 it still ran at --deadline (or --vm was not seen), 4 no host knows it.
Of --vm, a job that runs is waited for; if none does, the newest that has ended
is the answer; if there is none, the next one is waited for. Without them it
ends by Ctrl-C, or at --deadline: 0 when all hosts answer, 6 when some do, else
what kept them from it.

On a terminal there is a bar for each job that runs, and events scroll up. In a
pipe, and with -o jsonl, each event is one line of JSON: schema, command, id,
time, event, host, url, vm, missed, job, error. event is job.new, job.progress,
job.ended, job.failed, job.gone (nobody saw its end), host.lost, host.back or
host.refused. id is the same for the same event in every run. missed: it ended
while the host was not watched. job is null for events of hosts; of a job that
has ended it is what get prints, else only what a poll asks for. error is as in
get.

--journal FILE records the same lines, but for job.progress, with one more
member: evidence, what the host sent. Each event is there once, on the disk
before the next; on stdout it is at least once, since it is written there first.
After a restart what is recorded is not told again, but for --vm and --job, whose
journal holds only what is printed. "hvmigerr get --journal FILE" answers from
it. If the journal cannot be written, watch goes on and exits 1 at the end, also
after Ctrl-C or SIGTERM, which else are 130 and 143. If stdout cannot, or nobody
reads it, watch goes on only for a journal; what stdout has not taken by a
second after the end makes it exit 1.

With -v a line of stderr tells every ten seconds what watch itself uses:
"watch: polls=N hosts=N lost=N sessions=N goroutines=N heap=BYTES".`,
		Example: `  hvmigerr watch -u 'CORP\hv-reader' hv01.example.com hv02.example.com
  hvmigerr watch @hosts.txt --journal /var/lib/hvmigerr/watch.jsonl >events.jsonl
  hvmigerr watch --vm web-01 --deadline 1h hv01.example.com && echo moved`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.watch(cmd, &f, args)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.job, "job", "", "wait for the job with this `INSTANCEID`, and end with it")
	fs.StringVar(&f.vm, "vm", "", "wait for a job of the virtual machine of this `NAME` or GUID, and end with it")
	fs.DurationVar(&f.interval, "interval", watch.DefaultInterval, "pause between two questions to a host on which jobs run")
	fs.DurationVar(&f.idleInterval, "idle-interval", watch.DefaultIdleInterval, "pause where none runs; a quarter of the time that the host keeps jobs, if that is shorter")
	fs.StringVar(&f.journal, "journal", "", "record what happens in `FILE`, which others may not read; FILE.lock keeps a second watcher off")
	fromEnvironment(fs.Lookup("interval"))
	fromEnvironment(fs.Lookup("idle-interval"))
	registerBothEnds(cmd, &f.bothEnds)
	registerNoExplain(cmd, &f.noExplain)
	f.connection.registerHosts(cmd)
	f.connection.register(cmd)
	say := func(flag, usage string) {
		fs.Lookup(flag).Usage = usage + " [$" + variable(flag) + "]"
	}
	say("output", "`FORMAT` of events: text or jsonl (default: text on a terminal, else jsonl)")
	fs.Lookup("output").DefValue = ""
	say("timeout", "limit for one poll of a host, and for each question about a job that ended")
	say("deadline", "end the watch after this time (default: never)")
	complete(cmd, "output", outputText, outputJSONL)
	return cmd
}

// leastInterval is how often a host may be asked at most.
const leastInterval = 100 * time.Millisecond

func (f *watchFlags) check(cmd *cobra.Command) error {
	switch typed := cmd.Flags().Changed; {
	case typed("job") && f.job == "":
		return &usageError{"--job is empty"}
	case typed("vm") && f.vm == "":
		return &usageError{"--vm is empty"}
	case typed("journal") && f.journal == "":
		return &usageError{"--journal is empty"}
	case f.job != "" && f.vm != "":
		return &usageError{"--job and --vm exclude each other"}
	case typed("output") && f.connection.output == outputJSON:
		return &usageError{"--output json: a watch has no end; use jsonl"}
	}
	return f.bothEnds.check()
}

// checkIntervals looks at what the environment may have set, too.
func (f *watchFlags) checkIntervals() error {
	for name, d := range map[string]time.Duration{"interval": f.interval, "idle-interval": f.idleInterval} {
		if d < leastInterval {
			return &usageError{fmt.Sprintf("--%s %v is less than %v", name, d, leastInterval)}
		}
	}
	return nil
}

// asText tells how events are printed: as text on a terminal, elsewhere as lines of JSON, if nothing else is asked for. A variable
// that asks other commands for json gets lines.
func (f *watchFlags) asText(terminal bool) bool {
	if c := &f.connection; c.typed["output"] || c.preset["output"] {
		return c.output == outputText
	}
	return terminal
}

func (a *app) watch(cmd *cobra.Command, f *watchFlags, args []string) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	ctx := cmd.Context()
	p, err := a.plan(ctx, &f.connection, cmd.Flags(), args)
	if err != nil {
		return err
	}
	defer p.close()
	if err := f.checkIntervals(); err != nil {
		return err
	}
	w := &watcher{app: a, flags: f, plan: p, goal: watchGoal{job: f.job, vm: f.vm}, text: f.asText(a.terminal)}
	if w.goal.set() && len(p.hosts) == 0 {
		return fmt.Errorf("%w: no host is asked for it", invoke.ErrNoSuchJob) // exit 0 would say that it has completed
	}
	if err := w.openJournal(); err != nil {
		return err
	}
	if w.text {
		w.board = a.newBoard(os.Stdout)
	}
	return w.run(ctx)
}

// config returns what the engine is to do.
func (w *watcher) config(hosts []watch.Host) *watch.Config {
	cfg := &watch.Config{
		Hosts: hosts, Interval: w.flags.interval, IdleInterval: w.flags.idleInterval,
		Timeout: w.flags.connection.timeout, Parallel: int(w.flags.connection.parallel),
	}
	if w.flags.bothEnds.wanted {
		cfg.Complete = w.hosts.complete(w.plan, &w.flags.bothEnds)
	}
	if w.journal != nil && !w.goal.set() { // what an earlier watch has told is an answer to --vm all the same
		cfg.Recorded = func(id string) bool { return w.journal.Recorded(w.eventID(id)) }
	}
	return cfg
}

// limited returns a context that ends at --deadline.
func (w *watcher) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if d := w.flags.connection.deadline; d > 0 {
		return context.WithTimeoutCause(ctx, d, &deadlineError{d})
	}
	return context.WithCancel(ctx)
}
