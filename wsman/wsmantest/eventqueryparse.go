package wsmantest

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// maxXPath bounds the text of a query, in octets, and so the depth of its parentheses.
const maxXPath = 16 << 10

// An xpathParser reads an XPath. code is the first error.
type xpathParser struct {
	rest        string // what comes behind token
	token       string // "" is the end; a literal begins with its quote
	depth       int
	expressions int
	code        uint32
}

// compileXPath compiles a query of at most so many comparisons.
func compileXPath(xpath string, expressions int) (*eventQuery, uint32) {
	p := &xpathParser{rest: xpath}
	if len(xpath) > maxXPath {
		return nil, errorQueryTooComplex
	}
	p.next()
	if p.token != "*" && p.token != "Event" {
		return nil, errorInvalidQuery
	}
	p.next()
	q := &eventQuery{where: anyEvent}
	if p.token == "[" {
		q.where = p.predicate(p.event)
	}
	if p.token != "" {
		p.fail(errorInvalidQuery)
	}
	if p.code == 0 && p.expressions > expressions {
		p.code = errorQueryTooComplex
	}
	if p.code != 0 {
		return nil, p.code
	}
	return q, 0
}

// fail notes the first error and ends the text, so that every loop ends.
func (p *xpathParser) fail(code uint32) eventCondition {
	if p.code == 0 {
		p.code = code
	}
	p.token, p.rest = "", ""
	return anyEvent
}

// next reads a token: a name or number, a literal with its quotes, or a symbol.
func (p *xpathParser) next() string {
	taken := p.token
	s := strings.TrimLeft(p.rest, " \t\r\n")
	n := 0
	switch {
	case s == "":
	case s[0] == '\'' || s[0] == '"':
		if n = strings.IndexByte(s[1:], s[0]) + 2; n == 1 {
			p.fail(errorInvalidQuery)
			return taken
		}
	case strings.HasPrefix(s, "<=") || strings.HasPrefix(s, ">=") || strings.HasPrefix(s, "!="):
		n = 2
	default:
		n = strings.IndexFunc(s, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		if n < 0 {
			n = len(s)
		}
		n = max(n, 1)
	}
	p.token, p.rest = s[:n], s[n:]
	return taken
}

// expect takes the tokens that are due.
func (p *xpathParser) expect(tokens ...string) {
	for _, t := range tokens {
		if p.token != t {
			p.fail(errorInvalidQuery)
			return
		}
		p.next()
	}
}

// predicate reads [ or ], with the terms of a place.
func (p *xpathParser) predicate(term func() eventCondition) eventCondition {
	p.expect("[")
	c := p.or(term)
	p.expect("]")
	return c
}

// or reads conditions joined by or, which binds weakest.
func (p *xpathParser) or(term func() eventCondition) eventCondition {
	if p.depth++; p.depth > maxQueryDepth {
		return p.fail(errorQueryTooComplex)
	}
	defer func() { p.depth-- }()
	c := p.and(term)
	for p.token == "or" {
		p.next()
		c = c.or(p.and(term))
	}
	return c
}

func (p *xpathParser) and(term func() eventCondition) eventCondition {
	c := p.group(term)
	for p.token == "and" {
		p.next()
		c = c.and(p.group(term))
	}
	return c
}

// group reads a term, or a condition in parentheses.
func (p *xpathParser) group(term func() eventCondition) eventCondition {
	if p.token != "(" {
		return term()
	}
	p.next()
	c := p.or(term)
	p.expect(")")
	return c
}

// event reads what stands in *[…].
func (p *xpathParser) event() eventCondition {
	p.expect("System")
	return p.predicate(p.system)
}

// system reads what stands in System[…].
func (p *xpathParser) system() eventCondition {
	name := p.next()
	switch name {
	case "Provider":
		return p.predicate(p.provider)
	case "TimeCreated":
		return p.predicate(p.time)
	}
	of := numberOf(name)
	op := p.operator()
	value, err := strconv.ParseUint(p.next(), 10, 64)
	if of == nil || err != nil {
		return p.fail(errorInvalidQuery)
	}
	return compareNumber(of, op, value)
}

// provider reads what stands in Provider[…]. A name is only the same or another.
func (p *xpathParser) provider() eventCondition {
	p.expect("@", "Name")
	op := p.operator()
	value, ok := p.literal()
	if !ok || (op != "=" && op != "!=") {
		return p.fail(errorInvalidQuery)
	}
	return compareProvider(op, value)
}

// time reads what stands in TimeCreated[…].
func (p *xpathParser) time() eventCondition {
	if p.token == "@" {
		p.expect("@", "SystemTime")
		op := p.operator()
		text, ok := p.literal()
		t, err := time.Parse(time.RFC3339Nano, text)
		if !ok || err != nil {
			return p.fail(errorInvalidQuery)
		}
		return compareTime(op, t)
	}
	p.expect("timediff", "(", "@", "SystemTime", ")")
	op := p.operator()
	value, err := strconv.ParseUint(p.next(), 10, 64)
	if err != nil || value > math.MaxInt64 {
		return p.fail(errorInvalidQuery)
	}
	return compareAge(op, int64(value))
}

// operator takes an operator; each stands for one expression.
func (p *xpathParser) operator() string {
	switch p.token {
	case "=", "!=", "<", "<=", ">", ">=":
		p.expressions++
		return p.next()
	}
	p.fail(errorInvalidQuery)
	return ""
}

// literal takes a text in quotes.
func (p *xpathParser) literal() (string, bool) {
	t := p.next()
	if len(t) < 2 || (t[0] != '\'' && t[0] != '"') {
		return "", false
	}
	return t[1 : len(t)-1], true
}
