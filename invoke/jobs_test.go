package invoke_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// fourJobs are one job of each kind, of two machines.
func fourJobs() []*wsman.Instance {
	return []*wsman.Instance{
		job("InstanceID", "failed", "JobState", "10", "VirtualSystemName", guidWeb, "TimeOfLastStateChange", "2026-05-04T10:01:00Z"),
		job("InstanceID", "warned", "JobState", "32768", "VirtualSystemName", strings.ToLower(guidSQL), "TimeOfLastStateChange", "2026-05-04T10:02:00Z"),
		job("InstanceID", "running", "JobState", "4", "VirtualSystemName", guidWeb, "TimeOfLastStateChange", "2026-05-04T10:03:00Z"),
		job("InstanceID", "done", "JobState", "7", "ErrorCode", "0", "VirtualSystemName", guidSQL, "TimeOfLastStateChange", null),
	}
}

func TestJobs(t *testing.T) {
	at := time.Date(2026, 5, 4, 10, 2, 0, 0, time.UTC)
	const enumerate = "enumerate Msvm_MigrationJob"
	byName := func(name string) string {
		return "select * from Msvm_ComputerSystem where ElementName = '" + name + "'"
	}
	tests := []struct {
		name   string
		filter *invoke.Filter
		want   []string
		asked  []string // after the enumeration of jobs
	}{
		{name: "nil", want: []string{"failed", "warned", "running", "done"}},
		{name: "zero", filter: &invoke.Filter{}, want: []string{"failed", "warned", "running", "done"}},
		{name: "failed", filter: &invoke.Filter{Failed: true}, want: []string{"failed"}},
		{name: "warnings", filter: &invoke.Filter{Warnings: true}, want: []string{"warned"}},
		{name: "running", filter: &invoke.Filter{Running: true}, want: []string{"running"}},
		{name: "sum", filter: &invoke.Filter{Failed: true, Warnings: true}, want: []string{"failed", "warned"}},
		{name: "since", filter: &invoke.Filter{Since: at}, want: []string{"warned", "running", "done"}},
		{name: "id", filter: &invoke.Filter{InstanceID: "{RUNNING}"}, want: []string{"running"}},
		{name: "id and state", filter: &invoke.Filter{InstanceID: "running", Failed: true}},
		{name: "guid", filter: &invoke.Filter{VM: strings.ToLower(guidWeb)}, want: []string{"failed", "running"}},
		{name: "guid in braces", filter: &invoke.Filter{VM: "{" + guidSQL + "}"}, want: []string{"warned", "done"}},
		{name: "name", filter: &invoke.Filter{VM: "WEB'01"}, want: []string{"failed", "running"}, asked: []string{byName(`WEB\'01`)}},
		{name: "name of two", filter: &invoke.Filter{VM: "twin"}, want: []string{"failed", "warned", "running", "done"}, asked: []string{byName("twin")}},
		{name: "name and state", filter: &invoke.Filter{VM: "sql", Warnings: true}, want: []string{"warned"}, asked: []string{byName("sql")}},
		{name: "no name needed", filter: &invoke.Filter{VM: "sql", InstanceID: "nothing"}},
		{name: "no job of that machine", filter: &invoke.Filter{VM: "idle"}, asked: []string{byName("idle")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &fakeHost{jobs: fourJobs(), systems: []*wsman.Instance{
				system("web'01", guidWeb), system("sql", guidSQL), system("twin", guidWeb), system("twin", guidSQL),
				system("idle", "6A1D2C3B-0009-4000-8000-0000000000F9"),
			}}
			got, err := ids(t, invoke.Jobs(t.Context(), h, tt.filter))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Jobs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{enumerate}, tt.asked...), h.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// Some providers may hold the name of a machine where Windows holds its GUID.
func TestJobsVMIsAName(t *testing.T) {
	jobs := []*wsman.Instance{job("InstanceID", "a", "VirtualSystemName", "web01"), job("InstanceID", "b", "VirtualSystemName", "sql")}
	for _, vm := range []string{"Web01", guidWeb} {
		h := &fakeHost{jobs: jobs, systems: []*wsman.Instance{system("WEB01", guidWeb), system("sql", guidSQL)}}
		got, err := ids(t, invoke.Jobs(t.Context(), h, &invoke.Filter{VM: vm}))
		if err != nil || !cmp.Equal(got, []string{"a"}) {
			t.Errorf("VM %s: Jobs = %v, %v, want [a]", vm, got, err)
		}
	}
}

func TestJobsErrors(t *testing.T) {
	someFault := &wsman.Fault{Subcode: wsman.SubcodeInternalError}
	hostItself := []*wsman.Instance{system("HV01", "HV01")}
	const likeGUID, dashes = "web01234-0001-4000-8000-0000000000A1", "6A1D2C3B+0001-4000-8000-0000000000A1"
	tests := []struct {
		name   string
		host   fakeHost
		filter invoke.Filter
		want   []error // all of them in the tree
		ids    []string
		asked  int
	}{
		{name: "no job, but a system", host: fakeHost{systems: hostItself}, asked: 2},
		{name: "nothing visible", want: []error{invoke.ErrNothingVisible}, asked: 2},
		{name: "nothing visible of a machine", filter: invoke.Filter{VM: "web01"}, want: []error{invoke.ErrNothingVisible}, asked: 2},
		{name: "systems denied", host: fakeHost{systemsErr: faultDenied()}, want: []error{faultDenied()}, asked: 2},
		{name: "no such class", host: fakeHost{jobsErr: faultNotFound()}, want: []error{invoke.ErrNoHyperV, faultNotFound()}, asked: 1},
		{name: "jobs denied", host: fakeHost{jobsErr: faultDenied()}, want: []error{faultDenied()}, asked: 1},
		{name: "broken off", host: fakeHost{jobs: fourJobs(), jobsErr: someFault}, want: []error{someFault}, ids: []string{"failed", "warned", "running", "done"}, asked: 1},
		{name: "machine unknown", host: fakeHost{jobs: fourJobs(), systems: hostItself}, filter: invoke.Filter{VM: "wbe01"}, want: []error{invoke.ErrNoSuchJob}, asked: 2},
		{
			// 36 characters, but no GUID: it is looked up as a name, which the host has
			name: "name like a GUID", host: fakeHost{jobs: fourJobs(), systems: []*wsman.Instance{system(likeGUID, guidWeb)}},
			filter: invoke.Filter{VM: likeGUID}, ids: []string{"failed", "running"}, asked: 2,
		},
		{
			name: "name with a dash too many", host: fakeHost{jobs: fourJobs(), systems: []*wsman.Instance{system(dashes, guidWeb)}},
			filter: invoke.Filter{VM: dashes}, ids: []string{"failed", "running"}, asked: 2,
		},
		{name: "GUID unknown", host: fakeHost{jobs: fourJobs(), systems: hostItself}, filter: invoke.Filter{VM: jobID}, asked: 1},
		{
			name:   "name not told", // the job that holds the name is found all the same
			host:   fakeHost{jobs: append(fourJobs(), job("InstanceID", "x", "VirtualSystemName", "web01")), systemsErr: faultDenied()},
			filter: invoke.Filter{VM: "web01"}, want: []error{faultDenied()}, ids: []string{"x"}, asked: 2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ids(t, invoke.Jobs(t.Context(), &tt.host, &tt.filter))
			if (err == nil) != (tt.want == nil) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			for _, want := range tt.want {
				if !errors.Is(err, want) && !sameFault(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
			}
			if !cmp.Equal(got, tt.ids) {
				t.Errorf("Jobs = %v, want %v", got, tt.ids)
			}
			if len(tt.host.asked) != tt.asked {
				t.Errorf("asked %q, want %d requests", tt.host.asked, tt.asked)
			}
		})
	}
}

// sameFault reports whether err holds a fault of want's subcode.
func sameFault(err, want error) bool {
	f, ok := errors.AsType[*wsman.Fault](want)
	return ok && wsman.SubcodeOf(err) == f.Subcode
}

func TestJobsStopsEarly(t *testing.T) {
	h := &fakeHost{jobs: fourJobs()}
	for j, err := range invoke.Jobs(t.Context(), h, nil) {
		if err != nil || j.ID() != "failed" {
			t.Errorf("first job %v, %v", j, err)
		}
		break
	}
	if h.yielded != 1 || len(h.asked) != 1 {
		t.Errorf("took %d instances with %q, want one", h.yielded, h.asked)
	}
	// One computer system is enough to know that something is visible.
	h = &fakeHost{systems: []*wsman.Instance{system("HV01", "HV01"), system("web01", guidWeb)}}
	if _, err := ids(t, invoke.Jobs(t.Context(), h, nil)); err != nil || h.yielded != 1 || h.asked[1] != "enumerate Msvm_ComputerSystem by 1" {
		t.Errorf("took %d computer systems with %q, %v, want one", h.yielded, h.asked, err)
	}
}

// errOther stands for the ProtocolError of an answer that was not asked for.
var errOther = errors.New("another job")

func TestJob(t *testing.T) {
	hostItself := []*wsman.Instance{system("HV01", "HV01")}
	tests := []struct {
		name, id string
		host     fakeHost
		want     error
		asked    int
	}{
		{name: "there", id: "{DONE}", host: fakeHost{jobs: fourJobs()}, asked: 1},
		{name: "expired", id: jobID, host: fakeHost{jobs: fourJobs()}, want: invoke.ErrNoSuchJob, asked: 2},
		{name: "no jobs", id: jobID, host: fakeHost{systems: hostItself}, want: invoke.ErrNoSuchJob, asked: 3},
		{name: "nothing visible", id: jobID, want: invoke.ErrNothingVisible, asked: 3},
		{name: "no Hyper-V", id: jobID, host: fakeHost{jobsErr: faultNotFound()}, want: invoke.ErrNoHyperV, asked: 2},
		{name: "something else", id: "done", host: fakeHost{got: instance("GetError_OUTPUT", "ReturnValue", "0")}, asked: 1},
		{name: "another job", id: "done", host: fakeHost{got: job("InstanceID", "other")}, want: errOther, asked: 1},
		{name: "a service without Get", id: "done", host: fakeHost{getErr: &wsman.Fault{Subcode: wsman.SubcodeActionNotSupported}}, asked: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j, err := invoke.Job(t.Context(), &tt.host, tt.id)
			if errors.Is(tt.want, errOther) {
				if p, ok := errors.AsType[*wsman.ProtocolError](err); !ok || j != nil {
					t.Errorf("Job = %v, %v, want %T", j, err, p)
				}
				return
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("Job error = %v, want %v", err, tt.want)
			}
			if (j == nil) != (tt.want != nil) || j != nil && j.ID() != "done" {
				t.Errorf("Job = %v", j)
			}
			if len(tt.host.asked) != tt.asked {
				t.Errorf("asked %q, want %d requests", tt.host.asked, tt.asked)
			}
		})
	}
	h := &fakeHost{}
	if _, err := invoke.Job(t.Context(), h, ""); err == nil || len(h.asked) != 0 {
		t.Errorf("Job without an id: %v after %q, want an error and no request", err, h.asked)
	}
}

// careless is a host that answers every query with all its systems.
type careless struct{ fakeHost }

func (h *careless) Enumerate(ctx context.Context, _ *wsman.EnumerateRequest) iter.Seq2[*wsman.Instance, error] {
	return h.fakeHost.Enumerate(ctx, &wsman.EnumerateRequest{Resource: wsman.Resource{Class: "Msvm_ComputerSystem"}})
}

func TestResolveVM(t *testing.T) {
	h := &fakeHost{systems: []*wsman.Instance{system("HV01", "HV01"), system("", guidWeb), system("web01", guidWeb)}}
	for guid, want := range map[string]string{guidWeb: "web01", "{" + strings.ToLower(guidWeb) + "}": "web01", guidSQL: ""} {
		if got, err := invoke.ResolveVM(t.Context(), h, guid); got != want || err != nil {
			t.Errorf("ResolveVM(%s) = %q, %v, want %q", guid, got, err, want)
		}
	}
	// A service that does not mind the query: its first answer is not the one asked for.
	for _, guid := range []string{guidWeb, guidSQL} {
		h := &careless{fakeHost{systems: []*wsman.Instance{system("HV01", "HV01"), system("web01", guidWeb)}}}
		if got, err := invoke.ResolveVM(t.Context(), h, guid); err != nil || (got == "web01") != (guid == guidWeb) {
			t.Errorf("ResolveVM(%s) = %q, %v", guid, got, err)
		}
	}
	if _, err := invoke.ResolveVM(t.Context(), &fakeHost{systemsErr: faultDenied()}, guidWeb); !sameFault(err, faultDenied()) {
		t.Errorf("ResolveVM = %v, want the fault", err)
	}
}
