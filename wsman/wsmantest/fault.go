package wsmantest

import (
	"fmt"
	"net/http"
	"strconv"
)

// A faultSpec is one row of the table of faults: what is the same each time (facts/faults.md §5, soap_faults.json).
type faultSpec struct {
	code    string // with prefix s
	subcode string // with prefix a, w or n; "" for none
	detail  string // last segment of the FaultDetail URI; "" for none
	number  uint32
	text    string
}

// Actions of faults, by the prefix of the subcode.
const (
	actionFaultWSMan       = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
	actionFaultAddressing  = "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault"
	actionFaultEnumeration = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/fault"
	faultDetailPrefix      = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"
)

// action returns the wsa:Action of the fault's envelope.
func (s *faultSpec) action() string {
	switch {
	case s.subcode == "" || s.subcode[0] == 'a':
		return actionFaultAddressing
	case s.subcode[0] == 'n':
		return actionFaultEnumeration
	}
	return actionFaultWSMan
}

// FaultName names a fault that a [Rule] can answer with.
type FaultName string

// The faults that a simulated host knows. Comments give the number in WSManFault.
const (
	FaultAccessDenied         FaultName = "AccessDenied"         // 5
	FaultProviderAccessDenied FaultName = "ProviderAccessDenied" // 2150859013
	FaultNotFound             FaultName = "NotFound"             // 2150858752
	FaultTimedOut             FaultName = "TimedOut"             // 2150858793
	FaultPullTimedOut         FaultName = "PullTimedOut"         // 2150858780
	FaultQuotaLimit           FaultName = "QuotaLimit"           // 2150858815
	FaultQuotaMaxOperations   FaultName = "QuotaMaxOperations"   // 2150859174
	FaultQuotaUser            FaultName = "QuotaUser"            // 2150859175
	FaultInternalError        FaultName = "InternalError"        // 1359, ERROR_INTERNAL_ERROR
	FaultInvalidContext       FaultName = "InvalidContext"       // 2150858779
	FaultEnvelopeTooLarge     FaultName = "EnvelopeTooLarge"     // 2150858824
	FaultInvalidParameter     FaultName = "InvalidParameter"     // 87
	FaultDatetime             FaultName = "Datetime"             // 2150858817, an unrepresentable datetime
	FaultShellsDisabled       FaultName = "ShellsDisabled"       // 2150859180, remote shells are switched off
	FaultQuotaShells          FaultName = "QuotaShells"          // 2150859173
	FaultShellNotFound        FaultName = "ShellNotFound"        // 2150858843
	FaultAborted              FaultName = "Aborted"              // 995, a Receive whose command was ended

	faultInvalidXML           FaultName = "invalidXML"
	faultVersionMismatch      FaultName = "versionMismatch"
	faultMustUnderstand       FaultName = "mustUnderstand"
	faultHeaderRequired       FaultName = "headerRequired"
	faultAddressingMode       FaultName = "addressingMode"
	faultLocale               FaultName = "locale"
	faultDataLocale           FaultName = "dataLocale"
	faultMinEnvelope          FaultName = "minEnvelope"
	faultInvalidTimeout       FaultName = "invalidTimeout"
	faultInvalidOptions       FaultName = "invalidOptions"
	faultSchemaValidation     FaultName = "schemaValidation"
	faultDuplicateSelectors   FaultName = "duplicateSelectors"
	faultInsufficientSelector FaultName = "insufficientSelectors"
	faultUnexpectedSelectors  FaultName = "unexpectedSelectors"
	faultNoKeys               FaultName = "noKeys"
	faultEnumerateKeys        FaultName = "enumerateKeys"
	faultWQLClass             FaultName = "wqlClass"
	faultInvalidResourceURI   FaultName = "invalidResourceURI"
	faultDifferentNamespace   FaultName = "differentNamespace"
	faultInvalidNamespace     FaultName = "invalidNamespace"
	faultActionNotSupported   FaultName = "actionNotSupported"
	faultFilter               FaultName = "filter"
	faultFilterDialect        FaultName = "filterDialect"
	faultEnumerationMode      FaultName = "enumerationMode"
	faultPullParameters       FaultName = "pullParameters"
	faultQuotaCommands        FaultName = "quotaCommands"
)

