package wsmantest

import (
	"slices"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Limits of enumerations on Windows (facts/wire-format.md §7, faults.md §4).
const (
	enumerationIdle  = 60 * time.Second
	maxBatchItems    = 32000
	maxOperations    = 1500 // per user: enumerations that are open
	defaultBatchSize = 1
)

// Values of w:EnumerationMode.
const (
	modeObjectAndEPR = "EnumerateObjectAndEPR"
	modeEPR          = "EnumerateEPR"
)

// An enumeration is what stands behind an EnumerationContext: a snapshot of the instances, and how far it was read.
type enumeration struct {
	user     *User
	req      *request // what the items need of the Enumerate: dmtf and maxEnvelope
	items    []*instance
	selected []string // nil: whole instances
	mode     string
	limits   pullLimits
	used     time.Time
}

// pullLimits are what each Pull must repeat (facts/wire-format.md §7). Zero means not given.
type pullLimits struct{ maxElements, maxCharacters int }

// enumerate answers Enumerate: with a first page when it is optimized, else with the context alone.
func (s *Server) enumerate(c *call) (*etree.Document, error) {
	if !is(c.body, wsman.NamespaceEnumeration, "Enumerate") {
		return nil, newFault(faultSchemaValidation, "The body is not wsen:Enumerate.")
	}
	if len(c.selectors) > 0 {
		return nil, newFault(faultEnumerateKeys, "An enumeration cannot have keys.")
	}
	// The request itself is not kept: it may be large, and an enumeration lives for a while.
	e := &enumeration{user: c.user, req: &request{dmtf: c.dmtf, maxEnvelope: c.maxEnvelope}}
	var err error
	if e.limits, err = readLimits(c.body, wsman.NamespaceWSMan); err != nil {
		return nil, err
	}
	if e.mode, err = readMode(c.body); err != nil {
		return nil, err
	}
	if err := s.query(c, e); err != nil {
		return nil, err
	}
	doc, header, body := c.w.envelope("a", "n", "w")
	c.w.address(header, wsman.ActionEnumerate+"Response", c.messageID)
	answer := c.w.add(body, "n", "EnumerateResponse")
	if child(c.body, wsman.NamespaceWSMan, "OptimizeEnumeration") == nil || c.w.dialect.IgnoreOptimize {
		id, err := s.keep(c, e)
		if err != nil {
			return nil, err
		}
		c.w.addText(answer, "n", "EnumerationContext", id)
		return doc, nil
	}
	return doc, s.page(c, e, &page{doc: doc, answer: answer, prefix: "w"})
}

func readMode(body *etree.Element) (string, error) {
	switch mode := textOf(child(body, wsman.NamespaceWSMan, "EnumerationMode")); mode {
	case "", "EnumerateObject":
		return "", nil
	case modeEPR, modeObjectAndEPR:
		return mode, nil
	default:
		return "", newFault(faultEnumerationMode, "The enumeration mode is unknown.")
	}
}

// readLimits reads MaxElements and MaxCharacters, which stand in the namespace ns.
func readLimits(body *etree.Element, ns string) (pullLimits, error) {
	var l pullLimits
	for _, f := range []struct {
		name, ns string
		into     *int
	}{{"MaxElements", ns, &l.maxElements}, {"MaxCharacters", wsman.NamespaceEnumeration, &l.maxCharacters}} {
		e := child(body, f.ns, f.name)
		if e == nil {
			continue
		}
		n, err := strconv.ParseUint(textOf(e), 10, 31)
		if err != nil || n == 0 {
			return l, newFault(faultSchemaValidation, f.name+" is not a positive number.")
		}
		*f.into = int(n)
	}
	return l, nil
}

// query fills e with the instances that the request selects.
func (s *Server) query(c *call, e *enumeration) error {
	filter := child(c.body, wsman.NamespaceWSMan, "Filter")
	if filter == nil {
		filter = child(c.body, wsman.NamespaceEnumeration, "Filter")
	}
	name, where := c.class, condition(nil)
	if filter != nil {
		if dialect, _ := attr(filter, "", "Dialect"); dialect != wsman.DialectWQL {
			return newFault(faultFilterDialect, "The filter dialect is not WQL.")
		}
		if c.class != "*" {
			return newFault(faultWQLClass, "A query needs the class * in its resource URI.")
		}
		q, err := parseWQL(textOf(filter))
		if err != nil {
			return newFault(faultFilter, "The query cannot be used: "+err.Error()+".").fromWMI("ExecQuery", textOf(filter))
		}
		name, where, e.selected = q.class, q.where, q.selected
	}
	classes := s.host.classes(name)
	if len(classes) == 0 {
		if filter != nil {
			return newFault(faultFilter, "The namespace has no class "+name+".").fromWMI("ExecQuery", textOf(filter))
		}
		return newFault(FaultNotFound, "").fromWMI("CreateInstanceEnum", name)
	}
	for _, k := range classes {
		if err := checkQuery(k, e.selected, where); err != nil {
			return newFault(faultFilter, "The query cannot be used: "+err.Error()+".").fromWMI("ExecQuery", textOf(filter))
		}
		for _, in := range s.visible(c, k) {
			if where == nil || where.eval(in) == yes {
				e.items = append(e.items, in)
			}
		}
	}
	return nil
}

// pull answers Pull.
func (s *Server) pull(c *call) (*etree.Document, error) {
	if !is(c.body, wsman.NamespaceEnumeration, "Pull") {
		return nil, newFault(faultSchemaValidation, "The body is not wsen:Pull.")
	}
	limits, err := readLimits(c.body, wsman.NamespaceEnumeration)
	if err != nil {
		return nil, err
	}
	e, err := s.take(c)
	if err != nil {
		return nil, err
	}
	// An Enumerate that gave no limit leaves it to the first Pull.
	want := e.limits
	if want.maxElements == 0 {
		want.maxElements = limits.maxElements
	}
	if want.maxCharacters == 0 {
		want.maxCharacters = limits.maxCharacters
	}
	if limits != want || c.maxEnvelope != e.req.maxEnvelope {
		return nil, newFault(faultPullParameters, "MaxElements, MaxCharacters and MaxEnvelopeSize must be those of the Enumerate.")
	}
	e.limits = want
	doc, header, body := c.w.envelope("a", "n", "w")
	c.w.address(header, wsman.ActionPull+"Response", c.messageID)
	return doc, s.page(c, e, &page{doc: doc, answer: c.w.add(body, "n", "PullResponse"), prefix: "n"})
}

// release answers Release.
func (s *Server) release(c *call) (*etree.Document, error) {
	if !is(c.body, wsman.NamespaceEnumeration, "Release") {
		return nil, newFault(faultSchemaValidation, "The body is not wsen:Release.")
	}
	if _, err := s.take(c); err != nil {
		return nil, err
	}
	doc, header, _ := c.w.envelope("a", "n", "w")
	c.w.address(header, wsman.ActionRelease+"Response", c.messageID)
	return doc, nil
}

// keep stores e under a new context.
func (s *Server) keep(c *call, e *enumeration) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := 0
	for id, other := range s.enumerations {
		switch {
		case c.now.Sub(other.used) > enumerationIdle:
			delete(s.enumerations, id)
		case other.user == e.user:
			open++
		}
	}
	if open >= maxOperations {
		return "", newFault(FaultQuotaMaxOperations, "")
	}
	id := "uuid:" + newGUID()
	e.used = c.now
	s.enumerations[id] = e
	return id, nil
}

