package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const (
	classSettings = "Msvm_VirtualSystemMigrationServiceSettingData"
	classNetwork  = "Msvm_VirtualSystemMigrationNetworkSettingData"
	classService  = "Msvm_VirtualSystemMigrationService"
)

// A service is what tests compare of a MigrationService: "NULL" is nil.
type service struct {
	Enabled, Authentication, Maximum, MaximumStorage, Active, ActiveStorage, Option, AnyNetwork string
	Listeners, Networks, Problems                                                               []string
}

func summary(m *invoke.MigrationService) service {
	s := service{
		Enabled: said(m.Enabled), Authentication: said(m.AuthenticationType), Maximum: said(m.MaximumMigrations),
		MaximumStorage: said(m.MaximumStorageMigrations), Active: said(m.ActiveMigrations), ActiveStorage: said(m.ActiveStorageMigrations),
		Option: m.PerformanceOption(), AnyNetwork: said(m.AnyNetwork), Listeners: m.ListenerIPAddresses,
	}
	for i := range m.Networks {
		n := &m.Networks[i]
		s.Networks = append(s.Networks, n.String()+" "+said(n.Metric)+" "+strings.Join(n.Tags, ","))
	}
	for _, p := range m.Problems {
		s.Problems = append(s.Problems, p.Error())
	}
	return s
}

// said is what p points to, or NULL.
func said[T any](p *T) string {
	if p == nil {
		return "NULL"
	}
	return fmt.Sprint(*p)
}

