package invoke_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// The tests of this file run the real wsman.Client against the simulated host.

const (
	failedID  = "0F0E0D0C-0001-4000-8000-0000000000D1"
	unnamedID = "0F0E0D0C-0002-4000-8000-0000000000D2"
	warnedID  = "0F0E0D0C-0003-4000-8000-0000000000D3"
	runningID = "0F0E0D0C-0004-4000-8000-0000000000D4"
)

// model is a host with four jobs: two that failed, of which only the first names its machine in a message.
func model() *wsmantest.Model {
	const minute = wsmantest.Duration(time.Minute)
	return &wsmantest.Model{
		Host: "HV01",
		VMs:  []wsmantest.VM{{Name: "web01", ID: guidWeb}, {Name: "sql", ID: guidSQL}},
		Jobs: []wsmantest.Job{
			{
				ID: failedID, VM: "web01", Destination: "HV02", StartsAfter: -2 * minute, Duration: minute,
				Outcome: wsmantest.Failed,
				Errors: []wsmantest.Error{
					{Message: headline, MessageID: "21024", MessageArguments: []string{"web01", guidWeb, "HV01"}},
					{Message: cause, MessageID: "20414", MessageArguments: []string{"HV02"}},
				},
			},
			{
				ID: unnamedID, VM: "sql", StartsAfter: -2 * minute, Duration: minute, Outcome: wsmantest.CompletedWithError,
				Errors: []wsmantest.Error{{Message: cause, MessageID: "20414"}},
			},
			{ID: warnedID, VM: "sql", StartsAfter: -2 * minute, Duration: minute, Outcome: wsmantest.Warnings},
			{ID: runningID, VM: "web01", StartsAfter: -minute, Duration: 60 * minute},
		},
	}
}

// connect returns a client of a simulated host, without a network, as one of wsmantest.DefaultUsers.
func connect(t *testing.T, m *wsmantest.Model, user string, rules ...wsmantest.Rule) (*wsman.Client, *wsmantest.Server) {
	t.Helper()
	return connectTo(t, wsmantest.Config{Model: m, Rules: rules}, user)
}

func connectTo(t *testing.T, cfg wsmantest.Config, user string) (*wsman.Client, *wsmantest.Server) {
	t.Helper()
	cfg.Users = wsmantest.DefaultUsers()
	server, err := wsmantest.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: server.Transport(user), QuotaRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return c, server
}

func operations(s *wsmantest.Server) []string {
	var out []string
	for _, r := range s.Requests() {
		out = append(out, r.Operation)
	}
	return out
}

