package wsman

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A Subcode is the QName of s:Subcode/s:Value, written with our own prefix after the sender's was
// resolved: "wsman:TimedOut" and "wsen:TimedOut" are different faults. A QName in a namespace that this
// package does not know reads "{uri}Local", one whose prefix was never declared "{}prefix:Local". The empty Subcode means that the fault had none.
type Subcode string

// Subcodes that callers tell apart (facts/faults.md §5).
const (
	SubcodeAccessDenied                 Subcode = "wsman:AccessDenied"
	SubcodeConcurrency                  Subcode = "wsman:Concurrency"
	SubcodeEncodingLimit                Subcode = "wsman:EncodingLimit"
	SubcodeInternalError                Subcode = "wsman:InternalError"
	SubcodeInvalidOptions               Subcode = "wsman:InvalidOptions"
	SubcodeInvalidParameter             Subcode = "wsman:InvalidParameter"
	SubcodeInvalidSelectors             Subcode = "wsman:InvalidSelectors"
	SubcodeQuotaLimit                   Subcode = "wsman:QuotaLimit"
	SubcodeSchemaValidationError        Subcode = "wsman:SchemaValidationError"
	SubcodeTimedOut                     Subcode = "wsman:TimedOut"
	SubcodeUnsupportedFeature           Subcode = "wsman:UnsupportedFeature"
	SubcodeCannotProcessFilter          Subcode = "wsen:CannotProcessFilter"
	SubcodeFilterDialectUnavailable     Subcode = "wsen:FilterDialectRequestedUnavailable"
	SubcodeInvalidEnumerationContext    Subcode = "wsen:InvalidEnumerationContext"
	SubcodePullTimedOut                 Subcode = "wsen:TimedOut"
	SubcodeActionNotSupported           Subcode = "wsa:ActionNotSupported"
	SubcodeDestinationUnreachable       Subcode = "wsa:DestinationUnreachable"
	SubcodeEndpointUnavailable          Subcode = "wsa:EndpointUnavailable"
	SubcodeMessageInformationRequired   Subcode = "wsa:MessageInformationHeaderRequired"
	SubcodeInvalidMessageInformation    Subcode = "wsa:InvalidMessageInformationHeader"
	SubcodePolymorphismModeNotSupported Subcode = "wsmb:PolymorphismModeNotSupported"
)

// A Fault is a SOAP 1.2 fault: the service understood the request well enough to refuse it.
// All layouts of facts/faults.md §1 decode into it; what has no field of its own is kept in Details.
type Fault struct { //nolint:errname // the standard's word is the identifier's word (SOAP 1.2 §5.4)
	// HTTPStatus is the status that the fault came with; zero for one that stands alone, in a file.
	HTTPStatus int
	// Code is the QName of s:Code/s:Value with our prefix: "s:Sender", "s:Receiver", "s:MustUnderstand" …
	Code Subcode
	// Subcode is the QName of s:Subcode/s:Value; see [Subcode]. Deeper subcodes follow in Subcodes.
	Subcode  Subcode
	Subcodes []Subcode
	// Reason is the text in the first language offered, trimmed; Lang is its xml:lang.
	Reason string
	Lang   string
	// Action is the wsa:Action of the reply; empty when the reply had none.
	Action string
	// FaultDetail is the URI of wsman:FaultDetail, as sent.
	FaultDetail string
	// WSManFault is Windows' own detail, nil when there was none.
	WSManFault *WSManFault
	// WMIError is the MSFT_WmiError instance that takes the place of WSManFault in some answers, or nil.
	WMIError *Instance
	// Details holds the XML of each other child of s:Detail, as it stood in the reply; at most 64 KiB of all together.
	Details []string
	// Omitted counts the children, here and in ProviderFault, that Details had no room for.
	Omitted int
}

// A WSManFault is f:WSManFault of MS-WSMV §2.2.4.
type WSManFault struct { //nolint:revive // f:WSManFault is the element's name
	// Code is a WSMAN code, an HRESULT or a bare Win32 code. Zero when the attribute was missing or no number; RawCode has its text.
	Code    uint32
	RawCode string
	// Machine names the host that speaks; it may be empty.
	Machine string
	// Message is the text of f:Message, without that of nested elements, trimmed.
	Message string
	// Provider is the provider's part, or nil.
	Provider *ProviderFault
	// Nested is a WSManFault directly inside f:Message, or nil; most nested ones are inside Provider.
	Nested *WSManFault
}

