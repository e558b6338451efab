package wsmantest

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// fleetRepeat makes the jobs of FleetModel come again just when the last ones are forgotten or done.
const fleetRepeat = Duration(5 * time.Minute)

// FleetModel returns what the host with that index holds by default in a [Fleet]: a machine whose migration failed, one
// whose migration completed, and one that moves. The reasons are those of [DefaultModel] in turn. Each job comes again
// every five minutes, so that the host always shows one of each. The event log tells of the first of each, and of an earlier move, whose
// job is gone and whose cause is in the log of the next host alone. Names and GUIDs are the same in every run, and different
// on every host; the times are spread, so that a fleet does not do everything at once.
func FleetModel(i int, now time.Time) *Model {
	web, sql, build, app := fleetVM("web", i), fleetVM("sql", i), fleetVM("build", i), fleetVM("app", i)
	causes := []func(*VM) Job{kerberosJob, refusedJob, storageJob, germanJob}
	failed := causes[i%len(causes)](&web)
	failed.rename(fleetNames(i))
	failed.StartsAfter = seconds(-80 - i*7%200)
	target := fleetTarget(i)
	jobs := fleetJobs(i, []Job{
		failed,
		{VM: sql.ID, Destination: target, Owner: defaultOwner, StartsAfter: seconds(-70 - i*11%200), Duration: seconds(70)},
		{VM: build.ID, Destination: target, Owner: defaultOwner, StartsAfter: seconds(-i * 13 % 300), Duration: fleetRepeat},
	})
	return &Model{
		Host: fleetName(i), Start: now, VMs: []VM{web, sql, build, app}, Jobs: jobs,
		EventLogs: fleetLogs(i, &app, []move{
			{vm: &web, job: jobs[0], german: i%len(causes) == len(causes)-1}, {vm: &sql, job: jobs[1]}, {vm: &build, job: jobs[2]},
		}),
	}
}

// fleetName is what a host of a fleet calls itself.
func fleetName(i int) string { return fmt.Sprintf("HV%04d", i+1) }

// fleetJobs gives jobs IDs and makes them come again.
func fleetJobs(i int, jobs []Job) []Job {
	for k := range jobs {
		jobs[k].ID = derivedID(fmt.Sprintf("fleet/%d/job/%d", i, k))
		jobs[k].Repeat = fleetRepeat
	}
	return jobs
}

// rename replaces names in all that a job says.
func (j *Job) rename(names *strings.Replacer) {
	j.Destination, j.ErrorSummaryDescription = names.Replace(j.Destination), names.Replace(j.ErrorSummaryDescription)
	for i := range j.Errors {
		e := &j.Errors[i]
		e.Message = names.Replace(e.Message)
		for k, argument := range e.MessageArguments {
			e.MessageArguments[k] = names.Replace(argument)
		}
	}
}

// Vary returns the model as the host with that index has it when all hosts of a [Fleet] have the same: for the first it
// is m itself, for the others the name of the host and the IDs of the jobs are derived from those of m and from i. All
// else is shared with m.
func (m *Model) Vary(i int) *Model {
	if i == 0 {
		return m
	}
	v := *m
	v.Host = fmt.Sprintf("%s-%d", cmp.Or(m.Host, defaultHost), i+1)
	v.Jobs = make([]Job, len(m.Jobs))
	for k := range m.Jobs {
		v.Jobs[k] = m.Jobs[k]
		v.Jobs[k].ID = derivedID(fmt.Sprintf("%s@%d", m.Jobs[k].ID, i))
	}
	return &v
}
