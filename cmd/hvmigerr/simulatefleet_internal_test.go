// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A simulatedFleet is what simulate --hosts prints in JSON.
type simulatedFleet struct {
	Auth, Users             []string
	URL                     string
	CAFile, Pin, CCacheFile *string
	Hosts                   []struct {
		Host, URL   string
		User, Fault *string
	}
}

// fleetOf runs simulate until the test ends, and returns what it prints in JSON.
func fleetOf(t *testing.T, args ...string) *simulatedFleet {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	done := make(chan int)
	go func() {
		done <- run(ctx, append([]string{"simulate", "-o", "jsonl"}, args...), strings.NewReader(""), w, io.Discard)
	}()
	t.Cleanup(func() {
		cancel(errInterrupted)
		if code := <-done; code != exitInterrupted {
			t.Errorf("simulate: exit %d, want %d", code, exitInterrupted)
		}
	})
	answer := new(simulatedFleet)
	if err := json.NewDecoder(r).Decode(answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestSimulateFaults: each host of a fleet fails as it is said to, and the others answer.
func TestSimulateFaults(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, fleetPassword)
	f := fleetOf(t, "--http", "--hosts", "10", "--faults", "hang=10,reset=10,refuse=10,flood=10", "--own-users", "--delay", "1ms")
	want := map[string]int{"": exitOK, "hang": exitDeadline, "reset": exitUnreachable, "refuse": exitAuthentication, "flood": exitUndecodable}
	seen := map[string]int{}
	if f.URL != "" || len(f.Users) != 0 || f.CCacheFile != nil || f.CAFile != nil || f.Pin != nil || len(f.Hosts) != 10 {
		t.Errorf("simulate says %+v", f)
	}
	for i, h := range f.Hosts {
		fault := ""
		if h.Fault != nil {
			fault = *h.Fault
		}
		seen[fault]++
		if h.URL != "http://"+h.Host+"/wsman" {
			t.Errorf("host %s at %s", h.Host, h.URL)
		}
		args := []string{"get", "-u", *h.User, h.Host}
		if fault == "hang" {
			args = append(args, "--timeout", "200ms")
		}
		if got := invokeRun(t.Context(), strings.NewReader(""), args...); got.code != want[fault] {
			t.Errorf("host %d, %q: exit %d, want %d\n%s", i, fault, got.code, want[fault], got.stderr)
		}
	}
	if diff := cmp.Diff(map[string]int{"": 6, "hang": 1, "reset": 1, "refuse": 1, "flood": 1}, seen); diff != "" {
		t.Errorf("hosts by fault (-want +got):\n%s", diff)
	}
}

// TestSimulateFleet: hosts of a model over https share its jobs, under IDs of their own, and one certificate and one ticket.
func TestSimulateFleet(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	model := filepath.Join(t.TempDir(), "model.json")
	const text = `{"host": "HV", "jobs": [{"id": "A1", "startsAfter": "-1m", "outcome": "failed"}]}`
	if err := os.WriteFile(model, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := fleetOf(t, "--hosts", "2", "--model", model)
	ids := map[string]bool{}
	for i, h := range f.Hosts {
		credential := []string{"-u", "administrator"}
		if i == 1 {
			credential = []string{"--ccache", *f.CCacheFile}
		}
		got := invokeRun(t.Context(), strings.NewReader(""), append([]string{"jobs", "-o", "json", "--ca-file", *f.CAFile, h.URL}, credential...)...)
		var answer struct {
			Hosts []struct{ Jobs []struct{ InstanceID string } }
		}
		if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil || len(answer.Hosts) != 1 || len(answer.Hosts[0].Jobs) != 1 {
			t.Fatalf("jobs = %+v, %v", got, err)
		}
		ids[answer.Hosts[0].Jobs[0].InstanceID] = true
	}
	if len(ids) != 2 || !ids["A1"] {
		t.Errorf("IDs %v", ids)
	}
	if diff := cmp.Diff([]string{"administrator", "reader", "outsider", "denied"}, f.Users); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

// TestSimulateList: what simulate prints of many hosts is a list that get reads.
func TestSimulateList(t *testing.T) {
	clearEnvironment(t)
	for _, tt := range []struct {
		name, args string
		want       []string
		lack       string
		lines      []string // by their ends
	}{
		{
			"http", "--http --hosts 3 --faults refuse=50 --listen 127.0.0.1:0",
			[]string{
				"# 3 simulated Hyper-V hosts, nothing of them is real: this is a list for @FILE.\n#\n", "# auth       ntlm, kerberos\n", "# user       administrator\n",
				"# faults     1 refuse\n", "#   HVMIGERR_PASSWORD=administrator-pass hvmigerr get -u administrator @hosts.txt\n", "#   KRB5CCNAME=FILE:", "# Ctrl-C ends them.\n",
			},
			"--ca-file",
			[]string{"", " # refuse", ""},
		},
		{
			"https", "--hosts 2 --own-users",
			[]string{"# CA file    ", "# users      one for each host\n# passwords  user-pass\n", "#   HVMIGERR_PASSWORD=user-pass hvmigerr get \\\n#     --ca-file "},
			"KRB5CCNAME",
			[]string{" https=true user=user-0001", " https=true user=user-0002"},
		},
		{"one", "--http --hosts 1 --auth kerberos", []string{"# 1 simulated"}, "HVMIGERR_PASSWORD", []string{""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errTerminated)
			got := invokeRun(ctx, strings.NewReader(""), append([]string{"simulate"}, strings.Fields(tt.args)...)...)
			if got.code != exitTerminated || strings.Contains(got.stdout, tt.lack) {
				t.Errorf("simulate: exit %d, or %q in\n%s", got.code, tt.lack, got.stdout)
			}
			for _, want := range tt.want {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("no %q in\n%s", want, got.stdout)
				}
			}
			var lines []string
			for line := range strings.Lines(got.stdout) {
				if rest, ok := strings.CutPrefix(line, "127.0.0.1:"); ok {
					lines = append(lines, strings.TrimLeft(strings.TrimSuffix(rest, "\n"), "0123456789"))
				} else if !strings.HasPrefix(line, "#") {
					t.Errorf("line %q is neither a host nor a comment", line)
				}
			}
			if diff := cmp.Diff(tt.lines, lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if list, err := parseHostList("hosts.txt", []byte(got.stdout)); err != nil || len(list) != len(tt.lines) {
				t.Errorf("as a list: %v, %v", list, err)
			}
		})
	}
}

// TestSpread: faults are spread evenly, as many as were asked for, the same each time, and the first host is well.
func TestSpread(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		hosts  int
		faults string
		want   map[fault]int
		row    string // the first letters
	}{
		{1, "hang=5", map[fault]int{"": 1}, "."},
		{10, "", map[fault]int{"": 10}, ".........."},
		{10, "hang=0", map[fault]int{"": 10}, ".........."},
		{10, "hang=50", map[fault]int{"": 5, faultHang: 5}, ".h.h.h.h.h"},
		{3, "reset=100", map[fault]int{faultReset: 3}, "rrr"},
		{100, "hang=5,reset=5,refuse=5,flood=5", map[fault]int{"": 80, faultHang: 5, faultReset: 5, faultRefuse: 5, faultFlood: 5}, "....h....r....r....f....h"},
		{100, "flood=1,hang=9", map[fault]int{"": 90, faultHang: 9, faultFlood: 1}, ".........h.........f.........h"},
		{1000, "hang=5,reset=5,refuse=5,flood=5", map[fault]int{"": 800, faultHang: 50, faultReset: 50, faultRefuse: 50, faultFlood: 50}, "....h"},
	} {
		list, err := (&simulateFlags{hosts: tt.hosts, faults: tt.faults}).spread()
		if err != nil {
			t.Fatal(err)
		}
		got, row := map[fault]int{}, ""
		for _, f := range list {
			got[f]++
			row += (string(f) + ".")[:1]
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || !strings.HasPrefix(row, tt.row) {
			t.Errorf("%d hosts, %s: %s (-want +got):\n%s", tt.hosts, tt.faults, row, diff)
		}
	}
}

// TestSimulateFleetUsage: what cannot be is refused before anything listens.
func TestSimulateFleetUsage(t *testing.T) {
	clearEnvironment(t)
	model := filepath.Join(t.TempDir(), "model.json")
	if err := os.WriteFile(model, []byte(`{"users": [{"name": "a"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	taken := newHost(t, wsmantest.Config{}).Addr().String()
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"--addresses", exitUsage, "--addresses needs --hosts"},
		{"--faults hang=1", exitUsage, "--faults needs --hosts"},
		{"--own-users", exitUsage, "--own-users needs --hosts"},
		{"--hosts -1", exitUsage, "--hosts must be at least 1"},
		{"--hosts 0", exitUsage, "--hosts must be at least 1"},
		{"--delay -1s", exitUsage, "--delay cannot be negative"},
		{"--hosts 20001", exitUsage, "--hosts: a fleet has from 1 to 20000 hosts, not 20001; see"},
		{"--hosts 3 --listen 127.0.0.1:65534", exitUsage, "--hosts: 3 ports from 65534"},
		{"--hosts 3 --listen :20001", exitUsage, `not on ":20001"`},
		{"--hosts 2 --listen [::1]:1 --addresses", exitUsage, "not at ::1"},
		{"--hosts 2 --faults hang", exitUsage, `--faults: "hang" is not NAME=PERCENT`},
		{"--hosts 2 --faults hang=101", exitUsage, `--faults: "hang=101" is not`},
		{"--hosts 2 --faults hang=-1", exitUsage, `--faults: "hang=-1" is not`},
		{"--hosts 2 --faults hang=1,hang=2", exitUsage, "--faults: hang stands twice"},
		{"--hosts 2 --faults hang=60,reset=60", exitUsage, "--faults: 120 percent"},
		{"--hosts 2 --faults fly=1", exitUsage, `--faults: "fly" is none of hang, reset, refuse, flood`},
		{"--hosts 2 --own-users --model " + model, exitUsage, "--own-users does not go with a model that has users"},
		{"--hosts 2 --own-users --ccache-out x", exitUsage, "--ccache-out does not go with --own-users"},
		{"--hosts 1 --http --listen " + taken, exitFailure, "hvmigerr: --listen: host 1 of 1: listen tcp 127.0.0.1:"},
		{"--hosts 1 --http --ccache-out /nosuch/dir/x", exitFailure, "hvmigerr: --ccache-out: open "},
	} {
		got := invokeRun(t.Context(), strings.NewReader(""), append([]string{"simulate"}, strings.Fields(tt.args)...)...)
		if got.code != tt.code || got.stdout != "" || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("simulate %s = %+v, want exit %d and %q", tt.args, got, tt.code, tt.want)
		}
	}
}
