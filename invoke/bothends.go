package invoke

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A migration has two ends, and each host keeps a job of its own for it. Often the cause is known at the destination alone
// (facts/event-log.md: the cause is often on the other host).

// A DestinationError says why a job names no host that could be asked. DestinationHost is what another host wrote, so nothing that does
// not look like the name of a host may be taken for one.
type DestinationError struct {
	// Name is the DestinationHost as sent, "" for NULL.
	Name string
	// Problem says what is wrong with it.
	Problem string
}

// Error tells the problem, and quotes the name such that it is safe to print.
func (e *DestinationError) Error() string {
	if e.Name == "" {
		return "DestinationHost " + e.Problem
	}
	return "DestinationHost " + quoteShort(e.Name) + " " + e.Problem
}

// Destination returns the host that the virtual machine was to move to: DestinationHost, if that is a DNS name, a NetBIOS name, or an
// IP address, and nothing more: no port, no URL, no user, no blank. Letters may be of any language. A final dot is dropped; an address
// is in its canonical form, without brackets. What is no such name is a [*DestinationError], and so is one that a resolver might take
// for an address, such as 127.1.
//
// The name is that of a host that another host wrote. Credentials must not go there unless the user has named it too.
func (j *MigrationJob) Destination() (string, error) {
	name := value(j.DestinationHost)
	if addr, err := netip.ParseAddr(name); err == nil {
		addr = addr.Unmap()
		switch {
		case addr.Zone() != "":
			return "", &DestinationError{name, "has a zone"}
		case addr.IsUnspecified(), addr.IsMulticast(), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
			return "", &DestinationError{name, "is not the address of one host"}
		}
		return addr.String(), nil
	}
	host := strings.TrimSuffix(name, ".")
	if problem := notHostName(host); problem != "" {
		return "", &DestinationError{name, problem}
	}
	return host, nil
}

// notHostName says why name is not that of a host, "" if it is (RFC 1123 §2.1; the underscore is Windows').
func notHostName(name string) string {
	const longest, longestLabel = 253, 63 // octets, RFC 1035 §2.3.4
	switch {
	case name == "":
		return "is not told"
	case len(name) > longest:
		return "is longer than a name may be"
	case !norm.NFKC.IsNormalString(name):
		return "holds characters that stand for others" // resolvers make an ASCII digit of a wide one
	}
	label := ""
	for label = range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return "is no host name: it has an empty label"
		case len(label) > longestLabel:
			return "is no host name: it has a label that is too long"
		case label[0] == '-' || label[len(label)-1] == '-':
			return "is no host name: it has a label that begins or ends with a hyphen"
		case strings.ContainsFunc(label, notInHostName):
			return "is no host name"
		}
	}
	if numeric(label) {
		return "is neither a host name nor an address in its usual form"
	}
	return ""
}

// notInHostName tells what cannot be part of a label. The fillers are letters to Unicode and blank to the eye.
func notInHostName(r rune) bool {
	return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) || r == utf8.RuneError ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// numeric reports whether a last label makes resolvers read the whole as an address: 1 of 127.1, 2130706433, 0x7f (inet_aton).
func numeric(label string) bool {
	if !strings.ContainsFunc(label, func(r rune) bool { return !unicode.IsDigit(r) }) {
		return true
	}
	digits, hex := strings.CutPrefix(strings.ToLower(label), "0x")
	return hex && strings.Trim(digits, "0123456789abcdef") == ""
}

// The numbers of jobs and migrations that leave the virtual machine where it is (facts/schema.json).
const (
	jobCheckingStorageCompatibility JobType       = 303
	jobCheckingStorageMigration     JobType       = 304
	jobMovingStorage                JobType       = 307
	migrationStorage                MigrationType = 32769
	migrationStorageDeepCheck       MigrationType = 32772
)

// StorageOnly reports whether the job moves, or checks, storage alone, so that there is no other host.
func (j *MigrationJob) StorageOnly() bool {
	switch value(j.JobType) {
	case jobCheckingStorageCompatibility, jobCheckingStorageMigration, jobMovingStorage:
		return true
	case 0: // Unknown
		kind := value(j.MigrationType)
		return kind == migrationStorage || kind == migrationStorageDeepCheck
	}
	return false
}

