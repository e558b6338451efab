package wsman

import (
	"errors"
	"strconv"
	"strings"
)

// readFault reads the s:Fault in body, or returns nil when there is none.
func readFault(body *element, status int, action string) (*Fault, error) {
	fault := body.child(NamespaceSOAP, "Fault")
	if fault == nil {
		return nil, nil //nolint:nilnil // no fault is the usual case and no error
	}
	f := &Fault{HTTPStatus: status, Action: action}
	r := &detailReader{fault: f, room: maxDetails}
	parts, err := fault.children()
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		switch {
		case part.is(NamespaceSOAP, "Code"):
			f.readCode(part)
		case part.is(NamespaceSOAP, "Reason"):
			err = f.readReason(part)
		case part.is(NamespaceSOAP, "Detail"):
			err = r.readDetail(part)
		}
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *Fault) readCode(code *element) {
	if v := code.child(NamespaceSOAP, "Value"); v != nil {
		f.Code = v.qname(v.text())
	}
	for sub := code.child(NamespaceSOAP, "Subcode"); sub != nil; sub = sub.child(NamespaceSOAP, "Subcode") {
		v := sub.child(NamespaceSOAP, "Value")
		if v == nil {
			continue
		}
		f.Subcodes = append(f.Subcodes, v.qname(v.text()))
	}
	if len(f.Subcodes) > 0 {
		f.Subcode, f.Subcodes = f.Subcodes[0], f.Subcodes[1:]
	}
	if len(f.Subcodes) == 0 {
		f.Subcodes = nil
	}
}

func (f *Fault) readReason(reason *element) error {
	texts, err := reason.children()
	if err != nil {
		return err
	}
	for _, t := range texts {
		if t.Tag == "Text" && f.Reason == "" {
			f.Reason = t.trimmed()
			f.Lang = t.attr(namespaceXML, "lang")
		}
	}
	return nil
}

// maxDetails bounds what a fault keeps of details that it has no field for, in octets. Each is written out with the namespace
// bindings that it needs, which may be long.
const maxDetails = 64 << 10

// A detailReader reads s:Detail into a fault.
type detailReader struct {
	fault *Fault
	room  int // octets left of maxDetails
}

// keep appends the XML of e to list while there is room.
func (r *detailReader) keep(list []string, e *element) []string {
	if r.room > 0 {
		text := e.outerXML()
		if len(text) <= r.room {
			r.room -= len(text)
			return append(list, text)
		}
		r.room = 0
	}
	r.fault.Omitted++
	return list
}

func (r *detailReader) readDetail(detail *element) error {
	f := r.fault
	parts, err := detail.children()
	if err != nil {
		return err
	}
	for _, part := range parts {
		switch {
		case part.is(NamespaceWSMan, "FaultDetail"):
			f.FaultDetail = part.trimmed()
		case part.is(NamespaceWSManFault, "WSManFault") && f.WSManFault == nil:
			f.WSManFault, err = r.readWSManFault(part)
		case isWMIError(part) && f.WMIError == nil:
			f.WMIError, err = newInstance(part)
		default:
			f.Details = r.keep(f.Details, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isWMIError recognises layout 4 of facts/faults.md §1 by the attribute that marks an embedded CIM_Error, or by its name.
func isWMIError(e *element) bool {
	return isTrue(e.attr(NamespaceCIMBinding, "IsCIM_Error")) || e.Tag == "MSFT_WmiError"
}

func (r *detailReader) readWSManFault(e *element) (*WSManFault, error) {
	w := &WSManFault{}
	w.RawCode = e.attr("", "Code")
	w.Machine = e.attr("", "Machine")
	if n, err := strconv.ParseUint(strings.TrimSpace(w.RawCode), 0, 32); err == nil {
		w.Code = uint32(n)
	}
	message := e.child(NamespaceWSManFault, "Message")
	if message == nil {
		w.Message = e.trimmed()
		return w, nil
	}
	w.Message = message.trimmed()
	var err error
	if p := message.child(NamespaceWSManFault, "ProviderFault"); p != nil {
		w.Provider, err = r.readProviderFault(p)
	}
	if n := message.child(NamespaceWSManFault, "WSManFault"); n != nil && err == nil {
		w.Nested, err = r.readWSManFault(n)
	}
	return w, err
}

func (r *detailReader) readProviderFault(e *element) (*ProviderFault, error) {
	p := &ProviderFault{Message: e.trimmed()}
	p.Provider = e.attr("", "provider")
	p.ProviderID = e.attr("", "providerId")
	p.Path = e.attr("", "path")
	parts, err := e.children()
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		switch {
		case part.is(NamespaceWSManFault, "WSManFault"):
			var nested *WSManFault
			nested, err = r.readWSManFault(part)
			p.Nested = append(p.Nested, nested)
		case part.is(NamespaceWSManFault, "ExtendedError"):
			err = r.readExtendedError(p, part)
		default:
			p.Details = r.keep(p.Details, part)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// readExtendedError finds __ExtendedStatus by its local name: its namespace differs between hosts (facts/faults.md §1).
func (r *detailReader) readExtendedError(p *ProviderFault, e *element) error {
	parts, err := e.children()
	if err != nil {
		return err
	}
	for _, part := range parts {
		if part.Tag != "__ExtendedStatus" || p.ExtendedStatus != nil {
			p.Details = r.keep(p.Details, part)
			continue
		}
		if p.ExtendedStatus, err = newInstance(part); err != nil {
			return err
		}
	}
	return nil
}

// isBusy tells whether err is a fault that a later try may pass: of a quota, or of an authorization that the next request
// renews (facts/faults.md §4).
func isBusy(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && (f.Quota() || f.has(codeOtherToken))
}
