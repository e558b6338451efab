package wsmantest

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of a query. A where clause nests no deeper than maxQueryDepth, so that neither parser nor evaluation can use
// up the stack.
const (
	maxQuery      = 16 << 10
	maxQueryDepth = 64
)

// A query is a WQL select statement.
type query struct {
	selected []string // nil: *
	class    string
	where    condition // nil: all
}

// parseWQL reads what clients send of WQL: select * or a list, from a class, and where with comparisons, is [not] null,
// and, or, not and parentheses.
func parseWQL(text string) (*query, error) {
	if len(text) > maxQuery {
		return nil, fmt.Errorf("it is longer than %d octets", maxQuery)
	}
	tokens, err := scanWQL(text)
	if err != nil {
		return nil, err
	}
	p := &wqlParser{tokens: tokens}
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, fmt.Errorf("%q is not expected", t.text)
	}
	return q, nil
}

type wqlParser struct {
	tokens []token // ends with tokenEnd
	depth  int
}

func (p *wqlParser) peek() token { return p.tokens[0] }

func (p *wqlParser) next() token {
	t := p.tokens[0]
	if t.kind != tokenEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token if it is the word or symbol.
func (p *wqlParser) accept(text string) bool {
	t := p.peek()
	if (t.kind == tokenWord || t.kind == tokenSymbol) && strings.EqualFold(t.text, text) {
		p.next()
		return true
	}
	return false
}

func (p *wqlParser) expect(text string) error {
	if !p.accept(text) {
		return fmt.Errorf("%q is due where %q stands", text, p.peek().text)
	}
	return nil
}

func (p *wqlParser) word() (string, error) {
	t := p.next()
	if t.kind != tokenWord {
		return "", fmt.Errorf("a name is due where %q stands", t.text)
	}
	return t.text, nil
}

func (p *wqlParser) query() (*query, error) {
	q := new(query)
	err := p.expect("select")
	if err != nil {
		return nil, err
	}
	if !p.accept("*") {
		if q.selected, err = p.names(); err != nil {
			return nil, err
		}
	}
	if err := p.expect("from"); err != nil {
		return nil, err
	}
	if q.class, err = p.word(); err != nil {
		return nil, err
	}
	if p.accept("where") {
		q.where, err = p.or()
	}
	return q, err
}

func (p *wqlParser) names() ([]string, error) {
	var list []string
	for {
		name, err := p.word()
		if err != nil {
			return nil, err
		}
		list = append(list, name)
		if !p.accept(",") {
			return list, nil
		}
	}
}

// or reads conditions joined by or, which binds weakest.
func (p *wqlParser) or() (condition, error) {
	if p.depth++; p.depth > maxQueryDepth {
		return nil, errors.New("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	first, err := p.and()
	if err != nil {
		return nil, err
	}
	list := anyOf{first}
	for p.accept("or") {
		c, err := p.and()
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func (p *wqlParser) and() (condition, error) {
	first, err := p.term()
	if err != nil {
		return nil, err
	}
	list := allOf{first}
	for p.accept("and") {
		c, err := p.term()
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// term reads one comparison, or a condition in parentheses, perhaps negated.
func (p *wqlParser) term() (condition, error) {
	negated := false
	for p.accept("not") {
		negated = !negated
	}
	c, err := p.operand()
	if err == nil && negated {
		c = negation{c}
	}
	return c, err
}

func (p *wqlParser) operand() (condition, error) {
	if !p.accept("(") {
		return p.comparison()
	}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	return c, p.expect(")")
}

func (p *wqlParser) comparison() (condition, error) {
	name, err := p.word()
	if err != nil {
		return nil, err
	}
	if p.accept("is") {
		negated := p.accept("not")
		if err := p.expect("null"); err != nil {
			return nil, err
		}
		if negated {
			return negation{isNull(name)}, nil
		}
		return isNull(name), nil
	}
	op := p.next()
	switch op.text {
	case "=", "<>", "!=", "<", ">", "<=", ">=":
	default:
		return nil, fmt.Errorf("an operator is due where %q stands", op.text)
	}
	value := p.next()
	switch {
	case value.kind == tokenString, value.kind == tokenNumber:
	case value.kind == tokenWord && isKeyword(value.text, "true", "false"):
	case value.kind == tokenWord && isKeyword(value.text, "null"):
		return nullComparison(name, op.text)
	default:
		return nil, fmt.Errorf("a value is due where %q stands", value.text)
	}
	return &comparison{name: name, op: op.text, value: value}, nil
}

// nullComparison reads "= null" and "<> null", which WQL takes for is null and is not null.
func nullComparison(name, op string) (condition, error) {
	switch op {
	case "=":
		return isNull(name), nil
	case "<>", "!=":
		return negation{isNull(name)}, nil
	}
	return nil, fmt.Errorf("null cannot be compared by %s", op)
}

func isKeyword(text string, words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(text, w) {
			return true
		}
	}
	return false
}

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenSymbol
	tokenString
	tokenNumber
)

// A token is one word of a query; text is without quotes and escapes, and "the end" for tokenEnd.
type token struct {
	kind tokenKind
	text string
}

// scanWQL splits a query into tokens.
func scanWQL(s string) ([]token, error) {
	var tokens []token
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return append(tokens, token{tokenEnd, "the end"}), nil
		}
		t, n, err := scanToken(s)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		s = s[n:]
	}
}

// scanToken reads the token at the start of s, which is not empty, and returns its length.
func scanToken(s string) (token, int, error) {
	c := s[0]
	switch {
	case c == '\'' || c == '"':
		return scanString(s)
	case c == '-' || isDigit(c):
		n := 1
		for n < len(s) && (isDigit(s[n]) || s[n] == '.') {
			n++
		}
		return token{tokenNumber, s[:n]}, n, nil
	case isWordByte(c):
		n := 1
		for n < len(s) && (isWordByte(s[n]) || isDigit(s[n])) {
			n++
		}
		return token{tokenWord, s[:n]}, n, nil
	}
	for _, symbol := range []string{"<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "*"} {
		if strings.HasPrefix(s, symbol) {
			return token{tokenSymbol, symbol}, len(symbol), nil
		}
	}
	return token{}, 0, fmt.Errorf("the character %q is not WQL", []rune(s)[0])
}

// scanString reads a literal in single or double quotes, in which a backslash escapes the next character.
func scanString(s string) (token, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case s[0]:
			return token{tokenString, b.String()}, i + 1, nil
		case '\\':
			if i++; i == len(s) {
				return token{}, 0, errors.New("a string does not end")
			}
		}
		b.WriteByte(s[i])
	}
	return token{}, 0, errors.New("a string does not end")
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordByte(c byte) bool {
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}