// Counterpart returns the job that the destination of j has for the same migration; c is a client of the destination. When it has
// none any more, or never had, the error is [ErrNoSuchJob]. It sends what [Jobs] sends.
func Counterpart(ctx context.Context, c Client, j *MigrationJob) (*MigrationJob, error) {
	var jobs []*MigrationJob
	for other, err := range Jobs(ctx, c, nil) {
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, other)
	}
	if other := j.Counterpart(jobs); other != nil {
		return other, nil
	}
	return nil, fmt.Errorf("%w of virtual machine %.64q at that time", ErrNoSuchJob, j.VMName())
}

// clockTolerance is how far two time spans may be apart and still be of one migration: a host answers some time after the other, and
// need not begin at the same moment.
const clockTolerance = 2 * time.Minute

// Counterpart returns the one of jobs, all of another host, that is of the same migration as j, or nil: a job of the same virtual machine
// that ran at the same time. Each host's times count from its own clock, as its answer told that, so clocks need not agree. Of several, a
// job that failed comes first, then the one whose start is nearest.
//
// Whether both hosts give their jobs the same InstanceID is not known, so it is not looked at.
func (j *MigrationJob) Counterpart(jobs []*MigrationJob) *MigrationJob {
	vm := j.VMName()
	if vm == "" || j.StorageOnly() {
		return nil
	}
	var found []*MigrationJob
	for _, other := range jobs {
		if sameID(other.VMName(), vm) && !other.StorageOnly() && j.overlaps(other) {
			found = append(found, other)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return slices.MinFunc(found, func(a, b *MigrationJob) int {
		return cmp.Or(failedFirst(a, b), cmp.Compare(j.apart(a), j.apart(b)))
	})
}

func failedFirst(a, b *MigrationJob) int {
	switch {
	case a.Failed() == b.Failed():
		return 0
	case a.Failed():
		return -1
	}
	return 1
}

// overlaps reports whether two jobs ran at the same time, within the tolerance.
func (j *MigrationJob) overlaps(other *MigrationJob) bool {
	skew := j.skew(other)
	start, end, ok := j.span()
	otherStart, otherEnd, otherOK := other.span()
	return ok && otherOK &&
		!otherStart.Add(-skew-clockTolerance).After(end) && !start.Add(-clockTolerance).After(otherEnd.Add(-skew))
}

// apart returns how long lies between the starts of two jobs.
func (j *MigrationJob) apart(other *MigrationJob) time.Duration {
	start, _, _ := j.span()
	otherStart, _, _ := other.span()
	return otherStart.Add(-j.skew(other)).Sub(start).Abs()
}

// skew returns how far the clock of the other's host is ahead; 0 when one of them has told no time.
func (j *MigrationJob) skew(other *MigrationJob) time.Duration {
	if j.Instance == nil || other.Instance == nil || j.Instance.Date.IsZero() || other.Instance.Date.IsZero() {
		return 0
	}
	return other.Instance.Date.Sub(j.Instance.Date)
}

// span returns from when to when a job ran, by its host's clock, as far as that is told. A job that runs has no end yet.
func (j *MigrationJob) span() (start, end time.Time, ok bool) {
	last := value(j.TimeOfLastStateChange)
	for _, t := range []time.Time{value(j.StartTime), value(j.TimeSubmitted), last} {
		if start = t; !start.IsZero() {
			break
		}
	}
	end = last
	if j.Running() && j.Instance != nil && j.Instance.Date.After(end) {
		end = j.Instance.Date
	}
	if end.Before(start) {
		end = start
	}
	return start, end, !start.IsZero()
}

// Join adds what the destination said about the same migration: host is its name, and other is what [Diagnose] or [Ask] returned for its
// job. The Parts of other follow those of d, each with its Host; one that says what was said already is not repeated, but noted in
// AlsoHost. Destination keeps all of other. It is called once at most, and with a host that is not empty.
func (d *Diagnosis) Join(host string, other *Diagnosis) {
	other.Host, d.Destination = host, other
	m := newMerger(d)
	for _, p := range other.Parts {
		p.Host, p.Also = host, slices.Clone(p.Also)
		if p.instance() != nil || p.DecodeError != nil {
			m.add(p)
		} else {
			m.addText(p)
		}
	}
}
