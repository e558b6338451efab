package wsmantest_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestDialects holds our own client against every way of saying the same.
func TestDialects(t *testing.T) {
	t.Parallel()
	type seen struct {
		IDs                []string
		StartTime, Elapsed string
		Errors             int
		Fault              wsman.Subcode
	}
	want := seen{
		IDs: []string{jobFailed, jobRunning}, StartTime: "2026-11-20 07:58:00 +0000 UTC", Elapsed: "1m0s", Errors: 2,
		Fault: "wsa:DestinationUnreachable",
	}
	for name, d := range map[string]wsmantest.Dialect{
		"Windows":  {},
		"prefixes": {Prefixes: map[string]string{"s": "SOAP-ENV", "a": "wsa", "n": "wsen", "w": "wsman", "p": "s", "xsi": "w", "cim": "c"}},
		"order":    {ReverseProperties: true},
		"DMTF":     {DMTFClasses: true, OutputName: "*", OutputNamespace: "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ConcreteJob"},
		"bare":     {BareDatetime: true},
		"items w":  {ItemsNamespace: "w"},
		"items n":  {ItemsNamespace: "n"},
		"paging":   {OneItemPages: true, ContextAtEnd: true, IgnoreOptimize: true},
		"unrelated": {
			OmitRelatesTo: true, OmitDate: true, ContentType: "text/xml",
		},
		"faults with 200": {FaultStatus: 200, FaultLayout: wsmantest.LayoutBare},
		"faults with 400": {FaultStatus: 400, FaultLayout: wsmantest.LayoutProvider},
		"faults with 503": {FaultStatus: 503, FaultLayout: wsmantest.LayoutWMIError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, wsmantest.Config{Dialect: &d})
			c := newClient(t, s, wsman.Config{})
			var got seen
			for i, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs(), MaxElements: 5}) {
				if err != nil {
					t.Fatal(err)
				}
				p, _, _ := i.Scalar("InstanceID")
				if got.IDs = append(got.IDs, p.Text); p.Text != jobFailed {
					continue
				}
				started, _, _ := i.Scalar("StartTime")
				at, err := started.Time()
				if err != nil {
					t.Fatal(err)
				}
				elapsed, _, _ := i.Scalar("ElapsedTime")
				took, err := elapsed.Duration()
				if err != nil {
					t.Fatal(err)
				}
				got.StartTime, got.Elapsed = at.UTC().String(), took.String()
			}
			out, err := invoke(t, c, "GetErrorEx", jobFailed)
			if err != nil {
				t.Fatal(err)
			}
			texts, _ := out.Array("Errors")
			got.Errors = len(texts)
			_, err = invoke(t, c, "GetErrorEx", "gone")
			f := faultOf(t, err)
			got.Fault = f.Subcode
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
			if status := d.FaultStatus; status != 0 && f.HTTPStatus != status {
				t.Errorf("fault with %d, want %d", f.HTTPStatus, status)
			}
		})
	}
}

// TestDialectHeaders looks at the headers that a dialect changes.
func TestDialectHeaders(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{Dialect: &wsmantest.Dialect{OmitDate: true, ContentType: "text/xml"}})
	resp, _, err := newBrowser(t, s).post(t, identifyEnvelope)
	if err != nil {
		t.Fatal(err)
	}
	got := [2]string{resp.Header.Get("Content-Type"), resp.Header.Get("Date")}
	if want := [2]string{"text/xml", ""}; resp.StatusCode != http.StatusOK || got != want {
		t.Errorf("status %d, Content-Type and Date %q, want %q", resp.StatusCode, got, want)
	}
}
