package events_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// The channels and the machines of the stories.
const (
	vmms    = "Microsoft-Windows-Hyper-V-VMMS-Admin"
	vmmsOp  = "Microsoft-Windows-Hyper-V-VMMS-Operational"
	ha      = "Microsoft-Windows-Hyper-V-High-Availability-Admin"
	worker  = "Microsoft-Windows-Hyper-V-Worker-Admin"
	cluster = "Microsoft-Windows-FailoverClustering/Operational"
	system  = "System"

	web = "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11"
	db  = "0D1A3C55-2B0E-4C7D-8E55-52A1F7C0BB02"
)

// noon is when the stories happen.
func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

// A said is an event of a story: text holds the message; its arguments are told apart by quotation marks, or as a GUID.
type said struct {
	at      float64 // seconds after noon
	channel string
	id      uint32
	level   uint8
	text    string
	args    []string // positional fields
	named   []events.Field
}

// event makes it what a host answers by the route: without fields by that of Server Manager.
func (s *said) event(route events.Route, record uint64) *events.Event {
	provider, _, _ := strings.Cut(s.channel, "/")
	provider = strings.TrimSuffix(strings.TrimSuffix(provider, "-Admin"), "-Operational")
	if s.channel == system {
		provider = "Microsoft-Windows-FailoverClustering"
	}
	level := s.level
	if level == 0 {
		level = 4
	}
	e := &events.Event{
		System: events.System{
			Provider: provider, EventID: &s.id, Level: &level, RecordID: &record, Channel: s.channel,
			Time: noon().Add(time.Duration(s.at * float64(time.Second))),
		},
		Log: s.channel, Route: route, Rendering: &events.Rendering{Message: s.text},
	}
	if route == events.RouteServerManager {
		return e
	}
	e.Root = "VmlEventLog"
	for i, v := range s.args {
		e.Fields = append(e.Fields, events.Field{Name: fmt.Sprintf("Parameter%d", i), Value: v})
	}
	e.Fields = append(e.Fields, s.named...)
	return e
}

// A fakeHost answers from a story.
type fakeHost struct {
	route    events.Route
	computer string
	story    []said
	clock    time.Duration
	asked    []events.Selection
	errs     map[string]error // of reading a channel, behind its events
	oldest   map[string]*events.Event
	old      map[string]error
}

func (h *fakeHost) Route() events.Route { return h.route }

func (h *fakeHost) Clock() time.Duration { return h.clock }

// list returns what a channel holds, the newest first.
func (h *fakeHost) list(channel string) []*events.Event {
	var list []*events.Event
	for i := range h.story {
		if s := &h.story[i]; s.channel == channel {
			e := s.event(h.route, uint64(100+len(list)))
			e.Computer = h.computer
			list = append(list, e)
		}
	}
	slices.Reverse(list)
	return list
}

func (h *fakeHost) Events(_ context.Context, sel *events.Selection) iter.Seq2[*events.Event, error] {
	h.asked = append(h.asked, *sel)
	return func(yield func(*events.Event, error) bool) {
		for _, e := range h.list(sel.Channel) {
			if !yield(e, nil) {
				return
			}
		}
		if err := h.errs[sel.Channel]; err != nil {
			yield(nil, err)
		}
	}
}

func (h *fakeHost) Oldest(_ context.Context, channel string) (*events.Event, error) {
	if e, ok := h.oldest[channel]; ok || h.old[channel] != nil {
		return e, h.old[channel]
	}
	list := h.list(channel)
	if len(list) == 0 {
		return nil, nil //nolint:nilnil // that is what an empty channel answers
	}
	return list[len(list)-1], nil
}

// reports returns what the host tells by both routes.
func reports(t *testing.T, story []said) map[events.Route]*events.Report {
	t.Helper()
	out := map[events.Route]*events.Report{}
	for _, route := range []events.Route{events.RouteServerManager, events.RouteShell} {
		r, err := events.Read(t.Context(), &fakeHost{route: route, story: story}, nil)
		if err != nil {
			t.Fatal(err)
		}
		out[route] = r
	}
	return out
}

// sum writes the incidents of a report, a line each.
func sum(r *events.Report) []string {
	var out []string
	for _, in := range r.Incidents {
		out = append(out, sumOf(in))
	}
	return out
}

