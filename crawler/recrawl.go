package crawler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/textform"
)

// RecrawlSettings say whether a job ends when everything is fetched, or goes on.
type RecrawlSettings struct {
	// Recrawl makes the job continuous: its pages are fetched again and again. Default not.
	Recrawl Recrawl `json:"recrawl,omitzero" yaml:"recrawl"`
}

// Recrawl are the settings of a continuous job, which does not end by itself: it learns how
// often each page changes, and fetches it again when that is worth the request. The zero value
// is that of a job that ends.
type Recrawl struct {
	// Budget is how many URLs the job fetches in a time, those for the first time included.
	// Default none: the job is not continuous.
	Budget FetchRate `json:"budget"`
	// Min is the shortest time between two fetches of a page, at least 1s. Default (0) 10m.
	Min time.Duration `json:"min"`
	// Max is the longest time between two fetches of a page, as far as the budget allows, at
	// most 365 days. Default (0) 60 days.
	Max time.Duration `json:"max"`
	// Value is how much pages matter whose URL matches a regular expression (RE2), from 0 to
	// 1,000: of two pages that change equally often, the one with a value of 5 is as urgent as
	// the other is five times staler. Pages with a value of 0 are not fetched again. The
	// largest value counts if several match. Default 1 for all. At most 64.
	Value map[string]float64 `json:"value"`
	// Distance is in how many of 32 bits the fingerprints of a page's main text must differ to
	// count as a change. Default (0) 2.
	Distance int `json:"distance"`
}

// The defaults of continuous jobs.
const (
	defaultRecrawlMin      = 10 * time.Minute
	defaultRecrawlMax      = 60 * day
	defaultRecrawlDistance = 2
)

const day = 24 * time.Hour

// On reports whether the job is continuous.
func (r Recrawl) On() bool { return r.Budget.Fetches != 0 }

// WithDefaults returns the settings with the defaults in place of zeros.
func (r Recrawl) WithDefaults() Recrawl {
	if r.Min == 0 {
		r.Min = defaultRecrawlMin
	}
	if r.Max == 0 {
		r.Max = max(defaultRecrawlMax, r.Min)
	}
	if r.Distance == 0 {
		r.Distance = defaultRecrawlDistance
	}
	return r
}

// Set parses the short form of a flag: BUDGET, followed by min, max and distance as in
// "5000/day,min=1h,max=30d", or the settings as JSON. "" is that of a job that ends.
func (r *Recrawl) Set(text string) error {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		*r = Recrawl{}
		return nil
	case strings.HasPrefix(text, "{"):
		return r.UnmarshalJSON([]byte(text))
	}
	budget, rest, more := strings.Cut(text, ",")
	var form recrawlForm
	if err := form.Budget.Set(budget); err != nil {
		return err
	}
	for more {
		var part string
		part, rest, more = strings.Cut(rest, ",")
		if err := form.set(part); err != nil {
			return err
		}
	}
	*r = form.settings()
	return nil
}

// String returns the short form, or JSON if that has no place for Value.
func (r Recrawl) String() string {
	if r.IsZero() {
		return ""
	}
	if len(r.Value) > 0 {
		text, _ := r.MarshalJSON() // numbers and texts can be encoded
		return string(text)
	}
	parts := []string{r.Budget.String()}
	for _, p := range []struct {
		name string
		set  bool
		text string
	}{
		{"min", r.Min != 0, span(r.Min).String()}, {"max", r.Max != 0, span(r.Max).String()},
		{"distance", r.Distance != 0, strconv.Itoa(r.Distance)},
	} {
		if p.set {
			parts = append(parts, p.name+"="+p.text)
		}
	}
	return strings.Join(parts, ",")
}

// IsZero reports whether nothing is set.
func (r Recrawl) IsZero() bool {
	return r.Budget == FetchRate{} && r.Min == 0 && r.Max == 0 && len(r.Value) == 0 && r.Distance == 0
}

// Type describes the value in a command's help.
func (r *Recrawl) Type() string { return "fetches/time" }

// MarshalJSON encodes the settings as an object, with durations as text.
func (r Recrawl) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // patterns are for people
	err := encoder.Encode(recrawlForm{r.Budget, span(r.Min), span(r.Max), r.Value, r.Distance})
	return bytes.TrimSpace(text.Bytes()), err
}

