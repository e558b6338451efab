package events

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// The properties of MSFT_ServerEventDetail (facts/event-log.md §5.1).
const (
	itemDescription = "Description"
	itemID          = "Id"
	itemLevel       = "Level"
	itemLog         = "Log"
	itemQueryFileID = "QueryFileId"
	itemRecordID    = "RecordId"
	itemSource      = "Source"
	itemTimestamp   = "Timestamp"
)

// maxWrapped is how many elements that mean nothing may stand around an event.
const maxWrapped = 3

// readPage reads the items of an answer, out parameters and streamed ones, and what the method returned.
func readPage(sel *Selection, resp *wsman.InvokeResponse) *page {
	out := resp.Output
	p := &page{events: make([]*Event, 0, len(out.Properties)+len(resp.Streamed))}
	for i := range out.Properties {
		if q := &out.Properties[i]; isItem(q) {
			p.add(sel, q, maxWrapped)
		}
	}
	for _, i := range resp.Streamed {
		p.add(sel, &wsman.Property{Namespace: i.Namespace, Name: i.Name, Children: i.Properties}, maxWrapped)
	}
	p.err = returned(sel, resp, len(p.events)+p.strays > 0)
	return p
}

// isItem reports whether an out parameter is an event, or an array of them: by the names that are known for it, or by what it holds.
func isItem(p *wsman.Property) bool {
	switch {
	case p.Name == "cmdletOutput" || p.Name == "ItemValue":
		return true
	case p.Name == "ReturnValue":
		return false
	case strings.EqualFold(p.Name, "cmdletOutput") || strings.EqualFold(p.Name, "ItemValue"):
		return true
	}
	return holdsRecord(p, maxWrapped)
}

// holdsRecord reports whether p is an event with a record number, or holds one within so many elements.
func holdsRecord(p *wsman.Property, levels int) bool {
	for i := range p.Children {
		c := &p.Children[i]
		if itemProperty(c.Name) == itemRecordID || levels > 0 && holdsRecord(c, levels-1) {
			return true
		}
	}
	return false
}

// add adds the event that p is, or those that it holds within so many elements. An element without content is none: it stands for an
// array of none.
func (pg *page) add(sel *Selection, p *wsman.Property, levels int) {
	switch {
	case len(p.Children) == 0 && strings.TrimSpace(p.Text) == "":
	case slices.ContainsFunc(p.Children, isProperty):
		pg.events = append(pg.events, readItem(sel, p))
	case levels > 0 && slices.ContainsFunc(p.Children, holdsElements):
		for i := range p.Children {
			if c := &p.Children[i]; holdsElements(*c) {
				pg.add(sel, c, levels-1)
			}
		}
	default:
		pg.stray(p)
	}
}

func isProperty(p wsman.Property) bool { return itemProperty(p.Name) != "" }

func holdsElements(p wsman.Property) bool { return len(p.Children) > 0 }

// stray counts what stands in place of an event.
func (pg *page) stray(p *wsman.Property) {
	pg.strays++
	if pg.notEvent != nil {
		return
	}
	msg := "text in place of properties"
	if len(p.Children) > 0 {
		msg = "none of the properties of one"
	}
	pg.notEvent = &DecodeError{Msg: msg, Seen: beginning(itemXML(p, p.Namespace))}
}

// returned is what the method returned, as an error. A stream of events may do without a ReturnValue.
func returned(sel *Selection, resp *wsman.InvokeResponse, events bool) error {
	p, state, err := resp.Output.Scalar("ReturnValue")
	if err == nil && state != wsman.Present {
		if events || len(resp.Output.Properties) == 0 {
			return nil
		}
		err = &wsman.ProtocolError{Path: resp.Output.Name + "/ReturnValue", Msg: "missing or NULL"}
	}
	if err != nil {
		return err
	}
	v, err := p.Uint(32)
	if err != nil {
		signed, signedErr := p.Int(32) // some write an HRESULT so
		if signedErr != nil {
			return err
		}
		v = uint64(uint32(signed)) //nolint:gosec // the same 32 bits
	}
	if v == 0 {
		return nil
	}
	code := uint32(v) //nolint:gosec // Uint(32) has checked the range
	err = &invoke.ReturnValueError{Class: serverManagerClass, Method: methodEventDetail, ReturnValue: invoke.ReturnValue(code)}
	if code = win32Code(code); code == codeQueryStale {
		return fmt.Errorf("%w: %w", ErrCleared, err)
	}
	return &ChannelError{Channel: sel.Channel, Code: code, Err: err}
}