func sumOf(in *events.Incident) string {
	var b strings.Builder
	id := in.VMID
	if len(id) > 4 {
		id = id[:4]
	}
	role := string(in.Role)
	if role == "" {
		role = "-"
	}
	fmt.Fprintf(&b, "%s/%s %s %s %s+%v", in.VM, id, role, in.Outcome, in.Begin.Format("15:04:05"), in.End.Sub(in.Begin))
	if in.Source+in.Destination != "" {
		fmt.Fprintf(&b, " %s>%s", in.Source, in.Destination)
	}
	ids := func(indexes []int) (ids []uint32) {
		for _, i := range indexes {
			ids = append(ids, in.Events[i].ID())
		}
		return ids
	}
	var all []uint32
	for _, e := range in.Events {
		all = append(all, e.ID())
	}
	fmt.Fprintf(&b, " %v", all)
	if in.Headline >= 0 {
		fmt.Fprintf(&b, " headline %d", in.Events[in.Headline].ID())
	}
	if len(in.Causes) > 0 {
		fmt.Fprintf(&b, " causes %v", ids(in.Causes))
	}
	if len(in.Explain().Findings) > 0 {
		f := in.Explain().Findings[0]
		fmt.Fprintf(&b, " %s%s of %d", f.Symbol, f.Row.ID, in.Events[f.Part].ID())
	}
	return b.String()
}

// began, failed, refused, done are events of a live migration that VMMS tells; the texts are ours, and so is the German.
func began(at float64, vm, dst string) said {
	return said{at: at, channel: vmms, id: 20413, text: "Now moving '" + vm + "' to '" + dst + "'.", args: []string{vm, dst}}
}

func failed(at float64, vm, id, src string) said {
	return said{
		at: at, channel: vmms, id: 21024, level: 2, args: []string{vm, id, src},
		text: "The move of '" + vm + "' was given up at its source '" + src + "'. (Machine " + id + ")",
	}
}

func failedGerman(at float64, vm, id, src string) said {
	return said{
		at: at, channel: vmms, id: 21024, level: 2, args: []string{vm, id, src},
		text: "Der Umzug von „" + vm + "“ wurde an der Quelle „" + src + "“ aufgegeben. (Computer-ID " + id + ")",
	}
}

func refused(at float64, dst, code string) said {
	return said{
		at: at, channel: vmms, id: 20306, level: 2, args: []string{dst, "%%2147952461", code},
		text: "There is no way to '" + dst + "' for moving machines: nobody listens (" + code + ").",
	}
}

func done(at float64, id uint32, vm, guid string) said {
	return said{
		at: at, channel: vmms, id: id, args: []string{vm, guid, "0.5"},
		text: "The machine '" + vm + "' stood still for 0.5 seconds while it moved (" + guid + ").",
	}
}

