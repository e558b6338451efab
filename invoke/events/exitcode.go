package events

// The Win32 errors that end the reading of a channel and that this package acts on (facts/event-log.md §3). The exit code of wevtutil is
// one of them.
const (
	codeFirst           = 15000 // of those that are the event log's own
	codeQueryStale      = 15011 // cleared or overwritten meanwhile
	codeMessageNotFound = 15027 // the first of those that mean that a text could not be made
	codeMessageNoLocale = 15033 // the last of them
	codeNoCommand       = 9009  // cmd.exe's own
)

// win32Code returns the Win32 error that an HRESULT holds, and code itself if it holds none.
func win32Code(code uint32) uint32 {
	const facilityWin32 = 0x8007
	if code>>16 == facilityWin32 {
		return code & 0xFFFF
	}
	return code
}

// A codeText is the name that the Windows headers (winerror.h) give an error, and what it means for reading a channel.
type codeText struct{ symbol, meaning string }

// codeName names an error of the event log, be it bare or within an HRESULT; both are "" if it is not one that reading a channel is
// known to end with.
func codeName(code uint32) (symbol, meaning string) {
	c := win32Code(code)
	table := eventCodes()
	if i := int64(c) - codeFirst; i >= 0 && i < int64(len(table)) {
		return table[i].symbol, table[i].meaning
	}
	switch c {
	case 5:
		return "ERROR_ACCESS_DENIED", "this user may not read it"
	case 50:
		return "ERROR_NOT_SUPPORTED", "the host cannot do this"
	case 87:
		return "ERROR_INVALID_PARAMETER", "the host refuses a parameter"
	case 1717:
		return "RPC_S_UNKNOWN_IF", "the Event Log service does not answer"
	case 1722:
		return "RPC_S_SERVER_UNAVAILABLE", "the Event Log service is not running"
	case codeNoCommand:
		return "MSG_DIR_BAD_COMMAND_OR_FILE", "the host has no wevtutil, or does not let it run"
	}
	return "", ""
}

// eventCodes are the errors from codeFirst on, without a gap. A function, for there are no package variables.
func eventCodes() [34]codeText {
	return [...]codeText{
		{"ERROR_EVT_INVALID_CHANNEL_PATH", "this is not how a channel is named"},
		{"ERROR_EVT_INVALID_QUERY", "the host does not understand the query"},
		{"ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND", "the host does not know the provider of an event"},
		{"ERROR_EVT_EVENT_TEMPLATE_NOT_FOUND", "the host has no template for an event"},
		{"ERROR_EVT_INVALID_PUBLISHER_NAME", "this is not how a provider is named"},
		{"ERROR_EVT_INVALID_EVENT_DATA", "the data of an event does not fit its template"},
		{"", ""},
		{"ERROR_EVT_CHANNEL_NOT_FOUND", "the host has no such channel"},
		{"ERROR_EVT_MALFORMED_XML_TEXT", "the query is not well-formed XML"},
		{"ERROR_EVT_SUBSCRIPTION_TO_DIRECT_CHANNEL", "an analytic channel cannot be subscribed to"},
		{"ERROR_EVT_CONFIGURATION_ERROR", "the channel is not set up rightly"},
		{"ERROR_EVT_QUERY_RESULT_STALE", "the log was cleared or overwritten while it was read"},
		{"ERROR_EVT_QUERY_RESULT_INVALID_POSITION", "the place to read from is gone"},
		{"ERROR_EVT_NON_VALIDATING_MSXML", "the host's XML reader is too old"},
		{"ERROR_EVT_FILTER_ALREADYSCOPED", "the host does not understand the query"},
		{"ERROR_EVT_FILTER_NOTELTSET", "the host does not understand the query"},
		{"ERROR_EVT_FILTER_INVARG", "the host does not understand the query"},
		{"ERROR_EVT_FILTER_INVTEST", "the host does not understand the query"},
		{"ERROR_EVT_FILTER_INVTYPE", "the host does not understand the query"},
		{"ERROR_EVT_FILTER_PARSEERR", "the host does not understand the query"},
		{"ERROR_EVT_FILTER_UNSUPPORTEDOP", "the host does not know an operation of the query"},
		{"ERROR_EVT_FILTER_UNEXPECTEDTOKEN", "the host does not understand the query"},
		{"ERROR_EVT_INVALID_OPERATION_OVER_ENABLED_DIRECT_CHANNEL", "it is an analytic channel that is recording: it can be read once it is off"},
		{"ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE", "the channel is not set up rightly"},
		{"ERROR_EVT_INVALID_PUBLISHER_PROPERTY_VALUE", "the provider is not set up rightly"},
		{"ERROR_EVT_CHANNEL_CANNOT_ACTIVATE", "the channel cannot be turned on"},
		{"ERROR_EVT_FILTER_TOO_COMPLEX", "the query is too long for the host"},
		{"ERROR_EVT_MESSAGE_NOT_FOUND", "the host has no text for an event"},
		{"ERROR_EVT_MESSAGE_ID_NOT_FOUND", "the host has no text for an event"},
		{"ERROR_EVT_UNRESOLVED_VALUE_INSERT", "a value is missing for the text of an event"},
		{"ERROR_EVT_UNRESOLVED_PARAMETER_INSERT", "a text within the text of an event is missing"},
		{"ERROR_EVT_MAX_INSERTS_REACHED", "the text of an event has too many values"},
		{"ERROR_EVT_EVENT_DEFINITION_NOT_FOUND", "the host does not know an event"},
		{"ERROR_EVT_MESSAGE_LOCALE_NOT_FOUND", "the host has no text for an event in this language"},
	}
}
