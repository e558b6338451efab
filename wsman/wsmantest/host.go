package wsmantest

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// namespaceHyperV is the CIM namespace of the simulated host.
const namespaceHyperV = "root/virtualization/v2"

const (
	defaultHost      = "HV01"
	defaultLocale    = "en-US"
	defaultRemoval   = Duration(5 * time.Minute)
	errorCodeFailed  = 32768
	jobStateRunning  = 4
	jobStateComplete = 7
)

// A host answers what the model holds at a given moment. It has no state of its own: a job's life is a function of the
// clock, so that any number of requests may look at once.
type host struct {
	*schema

	model    *Model
	start    time.Time
	channels func() map[string]*channel // by their names in lower case; made when the first is wanted
}

func newHost(m *Model, now time.Time, s *schema) *host {
	h := &host{schema: s, model: m, start: m.Start}
	if h.start.IsZero() {
		h.start = now
	}
	h.channels = sync.OnceValue(h.newChannels)
	return h
}

func (h *host) name() string   { return cmp.Or(h.model.Host, defaultHost) }
func (h *host) locale() string { return cmp.Or(h.model.Locale, defaultLocale) }

// A schema holds the classes that can be simulated. Nobody changes it.
type schema struct {
	jobs, vms *class
	services  services
}

func newSchema() *schema {
	return &schema{jobs: newMigrationJobClass(), vms: newComputerSystemClass(), services: newServices()}
}

// all returns every class.
func (s *schema) all() []*class {
	v := &s.services
	return []*class{s.jobs, s.vms, v.management, v.migration, v.settings, v.networks}
}

// classes returns the classes that are name or descend from it.
func (h *host) classes(name string) []*class {
	var list []*class
	for _, c := range h.all() {
		if c.isA(name) && !h.model.lacks(c) {
			list = append(list, c)
		}
	}
	return list
}

// instances returns all instances of c at now that may have the keys; nil keys are those of every instance.
func (h *host) instances(c *class, keys wsman.SelectorSet, now time.Time) []*instance {
	var list []*instance
	if c == h.jobs {
		if id, ok := keys.Get(keyInstanceID); ok { // one job is looked up often, among many
			if r := h.findRun(id, now); r != nil {
				list = append(list, h.jobInstance(r, now))
			}
			return list
		}
		for _, r := range h.runs(now) {
			list = append(list, h.jobInstance(&r, now))
		}
		return list
	}
	if c != h.vms {
		return h.serviceInstances(c, now)
	}
	list = append(list, h.hostInstance())
	for i := range h.model.VMs {
		list = append(list, h.vmInstance(&h.model.VMs[i]))
	}
	return list
}

// A run is one appearance of a job.
type run struct {
	job   *Job
	id    string
	start time.Time
}

func (r *run) end() time.Time              { return r.start.Add(time.Duration(r.job.Duration)) }
func (r *run) finished(now time.Time) bool { return !now.Before(r.end()) }

// runs returns the jobs that exist at now, in the order of the model.
func (h *host) runs(now time.Time) []run {
	var list []run
	for i := range h.model.Jobs {
		j := &h.model.Jobs[i]
		first := h.start.Add(time.Duration(j.StartsAfter))
		age := Duration(now.Sub(first))
		if age < 0 {
			continue
		}
		life := j.Duration + j.removal()
		if j.Repeat == 0 {
			if age < life {
				list = append(list, run{job: j, id: j.ID, start: first})
			}
			continue
		}
		oldest := max(0, (age-life)/j.Repeat+1)
		if age < life {
			oldest = 0
		}
		for n := oldest; n <= age/j.Repeat; n++ {
			list = append(list, run{job: j, id: j.runID(int64(n)), start: first.Add(time.Duration(n * j.Repeat))})
		}
	}
	return list
}

// findRun returns the run with an InstanceID, or nil.
func (h *host) findRun(id string, now time.Time) *run {
	for _, r := range h.runs(now) {
		if strings.EqualFold(r.id, id) {
			return &r
		}
	}
	return nil
}

// runID is the InstanceID of the nth appearance: the model's own for the first, then GUIDs derived from it.
func (j *Job) runID(n int64) string {
	if n == 0 {
		return j.ID
	}
	return derivedID(fmt.Sprintf("%s/%d", j.ID, n))
}

