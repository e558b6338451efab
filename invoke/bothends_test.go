package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
	"github.com/hvmigerr/hvmigerr/wsman"
)

func ExampleDiagnosis_Join() {
	source := &invoke.Diagnosis{Job: &invoke.MigrationJob{}, Parts: []invoke.Part{
		{Source: invoke.SourceErrorDescription, Text: "The connection was reset (0x80072746)."},
	}}
	destination := &invoke.Diagnosis{Job: &invoke.MigrationJob{}, Parts: []invoke.Part{
		{Source: invoke.SourceErrorDescription, Text: "There is not enough memory (0x8007000E)."},
	}}
	source.Join("HV02", destination)
	for _, p := range source.Parts {
		fmt.Printf("%s %q\n", p, p.Host)
	}
	// Output:
	// The connection was reset (0x80072746). ""
	// There is not enough memory (0x8007000E). "HV02"
}

// destinations are what a host may write as DestinationHost, and what that names; "" is nothing.
var destinations = []struct{ sent, want string }{
	{"HV02", "HV02"},
	{"HV02.corp.example", "HV02.corp.example"},
	{"hv02.corp.example.", "hv02.corp.example"},
	{"hv_02", "hv_02"},
	{"2012hv", "2012hv"},
	{"hv.2012hv", "hv.2012hv"},
	{"HV-MÜNCHEN-02", "HV-MÜNCHEN-02"},
	{"хост-02.пример", "хост-02.пример"},
	{strings.Repeat("a", 63) + ".b", strings.Repeat("a", 63) + ".b"},
	{"192.0.2.7", "192.0.2.7"},
	{"2001:DB8:0:0::7", "2001:db8::7"},
	{"::1", "::1"},
	{"0:0:0:0:0:0:0:1", "::1"},
	{"::ffff:192.0.2.7", "192.0.2.7"},
	{"hv02.corp.example.evil.example", "hv02.corp.example.evil.example"}, // a name, whoever it belongs to

	{"", ""},
	{".", ""},
	{"hv02..", ""},
	{".hv02", ""},
	{"hv02..example", ""},
	{" hv02", ""},
	{"hv02\n", ""},
	{"hv02:5986", ""},
	{"192.0.2.7:5986", ""},
	{"[::1]", ""},
	{"[::1]:5986", ""},
	{"fe80::1%eth0", ""},
	{"http://hv02", ""},
	{"http://x", ""},
	{"//hv02", ""},
	{`\\hv02`, ""},
	{"hv02/wsman", ""},
	{"hv02?x", ""},
	{"hv02#x", ""},
	{"hv02%2e", ""},
	{"hv02@evil", ""},
	{"user:secret@evil", ""},
	{"hv02,evil", ""},
	{"*", ""},
	{"*.corp.example", ""},
	{"@hosts", ""},
	{"-", ""},
	{"-u", ""},
	{"--trust-host", ""},
	{"hv02-", ""},
	{"hv02.-x", ""},
	{strings.Repeat("a", 64), ""},
	{strings.Repeat("ü", 32), ""}, // 64 octets
	{strings.Repeat("a.", 127) + "a", ""},
	{"127.1", ""}, // resolvers of many systems read these as addresses
	{"2130706433", ""},
	{"0x7f000001", ""},
	{"0X7F", ""},
	{"127.0.0.0x1", ""},
	{"0x", ""},
	{"127.0.0.1.", ""},
	{"0177.0.0.1", ""},
	{"１２７.０.０.１", ""},     // wide digits, which names with international letters are mapped from
	{"ｈｖ02", ""},          // wide letters
	{"hv02。evil", ""},     // an ideographic full stop
	{"\u212Av02", ""},     // the sign of kelvin for a K
	{"MU\u0308NCHEN", ""}, // two characters in the place of Ü
	{"hv\u20e002", ""},    // bidi
	{"hv\u202e20", ""},    // bidi
	{"hv\u200b02", ""},    // no width
	{"hv\u00ad02", ""},    // a soft hyphen
	{"hv\u115f02", ""},    // a filler
	{"hv\x0002", ""},      // NUL
	{"hv\x7f02", ""},      // DEL
	{"hv\xff02", ""},      // not UTF-8
	{"\u0661\u0662", ""},  // digits of another script alone
	{"0.0.0.0", ""},       // nobody
	{"::", ""},
	{"255.255.255.255", ""}, // everybody
	{"224.0.0.1", ""},       // several
	{"ff02::1", ""},
	{"\x1b]0;owned\x07", ""},
}

func TestDestination(t *testing.T) {
	t.Parallel()
	for _, tt := range destinations {
		got, err := (&invoke.MigrationJob{DestinationHost: &tt.sent}).Destination()
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Destination of %q = %q, %v, want %q", tt.sent, got, err, tt.want)
		}
	}
	if got, err := new(invoke.MigrationJob).Destination(); got != "" || err == nil || err.Error() != "DestinationHost is not told" {
		t.Errorf("Destination of NULL = %q, %v", got, err)
	}
}