// TestHostRequests counts what one diagnosis costs: three requests when a message names the machine, one more otherwise.
func TestHostRequests(t *testing.T) {
	for id, tt := range map[string]struct {
		vm    string
		parts []string
		asked []string
	}{
		failedID: {
			"web01", []string{
				"GetErrorEx[0]+GetError+ErrorDescription+ErrorSummaryDescription: " + headline, "GetErrorEx[1]: " + cause,
			}, []string{"GetErrorEx", "GetError"},
		},
		unnamedID: {
			"sql",
			[]string{"GetErrorEx[0]+GetError+ErrorDescription+ErrorSummaryDescription: " + cause},
			[]string{"GetErrorEx", "GetError", "Enumerate"},
		},
	} {
		for first, find := range map[string]func(invoke.Client) (*invoke.MigrationJob, error){
			"Get": func(c invoke.Client) (*invoke.MigrationJob, error) { return invoke.Job(t.Context(), c, id) },
			"Enumerate": func(c invoke.Client) (found *invoke.MigrationJob, err error) {
				for j, err := range invoke.Jobs(t.Context(), c, &invoke.Filter{InstanceID: id}) {
					found = j
					if err != nil {
						return nil, err
					}
				}
				return found, nil
			},
		} {
			c, server := connect(t, model(), "administrator")
			j, err := find(c)
			if err != nil {
				t.Fatal(err)
			}
			if len(j.Problems) > 0 || !j.Failed() {
				t.Errorf("failed %t, problems %v", j.Failed(), j.Problems)
			}
			d, err := invoke.Diagnose(t.Context(), c, j)
			if err != nil {
				t.Fatal(err)
			}
			if d.VM != tt.vm || d.Expired {
				t.Errorf("VM %q, expired %t; want %q", d.VM, d.Expired, tt.vm)
			}
			if diff := cmp.Diff(tt.parts, show(d)); diff != "" {
				t.Errorf("Parts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{first}, tt.asked...), operations(server)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if n := server.OpenEnumerations(); n != 0 {
				t.Errorf("%d enumerations left open", n)
			}
		}
	}
}

// TestHostConnection does the same over HTTPS, in one TCP connection.
func TestHostConnection(t *testing.T) {
	server, err := wsmantest.NewServer(wsmantest.Config{Model: model(), Users: wsmantest.DefaultUsers()})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	pin, err := transport.ParsePin(server.Pin())
	if err != nil {
		t.Fatal(err)
	}
	tr, err := transport.New(transport.Config{
		URL: server.URL(), Pins: []transport.Pin{pin}, Auth: transport.AuthBasic,
		User: "administrator", Password: transport.NewSecret("administrator-pass"),
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: tr})
	if err != nil {
		t.Fatal(err)
	}
	j, err := invoke.Job(t.Context(), c, failedID)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := invoke.Diagnose(t.Context(), c, j); err != nil || len(d.Parts) != 2 {
		t.Errorf("%d parts, %v, want 2", len(d.Parts), err)
	}
	if n, asked := server.Connections(), operations(server); n != 1 || len(asked) != 3 {
		t.Errorf("%d connections, requests %v; want one connection and three requests", n, asked)
	}
}

func TestHostFilters(t *testing.T) {
	c, _ := connect(t, model(), "administrator")
	for _, tt := range []struct {
		filter invoke.Filter
		want   []string
	}{
		{invoke.Filter{}, []string{failedID, unnamedID, warnedID, runningID}},
		{invoke.Filter{Failed: true}, []string{failedID, unnamedID}},
		{invoke.Filter{Warnings: true}, []string{warnedID}},
		{invoke.Filter{Running: true}, []string{runningID}},
		{invoke.Filter{VM: "WEB01"}, []string{failedID, runningID}},
		{invoke.Filter{VM: strings.ToLower(guidSQL)}, []string{unnamedID, warnedID}},
		{invoke.Filter{Since: time.Now().Add(-time.Hour), Failed: true}, []string{failedID, unnamedID}},
	} {
		got, err := ids(t, invoke.Jobs(t.Context(), c, &tt.filter))
		slices.Sort(got)
		if err != nil || !cmp.Equal(got, tt.want) {
			t.Errorf("%+v: %v, %v, want %v", tt.filter, got, err, tt.want)
		}
	}
	if _, err := ids(t, invoke.Jobs(t.Context(), c, &invoke.Filter{VM: `no'such"\machine`})); !errors.Is(err, invoke.ErrNoSuchJob) {
		t.Errorf("a machine that is not there: %v, want ErrNoSuchJob", err)
	}
}

func TestHostErrors(t *testing.T) {
	none := &wsmantest.Model{VMs: []wsmantest.VM{{Name: "web01", ID: guidWeb}}}
	tests := []struct {
		name  string
		model *wsmantest.Model
		user  string
		want  any // of Job with an unknown id
	}{
		{"expired", model(), "administrator", invoke.ErrNoSuchJob},
		{"no jobs", none, "administrator", invoke.ErrNoSuchJob},
		{"outsider", model(), "outsider", invoke.ErrNothingVisible},
		{"no Hyper-V", &wsmantest.Model{NoHyperV: true}, "administrator", invoke.ErrNoHyperV},
		{"denied", model(), "denied", new(*wsman.Fault)},
		{"unknown user", model(), "nobody", new(*wsman.HTTPError)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := connect(t, tt.model, tt.user)
			if j, err := invoke.Job(t.Context(), c, jobID); j != nil || !matches(err, tt.want) {
				t.Errorf("Job = %v, %v, want %v", j, err, tt.want)
			}
		})
	}
}

