package explain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// nameOf names the row of f: its symbol, id, or kind and number.
func nameOf(f *explain.Finding) string {
	switch {
	case f.Row.Symbol != "":
		return f.Row.Symbol
	case f.Row.ID != "":
		return f.Row.ID
	}
	return fmt.Sprintf("%s %d", f.Row.Kind, f.Row.Value)
}

// sum writes e in one line per thing.
func sum(e *explain.Explanation) string {
	var b strings.Builder
	line := func(what string, f *explain.Finding) {
		fmt.Fprintf(&b, "%s%s by %s in %d: %q\n", what, nameOf(f), f.Basis, f.Part, f.Text)
	}
	if e.Headline != nil {
		line("headline ", e.Headline)
	}
	for i := range e.Findings {
		line("", &e.Findings[i])
	}
	for _, n := range e.Notes {
		first, _, _ := strings.Cut(n, ".")
		fmt.Fprintf(&b, "note: %s\n", first)
	}
	return b.String()
}

const (
	notEnglish = "note: The message does not seem to be in English, and causes that only words tell are recognised in English alone\n"
	wrapper    = "Virtual machine migration operation for 'web-01' failed at migration source 'HV-A'. " +
		"(Virtual machine ID 7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11)"
)

// TestText explains messages of our own making.
func TestText(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
	}{
		{"nothing", "", ""},
		{"blank", " \n\n\t", ""},
		{"no code and no known words", "Something else went wrong on host hv-a, and the machine stays where it was.", ""},
		{"a GUID", "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11", ""},
		{"a GUID of error numbers", "80070005-0005-0005-8007-000080070005", ""},
		{"a code", "It could not be reached (0x8007274D).", "WSAECONNREFUSED by code in 0: \"0x8007274D\"\n"},
		{
			"a name alone", "It ended with 0x80070018.",
			"ERROR_BAD_LENGTH by code in 0: \"0x80070018\"\n",
		},
		{"an unknown code", "It ended with 0x8004FEED.", "HRESULT 2147811053 by code in 0: \"0x8004FEED\"\n"},
		{
			"the same code in three spellings", "Error 10061, 0x8007274D, -2147014835",
			"WSAECONNREFUSED by code in 0: \"Error 10061\"\n",
		},
		{
			"in German", "Fehler beim Herstellen der Verbindung mit dem Zielhost „hv-b“: Verbindung verweigert (0x8007274D).",
			"WSAECONNREFUSED by code in 0: \"0x8007274D\"\n" + notEnglish,
		},
		{
			"in Japanese", "移行先ホスト 'hv-b' への接続を確立できませんでした (0x8007274D)。",
			"WSAECONNREFUSED by code in 0: \"0x8007274D\"\n" + notEnglish,
		},
		{"in German, without a code", "Der virtuelle Computer konnte nicht auf den Zielhost verschoben werden.", notEnglish},
		{"in English, with foreign names", "The machine 'Größe-01' stays on host 東京.", ""},
		{"the wrapper alone", wrapper, "headline event 21024 by pattern in 0: \"failed at migration source\"\n"},
		{
			"the wrapper and its cause", wrapper + "\r\nNobody listens on the other side (0x8007274D).\r\n",
			"headline event 21024 by pattern in 0: \"failed at migration source\"\n" +
				"WSAECONNREFUSED by code in 0: \"0x8007274D\"\n",
		},
		{
			"the wrapper behind its cause", "No mapping was done. (0x80070534)\n\n" + wrapper,
			"headline event 21024 by pattern in 0: \"failed at migration source\"\n" +
				"ERROR_NONE_MAPPED by code in 0: \"0x80070534\"\n",
		},
		{
			"a code in the headline comes behind others",
			"Storage migration for virtual machine 'web-01' (its ID) failed with error 'full' (0x80070070).\nNo share (0x80070043).",
			"headline storage-migration-failed by pattern in 0: \"Storage migration for virtual machine 'web-01' (its ID) failed with error\"\n" +
				"ERROR_BAD_NET_NAME by code in 0: \"0x80070043\"\nERROR_DISK_FULL by code in 0: \"0x80070070\"\n",
		},
		{
			"the words of a cause", "Failed to move it because the virtual machine migration limit '2' was reached, wait.",
			"migration-limit by pattern in 0: \"migration limit '2' was reached\"\n",
		},
		{
			"words in capitals, apart by more than a blank, over two lines",
			"VIRTUAL MACHINE  Migration\tLimit\u00a0'2'\r\n   was\nREACHED",
			"migration-limit by pattern in 0: \"Migration\\tLimit\\u00a0'2'\\r\\n   was\\nREACHED\"\n",
		},
		{"words in two paragraphs", "the migration limit '2'\n\nwas reached", ""},
		{"words of which only some lines know", "the migration limit is\n2, and it\nwas reached", ""},
		{"words too far apart", "the migration limit " + strings.Repeat("x", 600) + " was reached", ""},
		{
			"typographic quotation marks", "The machine is in the state ‘Backing up’ still",
			"backing-up by pattern in 0: \"‘Backing up’\"\n",
		},
		{
			"typographic quotation marks at the end", "Its state is ‘Backing up’",
			"backing-up by pattern in 0: \"‘Backing up’\"\n",
		},
		{
			"two headlines", "It failed at migration destination 'HV-B'.\n" + wrapper,
			"headline failed-at-destination by pattern in 0: \"failed at migration destination\"\n",
		},
		{
			"two headlines in the other order", wrapper + "\nIt failed at migration destination 'HV-B'.",
			"headline event 21024 by pattern in 0: \"failed at migration source\"\n",
		},
		{
			"a code in the headline that stands elsewhere, too",
			"Storage migration for virtual machine 'web-01' (its ID) failed with error 'full' (0x80070070).\n0x80070070, 0x80070043",
			"headline storage-migration-failed by pattern in 0: \"Storage migration for virtual machine 'web-01' (its ID) failed with error\"\n" +
				"ERROR_DISK_FULL by code in 0: \"0x80070070\"\nERROR_BAD_NET_NAME by code in 0: \"0x80070043\"\n",
		},
		{
			"words beside their code come before it", "Failed to set security info for '\\\\files\\x': 'denied'('0x80070005').",
			"access-set-security by pattern in 0: \"Failed to set security info for\"\nE_ACCESSDENIED by code in 0: \"0x80070005\"\n",
		},
		{
			"words come before a code that says little", "The key protector of it could not be unwrapped (0x80070057).",
			"vtpm-key-protector by pattern in 0: \"key protector of it could not be unwrapped\"\n" +
				"E_INVALIDARG by code in 0: \"0x80070057\"\n",
		},
		{
			"the number of a headline", "Ereignis-ID 21024: Fehler beim Verschieben des virtuellen Computers (0x8007274D).",
			"headline event 21024 by MessageID in 0: \"Ereignis-ID 21024\"\nWSAECONNREFUSED by code in 0: \"0x8007274D\"\n" + notEnglish,
		},
		{
			"the number of a cause", "It stays where it was, said event 20306.",
			"event 20306 by MessageID in 0: \"event 20306\"\n",
		},
		{"a symbol and its number", "denied (0x80070005, E_ACCESSDENIED)", "E_ACCESSDENIED by code in 0: \"0x80070005\"\n"},
		{"four English words", "General access denied error (0x80070005)", "E_ACCESSDENIED by code in 0: \"0x80070005\"\n"},
		{"the same words without their code", "Failed to set security info for it, and nobody knows why.", ""},
		{
			"full rows before names, known before unknown, and the general last",
			"0x80004005 0x8004FEED 0x80070018 0x8007274D", "WSAECONNREFUSED by code in 0: \"0x8007274D\"\n" +
				"ERROR_BAD_LENGTH by code in 0: \"0x80070018\"\nHRESULT 2147811053 by code in 0: \"0x8004FEED\"\n" +
				"E_FAIL by code in 0: \"0x80004005\"\n",
		},
	} {
		e := explain.Text(tt.text)
		if diff := cmp.Diff(tt.want, sum(e)); diff != "" {
			t.Errorf("%s: Text(%q): (-want +got)\n%s", tt.name, tt.text, diff)
		}
		for _, f := range e.Findings {
			if tt.text[f.Start:f.End] != f.Text {
				t.Errorf("%s: %q is not at %d to %d", tt.name, f.Text, f.Start, f.End)
			}
		}
	}
}

