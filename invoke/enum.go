package invoke

import "strconv"

// The enumerations of Msvm_MigrationJob, with the names of facts/schema.json. String of a number that has no name says
// which range it is in, as in "DMTF Reserved (13)".

// vendorRange is where the vendor's own values begin in an enumeration of 16 bits (facts/schema.md).
const vendorRange = 32768

// enumName returns names[v], or what to call a number that has no name.
func enumName[T ~uint8 | ~uint16](v T, names []string) string {
	switch {
	case int(v) < len(names) && names[v] != "":
		return names[v]
	case uint64(v) >= vendorRange:
		return numbered("Vendor Reserved", int64(v))
	}
	return numbered("DMTF Reserved", int64(v))
}

func numbered(name string, v int64) string {
	return name + " (" + strconv.FormatInt(v, 10) + ")"
}

// JobState is how a job stands (CIM_ConcreteJob).
type JobState uint16

// The states of a job.
const (
	JobStateNew          JobState = 2
	JobStateStarting     JobState = 3
	JobStateRunning      JobState = 4
	JobStateSuspended    JobState = 5
	JobStateShuttingDown JobState = 6
	JobStateCompleted    JobState = 7
	JobStateTerminated   JobState = 8
	JobStateKilled       JobState = 9
	JobStateException    JobState = 10
	JobStateService      JobState = 11
	JobStateQueryPending JobState = 12
	// JobStateCompletedWithWarnings is Hyper-V's own.
	JobStateCompletedWithWarnings JobState = 32768
)

// String returns the name of the state.
func (v JobState) String() string {
	if v == JobStateCompletedWithWarnings {
		return "Completed with Warnings"
	}
	return enumName(v, []string{
		2: "New", 3: "Starting", 4: "Running", 5: "Suspended", 6: "Shutting Down", 7: "Completed", 8: "Terminated",
		9: "Killed", 10: "Exception", 11: "Service", 12: "Query Pending",
	})
}

// JobType is what a migration job does (Msvm_MigrationJob).
type JobType uint16

// String returns the name of the type. Microsoft reserves no range here: another number is "Unknown".
func (v JobType) String() string {
	const first = 300
	names := [...]string{
		"Creating Remote Virtual Machine",
		"Checking Virtual Machine Compatibility",
		"Checking Virtual Machine and Storage Compatibility",
		"Checking Storage Compatibility",
		"Checking Storage Migration",
		"Moving Virtual Machine",
		"Moving Virtual Machine and Storage",
		"Moving Storage",
	}
	switch {
	case v == 0:
		return "Unknown"
	case v >= first && v < first+JobType(len(names)):
		return names[v-first]
	}
	return numbered("Unknown", int64(v))
}

// MigrationType is what is moved and how (Msvm_VirtualSystemMigrationSettingData). Hyper-V uses 0 and its own range.
type MigrationType uint16

// String returns the name of the type.
func (v MigrationType) String() string {
	names := [...]string{"VirtualSystem", "Storage", "Staged", "VirtualSystemAndStorage", "StorageDeepCheck"}
	if v >= vendorRange && v < vendorRange+MigrationType(len(names)) {
		return names[v-vendorRange]
	}
	return enumName(v, []string{"Unknown", "Other", "Live", "Resume", "Restart"})
}

// CommunicationStatus is how the instrumentation reaches the element (CIM_ManagedSystemElement).
type CommunicationStatus uint16

// String returns the name of the status.
func (v CommunicationStatus) String() string {
	return enumName(v, []string{"Unknown", "Not Available", "Communication OK", "Lost Communication", "No Contact"})
}

// DetailedStatus adds detail to [PrimaryStatus] (CIM_ManagedSystemElement).
type DetailedStatus uint16

// String returns the name of the status.
func (v DetailedStatus) String() string {
	return enumName(v, []string{
		"Not Available", "No Additional Information", "Stressed", "Predictive Failure", "Non-Recoverable Error",
		"Supporting Entity in Error",
	})
}

// HealthState is the health of the element (CIM_ManagedSystemElement).
type HealthState uint16

// String returns the name of the state.
func (v HealthState) String() string {
	if v >= vendorRange {
		return numbered("Vendor Specific", int64(v))
	}
	return enumName(v, []string{
		0: "Unknown", 5: "OK", 10: "Degraded/Warning", 15: "Minor failure", 20: "Major failure", 25: "Critical failure",
		30: "Non-recoverable error",
	})
}

// OperatingStatus is what the element is doing (CIM_ManagedSystemElement).
type OperatingStatus uint16

// String returns the name of the status.
func (v OperatingStatus) String() string {
	return enumName(v, []string{
		"Unknown", "Not Available", "Servicing", "Starting", "Stopping", "Stopped", "Aborted", "Dormant", "Completed",
		"Migrating", "Emigrating", "Immigrating", "Snapshotting", "Shutting Down", "In Test", "Transitioning", "In Service",
	})
}

// OperationalStatus is one of the statuses of the element (CIM_ManagedSystemElement 2.28).
type OperationalStatus uint16

// String returns the name of the status.
func (v OperationalStatus) String() string {
	return enumName(v, []string{
		"Unknown", "Other", "OK", "Degraded", "Stressed", "Predictive Failure", "Error", "Non-Recoverable Error", "Starting",
		"Stopping", "Stopped", "In Service", "No Contact", "Lost Communication", "Aborted", "Dormant",
		"Supporting Entity in Error", "Completed", "Power Mode", "Relocating",
	})
}

// PrimaryStatus is the health of the element in three steps (CIM_ManagedSystemElement).
type PrimaryStatus uint16

// String returns the name of the status.
func (v PrimaryStatus) String() string {
	return enumName(v, []string{"Unknown", "OK", "Degraded", "Error"})
}

// LocalOrUtcTime tells which clock RunStartInterval and UntilTime follow (CIM_Job).
type LocalOrUtcTime uint16

// String returns the name of the clock.
func (v LocalOrUtcTime) String() string {
	switch v {
	case 1:
		return "Local Time"
	case 2:
		return "UTC Time"
	}
	return numbered("Unknown", int64(v))
}

// RecoveryAction is what happens after a job that failed (CIM_Job).
type RecoveryAction uint16

// String returns the name of the action.
func (v RecoveryAction) String() string {
	names := [...]string{"Unknown", "Other", "Do Not Continue", "Continue With Next Job", "Re-run Job", "Run Recovery Job"}
	if int(v) < len(names) {
		return names[v]
	}
	return numbered("Unknown", int64(v))
}

// RunDayOfWeek is a day of the week, 1 being Sunday; negative days count from the end of the month (CIM_Job).
type RunDayOfWeek int8

// String returns the name of the day, with a minus sign when it counts from the end.
func (v RunDayOfWeek) String() string {
	names := [...]string{"ExactDayOfMonth", "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	switch day := int(v); {
	case day >= 0 && day < len(names):
		return names[day]
	case day < 0 && -day < len(names):
		return "-" + names[-day]
	}
	return numbered("Unknown", int64(v))
}

// RunMonth is a month, 0 being January (CIM_Job).
type RunMonth uint8

// String returns the name of the month.
func (v RunMonth) String() string {
	names := [...]string{
		"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
	}
	if int(v) < len(names) {
		return names[v]
	}
	return numbered("Unknown", int64(v))
}
