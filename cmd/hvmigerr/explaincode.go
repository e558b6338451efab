package main

import (
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
		if f.Row.Symbol != "" {
			name = fmt.Sprintf("%s (%s)", f.Row.Symbol, name)
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

// spellings writes a code in every way in which it stands in logs; nothing for no code.
func spellings(c explain.Code) string {
	text := codeText(c)
	switch c.Kind {
	case explain.KindHRESULT, explain.KindNTSTATUS:
		text += fmt.Sprintf("  %d", c.Value)
		if n := int32(c.Value); n < 0 { //nolint:gosec // the same 32 bits, as signed
			text += fmt.Sprintf("  %d", n)
		}
		if c.Kind == explain.KindNTSTATUS {
			text += "  NTSTATUS"
		}
	case explain.KindWin32:
		text += fmt.Sprintf("  0x%08X", c.Value)
	case explain.KindCIM, explain.KindReturnValue, explain.KindEvent:
	default:
		return ""
	}
	return text
}

// recognised tells whether an explanation says anything.
func recognised(e *explain.Explanation) bool {
	return e.Headline != nil || len(e.Findings) > 0
}
