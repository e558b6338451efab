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
			err = f.readDetail(part)
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

func (f *Fault) readDetail(detail *element) error {
	parts, err := detail.children()
	if err != nil {
		return err
	}
	for _, part := range parts {
		switch {
		case part.is(NamespaceWSMan, "FaultDetail"):
			f.FaultDetail = part.trimmed()
		case part.is(NamespaceWSManFault, "WSManFault") && f.WSManFault == nil:
			f.WSManFault, err = readWSManFault(part)
		case isWMIError(part) && f.WMIError == nil:
			f.WMIError, err = newInstance(part)
		default:
			f.Details = append(f.Details, part.outerXML())
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

func readWSManFault(e *element) (*WSManFault, error) {
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
		w.Provider, err = readProviderFault(p)
	}
	if n := message.child(NamespaceWSManFault, "WSManFault"); n != nil && err == nil {
		w.Nested, err = readWSManFault(n)
	}
	return w, err
}

func readProviderFault(e *element) (*ProviderFault, error) {
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
			nested, err = readWSManFault(part)
			p.Nested = append(p.Nested, nested)
		case part.is(NamespaceWSManFault, "ExtendedError"):
			err = p.readExtendedError(part)
		default:
			p.Details = append(p.Details, part.outerXML())
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// readExtendedError finds __ExtendedStatus by its local name: its namespace differs between hosts (facts/faults.md §1).
func (p *ProviderFault) readExtendedError(e *element) error {
	parts, err := e.children()
	if err != nil {
		return err
	}
	for _, part := range parts {
		if part.Tag != "__ExtendedStatus" || p.ExtendedStatus != nil {
			p.Details = append(p.Details, part.outerXML())
			continue
		}
		if p.ExtendedStatus, err = newInstance(part); err != nil {
			return err
		}
	}
	return nil
}

// isQuota tells whether err is a fault of a quota, which a later try may pass.
func isQuota(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && f.Quota()
}
