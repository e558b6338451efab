package cimerror

import "strconv"

// The enumerations of CIM_Error 2.22.1, as DMTF and the class on Windows Server 2019 and 23H2 have them (facts/schema.md).
// Their numbers are gapless; DMTF keeps all others. By its general rule numbers from 32768 on are a vendor's.

// CIMStatusCode is the status a CIM server would give for the failed operation.
type CIMStatusCode uint32

// String returns the symbol, such as CIM_ERR_FAILED, or the range that the number lies in.
func (c CIMStatusCode) String() string {
	names := [...]string{
		1: "CIM_ERR_FAILED", "CIM_ERR_ACCESS_DENIED", "CIM_ERR_INVALID_NAMESPACE", "CIM_ERR_INVALID_PARAMETER",
		"CIM_ERR_INVALID_CLASS", "CIM_ERR_NOT_FOUND", "CIM_ERR_NOT_SUPPORTED", "CIM_ERR_CLASS_HAS_CHILDREN",
		"CIM_ERR_CLASS_HAS_INSTANCES", "CIM_ERR_INVALID_SUPERCLASS", "CIM_ERR_ALREADY_EXISTS", "CIM_ERR_NO_SUCH_PROPERTY",
		"CIM_ERR_TYPE_MISMATCH", "CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED", "CIM_ERR_INVALID_QUERY",
		"CIM_ERR_METHOD_NOT_AVAILABLE", "CIM_ERR_METHOD_NOT_FOUND", "CIM_ERR_UNEXPECTED_RESPONSE",
		"CIM_ERR_INVALID_RESPONSE_DESTINATION", "CIM_ERR_NAMESPACE_NOT_EMPTY", "CIM_ERR_INVALID_ENUMERATION_CONTEXT",
		"CIM_ERR_INVALID_OPERATION_TIMEOUT", "CIM_ERR_PULL_HAS_BEEN_ABANDONED", "CIM_ERR_PULL_CANNOT_BE_ABANDONED",
		"CIM_ERR_FILTERED_ENUMERATION_NOT_SUPPORTED", "CIM_ERR_CONTINUATION_ON_ERROR_NOT_SUPPORTED",
		"CIM_ERR_SERVER_LIMITS_EXCEEDED", "CIM_ERR_SERVER_IS_SHUTTING_DOWN", "CIM_ERR_QUERY_FEATURE_NOT_SUPPORTED",
	}
	if c > 0 && c < CIMStatusCode(len(names)) {
		return names[c]
	}
	return reserved(uint32(c))
}

// ErrorSourceFormat is how ErrorSource is written.
type ErrorSourceFormat uint16

// The values of [ErrorSourceFormat] that DMTF defines.
const (
	ErrorSourceFormatUnknown ErrorSourceFormat = iota
	ErrorSourceFormatOther
	ErrorSourceFormatCIMObjectPath
)

// String returns DMTF's name, or the range that the number lies in.
func (f ErrorSourceFormat) String() string {
	names := [...]string{
		"Unknown", "Other", "CIMObjectPath",
	}
	if int(f) < len(names) {
		return names[f]
	}
	return reserved(uint32(f))
}

// ErrorType is what kind of error it is.
type ErrorType uint16

// The values of [ErrorType] that DMTF defines.
const (
	ErrorTypeUnknown ErrorType = iota
	ErrorTypeOther
	ErrorTypeCommunicationsError
	ErrorTypeQualityOfServiceError
	ErrorTypeSoftwareError
	ErrorTypeHardwareError
	ErrorTypeEnvironmentalError
	ErrorTypeSecurityError
	ErrorTypeOversubscriptionError
	ErrorTypeUnavailableResourceError
	ErrorTypeUnsupportedOperationError
)

// String returns DMTF's name, or the range that the number lies in.
func (t ErrorType) String() string {
	names := [...]string{
		"Unknown", "Other", "Communications Error", "Quality of Service Error", "Software Error", "Hardware Error",
		"Environmental Error", "Security Error", "Oversubscription Error", "Unavailable Resource Error",
		"Unsupported Operation Error",
	}
	if int(t) < len(names) {
		return names[t]
	}
	return reserved(uint32(t))
}

// PerceivedSeverity is how bad the sender takes the error to be. Older texts on Msvm_Error name 3, 4 and 5 Medium, High and Fatal;
// the class itself has the names of DMTF.
type PerceivedSeverity uint16

