package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// A measurement is all that the rows have in common.
type measurement struct {
	*options
	folder  string        // for what is written meanwhile; removed at the end
	startup usage         // of a process that asks nobody
	latency time.Duration // of one host
}

// bench prints the table, each row as it comes, and then the goals that were missed. It returns their number.
func bench(ctx context.Context, o *options, out io.Writer) (missed int, err error) {
	m := &measurement{options: o}
	if m.folder, err = os.MkdirTemp("", "fleetbench"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(m.folder)) }()
	if err := m.prepare(ctx); err != nil {
		return 0, err
	}
	if _, err := fmt.Fprintf(out, "%s\n\n%s", m.conditions(), tableHead); err != nil {
		return 0, err
	}
	var goals []string
	for _, faults := range m.series() {
		for _, hosts := range m.sizes {
			if limit := tooFewDescriptors(hosts, m.parallel); limit != "" {
				if faults == "" {
					goals = append(goals, limit) // once is enough
				}
				continue
			}
			r, err := m.row(ctx, hosts, faults)
			if err != nil {
				return 0, fmt.Errorf("%d hosts: %w", hosts, err)
			}
			if faults != "" && r.faulty() == 0 {
				continue // too few hosts for a fault: that was measured already
			}
			goals = append(goals, r.missed()...)
			if _, err := fmt.Fprintln(out, r); err != nil {
				return 0, err
			}
		}
	}
	return len(goals), writeGoals(out, goals)
}

func (m *measurement) series() []string {
	if m.faults == "" {
		return []string{""}
	}
	return []string{"", m.faults}
}

// conditions says what the figures hold for.
func (m *measurement) conditions() string {
	return fmt.Sprintf("%s/%s, %d cores, %s; -parallel %d, -timeout %v, -delay %v.\n"+
		"A process that asks nobody takes %v and %v of CPU; one host takes %v more.",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), m.parallel, m.timeout, m.delay,
		m.startup.wall.Round(time.Millisecond), m.startup.cpu.Round(time.Millisecond), m.latency.Round(time.Millisecond))
}

// prepare builds the program and measures what the rows are compared with.
func (m *measurement) prepare(ctx context.Context) error {
	if m.program == "" {
		m.program = filepath.Join(m.folder, "hvmigerr")
		if runtime.GOOS == "windows" {
			m.program += ".exe"
		}
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", m.program, "github.com/hvmigerr/hvmigerr/cmd/hvmigerr") //nolint:gosec // into our folder
		if said, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, said)
		}
	}
	var err error
	if m.startup, err = median(func() (usage, error) { return m.client(ctx, io.Discard, "version") }); err != nil {
		return err
	}
	s, err := m.simulate(ctx, 1, "")
	if err != nil {
		return err
	}
	one, err := median(func() (usage, error) { return m.get(ctx, io.Discard, s) })
	m.latency = max(one.wall-m.startup.wall, time.Millisecond)
	return errors.Join(err, s.stop())
}

// median measures three times, and returns the one whose time is in the middle.
func median(measure func() (usage, error)) (usage, error) {
	var all []usage
	for range 3 {
		u, err := measure()
		if err != nil {
			return usage{}, err
		}
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b usage) int { return int(a.wall - b.wall) })
	return all[1], nil
}

// row asks that many hosts.
func (m *measurement) row(ctx context.Context, hosts int, faults string) (r *row, err error) {
	s, err := m.simulate(ctx, hosts, faults)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	file, err := os.Create(filepath.Join(m.folder, "answers.jsonl"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	before, known := s.cpu()
	u, err := m.get(ctx, file, s)
	if err != nil {
		return nil, err
	}
	after, _ := s.cpu()
	r = &row{m: m, faults: s.faults, used: u, cpuKnown: known, simulator: after.process - before.process, all: after.machine - before.machine}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r.answer, err = readAnswer(file)
	return r, err
}
