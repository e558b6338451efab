package invoke

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// The two methods of Msvm_MigrationJob that tell why it failed.
const (
	MethodGetError   = "GetError"
	MethodGetErrorEx = "GetErrorEx"
)

// ErrNoErrorInstance says that GetError or GetErrorEx succeeded and had no error to give: its out parameter was NULL,
// missing or empty.
var ErrNoErrorInstance = errors.New("the job has no error instance")

// An Answer is what one call of GetError or GetErrorEx brought.
type Answer struct {
	// Method is GetError or GetErrorEx.
	Method string
	// Returned tells that the method ran and a ReturnValue came; without it ReturnValue means nothing.
	Returned    bool
	ReturnValue ReturnValue
	// State tells how the out parameter stood in the answer.
	State wsman.State
	// Errors holds each error instance, decoded on its own; Raw holds the CIM-XML text of each, as received.
	Errors []cimerror.Result
	Raw    []string
	// Err is why the call did not answer in full: what [GetError] returned as its error. An instance that could not be
	// decoded is not counted here; its own Result tells.
	Err error
}

// GetError calls Msvm_MigrationJob.GetError, which gives the headline of a failure, on the job instanceID.
//
// The Answer is never nil, and the error is its Err: [ErrNoErrorInstance], a [*ReturnValueError], a
// [*wsman.ProtocolError] when ReturnValue is missing, or what c returned. Instances that came with an error are decoded all
// the same. An instance that cannot be decoded is no error here; see [Answer].
func GetError(ctx context.Context, c Invoker, instanceID string) (*Answer, error) {
	a := ask(ctx, c, MethodGetError, instanceID)
	return a, a.Err
}

// GetErrorEx calls Msvm_MigrationJob.GetErrorEx, which gives every error of a failure. All else is as in [GetError].
func GetErrorEx(ctx context.Context, c Invoker, instanceID string) (*Answer, error) {
	a := ask(ctx, c, MethodGetErrorEx, instanceID)
	return a, a.Err
}

// ask calls one of the methods. Both only read, so that they may be sent twice.
func ask(ctx context.Context, c Invoker, method, instanceID string) *Answer {
	a := &Answer{Method: method}
	resp, err := c.Invoke(ctx, &wsman.InvokeRequest{
		Resource:   wsman.Resource{Namespace: Namespace, Class: classMigrationJob},
		Selectors:  wsman.SelectorSet{{Name: "InstanceID", Value: instanceID}},
		Method:     method,
		Repeatable: true,
	})
	if err != nil {
		a.Err = err
		return a
	}
	a.readErrors(resp.Output)
	a.readReturnValue(resp.Output)
	switch {
	case a.Err != nil:
	case a.ReturnValue != ReturnValueOK:
		a.Err = &ReturnValueError{Class: classMigrationJob, Method: method, ReturnValue: a.ReturnValue}
	case len(a.Raw) == 0:
		a.Err = ErrNoErrorInstance
	}
	return a
}

// readErrors decodes the out parameter: Error of GetError, Errors of GetErrorEx, either of them in place of the other.
// An element without content is no instance.
func (a *Answer) readErrors(out *wsman.Instance) {
	name, other := "Error", "Errors"
	if a.Method == MethodGetErrorEx {
		name, other = other, name
	}
	values, state := out.Array(name)
	if state == wsman.Absent {
		values, state = out.Array(other)
	}
	a.State = state
	for i := range values {
		for _, text := range instanceTexts(&values[i]) {
			if strings.TrimSpace(text) != "" {
				a.Raw = append(a.Raw, text)
			}
		}
	}
	a.Errors = cimerror.DecodeAll(a.Raw)
}

func (a *Answer) readReturnValue(out *wsman.Instance) {
	v, err := readReturnValue(out)
	if err != nil {
		a.Err = fmt.Errorf("%s.%s: %w", classMigrationJob, a.Method, err)
		return
	}
	a.Returned, a.ReturnValue = true, v
}

// readReturnValue reads what a method returned from its output.
func readReturnValue(out *wsman.Instance) (ReturnValue, error) {
	p, state, err := out.Scalar("ReturnValue")
	if err == nil && state != wsman.Present {
		err = &wsman.ProtocolError{Path: out.Name + "/ReturnValue", Msg: "missing or NULL"}
	}
	var v uint64
	if err == nil {
		v, err = p.Uint(32)
	}
	if err != nil {
		return 0, err
	}
	return ReturnValue(v), nil
}
