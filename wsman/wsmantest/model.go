package wsmantest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Model is everything that a simulated host knows. It is readable as JSON with [DecodeModel]; field names there start
// in lower case. A server only reads its model: do not change it once the server exists.
type Model struct {
	// Host is the host's name. If empty, HV01.
	Host string `json:"host,omitempty"`
	// ProductVendor and ProductVersion are what Identify says to an authenticated user; empty means values of our own.
	ProductVendor  string `json:"productVendor,omitempty"`
	ProductVersion string `json:"productVersion,omitempty"`
	// Locale is the xml:lang of answers. If empty, en-US.
	Locale string `json:"locale,omitempty"`
	// NoHyperV leaves out the namespace root/virtualization/v2, as on a host without the Hyper-V role.
	NoHyperV bool `json:"noHyperV,omitempty"`
	// NoClasses names classes that the namespace does not have.
	NoClasses []string `json:"noClasses,omitempty"`
	// MigrationService is how the host takes and sends migrations.
	MigrationService MigrationService `json:"migrationService,omitzero"`
	// ServiceConfig replaces or adds settings that the WS-Management service tells administrators of itself, by path, such as
	// Service/Auth/CbtHardeningLevel; nil leaves one out. What the server does is up to [Config] and does not change.
	ServiceConfig Properties `json:"serviceConfig,omitempty"`
	// Start is the moment that StartsAfter counts from. If zero, the moment NewServer was called.
	Start time.Time `json:"start,omitzero"`
	VMs   []VM      `json:"vms,omitempty"`
	Jobs  []Job     `json:"jobs,omitempty"`
	// EventLogs are the channels of the event log; EventService and Shell are two ways to read them. EventDigits is how many fraction
	// digits the times of events have in XML: 7 if it is zero, or 9 as on Windows Server 2012 R2.
	EventLogs    []EventLog   `json:"eventLogs,omitempty"`
	EventDigits  int          `json:"eventDigits,omitempty"`
	EventService EventService `json:"eventService,omitzero"`
	Shell        ShellService `json:"shell,omitzero"`
	// Users, Rules and Dialect are used unless [Config] has its own.
	Users   []User  `json:"users,omitempty"`
	Rules   []Rule  `json:"rules,omitempty"`
	Dialect Dialect `json:"dialect,omitzero"`
}

// Properties holds CIM property values by name: nil (NULL), a string, a bool, a number, or a list of those. In a model
// file a point in time is RFC 3339 and an interval a Go duration; any other text goes out as it stands.
type Properties map[string]any

// A VM is one virtual machine: an Msvm_ComputerSystem.
type VM struct {
	Name string `json:"name"`
	// ID is the GUID that Msvm_ComputerSystem.Name holds.
	ID    string  `json:"id"`
	State VMState `json:"state,omitempty"`
	// Properties replaces or adds properties of Msvm_ComputerSystem.
	Properties Properties `json:"properties,omitempty"`
}

// VMState is the state of a [VM]. The zero value means running.
type VMState string

// The states of a VM.
const (
	VMRunning VMState = "running"
	VMOff     VMState = "off"
	VMPaused  VMState = "paused"
	VMSaved   VMState = "saved"
)

