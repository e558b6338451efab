package wsmantest

import (
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// Bounds on a structured query.
const (
	maxQueryList = 64 << 10 // octets
	maxSelects   = 256
)

// A channelQuery is what a structured query selects of one channel: an event that any of its queries matches.
type channelQuery struct {
	channel string
	queries []*eventQuery
}

func (q *channelQuery) matches(r *record, now time.Time) bool {
	return slices.ContainsFunc(q.queries, func(e *eventQuery) bool { return e.matches(r, now) })
}

// parseQueryList reads a structured query, <QueryList><Query Path="…"><Select Path="…">XPath</Select></Query></QueryList>, without
// Suppress. The code is the Win32 error of one that is not understood, 15001, or too complex, 15026.
func parseQueryList(text string) (list []channelQuery, code uint32) {
	if len(text) > maxQueryList {
		return nil, errorQueryTooComplex
	}
	root, err := readDocument([]byte(text))
	if err != nil || !is(root, "", "QueryList") {
		return nil, errorInvalidQuery
	}
	selects := 0
	for query := range root.ChildElementsSeq() {
		for e := range query.ChildElementsSeq() {
			if selects++; selects > maxSelects {
				return nil, errorQueryTooComplex
			}
			if !is(query, "", "Query") || !is(e, "", "Select") {
				return nil, errorInvalidQuery
			}
			compiled, code := compileXPath(textOf(e), maxSelectExpressions)
			if code != 0 {
				return nil, code
			}
			list = addSelect(list, selectPath(query, e), compiled)
		}
	}
	if selects == 0 {
		return nil, errorInvalidQuery
	}
	return list, 0
}

// selectPath is the channel of a Select: its own, or else that of the Query.
func selectPath(query, sel *etree.Element) string {
	path, ok := attr(sel, "", "Path")
	if !ok {
		path, _ = attr(query, "", "Path")
	}
	return path
}

func addSelect(list []channelQuery, channel string, q *eventQuery) []channelQuery {
	for i := range list {
		if strings.EqualFold(list[i].channel, channel) {
			list[i].queries = append(list[i].queries, q)
			return list
		}
	}
	return append(list, channelQuery{channel, []*eventQuery{q}})
}

// A selection is what is left to look at of the records that a query is about.
type selection struct {
	query   *channelQuery
	records []record // the oldest first
}

// selectRecords returns skip and top of the records that a list of queries selects, in the order of time; reverse is the newest first.
// One channel that cannot be read fails it all (facts/event-log.md §5.1); its name and code come back.
func (h *host) selectRecords(list []channelQuery, page *eventPage, now time.Time) (found []*record, channel string, code uint32) {
	selections := make([]selection, 0, len(list))
	for i := range list {
		records, code := h.records(list[i].channel, now)
		if code != 0 {
			return nil, list[i].channel, code
		}
		selections = append(selections, selection{&list[i], records})
	}
	skip := page.skip
	for uint64(len(found)) < page.top {
		r := nextRecord(selections, page.reverse, now)
		switch {
		case r == nil:
			return found, "", 0
		case skip > 0:
			skip--
		default:
			found = append(found, r)
		}
	}
	return found, "", 0
}

// nextRecord takes the first record that is selected, of all the channels; nil when there is none any more.
func nextRecord(selections []selection, reverse bool, now time.Time) *record {
	var best *selection
	for i := range selections {
		s := &selections[i]
		for len(s.records) > 0 && !s.query.matches(s.first(reverse), now) {
			s.drop(reverse)
		}
		if len(s.records) == 0 {
			continue
		}
		if best == nil || s.first(reverse).time.Before(best.first(reverse).time) != reverse {
			best = s
		}
	}
	if best == nil {
		return nil
	}
	r := best.first(reverse)
	best.drop(reverse)
	return r
}

func (s *selection) first(reverse bool) *record {
	if reverse {
		return &s.records[len(s.records)-1]
	}
	return &s.records[0]
}

func (s *selection) drop(reverse bool) {
	if reverse {
		s.records = s.records[:len(s.records)-1]
	} else {
		s.records = s.records[1:]
	}
}
