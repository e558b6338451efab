package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// Limits of incidents as text. JSON has all of it.
const (
	maxTold     = 20 // failed migrations that are printed in full
	maxCausesOf = 3  // of one migration, printed in full
	maxShown    = 12 // events of one migration, beside those that say why
)

// print prints incidents, the newest first, and the logs that they are from; raw XML alone, and what it is on stderr. It reports whether it printed anything.
func (r *eventsRun) print(incidents []*events.Incident) bool {
	told := slices.ContainsFunc(r.hosts, func(h *loggedHost) bool { return h.report != nil })
	switch {
	case !told:
		return false
	case r.flags.raw:
		return r.printRaw(incidents)
	}
	r.printCount(incidents)
	p := &incidentPrinter{run: r, out: r.app.out, said: meanings{}}
	for _, incident := range incidents {
		p.print(incident)
	}
	p.end()
	r.printLogs()
	return true
}

// printRaw prints the XML of each event: byte for byte, but on a terminal safe.
func (r *eventsRun) printRaw(incidents []*events.Incident) bool {
	printed := false
	for _, incident := range incidents {
		for _, e := range incident.Events {
			text := string(e.Raw)
			if r.app.terminal {
				text = safe(text, "\n")
			}
			r.app.out.printf("%s\n", text)
			printed = true
		}
	}
	text := "read " + r.when() + ". " + r.reach()
	if !printed {
		text = r.counted(nil)
	}
	r.app.note("by %s: %s", r.flags.via.String(), text)
	return printed
}

// when says in which time migrations were looked for.
func (r *eventsRun) when() string {
	text := "in the last " + r.flags.since.String()
	if len(r.query.Levels) > 0 || len(r.query.Channels) > 0 {
		text += ", as far as events of that choice tell"
	}
	return text
}

// printCount says first what there is and, where it is nothing, what that means.
func (r *eventsRun) printCount(incidents []*events.Incident) {
	who := safeLine(r.hosts[0].name)
	if r.plan.many {
		who = count(len(r.hosts), "host")
	}
	r.app.out.printf("%s\n", fold(who+": ", "", r.counted(incidents)))
	for _, h := range r.hosts {
		if h.dropped > 0 {
			r.app.out.printf("%s\n", fold("", "", fmt.Sprintf("Of %s only the newest are shown: %s more took too much memory. A shorter --since asks for less.",
				safeLine(h.name), grouped(h.dropped))))
		}
	}
}

// counted says how many migrations have failed and, where that are none, what it means.
func (r *eventsRun) counted(incidents []*events.Incident) string {
	if !r.readable() {
		return "nothing is known: no log that tells of migrations could be read."
	}
	failed := 0
	for _, incident := range incidents {
		if incident.Outcome == events.OutcomeFailed {
			failed++
		}
	}
	of, least := "", ""
	if r.flags.vm != "" {
		of = " of " + safeLine(r.flags.vm)
	}
	if r.limited() {
		least = "at least "
	}
	n := count(len(incidents), "migration")
	switch {
	case failed > 0:
		return fmt.Sprintf("%s%d of %s%s failed, %s.", least, failed, n, of, r.when())
	case len(incidents) > 0:
		return fmt.Sprintf("no failed migration among %s%d%s, %s. %s", least, len(incidents), of, r.when(), r.reach())
	}
	return fmt.Sprintf("no migration%s %s. %s", of, r.when(), r.reach())
}

// An incidentPrinter prints one incident after another.
type incidentPrinter struct {
	run     *eventsRun
	out     *output
	said    meanings
	full    int  // how many were printed in full
	inShort int  // how many of those that failed were not
	brief   bool // the last one took one line
}

// print prints one incident: in full what failed or tells a cause, and whatever there is of a machine that was asked for by name.
func (p *incidentPrinter) print(incident *events.Incident) {
	full := incident.Outcome == events.OutcomeFailed || incident.Headline >= 0 || len(incident.Causes) > 0 || p.run.flags.vm != ""
	if full && p.full >= maxTold {
		full = false
		p.inShort++
	}
	if full || !p.brief {
		p.out.printf("\n")
	}
	p.brief = !full
	p.out.printf("%s\n", fold(fullTime(incident.End)+"  ", "  ", title(incident)))
	if !full {
		return
	}
	p.full++
	p.circumstances(incident)
	p.causes(incident)
	p.events(incident)
	p.meaning(incident)
}

// end says what was left out.
func (p *incidentPrinter) end() {
	if p.inShort > 0 {
		p.out.printf("\n%s\n", fold("", "", fmt.Sprintf("Only the newest %d are shown in full: --vm NAME shows another, -o json all.", maxTold)))
	}
}

// title says of which machine an incident is, how it ended, and between which hosts.
func title(incident *events.Incident) string {
	how, rest := string(incident.Outcome), ""
	switch incident.Outcome {
	case events.OutcomeFailed, events.OutcomeCompleted:
	case events.OutcomeSlow:
		how, rest = "completed", "; its blackout was long"
	case events.OutcomeRunning:
		how, rest = "began", "; its end is not in the log"
	case events.OutcomeUnknown:
		how, rest = "moved", "; how it ended is not in the log"
	}
	text := machineOf(incident) + ": " + how
	if incident.Source != "" || incident.Destination != "" {
		text += ","
	}
	if incident.Source != "" {
		text += " from " + safeLine(incident.Source)
	}
	if incident.Destination != "" {
		text += " to " + safeLine(incident.Destination)
	}
	return text + rest
}

