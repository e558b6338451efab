package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// The shape of what came over the wire. Of a property that has the namespace of what is around it, as most have, none is written.
type (
	instanceJSON struct {
		Namespace  string         `json:"namespace,omitempty"`
		Name       string         `json:"name"`
		Type       string         `json:"type,omitempty"`
		Date       *time.Time     `json:"date,omitempty"`
		Properties []propertyJSON `json:"properties"`
	}
	propertyJSON struct {
		Namespace  *string         `json:"namespace,omitempty"`
		Name       string          `json:"name"`
		Nil        bool            `json:"nil,omitempty"`
		Text       string          `json:"text,omitempty"`
		Children   []propertyJSON  `json:"children,omitempty"`
		Attributes []attributeJSON `json:"attributes,omitempty"`
	}
	attributeJSON struct {
		Namespace string `json:"namespace,omitempty"`
		Name      string `json:"name"`
		Value     string `json:"value"`
	}
)

// newInstanceJSON returns nil, which is null, for nil.
func newInstanceJSON(i *wsman.Instance) *instanceJSON {
	if i == nil {
		return nil
	}
	v := &instanceJSON{Namespace: i.Namespace, Name: i.Name, Type: i.Type, Properties: newPropertiesJSON(i.Properties, i.Namespace)}
	if !i.Date.IsZero() {
		v.Date = &i.Date
	}
	return v
}

func newPropertiesJSON(list []wsman.Property, around string) []propertyJSON {
	told := make([]propertyJSON, len(list))
	for i := range list {
		p := &list[i]
		v := &told[i]
		*v = propertyJSON{Name: p.Name, Nil: p.Nil, Text: p.Text, Children: newPropertiesJSON(p.Children, p.Namespace)}
		if p.Namespace != around {
			v.Namespace = &p.Namespace
		}
		for _, a := range p.Attributes {
			v.Attributes = append(v.Attributes, attributeJSON(a))
		}
	}
	return told
}

var errTooDeep = fmt.Errorf("evidence with elements more than %d deep", maxDepth)

func (v *instanceJSON) instance() (*wsman.Instance, error) {
	list, err := properties(v.Properties, v.Namespace, 1)
	i := &wsman.Instance{Namespace: v.Namespace, Name: v.Name, Type: v.Type, Properties: list}
	if v.Date != nil {
		i.Date = *v.Date
	}
	return i, err
}

func properties(told []propertyJSON, around string, depth int) ([]wsman.Property, error) {
	switch {
	case len(told) == 0:
		return nil, nil
	case depth > maxDepth:
		return nil, errTooDeep
	}
	list := make([]wsman.Property, len(told))
	for i := range told {
		v := &told[i]
		p := &list[i]
		*p = wsman.Property{Namespace: around, Name: v.Name, Nil: v.Nil, Text: v.Text}
		if v.Namespace != nil {
			p.Namespace = *v.Namespace
		}
		for _, a := range v.Attributes {
			p.Attributes = append(p.Attributes, wsman.Attribute(a))
		}
		var err error
		if p.Children, err = properties(v.Children, p.Namespace, depth+1); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// The shape of why a method did not answer in full. At most one of the members after ResourceURI is there.
type (
	errorJSON struct {
		Text            string     `json:"text"`
		Operation       string     `json:"operation,omitempty"`
		ResourceURI     string     `json:"resourceURI,omitempty"`
		Fault           *faultJSON `json:"fault,omitempty"`
		HTTPStatus      int        `json:"httpStatus,omitempty"`
		Protocol        bool       `json:"protocol,omitempty"`
		ConnectionLost  bool       `json:"connectionLost,omitempty"`
		Deadline        bool       `json:"deadline,omitempty"`
		NoErrorInstance bool       `json:"noErrorInstance,omitempty"`
	}
	faultJSON struct {
		HTTPStatus int           `json:"httpStatus,omitempty"`
		Code       wsman.Subcode `json:"code,omitempty"`
		Subcode    wsman.Subcode `json:"subcode,omitempty"`
		Reason     string        `json:"reason,omitempty"` // the most specific text
		Codes      []uint32      `json:"codes,omitempty"`  // of Windows' own detail, the outermost first
		WMIError   *instanceJSON `json:"wmiError,omitempty"`
	}
)

// newErrorJSON returns nil, which is left out, for nil.
func newErrorJSON(err error) *errorJSON {
	if err == nil {
		return nil
	}
	v := &errorJSON{Text: err.Error()}
	if op, ok := errors.AsType[*wsman.OpError](err); ok {
		v.Operation, v.ResourceURI = op.Op, op.ResourceURI
	}
	fault, isFault := errors.AsType[*wsman.Fault](err)
	status, isStatus := errors.AsType[*wsman.HTTPError](err)
	_, isProtocol := errors.AsType[*wsman.ProtocolError](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		v.Deadline = true
	case errors.Is(err, invoke.ErrNoErrorInstance):
		v.NoErrorInstance = true
	case isFault:
		v.Fault = newFaultJSON(fault)
	case isStatus:
		v.HTTPStatus = status.StatusCode
	case isProtocol:
		v.Protocol = true
	case errors.Is(err, wsman.ErrConnectionLost):
		v.ConnectionLost = true
	}
	return v
}

func newFaultJSON(f *wsman.Fault) *faultJSON {
	codes := (&wsman.Fault{WSManFault: f.WSManFault}).Codes()
	return &faultJSON{
		HTTPStatus: f.HTTPStatus, Code: f.Code, Subcode: f.Subcode, Reason: f.Text(), Codes: codes[:min(len(codes), maxCodes)],
		WMIError: newInstanceJSON(f.WMIError),
	}
}

// A recordedError says what an error said when evidence was taken, and wraps one of its kind.
type recordedError struct {
	text string
	err  error
}

func (e *recordedError) Error() string { return e.text }

func (e *recordedError) Unwrap() error { return e.err }

// error returns the error of the answer a.
func (v *errorJSON) error(a *invoke.Answer) error {
	err := v.cause(a)
	if err != nil && v.Operation != "" {
		err = &wsman.OpError{Op: v.Operation, ResourceURI: v.ResourceURI, Err: err}
	}
	return &recordedError{v.Text, err}
}

// cause returns an error of the kind, nil where no caller can tell the kind apart.
func (v *errorJSON) cause(a *invoke.Answer) error {
	switch {
	case v.Deadline:
		return context.DeadlineExceeded
	case v.NoErrorInstance:
		return invoke.ErrNoErrorInstance
	case v.Fault != nil:
		return v.Fault.fault()
	case v.HTTPStatus != 0:
		return &wsman.HTTPError{StatusCode: v.HTTPStatus}
	case v.Protocol:
		return &wsman.ProtocolError{Msg: v.Text}
	case v.ConnectionLost:
		return wsman.ErrConnectionLost
	case a.Returned && a.ReturnValue != invoke.ReturnValueOK:
		return &invoke.ReturnValueError{Class: "Msvm_MigrationJob", Method: a.Method, ReturnValue: a.ReturnValue}
	}
	return nil
}

// fault remakes a fault that tells what the one at the time told.
func (v *faultJSON) fault() *wsman.Fault {
	f := &wsman.Fault{HTTPStatus: v.HTTPStatus, Code: v.Code, Subcode: v.Subcode, Reason: v.Reason}
	if v.WMIError != nil {
		f.WMIError, _ = v.WMIError.instance() // without what is too deep
	}
	for _, code := range slices.Backward(v.Codes) {
		f.WSManFault = &wsman.WSManFault{Code: code, Nested: f.WSManFault}
	}
	return f
}
