package export

import (
	"fmt"
	"strings"
	"time"
)

// Condition says which records are wanted. The zero Condition wants all.
type Condition struct {
	root node
}

// node is a part of a condition.
type node interface {
	match(r *Record) (bool, error)
	fields(add func(Field))
}

// ParseCondition reads a condition:
//
//	outcome = fetched and (host = example.org or status >= 400) and not title ~ "(?i)draft"
//	time >= 2026-11-01 and fields.price < 20
//
// It compares fields with values by =, !=, <, <=, >, >=, ~ and !~, whose value is a
// regular expression (RE2) that is looked for anywhere; and joins comparisons by
// and, or, not and parentheses. A value with spaces or parentheses in it stands in
// quotes. A time is RFC 3339, a day of UTC such as 2026-11-01, which is equal to
// all of its moments, or so long ago: -24h, -7d. A status may be 4xx. now is what
// the latter counts from. The error shows the place.
func ParseCondition(text string, now time.Time) (Condition, error) {
	p := &conditionParser{text: text, now: now}
	p.next()
	root, err := p.either()
	if err == nil && p.token.kind != tokenEnd {
		err = p.wrong("expected and, or, or the end")
	}
	if err != nil {
		return Condition{}, err
	}
	return Condition{root}, nil
}

// All is met by what meets each of the conditions.
func All(conditions ...Condition) Condition {
	var nodes all
	for _, c := range conditions {
		if c.root != nil {
			nodes = append(nodes, c.root)
		}
	}
	if len(nodes) == 0 {
		return Condition{}
	}
	return Condition{nodes}
}

// Match reports whether a record is wanted.
func (c Condition) Match(r *Record) (bool, error) {
	if c.root == nil {
		return true, nil
	}
	return c.root.match(r)
}

// Fields are those that the condition is about.
func (c Condition) Fields() (fields []Field) {
	if c.root != nil {
		c.root.fields(func(f Field) { fields = append(fields, f) })
	}
	return fields
}

type (
	all    []node
	some   []node
	except struct{ node }
)

func (nodes all) match(r *Record) (bool, error) {
	for _, n := range nodes {
		if ok, err := n.match(r); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (nodes some) match(r *Record) (bool, error) {
	for _, n := range nodes {
		if ok, err := n.match(r); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (n except) match(r *Record) (bool, error) {
	ok, err := n.node.match(r)
	return !ok, err
}

func (nodes all) fields(add func(Field)) {
	for _, n := range nodes {
		n.fields(add)
	}
}

func (nodes some) fields(add func(Field)) { all(nodes).fields(add) }

// A conditionParser descends: either, both, one, comparison.
type conditionParser struct {
	text  string
	now   time.Time
	at    int // behind the token
	token token
}

func (p *conditionParser) either() (node, error) {
	return p.joined("or", p.both, func(nodes []node) node { return some(nodes) })
}

func (p *conditionParser) both() (node, error) {
	return p.joined("and", p.one, func(nodes []node) node { return all(nodes) })
}

// joined reads parts with a word between them.
func (p *conditionParser) joined(word string, part func() (node, error), join func([]node) node) (node, error) {
	var nodes []node
	for {
		n, err := part()
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		if !p.token.is(word) {
			break
		}
		p.next()
	}
	if len(nodes) == 1 {
		return nodes[0], nil
	}
	return join(nodes), nil
}

// deepest is how deeply parentheses may be nested.
const deepest = 100

func (p *conditionParser) one() (node, error) {
	switch {
	case p.token.is("not"):
		p.next()
		n, err := p.one()
		return except{n}, err
	case p.token.kind == tokenSign && p.token.text == "(":
		if strings.Count(p.text[:p.at], "(") > deepest {
			return nil, p.wrong("there are too many parentheses")
		}
		p.next()
		n, err := p.either()
		if err != nil {
			return nil, err
		}
		if p.token.text != ")" || p.token.kind != tokenSign {
			return nil, p.wrong("expected )")
		}
		p.next()
		return n, nil
	}
	return p.comparison()
}

func (p *conditionParser) comparison() (node, error) {
	if p.token.kind != tokenWord {
		return nil, p.wrong("expected the name of a field")
	}
	field, err := ParseField(p.token.text)
	if err != nil {
		return nil, p.wrong(err.Error())
	}
	p.next()
	op := p.token
	if op.kind != tokenOperator {
		return nil, p.wrong("expected =, !=, <, <=, >, >=, ~ or !~")
	}
	p.nextValue()
	if p.token.kind != tokenWord {
		return nil, p.wrong("expected a value")
	}
	n, err := compare(field, strings.Replace(op.text, "==", "=", 1), p.token.text, p.now)
	if err != nil {
		return nil, p.wrong(err.Error())
	}
	p.next()
	return n, nil
}

// wrong is an error that shows where the token is.
func (p *conditionParser) wrong(why string) error {
	return fmt.Errorf("%s\n  %s\n  %s^", why, p.text, strings.Repeat(" ", len([]rune(p.text[:p.token.at]))))
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenOperator
	tokenSign // a parenthesis
)

type token struct {
	kind   tokenKind
	text   string
	at     int
	quoted bool
}

// is reports whether the token is a word of the language.
func (t token) is(word string) bool {
	return t.kind == tokenWord && !t.quoted && strings.EqualFold(t.text, word)
}

const space = " \t\r\n"

// next reads a token where no value is expected.
func (p *conditionParser) next() { p.read("()=!<>~" + space) }

// nextValue reads one where a value is: there, a sign is as good as a letter.
func (p *conditionParser) nextValue() { p.read(")" + space) }

// read reads a token; a word ends at any of the characters.
func (p *conditionParser) read(ends string) {
	rest := strings.TrimLeft(p.text[p.at:], space)
	start := len(p.text) - len(rest)
	word := func(kind tokenKind, length int) {
		p.token, p.at = token{kind: kind, text: rest[:length], at: start}, start+length
	}
	switch {
	case rest == "":
		word(tokenEnd, 0)
	case rest[0] == '"' || rest[0] == '\'':
		p.quoted(rest, start)
	case rest[0] == ')' || rest[0] == '(' && strings.ContainsRune(ends, '('):
		word(tokenSign, 1)
	case strings.ContainsRune(ends, '=') && operatorLength(rest) > 0:
		word(tokenOperator, operatorLength(rest))
	default:
		end := strings.IndexAny(rest, ends)
		if end < 0 {
			end = len(rest)
		}
		word(tokenWord, max(end, 1))
	}
}

// quoted reads a word in quotes, which has no escapes: the other quotes may stand
// in it. One that does not end is no word.
func (p *conditionParser) quoted(rest string, start int) {
	text, _, ok := strings.Cut(rest[1:], rest[:1])
	p.token, p.at = token{kind: tokenWord, text: text, at: start, quoted: true}, start+len(text)+2
	if !ok {
		p.token.kind, p.at = tokenSign, len(p.text)
	}
}

// operatorLength is how long the operator is that a text begins with.
func operatorLength(s string) int {
	for _, op := range []string{"==", "!=", "<=", ">=", "!~", "=", "<", ">", "~"} {
		if strings.HasPrefix(s, op) {
			return len(op)
		}
	}
	return 0
}
