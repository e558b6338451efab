package winrm_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/wsman"
	bridge "github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
)

// TestFaultError: the text has the XML, and the words that masterzen/winrm looks for exactly when they are meant.
func TestFaultError(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fault    wsman.Fault
		xml      string
		has, not string
	}{
		{"timeout", wsman.Fault{Subcode: wsman.SubcodeTimedOut}, "<x>zu spät</x>", "OperationTimeout: wsman:TimedOut: <x>zu spät</x>", "E.O.F."},
		{"timeout by code", wsman.Fault{WSManFault: &wsman.WSManFault{Code: 0x80338029}}, "<x/>", "OperationTimeout", "E.O.F."},
		{"timeout with the word", wsman.Fault{Subcode: wsman.SubcodeTimedOut}, "<w:OperationTimeout/>", "<w:OperationTimeout/>", "OperationTimeout: "},
		{"another with the word", wsman.Fault{Subcode: wsman.SubcodeInvalidParameter}, "<w:OperationTimeout/>", "<w:Operation Timeout/>", "OperationTimeout"},
		{"EOF", wsman.Fault{Reason: "GEOFF"}, "<x>EOF</x>", "GE.O.F.F: <x>E.O.F.</x>", "EOF"},
		{"long", wsman.Fault{Code: "s:Sender"}, strings.Repeat("ä", 100000), "ä…", "\ufffd"},
		{"long words", wsman.Fault{Code: "s:Sender", Reason: strings.Repeat("ä", 100000)}, "<x/>", "…: <x/>", "\ufffd"},
		{"long, odd", wsman.Fault{Code: "s:Sender"}, "x" + strings.Repeat("ä", 100000), "ä…", "\ufffd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &bridge.FaultError{XML: tt.xml, Fault: &tt.fault}
			text := e.Error()
			if !strings.Contains(text, tt.has) || strings.Contains(text, tt.not) || len(text) > 17<<10 || !utf8.ValidString(text) {
				t.Errorf("Error() = %.200q, want %q, and no %q", text, tt.has, tt.not)
			}
			if f, ok := errors.AsType[*wsman.Fault](error(e)); !ok || f != &tt.fault {
				t.Errorf("it wraps %v", f)
			}
		})
	}
}
