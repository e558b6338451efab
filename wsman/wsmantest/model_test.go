package wsmantest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestLife follows jobs from before their start to after their removal.
func TestLife(t *testing.T) {
	t.Parallel()
	m := &wsmantest.Model{Jobs: []wsmantest.Job{
		{ID: "F", VM: "x", StartsAfter: minute, Duration: 2 * minute, Outcome: wsmantest.Failed, Percent: 40, Errors: []wsmantest.Error{{Message: "why"}}},
		{ID: "W", VM: "x", StartsAfter: minute, Duration: 2 * minute, Outcome: wsmantest.Warnings, TimeBeforeRemoval: minute},
		{ID: "E", VM: "x", StartsAfter: minute, Duration: 2 * minute, Outcome: wsmantest.CompletedWithError, ErrorCode: 32770},
		{ID: "T", VM: "x", StartsAfter: minute, Outcome: wsmantest.Terminated},
		{ID: "K", VM: "x", StartsAfter: minute, Outcome: wsmantest.Killed},
	}}
	now := &clock{start}
	s := newServer(t, wsmantest.Config{Model: m, Clock: now.now})
	c := newClient(t, s, wsman.Config{})
	tests := []struct {
		after time.Duration
		want  string // ID JobState PercentComplete ErrorCode ErrorDescription
	}{
		{0, ""},
		{59 * time.Second, ""},
		{60 * time.Second, "F 4 0 0 | W 4 0 0 | E 4 0 0 | T 8 30 32768 | K 9 30 32768"},
		{120 * time.Second, "F 4 20 0 | W 4 50 0 | E 4 15 0 | T 8 30 32768 | K 9 30 32768"},
		{180 * time.Second, "F 10 40 32768 why | W 32768 100 0 | E 7 30 32770 | T 8 30 32768 | K 9 30 32768"},
		{240 * time.Second, "F 10 40 32768 why | E 7 30 32770 | T 8 30 32768 | K 9 30 32768"},
		{360 * time.Second, "F 10 40 32768 why | E 7 30 32770"},
		{479 * time.Second, "F 10 40 32768 why | E 7 30 32770"},
		{480 * time.Second, ""},
	}
	for _, tt := range tests {
		now.t = start.Add(tt.after)
		var got []string
		for i, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs()}) {
			if err != nil {
				t.Fatal(err)
			}
			var fields []string
			for _, name := range []string{"InstanceID", "JobState", "PercentComplete", "ErrorCode", "ErrorDescription"} {
				p, _, _ := i.Scalar(name)
				fields = append(fields, p.Text)
			}
			got = append(got, strings.TrimSpace(strings.Join(fields, " ")))
		}
		if text := strings.Join(got, " | "); text != tt.want {
			t.Errorf("after %v: %s, want %s", tt.after, text, tt.want)
		}
	}
	now.t = start.Add(10 * time.Minute)
	if _, err := invoke(t, c, "GetErrorEx", "F"); !faultOf(t, err).NotFound() {
		t.Errorf("a removed job: %v, want not found", err)
	}
}

// TestRepeat sees the same job come again under new ids, and never too many at once.
func TestRepeat(t *testing.T) {
	t.Parallel()
	m := &wsmantest.Model{Jobs: []wsmantest.Job{{ID: "FIRST", StartsAfter: minute, Duration: minute, TimeBeforeRemoval: 2 * minute}}}
	m.Repeat(2 * time.Minute)
	now := &clock{start}
	s := newServer(t, wsmantest.Config{Model: m, Clock: now.now})
	c := newClient(t, s, wsman.Config{})
	seen := map[string]bool{}
	for minutes, want := range []int{0, 1, 1, 2, 1, 2, 1, 2} {
		now.t = start.Add(time.Duration(minutes) * time.Minute)
		ids, err := collect(t, c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs()}), "InstanceID")
		if err != nil || len(ids) != want {
			t.Errorf("after %d min: %q, %v; want %d jobs", minutes, ids, err, want)
		}
		for _, id := range ids {
			seen[id] = true
			if _, err := invoke(t, c, "GetError", id); err != nil {
				t.Errorf("after %d min: %v", minutes, err)
			}
		}
	}
	if len(seen) != 4 || !seen["FIRST"] {
		t.Errorf("ids %v, want 4 with the model's own", seen)
	}
	now.t = start.AddDate(0, 0, 7)
	if ids, err := collect(t, c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs()}), "InstanceID"); err != nil || len(ids) == 0 || len(ids) > 2 {
		t.Errorf("a week later: %q, %v; want one or two jobs", ids, err)
	}
}

