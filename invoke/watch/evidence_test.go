package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// evidenceClient returns a client of a simulated host with the built-in model.
func evidenceClient(tb testing.TB, who string, rules ...wsmantest.Rule) *wsman.Client {
	tb.Helper()
	server, err := wsmantest.NewServer(wsmantest.Config{Users: wsmantest.DefaultUsers(), Rules: rules})
	if err != nil {
		tb.Fatal(err)
	}
	c, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: server.Transport(who), QuotaRetries: -1})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// jobsOf lists the jobs that a host has.
func jobsOf(tb testing.TB, c *wsman.Client) []*invoke.MigrationJob {
	tb.Helper()
	var list []*invoke.MigrationJob
	for j, err := range invoke.Jobs(tb.Context(), c, nil) {
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, j)
	}
	return list
}

// kept returns the evidence of d as it is after it was written and read.
func kept(tb testing.TB, d *invoke.Diagnosis) (*watch.Evidence, []byte) {
	tb.Helper()
	text, err := json.Marshal(watch.NewEvidence(d))
	if err != nil {
		tb.Fatal(err)
	}
	e := &watch.Evidence{}
	if err := json.Unmarshal(text, e); err != nil {
		tb.Fatalf("%v\n%s", err, text)
	}
	return e, text
}

// same compares errors by what they say, where any error may stand, and takes no errors for none.
func same() cmp.Options {
	return cmp.Options{
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[error]() }, cmp.Comparer(func(a, b error) bool {
			if a == nil || b == nil {
				return a == nil && b == nil
			}
			return a.Error() == b.Error()
		})),
		cmp.FilterValues(func(a, b []cimerror.Result) bool { return len(a)+len(b) == 0 }, cmp.Ignore()),
	}
}

// TestEvidence: every job of the built-in model is diagnosed, kept as JSON, and decoded to the same.
func TestEvidence(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"administrator", "reader"} { // the latter may not call methods
		c := evidenceClient(t, who)
		jobs := jobsOf(t, c)
		if len(jobs) < 5 {
			t.Fatalf("only %d jobs", len(jobs))
		}
		for _, j := range jobs {
			want, wantErr := invoke.Diagnose(t.Context(), c, j)
			e, text := kept(t, want)
			got, err := e.Diagnosis()
			if diff := cmp.Diff(want, got, same()); diff != "" {
				t.Errorf("job %s of %s (-want +got):\n%s", j.ID(), who, diff)
			}
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("job %s of %s: error %v, want %v", j.ID(), who, err, wantErr)
			}
			again, err := json.Marshal(watch.NewEvidence(got))
			if err != nil || string(again) != string(text) {
				t.Errorf("job %s of %s: kept again (%v) as\n%s\nwant\n%s", j.ID(), who, err, again, text)
			}
		}
	}
}

