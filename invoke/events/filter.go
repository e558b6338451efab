package events

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// A bare XPath may hold 20 expressions, one of a QueryList 32 (facts/event-log.md §3). Provider and time take one each.
const maxLevelTerms = 16

// xpath writes what sel selects in the XPath subset of the event log; "*" is everything. It holds no double quote and no "%": it can
// stand in double quotes on a command line.
func xpath(sel *Selection) string {
	var terms []string
	if sel.Provider != "" {
		terms = append(terms, "Provider[@Name='"+sel.Provider+"']")
	}
	if levels := levelTerms(sel.Levels); levels != nil {
		terms = append(terms, "("+strings.Join(levels, " or ")+")")
	}
	if sel.Since > 0 {
		// timediff counts milliseconds. A part of one is not lost.
		ms := sel.Since.Milliseconds()
		if sel.Since%time.Millisecond > 0 {
			ms++
		}
		terms = append(terms, "TimeCreated[timediff(@SystemTime) <= "+strconv.FormatInt(ms, 10)+"]")
	}
	if terms == nil {
		return "*"
	}
	return "*[System[" + strings.Join(terms, " and ") + "]]"
}

// levelTerms compares Level with each of levels. Level 0 belongs to information, as in the Event Viewer. More levels than an expression
// has room for are all levels there are.
func levelTerms(levels []uint8) []string {
	levels = slices.Clone(levels)
	if slices.Contains(levels, 4) {
		levels = append(levels, 0)
	}
	slices.Sort(levels)
	levels = slices.Compact(levels)
	if len(levels) > maxLevelTerms {
		return nil
	}
	var terms []string
	for _, l := range levels {
		terms = append(terms, "Level="+strconv.Itoa(int(l)))
	}
	return terms
}

// queryList writes sel as a QueryList of one query: one that names several channels fails when one of them is missing
// (facts/event-log.md §5.1).
func queryList(sel *Selection) (string, error) {
	doc := etree.NewDocument()
	list := doc.CreateElement("QueryList")
	query := list.CreateElement("Query")
	query.CreateAttr("Id", "0")
	query.CreateAttr("Path", sel.Channel)
	selected := query.CreateElement("Select")
	selected.CreateAttr("Path", sel.Channel)
	selected.SetText(xpath(sel))
	return doc.WriteToString()
}

// check says why sel cannot be asked for.
func (sel *Selection) check() error {
	if err := CheckChannel(sel.Channel); err != nil {
		return &ChannelError{Channel: sel.Channel, Err: err}
	}
	if sel.Provider == "" {
		return nil
	}
	if err := checkName(sel.Provider); err != nil {
		return &ChannelError{Channel: sel.Channel, Err: errors.New("the provider: " + err.Error())}
	}
	return nil
}

// maximum is how many events are read.
func (sel *Selection) maximum() int {
	if sel.Max > 0 {
		return sel.Max
	}
	return 100_000
}

// query checks sel and writes its QueryList.
func (sel *Selection) query() (string, error) {
	if err := sel.check(); err != nil {
		return "", err
	}
	return queryList(sel)
}
