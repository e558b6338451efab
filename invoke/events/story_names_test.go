package events_test

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

const mail = "E2D95A38-7F41-4B0E-95C6-B81A03F7D4C9"

// failedJapanese says where before it says what.
func failedJapanese(at float64, vm, id string) said {
	const src = "HV01"
	return said{
		at: at, channel: vmms, id: 21024, level: 2, args: []string{vm, id, src},
		text: "移動元 '" + src + "' での '" + vm + "' の移動をあきらめました。(コンピューター ID " + id + ")",
	}
}

// about is an event of a machine that names nothing else.
func about(at float64, vm, guid string) said {
	return said{
		at: at, channel: worker, id: 18500, text: "'" + vm + "' (" + guid + ")",
		named: []events.Field{{Name: "VmName", Value: vm}, {Name: "VmId", Value: guid}},
	}
}

// Whatever the language, a machine is not called as a host, nor a host as a machine, and none as another.
func TestIncidentNames(t *testing.T) {
	t.Parallel()
	resource := func(at float64, id uint32, name, rest string) said {
		return said{at: at, channel: ha, id: id, level: 2, text: "'" + name + "'" + rest, args: []string{name}}
	}
	tests := []struct {
		name  string
		story []said
		want  []string // by both routes
		texts []string // by texts alone, where these do not tell all; nil is want
	}{
		{
			"the source first: another event knows the machine",
			[]said{about(-600, "web-01", web), failedJapanese(0, "web-01", web)},
			[]string{"web-01/7C4C source failed 12:00:00+0s HV01> [21024] headline 21024"},
			nil,
		},
		{
			"the source first: another event knows the host",
			[]said{refused(-1, "HV01.example.test", "0x8007274D"), failedJapanese(900, "web-01", web)},
			[]string{
				"web-01/7C4C source failed 12:15:00+0s HV01> [21024] headline 21024",
				"/ source failed 11:59:59+0s >HV01.example.test [20306] causes [20306] WSAECONNREFUSED of 20306",
			},
			nil,
		},
		{
			"the source first: what one text tells, tells the next",
			[]said{
				failedJapanese(-900, "db-01", db), about(-1800, "web-01", web), failedJapanese(0, "web-01", web),
			},
			[]string{
				"web-01/7C4C source failed 12:00:00+0s HV01> [21024] headline 21024",
				"db-01/0D1A source failed 11:45:00+0s HV01> [21024] headline 21024",
			},
			nil,
		},
		{
			"the source first, and nobody knows either: the GUID tells",
			[]said{failedJapanese(0, "web-01", web)},
			[]string{"web-01/7C4C source failed 12:00:00+0s HV01> [21024] headline 21024"},
			[]string{"/7C4C source failed 12:00:00+0s [21024] headline 21024"},
		},
		{
			"the destination first, without a GUID",
			[]said{
				{at: 0, channel: vmms, id: 20413, args: []string{"web-01", "HV02"}, text: "移動先「HV02」への「web-01」の移動を始めました。"},
				about(-600, "web-01", web), failedJapanese(5, "web-01", web),
			},
			[]string{"web-01/7C4C source failed 12:00:00+5s HV01>HV02 [20413 21024] headline 21024"},
			nil,
		},
		{
			"a machine whose name ends as another's",
			[]said{done(0, 20415, "web-01", web), resource(600, 21111, "Virtual Machine SQL web-01", " did not move.")},
			[]string{
				"SQL web-01/ source failed 12:10:00+0s [21111] headline 21111",
				"web-01/7C4C source completed 12:00:00+0s [20415]",
			},
			nil,
		},
		{
			"a machine that is called as its resources are",
			[]said{failed(0, "Virtual Machine 7", web, "HV01"), resource(0.2, 21111, "Virtual Machine 7", " did not move.")},
			[]string{"Virtual Machine 7/7C4C source failed 12:00:00+200ms HV01> [21024 21111] headline 21024"},
			nil,
		},
		{
			"a carrier in another language says itself how its resource is called, and so what others mean",
			[]said{
				{
					at: 5, channel: ha, id: 21502, level: 2, args: []string{"", "", "x"},
					text: "« Ordinateur virtuel web-01 » n'a pas bougé.\r\n\r\nEchec pour « web-01 » à la source « HV01 ». (ID " + web + ")\r\n\r\nMémoire (0x8007000E).",
				},
				resource(5.1, 21111, "Ordinateur virtuel web-01", " ..."), resource(900, 21111, "Ordinateur virtuel SQL web-01", " ..."),
			},
			[]string{
				"SQL web-01/ source failed 12:15:00+0s [21111] headline 21111",
				"web-01/7C4C source failed 12:00:05+100ms [21502 21111] headline 21111 causes [21502] E_OUTOFMEMORY of 21502",
			},
			nil,
		},
		{
			"a resource whose GUID tells its machine",
			[]said{
				about(-60, "web-01", web), about(-60, "db-01", db), resource(0, 21111, "Maszyna web-01", " ("+web+")"),
				resource(900, 21111, "Maszyna db-01", " ..."),
			},
			[]string{
				"db-01/0D1A source failed 12:15:00+0s [21111] headline 21111",
				"web-01/7C4C source failed 12:00:00+0s [18500 21111] headline 21111",
			},
			nil,
		},
		{
			"quotation marks in a name",
			[]said{began(0, "it's 'so'", "HV02"), failed(5, "it's 'so'", web, "HV01")},
			[]string{"it's 'so'/7C4C source failed 12:00:00+5s HV01>HV02 [20413 21024] headline 21024"},
			nil,
		},
		{
			"a name of two lines, of which the text shows none: the host is no machine",
			[]said{began(0, "x\r\ny", "HV02"), done(60, 20415, "x\r\ny", mail), refused(900, "HV02", "0x8007274D")},
			[]string{
				"/ source failed 12:15:00+0s >HV02 [20306] causes [20306] WSAECONNREFUSED of 20306",
				"x\r\ny/E2D9 source completed 12:00:00+1m0s >HV02 [20413 20415]",
			},
			[]string{
				"/ source failed 12:15:00+0s >HV02 [20306] causes [20306] WSAECONNREFUSED of 20306",
				"/E2D9 source completed 12:01:00+0s [20415]",
				"/ source running 12:00:00+0s >HV02 [20413]",
			},
		},
		{
			"a machine that is called as another's GUID",
			[]said{failed(0, db, mail, "HV01"), began(-900, db, "HV02")},
			[]string{
				db + "/E2D9 source failed 12:00:00+0s HV01> [21024] headline 21024",
				"/0D1A source running 11:45:00+0s >HV02 [20413]",
			},
			nil,
		},
		{
			"an error of unknown words tells the GUID of a machine that others name",
			[]said{
				{at: 0, channel: vmms, id: 20413, text: "Der Umzug von „web-01“ nach „HV02“ beginnt.", args: []string{"web-01", "HV02"}},
				{at: 5, channel: vmms, id: 29999, level: 2, text: "„HV02“: „web-01“ (" + web + ") 0x8007000E", args: []string{"HV02", "web-01", web}},
				failedGerman(6, "web-01", web, "HV01"),
			},
			[]string{"web-01/7C4C source failed 12:00:00+6s HV01>HV02 [20413 29999 21024] headline 21024 causes [29999] E_OUTOFMEMORY of 29999"},
			nil,
		},
		{
			"an error of unknown words names a host and a machine",
			[]said{
				{at: 4, channel: vmms, id: 29999, level: 2, text: "'HV02' has no room for 'db-01' (0x8007000E).", args: []string{"HV02"}},
				about(-60, "db-01", db), failed(5, "web-01", web, "HV01"), failed(30, "db-01", db, "HV01"),
			},
			[]string{
				"db-01/0D1A source failed 12:00:30+0s HV01> [18500 29999 21024] headline 21024 causes [29999] E_OUTOFMEMORY of 29999",
				"web-01/7C4C source failed 12:00:05+0s HV01> [21024] headline 21024",
			},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 10 { // what is not in a fixed order differs sooner or later
				for route, r := range reports(t, tt.story) {
					want := tt.want
					if route == events.RouteServerManager && tt.texts != nil {
						want = tt.texts
					}
					if diff := cmp.Diff(want, sum(r)); diff != "" {
						t.Fatalf("%s (-want +got):\n%s", route, diff)
					}
				}
			}
		})
	}
}

