package events_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// What stands beside a migration is of it, or of another, or of none.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		story []said
		want  []string
	}{
		{
			"a cause names its host: it is of the move there, although another failure is nearer",
			[]said{
				began(0, "web-01", "HV02"), began(1, "db-01", "HV03"),
				refused(9.5, "HV03", "0x8007274D"), failed(10, "web-01", web, "HV01"), failed(14, "db-01", db, "HV01"),
			},
			[]string{
				"db-01/0D1A source failed 12:00:01+13s HV01>HV03 [20413 20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306",
				"web-01/7C4C source failed 12:00:00+10s HV01>HV02 [20413 21024] headline 21024",
			},
		},
		{
			"a cause is of what failed, not of what goes on to another host",
			[]said{began(0, "web-01", "HV02"), began(9, "db-01", "HV03"), refused(10, "HV02", "0x8007274D"), failed(14, "web-01", web, "HV01")},
			[]string{
				"web-01/7C4C source failed 12:00:00+14s HV01>HV02 [20413 20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306",
				"db-01/ source running 12:00:09+0s >HV03 [20413]",
			},
		},
		{
			"a cause that names another host makes no failure of what goes on",
			[]said{began(0, "db-01", "HV03"), refused(10, "HV02", "0x8007274D")},
			[]string{
				"/ source failed 12:00:10+0s >HV02 [20306] causes [20306] WSAECONNREFUSED of 20306",
				"db-01/ source running 12:00:00+0s >HV03 [20413]",
			},
		},
		{
			"a cause that comes long after one failure, and right before another",
			[]said{
				{at: 9.9, channel: vmms, id: 10698, level: 2, text: "'web-01' does not fit (0xC0370029).", args: []string{"web-01"}},
				failed(10.7, "web-01", web, "HV01"), refused(11.3, "HV03", "0x8007274D"), refused(11.4, "HV03", "0x8009030E"), failed(12.4, "db-01", db, "HV01"),
			},
			[]string{
				"db-01/0D1A source failed 12:00:12+0s HV01>HV03 [20306 20306 21024] headline 21024 causes [20306 20306] WSAECONNREFUSED of 20306",
				"web-01/7C4C source failed 12:00:09+800ms HV01> [10698 21024] headline 21024 causes [10698] ERROR_VID_SAVED_STATE_INCOMPATIBLE of 10698",
			},
		},
		{
			"a cause is of what failed, although what goes on is nearer",
			[]said{
				{at: 9.9, channel: ha, id: 21300, text: "Moving 'db-01' (" + db + ").", args: []string{db, "db-01"}},
				refused(10, "HV02", "0x8007274D"), failed(12.9, "web-01", web, "HV01"),
			},
			[]string{
				"web-01/7C4C source failed 12:00:12+0s HV01>HV02 [20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306",
				"db-01/0D1A source running 12:00:09+0s [21300]",
			},
		},
		{
			"a cause is of the move to its host, although a move of which that is not known failed sooner",
			[]said{
				began(0, "web-01", "HV02"), refused(10, "HV02.example.test", "0x8007274D"),
				failed(10.1, "db-01", db, "HV01"), failed(11.9, "web-01", web, "HV01"),
			},
			[]string{
				"web-01/7C4C source failed 12:00:00+11.9s HV01>HV02 [20413 20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306",
				"db-01/0D1A source failed 12:00:10+0s HV01> [21024] headline 21024",
			},
		},
		{
			"a cause that a source tells is not of what arrives; causes for two hosts are two",
			[]said{
				{at: 0, channel: ha, id: 21306, text: "Taking machine " + web + " over.", args: []string{web}},
				refused(2, "HV03", "0x8007274D"), refused(30, "HV04", "0x8007274D"),
			},
			[]string{
				"/ source failed 12:00:30+0s >HV04 [20306] causes [20306] WSAECONNREFUSED of 20306",
				"/ source failed 12:00:02+0s >HV03 [20306] causes [20306] WSAECONNREFUSED of 20306",
				"/7C4C destination running 12:00:00+0s [21306]",
			},
		},
		{
			"what nobody knows, about a host",
			[]said{
				began(0, "web-01", "HV02"), failed(10, "web-01", web, "HV01"),
				{at: 9, channel: vmms, id: 29999, level: 2, text: "'HV02' has no room (0x8007000E)."},
			},
			[]string{
				"web-01/7C4C source failed 12:00:00+10s HV01>HV02 [20413 29999 21024] headline 21024 causes [29999] E_OUTOFMEMORY of 29999",
			},
		},
		{
			"of what tells nothing, the nearest comes first",
			[]said{
				{at: 1, channel: vmms, id: 29995, level: 2, text: "Something is odd."},
				{at: 9, channel: vmms, id: 29994, level: 2, text: "All is odd."},
				failed(10, "web-01", web, "HV01"),
			},
			[]string{"web-01/7C4C source failed 12:00:10+0s HV01> [29995 29994 21024] headline 21024 causes [29994 29995]"},
		},
		{
			"two causes that name no machine, to two hosts: the destination of neither is known by them",
			[]said{refused(9, "HV03", "0x8007274D"), refused(9.5, "HV02", "0x8009030E"), failed(10, "web-01", web, "HV01")},
			[]string{
				"web-01/7C4C source failed 12:00:10+0s HV01> [20306 20306 21024] headline 21024 causes [20306 20306] WSAECONNREFUSED of 20306",
			},
		},
		{
			"a hint that comes without migrations, too, is no better than a cause",
			[]said{
				{at: -90, channel: vmms, id: 14050, level: 2, text: "The name of the service is not registered (0x80070005).", args: []string{"Hyper-V"}},
				began(0, "web-01", "HV02"), refused(9, "HV02", "0x8007274D"), failed(10, "web-01", web, "HV01"),
			},
			[]string{
				"web-01/7C4C source failed 12:00:00+10s HV01>HV02 [14050 20413 20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306",
			},
		},
		{
			"an event that names a machine nobody knows is about that, by fields and by texts",
			[]said{
				began(0, "web-01", "HV02"),
				{
					at: 5, channel: vmms, id: 16300, level: 2, text: "The files of 'other-07' are lost (0x80070002).",
					named: []events.Field{{Name: "VmName", Value: "other-07"}},
				},
				failed(10, "web-01", web, "HV01"),
			},
			[]string{"web-01/7C4C source failed 12:00:00+10s HV01>HV02 [20413 21024] headline 21024"},
		},
		{
			"what nobody knows but quotes a path, or what is called a switch, may be about any machine",
			[]said{
				failed(10, "web-01", web, "HV01"),
				{at: 9, channel: vmms, id: 29997, level: 2, text: "No room at 'C:\\vm' (0x80070070)."},
				{at: 9.1, channel: vmms, id: 29996, level: 2, text: "The virtual switch 'Blue' is down (0x8007000E)."},
			},
			[]string{
				"web-01/7C4C source failed 12:00:10+0s HV01> [29997 29996 21024] headline 21024 causes [29997 29996] ERROR_DISK_FULL of 29997",
			},
		},
		{
			"what strikes the host is why each of its machines failed, and one to come well is none",
			[]said{
				{at: -0.5, channel: cluster, id: 5142, level: 2, text: "The volume 'Volume1' is gone (0x80070035)."},
				failed(0, "web-01", web, "HV01"), failed(0.3, "db-01", db, "HV01"), began(0, "app-01", "HV02"), done(0.5, 20415, "app-01", mail),
			},
			[]string{
				"app-01/E2D9 source completed 12:00:00+500ms >HV02 [20413 20415]",
				"db-01/0D1A source failed 12:00:00+0s HV01> [5142 21024] headline 21024 causes [5142] ERROR_BAD_NETPATH of 5142",
				"web-01/7C4C source failed 12:00:00+0s HV01> [5142 21024] headline 21024 causes [5142] ERROR_BAD_NETPATH of 5142",
			},
		},
		{
			"what went well has no cause: it is of the next move, which failed",
			[]said{
				began(0, "web-01", "HV02"), done(10, 20415, "web-01", web),
				{at: 15, channel: worker, id: 3999, level: 2, text: "'web-01' has no memory (0x8007000E)."},
				{at: 20, channel: ha, id: 21124, level: 2, text: "Two of 'web-01'.", args: []string{"web-01"}},
				failed(100, "web-01", web, "HV01"),
			},
			[]string{
				"web-01/7C4C source failed 12:00:20+1m20s HV01> [3999 21124 21024] headline 21024 causes [21124 3999]  of 21124",
				"web-01/7C4C source completed 12:00:00+10s >HV02 [20413 20415]",
			},
		},
		{
			"a machine that begins anew is not on its way twice",
			[]said{began(0, "web-01", "HV02"), began(600, "web-01", "HV02")},
			[]string{"web-01/ source running 12:10:00+0s >HV02 [20413]", "web-01/ source unknown 12:00:00+0s >HV02 [20413]"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for route, r := range reports(t, tt.story) {
				if diff := cmp.Diff(tt.want, sum(r)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", route, diff)
				}
			}
		})
	}
}
