package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestRecrawlIsChecked(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	budget := crawler.FetchRate{Fetches: 5000, Per: day}
	for _, c := range []struct {
		name  string
		set   crawler.Recrawl
		alter func(*crawler.Job)
		want  string // "": it is valid
	}{
		{"a budget alone", crawler.Recrawl{Budget: budget}, nil, ""},
		{"all", crawler.Recrawl{Budget: budget, Min: time.Second, Max: 365 * day, Distance: 32,
			Value: map[string]float64{"/news/": 1000, "/old/": 0}}, nil, ""},
		{"a long min moves the default of max", crawler.Recrawl{Budget: budget, Min: 90 * day}, nil, ""},
		{"no budget", crawler.Recrawl{Max: day}, nil, `recrawl.budget: "" is empty`},
		{"too much", crawler.Recrawl{Budget: crawler.FetchRate{Fetches: 1e9, Per: time.Second}}, nil,
			`recrawl.budget: "1000000000/second" is out of range`},
		{"less than none", crawler.Recrawl{Budget: crawler.FetchRate{Fetches: -1, Per: day}}, nil,
			`"-1/day" is out of range`},
		{"min above max", crawler.Recrawl{Budget: budget, Min: 2 * day, Max: day}, nil,
			`recrawl.min: "48h0m0s" is longer than max, "24h0m0s"`},
		{"min below a second", crawler.Recrawl{Budget: budget, Min: time.Millisecond}, nil, `recrawl.min: "1ms"`},
		{"max above a year", crawler.Recrawl{Budget: budget, Max: 366 * day}, nil, "recrawl.max"},
		{"a distance beyond the bits", crawler.Recrawl{Budget: budget, Distance: 33}, nil, `recrawl.distance: "33"`},
		{"a bad pattern", crawler.Recrawl{Budget: budget, Value: map[string]float64{"/(": 2}}, nil,
			`"/(" is not a regular expression`},
		{"an empty pattern", crawler.Recrawl{Budget: budget, Value: map[string]float64{"": 2}}, nil, "is empty"},
		{"a value below 0", crawler.Recrawl{Budget: budget, Value: map[string]float64{"/a": -1}}, nil,
			`"-1" is out of range`},
		{"a schedule", crawler.Recrawl{Budget: budget}, func(j *crawler.Job) { j.Schedule = "@daily" }, "schedule"},
		{"near duplicates", crawler.Recrawl{Budget: budget},
			func(j *crawler.Job) { j.NearDuplicates = crawler.NearDuplicatesRecord }, "near_duplicates"},
	} {
		job := crawler.DefaultJob()
		job.Name, job.Recrawl = "news", c.set
		if c.alter != nil {
			c.alter(&job)
		}
		err := Validate(job)
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestTheLargestValueOfAPageCounts(t *testing.T) {
	t.Parallel()
	values, err := NewPageValues(crawler.Recrawl{Value: map[string]float64{"/news/": 5, "/news/old": 0.5, "/print": 0}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]float64{"/": 1, "/news/a": 5, "/news/old": 5, "/print": 0, "/news/print": 5} {
		u, err := crawler.ParseURL("https://site.test" + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := values.Of(u); got != want {
			t.Errorf("%s has a value of %v, want %v", path, got, want)
		}
	}
}
