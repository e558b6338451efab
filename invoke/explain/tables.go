package explain

import (
	_ "embed"
	"errors"
	"strings"
	"sync"
)

// The tables. A file of names has a code per line and is searched as it stands; the others have full rows, see [readTable].
var (
	//go:embed tables/codes.txt
	codesTable string
	//go:embed tables/patterns.txt
	patternsTable string
	//go:embed tables/wsman.txt
	wsmanTable string
	//go:embed tables/wmi.txt
	wmiTable string
	//go:embed tables/events.txt
	eventsTable string
	//go:embed tables/values.txt
	valuesTable string

	//go:embed tables/names_windows.txt
	namesWindows string
	//go:embed tables/names_wsman.txt
	namesWSMan string
	//go:embed tables/names_wmi.txt
	namesWMI string
)

// A table is a file of the folder tables.
type table struct {
	name, text string
}

// rowTables returns the tables of full rows.
func rowTables() []table {
	return []table{
		{"codes.txt", codesTable},
		{"patterns.txt", patternsTable},
		{"wsman.txt", wsmanTable},
		{"wmi.txt", wmiTable},
		{"events.txt", eventsTable},
		{"values.txt", valuesTable},
	}
}

// nameTables returns the tables of names.
func nameTables() []table {
	return []table{
		{"names_windows.txt", namesWindows},
		{"names_wsman.txt", namesWSMan},
		{"names_wmi.txt", namesWMI},
	}
}

// Knowledge is the full rows, ready for use.
type knowledge struct {
	rows     map[Code]*Row
	symbols  map[string]*Row
	patterns []pattern
	// err tells what of the tables could not be read. It is told in the notes of each Explanation, and fails a test.
	err error
}

// known reads the tables of full rows at the first call.
var known = sync.OnceValue(func() *knowledge { return newKnowledge(rowTables()) }) //nolint:gochecknoglobals // a cache of what the program carries

// newKnowledge reads tables.
func newKnowledge(tables []table) *knowledge {
	k := &knowledge{rows: map[Code]*Row{}, symbols: map[string]*Row{}}
	var errs []error
	for _, t := range tables {
		entries, err := readTable(t.name, t.text)
		errs = append(errs, err)
		for i := range entries {
			errs = append(errs, k.add(t.name, &entries[i]))
		}
	}
	k.err = errors.Join(errs...)
	return k
}

// add makes e known.
func (k *knowledge) add(file string, e *entry) error {
	row := &e.row
	if row.Code != (Code{}) {
		if k.rows[row.Code] != nil {
			return &tableError{file: file, line: e.line, msg: "second row of this code"}
		}
		k.rows[row.Code] = row
	}
	if row.Symbol != "" {
		k.symbols[strings.ToUpper(row.Symbol)] = row
	}
	for _, p := range row.Patterns {
		k.patterns = append(k.patterns, newPattern(row, p, e.with, e.unless))
	}
	return nil
}

// Lookup returns what is known of c: the row of c itself, or of the code that c carries within, or that carries c. So the HRESULT
// 0x8007274D finds the row of Win32 10061, and Win32 5 the row that is kept under 0x80070005. A full row comes before a bare name,
// which has neither Meaning nor Causes. The row is shared: it must not be changed.
func Lookup(c Code) (*Row, bool) {
	forms := [...]Code{c, inner(c), outer(c)}
	for _, f := range forms {
		if row := known().rows[f]; row != nil {
			return row, true
		}
	}
	for _, f := range forms {
		if symbol := nameOf(f); symbol != "" {
			return &Row{Code: f, Symbol: symbol}, true
		}
	}
	return nil, false
}

// hasRow reports whether [Lookup] finds c.
func hasRow(c Code) bool {
	for _, f := range [...]Code{c, inner(c), outer(c)} {
		if known().rows[f] != nil || nameOf(f) != "" {
			return true
		}
	}
	return false
}

// An HRESULT can carry a Win32 code, in FACILITY_WIN32, or an NTSTATUS, under the N bit (MS-ERREF 2.1, HRESULT From WIN32 Error
// Code Macro and HRESULT_FROM_NT).
const (
	failureBit    = 0x80000000
	ntBit         = 0x10000000
	win32Facility = 0x80070000
	maxWin32      = 0xFFFF
)

// inner returns the code that c carries within, or the zero Code.
func inner(c Code) Code {
	switch {
	case c.Kind != KindHRESULT || c.Value < failureBit:
		return Code{}
	case c.Value&^maxWin32 == win32Facility:
		return Code{Kind: KindWin32, Value: c.Value & maxWin32}
	case c.Value&ntBit != 0:
		return Code{Kind: KindNTSTATUS, Value: c.Value &^ ntBit}
	}
	return Code{}
}

// outer returns the HRESULT that carries c, or the zero Code.
func outer(c Code) Code {
	switch {
	case c.Kind == KindWin32 && c.Value != 0 && c.Value <= maxWin32:
		return Code{Kind: KindHRESULT, Value: win32Facility | c.Value}
	case c.Kind == KindNTSTATUS && c.Value >= failureBit:
		return Code{Kind: KindHRESULT, Value: c.Value | ntBit}
	}
	return Code{}
}

// codeOf returns what v is a code of when it stands in a text as a number of 32 bits, such as 0x80070005 or -2147024891. A value
// below 0x10000 is a Win32 code, or a return value where only that is known: SCVMM writes "Unknown error (0x8001)"
// (facts/real-examples.md §2). It reports false for a value that is no failure and that no table has.
func codeOf(v uint32) (Code, bool) {
	win32, hresult, status := Code{KindWin32, v}, Code{KindHRESULT, v}, Code{KindNTSTATUS, v}
	rows := known().rows
	switch {
	case v <= maxWin32:
		if ret := (Code{KindReturnValue, v}); rows[ret] != nil && !hasRow(win32) {
			return ret, true
		}
		return win32, true
	case rows[hresult] != nil:
		return hresult, true
	case rows[status] != nil:
		return status, true
	case nameOf(hresult) != "":
		return hresult, true
	case nameOf(status) != "":
		return status, true
	case v>>30 == 3 && v&ntBit == 0:
		return status, true // severity error, and no HRESULT_FROM_NT
	}
	return hresult, v >= failureBit
}
