package events_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// lowMemory is what a destination says of web-01, for which it has no memory.
func lowMemory(at float64) said {
	return said{at: at, channel: worker, id: 3999, level: 2, args: []string{web, "0x8007000E"}, text: "No memory (0x8007000E). (Machine " + web + ")"}
}

// Which of what another host tells is of the other end of a migration, and what that is called.
func TestMergeOtherEnd(t *testing.T) {
	t.Parallel()
	unnamed := said{at: 9, channel: vmms, id: 14050, level: 2, text: "The name of the service is not registered (0x80070005)."}
	tests := []struct {
		name     string
		src, dst []said
		want     []string
	}{
		{
			"a destination that nobody names, and an event there that names nobody",
			[]said{failed(10, "web-01", web, "HV01")},
			[]said{unnamed},
			[]string{"[hv01] web-01/7C4C source failed 12:00:10+0s hv01> [21024] headline 21024"},
		},
		{
			"a cause there that names nobody",
			[]said{failed(10, "web-01", web, "HV01")},
			[]said{{at: 9, channel: vmms, id: 29998, level: 2, text: "The service disabled the listener for Virtual Machine migration connections."}},
			[]string{
				"[hv01] web-01/7C4C source failed 12:00:10+0s hv01> [21024] headline 21024",
				"[hv02] / - failed 12:00:09+0s [29998] causes [29998] listener-disabled of 29998 at hv02",
			},
		},
		{
			"an event there that names the machine",
			[]said{failed(10, "web-01", web, "HV01")},
			[]said{lowMemory(9)},
			[]string{
				"[hv01 hv02] web-01/7C4C both failed 12:00:10+0s hv01>hv02 [3999 21024] headline 21024 causes [3999] E_OUTOFMEMORY of 3999 at hv02",
			},
		},
		{
			"a cause of a move that goes on from there",
			[]said{began(0, "web-01", "HV02"), failed(10, "web-01", web, "HV01")},
			[]said{refused(8, "HV03", "0x8007274D")},
			[]string{
				"[hv01] web-01/7C4C source failed 12:00:00+10s hv01>HV02 [20413 21024] headline 21024",
				"[hv02] / source failed 12:00:08+0s hv02>HV03 [20306] causes [20306] WSAECONNREFUSED of 20306 at hv02",
			},
		},
		{
			"a hint is no better than what the source says of the connection; one that names the machine is",
			[]said{began(0, "web-01", "HV02"), refused(9, "HV02", "0x80072746"), failed(10, "web-01", web, "HV01")},
			[]said{unnamed, lowMemory(8)},
			[]string{
				"[hv01 hv02] web-01/7C4C both failed 12:00:00+10s hv01>hv02 [20413 3999 20306 14050 21024] headline 21024 causes [3999 20306] E_OUTOFMEMORY of 3999 at hv02",
			},
		},
		{
			"a success that comes after the failure",
			[]said{failed(0, "web-01", web, "HV01")},
			[]said{done(100, 20418, "web-01", web)},
			[]string{
				"[hv02] web-01/7C4C - completed 12:01:40+0s [20418]",
				"[hv01] web-01/7C4C source failed 12:00:00+0s hv01> [21024] headline 21024",
			},
		},
		{
			"an error of a machine that has come well",
			[]said{began(0, "web-01", "hv02"), done(10, 20415, "web-01", web)},
			[]said{lowMemory(9)},
			[]string{"[hv01] web-01/7C4C source completed 12:00:00+10s hv01>hv02 [20413 20415]"},
		},
		{
			"what a source tells, at the destination",
			[]said{began(0, "web-01", "hv02"), failed(10, "web-01", web, "HV01")},
			[]said{{at: 9, channel: ha, id: 21126, level: 2, text: "No address of 'hv02' (0x000013AB).", args: []string{"hv02"}}},
			[]string{
				"[hv01] web-01/7C4C source failed 12:00:00+10s hv01>hv02 [20413 21024] headline 21024",
				"[hv02] / source failed 12:00:09+0s hv02>hv02 [21126] causes [21126] ERROR_NETWORK_NOT_AVAILABLE of 21126 at hv02",
			},
		},
		{
			"a cause there whose text names the source",
			[]said{failed(10, "web-01", web, "HV01")},
			[]said{{
				at: 9, channel: vmms, id: 29998, level: 2, text: "The service disabled the listener for Virtual Machine migration connections of host 'HV01'.",
			}},
			[]string{
				"[hv01 hv02] web-01/7C4C both failed 12:00:10+0s hv01> [29998 21024] headline 21024 causes [29998] listener-disabled of 29998 at hv02",
			},
		},
		{
			"a hint there whose text names the source",
			[]said{failed(10, "web-01", web, "HV01")},
			[]said{{at: 9, channel: vmms, id: 29999, level: 2, text: "No room for host 'HV01' (0x8007000E)."}},
			[]string{"[hv01] web-01/7C4C source failed 12:00:10+0s hv01> [21024] headline 21024"},
		},
		{
			"a destination with its domain, and an end that does not say which it is",
			[]said{began(0, "web-01", "HV02.example.test"), done(20, 20415, "web-01", web)},
			[]said{done(20.5, 20418, "web-01", web)},
			[]string{"[hv01 hv02] web-01/7C4C both completed 12:00:00+20.5s hv01>hv02 [20413 20415 20418]"},
		},
		{
			"a beginning before the next",
			[]said{began(0, "web-01", "hv02"), began(600, "web-01", "hv02"), done(620, 20415, "web-01", web)},
			[]said{{at: 1, channel: ha, id: 21306, text: "Taking machine " + web + " over.", args: []string{web}}},
			[]string{
				"[hv01] web-01/7C4C source completed 12:10:00+20s hv01>hv02 [20413 20415]",
				"[hv01 hv02] web-01/7C4C both unknown 12:00:00+1s hv01>hv02 [20413 21306]",
			},
		},
		{
			"an error of a machine that has come well, and goes back",
			[]said{began(40, "web-01", "hv02"), failed(50, "web-01", web, "HV01")},
			[]said{began(0, "web-01", "hv01"), done(10, 20415, "web-01", web), lowMemory(49)},
			[]string{
				"[hv01 hv02] web-01/7C4C both failed 12:00:40+10s hv01>hv02 [20413 3999 21024] headline 21024 causes [3999] E_OUTOFMEMORY of 3999 at hv02",
				"[hv02] web-01/7C4C source completed 12:00:00+10s hv02>hv01 [20413 20415]",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, route := range []events.Route{events.RouteServerManager, events.RouteShell} {
				list := []*events.Report{reportOf(t, "hv01", route, 0, slices.Clone(tt.src)), reportOf(t, "hv02", route, 0, slices.Clone(tt.dst))}
				if diff := cmp.Diff(tt.want, sumAll(events.Merge(list...))); diff != "" {
					t.Errorf("%s (-want +got):\n%s", route, diff)
				}
			}
		})
	}
}

