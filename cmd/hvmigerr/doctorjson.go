package main

// A doctorHost is a host with what became of each rung.
type doctorHost struct {
	hostReport
	Rungs []object `json:"rungs"`
}

// writeDoctor writes the answer of doctor: with json one object, with jsonl a line for each rung and one for a host that failed.
func (a *app) writeDoctor(format string, t *target, steps []*step, err error) error {
	rungs := make([]object, 0, len(steps))
	for _, st := range steps {
		rungs = append(rungs, a.rungObject(st))
	}
	host := newHostReport(t, err)
	if format == outputJSON {
		return a.writeJSON(struct {
			Schema  string       `json:"schema"`
			Command string       `json:"command"`
			Hosts   []doctorHost `json:"hosts"`
		}{schema, "doctor", []doctorHost{{host, rungs}}}, format)
	}
	for _, r := range rungs {
		line := object{{"schema", schema}, {"command", "doctor"}, {"host", t.name}, {"url", t.url}, {"rung", r}}
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
	}{schema, "doctor", host}, format)
}

// rungObject returns what became of a rung as JSON has it.
func (a *app) rungObject(st *step) object {
	actions := make([]object, 0, len(st.actions))
	for _, act := range st.actions {
		actions = append(actions, object{{"where", act.where}, {"what", act.what}, {"command", nullable(act.command)}})
	}
	return object{
		{"name", st.name},
		{"result", string(st.result)},
		{"seen", a.secrets.clean(st.seen)},
		{"means", nullable(st.means)},
		{"actions", actions},
		{"details", st.details},
	}
}
