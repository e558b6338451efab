package invoke_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// fullJob holds all 46 properties, none of them NULL, in the forms of facts/wire-format.md §6.
func fullJob() *wsman.Instance {
	i := job(
		"Cancellable", "true", "Caption", "Moving", "CommunicationStatus", "2", "DeleteOnCompletion", "false",
		"Description", "Moving a machine", "DestinationHost", "HV02", "DetailedStatus", "1", "ElementName", "Move",
		"ErrorCode", "32768", "ErrorDescription", "", "ErrorSummaryDescription", "It did not work.", "HealthState", "5",
		"InstanceID", jobID, "JobRunTimes", "1", "JobState", "10", "JobStatus", "Ended", "JobType", "305",
		"LocalOrUtcTime", "2", "MigrationType", "32768", "Name", "Msvm_MigrationJob", "NewResourceSettingData", "<INSTANCE/>",
		"NewSystemSettingData", "<INSTANCE/>", "Notify", "", "OperatingStatus", "8", "OperationalStatus", "6",
		"OperationalStatus", "17", "OtherRecoveryAction", "", "Owner", `LAB\ada`, "PercentComplete", "37", "PrimaryStatus", "3",
		"Priority", "4294967295", "RecoveryAction", "2", "RunDay", "-3", "RunDayOfWeek", "-1", "RunMonth", "11",
		"Status", "Error", "StatusDescriptions", "Failed", "StatusDescriptions", "Job is completed",
		"VirtualSystemName", guidWeb,
	)
	for name, value := range map[string]string{
		"InstallDate": "1601-01-01T00:00:00Z", "ScheduledStartTime": "2026-05-04T10:00:00Z",
		"StartTime": "2026-05-04T10:00:00.25Z", "TimeOfLastStateChange": "2026-05-04T10:01:00Z",
		"TimeSubmitted": "2026-05-04T12:00:00+02:00", "UntilTime": "2026-05-05T00:00:00Z",
	} {
		i.Properties = append(i.Properties, nested(name, "Datetime", value))
	}
	for name, value := range map[string]string{
		"ElapsedTime": "P0DT0H0M59.75S", "RunStartInterval": "P0DT2H0M0S", "TimeBeforeRemoval": "P0DT0H5M0S",
	} {
		i.Properties = append(i.Properties, nested(name, "Interval", value))
	}
	return i
}

func nested(name, element, value string) wsman.Property {
	return wsman.Property{Name: name, Children: []wsman.Property{{Name: element, Text: value}}}
}

func TestDecodeMigrationJob(t *testing.T) {
	in := fullJob()
	at := func(h, m, s int) *time.Time { return new(time.Date(2026, 5, 4, h, m, s, 0, time.UTC)) }
	want := &invoke.MigrationJob{
		Cancellable: new(true), Caption: new("Moving"), CommunicationStatus: new(invoke.CommunicationStatus(2)),
		DeleteOnCompletion: new(false), Description: new("Moving a machine"), DestinationHost: new("HV02"),
		DetailedStatus: new(invoke.DetailedStatus(1)), ElapsedTime: new(59*time.Second + 750*time.Millisecond),
		ElementName: new("Move"), ErrorCode: new(uint16(32768)), ErrorDescription: new(""),
		ErrorSummaryDescription: new("It did not work."), HealthState: new(invoke.HealthState(5)),
		InstallDate: new(time.Time), InstanceID: new(jobID), JobRunTimes: new(uint32(1)),
		JobState: new(invoke.JobStateException), JobStatus: new("Ended"), JobType: new(invoke.JobType(305)),
		LocalOrUtcTime: new(invoke.LocalOrUtcTime(2)), MigrationType: new(invoke.MigrationType(32768)),
		Name: new("Msvm_MigrationJob"), NewResourceSettingData: []string{"<INSTANCE/>"},
		NewSystemSettingData: new("<INSTANCE/>"), Notify: new(""), OperatingStatus: new(invoke.OperatingStatus(8)),
		OperationalStatus: []invoke.OperationalStatus{6, 17}, OtherRecoveryAction: new(""), Owner: new(`LAB\ada`),
		PercentComplete: new(uint16(37)), PrimaryStatus: new(invoke.PrimaryStatus(3)), Priority: new(uint32(4294967295)),
		RecoveryAction: new(invoke.RecoveryAction(2)), RunDay: new(int8(-3)), RunDayOfWeek: new(invoke.RunDayOfWeek(-1)),
		RunMonth: new(invoke.RunMonth(11)), RunStartInterval: new(2 * time.Hour), ScheduledStartTime: at(10, 0, 0),
		StartTime: new(at(10, 0, 0).Add(250 * time.Millisecond)), Status: new("Error"),
		StatusDescriptions: []string{"Failed", "Job is completed"}, TimeBeforeRemoval: new(5 * time.Minute),
		TimeOfLastStateChange: at(10, 1, 0), TimeSubmitted: at(10, 0, 0), UntilTime: at(24, 0, 0),
		VirtualSystemName: new(guidWeb), Instance: in,
	}
	if diff := cmp.Diff(want, invoke.DecodeMigrationJob(in)); diff != "" {
		t.Errorf("DecodeMigrationJob (-want +got):\n%s", diff)
	}
}

