// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestBothEndsLimit: all destinations together have the time of one host. When the first says nothing in that time, the next is not
// asked any more, however well it is.
func TestBothEndsLimit(t *testing.T) {
	clearEnvironment(t)
	const second = "33333333-0000-4000-8000-000000000003"
	m := newMigration(t, []wsmantest.Job{moveAt(sourceJob, "127.0.0.2", saySource), moveAt(second, "127.0.0.3", saySource)},
		nil, wsmantest.Rule{Delay: wsmantest.Duration(time.Hour)})
	well, err := wsmantest.NewServer(wsmantest.Config{HTTP: true, Addr: "127.0.0.3:" + m.port, Clock: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	if err := well.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = well.Close() }()
	for _, job := range m.json(t, "--timeout", "2s", "--trust-host", "127.0.0.*", "127.0.0.1") {
		d := job.Destination
		switch text(d.Host) {
		case "127.0.0.2":
			if d.Error == nil || d.Error.Kind != "deadline" {
				t.Errorf("the one that hangs: %+v, error %+v", d, d.Error)
			}
		case "127.0.0.3":
			if d.Job != nil || d.Reason == nil && d.Error == nil {
				t.Errorf("the one after it: %+v, reason %s, error %+v", d, text(d.Reason), d.Error)
			}
		default:
			t.Errorf("the destination is %+v", d)
		}
	}
	if len(m.destination.Requests()) == 0 && m.destination.Connections() == 0 {
		t.Error("the first destination was not asked")
	}
	if n := len(well.Requests()); n > 0 {
		t.Errorf("the second destination had %d requests", n)
	}
}
