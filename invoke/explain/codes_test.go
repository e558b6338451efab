package explain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// spell writes f as a row of the tests has it: kind, number, how and with which characters it is spelt.
func spell(text string, f explain.Found) string {
	return fmt.Sprintf("%s 0x%08X, %s: %s", f.Kind, f.Value, f.Spelling, text[f.Start:f.End])
}

// spelt are the spellings of facts/migration-failures.md, each with each kind of code, in messages of our own.
var spelt = []struct {
	text string
	want string // separated by semicolons
}{
	// Hex after 0x: HRESULT, Win32 within an HRESULT, raw Win32, NTSTATUS, HRESULT that carries an NTSTATUS, WS-Management, WMI.
	{"The move broke off: no credentials (0x8009030E).", "HRESULT 0x8009030E, hex: 0x8009030E"},
	{"The peer refused (0x8007274D)", "HRESULT 0x8007274D, hex: 0x8007274D"},
	{"refused 0x8007274d, twice", "HRESULT 0x8007274D, hex: 0x8007274d"},
	{"refused 0X8007274D", "HRESULT 0x8007274D, hex: 0X8007274D"},
	{"No cluster network for it. (0x000013AB)", "Win32 0x000013AB, hex: 0x000013AB"},
	{"The resource is not there (0x138F)", "Win32 0x0000138F, hex: 0x138F"},
	{"ended with 0x3b", "Win32 0x0000003B, hex: 0x3b"},
	{"ended with 0x0", "Win32 0x00000000, hex: 0x0"},
	{"the status was 0xC0000034", "NTSTATUS 0xC0000034, hex: 0xC0000034"},
	{"no provider for the disk (0xC03A0014)", "HRESULT 0xC03A0014, hex: 0xC03A0014"},
	{"invalid by both names (0xC03A0003)", "HRESULT 0xC03A0003, hex: 0xC03A0003"},
	{"saved state unreadable (0xC0370027).", "HRESULT 0xC0370027, hex: 0xC0370027"},
	{"not found as HRESULT: 0xD0000034", "HRESULT 0xD0000034, hex: 0xD0000034"},
	{"warning 0x80000005", "NTSTATUS 0x80000005, hex: 0x80000005"},
	{"informational 0x40000000", "NTSTATUS 0x40000000, hex: 0x40000000"},
	{"WinRM answered 0x80338029", "HRESULT 0x80338029, hex: 0x80338029"},
	{"WMI answered 0x8004100E", "HRESULT 0x8004100E, hex: 0x8004100E"},
	{"never heard of 0x8004FEED", "HRESULT 0x8004FEED, hex: 0x8004FEED"},
	{"never heard of 0xC0FEED00", "NTSTATUS 0xC0FEED00, hex: 0xC0FEED00"},
	{"thrown as 0xE06D7363", "NTSTATUS 0xE06D7363, hex: 0xE06D7363"},
	{"'access denied'('0x80070005').", "HRESULT 0x80070005, hex: 0x80070005"},
	{"\"0x80070005\"", "HRESULT 0x80070005, hex: 0x80070005"},
	{"HRESULT = 0x80048054", "HRESULT 0x80048054, hex: 0x80048054"},
	{"HRESULT:0x80048054, hr=0x80070002", "HRESULT 0x80048054, hex: 0x80048054; HRESULT 0x80070002, hex: 0x80070002"},
	{"Exception from HRESULT: 0x80070005 (E_ACCESSDENIED)", "HRESULT 0x80070005, hex: 0x80070005; HRESULT 0x80070005, symbol: E_ACCESSDENIED"},
	{"0x8007274D", "HRESULT 0x8007274D, hex: 0x8007274D"},
	{"エラー (0x8007274D)。", "HRESULT 0x8007274D, hex: 0x8007274D"},
	{"接続が拒否されました（0x8007274D）。", "HRESULT 0x8007274D, hex: 0x8007274D"},
	{"エラー0x8007274Dが発生", "HRESULT 0x8007274D, hex: 0x8007274D"},
	{"Verbindung zurückgewiesen: 0x8007274D. Gerät prüfen.", "HRESULT 0x8007274D, hex: 0x8007274D"},
	{"\xff0x8007274D\xfe", "HRESULT 0x8007274D, hex: 0x8007274D"},
	{"first 0x8009030E\nthen 0x8007274D\r\n", "HRESULT 0x8009030E, hex: 0x8009030E; HRESULT 0x8007274D, hex: 0x8007274D"},

	// Eight hex digits alone.
	{"the trace has 80042001 and 8007000D", "HRESULT 0x80042001, bare hex: 80042001; HRESULT 0x8007000D, bare hex: 8007000D"},
	{"no mapping (80070534).", "HRESULT 0x80070534, bare hex: 80070534"},
	{"no mapping: 80070534", "HRESULT 0x80070534, bare hex: 80070534"},
	{"hr=8007274d;", "HRESULT 0x8007274D, bare hex: 8007274d"},
	{"Error #80070534", "HRESULT 0x80070534, bare hex: 80070534"},
	{"cluster error 000013AB", "Win32 0x000013AB, bare hex: 000013AB"},
	{"error 00000005", "Win32 0x00000005, bare hex: 00000005"},
	{"status c0000034", "NTSTATUS 0xC0000034, bare hex: c0000034"},
	{"virtual disk c03a0014", "HRESULT 0xC03A0014, bare hex: c03a0014"},
	{"WinRM: 80338029", "HRESULT 0x80338029, bare hex: 80338029"},
	{"WMI: 8004100E", "HRESULT 0x8004100E, bare hex: 8004100E"},
	{"エラー80070534です", "HRESULT 0x80070534, bare hex: 80070534"},

	// Ten decimal digits.
	{"it returned 2148074254", "HRESULT 0x8009030E, unsigned: 2148074254"},
	{"it returned 2147952461.", "HRESULT 0x8007274D, unsigned: 2147952461"},
	{"<f:WSManFault Code=\"2150858793\">", "HRESULT 0x80338029, unsigned: 2150858793"},
	{"WMI: 2147749902", "HRESULT 0x8004100E, unsigned: 2147749902"},
	{"status 3221225524", "NTSTATUS 0xC0000034, unsigned: 3221225524"},
	{"disk 3225026580", "HRESULT 0xC03A0014, unsigned: 3225026580"},
	{"it threw -2146893042", "HRESULT 0x8009030E, signed: -2146893042"},
	{"com_error(-2147023174, 'RPC')", "HRESULT 0x800706BA, signed: -2147023174"},
	{"code:-2147217394", "HRESULT 0x8004100E, signed: -2147217394"},
	{"status -1073741772", "NTSTATUS 0xC0000034, signed: -1073741772"},
	{"wsman -2144108503", "HRESULT 0x80338029, signed: -2144108503"},
	{"denied -805306334, it said", "HRESULT 0xD0000022, signed: -805306334"},
	{"hr=-805306334", "HRESULT 0xD0000022, signed: -805306334"},
	{"denied (\u2212805306334)", "HRESULT 0xD0000022, signed: \u2212805306334"},
	{"it threw \u22122146893042", "HRESULT 0x8009030E, signed: \u22122146893042"},

	// Codes that a console has cut, and those of programs.
	{"failed (0x8\n007274D).", "HRESULT 0x8007274D, hex: 0x8\n007274D"},
	{"failed 0x80\r\n070005", "HRESULT 0x80070005, hex: 0x80\r\n070005"},
	{"(0x8009 \r\n   030E)", "HRESULT 0x8009030E, hex: 0x8009 \r\n   030E"},
	{"(0x\n8009030E)", "HRESULT 0x8009030E, hex: 0x\n8009030E"},
	{"0x8007\u200b0005", "HRESULT 0x80070005, hex: 0x8007\u200b0005"},
	{"it threw -21468\n93042.", "HRESULT 0x8009030E, signed: -21468\n93042"},
	{"it returned 21480742\r\n54.", "HRESULT 0x8009030E, unsigned: 21480742\r\n54"},
	{"ended with 0x5\n10 more", "Win32 0x00000005, hex: 0x5"},
	{"ended with 0x5\nThe next line", "Win32 0x00000005, hex: 0x5"},
	{"hr = 0x80070005L;", "HRESULT 0x80070005, hex: 0x80070005L"},
	{"widened 0xFFFFFFFF80070005", "HRESULT 0x80070005, hex: 0xFFFFFFFF80070005"},

	// JSON.
	{`(\u00270x80070005\u0027)`, "HRESULT 0x80070005, hex: 0x80070005"},
	{`(\u002780070005\u0027)`, "HRESULT 0x80070005, bare hex: 80070005"},
	{`at once\n0x80070005`, "HRESULT 0x80070005, hex: 0x80070005"},
	{`at once.\r\n80070534\r\n`, "HRESULT 0x80070534, bare hex: 80070534"},
	{`at once.\r\n80070534\n`, "HRESULT 0x80070534, bare hex: 80070534"},
	{`{"Message":"80070534\tx"}`, ""},
	{`at once.\r\n-2146893042\r\n`, "HRESULT 0x8009030E, signed: -2146893042"},
	{`by \u003c2147952461\u003e`, "HRESULT 0x8007274D, unsigned: 2147952461"},
	{`at C:\\vms\\x.\r\n0x80070005`, "HRESULT 0x80070005, hex: 0x80070005"},

	// Symbols.
	{"failed with SEC_E_NO_CREDENTIALS today", "HRESULT 0x8009030E, symbol: SEC_E_NO_CREDENTIALS"},
	{"ERROR_ACCESS_DENIED.", "Win32 0x00000005, symbol: ERROR_ACCESS_DENIED"},
	{"E_HANDLE: CIM_ERR_NOT_FOUND", "HRESULT 0x80070006, symbol: E_HANDLE; CIM status 0x00000006, symbol: CIM_ERR_NOT_FOUND"},

	// Numbers of events, methods and of CIM.
	{"<EventID>21024</EventID>", "event 0x00005220, name N: EventID>21024"},
	{"<EventID Qualifiers='16384'>21024</EventID>", "event 0x00005220, name N: EventID Qualifiers='16384'>21024"},
	{"<EventID Qualifiers=\"0x80070005\">21024</EventID>", "HRESULT 0x80070005, hex: 0x80070005; event 0x00005220, name N: 21024"},
	{"<e:EventID>21024</e:EventID>", "event 0x00005220, name N: EventID>21024"},
	{"Event ID 21502", "event 0x000053FE, name N: Event ID 21502"},
	{"the event 21502.", "event 0x000053FE, name N: event 21502"},
	{"TimeCreated : now\r\nId          : 21502\r\n", "event 0x000053FE, name N: Id          : 21502"},
	{"\n  Id: 21502", "event 0x000053FE, name N: Id: 21502"},
	{"MessageID: 21024", "event 0x00005220, name N: MessageID: 21024"},
	{"MessageID=\"21024\"", "event 0x00005220, name N: MessageID=\"21024"},
	{"Ereignis-ID 21502", "event 0x000053FE, name N: Ereignis-ID 21502"},
	{"{\"Id\": 21502, \"Level\": 2}", "event 0x000053FE, name N: Id\": 21502"},
	{"return value 32768", "return value 0x00008000, name N: return value 32768"},
	{"ReturnValue : 32773", "return value 0x00008005, name N: ReturnValue : 32773"},
	{"ErrorCode 32773", "return value 0x00008005, error N: ErrorCode 32773"},
	{"CIM status 5", "CIM status 0x00000005, name N: CIM status 5"},

	// error N.
	{"reading the file ended with error 59!", "Win32 0x0000003B, error N: error 59"},
	{"Error 59", "Win32 0x0000003B, error N: Error 59"},
	{"ERROR CODE: 1326.", "Win32 0x0000052E, error N: ERROR CODE: 1326"},
	{"error: 10061, refused", "Win32 0x0000274D, error N: error: 10061"},
	{"System error 67 has occurred", "Win32 0x00000043, error N: error 67"},
	{"error number 5", "Win32 0x00000005, error N: error number 5"},
	{"ended with error=64;", "Win32 0x00000040, error N: error=64"},
	{"Systemfehler 67 aufgetreten.", "Win32 0x00000043, error N: Systemfehler 67"},
	{"Fehler 59", "Win32 0x0000003B, error N: Fehler 59"},
	{"L’erreur 59 s’est produite", "Win32 0x0000003B, error N: erreur 59"},
	{"エラー 59", "Win32 0x0000003B, error N: エラー 59"},
	{"エラー コード 59 です", "Win32 0x0000003B, error N: エラー コード 59"},
	{"エラー：59", "Win32 0x0000003B, error N: エラー：59"},
	{"错误：59", "Win32 0x0000003B, error N: 错误：59"},
	{"error\u00a059", "Win32 0x0000003B, error N: error\u00a059"},
	{"erreur\u00a0: 59", "Win32 0x0000003B, error N: erreur\u00a0: 59"},
	{"L'erreur système 67", "Win32 0x00000043, error N: erreur système 67"},
	{"Error de sistema 67", "Win32 0x00000043, error N: Error de sistema 67"},
	{"Errore di sistema 67", "Win32 0x00000043, error N: Errore di sistema 67"},
	{"код ошибки: 59", "Win32 0x0000003B, error N: ошибки: 59"},
	{"错误代码: 59", "Win32 0x0000003B, error N: 错误代码: 59"},
	{"오류 코드: 59", "Win32 0x0000003B, error N: 오류 코드: 59"},
	{"Foutcode 59, fejlkode 59", "Win32 0x0000003B, error N: Foutcode 59; Win32 0x0000003B, error N: fejlkode 59"},
	{"error\r\n59", "Win32 0x0000003B, error N: error\r\n59"},
	{`error\n59`, `Win32 0x0000003B, error N: error\n59`},
	{"Error 5 de Windows", "Win32 0x00000005, error N: Error 5"},

	// %%N.
	{"Parameter1 %%2147952449", "HRESULT 0x80072741, %%N: %%2147952449"},
	{"The service ended: %%1053", "Win32 0x0000041D, %%N: %%1053"},
}