// TestDecodeMigrationJobFields holds the struct to the schema: 46 properties, each read from the element of its own name.
func TestDecodeMigrationJobFields(t *testing.T) {
	full := fullJob()
	properties := 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[invoke.MigrationJob]()) {
		if f.Name == "Instance" || f.Name == "Problems" {
			continue
		}
		properties++
		one := &wsman.Instance{Name: "Msvm_MigrationJob"}
		for _, p := range full.Properties {
			if p.Name == f.Name {
				p.Name = strings.ToLower(p.Name) // CIM names compare case-insensitively
				one.Properties = append(one.Properties, p)
			}
		}
		j := reflect.ValueOf(invoke.DecodeMigrationJob(one)).Elem()
		for _, g := range reflect.VisibleFields(j.Type()) {
			if null := j.FieldByIndex(g.Index).IsNil(); g.Name != "Instance" && null == (g.Name == f.Name) {
				t.Errorf("with %s alone, %s is NULL: %t", f.Name, g.Name, null)
			}
		}
	}
	if properties != 46 {
		t.Errorf("MigrationJob has %d properties, want 46", properties)
	}
}

func TestDecodeMigrationJobNull(t *testing.T) {
	in := fullJob()
	for i := range in.Properties {
		in.Properties[i] = wsman.Property{Name: in.Properties[i].Name, Nil: true}
	}
	if diff := cmp.Diff(&invoke.MigrationJob{Instance: in}, invoke.DecodeMigrationJob(in)); diff != "" {
		t.Errorf("all NULL (-want +got):\n%s", diff)
	}
	in = job("Colour", "blue")
	if diff := cmp.Diff(&invoke.MigrationJob{Instance: in}, invoke.DecodeMigrationJob(in)); diff != "" {
		t.Errorf("none there (-want +got):\n%s", diff)
	}
}

func TestDecodeMigrationJobProblems(t *testing.T) {
	in := fullJob()
	bad := map[string][]wsman.Property{
		"ErrorCode":            {{Name: "ErrorCode", Text: "65536"}},
		"JobState":             {{Name: "JobState", Text: ""}},
		"NewSystemSettingData": {nested("NewSystemSettingData", "Msvm_VirtualSystemSettingData", "")},
		"OperationalStatus":    {{Name: "OperationalStatus", Text: "2"}, {Name: "OperationalStatus", Text: "two"}},
		"Owner":                {{Name: "Owner", Text: "ada"}, {Name: "Owner", Text: "grace"}},
		"RunStartInterval":     {nested("RunStartInterval", "Datetime", "2026-05-04T10:00:00Z")},
		"StartTime":            {nested("StartTime", "Interval", "P0DT0H5M0S")},
	}
	var properties []wsman.Property
	for _, p := range in.Properties {
		if bad[p.Name] == nil {
			properties = append(properties, p)
		}
	}
	for _, ps := range bad {
		properties = append(properties, ps...)
	}
	in.Properties = properties

	j := invoke.DecodeMigrationJob(in)
	got := map[string]string{}
	for _, err := range j.Problems {
		p, ok := errors.AsType[*invoke.PropertyError](err)
		if !ok {
			t.Fatalf("problem %v is a %T", err, err)
		}
		got[p.Property] = p.Raw
	}
	want := map[string]string{
		"ErrorCode": "65536", "JobState": "", "NewSystemSettingData": "", "OperationalStatus": "2, two", "Owner": "ada, grace",
		"RunStartInterval": "2026-05-04T10:00:00Z", "StartTime": "P0DT0H5M0S",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Problems (-want +got):\n%s", diff)
	}
	if j.ErrorCode != nil || j.JobState != nil || j.OperationalStatus != nil || j.Owner != nil || j.StartTime != nil {
		t.Error("a property with a problem is not NULL")
	}
	if text(j.InstanceID) != jobID || len(j.StatusDescriptions) != 2 {
		t.Error("a problem took its neighbours with it")
	}
}