// TestReadMigrationService reads what the simulated host says of itself.
func TestReadMigrationService(t *testing.T) {
	healthy := service{
		Enabled: "true", Authentication: "Kerberos", Maximum: "2", MaximumStorage: "2", Active: "1", ActiveStorage: "0", Option: "Compression",
		AnyNetwork: "true", Listeners: []string{"192.0.2.11"},
		Networks: []string{"0.0.0.0/0 0 Microsoft:UserManagedAllNetworks", "::/0 0 Microsoft:UserManagedAllNetworks"},
	}
	tests := []struct {
		name   string
		model  wsmantest.MigrationService
		absent []string
		want   func(*service)
	}{
		{name: "healthy", want: func(*service) {}},
		{
			name:  "disabled",
			model: wsmantest.MigrationService{Settings: wsmantest.Properties{"EnableVirtualSystemMigration": false, "AuthenticationType": 0}},
			want:  func(s *service) { s.Enabled, s.Authentication = "false", "CredSSP" },
		},
		{
			name:  "SMB",
			model: wsmantest.MigrationService{Settings: wsmantest.Properties{"EnableSmbTransport": true, "AuthenticationType": 7}},
			want:  func(s *service) { s.Option, s.Authentication = "SMB", "Unknown (7)" },
		},
		{
			name:  "TCP",
			model: wsmantest.MigrationService{Settings: wsmantest.Properties{"EnableCompression": false}},
			want:  func(s *service) { s.Option = "TCPIP" },
		},
		{
			name: "older host",
			model: wsmantest.MigrationService{
				Settings: wsmantest.Properties{"EnableCompression": nil, "EnableSmbTransport": nil},
				Service:  wsmantest.Properties{"ActiveVirtualSystemMigrationCount": nil, "MigrationServiceListenerIPAddressList": nil},
			},
			want: func(s *service) { s.Option, s.Active, s.Listeners = "", "NULL", nil },
		},
		{
			name: "networks",
			model: wsmantest.MigrationService{Networks: []wsmantest.Properties{
				{"SubnetNumber": "198.51.100.0", "PrefixLength": 24, "Metric": uint32(4294967295), "Tags": []string{"a", "b"}},
				{"SubnetNumber": "2001:db8::", "PrefixLength": 64, "Metric": 1},
				{"SubnetNumber": "here"},
			}},
			want: func(s *service) {
				s.AnyNetwork, s.Networks = "false", []string{"here NULL ", "2001:db8::/64 1 ", "198.51.100.0/24 4294967295 a,b"}
			},
		},
		{
			name:  "no networks",
			model: wsmantest.MigrationService{Networks: []wsmantest.Properties{}},
			want:  func(s *service) { s.AnyNetwork, s.Networks = "false", nil },
		},
		{
			name: "absurd values",
			model: wsmantest.MigrationService{
				Settings: wsmantest.Properties{"EnableVirtualSystemMigration": "perhaps", "MaximumActiveStorageMigration": int64(4294967296)},
				Networks: []wsmantest.Properties{{"SubnetNumber": "::0", "PrefixLength": 0}, {"SubnetNumber": "192.0.2.0", "PrefixLength": 256}},
			},
			want: func(s *service) {
				s.Enabled, s.MaximumStorage, s.Networks = "NULL", "NULL", []string{"::0/0 NULL ", "192.0.2.0 NULL "}
				s.Problems = []string{
					`EnableVirtualSystemMigration: "perhaps" is no boolean`, `MaximumActiveStorageMigration: "4294967296" is no uint32`,
					`PrefixLength: "256" is no uint8`,
				}
			},
		},
		{
			name: "a class is missing", absent: []string{classNetwork},
			want: func(s *service) {
				s.AnyNetwork, s.Networks = "NULL", nil
				s.Problems = []string{"Enumerate " + classNetwork + ": wsa:DestinationUnreachable (0x80338000): No resource matches the resource URI and the selectors."}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := model()
			m.MigrationService, m.NoClasses = tt.model, tt.absent
			c, server := connect(t, m, "reader")
			got, err := invoke.ReadMigrationService(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			want := healthy
			tt.want(&want)
			if diff := cmp.Diff(want, summary(got)); diff != "" {
				t.Errorf("service (-want +got):\n%s", diff)
			}
			if want := 2 + len(want.Networks); len(got.Instances) != want {
				t.Errorf("%d instances, want %d", len(got.Instances), want)
			}
			if diff := cmp.Diff([]string{"Enumerate", "Enumerate", "Enumerate"}, operations(server)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if n := server.OpenEnumerations(); n != 0 {
				t.Errorf("%d enumerations left open", n)
			}
		})
	}
}

// TestReadMigrationServiceRefused: no answer is never an answer.
func TestReadMigrationServiceRefused(t *testing.T) {
	tests := []struct {
		name  string
		user  string
		model *wsmantest.Model
		rule  wsmantest.Rule
		want  any
		asked int
	}{
		{name: "denied", user: "denied", want: new(*wsman.Fault), asked: 3},
		{name: "outsider", user: "outsider", want: invoke.ErrNoSuchService, asked: 3},
		{name: "no Hyper-V", user: "administrator", model: &wsmantest.Model{NoHyperV: true}, want: invoke.ErrNoHyperV, asked: 3},
		{
			name: "no such classes", user: "administrator",
			model: &wsmantest.Model{NoClasses: []string{classSettings, classNetwork, classService}}, want: invoke.ErrNoHyperV, asked: 3,
		},
		{name: "no SOAP", user: "administrator", rule: wsmantest.Rule{Status: http.StatusServiceUnavailable}, want: new(*wsman.HTTPError), asked: 1},
		{name: "garbage", user: "administrator", rule: wsmantest.Rule{After: 1, Garbage: 9}, want: new(*wsman.ProtocolError), asked: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.model
			if m == nil {
				m = model()
			}
			c, server := connect(t, m, tt.user, tt.rule)
			got, err := invoke.ReadMigrationService(t.Context(), c)
			if got != nil || !matches(err, tt.want) {
				t.Errorf("ReadMigrationService = %v, %v, want %v", got, err, tt.want)
			}
			if n := len(server.Requests()); n != tt.asked {
				t.Errorf("%d requests, want %d", n, tt.asked)
			}
		})
	}
}

// TestReadMigrationServicePartly: one class that is refused does not hide the others.
func TestReadMigrationServicePartly(t *testing.T) {
	c, _ := connect(t, model(), "administrator", wsmantest.Rule{Operation: "Enumerate", Count: 1, Fault: wsmantest.FaultAccessDenied})
	m, err := invoke.ReadMigrationService(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if m.Enabled != nil || len(m.Networks) != 2 || len(m.ListenerIPAddresses) != 1 || len(m.Problems) != 1 || !matches(m.Problems[0], new(*wsman.Fault)) {
		t.Errorf("service %+v", m)
	}
}

// TestMigrationNetwork writes networks as Get-VMMigrationNetwork does.
func TestMigrationNetwork(t *testing.T) {
	length := uint8(24)
	for want, n := range map[string]invoke.MigrationNetwork{
		"":             {},
		"192.0.2.0":    {Subnet: "192.0.2.0"},
		"192.0.2.0/24": {Subnet: "192.0.2.0", PrefixLength: &length},
	} {
		if got := n.String(); got != want {
			t.Errorf("String = %q, want %q", got, want)
		}
	}
}

// An echo is a Client that answers everything with the same instances.
type echo struct{ instances []*wsman.Instance }

func (e echo) Enumerate(context.Context, *wsman.EnumerateRequest) iter.Seq2[*wsman.Instance, error] {
	return func(yield func(*wsman.Instance, error) bool) {
		for _, i := range e.instances {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (e echo) Get(context.Context, *wsman.GetRequest) (*wsman.Instance, error) {
	return e.instances[0], nil
}

func (e echo) Invoke(context.Context, *wsman.InvokeRequest) (*wsman.InvokeResponse, error) {
	return &wsman.InvokeResponse{Output: e.instances[0]}, nil
}

// FuzzMigrationService: whatever stands in the instances, no panic, and nothing is lost.
func FuzzMigrationService(f *testing.F) {
	for _, body := range []string{
		`<s><EnableVirtualSystemMigration>true</EnableVirtualSystemMigration><AuthenticationType>1</AuthenticationType></s>`,
		`<s><SubnetNumber>::</SubnetNumber><PrefixLength>0</PrefixLength><Metric>1</Metric><Tags>a</Tags><Tags>b</Tags></s><s><Metric>-1</Metric></s>`,
		`<s><MigrationServiceListenerIPAddressList><a/></MigrationServiceListenerIPAddressList><PrefixLength>300</PrefixLength></s>`,
		`<FormatError_OUTPUT><ErrorMessage>x</ErrorMessage><ReturnValue>0</ReturnValue></FormatError_OUTPUT>`,
	} {
		f.Add([]byte(envelope(body)))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		env, err := wsman.DecodeEnvelope(in)
		if err != nil || len(env.Body) == 0 {
			return
		}
		m, err := invoke.ReadMigrationService(t.Context(), echo{env.Body})
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Instances) != 3*len(env.Body) || len(m.Networks) != len(env.Body) || m.AnyNetwork == nil {
			t.Errorf("service %+v of %d instances", m, len(env.Body))
		}
		for _, p := range m.Problems {
			if _, ok := errors.AsType[*invoke.PropertyError](p); !ok {
				t.Errorf("problem %T", p)
			}
		}
		if text, err := invoke.FormatError(t.Context(), echo{env.Body}, nil); text != "" && err != nil {
			t.Errorf("FormatError = %q and %v", text, err)
		}
	})
}
