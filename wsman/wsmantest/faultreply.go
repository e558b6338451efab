package wsmantest

import (
	"cmp"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Names that Windows gives in a ProviderFault of WMI (facts/captures/63).
const (
	providerWMI     = "WMI Provider"
	providerWMIPath = `%systemroot%\system32\WsmWmiPl.dll`
	uriExtended     = uriMicrosoft + "root/cimv2/__ExtendedStatus"
	uriWMIError     = uriMicrosoft + "root/interop/MSFT_WmiError"
)

// fault writes the envelope of a refusal.
func (w *writer) fault(f *fault, relatesTo, machine string) *etree.Document {
	layout := cmp.Or(w.dialect.FaultLayout, f.layout, LayoutPlain)
	doc, header, body := w.envelope("a", "x", "e", "n", "w")
	w.declare(doc.Root(), "p", wsman.NamespaceWSManMS)
	if layout == LayoutWMIError {
		relatesTo = "" // as recorded (facts/faults.md §1)
	}
	w.address(header, f.action(), relatesTo)
	e := w.add(body, "s", "Fault")
	code := w.add(e, "s", "Code")
	w.addText(code, "s", "Value", w.qname(f.code))
	if f.subcode != "" {
		w.addText(w.add(code, "s", "Subcode"), "s", "Value", w.qname(f.subcode))
	}
	// Windows ends its texts in a blank.
	w.addText(w.add(e, "s", "Reason"), "s", "Text", f.reason+" ").CreateAttr("xml:lang", w.locale)
	if layout == LayoutBare {
		return doc
	}
	detail := w.add(e, "s", "Detail")
	if layout == LayoutWMIError {
		w.wmiError(detail, f)
		return doc
	}
	if f.detail != "" {
		w.addText(detail, "w", "FaultDetail", faultDetailPrefix+f.detail)
	}
	outer := w.wsmanFault(detail, f, machine)
	switch layout {
	case LayoutProvider:
		provider := w.provider(outer)
		provider.CreateText(clean(f.reason + " "))
	case LayoutNested:
		provider := w.provider(outer)
		w.wsmanFault(provider, f, machine).CreateText(clean(f.reason + " "))
		w.extendedStatus(provider, f)
	default:
		outer.CreateText(clean(f.reason + " "))
	}
	return doc
}

// qname rewrites the prefix of a QName that is content.
func (w *writer) qname(name string) string { return w.name(name[:1], name[2:]) }

// wsmanFault adds f:WSManFault and returns its empty f:Message.
func (w *writer) wsmanFault(parent *etree.Element, f *fault, machine string) *etree.Element {
	e := w.add(parent, "f", "WSManFault")
	w.declare(e, "f", wsman.NamespaceWSManFault)
	e.CreateAttr("Code", f.numberText())
	e.CreateAttr("Machine", machine)
	return w.add(e, "f", "Message")
}

func (w *writer) provider(message *etree.Element) *etree.Element {
	e := w.add(message, "f", "ProviderFault")
	e.CreateAttr("provider", providerWMI)
	e.CreateAttr("path", providerWMIPath)
	return e
}

// extendedStatus adds what WMI knows of its failure.
func (w *writer) extendedStatus(provider *etree.Element, f *fault) {
	e := w.add(w.add(provider, "f", "ExtendedError"), "p", "__ExtendedStatus")
	w.declare(e, "xsi", wsman.NamespaceXSI)
	w.declare(e, "p", uriExtended)
	w.declare(e, "cim", wsman.NamespaceCIM)
	e.CreateAttr(w.name("xsi", "type"), w.name("p", "__ExtendedStatus_Type"))
	for _, p := range []struct{ name, text string }{
		{"Description", ""}, {"Operation", f.operation}, {"ParameterInfo", f.parameter}, {"ProviderName", "WinMgmt"}, {"StatusCode", ""},
	} {
		w.typed(e, p.name, "cim:cimString", p.text)
	}
}

// wmiError adds the MSFT_WmiError that takes the place of WSManFault (facts/faults.md §1, layout 4).
func (w *writer) wmiError(detail *etree.Element, f *fault) {
	e := w.add(detail, "p", "MSFT_WmiError")
	w.declare(e, "b", wsman.NamespaceCIMBinding)
	w.declare(e, "xsi", wsman.NamespaceXSI)
	w.declare(e, "p", uriWMIError)
	w.declare(e, "cim", wsman.NamespaceCIM)
	e.CreateAttr(w.name("b", "IsCIM_Error"), "true")
	e.CreateAttr(w.name("xsi", "type"), w.name("p", "MSFT_WmiError_Type"))
	status := "1" // CIM_ERR_FAILED
	switch f.subcode {
	case "w:QuotaLimit":
		status = "27" // CIM_ERR_SERVER_LIMITS_EXCEEDED
	case "w:AccessDenied":
		status = "2" // CIM_ERR_ACCESS_DENIED
	case "a:DestinationUnreachable":
		status = "6" // CIM_ERR_NOT_FOUND
	}
	for _, p := range []struct{ name, cimType, text string }{
		{"CIMStatusCode", "cim:cimUnsignedInt", status},
		{"CIMStatusCodeDescription", "cim:cimString", ""},
		{"Message", "cim:cimString", f.reason + " "},
		{"MessageID", "cim:cimString", f.hresult()},
		{"error_Category", "cim:cimUnsignedShort", "30"},
		{"error_Code", "cim:cimUnsignedInt", f.numberText()},
		{"error_Type", "cim:cimString", "HRESULT"},
		{"error_WindowsErrorMessage", "cim:cimString", f.reason + " "},
	} {
		w.typed(e, p.name, p.cimType, p.text)
	}
}

// typed adds a property with its xsi:type; empty text is NULL.
func (w *writer) typed(parent *etree.Element, name, cimType, text string) {
	e := w.add(parent, "p", name)
	if text == "" {
		e.CreateAttr(w.name("xsi", "nil"), "true")
	} else {
		e.CreateText(clean(text))
	}
	e.CreateAttr(w.name("xsi", "type"), w.name("cim", cimType[len("cim:"):]))
}