// machineOf names the virtual machine of an incident.
func machineOf(incident *events.Incident) string {
	switch {
	case incident.VM != "":
		return cell(incident.VM)
	case incident.VMID != "":
		return cell(incident.VMID)
	}
	return "(no virtual machine named)"
}

// circumstances says when that was, who tells it, and which machine it is.
func (p *incidentPrinter) circumstances(incident *events.Incident) {
	var words []string
	if !incident.End.IsZero() {
		words = append(words, "ended "+age(p.run.clock(incident).Sub(incident.End))+" ago")
		if incident.Began() {
			words = append(words, "took "+age(incident.End.Sub(incident.Begin)))
		}
	}
	if hosts := p.run.told(incident); len(hosts) > 0 {
		text := "told by " + strings.Join(hosts, " and ")
		if incident.Role == events.RoleSource || incident.Role == events.RoleDestination {
			text += ", the " + string(incident.Role)
		}
		words = append(words, text)
	}
	p.out.printf("%s\n", fold("  ", "  ", strings.Join(words, ", ")))
	if incident.VM != "" && incident.VMID != "" {
		p.out.printf("  VM  %s\n", safeLine(incident.VMID))
	}
}

// told returns the names of the hosts that tell of an incident.
func (r *eventsRun) told(incident *events.Incident) []string {
	hosts := incident.Hosts
	if len(hosts) == 0 {
		hosts = []string{r.hosts[0].name}
	}
	list := make([]string, len(hosts))
	for i, name := range hosts {
		list[i] = safeLine(name)
	}
	return list
}

// clock returns the time by the clock of the host that tells, which is ours as far as nothing else is known of it.
func (r *eventsRun) clock(incident *events.Incident) time.Time {
	for _, h := range r.hosts {
		if h.report != nil && (len(incident.Hosts) == 0 || incident.Hosts[0] == h.name) {
			return r.app.now().Add(h.report.Clock).Round(time.Second) // as exact as a Date is
		}
	}
	return r.app.now()
}

// causes prints the events that say why, and where else the cause may stand.
func (p *incidentPrinter) causes(incident *events.Incident) {
	causes := incident.Causes[:min(len(incident.Causes), maxCausesOf)]
	switch {
	case len(causes) > 0:
		p.out.printf("\n  Why:\n")
	case incident.Outcome == events.OutcomeFailed:
		p.out.printf("\n  No cause is in what was read.\n")
	}
	for _, i := range causes {
		e := incident.Events[i]
		p.out.printf("%s\n", foldHostText(fmt.Sprintf("  %d. ", i+1), whole(e)))
		p.out.printf("%s%s\n", indent, facts(e, incident))
		for _, problem := range e.Problems {
			p.out.printf("%sproblem: %s\n", indent, safeLine(problem))
		}
	}
	if text := p.run.elsewhere(incident); text != "" {
		p.out.printf("%s\n", fold("  ", "  ", text))
	}
}

// events lists the events in their order: in full the one that says that it failed, of others the beginning.
func (p *incidentPrinter) events(incident *events.Incident) {
	p.out.printf("\n  The events:\n")
	list := incident.Events
	left := 0
	for i, e := range list {
		above := slices.Contains(incident.Causes[:min(len(incident.Causes), maxCausesOf)], i)
		if len(list) > maxShown && i >= maxShown/2 && i < len(list)-maxShown/2 && i != incident.Headline && !above {
			left++
			continue
		}
		p.omitted(&left)
		first := fmt.Sprintf("  %d. %s  ", i+1, eventTime(e, incident))
		if e.Host != "" && len(incident.Hosts) > 1 {
			first += cell(e.Host) + ", "
		}
		first += identity(e) + ": "
		switch {
		case above:
			p.out.printf("%sas above\n", first)
		case i == incident.Headline:
			p.out.printf("%s\n", foldHostText(first, whole(e)))
		default:
			p.out.printf("%s\n", foldHostText(first, firstLine(e)))
		}
	}
	p.omitted(&left)
}

// omitted says how many events were left out, and forgets them.
func (p *incidentPrinter) omitted(n *int) {
	if *n > 0 {
		p.out.printf("%s(%s more; -o json has them)\n", indent, grouped(*n))
	}
	*n = 0
}

// meaning prints what the events mean. What several incidents have in common it says once.
func (p *incidentPrinter) meaning(incident *events.Incident) {
	if p.run.flags.noExplain {
		return
	}
	e := incident.Explain()
	var key strings.Builder
	for _, f := range telling(e) {
		fmt.Fprintf(&key, "%s %d %s\n", f.Row.Kind, f.Row.Value, f.Row.ID)
	}
	if at, ok := p.said[key.String()]; ok {
		p.out.printf("\n  What this means: as above, for %s.\n", at)
		return
	}
	if key.Len() > 0 {
		p.said[key.String()] = machineOf(incident) + ", " + fullTime(incident.End)
	}
	hosts := map[explain.Where]string{}
	for where, name := range map[explain.Where]string{explain.WhereSource: incident.Source, explain.WhereDestination: incident.Destination} {
		if namesHost(name) {
			hosts[where] = name
		}
	}
	if len(incident.Hosts) < 2 {
		hosts[explain.WhereHost] = p.run.told(incident)[0]
	}
	p.run.app.printMeaning(e, hosts)
}
