package main

import (
	"fmt"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// lowestHRESULT is the least number that is one: smaller ones are of Win32 (facts/faults.md §1).
const lowestHRESULT = 0x10000

// longestHint bounds what is made of a table's row, in bytes.
const longestHint = 300

// faultRows are about what the host understood and did not do.
func faultRows() []adviceRow {
	fault := func(fits func(*wsman.Fault) bool) func(*failure) bool {
		return func(f *failure) bool { return f.exit == exitFault && matches(f.err, fits) }
	}
	showLimits := onHost("its limits", "winrm get winrm/config")
	return []adviceRow{
		{
			advice: advice{
				name:  "envelope-size",
				hint:  "the answer is larger than the host may send: --latest or --job asks for less, or raise MaxEnvelopeSizekb (winrm/config; 500 by default)",
				means: "One answer would be longer than the 512000 bytes that were asked for, or than the host's own limit.",
				actions: []action{
					here("ask for one job", "hvmigerr get --latest <HOST>"), showLimits, raiseEnvelope(),
				},
			},
			fits: func(f *failure) bool {
				return f.exit == exitFault && f.code(codeMaxEnvelope, codeEnvelopeExceeded, codeServerEnvelope)
			},
		},
		{
			advice: advice{
				name:  "timed-out",
				hint:  "the host did not finish in the time it was given: a longer --timeout, or MaxTimeoutms of winrm/config (60000 by default), may help",
				means: "WMI on the host was slower than the time that the request allowed. A host that is busy with a migration may be.",
				actions: []action{
					here("give it more time", "hvmigerr get --timeout 2m <HOST>"), showLimits,
					onHost("is the service of Hyper-V well", "Get-Service vmms, Winmgmt; Get-WinEvent Microsoft-Windows-Hyper-V-VMMS-Admin -MaxEvents 10"),
				},
			},
			fits: fault((*wsman.Fault).TimedOut),
		},
		{
			advice: advice{
				name: "enumeration-expired", hint: "the host has dropped the list before it was read to its end, as after a minute's pause; ask again",
				means:   "An enumeration lives on the host as long as it is read (EnumerationTimeoutms, a minute by default).",
				actions: []action{here("ask again", "hvmigerr get <HOST>")},
			},
			fits: fault(func(e *wsman.Fault) bool { return e.Subcode == wsman.SubcodeInvalidEnumerationContext }),
		},
		{
			advice: advice{
				name: "uri-style", hint: "leave out --uri-style dmtf: the host takes the namespace from the URI alone",
				means:   "A namespace stands in the URI and in a selector, and the host finds that they differ.",
				actions: []action{here("address it as Windows wants it", "hvmigerr get --uri-style microsoft <HOST>")},
			},
			fits: func(f *failure) bool { return f.exit == exitFault && f.code(codeNamespaceSelector) },
		},
		{
			advice: advice{
				name: "ask-again", hint: "the host says that it passes: ask again a little later",
				means:   "The host could not serve the request just now.",
				actions: []action{here("ask again", "hvmigerr get <HOST>")},
			},
			fits: func(f *failure) bool {
				return f.exit == exitFault && (f.code(codeOtherToken) || matches(f.err, func(e *wsman.Fault) bool {
					return e.Subcode == wsman.SubcodeConcurrency || e.Subcode == wsman.SubcodeEndpointUnavailable
				}))
			},
		},
	}
}

// otherFaultRows are about the faults that have no row of their own: their numbers tell.
func otherFaultRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name: "not-supported", hint: "the service does not do that: is it Windows' own? hvmigerr identify tells; --uri-style dmtf is for others",
				means: "The service, or the provider behind it, lacks the operation or the method.",
				actions: []action{
					here("what answers there", "hvmigerr identify <HOST>"),
					here("address it as services other than Windows want it", "hvmigerr get --uri-style dmtf <HOST>"),
				},
			},
			fits: func(f *failure) bool { return f.exit == exitFault && matches(f.err, (*wsman.Fault).NotSupported) },
		},
		{
			advice:    advice{name: "explained", means: "The host refused for the reason that its number names."},
			fits:      func(f *failure) bool { return f.exit == exitFault && knownRow(f) != nil },
			hintOf:    func(f *failure) string { return rowHint(knownRow(f)) },
			actionsOf: func(f *failure) []action { return rowActions(knownRow(f)) },
		},
		{
			advice: advice{
				name: "fault", means: "The host understood the request and refused it, for the reason that it gives.",
				actions: []action{onHost("its log", "Get-WinEvent Microsoft-Windows-WinRM/Operational -MaxEvents 20"), keepTrace()},
			},
			fits: func(f *failure) bool { return f.exit == exitFault },
		},
	}
}

// knownRow returns the first full row of package explain's tables for a number of the failure, or nil.
func knownRow(f *failure) *explain.Row {
	var codes []explain.Code
	if f.returned != nil {
		codes = append(codes, explain.Code{Kind: explain.KindReturnValue, Value: uint32(f.returned.ReturnValue)})
	}
	if f.fault != nil {
		for _, n := range f.fault.Codes() {
			kind := explain.KindHRESULT
			if n < lowestHRESULT {
				kind = explain.KindWin32
			}
			codes = append(codes, explain.Code{Kind: kind, Value: n})
		}
	}
	for _, found := range explain.Numbers(codes...).Findings {
		if len(found.Row.Checks) > 0 || len(found.Row.Causes) > 0 {
			return found.Row
		}
	}
	return nil
}

// rowHint makes one line of a row: its likeliest cause, and the first command that shows whether it is that one.
func rowHint(r *explain.Row) string {
	var what, command string
	if len(r.Causes) > 0 {
		what = r.Causes[0]
	}
	for _, c := range r.Checks {
		if what == "" {
			what = c.What
		}
		if c.Command != "" {
			command = fmt.Sprintf("; %s: %s", place(c.Where), c.Command)
			break
		}
	}
	line := strings.TrimRight(what, ".")
	if r.Symbol != "" {
		line = r.Symbol + ": " + line
	}
	if len(line)+len(command) <= longestHint {
		line += command
	}
	return line
}

// place writes where a check is made.
func place(w explain.Where) string {
	switch w {
	case explain.WhereHere:
		return string(w)
	case explain.WhereBoth:
		return "on " + string(w)
	case explain.WhereDC:
		return "on a " + string(w)
	case explain.WhereHost, explain.WhereSource, explain.WhereDestination:
	}
	return "on the " + string(w)
}

// rowActions returns the checks of a row.
func rowActions(r *explain.Row) []action {
	var list []action
	for _, c := range r.Checks {
		list = append(list, action{string(c.Where), c.What, c.Command})
	}
	return list
}
