package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// How jobs and hosts behave. The pauses of the watcher follow from it: see pause.
const (
	minRun, maxRun         = 2 * time.Second, 20 * time.Second  // of a job
	minRest, maxRest       = time.Second, 10 * time.Second      // between two jobs of a host
	minRemoval, maxRemoval = 20 * time.Second, 60 * time.Second // for how long a host keeps a job that has ended
	minQuiet, maxQuiet     = 8 * time.Second, 40 * time.Second  // between two troubles of a host
	maxDown                = 6 * time.Second                    // of one trouble
	drain                  = 15 * time.Second                   // at the end nothing happens any more
	unharmed               = 30 * time.Second                   // at the end the watcher is not killed any more
)

// A scenario is what is going to happen. The seed decides all of it before anything begins.
type scenario struct {
	start  time.Time
	quiet  time.Time // from then on nothing happens: the last job has ended
	end    time.Time
	models []*wsmantest.Model
	// troubles are those of each host, in order; kills are when the watcher is killed.
	troubles [][]trouble
	kills    []time.Time
}

// A trouble is what happens to a host.
type trouble struct {
	kind  troubleKind
	at    time.Time
	lasts time.Duration
}

type troubleKind int

const (
	restart troubleKind = iota // it is away for a while
	cut                        // its connections are reset
	stall                      // it takes requests and does not answer for a while
	troubleKinds
)

func newScenario(o *options, start time.Time) *scenario {
	s := &scenario{start: start, quiet: start.Add(o.length - drain), end: start.Add(o.length)}
	for i := range o.hosts {
		random := rand.New(rand.NewPCG(o.seed, uint64(i))) //nolint:gosec // the same for the same seed
		s.models = append(s.models, s.model(random, i))
		s.troubles = append(s.troubles, s.trouble(random))
	}
	random := rand.New(rand.NewPCG(o.seed, uint64(o.hosts))) //nolint:gosec // the same for the same seed
	span := min(o.length*2/3, o.length-unharmed) / time.Duration(max(o.kills, 1))
	for i := range o.kills { // one at any time in each of as many parts
		s.kills = append(s.kills, start.Add(span*time.Duration(i)+between(random, span/4, span)))
	}
	return s
}

// between returns a duration from least to most.
func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)+1))
}

// model returns a host with one job after the other.
func (s *scenario) model(random *rand.Rand, i int) *wsmantest.Model {
	m := &wsmantest.Model{Host: fmt.Sprintf("HV%02d", i+1), Start: s.start}
	for n := range 4 {
		m.VMs = append(m.VMs, wsmantest.VM{Name: fmt.Sprintf("vm-%02d-%d", i+1, n+1), ID: newID(random)})
	}
	removal := wsmantest.Duration(between(random, minRemoval, maxRemoval))
	for at := between(random, 0, maxRest); ; at += between(random, minRest, maxRest) {
		j := wsmantest.Job{
			ID: newID(random), VM: m.VMs[random.IntN(len(m.VMs))].ID, Destination: fmt.Sprintf("HV%02d.corp.example", i+2),
			StartsAfter: wsmantest.Duration(at), Duration: wsmantest.Duration(between(random, minRun, maxRun)), TimeBeforeRemoval: removal,
		}
		at += time.Duration(j.Duration)
		if s.start.Add(at).After(s.quiet) {
			return m
		}
		if random.IntN(2) == 0 {
			j.Outcome = wsmantest.Failed
			j.Errors = []wsmantest.Error{{Message: "The migration " + j.ID + " failed.", MessageID: "21024"}}
			for n := range random.IntN(3) {
				j.Errors = append(j.Errors, wsmantest.Error{Message: fmt.Sprintf("Cause %d of %s (0x8007274D).", n+1, j.ID), MessageID: "20306"})
			}
		}
		m.Jobs = append(m.Jobs, j)
	}
}

// newID returns a GUID as Windows writes it.
func newID(random *rand.Rand) string {
	a, b := random.Uint64(), random.Uint64()
	return strings.ToUpper(fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff))
}

// trouble returns what happens to one host.
func (s *scenario) trouble(random *rand.Rand) []trouble {
	var list []trouble
	for at := s.start.Add(between(random, 0, maxQuiet)); at.Before(s.quiet); {
		t := trouble{kind: troubleKind(random.IntN(int(troubleKinds))), at: at}
		if t.kind != cut {
			t.lasts = between(random, 0, maxDown)
		}
		list = append(list, t)
		at = at.Add(t.lasts + between(random, minQuiet, maxQuiet))
	}
	return list
}

// The user of the watcher is one of wsmantest.DefaultUsers.
const (
	user     = "administrator"
	password = "administrator-pass"
)

// startFleet starts the hosts of a scenario. Their ports lie together below those that systems give to clients: a host that is
// away for a moment must find its port free.
func startFleet(s *scenario) (*fleet, error) {
	f := &fleet{}
	for range s.models {
		f.gates = append(f.gates, newGate())
	}
	for base := 21000; ; base += 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", base)
		if base > 31000 {
			addr = "127.0.0.1:0"
		}
		var err error
		f.Fleet, err = wsmantest.NewFleet(wsmantest.FleetConfig{Hosts: len(s.models), Addr: addr, Host: func(i int) wsmantest.Config {
			return wsmantest.Config{HTTP: true, Model: s.models[i], Records: -1, Clock: f.gates[i].now}
		}})
		if err != nil {
			return nil, err
		}
		if err = f.Start(); err == nil {
			return f, nil
		}
		if base > 31000 {
			return nil, err
		}
	}
}

// truth returns what the models say of the jobs.
func (s *scenario) truth(f *fleet) []job {
	var list []job
	for i, m := range s.models {
		for k := range m.Jobs {
			j := &m.Jobs[k]
			ended := m.Start.Add(time.Duration(j.StartsAfter + j.Duration))
			t := job{
				host: i, url: f.Host(i).URL(), id: j.ID, failed: j.Outcome == wsmantest.Failed,
				ended: span{ended, ended.Add(time.Duration(j.TimeBeforeRemoval))},
			}
			for _, e := range j.Errors {
				t.messages = append(t.messages, e.Message)
			}
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b job) int { return a.ended.from.Compare(b.ended.from) })
	return list
}
