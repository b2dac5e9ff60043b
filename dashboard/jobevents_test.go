package dashboard

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
)

func TestEventsAndWebhooksOfAJobAreShown(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	if text := s.get(t, "/jobs/news").body; strings.Contains(text, "events-title") {
		t.Error("a job without events has a section for them")
	}
	at := time.Now().Add(-time.Minute).Truncate(time.Second)
	lost := event.GivenUp{Count: 3, Hosts: []event.LostHost{{Host: "a.test", Reason: "<b>refused</b>"}}}
	s.change("news", func(r *fakeJob) {
		for n := range int64(shownEvents) {
			r.events = append(r.events, event.Event{Number: n + 1, Name: crawler.EventPaused, Time: at})
		}
		r.events[0].Reason = "out of sight"
		r.events = append(r.events, event.Event{Number: shownEvents + 1, Name: crawler.EventHostGivenUp, Time: at,
			Reason: lost.String(), GivenUp: &lost})
		r.webhooks = []event.Deliveries{{URL: "https://hooks.test/secret", Delivered: 2, Failed: 1, Error: "no such host"}}
	})
	page := s.get(t, "/jobs/news")
	page.want(t, http.StatusOK, `<span class="state bad">hosts given up</span> a.test (&lt;b&gt;refused&lt;/b&gt;), and 2 other hosts`,
		`<li class="alarm">hooks.test: 2 events delivered, the last try failed: no such host</li>`)
	for _, hidden := range []string{"hooks.test/secret", "out of sight", "<b>refused"} {
		if strings.Contains(page.body, hidden) {
			t.Errorf("the page has %q", hidden)
		}
	}
	var got struct {
		Events   []eventReport
		Webhooks []event.Deliveries
	}
	s.get(t, "/api/v1/jobs/news").read(t, &got)
	if len(got.Events) != shownEvents+1 || len(got.Webhooks) != 1 || got.Webhooks[0].Failed != 1 {
		t.Fatalf("the API has %d events and webhooks %+v", len(got.Events), got.Webhooks)
	}
	want := eventReport{shownEvents + 1, crawler.EventHostGivenUp, at.UTC(), lost.String(), &lost}
	if diff := cmp.Diff(want, got.Events[shownEvents]); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	s.get(t, "/api/v1/jobs").read(t, &struct{ Jobs []struct{} }{})
}
