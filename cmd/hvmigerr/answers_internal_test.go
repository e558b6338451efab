// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestAnswersAlike: of hosts that fail alike the first five have a line, in the order given; the summary names the rest.
func TestAnswersAlike(t *testing.T) {
	t.Parallel()
	const hosts = 16
	for _, verbose := range []bool{false, true} {
		for _, format := range []string{outputText, outputJSONL} {
			var stderr strings.Builder
			a := newApp(nil, io.Discard, &stderr)
			name := func(i int) string { return fmt.Sprint("hv", i) }
			list := a.newAnswers(&inquiry{items: jobItems("jobs")}, format, name)
			list.verbose = verbose
			var want []string
			for i := range hosts {
				why := []string{"odd", "even"}[i%2]
				switch line := fmt.Sprintf("hvmigerr: hv%d: %s", i, why); {
				case verbose || i < 2*maxAlike:
					want = append(want, line)
				case i < 2*maxAlike+2:
					want = append(want, "hvmigerr: failed (exit 1): and more for the same reason: see the summary")
				}
			}
			for i := range hosts {
				i = hosts - 1 - i // the last one first
				err := &hostError{name(i), errors.New([]string{"odd", "even"}[i%2])}
				d := newDigest(err, ownNames{})
				b := block{note: lineOf(err, d.exit)}
				if format != outputText {
					b = block{out: []byte("{}\n")}
				}
				if !list.put(i, &rendered{b, d}) {
					t.Fatal("the answer cannot be written")
				}
			}
			if format != outputText {
				want = nil
			}
			got := slices.DeleteFunc(strings.Split(stderr.String(), "\n"), func(s string) bool { return s == "" })
			if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
				t.Errorf("verbose %v, %s: stderr (-want +got):\n%s", verbose, format, diff)
			}
			if len(list.alike) > 0 {
				t.Errorf("verbose %v, %s: %d hosts are still waited for", verbose, format, len(list.alike))
			}
			list.close()
		}
	}
}

// TestManyAlikeLines: the same of a command, where one more host fails for a reason of its own, and -v has a line for all.
func TestManyAlikeLines(t *testing.T) {
	hosts := newFleet(t, 9, func(i int, cfg *wsmantest.Config) {
		if i != 4 {
			cfg.Rules = rule("Enumerate", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied})
		} else {
			cfg.Rules = rule("Enumerate", wsmantest.Rule{Fault: wsmantest.FaultInternalError})
		}
	})
	for flag, want := range map[string]int{"--no-explain": 1 + maxAlike, "-v": 9} {
		got := invokeRun(t.Context(), nil, append([]string{"get", flag}, hosts.args...)...)
		lines, more := 0, strings.Count(got.stderr, "hvmigerr: access denied (exit 12): and more for the same reason: see the summary\n")
		for _, label := range hosts.labels {
			lines += strings.Count(got.stderr, "hvmigerr: "+label+": Enumerate Msvm_MigrationJob: wsman:")
		}
		if lines != want || (more == 1) != (flag != "-v") || got.code != exitFailure {
			t.Errorf("get %s: exit %d, %d lines and %d in place of others, want %d\n%s", flag, got.code, lines, more, want, got.stderr)
		}
		if !strings.Contains(strings.Join(strings.Fields(got.stdout), " "), hosts.labels[5]+", and 3 more hint:") {
			t.Errorf("get %s: the summary does not tell of the rest:\n%s", flag, got.stdout)
		}
	}
}

// TestAnswersUnread: an answer that waited in a file, and cannot be read back, is missed, and ends the command with 1.
func TestAnswersUnread(t *testing.T) {
	t.Parallel()
	a := newApp(nil, io.Discard, io.Discard)
	list := a.newAnswers(&inquiry{items: jobItems("jobs")}, outputText, strconv.Itoa)
	defer list.close()
	list.ordered.limit = 0
	answer := func() *rendered { return &rendered{block{out: []byte("x")}, newDigest(nil, ownNames{})} }
	if !list.put(1, answer()) || list.ordered.spill.file == nil {
		t.Fatal("the answer does not wait in a file")
	}
	if err := list.ordered.spill.file.Close(); err != nil {
		t.Fatal(err)
	}
	if list.put(0, answer()) {
		t.Error("the next answer was taken")
	}
	if err := list.end(); exitCode(err) != exitFailure || !strings.Contains(err.Error(), "reading back an answer") {
		t.Errorf("end: %v", err)
	}
}
