package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
)

// indent is how deep the errors of a job stand.
const indent = "     "

// hostText makes a text of the host fit for printing at the depth of indent. Its further lines begin with a bar, so that none can
// pass for one of ours.
func hostText(s string) string {
	return safe(strings.TrimSpace(s), "\n"+indent+"| ")
}

// printFindings prints the answer of get as text.
func (a *app) printFindings(f *findings, flags *getFlags) {
	switch {
	case !f.listed:
		return
	case flags.raw:
		a.printRaw(f)
		return
	case flags.job == "":
		a.printSummary(f, flags)
	}
	said := meanings{}
	for i, d := range f.selected {
		if i > 0 || flags.job == "" {
			a.out.printf("\n")
		}
		if heading := f.heading(i); heading != "" {
			a.out.printf("%s\n\n", heading)
		}
		a.printJob(d)
		if !flags.noExplain {
			a.printJobMeaning(said, f.host, d)
		}
	}
}

// printSummary says first what there is, and what was looked through when there is nothing.
func (a *app) printSummary(f *findings, flags *getFlags) {
	of := ""
	if flags.vm != "" {
		of = " of " + safeLine(flags.vm)
	}
	a.out.printf("%s: ", safeLine(f.host))
	switch {
	case f.total == 0:
		a.out.printf("no migration job%s.\n", of)
	case f.failed == 0 && f.warned == 0:
		a.out.printf("no failed migration among %s%s: %s.\n", count(f.total, "job"), of, f.seen())
	case f.failed == 0:
		a.out.printf("no failed migration among %s%s, %d completed with warnings.\n", count(f.total, "job"), of, f.warned)
	default:
		warned := ""
		if f.warned > 0 {
			warned = fmt.Sprintf(", %d completed with warnings", f.warned)
		}
		a.out.printf("%d of %s%s failed%s.\n", f.failed, count(f.total, "migration"), of, warned)
	}
	if f.failed == 0 {
		a.out.printf("A host forgets a job five minutes after its end: older failures are not seen here.\n")
	}
	if flags.latest && f.failed+f.warned > 1 {
		a.out.printf("Only the newest is shown.\n")
	}
}

