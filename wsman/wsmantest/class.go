package wsmantest

import (
	"slices"
	"strings"
)

// Class names of the simulated namespace.
const (
	classMigrationJob   = "Msvm_MigrationJob"
	classComputerSystem = "Msvm_ComputerSystem"
	classError          = "Msvm_Error"
)

// keyInstanceID is the key of a job.
const keyInstanceID = "InstanceID"

// Kinds of the values of a property, as far as the wire tells them apart. A CIM type that ends in [] is an array.
const (
	typeTimestamp = "timestamp" // CIM datetime that holds a point in time
	typeInterval  = "interval"  // CIM datetime that holds an interval
	typeString    = "string"
	typeStrings   = "string[]"
	typeBoolean   = "boolean"
)

// A class is one CIM class: its properties in alphabetical order, its keys and its ancestors.
type class struct {
	name       string
	ancestors  []string
	keys       []string
	methods    []string
	properties []propertyType
}

type propertyType struct{ name, cimType string }

// property returns the declaration of a property; CIM names compare case-insensitively.
func (c *class) property(name string) (propertyType, bool) {
	for _, p := range c.properties {
		if strings.EqualFold(p.name, name) {
			return p, true
		}
	}
	return propertyType{}, false
}

// isA reports whether c is the class called name or descends from it.
func (c *class) isA(name string) bool {
	return strings.EqualFold(c.name, name) ||
		slices.ContainsFunc(c.ancestors, func(a string) bool { return strings.EqualFold(a, name) })
}

// parseProperties reads "Name:type Name:type …".
func parseProperties(table string) []propertyType {
	var list []propertyType
	for field := range strings.FieldsSeq(table) {
		name, cimType, _ := strings.Cut(field, ":")
		list = append(list, propertyType{name, cimType})
	}
	slices.SortFunc(list, func(a, b propertyType) int { return strings.Compare(a.name, b.name) })
	return list
}

// newMigrationJobClass returns Msvm_MigrationJob with its 46 properties (facts/schema.md).
func newMigrationJobClass() *class {
	return &class{
		name: classMigrationJob,
		ancestors: []string{
			"CIM_ConcreteJob", "CIM_Job", "CIM_LogicalElement", "CIM_ManagedSystemElement", "CIM_ManagedElement",
		},
		keys:    []string{keyInstanceID},
		methods: []string{methodGetError, methodGetErrorEx},
		properties: parseProperties(`
			Cancellable:boolean Caption:string CommunicationStatus:uint16 DeleteOnCompletion:boolean Description:string
			DestinationHost:string DetailedStatus:uint16 ElapsedTime:interval ElementName:string ErrorCode:uint16
			ErrorDescription:string ErrorSummaryDescription:string HealthState:uint16 InstallDate:timestamp InstanceID:string
			JobRunTimes:uint32 JobState:uint16 JobStatus:string JobType:uint16 LocalOrUtcTime:uint16 MigrationType:uint16
			Name:string NewResourceSettingData:string[] NewSystemSettingData:string Notify:string OperatingStatus:uint16
			OperationalStatus:uint16[] OtherRecoveryAction:string Owner:string PercentComplete:uint16 PrimaryStatus:uint16
			Priority:uint32 RecoveryAction:uint16 RunDay:sint8 RunDayOfWeek:sint8 RunMonth:uint8 RunStartInterval:interval
			ScheduledStartTime:timestamp StartTime:timestamp Status:string StatusDescriptions:string[]
			TimeBeforeRemoval:interval TimeOfLastStateChange:timestamp TimeSubmitted:timestamp UntilTime:timestamp
			VirtualSystemName:string`),
	}
}

// newComputerSystemClass returns Msvm_ComputerSystem with the properties that a Windows host was seen to send
// (facts/captures/08).
func newComputerSystemClass() *class {
	return &class{
		name: classComputerSystem,
		ancestors: []string{
			"CIM_ComputerSystem", "CIM_System", "CIM_EnabledLogicalElement", "CIM_LogicalElement", "CIM_ManagedSystemElement",
			"CIM_ManagedElement",
		},
		keys: []string{"CreationClassName", "Name"},
		properties: parseProperties(`
			Caption:string CommunicationStatus:uint16 CreationClassName:string Description:string DetailedStatus:uint16
			ElementName:string EnabledDefault:uint16 EnabledState:uint16 EnhancedSessionModeState:uint16
			FailedOverReplicationType:uint16 HealthState:uint16 HwThreadsPerCoreRealized:uint32 InstallDate:timestamp
			InstanceID:string LastApplicationConsistentReplicationTime:timestamp LastReplicationTime:timestamp
			LastReplicationType:uint16 LastSuccessfulBackupTime:timestamp ManagementVtlImageFileName:string
			ManagementVtlImageVersion:string Name:string NameFormat:string NumberOfNumaNodes:uint16
			OnTimeInMilliseconds:uint64 OperatingStatus:uint16 OperationalStatus:uint16[] OtherEnabledState:string
			PrimaryOwnerContact:string PrimaryOwnerName:string PrimaryStatus:uint16 ProcessID:uint32 ReplicationHealth:uint16
			ReplicationMode:uint16 ReplicationState:uint16 RequestedState:uint16 ResetCapability:uint16 Status:string
			StatusDescriptions:string[] TimeOfLastConfigurationChange:timestamp TimeOfLastStateChange:timestamp
			TransitioningToState:uint16`),
	}
}

// newErrorClass returns Msvm_Error with the 15 properties of CIM_Error (facts/schema.md).
func newErrorClass() *class {
	return &class{
		name:      classError,
		ancestors: []string{"CIM_Error"},
		properties: parseProperties(`
			CIMStatusCode:uint32 CIMStatusCodeDescription:string ErrorSource:string ErrorSourceFormat:uint16 ErrorType:uint16
			Message:string MessageArguments:string[] MessageID:string OtherErrorSourceFormat:string OtherErrorType:string
			OwningEntity:string PerceivedSeverity:uint16 ProbableCause:uint16 ProbableCauseDescription:string
			RecommendedActions:string[]`),
	}
}
