package invoke_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// call is GetError or GetErrorEx.
type call func(context.Context, invoke.Invoker, string) (*invoke.Answer, error)

func TestGetError(t *testing.T) {
	a, b := cimxml("21024", "The move of 'web01' <failed>"), cimxml("", "No credentials & no ticket")
	const msgA, msgB = "The move of 'web01' <failed>", "No credentials & no ticket"
	// other is the out parameter of the other method.
	other := func(method, text string) *wsman.Instance {
		o := output(method, "0", text)
		o.Properties[0].Name = map[string]string{"Error": "Errors", "Errors": "Error"}[o.Properties[0].Name]
		return o
	}
	without := func(method, name string) *wsman.Instance {
		o := output(method, "0", a)
		for i, p := range o.Properties {
			if p.Name == name {
				o.Properties = append(o.Properties[:i:i], o.Properties[i+1:]...)
				break
			}
		}
		return o
	}
	tests := []struct {
		name   string
		answer func(method string) any
		want   []string
		state  wsman.State
		err    any // a sentinel, or a pointer to the type
		value  invoke.ReturnValue
		silent bool // no ReturnValue came
	}{
		{name: "one", answer: func(m string) any { return output(m, "0", a) }, want: []string{msgA}, state: wsman.Present},
		{name: "several", answer: func(m string) any { return output(m, "0", b, a) }, want: []string{msgB, msgA}, state: wsman.Present},
		{name: "other parameter", answer: func(m string) any { return other(m, a) }, want: []string{msgA}, state: wsman.Present},
		{name: "an empty one between", answer: func(m string) any { return output(m, "0", a, " ", b) }, want: []string{msgA, msgB}, state: wsman.Present},
		{name: "bad neighbour", answer: func(m string) any { return output(m, "0", "<INSTANCE", a) }, want: []string{"problem: ", msgA}, state: wsman.Present},
		{name: "nil", answer: func(m string) any { return output(m, "0", null) }, state: wsman.Nil, err: invoke.ErrNoErrorInstance},
		{name: "absent", answer: func(m string) any { return output(m, "0") }, state: wsman.Absent, err: invoke.ErrNoErrorInstance},
		{name: "empty", answer: func(m string) any { return output(m, "0", "") }, state: wsman.Present, err: invoke.ErrNoErrorInstance},
		{name: "refused", answer: func(m string) any { return output(m, "32769", null) }, state: wsman.Nil, err: new(*invoke.ReturnValueError), value: 32769},
		{name: "odd number", answer: func(m string) any { return output(m, "4096", a) }, want: []string{msgA}, state: wsman.Present, err: new(*invoke.ReturnValueError), value: 4096},
		{name: "largest number", answer: func(m string) any { return output(m, "4294967295") }, err: new(*invoke.ReturnValueError), value: 4294967295},
		{name: "no ReturnValue", answer: func(m string) any { return without(m, "ReturnValue") }, want: []string{msgA}, state: wsman.Present, err: new(*wsman.ProtocolError), silent: true},
		{name: "NULL ReturnValue", answer: func(m string) any { o := output(m, ""); o.Properties[0].Nil = true; return o }, err: new(*wsman.ProtocolError), silent: true},
		{name: "no number", answer: func(m string) any { return output(m, "none", a) }, want: []string{msgA}, state: wsman.Present, err: new(*wsman.ProtocolError), silent: true},
		{name: "fault", answer: func(string) any { return faultDenied() }, err: new(*wsman.Fault), silent: true},
	}
	for method, call := range map[string]call{invoke.MethodGetError: invoke.GetError, invoke.MethodGetErrorEx: invoke.GetErrorEx} {
		for _, tt := range tests {
			t.Run(method+"/"+tt.name, func(t *testing.T) {
				h := &fakeHost{answers: map[string]any{method: tt.answer(method)}}
				got, err := call(t.Context(), h, jobID)
				if !matches(err, tt.err) {
					t.Errorf("error = %v, want %T", err, tt.err)
				}
				if got == nil {
					t.Fatal("no Answer")
				}
				if !errors.Is(err, got.Err) || got.Method != method || got.State != tt.state || got.ReturnValue != tt.value || got.Returned == tt.silent {
					t.Errorf("Answer = %+v", got)
				}
				if diff := cmp.Diff(tt.want, messages(got.Errors)); diff != "" {
					t.Errorf("Errors (-want +got):\n%s", diff)
				}
				if len(got.Raw) != len(got.Errors) {
					t.Errorf("%d texts of %d errors", len(got.Raw), len(got.Errors))
				}
			})
		}
	}
}

// matches reports whether err is want: nil, a sentinel, or the type that want points to.
func matches(err error, want any) bool {
	switch want := want.(type) {
	case nil:
		return err == nil
	case error:
		return errors.Is(err, want)
	default:
		return errors.As(err, want)
	}
}

