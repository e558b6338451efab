package wsman_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// paged answers Enumerate, Pull and Release, and writes down what was asked.
type paged struct {
	pages    []string // bodies of the answers, the first to Enumerate
	requests []string
	cancel   func() // called with the second page
}

func (p *paged) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	text := string(req.Body)
	action := between(text, `<wsa:Action s:mustUnderstand="true">`, "</")
	note := action[strings.LastIndexByte(action, '/')+1:]
	if c := between(text, "<wsen:EnumerationContext>", "</"); c != "" {
		note += " " + c
	}
	if m := between(text, "MaxElements>", "</"); m != "" {
		note += " max " + m
	}
	p.requests = append(p.requests, note)
	if action == wsman.ActionRelease {
		return reply(200, envelope(""))(req)
	}
	if len(p.pages) == 0 {
		return nil, errors.New("no more pages")
	}
	body := p.pages[0]
	p.pages = p.pages[1:]
	if p.cancel != nil && action == wsman.ActionPull {
		p.cancel()
	}
	if strings.HasPrefix(body, "<s:Envelope") {
		return reply(500, body)(req)
	}
	return reply(200, envelope(body))(req)
}

// page writes an answer; an empty context is left out.
func page(name, context string, items int, end bool) string {
	item := "n"
	if name == "Enumerate" {
		item = "w"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<n:%sResponse xmlns:n=%q xmlns:w=%q>`, name, wsman.NamespaceEnumeration, wsman.NamespaceWSMan)
	if context != "" {
		fmt.Fprintf(&b, "<n:EnumerationContext>%s</n:EnumerationContext>", context)
	}
	fmt.Fprintf(&b, "<%s:Items>%s</%s:Items>", item, strings.Repeat("<X><A>1</A></X>", items), item)
	if end {
		fmt.Fprintf(&b, "<%s:EndOfSequence/>", item)
	}
	fmt.Fprintf(&b, "</n:%sResponse>", name)
	return b.String()
}

func TestEnumerate(t *testing.T) {
	badContext := strings.NewReplacer("w:QuotaLimit", "n:InvalidEnumerationContext", `xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"`,
		`xmlns:n="`+wsman.NamespaceEnumeration+`"`).Replace(quotaFault)
	tests := map[string]struct {
		pages []string
		stop  int // leave the loop after that many items
		want  []string
		items int
		err   string
	}{
		"one page":                   {pages: []string{page("Enumerate", "", 3, true)}, want: []string{"Enumerate max 100"}, items: 3},
		"context beside the end":     {pages: []string{page("Enumerate", "c1", 3, true)}, want: []string{"Enumerate max 100"}, items: 3},
		"no items":                   {pages: []string{page("Enumerate", "", 0, true)}, want: []string{"Enumerate max 100"}},
		"the latest context is used": {pages: []string{page("Enumerate", "c1", 1, false), page("Pull", "c2", 1, false), page("Pull", "", 1, true)}, want: []string{"Enumerate max 100", "Pull c1 max 100", "Pull c2 max 100"}, items: 3},
		"no new context":             {pages: []string{page("Enumerate", "c1", 1, false), page("Pull", "", 1, false), page("Pull", "", 1, true)}, want: []string{"Enumerate max 100", "Pull c1 max 100", "Pull c1 max 100"}, items: 3},
		"left early":                 {pages: []string{page("Enumerate", "c1", 5, false)}, stop: 2, want: []string{"Enumerate max 100", "Release c1"}, items: 2},
		"left at the end":            {pages: []string{page("Enumerate", "c1", 5, true)}, stop: 2, want: []string{"Enumerate max 100"}, items: 2},
		"a fault":                    {pages: []string{page("Enumerate", "c1", 1, false), quotaFault}, want: []string{"Enumerate max 100", "Pull c1 max 100", "Release c1"}, items: 1, err: "fault: wsman:QuotaLimit"},
		"a context that is gone":     {pages: []string{page("Enumerate", "c1", 1, false), badContext}, want: []string{"Enumerate max 100", "Pull c1 max 100"}, items: 1, err: "fault: wsen:InvalidEnumerationContext"},
		"a broken page":              {pages: []string{page("Enumerate", "c1", 1, false), "<x/>"}, want: []string{"Enumerate max 100", "Pull c1 max 100", "Release c1"}, items: 1, err: "protocol: s:Body: no wsen:PullResponse"},
		"neither context nor end":    {pages: []string{page("Enumerate", "", 2, false)}, want: []string{"Enumerate max 100"}, items: 2, err: "protocol: wsen:EnumerateResponse: neither an EnumerationContext nor EndOfSequence: the rest is missing"},
		"an empty context, no end":   {pages: []string{page("Enumerate", "c1", 1, false), page("Pull", " ", 1, false)}, want: []string{"Enumerate max 100", "Pull c1 max 100"}, items: 2, err: "protocol: wsen:PullResponse: neither an EnumerationContext nor EndOfSequence: the rest is missing"},
		"a context of elements":      {pages: []string{page("Enumerate", `<z:c xmlns:z="urn:z" a="1">7</z:c>`, 1, false), page("Pull", "", 1, true)}, want: []string{"Enumerate max 100", `Pull <z:c xmlns:z="urn:z" a="1">7 max 100`}, items: 2},
		"one with an unbound prefix": {pages: []string{page("Enumerate", "<z:c/>", 1, false)}, want: []string{"Enumerate max 100"}, err: "protocol: c: prefix z is not bound"},
		"an answer to Pull only":     {pages: []string{page("Pull", "c1", 1, true)}, want: []string{"Enumerate max 100"}, err: "protocol: s:Body: no wsen:EnumerateResponse"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &paged{pages: test.pages}
			items, got := 0, ""
			for _, err := range newClient(t, p).Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: migrationJob}) {
				if err != nil {
					got = describe(err)
					continue
				}
				if items++; items == test.stop {
					break
				}
			}
			if diff := cmp.Diff(test.want, p.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if items != test.items || got != test.err {
				t.Errorf("%d items and %q, want %d and %q", items, got, test.items, test.err)
			}
		})
	}
}

