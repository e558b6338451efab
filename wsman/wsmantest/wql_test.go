package wsmantest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// wqlQueries are queries with the short names of the jobs that they select.
func wqlQueries() map[string]string {
	return map[string]string{
		`select * from Msvm_MigrationJob`:                                                            "A B",
		`SELECT * FROM msvm_migrationjob WHERE JOBSTATE = 10`:                                        "A",
		`select InstanceID,JobState from Msvm_MigrationJob`:                                          "A B",
		`select * from Msvm_MigrationJob where JobState=10`:                                          "A",
		`select * from Msvm_MigrationJob where JobState='10'`:                                        "A",
		`select * from Msvm_MigrationJob where JobState<>10`:                                         "B",
		`select * from Msvm_MigrationJob where JobState!=10`:                                         "B",
		`select * from Msvm_MigrationJob where JobState < 10`:                                        "B",
		`select * from Msvm_MigrationJob where JobState > 4`:                                         "A",
		`select * from Msvm_MigrationJob where JobState <= 4`:                                        "B",
		`select * from Msvm_MigrationJob where JobState >= 4`:                                        "A B",
		`select * from Msvm_MigrationJob where JobState > -1`:                                        "A B",
		`select * from Msvm_MigrationJob where JobState = 10 or JobState = 4`:                        "A B",
		`select * from Msvm_MigrationJob where JobState = 10 and ErrorCode = 0`:                      "",
		`select * from Msvm_MigrationJob where JobState = 4 or JobState = 10 and ErrorCode = 0`:      "B",
		`select * from Msvm_MigrationJob where (JobState = 4 or JobState = 10) and ErrorCode = 0`:    "B",
		`select * from Msvm_MigrationJob where not JobState = 4`:                                     "A",
		`select * from Msvm_MigrationJob where not not JobState = 4`:                                 "B",
		`select * from Msvm_MigrationJob where not (JobState = 4 or JobState = 10)`:                  "",
		`select * from Msvm_MigrationJob where UntilTime is null`:                                    "A B",
		`select * from Msvm_MigrationJob where UntilTime is not null`:                                "",
		`select * from Msvm_MigrationJob where DestinationHost = null`:                               "B",
		`select * from Msvm_MigrationJob where DestinationHost <> null`:                              "A",
		`select * from Msvm_MigrationJob where DestinationHost = 'hv78'`:                             "A",
		`select * from Msvm_MigrationJob where DestinationHost = "HV78"`:                             "A",
		`select * from Msvm_MigrationJob where DestinationHost <> 'x'`:                               "A",
		`select * from Msvm_MigrationJob where not DestinationHost = 'x'`:                            "A",
		`select * from Msvm_MigrationJob where not (DestinationHost = 'x' and JobState = 4)`:         "A",
		`select * from Msvm_MigrationJob where Owner = 'HV77\\Administrator'`:                        "A B",
		`select * from Msvm_MigrationJob where Owner = 'it\'s "x"'`:                                  "",
		`select * from Msvm_MigrationJob where Cancellable = TRUE`:                                   "A B",
		`select * from Msvm_MigrationJob where Cancellable = false`:                                  "",
		`select * from Msvm_MigrationJob where StartTime > '20261120085830.000000+060'`:              "B",
		`select * from Msvm_MigrationJob where StartTime = '20261120075800.000000+000'`:              "A",
		`select * from Msvm_MigrationJob where InstanceID >= '11111111-0000-4000-8000-00000000000b'`: "B",
		"select\n*\tfrom Msvm_MigrationJob\r\nwhere((JobState)=10)":                                  "error",
		`select * from Msvm_MigrationJob where TimeBeforeRemoval = 'P0DT0H5M0S'`:                     "A B",
		``:                                "error",
		`select`:                          "error",
		`select *`:                        "error",
		`select * from`:                   "error",
		`select * from 'x'`:               "error",
		`select , from Msvm_MigrationJob`: "error",
		`select InstanceID, from Msvm_MigrationJob`:                                                                                     "error",
		`select Nothing from Msvm_MigrationJob`:                                                                                         "error",
		`select * from Msvm_MigrationJob where`:                                                                                         "error",
		`select * from Msvm_MigrationJob where JobState`:                                                                                "error",
		`select * from Msvm_MigrationJob where JobState =`:                                                                              "error",
		`select * from Msvm_MigrationJob where JobState = x`:                                                                            "error",
		`select * from Msvm_MigrationJob where JobState = 'x'`:                                                                          "error",
		`select * from Msvm_MigrationJob where JobState = 1.5`:                                                                          "error",
		`select * from Msvm_MigrationJob where JobState like 1`:                                                                         "error",
		`select * from Msvm_MigrationJob where JobState < null`:                                                                         "error",
		`select * from Msvm_MigrationJob where JobState is 4`:                                                                           "error",
		`select * from Msvm_MigrationJob where Cancellable = 'maybe'`:                                                                   "error",
		`select * from Msvm_MigrationJob where StartTime > 'yesterday'`:                                                                 "error",
		`select * from Msvm_MigrationJob where OperationalStatus = 2`:                                                                   "error",
		`select * from Msvm_MigrationJob where Owner = 5`:                                                                               "error",
		`select * from Msvm_MigrationJob where Nothing is null`:                                                                         "error",
		`select * from Msvm_MigrationJob where (JobState = 4`:                                                                           "error",
		`select * from Msvm_MigrationJob where JobState = 4)`:                                                                           "error",
		`select * from Msvm_MigrationJob where JobState = 4 and`:                                                                        "error",
		`select * from Msvm_MigrationJob where JobState = 4 JobState = 4`:                                                               "error",
		`select * from Msvm_MigrationJob where Owner = 'x`:                                                                              "error",
		`select * from Msvm_MigrationJob where Owner = 'x\`:                                                                             "error",
		`select * from Msvm_MigrationJob; delete`:                                                                                       "error",
		"select * from Msvm_MigrationJob where JobState = 4 or " + strings.Repeat("(", 200) + "JobState = 4" + strings.Repeat(")", 200): "error",
		"select * from Msvm_MigrationJob where " + strings.Repeat("(", 50) + "JobState = 4" + strings.Repeat(")", 50):                   "B",
		"select * from Msvm_MigrationJob where Owner = '" + strings.Repeat("x", 20000) + "'":                                            "error",
		"select * from Msvm_MigrationJob where JobState = " + strings.Repeat("9", 100):                                                  "error",
	}
}

// TestWQL runs each query through the whole service.
func TestWQL(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{})
	c := newClient(t, s, wsman.Config{})
	for query, want := range wqlQueries() {
		if query == "" {
			continue // our client takes it for no query; FuzzWQL and TestRefusals send it
		}
		ids, err := collect(t, c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs(), Query: query}), "InstanceID")
		if want == "error" {
			if wsman.SubcodeOf(err) != wsman.SubcodeCannotProcessFilter {
				t.Errorf("%.100s: %v, %v; want wsen:CannotProcessFilter", query, ids, err)
			}
			continue
		}
		var got []string
		for _, id := range ids {
			got = append(got, id[len(id)-1:])
		}
		if text := strings.Join(got, " "); err != nil || text != want {
			t.Errorf("%.100s: %q, %v; want %q", query, text, err, want)
		}
	}
}

// TestQuoteWQL sends literals that our own client writes.
func TestQuoteWQL(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{`CORP\x`, `it's`, `"q"`, `\\'"`, ``, "a\nb", `<&>]]>`} {
		m := testModel()
		m.Jobs[0].Owner, m.Jobs[1].Owner = "x", "other"
		m.Jobs[0].Properties = wsmantest.Properties{"Owner": owner}
		c := newClient(t, newServer(t, wsmantest.Config{Model: m}), wsman.Config{})
		query := "select * from Msvm_MigrationJob where Owner = " + wsman.QuoteWQL(owner)
		got, err := collect(t, c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs(), Query: query}), "InstanceID")
		if err != nil || len(got) != 1 || got[0] != jobFailed {
			t.Errorf("owner %q: %v, %v; want the one job", owner, got, err)
		}
	}
}

// TestProjection reads the fragments of a query that names properties.
func TestProjection(t *testing.T) {
	t.Parallel()
	for _, classFragments := range []bool{false, true} {
		s := newServer(t, wsmantest.Config{Dialect: &wsmantest.Dialect{ClassFragments: classFragments}})
		c := newClient(t, s, wsman.Config{})
		query := "select starttime, UntilTime, InstanceID, OperationalStatus, ElapsedTime from Msvm_MigrationJob where JobState = 10"
		for i, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs(), Query: query}) {
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, p := range i.Properties {
				names = append(names, p.Name)
			}
			want := []string{"ElapsedTime", "InstanceID", "OperationalStatus", "OperationalStatus", "StartTime", "UntilTime"}
			if diff := cmp.Diff(want, names); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
			if wantName := map[bool]string{false: "XmlFragment", true: "Msvm_MigrationJob"}[classFragments]; i.Name != wantName {
				t.Errorf("element %s, want %s", i.Name, wantName)
			}
		}
	}
}
