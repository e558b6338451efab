package wsmantest

import (
	"cmp"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// A truth is a value of the logic of queries: a comparison with NULL is neither yes nor no.
type truth int

const (
	no truth = iota
	unknown
	yes
)

// A condition is what stands after where.
type condition interface {
	eval(in *instance) truth
	// check refuses properties that the class lacks and comparisons that its types do not allow.
	check(c *class) error
}

type (
	anyOf    []condition
	allOf    []condition
	negation struct{ condition }
	isNull   string
)

func (l anyOf) eval(in *instance) truth {
	result := no
	for _, c := range l {
		result = max(result, c.eval(in))
	}
	return result
}

func (l allOf) eval(in *instance) truth {
	result := yes
	for _, c := range l {
		result = min(result, c.eval(in))
	}
	return result
}

func (n negation) eval(in *instance) truth { return yes - n.condition.eval(in) }

func (n isNull) eval(in *instance) truth {
	if p := in.property(string(n)); p == nil || p.null {
		return yes
	}
	return no
}

func (l anyOf) check(c *class) error { return checkConditions(c, l) }
func (l allOf) check(c *class) error { return checkConditions(c, l) }

func checkConditions(c *class, list []condition) error {
	for _, one := range list {
		if err := one.check(c); err != nil {
			return err
		}
	}
	return nil
}

func (n isNull) check(c *class) error {
	if _, ok := c.property(string(n)); !ok {
		return fmt.Errorf("%s has no property %s", c.name, string(n))
	}
	return nil
}

// A comparison sets a property against a literal.
type comparison struct {
	name, op string
	value    token
}

func (c *comparison) check(k *class) error {
	p, ok := k.property(c.name)
	switch {
	case !ok:
		return fmt.Errorf("%s has no property %s", k.name, c.name)
	case strings.HasSuffix(p.cimType, "[]"):
		return fmt.Errorf("the array %s cannot be compared", c.name)
	}
	if _, ok := c.compare(p.cimType, c.value.text); !ok {
		return fmt.Errorf("%s cannot be compared with %q", c.name, c.value.text)
	}
	return nil
}

func (c *comparison) eval(in *instance) truth {
	p := in.property(c.name)
	if p == nil || p.null || len(p.texts) == 0 {
		return unknown
	}
	order, ok := c.compare(p.cimType, p.texts[0])
	if !ok {
		return unknown
	}
	holds := false
	switch c.op {
	case "=":
		holds = order == 0
	case "<>", "!=":
		holds = order != 0
	case "<":
		holds = order < 0
	case ">":
		holds = order > 0
	case "<=":
		holds = order <= 0
	case ">=":
		holds = order >= 0
	}
	if holds {
		return yes
	}
	return no
}

// compare orders a value of the property against the literal; ok is false when either is not of the type.
func (c *comparison) compare(cimType, text string) (order int, ok bool) {
	switch cimType {
	case typeString:
		return strings.Compare(strings.ToLower(text), strings.ToLower(c.value.text)), c.value.kind == tokenString
	case typeBoolean:
		a, okA := boolOf(text)
		b, okB := boolOf(c.value.text)
		return cmp.Compare(a, b), okA && okB
	case typeTimestamp:
		a, okA := timeOf(text)
		b, okB := timeOf(c.value.text)
		return a.Compare(b), okA && okB
	case typeInterval:
		a, errA := parseXSDuration(text)
		b, errB := parseXSDuration(c.value.text)
		return cmp.Compare(a, b), errA == nil && errB == nil
	}
	a, okA := integerOf(text)
	b, okB := integerOf(c.value.text)
	return a.Cmp(b), okA && okB
}

// integerOf reads an integer of any CIM type; the length is bounded because a query may hold any number.
func integerOf(s string) (*big.Int, bool) {
	n := new(big.Int)
	if len(s) > 32 {
		return n, false
	}
	if _, ok := n.SetString(s, 10); !ok {
		return new(big.Int), false
	}
	return n, true
}

func boolOf(s string) (int, bool) {
	switch {
	case isKeyword(s, "true", "1"):
		return 1, true
	case isKeyword(s, "false", "0"):
		return 0, true
	}
	return 0, false
}

// timeOf reads the form of the wire or that of a CIM literal.
func timeOf(s string) (time.Time, bool) {
	if t, ok := parseDMTFTime(s); ok {
		return t, true
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// checkQuery refuses a query that does not fit the class.
func checkQuery(c *class, selected []string, where condition) error {
	for _, name := range selected {
		if _, ok := c.property(name); !ok {
			return fmt.Errorf("%s has no property %s", c.name, name)
		}
	}
	if where == nil {
		return nil
	}
	return where.check(c)
}
