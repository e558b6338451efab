// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

var update = flag.Bool("update", false, "write the golden files of testdata/json anew")

// oddModel holds what makes every key of the answer appear: NULLs, numbers without a name, properties that no schema has, an
// instance that cannot be read, one that can in part.
func oddModel() *wsmantest.Model {
	return &wsmantest.Model{
		Start: noon,
		VMs:   []wsmantest.VM{{Name: "web-01", ID: "5F1C2A9E-3B77-4D0A-9C55-0E6B8A1D4F21"}},
		Jobs: []wsmantest.Job{
			{
				ID: "4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B", VM: "web-01", Destination: "HV02", Outcome: wsmantest.Failed,
				StartsAfter: wsmantest.Duration(-2 * time.Minute), Duration: wsmantest.Duration(30 * time.Second),
				ErrorSummaryDescription: "told by the job alone",
				Properties: wsmantest.Properties{
					"HealthState": 6, "ElapsedTime": "1500ms", "UntilTime": "0001-01-01T00:00:00Z", "Priority": "high",
					"OperationalStatus": []any{17, 40000}, "Added": "by a later Windows", "Listed": []any{"a", "b"},
				},
				Errors: []wsmantest.Error{
					{
						Message: "first", MessageID: "21024", ErrorType: 12, PerceivedSeverity: 40000,
						MessageArguments: []string{"web-01", "5F1C2A9E-3B77-4D0A-9C55-0E6B8A1D4F21", "HV01"},
						Properties:       wsmantest.Properties{"Extra": "kept", "ErrorSource": nil},
					},
					{Raw: `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="ErrorType" TYPE="uint16"><VALUE>70000</VALUE></PROPERTY>` +
						`<PROPERTY NAME="Message" TYPE="string"><VALUE>in part</VALUE></PROPERTY></INSTANCE>`},
					{Raw: `<INSTANCE CLASSNAME="Msvm_Error"> & </INSTANCE>`},
				},
			},
			{
				ID: "94B8E1C2-5A0D-4763-8E9F-D70C25A6B3F4", Duration: wsmantest.Duration(time.Hour),
				StartsAfter: wsmantest.Duration(-time.Minute),
			},
		},
	}
}

// TestJSON holds every key of the answers, and their order, to the golden files. A change there breaks a promise. What explanations
// hold is TestExplanationObject's: the tables may change.
func TestJSON(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{Model: oddModel(), Clock: func() time.Time { return noon }})
	failing := newHost(t, wsmantest.Config{
		Model: oddModel(), Clock: func() time.Time { return noon },
		Rules: rule("GetErrorEx", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied}),
	})
	for _, tt := range []struct {
		name string
		host *host
		args []string
		want int
	}{
		{"get", h, []string{"get", "--all", "--no-explain"}, exitOK},
		{"get_explained", h, []string{"get", "--job", "94B8E1C2-5A0D-4763-8E9F-D70C25A6B3F4"}, exitOK},
		{"get_raw", h, []string{"get", "--raw", "--no-explain", "--method", "GetErrorEx"}, exitOK},
		{"get_lines", h, []string{"get", "--no-explain", "-o", "jsonl"}, exitOK},
		{"get_denied", failing, []string{"get", "--no-explain"}, exitDenied},
		{"get_denied_lines", failing, []string{"get", "--no-explain", "-o", "jsonl"}, exitDenied},
		{"jobs", h, []string{"jobs", "--running"}, exitOK},
		{"jobs_dmtf", h, []string{"jobs", "--failed", "--running", "--uri-style", "dmtf", "--no-explain"}, exitOK},
		{"identify", h, []string{"identify"}, exitOK},
		{"unknown_job", h, []string{"get", "--job", "nosuch"}, exitNoSuchJob},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{tt.args[0], "-o", "json"}, tt.args[1:]...)
			got := invokeRun(t.Context(), strings.NewReader(""), append(args, "-u", "administrator", "--tls-pin", tt.host.Pin(), tt.host.URL())...)
			if got.code != tt.want {
				t.Errorf("exit %d, want %d\n%s", got.code, tt.want, got.stderr)
			}
			text := strings.NewReplacer(tt.host.Addr().String(), "127.0.0.1:5986", tt.host.Pin(), "sha256:PIN").Replace(got.stdout)
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "{\"") && !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
			golden(t, filepath.Join("testdata", "json", tt.name+".golden.json"), []byte(text))
		})
	}
}

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