// spec returns the row of a fault; ok is false for a name that is none.
func (n FaultName) spec() (spec faultSpec, ok bool) {
	spec, ok = faultTable()[n]
	return spec, ok
}

func faultTable() map[FaultName]faultSpec {
	return map[FaultName]faultSpec{
		FaultAccessDenied:         {"s:Sender", "w:AccessDenied", "", 5, "Access is denied."},
		FaultProviderAccessDenied: {"s:Sender", "w:AccessDenied", "", 2150859013, "The WMI provider denied the access."},
		FaultNotFound: {
			"s:Sender", "a:DestinationUnreachable", "InvalidResourceURI", 2150858752,
			"No resource matches the resource URI and the selectors.",
		},
		FaultTimedOut:           {"s:Receiver", "w:TimedOut", "", 2150858793, "The operation took longer than OperationTimeout."},
		FaultPullTimedOut:       {"s:Receiver", "n:TimedOut", "", 2150858780, "No item came within MaxTime."},
		FaultQuotaLimit:         {"s:Sender", "w:QuotaLimit", "", 2150858815, "The service is too busy; try again later."},
		FaultQuotaMaxOperations: {"s:Sender", "w:QuotaLimit", "", 2150859174, "Too many operations of this user are under way."},
		FaultQuotaUser:          {"s:Sender", "w:QuotaLimit", "", 2150859175, "The user exceeded the load quota; send more slowly."},
		FaultInternalError:      {"s:Receiver", "w:InternalError", "", 1359, "An internal error occurred."},
		FaultInvalidContext:     {"s:Receiver", "n:InvalidEnumerationContext", "", 2150858779, "The enumeration context is not valid."},
		FaultEnvelopeTooLarge: {
			"s:Sender", "w:EncodingLimit", "MaxEnvelopeSizeExceeded", 2150858824, "The answer would be larger than MaxEnvelopeSize.",
		},
		FaultInvalidParameter: {"s:Sender", "w:InvalidParameter", "InvalidValue", 87, "A parameter is not correct."},
		FaultDatetime:         {"s:Sender", "w:SchemaValidationError", "", 2150858817, "A datetime of the answer cannot be represented."},
		// The subcode of the next is not on record; its number is (wsman_error_codes.json).
		FaultShellsDisabled: {"s:Receiver", "w:InternalError", "", 2150859180, "This service does not take requests for remote shells."},
		FaultQuotaShells:    {"s:Sender", "w:QuotaLimit", "", 2150859173, "The user has as many shells open as are allowed."},
		// As WinRb/WinRM issue 253 shows it.
		FaultShellNotFound: {"s:Sender", "w:InvalidSelectors", "UnexpectedSelectors", 2150858843, "The service has no shell of that ShellId."},
		// ERROR_OPERATION_ABORTED; the subcode is inferred.
		FaultAborted:              {"s:Receiver", "w:InternalError", "", 995, "The operation was aborted with its command."},
		faultQuotaCommands:        {"s:Sender", "w:QuotaLimit", "", 2150859241, "The shell runs as many commands as are allowed."},
		faultInvalidXML:           {"s:Sender", "w:InternalError", "Invalid", 2150858819, ""},
		faultVersionMismatch:      {"s:VersionMismatch", "", "", 2150858765, ""},
		faultMustUnderstand:       {"s:MustUnderstand", "", "", 2150858768, ""},
		faultHeaderRequired:       {"s:Sender", "a:MessageInformationHeaderRequired", "", 2150858769, ""},
		faultAddressingMode:       {"s:Sender", "w:UnsupportedFeature", "AddressingMode", 2150858870, ""},
		faultLocale:               {"s:Sender", "w:UnsupportedFeature", "Locale", 2150858887, ""},
		faultDataLocale:           {"s:Sender", "w:UnsupportedFeature", "DataLocale", 2150858887, ""},
		faultMinEnvelope:          {"s:Sender", "w:EncodingLimit", "MinimumEnvelopeLimit", 2150858878, ""},
		faultInvalidTimeout:       {"s:Sender", "a:InvalidMessageInformationHeader", "InvalidTimeout", 2150858881, ""},
		faultInvalidOptions:       {"s:Sender", "w:InvalidOptions", "NotSupported", 2150858833, ""},
		faultSchemaValidation:     {"s:Sender", "w:SchemaValidationError", "", 2150858817, ""},
		faultDuplicateSelectors:   {"s:Sender", "w:InvalidSelectors", "DuplicateSelectors", 2150858847, ""},
		faultInsufficientSelector: {"s:Sender", "w:InvalidSelectors", "InsufficientSelectors", 2150858842, ""},
		faultUnexpectedSelectors:  {"s:Sender", "w:InvalidSelectors", "UnexpectedSelectors", 2150858843, ""},
		faultNoKeys:               {"s:Sender", "w:InvalidSelectors", "InsufficientSelectors", 2150859002, ""},
		// The subcodes of the next two are not on record; their numbers are (facts/faults.md §3).
		faultEnumerateKeys:      {"s:Sender", "w:InvalidSelectors", "UnexpectedSelectors", 2150859016, ""},
		faultWQLClass:           {"s:Sender", "a:DestinationUnreachable", "InvalidResourceURI", 2150859003, ""},
		faultInvalidResourceURI: {"s:Sender", "a:DestinationUnreachable", "InvalidResourceURI", 2150858811, ""},
		faultDifferentNamespace: {"s:Sender", "w:InternalError", "", 2150859067, ""},
		// Only the text is on record; 0x8004100E is WMI's own code (facts/faults.md §3).
		faultInvalidNamespace:   {"s:Sender", "a:DestinationUnreachable", "InvalidResourceURI", 2147749902, ""},
		faultActionNotSupported: {"s:Sender", "a:ActionNotSupported", "", 2150858771, ""},
		faultFilter:             {"s:Sender", "n:CannotProcessFilter", "", 2150858778, ""},
		faultFilterDialect:      {"s:Sender", "n:FilterDialectRequestedUnavailable", "", 2150858777, ""},
		faultEnumerationMode:    {"s:Sender", "w:UnsupportedFeature", "EnumerationMode", 2150858886, ""},
		faultPullParameters:     {"s:Sender", "w:InvalidParameter", "InvalidValue", 2150859181, ""},
	}
}

