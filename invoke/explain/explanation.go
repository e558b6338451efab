package explain

// Kind says what a number is a code of.
type Kind string

// The kinds. An HRESULT is also what WS-Management (ERROR_WSMAN_*) and WMI (WBEM_E_*) use.
const (
	KindHRESULT     Kind = "HRESULT"
	KindWin32       Kind = "Win32"
	KindNTSTATUS    Kind = "NTSTATUS"
	KindCIM         Kind = "CIM status"   // CIM_Error.CIMStatusCode, DSP0223 §5.5
	KindReturnValue Kind = "return value" // of a method of a migration job or service
	KindEvent       Kind = "event"        // an event id, which Hyper-V uses as Msvm_Error.MessageID
)

// A Code is a number with what it is a code of.
type Code struct {
	Kind  Kind
	Value uint32
}

// Spelling says how a code stands in a text.
type Spelling string

// The spellings of facts/migration-failures.md.
const (
	SpellingHex      Spelling = "hex"      // 0x8009030E, in any letter case
	SpellingBareHex  Spelling = "bare hex" // 80070534: eight digits without 0x
	SpellingUnsigned Spelling = "unsigned" // 2148074254
	SpellingSigned   Spelling = "signed"   // -2146893042
	SpellingError    Spelling = "error N"  // error 59
	SpellingEvent    Spelling = "%%N"      // %%2147952449, as events carry it unexpanded
	SpellingNamed    Spelling = "name N"   // Event ID 21502, MessageID="21024", return value 32768, CIM status 5
	SpellingSymbol   Spelling = "symbol"   // SEC_E_NO_CREDENTIALS
)

// A Found is a code in a text: text[Start:End] spells it.
type Found struct {
	Code
	Spelling   Spelling
	Start, End int
}

// Where names the machine that a check is made on.
type Where string

// The machines of a migration.
const (
	WhereSource      Where = "source"
	WhereDestination Where = "destination"
	WhereBoth        Where = "both hosts"
	WhereHost        Where = "host" // the one that was asked
	WhereDC          Where = "domain controller"
	WhereHere        Where = "here"
)

// A Check is something to look at, and the command that shows or mends it.
type Check struct {
	Where   Where
	What    string
	Command string // "" if there is none
}

// A Row is what the tables know of one code or one pattern, in our words.
type Row struct {
	Code              // the zero Code for a pattern
	ID         string // of a pattern: migration-limit
	Symbol     string // SEC_E_NO_CREDENTIALS; "" where there is none
	Headline   bool   // it says that and where a migration failed, never why
	Patterns   []string
	Meaning    string   // "" for a code of which only the name is known
	Causes     []string // the likeliest first
	Checks     []Check
	References []string
	Source     string
}

// Basis says what a finding rests on.
type Basis string

// The bases, the surest first.
const (
	BasisCode      Basis = "code"
	BasisMessageID Basis = "MessageID" // or the number of an event in a text
	BasisStatus    Basis = "CIMStatusCode"
	BasisReturn    Basis = "ReturnValue"
	BasisPattern   Basis = "pattern" // words of an English message
)

// A Finding is one thing that was recognised.
type Finding struct {
	Basis Basis
	// Row is never nil. Of a code that no table has, it holds that code alone.
	Row *Row
	// Code is the number as it was found, the zero Code for a pattern. It differs from Row.Code where that is the Win32 code, or the
	// NTSTATUS, within an HRESULT: HRESULT_FROM_WIN32.
	Code Code
	// Symbol is what Code is called: ERROR_ACCESS_DENIED of Win32 5, though its Row is that of E_ACCESSDENIED; of 0x8007274D, which
	// has no name of its own, that of the Win32 code within. "" if no table has a name, and for a pattern.
	Symbol string
	// Part is the index of the text it was found in: in the Parts of a Diagnosis, else 0; -1 for BasisReturn, which is of no part.
	// That text's bytes from Start to End told; Text is what they are, of the peer's making. All three are zero if a property told,
	// such as MessageID. A text tells, too, what it says of one: "Event ID 21024" has BasisMessageID.
	Part       int
	Start, End int
	Text       string
	// Host is the Host of the part or, of BasisReturn, of the Diagnosis that held the number: "" unless the other end of a migration told.
	Host string
}

// An Explanation is what the tables say about a failure. Without Headline and Findings, nothing was recognised.
type Explanation struct {
	// Headline says that and where the migration failed, as event 21024 does; nil if nothing did.
	Headline *Finding
	// Findings are what may be the cause, the most telling first, each row once.
	Findings []Finding
	// Notes tell what limits the answer, such as a message that is not in English.
	Notes []string
}