// TestBrokenPages: what came before the break is yielded, the error is the last thing.
func TestBrokenPages(t *testing.T) {
	items := func(content string) string {
		return strings.Replace(page("Enumerate", "c1", 0, false), "<w:Items></w:Items>", "<w:Items>"+content+"</w:Items>", 1)
	}
	tests := map[string]struct {
		page  string
		items int
		want  string
	}{
		"an item with an unbound prefix": {items("<X/><q:Y/>"), 0, "protocol: Y: prefix q is not bound"},
		"one further below":              {items("<X/><Y><q:Z/></Y>"), 1, "protocol: Z: prefix q is not bound"},
		"an Item without an instance":    {items("<X/><w:Item/>"), 1, "protocol: wsman:Item: no instance"},
		"a broken instance in an Item":   {items("<w:Item><X><q:Y/></X></w:Item>"), 0, "protocol: Y: prefix q is not bound"},
		"a broken reference in an Item":  {items(`<w:Item><X/><a:EndpointReference><q:Y/></a:EndpointReference></w:Item>`), 0, "protocol: Y: prefix q is not bound"},
		"an empty reference in an Item":  {items(`<w:Item><X/><a:EndpointReference/></w:Item>`), 0, `protocol: EndpointReference: "" is no endpoint reference`},
		"beside the items":               {strings.Replace(page("Enumerate", "c1", 1, false), "<w:Items>", "<q:X/><w:Items>", 1), 0, "protocol: X: prefix q is not bound"},
		"an unknown element is no item":  {strings.Replace(page("Enumerate", "", 1, true), "<w:Items>", "<X/><w:Items>", 1), 1, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &paged{pages: []string{test.page}}
			list, err := collect(newClient(t, p).Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: migrationJob, MaxElements: 7}))
			if got := describe(err); len(list) != test.items || got != test.want {
				t.Errorf("%d items and %q, want %d and %q", len(list), got, test.items, test.want)
			}
			if p.requests[0] != "Enumerate max 7" {
				t.Errorf("asked %s", p.requests[0])
			}
		})
	}
}

// TestEnumeratePull goes through a recorded enumeration that is not optimized.
func TestEnumeratePull(t *testing.T) {
	s := &script{}
	cases := []string{"enumerate_plain", "pull_more", "pull_end"}
	for _, name := range cases {
		s.replies = append(s.replies, recorded(t, name))
	}
	list, err := collect(newClient(t, s).Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: migrationJob, Unoptimized: true}))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range cases {
		golden(t, name, "request.xml", s.sent[i].Body)
	}
	for i, item := range list {
		golden(t, cases[i+1], "want.json", dump(t, item, nil))
	}
	if len(list) != 2 {
		t.Errorf("%d instances, want 2", len(list))
	}
}

// TestEnumerateCancelled: the context is released although the caller's ctx has ended.
func TestEnumerateCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := &paged{pages: []string{page("Enumerate", "c1", 1, false), page("Pull", "c2", 1, false)}, cancel: cancel}
	_, err := collect(newClient(t, p).Enumerate(ctx, &wsman.EnumerateRequest{Resource: migrationJob}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if want := "Release c2"; p.requests[len(p.requests)-1] != want {
		t.Errorf("last request = %s, want %s", p.requests[len(p.requests)-1], want)
	}
}

// TestEnumerateEndless: a service that sends contexts and no items does not hold us.
func TestEnumerateEndless(t *testing.T) {
	p := &paged{pages: []string{page("Enumerate", "c", 0, false)}}
	for range 500 {
		p.pages = append(p.pages, page("Pull", "c", 0, false))
	}
	_, err := collect(newClient(t, p).Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: migrationJob}))
	if got, want := describe(err), "protocol: wsen:PullResponse: no items and no end"; got != want {
		t.Errorf("error = %s, want %s", got, want)
	}
	if len(p.requests) > 110 {
		t.Errorf("%d requests", len(p.requests))
	}
}