// TestDefaultModel always shows failed jobs, of which four have several errors.
func TestDefaultModel(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{Model: wsmantest.DefaultModel(start)})
	c := newClient(t, s, wsman.Config{})
	states := map[string]int{}
	errorsOf := map[string]int{}
	for i, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs()}) {
		if err != nil {
			t.Fatal(err)
		}
		id, _, _ := i.Scalar("InstanceID")
		state, _, _ := i.Scalar("JobState")
		states[state.Text]++
		out, err := invoke(t, c, "GetErrorEx", id.Text)
		if err != nil {
			t.Fatal(err)
		}
		texts, _ := out.Array("Errors")
		errorsOf[state.Text] += len(texts)
	}
	if diff := cmp.Diff(map[string]int{"10": 4, "32768": 1, "7": 1, "4": 1}, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"10": 10, "32768": 1, "7": 0, "4": 0}, errorsOf); diff != "" {
		t.Errorf("errors by state (-want +got):\n%s", diff)
	}
	// A default model is valid as a file.
	b, err := json.Marshal(wsmantest.DefaultModel(start))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wsmantest.DecodeModel(bytes.NewReader(b)); err != nil {
		t.Errorf("DecodeModel of the default model: %v", err)
	}
}

// TestDecodeModel reads a model with everything in it and looks at what the host then says.
func TestDecodeModel(t *testing.T) {
	t.Parallel()
	m, err := wsmantest.DecodeModel(strings.NewReader(`{
		"host": "HV5", "start": "2026-11-20T08:00:00Z", "locale": "de-DE",
		"vms": [{"name": "v", "id": "V-1", "state": "saved", "properties": {"ProcessID": 77}}],
		"users": [{"name": "me", "password": "secret", "access": "read"}],
		"jobs": [{
			"id": "J-1", "vm": "v", "type": "storage", "startsAfter": "-1m", "duration": "10s", "outcome": "failed",
			"errors": [{"raw": "<broken"}, {"message": "m", "class": "X_Error", "properties": {"Own": [1, 2], "Message": null}}],
			"getErrorEx": {"returnValue": 32769},
			"properties": {"Caption": null, "Owner": "me", "UntilTime": "2026-01-02T03:04:05.5+01:00", "RunStartInterval": "90m",
				"StartTime": "bad", "OperationalStatus": [2, 3], "Cancellable": false, "Own": 12345678901234567890, "Empty": []}
		}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, wsmantest.Config{Model: m, Users: wsmantest.DefaultUsers()})
	c := newClient(t, s, wsman.Config{})
	job, err := c.Get(t.Context(), &wsman.GetRequest{Resource: jobs(), Selectors: key("J-1")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range job.Properties {
		text := p.Text
		if p.Nil {
			text = "NULL"
		}
		for _, c := range p.Children {
			text += c.Name + " " + c.Text
		}
		got[p.Name] += text + ";"
	}
	for name, want := range map[string]string{
		"Caption": "NULL;", "Owner": "me;", "UntilTime": "Datetime 2026-01-02T02:04:05.5Z;", "RunStartInterval": "Interval P0DT1H30M0S;",
		"StartTime": "Datetime bad;", "OperationalStatus": "2;3;", "Cancellable": "false;", "Own": "12345678901234567890;",
		"JobType": "307;", "MigrationType": "32769;", "VirtualSystemName": "V-1;", "Empty": "", "UnsetAnyway": "",
		"ElapsedTime": "Interval P0DT0H0M10S;", "RunDay": "NULL;", "Notify": ";",
	} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
	out, err := invoke(t, c, "GetErrorEx", "J-1")
	if err != nil {
		t.Fatal(err)
	}
	value, _, _ := out.Scalar("ReturnValue")
	texts, _ := out.Array("Errors")
	if value.Text != "32769" || len(texts) != 2 || texts[0].Text != "<broken" ||
		!strings.HasPrefix(texts[1].Text, `<INSTANCE CLASSNAME="X_Error">`) ||
		!strings.Contains(texts[1].Text, `<PROPERTY NAME="Message" TYPE="string"></PROPERTY>`) ||
		!strings.Contains(texts[1].Text, `<PROPERTY.ARRAY NAME="Own" TYPE="string"><VALUE.ARRAY><VALUE>1</VALUE><VALUE>2</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>`) {
		t.Errorf("GetErrorEx = %s, %+v", value.Text, texts)
	}
	r := jobs()
	r.Class = "Msvm_ComputerSystem"
	vms, err := collect(t, c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: r}), "EnabledState")
	if err != nil || !slices.Equal(vms, []string{"2", "6"}) {
		t.Errorf("EnabledState of host and VM %q, %v; want 2 and 6", vms, err)
	}
}

// TestBadModels refuses what makes no sense, and says where.
func TestBadModels(t *testing.T) {
	t.Parallel()
	tests := []struct{ model, want string }{
		{``, "EOF"},
		{`[]`, "cannot unmarshal"},
		{`{} {}`, "text after"},
		{`{"hosts": 1}`, "unknown field"},
		{`{"vms": [{"name": "x"}]}`, "vms[0]: name and id"},
		{`{"vms": [{"name": "x", "id": "1", "state": "odd"}]}`, `vms[0]: state "odd"`},
		{`{"jobs": [{}]}`, "jobs[0]: id"},
		{`{"jobs": [{"id": "a"}, {"id": "A"}]}`, `jobs[1]: id "A" twice`},
		{`{"jobs": [{"id": "a", "outcome": "odd"}]}`, `outcome "odd"`},
		{`{"jobs": [{"id": "a", "type": "odd"}]}`, `type "odd"`},
		{`{"jobs": [{"id": "a", "percent": 101}]}`, "percent 101"},
		{`{"jobs": [{"id": "a", "duration": "-1s"}]}`, "negative"},
		{`{"jobs": [{"id": "a", "duration": 5}]}`, "want text such as"},
		{`{"jobs": [{"id": "a", "duration": "5 minutes"}]}`, "unknown unit"},
		{`{"jobs": [{"id": "a", "repeat": "1ms"}]}`, "repeat 1ms"},
		{`{"jobs": [{"id": "a", "getError": {"form": "odd"}}]}`, `getError: form "odd"`},
		{`{"jobs": [{"id": "a", "properties": {"a b": 1}}]}`, `property "a b"`},
		{`{"jobs": [{"id": "a", "properties": {"instanceID": "b"}}]}`, "that is what id is"},
		{`{"jobs": [{"id": "a", "properties": {"a": {}}}]}`, "property a: want"},
		{`{"jobs": [{"id": "a", "properties": {"a": [[]]}}]}`, "property a: want"},
		{`{"jobs": [{"id": "a", "errors": [{"properties": {"": 1}}]}]}`, `errors[0]: property ""`},
		{`{"noClasses": ["Msvm_ComputerSystem", "CIM_Job"]}`, `noClasses[1]: the host has no class "CIM_Job"`},
		{`{"migrationService": {"settings": {"a b": 1}}}`, `migrationService: settings: property "a b"`},
		{`{"migrationService": {"service": {"a": {}}}}`, "migrationService: service: property a: want"},
		{`{"migrationService": {"networks": [{}, {"": 1}]}}`, `migrationService: networks[1]: property ""`},
		{`{"serviceConfig": {"Service//Auth": 1}}`, `serviceConfig: "Service//Auth" is not a path`},
		{`{"serviceConfig": {"": 1}}`, `serviceConfig: "" is not a path`},
		{`{"serviceConfig": {"Service": {"Auth": 1}}}`, "serviceConfig: Service: want"},
		{`{"users": [{}]}`, "users[0]: name"},
		{`{"users": [{"name": "a", "access": "odd"}]}`, `access "odd"`},
		{`{"users": [{"name": "a", "certificate": "sha256:00"}]}`, "64 hex digits"},
		{`{"rules": [{"fault": "odd"}]}`, `rules[0]: fault "odd"`},
		{`{"rules": [{"status": 99}]}`, "status 99"},
		{`{"rules": [{"after": -1}]}`, "negative"},
		{`{"rules": [{"cut": -1}]}`, "cut"},
		{`{"rules": [{"layout": 6}]}`, "layout 6"},
		{`{"rules": [{"size": 9999999999}]}`, "cannot be above"},
		{`{"dialect": {"prefixes": {"s": "w"}}}`, `prefix "w"`},
		{`{"dialect": {"prefixes": {"s": "1"}}}`, "not an XML name"},
		{`{"dialect": {"itemsNamespace": "z"}}`, "itemsNamespace"},
		{`{"dialect": {"faultStatus": 999}}`, "faultStatus"},
		{`{"dialect": {"faultLayout": 9}}`, "faultLayout"},
		{`{"host": "` + strings.Repeat("x", 4<<20) + `"}`, "larger than"},
	}
	for _, tt := range tests {
		_, err := wsmantest.DecodeModel(strings.NewReader(tt.model))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("DecodeModel(%.60s) = %v, want an error with %q", tt.model, err, tt.want)
		}
	}
}

// TestPasswordsDoNotPrint formats users in every way.
func TestPasswordsDoNotPrint(t *testing.T) {
	t.Parallel()
	u := wsmantest.User{Name: "u", Password: "canary"}
	b, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %s %q %x %d %s %s", u, u, u, u.Password, u.Password, u.Password, u.Password, u.Password.String(), b)
	if strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
		t.Errorf("the password shows in %s", text)
	}
}

// TestConfigDoesNotPrint: nor do a server and its configuration show passwords and keys.
func TestConfigDoesNotPrint(t *testing.T) {
	t.Parallel()
	cfg := wsmantest.Config{HTTP: true, Users: []wsmantest.User{{Name: "u", Password: "canary"}}, Keytab: keytab()}
	s := newServer(t, cfg)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{cfg, &cfg, cfg.Keytab} {
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") || strings.Contains(strings.ToLower(text), "6b6b") ||
				strings.Contains(text, "kkkk") || strings.Contains(text, "107") || !strings.Contains(text, "REDACTED") {
				t.Errorf("%s of %T prints %s", verb, v, text)
			}
		}
		if got, want := fmt.Sprintf(verb, s), "simulated host HV77 of OTHER.EXAMPLE"; got != want {
			t.Errorf("%s of a Server prints %q, want %q", verb, got, want)
		}
	}
	if b, err := json.Marshal(cfg.Keytab); err != nil || string(b) != `"REDACTED"` {
		t.Errorf("a Keytab in JSON is %s, %v", b, err)
	}
}
