package main

import (
	"bytes"
)

// A hostReport is one host as JSON has it.
type hostReport struct {
	Host  string       `json:"host"`
	URL   string       `json:"url"`
	Exit  int          `json:"exit"`
	Error *errorReport `json:"error"`
}

// An items is what JSON calls that which a command tells of a host.
type items struct {
	command string
	names   string // of all of it: jobs, identity
	name    string // of one: job; "" where there is only one thing, and a line of jsonl has the whole host
}

// jobItems returns the jobs of get and jobs.
func jobItems(command string) items { return items{command, "jobs", "job"} }

// object returns a host with all that it told; null when it could not be asked for it.
func (it *items) object(host *hostReport, told any) object {
	return object{{"host", host.Host}, {"url", host.URL}, {"exit", host.Exit}, {"error", host.Error}, {it.names, told}}
}

// lines returns a line for each thing, and one for a host that failed.
func (it *items) lines(host *hostReport, told any) []any {
	if it.name == "" {
		return []any{object{{"schema", schema}, {"command", it.command}, {"hosts", []object{it.object(host, told)}}}}
	}
	var lines []any
	list, _ := told.([]object)
	for _, item := range list {
		lines = append(lines, object{{"schema", schema}, {"command", it.command}, {"host", host.Host}, {"url", host.URL}, {it.name, item}})
	}
	if host.Error == nil {
		return lines
	}
	return append(lines, struct {
		Schema  string `json:"schema"`
		Command string `json:"command"`
		hostReport
	}{schema, it.command, *host})
}

// A hostList writes hosts as JSON, each when it is there: with json as members of one list in one object, with jsonl as lines.
type hostList struct {
	out    *output
	items  *items
	format string
	begun  bool
	n      int
}

// indentOfHost is where the members of the list of hosts stand.
const indentOfHost = "    "

// render returns what add takes of a host.
func (w *hostList) render(name, url string, r *reply) []byte {
	host := &hostReport{Host: name, URL: url, Exit: exitCode(r.err), Error: newErrorReport(r.err)}
	var told any
	if r.told != nil {
		told = r.told()
	}
	if w.format == outputJSON {
		return bytes.TrimSuffix(encodeJSON(w.items.object(host, told), indentOfHost), []byte("\n"))
	}
	var b []byte
	for _, line := range w.items.lines(host, told) {
		b = append(b, encodeJSON(line, "")...)
	}
	return b
}

// add writes a host.
func (w *hostList) add(host []byte) {
	if w.format == outputJSON {
		w.begin()
		if w.n > 0 {
			w.out.printf(",")
		}
		w.out.printf("\n%s", indentOfHost)
	}
	_, _ = w.out.Write(host) // the output keeps its error
	w.n++
}

// begin writes what comes before the first host.
func (w *hostList) begin() {
	if !w.begun {
		w.out.printf("{\n  \"schema\": %q,\n  \"command\": %q,\n  \"hosts\": [", schema, w.items.command)
	}
	w.begun = true
}

// end writes what comes after the last host: the summary, if there is one.
func (w *hostList) end(s *summary) {
	if w.format != outputJSON {
		if s != nil {
			_, _ = w.out.Write(encodeJSON(object{{"schema", schema}, {"command", w.items.command}, {"summary", s.object()}}, ""))
		}
		return
	}
	w.begin()
	if w.n > 0 {
		w.out.printf("\n  ")
	}
	w.out.printf("]")
	if s != nil {
		w.out.printf(",\n  \"summary\": %s", bytes.TrimSpace(encodeJSON(s.object(), "  ")))
	}
	w.out.printf("\n}\n")
}

// encodeJSON returns v as JSON with a line end: in lines that begin with indent, but the first; or in one line where that is "".
func encodeJSON(v any, indent string) []byte {
	step := ""
	if indent != "" {
		step = "  "
	}
	text, err := formatJSON(v, indent, step)
	if err != nil { // of a value that JSON does not have, of which there are none among ours
		text, _ = formatJSON(err.Error(), "", "")
	}
	return text
}
