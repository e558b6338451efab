package cimerror_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

// TestTyped holds what the typed view makes of properties that are not as CIM_Error declares them.
func TestTyped(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"number as string", `<PROPERTY NAME="ErrorType" TYPE="string"><VALUE> 4</VALUE></PROPERTY>`, "ErrorType: 4"},
		{"wider number", `<PROPERTY NAME="ErrorType" TYPE="uint32"><VALUE>4</VALUE></PROPERTY>`, "ErrorType: 4"},
		{"too wide a number", `<PROPERTY NAME="ErrorType" TYPE="uint32"><VALUE>70000</VALUE></PROPERTY>`, `"70000" is out of range of uint16`},
		{"no number", `<PROPERTY NAME="CIMStatusCode" TYPE="string"><VALUE>failed</VALUE></PROPERTY>`, `"failed" is not an integer`},
		{"untyped number", `<PROPERTY NAME="CIMStatusCode"><VALUE>1</VALUE></PROPERTY>`, "CIMStatusCode: 1"},
		{"string as number", `<PROPERTY NAME="MessageID" TYPE="uint32"><VALUE>21024</VALUE></PROPERTY>`, "MessageID: 21024"},
		{"other case", `<PROPERTY NAME="messageid" TYPE="string"><VALUE>21024</VALUE></PROPERTY>`, "MessageID: 21024"},
		{"array of one", `<PROPERTY.ARRAY NAME="MessageID" TYPE="string"><VALUE.ARRAY><VALUE>a</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>`, "MessageID: a"},
		{"array of none", `<PROPERTY.ARRAY NAME="MessageID" TYPE="string"><VALUE.ARRAY/></PROPERTY.ARRAY>`, ""},
		{"array of one NULL", `<PROPERTY.ARRAY NAME="ErrorType" TYPE="uint16"><VALUE.ARRAY><VALUE.NULL/></VALUE.ARRAY></PROPERTY.ARRAY>`, ""},
		{"array of two", `<PROPERTY.ARRAY NAME="MessageID" TYPE="string"><VALUE.ARRAY><VALUE>a</VALUE><VALUE>b</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>`, "2 values where one is due"},
		{"scalar for an array", `<PROPERTY NAME="RecommendedActions" TYPE="string"><VALUE>a</VALUE></PROPERTY>`, "RecommendedActions: [a]"},
		{"reference as text", `<PROPERTY.REFERENCE NAME="ErrorSource"><VALUE.REFERENCE><CLASSNAME NAME="J"/></VALUE.REFERENCE></PROPERTY.REFERENCE>`, "ErrorSource: J"},
		{"twice", `<PROPERTY NAME="MessageID" TYPE="string"><VALUE>a</VALUE></PROPERTY><PROPERTY NAME="MESSAGEID" TYPE="string"><VALUE>b</VALUE></PROPERTY>`, "second property of this name"},
		{"NULL and once more", `<PROPERTY NAME="MessageID" TYPE="string"/><PROPERTY NAME="MessageID" TYPE="string"><VALUE>b</VALUE></PROPERTY>`, "second property of this name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := cimerror.Decode([]byte(`<INSTANCE CLASSNAME="Msvm_Error">` + tt.text + `</INSTANCE>`))
			if err != nil {
				if tt.want == "" || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Decode = %v, want %q", err, tt.want)
				}
				d, _ := errors.AsType[*cimerror.DecodeError](err)
				for _, p := range d.Instance.Properties {
					if p.Err != nil && p.Value != nil {
						t.Errorf("%s has the value %v beside %v", p.Name, p.Value, p.Err)
					}
				}
				return
			}
			if got := setFields(e); got != tt.want {
				t.Errorf("Decode sets %q, want %q", got, tt.want)
			}
		})
	}
}

// setFields names the fields that are not NULL.
func setFields(e *cimerror.MsvmError) string {
	var set []string
	text := func(name string, s *string) {
		if s != nil {
			set = append(set, name+": "+*s)
		}
	}
	text("ErrorSource", e.ErrorSource)
	text("MessageID", e.MessageID)
	if e.CIMStatusCode != nil {
		set = append(set, fmt.Sprintf("CIMStatusCode: %d", *e.CIMStatusCode))
	}
	if e.ErrorType != nil {
		set = append(set, fmt.Sprintf("ErrorType: %d", *e.ErrorType))
	}
	var actions []string
	for _, s := range e.RecommendedActions {
		actions = append(actions, *s)
	}
	if e.RecommendedActions != nil {
		set = append(set, fmt.Sprintf("RecommendedActions: %v", actions))
	}
	return strings.Join(set, ", ")
}

// TestMsvmErrorText takes one property after the other away until nothing is left to say.
func TestMsvmErrorText(t *testing.T) {
	e := &cimerror.MsvmError{
		CIMStatusCode: new(cimerror.CIMStatusCode(1)), CIMStatusCodeDescription: new("status"),
		ErrorType: new(cimerror.ErrorTypeSoftwareError), Message: new(" the message\n"), MessageID: new("21024"),
		OtherErrorType: new("other type"), OwningEntity: new("VMMS"), ProbableCauseDescription: new("cause"),
	}
	for _, step := range []struct {
		want string
		drop func()
	}{
		{" the message\n", func() { e.Message = new(" \n") }},
		{"status", func() { e.CIMStatusCodeDescription = nil }},
		{"cause", func() { e.ProbableCauseDescription = new("") }},
		{"other type", func() { e.OtherErrorType = nil }},
		{"VMMS, message 21024, CIM_ERR_FAILED, Software Error", func() { e.OwningEntity = nil }},
		{"message 21024, CIM_ERR_FAILED, Software Error", func() { e.MessageID = new("") }},
		{"CIM_ERR_FAILED, Software Error", func() { e.CIMStatusCode = nil }},
		{"Software Error", func() { e.ErrorType = nil }},
		{"CIM error without a message", func() {}},
	} {
		if got := e.Error(); got != step.want {
			t.Errorf("Error() = %q, want %q", got, step.want)
		}
		step.drop()
	}
}
