package main

// A hostReport is one host as JSON has it.
type hostReport struct {
	Host  string       `json:"host"`
	URL   string       `json:"url"`
	Exit  int          `json:"exit"`
	Error *errorReport `json:"error"`
}

func newHostReport(t *target, err error) hostReport {
	return hostReport{Host: t.name, URL: t.url, Exit: exitCode(err), Error: newErrorReport(err)}
}

// An items is what a command tells of a host, one by one; its list is nil, which is null, when the host could not be asked for it.
type items struct {
	command string
	names   string // of all: jobs
	name    string // of one: job
	list    []object
}

// jobItems returns the jobs of get and jobs.
func jobItems(command string, jobs []object) *items { return &items{command, "jobs", "job", jobs} }

// writeItems writes an answer: with json one object, with jsonl a line for each item and one for a host that failed.
func (a *app) writeItems(it *items, format string, t *target, err error) error {
	host := newHostReport(t, err)
	if format == outputJSON {
		told := object{{"host", host.Host}, {"url", host.URL}, {"exit", host.Exit}, {"error", host.Error}, {it.names, it.list}}
		return a.writeJSON(object{{"schema", schema}, {"command", it.command}, {"hosts", []object{told}}}, format)
	}
	for _, item := range it.list {
		line := object{{"schema", schema}, {"command", it.command}, {"host", t.name}, {"url", t.url}, {it.name, item}}
		if err := a.writeJSON(line, format); err != nil {
			return err
		}
	}
	if host.Error == nil {
		return nil
	}
	return a.writeJSON(struct {
		Schema  string `json:"schema"`
		Command string `json:"command"`
		hostReport
	}{schema, it.command, host}, format)
}
