package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// eventItems returns what JSON calls what events tells of a host.
func eventItems() *items { return &items{"events", "incidents", "incident"} }

// hostJSON returns a host as hostList.add takes it: with jsonl a line for each incident, and one for the host.
func (r *eventsRun) hostJSON(h *loggedHost, incidents []*events.Incident) []byte {
	about := object{{"host", h.name}, {"url", h.url}, {"exit", exitCode(h.err)}, {"error", newErrorReport(h.err)}}
	about = append(about, reportMembers(h)...)
	list := r.incidentObjects(h, incidents)
	if r.flags.connection.output == outputJSON {
		return bytes.TrimSuffix(encodeJSON(append(about, member{"incidents", list}), indentOfHost), []byte("\n"))
	}
	head := object{{"schema", schema}, {"command", "events"}}
	var b []byte
	for _, incident := range list {
		b = append(b, encodeJSON(append(head[:2:2], about[0], about[1], member{"incident", incident}), "")...)
	}
	return append(b, encodeJSON(append(head, about...), "")...)
}

// reportMembers returns what there is of a host beside its incidents; null where nothing was read.
func reportMembers(h *loggedHost) object {
	if h.report == nil {
		return object{{"route", nil}, {"since", nil}, {"clockAhead", nil}, {"dropped", nil}, {"logs", nil}}
	}
	logs := make([]object, 0, len(h.logs))
	for _, l := range h.logs {
		logs = append(logs, logObject(h.report, l))
	}
	var ahead any
	if h.report.ClockKnown {
		ahead = h.report.Clock.Seconds()
	}
	return object{
		{"route", h.report.Route},
		{"since", nullableTime(h.report.Since)},
		{"clockAhead", ahead},
		{"dropped", h.dropped},
		{"logs", logs},
	}
}

// nullableTime returns a time as JSON has it, null if there is none.
func nullableTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return cimTime(t)
}

// logObject returns what became of one channel. covers tells whether it reaches back to what was asked for.
func logObject(report *events.Report, l *events.Log) object {
	var record, partial any
	if l.OldestRecord != 0 {
		record = l.OldestRecord
	}
	if l.Partial != nil {
		partial = l.Partial.Error()
	}
	return object{
		{"channel", l.Channel},
		{"read", l.Read},
		{"oldest", nullableTime(l.Oldest)},
		{"oldestRecord", record},
		{"empty", l.Empty},
		{"covers", l.Covers(report.Since)},
		{"absent", l.Optional},
		{"error", newErrorReport(l.Err)},
		{"partial", partial},
		{"problems", append([]string{}, l.Problems...)},
	}
}

// incidentObjects returns incidents; null if the host has not told.
func (r *eventsRun) incidentObjects(h *loggedHost, incidents []*events.Incident) []object {
	if h.report == nil {
		return nil
	}
	list := make([]object, 0, len(incidents))
	for _, incident := range incidents {
		list = append(list, r.incidentObject(h, incident))
	}
	return list
}

// incidentObject returns one incident. headline and causes are places in events; in its explanation part is one, too.
func (r *eventsRun) incidentObject(h *loggedHost, incident *events.Incident) object {
	hosts := incident.Hosts
	if len(hosts) == 0 {
		hosts = []string{h.name}
	}
	var headline any
	if incident.Headline >= 0 {
		headline = incident.Headline
	}
	list := make([]object, 0, len(incident.Events))
	for _, e := range incident.Events {
		list = append(list, r.eventObject(hosts[0], e))
	}
	o := object{
		{"vm", nullable(incident.VM)},
		{"vmID", nullable(incident.VMID)},
		{"begin", nullableTime(incident.Begin)},
		{"end", nullableTime(incident.End)},
		{"role", nullable(string(incident.Role))},
		{"outcome", incident.Outcome},
		{"source", nullable(incident.Source)},
		{"destination", nullable(incident.Destination)},
		{"hosts", append([]string{}, hosts...)},
		{"headline", headline},
		{"causes", append([]int{}, incident.Causes...)},
		{"events", list},
	}
	if !r.flags.noExplain {
		o = append(o, member{"explanation", explanationObject(incident.Explain())})
	}
	return o
}

// eventObject returns one event: what Windows says of every event by the names that it has in the XML, then what it holds.
func (r *eventsRun) eventObject(host string, e *events.Event) object {
	if e.Host != "" {
		host = e.Host
	}
	var keywords any
	if e.Keywords != nil {
		keywords = fmt.Sprintf("0x%X", *e.Keywords) // a number of 64 bits is more than many readers of JSON keep
	}
	fields := make([]object, 0, len(e.Fields))
	for _, f := range e.Fields {
		fields = append(fields, object{{"name", nullable(f.Name)}, {"value", f.Value}})
	}
	o := object{
		{"host", host},
		{"log", nullable(e.Log)},
		{"route", e.Route},
		{"Provider", nullable(e.Provider)},
		{"ProviderGuid", nullable(e.ProviderGUID)},
		{"EventID", e.EventID},
		{"Qualifiers", e.Qualifiers},
		{"Version", e.Version},
		{"Level", e.Level},
		{"LevelName", nullable(levelName(e.Level))},
		{"Task", e.Task},
		{"Opcode", e.Opcode},
		{"Keywords", keywords},
		{"TimeCreated", nullableTime(e.Time)},
		{"timeText", nullable(e.TimeText)},
		{"EventRecordID", e.RecordID},
		{"ActivityID", nullable(e.ActivityID)},
		{"ProcessID", e.ProcessID},
		{"ThreadID", e.ThreadID},
		{"Channel", nullable(e.Channel)},
		{"Computer", nullable(e.Computer)},
		{"UserID", nullable(e.UserID)},
		{"root", nullable(e.Root)},
		{"fields", fields},
		{"rendering", renderingObject(e.Rendering)},
		{"problems", append([]string{}, e.Problems...)},
	}
	if r.flags.raw {
		o = append(o, member{"raw", nullable(string(e.Raw))})
	}
	return o
}

// renderingObject returns what the host made of an event in its language; null if nothing.
func renderingObject(r *events.Rendering) object {
	if r == nil {
		return nil
	}
	return object{
		{"culture", nullable(r.Culture)},
		{"message", nullable(r.Message)},
		{"level", nullable(r.Level)},
		{"task", nullable(r.Task)},
		{"opcode", nullable(r.Opcode)},
		{"channel", nullable(r.Channel)},
		{"provider", nullable(r.Provider)},
		{"keywords", append([]string{}, r.Keywords...)},
	}
}
