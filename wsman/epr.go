package wsman

import "strings"

// A Selector names one key of the resource that an operation is for (DSP0226 §5.1.2.2).
// Its name compares case-insensitively.
type Selector struct {
	Name  string
	Value string
	// EPR is the value when the selector is a reference; Value is then empty.
	EPR *EndpointReference
}

// A SelectorSet is the key of one instance. The zero value addresses a class or a singleton.
type SelectorSet []Selector

// Get returns the value of the selector called name, and whether there is one.
func (s SelectorSet) Get(name string) (string, bool) {
	for _, sel := range s {
		if strings.EqualFold(sel.Name, name) {
			return sel.Value, true
		}
	}
	return "", false
}

// An EndpointReference names one resource: what a CIM reference property holds (WS-Addressing 2004/08).
type EndpointReference struct {
	Address     string
	ResourceURI string
	Selectors   SelectorSet
}

// ClassName returns the class that the ResourceURI ends with.
func (r *EndpointReference) ClassName() string {
	return r.ResourceURI[strings.LastIndexByte(r.ResourceURI, '/')+1:]
}

// URIStyle selects how class names become resource URIs. The zero value is Microsoft's.
type URIStyle int

// The two styles of facts/wire-format.md §3.
const (
	// URIStyleMicrosoft writes the CIM namespace into the URI, as Windows' own clients do.
	URIStyleMicrosoft URIStyle = iota
	// URIStyleDMTF writes DSP0230 URIs and the selector __cimnamespace, for services that are not Windows.
	URIStyleDMTF
)

// A Resource is a CIM class in a namespace, still without a key; or, with a URI, something that is no CIM class.
type Resource struct {
	// Namespace is the CIM namespace with forward slashes, such as root/virtualization/v2.
	Namespace string
	// Class is the class name; "*" addresses all classes, which a WQL query needs.
	Class string
	// URI is the whole ResourceURI of what is no CIM class, such as [ResourceServiceConfig]. If set, Namespace and Class do
	// not count, nor does the URIStyle.
	URI string
}

// allClasses stands for the class of a query.
const allClasses = "*"

// uri returns the ResourceURI of r in style s.
func (s URIStyle) uri(r Resource) string {
	if r.URI != "" {
		return r.URI
	}
	if s == URIStyleDMTF {
		if r.Class == allClasses {
			return resourceAllClassesDMTF
		}
		return resourcePrefixDMTF + r.Class
	}
	return resourcePrefixMicrosoft + r.Namespace + "/" + r.Class
}

// selectors returns what an operation on r must add to the caller's selectors.
// Windows refuses __cimnamespace beside a Microsoft URI (facts/wire-format.md §3).
func (s URIStyle) selectors(r Resource, key SelectorSet) SelectorSet {
	if s != URIStyleDMTF || r.URI != "" || r.Namespace == "" {
		return key
	}
	return append(SelectorSet{{Name: selectorCIMNamespace, Value: r.Namespace}}, key...)
}
