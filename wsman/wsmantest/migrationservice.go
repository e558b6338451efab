package wsmantest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Classes of services and settings, one instance of each but for the networks.
const (
	classManagementService = "Msvm_VirtualSystemManagementService"
	classMigrationService  = "Msvm_VirtualSystemMigrationService"
	classMigrationSettings = "Msvm_VirtualSystemMigrationServiceSettingData"
	classMigrationNetwork  = "Msvm_VirtualSystemMigrationNetworkSettingData"
)

// A MigrationService is what a host says of how it takes and sends migrations. The zero value is a host where migrations
// are enabled, two at a time, authenticate by Kerberos, are compressed and may use any network.
type MigrationService struct {
	// Service replaces or adds properties of Msvm_VirtualSystemMigrationService, such as MigrationServiceListenerIPAddressList.
	Service Properties `json:"service,omitempty"`
	// Settings replaces or adds properties of Msvm_VirtualSystemMigrationServiceSettingData, such as
	// EnableVirtualSystemMigration and AuthenticationType (0 CredSSP, 1 Kerberos).
	Settings Properties `json:"settings,omitempty"`
	// Networks holds the properties of each Msvm_VirtualSystemMigrationNetworkSettingData: SubnetNumber, PrefixLength, Metric
	// and Tags. If nil, any network may be used.
	Networks []Properties `json:"networks,omitzero"`
}

func (m *MigrationService) validate() error {
	for place, p := range map[string]Properties{"service": m.Service, "settings": m.Settings} {
		if err := p.validate(); err != nil {
			return fmt.Errorf("migrationService: %s: %w", place, err)
		}
	}
	for i, p := range m.Networks {
		if err := p.validate(); err != nil {
			return fmt.Errorf("migrationService: networks[%d]: %w", i, err)
		}
	}
	return nil
}

// validateClasses refuses names in NoClasses that are no class of the host.
func (m *Model) validateClasses() error {
	if len(m.NoClasses) == 0 {
		return nil
	}
	all := newSchema().all()
	for i, name := range m.NoClasses {
		if !slices.ContainsFunc(all, func(c *class) bool { return strings.EqualFold(c.name, name) }) {
			return fmt.Errorf("noClasses[%d]: the host has no class %q", i, name)
		}
	}
	return nil
}

// lacks reports whether the model leaves out a class.
func (m *Model) lacks(c *class) bool {
	return slices.ContainsFunc(m.NoClasses, func(name string) bool { return strings.EqualFold(name, c.name) })
}

// services are the classes of this file.
type services struct{ management, migration, settings, networks *class }

// newServices declares the classes as MicrosoftDocs/win32 does, desktop-src/HyperV_v2, a page per class.
func newServices() services {
	const (
		service = `Caption:string AvailableRequestedStates:uint16[] CommunicationStatus:uint16 CreationClassName:string
			Description:string DetailedStatus:uint16 ElementName:string EnabledDefault:uint16 EnabledState:uint16
			HealthState:uint16 InstallDate:timestamp InstanceID:string Name:string OperatingStatus:uint16
			OperationalStatus:uint16[] OtherEnabledState:string PrimaryOwnerContact:string PrimaryOwnerName:string
			PrimaryStatus:uint16 RequestedState:uint16 StartMode:string Started:boolean Status:string
			StatusDescriptions:string[] SystemCreationClassName:string SystemName:string TimeOfLastStateChange:timestamp
			TransitioningToState:uint16 `
		setting = "Caption:string Description:string ElementName:string InstanceID:string "
	)
	ofService := []string{
		"CIM_Service", "CIM_EnabledLogicalElement", "CIM_LogicalElement", "CIM_ManagedSystemElement", "CIM_ManagedElement",
	}
	ofSetting := []string{"CIM_SettingData", "CIM_ManagedElement"}
	keys := []string{"CreationClassName", "Name", "SystemCreationClassName", "SystemName"}
	return services{
		management: &class{
			name: classManagementService, ancestors: append([]string{"CIM_VirtualSystemManagementService"}, ofService...), keys: keys,
			methods: []string{methodFormatError}, properties: parseProperties(service),
		},
		migration: &class{
			name: classMigrationService, ancestors: append([]string{"CIM_VirtualSystemMigrationService"}, ofService...), keys: keys,
			properties: parseProperties(service + `ActiveStorageMigrationCount:uint32 ActiveVirtualSystemMigrationCount:uint32
				MigrationServiceListenerIPAddressList:string[]`),
		},
		settings: &class{
			name: classMigrationSettings, ancestors: ofSetting, keys: []string{keyInstanceID},
			properties: parseProperties(setting + `AuthenticationType:uint32 EnableCompression:boolean EnableSmbTransport:boolean
				EnableVirtualSystemMigration:boolean MaximumActiveStorageMigration:uint32 MaximumActiveVirtualSystemMigration:uint32`),
		},
		networks: &class{
			name: classMigrationNetwork, ancestors: ofSetting, keys: []string{keyInstanceID},
			properties: parseProperties(setting + "Metric:uint32 PrefixLength:uint8 SubnetNumber:string Tags:string[]"),
		},
	}
}

