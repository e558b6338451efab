package explain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// TestParse reads what a user types for one code.
func TestParse(t *testing.T) {
	for _, tt := range []struct {
		arg, want string
	}{
		{"0x8009030E", "HRESULT 0x8009030E"},
		{"0x8009030e", "HRESULT 0x8009030E"},
		{"8009030E", "HRESULT 0x8009030E"},
		{"2148074254", "HRESULT 0x8009030E"},
		{"-2146893042", "HRESULT 0x8009030E"},
		{"-805306334", "HRESULT 0xD0000022"},
		{"\u2212805306334", "HRESULT 0xD0000022"},
		{"\u22122147156243", "HRESULT 0x8004FEED"},
		{"-805300000", ""},
		{"0x8009\n030E", "HRESULT 0x8009030E"},
		{"0x80070005L", "HRESULT 0x80070005"},
		{"ERROR_ACCESS_DENIED", "Win32 0x00000005"},
		{"EventID: 21024", "event 0x00005220"},
		{"CIM status 5", "CIM status 0x00000005"},
		{"SEC_E_NO_CREDENTIALS", "HRESULT 0x8009030E"},
		{"sec_e_no_credentials", "HRESULT 0x8009030E"},
		{" (0x8007274D). ", "HRESULT 0x8007274D"},
		{"('0x80070005')", "HRESULT 0x80070005"},
		{"HRESULT = 0x80048054", "HRESULT 0x80048054"},
		{"HRESULT: 0x80048054", "HRESULT 0x80048054"},
		{"hr=80070005", "HRESULT 0x80070005"},
		{"0xFFFFFFFF80070005", "HRESULT 0x80070005"},
		{"0x0000000080070005", "HRESULT 0x80070005"},
		{"80070534", "HRESULT 0x80070534"},
		{"00000701", "Win32 0x00000701"},
		{"0x8004FEED", "HRESULT 0x8004FEED"}, // in no table
		{"8004FEED", "HRESULT 0x8004FEED"},
		{"2147811053", "HRESULT 0x8004FEED"},
		{"-2147156243", "HRESULT 0x8004FEED"},
		{"0xC0000034", "NTSTATUS 0xC0000034"},
		{"STATUS_OBJECT_NAME_NOT_FOUND", "NTSTATUS 0xC0000034"},
		{"ERROR_ITERATED_DATA_EXCEEDS_64k", "Win32 0x000000C2"},
		{"wsaeconnrefused", "Win32 0x0000274D"},
		{"ERROR_WSMAN_OPERATION_TIMEDOUT", "HRESULT 0x80338029"},
		{"wbem_e_invalid_namespace", "HRESULT 0x8004100E"},
		{"CIM_ERR_ACCESS_DENIED", "CIM status 0x00000002"},
		{"10061", "Win32 0x0000274D"},
		{"5", "Win32 0x00000005, CIM status 0x00000005, return value 0x00000005"},
		{"0x5", "Win32 0x00000005"},
		{"error 59", "Win32 0x0000003B"},
		{"error code: 59", "Win32 0x0000003B"},
		{"code 0x3B", "Win32 0x0000003B"},
		{"%%2147952449", "HRESULT 0x80072741"},
		{"32769", "return value 0x00008001"},
		{"0x8001", "return value 0x00008001"},
		{"21024", "event 0x00005220"},
		{"event 21024", "event 0x00005220"},
		{"Event ID: 21024", "event 0x00005220"},
		{"MessageID 21024", "event 0x00005220"},

		{"", ""},
		{"  ", ""},
		{"0x", ""},
		{"0xZZ", ""},
		{"0x800700051", ""},
		{"0x123456780070005F", ""},
		{"0x12345678", ""},
		{"12345678901", ""},
		{"-5", ""},
		{"-21479424050", ""},
		{"65999", ""},
		{"deadbeef", ""},
		{"20261122", ""},
		{"event", ""},
		{"event 64999", ""},
		{"HRESULT", ""},
		{"NO_SUCH_SYMBOL", ""},
		{"E", ""},
		{"80338000 HRESULT ERROR_WSMAN_RESOURCE_NOT_FOUND", ""}, // a line of a table is no symbol
		{"HRESULT ERROR_WSMAN_RESOURCE_NOT_FOUND", "HRESULT 0x80338000"},
		{"0x80070005 0x8009030E", ""},
		{"failed with 0x80070005", ""},
		{"D46FD5CD-A9CB-40B1-ACFB-5CC8C759E2D5", ""},
		{strings.Repeat("0x80070005", 100), ""},
	} {
		var got []string
		for _, c := range explain.Parse(tt.arg) {
			got = append(got, fmt.Sprintf("%s 0x%08X", c.Kind, c.Value))
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("Parse(%q) = %s, want %s", tt.arg, s, tt.want)
		}
	}
}

