package invoke_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

func envelope(body string) string {
	return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>` + body + `</s:Body></s:Envelope>`
}

// FuzzDecodeMigrationJob: no panic; a property has a value, or a problem, or neither because it is NULL; never both.
func FuzzDecodeMigrationJob(f *testing.F) {
	f.Add([]byte(envelope(strings.ReplaceAll(jobXML, "@", "000000000001"))))
	for _, body := range []string{
		`<j ErrorCode="1"><ErrorCode>65536</ErrorCode><JobState/><Owner>a</Owner><Owner>b</Owner></j>`,
		`<j><STARTTIME>20260504120000.000000+120</STARTTIME><RunDay>-129</RunDay><OperationalStatus>x</OperationalStatus></j>`,
		`<j xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><InstanceID i:nil="true"/><NewSystemSettingData><a><b/></a></NewSystemSettingData></j>`,
	} {
		f.Add([]byte(envelope(body)))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		env, err := wsman.DecodeEnvelope(in)
		if err != nil {
			return
		}
		for _, i := range env.Body {
			j := invoke.DecodeMigrationJob(i)
			j.Removal()
			if j.Failed() && j.Running() || j.Finished() == j.Running() {
				t.Errorf("Failed %t, Finished %t, Running %t", j.Failed(), j.Finished(), j.Running())
			}
			for _, problem := range j.Problems {
				p, ok := errors.AsType[*invoke.PropertyError](problem)
				if !ok || p.Err == nil || p.Error() == "" {
					t.Errorf("problem %v", problem)
				}
				if p.Property == "InstanceID" && j.InstanceID != nil {
					t.Error("a property with a problem is not NULL")
				}
			}
		}
	})
}

// FuzzDiagnose: whatever the two methods answer, no panic, a Diagnosis, and each text decoded or told about.
func FuzzDiagnose(f *testing.F) {
	f.Add([]byte(envelope(`<GetErrorEx_OUTPUT><Errors>x</Errors><ReturnValue>0</ReturnValue></GetErrorEx_OUTPUT>`)), "It did not work.")
	for _, param := range []string{
		strings.ReplaceAll(errHeadline, "<", "&lt;"),
		strings.ReplaceAll(errHeadline, "<", "&lt;") + `</Errors><Errors>` + strings.ReplaceAll(errCause, "<", "&lt;"),
		errHeadline,
		`<a:Message xmlns:a="u">It did not work.</a:Message><a:ErrorType xmlns:a="u">4</a:ErrorType>`,
		`<Msvm_Error><Message>x</Message><Message>y</Message></Msvm_Error>`,
	} {
		f.Add([]byte(envelope(`<GetErrorEx_OUTPUT><Errors>`+param+`</Errors><ReturnValue>0</ReturnValue></GetErrorEx_OUTPUT>`)), headline+"\n"+cause)
	}
	f.Fuzz(func(t *testing.T, in []byte, description string) {
		env, err := wsman.DecodeEnvelope(in)
		if err != nil || len(env.Body) == 0 {
			return
		}
		h := &fakeHost{answers: answers(env.Body[0], env.Body[len(env.Body)-1])}
		j := invoke.DecodeMigrationJob(job("InstanceID", jobID, "VirtualSystemName", guidWeb, "ErrorDescription", description))
		d, _ := invoke.Diagnose(t.Context(), h, j)
		if len(d.Answers) != 2 {
			t.Fatalf("%d answers", len(d.Answers))
		}
		for _, a := range d.Answers {
			if len(a.Raw) != len(a.Errors) || a.Returned == (a.Err != nil && a.ReturnValue == 0 && !errors.Is(a.Err, invoke.ErrNoErrorInstance)) {
				t.Errorf("answer %+v", a)
			}
		}
		for _, p := range d.Parts {
			if p.Error == nil && p.DecodeError == nil && p.Text == "" {
				t.Errorf("part %+v says nothing", p)
			}
		}
	})
}
