package wsmantest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const (
	uriJob    = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/Msvm_MigrationJob"
	uriAll    = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/*"
	uriSystem = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/Msvm_ComputerSystem"
	uriDMTF   = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/Msvm_MigrationJob"

	jobFailed  = "11111111-0000-4000-8000-00000000000A"
	jobRunning = "11111111-0000-4000-8000-00000000000B"
	vmID       = "22222222-0000-4000-8000-000000000001"
)

var (
	start  = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	minute = wsmantest.Duration(time.Minute)
)

// testModel is a host with one failed and one running job at start.
func testModel() *wsmantest.Model {
	return &wsmantest.Model{
		Host: "HV77", Start: start,
		VMs: []wsmantest.VM{{Name: "web-01", ID: vmID}, {Name: "old", ID: "22222222-0000-4000-8000-000000000002", State: wsmantest.VMOff}},
		Jobs: []wsmantest.Job{
			{
				ID: jobFailed, VM: "web-01", Destination: "HV78", StartsAfter: -2 * minute, Duration: minute, Outcome: wsmantest.Failed,
				Errors: []wsmantest.Error{
					{Message: "It failed: <A&B> 'x'", MessageID: "21024", MessageArguments: []string{"web-01", vmID, "HV77"}},
					{Message: "No credentials (0x8009030E)", ErrorType: 7},
				},
			},
			{ID: jobRunning, VM: "old", StartsAfter: -minute, Duration: 4 * minute},
		},
	}
}

// clock is a clock that a test sets.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// newServer returns a server of cfg that does not listen; its model is testModel and its time start unless cfg says else.
func newServer(t *testing.T, cfg wsmantest.Config) *wsmantest.Server {
	t.Helper()
	if cfg.Model == nil {
		cfg.Model = testModel()
	}
	if cfg.Clock == nil {
		cfg.Clock = (&clock{start}).now
	}
	s, err := wsmantest.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newClient returns a client of s in-process.
func newClient(t *testing.T, s *wsmantest.Server, cfg wsman.Config) *wsman.Client {
	t.Helper()
	if cfg.Transport == nil {
		cfg.Transport = s.Transport("administrator")
	}
	cfg.Endpoint = "https://hv77/wsman"
	cfg.QuotaRetries = -1
	c, err := wsman.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func jobs() wsman.Resource {
	return wsman.Resource{Namespace: "root/virtualization/v2", Class: "Msvm_MigrationJob"}
}

func key(id string) wsman.SelectorSet { return wsman.SelectorSet{{Name: "InstanceID", Value: id}} }

// invoke calls a method of a job.
func invoke(t *testing.T, c *wsman.Client, method, id string) (*wsman.Instance, error) {
	t.Helper()
	resp, err := c.Invoke(t.Context(), &wsman.InvokeRequest{Resource: jobs(), Selectors: key(id), Method: method})
	if err != nil {
		return nil, err
	}
	return resp.Output, nil
}

// collect returns the texts of a property of everything that an enumeration yields.
func collect(t *testing.T, seq iter.Seq2[*wsman.Instance, error], property string) ([]string, error) {
	t.Helper()
	var list []string
	for i, err := range seq {
		if err != nil {
			return list, err
		}
		p, _, err := i.Scalar(property)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p.Text)
	}
	return list, nil
}

// An envelope is a request that tests write by hand, so that every part can be wrong.
type envelope struct {
	action, resource, body string
	selectors              map[string]string
	// replace and extra change the header: extra is added to it, and each pair of replace is replaced in the end.
	extra   string
	replace []string
}

func (e envelope) String() string {
	var set strings.Builder
	for name, value := range e.selectors {
		fmt.Fprintf(&set, `<w:Selector Name="%s">%s</w:Selector>`, name, value)
	}
	text := `<s:Envelope xmlns:s="` + wsman.NamespaceSOAP + `" xmlns:a="` + wsman.NamespaceAddressing + `" xmlns:n="` +
		wsman.NamespaceEnumeration + `" xmlns:w="` + wsman.NamespaceWSMan + `" xmlns:p="` + wsman.NamespaceWSManMS + `"><s:Header>` +
		`<a:To>https://hv77/wsman</a:To><w:ResourceURI s:mustUnderstand="true">` + e.resource + `</w:ResourceURI>` +
		`<a:ReplyTo><a:Address s:mustUnderstand="true">` + wsman.AddressAnonymous + `</a:Address></a:ReplyTo>` +
		`<a:Action s:mustUnderstand="true">` + e.action + `</a:Action><a:MessageID>uuid:1</a:MessageID>` + e.extra +
		`<w:SelectorSet>` + set.String() + `</w:SelectorSet></s:Header><s:Body>` + e.body + `</s:Body></s:Envelope>`
	return strings.NewReplacer(e.replace...).Replace(text)
}

func getJob() envelope {
	return envelope{action: wsman.ActionGet, resource: uriJob, selectors: map[string]string{"InstanceID": jobFailed}}
}

func enumerateJobs() envelope {
	return envelope{
		action: wsman.ActionEnumerate, resource: uriJob,
		body: `<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>1</w:MaxElements></n:Enumerate>`,
	}
}

func pullOf(context, limits string) envelope {
	return envelope{
		action: wsman.ActionPull, resource: uriJob,
		body: `<n:Pull><n:EnumerationContext>` + context + `</n:EnumerationContext>` + limits + `</n:Pull>`,
	}
}

func callGetError() envelope {
	return envelope{
		action: uriJob + "/GetError", resource: uriJob, selectors: map[string]string{"InstanceID": jobFailed},
		body: `<r:GetError_INPUT xmlns:r="` + uriJob + `"/>`,
	}
}

// ask sends text as a user and returns the answer and its root. An *wsman.HTTPError fails the test.
func ask(t *testing.T, s *wsmantest.Server, user string, text fmt.Stringer) (*wsman.Reply, *etree.Element) {
	t.Helper()
	reply, err := s.Transport(user).RoundTrip(context.Background(), &wsman.Request{Body: []byte(text.String())})
	if err != nil {
		t.Fatalf("RoundTrip: %v", err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(reply.Body); err != nil {
		t.Fatalf("answer %q: %v", reply.Body, err)
	}
	return reply, doc.Root()
}

// find returns the text at a path of local names under any prefixes; "" when there is none.
func find(root *etree.Element, path string) string {
	e := root
	for name := range strings.SplitSeq(path, "/") {
		var next *etree.Element
		for c := range e.ChildElementsSeq() {
			if c.Tag == name {
				next = c
				break
			}
		}
		if next == nil {
			return ""
		}
		e = next
	}
	return e.Text()
}

// faultOf returns the fault in err.
func faultOf(t *testing.T, err error) *wsman.Fault {
	t.Helper()
	f, ok := errors.AsType[*wsman.Fault](err)
	if !ok {
		t.Fatalf("error %v, want a *wsman.Fault", err)
	}
	return f
}

type text string

func (s text) String() string { return string(s) }
