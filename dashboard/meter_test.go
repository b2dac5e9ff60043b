package dashboard

import (
	"net/http"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestARateIsKnownFromTheSecondReadingOn(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return begin.Add(time.Duration(seconds * float64(time.Second))) }
	running := crawler.Status{Job: crawler.Job{Name: "news"}, State: crawler.StateRunning, Created: begin}
	paused, again := running, running
	paused.State = crawler.StatePaused
	again.Created = begin.Add(time.Hour)

	m := newMeter()
	const unknown = -1
	for _, step := range []struct {
		why    string
		status crawler.Status
		at     float64
		pages  int64
		want   float64
	}{
		{"nothing to compare with", running, 0, 100, unknown},
		{"too early", running, 0.5, 150, unknown},
		{"a second later", running, 1, 200, 100},
		{"between readings that are kept", running, 1.6, 260, 100},
		{"two seconds later", running, 2, 300, 100},
		{"slower, over all", running, 4, 300, 50},
		{"it stands", running, 33, 300, 0},
		{"unread for long", running, 100, 9000, unknown},
		{"going on from there", running, 110, 9010, 1},
		{"paused", paused, 111, 9010, unknown},
		{"running again", running, 112, 9010, unknown},
		{"another job with the name", again, 114, 3, unknown},
		{"which goes on", again, 116, 7, 2},
	} {
		got := m.rate(step.status, step.pages, at(step.at))
		if got == nil && step.want != unknown || got != nil && *got != step.want {
			t.Errorf("%s: %v pages per second, want %v", step.why, got, step.want)
		}
	}
}

func TestJobsThatNobodyReadsAreForgotten(t *testing.T) {
	t.Parallel()
	m, now := newMeter(), time.Now()
	for i := range 1000 {
		status := crawler.Status{State: crawler.StateRunning}
		status.Job.Name = time.Duration(i).String()
		m.rate(status, 0, now.Add(time.Duration(i)*time.Second))
	}
	if len(m.tracks) > 32 {
		t.Errorf("%d rates are kept", len(m.tracks))
	}
}

func TestARateIsShownWhenItIsKnown(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	now := time.Now()
	s.now = func() time.Time { return now }
	s.job(t, "news")
	if a := s.get(t, "/api/v1/jobs/news"); contains(a.body, "pages_per_second") {
		t.Errorf("a rate from one reading: %s", a.body)
	}
	now = now.Add(2 * time.Second)
	s.change("news", func(r *fakeJob) { r.counters.Outcomes = map[crawler.Outcome]int64{crawler.OutcomeFetched: 5} })
	s.get(t, "/api/v1/jobs/news").want(t, http.StatusOK, `"pages_per_second": 2.5`)
	s.get(t, "/").want(t, http.StatusOK, "<b>2.5</b> pages per second")
}
