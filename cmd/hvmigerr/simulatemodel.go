package main

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// repeatEvery makes the built-in model's jobs come again before the last ones are forgotten.
const repeatEvery = 5 * time.Minute

// builtInModel returns the model of simulate. If start is zero, its jobs count from the start of the server.
func builtInModel(start time.Time) *wsmantest.Model {
	m := wsmantest.DefaultModel(start)
	m.Repeat(repeatEvery)
	return m
}

// printModel prints the built-in model, to be edited and given to --model.
func (a *app) printModel(f *simulateFlags) error {
	if f.model != "" {
		return &usageError{"--print-model prints the built-in model and does not go with --model"}
	}
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(builtInModel(time.Time{}))
}

// usersOf returns who may authenticate at a host of that model.
func usersOf(m *wsmantest.Model) []wsmantest.User {
	if m.Users == nil {
		return wsmantest.DefaultUsers()
	}
	return m.Users
}

// warnOfModel warns of what a model or rules name and the host will never see, which is a slip of the pen.
func (a *app) warnOfModel(cfg *wsmantest.Config) {
	m := cfg.Model
	for i := range m.Jobs {
		vm := m.Jobs[i].VM
		if vm != "" && !slices.ContainsFunc(m.VMs, func(v wsmantest.VM) bool {
			return strings.EqualFold(v.Name, vm) || strings.EqualFold(v.ID, vm)
		}) {
			a.warn("--model: jobs[%d]: vm %q is none of the model's vms", i, vm)
		}
	}
	users := usersOf(m)
	a.warnOfRules("--rules: [%d]", cfg.Rules, users)
	a.warnOfRules("--model: rules[%d]", m.Rules, users)
}

// warnOfRules warns of rules that no request can match; place tells of a rule's number where it stands.
func (a *app) warnOfRules(place string, rules []wsmantest.Rule, users []wsmantest.User) {
	operations := []string{
		operationAuthenticate, "Identify", "Get", "Enumerate", "Pull", "Release", "GetError", "GetErrorEx", "FormatError",
		"GetServerEventDetailEx", "Create", "Command", "Receive", "Send", "Signal", "Delete",
	}
	for i := range rules {
		r := &rules[i]
		if r.Operation != "" && !slices.ContainsFunc(operations, func(o string) bool { return strings.EqualFold(o, r.Operation) }) {
			a.warn(place+": operation %q is none of %s", i, r.Operation, strings.Join(operations, ", "))
		}
		if r.User != "" && !slices.ContainsFunc(users, func(u wsmantest.User) bool { return strings.EqualFold(u.Name, r.User) }) {
			a.warn(place+": there is no user %q", i, r.User)
		}
	}
}
