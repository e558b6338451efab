package invoke_test

import (
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke"
)

func TestReturnValue(t *testing.T) {
	for v, want := range map[invoke.ReturnValue]string{
		0:          "Completed with No Error",
		1:          "Not Supported",
		2:          "Unspecified Error",
		6:          "Access Denied",
		7:          "7",
		4096:       "4096",
		32767:      "32767",
		32768:      "Failed",
		32769:      "Access Denied",
		32775:      "Invalid state for this operation",
		32778:      "Out of memory",
		32779:      "32779",
		4294967295: "4294967295",
	} {
		if got := v.String(); got != want {
			t.Errorf("ReturnValue(%d) = %q, want %q", uint32(v), got, want)
		}
	}
}

func TestReturnValueError(t *testing.T) {
	for v, want := range map[invoke.ReturnValue]string{
		32769: "Msvm_MigrationJob.GetErrorEx returned 32769 (Access Denied)",
		4096:  "Msvm_MigrationJob.GetErrorEx returned 4096",
	} {
		err := &invoke.ReturnValueError{Class: "Msvm_MigrationJob", Method: "GetErrorEx", ReturnValue: v}
		if got := err.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}
}
