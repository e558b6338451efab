package wsman_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// config wraps settings as the answer of a service.
func config(settings string) string {
	return `<s:Envelope xmlns:s="` + wsman.NamespaceSOAP + `"><s:Header/><s:Body>` + settings + `</s:Body></s:Envelope>`
}

// TestServiceConfig reads settings one by one, good and bad: what cannot be read is nil, and told; the rest stands.
func TestServiceConfig(t *testing.T) {
	const good = `<MaxBatchItems>20</MaxBatchItems>`
	tests := []struct {
		name, settings string
		read           func(*wsman.ServiceConfig) any
		want           string // "<nil>" for nil
		problem        string
	}{
		{"number", "", func(c *wsman.ServiceConfig) any { return c.MaxBatchItems }, "20", ""},
		{"largest", "<MaxTimeoutms>4294967295</MaxTimeoutms>", func(c *wsman.ServiceConfig) any { return c.MaxTimeoutms }, "4294967295", ""},
		{"too large", "<MaxTimeoutms>4294967296</MaxTimeoutms>", func(c *wsman.ServiceConfig) any { return c.MaxTimeoutms }, "<nil>", `Config/MaxTimeoutms: "4294967296" is no uint32`},
		{"negative", "<MaxTimeoutms>-1</MaxTimeoutms>", func(c *wsman.ServiceConfig) any { return c.MaxTimeoutms }, "<nil>", "no uint32"},
		{"missing", "", func(c *wsman.ServiceConfig) any { return c.MaxTimeoutms }, "<nil>", ""},
		{"nil", `<MaxTimeoutms xmlns:i="` + wsman.NamespaceXSI + `" i:nil="true"/>`, func(c *wsman.ServiceConfig) any { return c.MaxTimeoutms }, "<nil>", ""},
		{"twice", "<MaxTimeoutms>1</MaxTimeoutms><MaxTimeoutms>1</MaxTimeoutms>", func(c *wsman.ServiceConfig) any { return c.MaxTimeoutms }, "<nil>", "Config/MaxTimeoutms: several values"},
		{"of the client side", "<Client><AllowUnencrypted>true</AllowUnencrypted></Client>", func(c *wsman.ServiceConfig) any { return c.Service.AllowUnencrypted }, "<nil>", ""},
		{"in a group", "<Service><AllowUnencrypted> TRUE </AllowUnencrypted></Service>", func(c *wsman.ServiceConfig) any { return c.Service.AllowUnencrypted }, "true", ""},
		{"two groups", "<Service/><Service/>", func(c *wsman.ServiceConfig) any { return c.Service.AllowUnencrypted }, "<nil>", "Config/Service: several values"},
		{"group of text", "<Service>x</Service>", func(c *wsman.ServiceConfig) any { return c.Service.Auth.Basic }, "<nil>", ""},
		{"group in a group", "<Service><Auth><CbtHardeningLevel>\n Strict </CbtHardeningLevel></Auth></Service>", func(c *wsman.ServiceConfig) any { return c.Service.Auth.CbtHardeningLevel }, "Strict", ""},
		{"twice in a group", "<Service><Auth><Basic>true</Basic><Basic>true</Basic></Auth></Service>", func(c *wsman.ServiceConfig) any { return c.Service.Auth.Basic }, "<nil>", "Config/Service/Auth/Basic: several values"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{replies: []func(*wsman.Request) (*wsman.Reply, error){reply(200, config("<Config>"+good+tt.settings+"</Config>"))}}
			cfg, err := newClient(t, s).ServiceConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := deref(tt.read(cfg)); got != tt.want {
				t.Errorf("read %s, want %s", got, tt.want)
			}
			if got := errors.Join(cfg.Problems...); (got == nil) != (tt.problem == "") || got != nil && !strings.Contains(got.Error(), tt.problem) {
				t.Errorf("problems %v, want %q", got, tt.problem)
			}
			for _, p := range cfg.Problems {
				if _, ok := errors.AsType[*wsman.ProtocolError](p); !ok {
					t.Errorf("problem %T, want a *ProtocolError", p)
				}
			}
			if deref(cfg.MaxBatchItems) != "20" {
				t.Errorf("MaxBatchItems %s, want 20 whatever else there is", deref(cfg.MaxBatchItems))
			}
		})
	}
}

// deref writes what a pointer to a setting points to.
func deref(p any) string {
	switch p := p.(type) {
	case *uint32:
		if p != nil {
			return fmt.Sprint(*p)
		}
	case *bool:
		if p != nil {
			return fmt.Sprint(*p)
		}
	case *string:
		if p != nil {
			return *p
		}
	}
	return "<nil>"
}

// TestServiceConfigRefused: no configuration is never an empty one.
func TestServiceConfigRefused(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		want       string
	}{
		{"another element", config("<Shell/>"), 200, "no cfg:Config"},
		{"nothing", config(""), 200, "one instance was due"},
		{"denied", readCase(t, "fault_access_denied", "response.xml"), 500, "AccessDenied"},
	}
	for _, tt := range tests {
		s := &script{replies: []func(*wsman.Request) (*wsman.Reply, error){reply(tt.status, tt.body)}}
		cfg, err := newClient(t, s).ServiceConfig(t.Context())
		op, ok := errors.AsType[*wsman.OpError](err)
		if cfg != nil || !ok || op.ResourceURI != wsman.ResourceServiceConfig || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: ServiceConfig = %v, %v, want %q", tt.name, cfg, err, tt.want)
		}
	}
}

// TestResourceURI: the URI of what is no CIM class goes out as it is in both styles, without __cimnamespace.
func TestResourceURI(t *testing.T) {
	var sent [][]byte
	for _, style := range []wsman.URIStyle{wsman.URIStyleMicrosoft, wsman.URIStyleDMTF} {
		s := &script{replies: []func(*wsman.Request) (*wsman.Reply, error){reply(200, config("<Config/>"))}}
		c := newClient(t, s, func(c *wsman.Config) { c.URIStyle = style })
		r := wsman.Resource{Namespace: "root/cimv2", Class: "Ignored", URI: wsman.ResourceServiceConfig}
		if _, err := c.Get(t.Context(), &wsman.GetRequest{Resource: r}); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, s.sent[0].Body)
	}
	if diff := cmp.Diff(string(sent[0]), string(sent[1])); diff != "" {
		t.Errorf("the styles differ:\n%s", diff)
	}
	if want := []byte(">" + wsman.ResourceServiceConfig + "</wsman:ResourceURI>"); !bytes.Contains(sent[0], want) || bytes.Contains(sent[0], []byte("Selector")) {
		t.Errorf("sent %s, want %s and no selector", sent[0], want)
	}
}

func ExampleClient_ServiceConfig() {
	server, err := wsmantest.NewServer(wsmantest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, user := range []string{"administrator", "reader"} {
		c, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: server.Transport(user)})
		if err != nil {
			fmt.Println(err)
			return
		}
		cfg, err := c.ServiceConfig(context.Background())
		if err != nil {
			fmt.Println(user, wsman.SubcodeOf(err))
			continue
		}
		fmt.Println(user, *cfg.MaxEnvelopeSizekb, *cfg.Service.Auth.CbtHardeningLevel)
	}
	// Output:
	// administrator 500 Relaxed
	// reader wsman:AccessDenied
}
