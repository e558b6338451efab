package events

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed catalogue.txt
var catalogueText string

// A kind is what an event says of a migration. The table explains them.
type kind string

// The kinds of catalogue.txt.
const (
	kindStart     kind = "start"
	kindProgress  kind = "progress"
	kindCompleted kind = "completed"
	kindSlow      kind = "slow"
	kindFailed    kind = "failed"
	kindCarrier   kind = "carrier"
	kindCause     kind = "cause"
	kindHint      kind = "hint"
	kindNote      kind = "note"
)

// makes reports whether an event of the kind is a migration's, so that it makes an incident where there is none.
func (k kind) makes() bool { return k != kindHint && k != kindNote }

// ends reports whether it is the end of a migration.
func (k kind) ends() bool { return k.fails() || k == kindCompleted || k == kindSlow }

// fails reports whether it says that the migration failed.
func (k kind) fails() bool { return k == kindFailed || k == kindCarrier }

// tellsWhy reports whether it may say why.
func (k kind) tellsWhy() bool { return k == kindCause || k == kindHint || k == kindCarrier }

// A part is what an argument of an event's message is.
type part string

// The parts of catalogue.txt.
const (
	partVM          part = "vm"
	partID          part = "id"
	partSource      part = "source"
	partDestination part = "destination"
)

// An eventKey tells events apart: providers use the same numbers.
type eventKey struct {
	provider string // without Microsoft-Windows-
	id       uint32
}

// A meaning is a line of the catalogue.
type meaning struct {
	kind kind
	role Role
	weak bool // the role counts only if no other event tells
	// hostWide tells that it strikes every machine of the host.
	hostWide bool
	// arguments are those of the message that tell a part: the GUID first, for a machine may be called as another's.
	arguments []argument
	quoted    []part
}

// An argument is one of an event's message. Its number is counted from 1.
type argument struct {
	part   part
	number int
}

// A catalogue is the table, ready for use.
type catalogue struct {
	meanings map[eventKey]*meaning
	// note and hint are what events mean that the table does not have.
	note, hint *meaning
	// err tells what of the table could not be read. It fails a test.
	err error
}

var catalogued = sync.OnceValue(func() *catalogue { return newCatalogue(catalogueText) }) //nolint:gochecknoglobals // a cache of what the program carries

// newCatalogue reads the table.
func newCatalogue(text string) *catalogue {
	c := &catalogue{meanings: map[eventKey]*meaning{}, note: &meaning{kind: kindNote}, hint: &meaning{kind: kindHint}}
	var errs []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if err := c.add(words); err != nil {
			errs = append(errs, fmt.Errorf("catalogue.txt:%d: %w", number, err))
		}
	}
	c.err = errors.Join(errs...)
	return c
}

// has reports whether the table has the event.
func (c *catalogue) has(key eventKey) bool { return c.meanings[key] != nil }

// add takes the words of a line.
func (c *catalogue) add(words []string) error {
	if len(words) < 3 {
		return errors.New("not PROVIDER EVENT KIND")
	}
	id, err := strconv.ParseUint(words[1], 10, 32)
	if err != nil {
		return err
	}
	key := eventKey{words[0], uint32(id)}
	if c.meanings[key] != nil {
		return errors.New("second line of this event")
	}
	m := &meaning{kind: kind(words[2])}
	if !slices.Contains(kinds(), m.kind) {
		return fmt.Errorf("unknown kind %q", words[2])
	}
	for _, word := range words[3:] {
		if err := m.set(word); err != nil {
			return err
		}
	}
	slices.SortStableFunc(m.arguments, func(a, b argument) int {
		return cmp.Compare(slices.Index(parts(), a.part), slices.Index(parts(), b.part))
	})
	c.meanings[key] = m
	return nil
}

// kinds returns what a line may say.
func kinds() []kind {
	return []kind{
		kindStart, kindProgress, kindCompleted, kindSlow, kindFailed, kindCarrier, kindCause, kindHint, kindNote,
	}
}

// set takes a role, hostwide, or a key with its value.
func (m *meaning) set(word string) error {
	if word == "hostwide" {
		m.hostWide = true
		return nil
	}
	key, value, ok := strings.Cut(word, "=")
	if !ok {
		role, weak := strings.CutSuffix(word, "?")
		m.role, m.weak = Role(role), weak
		if m.role != RoleSource && m.role != RoleDestination {
			return fmt.Errorf("unknown role %q", word)
		}
		return nil
	}
	if key == "quoted" {
		for name := range strings.SplitSeq(value, ",") {
			if !isPart(part(name)) {
				return fmt.Errorf("unknown piece %q", name)
			}
			m.quoted = append(m.quoted, part(name))
		}
		return nil
	}
	n, err := strconv.ParseUint(value, 10, 8)
	if err != nil || n == 0 || !isPart(part(key)) {
		return fmt.Errorf("no argument: %q", word)
	}
	m.arguments = append(m.arguments, argument{part(key), int(n)})
	return nil
}

// parts returns what a piece may be, in the order in which they are read.
func parts() []part { return []part{partID, partVM, partSource, partDestination} }

func isPart(p part) bool { return slices.Contains(parts(), p) }

// keyOf returns what tells e apart. An event without a provider counts as one of its channel's.
func keyOf(e *Event) eventKey {
	const windows = "Microsoft-Windows-"
	provider := strings.TrimPrefix(e.Provider, windows)
	if provider == "" {
		provider = strings.TrimPrefix(e.Log, windows)
		if provider == "" {
			provider = strings.TrimPrefix(e.Channel, windows)
		}
		provider, _, _ = strings.Cut(provider, "/")
		for _, suffix := range [...]string{"-Admin", "-Operational", "-Analytic"} {
			provider = strings.TrimSuffix(provider, suffix)
		}
	}
	return eventKey{provider, e.ID()}
}

// haProvider is the part of the cluster that moves virtual machines.
const haProvider = "Hyper-V-High-Availability"

// ofCluster reports whether the provider names resources of the cluster where others name virtual machines.
func (k eventKey) ofCluster() bool {
	return k.provider == haProvider || k.provider == "FailoverClustering"
}

// ofHyperV reports whether the provider is one of Hyper-V or the cluster.
func (k eventKey) ofHyperV() bool {
	return strings.HasPrefix(k.provider, "Hyper-V-") || k.provider == "FailoverClustering"
}
