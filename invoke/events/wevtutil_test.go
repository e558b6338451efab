package events_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// A shell is a Runner that plays its runs in turn.
type shell struct {
	t        *testing.T
	runs     []shellRun
	commands []string
	running  int
}

type shellRun func(ctx context.Context, stdout, stderr io.Writer) (int, error)

func (s *shell) Run(ctx context.Context, command string, stdout, stderr io.Writer) (int, error) {
	s.running++
	defer func() { s.running-- }()
	s.commands = append(s.commands, command)
	if len(s.commands) > len(s.runs) {
		s.t.Errorf("a command more than expected: %s", command)
		return 0, errors.New("unexpected")
	}
	return s.runs[len(s.commands)-1](ctx, stdout, stderr)
}

// prints is a command that writes out as UTF-16 in chunks that split characters, and message to stderr.
func prints(out, message string, code int) shellRun {
	return func(_ context.Context, stdout, stderr io.Writer) (int, error) {
		if _, err := stderr.Write(utf16Text(message, binary.LittleEndian)); err != nil {
			return 0, err
		}
		for chunk := range slices.Chunk(utf16Text(out, binary.LittleEndian), 777) {
			if _, err := stdout.Write(chunk); err != nil {
				return 0, err
			}
		}
		return code, nil
	}
}

// movedEvents are events with these record numbers.
func movedEvents(records ...int) string {
	var b strings.Builder
	for _, n := range records {
		b.WriteString(movedEvent(n))
	}
	return b.String()
}

// wevtutilSteps reads a channel: record numbers, and what the errors say. No run is left when it returns.
func wevtutilSteps(t *testing.T, s *shell, sel *events.Selection) []string {
	t.Helper()
	s.t = t
	var steps []string
	for e, err := range events.NewWevtutil(s).Events(t.Context(), sel) {
		switch {
		case err != nil:
			steps = append(steps, err.Error())
		case e.RecordID == nil:
			steps = append(steps, "event")
		default:
			steps = append(steps, fmt.Sprint(*e.RecordID))
		}
		if err == nil && (e.Log != sel.Channel || e.Route != events.RouteShell) {
			t.Errorf("an event of %q by %q", e.Log, e.Route)
		}
	}
	if s.running != 0 {
		t.Error("a command still runs")
	}
	return steps
}

const channelSays = "channel " + vmmsAdmin + ": "

const queryAll = `wevtutil qe "` + vmmsAdmin + `" "/q:*" /f:RenderedXml /rd:true /c:100001 /uni:true`

