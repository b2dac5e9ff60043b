package export

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// comparison compares a field of a record. What it compares with was read once.
type comparison struct {
	field Field
	op    string // one of those without "!"
	not   bool   // the other way round
	test  func(v any) bool
}

// compare returns the comparison of a field with a value, or says what is wrong
// with the value.
func compare(f Field, op, value string, now time.Time) (node, error) {
	c := comparison{field: f, op: op}
	if positive, negated := strings.CutPrefix(op, "!"); negated {
		c.op, c.not = positive, true
	}
	var err error
	switch {
	case c.op == "~":
		c.test, err = matching(value)
	case f.kind == kindNumber || f.kind == kindCount:
		c.test, err = numberTest(f, c.op, value)
	case f.kind == kindTime:
		c.test, err = timeTest(c.op, value, now)
	case f.kind == kindTruth:
		c.test, err = truthTest(f, c.op, value)
	case f.Name == "host" && c.op == "=":
		c.test = hostTest(value)
	case f.Name == "outcome" && c.op == "=":
		if c.test = textTest(c.op, value); !slices.Contains(crawler.Outcomes, crawler.Outcome(value)) {
			err = fmt.Errorf("%q is no outcome: there are %s", value, outcomes())
		}
	case f.kind == kindAny:
		c.test = anyTest(c.op, value)
	default:
		c.test = textTest(c.op, value)
	}
	return c, err
}

func outcomes() string {
	var names []string
	for _, o := range crawler.Outcomes {
		names = append(names, string(o))
	}
	return strings.Join(names, ", ")
}

func (c comparison) fields(add func(Field)) { add(c.field) }

func (c comparison) match(r *Record) (bool, error) {
	v, _, err := c.field.value(r)
	if err != nil {
		return false, err
	}
	return c.one(v) != c.not, nil
}

// one reports whether a value, or one of a list, is as it should be. Of the
// number of a list, the list is one value.
func (c comparison) one(v any) bool {
	list, ok := v.([]any)
	if !ok || c.field.kind == kindCount {
		return v != nil && c.test(v)
	}
	return slices.ContainsFunc(list, func(v any) bool { return v != nil && c.test(v) })
}

// ordered reports whether an order of two values, below 0, 0 or above, is what an
// operator asks for.
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
		return nil, fmt.Errorf("%q is no regular expression: %v", value, err)
	}
	return func(v any) bool { return re.MatchString(textOf(v)) }, nil
}

func textTest(op, value string) func(any) bool {
	return func(v any) bool { return ordered(op, strings.Compare(textOf(v), value)) }
}

// hostTest takes a name without a port for the name on every port.
func hostTest(value string) func(any) bool {
	value = strings.ToLower(value)
	return func(v any) bool {
		host := crawler.Host(textOf(v))
		return string(host) == value || host.Name() == value
	}
}

// statuses are those of a class, such as 4xx.
var statuses = regexp.MustCompile(`^[1-5][xX]{2}$`)

func numberTest(f Field, op, value string) (func(any) bool, error) {
	if f.Name == "status" && op == "=" && statuses.MatchString(value) {
		return func(v any) bool { return textOf(v)[:1] == value[:1] }, nil
	}
	want, err := strconv.ParseFloat(value, 64)
	if size := crawler.Size(0); err != nil && f.Name == "bytes" && size.Set(value) == nil {
		want, err = float64(size), nil
	}
	if err != nil {
		return nil, fmt.Errorf("%q is no number, as %s is", value, f.Name)
	}
	return func(v any) bool {
		n, ok := numberOf(v)
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

func truthTest(f Field, op, value string) (func(any) bool, error) {
	want, err := strconv.ParseBool(value)
	if err != nil || op != "=" {
		return nil, fmt.Errorf("%s is true or false, and compared by = or !=", f.Name)
	}
	return func(v any) bool { is, ok := v.(bool); return ok && is == want }, nil
}

// anyTest compares with what a job selected: as numbers, where both are, else as
// texts.
func anyTest(op, value string) func(any) bool {
	text := textTest(op, value)
	want, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return text
	}
	return func(v any) bool {
		if n, ok := numberOf(v); ok {
			return ordered(op, compareFloats(n, want))
		}
		return text(v)
	}
}

func timeTest(op, value string, now time.Time) (func(any) bool, error) {
	from, to, err := parseTime(value, now)
	if err != nil {
		return nil, err
	}
	return func(v any) bool {
		at, err := crawler.ParseRecordTime(textOf(v))
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

// parseTime reads a time: the first moment that is equal to it, and the first
// that is not any more.
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
	return from, to, fmt.Errorf("%q is no time: write 2026-11-01T06:00:00Z, a day such as 2026-11-01, or how long ago, as in -24h or -7d", value)
}

func parseAgo(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// textOf is a value as a text: of objects, their JSON.
func textOf(v any) string {
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
	return jsonOf(v)
}

// numberOf is a value as a number: of a list, how long it is.
func numberOf(v any) (float64, bool) {
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