// TestCodes finds each spelling of each kind, with its place.
func TestCodes(t *testing.T) {
	for _, tt := range spelt {
		var got []string
		for _, f := range explain.Codes(tt.text) {
			got = append(got, spell(tt.text, f))
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("Codes(%q): (-want +got)\n%s", tt.text, diff)
		}
	}
}

// missed are texts that look as if there were a code.
var missed = []string{
	"",
	"Error 404: page not found",
	"Error: 401 Unauthorized",
	"Error: 5 VMs failed",
	"error: 64 hosts unreachable",
	"https://example.com/?id=80070005",
	"disk sector 2148074254",
	`"Id" 21502`,
	"0x",
	"0x.",
	"0xZZ",
	"0x8007ZZZZ",
	"0x80070005_2",
	"a0x80070005",
	"äx80070005",
	"1920x1080",
	"0x080070005",         // nine digits, though not the number
	"0x800700051",         // nine digits
	"0x00007FF6A1B2C3D4",  // an address of 64 bits
	"00007FF6A1B2C3D4",    // the same without 0x
	"00007ff6`80070005",   // as debuggers write it
	"0x00000000080070005", // too long
	"flags 0x00ABCDEF",    // above 0xFFFF, no failure, in no table
	"80070005-1234-4321-8765-0123456789AB",
	"{80070005-1234-4321-8765-0123456789AB}",
	"01234567-80070005",
	"S-1-5-21-2147942405-2147952461-2148074254-1001",
	"S-1-5-83-1-2147942405-80070005",
	`C:\80070005`,
	`C:\80070005\disk.vhdx`,
	`80070005\disk.vhdx`,
	"C:80070005",
	`\\server\share\80070005.vhdx`,
	"/var/log/80070005",
	"80070005/disk",
	"80070005.vhdx",
	"disk.80070005",
	"http://host/x?a=1/2147942405",
	"2147942405@example.test",
	"word deadbeef",
	"word facade00",
	"x80070005",
	"80070005x",
	"80070005ä",
	"ä80070005",
	"a_80070005",
	"800700050",                        // nine hex digits
	"d41d8cd98f00b204e9800998ecf8427e", // a hash
	"80070005800700058007000580070005",
	"2147942405 bytes",
	"2147942405bytes",
	"2147942405 B free",
	"2147942405 バイト",
	"80070005 bytes",
	"size 2147942405",
	"size: 2147942405",
	"Size of 2147942405",
	"Serial number 80070005",
	"serial: 2147942405",
	"S/N 80070005",
	"PID 80070005",
	"build 80070005",
	"#80070005", // a colour
	"#2147942405",
	"+2147942405",
	"+49 2147942405-1",
	"2147-942405",
	"214-795-2461",
	"$2147942405",
	"2147942405%",
	"21479424050",         // eleven digits
	"-21479424050",        // eleven digits
	"-2147942405",         // below 32 bits with a sign
	"x-2147024891",        // a hyphen
	"4294967296",          // above 32 bits
	"1732276800",          // a time in seconds
	"2147999999",          // of the right size, but in no table
	"2147942405.5",        // a fraction
	"10.0.20348.1",        // a version
	"20261122",            // a date
	"2026-11-22 16:59:59", // a date and a time
	"00-15-5D-80-07-05",   // a MAC address
	"00:15:5d:80:07:05",
	"fe80::8007:0005",
	"[fe80::8007:5%80070005]",
	"192.168.80.5:5986",
	"00000000", // a handle, a serial number
	"00000005",
	"00001234",
	"error",
	"error ",
	"error 99999999999",
	"error 99999",
	"error 65000",
	"Error (12711)",
	"terror 59",
	"Terror: 59",
	"error 59th",
	"error59",
	"_error 59",
	"error 59.3",
	"error 59,000",
	"error 59%",
	"error 10:30",
	"error 3 of 5",
	"error 5 times",
	"errors 59",
	"code 59",
	"line 59",
	"%%",
	"%%x",
	"%%99999",
	"%%64999",
	"%59",
	"%%0x5x",
	"0ｘ８００７２７４Ｄ",
	"－2147024891x",
	`C:\n80070005`,
	`C:\n0x80070005`,
	`C:\temp\n80070005`,
	`\\server\n80070005`,
	`C:\\n80070005`,
	`80070005\new`,
	`\u00fc0x80070005`,
	`\u12`,
	"0x80 07 00 05",
	"0x8007\u200b05",
	"0x0040\n1000", // cut, and no code
	"1 -80530633",  // eight digits
	"x-805306334",
	"4-805306334",
	"--805306334",
	"805306334",
	"-805300000",
	"2147-\n483652",
	"HTTP Error 404",
	"HTTP Error 400. HTTP Error 401: HTTP error 403, HTTP/1.1 error 500",
	"SQL Server Error 1205",
	"Fehler 1 von 3",
	"erreur 2 sur 3",
	"error 1 of 3",
	"error 2 из 3",
	"error 5 minutes ago",
	"error 10 percent",
	"error 59 %",
	"error\n\n59",
	"with an error\n1. Check the network",
	"PID 0x1a4c",
	"Logon ID: 0x3E7",
	"klist -li 0x3e7",
	"Process ID: 0x4",
	"bugcheck 0x3B",
	"bug check 0x3B",
	"flags 0x5, port 0x1702, handle=0x40, mask: 0x7, Attributes: 0x20",
	"00000000  000004d0 00000005",
	"[000004d0]",
	"ProcessId=000004d0",
	"FileSize=2147942405",
	"FreeSpace: 2147942405",
	"memory 2147942405",
	"Bytes: 2147942405",
	"tel. 2147942405",
	"RecordId: 80070005",
	"signature 80070005",
	"disk id: 80070005",
	"uuid 80070005",
	"crc32 80070005",
	"commit 80070005",
	"rev 80070005",
	"ProcessId=80070005",
	"ThreadID 80070005",
	"LUN 80070005",
	"Volume Serial Number is 80041001",
	"80070005-\n1234-4321-8765-0123456789AB",
	"01234567-1234-4321-8765-\r\n80070005",
	"0xFFFFFFFF 0xCCCCCCCC 0xFFFF0000 0xDEADBEEF 0xBAADF00D",
	"0xFFFFFFFFFFFFFFFF",
	"0xFFFFFFFF80079999",
	"0x80070005LX",
	"NO_SUCH_SYMBOL",
	"ERROR_SUCCESS",
	"sec_e_no_credentials",
	`C:\SEC_E_NO_CREDENTIALS`,
	"XSEC_E_NO_CREDENTIALS",
	"message 21024",
	"prevent 21502",
	"ID 21502",
	"VM Id: 21502",
	"<Id>21502</Id",
	">21502",
	"event 64999",
	"event 21502 times",
	"event 21,502",
	"return value 0, ReturnValue 4096, CIM status 1",
	"Virtual machine ID D46FD5CD-A9CB-40B1-ACFB-5CC8C759E2D5",
	"\xff\xfe\x80",
}