func TestWevtutil(t *testing.T) {
	const noEnd = channelSays + "not an event: no event ends within 16 MiB: "
	large := "<Event>" + strings.Repeat("x", 2<<20) + "</Event>"
	cut := movedEvents(3, 2, 1)
	cut = cut[:len(cut)-20]
	tests := []struct {
		name string
		max  int
		runs []shellRun
		want []string
	}{
		{"nothing", 0, []shellRun{prints("", "", 0)}, nil},
		{"events", 0, []shellRun{prints(movedEvents(3, 2, 1), "", 0)}, []string{"3", "2", "1"}},
		{"as many as wanted", 2, []shellRun{prints(movedEvents(3, 2), "", 0)}, []string{"3", "2"}},
		{"more than wanted", 2, []shellRun{prints(movedEvents(3, 2, 1), "", 0)}, []string{"3", "2", string(events.ErrLimit)}},
		{"one too large", 0, []shellRun{prints(movedEvent(2)+large+movedEvent(1), "", 0)}, []string{"2", string(events.ErrTooLarge), "1"}},
		{
			"text between", 0,
			[]shellRun{prints(movedEvent(2)+"Oje"+movedEvent(1)+"weh", "", 0)},
			[]string{"2", "1", channelSays + `not an event: text between the events: "Oje"`},
		},
		{
			"stderr too", 0,
			[]shellRun{prints(movedEvent(3), "Warnung:\r\n  ä\r\n", 0)},
			[]string{"3", "wevtutil ended well, and wrote: Warnung: ä"},
		},
		{
			"stderr too, and cut once", 0,
			[]shellRun{prints(cut, "x", 0), prints(movedEvents(3, 2, 1), "y", 0)},
			[]string{"3", "2", "1", "wevtutil ended well, and wrote: y"},
		},
		{"blanks without end", 0, []shellRun{endless(" \r\n")}, []string{noEnd + `""`}},
		{"comments without end", 0, []shellRun{endless("<!-- -->")}, []string{noEnd + `""`}},
		{"a comment without end", 0, []shellRun{endless("<!-- ")}, []string{noEnd + `"` + strings.Repeat("<!-- ", 40) + `"`}},
		{"roots without end", 0, []shellRun{endless("<Events></Events>")}, []string{noEnd + `""`}},
		{"an event without end", 0, []shellRun{prints(movedEvent(3), "", 0).then(endless("<\x00E\x00v\x00e\x00n\x00t\x00>\x00"))}, []string{"3", noEnd + `""`}},
		{
			"cut once", 0,
			[]shellRun{prints(cut, "", 0), prints(movedEvents(4, 3, 2, 1, 0), "", 0)},
			[]string{"3", "2", "1", "0"},
		},
		{
			"stderr too, and garbage", 0,
			[]shellRun{prints("Oje", "x", 0)},
			[]string{"wevtutil ended well, and wrote: x", channelSays + `not an event: text between the events: "Oje"`},
		},
		{"cut twice", 0, []shellRun{prints(cut, "", 0), prints(cut, "", 0)}, []string{"3", "2", string(events.ErrTruncated)}},
		{
			"cut, without numbers", 0,
			[]shellRun{prints("<Event/><Event/><Event>", "", 0), prints("<Event/><Event/><Event/>", "", 0)},
			[]string{"event", "event", "event"},
		},
		{
			"cut after one too large", 0,
			[]shellRun{prints(large+cut, "", 0), prints(large+movedEvents(3, 2, 1), "", 0)},
			[]string{string(events.ErrTooLarge), "3", "2", "1"},
		},
		{
			"no texts", 0,
			[]shellRun{prints(movedEvent(3), "?", 15027), prints(movedEvents(3, 2), "", 0)},
			[]string{"3", "2"},
		},
		{
			"still no texts", 0,
			[]shellRun{prints("", "?", 15033), prints("", "?", 15033)},
			[]string{channelSays + "the host has no text for an event in this language (error 15033)"},
		},
		{"cleared", 0, []shellRun{prints(movedEvent(3), "?", 15011)}, []string{"3", string(events.ErrCleared)}},
		{"cleared, and cut", 0, []shellRun{prints(cut, "?", 15011)}, []string{"3", "2", string(events.ErrCleared)}},
		{
			"never the right thing", 0,
			[]shellRun{endless("<Event><a></Event>")},
			[]string{channelSays + `not an event: bad XML: element a is ended by Event: "<Event><a></Event>"`},
		},
		{
			"nothing can be made out", 0,
			[]shellRun{endless("<!DOCTYPE a>")},
			[]string{channelSays + `not an event: a document type declaration: "<!DOCTYPE"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &shell{runs: tt.runs}
			got := wevtutilSteps(t, s, &events.Selection{Channel: vmmsAdmin, Max: tt.max})
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(s.commands) != len(tt.runs) {
				t.Errorf("%d commands, want %d", len(s.commands), len(tt.runs))
			}
		})
	}
}

// then is one command that does what two do.
func (r shellRun) then(next shellRun) shellRun {
	return func(ctx context.Context, stdout, stderr io.Writer) (int, error) {
		if code, err := r(ctx, stdout, stderr); err != nil {
			return code, err
		}
		return next(ctx, stdout, stderr)
	}
}

// endless is a command that never ends by itself.
func endless(text string) shellRun {
	text = strings.Repeat(text, 1000)
	return func(_ context.Context, stdout, _ io.Writer) (int, error) {
		for {
			if _, err := io.WriteString(stdout, text); err != nil {
				return 0, err
			}
		}
	}
}

func TestWevtutilCommands(t *testing.T) {
	s := &shell{runs: []shellRun{prints("", "?", 15030), prints("", "", 0)}}
	sel := &events.Selection{
		Channel: "Microsoft-Windows-FailoverClustering/Operational", Since: 90 * time.Minute, Levels: []uint8{1, 2},
		Provider: "Microsoft-Windows-FailoverClustering", Max: 50,
	}
	wevtutilSteps(t, s, sel)
	query := `"/q:*[System[Provider[@Name='Microsoft-Windows-FailoverClustering'] and (Level=1 or Level=2) and ` +
		`TimeCreated[timediff(@SystemTime) <= 5400000]]]"`
	want := []string{
		`wevtutil qe "Microsoft-Windows-FailoverClustering/Operational" ` + query + ` /f:RenderedXml /rd:true /c:51 /uni:true`,
		`wevtutil qe "Microsoft-Windows-FailoverClustering/Operational" ` + query + ` /f:XML /rd:true /c:51 /uni:true`,
	}
	if !slices.Equal(s.commands, want) {
		t.Errorf("commands\n%s\nwant\n%s", strings.Join(s.commands, "\n"), strings.Join(want, "\n"))
	}
	s = &shell{runs: []shellRun{prints("", "", 0)}}
	if wevtutilSteps(t, s, &events.Selection{Channel: vmmsAdmin}); !slices.Equal(s.commands, []string{queryAll}) {
		t.Errorf("commands %q, want %s", s.commands, queryAll)
	}
}

// TestWevtutilRefuses: nothing runs for a name that a command line cannot hold.
func TestWevtutilRefuses(t *testing.T) {
	tests := []events.Selection{
		{},
		{Channel: `System" & calc "`},
		{Channel: "%PATH%"},
		{Channel: "a]]>b"},
		{Channel: "a\nb"},
		{Channel: "a\u201db"},
		{Channel: "/lf:true"},
		{Channel: "System", Provider: `x'] or *[@a='`},
		{Channel: "System", Provider: "%PATH%"},
		{Channel: "System", Provider: `"`},
	}
	for _, sel := range tests {
		s := &shell{}
		if got := wevtutilSteps(t, s, &sel); len(got) != 1 || s.commands != nil {
			t.Errorf("%+v: got %q after %q", sel, got, s.commands)
		}
		if sel.Provider != "" {
			continue
		}
		if e, err := events.NewWevtutil(s).Oldest(t.Context(), sel.Channel); e != nil || err == nil || s.commands != nil {
			t.Errorf("%q: Oldest = %v, %v after %q", sel.Channel, e, err, s.commands)
		}
	}
}

func TestWevtutilExitCode(t *testing.T) {
	tests := []struct {
		code       int
		out, text  string
		want, kept string
		wantCode   uint32
	}{
		{5, "", "Zugriff verweigert.\r\n", "this user may not read it (error 5)", "Zugriff verweigert.", 5},
		{-2147024891, "", "", "this user may not read it (error 5)", "", 5}, // 0x80070005
		{87, "", "x", "the host refuses a parameter (error 87)", "x", 87},
		{1722, "", "x", "the Event Log service is not running (error 1722)", "x", 1722},
		{1717, "", "x", "the Event Log service does not answer (error 1717)", "x", 1717},
		{50, "", "x", "the host cannot do this (error 50)", "x", 50},
		{9009, "", "x", "the host has no wevtutil, or does not let it run (error 9009)", "x", 9009},
		{15000, "", "", "this is not how a channel is named (error 15000)", "", 15000},
		{15001, "", "", "the host does not understand the query (error 15001)", "", 15001},
		{15007, "", "Не найден", "the host has no such channel (error 15007)", "Не найден", 15007},
		{15022, "", "", "it is an analytic channel that is recording: it can be read once it is off (error 15022)", "", 15022},
		{15026, "", "", "the query is too long for the host (error 15026)", "", 15026},
		{15006, "", "見つかりません\r\n", "error 15006: 見つかりません", "見つかりません", 15006},
		{15034, "", "", "error 15034", "", 15034},
		{4711, "", "a\r\nb", "error 4711: a b", "a\r\nb", 4711},
		{1, "Oje", "", "error 1: Oje", "Oje", 1},
		{1, "Oje", strings.Repeat("x", 1<<20), "error 1: " + strings.Repeat("x", 256) + "...", strings.Repeat("x", 32<<10), 1},
	}
	for _, tt := range tests {
		s := &shell{runs: []shellRun{prints(tt.out, tt.text, tt.code)}}
		s.t = t
		var got error
		for _, err := range events.NewWevtutil(s).Events(t.Context(), &events.Selection{Channel: vmmsAdmin}) {
			got = err
		}
		e, ok := errors.AsType[*events.ChannelError](got)
		if !ok || e.Code != tt.wantCode || e.Text != tt.kept || e.Error() != channelSays+tt.want {
			t.Errorf("exit code %d: %v", tt.code, got)
		}
	}
}

// TestWevtutilStderr: what is written to stderr is read like the events, in any encoding.
func TestWevtutilStderr(t *testing.T) {
	for _, text := range []string{"Schl\xfcssel\r\n", "Schlüssel", "\xff\xfeS\x00c\x00h\x00l\x00\xfc\x00s\x00s\x00e\x00l\x00"} {
		s := &shell{t: t, runs: []shellRun{func(_ context.Context, _, stderr io.Writer) (int, error) {
			_, err := io.WriteString(stderr, text)
			return 4711, err
		}}}
		want := []string{channelSays + "error 4711: Schlüssel"}
		if got := wevtutilSteps(t, s, &events.Selection{Channel: vmmsAdmin}); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestWevtutilRunnerError: what the Runner says comes as it is, after the events that came.
func TestWevtutilRunnerError(t *testing.T) {
	lost := errors.New("lost")
	s := &shell{runs: []shellRun{func(_ context.Context, stdout, _ io.Writer) (int, error) {
		_, err := io.WriteString(stdout, movedEvent(2)+"<Event>")
		return 0, errors.Join(err, lost)
	}}}
	if got := wevtutilSteps(t, s, &events.Selection{Channel: vmmsAdmin}); !slices.Equal(got, []string{"2", "lost"}) {
		t.Errorf("got %q", got)
	}
}

// TestWevtutilStop: whoever stops taking events ends the command, be it writing or silent, and nothing runs on.
func TestWevtutilStop(t *testing.T) {
	runs := map[string]shellRun{
		"writing": endless(movedEvent(1)),
		"silent": func(ctx context.Context, stdout, _ io.Writer) (int, error) {
			if _, err := io.WriteString(stdout, movedEvent(1)); err != nil {
				return 0, err
			}
			<-ctx.Done()
			return 0, ctx.Err()
		},
	}
	for name, run := range runs {
		t.Run(name, func(t *testing.T) {
			s := &shell{t: t, runs: []shellRun{run}}
			for _, err := range events.NewWevtutil(s).Events(t.Context(), &events.Selection{Channel: vmmsAdmin}) {
				if err != nil {
					t.Error(err)
				}
				break
			}
			if s.running != 0 || len(s.commands) != 1 {
				t.Errorf("%d commands, %d running", len(s.commands), s.running)
			}
		})
	}
}

// TestWevtutilCanceled: the events that came before the end of ctx are there.
func TestWevtutilCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &shell{t: t, runs: []shellRun{func(ctx context.Context, stdout, _ io.Writer) (int, error) {
		_, err := io.WriteString(stdout, movedEvent(1)+" ")
		<-ctx.Done()
		return 0, errors.Join(ctx.Err(), err)
	}}}
	var steps []string
	for e, err := range events.NewWevtutil(s).Events(ctx, &events.Selection{Channel: vmmsAdmin}) {
		if err != nil {
			steps = append(steps, err.Error())
			continue
		}
		steps = append(steps, fmt.Sprint(e.ID()))
		cancel()
	}
	if want := []string{"21024", context.Canceled.Error()}; !slices.Equal(steps, want) {
		t.Errorf("got %q, want %q", steps, want)
	}
}

func TestWevtutilOldest(t *testing.T) {
	tests := []struct {
		name, out string
		code      int
		want      uint64 // 0 for none
		wantErr   string
	}{
		{"one", movedEvent(17), 0, 17, ""},
		{"more than was asked for", movedEvents(17, 18), 0, 17, ""},
		{"none", "", 0, 0, ""},
		{"no channel", "", 15007, 0, channelSays + "the host has no such channel (error 15007)"},
		{"cut", "<Event>", 0, 0, string(events.ErrTruncated)},
		{"too large", "<Event>" + strings.Repeat("x", 2<<20) + "</Event>", 0, 0, string(events.ErrTooLarge)},
		{"text", "Oje", 0, 0, channelSays + `not an event: text between the events: "Oje"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &shell{t: t, runs: []shellRun{prints(tt.out, "", tt.code)}}
			e, err := events.NewWevtutil(s).Oldest(t.Context(), vmmsAdmin)
			if (tt.want == 0) != (e == nil) || e != nil && (*e.RecordID != tt.want || e.Route != events.RouteShell || e.Log != vmmsAdmin) {
				t.Errorf("Oldest = %v", e)
			}
			if err == nil && tt.wantErr != "" || err != nil && err.Error() != tt.wantErr {
				t.Errorf("Oldest: %v, want %q", err, tt.wantErr)
			}
			if want := `wevtutil qe "` + vmmsAdmin + `" /c:1 /f:XML /uni:true`; s.commands[0] != want {
				t.Errorf("command %s, want %s", s.commands[0], want)
			}
			if s.running != 0 {
				t.Error("the command still runs")
			}
		})
	}
	s := &shell{t: t, runs: []shellRun{prints("", "Hm.", 0), prints(movedEvent(17), "Hm.", 0)}}
	if e, err := events.NewWevtutil(s).Oldest(t.Context(), vmmsAdmin); e != nil || err == nil || err.Error() != "wevtutil ended well, and wrote: Hm." {
		t.Errorf("nothing but stderr: %v, %v", e, err)
	}
	if e, err := events.NewWevtutil(s).Oldest(t.Context(), vmmsAdmin); e == nil || err != nil {
		t.Errorf("an event and stderr: %v, %v", e, err)
	}
}

// TestWevtutilMuch: the bound on what comes until an event ends is none on all of them.
func TestWevtutilMuch(t *testing.T) {
	for _, octets := range []int{1 << 20, 2 << 20} { // the second are too large
		text := "<Event>" + strings.Repeat("x", octets) + "</Event>"
		s := &shell{runs: []shellRun{func(_ context.Context, stdout, _ io.Writer) (int, error) {
			for range 20 {
				if _, err := io.WriteString(stdout, text); err != nil {
					return 0, err
				}
			}
			return 0, nil
		}}}
		if got := wevtutilSteps(t, s, &events.Selection{Channel: vmmsAdmin}); len(got) != 20 || slices.ContainsFunc(got, func(step string) bool { return step != got[0] }) {
			t.Errorf("%d octets: %q", octets, got)
		}
	}
}

// TestWevtutilMemory: 10,000 events, 20 MB in UTF-16, need no more than 64 MiB at any time; in truth far less.
func TestWevtutilMemory(t *testing.T) {
	const most = 64 << 20
	s := &shell{t: t, runs: []shellRun{func(_ context.Context, stdout, _ io.Writer) (int, error) {
		var text strings.Builder
		for n := range 100 {
			text.WriteString(movedEvent(n))
		}
		chunk := utf16Text(text.String(), binary.LittleEndian)
		for range 100 {
			if _, err := stdout.Write(chunk); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}}}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	count, highest := 0, uint64(0)
	for _, err := range events.NewWevtutil(s).Events(t.Context(), &events.Selection{Channel: vmmsAdmin}) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count%1000 == 0 {
			runtime.ReadMemStats(&now)
			highest = max(highest, now.HeapInuse)
		}
	}
	if count != 10_000 || highest > before.HeapInuse+most {
		t.Errorf("%d events, %d bytes in use after %d", count, highest, before.HeapInuse)
	}
	t.Logf("%d bytes in use, %d before", highest, before.HeapInuse)
}