func TestPropertyError(t *testing.T) {
	cause := errors.New("is no uint16")
	err := &invoke.PropertyError{Property: "ErrorCode", Raw: "a" + strings.Repeat("é", 40), Err: cause}
	if got, want := err.Error(), `ErrorCode "a`+strings.Repeat("é", 31)+`"…: is no uint16`; got != want {
		t.Errorf("Error() = %s, want %s", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}

// Services that are not Windows leave cim:Datetime and cim:Interval off, or write the 25 characters of CIM.
func TestDecodeMigrationJobDialects(t *testing.T) {
	at := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name, start, removal string
		want                 time.Time
	}{
		{"bare", "2026-05-04T10:00:00Z", "PT5M", at},
		{"offset", "2026-05-04T12:00:00+02:00", "P0DT0H5M0S", at},
		{"no zone", "2026-05-04T10:00:00", "PT300S", at},
		{"CIM", "20260504120000.000000+120", "00000000000500.000000:000", at},
		{"interval of zero", "00000000000000.000000:000", "00000000000500.000000:000", time.Time{}},
		{"never", "1601-01-01T00:00:00Z", "PT5M", time.Time{}},
	}
	for _, tt := range tests {
		j := invoke.DecodeMigrationJob(job("StartTime", tt.start, "TimeBeforeRemoval", tt.removal))
		if j.StartTime == nil || !j.StartTime.Equal(tt.want) {
			t.Errorf("%s: StartTime = %v, want %v", tt.name, j.StartTime, tt.want)
		}
		if j.TimeBeforeRemoval == nil || *j.TimeBeforeRemoval != 5*time.Minute {
			t.Errorf("%s: TimeBeforeRemoval = %v, want 5m", tt.name, j.TimeBeforeRemoval)
		}
	}
}

func TestMigrationJobRules(t *testing.T) {
	type verdict struct{ Failed, Warnings, Finished, Running bool }
	running, done := verdict{Running: true}, verdict{Finished: true}
	failed := verdict{Failed: true, Finished: true}
	tests := []struct {
		state, code string
		want        verdict
	}{
		{null, null, running},
		{"2", "0", running},
		{"3", "0", running},
		{"4", "32768", running},
		{"5", "0", running},
		{"6", "0", running},
		{"7", "0", done},
		{"7", null, done},
		{"7", "4096", done},
		{"7", "1", failed},
		{"7", "32768", failed},
		{"8", "0", failed},
		{"9", null, failed},
		{"10", "0", failed},
		{"11", "0", running},
		{"12", "0", running},
		{"13", "32768", running},
		{"32768", "0", verdict{Warnings: true, Finished: true}},
		{"32768", "32768", verdict{Warnings: true, Finished: true}},
		{"32769", "32768", running},
	}
	for _, tt := range tests {
		j := invoke.DecodeMigrationJob(job("JobState", tt.state, "ErrorCode", tt.code))
		got := verdict{j.Failed(), j.CompletedWithWarnings(), j.Finished(), j.Running()}
		if got != tt.want {
			t.Errorf("JobState %q, ErrorCode %q: %+v, want %+v", tt.state, tt.code, got, tt.want)
		}
	}
}

func TestRemoval(t *testing.T) {
	const changed = "2026-05-04T10:01:00Z"
	tests := []struct {
		state, change, before string
		want                  time.Time // zero: not known
	}{
		{"10", changed, "PT5M", time.Date(2026, 5, 4, 10, 6, 0, 0, time.UTC)},
		{"7", changed, "PT0S", time.Date(2026, 5, 4, 10, 1, 0, 0, time.UTC)},
		{"4", changed, "PT5M", time.Time{}},
		{"10", "1601-01-01T00:00:00Z", "PT5M", time.Time{}},
		{"10", null, "PT5M", time.Time{}},
		{"10", changed, null, time.Time{}},
	}
	for _, tt := range tests {
		j := invoke.DecodeMigrationJob(job("JobState", tt.state, "TimeOfLastStateChange", tt.change, "TimeBeforeRemoval", tt.before))
		got, ok := j.Removal()
		if ok == tt.want.IsZero() || !got.Equal(tt.want) {
			t.Errorf("%+v: Removal() = %v, %t", tt, got, ok)
		}
	}
}
