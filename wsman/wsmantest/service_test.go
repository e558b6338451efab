package wsmantest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const (
	classManagement = "Msvm_VirtualSystemManagementService"
	uriManagement   = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/" + classManagement
)

// callFormatError calls the method with a body of the prefix r.
func callFormatError(input string) envelope {
	return envelope{
		action: uriManagement + "/FormatError", resource: uriManagement, selectors: managementKeys(),
		body: `<r:FormatError_INPUT xmlns:r="` + uriManagement + `">` + input + `</r:FormatError_INPUT>`,
	}
}

func managementKeys() map[string]string {
	return map[string]string{
		"SystemCreationClassName": "Msvm_ComputerSystem", "SystemName": "hv77", "CreationClassName": classManagement, "Name": "vmms",
	}
}

// replaced returns e with each pair of texts replaced.
func replaced(e envelope, pairs ...string) envelope {
	e.replace = pairs
	return e
}

// TestServiceClasses lists each class, asks for one property by query, and gets each instance by its own keys, in both
// styles of resource URIs.
func TestServiceClasses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		class, property string
		want            []string
	}{
		{classManagement, "Name", []string{"vmms"}},
		{"Msvm_VirtualSystemMigrationService", "ActiveVirtualSystemMigrationCount", []string{"1"}},
		{"Msvm_VirtualSystemMigrationServiceSettingData", "EnableVirtualSystemMigration", []string{"true"}},
		{"Msvm_VirtualSystemMigrationNetworkSettingData", "SubnetNumber", []string{"0.0.0.0", "::"}},
		{"CIM_Service", "SystemName", []string{"HV77", "HV77"}},
		{"CIM_SettingData", "InstanceID", []string{"Microsoft:HV77", `Microsoft:HV77\0`, `Microsoft:HV77\1`}},
	}
	for _, tt := range tests {
		for name, style := range map[string]wsman.URIStyle{"Microsoft": wsman.URIStyleMicrosoft, "DMTF": wsman.URIStyleDMTF} {
			t.Run(tt.class+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, wsmantest.Config{})
				c := newClient(t, s, wsman.Config{URIStyle: style})
				r := wsman.Resource{Namespace: "root/virtualization/v2", Class: tt.class}
				for _, req := range []wsman.EnumerateRequest{{Resource: r}, {Resource: r, Query: "select * from " + tt.class}} {
					got, err := collect(t, c.Enumerate(t.Context(), &req), tt.property)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", tt.property, diff)
					}
				}
				for i, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: r, WithEPR: true}) {
					if err != nil {
						t.Fatal(err)
					}
					own, key := r, i.EPR.Selectors
					own.Class = i.EPR.ClassName()
					if style == wsman.URIStyleDMTF {
						key = key[1:] // __cimnamespace, which the client adds itself
					}
					again, err := c.Get(t.Context(), &wsman.GetRequest{Resource: own, Selectors: key})
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(i.Properties, again.Properties); diff != "" {
						t.Errorf("Get by %v (-listed +got):\n%s", key, diff)
					}
				}
				outsider := newClient(t, s, wsman.Config{URIStyle: style, Transport: s.Transport("outsider")})
				if got, err := collect(t, outsider.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: r}), tt.property); len(got) > 0 || err != nil {
					t.Errorf("an outsider sees %q, %v", got, err)
				}
			})
		}
	}
}

// TestActiveMigrations counts the jobs that run.
func TestActiveMigrations(t *testing.T) {
	t.Parallel()
	now := &clock{start}
	hour := wsmantest.Duration(time.Hour)
	s := newServer(t, wsmantest.Config{Clock: now.now, Model: &wsmantest.Model{Start: start, Jobs: []wsmantest.Job{
		{ID: "1", Duration: hour}, {ID: "2", Duration: 2 * hour, Type: wsmantest.MoveVMAndStorage}, {ID: "3", Duration: 2 * hour, Type: wsmantest.MoveStorage},
	}}})
	c := newClient(t, s, wsman.Config{})
	r := wsman.Resource{Namespace: "root/virtualization/v2", Class: "Msvm_VirtualSystemMigrationService"}
	for age, want := range map[time.Duration][2]string{0: {"2", "1"}, time.Hour: {"1", "1"}, 2 * time.Hour: {"0", "0"}} {
		now.t = start.Add(age)
		for i, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: r}) {
			if err != nil {
				t.Fatal(err)
			}
			vms, _, _ := i.Scalar("ActiveVirtualSystemMigrationCount")
			storage, _, _ := i.Scalar("ActiveStorageMigrationCount")
			if got := [2]string{vms.Text, storage.Text}; got != want {
				t.Errorf("after %v: %v are active, want %v", age, got, want)
			}
		}
	}
}