// A Job is one Msvm_MigrationJob. It appears at Model.Start + StartsAfter, runs for Duration, ends with Outcome, and is
// removed TimeBeforeRemoval later.
type Job struct {
	// ID is the InstanceID: a GUID in upper case on Windows.
	ID string `json:"id"`
	// VM is the name or GUID of one of the model's VMs.
	VM          string  `json:"vm,omitempty"`
	Destination string  `json:"destination,omitempty"`
	Owner       string  `json:"owner,omitempty"`
	Type        JobType `json:"type,omitempty"`
	// StartsAfter may be negative: the job began before the server did.
	StartsAfter Duration `json:"startsAfter,omitempty"`
	Duration    Duration `json:"duration,omitempty"`
	Outcome     Outcome  `json:"outcome,omitempty"`
	// Percent is PercentComplete at the end. If zero, 100 for a job that completed and 30 for any other.
	Percent int `json:"percent,omitempty"`
	// TimeBeforeRemoval is how long the finished job stays. If zero, five minutes, as on Windows.
	TimeBeforeRemoval Duration `json:"timeBeforeRemoval,omitempty"`
	// Repeat makes the same job come again that long after it started, each time with an InstanceID of its own. If zero,
	// the job runs once.
	Repeat Duration `json:"repeat,omitempty"`
	// ErrorCode, ErrorDescription and ErrorSummaryDescription stand on the finished job. If ErrorCode is zero, it is 32768
	// for a job that failed; if a text is empty, it is the message of the first error.
	ErrorCode               int    `json:"errorCode,omitempty"`
	ErrorDescription        string `json:"errorDescription,omitempty"`
	ErrorSummaryDescription string `json:"errorSummaryDescription,omitempty"`
	// Errors is what GetErrorEx answers once the job is finished, the headline first; GetError answers the headline.
	Errors []Error `json:"errors,omitempty"`
	// GetError and GetErrorEx replace the answer of the method, whatever the job's state.
	GetError   *Answer `json:"getError,omitempty"`
	GetErrorEx *Answer `json:"getErrorEx,omitempty"`
	// Properties replaces or adds properties of Msvm_MigrationJob.
	Properties Properties `json:"properties,omitempty"`
}

// JobType tells what a [Job] moves. The zero value means the virtual machine alone.
type JobType string

// The types of a job, with the numbers of JobType and MigrationType in facts/schema.md.
const (
	MoveVM           JobType = "vm"           // 305, 32768
	MoveStorage      JobType = "storage"      // 307, 32769
	MoveVMAndStorage JobType = "vmAndStorage" // 306, 32771
)

// Outcome tells how a [Job] ends. The zero value means that it completes.
type Outcome string

// The outcomes of a job, with JobState.
const (
	Completed          Outcome = "completed"          // 7
	Warnings           Outcome = "warnings"           // 32768
	Failed             Outcome = "failed"             // 10, Exception: what Hyper-V does
	Terminated         Outcome = "terminated"         // 8
	Killed             Outcome = "killed"             // 9
	CompletedWithError Outcome = "completedWithError" // 7, but ErrorCode is not 0
)

// An Error is one Msvm_Error of a [Job].
type Error struct {
	Message   string `json:"message,omitempty"`
	MessageID string `json:"messageID,omitempty"`
	// MessageArguments is NULL when nil. The real sample holds VM name, VM GUID and host.
	MessageArguments []string `json:"messageArguments,omitempty"`
	// ErrorType, CIMStatusCode, PerceivedSeverity and OwningEntity take the values of the real sample (4, 1, 5 and the
	// Hyper-V service) when they are zero.
	ErrorType         int    `json:"errorType,omitempty"`
	CIMStatusCode     int    `json:"cimStatusCode,omitempty"`
	PerceivedSeverity int    `json:"perceivedSeverity,omitempty"`
	ProbableCause     int    `json:"probableCause,omitempty"`
	OwningEntity      string `json:"owningEntity,omitempty"`
	// Class is the class of the instance. If empty, Msvm_Error.
	Class string `json:"class,omitempty"`
	// Properties replaces or adds properties.
	Properties Properties `json:"properties,omitempty"`
	// Raw is the CIM-XML text, verbatim, in place of everything above: what a broken host would send.
	Raw string `json:"raw,omitempty"`
}

// An Answer is the answer of a method of a [Job].
type Answer struct {
	ReturnValue uint32 `json:"returnValue,omitempty"`
	// Form is how the out parameter stands in the answer.
	Form Form `json:"form,omitempty"`
	// Errors replaces the job's own; nil means the job's.
	Errors []Error `json:"errors,omitempty"`
}

// Form is how the out parameter of a method is sent. The zero value means the errors, or NULL when there are none.
type Form string

// The forms that hold no error (facts/wire-format.md §5).
const (
	FormNull   Form = "null"   // the element once, xsi:nil
	FormEmpty  Form = "empty"  // the element once, without text
	FormAbsent Form = "absent" // no element
)

// maxModel bounds a model file, in octets.
const maxModel = 4 << 20

// maxRuns bounds how many runs of one repeated job can be visible at once.
const maxRuns = 1000

