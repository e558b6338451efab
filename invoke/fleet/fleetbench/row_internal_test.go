package main

// The tests are inside: the package is a program.

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// asked returns a row of hosts of which one takes a tenth of a second, and that meets all goals.
func asked(parallel int, faults ...string) *row {
	m := &measurement{
		options: &options{parallel: parallel, timeout: 2 * time.Second},
		startup: usage{wall: 10 * time.Millisecond, cpu: 10 * time.Millisecond}, latency: 100 * time.Millisecond,
	}
	r := &row{m: m, faults: faults, cpuKnown: true}
	r.answer = answer{len(faults) - r.faulty(), len(faults) - r.faulty()}
	if r.faulty() > 0 {
		r.used.exit = exitPartly
	}
	r.used.wall = r.ideal()
	return r
}

func TestIdeal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		parallel int
		faults   []string
		want     time.Duration
	}{
		{64, make([]string, 1), 110 * time.Millisecond},
		{64, make([]string, 64), 110 * time.Millisecond},
		{64, make([]string, 65), 210 * time.Millisecond},
		{64, make([]string, 1000), 1610 * time.Millisecond},
		{1, []string{"", "reset", "", "flood"}, 410 * time.Millisecond},
		{1, []string{"", hang, ""}, 2210 * time.Millisecond},
		{2, []string{hang, "", "", "refuse"}, 2010 * time.Millisecond},
		{2, []string{"", "", "", hang}, 2110 * time.Millisecond}, // it begins when a place is free
	} {
		if got := asked(tt.parallel, tt.faults...).ideal(); got != tt.want {
			t.Errorf("%d hosts, %d at a time: %v, want %v", len(tt.faults), tt.parallel, got, tt.want)
		}
	}
}

