// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestDoctorNeeds: which rungs are not tried when one of them fails, and only that.
func TestDoctorNeeds(t *testing.T) {
	for name, want := range map[string]string{
		rungName:           "tcp proxy tls http schemes identify clock kerberos authentication sealing namespace class visible read execute events shell limits migration",
		rungProxy:          "tls http schemes identify clock kerberos authentication sealing namespace class visible read execute events shell limits migration",
		rungTLS:            "http schemes identify clock kerberos authentication sealing namespace class visible read execute events shell limits migration",
		rungHTTP:           "schemes identify clock kerberos authentication sealing namespace class visible read execute events shell limits migration",
		"schemes":          "",
		"identify":         "",
		"clock":            "",
		rungKerberos:       "authentication sealing namespace class visible read execute events shell limits migration",
		rungAuthentication: "sealing namespace class visible read execute events shell limits migration",
		"sealing":          "",
		rungNamespace:      "class visible read execute migration",
		rungClass:          "read execute",
		rungVisible:        "read execute",
		rungRead:           "execute",
		"execute":          "",
		"events":           "",
		"shell":            "",
		"limits":           "",
	} {
		l := newLadder("http://hv01:5985/wsman")
		var got []string
		for _, r := range rungs() {
			r.climb = func(*ladder, context.Context) *step {
				if r.name == name {
					return failed(errors.New("broken"))
				}
				return okay("")
			}
			st := l.take(t.Context(), &r)
			l.steps = append(l.steps, st)
			if st.notTried {
				got = append(got, st.name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("without %s %q are not tried, want %q", name, got, want)
		}
	}
}

// TestDoctorNewestJob: the method is called of the job that changed last.
func TestDoctorNewestJob(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	const newest = "B61A3F95-0C8E-4D27-97B4-E85D42C09F13" // of the default model, which still runs
	m := wsmantest.DefaultModel(time.Now())
	answered := func(j *wsmantest.Job, value uint32) { j.GetErrorEx = &wsmantest.Answer{ReturnValue: value} }
	for i := range m.Jobs {
		answered(&m.Jobs[i], uint32(invoke.ReturnValueAccessDenied))
		if m.Jobs[i].ID == newest {
			answered(&m.Jobs[i], 0)
			m.Jobs[i].StartsAfter = wsmantest.Duration(-10 * time.Second)
		}
	}
	for range len(m.Jobs) { // wherever it stands in the list
		m.Jobs = append(m.Jobs[1:], m.Jobs[0])
		h := newHost(t, wsmantest.Config{HTTP: true, Model: m})
		got := invokeRun(t.Context(), strings.NewReader(""), "doctor", "-u", administrator, h.URL())
		if text := rungText(got.stdout, "execute"); text != "ok       execute         GetErrorEx answers" {
			t.Errorf("%s, want the answer of job %s; the first of the list is %s", text, newest, m.Jobs[0].ID)
		}
	}
}

// TestDoctorVisible: what the user sees of Hyper-V, by the systems and by the jobs.
func TestDoctorVisible(t *testing.T) {
	jobs := []*invoke.MigrationJob{{}}
	for _, tt := range []struct {
		name string
		l    ladder
		want verdict
		seen string
	}{
		{"a system", ladder{sees: true, system: "HV01"}, rungOK, "the user sees HV01"},
		{"a system without a name", ladder{sees: true}, rungOK, "the user sees the host"},
		{"jobs alone", ladder{jobs: jobs}, rungOK, "the user sees migration jobs"},
		{"jobs, and no word about systems", ladder{jobs: jobs, untold: errors.New("broken")}, rungOK, "the user sees migration jobs"},
		{"nothing", ladder{}, rungFailed, ""},
		{"nothing, and no word about systems", ladder{untold: errors.New("broken"), jobsErr: invoke.ErrNothingVisible}, rungFailed, ""},
		{"no word", ladder{untold: errors.New("broken"), jobsErr: errors.New("broken")}, rungSkipped, "not known: see read"},
		{"refused", ladder{refused: errors.New("refused")}, rungSkipped, "the host does not tell, since it refuses the user: see read"},
	} {
		st := tt.l.visible(t.Context())
		if st.result != tt.want && st.err == nil || st.seen != tt.seen || (st.err != nil) != (tt.want == rungFailed) {
			t.Errorf("%s: %s %q %v, want %s %q", tt.name, st.result, st.seen, st.err, tt.want, tt.seen)
		}
	}
}

// TestDoctorOtherPort: which port is advised in place of one that is closed.
func TestDoctorOtherPort(t *testing.T) {
	for _, tt := range []struct {
		url  string
		open []uint16
		want string
	}{
		{"http://hv01:15985/wsman", []uint16{portHTTPS}, "hvmigerr doctor --https <HOST>"},
		{"http://hv01:15985/wsman", []uint16{portHTTP}, ""},
		{"https://hv01:15986/wsman", []uint16{portHTTPS}, ""},
		{"https://hv01:15986/wsman", []uint16{portHTTP}, "hvmigerr doctor --http <HOST>"},
		{"https://hv01:15986/wsman", []uint16{portHTTP, portHTTPS}, "hvmigerr doctor --http <HOST>"},
		{"http://hv01:15985/wsman", nil, ""},
	} {
		got := ""
		if actions := newLadder(tt.url).otherPort(tt.open); len(actions) > 0 {
			got = actions[0].command
		}
		if got != tt.want {
			t.Errorf("%s with %d open: %q, want %q", tt.url, tt.open, got, tt.want)
		}
	}
}

// TestDoctorLongWord: the text of a rung is cut, and that of JSON is not.
func TestDoctorLongWord(t *testing.T) {
	var b strings.Builder
	a := &app{out: &output{w: bufio.NewWriter(&b)}}
	st := warning(strings.Repeat("s", 2*maxSeen), strings.Repeat("m", 2*maxSeen), here(strings.Repeat("a", 2*maxSeen), ""))
	st.name = rungName
	a.printStep(st)
	text := strings.ReplaceAll(b.String(), rungName, "")
	for _, letter := range []string{"s", "m", "a"} {
		const most, shortening = 700, 10
		if n := strings.Count(strings.TrimPrefix(text, "warning"), letter); n < most-shortening || n > most {
			t.Errorf("%d bytes of %q are printed, want %d", n, letter, most)
		}
	}
	if o := a.rungObject(st); len(fmt.Sprint(o[2].value)) != 2*maxSeen {
		t.Errorf("JSON has %d bytes, want %d", len(fmt.Sprint(o[2].value)), 2*maxSeen)
	}
}

// TestDoctorNotTried: every method that is not tried is told, with the reason that holds for it.
func TestDoctorNotTried(t *testing.T) {
	const other, basic, certificate = "no failure leads to another method; --auth takes it", "it shows the host the password: only --auth basic takes it", "no --client-cert is given"
	all := map[string]string{"Kerberos": other, "NTLM": other, "Basic": basic, "certificate": certificate}
	for _, tt := range []struct {
		choice transport.Choice
		own    string
	}{
		{transport.Choice{Auth: transport.AuthNTLM, Mechanism: transport.MechanismNTLM}, "NTLM"},
		{transport.Choice{Auth: transport.AuthNegotiate, Mechanism: transport.MechanismKerberos}, "Kerberos"},
		{transport.Choice{Auth: transport.AuthBasic}, "Basic"},
		{transport.Choice{Auth: transport.AuthCertificate}, "certificate"},
	} {
		l := newLadder("http://hv01:5985/wsman")
		l.s.method.Choice = tt.choice
		var methods []string
		for _, o := range l.notTried() {
			name := fmt.Sprint(o[0].value)
			methods = append(methods, name)
			if o[1].value != all[name] {
				t.Errorf("%s beside %s: %q, want %q", name, tt.own, o[1].value, all[name])
			}
		}
		if len(methods) != len(all)-1 || slices.Contains(methods, tt.own) {
			t.Errorf("beside %s there are %q", tt.own, methods)
		}
	}
}

// TestDoctorConnections: a host that closes the connection after each answer is told of once, and not one that did so once.
func TestDoctorConnections(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	const words = "closes the connection after each answer"
	closing := &wsmantest.Dialect{ConnectionClose: true}
	for _, tt := range []struct {
		name string
		cfg  wsmantest.Config
		args string
		want int
	}{
		{"kept", wsmantest.Config{HTTP: true}, byAdministrator, 0},
		{"closed once", wsmantest.Config{HTTP: true, Rules: rule("Identify", wsmantest.Rule{After: 1, CloseAfter: true})}, byAdministrator, 0},
		{"closed once, and then one request", wsmantest.Config{HTTP: true, Model: &wsmantest.Model{}, Rules: rule("Identify", wsmantest.Rule{After: 1, CloseAfter: true})}, byAdministrator, 0},
		{"closed each time", wsmantest.Config{HTTP: true, Dialect: closing}, byAdministrator, 1},
		{"Basic needs no connection", wsmantest.Config{Dialect: closing}, byAdministrator + " --auth basic --insecure", 0},
	} {
		h := newHost(t, tt.cfg)
		got := invokeRun(t.Context(), strings.NewReader(""), slices.Concat([]string{"doctor"}, strings.Fields(tt.args), []string{h.URL()})...)
		text := strings.Join(strings.Fields(got.stdout), " ")
		if got.code != exitOK || strings.Count(text, words) != tt.want || strings.Count(text, "logs on anew") != tt.want {
			t.Errorf("%s: exit %d, want %d times %q:\n%s", tt.name, got.code, tt.want, words, got.stdout)
		}
	}
}
