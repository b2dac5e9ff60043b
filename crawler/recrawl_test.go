package crawler

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func TestRecrawlIsReadFromFilesAndFlagsAlike(t *testing.T) {
	t.Parallel()
	budget := FetchRate{Fetches: 5000, Per: 24 * time.Hour}
	for _, c := range []struct {
		name, text string
		want       Recrawl
	}{
		{"a budget", "5000/day", Recrawl{Budget: budget}},
		{"thousands", "5_000 / day", Recrawl{Budget: budget}},
		{"all that has a short form", "5000/day,min=1h,max=30d,distance=3",
			Recrawl{Budget: budget, Min: time.Hour, Max: 30 * day, Distance: 3}},
		{"parts", `{"budget": "5000/day", "max": "1.5d", "value": {"/news/": 5}}`,
			Recrawl{Budget: budget, Max: 36 * time.Hour, Value: map[string]float64{"/news/": 5}}},
		{"nothing", "", Recrawl{}},
	} {
		var flag, file, yamlFile Recrawl
		if err := flag.Set(c.text); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		text, _ := json.Marshal(c.text)
		if strings.HasPrefix(c.text, "{") {
			text = []byte(c.text)
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Errorf("%s: as JSON: %v", c.name, err)
		}
		if err := yaml.UnmarshalWithOptions(text, &yamlFile, yaml.Strict()); err != nil {
			t.Errorf("%s: as YAML: %v", c.name, err)
		}
		for what, got := range map[string]Recrawl{"a flag": flag, "JSON": file, "YAML": yamlFile} {
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s: as %s (-want +got):\n%s", c.name, what, d)
			}
		}
		var again Recrawl
		if err := again.Set(flag.String()); err != nil || !cmp.Equal(flag, again) {
			t.Errorf("%s: %q is read as %+v, %v", c.name, flag.String(), again, err)
		}
	}
}

func TestErrorsOfRecrawlQuoteTheValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0/day":                        `"0/day" is a budget of no fetches`,
		"5000":                         `"5000" is not a budget`,
		"5000/fortnight":               `"5000/fortnight" is not a budget`,
		"many/day":                     `"many/day" is not a budget`,
		"-3/day":                       `"-3/day" is a budget of no fetches`,
		"5/day,max=soon":               `"soon" is not a duration`,
		"5/day,max=NaNd":               `"NaNd" is not a duration`,
		"5/day,least=1h":               `"least=1h" is not part of recrawl`,
		"5/day,distance=1.5":           `"1.5" is not a whole number`,
		`{"budget":"5/day","limit":1}`: "limit",
	} {
		var r Recrawl
		if err := r.Set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

func TestABudgetIsCountedPerDay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"1/second": 86400, "2/hour": 48, "7/week": 1, "3/day": 3} {
		var r FetchRate
		if err := r.Set(text); err != nil || r.PerDay() != want {
			t.Errorf("%q is %v a day, %v; want %v", text, r.PerDay(), err, want)
		}
	}
	if got := (FetchRate{}).PerDay(); got != 0 {
		t.Errorf("no budget is %v a day", got)
	}
}
