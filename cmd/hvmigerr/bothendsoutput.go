package main

import (
	"slices"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// object returns what came of it as JSON has it; null for a job that is no failed move.
func (o *otherEnd) object(d *invoke.Diagnosis) object {
	if o == nil {
		return nil
	}
	var job object
	if d.Destination != nil {
		job = diagnosedObject(&diagnosed{Diagnosis: *d.Destination, err: o.err})
	}
	return object{
		{"host", nullable(o.host)},
		{"url", nullable(o.url)},
		{"asked", o.asked},
		{"reason", nullable(o.reason)},
		{"error", newErrorReport(o.err)},
		{"job", job},
	}
}

// ownParts returns what the host that was asked first has said.
func (d *diagnosed) ownParts() []invoke.Part {
	if i := slices.IndexFunc(d.Parts, func(p invoke.Part) bool { return p.Host != "" }); i >= 0 {
		return d.Parts[:i]
	}
	return d.Parts
}

// printOtherEnd prints what the destination said, its messages numbered on, or why it said nothing.
func (a *app) printOtherEnd(d *diagnosed) {
	o := d.other
	if o == nil {
		return
	}
	name := "destination"
	if o.host != "" {
		name += " " + safeLine(o.host)
	}
	switch {
	case !o.asked:
		a.out.printf("\n  %s not asked: %s\n", name, safeLine(o.reason))
		return
	case d.Destination == nil && o.err == nil:
		a.out.printf("\n  %s: %s\n", name, safeLine(o.reason))
		return
	case d.Destination == nil:
		a.out.printf("\n  %s could not tell: %s\n", name, safeLine(message(o.err)))
		if h := hint(o.err); h != "" {
			a.out.printf("%s\n", fold("    hint: ", "    ", h))
		}
		return
	}
	job := d.Destination.Job
	a.out.printf("\n  On the %s (job %s, state %s):\n", name, safeLine(job.ID()), stateName(job))
	if d.Destination.Expired {
		a.out.printf("  The host forgot the job while it was asked about it; this is what the job itself said.\n")
	}
	if o.err != nil {
		a.out.printf("  Not complete: %s\n", safeLine(message(o.err)))
	}
	own := len(d.ownParts())
	if own == len(d.Parts) && o.err == nil {
		a.out.printf("\n  %s\n", map[bool]string{true: "It gives no error for this job.", false: "It says the same, and no more."}[len(d.Destination.Parts) == 0])
	}
	for i := own; i < len(d.Parts); i++ {
		a.out.printf("\n")
		a.printPart(i+1, &d.Parts[i])
	}
}

// jointExplanation returns the explanation of what both ends said. Each finding tells its host, null for the one that was asked first, and
// its part is the place among the errors of that host.
func jointExplanation(e *explain.Explanation, d *invoke.Diagnosis) object {
	return explanationOf(e, func(f *explain.Finding) object {
		told := *f
		if f.Host != "" && f.Part >= 0 {
			p := &d.Parts[f.Part]
			told.Part = slices.IndexFunc(d.Destination.Parts, func(own invoke.Part) bool {
				return own.Source == p.Source && own.Index == p.Index
			})
		}
		return append(findingObject(&told), member{"host", nullable(f.Host)})
	})
}
