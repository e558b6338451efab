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

// A jobsHost is a host with its jobs; null when it could not be asked for them.
type jobsHost struct {
	hostReport
	Jobs []object `json:"jobs"`
}

// writeJobs writes the answer of get and jobs: with json one object, with jsonl a line for each job and one for a host that
// failed.
func (a *app) writeJobs(command, format string, t *target, jobs []object, err error) error {
	host := newHostReport(t, err)
	if format == outputJSON {
		return a.writeJSON(struct {
			Schema  string     `json:"schema"`
			Command string     `json:"command"`
			Hosts   []jobsHost `json:"hosts"`
		}{schema, command, []jobsHost{{host, jobs}}}, format)
	}
	for _, job := range jobs {
		line := object{{"schema", schema}, {"command", command}, {"host", t.name}, {"url", t.url}, {"job", job}}
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
	}{schema, command, host}, format)
}
