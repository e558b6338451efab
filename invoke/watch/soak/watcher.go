package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// build builds hvmigerr from this module.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "hvmigerr.exe")                                                                                    // Windows wants that end, the others do not mind
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/hvmigerr/hvmigerr/cmd/hvmigerr").CombinedOutput() //nolint:gosec // our own words
	if err != nil {
		return "", fmt.Errorf("building hvmigerr: %w\n%s", err, out)
	}
	return binary, nil
}

// watchers run one watcher after the other on the same journal.
type watchers struct {
	binary, dir   string
	list, journal string
	runs          []*watcherRun
}

// A watcherRun is the life of one process.
type watcherRun struct {
	span           // from its start until it was killed, or asked to end
	killed         bool
	code           int    // if it was not killed
	stdout, stderr string // files
	samples        []sample
}

func newWatchers(o *options, f *fleet) (*watchers, error) {
	w := &watchers{binary: o.binary, dir: o.dir, list: filepath.Join(o.dir, "hosts.txt"), journal: filepath.Join(o.dir, "journal.jsonl")}
	if _, err := os.Lstat(w.journal); err == nil { //nolint:gosec // the user names the directory
		return nil, fmt.Errorf("%s is there already: of what has happened before nobody knows the truth", w.journal)
	}
	list, err := os.Create(w.list) //nolint:gosec // the user names the directory
	if err != nil {
		return nil, err
	}
	return w, errors.Join(f.List(list), list.Close())
}

// run lets watchers run until the end of the scenario, and kills them as it says.
func (w *watchers) run(ctx context.Context, s *scenario) error {
	for _, at := range s.kills {
		if err := w.one(ctx, at, true); err != nil {
			return err
		}
	}
	return w.one(ctx, s.end, false)
}

// one lets one watcher run until a moment, at which it is killed or asked to end. If it ends before by itself, that is on record,
// and nobody watches until then.
func (w *watchers) one(ctx context.Context, until time.Time, kill bool) error {
	r := &watcherRun{
		stdout: filepath.Join(w.dir, fmt.Sprintf("stdout-%03d.jsonl", len(w.runs))),
		stderr: filepath.Join(w.dir, fmt.Sprintf("stderr-%03d.txt", len(w.runs))),
	}
	w.runs = append(w.runs, r)
	cmd, closeFiles, err := w.command(ctx, r)
	if err != nil {
		return err
	}
	defer closeFiles()
	if err := cmd.Start(); err != nil {
		return err
	}
	r.from = time.Now()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err = r.follow(ctx, cmd.Process, until, ended)
	r.until = time.Now()
	if err == nil {
		err = r.end(cmd.Process, kill, ended)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.note(err)
	return pause(ctx, time.Until(until))
}

// errEarly is the end of a watcher that nobody has asked to end.
var errEarly = errors.New("it has ended by itself")

// follow takes samples of what a process uses, until a moment, or its end.
func (r *watcherRun) follow(ctx context.Context, p *os.Process, until time.Time, ended chan error) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	over := time.NewTimer(time.Until(until))
	defer over.Stop()
	for {
		select {
		case err := <-ended:
			return errors.Join(errEarly, err)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), <-ended) // the context kills it
		case <-over.C:
			return nil
		case <-ticker.C:
			if s, ok := sampleOf(p.Pid); ok {
				s.age = time.Since(r.from)
				r.samples = append(r.samples, s)
			}
		}
	}
}

// patience is how long a watcher may take to end when it is asked to.
const patience = 20 * time.Second

// end ends a process, and returns the error of its end.
func (r *watcherRun) end(p *os.Process, kill bool, ended chan error) error {
	if kill || p.Signal(syscall.SIGTERM) != nil { // Windows has no such signal
		r.killed = true
		_ = p.Kill() // it may have ended just now, which its code tells
		return <-ended
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	select {
	case err := <-ended:
		return err
	case <-over.C:
		_ = p.Kill()
		return errors.Join(fmt.Errorf("it did not end within %v of SIGTERM", patience), <-ended)
	}
}

// note keeps the exit code of a process that was not killed; -1 is that of one that could not be waited for.
func (r *watcherRun) note(err error) {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.code = exit.ExitCode()
	} else if err != nil && !errors.Is(err, errEarly) {
		r.code = -1
	}
}

// command returns the command line of a watcher whose output goes to the files of r.
func (w *watchers) command(ctx context.Context, r *watcherRun) (cmd *exec.Cmd, closeFiles func(), err error) {
	stdout, err := os.Create(r.stdout)
	if err != nil {
		return nil, nil, err
	}
	stderr, err := os.Create(r.stderr)
	if err != nil {
		return nil, nil, errors.Join(err, stdout.Close())
	}
	cmd = exec.CommandContext(ctx, w.binary, "watch", "@"+w.list, "--user", user, "--journal", w.journal, "--output", "jsonl", //nolint:gosec // the user names the binary
		"--interval", interval.String(), "--idle-interval", idleInterval.String(), "--timeout", "5s", "--verbose")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(strings.ToUpper(v), "HVMIGERR_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "HVMIGERR_PASSWORD="+password)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, func() { _ = errors.Join(stdout.Close(), stderr.Close()) }, nil // the child has written to them, not we
}
