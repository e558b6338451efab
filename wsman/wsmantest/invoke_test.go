package wsmantest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestAnswers reads every form of an answer (facts/wire-format.md §5).
func TestAnswers(t *testing.T) {
	t.Parallel()
	errs := []wsmantest.Error{{Raw: "one"}, {Raw: "two"}}
	type answer struct {
		ReturnValue string
		State       wsman.State
		Texts       []string
	}
	tests := []struct {
		name              string
		job               wsmantest.Job
		getError, getErEx answer
	}{
		{"failed", wsmantest.Job{Errors: errs}, answer{"0", wsman.Present, []string{"one"}}, answer{"0", wsman.Present, []string{"one", "two"}}},
		{"one error", wsmantest.Job{Errors: errs[:1]}, answer{"0", wsman.Present, []string{"one"}}, answer{"0", wsman.Present, []string{"one"}}},
		{"no errors", wsmantest.Job{}, answer{"0", wsman.Nil, nil}, answer{"0", wsman.Nil, nil}},
		{"still running", wsmantest.Job{Errors: errs, Duration: minute}, answer{"0", wsman.Nil, nil}, answer{"0", wsman.Nil, nil}},
		{
			"NULL in spite of errors", wsmantest.Job{
				Errors:   errs,
				GetError: &wsmantest.Answer{Form: wsmantest.FormNull}, GetErrorEx: &wsmantest.Answer{Form: wsmantest.FormNull},
			}, answer{"0", wsman.Nil, nil}, answer{"0", wsman.Nil, nil},
		},
		{
			"empty", wsmantest.Job{
				Errors:   errs,
				GetError: &wsmantest.Answer{Form: wsmantest.FormEmpty}, GetErrorEx: &wsmantest.Answer{Form: wsmantest.FormEmpty},
			}, answer{"0", wsman.Present, []string{""}}, answer{"0", wsman.Present, []string{""}},
		},
		{
			"absent", wsmantest.Job{
				Errors:   errs,
				GetError: &wsmantest.Answer{Form: wsmantest.FormAbsent}, GetErrorEx: &wsmantest.Answer{Form: wsmantest.FormAbsent},
			}, answer{"0", wsman.Absent, nil}, answer{"0", wsman.Absent, nil},
		},
		{
			"return values", wsmantest.Job{
				GetError: &wsmantest.Answer{ReturnValue: 32768}, GetErrorEx: &wsmantest.Answer{ReturnValue: 4294967295},
			}, answer{"32768", wsman.Nil, nil}, answer{"4294967295", wsman.Nil, nil},
		},
		{
			"answers of their own", wsmantest.Job{
				Duration: minute, Errors: errs,
				GetError: &wsmantest.Answer{Errors: []wsmantest.Error{{Raw: "three"}}}, GetErrorEx: &wsmantest.Answer{ReturnValue: 1},
			}, answer{"0", wsman.Present, []string{"three"}}, answer{"1", wsman.Present, []string{"one", "two"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.job.ID, tt.job.Outcome = "J", wsmantest.Failed
			s := newServer(t, wsmantest.Config{Model: &wsmantest.Model{Start: start, Jobs: []wsmantest.Job{tt.job}}})
			c := newClient(t, s, wsman.Config{})
			for method, want := range map[string]answer{"GetError": tt.getError, "GetErrorEx": tt.getErEx} {
				out, err := invoke(t, c, method, "J")
				if err != nil {
					t.Fatal(err)
				}
				value, _, _ := out.Scalar("ReturnValue")
				values, state := out.Array(map[string]string{"GetError": "Error", "GetErrorEx": "Errors"}[method])
				got := answer{value.Text, state, nil}
				for _, v := range values {
					got.Texts = append(got.Texts, v.Text)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", method, diff)
				}
			}
		})
	}
}

// TestControlCharacters expects question marks for what XML cannot carry (facts/wire-format.md §6).
func TestControlCharacters(t *testing.T) {
	t.Parallel()
	m := testModel()
	m.Jobs[0].Properties = wsmantest.Properties{"Caption": "a\x00b\x1fc\td\ne\uffff"}
	c := newClient(t, newServer(t, wsmantest.Config{Model: m}), wsman.Config{})
	job, err := c.Get(t.Context(), &wsman.GetRequest{Resource: jobs(), Selectors: key(jobFailed)})
	if err != nil {
		t.Fatal(err)
	}
	if p, _, _ := job.Scalar("Caption"); p.Text != "a?b?c\td\ne?" {
		t.Errorf("Caption %q", p.Text)
	}
}

// TestCIMXML compares the text of an error with what the one real sample looks like (facts/cim-xml.md §2).
func TestCIMXML(t *testing.T) {
	t.Parallel()
	c := newClient(t, newServer(t, wsmantest.Config{}), wsman.Config{})
	out, err := invoke(t, c, "GetError", jobFailed)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := out.Scalar("Error")
	if err != nil {
		t.Fatal(err)
	}
	want := `<INSTANCE CLASSNAME="Msvm_Error">` +
		`<PROPERTY NAME="CIMStatusCode" TYPE="uint32"><VALUE>1</VALUE></PROPERTY>` +
		`<PROPERTY NAME="CIMStatusCodeDescription" TYPE="string"></PROPERTY>` +
		`<PROPERTY NAME="ErrorSource" TYPE="string"></PROPERTY>` +
		`<PROPERTY NAME="ErrorSourceFormat" TYPE="uint16"><VALUE>0</VALUE></PROPERTY>` +
		`<PROPERTY NAME="ErrorType" TYPE="uint16"><VALUE>4</VALUE></PROPERTY>` +
		`<PROPERTY NAME="Message" TYPE="string"><VALUE>It failed: &lt;A&amp;B&gt; 'x'</VALUE></PROPERTY>` +
		`<PROPERTY.ARRAY NAME="MessageArguments" TYPE="string"><VALUE.ARRAY><VALUE>web-01</VALUE><VALUE>` + vmID +
		`</VALUE><VALUE>HV77</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>` +
		`<PROPERTY NAME="MessageID" TYPE="string"><VALUE>21024</VALUE></PROPERTY>` +
		`<PROPERTY NAME="OtherErrorSourceFormat" TYPE="string"></PROPERTY>` +
		`<PROPERTY NAME="OtherErrorType" TYPE="string"></PROPERTY>` +
		`<PROPERTY NAME="OwningEntity" TYPE="string"><VALUE>Microsoft-Windows-Hyper-V-VMMS</VALUE></PROPERTY>` +
		`<PROPERTY NAME="PerceivedSeverity" TYPE="uint16"><VALUE>5</VALUE></PROPERTY>` +
		`<PROPERTY NAME="ProbableCause" TYPE="uint16"><VALUE>0</VALUE></PROPERTY>` +
		`<PROPERTY NAME="ProbableCauseDescription" TYPE="string"></PROPERTY>` +
		`<PROPERTY.ARRAY NAME="RecommendedActions" TYPE="string"></PROPERTY.ARRAY></INSTANCE>`
	if diff := cmp.Diff(want, p.Text); diff != "" {
		t.Errorf("CIM-XML (-want +got):\n%s", diff)
	}
}
