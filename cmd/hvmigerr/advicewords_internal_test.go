// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// TestAdviceOfMigrationCodes: what the tables say of a number in a migration is not said of one in a fault: its name is, and no more.
func TestAdviceOfMigrationCodes(t *testing.T) {
	t.Parallel()
	const (
		stopped = "a service behind WinRM does not answer on the host; there: Get-Service vmms, Winmgmt, RpcSs"
		memory  = "the host lacks memory for the answer; there: Get-CimInstance Win32_OperatingSystem | Format-List FreePhysicalMemory, FreeVirtualMemory"
	)
	for code, want := range map[uint32]string{
		1:          "error 1 is ERROR_INVALID_FUNCTION",
		2:          "error 2 is ERROR_FILE_NOT_FOUND",
		50:         "error 50 is ERROR_NOT_SUPPORTED",
		87:         "error 87 (0x80070057) is E_INVALIDARG",
		10061:      "error 10061 is WSAECONNREFUSED",
		0x80004005: "0x80004005 is E_FAIL",
		0x8000FFFF: "0x8000FFFF is E_UNEXPECTED",
		0x80072746: "0x80072746 (error 10054) is WSAECONNRESET",
		0x8009030E: "0x8009030E is SEC_E_NO_CREDENTIALS",
		14:         memory,
		0x8007000E: memory,
		1722:       stopped,
	} {
		if got := hint(faultCode(code)(t)); got != want {
			t.Errorf("hint of %d = %q, want %q", code, got, want)
		}
	}
	for _, value := range []invoke.ReturnValue{32768, 32770, 32775, 32778} {
		got := advise(&invoke.ReturnValueError{Class: "Msvm_MigrationJob", Method: "GetErrorEx", ReturnValue: value})
		if got.name != "fault" || got.hint != "" {
			t.Errorf("of %d: %s, %q; want fault without a hint: the error has its name", value, got.name, got.hint)
		}
	}
}

// TestAdviceOfNoWay: the way to look at is that to the address that was dialled.
func TestAdviceOfNoWay(t *testing.T) {
	t.Parallel()
	for want, addr := range map[string]net.Addr{
		"traceroute 192.0.2.7":   &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 5985},
		"traceroute 2001:db8::7": &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 5985},
		"traceroute <ADDRESS>":   nil,
	} {
		err := &net.OpError{Op: "dial", Addr: addr, Err: syscall.EHOSTUNREACH}
		if got := advise(unconnected(transport.StageConnect, err)(t)); got.name != "no-way" || got.actions[0].command != want {
			t.Errorf("%s: %+v, want %s", got.name, got.actions, want)
		}
	}
}

// TestAdviceOfUser: whoever is named is not told that nobody is, and "or" continues only what there is to run.
func TestAdviceOfUser(t *testing.T) {
	clearEnvironment(t)
	for args, want := range map[string]string{
		"-u administrator --ccache nosuch": "no-ticket",
		"--ccache main.go":                 "not-a-ticket-cache",
		"--ccache nosuch":                  "no-user",
		"--keytab testdata":                "credential-directory",
		"--keytab nosuch":                  "credential-file",
	} {
		err := got("get http://127.0.0.1:1 " + args)(t)
		a := advise(err)
		if a.name != want || strings.HasPrefix(a.hint, "or ") && !strings.Contains(err.Error(), "run:") {
			t.Errorf("%s: %v: %s, %q; want %s", args, err, a.name, a.hint, want)
		}
	}
}