// TestTextBounds: a hostile text costs no more than its length, and its explanation is short and says so.
func TestTextBounds(t *testing.T) {
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, "0x8004%04X ", 0xF000+i)
	}
	e := explain.Text(many.String())
	if len(e.Findings) != 32 || len(e.Notes) != 2 {
		t.Errorf("%d findings, notes %q; want 32 and two notes", len(e.Findings), e.Notes)
	}
	for _, unit := range []string{"0x", "0", "-", "\n", " ", "a\n", "\xff", "migration limit ", "ä ", "error 5 ", "virtual machine "} {
		e := explain.Text(strings.Repeat(unit, 2<<20/len(unit)))
		if len(e.Findings) > 1 {
			t.Errorf("%q many times: %d findings", unit, len(e.Findings))
		}
	}
	const code = " 0x8007274D"
	for _, tt := range []struct {
		length int
		want   string
	}{
		{4 << 20, "WSAECONNREFUSED by code in 0: \"0x8007274D\"\n"},
		{4<<20 + 1, "note: The text is very long or full of codes: its end was not looked at\n"},
	} {
		if got := sum(explain.Text("the" + strings.Repeat(" ", tt.length-len("the"+code)) + code)); got != tt.want {
			t.Errorf("a text of %d bytes: %s want %s", tt.length, got, tt.want)
		}
	}
}

