package doctest

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// lacks reports the names that a page does not have in backquotes.
func lacks(t *testing.T, page string, names []string) {
	t.Helper()
	if len(names) == 0 {
		t.Fatalf("there is nothing to look for in %s", page)
	}
	text := read(t, page)
	for _, name := range names {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s lacks `%s`", page, name)
		}
	}
}

func TestAllFieldsOfRecordsAreDocumented(t *testing.T) {
	t.Parallel()
	var names []string
	for _, of := range []reflect.Type{
		reflect.TypeFor[crawler.Record](), reflect.TypeFor[crawler.Usage](), reflect.TypeFor[crawler.Statement](),
	} {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	lacks(t, "docs/records.md", names)
}

func TestAllOutcomesAreDocumented(t *testing.T) {
	t.Parallel()
	var names []string
	for _, o := range queue.Outcomes {
		names = append(names, string(o))
	}
	lacks(t, "docs/records.md", names)
}

func TestAllReasonsToWaitAreDocumented(t *testing.T) {
	t.Parallel()
	var names []string
	for _, r := range waiting.WaitReasons {
		names = append(names, string(r))
	}
	lacks(t, "docs/jobs.md", names)
}

var metric = regexp.MustCompile(`"(trawl_(?:job|worker|scheduler|redis|clock)_[a-z_]+)"`)

func TestAllMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	var names []string
	for _, m := range metric.FindAllStringSubmatch(goSource(t), -1) {
		if !strings.HasSuffix(m[1], "_") {
			names = append(names, m[1])
		}
	}
	lacks(t, "docs/metrics.md", names)
}

func TestAllRequestsOfTheAPIAreDocumented(t *testing.T) {
	t.Parallel()
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(read(t, "dashboard/openapi.json")), &api); err != nil {
		t.Fatal(err)
	}
	var names []string
	for path, methods := range api.Paths {
		for method := range methods {
			if method != "parameters" && path != "/openapi.json" {
				names = append(names, strings.ToUpper(method)+" "+path)
			}
		}
	}
	lacks(t, "docs/api.md", names)
}
