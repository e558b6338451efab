package invoke

import (
	"errors"
	"iter"
	"math/bits"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// DecodeMigrationJob gives the typed view of an instance, which may be of any class that has some of these properties:
// names compare case-insensitively, missing ones are NULL. It does not fail: what cannot be converted is NULL, and told
// in Problems.
func DecodeMigrationJob(i *wsman.Instance) *MigrationJob {
	d := &jobDecoder{instance: i}
	j := &MigrationJob{
		Cancellable:             d.boolean("Cancellable"),
		Caption:                 d.text("Caption"),
		CommunicationStatus:     unsigned[CommunicationStatus](d, "CommunicationStatus"),
		DeleteOnCompletion:      d.boolean("DeleteOnCompletion"),
		Description:             d.text("Description"),
		DestinationHost:         d.text("DestinationHost"),
		DetailedStatus:          unsigned[DetailedStatus](d, "DetailedStatus"),
		ElapsedTime:             d.interval("ElapsedTime"),
		ElementName:             d.text("ElementName"),
		ErrorCode:               unsigned[uint16](d, "ErrorCode"),
		ErrorDescription:        d.text("ErrorDescription"),
		ErrorSummaryDescription: d.text("ErrorSummaryDescription"),
		HealthState:             unsigned[HealthState](d, "HealthState"),
		InstallDate:             d.timestamp("InstallDate"),
		InstanceID:              d.text("InstanceID"),
		JobRunTimes:             unsigned[uint32](d, "JobRunTimes"),
		JobState:                unsigned[JobState](d, "JobState"),
		JobStatus:               d.text("JobStatus"),
		JobType:                 unsigned[JobType](d, "JobType"),
		LocalOrUtcTime:          unsigned[LocalOrUtcTime](d, "LocalOrUtcTime"),
		MigrationType:           unsigned[MigrationType](d, "MigrationType"),
		Name:                    d.text("Name"),
		NewResourceSettingData:  d.texts("NewResourceSettingData"),
		NewSystemSettingData:    d.text("NewSystemSettingData"),
		Notify:                  d.text("Notify"),
		OperatingStatus:         unsigned[OperatingStatus](d, "OperatingStatus"),
		OperationalStatus:       d.operationalStatus("OperationalStatus"),
		OtherRecoveryAction:     d.text("OtherRecoveryAction"),
		Owner:                   d.text("Owner"),
		PercentComplete:         unsigned[uint16](d, "PercentComplete"),
		PrimaryStatus:           unsigned[PrimaryStatus](d, "PrimaryStatus"),
		Priority:                unsigned[uint32](d, "Priority"),
		RecoveryAction:          unsigned[RecoveryAction](d, "RecoveryAction"),
		RunDay:                  signed[int8](d, "RunDay"),
		RunDayOfWeek:            signed[RunDayOfWeek](d, "RunDayOfWeek"),
		RunMonth:                unsigned[RunMonth](d, "RunMonth"),
		RunStartInterval:        d.interval("RunStartInterval"),
		ScheduledStartTime:      d.timestamp("ScheduledStartTime"),
		StartTime:               d.timestamp("StartTime"),
		Status:                  d.text("Status"),
		StatusDescriptions:      d.texts("StatusDescriptions"),
		TimeBeforeRemoval:       d.interval("TimeBeforeRemoval"),
		TimeOfLastStateChange:   d.timestamp("TimeOfLastStateChange"),
		TimeSubmitted:           d.timestamp("TimeSubmitted"),
		UntilTime:               d.timestamp("UntilTime"),
		VirtualSystemName:       d.text("VirtualSystemName"),
		Instance:                i,
	}
	j.Problems = d.problems
	return j
}

// A jobDecoder reads properties of one instance and collects what is wrong with them.
type jobDecoder struct {
	instance *wsman.Instance
	problems []error
}

// values yields the values of a property. It does what Array of the instance does without a slice for each of 46 names.
func (d *jobDecoder) values(name string) iter.Seq[*wsman.Property] {
	return func(yield func(*wsman.Property) bool) {
		for k := range d.instance.Properties {
			p := &d.instance.Properties[k]
			if len(p.Name) == len(name) && !p.Nil && strings.EqualFold(p.Name, name) && !yield(p) {
				return
			}
		}
	}
}

// problem notes err and the raw text of all values of a property.
func (d *jobDecoder) problem(name string, err error) {
	var raw []string
	for p := range d.values(name) {
		raw = append(raw, rawText(p))
	}
	d.problems = append(d.problems, &PropertyError{Property: name, Raw: strings.Join(raw, ", "), Err: err})
}

// scalar converts the one value of a property.
func scalar[T any](d *jobDecoder, name string, convert func(*wsman.Property) (T, error)) *T {
	var only *wsman.Property
	for p := range d.values(name) {
		if only != nil {
			d.problem(name, errSeveral)
			return nil
		}
		only = p
	}
	if only == nil {
		return nil
	}
	v, err := convert(only)
	if err != nil {
		d.problem(name, err)
		return nil
	}
	return &v
}

// array converts the values of a property. One that cannot be converted makes the whole NULL: with a gap the others
// would stand for something else.
func array[T any](d *jobDecoder, name string, convert func(*wsman.Property) (T, error)) []T {
	var out []T
	for p := range d.values(name) {
		v, err := convert(p)
		if err != nil {
			d.problem(name, err)
			return nil
		}
		out = append(out, v)
	}
	return out
}

func unsigned[T ~uint8 | ~uint16 | ~uint32](d *jobDecoder, name string) *T {
	return scalar(d, name, convertUnsigned[T])
}

func convertUnsigned[T ~uint8 | ~uint16 | ~uint32](p *wsman.Property) (T, error) {
	v, err := p.Uint(bits.Len64(uint64(^T(0))))
	return T(v), err
}

func signed[T ~int8](d *jobDecoder, name string) *T {
	return scalar(d, name, func(p *wsman.Property) (T, error) {
		v, err := p.Int(8)
		return T(v), err
	})
}

func (d *jobDecoder) operationalStatus(name string) []OperationalStatus {
	return array(d, name, convertUnsigned[OperationalStatus])
}

func (d *jobDecoder) boolean(name string) *bool        { return scalar(d, name, (*wsman.Property).Bool) }
func (d *jobDecoder) text(name string) *string         { return scalar(d, name, convertText) }
func (d *jobDecoder) texts(name string) []string       { return array(d, name, convertText) }
func (d *jobDecoder) timestamp(name string) *time.Time { return scalar(d, name, convertTime) }

func (d *jobDecoder) interval(name string) *time.Duration {
	return scalar(d, name, (*wsman.Property).Duration)
}

var (
	errSeveral  = errors.New("several values where one was due")
	errElements = errors.New("elements where text was due")
)

// convertText takes the text as it is. Settings that came as XML elements are left to the Instance.
func convertText(p *wsman.Property) (string, error) {
	if len(p.Children) > 0 {
		return "", errElements
	}
	return p.Text, nil
}

// convertTime reads a timestamp. CIM_Job and CIM_ConcreteJob let an interval of zero stand for a time that is not known
// or has not come (facts/schema.json: TimeSubmitted, TimeOfLastStateChange).
func convertTime(p *wsman.Property) (time.Time, error) {
	t, err := p.Time()
	if err == nil {
		return t, nil
	}
	if d, intervalErr := p.Duration(); intervalErr == nil && d == 0 {
		return time.Time{}, nil
	}
	return time.Time{}, err
}

// rawText returns the text of p, or of the one element inside it that holds the value.
func rawText(p *wsman.Property) string {
	if len(p.Children) == 1 && strings.TrimSpace(p.Text) == "" {
		return p.Children[0].Text
	}
	return p.Text
}

// quoteShort quotes s for an error text, at most 64 bytes of it.
func quoteShort(s string) string {
	const limit = 64
	if len(s) <= limit {
		return strconv.Quote(s)
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "…"
}
