package invoke

import (
	"context"
	"errors"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// A Poller lists the migration jobs of one host again and again, by one small query each time. The zero value is ready for use;
// a Poller is for one goroutine.
//
// A service that refuses the query, or answers it with jobs that have no InstanceID, is asked for whole instances from then on.
type Poller struct {
	whole bool // the query is not asked any more
	shown bool // it is known whether an empty list means anything
}

// pollQuery asks for what tells that a job has changed, and when it will go. Windows answers with fragments that hold just these
// properties (facts/wire-format.md §7).
const pollQuery = "select InstanceID, JobState, PercentComplete, ErrorCode, DestinationHost, VirtualSystemName, JobType, StartTime, " +
	"TimeOfLastStateChange, TimeBeforeRemoval from " + classMigrationJob

// Whole tells that the jobs of the last Poll are whole instances, not the few properties of the query.
func (p *Poller) Whole() bool { return p.whole }

// Poll returns the jobs that the host has now: InstanceID, JobState, PercentComplete, ErrorCode, DestinationHost, VirtualSystemName,
// JobType, StartTime, TimeOfLastStateChange and TimeBeforeRemoval of each, or all properties when Whole tells so.
//
// Errors are those of [Jobs]. If the first list that comes is empty, one Msvm_ComputerSystem is asked for; later ones are believed.
func (p *Poller) Poll(ctx context.Context, c Enumerator) ([]*MigrationJob, error) {
	jobs, err := p.list(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 && !p.shown {
		if err := somethingVisible(ctx, c); err != nil {
			return nil, err
		}
	}
	p.shown = true
	return jobs, nil
}

func (p *Poller) list(ctx context.Context, c Enumerator) ([]*MigrationJob, error) {
	if p.whole {
		return collect(ctx, c, jobsRequest())
	}
	jobs, err := collect(ctx, c, &wsman.EnumerateRequest{Resource: wsman.Resource{Namespace: Namespace, Class: "*"}, Query: pollQuery})
	if err == nil && named(jobs) || err != nil && !refusesQuery(err) {
		return jobs, err
	}
	if jobs, err = collect(ctx, c, jobsRequest()); err == nil {
		p.whole = true // a host that refuses both may lack the class for now: it is asked by the query again
	}
	return jobs, err
}

// collect returns all jobs that an enumeration brings, or an error.
func collect(ctx context.Context, c Enumerator, req *wsman.EnumerateRequest) ([]*MigrationJob, error) {
	var jobs []*MigrationJob
	for i, err := range enumerate(ctx, c, req) {
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, DecodeMigrationJob(i))
	}
	return jobs, nil
}

// named reports whether each job has its key.
func named(jobs []*MigrationJob) bool {
	for _, j := range jobs {
		if strings.TrimSpace(j.ID()) == "" {
			return false
		}
	}
	return true
}

// refusesQuery reports whether err is a fault that may be about the query itself, not about the user or the load.
func refusesQuery(err error) bool {
	f, ok := errors.AsType[*wsman.Fault](err)
	return ok && !f.AccessDenied() && !f.Retryable()
}
