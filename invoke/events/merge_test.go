package events_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// reportOf reads a story of a host whose clock is ahead of ours.
func reportOf(t *testing.T, host string, route events.Route, clock time.Duration, story []said) *events.Report {
	t.Helper()
	for i := range story {
		story[i].at += clock.Seconds()
	}
	r, err := events.Read(t.Context(), &fakeHost{route: route, story: story, clock: clock}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	return r
}

// sumAll is sum with the hosts, and with the host of the first finding.
func sumAll(r *events.Report) []string {
	var out []string
	for _, in := range r.Incidents {
		s := fmt.Sprint(in.Hosts, " ", sumOf(in))
		if f := in.Explain().Findings; len(f) > 0 {
			s += " at " + f[0].Host
		}
		out = append(out, s)
	}
	return out
}

func TestMerge(t *testing.T) {
	t.Parallel()
	memory := func(at float64, vm, id string) said {
		return said{
			at: at, channel: worker, id: 3999, level: 2, args: []string{vm, id, "0x8007000E"},
			text: "„" + vm + "“ bekommt keinen Speicher (0x8007000E). (Computer-ID " + id + ")",
		}
	}
	gone := func(at float64, dst string) said {
		return said{at: at, channel: vmms, id: 20306, level: 2, args: []string{dst, "0x80072746"}, text: "'" + dst + "' hung up (0x80072746)."}
	}
	taken := func(at float64, id string) said {
		return said{at: at, channel: ha, id: 21306, text: "Taking machine " + id + " over.", args: []string{id}}
	}
	tests := []struct {
		name     string
		src, dst []said
		ahead    time.Duration // the clock of the destination
		want     []string
	}{
		{
			"the cause is on the other host, which tells of no migration",
			[]said{began(0, "web-01", "hv02"), gone(9, "hv02"), failed(9.1, "web-01", web, "HV01")},
			[]said{memory(8.9, "web-01", web)},
			0,
			[]string{
				"[hv01 hv02] web-01/7C4C both failed 12:00:00+9.1s hv01>hv02 [20413 3999 20306 21024] headline 21024 causes [3999 20306] E_OUTOFMEMORY of 3999 at hv02",
			},
		},
		{
			"the same by clocks that are an hour apart",
			[]said{began(0, "web-01", "hv02"), gone(9, "hv02"), failed(9.1, "web-01", web, "HV01")},
			[]said{taken(1, web), memory(8.9, "web-01", web)},
			time.Hour,
			[]string{
				"[hv01 hv02] web-01/7C4C both failed 12:00:00+9.1s hv01>hv02 [20413 21306 3999 20306 21024] headline 21024 causes [3999 20306] E_OUTOFMEMORY of 3999 at hv02",
			},
		},
		{
			"the reason stands beside no machine at the destination",
			[]said{refused(9, "HV02.example.test", "0x8007274D"), failed(9.1, "web-01", web, "HV01")},
			[]said{{at: 1, channel: vmms, id: 29998, level: 2, text: "The service disabled the listener for Virtual Machine migration connections."}},
			0,
			[]string{
				"[hv01 hv02] web-01/7C4C both failed 12:00:09+0s hv01>hv02 [29998 20306 21024] headline 21024 causes [29998 20306] listener-disabled of 29998 at hv02",
			},
		},
		{
			"a reason of a host that is not the other end is not taken",
			[]said{refused(9, "HV07", "0x8007274D"), failed(9.1, "web-01", web, "HV01")},
			[]said{{at: 1, channel: system, id: 1135, level: 1, text: "A node is gone."}},
			0,
			[]string{
				"[hv01] web-01/7C4C source failed 12:00:09+0s hv01>HV07 [20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306 at hv01",
			},
		},
		{
			"well at both ends",
			[]said{began(0, "web-01", "hv02"), done(9, 20415, "web-01", web)},
			[]said{taken(1, web), {at: 8, channel: ha, id: 21307, text: "Took machine " + web + " over.", args: []string{web}}},
			-3 * time.Minute,
			[]string{"[hv01 hv02] web-01/7C4C both completed 12:00:00+9s hv01>hv02 [20413 21306 21307 20415]"},
		},
		{
			"two sources are two moves: there, and on",
			[]said{began(0, "web-01", "hv02"), done(9, 20415, "web-01", web)},
			[]said{began(30, "web-01", "hv03"), done(39, 20415, "web-01", web)},
			0,
			[]string{
				"[hv02] web-01/7C4C source completed 12:00:30+9s hv02>hv03 [20413 20415]",
				"[hv01] web-01/7C4C source completed 12:00:00+9s hv01>hv02 [20413 20415]",
			},
		},
		{
			"attempts within a minute: each end finds its own",
			[]said{began(0, "web-01", "hv02"), failed(5, "web-01", web, "HV01"), began(30, "web-01", "hv02"), failed(35, "web-01", web, "HV01")},
			[]said{
				taken(1, web),
				{at: 4, channel: ha, id: 21125, level: 2, text: "No switch for 'web-01'.", args: []string{"web-01"}},
				taken(29.9, web), memory(34, "web-01", web),
			},
			0,
			[]string{
				"[hv01 hv02] web-01/7C4C both failed 12:00:29+5.1s hv01>hv02 [21306 20413 3999 21024] headline 21024 causes [3999] E_OUTOFMEMORY of 3999 at hv02",
				"[hv01 hv02] web-01/7C4C both failed 12:00:00+5s hv01>hv02 [20413 21306 21125 21024] headline 21024 causes [21125]  of 21125 at hv02",
			},
		},
		{
			"the destination knows the machine by its GUID here and by its name there: the source tells that they are one",
			[]said{began(0, "web-01", "hv02"), failed(5, "web-01", web, "HV01")},
			[]said{taken(1, web), {at: 4, channel: ha, id: 21125, level: 2, text: "No switch for 'web-01'.", args: []string{"web-01"}}},
			0,
			[]string{
				"[hv01 hv02] web-01/7C4C both failed 12:00:00+5s hv01>hv02 [20413 21306 21125 21024] headline 21024 causes [21125]  of 21125 at hv02",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, route := range []events.Route{events.RouteServerManager, events.RouteShell} {
				for _, swapped := range []bool{false, true} {
					list := []*events.Report{
						reportOf(t, "hv01", route, 0, slices.Clone(tt.src)), reportOf(t, "hv02", route, tt.ahead, slices.Clone(tt.dst)),
					}
					if swapped {
						slices.Reverse(list)
					}
					if diff := cmp.Diff(tt.want, sumAll(events.Merge(list...))); diff != "" {
						t.Errorf("%s, swapped %v (-want +got):\n%s", route, swapped, diff)
					}
				}
			}
		})
	}
}

// A cluster of three nodes is drained of a hundred machines: each is one incident of both ends, and those that fail have their causes.
func TestMergeDrain(t *testing.T) {
	t.Parallel()
	stories := map[string][]said{}
	tell := func(host string, s said) { stories[host] = append(stories[host], s) }
	for i := range 100 {
		vm, id, dst := fmt.Sprintf("vm-%03d", i), fmt.Sprintf("7C4C0D6F-9E7B-4B7C-9C1B-%012d", i), fmt.Sprintf("hv0%d", 2+i%2)
		at := float64(i) * 0.4
		tell("hv01", said{at: at, channel: ha, id: 21300, text: "Moving '" + vm + "' (" + id + ").", args: []string{id, vm}})
		tell(dst, said{at: at + 0.1, channel: ha, id: 21306, text: "Taking " + id + " over.", args: []string{id}})
		if i%10 != 3 {
			tell("hv01", done(at+30, 20415, vm, id))
			tell(dst, said{at: at + 29, channel: ha, id: 21307, text: "Took " + id + " over.", args: []string{id}})
			continue
		}
		tell("hv01", refused(at+9, dst, "0x80072746"))
		tell("hv01", failed(at+9.05, vm, id, "HV01"))
		tell(dst, said{
			at: at + 8.9, channel: worker, id: 3999, level: 2, args: []string{vm, id, "0x8007000E"},
			text: "'" + vm + "' got no memory (0x8007000E). (Machine " + id + ")",
		})
	}
	list := make([]*events.Report, 0, len(stories))
	for _, host := range []string{"hv01", "hv02", "hv03"} {
		slices.SortFunc(stories[host], func(a, b said) int { return int(1000*a.at) - int(1000*b.at) })
		list = append(list, reportOf(t, host, events.RouteServerManager, 0, stories[host]))
	}
	merged := events.Merge(list...)
	if len(merged.Incidents) != 100 {
		t.Fatalf("%d incidents, want 100", len(merged.Incidents))
	}
	for _, in := range merged.Incidents {
		if len(in.Hosts) != 2 || in.Role != events.RoleBoth || in.Source != "hv01" || in.Destination != in.Hosts[1] {
			t.Errorf("%v: %s", in.Hosts, sumOf(in))
		}
		var n int
		if _, err := fmt.Sscanf(in.VM, "vm-%d", &n); err != nil {
			t.Fatal(err)
		}
		if n%10 != 3 {
			if in.Outcome != events.OutcomeCompleted || len(in.Events) != 4 {
				t.Errorf("%s", sumOf(in))
			}
			continue
		}
		var causes []uint32
		for _, i := range in.Causes {
			causes = append(causes, in.Events[i].ID())
		}
		if diff := cmp.Diff([]uint32{3999, 20306}, causes); diff != "" || in.Outcome != events.OutcomeFailed {
			t.Errorf("%s:\n%s", sumOf(in), diff)
		}
	}
}

func TestMergeReport(t *testing.T) {
	t.Parallel()
	one := reportOf(t, "hv01", events.RouteShell, 0, []said{began(0, "web-01", "HV02"), failed(1, "web-01", web, "x")})
	two := reportOf(t, "hv02", events.RouteServerManager, 0, nil)
	logs := len(one.Logs) + len(two.Logs)
	two.Since = one.Since.Add(-time.Hour)
	merged := events.Merge(one, two)
	if merged.Route != "" || !merged.Since.Equal(two.Since) || len(merged.Logs) != logs || merged.Logs[logs-1].Host != "hv02" {
		t.Errorf("Merge gives %q, %v, %d logs", merged.Route, merged.Since, len(merged.Logs))
	}
	want := []string{"[hv01] web-01/7C4C source failed 12:00:00+1s hv01>HV02 [20413 21024] headline 21024"}
	if diff := cmp.Diff(want, sumAll(merged)); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
	for _, e := range merged.Incidents[0].Events {
		if e.Host != "hv01" {
			t.Errorf("event %d is of host %q", e.ID(), e.Host)
		}
	}
	if r := events.Merge(); len(r.Incidents)+len(r.Logs) > 0 {
		t.Errorf("Merge() = %v", r)
	}
}

// What another program made of its own, without Read, is merged as well.
func TestMergeMade(t *testing.T) {
	t.Parallel()
	made := func(host string, role events.Role, s ...said) *events.Report {
		in := &events.Incident{VMID: web, Role: role, Headline: -1}
		for i := range s {
			in.Events = append(in.Events, s[i].event(events.RouteShell, uint64(i)))
		}
		in.Begin, in.End = in.Events[0].Time, in.Events[len(s)-1].Time
		return &events.Report{Host: host, Incidents: []*events.Incident{in}}
	}
	merged := events.Merge(
		made("hv01", events.RoleSource, began(0, "web-01", "hv02"), failed(1, "web-01", web, "x")),
		made("hv02", events.RoleDestination, said{at: 0.5, channel: "Application", id: 1, text: "hello"}),
	)
	want := []string{"[hv01 hv02] /7C4C both failed 12:00:00+1s hv01>hv02 [20413 1 21024] headline 21024"}
	if diff := cmp.Diff(want, sumAll(merged)); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
}
