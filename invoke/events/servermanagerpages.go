package events

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Bounds of reading in pages.
const (
	pageItems   = 200  // at about 1.2 kB an event, half of an answer of 512,000 octets
	growAfter   = 3    // pages that came whole until more is asked for again
	maxBarren   = 3    // pages in a row that lead nowhere, as when more is written than is read
	maxOversize = 16   // events in a row that are too large
	minRecent   = 1024 // record numbers that are remembered, at least
)

// A pager reads a channel from the newest event on.
//
// Skip counts from the newest event, so that what is written meanwhile moves everything: the next page begins with events that were
// read, or with newer ones. They are known by their record numbers, and passed over. None of those that there were is missed.
type pager struct {
	s     *ServerManager
	sel   *Selection
	query string // a QueryList
	yield func(*Event, error) bool

	skip, top int
	good      int // pages in a row that came whole
	oversize  int // events in a row that were too large
	barren    int // pages in a row that led nowhere
	read      int // events that were yielded
	seen      recent
	newest    uint64 // the largest number of the first page, if the host gives the newest first; else 0
	last      uint64 // the number of the last event of the last page
	seed      maphash.Seed
	sum       uint64 // of the last page's events without a number
}

func newPager(s *ServerManager, sel *Selection, query string, yield func(*Event, error) bool) *pager {
	return &pager{
		s: s, sel: sel, query: query, yield: yield, top: pageItems,
		seen: recent{ids: map[uint64]struct{}{}}, seed: maphash.MakeSeed(),
	}
}

// run asks for pages until one is empty: a host may give fewer events than it was asked for. It returns what ended it, if anything but
// the end of the channel or of the loop that it yields to.
func (p *pager) run(ctx context.Context) error {
	for more := true; more; {
		// One more than is wanted tells whether there are more.
		top := min(p.top, p.sel.maximum()-p.read+1)
		page, err := p.s.ask(ctx, p.sel, &pageRequest{query: p.query, skip: p.skip, top: top, newestFirst: true})
		switch {
		case err == nil:
			more, err = p.take(page)
		case tooLarge(err):
			more, err = p.shrink(top, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take yields what is new in a page. It reports whether to go on: behind a page of which nothing can be made out is no more of use.
func (p *pager) take(page *page) (bool, error) {
	if page.strays > 0 && !p.yield(nil, page.notEvent) {
		return false, nil
	}
	if len(page.events) == 0 {
		return false, page.err
	}
	sum := p.fingerprint(page)
	again := sum != 0 && sum == p.sum
	p.sum = sum
	if p.skip == 0 {
		p.newest = descendingFrom(page.events)
	}
	fresh := false
	for _, e := range page.events {
		if e.RecordID == nil && again || e.RecordID != nil && !p.isNew(*e.RecordID) {
			continue
		}
		fresh = true
		if p.read == p.sel.maximum() {
			return false, ErrLimit
		}
		p.read++
		if !p.yield(e, nil) {
			return false, nil
		}
	}
	if page.err != nil {
		return false, page.err
	}
	p.skip += len(page.events) + page.strays
	p.seen.trim(max(minRecent, 4*len(page.events)))
	// A page of known events that are older than those of the page before is one after many that were written meanwhile.
	last := page.events[len(page.events)-1].RecordID
	if last != nil {
		fresh = fresh || *last < p.last
		p.last = *last
	}
	return true, p.count(fresh)
}

// isNew reports whether the record is one that there was when the reading began, and that was not yielded.
func (p *pager) isNew(id uint64) bool {
	return (p.newest == 0 || id <= p.newest) && p.seen.add(id)
}

// descendingFrom returns the number of the first event if those after it have smaller ones, else 0.
func descendingFrom(events []*Event) uint64 {
	first, last := events[0].RecordID, events[len(events)-1].RecordID
	if first == nil || last == nil || *first <= *last {
		return 0
	}
	return *first
}

// count keeps account of how the pages go: it asks for more again when some came whole, and ends what leads nowhere.
func (p *pager) count(onward bool) error {
	p.oversize = 0
	if p.good++; p.good >= growAfter {
		p.good, p.top = 0, min(2*p.top, pageItems)
	}
	p.barren++
	if onward {
		p.barren = 0
	}
	if p.barren >= maxBarren {
		return &wsman.ProtocolError{Path: methodEventDetail + "_OUTPUT", Msg: "the same events again, whatever was to be skipped"}
	}
	return nil
}

// shrink asks for less than top after the error that so many are too large, and passes over a single event that is. It reports whether
// to go on.
func (p *pager) shrink(top int, err error) (bool, error) {
	p.good = 0
	if top > 1 {
		p.top = top / 2
		return true, nil
	}
	switch p.oversize++; {
	case p.read == p.sel.maximum():
		return false, ErrLimit
	case p.oversize > maxOversize:
		return false, fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	p.skip++
	return p.yield(nil, ErrTooLarge), nil
}

// fingerprint sums up the events of a page that have no number; it is 0 if there are none.
func (p *pager) fingerprint(page *page) uint64 {
	var h maphash.Hash
	h.SetSeed(p.seed)
	found := false
	for _, e := range page.events {
		if e.RecordID != nil {
			continue
		}
		found = true
		var b [12]byte
		binary.LittleEndian.PutUint32(b[:], e.ID())
		binary.LittleEndian.PutUint64(b[4:], uint64(e.Time.UnixNano()))
		for _, text := range [...]string{string(b[:]), e.TimeText, e.Provider, e.Message()} {
			_, _ = h.WriteString(text)
			_ = h.WriteByte(0)
		}
	}
	if !found {
		return 0
	}
	return h.Sum64() | 1
}

// recent remembers the record numbers that came last.
type recent struct {
	ids   map[uint64]struct{}
	order []uint64
}

// add reports whether id is new.
func (r *recent) add(id uint64) bool {
	if _, ok := r.ids[id]; ok {
		return false
	}
	r.ids[id] = struct{}{}
	r.order = append(r.order, id)
	return true
}

// trim forgets all but the last most.
func (r *recent) trim(most int) {
	drop := max(0, len(r.order)-most)
	for _, id := range r.order[:drop] {
		delete(r.ids, id)
	}
	r.order = append(r.order[:0], r.order[drop:]...)
}
