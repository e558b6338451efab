package wsmantest

import (
	"cmp"
	"strings"
)

// cimXML writes the error as the Hyper-V service does (facts/cim-xml.md §2): no declaration, no blanks, attributes NAME
// and TYPE only, every property present and in alphabetical order, a NULL as an element without a value, apostrophes
// as they are.
func (e *Error) cimXML() string {
	if e.Raw != "" {
		return e.Raw
	}
	c := newErrorClass()
	c.name = cmp.Or(e.Class, classError)
	in := newInstance(c, e.values(), e.Properties)
	var b strings.Builder
	b.WriteString(`<INSTANCE CLASSNAME="` + escapeXML(c.name) + `">`)
	for i := range in.properties {
		writeCIMProperty(&b, &in.properties[i])
	}
	b.WriteString(`</INSTANCE>`)
	return b.String()
}

func writeCIMProperty(b *strings.Builder, p *property) {
	element, itemType := "PROPERTY", p.cimType
	if p.isArray() {
		element, itemType = "PROPERTY.ARRAY", strings.TrimSuffix(p.cimType, "[]")
	}
	b.WriteString(`<` + element + ` NAME="` + escapeXML(p.name) + `" TYPE="` + itemType + `">`)
	if !p.null {
		if p.isArray() {
			b.WriteString(`<VALUE.ARRAY>`)
		}
		for _, text := range p.texts {
			b.WriteString(`<VALUE>` + escapeXML(text) + `</VALUE>`)
		}
		if p.isArray() {
			b.WriteString(`</VALUE.ARRAY>`)
		}
	}
	b.WriteString(`</` + element + `>`)
}

// values returns the fields of e as properties of Msvm_Error; what is left out stays NULL.
func (e *Error) values() Properties {
	set := Properties{
		"CIMStatusCode":     cmp.Or(e.CIMStatusCode, cimErrFailed),
		"ErrorSourceFormat": 0,
		"ErrorType":         cmp.Or(e.ErrorType, errorTypeSoftware),
		"OwningEntity":      cmp.Or(e.OwningEntity, "Microsoft-Windows-Hyper-V-VMMS"),
		"PerceivedSeverity": cmp.Or(e.PerceivedSeverity, severityMajor),
		"ProbableCause":     e.ProbableCause,
	}
	if e.Message != "" {
		set["Message"] = e.Message
	}
	if e.MessageID != "" {
		set["MessageID"] = e.MessageID
	}
	if e.MessageArguments != nil {
		set["MessageArguments"] = e.MessageArguments
	}
	return set
}

// Values of the one real Msvm_Error that is known (facts/real-examples.md §1), used where a model says nothing.
const (
	cimErrFailed      = 1
	errorTypeSoftware = 4
	severityMajor     = 5
)

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