// FaultLayout is one of the shapes of s:Fault (facts/faults.md §1). The zero value leaves the choice to the fault.
type FaultLayout int

// The layouts, numbered as in facts/faults.md §1.
const (
	LayoutPlain    FaultLayout = iota + 1 // WSManFault with text
	LayoutProvider                        // WSManFault with a ProviderFault that holds text
	LayoutNested                          // … that holds a WSManFault, with __ExtendedStatus
	LayoutWMIError                        // an MSFT_WmiError instance, no RelatesTo
	LayoutBare                            // no s:Detail
)

// A fault is the refusal of one request.
type fault struct {
	faultSpec
	reason string
	layout FaultLayout
	// What WMI adds in LayoutNested: its operation, and the object path or query that it failed on.
	operation, parameter string
}

func (f *fault) Error() string { return f.subcode + ": " + f.reason }

// newFault returns the fault called name. An empty reason means the table's own text.
func newFault(name FaultName, reason string) *fault {
	spec, _ := name.spec()
	if reason == "" {
		reason = spec.text
	}
	return &fault{faultSpec: spec, reason: reason, layout: LayoutPlain}
}

// fromWMI marks f as an answer of WMI, which Windows writes in LayoutNested (facts/captures/63).
func (f *fault) fromWMI(operation, parameter string) *fault {
	f.layout, f.operation, f.parameter = LayoutNested, operation, parameter
	return f
}

// status is the HTTP status of the answer. facts/faults.md §2 knows 400 and 500; a request that could not be read gets 400.
func (f *fault) status() int {
	if f.number == 2150858819 {
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

func (f *fault) numberText() string { return strconv.FormatUint(uint64(f.number), 10) }

func (f *fault) hresult() string { return fmt.Sprintf("HRESULT 0x%x", f.number) }