// TestCodesNearMisses finds nothing in what only looks like a code.
func TestCodesNearMisses(t *testing.T) {
	for _, text := range missed {
		for _, f := range explain.Codes(text) {
			t.Errorf("Codes(%q) found %s", text, spell(text, f))
		}
	}
}

// TestCodesBounded: however many codes a text has, the time grows with its length and the result is bounded.
func TestCodesBounded(t *testing.T) {
	const size = 2 << 20
	for _, tt := range []struct {
		unit string
		want int
	}{
		{"0", 0},
		{"80070005", 0}, // one long word
		{"0x", 0},
		{"-", 0},
		{"%", 0},
		{"\xff", 0},
		{"0x1 ", 1024},
		{"80070005 ", 1024},
		{"-2147024891 ", 1024},
		{"error 5 ", 1024},
		{"error ", 0},
		{"\\", 0},
		{"\\n", 0},
		{"\\n5", 0},
		{"\\u0027", 0},
		{"0x5\n", 1024},
		{"0x80 07 00 ", 0},
		{"5 \n", 0},
		{"E_X ", 0},
		{"E_FAIL ", 1024},
		{"Id: 21502\n", 1024},
		{"<a>5", 0},
		{" ", 0},
	} {
		text := strings.Repeat(tt.unit, size/len(tt.unit))
		if got := len(explain.Codes(text)); got != tt.want {
			t.Errorf("Codes of %d times %q finds %d, want %d", size/len(tt.unit), tt.unit, got, tt.want)
		}
	}
}
