package condition

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// comparison compares a field of a record with a value that was parsed once.
type comparison struct {
	field Field
	op    string           // without a leading "!"
	not   bool             // the result is negated
	test  func(v any) bool // nil to match records without a value
}

// compare returns the comparison of a field with a value, or an error if the value does
// not fit.
func compare(f Field, op string, value operand, now time.Time) (node, error) {
	c := comparison{field: f, op: op}
	if positive, negated := strings.CutPrefix(op, "!"); negated {
		c.op, c.not = positive, true
	}
	err := sensible(f, c.op, value)
	switch {
	case err != nil:
	case value.null():
		c.test = nil
	case c.op == "~":
		c.test, err = matching(value.text)
	case f.kind == KindNumber || f.kind == KindCount || f.kind == KindMeasure:
		c.test, err = numberTest(f, c.op, value.text)
	case f.kind == KindTime:
		c.test, err = timeTest(c.op, value.text, now)
	case f.kind == KindTruth:
		c.test, err = truthTest(f, value.text)
	case f.Name == "host":
		c.test = hostTest(value.text)
	case f.Name == "outcome":
		if c.test = textTest(c.op, value.text); !slices.Contains(queue.Outcomes, crawler.Outcome(value.text)) {
			err = fmt.Errorf("unknown outcome %q: want one of %s", value.text, outcomes())
		}
	case f.kind == KindAny:
		c.test = anyTest(c.op, value.text)
	default:
		c.test = textTest(c.op, value.text)
	}
	return c, err
}

// operand is the value that a field is compared with.
type operand struct {
	text   string
	quoted bool
}

// null reports whether the operand stands for the absence of a value.
func (o operand) null() bool { return !o.quoted && strings.EqualFold(o.text, "null") }

// sensible returns an error if a comparison has no meaning.
func sensible(f Field, op string, value operand) error {
	order := op != "=" && op != "~"
	switch {
	case value.null() && op != "=":
		return fmt.Errorf("null can only be compared by = or !=: %s=null matches records without %s", f.Name, f.Name)
	case value.null() && !f.mayBeAbsent():
		return fmt.Errorf("%s is never absent: a record without it means %s; for the word null, write it in quotes",
			f.Name, f.zeroText())
	case value.null():
		return nil
	case f.kind == KindAny && !f.Selected():
		return fmt.Errorf("%s has several parts: compare one of them, such as %s.NAME, or write %s=null or %s!=null",
			f.Name, f.Name, f.Name, f.Name)
	case f.kind == KindTruth && op != "=":
		return fmt.Errorf("%s is true or false: compare it by = or !=", f.Name)
	case f.kind == KindCount && op == "~":
		return fmt.Errorf("%s is a number of items: compare it with a number", f.Name)
	case f.kind == KindTime && op == "~":
		return fmt.Errorf("%s is a time: compare it by =, !=, <, <=, > or >=", f.Name)
	case f.kind == KindList && order:
		return fmt.Errorf("%s is a list and has no order: compare it by = or ~, which match if any of its values does, or by != or !~, which match if all of them do", f.Name)
	case order && (f.Name == "host" || f.Name == "outcome"):
		return fmt.Errorf("%s has no order: compare it by =, !=, ~ or !~", f.Name)
	case order && statuses.MatchString(value.text) && f.Name == "status":
		return fmt.Errorf("a class of statuses has no order: compare it by = or !=, or write status%s%s00", op,
			value.text[:1])
	}
	return nil
}

func outcomes() string {
	var names []string
	for _, o := range queue.Outcomes {
		names = append(names, string(o))
	}
	return strings.Join(names, ", ")
}

func (c comparison) fields(add func(Field)) { add(c.field) }

func (c comparison) match(r *Record) (bool, error) {
	v, _, err := c.field.Value(r)
	if err != nil {
		return false, err
	}
	return c.one(v) != c.not, nil
}

// one reports whether a value, or any value of a list, passes the test. For a count, the
// list itself is the value. Without a value, only a comparison with null passes.
func (c comparison) one(v any) bool {
	if c.test == nil {
		list, ok := v.([]any)
		return v == nil || ok && len(list) == 0
	}
	list, ok := v.([]any)
	if !ok || c.field.kind == KindCount {
		return v != nil && c.test(v)
	}
	return slices.ContainsFunc(list, func(v any) bool { return v != nil && c.test(v) })
}