// serviceInstances returns the instances of a class of this file. The form of InstanceID is not on record.
func (h *host) serviceInstances(c *class, now time.Time) []*instance {
	m, id := &h.model.MigrationService, "Microsoft:"+h.name()
	switch c {
	case h.services.management:
		return []*instance{newInstance(c, h.serviceProperties(c, "Virtual machine management", "vmms"))}
	case h.services.migration:
		vms, storage := h.active(now)
		return []*instance{newInstance(c, h.serviceProperties(c, "Virtual machine migration", "migrationwmi"), Properties{
			"ActiveVirtualSystemMigrationCount": vms, "ActiveStorageMigrationCount": storage,
			"MigrationServiceListenerIPAddressList": []string{"192.0.2.11"},
		}, m.Service)}
	case h.services.settings:
		return []*instance{newInstance(c, Properties{
			"Caption": "Migration settings", "Description": "Migration settings", "ElementName": h.name(), keyInstanceID: id,
			"EnableVirtualSystemMigration": true, "AuthenticationType": 1, "EnableCompression": true, "EnableSmbTransport": false,
			"MaximumActiveVirtualSystemMigration": 2, "MaximumActiveStorageMigration": 2,
		}, m.Settings)}
	}
	networks := m.Networks
	if networks == nil {
		// What Hyper-V's own tools look for to say "any network".
		tags := []string{"Microsoft:UserManagedAllNetworks"}
		networks = []Properties{
			{"SubnetNumber": "0.0.0.0", "PrefixLength": 0, "Metric": 0, "Tags": tags},
			{"SubnetNumber": "::", "PrefixLength": 0, "Metric": 0, "Tags": tags},
		}
	}
	list := make([]*instance, 0, len(networks))
	for i, p := range networks {
		list = append(list, newInstance(c, Properties{keyInstanceID: fmt.Sprintf(`%s\%d`, id, i)}, p))
	}
	return list
}

// serviceProperties are those that every service has.
func (h *host) serviceProperties(c *class, title, name string) Properties {
	return Properties{
		"Caption": title, "Description": title, "ElementName": title, "Name": name, "CreationClassName": c.name,
		"SystemCreationClassName": classComputerSystem, "SystemName": h.name(), "EnabledDefault": 2, "EnabledState": 2,
		"RequestedState": 12, "HealthState": 5, "OperationalStatus": []int{2}, "Status": "OK", "StatusDescriptions": []string{"OK"},
		"Started": true, "TimeOfLastStateChange": h.start.Add(-time.Hour),
	}
}

// active counts the migrations that run at now.
func (h *host) active(now time.Time) (vms, storage int) {
	for _, r := range h.runs(now) {
		switch {
		case r.finished(now):
		case r.job.Type == MoveStorage:
			storage++
		default:
			vms++
		}
	}
	return vms, storage
}
