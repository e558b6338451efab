package explain_test

import (
	"fmt"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

func ExampleCodes() {
	const text = "The move stopped: no credentials (0x8009030E). Reading the disk ended with error 59!"
	for _, found := range explain.Codes(text) {
		row, _ := explain.Lookup(found.Code)
		fmt.Printf("%q is %s %d, %s\n", text[found.Start:found.End], found.Kind, found.Value, row.Symbol)
	}
	// Output:
	// "0x8009030E" is HRESULT 2148074254, SEC_E_NO_CREDENTIALS
	// "error 59" is Win32 59, ERROR_UNEXP_NET_ERR
}

func ExampleParse() {
	for _, code := range explain.Parse("-2146893042") {
		fmt.Printf("%s 0x%08X\n", code.Kind, code.Value)
	}
	// Output:
	// HRESULT 0x8009030E
}

func ExampleText() {
	e := explain.Text("Der Zielhost verweigerte die Verbindung (0x8007274D).")
	for _, f := range e.Findings {
		fmt.Printf("%s carries %s %d, %s\n", f.Text, f.Row.Kind, f.Row.Value, f.Row.Symbol)
	}
	for _, note := range e.Notes {
		fmt.Println(note)
	}
	// Output:
	// 0x8007274D carries Win32 10061, WSAECONNREFUSED
	// The message does not seem to be in English, and causes that only words tell are recognised in English alone. Codes and message numbers are recognised in every language.
}

func ExampleDiagnosis() {
	d := &invoke.Diagnosis{Parts: []invoke.Part{
		{Source: invoke.SourceGetErrorEx, Error: &cimerror.MsvmError{
			Message:      new("Virtual machine migration operation for 'web-01' failed at migration source 'HV-A'."),
			MessageID:    new("21024"),
			OwningEntity: new("Microsoft-Windows-Hyper-V-VMMS"),
		}},
		{Source: invoke.SourceGetErrorEx, Index: 1, Error: &cimerror.MsvmError{
			Message: new("There was no answer from 'HV-B' (0x8007274C)."),
		}},
	}}
	e := explain.Diagnosis(d)
	fmt.Printf("headline: event %d, by its %s\n", e.Headline.Row.Value, e.Headline.Basis)
	for _, f := range e.Findings {
		fmt.Printf("part %d: %s, by its %s %s\n", f.Part, f.Row.Symbol, f.Basis, f.Text)
	}
	// Output:
	// headline: event 21024, by its MessageID
	// part 1: WSAETIMEDOUT, by its code 0x8007274C
}
