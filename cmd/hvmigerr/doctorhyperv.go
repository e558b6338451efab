package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// namespace tells whether there is Hyper-V: every host of it has its own Msvm_ComputerSystem.
func (l *ladder) namespace(ctx context.Context) *step {
	req := &wsman.EnumerateRequest{
		Resource: wsman.Resource{Namespace: invoke.Namespace, Class: "Msvm_ComputerSystem"}, MaxElements: 1,
	}
	var err error
	for i, e := range l.s.client.Enumerate(ctx, req) {
		if err = e; err == nil {
			l.sees = true
			p, _, _ := i.Scalar("ElementName")
			l.system = p.Text
		}
		break
	}
	switch {
	case err == nil:
		return okay(invoke.Namespace + " is there")
	case denies(err):
		l.refused = err
		return skipped("the host does not tell, since it refuses the user: see read")
	case matches(err, (*wsman.Fault).NotFound):
		return failed(fmt.Errorf("%w: %w", invoke.ErrNoHyperV, err))
	case bad(ctx, err):
		return failed(err)
	}
	l.untold = err
	return warning(message(l.s.failed(err)), "Whether there is Hyper-V is not known by that. The next rungs ask in another way.")
}

// class tells whether the host knows migration jobs.
func (l *ladder) class(ctx context.Context) *step {
	for j, err := range invoke.Jobs(ctx, l.s.client, nil) {
		if err != nil {
			l.jobsErr = err
			break
		}
		l.jobs = append(l.jobs, j)
	}
	switch {
	case errors.Is(l.jobsErr, invoke.ErrNoHyperV):
		return failed(l.jobsErr)
	case denies(l.jobsErr):
		return skipped("the host does not tell, since it refuses the user: see read")
	case bad(ctx, l.jobsErr):
		return failed(l.jobsErr)
	case l.jobsErr != nil:
		return skipped("not known: see read")
	}
	return okay("Msvm_MigrationJob is known")
}

// visible tells whether the user sees anything of Hyper-V.
func (l *ladder) visible(context.Context) *step {
	switch {
	case l.refused != nil:
		return skipped("the host does not tell, since it refuses the user: see read")
	case l.untold != nil && len(l.jobs) == 0 && !errors.Is(l.jobsErr, invoke.ErrNothingVisible):
		return skipped("not known: see read")
	case !l.sees && len(l.jobs) == 0:
		return failed(invoke.ErrNothingVisible)
	case !l.sees:
		return okay("the user sees migration jobs")
	}
	return okay("the user sees " + cmp.Or(beginning(l.system, maxPeer), "the host"))
}

// read tells of the migration jobs.
func (l *ladder) read(context.Context) *step {
	if l.jobsErr != nil {
		return failed(l.jobsErr)
	}
	states := map[string]int{}
	for _, j := range l.jobs {
		states[stateName(j)]++
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(states)) {
		list = append(list, fmt.Sprintf("%d %s", states[name], name))
	}
	st := okay(count(len(l.jobs), "migration job") + ": " + strings.Join(list, ", "))
	if len(l.jobs) == 0 {
		st.seen = "no migration job; a host forgets one five minutes after its end"
	}
	counts := object{}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		counts = append(counts, member{name, states[name]})
	}
	st.details = object{{"jobs", len(l.jobs)}, {"states", counts}}
	return st
}

// execute tells whether the user may call methods, by one that changes nothing.
func (l *ladder) execute(ctx context.Context) *step {
	method := invoke.MethodGetErrorEx
	err := invoke.ErrNoSuchJob
	if job := l.newest(); job != nil {
		var a *invoke.Answer
		a, err = invoke.GetErrorEx(ctx, l.s.client, job.ID())
		if a.Returned && a.ReturnValue != invoke.ReturnValueAccessDenied || errors.Is(err, invoke.ErrNoErrorInstance) {
			err = nil
		}
	}
	// The host may have forgotten the job since.
	if errors.Is(err, invoke.ErrNoSuchJob) || matches(err, (*wsman.Fault).NotFound) {
		method = methodFormatError
		_, err = invoke.FormatError(ctx, l.s.client, nil)
		if e, ok := errors.AsType[*invoke.ReturnValueError](err); ok && e.ReturnValue != invoke.ReturnValueAccessDenied {
			err = nil // the method ran
		}
	}
	st := okay(method + " answers")
	switch {
	case err == nil:
	case matches(err, (*wsman.Fault).NotSupported), errors.Is(err, invoke.ErrNoSuchService), errors.Is(err, invoke.ErrNoHyperV):
		st = warning(message(l.s.failed(err)), "Whether the user may call methods is not known: the host does not have the one that was tried, as a service that is not Windows may.")
	case method == methodFormatError && !denied(err) && !unauthenticated(err) && over(ctx) == nil:
		// A host may refuse to format nothing, for any reason; what get asks is another method.
		st = warning(message(l.s.failed(err)), "Whether the user may call methods is not known: there is no job to ask about, and the call in its place has failed for another reason.")
	default:
		st = failed(err)
	}
	st.details = object{{"method", method}}
	return st
}

// methodFormatError is the method that is called where there is no job: it changes nothing.
const methodFormatError = "FormatError"

// newest returns the job that ended last, or began last; nil if there is none.
func (l *ladder) newest() *invoke.MigrationJob {
	if len(l.jobs) == 0 {
		return nil
	}
	return slices.MaxFunc(l.jobs, func(a, b *invoke.MigrationJob) int { return changed(a).Compare(changed(b)) })
}
