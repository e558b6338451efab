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
	return a.secrets.object(object{
		{"name", st.name},
		{"result", string(st.result)},
		{"seen", st.seen},
		{"means", nullable(st.means)},
		{"actions", actions},
		{"details", st.details},
	})
}

// object returns o with every text in it cleaned, however deep. Keys are cleaned too: a state may have a name of the host.
func (r redactor) object(o object) object {
	if o == nil {
		return nil
	}
	cleaned := make(object, 0, len(o))
	for _, m := range o {
		cleaned = append(cleaned, member{r.clean(m.key), r.value(m.value)})
	}
	return cleaned
}

// value is object for what a member may be. All other kinds hold no text.
func (r redactor) value(v any) any {
	switch v := v.(type) {
	case string:
		return r.clean(v)
	case *string:
		if v == nil {
			return v
		}
		return new(r.clean(*v))
	case []string:
		return each(v, r.clean)
	case object:
		return r.object(v)
	case []object:
		return each(v, r.object)
	}
	return v
}

func each[T any](list []T, f func(T) T) []T {
	if list == nil {
		return nil
	}
	changed := make([]T, 0, len(list))
	for _, v := range list {
		changed = append(changed, f(v))
	}
	return changed
}
