package invoke_test

import (
	"fmt"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke"
)

func TestEnumerations(t *testing.T) {
	tests := []struct {
		value fmt.Stringer
		want  string
	}{
		{invoke.JobState(0), "DMTF Reserved (0)"},
		{invoke.JobStateNew, "New"},
		{invoke.JobStateCompleted, "Completed"},
		{invoke.JobStateException, "Exception"},
		{invoke.JobStateQueryPending, "Query Pending"},
		{invoke.JobState(13), "DMTF Reserved (13)"},
		{invoke.JobState(32767), "DMTF Reserved (32767)"},
		{invoke.JobStateCompletedWithWarnings, "Completed with Warnings"},
		{invoke.JobState(32769), "Vendor Reserved (32769)"},
		{invoke.JobState(65535), "Vendor Reserved (65535)"},
		{invoke.JobType(0), "Unknown"},
		{invoke.JobType(299), "Unknown (299)"},
		{invoke.JobType(300), "Creating Remote Virtual Machine"},
		{invoke.JobType(305), "Moving Virtual Machine"},
		{invoke.JobType(307), "Moving Storage"},
		{invoke.JobType(308), "Unknown (308)"},
		{invoke.MigrationType(0), "Unknown"},
		{invoke.MigrationType(2), "Live"},
		{invoke.MigrationType(5), "DMTF Reserved (5)"},
		{invoke.MigrationType(32768), "VirtualSystem"},
		{invoke.MigrationType(32772), "StorageDeepCheck"},
		{invoke.MigrationType(32773), "Vendor Reserved (32773)"},
		{invoke.CommunicationStatus(4), "No Contact"},
		{invoke.CommunicationStatus(5), "DMTF Reserved (5)"},
		{invoke.DetailedStatus(0), "Not Available"},
		{invoke.DetailedStatus(5), "Supporting Entity in Error"},
		{invoke.HealthState(1), "DMTF Reserved (1)"},
		{invoke.HealthState(5), "OK"},
		{invoke.HealthState(30), "Non-recoverable error"},
		{invoke.HealthState(40000), "Vendor Specific (40000)"},
		{invoke.OperatingStatus(16), "In Service"},
		{invoke.OperatingStatus(17), "DMTF Reserved (17)"},
		{invoke.OperationalStatus(2), "OK"},
		{invoke.OperationalStatus(17), "Completed"},
		{invoke.OperationalStatus(19), "Relocating"},
		{invoke.OperationalStatus(32775), "Vendor Reserved (32775)"},
		{invoke.PrimaryStatus(3), "Error"},
		{invoke.PrimaryStatus(4), "DMTF Reserved (4)"},
		{invoke.LocalOrUtcTime(0), "Unknown (0)"},
		{invoke.LocalOrUtcTime(1), "Local Time"},
		{invoke.LocalOrUtcTime(2), "UTC Time"},
		{invoke.RecoveryAction(2), "Do Not Continue"},
		{invoke.RecoveryAction(6), "Unknown (6)"},
		{invoke.RunDayOfWeek(0), "ExactDayOfMonth"},
		{invoke.RunDayOfWeek(7), "Saturday"},
		{invoke.RunDayOfWeek(-1), "-Sunday"},
		{invoke.RunDayOfWeek(-7), "-Saturday"},
		{invoke.RunDayOfWeek(8), "Unknown (8)"},
		{invoke.RunDayOfWeek(-128), "Unknown (-128)"},
		{invoke.RunMonth(0), "January"},
		{invoke.RunMonth(11), "December"},
		{invoke.RunMonth(255), "Unknown (255)"},
	}
	for _, tt := range tests {
		if got := tt.value.String(); got != tt.want {
			t.Errorf("%T(%d) = %q, want %q", tt.value, tt.value, got, tt.want)
		}
	}
}
