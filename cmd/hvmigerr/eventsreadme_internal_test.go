// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestReadmeEvents: a migration whose job is gone, and whose cause stands in the log of the other host, is told by both routes the same,
// as README has it.
func TestReadmeEvents(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	start := time.Date(2026, 11, 22, 11, 57, 0, 0, time.UTC)
	fleet := startFleet(t, wsmantest.FleetConfig{Hosts: 2, Addresses: true, Host: func(i int) wsmantest.Config {
		return wsmantest.Config{HTTP: true, Model: wsmantest.FleetModel(i, start), Clock: func() time.Time { return start }}
	}})
	_, port, err := net.SplitHostPort(fleet.Host(0).Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	read := func(via string) string {
		got := invokeRun(t.Context(), strings.NewReader(""), "events", "-u", administrator, "--via", via, "--vm", "app-0001", fleet.Host(0).URL(), fleet.Host(1).URL())
		if got.code != exitOK || got.stderr != "" {
			t.Fatalf("run = %+v, want exit 0 and no word on stderr", got)
		}
		text, logs, _ := strings.Cut(got.stdout, "\nThe logs of ")
		if !strings.Contains(logs, "(by "+via+")") {
			t.Errorf("the route is not told:\n%s", logs)
		}
		text = strings.ReplaceAll(text, port, "20001")
		return regexp.MustCompile(`ended \S+ ago`).ReplaceAllString(text, "ended 24m54s ago") // the Date of an answer has no fractions
	}
	managed, shell := read(string(events.RouteServerManager)), read(string(events.RouteShell))
	if diff := cmp.Diff(managed, shell); diff != "" {
		t.Errorf("(-servermanager +shell)\n%s", diff)
	}
	name := filepath.Join("testdata", "events", "readme.txt")
	golden(t, name, []byte(managed))
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	plain := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }
	if !bytes.Contains(plain(readme), plain([]byte(managed))) {
		t.Errorf("README.md does not hold %s", name)
	}
}
