package main

// rungItems returns what doctor tells of a host.
func rungItems() items { return items{"doctor", "rungs", "rung"} }

// rungObjects returns what became of each rung as JSON has it.
func (a *app) rungObjects(steps []*step) []object {
	list := make([]object, 0, len(steps))
	for _, st := range steps {
		list = append(list, a.rungObject(st))
	}
	return list
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
