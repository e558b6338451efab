package cimerror_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

// TestIsError tells errors from other instances by class, by derivation and by properties.
func TestIsError(t *testing.T) {
	properties := func(names ...string) string {
		var b strings.Builder
		for _, name := range names {
			fmt.Fprintf(&b, `<PROPERTY NAME="%s" TYPE="string"/>`, name)
		}
		return b.String()
	}
	derivation := `<PROPERTY.ARRAY NAME="__DERIVATION" TYPE="string"><VALUE.ARRAY><VALUE.NULL/><VALUE>%s</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>`
	for _, tt := range []struct {
		class, properties string
		want              bool
	}{
		{"Msvm_Error", "", true},
		{"CIM_Error", "", true},
		{"MSFT_WmiError", "", true},
		{"msvm_error", "", true},
		{"Msvm_MigrationJob", properties("ErrorCode", "ErrorDescription"), false},
		{"Sample", fmt.Sprintf(derivation, "CIM_Error"), true},
		{"Sample", fmt.Sprintf(derivation, "CIM_Job"), false},
		{"Sample", properties("CIMStatusCode", "ErrorType", "errorsource"), true},
		{"", properties("CIMStatusCode", "ErrorType", "OtherErrorType"), true},
		{"Sample", properties("CIMStatusCode", "ErrorType"), false},
		{"OMI_Error", properties("Message"), true},
		{"Lab_DISKERROR", properties("message", "Other"), true},
		{"OMI_Error", properties("CIMStatusCode"), false},
		{"Err", properties("Message"), false},
		// CIM_AlertIndication has these too.
		{"CIM_AlertIndication", properties("Message", "MessageID", "MessageArguments", "OwningEntity", "PerceivedSeverity",
			"ProbableCause", "ProbableCauseDescription", "RecommendedActions"), false},
	} {
		i, err := cimerror.DecodeInstance([]byte(`<INSTANCE CLASSNAME="` + tt.class + `">` + tt.properties + `</INSTANCE>`))
		if err != nil {
			t.Errorf("%s: %v", tt.class, err)
		} else if got := i.IsError(); got != tt.want {
			t.Errorf("%s with %s: IsError = %t, want %t", tt.class, tt.properties, got, tt.want)
		}
	}
}

// TestWrappers finds the instance in every element that DSP0201 and GetText put around one.
func TestWrappers(t *testing.T) {
	const name, instance = `<INSTANCENAME CLASSNAME="C"/>`, `<INSTANCE CLASSNAME="C"></INSTANCE>`
	for _, tt := range []struct{ wrapper, path, want string }{
		{"VALUE.OBJECT", "", ""},
		{"VALUE.NAMEDOBJECT", name, "C"},
		{"VALUE.NAMEDINSTANCE", name, "C"},
		{"VALUE.OBJECTWITHPATH", `<INSTANCEPATH>` + name + `</INSTANCEPATH>`, "C"},
		{"VALUE.INSTANCEWITHPATH", `<INSTANCEPATH>` + name + `</INSTANCEPATH>`, "C"},
		{"VALUE.OBJECTWITHLOCALPATH", `<LOCALINSTANCEPATH>` + name + `</LOCALINSTANCEPATH>`, "C"},
	} {
		text := "<" + tt.wrapper + ">" + tt.path + instance + "</" + tt.wrapper + ">"
		i, err := cimerror.DecodeInstance([]byte(text))
		switch {
		case err != nil:
			t.Errorf("%s: %v", tt.wrapper, err)
		case i.ClassName != "C" || i.Raw != text:
			t.Errorf("%s: class %q, Raw %q", tt.wrapper, i.ClassName, i.Raw)
		case (i.Path != nil) != (tt.want != "") || i.Path != nil && i.Path.String() != tt.want:
			t.Errorf("%s: Path = %v, want %q", tt.wrapper, i.Path, tt.want)
		}
		// In a property the same.
		p := property(t, `<PROPERTY.OBJECT NAME="p">`+text+`</PROPERTY.OBJECT>`)
		if got, ok := p.Value.(*cimerror.Instance); !ok || got.ClassName != "C" || p.Err != nil {
			t.Errorf("%s in a property: %v, %v", tt.wrapper, p.Value, p.Err)
		}
	}
}

