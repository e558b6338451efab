package invoke

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// The classes of the migration service (learn.microsoft.com/windows/win32/hyperv_v2, a page per class).
const (
	classMigrationService  = "Msvm_VirtualSystemMigrationService"
	classMigrationSettings = "Msvm_VirtualSystemMigrationServiceSettingData"
	classMigrationNetwork  = "Msvm_VirtualSystemMigrationNetworkSettingData"
)

// A MigrationService is how a host takes and sends migrations: what Get-VMHost and Get-VMMigrationNetwork show of it.
// A nil pointer is what the host did not tell; older hosts lack some of the properties. The zero value tells nothing.
type MigrationService struct {
	// Enabled tells whether live migrations may come and go (EnableVirtualSystemMigration).
	Enabled            *bool
	AuthenticationType *MigrationAuthentication
	// MaximumMigrations and MaximumStorageMigrations bound how many run at once, ActiveMigrations and
	// ActiveStorageMigrations are how many do now.
	MaximumMigrations, MaximumStorageMigrations *uint32
	ActiveMigrations, ActiveStorageMigrations   *uint32
	// Compression and SMBTransport select how memory travels, see [MigrationService.PerformanceOption].
	Compression, SMBTransport *bool
	// ListenerIPAddresses are the addresses on which the host waits for migrations. None means that no migration can
	// come in, if the service itself was read.
	ListenerIPAddresses []string
	// AnyNetwork tells that one of Networks is the whole of IPv4 or IPv6: any network will do. Nil: Networks were not read.
	AnyNetwork *bool
	// Networks are those that migrations may use, in the order of their metrics.
	Networks []MigrationNetwork

	// Instances is everything that arrived.
	Instances []*wsman.Instance
	// Problems holds why a class could not be read, and a [*PropertyError] for each property that could not be converted.
	Problems []error
}

// A MigrationNetwork is a subnet that migrations may use.
type MigrationNetwork struct {
	Subnet       string // the address, without its prefix length; "" when the host did not tell it
	PrefixLength *uint8
	// Metric ranks the networks: a lower one is preferred.
	Metric *uint32
	// Tags name who manages the network: Microsoft:UserManaged, for instance.
	Tags []string
}

// String returns the network as Get-VMMigrationNetwork shows it, such as 192.0.2.0/24.
func (n *MigrationNetwork) String() string {
	if n.PrefixLength == nil {
		return n.Subnet
	}
	return n.Subnet + "/" + strconv.Itoa(int(*n.PrefixLength))
}

// all reports whether n is every address of its family: 0.0.0.0/0 or ::/0, which Hyper-V keeps when any network will do.
func (n *MigrationNetwork) all() bool {
	p, err := netip.ParsePrefix(n.String())
	return err == nil && p.Bits() == 0
}

// MigrationAuthentication is how two hosts authenticate to each other for a migration.
type MigrationAuthentication uint32

// The two ways (Msvm_VirtualSystemMigrationServiceSettingData.AuthenticationType).
const (
	// MigrationCredSSP needs a migration to be started on the source itself.
	MigrationCredSSP MigrationAuthentication = 0
	// MigrationKerberos needs constrained delegation if a migration is started elsewhere.
	MigrationKerberos MigrationAuthentication = 1
)

// String returns the name as Set-VMHost takes it.
func (v MigrationAuthentication) String() string {
	switch v {
	case MigrationCredSSP:
		return "CredSSP"
	case MigrationKerberos:
		return "Kerberos"
	}
	return numbered("Unknown", int64(v))
}

// PerformanceOption returns how memory travels, as Set-VMHost -VirtualMachineMigrationPerformanceOption names it: SMB,
// Compression or TCPIP; "" when the host does not tell, as Windows Server 2012 does not.
func (m *MigrationService) PerformanceOption() string {
	switch {
	case value(m.SMBTransport):
		return "SMB"
	case value(m.Compression):
		return "Compression"
	case m.Compression == nil || m.SMBTransport == nil:
		return ""
	}
	return "TCPIP"
}

