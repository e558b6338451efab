package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
	"github.com/hvmigerr/hvmigerr/wsman"
)

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
				hint:  "the answer is larger than the host may send: --job INSTANCEID asks for one job, or raise MaxEnvelopeSizekb (winrm/config; 500 by default)",
				means: "One answer would be longer than the 512000 bytes that were asked for, or than the host's own limit.",
				actions: []action{
					here("ask for one job", "hvmigerr get --job <INSTANCEID> <HOST>"), showLimits, raiseEnvelope(),
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
			advice: advice{
				name:  "job-gone",
				means: "The host has no such job any more. What it logged of the migration is still there.",
				actions: []action{
					here("what its event log still tells of migrations", "hvmigerr events <HOST>"), here("which jobs there still are", "hvmigerr jobs <HOST>"),
				},
			},
			hintOf: forgottenHint,
			fits: func(f *failure) bool {
				return f.exit == exitFault && f.code(codeNotFound, codeWMINotFound) && strings.HasSuffix(f.class, "Job")
			},
		},
		{
			advice: advice{
				name: "not-found", hint: "the host does not have what was asked for; its log Microsoft-Windows-Hyper-V-VMMS-Admin may tell more",
				means:   "The object that the request named is not there, or has just gone: as on a host of another version, or while something is being removed.",
				actions: []action{here("ask again", "hvmigerr get <HOST>"), hyperVLog(), keepTrace()},
			},
			fits: func(f *failure) bool { return f.exit == exitFault && f.code(codeNotFound, codeWMINotFound) },
		},
		{
			advice: advice{
				name: "service-stopped", hint: "a service behind WinRM does not answer on the host; there: Get-Service vmms, Winmgmt, RpcSs",
				means: "WinRM passed the request on, and what was to serve it is stopped, has just ended or is still starting: the service of Hyper-V, or WMI.",
				actions: []action{
					onHost("are they running", "Get-Service vmms, Winmgmt, RpcSs"),
					onHost("did one end unexpectedly", "Get-WinEvent -FilterHashtable @{LogName='System'; Id=7031,7034} -MaxEvents 10"), hyperVLog(),
				},
			},
			fits: func(f *failure) bool { return f.exit == exitFault && f.win32(1062, 1722, 1726, 1753) },
		},
		{
			advice: advice{
				name: "host-memory", hint: "the host lacks memory for the answer; there: Get-CimInstance Win32_OperatingSystem | Format-List FreePhysicalMemory, FreeVirtualMemory",
				means: "The host could not get the memory, or another resource of the system, that serving the request takes.",
				actions: []action{
					onHost("what is free, in kilobytes", "Get-CimInstance Win32_OperatingSystem | Format-List FreePhysicalMemory, FreeVirtualMemory"),
					here("ask again, for one job", "hvmigerr get --job <INSTANCEID> <HOST>"),
				},
			},
			fits: func(f *failure) bool { return f.exit == exitFault && f.win32(8, 14, 1130, 1450, 1455) },
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
			fits:   func(f *failure) bool { return f.exit == exitFault },
			hintOf: bareNames,
		},
	}
}

func hyperVLog() action {
	return onHost("what Hyper-V logged", "Get-WinEvent Microsoft-Windows-Hyper-V-VMMS-Admin -MaxEvents 50")
}

// win32 tells whether a fault holds one of these numbers of Win32, bare or within an HRESULT (MS-ERREF 2.1.1, FACILITY_WIN32).
func (f *failure) win32(codes ...uint32) bool {
	for _, c := range codes {
		if f.code(c, 0x80070000|c) {
			return true
		}
	}
	return false
}

// ofFaults tells whether a number of a fault is WinRM's or WMI's own. What the tables say of others is about migrations.
func ofFaults(n uint32) bool { return n>>12 == 0x80338 || n>>12 == 0x80041 }

// knownRow returns the first full row of package explain's tables for a number of the failure, or nil.
func knownRow(f *failure) *explain.Row {
	if f.fault == nil {
		return nil
	}
	var codes []explain.Code
	for _, n := range f.fault.Codes() {
		if ofFaults(n) {
			codes = append(codes, explain.Code{Kind: explain.KindHRESULT, Value: n})
		}
	}
	for _, found := range explain.Numbers(codes...).Findings {
		if len(found.Row.Checks) > 0 || len(found.Row.Causes) > 0 {
			return found.Row
		}
	}
	return nil
}

// bareNames gives the names of a fault's numbers, and nothing else of what the tables say of them. The text of a return value has its
// name already.
func bareNames(f *failure) string {
	if f.fault == nil {
		return ""
	}
	var names []string
	for _, n := range f.fault.Codes() {
		code := explain.Code{Kind: explain.KindHRESULT, Value: n}
		if n < 0x10000 {
			code.Kind = explain.KindWin32
		}
		for _, found := range explain.Numbers(code).Findings {
			written := numberText(n)
			if own := found.Row.Value; own != n { // the name is that of the same error as a number of the other kind
				written += " (" + numberText(own) + ")"
			}
			if name := written + " is " + found.Row.Symbol; found.Row.Symbol != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}

// numberText writes a number of a fault as the fault's own text does.
func numberText(n uint32) string {
	if n < 0x10000 {
		return fmt.Sprintf("error %d", n)
	}
	return fmt.Sprintf("0x%08X", n)
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
