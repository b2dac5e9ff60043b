package dashboard

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/tail"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// description has the parts of the API's description that the tests read.
type description struct {
	Paths      map[string]map[string]any
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct {
				Default any
			}
			Enum []string
		}
	}
}

func readDescription(t *testing.T) (d description) {
	t.Helper()
	s := newTestDashboard(t)
	a := s.get(t, apiRoot+"/openapi.json")
	a.read(t, &d)
	return d
}

func TestEveryRouteOfTheAPIIsDescribedAndNothingElseIs(t *testing.T) {
	t.Parallel()
	var routes, paths []string
	for _, r := range newTestDashboard(t).routes() {
		if path, ok := strings.CutPrefix(r.path, apiRoot); ok {
			routes = append(routes, r.method+" "+path)
		}
	}
	for path, operations := range readDescription(t).Paths {
		for method := range operations {
			if method != "parameters" {
				paths = append(paths, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(routes)
	slices.Sort(paths)
	if diff := cmp.Diff(routes, paths); diff != "" {
		t.Errorf("routes and their description differ (-routes +description):\n%s", diff)
	}
}

func TestEveryFieldIsDescribedAndNothingElseIs(t *testing.T) {
	t.Parallel()
	d := readDescription(t)
	for schema, value := range map[string]any{
		"FollowRule": crawler.FollowRule{}, "Extraction": crawler.Extraction{}, "Field": crawler.Field{},
		"Recrawl": crawler.Recrawl{}, "Freshness": crawler.Freshness{},
		"Webhook": crawler.Webhook{}, "ChangedPage": change.Page{}, "OnDone": crawler.OnDone{},
		"Rendering": crawler.Rendering{},
		"Job":       crawler.Job{}, "JobStatus": sheet{}, "Trouble": crawler.Trouble{}, "Awaited": crawler.Awaited{},
		"Periodic": periodic.Job{}, "Change": crawler.Change{}, "Run": periodic.Run{},
		"Counters": crawler.Counters{}, "Process": waiting.Member{}, "Host": hostReport{}, "HostRules": crawler.HostRules{},
		"HostDetail": hostDetail{}, "QueuedURL": queuedReport{}, "Robots": robotsReport{},
		"Fleet": fleetReport{}, "Redis": redisReport{},
		"Muted": crawler.Trap{}, "Failures": failureReport{}, "Cause": causeReport{}, "FailedURL": failedReport{},
		"FailedHost": sorryHost{}, "Retried": retryReport{}, "Distributions": spreadReport{}, "Bucket": bucketReport{},
		"RecentPages": pagesReport{}, "RecentPage": tail.Row{},
		"History": historyReport{}, "Sample": sampleReport{},
		"Event": eventReport{}, "GivenUp": event.GivenUp{}, "LostHost": event.LostHost{}, "Deliveries": event.Deliveries{},
		"Seeding": crawler.Seeding{}, "Refusal": crawler.Refusal{}, "Problem": problem{},
	} {
		var fields []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(value)) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				fields = append(fields, name)
			}
		}
		slices.Sort(fields)
		properties := slices.Sorted(maps.Keys(d.Components.Schemas[schema].Properties))
		if diff := cmp.Diff(fields, properties); diff != "" {
			t.Errorf("%s and its description differ (-fields +description):\n%s", schema, diff)
		}
	}
}

func TestTheSettingsThatCanChangeAreThoseDescribed(t *testing.T) {
	t.Parallel()
	described := slices.Sorted(maps.Keys(readDescription(t).Components.Schemas["Changes"].Properties))
	if diff := cmp.Diff(setting.Changeable(), described); diff != "" {
		t.Errorf("settings and their description differ (-settings +description):\n%s", diff)
	}
}

func TestTheRulesOfAHostThatCanChangeAreThoseDescribed(t *testing.T) {
	t.Parallel()
	described := slices.Sorted(maps.Keys(readDescription(t).Components.Schemas["HostChanges"].Properties))
	if diff := cmp.Diff(slices.Sorted(slices.Values(hostChanges)), described); diff != "" {
		t.Errorf("rules and their description differ (-rules +description):\n%s", diff)
	}
}

func TestTheDefaultsOfAJobAreThoseDescribed(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(crawler.DefaultJob())
	if err != nil {
		t.Fatal(err)
	}
	var defaults map[string]any
	if err := json.Unmarshal(text, &defaults); err != nil {
		t.Fatal(err)
	}
	delete(defaults, "name")
	said := make(map[string]any)
	for name, p := range readDescription(t).Components.Schemas["Job"].Properties {
		if p.Default != nil {
			said[name] = p.Default
		}
	}
	if diff := cmp.Diff(defaults, said); diff != "" {
		t.Errorf("defaults and their description differ (-defaults +description):\n%s", diff)
	}
}

func TestTheStatesDescribedAreThoseShown(t *testing.T) {
	t.Parallel()
	var want []string
	for _, s := range states {
		want = append(want, string(s))
	}
	if diff := cmp.Diff(want, readDescription(t).Components.Schemas["State"].Enum); diff != "" {
		t.Error(diff)
	}
}

func TestReferencesInTheDescriptionAreDefined(t *testing.T) {
	t.Parallel()
	var document any
	if err := json.Unmarshal(openAPI, &document); err != nil {
		t.Fatal(err)
	}
	for _, ref := range refsIn(document) {
		at := document
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			object, _ := at.(map[string]any)
			at = object[part]
		}
		if at == nil {
			t.Errorf("%s is not defined", ref)
		}
	}
}

// refsIn lists the references in a document.
func refsIn(v any) (refs []string) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			refs = append(refs, ref)
		}
		for _, child := range v {
			refs = append(refs, refsIn(child)...)
		}
	case []any:
		for _, child := range v {
			refs = append(refs, refsIn(child)...)
		}
	}
	return refs
}