func TestIncidents(t *testing.T) {
	t.Parallel()
	vmEvent := func(at float64, channel string, id uint32, level uint8, text string) said {
		return said{
			at: at, channel: channel, id: id, level: level, text: "'web-01' " + text + " (machine " + web + ")",
			named: []events.Field{{Name: "VmName", Value: "web-01"}, {Name: "VmId", Value: web}},
		}
	}
	tests := []struct {
		name  string
		story []said
		want  []string
	}{
		{"nothing", nil, nil},
		{
			"failed at the source",
			[]said{began(0, "web-01", "HV02"), refused(20, "HV02", "0x8007274D"), failed(20.1, "web-01", web, "HV01")},
			[]string{"web-01/7C4C source failed 12:00:00+20.1s HV01>HV02 [20413 20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306"},
		},
		{
			"failed, in German, the cause as code alone",
			[]said{
				{
					at: 4, channel: vmms, id: 20306, level: 2, args: []string{"HV02", "%%2148074254", "0x8009030E"},
					text: "Zu „HV02“ konnte keine Verbindung aufgebaut werden: keine Anmeldeinformationen (0x8009030E).",
				},
				failedGerman(4.2, "web-01", web, "HV01"),
			},
			[]string{"web-01/7C4C source failed 12:00:04+0s HV01>HV02 [20306 21024] headline 21024 causes [20306] SEC_E_NO_CREDENTIALS of 20306"},
		},
		{
			"the account of 1106, on another channel",
			[]said{
				failed(5, "web-01", web, "HV01"),
				{at: 4.9, channel: vmmsOp, id: 1106, level: 2, text: "The account of the maker is not known: 80070534", args: []string{"80070534"}},
			},
			[]string{"web-01/7C4C source failed 12:00:05+0s HV01> [1106 21024] headline 21024 causes [1106] ERROR_NONE_MAPPED of 1106"},
		},
		{
			"clustered: resources of the cluster are the machine",
			[]said{
				failed(5, "web-01", web, "HV01"),
				{at: 5.2, channel: ha, id: 21111, level: 2, text: "'Virtueller Computer web-01' ist nicht umgezogen.", args: []string{"Virtueller Computer web-01"}},
				{
					at: 5.3, channel: ha, id: 21502, level: 2, args: []string{"", "", "x"},
					text: "'Virtual Machine web-01' did not move.\r\n\r\nThe move of 'web-01' was given up. (Machine " + web + ")\r\n\r\nNo memory (0x8007000E).",
				},
				{at: 6, channel: system, id: 1069, level: 2, text: "'Virtual Machine web-01' in role 'web-01' is not well.", args: []string{"Virtual Machine web-01"}},
			},
			[]string{
				"web-01/7C4C source failed 12:00:05+300ms HV01> [21024 21111 21502 1069] headline 21024 causes [21502 1069] E_OUTOFMEMORY of 21502",
			},
		},
		{
			"a carrier alone is headline and cause",
			[]said{{at: 5, channel: ha, id: 21502, level: 2, text: "'Virtual Machine web-01' did not move.\r\n\r\nNo memory (0x8007000E).", args: []string{
				"Virtual Machine web-01",
			}}},
			[]string{"web-01/ source failed 12:00:05+0s [21502] headline 21502 causes [21502] E_OUTOFMEMORY of 21502"},
		},
		{
			"well, with a blackout",
			[]said{began(0, "web-01", "HV02"), done(1500, 20417, "web-01", web)},
			[]string{"web-01/7C4C source slow 12:00:00+25m0s >HV02 [20413 20417]  of 20417"},
		},
		{
			"well, and a machine that restarts hours later",
			[]said{
				done(0, 20415, "web-01", web), vmEvent(30, worker, 18500, 4, "runs"),
				vmEvent(7200, worker, 18502, 4, "is off"), vmEvent(7203, worker, 18500, 4, "runs"),
			},
			[]string{"web-01/7C4C source completed 12:00:00+0s [20415 18500]"},
		},
		{
			"a restart is no incident",
			[]said{vmEvent(0, worker, 18502, 4, "is off"), vmEvent(3, worker, 18500, 4, "runs"), vmEvent(4, worker, 18590, 1, "crashed 0x1E")},
			nil,
		},
		{
			"still going on",
			[]said{began(0, "web-01", "HV02")},
			[]string{"web-01/ source running 12:00:00+0s >HV02 [20413]"},
		},
		{
			"attempts, each with its cause",
			[]said{
				refused(0, "HV02", "0x8007274D"), failed(0.1, "web-01", web, "HV01"),
				refused(20, "HV02", "0x8007274C"), failed(20.1, "web-01", web, "HV01"),
				began(60, "web-01", "HV02"), done(70, 20415, "web-01", web),
			},
			[]string{
				"web-01/7C4C source completed 12:01:00+10s >HV02 [20413 20415]",
				"web-01/7C4C source failed 12:00:20+0s HV01>HV02 [20306 21024] headline 21024 causes [20306] WSAETIMEDOUT of 20306",
				"web-01/7C4C source failed 12:00:00+0s HV01>HV02 [20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306",
			},
		},
		{
			"moves of two machines, interleaved",
			[]said{
				began(0, "web-01", "HV02"), began(1, "db-01", "HV03"),
				refused(2, "HV02", "0x8007274D"), failed(2.1, "web-01", web, "HV01"),
				done(4, 20415, "db-01", db),
			},
			[]string{
				"db-01/0D1A source completed 12:00:01+3s >HV03 [20413 20415]",
				"web-01/7C4C source failed 12:00:00+2.1s HV01>HV02 [20413 20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306",
			},
		},
		{
			"there and back",
			[]said{
				done(0, 20415, "web-01", web),
				{at: 40, channel: ha, id: 21306, text: "Taking machine " + web + " over.", args: []string{web}},
				{at: 45, channel: ha, id: 21307, text: "Took machine " + web + " over.", args: []string{web}},
			},
			[]string{
				"web-01/7C4C destination completed 12:00:40+5s [21306 21307]",
				"web-01/7C4C source completed 12:00:00+0s [20415]",
			},
		},
		{
			"there and back, and nobody tells that it began",
			[]said{done(0, 20415, "web-01", web), {at: 40, channel: ha, id: 21307, text: "Took machine " + web + " over.", args: []string{web}}},
			[]string{
				"web-01/7C4C destination completed 12:00:40+0s [21307]",
				"web-01/7C4C source completed 12:00:00+0s [20415]",
			},
		},
		{
			"a cause of the machine belongs to the attempt that it is nearer to",
			[]said{
				failed(0, "web-01", web, "HV01"),
				{at: 5, channel: ha, id: 21124, level: 2, text: "Two of 'web-01'.", args: []string{"web-01"}},
				{at: 19.5, channel: ha, id: 21158, level: 2, text: "No switch for 'web-01'.", args: []string{"web-01"}},
				failed(20, "web-01", web, "HV01"),
			},
			[]string{
				"web-01/7C4C source failed 12:00:19+500ms HV01> [21158 21024] headline 21024 causes [21158]  of 21158",
				"web-01/7C4C source failed 12:00:00+5s HV01> [21024 21124] headline 21024 causes [21124]  of 21124",
			},
		},
		{
			"two machines fail at the same moment: each takes one of the causes that name none",
			[]said{
				refused(0, "HV02", "0x8007274D"), failed(0.005, "web-01", web, "HV01"),
				refused(0.008, "HV03", "0x8007274C"), failed(0.4, "db-01", db, "HV01"),
			},
			[]string{
				"db-01/0D1A source failed 12:00:00+0s HV01>HV03 [20306 21024] headline 21024 causes [20306] WSAETIMEDOUT of 20306",
				"web-01/7C4C source failed 12:00:00+0s HV01>HV02 [20306 21024] headline 21024 causes [20306] WSAECONNREFUSED of 20306",
			},
		},
		{
			"at the destination: what a planned machine leaves behind",
			[]said{
				vmEvent(0, vmms, 13002, 4, "was made"),
				{
					at: 1, channel: vmms, id: 20100, level: 2, args: []string{web, `C:\vm`, "%%2147942405", "0x80070005"},
					text: "The files of " + web + " at 'C:\\vm' cannot be taken over (0x80070005).",
				},
				vmEvent(2, vmms, 13003, 4, "was removed"),
			},
			[]string{"web-01/7C4C destination unknown 12:00:00+2s [13002 20100 13003] causes [20100] E_ACCESSDENIED of 20100"},
		},
		{
			"a cause that names no machine, alone; an error of the cluster, alone",
			[]said{refused(0, "HV02", "0x8007274D"), {at: 900, channel: system, id: 1135, level: 1, text: "A node is gone."}},
			[]string{"/ source failed 12:00:00+0s >HV02 [20306] causes [20306] WSAECONNREFUSED of 20306"},
		},
		{
			"an event whose number nobody knows, by its words",
			[]said{{
				at: 0, channel: vmms, id: 29999, level: 2, args: []string{"web-01", "HV02", web},
				text: "Operation for 'web-01' failed at migration destination 'HV02'. (" + web + ")",
			}},
			[]string{"web-01/7C4C destination failed 12:00:00+0s >HV02 [29999] headline 29999"},
		},
		{
			"an event whose number nobody knows, by its code, beside a failure; its machine is known from there",
			[]said{
				{at: 0, channel: worker, id: 3999, level: 2, text: "„web-01“: Speicher fehlt (0x8007000E).", args: []string{"web-01", "0x8007000E"}},
				failedGerman(1, "web-01", web, "HV01"),
			},
			[]string{"web-01/7C4C source failed 12:00:01+0s HV01> [3999 21024] headline 21024 causes [3999] E_OUTOFMEMORY of 3999"},
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