// TestNumbers explains codes; several of one row are one finding.
func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		arg, want string
	}{
		{"0x8009030E", "SEC_E_NO_CREDENTIALS by code in 0: \"\"\n"},
		{"5", "E_ACCESSDENIED by code in 0: \"\"\nCIM_ERR_INVALID_CLASS by code in 0: \"\"\nreturn value 5 by code in 0: \"\"\n"},
		{"21024", "headline event 21024 by code in 0: \"\"\n"},
		{"0x8004FEED", "HRESULT 2147811053 by code in 0: \"\"\n"},
		{"none", ""},
	} {
		if diff := cmp.Diff(tt.want, sum(explain.Numbers(explain.Parse(tt.arg)...))); diff != "" {
			t.Errorf("Numbers of %q: (-want +got)\n%s", tt.arg, diff)
		}
	}
	e := explain.Numbers(explain.Code{Kind: explain.KindWin32, Value: 5}, explain.Code{Kind: explain.KindHRESULT, Value: 0x80070005})
	if len(e.Findings) != 1 || e.Findings[0].Code.Kind != explain.KindWin32 || e.Findings[0].Row.Kind != explain.KindHRESULT {
		t.Errorf("Win32 5 and E_ACCESSDENIED: %+v, want one finding", e.Findings)
	}
}

// TestSymbol names a code as it stands, whatever its row is called.
func TestSymbol(t *testing.T) {
	for _, tt := range []struct {
		code explain.Code
		want string
	}{
		{explain.Code{Kind: explain.KindWin32, Value: 5}, "ERROR_ACCESS_DENIED"},
		{explain.Code{Kind: explain.KindWin32, Value: 14}, "ERROR_OUTOFMEMORY"},
		{explain.Code{Kind: explain.KindWin32, Value: 87}, "ERROR_INVALID_PARAMETER"},
		{explain.Code{Kind: explain.KindHRESULT, Value: 0x80070005}, "E_ACCESSDENIED"},
		{explain.Code{Kind: explain.KindHRESULT, Value: 0x8007274D}, "WSAECONNREFUSED"},
		{explain.Code{Kind: explain.KindHRESULT, Value: 0x80070018}, "ERROR_BAD_LENGTH"},
		{explain.Code{Kind: explain.KindHRESULT, Value: 0xD0000022}, "STATUS_ACCESS_DENIED"},
		{explain.Code{Kind: explain.KindHRESULT, Value: 0x8004FEED}, ""},
		{explain.Code{Kind: explain.KindReturnValue, Value: 32769}, ""},
	} {
		if got := explain.Numbers(tt.code).Findings[0].Symbol; got != tt.want {
			t.Errorf("%v is called %q, want %q", tt.code, got, tt.want)
		}
	}
}

// TestUnknown says of a code that no table has what its bits tell.
func TestUnknown(t *testing.T) {
	for _, tt := range []struct {
		code explain.Code
		want string // within the meaning
	}{
		{explain.Code{Kind: explain.KindHRESULT, Value: 0x8004FEED}, "facility 4 (FACILITY_ITF), where each component"},
		{explain.Code{Kind: explain.KindHRESULT, Value: 0x8037FEED}, "facility 55 (FACILITY_USERMODE_VIRTUALIZATION)."},
		{explain.Code{Kind: explain.KindHRESULT, Value: 0x87FFFEED}, "facility 2047."},
		{explain.Code{Kind: explain.KindHRESULT, Value: 0xA0040001}, "Not one of Windows' own numbers (HRESULT)"},
		{explain.Code{Kind: explain.KindNTSTATUS, Value: 0xE06D7363}, "Not one of Windows' own numbers (NTSTATUS)"},
		{explain.Code{Kind: explain.KindNTSTATUS, Value: 0xC0FEFEED}, "No table has this NTSTATUS."},
		{explain.Code{Kind: explain.KindWin32, Value: 64999}, "No table has this number."},
	} {
		row := explain.Numbers(tt.code).Findings[0].Row
		if !strings.Contains(row.Meaning, tt.want) || row.Symbol != "" || row.Code != tt.code {
			t.Errorf("%v: %+v, want a meaning with %q", tt.code, row, tt.want)
		}
	}
}

