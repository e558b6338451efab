package watch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestKinds follows one job of each fate.
func TestKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, "HV01", simModel(
			simJob("OLD-FAILED", -2*time.Minute, time.Minute, wsmantest.Failed),
			simJob("OLD-DONE", -3*time.Minute, time.Minute, ""),
			simJob("RUNS", -time.Minute, 90*time.Second, wsmantest.Failed),
			simJob("WARNS", 10*time.Second, 20*time.Second, wsmantest.Warnings),
			simJob("DONE", time.Minute, time.Minute, wsmantest.Completed),
			simJob("SHORT", 90*time.Second, 100*time.Millisecond, wsmantest.Failed),
		))
		got := summaries(follow(t, 10*time.Minute, watch.Config{}, s))
		want := []string{
			`HV01 job.failed OLD-FAILED web-01 "It went wrong with OLD-FAILED." missed`,
			"HV01 job.ended OLD-DONE web-01 missed",
			"HV01 job.new RUNS web-01",
			"HV01 job.new WARNS web-01",
			`HV01 job.failed RUNS web-01 "It went wrong with RUNS."`,
			`HV01 job.ended WARNS web-01 "It went wrong with WARNS."`,
			"HV01 job.new DONE web-01",
			`HV01 job.failed SHORT web-01 "It went wrong with SHORT."`,
			"HV01 job.ended DONE web-01",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}