// TestEvidenceOfBothEnds: what the destination said is joined again.
func TestEvidenceOfBothEnds(t *testing.T) {
	t.Parallel()
	c := evidenceClient(t, "administrator")
	var ends []*invoke.Diagnosis
	for _, j := range jobsOf(t, c) {
		if d, err := invoke.Ask(t.Context(), c, j); err == nil && j.Failed() {
			ends = append(ends, d)
		}
	}
	want := ends[0]
	want.Join("HV02", ends[1])
	e, _ := kept(t, want)
	got, err := e.Diagnosis()
	if diff := cmp.Diff(want, got, same()); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

// TestEvidenceOfErrors: callers tell errors apart as they could at the time.
func TestEvidenceOfErrors(t *testing.T) {
	t.Parallel()
	fault := &wsman.Fault{
		HTTPStatus: 500, Code: "s:Sender", Subcode: wsman.SubcodeAccessDenied, Reason: "no",
		WSManFault: &wsman.WSManFault{Code: 5, Message: "m", Provider: &wsman.ProviderFault{
			Message: "Access is denied.", Nested: []*wsman.WSManFault{{Code: 0x80041003}},
		}},
	}
	wmi := &wsman.Fault{Code: "s:Receiver", WMIError: &wsman.Instance{
		Namespace: "urn:w", Name: "MSFT_WmiError", Properties: []wsman.Property{
			{Namespace: "urn:w", Name: "CIMStatusCode", Text: "6"}, {Namespace: "urn:o", Name: "error_Code", Text: "2147749890"},
		},
	}}
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	for _, tc := range []struct {
		name string
		err  error
		fits func(error) bool
	}{
		{"access denied", &wsman.OpError{Op: "GetErrorEx", ResourceURI: "urn:a/Msvm_MigrationJob", Err: fault}, func(err error) bool {
			f, ok := errors.AsType[*wsman.Fault](err)
			op, isOp := errors.AsType[*wsman.OpError](err)
			return ok && isOp && op.Op == "GetErrorEx" && f.AccessDenied() && f.Error() == fault.Error() && cmp.Equal(f.Codes(), fault.Codes())
		}},
		{"WMI", wmi, func(err error) bool {
			f, ok := errors.AsType[*wsman.Fault](err)
			return ok && f.NotFound() && cmp.Equal(f, wmi)
		}},
		{"status", &wsman.HTTPError{StatusCode: 503, Body: []byte("away")}, func(err error) bool {
			h, ok := errors.AsType[*wsman.HTTPError](err)
			return ok && h.StatusCode == 503
		}},
		{"protocol", fmt.Errorf("x: %w", &wsman.ProtocolError{Path: "p", Msg: "m"}), func(err error) bool {
			_, ok := errors.AsType[*wsman.ProtocolError](err)
			return ok
		}},
		{"lost", fmt.Errorf("read: %w", wsman.ErrConnectionLost), is(wsman.ErrConnectionLost)},
		{"deadline", fmt.Errorf("read: %w", context.DeadlineExceeded), is(context.DeadlineExceeded)},
		{"no instance", invoke.ErrNoErrorInstance, is(invoke.ErrNoErrorInstance)},
		{"another", errors.New("broken"), func(err error) bool { return err != nil }},
	} {
		d := &invoke.Diagnosis{
			Job:     invoke.NewJob("J"),
			Answers: []*invoke.Answer{{Method: invoke.MethodGetErrorEx, Err: tc.err}},
		}
		e, text := kept(t, d)
		got, err := e.Diagnosis()
		if got == nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if a := got.Answers[0]; a.Err.Error() != tc.err.Error() || !tc.fits(a.Err) {
			t.Errorf("%s: %v of %s", tc.name, a.Err, text)
		}
	}
}

// TestEvidenceForm holds the form: journals are read by later versions.
func TestEvidenceForm(t *testing.T) {
	t.Parallel()
	const want = `{"vm":"web-01","job":{"namespace":"urn:a","name":"Msvm_MigrationJob","type":"Msvm_MigrationJob_Type",` +
		`"date":"2026-03-04T12:00:00Z","properties":[{"name":"InstanceID","text":"J"},{"name":"Caption","nil":true,` +
		`"attributes":[{"namespace":"urn:xsi","name":"nil","value":"true"}]},{"name":"StartTime","children":[` +
		`{"namespace":"urn:cim","name":"Datetime","text":"2026-03-04T11:00:00Z"}]},{"namespace":"","name":"Odd"}]},` +
		`"answers":[{"method":"GetErrorEx","returnValue":0,"state":"present","raw":["<INSTANCE CLASSNAME=\"Msvm_Error\"/>"]},` +
		`{"method":"GetError","returnValue":32769,"state":"nil","error":{"text":"denied"}}]}`
	d := &invoke.Diagnosis{
		VM: "web-01",
		Job: invoke.DecodeMigrationJob(&wsman.Instance{
			Namespace: "urn:a", Name: "Msvm_MigrationJob", Type: "Msvm_MigrationJob_Type", Date: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC),
			Properties: []wsman.Property{
				{Namespace: "urn:a", Name: "InstanceID", Text: "J"},
				{Namespace: "urn:a", Name: "Caption", Nil: true, Attributes: []wsman.Attribute{{Namespace: "urn:xsi", Name: "nil", Value: "true"}}},
				{Namespace: "urn:a", Name: "StartTime", Children: []wsman.Property{{Namespace: "urn:cim", Name: "Datetime", Text: "2026-03-04T11:00:00Z"}}},
				{Name: "Odd"},
			},
		}),
		Answers: []*invoke.Answer{
			{Method: "GetErrorEx", Returned: true, State: wsman.Present, Raw: []string{`<INSTANCE CLASSNAME="Msvm_Error"/>`}},
			{Method: "GetError", Returned: true, ReturnValue: 32769, State: wsman.Nil, Err: errors.New("denied")},
		},
	}
	got, err := watch.NewEvidence(d).MarshalJSON()
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("MarshalJSON: %v (-want +got):\n%s", err, diff)
	}
	var e watch.Evidence
	if err := json.Unmarshal([]byte(want), &e); err != nil {
		t.Fatal(err)
	}
	back, err := e.Diagnosis()
	if rv, ok := errors.AsType[*invoke.ReturnValueError](err); !ok || rv.ReturnValue != invoke.ReturnValueAccessDenied {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(d.Job, back.Job, same()); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	var none *watch.Evidence
	if text, err := none.MarshalJSON(); string(text) != "null" || err != nil {
		t.Errorf("of nil: %s, %v", text, err)
	}
}

