// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
)

func TestAge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Hour, "0s"},
		{0, "0s"},
		{999 * time.Millisecond, "0s"},
		{59 * time.Second, "59s"},
		{time.Minute, "1m0s"},
		{299 * time.Second, "4m59s"},
		{time.Hour - 1, "59m59s"},
		{24*time.Hour - time.Minute, "23h59m"},
		{25*time.Hour - time.Minute, "1d0h"},
		{1000 * time.Hour, "41d16h"},
	} {
		if got := age(tt.d); got != tt.want {
			t.Errorf("age(%v) = %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestStateName(t *testing.T) {
	t.Parallel()
	completed, code := invoke.JobStateCompleted, uint16(32768)
	for _, tt := range []struct {
		job  invoke.MigrationJob
		want string
	}{
		{invoke.MigrationJob{}, "unknown"},
		{invoke.MigrationJob{JobState: &completed}, "Completed"},
		{invoke.MigrationJob{JobState: &completed, ErrorCode: &code}, "Completed with an error"},
	} {
		if got := stateName(&tt.job); got != tt.want {
			t.Errorf("stateName = %q, want %q", got, tt.want)
		}
	}
}

// TestBareJob: of a job of which only the InstanceID is known nothing is made up.
func TestBareJob(t *testing.T) {
	t.Parallel()
	j := invoke.NewJob("J1")
	if got, want := outcome(j), "state not told"; got != want {
		t.Errorf("outcome = %q, want %q", got, want)
	}
	if got := circumstances(j, time.Now(), ""); got != "" {
		t.Errorf("circumstances = %q, want none", got)
	}
}

func TestFileName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"hv01.example.com", "hv01.example.com"},
		{"fe80::1%eth0", "fe80__1_eth0"},
		{"../../etc", ".._.._etc"},
		{"..", "_.."},
		{"", "_"},
		{"a b\x1b\u202e\\c", "a_b___c"},
	} {
		if got := fileName(tt.in); got != tt.want {
			t.Errorf("fileName(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestDifference: a clock that is off is told of, one that is a little late is not.
func TestDifference(t *testing.T) {
	t.Parallel()
	a := newApp(nil, nil, nil)
	a.now = func() time.Time { return noon }
	for _, tt := range []struct {
		host time.Time
		want string
	}{
		{noon, ""},
		{noon.Add(-5 * time.Second), ""},
		{noon.Add(-6 * time.Minute), ", 6m0s behind ours"},
		{noon.Add(6 * time.Minute), ", 6m0s ahead of ours"},
	} {
		if got := a.difference(tt.host); got != tt.want {
			t.Errorf("difference(%v) = %q, want %q", tt.host, got, tt.want)
		}
	}
}

// TestPrintRaw: raw texts go out byte for byte, but not to a terminal.
func TestPrintRaw(t *testing.T) {
	t.Parallel()
	const raw = "<INSTANCE>\r\n\u009b\t</INSTANCE>"
	found := &findings{selected: []*diagnosed{{Diagnosis: invoke.Diagnosis{Answers: []*invoke.Answer{{Raw: []string{raw}}}}}}}
	for terminal, want := range map[bool]string{
		false: raw + "\n",
		true:  "<INSTANCE>\n\\u{9B}\\u{9}</INSTANCE>\n",
	} {
		var stdout strings.Builder
		a := newApp(nil, &stdout, nil)
		a.terminal = terminal
		a.printRaw(found)
		if err := a.out.flush(); err != nil {
			t.Fatal(err)
		}
		if stdout.String() != want {
			t.Errorf("on a terminal %v: %q, want %q", terminal, stdout.String(), want)
		}
	}
}