// A ProviderFault is f:ProviderFault: the word of the plug-in behind WinRM.
type ProviderFault struct {
	// Provider and Path are the attributes; ProviderID stands in their place on older hosts.
	Provider   string
	ProviderID string
	Path       string
	Message    string
	// Nested holds the WSManFault elements inside, in order.
	Nested []*WSManFault
	// ExtendedStatus is the WMI __ExtendedStatus instance inside f:ExtendedError, or nil.
	ExtendedStatus *Instance
	// Details holds the XML of every other child; see [Fault].Details.
	Details []string
}

// Error says what the service said: subcode, numbers and the most specific text.
func (f *Fault) Error() string {
	name := f.Subcode
	if name == "" {
		name = f.Code
	}
	if name == "" {
		name = "SOAP fault"
	}
	msg := string(name)
	var numbers []string
	for _, c := range f.Codes() {
		if n := formatCode(c); !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) > 0 {
		msg += " (" + strings.Join(numbers, ", ") + ")"
	}
	if text := f.Text(); text != "" {
		msg += ": " + text
	}
	return msg
}

// formatCode writes a number as operators look it up: hexadecimal for HRESULT and WSMAN codes, decimal for Win32.
func formatCode(code uint32) string {
	if code < 0x10000 {
		return fmt.Sprintf("error %d", code)
	}
	return fmt.Sprintf("0x%08X", code)
}

// Text returns the most specific explanation: the innermost provider's, else the host's, else the reason.
func (f *Fault) Text() string {
	if f.WMIError != nil {
		if text := instanceText(f.WMIError, "Message"); text != "" {
			return text
		}
	}
	text := f.Reason
	for w := range f.all() {
		if w.Message != "" {
			text = w.Message
		}
		if w.Provider != nil && w.Provider.Message != "" {
			text = w.Provider.Message
		}
	}
	return text
}

// all yields every WSManFault, the outermost first.
func (f *Fault) all() iter.Seq[*WSManFault] {
	return func(yield func(*WSManFault) bool) { f.WSManFault.walk(yield) }
}

func (w *WSManFault) walk(yield func(*WSManFault) bool) bool {
	if w == nil {
		return true
	}
	if !yield(w) {
		return false
	}
	if w.Provider != nil {
		for _, n := range w.Provider.Nested {
			if !n.walk(yield) {
				return false
			}
		}
	}
	return w.Nested.walk(yield)
}

// instanceText returns the text of a property, or "".
func instanceText(i *Instance, name string) string {
	p, state, err := i.Scalar(name)
	if err != nil || state != Present {
		return ""
	}
	return strings.TrimSpace(p.Text)
}

// Codes returns every number that the fault carries, the outermost first: those of WSManFault and its nested ones, then
// error_Code of MSFT_WmiError.
func (f *Fault) Codes() []uint32 {
	var codes []uint32
	for w := range f.all() {
		if w.Code != 0 {
			codes = append(codes, w.Code)
		}
	}
	if f.WMIError == nil {
		return codes
	}
	if p, state, err := f.WMIError.Scalar("error_Code"); err == nil && state == Present {
		if n, err := p.Uint(32); err == nil {
			codes = append(codes, uint32(n)) //nolint:gosec // Uint(32) has checked the range
		}
	}
	return codes
}

// has tells whether the fault carries one of these numbers.
func (f *Fault) has(codes ...uint32) bool {
	return slices.ContainsFunc(f.Codes(), func(c uint32) bool { return slices.Contains(codes, c) })
}

// cimStatus tells whether MSFT_WmiError carries this CIMStatusCode.
func (f *Fault) cimStatus(code string) bool {
	return f.WMIError != nil && instanceText(f.WMIError, "CIMStatusCode") == code
}

// NotFound tells that the resource does not exist, or no longer: an instance, a class or a namespace.
func (f *Fault) NotFound() bool {
	return f.Subcode == SubcodeDestinationUnreachable && !f.has(codeDestinationUnreachable) ||
		f.has(codeResourceNotFound, codeWMINotFound, codeWMIInvalidClass, codeWMIInvalidNamespace) || f.cimStatus(cimNotFound)
}