// TestHostDiagnose breaks one of the two methods and looks at what is left.
func TestHostDiagnose(t *testing.T) {
	ofJob := []string{"ErrorDescription+ErrorSummaryDescription: " + headline}
	cut := 20
	tests := []struct {
		name  string
		user  string
		rule  wsmantest.Rule
		job   func(*wsmantest.Job)
		parts []string
		err   any
	}{
		{name: "may not invoke", user: "reader", parts: ofJob, err: new(*wsman.Fault)},
		{name: "fault", rule: wsmantest.Rule{Operation: "GetErrorEx", Fault: wsmantest.FaultInternalError}, parts: []string{"GetError[0]+ErrorDescription+ErrorSummaryDescription: " + headline}, err: new(*wsman.Fault)},
		{name: "garbage", rule: wsmantest.Rule{Operation: "GetErrorEx", Garbage: 100}, parts: []string{"GetError[0]+ErrorDescription+ErrorSummaryDescription: " + headline}, err: new(*wsman.ProtocolError)},
		{name: "cut for good", rule: wsmantest.Rule{Operation: "GetErrorEx", Cut: &cut}, parts: []string{"GetError[0]+ErrorDescription+ErrorSummaryDescription: " + headline}, err: wsman.ErrConnectionLost},
		{name: "cut once", rule: wsmantest.Rule{Operation: "GetErrorEx", Cut: &cut, Count: 1}, parts: []string{"GetErrorEx[0]+GetError+ErrorDescription+ErrorSummaryDescription: " + headline, "GetErrorEx[1]: " + cause}},
		{name: "NULL", job: func(j *wsmantest.Job) {
			j.GetErrorEx = &wsmantest.Answer{Form: wsmantest.FormNull}
			j.GetError = j.GetErrorEx
		}, parts: ofJob},
		{name: "empty", job: func(j *wsmantest.Job) {
			j.GetErrorEx = &wsmantest.Answer{Form: wsmantest.FormEmpty}
			j.GetError = j.GetErrorEx
		}, parts: ofJob},
		{name: "absent", job: func(j *wsmantest.Job) {
			j.GetErrorEx = &wsmantest.Answer{Form: wsmantest.FormAbsent}
			j.GetError = j.GetErrorEx
		}, parts: ofJob},
		{name: "return value", job: func(j *wsmantest.Job) { j.GetErrorEx = &wsmantest.Answer{ReturnValue: 32775, Form: wsmantest.FormNull} }, parts: []string{"GetError[0]+ErrorDescription+ErrorSummaryDescription: " + headline}, err: new(*invoke.ReturnValueError)},
		{name: "one is no XML", job: func(j *wsmantest.Job) { j.Errors[1].Raw = "<INSTANCE" }, parts: []string{"GetErrorEx[0]+GetError+ErrorDescription+ErrorSummaryDescription: " + headline, "GetErrorEx[1]: problem"}},
		{name: "none is XML", job: func(j *wsmantest.Job) { j.GetErrorEx = &wsmantest.Answer{Errors: []wsmantest.Error{{Raw: "a & b"}}} }, parts: []string{"GetErrorEx[0]: problem", "GetError[0]+ErrorDescription+ErrorSummaryDescription: " + headline}, err: new(*cimerror.DecodeError)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := model()
			if tt.job != nil {
				tt.job(&m.Jobs[0])
			}
			user := tt.user
			if user == "" {
				user = "administrator"
			}
			c, _ := connect(t, m, user, tt.rule)
			j, err := invoke.Job(t.Context(), c, failedID)
			if err != nil {
				t.Fatal(err)
			}
			d, err := invoke.Diagnose(t.Context(), c, j)
			if !matches(err, tt.err) {
				t.Errorf("error = %v, want %T", err, tt.err)
			}
			if diff := cmp.Diff(tt.parts, show(d)); diff != "" {
				t.Errorf("Parts (-want +got):\n%s", diff)
			}
			if d.VM != "web01" {
				t.Errorf("VM = %q", d.VM)
			}
		})
	}
}

// TestHostExpired lets the host forget a job between the list and the questions.
func TestHostExpired(t *testing.T) {
	now := time.Now()
	c, server := connectTo(t, wsmantest.Config{Model: model(), Clock: func() time.Time { return now }}, "administrator")
	j, err := invoke.Job(t.Context(), c, failedID)
	if err != nil {
		t.Fatal(err)
	}
	removal, ok := j.Removal()
	if !ok || removal.Sub(now) > 5*time.Minute {
		t.Fatalf("the job goes at %v, %t", removal, ok)
	}
	now = removal.Add(time.Second)
	d, err := invoke.Diagnose(t.Context(), c, j)
	if err != nil || !d.Expired {
		t.Errorf("expired %t, %v, want true and no error", d.Expired, err)
	}
	want := []string{"ErrorDescription+ErrorSummaryDescription: " + headline}
	if diff := cmp.Diff(want, show(d)); diff != "" {
		t.Errorf("Parts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Get", "GetErrorEx", "GetError", "Enumerate"}, operations(server)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if _, err := invoke.Job(t.Context(), c, failedID); !errors.Is(err, invoke.ErrNoSuchJob) {
		t.Errorf("Job = %v, want ErrNoSuchJob", err)
	}
}

// TestHostDeadline lets a slow host run into the caller's deadline.
func TestHostDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server := connect(t, model(), "administrator", wsmantest.Rule{Operation: "GetErrorEx", Delay: wsmantest.Duration(time.Hour)})
		j, err := invoke.Job(t.Context(), c, failedID)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		d, err := invoke.Diagnose(ctx, c, j)
		if !errors.Is(err, ctx.Err()) || len(d.Parts) != 1 {
			t.Errorf("%d parts, %v; want the job's own and the end of the deadline", len(d.Parts), err)
		}
		if got := operations(server); slices.Contains(got, "GetError") {
			t.Errorf("asked %v after the deadline", got)
		}
	})
}
