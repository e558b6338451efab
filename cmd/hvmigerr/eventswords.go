package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// Limits of the text of one event, in bytes.
const (
	maxMessage   = 2000 // where it is printed in full
	maxFirstLine = 150
)

// foldHostText folds a text of the host, line by line. Its further lines begin with a bar, so that none can pass for one of ours.
func foldHostText(first, text string) string {
	const rest = indent + "| "
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(fold(first, rest, line))
		first = rest
	}
	return b.String()
}

// whole returns the message of an event or, where it has none, its fields.
func whole(e *events.Event) string {
	if text := strings.TrimSpace(e.Message()); text != "" {
		return beginning(text, maxMessage)
	}
	var list []string
	for _, f := range e.Fields {
		list = append(list, strings.TrimPrefix(f.Name+"="+f.Value, "="))
	}
	if len(list) == 0 {
		return "(no text)"
	}
	return beginning(strings.Join(list, ", "), maxMessage)
}

// firstLine returns the beginning of that.
func firstLine(e *events.Event) string {
	text, rest, _ := strings.Cut(whole(e), "\n")
	text = strings.TrimSpace(text)
	if short := beginning(text, maxFirstLine); short != text || strings.TrimSpace(rest) == "" {
		return short
	}
	return text + " ..."
}

// facts says which event it is, when and where: what stands below its message.
func facts(e *events.Event, incident *events.Incident) string {
	text := fmt.Sprintf("%s, event %s", eventTime(e, incident), identity(e))
	if e.Host != "" {
		text += ", at " + safeLine(e.Host)
	}
	return text
}

// identity names the event: its number, who wrote it, and its level, unless that is information.
func identity(e *events.Event) string {
	number := "without a number"
	if e.EventID != nil {
		number = fmt.Sprint(*e.EventID)
	}
	if e.Provider != "" {
		number += " of " + cell(shortName(e.Provider))
	}
	if name := levelName(e.Level); name != "" && name != "information" {
		number += ", " + name
	}
	return number
}

// shortName leaves out what the names of Windows' own providers and channels have in common.
func shortName(name string) string { return strings.TrimPrefix(name, vendorPrefix) }

const vendorPrefix = "Microsoft-Windows-"

// eventTime writes the time of an event, without the day if that is the day of the incident's end.
func eventTime(e *events.Event, incident *events.Incident) string {
	t, end := e.Time.UTC(), incident.End.UTC()
	switch {
	case e.Time.IsZero() && e.TimeText != "":
		return "time " + cell(e.TimeText)
	case e.Time.IsZero():
		return "no time"
	case t.Format(time.DateOnly) == end.Format(time.DateOnly):
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// fullTime writes a time in full.
func fullTime(t time.Time) string {
	if t.IsZero() {
		return "(no time)"
	}
	return t.UTC().Format(timeLayout)
}
