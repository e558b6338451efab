package invoke

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// A Filter selects migration jobs. The zero value, like a nil *Filter, selects all.
type Filter struct {
	// Failed, Warnings and Running select jobs by how they stand: [MigrationJob.Failed],
	// [MigrationJob.CompletedWithWarnings], [MigrationJob.Running]. Set ones add up; none set selects all.
	Failed, Warnings, Running bool
	// VM selects the jobs of one virtual machine by name or GUID, whichever the job holds. Letter case does not matter.
	VM string
	// InstanceID selects one job. Letter case and braces do not matter.
	InstanceID string
	// Since leaves out jobs whose state last changed before it, by the host's clock. A job without that time is kept.
	Since time.Time
}

// Jobs lists the migration jobs of a host that f selects, as the host pages them out. An error is the last thing yielded.
//
// When the host shows no job at all, one Msvm_ComputerSystem is asked for; if that is not shown either, the error is
// [ErrNothingVisible]. A host that does not know the class answers [ErrNoHyperV].
//
// When f.VM is a name and a job holds a GUID, or the reverse, Msvm_ComputerSystem is asked once for what belongs to it.
// A name that is needed and that no virtual machine of the host bears is [ErrNoSuchJob]: a machine that has left
// the host is found by its GUID only.
func Jobs(ctx context.Context, c Enumerator, f *Filter) iter.Seq2[*MigrationJob, error] {
	return func(yield func(*MigrationJob, error) bool) {
		if f == nil {
			f = &Filter{}
		}
		vm := &vmMatcher{client: c, want: f.VM}
		seen := false
		for i, err := range enumerate(ctx, c, jobsRequest()) {
			if err != nil {
				yield(nil, err)
				return
			}
			seen = true
			job := DecodeMigrationJob(i)
			if f.selects(job) && vm.matches(ctx, job) && !yield(job, nil) {
				return
			}
		}
		err := vm.outcome()
		if !seen {
			err = somethingVisible(ctx, c)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func jobsRequest() *wsman.EnumerateRequest {
	return &wsman.EnumerateRequest{Resource: wsman.Resource{Namespace: Namespace, Class: classMigrationJob}}
}

// somethingVisible returns ErrNothingVisible when the host does not show a single computer system.
func somethingVisible(ctx context.Context, c Enumerator) error {
	req := &wsman.EnumerateRequest{
		Resource:    wsman.Resource{Namespace: Namespace, Class: classComputerSystem},
		MaxElements: 1,
	}
	for _, err := range enumerate(ctx, c, req) {
		return err
	}
	return ErrNothingVisible
}

// selects applies everything but VM, which may need to ask the host.
func (f *Filter) selects(j *MigrationJob) bool {
	if f.InstanceID != "" && !sameID(f.InstanceID, j.ID()) {
		return false
	}
	if t := value(j.TimeOfLastStateChange); !t.IsZero() && t.Before(f.Since) {
		return false
	}
	return f.Failed && j.Failed() ||
		f.Warnings && j.CompletedWithWarnings() ||
		f.Running && j.Running() ||
		!f.Failed && !f.Warnings && !f.Running
}

// Job returns the job whose InstanceID is instanceID. When the host has none, the error is [ErrNoSuchJob]; when it has no
// such class, [ErrNoHyperV]; when it shows the user nothing at all, [ErrNothingVisible].
//
// A service that answers methods but has no Get, or answers it with something without an InstanceID, is taken at the
// caller's word: the job then holds its InstanceID only.
func Job(ctx context.Context, c Client, instanceID string) (*MigrationJob, error) {
	id := bareID(instanceID)
	if id == "" {
		return nil, errors.New("no InstanceID given")
	}
	i, err := c.Get(ctx, &wsman.GetRequest{
		Resource:  wsman.Resource{Namespace: Namespace, Class: classMigrationJob},
		Selectors: wsman.SelectorSet{{Name: "InstanceID", Value: id}},
	})
	switch {
	case err == nil:
		j := DecodeMigrationJob(i)
		switch {
		case j.ID() == "":
			return NewJob(id), nil
		case !sameID(j.ID(), id):
			return nil, &wsman.ProtocolError{Path: i.Name + "/InstanceID", Msg: fmt.Sprintf("the answer is job %.64q, not the one asked for", j.ID())}
		}
		return j, nil
	case notSupported(err):
		return NewJob(id), nil
	}
	return nil, WhyNotFound(ctx, c, id, err)
}

// NewJob returns a job of which nothing but the InstanceID is known, to call methods on.
func NewJob(instanceID string) *MigrationJob {
	return DecodeMigrationJob(&wsman.Instance{
		Name:       classMigrationJob,
		Properties: []wsman.Property{{Name: "InstanceID", Text: bareID(instanceID)}},
	})
}

// bare reports whether nothing but the InstanceID is known of j.
func (j *MigrationJob) bare() bool { return j.Instance != nil && len(j.Instance.Properties) == 1 }

// WhyNotFound says what err, the answer to a request about the job instanceID, means. A fault that says "not found" comes
// for an unknown job and from a host without Hyper-V alike, so one enumeration decides: [ErrNoSuchJob] when it works,
// [ErrNoHyperV] when it is not found either, [ErrNothingVisible] when it shows nothing. Any other err is returned as it is.
func WhyNotFound(ctx context.Context, c Enumerator, instanceID string, err error) error {
	if !notFound(err) {
		return err
	}
	for _, err := range Jobs(ctx, c, nil) {
		if err != nil {
			return err
		}
		break
	}
	return fmt.Errorf("%w: %s", ErrNoSuchJob, instanceID)
}

// sameID compares GUIDs, or other keys, as Windows does: without regard to letter case, and here to braces.
func sameID(a, b string) bool {
	return strings.EqualFold(bareID(a), bareID(b))
}

func bareID(s string) string {
	if len(s) > 2 && s[0] == '{' && s[len(s)-1] == '}' {
		return s[1 : len(s)-1]
	}
	return s
}
