package wsmantest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// The methods that are simulated.
const (
	methodGetError   = "GetError"
	methodGetErrorEx = "GetErrorEx"
)

// invoke answers a method of an instance. Nothing on the host ever changes: only methods that read are known.
func (s *Server) invoke(c *call) (*etree.Document, error) {
	slash := strings.LastIndexByte(c.action, '/')
	method := c.action[slash+1:]
	classes := s.host.classes(c.class)
	switch {
	case slash < 0 || !strings.EqualFold(c.action[:slash], c.resourceURI):
		return nil, newFault(faultActionNotSupported, "The action is none that this resource supports.")
	case len(classes) == 0 || c.className(classes) == "":
		return nil, newFault(FaultNotFound, "").fromWMI("ExecMethod", c.class)
	case !slices.Contains(classes[0].methods, method):
		return nil, newFault(faultActionNotSupported, "The class has no method "+method+".")
	case !c.user.Access.canInvoke():
		return nil, newFault(FaultAccessDenied, "")
	}
	// Element names of the input keep the spelling of the class; its namespace is a URI (facts/wire-format.md §1).
	if c.body == nil || c.body.Tag != method+"_INPUT" || !strings.EqualFold(c.body.NamespaceURI(), c.resourceURI) {
		return nil, newFault(faultSchemaValidation, "The body is not the input of "+method+".")
	}
	if method == methodFormatError {
		return s.formatError(c, classes[0])
	}
	return s.errorsOf(c, method)
}

// errorsOf answers GetError and GetErrorEx.
func (s *Server) errorsOf(c *call, method string) (*etree.Document, error) {
	k := s.host.jobs
	if len(c.body.ChildElements()) > 0 {
		return nil, newFault(FaultInvalidParameter, "The method takes no input.")
	}
	if err := c.checkKeys(k); err != nil {
		return nil, err
	}
	id, _ := c.selectors.Get(keyInstanceID)
	run := s.host.findRun(id, c.now)
	if run == nil || c.user.Access == AccessEmpty {
		return nil, c.notFound(k)
	}
	a := run.answer(method, run.finished(c.now))
	return c.output(k, a.parameter(method), a.ReturnValue), nil
}

// answer returns what a method says of a run. GetError and GetErrorEx of a job that has not failed are NULL.
func (r *run) answer(method string, finished bool) *Answer {
	override := r.job.GetErrorEx
	if method == methodGetError {
		override = r.job.GetError
	}
	a := Answer{}
	if override != nil {
		a = *override
	}
	if a.Errors == nil && (finished || override != nil) {
		a.Errors = r.job.Errors
	}
	if method == methodGetError && len(a.Errors) > 1 {
		a.Errors = a.Errors[:1]
	}
	return &a
}

// parameter is the out parameter of a method, the CIM-XML as text.
func (a *Answer) parameter(method string) *property {
	out := property{propertyType: propertyType{"Errors", typeStrings}}
	if method == methodGetError {
		out.propertyType = propertyType{"Error", typeString}
	}
	switch {
	case a.Form == FormAbsent:
	case a.Form == FormEmpty:
		out.texts = []string{""}
	case a.Form == FormNull || len(a.Errors) == 0:
		out.null = true
	default:
		for i := range a.Errors {
			out.texts = append(out.texts, a.Errors[i].cimXML())
		}
	}
	return &out
}

// output writes the answer of a method of k: its out parameter and ReturnValue, in alphabetical order.
func (c *call) output(k *class, out *property, returnValue uint32) *etree.Document {
	d, method := c.w.dialect, c.operation()
	doc, header, body := c.w.envelope("a", "w")
	c.w.address(header, c.action+"Response", c.messageID)
	name := strings.ReplaceAll(cmp.Or(d.OutputName, "*_OUTPUT"), "*", method)
	e := c.w.add(body, "p", name)
	c.w.declare(e, "xsi", namespaceOf("xsi"))
	c.w.declare(e, "p", cmp.Or(d.OutputNamespace, c.classURI(k.name)))
	c.w.declare(e, "cim", namespaceOf("cim"))
	c.w.property(e, out)
	c.w.addText(e, "p", "ReturnValue", strconv.FormatUint(uint64(returnValue), 10))
	c.w.arrange(e)
	return doc
}
