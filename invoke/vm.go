package invoke

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// ResolveVM returns the name, Msvm_ComputerSystem.ElementName, of the virtual machine whose GUID is guid.
// It is empty, without an error, when the host shows no such machine. It sends one request, and none when guid is no GUID.
func ResolveVM(ctx context.Context, c Enumerator, guid string) (string, error) {
	if !isGUID(guid) {
		return "", nil
	}
	for i, err := range findVMs(ctx, c, "Name", bareID(guid)) {
		if err != nil {
			return "", err
		}
		if name := propertyText(i, "ElementName"); name != "" {
			return name, nil
		}
	}
	return "", nil
}

// findVMs lists the computer systems whose property is text, without regard to letter case, as Windows compares. The answer is
// compared here too: a service may not mind the query.
func findVMs(ctx context.Context, c Enumerator, property, text string) iter.Seq2[*wsman.Instance, error] {
	all := c.Enumerate(ctx, &wsman.EnumerateRequest{
		Resource: wsman.Resource{Namespace: Namespace, Class: "*"},
		Query:    "select * from " + classComputerSystem + " where " + property + " = " + wsman.QuoteWQL(text),
	})
	return func(yield func(*wsman.Instance, error) bool) {
		for i, err := range all {
			if (err != nil || sameID(propertyText(i, property), text)) && !yield(i, err) {
				return
			}
		}
	}
}

// propertyText returns the text of a property, or "" when it is NULL, missing or not one text.
func propertyText(i *wsman.Instance, name string) string {
	p, _, _ := i.Scalar(name)
	return p.Text
}

// A vmMatcher tells which jobs are of one virtual machine, which the user named by name or GUID. Names are not unique.
type vmMatcher struct {
	client Enumerator
	want   string

	asked   bool
	aliases []string // what Msvm_ComputerSystem says that want is also called
	err     error
	matched bool
}

// matches reports whether job is of the machine. It asks the host at the first job that calls its machine in the other
// way, and only then: most jobs lists are empty.
func (m *vmMatcher) matches(ctx context.Context, job *MigrationJob) bool {
	if m.want == "" {
		return true
	}
	has := job.VMName()
	same := sameID(m.want, has)
	if !same && has != "" && isGUID(m.want) != isGUID(has) {
		m.ask(ctx)
		same = slices.ContainsFunc(m.aliases, func(alias string) bool { return sameID(alias, has) })
	}
	m.matched = m.matched || same
	return same
}

func (m *vmMatcher) ask(ctx context.Context) {
	if m.asked {
		return
	}
	m.asked = true
	from, to := "ElementName", "Name"
	if isGUID(m.want) {
		from, to = to, from
	}
	for i, err := range findVMs(ctx, m.client, from, bareID(m.want)) {
		if err != nil {
			m.err = err
			return
		}
		if alias := propertyText(i, to); alias != "" {
			m.aliases = append(m.aliases, alias)
		}
	}
}

// outcome returns why jobs of the machine may be missing: the host did not say what it is called, or has no machine of
// that name. A GUID always finds the jobs that hold it.
func (m *vmMatcher) outcome() error {
	switch {
	case m.err != nil:
		return fmt.Errorf("look up virtual machine %q: %w", m.want, m.err)
	case m.asked && !m.matched && len(m.aliases) == 0 && !isGUID(m.want):
		return fmt.Errorf("%w: the host has no virtual machine called %q", ErrNoSuchJob, m.want)
	}
	return nil
}

// isGUID reports whether s is a GUID in its usual form, in braces or without.
func isGUID(s string) bool {
	s = bareID(s)
	if len(s) != len("00000000-0000-0000-0000-000000000000") {
		return false
	}
	for i, r := range s {
		switch i {
		case 8, 13, 18, 23:
			if r != '-' {
				return false
			}
		default:
			if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
				return false
			}
		}
	}
	return true
}
