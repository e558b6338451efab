// Soak tries whether `hvmigerr watch` loses anything. It is a program that anyone can run, from a clone:
//
//	go run ./invoke/watch/soak -for 15m
//
// It simulates hosts in its own process, on which migrations run, half of which fail, and which forget a migration soon after
// its end. The hosts restart, cut connections and stall. Beside them runs `hvmigerr watch` with a journal, as a process that is
// killed again and again and started anew at once. In the end it compares the journal, and all that was printed, with what
// happened on the hosts, which it knows from the models that it made them of and never from the watcher.
//
// It ends with 0 when nothing is missing, doubled, invented or torn, and with 1 otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code) //nolint:forbidigo // this is the main.go of a program
}

// options are what the command line says.
type options struct {
	length time.Duration
	hosts  int
	kills  int
	seed   uint64
	binary string
	dir    string
	check  bool
}

// minLength is of the shortest run of which something can be told.
const minLength = 50 * time.Second

func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	fs := flag.NewFlagSet("soak", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.DurationVar(&o.length, "for", time.Minute, "how long it takes, at least 50s")
	fs.IntVar(&o.hosts, "hosts", 50, "how many hosts are simulated")
	fs.IntVar(&o.kills, "kills", 5, "how often the watcher is killed, within the first two thirds, and not in the last half minute")
	fs.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "what decides when what happens (default: the time)")
	fs.StringVar(&o.binary, "binary", "", "the hvmigerr to try (default: one that is built from this module)")
	fs.StringVar(&o.dir, "dir", "", "an empty directory for the journal and what is printed, which stay (default: one that goes when all is well)")
	fs.BoolVar(&o.check, "check", false, "fail also when memory, descriptors, threads or goroutines of the watcher grow")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 || o.length < minLength || o.hosts < 1 || o.kills < 0 {
		err := errors.New("soak: no arguments, -for of at least 50s, -hosts of at least 1, and -kills that are not negative")
		_, _ = fmt.Fprintln(stderr, err)
		return nil, err
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	temporary := o.dir == ""
	if temporary {
		if o.dir, err = os.MkdirTemp("", "hvmigerr-soak-"); err != nil {
			_, _ = fmt.Fprintf(stderr, "soak: %v\n", err)
			return 1
		}
	}
	_, _ = fmt.Fprintf(stdout, "soak: %v, %d hosts, %d kills, -seed %d, in %s\n", o.length, o.hosts, o.kills, o.seed, o.dir)
	problems, err := soak(ctx, o, stdout)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "soak: %v\n", err)
		return 1
	}
	for i, p := range problems {
		if i == maxProblems {
			_, _ = fmt.Fprintf(stdout, "and %d more\n", len(problems)-i)
			break
		}
		_, _ = fmt.Fprintf(stdout, "WRONG: %s\n", p)
	}
	if len(problems) > 0 {
		_, _ = fmt.Fprintf(stdout, "soak: FAILED; see %s\n", o.dir)
		return 1
	}
	if temporary {
		if err := os.RemoveAll(o.dir); err != nil {
			_, _ = fmt.Fprintf(stderr, "soak: %v\n", err)
			return 1
		}
	}
	_, _ = fmt.Fprintln(stdout, "soak: passed")
	return 0
}

// maxProblems bounds what is printed of what is wrong: it is often the same again and again.
const maxProblems = 20

// soak does everything and returns what is wrong with the outcome. The error is one that keeps it from telling.
func soak(ctx context.Context, o *options, stdout io.Writer) ([]string, error) {
	if o.binary == "" {
		var err error
		if o.binary, err = build(ctx, o.dir); err != nil {
			return nil, err
		}
	}
	s := newScenario(o, time.Now())
	fleet, err := startFleet(s) //nolint:contextcheck // Close ends it
	if err != nil {
		return nil, err
	}
	defer func() { _ = fleet.Close() }()
	trouble := makeTrouble(ctx, s, fleet)
	w, err := newWatchers(o, fleet)
	if err != nil {
		return nil, err
	}
	err = w.run(ctx, s)
	downs := trouble()
	if err != nil {
		return nil, err
	}
	t := &truth{jobs: s.truth(fleet), downs: downs, runs: w.runs}
	c := newChecker(t)
	if err := c.files(w.journal); err != nil {
		return nil, err
	}
	problems := c.problems()
	c.report(stdout)
	growth := w.grown()
	growth.report(stdout)
	if o.check {
		problems = append(problems, growth.problems()...)
	}
	return problems, nil
}
