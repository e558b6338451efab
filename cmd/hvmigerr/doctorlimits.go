package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// limits tells how much the service takes, as far as the user may know.
func (l *ladder) limits(ctx context.Context) *step {
	c, err := l.s.client.ServiceConfig(ctx)
	switch {
	case err != nil && over(ctx) != nil:
		return failed(over(ctx))
	case err != nil && hopeless(err):
		return warning(message(l.s.failed(err)), "The limits are not known; nothing else needs them.")
	case denies(err):
		return skipped("only administrators may read winrm/config")
	case err != nil:
		return skipped("winrm/config cannot be read: " + message(l.s.failed(err)))
	}
	var list []string
	details := object{}
	for _, n := range []struct {
		name  string
		value *uint32
	}{
		{"MaxEnvelopeSizekb", c.MaxEnvelopeSizekb},
		{"MaxTimeoutms", c.MaxTimeoutms},
		{"MaxBatchItems", c.MaxBatchItems},
		{"MaxConcurrentOperationsPerUser", c.Service.MaxConcurrentOperationsPerUser},
		{"MaxConnections", c.Service.MaxConnections},
		{"EnumerationTimeoutms", c.Service.EnumerationTimeoutms},
	} {
		if n.value != nil {
			list = append(list, fmt.Sprintf("%s %d", n.name, *n.value))
		}
		details = append(details, member{n.name, n.value})
	}
	st := okay(strings.Join(list, ", "))
	if len(list) == 0 {
		st = skipped("winrm/config tells none")
	}
	st.details = append(details,
		member{"AllowUnencrypted", c.Service.AllowUnencrypted}, member{"CbtHardeningLevel", c.Service.Auth.CbtHardeningLevel})
	l.judgeLimits(st, c)
	return st
}

// judgeLimits warns of limits that are lower than what requests ask for.
func (l *ladder) judgeLimits(st *step, c *wsman.ServiceConfig) {
	const envelope = wsman.DefaultMaxEnvelopeSize / 1024
	timeout := min(l.s.flags.timeout, wsman.DefaultOperationTimeout).Milliseconds()
	var means []string
	if n := c.MaxEnvelopeSizekb; n != nil && *n < envelope {
		means = append(means, fmt.Sprintf("A long list of errors may not fit into %d kB.", *n))
		st.actions = append(st.actions, onHost(
			"raise the limit to what Windows comes with", fmt.Sprintf(`winrm set winrm/config '@{MaxEnvelopeSizekb="%d"}'`, envelope),
		))
	}
	if n := c.MaxTimeoutms; n != nil && int64(*n) < timeout {
		means = append(means, fmt.Sprintf("An answer that takes longer than %d ms is cut off.", *n))
		st.actions = append(st.actions, onHost(
			"raise the limit to what Windows comes with", `winrm set winrm/config '@{MaxTimeoutms="60000"}'`,
		))
	}
	if len(means) > 0 {
		st.result, st.means = rungWarning, strings.Join(means, " ")
	}
}

// migration tells how the host takes and sends migrations.
func (l *ladder) migration(ctx context.Context) *step {
	m, err := invoke.ReadMigrationService(ctx, l.s.client)
	switch {
	case err != nil && over(ctx) != nil:
		return failed(over(ctx))
	case err != nil && hopeless(err):
		return warning(message(l.s.failed(err)), "The settings of the migration service are not known; to read the jobs nobody needs them.")
	case err != nil:
		return skipped("the settings of the migration service cannot be read: " + message(l.s.failed(err)))
	}
	st := okay(migrationText(m))
	st.details = migrationObject(m)
	switch {
	case m.Enabled != nil && !*m.Enabled:
		st.result = rungWarning
		st.means = "Live migration is off: no virtual machine can come or go, but for its storage alone."
		st.actions = []action{onHost("switch it on, if it is to be", "Enable-VMMigration")}
	case m.AuthenticationType != nil && *m.AuthenticationType == invoke.MigrationCredSSP:
		st.result = rungWarning
		st.means = "With CredSSP a migration must be started on the source host itself; one that is started from another machine fails with 0x8009030E."
		st.actions = []action{onHost(
			"take Kerberos, with constrained delegation for both hosts, if migrations are started elsewhere",
			"Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos",
		)}
	case m.AnyNetwork != nil && !*m.AnyNetwork && len(m.Networks) == 0:
		st.result = rungWarning
		st.means = "Migrations may use no network at all."
		st.actions = []action{onHost("name the network with Add-VMMigrationNetwork, or let any serve", "Set-VMHost -UseAnyNetworkForMigration $true")}
	}
	return st
}

// migrationText says in a line how a host takes and sends migrations.
func migrationText(m *invoke.MigrationService) string {
	var list []string
	add := func(ok bool, format string, args ...any) {
		if ok {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	if m.Enabled != nil {
		list = append(list, map[bool]string{true: "enabled", false: "disabled"}[*m.Enabled])
	}
	if m.AuthenticationType != nil {
		list = append(list, m.AuthenticationType.String())
	}
	if m.MaximumMigrations != nil {
		list = append(list, fmt.Sprintf("at most %d at once", *m.MaximumMigrations))
	}
	if m.MaximumStorageMigrations != nil {
		list = append(list, fmt.Sprintf("%d of storage", *m.MaximumStorageMigrations))
	}
	add(m.PerformanceOption() != "", "by %s", m.PerformanceOption())
	switch {
	case m.AnyNetwork == nil:
	case *m.AnyNetwork:
		list = append(list, "any network")
	default:
		list = append(list, "networks "+several(networks(m), maxListed/2))
	}
	if len(list) == 0 {
		return "the host tells no settings"
	}
	return strings.Join(list, ", ")
}

func networks(m *invoke.MigrationService) []string {
	list := []string{}
	for i := range m.Networks {
		list = append(list, m.Networks[i].String())
	}
	return list
}

func migrationObject(m *invoke.MigrationService) object {
	var authentication any
	if m.AuthenticationType != nil {
		authentication = m.AuthenticationType.String()
	}
	return object{
		{"enabled", m.Enabled},
		{"authenticationType", authentication},
		{"maximumMigrations", m.MaximumMigrations},
		{"maximumStorageMigrations", m.MaximumStorageMigrations},
		{"performanceOption", nullable(m.PerformanceOption())},
		{"listenerIPAddresses", nonNil(m.ListenerIPAddresses)},
		{"anyNetwork", m.AnyNetwork},
		{"networks", networks(m)},
		{"problems", texts(m.Problems)},
	}
}