// itemProperty returns the name of the property as the class has it, "" if it is none of them.
func itemProperty(name string) string {
	switch name {
	case itemDescription, itemID, itemLevel, itemLog, itemQueryFileID, itemRecordID, itemSource, itemTimestamp:
		return name
	}
	for _, known := range [...]string{
		itemDescription, itemID, itemLevel, itemLog, itemQueryFileID, itemRecordID, itemSource, itemTimestamp,
	} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return ""
}

// An item holds an event and what it points to.
type item struct {
	Event
	id        uint32
	level     uint8
	record    uint64
	rendering Rendering
}

// readItem reads an MSFT_ServerEventDetail: the properties are the children of p. Each may be absent or NULL.
func readItem(sel *Selection, p *wsman.Property) *Event {
	it := &item{}
	e := &it.Event
	e.Log, e.Route = sel.Channel, RouteServerManager
	for i := range p.Children {
		if q := &p.Children[i]; !q.Nil {
			it.set(itemProperty(q.Name), q)
		}
	}
	if sel.KeepRaw {
		e.Raw = itemXML(p, "")
	}
	return e
}

// set takes a property of the item.
func (it *item) set(name string, p *wsman.Property) {
	switch name {
	case itemDescription:
		it.rendering.Message, it.Rendering = p.Text, &it.rendering
	case itemLog:
		it.Channel = strings.TrimSpace(p.Text)
	case itemSource:
		it.Provider = strings.TrimSpace(p.Text)
	case itemID:
		if n, ok := it.number(p, 32); ok {
			it.id, it.EventID = uint32(n), &it.id //nolint:gosec // number has checked the range
		}
	case itemLevel:
		if n, ok := it.number(p, 8); ok {
			it.level, it.Level = uint8(n), &it.level //nolint:gosec // number has checked the range
		}
	case itemRecordID:
		if n, ok := it.number(p, 64); ok {
			it.record, it.RecordID = n, &it.record
		}
	case itemTimestamp:
		t, ok := readTimestamp(p)
		if !ok {
			it.TimeText = p.Text
			it.Problems = append(it.Problems, "Timestamp: "+excerpt(p.Text)+" is no time")
		}
		it.Time = t
	}
}

func (it *item) number(p *wsman.Property, bits int) (uint64, bool) {
	n, err := p.Uint(bits)
	if err != nil {
		it.Problems = append(it.Problems, err.Error())
	}
	return n, err == nil
}

// itemXML writes an item as it came, but for its prefixes, for a place where the namespace scope needs none.
func itemXML(p *wsman.Property, scope string) []byte {
	doc := etree.NewDocument()
	writeProperty(&doc.Element, p, scope)
	b, err := doc.WriteToBytes()
	if err != nil {
		return nil // a buffer takes everything
	}
	return b
}

// writeProperty writes p into parent, in which the namespace scope needs no prefix.
func writeProperty(parent *etree.Element, p *wsman.Property, scope string) {
	e := parent.CreateElement(p.Name)
	if p.Namespace != scope {
		e.CreateAttr("xmlns", p.Namespace)
	}
	for _, a := range p.Attributes {
		switch a.Namespace {
		case "":
			e.CreateAttr(a.Name, a.Value)
		case wsman.NamespaceXSI:
			e.CreateAttr("xmlns:xsi", a.Namespace)
			e.CreateAttr("xsi:"+a.Name, a.Value)
		case "http://www.w3.org/XML/1998/namespace": // its prefix is never declared
			e.CreateAttr("xml:"+a.Name, a.Value)
		default:
			prefix := "n" + strconv.Itoa(len(e.Attr))
			e.CreateAttr("xmlns:"+prefix, a.Namespace)
			e.CreateAttr(prefix+":"+a.Name, a.Value)
		}
	}
	if p.Text != "" {
		e.SetText(p.Text)
	}
	for i := range p.Children {
		writeProperty(e, &p.Children[i], p.Namespace)
	}
}