// FuzzDestination: what comes out is a name and nothing else, and comes out again of itself; the error can be printed.
func FuzzDestination(f *testing.F) {
	for _, tt := range destinations {
		f.Add(tt.sent)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		got, err := (&invoke.MigrationJob{DestinationHost: &sent}).Destination()
		if (got == "") != (err != nil) {
			t.Fatalf("Destination of %q = %q, %v", sent, got, err)
		}
		if err != nil {
			e, ok := errors.AsType[*invoke.DestinationError](err)
			if !ok || e.Name != sent || e.Problem == "" {
				t.Errorf("the error of %q is %#v", sent, err)
			}
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(err.Error()) {
				t.Errorf("the error of %q prints as %q", sent, err)
			}
			return
		}
		if again, err := (&invoke.MigrationJob{DestinationHost: &got}).Destination(); again != got || err != nil {
			t.Errorf("%q comes out as %q, and that as %q, %v", sent, got, again, err)
		}
		if _, err := netip.ParseAddr(got); err == nil {
			return
		}
		if len(got) > 253 || strings.ContainsAny(got, ":/\\@%[]*?#!$&'\"`<>|;, \t\r\n") || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("%q comes out as %q", sent, got)
		}
	})
}

// A move is a job whose times count in seconds from noon, the moment when the source was asked.
type move struct {
	id, vm      string
	start, last int
	state       string
	kind        string // JobType
	times       []string
}

// noon is that moment, by the clock of the source.
var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

// at decodes the job of a host that was asked asked seconds after the source, and whose clock is ahead by skew.
func (m *move) at(skew time.Duration, asked int) *invoke.MigrationJob {
	stamp := func(seconds int) string {
		return noon.Add(skew + time.Duration(seconds)*time.Second).Format(time.RFC3339)
	}
	pairs := []string{"InstanceID", m.id, "VirtualSystemName", m.vm, "JobState", m.state, "JobType", m.kind}
	if m.times == nil {
		m.times = []string{"StartTime", "TimeOfLastStateChange"}
	}
	for i, name := range m.times {
		pairs = append(pairs, name, stamp([]int{m.start, m.last}[i%2]))
	}
	i := job(pairs...)
	i.Date = noon.Add(skew + time.Duration(asked)*time.Second)
	return invoke.DecodeMigrationJob(i)
}

const (
	running   = "4"
	completed = "7"
	exception = "10"
	moving    = "305"
	storage   = "307"
)

// TestCounterpart finds the other job of a migration among those of the destination, whatever its clock shows.
func TestCounterpart(t *testing.T) {
	t.Parallel()
	source := move{id: "s", vm: guidWeb, start: -100, last: -60, state: exception, kind: moving}
	of := func(id string, start, last int, state string) move {
		return move{id: id, vm: guidWeb, start: start, last: last, state: state, kind: moving}
	}
	another := of("other machine", -100, -60, exception)
	another.vm = guidSQL
	disk := of("storage", -100, -60, exception)
	disk.kind = storage
	braces := of("braces", -98, -61, exception)
	braces.vm = "{" + strings.ToLower(guidWeb) + "}"
	submitted := of("submitted", -98, -61, exception)
	submitted.times = []string{"TimeSubmitted"}
	ended := of("ended", -98, -61, exception)
	ended.times = []string{"StartDate", "TimeOfLastStateChange"} // no such property
	never := of("no times", -98, -61, exception)
	never.times = []string{"StartDate"}
	for _, tt := range []struct {
		name string
		jobs []move
		want string
	}{
		{"none", nil, ""},
		{"same time", []move{of("d", -98, -61, exception)}, "d"},
		{"another machine", []move{another}, ""},
		{"spelled in another way", []move{another, braces}, "braces"},
		{"storage alone", []move{disk}, ""},
		{"one attempt before", []move{of("before", -400, -230, exception)}, ""},
		{"just within tolerance", []move{of("before", -400, -220, exception)}, "before"},
		{"one attempt after", []move{of("after", 61, 70, exception)}, ""},
		{"the nearer of two", []move{of("before", -220, -180, exception), of("d", -97, -61, exception), of("after", -40, -20, exception)}, "d"},
		{"the one that failed", []move{of("well", -99, -60, completed), of("d", -90, -61, exception)}, "d"},
		{"one that did not fail", []move{of("well", -99, -60, completed)}, "well"},
		{"one that still runs", []move{of("runs", -300, -299, running)}, "runs"},
		{"when it was submitted", []move{submitted}, "submitted"},
		{"when it ended", []move{ended}, "ended"},
		{"without times", []move{never}, ""},
	} {
		for _, skew := range []time.Duration{0, time.Hour, -26 * time.Hour, 3 * 365 * 24 * time.Hour} {
			var jobs []*invoke.MigrationJob
			for i := range tt.jobs {
				jobs = append(jobs, tt.jobs[i].at(skew, 0))
			}
			if got := source.at(0, 0).Counterpart(jobs); idOf(got) != tt.want {
				t.Errorf("%s, clock ahead by %v: found %q, want %q", tt.name, skew, idOf(got), tt.want)
			}
		}
	}
}

