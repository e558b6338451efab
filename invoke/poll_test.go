package invoke_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// A polledHost answers a query about jobs, an enumeration of them, and one of computer systems.
type polledHost struct {
	query, jobs, systems func() ([]*wsman.Instance, error)
	asked                []string
}

func (h *polledHost) Enumerate(_ context.Context, req *wsman.EnumerateRequest) iter.Seq2[*wsman.Instance, error] {
	what, answer := "systems", h.systems
	switch {
	case req.Query != "":
		what, answer = "query", h.query
	case req.Resource.Class == "Msvm_MigrationJob":
		what, answer = "jobs", h.jobs
	}
	return func(yield func(*wsman.Instance, error) bool) {
		h.asked = append(h.asked, what)
		list, err := answer()
		for _, i := range list {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, &wsman.OpError{Op: "Enumerate", Err: err})
		}
	}
}

func gives(list ...*wsman.Instance) func() ([]*wsman.Instance, error) {
	return func() ([]*wsman.Instance, error) { return list, nil }
}

func fails(err error) func() ([]*wsman.Instance, error) {
	return func() ([]*wsman.Instance, error) { return nil, err }
}

func TestPoller(t *testing.T) {
	fragment := instance("XmlFragment", "InstanceID", "A", "JobState", "4")
	whole := job("InstanceID", "A", "JobState", "4", "Owner", "me")
	nameless := instance("XmlFragment", "JobState", "4")
	host := system("HV01", "HV01")
	invalid := &wsman.Fault{Subcode: wsman.SubcodeCannotProcessFilter}
	quota := &wsman.Fault{Subcode: wsman.SubcodeQuotaLimit}
	busy := &wsman.Fault{Subcode: wsman.SubcodeTimedOut}
	tests := []struct {
		name  string
		host  polledHost
		asked []string // by two polls
		jobs  int      // in the second
		err   error    // of the second
		whole bool
	}{
		{name: "fragments", host: polledHost{query: gives(fragment)}, asked: []string{"query", "query"}, jobs: 1},
		{
			name: "idle", host: polledHost{query: gives(), systems: gives(host)},
			asked: []string{"query", "systems", "query"},
		},
		{
			name: "query refused", host: polledHost{query: fails(invalid), jobs: gives(whole)},
			asked: []string{"query", "jobs", "jobs"}, jobs: 1, whole: true,
		},
		{
			name: "no InstanceID in fragments", host: polledHost{query: gives(fragment, nameless), jobs: gives(whole, whole)},
			asked: []string{"query", "jobs", "jobs"}, jobs: 2, whole: true,
		},
		{
			name: "no Hyper-V, perhaps later", host: polledHost{query: fails(invalid), jobs: fails(faultNotFound())},
			asked: []string{"query", "jobs", "query", "jobs"}, err: invoke.ErrNoHyperV,
		},
		{name: "denied", host: polledHost{query: fails(faultDenied())}, asked: []string{"query", "query"}, err: faultDenied()},
		{name: "quota", host: polledHost{query: fails(quota)}, asked: []string{"query", "query"}, err: quota},
		{name: "too slow", host: polledHost{query: fails(busy)}, asked: []string{"query", "query"}, err: busy},
		{name: "lost", host: polledHost{query: fails(wsman.ErrConnectionLost)}, asked: []string{"query", "query"}, err: wsman.ErrConnectionLost},
		{
			name: "nothing visible", host: polledHost{query: gives(), systems: gives()},
			asked: []string{"query", "systems", "query", "systems"}, err: invoke.ErrNothingVisible,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p invoke.Poller
			_, _ = p.Poll(t.Context(), &tt.host)
			jobs, err := p.Poll(t.Context(), &tt.host)
			if len(jobs) != tt.jobs || p.Whole() != tt.whole {
				t.Errorf("Poll = %d jobs, whole %v; want %d, %v", len(jobs), p.Whole(), tt.jobs, tt.whole)
			}
			if diff := cmp.Diff(tt.asked, tt.host.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			want, isFault := errors.AsType[*wsman.Fault](tt.err)
			got, _ := errors.AsType[*wsman.Fault](err)
			switch {
			case isFault && (got == nil || got.Subcode != want.Subcode), !isFault && !errors.Is(err, tt.err), (err == nil) != (tt.err == nil):
				t.Errorf("error = %v, want %v", err, tt.err)
			}
		})
	}
}
