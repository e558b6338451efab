// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSimulate runs simulate and, against it, get; then it interrupts simulate, which takes its file of the authority away.
func TestSimulate(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	dir := t.TempDir()
	model, rules := filepath.Join(dir, "model.json"), filepath.Join(dir, "rules.json")
	for name, text := range map[string]string{
		model: `{"jobs": [{"id": "1", "startsAfter": "-1m", "outcome": "failed"}]}`,
		rules: `[{"operation": "GetErrorEx", "fault": "NotFound"}]`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"--model", model, "--rules", rules}
	for _, tt := range []struct {
		name  string
		args  []string
		trust func(answer *simulation) []string
		keeps bool
	}{
		{
			name:  "CA in a file that goes",
			trust: func(s *simulation) []string { return []string{"--ca-file", s.CAFile} },
		},
		{
			name:  "pin",
			trust: func(s *simulation) []string { return []string{"--tls-pin", s.Pin} },
		},
		{
			name: "CA in a file that stays", args: []string{"--ca-out", filepath.Join(t.TempDir(), "ca.pem")}, keeps: true,
			trust: func(s *simulation) []string { return []string{"--ca-file", s.CAFile} },
		},
		{
			name: "http", args: []string{"--http"},
			trust: func(*simulation) []string { return []string{"--allow-unencrypted"} },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.args = append(tt.args, files...)
			ctx, cancel := context.WithCancelCause(t.Context())
			r, w := io.Pipe()
			done := make(chan int)
			go func() {
				args := append([]string{"simulate", "-o", "jsonl"}, tt.args...)
				done <- run(ctx, args, strings.NewReader(""), w, io.Discard)
			}()
			var answer simulation
			if err := json.NewDecoder(r).Decode(&answer); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"get", "-u", "administrator", answer.URL}, tt.trust(&answer)...)
			got := invokeRun(t.Context(), strings.NewReader(""), args...)
			if got.code != exitOK || !strings.Contains(got.stdout, "The host forgot the job while it was asked") {
				t.Errorf("get = %+v", got)
			}
			cancel(errInterrupted)
			if code := <-done; code != exitInterrupted {
				t.Errorf("simulate: exit %d, want %d", code, exitInterrupted)
			}
			if answer.CAFile == "" {
				return
			}
			if _, err := os.Stat(answer.CAFile); errors.Is(err, fs.ErrNotExist) == tt.keeps {
				t.Errorf("after simulate: %v", err)
			}
		})
	}
}

// A simulation is what simulate prints.
type simulation struct {
	URL    string
	CAFile string
	Pin    string
	Users  []string
}

func TestSimulateText(t *testing.T) {
	clearEnvironment(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errTerminated)
	got := invokeRun(ctx, strings.NewReader(""), "simulate", "--listen", "127.0.0.1:0")
	if got.code != exitTerminated {
		t.Errorf("simulate: exit %d, want %d", got.code, exitTerminated)
	}
	for _, want := range []string{
		"address    https://127.0.0.1:", "CA file    ", "pin        sha256:", "user       administrator\n", "passwords  the name and -pass",
		"HVMIGERR_PASSWORD=administrator-pass hvmigerr get -u administrator", "curl --cacert ",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in\n%s", want, got.stdout)
		}
	}
}

// TestSimulateOpen: listening beyond loopback is warned of.
func TestSimulateOpen(t *testing.T) {
	clearEnvironment(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	got := invokeRun(ctx, strings.NewReader(""), "simulate", "--listen", "0.0.0.0:0")
	if got.code != exitInterrupted || !strings.Contains(got.stderr, "hvmigerr: warning: other machines") {
		t.Errorf("simulate = %+v", got)
	}
}
