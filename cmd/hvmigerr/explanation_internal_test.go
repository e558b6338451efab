// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// explanations has one of everything that is printed: rows of our own making, so that the tables may grow.
func explanations() *explain.Explanation {
	refused := &explain.Row{
		Code: explain.Code{Kind: explain.KindWin32, Value: 10061}, Symbol: "WSAECONNREFUSED",
		Meaning: "The destination answers on the network, but nothing there accepts connections of a migration.",
		Causes:  []string{"Live migration is off at the destination.", "It listens on another network than the one that the source chose first.", "A firewall refuses.", "A fourth."},
		Checks: []explain.Check{
			{Where: explain.WhereDestination, What: "Live migration is on.", Command: "Get-VMHost | Format-List VirtualMachineMigrationEnabled"},
			{Where: explain.WhereSource, What: "The port answers.", Command: "Test-NetConnection <DESTINATION> -Port 6600"},
			{Where: explain.WhereDestination, What: "The networks."},
			{Where: explain.WhereDC, What: "Nothing."},
			{Where: explain.WhereHere, What: "A fifth."},
		},
		References: []string{"https://example.com/a", "MS-ERREF 2.2"},
	}
	wrapper := &explain.Row{
		Code: explain.Code{Kind: explain.KindEvent, Value: 21024}, Headline: true, Meaning: "A migration failed at its source.",
	}
	name := &explain.Row{Code: explain.Code{Kind: explain.KindNTSTATUS, Value: 0xC0000022}, Symbol: "STATUS_ACCESS_DENIED"}
	limit := &explain.Row{ID: "migration-limit", Meaning: "Too many at once.", Causes: []string{"The limit is low."}}
	unknown := &explain.Row{Code: explain.Code{Kind: explain.KindHRESULT, Value: 0x8ABC1234}, Meaning: "No table has it."}
	return &explain.Explanation{
		Headline: &explain.Finding{Basis: explain.BasisMessageID, Row: wrapper, Code: wrapper.Code, Start: 0, End: 5, Text: "21024"},
		Findings: []explain.Finding{
			{Basis: explain.BasisCode, Row: name, Code: name.Code, Part: 1, Start: 6, End: 16, Text: "0xC0000022"},
			{Basis: explain.BasisCode, Row: refused, Code: explain.Code{Kind: explain.KindHRESULT, Value: 0x8007274D}, Part: 1, Start: 17, End: 27, Text: "0x8007274D"},
			{Basis: explain.BasisPattern, Row: limit, Part: 2, Start: 28, End: 34, Text: "limit\x1b"},
			{Basis: explain.BasisCode, Row: unknown, Code: unknown.Code, Part: 2, Start: 35, End: 45, Text: "0x8ABC1234"},
		},
		Notes: []string{"Something limits this answer."},
	}
}

