package wsman

// Namespace URIs (facts/wire-format.md §1). Elements are matched by these, never by prefix.
const (
	NamespaceSOAP        = "http://www.w3.org/2003/05/soap-envelope"
	NamespaceAddressing  = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
	NamespaceTransfer    = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
	NamespaceEnumeration = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
	NamespaceEventing    = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
	NamespaceWSMan       = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
	NamespaceWSManMS     = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
	NamespaceCIM         = "http://schemas.dmtf.org/wbem/wscim/1/common"
	NamespaceCIMBinding  = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd"
	NamespaceWSManFault  = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
	NamespaceIdentity    = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
	NamespaceXSI         = "http://www.w3.org/2001/XMLSchema-instance"
	NamespaceXSD         = "http://www.w3.org/2001/XMLSchema"
)

// namespaceAddressing2005 is that of WS-Addressing 1.0, which DSP0226 allows and Windows does not use.
const namespaceAddressing2005 = "http://www.w3.org/2005/08/addressing"

// Action URIs of the operations that this package sends, and of their answers.
const (
	ActionGet       = NamespaceTransfer + "/Get"
	ActionEnumerate = NamespaceEnumeration + "/Enumerate"
	ActionPull      = NamespaceEnumeration + "/Pull"
	ActionRelease   = NamespaceEnumeration + "/Release"
)

// AddressAnonymous is the WS-Addressing URI of "the connection this came on".
const AddressAnonymous = NamespaceAddressing + "/role/anonymous"

// DialectWQL is the filter dialect of WQL queries (facts/wire-format.md §7).
const DialectWQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"

// ResourceServiceConfig is the ResourceURI of the configuration of a Windows service, which winrm.exe calls winrm/config.
// It is the namespace of the elements of the answer, too (MS-WSMV §2.2.1).
const ResourceServiceConfig = "http://schemas.microsoft.com/wbem/wsman/1/config"

// Prefixes of resource URIs: Windows' own form names the namespace in the URI, the DMTF form in
// the selector __cimnamespace (facts/wire-format.md §3).
const (
	resourcePrefixMicrosoft = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
	resourcePrefixDMTF      = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
	resourceAllClassesDMTF  = "http://schemas.dmtf.org/wbem/wscim/1/*"
	selectorCIMNamespace    = "__cimnamespace"
)

// ourPrefix names the prefix that this package writes, and prints subcodes with, for a namespace.
func ourPrefix(uri string) (string, bool) {
	switch uri {
	case NamespaceSOAP:
		return "s", true
	case NamespaceAddressing, namespaceAddressing2005:
		return "wsa", true
	case NamespaceTransfer:
		return "wxf", true
	case NamespaceEnumeration:
		return "wsen", true
	case NamespaceEventing:
		return "wse", true
	case NamespaceWSMan:
		return "wsman", true
	case NamespaceCIMBinding:
		return "wsmb", true
	}
	return "", false
}