func TestMissed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(r *row)
		want   string
	}{
		{"none", func(*row) {}, ""},
		{"CPU", func(r *row) { r.used.cpu = 311 * time.Millisecond }, "3.01 ms of CPU for a host; at most 3"},
		{"CPU, but of the start", func(r *row) { r.used.cpu = 310 * time.Millisecond }, ""},
		{"CPU, but few hosts", func(r *row) { r.faults, r.answer, r.used.cpu = r.faults[:99], answer{99, 99}, time.Second }, ""},
		{"memory", func(r *row) { r.used.peak = 100_400_001 }, "100.4 MB at the peak; at most 100.4"},
		{"memory that just fits", func(r *row) { r.used.peak = 100_400_000 }, ""},
		{"time", func(r *row) { r.used.wall = 4 * time.Second / 3 }, "1.32 times the ideal time with the cores 0 % busy; at most 1.3 below 80 %"},
		{"time, but CPU binds", func(r *row) { r.used.wall, r.all = 4*time.Second/3, time.Hour }, ""},
		{"time, but nobody knows", func(r *row) { r.used.wall, r.cpuKnown = 4*time.Second/3, false }, ""},
		{"no answer", func(r *row) { r.answer.Answered-- }, "99 answered, 100 of them with a failed migration, exit 0; want 100, exit 0"},
		{"no failed migration", func(r *row) { r.answer.WithFailedJobs = 0 }, "100 answered, 0 of them with a failed migration, exit 0; want 100, exit 0"},
		{"exit", func(r *row) { r.used.exit = exitPartly }, "100 answered, 100 of them with a failed migration, exit 6; want 100, exit 0"},
		{"a fault", func(r *row) { r.faults[7] = "reset" }, "100 answered, 100 of them with a failed migration, exit 0; want 99, exit 6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := asked(10, make([]string, 100)...)
			tt.change(r)
			got := strings.Join(r.missed(), "\n")
			if _, after, ok := strings.Cut(got, "faulty: "); ok {
				got = after
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	r := asked(2, "", "", hang, "reset")
	r.used.peak, r.used.cpu, r.simulator = 12_340_000, 40*time.Millisecond, 20*time.Millisecond
	// Half of the time of all cores, however many there are.
	r.all = time.Duration(float64(time.Second) / 2 / r.share(time.Second))
	known := r.String()
	r.cpuKnown, r.used.peak = false, 0
	rows := []string{known, r.String()}
	if !strings.HasPrefix(known, "| 4 | 2 | 2 | 6 | 2.11 | 2.11 | 1.00 | 10.00 | 12.3 | 5.00 | 50 % | ") {
		t.Error(known)
	}
	if want := "| 4 | 2 | 2 | 6 | 2.11 | 2.11 | 1.00 | 10.00 | – | – | – | – |"; rows[1] != want {
		t.Errorf("got  %s\nwant %s", rows[1], want)
	}
	for line := range strings.Lines(tableHead + strings.Join(rows, "\n")) {
		if n := strings.Count(line, "|"); n != 13 {
			t.Errorf("%d columns: %s", n-1, line)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want answer
		ok   bool
	}{
		{`{"host":"a","job":{}}` + "\n" + `{"command":"get","summary":{"hosts":3,"answered":2,"withFailedJobs":1,"failures":[]}}` + "\n", answer{2, 1}, true},
		{`{"summary":{"hosts":3,"answered":2}}` + "\n" + `{"host":"a"}`, answer{}, false},
		{`{"host":"a"}` + "\n", answer{}, false},
		{`{"summary":{"answered":2}}` + "\n" + `{"summ`, answer{}, false},
		{"", answer{}, false},
	} {
		if got, err := readAnswer(strings.NewReader(tt.in)); got != tt.want || (err == nil) != tt.ok {
			t.Errorf("readAnswer(%q) = %v, %v", tt.in, got, err)
		}
	}
}

func TestReadFaults(t *testing.T) {
	t.Parallel()
	const list = "# 3 hosts\n#\n127.0.0.1:1 user=user-0001\n\n127.0.0.1:2 user=user-0002 # hang\n127.0.0.1:3\n"
	// The list does not end with an end of file: nothing after the last host is waited for.
	endless := io.MultiReader(strings.NewReader(list), fails{t})
	got, err := readFaults(endless, 3)
	if diff := cmp.Diff([]string{"", hang, ""}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if got, err := readFaults(strings.NewReader(list), 4); err == nil || err.Error() != "it lists 3 hosts, not 4" {
		t.Errorf("a list that is too short: %v, %v", got, err)
	}
}

type fails struct{ t *testing.T }

func (f fails) Read([]byte) (int, error) {
	f.t.Error("read on")
	return 0, io.EOF
}

func TestParseClocks(t *testing.T) {
	t.Parallel()
	const machine = "cpu  100 20 30 4000 500 6 7 80 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"
	for _, tt := range []struct {
		process, machine string
		want             clocks
		ok               bool
	}{
		{"42 (hv) S 1 42 42 0 -1 4194560 9 0 0 0 150 25 0 0 20 0 9 0 77 1 2", machine, clocks{1750 * time.Millisecond, 1630 * time.Millisecond}, true},
		{"42 (a ) b) (c) R 1 42 42 0 -1 4194560 9 0 0 0 1 2 0 0 20 0 9 0 77 1 2", machine, clocks{30 * time.Millisecond, 1630 * time.Millisecond}, true},
		{"42 (hv) S 1 42 42 0 -1 4194560 9 0 0 0 x 25 0 0", machine, clocks{}, false},
		{"42 (hv) S 1", machine, clocks{}, false},
		{"", "", clocks{}, false},
		{"42 (hv) S 1 42 42 0 -1 4194560 9 0 0 0 150 25 0 0", "intr 1 2 3 4 5 6 7 8", clocks{}, false},
	} {
		got, ok := parseClocks(tt.process, tt.machine)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("parseClocks(%q) = %v, %v; want %v, %v", tt.process, got, ok, tt.want, tt.ok)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	got := environment([]string{"PATH=/bin", "HVMIGERR_PARALLEL=1", "hvmigerr_password=x"})
	if want := []string{"PATH=/bin", "HVMIGERR_PASSWORD=" + password}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestUsage has wrong usage end with 2, before anything is built.
func TestUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"-h"}, 0, "usage: go run"},
		{[]string{"-hosts", "1,x"}, 2, `fleetbench: -hosts: "x" is no number of hosts; see -h`},
		{[]string{"-hosts", "0"}, 2, `"0" is no number`},
		{[]string{"-parallel", "0"}, 2, "-parallel is less than 1"},
		{[]string{"-timeout", "0s"}, 2, "-timeout is not more than 0"},
		{[]string{"more"}, 2, `unexpected "more"`},
		{[]string{"-unknown"}, 2, "not defined"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), tt.args, &stdout, &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.stderr) || stdout.Len() > 0 {
			t.Errorf("%q: exit %d\n%s%s", tt.args, code, stderr.String(), stdout.String())
		}
	}
}
