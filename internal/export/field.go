package export

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/condition"
)

// Field is a value of a record: a field of the record, "host", or a part of an object,
// with dots, such as "fields.price".
type Field = condition.Field

// ParseFields parses names of fields. "fields.*" stands for all parts of fields that the
// records have, and "usage.*" for those of usage. A name that occurs twice is an error,
// and so is an unknown one: the error lists the fields. Whether a job selected "fields.price"
// is known only from its records.
func ParseFields(names []string) ([]Field, error) { return condition.ParseFields(names) }

// Condition selects records. The zero Condition selects all.
type Condition = condition.Condition

// ParseCondition parses a condition:
//
//	outcome = fetched and (host = example.org or status >= 400) and not title ~ "(?i)draft"
//	time >= 2026-11-01 and fields.price < 20 and quality.words > 100
//
// It compares fields with values by =, !=, <, <=, >, >=, ~ and !~, where the value of the
// last two is a regular expression (RE2) that may match anywhere in the field. It joins
// comparisons by and, or, not and parentheses. Values with spaces or parentheses must be
// quoted. A time is RFC 3339; a day in UTC such as 2026-11-01, which equals all of its
// moments; or a time ago such as -24h or -7d, counted from now. A status may be a class
// such as 4xx. The error shows the position.
func ParseCondition(text string, now time.Time) (Condition, error) { return condition.Parse(text, now) }

// All returns a condition that holds if all of the conditions hold.
func All(conditions ...Condition) Condition { return condition.All(conditions...) }

// unfold replaces each field that stands for several parts by the parts that the records
// have, in the order of their names, without those that are also listed by name.
func unfold(fields []Field, each func(do func(*Record) error) error) ([]Field, error) {
	if !slices.ContainsFunc(fields, func(f Field) bool { return f.Wild() }) {
		return fields, nil
	}
	found := make(map[string]map[string]bool) // names of parts, by field
	err := each(func(r *Record) error {
		values, err := r.Values()
		for _, f := range fields {
			object, _ := values[f.Top()].(map[string]any)
			for name := range object {
				if f.Wild() && found[f.Name] == nil {
					found[f.Name] = make(map[string]bool)
				}
				if f.Wild() {
					found[f.Name][name] = true
				}
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []Field
	for _, f := range fields {
		if !f.Wild() {
			all = append(all, f)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(found[f.Name])) {
			part := f.Part(name)
			if !slices.ContainsFunc(fields, func(g Field) bool { return g.Name == part.Name }) {
				all = append(all, part)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no record has %s", ErrOrder, fields[0].Name)
	}
	return all, nil
}

// distinct makes column names differ even where case is ignored, as in SQL and many
// Parquet readers: of "fields.Price" and "fields.price", the second becomes
// "fields.price_2".
func distinct(names []string) []string {
	given := make(map[string]bool, len(names))
	for _, name := range names {
		given[strings.ToLower(name)] = true
	}
	taken := make(map[string]bool, len(names))
	for i, name := range names {
		for n := 2; taken[strings.ToLower(names[i])]; n++ {
			if other := fmt.Sprintf("%s_%d", name, n); !given[strings.ToLower(other)] {
				names[i] = other
			}
		}
		taken[strings.ToLower(names[i])] = true
	}
	return names
}