// TestNoClasses: a class that the model leaves out is unknown to every operation, and no other is.
func TestNoClasses(t *testing.T) {
	t.Parallel()
	m := testModel()
	m.NoClasses = []string{"msvm_migrationjob", classManagement}
	s := newServer(t, wsmantest.Config{Model: m})
	query := envelope{action: wsman.ActionEnumerate, resource: uriAll, body: `<n:Enumerate><w:Filter Dialect="` + wsman.DialectWQL +
		`">select * from Msvm_MigrationJob</w:Filter></n:Enumerate>`}
	for name, tt := range map[string]struct {
		request envelope
		want    string
	}{
		"Get":       {getJob(), "a:DestinationUnreachable"},
		"Enumerate": {enumerateJobs(), "a:DestinationUnreachable"},
		"query":     {query, "n:CannotProcessFilter"},
		"Invoke":    {callGetError(), "a:DestinationUnreachable"},
		"service":   {callFormatError(""), "a:DestinationUnreachable"},
		"another":   {replaced(enumerateJobs(), "Msvm_MigrationJob", "Msvm_ComputerSystem"), ""},
	} {
		_, root := ask(t, s, "administrator", tt.request)
		if got := find(root, "Body/Fault/Code/Subcode/Value"); got != tt.want {
			t.Errorf("%s: subcode %q, want %q", name, got, tt.want)
		}
	}
}

// TestFormatError gives the method what it takes and what it does not.
func TestFormatError(t *testing.T) {
	t.Parallel()
	const (
		one   = `<r:Errors>&lt;INSTANCE>&lt;PROPERTY NAME="message">&lt;VALUE>m&lt;/VALUE>&lt;/PROPERTY>&lt;/INSTANCE></r:Errors>`
		null  = `<r:Errors xmlns:i="` + wsman.NamespaceXSI + `" i:nil="true"/>`
		value = "Body/FormatError_OUTPUT/ReturnValue"
		text  = "Body/FormatError_OUTPUT/ErrorMessage"
	)
	without := callFormatError(one)
	without.selectors = managementKeys()
	delete(without.selectors, "Name")
	gone := callFormatError(one)
	gone.selectors = managementKeys()
	gone.selectors["Name"] = "other"
	tests := []struct {
		name    string
		user    string
		request envelope
		path    string
		want    string
	}{
		{"one", "administrator", callFormatError(one), text, "m"},
		{"done", "administrator", callFormatError(one), value, "0"},
		{"two", "administrator", callFormatError(one + one), text, "m\n\nm"},
		{"none", "administrator", callFormatError(""), value, "32773"},
		{"NULL", "administrator", callFormatError(null), value, "32773"},
		{"no XML", "administrator", callFormatError(one + "<r:Errors>x</r:Errors>"), value, "32773"},
		{"no instance", "administrator", callFormatError("<r:Errors>&lt;a/></r:Errors>"), value, "32773"},
		{"another parameter", "administrator", callFormatError("<r:Error/>"), "Body/Fault/Code/Subcode/Value", "w:SchemaValidationError"},
		{"another namespace", "administrator", callFormatError("<Errors/>"), "Body/Fault/Code/Subcode/Value", "w:SchemaValidationError"},
		{"a key is missing", "administrator", without, "Body/Fault/Code/Subcode/Value", "w:InvalidSelectors"},
		{"another service", "administrator", gone, "Body/Fault/Code/Subcode/Value", "a:DestinationUnreachable"},
		{"may not execute", "reader", callFormatError(one), "Body/Fault/Code/Subcode/Value", "w:AccessDenied"},
		{"sees nothing", "outsider", callFormatError(one), "Body/Fault/Code/Subcode/Value", "a:DestinationUnreachable"},
		{"no method of a job", "administrator", replaced(callGetError(), "GetError", "FormatError"), "Body/Fault/Code/Subcode/Value", "a:ActionNotSupported"},
	}
	s := newServer(t, wsmantest.Config{})
	for _, tt := range tests {
		_, root := ask(t, s, tt.user, tt.request)
		if got := find(root, tt.path); got != tt.want {
			t.Errorf("%s: %s = %q, want %q", tt.name, tt.path, got, tt.want)
		}
	}
}

