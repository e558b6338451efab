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
	releaseTimeout = 5 * time.Second
	releaseGrace   = 500 * time.Millisecond
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
// loop ends, the service's enumeration context is released when there is one left. More than 65,536 instances, or 32 MiB of
// them, are a [*ProtocolError]: a service may go on for ever.
func (c *Client) Enumerate(ctx context.Context, req *EnumerateRequest) iter.Seq2[*Instance, error] {
	return func(yield func(*Instance, error) bool) {
		e := c.newEnumeration(req)
		defer e.release(ctx)
		for first := true; first || e.context != nil; first = false {
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

// queriedClass returns the class behind the FROM of a query, or "".
func queriedClass(query string) string {
	words := strings.Fields(query)
	for i, word := range words[:max(0, len(words)-1)] {
		if strings.EqualFold(word, "FROM") {
			return words[i+1]
		}
	}
	return ""
}

// An enumeration is the client's half of one Enumerate and its Pulls.
type enumeration struct {
	client *Client
	req    *EnumerateRequest
	op     operation // what Enumerate, Pull and Release have in common
	// context is the latest EnumerationContext that the service gave; each Pull may change it. Nil: the sequence has ended.
	// Its content is the service's own, mostly text, and goes back as it came.
	context *etree.Element
	// empty counts pages without items, items and octets what came in all.
	empty, items, octets int
}

// Limits of one enumeration.
const (
	maxEmptyPages = 100
	maxInstances  = 65536
	maxEnumerated = 32 << 20 // octets of answers
)

func (c *Client) newEnumeration(req *EnumerateRequest) *enumeration {
	r := req.Resource
	if req.Query != "" {
		r.Class = allClasses
	}
	return &enumeration{client: c, req: req, op: operation{
		resource:  c.cfg.URIStyle.uri(r),
		queried:   queriedClass(req.Query),
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
		return page, &OpError{Op: op.name, ResourceURI: op.resource, Queried: op.queried, Err: err}
	}
	return page, nil
}

// failed drops a context that the service does not know any more, so that it is not released.
func (e *enumeration) failed(err error) error {
	if SubcodeOf(err) == SubcodeInvalidEnumerationContext {
		e.context = nil
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
	x.AddChild(e.context.Copy())
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
	next := e.context // a PullResponse without one leaves the last in force
	for _, part := range parts {
		if part.uri != NamespaceEnumeration && part.uri != NamespaceWSMan {
			continue
		}
		switch part.Tag {
		case "EnumerationContext":
			if next, err = part.enumerationContext(); err != nil {
				return page, err
			}
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
	e.context = next
	if ended {
		e.context = nil // it may be sent beside EndOfSequence, and must not be used
		return page, nil
	}
	return page, e.checkProgress(name, len(page), resp.size)
}

// checkProgress refuses an answer that neither ends the sequence nor says how it goes on, and a sequence without an end.
func (e *enumeration) checkProgress(name string, items, octets int) error {
	e.items += items
	e.octets += octets
	e.empty++
	if items > 0 {
		e.empty = 0
	}
	msg := ""
	switch {
	case e.context == nil:
		msg = "neither an EnumerationContext nor EndOfSequence: the rest is missing"
	case e.empty > maxEmptyPages:
		msg = "no items and no end"
	case e.items > maxInstances || e.octets > maxEnumerated:
		msg = "too many instances"
	default:
		return nil
	}
	return &ProtocolError{Path: "wsen:" + name, Msg: msg}
}

// enumerationContext returns e as an element that can stand in a request, or nil when it holds nothing.
func (e *element) enumerationContext() (*etree.Element, error) {
	out := etree.NewElement("wsen:EnumerationContext")
	for _, token := range e.Child {
		switch t := token.(type) {
		case *etree.CharData:
			out.CreateText(t.Data)
		case *etree.Element:
			b, err := bind(t, e.scope)
			if err != nil {
				return nil, err
			}
			out.AddChild(b.standalone())
		}
	}
	if len(out.ChildElements()) == 0 && strings.TrimSpace(out.Text()) == "" {
		return nil, nil //nolint:nilnil // nothing is a state of an enumeration
	}
	return out, nil
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
		p, err := newProperty(*part)
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
	if e.context == nil {
		return
	}
	ctx, cancel := releaseContext(ctx)
	defer cancel()
	op := e.op
	op.name, op.action = "Release", ActionRelease
	op.body = func(body *etree.Element) {
		x := body.CreateElement("wsen:Release")
		x.CreateAttr("xmlns:wsen", NamespaceEnumeration)
		x.AddChild(e.context.Copy())
	}
	_, _ = e.client.do(ctx, &op)
}

// releaseContext returns a context that outlives the caller's a little, but does not make the caller late: it ends with the
// deadline, after five seconds at most, and half a second after the caller has left.
func releaseContext(caller context.Context) (context.Context, context.CancelFunc) {
	limit := releaseTimeout
	if deadline, ok := caller.Deadline(); ok {
		limit = min(limit, max(time.Until(deadline), releaseGrace))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(caller), limit)
	stop := context.AfterFunc(caller, func() { time.AfterFunc(releaseGrace, cancel) })
	return ctx, func() {
		stop()
		cancel()
	}
}
