package cimerror_test

import (
	"fmt"
	"testing"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

// TestEnumString holds the ends of every enumeration, some numbers inside that shift if a name is lost, and the ranges.
func TestEnumString(t *testing.T) {
	for _, tt := range []struct {
		value fmt.Stringer
		want  string
	}{
		{cimerror.CIMStatusCode(0), "DMTF Reserved (0)"},
		{cimerror.CIMStatusCode(1), "CIM_ERR_FAILED"},
		{cimerror.CIMStatusCode(2), "CIM_ERR_ACCESS_DENIED"},
		{cimerror.CIMStatusCode(16), "CIM_ERR_METHOD_NOT_AVAILABLE"},
		{cimerror.CIMStatusCode(29), "CIM_ERR_QUERY_FEATURE_NOT_SUPPORTED"},
		{cimerror.CIMStatusCode(30), "DMTF Reserved (30)"},
		{cimerror.CIMStatusCode(2147749889), "Vendor Reserved (2147749889)"},
		{cimerror.ErrorSourceFormat(0), "Unknown"},
		{cimerror.ErrorSourceFormatCIMObjectPath, "CIMObjectPath"},
		{cimerror.ErrorSourceFormat(3), "DMTF Reserved (3)"},
		{cimerror.ErrorTypeUnknown, "Unknown"},
		{cimerror.ErrorTypeSoftwareError, "Software Error"},
		{cimerror.ErrorTypeUnsupportedOperationError, "Unsupported Operation Error"},
		{cimerror.ErrorType(10), "Unsupported Operation Error"},
		{cimerror.ErrorType(200), "DMTF Reserved (200)"},
		{cimerror.PerceivedSeverity(3), "Degraded/Warning"},
		{cimerror.PerceivedSeverityMajor, "Major"},
		{cimerror.PerceivedSeverity(5), "Major"},
		{cimerror.PerceivedSeverityFatalNonRecoverable, "Fatal/NonRecoverable"},
		{cimerror.PerceivedSeverity(8), "DMTF Reserved (8)"},
		{cimerror.PerceivedSeverity(32767), "DMTF Reserved (32767)"},
		{cimerror.PerceivedSeverity(32768), "Vendor Reserved (32768)"},
		{cimerror.ProbableCause(0), "Unknown"},
		{cimerror.ProbableCause(31), "Material Supply Exhausted"},
		{cimerror.ProbableCause(60), "Login Attempts Failed"},
		{cimerror.ProbableCause(91), "Battery Discharging"},
		{cimerror.ProbableCause(115), "Protecting Resource Failure"},
		{cimerror.ProbableCause(130), "Unexpected Information"},
		{cimerror.ProbableCause(131), "DMTF Reserved (131)"},
		{cimerror.ProbableCause(65535), "Vendor Reserved (65535)"},
	} {
		if got := tt.value.String(); got != tt.want {
			t.Errorf("%T(%d) = %q, want %q", tt.value, tt.value, got, tt.want)
		}
	}
}
