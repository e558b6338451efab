// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// summaryOf returns the summary of hosts hv0, hv1 … that ended with these errors.
func summaryOf(errs ...error) *summary {
	name := func(i int) string { return fmt.Sprint("hv", i) }
	s := newSummary(name)
	for i, err := range errs {
		s.add(i, newDigest(err, ownNames{names: []string{name(i)}}))
	}
	return s
}

// TestSummaryExit holds the exit codes of many hosts: every combination of what one, two and three of them can end with.
func TestSummaryExit(t *testing.T) {
	t.Parallel()
	ends := map[int]error{
		exitOK: nil, exitMigration: errMigrationFailed, exitNoSuchJob: invoke.ErrNoSuchJob,
		exitUnreachable: wsman.ErrConnectionLost, exitDenied: invoke.ErrNothingVisible, exitDeadline: context.DeadlineExceeded,
	}
	want := func(codes []int) int {
		answers := 0
		for _, c := range codes {
			if c == 0 || c == 3 || c == 4 {
				answers++
			}
		}
		distinct := slices.Compact(slices.Sorted(slices.Values(codes)))
		switch {
		case answers == 0 && len(distinct) == 1:
			return distinct[0]
		case answers == 0:
			return 1
		case answers < len(codes):
			return 6
		case slices.Contains(codes, 3):
			return 3
		case slices.Contains(codes, 0):
			return 0
		}
		return 4
	}
	var check func(codes []int)
	check = func(codes []int) {
		if len(codes) > 0 {
			var errs []error
			for _, c := range codes {
				errs = append(errs, ends[c])
			}
			err := summaryOf(errs...).err()
			if got := exitCode(err); got != want(codes) {
				t.Errorf("hosts that end with %v: exit %d, want %d", codes, got, want(codes))
			}
		}
		if len(codes) == 3 {
			return
		}
		for c := range ends {
			check(append(slices.Clone(codes), c))
		}
	}
	check(nil)
	if err := summaryOf().err(); err != nil {
		t.Errorf("no host: %v, want none of it to fail", err)
	}
}

