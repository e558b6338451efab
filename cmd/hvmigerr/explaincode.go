package main

import (
	"cmp"
	"fmt"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// number returns the code that a finding is about: the one that was found, or that of the event whose words were; the zero Code for a
// pattern.
func number(f *explain.Finding) explain.Code {
	if f.Code == (explain.Code{}) {
		return f.Row.Code
	}
	return f.Code
}

// named returns what was recognised, in a line: its symbol, its code, and where it was found.
func named(f *explain.Finding, told string) string {
	name := f.Row.ID
	if c := number(f); c != (explain.Code{}) {
		name = codeText(c)
		if within := inner(f); within != "" {
			name += " = " + within
		}
		if s := symbol(f); s != "" {
			name = fmt.Sprintf("%s (%s)", s, name)
		}
	}
	if told != "" {
		name += ", " + told
	}
	return name
}

// inner says where the tables have what they know, if that is not under the code that was found.
func inner(f *explain.Finding) string {
	c, r := number(f), f.Row.Code
	switch {
	case c == r:
		return ""
	case c.Kind == explain.KindHRESULT && r.Kind == explain.KindWin32:
		return fmt.Sprintf("HRESULT_FROM_WIN32(%d)", r.Value)
	case c.Kind == explain.KindHRESULT && r.Kind == explain.KindNTSTATUS:
		return fmt.Sprintf("HRESULT_FROM_NT(0x%08X)", r.Value)
	}
	if f.Row.Symbol != "" && f.Row.Symbol != symbol(f) {
		return codeText(r) + " " + f.Row.Symbol
	}
	return codeText(r)
}

// codeText writes a code as people do.
func codeText(c explain.Code) string {
	switch c.Kind {
	case explain.KindHRESULT, explain.KindNTSTATUS:
		return fmt.Sprintf("0x%08X", c.Value)
	case explain.KindWin32:
		return fmt.Sprintf("Win32 error %d", c.Value)
	case explain.KindCIM, explain.KindReturnValue, explain.KindEvent:
	}
	return fmt.Sprintf("%s %d", c.Kind, c.Value)
}

// symbol returns the name of what was found: ERROR_ACCESS_DENIED for 5, though the tables keep what they know under E_ACCESSDENIED.
func symbol(f *explain.Finding) string { return cmp.Or(f.Symbol, f.Row.Symbol) }

// signed returns an HRESULT or NTSTATUS as Windows' signed decimals have it.
func signed(c explain.Code) int32 { return int32(c.Value) } //nolint:gosec // the same 32 bits

// spellings writes a code in every way in which it stands in logs; nothing for no code.
func spellings(c explain.Code) []string {
	list := []string{codeText(c)}
	switch c.Kind {
	case explain.KindHRESULT, explain.KindNTSTATUS:
		list = append(list, fmt.Sprint(c.Value))
		if n := signed(c); n < 0 {
			list = append(list, fmt.Sprint(n))
		}
		if c.Kind == explain.KindNTSTATUS {
			list = append(list, "NTSTATUS")
		}
	case explain.KindWin32:
		list = append(list, fmt.Sprintf("0x%08X", c.Value))
	case explain.KindCIM, explain.KindReturnValue, explain.KindEvent:
	default:
		return nil
	}
	return list
}

// recognised tells whether an explanation says anything.
func recognised(e *explain.Explanation) bool {
	return e.Headline != nil || len(e.Findings) > 0
}