// TestServiceConfig asks for the configuration, as it is and in ways that are refused.
func TestServiceConfig(t *testing.T) {
	t.Parallel()
	get := envelope{action: wsman.ActionGet, resource: wsman.ResourceServiceConfig}
	keys := get
	keys.selectors = map[string]string{"Name": "x"}
	own := testModel()
	own.ServiceConfig = wsmantest.Properties{"Service/Auth/CbtHardeningLevel": "Strict", "Service/MaxConnections": nil, "Winrs/X/Y": 7, "MaxBatchItems": true}
	tests := []struct {
		name    string
		user    string
		cfg     wsmantest.Config
		request envelope
		path    string
		want    string
	}{
		{"number", "administrator", wsmantest.Config{}, get, "Config/MaxEnvelopeSizekb", "500"},
		{"group", "administrator", wsmantest.Config{}, get, "Config/Service/MaxConnections", "300"},
		{"another case", "administrator", wsmantest.Config{}, replaced(get, "/config<", "/CONFIG<"), "Config/MaxTimeoutms", "60000"},
		{"basic over HTTPS", "administrator", wsmantest.Config{}, get, "Config/Service/Auth/Basic", "true"},
		{"no Basic over HTTP", "administrator", wsmantest.Config{HTTP: true}, get, "Config/Service/Auth/Basic", "false"},
		{"in clear", "administrator", wsmantest.Config{HTTP: true, AllowUnencrypted: true}, get, "Config/Service/AllowUnencrypted", "true"},
		{"Kerberos alone", "administrator", wsmantest.Config{Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodKerberos}}, get, "Config/Service/Auth/Negotiate", "true"},
		{"certificates alone", "administrator", wsmantest.Config{Auth: []wsmantest.AuthMethod{wsmantest.AuthMethodCertificate}}, get, "Config/Service/Auth/Negotiate", "false"},
		{"replaced", "administrator", wsmantest.Config{Model: own}, get, "Config/Service/Auth/CbtHardeningLevel", "Strict"},
		{"replaced by nonsense", "administrator", wsmantest.Config{Model: own}, get, "Config/MaxBatchItems", "true"},
		{"left out", "administrator", wsmantest.Config{Model: own}, get, "Config/Service/MaxConnections", ""},
		{"added", "administrator", wsmantest.Config{Model: own}, get, "Config/Winrs/X/Y", "7"},
		{"without Hyper-V", "administrator", wsmantest.Config{Model: &wsmantest.Model{NoHyperV: true}}, get, "Config/MaxBatchItems", "32000"},
		{"reader", "reader", wsmantest.Config{}, get, "Fault/Code/Subcode/Value", "w:AccessDenied"},
		{"outsider", "outsider", wsmantest.Config{}, get, "Fault/Code/Subcode/Value", "w:AccessDenied"},
		{"denied", "denied", wsmantest.Config{}, get, "Fault/Code/Subcode/Value", "w:AccessDenied"},
		{"keys", "administrator", wsmantest.Config{}, keys, "Fault/Code/Subcode/Value", "w:InvalidSelectors"},
		{"Enumerate", "administrator", wsmantest.Config{}, replaced(enumerateJobs(), uriJob, wsman.ResourceServiceConfig), "Fault/Code/Subcode/Value", "a:ActionNotSupported"},
		{"another resource", "administrator", wsmantest.Config{}, replaced(get, "/config<", "/config/service<"), "Fault/Code/Subcode/Value", "a:DestinationUnreachable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, root := ask(t, newServer(t, tt.cfg), tt.user, tt.request)
			if got := find(root, "Body/"+tt.path); got != tt.want {
				t.Errorf("%s = %q, want %q", tt.path, got, tt.want)
			}
		})
	}
}

// TestServiceConfigRead reads what a model changed as a client does: each setting stands there once.
func TestServiceConfigRead(t *testing.T) {
	t.Parallel()
	m := testModel()
	m.ServiceConfig = wsmantest.Properties{"MaxTimeoutms": 1800000, "Service/Auth/CbtHardeningLevel": "Strict", "Service/MaxConnections": nil}
	cfg, err := newClient(t, newServer(t, wsmantest.Config{Model: m}), wsman.Config{}).ServiceConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Problems) > 0 || *cfg.MaxTimeoutms != 1800000 || *cfg.Service.Auth.CbtHardeningLevel != "Strict" || cfg.Service.MaxConnections != nil {
		t.Errorf("ServiceConfig = %+v", cfg)
	}
}

// TestAnonymousRefused: a rule makes a host that tells nobody what it is before they authenticate.
func TestAnonymousRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{Rules: []wsmantest.Rule{{Operation: "Identify", Status: 401, Count: 1}}})
	c := newClient(t, s, wsman.Config{})
	if _, err := c.IdentifyAnonymous(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("IdentifyAnonymous = %v, want 401", err)
	}
	if id, err := c.Identify(t.Context()); err != nil || id.ProductVendor == "" {
		t.Errorf("Identify = %+v, %v", id, err)
	}
}
