package wsmantest

import (
	"cmp"
	"time"
)

// Bounds on the comparisons of a query (facts/event-log.md §3).
const (
	maxXPathExpressions  = 20
	maxSelectExpressions = 32
)

// An eventQuery is an XPath query of events, compiled.
type eventQuery struct{ where eventCondition }

// An eventCondition says whether an event is wanted at now.
type eventCondition func(r *record, now time.Time) bool

// compileEventQuery compiles the part of XPath that is simulated: * and *[System[…]] with and, or, parentheses, and comparisons of
// Level, EventID, EventRecordID, Provider[@Name] and TimeCreated[@SystemTime] or [timediff(@SystemTime)]. The code is the Win32 error
// of what else it is: 15001, or 15026 with more comparisons than a bare XPath may have.
func compileEventQuery(xpath string) (*eventQuery, uint32) {
	return compileXPath(xpath, maxXPathExpressions)
}

// matches reports whether the event is wanted at now.
func (q *eventQuery) matches(r *record, now time.Time) bool { return q.where(r, now) }

func anyEvent(*record, time.Time) bool { return true }

func (c eventCondition) or(d eventCondition) eventCondition {
	return func(r *record, now time.Time) bool { return c(r, now) || d(r, now) }
}

func (c eventCondition) and(d eventCondition) eventCondition {
	return func(r *record, now time.Time) bool { return c(r, now) && d(r, now) }
}

// holds reports whether an order is what an operator asks for.
func holds(op string, order int) bool {
	switch op {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// compareNumber returns the comparison of a number of the event.
func compareNumber(of func(*record) uint64, op string, value uint64) eventCondition {
	return func(r *record, _ time.Time) bool { return holds(op, cmp.Compare(of(r), value)) }
}

func compareProvider(op, value string) eventCondition {
	return func(r *record, _ time.Time) bool { return holds(op, cmp.Compare(r.provider, value)) }
}

func compareTime(op string, value time.Time) eventCondition {
	return func(r *record, _ time.Time) bool { return holds(op, r.time.Compare(value)) }
}

// compareAge compares how many milliseconds ago the event was.
func compareAge(op string, milliseconds int64) eventCondition {
	return func(r *record, now time.Time) bool {
		return holds(op, cmp.Compare(now.Sub(r.time).Milliseconds(), milliseconds))
	}
}

// numberOf returns how to read a number of System; nil if the element is no number that is simulated.
func numberOf(element string) func(*record) uint64 {
	switch element {
	case "Level":
		return func(r *record) uint64 { return uint64(r.level) }
	case "EventID":
		return func(r *record) uint64 { return uint64(r.ID) }
	case "EventRecordID":
		return func(r *record) uint64 { return r.id }
	}
	return nil
}