// printed returns what f prints.
func printed(t *testing.T, f func(*app)) string {
	t.Helper()
	var b strings.Builder
	a := newApp(nil, nil, nil)
	a.out = &output{w: bufio.NewWriter(&b)}
	f(a)
	if err := a.out.flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPrintMeaning(t *testing.T) {
	t.Parallel()
	const want = `
  What this means (by hvmigerr, not from the host):
     Message 1 is a headline (event 21024): it says that and where, not why.
     STATUS_ACCESS_DENIED (0xC0000022), in message 2
     WSAECONNREFUSED (0x8007274D = HRESULT_FROM_WIN32(10061)), in message 2
       The destination answers on the network, but nothing there accepts
       connections of a migration.
       Likely causes, the first the likeliest:
         1. Live migration is off at the destination.
         2. It listens on another network than the one that the source chose
            first.
         3. A firewall refuses.
       Check on the destination, HV02:
         - Live migration is on.
             Get-VMHost | Format-List VirtualMachineMigrationEnabled
         - The networks.
       Check on the source, HV01:
         - The port answers.
             Test-NetConnection <DESTINATION> -Port 6600
       Check on a domain controller:
         - Nothing.
     migration-limit, by the words of message 3
       Too many at once.
     0x8ABC1234, in message 3
       No table has it.
     "hvmigerr explain WSAECONNREFUSED" tells more.
     Note: Something limits this answer.
`
	job := &invoke.MigrationJob{DestinationHost: new("HV02")}
	got := printed(t, func(a *app) { a.printMeaning(explanations(), machines("HV01", job)) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("printMeaning (-want +got):\n%s", diff)
	}
	if got := printed(t, func(a *app) { a.printMeaning(&explain.Explanation{}, nil) }); got != "" {
		t.Errorf("an empty explanation prints %q", got)
	}
}

func TestPrintExplanation(t *testing.T) {
	t.Parallel()
	const want = `Headline: event 21024, by line 1: "21024". It says that and where the migration
failed, not why.
  A migration failed at its source.

STATUS_ACCESS_DENIED  0xC0000022  3221225506  -1073741790  NTSTATUS
  by line 2: "0xC0000022"

WSAECONNREFUSED  0x8007274D  2147952461  -2147014835
  = HRESULT_FROM_WIN32(10061)
  by line 2: "0x8007274D"
  The destination answers on the network, but nothing there accepts connections
  of a migration.

  Likely causes, the first the likeliest:
    1. Live migration is off at the destination.
    2. It listens on another network than the one that the source chose first.
    3. A firewall refuses.
    4. A fourth.

  Check on the destination:
    - Live migration is on.
        Get-VMHost | Format-List VirtualMachineMigrationEnabled
    - The networks.
  Check on the source:
    - The port answers.
        Test-NetConnection <DESTINATION> -Port 6600
  Check on a domain controller:
    - Nothing.
  Check here:
    - A fifth.

  See: https://example.com/a
       MS-ERREF 2.2

migration-limit
  by line 3: "limit\u{1B}"
  Too many at once.

  Likely cause: The limit is low.

0x8ABC1234  2327581236  -1967386060
  by line 3: "0x8ABC1234"
  No table has it.

Note: Something limits this answer.
`
	e := explanations()
	e.Headline.Basis, e.Headline.Code = explain.BasisPattern, explain.Code{} // recognised by its words
	q := &question{kind: inputText, text: "21024\n0xC0000022 0x8007274D\nlimit\x1b 0x8ABC1234", answer: e}
	got := printed(t, func(a *app) { a.printExplanation(q) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("printExplanation (-want +got):\n%s", diff)
	}
}

// TestExplanationObject holds every key, in order, and its null.
func TestExplanationObject(t *testing.T) {
	t.Parallel()
	e := explanations()
	e.Findings = e.Findings[1:3]
	e.Findings[0].Row.Checks = e.Findings[0].Row.Checks[2:4]
	e.Findings[0].Row.Checks[1].Command = "nltest"
	got, err := json.MarshalIndent(explanationObject(e), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/json/explanation.golden.json", append(got, '\n'))
	empty, err := json.Marshal(explanationObject(&explain.Explanation{}))
	if want := `{"headline":null,"findings":[],"notes":[]}`; string(empty) != want || err != nil {
		t.Errorf("an empty explanation is %s, %v, want %s", empty, err, want)
	}
}

func TestMore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		row  explain.Row
		want string
	}{
		{explain.Row{Code: explain.Code{Kind: explain.KindWin32, Value: 10061}, Symbol: "WSAECONNREFUSED"}, "explain WSAECONNREFUSED\""},
		{explain.Row{Code: explain.Code{Kind: explain.KindHRESULT, Value: 0x80042001}}, "explain 0x80042001\""},
		{explain.Row{Code: explain.Code{Kind: explain.KindEvent, Value: 20306}}, "explain event 20306\""},
		{explain.Row{Code: explain.Code{Kind: explain.KindReturnValue, Value: 32775}}, "explain 32775\""},
		{explain.Row{ID: "migration-limit"}, "explain\" of the message"},
	} {
		if got := more(&explain.Finding{Row: &tt.row, Code: tt.row.Code}); !strings.Contains(got, tt.want) {
			t.Errorf("more(%+v) = %q, want %q in it", tt.row, got, tt.want)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100)
	for _, tt := range []struct{ text, want string }{
		{"", "- "},
		{"a  b\tc", "- a b c"},
		{strings.Repeat("word ", 20), "- " + strings.TrimSpace(strings.Repeat("word ", 15)) + "\n  " + strings.TrimSpace(strings.Repeat("word ", 5))},
		{strings.Repeat("仮", 39) + " 仮", "- " + strings.Repeat("仮", 39) + "\n  仮"},
		{long + " b", "- " + long + "\n  b"},
		{"a " + long, "- a\n  " + long},
		{"a\x1bb", `- a\u{1B}b`},
	} {
		if got := fold("- ", "  ", tt.text); got != tt.want {
			t.Errorf("fold(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestCodeText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code             explain.Code
		text, everything string
	}{
		{explain.Code{Kind: explain.KindHRESULT, Value: 0x8009030E}, "0x8009030E", "0x8009030E  2148074254  -2146893042"},
		{explain.Code{Kind: explain.KindHRESULT, Value: 1}, "0x00000001", "0x00000001  1"},
		{explain.Code{Kind: explain.KindWin32, Value: 5035}, "Win32 error 5035", "Win32 error 5035  0x000013AB"},
		{explain.Code{Kind: explain.KindCIM, Value: 2}, "CIM status 2", "CIM status 2"},
		{explain.Code{Kind: explain.KindReturnValue, Value: 32775}, "return value 32775", "return value 32775"},
		{explain.Code{Kind: explain.KindEvent, Value: 21024}, "event 21024", "event 21024"},
	} {
		if got := codeText(tt.code); got != tt.text {
			t.Errorf("codeText(%v) = %q, want %q", tt.code, got, tt.text)
		}
		if got := strings.Join(spellings(tt.code), "  "); got != tt.everything {
			t.Errorf("spellings(%v) = %q, want %q", tt.code, got, tt.everything)
		}
	}
	if got := spellings(explain.Code{}); got != nil {
		t.Errorf("spellings of no code = %q", got)
	}
	for _, tt := range []struct {
		code, row explain.Code
		want      string
	}{
		{explain.Code{Kind: explain.KindHRESULT, Value: 0x8007274D}, explain.Code{Kind: explain.KindWin32, Value: 10061}, "HRESULT_FROM_WIN32(10061)"},
		{explain.Code{Kind: explain.KindHRESULT, Value: 0xD0000022}, explain.Code{Kind: explain.KindNTSTATUS, Value: 0xC0000022}, "HRESULT_FROM_NT(0xC0000022)"},
		{explain.Code{Kind: explain.KindWin32, Value: 5}, explain.Code{Kind: explain.KindHRESULT, Value: 0x80070005}, "0x80070005"},
		{explain.Code{Kind: explain.KindWin32, Value: 5}, explain.Code{Kind: explain.KindWin32, Value: 5}, ""},
	} {
		if got := inner(&explain.Finding{Code: tt.code, Row: &explain.Row{Code: tt.row}}); got != tt.want {
			t.Errorf("inner(%v in %v) = %q, want %q", tt.row, tt.code, got, tt.want)
		}
	}
}

// TestMachines: no host is named that may be the other one.
func TestMachines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		asked, to, source, destination string
	}{
		{"hv01.example.com", "HV02", "hv01.example.com", "HV02"},
		{"hv01.example.com", "", "hv01.example.com", ""},
		{"hv02.example.com", "HV02", "", "HV02"},
		{"192.0.2.7", "HV02", "", "HV02"},
		{"2001:db8::7", "HV02", "", "HV02"},
		{"hv01", "HV-MÜNCHEN_02", "hv01", "HV-MÜNCHEN_02"},
		{"hv01", "2001:db8::8", "hv01", "2001:db8::8"},
		// What is no name would be taken for our words.
		{"hv01", "HV02: run the command below, then go on", "hv01", ""},
		{"hv01", "HV02\nCheck here:", "hv01", ""},
		{"hv01", "HV02\u3164\u3164run", "hv01", ""},
		{"hv01", "HV\x1b[2J", "hv01", ""},
		{"hv01", "HV02$(reboot)", "hv01", ""},
		{"hv01", strings.Repeat("x", 254), "hv01", ""},
	} {
		got := machines(tt.asked, &invoke.MigrationJob{DestinationHost: &tt.to})
		if got[explain.WhereSource] != tt.source || got[explain.WhereDestination] != tt.destination || got[explain.WhereHost] != tt.asked {
			t.Errorf("machines(%q, %q) = %v", tt.asked, tt.to, got)
		}
	}
}