// TestLookup unwraps, in both directions, and prefers a full row.
func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		code       explain.Code
		want       explain.Code
		symbol     string
		full, none bool
	}{
		{code: explain.Code{Kind: explain.KindHRESULT, Value: 0x80070005}, want: explain.Code{Kind: explain.KindHRESULT, Value: 0x80070005}, symbol: "E_ACCESSDENIED", full: true},
		{code: explain.Code{Kind: explain.KindWin32, Value: 5}, want: explain.Code{Kind: explain.KindHRESULT, Value: 0x80070005}, symbol: "E_ACCESSDENIED", full: true},
		{code: explain.Code{Kind: explain.KindHRESULT, Value: 0x8007274D}, want: explain.Code{Kind: explain.KindWin32, Value: 10061}, symbol: "WSAECONNREFUSED", full: true},
		{code: explain.Code{Kind: explain.KindWin32, Value: 10061}, want: explain.Code{Kind: explain.KindWin32, Value: 10061}, symbol: "WSAECONNREFUSED", full: true},
		{code: explain.Code{Kind: explain.KindHRESULT, Value: 0x80070006}, want: explain.Code{Kind: explain.KindHRESULT, Value: 0x80070006}, symbol: "E_HANDLE"},
		{code: explain.Code{Kind: explain.KindWin32, Value: 24}, want: explain.Code{Kind: explain.KindWin32, Value: 24}, symbol: "ERROR_BAD_LENGTH"},
		{code: explain.Code{Kind: explain.KindHRESULT, Value: 0x80070018}, want: explain.Code{Kind: explain.KindWin32, Value: 24}, symbol: "ERROR_BAD_LENGTH"},
		{code: explain.Code{Kind: explain.KindHRESULT, Value: 0xD0000034}, want: explain.Code{Kind: explain.KindNTSTATUS, Value: 0xC0000034}, symbol: "STATUS_OBJECT_NAME_NOT_FOUND"},
		{code: explain.Code{Kind: explain.KindNTSTATUS, Value: 0xC0000034}, want: explain.Code{Kind: explain.KindNTSTATUS, Value: 0xC0000034}, symbol: "STATUS_OBJECT_NAME_NOT_FOUND"},
		{code: explain.Code{Kind: explain.KindHRESULT, Value: 0x8004FEED}, none: true},
		{code: explain.Code{Kind: explain.KindWin32, Value: 64999}, none: true},
		{code: explain.Code{Kind: explain.KindEvent, Value: 5}, none: true},
		{code: explain.Code{Kind: "other", Value: 5}, none: true},
		{none: true},
	} {
		row, ok := explain.Lookup(tt.code)
		if ok == tt.none {
			t.Errorf("Lookup(%v) reports %t", tt.code, ok)
			continue
		}
		if !ok {
			continue
		}
		if row.Code != tt.want || row.Symbol != tt.symbol || row.Meaning != "" != tt.full {
			t.Errorf("Lookup(%v) = %v %s %q, want %v %s", tt.code, row.Code, row.Symbol, row.Meaning, tt.want, tt.symbol)
		}
	}
}
