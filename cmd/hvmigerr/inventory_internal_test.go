// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inventoryJSON has the shape of what "ansible-inventory --list" prints.
const inventoryJSON = `{
  "_meta": {"hostvars": {
    "web 01": {"ansible_host": "192.0.2.7", "ansible_port": 5986, "ansible_user": "CORP\\reader", "ansible_password": "hunter2"},
    "hv02": {"ansible_host": {"__ansible_unsafe": "2001:db8::2"}, "ansible_port": "5985", "other": [1, {"a": null}]},
    "hv03": {"ansible_user": null, "ansible_port": {"__ansible_unsafe": "5986"}}
  }, "profile": "inventory_legacy"},
  "all": {"children": ["ungrouped", "west", "east", "empty"]},
  "east": {"hosts": ["hv03", "web 01"], "children": ["inner"]},
  "west": {"hosts": ["hv03", "hv02"]},
  "inner": {"hosts": ["hv04"], "children": ["east"]},
  "apart": ["hv05"]
}`

func TestParseInventory(t *testing.T) {
	t.Parallel()
	host := func(name string) told { return told{Arg: name, Name: name, Where: fmt.Sprintf("inv: %q", name)} }
	one := func(vars, err string) (in string, want []told) {
		want = []told{host("h")}
		want[0].Err = err
		return `{"_meta": {"hostvars": {"h": {` + vars + `}}}, "g": {"hosts": ["h"]}}`, want
	}
	web, hv02, hv03 := host("web 01"), host("hv02"), host("hv03")
	web.Arg, web.Override = "192.0.2.7", override{port: 5986, user: `CORP\reader`, ansible: true}
	hv02.Arg, hv02.Override = "[2001:db8::2]", override{port: 5985, ansible: true}
	hv03.Override = override{port: 5986, ansible: true}
	type row struct {
		name, in, group string
		want            []told
		err             string
	}
	rows := []row{
		{name: "all", in: inventoryJSON, want: []told{hv03, hv02, web, host("hv04"), host("hv05")}},
		{name: "the group all", in: inventoryJSON, group: "all", want: []told{hv03, hv02, web, host("hv04"), host("hv05")}},
		{name: "a group", in: inventoryJSON, group: "west", want: []told{hv03, hv02}},
		{name: "groups within each other", in: inventoryJSON, group: "inner", want: []told{host("hv04"), hv03, web}},
		{name: "a list in place of a group", in: inventoryJSON, group: "apart", want: []told{host("hv05")}},
		{name: "a group that is left out because it is empty", in: inventoryJSON, group: "empty"},
		{name: "an unknown group", in: inventoryJSON, group: "East", err: `there is no group "East"; there are all, apart, east, inner, west`},
		{name: "_meta is no group", in: inventoryJSON, group: "_meta", err: `there is no group "_meta"`},
		{name: "no host at all", in: "{}"},
		{name: "without variables", in: `{"g": {"hosts": ["h"]}}`, want: []told{host("h")}},
		{name: "variables of a group", in: `{"g": {"hosts": ["h"], "vars": {"ansible_user": "x"}}}`, err: `group "g" has variables of its own`},
		{name: "variables of a group that do not matter", in: `{"g": {"hosts": ["h"], "vars": {"x": 1}}}`, want: []told{host("h")}},
		{name: "no JSON", in: `{"hunter2`, err: `it is not the JSON of "ansible-inventory --list": at byte 9`},
		{name: "YAML", in: "all:\n  hosts:\n    hunter2:\n", err: `it is not the JSON of "ansible-inventory --list": at byte 1`},
		{name: "not an object", in: `["hunter2"]`, err: "it is not the JSON"},
		{name: "hosts with variables, as in YAML", in: `{"all": {"hosts": {"hunter2": {}}}}`, err: "hosts is no []string"},
	}
	for _, bad := range [][2]string{
		{`"ansible_host": "{{ hunter2 }}"`, "ansible_host is a template, which only ansible can fill in"},
		{`"ansible_user": "{% if hunter2 %}"`, "ansible_user is a template, which only ansible can fill in"},
		{`"ansible_host": {"__ansible_vault": "hunter2"}`, "ansible_host is neither a text nor a number"},
		{`"ansible_port": [5985]`, "ansible_port is neither a text nor a number"},
		{`"ansible_port": true`, "ansible_port is neither a text nor a number"},
		{`"ansible_port": 0`, "ansible_port is not 1 to 65535"},
		{`"ansible_port": "https"`, "ansible_port is not 1 to 65535"},
		{`"ansible_port": 59.85`, "ansible_port is not 1 to 65535"},
		{`"ansible_user": "a\u0007"`, "ansible_user holds a control character"},
	} {
		in, want := one(bad[0], bad[1])
		rows = append(rows, row{name: bad[0], in: in, want: want})
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			list, err := parseInventory("inv", []byte(tt.in), tt.group)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("parseInventory = %v, want an error about %q, without hunter2", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tell(list), cmp.AllowUnexported(override{})); diff != "" {
				t.Errorf("parseInventory, -want +got:\n%s", diff)
			}
		})
	}
}

// FuzzParseInventory: whatever is read, each host is there once, and has a name.
func FuzzParseInventory(f *testing.F) {
	for _, group := range []string{"", "east", "inner", "nosuch"} {
		f.Add([]byte(inventoryJSON), group)
	}
	f.Add([]byte(`{"g": ["h", "h"], "h": {"children": ["g", "h"]}, "_meta": null}`), "h")
	f.Fuzz(func(t *testing.T, raw []byte, group string) {
		list, err := parseInventory("inv", raw, group)
		if err != nil {
			if list != nil {
				t.Errorf("%d hosts beside %v", len(list), err)
			}
			return
		}
		seen := map[string]bool{}
		for _, l := range list {
			if seen[l.name] {
				t.Errorf("%q is there twice", l.name)
			}
			seen[l.name] = true
		}
	})
}
