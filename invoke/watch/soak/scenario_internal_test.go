// Internal: see check_internal_test.go.

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestScenario: the seed decides everything, jobs follow each other and are over when it is quiet, troubles do not overlap.
func TestScenario(t *testing.T) {
	t.Parallel()
	o := &options{length: 10 * time.Minute, hosts: 20, kills: 7, seed: 11}
	s := newScenario(o, epoch)
	if diff := cmp.Diff(s, newScenario(o, epoch), cmp.AllowUnexported(scenario{}, trouble{}), cmpopts.IgnoreUnexported(wsmantest.Job{})); diff != "" {
		t.Errorf("two of one seed (-first +second):\n%s", diff)
	}
	o.seed++
	if other := newScenario(o, epoch); cmp.Equal(s.kills, other.kills) || other.models[0].Jobs[0].ID == s.models[0].Jobs[0].ID {
		t.Error("two of different seeds are alike")
	}
	jobs, failed, ids := 0, 0, map[string]bool{}
	for i, m := range s.models {
		busy := time.Duration(0)
		for _, j := range m.Jobs {
			from, until := time.Duration(j.StartsAfter), time.Duration(j.StartsAfter+j.Duration)
			if from < busy || s.start.Add(until).After(s.quiet) || time.Duration(j.Duration) < minRun || len(j.ID) != 36 {
				t.Errorf("host %d, busy until %v: %+v", i, busy, j)
			}
			busy = until
			jobs++
			ids[j.ID] = true
			if j.Outcome == wsmantest.Failed {
				failed++
			}
		}
		away := s.start
		for _, trouble := range s.troubles[i] {
			if trouble.at.Before(away) || trouble.lasts > maxDown || !trouble.at.Before(s.quiet) {
				t.Errorf("host %d, away until %v: %+v", i, away, trouble)
			}
			away = trouble.at.Add(trouble.lasts)
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wsmantest.DecodeModel(bytes.NewReader(text)); err != nil {
			t.Errorf("host %d: %v", i, err)
		}
	}
	if len(ids) != jobs || failed < jobs/3 || failed > jobs*2/3 {
		t.Errorf("%d jobs with %d IDs, %d failed", jobs, len(ids), failed)
	}
	last := s.start
	for _, kill := range s.kills {
		if !kill.After(last) || kill.After(s.start.Add(o.length*2/3)) {
			t.Errorf("killed at %v and %v", last, kill)
		}
		last = kill
	}
}

// TestFleetOfScenario: the hosts serve what the scenario says, restart, stall and are cut off; the truth is that of the models.
func TestFleetOfScenario(t *testing.T) {
	t.Parallel()
	s := newScenario(&options{length: time.Minute, hosts: 2, seed: 1}, time.Now())
	f, err := startFleet(s)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	jobs := s.truth(f)
	if len(jobs) != len(s.models[0].Jobs)+len(s.models[1].Jobs) {
		t.Errorf("%d jobs", len(jobs))
	}
	for _, j := range jobs {
		if j.url != f.Host(j.host).URL() || j.failed != (len(j.messages) > 0) || j.ended.length() < minRemoval || j.ended.length() > maxRemoval {
			t.Errorf("job %+v", j)
		}
	}
	soon := s.start.Add(-time.Hour)
	s.troubles = [][]trouble{{{restart, soon, 0}, {cut, soon, 0}, {stall, soon, 0}}, nil}
	downs := makeTrouble(t.Context(), s, f)()
	if len(downs[0]) != 2 || len(downs[1]) != 0 || downs[0][0].length() < 0 {
		t.Errorf("away: %v", downs)
	}
	if f.Host(0).URL() != jobs[0].url && f.Host(0).URL() != jobs[1].url && len(f.Host(0).URL()) == 0 {
		t.Errorf("host 0 is at %s", f.Host(0).URL())
	}
}

// TestParse: what cannot be run is refused before anything starts.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"-h", 0, "how often the watcher is killed"},
		{"-for 1s", 2, "at least 50s"},
		{"-hosts 0", 2, "at least 1"},
		{"-kills -1", 2, "not negative"},
		{"-nosuch", 2, "not defined"},
		{"more", 2, "no arguments"},
		{"-binary nosuch -dir /nosuch/dir", 1, "hosts.txt"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(tt.args), &stdout, &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("soak %s: exit %d, %q, want %d and %q", tt.args, code, stderr.String(), tt.code, tt.want)
		}
	}
}