// A bareHost leaves out what Windows says of every event.
type bareHost struct{ *fakeHost }

func (h bareHost) Events(ctx context.Context, sel *events.Selection) iter.Seq2[*events.Event, error] {
	return func(yield func(*events.Event, error) bool) {
		for e, err := range h.fakeHost.Events(ctx, sel) {
			e.System = events.System{}
			if !yield(e, err) {
				return
			}
		}
	}
}

// A host that leaves out all that Windows says of every event tells by the fields and the texts alone.
func TestIncidentsWithoutSystem(t *testing.T) {
	t.Parallel()
	story := []said{
		began(0, "web-01", "HV02"),
		{
			at: 1, channel: vmms, args: []string{"HV02", "%%2147952461", "0x8007274D"},
			text: "The service failed to establish a connection for a Virtual Machine migration with host 'HV02': refused. (0x8007274D)",
		},
		{at: 2, channel: vmms, args: []string{"other-07"}, text: "'other-07' was made."},
		{
			at: 3, channel: vmms, args: []string{"web-01", web, "HV01"},
			text: "Virtual machine migration operation for 'web-01' failed at migration source 'HV01'. (Virtual machine ID " + web + ")",
		},
	}
	for _, newest := range []int{3, 0} {
		src := bareHost{&fakeHost{route: events.RouteShell, story: slices.Clone(story)}}
		src.story[3], src.story[newest] = src.story[newest], src.story[3]
		r, err := events.Read(t.Context(), src, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Incidents) != 1 {
			t.Fatalf("incidents %q, want one", sum(r))
		}
		in := r.Incidents[0]
		if in.VM != "web-01" || in.VMID != web || in.Source != "HV01" || in.Outcome != events.OutcomeFailed || len(in.Events) != 2 || len(in.Causes) != 1 {
			t.Errorf("incident %s", sumOf(in))
		}
	}
}