// A cause that names the source, not the machine, is of the other end if nobody else can be that.
func TestMergeThird(t *testing.T) {
	t.Parallel()
	disabled := said{
		at: 9, channel: vmms, id: 29998, level: 2, text: "The service disabled the listener for Virtual Machine migration connections.",
		named: []events.Field{{Name: "SourceHost", Value: "HV01"}},
	}
	for want, hosts := range map[string][]string{
		"[hv01 hv02] web-01/7C4C both failed 12:00:10+0s hv01> [29998 21024] headline 21024 causes [29998] listener-disabled of 29998 at hv02": {"hv02"},
		"[hv01] web-01/7C4C source failed 12:00:10+0s hv01> [21024] headline 21024":                                                            {"hv02", "hv03"},
	} {
		list := []*events.Report{reportOf(t, "hv01", events.RouteShell, 0, []said{failed(10, "web-01", web, "HV01")})}
		for _, host := range hosts {
			list = append(list, reportOf(t, host, events.RouteShell, 0, []said{disabled}))
			disabled.at = 9000
		}
		disabled.at = 9
		got := sumAll(events.Merge(list...))
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
}

// A cause that names other hosts than the two is of another migration.
func TestMergeElsewhere(t *testing.T) {
	t.Parallel()
	for _, f := range []events.Field{{Name: "SourceHost", Value: "HV07"}, {Name: "DestinationHost", Value: "HV07"}} {
		merged := events.Merge(
			reportOf(t, "hv01", events.RouteShell, 0, []said{began(0, "web-01", "HV02"), failed(10, "web-01", web, "HV01")}),
			reportOf(t, "hv02", events.RouteShell, 0, []said{{
				at: 9, channel: vmms, id: 29998, level: 2, text: "The service disabled the listener for Virtual Machine migration connections.",
				named: []events.Field{f},
			}}),
		)
		if got := sumAll(merged); len(got) != 2 || got[0] != "[hv01] web-01/7C4C source failed 12:00:00+10s hv01>HV02 [20413 21024] headline 21024" {
			t.Errorf("%s: %q", f.Name, got)
		}
	}
}

// Hosts that the user calls by address, or by another name, are known by what their events call them.
func TestMergeAlias(t *testing.T) {
	t.Parallel()
	read := func(host, computer string, s ...said) *events.Report {
		r, err := events.Read(t.Context(), &fakeHost{route: events.RouteShell, computer: computer, story: s}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		return r
	}
	merged := events.Merge(
		read("10.0.0.1", "", began(0, "web-01", "HV02"), failed(10, "web-01", web, "HV01")),
		read("10.0.0.2", "hv02.example.test", said{at: 9, channel: worker, id: 19544, level: 2, text: "No memory (0x8007000E)."}),
	)
	want := []string{
		"[10.0.0.1 10.0.0.2] web-01/7C4C both failed 12:00:00+10s 10.0.0.1>10.0.0.2 [20413 19544 21024] headline 21024 causes [19544] E_OUTOFMEMORY of 19544 at 10.0.0.2",
	}
	if diff := cmp.Diff(want, sumAll(merged)); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
	merged = events.Merge(
		read("10.0.0.2", "", said{at: 0, channel: ha, id: 21306, text: "Taking " + web + " over from 'HV01'.", args: []string{web}},
			said{at: 1, channel: ha, id: 21125, level: 2, text: "No switch for it (" + web + ").", named: []events.Field{{Name: "VmId", Value: web}, {Name: "SourceHost", Value: "HV01"}}}),
		read("10.0.0.1", "", failed(500, "db-01", db, "HV01"), refused(2, "10.0.0.2", "0x8007274D")),
	)
	want = []string{
		"[10.0.0.1] db-01/0D1A source failed 12:08:20+0s 10.0.0.1> [21024] headline 21024",
		"[10.0.0.2 10.0.0.1] /7C4C both failed 12:00:00+1s 10.0.0.1>10.0.0.2 [21306 21125 20306] causes [21125 20306]  of 21125 at 10.0.0.2",
	}
	if diff := cmp.Diff(want, sumAll(merged)); diff != "" {
		t.Errorf("by the source of a failure (-want +got):\n%s", diff)
	}
}

// Of one machine, both ends are told, although one of them knows it by its GUID alone.
func TestOnly(t *testing.T) {
	t.Parallel()
	for _, vm := range []string{"WEB-01", web} {
		var list []*events.Report
		for _, s := range [][]said{
			{began(0, "web-01", "hv02"), failed(10, "web-01", web, "HV01"), failed(500, "db-01", db, "HV01")},
			{{at: 8, channel: ha, id: 21306, text: "Taking " + web + " over.", args: []string{web}}, lowMemory(9), done(300, 20415, "app-01", mail)},
		} {
			r, err := events.Read(t.Context(), &fakeHost{route: events.RouteShell, story: s}, &events.Query{VM: vm})
			if err != nil {
				t.Fatal(err)
			}
			r.Host = []string{"hv01", "hv02"}[len(list)]
			list = append(list, r)
		}
		if n := len(list[0].Incidents); n != 1 {
			t.Errorf("%s: %d incidents of the source", vm, n)
		}
		merged := events.Merge(list...)
		want := []string{
			"[hv01 hv02] web-01/7C4C both failed 12:00:00+10s hv01>hv02 [20413 21306 3999 21024] headline 21024 causes [3999] E_OUTOFMEMORY of 3999 at hv02",
		}
		if diff := cmp.Diff(want, sumAll(merged)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", vm, diff)
		}
		merged.Only("")
		if n := len(merged.Incidents); n != 3 || !merged.Incidents[0].End.After(merged.Incidents[2].End) {
			t.Errorf("%s: %d incidents in all", vm, n)
		}
		if merged.Only("nobody"); len(merged.Incidents) > 0 {
			t.Errorf("%s: nobody has %d incidents", vm, len(merged.Incidents))
		}
	}
	// A machine that one incident tells by its name alone is that of the GUID.
	r := &events.Report{Incidents: []*events.Incident{
		{VM: "web-01", VMID: web, End: noon()}, {VM: "Web-01", End: noon().Add(-time.Hour)}, {VMID: web}, {VMID: db, VM: "db-01"}, {},
	}}
	for _, vm := range []string{web, "WEB-01"} {
		if r.Only(vm); len(r.Incidents) != 3 {
			t.Errorf("%d incidents of %s", len(r.Incidents), vm)
		}
	}
	if e := (&events.Incident{}).Explain(); len(e.Findings) > 0 {
		t.Errorf("of nothing: %v", e)
	}
}