// seen lists how many jobs are in which state: "2 Completed, 1 Running".
func (f *findings) seen() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(f.states)) {
		list = append(list, fmt.Sprintf("%d %s", f.states[name], name))
	}
	return strings.Join(list, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// heading returns what stands above the first job of a kind; failed jobs need nothing.
func (f *findings) heading(i int) string {
	kind := rank(f.selected[i].Job)
	if kind == rankFailed || i > 0 && rank(f.selected[i-1].Job) == kind {
		return ""
	}
	if kind == rankWarned {
		return "Warnings:"
	}
	if f.total == 1 {
		return ""
	}
	return "Other jobs:"
}

// printJob prints one job: first the machine, then what happened to it, then why.
func (a *app) printJob(d *diagnosed) {
	j := d.Job
	name := d.VM
	if name == "" {
		name = "(no virtual machine named)"
	}
	a.out.printf("%s: %s\n", safeLine(name), outcome(j))
	now, mark := a.clock(j)
	if line := circumstances(j, now, mark); line != "" {
		a.out.printf("  %s\n", line)
	}
	forgotten := ""
	if t, ok := j.Removal(); ok {
		forgotten = ", forgotten in " + mark + age(t.Sub(now))
	}
	a.out.printf("  job %s%s\n", safeLine(j.ID()), forgotten)
	if guid := j.VMName(); guid != d.VM {
		a.out.printf("  VM  %s\n", safeLine(guid))
	}
	for _, p := range j.Problems {
		a.out.printf("  problem: %s\n", safeLine(p.Error()))
	}
	if d.Expired {
		a.out.printf("  The host forgot the job while it was asked about it; this is what the job itself said.\n")
	}
	if d.err != nil {
		a.out.printf("  Not complete: %s\n", safeLine(message(d.err)))
	}
	if d.onlyMethod {
		a.printReturnValue(d)
	}
	own := d.ownParts()
	if len(own) == 0 && d.err == nil {
		a.out.printf("\n  The host gives no error for this job.\n")
	}
	for i := range own {
		if own[i].Event != nil {
			break
		}
		a.out.printf("\n")
		a.printPart(i+1, &own[i])
	}
	a.printEvents(d, own)
	a.printOtherEnd(d)
}

func (a *app) printReturnValue(d *diagnosed) {
	for _, answer := range d.Answers {
		if answer.Returned {
			a.out.printf("  %s returned %s\n", answer.Method, returnValueText(answer.ReturnValue))
		}
	}
}

// returnValueText returns number and name, or the number alone when it has none.
func returnValueText(v invoke.ReturnValue) string {
	number := fmt.Sprint(uint32(v))
	if name := v.String(); name != number {
		return number + " (" + name + ")"
	}
	return number
}

// outcome says how the migration went and what it was.
func outcome(j *invoke.MigrationJob) string {
	s := "running"
	switch {
	case j.JobState == nil:
		s = "state not told"
	case j.Failed():
		s = "failed"
	case j.CompletedWithWarnings():
		s = "completed with warnings"
	case j.Finished():
		s = "completed"
	}
	if j.JobType != nil {
		s += ", " + j.JobType.String()
	}
	if j.DestinationHost != nil && *j.DestinationHost != "" {
		s += " to " + safeLine(*j.DestinationHost)
	}
	return s
}

// circumstances says when a job ended, in which state it is, and how far it came.
func circumstances(j *invoke.MigrationJob, now time.Time, mark string) string {
	var list []string
	if t := changed(j); !t.IsZero() {
		what := "ended"
		if j.Running() {
			what = "changed"
		}
		list = append(list, fmt.Sprintf("%s %s%s ago (%s)", what, mark, age(now.Sub(t)), t.UTC().Format("2006-01-02 15:04:05 UTC")))
	}
	if j.JobState != nil {
		list = append(list, "state "+stateName(j))
	}
	if j.ErrorCode != nil && *j.ErrorCode != 0 {
		list = append(list, fmt.Sprintf("ErrorCode %d", *j.ErrorCode))
	}
	if j.PercentComplete != nil {
		list = append(list, fmt.Sprintf("%d%%", *j.PercentComplete))
	}
	return strings.Join(list, ", ")
}

// clock returns the host's time as the answer told it; else ours, with a tilde for what is reckoned by it.
func (a *app) clock(j *invoke.MigrationJob) (now time.Time, mark string) {
	if j.Instance != nil && !j.Instance.Date.IsZero() {
		return j.Instance.Date, ""
	}
	return a.now(), "~"
}

// age writes a duration in the two largest units that matter. What is negative, by clocks that differ, is 0s.
func age(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// stateName returns the name of JobState; of a job that completed with an error, that it did.
func stateName(j *invoke.MigrationJob) string {
	switch {
	case j.JobState == nil:
		return "unknown"
	case *j.JobState == invoke.JobStateCompleted && j.Failed():
		return "Completed with an error"
	}
	return j.JobState.String()
}

// printPart prints one thing that the host said.
func (a *app) printPart(n int, p *invoke.Part) {
	sources := []string{string(p.Source)}
	for _, s := range p.Also {
		sources = append(sources, string(s))
	}
	if p.Error == nil && p.DecodeError == nil {
		a.out.printf("  %d. %s\n", n, hostText(p.Text))
	} else {
		a.printError(n, p.Error, p.DecodeError)
	}
	where := ""
	if p.Host != "" {
		where = " at " + safeLine(p.Host)
	}
	if p.AlsoHost != "" {
		where += ", also at " + safeLine(p.AlsoHost)
	}
	if p.Event != nil {
		a.out.printf("%s%s\n", indent, eventLine(p.Event))
	}
	a.out.printf("%sfrom %s%s\n", indent, strings.Join(sources, ", "), where)
}

// printError prints an error instance, or what could be read of it and what could not.
func (a *app) printError(n int, e *cimerror.MsvmError, de *cimerror.DecodeError) {
	if de != nil && de.Instance != nil {
		e = de.Instance.MsvmError()
	}
	if e == nil {
		a.out.printf("  %d. (not readable)\n", n)
	} else {
		a.out.printf("  %d. %s\n", n, hostText(e.Error()))
		for _, line := range errorFacts(e) {
			a.out.printf("%s%s\n", indent, line)
		}
	}
	if de == nil {
		return
	}
	for _, problem := range decodeProblems(de) {
		a.out.printf("%sproblem: %s\n", indent, safeLine(problem))
	}
	if e == nil {
		a.out.printf("%sreceived: %s\n", indent, safeLine(beginning(de.Raw, maxExcerpt)))
	}
}

// maxExcerpt bounds what is shown of a text that could not be read, in bytes.
const maxExcerpt = 200

// beginning returns the whole characters in the first most bytes of a text, and all of a text that is not longer.
func beginning(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + " ..."
}

// errorFacts returns the lines below a message. NULL and Unknown are left out: they tell nothing.
func errorFacts(e *cimerror.MsvmError) []string {
	var lines []string
	switch id, owner := line(e.MessageID), line(e.OwningEntity); {
	case id != "" && owner != "":
		lines = append(lines, "message "+id+" of "+owner)
	case id != "":
		lines = append(lines, "message "+id)
	case owner != "":
		lines = append(lines, "by "+owner)
	}
	if facts := enumerations(e); len(facts) > 0 {
		lines = append(lines, strings.Join(facts, ", "))
	}
	for _, s := range []*string{e.CIMStatusCodeDescription, e.ProbableCauseDescription} {
		if s != nil && strings.TrimSpace(*s) != "" && *s != e.Error() {
			lines = append(lines, "detail: "+hostText(*s))
		}
	}
	if line(e.ErrorSource) != "" {
		lines = append(lines, "about: "+line(e.ErrorSource))
	}
	for _, s := range e.RecommendedActions {
		if s != nil && strings.TrimSpace(*s) != "" {
			lines = append(lines, "recommended: "+hostText(*s))
		}
	}
	return lines
}

// enumerations returns the names of what an error has of severity, type, status and cause.
func enumerations(e *cimerror.MsvmError) []string {
	var list []string
	if e.PerceivedSeverity != nil && *e.PerceivedSeverity != cimerror.PerceivedSeverityUnknown {
		list = append(list, "severity "+e.PerceivedSeverity.String())
	}
	switch {
	case e.ErrorType == nil || *e.ErrorType == cimerror.ErrorTypeUnknown:
	case *e.ErrorType == cimerror.ErrorTypeOther && line(e.OtherErrorType) != "":
		list = append(list, line(e.OtherErrorType))
	default:
		list = append(list, e.ErrorType.String())
	}
	if e.CIMStatusCode != nil && *e.CIMStatusCode != 0 {
		list = append(list, e.CIMStatusCode.String())
	}
	if e.ProbableCause != nil && *e.ProbableCause != 0 {
		list = append(list, "probable cause "+e.ProbableCause.String())
	}
	return list
}

// line returns a text of the host for a place in a line, "" for NULL.
func line(s *string) string {
	if s == nil {
		return ""
	}
	return safeLine(strings.TrimSpace(*s))
}

// printRaw prints each CIM-XML text: byte for byte, but on a terminal safe.
func (a *app) printRaw(f *findings) {
	for _, d := range f.selected {
		silent := true
		for _, answer := range d.Answers {
			for _, text := range answer.Raw {
				silent = false
				if a.terminal {
					text = safe(text, "\n")
				}
				a.out.printf("%s\n", text)
			}
		}
		if silent && d.err == nil {
			a.note("job %s of %s: the host gives no error for this job", d.Job.ID(), d.VM)
		}
	}
	if len(f.selected) == 0 {
		a.note("no failed migration among %s", count(f.total, "job"))
	}
}
