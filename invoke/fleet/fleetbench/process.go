package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a process took.
type usage struct {
	wall, cpu time.Duration
	peak      int64 // resident octets; 0 if the system does not tell
	exit      int
}

// client runs hvmigerr to its end. Its stdout should be a file: to read a pipe would cost this process CPU that the other two lack.
func (m *measurement) client(ctx context.Context, stdout io.Writer, args ...string) (usage, error) {
	cmd := exec.CommandContext(ctx, m.program, args...) //nolint:gosec // the user names it, or we have built it
	var stderr bytes.Buffer
	cmd.Env, cmd.Stderr = environment(os.Environ()), &stderr
	if stdout != io.Discard {
		cmd.Stdout = stdout
	}
	start := time.Now()
	err := cmd.Run()
	u := usage{wall: time.Since(start)}
	if state := cmd.ProcessState; state != nil && ctx.Err() == nil {
		u.cpu, u.exit, u.peak = state.UserTime()+state.SystemTime(), state.ExitCode(), peakOf(state)
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil && u.exit != exitUsage {
		return u, nil // what it means is said by the row
	}
	if err != nil {
		err = fmt.Errorf("hvmigerr %s: %w\n%s", args[0], errors.Join(err, context.Cause(ctx)), stderr.Bytes())
	}
	return u, err
}

// The exit codes of hvmigerr get that are looked at.
const (
	exitOK     = 0 // all have answered
	exitUsage  = 2
	exitPartly = 6
)

// get asks all hosts of s.
func (m *measurement) get(ctx context.Context, stdout io.Writer, s *simulator) (usage, error) {
	return m.client(ctx, stdout, "get", "@"+s.list, "-o", "jsonl", "--auth", "ntlm",
		"--parallel", strconv.Itoa(m.parallel), "--timeout", m.timeout.String())
}

// password is that of every user of `simulate --own-users`.
const password = "user-pass"

// environment returns env without defaults for flags of hvmigerr, and with the password.
func environment(env []string) []string {
	var kept []string
	for _, e := range env {
		if !strings.HasPrefix(strings.ToUpper(e), "HVMIGERR_") {
			kept = append(kept, e)
		}
	}
	return append(kept, "HVMIGERR_PASSWORD="+password)
}

// A simulator is a process that is many hosts.
type simulator struct {
	cmd    *exec.Cmd
	list   string   // the file of its hosts
	faults []string // of each host, "" for those that have none
}

// simulate starts a simulator and waits until all its hosts serve.
func (m *measurement) simulate(ctx context.Context, hosts int, faults string) (*simulator, error) {
	s := &simulator{list: filepath.Join(m.folder, "hosts.txt")}
	args := []string{"simulate", "--http", "--own-users", "--hosts", strconv.Itoa(hosts), "--delay", m.delay.String()}
	if faults != "" {
		args = append(args, "--faults", faults)
	}
	s.cmd = exec.CommandContext(ctx, m.program, args...) //nolint:gosec // as in client
	var stderr bytes.Buffer
	s.cmd.Env, s.cmd.Stderr = environment(os.Environ()), &stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	s.faults, err = readFaults(io.TeeReader(stdout, &text), hosts)
	if err == nil {
		err = os.WriteFile(s.list, text.Bytes(), 0o600)
	}
	if err != nil {
		err = errors.Join(err, context.Cause(ctx), s.stop())
		return nil, fmt.Errorf("hvmigerr simulate: %w\n%s", err, stderr.Bytes())
	}
	return s, nil
}

// stop ends the simulator and waits for it. How it ends does not matter any more.
func (s *simulator) stop() error {
	if s.cmd.Process.Signal(os.Interrupt) != nil { // Windows has none
		_ = s.cmd.Process.Kill() // it has ended
	}
	err := s.cmd.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil
	}
	return err
}

// readFaults reads the list of the hosts to its end, and returns the fault of each. The list does not end with the file, since the
// simulator goes on: it ends with the last host.
func readFaults(r io.Reader, hosts int) ([]string, error) {
	var faults []string
	lines := bufio.NewScanner(r)
	for len(faults) < hosts && lines.Scan() {
		host, comment, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(host) != "" {
			faults = append(faults, strings.TrimSpace(comment))
		}
	}
	if len(faults) < hosts {
		return nil, errors.Join(fmt.Errorf("it lists %d hosts, not %d", len(faults), hosts), lines.Err())
	}
	return faults, nil
}