const vmms = "Microsoft-Windows-Hyper-V-VMMS"

// msvm makes an error of a host; an empty text is NULL.
func msvm(message, id, entity string, status cimerror.CIMStatusCode) *cimerror.MsvmError {
	e := &cimerror.MsvmError{CIMStatusCode: &status}
	for _, f := range []struct {
		field **string
		text  string
	}{{&e.Message, message}, {&e.MessageID, id}, {&e.OwningEntity, entity}} {
		if f.text != "" {
			*f.field = new(f.text)
		}
	}
	return e
}

// TestError explains one error by its message, MessageID and CIMStatusCode.
func TestError(t *testing.T) {
	for _, tt := range []struct {
		name string
		e    *cimerror.MsvmError
		want string
	}{
		{"nil", nil, ""},
		{"nothing told", &cimerror.MsvmError{}, ""},
		{
			"the wrapper", msvm(wrapper, "21024", vmms, 1),
			"headline event 21024 by MessageID in 0: \"failed at migration source\"\n",
		},
		{
			"the wrapper in German", msvm("Fehler beim Migrationsvorgang am Quellhost.", "21024", vmms, 1),
			"headline event 21024 by MessageID in 0: \"\"\n" + notEnglish,
		},
		{
			"the wrapper in German, with codes", msvm("Fehler am Quellhost (0x80070070).\r\nKeine Freigabe (0x80070043).", "21024", vmms, 1),
			"headline event 21024 by MessageID in 0: \"\"\nERROR_BAD_NET_NAME by code in 0: \"0x80070043\"\n" +
				"ERROR_DISK_FULL by code in 0: \"0x80070070\"\n" + notEnglish,
		},
		{"the number of another service", msvm("This one is unknown here.", "21024", "Contoso-Backup", 1), ""},
		{"the number of nobody", msvm("This one is unknown here.", "21024", "", 1), "headline event 21024 by MessageID in 0: \"\"\n"},
		{
			"words that say what the code says", msvm("'vm' could not initialize memory (0x8007000E).", "", vmms, 1),
			"E_OUTOFMEMORY by code in 0: \"0x8007000E\"\n",
		},
		{"those words alone", msvm("'vm' could not initialize memory.", "", vmms, 1), "memory by pattern in 0: \"could not initialize memory\"\n"},
		{"a number out of range", msvm("This one is unknown here.", "9921024", vmms, 1), ""},
		{
			"a code as MessageID", msvm("The operation was cancelled by its quota.", "HRESULT 0x803381a5", "", 27),
			"ERROR_WSMAN_QUOTA_MAX_SHELLS by MessageID in 0: \"\"\nCIM_ERR_SERVER_LIMITS_EXCEEDED by CIMStatusCode in 0: \"\"\n",
		},
		{"a status", msvm("It was refused by the service.", "", vmms, 2), "CIM_ERR_ACCESS_DENIED by CIMStatusCode in 0: \"\"\n"},
		{"an HRESULT as status", msvm("It was refused by the service.", "", vmms, 0x80070005), "E_ACCESSDENIED by CIMStatusCode in 0: \"\"\n"},
		{"a status of nobody", msvm("It was refused by the service.", "", vmms, 4711), ""},
		{
			"the message tells more than the status", msvm("Denied (0x80070005)", "", vmms, 0x80070005),
			"E_ACCESSDENIED by code in 0: \"0x80070005\"\n",
		},
	} {
		if diff := cmp.Diff(tt.want, sum(explain.Error(tt.e))); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
}

// TestDiagnosis finds the cause among the parts, and tells in which.
func TestDiagnosis(t *testing.T) {
	part := func(e *cimerror.MsvmError) invoke.Part { return invoke.Part{Source: invoke.SourceGetErrorEx, Error: e} }
	german := []invoke.Part{
		part(msvm("Fehler beim Migrationsvorgang am Quellhost.", "21024", vmms, 1)),
		part(msvm("Der Zielhost verweigert die Verbindung (0x8007274D).", "20306", vmms, 1)),
	}
	for _, tt := range []struct {
		name string
		d    *invoke.Diagnosis
		want string
	}{
		{"nil", nil, ""},
		{"empty", &invoke.Diagnosis{}, ""},
		{
			"the wrapper and its neighbours", &invoke.Diagnosis{Parts: []invoke.Part{
				part(msvm(wrapper, "21024", vmms, 1)),
				part(msvm("It broke off: no credentials (0x8009030E).", "", vmms, 1)),
				part(msvm("Failed to authenticate the connection at the source host: no suitable credentials available.", "", vmms, 1)),
			}},
			"headline event 21024 by MessageID in 0: \"failed at migration source\"\n" +
				"SEC_E_NO_CREDENTIALS by code in 1: \"0x8009030E\"\n",
		},
		{
			"the cause first", &invoke.Diagnosis{Parts: []invoke.Part{
				part(msvm("No mapping was done. (0x80070534)", "", vmms, 1)),
				part(msvm(wrapper, "21024", vmms, 1)),
			}},
			"headline event 21024 by MessageID in 1: \"failed at migration source\"\n" +
				"ERROR_NONE_MAPPED by code in 0: \"0x80070534\"\n",
		},
		{
			"in German", &invoke.Diagnosis{Parts: german},
			"headline event 21024 by MessageID in 0: \"\"\nWSAECONNREFUSED by code in 1: \"0x8007274D\"\n" +
				"event 20306 by MessageID in 1: \"\"\n" + notEnglish,
		},
		{
			"words in one part, their code in another", &invoke.Diagnosis{Parts: []invoke.Part{
				{Source: invoke.SourceErrorDescription, Text: "Failed to set security info for it."},
				{Source: invoke.SourceErrorSummaryDescription, Text: "Denied ('0x80070005')."},
			}},
			"access-set-security by pattern in 0: \"Failed to set security info for\"\nE_ACCESSDENIED by code in 1: \"0x80070005\"\n",
		},
		{
			"an error that could be read in part", &invoke.Diagnosis{Parts: []invoke.Part{
				{Source: invoke.SourceGetErrorEx, DecodeError: half(t, "Denied (0x80070005).")},
			}},
			"E_ACCESSDENIED by code in 0: \"0x80070005\"\n",
		},
		{
			"an error that could not be read", &invoke.Diagnosis{Parts: []invoke.Part{
				{Source: invoke.SourceGetErrorEx, DecodeError: &cimerror.DecodeError{Raw: "<", Err: errors.New("broken (0x80070005)")}},
			}}, "",
		},
		{
			"numbers alone", &invoke.Diagnosis{
				Job:     &invoke.MigrationJob{ErrorCode: new(uint16(32769))},
				Answers: []*invoke.Answer{{Returned: true, ReturnValue: 32778}, {ReturnValue: 32770}},
				Parts: []invoke.Part{
					{Source: invoke.SourceErrorCode, Text: "32769 (Access Denied)"},
				},
			},
			"return value 32769 by ReturnValue in -1: \"\"\nreturn value 32778 by ReturnValue in -1: \"\"\n",
		},
		{
			"numbers that say nothing", &invoke.Diagnosis{
				Job:     &invoke.MigrationJob{ErrorCode: new(uint16(4096))},
				Answers: []*invoke.Answer{{Returned: true}, {Returned: true, ReturnValue: 4711}},
			}, "",
		},
	} {
		if diff := cmp.Diff(tt.want, sum(explain.Diagnosis(tt.d))); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
}

// half returns the error of an instance of which one property cannot be converted.
func half(t *testing.T, message string) *cimerror.DecodeError {
	t.Helper()
	results := cimerror.DecodeAll([]string{`<INSTANCE CLASSNAME="Msvm_Error">` +
		`<PROPERTY NAME="ErrorType" TYPE="uint16"><VALUE>many</VALUE></PROPERTY>` +
		`<PROPERTY NAME="Message" TYPE="string"><VALUE>` + message + `</VALUE></PROPERTY></INSTANCE>`})
	if len(results) != 1 || results[0].Err == nil || results[0].Err.Instance == nil {
		t.Fatalf("DecodeAll: %+v, want one error with an instance", results)
	}
	return results[0].Err
}

// TestDiagnosisOfManyParts: ten thousand parts are explained in one go, and briefly.
func TestDiagnosisOfManyParts(t *testing.T) {
	d := &invoke.Diagnosis{}
	for i := range 10000 {
		d.Parts = append(d.Parts, invoke.Part{
			Source: invoke.SourceGetErrorEx, Index: i,
			Error: msvm(fmt.Sprintf("Part %d broke off (0x8004%04X)", i, 0xD000+i), "", vmms, 1),
		})
	}
	e := explain.Diagnosis(d)
	if len(e.Findings) != 32 || e.Findings[0].Part != 0 || len(e.Notes) != 1 {
		t.Errorf("%d findings, notes %q", len(e.Findings), e.Notes)
	}
}