// TestEnumerateWithoutEnd: nor one that always has more.
func TestEnumerateWithoutEnd(t *testing.T) {
	for name, items := range map[string]int{"many small": 10000, "few large": 10} {
		p := &paged{pages: []string{page("Enumerate", "c", items, false)}}
		more := page("Pull", "c", items, false)
		if items == 10 {
			more = strings.Replace(more, "<A>1</A>", "<A>"+strings.Repeat("x", 1<<20)+"</A>", 1)
		}
		for range 500 {
			p.pages = append(p.pages, more)
		}
		n := 0
		var last error
		for _, err := range newClient(t, p).Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: migrationJob}) {
			last = err
			n++
		}
		if got, want := describe(last), "protocol: wsen:PullResponse: too many instances"; got != want {
			t.Errorf("%s: error = %s, want %s", name, got, want)
		}
		if p.requests[len(p.requests)-1] != "Release c" || len(p.requests) > 40 || n > 80000 {
			t.Errorf("%s: %d instances by %d requests, the last %s", name, n, len(p.requests), p.requests[len(p.requests)-1])
		}
	}
}

// hanging answers Enumerate and Pull, and Release never.
type hanging struct{ paged }

func (h *hanging) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	if strings.Contains(string(req.Body), wsman.ActionRelease) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return h.paged.RoundTrip(ctx, req)
}

// TestReleaseInTime: a service that does not answer a Release holds up nobody for long.
func TestReleaseInTime(t *testing.T) {
	tests := map[string]struct {
		deadline, leave, want time.Duration
	}{
		"no deadline":          {want: 5 * time.Second},
		"a later deadline":     {deadline: time.Minute, want: 5 * time.Second},
		"a deadline sooner":    {deadline: 2 * time.Second, want: 2 * time.Second},
		"a deadline very soon": {deadline: 100 * time.Millisecond, want: 500 * time.Millisecond},
		"the caller leaves":    {leave: time.Second, want: 1500 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				if test.leave > 0 {
					time.AfterFunc(test.leave, cancel)
				}
				h := &hanging{paged{pages: []string{page("Enumerate", "c", 2, false)}}}
				began := time.Now()
				for _, err := range newClient(t, h).Enumerate(ctx, &wsman.EnumerateRequest{Resource: migrationJob}) {
					if err != nil {
						t.Error(err)
					}
					break
				}
				if took := time.Since(began); took != test.want {
					t.Errorf("took %v, want %v", took, test.want)
				}
			})
		})
	}
}

// TestQueriedClass: errors and traces name the class that a query selects from, where it tells.
func TestQueriedClass(t *testing.T) {
	for query, want := range map[string]string{
		"":                                     "Msvm_MigrationJob",
		"select * from CIM_Job":                "CIM_Job",
		"SELECT A, B\nFROM\tCIM_Job where A=1": "CIM_Job",
		"select * from":                        "",
		"from":                                 "",
		"associators of {CIM_Job.A=1}":         "",
		"select * from CIM_Job where A='x from CIM_Other'": "CIM_Job",
	} {
		for _, pages := range [][]string{nil, {"<x/>"}, {page("Enumerate", "c1", 1, false)}} {
			var traced []string
			c := newClient(t, &paged{pages: pages}, func(cfg *wsman.Config) {
				cfg.Trace = func(x *wsman.Exchange) { traced = append(traced, x.ClassName()) }
			})
			_, err := collect(c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: migrationJob, Query: query}))
			e, ok := errors.AsType[*wsman.OpError](err)
			if !ok || e.ClassName() != want || slices.ContainsFunc(traced, func(class string) bool { return class != want }) || len(traced) == 0 {
				t.Errorf("%q with %d pages: %v, traced %q; want %q", query, len(pages), err, traced, want)
			}
		}
	}
}

// TestQuery: a query goes to class *, its literals arrive as they were.
func TestQuery(t *testing.T) {
	value := `a'b\c"d&e<f>]]>`
	tests := map[wsman.URIStyle][]string{
		wsman.URIStyleMicrosoft: {"http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/*"},
		wsman.URIStyleDMTF:      {"http://schemas.dmtf.org/wbem/wscim/1/*", `Name="__cimnamespace">root/virtualization/v2<`},
	}
	for style, want := range tests {
		s := &script{}
		c := newClient(t, s, func(c *wsman.Config) { c.URIStyle = style })
		query := "select * from Msvm_ComputerSystem where ElementName = " + wsman.QuoteWQL(value)
		_, _ = collect(c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: migrationJob, Query: query}))
		env, err := wsman.DecodeEnvelope(s.sent[0].Body)
		if err != nil {
			t.Fatal(err)
		}
		filter, _, err := env.Body[0].Scalar("Filter")
		if err != nil || filter.Text != `select * from Msvm_ComputerSystem where ElementName = 'a\'b\\c"d&e<f>]]>'` {
			t.Errorf("style %d: filter = %s (%v)", style, filter.Text, err)
		}
		for _, text := range want {
			if !strings.Contains(string(s.sent[0].Body), text) {
				t.Errorf("style %d: the request has no %s:\n%s", style, text, s.sent[0].Body)
			}
		}
	}
}