// TestEvidenceRefuses what no watcher could have written.
func TestEvidenceRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"name":"a","children":[`, 70) + strings.Repeat("]}", 70)
	for name, text := range map[string]string{
		"no object":     `[]`,
		"a method":      `{"answers":[{"method":"Destroy","state":"nil"}]}`,
		"a state":       `{"answers":[{"method":"GetError","state":"?"}]}`,
		"many answers":  `{"answers":[` + strings.Repeat(`{"method":"GetError","state":"nil"},`, 16) + `{}]}`,
		"many texts":    `{"answers":[{"method":"GetError","state":"nil","raw":[` + strings.Repeat(`"",`, 1<<16) + `""]}]}`,
		"many codes":    `{"answers":[{"method":"GetError","state":"nil","error":{"fault":{"codes":[` + strings.Repeat(`1,`, 64) + `1]}}}]}`,
		"many objects":  `{"job":{"name":"a","properties":[` + strings.Repeat(`{},`, 1<<17) + `{}]}}`,
		"too deep":      `{"job":{"name":"a","properties":[` + deep + `]}}`,
		"no name":       `{"job":{"name":"a"},"destination":{"job":{"name":"b"}}}`,
		"a destination": `{"job":{"name":"a"},"destination":{"host":"h","answers":[{"method":"x"}]}}`,
	} {
		var e watch.Evidence
		if err := json.Unmarshal([]byte(text), &e); err == nil {
			t.Errorf("%s: no error", name)
		}
		if d, err := e.Diagnosis(); d != nil || !errors.Is(err, watch.ErrNoEvidence) {
			t.Errorf("%s: Diagnosis = %v, %v of what was refused", name, d, err)
		}
	}
	var e watch.Evidence
	many := `{"job":{"name":"a","properties":[{"name":"InstanceID","text":"` + strings.Repeat(`{\"`, 1<<17) + `"}]}}`
	if err := json.Unmarshal([]byte(many), &e); err != nil {
		t.Errorf("braces in a text: %v", err)
	}
}

// FuzzEvidence: whatever stands in a journal is refused, or diagnosed without panic, and kept again without loss.
func FuzzEvidence(f *testing.F) {
	// Short ones: what is found is cut down before the next is tried, which of whole answers of a host takes longer than a run.
	const raw = `"<INSTANCE CLASSNAME=\"Msvm_Error\"><PROPERTY NAME=\"Message\" TYPE=\"string\"><VALUE>m</VALUE></PROPERTY></INSTANCE>"`
	for _, text := range []string{
		`{"job":{"name":"a","properties":[{"namespace":"","name":"InstanceID","text":"1"}]},"destination":{"host":"h","job":{"name":"b"}}}`,
		`{"answers":[{"method":"GetError","state":"nil","error":{"text":"t","fault":{"codes":[1,2],"wmiError":{"name":"x"}}}}]}`,
		`{"vm":"v","job":{"name":"a"},"answers":[{"method":"GetErrorEx","returnValue":0,"state":"present","raw":[` + raw + `]}]}`,
		`{"job":{"name":"a"},"answers":[{"method":"GetError","returnValue":32769,"state":"absent","error":{"text":"t","httpStatus":500}}]}`,
		`{"job":{"name":"a"},"answers":[{"method":"GetErrorEx","state":"present","raw":["<"],"error":{"text":"t","deadline":true}}]}`,
		`{"job":{"name":"a","properties":[{"name":"ErrorDescription","text":"e"},{"name":"StartTime","children":[{"name":"Datetime","text":"2026-03-04T11:00:00Z"}]}]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var e watch.Evidence
		if json.Unmarshal(text, &e) != nil {
			return
		}
		d, err := e.Diagnosis()
		if d == nil {
			if !errors.Is(err, watch.ErrNoEvidence) {
				t.Fatalf("Diagnosis = nil, %v", err)
			}
			return
		}
		again, _ := kept(t, d)
		got, _ := again.Diagnosis()
		if len(got.Parts) != len(d.Parts) || got.Job.ID() != d.Job.ID() || got.Expired != d.Expired {
			t.Errorf("%d parts of job %q, then %d of %q", len(d.Parts), d.Job.ID(), len(got.Parts), got.Job.ID())
		}
	})
}
