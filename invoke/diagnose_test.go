package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// What a failed move is told with, in our own words.
const (
	headline = "Moving 'web01' away from 'HV01' did not work."
	cause    = "The other host, 'HV02', let nobody in (0x8009030E)."
)

var (
	errHeadline = cimxml("21024", headline, "web01", guidWeb, "HV01")
	errCause    = cimxml("20414", cause, "HV02")
)

// show writes parts as "SOURCE[INDEX]+ALSO: text".
func show(d *invoke.Diagnosis) []string {
	var out []string
	for _, p := range d.Parts {
		s := string(p.Source)
		if p.Text == "" {
			s = fmt.Sprintf("%s[%d]", s, p.Index)
		}
		for _, also := range p.Also {
			s += "+" + string(also)
		}
		switch {
		case p.Error != nil:
			s += ": " + text(p.Error.Message)
		case p.DecodeError != nil:
			s += ": problem"
		default:
			s += ": " + p.Text
		}
		out = append(out, s)
	}
	return out
}

// answers gives GetErrorEx and GetError their outputs or errors.
func answers(ex, one any) map[string]any {
	return map[string]any{invoke.MethodGetErrorEx: ex, invoke.MethodGetError: one}
}

func ex(texts ...string) *wsman.Instance  { return output(invoke.MethodGetErrorEx, "0", texts...) }
func one(texts ...string) *wsman.Instance { return output(invoke.MethodGetError, "0", texts...) }

