package invoke_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// Two machines and a job, invented.
const (
	guidWeb = "6A1D2C3B-0001-4000-8000-0000000000A1"
	guidSQL = "6A1D2C3B-0002-4000-8000-0000000000B2"
	jobID   = "0F0E0D0C-0003-4000-8000-0000000000C3"
)

// A fakeHost is a Client whose answers are set by hand. It counts what it is asked.
type fakeHost struct {
	jobs, systems       []*wsman.Instance
	jobsErr, systemsErr error
	getErr              error
	got                 *wsman.Instance // what Get answers, whatever it is asked for

	// answers holds the output of each method, or else its error.
	answers map[string]any

	// asked lists the requests in order: "enumerate CLASS by PAGE", the text of a query, or the name of a method.
	asked   []string
	invoked []*wsman.InvokeRequest
	// yielded counts the instances that were taken.
	yielded int
}

func (h *fakeHost) Invoke(ctx context.Context, req *wsman.InvokeRequest) (*wsman.InvokeResponse, error) {
	h.asked = append(h.asked, req.Method)
	h.invoked = append(h.invoked, req)
	if err := ctx.Err(); err != nil {
		return nil, &wsman.OpError{Op: req.Method, Err: err}
	}
	switch a := h.answers[req.Method].(type) {
	case *wsman.Instance:
		return &wsman.InvokeResponse{Output: a}, nil
	case error:
		return nil, &wsman.OpError{Op: req.Method, Err: a}
	}
	return &wsman.InvokeResponse{Output: output(req.Method, "0")}, nil
}

func (h *fakeHost) Enumerate(_ context.Context, req *wsman.EnumerateRequest) iter.Seq2[*wsman.Instance, error] {
	return func(yield func(*wsman.Instance, error) bool) {
		instances, err := h.jobs, h.jobsErr
		switch {
		case req.Query != "":
			h.asked = append(h.asked, req.Query)
			instances, err = h.query(req.Query), h.systemsErr
		default:
			page := ""
			if req.MaxElements > 0 {
				page = fmt.Sprintf(" by %d", req.MaxElements)
			}
			h.asked = append(h.asked, "enumerate "+req.Resource.Class+page)
			if req.Resource.Class == "Msvm_ComputerSystem" {
				instances, err = h.systems, h.systemsErr
			}
		}
		for _, i := range instances {
			h.yielded++
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, &wsman.OpError{Op: "Enumerate", Err: err})
		}
	}
}

func (h *fakeHost) Get(_ context.Context, req *wsman.GetRequest) (*wsman.Instance, error) {
	h.asked = append(h.asked, "get")
	if h.got != nil {
		return h.got, nil
	}
	id, _ := req.Selectors.Get("InstanceID")
	for _, i := range h.jobs {
		if p, _, _ := i.Scalar("InstanceID"); strings.EqualFold(p.Text, id) && h.getErr == nil {
			return i, nil
		}
	}
	err := h.getErr
	if err == nil {
		err = faultNotFound()
	}
	return nil, &wsman.OpError{Op: "Get", Err: err}
}

// query answers "… where PROPERTY = 'TEXT'" about computer systems.
func (h *fakeHost) query(q string) []*wsman.Instance {
	_, where, _ := strings.Cut(q, " where ")
	name, literal, _ := strings.Cut(where, " = ")
	var found []*wsman.Instance
	for _, i := range h.systems {
		if p, _, _ := i.Scalar(name); strings.EqualFold(wsman.QuoteWQL(p.Text), literal) {
			found = append(found, i)
		}
	}
	return found
}

// null stands for xsi:nil in the arguments of instance.
const null = "\x00"

// instance makes an instance of pairs of name and text; a name that comes again adds to its array.
func instance(class string, pairs ...string) *wsman.Instance {
	i := &wsman.Instance{Name: class}
	for n := 0; n < len(pairs); n += 2 {
		p := wsman.Property{Name: pairs[n], Text: pairs[n+1]}
		if p.Text == null {
			p.Text, p.Nil = "", true
		}
		i.Properties = append(i.Properties, p)
	}
	return i
}

func job(pairs ...string) *wsman.Instance { return instance("Msvm_MigrationJob", pairs...) }

func system(name, guid string) *wsman.Instance {
	return instance("Msvm_ComputerSystem", "ElementName", name, "Name", guid)
}

// output makes the answer of a method.
func output(method, returnValue string, texts ...string) *wsman.Instance {
	param := "Error"
	if method == invoke.MethodGetErrorEx {
		param = "Errors"
	}
	i := &wsman.Instance{Name: method + "_OUTPUT"}
	for _, t := range texts {
		i.Properties = append(i.Properties, wsman.Property{Name: param, Text: t, Nil: t == null})
	}
	i.Properties = append(i.Properties, wsman.Property{Name: "ReturnValue", Text: returnValue})
	return i
}

// cimxml writes an Msvm_Error of a MessageID, a Message and MessageArguments.
func cimxml(id, message string, args ...string) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	var b strings.Builder
	b.WriteString(`<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="MessageID" TYPE="string"><VALUE>` + escape(id) +
		`</VALUE></PROPERTY><PROPERTY NAME="Message" TYPE="string"><VALUE>` + escape(message) + `</VALUE></PROPERTY>`)
	if len(args) > 0 {
		b.WriteString(`<PROPERTY.ARRAY NAME="MessageArguments" TYPE="string"><VALUE.ARRAY>`)
		for _, a := range args {
			b.WriteString(`<VALUE>` + escape(a) + `</VALUE>`)
		}
		b.WriteString(`</VALUE.ARRAY></PROPERTY.ARRAY>`)
	}
	b.WriteString(`</INSTANCE>`)
	return b.String()
}

// Faults as facts/faults.md §3 has them.
func faultNotFound() *wsman.Fault {
	return &wsman.Fault{Subcode: wsman.SubcodeDestinationUnreachable, WSManFault: &wsman.WSManFault{Code: 0x80338000}}
}

func faultDenied() *wsman.Fault {
	return &wsman.Fault{Subcode: wsman.SubcodeAccessDenied, WSManFault: &wsman.WSManFault{Code: 5}}
}

func text(p *string) string {
	if p == nil {
		return "NULL"
	}
	return *p
}

func messages(results []cimerror.Result) []string {
	var out []string
	for _, r := range results {
		if r.Err != nil {
			out = append(out, "problem: "+r.Err.Property)
			continue
		}
		out = append(out, text(r.Error.Message))
	}
	return out
}

// ids collects the InstanceIDs of a sequence and its error.
func ids(t *testing.T, seq iter.Seq2[*invoke.MigrationJob, error]) ([]string, error) {
	t.Helper()
	var out []string
	var last error
	for j, err := range seq {
		if last != nil {
			t.Fatalf("%v was yielded after the error %v", j, last)
		}
		if err != nil {
			last = err
			continue
		}
		out = append(out, j.ID())
	}
	return out, last
}