// DecodeModel reads a model from JSON. Unknown fields and values that make no sense are errors.
func DecodeModel(r io.Reader) (*Model, error) {
	limited := &io.LimitedReader{R: r, N: maxModel + 1}
	d := json.NewDecoder(limited)
	d.DisallowUnknownFields()
	d.UseNumber()
	m := new(Model)
	err := d.Decode(m)
	if limited.N <= 0 {
		return nil, fmt.Errorf("model: larger than %d octets", maxModel)
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("model: text after the object")
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return m, nil
}

// validate says what makes no sense, with the path of the field.
func (m *Model) validate() error {
	for i := range m.VMs {
		if err := m.VMs[i].validate(); err != nil {
			return fmt.Errorf("vms[%d]: %w", i, err)
		}
	}
	ids := map[string]bool{}
	for i := range m.Jobs {
		j := &m.Jobs[i]
		if err := j.validate(); err != nil {
			return fmt.Errorf("jobs[%d]: %w", i, err)
		}
		if id := strings.ToUpper(j.ID); ids[id] {
			return fmt.Errorf("jobs[%d]: id %q twice", i, j.ID)
		}
		ids[strings.ToUpper(j.ID)] = true
	}
	return errors.Join(
		m.validateClasses(), m.MigrationService.validate(), validateServiceConfig(m.ServiceConfig),
		validateUsers(m.Users), validateRules(m.Rules), m.Dialect.validate(),
		validateEventLogs(m.EventLogs), validateEventDigits(m.EventDigits), m.EventService.validate(), m.Shell.validate(),
	)
}

func (v *VM) validate() error {
	switch v.State {
	case "", VMRunning, VMOff, VMPaused, VMSaved:
	default:
		return fmt.Errorf("state %q is unknown", v.State)
	}
	if v.Name == "" || v.ID == "" {
		return errors.New("name and id are required")
	}
	return v.Properties.validate()
}

func (j *Job) validate() error {
	if j.ID == "" {
		return errors.New("id is required")
	}
	if j.Duration < 0 || j.TimeBeforeRemoval < 0 || j.Repeat < 0 {
		return errors.New("duration, timeBeforeRemoval and repeat cannot be negative")
	}
	if j.Repeat > 0 && (j.Duration+j.removal())/j.Repeat >= maxRuns {
		return fmt.Errorf("repeat %v is so short that more than %d runs would be seen at once", j.Repeat, maxRuns)
	}
	if _, _, ok := j.Type.numbers(); !ok {
		return fmt.Errorf("type %q is unknown", j.Type)
	}
	if _, ok := j.Outcome.jobState(); !ok {
		return fmt.Errorf("outcome %q is unknown", j.Outcome)
	}
	if j.Percent < 0 || j.Percent > 100 {
		return fmt.Errorf("percent %d is not from 0 to 100", j.Percent)
	}
	for name, a := range map[string]*Answer{"getError": j.GetError, "getErrorEx": j.GetErrorEx} {
		if err := a.validate(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for name := range j.Properties {
		if strings.EqualFold(name, keyInstanceID) {
			return errors.New("properties cannot hold InstanceID: that is what id is")
		}
	}
	return errors.Join(validateErrors(j.Errors), j.Properties.validate())
}

func (a *Answer) validate() error {
	if a == nil {
		return nil
	}
	switch a.Form {
	case "", FormNull, FormEmpty, FormAbsent:
		return validateErrors(a.Errors)
	}
	return fmt.Errorf("form %q is unknown", a.Form)
}

func validateErrors(list []Error) error {
	for i := range list {
		if err := list[i].Properties.validate(); err != nil {
			return fmt.Errorf("errors[%d]: %w", i, err)
		}
	}
	return nil
}

// validate refuses values that no CIM property can hold.
func (p Properties) validate() error {
	for name, value := range p {
		if !isElementName(name) {
			return fmt.Errorf("property %q is not a CIM name", name)
		}
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, v := range list {
			switch v.(type) {
			case map[string]any, []any:
				return fmt.Errorf("property %s: want null, text, a number, true, false, or a list of those", name)
			}
		}
	}
	return nil
}

// isElementName reports whether s can be a prefix or the local name of an element: a letter or underscore, then also
// digits, dots and hyphens.
func isElementName(s string) bool {
	for i, r := range s {
		letter := r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
		if !letter && (i == 0 || (r != '-' && r != '.' && (r < '0' || r > '9'))) {
			return false
		}
	}
	return s != ""
}