// AccessDenied tells that the user may not do this (DESIGN: exit 12).
func (f *Fault) AccessDenied() bool {
	return f.Subcode == SubcodeAccessDenied || f.cimStatus(cimAccessDenied) ||
		f.has(codeWin32AccessDenied, codeAccessDenied, codeWMIAccessDenied, codeWMIServiceDenied, codeWMIProviderDenied, codeWMIConnectDenied)
}

// TimedOut tells that the service ran out of OperationTimeout, or a Pull out of its MaxTime.
func (f *Fault) TimedOut() bool {
	return f.Subcode == SubcodeTimedOut || f.Subcode == SubcodePullTimedOut || f.has(codeOperationTimedOut, codeEnumerationTimedOut)
}

// NotSupported tells that the service or its provider does not have the operation or the method.
func (f *Fault) NotSupported() bool {
	return f.Subcode == SubcodeActionNotSupported || f.Subcode == SubcodeUnsupportedFeature ||
		f.cimStatus(cimNotSupported) || f.cimStatus(cimMethodNotAvailable) || f.cimStatus(cimMethodNotFound) ||
		f.has(codeInvalidAction, codeActionNotSupported, codeProviderNotCapable, codeWMINotSupported, codeWMIInvalidMethod, codeWMIMethodNotImplemented)
}

// Quota tells that a limit on load was met: shells, operations, users or the service as a whole.
func (f *Fault) Quota() bool {
	return f.Subcode == SubcodeQuotaLimit || f.cimStatus(cimServerLimits) ||
		f.has(codeQuotaLimit, codeQuotaMaxShells, codeQuotaMaxOperations, codeQuotaUser, codeQuotaSystem, codeQuotaShellUsers,
			codeQuotaPluginShells, codeQuotaPluginUsers, codeQuotaAllShells, codeQuotaPlugin, codeQuotaUserPlugin, codeQuotaCommands)
}

// Retryable tells that the same request may succeed a little later.
func (f *Fault) Retryable() bool {
	return f.Quota() || f.TimedOut() || f.Subcode == SubcodeConcurrency || f.Subcode == SubcodeEndpointUnavailable || f.has(codeOtherToken)
}

// Numbers that the predicates tell apart (facts/faults.md §3 and §4; WBEM_E_* from facts/migration-failures.md and MS-ERREF).
const (
	codeWin32AccessDenied       = 5
	codeAccessDenied            = 0x80070005
	codeWMINotFound             = 0x80041002
	codeWMIAccessDenied         = 0x80041003
	codeWMIInvalidNamespace     = 0x8004100E
	codeWMIInvalidClass         = 0x80041010
	codeWMINotSupported         = 0x8004100C
	codeWMIInvalidMethod        = 0x8004102E
	codeWMIMethodNotImplemented = 0x80041055
	codeInvalidAction           = 0x80338001
	codeActionNotSupported      = 0x80338013
	codeProviderNotCapable      = 0x80338102
	codeResourceNotFound        = 0x80338000
	codeDestinationUnreachable  = 0x80338012
	codeEnumerationTimedOut     = 0x8033801C
	codeOperationTimedOut       = 0x80338029
	codeQuotaLimit              = 0x8033803F
	codeWMIServiceDenied        = 0x80338104
	codeWMIProviderDenied       = 0x80338105
	codeWMIConnectDenied        = 0x80338106
	codeQuotaMaxShells          = 0x803381A5
	codeQuotaMaxOperations      = 0x803381A6
	codeQuotaUser               = 0x803381A7
	codeQuotaSystem             = 0x803381A8
	codeOtherToken              = 0x803381A9
	codeQuotaShellUsers         = 0x803381AB
	codeQuotaPluginShells       = 0x803381E4
	codeQuotaPluginUsers        = 0x803381E5
	codeQuotaAllShells          = 0x803381E6
	codeQuotaPlugin             = 0x803381E7
	codeQuotaUserPlugin         = 0x803381E8
	codeQuotaCommands           = 0x803381E9
)

// CIMStatusCode values of MSFT_WmiError (facts/schema.md).
const (
	cimAccessDenied       = "2"
	cimNotFound           = "6"
	cimNotSupported       = "7"
	cimMethodNotAvailable = "16"
	cimMethodNotFound     = "17"
	cimServerLimits       = "27"
)
