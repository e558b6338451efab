package wsman

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/beevik/etree"
)

// A Parameter is one input parameter of a method. Names are case-sensitive (facts/wire-format.md §1).
//
// Value is nil for NULL; a bool, string, any integer or float; a [time.Time] or [time.Duration]; an [EndpointReference]
// or a pointer to one; or a slice of these for an array.
type Parameter struct {
	Name  string
	Value any
}

// An InvokeRequest calls a method of an instance, or of a class when it has no selectors.
type InvokeRequest struct {
	Resource  Resource
	Selectors SelectorSet
	Method    string
	Input     []Parameter
	Options   OptionSet
	// Repeatable tells that calling the method twice does no harm, so that it may be sent again when the connection was lost.
	Repeatable bool
}

// An InvokeResponse is the answer to an [InvokeRequest]. A method that failed answers with a ReturnValue, not with a fault.
type InvokeResponse struct {
	// Output holds the out parameters and ReturnValue. It is never nil; without Properties it did not come, and Streamed did.
	Output *Instance
	// Streamed holds the values of an out parameter that the service sent as a stream, in their order: the Value of each
	// InteractiveEvent (facts/event-log.md §5.1), which may stand in up to three elements that mean nothing here.
	Streamed []*Instance
}

// Invoke calls a method (DSP0230 §10.3; MS-WSMV §3.1.4.1.32).
func (c *Client) Invoke(ctx context.Context, req *InvokeRequest) (*InvokeResponse, error) {
	resource := c.cfg.URIStyle.uri(req.Resource)
	input, err := inputElement(req, resource)
	if err != nil {
		return nil, &OpError{Op: req.Method, ResourceURI: resource, Err: err}
	}
	op := &operation{
		name: req.Method, action: resource + "/" + req.Method,
		resource:   resource,
		selectors:  c.cfg.URIStyle.selectors(req.Resource, req.Selectors),
		options:    req.Options,
		body:       func(body *etree.Element) { body.AddChild(input.Copy()) },
		repeatable: req.Repeatable,
	}
	resp, err := c.do(ctx, op)
	if err != nil {
		return nil, err
	}
	out, err := invokeResponse(resp, req.Method)
	if err != nil {
		return nil, &OpError{Op: op.name, ResourceURI: resource, Err: err}
	}
	return out, nil
}

// invokeResponse finds the output by local name: services disagree on its namespace, and some leave _OUTPUT off.
func invokeResponse(resp *response, method string) (*InvokeResponse, error) {
	children, err := resp.body.children()
	if err != nil {
		return nil, err
	}
	out := &InvokeResponse{}
	for _, c := range children {
		switch {
		case c.Tag == interactiveEvent:
			err = out.stream(c, resp.date)
		case out.Output == nil && (c.Tag == method+"_OUTPUT" || c.Tag == method):
			out.Output, err = datedInstance(c, resp.date)
		default:
			err = within(c, interactiveEvent, maxWrapped, func(e *element) error { return out.stream(e, resp.date) })
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case out.Output != nil:
	case out.Streamed == nil:
		return nil, &ProtocolError{Path: "s:Body", Msg: "no " + method + "_OUTPUT"}
	default:
		out.Output = &Instance{Name: method + "_OUTPUT", Date: resp.date}
	}
	return out, nil
}

// interactiveEvent is the element of a streamed value. No message of a host is on record, so that neither its namespace matters nor what
// stands around it and around the Value in it: up to maxWrapped elements.
const (
	interactiveEvent = "InteractiveEvent"
	maxWrapped       = 3
)

// stream adds the values of an InteractiveEvent.
func (r *InvokeResponse) stream(event *element, date time.Time) error {
	return within(event, "Value", maxWrapped+1, func(value *element) error {
		i, err := datedInstance(value, date)
		if err != nil {
			return err
		}
		r.Streamed = append(r.Streamed, i)
		return nil
	})
}

// within calls found for the elements of this local name in e, at most so many levels below it, but for those within another one.
func within(e *element, name string, levels int, found func(*element) error) error {
	children, err := e.children()
	if err != nil {
		return err
	}
	for _, c := range children {
		switch {
		case c.Tag == name:
			err = found(c)
		case levels > 1:
			err = within(c, name, levels-1, found)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// datedInstance reads the element of an instance that came at a date.
func datedInstance(e *element, date time.Time) (*Instance, error) {
	i, err := newInstance(e)
	if err != nil {
		return nil, err
	}
	i.Date = date
	return i, nil
}

// inputElement writes <METHOD>_INPUT.
func inputElement(req *InvokeRequest, resource string) (*etree.Element, error) {
	input := etree.NewElement("r:" + req.Method + "_INPUT")
	input.CreateAttr("xmlns:r", resource)
	for _, p := range req.Input {
		if err := writeParameter(input, p.Name, p.Value); err != nil {
			return nil, err
		}
	}
	return input, nil
}

func writeParameter(input *etree.Element, name string, value any) error {
	v := reflect.ValueOf(value)
	if v.IsValid() && v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if err := writeParameter(input, name, v.Index(i).Interface()); err != nil {
				return err
			}
		}
		return nil
	}
	e := input.CreateElement("r:" + name)
	switch t := value.(type) {
	case nil:
		e.CreateAttr("xmlns:xsi", NamespaceXSI)
		e.CreateAttr("xsi:nil", "true")
	case EndpointReference:
		writeReference(e, &t)
	case *EndpointReference:
		writeReference(e, t)
	case time.Time:
		writeCIM(e, "Datetime", t.UTC().Format("2006-01-02T15:04:05.999999Z"))
	case time.Duration:
		writeCIM(e, "Interval", formatDuration(t))
	default:
		text, ok := scalarText(v)
		if !ok {
			return &ValueError{Name: name, Msg: fmt.Sprintf("a %T cannot be a method parameter", value)}
		}
		e.SetText(text)
	}
	return nil
}

func writeCIM(e *etree.Element, name, text string) {
	c := e.CreateElement("cim:" + name)
	c.CreateAttr("xmlns:cim", NamespaceCIM)
	c.SetText(text)
}

func scalarText(v reflect.Value) (string, bool) {
	switch {
	case v.Kind() == reflect.String:
		return v.String(), true
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool()), true
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), true
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10), true
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, 64), true
	}
	return "", false
}
