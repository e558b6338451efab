// Command fleetbench measures what it takes to ask many hosts at once: wall time, CPU and memory of `hvmigerr get @FILE`.
//
// It builds hvmigerr and, for each number of hosts, starts `hvmigerr simulate` as a process of its own, with a round trip of 20 ms, an
// own user for each host, and a failed migration on each. Then it asks all of them, over http with messages sealed by NTLM. In a second
// series some hosts hang, reset connections, refuse the password, and answer 300 MB. The table on stdout is Markdown; with -check the
// program ends with 1 when a goal is missed.
//
// Both processes share the machine. So the table tells what the simulator took of it, too, and how busy the cores were.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code) //nolint:forbidigo // main ends the process
}

// run returns the exit code: 1 when something went wrong or a goal was missed, 2 for wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	missed, err := bench(ctx, o, stdout)
	switch {
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "fleetbench: %v\n", err)
		return 1
	case o.check && missed > 0:
		return 1
	}
	return 0
}

// options are the flags.
type options struct {
	sizes           []int
	parallel        int
	delay, timeout  time.Duration
	faults, program string
	check           bool
}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("fleetbench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		_, _ = io.WriteString(stderr, "usage: go run ./invoke/fleet/fleetbench [flags]\n\nMeasures hvmigerr get on many simulated hosts.\n\n")
		fs.PrintDefaults()
	}
	sizes := fs.String("hosts", "1,10,100,1000,5000", "numbers of hosts, a `list`")
	fs.IntVar(&o.parallel, "parallel", 64, "hosts at work at the same time, as get has it")
	fs.DurationVar(&o.delay, "delay", 20*time.Millisecond, "the round trip to a host, as simulate has it")
	fs.DurationVar(&o.timeout, "timeout", 30*time.Second, "the time for one host, as get has it: a host that hangs takes all of it")
	fs.StringVar(&o.faults, "faults", "hang=5,reset=5,refuse=5,flood=5", "the `percentages` of faults of the second series, as simulate has them; empty leaves the series out")
	fs.StringVar(&o.program, "hvmigerr", "", "measure the program in `FILE` (default: it is built)")
	fs.BoolVar(&o.check, "check", false, "end with 1 when a goal is missed")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	err := o.validate(fs.Args(), *sizes)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "fleetbench: %v; see -h\n", err)
	}
	return o, err
}

func (o *options) validate(rest []string, sizes string) error {
	for field := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			return fmt.Errorf("-hosts: %q is no number of hosts", field)
		}
		o.sizes = append(o.sizes, n)
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected %q", rest[0])
	case o.parallel < 1:
		return errors.New("-parallel is less than 1")
	case o.timeout <= 0:
		return errors.New("-timeout is not more than 0")
	}
	return nil
}
