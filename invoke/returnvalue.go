package invoke

import (
	"fmt"
	"strconv"
)

// A ReturnValue is what GetError or GetErrorEx returned. The zero value is success.
type ReturnValue uint32

// Return values that callers tell apart.
const (
	ReturnValueOK           ReturnValue = 0
	ReturnValueAccessDenied ReturnValue = 32769

	returnValueNotSupportedDMTF ReturnValue = 1
	returnValueNotSupported     ReturnValue = 32770
)

// String returns the name of v, or its digits when neither DMTF nor Microsoft gave it one.
// Both methods share one table: 1 to 6 are DMTF's for GetError and GetErrors, 32768 to 32778 Microsoft's for GetError
// and GetErrorEx (facts/schema.md, Methods). 4096 is in neither.
func (v ReturnValue) String() string {
	dmtf := []string{
		"Completed with No Error", "Not Supported", "Unspecified Error", "Timeout", "Failed", "Invalid Parameter", "Access Denied",
	}
	microsoft := []string{
		"Failed", "Access Denied", "Not Supported", "Status is unknown", "Timeout", "Invalid parameter", "System is in use",
		"Invalid state for this operation", "Incorrect data type", "System is not available", "Out of memory",
	}
	names, first := dmtf, ReturnValue(0)
	if v >= vendorRange {
		names, first = microsoft, vendorRange
	}
	if i := uint64(v - first); i < uint64(len(names)) {
		return names[i]
	}
	return strconv.FormatUint(uint64(v), 10)
}

// ReturnValueError says that a method ran and returned something else than 0.
type ReturnValueError struct {
	Class       string
	Method      string
	ReturnValue ReturnValue
}

// Error names the method, the number and, where there is one, its name.
func (e *ReturnValueError) Error() string {
	number := strconv.FormatUint(uint64(e.ReturnValue), 10)
	if name := e.ReturnValue.String(); name != number {
		return fmt.Sprintf("%s.%s returned %s (%s)", e.Class, e.Method, number, name)
	}
	return fmt.Sprintf("%s.%s returned %s", e.Class, e.Method, number)
}