// The values of [PerceivedSeverity] that DMTF defines.
const (
	PerceivedSeverityUnknown PerceivedSeverity = iota
	PerceivedSeverityOther
	PerceivedSeverityInformation
	PerceivedSeverityDegradedWarning
	PerceivedSeverityMinor
	PerceivedSeverityMajor
	PerceivedSeverityCritical
	PerceivedSeverityFatalNonRecoverable
)

// String returns DMTF's name, or the range that the number lies in.
func (s PerceivedSeverity) String() string {
	names := [...]string{
		"Unknown", "Other", "Information", "Degraded/Warning", "Minor", "Major", "Critical", "Fatal/NonRecoverable",
	}
	if int(s) < len(names) {
		return names[s]
	}
	return reserved(uint32(s))
}

// ProbableCause is what the sender takes for the cause.
type ProbableCause uint16

// String returns DMTF's name, or the range that the number lies in.
func (c ProbableCause) String() string {
	names := [...]string{
		"Unknown", "Other", "Adapter/Card Error", "Application Subsystem Failure", "Bandwidth Reduced",
		"Connection Establishment Error", "Communications Protocol Error", "Communications Subsystem Failure",
		"Configuration/Customization Error", "Congestion", "Corrupt Data", "CPU Cycles Limit Exceeded",
		"Dataset/Modem Error", "Degraded Signal", "DTE-DCE Interface Error", "Enclosure Door Open",
		"Equipment Malfunction", "Excessive Vibration", "File Format Error", "Fire Detected", "Flood Detected",
		"Framing Error", "HVAC Problem", "Humidity Unacceptable", "I/O Device Error", "Input Device Error", "LAN Error",
		"Non-Toxic Leak Detected", "Local Node Transmission Error", "Loss of Frame", "Loss of Signal",
		"Material Supply Exhausted", "Multiplexer Problem", "Out of Memory", "Output Device Error", "Performance Degraded",
		"Power Problem", "Pressure Unacceptable", "Processor Problem (Internal Machine Error)", "Pump Failure",
		"Queue Size Exceeded", "Receive Failure", "Receiver Failure", "Remote Node Transmission Error",
		"Resource at or Nearing Capacity", "Response Time Excessive", "Retransmission Rate Excessive", "Software Error",
		"Software Program Abnormally Terminated", "Software Program Error (Incorrect Results)", "Storage Capacity Problem",
		"Temperature Unacceptable", "Threshold Crossed", "Timing Problem", "Toxic Leak Detected", "Transmit Failure",
		"Transmitter Failure", "Underlying Resource Unavailable", "Version Mismatch", "Previous Alert Cleared",
		"Login Attempts Failed", "Software Virus Detected", "Hardware Security Breached", "Denial of Service Detected",
		"Security Credential Mismatch", "Unauthorized Access", "Alarm Received", "Loss of Pointer", "Payload Mismatch",
		"Transmission Error", "Excessive Error Rate", "Trace Problem", "Element Unavailable", "Element Missing",
		"Loss of Multi Frame", "Broadcast Channel Failure", "Invalid Message Received", "Routing Failure",
		"Backplane Failure", "Identifier Duplication", "Protection Path Failure", "Sync Loss or Mismatch",
		"Terminal Problem", "Real Time Clock Failure", "Antenna Failure", "Battery Charging Failure", "Disk Failure",
		"Frequency Hopping Failure", "Loss of Redundancy", "Power Supply Failure", "Signal Quality Problem",
		"Battery Discharging", "Battery Failure", "Commercial Power Problem", "Fan Failure", "Engine Failure",
		"Sensor Failure", "Fuse Failure", "Generator Failure", "Low Battery", "Low Fuel", "Low Water", "Explosive Gas",
		"High Winds", "Ice Buildup", "Smoke", "Memory Mismatch", "Out of CPU Cycles", "Software Environment Problem",
		"Software Download Failure", "Element Reinitialized", "Timeout", "Logging Problems", "Leak Detected",
		"Protection Mechanism Failure", "Protecting Resource Failure", "Database Inconsistency", "Authentication Failure",
		"Breach of Confidentiality", "Cable Tamper", "Delayed Information", "Duplicate Information", "Information Missing",
		"Information Modification", "Information Out of Sequence", "Key Expired", "Non-Repudiation Failure",
		"Out of Hours Activity", "Out of Service", "Procedural Error", "Unexpected Information",
	}
	if int(c) < len(names) {
		return names[c]
	}
	return reserved(uint32(c))
}

// reserved names a number that DMTF has not.
func reserved(n uint32) string {
	who := "DMTF Reserved ("
	if n >= 0x8000 {
		who = "Vendor Reserved ("
	}
	return who + strconv.FormatUint(uint64(n), 10) + ")"
}