// TestDiagnoseParts tells what is shown once, twice and not at all.
func TestDiagnoseParts(t *testing.T) {
	ofCode := func(code string) string {
		return `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="CIMStatusCode" TYPE="uint32"><VALUE>` + code + `</VALUE></PROPERTY></INSTANCE>`
	}
	const broken = `<INSTANCE CLASSNAME="Msvm_Error">`
	tests := []struct {
		name    string
		job     []string // beside InstanceID and VirtualSystemName
		ex, one *wsman.Instance
		want    []string
	}{
		{name: "nothing at all", ex: ex(null), one: one(null)},
		{name: "headline twice", ex: ex(errHeadline, errCause), one: one(errHeadline), want: []string{
			"GetErrorEx[0]+GetError: " + headline, "GetErrorEx[1]: " + cause,
		}},
		{name: "headline apart", ex: ex(errCause), one: one(errHeadline), want: []string{
			"GetErrorEx[0]: " + cause, "GetError[0]: " + headline,
		}},
		{name: "blanks do not count", ex: ex(errHeadline), one: one(cimxml("21024", "  "+strings.ReplaceAll(headline, " ", "\r\n"))), want: []string{
			"GetErrorEx[0]+GetError: " + headline,
		}},
		{name: "another MessageID", ex: ex(errHeadline), one: one(cimxml("21026", headline)), want: []string{
			"GetErrorEx[0]: " + headline, "GetError[0]: " + headline,
		}},
		{name: "another Message", ex: ex(errHeadline), one: one(cimxml("21024", cause)), want: []string{
			"GetErrorEx[0]: " + headline, "GetError[0]: " + cause,
		}},
		{name: "arguments alone", ex: ex(cimxml("", "", "a"), cimxml("", "", "b")), one: one(cimxml("", "", "b")), want: []string{
			"GetErrorEx[0]: ", "GetErrorEx[1]+GetError: ",
		}},
		{name: "twice in one answer", ex: ex(errCause, errHeadline, errCause), one: one(null), want: []string{
			"GetErrorEx[0]: " + cause, "GetErrorEx[1]: " + headline,
		}},
		{name: "without messages", ex: ex(ofCode("1"), ofCode("5")), one: one(ofCode("5")), want: []string{
			"GetErrorEx[0]: NULL", "GetErrorEx[1]+GetError: NULL",
		}},
		{name: "one broken", ex: ex(broken, errCause), one: one(broken), want: []string{
			"GetErrorEx[0]+GetError: problem", "GetErrorEx[1]: " + cause,
		}},
		{
			name: "job repeats a message", job: []string{"ErrorDescription", " " + headline + "\n", "ErrorSummaryDescription", "let nobody in"},
			ex: ex(errHeadline, errCause), one: one(null),
			want: []string{"GetErrorEx[0]+ErrorDescription: " + headline, "GetErrorEx[1]+ErrorSummaryDescription: " + cause},
		},
		{
			name: "job joins all messages", job: []string{"ErrorDescription", headline + "\r\n\r\n" + cause, "ErrorSummaryDescription", headline},
			ex: ex(errHeadline, errCause), one: one(errHeadline),
			want: []string{"GetErrorEx[0]+GetError+ErrorDescription+ErrorSummaryDescription: " + headline, "GetErrorEx[1]+ErrorDescription: " + cause},
		},
		{
			name: "job says more", job: []string{"ErrorDescription", headline + "\nAsk Ada.", "ErrorSummaryDescription", "Ask  Ada."},
			ex: ex(errHeadline), one: one(null),
			want: []string{"GetErrorEx[0]: " + headline, "ErrorDescription+ErrorSummaryDescription: " + headline + "\nAsk Ada."},
		},
		{
			name: "job alone", job: []string{"ErrorDescription", "first", "ErrorSummaryDescription", "second", "ErrorCode", "32768"},
			ex: ex(), one: one(""), want: []string{"ErrorDescription: first", "ErrorSummaryDescription: second"},
		},
		{name: "blank fields", job: []string{"ErrorDescription", "", "ErrorSummaryDescription", " \n", "ErrorCode", "0"}, ex: ex(null), one: one(null)},
		{name: "code alone", job: []string{"ErrorCode", "32774"}, ex: ex(null), one: one(null), want: []string{"ErrorCode: 32774 (System is in use)"}},
		{name: "code without a name", job: []string{"ErrorCode", "3"}, ex: ex(null), one: one(null), want: []string{"ErrorCode: 3"}},
		{name: "code of a start", job: []string{"ErrorCode", "4096"}, ex: ex(null), one: one(null)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := job(append([]string{"InstanceID", jobID, "VirtualSystemName", guidWeb}, tt.job...)...)
			h := &fakeHost{answers: answers(tt.ex, tt.one)}
			d, err := invoke.Diagnose(t.Context(), h, invoke.DecodeMigrationJob(in))
			if err != nil && !strings.Contains(tt.name, "broken") {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, show(d)); diff != "" {
				t.Errorf("Parts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDiagnoseErrors tells what is still said when something goes wrong, and what the error is.
func TestDiagnoseErrors(t *testing.T) {
	const summary = "ErrorSummaryDescription: It did not work."
	partial := `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="ErrorType" TYPE="uint16"><VALUE>much</VALUE></PROPERTY>` +
		`<PROPERTY NAME="Message" TYPE="string"><VALUE>It did not work.</VALUE></PROPERTY></INSTANCE>`
	returned := func(method, value string) *wsman.Instance { return output(method, value, null) }
	tests := []struct {
		name    string
		answers map[string]any
		parts   []string
		expired bool
		asked   string
		err     []any // each is in the tree; none: no error
	}{
		{name: "denied", answers: answers(faultDenied(), faultDenied()), parts: []string{summary}, asked: "GetErrorEx GetError name", err: []any{new(*wsman.Fault)}},
		{name: "first fails", answers: answers(&wsman.Fault{Subcode: wsman.SubcodeInternalError}, one(errHeadline)), parts: []string{"GetError[0]: " + headline, summary}, asked: "GetErrorEx GetError", err: []any{new(*wsman.Fault)}},
		{name: "second fails", answers: answers(ex(errHeadline), returned("GetError", "32775")), parts: []string{"GetErrorEx[0]: " + headline, summary}, asked: "GetErrorEx GetError", err: []any{new(*invoke.ReturnValueError)}},
		{name: "both, in two ways", answers: answers(returned("GetErrorEx", "32769"), faultDenied()), parts: []string{summary}, asked: "GetErrorEx GetError name", err: []any{new(*invoke.ReturnValueError), new(*wsman.Fault)}},
		{name: "expired before", answers: answers(faultNotFound(), faultNotFound()), parts: []string{summary}, expired: true, asked: "GetErrorEx GetError name"},
		{name: "no GetErrorEx, said as not found", answers: answers(faultNotFound(), one(errHeadline)), parts: []string{"GetError[0]: " + headline, summary}, asked: "GetErrorEx GetError"},
		{name: "expired between", answers: answers(ex(errHeadline), faultNotFound()), parts: []string{"GetErrorEx[0]: " + headline, summary}, expired: true, asked: "GetErrorEx GetError"},
		{name: "protocol broken", answers: answers(&wsman.ProtocolError{Msg: "no GetErrorEx_OUTPUT"}, one(errHeadline)), parts: []string{"GetError[0]: " + headline, summary}, asked: "GetErrorEx GetError", err: []any{new(*wsman.ProtocolError)}},
		{name: "connection lost", answers: answers(wsman.ErrConnectionLost, one(errHeadline)), parts: []string{"GetError[0]: " + headline, summary}, asked: "GetErrorEx GetError", err: []any{wsman.ErrConnectionLost}},
		{name: "password refused", answers: answers(&wsman.HTTPError{StatusCode: 401}, nil), parts: []string{summary}, asked: "GetErrorEx", err: []any{new(*wsman.HTTPError)}},
		{name: "no GetErrorEx here", answers: answers(&wsman.Fault{Subcode: wsman.SubcodeActionNotSupported}, one(errHeadline)), parts: []string{"GetError[0]: " + headline, summary}, asked: "GetErrorEx GetError"},
		{name: "GetErrorEx returns not supported", answers: answers(returned("GetErrorEx", "32770"), one(errHeadline)), parts: []string{"GetError[0]: " + headline, summary}, asked: "GetErrorEx GetError"},
		{name: "neither method here", answers: answers(returned("GetErrorEx", "1"), &wsman.Fault{Subcode: wsman.SubcodeActionNotSupported}), parts: []string{summary}, asked: "GetErrorEx GetError name", err: []any{new(*wsman.Fault), new(*invoke.ReturnValueError)}},
		{name: "none decodes", answers: answers(ex("<", "&"), one(errHeadline)), parts: []string{"GetErrorEx[0]: problem", "GetErrorEx[1]: problem", "GetError[0]: " + headline, summary}, asked: "GetErrorEx GetError", err: []any{new(*cimerror.DecodeError)}},
		{name: "one decodes", answers: answers(ex("<", errHeadline), one(null)), parts: []string{"GetErrorEx[0]: problem", "GetErrorEx[1]: " + headline, summary}, asked: "GetErrorEx GetError"},
		{name: "message of a broken one", answers: answers(ex(partial), one(null)), parts: []string{"GetErrorEx[0]+ErrorSummaryDescription: problem"}, asked: "GetErrorEx GetError name", err: []any{new(*cimerror.DecodeError)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &fakeHost{answers: tt.answers}
			j := job("InstanceID", jobID, "VirtualSystemName", guidWeb, "ErrorSummaryDescription", "It did not work.")
			d, err := invoke.Diagnose(t.Context(), h, invoke.DecodeMigrationJob(j))
			if (err == nil) != (tt.err == nil) {
				t.Errorf("error = %v, want %v", err, tt.err)
			}
			for _, want := range tt.err {
				if !matches(err, want) {
					t.Errorf("error = %v, want %T in it", err, want)
				}
			}
			if diff := cmp.Diff(tt.parts, show(d)); diff != "" {
				t.Errorf("Parts (-want +got):\n%s", diff)
			}
			if d.Expired != tt.expired {
				t.Errorf("Expired = %t", d.Expired)
			}
			asked := strings.Join(h.asked, " ")
			asked = strings.ReplaceAll(asked, "select * from Msvm_ComputerSystem where Name = '"+guidWeb+"'", "name")
			if asked != tt.asked {
				t.Errorf("asked %s, want %s", asked, tt.asked)
			}
			if methods := len(strings.Fields(strings.TrimSuffix(asked, " name"))); len(d.Answers) != methods {
				t.Errorf("%d answers of %d calls", len(d.Answers), methods)
			}
		})
	}
}

// TestDiagnoseMuch: what a host says in thousands of errors and lines is told, without comparing each with each.
func TestDiagnoseMuch(t *testing.T) {
	var texts []string
	var lines strings.Builder
	for n := range 10000 {
		texts = append(texts, cimxml("1", fmt.Sprintf("%d", n)))
		fmt.Fprintf(&lines, "line %d\n", n)
	}
	texts = append(texts, texts[0])
	h := &fakeHost{answers: answers(ex(texts...), one(texts[9999]))}
	d, err := invoke.Diagnose(t.Context(), h, invoke.DecodeMigrationJob(job("InstanceID", jobID, "ErrorDescription", lines.String(), "ErrorSummaryDescription", "7")))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Parts); n != 10001 {
		t.Fatalf("%d parts, want 10000 errors and the text", n)
	}
	if also := d.Parts[9999].Also; !cmp.Equal(also, []invoke.Source{"GetError"}) {
		t.Errorf("the last error is also from %v", also)
	}
	if also := d.Parts[7].Also; !cmp.Equal(also, []invoke.Source{"ErrorSummaryDescription"}) {
		t.Errorf("error 7 is also from %v", also)
	}
	if d.Parts[10000].Text != lines.String() {
		t.Error("the text is not as it was")
	}
}

// TestDiagnoseBare: a job that nobody has seen and that the host does not know is no job.
func TestDiagnoseBare(t *testing.T) {
	hostItself := []*wsman.Instance{system("HV01", "HV01")}
	for name, tt := range map[string]struct {
		host fakeHost
		want error
	}{
		"unknown":    {fakeHost{answers: answers(faultNotFound(), faultNotFound()), systems: hostItself}, invoke.ErrNoSuchJob},
		"no Hyper-V": {fakeHost{answers: answers(faultNotFound(), faultNotFound()), jobsErr: faultNotFound()}, invoke.ErrNoHyperV},
		"known":      {fakeHost{answers: answers(faultNotFound(), one(errHeadline))}, nil},
	} {
		d, err := invoke.Diagnose(t.Context(), &tt.host, invoke.NewJob(jobID))
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || d.Expired != (tt.want != nil) {
			t.Errorf("%s: expired %t, error %v, want %v", name, d.Expired, err, tt.want)
		}
	}
}

func TestDiagnoseVM(t *testing.T) {
	partial := `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="ErrorType" TYPE="uint16"><VALUE>much</VALUE></PROPERTY>` +
		`<PROPERTY.ARRAY NAME="MessageArguments" TYPE="string"><VALUE.ARRAY><VALUE>told</VALUE><VALUE>` + guidWeb + `</VALUE></VALUE.ARRAY></PROPERTY.ARRAY></INSTANCE>`
	listed := []*wsman.Instance{system("HV01", "HV01"), system("listed", guidWeb)}
	tests := []struct {
		name, vm string
		errors   []string
		host     fakeHost
		want     string
		requests int
	}{
		{name: "told", vm: strings.ToLower(guidWeb), errors: []string{errCause, cimxml("21024", "x", "told", "{"+guidWeb+"}")}, host: fakeHost{systems: listed}, want: "told", requests: 2},
		{name: "told by a broken one", vm: guidWeb, errors: []string{partial}, host: fakeHost{systems: listed}, want: "told", requests: 2},
		{name: "of another machine", vm: guidWeb, errors: []string{cimxml("21024", "x", "other", guidSQL)}, host: fakeHost{systems: listed}, want: "listed", requests: 3},
		{name: "without a name", vm: guidWeb, errors: []string{cimxml("21024", "x", "", guidWeb)}, host: fakeHost{systems: listed}, want: "listed", requests: 3},
		{name: "looked up", vm: guidWeb, errors: []string{errCause}, host: fakeHost{systems: listed}, want: "listed", requests: 3},
		{name: "unknown", vm: guidSQL, host: fakeHost{systems: listed}, want: guidSQL, requests: 3},
		{name: "not told", vm: guidWeb, host: fakeHost{systemsErr: faultDenied()}, want: guidWeb, requests: 3},
		{name: "a name already", vm: "web01", host: fakeHost{systems: listed}, want: "web01", requests: 2},
		{name: "NULL", vm: null, host: fakeHost{systems: listed}, want: "", requests: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.host.answers = answers(ex(append(tt.errors, null)...), nil)
			j := invoke.DecodeMigrationJob(job("InstanceID", jobID, "VirtualSystemName", tt.vm))
			d, _ := invoke.Diagnose(t.Context(), &tt.host, j)
			if d.VM != tt.want {
				t.Errorf("VM = %q, want %q", d.VM, tt.want)
			}
			if len(tt.host.asked) != tt.requests {
				t.Errorf("asked %q, want %d requests", tt.host.asked, tt.requests)
			}
		})
	}
}

func TestDiagnoseWithoutID(t *testing.T) {
	h := &fakeHost{}
	d, err := invoke.Diagnose(t.Context(), h, invoke.DecodeMigrationJob(job("InstanceID", null, "ErrorDescription", "first")))
	if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok {
		t.Errorf("error = %v, want a ProtocolError", err)
	}
	if diff := cmp.Diff([]string{"ErrorDescription: first"}, show(d)); diff != "" || len(h.asked) != 0 {
		t.Errorf("asked %q; Parts (-want +got):\n%s", h.asked, diff)
	}
}

func TestDiagnoseCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := &fakeHost{}
	d, err := invoke.Diagnose(ctx, h, invoke.DecodeMigrationJob(job("InstanceID", jobID, "VirtualSystemName", guidWeb)))
	if !errors.Is(err, context.Canceled) || d == nil || len(h.asked) != 1 {
		t.Errorf("Diagnose = %v, %v after %q; want the end of the context after one request", d, err, h.asked)
	}
}
