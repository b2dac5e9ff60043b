package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestTheNextJobIsAJobFileWithinAJobFile(t *testing.T) {
	t.Parallel()
	j := crawler.DefaultJob()
	j.Name, j.Contact = "shop", "crawl@example.org"
	j.OnDone = crawler.OnDone{Seeds: "status=200", Job: map[string]any{"depth": 2, "delay": "5s", "format": []any{"warc"},
		"on_done": map[string]any{"job": map[string]any{"name": "third"}}}}
	if err := Validate(j); err != nil {
		t.Fatal(err)
	}
	next, err := NextJob(j)
	if err != nil || next.Name != "shop-next" || next.Depth != 2 || next.Delay != 5*time.Second ||
		next.Contact != j.Contact || next.Retries != j.Retries || len(next.Format) != 1 {
		t.Errorf("got %+v (%v)", next, err)
	}
	if third, err := NextJob(next); err != nil || third.Name != "third" {
		t.Errorf("the job after it is %q (%v), want third", third.Name, err)
	}
}

func TestWhatCannotFollowAJobIsRefused(t *testing.T) {
	t.Parallel()
	settings := func(name string, value any) map[string]any { return map[string]any{name: value} }
	for want, done := range map[string]crawler.OnDone{
		"on_done.webhook.url: want":      {Webhook: crawler.Webhook{URL: "hooks.example"}},
		"on_done.webhook.url: it is one": {Webhook: crawler.Webhook{URL: "https://hooks.test/"}},
		"on_done.webhook.secret":         {Webhook: crawler.Webhook{URL: "https://end.test/", Secret: "A B"}},
		"on_done.webhook.events": {Webhook: crawler.Webhook{URL: "https://end.test/",
			Events: []crawler.EventName{crawler.EventDone}}},
		"on_done.task":                   {Task: "crawl:fetch"},
		"on_done.queue: \"crawl:seed\"":  {Task: "index", Queue: "crawl:seed"},
		"on_done.queue: \"low\"":         {Queue: "low"},
		"on_done.seeds":                  {Seeds: "status=200"},
		"on_done.links":                  {Links: true, Job: settings("name", "next")},
		"did you mean \"depth\"?":        {Job: settings("deph", 1)},
		"on_done.job: json":              {Job: settings("depth", "deep")},
		"on_done.job: per_host":          {Job: settings("per_host", 0)},
		"on_done.job.schedule":           {Job: settings("schedule", "@daily")},
		"on_done.job.name":               {Job: settings("name", "shop")},
		"on_done.job: on_done.task: \"c": {Job: settings("on_done", settings("task", "crawl:seed"))},
	} {
		j := crawler.DefaultJob()
		j.Name, j.OnDone, j.Webhooks = "shop", done, []crawler.Webhook{{URL: "https://hooks.test/"}}
		if err := Validate(j); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", done, err, want)
		}
	}
	j := crawler.DefaultJob()
	j.Name, j.Format, j.OnDone = "shop", []string{"warc"}, crawler.OnDone{Seeds: "status=200", Job: settings("name", "b")}
	if err := Validate(j); err == nil || !strings.Contains(err.Error(), "have no records") {
		t.Errorf("a job without records: got %v", err)
	}
}