func idOf(j *invoke.MigrationJob) string {
	if j == nil {
		return ""
	}
	return j.ID()
}

// TestCounterpartLater: the destination is asked a minute after the source, and counts to its own answer.
func TestCounterpartLater(t *testing.T) {
	t.Parallel()
	source := move{id: "s", vm: guidWeb, start: -100, last: -60, state: exception, kind: moving}
	d := move{id: "d", vm: guidWeb, start: -98, last: -61, state: exception, kind: moving}
	for _, skew := range []time.Duration{0, -time.Hour} {
		if got := source.at(0, 0).Counterpart([]*invoke.MigrationJob{d.at(skew, 60)}); idOf(got) != "d" {
			t.Errorf("clock ahead by %v: found %q", skew, idOf(got))
		}
	}
}

// TestCounterpartUndated: without the time of an answer, clocks are taken to agree.
func TestCounterpartUndated(t *testing.T) {
	t.Parallel()
	source := move{id: "s", vm: guidWeb, start: -100, last: -60, state: exception, kind: moving}
	d := move{id: "d", vm: guidWeb, start: -98, last: -61, state: exception, kind: moving}
	for _, tt := range []struct {
		skew time.Duration
		want string
	}{{0, "d"}, {time.Hour, ""}} {
		other := d.at(tt.skew, 0)
		other.Instance.Date = time.Time{}
		if got := source.at(0, 0).Counterpart([]*invoke.MigrationJob{other}); idOf(got) != tt.want {
			t.Errorf("clock ahead by %v: found %q, want %q", tt.skew, idOf(got), tt.want)
		}
	}
	bare := invoke.NewJob("x")
	if got := bare.Counterpart([]*invoke.MigrationJob{bare, d.at(0, 0)}); got != nil {
		t.Errorf("the counterpart of an unknown job is %q", got.ID())
	}
}

// TestCounterpartOrder: the order in which a host lists its jobs does not matter.
func TestCounterpartOrder(t *testing.T) {
	t.Parallel()
	source := (&move{id: "s", vm: guidWeb, start: -100, last: -60, state: exception, kind: moving}).at(0, 0)
	var jobs []*invoke.MigrationJob
	for i := range 10 {
		m := move{id: fmt.Sprint(i), vm: guidWeb, start: -100 + 7*i, last: -60 + 7*i, state: exception, kind: moving}
		jobs = append(jobs, m.at(time.Hour, 0))
	}
	for range 20 {
		rand.Shuffle(len(jobs), func(a, b int) { jobs[a], jobs[b] = jobs[b], jobs[a] })
		if got := source.Counterpart(jobs); idOf(got) != "0" {
			t.Fatalf("found %q", idOf(got))
		}
	}
}

func TestCounterpartAsked(t *testing.T) {
	t.Parallel()
	source := (&move{id: "s", vm: guidWeb, start: -100, last: -60, state: exception, kind: moving}).at(0, 0)
	d := (&move{id: "d", vm: guidWeb, start: -98, last: -61, state: exception, kind: moving}).at(0, 0)
	got, err := invoke.Counterpart(t.Context(), &fakeHost{jobs: []*wsman.Instance{d.Instance}}, source)
	if err != nil || idOf(got) != "d" {
		t.Errorf("Counterpart = %q, %v", idOf(got), err)
	}
	for _, tt := range []struct {
		host *fakeHost
		want error
	}{
		{&fakeHost{systems: []*wsman.Instance{system("HV02", "HV02")}}, invoke.ErrNoSuchJob},
		{&fakeHost{}, invoke.ErrNothingVisible},
		{&fakeHost{jobsErr: context.DeadlineExceeded}, context.DeadlineExceeded},
	} {
		if got, err := invoke.Counterpart(t.Context(), tt.host, source); got != nil || !errors.Is(err, tt.want) {
			t.Errorf("Counterpart = %q, %v, want %v", idOf(got), err, tt.want)
		}
	}
}

