package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestFormatError calls the method on the simulated host, as each of its users.
func TestFormatError(t *testing.T) {
	denied := wsman.SubcodeAccessDenied
	tests := []struct {
		name    string
		user    string
		model   *wsmantest.Model
		texts   []string
		want    string
		err     any
		subcode wsman.Subcode
		asked   string
	}{
		{name: "one", user: "administrator", texts: []string{cimxml("1", "<A> & B")}, want: "<A> & B", asked: "Enumerate FormatError"},
		{name: "two", user: "administrator", texts: []string{cimxml("1", "first"), cimxml("2", "second")}, want: "first\n\nsecond", asked: "Enumerate FormatError"},
		{name: "none", user: "administrator", err: &invoke.ReturnValueError{ReturnValue: 32773}, asked: "Enumerate FormatError"},
		{name: "no XML", user: "administrator", texts: []string{"x"}, err: &invoke.ReturnValueError{ReturnValue: 32773}, asked: "Enumerate FormatError"},
		{name: "may not execute", user: "reader", texts: []string{cimxml("1", "x")}, err: new(*wsman.Fault), subcode: denied, asked: "Enumerate FormatError"},
		{name: "may not read", user: "denied", texts: []string{cimxml("1", "x")}, err: new(*wsman.Fault), subcode: denied, asked: "Enumerate"},
		{name: "sees nothing", user: "outsider", texts: []string{cimxml("1", "x")}, err: invoke.ErrNoSuchService, asked: "Enumerate"},
		{name: "no Hyper-V", user: "administrator", model: &wsmantest.Model{NoHyperV: true}, err: invoke.ErrNoHyperV, subcode: wsman.SubcodeDestinationUnreachable, asked: "Enumerate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.model
			if m == nil {
				m = model()
			}
			c, server := connect(t, m, tt.user)
			got, err := invoke.FormatError(t.Context(), c, tt.texts)
			if want, ok := tt.err.(*invoke.ReturnValueError); ok {
				r, _ := errors.AsType[*invoke.ReturnValueError](err)
				if r == nil || r.ReturnValue != want.ReturnValue || r.Class != "Msvm_VirtualSystemManagementService" || r.Method != "FormatError" {
					t.Errorf("error %v, want %d", err, want.ReturnValue)
				}
			} else if !matches(err, tt.err) || wsman.SubcodeOf(err) != tt.subcode {
				t.Errorf("error %v, want %v %s", err, tt.err, tt.subcode)
			}
			if got != tt.want {
				t.Errorf("FormatError = %q, want %q", got, tt.want)
			}
			if asked := strings.Join(operations(server), " "); asked != tt.asked {
				t.Errorf("requests %s, want %s", asked, tt.asked)
			}
		})
	}
}

// TestFormatErrorRequest: the host's own keys go back, the texts go out each, and none is NULL.
func TestFormatErrorRequest(t *testing.T) {
	keys := []string{"SystemName", "hv", "Name", "vmms", "Caption", "c", "CreationClassName", null}
	for _, texts := range [][]string{nil, {"a", "b"}} {
		h := &fakeHost{
			jobs:    []*wsman.Instance{instance("Msvm_VirtualSystemManagementService", keys...)},
			answers: map[string]any{"FormatError": instance("FormatError_OUTPUT", "ErrorMessage", "m", "ReturnValue", "0")},
		}
		if got, err := invoke.FormatError(t.Context(), h, texts); got != "m" || err != nil {
			t.Errorf("FormatError = %q, %v", got, err)
		}
		var input any = texts
		if texts == nil {
			input = nil
		}
		want := &wsman.InvokeRequest{
			Resource:  wsman.Resource{Namespace: invoke.Namespace, Class: "Msvm_VirtualSystemManagementService"},
			Selectors: wsman.SelectorSet{{Name: "SystemName", Value: "hv"}, {Name: "Name", Value: "vmms"}},
			Method:    "FormatError", Input: []wsman.Parameter{{Name: "Errors", Value: input}}, Repeatable: true,
		}
		if diff := cmp.Diff(want, h.invoked[0]); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	}
}

// TestFormatErrorAnswers: an answer without a ReturnValue proves nothing.
func TestFormatErrorAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		output *wsman.Instance
		want   any
	}{
		"nothing":       {instance("FormatError_OUTPUT", "ErrorMessage", "m"), new(*wsman.ProtocolError)},
		"NULL":          {instance("FormatError_OUTPUT", "ReturnValue", null), new(*wsman.ProtocolError)},
		"no number":     {instance("FormatError_OUTPUT", "ReturnValue", "yes"), new(*wsman.ProtocolError)},
		"access denied": {instance("FormatError_OUTPUT", "ReturnValue", "32769"), new(*invoke.ReturnValueError)},
	} {
		h := &fakeHost{jobs: []*wsman.Instance{instance("x", "Name", "vmms")}, answers: map[string]any{"FormatError": tt.output}}
		got, err := invoke.FormatError(t.Context(), h, nil)
		if got != "" || !matches(err, tt.want) || !strings.Contains(err.Error(), "Msvm_VirtualSystemManagementService.FormatError") {
			t.Errorf("%s: FormatError = %q, %v, want %T", name, got, err, tt.want)
		}
	}
}

func ExampleReadMigrationService() {
	server, err := wsmantest.NewServer(wsmantest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: server.Transport("administrator")})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := invoke.ReadMigrationService(context.Background(), c)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("enabled:", *m.Enabled)
	fmt.Println("authentication:", m.AuthenticationType)
	fmt.Println("at once:", *m.MaximumMigrations)
	fmt.Println("any network:", *m.AnyNetwork)
	// Output:
	// enabled: true
	// authentication: Kerberos
	// at once: 2
	// any network: true
}
