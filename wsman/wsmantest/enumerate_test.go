package wsmantest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// manyJobs is a model with n finished jobs.
func manyJobs(n int) *wsmantest.Model {
	m := &wsmantest.Model{Start: start}
	for i := range n {
		m.Jobs = append(m.Jobs, wsmantest.Job{ID: fmt.Sprintf("JOB-%04d", i), StartsAfter: -minute})
	}
	return m
}

// TestPages pulls a sequence in pages of several sizes and counts the requests.
func TestPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		jobs, page  int
		unoptimized bool
		epr         bool
		maxEnvelope int
		dialect     wsmantest.Dialect
		requests    int
	}{
		{name: "none", jobs: 0, requests: 1},
		{name: "one page", jobs: 5, page: 5, requests: 1},
		{name: "two pages", jobs: 5, page: 3, requests: 2},
		{name: "one by one", jobs: 5, page: 1, requests: 5},
		{name: "not optimized", jobs: 5, page: 2, unoptimized: true, requests: 6}, // the client leaves the size out then,
		{name: "with references", jobs: 5, page: 2, epr: true, requests: 3},
		{name: "small envelopes", jobs: 5, page: 5, maxEnvelope: 8192, requests: 3},
		{name: "one item whatever is asked", jobs: 5, page: 5, dialect: wsmantest.Dialect{OneItemPages: true}, requests: 5},
		{name: "optimization unknown", jobs: 5, page: 5, dialect: wsmantest.Dialect{IgnoreOptimize: true}, requests: 2},
		{name: "context beside the end", jobs: 5, page: 3, dialect: wsmantest.Dialect{ContextAtEnd: true}, requests: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := manyJobs(tt.jobs)
			s := newServer(t, wsmantest.Config{Model: model, Dialect: &tt.dialect})
			c := newClient(t, s, wsman.Config{MaxEnvelopeSize: tt.maxEnvelope})
			seq := c.Enumerate(t.Context(), &wsman.EnumerateRequest{
				Resource: jobs(), MaxElements: tt.page, Unoptimized: tt.unoptimized, WithEPR: tt.epr,
			})
			var got, want []string
			for i, err := range seq {
				if err != nil {
					t.Fatal(err)
				}
				p, _, _ := i.Scalar("InstanceID")
				got = append(got, p.Text)
				if tt.epr {
					if id, _ := i.EPR.Selectors.Get("InstanceID"); id != p.Text || i.EPR.ResourceURI != uriJob {
						t.Errorf("reference %+v of %s", i.EPR, p.Text)
					}
				}
			}
			for _, j := range model.Jobs {
				want = append(want, j.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			if n := len(s.Requests()); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
			if n := s.OpenEnumerations(); n != 0 {
				t.Errorf("%d enumerations are open", n)
			}
		})
	}
}

// TestAnswersFit holds every page to the MaxEnvelopeSize asked for.
func TestAnswersFit(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{Model: manyJobs(50)})
	for _, size := range []int{8192, 10000, 50000} {
		largest := 0
		c := newClient(t, s, wsman.Config{MaxEnvelopeSize: size, Trace: func(x *wsman.Exchange) { largest = max(largest, len(x.Response)) }})
		got, err := collect(t, c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs()}), "InstanceID")
		if err != nil || len(got) != 50 || largest > size || largest < size/2 {
			t.Errorf("MaxEnvelopeSize %d: %d jobs, largest answer %d, %v", size, len(got), largest, err)
		}
	}
}

// TestTooLarge asks for items that do not fit into any answer.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	m := testModel()
	m.Jobs[0].Properties = wsmantest.Properties{"Notify": strings.Repeat("x", 9000)}
	m.Jobs[0].Errors[0].Message = strings.Repeat("x", 9000)
	s := newServer(t, wsmantest.Config{Model: m})
	c := newClient(t, s, wsman.Config{MaxEnvelopeSize: 8192})
	_, enumerated := collect(t, c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs()}), "InstanceID")
	_, got := c.Get(t.Context(), &wsman.GetRequest{Resource: jobs(), Selectors: key(jobFailed)})
	_, invoked := invoke(t, c, "GetErrorEx", jobFailed)
	for _, err := range []error{enumerated, got, invoked} {
		f := faultOf(t, err)
		if f.Subcode != wsman.SubcodeEncodingLimit || f.WSManFault.Code != 2150858824 {
			t.Errorf("fault %v, want wsman:EncodingLimit 2150858824", f)
		}
	}
}

