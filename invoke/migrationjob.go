package invoke

import (
	"errors"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// A MigrationJob is one Msvm_MigrationJob: each of its 46 properties under its own name (facts/schema.md).
// A nil pointer or slice is NULL, also when the host left the property out or sent what cannot be converted; the latter
// is told in Problems. The zero time of a non-nil datetime means never: Windows' 1601-01-01, or an interval of zero in
// the place of a timestamp. The zero value is a job of which nothing is known.
type MigrationJob struct {
	Cancellable             *bool
	Caption                 *string
	CommunicationStatus     *CommunicationStatus
	DeleteOnCompletion      *bool
	Description             *string
	DestinationHost         *string
	DetailedStatus          *DetailedStatus
	ElapsedTime             *time.Duration
	ElementName             *string
	ErrorCode               *uint16
	ErrorDescription        *string
	ErrorSummaryDescription *string
	HealthState             *HealthState
	InstallDate             *time.Time
	InstanceID              *string
	JobRunTimes             *uint32
	JobState                *JobState
	JobStatus               *string
	JobType                 *JobType
	LocalOrUtcTime          *LocalOrUtcTime
	MigrationType           *MigrationType
	Name                    *string
	NewResourceSettingData  []string // CIM-XML text, one Msvm_StorageAllocationSettingData each
	NewSystemSettingData    *string  // CIM-XML text of an Msvm_VirtualSystemSettingData
	Notify                  *string
	OperatingStatus         *OperatingStatus
	OperationalStatus       []OperationalStatus
	OtherRecoveryAction     *string
	Owner                   *string
	PercentComplete         *uint16
	PrimaryStatus           *PrimaryStatus
	Priority                *uint32
	RecoveryAction          *RecoveryAction
	RunDay                  *int8
	RunDayOfWeek            *RunDayOfWeek
	RunMonth                *RunMonth
	// RunStartInterval is the time after midnight. DMTF's text lets it be a point in time as well, which no migration
	// job is known to hold: that would be NULL here, and its text in Problems.
	RunStartInterval      *time.Duration
	ScheduledStartTime    *time.Time
	StartTime             *time.Time
	Status                *string
	StatusDescriptions    []string
	TimeBeforeRemoval     *time.Duration
	TimeOfLastStateChange *time.Time
	TimeSubmitted         *time.Time
	UntilTime             *time.Time
	VirtualSystemName     *string // the GUID of the virtual machine

	// Instance is everything that arrived, properties of no name here included.
	Instance *wsman.Instance
	// Problems holds a [*PropertyError] for each property that could not be converted, in the order of the fields.
	Problems []error
}

// PropertyError says which property of an instance could not be converted.
type PropertyError struct {
	Property string
	// Raw is the text of the property as sent, or of the element inside it that held the value.
	Raw string
	Err error
}

// Error names the property and quotes its text.
func (e *PropertyError) Error() string {
	if p, ok := errors.AsType[*wsman.ProtocolError](e.Err); ok && p.Path == e.Property {
		return p.Error() // has name and text already
	}
	return e.Property + " " + quoteShort(e.Raw) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *PropertyError) Unwrap() error { return e.Err }

// ID returns InstanceID, the job's key, or "" when it is NULL.
func (j *MigrationJob) ID() string { return value(j.InstanceID) }

// VMName returns VirtualSystemName, or "" when it is NULL. On Windows it is the GUID of the virtual machine, not the
// name that people gave it; see [ResolveVM].
func (j *MigrationJob) VMName() string { return value(j.VirtualSystemName) }

// errorCodeStarted is the ErrorCode of a job that began as it should: Method Parameters Checked - Job Started.
const errorCodeStarted = 4096

// Failed reports whether the job failed: it was terminated or killed, ended in an exception, or completed with an
// ErrorCode that is neither 0 nor 4096. A job that has not finished, or whose state is unknown, has not failed.
func (j *MigrationJob) Failed() bool {
	switch value(j.JobState) {
	case JobStateTerminated, JobStateKilled, JobStateException:
		return true
	case JobStateCompleted:
		code := value(j.ErrorCode)
		return code != 0 && code != errorCodeStarted
	default:
		return false
	}
}

// CompletedWithWarnings reports whether the job ended in Hyper-V's own state 32768. Such a migration was done.
func (j *MigrationJob) CompletedWithWarnings() bool {
	return value(j.JobState) == JobStateCompletedWithWarnings
}

// Finished reports whether the job has ended, well or badly.
func (j *MigrationJob) Finished() bool {
	switch value(j.JobState) {
	case JobStateCompleted, JobStateTerminated, JobStateKilled, JobStateException, JobStateCompletedWithWarnings:
		return true
	default:
		return false
	}
}

// Running reports whether the job has not ended: it is in any other state, an unknown one or NULL included.
func (j *MigrationJob) Running() bool { return !j.Finished() }

// Removal returns when the host will forget the job, by its own clock: TimeOfLastStateChange plus TimeBeforeRemoval.
// It is not known, and ok is false, while the job runs and when either is NULL or never.
func (j *MigrationJob) Removal() (t time.Time, ok bool) {
	if !j.Finished() || j.TimeBeforeRemoval == nil || j.TimeOfLastStateChange == nil || j.TimeOfLastStateChange.IsZero() {
		return time.Time{}, false
	}
	return j.TimeOfLastStateChange.Add(*j.TimeBeforeRemoval), true
}

// value returns what p points to, or the zero value when p is nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