// TestSummaryGroups: hosts that failed alike are told together, the widest group first, and hosts in the order given.
func TestSummaryGroups(t *testing.T) {
	t.Parallel()
	refused := func(i int) error {
		return &hostError{fmt.Sprint("hv", i), &wsman.OpError{Op: "Enumerate", Err: &transport.ConnectError{
			Stage: transport.StageConnect, Addr: fmt.Sprintf("hv%d:5985", i),
			Err: &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(i)), Port: 5985}, Err: syscall.ECONNREFUSED},
		}}}
	}
	notTried := &fleet.NotTriedError{RefusedBy: []string{"hv0", "hv1"}, Err: errors.New("x")}
	s := summaryOf(notTried, nil, refused(2), refused(3), refused(4), refused(5), refused(6), refused(7), notTried)
	type group struct {
		Exit          int
		Kind, Message string
		Hosts         []string
	}
	var got []group
	for _, g := range s.failures() {
		got = append(got, group{g.Exit, g.Kind, g.Message, g.Hosts})
		if g.Hint == nil {
			t.Errorf("%s has no hint", g.Message)
		}
	}
	want := []group{
		{exitUnreachable, "unreachable", syscall.ECONNREFUSED.Error(), []string{"hv2", "hv3", "hv4", "hv5", "hv6", "hv7"}},
		{exitAuthentication, "authentication", "not tried: refused by hv0 and hv1", []string{"hv0", "hv8"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("groups (-want +got):\n%s", d)
	}
	text := strings.Join(s.lines(false), "\n")
	for _, want := range []string{
		"9 hosts: 1 answered, 8 did not.\n  not reached (exit 10): " + syscall.ECONNREFUSED.Error() + ": hv2, hv3, hv4, hv5, hv6,",
		"and 1 more\n    hint: is WinRM listening", "\n  not tried (exit 11): refused by hv0 and hv1: hv0, hv8\n    hint: correct the password",
	} {
		if !strings.Contains(strings.ReplaceAll(text, "hv6,\n    and", "hv6, and"), strings.ReplaceAll(want, "hv6,\n", "hv6, ")) {
			t.Errorf("the summary lacks %q:\n%s", want, text)
		}
	}
	for _, line := range s.lines(false) {
		if cells(line) > helpWidth {
			t.Errorf("a line of %d columns: %s", cells(line), line)
		}
	}
	if text := strings.Join(s.lines(true), "\n"); strings.Contains(text, "hint: ") || !strings.HasPrefix(text, "9 hosts: nothing is in the way to 1, something to 8.") {
		t.Errorf("of answers that advise: %s", text)
	}
}

// TestSummaryMany: neither many groups nor what hosts write makes the summary long, or passes for ours.
func TestSummaryMany(t *testing.T) {
	t.Parallel()
	var errs []error
	for i := range 1000 {
		errs = append(errs, fmt.Errorf("reason %d\nhvmigerr: 1000 hosts: 1000 answered \x1b[2J", i))
	}
	text := strings.Join(summaryOf(errs...).lines(false), "\n")
	if !strings.Contains(text, "and 980 other reasons, all of which -o json tells") || strings.Count(text, "\n") > 100 {
		t.Errorf("the summary of 1,000 reasons has %d lines:\n%s", strings.Count(text, "\n"), text)
	}
	if strings.ContainsAny(text, "\x1b") || strings.Contains(text, "\nhvmigerr:") {
		t.Errorf("what a host wrote is not made safe: %q", text)
	}
}

// TestSummaryCounts holds the first line.
func TestSummaryCounts(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	failed := errors.New("x")
	for _, tt := range []struct {
		digests []digest
		want    string
	}{
		{nil, "0 hosts: 0 answered."},
		{[]digest{{}}, "1 host: 1 answered."},
		{[]digest{{failedJobs: &yes}, {failedJobs: &no}, {failedJobs: &no}}, "3 hosts: 3 answered (1 with failed migrations, 2 without)."},
		{[]digest{{failedJobs: &yes}, {exit: 4}}, "2 hosts: 2 answered (1 with failed migrations, 1 without; 1 has no such job or machine)."},
		{[]digest{{exit: 4}, {exit: 4}}, "2 hosts: 2 answered (0 with failed migrations, 2 without; 2 have no such job or machine)."},
		{[]digest{{failedJobs: &yes}, *newDigest(failed, ownNames{})}, "2 hosts: 1 answered (1 with failed migrations, 0 without), 1 did not."},
		{[]digest{{exit: 13, failedJobs: &yes, partly: true, failure: &failureReport{}}}, "1 host: 0 answered, 1 did not, or not in full."},
	} {
		s := newSummary(func(i int) string { return fmt.Sprint(i) })
		for i := range tt.digests {
			s.add(i, &tt.digests[i])
		}
		if got := s.counts(false); got != tt.want {
			t.Errorf("counts of %+v = %q, want %q", tt.digests, got, tt.want)
		}
		if o := fmt.Sprint(s.object()); !strings.Contains(o, fmt.Sprintf("{hosts %d} {answered %d}", len(tt.digests), s.answered)) {
			t.Errorf("the object of %+v is %s", tt.digests, o)
		}
	}
}

// TestOwnNames: what is a host's own is taken out of a message, and nothing else.
func TestOwnNames(t *testing.T) {
	t.Parallel()
	own := ownNames{names: []string{"HV01:5985", "hv01", "hv01.corp.example", "192.0.2.7", "fe80::1%eth0"}, user: `CORP\one`}
	for text, want := range map[string]string{
		"connect to hv01:5985: refused":                               "connect to HOST: refused",
		"TLS with Hv01.Corp.Example:443 (192.0.2.7:443)":              "TLS with HOST (HOST)",
		"http://hv01:5985/wsman, HTTP/hv01.corp.example.":             "http://HOST/wsman, HTTP/HOST.",
		`not for "hv01"; hv011 and hv01-b are others`:                 `not for "HOST"; hv011 and hv01-b are others`,
		"read tcp 192.0.2.9:4711->192.0.2.7:5985: reset":              "read tcp 192.0.2.9:4711->HOST: reset",
		"[fe80::1%eth0]:5985 and [fe80::2%eth0]:5985":                 "HOST and [fe80::2%eth0]:5985",
		`NTLM refused for CORP\one; offered: Negotiate`:               `NTLM refused for USER; offered: Negotiate`,
		"seen now: sha256:00ff" + strings.Repeat("ab", 30) + "; look": "seen now: sha256:…; look",
		"job 4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B":                    "job …",
		"at 12:03:11: 0x80070005":                                     "at 12:03:11: 0x80070005",
		"":                                                            "",
		"  \n ":                                                       "  \n ",
	} {
		if got := own.message(errors.New(text)); got != want {
			t.Errorf("message(%q) = %q, want %q", text, got, want)
		}
	}
	source := &net.OpError{
		Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 4711},
		Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 8), Port: 5985}, Err: errors.New("reset"),
	}
	if got, want := (ownNames{}).message(&hostError{"hv01", source}), "read tcp HOST->HOST: reset"; got != want {
		t.Errorf("message(%v) = %q, want %q", source, got, want)
	}
	dns := &transport.ConnectError{Stage: transport.StageResolve, Addr: "hv01:5985", Err: &net.DNSError{Err: "no such host", Name: "hv01", Server: "192.0.2.53"}}
	if got, want := (ownNames{}).message(dns), "resolve: no such host"; got != want {
		t.Errorf("message(%v) = %q, want %q", dns, got, want)
	}
}

// FuzzOwnNames: a message that hosts may have written keeps everything but words.
func FuzzOwnNames(f *testing.F) {
	f.Add("connect to hv01:5985: refused", "hv01")
	f.Add("[::1]:5985 sha256:00ff", "::1")
	f.Add("a\xff:-.->\u202e", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		got := ownNames{names: []string{name}}.replace(text)
		count := func(s string) (n int) {
			for _, r := range s {
				if notInWord(r) {
					n++
				}
			}
			return n
		}
		if count(got) != count(text) {
			t.Errorf("replace(%q) = %q: not as many words", text, got)
		}
	})
}

// TestSummaryTitles: each exit code of a host that did not answer has a title of its own, which the first words of a line are.
func TestSummaryTitles(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for code, err := range map[int]error{
		exitUsage:          &usageError{"x"},
		exitUnreachable:    wsman.ErrConnectionLost,
		exitAuthentication: &transport.AuthError{Err: errors.New("x")},
		exitDenied:         invoke.ErrNothingVisible,
		exitFault:          invoke.ErrNoHyperV,
		exitQuota:          &wsman.Fault{Subcode: wsman.SubcodeQuotaLimit},
		exitUndecodable:    &wsman.ProtocolError{Msg: "x"},
		exitDeadline:       &deadlineError{time.Minute},
		exitInterrupted:    errInterrupted,
		exitFailure:        errors.New("x"),
	} {
		s := summaryOf(&hostError{"hv0", err})
		line, start := strings.Join(s.lines(false), " "), fmt.Sprintf("1 host: 0 answered, 1 did not.   %s (exit %d): ", failureTitle(code), code)
		if !strings.HasPrefix(line, start) || seen[failureTitle(code)] {
			t.Errorf("%v: %q, want %q", err, line, start)
		}
		seen[failureTitle(code)] = true
	}
}