func TestGetErrorRequest(t *testing.T) {
	h := &fakeHost{}
	if _, err := invoke.GetErrorEx(t.Context(), h, jobID); !errors.Is(err, invoke.ErrNoErrorInstance) {
		t.Error(err)
	}
	want := &wsman.InvokeRequest{
		Resource:   wsman.Resource{Namespace: "root/virtualization/v2", Class: "Msvm_MigrationJob"},
		Selectors:  wsman.SelectorSet{{Name: "InstanceID", Value: jobID}},
		Method:     "GetErrorEx",
		Repeatable: true,
	}
	if diff := cmp.Diff([]*wsman.InvokeRequest{want}, h.invoked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func property(name, text string, children ...wsman.Property) wsman.Property {
	return wsman.Property{Name: name, Text: text, Children: children}
}

// Several instances in one element: none of them is lost.
func TestGetErrorExSeveralInOne(t *testing.T) {
	message := func(text string) wsman.Property {
		return property("Msvm_Error", "", property("Message", text), property("MessageID", "1"))
	}
	cim := func(text string) wsman.Property {
		value := property("PROPERTY", "", property("VALUE", text))
		value.Attributes = []wsman.Attribute{{Name: "NAME", Value: "Message"}, {Name: "TYPE", Value: "string"}}
		i := property("INSTANCE", "", value)
		i.Attributes = []wsman.Attribute{{Name: "CLASSNAME", Value: "Msvm_Error"}}
		return i
	}
	for name, param := range map[string]wsman.Property{
		"CIM-XML elements": property("Errors", "", cim("a"), cim("b")),
		"typed elements":   property("Errors", "", message("a"), message("b")),
		"wrapped texts":    property("Errors", "", property("Item", cimxml("1", "a")), property("Item", cimxml("1", "b"))),
	} {
		out := output("GetErrorEx", "0")
		out.Properties = append(out.Properties, param)
		a, err := invoke.GetErrorEx(t.Context(), &fakeHost{answers: map[string]any{"GetErrorEx": out}}, jobID)
		if err != nil || !cmp.Equal(messages(a.Errors), []string{"a", "b"}) || len(a.Raw) != 2 {
			t.Errorf("%s: GetErrorEx = %q, %v", name, messages(a.Errors), err)
		}
	}
	null := wsman.Property{Name: "MessageArguments", Nil: true}
	scattered := property("Error", "", null, property("MessageArguments", "x"), property("Message", "a"), property("MessageArguments", "y"))
	out := output("GetError", "0")
	out.Properties = append(out.Properties, scattered)
	a, err := invoke.GetError(t.Context(), &fakeHost{answers: map[string]any{"GetError": out}}, jobID)
	if err != nil || a.Errors[0].Err != nil {
		t.Fatalf("an array that is scattered: %+v, %v", a, err)
	}
	if got := a.Errors[0].Error.MessageArguments; len(got) != 3 || got[0] != nil || text(got[2]) != "y" {
		t.Errorf("MessageArguments: %d items, the last %s; want NULL, x, y", len(got), text(got[len(got)-1]))
	}
}

// Services that know the parameter's type send elements instead of text.
func TestGetErrorElements(t *testing.T) {
	attr := func(p wsman.Property, name, value string) wsman.Property {
		p.Attributes = append(p.Attributes, wsman.Attribute{Name: name, Value: value})
		return p
	}
	typed := func(p wsman.Property, name string) wsman.Property {
		p.Attributes = []wsman.Attribute{{Namespace: wsman.NamespaceXSI, Name: "type", Value: name}}
		return p
	}
	cim := attr(property("INSTANCE", "",
		attr(attr(property("PROPERTY", "", property("VALUE", "a < b & c")), "NAME", "Message"), "TYPE", "string"),
		attr(attr(property("PROPERTY", "", property("VALUE", "4")), "NAME", "ErrorType"), "TYPE", "uint16"),
	), "CLASSNAME", "Msvm_Error")
	bound := []wsman.Property{
		property("ErrorType", "4"),
		{Name: "ErrorSource", Nil: true},
		property("Message", "a < b & c"),
		property("MessageArguments", "web01"), property("MessageArguments", guidWeb), property("MessageID", ""),
		property("RecommendedActions", "look"),
	}
	tests := map[string]wsman.Property{
		"CIM-XML":         property("Error", "\n", cim),
		"wrapped CIM-XML": property("Error", "", property("VALUE.NAMEDINSTANCE", "", cim)),
		"WS-CIM":          property("Error", "", bound...),
		"typed WS-CIM":    typed(property("Error", "", bound...), "p:MSFT_WmiError_Type"),
		"wrapped WS-CIM":  property("Error", "", property("Msvm_Error", "", bound...)),
	}
	for name, param := range tests {
		t.Run(name, func(t *testing.T) {
			out := output("GetError", "0")
			out.Properties = append(out.Properties, param)
			a, err := invoke.GetError(t.Context(), &fakeHost{answers: map[string]any{"GetError": out}}, jobID)
			if err != nil || len(a.Errors) != 1 || a.Errors[0].Err != nil {
				t.Fatalf("GetError = %+v, %v", a, err)
			}
			e := a.Errors[0].Error
			if class := e.Instance.ClassName; class != "Msvm_Error" && (class != "MSFT_WmiError" || name != "typed WS-CIM") {
				t.Errorf("class %s", class)
			}
			if text(e.Message) != "a < b & c" || e.ErrorType == nil || *e.ErrorType != 4 {
				t.Errorf("Message %s, ErrorType %v", text(e.Message), e.ErrorType)
			}
			if !strings.HasSuffix(name, "WS-CIM") {
				return
			}
			if len(e.MessageArguments) != 2 || text(e.MessageArguments[1]) != guidWeb || len(e.RecommendedActions) != 1 {
				t.Errorf("MessageArguments %v, RecommendedActions %v", e.MessageArguments, e.RecommendedActions)
			}
			if e.ErrorSource != nil || text(e.MessageID) != "" {
				t.Errorf("ErrorSource %v, want NULL; MessageID %v, want empty", e.ErrorSource, e.MessageID)
			}
		})
	}
}