// UnmarshalJSON parses the settings, or their short form.
func (r *Recrawl) UnmarshalJSON(text []byte) error {
	var short string
	if json.Unmarshal(text, &short) == nil {
		return r.Set(short)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var form recrawlForm
	if err := decoder.Decode(&form); err != nil {
		return err
	}
	*r = form.settings()
	return nil
}

// UnmarshalYAML parses the settings, or their short form.
func (r *Recrawl) UnmarshalYAML(unmarshal func(any) error) error {
	var short string
	if unmarshal(&short) == nil {
		return r.Set(short)
	}
	var form recrawlForm
	if err := unmarshal(&form); err != nil {
		return err
	}
	*r = form.settings()
	return nil
}

// recrawlForm is how files and JSON have the settings.
type recrawlForm struct {
	Budget   FetchRate          `json:"budget" yaml:"budget"`
	Min      span               `json:"min,omitempty" yaml:"min"`
	Max      span               `json:"max,omitempty" yaml:"max"`
	Value    map[string]float64 `json:"value,omitempty" yaml:"value"`
	Distance int                `json:"distance,omitempty" yaml:"distance"`
}

func (f recrawlForm) settings() Recrawl {
	return Recrawl{f.Budget, time.Duration(f.Min), time.Duration(f.Max), f.Value, f.Distance}
}

// set parses a part of the short form, NAME=VALUE.
func (f *recrawlForm) set(part string) (err error) {
	name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
	switch name {
	case "min":
		return f.Min.UnmarshalText([]byte(value))
	case "max":
		return f.Max.UnmarshalText([]byte(value))
	case "distance":
		if f.Distance, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("distance: %q is not a whole number (write 2)", value)
		}
		return nil
	}
	return fmt.Errorf("%q is not part of recrawl%s: write 5000/day,min=1h,max=30d", part,
		plain.Suggest(name, []string{"min", "max", "distance"}))
}

// FetchRate is how many fetches there may be in a time, written as 50000/day.
type FetchRate struct {
	Fetches int64
	Per     time.Duration // second, minute, hour, day or week
}

type rateUnit struct {
	name string
	per  time.Duration
}

var rateUnits = []rateUnit{
	{"second", time.Second}, {"minute", time.Minute}, {"hour", time.Hour}, {"day", day}, {"week", 7 * day},
}

// PerDay returns how many fetches that are in a day; 0 without a time.
func (r FetchRate) PerDay() float64 {
	if r.Per <= 0 {
		return 0
	}
	return float64(r.Fetches) * float64(day) / float64(r.Per)
}

// Set parses a rate. The number is at least 1.
func (r *FetchRate) Set(text string) error {
	number, unit, ok := strings.Cut(strings.TrimSpace(text), "/")
	at := slices.IndexFunc(rateUnits, func(u rateUnit) bool { return u.name == strings.TrimSpace(unit) })
	fetches, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(number), "_", ""), 10, 64)
	switch {
	case !ok || at < 0 || err != nil:
		return fmt.Errorf("%q is not a budget: write a number of fetches and second, minute, hour, day or week, as in 5000/day",
			text)
	case fetches < 1:
		return fmt.Errorf("%q is a budget of no fetches: want 1 or more, or leave recrawl out for a job that ends", text)
	}
	*r = FetchRate{fetches, rateUnits[at].per}
	return nil
}

// String formats the rate as Set parses it; "" for the zero value.
func (r FetchRate) String() string {
	for _, u := range rateUnits {
		if u.per == r.Per {
			return strconv.FormatInt(r.Fetches, 10) + "/" + u.name
		}
	}
	return ""
}

// MarshalText formats the rate.
func (r FetchRate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText parses a rate. "" is the zero value.
func (r *FetchRate) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = FetchRate{}
		return nil
	}
	return r.Set(string(text))
}

// span is a duration that may be written in days.
type span time.Duration

// String formats whole days as such.
func (s span) String() string {
	if d := time.Duration(s); d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return time.Duration(s).String()
}

func (s span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s *span) UnmarshalText(text []byte) error {
	if number, ok := strings.CutSuffix(string(text), "d"); ok {
		days, err := strconv.ParseFloat(number, 64)
		if err != nil || !(days >= 0 && days*float64(day) < math.MaxInt64) { // NaN fails both comparisons
			return fmt.Errorf("%q is not a duration (write 10m, 12h or 60d)", text)
		}
		*s = span(days * float64(day))
		return nil
	}
	d, err := textform.ParseDuration(string(text))
	*s = span(d)
	return err
}