func TestLookup(t *testing.T) {
	i, err := cimerror.DecodeInstance(sample(t, "mi_serializer"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Error_Code": "2147942487", "ERROR_TYPE": "HRESULT", "error_Typ": "", "": ""} {
		p, ok := i.Lookup(name)
		if ok != (want != "") || ok && p.Raw != want {
			t.Errorf("Lookup(%q) = %v, %t, want %q", name, p, ok, want)
		}
	}
}

func TestReferenceString(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`<CLASSNAME NAME="C"/>`, `C`},
		{`<INSTANCENAME CLASSNAME="C"/>`, `C`},
		{`<LOCALCLASSPATH><LOCALNAMESPACEPATH><NAMESPACE NAME="root"/><NAMESPACE NAME="v2"/></LOCALNAMESPACEPATH><CLASSNAME NAME="C"/></LOCALCLASSPATH>`, `root\v2:C`},
		{`<CLASSPATH><NAMESPACEPATH><HOST>h</HOST><LOCALNAMESPACEPATH><NAMESPACE NAME="root/v2"/></LOCALNAMESPACEPATH></NAMESPACEPATH><CLASSNAME NAME="C"/></CLASSPATH>`, `\\h\root\v2:C`},
		{`<INSTANCENAME CLASSNAME="C"><KEYVALUE VALUETYPE="numeric">7</KEYVALUE></INSTANCENAME>`, `C=7`},
		{`<INSTANCENAME CLASSNAME="C"><KEYBINDING NAME="a"><KEYVALUE>x\"y</KEYVALUE></KEYBINDING><KEYBINDING NAME="b"><KEYVALUE VALUETYPE="boolean">TRUE</KEYVALUE></KEYBINDING></INSTANCENAME>`, `C.a="x\\\"y",b=TRUE`},
		{`<LOCALINSTANCEPATH><LOCALNAMESPACEPATH><NAMESPACE NAME="root"/></LOCALNAMESPACEPATH><INSTANCENAME CLASSNAME="C"><KEYBINDING NAME="r"><VALUE.REFERENCE><INSTANCENAME CLASSNAME="D"><KEYBINDING NAME="k"><KEYVALUE>v</KEYVALUE></KEYBINDING></INSTANCENAME></VALUE.REFERENCE></KEYBINDING></INSTANCENAME></LOCALINSTANCEPATH>`, `root:C.r="D.k=\"v\""`},
		{`<INSTANCENAME CLASSNAME="C"><KEYBINDING NAME="a"/></INSTANCENAME>`, `key "a" has no value`},
		{`<INSTANCENAME CLASSNAME="C"><KEYBINDING NAME="a"><KEYBINDING/></KEYBINDING></INSTANCENAME>`, `key "a" has no value`},
		{`<INSTANCENAME CLASSNAME="C"><KEYBINDING NAME="a"><FOO/></KEYBINDING></INSTANCENAME>`, `unexpected element FOO in a reference`},
		{`<INSTANCENAME CLASSNAME="C"><FOO/></INSTANCENAME>`, `unexpected element FOO in a reference`},
		{`<FOO/>`, `unexpected element FOO in a reference`},
		{`<INSTANCENAME CLASSNAME="C"><VALUE.REFERENCE/></INSTANCENAME>`, `VALUE.REFERENCE names no class`},
	} {
		p := property(t, `<PROPERTY.REFERENCE NAME="p"><VALUE.REFERENCE>`+tt.text+`</VALUE.REFERENCE></PROPERTY.REFERENCE>`)
		got := fmt.Sprint(p.Value)
		if p.Err != nil {
			got = p.Err.Error()
		}
		if got != tt.want {
			t.Errorf("%s is %s, want %s", tt.text, got, tt.want)
		}
		if want := "<VALUE.REFERENCE>"; !strings.HasPrefix(p.Raw, want) {
			t.Errorf("Raw = %s, want the XML", p.Raw)
		}
	}
}