func TestStorageOnly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind, migration string
		want            bool
	}{
		{"305", "32768", false},
		{"306", "32771", false},
		{"300", null, false},
		{"301", null, false},
		{"302", null, false},
		{"303", null, true},
		{"304", null, true},
		{"307", "32769", true},
		{"307", null, true},
		{null, "32769", true},
		{null, "32772", true},
		{"0", "32769", true},
		{null, "32768", false},
		{null, null, false},
		{"999", "32769", false},
	} {
		j := invoke.DecodeMigrationJob(job("JobType", tt.kind, "MigrationType", tt.migration))
		if got := j.StorageOnly(); got != tt.want {
			t.Errorf("StorageOnly of JobType %q, MigrationType %q = %t", tt.kind, tt.migration, got)
		}
	}
}

// TestJoin tells what of the other end is said, and how what was said before is noted.
func TestJoin(t *testing.T) {
	t.Parallel()
	const memory = "Not enough memory (0x8007000E)."
	errMemory := cimxml("3122", memory)
	diagnose := func(host *fakeHost, pairs ...string) *invoke.Diagnosis {
		in := job(append([]string{"InstanceID", jobID, "VirtualSystemName", guidWeb}, pairs...)...)
		d, err := invoke.Ask(t.Context(), host, invoke.DecodeMigrationJob(in))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, tt := range []struct {
		name                string
		source, destination *invoke.Diagnosis
		want                []string
	}{
		{
			"cause at the destination",
			diagnose(&fakeHost{answers: answers(ex(errHeadline), one(errHeadline))}),
			diagnose(&fakeHost{answers: answers(ex(errHeadline, errMemory), one(errHeadline))}, "ErrorDescription", headline+"\n"+memory),
			[]string{"GetErrorEx[0]+GetError: " + headline + " (also HV02)", "HV02 GetErrorEx[1]+ErrorDescription: " + memory},
		},
		{
			"text of the source",
			diagnose(&fakeHost{answers: answers(ex(null), one(null))}, "ErrorDescription", "There is "+memory),
			diagnose(&fakeHost{answers: answers(ex(null), one(null))}, "ErrorDescription", memory, "ErrorSummaryDescription", "More."),
			[]string{"ErrorDescription: There is " + memory + " (also HV02)", "HV02 ErrorSummaryDescription: More."},
		},
		{
			"nothing at the source",
			diagnose(&fakeHost{answers: answers(ex(null), one(null))}),
			diagnose(&fakeHost{answers: answers(ex(errMemory), one(null))}),
			[]string{"HV02 GetErrorEx[0]: " + memory},
		},
		{
			"nothing at the destination",
			diagnose(&fakeHost{answers: answers(ex(errMemory), one(null))}),
			diagnose(&fakeHost{answers: answers(ex(null), one(null))}),
			[]string{"GetErrorEx[0]: " + memory},
		},
		{
			"codes alone",
			diagnose(&fakeHost{answers: answers(ex(null), one(null))}, "ErrorCode", "32768"),
			diagnose(&fakeHost{answers: answers(ex(null), one(null))}, "ErrorCode", "32774"),
			[]string{"ErrorCode: 32768 (Failed)", "HV02 ErrorCode: 32774 (System is in use)"},
		},
	} {
		own := show(tt.destination)
		vm := tt.source.VM
		tt.source.Join("HV02", tt.destination)
		var got []string
		for i, text := range show(tt.source) {
			p := tt.source.Parts[i]
			if p.Host != "" {
				text = p.Host + " " + text
			}
			if p.AlsoHost != "" {
				text += " (also " + p.AlsoHost + ")"
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: Parts (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(own, show(tt.source.Destination)); diff != "" || tt.source.Destination != tt.destination || tt.destination.Host != "HV02" {
			t.Errorf("%s: Destination is %+v:\n%s", tt.name, tt.source.Destination, diff)
		}
		if tt.source.VM != vm {
			t.Errorf("%s: the machine is called %q now", tt.name, tt.source.VM)
		}
	}
}

// TestJoinExplained: the explanation covers both ends, and its findings tell which.
func TestJoinExplained(t *testing.T) {
	t.Parallel()
	source := &invoke.Diagnosis{
		Job:   &invoke.MigrationJob{ErrorCode: new(uint16(32774))},
		Parts: []invoke.Part{{Source: invoke.SourceErrorDescription, Text: "The connection was reset (0x80072746)."}},
	}
	source.Join("HV02", &invoke.Diagnosis{
		Job:   &invoke.MigrationJob{ErrorCode: new(uint16(32775))},
		Parts: []invoke.Part{{Source: invoke.SourceErrorDescription, Text: "Not enough memory (0x8007000E)."}},
	})
	var got []string
	for _, f := range explain.Diagnosis(source).Findings {
		got = append(got, fmt.Sprintf("%d %X %s", f.Part, f.Code.Value, f.Host))
	}
	// That a connection was reset is told by whoever does not know why.
	want := []string{"1 8007000E HV02", "0 80072746 ", "-1 8006 ", "-1 8007 HV02"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings and their hosts (-want +got):\n%s", diff)
	}
}
