package wsmantest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestFleetModel: every host always has one job that failed, one that completed and one that runs; nothing is alike.
func TestFleetModel(t *testing.T) {
	t.Parallel()
	ids, messages := map[string]bool{}, map[string]bool{}
	for i := range 4 {
		now := &clock{start}
		s := newServer(t, wsmantest.Config{HTTP: true, Model: wsmantest.FleetModel(i, start), Clock: now.now})
		for range 25 {
			states := jobStates(t, s)
			for id := range states {
				ids[id] = true
			}
			kinds := map[string]int{}
			for _, state := range states {
				kinds[state]++
			}
			if kinds["4"] == 0 || kinds["7"] == 0 || kinds["10"] == 0 && kinds["4"] < 2 {
				t.Fatalf("host %d at %v: jobs by state %v", i, now.t.Sub(start), kinds)
			}
			now.t = now.t.Add(27 * time.Second)
		}
		m := wsmantest.FleetModel(i, start)
		e := m.Jobs[0].Errors
		if len(e) < 2 || m.Jobs[0].Outcome != wsmantest.Failed || !strings.Contains(e[0].Message, "'"+m.Host+"'") {
			t.Errorf("host %d: errors %v of %s", i, e, m.Host)
		}
		messages[e[len(e)-1].MessageID] = true
	}
	if len(messages) != 4 {
		t.Errorf("%d causes", len(messages))
	}
	if len(ids) < 4*3*3 {
		t.Errorf("%d jobs on 4 hosts in eleven minutes", len(ids))
	}
	a, _ := json.Marshal(wsmantest.FleetModel(7, start))
	b, _ := json.Marshal(wsmantest.FleetModel(7, start))
	if string(a) != string(b) {
		t.Errorf("not the same twice:\n%s\n%s", a, b)
	}
}

// TestVary: the same model for all hosts, with names and IDs of their own.
func TestVary(t *testing.T) {
	t.Parallel()
	m := testModel()
	if m.Vary(0) != m {
		t.Error("the first host has another model")
	}
	seen := []string{m.Jobs[0].ID}
	for i := 1; i < 4; i++ {
		v := m.Vary(i)
		if want := fmt.Sprintf("HV77-%d", i+1); v.Host != want || len(v.Jobs) != 2 || v.Jobs[0].VM != m.Jobs[0].VM || v.Vary(0) != v {
			t.Errorf("host %d: %+v", i, v)
		}
		if id := v.Jobs[0].ID; slices.Contains(seen, id) || id != m.Vary(i).Jobs[0].ID || len(id) != 36 {
			t.Errorf("host %d: ID %s, after %q", i, id, seen)
		}
		seen = append(seen, v.Jobs[0].ID)
	}
	if diff := cmp.Diff(testModel(), m); diff != "" {
		t.Errorf("the model was changed (-want +got):\n%s", diff)
	}
}
