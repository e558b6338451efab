package wsman

import (
	"context"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// DefaultMaxElements is the number of instances asked for in one page.
const DefaultMaxElements = 100

// How long giving an enumeration back may take: it must not hold up a caller who is leaving.
const (
	releaseTimeout          = 5 * time.Second
	releaseTimeoutCancelled = 500 * time.Millisecond
)

// An EnumerateRequest asks for all instances of a class, or for what a query selects.
type EnumerateRequest struct {
	// Resource is the class; with a Query only its namespace counts.
	Resource Resource
	// Query is a WQL query; empty means all instances. [QuoteWQL] writes literals.
	Query string
	// MaxElements is the size of a page. If zero, 100.
	MaxElements int
	// WithEPR asks for each instance's endpoint reference too.
	WithEPR bool
	// Unoptimized asks for no instances in the answer to Enumerate itself, and leaves the size of pages to the service:
	// wsman:MaxElements goes with optimization only, and a Pull must not name what the Enumerate did not.
	Unoptimized bool
	Options     OptionSet
}

// Enumerate yields the instances one by one, fetching a page at a time. An error is the last thing yielded. However the
// loop ends, the service's enumeration context is released when there is one left.
func (c *Client) Enumerate(ctx context.Context, req *EnumerateRequest) iter.Seq2[*Instance, error] {
	return func(yield func(*Instance, error) bool) {
		e := c.newEnumeration(req)
		defer e.release(ctx)
		for first := true; first || e.context != ""; first = false {
			page, err := e.next(ctx, first)
			for _, i := range page {
				if !yield(i, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// QuoteWQL returns s as a WQL string literal, quotes included.
func QuoteWQL(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// An enumeration is the client's half of one Enumerate and its Pulls.
type enumeration struct {
	client *Client
	req    *EnumerateRequest
	op     operation // what Enumerate, Pull and Release have in common
	// context is the latest that the service gave; each Pull may change it. Empty: the sequence has ended.
	context string
	// empty counts pages without items, which a service may send, but not for ever.
	empty int
}

// maxEmptyPages ends an enumeration whose service sends nothing but new contexts.
const maxEmptyPages = 100

func (c *Client) newEnumeration(req *EnumerateRequest) *enumeration {
	r := req.Resource
	if req.Query != "" {
		r.Class = "*"
	}
	return &enumeration{client: c, req: req, op: operation{
		resource:  c.cfg.URIStyle.uri(r),
		selectors: c.cfg.URIStyle.selectors(r, nil),
		options:   req.Options,
	}}
}

// next fetches a page. The Pull repeats the limits of the Enumerate, which Windows demands (facts/wire-format.md §7).
func (e *enumeration) next(ctx context.Context, first bool) ([]*Instance, error) {
	op := e.op
	op.name, op.action, op.body = "Pull", ActionPull, e.pullBody
	if first {
		op.name, op.action, op.body, op.repeatable = "Enumerate", ActionEnumerate, e.enumerateBody, true
	}
	resp, err := e.client.do(ctx, &op)
	if err != nil {
		return nil, e.failed(err)
	}
	page, err := e.readPage(resp, op.name+"Response")
	if err != nil {
		return page, &OpError{Op: op.name, ResourceURI: op.resource, Err: err}
	}
	return page, nil
}

// failed drops a context that the service does not know any more, so that it is not released.
func (e *enumeration) failed(err error) error {
	if SubcodeOf(err) == SubcodeInvalidEnumerationContext {
		e.context = ""
	}
	return err
}

func (e *enumeration) maxElements() int {
	if e.req.MaxElements > 0 {
		return e.req.MaxElements
	}
	return DefaultMaxElements
}

func (e *enumeration) enumerateBody(body *etree.Element) {
	x := body.CreateElement("wsen:Enumerate")
	x.CreateAttr("xmlns:wsen", NamespaceEnumeration)
	if !e.req.Unoptimized {
		x.CreateElement("wsman:OptimizeEnumeration")
		x.CreateElement("wsman:MaxElements").SetText(strconv.Itoa(e.maxElements()))
	}
	if e.req.Query != "" {
		f := x.CreateElement("wsman:Filter")
		f.CreateAttr("Dialect", DialectWQL)
		f.SetText(e.req.Query)
	}
	if e.req.WithEPR {
		x.CreateElement("wsman:EnumerationMode").SetText("EnumerateObjectAndEPR")
	}
}

func (e *enumeration) pullBody(body *etree.Element) {
	x := body.CreateElement("wsen:Pull")
	x.CreateAttr("xmlns:wsen", NamespaceEnumeration)
	x.CreateElement("wsen:EnumerationContext").SetText(e.context)
	if !e.req.Unoptimized {
		x.CreateElement("wsen:MaxElements").SetText(strconv.Itoa(e.maxElements()))
	}
}

// readPage reads an EnumerateResponse or PullResponse. Items and EndOfSequence stand in the WS-Man namespace in the one and
// in WS-Enumeration's in the other; either is accepted in both.
func (e *enumeration) readPage(resp *response, name string) ([]*Instance, error) {
	answer := resp.body.child(NamespaceEnumeration, name)
	if answer == nil {
		return nil, &ProtocolError{Path: "s:Body", Msg: "no wsen:" + name}
	}
	parts, err := answer.children()
	if err != nil {
		return nil, err
	}
	var page []*Instance
	ended := false
	for _, part := range parts {
		if part.uri != NamespaceEnumeration && part.uri != NamespaceWSMan {
			continue
		}
		switch part.Tag {
		case "EnumerationContext":
			e.context = part.text() // a PullResponse without one leaves the last in force
		case "EndOfSequence":
			ended = true
		case "Items":
			items, err := readItems(part, resp.date)
			page = append(page, items...)
			if err != nil {
				return page, err
			}
		}
	}
	if ended {
		e.context = "" // it may be sent beside EndOfSequence, and must not be used
	}
	return page, e.checkProgress(len(page))
}

func (e *enumeration) checkProgress(items int) error {
	if items > 0 {
		e.empty = 0
		return nil
	}
	if e.empty++; e.empty > maxEmptyPages {
		return &ProtocolError{Path: "wsen:PullResponse", Msg: "no items and no end"}
	}
	return nil
}

// readItems reads the instances of one page, each perhaps inside a wsman:Item with its endpoint reference.
func readItems(items *element, date time.Time) ([]*Instance, error) {
	children, err := items.children()
	if err != nil {
		return nil, err
	}
	page := make([]*Instance, 0, len(children))
	for _, c := range children {
		i, err := readItem(c)
		if err != nil {
			return page, err
		}
		i.Date = date
		page = append(page, i)
	}
	return page, nil
}

func readItem(e *element) (*Instance, error) {
	if e.Tag != "Item" || e.uri != NamespaceWSMan && e.uri != NamespaceEnumeration {
		return newInstance(e)
	}
	parts, err := e.children()
	if err != nil {
		return nil, err
	}
	var item *Instance
	var epr *EndpointReference
	for _, part := range parts {
		if !part.is(NamespaceAddressing, "EndpointReference") {
			if item, err = newInstance(part); err != nil {
				return nil, err
			}
			continue
		}
		p, err := newProperty(part)
		if err != nil {
			return nil, err
		}
		if epr, err = p.Reference(); err != nil {
			return nil, err
		}
	}
	if item == nil {
		return nil, &ProtocolError{Path: "wsman:Item", Msg: "no instance"}
	}
	item.EPR = epr
	return item, nil
}

// release ends the enumeration at the service, which would otherwise hold it against the user's quota until it times out.
// What becomes of it is of no concern to the caller.
func (e *enumeration) release(ctx context.Context) {
	if e.context == "" {
		return
	}
	limit := releaseTimeout
	if ctx.Err() != nil {
		limit = releaseTimeoutCancelled
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	op := e.op
	op.name, op.action = "Release", ActionRelease
	op.body = func(body *etree.Element) {
		x := body.CreateElement("wsen:Release")
		x.CreateAttr("xmlns:wsen", NamespaceEnumeration)
		x.CreateElement("wsen:EnumerationContext").SetText(e.context)
	}
	_, _ = e.client.do(ctx, &op)
}
