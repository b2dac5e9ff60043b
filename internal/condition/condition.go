package condition

import (
	"fmt"
	"strings"
	"time"
)

// Condition selects records. The zero Condition selects all.
type Condition struct {
	root node
}

// node is a part of a condition.
type node interface {
	match(r *Record) (bool, error)
	fields(add func(Field))
}

// Parse parses a condition:
//
//	outcome = fetched and (host = example.org or status >= 400) and not title ~ "(?i)draft"
//	time >= 2026-11-01 and fields.price < 20
//
// It compares fields with values by =, !=, <, <=, >, >=, ~ and !~, where the value of the
// last two is a regular expression (RE2) that may match anywhere in the field. It joins
// comparisons by and, or, not and parentheses. Values with spaces or parentheses must be
// quoted. A time is RFC 3339; a day in UTC such as 2026-11-01, which equals all of its
// moments; or a time ago such as -24h or -7d, counted from now. A status may be a class
// such as 4xx. The error shows the position.
func Parse(text string, now time.Time) (Condition, error) {
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

// All returns a condition that holds if all of the conditions hold.
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

// Match reports whether a record satisfies the condition.
func (c Condition) Match(r *Record) (bool, error) {
	if c.root == nil {
		return true, nil
	}
	return c.root.match(r)
}

// Fields returns the fields that the condition uses.
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

// A conditionParser is a recursive descent parser: either, both, one, comparison.
type conditionParser struct {
	text  string
	now   time.Time
	at    int // the offset after the token
	token token
}

func (p *conditionParser) either() (node, error) {
	return p.joined("or", p.both, func(nodes []node) node { return some(nodes) })
}

func (p *conditionParser) both() (node, error) {
	return p.joined("and", p.one, func(nodes []node) node { return all(nodes) })
}

// joined parses parts with a word between them.
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

// deepest bounds the nesting of parentheses.
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
	n, err := compare(field, strings.Replace(op.text, "==", "=", 1), operand{p.token.text, p.token.quoted}, p.now)
	if err != nil {
		return nil, p.wrong(err.Error())
	}
	p.next()
	return n, nil
}

// wrong returns an error that shows the position of the token.
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

// is reports whether the token is this word of the language.
func (t token) is(word string) bool {
	return t.kind == tokenWord && !t.quoted && strings.EqualFold(t.text, word)
}

const space = " \t\r\n"

// next reads a token where no value is expected.
func (p *conditionParser) next() { p.read("()=!<>~" + space) }

// nextValue reads a token where a value is expected: there, signs are ordinary
// characters.
func (p *conditionParser) nextValue() { p.read(")" + space) }

// read reads a token. A word ends at any of the characters in ends.
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

// quoted reads a word in quotes. A quote inside the word is doubled or preceded by a
// backslash. Before a quote, two backslashes stand for one. All other backslashes are
// kept, for regular expressions. Without a closing quote, the token is not a word, which
// is an error.
func (p *conditionParser) quoted(rest string, start int) {
	var text strings.Builder
	quote, slashes := rest[0], 0
	for i := 1; i < len(rest); i++ {
		c := rest[i]
		if c == '\\' {
			slashes++
			continue
		}
		if c != quote {
			text.WriteString(strings.Repeat(`\`, slashes))
			text.WriteByte(c)
			slashes = 0
			continue
		}
		text.WriteString(strings.Repeat(`\`, slashes/2))
		doubled := i+1 < len(rest) && rest[i+1] == quote
		switch {
		case slashes%2 == 1:
		case doubled:
			i++
		default:
			p.token, p.at = token{kind: tokenWord, text: text.String(), at: start, quoted: true}, start+i+1
			return
		}
		text.WriteByte(quote)
		slashes = 0
	}
	p.token, p.at = token{kind: tokenSign, text: rest, at: start}, len(p.text)
}

// operatorLength returns the length of the operator that a text begins with, or 0.
func operatorLength(s string) int {
	for _, op := range []string{"==", "!=", "<=", ">=", "!~", "=", "<", ">", "~"} {
		if strings.HasPrefix(s, op) {
			return len(op)
		}
	}
	return 0
}