// derivedID returns a GUID that is always the same for a text.
func derivedID(text string) string {
	sum := sha256.Sum256([]byte(text))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8, RFC 9562
	return fmt.Sprintf("%X-%X-%X-%X-%X", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func (j *Job) removal() Duration { return cmp.Or(j.TimeBeforeRemoval, defaultRemoval) }

func (t JobType) numbers() (jobType, migrationType int, ok bool) {
	switch t {
	case "", MoveVM:
		return 305, 32768, true
	case MoveVMAndStorage:
		return 306, 32771, true
	case MoveStorage:
		return 307, 32769, true
	}
	return 0, 0, false
}

func (o Outcome) jobState() (state int, ok bool) {
	switch o {
	case "", Completed, CompletedWithError:
		return jobStateComplete, true
	case Terminated:
		return 8, true
	case Killed:
		return 9, true
	case Failed:
		return 10, true
	case Warnings:
		return 32768, true
	}
	return 0, false
}

// failed reports whether the outcome carries an error code.
func (o Outcome) failed() bool { return o != "" && o != Completed && o != Warnings }

// jobInstance builds Msvm_MigrationJob as it stands at now.
func (h *host) jobInstance(r *run, now time.Time) *instance {
	j := r.job
	jobType, migrationType, _ := j.Type.numbers()
	vm := h.vm(j.VM)
	title := "Moving virtual machine " + vm.Name
	set := Properties{
		"Cancellable": true, "Caption": "Virtual machine migration", "DeleteOnCompletion": false, "Description": title,
		"ElementName": title, "Name": title, "InstallDate": time.Time{}, keyInstanceID: r.id, "JobRunTimes": 1,
		"JobType": jobType, "MigrationType": migrationType, "LocalOrUtcTime": 2, "Notify": "", "OtherRecoveryAction": "",
		"Owner": cmp.Or(j.Owner, h.name()+`\Administrator`), "Priority": 0, "RecoveryAction": 2, "Status": "OK",
		"HealthState": 5, "ScheduledStartTime": r.start, "StartTime": r.start, "TimeSubmitted": r.start,
		"TimeBeforeRemoval": j.removal(),
	}
	if j.Destination != "" {
		set["DestinationHost"] = j.Destination
	}
	if j.VM != "" {
		set["VirtualSystemName"] = vm.ID
	}
	return newInstance(h.jobs, set, r.state(now), j.Properties)
}

// state returns the properties of a job that change while it lives.
func (r *run) state(now time.Time) Properties {
	if !r.finished(now) {
		return Properties{
			"JobState": jobStateRunning, "JobStatus": "Job is running", "OperationalStatus": []int{2},
			"StatusDescriptions": []string{"Job is running"}, "PercentComplete": r.percent(now), "ErrorCode": 0,
			"ErrorDescription": "", "ErrorSummaryDescription": "", "ElapsedTime": now.Sub(r.start),
			"TimeOfLastStateChange": r.start,
		}
	}
	j := r.job
	jobState, _ := j.Outcome.jobState()
	set := Properties{
		"JobState": jobState, "PercentComplete": r.percent(now), "ElapsedTime": j.Duration,
		"TimeOfLastStateChange": r.end(), "ErrorCode": j.ErrorCode,
		"ErrorDescription":        cmp.Or(j.ErrorDescription, j.headline()),
		"ErrorSummaryDescription": cmp.Or(j.ErrorSummaryDescription, j.headline()),
	}
	// Completed [17 2] is recorded; the statuses of other endings are inferred from it (facts/real-examples.md §3).
	switch {
	case j.Outcome.failed():
		set["JobStatus"], set["OperationalStatus"] = "Job failed", []int{17, 6}
		set["ErrorCode"] = cmp.Or(j.ErrorCode, errorCodeFailed)
	case j.Outcome == Warnings:
		set["JobStatus"], set["OperationalStatus"] = "Job completed with warnings", []int{17, 3}
	default:
		set["JobStatus"], set["OperationalStatus"] = "Job is completed", []int{17, 2}
	}
	set["StatusDescriptions"] = []string{"Job is completed", set["JobStatus"].(string)}
	return set
}

// percent is how far the run is at now: it grows evenly to the percentage that it ends with.
func (r *run) percent(now time.Time) int {
	last := r.job.Percent
	if last == 0 {
		last = 30
		if !r.job.Outcome.failed() {
			last = 100
		}
	}
	if r.finished(now) {
		return last
	}
	return int(float64(last) * float64(now.Sub(r.start)) / float64(r.job.Duration))
}

// headline is the message of the first error, or "".
func (j *Job) headline() string {
	if len(j.Errors) == 0 {
		return ""
	}
	return j.Errors[0].Message
}

// vm returns the model's VM with a name or GUID; a text that is neither stands for both.
func (h *host) vm(nameOrID string) VM {
	for _, vm := range h.model.VMs {
		if strings.EqualFold(vm.Name, nameOrID) || strings.EqualFold(vm.ID, nameOrID) {
			return vm
		}
	}
	return VM{Name: nameOrID, ID: nameOrID}
}

// vmInstance builds the Msvm_ComputerSystem of a VM.
func (h *host) vmInstance(vm *VM) *instance {
	enabled := map[VMState]int{VMOff: 3, VMPaused: 9, VMSaved: 6}
	return newInstance(h.vms, Properties{
		"Caption": "Virtual Machine", "Description": "Microsoft Virtual Machine", "CreationClassName": classComputerSystem,
		"ElementName": vm.Name, "Name": vm.ID, "EnabledDefault": 2, "EnabledState": cmp.Or(enabled[vm.State], 2),
		"EnhancedSessionModeState": 6, "FailedOverReplicationType": 0, "HealthState": 5, "InstallDate": h.start.AddDate(0, -3, 0),
		"LastApplicationConsistentReplicationTime": time.Time{}, "LastReplicationTime": time.Time{}, "LastReplicationType": 0,
		"NumberOfNumaNodes": 1, "OperationalStatus": []int{2}, "ReplicationHealth": 0, "ReplicationMode": 0,
		"ReplicationState": 0, "RequestedState": 12, "ResetCapability": 1, "Status": "OK",
		"StatusDescriptions": []string{"Operating normally"}, "TimeOfLastStateChange": h.start.Add(-time.Hour),
		"TimeOfLastConfigurationChange": h.start.Add(-time.Hour),
	}, vm.Properties)
}

// hostInstance builds the Msvm_ComputerSystem of the host itself.
func (h *host) hostInstance() *instance {
	return newInstance(h.vms, Properties{
		"Caption": "Hosting Computer System", "Description": "Microsoft Hosting Computer System",
		"CreationClassName": classComputerSystem, "ElementName": h.name(), "Name": h.name(), "EnabledDefault": 2,
		"EnabledState": 2, "HealthState": 5, "OperationalStatus": []int{2}, "RequestedState": 12, "ResetCapability": 1,
		"Status": "OK", "StatusDescriptions": []string{"Operating normally"}, "InstallDate": h.start.AddDate(-1, 0, 0),
	})
}