// ReadMigrationService reads the settings of the host's migration service, its networks and the service itself, with an
// enumeration each. A class that the host refuses to list is told in Problems, and the others are read all the same; if
// it refuses all three, the error is that of the first, with [ErrNoHyperV] if it has no such class. A host that lists all three and shows no instance of the service
// or its settings is [ErrNoSuchService]. Any error but a fault ends the reading.
func ReadMigrationService(ctx context.Context, c Client) (*MigrationService, error) {
	m := &MigrationService{}
	var refused []error
	parts := []struct {
		class string
		read  func([]*wsman.Instance)
	}{
		{classMigrationSettings, m.readSettings}, {classMigrationNetwork, m.readNetworks}, {classMigrationService, m.readService},
	}
	for _, part := range parts {
		list, err := list(ctx, c, part.class)
		if err != nil {
			if _, ok := errors.AsType[*wsman.Fault](err); !ok {
				return nil, err
			}
			refused = append(refused, err)
			continue
		}
		m.Instances = append(m.Instances, list...)
		part.read(list)
	}
	if len(refused) == len(parts) {
		if notFound(refused[0]) {
			return nil, fmt.Errorf("%w: %w", ErrNoHyperV, refused[0])
		}
		return nil, refused[0]
	}
	if len(m.Instances) == 0 && len(refused) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoSuchService, classMigrationService)
	}
	m.Problems = append(refused, m.Problems...)
	return m, nil
}

// list returns all instances of a class.
func list(ctx context.Context, c Enumerator, class string) ([]*wsman.Instance, error) {
	var all []*wsman.Instance
	req := &wsman.EnumerateRequest{Resource: wsman.Resource{Namespace: Namespace, Class: class}}
	for i, err := range c.Enumerate(ctx, req) {
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
}

// readSettings reads the first instance; a host has one.
func (m *MigrationService) readSettings(list []*wsman.Instance) {
	if len(list) == 0 {
		return
	}
	d := &jobDecoder{instance: list[0]}
	m.Enabled = d.boolean("EnableVirtualSystemMigration")
	m.AuthenticationType = unsigned[MigrationAuthentication](d, "AuthenticationType")
	m.MaximumMigrations = unsigned[uint32](d, "MaximumActiveVirtualSystemMigration")
	m.MaximumStorageMigrations = unsigned[uint32](d, "MaximumActiveStorageMigration")
	m.Compression = d.boolean("EnableCompression")
	m.SMBTransport = d.boolean("EnableSmbTransport")
	m.Problems = append(m.Problems, d.problems...)
}

func (m *MigrationService) readService(list []*wsman.Instance) {
	if len(list) == 0 {
		return
	}
	d := &jobDecoder{instance: list[0]}
	m.ActiveMigrations = unsigned[uint32](d, "ActiveVirtualSystemMigrationCount")
	m.ActiveStorageMigrations = unsigned[uint32](d, "ActiveStorageMigrationCount")
	m.ListenerIPAddresses = d.texts("MigrationServiceListenerIPAddressList")
	m.Problems = append(m.Problems, d.problems...)
}

func (m *MigrationService) readNetworks(list []*wsman.Instance) {
	for _, i := range list {
		d := &jobDecoder{instance: i}
		m.Networks = append(m.Networks, MigrationNetwork{
			Subnet:       value(d.text("SubnetNumber")),
			PrefixLength: unsigned[uint8](d, "PrefixLength"),
			Metric:       unsigned[uint32](d, "Metric"),
			Tags:         d.texts("Tags"),
		})
		m.Problems = append(m.Problems, d.problems...)
	}
	slices.SortStableFunc(m.Networks, func(a, b MigrationNetwork) int { return cmp.Compare(value(a.Metric), value(b.Metric)) })
	anywhere := slices.ContainsFunc(m.Networks, func(n MigrationNetwork) bool { return n.all() })
	m.AnyNetwork = &anywhere
}