// TestContexts walks through the life of an enumeration context.
func TestContexts(t *testing.T) {
	t.Parallel()
	now := &clock{start}
	s := newServer(t, wsmantest.Config{Model: manyJobs(10), Clock: now.now})
	begin := func() string {
		_, root := ask(t, s, "administrator", enumerateJobs())
		return find(root, "Body/EnumerateResponse/EnumerationContext")
	}
	const one = `<n:MaxElements>1</n:MaxElements>`
	pull := func(user, context, limits string) (next, fault string) {
		_, root := ask(t, s, user, pullOf(context, limits))
		return find(root, "Body/PullResponse/EnumerationContext"), find(root, "Body/Fault/Code/Subcode/Value")
	}
	const invalid = "n:InvalidEnumerationContext"

	first := begin()
	second, fault := pull("administrator", first, one)
	if first == "" || second == "" || first == second || fault != "" {
		t.Fatalf("contexts %q, %q, fault %q; want two that differ", first, second, fault)
	}
	if _, fault := pull("administrator", first, one); fault != invalid {
		t.Errorf("the old context: fault %q, want %s", fault, invalid)
	}
	if _, fault := pull("reader", second, one); fault != invalid {
		t.Errorf("another user's context: fault %q, want %s", fault, invalid)
	}
	if _, fault := pull("administrator", second, `<n:MaxElements>2</n:MaxElements>`); fault != "w:InvalidParameter" {
		t.Errorf("other MaxElements: fault %q, want w:InvalidParameter", fault)
	}
	if _, fault := pull("administrator", begin(), one+`<n:MaxCharacters>99999</n:MaxCharacters>`); fault != "" {
		t.Errorf("MaxCharacters that the Enumerate left open: fault %q", fault)
	}
	if _, fault := pull("administrator", begin(), `<n:MaxElements>x</n:MaxElements>`); fault != "w:SchemaValidationError" {
		t.Errorf("bad MaxElements: fault %q, want w:SchemaValidationError", fault)
	}
	larger := pullOf(begin(), one)
	larger.extra = `<w:MaxEnvelopeSize>9000</w:MaxEnvelopeSize>`
	if _, root := ask(t, s, "administrator", larger); find(root, "Body/Fault/Code/Subcode/Value") != "w:InvalidParameter" {
		t.Error("other MaxEnvelopeSize was taken, want w:InvalidParameter")
	}

	idle := begin()
	now.t = now.t.Add(time.Minute)
	idle, fault = pull("administrator", idle, one)
	if fault != "" {
		t.Errorf("after 60 s: fault %q", fault)
	}
	now.t = now.t.Add(time.Minute + time.Second)
	if _, fault := pull("administrator", idle, one); fault != invalid {
		t.Errorf("after more than 60 s: fault %q, want %s", fault, invalid)
	}
	begin()
	if n := s.OpenEnumerations(); n != 1 {
		t.Errorf("%d enumerations are open, want 1: the idle ones are forgotten", n)
	}
}

// TestRelease ends an enumeration early, as our own client does when a loop is left.
func TestRelease(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{Model: manyJobs(10)})
	c := newClient(t, s, wsman.Config{})
	for _, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: jobs(), MaxElements: 2}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	requests := s.Requests()
	if last := requests[len(requests)-1]; last.Operation != "Release" || last.StatusCode != 200 || s.OpenEnumerations() != 0 {
		t.Errorf("last request %+v, %d open; want a Release and none", last, s.OpenEnumerations())
	}
}

// TestOpenEnumerationsAreBounded opens contexts until the quota says no.
func TestOpenEnumerationsAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{Model: manyJobs(2)})
	for range 1500 {
		if reply, _ := ask(t, s, "administrator", enumerateJobs()); reply.StatusCode != 200 {
			t.Fatalf("status %d before the quota: %s", reply.StatusCode, reply.Body)
		}
	}
	reply, _ := ask(t, s, "administrator", enumerateJobs())
	_, err := wsman.DecodeEnvelope(reply.Body)
	if f := faultOf(t, err); !f.Quota() || f.WSManFault.Code != 2150859174 {
		t.Errorf("fault %v, want the quota 2150859174", f)
	}
	if reply, _ := ask(t, s, "reader", enumerateJobs()); reply.StatusCode != 200 {
		t.Errorf("another user: status %d, want 200", reply.StatusCode)
	}
}

// TestModes reads what the two other enumeration modes send.
func TestModes(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{})
	request := enumerateJobs()
	request.body = `<n:Enumerate><w:OptimizeEnumeration/><w:EnumerationMode>EnumerateEPR</w:EnumerationMode></n:Enumerate>`
	_, root := ask(t, s, "administrator", request)
	const epr = "Body/EnumerateResponse/Items/EndpointReference/ReferenceParameters/"
	if got := find(root, epr+"SelectorSet/Selector"); got != jobFailed || find(root, epr+"ResourceURI") != uriJob {
		t.Errorf("reference to %q of %q, want %q", got, find(root, epr+"ResourceURI"), jobFailed)
	}
	request.resource, request.selectors = uriDMTF, map[string]string{"__cimnamespace": "root/virtualization/v2"}
	_, root = ask(t, s, "administrator", request)
	if got := find(root, epr+"SelectorSet/Selector"); got != "root/virtualization/v2" || find(root, epr+"ResourceURI") != uriDMTF {
		t.Errorf("DMTF reference: first selector %q of %q", got, find(root, epr+"ResourceURI"))
	}
}

// TestOutsider is shown nothing at all: neither jobs nor machines.
func TestOutsider(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{})
	c := newClient(t, s, wsman.Config{Transport: s.Transport("outsider")})
	for _, class := range []string{"Msvm_MigrationJob", "Msvm_ComputerSystem"} {
		r := jobs()
		r.Class = class
		got, err := collect(t, c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: r}), "Name")
		if err != nil || len(got) != 0 {
			t.Errorf("%s: %q, %v; want nothing", class, got, err)
		}
	}
}
