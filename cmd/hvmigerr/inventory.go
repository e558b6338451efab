package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// maxInventory bounds the JSON of an inventory, in bytes.
const maxInventory = 64 << 20

// An inventoryGroup is a group of the JSON that "ansible-inventory --list" prints, or its _meta, which stands among them.
type inventoryGroup struct {
	Hosts    []string                 `json:"hosts"`
	Children []string                 `json:"children"`
	Vars     inventoryVars            `json:"vars"` // only with --export; else they are those of the hosts
	Hostvars map[string]inventoryVars `json:"hostvars"`
}

// UnmarshalJSON also takes a list of hosts, as inventory scripts may print it in place of a group.
func (g *inventoryGroup) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte("[")) {
		return json.Unmarshal(raw, &g.Hosts)
	}
	type plain inventoryGroup
	return json.Unmarshal(raw, (*plain)(g))
}

// inventoryVars are the variables that are read. All others, passwords among them, are passed over and not kept.
type inventoryVars struct {
	Host json.RawMessage `json:"ansible_host"`
	Port json.RawMessage `json:"ansible_port"`
	User json.RawMessage `json:"ansible_user"`
}

func (v *inventoryVars) empty() bool { return len(v.Host)+len(v.Port)+len(v.User) == 0 }

// inventoryText reads the value of a variable: a text or a number. One that ansible marks as unsafe, as it does with what it got
// from elsewhere, is wrapped. An error repeats nothing.
func inventoryText(raw json.RawMessage) (text string, err error) {
	var number json.Number
	var wrapped struct {
		Unsafe *string `json:"__ansible_unsafe"`
	}
	switch {
	case len(raw) == 0 || json.Unmarshal(raw, &text) == nil: // null too
	case json.Unmarshal(raw, &wrapped) == nil && wrapped.Unsafe != nil:
		text = *wrapped.Unsafe
	case json.Unmarshal(raw, &number) == nil:
		text = number.String()
	default:
		return "", errors.New("is neither a text nor a number")
	}
	switch {
	case strings.Contains(text, "{{") || strings.Contains(text, "{%"):
		return "", errors.New("is a template, which only ansible can fill in")
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", errors.New("holds a control character")
	}
	return text, nil
}

// readInventory returns the hosts of --inventory and --group.
func (a *app) readInventory(ctx context.Context, f *connectionFlags) ([]listed, error) {
	name, r := "stdin", a.stdin
	if f.inventory != "-" {
		name = f.inventory
		file, err := openListed(ctx, f.origin("inventory")+": "+name, name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // it was read
		r = file
	}
	raw, err := readListed(ctx, r, maxInventory)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var list []listed
	if err == nil {
		list, err = parseInventory(name, raw, f.group)
		clear(raw) // there may be passwords in it
	}
	if err != nil {
		return nil, &usageError{f.origin("inventory") + ": " + name + ": " + fileReason(err)}
	}
	return list, nil
}

// An inventory is the groups of an inventory, and what is said of the hosts.
type inventory struct {
	groups map[string]inventoryGroup
	vars   map[string]inventoryVars
}

// parseInventory returns the hosts of a group, or all if group is empty: first those below the group all, in the order of the lists, each
// once.
func parseInventory(name string, raw []byte, group string) ([]listed, error) {
	inv := inventory{groups: map[string]inventoryGroup{}}
	if err := json.Unmarshal(raw, &inv.groups); err != nil {
		return nil, inventoryError(err)
	}
	inv.vars = inv.groups["_meta"].Hostvars
	delete(inv.groups, "_meta")
	hosts, err := inv.hosts(group)
	if err != nil {
		return nil, err
	}
	list := make([]listed, 0, len(hosts))
	for _, host := range hosts {
		list = append(list, inv.listed(name, host))
	}
	return list, nil
}

// inventoryError says what is wrong without a piece of the text, which may be of a password.
func inventoryError(err error) error {
	const want = `it is not the JSON of "ansible-inventory --list"`
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return fmt.Errorf("%s: at byte %d, %s is no %v", want, e.Offset, e.Field, e.Type)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%s: at byte %d", want, e.Offset)
	}
	return errors.New(want)
}

// hosts returns the names of the hosts in a group, or of all.
func (inv *inventory) hosts(group string) ([]string, error) {
	const all = "all"
	next := []string{group} // the last one first
	switch _, there := inv.groups[group]; {
	case group == "" || group == all:
		next = append([]string{all}, slices.Sorted(maps.Keys(inv.groups))...)
		slices.Reverse(next)
	case !there && !inv.isChild(group):
		return nil, fmt.Errorf("there is no group %q; there are %s", group, several(slices.Sorted(maps.Keys(inv.groups)), 20))
	}
	var hosts []string
	taken, visited := map[string]bool{}, map[string]bool{}
	for len(next) > 0 {
		name := next[len(next)-1]
		next = next[:len(next)-1]
		if visited[name] {
			continue // groups may hold each other
		}
		visited[name] = true
		g := inv.groups[name] // one without hosts may be left out
		if !g.Vars.empty() {
			return nil, fmt.Errorf("group %q has variables of its own, as --export writes them; leave that out, and they are the hosts'", name)
		}
		for _, host := range g.Hosts {
			if !taken[host] {
				taken[host] = true
				hosts = append(hosts, host)
			}
		}
		for _, child := range slices.Backward(g.Children) {
			next = append(next, child)
		}
	}
	return hosts, nil
}

// isChild tells whether a group stands in another one. It is left out at the top when it is empty.
func (inv *inventory) isChild(name string) bool {
	for _, g := range inv.groups {
		if slices.Contains(g.Children, name) {
			return true
		}
	}
	return false
}

// listed returns a host of the inventory of that name.
func (inv *inventory) listed(name, host string) listed {
	vars := inv.vars[host]
	l := listed{name: host, where: fmt.Sprintf("%s: %q", name, host)}
	var port string
	for _, v := range []struct {
		name string
		raw  json.RawMessage
		text *string
	}{{"ansible_host", vars.Host, &l.arg}, {"ansible_port", vars.Port, &port}, {"ansible_user", vars.User, &l.override.user}} {
		var err error
		if *v.text, err = inventoryText(v.raw); err != nil {
			l.err = fmt.Errorf("%s %w", v.name, err)
		}
	}
	l.arg = cmp.Or(l.arg, host)
	if addr, err := netip.ParseAddr(l.arg); err == nil && addr.Is6() {
		l.arg = "[" + l.arg + "]"
	}
	if port != "" && l.override.setPort(port) != nil {
		l.err = errors.New("ansible_port is not 1 to 65535")
	}
	if l.override != (override{}) {
		l.override.ansible = true
	}
	return l
}