// take removes the enumeration that a request names: each context serves once, a Pull gives the next.
func (s *Server) take(c *call) (*enumeration, error) {
	id := textOf(child(c.body, wsman.NamespaceEnumeration, "EnumerationContext"))
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.enumerations[id]
	if e == nil || e.user != c.user || c.now.Sub(e.used) > enumerationIdle {
		return nil, newFault(FaultInvalidContext, "")
	}
	delete(s.enumerations, id)
	return e, nil
}

// A page is an answer that is being filled with items; prefix is that of Items and EndOfSequence.
type page struct {
	doc    *etree.Document
	answer *etree.Element
	prefix string
}

// roomForContext is what an EnumerationContext and the elements around the items add to an answer, in octets.
const roomForContext = 512

// page fills p with as many items as the limits allow, and with a context when there are more.
func (s *Server) page(c *call, e *enumeration, p *page) error {
	prefix := p.prefix
	if c.w.dialect.ItemsNamespace != "" {
		prefix = c.w.dialect.ItemsNamespace
	}
	items := c.w.add(p.answer, prefix, "Items")
	room := c.maxEnvelope - sizeOf(p.doc.Root()) - roomForContext
	if e.limits.maxCharacters > 0 {
		room = min(room, e.limits.maxCharacters)
	}
	sent := 0
	for sent < min(e.batch(c.w.dialect), len(e.items)) {
		item := e.item(c.w, e.items[sent])
		size := sizeOf(item)
		if size > room {
			break
		}
		room -= size
		items.AddChild(item)
		sent++
	}
	if sent == 0 && len(e.items) > 0 {
		return newFault(FaultEnvelopeTooLarge, "")
	}
	e.items = slices.Clone(e.items[sent:])
	return s.finishPage(c, e, p, prefix)
}

// finishPage puts the context before the items, or the end behind them.
func (s *Server) finishPage(c *call, e *enumeration, p *page, prefix string) error {
	id := ""
	if len(e.items) > 0 {
		var err error
		if id, err = s.keep(c, e); err != nil {
			return err
		}
	} else {
		c.w.add(p.answer, prefix, "EndOfSequence")
		if c.w.dialect.ContextAtEnd {
			id = "uuid:" + newGUID()
		}
	}
	if id != "" {
		context := etree.NewElement(c.w.name("n", "EnumerationContext"))
		context.CreateText(id)
		p.answer.InsertChildAt(0, context)
	}
	return nil
}

// batch is the number of items of a page: one unless MaxElements says more, as on Windows.
func (e *enumeration) batch(d *Dialect) int {
	if e.limits.maxElements == 0 || d.OneItemPages {
		return defaultBatchSize
	}
	return min(e.limits.maxElements, maxBatchItems)
}

// item writes one item in the mode of the enumeration.
func (e *enumeration) item(w *writer, in *instance) *etree.Element {
	holder := etree.NewElement(w.name("w", "Item"))
	if e.mode == modeEPR {
		return w.reference(holder, in, e.req)
	}
	object := w.fragment(in, e.selected)
	if e.selected == nil || w.dialect.ClassFragments {
		object = w.instance(in, e.req.classURI(in.class.name), e.selected)
	}
	if e.mode == "" {
		return object
	}
	holder.AddChild(object)
	w.reference(holder, in, e.req)
	return holder
}

// sizeOf returns the octets that e takes in an answer.
func sizeOf(e *etree.Element) int {
	var n counter
	e.WriteTo(&n, &etree.WriteSettings{})
	return int(n)
}

// A counter is an etree.Writer that only counts.
type counter int

func (c *counter) Write(b []byte) (int, error)       { *c += counter(len(b)); return len(b), nil }
func (c *counter) WriteString(s string) (int, error) { *c += counter(len(s)); return len(s), nil }
func (c *counter) WriteByte(byte) error              { *c++; return nil }
func (c *counter) WriteRune(r rune) (int, error)     { return c.WriteString(string(r)) }