// ordered reports whether the order of two values, below 0, 0 or above 0, satisfies an
// operator.
func ordered(op string, order int) bool {
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order == 0
}

func matching(value string) (func(any) bool, error) {
	re, err := regexp.Compile(value)
	if err != nil {
		return nil, fmt.Errorf("%q is not a regular expression: %v", value, err)
	}
	return func(v any) bool { return re.MatchString(TextOf(v)) }, nil
}

func textTest(op, value string) func(any) bool {
	return func(v any) bool { return ordered(op, strings.Compare(TextOf(v), value)) }
}

// hostTest matches a name without a port on every port.
func hostTest(value string) func(any) bool {
	value = strings.ToLower(value)
	return func(v any) bool {
		host := crawler.Host(TextOf(v))
		return string(host) == value || host.Name() == value
	}
}

// statuses matches a class of statuses, such as 4xx.
var statuses = regexp.MustCompile(`^[1-5][xX]{2}$`)

func numberTest(f Field, op, value string) (func(any) bool, error) {
	if f.Name == "status" && op == "=" && statuses.MatchString(value) {
		return func(v any) bool { return TextOf(v)[:1] == value[:1] }, nil
	}
	want, err := strconv.ParseFloat(value, 64)
	if size := crawler.Size(0); err != nil && f.Name == "bytes" && size.Set(value) == nil {
		want, err = float64(size), nil
	}
	if err != nil {
		return nil, fmt.Errorf("%q is not a number: %s is compared with a number", value, f.Name)
	}
	return func(v any) bool {
		n, ok := NumberOf(v)
		return ok && ordered(op, compareFloats(n, want))
	}, nil
}

func compareFloats(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func truthTest(f Field, value string) (func(any) bool, error) {
	want, err := strconv.ParseBool(value)
	if err != nil {
		return nil, fmt.Errorf("%s is true or false: compare it by = or !=", f.Name)
	}
	return func(v any) bool { is, ok := v.(bool); return ok && is == want }, nil
}

// anyTest compares with a value that a job selected. If the operand is a number, values
// that are numbers are compared as numbers, and other values match only "=", as texts.
// Otherwise all are compared as texts.
func anyTest(op, value string) func(any) bool {
	text := textTest(op, value)
	want, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return text
	}
	return func(v any) bool {
		if n, ok := NumberOf(v); ok {
			return ordered(op, compareFloats(n, want))
		}
		return op == "=" && text(v)
	}
}

func timeTest(op, value string, now time.Time) (func(any) bool, error) {
	from, to, err := parseTime(value, now)
	if err != nil {
		return nil, err
	}
	return func(v any) bool {
		at, err := fetched.ParseRecordTime(TextOf(v))
		if err != nil {
			return false
		}
		switch {
		case at.Before(from):
			return ordered(op, -1)
		case at.Before(to):
			return ordered(op, 0)
		}
		return ordered(op, 1)
	}, nil
}

// parseTime parses a time. The result is the interval of moments that are equal to it:
// from is the first, to is the first one after it.
func parseTime(value string, now time.Time) (from, to time.Time, err error) {
	if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
		return at, at.Add(time.Millisecond), nil
	}
	if day, err := time.Parse(time.DateOnly, value); err == nil {
		return day, day.AddDate(0, 0, 1), nil
	}
	if ago, negative := strings.CutPrefix(value, "-"); negative {
		if d, err := parseAgo(ago); err == nil {
			return now.Add(-d), now.Add(-d).Add(time.Millisecond), nil
		}
	}
	return from, to, fmt.Errorf("%q is not a time: write 2026-11-01T06:00:00Z, a day such as 2026-11-01, or how long ago, as in -24h or -7d", value)
}

func parseAgo(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// TextOf returns a value as text. Lists and objects become JSON.
func TextOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return ""
	}
	return JSONOf(v)
}

// NumberOf returns a value as a number. A list becomes its length.
func NumberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	case string:
		n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return n, err == nil
	case []any:
		return float64(len(v)), true
	}
	return 0, false
}
